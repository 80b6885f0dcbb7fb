//! The board: open complaints by whose turn it is, what is due first in front.
//!
//! What is due follows from a complaint's ops, the calendar and the limits. To find that of all of them takes a minute at a
//! large hub, so it is kept in a list, and only what may have moved is looked at again:
//!
//! ```text
//!   a complaint came or changed ──────────────▶ settle ──▶ list of open complaints ──▶ board, counts
//!   calendar, limits or working week changed ──▶ all of the list, a batch at a time; the audit log says what moved
//! ```

use kentongan_host::Failure;
use kentongan_protocol::calendar::{Stage, Zone};
use kentongan_protocol::form::builtin::pengaduan::{self, group};
use kentongan_protocol::form::{FieldTag, Value};
use kentongan_protocol::ids::OfficeCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Desk;
use super::complaint::Line;
use super::conflict::parallel;
use super::deadline::{Clock, Due, UNIT, shown, stage_said};
use super::record::{Opened, Said, Times, name_of, office_of, opened};
use super::view::{self, choice_said};
use crate::store::{Case as Listed, CaseFilter, CasePlace, RecordRow, Seen, StoreError, Tx};

/// Complaints that a board in one piece looks at.
const BOARD_MAX: usize = 5_000;
/// Complaints that are looked at before an answer; where more may have moved, the answer says so.
const BATCH: usize = 250;
/// Complaints of a column.
const COLUMN_MAX: u32 = 200;
/// How far the list of open complaints has come.
const NUMBER: &str = "cases.number";
const CHANGE: &str = "cases.change";
/// By what calendar, limits and working week its days were found.
const BASIS: &str = "cases.basis";
/// One more than the number of the last record that was looked at by a new basis; 0: all were.
const AGAIN: &str = "cases.again";
const DAY_MS: i64 = 86_400_000;
const CATEGORY: FieldTag = 31;

/// Complaints and what is due of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// What is late, due today, tomorrow, later, and whose turn the reporter's is.
    pub counts: Counts,
    /// The complaints, what is due first in front; those that nothing is due of stand last.
    pub cases: Vec<Case>,
    /// Whether there are more open complaints than a board looks at.
    pub more: bool,
}

/// How many open complaints are how late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Past their day.
    pub late: u64,
    /// On their last day.
    pub today: u64,
    /// Due tomorrow.
    pub next_day: u64,
    /// Due after that.
    pub later: u64,
    /// Of the later ones, those due within seven days.
    #[serde(default)]
    pub week: u64,
    /// The reporter's turn.
    pub waiting: u64,
}

/// A complaint on the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// As in a list.
    #[serde(flatten)]
    pub line: Line,
    /// Whose turn it is.
    pub stage: Said,
    /// The unit that is responsible, if it was handed to one.
    pub unit: Option<String>,
    /// What it is about.
    #[serde(default)]
    pub category: Option<Said>,
    /// Whether its content is confidential; its beginning is not shown then.
    #[serde(default)]
    pub is_confidential: bool,
    /// What is due; `None` while nothing is.
    pub due: Option<Due>,
}

/// Asks for a part of the board.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Of this office only.
    pub office: Option<String>,
    /// Due `late`, `today`, `tomorrow` or `week`; otherwise all.
    pub due: Option<String>,
    /// Only the column of this stage, by its code.
    pub stage: Option<String>,
    /// The next page of that column: behind this place.
    pub after: Option<String>,
    /// Complaints of a column, at most.
    pub limit: u32,
}

/// The columns of the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Columns {
    /// Of all stages, whatever was asked for.
    pub counts: Counts,
    /// By whose turn it is.
    pub columns: Vec<Column>,
    /// Whether every complaint was looked at; if not, some days may still move.
    pub settled: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Whose turn it is.
    pub stage: Said,
    /// Complaints at this stage, those of other pages and other days too.
    pub all: u64,
    /// The complaints.
    pub cases: Vec<Case>,
    /// Where the next page begins.
    pub next: Option<String>,
}

/// What a look at complaints brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Nothing is left to look at.
    pub(crate) all: bool,
    /// Deadlines that a new basis moved.
    pub(crate) moved: u64,
}

/// Looks at complaints that may have moved, at most `limit` of each kind.
pub(crate) fn settle(tx: &mut dyn Tx, desk: &Desk, limit: usize) -> Result<Settled, Failure> {
    let (clock, mut times) = (Clock::load(tx, desk)?, Times::default());
    let basis = clock.basis();
    if tx.progress(BASIS)? != basis {
        tx.put_progress(BASIS, basis)?;
        tx.put_progress(AGAIN, 1)?;
    }
    let seen = Seen { number: tx.progress(NUMBER)?, change: tx.progress(CHANGE)? };
    let (rows, reached) = tx.unseen(pengaduan::TAG, seen, limit)?;
    for row in rows {
        if row.changed > 0 {
            parallel::watch(tx, desk, &row)?;
        }
        put(tx, &clock, &mut times, row)?;
    }
    if reached.number != seen.number {
        tx.put_progress(NUMBER, reached.number)?;
    }
    if reached.change != seen.change {
        tx.put_progress(CHANGE, reached.change)?;
    }
    let again = tx.progress(AGAIN)?;
    let moved = if again == 0 { 0 } else { look_again(tx, desk, &clock, again - 1, limit)? };
    Ok(Settled { all: reached == seen && tx.progress(AGAIN)? == 0, moved })
}

/// The same until nothing is left, or until that would keep others waiting.
fn settle_bounded(tx: &mut dyn Tx, desk: &Desk, records: usize) -> Result<Settled, Failure> {
    let mut moved = 0;
    for _ in 0..records.div_ceil(BATCH).max(3) {
        let settled = settle(tx, desk, BATCH)?;
        moved += settled.moved;
        if settled.all {
            return Ok(Settled { all: true, moved });
        }
    }
    Ok(Settled { all: false, moved })
}

/// Brings the list up to date for one record. Gives back when it is due, and when it was.
fn put(
    tx: &mut dyn Tx,
    clock: &Clock,
    times: &mut Times,
    row: RecordRow,
) -> Result<(Option<i64>, Option<i64>), StoreError> {
    let stage = row.status.map_or(Stage::Verify, Stage::of);
    if stage == Stage::Closed {
        tx.remove_case(row.id)?;
        return Ok((None, None));
    }
    let Some(opened) = opened(tx, row)? else { return Ok((None, None)) };
    let (record, office) = (opened.row.id, opened.born.office.clone());
    let listed = Listed { record, stage, office, due_ms: clock.due_ms(tx, times, &opened)? };
    let before = tx.case(record)?;
    if before.as_ref() != Some(&listed) {
        tx.put_case(&listed)?;
    }
    Ok((listed.due_ms, before.and_then(|before| before.due_ms)))
}

/// Goes over the list by another basis, and notes in the audit log what it moved.
fn look_again(tx: &mut dyn Tx, desk: &Desk, clock: &Clock, after: u64, limit: usize) -> Result<u64, Failure> {
    let (listed, mut times, mut moved) = (tx.cases_numbered(after, limit)?, Times::default(), 0);
    for (_, record) in &listed {
        let Some(row) = tx.record(*record)? else { continue };
        let (name, zone) = (name_of(&row), row.born.as_ref().map(|born| Zone::of(&born.office)));
        let (Some(after_ms), Some(before_ms)) = put(tx, clock, &mut times, row)? else { continue };
        let Some(zone) = zone.filter(|_| after_ms != before_ms) else { continue };
        // Half a day before its end it is that day in every zone.
        let day = |end_ms: i64| zone.day_of(end_ms - DAY_MS / 2).to_string();
        desk.audit(tx, "complaint.deadline_moved", &name, json!({ "from": day(before_ms), "to": day(after_ms) }))?;
        moved += 1;
    }
    let next = listed.last().filter(|_| listed.len() == limit).map_or(0, |(number, _)| number.saturating_add(1));
    tx.put_progress(AGAIN, next)?;
    Ok(moved)
}

/// Runs `change`, which may move deadlines, and notes in the audit log which it moved; of a large hub's deadlines the first
/// ones now, the others soon.
pub(crate) fn moving<T>(
    tx: &mut dyn Tx,
    desk: &Desk,
    change: impl FnOnce(&mut dyn Tx) -> Result<T, Failure>,
) -> Result<(T, u64), Failure> {
    settle_bounded(tx, desk, BOARD_MAX)?;
    let done = change(tx)?;
    Ok((done, settle_bounded(tx, desk, BOARD_MAX)?.moved))
}

/// All open complaints, or those of an office, with what is due of them.
///
/// # Errors
/// A failure of the store.
pub fn board(tx: &mut dyn Tx, desk: &Desk, office: Option<OfficeCode>, late: bool) -> Result<Board, Failure> {
    let settled = settle_bounded(tx, desk, BOARD_MAX)?;
    let counts = Counts::of(tx, desk, office.as_ref())?.0;
    let due_ms = late.then_some((i64::MIN, desk.now_ms));
    let filter = CaseFilter { office, due_ms, stage: None };
    let listed = tx.cases(&filter, None, BOARD_MAX)?;
    let more = !settled.all || listed.len() == BOARD_MAX;
    let (clock, mut times, mut cases) = (Clock::load(tx, desk)?, Times::default(), Vec::with_capacity(listed.len()));
    for (_, record) in listed {
        let Some(row) = tx.record(record)? else { continue };
        let Some(opened) = opened(tx, row)? else { continue };
        cases.push(Case::of(tx, &clock, &mut times, opened)?);
    }
    Ok(Board { counts, cases, more })
}

/// How many open complaints are how late, of all offices or of one, by the list as it was brought up last.
///
/// # Errors
/// A failure of the store.
pub fn counts(tx: &mut dyn Tx, desk: &Desk, office: Option<&OfficeCode>) -> Result<Counts, StoreError> {
    Ok(Counts::of(tx, desk, office)?.0)
}

/// Looks at what may have moved, as far as that takes no time. `true` once nothing is left.
///
/// # Errors
/// A failure of the store.
pub fn bring_up(tx: &mut dyn Tx, desk: &Desk) -> Result<bool, Failure> {
    Ok(settle_bounded(tx, desk, BATCH)?.all)
}

/// A part of the board, as it was brought up last: [`Columns::settled`] is for the caller to say.
///
/// # Errors
/// A place, office or stage that is none (exit 2), or a failure of the store.
pub fn columns(tx: &mut dyn Tx, desk: &Desk, ask: &Ask) -> Result<Columns, Failure> {
    let office = ask.office.as_deref().filter(|office| !office.is_empty()).map(office_of).transpose()?;
    let after = ask.after.as_deref().filter(|after| !after.is_empty()).map(place).transpose()?;
    let (counts, by_stage) = Counts::of(tx, desk, office.as_ref())?;
    let due_ms = ask.due.as_deref().and_then(|due| window(due, desk.now_ms));
    let (clock, mut times, mut columns) = (Clock::load(tx, desk)?, Times::default(), Vec::new());
    let wanted =
        |stage: &Stage| *stage != Stage::Closed && ask.stage.as_deref().is_none_or(|code| code == stage.code());
    for stage in Stage::ALL.into_iter().filter(wanted) {
        let filter = CaseFilter { stage: Some(stage), office: office.clone(), due_ms };
        let limit = usize::try_from(ask.limit.clamp(1, COLUMN_MAX)).unwrap_or(1);
        let mut listed = tx.cases(&filter, after, limit + 1)?;
        let has_more = listed.len() > limit;
        listed.truncate(limit);
        let next = listed.last().filter(|_| has_more).map(|(place, _)| place_text(*place));
        let mut cases = Vec::with_capacity(listed.len());
        for (_, record) in listed {
            let Some(row) = tx.record(record)? else { continue };
            let Some(opened) = opened(tx, row)? else { continue };
            cases.push(Case::of(tx, &clock, &mut times, opened)?);
        }
        let all = by_stage.iter().find(|(known, _)| *known == stage).map_or(0, |(_, all)| *all);
        columns.push(Column { stage: stage_said(stage), all, cases, next });
    }
    Ok(Columns { counts, columns, settled: true })
}

impl Case {
    fn of(tx: &mut dyn Tx, clock: &Clock, times: &mut Times, opened: Opened) -> Result<Case, StoreError> {
        let due = clock.due(tx, times, &opened)?;
        let stage = stage_said(opened.row.status.map_or(Stage::Verify, Stage::of));
        let unit = shown(&opened, group::DISPOSISI, UNIT).and_then(|unit| match unit {
            Value::Text(unit) => Some(unit.clone()),
            _ => None,
        });
        let category = choice_said(&opened, group::KATEGORI, CATEGORY);
        let is_confidential = view::is_confidential(&opened);
        let mut line = Line::from(opened.row);
        if is_confidential {
            line.summary.clear();
        }
        Ok(Case { line, stage, unit, category, is_confidential, due })
    }
}

/// The moments between late, today, tomorrow, this week and later. What is due ends with a day, so it does not matter in
/// which zone the day is that begins now.
pub(crate) fn moments(now_ms: i64) -> [i64; 4] {
    [0, 1, 2, 7].map(|days| now_ms.saturating_add(days * DAY_MS))
}

/// What is due within a time that people name.
fn window(due: &str, now_ms: i64) -> Option<(i64, i64)> {
    let [now, today, tomorrow, week] = moments(now_ms);
    match due {
        "late" => Some((i64::MIN, now)),
        "today" => Some((now, today)),
        "tomorrow" => Some((today, tomorrow)),
        "week" => Some((tomorrow, week)),
        _ => None,
    }
}

impl Counts {
    /// All open ones.
    pub fn open(&self) -> u64 {
        self.late + self.today + self.next_day + self.later + self.waiting
    }

    /// How many are how late, and how many there are at each stage.
    fn of(
        tx: &mut dyn Tx,
        desk: &Desk,
        office: Option<&OfficeCode>,
    ) -> Result<(Counts, Vec<(Stage, u64)>), StoreError> {
        let (mut counts, mut stages) = (Counts::default(), Vec::new());
        for count in tx.case_counts(office, moments(desk.now_ms))? {
            stages.push((count.stage, count.all));
            if count.stage == Stage::Waiting {
                counts.waiting += count.all;
                continue;
            }
            let [late, today, tomorrow, week] = count.until;
            counts.late += late;
            counts.today += today - late;
            counts.next_day += tomorrow - today;
            counts.later += count.all - tomorrow;
            counts.week += week - tomorrow;
        }
        Ok((counts, stages))
    }
}

/// A place as it stands in an address.
fn place_text(place: CasePlace) -> String {
    let due_ms = place.due_ms.map_or_else(|| "-".to_owned(), |due_ms| due_ms.to_string());
    format!("{due_ms}.{}", place.number)
}

fn place(text: &str) -> Result<CasePlace, Failure> {
    let read = || {
        let (due_ms, number) = text.split_once('.')?;
        let due_ms = if due_ms == "-" { None } else { Some(due_ms.parse().ok()?) };
        Some(CasePlace { due_ms, number: number.parse().ok()? })
    };
    read().ok_or_else(|| {
        Failure::usage(format!("\"{text}\" bukan tempat di papan."), format!("\"{text}\" is no place on the board."))
    })
}
