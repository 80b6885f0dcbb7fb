//! Guessing takes time: after some wrong answers the next one waits, and each further one waits longer.
//!
//! Three things are counted: a name from one address, an address whatever the name, a name from wherever. So whoever
//! guesses is slowed down soon, somebody else behind the same address or with the same name only much later, and who is
//! let in says nothing about which names there are: unknown ones wait as well.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// The first wait, in milliseconds; each further one is twice as long.
const WAIT_MS: u64 = 15_000;
/// Longest wait, in milliseconds.
const WAIT_MS_MAX: u64 = 15 * 60_000;
/// What nobody tried for this long is forgotten, in milliseconds.
const FORGOTTEN_MS: u64 = 24 * 3_600_000;
/// Things that are counted at once, at most.
const KEPT_MAX: usize = 20_000;
/// Longest name that is told from others, in characters.
const NAME_CHARS_MAX: usize = 64;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    NameFrom(String, IpAddr),
    From(IpAddr),
    Name(String),
}

impl Subject {
    fn all(name: &str, from: IpAddr) -> [Subject; 3] {
        let name: String = name.chars().take(NAME_CHARS_MAX).collect();
        [Subject::NameFrom(name.clone(), from), Subject::From(from), Subject::Name(name)]
    }

    /// Wrong answers that cost nothing.
    fn free(&self) -> u32 {
        match self {
            Subject::NameFrom(..) => 5,
            Subject::From(_) => 25,
            Subject::Name(_) => 50,
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Wrong {
    count: u32,
    last_ms: u64,
}

impl Wrong {
    fn wait_until_ms(self, free: u32) -> u64 {
        let Some(beyond) = self.count.checked_sub(free) else { return 0 };
        let wait_ms = WAIT_MS.saturating_mul(1 << beyond.min(16)).min(WAIT_MS_MAX);
        self.last_ms.saturating_add(wait_ms)
    }
}

/// Wrong answers of the last day. Times are milliseconds on a clock that only runs forward.
#[derive(Debug, Default)]
pub(super) struct Gate(BTreeMap<Subject, Wrong>);

impl Gate {
    /// How long an answer for `name` from there has to wait, in milliseconds; 0: it is looked at.
    pub(super) fn wait_ms(&self, name: &str, from: IpAddr, now_ms: u64) -> u64 {
        let until = |subject: &Subject| self.0.get(subject).map_or(0, |wrong| wrong.wait_until_ms(subject.free()));
        let until_ms = Subject::all(name, from).iter().map(until).max().unwrap_or(0);
        until_ms.saturating_sub(now_ms)
    }

    /// Notes a wrong answer. Whether it is the first after which others wait.
    pub(super) fn wrong(&mut self, name: &str, from: IpAddr, now_ms: u64) -> bool {
        self.make_room(now_ms);
        let mut begins = false;
        for subject in Subject::all(name, from) {
            let free = subject.free();
            let wrong = self.0.entry(subject).or_default();
            *wrong = Wrong { count: wrong.count.saturating_add(1), last_ms: now_ms };
            begins |= wrong.count == free;
        }
        begins
    }

    /// Notes a right answer: the person is who they say, so what was wrong there before was theirs.
    pub(super) fn right(&mut self, name: &str, from: IpAddr) {
        let [name_from, ..] = Subject::all(name, from);
        self.0.remove(&name_from);
    }

    fn make_room(&mut self, now_ms: u64) {
        if self.0.len() + 3 > KEPT_MAX {
            self.0.retain(|_, wrong| now_ms.saturating_sub(wrong.last_ms) < FORGOTTEN_MS);
        }
        while self.0.len() + 3 > KEPT_MAX {
            // Somebody tries names by the thousand. Their address stays; the names they made up go first.
            let Some(first) = self.0.keys().next().cloned() else { return };
            self.0.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn five_wrong_answers_are_free_and_each_further_one_waits_twice_as_long() {
        let mut gate = Gate::default();
        let begun: Vec<bool> = (0..5).map(|_| gate.wrong("wayan", HERE, 0)).collect();
        assert_eq!(begun, [false, false, false, false, true]);
        assert_eq!(gate.wait_ms("wayan", HERE, 0), WAIT_MS);
        assert!(!gate.wrong("wayan", HERE, 0));
        assert_eq!(gate.wait_ms("wayan", HERE, 0), 2 * WAIT_MS);
        for _ in 0..40 {
            gate.wrong("wayan", HERE, 0);
        }
        assert_eq!(gate.wait_ms("wayan", HERE, 0), WAIT_MS_MAX);
        assert_eq!(gate.wait_ms("wayan", HERE, WAIT_MS_MAX), 0);
    }

    #[test]
    fn neither_another_name_nor_another_address_waits_for_it_at_once() {
        let mut gate = Gate::default();
        for _ in 0..10 {
            gate.wrong("wayan", HERE, 0);
        }
        assert!(gate.wait_ms("wayan", HERE, 0) > 0);
        assert_eq!((gate.wait_ms("wayan", THERE, 0), gate.wait_ms("sari", HERE, 0)), (0, 0));
        for n in 0..20 {
            gate.wrong(&format!("tebak{n}"), HERE, 0);
        }
        assert!(gate.wait_ms("sari", HERE, 0) > 0, "the address tries too many names");
        gate.right("wayan", HERE);
        assert!(gate.wait_ms("wayan", HERE, 0) > 0, "and being right once does not free it");
    }

    #[test]
    fn names_by_the_thousand_take_no_more_room_than_there_is() {
        let mut gate = Gate::default();
        for n in 0..KEPT_MAX as u32 {
            gate.wrong(&format!("{n:0>200}"), THERE, u64::from(n));
        }
        assert!(gate.0.len() <= KEPT_MAX);
        assert!(gate.wait_ms("siapa saja", THERE, KEPT_MAX as u64) > 0);
    }
}
