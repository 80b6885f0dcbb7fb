//! Leaving a hub. What has not arrived is never thrown away silently, and nothing is deleted: store and identity are
//! moved aside.

use std::fs;
use std::io;
use std::path::PathBuf;

use kentongan_host::data_dir::DataDir;
use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::files::sync_parent;
use kentongan_host::lock::Lock;
use kentongan_host::output::Output;
use kentongan_host::steps::{Step, reached};
use serde_json::json;

use crate::store::{Machine, Store, not_enrolled};

/// Leaves the hub. `expected_unsent` is how many changes the caller knows to be lost to the hub by it; `sure` that
/// nobody needs to be asked.
///
/// # Errors
/// If the service runs, if nothing is enrolled, or if changes have not arrived and were not named.
pub(crate) fn leave(dir: &DataDir, out: &Output, expected_unsent: Option<u64>, sure: bool) -> Result<Exit, Failure> {
    if !dir.root().exists() {
        return Err(not_enrolled());
    }
    let _lock = Lock::take(dir)?;
    let mut store = Store::open(&dir.store(), Machine::real())?;
    let office = store.member().map(|member| member.office.to_string()).ok_or_else(not_enrolled)?;
    let unsent = store.counts()?.ops_pending;
    store.close()?;
    refuse_unsent(unsent, expected_unsent, "unenrol --force-with-unsent")?;
    if !sure && expected_unsent.is_none() && !out.json {
        out.say(
            "Tambahkan --yes bila benar ingin keluar dari pusat.",
            "Add --yes if you really want to leave the hub.",
        );
        return Ok(Exit::Decide);
    }
    let kept = put_away(dir).map_err(anyhow::Error::new)?;
    if out.json {
        out.document(&json!({
            "schema": "kentongan.agent.unenrol/1",
            "office": office,
            "unsent": unsent,
            "kept": kept.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        }));
    }
    let store = kept.first().map(|path| path.display().to_string()).unwrap_or_default();
    out.say(
        &format!("Keluar dari pusat. Simpanan lama tetap ada di {store}."),
        &format!("Left the hub. The old store is kept at {store}."),
    );
    Ok(Exit::Done)
}

/// Refuses when `unsent` changes would be left behind and the caller does not know of so many; `otherwise` is what to
/// type, before the number, if they may.
pub(crate) fn refuse_unsent(unsent: u64, expected: Option<u64>, otherwise: &str) -> Result<(), Failure> {
    if unsent == expected.unwrap_or(0) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Decide,
        format!("{unsent} perubahan di komputer ini belum sampai di pusat."),
        format!("{unsent} changes on this PC have not arrived at the hub."),
    )
    .with_hint(
        &format!("Jalankan kentongan-agent sync --wait, atau, bila memang boleh hilang: {otherwise} {unsent}"),
        &format!("Run kentongan-agent sync --wait, or, if they may be left behind: {otherwise} {unsent}"),
    ))
}

/// Moves store and identity aside, under names that say when. A store that was closed is one file. The store goes last:
/// as long as it is there, a call that was interrupted can be repeated.
fn put_away(dir: &DataDir) -> io::Result<Vec<PathBuf>> {
    let when = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let kept = dir.store().with_file_name(format!("store.left-{when}.db"));
    let identity = dir.identity().with_file_name(format!("identity.left-{when}"));
    let had_identity = match fs::rename(dir.identity(), &identity) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        moved => moved.map(|()| true)?,
    };
    reached(Step::AgentLeaveHalf);
    fs::rename(dir.store(), &kept)?;
    sync_parent(&kept)?;
    Ok(if had_identity { vec![kept, identity] } else { vec![kept] })
}
