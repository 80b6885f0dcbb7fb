//! Programs that stand still in the middle of an exchange, as on a machine that sleeps.

use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::{Book, Lab, Row};
use crate::hub::Hub;
use crate::office::Office;
use crate::service::signal;
use crate::{Quality, wait};

const ROUNDS_SHORT: u64 = 2;

/// Long enough that connections time out meanwhile, every few rounds of the long form.
const LONG_PAUSE: Duration = Duration::from_secs(75);

/// Office and hub stop in turns while records flow over a slow link, and wake up again: everything arrives once.
pub fn both(lab: &mut Lab) -> Row {
    let (mut row, mut book, hub) = (Row::default(), Book::default(), Hub::start());
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.hurry();
    sari.start();
    hub.door().set(Quality { up_bytes_per_s: Some(4_000), down_bytes_per_s: Some(4_000), ..Quality::default() });
    let mut long_pauses = 0;
    while lab.goes_on(row.rounds, ROUNDS_SHORT) {
        let before = hub.door().counts().up_bytes;
        for _ in 0..5 {
            book.enter(&sari).ok();
        }
        wait::until_true("an exchange begins", wait::LONG, || hub.door().counts().up_bytes > before);
        thread::sleep(Duration::from_millis(lab.dice.below(300)));
        let office_sleeps = row.rounds.is_multiple_of(2);
        let asleep = if office_sleeps { sari.service() } else { hub.service() };
        let pid = asleep.expect("it runs").pid();
        signal(pid, Signal::STOP);
        let long = lab.is_long() && lab.dice.percent(10);
        long_pauses += u64::from(long);
        thread::sleep(if long { LONG_PAUSE } else { Duration::from_millis(200 + lab.dice.below(1_500)) });
        signal(pid, Signal::CONT);
        sari.wait_arrived();
        row.rounds += 1;
    }
    book.settle(&hub, &mut row);
    row.note = format!("{long_pauses} pauses of {} s", LONG_PAUSE.as_secs());
    row
}
