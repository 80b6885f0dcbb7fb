//! Inputs from inputs, by dice: a small fuzzer without counters, for tests that anybody can run.

use crate::Dice;

/// An input made of `seeds` by some wounds: bytes changed, cut, doubled, mixed with those of another.
///
/// # Panics
/// If there are no seeds.
pub fn mutated(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[at(dice, seeds.len())].clone();
    for _ in 0..=dice.below(6) {
        wound(dice, &mut bytes, seeds);
    }
    bytes
}

fn at(dice: &mut Dice, length: usize) -> usize {
    dice.below(length.max(1) as u64) as usize
}

fn wound(dice: &mut Dice, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    let place = at(dice, bytes.len());
    let end = (place + 1 + at(dice, 16)).min(bytes.len());
    match dice.below(9) {
        0 => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1 << dice.below(8)),
        1 => bytes.iter_mut().skip(place).take(1).for_each(|byte| *byte = dice.number() as u8),
        2 if dice.percent(30) => bytes.truncate(place),
        2 | 3 => drop(bytes.drain(place..end)),
        4 => {
            let other = &seeds[at(dice, seeds.len())];
            let from = at(dice, other.len());
            let upto = (from + at(dice, 200)).min(other.len());
            drop(bytes.splice(place..place, other[from..upto].iter().copied()));
        }
        5 => {
            let again = bytes[place..(place + at(dice, 100)).min(bytes.len())].to_vec();
            drop(bytes.splice(place..place, again));
        }
        6 => drop(bytes.splice(place..end, edge(dice))),
        7 => drop(bytes.splice(place..place, (0..=dice.below(8)).map(|_| dice.number() as u8).collect::<Vec<_>>())),
        _ => {
            let from = at(dice, bytes.len());
            let taken: Vec<u8> = bytes[from..(from + 12).min(bytes.len())].to_vec();
            drop(bytes.splice(place..end, taken));
        }
    }
}

/// Pieces at which readers break, in binary and in texts.
fn edge(dice: &mut Dice) -> Vec<u8> {
    let edges: [&[u8]; 16] = [
        &[0; 8],
        &[255; 8],
        &[253, 255, 255, 255, 255, 255, 255, 255, 255],
        &[252, 255, 255, 255, 255],
        &[251, 255, 255],
        &[0, 0, 0, 0, 0, 0, 0, 128],
        b"\"",
        b"\r\n",
        b"\xff\xfe",
        b"-9223372036854775808",
        b"18446744073709551615",
        b"1e308",
        b"9999-12-31T23:59:60+18:00",
        b"\\u0000",
        "\u{202e}\u{301}é🧂".as_bytes(),
        b"{[(",
    ];
    edges[at(dice, edges.len())].to_vec()
}
