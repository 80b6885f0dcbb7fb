//! `alert …`

use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure};

use super::args::AlertCommand;
use super::ask::{Asked, ask, unexpected};
use super::{Context, document, words};
use crate::alert::{new_secret, sentence};
use crate::service::alert::{Answer, Channel, List, Request};
use crate::service::{self, Request as Service};

pub(super) fn run(context: &Context<'_>, command: &AlertCommand) -> Result<Exit, Failure> {
    match command {
        AlertCommand::List => list(context),
        AlertCommand::Test => test(context),
        AlertCommand::Secret => {
            context.out.line(&new_secret());
            Ok(Exit::Done)
        }
    }
}

fn list(context: &Context<'_>) -> Result<Exit, Failure> {
    let out = context.out;
    let service::Answer::Alert(Answer::List(list)) = ask(context, Service::Alert(Request::List))? else {
        return Err(unexpected());
    };
    if out.json {
        out.document(&document("kentongan.hub.alerts/1", &list));
        return Ok(Exit::Done);
    }
    let List { open, channels } = list;
    let mut table = Table::headless();
    for open in &open {
        let told = if open.is_told { "▲" } else { "…" };
        table.row([told, &words::time(out, open.first_seen_at), &sentence(&open.trouble, out.lang)]);
    }
    out.table(&table);
    if open.is_empty() {
        out.say("Tidak ada masalah yang terbuka.", "No trouble is open.");
    }
    let mut table = Table::headless();
    for channel in &channels {
        table.row([channel.channel.clone(), state_of(context, channel)]);
    }
    out.table(&table);
    if channels.is_empty() {
        out.say(
            "Belum ada yang diberi tahu: isi [mail] atau [webhooks] di hub.toml.",
            "Nobody is told yet: fill [mail] or [webhooks] in hub.toml.",
        );
    }
    Ok(Exit::Done)
}

fn state_of(context: &Context<'_>, channel: &Channel) -> String {
    let out = context.out;
    if channel.is_gone {
        return out.pick("tidak mau menerima lagi (410)", "wants no more (410)").to_owned();
    }
    let last = words::time_or_dash(out, channel.delivered_at);
    let mut said = format!("{} {last}", out.pick("terakhir diterima", "last taken"));
    if let Some(failure) = &channel.failure {
        said.push_str(&format!("; {}: {failure}", out.pick("gagal", "failed")));
    }
    if let Some(next) = channel.next_at {
        let (waiting, next) = (channel.waiting, words::time(out, next));
        said.push_str(&match out.lang {
            kentongan_host::Lang::Id => format!("; {waiting} menunggu, dicoba lagi {next}"),
            kentongan_host::Lang::En => format!("; {waiting} waiting, next try {next}"),
        });
    }
    said
}

fn test(context: &Context<'_>) -> Result<Exit, Failure> {
    let out = context.out;
    let mut hub = Asked::reach(context)?;
    let tested = hub.test_alerts();
    hub.close()?;
    let tested = tested?;
    let all_taken = tested.channels.iter().all(|tried| tried.failure.is_none());
    if out.json {
        out.document(&document("kentongan.hub.alert.test/1", &tested));
    } else {
        let mut table = Table::headless();
        for tried in &tested.channels {
            let mark = if tried.failure.is_none() { "✔" } else { "✖" };
            table.row([mark, &tried.channel, tried.failure.as_deref().unwrap_or("")]);
        }
        out.table(&table);
    }
    if tested.channels.is_empty() {
        return Err(Failure::usage("Belum ada yang diberi tahu.", "Nobody is told yet.")
            .with_hint("isi [mail] atau [webhooks] di hub.toml", "fill [mail] or [webhooks] in hub.toml"));
    }
    Ok(if all_taken { Exit::Done } else { Exit::Failed })
}
