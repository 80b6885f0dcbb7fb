//! Files by name as programs see them, and as the platter holds them: what a power cut would leave.

use std::collections::BTreeMap;

use crate::Dice;

/// Unit of what is remembered of the platter, in bytes.
pub(super) const BLOCK: usize = 4096;
/// Unit of what a power cut keeps or loses, in bytes.
const SECTOR: usize = 512;

/// A name in the folder: the file behind it, and what would be behind it if the power failed now.
#[derive(Debug, Default, Clone)]
pub(super) struct Name {
    pub(super) live: Option<File>,
    /// What the name stood for before a change of the folder that was not flushed; `None` inside: nothing.
    pub(super) before: Option<Option<Vec<u8>>>,
    pub(super) locks: BTreeMap<u64, i32>,
}

/// A file: its bytes, and how the platter differs from them.
#[derive(Debug, Default, Clone)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    /// Blocks as they are on the platter, where they differ.
    pub(super) old: BTreeMap<usize, Box<[u8]>>,
    pub(super) old_len: usize,
}

impl Name {
    /// What a power cut leaves of the name.
    pub(super) fn lose(&mut self, dice: &mut Dice) {
        match (self.live.take(), self.before.take()) {
            (live, Some(before)) if dice.percent(50) => {
                // The folder itself was not flushed.
                let _ = live;
                self.live = before.map(File::durable);
            }
            (live, _) => self.live = live.map(|file| File::durable(file.torn(dice))),
        }
    }
}

impl File {
    pub(super) fn durable(bytes: Vec<u8>) -> File {
        File { old_len: bytes.len(), bytes, old: BTreeMap::new() }
    }

    /// Keeps what is on the platter of `from..to` before it is changed.
    pub(super) fn remember(&mut self, from: usize, to: usize) {
        let end = to.min(self.old_len);
        if from >= end {
            return;
        }
        for block in from / BLOCK..=(end - 1) / BLOCK {
            let (start, end) = (block * BLOCK, (block + 1) * BLOCK);
            let bytes = &self.bytes;
            self.old.entry(block).or_insert_with(|| {
                let start = start.min(bytes.len());
                bytes[start..end.min(bytes.len())].into()
            });
        }
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        self.remember(offset, end);
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[offset..end].copy_from_slice(bytes);
    }

    /// The bytes on the platter, if nothing written since the last sync got there.
    pub(super) fn platter(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes.resize(self.old_len, 0);
        for (block, old) in &self.old {
            let start = block * BLOCK;
            let end = (start + old.len()).min(bytes.len());
            if start < end {
                bytes[start..end].copy_from_slice(&old[..end - start]);
            }
        }
        bytes
    }

    /// What is there after a power cut: of each sector the new or the old.
    fn torn(&self, dice: &mut Dice) -> Vec<u8> {
        let old = self.platter();
        let mut bytes = self.bytes.clone();
        if bytes.len() > old.len() && dice.percent(50) {
            bytes.truncate(old.len());
        }
        if bytes.len() < old.len() && dice.percent(50) {
            bytes.extend_from_slice(&old[bytes.len()..]);
        }
        for block in self.old.keys() {
            for sector in (block * BLOCK..(block + 1) * BLOCK).step_by(SECTOR) {
                lose_sector(&mut bytes, &old, sector, dice);
            }
        }
        for sector in (old.len() / SECTOR * SECTOR..bytes.len()).step_by(SECTOR) {
            lose_sector(&mut bytes, &old, sector, dice);
        }
        bytes
    }
}

/// Puts a sector back to what it was, half of the times; what never was is zeros.
fn lose_sector(bytes: &mut [u8], old: &[u8], sector: usize, dice: &mut Dice) {
    let end = (sector + SECTOR).min(bytes.len());
    if sector >= end || dice.percent(50) {
        return;
    }
    for (place, byte) in (sector..).zip(&mut bytes[sector..end]) {
        *byte = old.get(place).copied().unwrap_or(0);
    }
}
