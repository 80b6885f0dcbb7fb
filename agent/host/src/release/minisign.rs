//! Signatures as minisign makes them (<https://jedisct1.github.io/minisign/>): Ed25519 over the file, or over its
//! BLAKE2b-512, which is what it makes unless it is told otherwise; and over the comment that is trusted with it.

use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use blake2::{Blake2b512, Digest};

use super::ReleaseFault;
use crate::identity;

const KEY_BYTES: usize = 2 + 8 + 32;
const SIGNATURE_BYTES: usize = 2 + 8 + 64;
const PLAIN: [u8; 2] = *b"Ed";
const HASHED: [u8; 2] = *b"ED";
const TRUSTED: &str = "trusted comment: ";

/// A publisher's key: the second line of `minisign.pub`, `RWQ…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherKey {
    id: [u8; 8],
    key: [u8; 32],
}

impl FromStr for PublisherKey {
    type Err = ReleaseFault;

    fn from_str(text: &str) -> Result<PublisherKey, ReleaseFault> {
        let bytes: [u8; KEY_BYTES] = decoded(text).ok_or(ReleaseFault::NoKey)?;
        let (algorithm, id, key) = parted(&bytes).ok_or(ReleaseFault::NoKey)?;
        if algorithm == PLAIN { Ok(PublisherKey { id, key }) } else { Err(ReleaseFault::NoKey) }
    }
}

/// The keys in a list that commas or blanks part.
///
/// # Errors
/// If one of them is none.
pub fn publisher_keys(list: &str) -> Result<Vec<PublisherKey>, ReleaseFault> {
    list.split([',', ' ']).filter(|text| !text.is_empty()).map(str::parse).collect()
}

/// Whether one of `keys` made `signature`, the text of a `.minisig` file, over `file`.
pub(super) fn is_genuine(keys: &[PublisherKey], file: &[u8], signature: &str) -> bool {
    genuine(keys, file, signature).is_some()
}

fn genuine(keys: &[PublisherKey], file: &[u8], signature: &str) -> Option<()> {
    let mut lines = signature.lines();
    let (_, made, comment, sealed) = (lines.next()?, lines.next()?, lines.next()?, lines.next()?);
    let made: [u8; SIGNATURE_BYTES] = decoded(made)?;
    let sealed: [u8; 64] = decoded(sealed)?;
    let comment = comment.strip_prefix(TRUSTED)?;
    let (algorithm, id, own): (_, _, [u8; 64]) = parted(&made)?;
    let PublisherKey { key, .. } = keys.iter().find(|key| key.id == id)?;
    let holds = if algorithm == HASHED {
        identity::verify(key, &Blake2b512::digest(file), &own)
    } else {
        algorithm == PLAIN && identity::verify(key, file, &own)
    };
    (holds && identity::verify(key, &[&own, comment.as_bytes()].concat(), &sealed)).then_some(())
}

/// Both keys and signatures begin with two letters for how they are made, and eight bytes that name the key.
fn parted<const N: usize>(bytes: &[u8]) -> Option<([u8; 2], [u8; 8], [u8; N])> {
    let (algorithm, rest) = bytes.split_first_chunk()?;
    let (id, rest) = rest.split_first_chunk()?;
    Some((*algorithm, *id, rest.try_into().ok()?))
}

fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64_STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by minisign 0.10 with a key that was thrown away.
    const KEY: &str = "RWQ8nQ/Rjbzm6zCoSmH/rKn4fF+5yKByQzk+/fmm9YRtg1Cy5o3t2xXD";
    const FILE: &[u8] = b"{\"schema\":\"kentongan.release/1\",\"version\":\"0.2.0\"}\n";
    const HASHED: &str = "untrusted comment: signature from minisign secret key\n\
        RUQ8nQ/Rjbzm6/zdp+hhTkB0GVLLb1zOqF5zCBt6T5HdFNXx0PPkmDvEifqDPBReIkmt157F+wkzgF8OC69ziIyERCIrNTg5sQc=\n\
        trusted comment: Kentongan 0.2.0\n\
        12GV3d3Ioa2BWMJT7vrIHa7I3bbfeBkD6nOhfPmBWEQtqe7t0Sjfr9fckmNxDeRGRNAT+0dp8RX2v8lxXOQkDQ==\n";
    const PLAIN: &str = "untrusted comment: signature from minisign secret key\n\
        RWQ8nQ/Rjbzm6/ddfeN996EcDH1CBp2DOl+/uqT0UitATYKeyTTmx7hVY3PV0m8ok08ITBk0OlTbLkWGbw8v7VFJlBho3YL+9wc=\n\
        trusted comment: Kentongan 0.2.0\n\
        NwdCU0ZJveXjO8ml3PCQx/D5fXrH5LKPIxNR5YWSekRVG10zi/y4AAoFZqdGjHriXDN/Pk39LzCPpEUAejAZDw==\n";

    #[test]
    fn what_minisign_signs_is_genuine_in_both_its_ways() {
        let keys = publisher_keys(KEY).expect("a key");
        assert!(is_genuine(&keys, FILE, HASHED));
        assert!(is_genuine(&keys, FILE, PLAIN));
    }

    #[test]
    fn any_changed_letter_shows_and_so_does_anybody_elses_key() {
        let keys = publisher_keys(KEY).expect("a key");
        for signature in [HASHED, PLAIN] {
            let begin = signature.find('\n').expect("lines");
            for at in begin..signature.len() {
                let mut bytes = signature.as_bytes().to_vec();
                bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
                let text = String::from_utf8(bytes).expect("text");
                assert!(!is_genuine(&keys, FILE, &text), "at {at}: {text}");
            }
        }
        let mut file = FILE.to_vec();
        file[20] ^= 1;
        assert!(!is_genuine(&keys, &file, HASHED));
        let mut other = keys.clone();
        other[0].key[0] ^= 1;
        assert!(!is_genuine(&other, FILE, HASHED));
        assert!(!is_genuine(&[], FILE, HASHED));
    }

    #[test]
    fn a_list_of_keys_may_be_empty_and_nonsense_is_told() {
        assert_eq!(publisher_keys(""), Ok(Vec::new()));
        assert_eq!(publisher_keys(&format!("{KEY}, {KEY}")).map(|keys| keys.len()), Ok(2));
        assert_eq!(publisher_keys("RWQ="), Err(ReleaseFault::NoKey));
    }
}
