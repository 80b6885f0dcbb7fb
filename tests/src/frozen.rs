//! Stores and an exchange of a release, kept for ever: later programs must open them and understand them.
//!
//! ```text
//!   data/release-X.Y/   agent.db, hub.db         both stores, closed well, with a bit of everything
//!                       agent.json, hub.json     what they show
//!                       request.ktg, reply.ktg   one exchange between exactly these two stores
//! ```
//!
//! They come out of the simulator, from a seed: offices that worked with a hub through losses, crashes, restores and a
//! hostile device. Then all faults stopped, everything was exchanged, and one PC has something new to say.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kentongan_agent::people::Role;
use kentongan_agent::store::{DraftName, Health, Inputs, QueueFilter, Store, StoreError};
use kentongan_hub::engine::Sign;
use kentongan_hub::store::{Page, RecordFilter, StoreError as HubError, Tx};
use kentongan_protocol::form::builtin::{self, pengaduan};
use kentongan_protocol::form::{Form, Value};
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::merge::{GroupView, Record};
use kentongan_protocol::session::agent::Session;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value as Json, json};

use crate::Dice;
use crate::sim::clock::SimClock;
use crate::sim::disk::{Disk, Image};
use crate::sim::hubside::{self, HUB_DISK, HubHost, STORE};
use crate::sim::link::{Link, Shared};
use crate::sim::pc::Pc;
use crate::sim::plan::{Options, Plan, stream};
use crate::sim::tale::Tale;
use crate::sim::world::{BEGINNING_MS, World, key};

/// Records that a listing shows at most: all there are.
const RECORDS_MAX: u32 = 10_000;
/// A store that is kept is not longer than this.
const STORE_BYTES_MAX: usize = 600 << 10;
/// Seeds that are tried, at most: where none of so many is complete, something is asked that no history has.
const SEEDS_MAX: usize = 100;
/// When the frozen exchange took place: long after everything else.
const EXCHANGE_MS: i64 = BEGINNING_MS + 400 * 24 * 3600 * 1000;

/// A release as it was frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// Store of an agent.
    pub agent: Vec<u8>,
    /// Store of the hub.
    pub hub: Vec<u8>,
    /// What the agent says next.
    pub request: Vec<u8>,
    /// What the hub answers to that.
    pub reply: Vec<u8>,
    /// What the agent's store shows.
    pub agent_shows: Json,
    /// What the hub's store shows.
    pub hub_shows: Json,
}

const FILES: [&str; 6] = ["agent.db", "hub.db", "request.ktg", "reply.ktg", "agent.json", "hub.json"];

impl Frozen {
    /// Makes one from a seed.
    ///
    /// # Panics
    /// If the history of this seed breaks a promise.
    pub fn made(seed: u64) -> Frozen {
        let mut world = World::new(Plan::of(seed, 150, false), false);
        for (place, event) in world.plan.events.clone().iter().enumerate() {
            world.play(place, *event);
        }
        let mut dice = stream(seed, 4);
        world.heal(&mut dice);
        // Busy weeks without faults, until there is enough of everything; most of it is exchanged.
        for week in 0..3 {
            for _ in 0..25 {
                people(&mut world, &mut dice);
            }
            for _ in 0..if week < 2 { 4 } else { 0 } {
                world.round_of_loops();
            }
            if week == 1 {
                world.check_all();
                world.pcs[0].desk.with(office_life).expect("a sound store");
            }
        }
        assert!(!world.is_broken(), "seed {seed} breaks a promise");
        let disk = world.pcs[0].disk;
        world.pcs.iter_mut().for_each(Pc::end);
        world.net().hub.end();
        let file = |disk| Disk::at(disk).borrow().image().file(STORE).expect("a store").to_vec();
        let (agent, hub) = (file(disk), file(HUB_DISK));
        drop(world);
        let mut sides = Sides::of(&agent, &hub);
        let (agent_shows, hub_shows) = (sides.agent_shows(), sides.hub_shows());
        let (_, request) = sides.request();
        let reply = sides.reply(&request);
        Frozen { agent, hub, request, reply, agent_shows, hub_shows }
    }

    /// The first that lacks nothing, from this seed on.
    ///
    /// # Errors
    /// None of a hundred is complete: what the one lacks that has the most.
    ///
    /// # Panics
    /// If a history breaks a promise.
    pub fn complete(seed: u64) -> Result<Frozen, Vec<String>> {
        let mut least: Option<Vec<String>> = None;
        for seed in (seed..).take(SEEDS_MAX) {
            let frozen = Frozen::made(seed);
            let lacks = frozen.lacks();
            if lacks.is_empty() {
                return Ok(frozen);
            }
            if least.as_ref().is_none_or(|least| lacks.len() < least.len()) {
                least = Some(lacks);
            }
        }
        Err(least.unwrap_or_default())
    }

    /// What a store must hold to be worth keeping, and this one does not.
    ///
    /// # Panics
    /// If a store cannot be read.
    pub fn lacks(&self) -> Vec<String> {
        let mut lacking = Vec::new();
        for bytes in [&self.agent, &self.hub] {
            lacking.extend(empty_tables(bytes).into_iter().map(|table| format!("a row in {table}")));
            if bytes.len() > STORE_BYTES_MAX {
                lacking.push("brevity".to_owned());
            }
        }
        let records = |shows: &Json| -> Vec<Json> {
            shows["by_id"].as_object().map(|records| records.values().cloned().collect()).unwrap_or_default()
        };
        let (agent, hub) = (records(&self.agent_shows), records(&self.hub_shows));
        let mut one = |what: &str, found: bool| (!found).then(|| lacking.push(what.to_owned()));
        for form in builtin::all().iter().take(2) {
            one(&form.name, agent.iter().any(|record| record["form"] == form.tag));
        }
        one("a conflict at the office", agent.iter().any(|record| record["conflicts"] != 0));
        one("a conflict at the hub", hub.iter().any(|record| record["conflicts"] != 0));
        for state in ["queued", "arrived"] {
            one(state, agent.iter().any(|record| record["state"] == state));
        }
        one("a record of another PC", agent.iter().any(|record| record["own"] == false));
        one("an op that is kept aside", self.hub_shows["aside"].as_array().is_some_and(|aside| !aside.is_empty()));
        lacking
    }

    /// Reads one.
    ///
    /// # Errors
    /// A file is missing or unreadable.
    pub fn read(dir: &Path) -> io::Result<Frozen> {
        let [agent, hub, request, reply, agent_shows, hub_shows] = FILES.map(|name| std::fs::read(dir.join(name)));
        Ok(Frozen {
            agent: agent?,
            hub: hub?,
            request: request?,
            reply: reply?,
            agent_shows: serde_json::from_slice(&agent_shows?)?,
            hub_shows: serde_json::from_slice(&hub_shows?)?,
        })
    }

    /// Writes it into a folder that is not there yet: a released one is never made again.
    ///
    /// # Errors
    /// The folder is there, or cannot be written.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        std::fs::create_dir(dir)?;
        let text = |json: &Json| serde_json::to_vec(json).map_err(io::Error::from);
        let shows = [text(&self.agent_shows)?, text(&self.hub_shows)?];
        let bytes = [&self.agent, &self.hub, &self.request, &self.reply, &shows[0], &shows[1]];
        FILES.iter().zip(bytes).try_for_each(|(name, bytes)| std::fs::write(dir.join(name), bytes))
    }
}

/// Tables of a store without a row, but for those that only enrolment, imported files, tablets, the console, programs and
/// rare malice fill, and for what waits behind a lost op, of which nothing is left where all was exchanged.
fn empty_tables(store: &[u8]) -> Vec<String> {
    const MAY_BE_EMPTY: &[&str] = &[
        "accounts",
        "api_keys",
        "cases",
        "chunks",
        "days",
        "enrol_codes",
        "forks",
        "import_source",
        "journal",
        "kiosk",
        "logins",
        "office_notes",
        "reference",
        "remembered",
        "stray",
        "survey_months",
    ];
    let dir = crate::folder::temporary("kentongan-frozen-");
    let path = dir.path().join(STORE);
    std::fs::write(&path, store).expect("a copy");
    let db = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a closed store");
    let mut select = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").expect("a query");
    let tables = select.query_map([], |row| row.get::<_, String>(0)).expect("rows").map(|row| row.expect("a name"));
    let rows = |table: &str| db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0));
    tables.filter(|table| !MAY_BE_EMPTY.contains(&table.as_str()) && rows(table).expect("a number") == 0).collect()
}

/// What an office has beside records: a colleague, a form that is half filled in with a paper chosen for it, and the words
/// of the records so far in the index.
fn office_life(store: &mut Store) -> Result<(), StoreError> {
    while store.index_some()? {}
    store.add_person("Sari", Role::Manager, "135790")?;
    let draft: DraftName = "00112233445566778899aabbccddeeff".parse().expect("32 digits");
    let inputs = Inputs::from([("uraian".to_owned(), vec!["Jembatan bambu di dusun".to_owned()])]);
    store.keep_draft(draft, pengaduan::TAG, &inputs)?;
    let paper = crate::sim::files::paper(1, &mut Dice::new(1)).expect("a paper");
    store.add_draft_file(draft, &paper)?;
    Ok(())
}

/// Everybody does something.
fn people(world: &mut World, dice: &mut Dice) {
    for at in 0..world.pcs.len() {
        if dice.percent(15) {
            world.enter(at, dice);
        }
        world.open(at, dice);
        world.save(at, dice);
    }
    world.take(0, dice);
    world.operator_opens(dice);
    world.operator_saves(dice);
}

/// Both sides of the frozen exchange, running on copies of the stores.
pub struct Sides {
    /// The office's PC.
    pub pc: Pc,
    /// The network and the hub behind it; nothing fails.
    pub shared: Shared,
}

impl Sides {
    /// On copies of these stores.
    ///
    /// # Panics
    /// If one of them does not open.
    pub fn of(agent: &[u8], hub: &[u8]) -> Sides {
        crate::sim::disk::register();
        Disk::clear();
        hubside::seed_ids(7);
        Disk::insert(HUB_DISK).borrow_mut().put_image(&Image::of(STORE, hub));
        let now = Arc::new(AtomicI64::new(EXCHANGE_MS));
        let key_of_hub = key(200) as Arc<dyn Sign>;
        let mut host = HubHost::new(Arc::new(SimClock::new(&now)), key_of_hub);
        host.start().expect("the hub opens its frozen store");
        let shared = Shared::new(host, Tale::new(false), Options::none());
        let mut pc = Pc::on(1, &Image::of(STORE, agent), key(1), SimClock::new(&now));
        pc.start().expect("the agent opens its frozen store");
        now.fetch_add(5_000, Ordering::Relaxed);
        let sides = Sides { pc, shared };
        sides.shared.net().hub.issue(sides.speaker(), key(1).public_key());
        sides
    }

    /// The next request of the agent, and the session that waits for its answer.
    ///
    /// # Panics
    /// If the store cannot be read.
    pub fn request(&mut self) -> (Session, Vec<u8>) {
        let health = Health { free_bytes: 1 << 30, program: "agent 0.1.0 frozen".to_owned() };
        let key = Arc::clone(&self.pc.key);
        let spoken = self.pc.desk.with(|store| {
            let mut session = Session::new(store.opening(&health, 1 << 20)?);
            let request = session.request(&mut store.outbox(&key))?;
            Ok((session, request))
        });
        spoken.expect("a request")
    }

    /// What the hub answers to a request of the agent.
    ///
    /// # Panics
    /// If it does not answer.
    pub fn reply(&self, request: &[u8]) -> Vec<u8> {
        self.shared.deliver_alone(self.speaker(), request, &mut Dice::new(1)).expect("an answer")
    }

    /// The agent's replica.
    ///
    /// # Panics
    /// If its store says none.
    pub fn speaker(&self) -> ReplicaId {
        let member = self.pc.desk.with(|store| Ok(store.member().cloned()));
        member.expect("a running program").expect("an enrolled store").replica
    }

    /// A contact of the two to its end.
    ///
    /// # Panics
    /// If it does not end, or ends early.
    pub fn contact(&mut self) {
        let dice = Arc::new(std::sync::Mutex::new(Dice::new(1)));
        let kept = Arc::clone(&self.pc.kept);
        let link = Link { shared: self.shared.clone(), speaker: self.speaker(), down: false, dice, kept };
        assert!(self.pc.call(link, false));
        for _ in 0..100_000 {
            if let Some(ended) = self.pc.step() {
                let failure = ended.expect("a sound store").failure.map(|failure| failure.detail);
                assert_eq!(failure, None);
                return;
            }
        }
        panic!("a contact does not end");
    }

    /// What the agent's store shows.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn agent_shows(&mut self) -> Json {
        self.pc.desk.with(agent_shows).expect("a readable store")
    }

    /// What the hub's store shows.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn hub_shows(&mut self) -> Json {
        self.shared.net().hub.work(|tx, _| hub_shows(tx)).expect("a readable store")
    }
}

/// Everything that people see of an agent's store.
///
/// # Errors
/// It cannot be read.
pub fn agent_shows(store: &mut Store) -> Result<Json, StoreError> {
    let counts = store.counts()?;
    let mut records = BTreeMap::new();
    for line in store.queue(&QueueFilter { state: None, form: None, limit: RECORDS_MAX })? {
        let entry = store.entry(line.record)?;
        let verdicts: Vec<String> = entry.verdicts.iter().map(|(op, verdict)| format!("{op}: {verdict:?}")).collect();
        let shown = json!({
            "form": line.form,
            "code": line.code.map(|code| code.to_string()),
            "state": line.state.code(),
            "own": line.own,
            "conflicts": line.conflicts,
            "verdicts": verdicts,
            "groups": groups(&entry.record, builtin::by_tag(line.form)),
        });
        records.insert(line.record.to_string(), shown);
    }
    Ok(json!({
        "replica": store.member().map(|member| member.replica.to_string()),
        "ops": [counts.ops_written, counts.ops_pending],
        "records": [counts.entered, counts.arrived, counts.queued, counts.rejected, counts.conflicts],
        "by_id": records,
    }))
}

/// Everything that people see of a hub's store.
///
/// # Errors
/// It cannot be read.
pub fn hub_shows(tx: &mut dyn Tx) -> Result<Json, HubError> {
    let mut records = BTreeMap::new();
    for row in tx.records(&RecordFilter::default(), Page::After(0), RECORDS_MAX as usize)? {
        let record = crate::sim::people::merged(tx, row.id)?;
        let Some(born) = &row.born else { continue };
        let shown = json!({
            "form": born.form,
            "office": born.office.as_str(),
            "code": born.code.map(|code| code.to_string()),
            "status": row.status,
            "conflicts": row.conflicts,
            "summary": row.summary,
            "groups": groups(&record, builtin::by_tag(born.form)),
        });
        records.insert(row.id.to_string(), shown);
    }
    let aside = tx.quarantined(None, RECORDS_MAX as usize)?;
    let aside: Vec<String> = aside.iter().map(|op| format!("{}: {:?}", op.id, op.state)).collect();
    let mut logs = BTreeMap::new();
    for replica in tx.replicas()? {
        for log in tx.logs_of(replica.id, None, usize::MAX)? {
            logs.insert(log.head.log().to_string(), json!([replica.id.to_string(), log.stored, log.durable]));
        }
    }
    let forks: Vec<String> = tx.forks(RECORDS_MAX as usize)?.iter().map(|fork| fork.id.to_string()).collect();
    Ok(json!({ "logs": logs, "aside": aside, "forks": forks, "by_id": records }))
}

/// The values that stand in each group, and the ops that say so.
fn groups(record: &Record, form: Option<&Form>) -> Json {
    let Some(form) = form else { return Json::Null };
    let mut groups = BTreeMap::new();
    for (tag, _) in record.groups() {
        let Some(group) = form.group(tag) else { continue };
        let standing = match GroupView::of(record, form, group) {
            GroupView::Empty => Vec::new(),
            GroupView::One(candidate) => vec![said(&candidate.ops[0], &candidate.written.values)],
            GroupView::Entries(entries) => entries.iter().map(|(op, written)| said(op, &written.values)).collect(),
            GroupView::Conflict(side_by_side) => {
                side_by_side.iter().map(|candidate| said(&candidate.ops[0], &candidate.written.values)).collect()
            }
        };
        groups.insert(group.name.clone(), standing);
    }
    json!(groups)
}

fn said(op: &impl ToString, values: &BTreeMap<u16, Value>) -> Json {
    let values: BTreeMap<String, Json> = values.iter().map(|(tag, value)| (tag.to_string(), plain(value))).collect();
    json!({ "op": op.to_string(), "values": values })
}

/// A value by its numbers, so that no later wording changes it.
fn plain(value: &Value) -> Json {
    match value {
        Value::Text(text) | Value::Area(text) | Value::Person(text) => json!(text),
        Value::Whole(number) => json!(number),
        Value::Decimal { unscaled, scale } => json!([unscaled, scale]),
        Value::One(choice) => json!(choice),
        Value::Many(choices) => json!(choices),
        Value::Date(days) => json!(days),
        Value::DateTime { utc_ms, offset_min } => json!([utc_ms, offset_min]),
        Value::Attachment(file) => {
            let content = file.content;
            json!([content.hash.to_string(), content.bytes, content.media, file.name])
        }
    }
}
