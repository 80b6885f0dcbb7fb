//! What is likely to come next: many small statistics, mixed by weights that learn.
//!
//! A *symbol* is a number of at most 8 bits, coded bit by bit from the highest, in groups of two. Its caller names up to
//! seven *contexts*: hashes of what may foretell it. For each context and group there is a *cell* of three slots: for
//! the first bit, and for the second after a 0 and after a 1; a slot holds the probability of "yes" and how often it was
//! asked. What slots of that look have been worth so far says a second probability. A mixer adds all of them up,
//! stretched, three times, with weights of three sets; two more tables say what came of such sums. Then everything that
//! spoke learns what was right.
//!
//! Only integers: the same bits on every machine.

use super::coder::Side;
use super::numbers::{STEP, STRETCH, STRETCHED_MAX, hash, squash};

/// Bits of a common letter's symbol.
pub(super) const COMMON_BITS: u32 = 6;

/// Contexts of a symbol, at most.
pub(super) const CONTEXTS: usize = 7;

/// Cells of all contexts, eight bytes each: most of a model's memory, which is 4.2 MiB.
const CELLS: usize = 432 * 1024;
/// A check number and three slots.
const CELL: usize = 4;
/// Slots: probability in 1/4096 times 16, plus the times asked, up to this.
const ASKED_MAX: u16 = 15;
/// A slot that was never asked.
const FRESH: u16 = 2048 << 4;

/// Looks of a slot: 16 counts and 64 steps of the stretched probability.
const LOOKS: usize = 16 * 64;

/// What mixers add up: two numbers of each context, two of the text before that goes on alike, and a constant.
const INPUTS: usize = 2 * CONTEXTS + 3;
/// Sets of weights, in three tables, each with those of letters before the others.
const SETS: [usize; 3] = [LETTER_SETS[0] + KINDS, LETTER_SETS[1] + (1 << CONTEXTS), LETTER_SETS[2] + KINDS];
const KINDS: usize = 32;
const LETTER_SETS: [usize; 3] = [256 + (1 << COMMON_BITS), (CONTEXTS + 1) * 4 * LETTER_BITS * 4, 16 * 8];
/// Bits of a letter that is spelled out: those that say so, and its own.
const LETTER_BITS: usize = COMMON_BITS as usize + 8;
const WEIGHT: i32 = 10_000;
const WEIGHT_MAX: i32 = 1 << 19;
const RATE: i32 = 7;

/// Points of a correction: stretched -2048 to 2048 in steps of 128.
const POINTS: usize = 33;
/// Rows of points in each of two tables, chosen by the upper bits of a hash.
const CORRECTIONS: usize = 1 << CORRECTION_BITS;
const CORRECTION_BITS: u32 = 11;

/// What repetitions are told apart by: 32 lengths, and how often they failed, below 4.
const REPEATS: usize = 32 * 4;

/// What a symbol is: where its statistics are kept apart from others'.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Hashes of what may foretell it, at most [`CONTEXTS`].
    pub(super) contexts: &'a [u32],
    pub(super) sort: Sort,
    pub(super) repeats: Option<Repeat>,
    /// Hashes by which the corrections are chosen.
    pub(super) near: [u32; 2],
}

/// A symbol of a text, or another one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sort {
    /// A letter, or that it is none of the common ones.
    Letter {
        /// Whether it is spelled out, in 8 bits, as the common ones are not.
        spelled: bool,
        /// A number below 4 that tells situations apart.
        situation: usize,
        /// Letters of the word so far, below 16, and a number of the field, below 8.
        word: (usize, usize),
    },
    /// All but letters: what it is, below 32.
    Piece(u32),
}

/// What followed when the same letters came before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Repeat {
    /// The symbol.
    pub(super) symbol: u8,
    /// Letters alike, at most 31, since it last failed.
    pub(super) alike: usize,
    /// How often it failed of late, below 4.
    pub(super) missed: usize,
}

impl Repeat {
    fn place(self) -> usize {
        self.missed * 32 + self.alike
    }

    /// How far it is believed, from 1 to 3.
    fn trust(self) -> usize {
        match self.alike {
            _ if self.missed > 0 => 1,
            0..8 => 1,
            8..16 => 2,
            _ => 3,
        }
    }
}

/// All statistics.
#[derive(Debug, Clone)]
pub(super) struct Model {
    cells: Vec<u16>,
    looks: Vec<u16>,
    weights: [Vec<[i32; INPUTS]>; 3],
    corrections: [Vec<u16>; 2],
    repeats: Vec<u16>,
}

/// Where in a symbol a bit is: 1 and the bits before it, the bits of the symbol, and how many of them came before.
#[derive(Clone, Copy)]
struct Bit {
    tree: u32,
    width: u32,
    done: u32,
}

/// What one decision is made of, from the forecast to the lesson.
struct Forecast {
    inputs: [i32; INPUTS],
    slots: [usize; CONTEXTS],
    looks: [usize; CONTEXTS],
    sets: [usize; 3],
    mixed: [i32; 3],
    points: [usize; 2],
    /// Its place, and the bit that it foretells.
    repeat: Option<(usize, bool)>,
    p: u32,
}

impl Model {
    /// Knows nothing.
    pub(super) fn new() -> Model {
        let look = |place: usize| (squash((place % 64) as i32 * 64 - 2016).max(16) * 16) as u16;
        let point = |place: usize| (squash(((place % POINTS) as i32 - 16) * 128) * 16) as u16;
        Model {
            cells: vec![0; CELLS * CELL],
            looks: (0..2 * CONTEXTS * LOOKS).map(look).collect(),
            weights: SETS.map(|sets| vec![[WEIGHT; INPUTS]; sets]),
            corrections: [(); 2].map(|()| (0..CORRECTIONS * POINTS).map(point).collect()),
            repeats: vec![32_768; REPEATS],
        }
    }

    /// Codes a symbol of `width` bits, at most 8.
    pub(super) fn symbol(&mut self, side: &mut impl Side, place: &Place<'_>, width: u32, value: u32) -> u32 {
        let mut tree = 1;
        let mut cells = [0; CONTEXTS];
        for done in 0..width {
            if done % 2 == 0 {
                for ((number, cell), context) in cells.iter_mut().enumerate().zip(place.contexts) {
                    *cell = self.cell(hash(*context, (tree << 8 | width << 4) + number as u32));
                }
            }
            let inner = if done % 2 == 0 { 1 } else { 2 + (tree & 1) };
            let forecast = self.forecast(place, Bit { tree, width, done }, inner as usize, &cells);
            let bit = side.bit(value >> (width - 1 - done) & 1 == 1, forecast.p);
            self.learn(&forecast, bit);
            tree = tree << 1 | u32::from(bit);
        }
        tree & ((1 << width) - 1)
    }

    /// Where the cell with this hash begins: found in one of three places, or begun in the least experienced of them.
    #[inline(always)]
    fn cell(&mut self, hash: u32) -> usize {
        let check = hash as u16 | 1;
        let first = ((u64::from(hash) * CELLS as u64) >> 32) as usize;
        let places = [first * CELL, (first ^ 1) * CELL, (first ^ 2) * CELL];
        if let Some(start) = places.into_iter().find(|start| self.cells[*start] == check) {
            return start;
        }
        let asked = |start: &usize| self.cells[*start + 1] & ASKED_MAX;
        let start = places.into_iter().min_by_key(asked).unwrap_or(places[0]);
        self.cells[start] = check;
        self.cells[start + 1..start + CELL].fill(FRESH);
        start
    }

    #[inline(always)]
    fn forecast(&self, place: &Place<'_>, at: Bit, inner: usize, cells: &[usize; CONTEXTS]) -> Forecast {
        let (mut inputs, mut slots, mut looks) = ([0; INPUTS], [0; CONTEXTS], [0; CONTEXTS]);
        let is_text = matches!(place.sort, Sort::Letter { .. });
        let mut known = 0_usize;
        for number in 0..place.contexts.len().min(CONTEXTS) {
            slots[number] = cells[number] + inner;
            let slot = self.cells[slots[number]];
            let asked = usize::from(slot & ASKED_MAX);
            let stretched = i32::from(STRETCH[usize::from(slot >> 4)]);
            looks[number] =
                ((usize::from(!is_text) * CONTEXTS + number) * 16 + asked) * 64 + ((stretched + 2048) >> 6) as usize;
            if asked > 0 {
                inputs[2 * number] = stretched;
                inputs[2 * number + 1] = stretch(self.looks[looks[number]]);
                known |= 1 << number;
            }
        }
        let agrees = |repeat: &Repeat| (u32::from(repeat.symbol) | 1 << at.width) >> (at.width - at.done) == at.tree;
        let repeat = place.repeats.filter(agrees);
        let sets = sets(place.sort, at, known, repeat.map_or(0, Repeat::trust));
        let repeat = repeat.map(|repeat| {
            let bit = repeat.symbol >> (at.width - 1 - at.done) & 1 == 1;
            let (sure, long) = (stretch(self.repeats[repeat.place()]), repeat.alike as i32 * 16);
            inputs[2 * CONTEXTS] = if bit { sure } else { -sure };
            inputs[2 * CONTEXTS + 1] = if bit { long } else { -long };
            (repeat.place(), bit)
        });
        inputs[2 * CONTEXTS + 2] = 256;
        let near = place.near.map(|near| hash(near, at.tree) >> (32 - CORRECTION_BITS));
        self.mix(Forecast { inputs, slots, looks, sets, mixed: [0; 3], points: [0; 2], repeat, p: 0 }, near)
    }

    #[inline(always)]
    fn mix(&self, forecast: Forecast, near: [u32; 2]) -> Forecast {
        let sum = |number: usize| {
            // A product stays below 2^31: an input is below 2^11, a weight at most 2^19.
            let weights = &self.weights[number][forecast.sets[number]];
            let products = weights.iter().zip(&forecast.inputs).map(|(weight, input)| i64::from(weight * input));
            ((products.sum::<i64>() >> 16) as i32).clamp(-STRETCHED_MAX, STRETCHED_MAX)
        };
        let sums = [sum(0), sum(1), sum(2)];
        let position = (mean(sums) + 2048) * 32;
        let (low, share) = ((position >> 12) as usize, position & 4095);
        let rows = near.map(|near| near as usize * POINTS + low);
        let corrected = |number: usize| {
            let (table, row) = (&self.corrections[number], rows[number]);
            (i32::from(table[row]) * (4096 - share) + i32::from(table[row + 1]) * share) >> 12
        };
        let p = (corrected(0) + corrected(1)) >> 1;
        Forecast {
            mixed: sums.map(squash),
            points: rows.map(|row| row + usize::from(share > 2048)),
            p: p.clamp(8, 65_535 - 8) as u32,
            ..forecast
        }
    }

    #[inline(always)]
    fn learn(&mut self, forecast: &Forecast, bit: bool) {
        let right = if bit { 4096 } else { 0 };
        for ((weights, set), mixed) in self.weights.iter_mut().zip(forecast.sets).zip(forecast.mixed) {
            adjust(&mut weights[set], &forecast.inputs, (right - mixed) * RATE);
        }
        for (slot, look) in forecast.slots.iter().zip(forecast.looks) {
            if *slot == 0 {
                break;
            }
            let cell = &mut self.cells[*slot];
            let (p, asked) = (i32::from(*cell >> 4), *cell & ASKED_MAX);
            if asked > 0 {
                approach(&mut self.looks[look], bit, 7);
            }
            let target = if bit { 4095 } else { 0 };
            let moved = (p + (((target - p) * STEP[usize::from(asked)]) >> 16)).clamp(1, 4095);
            *cell = (moved as u16) << 4 | (asked + 1).min(ASKED_MAX);
        }
        for (table, point) in self.corrections.iter_mut().zip(forecast.points) {
            approach(&mut table[point], bit, 6);
        }
        if let Some((place, said)) = forecast.repeat {
            approach(&mut self.repeats[place], said == bit, 6);
        }
    }
}

/// The sets of weights for a bit. `known` has a bit for each context whose slot was asked before; `trust` is a
/// repetition's, or 0.
#[inline(always)]
fn sets(sort: Sort, at: Bit, known: usize, trust: usize) -> [usize; 3] {
    match sort {
        Sort::Letter { spelled, situation, word: (length, field) } => {
            let deepest = (usize::BITS - known.leading_zeros()) as usize;
            let (tree, done) = (at.tree as usize, at.done as usize);
            let (tree, done) = if spelled { (tree, COMMON_BITS as usize + done) } else { (256 + tree, done) };
            [tree, ((deepest * 4 + trust) * LETTER_BITS + done) * 4 + situation, length * 8 + field]
        }
        Sort::Piece(kind) => {
            let kind = kind as usize;
            [LETTER_SETS[0] + kind, LETTER_SETS[1] + known, LETTER_SETS[2] + kind]
        }
    }
}

/// A third of three stretched numbers.
fn mean([first, second, third]: [i32; 3]) -> i32 {
    ((first + second + third) * 21_845) >> 16
}

fn stretch(p: u16) -> i32 {
    i32::from(STRETCH[usize::from(p >> 4)])
}

/// Moves a probability in 1/65536 by a 2^-`slowness` part of the way.
fn approach(p: &mut u16, bit: bool, slowness: u32) {
    let target = if bit { 65_535 } else { 0 };
    *p = (i32::from(*p) + ((target - i32::from(*p)) >> slowness)) as u16;
}

fn adjust(weights: &mut [i32; INPUTS], inputs: &[i32; INPUTS], error: i32) {
    for (weight, input) in weights.iter_mut().zip(inputs) {
        *weight = (*weight + ((input * error + 0x2000) >> 14)).clamp(-WEIGHT_MAX, WEIGHT_MAX);
    }
}
