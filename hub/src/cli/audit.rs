//! `audit …`

use std::io::Write;

use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Lang};

use super::args::AuditCommand;
use super::ask::{ask, unexpected};
use super::{Context, document, words};
use crate::service::audit::{Answer, Line, Request, Verified};
use crate::service::{self, Request as Asked};

pub(super) fn run(context: &Context<'_>, command: &AuditCommand) -> Result<Exit, Failure> {
    match command {
        AuditCommand::List { limit } => list(context, *limit),
        AuditCommand::Verify => verify(context),
        AuditCommand::Export { output } => {
            let mut sink = super::setup::sink(context, output.as_deref())?;
            let mut after = 0;
            loop {
                let page = lines(context, Request::Page { after })?;
                let Some(last) = page.last() else { break };
                after = last.number;
                for line in &page {
                    serde_json::to_writer(&mut sink, line).map_err(anyhow::Error::from)?;
                    sink.write_all(b"\n")?;
                }
            }
            sink.flush()?;
            Ok(Exit::Done)
        }
    }
}

fn asked(context: &Context<'_>, request: Request) -> Result<Answer, Failure> {
    match ask(context, Asked::Audit(request))? {
        service::Answer::Audit(answer) => Ok(answer),
        _ => Err(unexpected()),
    }
}

fn lines(context: &Context<'_>, request: Request) -> Result<Vec<Line>, Failure> {
    match asked(context, request)? {
        Answer::Lines(lines) => Ok(lines.entries),
        Answer::Verified(_) => Err(unexpected()),
    }
}

fn list(context: &Context<'_>, limit: u32) -> Result<Exit, Failure> {
    let out = context.out;
    let entries = lines(context, Request::List { limit })?;
    if out.json {
        out.document(&document("kentongan.audit/1", &service::audit::Lines { entries }));
        return Ok(Exit::Done);
    }
    let mut table = Table::new(match out.lang {
        Lang::Id => ["NO", "WAKTU", "SIAPA", "KEJADIAN", "OBJEK", "RINCIAN"],
        Lang::En => ["NO", "TIME", "WHO", "EVENT", "SUBJECT", "DETAIL"],
    });
    for line in entries {
        let detail = if line.detail == serde_json::json!({}) { String::new() } else { line.detail.to_string() };
        table.row([line.number.to_string(), words::time(out, line.at), line.actor, line.event, line.subject, detail]);
    }
    out.table(&table);
    Ok(Exit::Done)
}

fn verify(context: &Context<'_>) -> Result<Exit, Failure> {
    let Answer::Verified(verified) = asked(context, Request::Verify)? else { return Err(unexpected()) };
    let out = context.out;
    if out.json {
        out.document(&document("kentongan.audit.verify/1", &verified));
    } else {
        out.line(&sentence(out.lang, &verified));
        out.say(
            "Simpan sidik ini di tempat lain: rantai yang diganti seluruhnya akan terlihat.",
            "Keep this hash elsewhere: a chain that was replaced as a whole will show.",
        );
    }
    Ok(if verified.whole { Exit::Done } else { Exit::Failed })
}

fn sentence(lang: Lang, verified: &Verified) -> String {
    let (entries, hash) = (verified.entries, &verified.hash);
    match (lang, verified.broken_at) {
        (Lang::Id, None) => format!("Rantai utuh: {entries} entri, sidik {hash}"),
        (Lang::En, None) => format!("The chain is whole: {entries} entries, hash {hash}"),
        (Lang::Id, Some(number)) => format!("Rantai PUTUS pada entri {number}; sebelum itu {entries} entri utuh."),
        (Lang::En, Some(number)) => format!("The chain is BROKEN at entry {number}; the {entries} before are whole."),
    }
}
