//! What a model knows before its first op: the text beside this file, read once from top to bottom.
//!
//! The text is our own: how people write to offices, words, names and places, and made-up records. A model is named by a
//! number, and its text is never changed once it is released: a better text is another model.
//!
//! ```text
//!   text      = paragraph (empty line, paragraph)*        a paragraph is learned like one stream
//!   paragraph = line*
//!   line      = letters without a tab                     a complaint's description alone
//!             | form (tab group "." field type value)*    a new record
//!   type      = "=" text   "~" person   "#" whole number   ":" choice   "/" days   "@" milliseconds of UTC "+" minutes
//! ```

use super::coder::Learner;
use super::memory::{Memory, Times};
use super::walk::{Mind, Walk};
use crate::clock::Hlc;
use crate::form::{FieldTag, Value};
use crate::ids::{LogId, OpId};
use crate::op::{Action, Op, Write};
use crate::receipt::{ReceiptCode, SERIALS};

/// Text of model 1.
const TEXT: &str = include_str!("priming1.txt");

/// When the made-up records were made up: 2026-01-01, and ten hours after the beginning of a run.
const WALL_MS: u64 = 1_767_225_600_000;
const ELAPSED_MS: u64 = 36_000_000;

/// A mind that has read the text.
pub(super) fn mind() -> Mind {
    let mut mind = Mind::new();
    for (number, paragraph) in TEXT.split("\n\n").enumerate() {
        let begin = Times { elapsed_ms: ELAPSED_MS, hlc: WALL_MS << 16 };
        let mut reader =
            Reader { mind: &mut mind, memory: Memory::new(begin), paragraph: number as u64, line: 0, last: begin };
        paragraph.lines().for_each(|line| reader.line(line));
    }
    mind
}

struct Reader<'a> {
    mind: &'a mut Mind,
    memory: Memory,
    paragraph: u64,
    line: u64,
    last: Times,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        let id = OpId { log: LogId::from_bytes([0; 8]), seq: self.line + 1 };
        let bytes = line.contains('\t').then(|| self.op(line)).flatten();
        let mut walk = Walk { mind: self.mind, memory: &mut self.memory, side: &mut Learner, room: usize::MAX };
        let learned = match bytes {
            Some(bytes) => walk.op(id, &bytes).map(drop),
            None => walk.description(line).map(drop),
        };
        debug_assert_eq!(learned, Ok(()), "{line}");
        self.line += 1;
    }

    /// The record of a line. In every second paragraph records were saved together, in the others one after the other.
    fn op(&mut self, line: &str) -> Option<Vec<u8>> {
        let mut parts = line.split('\t');
        let form = parts.next()?.parse().ok()?;
        let mut writes: Vec<Write> = Vec::new();
        for part in parts {
            let (group, rest) = part.split_once('.')?;
            let (tag, value) = field(rest)?;
            let group = group.parse().ok()?;
            if writes.last().is_none_or(|write| write.group != group) {
                writes.push(Write { group, ..Write::default() });
            }
            writes.last_mut()?.values.insert(tag, value);
        }
        let chance = (self.paragraph * 1_000 + self.line).wrapping_mul(7_654_321);
        let times = match (self.paragraph % 2, self.line) {
            (_, 0) => {
                let before = chance % 3_000;
                Times { elapsed_ms: ELAPSED_MS - before, hlc: (WALL_MS - before) << 16 }
            }
            (0, _) => Times { elapsed_ms: self.last.elapsed_ms, hlc: self.last.hlc + 1 },
            _ => {
                let after = chance % 300_000;
                Times { elapsed_ms: self.last.elapsed_ms + after, hlc: ((self.last.hlc >> 16) + after) << 16 }
            }
        };
        self.last = times;
        let code = self.paragraph * 1_789 % 923_521 * u64::from(SERIALS) + chance % u64::from(SERIALS);
        let receipt = if form == 1 { ReceiptCode::from_number(code) } else { None };
        let action = Action::Create { form, form_version: 1, receipt };
        let op = Op { action, author: "petugas".to_owned(), elapsed_ms: times.elapsed_ms, hlc: Hlc(times.hlc), writes };
        op.encode_v1().ok()
    }
}

fn field(text: &str) -> Option<(FieldTag, Value)> {
    let place = text.find(['=', '~', '#', ':', '/', '@'])?;
    let (tag, sort, value) = (text.get(..place)?, text.get(place..=place)?, text.get(place + 1..)?);
    let value = match sort {
        "=" => Value::Text(value.to_owned()),
        "~" => Value::Person(value.to_owned()),
        "#" => Value::Whole(value.parse().ok()?),
        ":" => Value::One(value.parse().ok()?),
        "/" => Value::Date(value.parse().ok()?),
        _ => {
            let (utc_ms, offset_min) = value.split_once('+')?;
            Value::DateTime { utc_ms: utc_ms.parse().ok()?, offset_min: offset_min.parse().ok()? }
        }
    };
    Some((tag.parse().ok()?, value))
}
