//! Lists for the page: records by what a person looks for, and what today brought.

use std::collections::BTreeMap;

use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::{FormTag, Value, builtin};
use kentongan_protocol::ids::RecordId;
use kentongan_protocol::merge::{GroupView, Record};
use kentongan_protocol::receipt::ReceiptCode;
use rusqlite::params;

use super::contacts::Contact;
use super::pack::key_of;
use super::read::{self, PENDING, RecordState, RecordSummary};
use super::{Store, StoreError};

/// Records whose texts one search looks into, the latest first.
const SEARCHED_MAX: u32 = 20_000;

/// Which records a list shows, those that changed last first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListFilter {
    /// Only those in this state.
    pub state: Option<RecordState>,
    /// Only those of this form.
    pub form: Option<FormTag>,
    /// Only those entered on this PC, from this time by its clock on, and before that one.
    pub entered_ms: Option<(i64, i64)>,
    /// Only those with all these words in their texts, whatever the case; empty: all.
    pub words: String,
    /// So many are passed over.
    pub offset: u32,
    /// At most this many.
    pub limit: u32,
}

/// What a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The records, each with what it says.
    pub records: Vec<(RecordSummary, Record)>,
    /// There are more.
    pub has_more: bool,
    /// A search ended before it had looked into all records.
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
    /// The records that a person looks for.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn list(&mut self, filter: &ListFilter) -> Result<Found, StoreError> {
        let words: Vec<String> = filter.words.split_whitespace().map(str::to_lowercase).collect();
        let wanted = usize::try_from(filter.limit).unwrap_or(usize::MAX).saturating_add(1);
        let code = filter.words.trim().parse::<ReceiptCode>().ok();
        let mut found = Found { records: Vec::new(), has_more: false, is_cut: false };
        let (mut at, mut passed) = (0_u32, 0_u32);
        // Without words, the store itself passes over what comes before.
        if words.is_empty() {
            (at, passed) = (filter.offset, filter.offset);
        }
        while found.records.len() < wanted {
            let page = self.lines(filter, at, 500.min(filter.limit.saturating_add(1)).max(50))?;
            let Some(read) = u32::try_from(page.len()).ok().filter(|read| *read > 0) else { break };
            at += read;
            for summary in page {
                let record = self.merged(summary.record)?;
                let fits = code.is_some_and(|code| summary.code == Some(code)) || holds(&record, &summary, &words);
                if fits && passed < filter.offset {
                    passed += 1;
                } else if fits && found.records.len() < wanted {
                    found.records.push((summary, record));
                }
            }
            if at >= SEARCHED_MAX && !words.is_empty() {
                found.is_cut = true;
                break;
            }
        }
        found.has_more = found.records.len() == wanted;
        found.records.truncate(wanted - 1);
        Ok(found)
    }

    /// Lines of a list, without a look at what the records say.
    fn lines(&mut self, filter: &ListFilter, offset: u32, limit: u32) -> Result<Vec<RecordSummary>, StoreError> {
        let reading = || StoreError::because("list records");
        let state = filter.state.map(|state| match state {
            RecordState::Rejected => "repair = 1",
            RecordState::Queued => "repair = 0 AND id IN waiting",
            RecordState::Arrived => "repair = 0 AND id NOT IN waiting",
        });
        // Only what is asked for stands in the statement, so that an index can serve it.
        let asked = [
            state,
            filter.form.map(|_| "form = ?1"),
            filter.entered_ms.map(|_| "own = 1 AND wall_ms >= ?2 AND wall_ms < ?3"),
        ];
        let asked = asked.into_iter().flatten().collect::<Vec<_>>().join(" AND ");
        let filtered = if asked.is_empty() { String::new() } else { format!("WHERE {asked}") };
        // Few records wait or are asked back, and few are of one day: those are found first and then put in order. Of all
        // others, the index gives the latest.
        let is_few =
            filter.entered_ms.is_some() || matches!(filter.state, Some(RecordState::Rejected | RecordState::Queued));
        let order = if is_few { "+changed DESC, +id DESC" } else { "changed DESC, id DESC" };
        let sql = format!("{} {filtered} ORDER BY {order} LIMIT ?4 OFFSET ?5", read::lines());
        let (from, until) = filter.entered_ms.unzip();
        let mut select = self.db.prepare_cached(&sql).map_err(reading())?;
        let mut rows = select.query(params![filter.form, from, until, limit, offset]).map_err(reading())?;
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
        let reading = || StoreError::because("look for records that changed");
        let mut select = self
            .db
            .prepare_cached(
                "SELECT id FROM record WHERE own = 1 AND changed >= ? AND changed > wall_ms \
                 ORDER BY changed DESC, id DESC LIMIT ?",
            )
            .map_err(reading())?;
        let keys = select
            .query_map(params![since_ms, limit], |row| row.get::<_, i64>(0))
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

/// Whether its writer, or the citizen, asked that nobody at the counter reads a record once it is saved.
pub fn is_confidential(record: &Record) -> bool {
    let Some(creation) = record.creation.as_ref().filter(|creation| creation.form == pengaduan::TAG) else {
        return false;
    };
    let Some(form) = builtin::by_tag(creation.form) else { return false };
    let Some(group) = form.group(pengaduan::group::PRIVASI) else { return false };
    let view = GroupView::of(record, form, group);
    let choice = view.shown().and_then(|values| values.values().find_map(Value::choice));
    form.ordering_field(group.tag)
        .zip(choice)
        .and_then(|(field, choice)| field.choice(choice))
        .is_some_and(|choice| choice.code == "rahasia")
}

/// Whether a record has all words in its code, its texts or the names of its choices.
fn holds(record: &Record, summary: &RecordSummary, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let mut texts = summary.code.map(|code| code.to_string().to_lowercase()).unwrap_or_default();
    let Some(form) = builtin::by_tag(summary.form) else { return false };
    // Of what is confidential, only the code is found.
    let groups = if is_confidential(record) { &[][..] } else { &form.groups };
    for group in groups {
        let view = GroupView::of(record, form, group);
        let entries = match &view {
            GroupView::Entries(entries) => entries.iter().map(|(_, written)| &written.values).collect(),
            _ => Vec::new(),
        };
        for (tag, value) in entries.into_iter().chain(view.shown()).flatten() {
            let Some(field) = form.field(*tag) else { continue };
            texts.push('\n');
            match value {
                Value::Text(text) | Value::Person(text) => texts.push_str(&text.to_lowercase()),
                Value::One(_) | Value::Many(_) => {
                    for lang in [kentongan_host::Lang::Id, kentongan_host::Lang::En] {
                        texts.push_str(&value.display(field, lang).to_lowercase());
                        texts.push(' ');
                    }
                }
                _ => {}
            }
        }
    }
    words.iter().all(|word| texts.contains(word.as_str()))
}
