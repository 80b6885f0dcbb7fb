//! What is open, what was told of it, and what waits to be sent. Pure: the time and what was found are given.
//!
//! ```text
//!   found ──▶ open ── lasted ──▶ began ─┐
//!               │                       ├─▶ letter ──▶ one queue for each channel, its oldest letter first
//!               └─ told, gone ─▶ ended ─┘
//! ```
//!
//! - A trouble is told once when it has lasted for a while, and once when it was gone for as long. One that comes and goes
//!   before it was told is nobody's business.
//! - Troubles of offices are gathered; what is urgent goes at once and takes along what was gathered.
//! - While many offices are missing together, single silence neither begins nor ends.
//! - It is kept in the store as one document, so that a restart neither forgets nor repeats; whoever was away for some
//!   days is spared what is old.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::letter::{Letter, Some30, What};
use super::trouble::{Found, Kind, Trouble};

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Pauses after failures, one after the other; the last one stays.
const PAUSES_MS: [i64; 6] = [30 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 8 * HOUR_MS, 24 * HOUR_MS];
/// A letter that is older tells nothing that the digest does not tell better.
const LETTER_AGE_MS_MAX: i64 = 3 * 24 * HOUR_MS;
/// Letters that wait; the oldest makes room.
const LETTERS_MAX: usize = 50;

/// By what it is decided when to write.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// How long a trouble lasts before it is told.
    pub after_ms: i64,
    /// Time between two letters about what is not urgent.
    pub every_ms: i64,
    /// Whether the time for the digest has come.
    pub is_digest_due: bool,
    /// Who is written to.
    pub channels: &'a [String],
}

/// What is open, what was told, and what waits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    open: BTreeMap<String, Open>,
    over: BTreeMap<String, Trouble>,
    spoke_ms: i64,
    /// When a digest was last due; `None` before the first look.
    pub digest_ms: Option<i64>,
    letters: Vec<Letter>,
    channels: BTreeMap<String, Channel>,
}

/// A trouble that is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// As it was when it was first seen.
    #[serde(flatten)]
    pub trouble: Trouble,
    /// When it was first seen, milliseconds since 1970.
    pub first_ms: i64,
    /// Since when it is not seen any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_ms: Option<i64>,
    /// Whether it stands in a letter.
    pub is_told: bool,
}

/// Where letters go, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Letters that wait, the oldest first.
    pub waiting: Vec<String>,
    /// Failures since the last success.
    pub tries: u32,
    /// Not before this time, milliseconds since 1970.
    pub next_ms: i64,
    /// When the last letter was taken.
    pub delivered_ms: Option<i64>,
    /// Why the last attempt failed; empty: it did not.
    pub failure: String,
    /// Letters that grew too old.
    pub lost: u64,
    /// It wants no more letters.
    pub is_gone: bool,
}

impl Channel {
    fn may_try(&self, now_ms: i64) -> bool {
        // A time far ahead is one of a clock that was set back.
        let is_absurd = self.next_ms > now_ms.saturating_add(2 * PAUSES_MS[PAUSES_MS.len() - 1]);
        !self.is_gone && (self.next_ms <= now_ms || is_absurd)
    }
}

/// How an attempt to deliver failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why, in a few words of ours without any address.
    pub why: String,
    /// Nothing shall be sent there any more.
    pub is_gone: bool,
}

impl Ledger {
    /// Takes up what a look found, and writes a letter under the name `id` if it is time for one.
    pub fn look(&mut self, found: &Found, rules: &Rules<'_>, now_ms: i64, id: String) {
        self.attend(rules.channels, now_ms);
        self.note(found, rules.after_ms, now_ms);
        let due = |open: &Open| !open.is_told && now_ms.saturating_sub(open.first_ms) >= rules.after_ms;
        let begins = |trouble: &&Trouble| self.open.get(&key(trouble)).is_some_and(due);
        let began: Vec<Trouble> = found.troubles.iter().filter(begins).cloned().collect();
        let is_urgent = began.iter().chain(self.over.values()).any(|trouble| trouble.kind.is_urgent());
        let is_any = !began.is_empty() || !self.over.is_empty();
        let gathered = now_ms.saturating_sub(self.spoke_ms) >= rules.every_ms || self.spoke_ms > now_ms;
        let told = |trouble: &&Trouble| self.open.get(&key(trouble)).is_some_and(|open| open.is_told || due(open));
        let open: Vec<Trouble> = found.troubles.iter().filter(told).cloned().collect();
        let what = if rules.is_digest_due {
            self.digest_ms = Some(now_ms);
            let is_quiet = open.is_empty() && self.over.is_empty() && found.due.today + found.due.tomorrow == 0;
            if is_quiet { None } else { Some(What::Digest) }
        } else if is_any && (is_urgent || gathered) {
            Some(What::Changed)
        } else {
            None
        };
        let Some(what) = what else { return };
        let over = std::mem::take(&mut self.over).into_values().collect();
        for trouble in &began {
            if let Some(open) = self.open.get_mut(&key(trouble)) {
                open.is_told = true;
            }
        }
        self.spoke_ms = now_ms;
        let open_count = open.len() as u64;
        let open = if what == What::Digest { open } else { Vec::new() };
        let (began, ended, open) = (Some30::of(began), Some30::of(over), Some30::of(open));
        self.post(Letter {
            id,
            what,
            at: now_ms,
            hub: found.hub.clone(),
            began,
            ended,
            open,
            open_count,
            due: found.due,
        });
    }

    /// Has a letter wait for everybody.
    fn post(&mut self, letter: Letter) {
        for channel in self.channels.values_mut().filter(|channel| !channel.is_gone) {
            channel.waiting.push(letter.id.clone());
        }
        self.letters.push(letter);
        while self.letters.len() > LETTERS_MAX {
            let oldest = self.letters.remove(0);
            self.drop_letter(&oldest.id);
        }
    }

    fn drop_letter(&mut self, id: &str) {
        for channel in self.channels.values_mut() {
            let before = channel.waiting.len();
            channel.waiting.retain(|waiting| waiting != id);
            channel.lost += (before - channel.waiting.len()) as u64;
        }
    }

    /// Keeps those channels that there are, and drops letters that nobody waits for or that are too old.
    fn attend(&mut self, channels: &[String], now_ms: i64) {
        self.channels.retain(|name, _| channels.contains(name));
        for name in channels {
            self.channels.entry(name.clone()).or_default();
        }
        let is_old = |letter: &Letter| now_ms.saturating_sub(letter.at) > LETTER_AGE_MS_MAX;
        let old: Vec<String> =
            self.letters.iter().filter(|letter| is_old(letter)).map(|letter| letter.id.clone()).collect();
        old.iter().for_each(|id| self.drop_letter(id));
        self.tidy();
    }

    fn tidy(&mut self) {
        let channels = &self.channels;
        self.letters.retain(|letter| channels.values().any(|channel| channel.waiting.contains(&letter.id)));
    }

    fn note(&mut self, found: &Found, after_ms: i64, now_ms: i64) {
        let mut missing: Vec<String> = self.open.keys().cloned().collect();
        for trouble in &found.troubles {
            let key = key(trouble);
            if let Ok(place) = missing.binary_search(&key) {
                missing.remove(place);
            }
            // What comes back before its end was told has not ended.
            let again = self.over.remove(&key);
            let fresh = |again: Option<Trouble>| Open {
                is_told: again.is_some(),
                trouble: again.unwrap_or_else(|| trouble.clone()),
                first_ms: now_ms,
                missing_ms: None,
            };
            let open = self.open.entry(key).or_insert_with(|| fresh(again));
            open.missing_ms = None;
            // A clock that was set back shall not keep it waiting.
            open.first_ms = open.first_ms.min(now_ms);
        }
        for key in missing {
            self.miss(&key, found.is_mass_silence, after_ms, now_ms);
        }
    }

    fn miss(&mut self, key: &str, is_mass_silence: bool, after_ms: i64, now_ms: i64) {
        let Some(open) = self.open.get_mut(key) else { return };
        if is_mass_silence && open.trouble.kind == Kind::Silent {
            open.missing_ms = None;
            // It begins anew when the others are back.
            open.first_ms = now_ms;
            return;
        }
        let since_ms = *open.missing_ms.get_or_insert(now_ms);
        open.missing_ms = Some(since_ms.min(now_ms));
        if !open.is_told {
            self.open.remove(key);
        } else if now_ms.saturating_sub(since_ms) >= after_ms
            && let Some(open) = self.open.remove(key)
        {
            self.over.insert(key.to_owned(), open.trouble);
        }
    }

    /// The letters whose turn it is: of each channel the oldest one, unless it has to wait.
    pub fn due(&self, now_ms: i64) -> Vec<(String, Letter)> {
        let turn = |(name, channel): (&String, &Channel)| {
            let first = channel.waiting.first().filter(|_| channel.may_try(now_ms))?;
            let letter = self.letters.iter().find(|letter| letter.id == *first)?;
            Some((name.clone(), letter.clone()))
        };
        self.channels.iter().filter_map(turn).collect()
    }

    /// Notes how an attempt went. `spread` is a random number below 1000: who failed at once does not come back at once.
    pub fn attempted(&mut self, name: &str, id: &str, outcome: Result<(), Refused>, now_ms: i64, spread: u64) {
        let Some(channel) = self.channels.get_mut(name) else { return };
        match outcome {
            Ok(()) => {
                channel.waiting.retain(|waiting| waiting != id);
                channel.tries = 0;
                channel.next_ms = now_ms;
                channel.delivered_ms = Some(now_ms);
                channel.failure.clear();
            }
            Err(refused) => {
                let pause_ms = PAUSES_MS[(channel.tries as usize).min(PAUSES_MS.len() - 1)];
                // From four fifths to six fifths of it.
                let spread = i64::try_from(spread % 1_000).unwrap_or(0);
                channel.tries = channel.tries.saturating_add(1);
                channel.next_ms = now_ms.saturating_add(pause_ms * 4 / 5 + pause_ms * 2 / 5 * spread / 1_000);
                channel.failure = refused.why;
                channel.is_gone = refused.is_gone;
                if refused.is_gone {
                    channel.waiting.clear();
                }
            }
        }
        self.tidy();
    }

    /// What is open, what was told and what not yet, in the order of their names.
    pub fn open(&self) -> impl Iterator<Item = &Open> {
        self.open.values()
    }

    /// Where letters go.
    pub fn channels(&self) -> impl Iterator<Item = (&String, &Channel)> {
        self.channels.iter()
    }
}

/// What tells one trouble from another, whatever else changes about it.
fn key(trouble: &Trouble) -> String {
    format!("{} {}", super::text::code(trouble.kind), trouble.office)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::trouble::Due;

    const AFTER_MS: i64 = 10 * MINUTE_MS;

    /// A ledger that is looked at now and then.
    struct Story {
        ledger: Ledger,
        now_ms: i64,
        looks: u32,
        channels: Vec<String>,
    }

    impl Story {
        fn new() -> Story {
            let channels = vec!["a".to_owned()];
            Story { ledger: Ledger::default(), now_ms: 1_795_000_000_000, looks: 0, channels }
        }

        /// Lets time pass and looks; gives what was written.
        fn look(&mut self, minutes: i64, found: &Found) -> Option<Letter> {
            self.look_with(minutes, found, false)
        }

        fn look_with(&mut self, minutes: i64, found: &Found, is_digest_due: bool) -> Option<Letter> {
            self.now_ms += minutes * MINUTE_MS;
            self.looks += 1;
            // As a restart would: what is not in the document is lost.
            let document = serde_json::to_string(&self.ledger).expect("a document");
            self.ledger = serde_json::from_str(&document).expect("the same");
            let id = self.looks.to_string();
            let rules = Rules { after_ms: AFTER_MS, every_ms: HOUR_MS, is_digest_due, channels: &self.channels };
            self.ledger.look(found, &rules, self.now_ms, id.clone());
            self.ledger.letters.iter().find(|letter| letter.id == id).cloned()
        }
    }

    fn office(kind: Kind, code: &str) -> Trouble {
        Trouble { office: code.to_owned(), ..Trouble::of_hub(kind) }
    }

    fn found(troubles: &[Trouble]) -> Found {
        Found { hub: "Kabupaten".to_owned(), troubles: troubles.to_vec(), ..Found::default() }
    }

    fn names(some: &Some30) -> Vec<&str> {
        some.troubles.iter().map(|trouble| trouble.office.as_str()).collect()
    }

    #[test]
    fn a_trouble_is_told_once_when_it_has_lasted_and_once_when_it_is_over() {
        let mut story = Story::new();
        let twin = found(&[office(Kind::Twin, "A")]);
        assert_eq!(story.look(0, &twin), None, "it may pass");
        let letter = story.look(10, &twin).expect("a letter");
        assert_eq!((names(&letter.began), letter.what), (vec!["A"], What::Changed));
        assert_eq!(story.look(600, &twin), None, "told is told");
        assert_eq!(story.look(1, &found(&[])), None, "it may come back");
        assert_eq!(story.look(1, &twin), None, "as it does");
        assert_eq!(story.look(1, &found(&[])), None);
        let letter = story.look(10, &found(&[])).expect("a letter");
        assert_eq!((names(&letter.ended), names(&letter.began)), (vec!["A"], vec![]));
        assert_eq!(story.look(100, &found(&[])), None);
    }

    #[test]
    fn what_comes_and_goes_within_minutes_is_nobodys_business() {
        let mut story = Story::new();
        let clock = found(&[office(Kind::Clock, "A")]);
        for _ in 0..20 {
            assert_eq!(story.look(5, &clock), None);
            assert_eq!(story.look(1, &found(&[])), None);
        }
        assert_eq!(story.ledger.open().count(), 0);
    }

    #[test]
    fn offices_are_gathered_and_what_is_urgent_takes_them_along() {
        let mut story = Story::new();
        let mut troubles = vec![office(Kind::Silent, "A")];
        story.look(0, &found(&troubles));
        story.look(10, &found(&troubles)).expect("the first one");
        troubles.extend([office(Kind::Silent, "B"), office(Kind::Space, "B")]);
        story.look(1, &found(&troubles));
        assert_eq!(story.look(20, &found(&troubles)), None, "an hour has not passed");
        troubles.push(Trouble::of_hub(Kind::BackupFailed));
        story.look(1, &found(&troubles));
        let letter = story.look(10, &found(&troubles)).expect("urgent");
        assert_eq!(names(&letter.began), ["B", "B", ""]);
        assert_eq!(story.look(59, &found(&troubles[..1])), None);
        let letter = story.look(10, &found(&troubles[..1])).expect("an end that is urgent");
        assert_eq!(letter.ended.troubles.len(), 3);
    }

    #[test]
    fn a_mass_silence_is_one_trouble_and_single_silence_rests_meanwhile() {
        let mut story = Story::new();
        let silent: Vec<Trouble> = ["A", "B"].map(|code| office(Kind::Silent, code)).into();
        story.look(0, &found(&silent[..1]));
        story.look(10, &found(&silent[..1])).expect("A is silent");
        let mass = Found { is_mass_silence: true, ..found(&[Trouble::of_hub(Kind::ManySilent)]) };
        story.look(0, &mass);
        let letter = story.look(10, &mass).expect("one letter for all");
        assert_eq!((names(&letter.began), letter.ended.troubles.len()), (vec![""], 0), "A has not come back");
        assert_eq!(story.look(300, &mass), None);
        story.look(1, &found(&silent));
        let letter = story.look(10, &found(&silent)).expect("B stayed away");
        assert_eq!((names(&letter.began), names(&letter.ended)), (vec!["B"], vec![""]));
    }

    #[test]
    fn a_digest_lists_what_is_open_and_says_nothing_where_all_is_well() {
        let mut story = Story::new();
        assert_eq!(story.look_with(0, &found(&[]), true), None);
        let troubles = found(&[office(Kind::Silent, "A"), office(Kind::Space, "B")]);
        story.look(0, &troubles);
        story.look(10, &troubles).expect("they began");
        let letter = story.look_with(900, &troubles, true).expect("a digest");
        assert_eq!((names(&letter.open), letter.what, letter.began.troubles.len()), (vec!["A", "B"], What::Digest, 0));
        let due = Found { due: Due { late: 0, today: 2, tomorrow: 0 }, ..found(&[]) };
        let mut story = Story::new();
        assert_eq!(story.look_with(0, &due, true).map(|letter| letter.due.today), Some(2));
    }

    #[test]
    fn a_letter_lists_some_and_counts_the_others() {
        let mut story = Story::new();
        let many: Vec<Trouble> = (0..500).map(|n| office(Kind::Restored, &format!("{n:03}"))).collect();
        story.look(0, &found(&many));
        let letter = story.look(10, &found(&many)).expect("one letter");
        assert_eq!((letter.began.troubles.len(), letter.began.more, letter.open_count), (30, 470, 500));
    }

    #[test]
    fn a_channel_that_fails_is_tried_ever_more_seldom_and_gets_its_letters_in_order() {
        let mut story = Story::new();
        story.channels.push("b".to_owned());
        let urgent = [Trouble::of_hub(Kind::HubSpace), Trouble::of_hub(Kind::BackupOld)];
        story.look(0, &found(&urgent[..1]));
        story.look(10, &found(&urgent[..1])).expect("the first");
        story.look(0, &found(&urgent));
        story.look(10, &found(&urgent)).expect("the second");
        let refused = || Err(Refused { why: "timeout".to_owned(), is_gone: false });
        let due = |story: &Story| -> Vec<(String, String)> {
            story.ledger.due(story.now_ms).into_iter().map(|(name, letter)| (name, letter.id)).collect()
        };
        let of = |name: &str, id: &str| (name.to_owned(), id.to_owned());
        assert_eq!(due(&story), [of("a", "2"), of("b", "2")]);
        story.ledger.attempted("a", "2", refused(), story.now_ms, 999);
        story.ledger.attempted("b", "2", Ok(()), story.now_ms, 0);
        assert_eq!(due(&story), [of("b", "4")], "one that works does not wait for one that does not");
        for pause_ms in [36_000, 6 * MINUTE_MS, 36 * MINUTE_MS] {
            story.now_ms += pause_ms - 1_000;
            assert!(due(&story).iter().all(|(name, _)| name == "b"));
            story.now_ms += 1_000;
            assert_eq!(due(&story)[0], of("a", "2"));
            story.ledger.attempted("a", "2", refused(), story.now_ms, 999);
        }
        story.look(4 * 24 * 60, &found(&urgent));
        assert_eq!(due(&story), [], "what is old is not told any more");
        assert_eq!(story.ledger.channels["a"].lost, 2);
        story.ledger.attempted("a", "2", Err(Refused { why: "410".to_owned(), is_gone: true }), story.now_ms, 0);
        story.look(10, &found(&[]));
        story.look(10, &found(&[])).expect("their end");
        assert_eq!(due(&story).len(), 1, "who is gone is left alone");
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nothing_waiting_for_years() {
        let mut story = Story::new();
        let twin = found(&[office(Kind::Twin, "A")]);
        story.look(0, &twin);
        story.look(10, &twin).expect("told");
        story.ledger.attempted("a", "2", Err(Refused { why: String::new(), is_gone: false }), story.now_ms, 0);
        story.now_ms -= 365 * 24 * HOUR_MS;
        let both = found(&[office(Kind::Twin, "A"), office(Kind::Clock, "A")]);
        story.look(0, &both);
        assert!(story.look(10, &both).is_some());
        assert_eq!(story.ledger.due(story.now_ms).len(), 1);
    }
}
