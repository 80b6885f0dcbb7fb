//! The part of a request that carries ops, and the signatures over them.

use std::collections::BTreeMap;

use super::agent::{OpenLog, OutboundOp, Outbox};
use super::line::Logs;
use crate::ids::LogId;
use crate::limits::{ATTEST_HEADS_MAX, ECHO_BYTES_MAX, FRAME_BODY_BYTES_AIM};
use crate::log::ChainHash;
use crate::pack::Packer;
use crate::wire::codec::{Blob, List};
use crate::wire::v1::{Attest, Frame, Hello, LogFrame, Ops, RunLog, Signed};

/// Bytes of own ops after which a request has a signature: what lies between two can be given back to a hub that forgot
/// it, see [`ECHO_BYTES_MAX`].
const SIGNED_BYTES_AIM: usize = ECHO_BYTES_MAX / 2;

/// The part of a request that carries ops.
pub(super) struct OpsOut<'a, O> {
    outbox: &'a mut O,
    out: &'a mut Vec<u8>,
    packer: Packer,
    /// The logs that the hub knows by number.
    up: &'a mut Logs,
    bytes_max: usize,
    /// Aim for the bytes of ops in a frame.
    pub(super) frame_bytes: usize,
    /// The greeting of the request.
    hello: &'a Hello,
    /// How far each own log was sent since the last signature.
    unsigned: BTreeMap<LogId, (u64, ChainHash)>,
    unsigned_bytes: usize,
    /// Whether own ops are signed in this request.
    pub(super) is_signed: bool,
    /// Heads of each signature.
    pub(super) signed: Vec<Vec<(LogId, u64)>>,
}

impl<'a, O: Outbox> OpsOut<'a, O> {
    pub(super) fn new(
        outbox: &'a mut O,
        out: &'a mut Vec<u8>,
        packer: Packer,
        up: &'a mut Logs,
        hello: &'a Hello,
        bytes_aim: usize,
    ) -> Self {
        // Counted from here: a greeting or an inventory of any length leaves the ops their room.
        let bytes_max = out.len().saturating_add(bytes_aim);
        OpsOut {
            outbox,
            out,
            packer,
            up,
            bytes_max,
            frame_bytes: FRAME_BODY_BYTES_AIM,
            hello,
            unsigned: BTreeMap::new(),
            unsigned_bytes: 0,
            is_signed: true,
            signed: Vec::new(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.out.len() >= self.bytes_max
    }

    /// Head and ops of an own log, at least a page of them: every exchange gets on. Gives back the last seq sent.
    pub(super) fn put_own(&mut self, log: &OpenLog) -> Result<u64, O::Error> {
        self.put_head(log);
        let mut upto = log.stored;
        while upto < log.held && (upto == log.stored || !self.is_full()) {
            let page = self.page(log, upto)?;
            let Some(last) = page.last() else { break };
            let (first_seq, chain) = (upto + 1, last.chain);
            upto += page.len() as u64;
            self.unsigned_bytes += bytes_of(&page);
            self.put_page(log, first_seq, page);
            self.note_unsigned(log, upto, chain);
        }
        Ok(upto)
    }

    pub(super) fn note_unsigned(&mut self, log: &OpenLog, seq: u64, chain: ChainHash) {
        self.note_stored(log.head.log(), seq, chain);
    }

    /// A log that goes so far at the hub, or will with this request.
    pub(super) fn note_stored(&mut self, log: LogId, seq: u64, chain: ChainHash) {
        self.unsigned.insert(log, (seq, chain));
        if self.unsigned_bytes >= SIGNED_BYTES_AIM || self.unsigned.len() == ATTEST_HEADS_MAX {
            self.sign();
        }
    }

    /// Proof, head and ops of a foreign log, up to the proof or not at all: a part proves nothing, and the hub holds no
    /// more than [`ECHO_BYTES_MAX`] of what is not proved.
    pub(super) fn put_foreign(&mut self, log: &OpenLog) -> Result<(), O::Error> {
        let (mut pages, mut bytes, mut upto) = (Vec::new(), 0, log.stored);
        while upto < log.held {
            let page = self.page(log, upto)?;
            bytes += bytes_of(&page);
            if page.is_empty() || bytes > ECHO_BYTES_MAX {
                return Ok(());
            }
            let first_seq = upto + 1;
            upto += page.len() as u64;
            pages.push((first_seq, page));
        }
        log.proofs.iter().for_each(|proof| Frame::Attest(proof.clone()).put(self.out));
        self.put_head(log);
        pages.into_iter().for_each(|(first_seq, page)| self.put_page(log, first_seq, page));
        Ok(())
    }

    /// The next ops of a log after `upto`, none beyond what the opening said is held.
    pub(super) fn page(&mut self, log: &OpenLog, upto: u64) -> Result<Vec<OutboundOp>, O::Error> {
        let mut page = self.outbox.ops(log.head.log(), upto + 1, self.frame_bytes)?;
        page.truncate(usize::try_from(log.held - upto).unwrap_or(usize::MAX));
        Ok(page)
    }

    fn put_page(&mut self, log: &OpenLog, first_seq: u64, page: Vec<OutboundOp>) {
        let ops: List<_, _> = List(page.into_iter().map(|op| Blob(op.bytes)).collect());
        let id = log.head.log();
        let first_seq = self.up.first_said(id, first_seq, ops.0.len());
        Frame::Ops(Ops { log: self.up.name(id), first_seq, ops }).put_packed(self.out, &mut self.packer);
    }

    /// The head of a log, once on a line.
    fn put_head(&mut self, log: &OpenLog) {
        if self.up.say(log.head.log()) {
            let frame = match RunLog::of(&log.head, &self.hello.replica, &self.hello.run) {
                Some(head) => Frame::RunLog(head),
                None => Frame::Log(LogFrame::from(&log.head)),
            };
            frame.put(self.out);
        }
    }

    /// A signature over what was sent since the last one.
    pub(super) fn sign(&mut self) {
        self.unsigned_bytes = 0;
        let heads: Vec<_> = std::mem::take(&mut self.unsigned)
            .into_iter()
            .map(|(log, (seq, chain))| (log.to_bytes(), seq, chain.0))
            .collect();
        if self.is_signed && !heads.is_empty() {
            let attest = Attest { replica: self.hello.replica, heads: List(heads), signature: [0; 64] };
            let signature = self.outbox.sign(&attest.signed_bytes());
            let heads: Vec<_> = attest.heads.0.iter().map(|(log, seq, _)| (LogId::from_bytes(*log), *seq)).collect();
            let said = heads.iter().map(|(log, seq)| (self.up.name(*log), self.up.upto_said(*log, *seq)));
            Frame::Signed(Signed { heads: List(said.collect()), signature }).put(self.out);
            self.signed.push(heads);
        }
    }
}

fn bytes_of(page: &[OutboundOp]) -> usize {
    page.iter().map(|op| op.bytes.len()).sum()
}
