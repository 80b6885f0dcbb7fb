//! Another complaint of the same reporter: a citizen who has two things to say is asked once who they are (WCAG 2.2,
//! 3.3.7).
//!
//! Who they are stands in the next form, and nothing else: not what they said, and not how far it is to be hidden. Whoever
//! asked not to be named is asked again, because the next form would name them unless somebody thinks of it.

use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_protocol::form::builtin::pengaduan::{self, group};
use kentongan_protocol::form::{Form, builtin};
use kentongan_protocol::ids::RecordId;
use kentongan_protocol::merge::{GroupView, Record};
use kentongan_web::{Asked, Clock, Reply};

use super::super::route::Pages;
use super::super::shell::{self, Shell};
use super::{Place, inputs, layout};
use crate::store::{Draft, DraftName, Entry, Inputs, Store, StoreError, privacy};

/// So long after the save it is offered. Within a quarter of an hour the same person still stands at the desk; later,
/// somebody else's name would be one press away.
const OFFERED_MS: i64 = 15 * 60 * 1000;

/// Whether another complaint of the same reporter is offered beside this one: to whoever entered it on this PC a moment
/// ago, if it says who complained and nobody asked to hide that.
pub(in super::super) fn is_offered(entry: &Entry, author: &str, now_ms: i64) -> bool {
    let Some(form) = builtin::by_tag(pengaduan::TAG).filter(|form| form.tag == entry.summary.form) else {
        return false;
    };
    let age_ms = now_ms.saturating_sub(entry.summary.wall_ms);
    let is_author = entry.record.creation.as_ref().is_some_and(|creation| creation.author == author);
    let is_open = privacy(&entry.record).is_none_or(|privacy| privacy == "biasa");
    entry.summary.own
        && is_author
        && is_open
        && (0..OFFERED_MS).contains(&age_ms)
        && !reporter(form, &entry.record).is_empty()
}

/// A new form with the reporter of this complaint.
pub(in super::super) async fn begin_again(
    pages: &Pages,
    shell: &Shell,
    asked: Asked,
    id: RecordId,
) -> Result<Reply, Failure> {
    if let Err(reply) = pages.posted(asked, shell).await {
        return Ok(reply);
    }
    let author = shell.author().to_owned();
    let asked = move |store: &mut Store| match store.entry(id) {
        Ok(entry) => Ok((store.wall_ms(), Some(entry))),
        Err(StoreError::NoSuchRecord | StoreError::Broken(_)) => Ok((store.wall_ms(), None)),
        Err(other) => Err(other),
    };
    let (now_ms, entry) = pages.agent.ask(asked).await?;
    let form = builtin::by_tag(pengaduan::TAG);
    let Some((entry, form)) = entry.filter(|entry| is_offered(entry, &author, now_ms)).zip(form) else {
        return Ok(shell::refusal(shell, StatusCode::CONFLICT, "lagi.lewat"));
    };
    let inputs = begun(form, &entry.record, &shell.clock(now_ms), &shell.clerk);
    let name = DraftName::draw();
    let name = pages.agent.ask_to_keep(move |store| keep_once(store, name, form, &inputs)).await?;
    Ok(Reply::go_to(&Place { form, name }.path()))
}

/// Who complained, as a form asks for it.
fn reporter(form: &Form, record: &Record) -> Inputs {
    let mut inputs = Inputs::new();
    let view = form.group(group::PELAPOR).map(|group| GroupView::of(record, form, group));
    for (tag, value) in view.as_ref().and_then(GroupView::shown).into_iter().flatten() {
        if let Some(field) = form.field(*tag) {
            inputs::fill(field, value, &mut inputs);
        }
    }
    inputs
}

/// What stands in the new form: what stands in every new one, and the reporter.
fn begun(form: &Form, record: &Record, clock: &Clock, clerk: &str) -> Inputs {
    let mut inputs = layout::first(form, clock, clerk);
    inputs.extend(reporter(form, record));
    inputs
}

/// Keeps the form. Whoever presses twice, or goes back and presses again, gets the one in which nothing was typed yet.
fn keep_once(store: &mut Store, name: DraftName, form: &Form, inputs: &Inputs) -> Result<DraftName, StoreError> {
    let is_untouched = |draft: &Draft| draft.form == form.tag && draft.inputs == *inputs && draft.files.is_empty();
    match store.drafts()?.into_iter().find(is_untouched) {
        Some(draft) => Ok(draft.name),
        None => store.keep_draft(name, form.tag, inputs).map(|_| name),
    }
}

#[cfg(test)]
mod tests {
    use kentongan_protocol::calendar::Zone;
    use kentongan_protocol::clock::Hlc;
    use kentongan_protocol::ids::{LogId, OpId};
    use kentongan_protocol::op::{Action, Op, Write};
    use kentongan_web::Fields;

    use super::*;
    use crate::entry::NewRecord;
    use crate::store::{RecordState, RecordSummary};

    const ENTERED_MS: i64 = 1_795_244_700_000;
    const REPORTER: &str =
        "nama_pelapor=Rukmini&telepon_pelapor=0812-5550-0123&nik=3273051234567890&alamat_pelapor=RT+03";

    fn form() -> &'static Form {
        builtin::by_tag(pengaduan::TAG).expect("built in")
    }

    fn clock() -> Clock {
        Clock::of(ENTERED_MS, Zone::Wib)
    }

    /// What Siti entered.
    fn entry(text: &str) -> Entry {
        let id = OpId { log: LogId(7), seq: 1 };
        let text = format!("uraian=Lampu+padam&kategori=antrean&kanal=telepon&{text}");
        let typed = inputs::take(&inputs::of_entry(form()), &Fields::of_text(&text));
        let read = inputs::read(form(), &typed, &clock());
        assert_eq!(read.faults, []);
        let writes = NewRecord::of_values(form(), "Siti", read.values).writes.into_iter();
        let op = Op {
            action: Action::Create { form: form().tag, form_version: form().version, receipt: None },
            author: "Siti".to_owned(),
            elapsed_ms: 0,
            hlc: Hlc::default(),
            writes: writes.map(|(group, values)| Write { group, values, ..Write::default() }).collect(),
        };
        let mut record = Record::new(RecordId(id));
        record.apply(id, &op);
        let summary = RecordSummary {
            record: RecordId(id),
            form: form().tag,
            code: None,
            state: RecordState::Queued,
            own: true,
            wall_ms: ENTERED_MS,
            changed_ms: ENTERED_MS,
            conflicts: 0,
            arrival: None,
        };
        Entry { summary, record, logs: Default::default(), verdicts: Vec::new() }
    }

    #[test]
    fn the_next_form_holds_who_complained_and_nothing_of_what_was_said() {
        let entry = entry(&format!("{REPORTER}&dibayar=50000&pihak_dilaporkan=Loket+2&kuasa=Budi&nomor_kertas=7"));
        let begun = begun(form(), &entry.record, &clock(), "Siti");
        let mut expected = layout::first(form(), &clock(), "Siti");
        for (name, text) in [
            ("nama_pelapor", "Rukmini"),
            ("telepon_pelapor", "081255500123"),
            ("nik", "3273051234567890"),
            ("alamat_pelapor", "RT 03"),
        ] {
            expected.insert(name.to_owned(), vec![text.to_owned()]);
        }
        assert_eq!(begun, expected);
    }

    #[test]
    fn it_is_offered_for_a_quarter_of_an_hour_to_whoever_entered_it_here() {
        let entry = entry(REPORTER);
        assert!(is_offered(&entry, "Siti", ENTERED_MS) && is_offered(&entry, "Siti", ENTERED_MS + OFFERED_MS - 1));
        assert!(!is_offered(&entry, "Siti", ENTERED_MS + OFFERED_MS), "the visit is over");
        assert!(!is_offered(&entry, "Siti", ENTERED_MS - 1), "a clock that was set back says nothing");
        assert!(!is_offered(&entry, "Budi", ENTERED_MS), "somebody else sits there");
        let summary = RecordSummary { own: false, ..entry.summary.clone() };
        assert!(!is_offered(&Entry { summary, ..entry }, "Siti", ENTERED_MS), "it came from another PC");
    }

    #[test]
    fn who_asked_not_to_be_known_or_said_nothing_of_themselves_is_not_offered() {
        for (text, expected) in [
            (format!("{REPORTER}&privasi=biasa"), true),
            (format!("{REPORTER}&privasi=anonim"), false),
            (format!("{REPORTER}&privasi=rahasia"), false),
            ("privasi=biasa".to_owned(), false),
        ] {
            assert_eq!(is_offered(&entry(&text), "Siti", ENTERED_MS), expected, "{text}");
        }
    }
}
