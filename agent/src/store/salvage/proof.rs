//! What of the ops found proves itself: by the sum over name and bytes, or by the running hash between its neighbours.

use std::collections::{BTreeMap, BTreeSet};

use kentongan_host::carve::{Row, Value};
use kentongan_protocol::ids::OpId;
use kentongan_protocol::log::{ChainHash, LogHead};
use kentongan_protocol::op::{Op, origin};

use super::super::check::sum_of;
use super::super::stray::RETIRED;

/// One log on its way over.
pub(super) struct Plan {
    pub(super) head: LogHead,
    pub(super) own: bool,
    pub(super) ops: BTreeMap<u64, Sound>,
    /// Without gap up to here, and the running hash there.
    pub(super) held: u64,
    pub(super) chain: ChainHash,
}

impl Plan {
    /// The ops that an own log here was entered again for.
    pub(super) fn origins(&self) -> impl Iterator<Item = OpId> {
        self.ops.values().filter(|_| self.own).filter_map(|sound| origin(&sound.bytes))
    }

    /// Has those count again that were entered again, but under no name that is among `origins` of what is here. Gives
    /// back how many.
    pub(super) fn recall(&mut self, origins: &BTreeSet<OpId>) -> u64 {
        let (log, own) = (self.head.log(), self.own);
        let lost = self
            .ops
            .iter_mut()
            .filter(|(seq, sound)| own && sound.retired && !origins.contains(&OpId { log, seq: **seq }));
        lost.map(|(_, sound)| (sound.retired, sound.recalled) = (false, true)).count() as u64
    }

    /// Whether an op here waits for one that is lost.
    pub(super) fn is_stray(&self, seq: u64, sound: &Sound) -> bool {
        self.own && !sound.retired && (seq > self.held || sound.recalled)
    }
}

/// An op that proved itself.
pub(super) struct Sound {
    pub(super) bytes: Vec<u8>,
    pub(super) chain: Option<ChainHash>,
    pub(super) feed: Option<i64>,
    /// It was entered again under another name. What the hub set aside it says again: its verdicts are not taken over.
    pub(super) retired: bool,
    /// Its row stood in its log without gap. Such ops the mark beside the store counts, retired or not.
    pub(super) chained: bool,
    /// What it was entered as is lost in its turn: it counts again, and waits as if behind a gap.
    pub(super) recalled: bool,
    pub(super) op: Option<Op>,
}

/// Something found under the id of an op.
pub(super) struct Candidate {
    bytes: Vec<u8>,
    chain: Option<ChainHash>,
    feed: Option<i64>,
    retired: bool,
    /// Its sum is right: name and bytes are what was written.
    summed: bool,
    /// It says a sum, and that is wrong.
    wrong: bool,
}

impl Candidate {
    pub(super) fn of(row: &Row, id: OpId) -> Option<Candidate> {
        let bytes = row.values.get(2)?.blob()?.to_vec();
        let sum = row.values.get(6).and_then(Value::whole);
        let summed = sum == Some(sum_of(id, &bytes));
        Some(Candidate {
            chain: row.values.get(3).and_then(Value::bytes).map(ChainHash),
            feed: row.values.get(4).and_then(Value::whole),
            retired: row.values.get(5).and_then(Value::whole) == Some(RETIRED),
            summed,
            wrong: sum.is_some() && !summed,
            bytes,
        })
    }
}

impl Candidate {
    /// Whether its sum proves the name that it was looked at under.
    pub(super) fn is_summed(&self) -> bool {
        self.summed
    }
}

/// Picks what proves itself, and chains it from the first op on.
pub(super) fn assembled(head: LogHead, own: bool, candidates: BTreeMap<u64, Vec<Candidate>>) -> Plan {
    let start = head.chain_start();
    let mut plan = Plan { head, own, ops: BTreeMap::new(), held: 0, chain: start };
    // Every hash that was found at the op before: of ops of version 1 that is the only proof behind a gap.
    let mut before = vec![start];
    let mut last = 0;
    for (seq, found) in candidates {
        let follows = plan.held + 1 == seq;
        if last + 1 != seq {
            before.clear();
        }
        let chained = |candidate: &Candidate| {
            let mut hashes = before.iter().chain(follows.then_some(&plan.chain));
            candidate.chain.is_some_and(|chain| hashes.any(|hash| hash.then(&candidate.bytes) == chain))
        };
        let best = found.iter().find(|candidate| candidate.summed || (!candidate.wrong && chained(candidate)));
        // A wrong sum is not believed against a right hash: the sum itself may be what was hit.
        let best = best.or_else(|| found.iter().find(|candidate| chained(candidate)));
        if let Some(candidate) = best {
            let chain = follows.then(|| plan.chain.then(&candidate.bytes));
            if let Some(chain) = chain {
                (plan.held, plan.chain) = (seq, chain);
            }
            let op = Op::decode(&candidate.bytes).ok();
            let Candidate { bytes, feed, retired, .. } = candidate;
            let (bytes, chained) = (bytes.clone(), candidate.chain.is_some());
            plan.ops.insert(seq, Sound { bytes, chain, feed: *feed, retired: *retired, chained, recalled: false, op });
        }
        before = found.iter().filter_map(|candidate| candidate.chain).collect();
        before.extend(follows.then_some(plan.chain).filter(|_| plan.held == seq));
        last = seq;
    }
    plan
}
