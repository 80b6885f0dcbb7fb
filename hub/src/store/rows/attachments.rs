//! Files that records name.

use kentongan_protocol::attachment::Content;

/// A file that ops name, and how much of it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The file, as the ops name it.
    pub content: Content,
    /// Where it is.
    pub state: AttachmentState,
    /// When an op first named it, milliseconds since 1970.
    pub since_ms: i64,
}

/// Where a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentState {
    /// Not here, or not whole.
    Wanted {
        /// Bytes from its beginning that are here.
        held: u32,
        /// How often it came whole and was another file than its name says.
        failed: u8,
    },
    /// In the archive.
    Held,
    /// Not to be had, or not what it claims to be: kept aside, never shown as what it claims.
    SetAside,
}

/// A record that names a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The file.
    pub attachment: Attachment,
    /// What people call it.
    pub name: String,
}
