//! Offices number what they write, `A-00017` and then `A-00018`: a text may be the one before with a higher number in it.

use super::coder::Side;
use super::walk::{Kind, Walk};
use crate::error::Fault;

/// Digits of a number that is counted on, at most.
const DIGITS_MAX: usize = 9;
/// The largest step, less one.
const STEP_MAX: u32 = 255;

/// Codes a text by its step from the latest one of its field.
pub(super) fn code<S: Side>(walk: &mut Walk<'_, S>, field: u32, text: &str) -> Result<String, Fault> {
    let last = walk.memory.of(field).texts.first().cloned();
    let step = step(last.as_ref(), text).unwrap_or(0);
    let step = walk.symbol(Kind::Step, 8, &[field], step);
    let numbered = last.as_deref().and_then(Numbered::in_text);
    numbered.map(|last| last.after(step)).ok_or(Fault::Peer("a packed text that counts on where no number was"))
}

/// By how much, less one, the number in this text is above that of the last one, if nothing else differs.
pub(super) fn step(last: Option<&String>, text: &str) -> Option<u32> {
    let last = Numbered::in_text(last?)?;
    let number: u32 = text.strip_prefix(last.before)?.strip_suffix(last.behind)?.parse().ok()?;
    let step = number.checked_sub(last.number)?.checked_sub(1)?;
    (step <= STEP_MAX && last.after(step) == text).then_some(step)
}

/// A text around the last digits in it.
struct Numbered<'a> {
    before: &'a str,
    number: u32,
    digits: usize,
    behind: &'a str,
}

impl Numbered<'_> {
    fn in_text(text: &str) -> Option<Numbered<'_>> {
        let end = text.rfind(|letter: char| letter.is_ascii_digit())? + 1;
        let digits = text.bytes().take(end).rev().take_while(u8::is_ascii_digit).take(DIGITS_MAX).count();
        let number = text.get(end - digits..end)?.parse().ok()?;
        Some(Numbered { before: text.get(..end - digits)?, number, digits, behind: text.get(end..)? })
    }

    /// The text with a higher number, in as many digits at least.
    fn after(&self, step: u32) -> String {
        format!("{}{:0width$}{}", self.before, self.number + step + 1, self.behind, width = self.digits)
    }
}
