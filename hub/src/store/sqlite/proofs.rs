//! Signatures over logs, forks, the audit log and the journal of exchanges.

use kentongan_protocol::ids::{LogId, ReplicaId};
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::Attest;
use rusqlite::params;

use super::super::contract::Result;
use super::super::rows::{
    Attestation, AuditEntry, AuditEvent, AuditFilter, ExchangeNote, Fork, JOURNAL_ROWS_MAX, Page,
};
use super::logs::{limit_of, unreadable};
use super::records::signed;
use super::row::{Columns, int};
use super::tx::SqliteTx;

pub(super) fn put_attest(tx: &SqliteTx<'_>, attest: &Attest) -> Result<()> {
    let mut row = None;
    for (log, seq, _) in &attest.heads.0 {
        let log = int(LogId::from_bytes(*log).0);
        let sql = "SELECT coalesce((SELECT seq FROM attested WHERE log = ?1), 0),
                (SELECT attest FROM attested WHERE log = ?1) FROM logs WHERE log = ?1";
        let kept = tx.one("reading a signature", sql, [log], |row| Ok((row.u64()?, row.take::<Option<i64>>()?)))?;
        let Some((_, old)) = kept.filter(|(covered, _)| covered < seq) else { continue };
        let attest = match row {
            Some(row) => row,
            None => *row.insert(insert_attest(tx, attest)?),
        };
        let sql = "INSERT OR REPLACE INTO attested (log, seq, attest) VALUES (?1, ?2, ?3)";
        tx.write("noting what a signature covers", sql, params![log, int(*seq), attest])?;
        if let Some(old) = old {
            let unused = "DELETE FROM attests WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM attested WHERE attest = ?1)";
            tx.write("dropping an older signature", unused, [old])?;
        }
    }
    Ok(())
}

fn insert_attest(tx: &SqliteTx<'_>, attest: &Attest) -> Result<i64> {
    tx.write("keeping a signature", "INSERT INTO attests (attest) VALUES (?1)", [codec::encode(attest)])?;
    Ok(tx.inserted())
}

pub(super) fn attestation(tx: &SqliteTx<'_>, log: LogId) -> Result<Option<Attestation>> {
    let sql = "SELECT d.seq, a.attest FROM attested d JOIN attests a ON a.id = d.attest WHERE d.log = ?1";
    tx.one("reading a signature", sql, [int(log.0)], |row| {
        Ok(Attestation { seq: row.u64()?, attest: codec::decode(&row.take::<Vec<u8>>()?).map_err(unreadable)? })
    })
}

pub(super) fn insert_fork(tx: &SqliteTx<'_>, fork: &Fork) -> Result<bool> {
    let sql = "INSERT INTO forks (log, seq, replica, bytes, at_ms) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    let params = params![int(fork.id.log.0), int(fork.id.seq), int(fork.replica.0), fork.bytes, fork.at_ms];
    Ok(tx.write("keeping a fork aside", sql, params)? > 0)
}

pub(super) fn forks(tx: &SqliteTx<'_>, limit: usize) -> Result<Vec<Fork>> {
    let sql = "SELECT log, seq, replica, bytes, at_ms FROM forks ORDER BY fork LIMIT ?1";
    tx.many("listing forks", sql, [limit_of(limit)], |row| {
        Ok(Fork { id: row.op_id()?, replica: row.replica()?, bytes: row.take()?, at_ms: row.take()? })
    })
}

pub(super) fn audit(tx: &SqliteTx<'_>, event: &AuditEvent) -> Result<u64> {
    let sql = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1";
    let last = tx.one("reading the audit log's end", sql, (), |row| Ok((row.u64()?, row.hash()?)))?;
    let (number, before) = last.map_or((1, [0; 32]), |(number, hash)| (number + 1, hash));
    let hash = AuditEntry::hash_after(&before, number, event);
    let sql = "INSERT INTO audit (number, at_ms, actor, event, subject, detail, hash)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let params = params![int(number), event.at_ms, event.actor, event.event, event.subject, event.detail, hash];
    tx.write("writing the audit log", sql, params)?;
    Ok(number)
}

fn read_audit(row: &mut Columns<'_>) -> Result<AuditEntry> {
    let number = row.u64()?;
    let event = AuditEvent {
        at_ms: row.take()?,
        actor: row.take()?,
        event: row.take()?,
        subject: row.take()?,
        detail: row.take()?,
    };
    Ok(AuditEntry { number, event, hash: row.hash()? })
}

pub(super) fn audit_log(tx: &SqliteTx<'_>, page: Page, limit: usize) -> Result<Vec<AuditEntry>> {
    let (sql, number) = match page {
        Page::After(number) => (
            "SELECT number, at_ms, actor, event, subject, detail, hash FROM audit
             WHERE number > ?1 ORDER BY number LIMIT ?2",
            number,
        ),
        Page::Before(number) => (
            "SELECT number, at_ms, actor, event, subject, detail, hash FROM audit
             WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
            number,
        ),
    };
    tx.many("reading the audit log", sql, params![signed(number), limit_of(limit)], read_audit)
}

pub(super) fn audit_found(
    tx: &SqliteTx<'_>,
    filter: &AuditFilter,
    page: Page,
    limit: usize,
) -> Result<Vec<AuditEntry>> {
    let (from, order, number) = match page {
        Page::After(number) => ("number > ?1", "ASC", number),
        Page::Before(number) => ("number < ?1", "DESC", number),
    };
    // Only what is asked for stands in the query: an index serves what is compared, not what might be.
    let mut sql = format!("SELECT number, at_ms, actor, event, subject, detail, hash FROM audit WHERE {from}");
    let texts = [("actor", &filter.actor, 3), ("event", &filter.event, 4), ("subject", &filter.subject, 5)];
    for (column, text, place) in texts {
        if text.is_some() {
            sql.push_str(&format!(" AND {column} = ?{place}"));
        }
    }
    sql.push_str(&format!(" AND at_ms >= ?6 AND at_ms < ?7 ORDER BY number {order} LIMIT ?2"));
    let (from_ms, until_ms) = (filter.from_ms.unwrap_or(i64::MIN), filter.until_ms.unwrap_or(i64::MAX));
    let params =
        params![signed(number), limit_of(limit), filter.actor, filter.event, filter.subject, from_ms, until_ms];
    tx.many("searching the audit log", &sql, params, read_audit)
}

pub(super) fn journal(tx: &SqliteTx<'_>, note: &ExchangeNote) -> Result<()> {
    let sql = "INSERT INTO journal (replica, started_ms, took_ms, outcome, bytes_in, bytes_out, ops_in, ops_out)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let replica = int(note.replica.0);
    let params = params![
        replica,
        note.started_ms,
        int(note.took_ms),
        note.outcome,
        int(note.bytes_in),
        int(note.bytes_out),
        int(note.ops_in),
        int(note.ops_out),
    ];
    tx.write("noting an exchange", sql, params)?;
    let old = "DELETE FROM journal WHERE replica = ?1 AND note <=
        (SELECT note FROM journal WHERE replica = ?1 ORDER BY note DESC LIMIT 1 OFFSET ?2)";
    tx.write("forgetting old exchanges", old, params![replica, limit_of(JOURNAL_ROWS_MAX)]).map(drop)
}

pub(super) fn journal_of(tx: &SqliteTx<'_>, replica: ReplicaId, limit: usize) -> Result<Vec<ExchangeNote>> {
    let sql = "SELECT started_ms, took_ms, outcome, bytes_in, bytes_out, ops_in, ops_out FROM journal
        WHERE replica = ?1 ORDER BY note DESC LIMIT ?2";
    tx.many("reading the journal", sql, params![int(replica.0), limit_of(limit)], |row| {
        Ok(ExchangeNote {
            replica,
            started_ms: row.take()?,
            took_ms: row.u64()?,
            outcome: row.take()?,
            bytes_in: row.u64()?,
            bytes_out: row.u64()?,
            ops_in: row.u64()?,
            ops_out: row.u64()?,
        })
    })
}
