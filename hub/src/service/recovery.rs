//! The operator's side of a forgotten PIN: the answer to a challenge that an office reads out, see
//! [`kentongan_host::recovery`].

use kentongan_host::recovery::Challenge;
use kentongan_host::{Exit, Failure};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Desk;
use crate::store::{Standing, Tx};

/// What the operator reads out, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Code of the office.
    pub office: String,
    /// Its name.
    pub office_name: String,
    /// The device's id.
    pub replica: String,
    /// Name of the PC.
    pub host: String,
    /// Number of the person on that PC.
    pub person: u16,
    /// Two groups of four digits.
    pub answer: String,
}

/// Answers a challenge. Each answer is in the audit trail.
///
/// # Errors
/// Exit 2 for a text that is no challenge, exit 1 for a device that is not known or was revoked, or a failure of the
/// store.
pub(super) fn answer(tx: &mut dyn Tx, desk: &Desk, challenge: &str) -> Result<Recovery, Failure> {
    let challenge: Challenge = challenge.parse().map_err(|_| {
        Failure::usage(
            format!("{challenge:?} bukan tantangan; contoh: 7K3M-0002-482199"),
            format!("{challenge:?} is no challenge; for example: 7K3M-0002-482199"),
        )
    })?;
    let replica = tx.replica_by_prefix(challenge.prefix.number())?;
    let replica = replica.filter(|replica| replica.standing == Standing::Active).ok_or_else(|| {
        let prefix = challenge.prefix;
        Failure::new(
            Exit::Failed,
            format!("Tidak ada PC aktif dengan awalan kode {prefix}."),
            format!("There is no active PC with the code prefix {prefix}."),
        )
        .with_hint("Minta kantor membacakannya sekali lagi.", "Ask the office to read it out once more.")
    })?;
    let office_name = tx.office(&replica.office)?.map(|office| office.name).unwrap_or_default();
    let detail = json!({ "office": replica.office.as_str(), "person": challenge.person });
    desk.audit(tx, "pin.recovered", &replica.id.to_string(), detail)?;
    Ok(Recovery {
        office: replica.office.to_string(),
        office_name,
        replica: replica.id.to_string(),
        host: replica.name,
        person: challenge.person,
        answer: challenge.answer(&desk.authority().recovery_key(replica.id), replica.id),
    })
}
