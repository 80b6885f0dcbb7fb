//! Rows as CSV (RFC 4180: UTF-8, commas, CRLF, keys in English), for spreadsheets and scripts.

use kentongan_host::Output;

/// Prints a row. A cell that a spreadsheet would take for a formula gets an apostrophe in front, see [`guarded`].
pub(super) fn row<S: AsRef<str>>(out: &Output, cells: impl IntoIterator<Item = S>) {
    // The line itself ends with a line feed.
    out.line(&(line(cells) + "\r"));
}

/// A row without its end.
pub(crate) fn line<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| quoted(&guarded(cell.as_ref()))).collect();
    cells.join(",")
}

/// A cell that no spreadsheet runs: names and texts are written by strangers. Plain numbers stay numbers.
pub(super) fn guarded(cell: &str) -> String {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    if risky { format!("'{cell}") } else { cell.to_owned() }
}

fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_numbers_stay_numbers() {
        for (cell, safe) in [
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-1+2", "'-1+2"),
            ("\t=1", "'\t=1"),
            ("-86400.5", "-86400.5"),
            ("Desa \"A\"", "Desa \"A\""),
            ("", ""),
        ] {
            assert_eq!(guarded(cell), safe);
        }
        assert_eq!(quoted("Desa \"A\", B"), "\"Desa \"\"A\"\", B\"");
    }
}
