//! The bytes of a row in a page, as SQLite's file format has them.

use super::row::{Kind, Shape, Value};

/// Rows longer than this are no rows of ours, in bytes.
const ROW_BYTES_MAX: u64 = 1 << 20;
/// Something that looks like the beginning of a row.
pub(super) struct Cell {
    pub(super) row_id: i64,
    /// Bytes of the whole row, header included.
    pub(super) bytes: usize,
    pub(super) header_bytes: usize,
    pub(super) types: Vec<u64>,
    /// What of it lies on its page.
    pub(super) payload: std::ops::Range<usize>,
    /// The page on which it goes on; 0: none.
    pub(super) overflow: u32,
}

/// The first numbers of what may be a row.
pub(super) struct Start {
    bytes: u64,
    row_id: i64,
    header_bytes: u64,
    /// Where the header begins, and where its types do.
    header: usize,
    types: usize,
}

/// Where the rows begin that a page lists, ascending.
pub(super) fn listed(page: &[u8], first: bool) -> Vec<usize> {
    let header = if first { 100 } else { 0 };
    let two = |at: usize| page.get(at..at + 2).map_or(0, |bytes| usize::from(bytes[0]) << 8 | usize::from(bytes[1]));
    // Leaves of tables and of indexes; inner pages of indexes hold rows too, each behind the number of a page.
    let (list, skip) = match page.get(header) {
        Some(13 | 10) => (header + 8, 0),
        Some(2) => (header + 12, 4),
        _ => return Vec::new(),
    };
    let mut listed: Vec<usize> = (0..two(header + 3)).map(|n| two(list + 2 * n) + skip).collect();
    listed.sort_unstable();
    listed
}

pub(super) fn start_at(page: &[u8], at: usize, row_ids: bool) -> Option<Start> {
    let mut cursor = at;
    let bytes = varint(page, &mut cursor)?;
    if !(2..=ROW_BYTES_MAX).contains(&bytes) {
        return None;
    }
    let row_id = if row_ids { varint(page, &mut cursor)? as i64 } else { 0 };
    let header = cursor;
    let header_bytes = varint(page, &mut cursor)?;
    (header_bytes >= 2 && header_bytes <= bytes).then_some(Start { bytes, row_id, header_bytes, header, types: cursor })
}

pub(super) fn cell_of(page: &[u8], start: &Start, shape: &Shape) -> Option<Cell> {
    if start.header_bytes > 10 * (shape.columns.len() as u64 + 1) {
        return None;
    }
    let mut cursor = start.types;
    let mut body_bytes = 0_u64;
    let mut types = Vec::new();
    for kind in shape.columns {
        let found = varint(page, &mut cursor)?;
        if !fits(*kind, found) {
            return None;
        }
        body_bytes = body_bytes.checked_add(size_of_type(found)?)?;
        types.push(found);
    }
    let header_ends = (cursor - start.header) as u64 == start.header_bytes;
    if !header_ends || start.header_bytes.checked_add(body_bytes) != Some(start.bytes) {
        return None;
    }
    let bytes = usize::try_from(start.bytes).ok()?;
    let local = local_bytes(page.len(), bytes, shape.row_ids);
    let end = start.header.checked_add(local).filter(|end| *end <= page.len())?;
    let overflow = match local < bytes {
        true => u32::from_be_bytes(page.get(end..end + 4)?.try_into().ok()?),
        false => 0,
    };
    let header_bytes = usize::try_from(start.header_bytes).ok()?;
    Some(Cell { row_id: start.row_id, bytes, header_bytes, types, payload: start.header..end, overflow })
}

/// Bytes of a row that lie on its own page, as SQLite's file format has it.
fn local_bytes(page_bytes: usize, bytes: usize, in_table: bool) -> usize {
    let usable = page_bytes;
    let most = if in_table { usable - 35 } else { (usable - 12) * 64 / 255 - 23 };
    if bytes <= most {
        return bytes;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let fitting = least + (bytes - least) % (usable - 4);
    if fitting <= most { fitting } else { least }
}

fn fits(kind: Kind, found: u64) -> bool {
    let whole = matches!(found, 1..=6 | 8 | 9);
    let blob = found >= 12 && found.is_multiple_of(2);
    let text = found >= 13 && found % 2 == 1;
    match kind {
        Kind::RowId => found == 0,
        Kind::Whole => whole,
        Kind::WholeOrNull => whole || found == 0,
        Kind::Blob => blob,
        Kind::Bytes(bytes) => found == 12 + 2 * bytes,
        Kind::BytesOrNull(bytes) => found == 12 + 2 * bytes || found == 0,
        Kind::Text => text,
        Kind::TextOrNull => text || found == 0,
        Kind::Any => !matches!(found, 10 | 11),
    }
}

fn size_of_type(found: u64) -> Option<u64> {
    match found {
        0 | 8 | 9 => Some(0),
        1..=4 => Some(found),
        5 => Some(6),
        6 | 7 => Some(8),
        10 | 11 => None,
        _ => Some((found - 12) / 2),
    }
}

pub(super) fn value(payload: &[u8], at: &mut usize, found: u64) -> Option<Value> {
    let bytes = usize::try_from(size_of_type(found)?).ok()?;
    let part = payload.get(*at..at.checked_add(bytes)?)?;
    *at += bytes;
    Some(match found {
        0 => Value::Null,
        8 => Value::Whole(0),
        9 => Value::Whole(1),
        1..=6 => {
            let first = if part.first().is_some_and(|byte| *byte >= 0x80) { -1 } else { 0 };
            Value::Whole(part.iter().fold(first, |number: i64, byte| number << 8 | i64::from(*byte)))
        }
        7 => Value::Real(f64::from_be_bytes(part.try_into().ok()?)),
        _ if found.is_multiple_of(2) => Value::Blob(part.to_vec()),
        _ => Value::Text(String::from_utf8(part.to_vec()).ok()?),
    })
}

/// SQLite's numbers of one to nine bytes.
fn varint(page: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0_u64;
    for place in 0..9 {
        let byte = *page.get(*at)?;
        *at += 1;
        if place == 8 {
            return Some(number << 8 | u64::from(byte));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            break;
        }
    }
    Some(number)
}
