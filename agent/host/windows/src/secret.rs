//! Bytes that only this PC can read (DPAPI).
//!
//! Wrapped for the machine, not for a user: the service's account and an administrator who runs a command both unwrap
//! them. Who may read the file at all is the folder's business; wrapping is for the disk that leaves the PC, the copy of
//! the folder, the image.

use std::io;
use std::ptr;
use std::slice;

use windows_sys::Win32::Foundation::{FALSE, LocalFree};
use windows_sys::Win32::Security::Cryptography::{
    CRYPT_INTEGER_BLOB, CRYPTPROTECT_LOCAL_MACHINE, CRYPTPROTECT_UI_FORBIDDEN, CryptProtectData, CryptUnprotectData,
};

const FLAGS: u32 = CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN;

/// Wraps `plain` for this PC.
///
/// # Errors
/// The system refuses, for example while its own keys cannot be read.
pub fn wrap(plain: &[u8]) -> io::Result<Vec<u8>> {
    let (input, mut output) = (blob(plain)?, nothing());
    // SAFETY: `input` describes `plain`, which is only read; `output` is a place that the system fills; null means none.
    let done =
        unsafe { CryptProtectData(&input, ptr::null(), ptr::null(), ptr::null(), ptr::null(), FLAGS, &mut output) };
    taken(done, output)
}

/// The bytes that [`wrap`] was given on this PC.
///
/// # Errors
/// They were wrapped on another PC, or are damaged.
pub fn unwrap(wrapped: &[u8]) -> io::Result<Vec<u8>> {
    let (input, mut output) = (blob(wrapped)?, nothing());
    // SAFETY: as in `wrap`.
    let done = unsafe {
        CryptUnprotectData(&input, ptr::null_mut(), ptr::null(), ptr::null(), ptr::null(), FLAGS, &mut output)
    };
    taken(done, output)
}

fn blob(bytes: &[u8]) -> io::Result<CRYPT_INTEGER_BLOB> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    Ok(CRYPT_INTEGER_BLOB { cbData: length, pbData: bytes.as_ptr().cast_mut() })
}

fn nothing() -> CRYPT_INTEGER_BLOB {
    CRYPT_INTEGER_BLOB { cbData: 0, pbData: ptr::null_mut() }
}

/// Takes over what the system allocated, and leaves no copy of it behind.
fn taken(done: i32, output: CRYPT_INTEGER_BLOB) -> io::Result<Vec<u8>> {
    if done == FALSE || output.pbData.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so it allocated `cbData` bytes there, which nobody else knows of.
    let bytes = unsafe { slice::from_raw_parts_mut(output.pbData, output.cbData as usize) };
    let copy = bytes.to_vec();
    bytes.fill(0);
    // SAFETY: allocated by the system's own allocator, and not used after this.
    unsafe { LocalFree(output.pbData.cast()) };
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrapped_comes_back_and_damage_is_noticed() {
        let wrapped = wrap(b"kunci perangkat").expect("wrapped");
        assert!(!wrapped.windows(5).any(|part| part == b"kunci"));
        assert_eq!(unwrap(&wrapped).expect("unwrapped"), b"kunci perangkat");
        let mut damaged = wrapped;
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        assert!(unwrap(&damaged).is_err());
    }
}
