//! The agent: takes complaints and survey answers at an office, keeps them safe, and carries them to the hub.

pub mod entry;
pub mod store;
