//! Programs that speak with the hub.

use rusqlite::params;

use super::super::contract::Result;
use super::super::rows::{ApiKey, REMEMBERED_MS, Remembered};
use super::row::{Columns, int};
use super::tx::SqliteTx;

/// A query for keys with this ending.
macro_rules! keys_where {
    ($ending:literal) => {
        concat!("SELECT id, name, secret_hash, scopes, created_ms, expires_ms, revoked_ms FROM api_keys ", $ending)
    };
}

fn read_key(row: &mut Columns<'_>) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.u64()?,
        name: row.take()?,
        secret_hash: row.hash()?,
        scopes: row.take()?,
        created_ms: row.take()?,
        expires_ms: row.take()?,
        revoked_ms: row.take()?,
    })
}

pub(super) fn api_key(tx: &SqliteTx<'_>, id: u64) -> Result<Option<ApiKey>> {
    tx.one("reading a key", keys_where!("WHERE id = ?1"), [int(id)], read_key)
}

pub(super) fn api_keys(tx: &SqliteTx<'_>) -> Result<Vec<ApiKey>> {
    tx.many("listing keys", keys_where!("ORDER BY created_ms, id"), (), read_key)
}

pub(super) fn put_api_key(tx: &SqliteTx<'_>, key: &ApiKey) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO api_keys (id, name, secret_hash, scopes, created_ms, expires_ms, revoked_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let ApiKey { id, name, secret_hash, scopes, created_ms, expires_ms, revoked_ms } = key;
    let params = params![int(*id), name, secret_hash, scopes, created_ms, expires_ms, revoked_ms];
    tx.write("writing a key", sql, params).map(drop)
}

pub(super) fn remembered(tx: &SqliteTx<'_>, key: u64, name: &str) -> Result<Option<Remembered>> {
    let sql = "SELECT key, name, request, status, body, at_ms FROM remembered WHERE key = ?1 AND name = ?2";
    tx.one("looking for an answer that was given", sql, params![int(key), name], |row| {
        Ok(Remembered {
            key: row.u64()?,
            name: row.take()?,
            request: row.hash()?,
            status: row.small()?,
            body: row.take()?,
            at_ms: row.take()?,
        })
    })
}

pub(super) fn remember(tx: &SqliteTx<'_>, answer: &Remembered) -> Result<()> {
    let old = "DELETE FROM remembered WHERE at_ms <= ?1";
    tx.write("forgetting old answers", old, [answer.at_ms.saturating_sub(REMEMBERED_MS)])?;
    let sql = "INSERT OR REPLACE INTO remembered (key, name, request, status, body, at_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let Remembered { key, name, request, status, body, at_ms } = answer;
    tx.write("remembering an answer", sql, params![int(*key), name, request, status, body, at_ms]).map(drop)
}
