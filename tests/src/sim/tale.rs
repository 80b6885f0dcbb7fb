//! What happened, in words for people and as one number for machines.

/// A history.
#[derive(Debug, Default)]
pub struct Tale {
    lines: Option<Vec<String>>,
    hash: u64,
    /// The first thing that must not be.
    broken: Option<String>,
}

impl Tale {
    /// With or without words.
    pub fn new(in_words: bool) -> Tale {
        Tale { lines: in_words.then(Vec::new), hash: 0xcbf2_9ce4_8422_2325, broken: None }
    }

    /// Adds a line; the words are only made if somebody wants them.
    pub fn tell(&mut self, words: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(words());
        }
    }

    /// Takes bytes into the number of the history.
    pub fn carry(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..piece.len()].copy_from_slice(piece);
            self.hash = (self.hash ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
        }
        self.hash ^= bytes.len() as u64;
    }

    /// Something happened that must not.
    pub fn broke(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.tell(|| format!("!! {what}"));
        self.broken.get_or_insert(what);
    }

    /// The first thing that must not be.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// One number for the whole history.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The words.
    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}
