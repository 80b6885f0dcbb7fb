//! How an office was heard, day by day; bounded, so that a year of calls takes no more than some weeks of them.

use kentongan_protocol::calendar::Day;

/// Days that are kept of each office: eight weeks, from which its rhythm is learned.
pub const DAYS_KEPT: i32 = 56;

/// What an office's day was like, by its own civil day and hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfficeDay {
    /// The day there.
    pub day: Day,
    /// Bit n is set if it was heard in hour n of the day, 0 to 23.
    pub hours: u32,
    /// Exchanges that ended well.
    pub exchanges: u32,
    /// Exchanges that ended early, whatever the cause.
    pub ended_early: u32,
    /// Bytes of its requests.
    pub bytes_in: u64,
    /// Bytes of the replies.
    pub bytes_out: u64,
    /// Ops newly stored.
    pub ops_in: u64,
    /// Ops given: fed and given back.
    pub ops_out: u64,
    /// When an exchange last ended with nothing left at the office, milliseconds since 1970.
    pub drained_ms: Option<i64>,
    /// How long its new records had been under way.
    pub delays: Delays,
}

impl OfficeDay {
    /// A day on which nothing has happened yet.
    pub fn new(day: Day) -> OfficeDay {
        OfficeDay {
            day,
            hours: 0,
            exchanges: 0,
            ended_early: 0,
            bytes_in: 0,
            bytes_out: 0,
            ops_in: 0,
            ops_out: 0,
            drained_ms: None,
            delays: Delays::default(),
        }
    }

    /// Adds what else happened on that day.
    pub fn add(&mut self, more: &OfficeDay) {
        self.hours |= more.hours;
        self.exchanges = self.exchanges.saturating_add(more.exchanges);
        self.ended_early = self.ended_early.saturating_add(more.ended_early);
        self.bytes_in = self.bytes_in.saturating_add(more.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(more.bytes_out);
        self.ops_in = self.ops_in.saturating_add(more.ops_in);
        self.ops_out = self.ops_out.saturating_add(more.ops_out);
        self.drained_ms = self.drained_ms.max(more.drained_ms);
        self.delays.merge(&more.delays);
    }
}

/// How many records took how long from entry at an office to the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delays([u32; Delays::BOUNDS_S.len() + 1]);

impl Delays {
    /// Upper bounds of the classes, in seconds: 1, 5 and 15 minutes, 1 and 6 hours, 1, 3, 7, 14 and 30 days. The last
    /// class has none.
    pub const BOUNDS_S: [u32; 10] = [60, 300, 900, 3_600, 21_600, 86_400, 259_200, 604_800, 1_209_600, 2_592_000];

    /// Counts a record that was under way for so long. A negative time, from a clock that was ahead, is none.
    pub fn count(&mut self, delay_ms: i64) {
        let class = Self::BOUNDS_S.iter().position(|bound_s| delay_ms <= i64::from(*bound_s) * 1000);
        if let Some(count) = self.0.get_mut(class.unwrap_or(Self::BOUNDS_S.len())) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds what others count.
    pub fn merge(&mut self, more: &Delays) {
        for (count, more) in self.0.iter_mut().zip(more.0) {
            *count = count.saturating_add(more);
        }
    }

    /// The counts of the classes, in the order of their bounds.
    pub fn classes(&self) -> impl Iterator<Item = u32> {
        self.0.into_iter()
    }

    /// Records counted.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// Upper bound, in seconds, of the class in which the given share of the records (in percent) has arrived; `None` if
    /// there are no records, [`u32::MAX`] for longer than every bound.
    pub fn within_s(&self, percent: u8) -> Option<u32> {
        let wanted = (self.total() * u64::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        let class = self.0.iter().position(|count| {
            seen += u64::from(*count);
            seen >= wanted
        });
        class.map(|class| Self::BOUNDS_S.get(class).copied().unwrap_or(u32::MAX))
    }

    /// As bytes for a store.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|count| count.to_le_bytes()).collect()
    }

    /// From its bytes; `None` if they are not as many as there are classes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Delays> {
        let mut delays = Delays::default();
        if bytes.len() != size_of_val(&delays.0) {
            return None;
        }
        for (count, bytes) in delays.0.iter_mut().zip(bytes.chunks_exact(4)) {
            *count = u32::from_le_bytes(bytes.try_into().ok()?);
        }
        Some(delays)
    }
}

/// A table or a choice that people brought in: holidays, limits, bands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its stable name.
    pub name: String,
    /// What it says.
    pub text: String,
    /// When it was brought in, milliseconds since 1970.
    pub at_ms: i64,
    /// By whom.
    pub actor: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_records_arrived_within_the_bound_of_its_class() {
        let mut delays = Delays::default();
        assert_eq!(delays.within_s(90), None);
        for _ in 0..9 {
            delays.count(30_000);
        }
        delays.count(40 * 86_400_000);
        delays.count(-5);
        assert_eq!((delays.total(), delays.within_s(50), delays.within_s(90)), (11, Some(60), Some(60)));
        assert_eq!(delays.within_s(100), Some(u32::MAX));
        delays.count(60_001);
        assert_eq!(delays.within_s(91), Some(300));
    }

    #[test]
    fn classes_come_back_from_their_bytes_and_add_up() {
        let mut delays = Delays::default();
        [1, 100_000, 9_000_000].into_iter().for_each(|delay_ms| delays.count(delay_ms));
        assert_eq!(Delays::from_bytes(&delays.to_bytes()), Some(delays));
        assert_eq!(Delays::from_bytes(&[0; 43]), None);
        let mut day = OfficeDay { hours: 0b11, drained_ms: Some(5), delays, ..OfficeDay::new(Day(3)) };
        day.add(&OfficeDay { hours: 0b110, ops_in: 2, drained_ms: None, delays, ..OfficeDay::new(Day(3)) });
        assert_eq!((day.hours, day.ops_in, day.drained_ms, day.delays.total()), (0b111, 2, Some(5), 6));
    }
}
