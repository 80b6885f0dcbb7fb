//! Waiting for a condition, with a bound.

use std::thread;
use std::time::{Duration, Instant};

/// As long as anything in these stories may take before it counts as never; generous, because machines are shared.
pub const LONG: Duration = Duration::from_secs(120);

/// Between two looks.
pub const STEP: Duration = Duration::from_millis(15);

/// Looks again and again until `look` finds something.
///
/// # Panics
/// If it does not within `bound`; the message says `what` was waited for.
pub fn until<T>(what: &str, bound: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < bound, "waited {bound:?} for this in vain: {what}");
        thread::sleep(STEP);
    }
}

/// [`until`] for a condition that is true or not.
///
/// # Panics
/// As [`until`].
pub fn until_true(what: &str, bound: Duration, mut look: impl FnMut() -> bool) {
    until(what, bound, || look().then_some(()));
}
