//! Texts, letter by letter: what stands before a letter foretells it.
//!
//! The 63 commonest letters take one symbol of 6 bits; 63 says that it is another one, which follows as a symbol of 8.
//! That makes a quarter fewer decisions and statistics than bytes would.

use super::coder::Side;
use super::model::{COMMON_BITS, CONTEXTS, Model, Place, Repeat, Sort};
use super::numbers::hash;

/// Letters that are remembered for repetitions; older ones are written over.
const MEMORY: usize = 1 << 18;
/// Places by the hash of five letters.
const HEADS: usize = 1 << 15;
/// Letters that must be alike before a repetition is believed.
const ALIKE_MIN: usize = 5;
const ALIKE_MAX: usize = 31;
/// Failures that a repetition outlives, and letters that must be alike before they are forgotten: whoever types a
/// sentence again types it a little otherwise.
const MISSED_MAX: usize = 3;
const HEALED: usize = 8;

/// The commonest letters, those that are alike side by side. They are part of the coding.
const COMMON: [u8; OTHER as usize] = *b"aiueo \0,.-/'()!?ntrkmsgdlpbhyjcw0123456789fvzxq:SKTPBMDRAJLNIWH";
/// The symbol for all others, and what tells their contexts apart.
const OTHER: u32 = (1 << COMMON_BITS) - 1;
const SPELLED: u32 = 0xE5C;

/// A letter's symbol.
const CODES: [u8; 256] = codes();

const fn codes() -> [u8; 256] {
    let mut codes = [OTHER as u8; 256];
    let mut place = 0;
    while place < COMMON.len() {
        codes[COMMON[place] as usize] = place as u8;
        place += 1;
    }
    codes
}

/// All letters that passed, in a ring.
#[derive(Debug, Clone)]
pub(super) struct Letters {
    ring: Vec<u8>,
    /// Letters that passed.
    count: usize,
    /// For a hash of five letters: the count behind their last occurrence.
    heads: Vec<u32>,
}

/// Where a text stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    /// Hash of the field.
    field: u32,
    /// The last eight letters, the latest lowest. At the beginning they stand for the field.
    last: u64,
    /// Letters so far.
    place: usize,
    /// Hash of the word under way, of its letters that are no vowels, and how many letters it has.
    word: u32,
    bones: u32,
    length: usize,
    /// Bones of the word before it, and of the one before that: people leave out vowels.
    before: [u32; 2],
    repeat: Option<Repetition>,
}

/// A repetition under way.
#[derive(Debug, Clone, Copy)]
struct Repetition {
    /// The count of the letter that it foretells.
    from: usize,
    /// Letters alike since it last failed, or at all.
    alike: usize,
    /// How often it failed of late.
    missed: usize,
}

impl Spot {
    /// At the beginning of a text in this field.
    pub(super) fn new(field: u32) -> Spot {
        let last = u64::from(hash(field, 1)) << 32 | u64::from(hash(field, 2));
        Spot { field, last, place: 0, word: 0, bones: 0, length: 0, before: [0; 2], repeat: None }
    }

    fn contexts(&self) -> [u32; CONTEXTS] {
        let (last, [before, before_it]) = (self.last as u32, self.before);
        [
            hash(hash(last & 0xff, 1), self.field),
            hash(last & 0xffff, 2),
            hash(last & 0xff_ffff, 3),
            hash(hash(last & 0xffff, 4), before),
            hash(self.word, 5),
            hash(hash(self.word, 6), before),
            hash(hash(hash(self.word, 7), before), before_it),
        ]
    }

    fn situation(&self) -> usize {
        match self.last as u8 {
            _ if self.place == 0 => 0,
            b'a'..=b'z' => 1,
            b'0'..=b'9' => 2,
            _ => 3,
        }
    }

    fn passed(&mut self, letter: u8) {
        self.last = self.last << 8 | u64::from(letter);
        self.place += 1;
        if letter.is_ascii_alphanumeric() || letter >= 128 {
            let small = letter.to_ascii_lowercase();
            self.word = hash(self.word, u32::from(small) + 1);
            if !b"aiueo".contains(&small) {
                self.bones = hash(self.bones, small.into());
            }
            self.length = (self.length + 1).min(15);
        } else if self.word != 0 {
            self.before = [self.bones, self.before[0]];
            (self.word, self.bones, self.length) = (0, 0, 0);
        }
    }
}

impl Letters {
    /// None so far.
    pub(super) fn new() -> Letters {
        Letters { ring: vec![0; MEMORY], count: 0, heads: vec![0; HEADS] }
    }

    /// Codes the next letter of a text.
    pub(super) fn letter(&mut self, model: &mut Model, side: &mut impl Side, spot: &mut Spot, letter: u8) -> u8 {
        if spot.place >= ALIKE_MIN {
            self.look_for_repeat(spot);
        }
        let foretold = spot.repeat.map(|repeat| self.ring[repeat.from % MEMORY]);
        let letter = spelled(model, side, spot, foretold, letter);
        self.ring[self.count % MEMORY] = letter;
        self.count += 1;
        spot.repeat = spot.repeat.and_then(|repeat| self.moved_on(repeat, letter));
        spot.passed(letter);
        letter
    }

    /// A repetition behind this letter. One that failed goes on behind its letter, or behind the next one if that is what
    /// came.
    fn moved_on(&self, Repetition { from, alike, missed }: Repetition, letter: u8) -> Option<Repetition> {
        let at = |count: usize| self.ring[count % MEMORY];
        let moved = if at(from) == letter {
            let alike = (alike + 1).min(ALIKE_MAX);
            Repetition { from: from + 1, alike, missed: if alike < HEALED { missed } else { 0 } }
        } else {
            let from = if at(from + 1) == letter { from + 2 } else { from + 1 };
            Repetition { from, alike: 0, missed: missed + 1 }
        };
        (moved.missed <= MISSED_MAX && moved.from < self.count).then_some(moved)
    }

    fn look_for_repeat(&mut self, spot: &mut Spot) {
        let five = spot.last & 0xff_ffff_ffff;
        let head = (hash(five as u32, (five >> 32) as u32) >> 17) as usize % HEADS;
        if spot.repeat.is_none_or(|repeat| repeat.missed > 0) {
            let from = self.heads[head] as usize;
            let reach = from.min(MEMORY - (self.count - from).min(MEMORY)).min(ALIKE_MAX);
            let at = |count: usize| self.ring[count % MEMORY];
            let alike = (1..=reach).take_while(|back| at(from - back) == at(self.count - back)).count();
            if alike >= ALIKE_MIN && spot.repeat.is_none_or(|repeat| repeat.alike < alike) {
                spot.repeat = Some(Repetition { from, alike, missed: 0 });
            }
        }
        self.heads[head] = self.count as u32;
    }
}

/// Codes a letter: as a common one, or spelled out.
fn spelled(model: &mut Model, side: &mut impl Side, spot: &Spot, foretold: Option<u8>, letter: u8) -> u8 {
    let contexts = spot.contexts();
    let near = [spot.last as u32 & 0xff, spot.last as u32 & 0xffff];
    let sort =
        |spelled| Sort::Letter { spelled, situation: spot.situation(), word: (spot.length, spot.field as usize % 8) };
    let repeats = |symbol: u8| spot.repeat.map(|Repetition { alike, missed, .. }| Repeat { symbol, alike, missed });
    let code = |letter: u8| CODES[usize::from(letter)];
    let common = foretold.and_then(|letter| repeats(code(letter)));
    let place = Place { contexts: &contexts, sort: sort(false), repeats: common, near };
    let symbol = model.symbol(side, &place, COMMON_BITS, code(letter).into());
    if let Some(letter) = COMMON.get(symbol as usize) {
        return *letter;
    }
    let apart = |hashed: u32| hash(hashed, SPELLED);
    let other = foretold.filter(|letter| u32::from(code(*letter)) == OTHER).and_then(repeats);
    let place = Place { contexts: &contexts.map(apart), sort: sort(true), repeats: other, near: near.map(apart) };
    model.symbol(side, &place, 8, letter.into()) as u8
}
