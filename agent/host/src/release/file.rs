//! An update in one file, as it goes on a stick or over a link.

use std::io::{self, Read};

use super::sum::Sum;
use super::{MANIFEST_BYTES_MAX, Published, PublisherKey, Release, ReleaseFault, SIGNATURE_BYTES_MAX};

/// Longest update file.
pub const UPDATE_BYTES_MAX: u64 = 256 * 1024 * 1024;

const KIND: &str = "KENTONGAN-UPDATE/1";
const FIRST_LINE_BYTES_MAX: usize = 80;
/// Programs are packed so that unpacking looks back no further than 8 MiB, as `zstd -19` does: a file of a stranger chooses no
/// larger memory.
const WINDOW_LOG_MAX: u32 = 23;

/// `KENTONGAN-UPDATE/1 M S`, a line's end, M bytes of manifest, S bytes of its signature, and to the end a program packed by
/// zstd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateFile {
    /// The manifest, as it was signed.
    pub manifest: Vec<u8>,
    /// The text of its `.minisig` file.
    pub signature: String,
    packed: Vec<u8>,
}

impl UpdateFile {
    /// Reads one. Nothing of it is believed yet.
    ///
    /// # Errors
    /// [`ReleaseFault::Malformed`].
    pub fn read(bytes: &[u8]) -> Result<UpdateFile, ReleaseFault> {
        let malformed = || ReleaseFault::Malformed("it is no update file, or its end is missing");
        let line = bytes.iter().take(FIRST_LINE_BYTES_MAX).position(|byte| *byte == b'\n').ok_or_else(malformed)?;
        let (line, rest) = bytes.split_at(line);
        let mut words = std::str::from_utf8(line).map_err(|_| malformed())?.split(' ');
        if words.next() != Some(KIND) {
            return Err(malformed());
        }
        let mut length = |bytes_max| words.next()?.parse().ok().filter(|length: &usize| *length <= bytes_max);
        let (manifest, signature) =
            length(MANIFEST_BYTES_MAX).zip(length(SIGNATURE_BYTES_MAX)).ok_or_else(malformed)?;
        let (manifest, rest) = rest.get(1..).and_then(|rest| rest.split_at_checked(manifest)).ok_or_else(malformed)?;
        let (signature, packed) = rest.split_at_checked(signature).ok_or_else(malformed)?;
        let signature = String::from_utf8(signature.to_vec()).map_err(|_| malformed())?;
        Ok(UpdateFile { manifest: manifest.to_vec(), signature, packed: packed.to_vec() })
    }

    /// What it brings, if one of `keys` signed that.
    ///
    /// # Errors
    /// As [`Release::genuine`].
    pub fn release(&self, keys: &[PublisherKey]) -> Result<Release, ReleaseFault> {
        Release::genuine(&self.manifest, &self.signature, keys)
    }

    /// The program in it, if it is `file` of its release.
    ///
    /// # Errors
    /// [`ReleaseFault::OtherProgram`].
    pub fn unpack(&self, file: &Published) -> Result<Vec<u8>, ReleaseFault> {
        let mut program = Vec::new();
        let read = self.unpacking(file.bytes).and_then(|mut unpacked| unpacked.read_to_end(&mut program));
        if read.is_ok() && file.is(&program) { Ok(program) } else { Err(ReleaseFault::OtherProgram) }
    }

    /// Which program of its release it holds, and what that is for: for those who only carry it. It is unpacked once, and
    /// nothing of it stays in memory, whatever the manifest of a stranger claims.
    pub fn held<'r>(&self, release: &'r Release) -> Option<(&'r Published, &'r str)> {
        let longest = release.programs().map(|(file, _)| file.bytes).max()?;
        let mut sum = Sum::default();
        self.unpacking(longest).and_then(|mut unpacked| io::copy(&mut unpacked, &mut sum)).ok()?;
        let sum = sum.finish();
        release.programs().find(|(file, _)| file.is_summed(&sum))
    }

    /// What is packed in it. Whatever it says of itself, no more than one byte beyond `bytes` comes out.
    fn unpacking(&self, bytes: u64) -> io::Result<impl Read> {
        let mut unpacked = zstd::stream::read::Decoder::with_buffer(self.packed.as_slice())?;
        unpacked.window_log_max(WINDOW_LOG_MAX)?;
        Ok(unpacked.take(bytes.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_dir::Program;
    use crate::enrolment::to_hex;

    const TARGET: &str = "x86_64-unknown-linux-musl";

    fn manifest_of(program: &[u8]) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, program);
        serde_json::json!({
            "schema": "kentongan.release/1", "version": "0.2.0", "commit": "1a2b3c4d5e",
            "made_at": "2026-11-22T00:00:00Z", "expires_at": "2027-05-21T00:00:00Z",
            "files": [
                { "name": "kentongan-agent_0.2.0_amd64.deb", "bytes": 3, "sha256": "00" },
                { "name": "kentongan-agent", "bytes": program.len(), "sha256": to_hex(digest.as_ref()),
                  "program": "kentongan-agent", "target": TARGET },
            ],
        })
        .to_string()
    }

    fn file(manifest: &str, program: &[u8]) -> Vec<u8> {
        let mut bytes = format!("KENTONGAN-UPDATE/1 {} 5\n{manifest}sign\n", manifest.len()).into_bytes();
        bytes.extend(zstd::stream::encode_all(program, 1).expect("packed"));
        bytes
    }

    #[test]
    fn a_program_comes_out_as_it_was_signed_or_not_at_all() {
        let program = b"program ".repeat(1_000);
        let release = Release::claimed(manifest_of(&program).as_bytes()).expect("a manifest");
        let entry = release.program_for(Program::Agent, TARGET).expect("for it").clone();
        assert_eq!(release.program_for(Program::Agent, "x86_64-unknown-linux-gnu"), None);
        assert_eq!(release.program_for(Program::Hub, TARGET), None);

        let sound = UpdateFile::read(&file(&manifest_of(&program), &program)).expect("an update file");
        assert_eq!(sound.unpack(&entry), Ok(program.clone()));
        for other in [program[1..].to_vec(), b"Program ".repeat(1_000), vec![0; 100_000_000], Vec::new()] {
            let swapped = UpdateFile::read(&file(&manifest_of(&program), &other)).expect("an update file");
            assert_eq!(swapped.unpack(&entry), Err(ReleaseFault::OtherProgram));
            assert_eq!(swapped.held(&release), None);
        }
        assert_eq!(sound.held(&release), Some((&entry, TARGET)));
        assert_eq!(sound.release(&[]), Err(ReleaseFault::NotGenuine));
    }

    #[test]
    fn a_file_that_is_cut_or_claims_too_much_is_no_update_file() {
        let whole = file(&manifest_of(b"program"), b"program");
        let head = manifest_of(b"program").len() + 40;
        for cut in 0..head.min(whole.len()) {
            let read = UpdateFile::read(&whole[..cut]);
            assert!(read.is_err() || read.is_ok_and(|file| file.packed.len() < whole.len()), "cut at {cut}");
        }
        for text in
            ["", "KENTONGAN-UPDATE/2 1 1\nxx", "KENTONGAN-UPDATE/1 99999999999 1\nx", "KENTONGAN-UPDATE/1 9 9\nx"]
        {
            assert!(UpdateFile::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
