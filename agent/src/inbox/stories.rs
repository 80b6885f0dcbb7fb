//! What happens to dropped files, told as stories. The store is a fake that keeps its promises and fails on demand.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use kentongan_host::Lang;
use kentongan_protocol::form::{Value, builtin};
use kentongan_protocol::ids::{LogId, OpId, RecordId};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

use super::folder::{Handled, Inbox};
use super::testdata::messy_complaints;
use super::*;
use crate::entry::{ImportRow, Intake, NewRecord, RowOutcome};

static NEVER: AtomicBool = AtomicBool::new(false);

/// Takes rows as the store does: each name once, a known id with another name is a change.
#[derive(Default)]
struct Shelf {
    names: HashMap<[u8; 32], ()>,
    sources: HashMap<[u8; 32], ()>,
    records: Vec<NewRecord>,
    batches: usize,
    /// The transaction that fails, counted from 1.
    fails_at: Option<usize>,
}

impl Intake for Shelf {
    fn take(&mut self, rows: Vec<ImportRow>) -> anyhow::Result<Vec<RowOutcome>> {
        self.batches += 1;
        anyhow::ensure!(self.fails_at != Some(self.batches), "the disk is full");
        let take = |row: ImportRow| {
            if self.names.contains_key(&row.name) {
                return RowOutcome::Repeated;
            }
            if row.source.is_some_and(|source| self.sources.insert(source, ()).is_some()) {
                return RowOutcome::Changed;
            }
            self.names.insert(row.name, ());
            self.records.push(row.record);
            let seq = self.records.len() as u64;
            RowOutcome::Taken { record: RecordId(OpId { log: LogId(7), seq }), receipt: None }
        };
        Ok(rows.into_iter().map(take).collect())
    }
}

impl Shelf {
    /// Fields of the n-th record by name, as text.
    fn fields(&self, n: usize) -> BTreeMap<&'static str, String> {
        let record = &self.records[n];
        let form = builtin::by_tag(record.form).expect("a form");
        let field = |tag| form.field(tag).expect("a field");
        let values = record.writes.iter().flat_map(|(_, values)| values);
        values.map(|(tag, value)| (field(*tag).name.as_str(), value.render(field(*tag)))).collect()
    }
}

fn options() -> Options<'static> {
    Options {
        lang: Lang::Id,
        author: "Sari".to_owned(),
        offset_min: 420,
        map: MapChoice::Beside,
        rejected_folders: Vec::new(),
        entered: ListEntered::No,
        stop: &NEVER,
    }
}

struct Desk {
    dir: tempfile::TempDir,
    shelf: Shelf,
}

impl Desk {
    fn new() -> Desk {
        Desk { dir: tempfile::tempdir().expect("a temporary folder"), shelf: Shelf::default() }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content).expect("write");
        path
    }

    fn import(&mut self, name: &str) -> Result<Report, ImportError> {
        import_file(&self.dir.path().join(name), &options(), &mut self.shelf, &mut |_| ())
    }

    /// Drops a file and imports it: taken, repeated, changed, rejected.
    fn counts(&mut self, name: &str, content: impl AsRef<[u8]>) -> [u64; 4] {
        self.write(name, content);
        let report = self.import(name).expect("an import");
        let Report { rows, taken, repeated, changed, rejected, .. } = report;
        assert_eq!(rows, taken + repeated + changed + rejected);
        [taken, repeated, changed, rejected]
    }

    fn inbox(&self) -> Inbox {
        Inbox::open(self.dir.path()).expect("an inbox")
    }

    fn process(&mut self, name: &str) -> Result<Handled, ImportError> {
        self.inbox().process(OsStr::new(name), &options(), &mut self.shelf, &mut |_| ())
    }

    fn has(&self, name: &str) -> bool {
        self.dir.path().join(name).exists()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).expect("read")
    }
}

#[test]
fn the_good_rows_of_a_messy_file_go_in_and_the_bad_ones_come_back_with_reasons() {
    let messy = messy_complaints(2_000, 7);
    assert_eq!(messy.bad_rows.len(), 60);
    let mut desk = Desk::new();
    desk.write("aduan.csv", &messy.text);
    let report = desk.import("aduan.csv").expect("an import");
    assert_eq!((report.rows, report.taken, report.rejected), (2_000, 1_940, 60));
    assert_eq!(report.ignored_columns, Vec::<String>::new(), "the last column is empty");
    assert_eq!(report.refusals.len(), REFUSALS_LISTED_MAX);
    let fields: Vec<&str> = report.refusals.iter().take(6).map(|refusal| refusal.field.as_str()).collect();
    assert_eq!(fields, ["tanggal_kejadian", "telepon_pelapor", "kategori", "uraian", "dibayar", ""]);
    assert_eq!(report.refusals[0].reason, "Tanggal kejadian: Bukan tanggal yang ada. Contoh: 2026-11-21.");
    assert_eq!(report.refusals[3].reason, "Uraian: Wajib diisi.");
    let list = desk.read("aduan-rejected.csv");
    let rows: Vec<u64> = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(list.trim_start_matches('\u{feff}').as_bytes())
        .records()
        .map(|record| record.expect("a row")[0].parse().expect("a number"))
        .collect();
    assert_eq!(rows, messy.bad_rows);
    assert!(list.starts_with("\u{feff}baris,bidang,alasan,NO,"), "{list}");
}

#[test]
fn the_same_file_again_enters_nothing() {
    let messy = messy_complaints(700, 3);
    let mut desk = Desk::new();
    assert_eq!(desk.counts("a.csv", &messy.text), [679, 0, 0, 21]);
    assert_eq!(desk.counts("b.csv", &messy.text), [0, 679, 0, 21]);
    assert_eq!(desk.shelf.records.len(), 679);
}

#[test]
fn a_mended_list_of_refused_rows_goes_in_under_any_name() {
    let mut desk = Desk::new();
    let text = "Nama;Isi laporan;Tgl kejadian\nSari;Antre lama;21/11/2026\nBudi;Loket tutup;31/02/2026\n";
    assert_eq!(desk.counts("aduan.csv", text), [1, 0, 0, 1]);
    let mended = desk.read("aduan-rejected.csv").replace("31/02/2026", "28/02/2026").replace(',', ";");
    assert_eq!(desk.counts("sudah diperbaiki.csv", mended), [1, 0, 0, 0]);
    assert_eq!(desk.shelf.fields(1)["tanggal_kejadian"], "2026-02-28");
    assert_eq!(desk.shelf.fields(1)["nama_pelapor"], "Budi");
}

#[test]
fn two_people_with_the_same_answers_are_two_records() {
    let mut desk = Desk::new();
    let text = "U1,U2,U3,Umur\n4,4,4,30\n4,4,4,30\n3,4,4,30\n";
    assert_eq!(desk.counts("skm.csv", text), [3, 0, 0, 0]);
    assert_eq!(desk.counts("skm lagi.csv", text), [0, 3, 0, 0]);
}

#[test]
fn a_row_that_changed_in_the_older_system_is_not_taken_twice_and_is_said() {
    let mut desk = Desk::new();
    desk.write("map.toml", "form = \"pengaduan\"\nid = \"Tiket\"\n");
    assert_eq!(desk.counts("mei.csv", "Tiket,Isi laporan\nT-1,Antre lama\nT-2,Loket tutup\n"), [2, 0, 0, 0]);
    assert_eq!(desk.counts("juni.csv", "Tiket,Isi laporan\nT-1,Antre lama sekali\nT-2,Loket tutup\n"), [0, 1, 1, 0]);
    assert!(desk.read("juni-rejected.csv").contains("2,,Nomor ini sudah pernah masuk dengan isi lain."));
}

#[test]
fn a_spreadsheet_with_typed_cells_is_as_good_as_text() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let date = Format::new().set_num_format("dd/mm/yyyy");
    for (column, title) in (0..).zip(["Isi Laporan", "Tgl Kejadian", "Jenis Aduan", "Media", "Yang dibayar"]) {
        sheet.write_string(0, column, title).expect("write");
    }
    sheet.write_string(1, 0, "Diminta membayar").expect("write");
    let day = ExcelDateTime::from_ymd(2026, 11, 21).expect("a day");
    sheet.write_datetime_with_format(1, 1, &day, &date).expect("write");
    sheet.write_string(1, 2, "Biaya dan pungutan").expect("write");
    sheet.write_string(1, 3, "WA").expect("write");
    sheet.write_number(1, 4, 50_000.0).expect("write");
    sheet.write_string(2, 0, "Antre lama").expect("write");
    sheet.write_string(2, 4, "lima").expect("write");
    let mut desk = Desk::new();
    assert_eq!(desk.counts("aduan.xlsx", workbook.save_to_buffer().expect("save")), [1, 0, 0, 1]);
    let expected = [
        ("dibayar", "50000"),
        ("kanal", "wa"),
        ("kategori", "biaya_pungutan"),
        ("tanggal_kejadian", "2026-11-21"),
        ("uraian", "Diminta membayar"),
    ];
    assert_eq!(desk.shelf.fields(0), expected.map(|(name, value)| (name, value.to_owned())).into());
    let list = desk.read("aduan-rejected.csv");
    assert!(list.contains("\r\n3,dibayar; kategori; kanal,"), "{list}");
}

const OLDER_SYSTEM: &str = r#"{"kind":"complaint","id":"a-1","office":"94.01","unit":"DESA","category":"jalan_jembatan","channel":"loket","reporter":{"name":null,"phone":null,"anonymous":true},"location":"Dusun Dua","text":"Jembatan putus","occurred_at":"2026-02-15","received_at":"2026-03-03T07:51:37+09:00","status":"baru"}
{"kind":"skm","id":"a-2","office":"94.01","unit":"PUSTU","service":"ktp-el","respondent":{"age":42,"sex":"L","education":"D3","occupation":"nelayan"},"answers":[3,2,4,3,2,4,3,1,2],"comment":null,"received_at":"2026-03-03T08:34:16+09:00"}
{"kind":"complaint","id":"a-3","unit":"DESA","category":"pendidikan","channel":"radio","reporter":{"name":"Sari","phone":"0800-555-0100","anonymous":false},"text":"Guru tidak masuk","occurred_at":"2026-02-16","received_at":"2026-03-03T07:51:37+09:00"}
{"kind":"skm","id":"a-4","unit":"PUSTU","respondent":{"age":42,"sex":"P","education":"SMA","occupation":"asn"},"answers":[3,2,4,3,2,4,3,1,2],"received_at":"2026-03-03T08:34:16+09:00"}
"#;

#[test]
fn an_export_of_an_older_system_goes_in_through_a_map() {
    let mut desk = Desk::new();
    desk.write("lama.jsonl.map.toml", include_str!("../../../tests/data/older-system.map.toml"));
    assert_eq!(desk.counts("lama.jsonl", OLDER_SYSTEM), [3, 0, 0, 1]);
    let complaint = desk.shelf.fields(0);
    let field = |name: &str| complaint.get(name).map(String::as_str);
    assert_eq!([field("kategori"), field("kanal")], [Some("infrastruktur"), Some("tatap_muka")]);
    assert_eq!([field("privasi"), field("nama_pelapor")], [Some("anonim"), None]);
    assert_eq!(field("diterima_pada"), Some("2026-03-03T07:51:37+09:00"));
    let survey = desk.shelf.fields(1);
    assert_eq!([survey["sarpras"].as_str(), survey["pengaduan"].as_str()], ["1", "2"]);
    assert_eq!([survey["pekerjaan"].as_str(), survey["pekerjaan_lain"].as_str()], ["lainnya", "nelayan"]);
    assert!(!desk.shelf.fields(2).contains_key("pekerjaan_lain"));
    let list = desk.read("lama-rejected.csv");
    assert!(
        list.contains("\r\n3,kanal,Saluran: Pilihan ini tidak dikenal. Pilihan: tatap_muka,")
            || list.contains("\r\n3,kanal,\"Saluran:"),
        "{list}"
    );
    // The list comes back as CSV with the flattened keys as titles, and the same map serves it.
    let mended = list.replace("radio", "surat");
    assert_eq!(desk.counts("lama-rejected.csv", mended), [1, 0, 0, 0]);
}

#[test]
fn our_own_export_comes_back_in_and_keeps_the_citizens_code() {
    let mut desk = Desk::new();
    let line = r#"{"schema":"kentongan.complaint/1","id":"00000000000000ff-1","code":"KTG-7K3M-Q2H9D-R","office":"32.73","form":"pengaduan","uraian":"Antre lama","kategori":"antrean","kanal":"wa","diterima_pada":"2026-11-21T14:05:00+07:00"}
{"schema":"kentongan.survey/1","id":"00000000000000fe-1","code":null,"office":"32.73","form":"skm","persyaratan":"4","sarpras":"3"}
"#;
    assert_eq!(desk.counts("ekspor.jsonl", line), [2, 0, 0, 0]);
    assert_eq!(desk.shelf.fields(0)["nomor_asal"], "KTG-7K3M-Q2H9D-R");
    assert_eq!(desk.shelf.fields(1)["sarpras"], "3");
    let other = line.replace("Antre lama", "Antre lama sekali");
    assert_eq!(desk.counts("ekspor2.jsonl", other), [0, 1, 1, 0]);
}

#[test]
fn a_read_file_lies_in_done_and_its_bad_rows_beside_it() {
    let mut desk = Desk::new();
    desk.inbox();
    desk.write("aduan.csv", "Isi laporan,Tgl kejadian\nAntre lama,21/11/2026\nLoket tutup,besok\n");
    let Ok(Handled::Done { report, moved_to }) = desk.process("aduan.csv") else { panic!("not done") };
    assert_eq!((report.taken, report.rejected), (1, 1));
    assert_eq!(moved_to, desk.dir.path().join("done/aduan.csv"));
    assert!(!desk.has("aduan.csv") && desk.has("done/aduan.csv") && desk.has("done/aduan-rejected.csv"));
    assert!(!desk.has("done/.aduan-rejected.part"));
}

#[test]
fn a_file_that_cannot_be_read_is_set_aside_with_a_reason_in_words() {
    let mut desk = Desk::new();
    desk.write("foto.csv", b"\x89PNG\r\n\x1a\n\0\0");
    desk.write("lama.xls", "x");
    desk.write("barang.csv", "Barang,Harga\nKursi,5\n");
    for name in ["foto.csv", "lama.xls", "barang.csv"] {
        let handled = desk.process(name).expect("handled");
        assert!(matches!(handled, Handled::Rejected { .. }), "{name}: {handled:?}");
        assert!(!desk.has(name) && desk.has(&format!("rejected/{name}")));
    }
    let reason = desk.read("rejected/foto.csv.alasan.txt");
    assert!(reason.starts_with("Berkas ini (PNG) tidak bisa dibaca. Simpan sebagai CSV atau XLSX."), "{reason}");
    assert!(reason.contains("Tidak ada baris yang masuk."), "{reason}");
    assert!(desk.read("rejected/barang.csv.alasan.txt").contains("Judul kolom: Barang, Harga."));
    assert!(desk.shelf.records.is_empty());
}

#[test]
fn a_wrong_map_is_named_with_its_line() {
    let mut desk = Desk::new();
    desk.write("map.toml", "form = \"pengaduan\"\n[fields]\nuraian = \"Isi\"\nkatagori = \"Jenis\"\n");
    desk.write("aduan.csv", "Isi,Jenis\nAntre lama,antrean\n");
    assert!(matches!(desk.process("aduan.csv"), Ok(Handled::Rejected { .. })));
    let reason = desk.read("rejected/aduan.csv.alasan.txt");
    assert!(
        reason.starts_with("map.toml, baris 4: 'katagori' tidak dikenal, mungkin maksudnya 'kategori'"),
        "{reason}"
    );
}

#[test]
fn a_store_that_fails_at_any_transaction_loses_and_repeats_nothing() {
    let messy = messy_complaints(2_100, 11);
    for fails_at in 1..=5 {
        let mut desk = Desk::new();
        desk.inbox();
        desk.shelf.fails_at = Some(fails_at);
        desk.write("aduan.csv", &messy.text);
        let error = desk.process("aduan.csv").map(|_| ()).expect_err("the disk is full");
        assert!(matches!(error.fault, ImportFault::Store(_)));
        assert!(desk.has("aduan.csv") && !desk.has("done/aduan.csv") && !desk.has("done/aduan-rejected.csv"));
        desk.shelf.fails_at = None;
        let Ok(Handled::Done { report, .. }) = desk.process("aduan.csv") else { panic!("not done") };
        assert_eq!((report.taken + report.repeated, report.rejected), (2_037, 63), "{fails_at}");
        assert_eq!(desk.shelf.records.len(), 2_037);
    }
}

#[test]
fn an_import_stops_between_two_transactions() {
    let mut desk = Desk::new();
    let path = desk.write("aduan.csv", messy_complaints(2_000, 5).text);
    let stop = AtomicBool::new(false);
    let options = Options { stop: &stop, ..options() };
    let mut batches = 0;
    let outcome = import_file(&path, &options, &mut desk.shelf, &mut |progress| {
        assert!(progress.bytes > 0 && progress.bytes <= progress.bytes_total);
        batches += 1;
        stop.store(batches == 2, Ordering::Relaxed);
    });
    let error = outcome.expect_err("stopped");
    assert!(matches!(error.fault, ImportFault::Stopped));
    assert_eq!((error.so_far.rows, desk.shelf.records.len() as u64), (1_000, error.so_far.taken));
    assert!(!desk.has("aduan-rejected.csv"));
    let again = desk.import("aduan.csv").expect("an import");
    assert_eq!((again.taken + again.repeated, again.rejected), (1_940, 60));
}

#[test]
fn a_file_that_is_still_written_stays() {
    let mut desk = Desk::new();
    let inbox = desk.inbox();
    let path = desk.write("aduan.csv", "Isi laporan,Nama\nAntre lama,Sari\n");
    let handled = inbox.process(OsStr::new("aduan.csv"), &options(), &mut desk.shelf, &mut |_| {
        fs::write(&path, "Isi laporan,Nama\nAntre lama,Sari\nLoket tutup,Budi\n").expect("write");
    });
    assert!(matches!(handled, Ok(Handled::StillWritten)) && desk.has("aduan.csv"));
    let Ok(Handled::Done { report, .. }) = desk.process("aduan.csv") else { panic!("not done") };
    assert_eq!((report.taken, report.repeated), (1, 1));
    assert!(matches!(desk.process("aduan.csv"), Ok(Handled::Gone)));
}

#[test]
fn a_fault_in_the_middle_keeps_what_came_before_it() {
    let mut desk = Desk::new();
    let mut text = "Isi laporan,Nama\n".to_owned();
    (0..600).for_each(|row| text.push_str(&format!("Antre lama {row},Sari\n")));
    text.push_str("\"tanpa akhir");
    text.push_str(&"x".repeat(3 * 1024 * 1024));
    desk.write("aduan.csv", &text);
    let Ok(Handled::Rejected { error, .. }) = desk.process("aduan.csv") else { panic!("not rejected") };
    assert_eq!((error.so_far.taken, desk.shelf.records.len()), (600, 600));
    let reason = desk.read("rejected/aduan.csv.alasan.txt");
    assert!(reason.starts_with("Baris 602 tidak ada ujungnya") && reason.contains("600 baris"), "{reason}");
}

#[test]
fn what_an_op_cannot_carry_is_refused_row_by_row() {
    let mut desk = Desk::new();
    let long = "é".repeat(5_000);
    let text = format!(
        "Isi laporan,Petugas penerima,Jawaban,Catatan,Account of the finding,Tindak lanjut\n{long},Sari,{long},{long},{long},{long}\nx,{},,,,\ny,Sari,,,,\n",
        "n".repeat(65)
    )
    .replace('é', "€€");
    let shorter = text.replace(&"€".repeat(10_000), &"€".repeat(5_000));
    assert_eq!(desk.counts("aduan.csv", shorter), [1, 0, 0, 2]);
    let list = desk.read("aduan-rejected.csv");
    assert!(list.contains("Semua isian bersama-sama terlalu panjang"), "{}", &list[..200]);
    assert!(list.contains("3,penerima,\"Petugas penerima: Terlalu panjang: 65 huruf, paling banyak 64.\""), "{list}");
}

#[test]
fn the_report_is_one_document_for_scripts() {
    let mut desk = Desk::new();
    desk.write("aduan.csv", "Isi laporan,Nama,Paraf\nAntre lama,Sari,S\n");
    let path = desk.dir.path().join("aduan.csv");
    let options = Options { entered: ListEntered::Yes, lang: Lang::En, ..options() };
    let report = import_file(&path, &options, &mut desk.shelf, &mut |_| ()).expect("an import");
    let mut document = serde_json::to_value(&report).expect("a document");
    assert!(document["file"].take().as_str().is_some_and(|file| file.ends_with("aduan.csv")));
    let expected = serde_json::json!({
        "schema": "kentongan.agent.import/1", "file": null, "map": null,
        "rows": 1, "taken": 1, "repeated": 0, "changed": 0, "rejected": 0, "rejected_file": null, "refusals": [],
        "ignored_columns": ["Paraf"], "assumed": ["kategori=lainnya", "kanal=lainnya"],
        "entered": [{"row": 2, "record": "0000000000000007-1", "code": null}],
    });
    assert_eq!(document, expected);
}

#[test]
fn who_enters_a_row_is_the_map_s_author_or_the_callers() {
    let mut desk = Desk::new();
    desk.counts("a.csv", "Isi laporan,Nama\nAntre lama,Sari\n");
    desk.write("b.map.toml", "author = \"Arsip 2025\"");
    desk.counts("b.csv", "Isi laporan,Nama\nLoket tutup,Sari\n");
    let authors: Vec<&str> = desk.shelf.records.iter().map(|record| record.author.as_str()).collect();
    assert_eq!(authors, ["Sari", "Arsip 2025"]);
}

#[test]
fn a_list_that_cannot_lie_beside_the_file_lies_in_the_next_folder() {
    let mut desk = Desk::new();
    let path = desk.write("aduan.csv", "Isi laporan,Tgl kejadian\nx,besok\n");
    let folders = vec![Path::new("/proc/nowhere").to_owned(), desk.inbox().done()];
    let options = Options { rejected_folders: folders, ..options() };
    let report = import_file(&path, &options, &mut desk.shelf, &mut |_| ()).expect("an import");
    assert!(report.rejected_file.is_some_and(|file| file.ends_with("done/aduan-rejected.csv")));
}

#[test]
fn values_are_typed_by_the_form() {
    let mut desk = Desk::new();
    desk.counts("a.csv", "Isi laporan,Tgl masuk,Yang dibayar\nAntre lama,21/11/2026 14.05 WITA,Rp 5.000\n");
    let record = &desk.shelf.records[0];
    let values: Vec<&Value> = record.writes.iter().flat_map(|(_, values)| values.values()).collect();
    let moment = Value::DateTime { utc_ms: 1_795_241_100_000, offset_min: 480 };
    assert!(values.contains(&&moment) && values.contains(&&Value::Whole(5_000)), "{values:?}");
}
