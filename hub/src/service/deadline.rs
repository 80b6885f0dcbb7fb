//! What is due of a complaint: its course read from its ops, counted by the calendar and the limits in force when it was
//! received. Nothing here is stored; what is kept of it for lists stands in [`super::board`].

use std::collections::BTreeMap;

use kentongan_host::{Exit, Failure, moment};
use kentongan_protocol::calendar::{
    Calendar, Class, Course, Day, Deadline, Move, Profile, Profiles, Stage, Week, WorkDays, Zone, course,
};
use kentongan_protocol::form::builtin::pengaduan::{group, status};
use kentongan_protocol::form::{FieldTag, Lang, Value};
use kentongan_protocol::ids::OfficeCode;
use kentongan_protocol::merge::GroupView;
use kentongan_protocol::op::Action;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::calendar;
use super::record::{Opened, Said, Times};
use super::{Desk, work};
use crate::store::{OpState, Reference, StoreError, Tx};

/// Names of the tables in the store.
const PROFILES: &str = "deadlines";
const CHOICES: &str = "deadlines.choice";
/// Fields of the form that limits depend on.
pub(crate) const UNIT: FieldTag = 161;

/// What is due of a complaint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Whose turn it is.
    pub stage: Said,
    /// The day from which it is counted.
    pub began: String,
    /// The day at whose end it is due.
    pub due: String,
    /// Whether no estimated holiday, and no year without holidays, lies on the way.
    pub certain: bool,
    /// Working days left; 0 on the last day, negative once it is missed.
    pub left: i32,
    /// Who has been reminded by now, if anybody: `officer`, `head`, `above`.
    pub rung: Option<String>,
    /// Who is reminded on which day.
    pub ladder: BTreeMap<String, String>,
    /// Working days of the reporter that were not counted.
    pub stopped: i32,
    /// Working days that what began this stage spent at an office without a connection.
    pub lag: i32,
    /// The limits that count, and where they come from.
    pub profile: String,
    /// The source of the limit.
    pub source: String,
}

/// What limits count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The limits for what is received from now on.
    pub profile: String,
    /// Since when.
    #[serde(with = "moment::option")]
    pub since: Option<i64>,
    /// All that are known.
    pub profiles: Vec<String>,
}

/// By what deadlines are counted.
pub(crate) struct Clock {
    calendar: Calendar,
    profiles: Profiles,
    /// From when which profile counts, the latest last.
    choices: Vec<(i64, String)>,
    week: Week,
    now_ms: i64,
}

impl Clock {
    /// As the store and the settings say.
    pub(crate) fn load(tx: &mut dyn Tx, desk: &Desk) -> Result<Clock, Failure> {
        let mut profiles = Profiles::built_in();
        if let Some(brought) = tx.reference(PROFILES)? {
            profiles.replace(Profiles::read(&brought.text).unwrap_or_default());
        }
        let week = Week::with_days(desk.config.week_days).unwrap_or_default();
        let calendar = calendar::in_force(tx)?;
        Ok(Clock { calendar, profiles, choices: choices(tx)?, week, now_ms: desk.now_ms })
    }

    /// The limits for what was received at a time: a later choice does not touch it.
    fn profile_at(&self, at_ms: i64) -> Option<&Profile> {
        let chosen = self.choices.iter().rev().find(|(since_ms, _)| *since_ms <= at_ms);
        self.profiles.named(chosen.map_or(Profiles::DEFAULT, |(_, name)| name))
    }

    /// What is due of a complaint.
    pub(crate) fn due(&self, tx: &mut dyn Tx, times: &mut Times, opened: &Opened) -> Result<Option<Due>, StoreError> {
        let Read { course, received_ms } = read(tx, times, opened)?;
        let Some(profile) = self.profile_at(received_ms) else { return Ok(None) };
        let office = answerable(opened);
        let work = WorkDays::new(&self.calendar, &office, self.week);
        let today = Zone::of(&office).day_of(self.now_ms);
        Ok(course.deadline(profile, &work).map(|deadline| due_said(&deadline, &profile.name, today, &work)))
    }

    /// The end of the day on which it is due, where it is due, milliseconds since 1970.
    pub(crate) fn due_ms(
        &self,
        tx: &mut dyn Tx,
        times: &mut Times,
        opened: &Opened,
    ) -> Result<Option<i64>, StoreError> {
        let Read { course, received_ms } = read(tx, times, opened)?;
        let Some(profile) = self.profile_at(received_ms) else { return Ok(None) };
        let office = answerable(opened);
        let work = WorkDays::new(&self.calendar, &office, self.week);
        let deadline = course.deadline(profile, &work);
        Ok(deadline.map(|deadline| Zone::of(&office).start_of(deadline.due.day.plus(1))))
    }

    /// The same number for the same calendar, limits and working week: with another one, every deadline may have moved.
    pub(crate) fn basis(&self) -> u64 {
        let text = format!("{}\n{}\n{:?}", self.calendar.write(), self.profiles.write(), self.week);
        let digest = Sha256::digest(text);
        digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

fn due_said(deadline: &Deadline, profile: &str, today: Day, work: &WorkDays<'_>) -> Due {
    let ladder = deadline.ladder(work).into_iter().map(|(day, rung)| (rung.code().to_owned(), day.to_string()));
    Due {
        stage: stage_said(deadline.stage),
        began: deadline.began.to_string(),
        due: deadline.due.day.to_string(),
        certain: deadline.due.certain,
        left: deadline.left(today, work),
        rung: deadline.rung(today, work).map(|rung| rung.code().to_owned()),
        ladder: ladder.collect(),
        stopped: deadline.stopped,
        lag: deadline.lag,
        profile: profile.to_owned(),
        source: deadline.source.clone(),
    }
}

/// Whose days count: those of the office that it was handed to, or else of its own.
fn answerable(opened: &Opened) -> OfficeCode {
    course::responsible(opened.form, &opened.record).unwrap_or_else(|| opened.born.office.clone())
}

pub(crate) fn stage_said(stage: Stage) -> Said {
    let label = |lang| stage.label(lang).to_owned();
    Said { code: stage.code().to_owned(), id: label(Lang::Id), en: label(Lang::En) }
}

pub(crate) fn shown(opened: &Opened, tag: u16, field: FieldTag) -> Option<&Value> {
    let group = opened.form.group(tag)?;
    GroupView::of(&opened.record, opened.form, group).shown()?.get(&field)
}

/// What a complaint's ops say of its course.
struct Read {
    course: Course,
    received_ms: i64,
}

fn read(tx: &mut dyn Tx, times: &mut Times, opened: &Opened) -> Result<Read, StoreError> {
    let zone = Zone::of(&opened.born.office);
    let mut moves = Vec::new();
    let (mut received_ms, mut heard_ms) = (opened.row.received_ms, opened.row.received_ms);
    for stored in tx.ops_of(opened.row.id)? {
        let Ok(op) = stored.op() else { continue };
        if stored.state != OpState::Merged {
            continue;
        }
        let created = matches!(op.action, Action::Create { .. });
        let status = op.writes.iter().filter(|write| write.group == group::STATUS);
        let status =
            status.filter_map(|write| Some((write.cycle, write.values.get(&status::FIELD)?.choice()?))).next_back();
        if !created && status.is_none() {
            continue;
        }
        let head = tx.log(stored.id.log)?.ok_or(StoreError::Damaged("an op without its log"))?.head;
        let made_ms = times.at(tx, &head, op.elapsed_ms)?.at;
        if created {
            (received_ms, heard_ms) = (made_ms, stored.received_ms);
        }
        if let Some((cycle, status)) = status {
            let step = Move { status, made: zone.day_of(made_ms), heard: zone.day_of(stored.received_ms) };
            moves.push(((op.hlc, stored.id), cycle, step));
        }
    }
    received_ms = course::received_on_paper_ms(opened.form, &opened.record).unwrap_or(received_ms);
    moves.sort_by_key(|(order, _, _)| *order);
    let moves = course::forward(opened.form, moves.into_iter().map(|(_, cycle, step)| (cycle, step)));
    let (received, heard) = (zone.day_of(received_ms), zone.day_of(heard_ms));
    let course = Course { received, heard, class: class(opened), moves };
    Ok(Read { course, received_ms })
}

fn class(opened: &Opened) -> Class {
    course::class(opened.form, &opened.record)
}

/// From when which profile counts.
fn choices(tx: &mut dyn Tx) -> Result<Vec<(i64, String)>, StoreError> {
    let Some(reference) = tx.reference(CHOICES)? else { return Ok(Vec::new()) };
    let line = |line: &str| {
        let (since_ms, name) = line.split_once(' ')?;
        Some((since_ms.parse().ok()?, name.to_owned()))
    };
    Ok(reference.text.lines().filter_map(line).collect())
}

/// Which limits count.
///
/// # Errors
/// A failure of the store.
pub fn limits(tx: &mut dyn Tx, desk: &Desk) -> Result<Limits, Failure> {
    let clock = Clock::load(tx, desk)?;
    let chosen = clock.choices.last();
    Ok(Limits {
        profile: chosen.map_or(Profiles::DEFAULT, |(_, name)| name).to_owned(),
        since: chosen.map(|(since_ms, _)| *since_ms),
        profiles: clock.profiles.names().map(str::to_owned).collect(),
    })
}

/// Lets a profile count for everything that is received from now on; what was received before keeps its own.
///
/// # Errors
/// No such profile (exit 1), or a failure of the store.
pub fn choose(tx: &mut dyn Tx, desk: &Desk, name: &str) -> Result<Limits, Failure> {
    let limits = limits(tx, desk)?;
    if !limits.profiles.iter().any(|known| known == name) {
        let known = limits.profiles.join(", ");
        return Err(Failure::new(
            Exit::Failed,
            format!("Tidak ada batas waktu bernama \"{name}\". Yang ada: {known}."),
            format!("There are no limits called \"{name}\". There are: {known}."),
        ));
    }
    let mut text: String = choices(tx)?.iter().map(|(since_ms, name)| format!("{since_ms} {name}\n")).collect();
    text.push_str(&format!("{} {name}\n", desk.now_ms));
    let reference = Reference { name: CHOICES.to_owned(), text, at_ms: desk.now_ms, actor: desk.actor.clone() };
    tx.put_reference(&reference)?;
    desk.audit(tx, "deadlines.chosen", name, json!({ "before": limits.profile }))?;
    self::limits(tx, desk)
}

/// Brings in a table of limits. Profiles of a name that is in use are refused: a complaint keeps the limits it started with.
///
/// # Errors
/// A table that cannot be read, a name that is taken, or a failure of the store.
pub fn import(tx: &mut dyn Tx, desk: &Desk, text: &str) -> Result<Limits, Failure> {
    let newer = Profiles::read(text).map_err(|error| calendar::not_read(&error))?;
    let known = limits(tx, desk)?.profiles;
    if let Some(taken) = newer.names().find(|name| known.iter().any(|known| known == name)) {
        return Err(Failure::new(
            Exit::Failed,
            format!("Batas waktu \"{taken}\" sudah ada; beri nama baru, misalnya dengan nomor versi berikutnya."),
            format!("There are limits called \"{taken}\" already; take a new name, such as the next version."),
        ));
    }
    let before = tx.reference(PROFILES)?.map_or_else(String::new, |reference| reference.text);
    // One table in the store: the lines of the new one behind those of the old one.
    let text = match before.is_empty() {
        true => newer.write(),
        false => before + newer.write().split_once('\n').map_or("", |(_, rows)| rows),
    };
    let names: Vec<&str> = newer.names().collect();
    let reference = Reference { name: PROFILES.to_owned(), text, at_ms: desk.now_ms, actor: desk.actor.clone() };
    tx.put_reference(&reference)?;
    desk.audit(tx, "deadlines.imported", PROFILES, json!({ "profiles": names }))?;
    limits(tx, desk)
}

/// Whether somebody may close what another answered: of a complaint that alleges misconduct nobody closes their own answer,
/// and nothing is closed without a finding.
pub(crate) fn may_close(opened: &Opened, name: &str) -> Result<(), Failure> {
    const ANSWERED_BY: FieldTag = 152;
    if class(opened) != Class::Misconduct {
        return Ok(());
    }
    if let Some(Value::Person(answered)) = shown(opened, group::JAWABAN, ANSWERED_BY)
        && answered == work::author(name)
    {
        return Err(Failure::new(
            Exit::Decide,
            "Aduan berkadar pengawasan ditutup oleh orang lain daripada yang menjawabnya.",
            "A complaint that alleges misconduct is closed by somebody else than who answered it.",
        ));
    }
    let finding = opened
        .form
        .group(group::TEMUAN)
        .is_some_and(|group| !matches!(GroupView::of(&opened.record, opened.form, group), GroupView::Empty));
    if !finding {
        return Err(Failure::new(
            Exit::Decide,
            "Aduan berkadar pengawasan belum punya temuan.",
            "This complaint alleges misconduct and has no finding yet.",
        )
        .with_hint(
            "kentongan-hub complaint set KODE --field temuan=terbukti",
            "kentongan-hub complaint set CODE --field temuan=terbukti",
        ));
    }
    Ok(())
}
