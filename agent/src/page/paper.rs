//! Surveys on paper: blank sheets to print, and typing what came back on them.
//!
//! ```text
//!   GET  kertas               how many to print, and which code to type
//!   POST kertas               ──▶ kertas/CODE/cetak, or ──▶ kertas/CODE
//!   GET  kertas/CODE/cetak    the sheets, a page each
//!   GET  kertas/CODE          which of them were typed
//!   GET  kertas/CODE/NUMBER   ──▶ isi/FORM/DRAFT, whose save leads to the next sheet
//! ```

use askama::Template;
use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_protocol::form::{Field, FieldType, Form};
use kentongan_web::{Asked, Reply, Words};

use super::entry::{self, Place};
use super::route::Pages;
use super::shell::{self, ASSETS, Shell};
use crate::paper::{self, Batch, SHEETS_MAX, Sheet};
use crate::store::SheetState;

/// Beyond so many characters an answer gets several lines.
const LINE_CHARS_MAX: u32 = 500;

#[derive(Debug, Template)]
#[template(path = "paper.html")]
struct StartPage<'a> {
    s: &'a Shell,
    sheets_max: u8,
    /// What was typed, and what is wrong with it.
    sheets: String,
    sheets_fault: String,
    code: String,
    code_fault: String,
}

#[derive(Debug, Template)]
#[template(path = "batch.html")]
struct BatchPage<'a> {
    s: &'a Shell,
    code: String,
    /// `3 dari 20 lembar sudah diisi`
    count: String,
    sheets: Vec<Line>,
    /// Where the first sheet that was not typed is; empty: all were.
    next: String,
    saved: bool,
}

/// A sheet in the list of its batch.
#[derive(Debug)]
struct Line {
    number: u8,
    /// Where it is typed; empty: it was.
    path: String,
    /// Where its record is; empty: there is none here.
    record: String,
    words: String,
}

#[derive(Debug, Template)]
#[template(path = "typed.html")]
struct TypedPage<'a> {
    s: &'a Shell,
    sheet: String,
    words: String,
    batch: String,
    record: String,
    next: Option<(String, String)>,
}

#[derive(Debug, Template)]
#[template(path = "blank.html")]
struct BlankPage<'a> {
    s: &'a Shell,
    code: String,
    title: &'static str,
    sheets: Vec<String>,
    sections: Vec<Section>,
    print_style: &'static str,
}

/// A section of a blank sheet.
#[derive(Debug)]
struct Section {
    title: &'static str,
    /// Questions that are answered on a scale: the label, and the four answers.
    scales: Vec<(String, Vec<String>)>,
    questions: Vec<Question>,
}

/// A question of a blank sheet.
#[derive(Debug)]
struct Question {
    label: String,
    room: Room,
}

/// Room for an answer.
#[derive(Debug)]
enum Room {
    /// Boxes to tick.
    Boxes(Vec<String>),
    /// Part of a line.
    Line,
    /// Some lines.
    Lines,
    /// Day, month and year.
    Day,
}

/// What there is to do with paper.
pub(super) fn start(shell: &Shell) -> Reply {
    let sheets = "20".to_owned();
    started(shell, sheets, String::new(), String::new(), String::new())
}

fn started(shell: &Shell, sheets: String, sheets_fault: String, code: String, code_fault: String) -> Reply {
    if shell.office.is_empty() {
        return shell::refusal(shell, StatusCode::CONFLICT, "tolak.belum_terdaftar");
    }
    shell::page(&StartPage { s: shell, sheets_max: SHEETS_MAX, sheets, sheets_fault, code, code_fault })
}

/// What somebody wants: new sheets, or the batch of a code.
pub(super) async fn wished(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    if posted.fields.text("aksi") == "cetak" {
        let typed: String = posted.fields.text("lembar").trim().chars().take(10).collect();
        return Ok(match typed.parse().ok().and_then(Batch::draw) {
            Some(batch) => Reply::go_to(&format!("{}/cetak", path(batch))),
            None => {
                let fault = shell.w.with("kertas.terlalu_banyak", &[("n", &SHEETS_MAX.to_string())]);
                started(shell, typed, fault, String::new(), String::new()).but(StatusCode::UNPROCESSABLE_ENTITY)
            }
        });
    }
    let typed: String = posted.fields.text("kode").chars().take(60).collect();
    Ok(match typed.parse::<Batch>() {
        Ok(batch) => Reply::go_to(&path(batch)),
        Err(error) => started(shell, String::new(), String::new(), typed, error.sentence(shell.w.lang))
            .but(StatusCode::UNPROCESSABLE_ENTITY),
    })
}

/// Which sheets of a batch were typed.
pub(super) async fn batch(pages: &Pages, shell: &Shell, asked: &Asked, batch: Batch) -> Result<Reply, Failure> {
    if shell.office.is_empty() {
        return Ok(shell::refusal(shell, StatusCode::CONFLICT, "tolak.belum_terdaftar"));
    }
    let (sheets, now_ms) = pages.agent.ask(move |store| Ok((store.sheets(batch)?, store.wall_ms()))).await?;
    let (w, clock) = (&shell.w, shell.clock(now_ms));
    let line = |(sheet, state): &(Sheet, SheetState)| {
        let (path, record, words) = match state {
            SheetState::Blank => (path_of(*sheet), String::new(), w.t("kertas.belum").to_owned()),
            SheetState::Typed { record, typed_ms } => {
                let words = w.with("kertas.sudah", &[("waktu", &clock.short(*typed_ms, w))]);
                (String::new(), format!("/catatan/{record}"), words)
            }
            SheetState::Lost => (String::new(), String::new(), w.t("kertas.hilang").to_owned()),
        };
        Line { number: sheet.number(), path, record, words }
    };
    let typed = sheets.iter().filter(|(_, state)| *state != SheetState::Blank).count();
    let counts = [("n", typed.to_string()), ("semua", batch.sheets().to_string())];
    Ok(shell::page(&BatchPage {
        s: shell,
        code: batch.to_string(),
        count: w.with("kertas.hitungan", &counts.each_ref().map(|(name, count)| (*name, count.as_str()))),
        next: next(&sheets, 0).map_or_else(String::new, path_of),
        sheets: sheets.iter().map(line).collect(),
        saved: asked.query.has("tersimpan"),
    }))
}

/// The form of a sheet, or when it was typed.
pub(super) async fn sheet(pages: &Pages, shell: &Shell, sheet: Sheet) -> Result<Reply, Failure> {
    let batch = sheet.batch();
    let (sheets, now_ms) = pages.agent.ask(move |store| Ok((store.sheets(batch)?, store.wall_ms()))).await?;
    let state = sheets.iter().find(|(other, _)| *other == sheet).map(|(_, state)| *state);
    let (w, clock) = (&shell.w, shell.clock(now_ms));
    let (words, record) = match (state, paper::form()) {
        (Some(SheetState::Typed { record, typed_ms }), _) => {
            (w.with("kertas.sudah.lalu", &[("waktu", &clock.exact(typed_ms, w))]), format!("/catatan/{record}"))
        }
        (Some(SheetState::Lost), _) => (w.t("kertas.hilang.lalu").to_owned(), String::new()),
        (_, Some(form)) => return Ok(Reply::go_to(&Place { form, name: sheet.draft() }.path())),
        (_, None) => return Ok(shell::refusal(shell, StatusCode::NOT_FOUND, "tolak.tidak_ada")),
    };
    Ok(shell::page(&TypedPage {
        s: shell,
        sheet: called(sheet, w),
        words,
        batch: path(batch),
        record,
        next: next(&sheets, sheet.number()).map(|next| (path_of(next), called(next, w))),
    }))
}

/// Where to go on when a sheet was saved: the next one that was not typed.
pub(super) async fn after(pages: &Pages, sheet: Sheet) -> Result<String, Failure> {
    let batch = sheet.batch();
    let sheets = pages.agent.ask(move |store| store.sheets(batch)).await?;
    let onward = next(&sheets, sheet.number()).zip(paper::form());
    let onward = onward.map(|(next, form)| Place { form, name: next.draft() }.path());
    Ok(format!("{}?tersimpan=1", onward.unwrap_or_else(|| path(batch))))
}

/// Whether a sheet was typed.
pub(super) async fn is_typed(pages: &Pages, sheet: Sheet) -> Result<bool, Failure> {
    Ok(pages.agent.ask(move |store| store.sheet(sheet)).await? != SheetState::Blank)
}

/// The next sheet behind this number that was not typed; behind the last, the first.
fn next(sheets: &[(Sheet, SheetState)], number: u8) -> Option<Sheet> {
    let blank = || sheets.iter().filter(|(_, state)| *state == SheetState::Blank).map(|(sheet, _)| *sheet);
    blank().find(|sheet| sheet.number() > number).or_else(|| blank().next())
}

/// The sheets of a batch, to be printed.
pub(super) fn blank(shell: &Shell, batch: Batch) -> Reply {
    let Some(form) = paper::form().filter(|_| !shell.office.is_empty()) else {
        return shell::refusal(shell, StatusCode::CONFLICT, "tolak.belum_terdaftar");
    };
    shell::page(&BlankPage {
        s: shell,
        code: batch.to_string(),
        title: form.label.in_lang(shell.w.lang),
        sheets: batch.all().map(|sheet| called(sheet, &shell.w)).collect(),
        sections: sections(form, &shell.w),
        print_style: &ASSETS.print[4].name,
    })
}

/// What is asked on paper, in the order of the page on which it is typed.
fn sections(form: &'static Form, w: &Words) -> Vec<Section> {
    let sections = entry::asked_on_paper(form).into_iter().map(|(title, fields)| {
        let mut section = Section { title: w.find(title).unwrap_or(title), scales: Vec::new(), questions: Vec::new() };
        for field in fields {
            let label = field.label.in_lang(w.lang).to_owned();
            match (&field.kind, room(field, w)) {
                (FieldType::One(choices), Room::Boxes(answers)) if choices.len() == 4 => {
                    section.scales.push((label, answers));
                }
                (_, room) => section.questions.push(Question { label, room }),
            }
        }
        section
    });
    sections.collect()
}

fn room(field: &Field, w: &Words) -> Room {
    match &field.kind {
        FieldType::One(choices) | FieldType::Many(choices) => {
            Room::Boxes(choices.iter().map(|choice| choice.label.in_lang(w.lang).to_owned()).collect())
        }
        FieldType::Text { chars_max, .. } if *chars_max > LINE_CHARS_MAX => Room::Lines,
        FieldType::Date | FieldType::DateTime => Room::Day,
        _ => Room::Line,
    }
}

/// `7K3M-Q2HR · lembar 3 dari 20`
pub(super) fn called(sheet: Sheet, w: &Words) -> String {
    let (number, all) = (sheet.number().to_string(), sheet.batch().sheets().to_string());
    let which = w.with("kertas.lembar", &[("n", &number), ("semua", &all)]);
    format!("{} · {which}", sheet.batch())
}

/// Where a batch is.
pub(super) fn path(batch: Batch) -> String {
    format!("/kertas/{batch}")
}

/// Where a sheet is.
pub(super) fn path_of(sheet: Sheet) -> String {
    format!("{}/{}", path(sheet.batch()), sheet.number())
}

#[cfg(test)]
mod tests {
    use kentongan_host::Lang;
    use kentongan_protocol::form::builtin::skm;

    use super::super::words::words;
    use super::*;

    #[test]
    fn a_sheet_asks_the_nine_elements_and_who_answers_and_nothing_that_only_a_clerk_knows() {
        let form = paper::form().expect("built in");
        for lang in [Lang::Id, Lang::En] {
            let sections = sections(form, &words(lang));
            let scales = sections.iter().flat_map(|section| &section.scales);
            let label = |name: &str| form.field_named(name).expect("a field").label.in_lang(lang).to_owned();
            let elements: Vec<String> = skm::ELEMENTS.iter().map(|(name, _)| label(name)).collect();
            assert_eq!(scales.map(|(label, _)| label.clone()).collect::<Vec<_>>(), elements);
            let others: Vec<&str> = sections
                .iter()
                .flat_map(|section| &section.questions)
                .map(|question| question.label.as_str())
                .collect();
            for asked in ["saran", "jenis_kelamin", "usia", "pendidikan", "pekerjaan", "disabilitas", "tanggal", "jam"]
            {
                assert!(others.contains(&label(asked).as_str()), "{asked} in {others:?}");
            }
            for not_asked in ["kanal", "nomor_asal", "diterima_pada"] {
                assert!(!others.contains(&label(not_asked).as_str()), "{not_asked}");
            }
        }
    }

    #[test]
    fn after_a_sheet_comes_the_next_blank_one_and_behind_the_last_the_first() {
        let batch = Batch::draw(4).expect("a batch");
        let state = |blank: &[u8]| -> Vec<(Sheet, SheetState)> {
            let state = |sheet: Sheet| match blank.contains(&sheet.number()) {
                true => (sheet, SheetState::Blank),
                false => (sheet, SheetState::Lost),
            };
            batch.all().map(state).collect()
        };
        let after = |blank: &[u8], number| next(&state(blank), number).map(Sheet::number);
        assert_eq!(after(&[1, 2, 4], 2), Some(4));
        assert_eq!(after(&[1, 2], 4), Some(1));
        assert_eq!(after(&[1, 2], 0), Some(1));
        assert_eq!(after(&[], 2), None);
    }
}
