//! Once a day the running hub checks its whole audit chain, page by page, so that offices do not wait for it.

use std::time::Duration;

use kentongan_host::Failure;

use super::Serving;
use crate::service::audit::{Check, Verified, last_verified, note_verified};
use crate::store::StoreError;

/// How often it is looked whether a check is due.
const LOOK_EVERY: Duration = Duration::from_secs(600);
/// Time between two checks.
const DUE_AFTER_MS: i64 = 24 * 3_600_000;

/// Checks when it is due, until dropped.
pub(super) async fn daily(serving: Serving) {
    loop {
        let now_ms = serving.clock.wall_ms();
        let last = serving.store.run(last_verified).await;
        if last.is_ok_and(|last| last.is_none_or(|last| now_ms.saturating_sub(last.at_ms) >= DUE_AFTER_MS)) {
            match check(&serving, "hub").await {
                Ok(Verified { whole: true, entries, .. }) => {
                    tracing::info!(ev = "audit.verified", entries, "the audit chain is whole");
                }
                Ok(Verified { broken_at, .. }) => {
                    tracing::error!(ev = "audit.chain_broken", broken_at, "the audit chain is broken");
                }
                Err(failure) => tracing::error!(ev = "audit.verify_failed", error = %failure, "not verified"),
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Checks the whole chain for `actor`, and keeps what was found.
///
/// # Errors
/// A failure of the store.
pub(crate) async fn check(serving: &Serving, actor: &str) -> Result<Verified, Failure> {
    let mut check = Check::default();
    let verified = loop {
        let page = serving.store.run(move |tx| {
            let outcome = check.next_page(tx)?;
            Ok::<_, StoreError>((check, outcome))
        });
        let outcome;
        (check, outcome) = page.await?;
        if let Some(verified) = outcome {
            break verified;
        }
    };
    let (noted, now_ms, actor) = (verified.clone(), serving.clock.wall_ms(), actor.to_owned());
    serving.store.run(move |tx| note_verified(tx, &actor, now_ms, &noted)).await?;
    Ok(verified)
}
