//! What made-up people are called and say. Nobody of them lives.

use super::dice::Dice;

const SYLLABLES: [&str; 20] = [
    "ba", "ci", "du", "ga", "ka", "la", "ma", "ni", "pa", "ra", "sa", "ti", "wu", "jo", "ke", "lo", "ngu", "nda",
    "tan", "rejo",
];

const WHAT: [&str; 14] = [
    "Lampu jalan padam",
    "Antrean terlalu lama",
    "Berkas kartu keluarga belum jadi",
    "Air sumur bor desa keruh",
    "Petugas tidak ada di loket",
    "Jembatan kecil rusak",
    "Obat rutin habis",
    "Diminta membayar tanpa kuitansi",
    "Sampah menumpuk",
    "Bantuan beras tidak sampai",
    "Akta kelahiran salah tulis",
    "Jalan berlubang",
    "Tidak ada kursi roda",
    "Syarat berubah-ubah",
];

const WHEN: [&str; 8] = [
    "sejak minggu lalu",
    "sudah dua kali",
    "sejak hujan besar",
    "tiap hari pasar",
    "dari pagi sampai siang",
    "sejak bulan lalu",
    "pada jam kerja",
    "menjelang hari raya",
];

const WISH: [&str; 5] =
    ["Mohon ditindaklanjuti.", "Kapan diperbaiki?", "Mohon penjelasan.", "Kami menunggu kabar.", ""];

/// Services that a survey asks about.
pub(super) const SERVICES: [&str; 5] =
    ["Kartu keluarga", "Surat pengantar", "Imunisasi", "Surat keterangan usaha", "Pemeriksaan kesehatan"];

/// What an office answers.
pub(super) const ANSWER: &str = "Sudah kami tindak lanjuti bersama perangkat desa. Terima kasih atas laporannya.";

/// A name that is in no list.
pub(super) fn name(dice: &mut Dice) -> String {
    let mut name: String = (0..2 + dice.below(2)).map(|_| dice.pick(&SYLLABLES)).collect();
    if let Some(first) = name.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    name
}

/// The words of a complaint.
pub(super) fn complaint(dice: &mut Dice, number: u64) -> String {
    let (what, when, wish) = (dice.pick(&WHAT), dice.pick(&WHEN), dice.pick(&WISH));
    format!("{what} di {} {when}, laporan {number}. {wish}", name(dice)).trim_end().to_owned()
}
