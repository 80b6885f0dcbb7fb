//! The ops of one record, sorted by group. Needs no form: an old program merges what it does not understand.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::clock::Hlc;
use crate::form::{FieldTag, FormTag, GroupTag, Value};
use crate::ids::{OpId, RecordId};
use crate::op::{Action, Op};
use crate::receipt::ReceiptCode;

/// A record: everything that was written to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its name.
    pub id: RecordId,
    /// What the creating op said; `None` while only later changes have arrived.
    pub creation: Option<Creation>,
    groups: BTreeMap<GroupTag, GroupState>,
}

/// What the creating op said of the record as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creation {
    /// Form.
    pub form: FormTag,
    /// Version of the form it was filled in by.
    pub form_version: u16,
    /// Code the citizen took home.
    pub receipt: Option<ReceiptCode>,
    /// Who entered it.
    pub author: String,
    /// Hybrid time of the entry.
    pub hlc: Hlc,
}

/// All writes to one group, and which ops they replace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupState {
    /// By op and by place in it: one op may add several entries to a growing set.
    writes: BTreeMap<(OpId, usize), Written>,
    replaced: BTreeSet<OpId>,
}

/// One write to a group, as it stands in the record's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Who wrote it.
    pub author: String,
    /// Hybrid time.
    pub hlc: Hlc,
    /// Milliseconds since the run of the op's log began.
    pub elapsed_ms: u64,
    /// Cycle, for groups that go in stages.
    pub cycle: u32,
    /// The values.
    pub values: BTreeMap<FieldTag, Value>,
}

impl Record {
    /// A record of which nothing has arrived.
    pub fn new(id: RecordId) -> Self {
        Record { id, creation: None, groups: BTreeMap::new() }
    }

    /// Takes in an op of this record; a second time it changes nothing. Ops of other records are left alone.
    pub fn apply(&mut self, id: OpId, op: &Op) {
        if op.record(id) != self.id {
            return;
        }
        if let Action::Create { form, form_version, receipt } = op.action {
            self.creation = Some(Creation { form, form_version, receipt, author: op.author.clone(), hlc: op.hlc });
        }
        for (place, write) in op.writes.iter().enumerate() {
            let written = Written {
                author: op.author.clone(),
                hlc: op.hlc,
                elapsed_ms: op.elapsed_ms,
                cycle: write.cycle,
                values: write.values.clone(),
            };
            let group = self.groups.entry(write.group).or_default();
            group.replaced.extend(write.replaces.iter().copied().filter(|replaced| *replaced != id));
            group.writes.insert((id, place), written);
        }
    }

    /// The writes of a group; `None` if nothing was ever written to it.
    pub fn group(&self, tag: GroupTag) -> Option<&GroupState> {
        self.groups.get(&tag)
    }

    /// All groups that were written to.
    pub fn groups(&self) -> impl Iterator<Item = (GroupTag, &GroupState)> {
        self.groups.iter().map(|(tag, group)| (*tag, group))
    }

    /// The latest hybrid time in it.
    pub fn latest(&self) -> Hlc {
        let written = self.groups.values().flat_map(|group| group.writes().map(|(_, written)| written.hlc));
        written.chain(self.creation.iter().map(|creation| creation.hlc)).max().unwrap_or_default()
    }

    /// SHA-256 over everything the record consists of: equal on two replicas exactly if the record is.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let put_id = |hasher: &mut Sha256, id: &OpId| {
            hasher.update(id.log.to_bytes());
            hasher.update(id.seq.to_be_bytes());
        };
        put_id(&mut hasher, &self.id.0);
        hasher.update(format!("{:?}", self.creation));
        for (tag, group) in &self.groups {
            hasher.update(tag.to_be_bytes());
            for ((id, _), written) in &group.writes {
                put_id(&mut hasher, id);
                hasher.update(format!("{written:?}"));
            }
            hasher.update(b"replaced");
            group.replaced.iter().for_each(|id| put_id(&mut hasher, id));
        }
        hasher.finalize().into()
    }
}

impl GroupState {
    /// All writes, in the order of their ops' names; those of one op in the order they stand in it.
    pub fn writes(&self) -> impl Iterator<Item = (OpId, &Written)> {
        self.writes.iter().map(|((id, _), written)| (*id, written))
    }

    /// The write of one op; its first, should it have several.
    pub fn write(&self, id: OpId) -> Option<&Written> {
        self.writes.range((id, 0)..=(id, usize::MAX)).next().map(|(_, written)| written)
    }

    /// The writes that no other known write replaces: neither by naming them, nor by being a later write of the same
    /// person in the same log.
    pub fn heads(&self) -> impl Iterator<Item = (OpId, &Written)> {
        // Backwards through each log, so that one look at a person says whether they wrote later: a device that wants
        // harm can have as many persons as it likes.
        let mut heads = Vec::new();
        let (mut log, mut last_of) = (None, BTreeMap::new());
        for ((id, _), written) in self.writes.iter().rev() {
            if log.replace(id.log) != Some(id.log) {
                last_of.clear();
            }
            let last = *last_of.entry(written.author.as_str()).or_insert(id.seq);
            if last == id.seq && !self.replaced.contains(id) {
                heads.push((*id, written));
            }
        }
        heads.into_iter().rev()
    }
}
