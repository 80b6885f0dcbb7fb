//! `conflict …`

use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Lang, Output};

use super::args::ConflictCommand;
use super::ask::{ask, unexpected};
use super::complaint::{pair, show_group};
use super::{Context, document, words};
use crate::service::conflict::{Answer, Decisions, List, Merged, Request, Resolved, Show};
use crate::service::{self, Request as Asked};

pub(super) fn run(context: &Context<'_>, command: &ConflictCommand) -> Result<Exit, Failure> {
    let request = match command.clone() {
        ConflictCommand::List { office } => Request::List { office },
        ConflictCommand::Show { record } => Request::Show { record },
        ConflictCommand::Resolve { record, group, take, values, reason } => {
            let values = values.iter().map(|value| pair(value)).collect::<Result<_, _>>()?;
            Request::Resolve { record, group, take, values, reason }
        }
        ConflictCommand::Decisions { limit } => Request::Decisions { limit },
        ConflictCommand::Merged { limit } => Request::Merged { limit },
        ConflictCommand::Undo { record, group, reason } => Request::Undo { record, group, reason },
    };
    let service::Answer::Conflict(answer) = ask(context, Asked::Conflict(request))? else { return Err(unexpected()) };
    let out = context.out;
    match &answer {
        Answer::List(list) if out.json => out.document(&document("kentongan.hub.conflicts/1", list)),
        Answer::List(list) => show_list(out, list),
        Answer::Show(shown) if out.json => out.document(&document("kentongan.hub.conflict/1", shown)),
        Answer::Show(shown) => show_one(out, shown),
        Answer::Resolved(done) if out.json => out.document(&document("kentongan.hub.conflict.resolved/1", done)),
        Answer::Resolved(done) => show_resolved(out, done),
        Answer::Decisions(decided) if out.json => out.document(&document("kentongan.hub.decisions/1", decided)),
        Answer::Decisions(decided) => show_decisions(out, decided),
        Answer::Merged(merged) if out.json => out.document(&document("kentongan.hub.merged/1", merged)),
        Answer::Merged(merged) => show_merged(out, merged),
        Answer::Undone(done) if out.json => out.document(&document("kentongan.hub.conflict.undone/1", done)),
        Answer::Undone(done) => {
            let name = done.code.as_ref().unwrap_or(&done.id);
            let group = done.group.in_lang(out.lang);
            out.say(&format!("{name}: {group} bentrok lagi"), &format!("{name}: {group} is in conflict again"));
        }
        Answer::ResolvedAlike(_) => return Err(unexpected()),
    }
    Ok(Exit::Done)
}

fn show_list(out: &Output, list: &List) {
    if list.conflicts.is_empty() {
        return out.line(out.pick("Tidak ada bentrok.", "No conflicts."));
    }
    let mut table = Table::new(match out.lang {
        Lang::Id => ["KODE", "BAGIAN", "NILAI", "YANG MEMUTUSKAN", "SEJAK"],
        Lang::En => ["CODE", "PART", "VALUES", "TO DECIDE", "SINCE"],
    });
    for line in &list.conflicts {
        table.row([
            line.code.clone().unwrap_or_else(|| line.id.clone()),
            line.group.in_lang(out.lang).to_owned(),
            line.values.to_string(),
            line.office.clone(),
            words::time(out, line.since),
        ]);
    }
    out.table(&table);
}

fn show_one(out: &Output, shown: &Show) {
    out.line(&out.bold(&format!("{} ({})", shown.code.as_ref().unwrap_or(&shown.id), shown.office)));
    if shown.conflicts.is_empty() {
        return out.line(out.pick("Tidak ada bentrok di sini.", "There is no conflict here."));
    }
    for group in &shown.conflicts {
        out.line("");
        show_group(out, &group.document);
    }
    let name = shown.code.as_ref().unwrap_or(&shown.id);
    out.say(
        &format!("Memutuskan: kentongan-hub conflict resolve {name} --take office|hub|NOMOR --reason ALASAN"),
        &format!("To decide: kentongan-hub conflict resolve {name} --take office|hub|NUMBER --reason REASON"),
    );
}

fn show_decisions(out: &Output, decided: &Decisions) {
    if decided.decisions.is_empty() {
        return out.line(out.pick("Belum ada bentrok yang diputuskan.", "No conflict has been decided yet."));
    }
    let mut table = Table::new(match out.lang {
        Lang::Id => ["KODE", "BAGIAN", "OLEH", "DI", "PADA", ""],
        Lang::En => ["CODE", "PART", "BY", "AT", "WHEN", ""],
    });
    for line in &decided.decisions {
        table.row([
            line.code.clone().unwrap_or_else(|| line.id.clone()),
            line.group.in_lang(out.lang).to_owned(),
            line.by.name.clone(),
            if line.by.at_hub { out.pick("pusat", "hub").to_owned() } else { line.by.office.clone() },
            words::time(out, line.decided_at),
            if line.can_undo { out.pick("bisa dibatalkan", "can be undone").to_owned() } else { String::new() },
        ]);
    }
    out.table(&table);
}

fn show_merged(out: &Output, merged: &Merged) {
    let count = if merged.more { format!("≥ {}", merged.count) } else { merged.count.to_string() };
    out.line(&match out.lang {
        Lang::Id => format!("{count} perubahan sejajar digabung dalam 7 hari."),
        Lang::En => format!("{count} parallel changes merged within 7 days."),
    });
    if merged.merged.is_empty() {
        return;
    }
    let mut table = Table::new(match out.lang {
        Lang::Id => ["KODE", "BAGIAN", "OLEH", "PADA"],
        Lang::En => ["CODE", "PART", "BY", "WHEN"],
    });
    for line in &merged.merged {
        let by: Vec<&str> = line.by.iter().map(|by| by.name.as_str()).collect();
        table.row([
            line.code.clone().unwrap_or_else(|| line.id.clone()),
            line.group.in_lang(out.lang).to_owned(),
            by.join(", "),
            words::time(out, line.merged_at),
        ]);
    }
    out.table(&table);
}

fn show_resolved(out: &Output, done: &Resolved) {
    let name = done.code.as_ref().unwrap_or(&done.id);
    let group = done.group.in_lang(out.lang);
    out.line(&match out.lang {
        Lang::Id => format!("{name}: {group} diputuskan; {} bentrok tersisa", done.left),
        Lang::En => format!("{name}: {group} decided; {} conflicts left", done.left),
    });
}
