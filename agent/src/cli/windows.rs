//! The service on Windows: what its service manager starts, and what an installer or an administrator asks for.

use std::fs;
use std::path::Path;

use kentongan_host::cli::Common;
use kentongan_host::data_dir::{DataDir, Program};
use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::files::{self, Access};
use kentongan_host::manager::{self, installation};
use kentongan_host::options;
use serde_json::json;

use super::args::{InstallArgs, ServiceCommand, UninstallArgs};
use super::{Place, enrol_file};
use crate::agent::unwatched;
use crate::command::Command;
use crate::config;
use crate::leave::refuse_unsent;

/// The service, as Windows starts it.
pub(super) fn run(dir: DataDir, common: Common, log_format: Option<String>) -> Result<Exit, Failure> {
    manager::run_as_service(Program::Agent, move || {
        let out = common.output();
        Place { dir, common, out: &out }.run(log_format.as_deref())
    })
}

impl Place<'_> {
    pub(super) fn windows_service(&self, command: ServiceCommand) -> Result<Exit, Failure> {
        match command {
            ServiceCommand::Install(args) => self.install(args)?,
            ServiceCommand::Uninstall(args) => {
                // An installer shows nothing of what a program says that it runs.
                self.uninstall(&args).inspect_err(|failure| installation::note(Program::Agent, failure))?;
            }
            ServiceCommand::Start => installation::start(Program::Agent)?,
            ServiceCommand::Stop => _ = installation::stop(Program::Agent)?,
            ServiceCommand::Restart => {
                installation::stop(Program::Agent)?;
                installation::start(Program::Agent)?;
            }
        }
        if self.out.json {
            self.out.document(&json!({ "schema": "kentongan.agent.service/1", "name": Program::Agent.service() }));
        }
        Ok(Exit::Done)
    }

    fn install(&self, args: InstallArgs) -> Result<(), Failure> {
        let InstallArgs { hub, code, file, port } = args;
        let [hub, code, file, port] = [hub, code, file, port].map(given);
        // First the folder, then what goes into it: the code is for nobody else's eyes.
        installation::secure(&self.dir)?;
        if file.is_none() && hub.is_some() != code.is_some() {
            return Err(Failure::usage("Alamat pusat dan kode: keduanya.", "The hub's address and the code: both."));
        }
        if hub.is_some() || file.is_some() {
            let (hub, code) = enrol_file(hub, code, file.as_deref().map(Path::new))?;
            self.leave_enrolment(&hub, &code)?;
        }
        if let Some(port) = port {
            let name = ("ui", "listen");
            let address = format!("127.0.0.1:{port}");
            options::set(Program::Agent, config::OPTIONS, &self.dir.config_file(), name, &address)?;
        }
        let program = std::env::current_exe().map_err(anyhow::Error::new)?;
        let arguments = ["run", "--service", "--data"].map(Into::into).into_iter();
        let arguments = arguments.chain([self.dir.root().as_os_str().to_owned()]).collect();
        installation::register(Program::Agent, program, arguments)?;
        self.out.say(
            "Layanan terpasang. Jalankan: kentongan-agent service start",
            "The service is installed. Run: kentongan-agent service start",
        );
        Ok(())
    }

    /// The file by which the service joins when it first runs, which then erases it. A PC that belongs to a hub needs none.
    fn leave_enrolment(&self, hub: &str, code: &str) -> Result<(), Failure> {
        if self.dir.device_certificate().exists() {
            return Ok(());
        }
        let text = format!("hub = {}\ncode = {}\n", options::quoted(hub), options::quoted(code));
        Ok(files::replace(&self.dir.left_enrolment(), text.as_bytes(), Access::Private).map_err(anyhow::Error::new)?)
    }

    fn uninstall(&self, args: &UninstallArgs) -> Result<(), Failure> {
        self.refuse_to_lose(given(args.force_with_unsent.clone()))?;
        if args.check {
            return Ok(());
        }
        installation::stop(Program::Agent)?;
        installation::unregister(Program::Agent)?;
        if args.purge {
            remove(self.dir.root())?;
        }
        self.out.say("Layanan dilepas.", "The service is taken away.");
        Ok(())
    }

    /// Refuses while anything has not arrived, unless the caller knows of just so much.
    fn refuse_to_lose(&self, expected: Option<String>) -> Result<(), Failure> {
        let expected = expected.map(|number| number.parse::<u64>()).transpose().map_err(|error| {
            Failure::usage("--force-with-unsent: tulis jumlahnya", "--force-with-unsent: write the number")
                .caused_by(error)
        })?;
        if !self.dir.store().exists() {
            return Ok(());
        }
        let unsent = self.ask(&Command::Status, unwatched())?["ops"]["pending"].as_u64().unwrap_or(0);
        refuse_unsent(unsent, expected, "service uninstall --force-with-unsent")
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn remove(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => Ok(other.map_err(anyhow::Error::new)?),
    }
}
