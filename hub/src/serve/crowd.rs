//! How many exchanges are under way, and what those are told that find no place: when to come back.
//!
//! Whoever is sent away gets a place in a queue that nobody keeps: the times that are told lie so far apart that no more come
//! back at once than are done with. So a hub that was away is not asked again and again by all of its offices.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Told at least, in seconds.
const COME_BACK_S_MIN: u32 = 5;

/// Told at most, in seconds; an agent waits no longer in any case.
const COME_BACK_S_MAX: u32 = 600;

/// An exchange takes about so long, in milliseconds: many take one, those of slow links that have much to say fifteen.
const EXCHANGE_MS: u64 = 2_000;

/// What is known of the crowd. Times are milliseconds on a clock that only runs forward.
#[derive(Debug, Default)]
struct Places {
    taken: usize,
    /// Those who were sent away and are not due back yet, in thousandths.
    expected: u64,
    since_ms: u64,
}

impl Places {
    fn enter(&mut self, most: usize, now_ms: u64) -> Result<(), u32> {
        let done_a_second = (most as u64).saturating_mul(1_000) / EXCHANGE_MS;
        let done = now_ms.saturating_sub(self.since_ms).saturating_mul(done_a_second);
        self.expected = self.expected.saturating_sub(done);
        self.since_ms = now_ms;
        if self.taken < most {
            self.taken += 1;
            return Ok(());
        }
        self.expected = self.expected.saturating_add(1_000);
        let wait_s = self.expected / 1_000 / done_a_second.max(1);
        Err(u32::try_from(wait_s).unwrap_or(u32::MAX).saturating_add(COME_BACK_S_MIN).min(COME_BACK_S_MAX))
    }
}

/// The places of all exchanges.
#[derive(Debug, Clone, Default)]
pub(super) struct Crowd(Arc<Mutex<Places>>);

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place(Crowd);

impl Crowd {
    /// A place among `most`.
    ///
    /// # Errors
    /// The seconds after which to come back, if there is none.
    pub(super) fn enter(&self, most: usize, now_ms: u64) -> Result<Place, u32> {
        self.places().enter(most, now_ms).map(|()| Place(self.clone()))
    }

    /// Exchanges under way.
    pub(super) fn taken(&self) -> usize {
        self.places().taken
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.0.places();
        places.taken = places.taken.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_place_is_given_back_and_who_finds_none_is_told_when_to_come() {
        let crowd = Crowd::default();
        let first = crowd.enter(2, 0).expect("a place");
        let _second = crowd.enter(2, 0).expect("a place");
        assert_eq!(crowd.enter(2, 0).expect_err("full"), COME_BACK_S_MIN + 1);
        drop(first);
        assert!(crowd.enter(2, 0).is_ok());
    }

    #[test]
    fn five_thousand_who_come_at_once_are_told_times_that_lie_as_far_apart_as_they_are_served() {
        let crowd = Crowd::default();
        let most = 100;
        let inside: Vec<Place> = (0..most).map(|_| crowd.enter(most, 7).expect("a place")).collect();
        let mut told = BTreeMap::<u32, usize>::new();
        for _ in 0..5_000 {
            *told.entry(crowd.enter(most, 7).expect_err("full")).or_default() += 1;
        }
        assert!(told.values().all(|offices| *offices <= 50), "half of the places are free again in a second");
        assert_eq!(told.last_key_value().map(|(seconds, _)| *seconds), Some(COME_BACK_S_MIN + 100));
        // Those are expected, and later fewer.
        assert_eq!(crowd.enter(most, 60_007).expect_err("full"), COME_BACK_S_MIN + 40);
        assert_eq!(crowd.enter(most, u64::MAX).expect_err("full"), COME_BACK_S_MIN);
        drop(inside);
        assert_eq!(crowd.places().taken, 0);
    }

    #[test]
    fn nobody_is_sent_away_for_longer_than_an_office_may_be_silent() {
        let crowd = Crowd::default();
        let _inside = crowd.enter(1, 0).expect("a place");
        let longest = (0..100_000).map(|_| crowd.enter(1, 0).expect_err("full")).max();
        assert_eq!(longest, Some(COME_BACK_S_MAX));
    }
}
