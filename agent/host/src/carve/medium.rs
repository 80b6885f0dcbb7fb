//! Bytes of files that may be damaged or hard to read, and what their headers say of them.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes before the first page of a write-ahead log.
pub(super) const WAL_HEADER_BYTES: u64 = 32;
/// Bytes before each of its pages.
pub(super) const FRAME_HEADER_BYTES: u64 = 24;

/// Fills `into` from `at` on. What the medium does not give stays zero: one bad sector must not hide the others.
pub(super) fn read_at(file: &mut (impl Read + Seek), at: u64, into: &mut [u8]) {
    const SECTOR: usize = 512;
    for (n, sector) in into.chunks_mut(SECTOR).enumerate() {
        if file.seek(SeekFrom::Start(at + (n * SECTOR) as u64)).is_err() {
            return;
        }
        let mut filled = 0;
        while let Some(rest) = sector.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match file.read(rest) {
                Ok(0) => return,
                Ok(bytes) => filled += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    }
}

pub(super) fn page_bytes_of_db(header: &[u8; 100]) -> Option<u64> {
    let bytes = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        bytes => u64::from(bytes),
    };
    (header.starts_with(b"SQLite format 3\0") && bytes.is_power_of_two() && bytes >= 512).then_some(bytes)
}

pub(super) fn page_bytes_of_wal(header: &[u8; WAL_HEADER_BYTES as usize]) -> Option<u64> {
    let bytes = u64::from(u32::from_be_bytes([header[8], header[9], header[10], header[11]]));
    (header[..3] == [0x37, 0x7f, 0x06] && bytes.is_power_of_two() && (512..=65_536).contains(&bytes)).then_some(bytes)
}
