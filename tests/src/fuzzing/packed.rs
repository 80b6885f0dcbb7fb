//! The packed coding: whatever arrives is refused or becomes a body within its bound; whatever is packed comes back.

use kentongan_protocol::limits::{FRAME_BODY_BYTES_MAX, PACKED_FACTOR_MAX, PACKED_GRACE_BYTES};
use kentongan_protocol::pack::{Packer, Primed, Times, Unpacker};
use kentongan_protocol::wire::frame::FrameReader;
use kentongan_protocol::wire::v1::kind;

use super::bytes::{Bytes, piece};
use super::honest;

const BEGIN: Times = Times { elapsed_ms: 5_000, hlc: 1_795_000_000_000 << 16 };

/// How the pieces of an input are meant.
mod shape {
    /// Packed bodies of one stream.
    pub(super) const PACKED: u8 = 0;
    /// Bodies to be packed as one stream.
    pub(super) const BODIES: u8 = 1;
}

/// Pieces, each with the kind of its frame, unpacked by one unpacker or packed by one packer.
pub(super) fn packed(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let (mut packer, mut unpacker) = (Packer::new(Primed::Kept, BEGIN), Unpacker::new(Primed::Kept, BEGIN));
    let shape = bytes.byte() % 2;
    while !bytes.is_empty() {
        let (kind, body) = (bytes.byte(), bytes.piece());
        if shape == shape::PACKED {
            let Ok(read) = unpacker.unpack(kind, body) else { return };
            assert!(read.len() <= (body.len() * PACKED_FACTOR_MAX + PACKED_GRACE_BYTES).min(FRAME_BODY_BYTES_MAX));
        } else if let Some(packed) = packer.pack(kind, body) {
            assert_eq!(unpacker.unpack(kind, &packed).as_deref(), Ok(body));
        }
    }
}

/// Bodies of ops and pages in honest streams, plain and packed.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for stream in honest::streams() {
        let mut reader = FrameReader::new();
        reader.push(stream);
        let mut packer = Packer::new(Primed::Kept, BEGIN);
        let (mut plain, mut coded) = (vec![shape::BODIES], vec![shape::PACKED]);
        while let Ok(Some(frame)) = reader.next_frame() {
            if [kind::OPS, kind::FEED].contains(&frame.kind) {
                plain.push(frame.kind);
                piece(&mut plain, &frame.body);
                if let Some(packed) = packer.pack(frame.kind, &frame.body) {
                    coded.push(frame.kind);
                    piece(&mut coded, &packed);
                }
            }
        }
        seeds.extend([plain, coded].into_iter().filter(|seed| seed.len() > 1));
    }
    seeds
}
