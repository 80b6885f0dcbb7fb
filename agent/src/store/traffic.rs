//! What went over the link, day by day, so that a budget holds over restarts. Days are those of the office's civil time, by
//! the clock that the hub last agreed with.

use kentongan_protocol::calendar::Zone;
use kentongan_protocol::ids::Lane;
use rusqlite::{Connection, params};

use super::facts::{self, name};
use super::{Store, StoreError};
use crate::rules::{Allowance, Allowed, LinkUse, Rules, Spent, Why};

/// Days that are kept: a year and what a wrong clock adds.
const DAYS_MAX: i64 = 400;

/// However little may go, the hub is asked so often, in milliseconds.
const SILENCE_MS_MAX: u64 = 24 * 3_600_000;

impl Store {
    /// The zone of the office that this PC belongs to.
    pub fn zone(&self) -> Zone {
        self.member.as_ref().map(|member| Zone::of(&member.office)).unwrap_or_default()
    }

    /// The present moment, milliseconds since 1970: by this PC's clock, less what the hub found it to be ahead.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn hub_wall_ms(&self) -> Result<i64, StoreError> {
        let ahead_ms: i64 = facts::get(&self.db, name::OFFSET_MS)?.unwrap_or(0);
        Ok(self.wall_ms().saturating_sub(ahead_ms))
    }

    /// What went over the link today and this month.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn spent(&self, rules: &Rules) -> Result<Spent, StoreError> {
        let day = rules.day(self.hub_wall_ms()?);
        let between = |from: i64, to: i64| -> Result<u64, StoreError> {
            let bytes: i64 = self
                .db
                .prepare_cached("SELECT coalesce(sum(bytes), 0) FROM traffic WHERE day >= ? AND day < ?")
                .and_then(|mut select| select.query_row([from, to], |row| row.get(0)))
                .map_err(StoreError::because("read what went over the link"))?;
            Ok(u64::try_from(bytes).unwrap_or(0))
        };
        Ok(Spent {
            day: between(day.number, day.number.saturating_add(1))?,
            month: between(day.month_from, day.month_to)?,
        })
    }

    /// What may go over the link now.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn allowance(&self, rules: &Rules) -> Result<Allowance, StoreError> {
        Ok(rules.at(self.hub_wall_ms()?, self.spent(rules)?))
    }

    /// The rules, what went over the link, and what may go now.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn link_use(&self, rules: Rules) -> Result<LinkUse, StoreError> {
        let (spent, allowance) = (self.spent(&rules)?, self.allowance(&rules)?);
        Ok(LinkUse { rules, spent, allowance })
    }

    /// For how many milliseconds the rules let nothing go of what there is, and nothing come; `None`: there is a reason to
    /// talk. Once a day there always is: the hub has to say that it still knows this PC, and its certificate is renewed.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn rests_ms(&self, rules: &Rules) -> Result<Option<u64>, StoreError> {
        let Allowance { allowed, because: Some((why, left_ms)), .. } = self.allowance(rules)? else { return Ok(None) };
        let says = match allowed {
            Allowed::Urgent => self.has_urgent()?,
            Allowed::Records => self.has_unsent()?,
            Allowed::Feed | Allowed::All => true,
        };
        let is_due = || -> Result<bool, StoreError> {
            let last = self.link()?.last_success;
            Ok(last.is_none_or(|last| self.wall_ms().saturating_sub(last.ended_ms).unsigned_abs() >= SILENCE_MS_MAX))
        };
        // Hours in which the link rests end within the day.
        let must = (why != Why::Quiet || left_ms.is_none()) && is_due()?;
        Ok((!says && !must).then_some(left_ms.unwrap_or(u64::MAX)))
    }

    /// Whether there is more to say that may be said. `files_moved`: files went in the exchange before, so that there may be
    /// room to offer others.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn has_more(&self, rules: &Rules, files_moved: bool) -> Result<bool, StoreError> {
        let allowance = self.allowance(rules)?;
        let unsent = match allowance.allowed {
            Allowed::Urgent => self.has_urgent()?,
            _ => self.has_unsent()?,
        };
        let sends_files = allowance.sends_files(rules.files, !unsent);
        let files = || Ok::<_, StoreError>(self.has_wanted_files()? || files_moved && self.has_open_files()?);
        Ok(unsent || self.wants_marks()? || (sends_files && files()?))
    }

    /// Whether an urgent complaint waits.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn has_urgent(&self) -> Result<bool, StoreError> {
        self.db
            .prepare_cached("SELECT 1 FROM log WHERE stored < held AND own = 1 AND lane = ? LIMIT 1")
            .and_then(|mut select| select.exists([Lane::Urgent as u8]))
            .map_err(StoreError::because("look for urgent complaints to send"))
    }

    /// Notes that so many bytes more (or fewer than was believed) went over the link.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn note_traffic(&mut self, rules: &Rules, bytes: i64) -> Result<(), StoreError> {
        let day = rules.day(self.hub_wall_ms()?).number;
        let transaction =
            self.db.transaction().map_err(StoreError::because("begin to note what went over the link"))?;
        add(&transaction, day, bytes)?;
        transaction.commit().map_err(StoreError::because("note what went over the link"))
    }
}

/// Notes traffic of a day.
pub(super) fn add(db: &Connection, day: i64, bytes: i64) -> Result<(), StoreError> {
    let noting = || StoreError::because("note what went over the link");
    let is_new = db
        .prepare_cached("UPDATE traffic SET bytes = max(0, bytes + ?2) WHERE day = ?1")
        .and_then(|mut update| update.execute(params![day, bytes]))
        .map_err(noting())?
        == 0;
    if is_new {
        db.execute("INSERT INTO traffic (day, bytes) VALUES (?, max(0, ?))", params![day, bytes]).map_err(noting())?;
        db.execute(
            "DELETE FROM traffic WHERE day NOT IN (SELECT day FROM traffic ORDER BY abs(day - ?) LIMIT ?)",
            params![day, DAYS_MAX],
        )
        .map_err(noting())?;
    }
    Ok(())
}
