//! Sums for the satisfaction index. How an index follows from sums stands in `kentongan_protocol::survey`.
//!
//! ```text
//!   any period: page by page, so that a region's survey of a year is never held in memory and no office waits
//!   whole months: from sums that are kept by office and month; what came since is added first
//! ```
//!
//! An answer is never changed after saving, so what was added once stays right.
//!
//! Quick votes lie beside the sums of their month and are never part of them, see `votes.rs`.

mod report;
mod votes;

use std::collections::BTreeMap;

use kentongan_host::Failure;
use kentongan_protocol::calendar::year::within;
use kentongan_protocol::calendar::{Day, Zone};
use kentongan_protocol::form::builtin::{skm, suara};
use kentongan_protocol::form::{Civil, FieldTag, FormTag, Value};
use kentongan_protocol::ids::OfficeCode;
use kentongan_protocol::merge::GroupView;
use kentongan_protocol::survey::{Bands, Sums};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::fleet::awaited;
use super::office::parse_code;
use super::record::{Opened, Times, opened};
use super::{Desk, calendar};
use crate::store::{Office, Page, RecordFilter, Reference, Seen, StoreError, SurveyMonth, Tx};

pub use report::{Report, elements, thousandths};
pub use votes::Votes;

/// Name of the table of bands in the store.
const BANDS: &str = "survey.bands";
/// Records of a page.
const PAGE: usize = 1_000;
/// Questionnaires that are added before an answer, in so many batches: some twenty milliseconds.
const BATCH: usize = 80;
const BATCHES: usize = 3;
/// How far they were added up by month, and how far the quick votes were.
const NUMBER: &str = "surveys.number";
const VOTES_NUMBER: &str = "votes.number";
const DATE: FieldTag = 11;
/// Fields of the respondent that reports count.
const PROFILE: [&str; 4] = ["jenis_kelamin", "pendidikan", "pekerjaan", "kanal"];

/// What can be asked about surveys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// A page of sums by office.
    Sums {
        /// Surveys of this day or later, as `2026-01-01`.
        from: String,
        /// Surveys of this day or earlier.
        to: String,
        /// Only of offices in this area.
        area: Option<String>,
        /// Records behind this number: the next page. 0 for the first.
        after: u64,
    },
    /// What all questionnaires of whole months add up to.
    Index {
        /// From this month on, as `2026-01`.
        from: String,
        /// Up to this month.
        to: String,
        /// Only of this office or area.
        area: Option<String>,
    },
    /// Brings in a table of bands.
    ImportBands {
        /// The table.
        text: String,
    },
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Sums`].
    Sums(Box<SumsPage>),
    /// To [`Request::Index`].
    Index(Box<Index>),
    /// To [`Request::ImportBands`].
    Imported(u64),
}

/// A page of sums.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SumsPage {
    /// By code of the office.
    pub units: BTreeMap<String, Unit>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<u64>,
    /// With the last page: the offices in the area, so that those without an answer can be named.
    pub offices: Vec<Place>,
    /// With the last page: the table of bands that counts.
    pub bands: String,
    /// With the last page: units with fewer complete questionnaires than this are not ranked.
    pub ranked_from: u64,
}

impl SumsPage {
    /// Offices of which answers are expected and none came.
    pub fn missing(&self) -> impl Iterator<Item = &Place> {
        missing(&self.offices, &self.units)
    }
}

fn missing<'a>(places: &'a [Place], units: &'a BTreeMap<String, Unit>) -> impl Iterator<Item = &'a Place> {
    places.iter().filter(|place| place.is_awaited && !units.contains_key(&place.office))
}

/// What all questionnaires of some months add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Of all offices there.
    pub page: SumsPage,
    /// The quick votes there, which are no part of it.
    #[serde(default)]
    pub votes: Votes,
    /// Whether all questionnaires that came are in it.
    pub settled: bool,
}

/// What an office's questionnaires add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Complete questionnaires.
    pub complete: u64,
    /// Questionnaires with a missing answer.
    pub incomplete: u64,
    /// Of the complete ones, the sum of scores of each element in the order of the regulation's list.
    pub scores: [u64; 9],
    /// Answers to each element, of complete questionnaires or not.
    pub answered: [u64; 9],
    /// Complete questionnaires by sex, education, occupation and channel, and by choice.
    pub profile: BTreeMap<String, BTreeMap<String, u64>>,
}

/// What is kept of an office's month beside the sums.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Beside {
    #[serde(flatten)]
    profile: BTreeMap<String, BTreeMap<String, u64>>,
    #[serde(default, rename = "#votes", skip_serializing_if = "Votes::is_empty")]
    votes: Votes,
}

/// A month of an office: questionnaires, and beside them quick votes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Month {
    unit: Unit,
    votes: Votes,
}

impl Month {
    /// As the store keeps it.
    fn kept(month: &SurveyMonth) -> Month {
        let Beside { profile, votes } = serde_json::from_str(&month.profile).unwrap_or_default();
        let mut unit = Unit { profile, ..Unit::default() };
        unit.set(month.sums);
        Month { unit, votes }
    }

    /// For the store.
    fn into_kept(self, office: OfficeCode, month: i32) -> SurveyMonth {
        let sums = self.unit.sums();
        let beside = Beside { profile: self.unit.profile, votes: self.votes };
        SurveyMonth { office, month, sums, profile: serde_json::to_string(&beside).unwrap_or_default() }
    }

    fn merge(&mut self, more: &Month) {
        self.unit.merge(&more.unit);
        self.votes.merge(&more.votes);
    }
}

/// An office that could have answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its code.
    pub office: String,
    /// Its name.
    pub name: String,
    /// Whether answers are expected of it: it is neither paused nor are all of its devices revoked.
    pub is_awaited: bool,
}

impl Unit {
    /// As the protocol counts.
    pub fn sums(&self) -> Sums {
        let Unit { complete, incomplete, scores, answered, .. } = *self;
        Sums { complete, incomplete, scores, answered }
    }

    fn set(&mut self, sums: Sums) {
        let Sums { complete, incomplete, scores, answered } = sums;
        (self.complete, self.incomplete, self.scores, self.answered) = (complete, incomplete, scores, answered);
    }

    /// Adds what another page or office counted.
    pub fn merge(&mut self, more: &Unit) {
        let mut sums = self.sums();
        sums.merge(&more.sums());
        self.set(sums);
        for (field, counts) in &more.profile {
            let mine = entry(&mut self.profile, field);
            for (choice, count) in counts {
                *entry(mine, choice) += count;
            }
        }
    }
}

/// What stands under a name. A name is copied only where it is new: a year of a region has thousands that are not.
fn entry<'a, T: Default>(map: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), T::default());
    }
    map.get_mut(name).expect("it was put there a moment ago")
}

/// Answers a request about surveys.
///
/// # Errors
/// A date or table that is none (exit 2), or a failure of the store.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    match request {
        Request::Sums { from, to, area, after } => {
            let period = (day(from)?, day(to)?);
            let area = area.as_deref().map(parse_code).transpose()?;
            let page = sums(tx, desk, period, area.as_ref().map(|area| area.as_str()), *after)?;
            Ok(Answer::Sums(Box::new(page)))
        }
        Request::Index { from, to, area } => {
            let months = (month(from)?, month(to)?);
            let area = area.as_deref().filter(|area| !area.is_empty()).map(parse_code).transpose()?;
            let settled = bring_up(tx)?;
            let (page, votes) = of_months(tx, desk, months, area.as_ref().map(|area| area.as_str()))?;
            Ok(Answer::Index(Box::new(Index { page, votes, settled })))
        }
        Request::ImportBands { text } => {
            Bands::read(text).map_err(|error| calendar::not_read(&error))?;
            let (at_ms, actor) = (desk.now_ms, desk.actor.clone());
            tx.put_reference(&Reference { name: BANDS.to_owned(), text: text.clone(), at_ms, actor })?;
            desk.audit(tx, "survey.bands_imported", BANDS, json!({}))?;
            Ok(Answer::Imported(text.lines().count().saturating_sub(1) as u64))
        }
    }
}

fn day(text: &str) -> Result<Day, Failure> {
    text.parse::<Civil>().map(Day::from).map_err(|_| calendar::not_a_date(text))
}

fn sums(
    tx: &mut dyn Tx,
    desk: &Desk,
    (from, to): (Day, Day),
    area: Option<&str>,
    after: u64,
) -> Result<SumsPage, Failure> {
    let filter = RecordFilter { form: Some(skm::TAG), office: None, status: None, text: None };
    let (mut page, mut times) = (SumsPage::default(), Times::default());
    let there = |code: &str| area.is_none_or(|area| within(area, code));
    let rows_here = tx.records(&filter, Page::After(after), PAGE)?;
    page.next = rows_here.last().map(|row| row.number).filter(|_| rows_here.len() == PAGE);
    for row in rows_here {
        if !row.born.as_ref().is_some_and(|born| there(born.office.as_str())) {
            continue;
        }
        let Some(opened) = opened(tx, row)? else { continue };
        if (from..=to).contains(&surveyed_on(tx, &mut times, &opened)?) {
            count(page.units.entry(opened.born.office.to_string()).or_default(), &opened);
        }
    }
    if page.next.is_none() {
        frame(tx, desk, &mut page, there)?;
    }
    Ok(page)
}

/// What sums are read by: who could have answers, and which bands count.
fn frame(tx: &mut dyn Tx, desk: &Desk, page: &mut SumsPage, there: impl Fn(&str) -> bool) -> Result<(), Failure> {
    let places = awaited(tx)?.into_iter().filter(|(office, _)| there(office.code.as_str()));
    let place =
        |(office, is_awaited): (Office, bool)| Place { office: office.code.to_string(), name: office.name, is_awaited };
    page.offices = places.map(place).collect();
    page.bands = match tx.reference(BANDS)? {
        Some(reference) => reference.text,
        None => Bands::BUILT_IN.to_owned(),
    };
    page.ranked_from = desk.config.survey_min_n;
    Ok(())
}

/// A month as it is kept: months since the year 0.
///
/// # Errors
/// It is none (exit 2).
pub(crate) fn month(text: &str) -> Result<i32, Failure> {
    let day = day(&format!("{text}-01"))?;
    Ok(month_of(day))
}

fn month_of(day: Day) -> i32 {
    Civil::from_days(day.0).map_or(0, |civil| civil.year * 12 + i32::from(civil.month) - 1)
}

/// Adds what came since the last time, as far as that takes no time: whoever asks waits for it, and a hub that runs adds the
/// rest by itself. `true` once all are in.
pub(crate) fn bring_up(tx: &mut dyn Tx) -> Result<bool, StoreError> {
    for _ in 0..BATCHES {
        if settle(tx, BATCH)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What was added up of whole months: questionnaires by office, and the quick votes of all of them.
pub(crate) fn of_months(
    tx: &mut dyn Tx,
    desk: &Desk,
    (from, to): (i32, i32),
    area: Option<&str>,
) -> Result<(SumsPage, Votes), Failure> {
    let there = |code: &str| area.is_none_or(|area| within(area, code));
    let (mut page, mut votes) = (SumsPage::default(), Votes::default());
    for kept in tx.survey_months(None, from, to)? {
        if there(kept.office.as_str()) {
            let month = Month::kept(&kept);
            votes.merge(&month.votes);
            // An office of which only quick votes came has sent no questionnaire.
            if month.unit.sums() != Sums::default() {
                page.units.entry(kept.office.to_string()).or_default().merge(&month.unit);
            }
        }
    }
    frame(tx, desk, &mut page, there)?;
    Ok((page, votes))
}

/// Adds questionnaires and quick votes that came since the last time, at most `limit` of each. `true` once all are in.
pub(crate) fn settle(tx: &mut dyn Tx, limit: usize) -> Result<bool, StoreError> {
    let questionnaires = settle_form(tx, limit, (skm::TAG, NUMBER), |month, opened| count(&mut month.unit, opened))?;
    let votes = settle_form(tx, limit, (suara::TAG, VOTES_NUMBER), |month, opened| month.votes.count(opened))?;
    Ok(questionnaires && votes)
}

/// Adds records of a form that came since the last time, as noted under a name.
fn settle_form(
    tx: &mut dyn Tx,
    limit: usize,
    (form, noted): (FormTag, &str),
    count: impl Fn(&mut Month, &Opened),
) -> Result<bool, StoreError> {
    // An answer is never changed: only what came counts.
    let seen = Seen { number: tx.progress(noted)?, change: u64::MAX };
    let (rows, reached) = tx.unseen(form, seen, limit)?;
    let (mut times, mut months) = (Times::default(), BTreeMap::<(OfficeCode, i32), Month>::new());
    for row in rows {
        let Some(opened) = opened(tx, row)? else { continue };
        let month = month_of(surveyed_on(tx, &mut times, &opened)?);
        count(months.entry((opened.born.office.clone(), month)).or_default(), &opened);
    }
    for ((office, number), mut month) in months {
        for known in tx.survey_months(Some(&office), number, number)? {
            month.merge(&Month::kept(&known));
        }
        tx.put_survey_month(&month.into_kept(office, number))?;
    }
    if reached.number != seen.number {
        tx.put_progress(noted, reached.number)?;
    }
    Ok(reached.number == seen.number)
}

/// The day that an answer says, or else the one on which it was entered.
fn surveyed_on(tx: &mut dyn Tx, times: &mut Times, opened: &Opened) -> Result<Day, StoreError> {
    let zone = Zone::of(&opened.born.office);
    match (opened.form.tag, value(opened, DATE), value(opened, suara::AT)) {
        (skm::TAG, Some(Value::Date(days)), _) => return Ok(Day(*days)),
        (suara::TAG, _, Some(Value::DateTime { utc_ms, .. })) => return Ok(zone.day_of(*utc_ms)),
        _ => {}
    }
    let id = opened.row.id.0;
    let (Some(log), Some(stored)) = (tx.log(id.log)?, tx.op(id)?) else {
        return Ok(zone.day_of(opened.row.received_ms));
    };
    let elapsed_ms = stored.op().map_or(0, |op| op.elapsed_ms);
    Ok(zone.day_of(times.at(tx, &log.head, elapsed_ms)?.at))
}

/// What an answer says; both forms have one group.
fn value(opened: &Opened, field: FieldTag) -> Option<&Value> {
    let group = opened.form.groups.first()?;
    GroupView::of(&opened.record, opened.form, group).shown()?.get(&field)
}

fn count(unit: &mut Unit, opened: &Opened) {
    let scores = skm::ELEMENTS.map(|(_, field)| value(opened, field).and_then(Value::choice));
    let mut sums = unit.sums();
    let before = sums.complete;
    sums.count(scores);
    unit.set(sums);
    if unit.complete == before {
        return;
    }
    for name in PROFILE {
        let Some(field) = opened.form.field_named(name) else { continue };
        let choice = value(opened, field.tag).and_then(Value::choice).and_then(|choice| field.choice(choice));
        let code = choice.map_or("-", |choice| choice.code.as_str());
        *unit.profile.entry(name.to_owned()).or_default().entry(code.to_owned()).or_insert(0) += 1;
    }
}
