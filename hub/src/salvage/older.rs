//! What the newest backup holds: it was read back whole before, but an op of it has to prove itself like any other.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use kentongan_protocol::ids::{LogId, OpId};
use kentongan_protocol::log::LogHead;

use super::found::FoundOp;
use super::{GoOn, Phase, SalvageFault};
use crate::backup::Fault;
use crate::backup::folder::{STORE, verify};
use crate::store::sqlite::SqliteStore;
use crate::store::{HubIdentity, Office, OpState, Replica, StoreError, transact_with};

/// A backup.
pub(super) struct Older {
    store: SqliteStore,
    pub(super) hub: Option<HubIdentity>,
    pub(super) offices: Vec<Office>,
    pub(super) replicas: Vec<Replica>,
}

impl fmt::Debug for Older {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Older").field("hub", &self.hub).finish_non_exhaustive()
    }
}

impl Older {
    /// Reads a backup back; one that is not whole is passed over.
    pub(super) fn of(backup: Option<&Path>, go_on: GoOn<'_>) -> Result<Option<Older>, SalvageFault> {
        let Some(backup) = backup else { return Ok(None) };
        match verify(backup, &mut |_, step| go_on(Phase::Backup, step)) {
            Ok(_) => {}
            Err(Fault::Stopped) => return Err(SalvageFault::Stopped),
            Err(fault) => {
                tracing::warn!(ev = "store.salvage_without_backup", %fault, "the newest backup is not whole");
                return Ok(None);
            }
        }
        let mut store = SqliteStore::open_reader(&backup.join(STORE))?;
        let (hub, offices, replicas) =
            transact_with(&mut store, |tx| Ok::<_, StoreError>((tx.hub()?, tx.offices()?, tx.replicas()?)))?;
        Ok(Some(Older { store, hub, offices, replicas }))
    }

    /// Adds the heads of its logs.
    pub(super) fn add_heads(&mut self, heads: &mut BTreeMap<LogId, LogHead>) -> Result<(), StoreError> {
        let devices = self.replicas.iter().map(|replica| replica.id);
        let writers: Vec<_> = devices.chain(self.hub.as_ref().map(|hub| hub.replica)).collect();
        transact_with(&mut self.store, |tx| {
            for writer in writers {
                for log in tx.logs_of(writer, None, usize::MAX)? {
                    heads.insert(log.head.log(), log.head);
                }
            }
            Ok(())
        })
    }

    /// An op of it, if it has that.
    pub(super) fn op(&mut self, id: OpId) -> Option<(FoundOp, Vec<u8>)> {
        let stored = transact_with(&mut self.store, |tx| tx.op(id)).ok()??;
        let state = match stored.state {
            OpState::Merged => 0,
            OpState::Waiting => 1,
            OpState::Quarantined(_) => 2,
            OpState::Discarded(_) => 3,
        };
        // It takes its place behind the op before it.
        let (received_ms, chain) = (stored.received_ms, stored.chain.0);
        Some((FoundOp { order: i64::MIN, state, received_ms, chain, bytes: Vec::new() }, stored.bytes))
    }
}
