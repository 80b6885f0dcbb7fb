//! Exchanges by a stick: a bundle of all that waits, and the hub's answer to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kentongan_host::bundle::{self, BUNDLE_EXTENSION, Fault};
use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use serde_json::{Value, json};

use super::Agent;
use crate::enrol::{self, Identity};
use crate::store::{Bundle, Heard, StoreError, not_enrolled};
use crate::sync::on_store;

/// A bundle, and what to call its file.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) bundle: Bundle,
    pub(crate) name: String,
}

/// What came of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TakenAnswer {
    /// What it tells was known already.
    pub(crate) known: bool,
    /// Changes of this PC newly known to be at the hub.
    pub(crate) acknowledged: u64,
    /// Changes made elsewhere that are new here.
    pub(crate) fetched: u64,
    /// The hub has more for this PC, or this PC for the hub.
    pub(crate) more: bool,
}

impl Made {
    pub(super) fn document(&self) -> Value {
        let Bundle { file, name, ops, files, more } = &self.bundle;
        json!({
            "schema": "kentongan.agent.bundle/1",
            "name": self.name,
            "bundle": name.to_string(),
            "changes": ops,
            "attachments": files,
            "more": more,
            "file": STANDARD.encode(file),
        })
    }
}

impl TakenAnswer {
    fn document(self) -> Value {
        json!({
            "schema": "kentongan.agent.answer/1",
            "known": self.known,
            "acknowledged": self.acknowledged,
            "fetched": self.fetched,
            "more": self.more,
        })
    }
}

impl Agent {
    /// Makes a bundle. What is in it goes on waiting, and goes over the link too if there is one: it arrives once.
    ///
    /// # Errors
    /// If this PC is not enrolled, does not know what to seal to, or its store fails.
    pub(crate) async fn make_bundle(&self) -> Result<Made, Failure> {
        let identity = Identity::load(&self.dir)?.ok_or_else(not_enrolled)?;
        let seal = enrol::hub_seal(&self.dir).ok_or_else(no_seal)?;
        let (key, health) = (identity.key, self.health());
        let made = on_store(&self.store, move |store| {
            let day = store.zone().day_of(store.wall_ms());
            let prefix = store.member().map(|member| member.prefix).ok_or(StoreError::NotEnrolled)?;
            let bundle =
                store.make_bundle(&health, &key, |request, replica| bundle::seal(request, replica, &key, &seal))?;
            let day = day.to_string().replace('-', "");
            let name = format!("ktg-{prefix}-{day}-{}.{BUNDLE_EXTENSION}", bundle.name);
            Ok(Made { bundle, name })
        });
        let made = made.await?;
        let (ops, files, bytes) = (made.bundle.ops, made.bundle.files, made.bundle.file.len());
        tracing::info!(ev = "bundle.made", bundle = %made.bundle.name, ops, files, bytes, "a bundle was made");
        Ok(made)
    }

    pub(super) async fn take_answer_text(&self, file: &str) -> Result<Value, Failure> {
        let file = STANDARD.decode(file).map_err(|_| StoreError::from(Fault::Foreign))?;
        Ok(self.take_answer(file).await?.document())
    }

    /// Takes the hub's answer to a bundle.
    ///
    /// # Errors
    /// If it is none, or not for a bundle of this PC, if the hub refused the bundle, or if the store fails.
    pub(crate) async fn take_answer(&self, file: Vec<u8>) -> Result<TakenAnswer, Failure> {
        // One conversation at a time: what an exchange under way brings must not meet what is older.
        let slot = self.caller.lock().await;
        let health = self.health();
        // Nothing is said of the link by this: where it was broken it still is.
        let heard = on_store(&self.store, move |store| {
            store.take_answer(&health, bundle::answered(&file)?, |key| bundle::reply(&file, key))
        });
        let heard = heard.await?;
        drop(slot);
        match heard {
            Heard::Taken(applied, outcome) => {
                let (acknowledged, fetched) = (applied.acknowledged, applied.fetched);
                tracing::info!(ev = "bundle.answered", acknowledged, fetched, "the answer to a bundle was taken");
                if applied.secured > 0 {
                    self.prune().await;
                }
                Ok(TakenAnswer { known: false, acknowledged, fetched, more: outcome.more })
            }
            Heard::Known => Ok(TakenAnswer { known: true, acknowledged: 0, fetched: 0, more: false }),
            Heard::Strange => Err(strange()),
        }
    }
}

fn no_seal() -> Failure {
    Failure::new(
        Exit::Failed,
        "Komputer ini belum tahu kunci segel pusat, jadi belum bisa membuat berkas kiriman.",
        "This PC does not know the hub's sealing key yet, so it cannot make a bundle.",
    )
    .with_hint(
        "Kunci itu datang saat mendaftar atau pada sambungan berikutnya, dari pusat versi ini ke atas.",
        "The key comes with enrolment or with the next contact, from a hub of this version or later.",
    )
}

fn strange() -> Failure {
    Failure::new(
        Exit::Failed,
        "Tidak diterima: jawaban ini bukan untuk berkas kiriman dari komputer ini, atau sudah terlalu lama.",
        "Not taken: this answer is not for a bundle of this PC, or for one of too long ago.",
    )
    .with_hint("Buat berkas kiriman baru dan bawa ke pusat.", "Make a new bundle and carry it to the hub.")
}
