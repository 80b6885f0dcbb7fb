//! Files of strangers: tables to import with and without a map, spreadsheets, configuration.

use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use kentongan_agent::entry::{ImportRow, Intake, RowOutcome};
use kentongan_agent::inbox::{ImportError, ListEntered, MapChoice, Options, Report, import_file};
use kentongan_host::options::{Opt, Settings, Sources, sample};
use kentongan_host::{Lang, Program};
use kentongan_protocol::form::{builtin, check_create};
use kentongan_protocol::ids::{LogId, OpId, RecordId};

use super::bytes::{Bytes, piece};

/// A folder that is gone with the input; in memory where the system has a place for it.
pub(super) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a temporary folder")
}

/// Takes rows, each name once, and looks at what it is given.
#[derive(Default)]
struct Taken(BTreeSet<[u8; 32]>);

impl Intake for Taken {
    fn take(&mut self, rows: Vec<ImportRow>) -> anyhow::Result<Vec<RowOutcome>> {
        let outcome = |row: ImportRow| {
            let form = builtin::by_tag(row.record.form).expect("a form that is known");
            let writes: Vec<_> = row.record.writes.iter().map(|(group, values)| (*group, values)).collect();
            let faults = check_create(form, form.version, &writes);
            assert!(faults.is_empty(), "a row with faults was let in: {faults:?}");
            match self.0.insert(row.name) {
                true => RowOutcome::Taken { record: RecordId(OpId { log: LogId(1), seq: 1 }), receipt: None },
                false => RowOutcome::Repeated,
            }
        };
        Ok(rows.into_iter().map(outcome).collect())
    }
}

fn import(file: &Path, map: MapChoice, taken: &mut Taken) -> Result<Report, ImportError> {
    let stop = AtomicBool::new(false);
    let options = Options {
        lang: Lang::Id,
        author: "impor".to_owned(),
        offset_min: 420,
        map,
        rejected_folders: file.parent().map(Path::to_owned).into_iter().collect(),
        entered: ListEntered::No,
        stop: &stop,
    };
    let report = import_file(file, &options, taken, &mut |_| ())?;
    let sum = report.taken + report.repeated + report.changed + report.rejected;
    assert_eq!(report.rows, sum, "rows that nobody counted");
    Ok(report)
}

/// The same file again takes nothing new; the list of what was refused is refused again, row by row.
fn import_and_again(file: &Path, map: &MapChoice) {
    let mut taken = Taken::default();
    let first = match import(file, map.clone(), &mut taken) {
        Ok(report) => report,
        Err(error) => return drop((error.fault.sentence(Lang::Id), error.fault.sentence(Lang::En))),
    };
    let again = import(file, map.clone(), &mut taken).expect("the same file");
    assert_eq!((again.rows, again.taken, again.rejected), (first.rows, 0, first.rejected), "the same file again");
    let Some(refused) = first.rejected_file.map(PathBuf::from) else {
        return assert_eq!(first.rejected, 0, "refused and not listed");
    };
    if let Ok(report) = import(&refused, map.clone(), &mut Taken::default()) {
        assert_eq!((report.taken, report.rows), (0, first.rejected), "the list of refused rows comes back changed");
    }
}

/// Names under which a table may lie in the inbox.
const NAMES: [&str; 4] = ["berkas.csv", "berkas.jsonl", "berkas", "berkas.txt"];

/// A table: first a byte for its name, then a map (none if it is empty), then the file.
pub(super) fn tables(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let folder = folder();
    let file = folder.path().join(bytes.pick(&NAMES));
    let map = bytes.piece();
    std::fs::write(&file, bytes.rest()).expect("written");
    let map = match map {
        [] => MapChoice::Titles,
        text => {
            let path = folder.path().join("peta.toml");
            std::fs::write(&path, text).expect("written");
            MapChoice::File(path)
        }
    };
    import_and_again(&file, &map);
}

/// Parts of a spreadsheet's archive. An input holds their contents; sizes and checksums are put right behind it.
const PARTS: [&str; 7] = [
    "[Content_Types].xml",
    "_rels/.rels",
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
    "xl/worksheets/sheet1.xml",
    "xl/sharedStrings.xml",
    "xl/styles.xml",
];

/// A spreadsheet: with the first byte odd the rest is the archive, else it is the parts.
pub(super) fn sheets(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let archive = if bytes.byte() % 2 == 1 { bytes.rest().to_vec() } else { packed(&mut bytes) };
    let folder = folder();
    let file = folder.path().join("berkas.xlsx");
    std::fs::write(&file, archive).expect("written");
    import_and_again(&file, &MapChoice::Titles);
}

fn packed(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for part in PARTS {
        archive.start_file(part, options).expect("begun");
        archive.write_all(bytes.piece()).expect("written");
    }
    archive.finish().expect("finished").into_inner()
}

fn unpacked(archive: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).expect("our own");
    let mut input = vec![0];
    for part in PARTS {
        let mut content = Vec::new();
        if let Ok(mut file) = archive.by_name(part) {
            std::io::Read::read_to_end(&mut file, &mut content).expect("our own");
        }
        piece(&mut input, &content);
    }
    input
}

/// A configuration of either program: settings that can be used, or a sentence.
pub(super) fn settings(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let (program, options): (Program, &'static [Opt]) = match bytes.byte() % 2 {
        0 => (Program::Agent, kentongan_agent::config::OPTIONS),
        _ => (Program::Hub, kentongan_hub::config::OPTIONS),
    };
    let folder = folder();
    let file = folder.path().join("berkas.toml");
    std::fs::write(&file, bytes.rest()).expect("written");
    let sources = Sources { file: file.clone(), file_named: true, environment: Vec::new(), flags: Vec::new() };
    match Settings::load(program, options, &sources) {
        Err(failure) => assert!(!failure.to_string().is_empty(), "a failure without a word"),
        Ok(settings) if program == Program::Agent => {
            kentongan_agent::config::link(&settings, "https://pusat.example");
            kentongan_agent::config::pacing(&settings);
        }
        Ok(settings) => drop(kentongan_hub::config::Config::of(&settings)),
    }
    // Setting one value keeps or refuses whatever else stands in the file.
    if kentongan_host::options::set(program, options, &file, ("log", "level"), "debug").is_ok() {
        let set = Settings::load(program, options, &sources).expect("what was written can be read");
        assert_eq!(set.text("log", "level"), "debug");
    }
}

/// The file with which an office joins.
pub(super) fn enrol_files(data: &[u8]) {
    let _ = kentongan_agent::enrol::read_file(&String::from_utf8_lossy(data));
}

pub(super) fn table_seeds() -> Vec<Vec<u8>> {
    let table = |name: u8, map: &str, file: &[u8]| {
        let mut input = vec![name];
        piece(&mut input, map.as_bytes());
        input.extend(file);
        input
    };
    let messy = crate::data::messy_csv(&mut crate::Dice::new(1), 6, 3).csv;
    let other = kentongan_agent::inbox::testdata::messy_complaints(5, 3).text.into_bytes();
    let mut dice = crate::Dice::new(2);
    let records = [crate::data::complaint(&mut dice, 1), crate::data::survey(&mut dice, 2)];
    let lines: Vec<String> = records.iter().map(|one| serde_json::Value::Object(one.clone()).to_string()).collect();
    let map = "form = \"pengaduan\"\ndates = [\"dd/mm/yyyy\"]\noffset = \"+07:00\"\nid = \"No. Tiket\"\nautomatic = true\n\
               [fields]\nuraian = { from = [\"ISI LAPORAN\", \"Lokasi Kejadian\"], separator = \" - \" }\n\
               kategori = { from = \"Jenis Aduan\", values = { \"Antrean\" = \"antrean\" }, unknown = \"lainnya\" }\n\
               kanal = { const = \"wa\" }\n";
    let utf16: Vec<u8> =
        "\u{feff}Isi laporan\tTanggal\r\nAntre\t1/2/2026\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        table(0, "", &messy),
        table(0, map, &messy),
        table(3, "", &other),
        table(1, "", lines.join("\n").as_bytes()),
        table(1, "", format!("[{}]", lines.join(",\n")).as_bytes()),
        table(2, "", &utf16),
        table(0, "", b"sep=|\r\nIsi laporan|Kategori\r\n\"satu\r\ndua\"|Antrean\r\n"),
        table(
            0,
            "form = \"skm\"\nheader_row = 2\ndelimiter = \";\"\nencoding = \"windows-1252\"\n",
            b"x\nusia;jenis_kelamin\n40;L\n",
        ),
    ]
}

pub(super) fn sheet_seeds() -> Vec<Vec<u8>> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    let date = rust_xlsxwriter::Format::new().set_num_format("dd/mm/yyyy");
    for (column, title) in (0_u16..).zip(["Isi laporan", "Kategori", "Kanal", "Tanggal kejadian"]) {
        sheet.write_string(0, column, title).expect("written");
    }
    for (row, text) in (1_u32..).zip(["Antre lama", "Wc kotor", ""]) {
        sheet.write_string(row, 0, text).expect("written");
        sheet.write_string(row, 1, "Antrean").expect("written");
        sheet.write_boolean(row, 2, true).expect("written");
        sheet.write_number_with_format(row, 3, 46_000.5 + f64::from(row), &date).expect("written");
    }
    let archive = workbook.save_to_buffer().expect("saved");
    vec![unpacked(&archive), [&[1], archive.as_slice()].concat()]
}

pub(super) fn settings_seeds() -> Vec<Vec<u8>> {
    let programs: [(u8, Program, &'static [Opt]); 2] =
        [(0, Program::Agent, kentongan_agent::config::OPTIONS), (1, Program::Hub, kentongan_hub::config::OPTIONS)];
    let mut seeds = Vec::new();
    for (number, program, options) in programs {
        let uncommented =
            |line: &str| line.strip_prefix('#').filter(|line| line.contains(" = ")).unwrap_or(line).to_owned();
        let full: Vec<String> = sample(program, options).lines().map(uncommented).collect();
        let lean: Vec<String> =
            options.iter().map(|opt| format!("{}.{} = {:?}", opt.table, opt.key, opt.default)).collect();
        seeds.extend([full, lean].map(|lines| [&[number], lines.join("\n").as_bytes()].concat()));
    }
    seeds
}

pub(super) fn enrol_file_seeds() -> Vec<Vec<u8>> {
    vec![b"hub = \"https://pusat.example:8743\"\ncode = \"2345-6789-ABCD-EFGH-JKMN\"\n".to_vec()]
}
