//! A forgotten PIN, with no network: the office reads a challenge over the telephone, the hub's operator reads eight
//! digits back.
//!
//! ```text
//!   office PC                              telephone               hub
//!   user recovery 2
//!   7K3M-0002-482199  ───────────────────────────────────────────▶ office recovery-code 7K3M-0002-482199
//!                     ◀─────────────────────────────────────────── 5830-1174
//!   user recovery 2 --answer 5830-1174
//! ```
//!
//! Both sides know a key that the hub makes for each device and gives with its certificate. The answer belongs to one
//! person, one device and one challenge; of eight digits a caller can guess few, because each wrong one makes the next
//! wait longer.

use std::fmt;
use std::str::FromStr;

use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::receipt::Prefix;
use ring::hmac;

use crate::enrolment::from_hex;
use crate::random::random_below;

/// Bytes of the key that hub and device share for this.
pub const KEY_BYTES: usize = 32;
/// Challenges for a person.
const NUMBERS: u32 = 1_000_000;
/// Answers to a challenge.
const ANSWERS: u64 = 100_000_000;
/// Digits of an answer.
const ANSWER_DIGITS: usize = 8;

/// The key that a hub's message brought; `None` if that is none.
pub fn key_from_hex(text: &str) -> Option<[u8; KEY_BYTES]> {
    from_hex(text)?.try_into().ok()
}

/// What the office reads aloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge {
    /// Of the receipt codes of the PC, so that the hub knows which it is.
    pub prefix: Prefix,
    /// Number of the person on that PC.
    pub person: u16,
    /// Drawn anew each time, below a million.
    number: u32,
}

/// Text that is no challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a challenge looks like 7K3M-0002-482199")]
pub struct NoChallenge;

impl Challenge {
    /// A new one for a person on the PC with these receipt codes.
    pub fn draw(prefix: Prefix, person: u16) -> Challenge {
        Challenge { prefix, person, number: random_below(u64::from(NUMBERS)) as u32 }
    }

    /// The answer that somebody gives who has the key: two groups of four digits.
    pub fn answer(&self, key: &[u8; KEY_BYTES], replica: ReplicaId) -> String {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
        context.update(b"kentongan pin recovery answer 1 ");
        context.update(&replica.to_bytes());
        context.update(&self.person.to_be_bytes());
        context.update(&self.number.to_be_bytes());
        let tag = context.sign();
        let number = tag.as_ref().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        let number = number % ANSWERS;
        format!("{:04}-{:04}", number / 10_000, number % 10_000)
    }

    /// Whether this is the answer, however it was typed.
    pub fn is_answered_by(&self, typed: &str, key: &[u8; KEY_BYTES], replica: ReplicaId) -> bool {
        let digits = |text: &str| -> String { text.chars().filter(|c| !matches!(c, ' ' | '-')).collect() };
        let (typed, answer) = (digits(typed), digits(&self.answer(key, replica)));
        // Of equal length, each digit is looked at: how long it takes says nothing.
        typed.len() == ANSWER_DIGITS
            && typed.bytes().zip(answer.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04}-{:06}", self.prefix, self.person, self.number)
    }
}

impl FromStr for Challenge {
    type Err = NoChallenge;

    fn from_str(text: &str) -> Result<Challenge, NoChallenge> {
        let mut parts = text.trim().split(['-', ' ']).filter(|part| !part.is_empty());
        let mut next = || parts.next().ok_or(NoChallenge);
        let (prefix, person, number) = (next()?, next()?, next()?);
        if parts.next().is_some() || person.len() != 4 || number.len() != 6 {
            return Err(NoChallenge);
        }
        Ok(Challenge {
            prefix: prefix.to_ascii_uppercase().parse().map_err(|_| NoChallenge)?,
            person: person.parse().map_err(|_| NoChallenge)?,
            number: number.parse().map_err(|_| NoChallenge)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; KEY_BYTES] = [7; KEY_BYTES];
    const PC: ReplicaId = ReplicaId(0x0102_0304_0506_0708);

    fn prefix() -> Prefix {
        "7K3M".parse().expect("a prefix")
    }

    #[test]
    fn a_challenge_is_read_back_however_it_was_typed() {
        let challenge = Challenge::draw(prefix(), 2);
        let text = challenge.to_string();
        assert!(text.starts_with("7K3M-0002-"), "{text}");
        for typed in [text.clone(), text.to_lowercase(), text.replace('-', " "), format!(" {text} ")] {
            assert_eq!(typed.parse(), Ok(challenge), "{typed}");
        }
        for wrong in
            ["", "7K3M", "7K3M-0002", "7K3M-2-482199", "7K3M-0002-48219", "7K3M-0002-482199-1", "0OIL-0002-482199"]
        {
            assert_eq!(wrong.parse::<Challenge>(), Err(NoChallenge), "{wrong}");
        }
    }

    #[test]
    fn an_answer_fits_its_challenge_person_and_device_alone() {
        let challenge = Challenge { prefix: prefix(), person: 2, number: 482_199 };
        let answer = challenge.answer(&KEY, PC);
        assert_eq!(answer.len(), 9);
        for typed in [answer.clone(), answer.replace('-', ""), answer.replace('-', " ")] {
            assert!(challenge.is_answered_by(&typed, &KEY, PC), "{typed}");
        }
        let others = [Challenge { person: 3, ..challenge }, Challenge { number: 482_198, ..challenge }];
        assert!(others.iter().all(|other| !other.is_answered_by(&answer, &KEY, PC)));
        assert!(!challenge.is_answered_by(&answer, &KEY, ReplicaId(9)));
        assert!(!challenge.is_answered_by(&answer, &[8; KEY_BYTES], PC));
        for wrong in ["", "1", &answer[..8], &format!("{answer}0")] {
            assert!(!challenge.is_answered_by(wrong, &KEY, PC), "{wrong}");
        }
    }
}
