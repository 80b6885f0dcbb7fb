//! Somebody who publishes programs: a key, and update files as `packaging/release` makes them.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kentongan_host::identity::SigningKey;
use kentongan_host::release::TARGET;
use kentongan_protocol::attachment::ContentHash;
use serde_json::json;

/// minisign's name for a signature over the file itself.
const PLAIN: &[u8; 2] = b"Ed";

/// A publisher.
#[derive(Debug)]
pub struct Publisher {
    key: Arc<SigningKey>,
    id: [u8; 8],
}

/// What a publisher says of an update file, where it is not what everybody says.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The version.
    pub version: &'a str,
    /// What it is for.
    pub target: &'a str,
    /// Until when it holds.
    pub expires_at: &'a str,
}

impl<'a> Said<'a> {
    /// Of this version, for this machine, for a long time.
    pub fn of(version: &'a str) -> Said<'a> {
        Said { version, target: TARGET, expires_at: "2099-01-01T00:00:00Z" }
    }
}

impl Publisher {
    /// With a key of their own. `number` tells publishers apart.
    ///
    /// # Panics
    /// If the system gives no random numbers.
    pub fn new(number: u8) -> Publisher {
        Publisher::with(Arc::new(SigningKey::generate().expect("a key")), number)
    }

    /// With this key.
    pub fn with(key: Arc<SigningKey>, number: u8) -> Publisher {
        Publisher { key, id: [number; 8] }
    }

    /// The public key, as it stands in `update.keys`.
    pub fn key(&self) -> String {
        BASE64_STANDARD.encode([&PLAIN[..], &self.id, &self.key.public_key()].concat())
    }

    /// An update file with this program.
    ///
    /// # Panics
    /// If it cannot be packed.
    pub fn update(&self, said: Said, program: &[u8]) -> Vec<u8> {
        let manifest = json!({
            "schema": "kentongan.release/1", "version": said.version, "commit": "1a2b3c4d5e",
            "made_at": "2026-11-22T00:00:00Z", "expires_at": said.expires_at,
            "files": [{
                "name": format!("kentongan-agent-{}", said.target), "bytes": program.len(),
                "sha256": ContentHash::of(program).to_string(),
                "program": "kentongan-agent", "target": said.target,
            }],
        })
        .to_string();
        let signature = self.sign(manifest.as_bytes());
        let mut file = format!("KENTONGAN-UPDATE/1 {} {}\n", manifest.len(), signature.len()).into_bytes();
        file.extend(manifest.as_bytes());
        file.extend(signature.as_bytes());
        file.extend(zstd::stream::encode_all(program, 1).expect("packed"));
        file
    }

    /// A `.minisig` file over `bytes`.
    pub fn sign(&self, bytes: &[u8]) -> String {
        let (own, comment) = (self.key.sign(bytes), "Kentongan");
        let made = BASE64_STANDARD.encode([&PLAIN[..], &self.id, &own].concat());
        let sealed = BASE64_STANDARD.encode(self.key.sign(&[&own, comment.as_bytes()].concat()));
        format!("untrusted comment: of a story\n{made}\ntrusted comment: {comment}\n{sealed}\n")
    }
}
