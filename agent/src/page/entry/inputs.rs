//! From a form's definition to the inputs of a page, and from what was typed there to values.

use std::collections::BTreeMap;

use kentongan_protocol::form::{Civil, Fault, Field, FieldTag, FieldType, Form, Pattern, Reason, Value, check_create};
use kentongan_web::{Fields, Words};

use super::layout;
use crate::entry::NewRecord;
use crate::inbox;
use crate::store::Inputs;
use kentongan_web::Clock;

/// Choices that stand side by side; more are a menu.
const RADIOS_MAX: usize = 4;
/// Beyond so many characters a text is written in several lines.
const LINE_CHARS_MAX: u32 = 500;
/// From so many characters on, those that were typed are counted.
const COUNTED_CHARS: u32 = 1_000;

/// A section of the page.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) questions: Vec<Question>,
    pub(super) is_folded: bool,
    pub(super) is_open: bool,
}

/// A question with what stands in it.
#[derive(Debug)]
pub(in super::super) struct Question {
    /// Name of the input, and after `f-` its id.
    pub(in super::super) name: String,
    pub(in super::super) label: String,
    pub(in super::super) hint: &'static str,
    pub(in super::super) width: &'static str,
    pub(in super::super) is_required: bool,
    pub(in super::super) fault: String,
    pub(in super::super) input: Input,
    /// The question and the answers to it without which this one makes no sense: `pekerjaan=lainnya`.
    pub(in super::super) relevant: String,
}

/// How a question is answered.
#[derive(Debug)]
pub(in super::super) enum Input {
    /// One line; the keyboard a tablet shows.
    Line { value: String, chars_max: u32, keyboard: &'static str },
    /// Several lines.
    Long { value: String, chars_max: u32, is_counted: bool },
    /// One of a few choices.
    Radios(Vec<Choice>),
    /// One of many choices.
    Menu(Vec<Choice>),
    /// Any number of choices.
    Boxes(Vec<Choice>),
    /// A day, and a time of day if it belongs to it.
    Day { day: String, month: String, year: String, time: Option<String> },
    /// Files.
    Files,
}

/// A choice.
#[derive(Debug)]
pub(in super::super) struct Choice {
    pub(in super::super) code: String,
    pub(in super::super) label: String,
    pub(in super::super) is_chosen: bool,
}

/// What the inputs say.
#[derive(Debug)]
pub(in super::super) struct Read {
    pub(in super::super) values: BTreeMap<FieldTag, Value>,
    pub(in super::super) faults: Vec<Fault>,
}

fn first<'i>(inputs: &'i Inputs, name: &str) -> &'i str {
    inputs.get(name).and_then(|values| values.first()).map_or("", String::as_str)
}

fn part<'i>(inputs: &'i Inputs, field: &Field, part: &str) -> &'i str {
    first(inputs, &format!("{}.{part}", field.name)).trim()
}

/// The questions of a new record, in the order of the page.
pub(super) fn of_entry(form: &'static Form) -> Vec<&'static Field> {
    layout::questions(form).into_iter().flat_map(|(_, fields)| fields).collect()
}

/// What was sent for these questions.
pub(in super::super) fn take(fields: &[&Field], sent: &Fields) -> Inputs {
    let mut inputs = Inputs::new();
    for field in fields {
        let names = match field.kind {
            FieldType::Attachment => continue,
            FieldType::Date => ["h", "b", "t"].map(|part| format!("{}.{part}", field.name)).to_vec(),
            FieldType::DateTime => ["h", "b", "t", "j"].map(|part| format!("{}.{part}", field.name)).to_vec(),
            _ => vec![field.name.clone()],
        };
        for name in names {
            let values: Vec<String> = sent.all(&name).iter().filter(|value| !value.is_empty()).cloned().collect();
            if !values.is_empty() {
                inputs.insert(name, values);
            }
        }
    }
    inputs
}

/// What stands in the inputs of a question that is answered.
pub(in super::super) fn fill(field: &Field, value: &Value, inputs: &mut Inputs) {
    let mut put = |part: &str, text: String| {
        let name = if part.is_empty() { field.name.clone() } else { format!("{}.{part}", field.name) };
        inputs.insert(name, vec![text]);
    };
    let mut put_day = |day: &str| {
        for (part, text) in ["t", "b", "h"].into_iter().zip(day.splitn(3, '-')) {
            put(part, text.trim_start_matches('0').to_owned());
        }
    };
    let text = value.render(field);
    match value {
        Value::Date(_) => put_day(&text),
        Value::DateTime { .. } => {
            let (day, time) = text.split_once('T').unwrap_or((text.as_str(), ""));
            put_day(day);
            put("j", time.get(..5).unwrap_or_default().to_owned());
        }
        Value::Many(_) => {
            inputs.insert(field.name.clone(), text.split(';').map(str::to_owned).collect());
        }
        _ => put("", text),
    }
}

/// The page's sections.
pub(super) fn sections(form: &'static Form, inputs: &Inputs, faults: &[Fault], w: &Words) -> Vec<Section> {
    let mut sections = Vec::new();
    for (section, fields) in layout::questions(form) {
        let questions: Vec<Question> =
            fields.into_iter().map(|field| question(form, field, inputs, faults, w)).collect();
        let is_used = |question: &Question| !question.fault.is_empty() || has_answer(&question.input);
        sections.push(Section {
            title: w.find(section.title).unwrap_or(section.title),
            is_folded: section.is_folded,
            is_open: questions.iter().any(is_used),
            questions,
        });
    }
    sections
}

fn has_answer(input: &Input) -> bool {
    match input {
        Input::Line { value, .. } | Input::Long { value, .. } => !value.is_empty(),
        Input::Radios(choices) | Input::Menu(choices) | Input::Boxes(choices) => {
            choices.iter().any(|choice| choice.is_chosen)
        }
        Input::Day { day, month, year, .. } => !(day.is_empty() && month.is_empty() && year.is_empty()),
        Input::Files => false,
    }
}

/// A question with what stands in it.
pub(in super::super) fn question(form: &Form, field: &Field, inputs: &Inputs, faults: &[Fault], w: &Words) -> Question {
    let fault = faults.iter().find(|fault| fault.field == Some(field.tag));
    let relevant = field.relevant.as_ref().and_then(|relevant| {
        let decider = form.field(relevant.field)?;
        let codes = relevant.is.iter().filter_map(|tag| decider.choice(*tag)).map(|choice| choice.code.as_str());
        Some(format!("{}={}", decider.name, codes.collect::<Vec<_>>().join(",")))
    });
    let hint = w.find(&format!("petunjuk.{}.{}", form.name, field.name)).unwrap_or_default();
    Question {
        name: field.name.clone(),
        label: field.label.in_lang(w.lang).to_owned(),
        hint,
        width: layout::width(field),
        is_required: field.required,
        fault: fault.map_or_else(String::new, |fault| fault.reason.sentence(w.lang)),
        input: input(field, inputs, w),
        relevant: relevant.unwrap_or_default(),
    }
}

fn input(field: &Field, inputs: &Inputs, w: &Words) -> Input {
    let value = || first(inputs, &field.name).to_owned();
    let choices = || {
        let chosen = inputs.get(&field.name).map_or(&[][..], Vec::as_slice);
        let choice = |choice: &kentongan_protocol::form::Choice| Choice {
            is_chosen: chosen.contains(&choice.code),
            code: choice.code.clone(),
            label: choice.label.in_lang(w.lang).to_owned(),
        };
        field.choices().iter().map(choice).collect::<Vec<_>>()
    };
    let line = |chars_max, keyboard| Input::Line { value: value(), chars_max, keyboard };
    match &field.kind {
        FieldType::Text { pattern: Pattern::Phone, chars_max } => line(chars_max + 8, "tel"),
        FieldType::Text { pattern: Pattern::Digits(count), .. } => line(u32::from(*count) + 8, "numeric"),
        FieldType::Text { chars_max, .. } if *chars_max > LINE_CHARS_MAX => {
            Input::Long { value: value(), chars_max: *chars_max, is_counted: *chars_max >= COUNTED_CHARS }
        }
        FieldType::Text { chars_max, .. } => line(*chars_max, "text"),
        FieldType::Person => line(kentongan_protocol::form::check::PERSON_CHARS_MAX, "text"),
        FieldType::Area => line(22, "text"),
        FieldType::Whole { .. } => line(24, "numeric"),
        FieldType::Decimal { .. } => line(24, "decimal"),
        FieldType::One(all) if all.len() <= RADIOS_MAX => Input::Radios(choices()),
        FieldType::One(_) => Input::Menu(choices()),
        FieldType::Many(_) => Input::Boxes(choices()),
        FieldType::Date | FieldType::DateTime => Input::Day {
            day: part(inputs, field, "h").to_owned(),
            month: part(inputs, field, "b").to_owned(),
            year: part(inputs, field, "t").to_owned(),
            time: (field.kind == FieldType::DateTime).then(|| part(inputs, field, "j").to_owned()),
        },
        FieldType::Attachment => Input::Files,
    }
}

/// Reads what was typed for these questions. Each fault names its field.
pub(in super::super) fn read_fields(form: &Form, fields: &[&Field], inputs: &Inputs, clock: &Clock) -> Read {
    let mut read = Read { values: BTreeMap::new(), faults: Vec::new() };
    for field in fields.iter().filter(|field| is_relevant(form, field, inputs)) {
        match value(field, inputs, clock) {
            Ok(Some(value)) => {
                read.values.insert(field.tag, value);
            }
            Ok(None) => {}
            Err(reason) => {
                read.faults.push(Fault { field: Some(field.tag), group: Some(field.group), reason });
            }
        }
    }
    read
}

/// Reads a new record.
pub(super) fn read(form: &'static Form, inputs: &Inputs, clock: &Clock) -> Read {
    let fields = of_entry(form);
    let mut read = read_fields(form, &fields, inputs, clock);
    let new = NewRecord::of_values(form, "", read.values.clone());
    let writes: Vec<_> = new.writes.iter().map(|(group, values)| (*group, values)).collect();
    for fault in check_create(form, form.version, &writes) {
        // What was typed and cannot be read is there, after all.
        if !read.faults.iter().any(|known| known.field == fault.field) {
            read.faults.push(fault);
        }
    }
    read.faults.sort_by_key(|fault| fields.iter().position(|field| Some(field.tag) == fault.field));
    read
}

fn is_relevant(form: &Form, field: &Field, inputs: &Inputs) -> bool {
    field.relevant.as_ref().is_none_or(|relevant| {
        let decider = form.field(relevant.field);
        let chosen = decider.and_then(|decider| decider.choice_coded(first(inputs, &decider.name)));
        chosen.is_some_and(|choice| relevant.is.contains(&choice.tag))
    })
}

fn value(field: &Field, inputs: &Inputs, clock: &Clock) -> Result<Option<Value>, Reason> {
    let typed = match &field.kind {
        FieldType::Attachment => return Ok(None),
        FieldType::Date => day(field, inputs)?.map(|day| day.to_string()),
        FieldType::DateTime => moment(field, inputs, clock)?,
        FieldType::Many(_) => inputs.get(&field.name).map(|codes| codes.join(";")),
        FieldType::Whole { min, max } => match first(inputs, &field.name).trim() {
            "" => None,
            typed => Some(inbox::whole(typed, Reason::OutOfRange { min: *min, max: *max })?.to_string()),
        },
        _ => Some(first(inputs, &field.name).to_owned()),
    };
    match typed.filter(|typed| !typed.trim().is_empty()) {
        Some(typed) => Value::parse(field, &typed).map(Some),
        None => Ok(None),
    }
}

/// The day in three boxes; a year of two digits is of this century.
fn day(field: &Field, inputs: &Inputs) -> Result<Option<Civil>, Reason> {
    let [day, month, year] = ["h", "b", "t"].map(|name| part(inputs, field, name));
    if [day, month, year].iter().all(|part| part.is_empty()) {
        return Ok(None);
    }
    let read = || {
        let number: i32 = year.parse().ok()?;
        let number = if year.len() == 2 { 2000 + number } else { number };
        Civil::new(number, month.parse().ok()?, day.parse().ok()?)
    };
    read().map(Some).ok_or(Reason::NotADate)
}

/// Day and time of day as they are here; without a time, noon.
fn moment(field: &Field, inputs: &Inputs, clock: &Clock) -> Result<Option<String>, Reason> {
    let time = part(inputs, field, "j");
    let Some(day) = day(field, inputs)? else {
        return if time.is_empty() { Ok(None) } else { Err(Reason::NotADateTime) };
    };
    let read = || {
        let time = if time.is_empty() { "12.00" } else { time };
        let (hour, minute) = time.split_once(['.', ':'])?;
        let (hour, minute): (i8, i8) = (hour.parse().ok()?, minute.parse().ok()?);
        let offset_min = clock.offset_min(day, hour, minute)?;
        let sign = if offset_min < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset_min.abs() / 60, offset_min.abs() % 60);
        Some(format!("{day}T{hour:02}:{minute:02}:00{sign}{hours:02}:{minutes:02}"))
    };
    read().map(Some).ok_or(Reason::NotADateTime)
}

#[cfg(test)]
mod tests {
    use kentongan_host::Lang;
    use kentongan_protocol::calendar::Zone;
    use kentongan_protocol::form::builtin;

    use super::super::super::words::words;
    use super::*;

    fn clock() -> Clock {
        Clock::of(1_795_244_700_000, Zone::Wib)
    }

    fn form(name: &str) -> &'static Form {
        builtin::by_name(name).expect("built in")
    }

    fn typed(form: &'static Form, text: &str) -> Inputs {
        take(&of_entry(form), &Fields::of_text(text))
    }

    fn shown(form: &Form, read: &Read, name: &str) -> String {
        let field = form.field_named(name).expect("a field");
        read.values.get(&field.tag).map_or_else(String::new, |value| value.render(field))
    }

    #[test]
    fn what_people_type_becomes_values() {
        let form = form("pengaduan");
        let inputs = typed(
            form,
            "uraian=Lampu+padam%0D%0Asejak+Senin&kategori=sarana_prasarana&kanal=tatap_muka&privasi=biasa\
             &telepon_pelapor=0812-5550-0123&dibayar=Rp+50.000,-&tanggal_kejadian.h=19&tanggal_kejadian.b=11\
             &tanggal_kejadian.t=26&diterima_pada.h=20&diterima_pada.b=11&diterima_pada.t=2026&diterima_pada.j=9.05\
             &_token=x&bukan_bidang=1&status=selesai",
        );
        let read = read(form, &inputs, &clock());
        assert_eq!(read.faults, []);
        assert_eq!(shown(form, &read, "uraian"), "Lampu padam\nsejak Senin");
        assert_eq!(shown(form, &read, "dibayar"), "50000");
        assert_eq!(shown(form, &read, "telepon_pelapor"), "081255500123");
        assert_eq!(shown(form, &read, "tanggal_kejadian"), "2026-11-19");
        assert_eq!(shown(form, &read, "diterima_pada"), "2026-11-20T09:05:00+07:00");
        assert_eq!(shown(form, &read, "status"), "", "what belongs to the work is not taken at entry");
        assert!(!inputs.contains_key("_token") && !inputs.contains_key("status"));
    }

    #[test]
    fn each_fault_names_its_field_in_the_order_of_the_page() {
        let form = form("pengaduan");
        let inputs = typed(
            form,
            "telepon_pelapor=tidak+ada&tanggal_kejadian.h=31&tanggal_kejadian.b=2&tanggal_kejadian.t=2026&dibayar=lima\
             &kategori=karangan",
        );
        let read = read(form, &inputs, &clock());
        let named: Vec<&str> = read
            .faults
            .iter()
            .map(|fault| fault.field.and_then(|tag| form.field(tag)).map_or("?", |field| field.name.as_str()))
            .collect();
        assert_eq!(named, ["telepon_pelapor", "kategori", "dibayar", "uraian", "tanggal_kejadian", "kanal"]);
    }

    #[test]
    fn an_answer_to_a_question_that_makes_no_sense_is_left_out() {
        let form = form("skm");
        let clock = clock();
        let read_of = |text: &str| read(form, &typed(form, text), &clock);
        assert_eq!(shown(form, &read_of("pekerjaan=lainnya&pekerjaan_lain=Nelayan"), "pekerjaan_lain"), "Nelayan");
        assert_eq!(shown(form, &read_of("pekerjaan=pns&pekerjaan_lain=Nelayan"), "pekerjaan_lain"), "");
    }

    #[test]
    fn a_page_shows_what_was_typed_even_where_it_is_no_value() {
        let form = form("pengaduan");
        let inputs = typed(form, "dibayar=lima&tanggal_kejadian.h=99&kategori=biaya_pungutan&nomor_asal=A-1");
        let read = read(form, &inputs, &clock());
        let sections = sections(form, &inputs, &read.faults, &words(Lang::Id));
        let questions: Vec<&Question> = sections.iter().flat_map(|section| &section.questions).collect();
        let of = |name: &str| questions.iter().find(|question| question.name == name).expect("a question");
        assert!(matches!(&of("dibayar").input, Input::Line { value, .. } if value == "lima"));
        assert!(!of("dibayar").fault.is_empty());
        assert!(matches!(&of("tanggal_kejadian").input, Input::Day { day, .. } if day == "99"));
        let Input::Menu(choices) = &of("kategori").input else { panic!("a menu") };
        assert_eq!(choices.iter().filter(|choice| choice.is_chosen).count(), 1);
        assert!(sections.last().is_some_and(|section| section.is_folded && section.is_open), "it has an answer");
    }

    #[test]
    fn what_is_saved_stands_in_the_inputs_and_is_read_as_the_same() {
        let form = form("pengaduan");
        let text = "uraian=Lampu+padam&kategori=antrean&kanal=telepon&privasi=anonim&dibayar=50000\
                    &tanggal_kejadian.h=9&tanggal_kejadian.b=11&tanggal_kejadian.t=2026\
                    &diterima_pada.h=20&diterima_pada.b=1&diterima_pada.t=2026&diterima_pada.j=09.05";
        let first = read(form, &typed(form, text), &clock());
        let mut inputs = Inputs::new();
        for (tag, value) in &first.values {
            fill(form.field(*tag).expect("a field"), value, &mut inputs);
        }
        assert_eq!(read(form, &inputs, &clock()).values, first.values);
    }

    #[test]
    fn moments_need_a_day_and_a_time_that_clocks_have() {
        let form = form("pengaduan");
        for (text, is_good) in [
            ("diterima_pada.h=1&diterima_pada.b=1&diterima_pada.t=2026", true),
            ("diterima_pada.j=09.00", false),
            ("diterima_pada.h=1&diterima_pada.b=1&diterima_pada.t=2026&diterima_pada.j=25.00", false),
            ("diterima_pada.h=1&diterima_pada.b=1&diterima_pada.t=2026&diterima_pada.j=siang", false),
        ] {
            let tag = form.field_named("diterima_pada").map(|field| field.tag);
            let read = read(form, &typed(form, text), &clock());
            assert_eq!(read.faults.iter().all(|fault| fault.field != tag), is_good, "{text}");
        }
    }
}
