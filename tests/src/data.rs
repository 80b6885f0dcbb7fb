//! Records in words that offices would use. All people and numbers are invented.

use std::path::Path;

use kentongan_protocol::form::builtin::skm;
use serde_json::{Map, Value, json};

use crate::dice::Dice;

const OPENINGS: [&str; 10] = [
    "Selamat pagi, saya mau melapor.",
    "Mohon maaf mengganggu.",
    "Sudah tiga kali saya datang ke sini.",
    "Tolong diperhatikan, pak/bu.",
    "Kami warga RT 04 kecewa.",
    "Ini keluhan kedua dari keluarga kami.",
    "Assalamualaikum.",
    "Langsung saja.",
    "Saya titip pesan dari tetangga yang tidak bisa menulis.",
    "Maaf tulisan saya kurang rapi.",
];

const WHEN: [&str; 16] = [
    "kemarin siang",
    "sejak bulan lalu",
    "tiap hari Senin",
    "waktu hujan besar",
    "sesudah Lebaran",
    "hampir setahun ini",
    "tadi pagi sebelum jam delapan",
    "minggu kedua bulan ini",
    "dua hari berturut-turut",
    "malam Jumat",
    "saat pembagian raskin",
    "menjelang ujian sekolah",
    "sepulang dari ladang",
    "waktu posyandu",
    "akhir tahun kemarin",
    "setiap tanggal muda",
];

const WHO: [&str; 18] = [
    "ibu saya yang sudah sepuh",
    "anak bungsu kami",
    "petugas di meja depan",
    "pegawai yang memakai rompi",
    "mertua saya",
    "beberapa pedagang sayur",
    "ketua kelompok tani",
    "bidan pengganti",
    "sopir ambulans",
    "warga dari dusun seberang",
    "guru honorer",
    "tukang ojek di pangkalan",
    "kader kesehatan",
    "seorang bapak tua",
    "rombongan dari kampung hilir",
    "keponakan saya yang difabel",
    "juru parkir",
    "nelayan yang baru pulang",
];

const DID: [&str; 20] = [
    "menunggu sampai sore tanpa kejelasan soal",
    "disuruh pulang untuk melengkapi",
    "membayar dua kali demi",
    "tidak pernah dipanggil untuk",
    "menemukan kesalahan tulis pada",
    "kehilangan berkas asli",
    "harus menyeberang sungai demi mengurus",
    "dimarahi ketika bertanya tentang",
    "mendapat jawaban berbeda-beda mengenai",
    "dimintai uang rokok untuk",
    "sudah menyerahkan fotokopi bagi",
    "gagal mengambil",
    "dipingpong ke kecamatan untuk",
    "tidak boleh mewakili keluarga dalam urusan",
    "diberi nomor antrean palsu untuk",
    "melihat tumpukan lama",
    "dijanjikan seminggu untuk",
    "terpaksa meminjam motor demi",
    "diminta tanda tangan kosong pada",
    "mengantre dari subuh demi",
];

const WHAT: [&str; 22] = [
    "kartu keluarga",
    "akta kelahiran",
    "surat pindah",
    "obat gula",
    "imunisasi campak",
    "bantuan beras",
    "sertifikat tanah",
    "izin warung",
    "rujukan ke rumah sakit",
    "surat keterangan usaha",
    "pompa air desa",
    "lampu jalan",
    "jembatan gantung",
    "iuran sampah",
    "pupuk bersubsidi",
    "beasiswa anak",
    "kacamata gratis",
    "pembuatan paspor",
    "pajak bumi",
    "perbaikan atap balai",
    "vaksin ternak",
    "kursi roda",
];

const AND_THEN: [&str; 16] = [
    "padahal di papan tertulis gratis",
    "lalu kantor tutup begitu saja",
    "dan sampai sekarang belum ada kabar",
    "sehingga kami rugi ongkos",
    "katanya jaringan sedang rusak",
    "tanpa diberi kuitansi",
    "sementara yang kenal orang dalam didahulukan",
    "akibatnya anak tidak bisa daftar sekolah",
    "lalu berkasnya dinyatakan hilang",
    "dan kursi tunggu cuma ada tiga",
    "alasannya tinta habis",
    "padahal rumah kami paling dekat",
    "sebab kepala seksi sedang rapat",
    "dan airnya berbau karat",
    "lalu disuruh menghubungi nomor yang tidak aktif",
    "hingga harga naik dua kali lipat",
];

const WISHES: [&str; 8] = [
    "Mohon ditindaklanjuti.",
    "Kapan diperbaiki?",
    "Kami minta penjelasan tertulis.",
    "Kalau bisa sebelum Lebaran.",
    "Uang saya minta dikembalikan.",
    "Terima kasih banyak sebelumnya, semoga jadi perhatian.",
    "Nomor saya aktif kalau mau bertanya.",
    "",
];

const PLACES: [&str; 8] = [
    "Dusun Krajan RT 02/RW 01",
    "Kp. Cibeber",
    "Jl. Merdeka no. 7; depan pasar",
    "Blok \"C\" pasar lama",
    "Puskesmas pembantu Sukamaju",
    "dermaga kecil, sebelah gudang",
    "Desa Tanjung Ria",
    "Lr. Kenanga",
];

const NAMES: [&str; 8] = ["Sari W.", "Budi S.", "Wayan K.", "Maria T.", "Udin", "Siti R.", "Yohanes L.", "Nur'aini"];

const CATEGORIES: [&str; 6] =
    ["antrean", "waktu_layanan", "biaya_pungutan", "infrastruktur", "obat_alkes", "dokumen_kependudukan"];

const CHANNELS: [&str; 5] = ["tatap_muka", "kotak_saran", "telepon", "wa", "surat"];

/// Text of a complaint: two to five sentences, different each time, because its number stands in it.
pub fn complaint_text(dice: &mut Dice, number: usize) -> String {
    let mut sentences = Vec::new();
    if dice.percent(60) {
        sentences.push(dice.pick(&OPENINGS).to_owned());
    }
    sentences.push(format!("Laporan {number}: {}.", clause(dice)));
    for _ in 0..dice.below(3) {
        let clause = clause(dice);
        let mut letters = clause.chars();
        let first: String = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
        sentences.push(format!("{first}{}.", letters.as_str()));
    }
    sentences.push(dice.pick(&WISHES).to_owned());
    typed(dice, sentences.join(" ").trim_end())
}

/// As people type on a counter's keyboard: words shortened, letters swapped or left out.
fn typed(dice: &mut Dice, text: &str) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for word in words.iter_mut().filter(|word| word.len() > 4 && word.bytes().all(|byte| byte.is_ascii_lowercase())) {
        let place = 1 + dice.below(word.len() as u64 - 2) as usize;
        match dice.below(100) {
            0..6 => drop(word.remove(place)),
            6..9 => {
                let letter = word.remove(place);
                word.insert(place - 1, letter);
            }
            9..13 => *word = word.chars().filter(|letter| !"aiueo".contains(*letter)).collect(),
            _ => {}
        }
    }
    words.join(" ")
}

/// A name of a hamlet, a lane or a person that is in no list.
fn invented_name(dice: &mut Dice) -> String {
    const SYLLABLES: [&str; 24] = [
        "ba", "ci", "du", "ga", "ka", "la", "ma", "ni", "pa", "ra", "sa", "ti", "wu", "ya", "jo", "ke", "lo", "mbe",
        "ngu", "nda", "rang", "tan", "sing", "rejo",
    ];
    let mut name: String = (0..2 + dice.below(3)).map(|_| dice.pick(&SYLLABLES)).collect();
    if let Some(first) = name.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    name
}

fn clause(dice: &mut Dice) -> String {
    let (when, who, did, what) = (dice.pick(&WHEN), dice.pick(&WHO), dice.pick(&DID), dice.pick(&WHAT));
    let cost = if dice.percent(25) { format!(", habis Rp{}.000", 5 + dice.below(900)) } else { String::new() };
    let place = if dice.percent(70) { format!(" di {}", invented_name(dice)) } else { String::new() };
    format!("{when} {who} {did} {what}{place}{cost}, {}", dice.pick(&AND_THEN))
}

/// A complaint by the names of its form's fields.
pub fn complaint(dice: &mut Dice, number: usize) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: String| fields.insert(name.to_owned(), Value::String(value));
    put("nomor_asal", format!("A-{number:05}"));
    put("uraian", complaint_text(dice, number));
    put("kategori", dice.pick(&CATEGORIES).to_owned());
    put("kanal", dice.pick(&CHANNELS).to_owned());
    put("lokasi", format!("{}, {}", dice.pick(&PLACES), invented_name(dice)));
    put("tanggal_kejadian", format!("2026-{:02}-{:02}", 1 + dice.below(9), 1 + dice.below(28)));
    if dice.percent(55) {
        put("nama_pelapor", format!("{} {}", dice.pick(&NAMES), invented_name(dice)));
        put("telepon_pelapor", format!("08{:010}", dice.below(10_000_000_000)));
    }
    fields
}

/// A survey answer by the names of its form's fields.
pub fn survey(dice: &mut Dice, number: usize) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("nomor_asal".to_owned(), json!(format!("S-{number:05}")));
    fields.insert("tanggal".to_owned(), json!(format!("2026-{:02}-{:02}", 1 + dice.below(9), 1 + dice.below(28))));
    fields.insert("layanan".to_owned(), json!(dice.pick(&["Kartu keluarga", "Surat pengantar", "Imunisasi"])));
    fields.insert("jenis_kelamin".to_owned(), json!(dice.pick(&["l", "p"])));
    fields.insert("usia".to_owned(), json!(17 + dice.below(60)));
    for (key, _) in skm::ELEMENTS {
        // The choices of an element are its scores, from 1 to 4.
        fields.insert(key.to_owned(), json!((1 + dice.below(4)).to_string()));
    }
    if dice.percent(30) {
        fields.insert("saran".to_owned(), json!(clause(dice)));
    }
    fields
}

/// Records as JSON lines, six complaints to four surveys; the same at each call.
pub fn json_lines(count: usize) -> String {
    let mut dice = Dice::new(2_026);
    let rows: Vec<_> = (0..count)
        .map(|number| match number % 5 {
            0..3 => ("pengaduan", complaint(&mut dice, number)),
            _ => ("skm", survey(&mut dice, number)),
        })
        .collect();
    lines_of(rows.iter().map(|(form, fields)| (*form, fields)))
}

/// Writes records as JSON lines, each with the name of its form.
///
/// # Panics
/// If the file cannot be written.
pub fn write_json_lines<'a>(file: &Path, records: impl IntoIterator<Item = (&'a str, &'a Map<String, Value>)>) {
    std::fs::write(file, lines_of(records)).expect("write a file of records");
}

fn lines_of<'a>(records: impl IntoIterator<Item = (&'a str, &'a Map<String, Value>)>) -> String {
    let mut text = String::new();
    for (form, fields) in records {
        let mut row = Map::new();
        row.insert("form".to_owned(), json!(form));
        row.extend(fields.clone());
        text.push_str(&Value::Object(row).to_string());
        text.push('\n');
    }
    text
}

/// A spreadsheet as offices keep it, and which of its rows are wrong.
#[derive(Debug)]
pub struct Messy {
    /// The file: titles nobody agreed on, semicolons, a mark at the start, CRLF.
    pub csv: Vec<u8>,
    /// Numbers of the wrong rows as a spreadsheet shows them, the titles being row 1.
    pub bad_rows: Vec<u64>,
    /// Texts of the good rows, in their order.
    pub good_texts: Vec<String>,
}

/// `rows` complaints, every `bad_every`-th of them wrong in one of several ways.
///
/// # Panics
/// If memory cannot hold it.
pub fn messy_csv(dice: &mut Dice, rows: usize, bad_every: usize) -> Messy {
    let mut bytes = vec![0xef, 0xbb, 0xbf];
    let mut messy = Messy { csv: Vec::new(), bad_rows: Vec::new(), good_texts: Vec::new() };
    let mut writer =
        csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(&mut bytes);
    let titles = [
        "No.",
        "Tgl. Kejadian",
        "Nama  Pelapor",
        "No. HP/WA",
        "ISI LAPORAN",
        "Jenis Aduan",
        "Media",
        "Lokasi Kejadian",
        "No. Tiket",
        "Paraf",
    ];
    writer.write_record(titles).expect("write titles");
    for number in 1..=rows {
        let row = messy_row(dice, number, number % bad_every == 0, &mut messy);
        writer.write_record(&row).expect("write a row");
    }
    drop(writer);
    messy.csv = bytes;
    messy
}

fn messy_row(dice: &mut Dice, number: usize, bad: bool, messy: &mut Messy) -> [String; 10] {
    let date = [
        format!("{:02}/{:02}/2026", 1 + dice.below(28), 1 + dice.below(9)),
        format!("{}-{}-2026", 13 + dice.below(15), 1 + dice.below(9)),
        format!("2026-{:02}-{:02}", 1 + dice.below(9), 1 + dice.below(28)),
        String::new(),
    ];
    let phone = [format!("0812-{:04}-{:04}", dice.below(10_000), dice.below(10_000)), String::new()];
    let category = ["Antrean", "biaya dan pungutan", "INFRASTRUKTUR", "Waktu layanan"];
    let mut row = [
        number.to_string(),
        date[dice.below(4) as usize].clone(),
        if dice.percent(50) { dice.pick(&NAMES).to_owned() } else { "-".to_owned() },
        phone[dice.below(2) as usize].clone(),
        complaint_text(dice, number),
        dice.pick(&category).to_owned(),
        dice.pick(&["Datang langsung", "WhatsApp", "Telepon"]).to_owned(),
        dice.pick(&PLACES).to_owned(),
        format!("LAMA/{number:05}"),
        String::new(),
    ];
    if bad {
        match (number / 7) % 3 {
            0 => row[4] = String::new(),
            1 => row[1] = "31/02/2026".to_owned(),
            _ => row[3] = "tidak punya HP".to_owned(),
        }
        messy.bad_rows.push(number as u64 + 1);
    } else {
        messy.good_texts.push(row[4].clone());
    }
    row
}
