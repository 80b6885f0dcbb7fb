//! The door to training, and its pages.
//!
//! ```text
//!   http://127.0.0.1:8710/    the office          /latihan: begin, end
//!   http://127.0.0.2:8710/    the training office, as long as it is open: the same pages, marked, without what leads out
//! ```
//!
//! Another address, and not only another port or path: browsers share cookies among ports, and who has both open must never save a
//! real complaint into training, or the reverse.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use askama::Template;
use kentongan_host::Exit;
use kentongan_host::fail::Failure;
use kentongan_web::{Asked, Guard, Limits, Reply, Secret, listener};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify};

use super::Open;
use super::route::Pages;
use super::shell::{self, Shell};
use crate::agent::Agent;
use crate::training::{TrainingOffice, erase};

/// All of 127/8 is this PC; the page of the office is at 127.0.0.1.
const TRAINING_IP: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// After so long without anybody it ends by itself.
const IDLE_MAX: Duration = Duration::from_secs(3_600);
/// How often that is looked at.
const IDLE_LOOK: Duration = Duration::from_secs(60);
/// Whoever ended it is still told so.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Which of the two the pages belong to.
#[derive(Debug)]
pub(super) enum Training {
    /// The office, which has a door to training.
    Beside(Room),
    /// The training office.
    Within(Arc<Within>),
}

/// Room for one training office.
#[derive(Debug, Clone, Default)]
pub(super) struct Room(Arc<Mutex<Option<Opened>>>);

#[derive(Debug)]
struct Opened {
    address: SocketAddr,
    within: Arc<Within>,
    office: TrainingOffice,
    page: Open,
}

/// What the pages of a training office know of it.
#[derive(Debug)]
pub(super) struct Within {
    /// Rung when it is over.
    over: Notify,
    /// When somebody last asked for a page, by the clock that does not jump.
    asked_ms: AtomicU64,
}

impl Training {
    /// Whether these are the pages of a training office.
    pub(super) fn is_within(&self) -> bool {
        matches!(self, Training::Within(_))
    }

    /// Notes that somebody is there.
    pub(super) fn note_asked(&self, now_ms: u64) {
        if let Training::Within(within) = self {
            within.asked_ms.store(now_ms, Ordering::Relaxed);
        }
    }

    /// Whether a place leads out of training: to the hub, to other machines, to the people of the office.
    pub(super) fn is_shut(&self, parts: &[&str]) -> bool {
        let leads_out = matches!(
            parts,
            ["pengiriman" | "kiriman" | "kirim" | "kios" | "orang" | "pin" | "masuk" | "lupa" | "keluar", ..]
        );
        self.is_within() && leads_out
    }
}

impl Room {
    async fn address(&self) -> Option<SocketAddr> {
        self.0.lock().await.as_ref().map(|opened| opened.address)
    }

    /// Opens a training office, unless one is open.
    async fn open(&self, agent: &Agent) -> Result<(), Failure> {
        let mut room = self.0.lock().await;
        if room.is_some() {
            return Ok(());
        }
        let socket = bound(agent).await.map_err(no_address)?;
        let address = socket.local_addr().map_err(no_address)?;
        let member = agent.ask(|store| Ok(store.member().cloned())).await?;
        let office = TrainingOffice::open(agent.dir(), member, (*agent.settings()).clone()).await?;
        let secret = Secret::of_file(&office.agent().dir().page_key()).map_err(anyhow::Error::new)?;
        let asked_ms = AtomicU64::new(agent.mono_ms());
        let within = Arc::new(Within { over: Notify::new(), asked_ms });
        let training = Training::Within(Arc::clone(&within));
        let site = Arc::new(Pages::new(Arc::clone(office.agent()), secret, training));
        // A link of the office's page leads here.
        let guard = Guard::at(address).with_links();
        let task = tokio::spawn(listener::serve(socket, guard, site, Limits::default()));
        tokio::spawn(ends(self.clone(), Arc::clone(&within), Arc::clone(office.agent())));
        tracing::info!(ev = "training.opened", %address, "a training office is open");
        *room = Some(Opened { address, within, office, page: Open(task.abort_handle()) });
        Ok(())
    }

    /// Ends the training office, if one is open. When this returns, it is gone.
    async fn close(&self) -> Result<(), Failure> {
        let Some(Opened { within, office, page, .. }) = self.0.lock().await.take() else { return Ok(()) };
        // Its guardian has nothing more to wait for.
        within.over.notify_one();
        drop(page);
        let closed = office.close().await;
        tracing::info!(ev = "training.ended", erased = closed.is_ok(), "the training office is gone");
        closed
    }
}

/// Ends a training office that was ended on its own page, or where nobody is any more.
async fn ends(room: Room, within: Arc<Within>, agent: Arc<Agent>) {
    loop {
        tokio::select! {
            () = within.over.notified() => {
                tokio::time::sleep(LAST_WORDS).await;
                break;
            }
            () = tokio::time::sleep(IDLE_LOOK) => {
                let idle_ms = agent.mono_ms().saturating_sub(within.asked_ms.load(Ordering::Relaxed));
                if u128::from(idle_ms) >= IDLE_MAX.as_millis() {
                    break;
                }
            }
        }
    }
    drop(agent);
    let is_this = room.0.lock().await.as_ref().is_some_and(|opened| Arc::ptr_eq(&opened.within, &within));
    if is_this && let Err(error) = room.close().await {
        tracing::warn!(ev = "training.not_erased", %error, "what was entered in training could not be erased yet");
    }
}

/// The port of the office's page, where it is free at the other address.
async fn bound(agent: &Agent) -> std::io::Result<TcpListener> {
    let port = agent.page().and_then(|page| page.trim_end_matches('/').rsplit(':').next()?.parse().ok()).unwrap_or(0);
    match TcpListener::bind((TRAINING_IP, port)).await {
        Ok(socket) => Ok(socket),
        Err(_) => TcpListener::bind((TRAINING_IP, 0)).await,
    }
}

fn no_address(error: std::io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        "Latihan tidak dapat dibuka di komputer ini.",
        "Training cannot be opened on this computer.",
    )
    .caused_by(error)
}

/// Erases what a training left that ended with the power.
pub(super) fn tidy(agent: &Agent) {
    if let Err(error) = erase(agent.dir()) {
        tracing::warn!(ev = "training.not_erased", %error, "what was entered in training could not be erased yet");
    }
}

#[derive(Debug, Template)]
#[template(path = "training.html")]
struct DoorPage<'a> {
    s: &'a Shell,
    address: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "training_over.html")]
struct OverPage<'a> {
    s: &'a Shell,
}

/// The door: what training is, and how it begins.
pub(super) async fn show(pages: &Pages, shell: &Shell) -> Result<Reply, Failure> {
    let Training::Beside(room) = &pages.training else { return Ok(Reply::go_to("/")) };
    let address = room.address().await.map(|address| format!("http://{address}/"));
    Ok(shell::page(&DoorPage { s: shell, address }))
}

/// Begins or ends training; on a page of the training office, ends it.
pub(super) async fn rule(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    match &pages.training {
        Training::Within(within) => {
            within.over.notify_one();
            return Ok(shell::page(&OverPage { s: shell }));
        }
        Training::Beside(room) => match posted.fields.text("aksi") {
            "mulai" => room.open(&pages.agent).await?,
            "selesai" => room.close().await?,
            _ => {}
        },
    }
    Ok(Reply::go_to("/latihan"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_out_is_shut_in_training_and_open_beside_it() {
        let within = Within { over: Notify::new(), asked_ms: AtomicU64::new(0) };
        let (within, beside) = (Training::Within(Arc::new(within)), Training::Beside(Room::default()));
        for parts in [&["pengiriman", "rincian"][..], &["kirim"], &["kiriman", "jawaban"], &["kios"], &["orang"]] {
            assert!(within.is_shut(parts) && !beside.is_shut(parts), "{parts:?}");
        }
        for parts in [&[""][..], &["isi", "pengaduan"], &["catatan"], &["rekap"], &["kertas"], &["bantuan"]] {
            assert!(!within.is_shut(parts), "{parts:?}");
        }
    }
}
