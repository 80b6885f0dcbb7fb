//! A program that runs until somebody ends it.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use kentongan_host::Exit;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::wait;

/// Longest wait for a service to say that it is ready, or to end when asked.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running service. Dropping it kills it.
#[derive(Debug)]
pub struct Service {
    child: Child,
    ready: Value,
    said: PathBuf,
}

impl Service {
    /// Starts `command` and waits for its line that says `"event":"ready"`. What it writes to stderr is added to
    /// the file `said`.
    ///
    /// # Panics
    /// If it ends or says nothing instead.
    pub fn start(command: Command, said: &Path) -> Service {
        let line = format!("{command:?}");
        let service = Service::spawn(command, said);
        assert_eq!(service.ready["event"], "ready", "{line}\n{}", service.said());
        service
    }

    /// The same, but `None` if it ends with `exit` instead.
    ///
    /// # Panics
    /// If it ends in another way or says nothing.
    pub fn try_start(command: Command, said: &Path, exit: Exit) -> Option<Service> {
        let line = format!("{command:?}");
        let mut service = Service::spawn(command, said);
        if service.ready["event"] == "ready" {
            return Some(service);
        }
        let ended = service.child.wait().expect("wait for a service");
        assert_eq!(ended.code(), Some(i32::from(exit.code())), "{line}\n{}", service.said());
        None
    }

    /// The same, but gives how it ended if it never became ready.
    ///
    /// # Errors
    /// How it ended instead.
    ///
    /// # Panics
    /// If it neither becomes ready nor ends.
    pub fn launch(command: Command, said: &Path) -> Result<Service, ExitStatus> {
        let mut service = Service::spawn(command, said);
        if service.ready["event"] == "ready" {
            return Ok(service);
        }
        let ended = wait::until("a service that is not ready ends", PATIENCE, || {
            service.child.try_wait().expect("ask for a process")
        });
        Err(ended)
    }

    /// Starts it and reads its first line, if one comes.
    fn spawn(mut command: Command, said: &Path) -> Service {
        let stderr = OpenOptions::new().create(true).append(true).open(said).expect("a file for what a service says");
        let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn().expect("start a service");
        let first = lines_of(&mut child).recv_timeout(PATIENCE).unwrap_or_default();
        Service { child, ready: serde_json::from_str(&first).unwrap_or_default(), said: said.to_owned() }
    }

    /// What it said when it was ready.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything on stderr so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap_or_default()
    }

    /// Whether it still runs.
    ///
    /// # Panics
    /// If the system does not say.
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("ask for a process").is_none()
    }

    /// Kills it as a power cut does, without a word.
    ///
    /// # Panics
    /// If the system refuses.
    pub fn kill(mut self) {
        self.child.kill().expect("kill a service");
        self.child.wait().expect("wait for a killed service");
    }

    /// Asks it to stop, as the system does, and gives how it ended.
    ///
    /// # Panics
    /// If it does not stop.
    pub fn stop(mut self) -> ExitStatus {
        signal(self.pid(), Signal::TERM);
        wait::until("a service stops when asked", PATIENCE, || self.child.try_wait().expect("ask for a process"))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already when it was stopped or killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process.
pub fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        // A process that has ended needs no signal.
        let _ = kill_process(pid, signal);
    }
}

/// The lines of stdout as they come; somebody must read them, or the service would wait for ever.
fn lines_of(child: &mut Child) -> Receiver<String> {
    let stdout = BufReader::new(child.stdout.take().expect("stdout was asked for"));
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            // Only the first line is waited for; the rest is read and dropped.
            let _ = sender.send(line);
        }
    });
    lines
}
