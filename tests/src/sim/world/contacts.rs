//! Contacts: asked for, under way in turns, at their end; and requests of the past that arrive again.

use kentongan_agent::agenda::Ended;
use kentongan_host::fail::Failure;
use kentongan_host::ktg::Ktg;

use super::World;
use crate::Dice;
use crate::sim::coverage::Struck;

impl World {
    /// Somebody at a PC asks for a contact.
    pub fn contact(&mut self, at: usize, dice: &mut Dice) {
        if self.awake(at).is_some() && !self.pcs[at].is_calling() {
            self.begin_contact(at, false, dice);
        }
    }

    /// Contacts that are under way go on, in turns drawn at random.
    pub(super) fn proceed(&mut self, dice: &mut Dice) {
        let calling: Vec<usize> = (0..self.pcs.len()).filter(|at| self.pcs[*at].is_calling()).collect();
        if calling.is_empty() {
            return;
        }
        for _ in 0..dice.below(60) {
            self.step(calling[dice.below(calling.len() as u64) as usize]);
        }
    }

    /// A contact under way goes on a little.
    pub fn step(&mut self, at: usize) {
        let disk = self.pcs[at].disk;
        let before = Struck::now(disk);
        let ended = self.pcs[at].step();
        self.note_strikes(disk, before);
        let Some(ended) = ended else { return };
        self.contacts += 1;
        match &ended {
            Ok(report) if report.applied.secured > 0 => self.put_away(at),
            Ok(report) => self.tell(|| {
                let failure = report.failure.as_ref().map(|failure| failure.detail.clone());
                format!("   PC {at}: contact of {} exchanges, {:?}, {failure:?}", report.exchanges, report.applied)
            }),
            Err(error) => self.tell(|| format!("   PC {at}: contact ended by {error:?}")),
        }
        let exchanges = ended.as_ref().map_or(0, |report| u64::from(report.exchanges));
        self.most_exchanges = self.most_exchanges.max(exchanges);
        // Who heard nothing believes what it believed before.
        if !matches!(&ended, Ok(report) if report.down_bytes == 0) {
            self.check_pc(at);
        }
        let heard = matches!(&ended, Ok(report) if report.exchanges > 0 && report.failure.is_none());
        let same_line = self.pcs[at].call_line == self.net().hub.line;
        self.check_files_shown(at, heard && same_line);
        let report = Ended::of(self.pcs[at].own_call, ended.as_ref().ok());
        let failure = ended.err().and_then(|error| Failure::from(error).ktg);
        match failure {
            // As the service does: only another start shows what is really on the disk.
            Some(Ktg::DiskFailed) => self.pcs[at].end(),
            _ => self.contact_ended(at, report),
        }
    }

    /// A contact under way comes to its end.
    pub fn finish_call(&mut self, at: usize) {
        for _ in 0..100_000 {
            if !self.pcs[at].is_calling() {
                return;
            }
            self.step(at);
        }
        self.broke(format!("PC {at}: a contact does not end"));
    }

    /// A request of the past arrives again, or one that its sender gave up.
    pub(super) fn stale(&mut self, dice: &mut Dice) {
        let found = {
            let mut net = self.net();
            if !net.late.is_empty() && dice.percent(60) {
                let place = dice.below(net.late.len() as u64) as usize;
                Some(net.late.remove(place))
            } else if net.past.is_empty() {
                None
            } else {
                let place = dice.below(net.past.len() as u64) as usize;
                Some(net.past[place].clone())
            }
        };
        if let Some((speaker, request)) = found {
            self.shared.deliver_alone(speaker, &request, dice);
        }
    }
}
