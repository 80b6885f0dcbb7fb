//! Alerts: whoever runs the hub hears of what needs a person without looking, by e-mail and through programs of their own.
//!
//! ```text
//!   store ── look ──▶ trouble ──▶ ledger ──▶ letter ──▶ mail, webhook
//!                       ▲           │ kept in the store
//!                       └───────────┘ once when it begins, once when it ends, and a digest a day
//! ```
//!
//! - `trouble` is what may be the matter; `ledger` decides when it is told, and is pure.
//! - `letter` and `text` are what is said. There is nobody's name in it but that of offices, and no content of records.
//! - `mail` and `webhook` are the ways out; `options` their settings. Without any of them nothing is looked at.
//!
//! A hub that is down cannot say so: watch `/readyz` from another machine too.

mod ledger;
mod letter;
mod mail;
pub mod options;
mod text;
pub mod trouble;
mod webhook;

use std::time::Duration;

use hyper::Uri;
use kentongan_host::Failure;
use kentongan_host::enrolment::to_hex;
use kentongan_host::random::{random_below, random_bytes};
use serde_json::to_string;

use crate::config::Config;
use crate::serve::Serving;
use crate::service::Desk;
use crate::store::{Reference, StoreError, Tx};
use ledger::Rules;
pub use ledger::{Channel, Ledger, Open, Refused};
pub use letter::Letter;
use options::{Alerts, Mail, secret_in};
pub use text::sentence;
use webhook::{Address, Key};

/// Longest time between two looks.
const LOOK_MS_MAX: i64 = 60_000;
/// Shortest.
const LOOK_MS_MIN: i64 = 1_000;
/// Letters sent between two looks: whoever takes them slowly must not keep the hub from looking.
const ROUNDS_MAX: usize = 20;
/// Name under which the ledger is kept.
const KEPT_AS: &str = "alerts";

/// A way out: one person's mailbox, or one program.
#[derive(Debug, Clone)]
enum Way {
    Mailbox(Mail, String),
    Program(Address, String),
}

/// The ways out, by the names under which the ledger knows them.
fn ways(alerts: &Alerts) -> Vec<(String, Way)> {
    let mailbox = |mail: &Mail, to: &String| (format!("mail {to}"), Way::Mailbox(mail.clone(), to.clone()));
    let mailboxes = alerts.mail.iter().flat_map(|mail| mail.to.iter().map(|to| mailbox(mail, to)));
    let secret = &alerts.webhooks.secret_file;
    let address = |url: &String| Address::of(&url.parse::<Uri>().ok()?);
    let programs = alerts.webhooks.urls.iter().filter_map(address);
    let program = |address: Address| (format!("webhook {}", address.name()), Way::Program(address, secret.clone()));
    mailboxes.chain(programs.map(program)).collect()
}

/// Looks, writes and sends, until dropped.
pub(crate) async fn run(serving: Serving) {
    let mut failed = false;
    loop {
        let config = serving.config();
        let ways = ways(&config.alerts);
        if !ways.is_empty() {
            let done = round(&serving, &ways).await;
            match &done {
                Ok(()) => failed = false,
                Err(failure) if !failed => {
                    tracing::error!(ev = "alert.failed", error = %failure, "nobody was told what is the matter");
                    failed = true;
                }
                Err(_) => {}
            }
        }
        let pause_ms = (config.alerts.after_ms / 10).clamp(LOOK_MS_MIN, LOOK_MS_MAX);
        tokio::time::sleep(Duration::from_millis(pause_ms.unsigned_abs())).await;
    }
}

/// Looks once, and sends what is due.
async fn round(serving: &Serving, ways: &[(String, Way)]) -> Result<(), Failure> {
    let (desk, names) = (serving.desk("hub"), names_of(ways));
    serving.store.run(move |tx| look(tx, &desk, &names)).await?;
    for _ in 0..ROUNDS_MAX {
        let now_ms = serving.clock.wall_ms();
        let due = serving.store.run(move |tx| Ok::<_, Failure>(kept(tx)?.due(now_ms))).await?;
        let mut sent = false;
        for (name, letter) in due {
            let Some((_, way)) = ways.iter().find(|(known, _)| *known == name) else { continue };
            let config = serving.config();
            let outcome = send(way, &config, &letter, serving.clock.wall_ms()).await;
            tell(&name, &outcome);
            sent |= outcome.is_ok();
            let (now_ms, spread) = (serving.clock.wall_ms(), random_below(1_000));
            let note = move |ledger: &mut Ledger| ledger.attempted(&name, &letter.id, outcome, now_ms, spread);
            serving.store.run(move |tx| change(tx, now_ms, note)).await?;
        }
        if !sent {
            break;
        }
    }
    Ok(())
}

fn names_of(ways: &[(String, Way)]) -> Vec<String> {
    ways.iter().map(|(name, _)| name.clone()).collect()
}

/// Takes up what is the matter now.
fn look(tx: &mut dyn Tx, desk: &Desk, channels: &[String]) -> Result<(), Failure> {
    let found = trouble::look(tx, desk)?;
    let alerts = &desk.config.alerts;
    let id = to_hex(&random_bytes::<12>());
    let now_ms = desk.now_ms;
    Ok(change(tx, now_ms, |ledger| {
        // The first digest is due on the day after alerts were set up.
        let last_ms = *ledger.digest_ms.get_or_insert(now_ms);
        let due_ms = crate::serve::due_ms(&alerts.digest_at, last_ms.min(now_ms), &kentongan_host::moment::zone());
        let is_digest_due = due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        let (after_ms, every_ms) = (alerts.after_ms, alerts.every_ms);
        ledger.look(&found, &Rules { after_ms, every_ms, is_digest_due, channels }, now_ms, id);
    })?)
}

/// The ledger as it is kept. One of another version, which cannot be read, is begun anew: then things are told again.
pub(crate) fn kept(tx: &mut dyn Tx) -> Result<Ledger, StoreError> {
    let kept = tx.reference(KEPT_AS)?;
    Ok(kept.and_then(|kept| serde_json::from_str(&kept.text).ok()).unwrap_or_default())
}

/// Changes the ledger, and writes it only if something changed.
fn change(tx: &mut dyn Tx, now_ms: i64, work: impl FnOnce(&mut Ledger)) -> Result<(), StoreError> {
    let before = kept(tx)?;
    let mut ledger = before.clone();
    work(&mut ledger);
    if ledger == before {
        return Ok(());
    }
    let text = to_string(&ledger).map_err(|_| StoreError::Damaged("alerts that cannot be written"))?;
    let (name, actor) = (KEPT_AS.to_owned(), "hub".to_owned());
    tx.put_reference(&Reference { name, text, at_ms: now_ms, actor })
}

async fn send(way: &Way, config: &Config, letter: &Letter, now_ms: i64) -> Result<(), Refused> {
    match way {
        Way::Mailbox(mail, to) => mail::send(mail, to, config.alerts.langs, &config.console_address, letter).await,
        Way::Program(address, secret_file) => {
            // Read for each letter: a new key counts at once.
            let key = secret_in(secret_file).ok().and_then(|secret| Key::read(&secret));
            let why = "the file with the key cannot be read".to_owned();
            let key = key.ok_or(Refused { why, is_gone: false })?;
            webhook::send(address, &key, letter, now_ms.div_euclid(1000)).await
        }
    }
}

/// Logs how an attempt went, with the kind of way alone: mailboxes are persons.
fn tell(name: &str, outcome: &Result<(), Refused>) {
    let way = name.split_once(' ').map_or(name, |(way, _)| way);
    match outcome {
        Ok(()) => tracing::info!(ev = "alert.sent", way, "an alert was taken"),
        Err(refused) if refused.is_gone => {
            tracing::error!(ev = "alert.unwanted", way, "a program wants no more alerts");
        }
        Err(refused) => {
            tracing::warn!(ev = "alert.not_sent", way, why = refused.why, "an alert was not taken; again later")
        }
    }
}

/// How a test of one way went.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tried {
    /// The way.
    pub channel: String,
    /// Why not; `None`: it was taken.
    pub failure: Option<String>,
}

/// Sends a test letter over every way, now.
pub async fn test(config: &Config, hub: &str, now_ms: i64) -> Vec<Tried> {
    let mut tried = Vec::new();
    for (channel, way) in ways(&config.alerts) {
        let letter = Letter::test(to_hex(&random_bytes::<12>()), hub.to_owned(), now_ms);
        let outcome = send(&way, config, &letter, now_ms).await;
        tried.push(Tried { channel, failure: outcome.err().map(|refused| refused.why) });
    }
    tried
}

/// A new key for webhooks, as it stands in a file.
pub fn new_secret() -> String {
    Key::draw()
}
