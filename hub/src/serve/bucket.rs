//! A token bucket: so many attempts at once, so many more a minute.

/// Counts attempts. Times are milliseconds on a clock that only runs forward.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    size: u32,
    refill_ms: u64,
    tokens: u32,
    since_ms: u64,
}

impl Bucket {
    /// A full bucket of `size` that gains one token every `refill_ms`.
    pub(crate) fn new(size: u32, refill_ms: u64, now_ms: u64) -> Bucket {
        Bucket { size, refill_ms: refill_ms.max(1), tokens: size, since_ms: now_ms }
    }

    /// Whether a token is left.
    pub(crate) fn has_room(&mut self, now_ms: u64) -> bool {
        self.refill(now_ms);
        self.tokens > 0
    }

    /// Takes a token, if one is left.
    pub(crate) fn take(&mut self, now_ms: u64) {
        self.refill(now_ms);
        self.tokens = self.tokens.saturating_sub(1);
    }

    /// Whether it has all its tokens, as a new one has.
    pub(crate) fn is_full(&mut self, now_ms: u64) -> bool {
        self.refill(now_ms);
        self.tokens == self.size
    }

    fn refill(&mut self, now_ms: u64) {
        let gained = now_ms.saturating_sub(self.since_ms) / self.refill_ms;
        self.since_ms += gained * self.refill_ms;
        self.tokens = self.tokens.saturating_add(u32::try_from(gained).unwrap_or(u32::MAX)).min(self.size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_run_out_and_come_back_one_by_one() {
        let mut bucket = Bucket::new(3, 1_000, 0);
        for _ in 0..3 {
            assert!(bucket.has_room(0));
            bucket.take(0);
        }
        assert!(!bucket.has_room(999));
        assert!(bucket.has_room(1_000));
        bucket.take(1_000);
        assert!(!bucket.has_room(1_500));
        assert!(bucket.has_room(2_000), "the half second before is not lost");
    }

    #[test]
    fn a_long_rest_fills_it_to_its_size_only() {
        let mut bucket = Bucket::new(2, 10, 0);
        (0..2).for_each(|_| bucket.take(u64::MAX / 2));
        assert!(!bucket.has_room(u64::MAX / 2));
    }
}
