//! Stores and an exchange of every release, kept in `data/release-*`: this program opens them, shows what they showed
//! then, sends and takes what waited in them, and answers the request of then as it was answered.

use std::path::{Path, PathBuf};

use kentongan_agent::store::{Machine, Store};
use kentongan_hub::store::sqlite::SqliteStore;
use kentongan_hub::store::transact_with;
use kentongan_protocol::wire::codec::List;
use kentongan_protocol::wire::frame::FrameReader;
use kentongan_protocol::wire::v1::Frame;
use kentongan_tests::frozen::{Frozen, Sides, agent_shows, hub_shows};
use rusqlite::{Connection, OpenFlags};

/// The releases that were frozen, with their names.
fn releases() -> Vec<(String, Frozen)> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let folders = std::fs::read_dir(data).expect("the folder of data").flatten().map(|entry| entry.path());
    let mut releases: Vec<_> = folders
        .filter_map(|path| {
            let name = path.file_name()?.to_str().filter(|name| name.starts_with("release-"))?.to_owned();
            Some((name, Frozen::read(&path).expect("a whole release")))
        })
        .collect();
    releases.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!releases.is_empty(), "no release is frozen");
    releases
}

/// A copy on the real disk.
fn on_disk(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("store.db");
    std::fs::write(&path, bytes).expect("a copy");
    (dir, path)
}

fn look(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a closed store")
}

/// Application, version and every definition of a store.
fn schema(path: &Path) -> Vec<String> {
    let db = look(path);
    let number = |sql| db.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number").to_string();
    let mut all = vec![number("PRAGMA application_id"), number("PRAGMA user_version")];
    let sql = "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1";
    let mut select = db.prepare(sql).expect("a query");
    all.extend(select.query_map([], |row| row.get(0)).expect("rows").map(|row| row.expect("a text")));
    all
}

/// What to do about a schema that a store cannot grow to.
fn edited(name: &str) -> String {
    format!(
        "a step of the schema that {name} was made by has been edited. If that version is released, put it back and append \
         a step. If it is not, remove tests/data/{name} and make it anew with the command `freeze`."
    )
}

fn open_agent(path: &Path) -> Store {
    Store::open(path, Machine::real()).expect("an agent's store opens")
}

fn open_hub(path: &Path) -> SqliteStore {
    SqliteStore::open(path).expect("a hub's store opens")
}

/// The messages of a stream, without what differs each time: the hub's clock, and the id of its latest start.
fn messages(stream: &[u8]) -> Vec<Frame> {
    let mut reader = FrameReader::new();
    reader.push(stream);
    let mut messages = Vec::new();
    while let Some(raw) = reader.next_frame().expect("whole frames") {
        match Frame::decode(&raw).expect("a message that is known") {
            Some(Frame::Marks(mut marks)) => {
                marks.hub_ms = 0;
                marks.extensions = List::default();
                marks.epochs.0.iter_mut().last().into_iter().for_each(|(id, _)| *id = [0; 8]);
                messages.push(Frame::Marks(marks));
            }
            message => messages.extend(message),
        }
    }
    messages
}

#[test]
fn every_released_store_shows_what_it_showed_then() {
    for (name, frozen) in releases() {
        let (_dir, path) = on_disk(&frozen.agent);
        let mut store = open_agent(&path);
        assert_eq!(agent_shows(&mut store).expect("readable"), frozen.agent_shows, "{name}");
        let (_dir, path) = on_disk(&frozen.hub);
        let shown = transact_with(&mut open_hub(&path), hub_shows).expect("readable");
        assert_eq!(shown, frozen.hub_shows, "{name}");
    }
}

#[test]
fn every_released_store_grows_to_the_schema_of_a_fresh_one() {
    let (dir, _) = on_disk(&[]);
    let fresh = dir.path().join("fresh-agent.db");
    open_agent(&fresh).close().expect("closed");
    let fresh_hub = dir.path().join("fresh-hub.db");
    open_hub(&fresh_hub).close().expect("closed");
    for (name, frozen) in releases() {
        let (_dir, path) = on_disk(&frozen.agent);
        open_agent(&path).close().expect("closed");
        assert_eq!(schema(&path), schema(&fresh), "the agent's: {}", edited(&name));
        let (_dir, path) = on_disk(&frozen.hub);
        open_hub(&path).close().expect("closed");
        assert_eq!(schema(&path), schema(&fresh_hub), "the hub's: {}", edited(&name));
    }
}

#[test]
fn what_waited_in_a_released_store_drains_and_nothing_is_gone() {
    for (name, frozen) in releases() {
        let mut sides = Sides::of(&frozen.agent, &frozen.hub);
        assert_ne!(sides.agent_shows()["ops"][1], 0, "{name}: something waited");
        sides.contact();
        let (agent, hub) = (sides.agent_shows(), sides.hub_shows());
        assert_eq!((&agent["ops"][1], &agent["records"][2]), (&0.into(), &0.into()), "{name}");
        for (id, record) in agent["by_id"].as_object().expect("records") {
            assert_eq!(record["groups"], hub["by_id"][id]["groups"], "{name}: {id}");
        }
        for (id, record) in frozen.hub_shows["by_id"].as_object().expect("records") {
            assert_eq!(hub["by_id"][id]["form"], record["form"], "{name}: {id} is gone from the hub");
        }
    }
}

#[test]
fn the_request_of_every_release_is_answered_as_it_was_then() {
    for (name, frozen) in releases() {
        let mut sides = Sides::of(&frozen.agent, &frozen.hub);
        let reply = sides.reply(&frozen.request);
        assert_eq!(messages(&reply), messages(&frozen.reply), "{name}");
        // The same request once more changes nothing.
        let shown = sides.hub_shows();
        sides.reply(&frozen.request);
        assert_eq!(sides.hub_shows(), shown, "{name}");
    }
}

#[test]
fn the_reply_of_every_release_is_understood_and_the_same_ops_are_sent() {
    for (name, frozen) in releases() {
        let mut sides = Sides::of(&frozen.agent, &frozen.hub);
        let (mut session, request) = sides.request();
        let ops = |stream: &[u8]| -> Vec<Frame> {
            messages(stream).into_iter().filter(|message| matches!(message, Frame::Log(_) | Frame::Ops(_))).collect()
        };
        assert_eq!(ops(&request), ops(&frozen.request), "{name}");
        for event in session.receive(&frozen.reply).expect("a reply") {
            sides.pc.desk.with(|store| store.apply(event, None)).expect("kept");
        }
        assert!(session.finish().expect("a whole reply").0.in_order, "{name}");
        assert_eq!(sides.agent_shows()["ops"][1], 0, "{name}: everything has arrived");
    }
}

#[test]
fn released_stores_hold_a_bit_of_everything() {
    for (name, frozen) in releases() {
        assert_eq!(frozen.lacks(), Vec::<String>::new(), "{name}");
    }
}
