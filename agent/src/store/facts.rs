//! Single facts: what enrolment gave, what the hub last said of time and order.

use kentongan_protocol::ids::{OfficeCode, ReplicaId};
use kentongan_protocol::receipt::Prefix;
use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Member, Store, StoreError, mark};

/// Names of facts.
pub(super) mod name {
    pub(in super::super) const REPLICA: &str = "replica";
    pub(in super::super) const OFFICE: &str = "office";
    pub(in super::super) const OFFICE_NAME: &str = "office name";
    pub(in super::super) const PREFIX: &str = "receipt prefix";
    pub(in super::super) const HUB_URL: &str = "hub url";
    pub(in super::super) const HUB_REPLICA: &str = "hub replica";
    /// Sum over what enrolment gave.
    pub(in super::super) const MEMBER_SUM: &str = "member sum";
    /// What the hub answers challenges of this PC with, when somebody forgot their PIN.
    pub(in super::super) const RECOVERY: &str = "pin recovery key";
    /// What is taken over from a damaged store.
    pub(in super::super) const KEPT: [&str; 8] =
        [REPLICA, OFFICE, OFFICE_NAME, PREFIX, HUB_URL, HUB_REPLICA, MEMBER_SUM, RECOVERY];
    /// The challenge of somebody who forgot their PIN.
    pub(in super::super) const CHALLENGE: &str = "pin recovery challenge";
    /// Latest time that a hub said, in milliseconds: certificates are judged by nothing earlier.
    pub(in super::super) const HUB_MS: &str = "hub ms";
    /// This PC's clock minus the hub's at the last contact, in milliseconds.
    pub(in super::super) const OFFSET_MS: &str = "clock offset ms";
    /// Last measured round trip, in milliseconds.
    pub(in super::super) const ROUND_TRIP_MS: &str = "round trip ms";
    /// Bytes a second that the link carried upwards when it was last measured.
    pub(in super::super) const UP_BYTES_S: &str = "link up bytes a second";
    /// The same downwards.
    pub(in super::super) const DOWN_BYTES_S: &str = "link down bytes a second";
    /// 1: the last exchange ended in disagreement about what the hub holds.
    pub(in super::super) const DISAGREES: &str = "needs inventory";
    /// 1: the last exchange was cut, so marks are asked for first.
    pub(in super::super) const CUT: &str = "ask first";
    /// Failed attempts in a row.
    pub(in super::super) const FAILURES: &str = "failures";
    /// When the next attempt is due, by this PC's clock.
    pub(in super::super) const NEXT_MS: &str = "next attempt ms";
    /// 1: two machines answer as this replica.
    pub(in super::super) const TWIN: &str = "twin";
    /// What the program that last opened this store could read, see `knowledge.rs`.
    pub(in super::super) const KNOWS: &str = "knows";
    /// When the hub last raised durable marks, by its clock.
    pub(in super::super) const BACKED_UP: &str = "hub backed up ms";
    /// That of which the durable marks have been asked for.
    pub(in super::super) const BACKED_UP_ASKED: &str = "hub backed up ms, asked";
    /// Number of the hub's last backup that was begun when it last spoke.
    pub(in super::super) const BACKUP_BEGUN: &str = "hub backup begun";
    /// Ops that the hub lacked although it had vouched for them, ever.
    pub(in super::super) const HUB_FORGOT: &str = "hub forgot";
    /// Ops that the hub gave back to this folder, ever.
    pub(in super::super) const GIVEN_BACK: &str = "given back";
    /// The same since the last mishap.
    pub(in super::super) const GIVEN_BACK_SINCE: &str = "given back since";
}

pub(super) fn get<T: FromSql>(db: &Connection, name: &str) -> Result<Option<T>, StoreError> {
    db.prepare_cached("SELECT value FROM fact WHERE name = ?")
        .and_then(|mut select| select.query_row([name], |row| row.get(0)).optional())
        .map_err(StoreError::because("read a fact"))
}

pub(super) fn put(db: &Connection, name: &str, value: impl ToSql) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO fact (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .and_then(|mut upsert| upsert.execute(params![name, value]))
    .map(drop)
    .map_err(StoreError::because("write a fact"))
}

pub(super) fn forget(db: &Connection, name: &str) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM fact WHERE name = ?")
        .and_then(|mut delete| delete.execute([name]))
        .map(drop)
        .map_err(StoreError::because("forget a fact"))
}

impl Store {
    /// Notes what enrolment gave. A folder belongs to one replica: another one is refused while ops of the first are
    /// here.
    ///
    /// # Errors
    /// [`StoreError::Broken`] if the folder belongs to another replica.
    pub fn join(&mut self, member: &Member) -> Result<(), StoreError> {
        if self.member.as_ref().is_some_and(|present| present.replica != member.replica) {
            return Err(StoreError::Broken("this folder belongs to another replica"));
        }
        let transaction = self.db.transaction().map_err(StoreError::because("begin to enrol"))?;
        put_member(&transaction, member)?;
        transaction.commit().map_err(StoreError::because("enrol"))?;
        self.member = Some(member.clone());
        self.keep_member();
        self.count_saved()
    }

    pub(super) fn read_member(&self) -> Result<Option<Member>, StoreError> {
        member_of(&self.db)
    }

    /// Latest time that a hub said, in milliseconds since 1970.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn hub_ms(&self) -> Result<Option<i64>, StoreError> {
        get(&self.db, name::HUB_MS)
    }
}

/// Writes what enrolment gave, with its sum.
pub(super) fn put_member(db: &Connection, member: &Member) -> Result<(), StoreError> {
    put(db, name::REPLICA, member.replica.to_bytes())?;
    put(db, name::OFFICE, member.office.as_str())?;
    put(db, name::OFFICE_NAME, &member.office_name)?;
    put(db, name::PREFIX, member.prefix.number())?;
    put(db, name::HUB_URL, &member.hub_url)?;
    put(db, name::HUB_REPLICA, member.hub_replica.to_bytes())?;
    put(db, name::MEMBER_SUM, mark::member_sum(member))
}

/// What enrolment gave, if this installation is enrolled.
pub(super) fn member_of(db: &Connection) -> Result<Option<Member>, StoreError> {
    let broken = || StoreError::Damaged("the facts of enrolment");
    let sum: Option<i64> = get(db, name::MEMBER_SUM)?;
    let Some(replica) = get::<[u8; 8]>(db, name::REPLICA)? else {
        return if sum.is_none() { Ok(None) } else { Err(broken()) };
    };
    let office: String = get(db, name::OFFICE)?.ok_or_else(broken)?;
    let prefix: u32 = get(db, name::PREFIX)?.ok_or_else(broken)?;
    let member = Member {
        replica: ReplicaId::from_bytes(replica),
        office: office.parse::<OfficeCode>().map_err(|_| broken())?,
        office_name: get(db, name::OFFICE_NAME)?.unwrap_or_default(),
        prefix: Prefix::new(prefix).ok_or_else(broken)?,
        hub_url: get(db, name::HUB_URL)?.unwrap_or_default(),
        hub_replica: ReplicaId::from_bytes(get(db, name::HUB_REPLICA)?.unwrap_or_default()),
    };
    // A store of version 1 has no sum; it gets one when it is opened for writing.
    if sum.is_some_and(|sum| sum != mark::member_sum(&member)) { Err(broken()) } else { Ok(Some(member)) }
}
