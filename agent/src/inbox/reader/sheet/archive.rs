//! A look into a spreadsheet's archive before anything of it is believed: what it unpacks to.

use std::io::{self, Read, Seek};

use super::super::super::fault::FileFault;

/// Most bytes that a spreadsheet may unpack to.
const INFLATED_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Most files in the archive; a workbook has some tens.
const ENTRIES_MAX: usize = 4096;

/// Unpacks everything once and throws it away, so that no size in the archive has to be believed.
pub(super) fn check(file: impl Read + Seek) -> Result<(), FileFault> {
    let mut archive = zip::ZipArchive::new(file).map_err(|_| FileFault::Damaged)?;
    if archive.len() > ENTRIES_MAX {
        return Err(FileFault::Bomb);
    }
    let mut left = INFLATED_BYTES_MAX;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|_| FileFault::Damaged)?;
        if entry.size() > left {
            return Err(FileFault::Bomb);
        }
        let inflated = io::copy(&mut entry.take(left), &mut io::sink()).map_err(|_| FileFault::Damaged)?;
        left = left.saturating_sub(inflated);
        if left == 0 {
            return Err(FileFault::Bomb);
        }
    }
    Ok(())
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
    fn what_is_no_archive_is_damaged() {
        assert_eq!(check(Cursor::new(b"PK\x03\x04 nothing more".to_vec())), Err(FileFault::Damaged));
    }
}
