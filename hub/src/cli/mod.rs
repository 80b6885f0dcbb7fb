//! The command line: reads what was typed, has it done, prints what came of it.
//!
//! ```text
//!   args    what can be typed        ask     to the running service, or directly under the lock
//!   words   times and sizes          others  one noun a file: from arguments to a request, from an answer to lines
//! ```

mod alert;
mod args;
mod ask;
mod audit;
mod backup;
mod bundle;
mod calendar;
mod complaint;
mod config;
mod conflict;
pub(crate) mod csv;
mod doctor;
mod enrol;
mod export;
mod fleet;
mod key;
mod logs;
mod metrics;
mod office;
mod operator;
mod quarantine;
mod setup;
mod status;
mod store;
mod support;
mod survey;
mod update;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use kentongan_host::cli::{Common, early_lang};
use kentongan_host::help::{self, localised};
use kentongan_host::{DataDir, Exit, Failure, Output, Program};
use serde::Serialize;
use serde_json::{Value, json};

use args::{Cli, Command};

/// The whole command line, in the language of the process.
pub fn command() -> clap::Command {
    localised(Cli::command())
}

/// Runs the program with the arguments of this process.
pub fn run() -> ExitCode {
    kentongan_host::panics::take_care();
    run_with(std::env::args_os().collect()).into()
}

/// Runs the program with these arguments, the first of which is its own name.
pub fn run_with(typed: Vec<OsString>) -> Exit {
    // Help and errors of the parser are in the language too, so it is looked for before parsing.
    early_lang(&typed);
    let json = typed.iter().any(|word| word == "--json");
    let parsed = command().try_get_matches_from(typed);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return help::not_parsed(Program::Hub.binary(), &error, json),
    };
    let out = cli.common.output();
    match dispatch(&cli, &out) {
        Ok(exit) => exit,
        Err(failure) => {
            failure.print(out.json, out.lang);
            failure.exit
        }
    }
}

/// What every command works with.
pub(crate) struct Context<'a> {
    pub(crate) dir: DataDir,
    pub(crate) common: &'a Common,
    pub(crate) out: &'a Output,
}

fn dispatch(cli: &Cli, out: &Output) -> Result<Exit, Failure> {
    let dir = DataDir::locate(Program::Hub, cli.common.data.clone());
    let context = Context { dir, common: &cli.common, out };
    if !matches!(cli.command, Command::Serve(_)) {
        kentongan_host::logging::init(&kentongan_host::logging::LogConfig::of_command(cli.common.verbose))?;
    }
    match &cli.command {
        Command::Init(args) => setup::init(&context, args),
        Command::Serve(args) => setup::serve(&context, args),
        Command::Demo(args) => {
            let options = crate::demo::Options { quick: args.quick, dir: args.dir.clone() };
            crate::demo::run(&options, out)?;
            Ok(Exit::Done)
        }
        Command::Status => status::run(&context),
        Command::Fleet(args) => fleet::run(&context, args),
        Command::Office(command) => office::run(&context, command),
        Command::Enrol(args::EnrolCommand::Code(command)) => enrol::run(&context, command),
        Command::Enrol(args::EnrolCommand::Request(command)) => enrol::run_request(&context, command),
        Command::Enrol(args::EnrolCommand::Answer { request, out }) => enrol::run_answer(&context, request, out),
        Command::Bundle(command) => bundle::run(&context, command),
        Command::Calendar(command) => calendar::run(&context, command),
        Command::Complaint(command) => complaint::run(&context, command),
        Command::Survey(command) => survey::run(&context, command),
        Command::Conflict(command) => conflict::run(&context, command),
        Command::Quarantine(command) => quarantine::run(&context, command),
        Command::Export(args) => export::run(&context, args),
        Command::Alert(command) => alert::run(&context, command),
        Command::Audit(command) => audit::run(&context, command),
        Command::Operator(command) => operator::run(&context, command),
        Command::Backup(command) => backup::run(&context, command),
        Command::Update(command) => update::run(&context, command),
        Command::Store(command) => store::run(&context, command),
        Command::Config(command) => config::run(&context, command),
        Command::Key(command) => key::run(&context, command),
        Command::Openapi => {
            out.line(crate::api::DOCUMENT.trim_end());
            Ok(Exit::Done)
        }
        Command::Metrics(command) => metrics::run(&context, command),
        Command::Paths => setup::paths(&context),
        Command::Doctor => doctor::run(&context),
        Command::SupportBundle(args) => support::run(&context, args),
        Command::Logs(args) => logs::run(&context, args),
        Command::Version => {
            kentongan_host::cli::print_version(out, Program::Hub);
            Ok(Exit::Done)
        }
        Command::Help(args) => help::run(out, command(), args),
    }
}

/// A document with its schema in front.
pub(crate) fn document(schema: &str, value: &impl Serialize) -> Value {
    let mut document = json!({ "schema": schema });
    if let (Some(fields), Ok(Value::Object(values))) = (document.as_object_mut(), serde_json::to_value(value)) {
        fields.extend(values);
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_its_schema_first() {
        let document = document("kentongan.x/1", &json!({ "a": 1 }));
        assert_eq!(document.to_string(), "{\"schema\":\"kentongan.x/1\",\"a\":1}");
    }

    #[test]
    fn the_command_line_is_sound_and_every_command_explains_itself_with_an_example() {
        let mut root = command();
        root.build();
        fn look(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            if command.get_subcommands().next().is_none() {
                let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(examples.contains("kentongan-hub "), "{} has no example", command.get_name());
            }
            command.get_subcommands().for_each(look);
        }
        look(&root);
        command().debug_assert();
    }
}
