//! Text of offices: UTF-8, the code page of western Windows, and the UTF-16 that Excel calls "Unicode text".

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// How the bytes of a text are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inbox) enum Encoding {
    /// UTF-8; what is not is shown as U+FFFD.
    Utf8,
    /// Windows-1252, which every sequence of bytes is.
    Windows1252,
}

/// What UTF-8 files of Windows begin with.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Whether a file begins as UTF-16 does.
pub(super) fn is_utf16(sample: &[u8]) -> bool {
    sample.starts_with(b"\xff\xfe") || sample.starts_with(b"\xfe\xff")
}

/// The text of a UTF-16 file.
pub(super) fn decode_utf16(bytes: &[u8]) -> String {
    let big_endian = bytes.starts_with(b"\xfe\xff");
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .skip(1)
        .map(|pair| match pair {
            [a, b] if big_endian => u16::from_be_bytes([*a, *b]),
            [a, b] => u16::from_le_bytes([*a, *b]),
            _ => 0,
        })
        .collect();
    String::from_utf16_lossy(&units)
}

/// UTF-8 if the whole file is, else Windows-1252. Leaves the file at its start.
pub(super) fn encoding_of(file: &mut File) -> io::Result<Encoding> {
    let mut buffer = vec![0; 256 * 1024];
    let mut held = 0;
    let utf8 = loop {
        let free = buffer.get_mut(held..).unwrap_or_default();
        let read = match file.read(free) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let filled = held + read;
        match std::str::from_utf8(buffer.get(..filled).unwrap_or_default()) {
            Ok(_) if read == 0 => break true,
            Ok(_) => held = 0,
            // The end of the buffer cut a character in two: it is judged with what follows.
            Err(error) if error.error_len().is_none() && read > 0 => {
                buffer.copy_within(error.valid_up_to()..filled, 0);
                held = filled - error.valid_up_to();
            }
            Err(_) => break false,
        }
    };
    file.seek(SeekFrom::Start(0))?;
    Ok(if utf8 { Encoding::Utf8 } else { Encoding::Windows1252 })
}

/// Appends `bytes` as text.
pub(super) fn decode(bytes: &[u8], encoding: Encoding, text: &mut String) {
    match (std::str::from_utf8(bytes), encoding) {
        (Ok(utf8), Encoding::Utf8) => text.push_str(utf8),
        (Err(_), Encoding::Utf8) => text.push_str(&String::from_utf8_lossy(bytes)),
        (_, Encoding::Windows1252) => text.extend(bytes.iter().map(|byte| windows_1252(*byte))),
    }
}

/// 0x80 to 0x9F differ from Latin 1; the five without a character stay the control characters they are there.
const WINDOWS_1252_HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252_HIGH.get(usize::from(byte - 0x80)).copied().unwrap_or('\u{fffd}'),
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(bytes).expect("write");
        file.seek(SeekFrom::Start(0)).expect("seek");
        file
    }

    #[test]
    fn a_character_cut_by_the_buffer_does_not_make_a_file_windows_1252() {
        for shift in 0..3 {
            let mut text = "x".repeat(256 * 1024 - shift);
            text.push_str("€uro é");
            assert_eq!(encoding_of(&mut file(text.as_bytes())).expect("read"), Encoding::Utf8, "{shift}");
        }
        assert_eq!(encoding_of(&mut file(b"caf\xe9 Warung")).expect("read"), Encoding::Windows1252);
        assert_eq!(encoding_of(&mut file(b"caf\xc3")).expect("read"), Encoding::Windows1252);
    }

    #[test]
    fn windows_1252_has_its_own_quotation_marks() {
        let mut text = String::new();
        decode(b"\x93Antre\x94 caf\xe9 \x96 Rp", Encoding::Windows1252, &mut text);
        assert_eq!(text, "“Antre” café – Rp");
    }

    #[test]
    fn unicode_text_of_excel_is_read_in_both_byte_orders() {
        let little: Vec<u8> = "\u{feff}Né".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{feff}Né".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(is_utf16(&little) && is_utf16(&big));
        assert_eq!((decode_utf16(&little).as_str(), decode_utf16(&big).as_str()), ("Né", "Né"));
    }
}
