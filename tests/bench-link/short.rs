//! The short form: a relay instead of an IP link, so nobody special is needed, and bytes without IP headers.

use std::process::ExitCode;
use std::time::Instant;

use kentongan_tests::link::{Profile, Relay};
use kentongan_tests::{Hub, Office, wait};

use crate::field::{Sample, State};
use crate::floor;
use crate::ours::{CONFIG, count};
use crate::records::Records;

pub(crate) fn run() -> ExitCode {
    let edge = Profile::named("edge").expect("it is one of them");
    let records = Records::own();
    println!("over a relay with the rates and delays of `edge`; ours without IP headers, the floor with them");
    for size in [1, 100] {
        let lines = records.lines(size);
        for state in [State::Cold, State::Connected] {
            let floor = floor::of(&lines, &edge, state);
            floor.print(&edge, size, &format!("floor, {}", state.name()), None);
            measure(&edge, state, &records, &lines).print(&edge, size, state.name(), Some(floor));
        }
    }
    ExitCode::SUCCESS
}

fn measure(profile: &Profile, state: State, records: &Records, lines: &str) -> Sample {
    let hub = Hub::start();
    let relay = Relay::open(hub.address(), profile).expect("a relay");
    let mut office = Office::enrol_at(&hub, "94.01.01.2011", &format!("https://{}", relay.address()), 0);
    office.configure(CONFIG);
    let (before, began) = if state == State::Cold {
        office.sync().ok();
        records.enter(&office, lines);
        let now = (relay.counts(), Instant::now());
        office.start();
        now
    } else {
        office.start();
        wait::until_true("the first contact", wait::LONG, || office.status()["last_success_at"].is_string());
        let now = (relay.counts(), Instant::now());
        records.enter(&office, lines);
        now
    };
    wait::until_true("everything is at the hub", wait::LONG, || count(hub.data()) >= lines.lines().count() as u64);
    let seconds = began.elapsed().as_secs_f64();
    office.wait_arrived();
    let after = relay.counts();
    Sample {
        seconds: Some(seconds),
        up_bytes: after.up_bytes - before.up_bytes,
        down_bytes: after.down_bytes - before.down_bytes,
        packets: 0,
    }
}
