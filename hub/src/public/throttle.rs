//! How often strangers may ask. Each address has a bucket of its own, and whoever guesses codes empties one that all
//! share.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::serve::Bucket;

/// Questions of one address at once: a family at one telephone, an office behind one line.
const ASKED_AT_ONCE: u32 = 30;
/// One more after this time, in milliseconds.
const ASKED_AGAIN_MS: u64 = 2_000;
/// Codes that nobody has, of one address at once: slips of the hand pass the check symbol one time in 31.
const MISSED_AT_ONCE: u32 = 10;
const MISSED_AGAIN_MS: u64 = 60_000;
/// Codes that nobody has, of everybody together at once, and how fast there may be more of them. Of a million guesses
/// seventy are right; at this rate they take two weeks from as many addresses as one likes, and show no person.
const MISSED_BY_ALL_AT_ONCE: u32 = 300;
const MISSED_BY_ALL_AGAIN_MS: u64 = 1_200;
/// Addresses that are told apart.
const ADDRESSES_MAX: usize = 20_000;

/// The buckets. Times are milliseconds on a clock that only runs forward.
#[derive(Debug)]
pub(crate) struct Throttle(Mutex<Buckets>);

#[derive(Debug)]
struct Buckets {
    each: BTreeMap<IpAddr, Each>,
    /// Of addresses for which there was no place.
    rest: Each,
    missed_by_all: Bucket,
}

#[derive(Debug, Clone, Copy)]
struct Each {
    asked: Bucket,
    missed: Bucket,
}

impl Each {
    fn new(now_ms: u64) -> Each {
        Each {
            asked: Bucket::new(ASKED_AT_ONCE, ASKED_AGAIN_MS, now_ms),
            missed: Bucket::new(MISSED_AT_ONCE, MISSED_AGAIN_MS, now_ms),
        }
    }

    fn is_rested(&mut self, now_ms: u64) -> bool {
        self.asked.is_full(now_ms) && self.missed.is_full(now_ms)
    }
}

/// Told to come back later, after so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooOften {
    pub(crate) again_s: u64,
}

impl Throttle {
    pub(crate) fn new(now_ms: u64) -> Throttle {
        Throttle(Mutex::new(Buckets {
            each: BTreeMap::new(),
            rest: Each::new(now_ms),
            missed_by_all: Bucket::new(MISSED_BY_ALL_AT_ONCE, MISSED_BY_ALL_AGAIN_MS, now_ms),
        }))
    }

    /// Counts a question of `address`.
    ///
    /// # Errors
    /// It asks too often.
    pub(crate) fn ask(&self, address: IpAddr, now_ms: u64) -> Result<(), TooOften> {
        let mut buckets = self.buckets();
        let each = buckets.of(address, now_ms);
        if !each.asked.has_room(now_ms) {
            return Err(TooOften { again_s: ASKED_AGAIN_MS.div_ceil(1_000) });
        }
        each.asked.take(now_ms);
        Ok(())
    }

    /// Whether `address` may look up a code now. It is not counted: only a miss is, see [`Throttle::missed`].
    ///
    /// # Errors
    /// It, or all together, named too many codes that nobody has.
    pub(crate) fn may_look_up(&self, address: IpAddr, now_ms: u64) -> Result<(), TooOften> {
        let mut buckets = self.buckets();
        if !buckets.of(address, now_ms).missed.has_room(now_ms) {
            return Err(TooOften { again_s: MISSED_AGAIN_MS.div_ceil(1_000) });
        }
        if !buckets.missed_by_all.has_room(now_ms) {
            return Err(TooOften { again_s: MISSED_BY_ALL_AGAIN_MS.div_ceil(1_000) });
        }
        Ok(())
    }

    /// Counts a code that nobody has.
    pub(crate) fn missed(&self, address: IpAddr, now_ms: u64) {
        let mut buckets = self.buckets();
        buckets.of(address, now_ms).missed.take(now_ms);
        buckets.missed_by_all.take(now_ms);
    }

    fn buckets(&self) -> MutexGuard<'_, Buckets> {
        // Counts stay counts, whatever happened to another thread meanwhile.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buckets {
    fn of(&mut self, address: IpAddr, now_ms: u64) -> &mut Each {
        let address = network(address);
        if self.each.len() >= ADDRESSES_MAX && !self.each.contains_key(&address) {
            self.each.retain(|_, each| !each.is_rested(now_ms));
            if self.each.len() >= ADDRESSES_MAX {
                return &mut self.rest;
            }
        }
        self.each.entry(address).or_insert_with(|| Each::new(now_ms))
    }
}

/// What one subscriber is given: an address, or of the long ones the first half.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => IpAddr::V4(address),
            None => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        },
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_who_asks_too_often_waits_and_others_do_not() {
        let (throttle, sari, budi) = (Throttle::new(0), address("10.0.0.1"), address("10.0.0.2"));
        for _ in 0..ASKED_AT_ONCE {
            assert_eq!(throttle.ask(sari, 0), Ok(()));
        }
        assert_eq!(throttle.ask(sari, 0), Err(TooOften { again_s: 2 }));
        assert_eq!(throttle.ask(budi, 0), Ok(()));
        assert_eq!(throttle.ask(sari, ASKED_AGAIN_MS), Ok(()));
    }

    #[test]
    fn guesses_run_out_for_one_address_and_for_a_thousand_of_them() {
        let throttle = Throttle::new(0);
        let one = address("10.0.0.1");
        for _ in 0..MISSED_AT_ONCE {
            assert_eq!(throttle.may_look_up(one, 0), Ok(()));
            throttle.missed(one, 0);
        }
        assert!(throttle.may_look_up(one, 0).is_err());
        let mut guesses = MISSED_AT_ONCE;
        for n in 0..1_000 {
            let other = IpAddr::from([10, 1, (n / 250) as u8, (n % 250) as u8]);
            if throttle.may_look_up(other, 0).is_ok() {
                throttle.missed(other, 0);
                guesses += 1;
            }
        }
        assert_eq!(guesses, MISSED_BY_ALL_AT_ONCE);
        assert!(throttle.may_look_up(address("10.9.9.9"), MISSED_BY_ALL_AGAIN_MS).is_ok());
    }

    #[test]
    fn half_of_a_long_address_is_one_subscriber() {
        assert_eq!(network(address("2001:db8:1:2:3:4:5:6")), network(address("2001:db8:1:2::")));
        assert_ne!(network(address("2001:db8:1:2::")), network(address("2001:db8:1:3::")));
        assert_eq!(network(address("::ffff:10.0.0.1")), address("10.0.0.1"));
    }

    #[test]
    fn more_addresses_than_are_told_apart_share_one_bucket() {
        let throttle = Throttle::new(0);
        for n in 0..ADDRESSES_MAX as u32 {
            throttle.ask(IpAddr::from((0x0a00_0000 + n).to_be_bytes()), 0).expect("its first question");
        }
        let strangers = (0..=ASKED_AT_ONCE).map(|n| throttle.ask(IpAddr::from([11, 0, 0, n as u8]), 0));
        assert_eq!(strangers.filter(Result::is_err).count(), 1);
        assert!(throttle.ask(address("12.0.0.1"), 600_000).is_ok(), "the rested ones gave their places");
    }
}
