//! Choices out of a fuzzer's bytes: when they run out, everything is zero, and the story ends soon.

/// Bytes that decide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'a> {
    rest: &'a [u8],
}

/// Changes of one file.
const EDITS_MAX: usize = 16;

/// Numbers at which programs break.
const EDGES: [u64; 12] =
    [0, 1, 2, 255, 65_535, (1 << 31) - 1, u32::MAX as u64, 1 << 40, i64::MAX as u64, 1 << 63, u64::MAX - 1, u64::MAX];

impl<'a> Bytes<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Self {
        Bytes { rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        *first
    }

    /// Below `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    pub(super) fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }

    pub(super) fn half(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    pub(super) fn long(&mut self) -> u64 {
        (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    /// Mostly small, sometimes at an edge, sometimes anything.
    pub(super) fn number(&mut self) -> u64 {
        match self.byte() {
            small @ 0..=199 => u64::from(small % 16),
            edge @ 200..=239 => EDGES[usize::from(edge) % EDGES.len()],
            _ => self.long(),
        }
    }

    /// At most `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// A piece whose length stands before it in two bytes, see [`piece`].
    pub(super) fn piece(&mut self) -> &'a [u8] {
        let length = usize::from(self.half());
        self.take(length)
    }

    /// A file with pieces of it replaced: where, how many bytes go, and what comes instead. For files that are others in each
    /// process, with keys drawn anew: an input that held one would be of no use to the next process.
    pub(super) fn edited(&mut self, file: &[u8]) -> Vec<u8> {
        let mut file = file.to_vec();
        for _ in 0..EDITS_MAX {
            if self.is_empty() {
                break;
            }
            let begin = usize::from(self.half()) % (file.len() + 1);
            let end = (begin + usize::from(self.byte())).min(file.len());
            file.splice(begin..end, self.piece().iter().copied());
        }
        file
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(super) fn text(&mut self, bytes_max: usize) -> String {
        let length = self.below(bytes_max);
        String::from_utf8_lossy(self.take(length)).into_owned()
    }
}

/// Writes what [`Bytes::piece`] reads. What is longer than two bytes can say is cut.
pub(super) fn piece(out: &mut Vec<u8>, bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(usize::from(u16::MAX))];
    out.extend((bytes.len() as u16).to_le_bytes());
    out.extend(bytes);
}
