//! How an office joins: the code that a person carries, and the two small messages that it buys a certificate with.
//!
//! ```text
//!   hub operator        office PC                                   hub
//!   enrol code create
//!        │  code        GET /v1/ca  ─────────────────────────────▶  its root certificate
//!        └────────────▶ does the root match the code? pin it
//!                       POST /v1/enrol {secret, csr}  ───────────▶  certificate, name, receipt prefix
//! ```
//!
//! The code carries a secret and a fingerprint of the root: the office can tell the real hub from anybody else before
//! it gives the secret away, on any network. Twenty symbols, so that it can be read over the telephone:
//!
//! ```text
//!   SSSS-SSSS-SFFF-FFFF-FFFC       S secret   F fingerprint of the root   C check symbol
//! ```
//!
//! Where no line leads to the hub, the same two messages go as files: [`carried`].

pub mod carried;

use std::fmt;
use std::str::FromStr;

use kentongan_protocol::receipt::{self, CodeError};
use serde::{Deserialize, Serialize};

use crate::certificate::fingerprint;
use crate::random::random_below;

/// Symbols of the secret: 44 random bits, guessed against a hub that counts attempts.
const SECRET_SYMBOLS: usize = 9;
/// Symbols of the root's fingerprint: 49 bits.
const ROOT_SYMBOLS: usize = 10;
/// Symbols of the whole code; the last one checks the others.
const CODE_SYMBOLS: usize = SECRET_SYMBOLS + ROOT_SYMBOLS + 1;
/// Values of a symbol.
const BASE: u64 = 31;

/// A one-time enrolment code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EnrolCode {
    secret: [u8; SECRET_SYMBOLS],
    root: [u8; ROOT_SYMBOLS],
}

impl EnrolCode {
    /// A code with a new secret, for the hub with this root certificate.
    pub fn draw(root_der: &[u8]) -> EnrolCode {
        let secret = [(); SECRET_SYMBOLS].map(|()| random_below(BASE) as u8);
        EnrolCode { secret, root: root_symbols(root_der) }
    }

    /// Reads what people type: any case, spaces and dashes anywhere.
    ///
    /// # Errors
    /// What is wrong with the text, in words for the person who typed it.
    pub fn parse(text: &str) -> Result<EnrolCode, CodeError> {
        let symbols = receipt::read_checked::<CODE_SYMBOLS>(text)?;
        let mut code = EnrolCode { secret: [0; SECRET_SYMBOLS], root: [0; ROOT_SYMBOLS] };
        let places = code.secret.iter_mut().chain(code.root.iter_mut());
        places.zip(symbols).for_each(|(place, symbol)| *place = symbol);
        Ok(code)
    }

    /// The part that proves to the hub that it gave this code.
    pub fn secret(&self) -> String {
        self.secret.iter().map(|value| receipt::symbol(*value)).collect()
    }

    /// Whether the certificate is the root of the hub that gave this code.
    pub fn matches_root(&self, root_der: &[u8]) -> bool {
        self.root == root_symbols(root_der)
    }
}

impl FromStr for EnrolCode {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<EnrolCode, CodeError> {
        EnrolCode::parse(text)
    }
}

impl fmt::Display for EnrolCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut symbols: Vec<u8> = self.secret.iter().chain(&self.root).copied().collect();
        symbols.push(receipt::check_symbol(&symbols));
        for (place, value) in symbols.into_iter().enumerate() {
            if place > 0 && place % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", receipt::symbol(value))?;
        }
        Ok(())
    }
}

impl fmt::Debug for EnrolCode {
    /// Shows nothing of the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrolCode").finish_non_exhaustive()
    }
}

/// Fingerprint of a root as symbols: the first 64 bits of its SHA-256, as the lowest ten digits to the base 31.
fn root_symbols(root_der: &[u8]) -> [u8; ROOT_SYMBOLS] {
    let mut number = fingerprint(root_der).iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let mut symbols = [0; ROOT_SYMBOLS];
    for place in symbols.iter_mut().rev() {
        *place = (number % BASE) as u8;
        number /= BASE;
    }
    symbols
}

/// Path under which a hub gives its root certificate (DER) to anybody.
pub const CA_PATH: &str = "/v1/ca";
/// Path under which a code buys a certificate.
pub const ENROL_PATH: &str = "/v1/enrol";
/// Path under which a device that still has its certificate gets a newer one.
pub const RENEW_PATH: &str = "/v1/renew";

/// Longest body of these messages, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// `POST /v1/enrol`: a code's secret and the key to be certified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// [`EnrolCode::secret`].
    pub secret: String,
    /// A certificate request (PKCS#10, DER) in hexadecimal digits. Only its key is used.
    pub csr: String,
    /// Name of the PC, for the people who look after the fleet.
    #[serde(default)]
    pub host: String,
    /// Name, version and platform of the program.
    #[serde(default)]
    pub program: String,
}

/// The answer to [`EnrolRequest`]: who this PC is from now on. The same key and code get the same answer again, so a
/// lost answer costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolAnswer {
    /// The replica's id, 16 hexadecimal digits.
    pub replica: String,
    /// Code of its office.
    pub office: String,
    /// Name of its office; empty if the hub knows none.
    #[serde(default)]
    pub office_name: String,
    /// First four symbols of the receipt codes that it gives out.
    pub prefix: String,
    /// Its certificate, PEM.
    pub certificate_pem: String,
    /// The hub's root, PEM: the one that was pinned.
    pub root_pem: String,
    /// The hub's own replica id, 16 hexadecimal digits.
    pub hub_replica: String,
    /// The hub's clock, milliseconds since 1970.
    pub hub_ms: i64,
    /// What challenges of this PC are answered with ([`crate::recovery`]), in hexadecimal digits; hubs before it say
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_key: Option<String>,
    /// What bundles are sealed to ([`crate::bundle`]), in hexadecimal digits; hubs before it say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
}

/// `POST /v1/renew`, over a connection that shows the old certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewRequest {
    /// A certificate request (PKCS#10, DER) in hexadecimal digits, with the same key as the old certificate.
    pub csr: String,
}

/// The answer to [`RenewRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewAnswer {
    /// The new certificate, PEM.
    pub certificate_pem: String,
    /// The hub's clock, milliseconds since 1970.
    pub hub_ms: i64,
    /// As in [`EnrolAnswer`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_key: Option<String>,
    /// As in [`EnrolAnswer`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_key: Option<String>,
}

/// Bytes as hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Bytes from hexadecimal digits of either case; `None` for anything else.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| (high << 4) | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_back_however_it_was_typed() {
        let code = EnrolCode::draw(b"akar");
        let text = code.to_string();
        assert_eq!(text.len(), 24, "{text}");
        for typed in [text.clone(), text.to_lowercase(), text.replace('-', ""), text.replace('-', " ")] {
            let read = EnrolCode::parse(&typed).expect("the same code");
            assert_eq!((read.secret(), read.matches_root(b"akar")), (code.secret(), true));
        }
    }

    #[test]
    fn a_code_of_one_hub_does_not_match_the_root_of_another() {
        let code = EnrolCode::draw(b"akar pusat");
        assert!(code.matches_root(b"akar pusat"));
        assert!(!code.matches_root(b"akar lain"));
    }

    #[test]
    fn a_mistyped_code_is_caught_before_anything_is_asked() {
        let text = EnrolCode::draw(b"akar").to_string();
        let (first, rest) = text.split_at(1);
        let other = if first == "A" { "B" } else { "A" };
        assert_eq!(EnrolCode::parse(&format!("{other}{rest}")), Err(CodeError::Check));
        assert!(EnrolCode::parse(rest).is_err());
    }

    #[test]
    fn the_secret_never_shows_in_debug_output() {
        let code = EnrolCode::draw(b"akar");
        assert!(!format!("{code:?}").contains(&code.secret()));
    }

    #[test]
    fn hexadecimal_digits_come_back_as_their_bytes() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
        assert_eq!(from_hex("0"), None);
        assert_eq!(from_hex("0g"), None);
    }
}
