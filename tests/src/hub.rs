//! A hub in a folder of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use kentongan_host::clock::TEST_WALL_OFFSET;
use kentongan_hub::demo::pipe::Pipe;
use serde_json::Value;
use tempfile::TempDir;

use crate::folder;
use crate::link;
use crate::programs::{self, Ended, Program, STOP_AT, Version};
use crate::service::Service;

/// A hub. Offices reach it through [`Hub::door`], whose address stays when the hub stops, starts or is replaced.
#[derive(Debug)]
pub struct Hub {
    home: TempDir,
    data: PathBuf,
    door: Pipe,
    process: Option<Service>,
    wall_offset_ms: i64,
    version: Version,
    stop_at: Option<String>,
    /// The network namespace that it runs in, and its address there.
    place: Option<(String, String)>,
    /// That it listens at; 0: any.
    port: u16,
}

impl Hub {
    /// Sets one up and starts it.
    ///
    /// # Panics
    /// If that fails.
    pub fn start() -> Hub {
        let mut hub = Hub::set_up();
        hub.begin();
        hub
    }

    /// Its process.
    ///
    /// # Panics
    /// If it does not run.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the hub runs").pid()
    }

    /// Sets one up, with nothing running yet.
    ///
    /// # Panics
    /// If that fails.
    pub fn set_up() -> Hub {
        let hub = Hub::bare();
        hub.init().ok();
        hub
    }

    /// A folder that does not exist yet, for a hub.
    ///
    /// # Panics
    /// If no link to it can be made.
    pub fn bare() -> Hub {
        let home = folder::temporary("kentongan-hub-");
        let data = home.path().join("pusat");
        // Nobody answers there until the hub has begun.
        let door = Pipe::open(SocketAddr::from(([127, 0, 0, 1], 9))).expect("a link");
        Hub {
            home,
            data,
            door,
            process: None,
            wall_offset_ms: 0,
            stop_at: None,
            version: Version::Present,
            place: None,
            port: 0,
        }
    }

    /// The same, with its folder at `data`: on a disk that a story made, for example.
    pub fn bare_in(data: &Path) -> Hub {
        Hub { data: data.to_owned(), ..Hub::bare() }
    }

    /// Makes the hub in its folder.
    pub fn init(&self) -> Ended {
        self.run(&["init", "--name", "Kabupaten Percobaan"])
    }

    /// Starts its service.
    ///
    /// # Panics
    /// If it runs already or does not start.
    pub fn begin(&mut self) {
        assert!(self.process.is_none(), "the hub runs already");
        let service = Service::start(self.service_command(), &self.said_file());
        self.door.lead_to(address_in(service.ready()));
        self.process = Some(service);
    }

    /// The same, at the port that it had before: its offices find it again without its door.
    ///
    /// # Panics
    /// As [`Hub::begin`].
    pub fn begin_at(&mut self, port: u16) {
        self.port = port;
        self.begin();
    }

    /// Starts its service, and gives how it ended if it never became ready.
    ///
    /// # Errors
    /// How it ended instead.
    ///
    /// # Panics
    /// If it runs already.
    pub fn launch(&mut self) -> Result<(), ExitStatus> {
        self.launch_as(|command| command)
    }

    /// The same, with the command that starts it changed: run by another program, for example.
    ///
    /// # Errors
    /// As [`Self::launch`].
    ///
    /// # Panics
    /// As [`Self::launch`].
    pub fn launch_as(&mut self, change: impl FnOnce(Command) -> Command) -> Result<(), ExitStatus> {
        assert!(self.process.is_none(), "the hub runs already");
        let service = Service::launch(change(self.service_command()), &self.said_file())?;
        self.door.lead_to(address_in(service.ready()));
        self.process = Some(service);
        Ok(())
    }

    /// Has every further process of it die at a step, as `kentongan_host::steps` names it.
    pub fn stop_at(&mut self, step: Option<&str>) {
        self.stop_at = step.map(str::to_owned);
    }

    /// Whether its service runs; one that has ended is forgotten.
    pub fn runs(&mut self) -> bool {
        if !self.process.as_mut().is_some_and(Service::runs) {
            self.process = None;
        }
        self.process.is_some()
    }

    /// Kills it without a word.
    pub fn kill(&mut self) {
        if let Some(service) = self.process.take() {
            service.kill();
        }
    }

    /// Asks it to stop.
    ///
    /// # Panics
    /// If it does not run, or does not stop.
    pub fn stop(&mut self) -> ExitStatus {
        self.process.take().expect("the hub runs").stop()
    }

    /// Its service, if it runs.
    pub fn service(&self) -> Option<&Service> {
        self.process.as_ref()
    }

    /// Its folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The link that all offices of [`crate::Office::enrol`] use.
    pub fn door(&self) -> &Pipe {
        &self.door
    }

    /// Where it really listens.
    ///
    /// # Panics
    /// If it does not run.
    pub fn address(&self) -> SocketAddr {
        address_in(self.process.as_ref().expect("the hub runs").ready())
    }

    /// Its address for offices: that of the door.
    pub fn url(&self) -> String {
        format!("https://{}", self.door.address())
    }

    /// Another version of the program is installed: it is what runs from the next process on.
    ///
    /// # Panics
    /// If its service runs.
    pub fn install(&mut self, version: Version) {
        assert!(self.process.is_none(), "the hub runs");
        self.version = version;
    }

    /// Has its service run in a network namespace, from the next process on, and listen at an address there. Its door
    /// does not lead there.
    pub fn settle(&mut self, namespace: &str, ip: &str) {
        self.place = Some((namespace.to_owned(), ip.to_owned()));
    }

    /// Shifts the clock it believes in, from the next process on.
    pub fn shift_clock(&mut self, offset_ms: i64) {
        self.wall_offset_ms = offset_ms;
    }

    /// Runs a command on its folder, with JSON answers.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn run(&self, words: &[&str]) -> Ended {
        let mut command = self.command();
        command.arg("--json").args(words);
        programs::run(command)
    }

    /// Where its console is.
    ///
    /// # Panics
    /// If the hub does not run, or has no console.
    pub fn console(&self) -> String {
        let service = self.process.as_ref().expect("the hub runs");
        service.ready()["console"].as_str().expect("an open console").to_owned()
    }

    /// A new enrolment code for an office.
    ///
    /// # Panics
    /// If there is none.
    pub fn code(&self, office: &str) -> String {
        let created = self.run(&["enrol", "code", "create", "--office", office]).ok().json();
        created["code"].as_str().expect("a code").to_owned()
    }

    /// Everything it has of a kind (`complaints`, `surveys`), one document a record.
    ///
    /// # Panics
    /// If a line is no document.
    pub fn export(&self, what: &str) -> Vec<Value> {
        let ended = self.run(&["export", what, "--format", "jsonl"]).ok();
        ended.stdout.lines().map(|line| serde_json::from_str(line).expect("a document a line")).collect()
    }

    /// How it stands.
    ///
    /// # Panics
    /// If it does not say.
    pub fn status(&self) -> Value {
        self.run(&["status"]).ok().json()
    }

    /// Everything its services said on stderr.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.said_file()).unwrap_or_default()
    }

    /// A copy of its folder as it is now.
    ///
    /// # Panics
    /// If it cannot be copied.
    pub fn copy(&self) -> TempDir {
        let copy = folder::temporary("kentongan-hub-copy-");
        folder::copy(&self.data, copy.path());
        copy
    }

    /// Puts an older copy in place of its folder. It must not run.
    ///
    /// # Panics
    /// If it runs or the copy fails.
    pub fn restore(&self, copy: &Path) {
        assert!(self.process.is_none(), "the hub runs");
        folder::restore(copy, &self.data);
    }

    fn said_file(&self) -> PathBuf {
        self.home.path().join("pusat.stderr")
    }

    /// A command of it, to be run or started.
    pub fn command(&self) -> Command {
        let mut command = Program::Hub.command_of(self.version, &self.data);
        if self.wall_offset_ms != 0 {
            command.env(TEST_WALL_OFFSET, self.wall_offset_ms.to_string());
        }
        if let Some(step) = &self.stop_at {
            command.env(STOP_AT, step);
        }
        command
    }

    fn service_command(&self) -> Command {
        let mut command = self.command();
        let ip = self.place.as_ref().map_or("127.0.0.1", |(_, ip)| ip);
        command.args(["serve", "--listen", &format!("{ip}:{}", self.port)]);
        match &self.place {
            None => command,
            Some((namespace, _)) => link::command_in(namespace, &command),
        }
    }
}

/// The address in a hub's ready line.
fn address_in(ready: &Value) -> SocketAddr {
    let url = ready["sync"].as_str().expect("the address for offices");
    url.strip_prefix("https://").and_then(|text| text.parse().ok()).expect("https://ADDRESS:PORT")
}
