//! What was told to whom: alerts that are open, and where letters wait.

use kentongan_host::{Failure, moment};
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::alert::trouble::Trouble;
use crate::alert::{Tried, kept};
use crate::store::Tx;

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// What is open, and how each way fares.
    List,
    /// Sends a test letter; no transaction, so [`super::execute`] refuses it: see [`crate::alert::test`].
    Test,
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::List`].
    List(List),
    /// To [`Request::Test`].
    Tested(Tested),
}

/// What is open, and how each way fares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct List {
    /// Troubles, also those that have not lasted long enough to be told.
    pub open: Vec<Open>,
    /// Mailboxes and programs.
    pub channels: Vec<Channel>,
}

/// A trouble that is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// What.
    #[serde(flatten)]
    pub trouble: Trouble,
    /// When the hub first saw it.
    #[serde(with = "moment")]
    pub first_seen_at: i64,
    /// Whether somebody was told.
    pub is_told: bool,
}

/// A way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// `mail ADDRESS` or `webhook HOST #NUMBER`.
    pub channel: String,
    /// Letters that wait.
    pub waiting: u64,
    /// When one was last taken.
    #[serde(with = "moment::option")]
    pub delivered_at: Option<i64>,
    /// Why the last attempt failed.
    pub failure: Option<String>,
    /// When the next attempt is made, while letters wait.
    #[serde(with = "moment::option")]
    pub next_at: Option<i64>,
    /// Letters that grew too old before they could be delivered.
    pub lost: u64,
    /// The program wants no more letters: take its address out of the configuration.
    pub is_gone: bool,
}

/// How a test went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// One for each way.
    pub channels: Vec<Tried>,
}

/// Answers a request about alerts.
///
/// # Errors
/// A failure of the store.
pub fn execute(tx: &mut dyn Tx, _desk: &Desk, request: Request) -> Result<Answer, Failure> {
    if request == Request::Test {
        let no = "Letters are sent beside the store, not within one of its transactions.";
        return Err(Failure::usage("Surat dikirim di samping penyimpanan, bukan di dalam transaksinya.", no));
    }
    let ledger = kept(tx)?;
    let open = ledger.open().map(|open| Open {
        trouble: open.trouble.clone(),
        first_seen_at: open.first_ms,
        is_told: open.is_told,
    });
    let channels = ledger.channels().map(|(name, channel)| Channel {
        channel: name.clone(),
        waiting: channel.waiting.len() as u64,
        delivered_at: channel.delivered_ms,
        failure: Some(channel.failure.clone()).filter(|failure| !failure.is_empty()),
        next_at: Some(channel.next_ms).filter(|_| !channel.waiting.is_empty()),
        lost: channel.lost,
        is_gone: channel.is_gone,
    });
    Ok(Answer::List(List { open: open.collect(), channels: channels.collect() }))
}
