//! Lists for the page: records by what a person looks for, and what today brought.

use std::collections::BTreeMap;

use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::{FormTag, Value, builtin};
use kentongan_protocol::ids::RecordId;
use kentongan_protocol::merge::{GroupView, Record};
use rusqlite::{Params, params};

use super::contacts::Contact;
use super::pack::key_of;
use super::read::{self, PENDING, RecordState, RecordSummary};
use super::search::{self, Asked, Searched};
use super::{Store, StoreError};

/// Which records a list shows, those that changed last first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListFilter {
    /// Only those in this state.
    pub state: Option<RecordState>,
    /// Only those of this form.
    pub form: Option<FormTag>,
    /// Only those entered on this PC, from this time by its clock on, and before that one.
    pub entered_ms: Option<(i64, i64)>,
    /// Only those in which all these words stand, or words that begin with them, whatever the case; empty: all.
    pub words: String,
    /// So many are passed over.
    pub offset: u32,
    /// At most this many.
    pub limit: u32,
}

/// What a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// What was told of each record.
    pub records: Vec<T>,
    /// There are more.
    pub has_more: bool,
    /// Some of what is new was not searched yet.
    pub is_cut: bool,
}

/// What was entered on this PC in a time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Today {
    /// Records by form.
    pub entered: BTreeMap<FormTag, u64>,
    /// Of these, known to be at the hub with everything.
    pub arrived: u64,
}

impl Today {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.entered.values().sum()
    }
}

impl Store {
    /// The records that a person looks for, and of each what `told` makes of what it says. One record after the other is in
    /// memory: a long list costs what is told.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn list<T>(
        &mut self,
        filter: &ListFilter,
        mut told: impl FnMut(RecordSummary, Record) -> T,
    ) -> Result<Found<T>, StoreError> {
        let searched = match Asked::of(&filter.words) {
            Some(asked) => Some(self.look_for(&asked, &filter.words)?),
            None => None,
        };
        let mut lines = self.lines(filter, searched.as_ref())?;
        let wanted = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let has_more = lines.len() > wanted;
        lines.truncate(wanted);
        let records = lines.into_iter().map(|line| self.merged(line.record).map(|record| told(line, record)));
        let records = records.collect::<Result<_, _>>()?;
        Ok(Found { records, has_more, is_cut: searched.is_some_and(|searched| searched.is_cut) })
    }

    /// Lines of a list, one more than are asked for, without a look at what the records say.
    pub(super) fn lines(
        &mut self,
        filter: &ListFilter,
        searched: Option<&Searched>,
    ) -> Result<Vec<RecordSummary>, StoreError> {
        let reading = || StoreError::because("list records");
        let state = filter.state.map(|state| match state {
            RecordState::Rejected => "repair = 1",
            RecordState::Queued => "repair = 0 AND id IN waiting",
            RecordState::Arrived => "repair = 0 AND id NOT IN waiting",
        });
        let is_much = searched.is_some_and(|searched| searched.is_much);
        let found = searched.map(|_| format!("{}id IN ({})", if is_much { "+" } else { "" }, search::FOUND));
        // Only what is asked for stands in the statement, so that an index can serve it.
        let asked = [
            state,
            filter.form.map(|_| "form = ?1"),
            filter.entered_ms.map(|_| "own = 1 AND wall_ms >= ?2 AND wall_ms < ?3"),
            found.as_deref(),
        ];
        let asked = asked.into_iter().flatten().collect::<Vec<_>>().join(" AND ");
        let filtered = if asked.is_empty() { String::new() } else { format!("WHERE {asked}") };
        // Few records wait or are asked back, few are of one day, and words are mostly in few: those are found first and
        // then put in order. Of all others, the index gives the latest.
        let is_few = filter.entered_ms.is_some()
            || matches!(filter.state, Some(RecordState::Rejected | RecordState::Queued))
            || searched.is_some_and(|searched| !searched.is_much);
        let order = if is_few { "+changed DESC, +id DESC" } else { "changed DESC, id DESC" };
        let sql = format!("{} {filtered} ORDER BY {order} LIMIT ?4 OFFSET ?5", read::lines());
        let (from, until) = filter.entered_ms.unzip();
        let limit = filter.limit.saturating_add(1);
        let mut select = self.db.prepare_cached(&sql).map_err(reading())?;
        let mut rows = match searched {
            Some(Searched { question, beside, .. }) => {
                select.query(params![filter.form, from, until, limit, filter.offset, question, beside])
            }
            None => select.query(params![filter.form, from, until, limit, filter.offset]),
        }
        .map_err(reading())?;
        let mut lines = Vec::new();
        while let Some(row) = rows.next().map_err(reading())? {
            lines.push(read::summary(&self.db, row)?);
        }
        Ok(lines)
    }

    /// What a record says.
    fn merged(&self, record: RecordId) -> Result<Record, StoreError> {
        read::record(&self.db, key_of(&self.db, record.0)?)?.ok_or(StoreError::NoSuchRecord)
    }

    /// What was entered here from one time to another, by this PC's clock.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn entered_between(&self, from_ms: i64, until_ms: i64) -> Result<Today, StoreError> {
        let reading = || StoreError::because("count what was entered");
        let sql = format!(
            "WITH waiting (id) AS ({PENDING}) SELECT form, count(*), sum(id NOT IN waiting) FROM record \
             WHERE own = 1 AND wall_ms >= ? AND wall_ms < ? GROUP BY form"
        );
        let mut select = self.db.prepare_cached(&sql).map_err(reading())?;
        let rows = select
            .query_map([from_ms, until_ms], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64))
            })
            .map_err(reading())?;
        let mut today = Today::default();
        for row in rows {
            let (form, entered, arrived) = row.map_err(reading())?;
            today.entered.insert(form, entered);
            today.arrived += arrived;
        }
        Ok(today)
    }

    /// Records entered here to which something came after their entry, the latest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn changed_since(&self, since_ms: i64, limit: u32) -> Result<Vec<RecordId>, StoreError> {
        let sql = "SELECT id FROM record WHERE own = 1 AND changed >= ? AND changed > wall_ms \
                   ORDER BY changed DESC, id DESC LIMIT ?";
        self.named(sql, params![since_ms, limit], "look for records that changed")
    }

    /// Complaints to which others wrote, the hub or a colleague, and to which something came since a time, the latest first:
    /// what was handed to an office is among them.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn complaints_worked_on_since(&self, since_ms: i64, limit: u32) -> Result<Vec<RecordId>, StoreError> {
        let sql = "SELECT id FROM record WHERE changed >= ? AND (own = 0 OR changed > wall_ms) AND +form = ? AND EXISTS (SELECT 1 FROM op \
                   WHERE op.record = record.id AND op.record <> op.id AND op.feed IS NOT NULL) \
                   ORDER BY changed DESC, id DESC LIMIT ?";
        self.named(sql, params![since_ms, pengaduan::TAG, limit], "look for complaints that others worked on")
    }

    /// The names of the records that a question finds.
    fn named(&self, sql: &str, asked: impl Params, doing: &'static str) -> Result<Vec<RecordId>, StoreError> {
        let reading = || StoreError::because(doing);
        let mut select = self.db.prepare_cached(sql).map_err(reading())?;
        let keys = select
            .query_map(asked, |row| row.get::<_, i64>(0))
            .map_err(reading())?
            .collect::<Result<Vec<_>, _>>()
            .map_err(reading())?;
        keys.into_iter().map(|key| super::pack::op_id(&self.db, key).map(RecordId)).collect()
    }

    /// The attempts to reach the hub since a time, the first first, at most so many of the last.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn contacts_since(&self, since_ms: i64, limit: u32) -> Result<Vec<Contact>, StoreError> {
        let reading = || StoreError::because("read the contacts");
        let mut select = self
            .db
            .prepare_cached(
                "SELECT began_ms, ended_ms, code, detail, up_bytes, down_bytes FROM contact \
                 WHERE ended_ms >= ? ORDER BY id DESC LIMIT ?",
            )
            .map_err(reading())?;
        let rows = select.query_map(params![since_ms, limit], super::contacts::contact).map_err(reading())?;
        let mut contacts = rows.collect::<Result<Vec<_>, _>>().map_err(reading())?;
        contacts.reverse();
        Ok(contacts)
    }

    /// A number that is another one after anything was written here.
    pub fn writes(&self) -> u64 {
        self.db.total_changes()
    }
}

/// How far a complaint is to be hidden, as the code of that choice. `None`: nothing was asked, or it is no complaint.
pub fn privacy(record: &Record) -> Option<&'static str> {
    let creation = record.creation.as_ref().filter(|creation| creation.form == pengaduan::TAG)?;
    let form = builtin::by_tag(creation.form)?;
    let group = form.group(pengaduan::group::PRIVASI)?;
    let choice = GroupView::of(record, form, group).shown()?.values().find_map(Value::choice)?;
    Some(form.ordering_field(group.tag)?.choice(choice)?.code.as_str())
}
