//! What SQLite does with an open file: bytes, locks, and what it asks of the medium.

use std::ffi::{c_int, c_void};
use std::ptr;

use rusqlite::ffi;

use super::super::platter::BLOCK;
use super::{OpenFile, code, handle, memory};

pub(super) static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(memory::shm_map),
    xShmLock: Some(memory::shm_lock),
    xShmBarrier: Some(memory::shm_barrier),
    xShmUnmap: Some(memory::shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the last use of the handle that `open` made.
    unsafe {
        memory::shm_unmap(file, 0);
        let handle = Box::from_raw((*file.cast::<OpenFile>()).handle);
        (*file).pMethods = ptr::null();
        let mut disk = handle.disk.borrow_mut();
        if let Some(name) = disk.files.get_mut(&handle.name) {
            name.locks.remove(&handle.number);
        }
        if handle.delete_on_close {
            disk.files.remove(&handle.name);
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, into: *mut c_void, count: c_int, offset: i64) -> c_int {
    // SAFETY: SQLite gives room for `count` bytes.
    let (handle, into) = unsafe { (handle(file), std::slice::from_raw_parts_mut(into.cast::<u8>(), count as usize)) };
    match handle.disk.borrow_mut().read(&handle.name, offset as usize, into) {
        Err(_) => ffi::SQLITE_IOERR_READ,
        Ok(there) if there == into.len() => ffi::SQLITE_OK,
        Ok(there) => {
            into[there..].fill(0);
            ffi::SQLITE_IOERR_SHORT_READ
        }
    }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, count: c_int, offset: i64) -> c_int {
    // SAFETY: SQLite gives `count` bytes.
    let (handle, from) = unsafe { (handle(file), std::slice::from_raw_parts(from.cast::<u8>(), count as usize)) };
    code(handle.disk.borrow_mut().write(&handle.name, offset as usize, from), ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: i64) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { handle(file) };
    code(handle.disk.borrow_mut().truncate(&handle.name, len as usize), ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { handle(file) };
    code(handle.disk.borrow_mut().sync(&handle.name), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    // SAFETY: an open file and a place for a number.
    unsafe {
        let handle = handle(file);
        let found = handle.disk.borrow_mut().size(&handle.name);
        found.map(|found| *size = found as i64).map_or(ffi::SQLITE_IOERR_FSTAT, |()| ffi::SQLITE_OK)
    }
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { handle(file) };
    let mut disk = handle.disk.borrow_mut();
    let Some(name) = disk.files.get_mut(&handle.name) else { return ffi::SQLITE_IOERR_LOCK };
    let others = name.locks.iter().filter(|(number, _)| **number != handle.number).map(|(_, level)| *level);
    let most = others.max().unwrap_or(ffi::SQLITE_LOCK_NONE);
    let busy = match level {
        ffi::SQLITE_LOCK_SHARED => most >= ffi::SQLITE_LOCK_PENDING,
        ffi::SQLITE_LOCK_RESERVED => most >= ffi::SQLITE_LOCK_RESERVED,
        _ => most >= ffi::SQLITE_LOCK_SHARED,
    };
    if busy {
        return ffi::SQLITE_BUSY;
    }
    let own = name.locks.entry(handle.number).or_insert(level);
    *own = level.max(*own);
    ffi::SQLITE_OK
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { handle(file) };
    if let Some(name) = handle.disk.borrow_mut().files.get_mut(&handle.name) {
        match level {
            ffi::SQLITE_LOCK_NONE => name.locks.remove(&handle.number),
            level => name.locks.insert(handle.number, level),
        };
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, reserved: *mut c_int) -> c_int {
    // SAFETY: an open file and a place for a number.
    unsafe {
        let handle = handle(file);
        let disk = handle.disk.borrow();
        let held = disk.files.get(&handle.name).is_some_and(|name| {
            name.locks.iter().any(|(number, level)| *number != handle.number && *level >= ffi::SQLITE_LOCK_RESERVED)
        });
        *reserved = c_int::from(held);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_file: *mut ffi::sqlite3_file, _op: c_int, _arg: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_file: *mut ffi::sqlite3_file) -> c_int {
    BLOCK as c_int
}

unsafe extern "C" fn device_characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    // As SQLite takes every modern disk to be: a write does not harm the bytes beside it.
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}
