//! Space that is kept for the time when there is none: a file that is given up so that what is saved can still leave.
//!
//! On a full disk nothing can be noted, not even that the hub has a record, and a store cannot even be opened. So new
//! entries stop while the reserve is still there, and only what leads out of the trouble may use it up.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::data_dir::DataDir;
use crate::fail::Failure;
use crate::files::{Access, creating, free_bytes};
use crate::ktg::Ktg;

/// Enough for a write-ahead log at its usual longest and the pages that it touches.
const RESERVE_BYTES: u64 = 8 << 20;

/// The reserve of one installation.
#[derive(Debug, Clone)]
pub struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// That of `dir`.
    pub fn of(dir: &DataDir) -> Reserve {
        Reserve { path: dir.root().join("reserve") }
    }

    /// Makes sure that it is there.
    ///
    /// # Errors
    /// KTG-201 if the disk has no room for it and for as much again; nothing new may be taken then.
    pub fn keep(&self) -> Result<(), Failure> {
        if fs::metadata(&self.path).is_ok_and(|file| file.len() == RESERVE_BYTES) {
            return Ok(());
        }
        let no_space = || Failure::of(Ktg::NoSpace);
        if free_bytes(self.path.parent().unwrap_or(&self.path)).is_some_and(|free| free < 2 * RESERVE_BYTES) {
            return Err(no_space());
        }
        let made = creating(Access::Private).truncate(true).open(&self.path).and_then(|file| fill(&file));
        made.map_err(|error| {
            // What could not be filled is of no use.
            let _ = fs::remove_file(&self.path);
            Failure::from(error)
        })
    }

    /// Gives it up. Whether there was anything to give up.
    pub fn release(&self) -> bool {
        fs::remove_file(&self.path).is_ok()
    }
}

/// Takes the space for good: a file that only claims to be long takes none.
fn fill(file: &fs::File) -> io::Result<()> {
    #[cfg(unix)]
    if rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, RESERVE_BYTES).is_ok() {
        return Ok(());
    }
    let zeros = [0_u8; 64 * 1024];
    let mut writer = file;
    for _ in 0..RESERVE_BYTES / zeros.len() as u64 {
        io::Write::write_all(&mut writer, &zeros)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::Program;

    #[test]
    fn a_reserve_takes_its_space_until_it_is_given_up_and_is_made_again() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let reserve = Reserve::of(&DataDir::at(Program::Agent, temp.path()));
        assert!(!reserve.release(), "there is none yet");
        for _ in 0..2 {
            reserve.keep().expect("room");
            reserve.keep().expect("it is there");
            assert_eq!(fs::metadata(&reserve.path).expect("a file").len(), RESERVE_BYTES);
            assert!(reserve.release());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_reserve_is_made_of_real_space() {
        use std::os::unix::fs::MetadataExt;
        let temp = tempfile::tempdir().expect("a temporary folder");
        let reserve = Reserve::of(&DataDir::at(Program::Agent, temp.path()));
        reserve.keep().expect("room");
        assert!(fs::metadata(&reserve.path).expect("a file").blocks() * 512 >= RESERVE_BYTES);
    }
}
