//! A look into a spreadsheet's archive before the library that reads it: what it unpacks to, and what it claims.

use std::io::{self, Read, Seek};

use super::super::fault::FileFault;

/// Most bytes that a spreadsheet may unpack to.
const INFLATED_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Most files in the archive; a workbook has some tens.
const ENTRIES_MAX: usize = 4096;
/// Most shared texts that a workbook may announce. The reader believes the number and sets memory aside for it.
const SHARED_TEXTS_MAX: u64 = 8_000_000;
/// How much of a part is searched for that number.
const HEAD_BYTES: u64 = 4096;

/// Unpacks everything once and throws it away, so that neither a size nor a number in the archive has to be believed.
pub(super) fn check(file: impl Read + Seek) -> Result<(), FileFault> {
    let mut archive = zip::ZipArchive::new(file).map_err(|_| FileFault::Damaged)?;
    if archive.len() > ENTRIES_MAX {
        return Err(FileFault::Bomb);
    }
    let mut left = INFLATED_BYTES_MAX;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|_| FileFault::Damaged)?;
        if entry.size() > left {
            return Err(FileFault::Bomb);
        }
        let is_texts = entry.name().is_ok_and(|name| name.to_lowercase().ends_with("sharedstrings.xml"));
        let mut inflated = 0;
        if is_texts {
            let mut head = Vec::new();
            (&mut entry).take(HEAD_BYTES).read_to_end(&mut head).map_err(|_| FileFault::Damaged)?;
            if announced(&head).is_some_and(|count| count > SHARED_TEXTS_MAX) {
                return Err(FileFault::Bomb);
            }
            inflated = head.len() as u64;
        }
        inflated += io::copy(&mut entry.take(left), &mut io::sink()).map_err(|_| FileFault::Damaged)?;
        left = left.saturating_sub(inflated);
        if left == 0 {
            return Err(FileFault::Bomb);
        }
    }
    Ok(())
}

/// The number in `uniqueCount="…"`; as large as can be if it is no number that fits.
fn announced(head: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(head);
    let (_, rest) = text.split_once("uniqueCount")?;
    let digits = rest.trim_start_matches(|c: char| c == '=' || c == '"' || c == '\'' || c.is_whitespace());
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    Some(digits.get(..end)?.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    fn archive(name: &str, content: &[u8], times: usize) -> Cursor<Vec<u8>> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file(name, zip::write::SimpleFileOptions::default()).expect("start");
        for _ in 0..times {
            writer.write_all(content).expect("write");
        }
        writer.finish().expect("finish")
    }

    #[test]
    fn what_unpacks_to_more_than_the_bound_is_not_opened() {
        let bomb = archive("xl/worksheets/sheet1.xml", &vec![b'x'; 1024 * 1024], 513);
        assert!(bomb.get_ref().len() < 2 * 1024 * 1024);
        assert_eq!(check(bomb), Err(FileFault::Bomb));
        assert_eq!(check(archive("xl/worksheets/sheet1.xml", b"<x/>", 1)), Ok(()));
    }

    #[test]
    fn a_workbook_may_not_announce_texts_without_end() {
        let claim =
            |count: &str| archive("xl/sharedStrings.xml", format!("<sst uniqueCount=\"{count}\">").as_bytes(), 1);
        assert_eq!(check(claim("99999999999999999999999")), Err(FileFault::Bomb));
        assert_eq!(check(claim("9000000")), Err(FileFault::Bomb));
        assert_eq!(check(claim("12")), Ok(()));
    }

    #[test]
    fn what_is_no_archive_is_damaged() {
        assert_eq!(check(Cursor::new(b"PK\x03\x04 nothing more".to_vec())), Err(FileFault::Damaged));
    }
}
