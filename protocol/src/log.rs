//! Logs: the ops of one run in one lane, numbered from 1 without gaps and chained by a running hash.
//!
//! A log dies with its process. A copied or restored folder can therefore never continue the log of another life: what
//! was written before the copy is the same op with the same name on both sides, what is written afterwards has a new
//! name. Nothing has to be detected for that to be right.

use sha2::{Digest, Sha256};

use crate::clock::RunHead;
use crate::error::Fault;
use crate::ids::{Lane, LogId, OfficeCode, ReplicaId};
use crate::planted::{self, Defect};
use crate::wire::{codec, v1};

/// What is said of a log before its first op.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// The log.
    pub log: LogId,
    /// Who writes it.
    pub replica: ReplicaId,
    /// The office whose records it is about.
    pub office: OfficeCode,
    /// Its priority class.
    pub lane: Lane,
    /// The run that writes it.
    pub run: RunHead,
}

/// A running hash over a log up to some op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHash(pub [u8; 32]);

impl LogHead {
    /// The hash before the first op.
    pub fn chain_start(&self) -> ChainHash {
        let mut hasher = Sha256::new();
        hasher.update(b"kentongan log 1");
        hasher.update(codec::encode(&v1::LogFrame::from(self)));
        ChainHash(hasher.finalize().into())
    }
}

impl ChainHash {
    /// The hash after one more op.
    pub fn then(self, op: &[u8]) -> ChainHash {
        let mut hasher = Sha256::new();
        hasher.update(self.0);
        hasher.update(op);
        ChainHash(hasher.finalize().into())
    }
}

/// What one side holds of a replica's logs, in sixteen bytes: two sides with the same holding hold the same.
///
/// The sum is over a hash of each log and its mark, so it does not depend on the order of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holding {
    /// Number of ops.
    pub ops: u64,
    /// Sum, modulo 2^64, over the logs.
    pub sum: u64,
}

impl Holding {
    /// Of these logs and marks.
    pub fn of(marks: impl IntoIterator<Item = (LogId, u64)>) -> Holding {
        let mut holding = Holding::default();
        for (log, mark) in marks {
            holding.moved(log, 0, mark);
        }
        holding
    }

    /// Takes note that the mark of `log` moved.
    pub fn moved(&mut self, log: LogId, from: u64, to: u64) {
        self.ops = self.ops.wrapping_sub(from).wrapping_add(to);
        self.sum = self.sum.wrapping_sub(part(log, from)).wrapping_add(part(log, to));
    }
}

fn part(log: LogId, mark: u64) -> u64 {
    if mark == 0 {
        return 0;
    }
    let digest = Sha256::new().chain_update(log.to_bytes()).chain_update(mark.to_be_bytes()).finalize();
    let mut first = [0; 8];
    first.iter_mut().zip(digest).for_each(|(slot, byte)| *slot = byte);
    u64::from_be_bytes(first)
}

/// What to do with ops offered for a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendPlan {
    /// This many of the offered ops are there already and must be the same.
    pub known: usize,
    /// The seq of the first op to append, if any are left.
    pub next_seq: u64,
}

/// Whether an offer begins beyond what is stored. Between an office and its hub this is no offence but the sign that the
/// hub was restored from an older copy: it passes over the ops, and its marks tell the office where to go on from.
pub fn leaves_gap(stored: u64, first_seq: u64) -> bool {
    first_seq.saturating_sub(1) > stored
}

/// Compares an offer with what is stored: `stored` ops of the log without gap, `count` offered from `first_seq` on.
///
/// # Errors
/// [`Fault::Peer`] for a gap (ask [`leaves_gap`] first where one may be) or a seq that cannot be.
pub fn plan_append(stored: u64, first_seq: u64, count: usize) -> Result<AppendPlan, Fault> {
    if first_seq == 0 || first_seq.checked_add(count as u64).is_none() {
        return Err(Fault::Peer("a seq that cannot be"));
    }
    if leaves_gap(stored, first_seq) {
        return Err(Fault::Peer("a gap in a log"));
    }
    let known = usize::try_from(stored + 1 - first_seq).unwrap_or(usize::MAX).min(count);
    let known = if planted::active(Defect::RetryAppends) { 0 } else { known };
    Ok(AppendPlan { known, next_seq: stored + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn offers_in_any_pieces_and_repetitions_append_each_op_once(
            offers in prop::collection::vec((1_u64..30, 0_usize..12), 0..60),
        ) {
            let mut stored = Vec::new();
            for (first, count) in offers {
                let offered: Vec<u64> = (first..first + count as u64).collect();
                match plan_append(stored.len() as u64, first, count) {
                    Ok(plan) => {
                        prop_assert!(offered[..plan.known].iter().all(|seq| stored.contains(seq)));
                        stored.extend(&offered[plan.known..]);
                    }
                    Err(_) => prop_assert!(first > stored.len() as u64 + 1),
                }
                prop_assert!(stored.iter().copied().eq(1..=stored.len() as u64));
            }
        }

        #[test]
        fn a_holding_does_not_depend_on_the_order(marks in prop::collection::btree_map(any::<u64>(), 0_u64..9, 0..20)) {
            let forward = Holding::of(marks.iter().map(|(log, mark)| (LogId(*log), *mark)));
            let mut backward = Holding::default();
            for (log, mark) in marks.iter().rev() {
                (0..*mark).for_each(|n| backward.moved(LogId(*log), n, n + 1));
            }
            prop_assert_eq!(forward, backward);
            prop_assert_eq!(forward.ops, marks.values().sum::<u64>());
        }
    }

    #[test]
    fn absurd_seqs_are_refused() {
        assert!(plan_append(0, 0, 1).is_err());
        assert!(plan_append(5, u64::MAX, 2).is_err());
        assert_eq!(plan_append(5, 3, 2), Ok(AppendPlan { known: 2, next_seq: 6 }));
    }
}
