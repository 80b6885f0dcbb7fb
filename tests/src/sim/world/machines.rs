//! Machines and their clocks: how they start, stop and come back.

use super::{S, World};
use crate::Dice;
use crate::sim::disk::Disk;
use crate::sim::hubside::HUB_DISK;
use crate::sim::link::Net;
use crate::sim::pc::Pc;

impl World {
    /// Starts the program of a PC; what was shown as saved before must be there.
    pub fn start_pc(&mut self, at: usize) {
        if self.pcs[at].is_up() {
            return;
        }
        match self.pcs[at].start() {
            Ok(()) => {
                self.check_saved(at);
                self.check_saved_files(at);
            }
            Err(error) => {
                let excused = self.pcs[at].disk().borrow().has_trouble();
                self.tell(|| format!("   PC {at} does not start: {error:?}"));
                if !excused {
                    self.broke(format!("PC {at} does not start on a sound disk: {error:?}"));
                }
            }
        }
    }

    /// Starts a process of the hub; what was told before must be there.
    pub fn start_hub(&mut self) {
        let mut net = self.net();
        let Net { hub, tale, .. } = &mut *net;
        match hub.start() {
            Ok(()) => {
                hub.check_told(tale);
                drop(net);
                self.check_covered();
                self.revoke_again();
            }
            Err(error) => tale.tell(|| format!("   the hub does not start: {error}")),
        }
    }

    /// Machines that stopped in this event start again, and some full disks have space again.
    pub(super) fn after_trouble(&mut self, dice: &mut Dice) {
        self.restart_stopped(dice);
        if dice.percent(15) {
            Disk::at(HUB_DISK).borrow_mut().set_room(None);
            self.pcs.iter().for_each(|pc| pc.disk().borrow_mut().set_room(None));
        }
    }

    pub(super) fn restart_stopped(&mut self, dice: &mut Dice) {
        if Disk::at(HUB_DISK).borrow().is_stopped() {
            self.net().hub.end();
            Disk::at(HUB_DISK).borrow_mut().restart(self.down, dice);
            self.net().hub.reboot();
            self.tell(|| format!("   the hub's machine starts again after: {:?}", self.down));
            if dice.percent(70) {
                self.start_hub();
            }
        }
        for at in 0..self.pcs.len() {
            if self.pcs[at].disk().borrow().is_stopped() {
                self.pcs[at].end();
                self.pcs[at].disk().borrow_mut().restart(self.down, dice);
                self.pcs[at].clock.boot();
                self.tell(|| format!("   PC {at} starts again after: {:?}", self.down));
                if dice.percent(70) {
                    self.start_pc(at);
                }
            }
        }
    }

    pub(super) fn jump(&mut self, at: usize, dice: &mut Dice) {
        const YEAR: i64 = 365 * 24 * 3600 * S;
        let offset = match dice.below(8) {
            0 => -56 * YEAR,
            1 => 73 * YEAR,
            2 => i64::MAX,
            3 => i64::MIN,
            4 => 0,
            5 => -(dice.below(100_000_000) as i64),
            _ => dice.below(100_000_000) as i64,
        };
        self.tell(|| format!("   the clock of PC {at} is wrong by {offset} ms"));
        self.pcs[at].clock.set_offset(offset);
        if dice.percent(10) {
            self.net().hub.clock.drift(dice.below(600_000) as i64 - 300_000);
        }
    }

    /// All faults stop. Everything runs, everybody talks, a bounded number of times; then nothing may be open.
    pub fn heal(&mut self, dice: &mut Dice) {
        self.tell(|| "the faults stop".to_owned());
        self.shared.heal();
        self.after_trouble(dice);
        for disk in std::iter::once(Disk::at(HUB_DISK)).chain(self.pcs.iter().map(Pc::disk)) {
            disk.borrow_mut().heal();
        }
        if self.net().hub.count() > 1 {
            self.net().hub.end_second();
        }
        if !self.net().hub.is_up() {
            self.start_hub();
        }
        if !self.net().hub.is_up() {
            self.broke("the hub does not start on a sound disk");
        }
        for at in 0..self.pcs.len() {
            self.pcs[at].asleep_until_ms = i64::MIN;
            self.start_pc(at);
            self.finish_call(at);
        }
        self.settle_standing();
    }
}
