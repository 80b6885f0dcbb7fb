//! Sealing to the hub: what only the hub reads, wherever it lies meanwhile.
//!
//! HPKE (RFC 9180, base mode: X25519, HKDF-SHA256, ChaCha20-Poly1305). Only the hub opens, so here is half of it: what
//! seals. It is put together from `ring`, which carries TLS in this program anyway; the hub opens with a library of its own,
//! and a test there has both agree.
//!
//! Three things are sealed, each for a purpose of its own, so that nothing passes for another: bundles ([`crate::bundle`]), what
//! a confidential complaint says ([`seal_text`]), and its files ([`seal_file`]); see `kentongan_protocol::sealed`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use kentongan_protocol::attachment::Media;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::SystemRandom;

/// Bytes of a key, public or not.
pub const KEY_BYTES: usize = 32;
/// Bytes that tell keys apart.
pub const KEY_ID_BYTES: usize = 4;

/// What the content of a confidential complaint is sealed for.
pub const CONTENT_INFO: &[u8] = b"kentongan content 1";

/// What a file of a confidential complaint is sealed for.
pub const FILE_INFO: &[u8] = b"kentongan file 1";

const VERSION: u8 = 1;

/// Seals one message.
pub struct Sealer {
    /// What the hub finds the key by that the message is sealed with.
    pub enc: [u8; KEY_BYTES],
    key: LessSafeKey,
    nonce: Nonce,
}

impl Sealer {
    /// For the purpose `info`, which RFC 9180 calls so too, to the hub whose public key this is. `None` if that is no key.
    ///
    /// It is `SetupBaseS` of section 5.1.1: what stands for the sender, and the key and nonce of the first message.
    pub fn to(info: &[u8], hub: &[u8; KEY_BYTES]) -> Option<Sealer> {
        let own = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).ok()?;
        let enc: [u8; KEY_BYTES] = own.compute_public_key().ok()?.as_ref().try_into().ok()?;
        // Refuses a point of low order, as section 7.1.4 wants it.
        let shared = agree_ephemeral(own, &UnparsedPublicKey::new(&X25519, hub), |agreed| {
            let extracted = extract(KEM, b"", b"eae_prk", agreed);
            expand::<KEY_BYTES>(KEM, &extracted, b"shared_secret", &[enc, *hub].concat())
        });
        let shared = shared.ok()?;
        let context = [&[0][..], &extract(SUITE, b"", b"psk_id_hash", b""), &extract(SUITE, b"", b"info_hash", info)];
        let (context, secret) = (context.concat(), extract(SUITE, &shared, b"secret", b""));
        let key = UnboundKey::new(&CHACHA20_POLY1305, &expand::<KEY_BYTES>(SUITE, &secret, b"key", &context)).ok()?;
        let nonce = Nonce::assume_unique_for_key(expand::<NONCE_LEN>(SUITE, &secret, b"base_nonce", &context));
        Some(Sealer { enc, key: LessSafeKey::new(key), nonce })
    }

    /// The message as nobody else reads or changes it; `head` is covered and not hidden.
    pub fn seal(self, mut message: Vec<u8>, head: &[u8]) -> Option<Vec<u8>> {
        self.key.seal_in_place_append_tag(self.nonce, Aad::from(head), &mut message).ok()?;
        Some(message)
    }
}

/// The beginning of the SHA-256 of a public key: which key something is sealed to.
pub fn key_id(hub: &[u8; KEY_BYTES]) -> [u8; KEY_ID_BYTES] {
    let mut id = [0; KEY_ID_BYTES];
    id.iter_mut().zip(digest(&SHA256, hub).as_ref()).for_each(|(place, byte)| *place = *byte);
    id
}

/// Seals the content of a confidential complaint: ASCII text that stands in a field. `None` if `hub` is no key.
///
/// `1 · key id · enc · sealed`, in base 64 without padding.
pub fn seal_text(content: Vec<u8>, hub: &[u8; KEY_BYTES]) -> Option<String> {
    Some(STANDARD_NO_PAD.encode(sealed(CONTENT_INFO, content, &text_head(hub), hub)?))
}

/// Seals a file of a confidential complaint ([`kentongan_protocol::sealed::file_content`]): a file of the kind
/// [`Media::Sealed`]. `None` if `hub` is no key.
///
/// `KTGS · 1 · key id · enc · sealed`
pub fn seal_file(content: Vec<u8>, hub: &[u8; KEY_BYTES]) -> Option<Vec<u8>> {
    sealed(FILE_INFO, content, &file_head(hub), hub)
}

fn sealed(info: &[u8], content: Vec<u8>, head: &[u8], hub: &[u8; KEY_BYTES]) -> Option<Vec<u8>> {
    let sealer = Sealer::to(info, hub)?;
    let enc = sealer.enc;
    let sealed = sealer.seal(content, head)?;
    Some([head, &enc, &sealed].concat())
}

/// What such a text or file is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// What the seal covers but does not hide.
    pub head: Vec<u8>,
    /// See [`Sealer::enc`].
    pub enc: [u8; KEY_BYTES],
    /// The rest.
    pub sealed: Vec<u8>,
}

/// Reads such a text; `None` if it is none, or is sealed to another hub.
pub fn sealed_in(text: &str, hub: &[u8; KEY_BYTES]) -> Option<Sealed> {
    taken_apart(&STANDARD_NO_PAD.decode(text).ok()?, text_head(hub))
}

/// Reads such a file; `None` if it is none, or is sealed to another hub.
pub fn sealed_file_in(file: &[u8], hub: &[u8; KEY_BYTES]) -> Option<Sealed> {
    taken_apart(file, file_head(hub))
}

fn taken_apart(bytes: &[u8], head: Vec<u8>) -> Option<Sealed> {
    let (enc, sealed) = bytes.strip_prefix(&head[..])?.split_first_chunk::<KEY_BYTES>()?;
    Some(Sealed { enc: *enc, sealed: sealed.to_vec(), head })
}

fn text_head(hub: &[u8; KEY_BYTES]) -> Vec<u8> {
    [&[VERSION][..], &key_id(hub)].concat()
}

fn file_head(hub: &[u8; KEY_BYTES]) -> Vec<u8> {
    [&Media::SEALED_MAGIC[..], &[VERSION], &key_id(hub)].concat()
}

/// DHKEM(X25519, HKDF-SHA256), as labels name it.
const KEM: &[u8] = b"KEM\x00\x20";
/// The whole suite, as labels name it: that KEM, HKDF-SHA256, ChaCha20-Poly1305.
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";

/// `LabeledExtract` of RFC 9180, section 4.
fn extract(suite: &[u8], salt: &[u8], label: &[u8], secret: &[u8]) -> [u8; KEY_BYTES] {
    hmac_of(salt, &[b"HPKE-v1", suite, label, secret])
}

/// `LabeledExpand` of RFC 9180, section 4, to at most 32 bytes: one block.
fn expand<const N: usize>(suite: &[u8], secret: &[u8], label: &[u8], context: &[u8]) -> [u8; N] {
    let block = hmac_of(secret, &[&(N as u16).to_be_bytes(), b"HPKE-v1", suite, label, context, &[1]]);
    let mut out = [0; N];
    out.iter_mut().zip(block).for_each(|(place, byte)| *place = byte);
    out
}

/// HMAC-SHA256 over these parts, one after the other.
fn hmac_of(key: &[u8], parts: &[&[u8]]) -> [u8; KEY_BYTES] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    context.sign().as_ref().try_into().expect("HMAC-SHA256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any point will do where nobody opens.
    const HUB: [u8; KEY_BYTES] = {
        let mut base = [0; KEY_BYTES];
        base[0] = 9;
        base
    };

    #[test]
    fn a_sealed_text_says_whose_it_is_and_nothing_of_what_it_holds() {
        let text = seal_text(b"Petugas loket minta uang".to_vec(), &HUB).expect("a key");
        assert!(text.is_ascii() && sealed_in(&text, &HUB).is_some());
        assert_eq!(sealed_in(&text, &[1; KEY_BYTES]), None, "another hub");
        assert_ne!(text, seal_text(b"Petugas loket minta uang".to_vec(), &HUB).expect("a key"), "sealed anew");
        for none in ["", "AQ", "bukan segel", &text[..20], &format!("Ag{}", &text[2..])] {
            assert_eq!(sealed_in(none, &HUB), None, "{none}");
        }
    }

    #[test]
    fn a_sealed_file_is_a_kind_of_its_own_and_no_text() {
        let file = seal_file(b"%PDF-1.7 kuitansi".to_vec(), &HUB).expect("a key");
        assert_eq!(Media::of(&file), Some(Media::Sealed));
        assert!(sealed_file_in(&file, &HUB).is_some());
        assert!(!file.windows(8).any(|part| part == b"kuitansi"));
        assert_eq!(sealed_file_in(&file, &[1; KEY_BYTES]), None, "another hub");
        assert_eq!(sealed_in(&STANDARD_NO_PAD.encode(&file), &HUB), None);
        assert_eq!(sealed_file_in(&file[..20], &HUB), None);
    }

    #[test]
    fn a_point_of_low_order_is_no_key() {
        assert_eq!(seal_text(Vec::new(), &[0; KEY_BYTES]), None);
        assert_eq!(seal_file(Vec::new(), &[0; KEY_BYTES]), None);
    }
}
