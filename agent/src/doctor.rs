//! What can be wrong with this installation, in the order of likelihood, each with one next step.

use std::fmt;
use std::net::ToSocketAddrs;
use std::path::PathBuf;

use kentongan_host::clock::SystemClock;
use kentongan_host::control::Client;
use kentongan_host::data_dir::DataDir;
use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::files::free_bytes;
use kentongan_host::lock::Lock;
use kentongan_host::options::Settings;
use kentongan_host::output::{Output, Table};
use kentongan_host::tls::RELEASED_S;
use kentongan_host::{Clock, Ktg, Lang};
use serde_json::{Value, json};

use crate::agent::{certificate_ends_ms, needs_a_person};
use crate::cli::print::link_rules;
use crate::command::Command;
use crate::enrol::Identity;
use crate::room::{self, Room};
use crate::{config, show, update};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Good,
    Warning,
    Bad,
}

/// One finding.
struct Finding {
    check: &'static str,
    verdict: Verdict,
    said: (String, String),
    next: (String, String),
}

/// A PC clock off by more than this is worth a person's visit, in milliseconds.
pub(crate) const OFFSET_MS_MAX: f64 = 300_000.0;

/// Certificates with less than this left are a warning, in milliseconds.
const CERTIFICATE_MS_MIN: i64 = 14 * 86_400_000;

/// Runs the checks named in `only`, or all of them, and prints what they found.
///
/// # Errors
/// If a check itself cannot be run.
pub(crate) fn run(
    dir: &DataDir,
    named_config: Option<PathBuf>,
    out: &Output,
    only: &[String],
) -> Result<Exit, Failure> {
    const CHECKS: [&str; 11] =
        ["folder", "config", "store", "space", "enrolment", "certificate", "clock", "net", "contact", "data", "update"];
    if let Some(unknown) = only.iter().find(|name| !CHECKS.contains(&name.as_str())) {
        let known = CHECKS.join(", ");
        return Err(Failure::usage(
            format!("Tidak ada pemeriksaan {unknown}. Yang ada: {known}."),
            format!("There is no check {unknown}. There are: {known}."),
        ));
    }
    let mut examined = examine(dir, &config::load(dir, named_config));
    let findings = &mut examined.findings;
    findings.retain(|finding| only.is_empty() || only.iter().any(|name| name == finding.check));
    print(out, findings);
    Ok(match findings.iter().map(|finding| finding.verdict).max() {
        Some(Verdict::Bad) => Exit::DoctorFailures,
        Some(Verdict::Warning) => Exit::DoctorWarnings,
        _ => Exit::Done,
    })
}

/// What was looked at, and what was found.
pub(crate) struct Examined {
    /// The state, or why nobody can tell it.
    pub(crate) status: Result<Value, Failure>,
    findings: Vec<Finding>,
}

impl Examined {
    /// What was found, as a document.
    pub(crate) fn document(&self, out: &Output) -> Value {
        document(out, &self.findings)
    }
}

/// Runs all checks.
pub(crate) fn examine(dir: &DataDir, settings: &Result<Settings, Failure>) -> Examined {
    let status = status(dir, settings.as_ref().ok());
    let mut findings = vec![folder(dir), configuration(settings)];
    findings.push(store(&status));
    findings.extend(settings.as_ref().ok().map(|settings| space(dir, settings)));
    findings.push(enrolment(dir));
    findings.extend(certificate(dir));
    findings.push(clock(status.as_ref().ok()));
    findings.extend(status.as_ref().ok().and_then(network));
    findings.extend(status.as_ref().ok().and_then(contact));
    findings.extend(status.as_ref().ok().and_then(data));
    findings.extend(updates(dir));
    Examined { status, findings }
}

/// From the service, or from the store if none runs. Either way every page of the store is looked at first.
fn status(dir: &DataDir, settings: Option<&Settings>) -> Result<Value, Failure> {
    let request = serde_json::to_value(Command::Status).map_err(anyhow::Error::new)?;
    if let Some(mut client) = Client::connect(dir)? {
        let check = serde_json::to_value(Command::Check).map_err(anyhow::Error::new)?;
        client.call(&check, |_| {})?;
    }
    if let Some(mut client) = Client::connect(dir)? {
        return client.call(&request, |_| {});
    }
    let _lock = Lock::take(dir)?;
    let mut store = crate::store::Store::open(&dir.store(), crate::store::Machine::real())?;
    if let Err(error) = store.scrub_whole() {
        if !error.is_damage() {
            return Err(error.into());
        }
        store.repair(&error)?;
    }
    let (counts, link, mishap) = (store.counts()?, store.link()?, store.mishap()?);
    let rules = settings.map(|settings| config::rules(settings, store.zone())).unwrap_or_default();
    let answer = show::status(&show::Standing {
        member: store.member().cloned(),
        hub_url: store.member().map_or_else(String::new, |member| member.hub_url.clone()),
        counts,
        attachments: store.attachment_totals()?,
        link,
        mishap,
        data: store.link_use(rules)?,
        service: show::ServiceState::default(),
        certificate_ends_ms: certificate_ends_ms(dir),
        free_bytes: free_bytes(dir.root()),
        // It has a check of its own.
        room: Room::Unknown,
        now_ms: store.wall_ms(),
        // Patience is a setting, and a mistake in the settings must not hide what the store says.
        warn_after_ms: i64::MAX,
        error_after_ms: i64::MAX,
    });
    store.close()?;
    Ok(answer)
}

fn finding(
    check: &'static str,
    verdict: Verdict,
    said: (String, String),
    next: (impl Into<String>, impl Into<String>),
) -> Finding {
    Finding { check, verdict, said, next: (next.0.into(), next.1.into()) }
}

/// To the page of a code.
fn read_page(ktg: impl fmt::Display) -> (String, String) {
    (format!("Baca: kentongan-agent help {ktg}"), format!("Read: kentongan-agent help {ktg}"))
}

fn folder(dir: &DataDir) -> Finding {
    let shown = dir.root().display();
    let next = ("Buat folder itu, atau sebutkan --data.", "Make that folder, or name it with --data.");
    if dir.root().is_dir() {
        finding("folder", Verdict::Good, (format!("folder data {shown}"), format!("data folder {shown}")), next)
    } else {
        finding(
            "folder",
            Verdict::Bad,
            (format!("tidak ada folder data {shown}"), format!("no data folder {shown}")),
            next,
        )
    }
}

fn configuration(settings: &Result<Settings, Failure>) -> Finding {
    let next = (
        "Betulkan baris itu, lalu: kentongan-agent config check",
        "Mend that line, then: kentongan-agent config check",
    );
    match settings {
        Ok(_) => finding("config", Verdict::Good, ("pengaturan benar".into(), "configuration valid".into()), next),
        Err(failure) => finding("config", Verdict::Bad, (failure.to_string(), failure.to_string()), next),
    }
}

fn store(status: &Result<Value, Failure>) -> Finding {
    match status {
        Ok(status) => {
            let message = &status["mishap"]["message"];
            if let (Some(id), Some(en)) = (message["id"].as_str(), message["en"].as_str()) {
                let said = (format!("KTG-202 {id}"), format!("KTG-202 {en}"));
                return finding("store", Verdict::Warning, said, read_page(Ktg::StoreRepaired));
            }
            let pending = &status["ops"]["pending"];
            let said = (
                format!("penyimpanan utuh, {pending} perubahan menunggu"),
                format!("store sound, {pending} changes waiting"),
            );
            finding("store", Verdict::Good, said, ("", ""))
        }
        Err(failure) => {
            let page = read_page(failure.ktg.unwrap_or(Ktg::StoreDamaged));
            finding("store", Verdict::Bad, (failure.to_string(), failure.to_string()), page)
        }
    }
}

fn space(dir: &DataDir, settings: &Settings) -> Finding {
    let free = free_bytes(dir.root()).unwrap_or(0);
    let mib = free >> 20;
    let verdict = if free < settings.bytes("store", "min_free") { Verdict::Warning } else { Verdict::Good };
    let [id, en] = room::NEXT;
    let next = (id, en);
    finding("space", verdict, (format!("{mib} MiB kosong"), format!("{mib} MiB free")), next)
}

fn enrolment(dir: &DataDir) -> Finding {
    let next = (
        "Minta kode ke operator pusat, lalu: kentongan-agent enrol --hub URL --code KODE",
        "Ask the hub's operator for a code, then: kentongan-agent enrol --hub URL --code CODE",
    );
    match Identity::load(dir) {
        Ok(Some(_)) => finding("enrolment", Verdict::Good, ("terdaftar".into(), "enrolled".into()), next),
        Ok(None) => finding("enrolment", Verdict::Bad, ("belum terdaftar".into(), "not enrolled".into()), next),
        Err(failure) => finding("enrolment", Verdict::Bad, (failure.to_string(), failure.to_string()), next),
    }
}

fn certificate(dir: &DataDir) -> Option<Finding> {
    let ends_ms = certificate_ends_ms(dir)?;
    let left_ms = ends_ms.saturating_sub(SystemClock::new().wall_ms());
    let verdict = match left_ms {
        ..0 => Verdict::Bad,
        0..CERTIFICATE_MS_MIN => Verdict::Warning,
        _ => Verdict::Good,
    };
    let days = left_ms / 86_400_000;
    let next = (
        "Hubungkan ke pusat; bila sudah berakhir, minta kode baru.",
        "Reach the hub; if it has ended, ask for a new code.",
    );
    Some(finding(
        "certificate",
        verdict,
        (format!("sertifikat: {days} hari lagi"), format!("certificate: {days} days left")),
        next,
    ))
}

fn clock(status: Option<&Value>) -> Finding {
    let next = ("Betulkan jam komputer ini; data tetap aman.", "Set this PC's clock right; the data is safe.");
    let before_release = SystemClock::new().wall_ms() / 1000 < RELEASED_S;
    let offset_ms = status.and_then(|status| status["clock_offset_s"].as_f64()).map(|offset_s| offset_s * 1000.0);
    match offset_ms {
        _ if before_release => finding(
            "clock",
            Verdict::Bad,
            (
                "jam menunjuk sebelum program ini dibuat".into(),
                "the clock shows a time before this program was made".into(),
            ),
            next,
        ),
        Some(offset_ms) if offset_ms.abs() > OFFSET_MS_MAX => {
            let said = (
                format!("jam berbeda {:.0} s dari pusat", offset_ms / 1000.0),
                format!("the clock is {:.0} s off the hub's", offset_ms / 1000.0),
            );
            finding("clock", Verdict::Warning, said, next)
        }
        Some(_) => finding(
            "clock",
            Verdict::Good,
            ("jam cocok dengan pusat".into(), "the clock agrees with the hub's".into()),
            next,
        ),
        None => finding(
            "clock",
            Verdict::Good,
            ("jam belum dibandingkan dengan pusat".into(), "the clock was not yet compared with the hub's".into()),
            next,
        ),
    }
}

/// Name and port of the hub, as far as they answer.
fn network(status: &Value) -> Option<Finding> {
    let url = status["hub"].as_str().filter(|url| !url.is_empty())?;
    let address = url.trim_start_matches("https://").trim_end_matches('/');
    let address = if address.contains(':') { address.to_owned() } else { format!("{address}:443") };
    let next = (
        "Periksa kabel, modem, dan DNS; lalu: kentongan-agent sync --wait",
        "Check cable, modem and DNS; then: kentongan-agent sync --wait",
    );
    let resolved = address.to_socket_addrs().map(|mut addresses| addresses.next());
    let connected = match &resolved {
        Ok(Some(address)) => std::net::TcpStream::connect_timeout(address, std::time::Duration::from_secs(5)).is_ok(),
        _ => false,
    };
    Some(match (resolved, connected) {
        (_, true) => finding("net", Verdict::Good, (format!("{address} menjawab"), format!("{address} answers")), next),
        (Ok(Some(_)), false) => finding(
            "net",
            Verdict::Bad,
            (format!("{address} tidak menjawab"), format!("{address} does not answer")),
            next,
        ),
        _ => finding(
            "net",
            Verdict::Bad,
            (format!("{address} tidak ditemukan (DNS)"), format!("{address} not found (DNS)")),
            next,
        ),
    })
}

/// An update that was given up; nothing where there is none.
fn updates(dir: &DataDir) -> Option<Finding> {
    let shown = update::shown(dir).ok()?;
    let version = shown["rolled_back"]["version"].as_str()?;
    let said = (
        format!("pemutakhiran {version} tidak jalan; program sebelumnya dipakai lagi"),
        format!("update {version} did not do; the program before it goes on"),
    );
    Some(finding("update", Verdict::Warning, said, read_page(Ktg::UpdateGivenUp)))
}

/// How the last contact ended: an address that answers may still refuse this PC, or not be the hub.
fn contact(status: &Value) -> Option<Finding> {
    let failed = status["last_error"]["code"].as_str().and_then(|code| code.parse::<Ktg>().ok());
    let Some(ktg) = failed.or((status["twin"] == json!(true)).then_some(Ktg::TwinIdentity)) else {
        let well = ("kontak terakhir berhasil".into(), "the last contact went well".into());
        return (!status["last_attempt_at"].is_null()).then(|| finding("contact", Verdict::Good, well, ("", "")));
    };
    let hard = needs_a_person(ktg) || ktg == Ktg::TwinIdentity;
    let said = |lang| format!("{ktg} {}", ktg.sentence(lang));
    Some(finding(
        "contact",
        if hard { Verdict::Bad } else { Verdict::Warning },
        (said(Lang::Id), said(Lang::En)),
        (ktg.next_step(Lang::Id), ktg.next_step(Lang::En)),
    ))
}

/// What the rules of the link hold back.
fn data(status: &Value) -> Option<Finding> {
    let said = (link_rules(status, Lang::Id)?, link_rules(status, Lang::En)?);
    let verdict = if status["data"]["until"].is_null() { Verdict::Warning } else { Verdict::Good };
    let next = (
        "Bila tidak disengaja: kentongan-agent config show data",
        "If that is not meant: kentongan-agent config show data",
    );
    Some(finding("data", verdict, said, next))
}

fn document(out: &Output, findings: &[Finding]) -> Value {
    let checks: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "check": finding.check,
                "verdict": match finding.verdict { Verdict::Good => "ok", Verdict::Warning => "warning", Verdict::Bad => "failure" },
                "message": out.pick(&finding.said.0, &finding.said.1),
                "next": (finding.verdict != Verdict::Good).then(|| out.pick(&finding.next.0, &finding.next.1)),
            })
        })
        .collect();
    json!({ "schema": "kentongan.agent.doctor/1", "checks": checks })
}

fn print(out: &Output, findings: &[Finding]) {
    if out.json {
        return out.document(&document(out, findings));
    }
    let mut table = Table::headless();
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Good => "✔",
            Verdict::Warning => "!",
            Verdict::Bad => "✖",
        };
        table.row([mark, finding.check, out.pick(&finding.said.0, &finding.said.1)]);
        if finding.verdict != Verdict::Good {
            table.row(["", "", &format!("→ {}", out.pick(&finding.next.0, &finding.next.1))]);
        }
    }
    out.table(&table);
}
