//! The people of an office: who may do what, and how each proves who they are.
//!
//! PINs keep honest people's work apart on a PC that several share; they are no wall against whoever owns the PC. So
//! the rules serve the counter: a PIN is short, a few wrong ones cost nothing, then each costs a longer wait, and a
//! forgotten one is replaced by the duty manager, by IT staff, or over the telephone with no network at all
//! ([`kentongan_host::recovery`]).

use std::fmt;

use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::ktg::Ktg;
use kentongan_host::random::random_below;
use kentongan_host::recovery::Challenge;
use kentongan_host::secret;
use kentongan_protocol::form::Lang;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::store::{Person, StoreError};
use crate::sync::on_store;

/// Digits of a PIN.
const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;
/// Digits of a PIN that the program draws.
const DRAWN_DIGITS: u32 = 6;
/// Wrong PINs that cost nothing but the next try.
const WRONG_FREE: u32 = 3;
/// The wait after the first wrong PIN beyond them; each further one doubles it.
const WAIT_MS: i64 = 30_000;
/// Longest wait. With it, all PINs of four digits take 100 days on average.
const WAIT_MS_MAX: i64 = 30 * 60_000;

/// What somebody may do at this office.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Enters, edits, prints.
    Clerk,
    /// All of that, settles conflicts, and looks after the people of the office.
    Manager,
}

impl Role {
    /// As it is stored.
    pub(crate) fn number(self) -> i64 {
        match self {
            Role::Clerk => 1,
            Role::Manager => 2,
        }
    }

    pub(crate) fn from_number(number: i64) -> Option<Role> {
        [Role::Clerk, Role::Manager].into_iter().find(|role| role.number() == number)
    }

    /// Stable code for scripts.
    pub fn code(self) -> &'static str {
        match self {
            Role::Clerk => "clerk",
            Role::Manager => "manager",
        }
    }

    /// The role of a code.
    ///
    /// # Errors
    /// A sentence that names the roles there are.
    pub fn parse(code: &str) -> Result<Role, Failure> {
        [Role::Clerk, Role::Manager].into_iter().find(|role| role.code() == code).ok_or_else(|| {
            Failure::usage(
                format!("Peran {code} tidak ada: clerk (petugas), manager (penanggung jawab)."),
                format!("There is no role {code}: clerk, manager."),
            )
        })
    }

    /// What people call it.
    pub fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Role::Clerk, Lang::Id) => "petugas",
            (Role::Clerk, Lang::En) => "clerk",
            (Role::Manager, Lang::Id) => "penanggung jawab",
            (Role::Manager, Lang::En) => "duty manager",
        }
    }
}

/// A PIN that somebody chose: not the first that anybody would try.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

impl Pin {
    /// A PIN of 4 to 12 digits; not one digit over and over, and no digits in a row (`1234`, `9876`).
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn chosen(text: &str) -> Result<Pin, Failure> {
        let digits: Vec<i16> = text.chars().filter_map(|c| c.to_digit(10)).map(|digit| digit as i16).collect();
        if digits.len() != text.chars().count() || !PIN_DIGITS.contains(&digits.len()) {
            return Err(Failure::usage("PIN terdiri dari 4 sampai 12 angka.", "A PIN has 4 to 12 digits."));
        }
        if is_even_run(&digits) {
            return Err(Failure::usage(
                "PIN ini terlalu mudah ditebak. Pilih angka yang tidak sama dan tidak berurutan.",
                "This PIN is too easy to guess. Choose digits that are neither all the same nor in a row.",
            ));
        }
        Ok(Pin(text.to_owned()))
    }

    /// A PIN that the program draws for somebody: they change it at their next entry.
    pub fn drawn() -> Pin {
        loop {
            let number = random_below(10_u64.pow(DRAWN_DIGITS));
            if let Ok(pin) = Pin::chosen(&format!("{number:0width$}", width = DRAWN_DIGITS as usize)) {
                return pin;
            }
        }
    }

    /// Its digits, for the one time that somebody is told of it.
    pub(crate) fn shown_once(&self) -> String {
        self.0.clone()
    }

    fn hash(&self) -> String {
        secret::hash(&self.0)
    }
}

impl fmt::Debug for Pin {
    /// Shows nothing of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// Whether each digit differs from the one before by the same 0, 1 or -1.
fn is_even_run(digits: &[i16]) -> bool {
    let mut steps = digits.windows(2).map(|pair| pair[1] - pair[0]);
    let first = steps.next().unwrap_or(0);
    first.abs() <= 1 && steps.all(|step| step == first)
}

/// How long somebody has to wait before the next PIN is looked at, in milliseconds. A clock that jumped costs nobody a
/// wait: whoever sets the clock of a PC does not need a PIN.
pub(crate) fn wait_ms(wrong: u32, wrong_ms: i64, now_ms: i64) -> i64 {
    let Some(beyond) = wrong.checked_sub(WRONG_FREE) else { return 0 };
    let wait = WAIT_MS.checked_shl(beyond.min(16)).unwrap_or(WAIT_MS_MAX).min(WAIT_MS_MAX);
    let gone = now_ms.saturating_sub(wrong_ms);
    if (0..wait).contains(&gone) { wait - gone } else { 0 }
}

/// What proves who somebody is.
#[derive(Debug, Clone)]
enum Proof {
    Pin(String),
    Answer(Challenge, String),
}

impl Agent {
    /// Whether this is the PIN of the person with this number. Whoever is wrong too often waits.
    ///
    /// # Errors
    /// [`Ktg::PinWrong`], [`Ktg::PinLocked`] with the seconds left, or what the store has against it.
    pub async fn check_pin(&self, person: u16, pin: String) -> Result<Person, Failure> {
        self.prove(person, Proof::Pin(pin)).await
    }

    /// Replaces the PIN of somebody by one that they chose.
    ///
    /// # Errors
    /// [`Pin::chosen`], or what the store has against it.
    pub async fn change_pin(&self, person: u16, pin: &str) -> Result<(), Failure> {
        self.put_pin(person, Pin::chosen(pin)?, false).await
    }

    /// Gives somebody a PIN that they change at their next entry.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPerson`], or if the store fails.
    pub(crate) async fn give_pin(&self, person: u16) -> Result<(Person, Pin), Failure> {
        let pin = Pin::drawn();
        self.put_pin(person, pin.clone(), true).await?;
        tracing::info!(ev = "people.pin_reset", person, "a PIN was replaced");
        let person = on_store(self.store(), move |store| store.person(person)).await?;
        Ok((person, pin))
    }

    /// Adds somebody, with a first PIN.
    ///
    /// # Errors
    /// A name that nobody can have or somebody has, or if the store fails.
    pub(crate) async fn hire(&self, name: String, role: Role) -> Result<(Person, Pin), Failure> {
        let pin = Pin::drawn();
        let hash = hashed(pin.clone()).await?;
        let person = on_store(self.store(), move |store| store.add_person(&name, role, &hash)).await?;
        tracing::info!(ev = "people.added", person = person.id, role = role.code(), "somebody was added");
        Ok((person, pin))
    }

    /// A challenge for somebody who forgot their PIN.
    ///
    /// # Errors
    /// What the store has against it.
    pub(crate) async fn new_challenge(&self, person: u16) -> Result<Challenge, Failure> {
        Ok(on_store(self.store(), move |store| store.challenge(person)).await?)
    }

    /// The operator's answer to the challenge that somebody was given last: with the right one they get another PIN.
    ///
    /// # Errors
    /// [`Ktg::PinWrong`] for a wrong answer, [`Ktg::PinLocked`], or what the store has against it.
    pub(crate) async fn answer_challenge(&self, person: u16, answer: String) -> Result<(Person, Pin), Failure> {
        let challenge = on_store(self.store(), move |store| store.open_challenge(person)).await?;
        let challenge = challenge.ok_or_else(|| {
            Failure::usage("Minta tantangan dulu, tanpa jawaban.", "Ask for a challenge first, without an answer.")
        })?;
        self.prove(person, Proof::Answer(challenge, answer)).await?;
        on_store(self.store(), |store| store.close_challenge()).await?;
        self.give_pin(person).await
    }

    /// [`Agent::give_pin`], as a document. The PIN is not shown again.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn reset_pin(&self, person: u16) -> Result<Value, Failure> {
        self.give_pin(person).await.map(|(person, pin)| pin_given(&person, &pin))
    }

    /// [`Agent::hire`], as a document.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn add_person(&self, name: String, role: Role) -> Result<Value, Failure> {
        let (person, pin) = self.hire(name, role).await?;
        let mut answer = shown(&person, 0);
        answer["schema"] = json!("kentongan.agent.person/1");
        answer["pin"] = json!(pin.0);
        Ok(answer)
    }

    /// [`Agent::new_challenge`], or with an answer [`Agent::answer_challenge`], as a document.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn recover_pin(&self, person: u16, answer: Option<String>) -> Result<Value, Failure> {
        match answer {
            Some(answer) => self.answer_challenge(person, answer).await.map(|(person, pin)| pin_given(&person, &pin)),
            None => {
                let challenge = self.new_challenge(person).await?.to_string();
                Ok(json!({ "schema": "kentongan.agent.recovery/1", "person": person, "challenge": challenge }))
            }
        }
    }

    /// Looks at a proof beside the store's thread, and notes how it went.
    async fn prove(&self, person: u16, proof: Proof) -> Result<Person, Failure> {
        let asked = on_store(self.store(), move |store| Ok((store.proof_of(person)?, store.wall_ms())));
        let ((known, hash, keys), now_ms) = asked.await?;
        let wait_ms = wait_ms(known.wrong, known.wrong_ms, now_ms);
        if wait_ms > 0 {
            return Err(locked(wait_ms));
        }
        let right = match proof {
            Proof::Pin(pin) => tokio::task::spawn_blocking(move || secret::verify(&pin, &hash)).await,
            Proof::Answer(challenge, answer) => {
                let (key, replica) = keys.ok_or_else(no_key)?;
                Ok(challenge.is_answered_by(&answer, &key, replica))
            }
        };
        let right = right.map_err(anyhow::Error::new)?;
        on_store(self.store(), move |store| store.note_proof(person, right)).await?;
        if right { Ok(known) } else { Err(Failure::of(Ktg::PinWrong)) }
    }

    async fn put_pin(&self, person: u16, pin: Pin, temporary: bool) -> Result<(), Failure> {
        let hash = hashed(pin).await?;
        on_store(self.store(), move |store| store.put_pin(person, &hash, temporary)).await.map_err(Failure::from)
    }
}

async fn hashed(pin: Pin) -> Result<String, Failure> {
    tokio::task::spawn_blocking(move || pin.hash()).await.map_err(|error| anyhow::Error::new(error).into())
}

fn locked(wait_ms: i64) -> Failure {
    let seconds = (wait_ms + 999) / 1000;
    Failure::of(Ktg::PinLocked).with_detail(match kentongan_host::output::process_lang() {
        Lang::Id => format!("{seconds} detik lagi"),
        Lang::En => format!("{seconds} more seconds"),
    })
}

fn no_key() -> Failure {
    Failure::new(
        Exit::Failed,
        "Komputer ini belum punya kunci pemulihan; ia datang bersama sertifikat berikutnya.",
        "This PC has no recovery key yet; it comes with its next certificate.",
    )
    .with_hint(
        "Minta petugas TI menjalankan di komputer ini: kentongan-agent user pin-reset NOMOR",
        "Ask IT staff to run on this PC: kentongan-agent user pin-reset NUMBER",
    )
}

fn pin_given(person: &Person, pin: &Pin) -> Value {
    json!({ "schema": "kentongan.agent.pin/1", "person": person.id, "pin": pin.0 })
}

/// What can be said of somebody; nothing of their PIN.
pub(crate) fn shown(person: &Person, now_ms: i64) -> Value {
    json!({
        "person": person.id,
        "name": person.name,
        "role": person.role.code(),
        "pin_is_temporary": person.temporary,
        "wait_s": (wait_ms(person.wrong, person.wrong_ms, now_ms) + 999) / 1000,
        "works_here": person.left_ms.is_none(),
    })
}

/// All of them, those who left last.
///
/// # Errors
/// If the store cannot be read.
pub(crate) fn listed(people: &[Person], now_ms: i64) -> Value {
    let people: Vec<Value> = people.iter().map(|person| shown(person, now_ms)).collect();
    json!({ "schema": "kentongan.agent.people/1", "people": people })
}

/// What to say of somebody whom the store does not take.
pub(crate) fn unfit(error: &StoreError) -> Option<Failure> {
    let words = match error {
        StoreError::NoSuchPerson => ["Orang itu tidak ada di komputer ini.", "There is no such person on this PC."],
        StoreError::UnfitName => {
            ["Nama ini kosong, terlalu panjang, atau sudah dipakai.", "This name is empty, too long, or taken."]
        }
        StoreError::NeedsManager => [
            "Kantor memerlukan penanggung jawab: yang pertama ditambahkan, dan yang terakhir pergi.",
            "An office needs a duty manager: the first to be added, and the last to leave.",
        ],
        _ => return None,
    };
    Some(Failure::usage(words[0], words[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_digits_that_nobody_tries_first() {
        for good in ["4821", "482199", "1357", "0042", "998877665544"] {
            assert!(Pin::chosen(good).is_ok(), "{good}");
        }
        for bad in ["", "482", "4821994821994", "48 21", "abcd", "1111", "000000", "1234", "9876", "٤٨٢١"] {
            assert!(Pin::chosen(bad).is_err(), "{bad}");
        }
        assert!((0..100).all(|_| Pin::chosen(&Pin::drawn().0).is_ok()));
        assert_eq!(format!("{:?}", Pin::drawn()), "Pin(…)");
    }

    #[test]
    fn a_few_wrong_pins_cost_nothing_and_then_each_costs_more_up_to_a_bound() {
        assert!((0..WRONG_FREE).all(|wrong| wait_ms(wrong, 1_000, 1_000) == 0));
        let waits: Vec<i64> = (WRONG_FREE..40).map(|wrong| wait_ms(wrong, 1_000, 1_000)).collect();
        assert_eq!(waits[..3], [30_000, 60_000, 120_000]);
        assert!(waits.is_sorted() && waits.last() == Some(&WAIT_MS_MAX));
        assert_eq!(wait_ms(WRONG_FREE, 1_000, 11_000), 20_000, "it passes");
        assert_eq!(wait_ms(WRONG_FREE, 1_000, 31_000), 0);
        assert_eq!(wait_ms(40, 1_000, 0), 0, "a clock that was set back locks nobody out");
    }

    #[test]
    fn each_role_has_its_code_and_words() {
        for role in [Role::Clerk, Role::Manager] {
            assert_eq!(Role::from_number(role.number()), Some(role));
            assert_eq!(Role::parse(role.code()).ok(), Some(role));
            assert_ne!(role.word(Lang::Id), role.word(Lang::En));
        }
        assert_eq!(Role::parse("kepala").map_err(|error| error.exit), Err(Exit::Usage));
    }
}
