//! Devices that may not speak any more: the operator revokes one, by the hub's own service; a certificate ends, and is
//! renewed some time later. Whoever may not speak is told why, and nothing is taken of it or given to it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, RwLock};

use kentongan_agent::agenda::Event;
use kentongan_host::Failure;
use kentongan_host::{Clock, DataDir, Program};
use kentongan_hub::ca::Authority;
use kentongan_hub::config::Config;
use kentongan_hub::engine::Hub;
use kentongan_hub::service::{Desk, office, status};
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::wire::v1::Refusal;

use super::hubside::HubHost;
use super::world::{BEGINNING_MS, World};
use crate::Dice;

/// The end of a certificate that holds for as long as anything is played.
pub const NEVER_S: i64 = i64::MAX;
/// A certificate that ends has up to so many seconds left.
const LEFT_S_MAX: u64 = 2 * 3600;

/// Whom the operator revoked, and of whom the hub confirmed it since it was last put back.
pub type Revoked = BTreeMap<ReplicaId, bool>;

/// Certificates of a hub, made once: what an operator asks is answered by the command's own function, which may ask for
/// them.
static AUTHORITY: LazyLock<(tempfile::TempDir, DataDir, Arc<RwLock<Authority>>)> = LazyLock::new(|| {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let dir = DataDir::at(Program::Hub, temp.path().join("pusat"));
    dir.create().expect("folders");
    let authority = Authority::create(&dir, BEGINNING_MS).expect("certificates");
    (temp, dir, Arc::new(RwLock::new(authority)))
});

fn desk(hub: &Arc<Hub>, now_ms: i64) -> Desk {
    let (_, dir, authority) = &*AUTHORITY;
    Desk {
        dir: dir.clone(),
        hub: Arc::clone(hub),
        authority: Arc::clone(authority),
        config: Arc::new(Config::built_in()),
        rhythms: Arc::default(),
        service: status::Service::default(),
        now_ms,
        actor: "operator".to_owned(),
        via: None,
    }
}

impl HubHost {
    /// The operator revokes a device. `false` if the hub did not confirm it: then it may be so or not.
    pub fn revoke(&mut self, device: ReplicaId) -> bool {
        let now_ms = self.clock.wall_ms();
        let (replica, reason) = (device.to_string(), "hilang".to_owned());
        let request = office::Request::Revoke { replica, reason, valid_upto: Vec::new() };
        let done = self.order(|tx, hub| office::execute(tx, &desk(hub, now_ms), &request).map(drop));
        let confirmed = done.is_some_and(|done: Result<(), Failure>| done.is_ok());
        self.revoked.insert(device, confirmed);
        confirmed
    }

    /// Why a device that shows a certificate of this end is to be refused now, if it is. `None`: nobody knows, because
    /// its revocation was not confirmed.
    pub fn expected(&self, device: ReplicaId, not_after_s: i64) -> Option<Option<Refusal>> {
        let ended = not_after_s.saturating_mul(1000) < self.clock.wall_ms();
        match self.revoked.get(&device) {
            Some(true) => Some(Some(Refusal::Revoked)),
            Some(false) => None,
            None => Some(ended.then_some(Refusal::Expired)),
        }
    }

    /// When the certificate of a device ends, in seconds since 1970.
    pub fn ends_s(&self, device: ReplicaId) -> i64 {
        self.certificates.get(&device).map_or(NEVER_S, |facts| facts.validity.not_after_s)
    }

    /// Sets when the certificate that a device shows ends.
    pub fn set_end(&mut self, device: ReplicaId, not_after_s: i64) {
        if let Some(facts) = self.certificates.get_mut(&device) {
            facts.validity.not_after_s = not_after_s;
        }
    }
}

impl World {
    /// Whether the operator revoked a PC: it is not served any more, and what waits on it stays there.
    pub fn is_revoked(&self, at: usize) -> bool {
        let replica = self.pcs[at].replica();
        self.net().hub.revoked.contains_key(&replica)
    }

    /// The operator revokes a PC, unless none would be left. A copy of its folder is the same device.
    pub fn revoke(&mut self, at: usize) {
        let others = (0..self.pcs.len()).filter(|other| self.pcs[*other].replica() != self.pcs[at].replica());
        if self.is_revoked(at) || others.filter(|other| !self.is_revoked(*other)).count() == 0 {
            return;
        }
        let confirmed = self.net().hub.revoke(self.pcs[at].replica());
        self.tell(|| format!("   the operator revokes PC {at}; confirmed: {confirmed}"));
        self.excuse(&format!("PC {at} was revoked"));
    }

    /// What the hub forgot when it was put back, or did not confirm, the operator does again.
    pub fn revoke_again(&mut self) {
        let mut net = self.net();
        if !net.hub.is_up() {
            return;
        }
        let open = net.hub.revoked.iter().filter(|(_, confirmed)| !**confirmed);
        let open: Vec<ReplicaId> = open.map(|(device, _)| *device).collect();
        for device in open {
            net.hub.revoke(device);
        }
    }

    /// The certificate of a PC will end soon.
    pub fn certificate_ends(&mut self, at: usize, dice: &mut Dice) {
        let replica = self.pcs[at].replica();
        let left_s = dice.below(LEFT_S_MAX) as i64;
        let mut net = self.net();
        let ends_s = net.hub.clock.wall_ms() / 1000 + left_s;
        net.hub.set_end(replica, ends_s);
        net.tale.tell(|| format!("   the certificate of PC {at} ends in {left_s} s"));
    }

    /// A PC gets a new certificate, and its program hears of it.
    pub fn renew(&mut self, at: usize) {
        let replica = self.pcs[at].replica();
        if self.net().hub.ends_s(replica) == NEVER_S {
            return;
        }
        self.net().hub.set_end(replica, NEVER_S);
        self.tell(|| format!("   PC {at} has a new certificate"));
        for at in (0..self.pcs.len()).filter(|at| self.pcs[*at].replica() == replica).collect::<Vec<_>>() {
            self.settings_changed(at);
        }
    }

    /// The faults stop: whose certificate ended gets a new one, and who was revoked is so for good.
    pub fn settle_standing(&mut self) {
        (0..self.pcs.len()).for_each(|at| self.renew(at));
        self.revoke_again();
        let open = self.net().hub.revoked.values().any(|confirmed| !confirmed);
        if open {
            self.broke("a device cannot be revoked on a sound disk");
        }
    }

    /// What a revoked PC holds is there, and none of it is expected anywhere else.
    pub fn check_revoked(&mut self) {
        let revoked: Vec<usize> = (0..self.pcs.len()).filter(|at| self.is_revoked(*at)).collect();
        if revoked.is_empty() {
            return;
        }
        revoked.into_iter().for_each(|at| self.check_saved(at));
        self.excuse("a PC was revoked");
    }

    fn settings_changed(&mut self, at: usize) {
        let pacing = self.pcs[at].pacing;
        if self.awake(at).is_some() {
            self.wake(at, Event::Changed(pacing));
        }
    }
}
