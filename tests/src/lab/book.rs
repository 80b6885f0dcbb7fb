//! Who said what: the records that were tried, those that were said to be saved, and what the hub has in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::Row;
use crate::dice::Dice;
use crate::hub::Hub;
use crate::office::Office;
use crate::programs::{self, Ended};

/// The lab's own account of one story.
#[derive(Debug, Default)]
pub struct Book {
    tried: BTreeSet<String>,
    saved: BTreeSet<String>,
}

/// A record on its way to being saved.
#[derive(Debug)]
pub struct Entering {
    text: String,
    child: Child,
}

impl Book {
    /// A text that no record had before.
    pub fn text(&mut self) -> String {
        let text = format!("Aduan percobaan nomor {}.", self.tried.len() + 1);
        self.tried.insert(text.clone());
        text
    }

    /// The same, long and not to be compressed.
    pub fn long_text(&mut self) -> String {
        let mut dice = Dice::new(self.tried.len() as u64);
        let noise: String = (0..32).map(|_| format!("{:016x} ", dice.number())).collect();
        let text = format!("{} {}", self.text(), noise.trim_end());
        self.tried.insert(text.clone());
        text
    }

    /// Notes that a record with this text was said to be saved.
    pub fn note_saved(&mut self, text: &str) {
        self.saved.insert(text.to_owned());
    }

    /// How many were said to be saved.
    pub fn saved(&self) -> u64 {
        self.saved.len() as u64
    }

    /// Enters a record and notes what was said of it.
    ///
    /// # Panics
    /// If the command cannot be run.
    pub fn enter(&mut self, office: &Office) -> Ended {
        self.enter_as(office, |command| command)
    }

    /// The same, with the command changed: run by another program, for example.
    ///
    /// # Panics
    /// If the command cannot be run.
    pub fn enter_as(&mut self, office: &Office, change: impl FnOnce(Command) -> Command) -> Ended {
        let text = self.text();
        let ended = programs::run(change(entry(office, &text)));
        if says_saved(ended.stdout.as_bytes()) {
            self.note_saved(&text);
        }
        ended
    }

    /// Begins to enter a record.
    ///
    /// # Panics
    /// If the command cannot be started.
    pub fn begin(&mut self, office: &Office) -> Entering {
        let text = self.text();
        let mut command = entry(office, &text);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("start a command");
        Entering { text, child }
    }

    /// Waits for the end of it, and notes what was said.
    ///
    /// # Panics
    /// If it cannot be waited for.
    pub fn end(&mut self, entering: Entering) {
        let output = entering.child.wait_with_output().expect("read what a command says");
        if says_saved(&output.stdout) {
            self.note_saved(&entering.text);
        }
    }

    /// Counts what became of all records.
    ///
    /// # Panics
    /// If the hub has what nobody entered.
    pub fn settle(&self, hub: &Hub, row: &mut Row) {
        let held = texts(hub);
        let strange: Vec<_> = held.keys().filter(|text| !self.tried.contains(*text)).collect();
        assert!(strange.is_empty(), "nobody entered {strange:?}");
        let lost: Vec<_> = self.saved.iter().filter(|text| !held.contains_key(*text)).collect();
        let doubled: Vec<_> = held.iter().filter(|(_, times)| **times > 1).collect();
        if !lost.is_empty() || !doubled.is_empty() {
            println!("lost: {lost:?}; more than once: {doubled:?}");
        }
        row.saved += self.saved();
        row.lost += lost.len() as u64;
        row.doubled += doubled.len() as u64;
    }
}

impl Entering {
    /// The process that enters it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// The command that enters a complaint with this text.
pub fn entry(office: &Office, text: &str) -> Command {
    let mut command = office.command();
    command.args(["--json", "record", "add", "pengaduan", "kategori=antrean", "kanal=tatap_muka"]);
    command.arg(format!("uraian={text}"));
    command
}

/// How often each complaint's text stands at the hub.
///
/// # Panics
/// If a record has none.
pub fn texts(hub: &Hub) -> BTreeMap<String, usize> {
    let mut texts = BTreeMap::new();
    for document in hub.export("complaints") {
        let text = document["uraian"].as_str().expect("a text").to_owned();
        *texts.entry(text).or_default() += 1;
    }
    texts
}

/// Whether a command said on stdout that a record is saved: it named it.
fn says_saved(stdout: &[u8]) -> bool {
    serde_json::from_slice::<Value>(stdout).is_ok_and(|document| document["id"].is_string())
}
