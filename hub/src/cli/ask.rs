//! How a command gets its answers: from the running service, or by itself when none runs.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use kentongan_host::{Clock, DataDir, Exit, Failure, Ktg, Lock, SystemClock};

use super::{Context, words};
use crate::backup::Phase;
use crate::config::{self, Config};
use crate::salvage::advise;
use crate::service::status::Service;
use crate::service::{Answer, Desk, Order, Request, alert, backup, execute, no_hub};
use crate::setup::Opened;
use crate::store::sqlite::SqliteStore;
use crate::store::sqlite::copying::Step;
use crate::store::{StoreError, Tx, transact_with};

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

    /// Has a backup made, telling how far it is and whether to go on.
    ///
    /// # Errors
    /// There is no new backup, or the service went away.
    pub(super) fn back_up(
        &mut self,
        to: Option<PathBuf>,
        tell: &mut dyn FnMut(Phase, Step) -> bool,
    ) -> Result<backup::Done, Failure> {
        match self {
            #[cfg(unix)]
            Asked::Service(client) => {
                let request = Request::Backup(backup::Request::Run { to });
                let order = Order { actor: words::person(), request };
                let request = serde_json::to_value(&order).context("write the request")?;
                let mut gone = false;
                let answer = client.call_while(&request, |line| {
                    gone = !told(&line, tell);
                    !gone
                });
                if gone {
                    // Dropping the connection tells the service.
                    return Err(crate::backup::Fault::Stopped.into());
                }
                match serde_json::from_value(answer?).context("read the answer of the service")? {
                    Answer::Backup(done) => Ok(*done),
                    _ => Err(unexpected()),
                }
            }
            Asked::Here(here) => {
                let Here { store, desk, .. } = &mut **here;
                let (dir, config) = (&desk.dir, &desk.config);
                let order = backup::Order { dir, config, to, actor: desk.actor.clone(), now_ms: desk.now_ms };
                backup::run(&order, &mut InHand(store), tell)
            }
        }
    }

    /// Has a test letter sent to everybody who is told: by the service, which may see less of the network than a person.
    ///
    /// # Errors
    /// The service went away, or there is no hub.
    pub(super) fn test_alerts(&mut self) -> Result<alert::Tested, Failure> {
        match self {
            #[cfg(unix)]
            Asked::Service(_) => match self.ask(Request::Alert(alert::Request::Test))? {
                Answer::Alert(alert::Answer::Tested(tested)) => Ok(tested),
                _ => Err(unexpected()),
            },
            Asked::Here(here) => {
                let Here { store, desk, .. } = &mut **here;
                let hub = transact_with(store, |tx| tx.hub())?.ok_or_else(no_hub)?;
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.context("start the runtime")?;
                let channels = runtime.block_on(crate::alert::test(&desk.config, &hub.name, desk.now_ms));
                Ok(alert::Tested { channels })
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

/// The store of this process.
struct InHand<'a>(&'a mut SqliteStore);

impl backup::Keeper for InHand<'_> {
    fn keep<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        transact_with(self.0, work)
    }
}

/// Passes on how far a backup of the service is.
#[cfg(unix)]
fn told(line: &serde_json::Value, tell: &mut dyn FnMut(Phase, Step) -> bool) -> bool {
    let number = |name: &str| line.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
    let phase = line.get("phase").and_then(serde_json::Value::as_str);
    let phase = [Phase::Copying, Phase::Checking, Phase::Hashing].into_iter().find(|known| Some(known.code()) == phase);
    tell(phase.unwrap_or(Phase::Copying), (number("done"), number("all")))
}

impl Here {
    fn open(context: &Context<'_>) -> Result<Here, Failure> {
        let clock = SystemClock::new();
        let sources = config::sources(&context.dir, context.common.config.clone(), Vec::new());
        let config = Config::of(&config::load(&sources)?);
        let Opened { hub, store, authority, lock } =
            Opened::open(&context.dir, clock.wall_ms()).map_err(|failure| advise(failure, &context.dir, &config))?;
        let desk = Desk {
            dir: context.dir.clone(),
            hub,
            authority: Arc::new(RwLock::new(authority)),
            config: Arc::new(config),
            rhythms: Arc::default(),
            service: Service::default(),
            now_ms: clock.wall_ms(),
            actor: words::person(),
            via: None,
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
