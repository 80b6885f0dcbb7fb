//! Versions of what is published, and which of two is newer.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest text of a version. It becomes part of names of files.
pub const VERSION_BYTES_MAX: usize = 40;

/// `0.3.1`, or `0.3.1~57.1a2b3c4d5e`: commit 57 on the way to it, which comes before it, as packages count.
///
/// Two builds of one place on the way are neither newer nor older than each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    text: String,
    place: (u32, u32, u32, u64),
}

/// The text is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no version: {0:?}")]
pub struct NoVersion(
    /// The text as it was given.
    pub String,
);

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Version, NoVersion> {
        read(text).map(|place| Version { text: text.to_owned(), place }).ok_or_else(|| NoVersion(text.to_owned()))
    }
}

/// The three numbers, and the number of the commit on the way to them; the last one there is for the version itself.
fn read(text: &str) -> Option<(u32, u32, u32, u64)> {
    let named = |symbol: char| symbol.is_ascii_alphanumeric() || ".~-".contains(symbol);
    if text.len() > VERSION_BYTES_MAX || !text.chars().all(named) {
        return None;
    }
    let (numbers, way) = match text.split_once('~') {
        Some((numbers, way)) => (numbers, Some(way)),
        None => (text, None),
    };
    let mut numbers = numbers.split('.').map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    let (major, minor, patch) = (next()?, next()?, next()?);
    let commit = match way {
        Some(way) => way.split('.').next()?.parse().ok().filter(|commit| *commit < u64::MAX)?,
        None => u64::MAX,
    };
    numbers.next().is_none().then_some((major, minor, patch, commit))
}

impl PartialEq for Version {
    fn eq(&self, other: &Version) -> bool {
        self.place == other.place
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        self.place.cmp(&other.place)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Version {
    type Error = NoVersion;

    fn try_from(text: String) -> Result<Version, NoVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> String {
        version.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_follow_each_other_as_packages_count_them() {
        let texts = ["0.1.0~9.aa", "0.1.0~510.1a2b3c4d5e", "0.1.0", "0.1.1", "0.10.0", "1.0.0~1.b", "1.0.0"];
        let versions: Vec<Version> = texts.iter().map(|text| text.parse().expect("a version")).collect();
        assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
        assert_eq!("0.1.0~9.aa".parse::<Version>(), "0.1.0~9.bb".parse(), "two builds of one place");
        assert_eq!(versions[1].to_string(), texts[1]);
    }

    #[test]
    fn what_is_no_version_is_none_and_no_path_either() {
        let long = format!("1.0.0~1.{}", "a".repeat(40));
        for text in ["", "1", "1.2", "1.2.3.4", "1.2.x", "1.2.3~", "1.2.3~x", "../1.2.3", "1.2.3/..", "-1.2.3", &long] {
            assert_eq!(text.parse::<Version>(), Err(NoVersion(text.to_owned())));
        }
    }
}
