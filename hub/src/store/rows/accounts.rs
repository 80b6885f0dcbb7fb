//! People at the hub's console: who they are, what they may do, and where they are logged in.

use serde::{Deserialize, Serialize};

/// What somebody may do at the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at everything that names nobody.
    Viewer,
    /// All of that, and looks after offices and their devices.
    Operator,
    /// Handles complaints and conflicts, and reads what identifies people.
    Case,
    /// Everything, and looks after the people here.
    Admin,
}

impl Role {
    /// All of them, as lists show them.
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Operator, Role::Case, Role::Admin];

    /// Stable code for scripts, forms and the audit log.
    pub fn code(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Case => "case",
            Role::Admin => "admin",
        }
    }

    /// The role of a code.
    pub fn of_code(code: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.code() == code)
    }
}

/// A person who works at the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What they log in as: small letters, digits, `.`, `-` and `_`.
    pub name: String,
    /// What people call them.
    pub full_name: String,
    /// What they may do.
    pub role: Role,
    /// Their password as a PHC string; empty: none chosen yet.
    pub password: String,
    /// The right to choose a password, once.
    pub invitation: Option<Invitation>,
    /// Their second factor.
    pub second: Option<SecondFactor>,
    /// When they were entered here, milliseconds since 1970.
    pub added_ms: i64,
    /// Since when they may not log in, milliseconds since 1970; `None`: they may.
    pub barred_ms: Option<i64>,
}

/// The right to choose a password, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// SHA-256 of the code that was given to the person. Drawn by us and long, so nobody can try all.
    pub hash: [u8; 32],
    /// When it ends, milliseconds since 1970.
    pub until_ms: i64,
}

/// A second factor: codes that change every half minute (RFC 6238).
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The key that the person's device shares with us.
    pub key: Vec<u8>,
    /// The last step whose code was used: no code serves twice.
    pub last_step: u64,
    /// SHA-256 of each code for the day on which the device is lost; each serves once.
    pub spare: Vec<[u8; 32]>,
}

impl std::fmt::Debug for SecondFactor {
    /// Shows nothing of the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondFactor").field("spare", &self.spare.len()).finish_non_exhaustive()
    }
}

/// A browser in which somebody is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// SHA-256 of what the browser keeps: who reads the store cannot take it over.
    pub hash: [u8; 32],
    /// [`Account::name`].
    pub account: String,
    /// What is missing before it opens anything.
    pub stage: Stage,
    /// When it began, milliseconds since 1970.
    pub began_ms: i64,
    /// When it was last used, to within a minute, milliseconds since 1970.
    pub seen_ms: i64,
    /// Where it was begun from: an address.
    pub from: String,
    /// What the browser calls itself.
    pub browser: String,
}

/// How far a login is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The password was right, the code of the second factor is awaited.
    ExpectCode,
    /// Logged in, but a second factor is demanded and there is none yet.
    ExpectSecondFactor,
    /// Logged in.
    Open,
}

impl Stage {
    const ALL: [Stage; 3] = [Stage::ExpectCode, Stage::ExpectSecondFactor, Stage::Open];

    /// As it is stored.
    pub(in crate::store) fn number(self) -> u8 {
        match self {
            Stage::ExpectCode => 0,
            Stage::ExpectSecondFactor => 1,
            Stage::Open => 2,
        }
    }

    pub(in crate::store) fn of_number(number: u8) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.number() == number)
    }
}
