//! The text of a map, read word by word so that every mistake has a line and, where there is one, a better word.

use std::ops::Range;

use kentongan_protocol::form::{FieldType, Form, FormTag, builtin};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::dates::{Format, read_offset};
use super::super::reader::Encoding;
use super::super::values::fold;
use super::{ByTitles, FieldRule, FormRule, Map, MapFault, Named, RuleSource, nearest};

const KEYS: [&str; 13] = [
    "form",
    "dates",
    "offset",
    "author",
    "id",
    "ignore",
    "automatic",
    "sheet",
    "header_row",
    "delimiter",
    "encoding",
    "fields",
    "comment",
];
const RULE_KEYS: [&str; 7] = ["from", "first", "separator", "const", "values", "default", "unknown"];

type Outcome<T> = Result<T, MapFault>;

pub(super) fn parse(text: &str) -> Outcome<Map> {
    let lines = Lines(text);
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(0, |span| lines.of(span));
        let what = error.message().lines().next().unwrap_or_default().to_owned();
        MapFault::new(line, format!("TOML: {what}"), format!("TOML: {what}"))
    })?;
    let mut map = Map::default();
    let mut plain_fields = None;
    for (key, value) in table.get_ref() {
        let value = Node { value, lines: &lines };
        match key.get_ref().as_ref() {
            "form" => map.form = form_rule(&value)?,
            "dates" => map.dates = formats(&value)?,
            "offset" => map.offset_min = Some(offset(&value)?),
            "author" => map.author = Some(value.text()?.to_owned()),
            "id" => map.id = Some(value.named()?),
            "ignore" => map.ignore = value.list()?.iter().map(Node::text_owned).collect::<Outcome<_>>()?,
            "automatic" if value.boolean()? => map.by_titles = ByTitles::Matched,
            "automatic" => map.by_titles = ByTitles::LeftOut,
            "sheet" => map.hints.sheet = Some(value.text()?.to_owned()),
            "header_row" => map.hints.header_row = Some(value.positive()?),
            "delimiter" => map.hints.delimiter = Some(delimiter(&value)?),
            "encoding" => map.hints.encoding = Some(encoding(&value)?),
            "fields" => plain_fields = Some(value),
            "comment" => {}
            name => match builtin::by_name(name) {
                Some(form) => {
                    map.fields.entry(form.tag).or_default().extend(form_table(form, &value)?);
                }
                None => return Err(unknown_key(lines.of(key.span()), name, known_keys())),
            },
        }
    }
    if let Some(fields) = plain_fields {
        let FormRule::One(tag) = map.form else {
            return Err(fields.fault(
                "[fields] hanya untuk satu formulir. Tulis form = \"pengaduan\", atau [pengaduan.fields]",
                "[fields] is for one form only. Write form = \"pengaduan\", or [pengaduan.fields]",
            ));
        };
        if let Some(form) = builtin::by_tag(tag) {
            map.fields.entry(tag).or_default().extend(field_rules(form, &fields)?);
        }
    }
    Ok(map)
}

fn known_keys() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().chain(builtin::all().iter().map(|form| form.name.as_str()))
}

fn unknown_key<'c>(line: usize, key: &str, known: impl IntoIterator<Item = &'c str>) -> MapFault {
    match nearest(key, known) {
        Some(near) => MapFault::new(
            line,
            format!("'{key}' tidak dikenal, mungkin maksudnya '{near}'"),
            format!("'{key}' is not known; '{near}' may be meant"),
        ),
        None => MapFault::new(line, format!("'{key}' tidak dikenal"), format!("'{key}' is not known")),
    }
}

fn form_rule(value: &Node<'_, '_>) -> Outcome<FormRule> {
    if value.is_text() {
        return Ok(FormRule::One(form_named(value)?));
    }
    let mut column = None;
    let mut values = Vec::new();
    for (key, line, value) in value.entries()? {
        match key {
            "column" => column = Some(value.named()?),
            "values" => {
                for (from, _, to) in value.entries()? {
                    values.push((fold(from), form_named(&to)?));
                }
            }
            other => return Err(unknown_key(line, other, ["column", "values"])),
        }
    }
    match (column, values.is_empty()) {
        (Some(column), false) => Ok(FormRule::ByColumn { column, values }),
        _ => Err(value.fault("[form] perlu column dan values", "[form] needs column and values")),
    }
}

fn form_named(value: &Node<'_, '_>) -> Outcome<FormTag> {
    let name = value.text()?;
    let known = || builtin::all().iter().map(|form| form.name.as_str());
    builtin::by_name(name).map(|form| form.tag).ok_or_else(|| unknown_key(value.line(), name, known()))
}

fn form_table(form: &'static Form, value: &Node<'_, '_>) -> Outcome<Vec<FieldRule>> {
    let mut rules = Vec::new();
    for (key, line, value) in value.entries()? {
        match key {
            "fields" => rules.extend(field_rules(form, &value)?),
            other => return Err(unknown_key(line, other, ["fields"])),
        }
    }
    Ok(rules)
}

fn field_rules(form: &'static Form, value: &Node<'_, '_>) -> Outcome<Vec<FieldRule>> {
    let mut rules = Vec::new();
    for (name, line, value) in value.entries()? {
        let known = || form.fields.iter().map(|field| field.name.as_str());
        let field = form.field_named(name).ok_or_else(|| unknown_key(line, name, known()))?;
        let mut rule = FieldRule {
            field,
            line,
            source: RuleSource::Join(Vec::new(), String::new()),
            values: Vec::new(),
            default: None,
            unknown: None,
        };
        if value.is_text() {
            rule.source = RuleSource::Column(value.named()?);
        } else {
            fill(&mut rule, &value)?;
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn fill(rule: &mut FieldRule, value: &Node<'_, '_>) -> Outcome<()> {
    let mut sources = Vec::new();
    let mut separator = " ".to_owned();
    for (key, line, value) in value.entries()? {
        match key {
            "from" if value.is_text() => sources.push(RuleSource::Column(value.named()?)),
            "from" => sources.push(RuleSource::Join(value.titles()?, String::new())),
            "first" => sources.push(RuleSource::First(value.titles()?)),
            "const" => sources.push(RuleSource::Const(value.scalar()?)),
            "separator" => separator = value.text()?.to_owned(),
            "values" => {
                for (from, _, to) in value.entries()? {
                    rule.values.push((from.to_owned(), to.scalar()?));
                }
            }
            "default" => rule.default = Some(value.scalar()?),
            "unknown" if matches!(rule.field.kind, FieldType::One(_)) => rule.unknown = Some(value.scalar()?),
            "unknown" => {
                return Err(value.fault("unknown hanya untuk isian pilihan", "unknown is for choices only"));
            }
            other => return Err(unknown_key(line, other, RULE_KEYS)),
        }
    }
    match sources.as_slice() {
        [RuleSource::Join(titles, _)] => rule.source = RuleSource::Join(titles.clone(), separator),
        [source] => rule.source = source.clone(),
        _ => {
            return Err(
                value.fault("perlu satu dari: from, first, const", "one of these is needed: from, first, const")
            );
        }
    }
    Ok(())
}

fn formats(value: &Node<'_, '_>) -> Outcome<Vec<Format>> {
    let read = |value: &Node<'_, '_>| {
        Format::parse(value.text()?).ok_or_else(|| {
            value.fault(
                "format tanggal perlu hari, bulan dan tahun. Contoh: \"%d/%m/%Y\"",
                "a date format needs day, month and year. Example: \"%d/%m/%Y\"",
            )
        })
    };
    if value.is_text() { Ok(vec![read(value)?]) } else { value.list()?.iter().map(read).collect() }
}

fn offset(value: &Node<'_, '_>) -> Outcome<i16> {
    read_offset(value.text()?)
        .ok_or_else(|| value.fault("tulis seperti \"+07:00\" atau \"WIB\"", "write it like \"+07:00\" or \"WIB\""))
}

fn delimiter(value: &Node<'_, '_>) -> Outcome<u8> {
    match value.text()?.as_bytes() {
        b"\\t" | b"tab" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'"' => Ok(*byte),
        _ => Err(value.fault("pemisah harus satu tanda, misalnya \";\"", "a separator is one sign, such as \";\"")),
    }
}

fn encoding(value: &Node<'_, '_>) -> Outcome<Encoding> {
    match fold(value.text()?).as_str() {
        "utf8" => Ok(Encoding::Utf8),
        "windows1252" | "cp1252" | "ansi" | "latin1" => Ok(Encoding::Windows1252),
        _ => Err(value.fault("pilih \"utf-8\" atau \"windows-1252\"", "choose \"utf-8\" or \"windows-1252\"")),
    }
}

/// Finds the line of a place in the text.
struct Lines<'t>(&'t str);

impl Lines<'_> {
    fn of(&self, span: Range<usize>) -> usize {
        1 + self.0.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
    }
}

/// A value of the map that knows its line.
struct Node<'v, 't> {
    value: &'v Spanned<DeValue<'t>>,
    lines: &'v Lines<'t>,
}

impl<'v, 't> Node<'v, 't> {
    fn line(&self) -> usize {
        self.lines.of(self.value.span())
    }

    fn fault(&self, id: &str, en: &str) -> MapFault {
        MapFault::new(self.line(), id, en)
    }

    fn is_text(&self) -> bool {
        self.value.get_ref().is_str()
    }

    fn text(&self) -> Outcome<&'v str> {
        let text = self.value.get_ref().as_str();
        text.ok_or_else(|| self.fault("harus teks di dalam tanda kutip", "this must be a text in quotation marks"))
    }

    fn text_owned(&self) -> Outcome<String> {
        self.text().map(str::to_owned)
    }

    /// A text, number or truth value as a cell would hold it.
    fn scalar(&self) -> Outcome<String> {
        match self.value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => Ok(number.as_str().to_owned()),
            DeValue::Boolean(value) => Ok(value.to_string()),
            _ => Err(self.fault("harus teks atau angka", "this must be a text or a number")),
        }
    }

    fn boolean(&self) -> Outcome<bool> {
        self.value.get_ref().as_bool().ok_or_else(|| self.fault("harus true atau false", "this must be true or false"))
    }

    fn positive(&self) -> Outcome<u64> {
        let number = self.value.get_ref().as_integer().and_then(|number| number.as_str().parse().ok());
        number
            .filter(|number| *number > 0)
            .ok_or_else(|| self.fault("harus angka mulai 1", "this must be a number from 1"))
    }

    fn named(&self) -> Outcome<Named> {
        Ok(Named { title: self.text_owned()?, line: self.line() })
    }

    fn list(&self) -> Outcome<Vec<Node<'v, 't>>> {
        match self.value.get_ref().as_array() {
            Some(array) => Ok(array.iter().map(|value| Node { value, lines: self.lines }).collect()),
            None => Err(self.fault("harus daftar di dalam [ ]", "this must be a list in [ ]")),
        }
    }

    fn titles(&self) -> Outcome<Vec<Named>> {
        self.list()?.iter().map(Node::named).collect()
    }

    /// Keys with their lines and values.
    fn entries(&self) -> Outcome<Vec<(&'v str, usize, Node<'v, 't>)>> {
        match self.value.get_ref().as_table() {
            Some(table) => Ok(table
                .iter()
                .map(|(key, value)| {
                    (key.get_ref().as_ref(), self.lines.of(key.span()), Node { value, lines: self.lines })
                })
                .collect()),
            None => Err(self.fault("harus tabel", "this must be a table")),
        }
    }
}

#[cfg(test)]
mod tests {
    use kentongan_host::Lang;
    use kentongan_protocol::form::builtin::{pengaduan, skm};
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> String {
        Map::parse("map.toml", text).map(|_| ()).expect_err("a fault").sentence(Lang::En)
    }

    #[test]
    fn a_whole_map_is_understood() {
        let text = r#"
            dates = ["%d/%m/%Y", "%Y-%m-%d"]
            offset = "WIT"
            author = "Arsip 2025"
            id = "No"
            ignore = ["Paraf"]
            [form]
            column = "kind"
            values = { complaint = "pengaduan", skm = "skm" }
            [pengaduan.fields]
            uraian = "Isi Laporan"
            kategori = { from = "Jenis", values = { "Jalan rusak" = "infrastruktur" }, default = "lainnya" }
            lokasi = { from = ["Dusun", "RT"], separator = ", " }
            kanal = { const = "surat" }
            [skm.fields]
            usia = { first = ["Umur", "Usia"] }
        "#;
        let map = Map::parse("map.toml", text).expect("a map");
        let FormRule::ByColumn { column, values } = &map.form else { panic!("{:?}", map.form) };
        assert_eq!((column.title.as_str(), column.line), ("kind", 8));
        assert_eq!(values, &[("complaint".to_owned(), pengaduan::TAG), ("skm".to_owned(), skm::TAG)]);
        assert_eq!((map.offset_min, map.author.as_deref(), map.dates.len()), (Some(540), Some("Arsip 2025"), 2));
        assert_eq!((map.fields[&pengaduan::TAG].len(), map.fields[&skm::TAG].len()), (4, 1));
    }

    #[test]
    fn every_mistake_names_file_line_and_the_nearest_word() {
        for (text, expected) in [
            ("forn = \"skm\"", "map.toml, line 1: 'forn' is not known; 'form' may be meant"),
            ("\nform = \"pengaduam\"", "map.toml, line 2: 'pengaduam' is not known; 'pengaduan' may be meant"),
            ("form = \"skm\"\n[fields]\nusai = \"x\"", "map.toml, line 3: 'usai' is not known; 'usia' may be meant"),
            ("[skm.fields]\nusia = { form = \"x\" }", "map.toml, line 2: 'form' is not known; 'from' may be meant"),
            ("[skm]\nfeilds = 1", "map.toml, line 2: 'feilds' is not known; 'fields' may be meant"),
            ("dates = [\"%d %m\"]", "map.toml, line 1: a date format needs day, month and year. Example: \"%d/%m/%Y\""),
            ("[skm.fields]\nusia = {}", "map.toml, line 2: one of these is needed: from, first, const"),
            ("[skm.fields]\nusia = 5", "map.toml, line 2: this must be a table"),
            (
                "[fields]\nusia = \"x\"",
                "map.toml, line 1: [fields] is for one form only. Write form = \"pengaduan\", or [pengaduan.fields]",
            ),
        ] {
            assert_eq!(fault(text), expected);
        }
        assert!(fault("a = \n[").starts_with("map.toml, line 1: TOML: "), "{}", fault("a = \n["));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_map_panic(
            text in "(form|dates|id|ignore|fields|skm|pengaduan|uraian|kategori| |=|\"|\\.|\\[|\\]|\\{|\\}|,|\n|true|1|é){0,30}",
        ) {
            let _ = Map::parse("map.toml", &text);
        }
    }
}
