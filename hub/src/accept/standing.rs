//! Whether a device may speak. Judged on every request: a resumed TLS connection does not show its certificate again,
//! and an office is to learn in words why it is not let in.

use kentongan_host::certificate::Facts;
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::wire::v1::Refusal;

use crate::store::{Replica, Result, Standing, Tx};

/// By what a request shows of which device it is.
#[derive(Debug, Clone)]
pub struct Shown(By);

#[derive(Debug, Clone)]
enum By {
    /// The certificate of its connection, if it can be read.
    Certificate(Option<Facts>),
    /// A signature over all of it, which was verified by the key of this replica.
    Signature(ReplicaId),
}

impl Shown {
    /// What stands in the certificate of a connection, if it showed one that can be read.
    pub fn new(facts: Option<Facts>) -> Shown {
        Shown(By::Certificate(facts))
    }

    /// The replica whose key, as it is known here, made the signature over the whole request. Its certificate is not looked
    /// at: that it ended says that no line led here for long, and a person at the hub has the file in their hands.
    pub fn signed(replica: ReplicaId) -> Shown {
        Shown(By::Signature(replica))
    }

    /// The replica that is shown.
    pub fn replica(&self) -> Option<ReplicaId> {
        match &self.0 {
            By::Certificate(facts) => facts.as_ref()?.common_name.as_ref()?.parse().ok(),
            By::Signature(replica) => Some(*replica),
        }
    }
}

/// The device, if it may speak at `now_ms`.
///
/// # Errors
/// A failure of the store. That a device may not speak is no failure.
pub(crate) fn check(tx: &mut dyn Tx, shown: &Shown, now_ms: i64) -> Result<std::result::Result<Replica, Refusal>> {
    let Some(id) = shown.replica() else { return Ok(Err(Refusal::Unknown)) };
    let Some(replica) = tx.replica(id)? else { return Ok(Err(Refusal::Unknown)) };
    let facts = match &shown.0 {
        By::Certificate(facts) => facts.as_ref(),
        By::Signature(_) => None,
    };
    // An older certificate of the same key counts until it ends: the answer that brought the newer one may be lost.
    if facts.is_some_and(|facts| facts.public_key != Some(replica.public_key)) {
        return Ok(Err(Refusal::Unknown));
    }
    if replica.standing != Standing::Active {
        return Ok(Err(Refusal::Revoked));
    }
    if facts.is_some_and(|facts| facts.validity.not_after_s.saturating_mul(1000) < now_ms) {
        return Ok(Err(Refusal::Expired));
    }
    Ok(Ok(replica))
}
