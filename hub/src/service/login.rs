//! Logging in at the console, and staying so.
//!
//! ```text
//!   password right ──┬─ has a second factor ──▶ ExpectCode ── code right ──▶ Open
//!                    ├─ one is demanded ──────▶ ExpectSecondFactor ── set up ──▶ Open
//!                    └─ else ─────────────────▶ Open
//! ```
//!
//! - The browser keeps 32 random bytes, the store their hash. Each step forward draws new ones: what somebody planted in
//!   a browser before is worth nothing afterwards.
//! - A login ends by itself after an idle time and after a whole one, when its person is barred or given a new
//!   invitation, and when they change their password elsewhere.
//! - Passwords come here only as hashes that were made or checked on a thread of their own: they take too long for a
//!   transaction.

use kentongan_host::enrolment::{from_hex, to_hex};
use kentongan_host::random::{random_below, random_bytes};
use kentongan_host::{Exit, Failure};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::account::{code_hash, end_logins, known};
use super::{Desk, totp};
use crate::config::TwoFactor;
use crate::store::{Account, Login, SecondFactor, Stage, Tx};

/// Bytes that a browser keeps.
const TOKEN_BYTES: usize = 32;
/// How long the code of the second factor is awaited, in milliseconds.
const CODE_MS: i64 = 5 * 60_000;
/// The time of the last use is noted again after this, in milliseconds.
const SEEN_MS: i64 = 60_000;
/// Shortest password, in characters.
const PASSWORD_CHARS_MIN: usize = 10;
/// Spare codes, and digits of each.
const SPARE_CODES: usize = 8;
const SPARE_DIGITS: u32 = 8;
/// What a browser calls itself is kept up to here, in characters.
const BROWSER_CHARS_MAX: usize = 200;
/// Words that stand at the head of every list of guessed passwords.
const GUESSED: [&str; 8] =
    ["password", "kentongan", "rahasia", "indonesia", "qwerty", "1234567890", "admin", "bismillah"];

/// What a browser keeps of its login.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; TOKEN_BYTES]);

impl std::fmt::Debug for Token {
    /// Shows nothing of it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// As a browser shows it; `None`: that is none.
    pub fn shown(text: &str) -> Option<Token> {
        from_hex(text)?.try_into().ok().map(Token)
    }

    /// As a browser keeps it.
    pub fn text(&self) -> String {
        to_hex(&self.0)
    }

    /// As the store keeps it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// Where a login is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// An address.
    pub from: String,
    /// What the browser calls itself.
    pub browser: String,
}

/// A login that has just gone a step forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// For the browser.
    pub token: Token,
    /// What is missing still.
    pub stage: Stage,
}

/// Begins the login of a person whose password fitted the hash `fitted`. `None` if that is not their password any more,
/// or they are barred.
///
/// # Errors
/// A failure of the store.
pub fn begin(tx: &mut dyn Tx, desk: &Desk, name: &str, fitted: &str, place: &Place) -> Result<Option<Begun>, Failure> {
    let Some(account) = tx.account(name)?.filter(|account| may_enter(account) && account.password == fitted) else {
        return Ok(None);
    };
    tx.forget_logins(desk.now_ms.saturating_sub(desk.config.console_session_ms))?;
    let stage = if account.second.is_some() { Stage::ExpectCode } else { open_or_demand(desk, &account) };
    step(tx, desk, &account, stage, place).map(Some)
}

fn may_enter(account: &Account) -> bool {
    account.barred_ms.is_none() && !account.password.is_empty()
}

fn open_or_demand(desk: &Desk, account: &Account) -> Stage {
    let demanded = match desk.config.two_factor {
        TwoFactor::Optional => false,
        TwoFactor::Admin => account.role == crate::store::Role::Admin,
        TwoFactor::Everyone => true,
    };
    if demanded && account.second.is_none() { Stage::ExpectSecondFactor } else { Stage::Open }
}

fn step(tx: &mut dyn Tx, desk: &Desk, account: &Account, stage: Stage, place: &Place) -> Result<Begun, Failure> {
    let token = Token(random_bytes());
    tx.put_login(&Login {
        hash: token.hash(),
        account: account.name.clone(),
        stage,
        began_ms: desk.now_ms,
        seen_ms: desk.now_ms,
        from: place.from.clone(),
        browser: place.browser.chars().filter(|c| !c.is_control()).take(BROWSER_CHARS_MAX).collect(),
    })?;
    if stage != Stage::ExpectCode {
        desk.audit(tx, "login.begun", &account.name, json!({}))?;
    }
    Ok(Begun { token, stage })
}

/// Whether a typed code opens a login that awaits one; a spare code does too, once. `None`: it does not.
///
/// # Errors
/// A failure of the store.
pub fn confirm(tx: &mut dyn Tx, desk: &Desk, waiting: &Login, typed: &str) -> Result<Option<Begun>, Failure> {
    let Some(mut account) = tx.account(&waiting.account)?.filter(may_enter) else { return Ok(None) };
    let Some(second) = &mut account.second else { return Ok(None) };
    let spare = spare_hash(typed);
    if let Some(step) = totp::step_of(&second.key, typed, desk.now_ms, second.last_step) {
        second.last_step = step;
    } else if let Some(at) = second.spare.iter().position(|kept| *kept == spare) {
        second.spare.remove(at);
        let left = second.spare.len();
        desk.audit(tx, "login.spare_code", &account.name, json!({ "left": left }))?;
    } else {
        return Ok(None);
    }
    tx.put_account(&account)?;
    tx.remove_login(&waiting.hash)?;
    let place = Place { from: waiting.from.clone(), browser: waiting.browser.clone() };
    step(tx, desk, &account, Stage::Open, &place).map(Some)
}

/// The person and login of a browser, if it still holds.
///
/// # Errors
/// A failure of the store.
pub fn who(tx: &mut dyn Tx, desk: &Desk, token: &Token) -> Result<Option<(Account, Login)>, Failure> {
    let Some(login) = tx.login(&token.hash())?.filter(|login| holds(desk, login)) else { return Ok(None) };
    let account = tx.account(&login.account)?.filter(may_enter);
    Ok(account.map(|account| (account, login)))
}

fn holds(desk: &Desk, login: &Login) -> bool {
    let whole_ms = if login.stage == Stage::ExpectCode { CODE_MS } else { desk.config.console_session_ms };
    let (age_ms, idle_ms) = (desk.now_ms.saturating_sub(login.began_ms), desk.now_ms.saturating_sub(login.seen_ms));
    age_ms < whole_ms && idle_ms < desk.config.console_idle_ms
}

/// Whether the last use of a login is due to be noted.
pub fn is_due(desk: &Desk, login: &Login) -> bool {
    desk.now_ms.saturating_sub(login.seen_ms) >= SEEN_MS
}

/// Notes that a login is in use.
///
/// # Errors
/// A failure of the store.
pub fn seen(tx: &mut dyn Tx, desk: &Desk, hash: &[u8; 32]) -> Result<(), Failure> {
    if let Some(login) = tx.login(hash)? {
        tx.put_login(&Login { seen_ms: desk.now_ms, ..login })?;
    }
    Ok(())
}

/// Ends a login of the person who asks; of anybody else's, nothing is known here.
///
/// # Errors
/// A failure of the store.
pub fn end(tx: &mut dyn Tx, desk: &Desk, hash: &[u8; 32]) -> Result<(), Failure> {
    if tx.login(hash)?.is_some_and(|login| login.account == desk.actor) {
        tx.remove_login(hash)?;
        desk.audit(tx, "login.ended", &desk.actor, json!({}))?;
    }
    Ok(())
}

/// Why a password is not taken, in both languages; nothing if it is.
///
/// # Errors
/// What is wrong with it.
pub fn check_password(name: &str, password: &str) -> Result<(), Failure> {
    let plain = password.to_lowercase();
    let mut letters: Vec<char> = plain.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > kentongan_host::secret::SECRET_BYTES_MAX {
        return Err(Failure::usage(
            "Kata sandi paling sedikit 10 huruf. Beberapa kata biasa berturut-turut mudah diingat.",
            "A password has 10 characters at least. Some plain words in a row are easy to remember.",
        ));
    }
    let is_guessed = GUESSED.iter().any(|word| plain.starts_with(word) && plain.len() < word.len() + 6);
    if letters.len() < 4 || is_guessed || plain.contains(name) && plain.len() < name.len() + 6 {
        return Err(Failure::usage(
            "Kata sandi ini mudah ditebak. Pilih yang lain.",
            "This password is easy to guess. Choose another.",
        ));
    }
    Ok(())
}

/// Whether a typed invitation is that of a person who may use it now.
///
/// # Errors
/// A failure of the store.
pub fn is_invited(tx: &mut dyn Tx, desk: &Desk, name: &str, typed: &str) -> Result<bool, Failure> {
    Ok(invited(tx, desk, name, typed)?.is_some())
}

fn invited(tx: &mut dyn Tx, desk: &Desk, name: &str, typed: &str) -> Result<Option<Account>, Failure> {
    let account = tx.account(name)?.filter(|account| account.barred_ms.is_none());
    let fits = |account: &Account| {
        let invitation = account.invitation.as_ref();
        invitation.is_some_and(|kept| kept.until_ms > desk.now_ms && kept.hash == code_hash(typed))
    };
    Ok(account.filter(fits))
}

/// Uses an invitation up: its person has the password of this hash from now on, and is logged in. `None`: it is none.
///
/// # Errors
/// A failure of the store.
pub fn accept(
    tx: &mut dyn Tx,
    desk: &Desk,
    name: &str,
    typed: &str,
    hash: &str,
    place: &Place,
) -> Result<Option<Begun>, Failure> {
    let Some(mut account) = invited(tx, desk, name, typed)? else { return Ok(None) };
    account.invitation = None;
    account.password = hash.to_owned();
    tx.put_account(&account)?;
    desk.audit(tx, "account.password", &account.name, json!({ "by": "invitation" }))?;
    begin(tx, desk, name, hash, place)
}

/// Gives the person who asks another password, and ends their other logins.
///
/// # Errors
/// A failure of the store.
pub fn change_password(tx: &mut dyn Tx, desk: &Desk, hash: &str, place: &Place) -> Result<Begun, Failure> {
    let mut account = known(tx, &desk.actor)?;
    account.password = hash.to_owned();
    tx.put_account(&account)?;
    end_logins(tx, &account.name)?;
    desk.audit(tx, "account.password", &account.name, json!({ "by": "change" }))?;
    step(tx, desk, &account, open_or_demand(desk, &account), place)
}

/// Gives the person who asks a second factor, once a code shows that their device has its key, and opens their login.
/// Gives its spare codes, which stand nowhere else; `None`: the code is wrong.
///
/// # Errors
/// A failure of the store.
pub fn set_second(
    tx: &mut dyn Tx,
    desk: &Desk,
    login: &Login,
    key: &[u8],
    typed: &str,
) -> Result<Option<Vec<String>>, Failure> {
    let Some(last_step) = totp::step_of(key, typed, desk.now_ms, 0) else { return Ok(None) };
    let mut account = known(tx, &login.account)?;
    let drawn = || {
        let number = random_below(10_u64.pow(SPARE_DIGITS));
        format!("{:04}-{:04}", number / 10_000, number % 10_000)
    };
    let codes: Vec<String> = (0..SPARE_CODES).map(|_| drawn()).collect();
    let spare = codes.iter().map(|code| spare_hash(code)).collect();
    account.second = Some(SecondFactor { key: key.to_vec(), last_step, spare });
    tx.put_account(&account)?;
    tx.put_login(&Login { stage: Stage::Open, ..login.clone() })?;
    desk.audit(tx, "account.second_factor", &account.name, json!({ "set": true }))?;
    Ok(Some(codes))
}

/// Takes the second factor of the person who asks away, if none is demanded of them.
///
/// # Errors
/// One is demanded, or a failure of the store.
pub fn drop_second(tx: &mut dyn Tx, desk: &Desk) -> Result<(), Failure> {
    let mut account = known(tx, &desk.actor)?;
    account.second = None;
    if open_or_demand(desk, &account) != Stage::Open {
        return Err(Failure::new(
            Exit::Failed,
            "Peran Anda wajib memakai langkah kedua.",
            "Your role demands a second factor.",
        ));
    }
    tx.put_account(&account)?;
    desk.audit(tx, "account.second_factor", &account.name, json!({ "set": false }))?;
    Ok(())
}

/// SHA-256 of a spare code, however it was typed. Eight digits can be tried out by who reads the store; but who reads the
/// store reads the key of the second factor as well, which has to lie there in full.
fn spare_hash(typed: &str) -> [u8; 32] {
    code_hash(typed)
}
