//! Making a PC ready to be copied: what makes an installation one of a kind goes, and the program stays. Copies that
//! kept a key would all answer as one machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kentongan_host::data_dir::DataDir;
use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::files;
use kentongan_host::lock::Lock;
use kentongan_host::output::Output;
use serde_json::json;

use crate::leave::refuse_unsent;
use crate::store::{Machine, Store};

/// Deletes records, keys, drafts and logs of this installation; its settings, and a file to join by, stay. `sure`: nobody
/// needs to be asked.
///
/// # Errors
/// If the service runs, if changes have not arrived, or if the inbox folder holds files that were not taken.
pub(crate) fn prepare(dir: &DataDir, out: &Output, sure: bool) -> Result<Exit, Failure> {
    if dir.root().exists() {
        let _lock = Lock::take(dir)?;
        if dir.store().exists() {
            let mut store = Store::open(&dir.store(), Machine::real())?;
            let unsent = store.counts()?.ops_pending;
            store.close()?;
            refuse_unsent(unsent, None, "unenrol --force-with-unsent")?;
        }
        let waiting = files_waiting(&dir.inbox()).map_err(anyhow::Error::new)?;
        if waiting > 0 {
            return Err(Failure::new(
                Exit::Decide,
                format!("Folder masuk masih berisi {waiting} berkas."),
                format!("The inbox folder still holds {waiting} files."),
            )
            .with_hint("Pindahkan berkas itu dari folder masuk.", "Move these files out of the inbox folder."));
        }
        if !sure {
            out.say(
                "Semua catatan dan kunci di komputer ini akan dihapus. Tambahkan --yes bila benar.",
                "All records and keys on this PC will be deleted. Add --yes if that is meant.",
            );
            return Ok(Exit::Decide);
        }
        for path in own_alone(dir).map_err(anyhow::Error::new)? {
            // A log folder inside the data folder is listed before its files are, and goes first.
            files::delete(&path)
                .map_err(|error| anyhow::Error::new(error).context(format!("delete {}", path.display())))?;
        }
    }
    if out.json {
        out.document(&json!({ "schema": "kentongan.agent.image/1", "data": dir.root().display().to_string() }));
    }
    out.say(
        "Siap disalin. Matikan komputer ini sekarang; tiap salinan mendaftar dengan kodenya sendiri.",
        "Ready to be copied. Switch this PC off now; each copy enrols with a code of its own.",
    );
    Ok(Exit::Done)
}

/// How many files wait to be taken.
fn files_waiting(inbox: &Path) -> io::Result<usize> {
    match fs::read_dir(inbox) {
        Ok(entries) => Ok(entries.flatten().filter(|entry| entry.path().is_file()).count()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Everything in the data folder but settings, and the lock that this process holds.
fn own_alone(dir: &DataDir) -> io::Result<Vec<PathBuf>> {
    let settings = dir.config_file();
    let more = kentongan_host::options::conf_dir(&settings);
    let kept = [settings, more, dir.left_enrolment(), dir.lock_file()];
    let mut found = Vec::new();
    for folder in [dir.root(), dir.logs()] {
        match fs::read_dir(folder) {
            Ok(entries) => found.extend(entries.flatten().map(|entry| entry.path())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    found.retain(|path| !kept.contains(path));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use kentongan_host::data_dir::Program;
    use kentongan_host::output::OutputFlags;

    use super::*;

    fn pc() -> (tempfile::TempDir, DataDir, Output) {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Agent, temp.path());
        dir.create().expect("folders");
        for name in
            ["identity/device.key", "logs/agent.jsonl", "page.key", "agent.toml", "enrol.toml", "inbox/done/a.csv"]
        {
            fs::write(dir.root().join(name), "x").expect("write");
        }
        Store::open(&dir.store(), Machine::real()).expect("a store").close().expect("closed");
        (temp, dir, Output::from_flags(OutputFlags { quiet: true, ..OutputFlags::default() }))
    }

    #[test]
    fn only_settings_stay_on_a_pc_that_is_to_be_copied() {
        let (_temp, dir, out) = pc();
        assert_eq!(prepare(&dir, &out, false).expect("asked"), Exit::Decide);
        assert!(dir.store().exists(), "nothing goes before somebody says so");
        assert_eq!(prepare(&dir, &out, true).expect("prepared"), Exit::Done);
        let mut left: Vec<_> =
            fs::read_dir(dir.root()).expect("list").flatten().map(|entry| entry.file_name()).collect();
        left.sort();
        assert_eq!(left, ["agent.toml", "enrol.toml", "lock"]);
        assert_eq!(prepare(&dir, &out, true).expect("again"), Exit::Done);
    }

    #[test]
    fn a_file_that_nobody_took_is_not_lost_to_an_image() {
        let (_temp, dir, out) = pc();
        fs::write(dir.inbox().join("aduan.csv"), "x").expect("write");
        assert_eq!(prepare(&dir, &out, true).expect_err("refused").exit, Exit::Decide);
        assert!(dir.device_key().exists());
    }
}
