//! The players of the demo: real processes of the real programs, each office behind a link of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use super::pipe::Pipe;

/// How long anything in the demo may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at a state that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(60);

/// The hub's process.
pub(super) struct Hub {
    process: Running,
    data: PathBuf,
    /// Where its offices reach it.
    pub(super) address: SocketAddr,
}

/// One office: its PC's data folder, its link, and its agent while that runs.
pub(super) struct Office {
    /// What people call it.
    pub(super) name: &'static str,
    /// Its folder.
    pub(super) data: PathBuf,
    /// Its link to the hub.
    pub(super) link: Pipe,
    agent: Option<Running>,
}

/// A child process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Hub {
    /// Makes a hub in `data` and starts it.
    pub(super) fn start(data: PathBuf) -> Result<Hub> {
        let program = std::env::current_exe().context("find this program")?;
        answer(Command::new(&program).arg("init").arg("--data").arg(&data).arg("--json"))?;
        let (process, ready) = start(
            Command::new(&program).arg("serve").arg("--data").arg(&data).args(["--listen", "127.0.0.1:0"]),
            &data.with_extension("log"),
        )?;
        let url = ready["sync"].as_str().context("the hub did not say where it listens")?;
        let address = url.trim_start_matches("https://").trim_end_matches('/').parse().context("the hub's address")?;
        Ok(Hub { process, data, address })
    }

    /// Runs a command of the hub and gives its answer.
    pub(super) fn ask(&self, args: &[&str]) -> Result<Value> {
        let program = std::env::current_exe().context("find this program")?;
        answer(Command::new(program).args(args).arg("--data").arg(&self.data).arg("--json"))
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.process.0.id()
    }
}

impl Office {
    /// Enrols an office with a one-time code and starts its agent.
    pub(super) fn start(hub: &Hub, folder: &Path, code: &str, name: &'static str) -> Result<Office> {
        let link = Pipe::open(hub.address).context("open a link")?;
        let data = folder.join(name.to_lowercase().replace([' ', '.'], "-"));
        let bought = hub.ask(&["enrol", "code", "create", "--office", code, "--name", name])?;
        let secret = bought["code"].as_str().context("the hub gave no code")?;
        let mut office = Office { name, data, link, agent: None };
        let url = format!("https://{}", office.link.address());
        office.ask(&["enrol", "--hub", &url, "--code", secret])?;
        office.switch_on()?;
        Ok(office)
    }

    /// Starts the agent, as after the power came back.
    pub(super) fn switch_on(&mut self) -> Result<()> {
        let mut command = Command::new(agent_program()?);
        command.arg("run").arg("--data").arg(&self.data).env("KENTONGAN_AGENT_SYNC_INTERVAL", "1s");
        command.env("KENTONGAN_AGENT_UI_LISTEN", "127.0.0.1:0");
        let (agent, _) =
            start(command.env("KENTONGAN_AGENT_SYNC_BACKOFF_MAX", "1s"), &self.data.with_extension("log"))?;
        self.agent = Some(agent);
        Ok(())
    }

    /// Kills the agent without a warning, as a power cut does.
    pub(super) fn cut_power(&mut self) {
        self.agent = None;
    }

    /// Runs a command of the agent and gives its answer.
    pub(super) fn ask(&self, args: &[&str]) -> Result<Value> {
        answer(Command::new(agent_program()?).args(args).arg("--data").arg(&self.data).arg("--json"))
    }

    /// The agent's status, once `enough` holds.
    pub(super) fn wait(&self, what: &str, enough: impl Fn(&Value) -> bool) -> Result<Value> {
        wait_for(&format!("{}: {what}", self.name), || {
            let status = self.ask(&["status"])?;
            Ok(enough(&status).then_some(status))
        })
    }
}

/// Looks again and again until there is an answer.
pub(super) fn wait_for<T>(what: &str, look: impl Fn() -> Result<Option<T>>) -> Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        super::go_on()?;
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() > until {
            bail!("waited {} s in vain for: {what}", PATIENCE.as_secs());
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// The agent beside this program.
fn agent_program() -> Result<PathBuf> {
    let here = std::env::current_exe().context("find this program")?;
    let agent = here.with_file_name(format!("kentongan-agent{}", std::env::consts::EXE_SUFFIX));
    if agent.exists() {
        Ok(agent)
    } else {
        Err(anyhow!("{} is missing; build it with: cargo build --release", agent.display()))
    }
}

/// Starts a service and waits for the line that says that it is ready.
fn start(command: &mut Command, log: &Path) -> Result<(Running, Value)> {
    let log = fs::File::create(log).with_context(|| format!("write {}", log.display()))?;
    let mut child =
        Running(command.stdout(Stdio::piped()).stderr(log).stdin(Stdio::null()).spawn().context("start a program")?);
    let stdout = child.0.stdout.take().context("the output of a program")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).context("wait for a program to be ready")?;
    let ready: Value = serde_json::from_str(&line).with_context(|| format!("a program said: {line}"))?;
    Ok((child, ready))
}

/// Runs a command to its end and reads its JSON answer.
fn answer(command: &mut Command) -> Result<Value> {
    let ended = command.stdin(Stdio::null()).output().context("run a program")?;
    if !ended.status.success() {
        bail!("{command:?} ended with {}: {}", ended.status, String::from_utf8_lossy(&ended.stderr).trim());
    }
    serde_json::from_slice(&ended.stdout)
        .with_context(|| format!("{command:?} said: {}", String::from_utf8_lossy(&ended.stdout)))
}
