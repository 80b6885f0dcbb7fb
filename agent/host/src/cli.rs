//! What the command lines of both programs have in common.
//!
//! Help texts are chosen when a command is built, so the language must be set before parsing: see [`early_lang`].

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use kentongan_protocol::form::Lang;
use kentongan_protocol::wire;
use serde_json::json;

use crate::data_dir::Program;
use crate::options::{Kind, Value};
use crate::output::{Output, OutputFlags, parse_lang, pick, process_lang, set_process_lang};
use crate::release::BUILT;

/// A help text in the language of this process.
pub fn t(id: &'static str, en: &'static str) -> &'static str {
    pick(process_lang(), id, en)
}

/// Examples of `binary`, as they stand at the end of a help page.
pub fn examples(binary: &str, lines: &[&str]) -> String {
    let mut text = format!("{}\n", t("Contoh:", "Examples:"));
    lines.iter().for_each(|line| text.push_str(&format!("  {binary} {line}\n")));
    text
}

/// The commit that this program was built of, as whoever built it said; nothing for a build by hand.
pub const COMMIT: Option<&str> = option_env!("KENTONGAN_COMMIT");

/// Prints which version of `program` this is.
pub fn print_version(out: &Output, program: Program) {
    let (binary, version, protocol) = (program.binary(), BUILT, wire::versions().1);
    if out.json {
        out.document(&json!({
            "schema": "kentongan.version/1",
            "program": binary,
            "version": version,
            "protocol": protocol,
            "commit": COMMIT,
        }));
    } else {
        let commit = COMMIT.map(|commit| format!(", commit {commit}")).unwrap_or_default();
        out.line(&format!("{binary} {version} ({} {protocol}{commit})", out.pick("protokol", "protocol")));
    }
}

/// Reads a span of time, such as `20s` or `7d`.
///
/// # Errors
/// What would be right.
pub fn duration(text: &str) -> Result<Duration, String> {
    match Kind::DURATION.parse(text) {
        Ok(Value::Duration(ms)) => Ok(Duration::from_millis(ms)),
        _ => Err(t("tulis misalnya 20s, 5m, 2h atau 7d", "write for example 20s, 5m, 2h or 7d").to_owned()),
    }
}

/// What a bundle for whoever helps is asked for with.
#[derive(Debug, Args)]
pub struct SupportArgs {
    /// Where it goes.
    #[arg(short, long, value_name = "FILE", help = t("Ke berkas ini", "To this file"))]
    pub output: Option<PathBuf>,
    /// Whether only its content is listed.
    #[arg(long, help = t("Hanya tampilkan isinya", "Only show what would be in it"))]
    pub list: bool,
    /// How far back its log goes.
    #[arg(long, default_value = "7d", value_name = "2h|7d", value_parser = duration,
        help = t("Catatan kejadian sejak sekian lama lalu", "The log since this long ago"))]
    pub since: Duration,
}

impl SupportArgs {
    /// From when on its log goes, milliseconds since 1970.
    pub fn since_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_sub(i64::try_from(self.since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Data folder.
    #[arg(long, global = true, value_name = "DIR", help = t("Folder data", "Data folder"))]
    pub data: Option<PathBuf>,
    /// Configuration file.
    #[arg(short, long, global = true, value_name = "FILE", help = t("Berkas pengaturan", "Configuration file"))]
    pub config: Option<PathBuf>,
    /// JSON instead of words.
    #[arg(long, global = true, help = t("Keluaran JSON untuk skrip", "JSON output for scripts"))]
    pub json: bool,
    /// More detail with each.
    #[arg(short, long, global = true, action = clap::ArgAction::Count,
        help = t("Lebih rinci (boleh diulang)", "More detail (may be repeated)"))]
    pub verbose: u8,
    /// Results and errors only.
    #[arg(short, long, global = true, help = t("Tanpa pesan tambahan", "No messages beside the result"))]
    pub quiet: bool,
    /// Language of words.
    #[arg(long, global = true, value_name = "id|en", value_parser = lang, help = t("Bahasa", "Language"))]
    pub lang: Option<Lang>,
    /// No colours.
    #[arg(long, global = true, help = t("Tanpa warna", "No colours"))]
    pub no_color: bool,
    /// Never ask a person.
    #[arg(long, global = true, help = t("Jangan bertanya", "Never ask"))]
    pub no_input: bool,
}

impl Common {
    /// How to print.
    pub fn output(&self) -> Output {
        Output::from_flags(OutputFlags { json: self.json, quiet: self.quiet, no_color: self.no_color, lang: self.lang })
    }
}

fn lang(text: &str) -> Result<Lang, String> {
    parse_lang(text).ok_or_else(|| t("pilih id atau en", "choose id or en").to_owned())
}

/// Sets the language of this process from `--lang` among `args`, else from the environment, before anything is parsed:
/// help and errors of usage are to be in it already.
pub fn early_lang(args: &[OsString]) {
    let text = |arg: &OsString| arg.to_str().map(str::to_owned);
    let given = args.iter().enumerate().find_map(|(place, arg)| match text(arg)?.split_once('=') {
        Some(("--lang", value)) => Some(value.to_owned()),
        None if arg == "--lang" => args.get(place + 1).and_then(text),
        _ => None,
    });
    // The environment decides otherwise.
    let fallback = Output::from_flags(OutputFlags::default()).lang;
    set_process_lang(given.as_deref().and_then(parse_lang).unwrap_or(fallback));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_known_before_parsing() {
        early_lang(&["x".into(), "--lang".into(), "en".into()]);
        assert_eq!(process_lang(), Lang::En);
        early_lang(&["x".into(), "status".into(), "--lang=id".into()]);
        assert_eq!(process_lang(), Lang::Id);
    }
}
