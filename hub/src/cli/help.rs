//! Help, in the language of the process.

use clap::error::ErrorKind;
use clap::{Command, CommandFactory};
use kentongan_host::cli::t;
use kentongan_host::output::{OutputFlags, process_lang};
use kentongan_host::{Exit, Failure, Ktg, Output};
use serde_json::json;

use super::Context;
use super::args::{Cli, HelpArgs};

/// The command line with headings in the language of the process.
pub(super) fn command() -> Command {
    localised(Cli::command())
}

fn localised(command: Command) -> Command {
    let template =
        format!("{{about-with-newline}}\n{}: {{usage}}\n\n{{all-args}}{{after-help}}", t("Pemakaian", "Usage"));
    command
        .help_template(template)
        .subcommand_help_heading(t("Perintah", "Commands"))
        .mut_args(|arg| {
            let heading = if arg.is_positional() { t("Isian", "Arguments") } else { t("Pilihan", "Options") };
            arg.help_heading(heading)
        })
        .mut_subcommands(localised)
}

/// What to do when the words typed are no command: help and version were asked for, or something is wrong.
pub(super) fn not_parsed(error: &clap::Error, json: bool) -> Exit {
    // In the language that was found before parsing.
    let out = Output::from_flags(OutputFlags { json, lang: Some(process_lang()), ..OutputFlags::default() });
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            out.line(error.to_string().trim_end());
            Exit::Done
        }
        _ => {
            let text = error.to_string();
            let said = text.trim_start_matches("error: ").trim_end();
            let hint = ("kentongan-hub help", "kentongan-hub help");
            Failure::usage(said, said).with_hint(hint.0, hint.1).print(out.json, out.lang);
            Exit::Usage
        }
    }
}

/// `help [TOPIC]`: a code, a command, or everything.
pub(super) fn run(context: &Context<'_>, args: &HelpArgs) -> Result<Exit, Failure> {
    let out = context.out;
    if let [code] = args.topic.as_slice()
        && let Ok(ktg) = code.parse::<Ktg>()
    {
        if out.json {
            out.document(&json!({
                "schema": "kentongan.help/1",
                "code": ktg.to_string(),
                "exit": ktg.exit().code(),
                "message": ktg.sentence(out.lang),
                "hint": ktg.next_step(out.lang),
            }));
        } else {
            out.line(&ktg.help(out.lang));
        }
        return Ok(Exit::Done);
    }
    let mut command = command();
    command.build();
    let mut found = &mut command;
    for word in &args.topic {
        found = found.find_subcommand_mut(word).ok_or_else(|| {
            Failure::usage(format!("Tidak ada bantuan untuk {word:?}."), format!("There is no help on {word:?}."))
                .with_hint("kentongan-hub help", "kentongan-hub help")
        })?;
    }
    out.line(found.render_help().to_string().trim_end());
    Ok(Exit::Done)
}
