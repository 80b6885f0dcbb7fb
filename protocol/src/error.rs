//! Errors that say whose fault it is, so that a caller can act on them.

use thiserror::Error;

/// A text or file that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what}")]
pub struct Malformed {
    what: &'static str,
}

impl Malformed {
    /// With the expectation in words.
    pub const fn new(what: &'static str) -> Self {
        Malformed { what }
    }
}

/// Why an exchange, a frame or an op cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// What arrived did not come from a Kentongan program at all: a captive portal, a proxy, a wrong address.
    #[error("the answer does not come from a Kentongan hub")]
    Stranger,
    /// The other side broke the rules of the protocol.
    #[error("the other side broke the protocol: {0}")]
    Peer(&'static str),
    /// The other side asked for more than a limit of ours allows.
    #[error("over a limit: {0}")]
    Limit(&'static str),
    /// The other side speaks a version, or sends a kind of thing, that this program does not know.
    #[error("needs a newer program: {0}")]
    Version(&'static str),
    /// The bytes ended before they should have; whatever was committed stays.
    #[error("the exchange was cut")]
    Cut,
    /// Bytes were damaged on the way.
    #[error("a frame arrived damaged")]
    Damaged,
    /// The hub refused the exchange, and says why.
    #[error("refused by the hub: {0}")]
    Refused(crate::wire::v1::Refusal),
}
