//! What programs ask of a disk. Every writing call counts, and is one at which the machine may stop or the call fail.

use super::Disk;
use super::platter::File;

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The machine has stopped, or this call fails.
    Io,
    /// No room.
    Full,
}

impl Disk {
    /// Counts a writing call; says whether it may go on.
    pub(super) fn write_call(&mut self) -> Result<(), Trouble> {
        self.writes += 1;
        if self.stop_at.is_some_and(|at| self.writes >= at) {
            self.stopped = true;
        }
        if self.stopped {
            return Err(Trouble::Io);
        }
        if self.fail_at.is_some_and(|at| self.writes >= at) {
            self.fail_at = None;
            self.failures += 1;
            self.just_failed = true;
            return Err(Trouble::Io);
        }
        Ok(())
    }

    fn read_call(&self) -> Result<(), Trouble> {
        if self.stopped { Err(Trouble::Io) } else { Ok(()) }
    }

    /// Opens a file, making it if wanted. Gives a number to the handle.
    pub(super) fn open(&mut self, name: &str, create: bool) -> Result<u64, Trouble> {
        self.read_call()?;
        let entry = self.files.entry(name.to_owned()).or_default();
        if entry.live.is_none() {
            if !create {
                return Err(Trouble::Io);
            }
            entry.live = Some(File::default());
            entry.before.get_or_insert(None);
        }
        self.handles += 1;
        Ok(self.handles)
    }

    pub(super) fn exists(&self, name: &str) -> bool {
        self.files.get(name).is_some_and(|name| name.live.is_some())
    }

    pub(super) fn delete(&mut self, name: &str, flushed: bool) -> Result<(), Trouble> {
        self.write_call()?;
        let Some(entry) = self.files.get_mut(name) else { return Ok(()) };
        if let Some(file) = entry.live.take() {
            entry.before.get_or_insert_with(|| Some(file.platter()));
        }
        if flushed {
            self.flush_folder();
        }
        Ok(())
    }

    /// The names in the folder, as they are, get to the platter.
    pub(super) fn flush_folder(&mut self) {
        self.files.values_mut().for_each(|name| name.before = None);
    }

    fn file(&mut self, name: &str) -> Result<&mut File, Trouble> {
        self.files.get_mut(name).and_then(|name| name.live.as_mut()).ok_or(Trouble::Io)
    }

    /// Reads what is there; says how many bytes that were.
    pub(super) fn read(&mut self, name: &str, offset: usize, into: &mut [u8]) -> Result<usize, Trouble> {
        self.read_call()?;
        let bytes = &self.file(name)?.bytes;
        let there = bytes.get(offset.min(bytes.len())..).unwrap_or_default();
        let count = there.len().min(into.len());
        into[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    pub(super) fn write(&mut self, name: &str, offset: usize, bytes: &[u8]) -> Result<(), Trouble> {
        self.write_call()?;
        let grows = (offset + bytes.len()).saturating_sub(self.file(name)?.bytes.len());
        if let Some(room) = &mut self.room {
            match room.checked_sub(grows) {
                Some(left) => *room = left,
                None => {
                    self.failures += 1;
                    return Err(Trouble::Full);
                }
            }
        }
        self.file(name)?.write(offset, bytes);
        Ok(())
    }

    pub(super) fn truncate(&mut self, name: &str, len: usize) -> Result<(), Trouble> {
        self.write_call()?;
        let file = self.file(name)?;
        file.remember(len, file.bytes.len());
        file.bytes.resize(len, 0);
        Ok(())
    }

    pub(super) fn sync(&mut self, name: &str) -> Result<(), Trouble> {
        self.write_call()?;
        let file = self.file(name)?;
        file.old.clear();
        file.old_len = file.bytes.len();
        if self.files.get(name).is_some_and(|name| name.before.is_some()) {
            // SQLite flushes the folder with a new file.
            self.flush_folder();
        }
        Ok(())
    }

    pub(super) fn size(&mut self, name: &str) -> Result<usize, Trouble> {
        self.read_call()?;
        Ok(self.file(name)?.bytes.len())
    }
}
