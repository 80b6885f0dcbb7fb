//! Troubles in words, Indonesian and English.

use kentongan_host::output::pick;
use kentongan_host::{Lang, moment};

use super::letter::Some30;
use super::trouble::{Kind, Trouble};
use crate::service::fleet::table;

/// The stable name of a kind, as documents have it.
pub(super) fn code(kind: Kind) -> String {
    table::code(&kind)
}

/// What is the matter, in one sentence.
pub fn sentence(trouble: &Trouble, lang: Lang) -> String {
    let (id, en) = pattern(trouble.kind);
    let office = match trouble.name.is_empty() {
        true => trouble.office.clone(),
        false => format!("{} ({})", trouble.name, trouble.office),
    };
    let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    let free_mb = trouble.count.unwrap_or(0) / 1_000_000;
    let since = trouble.since.map_or_else(|| "?".to_owned(), |since| moment::spoken(lang, since));
    let held = match (trouble.count, lang) {
        (None, _) => String::new(),
        (Some(count), Lang::Id) => format!("; {count} perubahan menunggu di sana"),
        (Some(count), Lang::En) => format!("; {count} changes wait there"),
    };
    // The name last: what an operator typed is not looked through for marks of ours.
    let mut text = pick(lang, id, en)
        .replace("{count}", &number(trouble.count))
        .replace("{of}", &number(trouble.of))
        .replace("{free}", &format!("{free_mb} MB"))
        .replace("{since}", &since)
        .replace("{held}", &held)
        .replace("{office}", &office);
    if let Some(code) = &trouble.code {
        text.push_str(&format!(" [{code}]"));
    }
    text
}

fn pattern(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::ManySilent => (
            "{count} dari {of} kantor hilang sejak jam yang sama ({since}): mungkin pusat atau jaringan yang terganggu",
            "{count} of {of} offices are missing since the same hour ({since}): it may be the hub or the network",
        ),
        Kind::HubSpace => ("Ruang disk pusat tinggal {free}", "The hub's disk has {free} left"),
        Kind::BackupFailed => ("Cadangan pusat gagal dibuat, {since}", "The hub's backup failed, {since}"),
        Kind::BackupOld => {
            ("Tidak ada cadangan pusat yang diperiksa sejak {since}", "No verified backup of the hub since {since}")
        }
        Kind::AuditBroken => {
            ("Rantai jejak audit putus, diperiksa {since}", "The audit chain is broken, checked {since}")
        }
        Kind::Forked => (
            "{count} perubahan memakai nama perubahan lain: salinan yang diubah, atau cacat program",
            "{count} changes claim the name of others: a tampered copy, or a defect",
        ),
        Kind::HubCertificate => ("Sertifikat pusat belum diperbarui", "The hub's certificate has not been renewed"),
        Kind::Overdue => ("{count} pengaduan lewat tenggat", "{count} complaints are past their deadline"),
        Kind::ConflictOld => (
            "Perubahan yang bentrok menunggu keputusan sejak {since} ({count} semuanya)",
            "A conflict waits for a decision since {since} ({count} in all)",
        ),
        Kind::Quarantined => {
            ("{count} perubahan disisihkan dan menunggu keputusan", "{count} changes set aside wait for a decision")
        }
        Kind::Stuck => (
            "{office}: terhubung, tetapi perubahan sejak {since} belum sampai{held}",
            "{office}: in contact, but changes since {since} have not arrived{held}",
        ),
        Kind::Twin => ("{office}: dua mesin memakai satu identitas", "{office}: two machines use one identity"),
        Kind::Silent => ("{office}: tidak ada kabar sejak {since}{held}", "{office}: not heard since {since}{held}"),
        Kind::Space => ("{office}: ruang disk hampir habis", "{office}: the disk is nearly full"),
        Kind::Certificate => (
            "{office}: sertifikat perangkat habis, atau habis sebelum kantor itu kembali",
            "{office}: a device certificate has ended, or ends before the office is back",
        ),
        Kind::Clock => ("{office}: jam komputer jauh meleset", "{office}: a computer's clock is far off"),
        Kind::Restored => (
            "{office}: dipulihkan dari salinan lama dan belum lengkap",
            "{office}: restored from an older copy, and not complete yet",
        ),
    }
}

/// A list under its heading; nothing for an empty one.
pub(super) fn spoken_list(some: &Some30, heading: &str, lang: Lang) -> String {
    if some.troubles.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{heading}:\n");
    for trouble in &some.troubles {
        text.push_str(&format!("- {}\n", sentence(trouble, lang)));
    }
    if some.more > 0 {
        text.push_str(&match lang {
            Lang::Id => format!("- dan {} lagi\n", some.more),
            Lang::En => format!("- and {} more\n", some.more),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trouble_has_a_sentence_in_both_languages_without_a_gap() {
        let kinds = [
            Kind::ManySilent,
            Kind::HubSpace,
            Kind::BackupFailed,
            Kind::BackupOld,
            Kind::AuditBroken,
            Kind::Forked,
            Kind::HubCertificate,
            Kind::Overdue,
            Kind::ConflictOld,
            Kind::Quarantined,
            Kind::Stuck,
            Kind::Twin,
            Kind::Silent,
            Kind::Space,
            Kind::Certificate,
            Kind::Clock,
            Kind::Restored,
        ];
        for kind in kinds {
            let trouble = Trouble {
                office: "32.73.05.1001".to_owned(),
                name: "Desa Contoh".to_owned(),
                since: Some(1_795_000_000_000),
                count: Some(3_000_000),
                of: Some(9),
                ..Trouble::of_hub(kind)
            };
            let both = [Lang::Id, Lang::En].map(|lang| sentence(&trouble, lang));
            assert_ne!(both[0], both[1]);
            for text in both {
                assert!(!text.contains(['{', '}', '?']), "{text}");
            }
        }
        let bare = Trouble { office: "32.73.05.1001".to_owned(), ..Trouble::of_hub(Kind::Twin) };
        let bare = Trouble { code: Some("KTG-108".to_owned()), ..bare };
        assert_eq!(sentence(&bare, Lang::En), "32.73.05.1001: two machines use one identity [KTG-108]");
        let named = Trouble { name: "{since}".to_owned(), ..bare };
        assert!(sentence(&named, Lang::En).starts_with("{since} ("), "a name is a name");
    }
}
