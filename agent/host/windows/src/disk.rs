//! Space on a disk.

use std::io;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::FALSE;
use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;

use crate::wide;

/// Free bytes for this user on the disk that holds the folder `path`.
///
/// # Errors
/// There is no such folder.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let (name, mut free) = (wide(path), 0);
    // SAFETY: the name ends with a zero, `free` is a place for a number, and null means that the rest is not asked.
    let done = unsafe { GetDiskFreeSpaceExW(name.as_ptr(), &mut free, ptr::null_mut(), ptr::null_mut()) };
    if done == FALSE { Err(io::Error::last_os_error()) } else { Ok(free) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_there_has_a_size_and_a_missing_folder_none() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        assert!(free_bytes(temp.path()).expect("asked") > 0);
        assert!(free_bytes(&temp.path().join("tidak-ada")).is_err());
    }
}
