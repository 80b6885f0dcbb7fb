//! What a hub takes in: 10,000 new records over TLS, against inserting the same ops by hand in batches.
//!
//! The requests are recorded once, from a real agent that sends to a real hub; then they are sent again, one after the
//! other on one connection, to the same hub put back to where it was before.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kentongan_agent::config;
use kentongan_agent::enrol::Identity;
use kentongan_agent::rules::Rules;
use kentongan_agent::store::{Health, Machine, Store};
use kentongan_agent::sync::{self, Caller, Carrier, Conn};
use kentongan_agent::transport::{LinkError, LinkSettings, Reply, Transport};
use kentongan_host::store_thread::StoreThread;
use kentongan_host::tls::FloorTime;
use kentongan_host::{DataDir, SystemClock};
use kentongan_protocol::session::Line;
use kentongan_protocol::wire::frame::FrameReader;
use kentongan_protocol::wire::v1::Frame;
use kentongan_tests::{Dice, Hub, Office, data};
use tokio::runtime::Runtime;

use crate::import::{BATCH_ROWS, insert_in_batches};
use crate::measure::{Bound, Figure, copy_all_rows, median, on_disk, rate, timed};
use crate::save::{newest_ops, raw_store};

const RECORDS: usize = 10_000;
const ROUNDS: usize = 5;

pub(crate) fn run() -> Vec<Figure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut hub = Hub::start();
    let office = Office::enrol(&hub, "32.73.05.1001");
    office.configure("[hub]\nproxy = \"none\"\n");
    let mut dice = Dice::new(8);
    let rows: Vec<_> = (0..RECORDS).map(|number| data::complaint(&mut dice, number)).collect();
    let file = office.desk().join("catatan.jsonl");
    data::write_json_lines(&file, rows.iter().map(|fields| ("pengaduan", fields)));
    office.import(&file).ok();
    hub.stop();
    let before = hub.copy();
    hub.begin();
    let requests = record(&runtime, &office, &hub.url());
    assert_eq!(hub.status()["records"]["pengaduan"], RECORDS);
    let ops = newest_ops(&office.data().join("store.db"), RECORDS);

    let disk = on_disk();
    let (mut ours, mut theirs, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        hub.stop();
        hub.restore(before.path());
        hub.begin();
        ours.push(replay(&runtime, &office, &format!("https://{}", hub.address()), &requests));
        assert_eq!(hub.status()["records"]["pengaduan"], RECORDS);
        let raw = raw_store(&disk.path().join(format!("{round}.db")));
        theirs.push(timed(|| insert_in_batches(&raw, ops.iter().map(Vec::as_slice))).0);
        let filled = hub.data().join("store.db");
        all.push(copy_all_rows(&filled, &disk.path().join(format!("all-{round}.db")), BATCH_ROWS));
    }
    let ours = (rate(RECORDS, median(ours)), "/s");
    let what = "new records stored, judged, merged and put into the feed, over TLS";
    let raw = (rate(RECORDS, median(theirs)), "raw batched inserts of the same ops");
    let all = (rate(RECORDS, median(all)), "raw batched inserts of everything the hub keeps for them, indexes too");
    vec![
        Figure { name: "accept", what, ours, against: raw, bound: Bound::AtLeast(0.5) },
        Figure { name: "accept-all-rows", what, ours, against: all, bound: Bound::None },
    ]
}

/// Carries requests as always and keeps a copy of each.
struct Recorder {
    transport: Transport,
    requests: Mutex<Vec<Vec<u8>>>,
}

impl Carrier for Recorder {
    type Reply = Reply;

    async fn line(&self) -> Option<Line> {
        self.transport.line().await
    }

    async fn exchange(&self, request: Vec<u8>, on: Conn) -> Result<Reply, LinkError> {
        self.requests.lock().expect("nobody panics with it").push(request.clone());
        self.transport.exchange(request, on).await
    }
}

pub(crate) fn transport(data: &Path, url: &str) -> (Transport, Identity) {
    let dir = DataDir::at(kentongan_host::Program::Agent, data);
    let identity = Identity::load(&dir).expect("an identity").expect("an enrolled office");
    let settings = LinkSettings { proxy: "none".to_owned(), ..config::link(&built_in(), url) };
    let time = Arc::new(FloorTime::new(Arc::new(SystemClock::new()), None));
    (identity.transport(&settings, time).expect("a link"), identity)
}

fn built_in() -> kentongan_host::Settings {
    kentongan_host::Settings::built_in(kentongan_host::Program::Agent, config::OPTIONS)
}

fn record(runtime: &Runtime, office: &Office, url: &str) -> Vec<Vec<u8>> {
    let store = Store::open(&office.data().join("store.db"), Machine::real()).expect("the store");
    let store = StoreThread::spawn(store).expect("its thread");
    let (transport, identity) = transport(office.data(), url);
    let caller = Caller {
        transport: Recorder { transport, requests: Mutex::default() },
        key: Arc::clone(&identity.key),
        health: Health { free_bytes: 0, program: kentongan_agent::program() },
        packs: None,
        rules: Rules::default(),
        coming: None,
    };
    let report = runtime.block_on(sync::contact(&store.handle(), &caller)).expect("a contact");
    assert!(report.failure.is_none(), "{report:?}");
    store.stop().expect("end of the thread").close().expect("close the store");
    caller.transport.requests.into_inner().expect("nobody panics with it")
}

/// Whether the end of the reply has arrived.
fn has_end(reader: &mut FrameReader) -> bool {
    let frames = std::iter::from_fn(|| reader.next_frame().expect("whole frames"));
    frames.map(|raw| Frame::decode(&raw).expect("a known frame")).any(|frame| matches!(frame, Some(Frame::End(_))))
}

/// Sends the requests again and reads each answer to its end.
fn replay(runtime: &Runtime, office: &Office, url: &str, requests: &[Vec<u8>]) -> Duration {
    runtime.block_on(async {
        let (transport, _) = transport(office.data(), url);
        let began = std::time::Instant::now();
        let mut reader = FrameReader::new();
        for request in requests {
            // Each goes on from what was said before, as when they were recorded.
            let on = if transport.line().await.is_some() { Conn::Open } else { Conn::New };
            let mut reply = transport.exchange(request.clone(), on).await.expect("an answer");
            reader.begin();
            while !has_end(&mut reader) {
                reader.push(&sync::Answer::chunk(&mut reply).await.expect("its bytes").expect("more of them"));
            }
            sync::Answer::whole(reply, Line::default());
        }
        began.elapsed()
    })
}
