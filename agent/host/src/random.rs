//! Random numbers from the operating system, for ids, codes and the spreading of retries.

/// Fills `buffer` with random bytes.
///
/// # Panics
/// When the operating system has no randomness to give. A process that cannot draw an id must not write records.
pub fn fill(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system gives random bytes once it has started");
}

/// `N` random bytes.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

/// 64 random bits.
pub fn random_u64() -> u64 {
    u64::from_le_bytes(random_bytes())
}

/// A number below `bound`, each equally likely; 0 when `bound` is 0 or 1.
pub fn random_below(bound: u64) -> u64 {
    if bound < 2 {
        return 0;
    }
    // Numbers beyond the last whole multiple of `bound` would make small results likelier: draw again.
    let end = u64::MAX - u64::MAX % bound;
    loop {
        let drawn = random_u64();
        if drawn < end {
            return drawn % bound;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_below_their_bound_and_reach_every_value() {
        let mut seen = [false; 5];
        for _ in 0..1_000 {
            seen[usize::try_from(random_below(5)).expect("below 5")] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!((random_below(0), random_below(1)), (0, 0));
    }

    #[test]
    fn two_draws_differ() {
        assert_ne!(random_u64(), random_u64());
    }
}
