//! Whether to knock: a device waits for its next exchange, and something was put into the feed of its office.

use kentongan_protocol::ids::Topic;

use super::standing::{self, Shown};
use crate::store::{FeedLimit, Result, Tx};

/// Entries looked at: who wrote more than these itself is told at its next contact.
const SCANNED_MAX: usize = 1_000;

/// Whether there is news for the device behind what it has read of its office's topic, and it may still be told.
///
/// # Errors
/// A failure of the store.
pub(crate) fn has_news(tx: &mut dyn Tx, shown: &Shown, cursor: u64, now_ms: i64) -> Result<bool> {
    let Ok(replica) = standing::check(tx, shown, now_ms)? else { return Ok(false) };
    let limit = FeedLimit { entries_max: 1, bytes_aim: 1, scanned_max: SCANNED_MAX };
    let slice = tx.feed_read(&Topic::Office(replica.office), cursor, replica.id, limit)?;
    Ok(!slice.rows.is_empty())
}
