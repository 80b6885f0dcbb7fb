//! What the store keeps, as the rest of the hub sees it. No table, no column, no SQL shows here.

mod accounts;
mod attachments;
mod days;
mod feed;
mod journals;
mod logs;
mod parties;
mod programs;
mod records;
mod work;

pub use accounts::{Account, Invitation, Login, Role, SecondFactor, Stage};
pub use attachments::{Attachment, AttachmentState, Named};
pub use days::{DAYS_KEPT, Delays, OfficeDay, Reference};
pub use feed::{FeedItem, FeedLimit, FeedRow, FeedSlice};
pub use journals::{AuditEntry, AuditEvent, AuditFilter, ExchangeNote, JOURNAL_ROWS_MAX};
pub use logs::{Attestation, Fork, Log, NewOp, OpState, Run, StoredOp};
pub use parties::{
    Applicant, Approval, CLOCK_UNMEASURED_MS, Certificate, EnrolCode, HubIdentity, LastContact, Office, OfficeNote,
    Replica, Standing,
};
pub use programs::{ApiKey, REMEMBERED_MS, Remembered};
pub use records::{Attention, Born, Conflict, Page, RecordFilter, RecordRow, RecordTally, Totals};
pub use work::{Case, CaseCount, CaseFilter, CasePlace, Decision, Seen, SurveyMonth};
