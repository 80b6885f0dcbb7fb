//! The columns of a table: what is known of every record, then the fields of its form.

use kentongan_host::{Lang, moment};
use kentongan_protocol::calendar::Zone;
use kentongan_protocol::form::builtin::{self, pengaduan, skm, suara};
use kentongan_protocol::form::{Field, FieldType, Form, Group, MergeClass};
use kentongan_protocol::ids::OfficeCode;
use serde_json::{Map, Value};

use super::Cell;
use crate::service::export::What;

/// Longest text of a cell, in bytes: what spreadsheets hold.
const CELL_BYTES_MAX: usize = 32_000;

/// How choices and columns are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// By their stable codes, for programs.
    Coded,
    /// In words, for people.
    InWords(Lang),
}

/// The columns of a table.
#[derive(Debug)]
pub(crate) struct Layout {
    columns: Vec<Column>,
    said: Said,
}

#[derive(Debug)]
struct Column {
    /// Its key in the record's object.
    key: String,
    title: [String; 2],
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    Number,
    Day,
    /// A time as text.
    Moment,
    /// A time with its source and error.
    Dated,
    /// Times that people typed with their zone.
    Typed,
    Choice(Field),
    /// The entries of a growing group.
    Entries(Vec<Field>),
    /// Groups with values side by side.
    Conflicts,
}

impl Layout {
    /// Of what is exported.
    pub(crate) fn of(what: What, said: Said) -> Layout {
        let columns = match what {
            What::Complaints => of_form(builtin::by_tag(pengaduan::TAG)),
            What::Surveys => of_form(builtin::by_tag(skm::TAG)),
            What::Votes => of_form(builtin::by_tag(suara::TAG)),
            What::Offices => vec![
                column("office", "Kode kantor", "Office code", Kind::Text),
                column("name", "Nama kantor", "Name of the office", Kind::Text),
                column("added_at", "Ditambahkan pada", "Added at", Kind::Moment),
                column("devices", "Perangkat", "Devices", Kind::Number),
            ],
        };
        Layout { columns, said }
    }

    /// The row with the names of the columns.
    pub(crate) fn titles(&self) -> Vec<Cell> {
        let title = |column: &Column| match (self.said, &column.title) {
            (Said::Coded, _) => column.key.clone(),
            (Said::InWords(Lang::Id), [id, _]) => id.clone(),
            (Said::InWords(Lang::En), [_, en]) => en.clone(),
        };
        self.columns.iter().map(|column| Cell::Text(title(column))).collect()
    }

    /// The row of a record.
    pub(crate) fn row(&self, record: &Map<String, Value>) -> Vec<Cell> {
        let office: Option<OfficeCode> =
            record.get("office").and_then(Value::as_str).and_then(|code| code.parse().ok());
        let zone = office.as_ref().map_or(Zone::Wib, Zone::of);
        self.columns.iter().map(|column| self.cell(column, record.get(&column.key), zone)).collect()
    }

    fn cell(&self, column: &Column, value: Option<&Value>, zone: Zone) -> Cell {
        let Some(value) = value.filter(|value| !value.is_null()) else { return Cell::Empty };
        match &column.kind {
            Kind::Text => text(plain(value)),
            Kind::Number if value.is_number() => Cell::Number(value.to_string()),
            Kind::Number => text(plain(value)),
            Kind::Day => Cell::Day(plain(value)),
            Kind::Moment | Kind::Typed => self::moment(&plain(value), zone),
            Kind::Dated => self::moment(&plain(value.get("value").unwrap_or(&Value::Null)), zone),
            Kind::Choice(field) => text(self.choice(field, &plain(value))),
            Kind::Entries(fields) => {
                let entries = value.as_array().into_iter().flatten();
                text(entries.map(|entry| self.entry(fields, entry, zone)).collect::<Vec<_>>().join("\n"))
            }
            Kind::Conflicts => {
                let groups = value.as_array().into_iter().flatten().filter_map(|conflict| conflict.get("group"));
                text(groups.map(plain).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// `2026-11-21 Siti: text; text`
    fn entry(&self, fields: &[Field], entry: &Value, zone: Zone) -> String {
        let at = entry.get("written_at").and_then(|at| at.get("value")).map(plain).unwrap_or_default();
        let day = moment::parse(&at).map(|at_ms| zone.day_of(at_ms).to_string()).unwrap_or_default();
        let author = entry.get("author").map(plain).unwrap_or_default();
        let said = |field: &Field| {
            let value = entry.get(&field.name).filter(|value| !value.is_null())?;
            Some(self.choice(field, &plain(value)))
        };
        format!("{day} {author}: {}", fields.iter().filter_map(said).collect::<Vec<_>>().join("; "))
    }

    /// Choices in words, if they are wished for so; everything else as it is.
    fn choice(&self, field: &Field, coded: &str) -> String {
        let Said::InWords(lang) = self.said else { return coded.to_owned() };
        if field.choices().is_empty() {
            return coded.to_owned();
        }
        let word = |code: &str| {
            field.choice_coded(code).map_or_else(|| code.to_owned(), |choice| choice.label.in_lang(lang).to_owned())
        };
        coded.split(';').map(word).collect::<Vec<_>>().join(", ")
    }
}

fn of_form(form: Option<&'static Form>) -> Vec<Column> {
    let Some(form) = form else { return Vec::new() };
    let mut columns = vec![
        column("code", "Kode", "Code", Kind::Text),
        column("office", "Kode kantor", "Office code", Kind::Text),
        column("entered_at", "Dicatat pada", "Entered at", Kind::Dated),
        column("received_at", "Sampai di pusat pada", "Arrived at the hub at", Kind::Moment),
        column("author", "Dicatat oleh", "Entered by", Kind::Text),
    ];
    if !form.receipt {
        columns.remove(0);
    }
    for group in &form.groups {
        match group.merge {
            MergeClass::Add => columns.push(entries(form, group)),
            _ => columns.extend(form.fields_of(group.tag).map(of_field)),
        }
    }
    columns.push(column("conflicts", "Bentrok", "Conflicts", Kind::Conflicts));
    columns.push(column("id", "Nama catatan", "Record id", Kind::Text));
    columns
}

fn of_field(field: &Field) -> Column {
    let kind = match &field.kind {
        FieldType::Whole { .. } | FieldType::Decimal { .. } => Kind::Number,
        FieldType::One(_) | FieldType::Many(_) => Kind::Choice(field.clone()),
        FieldType::Date => Kind::Day,
        FieldType::DateTime => Kind::Typed,
        _ => Kind::Text,
    };
    column(&field.name, &field.label.id, &field.label.en, kind)
}

fn entries(form: &Form, group: &Group) -> Column {
    let fields = form.fields_of(group.tag).cloned().collect();
    column(&group.name, &group.label.id, &group.label.en, Kind::Entries(fields))
}

fn column(key: &str, id: &str, en: &str, kind: Kind) -> Column {
    Column { key: key.to_owned(), title: [id.to_owned(), en.to_owned()], kind }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn text(mut text: String) -> Cell {
    if text.len() > CELL_BYTES_MAX {
        let end = (0..=CELL_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
}

/// A moment by the clocks of a zone. What is no moment stays a text.
fn moment(said: &str, zone: Zone) -> Cell {
    let Some(at_ms) = moment::parse(said) else { return text(said.to_owned()) };
    // Shifted by the zone, what is UTC reads as that zone's clocks do.
    let shifted = moment::text(at_ms.saturating_add(zone.hours() * 3_600_000).div_euclid(1_000).saturating_mul(1_000));
    Cell::Moment { utc: moment::text(at_ms), there: shifted.trim_end_matches('Z').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_complaint_is_a_row_with_its_choices_in_words_and_times_by_the_clocks_of_its_office() {
        let record = json!({
            "code": "KTG-7K3M-Q2H9D-R", "office": "81.01.01.2001", "author": "Siti",
            "entered_at": {"value": "2026-11-21T20:05:00Z", "source": "contact", "error_ms": 20},
            "kategori": "antrean", "uraian": "=1+1", "dibayar": 25000, "tanggal_kejadian": "2026-11-20",
            "status": null, "catatan": [
                {"catatan": "sudah ditelepon", "author": "Budi", "written_at": {"value": "2026-11-22T01:00:00Z"}},
                {"catatan": "datang lagi", "author": "Siti", "written_at": {"value": "2026-11-22T16:00:00Z"}},
            ],
            "conflicts": [{"group": "jawaban", "values": []}],
        });
        let layout = Layout::of(What::Complaints, Said::InWords(Lang::Id));
        let (titles, row) = (layout.titles(), layout.row(record.as_object().expect("an object")));
        assert_eq!(titles.len(), row.len());
        let cell = |title: &str| {
            let place = titles.iter().position(|cell| *cell == Cell::Text(title.to_owned())).expect(title);
            row[place].clone()
        };
        assert_eq!(cell("Kategori"), Cell::Text("Antrean".into()));
        assert_eq!(cell("Uraian"), Cell::Text("=1+1".into()));
        assert_eq!(cell("Yang dibayar (Rp)"), Cell::Number("25000".into()));
        assert_eq!(cell("Tanggal kejadian"), Cell::Day("2026-11-20".into()));
        assert_eq!(cell("Status"), Cell::Empty);
        let there = "2026-11-22T05:05:00".to_owned();
        assert_eq!(cell("Dicatat pada"), Cell::Moment { utc: "2026-11-21T20:05:00Z".into(), there });
        let remarks = "2026-11-22 Budi: sudah ditelepon\n2026-11-23 Siti: datang lagi";
        assert_eq!(cell("Catatan"), Cell::Text(remarks.into()));
        assert_eq!(cell("Bentrok"), Cell::Text("jawaban".into()));
        let coded = Layout::of(What::Complaints, Said::Coded);
        assert!(coded.titles().contains(&Cell::Text("tanggal_kejadian".into())));
        assert!(coded.row(record.as_object().expect("an object")).contains(&Cell::Text("antrean".into())));
    }

    #[test]
    fn every_survey_question_has_its_column() {
        let titles = Layout::of(What::Surveys, Said::Coded).titles();
        for question in ["persyaratan", "prosedur", "waktu", "biaya", "produk", "kompetensi", "perilaku", "sarpras"] {
            assert!(titles.contains(&Cell::Text(question.to_owned())), "{question}");
        }
        assert!(!titles.contains(&Cell::Text("code".to_owned())), "a survey has no receipt");
        let votes = Layout::of(What::Votes, Said::Coded).titles();
        assert!(["nilai", "terlalu_cepat"].iter().all(|title| votes.contains(&Cell::Text((*title).to_owned()))));
    }
}
