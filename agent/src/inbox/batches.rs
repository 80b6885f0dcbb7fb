//! The reading half of an import: rows read, typed, checked and named, batch by batch, on a thread of its own, so that
//! the next batch is made ready while the store commits this one.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;

use kentongan_host::Lang;
use kentongan_protocol::limits::NAME_BYTES_MAX;

use super::engine::Options;
use super::fault::ImportFault;
use super::mapping::{Map, Plan};
use super::reader::{self, Rows};
use super::record::{Reasons, record_of};
use super::row::{Namer, Row, source_name};
use crate::entry::{ImportRow, NewRecord};

/// Rows of one transaction.
const BATCH_ROWS: usize = 500;

/// The rows of one transaction.
#[derive(Default)]
pub(super) struct Batch {
    /// All of them, as the file has them.
    pub(super) rows: Vec<Row>,
    /// Those that go in.
    pub(super) good: Vec<ImportRow>,
    /// Their places in `rows`.
    pub(super) places: Vec<usize>,
    /// Places of the others, and why.
    pub(super) refused: Vec<(usize, Reasons)>,
    /// Bytes of the file read so far, and bytes of the file.
    pub(super) bytes: (u64, u64),
    /// With the last batch: how the file ended.
    pub(super) end: Option<End>,
}

/// How a file ended.
pub(super) struct End {
    pub(super) outcome: Result<(), ImportFault>,
    /// All columns.
    pub(super) titles: Vec<String>,
    /// Columns that hold something and went nowhere.
    pub(super) ignored: Vec<String>,
    /// What stands in required fields that the file has no column for.
    pub(super) assumed: Vec<String>,
}

/// Reads a file into batches until it ends, or until nobody takes them any more. The last batch has an end.
pub(super) fn send(path: &Path, map: &Map, options: &Options<'_>, batches: &SyncSender<Batch>) {
    let mut reading = Reading {
        map,
        options,
        author: shortened(map.author.as_deref().unwrap_or(&options.author)),
        namer: Namer::default(),
        plan: None,
        titles: Vec::new(),
        unseen: Vec::new(),
        ignored: Vec::new(),
    };
    let mut last = Batch::default();
    let outcome = reading.run(path, batches, &mut last);
    let assumed = reading.plan.map(|plan| plan.assumed).unwrap_or_default();
    last.end = Some(End { outcome, titles: reading.titles, ignored: reading.ignored, assumed });
    // Nobody listens any more when the import has ended on the other side.
    let _ = batches.send(last);
}

struct Reading<'a> {
    map: &'a Map,
    options: &'a Options<'a>,
    author: String,
    namer: Namer,
    plan: Option<Plan>,
    titles: Vec<String>,
    /// Columns that go nowhere and in which nothing has been seen so far.
    unseen: Vec<usize>,
    ignored: Vec<String>,
}

impl Reading<'_> {
    /// Sends all batches but the last, which is left in `last`.
    fn run(&mut self, path: &Path, batches: &SyncSender<Batch>, last: &mut Batch) -> Result<(), ImportFault> {
        let mut source = reader::open(path, &self.map.hints)?;
        loop {
            let mut batch = Batch::default();
            let filled = fill(source.as_mut(), &mut batch.rows);
            // What was read before a fault in the middle of the file is still taken.
            self.make_plan(source.as_ref())?;
            self.check(&mut batch);
            batch.bytes = source.bytes();
            let ended = filled.is_err() || batch.rows.len() < BATCH_ROWS;
            if ended {
                *last = batch;
                return filled;
            }
            if batches.send(batch).is_err() || self.options.stop.load(Ordering::Relaxed) {
                return Err(ImportFault::Stopped);
            }
        }
    }

    /// Puts map and columns together, again whenever a column has joined.
    fn make_plan(&mut self, source: &dyn Rows) -> Result<(), ImportFault> {
        if self.plan.is_some() && source.titles().len() == self.titles.len() {
            return Ok(());
        }
        self.titles = source.titles().to_vec();
        let complete = source.titles_are_complete();
        let plan = Plan::make(self.map, &self.titles, complete, self.options.offset_min)?;
        self.namer.columns(&self.titles);
        self.unseen.clone_from(&plan.unused);
        self.plan = Some(plan);
        Ok(())
    }

    fn check(&mut self, batch: &mut Batch) {
        for (place, row) in batch.rows.iter().enumerate() {
            self.notice_unused(row);
            match self.record(row) {
                Ok((record, source)) => {
                    let name = self.namer.name(record.form, row);
                    batch.good.push(ImportRow { name, source, record });
                    batch.places.push(place);
                }
                Err(reasons) => batch.refused.push((place, reasons)),
            }
        }
    }

    fn record(&self, row: &Row) -> Result<(NewRecord, Option<[u8; 32]>), Reasons> {
        let lang = self.options.lang;
        if let Some(damage) = row.damage {
            return Err(Reasons::of_the_row(damage.sentence(lang)));
        }
        let found = self.plan.as_ref().and_then(|plan| Some((plan, plan.form_of(row)?)));
        let Some((plan, form)) = found else {
            return Err(Reasons::of_the_row(match lang {
                Lang::Id => "Tidak jelas ini pengaduan atau survei.",
                Lang::En => "It is not clear whether this is a complaint or a survey answer.",
            }));
        };
        let record = record_of(form, row, &plan.dates, &self.author, lang)?;
        let id = plan.id.map(|column| row.cell(column).trim()).filter(|id| !id.is_empty());
        let source = id.map(|id| source_name(record.form, id));
        Ok((record, source))
    }

    fn notice_unused(&mut self, row: &Row) {
        let (titles, ignored) = (&self.titles, &mut self.ignored);
        self.unseen.retain(|column| {
            let empty = row.damage.is_some() || row.cell(*column).trim().is_empty();
            if let (false, Some(title)) = (empty, titles.get(*column))
                && !ignored.contains(title)
            {
                ignored.push(title.clone());
            }
            empty
        });
    }
}

/// Reads the rows of a batch; fewer than a batch holds only at the end of the file.
fn fill(source: &mut dyn Rows, rows: &mut Vec<Row>) -> Result<(), ImportFault> {
    while rows.len() < BATCH_ROWS {
        let mut row = Row::default();
        if !source.read(&mut row)? {
            break;
        }
        rows.push(row);
    }
    Ok(())
}

/// As much of a name as an op carries.
fn shortened(name: &str) -> String {
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default().to_owned()
}
