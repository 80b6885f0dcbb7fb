//! `quarantine …`

use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Lang, Output};

use super::args::QuarantineCommand;
use super::ask::{ask, unexpected};
use super::{Context, document, words};
use crate::service::quarantine::{Answer, List, Request, Show};
use crate::service::{self, Request as Asked};

pub(super) fn run(context: &Context<'_>, command: &QuarantineCommand) -> Result<Exit, Failure> {
    let request = match command.clone() {
        QuarantineCommand::List => Request::List,
        QuarantineCommand::Show { op } => Request::Show { op },
        QuarantineCommand::Release { op, reason } => Request::Release { op, reason },
        QuarantineCommand::Discard { op, reason } => Request::Discard { op, reason },
    };
    let asked = ask(context, Asked::Quarantine(request))?;
    let service::Answer::Quarantine(answer) = asked else { return Err(unexpected()) };
    let out = context.out;
    match &answer {
        Answer::List(list) if out.json => out.document(&document("kentongan.hub.quarantine/1", list)),
        Answer::List(list) => show_list(out, list),
        Answer::Show(shown) if out.json => out.document(&document("kentongan.hub.quarantine.op/1", shown)),
        Answer::Show(shown) => show_one(out, shown),
        Answer::Decided(done) if out.json => out.document(&document("kentongan.hub.quarantine.decided/1", done)),
        Answer::Decided(done) => out.line(&format!("{}: {}", done.op, state(out, &done.state))),
    }
    Ok(Exit::Done)
}

fn show_list(out: &Output, list: &List) {
    if list.ops.is_empty() && list.forks.is_empty() {
        return out.line(out.pick("Karantina kosong.", "Nothing is in quarantine."));
    }
    let mut table = Table::new(match out.lang {
        Lang::Id => ["OP", "KANTOR", "CATATAN", "DITERIMA", "SEBAB"],
        Lang::En => ["OP", "OFFICE", "RECORD", "ARRIVED", "REASON"],
    });
    for line in &list.ops {
        let reason = line.reason.as_ref().map_or("-", |reason| reason.in_lang(out.lang));
        table.row([
            line.op.clone(),
            line.office.clone(),
            line.record.clone().unwrap_or_else(|| "-".to_owned()),
            words::time(out, line.received_at),
            reason.to_owned(),
        ]);
    }
    let reason = out.pick("memakai nama perubahan lain", "claims the name of another change");
    for fork in &list.forks {
        table.row([
            fork.op.clone(),
            fork.replica.clone(),
            "-".to_owned(),
            words::time(out, fork.at),
            reason.to_owned(),
        ]);
    }
    out.table(&table);
}

fn show_one(out: &Output, shown: &Show) {
    let line = &shown.line;
    let mut table = Table::headless();
    table.row([out.pick("Op", "Op"), &line.op]);
    table.row([out.pick("Keadaan", "State"), state(out, &shown.state)]);
    if let Some(reason) = &line.reason {
        table.row([out.pick("Sebab", "Reason"), reason.in_lang(out.lang)]);
    }
    table.row([out.pick("Kantor", "Office"), &line.office]);
    table.row([out.pick("Perangkat", "Device"), &line.replica]);
    table.row([out.pick("Catatan", "Record"), line.record.as_deref().unwrap_or("-")]);
    table.row([out.pick("Diterima", "Arrived"), &words::time(out, line.received_at)]);
    table.row([out.pick("Ukuran", "Size"), &words::bytes(out, line.bytes)]);
    if let Some(content) = &shown.content {
        table.row([out.pick("Penulis", "Author"), &content.by.name]);
        for write in &content.writes {
            for answer in &write.answers {
                table.row([answer.field.in_lang(out.lang), answer.shown.in_lang(out.lang)]);
            }
        }
    }
    out.table(&table);
}

fn state<'o>(out: &'o Output, state: &'o str) -> &'o str {
    match state {
        "merged" => out.pick("digabung", "merged"),
        "waiting" => out.pick("menunggu catatannya", "waits for its record"),
        "quarantined" => out.pick("di karantina", "in quarantine"),
        "discarded" => out.pick("tidak dipakai; tetap tersimpan", "not used; it stays stored"),
        other => other,
    }
}
