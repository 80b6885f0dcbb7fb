//! Whose this installation is: how it joins, and how it stays joined.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kentongan_host::certificate;
use kentongan_host::data_dir::DataDir;
use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::output::process_lang;
use kentongan_host::steps::{Step, reached};
use serde_json::{Value, json};

use super::Agent;
use crate::arrival::{self, Arrival};
use crate::config;
use crate::enrol::{self, Identity};
use crate::store::StoreError;
use crate::sync::{Caller, on_store};
use crate::transport::LinkSettings;

impl Agent {
    pub(super) async fn enrol(&self, hub: String, code: &str) -> Result<Value, Failure> {
        let mut slot = self.caller.lock().await;
        let settings = config::link(&self.settings(), &hub);
        let settings = LinkSettings { url: hub, ..settings };
        let began_ms = self.mono_ms();
        let joined = enrol::enrol(&self.dir, &settings, code, Arc::clone(&self.time), process_lang()).await?;
        let waited_ms = u32::try_from(self.mono_ms().saturating_sub(began_ms)).unwrap_or(u32::MAX);
        let answer = self.belong(joined, Some(waited_ms)).await?;
        *slot = None;
        drop(slot);
        self.changed.notify_one();
        Ok(answer)
    }

    pub(super) fn ask_to_join(&self, hub: &str, code: &str) -> Result<Value, Failure> {
        let enrol::carried::Carried { words, file } = enrol::carried::request(&self.dir, hub, code, process_lang())?;
        Ok(json!({ "schema": "kentongan.agent.enrol.request/1", "words": words, "file": file }))
    }

    pub(super) async fn join_by_answer(&self, answer: &str) -> Result<Value, Failure> {
        let mut slot = self.caller.lock().await;
        let joined = enrol::carried::join(&self.dir, answer, process_lang())?;
        let answer = self.belong(joined, None).await?;
        enrol::carried::forget(&self.dir);
        *slot = None;
        drop(slot);
        self.changed.notify_one();
        Ok(answer)
    }

    /// Notes in the store whose this PC is from now on; `waited_ms`: how long the hub took to say so.
    async fn belong(&self, joined: enrol::Joined, waited_ms: Option<u32>) -> Result<Value, Failure> {
        let enrol::Joined { member, recovery } = joined;
        let joined = member.clone();
        let seal = enrol::hub_seal(&self.dir);
        let join = on_store(&self.store, move |store| {
            store.join(&joined)?;
            store.seal_to(seal);
            recovery.map(|key| store.keep_recovery_key(key)).transpose()?;
            waited_ms.map(|waited_ms| store.note_round_trip(waited_ms)).transpose()
        });
        join.await.map_err(|error| match error {
            StoreError::Broken(_) => Failure::new(
                Exit::Failed,
                "Folder ini sudah milik pendaftaran lain. Jalankan dulu: kentongan-agent unenrol",
                "This folder belongs to another enrolment. Run first: kentongan-agent unenrol",
            ),
            other => other.into(),
        })?;
        reached(Step::AgentEnrolJoined);
        tracing::info!(ev = "enrolled", office = %member.office, "enrolled");
        Ok(json!({
            "schema": "kentongan.agent.enrol/1",
            "office": member.office.as_str(),
            "office_name": member.office_name,
            "replica": member.replica.to_string(),
            "hub": member.hub_url,
        }))
    }

    /// Joins by the file that somebody left, if one waits.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) async fn arrive(&self) -> Result<Arrival, Failure> {
        let enrolled = on_store(&self.store, |store| Ok(store.member().is_some())).await?;
        Ok(arrival::arrive(&self.dir, enrolled, async |hub, code| self.enrol(hub, &code).await.map(drop)).await)
    }

    /// Whether a key is still to be had that comes with a certificate: the one to answer challenges with comes with none that
    /// was carried here, and hubs of old versions give neither that nor what bundles are sealed to. Asked once in a run.
    pub(super) async fn lacks_a_key(&self) -> bool {
        if self.sought_keys.swap(true, Ordering::Relaxed) {
            return false;
        }
        enrol::hub_seal(&self.dir).is_none()
            || matches!(on_store(&self.store, |store| store.has_recovery_key()).await, Ok(false))
    }

    /// A failure here is no trouble yet: the hub asks again at each contact while half of the life is left.
    pub(super) async fn renew(&self, caller: &Caller) {
        let renewed = match Identity::load(&self.dir) {
            Ok(Some(identity)) => enrol::renew(&self.dir, &identity, &caller.transport).await,
            Ok(None) => return,
            Err(failure) => Err(failure),
        };
        let seal = enrol::hub_seal(&self.dir);
        let kept = match renewed {
            Ok(recovery) => {
                let keep = on_store(&self.store, move |store| {
                    store.seal_to(seal);
                    recovery.map_or(Ok(()), |key| store.keep_recovery_key(key))
                });
                keep.await.map_err(Failure::from)
            }
            Err(failure) => Err(failure),
        };
        match kept {
            Ok(()) => tracing::info!(ev = "certificate.renewed", "device certificate renewed"),
            Err(failure) => tracing::warn!(ev = "certificate.renewal_failed", error = %failure, "renewal failed"),
        }
    }
}

/// When the device certificate ends, milliseconds since 1970.
pub fn certificate_ends_ms(dir: &DataDir) -> Option<i64> {
    let text = std::fs::read(dir.device_certificate()).ok()?;
    let facts = certificate::facts(&certificate::from_pem(&text)?)?;
    facts.validity.not_after_s.checked_mul(1000)
}
