//! Copies: what is put back, runs twice, is put away because a copy holds it, and the copies of the hub.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kentongan_protocol::ids::LogId;

use super::World;
use crate::Dice;
use crate::sim::check::ops_at_pc;
use crate::sim::clock::SimClock;
use crate::sim::disk::{Disk, Image};
use crate::sim::hubside::HUB_DISK;
use crate::sim::link::Net;
use crate::sim::vault::VAULT_DISK;

impl World {
    pub(super) fn restore_pc(&mut self, at: usize, dice: &mut Dice) {
        if self.pcs[at].copies.is_empty() {
            return;
        }
        self.pcs[at].end();
        let copies = &self.pcs[at].copies;
        let copy = copies[dice.below(copies.len() as u64) as usize].clone();
        self.pcs[at].disk().borrow_mut().heal();
        self.pcs[at].put_back(&copy);
        self.other_folder.insert(self.pcs[at].replica());
        self.pcs[at].clock.boot();
        self.excuse(&format!("PC {at} was put back"));
        self.start_pc(at);
    }

    pub(super) fn clone_pc(&mut self, at: usize, dice: &mut Dice) {
        if self.pcs.len() > self.plan.options.pcs as usize + 1 {
            return;
        }
        self.disks += 1;
        let twin = self.pcs[at].cloned(self.disks, SimClock::new(&self.now), dice.number());
        self.other_folder.insert(twin.replica());
        self.pcs.push(twin);
        self.start_pc(self.pcs.len() - 1);
    }

    /// A PC puts away what it may; nothing may go that no copy of the hub holds.
    pub(in crate::sim) fn put_away(&mut self, at: usize) {
        let disk = self.pcs[at].disk;
        let before = ops_at_pc(disk).unwrap_or_default();
        let pruned = self.at_pc(at, |store| store.prune(0));
        let files = self.at_pc(at, |store| store.put_away_files(0));
        self.tell(|| format!("   PC {at} puts away: {pruned:?}, files: {files:?}"));
        let replica = self.pcs[at].replica();
        let Ok(after) = ops_at_pc(disk) else {
            // The machine stopped in the middle: nobody knows yet what is gone, and only what is covered may be.
            let covered = before.into_iter().filter(|(id, _)| self.vault.covers(id.log) >= id.seq);
            self.put_away.extend(covered.map(|(_, record)| (replica, record)));
            return;
        };
        let after: BTreeSet<_> = after.into_iter().collect();
        for (id, record) in before.into_iter().filter(|op| !after.contains(op)) {
            self.put_away.insert((replica, record));
            if self.vault.covers(id.log) < id.seq {
                self.broke(format!("PC {at} put away {id}, which no copy of the hub holds"));
            }
        }
    }

    /// A backup, by the steps of the command. Its disk may stop, fail or fill up at any of them, and somebody may stop it.
    pub(super) fn backup(&mut self, dice: &mut Dice) {
        if !self.net().hub.is_up() {
            return;
        }
        let disk = Disk::at(VAULT_DISK);
        match dice.below(10) {
            0 | 1 => disk.borrow_mut().stop_after(1 + dice.below(160)),
            2 => disk.borrow_mut().fail_after(1 + dice.below(160)),
            3 => disk.borrow_mut().set_room(Some(dice.below(300_000) as usize)),
            _ => {}
        }
        let patience = if dice.percent(10) { dice.below(12) } else { u64::MAX };
        let files = Arc::clone(&self.net().hub.archive);
        let mut shelf = self.vault.shelf(&files);
        let made = self.net().hub.back_up(&mut shelf, patience);
        if made.is_ok() {
            self.vault.say_safe();
        }
        self.tell(|| format!("   a backup: {}", made.unwrap_or_else(|fault| fault)));
        if disk.borrow().is_stopped() {
            let down = self.drawn_down(dice);
            disk.borrow_mut().restart(down, dice);
        }
        disk.borrow_mut().heal();
        let version = self.net().hub.version;
        version.play(|| self.vault.look());
        self.check_covered();
    }

    /// The hub is put back: mostly to its newest copy, which loses nothing that was called safe; seldom to an older one.
    pub(super) fn restore_hub(&mut self, dice: &mut Dice) {
        let copies = self.vault.copies();
        let Some(newest) = copies.last().copied() else { return };
        let which = if dice.percent(60) { newest } else { copies[dice.below(copies.len() as u64) as usize] };
        self.tell(|| format!("   the hub is put back to copy {which} of {copies:?}"));
        let told = self.put_hub_back(&self.vault.image(which));
        let promised = which == newest && self.vault.is_of_this_line(which);
        self.vault.put_back(which);
        if promised {
            let mut net = self.net();
            let Net { hub, tale, .. } = &mut *net;
            hub.check_safe(&told, tale);
        }
    }

    /// Puts the hub back to a copy. Gives what it had told before.
    pub fn put_hub_back(&mut self, copy: &Image) -> BTreeMap<LogId, (u64, u64)> {
        self.net().hub.end();
        Disk::at(HUB_DISK).borrow_mut().heal();
        Disk::at(HUB_DISK).borrow_mut().put_image(copy);
        self.net().hub.reboot();
        let told = self.net().hub.restored();
        self.hub_drafts.clear();
        self.put_files_back();
        self.excuse("the hub was put back");
        self.start_hub();
        told
    }
}
