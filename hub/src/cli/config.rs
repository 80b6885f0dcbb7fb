//! `config …`

use kentongan_host::options::sample;
use kentongan_host::{Exit, Failure, Program};
use serde_json::json;

use super::Context;
use super::args::ConfigCommand;
use crate::config::{OPTIONS, load, sources};

pub(super) fn run(context: &Context<'_>, command: &ConfigCommand) -> Result<Exit, Failure> {
    let out = context.out;
    let sources = sources(&context.dir, context.common.config.clone(), Vec::new());
    match command {
        ConfigCommand::Show { origin } => load(&sources)?.show(out, *origin),
        ConfigCommand::Check => {
            load(&sources)?;
            let file = sources.file.display().to_string();
            let found = sources.file.exists();
            if out.json {
                let ok = true;
                out.document(&json!({ "schema": "kentongan.config.check/1", "ok": ok, "file": file, "found": found }));
            } else if found {
                out.line(&format!("{}: {file}", out.pick("Pengaturan benar", "The configuration holds")));
            } else {
                let said = out.pick("Tidak ada berkas; nilai bawaan berlaku", "No file; built-in values apply");
                out.line(&format!("{said}: {file}"));
            }
        }
        ConfigCommand::Sample => out.line(sample(Program::Hub, OPTIONS).trim_end()),
        ConfigCommand::Path if out.json => {
            out.document(&json!({ "schema": "kentongan.config.path/1", "file": sources.file.display().to_string() }));
        }
        ConfigCommand::Path => out.line(&sources.file.display().to_string()),
    }
    Ok(Exit::Done)
}
