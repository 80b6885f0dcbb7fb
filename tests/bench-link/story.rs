//! What a quiet office costs, and what dies in the middle.

use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use kentongan_tests::link::{Outages, Profile, Wire};
use kentongan_tests::{Dice, Hub, Office, wait};
use serde_json::json;

use crate::ours;
use crate::records::Records;

/// Contacts are measured while they follow each other so closely.
const CONTACT_EVERY_S: u64 = 5;

/// How long contacts, and then silence, are watched.
const WATCHED: Duration = Duration::from_secs(120);

/// Answers of the hub that are followed to the office, so far apart that each is told by a knock of its own.
const ANSWERS: usize = 9;
const ANSWER_EVERY: Duration = Duration::from_secs(7);

/// As many pieces of news come to a busy office in a day.
const NEWS_A_DAY: f64 = 20.0;

/// Bytes, memory, wake-ups and processor time of an office where nothing happens.
///
/// A day is put together of two measured parts: so many contacts, and the silence between them on the open connection.
pub(crate) fn idle() -> ExitCode {
    let edge = Profile::named("edge").expect("it is one of them");
    let steady = Profile { loss_per_mille: 0, ..edge };
    let wire = match Wire::lay(&steady, 1) {
        Ok(wire) => wire,
        Err(reason) => {
            println!("skipped: {reason}");
            return ExitCode::SUCCESS;
        }
    };
    let (hub, mut office) = ours::set_up(&wire);
    office.start();
    wait::until_true("the first contact", wait::LONG, || office.status()["last_success_at"].is_string());
    thread::sleep(Duration::from_secs(5));
    let silence = watched(&wire, &office);
    let (news_bytes, news_s) = news(&wire, &hub, &office);
    office.stop();
    office.configure(&format!("[sync]\ninterval = \"{CONTACT_EVERY_S}s\"\njitter = 0\n[hub]\nproxy = \"none\"\n"));
    office.start();
    wait::until_true("the first contact", wait::LONG, || office.status()["last_success_at"].is_string());
    thread::sleep(Duration::from_secs(7));
    let talking = watched(&wire, &office);
    let contacts = WATCHED.as_secs_f64() / CONTACT_EVERY_S as f64;
    let of_contact = |talking: f64, silence: f64| (talking - silence).max(0.0) / contacts;
    println!(
        "silence on an open connection, {WATCHED:?}: {:.0} B, {:.1} wake-ups a minute, {:.2} ms of processor",
        silence.bytes,
        silence.wakes / WATCHED.as_secs_f64() * 60.0,
        silence.cpu_ms
    );
    println!(
        "a contact: {:.0} B of IP packets both ways, {:.1} wake-ups, {:.2} ms of processor; resident memory {:.1} MiB",
        of_contact(talking.bytes, silence.bytes),
        of_contact(talking.wakes, silence.wakes),
        of_contact(talking.cpu_ms, silence.cpu_ms),
        talking.resident_mib
    );
    for minutes in [5.0, 30.0] {
        let (day_contacts, silences) = (24.0 * 60.0 / minutes, 86_400.0 / WATCHED.as_secs_f64());
        let day = |talking: f64, silence: f64| of_contact(talking, silence) * day_contacts + silence * silences;
        let (bytes, cpu_ms) = (day(talking.bytes, silence.bytes), day(talking.cpu_ms, silence.cpu_ms));
        let wakes = day(talking.wakes, silence.wakes) / 1440.0;
        println!(
            "a day at a contact every {minutes} min: {:.0} KiB, {:.1} s of processor, {wakes:.1} wake-ups a minute",
            bytes / 1024.0,
            cpu_ms / 1000.0
        );
        println!(
            "{}",
            json!({ "idle_minutes": minutes, "bytes_a_day": bytes.round(), "cpu_s_a_day": cpu_ms / 1000.0,
                    "wakes_a_minute": wakes, "resident_mib": talking.resident_mib })
        );
    }
    println!(
        "news by a knock on the open connection: {news_s:.1} s from the answer at the hub to the office's list, {news_bytes:.0} B; \
         a day with {NEWS_A_DAY} of them and a contact every 5 min: {:.0} KiB",
        (news_bytes * NEWS_A_DAY + of_contact(talking.bytes, silence.bytes) * 288.0) / 1024.0
    );
    println!("{}", json!({ "news_s": news_s, "news_bytes": news_bytes.round() }));
    ExitCode::SUCCESS
}

/// What an answer of the hub costs that a knock tells of, in bytes, and the median of how long it takes, in seconds.
fn news(wire: &Wire, hub: &Hub, office: &Office) -> (f64, f64) {
    let codes: Vec<String> = (0..ANSWERS).map(|n| office.complain(&format!("Antre lama di loket {n}.")).code).collect();
    office.wait_arrived();
    thread::sleep(ANSWER_EVERY);
    let bytes = || (wire.up().bytes + wire.down().bytes) as f64;
    let before = bytes();
    let mut seconds: Vec<f64> = Vec::new();
    for code in &codes {
        hub.run(&["complaint", "answer", code, "--text", "Loket ditambah mulai pekan depan."]).ok();
        let answered = Instant::now();
        wait::until_true("the answer", wait::LONG, || office.record(code)["fields"]["jawaban"].is_string());
        seconds.push(answered.elapsed().as_secs_f64());
        thread::sleep(ANSWER_EVERY);
    }
    seconds.sort_by(f64::total_cmp);
    ((bytes() - before) / ANSWERS as f64, seconds.get(ANSWERS / 2).copied().unwrap_or_default())
}

/// What happened while nothing did.
struct Watched {
    bytes: f64,
    wakes: f64,
    cpu_ms: f64,
    resident_mib: f64,
}

fn watched(wire: &Wire, office: &Office) -> Watched {
    let pid = office.service().expect("it runs").pid();
    let bytes = || (wire.up().bytes + wire.down().bytes) as f64;
    let (bytes_before, (cpu_before, wakes_before)) = (bytes(), threads(pid));
    thread::sleep(WATCHED);
    let (cpu, wakes) = threads(pid);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    Watched {
        bytes: bytes() - bytes_before,
        wakes: wakes - wakes_before,
        cpu_ms: (cpu - cpu_before) / 1e6,
        resident_mib: number_after(&status, "VmRSS:") / 1024.0,
    }
}

/// Nanoseconds that all threads of a process have run, and how often they went to sleep by themselves.
fn threads(pid: u32) -> (f64, f64) {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("this needs Linux").flatten();
    tasks.fold((0.0, 0.0), |(cpu, wakes), task| {
        let read = |name| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let ran: f64 = read("schedstat").split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0.0);
        (cpu + ran, wakes + number_after(&read("status"), "voluntary_ctxt_switches:"))
    })
}

fn number_after(text: &str, key: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or(0.0)
}

/// Records of each story.
const RECORDS: usize = 1_000;

/// Who dies.
#[derive(Debug, Clone, Copy)]
enum Victim {
    AgentAfterEntry,
    AgentInSync,
    HubInSync,
}

/// Kills over a link that comes and goes; everything must be at the hub once.
pub(crate) fn kills(seeds: u64) -> ExitCode {
    let mut all_well = true;
    for victim in [Victim::AgentAfterEntry, Victim::AgentInSync, Victim::HubInSync] {
        for seed in 1..=seeds {
            match kill(victim, seed) {
                Ok((kills, entered, held)) => {
                    let (lost, doubled) = (entered.saturating_sub(held), held.saturating_sub(entered));
                    all_well &= lost == 0 && doubled == 0;
                    println!("{victim:?}, seed {seed}: {kills} kills, {entered} saved, {lost} lost, {doubled} doubled");
                }
                Err(reason) => println!("{victim:?}: skipped: {reason}"),
            }
        }
    }
    ExitCode::from(u8::from(!all_well))
}

fn kill(victim: Victim, seed: u64) -> Result<(u32, u64, u64), String> {
    let outages = Outages { up: Duration::from_secs(6), down: Duration::from_secs(4), phase: Duration::ZERO };
    let profile = Profile { outages: Some(outages), ..Profile::named("edge").ok_or("no such link")? };
    let wire = Wire::lay(&Profile::named("lan").ok_or("no such link")?, seed)?;
    let (mut hub, mut office) = ours::set_up(&wire);
    office.configure("[sync]\ninterval = \"2s\"\nbackoff_max = \"2s\"\n[hub]\nproxy = \"none\"\n");
    let mut dice = Dice::new(seed);
    let lines = Records::own().lines(RECORDS);
    wire.set(&profile, seed);
    office.start();
    let mut kills = 0;
    match victim {
        Victim::AgentAfterEntry => {
            for number in 0..20 {
                office.complain(&format!("Disimpan, lalu dimatikan: {number}."));
                office.kill();
                kills += 1;
                office.start();
            }
        }
        Victim::AgentInSync | Victim::HubInSync => Records::own().enter(&office, &lines),
    }
    let entered = office.status()["entered_total"].as_u64().unwrap_or(0);
    let began = Instant::now();
    while ours::count(hub.data()) < entered && began.elapsed() < wait::LONG {
        thread::sleep(Duration::from_millis(200 + dice.below(1_200)));
        match victim {
            Victim::AgentAfterEntry => continue,
            _ if kills >= 12 => continue,
            Victim::AgentInSync => {
                office.kill();
                office.start();
            }
            Victim::HubInSync => {
                let port = hub.address().port();
                hub.kill();
                hub.begin_at(port);
            }
        }
        kills += 1;
    }
    let ids = |what| hub.export(what).into_iter().map(|document| document["id"].to_string());
    let held: Vec<String> = ids("complaints").chain(ids("surveys")).collect();
    let apart: BTreeSet<&String> = held.iter().collect();
    // A record that is there twice has one id more than there should be, or one id twice.
    let surplus = (held.len() - apart.len()) as u64;
    Ok((kills, entered, apart.len() as u64 + surplus))
}
