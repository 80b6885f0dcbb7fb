//! The token that every form of ours carries: another site's page cannot know it.
//!
//! It is a keyed hash over the browser's session, so nothing is kept in memory: a form that was opened before the
//! program was started again can still be sent, and no word of it is lost.

use std::io;
use std::path::Path;

use kentongan_host::enrolment::{from_hex, to_hex};
use kentongan_host::files::{self, Access};
use kentongan_host::random::random_bytes;
use ring::{aead, hmac};

/// Name of the field of a form that carries the token.
pub const FIELD: &str = "_token";
/// Name of the header that carries it where a script sends something that is no form.
pub const HEADER: &str = "x-token";

const KEY_BYTES: usize = 32;
const SESSION_BYTES: usize = 16;

/// What seals are made with is drawn from the key of the tokens under this name.
const SEALS: &[u8] = b"kentongan seal 1";

/// The key of the tokens.
#[derive(Debug, Clone)]
pub struct Secret(hmac::Key);

/// A browser that has been here before, by the name that it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session(String);

impl Secret {
    /// The key in the file at `path`, which is made at the first call.
    ///
    /// # Errors
    /// If it can neither be read nor written.
    pub fn of_file(path: &Path) -> io::Result<Secret> {
        let kept = match files::read_bounded(path, KEY_BYTES as u64) {
            Ok(kept) => kept,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        if kept.len() == KEY_BYTES {
            return Ok(Secret::of(&kept));
        }
        // None yet, or one that was cut: open forms have to be opened again, nothing else.
        let drawn: [u8; KEY_BYTES] = random_bytes();
        files::replace(path, &drawn, Access::Private)?;
        Ok(Secret::of(&drawn))
    }

    fn of(key: &[u8]) -> Secret {
        Secret(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The token of a session.
    pub fn token(&self, session: &Session) -> String {
        to_hex(&hmac::sign(&self.0, session.0.as_bytes()).as_ref()[..SESSION_BYTES])
    }

    /// Whether `token` is that of `session`, in a time that tells nothing.
    pub fn holds(&self, session: &Session, token: &str) -> bool {
        is_same(&self.token(session), token)
    }

    /// What proves later that this program said `text` to the browser of `session`, and nobody else did. No text has the
    /// session's token as its mark.
    pub fn mark(&self, session: &Session, text: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(session.0.as_bytes());
        context.update(b" ");
        context.update(text.as_bytes());
        to_hex(context.sign().as_ref())
    }

    /// `text`, so that the browser of `session` can carry it through its pages and nobody reads it there: it is opened
    /// again for the same browser and the same `purpose` alone.
    pub fn seal(&self, session: &Session, purpose: &str, text: &str) -> String {
        let nonce: [u8; aead::NONCE_LEN] = random_bytes();
        let mut sealed = text.as_bytes().to_vec();
        let key = self.sealing_key();
        let done = key.seal_in_place_append_tag(
            aead::Nonce::assume_unique_for_key(nonce),
            aead::Aad::from(bound_to(session, purpose)),
            &mut sealed,
        );
        done.expect("a text that fits into memory is shorter than what one nonce may seal");
        to_hex(&nonce) + &to_hex(&sealed)
    }

    /// What [`Secret::seal`] sealed for this browser and purpose.
    pub fn unseal(&self, session: &Session, purpose: &str, sealed: &str) -> Option<String> {
        let mut bytes = from_hex(sealed)?;
        let (nonce, text) = bytes.split_at_mut_checked(aead::NONCE_LEN)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let open = self.sealing_key().open_in_place(nonce, aead::Aad::from(bound_to(session, purpose)), text).ok()?;
        String::from_utf8(open.to_vec()).ok()
    }

    fn sealing_key(&self) -> aead::LessSafeKey {
        let key = hmac::sign(&self.0, SEALS);
        let key = aead::UnboundKey::new(&aead::CHACHA20_POLY1305, key.as_ref());
        aead::LessSafeKey::new(key.expect("HMAC-SHA-256 gives the 32 bytes of a key"))
    }

    /// Whether `mark` is that of `text`, in a time that tells nothing.
    pub fn marked(&self, session: &Session, text: &str, mark: &str) -> bool {
        is_same(&self.mark(session, text), mark)
    }
}

impl Session {
    /// A name for a browser that has none.
    pub fn draw() -> Session {
        Session(to_hex(&random_bytes::<SESSION_BYTES>()))
    }

    /// The name that a browser shows, if it can be one of ours.
    pub fn shown(text: &str) -> Option<Session> {
        let fits = text.len() == 2 * SESSION_BYTES && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Session(text.to_owned()))
    }

    /// What the browser keeps.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a seal is bound to: a session's name has one length.
fn bound_to(session: &Session, purpose: &str) -> Vec<u8> {
    [session.0.as_bytes(), purpose.as_bytes()].concat()
}

fn is_same(right: &str, shown: &str) -> bool {
    let differing = right.bytes().zip(shown.bytes()).fold(0, |differing, (a, b)| differing | (a ^ b));
    differing == 0 && right.len() == shown.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_for_its_session_alone_and_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("page.key");
        let secret = Secret::of_file(&file).expect("a key");
        let (one, other) = (Session::draw(), Session::draw());
        let token = secret.token(&one);
        assert!(secret.holds(&one, &token));
        assert!(!secret.holds(&other, &token));
        for wrong in ["", &token[1..], &format!("{token}0"), &token.to_uppercase().replace(char::is_numeric, "f")] {
            assert!(!secret.holds(&one, wrong), "{wrong}");
        }
        let again = Secret::of_file(&file).expect("the same key");
        assert!(again.holds(&one, &token));
        std::fs::write(&file, b"cut").expect("written");
        assert!(!Secret::of_file(&file).expect("a new key").holds(&one, &token));
    }

    #[test]
    fn a_mark_holds_for_its_text_and_session_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = Secret::of_file(&folder.path().join("page.key")).expect("a key");
        let (one, other) = (Session::draw(), Session::draw());
        let mark = secret.mark(&one, "3.1000");
        assert!(secret.marked(&one, "3.1000", &mark));
        assert!(!secret.marked(&other, "3.1000", &mark) && !secret.marked(&one, "3.1001", &mark));
        assert!(!secret.marked(&one, "", &secret.token(&one)), "a token is no mark");
    }

    #[test]
    fn what_is_sealed_opens_for_its_browser_and_purpose_alone_and_says_nothing_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("page.key");
        let secret = Secret::of_file(&file).expect("a key");
        let (one, other) = (Session::draw(), Session::draw());
        let sealed = secret.seal(&one, "3 /catatan/1", "Warga datang lagi");
        assert!(from_hex(&sealed).is_some_and(|bytes| !bytes.windows(5).any(|part| part == b"Warga")));
        let again = Secret::of_file(&file).expect("the same key");
        assert_eq!(again.unseal(&one, "3 /catatan/1", &sealed).as_deref(), Some("Warga datang lagi"));
        assert_eq!(secret.unseal(&other, "3 /catatan/1", &sealed), None, "another browser");
        assert_eq!(secret.unseal(&one, "4 /catatan/1", &sealed), None, "another purpose");
        assert_ne!(secret.seal(&one, "", "x"), secret.seal(&one, "", "x"));
        for broken in ["", "00", "xx", &sealed[2..], &format!("{sealed}00"), &"0".repeat(400)] {
            assert_eq!(secret.unseal(&one, "3 /catatan/1", broken), None, "{broken}");
        }
    }

    #[test]
    fn only_what_we_give_out_is_a_session() {
        let drawn = Session::draw();
        assert_eq!(Session::shown(drawn.as_str()), Some(drawn));
        for wrong in ["", "abc", &"G".repeat(32), &"a".repeat(33)] {
            assert_eq!(Session::shown(wrong), None);
        }
    }
}
