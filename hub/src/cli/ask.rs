//! How a command gets its answers: from the running service, or by itself when none runs.

use std::sync::{Arc, RwLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use kentongan_host::{Clock, DataDir, Exit, Failure, Ktg, Lock, SystemClock};

use super::{Context, words};
use crate::config::{self, Config};
use crate::service::status::Service;
use crate::service::{Answer, Desk, Order, Request, execute};
use crate::setup::Opened;
use crate::store::sqlite::SqliteStore;
use crate::store::transact_with;

/// A service that starts holds the lock before it answers: wait this long for either.
const START_WAIT: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Has one request answered.
///
/// # Errors
/// Whatever the request fails with, or that nobody can answer it.
pub(super) fn ask(context: &Context<'_>, request: Request) -> Result<Answer, Failure> {
    let mut hub = Asked::reach(context)?;
    let answer = hub.ask(request);
    hub.close()?;
    answer
}

/// Who answers the requests of a command.
pub(super) enum Asked {
    /// The running service.
    #[cfg(unix)]
    Service(kentongan_host::control::Client),
    /// This process, under the lock.
    Here(Box<Here>),
}

/// A hub that this process has opened for its command.
pub(super) struct Here {
    store: SqliteStore,
    desk: Desk,
    /// Held until the command is done.
    _lock: Lock,
}

impl Asked {
    /// Finds the running service, or opens the hub when none runs.
    ///
    /// # Errors
    /// There is no hub in the folder, or another process works on it and does not answer.
    pub(super) fn reach(context: &Context<'_>) -> Result<Asked, Failure> {
        let began = Instant::now();
        loop {
            if let Some(service) = running(&context.dir)? {
                return Ok(service);
            }
            match Here::open(context) {
                Err(failure) if failure.ktg == Some(Ktg::StoreInUse) && began.elapsed() < START_WAIT => {
                    sleep(LOOK_EVERY);
                }
                opened => return Ok(Asked::Here(Box::new(opened?))),
            }
        }
    }

    /// Has a request answered; as many as one likes, one after the other.
    ///
    /// # Errors
    /// Whatever the request fails with, or that the service went away.
    pub(super) fn ask(&mut self, request: Request) -> Result<Answer, Failure> {
        match self {
            #[cfg(unix)]
            Asked::Service(client) => {
                let order = Order { actor: words::person(), request };
                let request = serde_json::to_value(&order).context("write the request")?;
                let answer = client.call(&request, |_| {})?;
                Ok(serde_json::from_value(answer).context("read the answer of the service")?)
            }
            Asked::Here(here) => {
                let desk = &here.desk;
                transact_with(&mut here.store, |tx| execute(tx, desk, &request))
            }
        }
    }

    /// Ends the conversation.
    ///
    /// # Errors
    /// The store cannot be closed; nothing that was answered is lost by that.
    pub(super) fn close(self) -> Result<(), Failure> {
        match self {
            #[cfg(unix)]
            Asked::Service(_) => Ok(()),
            Asked::Here(here) => Ok(here.store.close()?),
        }
    }
}

impl Here {
    fn open(context: &Context<'_>) -> Result<Here, Failure> {
        let clock = SystemClock::new();
        let sources = config::sources(&context.dir, context.common.config.clone(), Vec::new());
        let config = Config::of(&config::load(&sources)?);
        let Opened { hub, store, authority, lock } = Opened::open(&context.dir, clock.wall_ms())?;
        let desk = Desk {
            dir: context.dir.clone(),
            hub,
            authority: Arc::new(RwLock::new(authority)),
            config: Arc::new(config),
            service: Service::default(),
            now_ms: clock.wall_ms(),
            actor: words::person(),
        };
        Ok(Here { store, desk, _lock: lock })
    }
}

#[cfg(unix)]
fn running(dir: &DataDir) -> Result<Option<Asked>, Failure> {
    Ok(kentongan_host::control::Client::connect(dir)?.map(Asked::Service))
}

#[cfg(not(unix))]
fn running(_dir: &DataDir) -> Result<Option<Asked>, Failure> {
    Ok(None)
}

/// An answer to another question than the one that was asked: a service of another version.
pub(super) fn unexpected() -> Failure {
    Failure::new(
        Exit::Version,
        "Layanan yang berjalan menjawab lain dari yang ditanya; versinya mungkin berbeda.",
        "The running service answers something else than was asked; its version may differ.",
    )
    .with_hint("jalankan ulang layanan kentongan-hub", "restart the kentongan-hub service")
}
