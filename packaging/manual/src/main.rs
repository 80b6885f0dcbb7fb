//! Writes manual pages, shell completions and sample settings from the tables that the programs themselves read: what is
//! generated cannot lie. It runs when packages are made and is in none of them, so that the programs carry nothing of it.
//!
//! ```text
//!   OUT/kentongan-agent/share/man/man1/kentongan-agent.1, kentongan-agent-status.1 …     English
//!                            man/id/man1/…                                                Indonesian
//!                            bash-completion/completions, zsh/vendor-completions, fish/vendor_completions.d
//!                      sample.toml
//!   OUT/kentongan-hub/…      the same
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Command;
use clap_complete::Shell;
use kentongan_host::options;
use kentongan_host::output::set_process_lang;
use kentongan_host::{Lang, Opt, Program};

/// A program that packages hold.
struct Shipped {
    program: Program,
    /// Its command line, in the language of the process.
    command: fn() -> Command,
    options: &'static [Opt],
}

const SHIPPED: [Shipped; 2] = [
    Shipped {
        program: Program::Agent,
        command: kentongan_agent::cli::command,
        options: kentongan_agent::config::OPTIONS,
    },
    Shipped { program: Program::Hub, command: kentongan_hub::cli::command, options: kentongan_hub::config::OPTIONS },
];

/// The name of a completion's file, of the name of its program.
type FileName = fn(&str) -> String;

/// Where each shell looks for completions, and how a file is called there.
const SHELLS: [(Shell, &str, FileName); 3] = [
    (Shell::Bash, "bash-completion/completions", str::to_owned),
    (Shell::Zsh, "zsh/vendor-completions", |program| format!("_{program}")),
    (Shell::Fish, "fish/vendor_completions.d", |program| format!("{program}.fish")),
];

fn main() -> anyhow::Result<()> {
    let out = std::env::args_os().nth(1).map(PathBuf::from).context("usage: kentongan-manual OUT")?;
    for shipped in SHIPPED {
        let home = out.join(shipped.program.binary());
        let share = home.join("share");
        // Help is chosen when a command is built.
        for (lang, folder) in [(Lang::En, "man/man1"), (Lang::Id, "man/id/man1")] {
            set_process_lang(lang);
            pages((shipped.command)(), &share.join(folder))?;
        }
        set_process_lang(Lang::Id);
        completions(&shipped, &share)?;
        fs::write(home.join("sample.toml"), options::sample(shipped.program, shipped.options))?;
    }
    Ok(())
}

/// A page for the program and one for each of its commands.
fn pages(mut command: Command, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    // The parser adds these by itself, in English; every page would have them.
    command.build();
    clap_mangen::generate_to(command, folder).with_context(|| format!("write pages to {}", folder.display()))
}

fn completions(shipped: &Shipped, share: &Path) -> anyhow::Result<()> {
    let program = shipped.program.binary();
    for (shell, folder, name) in SHELLS {
        let folder = share.join(folder);
        fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
        let file = folder.join(name(program));
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut (shipped.command)(), program, &mut text);
        fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_in_both_languages() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        for Shipped { program, command, .. } in SHIPPED {
            let (program, mut root) = (program.binary(), command());
            let mut texts = Vec::new();
            for lang in [Lang::En, Lang::Id] {
                set_process_lang(lang);
                let folder = temp.path().join(format!("{program}-{lang:?}"));
                pages(command(), &folder).expect("pages");
                let page = |name: &str| fs::read_to_string(folder.join(format!("{name}.1"))).expect(name);
                for below in root.get_subcommands_mut() {
                    page(&format!("{program}-{}", below.get_name()));
                }
                texts.push(page(program));
            }
            assert_ne!(texts[0], texts[1], "{program} says the same in both languages");
        }
    }
}
