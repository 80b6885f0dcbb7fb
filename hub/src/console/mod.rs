//! The hub's console: what operators see and decide in a browser.
//!
//! ```text
//!   browser ── kentongan-web ── route ── who is it, may they? ──┬─ door      logging in
//!                               (one table of all pages)        ├─ account   oneself
//!                                                               ├─ people    everybody else
//!                                                               ├─ audit     who did what
//!                                                               └─ ...       one file a page
//! ```
//!
//! - It decides nothing: a page asks the services that commands ask, under the name of who is logged in.
//! - **One table** in `route` says what there is, by which method, and who may; one place looks who asks. A page that is
//!   not in the table does not exist, so none can forget to look.
//! - Pages read what is committed, from a connection of their own ([`Console::look`]): however many people look, no office
//!   waits for them. What they change goes where everything is written ([`Console::change`]).
//! - Each page is whole without a script. Words stand in `words/`, looks in `assets/`, structure in `templates/`; a
//!   template escapes whatever it shows, and complaints are written by strangers.

mod account;
mod audit;
mod bundle;
mod carried;
mod cases;
mod conflicts;
mod door;
mod enrolment;
mod fleet;
mod gate;
mod office;
mod people;
mod route;
mod sheet;
mod shell;
mod signs;
mod surveys;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use kentongan_host::output::in_lang;
use kentongan_host::{Failure, secret};
use kentongan_web::asked::{Posted, Unreadable};
use kentongan_web::{Asked, Guard, Limits, Reply, Secret, listener};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use crate::serve::Serving;
use crate::service::{Answer, Desk, Request, execute};
use crate::store::Tx;
use crate::store::owner::{StoreHandle, StoreOwner};
use crate::store::sqlite::SqliteStore;
use gate::Gate;
use route::Visit;

/// Largest form, in bytes: a list of all offices of a province fits.
const FORM_BYTES_MAX: usize = 8 << 20;
/// Passwords that are computed at the same time: each takes a processor and 19 MiB.
const PASSWORDS_AT_ONCE: usize = 2;

/// The open console. Dropping it shuts its door.
#[derive(Debug)]
pub(crate) struct Open {
    door: AbortHandle,
    reader: Option<StoreOwner<SqliteStore>>,
    /// Where it listens.
    pub(crate) url: String,
}

impl Open {
    /// Shuts the door and gives up the connection to the store: whoever closes the store after that is its last user,
    /// and only the last one leaves no write-ahead log behind.
    pub(crate) async fn close(mut self) {
        self.door.abort();
        if let Some(reader) = self.reader.take() {
            // A reader whose thread ended by a defect has let go of the store as well.
            let _ = tokio::task::spawn_blocking(move || reader.stop().map(drop)).await;
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.door.abort();
    }
}

/// Opens the console, unless the settings say that there is none. A hub without a console still serves its offices, so
/// one that cannot be opened is told and not a failure.
pub(crate) async fn open(serving: &Serving) -> Option<Open> {
    let config = serving.config();
    if config.listen_console.is_empty() {
        return None;
    }
    match door(serving, &config.listen_console, &config.console_address).await {
        Ok(open) => Some(open),
        Err(error) => {
            let address = config.listen_console.as_str();
            tracing::error!(ev = "console.not_opened", address, error = format!("{error:#}"), "there is no console");
            None
        }
    }
}

async fn door(serving: &Serving, listen: &str, known_as: &str) -> anyhow::Result<Open> {
    let socket = TcpListener::bind(listen).await.context("listen")?;
    let address = socket.local_addr()?;
    let is_https = known_as.starts_with("https://");
    if !address.ip().is_loopback() && !is_https {
        anyhow::bail!("beyond this machine passwords need TLS: set console.address to the https:// address of a proxy");
    }
    let mut guard = Guard::loopback(address.port()).with_links();
    if !known_as.is_empty() {
        guard = guard.known_as(known_as);
    }
    let reader = SqliteStore::open_reader(&serving.dir.store()).context("open the store for reading")?;
    let reader = StoreOwner::start(reader)?;
    let console = Console {
        serving: serving.clone(),
        reader: reader.handle(),
        secret: Secret::of_file(&serving.dir.page_key())?,
        gate: Mutex::default(),
        passwords: Semaphore::new(PASSWORDS_AT_ONCE),
        is_https,
    };
    let task = tokio::spawn(listener::serve(socket, guard, Arc::new(console), Limits::default()));
    let url = format!("http://{address}/");
    tracing::info!(ev = "console.opened", %address, "the console is open");
    Ok(Open { door: task.abort_handle(), reader: Some(reader), url })
}

/// All pages of the console, and what they work with.
#[derive(Debug)]
struct Console {
    serving: Serving,
    /// A connection to the store that only reads.
    reader: StoreHandle,
    secret: Secret,
    gate: Mutex<Gate>,
    passwords: Semaphore,
    /// Whether people reach it by TLS.
    is_https: bool,
}

impl Console {
    /// Has a service answer whoever visits. What it changes is durable when this returns.
    ///
    /// # Errors
    /// Whatever the service fails with, in the language of the page.
    async fn ask(&self, visit: &Visit, request: Request) -> Result<Answer, Failure> {
        self.change(visit, move |tx, desk| execute(tx, desk, &request)).await
    }

    /// Reads what is committed. Writing fails.
    ///
    /// # Errors
    /// Whatever `work` fails with.
    async fn look<T: Send + 'static>(
        &self,
        visit: &Visit,
        work: impl FnOnce(&mut dyn Tx, &Desk) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (desk, lang) = (self.desk(visit), visit.shell.w.lang);
        self.reader.run(move |tx| in_lang(lang, || work(tx, &desk))).await
    }

    /// Changes something, in one transaction.
    ///
    /// # Errors
    /// Whatever `work` fails with; nothing is changed then.
    async fn change<T: Send + 'static>(
        &self,
        visit: &Visit,
        work: impl FnOnce(&mut dyn Tx, &Desk) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (desk, lang) = (self.desk(visit), visit.shell.w.lang);
        self.serving.store.run(move |tx| in_lang(lang, || work(tx, &desk))).await
    }

    /// What services need, for whoever visits.
    fn desk(&self, visit: &Visit) -> Desk {
        Desk { via: Some(visit.via()), now_ms: visit.shell.clock.now_ms, ..self.serving.desk(visit.name()) }
    }

    /// The form that was sent; or the page that says why it was not taken.
    ///
    /// # Errors
    /// That page.
    async fn posted(&self, asked: Asked, visit: &Visit) -> Result<Posted, Reply> {
        use hyper::StatusCode;
        asked.posted(&self.secret, FORM_BYTES_MAX).await.map_err(|why| match why {
            Unreadable::TooLarge => shell::refusal(&visit.shell, StatusCode::PAYLOAD_TOO_LARGE, "tolak.besar"),
            Unreadable::Broken => shell::refusal(&visit.shell, StatusCode::BAD_REQUEST, "tolak.terpotong"),
            Unreadable::Token => shell::refusal(&visit.shell, StatusCode::FORBIDDEN, "tolak.kunci"),
        })
    }

    /// Whether a password is the one of which this is the hash.
    async fn fits(&self, password: String, hash: String) -> bool {
        let _place = self.passwords.acquire().await;
        tokio::task::spawn_blocking(move || secret::verify(&password, &hash)).await.unwrap_or(false)
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// The program is stopping.
    async fn hash(&self, password: String) -> Result<String, Failure> {
        let _place = self.passwords.acquire().await;
        let hash = tokio::task::spawn_blocking(move || secret::hash(&password)).await;
        Ok(hash.context("compute the hash of a password")?)
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
