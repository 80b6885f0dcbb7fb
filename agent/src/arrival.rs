//! The file by which a PC joins without anybody typing: an installer or an administrator leaves `enrol.toml`, the service
//! takes it, joins, and erases it. Nobody else on the PC can read the code from the moment the service has seen it.
//!
//! ```text
//!   CONFIG/enrol.toml ──▶ DATA/enrol.toml ──▶ joined: erased
//!     left by somebody     own user alone └─▶ of no use: DATA/enrol.refused.toml, not tried again
//! ```
//!
//! While the hub cannot be reached the file waits, and each contact that would be due tries again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kentongan_host::data_dir::DataDir;
use kentongan_host::enrolment::MESSAGE_BYTES_MAX;
use kentongan_host::fail::Failure;
use kentongan_host::files::{self, Access};
use kentongan_host::ktg::Ktg;

use crate::enrol::EnrolFile;

/// Whether this PC belongs to a hub now.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// It does.
    Enrolled,
    /// Not yet, and joining may go better later: the file waits.
    Later(Failure),
    /// Not before somebody leaves a file, or joins by hand.
    Waits,
}

/// Moves the file that somebody left to where only the service's user can read it. Says whether one is there now.
pub(crate) fn take(dir: &DataDir) -> bool {
    let (left, taken) = (dir.left_enrolment(), taken(dir));
    if let Err(error) = move_private(&left, &taken) {
        tracing::error!(
            ev = "enrol.file_not_taken",
            code = %Ktg::Permission,
            file = %left.display(),
            %error,
            "the file to join by cannot be moved to where nobody else reads it: erase it by hand"
        );
    }
    taken.exists()
}

/// Joins by the file, if one is there, with `join` to do it: hub, then code. `enrolled`: this PC belongs to a hub already.
pub(crate) async fn arrive(
    dir: &DataDir,
    enrolled: bool,
    join: impl AsyncFnOnce(String, String) -> Result<(), Failure>,
) -> Arrival {
    let there = take(dir);
    if enrolled {
        if there {
            tracing::warn!(ev = "enrol.file_not_needed", "this PC belongs to a hub: the file to join by is erased");
            erase(dir);
        }
        return Arrival::Enrolled;
    }
    if !there {
        return Arrival::Waits;
    }
    let named = EnrolFile::open(&taken(dir)).and_then(|file| file.complete(&taken(dir)));
    let (hub, code) = match named {
        Ok(named) => named,
        Err(failure) => return set_aside(dir, &failure),
    };
    match join(hub, code).await {
        Ok(()) => {
            erase(dir);
            Arrival::Enrolled
        }
        // Used, expired or mistyped: only another code helps, whatever the link does.
        Err(failure) if failure.ktg == Some(Ktg::CodeRefused) => set_aside(dir, &failure),
        Err(failure) => Arrival::Later(failure),
    }
}

fn taken(dir: &DataDir) -> PathBuf {
    dir.root().join("enrol.toml")
}

/// In an installation that is one folder both are one file; then it only becomes private.
fn move_private(left: &Path, taken: &Path) -> io::Result<()> {
    let bytes = match files::read_bounded(left, MESSAGE_BYTES_MAX as u64) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        read => read?,
    };
    files::replace(taken, &bytes, Access::Private)?;
    if left != taken {
        fs::remove_file(left)?;
        files::sync_parent(left)?;
        tracing::info!(ev = "enrol.file_taken", "a file to join by was left here, and is taken");
    }
    Ok(())
}

fn set_aside(dir: &DataDir, failure: &Failure) -> Arrival {
    tracing::error!(ev = "enrol.file_refused", error = %failure, "the file to join by is of no use; leave another one");
    let moved = fs::rename(taken(dir), taken(dir).with_file_name("enrol.refused.toml"));
    if let Err(error) = moved.and_then(|()| files::sync_parent(&taken(dir))) {
        tracing::error!(ev = "enrol.file_stays", %error, "and it cannot be moved aside");
    }
    Arrival::Waits
}

fn erase(dir: &DataDir) {
    if let Err(error) = fs::remove_file(taken(dir)).and_then(|()| files::sync_parent(&taken(dir))) {
        tracing::error!(ev = "enrol.file_stays", %error, "the file to join by cannot be erased");
    }
}

#[cfg(test)]
mod tests {
    use kentongan_host::data_dir::Program;

    use super::*;

    /// A PC on which somebody left `text`.
    fn pc(text: &str) -> (tempfile::TempDir, DataDir) {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Agent, temp.path());
        fs::write(dir.left_enrolment(), text).expect("leave a file");
        (temp, dir)
    }

    /// What an attempt says that ends with `end`, and what lies in the folder afterwards.
    fn attempt(dir: &DataDir, enrolled: bool, end: Result<(), Failure>) -> (Arrival, Vec<String>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let arrival = runtime.block_on(arrive(dir, enrolled, async |hub, code| {
            assert_eq!((hub.as_str(), code.as_str()), ("https://pusat:8743", "K"));
            end
        }));
        let files = fs::read_dir(dir.root()).expect("list").flatten();
        (arrival, files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    }

    const GOOD: &str = "hub = \"https://pusat:8743\"\ncode = \"K\"\n";

    #[cfg(unix)]
    #[test]
    fn a_file_that_was_left_is_for_its_owner_alone_as_soon_as_it_is_seen_and_waits_for_the_hub() {
        use std::os::unix::fs::PermissionsExt;
        let (_temp, dir) = pc(GOOD);
        assert!(take(&dir));
        let mode = fs::metadata(taken(&dir)).expect("stat").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let (arrival, files) = attempt(&dir, false, Err(Failure::of(Ktg::NoNetwork)));
        assert!(matches!(arrival, Arrival::Later(_)) && files == ["enrol.toml"], "{arrival:?} {files:?}");
        let (arrival, files) = attempt(&dir, false, Ok(()));
        assert!(matches!(arrival, Arrival::Enrolled) && files.is_empty(), "{arrival:?} {files:?}");
    }

    #[test]
    fn a_file_of_no_use_is_set_aside_and_not_tried_again() {
        for (text, end) in [(GOOD, Err(Failure::of(Ktg::CodeRefused))), ("hub = 1", Ok(())), ("hub = \"x\"", Ok(()))] {
            let (_temp, dir) = pc(text);
            let (arrival, files) = attempt(&dir, false, end);
            assert!(
                matches!(arrival, Arrival::Waits) && files == ["enrol.refused.toml"],
                "{text} {arrival:?} {files:?}"
            );
            assert!(!take(&dir));
        }
    }

    #[test]
    fn a_pc_that_belongs_to_a_hub_erases_the_file_unused() {
        let (_temp, dir) = pc(GOOD);
        let (arrival, files) = attempt(&dir, true, Err(Failure::of(Ktg::CodeRefused)));
        assert!(matches!(arrival, Arrival::Enrolled) && files.is_empty(), "{arrival:?} {files:?}");
    }
}
