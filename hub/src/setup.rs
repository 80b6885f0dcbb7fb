//! Making a hub in a folder, and opening it again.

use std::fs;
use std::sync::Arc;

use anyhow::Context;
use kentongan_host::aside::is_interrupted;
use kentongan_host::files::{Access, replace};
use kentongan_host::options::sample;
use kentongan_host::random::random_u64;
use kentongan_host::steps::{Step, reached};
use kentongan_host::{DataDir, Failure, Lock, Program};
use kentongan_protocol::ids::ReplicaId;
use serde_json::json;

use crate::archive::FolderArchive;
use crate::ca::{Authority, not_initialised};
use crate::config::OPTIONS;
use crate::engine::{Hub, Parts};
use crate::salvage::finish_interrupted;
use crate::service::account::{Invited, drafted};
use crate::store::sqlite::SqliteStore;
use crate::store::{AuditEvent, HubIdentity, Role, StoreError, transact_with};

/// What the first person at a console logs in as.
const FIRST_PERSON: &str = "admin";

/// A hub whose folder this process holds.
#[derive(Debug)]
pub struct Opened {
    /// The hub in this run.
    pub hub: Arc<Hub>,
    /// Its store.
    pub store: SqliteStore,
    /// Its certificates.
    pub authority: Authority,
    /// Held as long as this lives.
    pub lock: Lock,
}

/// What `init` found or made.
#[derive(Debug)]
pub struct Made {
    /// Who the hub is.
    pub hub: HubIdentity,
    /// SHA-256 of the root certificate, in hexadecimal digits.
    pub fingerprint: String,
    /// Whether it was there before.
    pub existed: bool,
    /// The first person at its console; `None`: it was there before.
    pub invited: Option<Invited>,
}

impl Opened {
    /// Opens the hub in `dir` and takes its lock.
    ///
    /// # Errors
    /// Exit 10 if there is none, exit 11 if another process works on it, or a failure of store or certificates.
    pub fn open(dir: &DataDir, now_ms: i64) -> Result<Opened, Failure> {
        let interrupted = is_interrupted(&dir.store());
        if !dir.store().exists() && !interrupted {
            return Err(not_initialised(dir));
        }
        let lock = Lock::take(dir)?;
        finish_interrupted(dir)?;
        let authority = Authority::load(dir, now_ms)?;
        let mut store = SqliteStore::open(&dir.store())?;
        let parts = Parts::of_machine(&authority, Arc::new(FolderArchive::new(dir.archive())));
        let hub = transact_with(&mut store, |tx| Hub::open(tx, parts))?;
        let Some(hub) = hub else {
            // Beside anything else, a store without its hub is no hub that was not set up yet.
            let rest = transact_with(&mut store, |tx| {
                Ok::<_, StoreError>(!tx.offices()?.is_empty() || !tx.replicas()?.is_empty() || tx.feed_last()? > 0)
            })?;
            return Err(match rest {
                true => StoreError::Damaged("the hub's identity is gone").into(),
                false => not_initialised(dir),
            });
        };
        Ok(Opened { hub: Arc::new(hub), store, authority, lock })
    }
}

/// Makes a hub in `dir`, or finds the one that is there. What an interrupted call left is completed by the next.
///
/// # Errors
/// A file cannot be made, or another process works in the folder (exit 11).
pub fn init(dir: &DataDir, name: &str, actor: &str, now_ms: i64) -> Result<Made, Failure> {
    dir.create()?;
    let _lock = Lock::take(dir)?;
    finish_interrupted(dir)?;
    let authority = Authority::create(dir, now_ms)?;
    let mut store = SqliteStore::open(&dir.store())?;
    let made = transact_with(&mut store, |tx| {
        if let Some(hub) = tx.hub()? {
            return Ok((hub, None));
        }
        let (account, invited) = drafted(FIRST_PERSON, "", Role::Admin, now_ms)?;
        tx.put_account(&account)?;
        let hub = HubIdentity { replica: ReplicaId(random_u64()), name: name.to_owned(), created_ms: now_ms };
        tx.put_hub(&hub)?;
        tx.audit(&AuditEvent {
            at_ms: now_ms,
            actor: actor.to_owned(),
            event: "hub.created".to_owned(),
            subject: hub.replica.to_string(),
            detail: json!({ "name": name, "fingerprint": authority.root_fingerprint() }).to_string(),
        })?;
        Ok::<_, Failure>((hub, Some(invited)))
    });
    reached(Step::HubNoted);
    store.close()?;
    let (hub, invited) = made?;
    write_sample(dir)?;
    Ok(Made { hub, fingerprint: authority.root_fingerprint(), existed: invited.is_none(), invited })
}

/// A configuration file to begin with; one that is there stays.
fn write_sample(dir: &DataDir) -> Result<(), Failure> {
    let file = dir.config_file();
    if file.exists() {
        return Ok(());
    }
    let write = || {
        fs::create_dir_all(file.parent().unwrap_or(dir.root()))?;
        replace(&file, sample(Program::Hub, OPTIONS).as_bytes(), Access::Readable)
    };
    write().with_context(|| format!("write {}", file.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kentongan_host::Exit;

    const NOW_MS: i64 = 1_795_000_000_000;

    #[test]
    fn a_hub_is_made_once_and_found_again() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Hub, temp.path().join("pusat"));
        assert_eq!(Opened::open(&dir, NOW_MS).expect_err("nothing there").exit, Exit::NotEnrolled);

        let first = init(&dir, "Diskominfo", "uji", NOW_MS).expect("made");
        let again = init(&dir, "Nama lain", "uji", NOW_MS + 1).expect("found");
        assert_eq!((first.existed, again.existed), (false, true));
        assert_eq!((first.hub, first.fingerprint), (again.hub.clone(), again.fingerprint));
        assert!(dir.config_file().exists());

        let opened = Opened::open(&dir, NOW_MS).expect("opened");
        assert_eq!(opened.hub.replica(), again.hub.replica);
        assert_eq!(init(&dir, "", "uji", NOW_MS).expect_err("in use").exit, Exit::StoreInUse);
    }
}
