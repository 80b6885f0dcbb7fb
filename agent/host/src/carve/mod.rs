//! Reading what is left of a damaged SQLite file, without SQLite.
//!
//! SQLite finds a row by walking down from the root of its table; one bad byte on the way hides thousands of good rows.
//! Here nothing is walked: every byte of every page, in the file and in its write-ahead log, is looked at as the possible
//! beginning of a row of one of the shapes that are wanted. What looks like a row is handed out with its place; whether
//! it is one, and the right one, is for the caller to prove (ours carry sums and running hashes).
//!
//! ```text
//!   store.db      page page page page …          the newest page image of a number: the last one that the
//!   store.db-wal  frame(page) frame(page) …      write-ahead log committed, else that of the file
//!
//!   cell in a table:   size, row id, header(len, type, type, …), values      long values go on on overflow pages
//!   cell in an index:  size,         header(len, type, type, …), values
//! ```
//!
//! `row.rs` has the words for what is wanted and found, `cell.rs` the bytes of a row, `medium.rs` those of the files.
//!
//! Nothing is written, and nothing is held but the row under way: the caller keeps places and asks again.

mod cell;
mod medium;
mod row;

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use self::cell::{Cell, cell_of, listed, start_at, value};
use self::medium::{FRAME_HEADER_BYTES, WAL_HEADER_BYTES, page_bytes_of_db, page_bytes_of_wal, read_at};
pub use self::row::{Kind, Row, Shape, Value};

/// Where a row begins. Later places are newer: the file comes before its write-ahead log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    in_wal: bool,
    at: u64,
    shape: usize,
    current: bool,
}

impl Place {
    /// Whether it is in the write-ahead log.
    pub fn in_wal(self) -> bool {
        self.in_wal
    }

    /// Whether its page lists it, in the newest image of that page: it is no leftover of a row that was changed or moved.
    pub fn is_current(self) -> bool {
        self.current
    }
}

/// What is left of a database: its file, and its write-ahead log if there is one.
#[derive(Debug)]
pub struct Remains<R> {
    db: R,
    wal: Option<R>,
    page_bytes: u64,
    db_pages: u64,
    /// Where the pages of the write-ahead log lie that may count.
    frames: Vec<u64>,
    /// The last of them for each page number.
    newest: BTreeMap<u64, u64>,
    shapes: &'static [Shape],
}

impl<R: Read + Seek> Remains<R> {
    /// Of these files, looking for rows of these shapes.
    ///
    /// # Errors
    /// The length of a file cannot be found out. What cannot be read later is taken as zeros.
    pub fn of(mut db: R, mut wal: Option<R>, shapes: &'static [Shape]) -> io::Result<Remains<R>> {
        let mut header = [0; 100];
        read_at(&mut db, 0, &mut header);
        let mut wal_header = [0; WAL_HEADER_BYTES as usize];
        if let Some(wal) = &mut wal {
            read_at(wal, 0, &mut wal_header);
        }
        let page_bytes = page_bytes_of_db(&header).or(page_bytes_of_wal(&wal_header)).unwrap_or(4096);
        let db_pages = db.seek(SeekFrom::End(0))?.div_ceil(page_bytes);
        let mut remains =
            Remains { db, wal, page_bytes, db_pages, frames: Vec::new(), newest: BTreeMap::new(), shapes };
        remains.find_frames(&wal_header)?;
        Ok(remains)
    }

    /// Leaves the write-ahead log out: it is that of another database.
    pub fn without_wal(&mut self) {
        self.wal = None;
        self.frames.clear();
        self.newest.clear();
    }

    /// Goes through everything that looks like a row: its place, and the number of its shape.
    pub fn each(&mut self, mut found: impl FnMut(Place, usize, Row)) {
        for page in 0..self.db_pages {
            self.search(false, page * self.page_bytes, &mut found);
        }
        for frame in self.frames.clone() {
            self.search(true, frame, &mut found);
        }
    }

    /// The row at a place that was given out.
    pub fn row(&mut self, place: Place) -> Option<Row> {
        let begin = match place.in_wal {
            false => place.at / self.page_bytes * self.page_bytes,
            true => *self.frames.iter().rfind(|frame| **frame <= place.at)?,
        };
        let page = self.page(place.in_wal, begin);
        let shape = *self.shapes.get(place.shape)?;
        let start = start_at(&page, usize::try_from(place.at - begin).ok()?, shape.row_ids)?;
        let cell = cell_of(&page, &start, &shape)?;
        self.whole_row(&page, &cell)
    }

    fn search(&mut self, in_wal: bool, begin: u64, found: &mut impl FnMut(Place, usize, Row)) {
        let page = self.page(in_wal, begin);
        let number = begin / self.page_bytes + 1;
        let newest = match in_wal {
            true => self.newest.values().any(|at| *at == begin),
            false => !self.newest.contains_key(&number),
        };
        let listed = if newest { listed(&page, !in_wal && begin == 0) } else { Vec::new() };
        for at in 0..page.len() {
            // Most bytes begin no row of any shape; these are told by a look at the size and the header's length.
            for row_ids in [true, false] {
                let Some(start) = start_at(&page, at, row_ids) else { continue };
                for (number, shape) in self.shapes.iter().enumerate() {
                    if shape.row_ids == row_ids
                        && let Some(cell) = cell_of(&page, &start, shape)
                        && let Some(row) = self.whole_row(&page, &cell)
                    {
                        let current = listed.binary_search(&at).is_ok();
                        found(Place { in_wal, at: begin + at as u64, shape: number, current }, number, row);
                    }
                }
            }
        }
    }

    /// A page, with zeros for what cannot be read.
    fn page(&mut self, in_wal: bool, at: u64) -> Vec<u8> {
        let mut page = vec![0; self.page_bytes as usize];
        match (in_wal, &mut self.wal) {
            (false, _) => read_at(&mut self.db, at, &mut page),
            (true, Some(wal)) => read_at(wal, at, &mut page),
            (true, None) => {}
        }
        page
    }

    /// The pages that belong to the present life of the write-ahead log: those with the salts of its header, up to the
    /// last that ends a transaction. Sums are not asked for; a damaged frame is to hide itself only.
    fn find_frames(&mut self, header: &[u8; WAL_HEADER_BYTES as usize]) -> io::Result<()> {
        let Some(wal) = &mut self.wal else { return Ok(()) };
        let bytes = wal.seek(SeekFrom::End(0))?;
        let step = FRAME_HEADER_BYTES + self.page_bytes;
        let count = bytes.saturating_sub(WAL_HEADER_BYTES) / step;
        let mut frames = Vec::new();
        for frame in 0..count {
            let at = WAL_HEADER_BYTES + frame * step;
            let mut head = [0; FRAME_HEADER_BYTES as usize];
            read_at(wal, at, &mut head);
            let word = |n: usize| u64::from(u32::from_be_bytes([head[n], head[n + 1], head[n + 2], head[n + 3]]));
            frames.push((word(0), word(4) != 0, (word(8), word(12)), at + FRAME_HEADER_BYTES));
        }
        let word = |n: usize| u64::from(u32::from_be_bytes([header[n], header[n + 1], header[n + 2], header[n + 3]]));
        let mut salts = (word(16), word(20));
        if !frames.iter().any(|frame| frame.2 == salts) {
            // The header is damaged: the first frame is of the present life, whatever came after it.
            salts = frames.first().map_or(salts, |frame| frame.2);
        }
        let end = frames.iter().rposition(|(_, commits, of, _)| *commits && *of == salts).map_or(0, |last| last + 1);
        for (page, _, of, at) in frames.into_iter().take(end) {
            if of == salts {
                self.newest.insert(page, at);
            }
            self.frames.push(at);
        }
        Ok(())
    }

    fn whole_row(&mut self, page: &[u8], cell: &Cell) -> Option<Row> {
        let mut payload = page.get(cell.payload.clone())?.to_vec();
        let mut next = u64::from(cell.overflow);
        let mut left = cell.bytes.checked_sub(payload.len())?;
        while left > 0 {
            let image = self.numbered(next)?;
            let part = image.get(4..4 + left.min(image.len().checked_sub(4)?))?;
            payload.extend_from_slice(part);
            left -= part.len();
            next = u64::from(u32::from_be_bytes([image[0], image[1], image[2], image[3]]));
        }
        let mut at = cell.header_bytes;
        let values = cell.types.iter().map(|kind| value(&payload, &mut at, *kind)).collect::<Option<Vec<_>>>()?;
        Some(Row { id: cell.row_id, values })
    }

    /// The newest image of the page with this number, from 1.
    fn numbered(&mut self, number: u64) -> Option<Vec<u8>> {
        if let Some(at) = self.newest.get(&number).copied() {
            return Some(self.page(true, at));
        }
        let page = number.checked_sub(1).filter(|page| *page < self.db_pages)?;
        Some(self.page(false, page * self.page_bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rusqlite::{Connection, params};

    use super::*;

    const SHAPES: &[Shape] = &[
        Shape { row_ids: true, columns: &[Kind::RowId, Kind::Bytes(16), Kind::Blob] },
        Shape { row_ids: false, columns: &[Kind::Text, Kind::Any] },
    ];

    fn written(rows: i64) -> (Vec<u8>, Vec<u8>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.db");
        let db = Connection::open(&path).expect("open");
        db.execute_batch(
            "PRAGMA journal_mode=WAL;
             CREATE TABLE catatan (id INTEGER PRIMARY KEY, nama BLOB NOT NULL, isi BLOB NOT NULL) STRICT;
             CREATE TABLE fakta (nama TEXT PRIMARY KEY, isi ANY NOT NULL) STRICT, WITHOUT ROWID;
             INSERT INTO fakta VALUES ('kantor', '32.73'), ('nomor', -70000);",
        )
        .expect("tables");
        for id in 1..=rows {
            let isi = vec![id as u8; (id as usize * 37) % 9000];
            db.execute("INSERT INTO catatan VALUES (?, ?, ?)", params![id, [id as u8; 16], isi]).expect("insert");
        }
        let read = |ending: &str| std::fs::read(format!("{}{ending}", path.display())).unwrap_or_default();
        (read(""), read("-wal"))
    }

    fn ids(db: Vec<u8>, wal: Vec<u8>) -> std::collections::BTreeSet<i64> {
        let mut found = std::collections::BTreeSet::new();
        let mut remains = Remains::of(Cursor::new(db), Some(Cursor::new(wal)), SHAPES).expect("in memory");
        let mut places = Vec::new();
        remains.each(|place, shape, row| {
            // Leftovers of moved rows look like rows too: whoever asks has to prove them.
            let whole = shape == 0
                && row.values[1].bytes::<16>() == Some([row.id as u8; 16])
                && row.values[2].blob().unwrap() == vec![row.id as u8; (row.id as usize * 37) % 9000];
            if whole {
                found.insert(row.id);
                places.push((place, row));
            }
        });
        for (place, row) in places {
            assert_eq!(remains.row(place), Some(row));
        }
        found
    }

    #[test]
    fn every_row_is_found_in_the_file_and_in_its_log_long_ones_too() {
        let (db, wal) = written(250);
        assert_eq!(ids(db, wal), (1..=250).collect());
    }

    #[test]
    fn rows_are_found_without_header_root_and_log_header() {
        let (mut db, mut wal) = written(250);
        db[..100].fill(0);
        wal[..32].fill(0xaa);
        assert_eq!(ids(db, wal), (1..=250).collect());
    }

    #[test]
    fn values_without_row_ids_are_found() {
        let (db, wal) = written(3);
        let mut remains = Remains::of(Cursor::new(db), Some(Cursor::new(wal)), SHAPES).expect("in memory");
        let mut found = BTreeMap::new();
        remains.each(|_, shape, mut row| {
            if shape == 1
                && let Some(name) = row.values[0].text().map(str::to_owned)
            {
                found.insert(name, row.values.remove(1));
            }
        });
        assert_eq!(found.get("kantor"), Some(&Value::Text("32.73".into())));
        assert_eq!(found.get("nomor"), Some(&Value::Whole(-70_000)));
    }

    #[test]
    fn garbage_of_any_kind_is_gone_through_quietly() {
        let garbage: Vec<u8> = (0..70_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        ids(garbage.clone(), garbage[..5_000].to_vec());
        ids(Vec::new(), vec![0; 31]);
    }
}
