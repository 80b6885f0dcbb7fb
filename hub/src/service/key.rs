//! Keys of programs: who may ask what by the API.

use kentongan_host::enrolment::to_hex;
use kentongan_host::random::{random_below, random_bytes};
use kentongan_host::{Exit, Failure, moment};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Desk;
use super::office::clean_name;
use crate::store::{ApiKey, StoreError, Tx};

/// Every key begins so; programs that look for secrets in files know it by that.
const MARK: &str = "ktg";
/// Bytes of the secret part.
const SECRET_BYTES: usize = 20;

/// Everything that a key can allow.
pub const SCOPES: [(&str, &str); 10] = [
    ("fleet:read", "Offices and how they fare"),
    ("fleet:write", "Pausing offices"),
    ("enrol", "Making enrolment codes"),
    ("complaints:read", "Complaints, without who complains"),
    ("complaints:write", "Filing, moving and answering complaints"),
    ("identity:read", "Who complains; every reading is noted"),
    ("surveys:read", "The satisfaction index"),
    ("conflicts:read", "Conflicts"),
    ("export", "Tables of records"),
    ("audit:read", "The audit trail"),
];

/// What can be asked about keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Makes one.
    Create {
        /// What people call the program.
        name: String,
        /// What it may ask.
        scopes: Vec<String>,
        /// How long it holds, in milliseconds.
        expires_ms: u64,
    },
    /// All keys.
    List,
    /// Takes one back.
    Revoke {
        /// Its number, the first part of the key.
        id: String,
    },
}

/// The answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Create`].
    Created {
        /// The key: the only place where it stands in full.
        key: String,
        /// What is kept of it.
        row: KeyRow,
    },
    /// To [`Request::List`].
    List {
        /// The keys, the oldest first.
        keys: Vec<KeyRow>,
    },
    /// To [`Request::Revoke`].
    Revoked(KeyRow),
}

/// A key in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRow {
    /// Its number.
    pub id: String,
    /// What people call the program.
    pub name: String,
    /// What it may ask.
    pub scopes: Vec<String>,
    /// When it was made.
    #[serde(with = "moment")]
    pub created_at: i64,
    /// When it ends.
    #[serde(with = "moment")]
    pub expires_at: i64,
    /// When it was taken back.
    #[serde(with = "moment::option")]
    pub revoked_at: Option<i64>,
}

impl From<&ApiKey> for KeyRow {
    fn from(key: &ApiKey) -> KeyRow {
        KeyRow {
            id: number(key.id),
            name: key.name.clone(),
            scopes: key.scopes.split(' ').map(str::to_owned).collect(),
            created_at: key.created_ms,
            expires_at: key.expires_ms,
            revoked_at: key.revoked_ms,
        }
    }
}

/// Answers a request about keys.
///
/// # Errors
/// An unknown scope or key, or a failure of the store.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    match request {
        Request::Create { name, scopes, expires_ms } => create(tx, desk, name, scopes, *expires_ms),
        Request::List => Ok(Answer::List { keys: tx.api_keys()?.iter().map(KeyRow::from).collect() }),
        Request::Revoke { id } => {
            let mut key = match u64::from_str_radix(id, 16) {
                Ok(id) => tx.api_key(id)?,
                Err(_) => None,
            }
            .ok_or_else(|| {
                Failure::new(Exit::Failed, format!("Tidak ada kunci {id}."), format!("There is no key {id}."))
                    .with_hint("kentongan-hub key list", "kentongan-hub key list")
            })?;
            if key.revoked_ms.is_none() {
                key.revoked_ms = Some(desk.now_ms);
                tx.put_api_key(&key)?;
                desk.audit(tx, "key.revoked", &number(key.id), json!({ "name": key.name }))?;
            }
            Ok(Answer::Revoked(KeyRow::from(&key)))
        }
    }
}

fn create(tx: &mut dyn Tx, desk: &Desk, name: &str, scopes: &[String], expires_ms: u64) -> Result<Answer, Failure> {
    let known = || SCOPES.iter().map(|(scope, _)| *scope);
    if let Some(unknown) = scopes.iter().find(|scope| !known().any(|known| known == scope.as_str())) {
        let all = known().collect::<Vec<_>>().join(", ");
        return Err(Failure::usage(
            format!("\"{unknown}\" bukan wewenang kunci. Yang ada: {all}."),
            format!("\"{unknown}\" is nothing that a key allows. There are: {all}."),
        ));
    }
    if scopes.is_empty() {
        return Err(Failure::usage("Kunci perlu satu wewenang atau lebih.", "A key allows one thing at least."));
    }
    let id = loop {
        let id = random_below(1 << 32);
        if tx.api_key(id)?.is_none() {
            break id;
        }
    };
    let secret = to_hex(&random_bytes::<SECRET_BYTES>());
    let key = ApiKey {
        id,
        name: clean_name(name)?,
        secret_hash: Sha256::digest(secret.as_bytes()).into(),
        scopes: scopes.join(" "),
        created_ms: desk.now_ms,
        expires_ms: desk.now_ms.saturating_add_unsigned(expires_ms),
        revoked_ms: None,
    };
    tx.put_api_key(&key)?;
    desk.audit(tx, "key.created", &number(id), json!({ "name": key.name, "scopes": key.scopes }))?;
    Ok(Answer::Created { key: format!("{MARK}_{}_{secret}", number(id)), row: KeyRow::from(&key) })
}

fn number(id: u64) -> String {
    format!("{id:08x}")
}

/// The key that a program shows, if it is one that holds now.
///
/// # Errors
/// A failure of the store.
pub(crate) fn known(tx: &mut dyn Tx, shown: &str, now_ms: i64) -> Result<Option<ApiKey>, StoreError> {
    let mut parts = shown.splitn(3, '_');
    let (Some(MARK), Some(id), Some(secret)) = (parts.next(), parts.next(), parts.next()) else { return Ok(None) };
    let Ok(id) = u64::from_str_radix(id, 16) else { return Ok(None) };
    let key = tx.api_key(id)?.filter(|key| key.revoked_ms.is_none() && now_ms < key.expires_ms);
    // Digests are compared, so that the time it takes tells nothing of the secret.
    Ok(key.filter(|key| key.secret_hash == <[u8; 32]>::from(Sha256::digest(secret.as_bytes()))))
}

/// Whether a key allows something.
pub(crate) fn allows(key: &ApiKey, scope: &str) -> bool {
    key.scopes.split(' ').any(|known| known == scope)
}
