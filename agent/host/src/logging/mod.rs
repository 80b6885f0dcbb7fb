//! The log: one JSON object per line, with a stable code for what happened, and no personal data.
//!
//! ```text
//!   tracing::info!(ev = "sync.session.finished", sent = 12, bytes = 1841, "all arrived");
//!   {"ts":"2026-11-21T07:00:03.118Z","lvl":"info","ev":"sync.session.finished","sent":12,"bytes":1841,"msg":"all arrived"}
//! ```
//!
//! - `ev` is a dotted code that does not change; `code` is a `KTG-nnn` where there is one.
//! - `error` is loss or needs a person, `warn` recovered by itself, `info` is a thing that finished, `debug` for us.
//! - Never in a log: names, numbers of people, the text of a complaint, keys, codes that open something.
//! - Logging never stops the program: a line that cannot be written is dropped.

mod file;
mod line;
mod tail;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::{Registry, reload};

pub use line::render_text;
pub use tail::{Tail, tail};

use crate::data_dir::DataDir;
use crate::fail::Failure;
use crate::options::{Kind, Opt, Settings};
use file::RotatingFile;
use line::line_of;

/// The variable that overrides `log.level`; also `target=level,…` for developers.
pub const LEVEL_VARIABLE: &str = "KENTONGAN_LOG";

/// `log.level`, for the option table of a program.
pub const LEVEL: Opt = Opt {
    table: "log",
    key: "level",
    kind: Kind::OneOf(&["error", "warn", "info", "debug", "trace"]),
    default: "info",
    unit: "",
    help_id: "Seberapa banyak yang dicatat",
    help_en: "How much is logged",
    secret: false,
};
/// `log.format`, for the option table of a program.
pub const FORMAT: Opt = Opt {
    key: "format",
    kind: Kind::OneOf(&["auto", "json", "text"]),
    default: "auto",
    help_id: "Bentuk catatan di stderr; auto: teks di terminal, JSON di tempat lain",
    help_en: "Form of the log on stderr; auto: text on a terminal, JSON elsewhere",
    ..LEVEL
};
/// `log.max_size`, for the option table of a program.
pub const MAX_SIZE: Opt = Opt {
    key: "max_size",
    kind: Kind::Bytes { min: 64 << 10, max: 1 << 30 },
    default: "5MiB",
    help_id: "Ukuran satu berkas catatan sebelum diganti",
    help_en: "Size of one log file before it is rotated",
    ..LEVEL
};
/// `log.keep`, for the option table of a program.
pub const KEEP: Opt = Opt {
    key: "keep",
    kind: Kind::Whole { min: 1, max: 100 },
    default: "5",
    help_id: "Jumlah berkas catatan yang disimpan",
    help_en: "How many log files are kept",
    ..LEVEL
};

/// Where log lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// A level, or a filter `target=level,…`.
    pub level: String,
    /// What goes to stderr.
    pub stderr: StderrLog,
    /// The file, for services; commands write none.
    pub file: Option<LogFile>,
}

/// How stderr shows the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StderrLog {
    /// JSON lines.
    Json,
    /// Lines for people, times in the local zone.
    Text,
    /// Nothing.
    Off,
}

/// A log file that never grows beyond its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// The file that is written; older ones get a number before their ending.
    pub path: PathBuf,
    /// Size at which it is rotated.
    pub bytes_max: u64,
    /// Files kept, the written one included.
    pub keep: usize,
}

impl LogConfig {
    /// What a service logs, by its settings; `format` is the flag `--log-format` if it was given.
    pub fn of_service(settings: &Settings, dir: &DataDir, format: Option<&str>) -> LogConfig {
        let level = variable().unwrap_or_else(|| settings.text("log", "level").to_owned());
        let stderr = match format.unwrap_or_else(|| settings.text("log", "format")) {
            "json" => StderrLog::Json,
            "text" => StderrLog::Text,
            _ if io::stderr().is_terminal() => StderrLog::Text,
            _ => StderrLog::Json,
        };
        let file = LogFile {
            path: log_file(dir),
            bytes_max: settings.bytes("log", "max_size"),
            keep: usize::try_from(settings.whole("log", "keep")).unwrap_or(1),
        };
        LogConfig { level, stderr, file: Some(file) }
    }

    /// What a command logs: warnings, as text; more with each `-v`.
    pub fn of_command(verbose: u8) -> LogConfig {
        let level = match verbose {
            0 => "warn",
            1 => "info",
            _ => "debug",
        };
        LogConfig { level: variable().unwrap_or_else(|| level.to_owned()), stderr: StderrLog::Text, file: None }
    }
}

/// The file that the service of `dir` writes.
pub fn log_file(dir: &DataDir) -> PathBuf {
    dir.logs().join(format!("{}.jsonl", dir.program().name()))
}

/// Changes the level of the running log, when the configuration is read again.
#[derive(Debug, Clone)]
pub struct LogHandle {
    filter: reload::Handle<Targets, Registry>,
}

impl LogHandle {
    /// Sets a new level or filter; [`LEVEL_VARIABLE`] still wins over it.
    ///
    /// # Errors
    /// The text is no level and no filter (exit 2).
    pub fn set_level(&self, level: &str) -> Result<(), Failure> {
        let filter = filter_of(&variable().unwrap_or_else(|| level.to_owned()))?;
        // The subscriber is global and never dropped.
        let _ = self.filter.reload(filter);
        Ok(())
    }
}

/// Starts logging for the whole process. A second call changes nothing but gives a handle all the same.
///
/// # Errors
/// The level is no level (exit 2), or the log file cannot be opened.
pub fn init(config: &LogConfig) -> Result<LogHandle, Failure> {
    let (filter, handle) = reload::Layer::new(filter_of(&config.level)?);
    let file = config.file.as_ref().map(RotatingFile::open).transpose()?;
    let lines = Lines { stderr: config.stderr, file: file.map(Mutex::new) };
    // Tests of one process may start two programs: the first log stays.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(filter).with(lines));
    Ok(LogHandle { filter: handle })
}

fn variable() -> Option<String> {
    std::env::var(LEVEL_VARIABLE).ok().filter(|value| !value.is_empty())
}

/// A bare level is for our own crates; the libraries below speak only when something is wrong.
fn filter_of(text: &str) -> Result<Targets, Failure> {
    if let Ok(level) = text.parse::<LevelFilter>() {
        let libraries = level.min(LevelFilter::WARN);
        return Ok(Targets::new().with_default(libraries).with_target("kentongan", level));
    }
    text.parse().map_err(|_| {
        Failure::usage(
            format!("{text:?} bukan tingkat catatan: error, warn, info, debug, trace"),
            format!("{text:?} is not a log level: error, warn, info, debug, trace"),
        )
    })
}

/// Writes every event that passes the filter.
struct Lines {
    stderr: StderrLog,
    file: Option<Mutex<RotatingFile>>,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let line = line_of(event, jiff::Timestamp::now());
        let json = match (&self.file, self.stderr) {
            (None, StderrLog::Text | StderrLog::Off) => String::new(),
            _ => format!("{line}\n"),
        };
        let shown = match self.stderr {
            StderrLog::Json => &json,
            StderrLog::Text => &(render_text(&line, &crate::moment::zone()) + "\n"),
            StderrLog::Off => "",
        };
        crate::manager::logged(&line);
        // A log that cannot be written is no reason to stop working.
        let _ = io::stderr().lock().write_all(shown.as_bytes());
        if let Some(file) = &self.file {
            file.lock().unwrap_or_else(PoisonError::into_inner).append(json.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_level_is_for_our_crates_and_the_libraries_stay_quiet() {
        let filter = filter_of("debug").expect("a level");
        assert!(filter.would_enable("kentongan_agent::sync", &tracing::Level::DEBUG));
        assert!(!filter.would_enable("rustls::client", &tracing::Level::INFO));
        assert!(filter.would_enable("rustls::client", &tracing::Level::WARN));
        let quiet = filter_of("error").expect("a level");
        assert!(!quiet.would_enable("rustls::client", &tracing::Level::WARN));
        assert_eq!(filter_of("keras=sekali").expect_err("no level").exit.code(), 2);
    }
}
