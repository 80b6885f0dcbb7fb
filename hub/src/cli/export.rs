//! `export …`: page by page, so that neither this command nor the hub ever holds much. A file has a manifest beside it
//! that says what is in it, who asked and when, and its SHA-256.

use std::io::Write;

use anyhow::Context as _;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use kentongan_host::enrolment::to_hex;
use kentongan_host::{Clock, Exit, Failure, SystemClock, moment};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::Context;
use super::args::{ExportArgs, ExportFormat, ExportProfile, ExportWhat};
use super::ask::{Asked, unexpected};
use super::setup::sink;
use crate::service::export::{Request, What};
use crate::service::{Answer, Request as Ask};
use crate::table::{Csv, Layout, Profile, Said, Sheet, Xlsx};

pub(super) fn run(context: &Context<'_>, args: &ExportArgs) -> Result<Exit, Failure> {
    let mut request = Request {
        what: match args.what {
            ExportWhat::Complaints => What::Complaints,
            ExportWhat::Surveys => What::Surveys,
            ExportWhat::Votes => What::Votes,
            ExportWhat::Offices => What::Offices,
        },
        after: 0,
        since_ms: args.since.as_deref().map(|text| time("--since", text)).transpose()?,
        masked: args.masked,
        until_ms: args.until.as_deref().map(|text| time("--until", text)).transpose()?,
    };
    let mut hub = Asked::reach(context)?;
    let written = write_all(context, args, &mut hub, &mut request);
    hub.close()?;
    let Written { records, sha256 } = written?;
    if let Some(file) = &args.output {
        let manifest = manifest(args, &request, records, &sha256);
        let mut beside = file.clone().into_os_string();
        beside.push(".manifest.json");
        std::fs::write(&beside, format!("{manifest:#}\n")).context("write the manifest")?;
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

/// What came of it.
struct Written {
    records: u64,
    /// Over everything that was written, in hexadecimal digits.
    sha256: String,
}

/// What was asked for and by whom, in words that stay true when the file is passed on.
fn manifest(args: &ExportArgs, request: &Request, records: u64, sha256: &str) -> Value {
    let profile = (args.format == ExportFormat::Csv).then(|| clap::ValueEnum::to_possible_value(&args.profile));
    json!({
        "schema": "kentongan.hub.export_manifest/1",
        "what": request.what,
        "format": clap::ValueEnum::to_possible_value(&args.format).map(|value| value.get_name().to_owned()),
        "profile": profile.flatten().map(|value| value.get_name().to_owned()),
        "since": request.since_ms.map(moment::text),
        "until": request.until_ms.map(moment::text),
        "masked": request.masked,
        "records": records,
        "sha256": sha256,
        "by": super::words::person(),
        "at": moment::text(SystemClock::new().wall_ms()),
    })
}

/// Hashes what goes through.
struct Hashed<W> {
    sink: W,
    sum: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.sink.write(bytes)?;
        self.sum.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.sink.flush()
    }
}

/// Writes all pages, until there are no more or nobody reads any more.
fn write_all(
    context: &Context<'_>,
    args: &ExportArgs,
    hub: &mut Asked,
    request: &mut Request,
) -> Result<Written, Failure> {
    let mut sink = Hashed { sink: sink(context, args.output.as_deref())?, sum: Sha256::new() };
    let mut rows = Rows::of(context, args, request.what)?;
    let mut records = 0;
    loop {
        let Answer::Export(page) = hub.ask(Ask::Export(*request))? else { return Err(unexpected()) };
        for line in &page.lines {
            rows.put(line, &mut sink)?;
        }
        records += page.lines.len() as u64;
        // What was read is given on at once: the reader may be a program that waits for it.
        sink.flush()?;
        match page.next {
            Some(next) if !context.out.closed() => request.after = next,
            _ => break,
        }
    }
    rows.finish(records, args, &mut sink)?;
    Ok(Written { records, sha256: to_hex(&sink.sum.finalize()) })
}

/// Where records go.
enum Rows {
    Lines,
    Csv(Layout, Csv),
    Xlsx(Layout, Box<Xlsx>),
}

impl Rows {
    fn of(context: &Context<'_>, args: &ExportArgs, what: What) -> Result<Rows, Failure> {
        let in_words = Said::InWords(context.out.lang);
        Ok(match (args.format, args.profile) {
            (ExportFormat::Jsonl, _) => Rows::Lines,
            (ExportFormat::Csv, ExportProfile::ExcelId) => {
                Rows::begun(Layout::of(what, in_words), Csv::new(Profile::ExcelId))?
            }
            (ExportFormat::Csv, ExportProfile::Rfc4180) => {
                Rows::begun(Layout::of(what, Said::Coded), Csv::new(Profile::Rfc4180))?
            }
            (ExportFormat::Xlsx, _) => {
                let name = match what {
                    What::Complaints => context.out.pick("Pengaduan", "Complaints"),
                    What::Surveys => context.out.pick("Survei", "Surveys"),
                    What::Votes => context.out.pick("Suara cepat", "Quick votes"),
                    What::Offices => context.out.pick("Kantor", "Offices"),
                };
                let (layout, mut book) = (Layout::of(what, in_words), Box::new(Xlsx::new(name)?));
                book.row(&layout.titles())?;
                Rows::Xlsx(layout, book)
            }
        })
    }

    fn begun(layout: Layout, mut csv: Csv) -> Result<Rows, Failure> {
        csv.row(&layout.titles())?;
        Ok(Rows::Csv(layout, csv))
    }

    fn put(&mut self, line: &str, sink: &mut dyn Write) -> Result<(), Failure> {
        match self {
            Rows::Lines => {
                sink.write_all(line.as_bytes())?;
                sink.write_all(b"\n")?;
            }
            Rows::Csv(layout, csv) => {
                csv.row(&layout.row(&record(line)?))?;
                sink.write_all(csv.take().as_bytes())?;
            }
            Rows::Xlsx(layout, book) => book.row(&layout.row(&record(line)?))?,
        }
        Ok(())
    }

    fn finish(self, records: u64, args: &ExportArgs, sink: &mut dyn Write) -> Result<(), Failure> {
        match self {
            Rows::Lines => Ok(sink.flush()?),
            // A table without rows still has its titles.
            Rows::Csv(_, csv) => Box::new(csv).finish(sink),
            Rows::Xlsx(_, mut book) => {
                book.about(&[
                    ("Baris / Rows", records.to_string()),
                    ("Sejak / Since", args.since.clone().unwrap_or_default()),
                    ("Sebelum / Before", args.until.clone().unwrap_or_default()),
                    ("Data pribadi ditutupi / Identities hidden", args.masked.to_string()),
                    ("Oleh / By", super::words::person()),
                    ("Pada / At", moment::text(SystemClock::new().wall_ms())),
                ])?;
                book.finish(sink)
            }
        }
    }
}

fn record(line: &str) -> Result<Map<String, Value>, Failure> {
    Ok(serde_json::from_str(line).context("read a record that the hub wrote out")?)
}

/// A date (its beginning, in the zone of this machine), a date with a time, or a time with its zone.
fn time(flag: &str, text: &str) -> Result<i64, Failure> {
    let local = |time: DateTime| Some(time.to_zoned(moment::zone()).ok()?.timestamp().as_millisecond());
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
