//! What opens the bundles that offices seal to this hub, see [`kentongan_host::bundle`].

use std::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem, X25519HkdfSha256};
use hpke::{Deserializable, OpModeR, Serializable, single_shot_open};
use kentongan_host::bundle::{Bundle, Fault, INFO, KEY_BYTES};

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
        let enc = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&bundle.enc).map_err(|_| Fault::Changed)?;
        single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.secret,
            &enc,
            INFO,
            bundle.sealed,
            &bundle.head,
        )
        .map_err(|_| Fault::Changed)
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
    use kentongan_protocol::ids::ReplicaId;

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
}
