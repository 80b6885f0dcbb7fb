//! How a command gets its answer: from the running service, or by itself when none runs.

use std::sync::{Arc, RwLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use kentongan_host::{Clock, Exit, Failure, Ktg, SystemClock};

use super::{Context, words};
use crate::config::{self, Config};
use crate::service::{Answer, Desk, Order, Request, execute};
use crate::setup::Opened;
use crate::store::transact_with;

/// A service that starts holds the lock before it answers: wait this long for either.
const START_WAIT: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Has a request answered.
///
/// # Errors
/// Whatever the request fails with, or that nobody can answer it.
pub(super) fn ask(context: &Context<'_>, request: Request) -> Result<Answer, Failure> {
    let order = Order { actor: words::person(), request };
    let began = Instant::now();
    loop {
        if let Some(answer) = ask_service(context, &order)? {
            return Ok(answer);
        }
        match ask_directly(context, &order) {
            Err(failure) if failure.ktg == Some(Ktg::StoreInUse) && began.elapsed() < START_WAIT => sleep(LOOK_EVERY),
            answered => return answered,
        }
    }
}

/// The answer of the running service; `None` if none runs.
#[cfg(unix)]
fn ask_service(context: &Context<'_>, order: &Order) -> Result<Option<Answer>, Failure> {
    let Some(mut client) = kentongan_host::control::Client::connect(&context.dir)? else { return Ok(None) };
    let request = serde_json::to_value(order).context("write the request")?;
    let answer = client.call(&request, |_| {})?;
    Ok(Some(serde_json::from_value(answer).context("read the answer of the service")?))
}

#[cfg(not(unix))]
fn ask_service(_context: &Context<'_>, _order: &Order) -> Result<Option<Answer>, Failure> {
    Ok(None)
}

/// The answer from the store, under its lock.
fn ask_directly(context: &Context<'_>, order: &Order) -> Result<Answer, Failure> {
    let clock = SystemClock::new();
    let sources = config::sources(&context.dir, context.common.config.clone(), Vec::new());
    let config = Config::of(&config::load(&sources)?);
    let mut opened = Opened::open(&context.dir, clock.wall_ms())?;
    let desk = Desk {
        dir: context.dir.clone(),
        hub: opened.hub,
        authority: Arc::new(RwLock::new(opened.authority)),
        config: Arc::new(config),
        service: crate::service::status::Service::default(),
        now_ms: clock.wall_ms(),
        actor: order.actor.clone(),
    };
    let answer = transact_with(&mut opened.store, |tx| execute(tx, &desk, &order.request));
    opened.store.close()?;
    answer
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
