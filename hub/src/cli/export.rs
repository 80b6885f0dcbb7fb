//! `export …`: page by page, so that neither this command nor the hub ever holds much.

use std::io::Write;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use kentongan_host::{Exit, Failure};
use serde_json::json;

use super::Context;
use super::args::{ExportArgs, ExportWhat};
use super::ask::{Asked, unexpected};
use super::setup::sink;
use crate::service::export::{Request, What};
use crate::service::{Answer, Request as Ask};

pub(super) fn run(context: &Context<'_>, args: &ExportArgs) -> Result<Exit, Failure> {
    let mut request = Request {
        what: match args.what {
            ExportWhat::Complaints => What::Complaints,
            ExportWhat::Surveys => What::Surveys,
            ExportWhat::Offices => What::Offices,
        },
        after: 0,
        since_ms: args.since.as_deref().map(|text| time("--since", text)).transpose()?,
        until_ms: args.until.as_deref().map(|text| time("--until", text)).transpose()?,
    };
    let mut hub = Asked::reach(context)?;
    let written = write_all(context, args, &mut hub, &mut request);
    hub.close()?;
    let records = written?;
    if let Some(file) = &args.output {
        let file = file.display().to_string();
        if context.out.json {
            context.out.document(&json!({ "schema": "kentongan.hub.export/1", "file": file, "records": records }));
        } else {
            context
                .out
                .say(&format!("{records} baris ditulis ke {file}"), &format!("{records} lines written to {file}"));
        }
    }
    Ok(Exit::Done)
}

/// Writes all pages, until there are no more or nobody reads any more.
fn write_all(context: &Context<'_>, args: &ExportArgs, hub: &mut Asked, request: &mut Request) -> Result<u64, Failure> {
    let mut sink = sink(context, args.output.as_deref())?;
    let mut records = 0;
    loop {
        let Answer::Export(page) = hub.ask(Ask::Export(*request))? else { return Err(unexpected()) };
        for line in &page.lines {
            sink.write_all(line.as_bytes())?;
            sink.write_all(b"\n")?;
        }
        records += page.lines.len() as u64;
        // What was read is given on at once: the reader may be a program that waits for it.
        sink.flush()?;
        match page.next {
            Some(next) if !context.out.closed() => request.after = next,
            _ => return Ok(records),
        }
    }
}

/// A date (its beginning, in the zone of this machine), a date with a time, or a time with its zone.
fn time(flag: &str, text: &str) -> Result<i64, Failure> {
    let local = |time: DateTime| Some(time.to_zoned(TimeZone::system()).ok()?.timestamp().as_millisecond());
    let stamp = text.parse::<Timestamp>().ok().map(|stamp| stamp.as_millisecond());
    let date = || local(text.parse::<Date>().ok()?.at(0, 0, 0, 0));
    let civil = || local(text.parse::<DateTime>().ok()?);
    stamp.or_else(civil).or_else(date).ok_or_else(|| {
        Failure::usage(
            format!("{flag}: {text:?} bukan waktu; contoh: 2026-11-21 atau 2026-11-21T07:00:00Z"),
            format!("{flag}: {text:?} is no time; for example: 2026-11-21 or 2026-11-21T07:00:00Z"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_and_programs_write_them() {
        assert_eq!(time("--since", "2026-11-21T07:00:00Z").expect("a time"), 1_795_244_400_000);
        let midnight = time("--since", "2026-11-21").expect("a date");
        assert_eq!(time("--since", "2026-11-21T01:00").expect("a date and time"), midnight + 3_600_000);
        assert_eq!(time("--since", "kemarin").expect_err("no time").exit, Exit::Usage);
    }
}
