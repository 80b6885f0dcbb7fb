//! The complaint (UU 25/2009 art. 42): what a citizen reports, and the work on it.
//!
//! What changes together stands in one group, so that two offices that work on one complaint without knowing of each
//! other conflict only where they truly disagree. Only the description, the category and the channel are required:
//! a short text is a complete complaint, and nobody needs an identity number to complain.
//!
//! Field numbers are the group's number times ten, plus one and so on.

use std::collections::BTreeMap;

use super::{Section, assemble, label, one, question, ranked, section, text};
use crate::form::{ChoiceTag, FieldTag, FieldType, Form, FormTag, GroupTag, MergeClass, Pattern, Privacy, Value};
use crate::ids::Lane;

/// Number of the form.
pub const TAG: FormTag = 1;

/// Numbers of the groups.
pub mod group {
    use crate::form::GroupTag;

    /// Who complains. May be empty.
    pub const PELAPOR: GroupTag = 1;
    /// What happened, in the citizen's words.
    pub const URAIAN: GroupTag = 2;
    /// Category.
    pub const KATEGORI: GroupTag = 3;
    /// Which service, and where it is given.
    pub const LAYANAN: GroupTag = 4;
    /// When and where it happened.
    pub const KEJADIAN: GroupTag = 5;
    /// Who is complained about.
    pub const TERLAPOR: GroupTag = 6;
    /// What the citizen asks for.
    pub const PERMINTAAN: GroupTag = 7;
    /// Representative of the citizen.
    pub const KUASA: GroupTag = 8;
    /// Intake channel.
    pub const KANAL: GroupTag = 9;
    /// How far identity and content are hidden.
    pub const PRIVASI: GroupTag = 10;
    /// Who received it, when, and under which older numbers.
    pub const PENERIMAAN: GroupTag = 11;
    /// Kind of report, and whether it alleges misconduct.
    pub const JENIS: GroupTag = 12;
    /// Tariff, what was paid, and the receipt for it.
    pub const BIAYA: GroupTag = 13;
    /// Where the work on it stands.
    pub const STATUS: GroupTag = 14;
    /// The answer to the citizen.
    pub const JAWABAN: GroupTag = 15;
    /// Routing to the responsible unit.
    pub const DISPOSISI: GroupTag = 16;
    /// Finding of the verification.
    pub const TEMUAN: GroupTag = 17;
    /// Follow-up actions.
    pub const TINDAK_LANJUT: GroupTag = 18;
    /// Remarks of staff.
    pub const CATATAN: GroupTag = 19;
    /// Links to other complaints.
    pub const TAUTAN: GroupTag = 20;
    /// Escalations up the ladder.
    pub const ESKALASI: GroupTag = 21;
    /// Photos, scans and papers.
    pub const LAMPIRAN: GroupTag = 22;
}

/// Numbers of the choices of `status`, for those who move a complaint on.
pub mod status {
    use crate::form::{ChoiceTag, FieldTag};

    /// Number of the field.
    pub const FIELD: FieldTag = 141;
    /// Received: the receipt code is given here.
    pub const DITERIMA: ChoiceTag = 1;
    /// Something is missing, and the citizen was told what. When it is completed, `terverifikasi` follows.
    pub const PERLU_DILENGKAPI: ChoiceTag = 2;
    /// Verified.
    pub const TERVERIFIKASI: ChoiceTag = 3;
    /// Handed to another owner, who gets it as `terdisposisi`.
    pub const DIALIHKAN: ChoiceTag = 4;
    /// One unit is responsible.
    pub const TERDISPOSISI: ChoiceTag = 5;
    /// The unit works on it.
    pub const DIPROSES: ChoiceTag = 6;
    /// Answered: what is done and when.
    pub const DIJAWAB: ChoiceTag = 7;
    /// Filed without an answer, with a reason.
    pub const ARSIP: ChoiceTag = 8;
    /// Closed: the citizen accepts, or kept silent for the time set.
    pub const SELESAI: ChoiceTag = 9;
    /// The citizen is not satisfied. Written in the next cycle, so it beats a close that did not know of it.
    pub const DIBUKA_KEMBALI: ChoiceTag = 10;
}

/// Number of the field `privasi`, and of the choices that hide nothing, and the content.
pub mod privasi {
    use crate::form::{ChoiceTag, FieldTag};

    /// Number of the field.
    pub const FIELD: FieldTag = 101;
    /// Ordinary: whoever works on it sees who complains. What holds where nothing is said.
    pub const BIASA: ChoiceTag = 1;
    /// Confidential: nobody at the counter reads it once it is saved.
    pub const RAHASIA: ChoiceTag = 3;
}

/// The field that names an attached file.
pub mod lampiran {
    /// Number of the field.
    pub const FIELD: crate::form::FieldTag = 221;
}

/// Longest description, answer, finding, follow-up or remark, in characters.
const LONG: u32 = 5000;
/// Longest reason or request, in characters.
const MEDIUM: u32 = 2000;
/// Longest address or place, in characters.
const PLACE: u32 = 500;
/// Longest name of a person, service or unit, in characters.
const NAME: u32 = 200;
/// Longest number on a paper or in another system, in characters.
const NUMBER: u32 = 60;
/// Longest office code: area code, dash and eight more characters.
const OFFICE: u32 = 22;

/// Number of the field `kadar`, and of its choice for a complaint that alleges misconduct.
const KADAR: FieldTag = 122;
const BERKADAR: ChoiceTag = 1;

/// Whether what is written must overtake everything: an escalation, or that misconduct is alleged.
pub fn is_urgent(group: GroupTag, values: &BTreeMap<FieldTag, Value>) -> bool {
    group == group::ESKALASI || values.get(&KADAR) == Some(&Value::One(BERKADAR))
}

/// The definition.
pub(super) fn form() -> Form {
    let sections = [what_the_citizen_says(), how_it_came(), the_work_on_it(), what_only_grows()];
    let (groups, fields) = assemble(sections.into_iter().flatten().collect());
    Form {
        tag: TAG,
        version: 1,
        name: "pengaduan".to_owned(),
        label: label("Pengaduan", "Complaint"),
        lane: Lane::Case,
        receipt: true,
        groups,
        fields,
    }
}

fn what_the_citizen_says() -> Vec<Section> {
    use MergeClass::Register;
    let phone = FieldType::Text { chars_max: 16, pattern: Pattern::Phone };
    let nik = FieldType::Text { chars_max: 16, pattern: Pattern::Digits(16) };
    vec![
        section(group::PELAPOR, "pelapor", Register, "Pelapor", "Complainant")
            .asks(question(11, "nama_pelapor", text(NAME), "Nama", "Name").private(Privacy::Identity))
            .asks(question(12, "alamat_pelapor", text(PLACE), "Alamat", "Address").private(Privacy::Identity))
            .asks(question(13, "telepon_pelapor", phone, "No. HP/WA", "Telephone").private(Privacy::Identity))
            .asks(question(14, "nik", nik, "NIK", "National identity number").private(Privacy::Identity)),
        section(group::URAIAN, "uraian", Register, "Uraian", "Description")
            .asks(question(21, "uraian", text(LONG), "Uraian", "Description").required()),
        section(group::KATEGORI, "kategori", Register, "Kategori", "Category")
            .asks(question(31, "kategori", categories(), "Kategori", "Category").private(Privacy::Public).required()),
        section(group::LAYANAN, "layanan", Register, "Layanan", "Service")
            .asks(question(41, "layanan", text(NAME), "Layanan", "Service").private(Privacy::Public))
            .asks(question(42, "titik_layanan", text(NAME), "Titik layanan", "Service point").private(Privacy::Public)),
        section(group::KEJADIAN, "kejadian", Register, "Kejadian", "Event")
            .asks(question(51, "tanggal_kejadian", FieldType::Date, "Tanggal kejadian", "Date of the event"))
            .asks(question(52, "lokasi", text(PLACE), "Tempat kejadian", "Place of the event")),
        section(group::TERLAPOR, "terlapor", Register, "Yang diadukan", "Complained about").asks(
            question(61, "pihak_dilaporkan", text(PLACE), "Pihak yang diadukan", "Person or unit complained about")
                .private(Privacy::Identity),
        ),
        section(group::PERMINTAAN, "permintaan", Register, "Permintaan", "Request").asks(question(
            71,
            "permintaan_penyelesaian",
            text(MEDIUM),
            "Penyelesaian yang diminta",
            "Remedy asked for",
        )),
        section(group::KUASA, "kuasa", Register, "Kuasa", "Representative").asks(
            question(81, "kuasa", text(PLACE), "Kuasa pelapor", "Representative of the complainant")
                .private(Privacy::Identity),
        ),
    ]
}

fn categories() -> FieldType {
    one([
        (1, "antrean", "Antrean", "Queue"),
        (2, "waktu_layanan", "Waktu layanan", "Time taken"),
        (3, "petugas_tidak_di_tempat", "Petugas tidak di tempat", "Officer absent"),
        (4, "perilaku_petugas", "Perilaku petugas", "Conduct of an officer"),
        (5, "syarat_prosedur", "Syarat dan prosedur", "Requirements and procedure"),
        (6, "biaya_pungutan", "Biaya dan pungutan", "Fees and levies"),
        (7, "hasil_layanan", "Hasil layanan", "Result of the service"),
        (8, "sarana_prasarana", "Sarana dan prasarana", "Facilities"),
        (9, "informasi", "Informasi", "Information"),
        (10, "diskriminasi", "Diskriminasi", "Discrimination"),
        (11, "bantuan_sosial", "Bantuan sosial", "Social aid"),
        (12, "infrastruktur", "Infrastruktur", "Infrastructure"),
        (13, "obat_alkes", "Obat dan alat kesehatan", "Medicines and medical devices"),
        (14, "dokumen_kependudukan", "Dokumen kependudukan", "Civil registry documents"),
        (15, "lainnya", "Lainnya", "Other"),
    ])
}

fn how_it_came() -> Vec<Section> {
    use MergeClass::{Fixed, Register, Strictest};
    let channels = one([
        (1, "tatap_muka", "Datang langsung", "In person"),
        (2, "kotak_saran", "Kotak saran", "Suggestion box"),
        (3, "kios", "Kios", "Kiosk"),
        (4, "telepon", "Telepon", "Telephone"),
        (5, "sms", "SMS", "Text message"),
        (6, "wa", "WhatsApp", "WhatsApp"),
        (7, "surat", "Surat", "Letter"),
        (8, "lapor", "LAPOR!", "LAPOR!"),
        (9, "lainnya", "Lainnya", "Other"),
    ]);
    let privacy = ranked([
        (privasi::BIASA, "biasa", "Biasa", "Ordinary", 1),
        (2, "anonim", "Anonim", "Anonymous", 2),
        (privasi::RAHASIA, "rahasia", "Rahasia", "Confidential", 3),
    ]);
    let kinds = one([
        (1, "pengaduan", "Pengaduan", "Complaint"),
        (2, "aspirasi", "Aspirasi", "Suggestion"),
        (3, "permintaan_informasi", "Permintaan informasi", "Information request"),
    ]);
    let gravity = one([
        (BERKADAR, "berkadar", "Berkadar pengawasan", "Alleges misconduct"),
        (2, "tidak_berkadar", "Tidak berkadar pengawasan", "Ordinary service complaint"),
    ]);
    vec![
        section(group::KANAL, "kanal", Register, "Saluran", "Channel")
            .asks(question(91, "kanal", channels, "Saluran", "Channel").required()),
        section(group::PRIVASI, "privasi", Strictest, "Privasi", "Privacy").asks(question(
            privasi::FIELD,
            "privasi",
            privacy,
            "Privasi",
            "Privacy",
        )),
        section(group::PENERIMAAN, "penerimaan", Fixed, "Penerimaan", "Receipt")
            .asks(question(111, "penerima", FieldType::Person, "Petugas penerima", "Receiving officer"))
            .asks(question(112, "diterima_pada", FieldType::DateTime, "Diterima pada", "Received at"))
            .asks(question(113, "nomor_kertas", text(NUMBER), "Nomor kertas", "Number on paper"))
            .asks(question(114, "nomor_asal", text(NUMBER), "Nomor di sistem lama", "Number in the older system")),
        section(group::JENIS, "jenis", Register, "Jenis", "Kind")
            .asks(question(121, "jenis", kinds, "Jenis laporan", "Kind of report").private(Privacy::Public))
            .asks(question(KADAR, "kadar", gravity, "Kadar pengawasan", "Gravity")),
    ]
}

fn the_work_on_it() -> Vec<Section> {
    use MergeClass::{Register, Stage};
    let rupiah = || FieldType::Whole { min: 0, max: 1_000_000_000_000 };
    let findings = one([
        (1, "terbukti", "Terbukti", "Proven"),
        (2, "tidak_terbukti", "Tidak terbukti", "Not proven"),
        (3, "tidak_cukup_bukti", "Tidak cukup bukti", "Not enough evidence"),
    ]);
    vec![
        section(group::BIAYA, "biaya", Register, "Biaya", "Cost")
            .asks(question(131, "tarif", rupiah(), "Tarif resmi (Rp)", "Official tariff (Rp)"))
            .asks(question(132, "dibayar", rupiah(), "Yang dibayar (Rp)", "Amount paid (Rp)"))
            .asks(question(133, "kuitansi", text(NUMBER), "Nomor kuitansi", "Number of the payment receipt")),
        section(group::STATUS, "status", Stage, "Status", "Status")
            .later()
            .asks(question(status::FIELD, "status", stages(), "Status", "Status").private(Privacy::Public))
            .asks(question(142, "alasan", text(MEDIUM), "Alasan", "Reason"))
            .asks(question(143, "petugas_status", FieldType::Person, "Petugas", "Officer")),
        section(group::JAWABAN, "jawaban", Register, "Jawaban", "Answer")
            .later()
            .asks(question(151, "jawaban", text(LONG), "Jawaban", "Answer"))
            .asks(question(152, "dijawab_oleh", FieldType::Person, "Dijawab oleh", "Answered by"))
            .asks(question(153, "tanggal_jawaban", FieldType::Date, "Tanggal jawaban", "Date of the answer")),
        section(group::DISPOSISI, "disposisi", Register, "Disposisi", "Routing")
            .later()
            .asks(question(161, "unit_tujuan", text(NAME), "Unit penanggung jawab", "Responsible unit"))
            .asks(question(162, "kantor_tujuan", text(OFFICE), "Kode kantor tujuan", "Code of the responsible office"))
            .asks(question(163, "catatan_disposisi", text(MEDIUM), "Catatan disposisi", "Note on the routing")),
        section(group::TEMUAN, "temuan", Register, "Temuan", "Finding")
            .later()
            .asks(question(171, "temuan", findings, "Temuan", "Finding"))
            .asks(question(172, "uraian_temuan", text(LONG), "Uraian temuan", "Account of the finding")),
    ]
}

/// Reopening stands last and has the first rank again: it is only ever written in the next cycle.
fn stages() -> FieldType {
    ranked([
        (status::DITERIMA, "diterima", "Diterima", "Received", 1),
        (status::PERLU_DILENGKAPI, "perlu_dilengkapi", "Perlu dilengkapi", "To be completed", 2),
        (status::TERVERIFIKASI, "terverifikasi", "Terverifikasi", "Verified", 3),
        (status::DIALIHKAN, "dialihkan", "Dialihkan", "Handed over", 4),
        (status::TERDISPOSISI, "terdisposisi", "Terdisposisi", "Routed", 5),
        (status::DIPROSES, "diproses", "Diproses", "In progress", 6),
        (status::DIJAWAB, "dijawab", "Dijawab", "Answered", 7),
        (status::ARSIP, "arsip", "Arsip", "Filed", 8),
        (status::SELESAI, "selesai", "Selesai", "Closed", 9),
        (status::DIBUKA_KEMBALI, "dibuka_kembali", "Dibuka kembali", "Reopened", 1),
    ])
}

fn what_only_grows() -> Vec<Section> {
    use MergeClass::Add;
    let relations = one([(1, "duplikat", "Duplikat", "Duplicate"), (2, "terkait", "Terkait", "Related")]);
    let ladder = ranked([
        (1, "petugas_piket", "Petugas piket", "Duty manager", 1),
        (2, "kepala_titik_layanan", "Kepala titik layanan", "Head of the service point", 2),
        (3, "kepala_unit", "Kepala unit", "Head of the unit", 3),
        (4, "tim_pengaduan", "Tim pengaduan atau inspektorat", "Complaint team or inspectorate", 4),
        (5, "kepala_daerah", "Wali kota atau bupati", "Mayor or regent", 5),
        (6, "ombudsman", "Ombudsman", "Ombudsman", 6),
    ]);
    vec![
        section(group::TINDAK_LANJUT, "tindak_lanjut", Add, "Tindak lanjut", "Follow-up")
            .later()
            .asks(question(181, "tindak_lanjut", text(LONG), "Tindak lanjut", "Follow-up action").required())
            .asks(question(182, "oleh", FieldType::Person, "Oleh", "By")),
        section(group::CATATAN, "catatan", Add, "Catatan", "Remarks")
            .later()
            .asks(question(191, "catatan", text(LONG), "Catatan", "Remark").required())
            .asks(question(192, "catatan_oleh", FieldType::Person, "Dicatat oleh", "Remark by")),
        section(group::TAUTAN, "tautan", Add, "Aduan terkait", "Linked complaints")
            .later()
            .asks(question(201, "kode_terkait", text(NUMBER), "Kode aduan terkait", "Code of the linked complaint"))
            .asks(question(202, "hubungan", relations, "Hubungan", "Relation")),
        section(group::ESKALASI, "eskalasi", Add, "Eskalasi", "Escalation")
            .later()
            .asks(question(211, "tingkat", ladder, "Tingkat", "Level"))
            .asks(question(212, "alasan_eskalasi", text(MEDIUM), "Alasan eskalasi", "Reason for the escalation")),
        section(group::LAMPIRAN, "lampiran", Add, "Lampiran", "Attachments").asks(
            question(lampiran::FIELD, "lampiran", FieldType::Attachment, "Lampiran", "Attachment")
                .private(Privacy::Identity)
                .required(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Field;

    #[test]
    fn field_numbers_tell_their_group() {
        assert!(form().fields.iter().all(|field| field.tag / 10 == field.group));
    }

    #[test]
    fn only_what_makes_a_complaint_is_required() {
        let form = form();
        let required: Vec<&str> = form.fields.iter().filter(|f| f.required).map(|f| f.name.as_str()).collect();
        assert_eq!(required, ["uraian", "kategori", "kanal", "tindak_lanjut", "catatan", "lampiran"]);
    }

    #[test]
    fn who_a_person_is_is_never_internal() {
        let form = form();
        let guarded = |field: &&Field| field.privacy == Privacy::Identity;
        let names: Vec<&str> = form.fields.iter().filter(guarded).map(|field| field.name.as_str()).collect();
        let expected =
            ["nama_pelapor", "alamat_pelapor", "telepon_pelapor", "nik", "pihak_dilaporkan", "kuasa", "lampiran"];
        assert_eq!(names, expected);
    }

    #[test]
    fn escalations_and_what_alleges_misconduct_are_urgent_and_nothing_else_is() {
        let form = form();
        let is_urgent = |name: &str, text: &str| {
            let field = form.field_named(name).unwrap();
            is_urgent(field.group, &BTreeMap::from([(field.tag, Value::parse(field, text).unwrap())]))
        };
        assert!(is_urgent("kadar", "berkadar") && is_urgent("tingkat", "ombudsman"));
        assert!(!is_urgent("kadar", "tidak_berkadar") && !is_urgent("kategori", "antrean"));
    }

    #[test]
    fn the_status_constants_name_the_choices_they_say() {
        let form = form();
        let field = form.field(status::FIELD).unwrap();
        let code = |tag| field.choice(tag).map(|choice| choice.code.as_str());
        assert_eq!(code(status::DITERIMA), Some("diterima"));
        assert_eq!(code(status::SELESAI), Some("selesai"));
        assert_eq!(code(status::DIBUKA_KEMBALI), Some("dibuka_kembali"));
        assert_eq!(form.ordering_field(group::STATUS), Some(field));
    }
}
