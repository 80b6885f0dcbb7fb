//! A file such as offices really have, of any length, for tests and benches: messy titles, dates in four spellings,
//! texts with separators and line breaks, and a known number of rows that cannot be taken.

use std::fmt::Write;

/// The file, and what an import must make of it.
#[derive(Debug, Clone)]
pub struct Messy {
    /// The file: CSV with semicolons, CRLF and a byte order mark, as Excel with Indonesian settings writes it.
    pub text: String,
    /// Rows under the titles.
    pub rows: usize,
    /// Rows that must be refused, as the spreadsheet numbers them.
    pub bad_rows: Vec<u64>,
}

const TITLES: &str = "NO;Tgl. Masuk;Nama  Pelapor;No. HP/WA;Alamat;Tgl Kejadian;LOKASI KEJADIAN;Jenis Aduan;ISI LAPORAN;\
                      Media Pengaduan;Unit Layanan;Yang dibayar;Ket. Paraf";
const NAMES: [&str; 8] = ["Sari", "Budi", "Wayan", "Ujang", "Butet", "Siti", "Made", "-"];
const PLACES: [&str; 6] = ["Dusun Satu", "RT 03/RW 02", "Balai desa", "Loket 2", "Ruang tunggu", "Jembatan lama"];
const CATEGORIES: [&str; 7] =
    ["Antrean", "waktu_layanan", "BIAYA DAN PUNGUTAN", "Sarana dan prasarana", "Informasi", "Infrastruktur", "lainnya"];
const CHANNELS: [&str; 6] = ["Datang langsung", "WA", "Kotak Saran", "surat", "Telp", "SMS"];
const SUBJECTS: [&str; 6] = [
    "Antre dari pagi; baru dipanggil siang",
    "Wc puskesmas kotor dan air tidak mengalir",
    "Diminta membayar \"\"uang rokok\"\" tanpa kuitansi",
    "Loket tutup sebelum jam dua,\npadahal di papan sampai jam empat",
    "Jalan ke balai desa berlubang - sudah tiga kali dilaporkan",
    "Petugas tidak ada di tempat",
];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agt", "Sep", "Okt", "Nov", "Des"];

/// A file of `rows` complaints, 3 in 100 of which are bad. The same numbers give the same file.
pub fn messy_complaints(rows: usize, seed: u64) -> Messy {
    let mut dice = Dice(seed);
    let mut text = format!("\u{feff}{TITLES}\r\n");
    let mut bad_rows = Vec::new();
    let mut number = 1_u64;
    for place in 0..rows {
        number += 1;
        // Spread evenly, so that every batch has some.
        let bad = (place % 100 >= 97).then(|| place / 100 * 3 + place % 100 - 97);
        if bad.is_some() {
            bad_rows.push(number);
        }
        row(&mut text, place + 1, bad, &mut dice);
    }
    Messy { text, rows, bad_rows }
}

/// Writing to a string cannot fail, so what it returns is dropped.
fn row(text: &mut String, ordinal: usize, bad: Option<usize>, dice: &mut Dice) {
    let kind = bad.map(|count| count % 6);
    let received = day(dice);
    let happened = if kind == Some(0) { "31/02/2026".to_owned() } else { day(dice) };
    let phone = match kind {
        Some(1) => "tidak punya HP".to_owned(),
        _ if dice.below(4) == 0 => "-".to_owned(),
        _ => format!("0800-555{}-{:03}", dice.below(10), dice.below(1000)),
    };
    let category = if kind == Some(2) { "Entah" } else { dice.pick(&CATEGORIES) };
    let subject = format!("{}. Mohon ditindak, {ordinal}.", dice.pick(&SUBJECTS));
    let subject = if kind == Some(3) { "" } else { subject.as_str() };
    let paid = match kind {
        Some(4) => "lima ribu".to_owned(),
        _ if dice.below(3) == 0 => format!("Rp {}.000", 5 + dice.below(95)),
        _ => String::new(),
    };
    let (name, address, place) = (dice.pick(&NAMES), dice.pick(&PLACES), dice.pick(&PLACES));
    let (channel, counter) = (dice.pick(&CHANNELS), dice.below(4) + 1);
    let _ = write!(
        text,
        "{ordinal};{received};{name};{phone};{address};{happened};{place};{category};\"{subject}\";{channel};Loket {counter};{paid}"
    );
    text.push_str(if kind == Some(5) { "\r\n" } else { ";\r\n" });
}

fn day(dice: &mut Dice) -> String {
    let (day, month) = (1 + dice.below(28), 1 + dice.below(12));
    match dice.below(4) {
        0 => format!("{day:02}/{month:02}/2026"),
        1 => format!("{day} {} 2026", MONTHS.get(month - 1).copied().unwrap_or("Jan")),
        2 => format!("2026-{month:02}-{day:02}"),
        _ => format!("{day}-{month}-2026"),
    }
}

/// Numbers that repeat from a seed (a linear congruential generator; the constants are Knuth's).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }

    fn pick<'t>(&mut self, words: &[&'t str]) -> &'t str {
        words.get(self.below(words.len())).copied().unwrap_or_default()
    }
}
