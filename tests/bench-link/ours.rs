//! An office and its hub, each at its end of the link.

use std::path::Path;

use kentongan_host::sqlite;
use kentongan_tests::link::{HUB_IP, Profile, Side, Wire};
use kentongan_tests::{Hub, Office, wait};

use crate::field::{Run, Sample, State};
use crate::records::Records;

/// Talks when there is something new, and otherwise not while this runs.
pub(crate) const CONFIG: &str = "[sync]\ninterval = \"1d\"\njitter = 0\n[hub]\nproxy = \"none\"\n";

pub(crate) fn measure(run: &Run, state: State, records: &Records, lines: &str) -> Result<Sample, String> {
    let wire = run.lay()?;
    let (hub, mut office) = set_up(&wire);
    let held = count(hub.data());
    let all = held + lines.lines().count() as u64;
    let watch = match state {
        State::Cold => {
            // It knows the hub already, and the records were saved while it was switched off.
            office.sync().ok();
            records.enter(&office, lines);
            let watch = run.begin(&wire);
            office.start();
            watch
        }
        State::Connected => {
            // The connection knows the link, as far as it can: its round trip, not its losses.
            wire.set(&Profile { outages: None, loss_per_mille: 0, ..*run.profile }, run.seed);
            office.start();
            wait::until_true("the first contact", wait::LONG, || office.status()["last_success_at"].is_string());
            office.sync().ok();
            let watch = run.begin(&wire);
            records.enter(&office, lines);
            watch
        }
    };
    let sample = watch.wait(|| count(hub.data()) >= all);
    assert!(count(hub.data()) <= all, "doubled");
    Ok(sample)
}

/// A hub and an office that has joined it, at both ends.
pub(crate) fn set_up(wire: &Wire) -> (Hub, Office) {
    let mut hub = Hub::set_up();
    hub.settle(wire.namespace(Side::Hub), HUB_IP);
    hub.begin();
    let office = Office::enrol_in(wire.namespace(Side::Office), &hub, "94.01.01.2011");
    office.configure(CONFIG);
    (hub, office)
}

/// Records that the hub's store holds, durably: another reader sees what was committed.
pub(crate) fn count(hub: &Path) -> u64 {
    let db = sqlite::open_reader(&hub.join("store.db")).expect("the hub's store");
    let rows = db.query_row("SELECT count(*) FROM records", [], |row| row.get::<_, i64>(0));
    rows.map_or(0, i64::unsigned_abs)
}
