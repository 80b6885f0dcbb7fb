//! Disks that a case makes for itself: small ones that fill up, and ones whose power can be cut. They need root.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::folder;

/// A mounted disk. Dropping it unmounts it.
#[derive(Debug)]
pub struct Disk {
    home: TempDir,
    image: Option<PathBuf>,
}

impl Disk {
    /// A disk in memory of `mib` MiB.
    ///
    /// # Errors
    /// In words, why this machine does not allow it.
    pub fn small(mib: u32) -> Result<Disk, String> {
        let disk = Disk { home: folder::temporary("kentongan-disk-"), image: None };
        fs::create_dir(disk.path()).expect("a place to mount at");
        run("mount", &["-t", "tmpfs", "-o", &format!("size={mib}m"), "kentongan-lab", &text(&disk.path())])?;
        Ok(disk)
    }

    /// A disk of `mib` MiB with ext4 on it whose power can be cut.
    ///
    /// # Errors
    /// In words, why this machine does not allow it.
    pub fn ext4(mib: u64) -> Result<Disk, String> {
        let home = folder::temporary("kentongan-disk-");
        let image = home.path().join("image");
        File::create(&image).and_then(|file| file.set_len(mib << 20)).expect("a file as a disk");
        let disk = Disk { home, image: Some(image.clone()) };
        fs::create_dir(disk.path()).expect("a place to mount at");
        run("mkfs.ext4", &["-q", "-F", &text(&image)])?;
        disk.mount()?;
        run("xfs_io", &["-V"])?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.home.path().join("disk")
    }

    /// Cuts its power: what was not flushed is gone, and whoever has files open gets errors.
    ///
    /// # Panics
    /// If that fails.
    pub fn cut_power(&self) {
        // Without -f: the journal is not flushed first.
        run("xfs_io", &["-x", "-c", "shutdown", &text(&self.path())]).expect("cut the power");
    }

    /// Makes it read-only as the system does after an error of the disk, whoever has files open.
    ///
    /// # Panics
    /// If that fails.
    pub fn fail(&self) {
        run("mount", &["-o", "remount,abort", &text(&self.path())]).expect("abort the file system");
    }

    /// Makes it read-only or not, while nobody has files open for writing.
    ///
    /// # Panics
    /// If that fails.
    pub fn set_read_only(&self, read_only: bool) {
        let options = if read_only { "remount,ro" } else { "remount,rw" };
        run("mount", &["-o", options, &text(&self.path())]).expect("mount it again");
    }

    /// Brings it back after a failure, as a restart of the machine does. Nobody may use it.
    ///
    /// # Panics
    /// If that fails.
    pub fn bring_back(&self) {
        run("umount", &[&text(&self.path())]).expect("unmount a disk");
        self.mount().expect("mount it again");
    }

    /// Leaves less than `bytes` of free space, in a file that [`Disk::empty`] removes.
    ///
    /// # Panics
    /// If the filling file cannot be made.
    pub fn fill(&self, bytes: u64) {
        let free = kentongan_host::files::free_bytes(&self.path()).expect("ask for free space");
        let mut file = OpenOptions::new().create(true).append(true).open(self.filling()).expect("a file that fills");
        let mut left = free.saturating_sub(bytes);
        let zeros = vec![0_u8; 64 * 1024];
        while left > 0 {
            let part = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
            if file.write_all(&zeros[..part]).is_err() {
                break;
            }
            left -= part as u64;
        }
    }

    /// Removes what [`Disk::fill`] wrote.
    ///
    /// # Panics
    /// If it cannot be removed.
    pub fn empty(&self) {
        fs::remove_file(self.filling()).expect("remove the file that fills");
    }

    fn filling(&self) -> PathBuf {
        self.path().join("filling")
    }

    fn mount(&self) -> Result<(), String> {
        let image = self.image.as_deref().expect("only disks with an image are mounted again");
        run("mount", &["-o", "loop", &text(image), &text(&self.path())])
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A disk that was never mounted, or is gone, is no trouble.
        let _ = run("umount", &["-l", &text(&self.path())]);
    }
}

/// Runs a program of the system.
///
/// # Errors
/// In words, why it did not do it.
fn run(program: &str, words: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program);
    if let Some(path) = std::env::var_os("PATH") {
        // Mounting is root's, and so are the folders of its programs.
        let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        folders.extend(["/usr/sbin", "/sbin"].map(PathBuf::from));
        command.env("PATH", std::env::join_paths(folders).expect("folders of programs"));
    }
    let output = command.args(words).output().map_err(|error| format!("{program} cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
