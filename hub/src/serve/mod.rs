//! The running hub: the door for devices, the socket for commands, and stopping in order.
//!
//! ```text
//!   listener ─┬─ exchange ───────┐
//!             └─ routes ─ enrol ─┼──▶ store owner (one thread)
//!   control ── service::execute ─┘
//! ```
//!
//! Stopping: no new connections, running exchanges finish within `limits.grace`, then the store is closed. What is cut
//! off then loses nothing: the hub had not said that it holds it.

#[cfg_attr(not(unix), allow(dead_code, reason = "commands reach it by the control socket"))]
mod backup;
mod bells;
mod body;
mod bucket;
pub(crate) mod chain;
mod crowd;
mod doors;
mod enrol;
mod exchange;
mod listener;
mod reload;
mod routes;
mod stall;
mod work;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context;
use kentongan_host::files::raise_open_files_max;
use kentongan_host::logging::{self, LogConfig, LogHandle};
use kentongan_host::options::Sources;
use kentongan_host::signals::stop_requested;
use kentongan_host::steps::{Step, reached};
use kentongan_host::tls::server_config;
use kentongan_host::{Clock, DataDir, Exit, Failure, Ktg, Lock, Output, SystemClock, manager};
use kentongan_protocol::pack;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::ca::Authority;
use crate::config::{self, Config};
use crate::engine::Hub;
use crate::metrics::Counters;
use crate::salvage::advise;
use crate::service::Desk;
use crate::service::fleet::Rhythms;
use crate::service::status::Service;
use crate::setup::Opened;
use crate::store::owner::{StoreHandle, StoreOwner};
use crate::update::Offers;
pub(crate) use backup::due_ms;
use bells::Bells;
pub(crate) use bucket::Bucket;
use crowd::Crowd;
use doors::Doors;
use listener::{Limits, Listener};
use routes::Routes;

/// How often the hub looks whether its own certificate is due.
const CERTIFICATE_LOOK_EVERY: Duration = Duration::from_secs(6 * 3600);
const MINUTE_MS: u64 = 60_000;
/// File descriptors kept for everything that is no connection: store, log, control socket.
const OTHER_FILES: usize = 100;

/// What everything that answers works with. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Serving {
    pub(crate) dir: DataDir,
    pub(crate) store: StoreHandle,
    /// The hub in this run.
    pub(crate) hub: Arc<Hub>,
    pub(crate) root: CertificateDer<'static>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Wrong enrolment codes.
    pub(crate) attempts: Arc<Mutex<Bucket>>,
    /// What is counted in this run.
    pub(crate) counters: Arc<Counters>,
    authority: Arc<RwLock<Authority>>,
    config: watch::Receiver<Arc<Config>>,
    rhythms: Arc<Rhythms>,
    service: Service,
    backups: backup::Backups,
    crowd: Crowd,
    bells: Bells,
}

impl Serving {
    /// The configuration in effect.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.config.borrow().clone()
    }

    /// What services need, for `actor`, now.
    pub(crate) fn desk(&self, actor: &str) -> Desk {
        Desk {
            dir: self.dir.clone(),
            hub: Arc::clone(&self.hub),
            authority: Arc::clone(&self.authority),
            config: self.config(),
            rhythms: Arc::clone(&self.rhythms),
            service: self.service.clone(),
            now_ms: self.clock.wall_ms(),
            actor: actor.to_owned(),
            via: None,
        }
    }

    /// Exchanges with offices under way.
    pub(crate) fn exchanges_under_way(&self) -> usize {
        self.crowd.taken()
    }

    /// Since when the hub serves, milliseconds since 1970.
    pub(crate) fn since_ms(&self) -> i64 {
        self.service.since.unwrap_or_default()
    }

    fn tls(&self) -> Result<Arc<ServerConfig>, Failure> {
        let authority = self.authority.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::new(server_config(authority.credentials(), authority.root()).context("the hub's TLS")?))
    }
}

/// Runs the hub until it is asked to stop.
///
/// # Errors
/// It cannot start: no hub in the folder, another process works there, the address is taken, or the configuration does
/// not hold.
pub(crate) fn run(dir: &DataDir, sources: &Sources, log_format: Option<&str>, out: &Output) -> Result<Exit, Failure> {
    let settings = config::load(sources)?;
    let log = logging::init(&LogConfig::of_service(&settings, dir, log_format))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let opened = Opened::open(dir, clock.wall_ms()).map_err(|failure| advise(failure, dir, &Config::of(&settings)))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    // The first packed request shall not wait for it.
    runtime.spawn_blocking(pack::keep);
    let bells = Bells::default();
    let rung = bells.clone();
    let owner = StoreOwner::start_telling(opened.store, move |offices| rung.ring(&offices))
        .context("start the store's thread")?;
    let start = Start {
        dir: dir.clone(),
        sources: sources.clone(),
        log,
        clock,
        config: Arc::new(Config::of(&settings)),
        authority: opened.authority,
        hub: opened.hub,
        lock: opened.lock,
        bells,
    };
    let served = runtime.block_on(start.serve(owner.handle(), out));
    // Connections that outlived the grace time end here; what they had not been told is not lost.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let closed = owner.stop().map_err(Failure::from).and_then(|store| Ok(store.close()?));
    let signal = served?;
    closed?;
    tracing::info!(ev = "service.stopped", signal, "the hub stopped");
    Ok(Exit::Done)
}

/// What the hub starts with.
struct Start {
    dir: DataDir,
    sources: Sources,
    log: LogHandle,
    clock: Arc<dyn Clock>,
    config: Arc<Config>,
    authority: Authority,
    hub: Arc<Hub>,
    lock: Lock,
    bells: Bells,
}

impl Start {
    /// Serves until asked to stop; gives back by what.
    async fn serve(self, store: StoreHandle, out: &Output) -> Result<&'static str, Failure> {
        let stop = stop_requested().context("listen for signals")?;
        let socket = bind(&self.config.listen).await?;
        let address = socket.local_addr().context("the address of the listener")?;
        let hub = Arc::clone(&self.hub);
        // From here on feed numbers belong to this start, before any office hears of one.
        store.run(move |tx| hub.begin_serving(tx)).await?;
        reached(Step::HubEpochBegun);
        match Offers::load(&self.dir) {
            Ok(offers) => self.hub.put_offers(offers),
            Err(error) => {
                tracing::warn!(ev = "update.list_unreadable", %error, "no updates are offered: stage them again")
            }
        }
        let (config_sender, config) = watch::channel(Arc::clone(&self.config));
        let service = Service {
            running: true,
            since: Some(self.clock.wall_ms()),
            sync: Some(format!("https://{address}")),
            pid: Some(std::process::id()),
        };
        let serving = Serving {
            dir: self.dir.clone(),
            store,
            hub: self.hub,
            root: self.authority.root().clone(),
            counters: Arc::default(),
            attempts: Arc::new(Mutex::new(attempts(&self.config, self.clock.boot_ms()))),
            clock: self.clock,
            authority: Arc::new(RwLock::new(self.authority)),
            config,
            rhythms: Arc::default(),
            service,
            backups: backup::Backups::default(),
            crowd: Crowd::default(),
            bells: self.bells,
        };
        let (tls_sender, tls) = watch::channel(serving.tls()?);
        let limits = Limits {
            connections: connections_max(self.config.sessions_max),
            handshake: self.config.handshake,
            idle: self.config.idle,
            stall: self.config.stall,
        };
        let door = Listener { socket, tls, routes: Arc::new(Routes { serving: serving.clone() }), limits };
        let doors = Doors::open(&serving).await?;
        let mut addresses = doors.addresses();
        let doors = doors.serve(&serving)?;
        let control = control(&serving, &self.lock)?;
        let reload = reload::run(self.sources, self.log, config_sender)?;

        let console = crate::console::open(&serving).await;
        addresses.extend(console.as_ref().map(|console| ("console", console.url.clone())));
        tracing::info!(ev = "service.started", sync = %format!("https://{address}"), "the hub is ready");
        out.document(&ready(address, &addresses));
        manager::ready();
        let (stopped, ask_to_stop) = stopping(stop);
        tokio::select! {
            () = door.run(stopped, self.config.grace) => {}
            () = control => {}
            () = reload => {}
            () = doors => {}
            () = renew_in_time(&serving, &tls_sender) => {}
            () = backup::nightly(serving.clone()) => {}
            () = work::run(serving.clone()) => {}
            () = chain::daily(serving.clone()) => {}
            () = crate::alert::run(serving.clone()) => {}
            () = say_alive(&serving.store) => {}
            // The next start looks at what is really on the disk; nobody was told more than that.
            () = serving.store.closed() => return Err(Failure::of(Ktg::DiskFailed)),
        }
        manager::stopping();
        serving.backups.stop();
        if let Some(console) = console {
            console.close().await;
        }
        Ok(ask_to_stop.get().copied().unwrap_or("-"))
    }
}

/// Tells the service manager that the hub is alive, as long as its store answers.
async fn say_alive(store: &StoreHandle) {
    let Some(every) = manager::alive_every() else { return std::future::pending().await };
    loop {
        // A store that is gone ends the hub elsewhere.
        if store.run(|_| Ok::<_, Failure>(())).await.is_ok() {
            manager::alive();
        }
        tokio::time::sleep(every).await;
    }
}

/// As many connections as are wished for and as the system has file descriptors for.
fn connections_max(wished: usize) -> usize {
    let possible = raise_open_files_max().map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    let room = possible.saturating_sub(OTHER_FILES).max(1);
    if room < wished {
        tracing::warn!(ev = "listener.few_files", wished, room, "the system allows fewer connections than configured");
    }
    wished.min(room)
}

/// The line that scripts wait for.
fn ready(address: SocketAddr, doors: &[(&'static str, String)]) -> serde_json::Value {
    let mut line = json!({ "event": "ready", "sync": format!("https://{address}"), "pid": std::process::id() });
    if let Some(line) = line.as_object_mut() {
        line.extend(doors.iter().map(|(name, url)| ((*name).to_owned(), url.as_str().into())));
    }
    line
}

/// A future that ends with `stop`, and the place where the name of the signal stands then.
fn stopping(
    stop: impl Future<Output = &'static str>,
) -> (impl Future<Output = ()>, Arc<std::sync::OnceLock<&'static str>>) {
    let name = Arc::new(std::sync::OnceLock::new());
    let noted = Arc::clone(&name);
    let stopped = async move {
        let signal = stop.await;
        tracing::info!(ev = "service.stopping", signal, "the hub is stopping");
        let _ = noted.set(signal);
    };
    (stopped, name)
}

async fn bind(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(
            Exit::Failed,
            format!("Alamat {address} tidak dapat dipakai."),
            format!("The address {address} cannot be used."),
        )
        .with_hint("pilih alamat lain dengan --listen", "choose another address with --listen")
        .caused_by(error)
    })
}

fn attempts(config: &Config, now_ms: u64) -> Bucket {
    Bucket::new(config.enrol_attempts, MINUTE_MS / u64::from(config.enrol_attempts.max(1)), now_ms)
}

/// Answers commands, until dropped.
#[cfg(unix)]
fn control(serving: &Serving, lock: &Lock) -> Result<impl Future<Output = ()> + use<>, Failure> {
    use crate::service::{Answer, Order, Request, alert, execute};
    use kentongan_host::control;

    let socket = control::Listener::bind(&serving.dir, lock)?;
    let serving = serving.clone();
    Ok(control::serve(socket, move |request, progress| {
        let serving = serving.clone();
        async move {
            let order: Order = serde_json::from_value(request).map_err(|error| {
                Failure::usage("Permintaan tidak dikenal.", "The request is not known.").caused_by(error)
            })?;
            if let Request::Backup(crate::service::backup::Request::Run { to }) = order.request {
                // A line that finds no reader means that the command has gone: nobody waits for this backup any more.
                let tell = move |phase: crate::backup::Phase, (done, all): (u64, u64)| {
                    progress.send_blocking(json!({ "phase": phase.code(), "done": done, "all": all }))
                };
                let done = backup::make(&serving, to, order.actor, tell).await?;
                return Ok(serde_json::to_value(Answer::Backup(Box::new(done))).context("write the answer")?);
            }
            if order.request == Request::Alert(alert::Request::Test) {
                let named = serving.store.run(|tx| tx.hub()).await?.ok_or_else(crate::service::no_hub)?;
                let channels = crate::alert::test(&serving.config(), &named.name, serving.clock.wall_ms()).await;
                let answer = Answer::Alert(alert::Answer::Tested(alert::Tested { channels }));
                return Ok(serde_json::to_value(answer).context("write the answer")?);
            }
            let desk = serving.desk(&order.actor);
            let answer = serving.store.run(move |tx| execute(tx, &desk, &order.request)).await?;
            reached(Step::HubOrderDone);
            Ok(serde_json::to_value(&answer).context("write the answer")?)
        }
    }))
}

#[cfg(not(unix))]
fn control(_serving: &Serving, _lock: &Lock) -> Result<impl Future<Output = ()> + use<>, Failure> {
    Ok(std::future::pending())
}

/// A hub that runs for a year gets its new certificate without a restart.
async fn renew_in_time(serving: &Serving, tls: &watch::Sender<Arc<ServerConfig>>) {
    loop {
        tokio::time::sleep(CERTIFICATE_LOOK_EVERY).await;
        let renewed = {
            let mut authority = serving.authority.write().unwrap_or_else(PoisonError::into_inner);
            authority.renew_hub_if_due(serving.clock.wall_ms())
        };
        match renewed.and_then(|renewed| if renewed { serving.tls().map(Some) } else { Ok(None) }) {
            Ok(Some(config)) => {
                // The door holds the other end as long as this runs.
                let _ = tls.send(config);
                tracing::info!(ev = "hub.certificate_renewed", "the hub has a new certificate");
            }
            Ok(None) => {}
            Err(failure) => tracing::error!(ev = "hub.certificate_failed", error = %failure, "no new certificate"),
        }
    }
}
