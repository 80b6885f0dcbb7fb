//! The hub, its starts, offices, replicas and enrolment codes.

use kentongan_protocol::ids::{EpochId, OfficeCode, ReplicaId};
use kentongan_protocol::log::Holding;
use kentongan_protocol::session::hub::HubEpoch;
use rusqlite::params;

use super::super::contract::{Result, StoreError};
use super::super::rows::{
    Applicant, Approval, Certificate, EnrolCode, HubIdentity, LastContact, Office, OfficeNote, Replica, Standing,
};
use super::logs::limit_of;
use super::row::{Columns, int};
use super::tx::SqliteTx;

pub(super) fn hub(tx: &SqliteTx<'_>) -> Result<Option<HubIdentity>> {
    tx.one("reading the hub's identity", "SELECT replica, name, created_ms FROM hub", (), |row| {
        Ok(HubIdentity { replica: row.replica()?, name: row.take()?, created_ms: row.take()? })
    })
}

pub(super) fn put_hub(tx: &SqliteTx<'_>, hub: &HubIdentity) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO hub (row, replica, name, created_ms) VALUES (1, ?1, ?2, ?3)";
    tx.write("writing the hub's identity", sql, params![int(hub.replica.0), hub.name, hub.created_ms]).map(drop)
}

pub(super) fn epochs(tx: &SqliteTx<'_>) -> Result<Vec<HubEpoch>> {
    tx.many("reading the hub's starts", "SELECT epoch, began_after FROM epochs ORDER BY place", (), |row| {
        Ok(HubEpoch { epoch: EpochId(row.u64()?), began_after: row.u64()? })
    })
}

pub(super) fn append_epoch(tx: &SqliteTx<'_>, epoch: &HubEpoch, at_ms: i64) -> Result<()> {
    let sql = "INSERT INTO epochs (epoch, began_after, at_ms) VALUES (?1, ?2, ?3)";
    tx.write("noting a start of the hub", sql, params![int(epoch.epoch.0), int(epoch.began_after), at_ms]).map(drop)
}

pub(super) fn backed_up_ms(tx: &SqliteTx<'_>) -> Result<Option<i64>> {
    tx.one("reading when the hub was backed up", "SELECT value FROM counters WHERE name = 'backup'", [], |row| {
        row.take()
    })
}

pub(super) fn note_backed_up(tx: &SqliteTx<'_>, at_ms: i64) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO counters (name, value) VALUES ('backup', ?1)";
    tx.write("noting a backup", sql, [at_ms]).map(drop)
}

fn read_office(row: &mut Columns<'_>) -> Result<Office> {
    Ok(Office { code: row.office()?, name: row.take()?, added_ms: row.take()?, paused_ms: row.take()? })
}

pub(super) fn office(tx: &SqliteTx<'_>, code: &OfficeCode) -> Result<Option<Office>> {
    let sql = "SELECT code, name, added_ms, paused_ms FROM offices WHERE code = ?1";
    tx.one("reading an office", sql, [code.as_str()], read_office)
}

pub(super) fn offices(tx: &SqliteTx<'_>) -> Result<Vec<Office>> {
    let sql = "SELECT code, name, added_ms, paused_ms FROM offices ORDER BY code";
    tx.many("listing offices", sql, (), read_office)
}

pub(super) fn put_office(tx: &SqliteTx<'_>, office: &Office) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO offices (code, name, added_ms, paused_ms) VALUES (?1, ?2, ?3, ?4)";
    let params = params![office.code.as_str(), office.name, office.added_ms, office.paused_ms];
    tx.write("writing an office", sql, params).map(drop)
}

pub(super) fn append_office_note(tx: &SqliteTx<'_>, office: &OfficeCode, note: &OfficeNote) -> Result<()> {
    let sql = "INSERT INTO office_notes (office, at_ms, actor, text) VALUES (?1, ?2, ?3, ?4)";
    let params = params![office.as_str(), note.at_ms, note.actor, note.text];
    tx.write("writing a note about an office", sql, params).map(drop)
}

pub(super) fn office_notes(tx: &SqliteTx<'_>, office: &OfficeCode, limit: usize) -> Result<Vec<OfficeNote>> {
    let sql = "SELECT at_ms, actor, text FROM office_notes WHERE office = ?1 ORDER BY note DESC LIMIT ?2";
    tx.many("reading notes about an office", sql, params![office.as_str(), limit_of(limit)], |row| {
        Ok(OfficeNote { at_ms: row.take()?, actor: row.take()?, text: row.take()? })
    })
}

/// A query for replicas with this ending.
macro_rules! replicas_where {
    ($ending:literal) => {
        concat!(
            "SELECT id, office, name, public_key, prefix, serial, valid_from_ms, valid_until_ms, revoked_ms, \
             revoked_reason, enrolled_ms, run_now, twin_seen_ms, held_ops, held_sum, contact_ms, ops_written, pending, \
             oldest_pending_ms, free_bytes, program, clock_offset_ms, clock_error_ms FROM replicas ",
            $ending
        )
    };
}

fn read_replica(row: &mut Columns<'_>) -> Result<Replica> {
    Ok(Replica {
        id: row.replica()?,
        office: row.office()?,
        name: row.take()?,
        public_key: row.hash()?,
        prefix: row.small()?,
        certificate: Certificate { serial: row.take()?, from_ms: row.take()?, until_ms: row.take()? },
        standing: read_standing(row)?,
        enrolled_ms: row.take()?,
        run_now: row.run_or_none()?,
        twin_seen_ms: row.take()?,
        holding: Holding { ops: row.u64()?, sum: row.u64()? },
        last_contact: read_contact(row)?,
    })
}

fn read_standing(row: &mut Columns<'_>) -> Result<Standing> {
    let (at_ms, reason) = (row.take::<Option<i64>>()?, row.take()?);
    Ok(at_ms.map_or(Standing::Active, |at_ms| Standing::Revoked { reason, at_ms }))
}

fn read_contact(row: &mut Columns<'_>) -> Result<Option<LastContact>> {
    let Some(at_ms) = row.take()? else { return Ok(None) };
    Ok(Some(LastContact {
        at_ms,
        ops_written: row.u64()?,
        pending: row.u64()?,
        oldest_pending_ms: row.u64()?,
        free_bytes: row.u64()?,
        program: row.take()?,
        clock_offset_ms: row.take()?,
        clock_error_ms: row.u64()?,
    }))
}

pub(super) fn replica(tx: &SqliteTx<'_>, id: ReplicaId) -> Result<Option<Replica>> {
    tx.one("reading a replica", replicas_where!("WHERE id = ?1"), [int(id.0)], read_replica)
}

pub(super) fn replica_by_key(tx: &SqliteTx<'_>, public_key: &[u8; 32]) -> Result<Option<Replica>> {
    tx.one("finding a replica by key", replicas_where!("WHERE public_key = ?1"), [public_key], read_replica)
}

pub(super) fn replica_by_prefix(tx: &SqliteTx<'_>, prefix: u32) -> Result<Option<Replica>> {
    tx.one("finding a replica by prefix", replicas_where!("WHERE prefix = ?1"), [prefix], read_replica)
}

pub(super) fn replicas(tx: &SqliteTx<'_>) -> Result<Vec<Replica>> {
    // Ids compare as unsigned numbers everywhere else: the sign bit is turned round.
    let sql = replicas_where!("ORDER BY office, enrolled_ms, id < 0, id");
    tx.many("listing replicas", sql, (), read_replica)
}

pub(super) fn put_replica(tx: &SqliteTx<'_>, replica: &Replica) -> Result<()> {
    let sql = "INSERT INTO replicas (id, office, name, public_key, prefix, serial, valid_from_ms, valid_until_ms,
            revoked_ms, revoked_reason, enrolled_ms, run_now, twin_seen_ms, held_ops, held_sum, contact_ms, ops_written,
            pending, oldest_pending_ms, free_bytes, program, clock_offset_ms, clock_error_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)
        ON CONFLICT (id) DO UPDATE SET
            office = ?2, name = ?3, public_key = ?4, prefix = ?5, serial = ?6, valid_from_ms = ?7, valid_until_ms = ?8,
            revoked_ms = ?9, revoked_reason = ?10, enrolled_ms = ?11, run_now = ?12, twin_seen_ms = ?13, held_ops = ?14,
            held_sum = ?15, contact_ms = ?16, ops_written = ?17, pending = ?18, oldest_pending_ms = ?19,
            free_bytes = ?20, program = ?21, clock_offset_ms = ?22, clock_error_ms = ?23";
    let (revoked_ms, reason) = match &replica.standing {
        Standing::Active => (None, ""),
        Standing::Revoked { reason, at_ms } => (Some(*at_ms), reason.as_str()),
    };
    let contact = replica.last_contact.as_ref();
    let number = |of: fn(&LastContact) -> u64| int(contact.map_or(0, of));
    let params = params![
        int(replica.id.0),
        replica.office.as_str(),
        replica.name,
        replica.public_key,
        replica.prefix,
        replica.certificate.serial,
        replica.certificate.from_ms,
        replica.certificate.until_ms,
        revoked_ms,
        reason,
        replica.enrolled_ms,
        replica.run_now.map(|run| int(run.0)),
        replica.twin_seen_ms,
        int(replica.holding.ops),
        int(replica.holding.sum),
        contact.map(|contact| contact.at_ms),
        number(|contact| contact.ops_written),
        number(|contact| contact.pending),
        number(|contact| contact.oldest_pending_ms),
        number(|contact| contact.free_bytes),
        contact.map_or("", |contact| contact.program.as_str()),
        contact.map_or(0, |contact| contact.clock_offset_ms),
        number(|contact| contact.clock_error_ms),
    ];
    tx.write("the key or prefix of a replica", sql, params).map(drop)
}

/// A query for enrolment codes with this ending.
macro_rules! codes_where {
    ($ending:literal) => {
        concat!(
            "SELECT id, secret_hash, office, created_ms, expires_ms, used_by, used_ms, revoked_ms, tag, approval, \
             asked_key, asked_host, asked_program, asked_ms FROM enrol_codes ",
            $ending
        )
    };
}

fn read_code(row: &mut Columns<'_>) -> Result<EnrolCode> {
    Ok(EnrolCode {
        id: row.u64()?,
        secret_hash: row.hash()?,
        office: row.office()?,
        created_ms: row.take()?,
        expires_ms: row.take()?,
        used: row.u64_or_none()?.map(ReplicaId).zip(row.take()?),
        revoked_ms: row.take()?,
        tag: row.take()?,
        approval: read_approval(row)?,
    })
}

fn read_approval(row: &mut Columns<'_>) -> Result<Approval> {
    let (approval, key): (u8, Option<[u8; 32]>) = (row.small()?, row.take()?);
    let (host, program, asked_ms): (_, _, Option<i64>) = (row.take()?, row.take()?, row.take()?);
    let applicant = key.zip(asked_ms).map(|(public_key, asked_ms)| Applicant { public_key, host, program, asked_ms });
    match (approval, applicant) {
        (0, None) => Ok(Approval::Beforehand),
        (1, None) => Ok(Approval::Awaited),
        (2, Some(applicant)) => Ok(Approval::Asked(applicant)),
        (3, Some(applicant)) => Ok(Approval::Given(applicant)),
        _ => Err(StoreError::Damaged("an enrolment code that nobody could have asked for")),
    }
}

pub(super) fn enrol_code(tx: &SqliteTx<'_>, id: u64) -> Result<Option<EnrolCode>> {
    tx.one("reading an enrolment code", codes_where!("WHERE id = ?1"), [int(id)], read_code)
}

pub(super) fn enrol_code_by_secret(tx: &SqliteTx<'_>, secret_hash: &[u8; 32]) -> Result<Option<EnrolCode>> {
    tx.one("finding an enrolment code", codes_where!("WHERE secret_hash = ?1"), [secret_hash], read_code)
}

pub(super) fn enrol_codes(tx: &SqliteTx<'_>) -> Result<Vec<EnrolCode>> {
    let sql = codes_where!("ORDER BY created_ms DESC, id < 0, id");
    tx.many("listing enrolment codes", sql, (), read_code)
}

pub(super) fn replica_tags(tx: &SqliteTx<'_>) -> Result<Vec<(ReplicaId, String)>> {
    let sql = "SELECT used_by, tag FROM (
            SELECT used_by, tag, row_number() OVER (
                PARTITION BY used_by ORDER BY used_ms DESC, id < 0 DESC, id DESC
            ) AS place
            FROM enrol_codes WHERE used_by IS NOT NULL
        )
        WHERE place = 1 AND tag <> '' ORDER BY used_by < 0, used_by";
    tx.many("listing tags of replicas", sql, (), |row| Ok((ReplicaId(row.u64()?), row.take()?)))
}

pub(super) fn put_enrol_code(tx: &SqliteTx<'_>, code: &EnrolCode) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO enrol_codes
            (id, secret_hash, office, created_ms, expires_ms, used_by, used_ms, revoked_ms, tag, approval, asked_key,
            asked_host, asked_program, asked_ms)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    let (approval, applicant) = match &code.approval {
        Approval::Beforehand => (0_u8, None),
        Approval::Awaited => (1, None),
        Approval::Asked(applicant) => (2, Some(applicant)),
        Approval::Given(applicant) => (3, Some(applicant)),
    };
    let params = params![
        int(code.id),
        code.secret_hash,
        code.office.as_str(),
        code.created_ms,
        code.expires_ms,
        code.used.map(|(replica, _)| int(replica.0)),
        code.used.map(|(_, at_ms)| at_ms),
        code.revoked_ms,
        code.tag,
        approval,
        applicant.map(|applicant| applicant.public_key),
        applicant.map_or("", |applicant| applicant.host.as_str()),
        applicant.map_or("", |applicant| applicant.program.as_str()),
        applicant.map(|applicant| applicant.asked_ms),
    ];
    tx.write("writing an enrolment code", sql, params).map(drop)
}
