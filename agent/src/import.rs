//! Files of rows: one that a command names, and those that lie in the inbox folder. Reading them is work for a thread of
//! its own; the store takes their rows in between everything else.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kentongan_host::fail::Failure;
use kentongan_host::moment;
use kentongan_host::output::process_lang;
use kentongan_host::store_thread::StoreHandle;
use serde_json::Value;

use crate::agent::{Agent, OnProgress};
use crate::config;
use crate::entry::{ImportRow, Intake, RowOutcome};
use crate::inbox::folder::{Handled, Inbox, POLL_INTERVAL, Quiet};
use crate::inbox::{ImportError, ListEntered, MapChoice, Options, Progress, Report, import_file};
use crate::store::{Store, StoreError};
use crate::sync::on_store;

/// Takes rows through the thread that owns the store.
struct Through(StoreHandle<Store>);

impl Intake for Through {
    fn take(&mut self, rows: Vec<ImportRow>) -> anyhow::Result<Vec<RowOutcome>> {
        self.0.run(move |store| store.take(rows))?
    }
}

/// Imports the file that a command names.
///
/// # Errors
/// If this PC is not enrolled, or the file cannot be read to its end; what was taken before stays.
pub(crate) async fn file(
    agent: &Agent,
    file: PathBuf,
    map: Option<PathBuf>,
    mut on_progress: OnProgress,
) -> Result<Value, Failure> {
    enrolled(agent).await?;
    let map = map.map_or(MapChoice::Beside, MapChoice::File);
    let work = Work::of(agent);
    // The list of refused rows goes beside the file, or, where nobody may write, to where the inbox puts it.
    let beside = file.parent().map(Path::to_owned);
    let done = config::inbox_dir(&agent.settings(), agent.dir()).join("done");
    let rejected_folders: Vec<PathBuf> = beside.into_iter().chain([done]).collect();
    let report = blocking(move || {
        work.with_options(map, ListEntered::Yes, |options, intake| {
            let options = Options { rejected_folders, ..options.clone() };
            import_file(&file, &options, intake, &mut |progress: Progress| {
                if let Ok(line) = serde_json::to_value(progress) {
                    on_progress(line);
                }
            })
        })
    })
    .await??;
    tell(&report);
    Ok(serde_json::to_value(report).map_err(anyhow::Error::new)?)
}

/// Looks into the inbox and takes what is complete. Gives back how long to wait before the next look.
pub(crate) async fn scan(agent: &Agent, quiet: &mut Quiet) -> Duration {
    let settings = agent.settings();
    if !settings.boolean("inbox", "enabled") || enrolled(agent).await.is_err() {
        return POLL_INTERVAL;
    }
    let dir = config::inbox_dir(&settings, agent.dir());
    let inbox = match Inbox::open(&dir) {
        Ok(inbox) => inbox,
        Err(error) => {
            tracing::error!(ev = "inbox.failed", %error, "the inbox folder cannot be used");
            return POLL_INTERVAL;
        }
    };
    if let Err(failure) = agent.reserve().keep() {
        tracing::error!(ev = "inbox.failed", error = %failure, "no file is taken");
        return POLL_INTERVAL;
    }
    let mono_ms = agent.mono_ms();
    let look = match inbox.list() {
        Ok(listing) => quiet.look(&listing, mono_ms),
        Err(error) => {
            tracing::error!(ev = "inbox.failed", %error, "the inbox folder cannot be read");
            return POLL_INTERVAL;
        }
    };
    let took = !look.ready.is_empty();
    for name in look.ready {
        let (work, inbox) = (Work::of(agent), inbox.clone());
        let handled = blocking(move || {
            work.with_options(MapChoice::Beside, ListEntered::No, |options, intake| {
                inbox.process(&name, options, intake, &mut |_| {})
            })
        });
        match handled.await {
            Ok(handled) => tell_handled(agent, handled),
            Err(failure) => tracing::error!(ev = "inbox.failed", error = %failure, "a file could not be taken"),
        }
    }
    if took {
        agent.new_work.notify_one();
    }
    look.again_in_ms.map_or(POLL_INTERVAL, |ms| Duration::from_millis(ms).min(POLL_INTERVAL))
}

/// What an import needs, apart from the file.
struct Work {
    store: StoreHandle<Store>,
    author: String,
    stop: Arc<std::sync::atomic::AtomicBool>,
}

impl Work {
    fn of(agent: &Agent) -> Work {
        Work {
            store: agent.store().clone(),
            author: agent.settings().text("inbox", "author").to_owned(),
            stop: Arc::clone(&agent.stopping),
        }
    }

    fn with_options<T>(
        self,
        map: MapChoice,
        entered: ListEntered,
        import: impl FnOnce(&Options<'_>, &mut dyn Intake) -> T,
    ) -> T {
        let options = Options {
            lang: process_lang(),
            author: self.author,
            offset_min: local_offset_min(),
            map,
            rejected_folders: Vec::new(),
            entered,
            stop: &self.stop,
        };
        import(&options, &mut Through(self.store))
    }
}

/// Offset of this PC's zone from UTC, in minutes.
fn local_offset_min() -> i16 {
    let seconds = moment::zone().to_offset(jiff::Timestamp::now()).seconds();
    i16::try_from(seconds / 60).unwrap_or(0)
}

async fn enrolled(agent: &Agent) -> Result<(), Failure> {
    let enrolled = on_store(agent.store(), |store| Ok(store.member().is_some())).await?;
    if enrolled { Ok(()) } else { Err(StoreError::NotEnrolled.into()) }
}

/// Runs work on a thread of its own, so that the loop goes on.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::from(anyhow::Error::new(error)))
}

fn tell(report: &Report) {
    tracing::info!(
        ev = "import.finished",
        rows = report.rows,
        taken = report.taken,
        repeated = report.repeated,
        changed = report.changed,
        rejected = report.rejected,
        "rows of a file taken"
    );
}

fn tell_handled(agent: &Agent, handled: Result<Handled, ImportError>) {
    match handled {
        Ok(Handled::Done { report, .. }) => tell(&report),
        Ok(Handled::Rejected { error, .. }) => {
            tracing::warn!(
                ev = "import.refused",
                code = "KTG-302",
                taken = error.so_far.taken,
                "a file cannot be read; its reason lies beside it in rejected"
            );
        }
        Ok(Handled::StillWritten | Handled::Gone) => {}
        Err(error) => {
            let taken = error.so_far.taken;
            let failure = Failure::from(error);
            agent.notice(&failure);
            tracing::error!(
                ev = "import.failed",
                taken,
                error = %failure,
                "a file stays in the inbox and is tried again"
            );
        }
    }
}

/// Makes the inbox folder, so that people find it.
pub(crate) fn prepare(dir: &Path) -> Result<(), Failure> {
    Inbox::open(dir).map_err(anyhow::Error::new)?;
    Ok(())
}
