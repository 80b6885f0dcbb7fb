//! Memory that SQLite's connections to one file share beside it, and the locks on its slots.

use std::ffi::{c_int, c_void};
use std::ptr;

use rusqlite::ffi;

use super::handle;

pub(super) unsafe extern "C" fn shm_map(
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

pub(super) unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    first: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
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

pub(super) unsafe extern "C" fn shm_barrier(_file: *mut ffi::sqlite3_file) {
    // One thread: nothing is reordered.
}

pub(super) unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _delete: c_int) -> c_int {
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
