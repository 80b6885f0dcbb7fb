//! Putting a rescued database in the place of a damaged one, so that no step leaves less than the step before, whenever
//! the power goes. Nothing of the damaged files is written or deleted.
//!
//! ```text
//!   store.db  store.db-wal                         the damaged store
//!   store.db.building                              what is readable, under way; begun anew after an interruption
//!   store.db.salvaged                              the same, whole and flushed: from here on only renames are left
//!   store.damaged-20261121T070000Z/store.db …      the damaged files, kept
//!   store.db                                       what was salvaged, in their place
//! ```

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::data_dir::create_private;
use crate::files::sync_parent;

/// Side files of a database.
const SIDES: [&str; 2] = ["-wal", "-shm"];

/// Where the rescued database is built, with nothing there: what an interrupted attempt left is removed.
///
/// # Errors
/// The disk refuses.
pub fn building(path: &Path) -> io::Result<PathBuf> {
    let building = beside(path, ".building");
    for ending in ["", "-wal", "-shm", ".clean"] {
        remove(&beside(&building, ending))?;
    }
    Ok(building)
}

/// Says that the database built at [`building`], which must be closed, is whole: from here on it is finished even after
/// a power cut.
///
/// # Errors
/// The disk refuses.
pub fn built(path: &Path) -> io::Result<()> {
    let building = beside(path, ".building");
    remove(&beside(&building, ".clean"))?;
    File::open(&building)?.sync_all()?;
    fs::rename(&building, beside(path, ".salvaged"))?;
    sync_parent(path)
}

/// Whether a rescue was interrupted when only renames were left.
pub fn is_interrupted(path: &Path) -> bool {
    beside(path, ".salvaged").exists()
}

/// Ends what [`is_interrupted`] tells of. Gives back the folder that keeps the damaged files, if there was anything to
/// do.
///
/// # Errors
/// The disk refuses; it can be tried again.
pub fn finish_interrupted(path: &Path) -> io::Result<Option<PathBuf>> {
    if !is_interrupted(path) {
        return Ok(None);
    }
    let aside = match latest_folder(path)? {
        Some(aside) if !aside.join(file_name(path)).exists() => aside,
        _ => new_folder(path)?,
    };
    put_in_place(path, &aside)?;
    Ok(Some(aside))
}

/// Moves the damaged files into `aside`, and the rescued database into their place.
///
/// # Errors
/// The disk refuses; [`finish_interrupted`] goes on from there.
pub fn put_in_place(path: &Path, aside: &Path) -> io::Result<()> {
    let inside = aside.join(file_name(path));
    for ending in ["", SIDES[0], SIDES[1]] {
        match fs::rename(beside(path, ending), beside(&inside, ending)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    remove(&beside(path, ".clean"))?;
    sync_parent(&inside)?;
    sync_parent(path)?;
    fs::rename(beside(path, ".salvaged"), path)?;
    sync_parent(path)
}

/// A new folder for damaged files, named for the time.
///
/// # Errors
/// The disk refuses.
pub fn new_folder(path: &Path) -> io::Result<PathBuf> {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let mut folder = path.with_extension(format!("damaged-{time}"));
    while folder.exists() {
        let mut name = folder.into_os_string();
        name.push("x");
        folder = PathBuf::from(name);
    }
    create_private(&folder)?;
    Ok(folder)
}

/// The folder that was made last.
fn latest_folder(path: &Path) -> io::Result<Option<PathBuf>> {
    let start = format!("{}.damaged-", path.file_stem().unwrap_or_default().to_string_lossy());
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&start) {
            found.push(entry.path());
        }
    }
    Ok(found.into_iter().max())
}

fn file_name(path: &Path) -> PathBuf {
    path.file_name().map_or_else(|| PathBuf::from("store.db"), PathBuf::from)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The file beside `path` with this ending.
pub fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_rescue_is_finished_from_wherever_it_stopped() {
        for moved in [false, true] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = folder.path().join("store.db");
            fs::write(&path, "rusak").expect("write");
            fs::write(beside(&path, "-wal"), "jurnal").expect("write");
            fs::write(beside(&path, ".salvaged"), "selamat").expect("write");
            if moved {
                let aside = new_folder(&path).expect("a folder");
                fs::rename(beside(&path, "-wal"), aside.join("store.db-wal")).expect("moved");
            }
            let aside = finish_interrupted(&path).expect("finished").expect("there was something to do");
            assert_eq!(fs::read_to_string(&path).expect("read"), "selamat");
            assert_eq!(fs::read_to_string(aside.join("store.db")).expect("read"), "rusak");
            assert_eq!(fs::read_to_string(aside.join("store.db-wal")).expect("read"), "jurnal");
            assert_eq!(finish_interrupted(&path).expect("nothing to do"), None);
        }
    }
}
