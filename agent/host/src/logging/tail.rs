//! Reading the log back, for `logs`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::file::numbered;

/// How often a followed log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A longer line is not ours.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// As many numbered files as can be configured.
const FILES_MAX: usize = 100;

/// Which lines to show.
#[derive(Debug, Clone, Copy)]
pub struct Tail {
    /// Only lines from this time on, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Only lines of this level and above.
    pub level: tracing::Level,
    /// Whether to wait for further lines.
    pub follow: bool,
}

/// Gives `on_line` every line of the log at `path` that is asked for, oldest first, until `on_line` returns `false`.
/// With `follow` it also asks `go_on` while nothing comes, and then ends only when one of the two says so.
///
/// # Errors
/// A log file cannot be read. That there is none is no error.
pub fn tail(
    path: &Path,
    wanted: Tail,
    go_on: &dyn Fn() -> bool,
    on_line: &mut dyn FnMut(&Value) -> bool,
) -> io::Result<()> {
    for number in (1..=FILES_MAX).rev() {
        if let Some(mut old) = open(&numbered(path, number))?
            && !read_on(&mut old, wanted, on_line)?
        {
            return Ok(());
        }
    }
    let mut file = open(path)?;
    loop {
        if let Some(file) = &mut file
            && !read_on(file, wanted, on_line)?
        {
            return Ok(());
        }
        if !wanted.follow || !go_on() {
            return Ok(());
        }
        let rotated = match &file {
            None => true,
            Some(file) => !is_same(file.get_ref(), path),
        };
        if rotated {
            file = open(path)?;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn open(path: &Path) -> io::Result<Option<BufReader<File>>> {
    match File::open(path) {
        Ok(file) => Ok(Some(BufReader::new(file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads to the end; `false` when `on_line` wants no more.
fn read_on(file: &mut BufReader<File>, wanted: Tail, on_line: &mut dyn FnMut(&Value) -> bool) -> io::Result<bool> {
    loop {
        let mut bytes = Vec::new();
        if file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(true);
        }
        // Half a line (a power cut, or the writer is still at it) and what is no JSON are passed over.
        if let Ok(line) = serde_json::from_slice(&bytes)
            && wanted.takes(&line)
            && !on_line(&line)
        {
            return Ok(false);
        }
    }
}

impl Tail {
    fn takes(&self, line: &Value) -> bool {
        let text = |name: &str| line.get(name).and_then(Value::as_str);
        let level = text("lvl").and_then(|name| name.parse::<tracing::Level>().ok());
        let time = text("ts").and_then(|ts| ts.parse::<Timestamp>().ok()).map(Timestamp::as_millisecond);
        level.is_none_or(|level| level <= self.level) && time >= self.since_ms
    }
}

/// Whether the open file is still the one at `path`.
#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => true,
    }
}

/// Whether the open file is still the one at `path`: a rotated log begins anew and is shorter.
#[cfg(not(unix))]
fn is_same(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => named.len() >= open.len(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ALL: Tail = Tail { since_ms: None, level: tracing::Level::TRACE, follow: false };

    fn line(minute: u32, level: &str) -> String {
        format!("{{\"ts\":\"2026-11-21T07:{minute:02}:00.000Z\",\"lvl\":\"{level}\",\"ev\":\"x\",\"n\":{minute}}}\n")
    }

    fn minutes(path: &Path, wanted: Tail) -> Vec<u64> {
        let mut seen = Vec::new();
        tail(path, wanted, &|| false, &mut |line| {
            seen.push(line["n"].as_u64().expect("a number"));
            true
        })
        .expect("read");
        seen
    }

    #[test]
    fn older_files_come_first_and_broken_lines_are_passed_over() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let path = temp.path().join("agent.jsonl");
        assert_eq!(minutes(&path, ALL), [] as [u64; 0]);
        fs::write(temp.path().join("agent.2.jsonl"), line(1, "info")).expect("write");
        fs::write(temp.path().join("agent.1.jsonl"), line(2, "error") + "{\"ts\":\"2026-").expect("write");
        fs::write(&path, line(3, "debug") + &line(4, "warn")).expect("write");
        assert_eq!(minutes(&path, ALL), [1, 2, 3, 4]);
        assert_eq!(minutes(&path, Tail { level: tracing::Level::WARN, ..ALL }), [2, 4]);
        let third: Timestamp = "2026-11-21T07:03:00Z".parse().expect("a time");
        assert_eq!(minutes(&path, Tail { since_ms: Some(third.as_millisecond()), ..ALL }), [3, 4]);
    }

    #[test]
    fn a_followed_log_goes_on_after_a_rotation() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let path = temp.path().join("agent.jsonl");
        fs::write(&path, line(1, "info")).expect("write");
        let mut seen = Vec::new();
        let rotate = std::cell::Cell::new(true);
        let go_on = || {
            if rotate.replace(false) {
                fs::rename(&path, numbered(&path, 1)).expect("rotate");
                fs::write(&path, line(2, "info")).expect("write");
            }
            true
        };
        tail(&path, Tail { follow: true, ..ALL }, &go_on, &mut |line| {
            seen.push(line["n"].as_u64().expect("a number"));
            seen.len() < 2
        })
        .expect("read");
        assert_eq!(seen, [1, 2]);
    }
}
