//! How everything stands: the first page, and the one about delivery. Both bring themselves up to date.

use std::collections::BTreeSet;

use askama::Template;
use hyper::StatusCode;
use kentongan_host::fail::Failure;
use kentongan_protocol::form::builtin::pengaduan::{self, group};
use kentongan_protocol::form::builtin::suara;
use kentongan_protocol::form::{Form, builtin};
use kentongan_protocol::ids::RecordId;
use kentongan_protocol::merge::{GroupView, Record};
use kentongan_web::{Asked, Reply, Words};

use super::carrying;
use super::due::{Limits, Pressing};
use super::route::{Pages, wants_part};
use super::shell::{self, Shell};
use super::thrift::Thrift;
use super::verdict::{self, PLACES, Shape, Step, Verdict};
use crate::agent::unwatched;
use crate::show::Standing;
use crate::store::{Contact, Draft, Entry, ListFilter, RecordState, RecordSummary, Store, StoreError, Today};
use kentongan_web::{Clock, When};

/// Days that the history of attempts shows.
const HISTORY_DAYS: usize = 7;
/// Attempts that it looks at.
const HISTORY_CONTACTS_MAX: u32 = 1_000;
/// Parts of a day that it shows.
const PARTS_OF_DAY: i64 = 12;
/// Drafts that the first page shows.
const DRAFTS_SHOWN: usize = 3;
/// Records that the first page points to.
const ALERTS_MAX: u32 = 8;
/// An answer stands on the first page for so many days.
const ANSWERS_DAYS: i64 = 14;
/// Records with a change of that time that are looked at.
const CHANGED_LOOKED_AT: u32 = 100;
/// A complaint that nobody touches for so many days stands on the board of the hub, and no longer on the first page.
const DUE_DAYS: i64 = 60;
/// Complaints of that time that are looked at.
const DUE_LOOKED_AT: u32 = 100;
const DAY_MS: i64 = 24 * 3_600_000;

/// What changes by itself.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) verdict: Verdict,
    /// `12 dari 12 catatan hari ini sampai`
    pub(super) today_arrived: String,
    pub(super) today: Vec<(String, String)>,
    pub(super) last_success: Option<When>,
    pub(super) last_attempt: Option<When>,
    pub(super) next: Option<When>,
    pub(super) steps: Vec<Link>,
    /// Who can do something about the step that is broken.
    pub(super) call: Option<&'static str>,
    /// Nobody need be called yet.
    pub(super) is_patient: bool,
    /// Code and sentence of the last failure.
    pub(super) reason: Option<(String, &'static str)>,
    /// What happened to the store, if it lost something.
    pub(super) mishap: Option<String>,
    /// For how long the disk is enough, if that is known.
    pub(super) room: Option<String>,
    /// Somebody should do something about it.
    pub(super) room_is_low: bool,
    pub(super) counts: Vec<Count>,
    pub(super) files: Option<String>,
    /// Rules of a link that costs, if there are any.
    pub(super) thrift: Option<Thrift>,
}

/// A place on the way, and the step that leads to it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) name: &'static str,
    pub(super) sign: &'static str,
    pub(super) class: &'static str,
    pub(super) word: &'static str,
}

/// A number with its shape and word.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) shape: Shape,
    pub(super) number: String,
    pub(super) word: &'static str,
    pub(super) state: &'static str,
}

#[derive(Debug, Template)]
#[template(path = "home.html")]
struct Home<'a> {
    s: &'a Shell,
    live: Live,
    drafts: Vec<Begun>,
    alerts: Vec<Alert>,
    /// Nothing was entered yet: training is offered.
    invites: bool,
}

#[derive(Debug, Template)]
#[template(path = "home_live.html")]
struct HomeLive<'a> {
    s: &'a Shell,
    live: Live,
    drafts: Vec<Begun>,
    alerts: Vec<Alert>,
}

/// A draft to go on with.
#[derive(Debug)]
pub(super) struct Begun {
    path: String,
    words: String,
}

/// A record that waits for a person of this office.
#[derive(Debug)]
pub(super) struct Alert {
    class: &'static str,
    words: String,
    id: String,
    code: String,
    title: String,
}

#[derive(Debug, Template)]
#[template(path = "delivery.html")]
struct Delivery<'a> {
    s: &'a Shell,
    live: Live,
    days: Vec<Day>,
    note: Option<String>,
    faults: Vec<(String, String)>,
}

#[derive(Debug, Template)]
#[template(path = "delivery_live.html")]
struct DeliveryLive<'a> {
    s: &'a Shell,
    live: Live,
    days: Vec<Day>,
}

/// Attempts of one day.
#[derive(Debug)]
pub(super) struct Day {
    pub(super) name: String,
    pub(super) marks: Vec<Mark>,
    pub(super) words: String,
}

/// Attempts of a part of a day.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) class: &'static str,
    pub(super) sign: &'static str,
}

/// What both pages are made of.
struct Looked {
    standing: Standing,
    clock: Clock,
    today: Today,
}

/// The first page.
pub(super) async fn home(pages: &Pages, shell: &Shell, asked: &Asked) -> Result<Reply, Failure> {
    let shell = &shell.clone().at("beranda");
    let tag = tag(pages, shell).await?;
    if wants_part(asked) && asked.has(&tag) {
        return Ok(Reply::unchanged(&tag));
    }
    let looked = look(pages, shell).await?;
    let (drafts, alerts) = (drafts(pages, shell, &looked.clock).await?, alerts(pages, shell, &looked).await?);
    let live = live(&looked, shell);
    if wants_part(asked) {
        return Ok(shell::page(&HomeLive { s: shell, live, drafts, alerts }).tagged(&tag));
    }
    let invites = looked.standing.counts.entered == 0 && !shell.is_training;
    Ok(shell::page(&Home { s: shell, live, drafts, alerts, invites }))
}

async fn drafts(pages: &Pages, shell: &Shell, clock: &Clock) -> Result<Vec<Begun>, Failure> {
    let drafts = pages.agent.ask(|store| store.drafts()).await?;
    let begun = |draft: &Draft| {
        let form = builtin::by_tag(draft.form)?;
        let (what, when) =
            (form.label.in_lang(shell.w.lang).to_lowercase(), clock.when(draft.changed_ms, &shell.w).near);
        Some(Begun {
            path: format!("/isi/{}/{}", form.name, draft.name),
            words: shell.w.with("beranda.draf", &[("apa", &what), ("kapan", &when)]),
        })
    };
    Ok(drafts.iter().take(DRAFTS_SHOWN).filter_map(begun).collect())
}

/// What is to be fixed, what this office has to answer, what stands side by side, and what the hub has answered lately.
async fn alerts(pages: &Pages, shell: &Shell, looked: &Looked) -> Result<Vec<Alert>, Failure> {
    let counts = &looked.standing.counts;
    let (rejected, conflicts) = (counts.rejected > 0, counts.conflicts > 0);
    let clock = looked.clock.clone();
    let since_ms = clock.now_ms.saturating_sub(ANSWERS_DAYS * DAY_MS);
    let w = shell.w;
    let alerts = pages
        .agent
        .ask(move |store| {
            let mut board = Board { w, alerts: Vec::new(), noted: BTreeSet::new() };
            if rejected {
                let filter =
                    ListFilter { state: Some(RecordState::Rejected), limit: ALERTS_MAX, ..ListFilter::default() };
                store.list(&filter, |summary, record| board.note(&summary, &record, &Why::Repair))?;
            }
            for (pressing, id) in due(store, &clock)? {
                if board.is_full() {
                    break;
                }
                let Entry { summary, record, .. } = store.entry(id)?;
                board.note(&summary, &record, &Why::Due(pressing));
            }
            for id in store.changed_since(since_ms, CHANGED_LOOKED_AT)? {
                if board.is_full() {
                    break;
                }
                let Entry { summary, record, .. } = store.entry(id)?;
                let stands_apart = conflicts && summary.conflicts > 0;
                board.note(&summary, &record, if stands_apart { &Why::Conflict } else { &Why::Answer });
            }
            Ok(board.alerts)
        })
        .await?;
    Ok(alerts)
}

/// What the first page points to, gathered record by record.
struct Board {
    w: Words,
    alerts: Vec<Alert>,
    noted: BTreeSet<RecordId>,
}

impl Board {
    fn is_full(&self) -> bool {
        self.alerts.len() >= ALERTS_MAX as usize
    }

    /// Once each, for the first reason that there is.
    fn note(&mut self, summary: &RecordSummary, record: &Record, why: &Why) {
        let w = &self.w;
        let Some(form) = builtin::by_tag(summary.form).filter(|_| !self.is_full()) else { return };
        let (class, words) = match why {
            Why::Repair => ("salah", w.t("keadaan.rejected").to_owned()),
            Why::Due(pressing) if pressing.is_missed => ("salah", pressing.sentence(w)),
            Why::Due(pressing) => ("lambat", pressing.sentence(w)),
            Why::Conflict => ("lambat", w.t("catatan.bentrok").to_owned()),
            Why::Answer if is_answered(form, record) => ("sampai", w.t("beranda.dijawab").to_owned()),
            Why::Answer => return,
        };
        if !self.noted.insert(summary.record) {
            return;
        }
        let code = summary.code.map_or_else(|| form.label.in_lang(w.lang).to_owned(), |code| code.to_string());
        let title = super::records::title(form, record, w);
        self.alerts.push(Alert { class, words, id: summary.record.to_string(), code, title });
    }
}

/// Why a record stands on the first page.
enum Why {
    Repair,
    Due(Pressing),
    Conflict,
    Answer,
}

/// Complaints that this office has to answer now or soon, the most pressing first.
fn due(store: &mut Store, clock: &Clock) -> Result<Vec<(Pressing, RecordId)>, StoreError> {
    let Some((form, office)) = builtin::by_tag(pengaduan::TAG).zip(store.member().map(|member| member.office.clone()))
    else {
        return Ok(Vec::new());
    };
    let (limits, mut due) = (Limits::shipped(), Vec::new());
    let since_ms = clock.now_ms.saturating_sub(DUE_DAYS * DAY_MS);
    for id in store.complaints_worked_on_since(since_ms, DUE_LOOKED_AT)? {
        let Entry { summary, record, .. } = store.entry(id)?;
        if let Some(pressing) = limits.pressing(form, &record, summary.wall_ms, &office, clock) {
            due.push((pressing, id));
        }
    }
    due.sort_by_key(|(pressing, _)| pressing.until);
    Ok(due)
}

fn is_answered(form: &Form, record: &Record) -> bool {
    let group = form.group(group::JAWABAN).filter(|_| form.tag == pengaduan::TAG);
    group.is_some_and(|group| GroupView::of(record, form, group) != GroupView::Empty)
}

/// The page about delivery.
pub(super) async fn delivery(pages: &Pages, shell: &Shell, asked: &Asked) -> Result<Reply, Failure> {
    let shell = &shell.clone().at("pengiriman");
    let tag = tag(pages, shell).await?;
    if wants_part(asked) && asked.has(&tag) {
        return Ok(Reply::unchanged(&tag));
    }
    if wants_part(asked) {
        let (live, days) = delivered(pages, shell).await?;
        return Ok(shell::page(&DeliveryLive { s: shell, live, days }).tagged(&tag));
    }
    let note = match asked.query.has("diminta") {
        true => Some(shell.w.t("kirim.diminta").to_owned()),
        false => carrying::note(&asked.query, &shell.w),
    };
    delivery_with(pages, shell, note, None).await
}

/// The same with what was done, or with what was wrong with what was sent.
pub(super) async fn delivery_with(
    pages: &Pages,
    shell: &Shell,
    note: Option<String>,
    fault: Option<String>,
) -> Result<Reply, Failure> {
    let shell = &shell.clone().at("pengiriman");
    let (live, days) = delivered(pages, shell).await?;
    let faults: Vec<_> = fault.into_iter().map(|sentence| (String::new(), sentence)).collect();
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(shell::page(&Delivery { s: shell, live, days, note, faults }).but(status))
}

async fn delivered(pages: &Pages, shell: &Shell) -> Result<(Live, Vec<Day>), Failure> {
    let looked = look(pages, shell).await?;
    let since_ms = looked.clock.now_ms.saturating_sub(HISTORY_DAYS as i64 * DAY_MS);
    let contacts = pages.agent.ask(move |store| store.contacts_since(since_ms, HISTORY_CONTACTS_MAX)).await?;
    Ok((live(&looked, shell), history(&contacts, &looked.clock, &shell.w)))
}

/// Brings the next attempt forward.
pub(super) async fn send_now(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    if let Err(reply) = pages.posted(asked, shell).await {
        return Ok(reply);
    }
    pages.agent.perform(crate::command::Command::Wake, unwatched()).await?;
    Ok(Reply::go_to("/pengiriman?diminta=1"))
}

/// A mark that is another one whenever something on these pages may be another thing: after any write, when a contact
/// begins or ends, and every half minute for the sake of "minutes ago".
async fn tag(pages: &Pages, shell: &Shell) -> Result<String, Failure> {
    let (writes, now_ms) = pages.agent.ask(|store| Ok((store.writes(), store.wall_ms()))).await?;
    let busy = u8::from(pages.agent.is_in_contact());
    Ok(format!("{writes}-{busy}-{}-{}-{}", now_ms / 30_000, shell.w.code(), shell.here))
}

async fn look(pages: &Pages, shell: &Shell) -> Result<Looked, Failure> {
    let standing = pages.agent.standing().await?;
    let clock = shell.clock(standing.now_ms);
    let (from_ms, until_ms) = clock.day(standing.now_ms).and_then(|day| clock.bounds(day)).unwrap_or((0, 0));
    let today = pages.agent.ask(move |store| store.entered_between(from_ms, until_ms)).await?;
    Ok(Looked { standing, clock, today })
}

fn live(looked: &Looked, shell: &Shell) -> Live {
    let w = &shell.w;
    let Looked { standing, clock, today } = looked;
    let link = &standing.link;
    let steps = verdict::chain(link.last.as_ref().map(|last| last.code));
    let last_code = link.last.as_ref().map_or(0, |last| last.code);
    let ended = |contact: &Contact| clock.when(contact.ended_ms, w);
    let numbers = [("n", w.number(today.arrived)), ("semua", w.number(today.total()))];
    let numbers = numbers.each_ref().map(|(name, number)| (*name, number.as_str()));
    let waiting_files = standing.attachments.waiting;
    let verdict = match shell.is_training {
        true => verdict::of_training(w),
        false => verdict::verdict(standing, clock, w),
    };
    // A village without a signal need not call anybody, until patience has come to its end.
    let call = verdict::whom_to_call(steps).map(|whom| match verdict.shape {
        Shape::Late | Shape::Wrong => whom,
        _ => "rantai.sabar",
    });
    Live {
        verdict,
        today_arrived: w.with("beranda.sampai_hari_ini", &numbers),
        today: builtin::all()
            .iter()
            .map(|form| (form, today.entered.get(&form.tag).copied().unwrap_or(0)))
            // Most offices have no kiosk.
            .filter(|(form, entered)| form.tag != suara::TAG || *entered > 0)
            .map(|(form, entered)| (form.label.in_lang(w.lang).to_owned(), w.number(entered)))
            .collect(),
        last_success: link.last_success.as_ref().map(ended),
        last_attempt: link.last.as_ref().map(ended),
        next: link.next_ms.filter(|_| standing.member.is_some()).map(|next_ms| clock.when(next_ms, w)),
        steps: links(steps, w),
        is_patient: call == Some("rantai.sabar"),
        call: call.and_then(|key| w.find(key)),
        reason: verdict::ktg_numbered(last_code).map(|ktg| (ktg.to_string(), ktg.sentence(w.lang))),
        mishap: standing.mishap.as_ref().map(|mishap| crate::show::sentence(mishap, w.lang)),
        room: standing.room.sentence(w.lang),
        room_is_low: standing.room.is_low(),
        counts: counts(standing, w),
        files: (waiting_files > 0).then(|| w.count("kirim.berkas", waiting_files)),
        thrift: Thrift::of(&standing.data, clock, w),
    }
}

fn counts(standing: &Standing, w: &Words) -> Vec<Count> {
    let counts = &standing.counts;
    let count = |shape, number, word, state| Count { shape, number: w.number(number), word, state };
    let waiting = if standing.service.in_contact && counts.queued > 0 { Shape::Sending } else { Shape::Waiting };
    vec![
        count(Shape::Wrong, counts.rejected, w.t("keadaan.rejected"), "rejected"),
        count(waiting, counts.queued, w.t("keadaan.queued"), "queued"),
        count(Shape::Arrived, counts.arrived, w.t("keadaan.arrived"), "arrived"),
    ]
}

fn links(steps: [Step; 3], w: &Words) -> Vec<Link> {
    let shown = |step: Step| match step {
        Step::Whole => ("✔", "utuh", w.t("rantai.utuh")),
        Step::Broken => ("✖", "putus", w.t("rantai.putus")),
        Step::Unknown => ("·", "entah", w.t("rantai.entah")),
    };
    let first = Link { name: w.t(PLACES[0]), sign: "", class: "", word: "" };
    let rest = PLACES.iter().skip(1).zip(steps).map(|(place, step)| {
        let (sign, class, word) = shown(step);
        Link { name: w.t(place), sign, class, word }
    });
    std::iter::once(first).chain(rest).collect()
}

/// For each of the last days, how the attempts of its parts went: well if one did.
fn history(contacts: &[Contact], clock: &Clock, w: &Words) -> Vec<Day> {
    let mut days = Vec::new();
    for back in (0..HISTORY_DAYS).rev() {
        let within_ms = clock.now_ms.saturating_sub(back as i64 * DAY_MS);
        let Some((from_ms, until_ms)) = clock.day(within_ms).and_then(|day| clock.bounds(day)) else { continue };
        let of_day = contacts.iter().filter(|contact| (from_ms..until_ms).contains(&contact.ended_ms));
        let mut parts: Vec<Option<bool>> = vec![None; PARTS_OF_DAY as usize];
        let (mut well, mut failed) = (0_u64, 0_u64);
        for contact in of_day {
            let is_well = contact.code == 0;
            *(if is_well { &mut well } else { &mut failed }) += 1;
            let part = (contact.ended_ms - from_ms) * PARTS_OF_DAY / (until_ms - from_ms).max(1);
            if let Some(part) = usize::try_from(part).ok().and_then(|part| parts.get_mut(part)) {
                *part = Some(part.unwrap_or(false) || is_well);
            }
        }
        let mark = |part| match part {
            Some(true) => Mark { class: "utuh", sign: "●" },
            Some(false) => Mark { class: "putus", sign: "✖" },
            None => Mark { class: "entah", sign: "·" },
        };
        let tried = well + failed > 0;
        let (well, failed) = (w.number(well), w.number(failed));
        days.push(Day {
            name: clock.short(from_ms, w),
            marks: parts.into_iter().map(mark).collect(),
            words: match tried {
                true => w.with("kirim.hari", &[("baik", &well), ("gagal", &failed)]),
                false => w.t("kirim.hari_sepi").to_owned(),
            },
        });
    }
    days
}

#[cfg(test)]
mod tests {
    use kentongan_host::Lang;
    use kentongan_protocol::calendar::Zone;

    use super::*;

    #[test]
    fn a_day_of_the_history_is_good_where_one_attempt_was() {
        let clock = Clock::of(1_795_244_700_000, Zone::Wib);
        let contact = |ms: i64, code| Contact { ended_ms: ms, code, ..Contact::default() };
        let contacts = [
            contact(clock.now_ms - 60_000, 102),
            contact(clock.now_ms - 30_000, 0),
            contact(clock.now_ms - 4 * 3_600_000, 102),
            contact(clock.now_ms - 9 * DAY_MS, 0),
        ];
        let days = history(&contacts, &clock, &super::super::words::words(Lang::Id));
        assert_eq!(days.len(), HISTORY_DAYS);
        let signs: String = days[HISTORY_DAYS - 1].marks.iter().map(|mark| mark.sign).collect();
        assert_eq!(signs, "·····✖·●····");
        assert_eq!(days[HISTORY_DAYS - 1].words, "1 berhasil, 2 gagal");
        assert!(days[0].marks.iter().all(|mark| mark.class == "entah"));
    }
}
