//! Older systems number records by UUIDs (RFC 9562): 36 letters, of which 122 bits are chance, or 74 and a time.

use super::coder::Side;
use super::walk::{Kind, Walk};
use crate::error::Fault;

/// Version of those that begin with a time.
const BY_TIME: u32 = 7;

/// The number of a UUID as systems write it: small hexadecimal digits in groups of 8, 4, 4, 4 and 12.
pub(super) fn parse(text: &str) -> Option<u128> {
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    let number = u128::from_str_radix(&digits, 16).ok()?;
    (text.len() == 36 && write(number) == text).then_some(number)
}

fn write(number: u128) -> String {
    let digits = format!("{number:032x}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if [8, 12, 16, 20].contains(&place) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

/// Codes a UUID: version and variant; the time, if it begins with one, against the moment before it; the rest as it is.
pub(super) fn code<S: Side>(walk: &mut Walk<'_, S>, field: u32, text: &str) -> Result<String, Fault> {
    let number = parse(text).unwrap_or_default();
    let version = walk.symbol(Kind::Uuid, 4, &[field], (number >> 76) as u32 & 15);
    let variant = walk.symbol(Kind::Uuid, 2, &[field ^ 1], (number >> 62) as u32 & 3);
    let time = (number >> 80) as u64;
    let time = if version == BY_TIME {
        let near = walk.memory.moment_ms;
        let after = walk.signed(Kind::Uuid, &[field ^ 2], (time as i64).wrapping_sub(near));
        let time = near.wrapping_add(after) as u64 & ((1 << 48) - 1);
        (walk.memory.moment_ms, walk.memory.numbered_ms) = (time as i64, Some(time as i64));
        time
    } else {
        walk.raw(48, time)
    };
    let (middle, low) = (walk.raw(12, (number >> 64) as u64), walk.raw(62, number as u64));
    let high = u128::from(time) << 80 | u128::from(version) << 76 | u128::from(middle) << 64;
    Ok(write(high | u128::from(variant) << 62 | u128::from(low)))
}
