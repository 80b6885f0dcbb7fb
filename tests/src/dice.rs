//! Random choices that a printed number repeats.

/// A small generator (SplitMix64): the same seed gives the same story on every machine.
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Dice {
        Dice { state: seed }
    }

    /// From the seed in `KENTONGAN_SEED`, else `fallback`. The seed is printed, so that a failure can be repeated.
    ///
    /// # Panics
    /// If the variable holds no number.
    pub fn from_environment(story: &str, fallback: u64) -> Dice {
        let seed = std::env::var("KENTONGAN_SEED").map_or(fallback, |text| text.parse().expect("a number as seed"));
        println!("{story}: KENTONGAN_SEED={seed}");
        Dice::new(seed)
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end`, which is not included and not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    /// One of a list that is not empty.
    pub fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len() as u64) as usize]
    }

    /// True `percent` times of a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
