//! A PC on paper: what it would have written, as the hub would have taken it in.

use std::collections::BTreeMap;

use kentongan_protocol::clock::{HybridClock, KnownRun, RunHead};
use kentongan_protocol::ids::{Lane, OfficeCode, OpId, ReplicaId, RunId};
use kentongan_protocol::log::{ChainHash, Holding, LogHead};
use kentongan_protocol::op::{Action, Op, Write};

use super::dice::Dice;
use crate::accept::intake::Intake;
use crate::store::{Result, Run, StoreError, Tx};

/// How long a PC runs until it is started again.
pub(super) const RUN_MS: i64 = 7 * 24 * 3_600_000;
/// Between two entries of one contact.
const STEP_MS: i64 = 60_000;

/// A device of an office.
#[derive(Debug)]
pub(super) struct Pc {
    pub(super) replica: ReplicaId,
    pub(super) office: OfficeCode,
    pub(super) holding: Holding,
    run: Option<RunHead>,
    logs: BTreeMap<Lane, End>,
    hybrid: HybridClock,
}

/// How far a log of the present run is written.
#[derive(Debug)]
struct End {
    head: LogHead,
    seq: u64,
    chain: ChainHash,
}

/// Something that a person entered.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) lane: Lane,
    pub(super) action: Action,
    pub(super) author: String,
    pub(super) writes: Vec<Write>,
}

impl Pc {
    pub(super) fn new(replica: ReplicaId, office: OfficeCode) -> Pc {
        let (holding, hybrid) = (Holding::default(), HybridClock::default());
        Pc { replica, office, holding, run: None, logs: BTreeMap::new(), hybrid }
    }

    /// The run that spoke last.
    pub(super) fn run_now(&self) -> Option<RunId> {
        self.run.map(|run| run.run)
    }

    /// Hands over what was entered before `now_ms`, the oldest first. Gives back the names of the ops.
    pub(super) fn deliver(
        &mut self,
        tx: &mut dyn Tx,
        hub: ReplicaId,
        entries: Vec<Entry>,
        now_ms: i64,
        dice: &mut Dice,
    ) -> Result<Vec<OpId>> {
        let run = self.running(tx, now_ms, dice)?;
        let mut written_ms = now_ms - STEP_MS * (entries.len() as i64 + 1);
        let lanes: Vec<Lane> = entries.iter().map(|entry| entry.lane).collect();
        for lane in lanes {
            if !self.logs.contains_key(&lane) {
                let head = LogHead::new(self.replica, self.office.clone(), lane, run);
                tx.insert_log(&head)?;
                self.logs.insert(lane, End { chain: head.chain_start(), seq: 0, head });
            }
        }
        let before: Vec<(Lane, u64)> = self.logs.iter().map(|(lane, end)| (*lane, end.seq)).collect();
        let mut names = Vec::with_capacity(entries.len());
        let mut intake = Intake::new(tx, hub, now_ms);
        for entry in entries {
            written_ms += STEP_MS;
            let elapsed_ms = u64::try_from(written_ms - run.wall_ms).unwrap_or(0);
            let (hlc, Entry { lane, action, author, writes }) = (self.hybrid.tick(written_ms), entry);
            let op = Op { action, author, elapsed_ms, hlc, writes };
            let bytes = op.encode().map_err(|_| StoreError::Damaged("a made-up op that is none"))?;
            let Some(end) = self.logs.get_mut(&lane) else { continue };
            end.seq += 1;
            end.chain = end.chain.then(&bytes);
            let id = OpId { log: end.head.log(), seq: end.seq };
            intake.admit(&end.head, id, &bytes, end.chain)?;
            names.push(id);
        }
        intake.finish()?;
        for (lane, seq) in before {
            let Some(end) = self.logs.get(&lane).filter(|end| end.seq > seq) else { continue };
            tx.advance_log(end.head.log(), end.seq, end.chain)?;
            self.holding.moved(end.head.log(), seq, end.seq);
        }
        Ok(names)
    }

    /// The present run, or a new one once the present one is old.
    fn running(&mut self, tx: &mut dyn Tx, now_ms: i64, dice: &mut Dice) -> Result<RunHead> {
        if let Some(run) = self.run.filter(|run| now_ms - run.wall_ms < RUN_MS) {
            return Ok(run);
        }
        let before = self.run;
        let began_ms = now_ms - dice.within(7, 8) * 3_600_000;
        let head = RunHead {
            run: RunId(dice.number()),
            ordinal: before.map_or(1, |before| before.ordinal + 1),
            before: before.map(|before| before.run),
            boot: dice.number(),
            boot_ms: 60_000,
            wall_ms: began_ms,
        };
        let known = KnownRun {
            replica: self.replica,
            head,
            measured: Some((began_ms, 400)),
            elapsed_ms: u64::try_from(now_ms - began_ms).unwrap_or(0),
            heard_ms: now_ms,
        };
        tx.put_run(&Run { known, superseded_ms: None })?;
        self.run = Some(head);
        self.logs.clear();
        Ok(head)
    }
}
