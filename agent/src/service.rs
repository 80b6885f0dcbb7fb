//! The service: one loop that everything which can wake the program passes through.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kentongan_host::control;
use kentongan_host::fail::Failure;
use kentongan_host::ktg::Ktg;
use kentongan_host::lock::Lock;
use kentongan_host::logging::LogHandle;
use kentongan_host::random::random_u64;
use kentongan_host::signals::{self, Reloads};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::agent::{Agent, needs_a_person};
use crate::command::Command;
use crate::inbox::folder::{self, Quiet};
use crate::sync::{ContactReport, on_store};
use crate::{config, import};

/// After new work, wait this long for more of it before talking.
const GATHER: Duration = Duration::from_millis(300);

/// New work while the hub is out of reach brings the next attempt forward to this.
const EAGER_RETRY: Duration = Duration::from_secs(15);

/// How long answers under way have when the service ends by itself.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Everything that can wake the service.
#[derive(Debug)]
enum Event {
    /// Asked to stop.
    Stop(&'static str),
    /// Time to talk to the hub.
    Due,
    /// The disk failed under the store.
    DiskFailed,
    /// There is something new to send.
    NewWork,
    /// Time to look into the inbox.
    Inbox,
    /// The configuration may have changed.
    Reload,
}

/// What the loop waits for, and when.
struct Plan {
    contact_at: Instant,
    inbox_at: Instant,
    failures: u32,
}

/// Runs until asked to stop.
///
/// # Errors
/// If the service cannot begin; afterwards it goes on whatever happens and says so in the log.
pub async fn run(
    agent: Arc<Agent>,
    lock: &Lock,
    log: LogHandle,
    named_config: Option<std::path::PathBuf>,
) -> Result<(), Failure> {
    agent.note_started().await?;
    let control = control::Listener::bind(agent.dir(), lock)?;
    let asked = Arc::clone(&agent);
    let control =
        tokio::spawn(control::serve(control, move |request, progress| answer(Arc::clone(&asked), request, progress)));
    let mut reloads = Reloads::listen().map_err(anyhow::Error::new)?;
    let mut stop = std::pin::pin!(signals::stop_requested().map_err(anyhow::Error::new)?);
    let (wake, mut woken) = tokio::sync::mpsc::channel(1);
    let _watches = watch(&agent, &wake)?;
    println!("{}", ready(&agent).await?);
    tracing::info!(ev = "service.started", version = env!("CARGO_PKG_VERSION"), "service started");

    let now = Instant::now();
    let mut quiet = Quiet::default();
    let mut plan = Plan { contact_at: now, inbox_at: now, failures: 0 };
    loop {
        let event = tokio::select! {
            reason = &mut stop => Event::Stop(reason),
            () = reloads.reload_requested() => Event::Reload,
            Some(event) = woken.recv() => event,
            () = agent.disk_failed.notified() => Event::DiskFailed,
            () = agent.new_work.notified() => Event::NewWork,
            () = sleep_until(plan.inbox_at) => Event::Inbox,
            () = sleep_until(plan.contact_at) => Event::Due,
        };
        match event {
            Event::Stop(reason) => {
                tracing::info!(ev = "service.stopping", reason, "asked to stop");
                break;
            }
            Event::DiskFailed => {
                // Whoever was refused is still told so.
                tokio::time::sleep(LAST_WORDS).await;
                return Err(Failure::of(Ktg::DiskFailed));
            }
            Event::Reload => reload(&agent, &log, named_config.clone()).await,
            Event::NewWork => plan.bring_forward(),
            Event::Inbox => plan.inbox_at = Instant::now() + import::scan(&agent, &mut quiet).await,
            Event::Due => {
                // Asking to stop ends a contact at once: what was committed stays, the rest is asked for again.
                tokio::select! {
                    reason = &mut stop => {
                        tracing::info!(ev = "service.stopping", reason, "asked to stop while talking to the hub");
                        break;
                    }
                    wait = talk(&agent, &mut plan.failures) => plan.contact_at = Instant::now() + wait,
                }
            }
        }
    }
    agent.stopping.store(true, Ordering::Relaxed);
    control.abort();
    Ok(())
}

impl Plan {
    fn bring_forward(&mut self) {
        let soonest = if self.failures == 0 { GATHER } else { EAGER_RETRY };
        self.contact_at = self.contact_at.min(Instant::now() + soonest);
    }
}

async fn answer(agent: Arc<Agent>, request: Value, progress: control::Progress) -> Result<Value, Failure> {
    let command: Command = serde_json::from_value(request).map_err(|error| {
        Failure::usage("Permintaan tidak dikenal oleh layanan ini.", "This service does not know the request.")
            .caused_by(error)
    })?;
    agent.perform(command, move |line| progress.offer(line)).await
}

/// Watches the inbox and the configuration; dropping the result ends that.
fn watch(agent: &Arc<Agent>, wake: &tokio::sync::mpsc::Sender<Event>) -> Result<Vec<Box<dyn Send>>, Failure> {
    let mut watches: Vec<Box<dyn Send>> = Vec::new();
    let settings = agent.settings();
    if settings.boolean("inbox", "enabled") {
        let inbox = config::inbox_dir(&settings, agent.dir());
        import::prepare(&inbox)?;
        let wake = wake.clone();
        // One wake-up that waits is as good as many.
        watches.extend(kept(folder::watch(&inbox, move || drop(wake.try_send(Event::Inbox)))));
    }
    let wake = wake.clone();
    watches.extend(kept(config::watch(agent.dir(), move || drop(wake.try_send(Event::Reload)))));
    Ok(watches)
}

/// Where the system cannot watch a folder, the regular look into it remains.
fn kept<W: Send + 'static>(watch: notify::Result<W>) -> Option<Box<dyn Send>> {
    match watch {
        Ok(watch) => Some(Box::new(watch)),
        Err(error) => {
            tracing::warn!(ev = "watch.failed", %error, "a folder is not watched, only looked into from time to time");
            None
        }
    }
}

/// One contact; gives back how long to wait before the next.
async fn talk(agent: &Agent, failures: &mut u32) -> Duration {
    let enrolled = on_store(agent.store(), |store| Ok(store.member().is_some())).await.unwrap_or(false);
    let pacing = config::pacing(&agent.settings());
    if !enrolled {
        return Duration::from_millis(pacing.interval_ms);
    }
    let come_back_s = match agent.contact().await {
        Ok(report) => {
            log_contact(&report);
            *failures = match &report.failure {
                Some(failure) if needs_a_person(failure.ktg) => u32::MAX,
                Some(_) => failures.saturating_add(1),
                None => 0,
            };
            report.come_back_s
        }
        Err(failure) => {
            agent.notice(&failure);
            tracing::error!(ev = "sync.failed", error = %failure, "cannot talk to the hub");
            *failures = failures.saturating_add(1);
            0
        }
    };
    let wait = Duration::from_millis(pacing.wait_ms(*failures, random_u64()));
    let wait = wait.max(Duration::from_secs(u64::from(come_back_s)));
    let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    let noted = on_store(agent.store(), move |store| store.note_next(store.wall_ms().saturating_add(wait_ms))).await;
    if let Err(error) = noted {
        let failure = Failure::from(error);
        agent.notice(&failure);
        tracing::error!(ev = "store.failed", error = %failure, "cannot note the next attempt");
    }
    wait
}

fn log_contact(report: &ContactReport) {
    match &report.failure {
        None => tracing::info!(
            ev = "sync.session.finished",
            exchanges = report.exchanges,
            up_bytes = report.up_bytes,
            down_bytes = report.down_bytes,
            acknowledged = report.applied.acknowledged,
            fetched = report.applied.fetched,
            "contact with the hub"
        ),
        Some(failure) => tracing::warn!(
            ev = "sync.session.failed",
            code = %failure.ktg,
            class = failure.class,
            detail = failure.detail,
            "no contact with the hub"
        ),
    }
    if report.applied.given_back > 0 {
        tracing::warn!(
            ev = "store.given_back",
            ops = report.applied.given_back,
            "this folder was older than the hub; lost ops are back"
        );
    }
    if report.applied.forgotten > 0 {
        tracing::warn!(
            ev = "hub.forgot",
            ops = report.applied.forgotten,
            "the hub was older than this PC; its ops are offered again"
        );
    }
    if report.twin {
        tracing::error!(ev = "identity.twin", code = "KTG-108", "two machines answer as this one");
    }
}

/// A file that does not hold is told, and the running values stay.
async fn reload(agent: &Agent, log: &LogHandle, named: Option<std::path::PathBuf>) {
    match config::load(agent.dir(), named) {
        Ok(settings) if settings == *agent.settings() => {}
        Ok(settings) => {
            if let Err(failure) = log.set_level(settings.text("log", "level")) {
                tracing::error!(ev = "config.refused", error = %failure, "the log level stays");
            }
            agent.put_settings(settings).await;
            tracing::info!(ev = "config.reloaded", "configuration reloaded");
            agent.new_work.notify_one();
        }
        Err(failure) => {
            tracing::error!(ev = "config.refused", error = %failure, "the configuration does not hold; the running values stay");
        }
    }
}

/// The line that tells scripts that the service is ready.
async fn ready(agent: &Agent) -> Result<Value, Failure> {
    let enrolled = on_store(agent.store(), |store| Ok(store.member().is_some())).await?;
    Ok(json!({
        "event": "ready",
        "pid": std::process::id(),
        "data": agent.dir().root().display().to_string(),
        "enrolled": enrolled,
    }))
}
