//! The world before anything has happened: PCs that have joined, a hub that knows them, and two hostile devices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};

use kentongan_agent::store::Member;
use kentongan_host::identity::SigningKey;
use kentongan_hub::engine::Sign;
use kentongan_hub::store::sqlite::SqliteStore;
use kentongan_hub::store::{Certificate, HubIdentity, Office, Replica, Standing, transact_with};
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::log::Holding;
use kentongan_protocol::receipt::Prefix;

use super::{BEGINNING_MS, COLLEAGUE, ENEMY, ENEMY_OFFICE, World};
use crate::sim::clock::{Now, SimClock};
use crate::sim::coverage::Reached;
use crate::sim::disk::{self, Disk, Down, NAME};
use crate::sim::hours::Habits;
use crate::sim::hubside::{self, HUB_DISK, HubHost, STORE};
use crate::sim::link::Shared;
use crate::sim::model::Model;
use crate::sim::pc::Pc;
use crate::sim::plan::{Plan, stream};
use crate::sim::tale::Tale;
use crate::sim::vault::{VAULT_DISK, Vault};
use crate::sim::version::Version;

/// The hub as a replica.
const HUB: ReplicaId = ReplicaId(0x4b);

impl World {
    /// A world in which nothing has happened.
    ///
    /// # Panics
    /// If the stores cannot be made: nothing fails yet.
    pub fn new(plan: Plan, in_words: bool) -> World {
        disk::register();
        Disk::clear();
        Disk::insert(HUB_DISK);
        Disk::insert(VAULT_DISK);
        let now: Now = Arc::new(AtomicI64::new(BEGINNING_MS));
        hubside::seed_ids(stream(plan.seed, 3).number());
        let offices = plan.options.offices as usize;
        let count = plan.options.pcs as usize;
        let habits = Habits::of(plan.seed);
        let pcs: Vec<Pc> = (0..count)
            .map(|at| {
                let office = at % offices;
                let member = Member {
                    replica: ReplicaId(at as u64 + 1),
                    office: office_code(office).parse().expect("a code"),
                    office_name: format!("Kantor {office}"),
                    prefix: Prefix::new(at as u32 + 1).expect("a prefix"),
                    hub_url: "https://pusat.example".to_owned(),
                    hub_replica: HUB,
                };
                let seed = stream(plan.seed, 10 + at as u64).number();
                let mut pc = Pc::new(office, member, key(at as u8 + 1), at as u64 + 1, SimClock::new(&now), seed);
                pc.pacing = habits.pacing;
                pc
            })
            .collect();
        let hub_key = key(200) as Arc<dyn Sign>;
        Version::Present.play(|| make_hub(&pcs));
        let mut hub = HubHost::new(Arc::new(SimClock::new(&now)), hub_key);
        pcs.iter().for_each(|pc| hub.issue(pc.replica(), pc.key.public_key()));
        hub.issue(ENEMY, key(201).public_key());
        hub.issue(COLLEAGUE, key(202).public_key());
        let shared = Shared::new(hub, Tale::new(in_words), plan.options);
        let mut world = World {
            model: Model::default(),
            offices,
            shared,
            now,
            files: Vec::new(),
            taken: BTreeSet::new(),
            perhaps_taken: BTreeSet::new(),
            twice: BTreeSet::new(),
            other_folder: BTreeSet::new(),
            sticks: Vec::new(),
            bundles: 0,
            hub_drafts: Vec::new(),
            vault: Vault::default(),
            put_away: BTreeSet::new(),
            saves: 0,
            faults: BTreeMap::new(),
            enemy_key: key(201),
            heads: BTreeMap::new(),
            contacts: 0,
            most_exchanges: 0,
            resumed_min: 0,
            habits,
            first_hub: Disk::at(HUB_DISK).borrow().image(),
            flips: BTreeMap::new(),
            reached: Reached::new(),
            down: Down::Kill,
            disks: count as u64,
            plan,
            pcs,
        };
        world.start_hub();
        let skew_ms = plan_skew_ms(&world.plan);
        for (at, ms) in skew_ms.into_iter().enumerate() {
            world.pcs[at].clock.set_offset(ms);
        }
        for at in 0..world.pcs.len() {
            world.start_pc(at);
        }
        world
    }
}

/// Code of an office.
pub fn office_code(place: usize) -> String {
    ["32.73.05.1001", "32.73.05.1002", "32.73.06.2001", "32.74.01.1001", "32.73.05.1009"][place % 5].to_owned()
}

/// A key that is the same in every run.
pub fn key(number: u8) -> Arc<SigningKey> {
    thread_local! {
        static KEYS: Mutex<BTreeMap<u8, Arc<SigningKey>>> = const { Mutex::new(BTreeMap::new()) };
    }
    KEYS.with(|keys| {
        let mut keys = keys.lock().expect("of one thread");
        Arc::clone(keys.entry(number).or_insert_with(|| Arc::new(made_key(number))))
    })
}

/// PKCS#8 of an Ed25519 key is a fixed beginning and 32 bytes.
fn made_key(number: u8) -> SigningKey {
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend([number; 32]);
    let mut text = String::new();
    for triple in der.chunks(3) {
        let word = triple.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - triple.len()));
        for place in 0..4 {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let symbol = alphabet[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= triple.len() { char::from(symbol) } else { '=' });
        }
    }
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    SigningKey::from_pem(pem).expect("a key of 32 bytes")
}

/// How far the clock of each PC is from the truth when everything begins.
fn plan_skew_ms(plan: &Plan) -> Vec<i64> {
    let most = plan.options.skew;
    let mut dice = stream(plan.seed, 6);
    (0..plan.options.pcs).map(|_| dice.below(2 * most * 1000 + 1) as i64 - (most * 1000) as i64).collect()
}

/// A hub that knows the PCs and the hostile devices.
fn make_hub(pcs: &[Pc]) {
    let mut store = SqliteStore::open_on(NAME, &Disk::path(HUB_DISK, STORE)).expect("a sound disk");
    let devices = pcs.iter().map(|pc| (pc.replica(), pc.office, pc.key.public_key(), pc.member.prefix.number()));
    let enemies = [(ENEMY, ENEMY_OFFICE, key(201).public_key(), 999), (COLLEAGUE, 0, key(202).public_key(), 998)];
    let made = transact_with(&mut store, |tx| {
        tx.put_hub(&HubIdentity { replica: HUB, name: "Pusat".to_owned(), created_ms: BEGINNING_MS })?;
        for (id, office, public_key, prefix) in devices.chain(enemies) {
            let code = office_code(office).parse().expect("a code");
            if tx.office(&code)?.is_none() {
                let name = format!("Kantor {office}");
                tx.put_office(&Office { code: code.clone(), name, added_ms: BEGINNING_MS, paused_ms: None })?;
            }
            tx.put_replica(&Replica {
                id,
                office: code,
                name: format!("PC {id}"),
                public_key,
                prefix,
                certificate: Certificate { serial: vec![1], from_ms: BEGINNING_MS, until_ms: i64::MAX },
                standing: Standing::Active,
                enrolled_ms: BEGINNING_MS,
                run_now: None,
                twin_seen_ms: None,
                holding: Holding::default(),
                last_contact: None,
            })?;
        }
        Ok::<_, kentongan_hub::store::StoreError>(())
    });
    made.expect("a sound disk");
}
