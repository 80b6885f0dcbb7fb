//! The import of one file, for the watched folder and for `kentongan-agent import` alike.
//!
//! Rows are read, typed and checked in batches; each batch is one transaction. Good rows go in, the others are written
//! to a list with reasons. An import that is cut anywhere and begun again ends with the same records: each row is taken
//! by its content name, once.

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use kentongan_host::Lang;
use kentongan_protocol::limits::NAME_BYTES_MAX;

use super::fault::{ImportError, ImportFault};
use super::mapping::{Map, MapChoice, Plan};
use super::reader::{self, Rows};
use super::record::{Reasons, record_of};
use super::rejected::RejectedList;
use super::report::{Entered, Progress, REFUSALS_LISTED_MAX, Refusal, Report};
use super::row::{Namer, Row, source_name};
use crate::entry::{ImportRow, Intake, NewRecord, RowOutcome};

/// Rows of one transaction.
const BATCH_ROWS: usize = 500;

/// How a file is imported.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// Language of reasons.
    pub lang: Lang,
    /// Who enters the rows, if the map does not say.
    pub author: String,
    /// Offset of times that name none, if the map does not say, in minutes east of UTC.
    pub offset_min: i16,
    /// Where the map comes from.
    pub map: MapChoice,
    /// Folders for the list of refused rows: the first that can be written to is taken. If empty, the file's own.
    pub rejected_folders: Vec<PathBuf>,
    /// Whether the report names every record that was entered.
    pub entered: ListEntered,
    /// Ends the import between two transactions when it becomes true.
    pub stop: &'a AtomicBool,
}

/// Whether the report names every record that was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListEntered {
    /// No: counts are enough.
    #[default]
    No,
    /// Yes, with row, record and receipt code.
    Yes,
}

/// Imports a file.
///
/// # Errors
/// [`ImportError`] when the rest of the file cannot be taken; what was taken before stays, and the file can come again.
pub fn import_file(
    path: &Path,
    options: &Options<'_>,
    intake: &mut dyn Intake,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, ImportError> {
    let mut import = Import::new(path, options);
    match import.run(intake, progress) {
        Ok(()) => Ok(import.report),
        Err(fault) => Err(ImportError { fault, so_far: Box::new(import.report) }),
    }
}

/// An import under way.
struct Import<'a> {
    path: &'a Path,
    options: &'a Options<'a>,
    report: Report,
    author: String,
    namer: Namer,
    /// Rows of the batch; they are filled anew for each.
    rows: Vec<Row>,
    /// Of each row that goes in, its place in `rows`.
    going: Vec<usize>,
    refused: Vec<(usize, Reasons)>,
    list: Option<RejectedList>,
    /// Columns that go nowhere and in which nothing has been seen so far.
    unseen: Vec<usize>,
}

impl<'a> Import<'a> {
    fn new(path: &'a Path, options: &'a Options<'a>) -> Self {
        Import {
            path,
            options,
            report: Report { file: path.display().to_string(), ..Report::default() },
            author: String::new(),
            namer: Namer::default(),
            rows: Vec::new(),
            going: Vec::new(),
            refused: Vec::new(),
            list: None,
            unseen: Vec::new(),
        }
    }

    fn run(&mut self, intake: &mut dyn Intake, progress: &mut dyn FnMut(Progress)) -> Result<(), ImportFault> {
        let map = Map::of(self.path, &self.options.map)?;
        self.report.map.clone_from(&map.name);
        self.author = shortened(map.author.as_deref().unwrap_or(&self.options.author));
        let mut source = reader::open(self.path, &map.hints)?;
        let mut plan: Option<Plan> = None;
        let mut titles_known = 0;
        loop {
            if self.options.stop.load(Ordering::Relaxed) {
                return Err(ImportFault::Stopped);
            }
            // What was read before a fault in the middle of the file is still taken.
            let count = self.fill(source.as_mut());
            if plan.is_none() || source.titles().len() > titles_known {
                titles_known = source.titles().len();
                let made = Plan::make(&map, source.titles(), source.titles_are_complete(), self.options.offset_min)?;
                self.namer.columns(source.titles());
                self.unseen.clone_from(&made.unused);
                self.report.assumed.clone_from(&made.assumed);
                plan = Some(made);
            }
            if let Some(plan) = &plan {
                self.take(plan, source.as_ref(), intake)?;
            }
            progress(self.progress(source.as_ref()));
            if count? < BATCH_ROWS {
                break;
            }
        }
        if let Some(list) = self.list.take() {
            let path = list
                .finish(source.titles(), self.options.lang)
                .map_err(|(path, source)| ImportFault::Write { path, source })?;
            self.report.rejected_file = Some(path.display().to_string());
        }
        Ok(())
    }

    /// Reads the next batch; gives the number of its rows.
    fn fill(&mut self, source: &mut dyn Rows) -> Result<usize, ImportFault> {
        let mut spare = mem::take(&mut self.rows);
        while self.rows.len() < BATCH_ROWS {
            let mut row = spare.pop().unwrap_or_default();
            if !source.read(&mut row)? {
                break;
            }
            self.rows.push(row);
        }
        Ok(self.rows.len())
    }

    /// Checks the rows of the batch and enters the good ones.
    fn take(&mut self, plan: &Plan, source: &dyn Rows, intake: &mut dyn Intake) -> Result<(), ImportFault> {
        let rows = mem::take(&mut self.rows);
        let mut batch = Vec::with_capacity(rows.len());
        for (place, row) in rows.iter().enumerate() {
            self.notice_unused(row, source.titles());
            match self.record(plan, row) {
                Ok(record) => {
                    let id = plan.id.map(|column| row.cell(column).trim()).filter(|id| !id.is_empty());
                    let source = id.map(|id| source_name(record.form, id));
                    batch.push(ImportRow { name: self.namer.name(record.form, row), source, record });
                    self.going.push(place);
                }
                Err(reasons) => self.refused.push((place, reasons)),
            }
        }
        self.report.rejected += self.refused.len() as u64;
        self.report.rows += rows.len() as u64;
        let outcome = self.enter(batch, &rows, intake).and_then(|()| self.list_refused(&rows));
        self.rows = rows;
        outcome
    }

    fn record(&self, plan: &Plan, row: &Row) -> Result<NewRecord, Reasons> {
        let lang = self.options.lang;
        if let Some(damage) = row.damage {
            return Err(Reasons::of_the_row(damage.sentence(lang)));
        }
        let Some(form) = plan.form_of(row) else {
            return Err(Reasons::of_the_row(match lang {
                Lang::Id => "Tidak jelas ini pengaduan atau survei.",
                Lang::En => "It is not clear whether this is a complaint or a survey answer.",
            }));
        };
        record_of(form, row, &plan.dates, &self.author, lang)
    }

    fn enter(&mut self, batch: Vec<ImportRow>, rows: &[Row], intake: &mut dyn Intake) -> Result<(), ImportFault> {
        let going = mem::take(&mut self.going);
        if batch.is_empty() {
            return Ok(());
        }
        let outcomes = intake.take(batch).map_err(ImportFault::Store)?;
        for (place, outcome) in going.iter().zip(outcomes) {
            match outcome {
                RowOutcome::Taken { record, receipt } => {
                    self.report.taken += 1;
                    if self.options.entered == ListEntered::Yes {
                        let row = rows.get(*place).map_or(0, |row| row.number);
                        let code = receipt.map(|receipt| receipt.to_string());
                        self.report.entered.push(Entered { row, record: record.to_string(), code });
                    }
                }
                RowOutcome::Repeated => self.report.repeated += 1,
                RowOutcome::Changed => {
                    self.report.changed += 1;
                    self.refused.push((*place, changed(self.options.lang)));
                }
            }
        }
        self.going = going;
        self.going.clear();
        Ok(())
    }

    /// Writes the refused rows of the batch to the list, in the order of the file.
    fn list_refused(&mut self, rows: &[Row]) -> Result<(), ImportFault> {
        let mut refused = mem::take(&mut self.refused);
        refused.sort_by_key(|(place, _)| *place);
        for (place, reasons) in refused {
            let Some(row) = rows.get(place) else { continue };
            let (field, reason) = (reasons.fields.join("; "), reasons.sentences.join(" "));
            let list = match &mut self.list {
                Some(list) => list,
                None => self.list.insert(self.begin_list()?),
            };
            list.add(row, &field, &reason)
                .map_err(|source| ImportFault::Write { path: self.path.to_owned(), source })?;
            if self.report.refusals.len() < REFUSALS_LISTED_MAX {
                self.report.refusals.push(Refusal { row: row.number, field, reason });
            }
        }
        Ok(())
    }

    fn begin_list(&self) -> Result<RejectedList, ImportFault> {
        let beside = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let own = [beside.to_owned()];
        let folders = if self.options.rejected_folders.is_empty() { &own[..] } else { &self.options.rejected_folders };
        RejectedList::begin(self.path, folders).map_err(|(path, source)| ImportFault::Write { path, source })
    }

    fn notice_unused(&mut self, row: &Row, titles: &[String]) {
        let report = &mut self.report;
        self.unseen.retain(|column| {
            let empty = row.damage.is_some() || row.cell(*column).trim().is_empty();
            if let (false, Some(title)) = (empty, titles.get(*column))
                && !report.ignored_columns.contains(title)
            {
                report.ignored_columns.push(title.clone());
            }
            empty
        });
    }

    fn progress(&self, source: &dyn Rows) -> Progress {
        let (bytes, bytes_total) = source.bytes();
        let Report { rows, taken, rejected, .. } = self.report;
        Progress { bytes, bytes_total, rows, taken, rejected }
    }
}

fn changed(lang: Lang) -> Reasons {
    Reasons::of_the_row(match lang {
        Lang::Id => "Nomor ini sudah pernah masuk dengan isi lain. Isi yang baru tidak diambil.",
        Lang::En => "This number was entered before with other content. The new content is not taken.",
    })
}

/// As much of a name as an op carries.
fn shortened(name: &str) -> String {
    let mut end = name.len().min(NAME_BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or_default().to_owned()
}
