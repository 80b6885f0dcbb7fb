//! Whether a device may speak. Judged on every request: a resumed TLS connection does not show its certificate again,
//! and an office is to learn in words why it is not let in.

use kentongan_host::certificate::Facts;
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::wire::v1::Refusal;

use crate::store::{Replica, Result, Standing, Tx};

/// What a connection shows of its device.
#[derive(Debug, Clone)]
pub struct Shown {
    facts: Option<Facts>,
}

impl Shown {
    /// What stands in the certificate of a connection, if it showed one that can be read.
    pub fn new(facts: Option<Facts>) -> Shown {
        Shown { facts }
    }

    /// The replica that the certificate names.
    pub fn replica(&self) -> Option<ReplicaId> {
        self.facts.as_ref()?.common_name.as_ref()?.parse().ok()
    }
}

/// The device, if it may speak at `now_ms`.
///
/// # Errors
/// A failure of the store. That a device may not speak is no failure.
pub(crate) fn check(tx: &mut dyn Tx, shown: &Shown, now_ms: i64) -> Result<std::result::Result<Replica, Refusal>> {
    let (Some(facts), Some(id)) = (&shown.facts, shown.replica()) else { return Ok(Err(Refusal::Unknown)) };
    let Some(replica) = tx.replica(id)? else { return Ok(Err(Refusal::Unknown)) };
    // An older certificate of the same key counts until it ends: the answer that brought the newer one may be lost.
    if facts.public_key != Some(replica.public_key) {
        return Ok(Err(Refusal::Unknown));
    }
    if replica.standing != Standing::Active {
        return Ok(Err(Refusal::Revoked));
    }
    if facts.validity.not_after_s.saturating_mul(1000) < now_ms {
        return Ok(Err(Refusal::Expired));
    }
    Ok(Ok(replica))
}
