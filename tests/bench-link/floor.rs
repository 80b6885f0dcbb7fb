//! The least that is thinkable: the records as JSON lines under the best general compressor, over the leanest secure
//! connection, sent by somebody who never waits.

use std::io::Write;
use std::process::{Command, Stdio};

use kentongan_tests::link::Profile;

use crate::field::{Sample, State};

/// Headers of a TCP packet with time stamps.
const HEADER_BYTES: u64 = 52;

/// What of it is filled by data.
const SEGMENT_BYTES: u64 = 1_448;

/// A resumed handshake of TLS 1.3 as lean as it has been measured, both ways.
const RESUMPTION_BYTES: u64 = 750;

/// Of a TLS record: header, kind, tag.
const RECORD_BYTES: u64 = 22;

pub(crate) fn of(lines: &str, profile: &Profile, state: State) -> Sample {
    let packed = smallest(lines.as_bytes()).1 as u64;
    let body = packed + RECORD_BYTES * packed.div_ceil(16_384);
    let segments = body.div_ceil(SEGMENT_BYTES);
    let mut up = body + segments * HEADER_BYTES;
    // A receipt of TCP for each second packet, and one byte that says: it is safe.
    let mut down = segments.div_ceil(2) * HEADER_BYTES + HEADER_BYTES + RECORD_BYTES + 1;
    let mut packets = segments + segments.div_ceil(2) + 1;
    let mut round_trips = 0.5;
    if state == State::Cold {
        // To connect: two packets of 60 bytes and one; then one each way.
        up += 60 + HEADER_BYTES + RESUMPTION_BYTES / 2 + HEADER_BYTES;
        down += 60 + RESUMPTION_BYTES / 2 + HEADER_BYTES;
        packets += 5;
        round_trips += 2.0;
    }
    let seconds = |bytes: u64, kbit_s: u32| if kbit_s == 0 { 0.0 } else { bytes as f64 / (f64::from(kbit_s) * 125.0) };
    let share_up = profile.outages.map_or(1.0, |outages| outages.share_up());
    let time = round_trips * profile.rtt().as_secs_f64() + seconds(up, profile.up_kbit_s);
    Sample { seconds: Some(time / share_up), up_bytes: up, down_bytes: down, packets }
}

/// The best of three, by name.
pub(crate) fn smallest(bytes: &[u8]) -> (&'static str, usize) {
    let all = [("brotli -11", Some(brotli_11(bytes))), ("xz -9e", xz(bytes)), ("zstd -19", zstd_19(bytes))];
    let found = all.into_iter().filter_map(|(name, size)| size.map(|size| (name, size)));
    found.min_by_key(|(_, size)| *size).unwrap_or(("nothing", bytes.len()))
}

pub(crate) fn brotli_11(bytes: &[u8]) -> usize {
    let mut packed = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    brotli::BrotliCompress(&mut &bytes[..], &mut packed, &params).expect("compress in memory");
    packed.len()
}

pub(crate) fn gzip_9(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("compress in memory");
    encoder.finish().expect("compress in memory")
}

fn zstd_19(bytes: &[u8]) -> Option<usize> {
    Some(zstd::bulk::compress(bytes, 19).ok()?.len())
}

/// By the program, if it is here.
pub(crate) fn xz(bytes: &[u8]) -> Option<usize> {
    let mut child = Command::new("xz").args(["-9e", "-c"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut input = child.stdin.take()?;
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().ok()?;
    let written = writer.join().is_ok_and(|written| written.is_ok());
    (written && output.status.success()).then_some(output.stdout.len())
}
