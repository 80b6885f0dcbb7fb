//! Power cuts of unmodified programs, and disks that turn read-only: ext4 on a file, shut down without flushing.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::disk::Disk;
use super::{Book, Lab, Row};
use crate::hub::Hub;
use crate::office::Office;
use crate::service::{Service, signal};

const ROUNDS_SHORT: u64 = 3;
const DISK_MIB: u64 = 96;

/// The power of an office's PC is cut while it enters and sends.
pub fn agent(lab: &mut Lab) -> Row {
    let disk = match Disk::ext4(DISK_MIB) {
        Ok(disk) => disk,
        Err(why) => return Row::skipped(why),
    };
    let (mut row, mut book, hub) = (Row::default(), Book::default(), Hub::start());
    let mut sari = Office::bare_in(&disk.path().join("kantor"));
    sari.run(&["enrol", "--hub", &hub.url(), "--code", &hub.code("32.73.05.1001")]).ok();
    sari.hurry();
    sari.start();
    while lab.goes_on(row.rounds, ROUNDS_SHORT) {
        let entering: Vec<_> = (0..6).map(|_| book.begin(&sari)).collect();
        thread::sleep(Duration::from_millis(lab.dice.below(400)));
        cut_power(&disk, sari.service());
        sari.kill();
        entering.into_iter().for_each(|entering| book.end(entering));
        disk.bring_back();
        let began = Instant::now();
        sari.start();
        row.restarted(began);
        row.rounds += 1;
    }
    sari.wait_arrived();
    book.settle(&hub, &mut row);
    sari.kill();
    row
}

/// A machine without power says nothing more: the program is stopped before its disk is. The system may call a flush
/// successful that is under way while its file system is shut down, and a program that went on would tell others.
fn cut_power(disk: &Disk, service: Option<&Service>) {
    if let Some(service) = service {
        signal(service.pid(), Signal::STOP);
    }
    disk.cut_power();
}

/// The power of the hub is cut while offices send.
pub fn hub(lab: &mut Lab) -> Row {
    let disk = match Disk::ext4(DISK_MIB) {
        Ok(disk) => disk,
        Err(why) => return Row::skipped(why),
    };
    let (mut row, mut book) = (Row::default(), Book::default());
    let mut hub = Hub::bare_in(&disk.path().join("pusat"));
    hub.init().ok();
    std::fs::write(hub.data().join("hub.toml"), "[store]\nmin_free = \"1MiB\"\n").expect("a configuration");
    hub.begin();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.hurry();
    sari.start();
    while lab.goes_on(row.rounds, ROUNDS_SHORT) {
        let entering: Vec<_> = (0..6).map(|_| book.begin(&sari)).collect();
        thread::sleep(Duration::from_millis(lab.dice.below(700)));
        cut_power(&disk, hub.service());
        hub.kill();
        entering.into_iter().for_each(|entering| book.end(entering));
        let told = sari.status()["arrived_total"].as_u64().expect("a number");
        disk.bring_back();
        let began = Instant::now();
        hub.begin();
        row.restarted(began);
        let held = hub.export("complaints").len() as u64;
        assert!(held >= told, "the office was told {told}, the hub has {held}");
        row.rounds += 1;
    }
    sari.wait_arrived();
    book.settle(&hub, &mut row);
    hub.kill();
    row
}

/// The disk of an office turns read-only, by hand between two commands, and by an error while the service runs.
pub fn readonly(lab: &mut Lab) -> Row {
    let disk = match Disk::ext4(DISK_MIB) {
        Ok(disk) => disk,
        Err(why) => return Row::skipped(why),
    };
    let (mut row, mut book, hub) = (Row::default(), Book::default(), Hub::start());
    let mut sari = Office::bare_in(&disk.path().join("kantor"));
    sari.run(&["enrol", "--hub", &hub.url(), "--code", &hub.code("32.73.05.1001")]).ok();
    sari.hurry();
    while lab.goes_on(row.rounds, 1) {
        book.enter(&sari).ok();
        disk.set_read_only(true);
        let refused = book.enter(&sari);
        assert_eq!(refused.error()["code"], "KTG-204", "{refused:#?}");
        disk.set_read_only(false);
        book.enter(&sari).ok();

        sari.start();
        book.enter(&sari).ok();
        disk.fail();
        let refused = book.enter(&sari);
        assert!(refused.code > 0 && !refused.error()["message"].as_str().unwrap_or_default().is_empty());
        sari.kill();
        disk.bring_back();
        let began = Instant::now();
        sari.start();
        row.restarted(began);
        book.enter(&sari).ok();
        sari.wait_arrived();
        sari.kill();
        row.rounds += 1;
    }
    sari.sync().ok();
    book.settle(&hub, &mut row);
    row
}
