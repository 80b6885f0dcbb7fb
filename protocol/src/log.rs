//! Logs: the ops of one run in one lane, numbered from 1 without gaps and chained by a running hash.
//!
//! A log dies with its process. A copied or restored folder can therefore never continue the log of another life: what
//! was written before the copy is the same op with the same name on both sides, what is written afterwards has a new
//! name. Nothing has to be detected for that to be right.
//!
//! A log is named by what its head says: the name is the beginning of a hash over it. A name drawn at random would belong
//! to whoever says it first; this one can be taken by nobody, not even while a restored hub has forgotten its owner.

use sha2::{Digest, Sha256};

use crate::clock::RunHead;
use crate::error::Fault;
use crate::ids::{Lane, LogId, OfficeCode, ReplicaId};
use crate::planted::{self, Defect};
use crate::wire::{codec, v1};

/// What is said of a log before its first op. Its name follows from that: a head with the name of another cannot be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    replica: ReplicaId,
    office: OfficeCode,
    lane: Lane,
    run: RunHead,
    start: ChainHash,
}

/// A running hash over a log up to some op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHash(pub [u8; 32]);

impl LogHead {
    /// Of the log that `run` of `replica` writes in `lane` about `office`.
    pub fn new(replica: ReplicaId, office: OfficeCode, lane: Lane, run: RunHead) -> LogHead {
        let mut head = LogHead { replica, office, lane, run, start: ChainHash([0; 32]) };
        let said = codec::encode(&v1::LogFrame::from(&head));
        head.start = ChainHash(Sha256::new().chain_update(b"kentongan log 1").chain_update(said).finalize().into());
        head
    }

    /// The log: the first 8 bytes of [`LogHead::chain_start`].
    pub fn log(&self) -> LogId {
        let [a, b, c, d, e, f, g, h, ..] = self.start.0;
        LogId::from_bytes([a, b, c, d, e, f, g, h])
    }

    /// Who writes it.
    pub fn replica(&self) -> ReplicaId {
        self.replica
    }

    /// The office whose records it is about.
    pub fn office(&self) -> &OfficeCode {
        &self.office
    }

    /// Its priority class.
    pub fn lane(&self) -> Lane {
        self.lane
    }

    /// The run that writes it.
    pub fn run(&self) -> &RunHead {
        &self.run
    }

    /// The hash before the first op, over everything that the head says.
    pub fn chain_start(&self) -> ChainHash {
        self.start
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
    first_seq.saturating_sub(1) > stored && !planted::active(Defect::GapAppended)
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
    let known = usize::try_from((stored + 1).saturating_sub(first_seq)).unwrap_or(usize::MAX).min(count);
    let known = if planted::active(Defect::RetryAppends) { 0 } else { known };
    Ok(AppendPlan { known, next_seq: stored + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::RunId;
    use proptest::prelude::*;

    fn head() -> impl Strategy<Value = LogHead> {
        let office = prop::sample::select(vec!["32.73.05.1001", "32.73.05.1001-PKM1", "32.73.05.1002"]);
        let run = (0_u64..3, 0_u32..3, prop::option::of(0_u64..3), 0_u64..3, 0_u64..3, -1_i64..2);
        (0_u64..3, office, prop::sample::select(Lane::ALL.to_vec()), run).prop_map(
            |(replica, office, lane, (run, ordinal, before, boot, boot_ms, wall_ms))| {
                let before = before.map(RunId);
                let run = RunHead { run: RunId(run), ordinal, before, boot, boot_ms, wall_ms };
                LogHead::new(ReplicaId(replica), office.parse().expect("an office code"), lane, run)
            },
        )
    }

    /// Heads that differ from this one in one thing each.
    fn neighbours(head: &LogHead) -> Vec<LogHead> {
        let LogHead { replica, office, lane, run, .. } = head.clone();
        let runs = [
            RunHead { run: RunId(!run.run.0), ..run },
            RunHead { ordinal: run.ordinal + 1, ..run },
            RunHead { before: run.before.is_none().then_some(RunId(0)), ..run },
            RunHead { before: Some(RunId(run.before.map_or(0, |before| before.0) + 1)), ..run },
            RunHead { boot: run.boot + 1, ..run },
            RunHead { boot_ms: run.boot_ms + 1, ..run },
            RunHead { wall_ms: run.wall_ms - 1, ..run },
        ];
        let mut others: Vec<_> = runs.map(|run| LogHead::new(replica, office.clone(), lane, run)).to_vec();
        others.push(LogHead::new(ReplicaId(replica.0 + 1), office.clone(), lane, run));
        others.push(LogHead::new(replica, "32.73.06.1001".parse().expect("an office code"), lane, run));
        others.extend(Lane::ALL.map(|lane| LogHead::new(replica, office.clone(), lane, run)));
        others.retain(|other| other != head);
        others
    }

    proptest! {
        #[test]
        fn a_log_has_another_name_if_anything_in_its_head_is_another(head in head()) {
            let others = neighbours(&head);
            prop_assert_eq!(others.len(), 12);
            for other in others {
                prop_assert_ne!(other.log(), head.log());
                prop_assert_ne!(other.chain_start(), head.chain_start());
            }
        }

        #[test]
        fn one_name_is_one_head(first in head(), second in head()) {
            prop_assert_eq!(first == second, first.log() == second.log());
            prop_assert_eq!(LogHead::try_from(&v1::LogFrame::from(&first)), Ok(first));
        }

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
