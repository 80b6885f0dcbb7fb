//! A bundle for whoever helps: what they need to understand an installation, and nothing of any person.
//!
//! What goes into it is chosen, not what stays out: figures, states, settings by their kind, our own log, which names
//! nobody. Then every text is looked through once more for what may never leave, whoever wrote it there. All of it is
//! text, so that people can read it before they give it away.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rusqlite::Connection;
use serde_json::{Map, Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::data_dir::{DataDir, Program};
use crate::exit::Exit;
use crate::fail::Failure;
use crate::files::{Access, creating, free_bytes};
use crate::logging::{Tail, log_file, tail};
use crate::moment;
use crate::options::Settings;
use crate::output::Output;
use crate::sqlite::open_reader;

/// Log lines in a bundle, the last ones.
const LOG_LINES_MAX: usize = 20_000;
/// More digits than this in a row are a telephone or an identity number.
const DIGITS_MAX: usize = 8;

/// What is in a bundle, before it is written.
#[derive(Debug)]
pub struct Bundle {
    program: Program,
    made_ms: i64,
    parts: Vec<(&'static str, String)>,
}

impl Bundle {
    /// One with what can be said of any installation: version, machine, settings, store and log. `settings` is what
    /// the configuration gave, or why it gave nothing.
    pub fn of(dir: &DataDir, settings: &Result<Settings, Failure>, made_ms: i64, since_ms: i64) -> Bundle {
        let mut bundle = Bundle { program: dir.program(), made_ms, parts: Vec::new() };
        bundle.add("machine.json", &machine(dir));
        match settings {
            Ok(settings) => bundle.add("settings.json", &settings.harmless()),
            Err(failure) => bundle.add("settings.json", &said(failure)),
        }
        bundle.add("store.json", &store(&dir.store()).unwrap_or_else(|error| json!({ "error": format!("{error:#}") })));
        bundle.add_log(dir, since_ms);
        bundle
    }

    /// Adds a document.
    pub fn add(&mut self, name: &'static str, document: &Value) {
        let text = serde_json::to_string_pretty(&masked(document)).unwrap_or_default();
        self.parts.push((name, format!("{text}\n")));
    }

    /// Adds what a question brought: a document, or why there is none.
    pub fn add_answer(&mut self, name: &'static str, answer: &Result<Value, Failure>) {
        match answer {
            Ok(document) => self.add(name, document),
            Err(failure) => self.add(name, &said(failure)),
        }
    }

    fn add_log(&mut self, dir: &DataDir, since_ms: i64) {
        let mut lines = std::collections::VecDeque::new();
        let wanted = Tail { since_ms: Some(since_ms), level: tracing::Level::DEBUG, follow: false };
        let read = tail(&log_file(dir), wanted, &|| false, &mut |line| {
            if lines.len() == LOG_LINES_MAX {
                lines.pop_front();
            }
            lines.push_back(format!("{}\n", masked(line)));
            true
        });
        if let Err(error) = read {
            lines.push_back(format!("{}\n", json!({ "error": error.to_string() })));
        }
        self.parts.push(("log.jsonl", lines.into_iter().collect()));
    }

    /// What is in it: names and sizes in bytes.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.parts.iter().map(|(name, text)| (*name, text.len()))
    }

    /// What a file is called where nobody chose a name.
    pub fn usual_name(&self) -> PathBuf {
        let day: String = moment::text(self.made_ms).chars().take(10).collect();
        PathBuf::from(format!("{}-support-{day}.zip", self.program.binary()))
    }

    /// Writes it as a new archive, for its owner alone.
    ///
    /// # Errors
    /// There is such a file already, or the file system refuses.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let file = creating(Access::Private).create_new(true).open(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::new(
                Exit::Failed,
                format!("Berkas {} sudah ada.", path.display()),
                format!("The file {} exists already.", path.display()),
            )
            .with_hint("sebutkan nama lain dengan -o", "name another one with -o"),
            _ => Failure::from(anyhow::Error::from(error).context(format!("write {}", path.display()))),
        })?;
        Ok(self.write_to(file).with_context(|| format!("write {}", path.display()))?)
    }

    fn write_to(&self, file: File) -> anyhow::Result<()> {
        let mut archive = ZipWriter::new(file);
        let readme = ("README.txt", self.readme());
        for (name, text) in std::iter::once(&readme).chain(&self.parts) {
            archive.start_file(*name, SimpleFileOptions::default())?;
            archive.write_all(text.as_bytes())?;
        }
        archive.finish()?.sync_all()?;
        Ok(())
    }

    fn readme(&self) -> String {
        let (binary, version, made) = (self.program.binary(), env!("CARGO_PKG_VERSION"), moment::text(self.made_ms));
        let list: String = self.parts().map(|(name, bytes)| format!("  {name}  {bytes}\n")).collect();
        format!(
            "{binary} {version}, {made}\n\n\
             Paket bantuan untuk yang menolong. Isinya teks; bacalah sebelum memberikannya.\n\
             Tidak ada di dalamnya: isi catatan, nama atau nomor orang, kunci, sandi, alamat surel.\n\n\
             A support bundle for whoever helps. It is text; read it before you give it away.\n\
             Not in it: contents of records, names or numbers of people, keys, passwords, e-mail addresses.\n\n{list}"
        )
    }

    /// Shows what it holds, and writes it unless that was all that was asked for: the command of both programs.
    ///
    /// # Errors
    /// As [`Bundle::write`].
    pub fn hand_over(&self, out: &Output, file: Option<PathBuf>, only_list: bool) -> Result<Exit, Failure> {
        let path = file.unwrap_or_else(|| self.usual_name());
        if !only_list {
            self.write(&path)?;
        }
        if out.json {
            let parts: Vec<Value> = self.parts().map(|(name, bytes)| json!({ "name": name, "bytes": bytes })).collect();
            let path = (!only_list).then(|| path.display().to_string());
            out.document(&json!({ "schema": "kentongan.support/1", "path": path, "parts": parts }));
            return Ok(Exit::Done);
        }
        for (name, bytes) in self.parts() {
            out.line(&format!("{bytes:>10}  {name}"));
        }
        if !only_list {
            out.line(&format!("{}: {}", out.pick("Ditulis", "Written"), path.display()));
        }
        Ok(Exit::Done)
    }
}

/// A failure as a document, without the words of whatever caused it.
fn said(failure: &Failure) -> Value {
    json!({ "error": failure.to_json(kentongan_protocol::form::Lang::En) })
}

fn machine(dir: &DataDir) -> Value {
    let zone = crate::moment::zone();
    json!({
        "program": dir.program().binary(),
        "version": env!("CARGO_PKG_VERSION"),
        "commit": crate::cli::COMMIT,
        "system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "zone": zone.iana_name().map_or_else(|| zone.to_offset(jiff::Timestamp::now()).to_string(), str::to_owned),
        "free_bytes": free_bytes(dir.root()),
    })
}

/// Its schema and how many rows there are; of no row what it says.
fn store(path: &Path) -> anyhow::Result<Value> {
    let db = open_reader(path)?;
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
    let mut tables = Map::new();
    for (name, sql) in schema(&db)? {
        // The name is quoted as SQLite quotes names, although ours need no quotes.
        let rows = number(&format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\"")))?;
        tables.insert(name, json!({ "rows": rows, "sql": sql }));
    }
    Ok(json!({
        "version": number("PRAGMA user_version")?,
        "pages": number("PRAGMA page_count")?,
        "free_pages": number("PRAGMA freelist_count")?,
        "page_bytes": number("PRAGMA page_size")?,
        "tables": tables,
    }))
}

fn schema(db: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut tables =
        db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL ORDER BY name")?;
    let rows = tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// The document with every text in it looked through.
fn masked(document: &Value) -> Value {
    match document {
        Value::String(text) => Value::String(masked_text(text)),
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), masked(value))).collect(),
        other => other.clone(),
    }
}

/// A text without what names a person or opens a door: addresses of mail, long numbers, keys of ours, home folders.
fn masked_text(text: &str) -> String {
    let is_edge = |c: char| c.is_whitespace() || "\"'<>()[]{},;=".contains(c);
    let mut masked = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_edge) {
        let word = piece.trim_end_matches(is_edge);
        let end = &piece[word.len()..];
        let is_key = ["whsec_", "ktg_"].iter().any(|mark| word.contains(mark)) || is_receipt(word);
        if word.contains('@') || is_key {
            masked.push('…');
        } else {
            masked.push_str(&without_home(&without_numbers(word)));
        }
        masked.push_str(end);
    }
    masked
}

/// Whether it is a receipt code: who has it sees where a complaint stands. Codes of ours for failures are shorter.
fn is_receipt(word: &str) -> bool {
    word.find("KTG-").is_some_and(|at| word[at..].matches('-').count() >= 3)
}

/// A run of digits that is too long becomes one mark, unless it is part of an id: those are hexadecimal.
fn without_numbers(word: &str) -> String {
    let is_id = |part: &str| {
        part.len() >= 16 && part.chars().all(|c| c.is_ascii_hexdigit()) && part.contains(|c: char| c.is_alphabetic())
    };
    let mut out = String::with_capacity(word.len());
    for part in word.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let digits = part.chars().filter(char::is_ascii_digit).count();
        let bare = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if digits > DIGITS_MAX && !is_id(bare) {
            out.push('…');
            out.push_str(&part[bare.len()..]);
        } else {
            out.push_str(part);
        }
    }
    out
}

/// The name of a person in a path to their files.
fn without_home(word: &str) -> String {
    for mark in ["/home/", "/Users/", "\\Users\\"] {
        if let Some((before, after)) = word.split_once(mark) {
            let rest = after.find(['/', '\\']).map_or("", |end| &after[end..]);
            return format!("{before}{mark}…{rest}");
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_person_or_opens_a_door_is_masked_and_ids_and_times_stay() {
        for (text, shown) in [
            ("to=wayan@kab.go.id, later", "to=…, later"),
            ("call 081299887766 now", "call … now"),
            ("nik:3273059912345678", "nik:…"),
            ("https://sari:pin@proxy:3128/x", "…"),
            ("(whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw)", "(…)"),
            ("Bearer ktg_0a1b.rahasia", "Bearer …"),
            ("/home/sari/pusat/store.db", "/home/…/pusat/store.db"),
            (r"C:\Users\Sari\x", r"C:\Users\…\x"),
            ("replica 00112233445566aa joined", "replica 00112233445566aa joined"),
            ("2026-11-22T07:00:03.118Z", "2026-11-22T07:00:03.118Z"),
            ("KTG-7K3M-Q2H9D-R arrived", "… arrived"),
            ("127.0.0.1:8743 KTG-102", "127.0.0.1:8743 KTG-102"),
        ] {
            assert_eq!(masked_text(text), shown);
        }
        assert_eq!(masked(&json!({ "a": ["081299887766", 81299887766_u64] })), json!({ "a": ["…", 81299887766_u64] }));
    }

    #[test]
    fn a_bundle_is_written_once_and_can_be_read_by_anybody() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Hub, temp.path());
        let failed = Err(Failure::usage("salah", "wrong"));
        let mut bundle = Bundle::of(&dir, &failed, 1_795_000_000_000, 0);
        bundle.add("more.json", &json!({ "figure": 7 }));
        let file = temp.path().join(bundle.usual_name());
        assert!(file.ends_with("kentongan-hub-support-2026-11-18.zip"));
        bundle.write(&file).expect("written");
        assert!(bundle.write(&file).is_err(), "nothing is overwritten");
        let mut archive = zip::ZipArchive::new(File::open(&file).expect("open")).expect("an archive");
        let names: Vec<String> = archive.file_names().map(|name| name.expect("a name in UTF-8").into_owned()).collect();
        assert_eq!(names, ["README.txt", "machine.json", "settings.json", "store.json", "log.jsonl", "more.json"]);
        let more = io::read_to_string(archive.by_name("more.json").expect("there")).expect("text");
        assert_eq!(more, "{\n  \"figure\": 7\n}\n");
    }
}
