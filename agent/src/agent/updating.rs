//! Another program in place of this one: what brings it, and what takes it back.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use kentongan_host::fail::Failure;
use kentongan_host::release::Version;
use serde_json::{Value, json};

use super::Agent;
use crate::sync::on_store;
use crate::update;

impl Agent {
    /// Verifies beside the store's thread: entry goes on meanwhile.
    pub(super) async fn apply_update(&self, file: PathBuf) -> Result<Value, Failure> {
        self.reserve.keep()?;
        let hub_ms = on_store(&self.store, |store| store.hub_ms()).await?;
        let (dir, settings) = (self.dir.clone(), self.settings());
        let verified = move || update::apply(&dir, &settings, &update::read(&file)?, hub_ms);
        let version = tokio::task::spawn_blocking(verified).await.map_err(anyhow::Error::new)??;
        self.replaced.notify_one();
        Ok(self.next_program(&version))
    }

    /// Has an update tried that the hub carried. What is wrong with it is told to the log: nobody stands here and asks.
    pub(super) async fn take_update(&self, bytes: Vec<u8>, version: String) {
        let hub_ms = on_store(&self.store, |store| store.hub_ms()).await.ok().flatten();
        let (dir, settings) = (self.dir.clone(), self.settings());
        let named = version.clone();
        let verified = move || update::apply_offered(&dir, &settings, (&bytes, &named), hub_ms);
        match tokio::task::spawn_blocking(verified).await {
            Ok(Ok(_)) => self.replaced.notify_one(),
            Ok(Err(failure)) => {
                tracing::error!(ev = "update.refused", error = %failure, version, "the hub offered an update that is not installed");
            }
            Err(error) => tracing::error!(ev = "update.refused", %error, version, "an update could not be looked at"),
        }
    }

    pub(super) fn roll_back_update(&self) -> Result<Value, Failure> {
        let version = update::roll_back(&self.dir)?;
        self.replaced.notify_one();
        Ok(self.next_program(&version))
    }

    fn next_program(&self, version: &Version) -> Value {
        let runs = self.since_ms.load(Ordering::Relaxed) != 0;
        json!({
            "schema": "kentongan.agent.update.next/1",
            "running": update::running().to_string(),
            "next": version.to_string(),
            "starts": if runs { "when_idle" } else { "next_start" },
        })
    }
}
