//! Why a store could not be opened, and what that is for whoever started the program.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::fail::Failure;
use crate::ktg::Ktg;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFailure {
    /// The file is damaged. It was not touched.
    #[error("the database {path} is damaged: {detail}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        detail: String,
    },
    /// The file was written by a newer program.
    #[error("the database {path} has version {found}, this program knows {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Version of the file.
        found: u32,
        /// Newest version that this program knows.
        known: u32,
    },
    /// The file belongs to another program.
    #[error("the database {path} belongs to another program (application id {found:#010x})")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The id in its header.
        found: u32,
    },
    /// The file's folder cannot keep the promise of durability (for example a network share).
    #[error("the folder of {path} does not allow a safe database (journal {journal}, synchronous {synchronous})")]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// The journal mode that SQLite settled for.
        journal: String,
        /// The level that SQLite settled for.
        synchronous: i64,
    },
    /// A file operation failed.
    #[error("the file {0}")]
    File(PathBuf, #[source] io::Error),
    /// SQLite refused something else.
    #[error("{1} in the database {0}")]
    Sqlite(PathBuf, &'static str, #[source] rusqlite::Error),
}

impl From<OpenFailure> for Failure {
    fn from(failure: OpenFailure) -> Failure {
        let ktg = match &failure {
            OpenFailure::Damaged { .. } => Ktg::StoreDamaged,
            OpenFailure::Newer { .. } | OpenFailure::Foreign { .. } => Ktg::StoreNewer,
            OpenFailure::Unsafe { .. } => Ktg::Permission,
            OpenFailure::File(..) | OpenFailure::Sqlite(..) => return anyhow::Error::from(failure).into(),
        };
        let detail = failure.to_string();
        Failure::of(ktg).with_detail(detail)
    }
}

/// What an error of SQLite's says of the file.
pub(super) fn failed(path: &Path, doing: &'static str, error: rusqlite::Error) -> OpenFailure {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenFailure::Damaged { path: path.to_owned(), detail: error.to_string() }
        }
        _ => OpenFailure::Sqlite(path.to_owned(), doing, error),
    }
}
