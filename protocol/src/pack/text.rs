//! Texts, letter by letter: what stands before a letter foretells it.

use super::coder::Side;
use super::model::{Model, Place};
use super::numbers::hash;

/// Letters that are remembered for repetitions; older ones are written over.
const MEMORY: usize = 1 << 18;
/// Places by the hash of five letters.
const HEADS: usize = 1 << 15;
/// Letters that must be alike before a repetition is believed.
const ALIKE_MIN: usize = 5;
const ALIKE_MAX: usize = 31;

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
    /// Hash of the word under way, and of the one before it.
    word: u32,
    word_before: u32,
    /// A repetition: the count of the letter that it foretells, and letters alike so far.
    repeat: Option<(usize, usize)>,
}

impl Spot {
    /// At the beginning of a text in this field.
    pub(super) fn new(field: u32) -> Spot {
        let last = u64::from(hash(field, 1)) << 32 | u64::from(hash(field, 2));
        Spot { field, last, place: 0, word: 0, word_before: 0, repeat: None }
    }

    fn contexts(&self) -> [u32; 6] {
        let last = self.last as u32;
        [
            hash(hash(last & 0xff, 1), self.field),
            hash(last & 0xffff, 2),
            hash(last & 0xff_ffff, 3),
            hash(last | 0x2020_2020, 4),
            hash(self.word, 7),
            hash(hash(self.word, 8), self.word_before),
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
            self.word = hash(self.word, u32::from(letter.to_ascii_lowercase()) + 1);
        } else if self.word != 0 {
            (self.word_before, self.word) = (self.word, 0);
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
        let repeats = spot.repeat.map(|(from, alike)| (self.ring[from % MEMORY], alike));
        let place = Place {
            contexts: &spot.contexts(),
            is_text: true,
            kind: 0,
            situation: spot.situation(),
            repeats,
            near: spot.last as u32 & 0xff,
        };
        let letter = model.symbol(side, &place, 8, u32::from(letter)) as u8;
        self.ring[self.count % MEMORY] = letter;
        self.count += 1;
        spot.repeat = match (spot.repeat, repeats) {
            (Some((from, alike)), Some((foretold, _))) if foretold == letter => {
                Some((from + 1, (alike + 1).min(ALIKE_MAX)))
            }
            _ => None,
        };
        spot.passed(letter);
        letter
    }

    fn look_for_repeat(&mut self, spot: &mut Spot) {
        let five = spot.last & 0xff_ffff_ffff;
        let head = (hash(five as u32, (five >> 32) as u32) >> 17) as usize % HEADS;
        if spot.repeat.is_none() {
            let from = self.heads[head] as usize;
            let reach = from.min(MEMORY - (self.count - from).min(MEMORY)).min(ALIKE_MAX);
            let at = |count: usize| self.ring[count % MEMORY];
            let alike = (1..=reach).take_while(|back| at(from - back) == at(self.count - back)).count();
            spot.repeat = (alike >= ALIKE_MIN).then_some((from, alike));
        }
        self.heads[head] = self.count as u32;
    }
}
