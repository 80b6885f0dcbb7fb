//! What leaves a process: frames ([`frame`]), how values become bytes ([`codec`]), and the messages of version 1
//! ([`v1`]). The law is `SPEC.md`.

pub mod codec;
pub mod frame;
pub mod v1;

/// Lowest and highest major version of the protocol that this program speaks.
pub fn versions() -> (u8, u8) {
    crate::next::versions()
}
