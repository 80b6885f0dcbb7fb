//! Quick votes at kiosks: one touch of a face. They cover no element and know nobody, so they are counted for themselves and
//! never enter the index.

use std::collections::BTreeMap;

use kentongan_protocol::form::builtin::suara;
use kentongan_protocol::form::{ChoiceTag, Value};
use serde::{Deserialize, Serialize};

use super::super::record::Opened;
use super::value;

/// Quick votes of an office, an area or a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Votes {
    /// By face, the worst first.
    pub faces: [u64; 4],
    /// Votes that came so soon after another that one person may have given both: told, and not counted.
    pub hasty: u64,
    /// What should get better first, by the number of its choice.
    pub better: BTreeMap<ChoiceTag, u64>,
}

impl Votes {
    /// All that count.
    pub fn total(&self) -> u64 {
        self.faces.iter().sum()
    }

    /// Whether none came at all.
    pub fn is_empty(&self) -> bool {
        self.total() == 0 && self.hasty == 0
    }

    pub(super) fn count(&mut self, opened: &Opened) {
        let choice = |field| value(opened, field).and_then(Value::choice);
        if choice(suara::HASTE) == Some(suara::HASTY) {
            self.hasty += 1;
            return;
        }
        let face = choice(suara::FACE).and_then(|face| self.faces.get_mut(usize::from(face).checked_sub(1)?));
        let Some(face) = face else { return };
        *face += 1;
        if let Some(better) = choice(suara::ELEMENT) {
            *self.better.entry(better).or_insert(0) += 1;
        }
    }

    pub(super) fn merge(&mut self, more: &Votes) {
        self.faces.iter_mut().zip(more.faces).for_each(|(mine, more)| *mine += more);
        self.hasty += more.hasty;
        for (better, count) in &more.better {
            *self.better.entry(*better).or_insert(0) += count;
        }
    }
}
