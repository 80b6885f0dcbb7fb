//! No space left: entries are refused in words before anybody takes them for saved, and what is saved still leaves.

use super::disk::Disk;
use super::{Book, Lab, Row};
use crate::hub::Hub;
use crate::office::Office;

/// Entries until a full disk is noticed, at most: a few pages are always left somewhere.
const ENTRIES_MAX: usize = 400;

/// An office's disk fills up while its service runs.
pub fn agent(lab: &mut Lab) -> Row {
    let disk = match Disk::small(32) {
        Ok(disk) => disk,
        Err(why) => return Row::skipped(why),
    };
    let (mut row, mut book, hub) = (Row::default(), Book::default(), Hub::start());
    let mut sari = Office::bare_in(&disk.path().join("kantor"));
    sari.run(&["enrol", "--hub", &hub.url(), "--code", &hub.code("32.73.05.1001")]).ok();
    sari.hurry();
    while lab.goes_on(row.rounds, 1) {
        hub.door().cut();
        sari.start();
        let first = book.enter(&sari).ok().json();
        disk.fill(0);
        let refused = until_refused(&mut book, &sari);
        assert_eq!((refused.code, &refused.error()["code"]), (17, &"KTG-201".into()), "{refused:#?}");
        // What is there can still be read, by the service and after a restart on the full disk.
        let id = first["id"].as_str().expect("an id").to_owned();
        sari.record(&id);
        sari.kill();
        sari.start();
        sari.record(&id);
        assert_eq!(book.enter(&sari).error()["code"], "KTG-201");
        // And it leaves, although not one byte is free.
        hub.door().mend();
        sari.wait_arrived();
        disk.empty();
        book.enter(&sari).ok();
        sari.wait_arrived();
        sari.kill();
        row.rounds += 1;
    }
    book.settle(&hub, &mut row);
    row
}

/// The hub's disk fills up: it takes nothing, says so, keeps what it has, and goes on when there is space.
pub fn hub(lab: &mut Lab) -> Row {
    let disk = match Disk::small(48) {
        Ok(disk) => disk,
        Err(why) => return Row::skipped(why),
    };
    let (mut row, mut book) = (Row::default(), Book::default());
    let mut hub = Hub::bare_in(&disk.path().join("pusat"));
    hub.init().ok();
    std::fs::write(hub.data().join("hub.toml"), "[store]\nmin_free = \"4MiB\"\n").expect("a configuration");
    hub.begin();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    while lab.goes_on(row.rounds, 1) {
        book.enter(&sari).ok();
        sari.sync().ok();
        for left in [2 << 20, 0] {
            disk.fill(left);
            book.enter(&sari).ok();
            let refused = sari.sync();
            assert_eq!(refused.error()["code"], "KTG-106", "{refused:#?}");
            assert_eq!(sari.status()["all_arrived"], false);
        }
        disk.empty();
        sari.sync().ok();
        row.rounds += 1;
    }
    book.settle(&hub, &mut row);
    hub.kill();
    row
}

/// Enters until an entry is refused.
fn until_refused(book: &mut Book, office: &Office) -> crate::Ended {
    for _ in 0..ENTRIES_MAX {
        let ended = book.enter(office);
        if ended.code != 0 {
            return ended;
        }
    }
    panic!("{ENTRIES_MAX} entries on a full disk");
}
