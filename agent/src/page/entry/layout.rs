//! How the questions of a form stand on its page: in which sections, and what stands in them at first.
//!
//! What is asked, and what fits, stands in the form's definition. A question that no section names stands at the end, so
//! a form may grow without this page.

use kentongan_protocol::form::builtin::{pengaduan, skm};
use kentongan_protocol::form::{Asked, Field, FieldType, Form};

use crate::store::Inputs;
use kentongan_web::Clock;

/// A section: the key of its title, and the names of its questions.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) fields: &'static [&'static str],
    /// Opened only when it is wanted.
    pub(super) is_folded: bool,
}

const fn section(title: &'static str, fields: &'static [&'static str]) -> Section {
    Section { title, fields, is_folded: false }
}

const COMPLAINT: [Section; 5] = [
    section("bagian.pelapor", &["privasi", "nama_pelapor", "telepon_pelapor", "alamat_pelapor", "nik"]),
    section("bagian.layanan", &["kategori", "layanan", "titik_layanan", "tarif", "dibayar", "kuitansi"]),
    section("bagian.kejadian", &["uraian", "tanggal_kejadian", "lokasi", "pihak_dilaporkan", "lampiran"]),
    section("bagian.saluran", &["kanal", "nomor_kertas", "diterima_pada"]),
    Section {
        title: "bagian.tambahan",
        fields: &["permintaan_penyelesaian", "kuasa", "jenis", "kadar", "penerima", "nomor_asal"],
        is_folded: true,
    },
];

const SURVEY: [Section; 4] = [
    section(
        "bagian.unsur",
        &[
            "persyaratan",
            "prosedur",
            "waktu",
            "biaya",
            "produk",
            "kompetensi",
            "perilaku",
            "pengaduan",
            "sarpras",
            "saran",
        ],
    ),
    section("bagian.responden", &["jenis_kelamin", "usia", "pendidikan", "pekerjaan", "pekerjaan_lain", "disabilitas"]),
    section("bagian.kunjungan", &["tanggal", "jam", "layanan", "titik_layanan", "kanal"]),
    Section { title: "bagian.tambahan", fields: &["nomor_asal", "diterima_pada"], is_folded: true },
];

const OTHER: [Section; 1] = [section("bagian.isian", &[])];

/// The sections of a form.
pub(super) fn sections(form: &Form) -> &'static [Section] {
    match form.tag {
        pengaduan::TAG => &COMPLAINT,
        skm::TAG => &SURVEY,
        _ => &OTHER,
    }
}

/// The questions of each section, all that are asked with a new record.
pub(super) fn questions(form: &'static Form) -> Vec<(&'static Section, Vec<&'static Field>)> {
    let asked = |field: &&Field| form.group(field.group).is_some_and(|group| group.asked == Asked::AtEntry);
    let sections = sections(form);
    let named = |field: &Field| sections.iter().any(|section| section.fields.contains(&field.name.as_str()));
    let mut all: Vec<(&'static Section, Vec<&'static Field>)> = Vec::new();
    for section in sections {
        let fields = section.fields.iter().filter_map(|name| form.field_named(name)).filter(asked);
        all.push((section, fields.collect()));
    }
    if let Some((_, last)) = all.last_mut() {
        last.extend(form.fields.iter().filter(asked).filter(|field| !named(field)));
    }
    all
}

/// What is asked on paper: all but what only a clerk knows, and which way the answer comes.
pub(in super::super) fn on_paper(form: &'static Form) -> Vec<(&'static str, Vec<&'static Field>)> {
    let open = questions(form).into_iter().filter(|(section, _)| !section.is_folded);
    open.map(|(section, mut fields)| {
        fields.retain(|field| field.name != "kanal");
        (section.title, fields)
    })
    .collect()
}

/// What stands in the form of a sheet: the way it came. The day stands on the paper.
pub(super) fn first_on_paper() -> Inputs {
    Inputs::from([("kanal".to_owned(), vec!["kertas".to_owned()])])
}

/// What stands in a new form: what is nearly always so.
pub(super) fn first(form: &Form, clock: &Clock, clerk: &str) -> Inputs {
    let mut inputs = Inputs::new();
    let mut set = |name: &str, value: String| {
        inputs.insert(name.to_owned(), vec![value]);
    };
    match form.tag {
        pengaduan::TAG => {
            set("privasi", "biasa".to_owned());
            set("kanal", "tatap_muka".to_owned());
            if !clerk.is_empty() {
                set("penerima", clerk.to_owned());
            }
        }
        skm::TAG => {
            set("kanal", "loket".to_owned());
            if let Some(today) = clock.day(clock.now_ms) {
                set("tanggal.h", today.day.to_string());
                set("tanggal.b", today.month.to_string());
                set("tanggal.t", today.year.to_string());
            }
        }
        _ => {}
    }
    inputs
}

/// Questions that stand side by side.
pub(super) fn width(field: &Field) -> &'static str {
    match (&field.kind, field.name.as_str()) {
        (FieldType::One(choices), _) if choices.len() == 4 => "empat",
        (_, "privasi" | "kategori" | "lokasi" | "saran") => "",
        (FieldType::Text { chars_max, .. }, _) if *chars_max > 500 => "",
        (FieldType::Attachment, _) => "",
        (FieldType::Whole { .. }, _) | (_, "kuitansi" | "nik" | "nomor_kertas") => "sepertiga",
        _ => "setengah",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kentongan_protocol::form::builtin;

    use super::*;

    #[test]
    fn every_question_of_entry_stands_on_the_page_once_and_no_other_does() {
        for form in builtin::all() {
            let shown: Vec<&str> =
                questions(form).iter().flat_map(|(_, fields)| fields.iter().map(|field| field.name.as_str())).collect();
            let once: BTreeSet<&str> = shown.iter().copied().collect();
            assert_eq!(once.len(), shown.len(), "{}: {shown:?}", form.name);
            for field in &form.fields {
                let asked = form.group(field.group).is_some_and(|group| group.asked == Asked::AtEntry);
                assert_eq!(once.contains(field.name.as_str()), asked, "{}", field.name);
            }
        }
    }

    #[test]
    fn a_section_names_only_questions_that_there_are() {
        for (form, sections) in [("pengaduan", &COMPLAINT[..]), ("skm", &SURVEY[..])] {
            let form = builtin::by_name(form).expect("built in");
            for name in sections.iter().flat_map(|section| section.fields) {
                assert!(form.field_named(name).is_some(), "{name}");
            }
        }
    }
}
