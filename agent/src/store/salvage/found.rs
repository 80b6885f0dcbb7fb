//! What looks like rows of ours in the remains of a store, as it was found: several of one name, leftovers among them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Seek};

use kentongan_host::carve::{Kind, Place, Remains, Row, Shape, Value};
use kentongan_host::recovery::KEY_BYTES;
use kentongan_protocol::clock::RunHead;
use kentongan_protocol::ids::{OfficeCode, ReplicaId, RunId};
use kentongan_protocol::log::LogHead;
use kentongan_protocol::receipt::Prefix;
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::LogFrame;

use super::super::facts::name;
use super::super::{Member, attachments, draft, kiosk, mark};

/// Different signatures that are kept under one name: leftovers are few.
const PROOFS_MAX: usize = 4;

/// What looks like rows of ours.
#[derive(Default)]
pub(super) struct Found {
    /// Names of logs by number, and how often each was seen.
    pub(super) names: BTreeMap<i64, BTreeMap<[u8; 8], u32>>,
    /// Heads of logs by number, the latest last.
    pub(super) heads: BTreeMap<i64, Vec<LogHead>>,
    /// Ops by id: each different one once, at its latest place.
    pub(super) ops: BTreeMap<i64, Vec<(u64, Place)>>,
    pub(super) runs: BTreeMap<RunId, RunHead>,
    /// By whether they stood in the write-ahead log; the latest last.
    facts: BTreeMap<String, Vec<Value>>,
    /// Replicas that wrote logs of their own here.
    pub(super) owners: Vec<ReplicaId>,
    /// Who wrote the logs that stand in the write-ahead log, and whether it says that it is its own.
    wal_writers: Vec<(ReplicaId, bool)>,
    /// When records were listed and changed.
    pub(super) listed: BTreeMap<i64, (i64, i64)>,
    pub(super) taken: BTreeMap<[u8; 32], i64>,
    pub(super) sources: BTreeMap<[u8; 32], [u8; 32]>,
    /// Attachments by id: what was noted of each.
    pub(super) attachments: BTreeMap<i64, Noted>,
    /// Parts of their content by id, at their latest place.
    pub(super) parts: BTreeMap<i64, Place>,
    /// The people of the office by number, as they were last written.
    pub(super) people: BTreeMap<i64, Row>,
    /// Tablets by number. One that was let go in any of its rows stays so.
    pub(super) kiosks: BTreeMap<u16, kiosk::Remnant>,
    /// Signatures of other writers by log number and seq, each different one once.
    pub(super) proofs: BTreeMap<(i64, i64), Vec<Vec<u8>>>,
    /// Drafts by name, as they were last written.
    pub(super) drafts: BTreeMap<[u8; 16], draft::Remnant>,
    /// Their files by number, at their latest place.
    pub(super) draft_files: BTreeMap<i64, Place>,
}

/// What was noted of an attachment.
pub(super) struct Noted {
    pub(super) hash: [u8; 32],
    pub(super) bytes: u32,
    pub(super) media: u8,
    pub(super) is_put_away: bool,
    pub(super) wall_ms: i64,
}

impl Found {
    pub(super) fn gather<R: Read + Seek>(remains: &mut Remains<R>) -> Found {
        let mut found = Found::default();
        // What cannot be a row of ours after all is passed over.
        remains.each(|place, shape, row| {
            let _ = found.take(place, shape, row);
        });
        found
    }

    fn take(&mut self, place: Place, shape: usize, row: Row) -> Option<()> {
        let value = |n: usize| row.values.get(n);
        let whole = |n: usize| value(n)?.whole();
        match shape {
            LOG_NAME => self.name(row.id, value(1)?.bytes()?),
            LOG_NAME_INDEX => self.name(whole(1)?, value(0)?.bytes()?),
            LOG => {
                let frame: LogFrame = codec::decode(value(1)?.blob()?).ok()?;
                let head = LogHead::try_from(&frame).ok()?;
                self.name(row.id, head.log().to_bytes());
                if whole(2)? == 1 {
                    self.owners.push(head.replica());
                }
                if place.in_wal() {
                    self.wal_writers.push((head.replica(), whole(2)? == 1));
                }
                let heads = self.heads.entry(row.id).or_default();
                heads.retain(|known| *known != head);
                heads.push(head);
            }
            OP | OP_V1 => {
                let mut hasher = DefaultHasher::new();
                (value(2)?.blob()?, value(3)?.blob()).hash(&mut hasher);
                let digest = hasher.finish();
                let places = self.ops.entry(row.id).or_default();
                places.retain(|(known, _)| *known != digest);
                places.push((digest, place));
            }
            RUN => {
                let run = RunHead {
                    run: RunId::from_bytes(value(0)?.bytes()?),
                    ordinal: u32::try_from(whole(1)?).ok()?,
                    before: value(2)?.bytes().map(RunId::from_bytes),
                    boot: whole(3)? as u64,
                    boot_ms: whole(4)? as u64,
                    wall_ms: whole(5)?,
                };
                self.runs.insert(run.run, run);
            }
            FACT if name::KEPT.contains(&value(0)?.text()?) => {
                let facts = self.facts.entry(value(0)?.text()?.to_owned()).or_default();
                facts.retain(|known| Some(known) != value(1));
                facts.push(value(1)?.clone());
            }
            RECORD => {
                self.listed.insert(row.id, (whole(4)?, whole(5)?));
            }
            IMPORT_ROW => {
                self.taken.insert(value(0)?.bytes()?, whole(1)?);
            }
            IMPORT_SOURCE => {
                self.sources.insert(value(0)?.bytes()?, value(1)?.bytes()?);
            }
            ATTACHMENT | ATTACHMENT_V3 => {
                let noted = Noted {
                    hash: value(1)?.bytes()?,
                    bytes: u32::try_from(whole(2)?).ok()?,
                    media: u8::try_from(whole(3)?).ok()?,
                    is_put_away: whole(4)? == attachments::PUT_AWAY,
                    wall_ms: whole(7)?,
                };
                self.attachments.insert(row.id, noted);
            }
            ATTACHMENT_PART => {
                self.parts.insert(row.id, place);
            }
            PERSON => {
                self.people.insert(row.id, row);
            }
            KIOSK => {
                let kiosk = kiosk::Remnant::of_row(row.id, &row)?;
                match self.kiosks.entry(kiosk.id()) {
                    Entry::Occupied(mut known) => known.get_mut().is_followed_by(kiosk),
                    Entry::Vacant(place) => drop(place.insert(kiosk)),
                }
            }
            ATTEST => {
                let bytes = value(2)?.blob()?;
                let proofs = self.proofs.entry((whole(0)?, whole(1)?)).or_default();
                if proofs.len() < PROOFS_MAX && !proofs.iter().any(|known| known == bytes) {
                    proofs.push(bytes.to_vec());
                }
            }
            DRAFT => {
                let draft = draft::Remnant::of_row(&row, place.is_current())?;
                match self.drafts.entry(draft.name) {
                    Entry::Occupied(mut known) if draft.follows(known.get()) => drop(known.insert(draft)),
                    Entry::Occupied(_) => {}
                    Entry::Vacant(place) => drop(place.insert(draft)),
                }
            }
            DRAFT_FILE => {
                self.draft_files.insert(row.id, place);
            }
            _ => {}
        }
        Some(())
    }

    fn name(&mut self, n: i64, log: [u8; 8]) {
        *self.names.entry(n).or_default().entry(log).or_default() += 1;
    }

    /// Whether the write-ahead log is of another replica's store: it has own logs of that one, and nothing of this one.
    pub(super) fn of_another(&self, member: &Member) -> bool {
        let of_this = self.wal_writers.iter().any(|(writer, _)| *writer == member.replica);
        !of_this && self.wal_writers.iter().any(|(_, own)| *own)
    }

    /// What challenges of this PC are answered with.
    pub(super) fn recovery_key(&self) -> Option<[u8; KEY_BYTES]> {
        self.facts.get(name::RECOVERY)?.last()?.bytes()
    }

    /// What enrolment gave: the latest facts that agree with their sum, else the latest.
    pub(super) fn member(&self) -> Option<Member> {
        let latest = |name: &str| self.facts.get(name).and_then(|values| values.last());
        let text = |name: &str| latest(name).and_then(Value::text);
        let member = Member {
            replica: ReplicaId::from_bytes(latest(name::REPLICA)?.bytes()?),
            office: text(name::OFFICE)?.parse::<OfficeCode>().ok()?,
            office_name: text(name::OFFICE_NAME).unwrap_or_default().to_owned(),
            prefix: Prefix::new(u32::try_from(latest(name::PREFIX)?.whole()?).ok()?)?,
            hub_url: text(name::HUB_URL).unwrap_or_default().to_owned(),
            hub_replica: ReplicaId::from_bytes(latest(name::HUB_REPLICA)?.bytes()?),
        };
        let sum = latest(name::MEMBER_SUM).and_then(Value::whole);
        // Without a copy elsewhere, what stands here is still better than nothing: logs bear its id too.
        let sound = sum.is_none_or(|sum| sum == mark::member_sum(&member)) || self.owners.contains(&member.replica);
        sound.then_some(member)
    }
}

/// A row of `op`. One that was written before the last column came ends before it; so does one of `attachment`.
const OP_ROW: [Kind; 7] =
    [Kind::RowId, Kind::Whole, Kind::Blob, Kind::BytesOrNull(32), Kind::WholeOrNull, Kind::Whole, Kind::WholeOrNull];
const ATTACHMENT_ROW: [Kind; 9] = [
    Kind::RowId,
    Kind::Bytes(32),
    Kind::Whole,
    Kind::Whole,
    Kind::Whole,
    Kind::WholeOrNull,
    Kind::WholeOrNull,
    Kind::Whole,
    Kind::WholeOrNull,
];

/// Rows that are looked for, in the order of the constants below.
pub(super) static SHAPES: [Shape; 18] = [
    Shape { row_ids: true, columns: &[Kind::RowId, Kind::Bytes(8)] },
    Shape { row_ids: false, columns: &[Kind::Bytes(8), Kind::Whole] },
    Shape {
        row_ids: true,
        columns: &[
            Kind::RowId,
            Kind::Blob,
            Kind::Whole,
            Kind::Whole,
            Kind::Whole,
            Kind::Bytes(32),
            Kind::Whole,
            Kind::Whole,
            Kind::Whole,
        ],
    },
    Shape { row_ids: true, columns: &OP_ROW },
    Shape { row_ids: true, columns: OP_ROW.split_at(6).0 },
    Shape {
        row_ids: false,
        columns: &[Kind::Bytes(8), Kind::Whole, Kind::BytesOrNull(8), Kind::Whole, Kind::Whole, Kind::Whole],
    },
    Shape { row_ids: false, columns: &[Kind::Text, Kind::Any] },
    Shape {
        row_ids: true,
        columns: &[
            Kind::RowId,
            Kind::Whole,
            Kind::WholeOrNull,
            Kind::Whole,
            Kind::Whole,
            Kind::Whole,
            Kind::Whole,
            Kind::Whole,
        ],
    },
    Shape { row_ids: false, columns: &[Kind::Bytes(32), Kind::Whole] },
    Shape { row_ids: false, columns: &[Kind::Bytes(32), Kind::Bytes(32)] },
    Shape { row_ids: true, columns: &ATTACHMENT_ROW },
    Shape { row_ids: true, columns: ATTACHMENT_ROW.split_at(8).0 },
    Shape { row_ids: true, columns: &[Kind::RowId, Kind::Blob] },
    Shape {
        row_ids: true,
        columns: &[
            Kind::RowId,
            Kind::Text,
            Kind::Whole,
            Kind::Text,
            Kind::Whole,
            Kind::Whole,
            Kind::Whole,
            Kind::Whole,
            Kind::WholeOrNull,
        ],
    },
    Shape { row_ids: false, columns: &[Kind::Whole, Kind::Whole, Kind::Blob] },
    Shape { row_ids: false, columns: &[Kind::Bytes(16), Kind::Whole, Kind::Whole, Kind::Text, Kind::BytesOrNull(16)] },
    Shape { row_ids: true, columns: &[Kind::RowId, Kind::Bytes(16), Kind::Text, Kind::Blob] },
    Shape {
        row_ids: true,
        columns: &[
            Kind::RowId,
            Kind::Text,
            Kind::Bytes(32),
            Kind::Whole,
            Kind::WholeOrNull,
            Kind::Whole,
            Kind::Whole,
            Kind::WholeOrNull,
        ],
    },
];
const LOG_NAME: usize = 0;
const LOG_NAME_INDEX: usize = 1;
const LOG: usize = 2;
const OP: usize = 3;
const OP_V1: usize = 4;
const RUN: usize = 5;
const FACT: usize = 6;
const RECORD: usize = 7;
const IMPORT_ROW: usize = 8;
const IMPORT_SOURCE: usize = 9;
const ATTACHMENT: usize = 10;
const ATTACHMENT_V3: usize = 11;
const ATTACHMENT_PART: usize = 12;
const PERSON: usize = 13;
const ATTEST: usize = 14;
const DRAFT: usize = 15;
const DRAFT_FILE: usize = 16;
const KIOSK: usize = 17;
