//! A bit flips on a disk at rest. What the medium changed must be noticed: a store that holds other ops than were written
//! is not taken for sound. A PC then goes on with everything that is readable, in a new store; the hub is put back to its
//! last backup, as its operators are told; and what is then nowhere any more may be gone.

use std::collections::{BTreeMap, BTreeSet};

use kentongan_host::sqlite::{Closely, fault};
use kentongan_protocol::ids::{LogId, OpId};
use kentongan_protocol::log::ChainHash;
use kentongan_protocol::op::{Op, origin};
use rusqlite::Connection;

use super::check::look;
use super::disk::{Disk, Image};
use super::files::files_at_pc;
use super::hubside::{HUB_DISK, STORE};
use super::world::World;
use crate::Dice;

/// What a flip changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changed {
    /// Nothing that anybody reads.
    Nothing,
    /// The tree: pages, cells, indexes, and the text of the schema.
    Tree,
    /// What is inside the cells of an index, which a quick check passes over: noticed by whoever looks at everything.
    Index,
    /// Ops.
    Ops,
    /// Counts, marks and lists: some of them nobody can tell from right ones.
    Notes,
}

/// Hashes of a store.
#[derive(PartialEq)]
struct Contents {
    /// Of its ops.
    ops: ChainHash,
    /// Of all its rows.
    rows: ChainHash,
    /// Of the text of its schema.
    schema: ChainHash,
}

impl World {
    /// A bit flips on the disk of a PC or of the hub while the machine is off.
    pub fn flip(&mut self, at: usize, dice: &mut Dice) {
        let of_hub = dice.percent(40);
        let disk = if of_hub { HUB_DISK } else { self.pcs[at].disk };
        if Disk::at(disk).borrow().has_trouble() || Disk::at(disk).borrow().len_of(STORE) == 0 {
            return;
        }
        if of_hub {
            self.net().hub.end();
        } else {
            self.pcs[at].end();
        }
        let before = Disk::at(disk).borrow().image();
        let changed = flipped(disk, of_hub, dice);
        self.tell(|| format!("   a bit flips on disk {disk}: it changed {changed:?}"));
        *self.flips.entry(format!("{changed:?}")).or_insert(0) += 1;
        if of_hub {
            self.start_flipped_hub(changed);
        } else {
            self.start_flipped_pc(at, &before, changed);
        }
    }

    fn start_flipped_hub(&mut self, changed: Changed) {
        let started = self.net().hub.start();
        match (started, changed) {
            (Ok(()), Changed::Tree | Changed::Ops) => self.broke("the hub opened a damaged store as if it were sound"),
            (Ok(()), _) => {}
            (Err(error), _) => {
                self.tell(|| format!("   the hub notices: {error}"));
                let newest = self.vault.copies().last().copied();
                let image = newest.map(|newest| self.vault.image(newest));
                self.put_hub_back(&image.unwrap_or_else(|| self.first_hub.clone()));
                self.vault.put_back(newest.unwrap_or(0));
            }
        }
    }

    /// The service looks at all of its store while it has nothing else to do; here it does so at once.
    fn start_flipped_pc(&mut self, at: usize, before: &Image, changed: Changed) {
        let held = held_in(self.pcs[at].disk, before);
        let damaged = self.pcs[at].disk().borrow().image();
        let started = self.pcs[at].start().and_then(|()| self.at_pc(at, kentongan_agent::store::Store::scrub_whole));
        match (started, changed) {
            (Ok(()), Changed::Nothing) => self.check_saved(at),
            // What the hub says of itself and of the way: nothing here can tell whether it is right.
            (Ok(()), Changed::Notes) => {
                self.pcs[at].end();
                self.pcs[at].disk().borrow_mut().put_image(before);
                self.start_pc(at);
            }
            (Ok(()), _) => self.broke(format!("PC {at} looked at a damaged store and found it sound")),
            (Err(error), _) => {
                self.pcs[at].end();
                self.tell(|| format!("   PC {at} notices: {error:?}; what is readable goes on in a new store"));
                self.salvage(at, &held, before, &damaged);
            }
        }
    }

    /// Everything readable is kept, nothing else, and what is lost is told.
    fn salvage(&mut self, at: usize, held: &Held, before: &Image, damaged: &Image) {
        let salvaged = match self.pcs[at].start_on_remains(damaged, held.saved) {
            Ok(salvaged) => salvaged,
            Err(error) => return self.broke(format!("PC {at} cannot salvage its store on a sound disk: {error:?}")),
        };
        self.tell(|| format!("   {salvaged:?}"));
        *self.flips.entry("Salvaged".to_owned()).or_insert(0) += 1;
        let Ok(kept) = Held::on(self.pcs[at].disk) else { return self.broke("a salvaged store cannot be read") };
        // What was put away may still be readable where it stood: then it is here again, as it was written.
        let replica = self.pcs[at].replica();
        let put_away = |id: &OpId, op: &HeldOp| {
            let record = Op::decode(&op.bytes).map(|op| op.record(*id));
            !held.ops.contains_key(id)
                && !op.own
                && record.is_ok_and(|record| self.put_away.contains(&(replica, record)))
        };
        // What was entered again counts again if nothing else stands for it any more, and only then.
        let origins = kept.origins();
        let recalled = |id: &OpId| held.ops.get(id).is_some_and(|op| op.own && op.retired && !origins.contains(id));
        let as_written = |(id, op): (&OpId, &HeldOp)| {
            held.ops.get(id).is_some_and(|was| {
                (&was.bytes, was.own, was.retired && !recalled(id)) == (&op.bytes, op.own, op.retired)
            })
        };
        let foreign = |(id, op): &(&OpId, &HeldOp)| !as_written((id, op)) && !put_away(id, op);
        if let Some((id, _)) = kept.ops.iter().find(foreign) {
            let id = *id;
            self.broke(format!("PC {at} salvaged {id}, which is not what was written"));
        }
        let missing = held.ops.iter().filter(|(id, op)| op.own && !op.retired && !kept.ops.contains_key(id));
        let missing: Vec<_> = missing.collect();
        // The row of one op may be hit where its bytes are not. A log that the hub gave back has its name from its head alone:
        // without that, the hub gives it back once more.
        let is_whole = |bytes: &[u8]| count(before, bytes) == count(damaged, bytes);
        let has_name = |id: &OpId| held.heads.get(&id.log).is_some_and(|head| is_whole(head));
        let whole = |id: &OpId, op: &HeldOp| has_name(id) && is_whole(&op.bytes);
        if let Some((id, _)) = missing.iter().find(|(id, op)| missing.len() > 1 && whole(id, op)) {
            self.broke(format!("PC {at} lost {id}, which was not hit"));
        }
        // What was lost and told before is still missing, and what was entered again may be hit where it stood first: who
        // looks at the rest cannot always tell them apart.
        let lost = missing.len() as u64;
        let retired = held.ops.iter().filter(|(id, op)| op.own && op.retired && !kept.ops.contains_key(id));
        let covered = missing.iter().filter(|(_, op)| origin(&op.bytes).is_some_and(|origin| recalled(&origin)));
        let told_least = lost - covered.count() as u64;
        if !(told_least..=lost + held.gaps() + retired.count() as u64).contains(&salvaged.lost_ops) {
            self.broke(format!("PC {at} lost {lost} changes and says {}", salvaged.lost_ops));
        }
        self.note_salvaged(at, &kept);
    }

    /// What is known of a PC whose store was salvaged. Changes behind a lost one are entered again under other names.
    fn note_salvaged(&mut self, at: usize, kept: &Held) {
        let pc = &mut self.pcs[at];
        pc.saved.retain(|log, _| kept.logs.contains_key(log));
        pc.saved.iter_mut().for_each(|(log, saved)| *saved = (*saved).min(kept.logs[log]));
        let files = files_at_pc(pc.disk).unwrap_or_default();
        pc.files.retain(|hash| files.contains_key(hash));
        self.other_folder.insert(self.pcs[at].replica());
        self.excuse(&format!("the store of PC {at} was damaged"));
        let renamed: Vec<_> = kept.strays().filter_map(|id| Some(self.model.ops.get(&id)?.record)).collect();
        renamed.into_iter().for_each(|record| self.model.set_aside(record));
        self.check_saved(at);
    }
}

/// What a PC's store holds.
#[derive(Debug, Default)]
struct Held {
    ops: BTreeMap<OpId, HeldOp>,
    /// How far without gap.
    logs: BTreeMap<LogId, u64>,
    /// Their heads, as they are stored.
    heads: BTreeMap<LogId, Vec<u8>>,
    /// As the mark beside a store counts its own ops.
    saved: u64,
}

#[derive(Debug)]
struct HeldOp {
    bytes: Vec<u8>,
    own: bool,
    /// It was entered again, and counts no more.
    retired: bool,
    /// It waits for a lost one, or for the one that it was entered as.
    stray: bool,
}

impl Held {
    fn on(disk: u64) -> rusqlite::Result<Held> {
        let db = look(disk)?;
        let mut held = Held::default();
        let mut select = db.prepare("SELECT log, held, head FROM log JOIN log_name USING (n)")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let log = LogId::from_bytes(row.get(0)?);
            held.logs.insert(log, row.get::<_, i64>(1)? as u64);
            held.heads.insert(log, row.get(2)?);
        }
        let mut select = db.prepare(
            "SELECT log_name.log, op.id & 1099511627775, bytes, own, aside = 2, op.id IN (SELECT op FROM stray) FROM op \
             JOIN log ON log.n = op.id >> 40 JOIN log_name ON log_name.n = log.n",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let id = OpId { log: LogId::from_bytes(row.get(0)?), seq: row.get::<_, i64>(1)? as u64 };
            let op = HeldOp { bytes: row.get(2)?, own: row.get(3)?, retired: row.get(4)?, stray: row.get(5)? };
            held.ops.insert(id, op);
        }
        let saved = "SELECT coalesce(sum(held), 0) + (SELECT count(*) FROM stray) FROM log WHERE own = 1";
        held.saved = db.query_row(saved, [], |row| row.get::<_, i64>(0))? as u64;
        Ok(held)
    }

    /// Own ops that were lost before, and of which there are later ones.
    fn gaps(&self) -> u64 {
        let mut logs: BTreeMap<LogId, (u64, u64)> = BTreeMap::new();
        for id in self.ops.iter().filter(|(_, op)| op.own).map(|(id, _)| id) {
            let (last, count) = logs.entry(id.log).or_default();
            (*last, *count) = ((*last).max(id.seq), *count + 1);
        }
        logs.values().map(|(last, count)| last - count).sum()
    }

    /// Own ops that wait for a lost one.
    fn strays(&self) -> impl Iterator<Item = OpId> {
        self.ops.iter().filter(|(_, op)| op.stray).map(|(id, _)| *id)
    }

    /// The ops that own ones stand for.
    fn origins(&self) -> BTreeSet<OpId> {
        self.ops.values().filter(|op| op.own).filter_map(|op| origin(&op.bytes)).collect()
    }
}

/// What the store in a copy of a disk holds; the disk is as it was afterwards.
fn held_in(disk: u64, image: &Image) -> Held {
    let now = Disk::at(disk).borrow().image();
    Disk::at(disk).borrow_mut().put_image(image);
    let held = Held::on(disk).expect("it was sound");
    Disk::at(disk).borrow_mut().put_image(&now);
    held
}

/// How often these bytes lie in a copy of a disk.
fn count(image: &Image, bytes: &[u8]) -> usize {
    let files = [STORE.to_owned(), format!("{STORE}-wal")].map(|name| image.file(&name).unwrap_or_default().to_vec());
    files.iter().map(|file| file.windows(bytes.len().max(1)).filter(|window| *window == bytes).count()).sum()
}

/// Flips a bit and says what it changed; one that the hub cannot notice is flipped back.
fn flipped(disk: u64, of_hub: bool, dice: &mut Dice) -> Changed {
    let before = contents(disk, of_hub);
    let len = Disk::at(disk).borrow().len_of(STORE) as u64;
    let (mut place, bit) = (dice.below(len.max(1)), dice.below(8) as u8);
    if !of_hub && dice.percent(50) {
        place = place_of_an_op(disk, dice).unwrap_or(place);
    }
    Disk::at(disk).borrow_mut().flip(STORE, place, bit);
    let changed = match (before, contents(disk, of_hub)) {
        _ if !is_sound(disk) => Changed::Tree,
        (Ok(before), Ok(after)) if before == after => Changed::Nothing,
        // A column of another name: the rows are what they were.
        (Ok(before), Ok(after)) if before.schema != after.schema => Changed::Tree,
        (Ok(before), Ok(after)) if before.ops == after.ops => Changed::Notes,
        (Ok(_), Ok(_)) => Changed::Ops,
        _ => Changed::Index,
    };
    // An agent looks at everything, sooner or later; a hub at what it opens with.
    if of_hub && matches!(changed, Changed::Index | Changed::Notes) {
        Disk::at(disk).borrow_mut().flip(STORE, place, bit);
    }
    changed
}

/// Where some op lies in a PC's store: most of what people entered is in the middle of a log, most of the file is not.
fn place_of_an_op(disk: u64, dice: &mut Dice) -> Option<u64> {
    let held = Held::on(disk).ok()?;
    let ops: Vec<&HeldOp> = held.ops.values().filter(|op| op.own).collect();
    let op = ops.get(dice.below(ops.len().max(1) as u64) as usize)?;
    let image = Disk::at(disk).borrow().image();
    let begin = image.file(STORE)?.windows(op.bytes.len()).position(|window| window == op.bytes)?;
    Some(begin as u64 + dice.below(op.bytes.len() as u64))
}

/// What an opening looks at.
fn is_sound(disk: u64) -> bool {
    look(disk).and_then(|db| fault(&db, Closely::Quick)).is_ok_and(|found| found.is_none())
}

fn contents(disk: u64, of_hub: bool) -> rusqlite::Result<Contents> {
    let db = look(disk)?;
    let schema = hash_of(
        &db,
        "SELECT name, type, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )?;
    let ops = if of_hub { "SELECT log, seq, bytes FROM ops" } else { "SELECT id, bytes FROM op" };
    let ops = hash_of(&db, ops)?;
    let mut rows = ops;
    let tables: Vec<String> = {
        let mut select = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
        select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?
    };
    for table in tables {
        rows = rows.then(&hash_of(&db, &format!("SELECT * FROM \"{table}\""))?.0);
    }
    // Indexes hold what tables hold, or else the tree is damaged in a way that only a whole check finds.
    let found = fault(&db, Closely::Whole)?.unwrap_or_default();
    Ok(Contents { ops, rows: rows.then(found.as_bytes()), schema })
}

fn hash_of(db: &Connection, sql: &str) -> rusqlite::Result<ChainHash> {
    let mut select = db.prepare(sql)?;
    let columns = select.column_count();
    let mut rows = select.query([])?;
    let mut hash = ChainHash([0; 32]);
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            hash = hash.then(format!("{:?}", row.get_ref(column)?).as_bytes());
        }
    }
    Ok(hash)
}
