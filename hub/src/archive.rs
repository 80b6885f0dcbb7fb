//! Files that records name, once they are whole: outside the database, each under the hash of what it holds.
//!
//! ```text
//!   archive/9f/9f86d081884c7d65…      durable before the store says that it is here
//! ```
//!
//! A name is a hash and nothing else: no text of a person or peer becomes a path. What lies here is never changed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kentongan_host::data_dir::create_private;
use kentongan_host::files::{Access, read_bounded, replace, sync_parent};
use kentongan_protocol::attachment::ContentHash;
use kentongan_protocol::limits::ATTACHMENT_BYTES_MAX;

/// Where whole files lie.
pub trait Archive: fmt::Debug + Send + Sync {
    /// Keeps a file. When this returns, it is durable. A file that is there stays.
    ///
    /// # Errors
    /// Any error of the file system; then it is not there.
    fn put(&self, hash: ContentHash, content: &[u8]) -> io::Result<()>;

    /// A file, as it lies there: whoever uses it compares it with what it should be.
    ///
    /// # Errors
    /// Any error of the file system but that it is not there.
    fn get(&self, hash: ContentHash) -> io::Result<Option<Vec<u8>>>;

    /// At most `bytes_max` bytes of a file from `offset` on; none behind its end.
    ///
    /// # Errors
    /// As [`Archive::get`].
    fn part(&self, hash: ContentHash, offset: u32, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        let whole = self.get(hash)?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(whole.map(|whole| whole.get(offset..).unwrap_or_default().iter().take(bytes_max).copied().collect()))
    }

    /// Where a file lies, for those who read it themselves; `None` where that is no place on a disk.
    fn path(&self, hash: ContentHash) -> Option<PathBuf>;
}

/// An archive in a folder.
#[derive(Debug, Clone)]
pub struct FolderArchive {
    root: PathBuf,
}

impl FolderArchive {
    /// The archive in `root`, which is made with the first file.
    pub fn new(root: PathBuf) -> FolderArchive {
        FolderArchive { root }
    }

    fn place(&self, hash: ContentHash) -> PathBuf {
        let name = hash.to_string();
        let (shelf, _) = name.split_at(2);
        self.root.join(shelf).join(&name)
    }

    /// Copies everything that `to` lacks, and gives back how many files that were.
    ///
    /// # Errors
    /// Any error of the file system; what was copied before stays.
    pub fn copy_missing(&self, to: &FolderArchive) -> io::Result<u64> {
        let mut copied = 0;
        for shelf in entries(&self.root)? {
            for file in entries(&shelf)? {
                let name = file.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
                let Some(hash) = name else { continue };
                if to.place(hash).exists() {
                    continue;
                }
                if let Some(content) = self.get(hash)? {
                    to.put(hash, &content)?;
                    copied += 1;
                }
            }
        }
        Ok(copied)
    }
}

/// What lies in a folder; nothing if there is none.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

impl Archive for FolderArchive {
    fn put(&self, hash: ContentHash, content: &[u8]) -> io::Result<()> {
        let path = self.place(hash);
        // A file is renamed into place after it was flushed: one that has its length is whole.
        if fs::metadata(&path).is_ok_and(|there| there.len() == content.len() as u64) {
            return Ok(());
        }
        for folder in [self.root.as_path(), path.parent().unwrap_or(&self.root)] {
            if !folder.is_dir() {
                create_private(folder)?;
                sync_parent(folder)?;
            }
        }
        replace(&path, content, Access::Private)
    }

    fn get(&self, hash: ContentHash) -> io::Result<Option<Vec<u8>>> {
        match read_bounded(&self.place(hash), u64::from(ATTACHMENT_BYTES_MAX)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn part(&self, hash: ContentHash, offset: u32, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
        let mut file = match fs::File::open(self.place(hash)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut part = Vec::new();
        file.seek(SeekFrom::Start(u64::from(offset)))?;
        file.take(bytes_max as u64).read_to_end(&mut part)?;
        Ok(Some(part))
    }

    fn path(&self, hash: ContentHash) -> Option<PathBuf> {
        Some(self.place(hash))
    }
}

/// An archive in memory, for tests and the simulator.
#[derive(Debug, Default)]
pub struct MemoryArchive {
    files: Mutex<BTreeMap<ContentHash, Vec<u8>>>,
}

impl Archive for MemoryArchive {
    fn put(&self, hash: ContentHash, content: &[u8]) -> io::Result<()> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, content.to_vec());
        Ok(())
    }

    fn get(&self, hash: ContentHash) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned())
    }

    fn path(&self, _: ContentHash) -> Option<PathBuf> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lies_under_its_hash_and_comes_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let archive = FolderArchive::new(folder.path().join("archive"));
        let hash = ContentHash::of(b"isi");
        assert_eq!(archive.get(hash).expect("readable"), None);
        for _ in 0..2 {
            archive.put(hash, b"isi").expect("kept");
        }
        assert_eq!(archive.get(hash).expect("readable").as_deref(), Some(b"isi".as_slice()));
        assert!(archive.place(hash).starts_with(folder.path()));
    }

    #[test]
    fn what_a_copy_lacks_is_copied_and_strangers_are_passed_over() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [here, there] = ["a", "b"].map(|name| FolderArchive::new(folder.path().join(name)));
        assert_eq!(here.copy_missing(&there).expect("nothing to copy"), 0);
        for content in [b"satu", b"dua!"] {
            here.put(ContentHash::of(content), content).expect("kept");
        }
        there.put(ContentHash::of(b"satu"), b"satu").expect("kept");
        std::fs::write(folder.path().join("a/catatan.txt"), b"?").expect("written");
        std::fs::write(here.place(ContentHash::of(b"satu")).with_file_name("lain.tmp"), b"?").expect("written");
        assert_eq!(here.copy_missing(&there).expect("copied"), 1);
        assert_eq!(there.get(ContentHash::of(b"dua!")).expect("readable").as_deref(), Some(b"dua!".as_slice()));
    }
}
