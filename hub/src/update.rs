//! Programs for offices that the hub carries: what is offered to whom. Whether one is installed is each office's own business: it
//! looks at the publisher's signature with a key that no hub gives it.
//!
//! ```text
//!   update stage ──▶ archive/ and updates.json ──promote──▶ told in Marks ──▶ fetched part by part ──▶ the office decides
//! ```

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use kentongan_host::data_dir::DataDir;
use kentongan_host::files::{Access, read_bounded, replace};
use kentongan_host::release::Version;
use kentongan_protocol::attachment::ContentHash;
use kentongan_protocol::ids::OfficeCode;
use kentongan_protocol::wire::codec::Txt;
use kentongan_protocol::wire::v1::Offered;
use serde::{Deserialize, Serialize};

/// The list, in the folder of a hub and in its backups.
pub(crate) const LIST: &str = "updates.json";
/// So many are kept on the list; of more the oldest go.
const OFFERS_MAX: usize = 32;
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Of 256 offices so many are among the tenth.
const TENTH: u8 = 26;

/// An update file in the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Its version, as its manifest claims.
    pub version: Version,
    /// What kind of PC it is for.
    pub target: String,
    /// Name in the archive.
    pub hash: String,
    /// Its length.
    pub bytes: u32,
    /// To whom it is offered.
    pub reach: Reach,
    /// It was found wanting, and is offered to nobody.
    pub halted: bool,
}

/// To whom an update is offered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Offices, and all in areas, by the beginning of their code.
    pub areas: BTreeSet<String>,
    /// How many of the others.
    pub share: Share,
}

/// How many offices beside those that are named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// None.
    #[default]
    Nobody,
    /// About a tenth, other ones for each version.
    Tenth,
    /// All.
    All,
}

/// All that is staged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    /// The latest last.
    pub staged: Vec<Staged>,
}

/// Where an update is to be offered too, as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// These offices.
    Area(String),
    /// So many.
    Share(Share),
}

impl FromStr for To {
    type Err = String;

    fn from_str(text: &str) -> Result<To, String> {
        match text {
            "tenth" => Ok(To::Share(Share::Tenth)),
            "all" => Ok(To::Share(Share::All)),
            code => match code.parse::<OfficeCode>() {
                Ok(code) => Ok(To::Area(code.to_string())),
                Err(_) => Err(code.to_owned()),
            },
        }
    }
}

impl Reach {
    /// Offers it to these too.
    pub fn widen(&mut self, to: To) {
        match to {
            To::Area(area) => _ = self.areas.insert(area),
            To::Share(share) => self.share = self.share.max(share),
        }
    }

    /// Whether an office is among them.
    fn has(&self, office: &str, version: &Version) -> bool {
        let within = |area: &String| {
            office.strip_prefix(area.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
        };
        match self.share {
            Share::All => true,
            Share::Tenth if ContentHash::of(format!("{version} {office}").as_bytes()).0[0] < TENTH => true,
            _ => self.areas.iter().any(within),
        }
    }
}

impl Offers {
    /// Those of the hub in `dir`.
    ///
    /// # Errors
    /// Any error of the file system, and a file that cannot be read.
    pub fn load(dir: &DataDir) -> io::Result<Offers> {
        match read(&file(dir)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Offers::default()),
            offers => offers,
        }
    }

    /// Those that a backup of the hub has, put back. None of them is offered to anybody before a person says so again: the
    /// backup may be older than the day on which one was found wanting.
    ///
    /// # Errors
    /// As [`Offers::load`] and [`Offers::save`].
    pub(crate) fn put_back(backup: &Path, dir: &DataDir) -> io::Result<()> {
        let mut offers = read(backup)?;
        offers.staged.iter_mut().for_each(|staged| staged.halted = true);
        offers.save(dir)
    }

    /// Keeps them, durably.
    ///
    /// # Errors
    /// Any error of the file system; then they are as they were.
    pub fn save(&self, dir: &DataDir) -> io::Result<()> {
        replace(&file(dir), &serde_json::to_vec_pretty(self)?, Access::Private)
    }

    /// Adds one that is offered to nobody yet, in the place of an earlier one of that version and target.
    pub fn add(&mut self, staged: Staged) {
        self.staged.retain(|known| (&known.version, &known.target) != (&staged.version, &staged.target));
        self.staged.push(staged);
        let surplus = self.staged.len().saturating_sub(OFFERS_MAX);
        self.staged.drain(..surplus);
    }

    /// What to tell an office whose PC runs `program`, as it said in its greeting: the newest that is offered to it, if that is
    /// newer than what it runs.
    pub fn offer(&self, office: &OfficeCode, program: &str) -> Option<Offered> {
        let (running, target) = spoken(program)?;
        let fits = |staged: &&Staged| {
            !staged.halted
                && staged.target == target
                && staged.version > running
                && staged.reach.has(office.as_str(), &staged.version)
        };
        let best = self.staged.iter().filter(fits).max_by(|one, other| one.version.cmp(&other.version))?;
        let ContentHash(hash) = best.hash.parse().ok()?;
        Some(Offered { hash, bytes: best.bytes, version: Txt(best.version.to_string()) })
    }

    /// The newest version that is offered to anybody.
    pub fn latest(&self) -> Option<&Version> {
        let offered = self.staged.iter().filter(|staged| !staged.halted && staged.reach != Reach::default());
        offered.map(|staged| &staged.version).max()
    }

    /// Whether a file is on the list, and may be fetched.
    pub fn has(&self, hash: ContentHash) -> bool {
        self.staged.iter().any(|staged| !staged.halted && staged.hash == hash.to_string())
    }
}

/// Whether a program, as it said in its greeting, is of this version or a newer one.
pub(crate) fn runs(program: &str, version: &Version) -> bool {
    spoken(program).is_some_and(|(running, _)| running >= *version)
}

/// Version and target in `agent VERSION TARGET`.
fn spoken(program: &str) -> Option<(Version, &str)> {
    let mut words = program.split(' ');
    let (name, version, target) = (words.next()?, words.next()?, words.next()?);
    (name == "agent").then_some((version.parse().ok()?, target))
}

fn read(file: &Path) -> io::Result<Offers> {
    Ok(serde_json::from_slice(&read_bounded(file, FILE_BYTES_MAX)?)?)
}

pub(crate) fn file(dir: &DataDir) -> PathBuf {
    dir.root().join(LIST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: &str = "x86_64-unknown-linux-musl";

    fn staged(version: &str, reach: &[&str]) -> Staged {
        let mut staged = Staged {
            version: version.parse().expect("a version"),
            target: TARGET.to_owned(),
            hash: ContentHash::of(version.as_bytes()).to_string(),
            bytes: 7,
            reach: Reach::default(),
            halted: false,
        };
        reach.iter().for_each(|to| staged.reach.widen(to.parse().expect("a reach")));
        staged
    }

    fn told(offers: &Offers, office: &str, program: &str) -> Option<String> {
        let office = office.parse().expect("a code");
        offers.offer(&office, program).map(|offered| offered.version.0)
    }

    #[test]
    fn an_update_is_offered_to_those_it_was_promoted_to_and_to_whom_it_is_newer() {
        let (office, program) = ("32.73.05.1001", format!("agent 0.1.0 {TARGET}"));
        let mut offers = Offers::default();
        offers.add(staged("0.2.0", &[]));
        assert_eq!(told(&offers, office, &program), None, "staged only");
        offers.add(staged("0.2.0", &["32.73.05"]));
        assert_eq!(told(&offers, office, &program), Some("0.2.0".into()));
        assert_eq!(told(&offers, "32.73.05", &program), Some("0.2.0".into()));
        assert_eq!(told(&offers, "32.73.06.1001", &program), None);
        offers.add(staged("0.3.0", &["32.73.05.1002"]));
        assert_eq!(told(&offers, office, &program), Some("0.2.0".into()), "the newer one is for another office");
        offers.add(staged("0.3.0", &["all"]));
        assert_eq!(told(&offers, office, &program), Some("0.3.0".into()));
        for other in ["agent 0.3.0 x86_64-unknown-linux-musl", "agent 0.1.0 linux-x86_64", "hub 0.1.0 x", "agent"] {
            assert_eq!(told(&offers, office, other), None, "{other}");
        }
        offers.staged[1].halted = true;
        assert_eq!(told(&offers, office, &program), Some("0.2.0".into()), "what is halted is offered to nobody");
    }

    #[test]
    fn a_tenth_is_about_a_tenth_and_another_one_for_each_version() {
        let among = |version: &str| {
            let staged = staged(version, &["tenth"]);
            let office = |n: u32| format!("32.73.{:02}.{}", n / 100 + 1, 1_000 + n % 100);
            (0..1_000).filter(|n| staged.reach.has(&office(*n), &staged.version)).collect::<BTreeSet<_>>()
        };
        let (one, other) = (among("0.2.0"), among("0.3.0"));
        assert!((60..=150).contains(&one.len()), "{}", one.len());
        assert!(one.intersection(&other).count() < 40);
    }
}
