//! Files that clerks attach: where they lie at the hub and in its copies, and whether what is said of them is so.
//!
//! Whole files of the hub lie beside its database, and so they do in a copy. A hub that is put back may have lost its
//! own with its machine; then it has those of its copies.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kentongan_agent::photo::Prepared;
use kentongan_agent::store::{AttachmentState, QueueFilter};
use kentongan_hub::archive::Archive;
use kentongan_protocol::attachment::{Attachment, Content, ContentHash};
use kentongan_protocol::form::Value;
use kentongan_protocol::form::builtin::pengaduan::{self, group, lampiran};
use kentongan_protocol::ids::{OpId, ReplicaId};

use super::check::look;
use super::disk::Disk;
use super::hubside::HUB_DISK;
use super::model::Known;
use super::plan::stream;
use super::world::World;
use crate::Dice;

/// Lengths of files: within a part, a few parts, more than the agent keeps in one row.
const LENGTHS: [usize; 6] = [300, 2_000, 2_000, 17_000, 40_000, 70_000];

/// States that a PC's store notes of files: it waits for the hub, or its content was put away.
const WAITING: i64 = 0;
const PUT_AWAY: i64 = 4;

/// Files under their hashes, on a disk of the simulator.
#[derive(Debug)]
pub struct SimArchive {
    disk: u64,
    files: Mutex<BTreeMap<ContentHash, Arc<[u8]>>>,
}

impl SimArchive {
    /// An empty one beside the databases of a disk.
    pub fn new(disk: u64) -> SimArchive {
        SimArchive { disk, files: Mutex::default() }
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<ContentHash, Arc<[u8]>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a file lies here.
    pub fn has(&self, hash: ContentHash) -> bool {
        self.files().contains_key(&hash)
    }

    /// Copies what `to` lacks.
    ///
    /// # Errors
    /// If its disk does.
    pub fn copy_missing(&self, to: &SimArchive) -> io::Result<()> {
        self.files().iter().filter(|(hash, _)| !to.has(**hash)).try_for_each(|(hash, content)| to.put(*hash, content))
    }

    /// Has what `other` has, and nothing else.
    pub fn become_copy_of(&self, other: &SimArchive) {
        let files = other.files().clone();
        *self.files() = files;
    }

    /// A file that is not what its name says.
    pub fn wrong(&self) -> Option<ContentHash> {
        self.files().iter().find(|(hash, content)| ContentHash::of(content) != **hash).map(|(hash, _)| *hash)
    }
}

impl Archive for SimArchive {
    fn put(&self, hash: ContentHash, content: &[u8]) -> io::Result<()> {
        if Disk::at(self.disk).borrow().is_stopped() {
            return Err(io::Error::other("the machine has stopped"));
        }
        self.files().insert(hash, content.into());
        Ok(())
    }

    fn get(&self, hash: ContentHash) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files().get(&hash).map(|content| content.to_vec()))
    }

    fn path(&self, _: ContentHash) -> Option<std::path::PathBuf> {
        None
    }
}

/// A file that was shown as saved, with the op that names it.
#[derive(Debug, Clone)]
pub struct KnownFile {
    /// What is known of it by its hash.
    pub content: Content,
    /// The op.
    pub op: OpId,
    /// Who wrote that.
    pub writer: ReplicaId,
    /// Why it may be gone.
    pub excused: Option<String>,
}

/// Files that a PC's store has, and the states that it notes of them.
pub(super) fn files_at_pc(disk: u64) -> rusqlite::Result<BTreeMap<ContentHash, i64>> {
    let db = look(disk)?;
    let mut select = db.prepare("SELECT hash, state FROM attachment")?;
    let rows = select.query_map([], |row| Ok((ContentHash(row.get(0)?), row.get(1)?)))?;
    rows.collect()
}

impl World {
    /// A clerk attaches files to a record; one of them may be attached somewhere already.
    pub fn attach(&mut self, at: usize, dice: &mut Dice) {
        let marker = self.model.marker();
        let filter = QueueFilter { state: None, form: Some(pengaduan::TAG), limit: 30 };
        let Some(pc) = self.awake(at) else { return };
        let (author, writer) = (pc.author(dice), pc.replica());
        let Ok(list) = pc.desk.with(|store| store.queue(&filter)) else { return };
        if list.is_empty() {
            return;
        }
        let record = list[dice.below(list.len() as u64) as usize].record;
        let count = 1 + dice.below(2);
        let files: Vec<Prepared> = (0..count).filter_map(|_| paper(marker, dice)).collect();
        let saved = self.at_pc(at, |store| store.attach(record, &author, &files));
        match saved {
            Ok(op) => {
                self.tell(|| format!("   PC {at}: {author} attaches #{marker} to {record}, {count} files, as {op}"));
                let value = |file: &Prepared| {
                    let values = BTreeMap::from([(lampiran::FIELD, Value::Attachment(file.attachment.clone()))]);
                    (group::LAMPIRAN, values, Vec::new())
                };
                let writes = files.iter().map(value).collect();
                self.model.changed(op, Known { record, by: Some(at), marker, author, writes, excused: None });
                self.saved_here(at, op);
                for file in files {
                    let content = file.attachment.content;
                    self.pcs[at].files.insert(content.hash);
                    self.model.files.push(KnownFile { content, op, writer, excused: None });
                }
            }
            Err(error) => {
                self.tell(|| format!("   PC {at}: {author} attaches #{marker} to {record}, not saved: {error:?}"));
                self.model.doubt(marker, Some(record));
            }
        }
    }

    /// Files that were shown as saved on a PC are in its folder.
    pub fn check_saved_files(&mut self, at: usize) {
        if self.pcs[at].files.is_empty() {
            return;
        }
        let Ok(here) = files_at_pc(self.pcs[at].disk) else { return };
        if let Some(hash) = self.pcs[at].files.iter().find(|hash| !here.contains_key(hash)) {
            self.broke(format!("PC {at}: a file was shown as saved and is not there: {hash}"));
        }
    }

    /// What a PC shows of its files is so. `heard`: it has just heard all that the hub says, and the hub was not put back
    /// meanwhile.
    pub fn check_files_shown(&mut self, at: usize, heard: bool) {
        let hashes: BTreeSet<ContentHash> = self.pcs[at].files.clone();
        for hash in hashes {
            let Ok(Some(state)) = self.at_pc(at, |store| store.attachment_state(hash)) else { continue };
            let (at_hub, copied) = (self.net().hub.archive.has(hash), self.vault.archive.has(hash));
            let wrong = match state {
                AttachmentState::Waiting { .. } => None,
                AttachmentState::Arrived => (heard && !at_hub).then_some("has arrived, and the hub does not have it"),
                AttachmentState::Secured | AttachmentState::PutAway => {
                    (!copied).then_some("is safe, and no copy of the hub has it")
                }
                AttachmentState::SetAside => Some("was set aside, and is what it claims to be"),
            };
            if let Some(wrong) = wrong {
                self.broke(format!("PC {at}: a file {wrong}: {hash}"));
            }
        }
    }

    /// After a disaster: files that are nowhere any more from where the product could bring them back may be gone.
    pub(super) fn excuse_files(&mut self, why: &str) {
        if self.model.files.is_empty() {
            return;
        }
        let mut here: BTreeMap<ReplicaId, BTreeSet<ContentHash>> = BTreeMap::new();
        for at in (0..self.pcs.len()).filter(|at| !self.is_revoked(*at)) {
            let files = files_at_pc(self.pcs[at].disk).unwrap_or_default();
            let whole = files.into_iter().filter(|(_, state)| *state != PUT_AWAY).map(|(hash, _)| hash);
            here.entry(self.pcs[at].replica()).or_default().extend(whole);
        }
        let archive = Arc::clone(&self.net().hub.archive);
        for file in self.model.files.iter_mut().filter(|file| file.excused.is_none()) {
            let hash = file.content.hash;
            let is_here = here.get(&file.writer).is_some_and(|here| here.contains(&hash));
            if !is_here && !archive.has(hash) {
                file.excused = Some(why.to_owned());
            }
        }
    }

    /// The hub is put back. Its files are those of its copies, if its own went with the machine.
    pub(super) fn put_files_back(&mut self) {
        let line = self.net().hub.line;
        if stream(self.plan.seed, 800_000 + line).percent(50) {
            self.tell(|| "   its files are those of its copies".to_owned());
            self.net().hub.archive.become_copy_of(&self.vault.archive);
        }
    }

    /// When nothing is under way any more: every file that was not lost is at the hub, whole and once, and nobody waits.
    pub(super) fn check_files(&mut self, merged: &BTreeSet<OpId>) -> rusqlite::Result<()> {
        let archive = Arc::clone(&self.net().hub.archive);
        let wrong = archive.wrong().or(self.vault.archive.wrong());
        if let Some(hash) = wrong {
            self.broke(format!("the hub keeps another file under the name {hash}"));
        }
        let expected = self.model.files.iter().filter(|file| file.excused.is_none() && merged.contains(&file.op));
        let lost = expected.clone().find(|file| !archive.has(file.content.hash));
        if let Some(KnownFile { content, op, .. }) = lost {
            self.broke(format!("attached and lost: {}, which {op} names", content.hash));
        }
        let named: BTreeSet<(ReplicaId, ContentHash)> = expected.map(|file| (file.writer, file.content.hash)).collect();
        for at in (0..self.pcs.len()).filter(|at| !self.is_revoked(*at)) {
            let replica = self.pcs[at].replica();
            let waits = files_at_pc(self.pcs[at].disk)?;
            let waits = waits.into_iter().find(|(hash, state)| *state == WAITING && named.contains(&(replica, *hash)));
            if let Some((hash, _)) = waits {
                self.broke(format!("PC {at} still waits with a file after all contacts: {hash}"));
            }
        }
        let left: i64 = look(HUB_DISK)?.query_row(
            "SELECT count(*) FROM chunks JOIN attachments USING (attachment) WHERE state = 1",
            [],
            |row| row.get(0),
        )?;
        if left > 0 {
            self.broke(format!("{left} parts of files lie at the hub beside the whole ones"));
        }
        Ok(())
    }
}

/// A paper like no other, but for every fourth: of those there are few. As in a photo, nothing in it repeats: it takes as
/// many bytes on the wire as it has.
pub(crate) fn paper(marker: u64, dice: &mut Dice) -> Option<Prepared> {
    let length = LENGTHS[dice.below(LENGTHS.len() as u64) as usize];
    let mut noise = if dice.percent(25) { Dice::new(length as u64) } else { Dice::new(dice.number()) };
    let noise = std::iter::repeat_with(|| noise.number()).flat_map(u64::to_le_bytes);
    let content: Vec<u8> = b"%PDF-1.4 ".iter().copied().chain(noise).take(length).collect();
    let attachment = Attachment { content: Content::of(&content).ok()?, name: format!("#{marker}") };
    Some(Prepared { attachment, content })
}
