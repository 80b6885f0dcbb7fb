//! A named pipe for few.

use std::ffi::c_void;
use std::io;
use std::path::Path;

use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use windows_sys::Win32::Foundation::FALSE;
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;

use crate::security::Descriptor;

/// Whether the name must be free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instance {
    /// The first of its name: whoever took the name before us is no service of ours.
    First,
    /// One more, for the next command.
    Further,
}

/// Opens the service's end of the pipe `name`, for programs of this PC alone and of those the users that `allowed` names.
/// Must be called inside a tokio runtime.
///
/// # Errors
/// The system refuses; `PermissionDenied` where the name is taken.
pub fn open(name: &Path, allowed: &Descriptor, instance: Instance) -> io::Result<NamedPipeServer> {
    let mut attributes = SECURITY_ATTRIBUTES {
        nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).expect("a few bytes"),
        lpSecurityDescriptor: allowed.as_ptr(),
        bInheritHandle: FALSE,
    };
    let mut options = ServerOptions::new();
    options.first_pipe_instance(instance == Instance::First).reject_remote_clients(true);
    let attributes: *mut c_void = (&raw mut attributes).cast();
    // SAFETY: `attributes` points to a filled-in structure of the type that the call expects, and lives through it, as
    // does the descriptor that it points to.
    unsafe { options.create_with_security_attributes_raw(name, attributes) }
}
