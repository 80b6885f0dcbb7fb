//! What people were told, kept beside the run, and which losses the promises allow.

use std::collections::{BTreeMap, BTreeSet};

use kentongan_protocol::form::{FieldTag, GroupTag, Value};
use kentongan_protocol::ids::{OpId, RecordId};

use super::files::KnownFile;

/// What a person wrote to one group: the values, and the heads they had before their eyes.
pub type Wrote = (GroupTag, BTreeMap<FieldTag, Value>, Vec<OpId>);

/// An op that was shown as saved.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its record.
    pub record: RecordId,
    /// The PC, or `None` for the hub.
    pub by: Option<usize>,
    /// Its number among everything that people did.
    pub marker: u64,
    /// Who.
    pub author: String,
    /// What they wrote.
    pub writes: Vec<Wrote>,
    /// Why it may be gone.
    pub excused: Option<String>,
}

/// A record that people know of.
#[derive(Debug, Clone)]
pub struct KnownRecord {
    /// The office it belongs to, by place.
    pub office: usize,
    /// Its ops.
    pub ops: Vec<OpId>,
    /// Offices that it was routed to, or that somebody tried to route it to.
    pub routed: BTreeSet<usize>,
    /// Something was tried on it of which nobody knows whether it was saved.
    pub doubtful: bool,
}

/// The reference.
#[derive(Debug, Default)]
pub struct Model {
    /// Ops shown as saved.
    pub ops: BTreeMap<OpId, Known>,
    /// Records.
    pub records: BTreeMap<RecordId, KnownRecord>,
    /// Files that were shown as saved.
    pub files: Vec<KnownFile>,
    /// Those of a form that the next version alone knows.
    pub visits: BTreeSet<RecordId>,
    /// Markers of what was tried and not answered: it may be there once, or not.
    pub doubtful: BTreeSet<u64>,
    markers: u64,
}

impl Model {
    /// A new marker: everything a person writes carries one.
    pub fn marker(&mut self) -> u64 {
        self.markers += 1;
        self.markers
    }

    /// A record was shown as saved.
    pub fn created(&mut self, id: OpId, office: usize, known: Known) {
        let record = KnownRecord { office, ops: vec![id], routed: BTreeSet::new(), doubtful: false };
        self.records.insert(known.record, record);
        self.ops.insert(id, known);
    }

    /// A change was shown as saved.
    pub fn changed(&mut self, id: OpId, known: Known) {
        if let Some(record) = self.records.get_mut(&known.record) {
            record.ops.push(id);
        }
        self.ops.insert(id, known);
    }

    /// Something was tried, and nobody was told that it is saved.
    pub fn doubt(&mut self, marker: u64, record: Option<RecordId>) {
        self.doubtful.insert(marker);
        if let Some(record) = record.and_then(|record| self.records.get_mut(&record)) {
            record.doubtful = true;
        }
    }

    /// Something was written to a record that the hub will set aside.
    pub fn set_aside(&mut self, record: RecordId) {
        if let Some(record) = self.records.get_mut(&record) {
            record.doubtful = true;
        }
    }

    /// A record was routed to an office, or somebody tried.
    pub fn routed(&mut self, record: RecordId, office: usize) {
        if let Some(record) = self.records.get_mut(&record) {
            record.routed.insert(office);
        }
    }

    /// Whether an office may hold a record.
    pub fn may_see(&self, record: RecordId, office: usize) -> Option<bool> {
        let record = self.records.get(&record)?;
        Some(record.office == office || record.routed.contains(&office))
    }

    /// The heads of a register group by the words of the promise: what nobody replaced with it before their eyes, and
    /// what the same person did not write anew in the same log.
    pub fn heads(&self, record: RecordId, group: GroupTag) -> BTreeSet<OpId> {
        let ops = self.records.get(&record).map(|record| record.ops.as_slice()).unwrap_or_default();
        let writes = |id: &OpId| -> Vec<(OpId, &Known, &Wrote)> {
            let known = self.ops.get(id).into_iter();
            let of_group = known.flat_map(|known| known.writes.iter().map(move |wrote| (known, wrote)));
            of_group.filter(|(_, wrote)| wrote.0 == group).map(|(known, wrote)| (*id, known, wrote)).collect()
        };
        let all: Vec<_> = ops.iter().flat_map(writes).collect();
        let gone = |id: OpId, author: &str| {
            all.iter().any(|(other, known, (_, _, seen))| {
                seen.contains(&id) || (other.log == id.log && other.seq > id.seq && known.author == author)
            })
        };
        all.iter().filter(|(id, known, _)| !gone(*id, &known.author)).map(|(id, _, _)| *id).collect()
    }
}
