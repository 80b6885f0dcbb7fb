//! What a publisher releases, as programs judge it before they install any of it.
//!
//! ```text
//!   manifest.json ── signed by the publisher: version, until when it holds, and of each file target, length and hash
//!   an update file ── one line that says how long, then manifest, signature, and one program of it, packed
//! ```
//!
//! Nothing is believed before the signature over the manifest has been checked with a key that this PC was given by its own
//! administrator or its own package. Whoever carries an update file, a hub or a person with a stick, can withhold it and
//! nothing more.

mod file;
mod minisign;
mod sum;
mod version;

use serde::{Deserialize, Deserializer};

use self::sum::Summed;
use crate::data_dir::Program;
use crate::enrolment::from_hex;

pub use file::{UPDATE_BYTES_MAX, UpdateFile};
pub use minisign::{PublisherKey, publisher_keys};
pub use version::{NoVersion, VERSION_BYTES_MAX, Version};

/// The version of this program, as whoever built the package said; that of the workspace for a build by hand.
pub const BUILT: &str = match option_env!("KENTONGAN_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// The target that this program was built for, as compilers call it.
pub const TARGET: &str = if cfg!(windows) {
    "x86_64-win7-windows-gnu"
} else if cfg!(all(target_arch = "x86_64", target_env = "musl")) {
    "x86_64-unknown-linux-musl"
} else if cfg!(all(target_arch = "x86_64", target_os = "linux")) {
    "x86_64-unknown-linux-gnu"
} else if cfg!(all(target_arch = "aarch64", target_env = "musl")) {
    "aarch64-unknown-linux-musl"
} else if cfg!(all(target_arch = "arm", target_env = "musl")) {
    "armv7-unknown-linux-musleabihf"
} else {
    // Nothing is published for it.
    "other"
};

/// Longest manifest; one of all targets has some thousand bytes.
pub const MANIFEST_BYTES_MAX: usize = 256 * 1024;
/// Longest signature file; minisign's have some 300 bytes.
pub const SIGNATURE_BYTES_MAX: usize = 4 * 1024;
/// Longest program. Those of packages have less than ten million bytes, development builds some hundred.
pub const PROGRAM_BYTES_MAX: u64 = 512 * 1024 * 1024;

const SCHEMA: &str = "kentongan.release/1";

/// Why a release or an update file is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseFault {
    /// It is none, or not as it was made.
    #[error("not a release, or damaged: {0}")]
    Malformed(&'static str),
    /// The signature is of nobody who is trusted here.
    #[error("not signed by a publisher who is trusted here")]
    NotGenuine,
    /// A key is none of minisign's.
    #[error("not a public key of minisign")]
    NoKey,
    /// It holds nothing for this kind of PC.
    #[error("nothing in it is for {0}")]
    OtherTarget(&'static str),
    /// The program in it is not the one that was signed.
    #[error("the program in it is not the one that was signed")]
    OtherProgram,
}

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Release {
    schema: String,
    /// Version of all that is in it.
    pub version: Version,
    /// The commit that it was built of.
    pub commit: String,
    /// From then on nobody installs it any more, so that what is old cannot be passed off as the latest. Milliseconds since
    /// 1970.
    #[serde(rename = "expires_at", deserialize_with = "moment_ms")]
    pub expires_ms: i64,
    files: Vec<Published>,
}

/// A file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Published {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// Of a bare program: which one.
    program: Option<String>,
    /// Of a bare program: what for.
    target: Option<String>,
}

impl Release {
    /// What a manifest says that one of `keys` signed.
    ///
    /// # Errors
    /// [`ReleaseFault::NotGenuine`], or [`ReleaseFault::Malformed`] if a publisher who is trusted signed what is none.
    pub fn genuine(manifest: &[u8], signature: &str, keys: &[PublisherKey]) -> Result<Release, ReleaseFault> {
        if !minisign::is_genuine(keys, manifest, signature) {
            return Err(ReleaseFault::NotGenuine);
        }
        Release::claimed(manifest)
    }

    /// What a manifest claims, whoever wrote it: for those who only carry it.
    ///
    /// # Errors
    /// [`ReleaseFault::Malformed`].
    pub fn claimed(manifest: &[u8]) -> Result<Release, ReleaseFault> {
        let release: Release =
            serde_json::from_slice(manifest).map_err(|_| ReleaseFault::Malformed("the manifest cannot be read"))?;
        if release.schema != SCHEMA {
            return Err(ReleaseFault::Malformed("the manifest is of a kind that is not known"));
        }
        Ok(release)
    }

    /// The bare program for a target.
    pub fn program_for(&self, program: Program, target: &str) -> Option<&Published> {
        let fits = |(file, of): &(&Published, &str)| file.program.as_deref() == Some(program.binary()) && *of == target;
        self.programs().find(fits).map(|(file, _)| file)
    }

    /// The bare programs in it, each with what it is for.
    pub fn programs(&self) -> impl Iterator<Item = (&Published, &str)> {
        let programs = self.files.iter().filter(|file| file.program.is_some() && file.bytes <= PROGRAM_BYTES_MAX);
        programs.filter_map(|file| Some((file, file.target.as_deref()?)))
    }
}

impl Published {
    /// Whether `content` is this file.
    pub fn is(&self, content: &[u8]) -> bool {
        self.is_summed(&Summed::of(content))
    }

    /// Whether this file is the one of which that is known.
    fn is_summed(&self, summed: &Summed) -> bool {
        summed.bytes == self.bytes && from_hex(&self.sha256).is_some_and(|named| named == summed.sha256.as_ref())
    }
}

fn moment_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let moment: jiff::Timestamp = String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)?;
    Ok(moment.as_millisecond())
}
