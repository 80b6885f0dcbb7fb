//! The arithmetic coder: a row of yes and no, each with the probability that it was given, as a number in [0, 1).
//!
//! One walk over a message serves three [`Side`]s: it writes what it is given, reads what stands there, or only learns.

/// One end of the coding. `bit` is given to who writes and ignored by who reads; both give back the bit that holds.
pub(super) trait Side {
    /// Codes one decision; `p` is the probability of "yes" in 1/65536, from 1 to 65535.
    fn bit(&mut self, bit: bool, p: u32) -> bool;

    /// Whether what was read makes no sense any more: the bytes ended long ago.
    fn is_spent(&self) -> bool {
        false
    }
}

/// Writes.
#[derive(Debug)]
pub(super) struct Writer {
    low: u32,
    high: u32,
    out: Vec<u8>,
}

impl Writer {
    /// Behind these bytes.
    pub(super) fn after(out: Vec<u8>) -> Writer {
        Writer { low: 0, high: u32::MAX, out }
    }

    /// The bytes, for a reader that finds zeros behind the end. The first bytes of both bounds differ, so that the upper
    /// one's with zeros after it lies between them.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.low > 0 {
            self.out.push((self.high >> 24) as u8);
        }
        self.out
    }
}

impl Side for Writer {
    fn bit(&mut self, bit: bool, p: u32) -> bool {
        let middle = middle(self.low, self.high, p);
        if bit {
            self.high = middle
        } else {
            self.low = middle + 1
        }
        while (self.low ^ self.high) >> 24 == 0 {
            self.out.push((self.high >> 24) as u8);
            self.low <<= 8;
            self.high = self.high << 8 | 0xff;
        }
        bit
    }
}

/// Reads.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    low: u32,
    high: u32,
    code: u32,
    rest: &'a [u8],
    /// Zeros that were read behind the end.
    beyond: u32,
}

/// A reader is four bytes ahead of what it knows, and a writer leaves out at most those four.
const BEYOND_MAX: u32 = 4;

impl<'a> Reader<'a> {
    /// Of these bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        let mut reader = Reader { low: 0, high: u32::MAX, code: 0, rest: bytes, beyond: 0 };
        (0..4).for_each(|_| reader.take_byte());
        reader
    }

    /// Whether all bytes were used, and none was missing.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty() && !self.is_spent()
    }

    fn take_byte(&mut self) {
        let byte = match self.rest.split_first() {
            Some((&byte, rest)) => {
                self.rest = rest;
                byte
            }
            None => {
                self.beyond += 1;
                0
            }
        };
        self.code = self.code << 8 | u32::from(byte);
    }
}

impl Side for Reader<'_> {
    fn bit(&mut self, _bit: bool, p: u32) -> bool {
        let middle = middle(self.low, self.high, p);
        let bit = self.code <= middle;
        if bit {
            self.high = middle
        } else {
            self.low = middle + 1
        }
        while (self.low ^ self.high) >> 24 == 0 && !self.is_spent() {
            self.low <<= 8;
            self.high = self.high << 8 | 0xff;
            self.take_byte();
        }
        bit
    }

    fn is_spent(&self) -> bool {
        self.beyond > BEYOND_MAX
    }
}

/// Writes nothing: the model learns from what passes.
#[derive(Debug)]
pub(super) struct Learner;

impl Side for Learner {
    fn bit(&mut self, bit: bool, _p: u32) -> bool {
        bit
    }
}

/// The last number that means "yes".
fn middle(low: u32, high: u32, p: u32) -> u32 {
    low + ((u64::from(high - low) * u64::from(p)) >> 16) as u32
}
