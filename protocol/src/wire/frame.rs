//! Frames: kind, coding, length, checksum, body. A body of one frame commits at once and is lost at once.
//!
//! ```text
//!   stream = "KTG" version  frame*                       version = 1
//!   frame  = kind(1) coding(1) length(3, little-endian) crc32(4, little-endian) body(length)
//! ```
//!
//! The checksum (CRC-32 as in zlib) covers kind, coding and body as sent. It finds damage, not malice; malice is the
//! business of TLS and of attestations.

use std::collections::VecDeque;

use crate::error::Fault;
use crate::limits::FRAME_BODY_BYTES_MAX;

/// First bytes of a stream of frames of version 1; the last one is the major version of the protocol.
pub const PREAMBLE: [u8; 4] = preamble(1);

/// First bytes of a stream of this major version.
pub const fn preamble(version: u8) -> [u8; 4] {
    [b'K', b'T', b'G', version]
}

/// Bytes before a frame's body.
pub const HEADER_BYTES: usize = 9;

/// Kinds from here on may be skipped by a program that does not know them.
pub const KIND_SKIPPABLE: u8 = 128;

/// How a body is coded.
mod coding {
    /// As it is.
    pub(super) const PLAIN: u8 = 0;
    /// One zstd frame, no dictionary.
    pub(super) const ZSTD: u8 = 1;
}

/// Level of compression: at these sizes higher levels gain under two per cent and cost tenfold.
const ZSTD_LEVEL: i32 = 9;

/// Shorter bodies are not worth trying to compress.
const COMPRESS_BYTES_MIN: usize = 96;

/// A frame with its body decompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// What the body is; see [`crate::wire::v1::Frame`].
    pub kind: u8,
    /// The body.
    pub body: Vec<u8>,
}

/// Appends a frame to `out`.
///
/// # Panics
/// If the body is longer than [`FRAME_BODY_BYTES_MAX`]: whoever builds bodies keeps to the limits.
pub fn put(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    assert!(body.len() <= FRAME_BODY_BYTES_MAX, "a frame body of {} bytes was built", body.len());
    let packed = if body.len() < COMPRESS_BYTES_MIN { None } else { zstd::bulk::compress(body, ZSTD_LEVEL).ok() };
    match packed.filter(|packed| packed.len() < body.len()) {
        Some(packed) => put_coded(out, kind, coding::ZSTD, &packed),
        None => put_coded(out, kind, coding::PLAIN, body),
    }
}

fn put_coded(out: &mut Vec<u8>, kind: u8, coding: u8, body: &[u8]) {
    let length = (body.len() as u32).to_le_bytes();
    out.extend_from_slice(&[kind, coding, length[0], length[1], length[2]]);
    out.extend_from_slice(&checksum(kind, coding, body).to_le_bytes());
    out.extend_from_slice(body);
}

fn checksum(kind: u8, coding: u8, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[kind, coding]);
    hasher.update(body);
    hasher.finalize()
}

/// Takes bytes in pieces of any size and gives back whole frames. Holds one frame at most.
#[derive(Debug, Default)]
pub struct FrameReader {
    buffer: VecDeque<u8>,
    version: Option<u8>,
}

impl FrameReader {
    /// At the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes that arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend(bytes);
    }

    /// The next whole frame, if all of it has arrived.
    ///
    /// # Errors
    /// [`Fault::Stranger`] if the stream does not start as ours do, [`Fault::Version`] for another major version,
    /// [`Fault::Limit`] for a body over the bound (before it is read), [`Fault::Damaged`] for a wrong checksum.
    pub fn next_frame(&mut self) -> Result<Option<RawFrame>, Fault> {
        if self.version.is_none() && !self.take_preamble()? {
            return Ok(None);
        }
        if self.buffer.len() < HEADER_BYTES {
            return Ok(None);
        }
        let mut header = [0; HEADER_BYTES];
        header.iter_mut().zip(&self.buffer).for_each(|(slot, byte)| *slot = *byte);
        let [kind, coding, l0, l1, l2, c0, c1, c2, c3] = header;
        let length = u32::from_le_bytes([l0, l1, l2, 0]) as usize;
        if length > FRAME_BODY_BYTES_MAX {
            return Err(Fault::Limit("a frame longer than the protocol allows"));
        }
        if self.buffer.len() < HEADER_BYTES + length {
            return Ok(None);
        }
        self.buffer.drain(..HEADER_BYTES);
        let body: Vec<u8> = self.buffer.drain(..length).collect();
        if checksum(kind, coding, &body) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(Fault::Damaged);
        }
        let body = match coding {
            coding::PLAIN => body,
            coding::ZSTD => zstd::bulk::decompress(&body, FRAME_BODY_BYTES_MAX)
                .map_err(|_| Fault::Peer("a compressed body that is none or is too long"))?,
            _ => return Err(Fault::Version("an unknown coding of a frame body")),
        };
        Ok(Some(RawFrame { kind, body }))
    }

    /// Major version of the stream, when its beginning has been read.
    pub fn version(&self) -> Option<u8> {
        self.version
    }

    /// Whether no part of a frame is waiting for its rest.
    pub fn is_between_frames(&self) -> bool {
        self.buffer.is_empty()
    }

    fn take_preamble(&mut self) -> Result<bool, Fault> {
        for (byte, expected) in self.buffer.iter().zip(PREAMBLE).take(3) {
            if *byte != expected {
                return Err(Fault::Stranger);
            }
        }
        if self.buffer.len() < PREAMBLE.len() {
            return Ok(false);
        }
        let version = self.buffer.get(3).copied().unwrap_or_default();
        let (lowest, highest) = super::versions();
        if !(lowest..=highest).contains(&version) {
            return Err(Fault::Version("another major version of the protocol"));
        }
        self.buffer.drain(..PREAMBLE.len());
        self.version = Some(version);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stream(frames: &[RawFrame]) -> Vec<u8> {
        let mut out = PREAMBLE.to_vec();
        frames.iter().for_each(|frame| put(&mut out, frame.kind, &frame.body));
        out
    }

    fn read_in_pieces(bytes: &[u8], piece: usize) -> Result<Vec<RawFrame>, Fault> {
        let mut reader = FrameReader::new();
        let mut frames = Vec::new();
        for chunk in bytes.chunks(piece.max(1)) {
            reader.push(chunk);
            while let Some(frame) = reader.next_frame()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    proptest! {
        #[test]
        fn frames_arrive_as_sent_in_pieces_of_any_size(
            frames in prop::collection::vec(
                (any::<u8>(), prop::collection::vec(0_u8..4, 0..600)).prop_map(|(kind, body)| RawFrame { kind, body }),
                0..6,
            ),
            piece in 1_usize..200,
        ) {
            prop_assert_eq!(read_in_pieces(&stream(&frames), piece), Ok(frames));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), ours: bool) {
            let mut stream = if ours { PREAMBLE.to_vec() } else { Vec::new() };
            stream.extend(bytes);
            let _ = read_in_pieces(&stream, 7);
        }

        #[test]
        fn a_flipped_bit_never_passes_for_another_body(
            body in prop::collection::vec(any::<u8>(), 1..300), at in any::<prop::sample::Index>(), bit in 0_u8..8,
        ) {
            let frame = RawFrame { kind: 4, body };
            let mut bytes = stream(std::slice::from_ref(&frame));
            let at = at.index(bytes.len() - PREAMBLE.len()) + PREAMBLE.len();
            bytes[at] ^= 1 << bit;
            match read_in_pieces(&bytes, 64) {
                Ok(frames) => prop_assert!(frames.is_empty(), "a damaged length may wait for more, nothing else"),
                Err(_fault) => {}
            }
        }
    }

    #[test]
    fn a_web_page_is_a_stranger() {
        assert_eq!(read_in_pieces(b"<html>", 6), Err(Fault::Stranger));
        assert_eq!(read_in_pieces(b"KTG\x02....", 8), Err(Fault::Version("another major version of the protocol")));
    }

    #[test]
    fn a_bomb_is_refused_at_the_bound() {
        let bomb = zstd::bulk::compress(&vec![0; FRAME_BODY_BYTES_MAX + 1], 19).unwrap();
        let mut bytes = PREAMBLE.to_vec();
        put_coded(&mut bytes, 4, coding::ZSTD, &bomb);
        assert!(matches!(read_in_pieces(&bytes, 1000), Err(Fault::Peer(_))));
    }
}
