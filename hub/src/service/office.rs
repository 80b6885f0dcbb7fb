//! Offices and their devices: entering, naming, pausing, revoking. How they fare is told in [`super::fleet`].

use kentongan_host::{Exit, Failure};
use kentongan_protocol::ids::{OfficeCode, OpId, ReplicaId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::enrolment::tags;
use super::fleet::{Detail, Fleet, OfficeRow, ReplicaRow, State, fleet, replica_row, rows, show};
use super::recovery::{self, Recovery};
use super::{Desk, enrolment};
use crate::store::{Office, OfficeNote, Standing, Tx};

/// Longest note about an office, in characters.
pub const NOTE_CHARS_MAX: usize = 1_000;

/// What can be asked about offices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// All offices, of one state or area if given.
    List {
        /// Only in this state.
        state: Option<State>,
        /// Only in this area.
        area: Option<String>,
        /// Only those with something that a person should look at.
        #[serde(default)]
        noticed: bool,
        /// Only with this text in the name of the program that spoke last; with `!` in front: without it.
        #[serde(default)]
        program: Option<String>,
        /// Only with this mark of a device.
        #[serde(default)]
        tag: Option<String>,
    },
    /// The fleet at a glance.
    Fleet,
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
    /// Notes something about an office for the next one who looks at it.
    Note {
        /// Its code.
        office: String,
        /// The note.
        text: String,
    },
    /// Ends the right of an office's PC to speak and makes a code for the one that takes its place.
    ReplaceDevice {
        /// Code of the office.
        office: String,
        /// Id of the device; needed where the office has several.
        replica: Option<String>,
        /// Why.
        reason: String,
        /// How long the code holds, in milliseconds.
        expires_ms: u64,
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
    /// To [`Request::Fleet`].
    Fleet(Box<Fleet>),
    /// To [`Request::Show`].
    Show(Box<Detail>),
    /// To everything that changes offices.
    Changed(Changed),
    /// To [`Request::Revoke`].
    Revoked(Box<ReplicaRow>),
    /// To [`Request::RecoveryCode`].
    Recovery(Recovery),
    /// To [`Request::ReplaceDevice`].
    Replaced(Box<Replaced>),
}

/// A device that gives way to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replaced {
    /// The device that may not speak any more, and what it may still hold.
    pub revoked: ReplicaRow,
    /// The code by which the other one joins.
    pub code: enrolment::Created,
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
        Request::List { state, area, noticed, program, tag } => {
            let mut offices = rows(tx, desk)?;
            offices.retain(|row| state.is_none_or(|state| row.state == state));
            offices.retain(|row| area.as_ref().is_none_or(|area| row.office.starts_with(area.as_str())));
            offices.retain(|row| !noticed || !row.notices.is_empty());
            offices.retain(|row| program.as_ref().is_none_or(|program| runs(&row.program, program)));
            offices.retain(|row| tag.as_ref().is_none_or(|tag| row.tags.contains(tag)));
            Ok(Answer::List(List { offices }))
        }
        Request::Fleet => Ok(Answer::Fleet(Box::new(fleet(tx, desk)?))),
        Request::Show { office } => {
            let office = known(tx, office)?;
            Ok(Answer::Show(Box::new(show(tx, desk, &office)?)))
        }
        Request::Add { office, name } => {
            add(tx, desk, &[(office.clone(), name.clone())], Known::Refuse).map(Answer::Changed)
        }
        Request::Import { offices } => import(tx, desk, offices).map(Answer::Changed),
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
        Request::Note { office, text } => note(tx, desk, office, text),
        Request::ReplaceDevice { office, replica, reason, expires_ms } => {
            replace_device(tx, desk, office, replica.as_deref(), (reason, *expires_ms))
        }
        Request::Revoke { replica, reason, valid_upto } => revoke(tx, desk, replica, reason, valid_upto),
        Request::RecoveryCode { challenge } => recovery::answer(tx, desk, challenge).map(Answer::Recovery),
    }
}

/// Whether a program is the one that a filter names.
fn runs(program: &str, filter: &str) -> bool {
    match filter.strip_prefix('!') {
        Some(other) => !program.contains(other),
        None => program.contains(filter),
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

/// Reads a list of offices: two columns, code and name, separated by comma, semicolon or tab, quoted where needed; a
/// header is passed over.
///
/// # Errors
/// The number of the first line that has not two columns.
pub fn read_list(text: &str) -> Result<Vec<(String, String)>, usize> {
    let mut offices = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let (code, name) = line.split_once([',', ';', '\t']).ok_or(index + 1)?;
        let (code, name) = (unquoted(code), unquoted(name));
        if index == 0 && !code.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        offices.push((code, name));
    }
    Ok(offices)
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => text.to_owned(),
    }
}

/// What to do with an office that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Refuse,
    Rename,
}

/// Enters offices by code and name; those that are there get the new name.
///
/// # Errors
/// A code that is none, or a failure of the store.
pub fn import(tx: &mut dyn Tx, desk: &Desk, offices: &[(String, String)]) -> Result<Changed, Failure> {
    add(tx, desk, offices, Known::Rename)
}

fn add(tx: &mut dyn Tx, desk: &Desk, offices: &[(String, String)], known: Known) -> Result<Changed, Failure> {
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
    Ok(changed)
}

/// Notes are kept as they were written; the audit trail says that there is one, not what it says.
fn note(tx: &mut dyn Tx, desk: &Desk, office: &str, text: &str) -> Result<Answer, Failure> {
    let office = known(tx, office)?;
    let text = text.trim();
    if text.is_empty() || text.chars().count() > NOTE_CHARS_MAX {
        return Err(Failure::usage(
            format!("Catatan berisi 1 sampai {NOTE_CHARS_MAX} huruf."),
            format!("A note has 1 to {NOTE_CHARS_MAX} characters."),
        ));
    }
    let note = OfficeNote { at_ms: desk.now_ms, actor: desk.actor.clone(), text: text.to_owned() };
    tx.append_office_note(&office.code, &note)?;
    change(tx, desk, office, "office.noted")
}

fn change(tx: &mut dyn Tx, desk: &Desk, office: Office, event: &str) -> Result<Answer, Failure> {
    tx.put_office(&office)?;
    desk.audit(tx, event, office.code.as_str(), json!({ "name": office.name }))?;
    Ok(Answer::Changed(Changed { added: 0, changed: 1, offices: vec![office.code.to_string()] }))
}

fn replace_device(
    tx: &mut dyn Tx,
    desk: &Desk,
    office: &str,
    replica: Option<&str>,
    (reason, expires_ms): (&str, u64),
) -> Result<Answer, Failure> {
    let office = known(tx, office)?;
    let devices = tx.replicas()?.into_iter().filter(|device| device.office == office.code);
    let active: Vec<ReplicaId> =
        devices.filter(|device| device.standing == Standing::Active).map(|device| device.id).collect();
    let named = replica.map(|text| text.trim().to_owned());
    let old = match (named, active.as_slice()) {
        (Some(named), active) => active.iter().find(|id| id.to_string() == named).copied(),
        (None, [one]) => Some(*one),
        (None, _) => None,
    };
    let Some(old) = old else { return Err(which_device(&office, &active)) };
    let Answer::Revoked(revoked) = revoke(tx, desk, &old.to_string(), reason, &[])? else {
        return Err(which_device(&office, &active));
    };
    let (code, name, tag) = (office.code.to_string(), String::new(), String::new());
    let request = enrolment::Request::Create { office: code, name, expires_ms, asks: false, tag };
    match enrolment::execute(tx, desk, &request)? {
        enrolment::Answer::Created(code) => Ok(Answer::Replaced(Box::new(Replaced { revoked: *revoked, code }))),
        _ => Err(which_device(&office, &active)),
    }
}

/// That an office has not the one device that could be meant.
fn which_device(office: &Office, active: &[ReplicaId]) -> Failure {
    let ids: Vec<String> = active.iter().map(ReplicaId::to_string).collect();
    let (code, ids) = (&office.code, ids.join(", "));
    let failure = match active {
        [] => Failure::new(
            Exit::Failed,
            format!("Kantor {code} tidak punya perangkat yang aktif; cukup buat kode."),
            format!("The office {code} has no active device; a code is enough."),
        ),
        _ => Failure::new(
            Exit::Failed,
            format!("Sebutkan perangkat kantor {code} dengan --replica: {ids}"),
            format!("Name the device of the office {code} with --replica: {ids}"),
        ),
    };
    let hint = format!("kentongan-hub enrol code create --office {code}");
    failure.with_hint(&hint, &hint)
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
    Ok(Answer::Revoked(Box::new(replica_row(desk, &replica, &tags(tx)?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_offices_is_read_with_any_separator_header_and_quotes() {
        let expected = vec![
            ("32.73.05.1001".to_owned(), "Kelurahan Sukajadi".to_owned()),
            ("32.73.05.1002".to_owned(), "Puskesmas \"Melati\", Timur".to_owned()),
        ];
        let text = "\u{feff}kode;nama\r\n32.73.05.1001;Kelurahan Sukajadi\n\n\
                    32.73.05.1002;\"Puskesmas \"\"Melati\"\", Timur\"\n";
        assert_eq!(read_list(text), Ok(expected.clone()));
        assert_eq!(read_list(&text.replace(';', ",")), Ok(expected));
        assert_eq!(read_list("32.73.05.1001,a\n32.73\n"), Err(2));
    }
}
