//! The command line: reads what was typed, asks the service or does it itself, prints the answer.

mod args;
mod carrying;
mod kiosk;
mod people;
pub(crate) mod print;
mod update;
#[cfg(windows)]
mod windows;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::{CommandFactory, FromArgMatches};
use kentongan_host::cli::{Common, SupportArgs, early_lang};
use kentongan_host::control::Client;
use kentongan_host::data_dir::{DataDir, Program};
use kentongan_host::enrolment::carried::FILE_BYTES_MAX;
use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::files::{self, Access};
use kentongan_host::help::{self, localised};
use kentongan_host::ktg::Ktg;
use kentongan_host::lock::Lock;
use kentongan_host::logging::{self, LogConfig};
use kentongan_host::options;
use kentongan_host::output::Output;
use kentongan_host::reserve::Reserve;
use kentongan_host::store_thread::StoreThread;
use kentongan_host::support::Bundle;
use serde_json::{Value, json};

use self::args::{
    Cli, Command as Typed, ConfigCommand, EnrolArgs, KioskCommand, QueueCommand, RecordCommand, StatusArgs, SyncArgs,
    UserCommand,
};
use crate::agent::{Agent, OnProgress, unwatched};
use crate::command::Command;
use crate::enrol::{self, EnrolFile, read_text};
use crate::inbox::{Bar, Progress};
use crate::page::words;
use crate::store::{Machine, Store};
use crate::update::{Doing, hand_over, start_anew, take_lock};
use crate::{config, doctor, image, leave, service};

/// Runs the program.
pub fn main() -> ExitCode {
    kentongan_host::panics::take_care();
    let typed: Vec<OsString> = std::env::args_os().collect();
    early_lang(&typed);
    let json = typed.iter().any(|word| word == "--json");
    let cli = match command().try_get_matches_from(typed).and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(help::not_parsed(Program::Agent.binary(), &error, json).code()),
    };
    let out = cli.common.output();
    match perform(cli, &out) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            failure.print(out.json, out.lang);
            ExitCode::from(failure.exit.code())
        }
    }
}

/// The whole command line, in the language of the process.
pub fn command() -> clap::Command {
    localised(Cli::command())
}

/// Between two looks of `status --watch`.
const WATCH_EVERY: Duration = Duration::from_secs(2);

/// Between two looks of `status --wait`.
const WAIT_EVERY: Duration = Duration::from_millis(200);

/// What every command needs.
struct Place<'a> {
    dir: DataDir,
    common: Common,
    out: &'a Output,
}

fn perform(cli: Cli, out: &Output) -> Result<Exit, Failure> {
    let place = Place { dir: DataDir::locate(Program::Agent, cli.common.data.clone()), common: cli.common, out };
    match cli.command {
        #[cfg(windows)]
        Typed::Run(args) if args.service => return windows::run(place.dir, place.common, args.log_format),
        Typed::Run(args) => return place.run(args.log_format.as_deref()),
        Typed::Help(args) => return help::run(out, command(), &args),
        _ => {}
    }
    logging::init(&LogConfig::of_command(place.common.verbose))?;
    hand_over(&place.dir, place.common.config.clone(), Doing::Command);
    match cli.command {
        Typed::Run(_) | Typed::Help(_) => Ok(Exit::Done),
        Typed::Open => place.open(),
        Typed::Status(args) => place.status(&args),
        Typed::Sync(args) => place.sync(&args),
        Typed::Queue(QueueCommand::List(args)) => {
            let command = Command::QueueList { state: args.state, form: args.kind, limit: args.limit };
            place.show(command, print::queue)
        }
        Typed::Queue(QueueCommand::Show(args)) | Typed::Record(RecordCommand::Show(args)) => {
            place.show(Command::Show { record: args.record }, print::record)
        }
        Typed::Track(args) => place.show(Command::Track { code: args.code }, print::track),
        Typed::Record(RecordCommand::Add(args)) => {
            let values = args.values.into_iter().collect();
            place.show(Command::Add { form: args.form, author: args.author, values }, print::entered)
        }
        Typed::Record(RecordCommand::Edit(args)) => {
            let values = args.values.into_iter().collect();
            place.show(Command::Edit { record: args.record, author: args.author, values }, print::edited)
        }
        Typed::Record(RecordCommand::Attach(args)) => {
            let absolute = |file| std::path::absolute(file).map_err(anyhow::Error::new);
            let files = args.files.into_iter().map(absolute).collect::<Result<_, _>>()?;
            place.show(Command::Attach { record: args.record, author: args.author, files }, print::attached)
        }
        Typed::Enrol(args) => place.enrol(args),
        Typed::Unenrol(args) => {
            leave::leave(&place.dir, out, args.force_with_unsent, args.yes || place.common.no_input)
        }
        Typed::PrepareImage(args) => image::prepare(&place.dir, out, args.yes || place.common.no_input),
        #[cfg(windows)]
        Typed::Service(command) => place.windows_service(command),
        Typed::Export(args) => place.export(&args.to),
        Typed::Import(args) => place.import(args),
        Typed::User(command) => place.user(command),
        Typed::Kiosk(KioskCommand::Pair) => place.show(Command::PairKiosk, kiosk::pairing),
        Typed::Kiosk(KioskCommand::List) => place.show(Command::Kiosks, kiosk::listed),
        Typed::Kiosk(KioskCommand::Revoke { kiosk }) => place.show(Command::LetKioskGo { kiosk }, kiosk::listed),
        Typed::Config(command) => place.config(command),
        Typed::Update(command) => place.update(command),
        Typed::Paths => {
            print::paths(out, &place.dir);
            Ok(Exit::Done)
        }
        Typed::Version => {
            kentongan_host::cli::print_version(out, Program::Agent);
            Ok(Exit::Done)
        }
        Typed::Doctor(args) => doctor::run(&place.dir, place.common.config.clone(), out, &args.only),
        Typed::SupportBundle(args) => place.support(&args),
        Typed::Logs(args) => print::logs(out, &place.dir, args.follow, args.since, args.level),
    }
}

impl Place<'_> {
    /// Joins a hub: over the network, or by files that a person carries.
    fn enrol(&self, args: EnrolArgs) -> Result<Exit, Failure> {
        if let Some(file) = args.offline_answer {
            let answer = read_text(&file, FILE_BYTES_MAX)?;
            return self.show(Command::JoinByAnswer { answer }, print::enrolled);
        }
        let (hub, code) = enrol_file(args.hub, args.code, args.file.as_deref())?;
        self.dir.create()?;
        let Some(file) = args.offline_request else { return self.show(Command::Enrol { hub, code }, print::enrolled) };
        let answer = self.ask(&Command::AskToJoin { hub, code }, unwatched())?;
        // Here and not in the service, which may not reach a stick that somebody just put in.
        let text = answer["file"].as_str().unwrap_or_default();
        files::replace(&file, text.as_bytes(), Access::Private)
            .map_err(|error| anyhow::Error::new(error).context(format!("write {}", file.display())))?;
        print::asked_to_join(self.out, &answer, &file);
        Ok(Exit::Done)
    }

    /// Asks, and prints the answer.
    fn show(&self, command: Command, human: fn(&Output, &Value)) -> Result<Exit, Failure> {
        let answer = self.ask(&command, unwatched())?;
        if self.out.json {
            self.out.document(&answer)
        } else {
            human(self.out, &answer)
        }
        Ok(Exit::Done)
    }

    /// Asks the running service, or does it here if none runs.
    fn ask(&self, command: &Command, on_progress: OnProgress) -> Result<Value, Failure> {
        self.ask_within(command, None, on_progress)
    }

    /// The same, waiting no longer than `patience` for a running service.
    fn ask_within(
        &self,
        command: &Command,
        patience: Option<Duration>,
        on_progress: OnProgress,
    ) -> Result<Value, Failure> {
        let request = serde_json::to_value(command).map_err(anyhow::Error::new)?;
        if let Some(mut client) = Client::connect(&self.dir)? {
            client.set_patience(patience)?;
            return client.call(&request, on_progress);
        }
        if !self.dir.root().exists() {
            return Err(crate::store::not_enrolled());
        }
        let lock = Lock::take(&self.dir)?;
        let command = command.clone();
        let answer = self.with_agent(async |agent| {
            let stopping = Arc::clone(&agent.stopping);
            let interrupted = kentongan_host::signals::stop_requested().map_err(anyhow::Error::new)?;
            let mut work = std::pin::pin!(agent.perform(command, on_progress));
            tokio::select! {
                answer = &mut work => return answer,
                _ = interrupted => stopping.store(true, Ordering::Relaxed),
            }
            // Long work ends between two steps; what was done so far stands.
            match tokio::time::timeout(Duration::from_secs(10), work).await {
                Ok(answer) => answer,
                Err(_) => Err(Failure::new(Exit::Interrupted, "Dihentikan.", "Interrupted.")),
            }
        });
        drop(lock);
        answer
    }

    /// Opens the store, and does `work` with it in this process.
    fn with_agent<T>(&self, work: impl AsyncFnOnce(Arc<Agent>) -> Result<T, Failure>) -> Result<T, Failure> {
        let settings = config::load(&self.dir, self.common.config.clone())?;
        let store = StoreThread::spawn(self.open_store()?).map_err(anyhow::Error::new)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::new)?;
        let (answer, doubtful) = runtime.block_on(async {
            let agent = match Agent::new(self.dir.clone(), store.handle(), settings).await {
                Ok(agent) => Arc::new(agent),
                Err(failure) => return (Err(failure), true),
            };
            let answer = work(Arc::clone(&agent)).await;
            (answer, agent.is_doubtful())
        });
        drop(runtime);
        let store = store.stop()?;
        if doubtful {
            // A store that is not closed is checked whole at the next start.
            return answer;
        }
        if let Err(error) = store.close() {
            // What was answered stands; the next start checks the store.
            tracing::warn!(ev = "store.not_closed", %error, "the store could not be closed well");
        }
        answer
    }

    /// Without any space a store cannot even be opened: then the reserve is given up.
    fn open_store(&self) -> Result<Store, Failure> {
        let open = || -> Result<Store, Failure> {
            let mut store = Store::open(&self.dir.store(), Machine::real())?;
            store.seal_to(enrol::hub_seal(&self.dir));
            Ok(store)
        };
        match open() {
            Err(failure) if failure.ktg == Some(Ktg::NoSpace) && Reserve::of(&self.dir).release() => {
                tracing::warn!(ev = "store.reserve_used", code = %Ktg::NoSpace, "no space left: the reserve is used");
                open()
            }
            opened => opened,
        }
    }

    fn run(&self, log_format: Option<&str>) -> Result<Exit, Failure> {
        self.dir.create()?;
        let lock = take_lock(&self.dir)?;
        hand_over(&self.dir, self.common.config.clone(), Doing::Service);
        let settings = config::load(&self.dir, self.common.config.clone())?;
        let log = logging::init(&LogConfig::of_service(&settings, &self.dir, log_format))?;
        let named = self.common.config.clone();
        let over = self.with_agent(async |agent| service::run(agent, &lock, log, named).await)?;
        tracing::info!(ev = "service.stopped", "service stopped");
        drop(lock);
        if over == service::Over::MadeWay {
            start_anew()?;
        }
        Ok(Exit::Done)
    }

    /// Shows the page in the browser of whoever asks; where there is none, its address is said all the same.
    fn open(&self) -> Result<Exit, Failure> {
        let answer = self.ask(&Command::Status, unwatched())?;
        let Some(page) = answer["page"].as_str() else {
            return Err(Failure::new(
                Exit::NotRunning,
                "Halaman kantor tidak terbuka.",
                "The office's page is not open.",
            )
            .with_hint(
                "Jalankan layanan: kentongan-agent run; dan periksa ui.listen",
                "Start the service: kentongan-agent run; and look at ui.listen",
            ));
        };
        if self.out.json {
            self.out.document(&json!({ "schema": "kentongan.agent.open/1", "page": page }));
            return Ok(Exit::Done);
        }
        self.out.line(page);
        let program = match std::env::consts::OS {
            "windows" => "explorer",
            "macos" => "open",
            _ => "xdg-open",
        };
        let shown = std::process::Command::new(program).arg(page).status();
        if shown.is_err() {
            self.out.say("Buka alamat itu di peramban.", "Open this address in a browser.");
        }
        Ok(Exit::Done)
    }

    fn support(&self, args: &SupportArgs) -> Result<Exit, Failure> {
        let now_ms = kentongan_host::Clock::wall_ms(&kentongan_host::SystemClock::new());
        let settings = config::load(&self.dir, self.common.config.clone());
        let mut bundle = Bundle::of(&self.dir, &settings, now_ms, args.since_ms(now_ms));
        let examined = doctor::examine(&self.dir, &settings);
        bundle.add("doctor.json", &examined.document(self.out));
        bundle.add_answer("status.json", &examined.status);
        bundle.hand_over(self.out, args.output.clone(), args.list)
    }

    fn status(&self, args: &StatusArgs) -> Result<Exit, Failure> {
        let until = Instant::now() + args.timeout;
        let mut answer = self.ask(&Command::Status, unwatched())?;
        while args.wait.is_some() && answer["all_arrived"] != json!(true) {
            if Instant::now() >= until {
                print::status_answer(self.out, &answer);
                return Ok(Exit::TimedOut);
            }
            std::thread::sleep(WAIT_EVERY);
            answer = self.ask(&Command::Status, unwatched())?;
        }
        print::status_answer(self.out, &answer);
        while args.watch && !self.out.closed() {
            std::thread::sleep(WATCH_EVERY);
            answer = self.ask(&Command::Status, unwatched())?;
            self.out.say("", "");
            print::status_answer(self.out, &answer);
        }
        Ok(if args.check { checked(&answer) } else { Exit::Done })
    }

    fn sync(&self, args: &SyncArgs) -> Result<Exit, Failure> {
        if !args.wait
            && let Some(mut client) = Client::connect(&self.dir)?
        {
            let request = serde_json::to_value(Command::Wake).map_err(anyhow::Error::new)?;
            let answer = client.call(&request, |_| {})?;
            if self.out.json {
                self.out.document(&answer);
            }
            self.out.say("Layanan sedang menghubungi pusat.", "The service is talking to the hub.");
            return Ok(Exit::Done);
        }
        let began = Instant::now();
        let answer = self.ask_within(&Command::Sync, Some(args.timeout), unwatched()).map_err(|failure| {
            let in_vain = failure.exit == Exit::Unknown && began.elapsed() >= args.timeout;
            if in_vain { Failure { exit: Exit::TimedOut, ..failure } } else { failure }
        })?;
        if self.out.json {
            self.out.document(&answer);
        } else {
            print::synced(self.out, &answer);
        }
        Ok(Exit::Done)
    }

    fn import(&self, args: args::ImportArgs) -> Result<Exit, Failure> {
        let absolute = |path: std::path::PathBuf| std::path::absolute(path).map_err(anyhow::Error::new);
        let file = absolute(args.file)?;
        if args.map.is_none()
            && let Some(exit) = self.import_answer(&file)?
        {
            return Ok(exit);
        }
        let map = args.map.map(absolute).transpose()?;
        let (bar, lang) = (Bar::new(self.out), self.out.lang);
        let follow = move |line| {
            if let Ok(progress) = serde_json::from_value::<Progress>(line) {
                bar.update(progress, lang);
            }
        };
        let answer = self.ask(&Command::Import { file, map }, Box::new(follow))?;
        if self.out.json {
            self.out.document(&answer)
        } else {
            print::imported(self.out, &answer)
        }
        let refused = answer["rejected"].as_u64().unwrap_or(0) + answer["changed"].as_u64().unwrap_or(0);
        Ok(if refused > 0 { Exit::SomeRefused } else { Exit::Done })
    }

    fn user(&self, command: UserCommand) -> Result<Exit, Failure> {
        match command {
            UserCommand::List => self.show(Command::People, people::listed),
            UserCommand::Add { name, role } => self.show(Command::AddPerson { name, role }, people::added),
            UserCommand::Leave(args) => self.show(Command::PartWith { person: args.person }, people::left),
            UserCommand::PinReset(args) => self.show(Command::ResetPin { person: args.person }, people::pin),
            UserCommand::Recovery { person, answer: None } => {
                self.show(Command::RecoverPin { person: person.person, answer: None }, people::challenge)
            }
            UserCommand::Recovery { person, answer } => {
                self.show(Command::RecoverPin { person: person.person, answer }, people::pin)
            }
        }
    }

    /// All words of the office's page, as they are shown.
    fn words(&self) -> Result<(), Failure> {
        let listed = words::listed(&self.dir, self.out.lang)?;
        if self.out.json {
            let listed: std::collections::BTreeMap<_, _> = listed.into_iter().collect();
            self.out.document(&json!({
                "schema": "kentongan.agent.words/1",
                "file": self.dir.own_words(self.out.lang).display().to_string(),
                "words": listed,
            }));
            return Ok(());
        }
        for (key, text) in listed {
            self.out.line(&format!("{key} = {text}"));
        }
        Ok(())
    }

    fn config(&self, command: ConfigCommand) -> Result<Exit, Failure> {
        let file = self.common.config.clone().unwrap_or_else(|| self.dir.config_file());
        match command {
            ConfigCommand::Show { origin } => {
                config::load(&self.dir, self.common.config.clone())?.show(self.out, origin)
            }
            ConfigCommand::Check => {
                config::load(&self.dir, self.common.config.clone())?;
                words::own(&self.dir)?;
                if self.out.json {
                    self.out.document(&json!({ "schema": "kentongan.config.check/1", "valid": true }))
                }
                self.out.say("Pengaturan benar.", "The configuration is valid.");
            }
            ConfigCommand::Set { name, value } => {
                let (table, key) = name.split_once('.').ok_or_else(|| {
                    Failure::usage(
                        "Tulis TABEL.KUNCI, misalnya sync.interval.",
                        "Write TABLE.KEY, for example sync.interval.",
                    )
                })?;
                options::set(Program::Agent, config::OPTIONS, &file, (table, key), &value)?;
                self.out.say(
                    &format!("{name} = {value} ditulis ke {}.", file.display()),
                    &format!("{name} = {value} written to {}.", file.display()),
                );
            }
            ConfigCommand::Path => self.out.line(&file.display().to_string()),
            ConfigCommand::Words => self.words()?,
            ConfigCommand::Sample => self.out.line(options::sample(Program::Agent, config::OPTIONS).trim_end()),
        }
        Ok(Exit::Done)
    }
}

/// Exit code of `status --check`.
fn checked(status: &Value) -> Exit {
    let code = status["last_error"]["code"].as_str().and_then(|code| code.parse::<Ktg>().ok());
    match status["state"].as_str() {
        Some("not_enrolled") => Exit::NotEnrolled,
        _ if status["healthy"] == json!(true) => Exit::Done,
        _ if status["twin"] == json!(true) => Exit::Refused,
        _ if status["queue"]["rejected"].as_u64().unwrap_or(0) > 0 => Exit::SomeRefused,
        _ => code.map_or(Exit::Unreachable, Ktg::exit),
    }
}

/// Hub and code, from flags or from a file.
fn enrol_file(
    hub: Option<String>,
    code: Option<String>,
    file: Option<&std::path::Path>,
) -> Result<(String, String), Failure> {
    let Some(file) = file else { return Ok((hub.unwrap_or_default(), code.unwrap_or_default())) };
    let named = EnrolFile::open(file)?;
    EnrolFile { hub: hub.or(named.hub), code: code.or(named.code) }.complete(file)
}
