//! A folder for few.

use std::io;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::ERROR_SUCCESS;
use windows_sys::Win32::Security::Authorization::{SE_FILE_OBJECT, SetNamedSecurityInfoW};
use windows_sys::Win32::Security::{DACL_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION};

use crate::security::Descriptor;
use crate::wide;

/// Lets `allowed` decide alone who may do what with `folder` and with what is inside; what its parent allows counts no
/// more. Files inside follow as far as they have no rule of their own.
///
/// # Errors
/// The folder is not there, or this user may not decide about it.
pub fn protect(folder: &Path, allowed: &Descriptor) -> io::Result<()> {
    let (name, list) = (wide(folder), allowed.dacl()?);
    // SAFETY: the name ends with a zero, the list lives as long as `allowed`, and null means "leave as it is".
    let code = unsafe {
        SetNamedSecurityInfoW(
            name.as_ptr(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
            ptr::null_mut(),
            ptr::null_mut(),
            list,
            ptr::null(),
        )
    };
    if code == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protected_folder_still_serves_its_owner_and_a_missing_one_is_named() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let all = Descriptor::from_sddl("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)").expect("a descriptor");
        protect(temp.path(), &all).expect("protected");
        std::fs::write(temp.path().join("aduan"), "x").expect("written");
        let missing = protect(&temp.path().join("tidak-ada"), &all).expect_err("nothing there");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
