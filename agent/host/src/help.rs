//! Help of both programs, and what is said of words that are no command, in the language of the process.

use std::io::Write;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Args, Command};
use kentongan_protocol::form::Lang;
use serde_json::json;

use crate::cli::t;
use crate::exit::Exit;
use crate::fail::Failure;
use crate::ktg::Ktg;
use crate::output::{Output, OutputFlags, process_lang};

/// What `help` is asked for.
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// Words of a command, or a code.
    #[arg(
        value_name = "TOPIC",
        help = t("Perintah, atau kode seperti KTG-104", "A command, or a code such as KTG-104"),
    )]
    pub topic: Vec<String>,
}

/// A command line with its headings in the language of the process, and what every command takes at the end.
pub fn localised(command: Command) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help(t("Bantuan ini", "This help"));
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version);
    let version = version.help(t("Versi program", "Version of the program"));
    let command = command.disable_help_flag(true).disable_version_flag(true);
    headed(command.arg(help.global(true)).arg(version))
}

fn headed(command: Command) -> Command {
    let usage = t("Pemakaian", "Usage");
    command
        .help_template(format!("{{about-with-newline}}\n{usage}: {{usage}}\n\n{{all-args}}{{after-help}}"))
        .subcommand_help_heading(t("Perintah", "Commands"))
        .mut_args(|arg| {
            let heading = match (arg.is_positional(), arg.is_global_set()) {
                (true, _) => t("Isian", "Arguments"),
                (_, false) => t("Pilihan", "Options"),
                (_, true) => t("Pilihan setiap perintah", "Options of every command"),
            };
            said_of_values(arg.help_heading(heading))
        })
        .mut_subcommands(headed)
}

/// Says in Indonesian what an argument is without being typed, and what it can be; the parser says it in English.
fn said_of_values(arg: Arg) -> Arg {
    if process_lang() != Lang::Id || !arg.get_action().takes_values() {
        return arg;
    }
    let list = |words: Vec<String>| words.join(", ");
    let choices = arg.get_possible_values().into_iter().filter(|choice| !choice.is_hide_set());
    let choices = list(choices.map(|choice| choice.get_name().to_owned()).collect());
    let usual = list(arg.get_default_values().iter().map(|word| word.to_string_lossy().into_owned()).collect());
    let mut help = arg.get_help().map(StyledStr::to_string).unwrap_or_default();
    for (said, words, hidden) in
        [("pilihan", choices, arg.is_hide_possible_values_set()), ("bawaan", usual, arg.is_hide_default_value_set())]
    {
        if !words.is_empty() && !hidden {
            help.push_str(&format!(" [{said}: {words}]"));
        }
    }
    arg.help(help).hide_possible_values(true).hide_default_value(true)
}

/// What to do when the words typed are no command of `binary`: help and version were asked for, or something is wrong.
pub fn not_parsed(binary: &str, error: &clap::Error, json: bool) -> Exit {
    // In the language that was found before parsing.
    let out = Output::from_flags(OutputFlags { json, lang: Some(process_lang()), ..OutputFlags::default() });
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            out.line(error.to_string().trim_end());
            Exit::Done
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !json => {
            // Whoever reads standard error went away: then nobody is left to be told.
            let _ = write!(std::io::stderr(), "{error}");
            Exit::Usage
        }
        _ => {
            let text = error.to_string();
            let said = text.trim_start_matches("error: ").trim_end();
            let hint = format!("{binary} help");
            let sentence = in_indonesian(error).unwrap_or_else(|| said.to_owned());
            Failure::usage(sentence, said).with_hint(&hint, &hint).print(out.json, out.lang);
            Exit::Usage
        }
    }
}

/// What is wrong with the words typed; `None` for what is rare.
fn in_indonesian(error: &clap::Error) -> Option<String> {
    let of = |kind| match error.get(kind)? {
        ContextValue::String(word) => Some(word.clone()),
        ContextValue::Strings(words) => Some(words.join(", ")),
        _ => None,
    };
    let meant = |kind| of(kind).map(|word| format!(" Maksudnya {word}?")).unwrap_or_default();
    let named = || of(ContextKind::InvalidArg);
    Some(match error.kind() {
        ErrorKind::UnknownArgument => format!("{} tidak dikenal.{}", named()?, meant(ContextKind::SuggestedArg)),
        ErrorKind::InvalidSubcommand => {
            let word = of(ContextKind::InvalidSubcommand)?;
            format!("Tidak ada perintah {word}.{}", meant(ContextKind::SuggestedSubcommand))
        }
        ErrorKind::MissingRequiredArgument => format!("Yang ini harus diisi: {}.", named()?),
        ErrorKind::MissingSubcommand => "Perintahnya belum disebut.".to_owned(),
        ErrorKind::ArgumentConflict => {
            format!("{} tidak dapat dipakai bersama {}.", named()?, of(ContextKind::PriorArg)?)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = of(ContextKind::InvalidValue).filter(|value| !value.is_empty());
            let Some(value) = value else { return Some(format!("{} belum diisi.", named()?)) };
            let choices = of(ContextKind::ValidValue).filter(|choices| !choices.is_empty());
            let right = choices.map(|choices| format!("pilihan: {choices}"));
            let right = right.or_else(|| std::error::Error::source(error).map(ToString::to_string));
            let right = right.map(|right| format!(": {right}")).unwrap_or_default();
            format!("{value} tidak cocok untuk {}{right}.", named()?)
        }
        _ => return None,
    })
}

/// `help [TOPIC]`: a code, a command, or everything.
///
/// # Errors
/// There is no such topic.
pub fn run(out: &Output, mut command: Command, args: &HelpArgs) -> Result<Exit, Failure> {
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
    command.build();
    let hint = format!("{} help", command.get_name());
    let mut found = &mut command;
    for word in &args.topic {
        found = found.find_subcommand_mut(word).ok_or_else(|| {
            Failure::usage(format!("Tidak ada bantuan untuk {word:?}."), format!("There is no help on {word:?}."))
                .with_hint(&hint, &hint)
        })?;
    }
    out.line(found.render_help().to_string().trim_end());
    Ok(Exit::Done)
}
