//! What stood in a group before values came to stand side by side in it.

use std::collections::{BTreeMap, BTreeSet};

use kentongan_protocol::form::GroupTag;
use kentongan_protocol::ids::OpId;
use kentongan_protocol::merge::Candidate;
use kentongan_protocol::op::{Op, Write};

use super::super::record::Opened;
use super::super::work::Values;
use crate::store::{OpState, Result, Tx};

/// The writes of a group and what each of them replaced.
pub(super) struct Lineage {
    group: GroupTag,
    ops: BTreeMap<OpId, Op>,
}

impl Lineage {
    /// Of a record's group.
    pub(super) fn of(tx: &mut dyn Tx, opened: &Opened, group: GroupTag) -> Result<Lineage> {
        let mut ops = BTreeMap::new();
        for stored in tx.ops_of(opened.row.id)? {
            if stored.state == OpState::Merged
                && let Ok(op) = stored.op()
                && op.writes.iter().any(|write| write.group == group)
            {
                ops.insert(stored.id, op);
            }
        }
        Ok(Lineage { group, ops })
    }

    /// The op's write to the group.
    pub(super) fn write(&self, id: OpId) -> Option<(&Op, &Write)> {
        let op = self.ops.get(&id)?;
        Some((op, op.writes.iter().find(|write| write.group == self.group)?))
    }

    /// Whether nothing stood there before: none of the candidates replaced anything.
    pub(super) fn began_empty(&self, candidates: &[Candidate<'_>]) -> bool {
        let mut first = candidates.iter().filter_map(|candidate| candidate.ops.first());
        first.all(|id| self.replaced_by(*id).is_empty())
    }

    /// The last write that all of the candidates replaced, each perhaps by way of others.
    pub(super) fn base(&self, candidates: &[Candidate<'_>]) -> Option<(OpId, &Op, &Values)> {
        let mut common: Option<BTreeSet<OpId>> = None;
        for candidate in candidates {
            let replaced = self.replaced_by(candidate.ops.first().copied()?);
            common = Some(match common {
                Some(common) => common.intersection(&replaced).copied().collect(),
                None => replaced,
            });
        }
        let written = common?.into_iter().filter_map(|id| Some((id, self.write(id)?)));
        let (id, (op, write)) = written.max_by_key(|(id, (op, _))| (op.hlc, *id))?;
        Some((id, op, &write.values))
    }

    fn replaced_by(&self, id: OpId) -> BTreeSet<OpId> {
        let (mut all, mut next) = (BTreeSet::new(), vec![id]);
        while let Some((_, write)) = next.pop().map(|id| (id, self.write(id))) {
            let Some((_, write)) = write else { continue };
            // What a device that wants harm wrote may go in circles; each op is taken once.
            next.extend(write.replaces.iter().copied().filter(|replaced| all.insert(*replaced)));
        }
        all
    }
}
