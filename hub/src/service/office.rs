//! Offices and their devices: entering, naming, pausing, revoking. How they fare is told in [`super::fleet`].

use kentongan_host::{Exit, Failure};
use kentongan_protocol::ids::{OfficeCode, OpId, ReplicaId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Desk;
use super::fleet::{Detail, OfficeRow, ReplicaRow, State, replica_row, rows, show};
use super::recovery::{self, Recovery};
use crate::store::{Office, Standing, Tx};

/// What can be asked about offices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// All offices, of one state or area if given.
    List {
        /// Only in this state.
        state: Option<State>,
        /// Only with codes that begin so.
        area: Option<String>,
    },
    /// One office.
    Show {
        /// Its code.
        office: String,
    },
    /// Enters an office.
    Add {
        /// Its code.
        office: String,
        /// Its name.
        name: String,
    },
    /// Enters many offices; those that are there get the new name.
    Import {
        /// Code and name of each.
        offices: Vec<(String, String)>,
    },
    /// Gives an office another name.
    Edit {
        /// Its code.
        office: String,
        /// Its new name.
        name: String,
    },
    /// Says that an office's silence is no fault, or is one again.
    Pause {
        /// Its code.
        office: String,
        /// Whether it is paused from now on.
        paused: bool,
    },
    /// Ends a device's right to speak.
    Revoke {
        /// Its id.
        replica: String,
        /// Why.
        reason: String,
        /// Last ops that are held to be honest, one a log; noted for whoever looks into it.
        valid_upto: Vec<String>,
    },
    /// Answers the challenge of somebody who forgot their PIN.
    RecoveryCode {
        /// As the office read it out.
        challenge: String,
    },
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::List`].
    List(List),
    /// To [`Request::Show`].
    Show(Box<Detail>),
    /// To everything that changes offices.
    Changed(Changed),
    /// To [`Request::Revoke`].
    Revoked(Box<ReplicaRow>),
    /// To [`Request::RecoveryCode`].
    Recovery(Recovery),
}

/// A list of offices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct List {
    /// By code.
    pub offices: Vec<OfficeRow>,
}

/// What a change did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Offices entered.
    pub added: u64,
    /// Offices changed.
    pub changed: u64,
    /// Codes of the offices concerned, at most 100 of them.
    pub offices: Vec<String>,
}

/// Answers a request about offices.
///
/// # Errors
/// A code that is none or not known (exit 2 and 1), or a failure of the store.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    match request {
        Request::List { state, area } => {
            let mut offices = rows(tx, desk)?;
            offices.retain(|row| state.is_none_or(|state| row.state == state));
            offices.retain(|row| area.as_ref().is_none_or(|area| row.office.starts_with(area.as_str())));
            Ok(Answer::List(List { offices }))
        }
        Request::Show { office } => {
            let office = known(tx, office)?;
            Ok(Answer::Show(Box::new(show(tx, desk, &office)?)))
        }
        Request::Add { office, name } => add(tx, desk, &[(office.clone(), name.clone())], Known::Refuse),
        Request::Import { offices } => add(tx, desk, offices, Known::Rename),
        Request::Edit { office, name } => {
            let mut office = known(tx, office)?;
            office.name = clean_name(name)?;
            change(tx, desk, office, "office.renamed")
        }
        Request::Pause { office, paused } => {
            let mut office = known(tx, office)?;
            office.paused_ms = paused.then(|| office.paused_ms.unwrap_or(desk.now_ms));
            change(tx, desk, office, if *paused { "office.paused" } else { "office.resumed" })
        }
        Request::Revoke { replica, reason, valid_upto } => revoke(tx, desk, replica, reason, valid_upto),
        Request::RecoveryCode { challenge } => recovery::answer(tx, desk, challenge).map(Answer::Recovery),
    }
}

/// The office with this code.
///
/// # Errors
/// Exit 2 for a text that is no code, exit 1 for an office that is not known.
pub fn known(tx: &mut dyn Tx, code: &str) -> Result<Office, Failure> {
    let code = parse_code(code)?;
    tx.office(&code)?.ok_or_else(|| {
        Failure::new(Exit::Failed, format!("Kantor {code} belum dikenal."), format!("The office {code} is not known."))
            .with_hint("kentongan-hub office list", "kentongan-hub office list")
    })
}

/// Reads an office code.
///
/// # Errors
/// Exit 2 with an example of what is right.
pub fn parse_code(text: &str) -> Result<OfficeCode, Failure> {
    text.trim().parse().map_err(|_| {
        Failure::usage(
            format!("{text:?} bukan kode kantor; contoh: 32.73.05.1001 atau 32.73.05.1001-PKM1"),
            format!("{text:?} is no office code; for example: 32.73.05.1001 or 32.73.05.1001-PKM1"),
        )
    })
}

/// A name for people: one line, not too long.
///
/// # Errors
/// Exit 2.
pub fn clean_name(name: &str) -> Result<String, Failure> {
    let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.chars().count() {
        0..=200 => Ok(name),
        _ => Err(Failure::usage("Nama terlalu panjang (paling banyak 200 huruf).", "The name is over 200 characters.")),
    }
}

/// What to do with an office that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Refuse,
    Rename,
}

fn add(tx: &mut dyn Tx, desk: &Desk, offices: &[(String, String)], known: Known) -> Result<Answer, Failure> {
    let mut changed = Changed { added: 0, changed: 0, offices: Vec::new() };
    for (code, name) in offices {
        let (code, name) = (parse_code(code)?, clean_name(name)?);
        let office = match tx.office(&code)? {
            Some(_) if known == Known::Refuse => {
                return Err(Failure::new(
                    Exit::Failed,
                    format!("Kantor {code} sudah ada."),
                    format!("The office {code} is there already."),
                )
                .with_hint(
                    "kentongan-hub office edit KODE --name NAMA",
                    "kentongan-hub office edit CODE --name NAME",
                ));
            }
            Some(office) if office.name == name => continue,
            Some(office) => {
                changed.changed += 1;
                Office { name, ..office }
            }
            None => {
                changed.added += 1;
                Office { code, name, added_ms: desk.now_ms, paused_ms: None }
            }
        };
        tx.put_office(&office)?;
        desk.audit(tx, "office.entered", office.code.as_str(), json!({ "name": office.name }))?;
        if changed.offices.len() < 100 {
            changed.offices.push(office.code.to_string());
        }
    }
    Ok(Answer::Changed(changed))
}

fn change(tx: &mut dyn Tx, desk: &Desk, office: Office, event: &str) -> Result<Answer, Failure> {
    tx.put_office(&office)?;
    desk.audit(tx, event, office.code.as_str(), json!({ "name": office.name }))?;
    Ok(Answer::Changed(Changed { added: 0, changed: 1, offices: vec![office.code.to_string()] }))
}

fn revoke(tx: &mut dyn Tx, desk: &Desk, replica: &str, reason: &str, valid_upto: &[String]) -> Result<Answer, Failure> {
    let id: ReplicaId = replica.parse().map_err(|_| {
        Failure::usage(
            format!("{replica:?} bukan nomor perangkat (16 angka heksadesimal)."),
            format!("{replica:?} is no device id (16 hexadecimal digits)."),
        )
        .with_hint("kentongan-hub office show KODE", "kentongan-hub office show CODE")
    })?;
    let marks = valid_upto.iter().map(|mark| mark.parse::<OpId>()).collect::<Result<Vec<_>, _>>();
    let marks = marks.map_err(|_| {
        Failure::usage("--valid-upto harus berbentuk LOG-SEQ.", "--valid-upto must be of the form LOG-SEQ.")
    })?;
    let Some(mut replica) = tx.replica(id)? else {
        return Err(Failure::new(
            Exit::Failed,
            format!("Perangkat {id} tidak dikenal."),
            format!("The device {id} is not known."),
        ));
    };
    if replica.standing == Standing::Active {
        replica.standing = Standing::Revoked { reason: reason.to_owned(), at_ms: desk.now_ms };
        tx.put_replica(&replica)?;
        let marks: Vec<String> = marks.iter().map(OpId::to_string).collect();
        desk.audit(tx, "replica.revoked", &id.to_string(), json!({ "reason": reason, "valid_upto": marks }))?;
    }
    Ok(Answer::Revoked(Box::new(replica_row(desk, &replica))))
}
