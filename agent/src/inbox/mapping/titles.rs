//! What titles of columns mean, where no map says it.
//!
//! A title is compared without capitals, spaces and signs: with the names of fields, with their labels in both
//! languages, then with what offices call them.

use kentongan_protocol::form::builtin::skm;
use kentongan_protocol::form::{Field, Form};

use super::super::values::fold;

/// How sure a title is; the smaller the surer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Likeness {
    /// The field's own name.
    Name,
    /// Its label.
    Label,
    /// A word of offices, by its place in the list.
    Word(usize),
}

/// The field of a form that a title means.
pub(super) fn field_of(form: &'static Form, title: &str) -> Option<(Likeness, &'static Field)> {
    let folded = fold(title);
    if let Some(field) = form.fields.iter().find(|field| fold(&field.name) == folded) {
        return Some((Likeness::Name, field));
    }
    let labelled = |field: &&Field| fold(&field.label.id) == folded || fold(&field.label.en) == folded;
    if let Some(field) = form.fields.iter().find(labelled) {
        return Some((Likeness::Label, field));
    }
    let words = words_of(form).iter().find_map(|(name, words)| {
        let place = words.iter().position(|word| fold(word) == folded)?;
        Some((Likeness::Word(place), form.field_named(name)?))
    });
    words.or_else(|| numbered_element(form, &folded))
}

/// `U3`, `Unsur 3`, `U3 Waktu`: an element of the survey by its number, which is the same in both orders up to 7.
fn numbered_element(form: &'static Form, folded: &str) -> Option<(Likeness, &'static Field)> {
    let (number, rest) = element_number(form, folded)?;
    if !rest.is_empty() {
        return field_of(form, rest);
    }
    let (name, _) = skm::ELEMENTS.get(number.checked_sub(1)?)?;
    let field = form.field_named(name)?;
    (number <= 7).then_some((Likeness::Word(0), field))
}

/// Whether a title is U8 or U9 and nothing more: the two that mean different elements in different orders.
pub(super) fn is_u8_or_u9(form: &'static Form, title: &str) -> bool {
    matches!(element_number(form, &fold(title)), Some((8 | 9, "")))
}

fn element_number<'t>(form: &Form, folded: &'t str) -> Option<(usize, &'t str)> {
    if form.tag != skm::TAG {
        return None;
    }
    let rest = ["unsur", "pertanyaan", "nilai", "u", "p", "q"]
        .iter()
        .find_map(|word| folded.strip_prefix(word).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))?;
    let (digit, rest) = rest.split_at_checked(1)?;
    let number = digit.parse().ok().filter(|number| (1..=9).contains(number))?;
    (!rest.starts_with(|c: char| c.is_ascii_digit())).then_some((number, rest))
}

/// Titles that only count the rows.
pub(super) fn is_ordinal(title: &str) -> bool {
    matches!(fold(title).as_str(), "no" | "nomor" | "nourut" | "nomorurut" | "num")
}

/// What our own export calls the form of a row, and other words for it.
pub(super) const FORM_TITLES: [&str; 4] = ["schema", "form", "formulir", "kind"];

/// The form that a cell under one of [`FORM_TITLES`] names.
pub(super) const FORM_WORDS: [(&str, &str); 10] = [
    ("kentongan.complaint/1", "pengaduan"),
    ("kentongan.survey/1", "skm"),
    ("pengaduan", "pengaduan"),
    ("aduan", "pengaduan"),
    ("complaint", "pengaduan"),
    ("complaints", "pengaduan"),
    ("skm", "skm"),
    ("survei", "skm"),
    ("survey", "skm"),
    ("surveys", "skm"),
];

type Words = &'static [(&'static str, &'static [&'static str])];

fn words_of(form: &Form) -> Words {
    match form.name.as_str() {
        "pengaduan" => &PENGADUAN,
        "skm" => &SKM,
        _ => &[],
    }
}

const PENGADUAN: [(&str, &[&str]); 25] = [
    (
        "nama_pelapor",
        &[
            "nama lengkap",
            "pelapor",
            "nama pengadu",
            "pengadu",
            "nama warga",
            "nama pemohon",
            "reporter",
            "reporter name",
        ],
    ),
    ("alamat_pelapor", &["alamat rumah", "alamat lengkap", "domisili", "tempat tinggal"]),
    (
        "telepon_pelapor",
        &[
            "no hp",
            "no hp pelapor",
            "nomor hp",
            "hp",
            "no telp",
            "no tlp",
            "no telepon",
            "nomor telepon",
            "telp",
            "tlp",
            "telepon",
            "no telp/hp",
            "no wa",
            "nomor wa",
            "wa",
            "whatsapp",
            "no whatsapp",
            "nomor whatsapp",
            "handphone",
            "no handphone",
            "kontak",
            "no kontak",
            "phone",
            "reporter phone",
        ],
    ),
    ("nik", &["no nik", "nomor nik", "no ktp", "nomor ktp", "nomor induk kependudukan", "nik pelapor"]),
    (
        "uraian",
        &[
            "isi laporan",
            "isi aduan",
            "isi pengaduan",
            "uraian pengaduan",
            "uraian aduan",
            "uraian laporan",
            "isi keluhan",
            "keluhan",
            "pengaduan",
            "aduan",
            "laporan",
            "kronologi",
            "deskripsi",
            "permasalahan",
            "masalah",
            "pesan",
            "text",
        ],
    ),
    (
        "kategori",
        &[
            "kategori pengaduan",
            "kategori aduan",
            "kategori laporan",
            "jenis aduan",
            "jenis pengaduan",
            "jenis keluhan",
            "topik",
        ],
    ),
    ("layanan", &["jenis layanan", "jenis pelayanan", "nama layanan", "pelayanan"]),
    (
        "titik_layanan",
        &["unit layanan", "unit pelayanan", "unit", "nama unit", "tempat layanan", "loket", "opd", "instansi"],
    ),
    ("tanggal_kejadian", &["tgl kejadian", "waktu kejadian", "tgl peristiwa", "tanggal peristiwa", "occurred at"]),
    ("lokasi", &["lokasi kejadian", "tempat", "tempat peristiwa", "tkp", "location"]),
    ("pihak_dilaporkan", &["terlapor", "nama terlapor", "pihak terlapor", "petugas terlapor", "yang dilaporkan"]),
    ("permintaan_penyelesaian", &["harapan", "permintaan", "tuntutan", "penyelesaian yang diinginkan"]),
    ("kuasa", &["nama kuasa", "wakil pelapor"]),
    (
        "kanal",
        &["media", "media pengaduan", "media laporan", "kanal pengaduan", "saluran pengaduan", "sumber", "melalui"],
    ),
    ("privasi", &["kerahasiaan", "sifat laporan"]),
    ("penerima", &["petugas", "nama petugas", "diterima oleh", "penerima laporan"]),
    (
        "diterima_pada",
        &[
            "tgl masuk",
            "tanggal masuk",
            "tgl diterima",
            "tanggal diterima",
            "tgl terima",
            "tanggal terima",
            "tgl lapor",
            "tanggal lapor",
            "tgl laporan",
            "tanggal laporan",
            "tgl pengaduan",
            "tanggal pengaduan",
            "tgl aduan",
            "tanggal aduan",
            "waktu lapor",
            "tanggal",
            "tgl",
            "timestamp",
        ],
    ),
    ("nomor_kertas", &["no formulir", "nomor formulir", "no kertas"]),
    (
        "nomor_asal",
        &[
            "no aduan",
            "nomor aduan",
            "no pengaduan",
            "nomor pengaduan",
            "no laporan",
            "nomor laporan",
            "no tiket",
            "nomor tiket",
            "kode aduan",
            "kode laporan",
            "tracking id",
        ],
    ),
    ("jenis", &["klasifikasi", "klasifikasi laporan"]),
    ("tarif", &["tarif", "tarif resmi", "biaya resmi"]),
    ("dibayar", &["yang dibayar", "jumlah dibayar", "biaya dibayar", "jumlah bayar"]),
    ("kuitansi", &["no kuitansi", "nomor kuitansi", "no kwitansi"]),
    ("jawaban", &["tanggapan", "isi jawaban", "isi tanggapan"]),
    ("catatan", &["keterangan", "catatan petugas"]),
];

const SKM: [(&str, &[&str]); 20] = [
    ("tanggal", &["tgl survei", "tgl", "tanggal pengisian", "tgl pengisian"]),
    ("jam", &["jam layanan", "waktu survei"]),
    ("layanan", &["layanan", "jenis layanan", "jenis pelayanan", "nama layanan", "service"]),
    ("titik_layanan", &["unit layanan", "unit pelayanan", "unit", "loket", "instansi"]),
    ("jenis_kelamin", &["jk", "l/p", "kelamin", "gender"]),
    ("usia", &["umur", "umur (tahun)"]),
    ("pendidikan", &["pendidikan terakhir"]),
    ("pekerjaan", &["pekerjaan utama"]),
    ("pekerjaan_lain", &["pekerjaan lainnya", "sebutkan"]),
    ("persyaratan", &["persyaratan pelayanan", "syarat"]),
    ("prosedur", &["sistem mekanisme dan prosedur", "sistem, mekanisme, prosedur"]),
    ("waktu", &["waktu penyelesaian", "waktu pelayanan", "kecepatan waktu"]),
    ("biaya", &["biaya/tarif", "tarif", "kewajaran biaya"]),
    ("produk", &["produk spesifikasi jenis pelayanan", "produk layanan", "hasil layanan"]),
    ("kompetensi", &["kompetensi pelaksana", "kompetensi petugas"]),
    ("perilaku", &["perilaku pelaksana", "perilaku petugas"]),
    ("pengaduan", &["penanganan pengaduan", "penanganan pengaduan saran dan masukan"]),
    ("sarpras", &["sarana dan prasarana", "sarana prasarana", "kualitas sarana"]),
    ("saran", &["saran/masukan", "saran dan masukan", "kritik dan saran", "masukan", "komentar", "comment"]),
    ("nomor_asal", &["no responden", "nomor responden", "id responden"]),
];

#[cfg(test)]
mod tests {
    use kentongan_protocol::form::builtin;

    use super::*;

    fn meant(form: &str, title: &str) -> Option<String> {
        field_of(builtin::by_name(form).expect("a form"), title).map(|(_, field)| field.name.clone())
    }

    #[test]
    fn messy_titles_of_offices_are_understood() {
        for (title, field) in [
            ("No. HP/WA", "telepon_pelapor"),
            ("no.telp", "telepon_pelapor"),
            ("WA", "telepon_pelapor"),
            ("Tgl. Kejadian", "tanggal_kejadian"),
            ("ISI LAPORAN", "uraian"),
            ("Nama  Pelapor", "nama_pelapor"),
            ("Unit Layanan", "titik_layanan"),
            ("Jenis Aduan", "kategori"),
            ("Date of the event", "tanggal_kejadian"),
            ("nomor_asal", "nomor_asal"),
        ] {
            assert_eq!(meant("pengaduan", title).as_deref(), Some(field), "{title}");
        }
        assert_eq!(meant("pengaduan", "Paraf"), None);
    }

    #[test]
    fn elements_go_by_number_up_to_seven_and_the_two_in_dispute_only_by_name() {
        assert_eq!(meant("skm", "U1").as_deref(), Some("persyaratan"));
        assert_eq!(meant("skm", "Unsur 7").as_deref(), Some("perilaku"));
        assert_eq!(meant("skm", "U3 (Waktu)").as_deref(), Some("waktu"));
        assert_eq!([meant("skm", "U8"), meant("skm", "u9"), meant("skm", "U10")], [None, None, None]);
        assert_eq!(meant("skm", "U8 - Sarana dan Prasarana").as_deref(), Some("sarpras"));
        assert_eq!(meant("skm", "U8 Penanganan Pengaduan").as_deref(), Some("pengaduan"));
        let form = builtin::by_name("skm").expect("a form");
        assert!(is_u8_or_u9(form, "U8") && is_u8_or_u9(form, "unsur 9") && !is_u8_or_u9(form, "U8 sarpras"));
        assert_eq!(meant("pengaduan", "U1"), None);
    }

    #[test]
    fn every_word_in_the_lists_belongs_to_a_field_and_to_one_only() {
        for form in builtin::all() {
            let mut seen = std::collections::BTreeMap::new();
            for (name, words) in words_of(form) {
                assert!(form.field_named(name).is_some(), "{name}");
                for word in *words {
                    let earlier = seen.insert(fold(word), name);
                    assert!(earlier.is_none_or(|earlier| earlier == name), "{word}");
                }
            }
        }
        for (_, form) in FORM_WORDS {
            assert!(builtin::by_name(form).is_some());
        }
    }
}
