//! The fleet: who is heard, what is stuck, what to do first. Filters stand in the address, and the same address with
//! `.csv` is the same list for a spreadsheet.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use hyper::header::IF_NONE_MATCH;
use kentongan_host::enrolment::to_hex;
use kentongan_host::fail::Failure;
use kentongan_web::{Asked, Fields, Reply, When};
use sha2::{Digest, Sha256};

use super::Console;
use super::route::{Visit, wants_part};
use super::shell::{self, Shell};
use super::signs::{self, Sign, Stretch};
use crate::cli::csv;
use crate::service::fleet::{Action, Fleet, OfficeRow, State, overview, table};
use crate::service::{Desk, board};
use crate::store::{Page, Tx};
use crate::update::{Offers, runs};

/// Things to do that are shown; the others are counted.
const ACTIONS_SHOWN: usize = 8;
/// Letters of a code that name its district: `32.73.05`.
const DISTRICT_LETTERS: usize = 8;
/// How long a page that brings itself up to date stays the same if nothing was written.
const STALE_MS: i64 = 30_000;

#[derive(Debug, Template)]
#[template(path = "fleet.html")]
struct FleetPage<'a> {
    s: &'a Shell,
    filter: &'a Filter,
    districts: Vec<String>,
    programs: Vec<&'a str>,
    tags: BTreeSet<&'a str>,
    states: [(&'static str, &'static str); 6],
    live: Live<'a>,
}

#[derive(Debug, Template)]
#[template(path = "fleet_live.html")]
struct FleetLive<'a> {
    s: &'a Shell,
    live: Live<'a>,
}

/// What changes by itself.
#[derive(Debug)]
struct Live<'a> {
    /// `412 kantor`
    total: String,
    shown: String,
    tallies: Vec<Tally>,
    noticed: u64,
    noticed_query: String,
    is_noticed: bool,
    delay: Option<String>,
    pending: String,
    conflicts: u64,
    quarantined: u64,
    /// Open complaints past their day.
    late: u64,
    backup: Option<When>,
    /// How many offices have the update that is offered.
    update: Option<String>,
    mass: Option<String>,
    todos: Vec<Todo<'a>>,
    more_todos: u64,
    rows: Vec<Row<'a>>,
    is_empty: bool,
    csv: String,
}

/// So many offices in a state.
#[derive(Debug)]
struct Tally {
    sign: Sign,
    number: String,
    query: String,
    is_chosen: bool,
}

/// Something to do.
#[derive(Debug)]
struct Todo<'a> {
    office: &'a str,
    name: &'a str,
    sentence: String,
    code: &'a str,
}

/// An office in the table.
#[derive(Debug)]
struct Row<'a> {
    sign: Sign,
    notices: String,
    office: &'a str,
    name: &'a str,
    tags: &'a [String],
    contact: String,
    pending: String,
    oldest: String,
    clock: String,
    version: &'a str,
    strip: Vec<Stretch>,
}

/// Which offices to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    state: Option<State>,
    /// Beginning of the code.
    area: String,
    /// In the name of the program; with `!` in front: not in it.
    program: String,
    /// The operators' mark of a device.
    tag: String,
    /// In name or code.
    text: String,
    noticed: bool,
}

impl Filter {
    /// As an address says it: `?status=silent&kec=32.73.05&v!=0.3.1`.
    pub(super) fn of(query: &Fields) -> Filter {
        let named = |code: &str| State::ALL.into_iter().find(|state| state.code() == code);
        let text = |name: &str| query.text(name).trim().chars().take(60).collect::<String>();
        let program = if query.has("v!") { format!("!{}", text("v!")) } else { text("v") };
        Filter {
            state: named(query.text("status")),
            area: text("kec"),
            program,
            tag: text("tanda"),
            text: text("cari"),
            noticed: query.text("perhatian") == "1",
        }
    }

    /// Whether the page repeats texts of the address.
    fn is_typed(&self) -> bool {
        !(self.area.is_empty() && self.program.is_empty() && self.tag.is_empty() && self.text.is_empty())
    }

    /// Whether it lets some offices out.
    fn is_set(&self) -> bool {
        *self != Filter::default()
    }

    fn admits(&self, row: &OfficeRow) -> bool {
        let runs = match self.program.strip_prefix('!') {
            Some(other) => !row.program.contains(other),
            None => row.program.contains(self.program.as_str()),
        };
        let text = self.text.to_lowercase();
        self.state.is_none_or(|state| row.state == state)
            && row.office.starts_with(self.area.as_str())
            && runs
            && (self.tag.is_empty() || row.tags.contains(&self.tag))
            && (!self.noticed || !row.notices.is_empty())
            && (row.name.to_lowercase().contains(&text) || row.office.contains(&text))
    }

    /// The same as an address says it, with another state.
    fn query(&self, state: Option<State>) -> String {
        let (version, key) = match self.program.strip_prefix('!') {
            Some(other) => (other, "v!"),
            None => (self.program.as_str(), "v"),
        };
        let noticed = if self.noticed { "1" } else { "" };
        let parts = [
            ("status", state.map_or("", State::code)),
            ("kec", &self.area),
            (key, version),
            ("tanda", &self.tag),
            ("cari", &self.text),
            ("perhatian", noticed),
        ];
        let parts = parts.iter().filter(|(_, value)| !value.is_empty());
        let parts: Vec<String> = parts.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    /// What of it a form field holds: whether the state with this code is chosen.
    fn is_state(&self, code: &str) -> bool {
        self.state.is_some_and(|state| state.code() == code)
    }
}

/// A value as an address can hold it.
fn escaped(value: &str) -> String {
    let safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    value.bytes().map(|byte| if safe(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The first page.
pub(super) async fn show(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let shell = visit.shell.clone().at("armada");
    let filter = Filter::of(&asked.query);
    let is_part = wants_part(&asked);
    let known = asked.header(&IF_NONE_MATCH).filter(|_| is_part).map(|tag| tag.trim_matches('"').to_owned());
    let view = format!("{}{}", shell.w.code(), filter.query(filter.state));
    let looked = console.look(&visit, move |tx, desk| look(tx, desk, &view, known.as_deref())).await?;
    let looked = match looked {
        Ok(looked) => looked,
        Err(tag) => return Ok(Reply::unchanged(&tag)),
    };
    let live = live(&shell, &filter, &looked);
    if is_part {
        return Ok(sent(shell::page(&FleetLive { s: &shell, live }), &filter, &asked).tagged(&looked.tag));
    }
    let district = |row: &OfficeRow| row.office.get(..DISTRICT_LETTERS).unwrap_or(&row.office).to_owned();
    let mut districts: Vec<String> = looked.rows.iter().map(district).collect();
    districts.dedup();
    let programs: BTreeSet<&str> = looked.rows.iter().map(|row| version(&row.program)).collect();
    let page = shell::page(&FleetPage {
        s: &shell,
        filter: &filter,
        districts,
        programs: programs.into_iter().filter(|version| !version.is_empty()).collect(),
        tags: looked.rows.iter().flat_map(|row| &row.tags).map(String::as_str).collect(),
        states: State::ALL.map(|state| (state.code(), signs::state(state, &shell.w).word)),
        live,
    });
    Ok(sent(page, &filter, &asked))
}

/// Packed, unless the page repeats what an address says.
fn sent(page: Reply, filter: &Filter, asked: &Asked) -> Reply {
    if filter.is_typed() { page } else { page.packed_for(asked) }
}

/// What the page is made of.
struct Looked {
    tag: String,
    rows: Vec<OfficeRow>,
    fleet: Fleet,
    conflicts: u64,
    quarantined: u64,
    late: u64,
    backed_up_ms: Option<i64>,
    offers: Arc<Offers>,
}

/// Looks at everything; or gives back the mark of the page if it is the one that is known already.
fn look(tx: &mut dyn Tx, desk: &Desk, view: &str, known: Option<&str>) -> Result<Result<Looked, String>, Failure> {
    let tag = tag(tx, desk, view)?;
    if known == Some(tag.as_str()) {
        return Ok(Err(tag));
    }
    let (rows, fleet) = overview(tx, desk)?;
    let aside = tx.attention()?;
    let (conflicts, quarantined) = (aside.conflicts, aside.quarantined);
    Ok(Ok(Looked {
        tag,
        rows,
        fleet,
        conflicts,
        quarantined,
        late: board::counts(tx, desk, None)?.late,
        backed_up_ms: tx.backed_up_ms()?,
        offers: desk.hub.offers(),
    }))
}

/// Another mark after everything that changes the page: a contact, something decided here, and a while.
fn tag(tx: &mut dyn Tx, desk: &Desk, view: &str) -> Result<String, Failure> {
    let last_line = tx.audit_log(Page::Before(u64::MAX), 1)?.first().map_or(0, |line| line.number);
    let last_contact = tx.replicas()?.iter().filter_map(|replica| Some(replica.last_contact.as_ref()?.at_ms)).max();
    let of = format!("{view} {last_line} {last_contact:?} {} {}", tx.feed_last()?, desk.now_ms / STALE_MS);
    Ok(to_hex(&Sha256::digest(of)[..8]))
}

fn live<'a>(shell: &Shell, filter: &Filter, looked: &'a Looked) -> Live<'a> {
    let Looked { rows, fleet, .. } = looked;
    let w = &shell.w;
    let tally = |state: State| {
        let is_chosen = filter.state == Some(state);
        let query = filter.query(Some(state).filter(|_| !is_chosen));
        let number = fleet.offices.get(&state).copied().unwrap_or(0);
        Tally { sign: signs::state(state, w), number: w.number(number), query, is_chosen }
    };
    let impact: BTreeMap<&str, u64> =
        fleet.actions.iter().rev().map(|todo| (todo.office.as_str(), todo.impact)).collect();
    let mut shown: Vec<&OfficeRow> = rows.iter().filter(|row| filter.admits(row)).collect();
    // What weighs most comes first; those about which there is nothing to do follow by how they fare, and by code.
    shown.sort_by_key(|row| (Reverse(impact.get(row.office.as_str()).copied().unwrap_or(0)), need(row.state)));
    let mass = fleet.mass_silence.as_ref().map(|mass| {
        let (n, all) = (w.number(mass.offices), w.number(mass.of));
        w.with("armada.massal", &[("n", &n), ("semua", &all), ("kapan", &shell.clock.when(mass.since, w).near)])
    });
    let pending = signs::at_least(fleet.pending, fleet.pending_at_least, w);
    let pending = w.with("armada.menumpuk", &[("n", &pending), ("macet", &w.number(fleet.pending_reachable))]);
    Live {
        total: w.count("armada.kantor", rows.len() as u64),
        shown: w.count("armada.tampil", shown.len() as u64),
        tallies: State::ALL.map(tally).into(),
        noticed: fleet.noticed,
        noticed_query: Filter { noticed: !filter.noticed, ..filter.clone() }.query(filter.state),
        is_noticed: filter.noticed,
        delay: fleet.delay_p90_s.map(|seconds| w.with("armada.jeda_tiba", &[("lama", &signs::within(seconds, w))])),
        pending,
        conflicts: looked.conflicts,
        quarantined: looked.quarantined,
        late: looked.late,
        backup: looked.backed_up_ms.map(|at| shell.clock.when(at, w)),
        update: looked.offers.latest().map(|version| {
            let has = fleet.programs.iter().filter(|(program, _)| runs(program, version));
            let (has, all): (u64, u64) = (has.map(|(_, offices)| offices).sum(), fleet.programs.values().sum());
            let (has, all) = (w.number(has), w.number(all));
            w.with("armada.pemutakhiran", &[("versi", &version.to_string()), ("n", &has), ("semua", &all)])
        }),
        mass,
        todos: fleet.actions.iter().take(ACTIONS_SHOWN).map(|action| todo(action, shell)).collect(),
        more_todos: fleet.actions.len().saturating_sub(ACTIONS_SHOWN) as u64,
        rows: shown.into_iter().map(|row| line(row, shell)).collect(),
        is_empty: rows.is_empty(),
        csv: format!("/armada.csv{}", filter.query(filter.state)),
    }
}

/// How soon somebody wants to see an office about which there is nothing to do.
fn need(state: State) -> u8 {
    match state {
        State::Silent => 0,
        State::Late => 1,
        State::Unseen => 2,
        State::Ok => 3,
        State::Paused => 4,
        State::Revoked => 5,
    }
}

fn todo<'a>(action: &'a Action, shell: &Shell) -> Todo<'a> {
    let held = signs::at_least(action.records, action.at_least, &shell.w);
    Todo {
        office: &action.office,
        name: if action.name.is_empty() { &action.office } else { &action.name },
        sentence: signs::matter(action.matter, (&held, action.since), &shell.clock, &shell.w),
        code: action.code.as_deref().unwrap_or_default(),
    }
}

fn line<'a>(row: &'a OfficeRow, shell: &Shell) -> Row<'a> {
    let w = &shell.w;
    let ago = |at: Option<i64>| {
        at.map_or("–".to_owned(), |at| signs::duration(shell.clock.now_ms.saturating_sub(at) / 1000, w))
    };
    let notices: Vec<&str> = row.notices.iter().map(|notice| signs::notice(*notice, w)).collect();
    Row {
        sign: signs::state(row.state, w),
        notices: notices.join(", "),
        office: &row.office,
        name: if row.name.is_empty() { &row.office } else { &row.name },
        tags: &row.tags,
        contact: ago(row.last_contact_at),
        pending: signs::at_least(row.pending, row.pending_at_least, w),
        oldest: ago(row.oldest_pending_at),
        clock: signs::clock(row.clock_is_measured, row.clock_offset_s, w),
        version: version(&row.program),
        strip: signs::strip(&row.days),
    }
}

/// `0.3.1` of `kentongan-agent 0.3.1 linux-x86_64`.
pub(super) fn version(program: &str) -> &str {
    program.split(' ').nth(1).unwrap_or(program)
}

/// The same list for a spreadsheet.
pub(super) async fn list(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let filter = Filter::of(&asked.query);
    let (rows, _) = console.look(&visit, overview).await?;
    let mut text = csv::line(table::COLUMNS);
    for row in rows.iter().filter(|row| filter.admits(row)) {
        text.push_str("\r\n");
        text.push_str(&csv::line(table::cells(row)));
    }
    text.push_str("\r\n");
    Ok(Reply::file("text/csv; charset=utf-8", text.into_bytes()).to_keep_as("armada.csv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_which_offices_and_comes_back_the_same() {
        let said = "status=silent&kec=32.73.05&v!=0.3.1&tanda=ring%201&cari=Suka%20maju&perhatian=1";
        let filter = Filter::of(&Fields::of_text(said));
        let expected = Filter {
            state: Some(State::Silent),
            area: "32.73.05".to_owned(),
            program: "!0.3.1".to_owned(),
            tag: "ring 1".to_owned(),
            text: "Suka maju".to_owned(),
            noticed: true,
        };
        assert_eq!(filter, expected);
        assert_eq!(filter.query(filter.state), format!("?{said}").replace("v!", "v!"));
        assert_eq!(Filter::of(&Fields::of_text("status=nonsense&v=&x=1")), Filter::default());
        assert_eq!(Filter::default().query(None), "");
    }

    #[test]
    fn a_version_is_the_second_word_of_a_program() {
        assert_eq!(version("kentongan-agent 0.3.1 linux"), "0.3.1");
        assert_eq!((version("uji"), version("")), ("uji", ""));
    }
}
