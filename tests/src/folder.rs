//! Folders of installations: temporary ones, and copies as a backup program or a disk image makes them.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// A folder that is gone when it is dropped.
///
/// # Panics
/// If none can be made.
pub fn temporary(name: &str) -> TempDir {
    tempfile::Builder::new().prefix(name).tempdir().expect("a temporary folder")
}

/// Copies an installation's folder, whether its process runs or not: all files, no sockets.
///
/// # Panics
/// If a file cannot be copied.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("make the folder of a copy");
    fs::set_permissions(to, fs::metadata(from).expect("look at a folder").permissions()).expect("set its permissions");
    for entry in fs::read_dir(from).expect("list a folder") {
        let entry = entry.expect("read an entry of a folder");
        let kind = entry.file_type().expect("look at an entry");
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_file() {
            fs::copy(entry.path(), &target).expect("copy a file");
        }
    }
}

/// Puts an older copy in the place of an installation's folder.
///
/// # Panics
/// If a file cannot be copied or removed.
pub fn restore(from: &Path, to: &Path) {
    fs::remove_dir_all(to).expect("remove the folder that is replaced");
    copy(from, to);
}
