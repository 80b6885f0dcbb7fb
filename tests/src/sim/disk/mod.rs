//! A disk in memory that fails when it is told to: it loses and tears what was not flushed, fills up, answers one call
//! with an error, stops in the middle of everything, and can be copied whole at any moment.
//!
//! ```text
//!   Disk     ── what the simulator does to it: stops, failures, restarts, copies
//!   calls    ── what programs do: opening, reading, writing, flushing, each a chance to fail
//!   platter  ── files by name: what programs see, and what would still be there without power
//!   vfs      ── the same as a file system of SQLite's, write-ahead log and shared memory included
//! ```
//!
//! Flushing is honest: what was synced stays. Blocks of 512 bytes that were written since the last sync are each kept or
//! lost at a power cut, so a page can be half old and half new. A new file's name is durable with its first sync.

mod calls;
#[cfg(test)]
mod growing;
mod platter;
#[cfg(test)]
mod truth;
mod vfs;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::Dice;

use platter::{File, Name};
pub use vfs::{NAME, register};

thread_local! {
    static DISKS: RefCell<BTreeMap<u64, Shared>> = const { RefCell::new(BTreeMap::new()) };
}

/// A disk that connections and the simulator hold together; of one thread.
pub type Shared = Rc<RefCell<Disk>>;

/// How a machine goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    /// The process is killed; what it had written is in the system's memory and stays.
    Kill,
    /// The power fails.
    Power,
}

/// A disk.
#[derive(Debug, Default)]
pub struct Disk {
    files: BTreeMap<String, Name>,
    shared_memory: BTreeMap<String, SharedMemory>,
    /// Writing calls so far.
    writes: u64,
    /// All calls fail from this writing call on: the machine stops there.
    stop_at: Option<u64>,
    stopped: bool,
    /// This writing call fails, once.
    fail_at: Option<u64>,
    /// This many more bytes fit on the disk.
    room: Option<usize>,
    /// Failures given so far, other than a stop.
    failures: u64,
    handles: u64,
    /// A failure was given that nobody asked about.
    just_failed: bool,
}

/// SQLite's shared memory beside a file.
#[derive(Debug, Default)]
struct SharedMemory {
    regions: Vec<Box<[u64]>>,
    /// For each of eight slots: -1 if one holds it alone, else how many share it.
    slots: [i32; 8],
    users: u32,
}

/// A copy of a whole disk, as a disk image or a copied folder would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    files: BTreeMap<String, Vec<u8>>,
}

impl Disk {
    /// An empty disk in slot `number` of this thread.
    pub fn insert(number: u64) -> Shared {
        let disk = Shared::default();
        DISKS.with_borrow_mut(|disks| disks.insert(number, Rc::clone(&disk)));
        disk
    }

    /// The disk in slot `number` of this thread.
    ///
    /// # Panics
    /// If there is none: the simulator asks for disks it made.
    pub fn at(number: u64) -> Shared {
        DISKS.with_borrow(|disks| disks.get(&number).map(Rc::clone)).expect("a disk that was inserted")
    }

    /// Forgets all disks of this thread.
    pub fn clear() {
        DISKS.with_borrow_mut(BTreeMap::clear);
    }

    /// The path of a file on the disk in slot `number`.
    pub fn path(number: u64, name: &str) -> std::path::PathBuf {
        format!("/{number}/{name}").into()
    }

    fn of_path(path: &str) -> Option<(Shared, String)> {
        let (number, name) = path.strip_prefix('/')?.split_once('/')?;
        let number: u64 = number.parse().ok()?;
        DISKS.with_borrow(|disks| disks.get(&number).map(|disk| (Rc::clone(disk), name.to_owned())))
    }

    /// Stops the machine at the `calls`-th writing call from now.
    pub fn stop_after(&mut self, calls: u64) {
        self.stop_at = Some(self.writes + calls);
    }

    /// Lets the `calls`-th writing call from now fail, once.
    pub fn fail_after(&mut self, calls: u64) {
        self.fail_at = Some(self.writes + calls);
    }

    /// Leaves room for this many more bytes; `None`: enough.
    pub fn set_room(&mut self, room: Option<usize>) {
        self.room = room;
    }

    /// From now on nothing fails.
    pub fn heal(&mut self) {
        (self.stop_at, self.fail_at, self.room) = (None, None, None);
        (self.just_failed, self.stopped) = (false, false);
    }

    /// Whether it may fail or has failed since its last healing.
    pub fn has_trouble(&self) -> bool {
        self.stopped || self.stop_at.is_some() || self.fail_at.is_some() || self.room.is_some() || self.just_failed
    }

    /// Whether the machine has stopped.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Failures given so far, other than a stop.
    pub fn failures(&self) -> u64 {
        self.failures
    }

    /// What a restart finds. All connections must be closed.
    pub fn restart(&mut self, down: Down, dice: &mut Dice) {
        self.stopped = false;
        (self.stop_at, self.fail_at) = (None, None);
        self.shared_memory.clear();
        for name in self.files.values_mut() {
            name.locks.clear();
            if down == Down::Power {
                name.lose(dice);
            }
        }
        self.files.retain(|_, name| name.live.is_some() || name.before.is_some());
    }

    /// A copy of all files, as they are seen now.
    pub fn image(&self) -> Image {
        let live = |(name, file): (&String, &Name)| Some((name.clone(), file.live.as_ref()?.bytes.clone()));
        Image { files: self.files.iter().filter_map(live).collect() }
    }

    /// Puts a copy in place of everything. All connections must be closed.
    pub fn put_image(&mut self, image: &Image) {
        self.shared_memory.clear();
        let durable = |bytes: &Vec<u8>| Name {
            live: Some(File { bytes: bytes.clone(), old: BTreeMap::new(), old_len: bytes.len() }),
            ..Name::default()
        };
        self.files = image.files.iter().map(|(name, bytes)| (name.clone(), durable(bytes))).collect();
    }

    /// A copy of one file under another name, as a disk with nothing else.
    pub fn image_of(&self, name: &str, put_as: &str) -> Image {
        let bytes = self.files.get(name).and_then(|name| name.live.as_ref()).map(|file| file.bytes.clone());
        Image { files: bytes.into_iter().map(|bytes| (put_as.to_owned(), bytes)).collect() }
    }

    /// Removes a file and what SQLite keeps beside it; what is not there is no fault.
    ///
    /// # Errors
    /// The disk fails.
    pub fn remove(&mut self, name: &str) -> std::io::Result<()> {
        for side in ["", "-journal", "-wal", "-shm"] {
            self.delete(&format!("{name}{side}"), false).map_err(|_| std::io::ErrorKind::Other)?;
        }
        Ok(())
    }

    /// Gets a file to the platter.
    ///
    /// # Errors
    /// The disk fails.
    pub fn flush(&mut self, name: &str) -> std::io::Result<()> {
        self.sync(name).map_err(|_| std::io::ErrorKind::Other.into())
    }

    /// Gives a file another name, and gets the names to the platter: two calls, between which the power may fail.
    ///
    /// # Errors
    /// The disk fails.
    pub fn rename(&mut self, from: &str, to: &str) -> std::io::Result<()> {
        let failed = |_| std::io::Error::from(std::io::ErrorKind::Other);
        self.write_call().map_err(failed)?;
        let file = self.files.get_mut(from).and_then(|name| name.live.take()).ok_or(std::io::ErrorKind::NotFound)?;
        let platter = file.platter();
        if let Some(name) = self.files.get_mut(from) {
            name.before.get_or_insert(Some(platter));
        }
        let name = self.files.entry(to.to_owned()).or_default();
        let before = name.live.replace(file).map(|old| old.platter());
        name.before.get_or_insert(before);
        self.write_call().map_err(failed)?;
        self.flush_folder();
        Ok(())
    }

    /// Flips a bit of a file, on the platter and in what programs see. `false` if there is no such place.
    pub fn flip(&mut self, name: &str, place: u64, bit: u8) -> bool {
        let Some(file) = self.files.get_mut(name).and_then(|name| name.live.as_mut()) else { return false };
        let len = file.bytes.len() as u64;
        match file.bytes.get_mut(place.checked_rem(len).unwrap_or(0) as usize) {
            Some(byte) => *byte ^= 1 << (bit % 8),
            None => return false,
        }
        true
    }

    /// Length of a file in bytes.
    pub fn len_of(&self, name: &str) -> usize {
        self.files.get(name).and_then(|name| name.live.as_ref()).map_or(0, |file| file.bytes.len())
    }
}

impl Image {
    /// With one file.
    pub fn of(name: &str, bytes: &[u8]) -> Image {
        Image { files: BTreeMap::from([(name.to_owned(), bytes.to_vec())]) }
    }

    /// The bytes of a file.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// Bytes of all its files.
    pub fn len(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
