//! Codes that change every half minute (RFC 6238): what an authenticator on somebody's telephone shows.
//!
//! SHA-1, six digits and thirty seconds, because that is what every authenticator can do.

use kentongan_host::random::random_bytes;
use ring::hmac;

/// Bytes of a key, as RFC 4226 recommends.
const KEY_BYTES: usize = 20;
/// How long a code is shown, in milliseconds.
const STEP_MS: i64 = 30_000;
const DIGITS: usize = 6;
const CODES: u32 = 1_000_000;
/// Steps before and after the present one whose code is taken too: telephones' clocks differ, and people type slowly.
const STEPS_BESIDE: u64 = 1;
/// RFC 4648, as authenticators read keys.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A key for a device.
pub fn draw_key() -> Vec<u8> {
    random_bytes::<KEY_BYTES>().to_vec()
}

/// The step whose code was typed, if it is one of those that count now and later than `last_step`: no code serves twice.
pub fn step_of(key: &[u8], typed: &str, now_ms: i64, last_step: u64) -> Option<u64> {
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let now = u64::try_from(now_ms.div_euclid(STEP_MS)).ok()?;
    let steps = now.saturating_sub(STEPS_BESIDE)..=now.saturating_add(STEPS_BESIDE);
    // Each is computed, whichever fits: how long it takes says nothing.
    let fitting = steps.filter(|step| is_same(&code_at(key, *step), &typed));
    fitting.filter(|step| *step > last_step).max()
}

/// The code of a moment.
pub fn code(key: &[u8], now_ms: i64) -> String {
    code_at(key, u64::try_from(now_ms.div_euclid(STEP_MS)).unwrap_or(0))
}

fn code_at(key: &[u8], step: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0xf);
    let word = tag.iter().skip(offset).take(4).fold(0_u32, |word, byte| (word << 8) | u32::from(*byte));
    format!("{:0DIGITS$}", (word & 0x7fff_ffff) % CODES)
}

fn is_same(right: &str, typed: &str) -> bool {
    let differing = right.bytes().zip(typed.bytes()).fold(0, |differing, (a, b)| differing | (a ^ b));
    differing == 0 && right.len() == typed.len()
}

/// A key as people type it into an authenticator.
pub fn key_text(key: &[u8]) -> String {
    let mut text = String::new();
    for chunk in key.chunks(5) {
        let word = chunk.iter().chain(&[0; 5]).take(5).fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
        for place in 0..(chunk.len() * 8).div_ceil(5) {
            text.push(char::from(BASE32[(word >> (35 - 5 * place)) as usize % BASE32.len()]));
        }
    }
    text
}

/// What the square on the screen says to an authenticator.
pub fn address(key: &[u8], issuer: &str, name: &str) -> String {
    let plain = |text: &str| -> String {
        text.bytes().fold(String::new(), |mut all, byte| {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => all.push(char::from(byte)),
                _ => all.push_str(&format!("%{byte:02X}")),
            }
            all
        })
    };
    let (issuer, name) = (plain(issuer), plain(name));
    format!("otpauth://totp/{issuer}:{name}?secret={}&issuer={issuer}", key_text(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: seconds, and the last six digits of the code for SHA-1.
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];
    const KEY: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, right) in VECTORS {
            assert_eq!(code(KEY, seconds * 1_000), right, "{seconds}");
        }
    }

    #[test]
    fn a_code_serves_once_and_not_long() {
        let now = 1_111_111_109_000;
        let step = step_of(KEY, "081 804", now, 0).expect("the code of now");
        assert_eq!(step_of(KEY, "081804", now, step), None, "twice");
        assert_eq!(step_of(KEY, "081804", now + STEP_MS, 0), Some(step), "typed slowly");
        assert_eq!(step_of(KEY, "081804", now + 2 * STEP_MS, 0), None, "too late");
        for wrong in ["", "081805", "81804", "0818040", "０８１８０４"] {
            assert_eq!(step_of(KEY, wrong, now, 0), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_is_written_as_authenticators_read_it() {
        assert_eq!(key_text(KEY), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(key_text(b"foob"), "MZXW6YQ");
        let address = address(KEY, "Kab. Contoh", "wayan");
        assert!(address.starts_with("otpauth://totp/Kab.%20Contoh:wayan?secret=GEZD"), "{address}");
    }
}
