//! Ops that an older program kept aside because it could not read or open them, or did not know their form: a hub that was
//! updated takes them in by itself when it begins to serve. What a person discarded stays discarded.

use kentongan_protocol::form::builtin;
use kentongan_protocol::judge::{Access, Quarantine, Verdict, judge};
use kentongan_protocol::log::LogHead;
use kentongan_protocol::merge::Record;
use kentongan_protocol::op::{Action, Op};
use kentongan_protocol::wire::v1::VerdictFrame;

use super::intake::{Intake, frame_of};
use crate::store::{Born, OpState, Result, StoreError, StoredOp};

/// Ops looked at in one go.
const PAGE: usize = 1_000;

impl Intake<'_> {
    /// Looks again at everything that could not be read; says how many ops it could use.
    pub(crate) fn look_again(&mut self) -> Result<u64> {
        let (mut after, mut used) = (None, 0);
        loop {
            let page = self.tx.quarantined(after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for stored in page {
                let OpState::Quarantined(Quarantine::Unreadable | Quarantine::UnknownForm | Quarantine::Sealed) =
                    stored.state
                else {
                    continue;
                };
                let Some(op) = self.op_of(&stored)? else { continue };
                let log = self.tx.log(stored.id.log)?.ok_or(StoreError::Damaged("an op without its log"))?;
                used += u64::from(match op.action {
                    Action::Create { .. } => self.creation_again(&stored, &log.head, &op)?,
                    Action::Change { .. } => self.change_again(&stored, &log.head, &op)?,
                });
            }
        }
        self.finish()?;
        Ok(used)
    }

    fn creation_again(&mut self, stored: &StoredOp, head: &LogHead, op: &Op) -> Result<bool> {
        let Action::Create { form, form_version, receipt } = op.action else { return Ok(false) };
        let record = op.record(stored.id);
        let verdict = judge(op, builtin::by_tag(form), &Record::new(record), Access::Allowed);
        if OpState::Quarantined(Quarantine::UnknownForm) == stored.state && matches!(verdict, Verdict::Quarantined(_)) {
            return Ok(false);
        }
        self.expect_record(record)?;
        if let Verdict::Quarantined(reason) = verdict {
            self.tx.update_op(stored.id, Some(record), OpState::Quarantined(reason))?;
            self.tell(head.office(), stored.id, frame_of(&verdict))?;
            return Ok(false);
        }
        let born = Born { form, form_version, office: head.office().clone(), code: receipt };
        self.watch_for_collision(record, receipt)?;
        let row = self.row_of_creation(stored.id, born, op);
        self.tx.update_record(&row)?;
        self.tx.update_op(stored.id, Some(record), OpState::Merged)?;
        self.merged(head, stored.id, op, record)?;
        self.tell(head.office(), stored.id, frame_of(&verdict))?;
        self.settle(record)?;
        Ok(true)
    }

    fn change_again(&mut self, stored: &StoredOp, head: &LogHead, op: &Op) -> Result<bool> {
        let record = op.record(stored.id);
        let Some(touched) = self.touch(record)? else {
            // It is judged when its record comes; until then nothing is held against it.
            self.expect_record(record)?;
            self.tx.update_op(stored.id, Some(record), OpState::Waiting)?;
            self.tell(head.office(), stored.id, VerdictFrame::Accepted)?;
            return Ok(true);
        };
        let verdict = self.judged(&touched, head, op, record);
        let state = match verdict {
            Verdict::Quarantined(reason) => OpState::Quarantined(reason),
            _ => OpState::Merged,
        };
        if state == stored.state {
            return Ok(false);
        }
        self.tx.update_op(stored.id, Some(record), state)?;
        self.tell(head.office(), stored.id, frame_of(&verdict))?;
        if state == OpState::Merged && self.merged(head, stored.id, op, record)? {
            self.settle(record)?;
        }
        Ok(true)
    }
}
