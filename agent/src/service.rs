//! The service: one loop that everything which can wake the program passes through. What is done when stands in
//! [`crate::agenda`]; here it is waited for, and done.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kentongan_host::control;
use kentongan_host::fail::Failure;
use kentongan_host::ktg::Ktg;
use kentongan_host::lock::Lock;
use kentongan_host::logging::LogHandle;
use kentongan_host::manager;
use kentongan_host::random::random_u64;
use kentongan_host::signals::{self, Reloads};
use serde_json::{Value, json};

use crate::agenda::{Agenda, Effect, Ended, Event, How};
use crate::agent::{Agent, needs_a_person};
use crate::arrival::{self, Arrival};
use crate::command::Command;
use crate::inbox::folder::{self, Quiet};
use crate::sync::{ContactReport, on_store};
use crate::{config, import, page, update};

/// A laptop that was closed notices within this time that time has passed: timers stand still while it sleeps.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// How long answers under way have when the service ends by itself.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// The store is looked at whole so soon after the start, and then so often.
const SCRUB_AFTER: Duration = Duration::from_secs(1);
const SCRUB_EVERY: Duration = Duration::from_secs(7 * 24 * 3600);

/// Something that was begun, and the event that its end is.
type Doing = Option<Pin<Box<dyn Future<Output = Event> + Send>>>;

/// So long after the last word that somebody typed, nobody is kept from typing by a moment without a page.
const TYPING_MS: u64 = 60_000;
/// Between two looks whether somebody types.
const TYPING_LOOK: Duration = Duration::from_secs(5);

/// Why the service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It was asked to.
    Stopped,
    /// Another program goes on from here.
    MadeWay,
}

/// Runs until asked to stop, or until another program is to go on.
///
/// # Errors
/// If the service cannot begin; afterwards it goes on whatever happens and says so in the log.
pub async fn run(
    agent: Arc<Agent>,
    lock: &Lock,
    log: LogHandle,
    named_config: Option<std::path::PathBuf>,
) -> Result<Over, Failure> {
    agent.note_started().await?;
    let control = control::Listener::bind(agent.dir(), lock)?;
    let asked = Arc::clone(&agent);
    let control =
        tokio::spawn(control::serve(control, move |request, progress| answer(Arc::clone(&asked), request, progress)));
    let mut reloads = Reloads::listen().map_err(anyhow::Error::new)?;
    let mut stop = std::pin::pin!(signals::stop_requested().map_err(anyhow::Error::new)?);
    let (wake, mut woken) = tokio::sync::mpsc::channel(1);
    let _watches = watch(&agent, &wake)?;
    let _page = page::open(&agent).await;
    let _kiosk = page::open_kiosk(&agent).await;
    // Nobody else reads the code any more once the service is ready.
    let arriving = arrival::take(agent.dir());
    println!("{}", ready(&agent).await?);
    manager::ready();
    if let Err(error) = update::note_ready(agent.dir()) {
        tracing::warn!(ev = "update.not_noted", %error, "that this program is ready could not be noted");
    }
    tracing::info!(ev = "service.started", version = %update::running(), "service started");

    // Between other work; what it finds does not hang on when it looks. It ends with the runtime.
    tokio::spawn(scrub(Arc::clone(&agent)));
    tokio::spawn(index(Arc::clone(&agent)));
    tokio::spawn(make_way(Arc::clone(&agent), wake));
    // Somebody stands beside a PC that is to join: it joins at once.
    let random = if arriving { 0 } else { random_u64() };
    let mut agenda = Agenda::new(config::pacing(&agent.settings()), agent.mono_ms(), random);
    let quiet = Arc::new(tokio::sync::Mutex::new(Quiet::default()));
    let mut heard = agent.heard.lock().await;
    let (mut contact, mut look): (Doing, Doing) = (None, None);
    loop {
        manager::alive();
        let event = tokio::select! {
            reason = &mut stop => {
                manager::stopping();
                tracing::info!(ev = "service.stopping", reason, talking = agenda.is_talking(), "asked to stop");
                Event::Stop
            }
            () = reloads.reload_requested() => Event::Reload,
            Some(event) = woken.recv() => event,
            () = agent.disk_failed.notified() => Event::DiskFailed,
            Some(ended) = heard.recv() => Event::Ended(ended),
            () = agent.knocked() => {
                tracing::debug!(ev = "sync.knocked", "the hub has something for this office");
                Event::Knocked
            }
            () = agent.new_work.notified() => Event::NewWork { urgent: false },
            () = agent.changed.notified() => Event::Changed(config::pacing(&agent.settings())),
            event = end_of(&mut contact) => event,
            event = end_of(&mut look) => event,
            () = wait(&agenda, agent.mono_ms()) => Event::Time,
        };
        let event = weighed(&agent, event).await;
        if matches!(event, Event::Ended(_)) {
            agent.contact_over.notify_one();
        }
        for effect in agenda.on(event, agent.mono_ms(), random_u64()) {
            match effect {
                Effect::Contact => contact = Some(Box::pin(talk(Arc::clone(&agent)))),
                Effect::LookIntoInbox => look = Some(Box::pin(look_into_inbox(Arc::clone(&agent), Arc::clone(&quiet)))),
                Effect::Reload => reload(&agent, &log, named_config.clone()),
                Effect::NoteNext { in_ms } => note_next(&agent, in_ms).await,
                // What is under way ends with this loop: what was committed stays, the rest is asked for again.
                Effect::End | Effect::MakeWay => {
                    agent.stopping.store(true, Ordering::Relaxed);
                    control.abort();
                    return Ok(if effect == Effect::End { Over::Stopped } else { Over::MadeWay });
                }
                Effect::GiveUp => {
                    agent.stopping.store(true, Ordering::Relaxed);
                    // Whoever was refused is still told so.
                    tokio::time::sleep(LAST_WORDS).await;
                    return Err(Failure::of(Ktg::DiskFailed));
                }
            }
        }
    }
}

/// Ends when the agenda wants to be asked again.
async fn wait(agenda: &Agenda, now_ms: u64) {
    let until = agenda.wake_at_ms().map_or(SLEEP_MAX, |at_ms| Duration::from_millis(at_ms.saturating_sub(now_ms)));
    let turn = manager::alive_every().map_or(SLEEP_MAX, |every| every.min(SLEEP_MAX));
    tokio::time::sleep(until.min(turn)).await;
}

/// The end of what was begun; never, if nothing was.
async fn end_of(doing: &mut Doing) -> Event {
    let event = match doing {
        Some(doing) => doing.await,
        None => std::future::pending().await,
    };
    *doing = None;
    event
}

/// New work, with how urgent it is.
async fn weighed(agent: &Agent, event: Event) -> Event {
    match event {
        Event::NewWork { .. } => {
            Event::NewWork { urgent: on_store(agent.store(), |store| store.has_urgent()).await.unwrap_or(false) }
        }
        event => event,
    }
}

/// Looks at the whole store soon after the start and then from time to time.
async fn scrub(agent: Arc<Agent>) {
    let mut pause = SCRUB_AFTER;
    loop {
        tokio::time::sleep(pause).await;
        match agent.scrub().await {
            Ok(true) => tracing::debug!(ev = "store.checked", "every page of the store is as it was written"),
            Ok(false) => {}
            Err(failure) => tracing::error!(ev = "store.failed", error = %failure, "cannot look at the store"),
        }
        pause = SCRUB_EVERY;
    }
}

/// Puts the words of new records into the index, each time a contact is over: the PC is awake then, and the link at rest.
async fn index(agent: Arc<Agent>) {
    loop {
        agent.contact_over.notified().await;
        loop {
            match on_store(agent.store(), |store| store.index_some()).await {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => break,
                Err(error) => {
                    let failure = Failure::from(error);
                    agent.notice(&failure);
                    tracing::error!(ev = "store.failed", error = %failure, "cannot index the words of records");
                    break;
                }
            }
        }
    }
}

/// Says when another program is to go on, as soon as nobody is in the middle of a form.
async fn make_way(agent: Arc<Agent>, wake: tokio::sync::mpsc::Sender<Event>) {
    agent.replaced.notified().await;
    // Whoever asked for it is still told so.
    tokio::time::sleep(LAST_WORDS).await;
    loop {
        let typed = on_store(agent.store(), |store| Ok((store.drafted_ms()?, store.wall_ms()))).await;
        match typed {
            // A clock that was set back does not keep it waiting.
            Ok((Some(typed_ms), now_ms)) if typed_ms.abs_diff(now_ms) < TYPING_MS => {}
            _ => break,
        }
        tokio::time::sleep(TYPING_LOOK).await;
    }
    // The loop that would hear it has ended otherwise.
    let _ = wake.send(Event::Replaced).await;
}

async fn answer(agent: Arc<Agent>, request: Value, progress: control::Progress) -> Result<Value, Failure> {
    let command: Command = serde_json::from_value(request).map_err(|error| {
        Failure::usage("Permintaan tidak dikenal oleh layanan ini.", "This service does not know the request.")
            .caused_by(error)
    })?;
    agent.perform(command, Box::new(move |line| progress.offer(line))).await
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
        watches.extend(kept(folder::watch(&inbox, move || _ = wake.try_send(Event::InboxChanged))));
    }
    let wake = wake.clone();
    watches.extend(kept(config::watch(agent.dir(), move || _ = wake.try_send(Event::Reload))));
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

/// One contact, if this PC belongs to a hub, or can be made to.
async fn talk(agent: Arc<Agent>) -> Event {
    let ended = |how| Event::Ended(Ended { own: true, how, come_back_s: 0, urgent: false });
    match agent.arrive().await {
        Ok(Arrival::Enrolled) => {}
        Ok(Arrival::Waits) => return ended(How::NotEnrolled),
        Ok(Arrival::Later(failure)) => {
            tracing::warn!(ev = "enrol.failed", error = %failure, "cannot join the hub yet");
            return ended(if failure.ktg.is_some_and(needs_a_person) { How::NeedsPerson } else { How::Failed });
        }
        Err(failure) => {
            agent.notice(&failure);
            tracing::error!(ev = "store.failed", error = %failure, "cannot see whether this PC belongs to a hub");
            return ended(How::Failed);
        }
    }
    let report = match agent.contact().await {
        Ok(report) => {
            match report.rests_ms {
                Some(ms) => tracing::debug!(ev = "sync.rests", ms, "nothing may go over the link now"),
                None => log_contact(&report),
            }
            Some(report)
        }
        Err(failure) => {
            agent.notice(&failure);
            tracing::error!(ev = "sync.failed", error = %failure, "cannot talk to the hub");
            None
        }
    };
    Event::Ended(Ended::of(true, report.as_ref()))
}

/// Tells people when the next contact is due.
async fn note_next(agent: &Agent, in_ms: u64) {
    let in_ms = i64::try_from(in_ms).unwrap_or(i64::MAX);
    let noted = on_store(agent.store(), move |store| store.note_next(store.wall_ms().saturating_add(in_ms))).await;
    if let Err(error) = noted {
        let failure = Failure::from(error);
        agent.notice(&failure);
        tracing::error!(ev = "store.failed", error = %failure, "cannot note the next attempt");
    }
}

/// One look into the inbox.
async fn look_into_inbox(agent: Arc<Agent>, quiet: Arc<tokio::sync::Mutex<Quiet>>) -> Event {
    let again = import::scan(&agent, &mut *quiet.lock().await).await;
    Event::Looked { again_in_ms: u64::try_from(again.as_millis()).unwrap_or(u64::MAX) }
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
fn reload(agent: &Agent, log: &LogHandle, named: Option<std::path::PathBuf>) {
    match config::load(agent.dir(), named) {
        Ok(settings) if settings == *agent.settings() => {}
        Ok(settings) => {
            if let Err(failure) = log.set_level(settings.text("log", "level")) {
                tracing::error!(ev = "config.refused", error = %failure, "the log level stays");
            }
            agent.put_settings(settings);
            tracing::info!(ev = "config.reloaded", "configuration reloaded");
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
        "page": agent.page(),
        "kiosk": agent.kiosk(),
    }))
}
