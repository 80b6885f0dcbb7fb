//! What was stored and not merged: seen, read, taken in after all, or left aside for good. Nothing is ever deleted.

use kentongan_host::{Exit, Failure, moment};
use kentongan_protocol::form::builtin;
use kentongan_protocol::ids::OpId;
use kentongan_protocol::op::Action;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Desk;
use super::record::{Operator, Said};
use super::view::{Authors, Event, event, reason_said, state_name};
use crate::accept::note;
use crate::store::{OpState, StoredOp, Tx};

/// Lines of a list.
const LIST_MAX: usize = 1_000;

/// What can be asked about what was set aside. `op` is the name of an op, `log-seq`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Everything that no person has decided on, in the order of arrival.
    List,
    /// One op.
    Show {
        /// Which.
        op: String,
    },
    /// Takes it in after all.
    Release {
        /// Which.
        op: String,
        /// Why.
        reason: String,
    },
    /// Leaves it aside for good; its bytes stay.
    Discard {
        /// Which.
        op: String,
        /// Why.
        reason: String,
    },
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::List`].
    List(List),
    /// To [`Request::Show`].
    Show(Box<Show>),
    /// To [`Request::Release`] and [`Request::Discard`].
    Decided(Decided),
}

/// What was set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct List {
    /// Ops that were not merged.
    pub ops: Vec<Line>,
    /// Ops that claim the name of another one.
    pub forks: Vec<ForkLine>,
}

/// An op in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The op.
    pub op: String,
    /// The record it belongs to, if it can be read.
    pub record: Option<String>,
    /// Its office.
    pub office: String,
    /// The installation that wrote it.
    pub replica: String,
    /// Why it is set aside.
    pub reason: Option<Said>,
    /// Its length in bytes.
    pub bytes: u64,
    /// When the hub received it.
    #[serde(with = "moment")]
    pub received_at: i64,
}

/// An op that claims the name of another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForkLine {
    /// The name that two ops claim.
    pub op: String,
    /// The installation that offered the second one.
    pub replica: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// When.
    #[serde(with = "moment")]
    pub at: i64,
}

/// One op that was set aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Show {
    /// The op.
    pub line: Line,
    /// What became of it.
    pub state: String,
    /// What it says, if it can be read and its form is known.
    pub content: Option<Event>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// The op.
    pub op: String,
    /// What became of it.
    pub state: String,
}

/// Answers a request about what was set aside.
///
/// # Errors
/// What was asked does not hold, or a failure of the store.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    run(tx, desk.into(), request)
}

pub(crate) fn run(tx: &mut dyn Tx, operator: Operator<'_>, request: &Request) -> Result<Answer, Failure> {
    match request {
        Request::List => list(tx).map(Answer::List),
        Request::Show { op } => {
            let stored = set_aside(tx, op)?;
            show(tx, operator, &stored).map(|show| Answer::Show(Box::new(show)))
        }
        Request::Release { op, reason } => {
            let stored = undecided(tx, op)?;
            let released = operator.hub.intake(tx, operator.now_ms).release(&stored)?;
            if !released {
                return Err(Failure::new(
                    Exit::Failed,
                    "Isinya belum bisa dipakai: versi program ini tidak membacanya, atau formulir atau catatannya belum ada.",
                    "It cannot be used yet: this version of the program cannot read it, or its form or record is not here.",
                ));
            }
            decided(tx, operator, &stored, "quarantine.released", reason)
        }
        Request::Discard { op, reason } => {
            let stored = undecided(tx, op)?;
            if let OpState::Quarantined(why) = stored.state {
                tx.update_op(stored.id, stored.record, OpState::Discarded(why))?;
            }
            decided(tx, operator, &stored, "quarantine.discarded", reason)
        }
    }
}

fn list(tx: &mut dyn Tx) -> Result<List, Failure> {
    let mut ops = Vec::new();
    for stored in tx.quarantined(None, LIST_MAX)? {
        ops.push(line(tx, &stored)?);
    }
    let forks = tx.forks(LIST_MAX)?.into_iter().map(|fork| ForkLine {
        op: fork.id.to_string(),
        replica: fork.replica.to_string(),
        bytes: fork.bytes.len() as u64,
        at: fork.at_ms,
    });
    Ok(List { ops, forks: forks.collect() })
}

fn line(tx: &mut dyn Tx, stored: &StoredOp) -> Result<Line, Failure> {
    let head = tx.log(stored.id.log)?.map(|log| log.head);
    Ok(Line {
        op: stored.id.to_string(),
        record: stored.record.map(|record| record.to_string()),
        office: head.as_ref().map(|head| head.office().to_string()).unwrap_or_default(),
        replica: head.map(|head| head.replica().to_string()).unwrap_or_default(),
        reason: reason_said(stored.state),
        bytes: stored.bytes.len() as u64,
        received_at: stored.received_ms,
    })
}

fn show(tx: &mut dyn Tx, operator: Operator<'_>, stored: &StoredOp) -> Result<Show, Failure> {
    let content = match stored.op() {
        Ok(op) => {
            let form = match op.action {
                Action::Create { form, .. } => builtin::by_tag(form),
                Action::Change { record } => {
                    let born = tx.record(record)?.and_then(|row| row.born);
                    born.and_then(|born| builtin::by_tag(born.form))
                }
            };
            form.map(|form| event(tx, &mut Authors::new(operator), form, &op, stored)).transpose()?
        }
        Err(_) => None,
    };
    Ok(Show { line: line(tx, stored)?, state: state_name(stored.state).to_owned(), content })
}

/// An op that is or was set aside.
fn set_aside(tx: &mut dyn Tx, text: &str) -> Result<StoredOp, Failure> {
    let id: OpId = text.trim().parse().map_err(|_| {
        Failure::usage(
            format!("\"{text}\" bukan nama op. Contoh: 8f00112233aabbcc-12."),
            format!("\"{text}\" is not the name of an op. Example: 8f00112233aabbcc-12."),
        )
    })?;
    let stored = tx.op(id)?.filter(|op| matches!(op.state, OpState::Quarantined(_) | OpState::Discarded(_)));
    stored.ok_or_else(|| {
        Failure::new(Exit::Failed, format!("{id} tidak disisihkan."), format!("{id} is not set aside."))
            .with_hint("kentongan-hub quarantine list", "kentongan-hub quarantine list")
    })
}

/// An op that no person has decided on.
fn undecided(tx: &mut dyn Tx, text: &str) -> Result<StoredOp, Failure> {
    let stored = set_aside(tx, text)?;
    match stored.state {
        OpState::Quarantined(_) => Ok(stored),
        _ => {
            let id = stored.id;
            let words = (format!("{id} sudah diputuskan: tidak dipakai."), format!("{id} was decided: not used."));
            Err(Failure::new(Exit::Failed, words.0, words.1))
        }
    }
}

fn decided(
    tx: &mut dyn Tx,
    operator: Operator<'_>,
    stored: &StoredOp,
    event: &str,
    reason: &str,
) -> Result<Answer, Failure> {
    note(tx, operator.now_ms, operator.name, event, stored.id, json!({"reason": reason}))?;
    let state = tx.op(stored.id)?.map_or("", |op| state_name(op.state));
    Ok(Answer::Decided(Decided { op: stored.id.to_string(), state: state.to_owned() }))
}
