//! One made-up office: how it fares, and what its people wrote in the last three months.

use std::collections::BTreeMap;

use kentongan_protocol::calendar::{Day, Week, Zone};
use kentongan_protocol::form::builtin::{pengaduan, skm};
use kentongan_protocol::form::{ChoiceTag, FieldTag, GroupTag, Value};
use kentongan_protocol::ids::{Lane, OfficeCode, OpId, RecordId, ReplicaId};
use kentongan_protocol::op::{Action, Write};
use kentongan_protocol::receipt::{Prefix, ReceiptCode};
use serde_json::json;

use super::dice::Dice;
use super::pc::{Entry, Pc};
use super::{DISTRICT_OFFICES, OFFICES_MAX, REGENCY_DISTRICTS, words};
use crate::accept::note;
use crate::store::{
    Certificate, DAYS_KEPT, Delays, ExchangeNote, LastContact, Office, OfficeDay, Replica, Result, Standing,
    StoreError, Tx,
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Days back of which there are records.
const DAYS_BACK: i32 = 90;
/// Days back of which there are exchanges in the journal.
const JOURNAL_DAYS: i32 = 14;
/// One record in so many is a complaint; the others are survey answers.
const COMPLAINT_PERCENT: u64 = 30;
/// Of a hundred complaints so many are never brought to their end.
const STALLED_PERCENT: u64 = 6;
/// Disagreements of an office with two PCs.
const DISAGREEMENTS: usize = 3;
const PROGRAM: &str = "kentongan-agent 0.1.0 windows";

/// How an office fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Steady,
    Late,
    Silent,
    /// It reaches the hub and still holds old records.
    Stuck,
    Clock,
    Twin,
    Space,
    Unseen,
    Paused,
    Revoked,
}

/// A made-up office.
#[derive(Debug)]
pub(super) struct Village {
    number: u32,
    code: String,
    name: String,
    fate: Fate,
    /// A second PC, which does not always know what the first one wrote.
    is_large: bool,
}

/// A complaint on its way.
struct Case {
    record: RecordId,
    /// Days on which it moves, with the status, the next one last.
    moves: Vec<(usize, ChoiceTag)>,
    /// The op that wrote its status.
    status: Option<OpId>,
}

impl Village {
    pub(super) fn draw(number: u32, dice: &mut Dice) -> Village {
        let district = number / DISTRICT_OFFICES;
        let (regency, district) = (1 + district / REGENCY_DISTRICTS, 1 + district % REGENCY_DISTRICTS);
        let village = 2001 + number % DISTRICT_OFFICES;
        let is_clinic = dice.percent(8);
        let (suffix, kind) = if is_clinic { ("-PKM1", "Puskesmas") } else { ("", "Desa") };
        let fate = match dice.below(1000) {
            0..880 => Fate::Steady,
            880..930 => Fate::Late,
            930..955 => Fate::Silent,
            955..963 => Fate::Stuck,
            963..970 => Fate::Clock,
            970..974 => Fate::Twin,
            974..979 => Fate::Space,
            979..990 => Fate::Unseen,
            990..995 => Fate::Paused,
            _ => Fate::Revoked,
        };
        Village {
            number,
            code: format!("32.{:02}.{district:02}.{village}{suffix}", regency % 100),
            name: format!("{kind} {}", words::name(dice)),
            fate,
            is_large: dice.percent(15),
        }
    }

    #[cfg(test)]
    pub(super) fn fate(&self) -> Fate {
        self.fate
    }

    #[cfg(test)]
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// Whether anything ever came from it.
    pub(super) fn is_heard(&self) -> bool {
        self.fate != Fate::Unseen
    }

    /// Puts the office into the store, with so many records. Gives back how many ops that took.
    pub(super) fn settle(
        &self,
        tx: &mut dyn Tx,
        hub: ReplicaId,
        records: u64,
        now_ms: i64,
        dice: &mut Dice,
    ) -> Result<u64> {
        let code: OfficeCode = self.code.parse().map_err(|_| StoreError::Damaged("a made-up code that is none"))?;
        let added_ms = now_ms - i64::from(DAYS_BACK + 5) * DAY_MS;
        let paused_ms = (self.fate == Fate::Paused).then_some(now_ms - 3 * DAY_MS);
        tx.put_office(&Office { code: code.clone(), name: self.name.clone(), added_ms, paused_ms })?;
        note(tx, added_ms, "contoh", "office.entered", &self.code, json!({ "name": self.name }))?;
        if !self.is_heard() {
            return Ok(0);
        }
        let mut history = History::new(self, code, now_ms, dice);
        history.live(tx, hub, records, dice)?;
        if self.is_large {
            history.disagree(tx, hub, dice)?;
        }
        history.say_goodbye(tx, dice)?;
        Ok(history.pcs.iter().map(|pc| pc.holding.ops).sum())
    }
}

/// The last three months of an office.
struct History<'a> {
    village: &'a Village,
    zone: Zone,
    now_ms: i64,
    /// The working days on which it was heard, the oldest first, and when on each.
    contacts: Vec<(Day, i64)>,
    pcs: Vec<Pc>,
    cases: Vec<Case>,
}

impl<'a> History<'a> {
    fn new(village: &'a Village, code: OfficeCode, now_ms: i64, dice: &mut Dice) -> History<'a> {
        let zone = Zone::of(&code);
        let today = zone.day_of(now_ms);
        let quiet_days = match village.fate {
            Fate::Late => dice.within(3, 4),
            Fate::Silent => dice.within(9, 25),
            Fate::Revoked => 20,
            _ => 0,
        };
        let last = today.plus(-i32::try_from(quiet_days).unwrap_or(0));
        let days = (1 - DAYS_BACK..=0).map(|back| today.plus(back)).filter(|day| *day <= last);
        let mut contacts: Vec<(Day, i64)> = Vec::new();
        for day in days.filter(|day| Week::Five.has(day.weekday())) {
            let at_ms = zone.start_of(day) + 15 * HOUR_MS + dice.within(0, 50) * 60_000;
            // Of today there is only what has been.
            let at_ms = at_ms.min(now_ms - dice.within(1, 40) * 60_000);
            if zone.day_of(at_ms) == day && (day == last || dice.percent(97)) {
                contacts.push((day, at_ms));
            }
        }
        let pcs = if village.is_large { 2 } else { 1 };
        let pcs = (0..pcs).map(|_| Pc::new(ReplicaId(dice.number()), code.clone())).collect();
        History { village, zone, now_ms, contacts, pcs, cases: Vec::new() }
    }

    /// Enters the records, day by day, and moves the complaints on.
    fn live(&mut self, tx: &mut dyn Tx, hub: ReplicaId, records: u64, dice: &mut Dice) -> Result<()> {
        let contacts = self.contacts.clone();
        let mut due: Vec<Vec<usize>> = vec![Vec::new(); contacts.len()];
        let mut number = 0;
        for (at, (day, at_ms)) in contacts.iter().enumerate() {
            let fresh = super::share(records, at as u64 + 1, contacts.len() as u64);
            let mut entries = Vec::new();
            let mut kinds = Vec::new();
            for _ in 0..fresh {
                number += 1;
                let is_complaint = dice.percent(COMPLAINT_PERCENT);
                entries.push(if is_complaint { self.complaint(number, dice) } else { survey(*day, dice) });
                kinds.push(is_complaint);
            }
            let moving = due.get_mut(at).map(std::mem::take).unwrap_or_default();
            for case in &moving {
                entries.extend(self.cases.get_mut(*case).and_then(|case| case.advance(at)));
            }
            let Some(pc) = self.pcs.first_mut() else { return Ok(()) };
            let names = pc.deliver(tx, hub, entries, *at_ms, dice)?;
            for (case, name) in moving.iter().zip(names.iter().skip(kinds.len())) {
                let Some(moved) = self.cases.get_mut(*case) else { continue };
                moved.status = Some(*name);
                if let Some(due) = moved.moves.last().and_then(|(next, _)| due.get_mut(*next)) {
                    due.push(*case);
                }
            }
            for (name, _) in names.iter().zip(&kinds).filter(|(_, is_complaint)| **is_complaint) {
                let case = Case { record: RecordId(*name), moves: moves(at, dice), status: None };
                if let Some(due) = case.moves.last().and_then(|(next, _)| due.get_mut(*next)) {
                    due.push(self.cases.len());
                }
                self.cases.push(case);
            }
            self.note_day(tx, *day, *at_ms, (fresh, names.len() as u64), dice)?;
        }
        Ok(())
    }

    fn complaint(&self, number: u64, dice: &mut Dice) -> Entry {
        use pengaduan::group;
        let text = |text: String| Value::Text(text);
        let choice = |dice: &mut Dice, all: u64| Value::One(1 + ChoiceTag::try_from(dice.below(all)).unwrap_or(0));
        let mut writes = vec![
            write(group::URAIAN, [(21, text(words::complaint(dice, number)))]),
            write(group::KATEGORI, [(31, choice(dice, 15))]),
            write(group::KANAL, [(91, choice(dice, 9))]),
        ];
        if dice.percent(50) {
            let phone = format!("08{:010}", dice.below(10_000_000_000));
            writes.push(write(group::PELAPOR, [(11, text(words::name(dice))), (13, text(phone))]));
        }
        let prefix = Prefix::new(self.village.number);
        let receipt = prefix.and_then(|prefix| ReceiptCode::new(prefix, u32::try_from(number).unwrap_or(0)));
        let action = Action::Create { form: pengaduan::TAG, form_version: 1, receipt };
        Entry { lane: Lane::Case, action, author: "sari".to_owned(), writes }
    }

    /// How a day went: for the strip, the curve of delays and the journal.
    fn note_day(
        &self,
        tx: &mut dyn Tx,
        day: Day,
        at_ms: i64,
        (fresh, ops_in): (u64, u64),
        dice: &mut Dice,
    ) -> Result<()> {
        let today = self.zone.day_of(self.now_ms);
        let (bytes_in, bytes_out) = (420 + ops_in * 96, 380 + dice.below(600));
        if today.since(day) < DAYS_KEPT {
            let mut delays = Delays::default();
            for _ in 0..fresh {
                let slowest_min = if dice.percent(80) { 50 } else { 1_200 };
                delays.count(dice.within(1, slowest_min) * 60_000);
            }
            let last_hour = u32::try_from((at_ms - self.zone.start_of(day)) / HOUR_MS).unwrap_or(0).min(23);
            let hours: u32 = (8.min(last_hour)..=last_hour)
                .filter(|_| dice.percent(85))
                .fold(1 << last_hour, |all, hour| all | 1 << hour);
            let exchanges = hours.count_ones();
            let ended_early = u32::from(dice.percent(10));
            let drained_ms = (self.village.fate != Fate::Stuck).then_some(at_ms);
            let noted = OfficeDay {
                hours,
                exchanges,
                ended_early,
                bytes_in,
                bytes_out,
                ops_in,
                ops_out: 0,
                drained_ms,
                delays,
                day,
            };
            tx.put_office_day(&self.pc().office, &noted)?;
        }
        if today.since(day) < JOURNAL_DAYS {
            let cut = ExchangeNote {
                replica: self.pc().replica,
                started_ms: at_ms - 20 * 60_000,
                took_ms: 61_000,
                outcome: "cut".to_owned(),
                bytes_in: bytes_in / 3,
                bytes_out: 0,
                ops_in: 0,
                ops_out: 0,
            };
            let (started_ms, took_ms) = (at_ms, 900 + dice.below(6_000));
            let whole = ExchangeNote {
                started_ms,
                took_ms,
                outcome: "ok".to_owned(),
                bytes_in,
                bytes_out,
                ops_in,
                ..cut.clone()
            };
            if dice.percent(15) {
                tx.journal(&cut)?;
            }
            tx.journal(&whole)?;
        }
        Ok(())
    }

    fn pc(&self) -> &Pc {
        self.pcs.first().expect("an office that is heard has a PC")
    }

    /// The second PC sets another category than the first one does, and neither knows of the other.
    fn disagree(&mut self, tx: &mut dyn Tx, hub: ReplicaId, dice: &mut Dice) -> Result<()> {
        let Some((_, at_ms)) = self.contacts.last().copied() else { return Ok(()) };
        let open = self.cases.iter().rev().map(|case| case.record).take(DISAGREEMENTS);
        let open: Vec<RecordId> = open.collect();
        for (pc, category) in self.pcs.iter_mut().zip([6, 4]) {
            let entry = |record: &RecordId| {
                let writes = [(31, Value::One(category))];
                let write = Write { replaces: vec![record.0], ..write(pengaduan::group::KATEGORI, writes) };
                change(*record, "budi", vec![write])
            };
            pc.deliver(tx, hub, open.iter().map(entry).collect(), at_ms, dice)?;
        }
        Ok(())
    }

    /// What its devices said when they were last heard.
    fn say_goodbye(&self, tx: &mut dyn Tx, dice: &mut Dice) -> Result<()> {
        let fate = self.village.fate;
        let Some((_, at_ms)) = self.contacts.last().copied() else { return Ok(()) };
        let (pending, oldest_pending_ms) = match fate {
            Fate::Stuck => (20 + dice.below(60), 2 * DAY_MS as u64 + dice.below(DAY_MS as u64)),
            Fate::Late | Fate::Silent => (dice.below(40), dice.below(DAY_MS as u64)),
            _ => (0, 0),
        };
        let offset_ms = if fate == Fate::Clock { -DAY_MS } else { dice.within(-4_000, 4_000) };
        for (place, pc) in self.pcs.iter().enumerate() {
            let place = u32::try_from(place).unwrap_or(0);
            let old = self.village.number.is_multiple_of(9);
            let contact = LastContact {
                at_ms,
                ops_written: pc.holding.ops + pending,
                pending,
                oldest_pending_ms: if pending == 0 { 0 } else { oldest_pending_ms },
                free_bytes: if fate == Fate::Space { 90 << 20 } else { (4 << 30) + dice.below(100 << 30) },
                program: if old { PROGRAM.replace("0.1.0", "0.0.9") } else { PROGRAM.to_owned() },
                clock_offset_ms: offset_ms,
                clock_error_ms: 400,
            };
            let revoked = Standing::Revoked { reason: "PC rusak".to_owned(), at_ms: at_ms + HOUR_MS };
            let replica = Replica {
                id: pc.replica,
                office: pc.office.clone(),
                name: format!("PC-{:05}-{}", self.village.number, place + 1),
                public_key: dice.bytes(),
                prefix: self.village.number + place * OFFICES_MAX,
                certificate: Certificate {
                    serial: pc.replica.to_bytes().to_vec(),
                    from_ms: self.now_ms - 20 * DAY_MS,
                    until_ms: self.now_ms + 70 * DAY_MS,
                },
                standing: if fate == Fate::Revoked { revoked } else { Standing::Active },
                enrolled_ms: self.now_ms - i64::from(DAYS_BACK + 1) * DAY_MS,
                run_now: pc.run_now(),
                twin_seen_ms: (fate == Fate::Twin).then_some(at_ms),
                holding: pc.holding,
                last_contact: Some(contact),
            };
            tx.put_replica(&replica)?;
            let detail = json!({ "office": pc.office.as_str(), "host": replica.name });
            note(tx, replica.enrolled_ms, "enrolment", "replica.enrolled", pc.replica, detail)?;
        }
        Ok(())
    }
}

impl Case {
    /// What moves it on at the contact `at`.
    fn advance(&mut self, at: usize) -> Option<Entry> {
        use pengaduan::{group, status};
        let (_, to) = self.moves.pop_if(|(due, _)| *due == at)?;
        let moved = Write {
            replaces: self.status.into_iter().collect(),
            ..write(group::STATUS, [(status::FIELD, Value::One(to))])
        };
        let mut writes = vec![moved];
        if to == status::DIJAWAB {
            writes.push(write(group::JAWABAN, [(151, Value::Text(words::ANSWER.to_owned()))]));
        }
        Some(change(self.record, "budi", writes))
    }
}

/// When a complaint of the contact `at` moves, and whereto: the next one last.
fn moves(at: usize, dice: &mut Dice) -> Vec<(usize, ChoiceTag)> {
    use pengaduan::status::*;
    let mut at = at;
    let mut moves = Vec::new();
    let stall = if dice.percent(STALLED_PERCENT) { dice.below(4) } else { 9 };
    for (place, (status, slowest)) in
        [(TERVERIFIKASI, 2), (DIPROSES, 3), (DIJAWAB, 4), (SELESAI, 9)].into_iter().enumerate()
    {
        if place as u64 >= stall {
            break;
        }
        at += 1 + usize::try_from(dice.below(slowest)).unwrap_or(0);
        moves.push((at, status));
    }
    moves.reverse();
    moves
}

fn survey(day: Day, dice: &mut Dice) -> Entry {
    let mut values: BTreeMap<FieldTag, Value> = BTreeMap::new();
    values.insert(11, Value::Date(day.0));
    values.insert(13, Value::Text(dice.pick(&words::SERVICES).to_owned()));
    values.insert(15, Value::One(if dice.percent(50) { 1 } else { 2 }));
    values.insert(16, Value::Whole(dice.within(17, 70)));
    for (_, field) in skm::ELEMENTS {
        let score = if dice.percent(70) { 3 } else { 1 + ChoiceTag::try_from(dice.below(4)).unwrap_or(0) };
        values.insert(field, Value::One(score));
    }
    let writes = vec![Write { group: skm::GROUP, values, ..Write::default() }];
    let action = Action::Create { form: skm::TAG, form_version: 1, receipt: None };
    Entry { lane: Lane::Survey, action, author: "kios".to_owned(), writes }
}

fn change(record: RecordId, author: &str, writes: Vec<Write>) -> Entry {
    Entry { lane: Lane::Case, action: Action::Change { record }, author: author.to_owned(), writes }
}

fn write<const N: usize>(group: GroupTag, values: [(FieldTag, Value); N]) -> Write {
    Write { group, values: values.into(), ..Write::default() }
}
