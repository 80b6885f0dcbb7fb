//! What the services on records share: finding one, dating what happened to it, and showing it whole.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use kentongan_host::{Exit, Failure, moment};
use kentongan_protocol::clock::{KnownRun, RunTime, run_time};
use kentongan_protocol::form::{Choice, Field, FieldTag, Form, Lang, Value, builtin};
use kentongan_protocol::ids::{OfficeCode, RecordId, ReplicaId, RunId};
use kentongan_protocol::log::LogHead;
use kentongan_protocol::merge::Record;
use kentongan_protocol::receipt::ReceiptCode;
use serde::{Deserialize, Serialize};

use super::{Desk, Via};
use crate::accept::{load, note};
use crate::engine::Hub;
use crate::store::{Born, RecordRow, Result as StoreResult, StoreError, Tx};

/// A person at the hub who does something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operator<'a> {
    /// The hub that writes it.
    pub(crate) hub: &'a Hub,
    /// When, milliseconds since 1970.
    pub(crate) now_ms: i64,
    /// Who.
    pub(crate) name: &'a str,
    /// From where.
    pub(crate) via: Option<&'a Via>,
}

impl<'a> From<&'a Desk> for Operator<'a> {
    fn from(desk: &'a Desk) -> Self {
        Operator { hub: &desk.hub, now_ms: desk.now_ms, name: &desk.actor, via: desk.via.as_ref() }
    }
}

impl Operator<'_> {
    /// Notes in the audit log what a record met.
    pub(crate) fn note(
        &self,
        tx: &mut dyn Tx,
        event: &str,
        row: &RecordRow,
        detail: serde_json::Value,
    ) -> StoreResult<()> {
        note(tx, self.now_ms, self.name, event, name_of(row), Via::added_to(self.via, detail))
    }
}

/// A record with everything that services need to know of it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) row: RecordRow,
    pub(crate) born: Born,
    pub(crate) form: &'static Form,
    pub(crate) record: Record,
}

/// Opens the record that a receipt code or an id names.
///
/// # Errors
/// There is none, there are several, or its form is not known here.
pub(crate) fn open(tx: &mut dyn Tx, text: &str) -> Result<Opened, Failure> {
    let row = find(tx, text)?;
    opened(tx, row)?.ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            format!("Catatan {text} belum lengkap di pusat: isinya atau formulirnya belum ada."),
            format!("Record {text} is not complete at the hub: its content or its form is not here yet."),
        )
    })
}

/// Opens a record; `None` while its creating op is not merged here, or if its form is not known.
pub(crate) fn opened(tx: &mut dyn Tx, row: RecordRow) -> StoreResult<Option<Opened>> {
    let Some(born) = row.born.clone() else { return Ok(None) };
    let Some(form) = builtin::by_tag(born.form) else { return Ok(None) };
    let record = load(tx, row.id)?;
    Ok(Some(Opened { row, born, form, record }))
}

fn find(tx: &mut dyn Tx, text: &str) -> Result<RecordRow, Failure> {
    let unknown = || {
        Failure::new(
            Exit::Failed,
            format!("Tidak ada catatan {text} di pusat."),
            format!("The hub has no record {text}."),
        )
        .with_hint("kentongan-hub complaint list", "kentongan-hub complaint list")
    };
    if let Ok(id) = text.trim().parse::<RecordId>() {
        return tx.record(id)?.ok_or_else(unknown);
    }
    let code: ReceiptCode = text.parse().map_err(|error: kentongan_protocol::receipt::CodeError| {
        Failure::usage(error.sentence(Lang::Id), error.sentence(Lang::En))
    })?;
    let mut rows = tx.records_coded(code)?;
    match rows.len() {
        0 => Err(unknown()),
        1 => Ok(rows.remove(0)),
        _ => {
            let ids: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
            let ids = ids.join(", ");
            Err(Failure::new(
                Exit::Decide,
                format!("Kode {code} dipakai beberapa catatan; sebutkan salah satu: {ids}"),
                format!("Several records have the code {code}; name one of them: {ids}"),
            ))
        }
    }
}

/// What people call a record: its receipt code, or else its id.
pub(crate) fn name_of(row: &RecordRow) -> String {
    let code = row.born.as_ref().and_then(|born| born.code);
    code.map_or_else(|| row.id.to_string(), |code| code.to_string())
}

/// Reads an office code that a person typed.
pub(crate) fn office_of(text: &str) -> Result<OfficeCode, Failure> {
    text.trim().parse().map_err(|_| {
        Failure::usage(
            format!("\"{text}\" bukan kode kantor. Contoh: 32.73.05.1001."),
            format!("\"{text}\" is not an office code. Example: 32.73.05.1001."),
        )
    })
}

/// A word in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Stable name.
    pub code: String,
    /// In Indonesian.
    pub id: String,
    /// In English.
    pub en: String,
}

impl Said {
    /// In one language.
    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Id => &self.id,
            Lang::En => &self.en,
        }
    }
}

impl From<&Choice> for Said {
    fn from(choice: &Choice) -> Said {
        Said { code: choice.code.clone(), id: choice.label.id.clone(), en: choice.label.en.clone() }
    }
}

/// When something happened, how that is known, and how far it may be from the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// The time.
    #[serde(rename = "value", with = "moment")]
    pub at: i64,
    /// `contact`, `same-boot` or `interval`.
    pub source: String,
    /// The truth lies at most this far from it, in milliseconds.
    pub error_ms: u64,
}

/// A field and what stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// What the field is called.
    pub field: Said,
    /// The value as files have it.
    pub value: String,
    /// The value in words.
    pub shown: Said,
    /// Whether the value is there but was taken out of this answer.
    #[serde(default)]
    pub is_hidden: bool,
}

impl Answered {
    /// Leaves only that something stands there.
    pub(crate) fn hide(&mut self) {
        const DOTS: &str = "•••";
        self.value.clear();
        self.shown = Said { code: String::new(), id: DOTS.to_owned(), en: DOTS.to_owned() };
        self.is_hidden = true;
    }
}

/// The values of a write, in the order of the form. Fields that this program does not know are left out.
pub(crate) fn answers(form: &Form, values: &BTreeMap<FieldTag, Value>) -> Vec<Answered> {
    let known = form.fields.iter().filter_map(|field| values.get(&field.tag).map(|value| (field, value)));
    known.map(|(field, value)| answered(field, value)).collect()
}

fn answered(field: &Field, value: &Value) -> Answered {
    let text = value.render(field);
    Answered {
        field: Said { code: field.name.clone(), id: field.label.id.clone(), en: field.label.en.clone() },
        shown: Said { code: text.clone(), id: value.display(field, Lang::Id), en: value.display(field, Lang::En) },
        value: text,
        is_hidden: false,
    }
}

/// Replicas whose runs are kept in hand.
const REPLICAS_MAX: usize = 64;

/// Dates ops. Remembers the runs of the replicas it met last, so that a long export asks for each once.
#[derive(Debug, Default)]
pub(crate) struct Times {
    runs: BTreeMap<ReplicaId, Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    known: BTreeMap<RunId, KnownRun>,
    dated: BTreeMap<RunId, RunTime>,
}

impl Times {
    /// When the op happened that was written `elapsed_ms` after the beginning of the run of `head`.
    pub(crate) fn at(&mut self, tx: &mut dyn Tx, head: &LogHead, elapsed_ms: u64) -> StoreResult<When> {
        if self.runs.len() >= REPLICAS_MAX && !self.runs.contains_key(&head.replica()) {
            self.runs.clear();
        }
        let runs = match self.runs.entry(head.replica()) {
            Entry::Occupied(runs) => runs.into_mut(),
            Entry::Vacant(place) => {
                let known = tx.runs_of(head.replica())?.into_iter().map(|run| (run.known.head.run, run.known));
                place.insert(Runs { known: known.collect(), dated: BTreeMap::new() })
            }
        };
        let run =
            runs.known.get(&head.run().run).copied().ok_or(StoreError::Damaged("a log of a run that is not here"))?;
        let time = *runs.dated.entry(head.run().run).or_insert_with(|| run_time(&runs.known, &run));
        // A run is exact at its beginning; what the clock of a PC loses on the way is in the measurement's error.
        Ok(When { at: time.at(elapsed_ms), source: time.source.name().to_owned(), error_ms: time.error_ms })
    }
}
