//! An office's PC: an agent in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use kentongan_host::Exit;
use kentongan_host::clock::TEST_WALL_OFFSET;
use serde_json::Value;
use tempfile::TempDir;

use crate::folder;
use crate::hub::Hub;
use crate::link;
use crate::programs::{self, Ended, Program, STOP_AT, Version};
use crate::service::Service;
use crate::wait;

/// The code of an office whose day does not end within the hour, for stories that speak of "today" over minutes.
pub fn by_day() -> &'static str {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // Western Indonesia is seven hours ahead, the eastern part nine.
    match (now.as_secs() / 3_600 + 7) % 24 {
        23 => "94.71.01.1001",
        _ => "32.73.05.1001",
    }
}

/// One PC of an office.
#[derive(Debug)]
pub struct Office {
    home: TempDir,
    data: PathBuf,
    process: Option<Service>,
    wall_offset_ms: i64,
    version: Version,
    stop_at: Option<String>,
    /// The network namespace that it runs in.
    place: Option<String>,
    /// Where its page was when it first was open: it comes back there.
    page: Option<String>,
}

/// What a saved record is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// The record's id.
    pub id: String,
    /// The code for the citizen; empty for a survey.
    pub code: String,
}

impl Office {
    /// A PC with nothing on it.
    pub fn bare() -> Office {
        let home = folder::temporary("kentongan-office-");
        let data = home.path().join("kantor");
        Office {
            home,
            data,
            process: None,
            wall_offset_ms: 0,
            stop_at: None,
            version: Version::Present,
            place: None,
            page: None,
        }
    }

    /// A PC with nothing on it whose folder is `data`: on a disk that a story made, for example.
    pub fn bare_in(data: &Path) -> Office {
        Office { data: data.to_owned(), ..Office::bare() }
    }

    /// A PC that has joined `hub` as one of the office `code`, through the hub's door.
    ///
    /// # Panics
    /// If the hub does not take it.
    pub fn enrol(hub: &Hub, code: &str) -> Office {
        Office::enrol_at(hub, code, &hub.url(), 0)
    }

    /// A PC that reaches the hub at `url` and whose clock is wrong by `wall_offset_ms`.
    ///
    /// # Panics
    /// If the hub does not take it.
    pub fn enrol_at(hub: &Hub, code: &str, url: &str, wall_offset_ms: i64) -> Office {
        let office = Office { wall_offset_ms, ..Office::bare() };
        office.run(&["enrol", "--hub", url, "--code", &hub.code(code)]).ok();
        office
    }

    /// A PC in a network namespace that has joined `hub`, which runs in another one.
    ///
    /// # Panics
    /// If the hub does not run or does not take it.
    pub fn enrol_in(namespace: &str, hub: &Hub, code: &str) -> Office {
        let office = Office { place: Some(namespace.to_owned()), ..Office::bare() };
        let url = format!("https://{}", hub.address());
        office.run(&["enrol", "--hub", &url, "--code", &hub.code(code)]).ok();
        office
    }

    /// Writes its configuration file.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn configure(&self, toml: &str) {
        std::fs::write(self.data.join("agent.toml"), toml).expect("write a configuration file");
    }

    /// Makes it talk to the hub every second, whatever goes wrong: stories are short.
    ///
    /// # Panics
    /// As [`Office::configure`].
    pub fn hurry(&self) {
        self.configure("[sync]\ninterval = \"1s\"\nbackoff_max = \"1s\"\n[hub]\nproxy = \"none\"\n");
    }

    /// Starts its service.
    ///
    /// # Panics
    /// If it runs already or does not start.
    pub fn start(&mut self) {
        assert!(self.process.is_none(), "the service runs already");
        self.process = Some(Service::start(self.service_command(), &self.said_file()));
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
        assert!(self.process.is_none(), "the service runs already");
        self.process = Some(Service::launch(change(self.service_command()), &self.said_file())?);
        Ok(())
    }

    /// Starts its service, unless a command works on the folder at this moment. Says whether it runs.
    ///
    /// # Panics
    /// If it does not start for another reason.
    pub fn try_start(&mut self) -> bool {
        if self.process.is_none() {
            self.process = Service::try_start(self.service_command(), &self.said_file(), Exit::StoreInUse);
        }
        self.process.is_some()
    }

    /// Kills its service without a word.
    pub fn kill(&mut self) {
        if let Some(service) = self.process.take() {
            service.kill();
        }
    }

    /// Where its page is: `http://127.0.0.1:…/`. The next service opens it at the same place.
    ///
    /// # Panics
    /// If its service does not run, or has no page.
    pub fn page(&mut self) -> String {
        let ready = self.process.as_ref().expect("the service runs").ready();
        let page = ready["page"].as_str().expect("it has a page").to_owned();
        self.page = Some(page.clone());
        page
    }

    /// Asks its service to stop.
    ///
    /// # Panics
    /// If it does not run, or does not stop.
    pub fn stop(&mut self) -> ExitStatus {
        self.process.take().expect("the service runs").stop()
    }

    /// Its service, if it runs.
    pub fn service(&self) -> Option<&Service> {
        self.process.as_ref()
    }

    /// Its folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A place for files of this story that is not the agent's.
    pub fn desk(&self) -> &Path {
        self.home.path()
    }

    /// Shifts the clock it believes in, from the next process on.
    pub fn shift_clock(&mut self, offset_ms: i64) {
        self.wall_offset_ms = offset_ms;
    }

    /// Another version of the program is installed: it is what runs from the next process on.
    ///
    /// # Panics
    /// If its service runs.
    pub fn install(&mut self, version: Version) {
        assert!(self.process.is_none(), "the service runs");
        self.version = version;
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

    /// A command of it, to be run or started.
    pub fn command(&self) -> Command {
        let mut command = Program::Agent.command_of(self.version, &self.data);
        if self.wall_offset_ms != 0 {
            command.env(TEST_WALL_OFFSET, self.wall_offset_ms.to_string());
        }
        if let Some(step) = &self.stop_at {
            command.env(STOP_AT, step);
        }
        command
    }

    /// Runs a command on its folder, with JSON answers.
    ///
    /// # Panics
    /// If it cannot be run.
    pub fn run(&self, words: &[&str]) -> Ended {
        let mut command = self.command();
        command.arg("--json").args(words);
        programs::run(self.placed(command))
    }

    /// How it stands.
    ///
    /// # Panics
    /// If it does not say.
    pub fn status(&self) -> Value {
        self.run(&["status"]).ok().json()
    }

    /// Talks to the hub until there is nothing more to say.
    ///
    /// # Panics
    /// If the command cannot be run.
    pub fn sync(&self) -> Ended {
        self.run(&["sync", "--wait"])
    }

    /// Enters a record.
    ///
    /// # Panics
    /// If it is refused.
    pub fn add(&self, form: &str, values: &[(&str, &str)]) -> Entered {
        let typed: Vec<String> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut words = vec!["record", "add", form];
        words.extend(typed.iter().map(String::as_str));
        let entered = self.run(&words).ok().json();
        let text = |key: &str| entered[key].as_str().unwrap_or_default().to_owned();
        Entered { id: text("id"), code: text("code") }
    }

    /// Enters a complaint with this text.
    ///
    /// # Panics
    /// If it is refused.
    pub fn complain(&self, text: &str) -> Entered {
        self.add("pengaduan", &[("uraian", text), ("kategori", "antrean"), ("kanal", "tatap_muka")])
    }

    /// A record, by its id or receipt code.
    ///
    /// # Panics
    /// If it is not here.
    pub fn record(&self, name: &str) -> Value {
        self.run(&["record", "show", name]).ok().json()
    }

    /// Takes the rows of a file.
    ///
    /// # Panics
    /// If the command cannot be run.
    pub fn import(&self, file: &Path) -> Ended {
        self.run(&["import", &file.display().to_string()])
    }

    /// Waits until its service says that everything has arrived, and gives that status.
    ///
    /// # Panics
    /// If it never does.
    pub fn wait_arrived(&self) -> Value {
        let status = wait::until("everything of an office has arrived", wait::LONG, || {
            let status = self.status();
            (status["all_arrived"] == true).then_some(status)
        });
        assert_eq!(status["arrived_total"], status["entered_total"], "{status:#}");
        status
    }

    /// A second PC with a copy of this one's folder, as it is now.
    ///
    /// # Panics
    /// If it cannot be copied.
    pub fn twin(&self) -> Office {
        let twin = Office { wall_offset_ms: self.wall_offset_ms, ..Office::bare() };
        folder::copy(&self.data, &twin.data);
        twin
    }

    /// Puts an older copy in place of its folder. It must not run.
    ///
    /// # Panics
    /// If it runs or the copy fails.
    pub fn restore(&self, copy: &Office) {
        assert!(self.process.is_none(), "the service runs");
        folder::restore(&copy.data, &self.data);
    }

    /// Everything its services said on stderr.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.said_file()).unwrap_or_default()
    }

    fn service_command(&self) -> Command {
        let mut command = self.command();
        command.arg("run");
        if let Some(place) = self.page.as_deref().and_then(|page| page.strip_prefix("http://")) {
            command.env(programs::PAGE_LISTEN, place.trim_end_matches('/'));
        }
        self.placed(command)
    }

    fn placed(&self, command: Command) -> Command {
        match &self.place {
            None => command,
            Some(namespace) => link::command_in(namespace, &command),
        }
    }

    fn said_file(&self) -> PathBuf {
        self.home.path().join("kantor.stderr")
    }
}
