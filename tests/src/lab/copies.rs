//! Copies of an office's folder, taken at random instants while it is written, as a backup program or a disk image
//! takes them. The copy goes on elsewhere, and so does the original.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::{Book, Lab, Row};
use crate::folder;
use crate::hub::Hub;
use crate::office::Office;

const ROUNDS_SHORT: u64 = 4;

/// The order in which the files of a store are copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    DatabaseFirst,
    LogFirst,
    AsListed,
}

/// Copies that go on as twins of the original: what is in them arrives once, what both write from then on too.
pub fn both_deliver(lab: &mut Lab) -> Row {
    let (mut row, mut book, hub) = (Row::default(), Book::default(), Hub::start());
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.hurry();
    sari.start();
    let (mut opened, mut damaged, mut twins_told) = (0_u64, 0_u64, 0_u64);
    while lab.goes_on(row.rounds, ROUNDS_SHORT) {
        let order = [Order::DatabaseFirst, Order::LogFirst, Order::AsListed][row.rounds as usize % 3];
        let entering: Vec<_> = (0..4).map(|_| book.begin(&sari)).collect();
        thread::sleep(Duration::from_millis(lab.dice.below(120)));
        let twin = copy(&sari, order);
        entering.into_iter().for_each(|entering| book.end(entering));
        row.rounds += 1;
        let status = twin.run(&["status"]);
        match status.code {
            0 => {
                opened += 1;
                book.enter(&twin).ok();
                twin.sync().ok();
                sari.wait_arrived();
                // Both have spoken since the copy was made: who speaks next is told.
                sari.run(&["sync", "--wait"]).ok();
                twin.sync().ok();
                let told = [&sari, &twin].iter().any(|machine| machine.status()["twin"] == true);
                twins_told += u64::from(told);
            }
            // A copy in the wrong order can be torn. It says so, and nothing of it is used.
            16 => damaged += 1,
            _ => panic!("{order:?}: {status:#?}"),
        }
    }
    sari.wait_arrived();
    assert!(opened == 0 || twins_told > 0, "{opened} twins, and nobody was told");
    book.settle(&hub, &mut row);
    row.note = format!("{opened} copies opened, {damaged} said that they are torn; told of twins {twins_told} times");
    row
}

fn copy(office: &Office, order: Order) -> Office {
    let twin = Office::bare();
    fs::create_dir_all(twin.data()).expect("the folder of a copy");
    let files: &[&str] = match order {
        Order::DatabaseFirst => &["store.db", "store.db-wal"],
        Order::LogFirst => &["store.db-wal", "store.db"],
        Order::AsListed => {
            // As administrators do it.
            let from = format!("{}/.", office.data().display());
            let done = Command::new("cp").arg("-a").arg(from).arg(twin.data()).status().expect("run cp");
            assert!(done.success(), "cp -a fails");
            let _ = fs::remove_file(twin.data().join("control.sock"));
            return twin;
        }
    };
    folder::copy(&office.data().join("identity"), &twin.data().join("identity"));
    for file in files {
        match fs::copy(office.data().join(file), twin.data().join(file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("copy {file}: {error}"),
            _ => {}
        }
    }
    fs::copy(office.data().join("agent.toml"), twin.data().join("agent.toml")).expect("copy the configuration");
    twin
}
