//! Which program is in force, which one is being tried, and which ones did not do.

use std::io;
use std::path::PathBuf;

use kentongan_host::data_dir::DataDir;
use kentongan_host::files::{Access, read_bounded, replace};
use kentongan_host::release::Version;
use serde::{Deserialize, Serialize};

/// A program that was started so often and never became ready is not started again.
pub(crate) const STARTS_MAX: u32 = 2;
/// So many versions that did not do are remembered.
const REFUSED_MAX: usize = 8;
const STATE_BYTES_MAX: u64 = 64 * 1024;

/// A program of an update that became ready once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proven {
    /// Its version.
    pub(crate) version: Version,
    /// The newest schema of the store that it reads.
    pub(crate) schema: u32,
}

/// A program that is to show whether it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trial {
    /// Its version.
    pub(crate) version: Version,
    /// How often it was started.
    pub(crate) starts: u32,
    /// The schema of the store before it was first started.
    pub(crate) from_schema: u32,
}

/// A program that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GivenUp {
    /// Its version.
    pub(crate) version: Version,
    /// Why, for IT staff.
    pub(crate) reason: String,
    /// Whether the log says so yet.
    pub(crate) told: bool,
}

/// All of it. The program of the package is not named: it is in force where nothing newer is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The newest version that was ever in force here. Nothing older comes back but by the will of a person.
    pub(crate) newest: Option<Version>,
    /// In force.
    pub(crate) current: Option<Proven>,
    /// In force before it; `None`: that of the package.
    pub(crate) previous: Option<Proven>,
    /// Being tried.
    pub(crate) trial: Option<Trial>,
    /// Not to be tried again unless a person says so, the latest last.
    pub(crate) refused: Vec<Version>,
    /// The last that was given up.
    pub(crate) given_up: Option<GivenUp>,
}

impl State {
    /// That of an installation; `None` if there never was an update.
    ///
    /// # Errors
    /// If it may not be read. One that is damaged counts as none: the program of the package is always there.
    pub(crate) fn load(dir: &DataDir) -> io::Result<Option<State>> {
        match read_bounded(&file(dir), STATE_BYTES_MAX) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps it, durably.
    ///
    /// # Errors
    /// Any error of the file system; then it is as it was.
    pub(crate) fn save(&self, dir: &DataDir) -> io::Result<()> {
        kentongan_host::data_dir::create_private(&dir.updates())?;
        replace(&file(dir), &serde_json::to_vec_pretty(self).map_err(io::Error::other)?, Access::Private)
    }

    /// A program is to be tried at the next start.
    pub(crate) fn begin(&mut self, version: Version, from_schema: u32) {
        self.refused.retain(|refused| *refused != version);
        self.given_up = None;
        self.trial = Some(Trial { version, starts: 0, from_schema });
    }

    /// The version on trial is ready: it is in force from now on.
    pub(crate) fn prove(&mut self, schema: u32) {
        let Some(Trial { version, .. }) = self.trial.take() else { return };
        self.newest = self.newest.take().max(Some(version.clone()));
        self.previous = self.current.replace(Proven { version, schema });
    }

    /// The version on trial does not do.
    pub(crate) fn give_up(&mut self, reason: String) {
        let Some(Trial { version, .. }) = self.trial.take() else { return };
        self.refuse(version.clone());
        self.given_up = Some(GivenUp { version, reason, told: false });
    }

    /// The version in force goes, and the one before it comes back.
    pub(crate) fn step_back(&mut self) -> Option<Version> {
        let version = self.current.take()?.version;
        self.current = self.previous.take();
        self.refuse(version.clone());
        Some(version)
    }

    /// The package has caught up: what is not newer than its program goes.
    pub(crate) fn outgrow(&mut self, package: &Version) {
        let newer = |version: &Version| version > package;
        self.trial.take_if(|trial| !newer(&trial.version));
        self.previous.take_if(|proven| !newer(&proven.version));
        if self.current.take_if(|proven| !newer(&proven.version)).is_some() {
            self.previous = None;
        }
    }

    /// Whether a version may be tried without a person who says so: newer than what runs, never older than what ever ran,
    /// and none that did not do.
    pub(crate) fn wants(&self, version: &Version, running: &Version) -> bool {
        version > running
            && self.newest.as_ref().is_none_or(|newest| version >= newest)
            && !self.refused.contains(version)
            && self.trial.as_ref().is_none_or(|trial| trial.version != *version)
    }

    /// Not to be tried unless a person says so.
    pub(crate) fn refuse(&mut self, version: Version) {
        self.refused.retain(|refused| *refused != version);
        self.refused.push(version);
        let surplus = self.refused.len().saturating_sub(REFUSED_MAX);
        self.refused.drain(..surplus);
    }
}

fn file(dir: &DataDir) -> PathBuf {
    dir.updates().join("state.json")
}

#[cfg(test)]
mod tests {
    use kentongan_host::data_dir::Program;

    use super::*;

    fn version(text: &str) -> Version {
        text.parse().expect("a version")
    }

    #[test]
    fn a_version_that_became_ready_is_in_force_and_the_one_before_it_can_come_back() {
        let mut state = State::default();
        state.begin(version("0.2.0"), 10);
        state.prove(11);
        state.begin(version("0.3.0"), 11);
        state.prove(12);
        assert_eq!(state.previous, Some(Proven { version: version("0.2.0"), schema: 11 }));
        assert_eq!(state.step_back(), Some(version("0.3.0")));
        assert_eq!(state.current.as_ref().map(|proven| &proven.version), Some(&version("0.2.0")));
        assert!(!state.wants(&version("0.3.0"), &version("0.2.0")), "a person took it back");
        assert!(!state.wants(&version("0.2.5"), &version("0.2.0")), "older than what ever ran");
        assert!(state.wants(&version("0.3.1"), &version("0.2.0")));
        assert_eq!(state.step_back(), Some(version("0.2.0")), "then comes the program of the package");
        assert_eq!(state.step_back(), None);
    }

    #[test]
    fn a_version_that_was_given_up_is_not_tried_again_unless_a_person_says_so() {
        let mut state = State::default();
        state.begin(version("0.2.0"), 10);
        state.give_up("never ready".to_owned());
        assert_eq!((&state.trial, &state.newest), (&None, &None), "it never ran");
        assert!(!state.wants(&version("0.2.0"), &version("0.1.0")));
        state.begin(version("0.2.0"), 10);
        assert_eq!((state.refused.len(), &state.given_up), (0, &None));
        for n in 0..20 {
            state.begin(version(&format!("0.2.{n}")), 10);
            state.give_up(String::new());
        }
        assert_eq!(state.refused.len(), REFUSED_MAX);
    }

    #[test]
    fn a_newer_package_takes_the_place_of_older_updates() {
        let mut state = State::default();
        state.begin(version("0.2.0"), 10);
        state.prove(11);
        state.begin(version("0.4.0"), 11);
        state.outgrow(&version("0.1.0"));
        assert!(state.current.is_some() && state.trial.is_some());
        state.outgrow(&version("0.2.0"));
        assert!(state.current.is_none() && state.trial.is_some());
    }

    #[test]
    fn what_is_kept_comes_back_and_a_damaged_file_counts_as_none() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Agent, temp.path());
        assert_eq!(State::load(&dir).expect("read"), None);
        let mut state = State::default();
        state.begin(version("0.2.0"), 10);
        state.save(&dir).expect("saved");
        assert_eq!(State::load(&dir).expect("read"), Some(state));
        std::fs::write(file(&dir), "{").expect("write");
        assert_eq!(State::load(&dir).expect("read"), None);
    }
}
