//! The Ed25519 key of a replica: it signs the heads of logs and proves itself in TLS.
//!
//! The key is made where it is used and never leaves that machine; only its public half travels. On Windows its file is
//! wrapped by the system (DPAPI): a copy of the folder, or a disk read elsewhere, is not this PC.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::files::{Access, read_bounded, replace};

/// A private key file is 119 bytes long, and some hundreds when it is wrapped; more than this is not one.
const KEY_FILE_BYTES_MAX: u64 = 4096;

/// A key pair of ours.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    pem: String,
}

/// Why a key could not be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("the key file {0}")]
    File(PathBuf, #[source] io::Error),
    /// The file does not hold an Ed25519 key.
    #[error("the file {0} does not hold an Ed25519 private key")]
    NotAKey(PathBuf),
    /// The system does not unwrap it: it was made on another PC, or is damaged.
    #[error("the key file {0} was not made on this PC, or is damaged")]
    NotOfThisPc(PathBuf, #[source] io::Error),
    /// The operating system has no randomness to give.
    #[error("no randomness for a new key")]
    NoRandomness,
    /// The library refused to make a request.
    #[error("making a certificate request")]
    Make(#[source] rcgen::Error),
}

impl SigningKey {
    /// Makes a new key, in memory only.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn generate() -> Result<SigningKey, KeyError> {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError::NoRandomness)?;
        let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref()));
        SigningKey::from_pem(pem).ok_or_else(|| KeyError::NotAKey(PathBuf::new()))
    }

    /// Reads the key in the file `path`.
    ///
    /// # Errors
    /// The file cannot be read, or holds no key of ours.
    pub fn load(path: &Path) -> Result<SigningKey, KeyError> {
        let bytes = read_bounded(path, KEY_FILE_BYTES_MAX).map_err(|error| KeyError::File(path.to_owned(), error))?;
        let bytes = wrapping::undo(bytes).map_err(|error| KeyError::NotOfThisPc(path.to_owned(), error))?;
        String::from_utf8(bytes).ok().and_then(SigningKey::from_pem).ok_or_else(|| KeyError::NotAKey(path.to_owned()))
    }

    /// Reads the key in the file `path`, or makes it there if there is none.
    ///
    /// # Errors
    /// As [`SigningKey::load`] and [`SigningKey::save`]. A file that is there but unreadable is never overwritten.
    pub fn load_or_create(path: &Path) -> Result<SigningKey, KeyError> {
        match SigningKey::load(path) {
            Err(KeyError::File(_, error)) if error.kind() == io::ErrorKind::NotFound => {
                let key = SigningKey::generate()?;
                key.save(path)?;
                Ok(key)
            }
            other => other,
        }
    }

    /// Writes the key to the file `path`, for its owner alone, flushed to the disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        wrapping::wrapped(self.pem.as_bytes())
            .and_then(|bytes| replace(path, &bytes, Access::Private))
            .map_err(|error| KeyError::File(path.to_owned(), error))
    }

    /// Reads a PKCS#8 key in PEM; `None` if the text is not one.
    pub fn from_pem(pem: String) -> Option<SigningKey> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).ok()?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()).ok()?;
        Some(SigningKey { pair, pem })
    }

    /// Signs `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign(message).as_ref().try_into().expect("an Ed25519 signature has 64 bytes")
    }

    /// The public half.
    pub fn public_key(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes")
    }

    /// A certificate request (PKCS#10, DER) that proves possession of this key. The hub takes only the key from it;
    /// name and purposes are the hub's to give.
    ///
    /// # Errors
    /// The library refuses; it does not happen with a key that was read successfully.
    pub fn certificate_request(&self) -> Result<Vec<u8>, KeyError> {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        let request = params.serialize_request(self).map_err(KeyError::Make)?;
        Ok(request.der().to_vec())
    }

    /// The key in the type that TLS wants.
    pub fn for_tls(&self) -> PrivateKeyDer<'static> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(self.pem.as_bytes()).expect("it was read from this text before");
        PrivateKeyDer::Pkcs8(der)
    }
}

/// The library that makes certificates signs with it as it is. Its own key type would bring every other kind of key into
/// the program: tables and all, a quarter of a megabyte.
impl rcgen::PublicKeyData for SigningKey {
    fn der_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ED25519
    }
}

impl rcgen::SigningKey for SigningKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(SigningKey::sign(self, message).to_vec())
    }
}

impl fmt::Debug for SigningKey {
    /// Shows nothing of the private half.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

/// How key files lie on the disk of this system.
#[cfg(windows)]
mod wrapping {
    use std::io;

    pub(super) fn wrapped(pem: &[u8]) -> io::Result<Vec<u8>> {
        kentongan_windows::secret::wrap(pem)
    }

    pub(super) fn undo(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        kentongan_windows::secret::unwrap(&bytes)
    }
}

/// Here the rights of the file are all that guards it; encrypted disks are the system's business.
#[cfg(not(windows))]
mod wrapping {
    use std::io;

    pub(super) fn wrapped(pem: &[u8]) -> io::Result<Vec<u8>> {
        Ok(pem.to_vec())
    }

    pub(super) fn undo(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        Ok(bytes)
    }
}

/// Whether `signature` over `message` was made with the private half of `public_key`.
pub fn verify(public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        let (sari, budi) = (SigningKey::generate().expect("key"), SigningKey::generate().expect("key"));
        let signature = sari.sign(b"kepala log");
        assert!(verify(&sari.public_key(), b"kepala log", &signature));
        assert!(!verify(&sari.public_key(), b"kepala lain", &signature));
        assert!(!verify(&budi.public_key(), b"kepala log", &signature));
    }

    #[test]
    fn a_key_made_once_is_the_same_after_a_restart() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let path = temp.path().join("device.key");
        let made = SigningKey::load_or_create(&path).expect("made");
        let read = SigningKey::load_or_create(&path).expect("read");
        assert_eq!(made.public_key(), read.public_key());
    }

    #[test]
    fn a_damaged_key_file_is_refused_and_kept() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let path = temp.path().join("device.key");
        std::fs::write(&path, "rusak").expect("write");
        assert!(matches!(SigningKey::load_or_create(&path), Err(KeyError::NotAKey(_) | KeyError::NotOfThisPc(..))));
        assert_eq!(std::fs::read(&path).expect("read"), b"rusak");
    }

    #[cfg(windows)]
    #[test]
    fn a_key_file_is_wrapped_for_this_pc() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let path = temp.path().join("device.key");
        SigningKey::load_or_create(&path).expect("made");
        let file = std::fs::read(&path).expect("read");
        assert!(!file.windows(7).any(|part| part == b"PRIVATE"));
    }

    #[test]
    fn the_private_half_never_shows_in_debug_output() {
        let key = SigningKey::generate().expect("key");
        assert_eq!(format!("{key:?}"), "SigningKey { .. }");
        assert!(!key.certificate_request().expect("request").is_empty());
    }
}
