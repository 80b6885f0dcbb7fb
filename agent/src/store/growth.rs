//! How much this store took in of late: the basis of what people are told of the room on their disk.

use super::attachments::PUT_AWAY;
use super::{Store, StoreError};

/// Days that are looked at: what an office does in a week differs, what it does in four hardly.
const DAYS: i64 = 28;
/// With fewer there is nothing to guess from.
const DAYS_MIN: i64 = 7;
const DAY_MS: i64 = 24 * 3_600_000;

/// What a store took in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// In so many days, 7 to 28.
    pub days: u32,
    /// About so many bytes on the disk.
    pub bytes: u64,
}

impl Store {
    /// What came in on the last days, of this PC and of others, by this PC's clock; `None` before its first week is over.
    /// Records are taken to be equally large, with all that lists and the search keep of them; of files, those count that
    /// are still here.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn growth(&self) -> Result<Option<Growth>, StoreError> {
        let reading = || StoreError::because("look at what came in of late");
        let now_ms = self.wall_ms();
        let since_ms = now_ms.saturating_sub(DAYS * DAY_MS);
        let (first_ms, records, recent): (Option<i64>, i64, i64) = self
            .db
            .prepare_cached("SELECT min(wall_ms), count(*), coalesce(sum(wall_ms BETWEEN ? AND ?), 0) FROM record")
            .and_then(|mut select| {
                select.query_row([since_ms, now_ms], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            })
            .map_err(reading())?;
        let days = first_ms.map_or(0, |first_ms| now_ms.saturating_sub(first_ms) / DAY_MS).min(DAYS);
        let Some(days) = u32::try_from(days).ok().filter(|days| i64::from(*days) >= DAYS_MIN) else {
            return Ok(None);
        };
        let (files, recent_files): (i64, i64) = self
            .db
            .prepare_cached(
                "SELECT coalesce(sum(bytes), 0), coalesce(sum(bytes * (wall_ms BETWEEN ? AND ?)), 0) FROM attachment \
                 WHERE state <> ?",
            )
            .and_then(|mut select| select.query_row([since_ms, now_ms, PUT_AWAY], |row| Ok((row.get(0)?, row.get(1)?))))
            .map_err(reading())?;
        let pragma = |name| self.db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(reading());
        let pages = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
        let taken = pages.saturating_mul(pragma("page_size")?).saturating_sub(files).max(0);
        let of_records = i128::from(taken) * i128::from(recent) / i128::from(records.max(1));
        let bytes = u64::try_from(of_records + i128::from(recent_files)).unwrap_or(0);
        Ok(Some(Growth { days, bytes }))
    }
}
