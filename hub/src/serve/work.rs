//! Keeping what was found out of records up to date while the hub runs, so that pages and commands find little left to look
//! at. After a start of a large hub's first version that keeps it, this takes minutes; offices are answered meanwhile.

use std::time::Duration;

use kentongan_host::Failure;

use super::Serving;
use crate::service::{board, survey};

/// Pause once everything was looked at.
const REST: Duration = Duration::from_secs(20);
/// Pause between two batches: the store is there for offices and people first.
const BREATH: Duration = Duration::from_millis(20);
/// Records of a batch: some twenty milliseconds of the store's thread.
const BATCH: usize = 200;

/// Works until dropped.
pub(super) async fn run(serving: Serving) {
    let mut failed = false;
    loop {
        let desk = serving.desk("hub");
        let batch = move |tx: &mut dyn crate::store::Tx| {
            let cases = board::settle(tx, &desk, BATCH)?.all;
            Ok::<_, Failure>(survey::settle(tx, BATCH)? && cases)
        };
        let done = serving.store.run(batch).await;
        match &done {
            Ok(_) => failed = false,
            Err(failure) if !failed => {
                tracing::error!(ev = "work.failed", error = %failure, "the board and the index are not up to date");
                failed = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(if matches!(done, Ok(false)) { BREATH } else { REST }).await;
    }
}
