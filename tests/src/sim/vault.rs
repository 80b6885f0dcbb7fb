//! The disk that backups of the hub lie on. They are made by the same steps as the command's; only the disk is made up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kentongan_hub::backup::{Fault, GoOn, Shelf};
use kentongan_hub::store::sqlite::copying::{self, Holds};
use kentongan_protocol::ids::LogId;
use rusqlite::{Connection, OpenFlags};

use super::disk::{Disk, Image, NAME};
use super::files::SimArchive;
use super::hubside::STORE;

/// The disk of the backups.
pub const VAULT_DISK: u64 = 500;
const PART: &str = "part.db";

/// Backups that lie under their names, and what is in them.
#[derive(Debug)]
pub struct Vault {
    made: u64,
    /// What each whole copy holds, by its number.
    whole: BTreeMap<u64, BTreeMap<LogId, u64>>,
    /// Of these it was said that they are safe.
    safe: BTreeSet<u64>,
    /// Of each log, the furthest that any copy ever held.
    covered: BTreeMap<LogId, u64>,
    /// The copy that the hub was last put back to, and the newest one at that time; 0: never.
    base: u64,
    left: u64,
    /// Files of the hub that the copies have.
    pub archive: Arc<SimArchive>,
}

impl Default for Vault {
    fn default() -> Vault {
        Vault {
            made: 0,
            whole: BTreeMap::new(),
            safe: BTreeSet::new(),
            covered: BTreeMap::new(),
            base: 0,
            left: 0,
            archive: Arc::new(SimArchive::new(VAULT_DISK)),
        }
    }
}

impl Vault {
    /// The shelf for the next copy.
    pub fn shelf(&mut self, files: &Arc<SimArchive>) -> VaultShelf {
        self.made += 1;
        VaultShelf { name: name(self.made), from: Arc::clone(files), to: Arc::clone(&self.archive) }
    }

    /// It was said that the copy which was begun last is safe.
    pub fn say_safe(&mut self) {
        self.safe.insert(self.made);
    }

    /// Looks at the disk: what lies there under a name, and is whole. The name of a copy that nobody called safe may go again
    /// when the power fails.
    pub fn look(&mut self) {
        let there = |number: &u64| Disk::at(VAULT_DISK).borrow().len_of(&name(*number)) > 0;
        self.whole.retain(|number, _| self.safe.contains(number) || there(number));
        for number in 1..=self.made {
            if !there(&number) || self.whole.contains_key(&number) {
                continue;
            }
            let copy = open(&name(number), false);
            let holds = copy.and_then(|copy| Ok(copying::check(&copy, &mut |_| true)?));
            if let Ok(holds) = holds {
                for (log, seq) in &holds.logs {
                    let covered = self.covered.entry(*log).or_insert(0);
                    *covered = (*seq).max(*covered);
                }
                self.whole.insert(number, holds.logs.into_iter().collect());
            }
        }
    }

    /// Numbers of the whole copies, the newest last.
    pub fn copies(&self) -> Vec<u64> {
        self.whole.keys().copied().collect()
    }

    /// The hub was put back to a copy: those made before, other than it, are of a line that the hub has left.
    pub fn put_back(&mut self, which: u64) {
        self.base = which;
        self.left = self.copies().last().copied().unwrap_or(0);
    }

    /// Whether a copy is of the line on which the hub is: only those hold what it calls safe. Who had it put back to an
    /// older copy, and then to one that was made in between, is told of what it forgot.
    pub fn is_of_this_line(&self, copy: u64) -> bool {
        copy == self.base || copy > self.left
    }

    /// How far any copy covers a log.
    pub fn covers(&self, log: LogId) -> u64 {
        self.covered.get(&log).copied().unwrap_or(0)
    }

    /// A copy, as it is put back.
    pub fn image(&self, number: u64) -> Image {
        Disk::at(VAULT_DISK).borrow().image_of(&name(number), STORE)
    }
}

fn name(number: u64) -> String {
    format!("copy-{number}.db")
}

fn open(name: &str, writing: bool) -> Result<Connection, Fault> {
    let access = if writing {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags_and_vfs(Disk::path(VAULT_DISK, name), flags, NAME);
    let db = opened.map_err(|error| Fault::Failed(error.into()))?;
    if writing {
        db.execute_batch("PRAGMA synchronous=OFF").map_err(|error| Fault::Failed(error.into()))?;
    }
    Ok(db)
}

/// One copy being made.
#[derive(Debug)]
pub struct VaultShelf {
    name: String,
    /// Files of the hub, and of all copies together: they never change.
    from: Arc<SimArchive>,
    to: Arc<SimArchive>,
}

impl VaultShelf {
    fn on_disk(work: impl FnOnce(&mut Disk) -> std::io::Result<()>) -> Result<(), Fault> {
        let disk = Disk::at(VAULT_DISK);
        let done = work(&mut disk.borrow_mut());
        done.map_err(|error| Fault::Failed(error.into()))
    }
}

impl Shelf for VaultShelf {
    fn begin(&mut self) -> Result<Connection, Fault> {
        Self::on_disk(|disk| disk.remove(PART))?;
        open(PART, true)
    }

    fn look(&mut self, writing: bool) -> Result<Connection, Fault> {
        open(PART, writing)
    }

    fn flush(&mut self) -> Result<(), Fault> {
        Self::on_disk(|disk| disk.flush(PART))
    }

    fn publish(&mut self, _: &Holds, _: GoOn<'_>) -> Result<(), Fault> {
        // It is complete before the copy has its name.
        self.from.copy_missing(&self.to).map_err(|error| Fault::Failed(error.into()))?;
        Self::on_disk(|disk| disk.rename(PART, &self.name))
    }

    fn discard(&mut self) {
        // The next attempt removes it too.
        let _ = Self::on_disk(|disk| disk.remove(PART));
    }
}
