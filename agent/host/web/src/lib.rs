//! Pages for people, from a program that is no web server: what a clerk's page and an operator's console share.
//!
//! ```text
//!   listener ── guard ── Asked ── (the site decides) ── Reply ── listener
//!                          └─ Posted: a form, only after its token was right
//! ```
//!
//! A browser is full of strangers' pages, and each of them may send requests to this PC. So, before anything of a
//! request is believed: its `Host` is one of ours ([`guard`]), it does not come from another page, and what it wants to
//! change carries the token that only our own pages know ([`token`]). There is no way to a posted form but through
//! [`Asked::posted`], which checks the token.
//!
//! Deliberately absent: a router, middleware, sessions in memory. A program has a dozen pages, and a `match` over their
//! paths is the map of the site; a form that was opened before a restart can be sent after it.

pub mod asked;
pub mod asset;
pub mod cookie;
pub mod form;
pub mod guard;
pub mod listener;
pub mod look;
mod multipart;
pub mod reply;
pub mod square;
pub mod token;
pub mod when;
pub mod words;

pub use asked::{Asked, Posted, Unreadable};
pub use asset::Asset;
pub use form::{Fields, Upload};
pub use guard::Guard;
pub use listener::{Limits, Site};
pub use reply::Reply;
pub use square::Square;
pub use token::Secret;
pub use when::{Clock, When};
pub use words::{Catalog, OwnFault, Words};
