//! Length and hash of a file that goes by.

use std::io::{self, Write};

use ring::digest::{Context, Digest, SHA256, digest};

/// Takes a file piece by piece, and keeps none of it.
pub(super) struct Sum {
    bytes: u64,
    sha256: Context,
}

/// What is known of a file that went by.
pub(super) struct Summed {
    pub(super) bytes: u64,
    pub(super) sha256: Digest,
}

impl Default for Sum {
    fn default() -> Sum {
        Sum { bytes: 0, sha256: Context::new(&SHA256) }
    }
}

impl Sum {
    pub(super) fn finish(self) -> Summed {
        Summed { bytes: self.bytes, sha256: self.sha256.finish() }
    }
}

impl Summed {
    pub(super) fn of(content: &[u8]) -> Summed {
        Summed { bytes: content.len() as u64, sha256: digest(&SHA256, content) }
    }
}

impl Write for Sum {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.bytes += piece.len() as u64;
        self.sha256.update(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
