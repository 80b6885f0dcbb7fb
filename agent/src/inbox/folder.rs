//! The watched folder: which of its files are complete, and what happens to each.
//!
//! ```text
//!   inbox/aduan.csv            dropped by a person, or by another program
//!   inbox/map.toml             stays
//!   inbox/done/aduan.csv       after its last row is safe
//!   inbox/done/aduan-rejected.csv            rows to mend and drop again
//!   inbox/rejected/foto.csv    not readable at all
//!   inbox/rejected/foto.csv.alasan.txt       why, in words
//! ```

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use kentongan_host::Lang;
use kentongan_host::files::{Access, replace, sync_parent};
use kentongan_host::steps::{Step, reached};
use notify::{RecursiveMode, Watcher};

use super::engine::{Options, import_file};
use super::fault::{FileFault, ImportError, ImportFault};
use super::mapping::{FOLDER_MAP, MAP_SUFFIX};
use super::reader::extension;
use super::report::{Progress, Report};
use crate::entry::Intake;

/// A file is complete when it has not changed for so long.
pub const QUIET_MS: u64 = 2_000;
/// An empty file was most likely only just created: it is waited for longer.
pub const EMPTY_QUIET_MS: u64 = 60_000;
/// How often the folder is looked at when nobody says that it changed: network shares do not.
pub const POLL_INTERVAL: Duration = Duration::from_secs(60);

/// Files that an import reads, by the ending of their names.
const READ: [&str; 6] = ["csv", "txt", "jsonl", "ndjson", "json", "xlsx"];
/// Files that people will try: they are refused with words instead of lying there for ever.
const REFUSED: [&str; 7] = ["xls", "xlsm", "xlsb", "ods", "pdf", "doc", "docx"];

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Name without folder.
    pub name: OsString,
    /// Size.
    pub bytes: u64,
    /// Time of the last change as the file system tells it; only compared with itself.
    pub modified: Option<SystemTime>,
}

/// What one look at the folder says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Look {
    /// Complete files, by name.
    pub ready: Vec<OsString>,
    /// When to look again, in milliseconds, if a file is still being written.
    pub again_in_ms: Option<u64>,
}

/// Decides which files are complete: those that looked the same for [`QUIET_MS`], by a clock that does not jump. The
/// times of the file system are not compared with ours: a network share has its own clock.
#[derive(Debug, Default)]
pub struct Quiet {
    seen: BTreeMap<OsString, (Listed, u64)>,
}

impl Quiet {
    /// Takes a listing made at `mono_ms`, milliseconds of a clock that does not jump.
    pub fn look(&mut self, listing: &[Listed], mono_ms: u64) -> Look {
        let mut look = Look::default();
        let mut seen = BTreeMap::new();
        for file in listing.iter().filter(|file| is_for_us(&file.name)) {
            let since = match self.seen.get(&file.name) {
                Some((before, since)) if before == file => *since,
                _ => mono_ms,
            };
            let quiet_ms = if file.bytes == 0 { EMPTY_QUIET_MS } else { QUIET_MS };
            match (since + quiet_ms).checked_sub(mono_ms) {
                None | Some(0) => look.ready.push(file.name.clone()),
                Some(left) => look.again_in_ms = Some(look.again_in_ms.map_or(left, |other| other.min(left))),
            }
            seen.insert(file.name.clone(), (file.clone(), since));
        }
        self.seen = seen;
        look.ready.sort();
        look
    }
}

/// Whether a file is one to import: not a map, not hidden, not a half-written one, and of a kind that people drop.
pub fn is_for_us(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    let hidden = name.starts_with('.') || name.starts_with("~$");
    let map = name == FOLDER_MAP || name.ends_with(MAP_SUFFIX);
    let extension = extension(Path::new(&name));
    !hidden && !map && READ.iter().chain(&REFUSED).any(|known| extension == *known)
}

/// What became of a dropped file.
#[derive(Debug)]
pub enum Handled {
    /// Its rows were read to the end; it lies in `done/`.
    Done {
        /// What became of the rows.
        report: Box<Report>,
        /// Where it lies now.
        moved_to: PathBuf,
    },
    /// It cannot be read; it lies in `rejected/`, with a reason beside it.
    Rejected {
        /// What is wrong with it. Rows before the fault were taken.
        error: ImportError,
        /// Where it lies now.
        moved_to: PathBuf,
    },
    /// It changed while it was read. It stays, and what was taken of it will only be repeated.
    StillWritten,
    /// Somebody took it away.
    Gone,
}

/// The folder.
#[derive(Debug, Clone)]
pub struct Inbox {
    dir: PathBuf,
}

impl Inbox {
    /// The folder at `dir`, which is created with `done/` if it is not there.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn open(dir: &Path) -> io::Result<Inbox> {
        fs::create_dir_all(dir.join("done"))?;
        Ok(Inbox { dir: dir.to_owned() })
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where read files go, and the lists of rows that need fixing.
    pub fn done(&self) -> PathBuf {
        self.dir.join("done")
    }

    /// Where files go that cannot be read.
    pub fn rejected(&self) -> PathBuf {
        self.dir.join("rejected")
    }

    /// All files of the folder, for [`Quiet::look`].
    ///
    /// # Errors
    /// Any error of the file system, except for a file that vanishes while it is looked at.
    pub fn list(&self) -> io::Result<Vec<Listed>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            // Links are not followed: whoever may drop files here may not read every file that this program may.
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() => files.push(listed(entry.file_name(), &metadata)),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(files)
    }

    /// Imports one complete file and puts it where it belongs. `options` say the rest; where lists go is the folder's
    /// own matter.
    ///
    /// # Errors
    /// When the file stays where it is, to be tried again: the store, the disk or the person at the keyboard said no.
    pub fn process(
        &self,
        name: &OsStr,
        options: &Options<'_>,
        intake: &mut dyn Intake,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Handled, ImportError> {
        let path = self.dir.join(name);
        let Some(before) = look_at(&path).map_err(|error| failed(&path, error.into()))? else {
            return Ok(Handled::Gone);
        };
        let options = Options { rejected_folders: vec![self.done()], ..options.clone() };
        let outcome = match refused_by_name(&path) {
            Some(fault) => Err(failed(&path, fault.into())),
            None => import_file(&path, &options, intake, progress),
        };
        // Whoever still writes to the file would go on writing to it in its new place.
        if look_at(&path).map_err(|error| failed(&path, error.into()))?.as_ref() != Some(&before) {
            return Ok(Handled::StillWritten);
        }
        let write = |error| failed(&path, ImportFault::Write { path: path.clone(), source: error });
        match outcome {
            Ok(report) => {
                reached(Step::AgentInboxTaken);
                let moved_to = move_into(&path, &self.done()).map_err(write)?;
                Ok(Handled::Done { report: Box::new(report), moved_to })
            }
            Err(error) if error.fault.is_of_the_file() => {
                let moved_to = self.reject(&path, &error, options.lang).map_err(write)?;
                Ok(Handled::Rejected { error, moved_to })
            }
            Err(error) => Err(error),
        }
    }

    /// First the reason, then the move: a file in `rejected/` always has its reason beside it.
    fn reject(&self, path: &Path, error: &ImportError, lang: Lang) -> io::Result<PathBuf> {
        let folder = self.rejected();
        fs::create_dir_all(&folder)?;
        let target = free_name(path, &folder)?;
        let mut reason_name = target.file_name().unwrap_or_default().to_os_string();
        reason_name.push(".alasan.txt");
        replace(&folder.join(reason_name), reason(error, lang).as_bytes(), Access::Readable)?;
        reached(Step::AgentInboxReasoned);
        rename(path, &target)?;
        Ok(target)
    }
}

fn listed(name: OsString, metadata: &fs::Metadata) -> Listed {
    Listed { name, bytes: metadata.len(), modified: metadata.modified().ok() }
}

fn look_at(path: &Path) -> io::Result<Option<Listed>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => {
            Ok(Some(listed(path.file_name().unwrap_or_default().to_owned(), &metadata)))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn failed(path: &Path, fault: ImportFault) -> ImportError {
    ImportError { fault, so_far: Box::new(Report { file: path.display().to_string(), ..Report::default() }) }
}

fn refused_by_name(path: &Path) -> Option<FileFault> {
    let extension = extension(path);
    REFUSED.contains(&extension.as_str()).then(|| FileFault::Unsupported { kind: extension.to_uppercase() })
}

fn reason(error: &ImportError, lang: Lang) -> String {
    let sentence = error.fault.sentence(lang);
    let taken = error.so_far.taken + error.so_far.repeated;
    match (lang, taken) {
        (Lang::Id, 0) => {
            format!("{sentence}\r\n\r\nTidak ada baris yang masuk. Perbaiki, lalu taruh lagi di inbox.\r\n")
        }
        (Lang::Id, _) => format!(
            "{sentence}\r\n\r\n{taken} baris sebelum itu sudah masuk. Perbaiki, lalu taruh lagi seluruh berkas di \
             inbox: yang sudah masuk tidak akan masuk dua kali.\r\n"
        ),
        (Lang::En, 0) => format!("{sentence}\r\n\r\nNo row was entered. Mend it and drop it into the inbox again.\r\n"),
        (Lang::En, _) => format!(
            "{sentence}\r\n\r\n{taken} rows before it were entered. Mend the file and drop all of it into the inbox \
             again: what was entered will not be entered twice.\r\n"
        ),
    }
}

fn move_into(path: &Path, folder: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let target = free_name(path, folder)?;
    rename(path, &target)?;
    Ok(target)
}

fn rename(path: &Path, target: &Path) -> io::Result<()> {
    fs::rename(path, target)?;
    reached(Step::AgentInboxMoved);
    sync_parent(target)?;
    sync_parent(path)
}

/// A path in `folder` for a file of this name that nothing has yet: `aduan.csv`, `aduan-2.csv`, `aduan-3.csv` …
fn free_name(path: &Path, folder: &Path) -> io::Result<PathBuf> {
    let stem = path.file_stem().unwrap_or_default();
    for number in 1_u32.. {
        let mut name = stem.to_os_string();
        if number > 1 {
            name.push(format!("-{number}"));
        }
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        let target = folder.join(name);
        match fs::symlink_metadata(&target) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(target),
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Tells of changes in a folder as long as it lives.
#[derive(Debug)]
pub struct Watch {
    _watcher: notify::RecommendedWatcher,
}

/// Calls `on_change` from a thread of its own whenever something changes in the folder. It may call too often, and on
/// network shares it may not call at all: look again every [`POLL_INTERVAL`].
///
/// # Errors
/// When the system refuses to watch; looking every [`POLL_INTERVAL`] is then enough.
pub fn watch(dir: &Path, on_change: impl Fn() + Send + 'static) -> notify::Result<Watch> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Our own reading is an access too; an error means that events were lost, so it is better to look.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            on_change();
        }
    })?;
    watcher.watch(dir, RecursiveMode::NonRecursive)?;
    Ok(Watch { _watcher: watcher })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: u64) -> Listed {
        Listed { name: name.into(), bytes, modified: Some(SystemTime::UNIX_EPOCH) }
    }

    #[test]
    fn a_file_is_ready_when_it_has_not_changed_for_two_seconds() {
        let mut quiet = Quiet::default();
        let waiting = |ms| Look { ready: vec![], again_in_ms: Some(ms) };
        let ready = Look { ready: vec!["aduan.csv".into()], again_in_ms: None };
        assert_eq!(quiet.look(&[file("aduan.csv", 10)], 0), waiting(2000));
        assert_eq!(quiet.look(&[file("aduan.csv", 10)], 1500), waiting(500));
        assert_eq!(quiet.look(&[file("aduan.csv", 20)], 1900), waiting(2000), "it grew");
        let touched = Listed { modified: None, ..file("aduan.csv", 20) };
        assert_eq!(quiet.look(std::slice::from_ref(&touched), 3000), waiting(2000), "it was written again");
        assert_eq!(quiet.look(std::slice::from_ref(&touched), 5000), ready);
        assert_eq!(quiet.look(&[touched], 9000), ready, "and stays so until it is taken away");
        assert_eq!(quiet.look(&[], 9001), Look::default());
    }

    #[test]
    fn an_empty_file_is_waited_for_longer() {
        let mut quiet = Quiet::default();
        quiet.look(&[file("aduan.csv", 0), file("b.csv", 1)], 0);
        let look = quiet.look(&[file("aduan.csv", 0), file("b.csv", 1)], 3000);
        assert_eq!(look, Look { ready: vec!["b.csv".into()], again_in_ms: Some(57_000) });
    }

    #[test]
    fn half_written_hidden_and_foreign_files_are_left_alone() {
        for name in [
            "aduan.csv.part",
            "aduan.tmp",
            "~$aduan.xlsx",
            ".aduan.csv",
            "map.toml",
            "aduan.csv.map.toml",
            "foto.jpg",
            "tanpa-akhiran",
        ] {
            assert!(!is_for_us(OsStr::new(name)), "{name}");
        }
        for name in ["aduan.CSV", "a.xlsx", "a.ndjson", "a.json", "a.txt", "aduan-rejected.csv", "lama.xls"] {
            assert!(is_for_us(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn nothing_is_ever_overwritten() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let names: Vec<String> = (0..3)
            .map(|round| {
                let path = dir.path().join("aduan.csv");
                fs::write(&path, format!("{round}")).expect("write");
                let target = move_into(&path, &dir.path().join("done")).expect("move");
                target.file_name().expect("a name").to_string_lossy().into_owned()
            })
            .collect();
        assert_eq!(names, ["aduan.csv", "aduan-2.csv", "aduan-3.csv"]);
        assert_eq!(fs::read_to_string(dir.path().join("done/aduan-2.csv")).expect("read"), "1");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_no_file_of_ours() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        fs::write(dir.path().join("device.key"), "rahasia").expect("write");
        let inbox = Inbox::open(&dir.path().join("inbox")).expect("an inbox");
        std::os::unix::fs::symlink(dir.path().join("device.key"), inbox.dir().join("a.csv")).expect("link");
        assert_eq!(inbox.list().expect("list"), []);
        assert_eq!(look_at(&inbox.dir().join("a.csv")).expect("look"), None);
    }

    #[test]
    fn a_dropped_file_wakes_the_watcher() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (sender, receiver) = std::sync::mpsc::channel();
        let _watch = watch(dir.path(), move || _ = sender.send(())).expect("watch");
        fs::write(dir.path().join("aduan.csv"), "x").expect("write");
        receiver.recv_timeout(Duration::from_secs(10)).expect("a wake");
    }
}
