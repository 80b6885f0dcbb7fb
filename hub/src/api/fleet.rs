//! Offices and the codes by which PCs join them.

use kentongan_protocol::ids::OfficeCode;

use super::problem::Wrong;
use super::shape::Time;
use super::shapes::{EnrolmentCode, NewCode, Office, Offices, Pause, Sessions};
use super::table::{Call, Given};
use crate::service::fleet::{Detail, rows, show};
use crate::service::{Desk, enrolment, office as service};
use crate::store::Tx;

const DAY_MS: u64 = 86_400_000;
/// A code of the API holds so long at most, in days.
const CODE_DAYS_MAX: u64 = 365;
const CODE_DAYS: u64 = 14;

pub(super) fn offices(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    let (limit, after) = (call.limit()?, call.param("cursor").unwrap_or_default());
    let fits = |office: &Office| {
        office.code.as_str() > after
            && call.param("status").is_none_or(|status| office.status == status)
            && call.param("area").is_none_or(|area| office.code.starts_with(area))
    };
    let mut items: Vec<Office> = rows(tx, desk)?.into_iter().map(Office::from).filter(fits).collect();
    items.sort_by(|one, other| one.code.cmp(&other.code));
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|office| office.code.clone());
    Given::of(Offices { items, next })
}

fn detail(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Detail, Wrong> {
    let unknown = || Wrong::not_found("There is no such office.");
    let code: OfficeCode = call.part(0).parse().map_err(|_| unknown())?;
    let office = tx.office(&code)?.ok_or_else(unknown)?;
    Ok(show(tx, desk, &office)?)
}

pub(super) fn office(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    Given::of(Office::from(detail(tx, desk, call)?.row))
}

pub(super) fn sessions(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    Given::of(Sessions::from(detail(tx, desk, call)?))
}

pub(super) fn pause(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    let Pause { paused } = call.taken()?;
    let office = detail(tx, desk, call)?.row.office;
    service::execute(tx, desk, &service::Request::Pause { office, paused })?;
    self::office(tx, desk, call)
}

pub(super) fn create_code(tx: &mut dyn Tx, desk: &Desk, call: &Call) -> Result<Given, Wrong> {
    let NewCode { office, name, days } = call.taken()?;
    let days = days.unwrap_or(CODE_DAYS);
    if !(1..=CODE_DAYS_MAX).contains(&days) {
        return Err(Wrong::unprocessable("days: a number from 1 to 365"));
    }
    let expires_ms = days.saturating_mul(DAY_MS);
    let tag = "api".to_owned();
    let name = name.unwrap_or_default();
    let request = enrolment::Request::Create { office, name, expires_ms, asks: false, tag };
    match enrolment::execute(tx, desk, &request)? {
        enrolment::Answer::Created(created) => Ok(Given::of(EnrolmentCode {
            code: created.code,
            number: created.number,
            office: created.office,
            expires_at: Time(created.expires_at),
        })?
        .created()),
        _ => Err(Wrong::unprocessable("No code was made.")),
    }
}
