//! A log file that is rotated by size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::LogFile;
use crate::data_dir::create_private;
use crate::fail::Failure;

/// The file that is written now. `agent.jsonl` becomes `agent.1.jsonl`, that `agent.2.jsonl`, and the oldest goes.
pub(super) struct RotatingFile {
    config: LogFile,
    file: Option<File>,
    bytes: u64,
}

impl RotatingFile {
    pub(super) fn open(config: &LogFile) -> Result<RotatingFile, Failure> {
        if let Some(folder) = config.path.parent() {
            create_private(folder).with_context(|| format!("create the folder {}", folder.display()))?;
        }
        let mut rotating = RotatingFile { config: config.clone(), file: None, bytes: 0 };
        rotating.reopen().with_context(|| format!("open the log file {}", config.path.display()))?;
        Ok(rotating)
    }

    /// Appends a line; drops it when the disk or the folder does not take it.
    pub(super) fn append(&mut self, line: &[u8]) {
        let full = self.bytes > 0 && self.bytes + line.len() as u64 > self.config.bytes_max;
        if full && self.rotate().is_err() {
            // Better no line than a file that grows beyond its bound.
            return;
        }
        if self.file.is_none() && self.reopen().is_err() {
            return;
        }
        if let Some(file) = &mut self.file {
            match file.write_all(line) {
                Ok(()) => self.bytes += line.len() as u64,
                // Opened anew for the next line: the folder may have been emptied, or the disk have space again.
                Err(_) => self.file = None,
            }
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        let oldest = self.config.keep.max(1) - 1;
        for number in (0..oldest).rev() {
            let from = numbered(&self.config.path, number);
            match fs::rename(&from, numbered(&self.config.path, number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if oldest == 0 {
            fs::remove_file(&self.config.path)?;
        }
        self.reopen()
    }

    fn reopen(&mut self) -> io::Result<()> {
        let file = append_only(&self.config.path)?;
        self.bytes = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }
}

fn append_only(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// `agent.jsonl` is number 0, `agent.3.jsonl` number 3.
pub(super) fn numbered(path: &Path, number: usize) -> PathBuf {
    if number == 0 { path.to_owned() } else { path.with_extension(format!("{number}.jsonl")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_within_size_and_number_and_the_newest_lines_are_kept() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let path = temp.path().join("logs").join("agent.jsonl");
        let mut log = RotatingFile::open(&LogFile { path: path.clone(), bytes_max: 20, keep: 3 }).expect("open");
        for n in 0..20 {
            log.append(format!("baris {n:03}\n").as_bytes());
        }
        let read = |n| fs::read_to_string(numbered(&path, n)).expect("read");
        assert_eq!(read(0), "baris 018\nbaris 019\n");
        assert_eq!(read(1), "baris 016\nbaris 017\n");
        assert_eq!(read(2), "baris 014\nbaris 015\n");
        assert!(!numbered(&path, 3).exists());
    }

    #[test]
    fn a_restart_goes_on_in_the_same_file_and_one_file_is_enough() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let config = LogFile { path: temp.path().join("hub.jsonl"), bytes_max: 10, keep: 1 };
        RotatingFile::open(&config).expect("open").append(b"satu\n");
        let mut again = RotatingFile::open(&config).expect("open again");
        again.append(b"dua\n");
        assert_eq!(fs::read(&config.path).expect("read"), b"satu\ndua\n");
        again.append(b"tiga\n");
        assert_eq!(fs::read(&config.path).expect("read"), b"tiga\n");
    }
}
