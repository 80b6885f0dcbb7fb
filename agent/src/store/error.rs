//! What can go wrong in the store, and what to tell people.

use kentongan_host::bundle;
use kentongan_host::exit::Exit;
use kentongan_host::fail::{Failure, is_disk_failure};
use kentongan_host::ktg::Ktg;
use kentongan_host::output::process_lang;
use kentongan_host::sqlite::OpenFailure;
use kentongan_host::store_thread::Broken;
use kentongan_protocol::error::Fault;
use kentongan_protocol::form;
use thiserror::Error;

use crate::people;

/// An error of the store.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file could not be opened.
    #[error(transparent)]
    Open(#[from] OpenFailure),
    /// SQLite failed.
    #[error("could not {doing}")]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// SQLite's own error.
        source: rusqlite::Error,
    },
    /// Nothing can be entered before enrolment.
    #[error("this installation is not enrolled")]
    NotEnrolled,
    /// There is no such record here.
    #[error("there is no such record on this PC")]
    NoSuchRecord,
    /// There is nobody with that number, or they left.
    #[error("there is no such person on this PC")]
    NoSuchPerson,
    /// A name is empty, too long, or taken.
    #[error("a name that nobody can have")]
    UnfitName,
    /// There would be people and no duty manager among them.
    #[error("an office needs a duty manager")]
    NeedsManager,
    /// The record does not fit its form.
    #[error("the record does not fit its form")]
    Unfit(Vec<form::Fault>),
    /// A file that was carried here is of no use.
    #[error(transparent)]
    Carried(#[from] bundle::Fault),
    /// What the hub sent breaks the protocol.
    #[error(transparent)]
    Protocol(#[from] Fault),
    /// The thread that owns the store could not do it.
    #[error(transparent)]
    Thread(#[from] Broken),
    /// Nothing may be written at this moment.
    #[error(transparent)]
    Refused(Box<Failure>),
    /// Something stored is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(&'static str),
    /// What is in the store cannot be; a defect of ours or of the disk.
    #[error("the store holds what cannot be: {0}")]
    Broken(&'static str),
}

impl StoreError {
    /// Wraps SQLite's error with what was being done.
    pub(crate) fn because(doing: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError {
        move |source| StoreError::Sqlite { doing, source }
    }

    /// Whether the disk failed, or may have.
    pub fn is_disk_failure(&self) -> bool {
        matches!(self, StoreError::Sqlite { source, .. } if is_disk_failure(source))
    }

    /// Whether the store itself is damaged: it is to be repaired.
    pub fn is_damage(&self) -> bool {
        use rusqlite::{Error, ErrorCode};
        match self {
            StoreError::Damaged(_) | StoreError::Open(OpenFailure::Damaged { .. }) => true,
            StoreError::Sqlite { source, .. } => match source {
                Error::SqliteFailure(error, _) => {
                    matches!(error.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                }
                // A column that holds what the table does not allow.
                Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..)
                | Error::Utf8Error(..) => true,
                _ => false,
            },
            _ => false,
        }
    }

    fn sqlite_code(&self) -> Option<rusqlite::ErrorCode> {
        match self {
            StoreError::Sqlite { source: rusqlite::Error::SqliteFailure(error, _), .. } => Some(error.code),
            _ => None,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        use rusqlite::ErrorCode;
        if error.is_damage() {
            return Failure::of(Ktg::StoreDamaged).caused_by(error);
        }
        if let Some(failure) = people::unfit(&error) {
            return failure;
        }
        match error {
            StoreError::Open(failure) => failure.into(),
            StoreError::Thread(broken) => broken.into(),
            StoreError::Refused(failure) => *failure,
            StoreError::NotEnrolled => not_enrolled(),
            StoreError::NoSuchRecord => Failure::new(
                Exit::Failed,
                "Catatan itu tidak ada di komputer ini.",
                "There is no such record on this PC.",
            ),
            StoreError::Carried(fault) => unfit_file(fault),
            StoreError::Protocol(Fault::Limit(_)) => Failure::of(Ktg::TooLarge).caused_by(error),
            StoreError::Unfit(_) => Failure::of(Ktg::InvalidField).caused_by(error),
            _ => match error.sqlite_code() {
                Some(ErrorCode::DiskFull) => Failure::of(Ktg::NoSpace).caused_by(error),
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                    Failure::of(Ktg::Permission).caused_by(error)
                }
                Some(ErrorCode::SystemIoFailure) if error.is_disk_failure() => {
                    Failure::of(Ktg::DiskFailed).caused_by(error)
                }
                _ => Failure::from(anyhow::Error::new(error)),
            },
        }
    }
}

/// What to say of a file that a person carried here in vain.
fn unfit_file(fault: bundle::Fault) -> Failure {
    let sentence = fault.sentence(process_lang());
    Failure::new(Exit::Failed, format!("Tidak diterima: {sentence}."), format!("Not taken: {sentence}."))
}

/// What to say when something needs enrolment.
pub fn not_enrolled() -> Failure {
    Failure::new(Exit::NotEnrolled, "Komputer ini belum terdaftar di pusat.", "This PC is not enrolled at a hub yet.")
        .with_hint(
            "Minta kode pendaftaran ke operator pusat, lalu: kentongan-agent enrol --hub URL --code KODE",
            "Ask the hub's operator for an enrolment code, then: kentongan-agent enrol --hub URL --code CODE",
        )
}
