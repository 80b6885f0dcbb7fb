//! The journal of attempts to reach the hub, and what follows from the last ones.

use rusqlite::params;

use super::facts::{self, name};
use super::{Store, StoreError, traffic};
use crate::rules::Rules;

/// Attempts that are kept.
const CONTACTS_MAX: i64 = 1_000;

/// One attempt to reach the hub.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// This PC's clock at its beginning, milliseconds since 1970.
    pub began_ms: i64,
    /// And at its end.
    pub ended_ms: i64,
    /// 0 if it went well, else the KTG number of what went wrong.
    pub code: u16,
    /// For IT staff, in English; nothing of a person.
    pub detail: String,
    /// Body bytes sent.
    pub up_bytes: u64,
    /// Body bytes received.
    pub down_bytes: u64,
}

/// How the link to the hub stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// The last attempt that went well.
    pub last_success: Option<Contact>,
    /// The last attempt, well or not.
    pub last: Option<Contact>,
    /// Failed attempts in a row.
    pub failures: u32,
    /// When the next attempt is due, by this PC's clock.
    pub next_ms: Option<i64>,
    /// This PC's clock minus the hub's at the last contact, in milliseconds.
    pub offset_ms: Option<i64>,
    /// Major version that is spoken with the hub.
    pub protocol: u8,
    /// Two machines answer as this replica.
    pub twin: bool,
    /// Ops that the hub gave back to this folder, ever.
    pub given_back: u64,
    /// When the hub last raised durable marks, by its clock.
    pub hub_backed_up_ms: Option<i64>,
    /// Ops that the hub lacked although a copy of it had covered them, ever.
    pub hub_forgot: u64,
}

impl Store {
    /// Notes an attempt, and the IP bytes that it took and were not noted yet.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn note_contact(&mut self, contact: &Contact, (rules, ip_bytes): (&Rules, i64)) -> Result<(), StoreError> {
        let day = rules.day(self.hub_wall_ms()?).number;
        let transaction = self.db.transaction().map_err(StoreError::because("begin to note a contact"))?;
        let failures: u32 = facts::get(&transaction, name::FAILURES)?.unwrap_or(0);
        let failures = if contact.code == 0 { 0 } else { failures.saturating_add(1) };
        facts::put(&transaction, name::FAILURES, failures)?;
        let noted = StoreError::because("note a contact");
        transaction
            .prepare_cached(
                "INSERT INTO contact (began_ms, ended_ms, code, detail, up_bytes, down_bytes) VALUES (?, ?, ?, ?, ?, ?)",
            )
            .and_then(|mut insert| {
                insert.execute(params![
                    contact.began_ms,
                    contact.ended_ms,
                    contact.code,
                    contact.detail,
                    contact.up_bytes as i64,
                    contact.down_bytes as i64
                ])
            })
            .and_then(|_| {
                transaction
                    .prepare_cached("DELETE FROM contact WHERE id <= (SELECT max(id) FROM contact) - ?")?
                    .execute([CONTACTS_MAX])
            })
            .map_err(noted)?;
        if ip_bytes != 0 {
            traffic::add(&transaction, day, ip_bytes)?;
        }
        transaction.commit().map_err(StoreError::because("note a contact"))?;
        self.flush_mark();
        Ok(())
    }

    /// Notes when the next attempt is due, by this PC's clock.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn note_next(&mut self, next_ms: i64) -> Result<(), StoreError> {
        facts::put(&self.db, name::NEXT_MS, next_ms)
    }

    /// How the link stands.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn link(&self) -> Result<Link, StoreError> {
        Ok(Link {
            last_success: self.last_contact("WHERE code = 0")?,
            last: self.last_contact("")?,
            failures: facts::get(&self.db, name::FAILURES)?.unwrap_or(0),
            next_ms: facts::get(&self.db, name::NEXT_MS)?,
            offset_ms: facts::get(&self.db, name::OFFSET_MS)?,
            protocol: self.protocol()?,
            twin: facts::get::<i64>(&self.db, name::TWIN)? == Some(1),
            given_back: facts::get::<i64>(&self.db, name::GIVEN_BACK)?.unwrap_or(0) as u64,
            hub_backed_up_ms: self.hub_backed_up_ms()?,
            hub_forgot: self.hub_forgot()?,
        })
    }

    fn last_contact(&self, filter: &str) -> Result<Option<Contact>, StoreError> {
        let sql = format!(
            "SELECT began_ms, ended_ms, code, detail, up_bytes, down_bytes FROM contact {filter} ORDER BY id DESC LIMIT 1"
        );
        let mut select = self.db.prepare(&sql).map_err(StoreError::because("read the contacts"))?;
        let mut rows = select.query_map([], contact).map_err(StoreError::because("read the contacts"))?;
        rows.next().transpose().map_err(StoreError::because("read the contacts"))
    }
}

/// A contact, of `began_ms, ended_ms, code, detail, up_bytes, down_bytes`.
pub(super) fn contact(row: &rusqlite::Row<'_>) -> rusqlite::Result<Contact> {
    Ok(Contact {
        began_ms: row.get(0)?,
        ended_ms: row.get(1)?,
        code: row.get(2)?,
        detail: row.get(3)?,
        up_bytes: row.get::<_, i64>(4)? as u64,
        down_bytes: row.get::<_, i64>(5)? as u64,
    })
}
