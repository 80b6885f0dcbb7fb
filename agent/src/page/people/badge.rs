//! Who sits at the browser, in an office whose people have PINs: a cookie that only this program can have written.
//!
//! It names a person and when they last did something, and counts for one browser, as long as that person works here
//! under the same PIN. Nothing is kept in memory: a program that starts again locks nobody out, and another PIN ends
//! whatever was open under the old one.

use kentongan_web::token::Session;
use kentongan_web::{Asked, Secret, cookie};

use super::super::shell::Who;
use crate::store::Person;

/// The cookie.
const BADGE: &str = "ktg_orang";

/// What the cookie says, before anything of it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Badge {
    /// Number of the person.
    pub(in super::super) person: u16,
    /// This PC's clock when they last did something.
    used_ms: i64,
    mark: String,
}

impl Badge {
    /// What a browser shows, if it has the shape of ours.
    pub(in super::super) fn shown(asked: &Asked) -> Option<Badge> {
        Badge::of_text(asked.cookie(BADGE)?)
    }

    fn of_text(text: &str) -> Option<Badge> {
        let (person, rest) = text.split_once('.')?;
        let (used_ms, mark) = rest.split_once('.')?;
        Some(Badge { person: person.parse().ok()?, used_ms: used_ms.parse().ok()?, mark: mark.to_owned() })
    }

    /// Who it is, for somebody who works here under a PIN with this hash. A clock that was set back locks: it costs a PIN.
    pub(in super::super) fn holder(self, session: &Session, secret: &Secret, held: &Held, idle_ms: i64) -> Who {
        let text = said(self.person, self.used_ms, &held.pin);
        if held.person.id != self.person || !secret.marked(session, &text, &self.mark) {
            return Who::Locked(None);
        }
        match (0..=idle_ms).contains(&held.now_ms.saturating_sub(self.used_ms)) {
            true => Who::Person(held.person.clone()),
            false => Who::Locked(Some(self.person)),
        }
    }
}

/// What the store knows of the person whom a badge names.
#[derive(Debug, Clone)]
pub(in super::super) struct Held {
    pub(in super::super) person: Person,
    /// The hash of their PIN.
    pub(in super::super) pin: String,
    /// This PC's clock.
    pub(in super::super) now_ms: i64,
}

impl Held {
    /// The cookie of somebody who left, or locked the page: it opens nothing, and the door still knows their name.
    pub(super) fn cookie_of_leaving(self, session: &Session, secret: &Secret) -> String {
        Held { now_ms: i64::MIN, ..self }.cookie(session, secret)
    }

    /// The cookie of a badge that was used just now.
    pub(in super::super) fn cookie(&self, session: &Session, secret: &Secret) -> String {
        let mark = secret.mark(session, &said(self.person.id, self.now_ms, &self.pin));
        cookie::passing(BADGE, &format!("{}.{}.{mark}", self.person.id, self.now_ms))
    }
}

fn said(person: u16, used_ms: i64, pin: &str) -> String {
    format!("orang {person} {used_ms} {pin}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Role;

    const IDLE_MS: i64 = 600_000;

    fn held(id: u16, pin: &str, now_ms: i64) -> Held {
        let person = Person {
            id,
            name: "Siti".into(),
            role: Role::Clerk,
            temporary: false,
            wrong: 0,
            wrong_ms: 0,
            added_ms: 0,
            left_ms: None,
        };
        Held { person, pin: pin.into(), now_ms }
    }

    #[test]
    fn a_badge_counts_for_its_browser_person_and_pin_while_it_is_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = Secret::of_file(&folder.path().join("page.key")).expect("a key");
        let (here, elsewhere) = (Session::draw(), Session::draw());
        let given = held(3, "hash", 1_000_000).cookie(&here, &secret);
        let text = given.split(['=', ';']).nth(1).expect("a value").to_owned();
        let badge = Badge::of_text(&text).expect("a badge");
        let who = |session: &Session, held: Held| badge.clone().holder(session, &secret, &held, IDLE_MS);
        assert!(matches!(who(&here, held(3, "hash", 1_000_000 + IDLE_MS)), Who::Person(person) if person.id == 3));
        assert!(matches!(who(&here, held(3, "hash", 1_000_001 + IDLE_MS)), Who::Locked(Some(3))), "idle");
        assert!(matches!(who(&here, held(3, "hash", 999_999)), Who::Locked(Some(3))), "the clock was set back");
        assert!(matches!(who(&elsewhere, held(3, "hash", 1_000_000)), Who::Locked(None)), "another browser");
        assert!(matches!(who(&here, held(3, "other", 1_000_000)), Who::Locked(None)), "another PIN");
        assert!(matches!(who(&here, held(4, "hash", 1_000_000)), Who::Locked(None)), "another person");
        let gone = held(3, "hash", 1_000_000).cookie_of_leaving(&here, &secret);
        let gone = Badge::of_text(gone.split(['=', ';']).nth(1).expect("a value")).expect("a badge");
        assert!(matches!(gone.holder(&here, &secret, &held(3, "hash", 1_000_000), IDLE_MS), Who::Locked(Some(3))));
        let longer = Badge { used_ms: 2_000_000, ..badge.clone() };
        let longer = longer.holder(&here, &secret, &held(3, "hash", 2_000_000), IDLE_MS);
        assert!(matches!(longer, Who::Locked(None)), "nobody makes a badge last longer");
    }

    #[test]
    fn only_what_has_the_shape_of_a_badge_is_one() {
        let badge = Badge { person: 3, used_ms: 1_000, mark: "abc".into() };
        assert_eq!(Badge::of_text("3.1000.abc"), Some(badge));
        for nonsense in ["", "3", "3.1000", "x.1000.abc", "3.x.abc", "99999.1.a"] {
            assert_eq!(Badge::of_text(nonsense), None, "{nonsense}");
        }
    }
}
