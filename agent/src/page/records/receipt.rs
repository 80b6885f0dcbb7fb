//! The receipt: what the citizen takes home. It says what is true when it is printed.

use askama::Template;
use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_protocol::calendar::{Day, course};
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::{Form, Value};
use kentongan_protocol::ids::RecordId;
use kentongan_protocol::merge::{GroupView, Record};
use kentongan_protocol::sealed::is_confidential;

use kentongan_web::{Asked, Fields, Reply, Square, Words};

use super::super::due::next_steps;
use super::super::entry;
use super::super::route::{Pages, called};
use super::super::shell::{self, ASSETS, Shell};
use super::plain::{self, Receipt};
use super::{brief, form_of, is_missing};

/// So much of a description stands on the paper, in characters: enough to tell one complaint from another.
const SUMMARY_CHARS_MAX: usize = 160;

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
    /// Who signs the paper.
    signatures: Vec<&'static str>,
    /// Where the receipt is ready to be sent to the citizen's telephone; empty if it is not for other hands.
    message: String,
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
        let summary = said(form, &entry.record, &["uraian"], w);
        lines.extend(summary.into_iter().map(|(label, text)| (label, brief(&text, SUMMARY_CHARS_MAX))));
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
    let settings = pages.agent.settings();
    let (track, unanswered) = (settings.text("receipt", "track").trim(), settings.text("receipt", "unanswered").trim());
    if !track.is_empty() {
        steps.push(w.with("terima.lacak", &[("tempat", address(track).map_or(track, |(_, shown)| shown))]));
    }
    if !unanswered.is_empty() {
        steps.push(w.with("terima.tak_dijawab", &[("siapa", unanswered)]));
    }
    // Who told it signs that it was understood; whoever does not want to be known does not.
    let is_open = hides_nothing(form, &entry.record);
    let signatures = match is_open && !said(form, &entry.record, &["nama_pelapor"], w).is_empty() {
        true => vec![w.t("terima.petugas"), w.t("bagian.pelapor")],
        false => vec![w.t("terima.petugas")],
    };
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
        let receipt = Receipt { office: &office, code: &code, lines: &lines, steps: &steps, signatures: &signatures };
        return Ok(Reply::text(plain::text(&receipt, w)));
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
        qr: Square::of(&leading_to(track, &code)),
        message: match is_open && !shell.is_training {
            true => messenger(&format!("{}\n{} {code}\n{}", called(&member), w.t("terima.judul"), steps.join("\n"))),
            false => String::new(),
        },
        code,
        office: called(&member),
        lines,
        steps,
        signatures,
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

/// The scheme of a place in the net, and what people type.
fn address(place: &str) -> Option<(&'static str, &str)> {
    ["https://", "http://"].into_iter().find_map(|scheme| Some((scheme, place.strip_prefix(scheme)?)))
}

/// What the square says: the code, or where a telephone finds what became of it.
fn leading_to(track: &str, code: &str) -> String {
    match address(track) {
        Some(_) => format!("{track}{}kode={code}", if track.contains('?') { '&' } else { '?' }),
        None => code.to_owned(),
    }
}

/// Where WhatsApp asks to whom the text shall go. No number stands in the address: it stays in the browser's history.
fn messenger(text: &str) -> String {
    format!("https://wa.me/?{}", Fields::default().with("text", text).to_text())
}

/// Whether whoever complains wants nothing hidden.
fn hides_nothing(form: &Form, record: &Record) -> bool {
    let view = form.group(pengaduan::group::PRIVASI).map(|group| GroupView::of(record, form, group));
    let chosen = view.as_ref().and_then(GroupView::shown).and_then(|values| values.get(&pengaduan::privasi::FIELD));
    matches!(chosen, None | Some(Value::One(pengaduan::privasi::BIASA)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_qr_code_holds_the_receipts_code() {
        let drawn = Square::of("KTG-7K3M-Q2H9D-R");
        assert!(drawn.path.starts_with("M4 4h1v1h-1z"), "its corner");
        assert!((29..=37).contains(&drawn.size), "{}", drawn.size);
    }

    #[test]
    fn the_square_leads_to_where_a_code_is_tracked_if_that_is_a_place_in_the_net() {
        let code = "KTG-7K3M-Q2H9D-R";
        assert_eq!(leading_to("https://lacak.example/lacak", code), format!("https://lacak.example/lacak?kode={code}"));
        assert_eq!(leading_to("http://lacak.example/?b=id", code), format!("http://lacak.example/?b=id&kode={code}"));
        for track in ["", "WA 0812-5550-0100"] {
            assert_eq!(leading_to(track, code), code);
        }
    }
    #[test]
    fn a_message_is_whole_after_it_was_an_address() {
        let text = "Kantor & Desa\nTANDA TERIMA KTG-7K3M-Q2H9D-R\nLacak: lacak.example/?a=b#c";
        let (_, written) =
            messenger(text).split_once('?').map(|(to, text)| (to.to_owned(), text.to_owned())).expect("a text");
        assert_eq!(Fields::of_text(&written).text("text"), text);
    }
}
