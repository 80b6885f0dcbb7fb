//! `doctor`: checks in the order of likelihood, each with one next step.

use std::fs;
use std::net::TcpListener;

use kentongan_host::files::free_bytes;
use kentongan_host::output::Table;
use kentongan_host::tls::RELEASED_S;
use kentongan_host::{Clock, Exit, Failure, Lang, Lock, SystemClock};
use serde::Serialize;

use super::ask::ask;
use super::{Context, document, words};
use crate::backup::folder::{list, same_disk};
use crate::ca::{Age, Authority, age};
use crate::config::{Config, load, sources};
use crate::service::backup::folder;
use crate::service::status::Health;
use crate::service::{Answer, Request};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Ok,
    Warning,
    Failure,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    outcome: Outcome,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_step: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    checks: Vec<Check>,
}

/// What is looked at, in order.
struct Doctor<'c, 'a> {
    context: &'c Context<'a>,
    now_ms: i64,
    checks: Vec<Check>,
}

/// Looks at everything.
pub(super) fn examine(context: &Context<'_>) -> Report {
    let mut doctor = Doctor { context, now_ms: SystemClock::new().wall_ms(), checks: Vec::new() };
    let config = doctor.config();
    if doctor.folder() {
        doctor.permissions();
        doctor.space(config.min_free_bytes);
        doctor.clock();
        doctor.certificates();
        doctor.store();
        doctor.backup(&config);
        doctor.port(&config);
    }
    Report { checks: doctor.checks }
}

pub(super) fn run(context: &Context<'_>) -> Result<Exit, Failure> {
    let report = examine(context);
    show(context, &report);
    let worst = |outcome| report.checks.iter().any(|check| check.outcome == outcome);
    Ok(match (worst(Outcome::Failure), worst(Outcome::Warning)) {
        (true, _) => Exit::DoctorFailures,
        (false, true) => Exit::DoctorWarnings,
        (false, false) => Exit::Done,
    })
}

impl Doctor<'_, '_> {
    fn ok(&mut self, name: &'static str, found: impl Into<String>) {
        self.checks.push(Check { name, outcome: Outcome::Ok, found: found.into(), next_step: None });
    }

    fn note(&mut self, name: &'static str, outcome: Outcome, found: (String, String), next_step: (&str, &str)) {
        let out = self.context.out;
        let found = if out.lang == Lang::Id { found.0 } else { found.1 };
        let next_step = Some(out.pick(next_step.0, next_step.1).to_owned());
        self.checks.push(Check { name, outcome, found, next_step });
    }

    fn failed(&mut self, name: &'static str, failure: &Failure, next_step: (&str, &str)) {
        let lang = self.context.out.lang;
        let next_step =
            failure.next_step(lang).unwrap_or_else(|| self.context.out.pick(next_step.0, next_step.1).to_owned());
        let sentence = failure.sentence(lang);
        let found = failure.ktg.map_or_else(|| sentence.to_string(), |ktg| format!("{ktg}: {sentence}"));
        self.checks.push(Check { name, outcome: Outcome::Failure, found, next_step: Some(next_step) });
    }

    /// The configuration, or the built-in one if it does not hold.
    fn config(&mut self) -> Config {
        let sources = sources(&self.context.dir, self.context.common.config.clone(), Vec::new());
        match load(&sources) {
            Ok(settings) => {
                self.ok("config", sources.file.display().to_string());
                Config::of(&settings)
            }
            Err(failure) => {
                self.failed("config", &failure, ("kentongan-hub config check", "kentongan-hub config check"));
                Config::built_in()
            }
        }
    }

    fn folder(&mut self) -> bool {
        let dir = &self.context.dir;
        if dir.store().exists() && dir.ca().exists() {
            self.ok("folder", dir.root().display().to_string());
            return true;
        }
        let failure = crate::ca::not_initialised(dir);
        self.failed("folder", &failure, ("kentongan-hub init", "kentongan-hub init"));
        false
    }

    #[cfg(unix)]
    fn permissions(&mut self) {
        use std::os::unix::fs::PermissionsExt;
        let ca = self.context.dir.ca();
        let files = fs::read_dir(&ca).into_iter().flatten().flatten().map(|entry| entry.path());
        let keys = files.filter(|path| path.extension().is_some_and(|ending| ending == "key"));
        let open: Vec<String> = keys
            .filter(|path| fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0))
            .map(|path| path.display().to_string())
            .collect();
        if open.is_empty() {
            return self.ok("permissions", ca.display().to_string());
        }
        let list = open.join(", ");
        self.note(
            "permissions",
            Outcome::Failure,
            (format!("kunci dapat dibaca orang lain: {list}"), format!("keys can be read by others: {list}")),
            ("chmod 600 pada berkas itu", "chmod 600 on that file"),
        );
    }

    #[cfg(not(unix))]
    fn permissions(&mut self) {
        self.ok("permissions", self.context.dir.ca().display().to_string());
    }

    fn space(&mut self, min_free_bytes: u64) {
        let Some(free) = free_bytes(self.context.dir.root()) else { return };
        let text = words::bytes(self.context.out, free);
        if free < min_free_bytes {
            let next_step = ("kosongkan ruang pada disk itu", "free space on that disk");
            self.note("space", Outcome::Failure, (format!("tinggal {text}"), format!("only {text} left")), next_step);
        } else if free < min_free_bytes.saturating_mul(4) {
            let next_step = ("siapkan ruang lebih", "make more space available");
            self.note("space", Outcome::Warning, (format!("tinggal {text}"), format!("only {text} left")), next_step);
        } else {
            self.ok("space", text);
        }
    }

    fn clock(&mut self) {
        let shown = words::time(self.context.out, self.now_ms);
        if self.now_ms < RELEASED_S * 1000 {
            let found = (
                format!("jam menunjukkan {shown}, sebelum program ini dibuat"),
                format!("the clock shows {shown}, before this program was made"),
            );
            self.note(
                "clock",
                Outcome::Failure,
                found,
                ("nyalakan sinkronisasi jam (NTP)", "switch on time synchronisation (NTP)"),
            );
        } else {
            self.ok("clock", shown);
        }
    }

    fn certificates(&mut self) {
        let authority = match Authority::load(&self.context.dir, self.now_ms) {
            Ok(authority) => authority,
            Err(failure) => {
                let next_step = ("pulihkan folder ca/ dari cadangan", "restore the folder ca/ from a backup");
                return self.failed("certificates", &failure, next_step);
            }
        };
        let now_s = self.now_ms.div_euclid(1000);
        let until = |der| {
            let facts = kentongan_host::certificate::facts(der);
            words::time(self.context.out, facts.map_or(0, |facts| facts.validity.not_after_s.saturating_mul(1000)))
        };
        let (root, hub) = (until(authority.root()), until(authority.hub()));
        match age(authority.root(), now_s) {
            Age::Young => self.ok("certificates", format!("{} {root}, {} {hub}", "root", "hub")),
            _ => self.note(
                "certificates",
                Outcome::Warning,
                (format!("akar berakhir {root}"), format!("the root ends {root}")),
                ("rencanakan pendaftaran ulang semua kantor", "plan to enrol all offices again"),
            ),
        }
    }

    fn store(&mut self) {
        match ask(self.context, Request::Status) {
            Ok(Answer::Status(status)) => {
                let ops = words::count(self.context.out, status.ops);
                self.ok("store", format!("{}, {ops} op", words::bytes(self.context.out, status.store_bytes)));
            }
            Ok(_) => self.failed("store", &super::ask::unexpected(), ("", "")),
            Err(failure) => {
                let page = failure.ktg.map_or_else(String::new, |ktg| format!(" {ktg}"));
                let next_step = format!("kentongan-hub help{page}");
                self.failed("store", &failure, (&next_step, &next_step));
            }
        }
    }

    /// Whether the last backup is young, and lies somewhere else than the store.
    fn backup(&mut self, config: &Config) {
        let folder = folder(&self.context.dir, config);
        let found = list(&folder).unwrap_or_default();
        let last =
            found.iter().find_map(|found| found.manifest.as_ref().map(|manifest| (manifest.made_at, &found.name)));
        let raised = match ask(self.context, Request::Status) {
            Ok(Answer::Status(status)) => status.health.iter().find_map(|health| match health {
                Health::Backup(hours) => Some(*hours),
                _ => None,
            }),
            // Told by the check of the store.
            _ => None,
        };
        let run = ("kentongan-hub backup run", "kentongan-hub backup run");
        let shown = folder.display();
        match (raised, last) {
            (Some(hours), _) => self.note(
                "backup",
                Outcome::Warning,
                (
                    format!("KTG-209: tidak ada cadangan yang diperiksa sejak {hours} jam ({shown})"),
                    format!("KTG-209: no verified backup for {hours} hours ({shown})"),
                ),
                run,
            ),
            (None, Some(_)) if same_disk(&folder, self.context.dir.root()) == Some(true) => self.note(
                "backup",
                Outcome::Warning,
                (format!("cadangan di disk yang sama: {shown}"), format!("backups lie on the same disk: {shown}")),
                ("atur store.backup_dir ke disk lain", "set store.backup_dir to another disk"),
            ),
            (None, Some((made_at, name))) => {
                let made = words::time(self.context.out, made_at);
                self.ok("backup", format!("{made}, {}", folder.join(name).display()));
            }
            (None, None) => {
                let first =
                    self.context.out.pick("belum ada; pertama kali pukul", "none yet; the first one at").to_owned();
                self.ok("backup", format!("{first} {}", config.backup_at));
            }
        }
    }

    /// Whether the port is free, unless a service of ours holds it.
    fn port(&mut self, config: &Config) {
        let address = &config.listen;
        if let Some(pid) = Lock::holder(&self.context.dir) {
            return self.ok("port", format!("{address}, pid {pid}"));
        }
        match TcpListener::bind(address) {
            Ok(_) => self.ok("port", address.clone()),
            Err(error) => self.note(
                "port",
                Outcome::Failure,
                (format!("{address} tidak dapat dipakai: {error}"), format!("{address} cannot be used: {error}")),
                ("pilih alamat lain: listen.sync di hub.toml", "choose another address: listen.sync in hub.toml"),
            ),
        }
    }
}

fn show(context: &Context<'_>, report: &Report) {
    let out = context.out;
    if out.json {
        return out.document(&document("kentongan.doctor/1", report));
    }
    let mut table = Table::headless();
    for check in &report.checks {
        let mark = match check.outcome {
            Outcome::Ok => "✔",
            Outcome::Warning => "!",
            Outcome::Failure => "✖",
        };
        table.row([mark, check.name, &check.found]);
        if let Some(next_step) = &check.next_step {
            table.row(["", "", &format!("{}: {next_step}", out.pick("Coba", "Try"))]);
        }
    }
    out.table(&table);
}
