//! People at the console: who they are and what they may do.
//!
//! Nobody ever knows another person's password, not even whoever enters them here: a new person gets an *invitation*, a
//! long code that is shown once and lets them choose a password. A forgotten password is a new invitation.

use std::fmt;

use kentongan_host::random::random_below;
use kentongan_host::{Exit, Failure, moment};
use kentongan_protocol::receipt::{ALPHABET, symbol};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Desk;
use super::office::clean_name;
use crate::store::{Account, Invitation, Role, Tx};

/// Longest name to log in with, in characters.
const NAME_CHARS_MAX: usize = 32;
/// How long an invitation holds, in milliseconds.
const INVITATION_MS: i64 = 7 * 24 * 3_600_000;
/// Symbols of an invitation: 99 bits.
const INVITATION_SYMBOLS: usize = 20;

/// What can be asked about people at the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// All of them.
    List,
    /// Enters a person, who is invited to choose a password.
    Add {
        /// What they log in as.
        name: String,
        /// What people call them.
        full_name: String,
        /// What they may do.
        role: Role,
    },
    /// Changes what somebody may do.
    Role {
        /// Who.
        name: String,
        /// What from now on.
        role: Role,
    },
    /// Takes away password and second factor, ends all logins, and invites anew.
    Reset {
        /// Who.
        name: String,
    },
    /// Bars somebody from logging in, and ends their logins; or lets them in again.
    Bar {
        /// Who.
        name: String,
        /// Whether they are barred from now on.
        barred: bool,
    },
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::List`].
    List(List),
    /// To [`Request::Add`] and [`Request::Reset`].
    Invited(Invited),
    /// To [`Request::Role`] and [`Request::Bar`].
    Changed(Row),
}

/// People at the console, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The people.
    pub people: Vec<Row>,
}

/// A person in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// What they log in as.
    pub name: String,
    /// What people call them.
    pub full_name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they have chosen a password.
    pub has_password: bool,
    /// Whether they have a second factor.
    pub has_second: bool,
    /// Until when their invitation holds, if they have one.
    #[serde(with = "moment::option")]
    pub invited_until: Option<i64>,
    /// Since when they are barred.
    #[serde(with = "moment::option")]
    pub barred_at: Option<i64>,
    /// When they last did something, if they are logged in.
    #[serde(with = "moment::option")]
    pub seen_at: Option<i64>,
}

/// A person who may choose a password now. The only place where the code stands.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// What they log in as.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The code.
    pub code: String,
    /// When it ends.
    #[serde(with = "moment")]
    pub until: i64,
}

impl fmt::Debug for Invited {
    /// Shows nothing of the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invited").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Answers a request about people.
///
/// # Errors
/// What was asked does not hold, or a failure of the store.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    Ok(match request {
        Request::List => Answer::List(list(tx)?),
        Request::Add { name, full_name, role } => Answer::Invited(add(tx, desk, name, full_name, *role)?),
        Request::Role { name, role } => Answer::Changed(give_role(tx, desk, name, *role)?),
        Request::Reset { name } => Answer::Invited(reset(tx, desk, name)?),
        Request::Bar { name, barred } => Answer::Changed(bar(tx, desk, name, *barred)?),
    })
}

/// Enters a person.
///
/// # Errors
/// The name is taken or none, or a failure of the store.
pub fn add(tx: &mut dyn Tx, desk: &Desk, name: &str, full_name: &str, role: Role) -> Result<Invited, Failure> {
    let (account, invited) = drafted(name, full_name, role, desk.now_ms)?;
    if tx.account(&account.name)?.is_some() {
        return Err(Failure::new(
            Exit::Failed,
            format!("Nama {name} sudah dipakai."),
            format!("The name {name} is taken."),
        ));
    }
    tx.put_account(&account)?;
    desk.audit(tx, "account.added", &account.name, json!({ "as": role.code() }))?;
    Ok(invited)
}

/// A new person with an invitation, not yet in the store.
///
/// # Errors
/// The name is none.
pub(crate) fn drafted(name: &str, full_name: &str, role: Role, now_ms: i64) -> Result<(Account, Invited), Failure> {
    let name = checked_name(name)?;
    let full_name = clean_name(full_name)?;
    let mut account = Account {
        full_name: if full_name.is_empty() { name.clone() } else { full_name },
        name,
        role,
        password: String::new(),
        invitation: None,
        second: None,
        added_ms: now_ms,
        barred_ms: None,
    };
    let invited = invite(&mut account, now_ms);
    Ok((account, invited))
}

fn invite(account: &mut Account, now_ms: i64) -> Invited {
    let drawn = || symbol(u8::try_from(random_below(ALPHABET.len() as u64)).unwrap_or(0));
    let symbols: Vec<char> = (0..INVITATION_SYMBOLS).map(|_| drawn()).collect();
    let code = symbols.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-");
    let until_ms = now_ms.saturating_add(INVITATION_MS);
    account.invitation = Some(Invitation { hash: code_hash(&code), until_ms });
    Invited { name: account.name.clone(), role: account.role, code, until: until_ms }
}

/// SHA-256 of a code, however it was typed.
pub(crate) fn code_hash(typed: &str) -> [u8; 32] {
    let plain: String = typed.chars().filter(char::is_ascii_alphanumeric).collect();
    Sha256::digest(plain.to_ascii_uppercase()).into()
}

fn checked_name(name: &str) -> Result<String, Failure> {
    let name = name.trim().to_lowercase();
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    if !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && name.chars().all(fits) {
        return Ok(name);
    }
    Err(Failure::usage(
        "Nama masuk terdiri dari huruf kecil, angka, titik, dan tanda hubung, paling banyak 32.",
        "A name to log in with has small letters, digits, dots and hyphens, 32 at most.",
    ))
}

fn list(tx: &mut dyn Tx) -> Result<List, Failure> {
    let people = tx.accounts()?.into_iter().map(|account| row(tx, account)).collect::<Result<_, Failure>>()?;
    Ok(List { people })
}

fn row(tx: &mut dyn Tx, account: Account) -> Result<Row, Failure> {
    let seen_at = tx.logins_of(&account.name)?.iter().map(|login| login.seen_ms).max();
    Ok(Row {
        role: account.role,
        has_password: !account.password.is_empty(),
        has_second: account.second.is_some(),
        invited_until: account.invitation.map(|invitation| invitation.until_ms),
        barred_at: account.barred_ms,
        seen_at,
        name: account.name,
        full_name: account.full_name,
    })
}

/// The person of this name.
///
/// # Errors
/// There is none, or a failure of the store.
pub(crate) fn known(tx: &mut dyn Tx, name: &str) -> Result<Account, Failure> {
    tx.account(&name.trim().to_lowercase())?.ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            format!("Tidak ada orang bernama {name} di konsol."),
            format!("Nobody at the console is called {name}."),
        )
    })
}

fn give_role(tx: &mut dyn Tx, desk: &Desk, name: &str, role: Role) -> Result<Row, Failure> {
    let mut account = known(tx, name)?;
    if account.role != role {
        let before = std::mem::replace(&mut account.role, role);
        keep_an_admin(tx, &account)?;
        tx.put_account(&account)?;
        desk.audit(tx, "account.role", &account.name, json!({ "before": before.code(), "as": role.code() }))?;
    }
    row(tx, account)
}

fn reset(tx: &mut dyn Tx, desk: &Desk, name: &str) -> Result<Invited, Failure> {
    let mut account = known(tx, name)?;
    account.password.clear();
    account.second = None;
    let invited = invite(&mut account, desk.now_ms);
    tx.put_account(&account)?;
    end_logins(tx, &account.name)?;
    desk.audit(tx, "account.reset", &account.name, json!({}))?;
    Ok(invited)
}

fn bar(tx: &mut dyn Tx, desk: &Desk, name: &str, barred: bool) -> Result<Row, Failure> {
    let mut account = known(tx, name)?;
    if account.barred_ms.is_some() != barred {
        account.barred_ms = barred.then_some(desk.now_ms);
        keep_an_admin(tx, &account)?;
        tx.put_account(&account)?;
        if barred {
            end_logins(tx, &account.name)?;
        }
        let event = if barred { "account.barred" } else { "account.let_in" };
        desk.audit(tx, event, &account.name, json!({}))?;
    }
    row(tx, account)
}

/// Ends all logins of a person.
pub(crate) fn end_logins(tx: &mut dyn Tx, name: &str) -> Result<(), Failure> {
    for login in tx.logins_of(name)? {
        tx.remove_login(&login.hash)?;
    }
    Ok(())
}

/// A console without anybody who may look after its people could only be mended at the machine.
fn keep_an_admin(tx: &mut dyn Tx, changed: &Account) -> Result<(), Failure> {
    let may = |account: &Account| account.role == Role::Admin && account.barred_ms.is_none();
    if may(changed) || tx.accounts()?.iter().any(|other| other.name != changed.name && may(other)) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Failed,
        "Harus tetap ada satu admin yang bisa masuk.",
        "One admin who can log in must remain.",
    )
    .with_hint("jadikan orang lain admin lebih dulu", "make somebody else an admin first"))
}
