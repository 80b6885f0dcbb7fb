//! Who says what next in an exchange, for both sides, without a socket: bytes in, events out.
//!
//! ```text
//!   agent                                                            hub
//!   Hello  Have  Inventory*  (Attest* Log Ops*)*  Attest*  End  ──▶  stores frame by frame
//!   ◀──  Marks  (Log Ops*)*  Feed*  End                         marks first: what stands is said before anything else
//! ```
//!
//! Either half may be lost or cut at any byte. What was committed stays, nothing is committed twice, and the next
//! exchange goes on from the marks. On a connection that stays open both ends remember what was said, see [`Line`]: later
//! exchanges carry what changed.

pub mod agent;
pub mod hub;
mod line;
mod outgoing;
pub mod pacing;

pub use line::Line;
