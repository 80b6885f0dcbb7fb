//! A complaint that comes by another way than an office: a citizen's application, a telephone line. The hub writes it for
//! the office that it concerns, which has it with its next contact.

use std::collections::BTreeMap;

use kentongan_host::random::random_below;
use kentongan_host::{Exit, Failure};
use kentongan_protocol::form::builtin::{self, pengaduan};
use kentongan_protocol::form::{GroupTag, check_create};
use kentongan_protocol::ids::RecordId;
use kentongan_protocol::op::Write;
use kentongan_protocol::receipt::{Prefix, ReceiptCode, SERIALS};
use serde_json::json;

use super::Desk;
use super::enrolment::new_prefix;
use super::record::office_of;
use super::work::{Values, author, faults_said, parsed};
use crate::store::{Reference, StoreError, Tx};

/// Name under which the first four symbols of the hub's own receipt codes are kept.
const PREFIX: &str = "hub.prefix";
/// Draws of a free number.
const DRAWS_MAX: usize = 20;

/// What was filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filed {
    pub(crate) id: RecordId,
    pub(crate) code: ReceiptCode,
}

/// Files a complaint for `office`: fields by name, values as files have them.
///
/// # Errors
/// No such office, a field that does not hold, or a failure of the store; nothing is changed then.
pub(crate) fn file(
    tx: &mut dyn Tx,
    desk: &Desk,
    office: &str,
    fields: &BTreeMap<String, String>,
) -> Result<Filed, Failure> {
    let office = office_of(office)?;
    if tx.office(&office)?.is_none() {
        return Err(Failure::usage(
            format!("Tidak ada kantor {office} di pusat ini."),
            format!("This hub has no office {office}."),
        ));
    }
    let form = builtin::by_tag(pengaduan::TAG).ok_or(StoreError::Damaged("the form of complaints"))?;
    let mut groups: BTreeMap<GroupTag, Values> = BTreeMap::new();
    for (name, text) in fields.iter().filter(|(_, text)| !text.trim().is_empty()) {
        let (field, value) = parsed(form, name, text)?;
        let asked =
            form.group(field.group).is_some_and(|group| group.asked == kentongan_protocol::form::Asked::AtEntry);
        if !asked {
            return Err(Failure::usage(
                format!("\"{name}\" bukan isian aduan baru."),
                format!("\"{name}\" is no field of a new complaint."),
            ));
        }
        groups.entry(field.group).or_default().insert(field.tag, value);
    }
    let written: Vec<_> = groups.iter().map(|(group, values)| (*group, values)).collect();
    let faults = check_create(form, form.version, &written);
    if !faults.is_empty() {
        return Err(faults_said(form, &faults));
    }
    let writes = groups.into_iter().map(|(group, values)| Write { group, replaces: Vec::new(), cycle: 0, values });
    let code = draw(tx, desk)?;
    let id = desk.hub.create(tx, &office, form, code, author(&desk.actor), writes.collect())?;
    desk.audit(tx, "complaint.filed", &code.to_string(), json!({ "office": office.as_str() }))?;
    Ok(Filed { id, code })
}

/// A code that no record has.
fn draw(tx: &mut dyn Tx, desk: &Desk) -> Result<ReceiptCode, Failure> {
    let prefix = own_prefix(tx, desk)?;
    for _ in 0..DRAWS_MAX {
        let serial = random_below(u64::from(SERIALS)) as u32;
        let Some(code) = Prefix::new(prefix).and_then(|prefix| ReceiptCode::new(prefix, serial)) else { break };
        if tx.records_coded(code)?.is_empty() {
            return Ok(code);
        }
    }
    Err(Failure::new(Exit::Failed, "Tidak ada kode tanda terima yang bebas.", "No receipt code is free."))
}

/// The prefix of the hub's own codes; drawn at the first need.
fn own_prefix(tx: &mut dyn Tx, desk: &Desk) -> Result<u32, Failure> {
    if let Some(prefix) = kept_prefix(tx)? {
        return Ok(prefix);
    }
    let prefix = new_prefix(tx)?;
    let (name, text, actor) = (PREFIX.to_owned(), prefix.to_string(), desk.actor.clone());
    tx.put_reference(&Reference { name, text, at_ms: desk.now_ms, actor })?;
    Ok(prefix)
}

/// The prefix of the hub's own codes, which no device may get.
pub(super) fn kept_prefix(tx: &mut dyn Tx) -> Result<Option<u32>, StoreError> {
    Ok(tx.reference(PREFIX)?.and_then(|kept| kept.text.parse().ok()))
}
