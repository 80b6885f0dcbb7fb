//! The high-water mark: a small file beside the store that says how many ops of this PC were saved here.
//!
//! A write-ahead log that was deleted, or a database that was copied back alone, is a sound database that lacks the last
//! entries. Only something outside it can notice. The mark is written after each commit and flushed at contacts and at
//! a clean end, so it is never ahead of the store, and behind it by little.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};

use kentongan_host::files::{self, Access, creating};
use kentongan_protocol::ids::{OfficeCode, ReplicaId};
use kentongan_protocol::receipt::Prefix;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Member;
use super::check::first_of;

const MAGIC: &[u8; 8] = b"KtgMark1";
const BYTES: usize = 40;

/// What the mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HighWater {
    /// Whose ops.
    pub(super) replica: ReplicaId,
    /// How many of them were saved in this folder.
    pub(super) ops: u64,
    /// When the last was saved, by this PC's clock.
    pub(super) at_ms: i64,
}

/// The file.
#[derive(Debug)]
pub(super) struct Mark {
    path: PathBuf,
    file: Option<File>,
}

impl Mark {
    /// Beside the store at `store`.
    pub(super) fn beside(store: &Path) -> Mark {
        Mark { path: store.with_extension("mark"), file: None }
    }

    /// What it says; `None` if there is none or it is damaged, which must not raise an alarm.
    pub(super) fn read(&self) -> Option<HighWater> {
        decode(&files::read_bounded(&self.path, 4096).ok()?)
    }

    /// Notes a number. A mark that cannot be written notices less and hinders nothing.
    pub(super) fn write(&mut self, water: HighWater) {
        if self.file.is_none() {
            self.file = creating(Access::Private).truncate(false).open(&self.path).ok();
        }
        if let Some(file) = &mut self.file
            && file.rewind().and_then(|()| file.write_all(&encode(water))).is_err()
        {
            self.file = None;
        }
    }

    /// Makes it last through a power cut.
    pub(super) fn flush(&mut self) {
        if let Some(file) = &self.file {
            // What is lost by a failure is some of the alarm, none of the data.
            let _ = file.sync_data();
        }
    }
}

fn encode(water: HighWater) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(water.replica.to_bytes());
    bytes.extend(water.ops.to_be_bytes());
    bytes.extend(water.at_ms.to_be_bytes());
    let sum = first_of(&Sha256::digest(&bytes));
    bytes.extend(sum.to_be_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<HighWater> {
    let field = |at: usize| -> Option<[u8; 8]> { bytes.get(at..at + 8)?.try_into().ok() };
    let water = HighWater {
        replica: ReplicaId::from_bytes(field(8)?),
        ops: u64::from_be_bytes(field(16)?),
        at_ms: i64::from_be_bytes(field(24)?),
    };
    (bytes.len() == BYTES && encode(water) == bytes).then_some(water)
}

/// A copy of what enrolment gave, in the identity folder: who this is must outlive the store.
pub(super) fn keep_member(store: &Path, member: &Member) {
    let Some(path) = member_file(store).filter(|path| path.parent().is_some_and(Path::is_dir)) else { return };
    if read_member(store).as_ref() == Some(member) {
        return;
    }
    let text = document(member).to_string();
    if let Err(error) = files::replace(&path, text.as_bytes(), Access::Private) {
        tracing::debug!(ev = "identity.not_copied", %error, "the copy of the enrolment was not written");
    }
}

/// The copy, if it is there and whole.
pub(super) fn read_member(store: &Path) -> Option<Member> {
    let bytes = files::read_bounded(&member_file(store)?, 64 * 1024).ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    let text = |key: &str| value[key].as_str();
    let member = Member {
        replica: text("replica")?.parse().ok()?,
        office: text("office")?.parse::<OfficeCode>().ok()?,
        office_name: text("office_name")?.to_owned(),
        prefix: text("prefix")?.parse::<Prefix>().ok()?,
        hub_url: text("hub_url")?.to_owned(),
        hub_replica: text("hub_replica")?.parse().ok()?,
    };
    (value["sum"] == json!(member_sum(&member))).then_some(member)
}

fn member_file(store: &Path) -> Option<PathBuf> {
    Some(store.parent()?.join("identity").join("member.json"))
}

fn document(member: &Member) -> Value {
    json!({
        "replica": member.replica.to_string(),
        "office": member.office.as_str(),
        "office_name": member.office_name,
        "prefix": member.prefix.to_string(),
        "hub_url": member.hub_url,
        "hub_replica": member.hub_replica.to_string(),
        "sum": member_sum(member),
    })
}

/// Sum over what enrolment gave.
pub(super) fn member_sum(member: &Member) -> i64 {
    let mut hasher = Sha256::new();
    hasher.update(member.replica.to_bytes());
    hasher.update(member.hub_replica.to_bytes());
    hasher.update(member.prefix.number().to_be_bytes());
    for text in [member.office.as_str(), &member.office_name, &member.hub_url] {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    first_of(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_any_flipped_bit_makes_it_none() {
        let water = HighWater { replica: ReplicaId(7), ops: 1_234, at_ms: -5 };
        let bytes = encode(water);
        assert_eq!(decode(&bytes), Some(water));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped), None, "bit {bit}");
        }
    }
}
