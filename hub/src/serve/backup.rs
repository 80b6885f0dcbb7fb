//! Backups of the running hub: one at a time, on a thread of its own, asked for by a command or due by the clock.
//!
//! Due is the first `store.backup_at` after the last verified backup (or after the hub was made). A machine that is off
//! at that hour makes up for it after its next start; a failed attempt is made again after an hour.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use kentongan_host::{Exit, Failure, moment};
use tokio::sync::Mutex;

use super::Serving;
use crate::backup::Phase;
use crate::service::backup::{Done, Keeper, Order, run};
use crate::store::owner::StoreHandle;
use crate::store::sqlite::copying::Step;
use crate::store::{StoreError, Tx};

/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// A hub that has just started has other things to do first.
const AFTER_START_MS: i64 = 5 * 60_000;
/// Time between a failed attempt and the next.
const AGAIN_AFTER_MS: i64 = 3_600_000;

/// The right to make a backup, and whether the hub is stopping.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backups {
    turn: Arc<Mutex<()>>,
    stopping: Arc<AtomicBool>,
}

impl Backups {
    /// Has a backup under way end at its next step.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

/// The store behind its thread, from a thread that may wait.
struct Behind(StoreHandle);

impl Keeper for Behind {
    fn keep<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.run_blocking(work)
    }
}

/// Makes a backup while the hub goes on. `go_on` is told how far it is.
pub(super) async fn make(
    serving: &Serving,
    to: Option<PathBuf>,
    actor: String,
    mut go_on: impl FnMut(Phase, Step) -> bool + Send + 'static,
) -> Result<Done, Failure> {
    let Ok(_turn) = serving.backups.turn.try_lock() else {
        return Err(Failure::new(Exit::Failed, "Sebuah cadangan sedang dibuat.", "A backup is being made already.")
            .with_hint("tunggu sampai selesai", "wait until it is done"));
    };
    let (dir, config, now_ms) = (serving.dir.clone(), serving.config(), serving.clock.wall_ms());
    let (store, stopping) = (serving.store.clone(), Arc::clone(&serving.backups.stopping));
    let work = move || {
        let order = Order { dir: &dir, config: &config, to, actor, now_ms };
        let mut go_on = |phase, step| !stopping.load(Ordering::Relaxed) && go_on(phase, step);
        run(&order, &mut Behind(store), &mut go_on)
    };
    let done = tokio::task::spawn_blocking(work).await.context("the thread of the backup")?;
    match &done {
        Ok(done) => tracing::info!(ev = "backup.done", path = %done.path.display(), ops = done.ops, "backup verified"),
        Err(failure) => tracing::error!(ev = "backup.failed", error = %failure, "no new backup; durable marks stay"),
    }
    done
}

/// Makes backups when they are due, until dropped.
pub(super) async fn nightly(serving: Serving) {
    let started_ms = serving.clock.wall_ms();
    let mut not_before_ms = started_ms.saturating_add(AFTER_START_MS);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now_ms = serving.clock.wall_ms();
        let at = serving.config().backup_at.clone();
        let last = serving.store.run(|tx| Ok::<_, StoreError>((tx.backed_up_ms()?, tx.hub()?))).await;
        let Ok((last, Some(hub))) = last else { continue };
        let due = due_ms(&at, last.unwrap_or(hub.created_ms), &moment::zone());
        if due.is_none_or(|due| now_ms < due.max(not_before_ms)) {
            continue;
        }
        // The failure is told by whoever makes it.
        let _ = make(&serving, None, "hub".to_owned(), |_, _| true).await;
        not_before_ms = now_ms.saturating_add(AGAIN_AFTER_MS);
    }
}

/// The first `at` (`HH:MM`) after `last_ms`, by the clocks of `zone`; `None`: never.
pub(crate) fn due_ms(at: &str, last_ms: i64, zone: &TimeZone) -> Option<i64> {
    let at: jiff::civil::Time = at.parse().ok()?;
    let last = Timestamp::from_millisecond(last_ms).ok()?.to_zoned(zone.clone());
    let today = last.date().to_datetime(at).to_zoned(zone.clone()).ok()?;
    let due = if today > last { today } else { today.checked_add(1.day()).ok()? };
    Some(due.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("a time").as_millisecond()
    }

    #[test]
    fn a_backup_is_due_at_the_hour_of_the_hubs_zone_after_the_last_one() {
        let zone = TimeZone::fixed(jiff::tz::offset(7));
        let due = |last| due_ms("02:00", ms(last), &zone);
        assert_eq!(due("2026-11-21T10:00:00Z"), Some(ms("2026-11-21T19:00:00Z")));
        assert_eq!(due("2026-11-21T19:00:00Z"), Some(ms("2026-11-22T19:00:00Z")));
        assert_eq!(due("2026-11-21T18:59:59Z"), Some(ms("2026-11-21T19:00:00Z")));
        assert_eq!(due_ms("off", ms("2026-11-21T10:00:00Z"), &zone), None);
    }
}
