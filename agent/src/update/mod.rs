//! Updates of this program that come without its package: verified, tried, and taken back if they do not do.
//!
//! ```text
//!   update file ──▶ verified ──▶ updates/VERSION/ ──▶ tried when idle ──▶ ready: in force
//!                                                          └── twice not ready: given up, the old one goes on
//! ```
//!
//! - The program of the package stays as it is, and always starts first: packages belong to the system's package manager, and
//!   the service could not write there anyway. Before it does anything it hands over to the newest program that is in
//!   force, by `exec`: the process stays the one that the service manager started. A package that is newer takes over.
//! - What is started was compared with its manifest just before, and that with a key of `agent.toml`: what the hub carries, and
//!   who writes into the data folder, cannot choose what runs here.
//! - A newer program may bring the store to a newer schema, of which a copy was made just before. If it never became ready, the
//!   old program gets that copy back; what the newer one made of it is kept beside it.
//! - Where a program cannot be exchanged for another in place (Windows), updates come as packages only.

mod coming;
mod launch;
mod shelf;
mod state;

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kentongan_host::data_dir::{DataDir, Program};
use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::files::read_bounded;
use kentongan_host::ktg::Ktg;
use kentongan_host::options::Settings;
use kentongan_host::output::{pick, process_lang};
use kentongan_host::release::{
    BUILT, PublisherKey, Release, ReleaseFault, TARGET, UPDATE_BYTES_MAX, UpdateFile, Version, publisher_keys,
};
use kentongan_host::tls::RELEASED_S;
use serde_json::{Value, json};

use self::state::{Proven, State};
use crate::store::schema_known;

pub use self::coming::Coming;
pub(crate) use self::launch::{Doing, hand_over, start_anew, take_lock};

/// How long a new program may take to say which one it is.
const WORD_MAX: Duration = Duration::from_secs(30);

/// Why a program is not started.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Release(#[from] ReleaseFault),
    #[error("its manifest has nothing for {TARGET}")]
    OtherTarget,
    #[error("it is not the program of its manifest any more")]
    Changed,
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// An update file that is what its publisher made, for this kind of PC.
struct Candidate {
    file: UpdateFile,
    release: Release,
    program: Vec<u8>,
}

/// The version of the program that runs.
pub(crate) fn running() -> Version {
    launch::launched().map(|launched| launched.version).or_else(|| BUILT.parse().ok()).unwrap_or_else(zero)
}

/// The version that the service runs or will run. A command that is not handed over to it, root's, is an older program.
fn in_force(state: &State) -> Version {
    state.current.as_ref().map_or_else(running, |proven| running().max(proven.version.clone()))
}

/// Of a build whose version is none, everything is newer.
fn zero() -> Version {
    "0.0.0".parse().expect("a version")
}

/// How updates stand here.
///
/// # Errors
/// If that may not be read.
pub(crate) fn shown(dir: &DataDir) -> Result<Value, Failure> {
    let state = State::load(dir)?.unwrap_or_default();
    let running = in_force(&state);
    let version_of = |proven: &Option<Proven>| proven.as_ref().map(|proven| proven.version.to_string());
    Ok(json!({
        "running": running.to_string(),
        "target": TARGET,
        "package": package_version(),
        "current": version_of(&state.current),
        "previous": version_of(&state.previous),
        "trying": state.trial.as_ref().map(|trial| json!({
            "version": trial.version.to_string(), "starts": trial.starts,
        })),
        "newest": state.newest.as_ref().map(Version::to_string),
        "refused": state.refused.iter().map(Version::to_string).collect::<Vec<_>>(),
        "rolled_back": state.given_up.as_ref().map(|given_up| json!({
            "code": Ktg::UpdateGivenUp.to_string(),
            "version": given_up.version.to_string(),
            "reason": given_up.reason,
        })),
    }))
}

fn package_version() -> String {
    launch::launched().map_or(BUILT.to_owned(), |launched| launched.package.to_string())
}

/// Whether updates are fetched from the hub: where the settings say so, and somebody is trusted.
pub(crate) fn may_come(settings: &Settings) -> bool {
    cfg!(unix) && settings.text("update", "channel") == "hub" && keys(settings).is_ok_and(|keys| !keys.is_empty())
}

/// `update check`: how updates stand, and what is in a file, if one is named.
///
/// # Errors
/// If the file is not what a trusted publisher made for this kind of PC.
pub(crate) fn check(dir: &DataDir, settings: &Settings, file: Option<&Path>) -> Result<Value, Failure> {
    let mut answer = shown(dir)?;
    answer["schema"] = json!("kentongan.agent.update/1");
    let Some(file) = file else { return Ok(answer) };
    let Candidate { release, program, .. } = candidate(&read(file)?, &keys(settings)?)?;
    let state = State::load(dir)?.unwrap_or_default();
    answer["file"] = json!({
        "version": release.version.to_string(),
        "commit": release.commit,
        "bytes": program.len(),
        "newer": release.version > in_force(&state),
        "wanted": state.wants(&release.version, &in_force(&state)),
    });
    Ok(answer)
}

/// `update apply`: verifies an update file, and has its program tried at the next start. `hub_ms` is what the hub's clock
/// showed last: nothing that had ended by then is taken, whatever this PC's clock says.
///
/// # Errors
/// [`Ktg::UpdateRefused`] and why.
pub(crate) fn apply(dir: &DataDir, settings: &Settings, bytes: &[u8], hub_ms: Option<i64>) -> Result<Version, Failure> {
    if cfg!(not(unix)) {
        return Err(only_by_package());
    }
    let Candidate { file, release, program } = candidate(bytes, &keys(settings)?)?;
    let mut state = State::load(dir)?.unwrap_or_default();
    let version = release.version;
    if version <= running() || state.newest.as_ref().is_some_and(|newest| version < *newest) {
        return Err(not_newer(&version, &state.newest.max(Some(running())).unwrap_or(version.clone())));
    }
    if hub_ms.unwrap_or(0).max(RELEASED_S * 1000) > release.expires_ms {
        return Err(Failure::of(Ktg::UpdateRefused).with_detail(pick(
            process_lang(),
            "masa berlakunya sudah lewat; minta yang terbaru",
            "its time has passed; ask for the latest one",
        )));
    }
    let path = shelf::put(dir, &file, &version, &program)?;
    speaks(&path, &version)?;
    state.begin(version.clone(), schema_known());
    state.save(dir)?;
    tracing::info!(ev = "update.accepted", %version, "an update is tried as soon as nobody is kept from work by it");
    Ok(version)
}

/// An update that the hub carried, and claimed to be `version`. What does not hold is not fetched again.
///
/// # Errors
/// As [`apply`].
pub(crate) fn apply_offered(
    dir: &DataDir,
    settings: &Settings,
    (bytes, version): (&[u8], &str),
    hub_ms: Option<i64>,
) -> Result<Version, Failure> {
    let applied = apply(dir, settings, bytes, hub_ms);
    if let (Err(_), Ok(version)) = (&applied, version.parse()) {
        let mut state = State::load(dir)?.unwrap_or_default();
        state.refuse(version);
        state.save(dir)?;
    }
    applied
}

/// `update rollback`: the program before the one in force comes back at the next start.
///
/// # Errors
/// If there is none, or it could not read the store any more.
pub(crate) fn roll_back(dir: &DataDir) -> Result<Version, Failure> {
    let mut state = State::load(dir)?.unwrap_or_default();
    if state.trial.is_some() {
        state.give_up(pick(process_lang(), "dibatalkan", "called off").to_owned());
        state.given_up = None;
        state.save(dir)?;
        return Ok(running());
    }
    let package = launch::launched().map(|launched| (launched.package, launched.package_schema));
    let (target, schema) = match (&state.current, &state.previous, package) {
        (Some(_), Some(previous), _) => (previous.version.clone(), previous.schema),
        (Some(_), None, Some(package)) => package,
        _ => return Err(nothing_before()),
    };
    if schema < schema_known() {
        return Err(Failure::of(Ktg::StoreNewer).with_detail(target.to_string()).with_hint(
            "Catatan di sini sudah dalam bentuk baru dan tetap aman; pasang versi yang lebih baru.",
            "The records here have a newer form already, and are safe; install a newer version.",
        ));
    }
    let gone = state.step_back();
    state.save(dir)?;
    if let Some(version) = gone {
        tracing::warn!(ev = "update.taken_back", %version, to = %target, "somebody took an update back");
    }
    Ok(target)
}

/// Says once in the log what became of the last update, and notes that this program is ready.
///
/// # Errors
/// If that cannot be noted: then it counts as not ready the next time.
pub(crate) fn note_ready(dir: &DataDir) -> io::Result<()> {
    let Some(mut state) = State::load(dir)? else { return Ok(()) };
    let before = state.clone();
    if let Some(given_up) = state.given_up.as_mut().filter(|given_up| !given_up.told) {
        given_up.told = true;
        let (version, reason) = (&given_up.version, &given_up.reason);
        tracing::error!(ev = "update.rolled_back", code = %Ktg::UpdateGivenUp, %version, reason, "an update did not do and was taken back");
    }
    let running = running();
    if launch::launched().is_some() && state.trial.as_ref().is_some_and(|trial| trial.version == running) {
        state.prove(schema_known());
        tracing::info!(ev = "update.applied", version = %running, "the update is ready and in force");
    }
    if state == before {
        return Ok(());
    }
    state.save(dir)?;
    let kept = [&state.current, &state.previous].into_iter().flatten().map(|proven| &proven.version);
    shelf::sweep(dir, &kept.chain(state.trial.as_ref().map(|trial| &trial.version)).collect::<Vec<_>>());
    Ok(())
}

/// Reads an update file.
///
/// # Errors
/// If it cannot be read, or is too long.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    read_bounded(file, UPDATE_BYTES_MAX)
        .map_err(|error| anyhow::Error::new(error).context(format!("read {}", file.display())).into())
}

fn candidate(bytes: &[u8], keys: &[PublisherKey]) -> Result<Candidate, Failure> {
    if keys.is_empty() {
        return Err(Failure::of(Ktg::UpdateRefused)
            .with_detail(pick(
                process_lang(),
                "belum ada kunci penerbit di komputer ini",
                "this PC has no publisher's key",
            ))
            .with_hint(
                "Isi update.keys di agent.toml dengan baris kedua minisign.pub milik penerbit.",
                "Set update.keys in agent.toml to the second line of the publisher's minisign.pub.",
            ));
    }
    let file = UpdateFile::read(bytes).map_err(unfit)?;
    let release = file.release(keys).map_err(unfit)?;
    let named = release.program_for(Program::Agent, TARGET).ok_or_else(|| unfit(ReleaseFault::OtherTarget(TARGET)))?;
    let program = file.unpack(named).map_err(unfit)?;
    Ok(Candidate { file, release, program })
}

fn keys(settings: &Settings) -> Result<Vec<PublisherKey>, Failure> {
    publisher_keys(settings.text("update", "keys")).map_err(|error| {
        Failure::usage("update.keys: bukan kunci publik minisign.", "update.keys: not a public key of minisign.")
            .caused_by(error)
    })
}

/// Starts a new program for a word, before anything depends on it: one that is for another machine, or on a disk from which
/// nothing may be started, is refused while the old one still runs.
fn speaks(program: &Path, version: &Version) -> Result<(), Failure> {
    let mute = |reason: String| {
        Failure::of(Ktg::UpdateRefused)
            .with_detail(pick(process_lang(), "program itu tidak jalan di sini", "that program does not run here"))
            .caused_by(anyhow::anyhow!(reason))
    };
    let mut asked = Command::new(program);
    asked.args(["version", "--json"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    launch::mark(&mut asked, version);
    let mut asked = asked.spawn().map_err(|error| mute(error.to_string()))?;
    let until = Instant::now() + WORD_MAX;
    loop {
        match asked.try_wait()? {
            Some(ended) if ended.success() => return Ok(()),
            Some(ended) => return Err(mute(ended.to_string())),
            None if Instant::now() >= until => {
                asked.kill()?;
                asked.wait()?;
                return Err(mute("it says nothing".to_owned()));
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn unfit(fault: ReleaseFault) -> Failure {
    let lang = process_lang();
    let detail = match fault {
        ReleaseFault::Malformed(_) => {
            pick(lang, "berkas ini rusak atau bukan pemutakhiran", "this is no update file, or damaged")
        }
        ReleaseFault::NotGenuine => pick(lang, "tidak ditandatangani penerbit", "not signed by the publisher"),
        ReleaseFault::NoKey => pick(lang, "kunci penerbit tidak terbaca", "the publisher's key cannot be read"),
        ReleaseFault::OtherTarget(_) => pick(lang, "bukan untuk komputer jenis ini", "not for this kind of PC"),
        ReleaseFault::OtherProgram => {
            pick(lang, "isinya bukan yang ditandatangani", "what it holds is not what was signed")
        }
    };
    Failure::of(Ktg::UpdateRefused).with_detail(detail).caused_by(fault)
}

fn not_newer(version: &Version, newest: &Version) -> Failure {
    Failure::new(
        Exit::Version,
        format!("Versi {version} tidak lebih baru daripada {newest}, yang sudah pernah jalan di sini."),
        format!("Version {version} is not newer than {newest}, which ran here already."),
    )
    .with_hint(
        "Kembali ke yang sebelumnya: kentongan-agent update rollback",
        "Go back by: kentongan-agent update rollback",
    )
}

fn nothing_before() -> Failure {
    Failure::new(
        Exit::Failed,
        "Yang jalan adalah program dari paket; tidak ada yang sebelumnya di sini.",
        "What runs is the program of the package; there is none before it here.",
    )
    .with_hint(
        "Pasang paket versi lama, misalnya: sudo apt install ./kentongan-agent_….deb",
        "Install an older package, such as: sudo apt install ./kentongan-agent_….deb",
    )
}

fn only_by_package() -> Failure {
    Failure::new(
        Exit::Failed,
        "Di sistem ini pemutakhiran dipasang sebagai paket.",
        "On this system updates are installed as packages.",
    )
    .with_hint(
        "Pasang MSI yang lebih baru: msiexec /i kentongan-agent-x64.msi /qn",
        "Install the newer MSI: msiexec /i kentongan-agent-x64.msi /qn",
    )
}
