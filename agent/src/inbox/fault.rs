//! What can be wrong with a file, in words for the person who dropped it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use kentongan_host::output::process_lang;
use kentongan_host::{Exit, Failure, Ktg, Lang};
use thiserror::Error;

use super::mapping::MapFault;
use super::report::Report;
use super::row::Damage;

/// Why an import ended before the end of its file. What was taken before stays taken, and is only repeated when the
/// file comes again.
#[derive(Debug)]
pub struct ImportError {
    /// What is wrong.
    pub fault: ImportFault,
    /// What had become of the rows until then.
    pub so_far: Box<Report>,
}

/// What ended an import.
#[derive(Debug, Error)]
pub enum ImportFault {
    /// The file cannot be opened or read at the moment.
    #[error("{}", self.sentence(process_lang()))]
    Read(#[source] io::Error),
    /// The file is not what an import can take.
    #[error("{}", self.sentence(process_lang()))]
    File(FileFault),
    /// The mapping file is wrong, or does not fit the file.
    #[error("{}", self.sentence(process_lang()))]
    Map(MapFault),
    /// The list of rows that were not taken cannot be written.
    #[error("{}", self.sentence(process_lang()))]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The store does not take the rows.
    #[error("{}", self.sentence(process_lang()))]
    Store(#[source] anyhow::Error),
    /// It was asked to stop, between two transactions.
    #[error("{}", self.sentence(process_lang()))]
    Stopped,
}

/// What is wrong with the content of a file as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileFault {
    /// There is nothing in it.
    Empty,
    /// A kind of file that an import does not read, by the ending of its name or by its first bytes.
    Unsupported {
        /// What it seems to be.
        kind: String,
    },
    /// Protected by a password, or an `.xls` of the last century: both look the same from outside.
    Locked,
    /// Not readable as the spreadsheet it claims to be.
    Damaged,
    /// Larger than an import reads, in bytes.
    TooLarge {
        /// Most bytes.
        bytes_max: u64,
    },
    /// A spreadsheet that unpacks to more than an import reads.
    Bomb,
    /// More rows than an import reads.
    TooManyRows {
        /// Most rows.
        rows_max: u64,
    },
    /// A row without an end: most likely a quotation mark that is never closed.
    Endless {
        /// The row where it begins.
        row: u64,
    },
    /// More columns than an import reads.
    TooManyColumns {
        /// Most columns.
        columns_max: usize,
    },
    /// The workbook has no such sheet.
    NoSheet {
        /// The sheet that the map asks for; empty if the workbook has none at all.
        name: String,
    },
    /// The titles of the columns do not tell which form the rows belong to.
    NoForm {
        /// The titles.
        titles: Vec<String>,
    },
    /// Columns called U8 and U9 alone: both orders are in use, and guessing would swap two answers.
    U8U9,
}

impl ImportFault {
    /// In words that a clerk understands, with what to do next.
    pub fn sentence(&self, lang: Lang) -> String {
        let both = |id: &str, en: &str| pick(lang, id, en).to_owned();
        match self {
            ImportFault::Read(error) => {
                format!("{}: {error}", pick(lang, "Berkas tidak bisa dibaca", "The file cannot be read"))
            }
            ImportFault::File(fault) => fault.sentence(lang),
            ImportFault::Map(fault) => fault.sentence(lang),
            ImportFault::Write { path, source } => {
                let id = "Daftar baris yang perlu diperbaiki tidak bisa ditulis ke";
                let en = "The list of rows that need fixing cannot be written to";
                format!("{} {}: {source}", pick(lang, id, en), path.display())
            }
            ImportFault::Store(_) => {
                both("Catatan tidak bisa disimpan di komputer ini.", "The records cannot be saved on this computer.")
            }
            ImportFault::Stopped => both(
                "Dihentikan. Yang sudah masuk tetap masuk; ulangi perintah ini untuk sisanya.",
                "Stopped. What was taken stays; run the command again for the rest.",
            ),
        }
    }

    /// Whether the file itself is to blame: it will be no better the next time it is looked at.
    pub fn is_of_the_file(&self) -> bool {
        matches!(self, ImportFault::File(_) | ImportFault::Map(_))
    }
}

impl From<FileFault> for ImportFault {
    fn from(fault: FileFault) -> Self {
        ImportFault::File(fault)
    }
}

impl From<MapFault> for ImportFault {
    fn from(fault: MapFault) -> Self {
        ImportFault::Map(fault)
    }
}

impl From<io::Error> for ImportFault {
    fn from(error: io::Error) -> Self {
        ImportFault::Read(error)
    }
}

impl FileFault {
    /// In words that a clerk understands, with what to do next.
    pub fn sentence(&self, lang: Lang) -> String {
        match self {
            FileFault::Unsupported { kind } => match lang {
                Lang::Id => format!("Berkas ini ({kind}) tidak bisa dibaca. Simpan sebagai CSV atau XLSX."),
                Lang::En => format!("This file ({kind}) cannot be read. Save it as CSV or XLSX."),
            },
            FileFault::TooLarge { bytes_max } => {
                let mib = bytes_max / (1024 * 1024);
                match lang {
                    Lang::Id => format!("Berkas terlalu besar, paling banyak {mib} MiB. Bagi menjadi beberapa."),
                    Lang::En => format!("The file is too large, at most {mib} MiB. Split it into several."),
                }
            }
            FileFault::TooManyRows { rows_max } => match lang {
                Lang::Id => format!("Terlalu banyak baris, paling banyak {rows_max}. Bagi menjadi beberapa berkas."),
                Lang::En => format!("Too many rows, at most {rows_max}. Split it into several files."),
            },
            FileFault::TooManyColumns { columns_max } => match lang {
                Lang::Id => format!("Terlalu banyak kolom, paling banyak {columns_max}."),
                Lang::En => format!("Too many columns, at most {columns_max}."),
            },
            FileFault::Endless { row } => match lang {
                Lang::Id => {
                    format!("Baris {row} tidak ada ujungnya: mungkin ada tanda kutip (\") yang tidak ditutup.")
                }
                Lang::En => format!("Row {row} has no end: a quotation mark (\") is probably never closed."),
            },
            FileFault::NoSheet { name } if name.is_empty() => {
                pick(lang, "Tidak ada lembar berisi tabel.", "There is no sheet with a table.").to_owned()
            }
            FileFault::NoSheet { name } => match lang {
                Lang::Id => format!("Tidak ada lembar bernama '{name}'."),
                Lang::En => format!("There is no sheet called '{name}'."),
            },
            FileFault::NoForm { titles } => no_form(titles, lang),
            FileFault::Empty | FileFault::Locked | FileFault::Damaged | FileFault::Bomb | FileFault::U8U9 => {
                self.plain_sentence(lang).to_owned()
            }
        }
    }

    fn plain_sentence(&self, lang: Lang) -> &'static str {
        let (id, en) = match self {
            FileFault::Locked => (
                "Berkas ini dikunci dengan kata sandi, atau berformat XLS lama. Simpan sebagai XLSX tanpa kata sandi.",
                "This file is protected by a password, or an old XLS. Save it as XLSX without a password.",
            ),
            FileFault::Damaged => (
                "Berkas lembar kerja ini rusak. Buka dan simpan ulang sebagai XLSX atau CSV.",
                "This spreadsheet is damaged. Open it and save it again as XLSX or CSV.",
            ),
            FileFault::Bomb => (
                "Isi berkas ini jauh lebih besar daripada berkasnya, jadi tidak dibuka. Simpan sebagai CSV.",
                "This file unpacks to far more than its size, so it was not opened. Save it as CSV.",
            ),
            FileFault::U8U9 => (
                "Kolom U8 dan U9 punya dua arti: dalam daftar unsur U8 = penanganan pengaduan dan U9 = sarana, di \
                 kuesioner cetak sebaliknya. Tulis di map.toml, misalnya: sarpras = \"U8\" dan pengaduan = \"U9\".",
                "The columns U8 and U9 have two meanings: in the list of elements U8 is complaint handling and U9 \
                 facilities, on the printed questionnaire it is the other way round. Say which in map.toml, for \
                 example: sarpras = \"U8\" and pengaduan = \"U9\".",
            ),
            _ => ("Berkas ini kosong.", "This file is empty."),
        };
        pick(lang, id, en)
    }
}

fn no_form(titles: &[String], lang: Lang) -> String {
    let titles: Vec<&str> = titles.iter().take(12).map(String::as_str).collect();
    let titles = titles.join(", ");
    match lang {
        Lang::Id => format!(
            "Judul kolom tidak menunjukkan ini pengaduan atau survei. Tulis map.toml di samping berkas dengan \
             form = \"pengaduan\" atau form = \"skm\". Judul kolom: {titles}."
        ),
        Lang::En => format!(
            "The titles of the columns do not tell whether these are complaints or survey answers. Put a map.toml \
             beside the file with form = \"pengaduan\" or form = \"skm\". Titles: {titles}."
        ),
    }
}

impl Damage {
    /// In words that a clerk understands, with what to look at.
    pub(super) fn sentence(self, lang: Lang) -> String {
        let (id, en) = match self {
            Damage::Ragged { expected, found } => {
                return match lang {
                    Lang::Id => format!(
                        "Baris ini punya {found} kolom, seharusnya {expected}. Mungkin ada pemisah, baris baru atau \
                         tanda kutip di dalam teks."
                    ),
                    Lang::En => format!(
                        "This row has {found} columns instead of {expected}. There may be a separator, a line break \
                         or a quotation mark within a text."
                    ),
                };
            }
            Damage::NotJson => ("Baris ini bukan objek JSON.", "This line is not a JSON object."),
            Damage::NotUtf8 => ("Baris ini bukan teks UTF-8.", "This line is not UTF-8 text."),
            Damage::TooLong => ("Ada isian yang terlalu panjang.", "A cell is too long."),
            Damage::TooManyColumns => ("Terlalu banyak isian.", "Too many fields."),
        };
        pick(lang, id, en).to_owned()
    }
}

fn pick<'t>(lang: Lang, id: &'t str, en: &'t str) -> &'t str {
    kentongan_host::output::pick(lang, id, en)
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.fault)
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Failure {
        let sentence = error.fault.sentence(process_lang());
        match error.fault {
            ImportFault::Store(source) => Failure::from(source),
            ImportFault::Read(source) | ImportFault::Write { source, .. } => {
                Failure::from(source).with_detail(sentence)
            }
            ImportFault::Stopped => Failure::new(Exit::Interrupted, sentence.clone(), sentence),
            ImportFault::Map(_) => Failure::usage(sentence.clone(), sentence),
            ImportFault::File(FileFault::NoForm { .. }) => Failure::of(Ktg::UnknownForm).with_detail(sentence),
            ImportFault::File(FileFault::TooLarge { .. } | FileFault::TooManyRows { .. } | FileFault::Bomb) => {
                Failure::of(Ktg::TooLarge).with_detail(sentence)
            }
            ImportFault::File(_) => Failure::new(Exit::Failed, sentence.clone(), sentence),
        }
    }
}
