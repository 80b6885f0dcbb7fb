//! An update that the hub offers, on its way: kept part by part, until its publisher's signature can be looked at.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kentongan_host::data_dir::{DataDir, create_private};
use kentongan_host::files::{Access, creating, free_bytes};
use kentongan_host::release::{UPDATE_BYTES_MAX, Version};
use kentongan_protocol::attachment::ContentHash;
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::{Marks, Offered, extension};

use super::state::State;

/// A file that comes whole and is another one is fetched again so often while this program runs.
const FAILED_MAX: u32 = 3;
/// While less than so many times the file is free on the disk, none is fetched: it is unpacked, and the old one stays.
const FREE_TIMES: u64 = 8;

/// What is on its way here, if anything is.
#[derive(Debug)]
pub struct Coming {
    dir: DataDir,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    /// What the hub last told of.
    told: Option<Offered>,
    /// Whether that is fetched.
    wanted: bool,
    failed: u32,
}

impl Coming {
    /// Into the folder of an installation.
    pub fn new(dir: DataDir) -> Coming {
        Coming { dir, now: Mutex::default() }
    }

    /// Takes note of what the hub offers, or offers no more.
    pub fn told(&self, marks: &Marks) {
        let told: Option<Offered> =
            marks.extensions.value(extension::UPDATE).and_then(|value| codec::decode(value).ok());
        let mut now = self.now();
        if now.told != told {
            now.wanted = told.as_ref().is_some_and(|told| self.wants(told));
            (now.told, now.failed) = (told, 0);
        }
    }

    /// What is newer than what runs and was not given up, and has room.
    fn wants(&self, told: &Offered) -> bool {
        let Ok(version) = told.version.0.parse::<Version>() else { return false };
        let bytes = u64::from(told.bytes);
        let room = free_bytes(self.dir.root()).is_none_or(|free| free / FREE_TIMES > bytes);
        let state = State::load(&self.dir).ok().flatten().unwrap_or_default();
        bytes <= UPDATE_BYTES_MAX && room && state.wants(&version, &super::running())
    }

    /// The part to ask for next: of which file, and from where on.
    pub fn next_part(&self) -> Option<(ContentHash, u32)> {
        let told = self.fetched()?;
        let held = self.held(&told);
        (held < told.bytes).then_some((ContentHash(told.hash), held))
    }

    /// Keeps a part, if it is the next one. Says how many bytes that were.
    pub fn took(&self, hash: ContentHash, offset: u32, bytes: &[u8]) -> usize {
        if self.next_part() != Some((hash, offset)) {
            return 0;
        }
        match self.append(hash, bytes) {
            Ok(()) => bytes.len(),
            Err(error) => {
                tracing::warn!(ev = "update.not_kept", %error, "a part of an update could not be kept");
                self.now().wanted = false;
                0
            }
        }
    }

    fn append(&self, hash: ContentHash, bytes: &[u8]) -> io::Result<()> {
        create_private(&self.dir.updates())?;
        let path = self.part(hash);
        if !path.exists() {
            self.forget();
            creating(Access::Private).open(&path)?;
        }
        OpenOptions::new().append(true).open(path)?.write_all(bytes)
    }

    /// The file, once all of it is here. It is not kept any longer than that.
    pub fn whole(&self) -> Option<(Vec<u8>, String)> {
        let told = self.fetched()?;
        let hash = ContentHash(told.hash);
        if self.held(&told) < told.bytes {
            return None;
        }
        let bytes = super::read(&self.part(hash)).unwrap_or_default();
        self.forget();
        let mut now = self.now();
        if ContentHash::of(&bytes) != hash {
            // Cut by a power cut, or changed on the disk.
            now.failed += 1;
            now.wanted = now.failed < FAILED_MAX;
            return None;
        }
        now.wanted = false;
        Some((bytes, told.version.0))
    }

    fn fetched(&self) -> Option<Offered> {
        let now = self.now();
        now.told.clone().filter(|_| now.wanted)
    }

    fn held(&self, told: &Offered) -> u32 {
        let held = fs::metadata(self.part(ContentHash(told.hash))).map_or(0, |found| found.len());
        u32::try_from(held).unwrap_or(u32::MAX)
    }

    fn part(&self, hash: ContentHash) -> PathBuf {
        self.dir.updates().join(format!("{hash}.part"))
    }

    /// Removes what came of any file.
    fn forget(&self) {
        let Ok(entries) = fs::read_dir(self.dir.updates()) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "part") {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use kentongan_host::data_dir::Program;
    use kentongan_protocol::wire::codec::{Blob, List, Txt};

    use super::*;

    fn marks(offered: Option<&Offered>) -> Marks {
        let extensions = offered.map(|offered| (extension::UPDATE, Blob(codec::encode(offered)))).into_iter().collect();
        Marks { extensions: List(extensions), ..Marks::default() }
    }

    #[test]
    fn parts_are_kept_in_their_order_and_go_on_in_the_next_process() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Agent, temp.path());
        let content = b"pemutakhiran".repeat(10);
        let hash = ContentHash::of(&content);
        let offered = Offered { hash: hash.0, bytes: 120, version: Txt("9.0.0".into()) };
        let coming = Coming::new(dir.clone());
        assert_eq!(coming.next_part(), None);
        coming.told(&marks(Some(&offered)));
        assert_eq!(coming.next_part(), Some((hash, 0)));
        assert_eq!(coming.took(hash, 60, &content[60..]), 0, "not the next one");
        assert_eq!(coming.took(hash, 0, &content[..60]), 60);
        assert!(coming.whole().is_none());

        let coming = Coming::new(dir.clone());
        coming.told(&marks(Some(&offered)));
        assert_eq!(coming.next_part(), Some((hash, 60)));
        coming.took(hash, 60, &content[60..]);
        assert_eq!(coming.whole(), Some((content.clone(), "9.0.0".to_owned())));
        assert_eq!(coming.next_part(), None, "fetched once");

        // What was hit on the disk is fetched again, and not for ever.
        let coming = Coming::new(dir);
        coming.told(&marks(Some(&offered)));
        for _ in 0..FAILED_MAX {
            assert_eq!(coming.took(hash, 0, &[0; 120]), 120);
            assert!(coming.whole().is_none());
        }
        assert_eq!(coming.next_part(), None);
        coming.told(&marks(None));
        assert_eq!(coming.next_part(), None);
    }

    #[test]
    fn what_is_not_newer_is_not_fetched() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let coming = Coming::new(DataDir::at(Program::Agent, temp.path()));
        for version in ["0.0.1", env!("CARGO_PKG_VERSION"), "no version"] {
            coming.told(&marks(Some(&Offered { hash: [7; 32], bytes: 1, version: Txt(version.into()) })));
            assert_eq!(coming.next_part(), None, "{version}");
        }
    }
}
