//! Programs of two versions beside each other: the present one, and the made-up next one (`kentongan_protocol::next`).
//!
//! A machine runs one of them, from which it goes to the next and never back; what it does, it does as that version. The
//! checker reads as the next one does, which understands everything. Builds without the feature `planted` have the present
//! version alone: there an update is a restart.

use kentongan_agent::store::StoreError;
use kentongan_host::sqlite::OpenFailure;
use kentongan_protocol::next;

use super::world::World;
use crate::Dice;

/// Which program a machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Version {
    /// The present one.
    #[default]
    Present,
    /// The one after it.
    Next,
}

impl Version {
    /// Does something as a program of this version does it.
    pub fn play<T>(self, work: impl FnOnce() -> T) -> T {
        /// However the work ends, what follows is played as what went before.
        struct Before(next::Speaks);
        impl Drop for Before {
            fn drop(&mut self) {
                speak(self.0);
            }
        }
        let _before = Before(next::speaks());
        speak(match self {
            Version::Present => next::Speaks::Present,
            Version::Next => next::Speaks::Both,
        });
        work()
    }
}

#[cfg(feature = "planted")]
fn speak(speaks: next::Speaks) {
    next::here(Some(speaks));
}

#[cfg(not(feature = "planted"))]
fn speak(_: next::Speaks) {}

/// What an update of a machine leads to.
fn newest() -> Version {
    if cfg!(feature = "planted") { Version::Next } else { Version::Present }
}

impl World {
    /// The program of a PC or of the hub is updated, or somebody tries to put an old one back.
    pub fn upgrade(&mut self, at: usize, dice: &mut Dice) {
        match (dice.percent(30), dice.percent(50)) {
            (true, _) if self.net().hub.version < newest() => self.upgrade_hub(),
            (true, true) => self.old_hub_is_refused(),
            (true, false) => {}
            (false, _) if self.pcs[at].desk.version < newest() => self.upgrade_pc(at),
            (false, true) => self.old_program_is_refused(at),
            (false, false) => {}
        }
    }

    fn upgrade_pc(&mut self, at: usize) {
        self.tell(|| format!("   PC {at} gets the next program"));
        self.pcs[at].end();
        self.pcs[at].desk.version = newest();
        self.start_pc(at);
    }

    fn upgrade_hub(&mut self) {
        self.tell(|| "   the hub gets the next program".to_owned());
        self.net().hub.end();
        self.net().hub.version = newest();
        self.start_hub();
    }

    /// Everything that is still of the present version is updated. `false` if nothing is of another one.
    pub fn upgrade_all(&mut self) -> bool {
        let mixed =
            self.net().hub.version == Version::Next || self.pcs.iter().any(|pc| pc.desk.version == Version::Next);
        if !mixed {
            return false;
        }
        for at in 0..self.pcs.len() {
            if self.pcs[at].desk.version < newest() {
                self.upgrade_pc(at);
            }
        }
        if self.net().hub.version < newest() {
            self.upgrade_hub();
        }
        true
    }

    /// A PC whose store is of the next version: the present one refuses it, and changes nothing.
    fn old_program_is_refused(&mut self, at: usize) {
        let disk = self.pcs[at].disk();
        if newest() == Version::Present || disk.borrow().has_trouble() {
            return;
        }
        self.pcs[at].end();
        // What the update stopped in the middle of is still a store of the present version.
        self.start_pc(at);
        if !self.pcs[at].is_up() {
            return;
        }
        self.pcs[at].end();
        let before = disk.borrow().image();
        self.pcs[at].desk.version = Version::Present;
        let started = self.pcs[at].start();
        self.tell(|| format!("   PC {at}: somebody starts the old program: {:?}", started.as_ref().err()));
        let refused = matches!(started, Err(StoreError::Open(OpenFailure::Newer { .. })));
        self.pcs[at].end();
        if !refused || disk.borrow().image() != before {
            self.broke(format!("PC {at}: an old program does not leave a newer store alone"));
        }
        self.pcs[at].desk.version = Version::Next;
        self.start_pc(at);
    }

    /// The same at the hub.
    fn old_hub_is_refused(&mut self) {
        let disk = super::disk::Disk::at(super::hubside::HUB_DISK);
        if newest() == Version::Present || disk.borrow().has_trouble() || !self.net().hub.is_up() {
            return;
        }
        self.net().hub.end();
        let before = disk.borrow().image();
        self.net().hub.version = Version::Present;
        let started = self.net().hub.start();
        self.tell(|| format!("   somebody starts the old hub: {:?}", started.as_ref().err()));
        self.net().hub.end();
        if started.is_ok() || disk.borrow().image() != before {
            self.broke("an old hub does not leave a newer store alone");
        }
        self.net().hub.version = Version::Next;
        self.start_hub();
    }
}
