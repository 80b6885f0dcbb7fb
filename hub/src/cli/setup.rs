//! `init`, `serve`, `paths`, `version`

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;
use kentongan_host::output::Table;
use kentongan_host::{Clock, Exit, Failure, SystemClock};
use serde_json::{Map, Value, json};

use super::args::{InitArgs, ServeArgs};
use super::{Context, words};
use crate::config::sources;
use crate::service::office::clean_name;
use crate::setup;

pub(super) fn init(context: &Context<'_>, args: &InitArgs) -> Result<Exit, Failure> {
    let out = context.out;
    let name = clean_name(&args.name)?;
    let made = setup::init(&context.dir, &name, &words::person(), SystemClock::new().wall_ms())?;
    let folder = context.dir.root().display().to_string();
    if out.json {
        out.document(&json!({
            "schema": "kentongan.hub.init/1",
            "data": folder,
            "replica": made.hub.replica.to_string(),
            "name": made.hub.name,
            "fingerprint": made.fingerprint,
            "existed": made.existed,
            "invited": made.invited,
        }));
        return Ok(Exit::Done);
    }
    let said = match made.existed {
        true => out
            .pick("Pusat sudah ada di sini; tidak ada yang diubah", "There is a hub here already; nothing was changed"),
        false => out.pick("Pusat siap", "The hub is ready"),
    };
    out.line(&format!("{said}: {folder}"));
    let mut table = Table::headless();
    table.row([out.pick("Sidik jari", "Fingerprint"), &grouped(&made.fingerprint)]);
    table.row([out.pick("Pengaturan", "Configuration"), &context.dir.config_file().display().to_string()]);
    if let Some(invited) = &made.invited {
        table.row([out.pick("Undangan konsol", "Console invitation"), &format!("{} {}", invited.name, invited.code)]);
    }
    out.table(&table);
    let data = context.common.data.as_ref().map_or_else(String::new, |data| format!(" --data {}", data.display()));
    out.say(&format!("Berikutnya: kentongan-hub serve{data}"), &format!("Next: kentongan-hub serve{data}"));
    Ok(Exit::Done)
}

/// In groups of four, so that two people can compare it by voice.
fn grouped(hex: &str) -> String {
    let digits: Vec<char> = hex.chars().collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

pub(super) fn serve(context: &Context<'_>, args: &ServeArgs) -> Result<Exit, Failure> {
    let flags = args.listen.iter().map(|listen| ("listen", "sync", listen.clone())).collect();
    let sources = sources(&context.dir, context.common.config.clone(), flags);
    crate::serve::run(&context.dir, &sources, args.log_format.as_deref(), context.out)
}

pub(super) fn paths(context: &Context<'_>) -> Result<Exit, Failure> {
    let out = context.out;
    let paths = context.dir.paths();
    if out.json {
        let paths: Map<String, Value> =
            paths.iter().map(|(name, path)| ((*name).to_owned(), json!(path.display().to_string()))).collect();
        out.document(&json!({ "schema": "kentongan.paths/1", "paths": paths }));
        return Ok(Exit::Done);
    }
    let mut table = Table::headless();
    for (name, path) in paths {
        table.row([name.to_owned(), path.display().to_string()]);
    }
    out.table(&table);
    Ok(Exit::Done)
}

/// Where a long result goes: to a file of its own, or to stdout, where a reader that goes away is no error.
pub(super) fn sink(context: &Context<'_>, file: Option<&Path>) -> Result<Box<dyn Write>, Failure> {
    Ok(match file {
        None => Box::new(BufWriter::new(context.out.stdout())),
        Some(path) => {
            let file = File::create(path).with_context(|| format!("write {}", path.display()))?;
            Box::new(BufWriter::new(file))
        }
    })
}
