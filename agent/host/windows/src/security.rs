//! Who may do what, as a security descriptor.

use std::io;
use std::ptr;

use windows_sys::Win32::Foundation::{FALSE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{ACL, GetSecurityDescriptorDacl, PSECURITY_DESCRIPTOR};

use crate::wide;

/// A security descriptor, made of its text.
#[derive(Debug)]
pub struct Descriptor {
    /// Made by the system, freed once, never changed.
    held: PSECURITY_DESCRIPTOR,
}

// SAFETY: the descriptor is plain memory of the process heap, belongs to this value alone and is only read.
unsafe impl Send for Descriptor {}
// SAFETY: as above; reading it from several threads at once changes nothing.
unsafe impl Sync for Descriptor {}

impl Descriptor {
    /// Reads the text, such as `D:P(A;;GA;;;SY)`.
    ///
    /// # Errors
    /// The text is none of a security descriptor.
    pub fn from_sddl(text: &str) -> io::Result<Descriptor> {
        let (text, mut held) = (wide(text), ptr::null_mut());
        // SAFETY: `text` ends with a zero and `held` is a place for a pointer; both live through the call.
        let made = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &mut held,
                ptr::null_mut(),
            )
        };
        if made == FALSE { Err(io::Error::last_os_error()) } else { Ok(Descriptor { held }) }
    }

    /// For calls that read it while `self` lives.
    pub(crate) fn as_ptr(&self) -> PSECURITY_DESCRIPTOR {
        self.held
    }

    /// The list of who may do what, inside the descriptor.
    pub(crate) fn dacl(&self) -> io::Result<*const ACL> {
        let (mut present, mut defaulted, mut list) = (FALSE, FALSE, ptr::null_mut());
        // SAFETY: `held` is a valid descriptor, and the three places live through the call.
        let read = unsafe { GetSecurityDescriptorDacl(self.held, &mut present, &mut list, &mut defaulted) };
        if read == FALSE {
            return Err(io::Error::last_os_error());
        }
        // No list would let everybody do everything.
        if present == FALSE || list.is_null() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(list)
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the system made it with its own allocator, and nobody else has it.
        unsafe { LocalFree(self.held) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_list_gives_nobody_everything() {
        assert!(Descriptor::from_sddl("bukan").is_err());
        assert!(Descriptor::from_sddl("O:BA").expect("a descriptor").dacl().is_err());
        assert!(Descriptor::from_sddl("D:P(A;;GA;;;SY)").expect("a descriptor").dacl().is_ok());
    }
}
