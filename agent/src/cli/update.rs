//! `update`: what runs, what a file holds, and which program is to run next.

use std::fs;
use std::path::{Path, PathBuf};

use kentongan_host::control::Client;
use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::files::{Access, replace};
use kentongan_host::output::Output;
use serde_json::Value;

use super::args::UpdateCommand;
use super::{Place, print};
use crate::command::Command;
use crate::{config, update};

impl Place<'_> {
    pub(super) fn update(&self, command: UpdateCommand) -> Result<Exit, Failure> {
        match command {
            UpdateCommand::Check { from } => {
                let settings = config::load(&self.dir, self.common.config.clone())?;
                let answer = update::check(&self.dir, &settings, from.as_deref())?;
                if self.out.json {
                    self.out.document(&answer)
                } else {
                    print::update(self.out, &answer)
                }
                Ok(Exit::Done)
            }
            UpdateCommand::Apply { from } => {
                let from = std::path::absolute(from).map_err(anyhow::Error::new)?;
                if Client::connect(&self.dir)?.is_none() {
                    return self.show(Command::ApplyUpdate { file: from }, said);
                }
                let handed = self.hand_in(&from)?;
                let shown = self.show(Command::ApplyUpdate { file: handed.clone() }, said);
                // Whoever took it may have removed it.
                let _ = fs::remove_file(handed);
                shown
            }
            UpdateCommand::Rollback => self.show(Command::RollBackUpdate, said),
        }
    }

    /// Puts the file where the service can read it: it sees neither homes nor the temporary files of others.
    fn hand_in(&self, from: &Path) -> Result<PathBuf, Failure> {
        let bytes = update::read(from)?;
        let handed = self.dir.root().join(format!("update.{}", std::process::id()));
        // The folder is the service's alone.
        replace(&handed, &bytes, Access::Readable).map_err(anyhow::Error::new)?;
        Ok(handed)
    }
}

/// Which program comes next, and when.
fn said(out: &Output, answer: &Value) {
    let text = |key: &str| answer[key].as_str().unwrap_or("-");
    let (running, next) = (text("running"), text("next"));
    match text("starts") {
        "when_idle" => out.say(
            &format!("Versi {next} menggantikan {running} begitu tidak ada yang sedang mengisi formulir."),
            &format!("Version {next} takes the place of {running} as soon as nobody is filling in a form."),
        ),
        _ => out.say(
            &format!("Versi {next} jalan mulai dari start layanan berikutnya; sekarang {running}."),
            &format!("Version {next} runs from the next start of the service on; now {running}."),
        ),
    }
}
