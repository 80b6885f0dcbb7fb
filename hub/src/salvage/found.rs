//! What looks like rows of a hub's store in the remains of one, by table.
//!
//! Nothing here is proved yet. Of several versions of a row the one that its page lists counts before a leftover; where
//! a mistake would let somebody in who was shut out, the stricter version counts whatever else is there.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use kentongan_host::carve::{Kind, Place, Remains, Row, Shape, Value};
use kentongan_protocol::clock::{KnownRun, RunHead};
use kentongan_protocol::ids::{LogId, OfficeCode, OpId, ReplicaId, RunId};
use kentongan_protocol::log::{Holding, LogHead};
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::{Attest, LogFrame};

use crate::store::{
    Approval, AuditEntry, AuditEvent, Certificate, EnrolCode, Fork, HubIdentity, LastContact, Office, Replica, Run,
    Standing,
};

use Kind::{Any, Blob, Bytes, RowId, Text, Whole, WholeOrNull};

/// Rows that are looked for, in the order of the constants below: the tables of `store/sqlite/schema.rs`.
pub(super) static SHAPES: [Shape; 12] = [
    Shape { row_ids: true, columns: &[RowId, Whole, Text, Whole] },
    Shape { row_ids: true, columns: &[Text, Text, Whole, WholeOrNull] },
    Shape {
        row_ids: true,
        columns: &[
            RowId,
            Text,
            Text,
            Bytes(32),
            Whole,
            Blob,
            Whole,
            Whole,
            WholeOrNull,
            Text,
            Whole,
            WholeOrNull,
            WholeOrNull,
            Whole,
            Whole,
            WholeOrNull,
            Whole,
            Whole,
            Whole,
            Whole,
            Text,
            Whole,
            Whole,
        ],
    },
    Shape { row_ids: true, columns: &[RowId, Bytes(32), Text, Whole, Whole, WholeOrNull, WholeOrNull, WholeOrNull] },
    Shape {
        row_ids: false,
        columns: &[
            Whole,
            Whole,
            Whole,
            WholeOrNull,
            Whole,
            Whole,
            Whole,
            WholeOrNull,
            WholeOrNull,
            Whole,
            Whole,
            WholeOrNull,
        ],
    },
    Shape { row_ids: true, columns: &[RowId, Whole, Whole, Whole, Text, Blob, Whole, Bytes(32), Whole] },
    Shape { row_ids: true, columns: &[RowId, Whole, Whole, WholeOrNull, Whole, Whole, Whole, Bytes(32), Blob] },
    Shape { row_ids: true, columns: &[RowId, Blob] },
    Shape { row_ids: true, columns: &[RowId, Whole, Text, Text, Text, Text, Bytes(32)] },
    Shape { row_ids: true, columns: &[RowId, Whole, Whole, Whole, Blob, Whole] },
    Shape {
        row_ids: true,
        columns: &[
            RowId,
            Bytes(32),
            Text,
            Whole,
            Whole,
            WholeOrNull,
            WholeOrNull,
            WholeOrNull,
            Text,
            Whole,
            Any,
            Text,
            Text,
            WholeOrNull,
        ],
    },
    Shape { row_ids: true, columns: &[RowId, Whole, Whole, WholeOrNull, Whole, Whole, Whole, Bytes(32), Blob, Any] },
];
const HUB: usize = 0;
const OFFICE: usize = 1;
const REPLICA: usize = 2;
/// As it was before codes could ask for approval.
const OLD_ENROL_CODE: usize = 3;
const RUN: usize = 4;
const LOG: usize = 5;
/// As it was before ops had a place for what was sealed. That is not looked for: it follows from the op.
const OLD_OP: usize = 6;
const ATTEST: usize = 7;
const AUDIT: usize = 8;
const FORK: usize = 9;
const ENROL_CODE: usize = 10;
const OP: usize = 11;

/// How much a version of a row counts against another one: the greatest wins.
type Weight = (bool, i64, Place);

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    hub: Option<(Weight, HubIdentity)>,
    offices: BTreeMap<OfficeCode, (Weight, Office)>,
    replicas: BTreeMap<ReplicaId, (Weight, Replica)>,
    codes: BTreeMap<u64, (Weight, EnrolCode)>,
    runs: BTreeMap<(ReplicaId, RunId), (Weight, Run)>,
    /// By their names, which their heads prove.
    pub(super) logs: BTreeMap<LogId, LogHead>,
    /// How far logs are said to have been held.
    pub(super) said: BTreeMap<LogId, u64>,
    /// Places by name of the op, the latest last.
    pub(super) ops: BTreeMap<OpId, Vec<Place>>,
    pub(super) attests: Vec<Attest>,
    audit: BTreeMap<u64, Vec<(Weight, AuditEntry)>>,
    pub(super) forks: Vec<Fork>,
}

/// An op as it stands in the remains.
#[derive(Debug)]
pub(super) struct FoundOp {
    /// Its place in the order of arrival.
    pub(super) order: i64,
    pub(super) state: i64,
    pub(super) received_ms: i64,
    pub(super) chain: [u8; 32],
    pub(super) bytes: Vec<u8>,
}

impl FoundOp {
    pub(super) fn of(row: &Row) -> Option<FoundOp> {
        let mut columns = Columns(row.values.iter().skip(4));
        let (state, _, received_ms) = (columns.whole()?, columns.whole()?, columns.whole()?);
        let (chain, bytes) = (columns.bytes()?, columns.blob()?);
        Some(FoundOp { order: row.id, state, received_ms, chain, bytes })
    }
}

impl Found {
    /// Goes through the remains once.
    pub(super) fn gather<R: Read + Seek>(remains: &mut Remains<R>) -> Found {
        let mut found = Found::default();
        remains.each(|place, shape, row| {
            // What cannot be a row of ours after all is passed over.
            let _ = found.take(place, shape, &row);
        });
        found
    }

    pub(super) fn hub(&self) -> Option<HubIdentity> {
        self.hub.as_ref().map(|(_, hub)| hub.clone())
    }

    pub(super) fn offices(&self) -> impl Iterator<Item = &Office> {
        self.offices.values().map(|(_, office)| office)
    }

    pub(super) fn replicas(&self) -> impl Iterator<Item = &Replica> {
        self.replicas.values().map(|(_, replica)| replica)
    }

    pub(super) fn codes(&self) -> impl Iterator<Item = &EnrolCode> {
        self.codes.values().map(|(_, code)| code)
    }

    pub(super) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().map(|(_, run)| run)
    }

    /// The lines of the audit log, by number; of several the one that follows from the line before, else the likeliest.
    pub(super) fn audit(&self) -> Vec<&AuditEntry> {
        let mut before: Option<[u8; 32]> = Some([0; 32]);
        let mut last = 0;
        let mut lines = Vec::new();
        for (number, versions) in &self.audit {
            let follows = |entry: &AuditEntry| {
                let before = before.filter(|_| last + 1 == *number);
                before.is_some_and(|before| AuditEntry::hash_after(&before, *number, &entry.event) == entry.hash)
            };
            let proved = versions.iter().find(|(_, entry)| follows(entry));
            let Some((_, line)) = proved.or_else(|| versions.iter().max_by_key(|(weight, _)| *weight)) else {
                continue;
            };
            (before, last) = (Some(line.hash), *number);
            lines.push(line);
        }
        lines
    }

    fn take(&mut self, place: Place, shape: usize, row: &Row) -> Option<()> {
        let numbered = usize::from(SHAPES.get(shape)?.columns.first() == Some(&RowId));
        let mut columns = Columns(row.values.iter().skip(numbered));
        let mut weight = (false, 0, place);
        match shape {
            HUB if row.id == 1 => {
                let (replica, name, created_ms) = (ReplicaId(columns.number()?), columns.text()?, columns.whole()?);
                offer(&mut self.hub, weight, HubIdentity { replica, name, created_ms });
            }
            OFFICE => {
                let code: OfficeCode = columns.text()?.parse().ok()?;
                let (name, added_ms, paused_ms) = (columns.text()?, columns.whole()?, columns.whole_or_none());
                let office = Office { code: code.clone(), name, added_ms, paused_ms };
                put(&mut self.offices, code, weight, office);
            }
            REPLICA => {
                let replica = replica_of(row)?;
                weight.0 = replica.standing != Standing::Active;
                weight.1 = replica.last_contact.as_ref().map_or(0, |contact| contact.at_ms);
                put(&mut self.replicas, replica.id, weight, replica);
            }
            OLD_ENROL_CODE | ENROL_CODE => {
                let code = code_of(row.id as u64, &mut columns)?;
                weight.0 = code.used.is_some() || code.revoked_ms.is_some();
                put(&mut self.codes, code.id, weight, code);
            }
            RUN => {
                let run = run_of(row)?;
                weight.1 = i64::try_from(run.known.elapsed_ms).ok()?;
                put(&mut self.runs, (run.known.replica, run.known.head.run), weight, run);
            }
            LOG => {
                let frame: LogFrame = codec::decode(row.values.get(5)?.blob()?).ok()?;
                let head = LogHead::try_from(&frame).ok()?;
                let said = u64::try_from(row.values.get(6)?.whole()?).ok()?;
                let known = self.said.entry(head.log()).or_default();
                *known = said.max(*known);
                self.logs.insert(head.log(), head);
            }
            OP | OLD_OP => {
                let id = OpId { log: LogId(columns.number()?), seq: columns.number()? };
                self.ops.entry(id).or_default().push(place);
            }
            ATTEST => {
                let attest: Attest = codec::decode(row.values.get(1)?.blob()?).ok()?;
                if !self.attests.contains(&attest) {
                    self.attests.push(attest);
                }
            }
            AUDIT => {
                let event = AuditEvent {
                    at_ms: columns.whole()?,
                    actor: columns.text()?,
                    event: columns.text()?,
                    subject: columns.text()?,
                    detail: columns.text()?,
                };
                let number = u64::try_from(row.id).ok()?;
                let entry = AuditEntry { number, event, hash: columns.bytes()? };
                self.audit.entry(number).or_default().push((weight, entry));
            }
            FORK => {
                let id = OpId { log: LogId(columns.number()?), seq: columns.number()? };
                let replica = ReplicaId(columns.number()?);
                let (bytes, at_ms) = (columns.blob()?, columns.whole()?);
                self.forks.push(Fork { id, replica, bytes, at_ms });
            }
            _ => {}
        }
        Some(())
    }
}

/// Keeps the version that counts more. A row that its page lists counts before any leftover, unless the leftover is the
/// stricter one.
fn offer<T>(kept: &mut Option<(Weight, T)>, weight: Weight, value: T) {
    let order = |(strict, at, place): &Weight| (*strict, place.is_current(), *at, *place);
    if kept.as_ref().is_none_or(|(known, _)| order(known) <= order(&weight)) {
        *kept = Some((weight, value));
    }
}

fn put<K: Ord, T>(all: &mut BTreeMap<K, (Weight, T)>, key: K, weight: Weight, value: T) {
    let mut kept = all.remove(&key);
    offer(&mut kept, weight, value);
    if let Some(kept) = kept {
        all.insert(key, kept);
    }
}

/// The values of a row, one after the other.
struct Columns<'a, I: Iterator<Item = &'a Value>>(I);

impl<'a, I: Iterator<Item = &'a Value>> Columns<'a, I> {
    fn whole(&mut self) -> Option<i64> {
        self.0.next()?.whole()
    }

    fn whole_or_none(&mut self) -> Option<i64> {
        self.0.next().and_then(Value::whole)
    }

    /// A number that is stored as the signed one with the same bits.
    fn number(&mut self) -> Option<u64> {
        self.whole().map(|number| number as u64)
    }

    fn number_or_none(&mut self) -> Option<u64> {
        self.whole_or_none().map(|number| number as u64)
    }

    fn small<T: TryFrom<i64>>(&mut self) -> Option<T> {
        T::try_from(self.whole()?).ok()
    }

    fn text(&mut self) -> Option<String> {
        self.0.next()?.text().map(str::to_owned)
    }

    fn blob(&mut self) -> Option<Vec<u8>> {
        self.0.next()?.blob().map(<[u8]>::to_vec)
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.0.next()?.bytes()
    }
}

fn replica_of(row: &Row) -> Option<Replica> {
    let mut columns = Columns(row.values.iter().skip(1));
    let office = columns.text()?.parse().ok()?;
    let (name, public_key, prefix) = (columns.text()?, columns.bytes()?, columns.small()?);
    let certificate = Certificate { serial: columns.blob()?, from_ms: columns.whole()?, until_ms: columns.whole()? };
    let (revoked_ms, reason) = (columns.whole_or_none(), columns.text()?);
    let standing = revoked_ms.map_or(Standing::Active, |at_ms| Standing::Revoked { reason, at_ms });
    let (enrolled_ms, run_now) = (columns.whole()?, columns.number_or_none().map(RunId));
    let twin_seen_ms = columns.whole_or_none();
    // What is held of it is counted anew.
    let _ = (columns.whole()?, columns.whole()?);
    Some(Replica {
        id: ReplicaId(row.id as u64),
        office,
        name,
        public_key,
        prefix,
        certificate,
        standing,
        enrolled_ms,
        run_now,
        twin_seen_ms,
        holding: Holding::default(),
        last_contact: contact_of(&mut columns),
    })
}

fn contact_of<'a>(columns: &mut Columns<'a, impl Iterator<Item = &'a Value>>) -> Option<LastContact> {
    Some(LastContact {
        at_ms: columns.whole()?,
        ops_written: columns.number()?,
        pending: columns.number()?,
        oldest_pending_ms: columns.number()?,
        free_bytes: columns.number()?,
        program: columns.text()?,
        clock_offset_ms: columns.whole()?,
        clock_error_ms: columns.number()?,
    })
}

fn code_of<'a>(id: u64, columns: &mut Columns<'a, impl Iterator<Item = &'a Value>>) -> Option<EnrolCode> {
    let (secret_hash, office) = (columns.bytes()?, columns.text()?.parse().ok()?);
    let (created_ms, expires_ms) = (columns.whole()?, columns.whole()?);
    let (used_by, used_ms) = (columns.number_or_none(), columns.whole_or_none());
    let used = used_by.map(ReplicaId).zip(used_ms);
    let revoked_ms = columns.whole_or_none();
    // Who may come in is not guessed: what cannot be read of an approval has to be given once more.
    let (tag, approval) = (columns.text().unwrap_or_default(), columns.number().unwrap_or(0));
    let approval = if approval == 0 { Approval::Beforehand } else { Approval::Awaited };
    Some(EnrolCode { id, secret_hash, office, created_ms, expires_ms, used, revoked_ms, tag, approval })
}

fn run_of(row: &Row) -> Option<Run> {
    let mut columns = Columns(row.values.iter());
    let replica = ReplicaId(columns.number()?);
    let head = RunHead {
        run: RunId(columns.number()?),
        ordinal: columns.small()?,
        before: columns.number_or_none().map(RunId),
        boot: columns.number()?,
        boot_ms: columns.number()?,
        wall_ms: columns.whole()?,
    };
    let (start_ms, error_ms) = (columns.whole_or_none(), columns.number_or_none());
    let measured = start_ms.zip(error_ms);
    let known = KnownRun { replica, head, measured, elapsed_ms: columns.number()?, heard_ms: columns.whole()? };
    Some(Run { known, superseded_ms: columns.whole_or_none() })
}
