//! The log that administrators of Windows look into.

use std::io;
use std::ptr;

use windows_sys::Win32::Foundation::{FALSE, HANDLE};
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE, RegisterEventSourceW,
    ReportEventW,
};

use crate::wide;

/// How an entry is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something that finished.
    Information,
    /// Recovered by itself, or will.
    Warning,
    /// Needs a person.
    Error,
}

/// A source of entries, by the name under which the installer registered it.
#[derive(Debug)]
pub struct Source {
    handle: HANDLE,
}

// SAFETY: the handle belongs to this value alone, and the system lets any thread use it.
unsafe impl Send for Source {}
// SAFETY: entries may be written from several threads at once.
unsafe impl Sync for Source {}

impl Source {
    /// Opens the source. A name that nobody registered works too; its entries look bare.
    ///
    /// # Errors
    /// The event log does not run.
    pub fn open(name: &str) -> io::Result<Source> {
        let name = wide(name);
        // SAFETY: the name ends with a zero and lives through the call; null means this PC.
        let handle = unsafe { RegisterEventSourceW(ptr::null(), name.as_ptr()) };
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Source { handle }) }
    }

    /// Writes one entry. `id` tells kinds of entries apart.
    ///
    /// # Errors
    /// The log is full or gone.
    pub fn report(&self, kind: Kind, id: u32, text: &str) -> io::Result<()> {
        let kind = match kind {
            Kind::Information => EVENTLOG_INFORMATION_TYPE,
            Kind::Warning => EVENTLOG_WARNING_TYPE,
            Kind::Error => EVENTLOG_ERROR_TYPE,
        };
        let text = wide(text);
        let texts = [text.as_ptr()];
        // SAFETY: one text, which ends with a zero and lives through the call as the list of it does; no user, no data.
        let done =
            unsafe { ReportEventW(self.handle, kind, 0, id, ptr::null_mut(), 1, 0, texts.as_ptr(), ptr::null()) };
        if done == FALSE { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and not used after this.
        unsafe { DeregisterEventSource(self.handle) };
    }
}
