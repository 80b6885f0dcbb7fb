//! Frames: kind and coding, length, checksum, body. A body of one frame commits at once and is lost at once.
//!
//! ```text
//!   stream = "KTG" version  (frame | end)*               version = 1
//!   frame  = kind(1) length(1-3, LEB128) checksum(2, little-endian) body(length)
//!   kind   = skippable(1 bit) coding(2 bits) number(5 bits)
//!   end    = 1e | 1f                                     nothing more to say | more for another exchange
//! ```
//!
//! A body is plain, a zstd frame, or packed (see [`crate::pack`]): then it can be read only after the packed bodies before
//! it, back to the last end.
//!
//! The checksum (CRC-32 as in zlib, its lower half) covers the kind and the body as sent. It finds damage, not malice;
//! malice is the business of TLS and of attestations.

use std::collections::VecDeque;

use crate::error::Fault;
use crate::limits::FRAME_BODY_BYTES_MAX;
use crate::pack::{Packer, Unpacker};

/// First bytes of a stream of frames of version 1; the last one is the major version of the protocol.
pub const PREAMBLE: [u8; 4] = preamble(1);

/// First bytes of a stream of this major version.
pub const fn preamble(version: u8) -> [u8; 4] {
    [b'K', b'T', b'G', version]
}

/// Bytes before a frame's body, at most: three bytes of a length, of seven bits each, reach further than any body.
pub const HEADER_BYTES_MAX: usize = 6;

/// Kinds with this bit may be skipped by a program that does not know them.
pub const KIND_SKIPPABLE: u8 = 0x80;

/// A mark instead of a frame, without length, checksum and body: nothing was cut off.
pub const KIND_END: u8 = 30;
/// The same, and the sender has more for another exchange right away.
pub const KIND_END_MORE: u8 = 31;

/// Bits of the first byte that say how the body is coded.
const CODING_BITS: u8 = 0x60;

/// How a body is coded.
mod coding {
    /// As it is.
    pub(super) const PLAIN: u8 = 0;
    /// One zstd frame, no dictionary.
    pub(super) const ZSTD: u8 = 1;
    /// Packed, see [`crate::pack`].
    pub(super) const PACKED: u8 = 2;
}

/// Level of compression: at these sizes higher levels gain under two per cent and cost tenfold.
const ZSTD_LEVEL: i32 = 9;

/// Shorter bodies are not worth trying to compress.
const COMPRESS_BYTES_MIN: usize = 96;

/// A frame with its body decompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    /// What the body is; see [`crate::wire::v1::Frame`]. The bits of the coding are 0.
    pub kind: u8,
    /// The body.
    pub body: Vec<u8>,
}

/// Whether nothing follows a kind.
pub fn is_mark(kind: u8) -> bool {
    matches!(kind, KIND_END | KIND_END_MORE)
}

/// Appends a frame to `out`; of a mark only its kind.
///
/// # Panics
/// If the body is longer than [`FRAME_BODY_BYTES_MAX`], or the kind has bits of a coding: whoever builds frames keeps to
/// the limits.
pub fn put(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    assert!(body.len() <= FRAME_BODY_BYTES_MAX, "a frame body of {} bytes was built", body.len());
    assert!(kind & CODING_BITS == 0, "a frame of kind {kind} was built");
    if is_mark(kind) {
        return out.push(kind);
    }
    let packed = if body.len() < COMPRESS_BYTES_MIN { None } else { zstd::bulk::compress(body, ZSTD_LEVEL).ok() };
    match packed.filter(|packed| packed.len() < body.len()) {
        Some(packed) => put_coded(out, kind, coding::ZSTD, &packed),
        None => put_coded(out, kind, coding::PLAIN, body),
    }
}

/// Appends a frame whose body is packed, if it is of a kind that is, and `packer` does.
///
/// # Panics
/// As [`put`].
pub fn put_packed(out: &mut Vec<u8>, kind: u8, body: &[u8], packer: &mut Packer) {
    match packer.pack(kind, body) {
        Some(packed) => put_coded(out, kind, coding::PACKED, &packed),
        None => put(out, kind, body),
    }
}

fn put_coded(out: &mut Vec<u8>, kind: u8, coding: u8, body: &[u8]) {
    let first = kind | coding << 5;
    out.push(first);
    let mut left = body.len();
    while left > 0x7f {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
    out.extend_from_slice(&checksum(first, body).to_le_bytes());
    out.extend_from_slice(body);
}

fn checksum(first: u8, body: &[u8]) -> u16 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[first]);
    hasher.update(body);
    hasher.finalize() as u16
}

/// What stands before a body.
#[derive(Debug, Clone, Copy)]
struct Header {
    first: u8,
    /// Bytes of the header itself.
    bytes: usize,
    /// Bytes of the body.
    length: usize,
    checksum: u16,
}

impl Header {
    /// From the first bytes of a frame; `None` if not all of them have arrived.
    fn of(buffer: &VecDeque<u8>) -> Result<Option<Header>, Fault> {
        let mut bytes = buffer.iter().copied();
        let Some(first) = bytes.next() else { return Ok(None) };
        let (mut length, mut digits) = (0, 0);
        loop {
            let Some(digit) = bytes.next() else { return Ok(None) };
            length |= usize::from(digit & 0x7f) << (7 * digits);
            digits += 1;
            if digit & 0x80 == 0 {
                break;
            }
            if digits == HEADER_BYTES_MAX - 3 {
                return Err(Fault::Limit("a frame longer than the protocol allows"));
            }
        }
        if length > FRAME_BODY_BYTES_MAX {
            return Err(Fault::Limit("a frame longer than the protocol allows"));
        }
        let (Some(low), Some(high)) = (bytes.next(), bytes.next()) else { return Ok(None) };
        Ok(Some(Header { first, bytes: digits + 3, length, checksum: u16::from_le_bytes([low, high]) }))
    }
}

/// Takes bytes in pieces of any size and gives back whole frames. Holds one frame at most.
#[derive(Debug, Clone, Default)]
pub struct FrameReader {
    buffer: VecDeque<u8>,
    version: Option<u8>,
    /// For packed bodies, until the next end.
    unpacker: Unpacker,
    /// A packed body stood in this request or reply.
    packed: bool,
    /// At the beginning of a request or reply, where a preamble may stand.
    begins: bool,
    /// A preamble stood there.
    anew: bool,
}

impl FrameReader {
    /// At the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// From here to the next end packed bodies are read by this.
    pub fn unpack_by(&mut self, unpacker: Unpacker) {
        self.unpacker = unpacker;
    }

    /// Before the next request or reply of the same stream: it may begin with a preamble, and the first one does.
    pub fn begin(&mut self) {
        self.buffer.shrink_to_fit();
        self.begins = true;
        self.anew = false;
        self.packed = false;
    }

    /// Whether a packed body stood in this request or reply.
    pub fn is_packed(&self) -> bool {
        self.packed
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
        if self.version.is_none() || self.begins {
            let Some(first) = self.buffer.front() else { return Ok(None) };
            if (self.version.is_none() || *first == PREAMBLE[0]) && !self.take_preamble()? {
                return Ok(None);
            }
            self.begins = false;
        }
        if let Some(kind) = self.buffer.front().copied().filter(|first| is_mark(*first)) {
            self.buffer.pop_front();
            self.unpacker = Unpacker::default();
            return Ok(Some(RawFrame { kind, body: Vec::new() }));
        }
        let Some(header) = Header::of(&self.buffer)? else { return Ok(None) };
        if self.buffer.len() < header.bytes + header.length {
            return Ok(None);
        }
        self.buffer.drain(..header.bytes);
        let body: Vec<u8> = self.buffer.drain(..header.length).collect();
        if checksum(header.first, &body) != header.checksum {
            return Err(Fault::Damaged);
        }
        let kind = header.first & !CODING_BITS;
        if is_mark(kind) {
            return Err(Fault::Peer("a mark of the end with a body"));
        }
        let body = match (header.first & CODING_BITS) >> 5 {
            coding::PLAIN => body,
            coding::ZSTD => zstd::bulk::decompress(&body, FRAME_BODY_BYTES_MAX)
                .map_err(|_| Fault::Peer("a compressed body that is none or is too long"))?,
            coding::PACKED => {
                self.packed = true;
                self.unpacker.unpack(kind, &body)?
            }
            _ => return Err(Fault::Version("an unknown coding of a frame body")),
        };
        Ok(Some(RawFrame { kind, body }))
    }

    /// Major version of the stream, when its beginning has been read.
    pub fn version(&self) -> Option<u8> {
        self.version
    }

    /// Whether this request or reply began with a preamble.
    pub fn is_anew(&self) -> bool {
        self.anew
    }

    /// Whether no part of a frame is waiting for its rest.
    pub fn is_between_frames(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Whether all that waits is the beginning of these bytes, or all of them.
    pub(crate) fn holds_only(&self, bytes: &[u8]) -> bool {
        self.buffer.len() <= bytes.len() && self.buffer.iter().eq(bytes.iter().take(self.buffer.len()))
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
        self.anew = true;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::{Primed, Times};
    use proptest::prelude::*;

    fn stream(frames: &[RawFrame]) -> Vec<u8> {
        let mut out = PREAMBLE.to_vec();
        frames.iter().for_each(|frame| put(&mut out, frame.kind, &frame.body));
        out
    }

    /// Of a kind that there may be; a mark has no body.
    fn frame((kind, body): (u8, Vec<u8>)) -> RawFrame {
        let kind = kind & !CODING_BITS;
        RawFrame { kind, body: if is_mark(kind) { Vec::new() } else { body } }
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
                (any::<u8>(), prop::collection::vec(0_u8..4, 0..600)).prop_map(frame),
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
        fn a_flipped_bit_of_kind_body_or_checksum_is_noticed(
            body in prop::collection::vec(any::<u8>(), 1..300), at in any::<prop::sample::Index>(), bit in 0_u8..8,
        ) {
            let frame = RawFrame { kind: 4, body };
            let mut bytes = stream(std::slice::from_ref(&frame));
            let digits = if bytes[PREAMBLE.len() + 1] & 0x80 == 0 { 1 } else { 2 };
            // Another length takes other bytes for the body: that is noticed as well, but not always.
            let at = Some(at.index(bytes.len() - PREAMBLE.len() - digits)).filter(|at| *at > 0).map_or(0, |at| at + digits);
            bytes[PREAMBLE.len() + at] ^= 1 << bit;
            prop_assert_eq!(read_in_pieces(&bytes, 64), Err(Fault::Damaged));
        }
    }

    #[test]
    fn packed_bodies_arrive_as_sent_and_each_stream_begins_anew() {
        use crate::wire::codec::{self, Blob, List};
        use crate::wire::v1::{LogName, Ops, kind};
        let body = |text: &str| {
            let ops = List(vec![Blob(text.as_bytes().to_vec())]);
            codec::encode(&Ops { log: LogName::Id([7; 8]), first_seq: 1, ops })
        };
        let (mut bytes, mut sent) = (PREAMBLE.to_vec(), Vec::new());
        for _ in 0..2 {
            let mut packer = Packer::new(Primed::Kept, Times::default());
            for text in ["air sungai keruh sejak pagi", "air sungai keruh sejak sore"] {
                put_packed(&mut bytes, kind::OPS, &body(text), &mut packer);
                sent.push(RawFrame { kind: kind::OPS, body: body(text) });
            }
            put_packed(&mut bytes, 7, b"not packed", &mut packer);
            put(&mut bytes, KIND_END, &[]);
            sent.push(RawFrame { kind: 7, body: b"not packed".to_vec() });
            sent.push(RawFrame { kind: KIND_END, body: Vec::new() });
        }
        assert_eq!(read_in_pieces(&bytes, 9), Ok(sent));
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

    #[test]
    fn a_length_that_goes_on_is_refused_before_anything_is_read() {
        let refused = Err(Fault::Limit("a frame longer than the protocol allows"));
        assert_eq!(read_in_pieces(b"KTG\x01\x04\x81\x80\x90", 8), refused);
        assert_eq!(read_in_pieces(b"KTG\x01\x04\xff\xff\x7f", 8), refused);
    }

    #[test]
    fn the_end_is_one_byte() {
        let mut bytes = PREAMBLE.to_vec();
        put(&mut bytes, KIND_END_MORE, b"never sent");
        assert_eq!(bytes[4..], [0x1f]);
        assert_eq!(read_in_pieces(&bytes, 1), Ok(vec![RawFrame { kind: KIND_END_MORE, body: Vec::new() }]));
        put_coded(&mut bytes, KIND_END, coding::ZSTD, b"x");
        assert_eq!(read_in_pieces(&bytes, 1), Err(Fault::Peer("a mark of the end with a body")));
    }
}
