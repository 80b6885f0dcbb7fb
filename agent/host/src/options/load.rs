//! Reading settings from files, environment and flags.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Kind, Opt, Origin, Setting, Settings, Value};
use crate::data_dir::Program;
use crate::fail::Failure;
use crate::files::read_bounded;
use crate::output::{pick, process_lang};

/// A configuration file is a few KB; more than this is a mistake.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// An option set by a flag of the command: table, key, value.
pub type Flag = (&'static str, &'static str, String);

/// Where to read from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The main file; that it is missing is no error unless it was named.
    pub file: PathBuf,
    /// Whether the file was named by a person (`--config`) and so must be there.
    pub file_named: bool,
    /// Environment variables; those with another prefix are ignored.
    pub environment: Vec<(String, String)>,
    /// Flags of the command.
    pub flags: Vec<Flag>,
}

impl Sources {
    /// The file `named` by a person, or else `usual`, with the environment of this process.
    pub fn new(usual: PathBuf, named: Option<PathBuf>) -> Sources {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Sources { file_named: named.is_some(), file: named.unwrap_or(usual), environment, flags: Vec::new() }
    }
}

/// The folder of additional files beside a configuration file: `agent.d` beside `agent.toml`.
pub fn conf_dir(file: &Path) -> PathBuf {
    file.with_extension("d")
}

impl Settings {
    /// Reads everything, weakest source first.
    ///
    /// # Errors
    /// Exit 2, naming file and line, variable or flag, and what would be right. The caller keeps its old settings.
    pub fn load(program: Program, options: &'static [Opt], sources: &Sources) -> Result<Settings, Failure> {
        let mut settings = Settings::built_in(program, options);
        match read(&sources.file) {
            Ok(text) => settings.take_file(&sources.file, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !sources.file_named => {}
            Err(error) => return Err(unreadable(&sources.file, error)),
        }
        for file in additional_files(&conf_dir(&sources.file))? {
            let text = read(&file).map_err(|error| unreadable(&file, error))?;
            settings.take_file(&file, &text)?;
        }
        settings.take_environment(&sources.environment)?;
        for (table, key, text) in &sources.flags {
            settings.take_text(table, key, text, Origin::Flag)?;
        }
        Ok(settings)
    }

    /// Takes over what a file sets.
    pub(super) fn take_file(&mut self, path: &Path, text: &str) -> Result<(), Failure> {
        let file = File { path, text };
        let document = DeTable::parse(text).map_err(|error| {
            let message = error.message();
            file.fault(error.span().unwrap_or(0..0), message, message)
        })?;
        for (table, keys) in document.get_ref() {
            let name: &str = table.get_ref();
            if !self.options.iter().any(|opt| opt.table == name) {
                return Err(file.unknown(table.span(), name, self.options.iter().map(|opt| opt.table)));
            }
            let Some(keys_and_values) = keys.get_ref().as_table() else {
                return Err(file.fault(
                    table.span(),
                    &format!("{name} harus berupa tabel: [{name}]"),
                    &format!("{name} must be a table: [{name}]"),
                ));
            };
            for (key, value) in keys_and_values {
                self.take_value(&file, name, key, value)?;
            }
        }
        Ok(())
    }

    fn take_value(
        &mut self,
        file: &File<'_>,
        table: &str,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), Failure> {
        let name = key.get_ref().as_ref();
        let Some(index) = self.index(table, name) else {
            let known = self.options.iter().filter(|opt| opt.table == table).map(|opt| opt.key);
            return Err(file.unknown(key.span(), name, known));
        };
        let opt = &self.options[index];
        let written = file.text.get(value.span()).unwrap_or_default();
        let found = of_toml(&opt.kind, value.get_ref()).filter(|value| opt.kind.allows(value));
        let found = found.ok_or_else(|| {
            let complaint = opt.kind.complaint(written.trim_matches('"'));
            let name = opt.name();
            file.fault(value.span(), &format!("{name}: {}", complaint.id), &format!("{name}: {}", complaint.en))
        })?;
        let text = value.get_ref().as_str().unwrap_or(written).to_owned();
        let origin = Origin::File { path: file.path.to_owned(), line: file.line(key.span()) };
        self.settings[index] = Setting { value: found, text, origin };
        Ok(())
    }

    fn take_environment(&mut self, environment: &[(String, String)]) -> Result<(), Failure> {
        let prefix = self.program.env_prefix();
        for (name, text) in environment.iter().filter(|(name, _)| name.starts_with(prefix)) {
            let Some(opt) = self.options.iter().find(|opt| opt.env_name(self.program) == *name) else {
                let known: Vec<String> = self.options.iter().map(|opt| opt.env_name(self.program)).collect();
                let (id, en) = suggestion(name, known.iter().map(String::as_str));
                return Err(Failure::usage(
                    format!("variabel lingkungan {name} tidak dikenal{id}"),
                    format!("unknown environment variable {name}{en}"),
                ));
            };
            if opt.secret {
                return Err(Failure::usage(
                    format!("{} bersifat rahasia dan tidak boleh diisi lewat variabel {name}", opt.name()),
                    format!("{} is a secret and must not be set by the variable {name}", opt.name()),
                ));
            }
            self.take_text(opt.table, opt.key, text, Origin::Environment(name.clone()))?;
        }
        Ok(())
    }

    fn take_text(&mut self, table: &str, key: &str, text: &str, origin: Origin) -> Result<(), Failure> {
        let index = self.index(table, key).unwrap_or_else(|| panic!("a flag must set a known option: {table}.{key}"));
        let opt = &self.options[index];
        let value = opt.kind.parse(text).map_err(|invalid| {
            let place = match &origin {
                Origin::Environment(name) => name.clone(),
                _ => opt.name(),
            };
            Failure::usage(format!("{place}: {}", invalid.id), format!("{place}: {}", invalid.en))
        })?;
        self.settings[index] = Setting { value, text: text.trim().to_owned(), origin };
        Ok(())
    }

    fn index(&self, table: &str, key: &str) -> Option<usize> {
        self.options.iter().position(|opt| opt.table == table && opt.key == key)
    }
}

/// A value of a TOML document as a value of this kind, if it is of the right type.
fn of_toml(kind: &Kind, value: &DeValue<'_>) -> Option<Value> {
    match (kind, value) {
        (Kind::List, DeValue::Array(items)) => {
            let items: Option<Vec<String>> =
                items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect();
            items.map(Value::List)
        }
        (Kind::List | Kind::Whole { .. } | Kind::Decimal { .. } | Kind::Boolean, DeValue::String(_)) => None,
        (_, DeValue::String(text)) => kind.parse(text).ok(),
        (Kind::Whole { .. }, DeValue::Integer(n)) => i64::from_str_radix(n.as_str(), n.radix()).ok().map(Value::Whole),
        (Kind::Bytes { .. }, DeValue::Integer(n)) => u64::from_str_radix(n.as_str(), n.radix()).ok().map(Value::Bytes),
        (Kind::Decimal { .. }, DeValue::Integer(n)) => n.as_str().parse().ok().map(Value::Decimal),
        (Kind::Decimal { .. }, DeValue::Float(n)) => n.as_str().parse().ok().map(Value::Decimal),
        (Kind::Boolean, DeValue::Boolean(yes)) => Some(Value::Boolean(*yes)),
        _ => None,
    }
}

/// A file that is being read, to name places in it.
struct File<'f> {
    path: &'f Path,
    text: &'f str,
}

impl File<'_> {
    fn line(&self, span: Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        before.bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    fn fault(&self, span: Range<usize>, id: &str, en: &str) -> Failure {
        let place = format!("{}:{}", self.path.display(), self.line(span));
        Failure::usage(format!("{place}: {id}"), format!("{place}: {en}"))
    }

    fn unknown<'k>(&self, span: Range<usize>, name: &str, known: impl Iterator<Item = &'k str>) -> Failure {
        let (id, en) = suggestion(name, known);
        self.fault(span, &format!("{name:?} tidak dikenal{id}"), &format!("{name:?} is not known{en}"))
    }
}

/// `; maybe "interval"` in both languages, or nothing when no name is near.
fn suggestion<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> (String, String) {
    match nearest(name, known) {
        Some(near) => (format!("; mungkin maksudnya {near:?}"), format!("; did you mean {near:?}?")),
        None => (String::new(), String::new()),
    }
}

/// The name that fewest single changes away, if it is near enough to be meant.
pub fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let most = 2.max(name.chars().count() / 3);
    known.map(|k| (distance(name, k), k)).filter(|(d, _)| *d <= most).min_by_key(|(d, _)| *d).map(|(_, k)| k)
}

/// Levenshtein's distance: insertions, deletions and replacements.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&to) {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// `*.toml` in the folder, by name; none if there is no folder.
fn additional_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, error)),
    };
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(|error| unreadable(folder, error))?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml") && path.is_file());
    paths.sort();
    Ok(paths)
}

pub(super) fn read(path: &Path) -> io::Result<String> {
    String::from_utf8(read_bounded(path, FILE_BYTES_MAX)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

pub(super) fn unreadable(path: &Path, error: io::Error) -> Failure {
    let doing = pick(process_lang(), "membaca", "reading");
    Failure::usage(format!("{doing} {}: {error}", path.display()), format!("{doing} {}: {error}", path.display()))
        .caused_by(error)
}
