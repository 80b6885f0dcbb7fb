//! Complaints that say nearly the same as one that is about to be saved: a citizen who comes to two counters, a paper that is
//! typed twice. A hint for people, never a reason not to save.

use std::collections::BTreeSet;

use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::{Value, builtin};
use kentongan_protocol::merge::{GroupView, Record};
use kentongan_protocol::sealed::is_confidential;

use super::list::ListFilter;
use super::read::RecordSummary;
use super::search::cut;
use super::{Store, StoreError};

/// Complaints that are looked at: the latest of those entered here within the time.
const LOOKED_MAX: u32 = 60;
/// The time, in milliseconds: who comes back does so within days.
const WITHIN_MS: i64 = 7 * 24 * 3_600_000;
/// Complaints that are told of.
const TOLD_MAX: usize = 3;
/// Shorter ones are all alike.
const WORDS_MIN: usize = 3;
/// Of the words of both together, the part that stands in both: at least three in five.
const ALIKE: (usize, usize) = (3, 5);

impl Store {
    /// Complaints entered here in the last days whose description has nearly the same words, the most alike first. None that
    /// asked for confidence.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn similar(&mut self, description: &str) -> Result<Vec<RecordSummary>, StoreError> {
        let words: BTreeSet<String> = cut(description).collect();
        if words.len() < WORDS_MIN {
            return Ok(Vec::new());
        }
        let now_ms = self.wall_ms();
        let latest = ListFilter {
            form: Some(pengaduan::TAG),
            entered_ms: Some((now_ms.saturating_sub(WITHIN_MS), i64::MAX)),
            limit: LOOKED_MAX,
            ..ListFilter::default()
        };
        let looked_at = self.list(&latest, |line, record| {
            let description = if is_confidential(&record) { None } else { description_of(&record) };
            let others: BTreeSet<String> = cut(&description?).collect();
            let (both, all) = (words.intersection(&others).count(), words.union(&others).count());
            (both * ALIKE.1 >= all * ALIKE.0).then_some((both * 1_000 / all.max(1), line))
        })?;
        let mut alike: Vec<(usize, RecordSummary)> = looked_at.records.into_iter().flatten().collect();
        alike.sort_by_key(|(share, _)| std::cmp::Reverse(*share));
        Ok(alike.into_iter().take(TOLD_MAX).map(|(_, line)| line).collect())
    }
}

/// What a complaint is about, in its reporter's words.
fn description_of(record: &Record) -> Option<String> {
    let form = builtin::by_tag(pengaduan::TAG)?;
    let view = GroupView::of(record, form, form.group(pengaduan::group::URAIAN)?);
    match view.shown()?.values().next()? {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}
