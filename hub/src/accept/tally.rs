//! What an exchange adds to the day of its office: by this the hub learns an office's rhythm and shows its last weeks.

use kentongan_protocol::calendar::Zone;
use kentongan_protocol::ids::OfficeCode;

use super::Counts;
use super::meter::ended_well;
use crate::store::{Delays, ExchangeNote, OfficeDay, Result, Tx};

const HOUR_MS: i64 = 3_600_000;

/// What is not yet written into the office's day.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By how much the office's clock is ahead, in milliseconds.
    pub(super) clock_offset_ms: i64,
    /// Ops that waited there when it spoke.
    pub(super) pending: u64,
    /// How long its new records had been under way.
    pub(super) delays: Delays,
    /// Own ops that were counted already.
    counted: u64,
}

impl Tally {
    /// Adds it to the day that it is at the office now. With `note` the exchange is over, and that is its line in the
    /// journal.
    pub(super) fn write(
        &mut self,
        tx: &mut dyn Tx,
        office: &OfficeCode,
        counts: Counts,
        note: Option<&ExchangeNote>,
        now_ms: i64,
    ) -> Result<()> {
        let zone = Zone::of(office);
        let today = zone.day_of(now_ms);
        let mut day = tx.office_day(office, today)?.unwrap_or_else(|| OfficeDay::new(today));
        day.add(&OfficeDay {
            hours: 1 << (zone.since_midnight_ms(now_ms) / HOUR_MS),
            ops_in: counts.stored.saturating_sub(self.counted),
            delays: std::mem::take(&mut self.delays),
            ..OfficeDay::new(today)
        });
        self.counted = counts.stored;
        if let Some(note) = note {
            let well = ended_well(&note.outcome);
            let drained = well && self.pending <= counts.stored.saturating_add(counts.repeated);
            day.add(&OfficeDay {
                exchanges: u32::from(well),
                ended_early: u32::from(!well),
                bytes_in: note.bytes_in,
                bytes_out: note.bytes_out,
                ops_out: note.ops_out,
                drained_ms: drained.then_some(now_ms),
                ..OfficeDay::new(today)
            });
        }
        tx.put_office_day(office, &day)
    }
}
