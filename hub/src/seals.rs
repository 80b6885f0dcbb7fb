//! What opens that which offices seal to this hub: bundles ([`kentongan_host::bundle`]), the content of confidential
//! complaints and their files ([`kentongan_host::seal`]).

use std::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem, X25519HkdfSha256};
use hpke::{Deserializable, OpModeR, Serializable, single_shot_open};
use kentongan_host::bundle::{Bundle, Fault, INFO};
use kentongan_host::seal::{CONTENT_INFO, FILE_INFO, KEY_BYTES, Sealed, sealed_file_in, sealed_in};
use kentongan_protocol::sealed::{OpenedFile, opened_file};

/// A pair of keys: offices seal to the public one, and the other opens.
pub struct Seals {
    secret: <X25519HkdfSha256 as Kem>::PrivateKey,
    public: [u8; KEY_BYTES],
}

impl Seals {
    /// The pair that follows from a secret.
    pub fn of(secret: &[u8; KEY_BYTES]) -> Seals {
        let (secret, public) = X25519HkdfSha256::derive_keypair(secret);
        Seals { secret, public: public.to_bytes().into() }
    }

    /// What offices seal to.
    pub fn public(&self) -> &[u8; KEY_BYTES] {
        &self.public
    }

    /// What lies under the seal of a bundle.
    ///
    /// # Errors
    /// [`Fault::Changed`] if it does not open.
    pub fn open(&self, bundle: &Bundle<'_>) -> Result<Vec<u8>, Fault> {
        self.under(INFO, &bundle.head, &bundle.enc, bundle.sealed).ok_or(Fault::Changed)
    }

    /// The content of a confidential complaint that an office, or this hub itself, sealed to this text; `None` if it does
    /// not open.
    pub fn open_text(&self, text: &str) -> Option<Vec<u8>> {
        let Sealed { head, enc, sealed } = sealed_in(text, &self.public)?;
        self.under(CONTENT_INFO, &head, &enc, &sealed)
    }

    /// A file of a confidential complaint; `None` if it does not open, or is not what it says.
    pub fn open_file(&self, file: &[u8]) -> Option<OpenedFile> {
        let Sealed { head, enc, sealed } = sealed_file_in(file, &self.public)?;
        opened_file(&self.under(FILE_INFO, &head, &enc, &sealed)?).ok()
    }

    fn under(&self, info: &[u8], head: &[u8], enc: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let enc = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(enc).ok()?;
        single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.secret,
            &enc,
            info,
            sealed,
            head,
        )
        .ok()
    }
}

impl fmt::Debug for Seals {
    /// Shows nothing of the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seals").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use kentongan_host::bundle;
    use kentongan_host::identity::SigningKey;
    use kentongan_host::seal::{seal_file, seal_text};
    use kentongan_protocol::attachment::Media;
    use kentongan_protocol::ids::ReplicaId;
    use kentongan_protocol::sealed::file_content;

    use super::*;

    const PC: ReplicaId = ReplicaId(0x0102_0304_0506_0708);

    fn sealed(seals: &Seals, device: &SigningKey) -> bundle::Sealed {
        bundle::seal(b"permintaan", PC, device, seals.public()).expect("short enough")
    }

    #[test]
    fn what_an_office_seals_opens_at_its_hub_alone_and_is_signed_by_its_device_alone() {
        let (pusat, lain) = (Seals::of(&[1; KEY_BYTES]), Seals::of(&[2; KEY_BYTES]));
        let (sari, budi) = (SigningKey::generate().expect("key"), SigningKey::generate().expect("key"));
        let bundle::Sealed { file, answer_key, .. } = sealed(&pusat, &sari);

        let read = Bundle::read(&file, pusat.public()).expect("a bundle");
        let open = pusat.open(&read).expect("opens");
        let opened = read.opened(&open).expect("whole");
        assert_eq!((opened.request, opened.replica, opened.answer_key), (&b"permintaan"[..], PC, answer_key));
        assert!(opened.is_signed_by(&sari.public_key()) && !opened.is_signed_by(&budi.public_key()));
        assert_eq!(Bundle::read(&file, lain.public()).err(), Some(Fault::OtherHub));
        assert_eq!(lain.open(&read), Err(Fault::Changed));
    }

    #[test]
    fn a_bundle_with_any_byte_changed_or_missing_does_not_open() {
        let (pusat, sari) = (Seals::of(&[1; KEY_BYTES]), SigningKey::generate().expect("key"));
        let whole = sealed(&pusat, &sari).file;
        let opens = |file: &[u8]| Bundle::read(file, pusat.public()).and_then(|bundle| pusat.open(&bundle)).is_ok();
        assert!(opens(&whole));
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            assert!(!opens(&changed), "byte {place}");
            assert!(!opens(&whole[..place]), "the first {place} bytes");
        }
    }

    #[test]
    fn nobody_puts_their_own_name_on_what_another_device_made() {
        let (pusat, sari) = (Seals::of(&[1; KEY_BYTES]), SigningKey::generate().expect("key"));
        let first = sealed(&pusat, &sari).file;
        let read = Bundle::read(&first, pusat.public()).expect("a bundle");
        let open = pusat.open(&read).expect("opens");
        // The same words under the seal of another bundle: its signature is over the first one.
        let other = sealed(&pusat, &sari).file;
        let other = Bundle::read(&other, pusat.public()).expect("a bundle");
        assert!(!other.opened(&open).expect("whole").is_signed_by(&sari.public_key()));
    }

    #[test]
    fn the_content_of_a_complaint_opens_at_its_hub_alone_and_only_unchanged() {
        let (pusat, lain) = (Seals::of(&[1; KEY_BYTES]), Seals::of(&[2; KEY_BYTES]));
        let text = seal_text(b"Petugas minta uang".to_vec(), pusat.public()).expect("a key");
        assert_eq!(pusat.open_text(&text).as_deref(), Some(&b"Petugas minta uang"[..]));
        assert_eq!(lain.open_text(&text), None);
        for place in 0..text.len() {
            let other = if text.as_bytes()[place] == b'A' { "B" } else { "A" };
            let changed = format!("{}{other}{}", &text[..place], &text[place + 1..]);
            // The last digit of base 64 may hold bits that stand for nothing: those are no other text.
            assert!(pusat.open_text(&changed).is_none(), "digit {place}");
        }
    }

    #[test]
    fn a_file_of_a_complaint_opens_at_its_hub_alone_and_only_unchanged() {
        let (pusat, lain) = (Seals::of(&[1; KEY_BYTES]), Seals::of(&[2; KEY_BYTES]));
        let paper = b"%PDF-1.7 kuitansi";
        let file = seal_file(file_content(Media::Pdf as u8, "kuitansi.pdf", paper), pusat.public()).expect("a key");
        let opened = pusat.open_file(&file).expect("opens");
        assert_eq!((opened.media, opened.name.as_str(), &opened.content[..]), (Media::Pdf, "kuitansi.pdf", &paper[..]));
        assert_eq!(lain.open_file(&file), None);
        for place in 0..file.len() {
            let mut changed = file.clone();
            changed[place] ^= 1;
            assert_eq!(pusat.open_file(&changed), None, "byte {place}");
            assert_eq!(pusat.open_file(&file[..place]), None, "the first {place} bytes");
        }
    }

    #[test]
    fn a_text_passes_for_no_file_and_a_file_for_no_text() {
        let pusat = Seals::of(&[1; KEY_BYTES]);
        let content = file_content(Media::Pdf as u8, "kuitansi.pdf", b"%PDF-1.7 kuitansi");
        let text = seal_text(content.clone(), pusat.public()).expect("a key");
        let sealed = sealed_in(&text, pusat.public()).expect("a text");
        let head =
            sealed_file_in(&seal_file(content, pusat.public()).expect("a key"), pusat.public()).expect("a file").head;
        assert_eq!(pusat.open_file(&[&head[..], &sealed.enc, &sealed.sealed].concat()), None);
    }
}
