//! A bit flips on a disk at rest. What the medium changed must be noticed: a store that holds other ops than were written
//! does not open as if it were sound. Then people do what they are told to: a PC's folder is set aside and the PC joins
//! again, the hub is put back to its last backup; and what is then nowhere any more may be gone.

use kentongan_protocol::log::ChainHash;
use rusqlite::Connection;

use super::check::look;
use super::disk::{Disk, Image};
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
    /// What is inside the cells of an index, which a quick check passes over: noticed by whoever reads it.
    Index,
    /// Ops.
    Ops,
    /// Counts, marks and lists: nothing that a store opens with can tell these from right ones.
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
        let changed = flipped(disk, of_hub, dice);
        self.tell(|| format!("   a bit flips on disk {disk}: it changed {changed:?}"));
        *self.flips.entry(format!("{changed:?}")).or_insert(0) += 1;
        if of_hub {
            self.start_flipped_hub(changed);
        } else {
            self.start_flipped_pc(at, changed);
        }
    }

    fn start_flipped_hub(&mut self, changed: Changed) {
        let started = self.net().hub.start();
        match (started, changed) {
            (Ok(()), Changed::Tree | Changed::Ops) => self.broke("the hub opened a damaged store as if it were sound"),
            (Ok(()), _) => {}
            (Err(error), _) => {
                self.tell(|| format!("   the hub notices: {error}"));
                let newest = self.vault.copies().last().map(|newest| self.vault.image(*newest));
                self.put_hub_back(&newest.unwrap_or_else(|| self.first_hub.clone()));
            }
        }
    }

    fn start_flipped_pc(&mut self, at: usize, changed: Changed) {
        match (self.pcs[at].start(), changed) {
            (Ok(()), Changed::Tree | Changed::Ops) => {
                self.broke(format!("PC {at} opened a damaged store as if it were sound"));
            }
            (Ok(()), _) => self.check_saved(at),
            (Err(error), _) => {
                self.tell(|| format!("   PC {at} notices: {error:?}; its folder is set aside, and it joins again"));
                self.pcs[at].disk().borrow_mut().put_image(&Image::default());
                self.pcs[at].saved.clear();
                self.other_folder.insert(self.pcs[at].replica());
                self.excuse(&format!("the store of PC {at} was damaged"));
                self.start_pc(at);
            }
        }
    }
}

/// Flips a bit and says what it changed; one that nobody can notice is flipped back.
fn flipped(disk: u64, of_hub: bool, dice: &mut Dice) -> Changed {
    let before = contents(disk, of_hub);
    let len = Disk::at(disk).borrow().len_of(STORE) as u64;
    let (place, bit) = (dice.below(len.max(1)), dice.below(8) as u8);
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
    // The agent's store does not compare its ops with their hashes when it opens.
    let unnoticed = match changed {
        Changed::Nothing | Changed::Tree => false,
        Changed::Ops => !of_hub,
        Changed::Index | Changed::Notes => true,
    };
    if unnoticed {
        Disk::at(disk).borrow_mut().flip(STORE, place, bit);
    }
    if unnoticed && changed == Changed::Ops { Changed::Notes } else { changed }
}

/// What an opening looks at.
fn is_sound(disk: u64) -> bool {
    let said = look(disk).and_then(|db| db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)));
    said.is_ok_and(|said| said == "ok")
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
    let said: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    Ok(Contents { ops, rows: rows.then(said.as_bytes()), schema })
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
