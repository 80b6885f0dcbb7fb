//! The office's page: what a clerk sees and types in a browser on this PC.
//!
//! ```text
//!   browser ── kentongan-web ── route ─┬─ home, delivery ── verdict, chain     how everything stands
//!                                      ├─ entry ── draft, check, receipt       what a citizen says
//!                                      ├─ paper ── blank surveys, and typing what came back on them
//!                                      ├─ records                              what was entered, and what became of it
//!                                      ├─ carrying                             what goes by USB stick
//!                                      ├─ training                             the same pages of a made-up office
//!                                      └─ sheet, help
//!   tablet ─── kentongan-web ── kiosk      another door, another map: answers go in, nothing comes out
//! ```
//!
//! - It decides nothing: records are entered, changed and shown by the functions that commands use.
//! - Each page is whole without a script: forms post and links lead. The script saves drafts while one types, brings
//!   numbers up to date, and knows the keyboard.
//! - Words stand in `words/`, and an office may say some in its own way (`words.rs`); looks in `assets/`, structure in `templates/`. A template escapes whatever it shows.
//! - Nothing of a person stands in an address or in the log.

mod carrying;
mod details;
mod due;
mod entry;
mod help;
mod home;
mod kiosk;
mod paper;
mod people;
mod records;
mod route;
mod sheet;
mod shell;
mod thrift;
mod training;
mod verdict;
pub(crate) mod words;

use std::sync::Arc;

use kentongan_web::listener;
use kentongan_web::{Guard, Limits, Secret};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::agent::Agent;
use route::Pages;
use training::{Room, Training};

/// The open page. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Open(AbortHandle);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Opens the page, unless the settings say that there is none. An office without a page still sends its records, so a
/// page that cannot be opened is told and not a failure.
pub(crate) async fn open(agent: &Arc<Agent>) -> Option<Open> {
    let settings = agent.settings();
    let address = settings.text("ui", "listen");
    if address.is_empty() {
        return None;
    }
    if let Err(error) = words::take_own(agent.dir()) {
        tracing::error!(ev = "page.own_words_refused", %error, "this office's own words are not shown");
    }
    match door(agent, address).await {
        Ok(open) => Some(open),
        Err(error) => {
            tracing::error!(ev = "page.not_opened", address, %error, "the office's page cannot be opened");
            None
        }
    }
}

/// Opens the kiosk for tablets, if the settings ask for it.
pub(crate) async fn open_kiosk(agent: &Arc<Agent>) -> Option<Open> {
    kiosk::open(agent).await
}

async fn door(agent: &Arc<Agent>, address: &str) -> std::io::Result<Open> {
    let socket = TcpListener::bind(address).await?;
    let address = socket.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(std::io::Error::other("ui.listen must be an address of this PC alone, such as 127.0.0.1:8710"));
    }
    let secret = Secret::of_file(&agent.dir().page_key())?;
    training::tidy(agent);
    let site = Arc::new(Pages::new(Arc::clone(agent), secret, Training::Beside(Room::default())));
    let task = tokio::spawn(listener::serve(socket, Guard::loopback(address.port()), site, Limits::default()));
    agent.note_page(format!("http://{address}/"));
    tracing::info!(ev = "page.opened", %address, "the office's page is open");
    Ok(Open(task.abort_handle()))
}
