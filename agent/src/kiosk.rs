//! The kiosk: a tablet at the counter that citizens touch. It can hand answers over, and nothing else: it reads no record,
//! no name and no setting of the office.
//!
//! ```text
//!   office's page        tablet
//!   482 199  ──(aloud)─▶ 482 199     paired: from now on it has a key of its own
//!                        ☺ ☺ ☹ …     kept on the tablet, each with a number that it drew
//!            ◀────────── ☺ ☺ ☹ …     handed over when this PC answers; a number that is known is not taken twice
//! ```
//!
//! A quick vote is no survey: each goes to a form of its own, and only complete surveys count in the index.

use std::collections::BTreeMap;

use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::random::{random_below, random_bytes};
use kentongan_host::{moment, secret};
use kentongan_protocol::calendar::Zone;
use kentongan_protocol::form::builtin::{skm, suara};
use kentongan_protocol::form::{Field, FieldTag, Form, Value, builtin, check_create};
use serde_json::json;

use crate::agent::Agent;
use crate::entry::NewRecord;
use crate::people;
use crate::store::{Handed, Kiosk, Taken};
use crate::sync::on_store;

/// How long a code for pairing is good.
const PAIRING_MS: u64 = 10 * 60_000;
/// Wrong codes until the right one is worth nothing any more, too.
const PAIRING_TRIES: u8 = 5;
/// Codes there are.
const PAIRING_CODES: u64 = 1_000_000;
/// Answers that are taken at once.
pub(crate) const ANSWERS_MAX: usize = 50;
/// An answer is at most so old: what a tablet with a wrong clock says of its age is bounded.
const AGE_MS_MAX: i64 = 400 * 24 * 3_600_000;
const HOUR_MS: i64 = 3_600_000;

/// A code that was shown for pairing.
#[derive(Debug)]
pub(crate) struct Pairing {
    code: String,
    /// By the clock that does not jump.
    until_ms: u64,
    tries: u8,
}

impl Pairing {
    fn draw(now_ms: u64) -> Pairing {
        let code = format!("{:06}", random_below(PAIRING_CODES));
        Pairing { code, until_ms: now_ms.saturating_add(PAIRING_MS), tries: PAIRING_TRIES }
    }

    /// Whether this is the code, however it was typed. A wrong one costs a try.
    fn takes(&mut self, typed: &str, now_ms: u64) -> bool {
        let digits: String = typed.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if self.tries == 0 || now_ms >= self.until_ms {
            return false;
        }
        if digits != self.code {
            self.tries -= 1;
            return false;
        }
        // It is good once.
        self.tries = 0;
        true
    }
}

/// Wrong PINs at tablets. A guess counts before it is looked at, so that many at once are no way around the wait.
#[derive(Debug, Default)]
pub(crate) struct Guesses {
    wrong: u32,
    /// By the clock that does not jump.
    wrong_ms: i64,
}

impl Guesses {
    /// Seconds until a guess is looked at; 0: this one is, and counts as wrong until it turns out right.
    fn takes(&mut self, now_ms: i64) -> u64 {
        let wait_ms = people::wait_ms(self.wrong, self.wrong_ms, now_ms);
        if wait_ms == 0 {
            *self = Guesses { wrong: self.wrong.saturating_add(1), wrong_ms: now_ms };
        }
        u64::try_from((wait_ms + 999) / 1000).unwrap_or(0)
    }
}

/// What became of a wish to leave the kiosk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// The tablet was let go.
    Gone,
    /// No duty manager has this PIN.
    Refused,
    /// Too many were wrong; so many seconds until the next one is looked at.
    Waits(u64),
}

/// An answer, as a tablet tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// Drawn by the tablet.
    pub(crate) id: [u8; 16],
    /// Name of the form.
    pub(crate) form: String,
    /// How long ago it was given, by the tablet's own clock.
    pub(crate) age_ms: i64,
    /// Values by the names of fields.
    pub(crate) values: BTreeMap<String, String>,
}

/// The questions of the full survey that a kiosk asks, beside the nine: nobody is known by them.
pub(crate) const ABOUT_RESPONDENT: [&str; 5] = ["jenis_kelamin", "usia", "pendidikan", "pekerjaan", "disabilitas"];

/// Whether a kiosk asks this.
fn asks(form: &Form, field: &Field) -> bool {
    match form.tag {
        skm::TAG => {
            skm::ELEMENTS.iter().any(|(_, tag)| *tag == field.tag) || ABOUT_RESPONDENT.contains(&field.name.as_str())
        }
        suara::TAG => matches!(field.tag, suara::FACE | suara::ELEMENT | suara::HASTE),
        _ => false,
    }
}

/// The record of an answer that was given at a time; `None`: nothing in it can be kept. What a kiosk does not ask is left
/// out, and so is a value that does not fit: the rest of the answer stands.
fn record_of(told: &Told, kiosk: &Kiosk, now_ms: i64, zone: Zone) -> Option<NewRecord> {
    let form = builtin::by_name(&told.form)?;
    let mut values: BTreeMap<FieldTag, Value> = BTreeMap::new();
    for (name, text) in &told.values {
        let field = form.field_named(name).filter(|field| asks(form, field));
        if let Some((field, value)) = field.and_then(|field| Some((field, Value::parse(field, text).ok()?))) {
            values.insert(field.tag, value);
        }
    }
    if values.is_empty() {
        return None;
    }
    let at_ms = now_ms.saturating_sub(told.age_ms.clamp(0, AGE_MS_MAX));
    values.extend(circumstances(form, kiosk, at_ms, zone));
    let record = NewRecord::of_values(form, &format!("kios {}", kiosk.name), values);
    let writes: Vec<_> = record.writes.iter().map(|(group, values)| (*group, values)).collect();
    check_create(form, form.version, &writes).is_empty().then_some(record)
}

/// What nobody need be asked: when and where.
fn circumstances(form: &Form, kiosk: &Kiosk, at_ms: i64, zone: Zone) -> Vec<(FieldTag, Value)> {
    let local_ms = at_ms.saturating_add(zone.hours() * HOUR_MS);
    let at = Value::DateTime { utc_ms: at_ms, offset_min: i16::try_from(zone.hours() * 60).unwrap_or(0) };
    let coded = |name: &str, code: &str| {
        let field = form.field_named(name)?;
        Some((field.tag, Value::One(field.choice_coded(code)?.tag)))
    };
    let named = |name: &str, value: Value| Some((form.field_named(name)?.tag, value));
    let known = match form.tag {
        suara::TAG => vec![Some((suara::AT, at)), Some((suara::PLACE, Value::Text(kiosk.name.clone())))],
        skm::TAG => {
            let days = i32::try_from(local_ms.div_euclid(24 * HOUR_MS)).ok();
            let part_of_day = match local_ms.div_euclid(HOUR_MS).rem_euclid(24) {
                8..=11 => coded("jam", "pagi"),
                13..=16 => coded("jam", "siang"),
                _ => None,
            };
            let day = days.and_then(|days| named("tanggal", Value::Date(days)));
            vec![day, part_of_day, coded("kanal", "kios"), named("diterima_pada", at)]
        }
        _ => Vec::new(),
    };
    known.into_iter().flatten().collect()
}

impl Agent {
    /// A code that pairs one tablet, in place of any other.
    pub(crate) fn open_pairing(&self) -> String {
        let pairing = Pairing::draw(self.mono_ms());
        let code = pairing.code.clone();
        *self.pairing.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(pairing);
        code
    }

    /// [`Agent::open_pairing`], as a document.
    ///
    /// # Errors
    /// If no tablet could come: the kiosk is not open.
    pub(crate) fn pairing_shown(&self) -> Result<serde_json::Value, Failure> {
        let address = self.kiosk().ok_or_else(|| {
            Failure::new(Exit::NotRunning, "Kios tidak terbuka.", "The kiosk is not open.").with_hint(
                "Isi kiosk.listen, misalnya 0.0.0.0:8711, lalu jalankan layanan lagi.",
                "Set kiosk.listen, such as 0.0.0.0:8711, and start the service again.",
            )
        })?;
        let code = self.open_pairing();
        let minutes = PAIRING_MS / 60_000;
        Ok(json!({ "schema": "kentongan.agent.pairing/1", "address": address, "code": code, "minutes": minutes }))
    }

    /// The key of a tablet that shows the code of the moment; `None`: it is wrong, used, or too old.
    ///
    /// # Errors
    /// A name that nothing can have, or if the store fails.
    pub(crate) async fn pair_kiosk(&self, code: &str, name: String) -> Result<Option<String>, Failure> {
        let now_ms = self.mono_ms();
        let takes = {
            let mut pairing = self.pairing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            pairing.as_mut().is_some_and(|pairing| pairing.takes(code, now_ms))
        };
        if !takes {
            tracing::warn!(ev = "kiosk.refused", "a tablet showed a wrong code");
            return Ok(None);
        }
        let key: [u8; 32] = random_bytes();
        let kiosk = on_store(self.store(), move |store| store.pair_kiosk(&name, &key)).await?;
        tracing::info!(ev = "kiosk.paired", kiosk = kiosk.id, "a tablet was paired");
        Ok(Some(key.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The tablet whose key this is.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn kiosk_of_key(&self, key: &str) -> Result<Option<Kiosk>, Failure> {
        let Some(key) = kentongan_host::enrolment::from_hex(key) else { return Ok(None) };
        Ok(self.ask(move |store| store.kiosk_of_key(&key)).await?)
    }

    /// Lets a tablet go on which somebody typed the PIN of a duty manager. An office without people asks for none.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn leave_kiosk(&self, kiosk: u16, pin: String) -> Result<Leaving, Failure> {
        if let Some(hashes) = self.ask(|store| store.pins_of_managers()).await? {
            if pin.is_empty() {
                return Ok(Leaving::Refused);
            }
            let now_ms = i64::try_from(self.mono_ms()).unwrap_or(i64::MAX);
            let guesses = || self.guesses.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let wait_s = guesses().takes(now_ms);
            if wait_s > 0 {
                return Ok(Leaving::Waits(wait_s));
            }
            let is_theirs = move || hashes.iter().any(|hash| secret::verify(&pin, hash));
            if !tokio::task::spawn_blocking(is_theirs).await.map_err(anyhow::Error::new)? {
                tracing::warn!(
                    ev = "kiosk.stays",
                    kiosk,
                    "somebody without a duty manager's PIN wanted to leave the kiosk"
                );
                return Ok(Leaving::Refused);
            }
            *guesses() = Guesses::default();
        }
        self.ask(move |store| store.let_kiosk_go(kiosk)).await?;
        tracing::info!(ev = "kiosk.left", kiosk, "a tablet left the kiosk");
        Ok(Leaving::Gone)
    }

    /// Takes what a tablet hands over. `None`: it has handed over so much today that something must be wrong.
    ///
    /// # Errors
    /// If nothing can be saved at this moment.
    pub(crate) async fn take_told(&self, kiosk: Kiosk, told: Vec<Told>) -> Result<Option<Taken>, Failure> {
        let taken = self
            .ask_to_keep(move |store| {
                if (store.room_of_kiosk(kiosk.id)? as usize) < told.len() {
                    return Ok(None);
                }
                let (now_ms, zone) = (store.wall_ms(), store.zone());
                let handed =
                    told.iter().map(|told| Handed { id: told.id, record: record_of(told, &kiosk, now_ms, zone) });
                store.take_handed(kiosk.id, handed.collect()).map(Some)
            })
            .await?;
        if taken.as_ref().is_some_and(|taken| taken.new > 0) {
            self.new_work.notify_one();
        }
        Ok(taken)
    }
}

/// Every tablet, as a document.
pub(crate) fn listed(kiosks: &[Kiosk]) -> serde_json::Value {
    let kiosks: Vec<_> = kiosks
        .iter()
        .map(|kiosk| {
            json!({
                "kiosk": kiosk.id,
                "name": kiosk.name,
                "paired_at": moment::text(kiosk.paired_ms),
                "seen_at": kiosk.seen_ms.map(moment::text),
                "may_hand_over": kiosk.ended_ms.is_none(),
            })
        })
        .collect();
    json!({ "schema": "kentongan.agent.kiosks/1", "kiosks": kiosks })
}

/// What to say of a tablet that is not there.
pub(crate) fn no_such_kiosk() -> Failure {
    Failure::new(Exit::Usage, "Kios itu tidak ada, atau sudah dilepas.", "There is no such kiosk, or it was let go.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kiosk() -> Kiosk {
        Kiosk { id: 1, name: "Loket 2".into(), paired_ms: 0, seen_ms: None, ended_ms: None }
    }

    fn told(form: &str, age_ms: i64, values: &[(&str, &str)]) -> Told {
        let values = values.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Told { id: [7; 16], form: form.into(), age_ms, values }
    }

    fn shown(record: &NewRecord, name: &str) -> String {
        let form = builtin::by_tag(record.form).expect("built in");
        let field = form.field_named(name).expect("a field");
        let value = record.writes.iter().find_map(|(_, values)| values.get(&field.tag));
        value.map_or_else(String::new, |value| value.render(field))
    }

    /// 2026-11-21 09:05 WIB.
    const NOW_MS: i64 = 1_795_226_700_000;

    #[test]
    fn a_vote_and_a_survey_are_records_of_two_forms_with_the_time_at_which_they_were_given() {
        let vote = told("suara", 2 * HOUR_MS, &[("nilai", "1"), ("perbaiki", "waktu"), ("terlalu_cepat", "ya")]);
        let vote = record_of(&vote, &kiosk(), NOW_MS, Zone::Wib).expect("a vote");
        assert_eq!((vote.form, vote.author.as_str()), (suara::TAG, "kios Loket 2"));
        assert_eq!(shown(&vote, "waktu_suara"), "2026-11-21T07:05:00+07:00");
        assert_eq!((shown(&vote, "perbaiki"), shown(&vote, "kios")), ("waktu".into(), "Loket 2".into()));
        let survey = told("skm", 26 * HOUR_MS, &[("waktu", "3"), ("usia", "41")]);
        let survey = record_of(&survey, &kiosk(), NOW_MS, Zone::Wita).expect("a survey");
        assert_eq!(survey.form, skm::TAG);
        assert_eq!((shown(&survey, "tanggal"), shown(&survey, "kanal")), ("2026-11-20".into(), "kios".into()));
        assert_eq!((shown(&survey, "jam"), shown(&survey, "usia")), ("pagi".into(), "41".into()));
    }

    #[test]
    fn what_a_kiosk_does_not_ask_is_left_out_and_nothing_is_no_answer() {
        let survey = told("skm", 0, &[("waktu", "3"), ("saran", "x"), ("nomor_asal", "9"), ("biaya", "7")]);
        let survey = record_of(&survey, &kiosk(), NOW_MS, Zone::Wib).expect("a survey");
        assert_eq!((shown(&survey, "waktu"), shown(&survey, "biaya")), ("3".into(), String::new()));
        assert_eq!((shown(&survey, "saran"), shown(&survey, "nomor_asal")), (String::new(), String::new()));
        for nothing in [
            told("suara", 0, &[("terlalu_cepat", "ya")]),
            told("suara", 0, &[("nilai", "5")]),
            told("skm", 0, &[("saran", "x")]),
            told("pengaduan", 0, &[("uraian", "x"), ("kategori", "antrean"), ("kanal", "telepon")]),
            told("lain", 0, &[("nilai", "1")]),
        ] {
            assert_eq!(record_of(&nothing, &kiosk(), NOW_MS, Zone::Wib), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_code_is_good_once_for_a_while_and_for_a_few_tries() {
        let fresh = || Pairing { code: "482199".into(), until_ms: 1_000, tries: PAIRING_TRIES };
        let mut pairing = fresh();
        assert!(pairing.takes("482 199", 0) && !pairing.takes("482199", 0), "once");
        assert!(!fresh().takes("482199", 1_000), "for a while");
        let mut pairing = fresh();
        assert!((0..PAIRING_TRIES).all(|_| !pairing.takes("111111", 0)));
        assert!(!pairing.takes("482199", 0), "for a few tries");
    }
}
