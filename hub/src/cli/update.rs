//! `update`

use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Lang, Output};

use super::args::UpdateCommand;
use super::ask::{ask, unexpected};
use super::{Context, document, words};
use crate::service::update::{Answer, Request};
use crate::service::{self, Request as Asked};
use crate::update::{Share, Staged};

pub(super) fn run(context: &Context<'_>, command: &UpdateCommand) -> Result<Exit, Failure> {
    let request = match command.clone() {
        UpdateCommand::List => Request::List,
        UpdateCommand::Stage { file } => {
            Request::Stage { file: std::path::absolute(file).map_err(anyhow::Error::new)? }
        }
        UpdateCommand::Promote { wanted, to } => Request::Promote { version: wanted, to },
        UpdateCommand::Halt { wanted } => Request::Halt { version: wanted },
    };
    let service::Answer::Update(answer) = ask(context, Asked::Update(request))? else { return Err(unexpected()) };
    let out = context.out;
    match out.json {
        true => out.document(&document("kentongan.hub.update/1", &answer)),
        false => show(out, &answer),
    }
    Ok(Exit::Done)
}

fn show(out: &Output, answer: &Answer) {
    if answer.staged.is_empty() {
        out.line(out.pick("Tidak ada pemutakhiran yang disiapkan.", "No update is staged."));
    } else {
        let mut table = Table::new(match out.lang {
            Lang::Id => ["VERSI", "UNTUK", "UKURAN", "DITAWARKAN KEPADA"],
            Lang::En => ["VERSION", "FOR", "SIZE", "OFFERED TO"],
        });
        for staged in &answer.staged {
            let bytes = words::bytes(out, u64::from(staged.bytes));
            table.row([staged.version.to_string(), staged.target.clone(), bytes, reach(out, staged)]);
        }
        out.table(&table);
    }
    for (program, pcs) in &answer.running {
        out.line(&format!("{}  {program}", words::count(out, *pcs)));
    }
}

fn reach(out: &Output, staged: &Staged) -> String {
    let mut to: Vec<String> = staged.reach.areas.iter().cloned().collect();
    to.extend(match staged.reach.share {
        Share::Nobody => None,
        Share::Tenth => Some(out.pick("sepersepuluh", "a tenth").to_owned()),
        Share::All => Some(out.pick("semua", "all").to_owned()),
    });
    match (staged.halted, to.is_empty()) {
        (true, _) => out.pick("dihentikan", "halted").to_owned(),
        (false, true) => out.pick("belum siapa pun", "nobody yet").to_owned(),
        (false, false) => to.join(", "),
    }
}
