//! Programs that updates brought, each in a folder of its version with what proves it.
//!
//! ```text
//!   updates/0.3.0/kentongan-agent   manifest.json   manifest.json.minisig
//! ```
//!
//! Whoever can write here could put another program in its place, so none is started before it has been compared with its
//! manifest, and that with a key that lies elsewhere.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kentongan_host::data_dir::{DataDir, Program, create_private};
use kentongan_host::files::{Access, read_bounded, replace, sync_parent};
use kentongan_host::release::{
    MANIFEST_BYTES_MAX, PROGRAM_BYTES_MAX, PublisherKey, Release, SIGNATURE_BYTES_MAX, TARGET, UpdateFile, Version,
};

use super::Fault;

const MANIFEST: &str = "manifest.json";
const SIGNATURE: &str = "manifest.json.minisig";

/// Puts a program beside the others. When this returns, it is durable.
///
/// # Errors
/// Any error of the file system.
pub(super) fn put(dir: &DataDir, update: &UpdateFile, version: &Version, program: &[u8]) -> io::Result<PathBuf> {
    create_private(&dir.updates())?;
    let folder = folder(dir, version);
    create_private(&folder)?;
    replace(&folder.join(MANIFEST), &update.manifest, Access::Private)?;
    replace(&folder.join(SIGNATURE), update.signature.as_bytes(), Access::Private)?;
    let path = program_in(&folder);
    replace(&path, program, Access::Private)?;
    make_runnable(&path)?;
    sync_parent(&folder)?;
    Ok(path)
}

/// The program of a version, if it is still what one of `keys` signed.
///
/// # Errors
/// Why it must not be started.
pub(super) fn proven(dir: &DataDir, version: &Version, keys: &[PublisherKey]) -> Result<PathBuf, Fault> {
    let folder = folder(dir, version);
    let manifest = read_bounded(&folder.join(MANIFEST), MANIFEST_BYTES_MAX as u64)?;
    let signature = read_bounded(&folder.join(SIGNATURE), SIGNATURE_BYTES_MAX as u64)?;
    let release = Release::genuine(&manifest, &String::from_utf8_lossy(&signature), keys)?;
    let path = program_in(&folder);
    let named = release.program_for(Program::Agent, TARGET).ok_or(Fault::OtherTarget)?;
    if release.version != *version || !named.is(&read_bounded(&path, PROGRAM_BYTES_MAX)?) {
        return Err(Fault::Changed);
    }
    Ok(path)
}

/// Removes what is none of `kept`. What cannot be removed only takes space.
pub(super) fn sweep(dir: &DataDir, kept: &[&Version]) {
    let kept: Vec<PathBuf> = kept.iter().map(|version| folder(dir, version)).collect();
    let Ok(entries) = fs::read_dir(dir.updates()) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && !kept.contains(&path) {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// A version is no path: see [`Version`].
fn folder(dir: &DataDir, version: &Version) -> PathBuf {
    dir.updates().join(version.to_string())
}

fn program_in(folder: &Path) -> PathBuf {
    folder.join(Program::Agent.binary()).with_extension(std::env::consts::EXE_EXTENSION)
}

#[cfg(unix)]
fn make_runnable(program: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(program, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn make_runnable(_: &Path) -> io::Result<()> {
    Ok(())
}
