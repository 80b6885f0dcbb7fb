//! Streams of frames. A plain fuzzer dies at the first checksum; here lengths and checksums are put right behind it, and
//! it says for each frame how the body is to be coded.

use kentongan_protocol::limits::FRAME_BODY_BYTES_MAX;
use kentongan_protocol::session::Line;
use kentongan_protocol::session::hub::knock;
use kentongan_protocol::wire::frame::{self, FrameReader, PREAMBLE, RawFrame};
use kentongan_protocol::wire::v1::Frame;

use super::bytes::{Bytes, piece};
use super::honest;

/// Bits of the first byte of a frame that say how its body is coded.
const CODING_BITS: u8 = 0x60;

/// How a frame of an input is made into bytes.
mod shape {
    /// As the product would send it.
    pub(super) const SENT: u8 = 0;
    /// The given bytes stand for a compressed body.
    pub(super) const PACKED: u8 = 1;
    /// The body is repeated until it is long: small on the link, large in memory.
    pub(super) const BLOWN_UP: u8 = 2;
}

/// The bytes of a stream: with the first byte odd the rest is the stream itself, else it is a list of frames.
pub(super) fn stream(data: &[u8]) -> Vec<u8> {
    let mut bytes = Bytes::new(data);
    if bytes.byte() % 2 == 1 {
        return bytes.rest().to_vec();
    }
    let mut out = PREAMBLE.to_vec();
    while !bytes.is_empty() {
        put(&mut out, &mut bytes);
    }
    out
}

fn put(out: &mut Vec<u8>, bytes: &mut Bytes<'_>) {
    let (kind, how) = (bytes.byte() & !CODING_BITS, bytes.byte());
    let body = bytes.piece();
    match how % 4 {
        shape::SENT => frame::put(out, kind, body),
        shape::PACKED => put_coded(out, kind, 1, body, 0),
        shape::BLOWN_UP => {
            let times = (FRAME_BODY_BYTES_MAX / body.len().max(1)).min(usize::from(how) << 6);
            frame::put(out, kind, &body.repeat(times));
        }
        // With a coding and a checksum that may be wrong.
        _ => put_coded(out, kind, how / 4 % 4, body, u16::from(how / 128)),
    }
}

fn put_coded(out: &mut Vec<u8>, kind: u8, coding: u8, body: &[u8], damage: u16) {
    let first = kind | coding << 5;
    let mut checksum = flate2::Crc::new();
    checksum.update(&[first]);
    checksum.update(body);
    // Three digits for every length: readers take more than the shortest.
    let digit = |place: usize| (body.len() >> (7 * place) & 0x7f) as u8;
    out.extend([first, digit(0) | 0x80, digit(1) | 0x80, digit(2)]);
    out.extend((checksum.sum() as u16 ^ damage).to_le_bytes());
    out.extend(body);
}

/// An input that [`stream`] makes into these frames.
pub(super) fn input_of(stream: &[u8]) -> Vec<u8> {
    let mut reader = FrameReader::new();
    reader.push(stream);
    let mut input = vec![0];
    while let Ok(Some(frame)) = reader.next_frame() {
        input.extend([frame.kind, shape::SENT]);
        piece(&mut input, &frame.body);
    }
    input
}

/// Whole frames, as far as the stream is in order.
fn read(stream: &[u8], piece: usize) -> Vec<RawFrame> {
    let mut reader = FrameReader::new();
    let mut frames = Vec::new();
    for bytes in stream.chunks(piece) {
        reader.push(bytes);
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return frames,
            }
        }
    }
    frames
}

/// Whatever arrives ends in frames within the bounds or in a fault; in pieces of any size it is the same frames; a
/// message that was read is the same after writing and reading it again.
pub(super) fn frames(data: &[u8]) {
    let stream = stream(data);
    let frames = read(&stream, stream.len().max(1));
    let piece = 1 + usize::from(data.last().copied().unwrap_or(0)) * 7;
    assert!(frames == read(&stream, piece), "other frames in pieces of {piece}");
    for frame in &frames {
        assert!(frame.body.len() <= FRAME_BODY_BYTES_MAX, "a body of {} bytes", frame.body.len());
        let Ok(Some(message)) = Frame::decode(frame) else { continue };
        let mut again = PREAMBLE.to_vec();
        message.put(&mut again);
        let again = self::read(&again, usize::MAX);
        let [again] = again.as_slice() else { panic!("one frame became {}", again.len()) };
        assert!(again.body.len() <= frame.body.len(), "the shortest encoding is longer");
        assert_eq!(Frame::decode(again), Ok(Some(message)));
    }
    // Between two exchanges there are knocks, and what a later version may say and this one passes over.
    if let Ok(knocked) = Line::default().hear(&stream) {
        let messages: Vec<_> = frames.iter().map(Frame::decode).collect();
        assert!(messages.iter().all(|message| matches!(message, Ok(None | Some(Frame::Knock)))), "{messages:?}");
        assert_eq!(knocked, messages.contains(&Ok(Some(Frame::Knock))));
    }
}

/// Real exchanges, and bombs.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = honest::streams().iter().map(|stream| input_of(stream)).collect();
    seeds.extend(honest::streams().iter().map(|stream| [&[1], stream.as_slice()].concat()));
    for kind in [1, 2, 3, 4, 5, 6, 16, 17, 18, 30, 31, 136, 138, 149, 150] {
        let mut bomb = vec![0, kind, shape::BLOWN_UP | 0xfc];
        piece(&mut bomb, &[0; 64]);
        seeds.push(bomb);
    }
    seeds.push(input_of(&[&PREAMBLE[..], &knock(), &knock()].concat()));
    seeds
}
