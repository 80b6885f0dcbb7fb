//! Exchanges that people carry: what an office's request and the hub's reply become on the way is sealed files; here they
//! lie open, for what matters is when they arrive, how often, and what was said meanwhile.

use kentongan_agent::store::{Health, Heard, StoreError};
use kentongan_host::bundle::{AnswerKey, KEY_BYTES, Name, Sealed};
use kentongan_host::fail::Failure;
use kentongan_host::ktg::Ktg;

use super::world::World;
use crate::Dice;

/// Files that are under way at the same time, at most; the oldest is lost first.
const STICKS_MAX: usize = 12;

/// A file that somebody carries.
#[derive(Debug, Clone)]
pub struct Stick {
    /// The PC that made the bundle.
    at: usize,
    name: Name,
    file: Carried,
}

#[derive(Debug, Clone)]
enum Carried {
    Request(Vec<u8>),
    Reply(Vec<u8>),
}

impl World {
    /// A bundle is made, or one of the files under way arrives. A file may arrive again.
    pub fn carry(&mut self, at: usize, dice: &mut Dice) {
        if self.sticks.is_empty() || dice.percent(40) {
            return self.make_bundle(at);
        }
        let place = dice.below(self.sticks.len() as u64) as usize;
        let stick = match dice.percent(75) {
            true => self.sticks.remove(place),
            false => self.sticks[place].clone(),
        };
        match stick.file {
            Carried::Request(request) => self.hand_in(stick.at, stick.name, &request, dice),
            Carried::Reply(reply) => {
                // Now and then it is carried to another PC.
                let to = if dice.percent(90) { stick.at } else { at };
                self.bring_back(to, stick.name, &reply);
            }
        }
    }

    fn make_bundle(&mut self, at: usize) {
        self.bundles += 1;
        let (name, answer_key) = (Name(self.bundles.to_be_bytes()), AnswerKey([0; KEY_BYTES]));
        let Some(pc) = self.awake(at) else { return };
        let key = pc.key.clone();
        let seal = |request: &[u8], _| Some(Sealed { file: request.to_vec(), name, answer_key });
        let made = pc.desk.with(|store| store.make_bundle(&health(), &key, seal));
        match made {
            Ok(bundle) => {
                self.tell(|| format!("   PC {at}: bundle {name:?} of {} changes", bundle.ops));
                if self.sticks.len() == STICKS_MAX {
                    self.sticks.remove(0);
                }
                self.sticks.push(Stick { at, name, file: Carried::Request(bundle.file) });
            }
            Err(error) => self.no_use(at, name, error),
        }
    }

    fn hand_in(&mut self, at: usize, name: Name, request: &[u8], dice: &mut Dice) {
        let Some(pc) = self.pcs.get(at) else { return };
        let reply = self.shared.deliver_carried(pc.replica(), request, dice);
        self.tell(|| format!("   hub: bundle {name:?} of PC {at}, answered: {}", reply.is_some()));
        self.sticks.extend(reply.map(|reply| Stick { at, name, file: Carried::Reply(reply) }));
    }

    fn bring_back(&mut self, at: usize, name: Name, reply: &[u8]) {
        // The program takes one after the other.
        if self.awake(at).is_none() || self.pcs[at].is_calling() {
            return;
        }
        match self.at_pc(at, |store| store.take_answer(&health(), name, |_| Ok(reply.to_vec()))) {
            Ok(heard) => {
                self.tell(|| format!("   PC {at}: the answer to bundle {name:?}: {heard:?}"));
                self.check_pc(at);
                if let Heard::Taken(applied, _) = heard
                    && applied.secured > 0
                {
                    self.put_away(at);
                }
            }
            Err(error) => self.no_use(at, name, error),
        }
    }

    fn no_use(&mut self, at: usize, name: Name, error: StoreError) {
        self.tell(|| format!("   PC {at}: bundle {name:?}: {error:?}"));
        // As the service does: only another start shows what is really on the disk.
        if Failure::from(error).ktg == Some(Ktg::DiskFailed) {
            self.pcs[at].end();
        }
    }
}

fn health() -> Health {
    Health { free_bytes: 1 << 30, program: "sim".to_owned() }
}
