//! Programs that speak with the hub: their keys, and what they were answered.

/// A key by which a program is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public number, the first part of the key.
    pub id: u64,
    /// What people call the program.
    pub name: String,
    /// SHA-256 of the secret part: 160 random bits, so nothing slower is needed.
    pub secret_hash: [u8; 32],
    /// What it allows, as words with spaces between them.
    pub scopes: String,
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
    /// When it ends, milliseconds since 1970.
    pub expires_ms: i64,
    /// When it was taken back.
    pub revoked_ms: Option<i64>,
}

/// An answer that is given again to the same request, so that a lost reply does nothing twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The key that asked.
    pub key: u64,
    /// The name that it gave the request.
    pub name: String,
    /// SHA-256 of the request: another request under the same name is refused.
    pub request: [u8; 32],
    /// The status that was answered.
    pub status: u16,
    /// The body that was answered.
    pub body: String,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

/// Answers are remembered for a day.
pub const REMEMBERED_MS: i64 = 86_400_000;
