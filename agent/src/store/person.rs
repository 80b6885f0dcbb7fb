//! The people of the office, the hashes of their PINs, and the challenge of somebody who forgot theirs.

use kentongan_host::carve;
use kentongan_host::recovery::{Challenge, KEY_BYTES};
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::limits::NAME_BYTES_MAX;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::facts::{self, name};
use super::{Store, StoreError};
use crate::people::Role;

/// Somebody who works here, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Number beside the name, from 1; never given again.
    pub id: u16,
    /// What people call them; also the author of what they enter.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Their PIN was given by somebody else: they change it at their next entry.
    pub temporary: bool,
    /// Wrong PINs since the last right one.
    pub wrong: u32,
    /// This PC's clock at the last wrong one.
    pub wrong_ms: i64,
    /// This PC's clock when they were added.
    pub added_ms: i64,
    /// This PC's clock when they left; `None`: they work here.
    pub left_ms: Option<i64>,
}

/// A person, the hash of their PIN, and what a challenge is answered with, if this PC has it.
pub(crate) type ProofOf = (Person, String, Option<([u8; KEY_BYTES], ReplicaId)>);

const COLUMNS: &str = "id, name, role, temporary, wrong, wrong_ms, added_ms, left_ms";

fn person(row: &Row<'_>) -> rusqlite::Result<Person> {
    let role: i64 = row.get(2)?;
    Ok(Person {
        id: row.get(0)?,
        name: row.get(1)?,
        role: Role::from_number(role).ok_or(rusqlite::Error::IntegralValueOutOfRange(2, role))?,
        temporary: row.get(3)?,
        wrong: row.get(4)?,
        wrong_ms: row.get(5)?,
        added_ms: row.get(6)?,
        left_ms: row.get(7)?,
    })
}

/// Somebody and the hash of their PIN, from what is readable of a damaged store.
pub(super) fn of_row(id: i64, row: &carve::Row) -> Option<(Person, &str)> {
    let whole = |n: usize| row.values.get(n)?.whole();
    let text = |n: usize| row.values.get(n)?.text();
    let name = text(1)?;
    let person = Person {
        id: u16::try_from(id).ok()?,
        name: is_name(name).then(|| name.to_owned())?,
        role: Role::from_number(whole(2)?)?,
        temporary: whole(4)? != 0,
        wrong: u32::try_from(whole(5)?).ok()?,
        wrong_ms: whole(6)?,
        added_ms: whole(7)?,
        left_ms: whole(8),
    };
    Some((person, text(3)?))
}

/// Puts somebody there as they were.
pub(super) fn put(db: &Connection, person: &Person, pin: &str) -> Result<(), StoreError> {
    let Person { id, name, role, temporary, wrong, wrong_ms, added_ms, left_ms } = person;
    db.execute(
        "INSERT INTO person (id, name, role, pin, temporary, wrong, wrong_ms, added_ms, left_ms) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![id, name, role.number(), pin, temporary, wrong, wrong_ms, added_ms, left_ms],
    )
    .map(drop)
    .map_err(StoreError::because("take over somebody"))
}

/// Whether a person or a tablet can be called so.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control)
}

impl Store {
    /// Everybody, those who left last.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn people(&mut self) -> Result<Vec<Person>, StoreError> {
        let reading = || StoreError::because("list the people");
        let sql = format!("SELECT {COLUMNS} FROM person ORDER BY left_ms IS NOT NULL, id");
        let mut select = self.db.prepare_cached(&sql).map_err(reading())?;
        select.query_map([], person).map_err(reading())?.collect::<Result<_, _>>().map_err(reading())
    }

    /// Whether anybody works here, so that the office's page asks who is at it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn has_people(&self) -> Result<bool, StoreError> {
        self.db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM person WHERE left_ms IS NULL)")
            .and_then(|mut select| select.query_row([], |row| row.get(0)))
            .map_err(StoreError::because("look whether anybody works here"))
    }

    /// Somebody who works here.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPerson`], or if the store cannot be read.
    pub fn person(&mut self, id: u16) -> Result<Person, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM person WHERE id = ? AND left_ms IS NULL");
        self.db
            .prepare_cached(&sql)
            .and_then(|mut select| select.query_row([id], person).optional())
            .map_err(StoreError::because("look for somebody"))?
            .ok_or(StoreError::NoSuchPerson)
    }

    /// Adds somebody whose PIN has this hash, and is to be changed.
    ///
    /// # Errors
    /// [`StoreError::UnfitName`], [`StoreError::NeedsManager`] if the first is not one, or if the store fails.
    pub fn add_person(&mut self, name: &str, role: Role, pin: &str) -> Result<Person, StoreError> {
        let name = name.trim();
        let here: Vec<Person> = self.people()?.into_iter().filter(|person| person.left_ms.is_none()).collect();
        let taken = here.iter().any(|person| person.name.to_lowercase() == name.to_lowercase());
        if !is_name(name) || taken {
            return Err(StoreError::UnfitName);
        }
        if here.is_empty() && role != Role::Manager {
            return Err(StoreError::NeedsManager);
        }
        let added_ms = self.wall_ms();
        let sql = format!(
            "INSERT INTO person (name, role, pin, temporary, wrong, wrong_ms, added_ms) \
             VALUES (?, ?, ?, 1, 0, 0, ?) RETURNING {COLUMNS}"
        );
        self.db
            .query_row(&sql, params![name, role.number(), pin, added_ms], person)
            .map_err(StoreError::because("add somebody"))
    }

    /// Somebody does not work here any more. What they entered stays theirs.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPerson`], [`StoreError::NeedsManager`] if others stay without one, or if the store fails.
    pub fn part_with(&mut self, id: u16) -> Result<Person, StoreError> {
        let leaving = self.person(id)?;
        let mut others = self.people()?;
        others.retain(|person| person.left_ms.is_none() && person.id != id);
        if !others.is_empty() && others.iter().all(|person| person.role != Role::Manager) {
            return Err(StoreError::NeedsManager);
        }
        let left_ms = self.wall_ms();
        self.db
            .execute("UPDATE person SET left_ms = ? WHERE id = ?", params![left_ms, id])
            .map_err(StoreError::because("note that somebody left"))?;
        Ok(Person { left_ms: Some(left_ms), ..leaving })
    }

    /// What somebody is asked to prove.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPerson`], or if the store cannot be read.
    pub(crate) fn proof_of(&mut self, id: u16) -> Result<ProofOf, StoreError> {
        let person = self.person(id)?;
        let pin = self
            .db
            .query_row("SELECT pin FROM person WHERE id = ?", [id], |row| row.get(0))
            .map_err(StoreError::because("read what a PIN is compared with"))?;
        let key = facts::get::<[u8; KEY_BYTES]>(&self.db, name::RECOVERY)?;
        let replica = self.member.as_ref().map(|member| member.replica);
        Ok((person, pin, key.zip(replica)))
    }

    /// What the PINs of the duty managers are compared with, apart from those that somebody else gave; `None`: nobody of
    /// this office has a PIN.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn pins_of_managers(&self) -> Result<Option<Vec<String>>, StoreError> {
        let reading = || StoreError::because("read what PINs are compared with");
        if !self.has_people()? {
            return Ok(None);
        }
        let sql = "SELECT pin FROM person WHERE left_ms IS NULL AND role = ? AND temporary = 0 ORDER BY id";
        let mut select = self.db.prepare_cached(sql).map_err(reading())?;
        let pins = select.query_map([Role::Manager.number()], |row| row.get(0)).map_err(reading())?;
        pins.collect::<Result<_, _>>().map(Some).map_err(reading())
    }

    /// Notes whether a proof was right.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub(crate) fn note_proof(&mut self, id: u16, right: bool) -> Result<(), StoreError> {
        let now_ms = self.wall_ms();
        match right {
            true => self.db.execute("UPDATE person SET wrong = 0 WHERE id = ? AND wrong > 0", [id]),
            false => {
                self.db.execute("UPDATE person SET wrong = wrong + 1, wrong_ms = ? WHERE id = ?", params![now_ms, id])
            }
        }
        .map(drop)
        .map_err(StoreError::because("note a PIN that was typed"))
    }

    /// Puts another PIN in place of the old one.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPerson`], or if the store cannot be written.
    pub(crate) fn put_pin(&mut self, id: u16, hash: &str, temporary: bool) -> Result<(), StoreError> {
        self.person(id)?;
        self.db
            .execute("UPDATE person SET pin = ?, temporary = ?, wrong = 0 WHERE id = ?", params![hash, temporary, id])
            .map(drop)
            .map_err(StoreError::because("change a PIN"))
    }

    /// A new challenge for somebody, in place of any other.
    ///
    /// # Errors
    /// [`StoreError::NoSuchPerson`], [`StoreError::NotEnrolled`], or if the store fails.
    pub(crate) fn challenge(&mut self, id: u16) -> Result<Challenge, StoreError> {
        self.person(id)?;
        let member = self.member.as_ref().ok_or(StoreError::NotEnrolled)?;
        let challenge = Challenge::draw(member.prefix, id);
        facts::put(&self.db, name::CHALLENGE, challenge.to_string())?;
        Ok(challenge)
    }

    /// The challenge that somebody was given last, if it is theirs and not answered.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn open_challenge(&mut self, id: u16) -> Result<Option<Challenge>, StoreError> {
        let text: Option<String> = facts::get(&self.db, name::CHALLENGE)?;
        let challenge = text.and_then(|text| text.parse::<Challenge>().ok());
        Ok(challenge.filter(|challenge| challenge.person == id))
    }

    /// It was answered, and is worth nothing any more.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub(crate) fn close_challenge(&mut self) -> Result<(), StoreError> {
        facts::forget(&self.db, name::CHALLENGE)
    }

    /// Whether the hub said what it answers challenges of this PC with.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn has_recovery_key(&mut self) -> Result<bool, StoreError> {
        Ok(facts::get::<[u8; KEY_BYTES]>(&self.db, name::RECOVERY)?.is_some())
    }

    /// Keeps what the hub answers challenges of this PC with.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub(crate) fn keep_recovery_key(&mut self, key: [u8; KEY_BYTES]) -> Result<(), StoreError> {
        facts::put(&self.db, name::RECOVERY, key)
    }
}
