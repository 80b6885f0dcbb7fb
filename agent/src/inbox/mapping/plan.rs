//! A map and the columns of one file, put together once, so that rows are then read by place alone.

use std::collections::{BTreeSet, HashMap};

use kentongan_host::Lang;
use kentongan_protocol::form::builtin::{self, skm};
use kentongan_protocol::form::{Field, FieldType, Form, FormTag, MergeClass, Value};

use super::super::dates::Dates;
use super::super::fault::{FileFault, ImportFault};
use super::super::row::Row;
use super::super::values::{ValueReader, fold, is_nothing};
use super::slot::{FormPlan, Slot, Source};
use super::titles::{FORM_TITLES, FORM_WORDS, field_of, is_ordinal, is_u8_or_u9};
use super::{ByTitles, FieldRule, FormRule, Map, MapFault, Named, RuleSource, nearest};

/// How each row of a file becomes a record.
pub(in crate::inbox) struct Plan {
    choice: FormChoice,
    forms: Vec<FormPlan>,
    /// The column with the row's own id in the older system.
    pub(in crate::inbox) id: Option<usize>,
    pub(in crate::inbox) dates: Dates,
    /// Columns that go nowhere, and that nobody said should.
    pub(in crate::inbox) unused: Vec<usize>,
    /// What was put into required fields that the file has no column for.
    pub(in crate::inbox) assumed: Vec<String>,
}

enum FormChoice {
    One(FormTag),
    ByColumn { column: Option<usize>, values: HashMap<String, FormTag>, otherwise: Option<FormTag> },
}

/// The columns of a file, as a map is put together with them.
struct Titles<'t> {
    titles: &'t [String],
    folded: Vec<String>,
    complete: bool,
}

impl Plan {
    /// For a file with these titles. `complete` says that no others will come. `offset_min` is that of times which
    /// neither name an offset nor have one in the map.
    pub(in crate::inbox) fn make(
        map: &Map,
        titles: &[String],
        complete: bool,
        offset_min: i16,
    ) -> Result<Plan, ImportFault> {
        let titles = Titles { titles, folded: titles.iter().map(|title| fold(title)).collect(), complete };
        let dates = Dates { formats: map.dates.clone(), offset_min: map.offset_min.unwrap_or(offset_min) };
        let maker = Maker { map, titles, dates };
        maker.plan()
    }

    /// How this row is read; `None` if its form cannot be told.
    pub(in crate::inbox) fn form_of(&self, row: &Row) -> Option<&FormPlan> {
        let tag = match &self.choice {
            FormChoice::One(tag) => *tag,
            FormChoice::ByColumn { column, values, otherwise } => {
                let word = column.map(|column| fold(row.cell(column)));
                word.and_then(|word| values.get(&word).copied()).or(*otherwise)?
            }
        };
        self.forms.iter().find(|plan| plan.form.tag == tag)
    }
}

/// Puts a plan together.
struct Maker<'m> {
    map: &'m Map,
    titles: Titles<'m>,
    dates: Dates,
}

impl Maker<'_> {
    fn plan(self) -> Result<Plan, ImportFault> {
        let mut used = BTreeSet::new();
        let mut assumed = Vec::new();
        let choice = self.choice(&mut used)?;
        let tags: BTreeSet<FormTag> = match &choice {
            FormChoice::One(tag) => BTreeSet::from([*tag]),
            FormChoice::ByColumn { values, otherwise, .. } => values.values().copied().chain(*otherwise).collect(),
        };
        let mut forms = Vec::new();
        let chosen = used.clone();
        for form in builtin::all().iter().filter(|form| tags.contains(&form.tag)) {
            forms.push(self.form_plan(form, &chosen, &mut used, &mut assumed)?);
        }
        let id = match &self.map.id {
            Some(named) => self.titles.named(named).map_err(|fault| self.map.blame(fault))?,
            None if self.is_own_export() => self.titles.find("id"),
            None => None,
        };
        used.extend(id);
        let left_out: Vec<String> = self.map.ignore.iter().map(|title| fold(title)).collect();
        let unused = (0..self.titles.titles.len())
            .filter(|place| !used.contains(place))
            .filter(|place| self.titles.folded.get(*place).is_none_or(|folded| !left_out.contains(folded)))
            .filter(|place| self.titles.titles.get(*place).is_none_or(|title| !is_ordinal(title)))
            .collect();
        Ok(Plan { choice, forms, id, dates: self.dates, unused, assumed })
    }

    fn is_own_export(&self) -> bool {
        self.map.by_titles == ByTitles::Matched && self.titles.find("schema").is_some()
    }

    fn choice(&self, used: &mut BTreeSet<usize>) -> Result<FormChoice, ImportFault> {
        match &self.map.form {
            FormRule::One(tag) => Ok(FormChoice::One(*tag)),
            FormRule::ByColumn { column, values } => {
                let column = self.titles.named(column).map_err(|fault| self.map.blame(fault))?;
                used.extend(column);
                let values = values.iter().cloned().collect();
                Ok(FormChoice::ByColumn { column, values, otherwise: None })
            }
            FormRule::ByTitles => {
                let likely = self.likely_form();
                if let Some(column) = FORM_TITLES.iter().find_map(|title| self.titles.find(title)) {
                    used.insert(column);
                    let tag = |name: &str| builtin::by_name(name).map(|form| form.tag);
                    let values = FORM_WORDS.iter().filter_map(|(word, name)| Some((fold(word), tag(name)?))).collect();
                    return Ok(FormChoice::ByColumn { column: Some(column), values, otherwise: likely });
                }
                let titles = || self.titles.titles.to_vec();
                likely.map(FormChoice::One).ok_or_else(|| FileFault::NoForm { titles: titles() }.into())
            }
        }
    }

    /// The form that more titles fit. A complaint needs its text; a survey at least three of its elements.
    fn likely_form(&self) -> Option<FormTag> {
        let fits = |form: &'static Form| {
            let fields: BTreeSet<&str> = self
                .titles
                .titles
                .iter()
                .filter_map(|title| field_of(form, title))
                .map(|(_, field)| field.name.as_str())
                .collect();
            let elements = skm::ELEMENTS.iter().filter(|(name, _)| fields.contains(name)).count();
            let enough = if form.tag == skm::TAG { elements >= 3 } else { fields.contains("uraian") };
            enough.then_some((fields.len(), form.tag))
        };
        builtin::all().iter().filter_map(fits).max_by_key(|(count, _)| *count).map(|(_, tag)| tag)
    }

    /// `chosen` are the columns that say which form a row belongs to. What another form takes is free for this one: a row
    /// belongs to one form only.
    fn form_plan(
        &self,
        form: &'static Form,
        chosen: &BTreeSet<usize>,
        used: &mut BTreeSet<usize>,
        assumed: &mut Vec<String>,
    ) -> Result<FormPlan, ImportFault> {
        let mut slots = Vec::new();
        let mut taken = chosen.clone();
        for rule in self.map.fields.get(&form.tag).into_iter().flatten() {
            let slot = self.slot(rule).map_err(|fault| self.map.blame(fault))?;
            match &slot.source {
                Source::Column(column) => taken.extend([*column]),
                Source::Join(columns, _) | Source::First(columns) => taken.extend(columns),
                Source::Const(_) => {}
            }
            slots.push(slot);
        }
        if self.map.by_titles == ByTitles::Matched {
            self.match_titles(form, &mut slots, &mut taken)?;
            assume(form, &mut slots, assumed);
        }
        used.extend(taken);
        let place = |slot: &Slot| form.fields.iter().position(|field| field.tag == slot.field().tag);
        slots.sort_by_key(place);
        Ok(FormPlan { form, slots })
    }

    /// Gives columns that nobody has named to the fields that their titles mean. Of two columns for one field the
    /// surer is taken; the other goes nowhere, and is reported as such.
    fn match_titles(
        &self,
        form: &'static Form,
        slots: &mut Vec<Slot>,
        taken: &mut BTreeSet<usize>,
    ) -> Result<(), ImportFault> {
        let left_out: Vec<String> = self.map.ignore.iter().map(|title| fold(title)).collect();
        let mut found = Vec::new();
        let mut disputed = false;
        for (place, title) in self.titles.titles.iter().enumerate() {
            if taken.contains(&place) || left_out.contains(&fold(title)) {
                continue;
            }
            disputed |= is_u8_or_u9(form, title);
            if let Some((likeness, field)) = field_of(form, title) {
                found.push((likeness, place, field));
            }
        }
        found.sort_by_key(|(likeness, place, _)| (*likeness, *place));
        for (_, place, field) in found {
            if !slots.iter().any(|slot| slot.field().tag == field.tag) {
                taken.insert(place);
                slots.push(Slot::plain(field, Source::Column(place)));
            }
        }
        if self.is_own_export() {
            self.keep_the_code(form, slots, taken);
        }
        let has = |name: &str| slots.iter().any(|slot| slot.field().name == name);
        if disputed && !(has("pengaduan") && has("sarpras")) {
            return Err(FileFault::U8U9.into());
        }
        Ok(())
    }

    /// The citizen of a record from our own export still holds its code: it stays findable as the older number.
    fn keep_the_code(&self, form: &'static Form, slots: &mut Vec<Slot>, taken: &mut BTreeSet<usize>) {
        let (Some(code), Some(field)) = (self.titles.find("code"), form.field_named("nomor_asal")) else { return };
        let own = slots.iter().position(|slot| slot.field().tag == field.tag).map(|place| slots.remove(place));
        let columns = match own.map(|slot| slot.source) {
            Some(Source::Column(column)) => vec![column, code],
            _ => vec![code],
        };
        taken.insert(code);
        slots.push(Slot::plain(field, Source::First(columns)));
    }

    fn slot(&self, rule: &FieldRule) -> Result<Slot, MapFault> {
        let reader = ValueReader::new(rule.field);
        let value = |text: &str| {
            reader.read(text, &self.dates).map_err(|reason| {
                let name = &rule.field.name;
                MapFault::new(
                    rule.line,
                    format!("{name}: '{text}': {}", reason.sentence(Lang::Id)),
                    format!("{name}: '{text}': {}", reason.sentence(Lang::En)),
                )
            })
        };
        let meaning = |text: &str| if is_nothing(text) { Ok(None) } else { value(text).map(Some) };
        let columns = |named: &[Named]| -> Result<Vec<usize>, MapFault> {
            Ok(named
                .iter()
                .map(|named| self.titles.named(named))
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .flatten()
                .collect())
        };
        let source = match &rule.source {
            RuleSource::Const(text) => Source::Const(value(text)?),
            // A key that no line has shown yet is as empty as one that it leaves out.
            RuleSource::Column(named) => match self.titles.named(named)? {
                Some(column) => Source::Column(column),
                None => Source::First(Vec::new()),
            },
            RuleSource::First(named) => Source::First(columns(named)?),
            RuleSource::Join(named, separator) => Source::Join(columns(named)?, separator.clone()),
        };
        let mut values = HashMap::new();
        for (from, to) in &rule.values {
            values.insert(fold(from), meaning(to)?);
        }
        let default = rule.default.as_deref().map_or(Ok(None), meaning)?;
        let unknown = rule.unknown.as_deref().map_or(Ok(None), meaning)?;
        Ok(Slot { reader, source, values, default, unknown })
    }
}

/// A required choice that the file has no column for is `lainnya`, where the form has that: the rows say nothing else.
fn assume(form: &'static Form, slots: &mut Vec<Slot>, assumed: &mut Vec<String>) {
    let growing = |field: &Field| form.group(field.group).is_some_and(|group| group.merge == MergeClass::Add);
    for field in form.fields.iter().filter(|field| field.required && !growing(field)) {
        let missing = !slots.iter().any(|slot| slot.field().tag == field.tag);
        if let (true, FieldType::One(_), Some(choice)) = (missing, &field.kind, field.choice_coded("lainnya")) {
            assumed.push(format!("{}={}", field.name, choice.code));
            slots.push(Slot::plain(field, Source::Const(Value::One(choice.tag))));
        }
    }
}

impl Titles<'_> {
    /// The column with this title, as it stands or as people would say it.
    fn find(&self, title: &str) -> Option<usize> {
        let exact = self.titles.iter().position(|other| other == title);
        exact.or_else(|| {
            let folded = fold(title);
            self.folded.iter().position(|other| *other == folded)
        })
    }

    /// The column that a map names. `None` only if it may still come.
    fn named(&self, named: &Named) -> Result<Option<usize>, MapFault> {
        let found = self.find(&named.title);
        if found.is_some() || !self.complete {
            return Ok(found);
        }
        let title = &named.title;
        let near = nearest(title, self.names());
        Err(match near {
            Some(near) => MapFault::new(
                named.line,
                format!("berkas tidak punya kolom '{title}', mungkin maksudnya '{near}'"),
                format!("the file has no column '{title}'; '{near}' may be meant"),
            ),
            None => MapFault::new(
                named.line,
                format!("berkas tidak punya kolom '{title}'"),
                format!("the file has no column '{title}'"),
            ),
        })
    }
}

impl<'t> Titles<'t> {
    fn names(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        self.titles.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(titles: &[&str]) -> Vec<String> {
        titles.iter().map(|title| (*title).to_owned()).collect()
    }

    fn plan(map: &str, columns: &[&str]) -> Result<Plan, String> {
        let map = Map::parse("map.toml", map).expect("a map");
        Plan::make(&map, &titles(columns), true, 420).map_err(|fault| fault.sentence(Lang::En))
    }

    fn row(cells: &[&str]) -> Row {
        let mut row = Row::default();
        cells.iter().for_each(|cell| row.push(cell));
        row
    }

    /// Fields with values in their text, of a row under a plan.
    fn read(plan: &Plan, cells: &[&str]) -> Vec<(String, String)> {
        let row = row(cells);
        let form = plan.form_of(&row).expect("a form");
        let value =
            |slot: &Slot| slot.read(&row, &plan.dates).expect("a value").map(|value| value.render(slot.field()));
        form.slots.iter().filter_map(|slot| Some((slot.field().name.clone(), value(slot)?))).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn titles_alone_tell_form_and_fields() {
        let plan = plan("", &["No", "Isi Laporan", "Kategori Aduan", "Media", "Paraf"]).expect("a plan");
        let expected = pairs(&[("uraian", "Antre lama"), ("kategori", "antrean"), ("kanal", "surat")]);
        assert_eq!(read(&plan, &["1", "Antre lama", "Antrean", "Surat", "x"]), expected);
        assert_eq!((plan.unused, plan.assumed), (vec![4], vec![]));
    }

    #[test]
    fn a_required_choice_without_a_column_is_assumed_and_said() {
        let plan = plan("", &["Isi Laporan", "Nama"]).expect("a plan");
        assert_eq!(plan.assumed, ["kategori=lainnya", "kanal=lainnya"]);
        let expected = pairs(&[("uraian", "x"), ("kategori", "lainnya"), ("kanal", "lainnya")]);
        assert_eq!(read(&plan, &["x", "-"]), expected);
    }

    #[test]
    fn the_map_goes_before_the_titles() {
        let map = r#"
            form = "pengaduan"
            ignore = ["Status"]
            [fields]
            lokasi = { from = ["Dusun", "RT"], separator = ", " }
            kategori = { from = "Jenis", values = { "Jalan rusak" = "infrastruktur", "?" = "" }, default = "lainnya" }
            telepon_pelapor = { first = ["WA", "Telp"] }
            kanal = { const = "surat" }
        "#;
        let columns = ["Isi", "Keluhan", "Dusun", "RT", "Jenis", "WA", "Telp", "Status"];
        let plan = plan(map, &columns).expect("a plan");
        let cells = |kind| ["", "Jembatan putus", "Dua", "03", kind, "-", "0800 555 0100", "baru"];
        let expected = |kind| {
            let mut all = vec![("telepon_pelapor", "08005550100"), ("uraian", "Jembatan putus")];
            all.extend(kind);
            all.extend([("lokasi", "Dua, 03"), ("kanal", "surat")]);
            pairs(&all)
        };
        assert_eq!(read(&plan, &cells("JALAN RUSAK")), expected(Some(("kategori", "infrastruktur"))));
        assert_eq!(read(&plan, &cells("Antrean")), expected(Some(("kategori", "antrean"))));
        assert_eq!(read(&plan, &cells("lain sekali")), expected(Some(("kategori", "lainnya"))));
        assert_eq!(read(&plan, &cells("")), expected(Some(("kategori", "lainnya"))));
        assert_eq!(read(&plan, &cells("?")), expected(None));
        assert_eq!(plan.unused, [0]);
    }

    #[test]
    fn unknown_takes_the_place_of_unknown_choices_only() {
        let map = "form = \"skm\"\n[fields]\npekerjaan = { from = \"Kerja\", unknown = \"lainnya\" }";
        let plan = plan(map, &["Kerja", "U1"]).expect("a plan");
        assert_eq!(read(&plan, &["Nelayan", "4"]), pairs(&[("pekerjaan", "lainnya"), ("persyaratan", "4")]));
        assert_eq!(read(&plan, &["", "4"]), pairs(&[("persyaratan", "4")]));
    }

    #[test]
    fn a_column_that_the_file_lacks_is_answered_with_the_nearest() {
        let map = "form = \"pengaduan\"\n[fields]\nuraian = \"Isi Laporn\"";
        let fault = plan(map, &["Isi Laporan", "Nama"]).map(|_| ()).expect_err("a fault");
        assert_eq!(fault, "map.toml, line 3: the file has no column 'Isi Laporn'; 'Isi Laporan' may be meant");
        let bad = "form = \"skm\"\n[fields]\nusia = { from = \"Umur\", default = \"tua\" }";
        let fault = plan(bad, &["Umur"]).map(|_| ()).expect_err("a fault");
        assert!(fault.starts_with("map.toml, line 3: usia: 'tua': This must be a whole number"), "{fault}");
    }

    #[test]
    fn bare_u8_and_u9_are_refused_until_somebody_says_which_is_which() {
        let columns = ["U1", "U2", "U3", "U8", "U9"];
        let fault = plan("form = \"skm\"", &columns).map(|_| ()).expect_err("a fault");
        assert!(fault.starts_with("The columns U8 and U9 have two meanings"), "{fault}");
        let map = "form = \"skm\"\n[fields]\nsarpras = \"U8\"\npengaduan = \"U9\"";
        let plan = plan(map, &columns).expect("a plan");
        let read = read(&plan, &["1", "2", "3", "4", "1"]);
        assert_eq!(read[3..], pairs(&[("pengaduan", "1"), ("sarpras", "4")]));
    }

    #[test]
    fn our_own_export_is_known_by_its_schema_row_by_row() {
        let columns = ["schema", "id", "code", "office", "form", "uraian", "kategori", "kanal", "persyaratan"];
        let plan = plan("", &columns).expect("a plan");
        let complaint = ["kentongan.complaint/1", "a-1", "KTG-7", "32", "pengaduan", "Antre", "antrean", "wa", ""];
        let expected = pairs(&[("uraian", "Antre"), ("kategori", "antrean"), ("kanal", "wa"), ("nomor_asal", "KTG-7")]);
        assert_eq!(read(&plan, &complaint), expected);
        let survey = ["kentongan.survey/1", "a-2", "", "32", "skm", "", "", "", "4"];
        assert_eq!(read(&plan, &survey), pairs(&[("persyaratan", "4")]));
        assert_eq!(plan.id, Some(1));
    }

    #[test]
    fn a_column_that_both_forms_know_serves_the_rows_of_both() {
        let plan = plan("", &["form", "layanan", "uraian", "kategori", "kanal", "persyaratan"]).expect("a plan");
        let complaint = read(&plan, &["pengaduan", "KTP", "Antre", "antrean", "wa", ""]);
        let fields = [("uraian", "Antre"), ("kategori", "antrean"), ("layanan", "KTP"), ("kanal", "wa")];
        assert_eq!(complaint, pairs(&fields));
        let survey = read(&plan, &["skm", "KTP", "", "", "loket", "4"]);
        assert_eq!(survey, pairs(&[("layanan", "KTP"), ("persyaratan", "4"), ("kanal", "loket")]));
    }

    #[test]
    fn a_file_that_fits_no_form_is_refused_with_its_titles() {
        let fault = plan("", &["Barang", "Harga"]).map(|_| ()).expect_err("a fault");
        assert!(fault.contains("Titles: Barang, Harga."), "{fault}");
    }
}
