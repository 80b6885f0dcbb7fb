//! The proof that a store keeps the contract: each promise by name, against each store.

/// Tests of these promises against each store.
macro_rules! suite {
    ($($promise:ident)*) => {
        mod memory {
            $(#[test]
            fn $promise() {
                super::$promise(&mut crate::store::memory::MemoryStore::default());
            })*
        }
        mod sqlite {
            $(#[test]
            fn $promise() {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let file = folder.path().join("store.db");
                super::$promise(&mut crate::store::sqlite::SqliteStore::open(&file).expect("a fresh store"));
            })*
        }
    };
}

mod accounts;
mod attachments;
mod days;
mod feed;
mod journals;
mod logs;
mod parties;
mod programs;
mod records;
mod transactions;
mod work;

use kentongan_protocol::clock::RunHead;
use kentongan_protocol::ids::{Lane, LogId, OfficeCode, OpId, RecordId, ReplicaId, RunId};
use kentongan_protocol::log::{ChainHash, Holding, LogHead};
use kentongan_protocol::receipt::ReceiptCode;

use super::contract::{Store, Tx, transact_with};
use super::rows::{Born, Certificate, NewOp, OpState, RecordRow, Replica, Standing};

const SARI: ReplicaId = ReplicaId(0xA000_0000_0000_0001);

const BUDI: ReplicaId = ReplicaId(0x0B00_0000_0000_0002);

const BIG: u64 = u64::MAX - 7;

fn office(code: &str) -> OfficeCode {
    code.parse().expect("an office code")
}

/// Who writes the log number `log` of a story.
fn writer(log: u64) -> ReplicaId {
    if log % 2 == 1 { SARI } else { BUDI }
}

fn head(log: u64) -> LogHead {
    let run = RunHead { run: RunId(log), ordinal: 3, before: Some(RunId(BIG)), boot: BIG, boot_ms: 5, wall_ms: -9 };
    LogHead::new(writer(log), office("32.73.05.1001"), Lane::Case, run)
}

fn name(log: u64) -> LogId {
    head(log).log()
}

fn op(log: u64, seq: u64) -> OpId {
    OpId { log: name(log), seq }
}

fn row(id: OpId, office_code: &str) -> RecordRow {
    let born = Born { form: 1, form_version: 2, office: office(office_code), code: ReceiptCode::from_number(id.seq) };
    RecordRow {
        id: RecordId(id),
        number: 0,
        born: Some(born),
        status: None,
        conflicts: 0,
        summary: String::new(),
        changed: 0,
        received_ms: 11,
    }
}

fn new_op(id: OpId, record: Option<OpId>, state: OpState) -> NewOp<'static> {
    let record = record.map(RecordId);
    NewOp { id, bytes: b"sepuluh b.", chain: ChainHash([id.seq as u8; 32]), record, received_ms: 5, state }
}

/// Stores a log with a record and `count` merged ops of it.
fn fill(tx: &mut dyn Tx, log: u64, count: u64) -> super::Result<()> {
    tx.insert_log(&head(log))?;
    tx.insert_record(&row(op(log, 1), "32.73.05.1001"))?;
    for seq in 1..=count {
        tx.append_op(&new_op(op(log, seq), Some(op(log, 1)), OpState::Merged))?;
    }
    tx.advance_log(name(log), count, ChainHash([count as u8; 32]))
}

fn done<T>(store: &mut dyn Store, work: impl FnOnce(&mut dyn Tx) -> super::Result<T>) -> T {
    transact_with(store, work).expect("the store does it")
}

fn sari() -> Replica {
    Replica {
        id: SARI,
        office: office("32.73.05.1001"),
        name: "PC loket".to_owned(),
        public_key: [1; 32],
        prefix: 923_520,
        certificate: Certificate { serial: vec![0, 255], from_ms: -1, until_ms: i64::MAX },
        standing: Standing::Active,
        enrolled_ms: 7,
        run_now: None,
        twin_seen_ms: None,
        holding: Holding::default(),
        last_contact: None,
    }
}
