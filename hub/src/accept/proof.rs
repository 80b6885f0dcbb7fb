//! Signatures over logs: kept for the speaker's own, held in hand for those that prove what others give back.

use std::collections::BTreeMap;
use std::sync::Arc;

use kentongan_host::identity::verify;
use kentongan_protocol::ids::{LogId, OpId, ReplicaId};
use kentongan_protocol::limits::ECHO_BYTES_MAX;
use kentongan_protocol::log::ChainHash;
use kentongan_protocol::planted::{self, Defect};
use kentongan_protocol::session::hub::Signature;
use kentongan_protocol::wire::v1::Attest;
use serde_json::json;

use super::{AcceptError, Exchange, note};
use crate::engine::Hub;
use crate::store::{Result, Tx};

/// How far logs of others are proved in this exchange.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    heads: BTreeMap<LogId, Proof>,
    bytes: usize,
}

/// The furthest head of a log that its writer signed.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    pub(super) writer: ReplicaId,
    pub(super) seq: u64,
    pub(super) chain: ChainHash,
    pub(super) attest: Arc<Attest>,
}

impl Proofs {
    /// The proof for a log of this writer.
    pub(super) fn of(&self, log: LogId, writer: ReplicaId) -> Option<&Proof> {
        self.heads.get(&log).filter(|proof| proof.writer == writer)
    }

    fn add(&mut self, attest: Attest, writer: ReplicaId) {
        self.bytes += attest.heads.0.len() * HEAD_BYTES;
        if self.bytes > ECHO_BYTES_MAX {
            // What it would have proved is passed over, and offered again some other time.
            return;
        }
        let attest = Arc::new(attest);
        for (log, seq, chain) in &attest.heads.0 {
            let log = LogId::from_bytes(*log);
            if self.heads.get(&log).is_none_or(|proof| proof.writer == writer && proof.seq < *seq) {
                let proof = Proof { writer, seq: *seq, chain: ChainHash(*chain), attest: Arc::clone(&attest) };
                self.heads.insert(log, proof);
            }
        }
    }
}

/// Memory that a head of a signature takes here, nearly.
const HEAD_BYTES: usize = 128;

/// Takes a signature.
pub(super) fn take(
    exchange: &mut Exchange,
    hub: &Hub,
    tx: &mut dyn Tx,
    attest: Attest,
    now_ms: i64,
) -> std::result::Result<(), AcceptError> {
    let writer = ReplicaId::from_bytes(attest.replica);
    let key = match tx.replica(writer)? {
        Some(replica) => replica.public_key,
        None if writer == hub.replica() => hub.public_key(),
        // Of a replica that this hub has forgotten or never knew: it proves nothing here.
        None => return Ok(()),
    };
    let signed = verify(&key, &attest.signed_bytes(), &attest.signature);
    if !signed && !planted::active(Defect::SignatureBelieved) {
        let detail = json!({"of": writer.to_string()});
        return Ok(note(tx, now_ms, exchange.speaker, "attest.bad_signature", writer, detail)?);
    }
    if writer != exchange.speaker {
        exchange.proofs.add(attest, writer);
        return Ok(());
    }
    match compare(tx, &attest, writer)? {
        Comparison::Same => Ok(tx.put_attest(&attest)?),
        Comparison::Ahead => Ok(()),
        Comparison::Differs(log) => {
            let detail = json!({"log": log.to_string()});
            Ok(note(tx, now_ms, exchange.speaker, "attest.mismatch", log, detail)?)
        }
    }
}

/// Takes a signature of the speaker over logs of its own: over the hashes that stand here, or it is of no use.
pub(super) fn take_own(
    exchange: &mut Exchange,
    tx: &mut dyn Tx,
    signature: &Signature,
    now_ms: i64,
) -> std::result::Result<(), AcceptError> {
    let writer = exchange.speaker;
    let Some(replica) = tx.replica(writer)? else { return Ok(()) };
    // Over what is not here yet it can be compared another time.
    let Some(attest) = signature.whole(writer, |log, seq| hash_of(tx, log, seq, writer))? else { return Ok(()) };
    let signed = verify(&replica.public_key, &attest.signed_bytes(), &attest.signature);
    if signed || planted::active(Defect::SignatureBelieved) {
        return Ok(tx.put_attest(&attest)?);
    }
    let logs: Vec<String> = signature.heads.iter().map(|(log, _)| log.to_string()).collect();
    Ok(note(tx, now_ms, writer, "attest.mismatch", writer, json!({ "logs": logs }))?)
}

/// The running hash of a log of `writer` behind an op that is here.
fn hash_of(tx: &mut dyn Tx, log: LogId, seq: u64, writer: ReplicaId) -> Result<Option<ChainHash>> {
    let Some(stored) = tx.log(log)?.filter(|stored| stored.head.replica() == writer) else { return Ok(None) };
    match stored.stored == seq {
        true => Ok(Some(stored.chain)),
        false => Ok(tx.op(OpId { log, seq })?.map(|op| op.chain)),
    }
}

/// What was signed, compared with what is stored.
enum Comparison {
    /// All heads are the hashes that stand here.
    Same,
    /// Some are of ops that are not here yet; it can be compared another time.
    Ahead,
    /// This one is not.
    Differs(LogId),
}

fn compare(tx: &mut dyn Tx, attest: &Attest, writer: ReplicaId) -> Result<Comparison> {
    let mut comparison = Comparison::Same;
    for (log, seq, chain) in &attest.heads.0 {
        let log = LogId::from_bytes(*log);
        let Some(stored) = tx.log(log)? else {
            comparison = Comparison::Ahead;
            continue;
        };
        if stored.head.replica() != writer {
            return Ok(Comparison::Differs(log));
        }
        match hash_of(tx, log, *seq, writer)? {
            Some(here) if here.0 != *chain => return Ok(Comparison::Differs(log)),
            Some(_) => {}
            None => comparison = Comparison::Ahead,
        }
    }
    Ok(comparison)
}
