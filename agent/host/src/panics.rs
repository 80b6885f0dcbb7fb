//! What becomes of a panic: it is logged by its place, and only the work that panicked is lost where that is possible.
//!
//! ```text
//!   in a thread of `apart`     others' code reads what strangers wrote     the thread stands still, its answer is None
//!   anywhere else              a defect of ours                            this build unwinds: as Rust does
//!                                                                          it does not: the program ends, and is started anew
//! ```
//!
//! The agent of packages does not unwind (`panic = "abort"`, profile `dist`): a fifth of its bytes would be tables for
//! that. Nothing that was saved minds such an end, because it is the same as `kill -9`, and service managers start it
//! again. But one damaged picture must not end it, each time that somebody tries it again. So work for libraries that may
//! panic runs in a thread of its own, and the hook never returns to a thread that panicked there.

use std::cell::Cell;
use std::io;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;

/// Threads that may stand still, each with what it had read. One more, and the program ends: that frees them.
const STILL_MAX: usize = 16;

static STILL: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// What is left to do for a thread that panics, if it may.
    static LAST_WORD: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

/// Takes care of panics from now on. For `main`, once.
pub fn take_care() {
    std::panic::set_hook(Box::new(|panic| {
        tell(panic);
        if let Some(last_word) = LAST_WORD.take() {
            last_word();
            if STILL.fetch_add(1, Ordering::Relaxed) < STILL_MAX {
                stand_still();
            }
        }
        // Ended by us, not by the system's abort: that would leave pictures of the memory, people's words in them.
        #[cfg(panic = "abort")]
        std::process::exit(i32::from(crate::Exit::Failed.code()));
    }));
}

/// Waits until the program ends.
fn stand_still() -> ! {
    loop {
        thread::park();
    }
}

/// The place, and the words where they stand in the program: others may hold what people wrote.
fn tell(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let words = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or_default();
    let thread = thread::current();
    let thread = thread.name().unwrap_or_default();
    if tracing::dispatcher::has_been_set() {
        tracing::error!(ev = "program.panicked", at = place, thread, words, "a defect of the program");
    } else {
        eprintln!("panicked at {place}: {words}");
    }
}

/// Does work that may panic in a thread of its own, and waits for it. `None` if it panicked.
///
/// # Errors
/// The system gives no thread.
pub fn apart<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<Option<T>> {
    let (answer, answered) = sync_channel(1);
    let last_word = answer.clone();
    // Somebody waits for the one answer until it is there.
    begin_apart(name, move || drop(answer.send(Some(work()))), move || drop(last_word.send(None)))?;
    Ok(answered.recv().ok().flatten())
}

/// Begins work that may panic in a thread of its own. If it does, `last_word` is called in that thread, or is dropped
/// with it where the program unwinds and nobody took care.
///
/// # Errors
/// The system gives no thread.
pub fn begin_apart(
    name: &str,
    work: impl FnOnce() + Send + 'static,
    last_word: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let begun = thread::Builder::new().name(name.to_owned()).spawn(move || {
        LAST_WORD.set(Some(Box::new(last_word)));
        work();
        LAST_WORD.set(None);
    });
    begun.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_apart_gives_its_answer_and_a_panic_gives_none() {
        assert_eq!(apart("sum", || 1 + 1).expect("a thread"), Some(2));
        assert_eq!(apart("panic", || panic!("as it must")).expect("a thread"), None::<u8>);
    }
}
