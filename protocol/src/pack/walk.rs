//! What the pieces of a message are coded by: numbers, texts, references. One walk for writing, reading and learning: a
//! piece takes the value to write and gives back the value that holds; who reads passes anything.

use super::coder::Side;
use super::memory::Memory;
use super::model::{CONTEXTS, Model, Place, Sort};
use super::numbers::hash;
use super::serial;
use super::text::{Letters, Spot};
use super::uuid;
use crate::error::Fault;

/// Statistics and letters: all that is learned.
#[derive(Debug, Clone)]
pub(super) struct Mind {
    pub(super) model: Model,
    pub(super) letters: Letters,
}

impl Mind {
    /// Knows nothing.
    pub(super) fn new() -> Mind {
        Mind { model: Model::new(), letters: Letters::new() }
    }
}

/// What a symbol says. The numbers are part of the coding.
#[derive(Debug, Clone, Copy)]
#[rustfmt::skip]
pub(super) enum Kind {
    Format = 1, Action, Form, Version, HasReceipt, PrefixHow, Elapsed, HlcHow, Group, Cycle, Replaces, ReferenceHow, Tag,
    Type, Choice, Choices, Unit, DayDelta, Offset, TextHow, Whole, Decimal, Scale, Length, Extension, Uuid, Plain,
    Entry, Media, Size, Step,
}

/// How a text is given. 4 to 11: as the latest, second latest, … text of its field.
mod how {
    /// Its letters and a zero.
    pub(super) const ENDED: u32 = 0;
    /// The number of its bytes, and they.
    pub(super) const COUNTED: u32 = 1;
    /// It is a UUID in small hexadecimal digits.
    pub(super) const UUID: u32 = 2;
    /// The latest text of the field, with a higher number in it.
    pub(super) const COUNTED_ON: u32 = 3;
    /// The latest text of the field; numbers from here on count backwards.
    pub(super) const AS_BEFORE: u32 = 4;
}

/// A walk over a message.
pub(super) struct Walk<'a, S> {
    pub(super) mind: &'a mut Mind,
    pub(super) memory: &'a mut Memory,
    pub(super) side: &'a mut S,
    /// Bytes that may still come out.
    pub(super) room: usize,
}

impl<S: Side> Walk<'_, S> {
    /// A symbol of `width` bits.
    pub(super) fn symbol(&mut self, kind: Kind, width: u32, about: &[u32], value: u32) -> u32 {
        let kind = kind as u32;
        let mut contexts = [0; CONTEXTS];
        let mut near = kind;
        for (number, (context, about)) in contexts.iter_mut().zip(about).enumerate() {
            // The first is widest, the others are narrower, each in its own way.
            *context = hash(hash(*about, kind), 0x5EED + number as u32);
            near = if number == 0 { *context } else { near };
        }
        let contexts = contexts.get(..about.len()).unwrap_or(&contexts);
        let near = [near, contexts.last().copied().unwrap_or(near)];
        let place = Place { contexts, sort: Sort::Piece(kind), repeats: None, near };
        self.mind.model.symbol(self.side, &place, width, value)
    }

    /// A number that is small as a rule: below 255 one symbol.
    pub(super) fn small(&mut self, kind: Kind, about: &[u32], value: u64) -> u64 {
        match self.symbol(kind, 8, about, value.min(255) as u32) {
            255 => self.number(kind, about, value.wrapping_sub(255)).wrapping_add(255),
            value => value.into(),
        }
    }

    /// Any number: how many bits it has, then the bits below the highest, of which the first four are foretold.
    pub(super) fn number(&mut self, kind: Kind, about: &[u32], value: u64) -> u64 {
        let bits = self.symbol(kind, 7, about, 64 - value.leading_zeros()).min(64);
        self.below(kind, about, bits, bits, value)
    }

    /// A number below or above zero: how many bits it has (-1 as 0, -2 as 1, …) and its sign, then as any number.
    pub(super) fn signed(&mut self, kind: Kind, about: &[u32], value: i64) -> i64 {
        let (size, minus) = ((value ^ value >> 63) as u64, u32::from(value < 0));
        let sort = self.symbol(kind, 7, about, (64 - size.leading_zeros()) << 1 | minus);
        let size = self.below(kind, about, sort >> 1, sort, size) as i64;
        size ^ -i64::from(sort & 1)
    }

    /// A number of so many bits: of those below the highest, the first four are foretold.
    fn below(&mut self, kind: Kind, about: &[u32], bits: u32, sort: u32, value: u64) -> u64 {
        if bits < 2 {
            return bits.into();
        }
        let below = bits - 1;
        let foretold = below.min(4);
        let first = about.first().copied().unwrap_or(0);
        let wide = hash(hash(first, 0xB175), sort);
        let narrow = hash(hash(about.last().copied().unwrap_or(0), 0xB176), sort);
        let high = self.symbol(kind, foretold, &[wide, narrow], (value >> (below - foretold)) as u32 & 15);
        let low = self.raw(below - foretold, value);
        1 << below | u64::from(high) << (below - foretold) | low
    }

    /// Bits that nothing foretells, the highest first.
    pub(super) fn raw(&mut self, bits: u32, value: u64) -> u64 {
        (0..bits).rev().fold(0, |read, place| read << 1 | u64::from(self.side.bit(value >> place & 1 == 1, 32_768)))
    }

    /// A text of at most `max` bytes in this field.
    pub(super) fn text(&mut self, field: u32, max: usize, text: &str) -> Result<String, Fault> {
        let seen = self.memory.of(field);
        let (last, before) = (seen.how, seen.how_before);
        let wanted = match seen.texts.iter().position(|known| known == text) {
            Some(place) => how::AS_BEFORE + place as u32,
            None if uuid::parse(text).is_some() => how::UUID,
            None if serial::step(seen.texts.first(), text).is_some() => how::COUNTED_ON,
            None if text.as_bytes().contains(&0) => how::COUNTED,
            None => how::ENDED,
        };
        let about = [field, hash(field, last + 1), hash(hash(field, last + 1), before + 1)];
        let how = self.symbol(Kind::TextHow, 4, &about, wanted);
        let text = match how {
            how::ENDED => self.ended(field, max, text)?,
            how::COUNTED => self.counted(field, max, text.as_bytes())?,
            how::COUNTED_ON => serial::code(self, field, text)?.into_bytes(),
            how::UUID => uuid::code(self, field, text)?.into_bytes(),
            _ => {
                let place = how.wrapping_sub(how::AS_BEFORE) as usize;
                let known = self.memory.of(field).texts.get(place).cloned();
                known.ok_or(Fault::Peer("a packed text as one that was not there"))?.into_bytes()
            }
        };
        self.spend(text.len(), max)?;
        let text = String::from_utf8(text).map_err(|_| Fault::Peer("text that is not UTF-8"))?;
        self.memory.had_text(field, how, &text);
        Ok(text)
    }

    /// Bytes, their number first.
    pub(super) fn counted(&mut self, field: u32, max: usize, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
        let count = self.number(Kind::Length, &[field], bytes.len() as u64) as usize;
        self.spend(count, max)?;
        let mut spot = Spot::new(field);
        let mut read = Vec::new();
        for place in 0..count {
            read.push(self.letter(&mut spot, bytes.get(place).copied().unwrap_or(0))?);
        }
        Ok(read)
    }

    fn ended(&mut self, field: u32, max: usize, text: &str) -> Result<Vec<u8>, Fault> {
        let mut spot = Spot::new(field);
        let mut letters = text.bytes();
        let mut read = Vec::new();
        loop {
            match self.letter(&mut spot, letters.next().unwrap_or(0))? {
                0 => return Ok(read),
                _ if read.len() >= max.min(self.room) => {
                    return Err(Fault::Limit("a packed text longer than it may be"));
                }
                letter => read.push(letter),
            }
        }
    }

    fn letter(&mut self, spot: &mut Spot, letter: u8) -> Result<u8, Fault> {
        if self.side.is_spent() {
            return Err(Fault::Peer("packed bytes that end too early"));
        }
        let Mind { model, letters } = &mut *self.mind;
        Ok(letters.letter(model, self.side, spot, letter))
    }

    /// Takes note that so many bytes come out, of something that may have `max`.
    ///
    /// # Errors
    /// [`Fault::Limit`] if there is no room left for them, [`Fault::Peer`] if the packed bytes have ended.
    pub(super) fn spend(&mut self, bytes: usize, max: usize) -> Result<(), Fault> {
        if self.side.is_spent() {
            return Err(Fault::Peer("packed bytes that end too early"));
        }
        if bytes > max {
            return Err(Fault::Limit("a packed text longer than it may be"));
        }
        self.room = self.room.checked_sub(bytes).ok_or(Fault::Limit("packed bytes that grow beyond their bound"))?;
        Ok(())
    }
}
