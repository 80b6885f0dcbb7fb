//! The few things that we read from a certificate ourselves: how long it holds, whose it is, which key it carries.
//!
//! Chains and signatures are judged by rustls; what is read here is never trusted before that.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// From when to when a certificate says it holds, in seconds since 1970-01-01 UTC, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First second.
    pub not_before_s: i64,
    /// Last second.
    pub not_after_s: i64,
}

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// How long it holds.
    pub validity: Validity,
    /// Common name of its subject; for a device the replica's id in hex.
    pub common_name: Option<String>,
    /// Its Ed25519 key; `None` for a key of another kind.
    pub public_key: Option<[u8; 32]>,
}

/// SHA-256 of a certificate's bytes, by which it is pinned and found in the registry.
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    digest.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Reads a certificate; `None` if the bytes are not one.
pub fn facts(der: &[u8]) -> Option<Facts> {
    let (certificate, _) = expect(der, SEQUENCE)?;
    let (mut rest, _) = expect(certificate, SEQUENCE)?;
    if let Some((_, after)) = expect(rest, VERSION) {
        rest = after;
    }
    let (_serial, rest) = expect(rest, INTEGER)?;
    let (_algorithm, rest) = expect(rest, SEQUENCE)?;
    let (_issuer, rest) = expect(rest, SEQUENCE)?;
    let (validity, rest) = expect(rest, SEQUENCE)?;
    let (subject, rest) = expect(rest, SEQUENCE)?;
    let (key, _) = expect(rest, SEQUENCE)?;
    Some(Facts { validity: read_validity(validity)?, common_name: read_common_name(subject), public_key: ed25519(key) })
}

/// The certificate in a PEM file; `None` if there is none.
pub fn from_pem(text: &[u8]) -> Option<CertificateDer<'static>> {
    CertificateDer::from_pem_slice(text).ok()
}

/// A certificate as a PEM file, which other tools read too.
pub fn to_pem(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for (index, c) in base64(der).chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}

const INTEGER: u8 = 0x02;
const OBJECT_ID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
/// 2.5.4.3
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
/// 1.3.101.112, with its tag and the frame around it, as RFC 8410 fixes every byte before the key.
const ED25519: [u8; 10] = [SEQUENCE, 0x05, OBJECT_ID, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The content of the first element if it has this tag, and what follows it.
fn expect(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(der)?;
    (found == tag).then_some((content, rest))
}

/// Tag, content and rest. Lengths of more than four bytes are no certificate of ours.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn read_validity(der: &[u8]) -> Option<Validity> {
    let (not_before_s, rest) = read_time(der)?;
    let (not_after_s, _) = read_time(rest)?;
    Some(Validity { not_before_s, not_after_s })
}

fn read_time(der: &[u8]) -> Option<(i64, &[u8])> {
    let (tag, content, rest) = element(der)?;
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let (year, text) = match tag {
        UTC_TIME => {
            let (year, text) = text.split_at_checked(2)?;
            let year: i16 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, text)
        }
        GENERALIZED_TIME => {
            let (year, text) = text.split_at_checked(4)?;
            (year.parse().ok()?, text)
        }
        _ => return None,
    };
    let two = |at: usize| text.get(at..at + 2)?.parse::<i8>().ok();
    if text.len() != 10 {
        return None;
    }
    let civil = jiff::civil::DateTime::new(year, two(0)?, two(2)?, two(4)?, two(6)?, two(8)?, 0).ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some((zoned.timestamp().as_second(), rest))
}

fn read_common_name(mut subject: &[u8]) -> Option<String> {
    while let Some((names, rest)) = expect(subject, SET) {
        let (pair, _) = expect(names, SEQUENCE)?;
        let (kind, value) = expect(pair, OBJECT_ID)?;
        if kind == COMMON_NAME {
            let (_, text, _) = element(value)?;
            return String::from_utf8(text.to_vec()).ok();
        }
        subject = rest;
    }
    None
}

fn ed25519(key: &[u8]) -> Option<[u8; 32]> {
    key.strip_prefix(&ED25519)?.try_into().ok()
}

fn base64(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_usize, |word, byte| (word << 8) | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let symbol = SYMBOLS[(word >> (18 - 6 * place)) & 63];
            text.push(if place <= chunk.len() { char::from(symbol) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ED25519, date_time_ymd};

    fn certificate(not_after_year: i32) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "00112233aabbccdd");
        params.not_before = date_time_ymd(2026, 11, 1);
        params.not_after = date_time_ymd(not_after_year, 1, 1);
        (params.self_signed(&key).expect("a certificate"), key)
    }

    #[test]
    fn a_certificate_tells_its_name_key_and_validity_on_both_sides_of_2050() {
        for (year, not_after_s) in [(2027, 1_798_761_600), (2060, 2_840_140_800)] {
            let (certificate, key) = certificate(year);
            let facts = facts(certificate.der()).expect("facts");
            assert_eq!(facts.validity, Validity { not_before_s: 1_793_491_200, not_after_s });
            assert_eq!(facts.common_name.as_deref(), Some("00112233aabbccdd"));
            assert_eq!(facts.public_key.as_ref().map(|k| k.as_slice()), Some(key.public_key_raw()));
        }
    }

    #[test]
    fn a_cut_or_changed_certificate_never_panics() {
        let (certificate, _) = certificate(2027);
        let der = certificate.der().to_vec();
        for end in 0..der.len() {
            let _ = facts(&der[..end]);
        }
        for at in 0..der.len() {
            for bit in 0..8 {
                let mut changed = der.clone();
                changed[at] ^= 1 << bit;
                let _ = facts(&changed);
            }
        }
    }

    #[test]
    fn a_certificate_survives_its_pem_file() {
        let (certificate, _) = certificate(2027);
        let text = to_pem(certificate.der());
        assert_eq!(from_pem(text.as_bytes()).as_ref(), Some(certificate.der()));
        assert_eq!(base64(b"M"), "TQ==");
        assert_eq!(base64(b"Ma"), "TWE=");
        assert_eq!(base64(b"Man"), "TWFu");
        assert_eq!(from_pem(b"bukan sertifikat"), None);
    }
}
