//! What the journal and the log say of an exchange.

use kentongan_protocol::ids::ReplicaId;

use super::Counts;
use super::call::Moment;
use crate::store::ExchangeNote;

/// Who spoke, since when, and how much.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    /// Known when it may speak.
    pub(super) replica: Option<ReplicaId>,
    started: Moment,
    /// Bytes of the request so far.
    pub(super) bytes_in: u64,
    /// Bytes of the reply so far.
    pub(super) bytes_out: u64,
    /// What was told of it, once it has ended.
    account: Option<Account>,
    /// Somebody carried it here.
    pub(super) is_carried: bool,
}

/// Whether the journal's word for how an exchange ended says that both sides said all that they had to say.
pub(crate) fn ended_well(outcome: &str) -> bool {
    matches!(outcome, OK | CARRIED)
}

/// The journal's word for a whole exchange.
const OK: &str = "ok";
/// And for one that came as a bundle.
pub(crate) const CARRIED: &str = "carried";

/// How an exchange ended and what it carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// `ok`, or another stable word.
    pub outcome: &'static str,
    /// What it carried.
    pub counts: Counts,
    /// Bytes of the request.
    pub bytes_in: u64,
    /// Bytes of the reply.
    pub bytes_out: u64,
}

impl Meter {
    pub(super) fn new(started: Moment) -> Meter {
        Meter { replica: None, started, bytes_in: 0, bytes_out: 0, account: None, is_carried: false }
    }

    /// The journal's word for this exchange when it is whole.
    pub(super) fn well(&self) -> &'static str {
        if self.is_carried { CARRIED } else { OK }
    }

    /// A line of the journal.
    pub(super) fn note(&self, outcome: &str, counts: Counts, now: Moment) -> ExchangeNote {
        ExchangeNote {
            replica: self.replica.unwrap_or(ReplicaId(0)),
            started_ms: self.started.wall_ms,
            took_ms: now.boot_ms.saturating_sub(self.started.boot_ms),
            outcome: outcome.to_owned(),
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            ops_in: counts.stored,
            ops_out: counts.restored + counts.fed,
        }
    }

    /// How it ended, once it has.
    pub(super) fn account(&self) -> Option<Account> {
        self.account
    }

    /// Writes the log line of an exchange, which has ended with this.
    pub(super) fn told(&mut self, outcome: &'static str, counts: Counts) {
        let replica = self.replica.map(|id| id.to_string());
        let (bytes_in, bytes_out) = (self.bytes_in, self.bytes_out);
        let Counts { stored, repeated, echoed, restored, fed, file_bytes, .. } = counts;
        self.account = Some(Account { outcome, counts, bytes_in, bytes_out });
        let (ev, said) = match outcome {
            OK | CARRIED => ("sync.exchange.finished", "an exchange finished"),
            _ => ("sync.exchange.ended", "an exchange ended early"),
        };
        tracing::info!(
            ev, replica, outcome, stored, repeated, echoed, restored, fed, file_bytes, bytes_in, bytes_out, "{said}"
        );
    }
}
