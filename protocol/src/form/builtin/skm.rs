//! The public satisfaction survey (SKM, PermenPANRB 14/2017): one questionnaire, never changed after saving.
//!
//! **The trap of U8 and U9.** In the regulation's list of elements complaint handling is the eighth and facilities the
//! ninth; on the printed questionnaire question 8 is facilities and question 9 is complaint handling. Both orders are
//! in use. So an answer is stored under its *key* (`pengaduan`, `sarpras`), and the field numbers here deliberately do
//! not end in the element's number. Whoever prints or reads "U8" must say which layout it comes from.
//!
//! No name, identity number or telephone number is asked. No answer is required: an incomplete questionnaire is kept,
//! counted, and left out of the index.

use super::{Question, Section, assemble, label, one, question, section, text};
use crate::form::{ChoiceTag, FieldTag, FieldType, Form, FormTag, GroupTag, MergeClass, Privacy};
use crate::ids::Lane;

/// Number of the form.
pub const TAG: FormTag = 2;
/// Number of its only group.
pub const GROUP: GroupTag = 1;

/// The nine elements in the order of the regulation's list: key and field number. The number of a choice is its
/// score, 1 to 4.
pub const ELEMENTS: [(&str, FieldTag); 9] = [
    ("persyaratan", 30),
    ("prosedur", 31),
    ("waktu", 32),
    ("biaya", 33),
    ("produk", 34),
    ("kompetensi", 35),
    ("perilaku", 36),
    ("pengaduan", 37),
    ("sarpras", 38),
];

const OCCUPATION: FieldTag = 21;
const OCCUPATION_OTHER: ChoiceTag = 6;

/// The definition.
pub(super) fn form() -> Form {
    let questions = visit().into_iter().chain(respondent()).chain(elements()).chain(about_the_answer());
    let questionnaire = section(GROUP, "jawaban", MergeClass::Fixed, "Jawaban", "Answers");
    let questionnaire = questions.fold(questionnaire, Section::asks);
    let (groups, fields) = assemble(vec![questionnaire]);
    Form {
        tag: TAG,
        version: 1,
        name: "skm".to_owned(),
        label: label("Survei kepuasan masyarakat", "Public satisfaction survey"),
        lane: Lane::Survey,
        receipt: false,
        groups,
        fields,
    }
}

fn visit() -> [Question; 4] {
    let hours = one([(1, "pagi", "08.00-12.00", "08:00-12:00"), (2, "siang", "13.00-17.00", "13:00-17:00")]);
    [
        question(11, "tanggal", FieldType::Date, "Tanggal survei", "Date of the survey"),
        question(12, "jam", hours, "Jam survei", "Time of the survey"),
        question(13, "layanan", text(200), "Layanan yang diterima", "Service received").private(Privacy::Public),
        question(14, "titik_layanan", text(200), "Titik layanan", "Service point").private(Privacy::Public),
    ]
}

fn respondent() -> [Question; 5] {
    let education = one([
        (1, "sd", "SD", "Primary school"),
        (2, "smp", "SMP", "Junior secondary school"),
        (3, "sma", "SMA", "Senior secondary school"),
        (4, "s1", "S1", "Bachelor's degree"),
        (5, "s2", "S2", "Master's degree"),
        (6, "s3", "S3", "Doctorate"),
        (7, "lainnya", "Lainnya", "Other"),
    ]);
    let occupations = one([
        (1, "pns", "PNS", "Civil servant"),
        (2, "tni", "TNI", "Armed forces"),
        (3, "polri", "POLRI", "Police"),
        (4, "swasta", "Swasta", "Private employee"),
        (5, "wirausaha", "Wirausaha", "Self-employed"),
        (OCCUPATION_OTHER, "lainnya", "Lainnya", "Other"),
    ]);
    let sexes = one([(1, "l", "Laki-laki", "Male"), (2, "p", "Perempuan", "Female")]);
    [
        question(15, "jenis_kelamin", sexes, "Jenis kelamin", "Sex"),
        question(16, "usia", FieldType::Whole { min: 0, max: 120 }, "Usia (tahun)", "Age (years)"),
        question(20, "pendidikan", education, "Pendidikan", "Education"),
        question(OCCUPATION, "pekerjaan", occupations, "Pekerjaan", "Occupation"),
        question(22, "pekerjaan_lain", text(100), "Pekerjaan lain (sebutkan)", "Other occupation (which)")
            .relevant(OCCUPATION, &[OCCUPATION_OTHER]),
    ]
}

type Text = (&'static str, &'static str);

/// In the order of [`ELEMENTS`]: the question, and the answers that score 1, 2, 3 and 4.
const WORDS: [(Text, [Text; 4]); 9] = [
    (
        ("Kesesuaian persyaratan dengan jenis pelayanan", "Requirements fit the service"),
        [
            ("Tidak sesuai", "Do not fit"),
            ("Kurang sesuai", "Fit poorly"),
            ("Sesuai", "Fit"),
            ("Sangat sesuai", "Fit very well"),
        ],
    ),
    (
        ("Kemudahan prosedur", "Ease of the procedure"),
        [
            ("Tidak mudah", "Not easy"),
            ("Kurang mudah", "Less than easy"),
            ("Mudah", "Easy"),
            ("Sangat mudah", "Very easy"),
        ],
    ),
    (
        ("Kecepatan waktu pelayanan", "Speed of the service"),
        [
            ("Tidak cepat", "Not quick"),
            ("Kurang cepat", "Less than quick"),
            ("Cepat", "Quick"),
            ("Sangat cepat", "Very quick"),
        ],
    ),
    (
        ("Kewajaran biaya/tarif", "Fairness of the cost"),
        [
            ("Sangat mahal", "Very expensive"),
            ("Cukup mahal", "Rather expensive"),
            ("Murah", "Cheap"),
            ("Gratis", "Free of charge"),
        ],
    ),
    (
        ("Kesesuaian hasil pelayanan dengan standar", "Result meets the standard"),
        [
            ("Tidak sesuai", "Does not meet it"),
            ("Kurang sesuai", "Meets it poorly"),
            ("Sesuai", "Meets it"),
            ("Sangat sesuai", "Meets it fully"),
        ],
    ),
    (
        ("Kompetensi/kemampuan petugas", "Competence of the officers"),
        [
            ("Tidak kompeten", "Not competent"),
            ("Kurang kompeten", "Less than competent"),
            ("Kompeten", "Competent"),
            ("Sangat kompeten", "Very competent"),
        ],
    ),
    (
        ("Kesopanan dan keramahan petugas", "Courtesy and friendliness of the officers"),
        [
            ("Tidak sopan dan ramah", "Not courteous and friendly"),
            ("Kurang sopan dan ramah", "Less than courteous and friendly"),
            ("Sopan dan ramah", "Courteous and friendly"),
            ("Sangat sopan dan ramah", "Very courteous and friendly"),
        ],
    ),
    (
        ("Penanganan pengaduan, saran, dan masukan", "Handling of complaints and suggestions"),
        [
            ("Tidak ada", "There is none"),
            ("Ada tetapi tidak berfungsi", "There is, but it does not work"),
            ("Berfungsi kurang maksimal", "Works, but not as well as it could"),
            ("Dikelola dengan baik", "Well managed"),
        ],
    ),
    (
        ("Kualitas sarana dan prasarana", "Quality of the facilities"),
        [("Buruk", "Bad"), ("Cukup", "Fair"), ("Baik", "Good"), ("Sangat baik", "Very good")],
    ),
];

fn elements() -> [Question; 9] {
    std::array::from_fn(|place| {
        let (key, tag) = ELEMENTS[place];
        let ((id, en), [one_, two, three, four]) = WORDS[place];
        let scores = one([
            (1, "1", one_.0, one_.1),
            (2, "2", two.0, two.1),
            (3, "3", three.0, three.1),
            (4, "4", four.0, four.1),
        ]);
        question(tag, key, scores, id, en)
    })
}

fn about_the_answer() -> [Question; 5] {
    let yes_no = one([(1, "ya", "Ya", "Yes"), (2, "tidak", "Tidak", "No")]);
    let channels = one([
        (1, "loket", "Loket", "Counter"),
        (2, "kios", "Kios", "Kiosk"),
        (3, "kertas", "Kertas", "Paper"),
        (4, "daring", "Daring", "Online"),
    ]);
    [
        question(40, "saran", text(5000), "Saran", "Suggestion"),
        question(41, "disabilitas", yes_no, "Penyandang disabilitas", "Person with a disability"),
        question(42, "kanal", channels, "Saluran", "Channel"),
        question(43, "nomor_asal", text(60), "Nomor di sistem lama", "Number in the older system"),
        question(44, "diterima_pada", FieldType::DateTime, "Diterima pada", "Received at"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Lang;

    #[test]
    fn each_element_has_four_answers_whose_number_is_the_score() {
        let form = form();
        for (key, tag) in ELEMENTS {
            let field = form.field_named(key).unwrap();
            assert_eq!(field.tag, tag);
            let choices: Vec<(ChoiceTag, &str)> = field.choices().iter().map(|c| (c.tag, c.code.as_str())).collect();
            assert_eq!(choices, [(1, "1"), (2, "2"), (3, "3"), (4, "4")], "{key}");
        }
    }

    #[test]
    fn complaint_handling_and_facilities_are_told_apart_by_key() {
        let form = form();
        let best = |key: &str| form.field_named(key).unwrap().choice(4).unwrap().label.in_lang(Lang::Id).to_owned();
        assert_eq!(best("pengaduan"), "Dikelola dengan baik");
        assert_eq!(best("sarpras"), "Sangat baik");
        assert!(ELEMENTS.iter().zip(1..).all(|((_, tag), number)| tag % 10 != number));
    }

    #[test]
    fn no_answer_is_required_and_nobody_is_identified() {
        assert!(form().fields.iter().all(|field| !field.required && field.privacy != Privacy::Identity));
    }

    #[test]
    fn an_empty_questionnaire_is_kept() {
        let nothing = std::collections::BTreeMap::new();
        assert_eq!(crate::form::check_create(&form(), 1, &[(GROUP, &nothing)]), []);
    }
}
