//! The control socket: how a command asks the running service instead of touching its store.
//!
//! A Unix socket in the data folder, for the folder's owner alone. One JSON document per line:
//!
//! ```text
//!   command ──▶ {"do":"sync","wait":true}
//!           ◀── {"progress":{"type":"sent","n":12}}     any number
//!           ◀── {"ok":{"arrived":12}}                   exactly one of these two
//!           ◀── {"err":{"code":"KTG-102","exit":13,…}}
//! ```
//!
//! What the requests mean is each program's own; here are lines, bounds and errors.

mod client;
mod server;

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub use client::Client;
pub use server::{Listener, Progress, serve};

/// Longest request, with its line end.
pub const REQUEST_BYTES_MAX: usize = 1 << 20;
/// Longest single line of an answer. Longer results are sent as progress lines.
pub const LINE_BYTES_MAX: usize = 64 << 20;

/// The kernel takes 107 bytes for the name of a socket; longer paths go through the folder's descriptor.
const SOCKET_PATH_BYTES_MAX: usize = 100;

/// Runs `use_path` with a path to the socket that is short enough for the kernel.
fn with_short_path<T>(socket: &Path, use_path: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if socket.as_os_str().as_bytes().len() <= SOCKET_PATH_BYTES_MAX {
        return use_path(socket);
    }
    let invalid = || io::Error::from(io::ErrorKind::InvalidFilename);
    let folder = File::open(socket.parent().ok_or_else(invalid)?)?;
    let name = socket.file_name().ok_or_else(invalid)?;
    use_path(&PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name))
}

#[cfg(test)]
mod tests;
