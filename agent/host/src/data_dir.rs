//! Where everything lies.
//!
//! With `--data DIR` everything is inside `DIR`, so that a folder is a whole installation: to try, to test, to copy.
//! Without it, the places are those that the platform's administrators expect.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Lang;
use crate::fail::Failure;

/// Which of the two programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The program at an office.
    Agent,
    /// The program that merges.
    Hub,
}

impl Program {
    /// `agent` or `hub`, as in file names.
    pub const fn name(self) -> &'static str {
        match self {
            Program::Agent => "agent",
            Program::Hub => "hub",
        }
    }

    /// Name of the executable.
    pub const fn binary(self) -> &'static str {
        match self {
            Program::Agent => "kentongan-agent",
            Program::Hub => "kentongan-hub",
        }
    }

    /// Name of the service at Windows' service manager and in its event log.
    pub const fn service(self) -> &'static str {
        match self {
            Program::Agent => "KentonganAgent",
            Program::Hub => "KentonganHub",
        }
    }

    /// Start of the names of environment variables that set an option.
    pub const fn env_prefix(self) -> &'static str {
        match self {
            Program::Agent => "KENTONGAN_AGENT_",
            Program::Hub => "KENTONGAN_HUB_",
        }
    }
}

/// The folders of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    program: Program,
    root: PathBuf,
    config: PathBuf,
    runtime: PathBuf,
    logs: PathBuf,
}

impl DataDir {
    /// The installation in `dir` if one was named, else that of the platform.
    pub fn locate(program: Program, dir: Option<PathBuf>) -> DataDir {
        match dir {
            Some(dir) => DataDir::at(program, dir),
            None => DataDir::of_platform(program),
        }
    }

    /// Everything inside one folder. A relative path is taken from the current folder, once and for all.
    pub fn at(program: Program, dir: impl Into<PathBuf>) -> DataDir {
        let dir = dir.into();
        let root = std::path::absolute(&dir).unwrap_or(dir);
        DataDir { program, config: root.clone(), runtime: root.clone(), logs: root.join("logs"), root }
    }

    #[cfg(not(windows))]
    fn of_platform(program: Program) -> DataDir {
        let name = program.binary();
        DataDir {
            program,
            root: Path::new("/var/lib").join(name),
            config: PathBuf::from("/etc/kentongan"),
            runtime: Path::new("/run").join(name),
            logs: Path::new("/var/log").join(name),
        }
    }

    /// One folder for everything, as with `--data`: who may look into it is decided once.
    #[cfg(windows)]
    fn of_platform(program: Program) -> DataDir {
        let data = std::env::var_os("ProgramData").map_or_else(|| PathBuf::from(r"C:\ProgramData"), PathBuf::from);
        DataDir::at(
            program,
            data.join("Kentongan").join(match program {
                Program::Agent => "Agent",
                Program::Hub => "Hub",
            }),
        )
    }

    /// Whose folders these are.
    pub fn program(&self) -> Program {
        self.program
    }

    /// The folder that holds the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The database.
    pub fn store(&self) -> PathBuf {
        self.root.join("store.db")
    }

    /// The agent's key and certificates.
    pub fn identity(&self) -> PathBuf {
        self.root.join("identity")
    }

    /// The agent's private key.
    pub fn device_key(&self) -> PathBuf {
        self.identity().join("device.key")
    }

    /// The agent's certificate.
    pub fn device_certificate(&self) -> PathBuf {
        self.identity().join("device.crt")
    }

    /// The hub's root certificate, pinned at enrolment.
    pub fn hub_root(&self) -> PathBuf {
        self.identity().join("hub-ca.crt")
    }

    /// What bundles for the hub are sealed to, as it was told at enrolment.
    pub fn hub_seal(&self) -> PathBuf {
        self.identity().join("hub-seal.key")
    }

    /// Hub and code of an enrolment whose answer is still to be carried here.
    pub fn asked_enrolment(&self) -> PathBuf {
        self.identity().join("asked.toml")
    }

    /// The hub's own certificate authority.
    pub fn ca(&self) -> PathBuf {
        self.root.join("ca")
    }

    /// Files that records at the hub name.
    pub fn archive(&self) -> PathBuf {
        self.root.join("archive")
    }

    /// The hub's backups, unless the configuration names another folder.
    pub fn backup(&self) -> PathBuf {
        self.root.join("backup")
    }

    /// The agent's watched folder, unless the configuration names another one.
    pub fn inbox(&self) -> PathBuf {
        self.root.join("inbox")
    }

    /// Programs that updates brought, and which of them is in force.
    pub fn updates(&self) -> PathBuf {
        self.root.join("updates")
    }

    /// The training office of the agent, while there is one.
    pub fn training(&self) -> PathBuf {
        self.root.join("latihan")
    }

    /// The key of what the page gives to browsers.
    pub fn page_key(&self) -> PathBuf {
        self.root.join("page.key")
    }

    /// The socket on which a running service answers commands.
    #[cfg(not(windows))]
    pub fn control_socket(&self) -> PathBuf {
        self.runtime.join("control.sock")
    }

    /// The pipe on which a running service answers commands. Pipes lie in one place for the whole PC, so its name comes
    /// of the folder's, in whatever case that was typed.
    #[cfg(windows)]
    pub fn control_socket(&self) -> PathBuf {
        let folder = self.runtime.to_string_lossy().to_lowercase();
        let digest = ring::digest::digest(&ring::digest::SHA256, folder.as_bytes());
        let short: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        PathBuf::from(format!(r"\\.\pipe\{}-{short}", self.program.binary()))
    }

    /// The file whose lock says that a process works here.
    pub fn lock_file(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The main configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.config.join(format!("{}.toml", self.program.name()))
    }

    /// Words of the pages that this office says in its own way, in one language.
    pub fn own_words(&self, lang: Lang) -> PathBuf {
        self.config.join(match lang {
            Lang::Id => "words.id.txt",
            Lang::En => "words.en.txt",
        })
    }

    /// Where an installer or an administrator leaves the file by which the agent joins a hub on its own.
    pub fn left_enrolment(&self) -> PathBuf {
        self.config.join("enrol.toml")
    }

    /// Where log files lie.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// Creates the folders that this program writes to, for its own user alone. Existing folders stay as they are.
    ///
    /// # Errors
    /// A folder cannot be created; the failure names it.
    pub fn create(&self) -> Result<(), Failure> {
        let own = match self.program {
            Program::Agent => vec![self.identity(), self.inbox(), self.inbox().join("done")],
            Program::Hub => vec![self.ca()],
        };
        let shared = [self.root.clone(), self.runtime.clone(), self.logs.clone()];
        for folder in shared.into_iter().chain(own) {
            create_private(&folder).map_err(|error| {
                Failure::from(anyhow::Error::from(error).context(format!("create the folder {}", folder.display())))
            })?;
        }
        Ok(())
    }

    /// Every file and folder in use, with a stable name each, in the order of `paths`.
    pub fn paths(&self) -> Vec<(&'static str, PathBuf)> {
        let mut paths = vec![("data", self.root.clone()), ("config", self.config_file())];
        paths.push(("store", self.store()));
        match self.program {
            Program::Agent => {
                paths.extend([("identity", self.identity()), ("inbox", self.inbox()), ("updates", self.updates())])
            }
            Program::Hub => paths.extend([("ca", self.ca()), ("archive", self.archive()), ("backup", self.backup())]),
        }
        paths.extend([("control", self.control_socket()), ("lock", self.lock_file()), ("logs", self.logs.clone())]);
        paths
    }
}

/// Creates a folder and its parents; the folder itself may be entered by its owner alone.
///
/// # Errors
/// Any error of the file system, except that it exists already.
pub fn create_private(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    match private_builder().create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        other => other,
    }
}

#[cfg(unix)]
fn private_builder() -> fs::DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    builder
}

/// Elsewhere a folder takes the rights of the one it lies in.
#[cfg(not(unix))]
fn private_builder() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_folder_holds_the_whole_installation() {
        let dir = DataDir::at(Program::Agent, "/tmp/kantor");
        assert!(dir.paths().iter().all(|(_, path)| path.starts_with("/tmp/kantor")), "{:?}", dir.paths());
        assert_eq!(dir.config_file(), Path::new("/tmp/kantor/agent.toml"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_platform_has_its_usual_places() {
        let hub = DataDir::locate(Program::Hub, None);
        assert_eq!(hub.config_file(), Path::new("/etc/kentongan/hub.toml"));
        assert_eq!(hub.store(), Path::new("/var/lib/kentongan-hub/store.db"));
        assert_eq!(hub.control_socket(), Path::new("/run/kentongan-hub/control.sock"));
    }

    #[cfg(unix)]
    #[test]
    fn created_folders_are_for_their_owner_alone_and_creating_twice_is_fine() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Agent, temp.path().join("baru"));
        dir.create().expect("create");
        dir.create().expect("create again");
        for folder in [dir.root().to_owned(), dir.identity(), dir.inbox()] {
            let mode = fs::metadata(&folder).expect("stat").permissions().mode() & 0o777;
            assert_eq!(mode, 0o700, "{}", folder.display());
        }
    }
}
