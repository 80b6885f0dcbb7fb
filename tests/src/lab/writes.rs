//! Death and errors at the n-th write or flush, whichever call of the program that is: strace counts and injects.

use std::process::{Command, Stdio};
use std::time::Instant;

use rustix::process::Signal;

use super::{Book, Lab, Row};
use crate::hub::Hub;
use crate::office::Office;
use crate::programs;
use crate::service::signal;
use crate::wait;

/// More writes than anything here makes.
const WRITES_MAX: u32 = 400;

/// Rounds at the hub even if the time is over.
const ROUNDS_ANYHOW: u64 = 20;

/// Enters and sends, killed at the first write, the second, the third … until nothing is left to kill.
pub fn agent_killed(lab: &mut Lab) -> Row {
    let Some(mut row) = begin() else { return without_strace() };
    let (hub, mut book) = (Hub::start(), Book::default());
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let step = if lab.is_long() { 1 } else { 5 };
    for n in (1..WRITES_MAX).step_by(step) {
        let ended = book.enter_as(&sari, |command| under_strace(command, &kill_at(n)));
        row.rounds += 1;
        if ended.code == 0 {
            break;
        }
        reopen(&sari, &mut row);
    }
    for n in (1..WRITES_MAX).step_by(step) {
        book.enter(&sari).ok();
        let ended = programs::run(under_strace(sync(&sari), &kill_at(n)));
        row.rounds += 1;
        if ended.code == 0 {
            break;
        }
        reopen(&sari, &mut row);
    }
    sari.sync().ok();
    book.settle(&hub, &mut row);
    row
}

/// Enters and sends while the n-th flush fails, or the n-th write finds no space. What failed is not "saved", and the
/// next command finds a sound store.
pub fn agent_failing(lab: &mut Lab) -> Row {
    let Some(mut row) = begin() else { return without_strace() };
    let (hub, mut book) = (Hub::start(), Book::default());
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let step = if lab.is_long() { 1 } else { 4 };
    for (call, error) in [("fsync", "EIO"), ("pwrite64", "EIO"), ("pwrite64", "ENOSPC"), ("fdatasync", "EIO")] {
        for n in (1..WRITES_MAX).step_by(step) {
            let fault = format!("{call}:error={error}:when={n}");
            let before = book.saved();
            let ended = book.enter_as(&sari, |command| under_strace(command, &fault));
            row.rounds += 1;
            if ended.code == 0 && book.saved() > before && ended.stderr.is_empty() {
                break;
            }
            if book.saved() == before {
                // An index that cannot grow looks like a full disk, whatever the reason.
                let expected: &[&str] = match (call, error) {
                    (_, "ENOSPC") => &["KTG-201"],
                    ("pwrite64", _) => &["KTG-201", "KTG-212"],
                    _ => &["KTG-212"],
                };
                let code = ended.error()["code"].as_str().unwrap_or_default().to_owned();
                assert!(expected.contains(&code.as_str()), "{fault}: {ended:#?}");
            }
            reopen(&sari, &mut row);
            let ended = programs::run(under_strace(sync(&sari), &fault));
            assert!(ended.code >= 0, "{fault}: {ended:#?}");
        }
    }
    for n in (1..=12).step_by(step) {
        service_failing(&mut sari, &mut book, n);
        row.rounds += 1;
        reopen(&sari, &mut row);
    }
    sari.sync().ok();
    book.settle(&hub, &mut row);
    row
}

/// The n-th flush of a running service fails: who asked is refused with a code, and the service ends instead of going on
/// with a disk that it cannot trust.
fn service_failing(office: &mut Office, book: &mut Book, n: u32) {
    let fault = format!("fsync:error=EIO:when={n}");
    if office.launch_as(|command| under_strace(command, &fault)).is_err() {
        return;
    }
    for _ in 0..WRITES_MAX {
        let ended = book.enter(office);
        if ended.code != 0 {
            assert!(["KTG-212", "null"].contains(&ended.error()["code"].as_str().unwrap_or("null")), "{ended:#?}");
            wait::until_true("a service that cannot trust its disk ends", wait::LONG, || !office.runs());
            return;
        }
        if !office.runs() {
            return;
        }
    }
    panic!("{fault} is never reached");
}

/// An office sends to a hub that is killed at its n-th write.
pub fn hub_killed(lab: &mut Lab) -> Row {
    let step = if lab.is_long() { 1 } else { 7 };
    hub_under(lab, step, kill_at)
}

/// An office sends to a hub whose n-th flush fails: the hub tells nobody that it has what it may not have, and ends, so
/// that its next start looks at what is really on the disk.
pub fn hub_failing(lab: &mut Lab) -> Row {
    let step = if lab.is_long() { 1 } else { 2 };
    hub_under(lab, step, |n| format!("fsync:error=EIO:when={n}"))
}

fn hub_under(lab: &mut Lab, step: usize, fault: impl Fn(u32) -> String) -> Row {
    let Some(mut row) = begin() else { return without_strace() };
    let (mut hub, mut book) = (Hub::start(), Book::default());
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let rounds_max = if lab.is_long() { WRITES_MAX } else { 30 };
    for n in (1..rounds_max).step_by(step) {
        end(&mut hub);
        let begun = hub.launch_as(|command| under_strace(command, &fault(n)));
        for _ in 0..2 {
            book.enter(&sari).ok();
            if begun.is_ok() && sari.sync().code != 0 {
                wait::until_true("a hub that cannot trust its disk ends", wait::LONG, || !hub.runs());
            }
        }
        row.rounds += 1;
        end(&mut hub);
        let began = Instant::now();
        hub.begin();
        row.restarted(began);
        let told = sari.status()["arrived_total"].as_u64().expect("a number");
        let held = hub.export("complaints").len() as u64;
        assert!(held >= told, "{}: the office was told {told}, the hub has {held}", fault(n));
        if !lab.goes_on(row.rounds, ROUNDS_ANYHOW) {
            break;
        }
    }
    end(&mut hub);
    hub.begin();
    sari.sync().ok();
    book.settle(&hub, &mut row);
    row
}

/// Kills the hub itself; strace ends with it.
fn end(hub: &mut Hub) {
    let pid = hub.service().and_then(|service| service.ready()["pid"].as_u64());
    if let Some(pid) = pid.and_then(|pid| u32::try_from(pid).ok()) {
        signal(pid, Signal::KILL);
        wait::until_true("a killed hub ends", wait::LONG, || !hub.runs());
    }
    hub.kill();
}

/// A row, if strace can be used here.
fn begin() -> Option<Row> {
    let traced = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    traced.is_ok_and(|status| status.success()).then(Row::default)
}

fn without_strace() -> Row {
    Row::skipped("strace is not installed, or may not trace here")
}

fn kill_at(n: u32) -> String {
    format!("pwrite64:signal=KILL:when={n}")
}

/// The same command, with a fault injected into the program.
pub(super) fn under_strace(command: Command, fault: &str) -> Command {
    let call = fault.split(':').next().unwrap_or_default();
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &format!("inject={fault}")]);
    traced.arg(command.get_program()).args(command.get_args());
    traced.env_clear();
    traced.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    traced.stdin(Stdio::null());
    traced
}

fn sync(office: &Office) -> Command {
    let mut command = office.command();
    command.args(["--json", "sync", "--wait"]);
    command
}

/// The store opens again at once, and says what it has.
fn reopen(office: &Office, row: &mut Row) {
    let began = Instant::now();
    office.status();
    row.restarted(began);
}
