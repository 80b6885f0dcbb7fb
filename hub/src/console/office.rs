//! One office: how it was heard, what its devices said, and what an operator does about it.

use askama::Template;
use hyper::StatusCode;
use kentongan_host::Failure;
use kentongan_protocol::calendar::Zone;
use kentongan_protocol::form::Civil;
use kentongan_protocol::ids::OfficeCode;
use kentongan_protocol::survey::{Sums, Weight};
use kentongan_web::{Asked, Reply, When};

use super::Console;
use super::route::Visit;
use super::sheet;
use super::shell::{self, Shell};
use super::signs::{self, Sign, Stretch};
use super::surveys::this_month;
use crate::accept::{CARRIED, ended_well};
use crate::service::fleet::{Detail, Heard, ReplicaRow, Rhythm, Session};
use crate::service::office::{self, Answer, NOTE_CHARS_MAX, Request};
use crate::service::{self, Request as Ordered, board};
use crate::store::Delays;

/// How long a code for another PC holds.
const CODE_EXPIRES_MS: u64 = 14 * 86_400_000;
/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 200;
/// Days of the curve.
const CURVE_DAYS: i32 = 30;
/// Height of the curve for a class of delays.
const CURVE_STEP: usize = 6;

#[derive(Debug, Template)]
#[template(path = "office.html")]
struct OfficePage<'a> {
    s: &'a Shell,
    d: &'a Detail,
    sign: Sign,
    notices: Vec<&'static str>,
    facts: Vec<(&'static str, String, String)>,
    work: Work,
    rhythm: String,
    strip: Vec<Stretch>,
    strip_words: String,
    curve: Vec<Bar>,
    sessions: Vec<SessionRow<'a>>,
    well: String,
    devices: Vec<Device<'a>>,
    notes: Vec<(When, &'a str, &'a str)>,
    events: Vec<(When, &'a str, &'a str)>,
    note_chars_max: usize,
    has_active: bool,
}

/// What an office works on, in words.
#[derive(Debug)]
struct Work {
    open: String,
    late: Option<String>,
    answers: String,
    index: Option<String>,
}

/// A day of the curve of delays, with the heights of its two bars.
#[derive(Debug)]
struct Bar {
    x: usize,
    half: usize,
    most: usize,
    words: String,
}

#[derive(Debug)]
struct SessionRow<'a> {
    at: When,
    outcome: &'static str,
    is_well: bool,
    ops: String,
    up: String,
    down: String,
    took: String,
    replica: &'a str,
}

#[derive(Debug)]
struct Device<'a> {
    d: &'a ReplicaRow,
    notices: Vec<&'static str>,
    contact: Option<When>,
    twin: Option<When>,
    held: String,
    written: String,
    pending: String,
    clock: String,
    free: String,
    enrolled: When,
    certificate: When,
    revoked: Option<When>,
}

#[derive(Debug, Template)]
#[template(path = "office_end.html")]
struct EndPage<'a> {
    s: &'a Shell,
    d: &'a Detail,
    /// The page that takes the form.
    action: String,
    /// Whether another PC takes the place of the one that ends.
    is_replaced: bool,
    /// Those that can be meant, and what each may still hold.
    devices: Vec<(&'a ReplicaRow, String)>,
    reason_chars_max: usize,
    fault: Option<String>,
}

async fn detail(console: &Console, visit: &Visit) -> Result<Detail, Failure> {
    let code = visit.arg(0).to_owned();
    console
        .look(visit, move |tx, desk| {
            let office = office::known(tx, &code)?;
            service::fleet::show(tx, desk, &office)
        })
        .await
}

pub(super) async fn show(console: &Console, visit: Visit, _: Asked) -> Result<Reply, Failure> {
    let shell = visit.shell.clone().at("armada");
    let (detail, work) = (detail(console, &visit).await?, work(console, &visit).await?);
    Ok(shell::page(&page(&shell, &detail, work)))
}

/// What it works on: open complaints, and this year's answers to surveys.
async fn work(console: &Console, visit: &Visit) -> Result<Work, Failure> {
    let code = visit.arg(0).to_owned();
    let month = this_month(visit);
    let (cases, sums) = console
        .look(visit, move |tx, desk| {
            let office = office::known(tx, &code)?;
            let mut sums = Sums::default();
            for kept in tx.survey_months(Some(&office.code), month - month.rem_euclid(12), month)? {
                sums.merge(&kept.sums);
            }
            Ok::<_, Failure>((board::counts(tx, desk, Some(&office.code))?, sums))
        })
        .await?;
    let w = &visit.shell.w;
    let index = sums.index(Weight::default()).map(|index| signs::decimal(index, w));
    Ok(Work {
        open: w.count("kantor.aduan_terbuka", cases.open()),
        late: (cases.late > 0).then(|| w.count("kantor.aduan_lewat", cases.late)),
        answers: w.count("kantor.survei_tahun", sums.complete),
        index: index.map(|index| w.with("kantor.indeks", &[("n", &index)])),
    })
}

fn page<'a>(s: &'a Shell, d: &'a Detail, work: Work) -> OfficePage<'a> {
    let w = &s.w;
    let when = |at: i64| s.clock.when(at, w);
    let well = d.sessions.iter().filter(|session| ended_well(&session.outcome)).count() as u64;
    let cut = d.sessions.len() as u64 - well;
    OfficePage {
        s,
        d,
        sign: signs::state(d.row.state, w),
        notices: d.row.notices.iter().map(|notice| signs::notice(*notice, w)).collect(),
        facts: facts(s, d),
        work,
        rhythm: rhythm(s, &d.rhythm),
        strip: signs::strip(&d.row.days),
        strip_words: signs::strip_words(&d.row.days, w),
        curve: curve(s, d),
        well: w.with("kantor.sesi_jumlah", &[("baik", &w.number(well)), ("putus", &w.number(cut))]),
        sessions: d.sessions.iter().map(|session| session_row(s, session)).collect(),
        devices: d.devices.iter().map(|device| device_row(s, device)).collect(),
        notes: d.notes.iter().map(|note| (when(note.at), note.actor.as_str(), note.text.as_str())).collect(),
        events: d.events.iter().map(|line| (when(line.at), line.event.as_str(), line.actor.as_str())).collect(),
        note_chars_max: NOTE_CHARS_MAX,
        has_active: d.devices.iter().any(|device| device.active),
    }
}

/// Name, short value, and what it is exactly.
fn facts(s: &Shell, d: &Detail) -> Vec<(&'static str, String, String)> {
    let (w, row) = (&s.w, &d.row);
    let time = |at: Option<i64>| {
        let when = at.map(|at| s.clock.when(at, w)).unwrap_or_default();
        if when.near.is_empty() { ("–".to_owned(), when.exact) } else { (when.near, when.exact) }
    };
    let (contact, contact_at) = time(row.last_contact_at);
    let (expected, expected_at) = time(row.expected_by);
    let (drained, drained_at) = time(row.drained_at);
    let (oldest, oldest_at) = time(row.oldest_pending_at);
    let (certificate, certificate_at) = time(row.cert_expires_at);
    vec![
        (w.t("kantor.kontak"), contact, contact_at),
        (w.t("kantor.ditunggu"), expected, expected_at),
        (w.t("kantor.kosong"), drained, drained_at),
        (w.t("kantor.simpan"), signs::at_least(row.pending, row.pending_at_least, w), String::new()),
        (w.t("kantor.tertua"), oldest, oldest_at),
        (w.t("kantor.jam"), signs::clock(row.clock_is_measured, row.clock_offset_s, w), String::new()),
        (w.t("kantor.sertifikat"), certificate, certificate_at),
        (w.t("kantor.versi"), row.program.clone(), String::new()),
    ]
}

/// When it works, and after how much of that time its silence means something.
fn rhythm(s: &Shell, r: &Rhythm) -> String {
    let w = &s.w;
    let hours = |seconds: u64| w.number(seconds / 3_600);
    let known = if r.learned { w.t("kantor.dipelajari") } else { w.t("kantor.anggapan") };
    let (days, from, to) = (r.week_days.to_string(), format!("{:02}", r.from_hour), format!("{:02}", r.to_hour));
    let (late, silent) = (hours(r.late_after_s), hours(r.silent_after_s));
    let values = [
        ("hari", days.as_str()),
        ("dari", &from),
        ("sampai", &to),
        ("lambat", &late),
        ("sunyi", &silent),
        ("asal", known),
    ];
    w.with("kantor.irama_kata", &values)
}

/// The last days with their delays, by the classes that they are counted in.
fn curve(s: &Shell, d: &Detail) -> Vec<Bar> {
    let Ok(office) = d.row.office.parse::<OfficeCode>() else { return Vec::new() };
    let today = Zone::of(&office).day_of(s.clock.now_ms);
    let class = |seconds: u32| Delays::BOUNDS_S.iter().position(|bound| seconds <= *bound).unwrap_or(10) + 1;
    let bar = |heard: &Heard| {
        let day = heard.day.parse::<Civil>().ok().map(kentongan_protocol::calendar::Day::from)?;
        let place = usize::try_from(CURVE_DAYS - 1 - today.since(day)).ok()?;
        let (half, most) = (heard.delay_p50_s?, heard.delay_p90_s?);
        let (half_word, most_word) = (signs::within(half, &s.w), signs::within(most, &s.w));
        let values = [("hari", heard.day.as_str()), ("separuh", &half_word), ("banyak", &most_word)];
        let words = s.w.with("kantor.jeda_hari", &values);
        Some(Bar { x: place * 10, half: class(half) * CURVE_STEP, most: class(most) * CURVE_STEP, words })
    };
    d.heard.iter().filter_map(bar).collect()
}

fn session_row<'a>(s: &Shell, session: &'a Session) -> SessionRow<'a> {
    let w = &s.w;
    let outcome = match session.outcome.as_str() {
        "ok" => w.t("sesi.ok"),
        CARRIED => w.t("sesi.carried"),
        "cut" => w.t("sesi.cut"),
        "refused" => w.t("sesi.refused"),
        "too-long" => w.t("sesi.too_long"),
        "fault" => w.t("sesi.fault"),
        _ => w.t("sesi.failed"),
    };
    let seconds = session.took_ms as f64 / 1000.0;
    let took = if w.code() == "id" { format!("{seconds:.1} dtk").replace('.', ",") } else { format!("{seconds:.1} s") };
    SessionRow {
        at: s.clock.when(session.started_at, w),
        outcome,
        is_well: ended_well(&session.outcome),
        ops: w.number(session.ops_in),
        up: signs::bytes(session.bytes_in, w),
        down: signs::bytes(session.bytes_out, w),
        took,
        replica: &session.replica,
    }
}

fn device_row<'a>(s: &Shell, d: &'a ReplicaRow) -> Device<'a> {
    let w = &s.w;
    let when = |at: i64| s.clock.when(at, w);
    Device {
        notices: d.notices.iter().map(|notice| signs::notice(*notice, w)).collect(),
        contact: d.last_contact_at.map(when),
        twin: d.twin_seen_at.map(when),
        held: w.number(d.ops_held),
        written: w.number(d.ops_written),
        pending: w.number(d.pending),
        clock: signs::clock(d.clock_is_measured, d.clock_offset_s, w),
        free: signs::bytes(d.free_bytes, w),
        enrolled: when(d.enrolled_at),
        certificate: when(d.cert_expires_at),
        revoked: d.revoked_at.map(when),
        d,
    }
}

/// Asks a service for a change of the office, and leads back to its page.
async fn changed(console: &Console, visit: &Visit, request: Request) -> Result<Reply, Failure> {
    console.ask(visit, Ordered::Office(request)).await?;
    Ok(Reply::go_to(&format!("/kantor/{}", visit.arg(0))))
}

pub(super) async fn pause(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let (office, paused) = (visit.arg(0).to_owned(), posted.fields.text("jeda") == "1");
    changed(console, &visit, Request::Pause { office, paused }).await
}

pub(super) async fn rename(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let (office, name) = (visit.arg(0).to_owned(), posted.fields.text("nama").to_owned());
    changed(console, &visit, Request::Edit { office, name }).await
}

pub(super) async fn note(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let (office, text) = (visit.arg(0).to_owned(), posted.fields.text("catatan").to_owned());
    changed(console, &visit, Request::Note { office, text }).await
}

/// The page before a PC is replaced: what it may still hold.
pub(super) async fn ask_replace(console: &Console, visit: Visit, _: Asked) -> Result<Reply, Failure> {
    let shell = visit.shell.clone().at("armada");
    let detail = detail(console, &visit).await?;
    Ok(shell::page(&end_page(&shell, &detail, None, None)))
}

pub(super) async fn replace(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let shell = visit.shell.clone().at("armada");
    let Some(reason) = reason(posted.fields.text("alasan")) else {
        let detail = detail(console, &visit).await?;
        let fault = Some(shell.w.t("kantor.alasan_perlu").to_owned());
        return Ok(shell::page(&end_page(&shell, &detail, None, fault)).but(StatusCode::UNPROCESSABLE_ENTITY));
    };
    let replica = Some(posted.fields.text("pc").to_owned()).filter(|replica| !replica.is_empty());
    let (office, expires_ms) = (visit.arg(0).to_owned(), CODE_EXPIRES_MS);
    let request = Request::ReplaceDevice { office, replica, reason, expires_ms };
    match console.ask(&visit, Ordered::Office(request)).await? {
        service::Answer::Office(Answer::Replaced(replaced)) => {
            let old = &replaced.revoked;
            let held = signs::at_least(old.pending, old.last_contact_at.is_some(), &shell.w);
            let told = shell.w.with("kantor.lama_menyimpan", &[("pc", &old.host), ("n", &held)]);
            Ok(sheet::of(console, &shell, &[replaced.code], Some(told)))
        }
        _ => Ok(Reply::go_to(&format!("/kantor/{}", visit.arg(0)))),
    }
}

/// The page before a device is revoked.
pub(super) async fn ask_revoke(console: &Console, visit: Visit, _: Asked) -> Result<Reply, Failure> {
    let shell = visit.shell.clone().at("armada");
    let detail = detail(console, &visit).await?;
    Ok(shell::page(&end_page(&shell, &detail, Some(visit.arg(1)), None)))
}

pub(super) async fn revoke(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let shell = visit.shell.clone().at("armada");
    let detail = detail(console, &visit).await?;
    // An address names office and device: a device of another office is not meant.
    let replica =
        detail.devices.iter().find(|device| device.replica == visit.arg(1)).map(|device| device.replica.clone());
    let (Some(replica), Some(reason)) = (replica, reason(posted.fields.text("alasan"))) else {
        let fault = Some(shell.w.t("kantor.alasan_perlu").to_owned());
        let page = end_page(&shell, &detail, Some(visit.arg(1)), fault);
        return Ok(shell::page(&page).but(StatusCode::UNPROCESSABLE_ENTITY));
    };
    changed(console, &visit, Request::Revoke { replica, reason, valid_upto: Vec::new() }).await
}

fn reason(typed: &str) -> Option<String> {
    let typed = typed.trim();
    (!typed.is_empty() && typed.chars().count() <= REASON_CHARS_MAX).then(|| typed.to_owned())
}

fn end_page<'a>(s: &'a Shell, d: &'a Detail, replica: Option<&str>, fault: Option<String>) -> EndPage<'a> {
    let meant = d.devices.iter().filter(|device| device.active && replica.is_none_or(|id| device.replica == id));
    let held = |device: &ReplicaRow| signs::at_least(device.pending, device.last_contact_at.is_some(), &s.w);
    let action = match replica {
        Some(id) => format!("/kantor/{}/cabut/{id}", d.row.office),
        None => format!("/kantor/{}/ganti", d.row.office),
    };
    EndPage {
        s,
        d,
        action,
        is_replaced: replica.is_none(),
        devices: meant.map(|device| (device, held(device))).collect(),
        reason_chars_max: REASON_CHARS_MAX,
        fault,
    }
}
