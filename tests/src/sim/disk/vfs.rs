//! The disk as a file system of SQLite's.
//!
//! SQLite asks for a table of C functions and for memory that it shares between connections, so this one file speaks C.
//! Its rules: a handle is a box that `open` makes and `close` takes back; SQLite gives back only pointers it got here; all
//! of one connection happens on one thread, and a disk belongs to one thread.
#![allow(unsafe_code, reason = "SQLite's interface for file systems is a table of C functions")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::Once;

use rusqlite::ffi;

use super::{BLOCK, Disk, Shared, Trouble};

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

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
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
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

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
        (*file).pMethods = &METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the last use of the handle that `open` made.
    unsafe {
        shm_unmap(file, 0);
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

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: an open file and a place for a pointer. A region stays where it is as long as anybody uses it.
    unsafe {
        let handle = handle(file);
        *out = ptr::null_mut();
        let mut disk = handle.disk.borrow_mut();
        if disk.stopped {
            return ffi::SQLITE_IOERR_SHMMAP;
        }
        let memory = disk.shared_memory.entry(handle.name.clone()).or_default();
        if !handle.uses_shared_memory {
            handle.uses_shared_memory = true;
            memory.users += 1;
        }
        while memory.regions.len() <= region as usize {
            if extend == 0 {
                return ffi::SQLITE_OK;
            }
            memory.regions.push(vec![0_u64; size as usize / size_of::<u64>()].into_boxed_slice());
        }
        *out = memory.regions[region as usize].as_mut_ptr().cast();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { handle(file) };
    let mut disk = handle.disk.borrow_mut();
    let Some(memory) = disk.shared_memory.get_mut(&handle.name) else { return ffi::SQLITE_IOERR_SHMLOCK };
    let slots = first as usize..(first + count) as usize;
    let alone = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        for slot in slots {
            let bit = 1 << slot;
            if handle.exclusive & bit != 0 {
                memory.slots[slot] = 0;
                handle.exclusive &= !bit;
            } else if handle.shared & bit != 0 {
                memory.slots[slot] -= 1;
                handle.shared &= !bit;
            }
        }
        return ffi::SQLITE_OK;
    }
    let busy = slots.clone().any(|slot| match alone {
        true => memory.slots[slot] != 0 && handle.exclusive & (1 << slot) == 0,
        false => memory.slots[slot] < 0,
    });
    if busy {
        return ffi::SQLITE_BUSY;
    }
    for slot in slots {
        let bit = 1 << slot;
        if alone {
            memory.slots[slot] = -1;
            handle.exclusive |= bit;
        } else if handle.shared & bit == 0 {
            memory.slots[slot] += 1;
            handle.shared |= bit;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_barrier(_file: *mut ffi::sqlite3_file) {
    // One thread: nothing is reordered.
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _delete: c_int) -> c_int {
    // SAFETY: an open file.
    let handle = unsafe { handle(file) };
    if !std::mem::take(&mut handle.uses_shared_memory) {
        return ffi::SQLITE_OK;
    }
    let mut disk = handle.disk.borrow_mut();
    let Some(memory) = disk.shared_memory.get_mut(&handle.name) else { return ffi::SQLITE_OK };
    for slot in 0..memory.slots.len() {
        let bit = 1 << slot;
        if handle.exclusive & bit != 0 {
            memory.slots[slot] = 0;
        } else if handle.shared & bit != 0 {
            memory.slots[slot] -= 1;
        }
    }
    (handle.shared, handle.exclusive) = (0, 0);
    memory.users -= 1;
    if memory.users == 0 {
        disk.shared_memory.remove(&handle.name);
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
