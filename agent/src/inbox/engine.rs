//! The import of one file, for the watched folder and for `kentongan-agent import` alike.
//!
//! Rows come in checked batches (see `batches`); each batch is one transaction. Good rows go in, the others are written
//! to a list with reasons. An import that is cut anywhere and begun again ends with the same records: each row is taken
//! by its content name, once.

use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use kentongan_host::Lang;
use kentongan_host::steps::{Step, reached};

use super::batches::{self, Batch, End};
use super::fault::{FileFault, ImportError, ImportFault};
use super::mapping::{Map, MapChoice};
use super::record::Reasons;
use super::rejected::RejectedList;
use super::report::{Entered, Progress, REFUSALS_LISTED_MAX, Refusal, Report};
use super::row::Row;
use crate::entry::{Intake, RowOutcome};

/// Batches that may be ready before the store takes them.
const BATCHES_AHEAD: usize = 2;

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
    let mut import = Import {
        path,
        options,
        report: Report { file: path.display().to_string(), ..Report::default() },
        list: None,
        titles: Vec::new(),
    };
    match import.run(intake, progress) {
        Ok(()) => Ok(import.report),
        Err(fault) => Err(ImportError { fault, so_far: Box::new(import.report) }),
    }
}

/// The entering half of an import.
struct Import<'a> {
    path: &'a Path,
    options: &'a Options<'a>,
    report: Report,
    list: Option<RejectedList>,
    titles: Vec<String>,
}

impl Import<'_> {
    fn run(&mut self, intake: &mut dyn Intake, progress: &mut dyn FnMut(Progress)) -> Result<(), ImportFault> {
        let map = Map::of(self.path, &self.options.map)?;
        self.report.map.clone_from(&map.name);
        let (sender, receiver) = sync_channel(BATCHES_AHEAD);
        let (path, options) = (self.path, self.options);
        thread::scope(|scope| {
            let name = thread::Builder::new().name("import".to_owned());
            let reading = name.spawn_scoped(scope, || {
                let sender = sender;
                batches::send(path, &map, options, &sender);
            })?;
            let outcome = self.enter_all(receiver, intake, progress);
            // Should our own reading ever panic, in a build that unwinds: the file is called damaged, see `enter_all`.
            let _ = reading.join();
            outcome
        })?;
        if let Some(list) = self.list.take() {
            let path = list
                .finish(&self.titles, self.options.lang)
                .map_err(|(path, source)| ImportFault::Write { path, source })?;
            reached(Step::AgentImportListed);
            self.report.rejected_file = Some(path.display().to_string());
        }
        Ok(())
    }

    /// Takes the receiver, so that the reading half ends with this.
    fn enter_all(
        &mut self,
        batches: Receiver<Batch>,
        intake: &mut dyn Intake,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), ImportFault> {
        for mut batch in &batches {
            if self.options.stop.load(Ordering::Relaxed) {
                return Err(ImportFault::Stopped);
            }
            let end = batch.end.take();
            self.enter(&mut batch, intake)?;
            self.list_refused(&batch)?;
            progress(self.progress(&batch));
            if let Some(End { outcome, titles, ignored, assumed }) = end {
                self.titles = titles;
                self.report.ignored_columns = ignored;
                self.report.assumed = assumed;
                return outcome;
            }
        }
        // The reading half ended without a last word.
        Err(FileFault::Damaged.into())
    }

    /// Enters the good rows, and moves those that turn out to be changed to the refused ones.
    fn enter(&mut self, batch: &mut Batch, intake: &mut dyn Intake) -> Result<(), ImportFault> {
        self.report.rows += batch.rows.len() as u64;
        self.report.rejected += batch.refused.len() as u64;
        if batch.good.is_empty() {
            return Ok(());
        }
        let outcomes = intake.take(mem::take(&mut batch.good)).map_err(ImportFault::Store)?;
        reached(Step::AgentImportTaken);
        for (place, outcome) in batch.places.iter().zip(outcomes) {
            match outcome {
                RowOutcome::Taken { record, receipt } => {
                    self.report.taken += 1;
                    if self.options.entered == ListEntered::Yes {
                        let row = batch.rows.get(*place).map_or(0, |row| row.number);
                        let code = receipt.map(|receipt| receipt.to_string());
                        self.report.entered.push(Entered { row, record: record.to_string(), code });
                    }
                }
                RowOutcome::Repeated => self.report.repeated += 1,
                RowOutcome::Changed => {
                    self.report.changed += 1;
                    batch.refused.push((*place, changed(self.options.lang)));
                }
            }
        }
        batch.refused.sort_by_key(|(place, _)| *place);
        Ok(())
    }

    /// Writes the refused rows of the batch to the list, in the order of the file.
    fn list_refused(&mut self, batch: &Batch) -> Result<(), ImportFault> {
        for (place, reasons) in &batch.refused {
            let Some(row) = batch.rows.get(*place) else { continue };
            self.refuse(row, reasons)?;
        }
        Ok(())
    }

    fn refuse(&mut self, row: &Row, reasons: &Reasons) -> Result<(), ImportFault> {
        let (field, reason) = (reasons.fields.join("; "), reasons.sentences.join(" "));
        let list = match &mut self.list {
            Some(list) => list,
            None => self.list.insert(begin_list(self.path, &self.options.rejected_folders)?),
        };
        list.add(row, &field, &reason).map_err(|source| ImportFault::Write { path: self.path.to_owned(), source })?;
        if self.report.refusals.len() < REFUSALS_LISTED_MAX {
            self.report.refusals.push(Refusal { row: row.number, field, reason });
        }
        Ok(())
    }

    fn progress(&self, batch: &Batch) -> Progress {
        let (bytes, bytes_total) = batch.bytes;
        let Report { rows, taken, rejected, .. } = self.report;
        Progress { bytes, bytes_total, rows, taken, rejected }
    }
}

fn begin_list(file: &Path, folders: &[PathBuf]) -> Result<RejectedList, ImportFault> {
    let beside = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let own = [beside.to_owned()];
    let folders = if folders.is_empty() { &own[..] } else { folders };
    RejectedList::begin(file, folders).map_err(|(path, source)| ImportFault::Write { path, source })
}

fn changed(lang: Lang) -> Reasons {
    Reasons::of_the_row(match lang {
        Lang::Id => "Nomor ini sudah pernah masuk dengan isi lain. Isi yang baru tidak diambil.",
        Lang::En => "This number was entered before with other content. The new content is not taken.",
    })
}
