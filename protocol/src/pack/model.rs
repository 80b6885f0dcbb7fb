//! What is likely to come next: many small statistics, mixed by weights that learn.
//!
//! A *symbol* is a number of at most 8 bits, coded bit by bit from the highest, in groups of two. Its caller names up to
//! six *contexts*: hashes of what may foretell it. For each context and group there is a *cell* of three slots: for
//! the first bit, and for the second after a 0 and after a 1; a slot holds the probability of "yes" and how often it was asked. What slots of
//! that look have been worth so far says a second probability. A mixer adds all of them up, stretched, each with a weight
//! out of two sets; one more table corrects what comes out. Then everything that spoke learns what was right.
//!
//! Only integers: the same bits on every machine.

use super::coder::Side;
use super::numbers::{STEP, STRETCH, STRETCHED_MAX, hash, squash};

/// Contexts of a symbol, at most.
pub(super) const CONTEXTS: usize = 6;

/// Cells of all contexts, eight bytes each: most of a model's memory, which stays under 4 MiB.
const CELLS: usize = 416 * 1024;
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
const SETS_1: usize = 512;
const SETS_2: usize = 1024;
const WEIGHT: i32 = 19_661;
const WEIGHT_MAX: i32 = 1 << 19;
const RATE: i32 = 6;

/// Points of a correction: stretched -2048 to 2048 in steps of 128.
const POINTS: usize = 33;
const CORRECTIONS: usize = 4096;

/// Lengths that a repetition is told apart by.
const LENGTHS: usize = 32;

/// What a symbol is: where its statistics are kept apart from others'.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Hashes of what may foretell it, at most [`CONTEXTS`].
    pub(super) contexts: &'a [u32],
    /// Whether it is a letter of a text.
    pub(super) is_text: bool,
    /// For all but letters: what it is, below 256.
    pub(super) kind: u32,
    /// For letters: a number below 4 that tells situations apart.
    pub(super) situation: usize,
    /// The letter that followed when the same letters came before, and how many of those there were, from 1 to 31.
    pub(super) repeats: Option<(u8, usize)>,
    /// Hash by which the correction is chosen.
    pub(super) near: u32,
}

/// All statistics.
#[derive(Debug, Clone)]
pub(super) struct Model {
    cells: Vec<u16>,
    looks: Vec<u16>,
    weights_1: Vec<[i32; INPUTS]>,
    weights_2: Vec<[i32; INPUTS]>,
    corrections: Vec<u16>,
    repeats: Vec<u16>,
}

/// What one decision is made of, from the forecast to the lesson.
struct Forecast {
    inputs: [i32; INPUTS],
    slots: [usize; CONTEXTS],
    looks: [usize; CONTEXTS],
    sets: (usize, usize),
    mixed: (i32, i32),
    point: usize,
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
            weights_1: vec![[WEIGHT; INPUTS]; SETS_1],
            weights_2: vec![[WEIGHT; INPUTS]; SETS_2],
            corrections: (0..CORRECTIONS * POINTS).map(point).collect(),
            repeats: vec![32_768; LENGTHS],
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
            let forecast = self.forecast(place, tree, inner as usize, done as usize, &cells);
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
    fn forecast(&self, place: &Place<'_>, tree: u32, inner: usize, done: usize, cells: &[usize; CONTEXTS]) -> Forecast {
        let (mut inputs, mut slots, mut looks) = ([0; INPUTS], [0; CONTEXTS], [0; CONTEXTS]);
        let (mut known, mut deepest) = (0, 0);
        for number in 0..place.contexts.len().min(CONTEXTS) {
            slots[number] = cells[number] + inner;
            let slot = self.cells[slots[number]];
            let asked = usize::from(slot & ASKED_MAX);
            let stretched = i32::from(STRETCH[usize::from(slot >> 4)]);
            looks[number] = ((usize::from(!place.is_text) * CONTEXTS + number) * 16 + asked) * 64
                + ((stretched + 2048) >> 6) as usize;
            if asked > 0 {
                inputs[2 * number] = stretched;
                inputs[2 * number + 1] = stretch(self.looks[looks[number]]);
                known |= 1 << number;
                deepest = number + 1;
            }
        }
        let repeat = place.repeats.and_then(|(letter, length)| {
            let bit = letter >> (7 - done) & 1 == 1;
            ((u32::from(letter) | 256) >> (8 - done) == tree).then_some((length, bit))
        });
        if let Some((length, bit)) = repeat {
            let (sure, long) = (stretch(self.repeats[length]), (length as i32 * 16).min(512));
            inputs[2 * CONTEXTS] = if bit { sure } else { -sure };
            inputs[2 * CONTEXTS + 1] = if bit { long } else { -long };
        }
        inputs[2 * CONTEXTS + 2] = 256;
        let sets = if place.is_text {
            let length = repeat.map_or(0, |(length, _)| {
                if length < 8 {
                    1
                } else if length < 16 {
                    2
                } else {
                    3
                }
            });
            (tree as usize, ((deepest * 4 + length) * 8 + done) * 4 + place.situation)
        } else {
            (256 + place.kind as usize, 896 + known)
        };
        self.mix(Forecast { inputs, slots, looks, sets, mixed: (0, 0), point: 0, repeat, p: 0 }, place, tree)
    }

    #[inline(always)]
    fn mix(&self, forecast: Forecast, place: &Place<'_>, tree: u32) -> Forecast {
        let sum = |weights: &[i32; INPUTS]| {
            // A product stays below 2^31: an input is below 2^11, a weight at most 2^19.
            let products = weights.iter().zip(&forecast.inputs).map(|(weight, input)| i64::from(weight * input));
            ((products.sum::<i64>() >> 16) as i32).clamp(-STRETCHED_MAX, STRETCHED_MAX)
        };
        let (first, second) = (sum(&self.weights_1[forecast.sets.0]), sum(&self.weights_2[forecast.sets.1]));
        let both = (first + second) >> 1;
        let position = (both + 2048) * 32;
        let (low, share) = ((position >> 12) as usize, position & 4095);
        let near = (hash(place.near, tree) >> 20) as usize;
        let row = near * POINTS + low;
        let (below, above) = (i32::from(self.corrections[row]), i32::from(self.corrections[row + 1]));
        let corrected = (below * (4096 - share) + above * share) >> 12;
        let p = (squash(both) * 16 + corrected) >> 1;
        Forecast {
            mixed: (squash(first), squash(second)),
            point: row + usize::from(share > 2048),
            p: p.clamp(32, 65_535 - 32) as u32,
            ..forecast
        }
    }

    #[inline(always)]
    fn learn(&mut self, forecast: &Forecast, bit: bool) {
        let right = if bit { 4096 } else { 0 };
        let errors = ((right - forecast.mixed.0) * RATE, (right - forecast.mixed.1) * RATE);
        adjust(&mut self.weights_1[forecast.sets.0], &forecast.inputs, errors.0);
        adjust(&mut self.weights_2[forecast.sets.1], &forecast.inputs, errors.1);
        for (slot, look) in forecast.slots.iter().zip(forecast.looks) {
            if *slot == 0 {
                break;
            }
            let cell = &mut self.cells[*slot];
            let (p, asked) = (i32::from(*cell >> 4), *cell & ASKED_MAX);
            if asked > 0 {
                approach(&mut self.looks[look], bit, 6);
            }
            let target = if bit { 4095 } else { 0 };
            let moved = (p + (((target - p) * STEP[usize::from(asked)]) >> 16)).clamp(1, 4095);
            *cell = (moved as u16) << 4 | (asked + 1).min(ASKED_MAX);
        }
        approach(&mut self.corrections[forecast.point], bit, 6);
        if let Some((length, said)) = forecast.repeat {
            approach(&mut self.repeats[length], said == bit, 6);
        }
    }
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
