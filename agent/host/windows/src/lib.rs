//! The few calls of Windows that no safe library offers.
//!
//! The workspace forbids `unsafe`. What an office's PC with Windows needs beyond the standard library and tokio (who may
//! touch a folder or a pipe, wrapping a key for this PC alone, the event log, free space, the zone of its clock) is a dozen calls of its C
//! interface. Wrappers for some of them exist, each of its own age and style and none for a folder's rights; so the
//! dozen stands here, behind functions that cannot be misused, and nothing else does. On other systems the crate is
//! empty.
//!
//! ```text
//!   security  who may do what, from the text that administrators know (SDDL)
//!   folder    a folder for those alone        pipe      a named pipe for those alone
//!   secret    bytes that only this PC reads   event_log what administrators look into
//!   disk      free space                clock     how far this PC's clock is from UTC
//! ```

#![cfg(windows)]

pub mod clock;
pub mod disk;
pub mod event_log;
pub mod folder;
pub mod pipe;
pub mod secret;
pub mod security;

use std::ffi::OsStr;
use std::os::windows::ffi::OsStrExt;

/// Text as Windows takes it: UTF-16 that ends with a zero. What follows a zero inside is left out, as everywhere there.
fn wide(text: impl AsRef<OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}
