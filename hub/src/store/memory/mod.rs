//! A store in memory, for tests and the simulator. What is undone is undone by a journal of opposites, so that a
//! transaction costs what it touches and not what the store holds.

mod tx;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use kentongan_protocol::attachment::Content;
use kentongan_protocol::calendar::Day;
use kentongan_protocol::form::GroupTag;
use kentongan_protocol::ids::{LogId, OfficeCode, OpId, RecordId, ReplicaId, RunId, Topic};
use kentongan_protocol::session::hub::HubEpoch;
use kentongan_protocol::wire::v1::VerdictFrame;

use super::contract::{Result, Store, StoreError, Tx, Work};
use super::rows::*;

/// A store in memory. It survives nothing.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: State,
    fed: BTreeSet<OfficeCode>,
}

#[derive(Debug, Default)]
struct State {
    hub: BTreeMap<(), HubIdentity>,
    epochs: BTreeMap<usize, HubEpoch>,
    backed_up: BTreeMap<(), i64>,
    offices: BTreeMap<OfficeCode, Office>,
    office_notes: BTreeMap<(OfficeCode, u64), OfficeNote>,
    replicas: BTreeMap<ReplicaId, Replica>,
    codes: BTreeMap<u64, EnrolCode>,
    runs: BTreeMap<(ReplicaId, RunId), Run>,
    logs: BTreeMap<LogId, Log>,
    ops: BTreeMap<OpId, StoredOp>,
    arrivals: BTreeMap<u64, OpId>,
    ops_of: BTreeMap<(RecordId, u64), OpId>,
    verdicts: BTreeMap<OpId, VerdictFrame>,
    records: BTreeMap<RecordId, RecordRow>,
    numbers: BTreeMap<u64, RecordId>,
    shares: BTreeMap<(RecordId, OfficeCode), ()>,
    conflicts: BTreeMap<(RecordId, GroupTag), Conflict>,
    attachments: BTreeMap<u64, Attachment>,
    contents: BTreeMap<Content, u64>,
    attached: BTreeMap<(RecordId, u64, ReplicaId), String>,
    chunks: BTreeMap<(u64, u32), Vec<u8>>,
    feed: BTreeMap<(Topic, u64), FeedItem>,
    feed_numbers: BTreeMap<u64, ()>,
    attests: BTreeMap<LogId, Attestation>,
    forks: BTreeMap<u64, Fork>,
    audit: BTreeMap<u64, AuditEntry>,
    journal: BTreeMap<(ReplicaId, u64), ExchangeNote>,
    days: BTreeMap<(OfficeCode, Day), OfficeDay>,
    references: BTreeMap<String, Reference>,
    api_keys: BTreeMap<u64, ApiKey>,
    remembered: BTreeMap<(u64, String), Remembered>,
    progress: BTreeMap<String, u64>,
    cases: BTreeMap<RecordId, Case>,
    survey_months: BTreeMap<(i32, OfficeCode), SurveyMonth>,
    decisions: BTreeMap<(RecordId, GroupTag, OpId), Decision>,
    accounts: BTreeMap<String, Account>,
    logins: BTreeMap<[u8; 32], Login>,
}

type Opposite = Box<dyn FnOnce(&mut State)>;
type Table<K, V> = fn(&mut State) -> &mut BTreeMap<K, V>;

struct MemoryTx<'a> {
    state: &'a mut State,
    opposites: Vec<Opposite>,
    /// Offices into whose feed something was put, undone or not.
    fed: BTreeSet<OfficeCode>,
}

impl Store for MemoryStore {
    fn transact(&mut self, work: Work<'_>) -> Result<()> {
        let mut tx = MemoryTx { state: &mut self.state, opposites: Vec::new(), fed: BTreeSet::new() };
        tx.part(work)?;
        self.fed.append(&mut tx.fed);
        Ok(())
    }

    fn take_fed(&mut self) -> BTreeSet<OfficeCode> {
        std::mem::take(&mut self.fed)
    }
}

impl MemoryTx<'_> {
    fn set<K: Ord + Clone + 'static, V: 'static>(&mut self, table: Table<K, V>, key: K, value: V) {
        let before = table(self.state).insert(key.clone(), value);
        self.opposites.push(Box::new(move |state| match before {
            Some(before) => drop(table(state).insert(key, before)),
            None => drop(table(state).remove(&key)),
        }));
    }

    fn remove<K: Ord + 'static, V: 'static>(&mut self, table: Table<K, V>, key: K) {
        if let Some(before) = table(self.state).remove(&key) {
            self.opposites.push(Box::new(move |state| drop(table(state).insert(key, before))));
        }
    }

    fn content_number(&self, content: &Content) -> Result<u64> {
        let number = self.state.contents.get(content).copied();
        number.ok_or(StoreError::Damaged("an attachment that is named is not there"))
    }

    fn op_at(&self, id: &OpId) -> Result<&StoredOp> {
        self.state.ops.get(id).ok_or(StoreError::Damaged("an op that is named is not there"))
    }
}

fn fits(filter: &RecordFilter, row: &RecordRow) -> bool {
    let Some(born) = &row.born else { return false };
    let has_text = |text: &String| row.summary.to_ascii_lowercase().contains(&text.to_ascii_lowercase());
    filter.form.is_none_or(|form| form == born.form)
        && filter.office.as_ref().is_none_or(|office| *office == born.office)
        && filter.status.is_none_or(|status| row.status == status)
        && filter.text.as_ref().is_none_or(has_text)
}

fn next<V>(table: &BTreeMap<u64, V>) -> u64 {
    table.last_key_value().map_or(1, |(number, _)| number + 1)
}

/// The values of a table in the order of a page.
fn paged<V>(table: &BTreeMap<u64, V>, page: Page) -> Box<dyn Iterator<Item = &V> + '_> {
    match page {
        Page::After(number) => {
            Box::new(table.range((Bound::Excluded(number), Bound::Unbounded)).map(|(_, value)| value))
        }
        Page::Before(number) => Box::new(table.range(..number).rev().map(|(_, value)| value)),
    }
}
