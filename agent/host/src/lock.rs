//! One process per data folder.
//!
//! The lock is the operating system's: it is gone the moment its process is, however that ended. The number inside
//! the file is only for the message.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};

use anyhow::Context;

use crate::data_dir::DataDir;
use crate::fail::Failure;
use crate::files::{Access, creating};
use crate::ktg::Ktg;
use crate::output::{pick, process_lang};

/// Held for as long as the process works on the data folder.
#[derive(Debug)]
pub struct Lock {
    /// Dropping the file releases the lock.
    _file: File,
}

impl Lock {
    /// Takes the lock of `dir`, which must exist.
    ///
    /// # Errors
    /// [`Ktg::StoreInUse`] (exit 11) naming the process that holds it, [`Ktg::Permission`] for root in a folder of another
    /// user, or an error of the file system.
    pub fn take(dir: &DataDir) -> Result<Lock, Failure> {
        refuse_root_elsewhere(dir)?;
        let path = dir.lock_file();
        let context = || format!("open the lock file {}", path.display());
        let mut options = creating(Access::Private);
        let mut file = options.read(true).truncate(false).open(&path).with_context(context)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(&mut file, dir)),
            Err(TryLockError::Error(error)) => {
                return Err(anyhow::Error::from(error).context(format!("lock {}", path.display())).into());
            }
        }
        note_pid(&mut file).with_context(context)?;
        Ok(Lock { _file: file })
    }

    /// The number of the process that holds the lock of `dir`, if one does and says so.
    pub fn holder(dir: &DataDir) -> Option<u32> {
        let mut file = OpenOptions::new().read(true).open(dir.lock_file()).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => read_pid(&mut file),
            _ => None,
        }
    }
}

/// What root makes in the folder of a service's user, that service cannot open any more: an administrator acts as that user.
#[cfg(unix)]
fn refuse_root_elsewhere(dir: &DataDir) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;
    let owner = std::fs::metadata(dir.root()).map_or(0, |folder| folder.uid());
    if owner == 0 || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let (folder, binary) = (dir.root().display(), dir.program().binary());
    Err(Failure::of(Ktg::Permission).with_detail(folder.to_string()).with_hint(
        &format!("Jalankan sebagai pemilik folder itu: sudo -u '#{owner}' {binary} …"),
        &format!("Run it as the owner of that folder: sudo -u '#{owner}' {binary} …"),
    ))
}

#[cfg(not(unix))]
fn refuse_root_elsewhere(_: &DataDir) -> Result<(), Failure> {
    Ok(())
}

fn note_pid(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn in_use(file: &mut File, dir: &DataDir) -> Failure {
    let folder = dir.root().display();
    let detail = match read_pid(file) {
        Some(pid) => format!("{folder}, {} {pid}", pick(process_lang(), "proses", "process")),
        None => folder.to_string(),
    };
    Failure::of(Ktg::StoreInUse).with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::Program;
    use crate::exit::Exit;

    #[cfg(unix)]
    #[test]
    fn root_is_told_to_act_as_the_owner_of_the_folder_and_leaves_nothing_in_it() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: only root can give a folder away");
            return;
        }
        let temp = tempfile::tempdir().expect("a temporary folder");
        std::os::unix::fs::chown(temp.path(), Some(12_345), None).expect("give it away");
        let refused = Lock::take(&DataDir::at(Program::Agent, temp.path())).expect_err("not as root");
        assert_eq!(refused.ktg, Some(Ktg::Permission));
        assert!(refused.hint.is_some_and(|hint| hint.contains("#12345")));
        assert_eq!(std::fs::read_dir(temp.path()).expect("list").count(), 0);
    }

    #[test]
    fn a_second_process_is_refused_and_told_who_holds_the_folder() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Agent, temp.path());
        let first = Lock::take(&dir).expect("first");
        assert_eq!(Lock::holder(&dir), Some(std::process::id()));

        let refused = Lock::take(&dir).expect_err("second");
        assert_eq!((refused.exit, refused.ktg), (Exit::StoreInUse, Some(Ktg::StoreInUse)));
        assert!(refused.message.contains(&std::process::id().to_string()), "{}", refused.message);

        drop(first);
        Lock::take(&dir).expect("free again");
        assert_eq!(Lock::holder(&dir), None);
    }
}
