//! Probabilities as whole numbers: of 1 in 4096 or 65536 as they are, and *stretched*, ln(p / (1 - p)), in 1/256.

/// The largest stretched number; the smallest is its opposite.
pub(super) const STRETCHED_MAX: i32 = 2047;

/// 4096 / (1 + e^-x) for x = -8, -7.5, … 8, rounded, and at least 1.
const CURVE: [i32; 33] = [
    1, 2, 3, 6, 10, 16, 27, 45, 73, 120, 194, 310, 488, 747, 1101, 1546, 2047, 2549, 2994, 3348, 3607, 3785, 3901,
    3975, 4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094,
];

/// The probability of a stretched number, in 1/4096: from 1 to 4095, between the points of [`CURVE`] in straight lines.
pub(super) const fn squash(stretched: i32) -> i32 {
    if stretched > STRETCHED_MAX {
        return 4095;
    }
    if stretched < -STRETCHED_MAX {
        return 1;
    }
    let place = ((stretched >> 7) + 16) as usize;
    let share = stretched & 127;
    (CURVE[place] * (128 - share) + CURVE[place + 1] * share + 64) >> 7
}

/// For each probability in 1/4096: the first stretched number whose [`squash`] is not below it.
pub(super) static STRETCH: [i16; 4096] = stretches();

const fn stretches() -> [i16; 4096] {
    let mut table = [STRETCHED_MAX as i16; 4096];
    let (mut stretched, mut p) = (-STRETCHED_MAX, 0);
    while stretched <= STRETCHED_MAX {
        while p <= squash(stretched) && p < 4096 {
            table[p as usize] = stretched as i16;
            p += 1;
        }
        stretched += 1;
    }
    table
}

/// 65536 / (n + 1.5): how far a slot that has seen n decisions moves towards the next one.
pub(super) static STEP: [i32; 16] = steps();

const fn steps() -> [i32; 16] {
    let mut table = [0; 16];
    let mut n = 0;
    while n < 16 {
        table[n] = 131_072 / (2 * n as i32 + 3);
        n += 1;
    }
    table
}

/// Mixes two numbers to one in which every bit of both tells on every bit.
pub(super) const fn hash(a: u32, b: u32) -> u32 {
    let mixed = a.wrapping_mul(0x9E37_79B1) ^ b.wrapping_mul(0x85EB_CA6B).rotate_left(13);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0xC2B2_AE35);
    mixed ^ (mixed >> 13)
}
