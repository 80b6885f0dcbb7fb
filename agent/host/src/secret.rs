//! What people keep in their heads, PINs and passwords: kept as Argon2id, never as they are.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::random::random_bytes;

/// Memory that one hash takes, in KiB, and passes over it: the smaller of the two settings that OWASP's password storage
/// cheat sheet recommends for Argon2id. A PC with 2 GB has that much for the moment that somebody logs in.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Longest secret that is looked at, in bytes; of a longer one nothing is computed.
pub const SECRET_BYTES_MAX: usize = 256;

/// The hash of a secret with a salt of its own, as a PHC string (`$argon2id$v=19$m=…`): parameters stay with it, so that
/// later ones can be stronger.
///
/// Takes tens of milliseconds and 19 MiB: not on a thread that others wait for.
pub fn hash(secret: &str) -> String {
    let salt: [u8; 16] = random_bytes();
    let hash = hasher().hash_password_with_salt(secret.as_bytes(), &salt);
    hash.expect("parameters and salt are our own, and fit").to_string()
}

/// Whether a secret is the one of which this is the hash. Anything that is no hash belongs to no secret.
///
/// As slow as [`hash()`].
pub fn verify(secret: &str, hash: &str) -> bool {
    if secret.len() > SECRET_BYTES_MAX {
        return false;
    }
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    // What is stored chooses how much is computed: never more than we would ask for ourselves.
    let asked = Params::try_from(&hash);
    if !asked.is_ok_and(|asked| asked.m_cost() <= MEMORY_KIB && asked.t_cost() <= PASSES && asked.p_cost() <= LANES) {
        return false;
    }
    hasher().verify_password(secret.as_bytes(), &hash).is_ok()
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("parameters within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_fits_its_hash_and_no_other_does() {
        let kept = hash("482199");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(verify("482199", &kept));
        assert!(!verify("482198", &kept));
        assert!(!verify("", &kept));
        assert_ne!(hash("482199"), kept, "a salt of its own");
    }

    #[test]
    fn what_is_no_hash_belongs_to_no_secret() {
        let dear = "$argon2id$v=19$m=1048576,t=2,p=1$c2FsdHNhbHRzYWx0c2E$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
        for kept in ["", "482199", "$argon2id$", "$argon2id$v=19$m=19456,t=2,p=1$", dear] {
            assert!(!verify("482199", kept), "{kept}");
        }
        assert!(!verify(&"9".repeat(SECRET_BYTES_MAX + 1), &hash("9")));
    }
}
