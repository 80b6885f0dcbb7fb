//! Which column of a file goes into which field.
//!
//! ```text
//!   file     the text of a map  ->  Map      what a person wrote down, checked as far as that goes without a file
//!   titles   a title  ->  the fields it may mean, for what nobody wrote down
//!   plan     Map + the columns of one file  ->  Plan      every look-up done; rows are then read by place alone
//!   slot     a row  ->  the value of one field
//! ```

mod file;
mod plan;
mod slot;
mod titles;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kentongan_host::Lang;
use kentongan_protocol::form::{Field, FormTag};

use super::dates::Format;
use super::fault::ImportFault;
use super::reader::Hints;
use super::rejected;

pub(super) use plan::Plan;
pub(super) use slot::FormPlan;

/// Longest map, in bytes.
const MAP_BYTES_MAX: u64 = 1024 * 1024;
/// What a map's name ends in.
pub(super) const MAP_SUFFIX: &str = ".map.toml";
/// The map of a whole folder.
pub(super) const FOLDER_MAP: &str = "map.toml";

/// Where the map of a file comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MapChoice {
    /// Beside the file: `FILE.map.toml`, else `map.toml` in its folder, else none.
    #[default]
    Beside,
    /// This one.
    File(PathBuf),
    /// None: columns are matched by their titles alone.
    Titles,
}

/// What a map says.
#[derive(Debug, Clone, Default)]
pub(super) struct Map {
    /// Its file name, for messages.
    pub(super) name: Option<String>,
    pub(super) form: FormRule,
    pub(super) hints: Hints,
    pub(super) dates: Vec<Format>,
    /// Offset of times that name none, in minutes east of UTC.
    pub(super) offset_min: Option<i16>,
    pub(super) author: Option<String>,
    /// The column with the row's own id.
    pub(super) id: Option<Named>,
    /// Titles that are left out on purpose.
    pub(super) ignore: Vec<String>,
    /// Whether columns that the map does not name are matched by their titles.
    pub(super) by_titles: ByTitles,
    pub(super) fields: BTreeMap<FormTag, Vec<FieldRule>>,
}

/// Whether columns that the map does not name are matched by their titles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ByTitles {
    #[default]
    Matched,
    LeftOut,
}

/// Which form the rows belong to.
#[derive(Debug, Clone, Default)]
pub(super) enum FormRule {
    /// What the titles look like.
    #[default]
    ByTitles,
    /// All the same.
    One(FormTag),
    /// As a column says.
    ByColumn { column: Named, values: Vec<(String, FormTag)> },
}

/// What goes into one field.
#[derive(Debug, Clone)]
pub(super) struct FieldRule {
    pub(super) field: &'static Field,
    /// Line of the map.
    pub(super) line: usize,
    pub(super) source: RuleSource,
    /// What stands in the file, and what it means; an empty meaning is no value.
    pub(super) values: Vec<(String, String)>,
    /// In place of an empty cell, and for a choice also of an unknown one.
    pub(super) default: Option<String>,
    /// In place of an unknown choice only.
    pub(super) unknown: Option<String>,
}

/// Where the value of a field comes from.
#[derive(Debug, Clone)]
pub(super) enum RuleSource {
    Const(String),
    Column(Named),
    /// Put together, separated by a space or what the map says.
    Join(Vec<Named>, String),
    /// The first that holds anything.
    First(Vec<Named>),
}

/// A title that the map names, and the line where it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) title: String,
    pub(super) line: usize,
}

/// What is wrong with a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapFault {
    /// File name of the map.
    pub file: String,
    /// Line, from 1; 0 if none is to blame.
    pub line: usize,
    /// What is wrong, in Indonesian and English.
    what: [String; 2],
}

impl MapFault {
    fn new(line: usize, id: impl Into<String>, en: impl Into<String>) -> MapFault {
        MapFault { file: String::new(), line, what: [id.into(), en.into()] }
    }

    /// In words, with file and line.
    pub fn sentence(&self, lang: Lang) -> String {
        let [id, en] = &self.what;
        let (what, word) = match lang {
            Lang::Id => (id, "baris"),
            Lang::En => (en, "line"),
        };
        match self.line {
            0 => format!("{}: {what}", self.file),
            line => format!("{}, {word} {line}: {what}", self.file),
        }
    }
}

impl Map {
    /// The map of a file.
    pub(super) fn of(path: &Path, choice: &MapChoice) -> Result<Map, ImportFault> {
        match choice {
            MapChoice::Titles => Ok(Map::default()),
            MapChoice::File(map) => Map::read(map),
            MapChoice::Beside => match map_beside(path)? {
                Some(map) => Map::read(&map),
                None => Ok(Map::default()),
            },
        }
    }

    fn read(path: &Path) -> Result<Map, ImportFault> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let unreadable = |id: &str, en: &str| MapFault { file: name.clone(), ..MapFault::new(0, id, en) };
        let bytes = match kentongan_host::files::read_bounded(path, MAP_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(unreadable("berkas peta tidak ada", "there is no such map").into());
            }
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                return Err(unreadable("berkas peta terlalu besar", "the map is too large").into());
            }
            Err(error) => return Err(ImportFault::Read(error)),
        };
        let text =
            String::from_utf8(bytes).map_err(|_| unreadable("simpan peta sebagai UTF-8", "save the map as UTF-8"))?;
        Map::parse(&name, &text).map_err(ImportFault::from)
    }

    /// From its text.
    pub(super) fn parse(name: &str, text: &str) -> Result<Map, MapFault> {
        file::parse(text)
            .map(|map| Map { name: Some(name.to_owned()), ..map })
            .map_err(|fault| MapFault { file: name.to_owned(), ..fault })
    }

    /// The same fault with the map's own name.
    pub(super) fn blame(&self, fault: MapFault) -> MapFault {
        MapFault { file: self.name.clone().unwrap_or_default(), ..fault }
    }
}

/// Endings that a table's name may have: a list of refused rows is CSV whatever the file was that it came from.
const TABLE_EXTENSIONS: [&str; 6] = ["csv", "txt", "jsonl", "ndjson", "json", "xlsx"];

/// The map beside a file: under its whole name, under its name without ending, under the name of the file that it is
/// the list of refused rows of; else that of the folder.
fn map_beside(path: &Path) -> io::Result<Option<PathBuf>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let origin = rejected::origin_of(&stem);
    let mut names = vec![format!("{name}{MAP_SUFFIX}"), format!("{stem}{MAP_SUFFIX}")];
    names.push(format!("{origin}{MAP_SUFFIX}"));
    names.extend(TABLE_EXTENSIONS.iter().map(|extension| format!("{origin}.{extension}{MAP_SUFFIX}")));
    names.push(FOLDER_MAP.to_owned());
    for name in names {
        let candidate = path.with_file_name(name);
        match fs::metadata(&candidate) {
            Ok(found) if found.is_file() => return Ok(Some(candidate)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The candidate that a mistyped word was most likely meant to be.
fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters to add, drop or change to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, a) in from.chars().take(64).enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, b) in row.iter().skip(1).zip(&to) {
            let cost = diagonal + usize::from(a != *b);
            diagonal = *above;
            left = cost.min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_is_answered_with_the_nearest() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(nearest("katagori", ["kategori", "kanal", "uraian"]), Some("kategori"));
        assert_eq!(nearest("Isi Laporn", ["Isi Laporan", "Nama"]), Some("Isi Laporan"));
        assert_eq!(nearest("xyz", ["kategori", "uraian"]), None);
    }

    #[test]
    fn the_map_beside_a_file_is_found_by_the_file_then_by_the_folder() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let beside = |name: &str| {
            let found = map_beside(&dir.path().join(name)).expect("look");
            found.and_then(|map| map.file_name().map(|name| name.to_string_lossy().into_owned()))
        };
        assert_eq!(beside("aduan.csv"), None);
        fs::write(dir.path().join("map.toml"), "").expect("write");
        assert_eq!(beside("aduan.csv").as_deref(), Some("map.toml"));
        fs::write(dir.path().join("aduan.xlsx.map.toml"), "").expect("write");
        assert_eq!(beside("aduan.xlsx").as_deref(), Some("aduan.xlsx.map.toml"));
        assert_eq!(beside("aduan-rejected-2.csv").as_deref(), Some("aduan.xlsx.map.toml"));
        assert_eq!(beside("lain.csv").as_deref(), Some("map.toml"));
    }
}
