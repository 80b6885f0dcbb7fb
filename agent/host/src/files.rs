//! Writing files so that after a power cut there is the old content or the new one, never half of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::steps::{Step, reached};

/// Who may read a file that we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Only the user that runs the program (0600): keys, sockets, stores.
    Private,
    /// Everybody may read (0644): certificates, samples.
    Readable,
}

/// Puts `bytes` at `path`: written beside it, flushed to the disk, then renamed into place.
///
/// # Errors
/// Any error of the file system; the old file is then untouched.
pub fn replace(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let beside = beside(path);
    let written = write_new(&beside, bytes, access).and_then(|()| {
        reached(Step::FileWritten);
        fs::rename(&beside, path)
    });
    if written.is_err() {
        // The half-written file is of no use to anybody; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&beside);
    }
    written?;
    reached(Step::FileRenamed);
    sync_parent(path)
}

/// Reads a whole file of at most `bytes_max` bytes.
///
/// # Errors
/// Any error of the file system; `FileTooLarge` beyond the bound.
pub fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Makes renames and new files in the folder of `path` durable. Windows needs and offers no such call.
///
/// # Errors
/// Any error of the file system.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// Deletes a file, or a folder with all that is in it. Of a link the link goes, and never what it leads to. That there is
/// nothing to delete is fine.
///
/// # Errors
/// Any error of the file system; some of what was in a folder may be gone then.
pub fn delete(path: &Path) -> io::Result<()> {
    let deleted = match fs::symlink_metadata(path) {
        // This one follows no links either.
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        // Windows knows links to folders, which go as folders do.
        Ok(found) if found.is_symlink() => fs::remove_file(path).or_else(|_| fs::remove_dir(path)),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match deleted {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Options that create a file for `access`.
pub fn creating(access: Access) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(match access {
            Access::Private => 0o600,
            Access::Readable => 0o644,
        });
    }
    #[cfg(not(unix))]
    let _ = access;
    options
}

/// Free bytes for this user on the disk that holds `path`; `None` where the system does not tell.
pub fn free_bytes(path: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let stat = rustix::fs::statvfs(path).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
    #[cfg(windows)]
    {
        kentongan_windows::disk::free_bytes(path).ok()
    }
    #[cfg(not(any(unix, windows)))]
    {
        let _ = path;
        None
    }
}

/// Whether `path` belongs to the user that runs this program. Elsewhere than on Unix that says nothing, and is so.
pub fn is_own(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).is_ok_and(|found| found.uid() == rustix::process::geteuid().as_raw())
    }
    #[cfg(not(unix))]
    {
        path.exists()
    }
}

/// Lets this process have as many files and connections open as its user may have, and tells how many that is; `None`
/// where there is no such limit. Many systems begin with 1,024, which a hub of a regency uses up.
pub fn raise_open_files_max() -> Option<u64> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limit.maximum,
            Err(_) => limit.current,
        }
    }
    #[cfg(not(unix))]
    {
        None
    }
}

fn write_new(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let mut file = creating(access).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name beside `path` that nobody else uses: two processes may replace the same file at once.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{:08x}.new", crate::random::random_u64() >> 32));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_has_the_new_content_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("device.key");
        replace(&path, b"lama", Access::Private).expect("write");
        replace(&path, b"baru", Access::Private).expect("replace");
        assert_eq!(fs::read(&path).expect("read"), b"baru");
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("device.key");
        replace(&path, b"rahasia", Access::Private).expect("write");
        assert_eq!(fs::metadata(&path).expect("stat").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_beyond_its_bound_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("enrol.toml");
        replace(&path, b"123456", Access::Readable).expect("write");
        assert_eq!(read_bounded(&path, 6).expect("within"), b"123456");
        assert_eq!(read_bounded(&path, 5).expect_err("beyond").kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_failed_replacement_keeps_the_old_file() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("folder");
        fs::create_dir(&path).expect("a folder in the way");
        fs::write(path.join("inside"), b"x").expect("write");
        assert!(replace(&path, b"baru", Access::Private).is_err());
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_is_deleted_is_gone_whatever_it_was() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (folder, file) = (dir.path().join("folder"), dir.path().join("file"));
        fs::create_dir_all(folder.join("inner")).expect("make");
        fs::write(folder.join("inner/a"), "a").expect("write");
        fs::write(&file, "b").expect("write");
        for path in [&folder, &file, &folder] {
            delete(path).expect("delete");
            assert!(!path.exists());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_deleted_without_what_it_leads_to() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (elsewhere, folder) = (dir.path().join("elsewhere"), dir.path().join("folder"));
        fs::create_dir(&elsewhere).expect("make");
        fs::create_dir(&folder).expect("make");
        fs::write(elsewhere.join("kept"), "kept").expect("write");
        std::os::unix::fs::symlink(&elsewhere, folder.join("link")).expect("link");
        std::os::unix::fs::symlink(&elsewhere, dir.path().join("link")).expect("link");
        delete(&folder).expect("delete a folder with a link in it");
        delete(&dir.path().join("link")).expect("delete a link");
        assert!(elsewhere.join("kept").exists());
        assert_eq!(fs::read_dir(dir.path()).expect("list").count(), 1);
    }
}
