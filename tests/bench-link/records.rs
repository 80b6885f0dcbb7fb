//! What is carried.

use std::fs;
use std::path::PathBuf;

use kentongan_tests::{Office, data};

use crate::floor;

/// Where records come from.
pub(crate) struct Records {
    /// JSON lines of another system; `None`: our own generator.
    pub(crate) file: Option<PathBuf>,
    /// How to read them.
    pub(crate) map: Option<PathBuf>,
}

impl Records {
    pub(crate) fn own() -> Records {
        Records { file: None, map: None }
    }

    /// The first `count` of them.
    pub(crate) fn lines(&self, count: usize) -> String {
        match &self.file {
            None => data::json_lines(count),
            Some(file) => {
                let text = fs::read_to_string(file).expect("read the file of records");
                text.lines().take(count).flat_map(|line| [line, "\n"]).collect()
            }
        }
    }

    /// Has an office take them.
    pub(crate) fn enter(&self, office: &Office, lines: &str) {
        let file = office.desk().join("catatan.jsonl");
        fs::write(&file, lines).expect("write a file");
        let mut words = vec!["import".to_owned(), file.display().to_string()];
        if let Some(map) = &self.map {
            words.extend(["--map".to_owned(), map.display().to_string()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let report = office.run(&words).ok().json();
        assert_eq!(report["taken"], lines.lines().count(), "{report:#}");
    }

    /// The ratios of general compressors: texts that say everything twice would flatter everybody.
    pub(crate) fn say_how_varied(&self) {
        for count in [100, 1_000] {
            let lines = self.lines(count);
            let part = |size: usize| size as f64 / lines.len() as f64;
            let (gzip, brotli) =
                (part(floor::gzip_9(lines.as_bytes()).len()), part(floor::brotli_11(lines.as_bytes())));
            let xz =
                floor::xz(lines.as_bytes()).map_or("no xz here".to_owned(), |size| format!("xz {:.3}", part(size)));
            println!("how varied the text is, {count} records: gzip {gzip:.3}, {xz}, brotli {brotli:.3} of their size");
        }
    }
}
