//! People at the console, and where they are logged in.

use rusqlite::params;

use super::super::contract::{Result, StoreError};
use super::super::rows::{Account, Invitation, Login, Role, SecondFactor, Stage};
use super::row::{Columns, int};
use super::tx::SqliteTx;

/// A query for accounts with this ending.
macro_rules! accounts_where {
    ($ending:literal) => {
        concat!(
            "SELECT name, full_name, role, password, invitation, invited_until_ms, second_key, second_step, second_spare, \
             added_ms, barred_ms FROM accounts ",
            $ending
        )
    };
}

fn read_account(row: &mut Columns<'_>) -> Result<Account> {
    let (name, full_name, role) = (row.take()?, row.take()?, row.take::<String>()?);
    Ok(Account {
        name,
        full_name,
        role: Role::of_code(&role).ok_or(StoreError::Damaged("a role that is none"))?,
        password: row.take()?,
        invitation: row
            .take::<Option<[u8; 32]>>()?
            .zip(row.take()?)
            .map(|(hash, until_ms)| Invitation { hash, until_ms }),
        second: read_second(row)?,
        added_ms: row.take()?,
        barred_ms: row.take()?,
    })
}

fn read_second(row: &mut Columns<'_>) -> Result<Option<SecondFactor>> {
    let (key, last_step, spare) = (row.take::<Option<Vec<u8>>>()?, row.u64()?, row.take::<Vec<u8>>()?);
    let (spare, rest) = spare.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(StoreError::Damaged("spare codes that are none"));
    }
    Ok(key.map(|key| SecondFactor { key, last_step, spare: spare.to_vec() }))
}

pub(super) fn account(tx: &SqliteTx<'_>, name: &str) -> Result<Option<Account>> {
    tx.one("reading an account", accounts_where!("WHERE name = ?1"), [name], read_account)
}

pub(super) fn accounts(tx: &SqliteTx<'_>) -> Result<Vec<Account>> {
    tx.many("listing accounts", accounts_where!("ORDER BY name"), (), read_account)
}

pub(super) fn put_account(tx: &SqliteTx<'_>, account: &Account) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO accounts (name, full_name, role, password, invitation, invited_until_ms,
            second_key, second_step, second_spare, added_ms, barred_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let second = account.second.as_ref();
    let params = params![
        account.name,
        account.full_name,
        account.role.code(),
        account.password,
        account.invitation.as_ref().map(|invitation| invitation.hash),
        account.invitation.as_ref().map(|invitation| invitation.until_ms),
        second.map(|second| second.key.as_slice()),
        int(second.map_or(0, |second| second.last_step)),
        second.map_or(Vec::new(), |second| second.spare.concat()),
        account.added_ms,
        account.barred_ms,
    ];
    tx.write("writing an account", sql, params).map(drop)
}

fn read_login(row: &mut Columns<'_>) -> Result<Login> {
    Ok(Login {
        hash: row.hash()?,
        account: row.take()?,
        stage: Stage::of_number(row.small()?).ok_or(StoreError::Damaged("a login at no stage"))?,
        began_ms: row.take()?,
        seen_ms: row.take()?,
        from: row.take()?,
        browser: row.take()?,
    })
}

pub(super) fn login(tx: &SqliteTx<'_>, hash: &[u8; 32]) -> Result<Option<Login>> {
    let sql = "SELECT hash, account, stage, began_ms, seen_ms, origin, browser FROM logins WHERE hash = ?1";
    tx.one("reading a login", sql, [hash], read_login)
}

pub(super) fn logins_of(tx: &SqliteTx<'_>, account: &str) -> Result<Vec<Login>> {
    let sql = "SELECT hash, account, stage, began_ms, seen_ms, origin, browser FROM logins
        WHERE account = ?1 ORDER BY began_ms DESC, hash";
    tx.many("listing logins", sql, [account], read_login)
}

pub(super) fn put_login(tx: &SqliteTx<'_>, login: &Login) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO logins (hash, account, stage, began_ms, seen_ms, origin, browser)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Login { hash, account, stage, began_ms, seen_ms, from, browser } = login;
    tx.write("writing a login", sql, params![hash, account, stage.number(), began_ms, seen_ms, from, browser]).map(drop)
}

pub(super) fn remove_login(tx: &SqliteTx<'_>, hash: &[u8; 32]) -> Result<()> {
    tx.write("ending a login", "DELETE FROM logins WHERE hash = ?1", [hash]).map(drop)
}

pub(super) fn forget_logins(tx: &SqliteTx<'_>, seen_before_ms: i64) -> Result<()> {
    tx.write("forgetting old logins", "DELETE FROM logins WHERE seen_ms < ?1", [seen_before_ms]).map(drop)
}
