//! The receipt as plain text, for needle printers and for those who copy it into a message.

use std::iter;

use kentongan_web::Words;

/// Columns: what needle printers have on narrow paper.
const COLUMNS: usize = 40;

/// What stands on a receipt.
pub(super) struct Receipt<'a> {
    /// Name of the office.
    pub(super) office: &'a str,
    pub(super) code: &'a str,
    /// Names and values.
    pub(super) lines: &'a [(String, String)],
    /// What comes next.
    pub(super) steps: &'a [String],
    /// Who signs.
    pub(super) signatures: &'a [&'static str],
}

/// The receipt in 40 columns.
pub(super) fn text(receipt: &Receipt<'_>, w: &Words) -> String {
    let mut text = String::new();
    let mut put = |line: &str| {
        text.push_str(line);
        text.push_str("\r\n");
    };
    let centred = |line: &str| format!("{}{line}", " ".repeat(COLUMNS.saturating_sub(line.chars().count()) / 2));
    for line in wrapped(receipt.office, COLUMNS) {
        put(&centred(&line));
    }
    put(&centred(w.t("terima.judul")));
    put(&"-".repeat(COLUMNS));
    put(&centred(receipt.code));
    put(&"-".repeat(COLUMNS));
    for (label, value) in receipt.lines {
        for line in wrapped(&format!("{label}: {value}"), COLUMNS) {
            put(&line);
        }
    }
    put("");
    for (number, step) in receipt.steps.iter().enumerate() {
        for (place, line) in wrapped(step, COLUMNS - 3).iter().enumerate() {
            let mark = if place == 0 { format!("{}. ", number + 1) } else { "   ".to_owned() };
            put(&format!("{mark}{line}"));
        }
    }
    for who in receipt.signatures {
        put("");
        put("");
        let line = COLUMNS.saturating_sub(who.chars().count() + 2);
        put(&format!("{who}: {}", "_".repeat(line)));
    }
    text
}

/// In lines of so many columns at most. A word that is longer goes on in the next line.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in text.split_whitespace().flat_map(|word| parts(word, columns)) {
        let room = lines
            .last()
            .is_some_and(|line| line.is_empty() || line.chars().count() + 1 + part.chars().count() <= columns);
        if !room {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&part);
        }
    }
    lines
}

fn parts(word: &str, columns: usize) -> impl Iterator<Item = String> {
    let mut rest = word.chars();
    iter::from_fn(move || {
        let part: String = rest.by_ref().take(columns).collect();
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use kentongan_host::Lang;
    use proptest::prelude::*;

    use super::super::super::words::words;
    use super::*;

    proptest! {
        #[test]
        fn plain_text_fits_its_columns_whatever_is_said(office in ".{0,90}", said in ".{0,200}", step in "[a-z:/.]{0,130}") {
            let receipt = Receipt {
                office: &office,
                code: "KTG-7K3M-Q2H9D-R",
                lines: &[("Uraian".to_owned(), said)],
                steps: &[step],
                signatures: &["Petugas", "Pelapor"],
            };
            let text = text(&receipt, &words(Lang::Id));
            prop_assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
            prop_assert!(text.contains("KTG-7K3M-Q2H9D-R"));
        }
    }

    #[test]
    fn nothing_of_a_text_is_lost_between_its_lines() {
        let text = "Lacak dengan kode ini: https://lacak.kabupaten-contoh.go.id/lacak-aduan-warga";
        let lines = wrapped(text, COLUMNS);
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert!(lines.len() >= 2, "{lines:?}");
    }
}
