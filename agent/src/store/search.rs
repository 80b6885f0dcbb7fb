//! Finding records by words: those of their texts, their choices and their receipt codes.
//!
//! ```text
//!   save            ──▶ unsearched          the record's number, in the same transaction
//!   between contacts    unsearched ──▶ searched   its words, a slice of records at a time
//!   a search        ◀── searched, and a look into the latest that are still unsearched
//! ```
//!
//! Words cost ten times what their record costs to save, so they wait; what was saved a moment ago is found all the same.
//! Of what is confidential there is only the code: nobody finds by a word what they may not read.

use std::collections::BTreeSet;

use kentongan_host::Lang;
use kentongan_protocol::form::{Value, builtin};
use kentongan_protocol::merge::{GroupView, Record};
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::sealed::is_confidential;
use rusqlite::{Connection, params};

use super::{Store, StoreError, read};

/// Records whose words are put into the index in one transaction: a save waits no longer than for these.
const SLICE: u32 = 200;
/// Records that are not in the index yet and that one search looks into, the latest.
const LOOKED_MAX: u32 = 250;
/// Words that one search asks for.
const ASKED_MAX: usize = 12;
/// Longest word, in characters; of a longer one the beginning counts.
const WORD_CHARS_MAX: usize = 40;
/// Up to so many, what was found is put in order; of more, the latest are looked for among all.
const FEW: u32 = 2_000;

/// What a person asks for: words that all stand in a record, each at least with its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked(Vec<String>);

impl Asked {
    /// Of what was typed; `None`: nothing.
    pub(super) fn of(typed: &str) -> Option<Asked> {
        (!typed.trim().is_empty()).then(|| Asked(cut(typed).take(ASKED_MAX).collect()))
    }

    /// As the index is asked. A single letter or digit is a word by itself: nearly everything begins with it.
    fn question(&self) -> String {
        let part =
            |word: &String| if word.chars().count() > 1 { format!("\"{word}\"*") } else { format!("\"{word}\"") };
        self.0.iter().map(part).collect::<Vec<_>>().join(" ")
    }

    /// Whether all of it stands among the words of a record.
    fn fits(&self, words: &BTreeSet<String>) -> bool {
        let stands = |asked: &String| match asked.chars().count() {
            1 => words.contains(asked),
            _ => words.range(asked.clone()..).next().is_some_and(|word| word.starts_with(asked.as_str())),
        };
        !self.0.is_empty() && self.0.iter().all(stands)
    }
}

/// What a search has to look through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Searched {
    /// The question to the index; it finds something only if there is one.
    pub(super) question: String,
    /// Keys of records that were found without the index, as a JSON array.
    pub(super) beside: String,
    /// So much was found that it is quicker to look for the latest among all records.
    pub(super) is_much: bool,
    /// Not everything that is still unsearched was looked into.
    pub(super) is_cut: bool,
}

/// Selects the keys of what was found, by the question `?6` and the keys `?7`. What has changed since is known by its look
/// alone.
pub(super) const FOUND: &str = "SELECT rowid FROM searched WHERE searched MATCH ?6 \
                                AND rowid NOT IN (SELECT record FROM unsearched) \
                                UNION ALL SELECT value FROM json_each(?7)";

impl Store {
    /// Puts the words of some records into the index, if any wait for that. Says whether more do.
    ///
    /// # Errors
    /// If the store cannot be read or written; then nothing changed.
    pub fn index_some(&mut self) -> Result<bool, StoreError> {
        let indexing = || StoreError::because("index the words of records");
        let transaction = self.db.transaction().map_err(indexing())?;
        let keys = waiting(&transaction, "record", SLICE)?;
        for key in &keys {
            match words_at(&transaction, *key)? {
                Some(words) => transaction
                    .prepare_cached("INSERT OR REPLACE INTO searched (rowid, words) VALUES (?, ?)")
                    .and_then(|mut insert| insert.execute(params![key, Vec::from_iter(words).join(" ")])),
                None => transaction
                    .prepare_cached("DELETE FROM searched WHERE rowid = ?")
                    .and_then(|mut delete| delete.execute([key])),
            }
            .and_then(|_| transaction.prepare_cached("DELETE FROM unsearched WHERE record = ?")?.execute([key]))
            .map_err(indexing())?;
        }
        if !keys.is_empty() {
            transaction.commit().map_err(indexing())?;
        }
        Ok(keys.len() == SLICE as usize)
    }

    /// Prepares a search.
    pub(super) fn look_for(&mut self, asked: &Asked, typed: &str) -> Result<Searched, StoreError> {
        let mut beside = waiting(&self.db, "record DESC", LOOKED_MAX)?;
        let is_cut = beside.len() == LOOKED_MAX as usize;
        let mut failed = None;
        beside.retain(|key| match words_at(&self.db, *key) {
            Ok(words) => words.is_some_and(|words| asked.fits(&words)),
            Err(error) => {
                failed.get_or_insert(error);
                false
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        // A code is known however it is typed, and by its index.
        if let Ok(code) = typed.trim().parse::<ReceiptCode>() {
            let coded = self.keys_coded(code)?;
            beside.retain(|key| !coded.contains(key));
            beside.extend(coded);
            let beside = format!("{beside:?}");
            return Ok(Searched { question: NOTHING.to_owned(), beside, is_much: false, is_cut });
        }
        let question = if asked.0.is_empty() { NOTHING.to_owned() } else { asked.question() };
        let count: u32 = self
            .db
            .prepare_cached("SELECT count(*) FROM (SELECT rowid FROM searched WHERE searched MATCH ? LIMIT ?)")
            .and_then(|mut count| count.query_row(params![question, FEW], |row| row.get(0)))
            .map_err(StoreError::because("search"))?;
        Ok(Searched { question, beside: format!("{beside:?}"), is_much: count == FEW, is_cut })
    }
}

/// A question that finds nothing.
const NOTHING: &str = "\"\"";

/// Notes that the words of a record are to be put into the index.
pub(super) fn note(db: &Connection, key: i64) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR IGNORE INTO unsearched (record) VALUES (?)")
        .and_then(|mut insert| insert.execute([key]))
        .map(drop)
        .map_err(StoreError::because("note that a record is to be indexed"))
}

/// The same of all records: what their words are hangs on the forms.
pub(super) fn note_all(db: &Connection) -> Result<(), StoreError> {
    db.execute("INSERT OR IGNORE INTO unsearched (record) SELECT id FROM record", [])
        .map(drop)
        .map_err(StoreError::because("note that all records are to be indexed"))
}

/// Keys of records that wait for the index.
fn waiting(db: &Connection, order: &str, limit: u32) -> Result<Vec<i64>, StoreError> {
    let reading = || StoreError::because("look for what is to be indexed");
    let sql = format!("SELECT record FROM unsearched ORDER BY {order} LIMIT ?");
    let mut select = db.prepare_cached(&sql).map_err(reading())?;
    let keys = select.query_map([limit], |row| row.get(0)).map_err(reading())?;
    keys.collect::<Result<_, _>>().map_err(reading())
}

/// The words of the record that begins with the op `key`; `None`: there is no such record.
fn words_at(db: &Connection, key: i64) -> Result<Option<BTreeSet<String>>, StoreError> {
    Ok(read::record(db, key)?.map(|record| words_of(&record)))
}

/// The words by which a record is found.
fn words_of(record: &Record) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let Some(creation) = &record.creation else { return words };
    if let Some(code) = creation.receipt {
        let code = code.to_string();
        words.extend(cut(&code).chain(cut(&code.replace('-', ""))));
    }
    let form = builtin::by_tag(creation.form).filter(|_| !is_confidential(record));
    for (form, group) in form.iter().flat_map(|form| form.groups.iter().map(move |group| (form, group))) {
        let view = GroupView::of(record, form, group);
        let entries = match &view {
            GroupView::Entries(entries) => entries.iter().map(|(_, written)| &written.values).collect(),
            _ => Vec::new(),
        };
        for (tag, value) in entries.into_iter().chain(view.shown()).flatten() {
            let Some(field) = form.field(*tag) else { continue };
            match value {
                Value::Text(text) | Value::Person(text) => words.extend(cut(text)),
                Value::One(_) | Value::Many(_) => {
                    words.extend(
                        [Lang::Id, Lang::En]
                            .iter()
                            .flat_map(|lang| cut(&value.display(field, *lang)).collect::<Vec<_>>()),
                    );
                }
                _ => {}
            }
        }
    }
    words
}

/// The words of a text.
pub(super) fn cut(text: &str) -> impl Iterator<Item = String> {
    let lower = text.to_lowercase();
    let words: Vec<String> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().take(WORD_CHARS_MAX).collect())
        .collect();
    words.into_iter()
}
