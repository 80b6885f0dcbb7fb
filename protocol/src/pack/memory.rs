//! What the next op is likely to repeat: texts, choices and moments of the ops before it in the stream.

use std::collections::BTreeMap;

use crate::ids::{LogId, OpId};

/// Texts of one field that can be repeated, and the bytes of the longest of them.
const TEXTS_MAX: usize = 8;
const TEXT_BYTES_MAX: usize = 64;
/// Fields and logs that are remembered. A stream with more begins to remember anew.
const FIELDS_MAX: usize = 512;
const LOGS_MAX: usize = 64;
/// Logs that can be referred to by a number.
pub(super) const LOGS_NAMED_MAX: usize = 13;

/// What was last in a field.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Its latest texts, each once, the latest first.
    pub(super) texts: Vec<String>,
    /// How the last text was given, and the one before.
    pub(super) how: u32,
    pub(super) how_before: u32,
    /// Its last choice.
    pub(super) choice: u32,
    /// Its last moment, milliseconds since 1970.
    pub(super) moment_ms: Option<i64>,
}

/// Times of the last op of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// Milliseconds since the run began.
    pub elapsed_ms: u64,
    /// Hybrid time.
    pub hlc: u64,
}

/// What a stream remembers.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    fields: BTreeMap<u32, Seen>,
    logs: BTreeMap<LogId, (Times, u64)>,
    /// Times of the last op of any log, or where the stream begins.
    pub(super) times: Times,
    /// Logs that ops referred to, the latest first, each with the last seq.
    pub(super) named: Vec<(LogId, u64)>,
    /// The last moment in any field.
    pub(super) moment_ms: i64,
    /// The time in a UUID of this op, until a moment follows it.
    pub(super) numbered_ms: Option<i64>,
    pub(super) offset_min: i16,
    /// The civil day of that moment, or of the last op.
    pub(super) day: i64,
    /// Prefix of the last receipt code.
    pub(super) prefix: Option<u64>,
    /// Hash of action and form of the last op.
    pub(super) sort: u32,
    /// The last four choices, the latest lowest.
    pub(super) choices: u32,
}

impl Memory {
    /// At the beginning of a stream.
    pub(super) fn new(times: Times) -> Memory {
        Memory { times, ..Memory::default() }
    }

    /// What was last in a field.
    pub(super) fn of(&mut self, field: u32) -> &mut Seen {
        if self.fields.len() >= FIELDS_MAX && !self.fields.contains_key(&field) {
            self.fields.clear();
        }
        self.fields.entry(field).or_default()
    }

    /// Takes note of a text.
    pub(super) fn had_text(&mut self, field: u32, how: u32, text: &str) {
        let seen = self.of(field);
        (seen.how, seen.how_before) = (how, seen.how);
        if text.is_empty() || text.len() > TEXT_BYTES_MAX {
            return;
        }
        match seen.texts.iter().position(|known| known == text) {
            Some(place) => {
                if let Some(known) = seen.texts.get_mut(..=place) {
                    known.rotate_right(1);
                }
            }
            None => {
                seen.texts.insert(0, text.to_owned());
                seen.texts.truncate(TEXTS_MAX);
            }
        }
    }

    /// Times of the last op of a log; of any, if there was none of it.
    pub(super) fn times_of(&self, log: LogId) -> Times {
        self.logs.get(&log).map_or(self.times, |(times, _)| *times)
    }

    /// Seq of the last op of a log in the feed, or 0.
    pub(super) fn seq_of(&self, log: LogId) -> u64 {
        self.logs.get(&log).map_or(0, |(_, seq)| *seq)
    }

    /// Takes note of an op's times and its seq.
    pub(super) fn had_op(&mut self, id: OpId, times: Times) {
        if self.logs.len() >= LOGS_MAX && !self.logs.contains_key(&id.log) {
            self.logs.clear();
        }
        self.logs.insert(id.log, (times, id.seq));
        self.times = times;
    }

    /// The place of a log among those that ops referred to.
    pub(super) fn place_of(&self, log: [u8; 8]) -> Option<u32> {
        self.named.iter().position(|(known, _)| known.to_bytes() == log).map(|place| place as u32)
    }

    /// Takes note of a reference.
    pub(super) fn had_reference(&mut self, log: LogId, seq: u64) {
        self.named.retain(|(known, _)| *known != log);
        self.named.insert(0, (log, seq));
        self.named.truncate(LOGS_NAMED_MAX);
    }
}
