//! Details to save for IT staff: how everything stands, the last attempts, the last events. All of it can be read before it is
//! given away, and nothing of it is of a person: no content of records, no names, no keys.

use std::collections::VecDeque;
use std::fmt::Write;

use kentongan_host::fail::Failure;
use kentongan_host::{logging, moment};
use kentongan_web::Reply;

use super::route::Pages;
use super::shell::Shell;
use crate::show;

/// Attempts to reach the hub, the last ones.
const CONTACTS_MAX: u32 = 100;
/// Events, the last ones.
const EVENTS_MAX: usize = 300;

/// The file.
pub(super) async fn details(pages: &Pages, shell: &Shell) -> Result<Reply, Failure> {
    let standing = pages.agent.standing().await?;
    let contacts = pages.agent.ask(|store| store.contacts_since(i64::MIN, CONTACTS_MAX)).await?;
    let log = logging::log_file(pages.agent.dir());
    let events = tokio::task::spawn_blocking(move || events(&log)).await.map_err(anyhow::Error::new)?;
    let mut text = String::new();
    let mut put = |title: &str, body: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "== {title} ==\n{body}");
    };
    put("program", &crate::program());
    put("status", &serde_json::to_string_pretty(&show::status(&standing)).unwrap_or_default());
    let lines = contacts.iter().map(|contact| {
        let (began, ended) = (moment::text(contact.began_ms), moment::text(contact.ended_ms));
        let code = if contact.code == 0 { "ok".to_owned() } else { format!("KTG-{}", contact.code) };
        format!("{began} {ended} {code} up={} down={} {}", contact.up_bytes, contact.down_bytes, contact.detail)
    });
    put("contacts", &lines.collect::<Vec<_>>().join("\n"));
    put("events", &events);
    let day = shell.clock(standing.now_ms).day(standing.now_ms).map_or_else(String::new, |day| format!("-{day}"));
    let name = format!("kentongan-rincian{day}.txt");
    Ok(Reply::text(text).to_keep_as(&name))
}

/// The last events of the log; a sentence instead if it cannot be read.
fn events(log: &std::path::Path) -> String {
    let wanted = logging::Tail { since_ms: None, level: tracing::Level::INFO, follow: false };
    let mut last = VecDeque::new();
    let read = logging::tail(log, wanted, &|| false, &mut |line| {
        if last.len() == EVENTS_MAX {
            last.pop_front();
        }
        last.push_back(line.to_string());
        true
    });
    match read {
        Ok(()) => last.into_iter().collect::<Vec<_>>().join("\n"),
        Err(error) => format!("the log cannot be read: {error}"),
    }
}
