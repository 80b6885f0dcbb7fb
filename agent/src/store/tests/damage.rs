//! Stores that were hit: whatever is flipped, cut off or exchanged, the store opens, says so, shows nothing wrong, and
//! has everything that was not hit.
//!
//! `KENTONGAN_FULL=1` flips 2,000 bits instead of a few; the figures are printed.

use std::fs;

use super::*;

const FILES: [&str; 4] = ["store.db", "store.db-wal", "store.db.clean", "store.mark"];

/// Random numbers that are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A folder as it lay on the disk, and what the store in it held.
struct Copy {
    files: Vec<(&'static str, Vec<u8>)>,
    own: BTreeMap<OpId, Vec<u8>>,
    shown: BTreeMap<String, String>,
}

impl Copy {
    fn of(pc: &Pc, store: &mut Store) -> Copy {
        let files = FILES.iter().filter_map(|name| Some((*name, fs::read(pc.folder.path().join(name)).ok()?)));
        Copy { files: files.collect(), own: own_ops(store), shown: shown(store) }
    }

    /// A fresh PC with this folder, but `change`d.
    fn put_back(&self, seed: u64, change: impl FnOnce(&mut BTreeMap<&'static str, Vec<u8>>)) -> Pc {
        let pc = Pc::new(seed);
        fs::create_dir(pc.folder.path().join("identity")).unwrap();
        let mut files: BTreeMap<_, _> = self.files.iter().cloned().collect();
        change(&mut files);
        for (name, bytes) in files {
            fs::write(pc.folder.path().join(name), bytes).unwrap();
        }
        mark::keep_member(&pc.folder.path().join("store.db"), &member());
        pc
    }

    /// Whether an op lies in these files wherever it lay before.
    fn is_untouched(&self, id: &OpId, files: &BTreeMap<&'static str, Vec<u8>>) -> bool {
        let bytes = &self.own[id];
        let count = |file: &Vec<u8>| file.windows(bytes.len()).filter(|window| *window == bytes).count();
        let before: usize = self.files.iter().map(|(_, file)| count(file)).sum();
        before == files.values().map(count).sum::<usize>()
    }
}

fn own_ops(store: &Store) -> BTreeMap<OpId, Vec<u8>> {
    let mut select = store
        .db
        .prepare("SELECT op.id, op.bytes FROM op JOIN log ON log.n = op.id >> 40 WHERE log.own = 1 AND aside <> 2")
        .unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(|row| row.map(|(key, bytes)| (super::super::pack::op_id(&store.db, key).unwrap(), bytes)).unwrap())
        .collect()
}

/// Everything that people see of the records, in one text each.
fn shown(store: &mut Store) -> BTreeMap<String, String> {
    let all = QueueFilter { state: None, form: None, limit: u32::MAX };
    let items = store.queue(&all).unwrap();
    let mut shown = BTreeMap::new();
    for item in items {
        let entry = store.entry(item.record).unwrap();
        let text = format!("{:?} {:?} {} {:?}", item.code, item.form, item.own, entry.record);
        shown.insert(item.record.to_string(), text);
    }
    shown
}

/// Opens the store and looks at all of it, as the service does.
fn opened_and_checked(pc: &mut Pc) -> Store {
    let mut store = pc.start();
    if let Err(error) = store.scrub_whole() {
        assert!(error.is_damage(), "{}", repair::reason(&error));
        store.repair(&error).unwrap();
        store.scrub_whole().unwrap();
    }
    store
}

fn long(n: u64) -> String {
    format!("Aduan nomor {n}: ").repeat(1 + (n as usize * 7) % 40)
}

/// A PC with three runs of entries and edits, answers of the hub, marks, and rows of a file.
fn busy(seed: u64) -> (Pc, Store) {
    let mut pc = Pc::new(seed);
    let mut records = Vec::new();
    for run in 0..3 {
        let mut store = pc.start();
        for n in 0..14 {
            records.push(store.enter(&complaint(&long(run * 14 + n))).unwrap().record);
        }
        let edited = records[records.len() - 3];
        let (group, values) =
            change(edited, "kategori", "informasi", vec![]).writes.pop().map(|w| (w.group, w.values)).unwrap();
        let edit = Edit { record: edited, author: "sari".into(), writes: vec![(group, values, vec![edited.0])] };
        store.edit(&edit).unwrap();
        if run == 0 {
            let stored = all_stored(&mut store);
            store.apply(Event::Marks(stored), Some(10)).unwrap();
            let row = ImportRow { name: [9; 32], source: Some([8; 32]), record: complaint("baris berkas") };
            store.take(vec![row]).unwrap();
            let answers: Vec<Op> =
                records.iter().take(5).map(|record| change(*record, "jawaban", "Loket ditambah", vec![])).collect();
            store.apply(Event::Feed(page(&hub_log(70), &answers, 1)), Some(10)).unwrap();
        }
        match run {
            2 => return (pc, store),
            1 => store.close().unwrap(),
            _ => drop(store),
        }
        pc.clock.pass(3_600_000);
    }
    unreachable!("the third run returns")
}

/// A busy PC that was stopped well, and one that was killed with its last entries in the write-ahead log only.
fn stopped_and_killed() -> [Copy; 2] {
    let (pc, mut store) = busy(1);
    let killed = Copy::of(&pc, &mut store);
    store.close().unwrap();
    let mut closed = Copy::of(&pc, &mut Pc::new(2).start());
    (closed.own, closed.shown) = (killed.own.clone(), killed.shown.clone());
    assert!(killed.files.iter().any(|(name, bytes)| *name == "store.db-wal" && bytes.len() > 50_000));
    [closed, killed]
}

#[test]
fn any_flipped_bit_is_told_or_changes_nothing_and_nothing_else_is_lost() {
    let flips = if std::env::var_os("KENTONGAN_FULL").is_some() { 1_000 } else { 12 };
    let mut dice = Dice(20_261_121);
    let (mut told, mut lost, mut at_start) = (0, 0, 0);
    for copy in stopped_and_killed() {
        for flip in 0..flips {
            let mut hit = BTreeMap::new();
            let mut what = String::new();
            let mut pc = copy.put_back(100 + flip, |files| {
                let sizes: Vec<_> = files
                    .iter()
                    .filter(|(name, _)| name.starts_with("store.db"))
                    .map(|(name, bytes)| (*name, bytes.len() as u64 * 8))
                    .collect();
                let mut bit = dice.below(sizes.iter().map(|(_, bits)| bits).sum());
                for (name, bits) in sizes {
                    if bit < bits {
                        files.get_mut(name).unwrap()[(bit / 8) as usize] ^= 1 << (bit % 8);
                        what = format!("{name} byte {} bit {}", bit / 8, bit % 8);
                        break;
                    }
                    bit -= bits;
                }
                hit = files.clone();
            });
            let mut store = pc.start();
            at_start += u64::from(store.mishap().unwrap().is_some());
            drop(store);
            store = opened_and_checked(&mut pc);
            let (own, shown) = (own_ops(&store), shown(&mut store));
            for (id, bytes) in &own {
                assert_eq!(copy.own.get(id), Some(bytes), "{what}: a wrong op");
            }
            let missing: Vec<_> = copy.own.keys().filter(|id| !own.contains_key(id)).collect();
            for id in &missing {
                assert!(!copy.is_untouched(id, &hit) || missing.len() == 1, "{what}: {id} was not hit and is lost");
            }
            lost += missing.len();
            match store.mishap().unwrap() {
                Some(mishap) => {
                    told += 1;
                    assert_eq!(mishap.lost_ops, missing.len() as u64, "{what}");
                }
                None => assert_eq!(shown, copy.shown, "{what}: changed and not told"),
            }
            assert_eq!(store.member(), Some(&member()), "{what}");
            assert!(store.enter(&complaint("sesudahnya")).is_ok(), "{what}");
        }
    }
    println!(
        "{} flipped bits: {told} told ({at_start} at the start already), {lost} ops lost, none wrong, none else missing",
        2 * flips
    );
    assert!(told > flips / 2, "a good part of a store is worth noticing");
}

#[test]
fn a_database_that_ends_early_keeps_what_is_left() {
    let [closed, killed] = stopped_and_killed();
    for copy in [&closed, &killed] {
        let pages = copy.files[0].1.len() / 4096;
        for kept in (0..pages).step_by(if std::env::var_os("KENTONGAN_FULL").is_some() { 1 } else { 5 }) {
            let mut hit = BTreeMap::new();
            let mut pc = copy.put_back(50, |files| {
                files.get_mut("store.db").unwrap().truncate(kept * 4096 + 77);
                hit = files.clone();
            });
            let mut store = opened_and_checked(&mut pc);
            let own = own_ops(&store);
            for id in copy.own.keys().filter(|id| !own.contains_key(id)) {
                assert!(!copy.is_untouched(id, &hit), "{kept} pages: {id} was there");
            }
            assert!(own.iter().all(|(id, bytes)| copy.own[id] == *bytes));
            let mishap = store.mishap().unwrap();
            let told = mishap.map_or(0, |mishap| mishap.lost_ops);
            assert_eq!(told, (copy.own.len() - own.len()) as u64, "{kept} pages");
            shown(&mut store);
        }
    }
}

#[test]
fn a_page_of_zeros_costs_only_what_was_on_it() {
    let [closed, _] = stopped_and_killed();
    for page in 0..closed.files[0].1.len() / 4096 {
        let mut hit = BTreeMap::new();
        let mut pc = closed.put_back(60, |files| {
            files.get_mut("store.db").unwrap()[page * 4096..][..4096].fill(0);
            hit = files.clone();
        });
        let mut store = opened_and_checked(&mut pc);
        let own = own_ops(&store);
        for id in closed.own.keys().filter(|id| !own.contains_key(id)) {
            assert!(!closed.is_untouched(id, &hit), "page {page}: {id} was there");
        }
        let told = store.mishap().unwrap();
        assert!(told.is_some() || shown(&mut store) == closed.shown, "page {page}");
        assert_eq!(told.map_or(0, |mishap| mishap.lost_ops), (closed.own.len() - own.len()) as u64, "page {page}");
    }
}

#[test]
fn a_deleted_write_ahead_log_and_a_lone_database_are_noticed_by_the_mark() {
    let [_, killed] = stopped_and_killed();
    let mut pc = killed.put_back(70, |files| drop(files.remove("store.db-wal")));
    let mut store = opened_and_checked(&mut pc);
    let missing = killed.own.len() as u64 - own_ops(&store).len() as u64;
    let mishap = store.mishap().unwrap().expect("it is told");
    assert_eq!(mishap.lost_ops, missing);
    assert!(missing > 0);
    // Told once, and the next start has nothing new to tell.
    store.enter(&complaint("sesudahnya")).unwrap();
    let at_ms = mishap.at_ms;
    pc.clock.pass(5_000);
    assert_eq!(pc.start().mishap().unwrap().unwrap().at_ms, at_ms);
}

#[test]
fn a_write_ahead_log_cut_anywhere_keeps_everything_before_the_cut() {
    let [_, killed] = stopped_and_killed();
    let bytes = killed.files.iter().find(|(name, _)| *name == "store.db-wal").unwrap().1.len();
    for cut in (0..bytes).step_by(bytes / 12) {
        let mut pc = killed.put_back(80, |files| files.get_mut("store.db-wal").unwrap().truncate(cut));
        let mut store = opened_and_checked(&mut pc);
        let own = own_ops(&store);
        assert!(own.iter().all(|(id, bytes)| killed.own[id] == *bytes), "cut at {cut}");
        let missing = (killed.own.len() - own.len()) as u64;
        assert_eq!(store.mishap().unwrap().map_or(0, |mishap| mishap.lost_ops), missing, "cut at {cut}");
        shown(&mut store);
    }
}

#[test]
fn garbage_and_files_of_others_are_set_aside_and_who_this_is_stays() {
    let [closed, killed] = stopped_and_killed();
    let mut other = Pc::new(90);
    let mut store = Store::open(&other.folder.path().join("store.db"), other.machine()).unwrap();
    store.join(&Member { replica: ReplicaId(77), office: "33.01".parse().unwrap(), ..member() }).unwrap();
    for n in 0..30 {
        store.enter(&complaint(&long(n))).unwrap();
    }
    let foreign_wal = fs::read(other.folder.path().join("store.db-wal")).unwrap();
    drop(store);

    let mut pc = closed.put_back(91, |files| drop(files.insert("store.db-wal", foreign_wal.clone())));
    let mut store = opened_and_checked(&mut pc);
    assert_eq!(own_ops(&store), closed.own);
    assert_eq!(shown(&mut store), closed.shown, "nothing of the other store");
    assert!(store.mishap().unwrap().is_some());

    let mut dice = Dice(5);
    let garbage: Vec<u8> = (0..50_000).map(|_| dice.below(256) as u8).collect();
    let mut pc = killed.put_back(92, |files| drop(files.insert("store.db", garbage.clone())));
    let mut store = opened_and_checked(&mut pc);
    assert!(own_ops(&store).iter().all(|(id, bytes)| killed.own[id] == *bytes));
    assert!(!own_ops(&store).is_empty(), "the write-ahead log is read");
    assert_eq!(store.member(), Some(&member()));
    let aside = store.mishap().unwrap().unwrap().aside;
    assert_eq!(fs::read(pc.folder.path().join(aside).join("store.db")).unwrap(), garbage);
    store.enter(&complaint("sesudahnya")).unwrap();

    let mut pc = closed.put_back(93, |files| drop(files.remove("store.db")));
    let store = opened_and_checked(&mut pc);
    assert_eq!(store.member(), Some(&member()));
    assert_eq!(store.mishap().unwrap().unwrap().lost_ops, closed.own.len() as u64);
}

#[test]
fn a_log_keeps_its_name_though_its_head_was_hit() {
    let mut pc = Pc::new(230);
    let mut store = pc.start();
    for n in 0..5 {
        store.enter(&complaint(&long(n))).unwrap();
    }
    let own = own_ops(&store);
    let head: Vec<u8> = store.db.query_row("SELECT head FROM log", [], |row| row.get(0)).unwrap();
    store.close().unwrap();
    let path = pc.folder.path().join("store.db");
    let file = fs::read(&path).unwrap();
    let at = file.windows(head.len()).position(|window| window == head).unwrap();
    for bit in (0..head.len() * 8).step_by(5) {
        let mut hit = file.clone();
        hit[at + bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, hit).unwrap();
        pc.clock.pass(2_000);
        assert_eq!(own_ops(&opened_and_checked(&mut pc)), own, "bit {bit} of the head");
    }
}

#[test]
fn a_damaged_op_is_neither_shown_nor_sent() {
    let mut pc = Pc::new(210);
    let mut store = pc.start();
    let entered = store.enter(&complaint("JALAN-RUSAK")).unwrap();
    store.db.execute("UPDATE op SET bytes = CAST(replace(CAST(bytes AS TEXT), 'x', 'x') AS BLOB)", []).unwrap();
    let bytes: Vec<u8> = store.db.query_row("SELECT bytes FROM op", [], |row| row.get(0)).unwrap();
    let mut hit = bytes.clone();
    *hit.last_mut().unwrap() ^= 1;
    store.db.execute("UPDATE op SET bytes = ?", [hit]).unwrap();
    assert!(store.entry(entered.record).is_err_and(|error| error.is_damage()));
    let open = store.opening(&HEALTH(), 1).unwrap().open.remove(0);
    let key = SigningKey::generate().unwrap();
    assert!(store.outbox(&key).ops(open.head.log(), 1, 1 << 20).is_err_and(|error| error.is_damage()));
}

#[test]
fn a_repair_that_the_power_interrupted_is_ended_by_the_next_start() {
    let [closed, _] = stopped_and_killed();
    let pc = closed.put_back(220, |files| files.get_mut("store.db").unwrap()[..100].fill(0));
    let path = pc.folder.path().join("store.db");
    // As far as the new store is whole and the damaged one has just left.
    let mut built = closed.put_back(221, |_| {});
    built.start().close().unwrap();
    fs::copy(built.folder.path().join("store.db"), pc.folder.path().join("store.db.salvaged")).unwrap();
    let aside = pc.folder.path().join("store.damaged-20261121T070000Z");
    fs::create_dir(&aside).unwrap();
    fs::write(pc.folder.path().join("store.db-wal"), "sisa").unwrap();
    let damaged = fs::read(&path).unwrap();
    let mut pc = pc;
    let store = pc.start();
    assert_eq!(own_ops(&store), closed.own);
    assert_eq!(fs::read(aside.join("store.db")).unwrap(), damaged);
    assert!(aside.join("store.db-wal").exists());
}
