//! Holidays and collective leave: what ships with the program, and what operators brought in since. A decree may change a
//! year in the middle of it; the newer table counts at once.

use kentongan_host::{Failure, moment};
use kentongan_protocol::calendar::{Calendar, FileError, Holiday, WorkDays};
use kentongan_protocol::form::{Civil, Lang};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::office::parse_code;
use super::record::Said;
use super::{Desk, board};
use crate::store::{Reference, Tx};

/// Name of the table in the store.
const NAME: &str = "calendar";

/// What can be asked of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// The days on which offices are closed.
    Show {
        /// Only in this year.
        year: Option<i32>,
        /// Only where this office is concerned.
        office: Option<String>,
    },
    /// Takes over a table: of each year and area that it speaks of, its days replace all others.
    Import {
        /// The table.
        text: String,
    },
    /// When something is due.
    Due {
        /// The office that counts.
        office: String,
        /// The day from which it counts, as `2026-11-21`.
        from: String,
        /// So many working days.
        days: u16,
        /// Working days of its week, if they are not those of the settings.
        week_days: Option<u8>,
    },
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Show`].
    Days(Days),
    /// To [`Request::Import`].
    Imported(Imported),
    /// To [`Request::Due`].
    Due(Due),
}

/// Days on which offices are closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    /// When a table was last brought in; `None`: only what ships.
    #[serde(with = "moment::option")]
    pub imported_at: Option<i64>,
    /// By whom.
    pub imported_by: Option<String>,
    /// Years for which there are national holidays.
    pub years: Vec<i32>,
    /// The days, in order.
    pub days: Vec<Closed>,
}

/// A day on which offices are closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The day.
    pub date: String,
    /// Why.
    pub kind: Said,
    /// What it is called.
    pub name: String,
    /// Which decree or list says so.
    pub source: String,
    /// Nobody has decreed it yet.
    pub estimated: bool,
    /// Where; empty: everywhere.
    pub area: String,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Days in the table.
    pub days: u64,
    /// Years that it speaks of.
    pub years: Vec<i32>,
    /// Days on which offices are closed now and were not before.
    pub added: Vec<String>,
    /// Days on which they were and are not any more.
    pub removed: Vec<String>,
    /// Open complaints whose deadline moved; the audit log names each.
    pub moved: u64,
}

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The day at whose end it is due.
    pub due: String,
    /// Whether no estimated holiday, and no year without holidays, lies on the way.
    pub certain: bool,
}

/// The calendar that counts now.
///
/// # Errors
/// A failure of the store.
pub(crate) fn in_force(tx: &mut dyn Tx) -> Result<Calendar, Failure> {
    let mut calendar = Calendar::built_in();
    if let Some(imported) = imported(tx)? {
        calendar.replace(&imported.1);
    }
    Ok(calendar)
}

/// What was brought in. A table that was read once can be read again; if it cannot, the store is not sound, and what
/// ships counts.
fn imported(tx: &mut dyn Tx) -> Result<Option<(Reference, Calendar)>, Failure> {
    let Some(reference) = tx.reference(NAME)? else { return Ok(None) };
    let calendar = Calendar::read(&reference.text).unwrap_or_default();
    Ok(Some((reference, calendar)))
}

/// Answers a request about the calendar.
///
/// # Errors
/// A table that cannot be read (exit 2, naming the line), or a failure of the store.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    match request {
        Request::Show { year, office } => show(tx, *year, office.as_deref()).map(Answer::Days),
        Request::Import { text } => {
            let (imported, moved) = board::moving(tx, desk, |tx| import(tx, desk, text))?;
            Ok(Answer::Imported(Imported { moved, ..imported }))
        }
        Request::Due { office, from, days, week_days } => {
            let (office, calendar) = (parse_code(office)?, in_force(tx)?);
            let from: Civil = from.parse().map_err(|_| not_a_date(from))?;
            let week = kentongan_protocol::calendar::Week::with_days(week_days.unwrap_or(desk.config.week_days));
            let due = WorkDays::new(&calendar, &office, week.unwrap_or_default()).after(from.into(), *days, |_| false);
            Ok(Answer::Due(Due { due: due.day.to_string(), certain: due.certain }))
        }
    }
}

pub(crate) fn not_a_date(text: &str) -> Failure {
    Failure::usage(
        format!("\"{text}\" bukan tanggal. Contoh: 2026-11-21."),
        format!("\"{text}\" is no date. Example: 2026-11-21."),
    )
}

fn show(tx: &mut dyn Tx, year: Option<i32>, office: Option<&str>) -> Result<Days, Failure> {
    let office = office.map(parse_code).transpose()?;
    let (calendar, imported) = (in_force(tx)?, imported(tx)?);
    let wanted = |holiday: &&Holiday| {
        year.is_none_or(|year| holiday.day.year() == year)
            && office.as_ref().is_none_or(|office| holiday.concerns(office))
    };
    Ok(Days {
        imported_at: imported.as_ref().map(|(reference, _)| reference.at_ms),
        imported_by: imported.map(|(reference, _)| reference.actor),
        years: calendar.years().into_iter().collect(),
        days: calendar.holidays().filter(wanted).map(Closed::from).collect(),
    })
}

impl From<&Holiday> for Closed {
    fn from(holiday: &Holiday) -> Closed {
        let kind = holiday.kind;
        let said = |lang| kind.label(lang).to_owned();
        Closed {
            date: holiday.day.to_string(),
            kind: Said { code: kind.code().to_owned(), id: said(Lang::Id), en: said(Lang::En) },
            name: holiday.name.clone(),
            source: holiday.source.clone(),
            estimated: holiday.estimated,
            area: holiday.area.clone(),
        }
    }
}

fn import(tx: &mut dyn Tx, desk: &Desk, text: &str) -> Result<Imported, Failure> {
    let newer = Calendar::read(text).map_err(|error| not_read(&error))?;
    let before = in_force(tx)?;
    let mut overlay = imported(tx)?.map_or_else(Calendar::default, |(_, calendar)| calendar);
    overlay.replace(&newer);
    let (at_ms, actor) = (desk.now_ms, desk.actor.clone());
    tx.put_reference(&Reference { name: NAME.to_owned(), text: overlay.write(), at_ms, actor })?;
    let after = in_force(tx)?;
    let only_in = |one: &Calendar, other: &Calendar| -> Vec<String> {
        let there = |closed: &&Holiday| other.holidays().any(|h| (h.day, &h.area) == (closed.day, &closed.area));
        one.holidays().filter(|closed| !there(closed)).map(|closed| closed.day.to_string()).collect()
    };
    let imported = Imported {
        days: newer.holidays().count() as u64,
        years: newer
            .holidays()
            .map(|holiday| holiday.day.year())
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect(),
        added: only_in(&after, &before),
        removed: only_in(&before, &after),
        moved: 0,
    };
    let detail = json!({ "days": imported.days, "added": imported.added, "removed": imported.removed });
    desk.audit(tx, "calendar.imported", NAME, detail)?;
    Ok(imported)
}

/// A table that cannot be read, in words.
pub(crate) fn not_read(error: &FileError) -> Failure {
    Failure::usage(error.sentence(Lang::Id), error.sentence(Lang::En))
}
