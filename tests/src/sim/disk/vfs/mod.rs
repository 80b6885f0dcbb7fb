//! The disk as a file system of SQLite's.
//!
//! SQLite asks for a table of C functions and for memory that it shares between connections, so this folder speaks C:
//! `file.rs` is what it does with an open file, `memory.rs` what it shares.
//!
//! Its rules: a handle is a box that `open` makes and `close` takes back; SQLite gives back only pointers it got here; all
//! of one connection happens on one thread, and a disk belongs to one thread.
#![allow(unsafe_code, reason = "SQLite's interface for file systems is a table of C functions")]

mod file;
mod memory;

use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::sync::Once;

use rusqlite::ffi;

use super::calls::Trouble;
use super::{Disk, Shared};

/// Name under which the file system is registered.
pub const NAME: &CStr = c"kentongan-sim";

/// Makes the file system known to SQLite; again is no harm.
pub fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let vfs = ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: size_of::<OpenFile>() as c_int,
            mxPathname: 512,
            pNext: ptr::null_mut(),
            zName: NAME.as_ptr(),
            pAppData: ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: None,
            xCurrentTimeInt64: Some(current_time_ms),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        };
        // SQLite keeps the pointer for the life of the process.
        let vfs = Box::leak(Box::new(vfs));
        // SAFETY: the table is complete for its version and lives for ever.
        let code = unsafe { ffi::sqlite3_vfs_register(vfs, 0) };
        assert_eq!(code, ffi::SQLITE_OK, "SQLite takes a file system");
    });
}

/// What SQLite holds of an open file: its own header, then our box.
#[repr(C)]
struct OpenFile {
    base: ffi::sqlite3_file,
    handle: *mut Handle,
}

struct Handle {
    disk: Shared,
    name: String,
    number: u64,
    delete_on_close: bool,
    uses_shared_memory: bool,
    /// Slots of shared memory locked by this handle: bits of shared ones, bits of exclusive ones.
    shared: u8,
    exclusive: u8,
}

/// The handle behind a file of SQLite's.
///
/// SAFETY: `file` was opened by [`open`] and not yet closed; nothing else refers to the handle during the call.
unsafe fn handle<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Handle {
    unsafe { &mut *(*file.cast::<OpenFile>()).handle }
}

fn code(result: Result<(), Trouble>, io: c_int) -> c_int {
    match result {
        Ok(()) => ffi::SQLITE_OK,
        Err(Trouble::Io) => io,
        Err(Trouble::Full) => ffi::SQLITE_FULL,
    }
}

/// SAFETY: `path` is null or a text of SQLite's that ends in a zero byte.
unsafe fn text(path: *const c_char) -> Option<String> {
    if path.is_null() {
        return None;
    }
    unsafe { CStr::from_ptr(path) }.to_str().ok().map(str::to_owned)
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    path: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives room for an `OpenFile`, a valid path or none, and a place for flags or none.
    unsafe {
        (*file).pMethods = ptr::null();
        let found = match text(path) {
            Some(path) => Disk::of_path(&path),
            // A file for a moment: on a disk of its own, which goes with it.
            None => Some((Shared::default(), "moment".to_owned())),
        };
        let Some((disk, name)) = found else { return ffi::SQLITE_CANTOPEN };
        let opened = disk.borrow_mut().open(&name, flags & ffi::SQLITE_OPEN_CREATE != 0);
        let Ok(number) = opened else { return ffi::SQLITE_CANTOPEN };
        let delete_on_close = flags & ffi::SQLITE_OPEN_DELETEONCLOSE != 0;
        let handle = Handle { disk, name, number, delete_on_close, uses_shared_memory: false, shared: 0, exclusive: 0 };
        (*file.cast::<OpenFile>()).handle = Box::into_raw(Box::new(handle));
        (*file).pMethods = &file::METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_vfs: *mut ffi::sqlite3_vfs, path: *const c_char, sync_dir: c_int) -> c_int {
    // SAFETY: a path of SQLite's.
    let found = unsafe { text(path) }.and_then(|path| Disk::of_path(&path));
    let Some((disk, name)) = found else { return ffi::SQLITE_IOERR_DELETE };
    let mut disk = disk.borrow_mut();
    if !disk.exists(&name) {
        return ffi::SQLITE_IOERR_DELETE_NOENT;
    }
    code(disk.delete(&name, sync_dir != 0), ffi::SQLITE_IOERR_DELETE)
}

unsafe extern "C" fn access(_vfs: *mut ffi::sqlite3_vfs, path: *const c_char, _flags: c_int, out: *mut c_int) -> c_int {
    // SAFETY: a path of SQLite's and a place for a number.
    unsafe {
        let found = text(path).and_then(|path| Disk::of_path(&path));
        *out = c_int::from(found.is_some_and(|(disk, name)| disk.borrow().len_of(&name) > 0));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: a path that ends in a zero byte, and `room` bytes to copy it to.
    unsafe {
        let bytes = CStr::from_ptr(path).to_bytes_with_nul();
        if bytes.len() > room as usize {
            return ffi::SQLITE_CANTOPEN;
        }
        ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_vfs: *mut ffi::sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    // SAFETY: room for `count` bytes. Always the same ones: what SQLite draws names log files apart and decides nothing.
    unsafe { ptr::write_bytes(out, 0x5a, count as usize) };
    count
}

unsafe extern "C" fn sleep(_vfs: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    microseconds
}

/// Noon of the first day of 2026, as SQLite counts: milliseconds since noon of 24 November 4714 BC.
const NOON_MS: i64 = 212_633_985_600_000;

unsafe extern "C" fn current_time(_vfs: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: a place for a number.
    unsafe { *out = NOON_MS as f64 / 86_400_000.0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time_ms(_vfs: *mut ffi::sqlite3_vfs, out: *mut i64) -> c_int {
    // SAFETY: a place for a number.
    unsafe { *out = NOON_MS };
    ffi::SQLITE_OK
}
