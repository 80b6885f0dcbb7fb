//! The receipt: what the citizen takes home. It says what is true when it is printed.

use askama::Template;
use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_protocol::calendar::{Day, course};
use kentongan_protocol::form::Form;
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::ids::RecordId;
use kentongan_protocol::merge::{GroupView, Record};
use kentongan_protocol::sealed::is_confidential;
use kentongan_web::{Asked, Reply, Square, Words};

use super::super::due::next_steps;
use super::super::entry;
use super::super::route::{Pages, called};
use super::super::shell::{self, ASSETS, Shell};
use super::{form_of, is_missing};

/// Columns of the plain text: what needle printers have on narrow paper.
const COLUMNS: usize = 40;

#[derive(Debug, Template)]
#[template(path = "receipt.html")]
struct ReceiptPage<'a> {
    s: &'a Shell,
    id: String,
    code: String,
    /// The code in groups, for those who hear the page.
    spoken: String,
    qr: Square,
    office: String,
    lines: Vec<(String, String)>,
    steps: Vec<String>,
    print_style: &'static str,
    is_new: bool,
    /// Another complaint of the same reporter is offered.
    is_offered: bool,
    papers: [(&'static str, &'static str, bool); 3],
}

/// The receipt of a record, on the paper that was chosen.
pub(in super::super) async fn receipt(
    pages: &Pages,
    shell: &Shell,
    asked: &Asked,
    id: RecordId,
) -> Result<Reply, Failure> {
    let looked = pages.agent.ask(move |store| Ok((store.entry(id)?, store.member().cloned(), store.wall_ms()))).await;
    let (entry, member, now_ms) = match looked {
        Ok(looked) => looked,
        Err(error) if is_missing(&error) => {
            return Ok(shell::refusal(shell, StatusCode::NOT_FOUND, "catatan.tidak_ada"));
        }
        Err(error) => return Err(error.into()),
    };
    let (Some(code), Some(member)) = (entry.summary.code, member) else {
        return Ok(shell::refusal(shell, StatusCode::NOT_FOUND, "terima.tanpa_kode"));
    };
    let (w, form, clock) = (&shell.w, form_of(entry.summary.form)?, shell.clock(now_ms));
    let (shape, word) = super::state(entry.summary.state, false, w);
    // What came on paper was received with the paper, and its deadlines are counted from there, as the hub counts them.
    let entered_ms = entry.summary.wall_ms;
    let received_ms = course::received_on_paper_ms(form, &entry.record).unwrap_or(entered_ms);
    let mut lines = vec![(w.t("terima.diterima").to_owned(), clock.exact(received_ms, w))];
    if !is_confidential(&entry.record) {
        lines.extend(said(form, &entry.record, &["layanan", "kategori"], w));
    }
    let written = entry.record.groups().flat_map(|(_, state)| state.writes()).find(|(op, _)| *op == id.0);
    lines.extend(written.map(|(_, written)| (w.t("terima.petugas").to_owned(), written.author.clone())));
    lines.push((w.t("terima.keadaan").to_owned(), format!("{} {word}", shape.sign())));
    let day_of = |ms| clock.day(ms).map_or(Day(0), Day::from);
    let mut steps = match form.tag {
        pengaduan::TAG => next_steps(course::seen(form, &entry.record, entered_ms, day_of), &member.office, w),
        _ => Vec::new(),
    };
    steps.push(w.t("terima.tanya").to_owned());
    let paper = match asked.query.text("kertas") {
        "80" => "80",
        "58" => "58",
        _ => "a4",
    };
    let code = code.to_string();
    if asked.query.text("kertas") == "teks" {
        let office = match shell.is_training {
            true => format!("{} {}", w.t("latihan.kertas"), called(&member)),
            false => called(&member),
        };
        return Ok(Reply::text(plain(&office, &code, &lines, &steps, w)));
    }
    let print = match paper {
        "80" => &ASSETS.print[1],
        "58" => &ASSETS.print[2],
        _ => &ASSETS.print[0],
    };
    Ok(shell::page(&ReceiptPage {
        s: &shell.clone().at("catatan"),
        id: id.to_string(),
        spoken: code.replace('-', ", "),
        qr: Square::of(&code),
        code,
        office: called(&member),
        lines,
        steps,
        print_style: &print.name,
        is_new: asked.query.has("baru"),
        is_offered: entry::is_offered(&entry, shell.author(), now_ms),
        papers: [("a4", w.t("terima.a4")), ("80", w.t("terima.80")), ("58", w.t("terima.58"))]
            .map(|(name, word)| (name, word, name == paper)),
    }))
}

fn said(form: &Form, record: &Record, names: &[&str], w: &Words) -> Vec<(String, String)> {
    let answer = |name: &&str| {
        let field = form.field_named(name)?;
        let view = GroupView::of(record, form, form.group(field.group)?);
        Some((field.label.in_lang(w.lang).to_owned(), view.shown()?.get(&field.tag)?.display(field, w.lang)))
    };
    names.iter().filter_map(answer).collect()
}

/// The receipt in 40 columns.
fn plain(office: &str, code: &str, lines: &[(String, String)], steps: &[String], w: &Words) -> String {
    let mut text = String::new();
    let mut put = |line: &str| {
        text.push_str(line);
        text.push_str("\r\n");
    };
    let centred = |line: &str| format!("{}{line}", " ".repeat(COLUMNS.saturating_sub(line.chars().count()) / 2));
    for line in wrapped(office, COLUMNS) {
        put(&centred(&line));
    }
    put(&centred(w.t("terima.judul")));
    put(&"-".repeat(COLUMNS));
    put(&centred(code));
    put(&"-".repeat(COLUMNS));
    for (label, value) in lines {
        for line in wrapped(&format!("{label}: {value}"), COLUMNS) {
            put(&line);
        }
    }
    put("");
    for (number, step) in steps.iter().enumerate() {
        for (place, line) in wrapped(step, COLUMNS - 3).iter().enumerate() {
            let mark = if place == 0 { format!("{}. ", number + 1) } else { "   ".to_owned() };
            put(&format!("{mark}{line}"));
        }
    }
    text
}

fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let room = lines
            .last()
            .is_some_and(|line| line.is_empty() || line.chars().count() + 1 + word.chars().count() <= columns);
        if !room {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use kentongan_host::Lang;

    use super::super::super::shell::words;
    use super::*;

    #[test]
    fn plain_text_fits_forty_columns() {
        let lines = [("Diterima".to_owned(), "Sabtu, 21 November 2026 pukul 14.05 WIB".to_owned())];
        let steps = ["Diverifikasi paling lambat 25 November 2026, lalu diteruskan".to_owned()];
        let text = plain(
            "Pemerintah Desa Sukamaju Kecamatan Cibungur Kabupaten Contoh",
            "KTG-7K3M-Q2H9D-R",
            &lines,
            &steps,
            &words(Lang::Id),
        );
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert!(text.contains("          KTG-7K3M-Q2H9D-R") || text.contains("KTG-7K3M-Q2H9D-R"));
    }

    #[test]
    fn a_qr_code_holds_the_receipts_code() {
        let drawn = Square::of("KTG-7K3M-Q2H9D-R");
        assert!(drawn.path.starts_with("M4 4h1v1h-1z"), "its corner");
        assert!((29..=37).contains(&drawn.size), "{}", drawn.size);
    }
}
