//! What an agent costs a PC that has nothing to spare: memory while idle, time to start, size on disk.

use std::fs;
use std::sync::Arc;

use kentongan_agent::rules::Rules;
use kentongan_agent::store::{Health, Machine, Store};
use kentongan_agent::sync::{self, Caller};
use kentongan_host::store_thread::StoreThread;
use kentongan_tests::programs::{Program, run as run_command};
use kentongan_tests::{Hub, Office, wait};

use crate::accept;
use crate::measure::{Bound, Figure, median, timed};

const MIB: f64 = 1024.0 * 1024.0;
const STARTS: usize = 15;
const CONNECTIONS: usize = 1_000;

pub(crate) fn run() -> Vec<Figure> {
    let hub = Hub::start();
    let mut office = Office::enrol(&hub, "32.73.05.1001");
    office.configure("[hub]\nproxy = \"none\"\n");
    office.start();
    wait::until_true("the first contact", wait::LONG, || office.status()["last_success_at"].is_string());
    for number in 0..20 {
        office.complain(&format!("Aduan nomor {number}."));
    }
    office.wait_arrived();
    let resident = resident_bytes(office.service().expect("it runs").pid());
    office.stop();

    let (mut starts, mut nothing) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        starts.push(timed(|| office.start()).0);
        office.stop();
        let mut version = office.command();
        version.arg("version");
        nothing.push(timed(|| run_command(version).ok()).0);
    }
    let ms = |times| median(times).as_secs_f64() * 1000.0;
    let size = fs::metadata(Program::Agent.path()).expect("look at the program").len();
    let bounded = |name, what, ours: f64, unit, bound: f64| Figure {
        name,
        what,
        ours: (ours, unit),
        against: (bound, "the bound"),
        bound: Bound::AtMost(1.0),
    };
    let (starts, nothing) = (ms(starts), ms(nothing));
    let connection = connection_bytes(&hub, &office);
    vec![
        bounded("idle-connection", "memory of the hub for an open idle connection", connection / 1024.0, "KiB", 32.0),
        bounded("idle-memory", "resident memory after contacts", resident / MIB, "MiB", 10.0),
        bounded("ready", "start of the service until it is ready", starts, "ms", 50.0),
        Figure {
            name: "ready-bare",
            what: "start of the service until it is ready",
            ours: (starts, "ms"),
            against: (nothing, "the same program printing its version"),
            bound: Bound::None,
        },
        bounded("binary", "size of the agent", size as f64 / MIB, "MiB", 6.0),
    ]
}

/// What the hub's memory grows by with each office that has talked and keeps its connection open.
fn connection_bytes(hub: &Hub, office: &Office) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let store = Store::open(&office.data().join("store.db"), Machine::real()).expect("the store");
    let store = StoreThread::spawn(store).expect("its thread");
    let talk = |count: usize| {
        let callers: Vec<_> = (0..count)
            .map(|_| {
                let (transport, identity) = accept::transport(office.data(), &hub.url());
                let health = Health { free_bytes: 0, program: kentongan_agent::program() };
                Caller {
                    transport,
                    key: Arc::clone(&identity.key),
                    health,
                    packs: None,
                    rules: Rules::default(),
                    coming: None,
                }
            })
            .collect();
        runtime.block_on(async {
            for caller in &callers {
                let report = sync::contact(&store.handle(), caller).await.expect("a contact");
                assert!(report.failure.is_none(), "{report:?}");
            }
        });
        callers
    };
    // What the first ones need, the next ones need not.
    let first = talk(20);
    let before = resident_bytes(hub.pid());
    let more = talk(CONNECTIONS);
    let after = resident_bytes(hub.pid());
    drop((first, more));
    store.stop().expect("end of the thread").close().expect("close the store");
    (after - before) / CONNECTIONS as f64
}

/// Resident memory of a process, as Linux tells it.
pub(crate) fn resident_bytes(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("this bench needs Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line VmRSS");
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().expect("a number") * 1024.0
}
