//! The audit trail: who did what, whether its chain is whole, and a signed copy of it. There is no way to take a line out.

use askama::Template;
use hyper::StatusCode;
use kentongan_host::Failure;
use kentongan_protocol::form::Civil;
use kentongan_web::{Asked, Fields, Reply, When};
use serde_json::{Value, json};

use super::Console;
use super::route::Visit;
use super::shell::{self, Shell};
use crate::cli::csv;
use crate::serve::chain;
use crate::service::audit::{Line, Seal, last_verified, sealed};
use crate::store::{AuditFilter, Page};

/// Lines on a page.
const LINES: usize = 100;
/// Lines read at once for a copy.
const PART: usize = 2_000;
/// Lines of a copy made here; more are for the command.
const COPY_LINES_MAX: usize = 200_000;
/// Who acts by itself.
const PROGRAM: &str = "hub";

#[derive(Debug, Template)]
#[template(path = "audit.html")]
struct AuditPage<'a> {
    s: &'a Shell,
    find: Find,
    rows: Vec<Row>,
    /// Number before which the next page begins.
    older: Option<u64>,
    last_number: u64,
    checked: Option<(bool, When)>,
    copy: String,
}

/// One line.
#[derive(Debug)]
struct Row {
    number: u64,
    when: When,
    actor: String,
    role: String,
    from: String,
    event: String,
    said: String,
    subject: String,
    subject_escaped: String,
    detail: Vec<(String, String)>,
    hash: String,
}

/// What is looked for, as it was typed.
#[derive(Debug, Clone, Default)]
struct Find {
    actor: String,
    event: String,
    subject: String,
    from: String,
    until: String,
}

impl Find {
    fn of(query: &Fields) -> Find {
        let text = |name| query.text(name).trim().to_owned();
        Find {
            actor: text("siapa"),
            event: text("kejadian"),
            subject: text("objek"),
            from: text("dari"),
            until: text("sampai"),
        }
    }

    fn filter(&self, shell: &Shell) -> AuditFilter {
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let bounds = |text: &str| shell.clock.bounds(date(text)?);
        AuditFilter {
            actor: text(&self.actor),
            event: text(&self.event),
            subject: text(&self.subject),
            from_ms: bounds(&self.from).map(|(begin, _)| begin),
            until_ms: bounds(&self.until).map(|(_, end)| end),
        }
    }

    /// Names and values of its fields.
    fn pairs(&self) -> [(&'static str, &str); 5] {
        [
            ("siapa", &self.actor),
            ("kejadian", &self.event),
            ("objek", &self.subject),
            ("dari", &self.from),
            ("sampai", &self.until),
        ]
    }

    /// The same as the question of an address.
    fn question(&self) -> String {
        let pairs = self.pairs().into_iter().filter(|(_, value)| !value.is_empty());
        pairs.map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&")
    }
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// `2026-11-22`
fn date(text: &str) -> Option<Civil> {
    let mut parts = text.splitn(3, '-');
    let (year, month) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Civil::new(year, month, parts.next()?.parse().ok()?)
}

pub(super) async fn show(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let shell = visit.shell.clone().at("audit");
    let find = Find::of(&asked.query);
    let (filter, before) = (find.filter(&shell), asked.query.text("sebelum").parse().unwrap_or(u64::MAX));
    let (entries, last, last_number) = console
        .look(&visit, move |tx, _| {
            let entries = tx.audit_found(&filter, Page::Before(before), LINES)?;
            let newest = tx.audit_log(Page::Before(u64::MAX), 1)?;
            Ok((entries, last_verified(tx)?, newest.first().map_or(0, |entry| entry.number)))
        })
        .await?;
    let page = AuditPage {
        older: (entries.len() == LINES).then(|| entries.last().map_or(0, |entry| entry.number)),
        rows: entries.iter().map(|entry| row(&shell, Line::from(entry))).collect(),
        checked: last.map(|last| (last.whole, shell.clock.when(last.at_ms, &shell.w))),
        copy: find.question(),
        last_number,
        find,
        s: &shell,
    };
    Ok(shell::page(&page))
}

fn row(shell: &Shell, line: Line) -> Row {
    let mut fields = match line.detail {
        Value::Object(fields) => fields,
        other => [("detail".to_owned(), other)].into_iter().collect(),
    };
    let mut taken = |name: &str| fields.remove(name).as_ref().map(plain).unwrap_or_default();
    let (role, from) = (taken("role"), taken("from"));
    let said = shell.w.find(&format!("kejadian.{}", line.event)).unwrap_or(&line.event).to_owned();
    Row {
        number: line.number,
        when: shell.clock.when(line.at, &shell.w),
        actor: if line.actor == PROGRAM { shell.w.t("audit.program").to_owned() } else { line.actor },
        role,
        from,
        said,
        event: line.event,
        subject_escaped: escaped(&line.subject),
        subject: line.subject,
        detail: fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        hash: line.hash,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Checks the whole chain now.
pub(super) async fn check(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    if let Err(reply) = console.posted(asked, &visit).await {
        return Ok(reply);
    }
    let verified = chain::check(&console.serving, visit.name()).await?;
    if let Some(number) = verified.broken_at {
        tracing::error!(ev = "audit.chain_broken", broken_at = number, "the audit chain is broken");
    }
    #[derive(Debug, Template)]
    #[template(path = "audit_checked.html")]
    struct CheckedPage<'a> {
        s: &'a Shell,
        verified: crate::service::audit::Verified,
    }
    Ok(shell::page(&CheckedPage { s: &visit.shell.clone().at("audit"), verified }))
}

/// A copy with the hub's signature below it: `POST`, because that it was made is a line of the trail itself.
pub(super) async fn copy(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let find = Find::of(&posted.fields);
    let as_csv = posted.fields.text("bentuk") == "csv";
    let (mut bytes, mut lines, mut after) = (Vec::new(), 0, 0);
    if as_csv {
        let head = ["number", "time", "actor", "role", "from", "event", "subject", "detail", "hash"];
        bytes.extend((csv::line(head) + "\r\n").bytes());
    }
    loop {
        let filter = find.filter(&visit.shell);
        let part = console.look(&visit, move |tx, _| Ok(tx.audit_found(&filter, Page::After(after), PART)?)).await?;
        let Some(last) = part.last() else { break };
        after = last.number;
        lines += part.len();
        if lines > COPY_LINES_MAX {
            return Ok(shell::refusal(&visit.shell, StatusCode::PAYLOAD_TOO_LARGE, "audit.terlalu_banyak"));
        }
        for entry in &part {
            write(&mut bytes, Line::from(entry), as_csv);
        }
    }
    let detail = json!({ "lines": lines, "format": if as_csv { "csv" } else { "jsonl" }, "filter": find.question() });
    console.change(&visit, move |tx, desk| Ok(desk.audit(tx, "audit.exported", "audit", detail)?)).await?;
    let (mime, name) = match as_csv {
        true => ("text/csv; charset=utf-8", "audit.csv"),
        false => {
            let Seal { line } = sealed(&console.serving.hub, &bytes, lines as u64);
            bytes.extend(line.bytes());
            ("application/jsonl; charset=utf-8", "audit.jsonl")
        }
    };
    Ok(Reply::file(mime, bytes).to_keep_as(name))
}

fn write(bytes: &mut Vec<u8>, line: Line, as_csv: bool) {
    if !as_csv {
        bytes.extend(json!(line).to_string().bytes());
        bytes.push(b'\n');
        return;
    }
    let field = |name| line.detail.get(name).map(plain).unwrap_or_default();
    let cells = [
        line.number.to_string(),
        kentongan_host::moment::text(line.at),
        line.actor.clone(),
        field("role"),
        field("from"),
        line.event.clone(),
        line.subject.clone(),
        line.detail.to_string(),
        line.hash.clone(),
    ];
    bytes.extend((csv::line(cells) + "\r\n").bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_stays_in_the_address_whatever_was_typed() {
        let typed = Find { subject: "KTG & <b>".into(), until: "2026-11-22".into(), ..Find::default() };
        let again = Find::of(&Fields::of_text(&typed.question()));
        assert_eq!((again.subject, again.until, again.actor), (typed.subject, typed.until, String::new()));
    }

    #[test]
    fn only_a_date_is_a_date() {
        assert_eq!(date("2026-11-22"), Civil::new(2026, 11, 22));
        for wrong in ["", "2026-11", "2026-13-01", "22-11-2026x", "a-b-c"] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }
}
