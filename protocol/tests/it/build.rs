//! From the fields of a vector to the crate's own types.

use kentongan_protocol::attachment::{Attachment, Content, ContentHash};
use kentongan_protocol::clock::{Hlc, RunHead};
use kentongan_protocol::form;
use kentongan_protocol::ids::{LogId, OpId, RecordId};
use kentongan_protocol::op::{Action, Op, Write};
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_protocol::wire::codec::{Blob, List, Txt};
use kentongan_protocol::wire::v1::{
    Again, Attest, Change, Chunk, End, Extensions, FeedEntry, FeedFrame, Fetch, FileFrame, FileStanding, Files, Frame,
    Have, Hello, Inventory, LineMark, LogFrame, LogName, Marks, Moved, MovedChange, Offer, Ops, PageLog, Piece,
    Refused, RunFrame, RunLog, Signed, VerdictFrame,
};
use serde_json::Value;

use crate::schema::{hex, integer};

/// The message of a vector in `frames.json`.
pub(crate) fn frame(kind: &str, fields: &Value) -> Frame {
    match kind {
        "Hello" => Frame::Hello(hello(fields)),
        "Have" => Frame::Have(Have {
            epochs: list(&fields["epochs"], bytes),
            cursors: list(&fields["cursors"], |one| (int(&one["topic"]), int(&one["number"]))),
            logs: list(&fields["logs"], log_name),
        }),
        "Again" => Frame::Again(Again {
            elapsed_ms: int(&fields["elapsed_ms"]),
            wall_ms: int(&fields["wall_ms"]),
            ops_written: int(&fields["ops_written"]),
            ops_pending: int(&fields["ops_pending"]),
            oldest_pending_ms: int(&fields["oldest_pending_ms"]),
            changes: list(&fields["changes"], change),
            logs: list(&fields["logs"], log_name),
        }),
        "Moved" => Frame::Moved(Moved {
            hub_ms: int(&fields["hub_ms"]),
            logs: list(&fields["logs"], |one| LineMark {
                log: log_name(&one["log"]),
                stored: int(&one["stored"]),
                durable: int(&one["durable"]),
            }),
            held: bytes(&fields["held"]),
            changes: list(&fields["changes"], moved_change),
        }),
        "Log" => Frame::Log(log(fields)),
        "RunLog" => Frame::RunLog(RunLog { office: Txt(text(&fields["office"])), lane: int(&fields["lane"]) }),
        "Signed" => Frame::Signed(Signed {
            heads: list(&fields["heads"], |one| (log_name(&one["log"]), int(&one["seq"]))),
            signature: bytes(&fields["signature"]),
        }),
        "Ops" => Frame::Ops(Ops {
            log: log_name(&fields["log"]),
            first_seq: int(&fields["first_seq"]),
            ops: list(&fields["ops"], |op| Blob(hex(op))),
        }),
        "Attest" => Frame::Attest(attest(fields)),
        "Inventory" => Frame::Inventory(Inventory { logs: list(&fields["logs"], log_upto) }),
        "Offer" => Frame::Offer(Offer {
            files: list(&fields["files"], |one| FileFrame {
                hash: bytes(&one["hash"]),
                bytes: int(&one["bytes"]),
                media: int(&one["media"]),
            }),
        }),
        "Chunk" => Frame::Chunk(Chunk {
            file: int(&fields["file"]),
            offset: int(&fields["offset"]),
            bytes: Blob(hex(&fields["bytes"])),
        }),
        "Fetch" => Frame::Fetch(Fetch { hash: bytes(&fields["hash"]), offset: int(&fields["offset"]) }),
        "Knock" => Frame::Knock,
        "Piece" => Frame::Piece(Piece {
            hash: bytes(&fields["hash"]),
            offset: int(&fields["offset"]),
            bytes: Blob(hex(&fields["bytes"])),
        }),
        "Files" => Frame::Files(Files { standings: list(&fields["standings"], standing) }),
        "Marks" => Frame::Marks(marks(fields)),
        "Feed" => Frame::Feed(FeedFrame {
            topic: int(&fields["topic"]),
            upto: int(&fields["upto"]),
            logs: list(&fields["logs"], page_log),
            entries: list(&fields["entries"], entry),
            attests: list(&fields["attests"], attest),
        }),
        "Refused" => Frame::Refused(Refused {
            reason: int(&fields["reason"]),
            version_min: int(&fields["version_min"]),
            version_max: int(&fields["version_max"]),
            come_back_s: int(&fields["come_back_s"]),
        }),
        "End" => Frame::End(End { more: fields["more"].as_bool().expect("a bool") }),
        other => panic!("no frame {other}"),
    }
}

fn standing(fields: &Value) -> FileStanding {
    let (variant, fields) = variant(fields);
    match variant {
        "Wanted" => FileStanding::Wanted(int(&fields["held"])),
        "Held" => FileStanding::Held,
        "SetAside" => FileStanding::SetAside,
        "Unknown" => FileStanding::Unknown,
        other => panic!("no standing {other}"),
    }
}

fn hello(fields: &Value) -> Hello {
    Hello {
        version_min: int(&fields["version_min"]),
        version_max: int(&fields["version_max"]),
        replica: bytes(&fields["replica"]),
        run: run(&fields["run"]),
        elapsed_ms: int(&fields["elapsed_ms"]),
        wall_ms: int(&fields["wall_ms"]),
        round_trip_ms: int(&fields["round_trip_ms"]),
        link_bytes_s: int(&fields["link_bytes_s"]),
        ops_written: int(&fields["ops_written"]),
        ops_pending: int(&fields["ops_pending"]),
        oldest_pending_ms: int(&fields["oldest_pending_ms"]),
        free_bytes: int(&fields["free_bytes"]),
        program: Txt(text(&fields["program"])),
        extensions: extensions(&fields["extensions"]),
    }
}

fn marks(fields: &Value) -> Marks {
    let mark = |one: &Value| (bytes(&one["log"]), int(&one["stored"]), int(&one["durable"]));
    Marks {
        hub_ms: int(&fields["hub_ms"]),
        epochs: list(&fields["epochs"], |one| (bytes(&one["epoch"]), int(&one["began_after"]))),
        cursors: list(&fields["cursors"], |one| (int(&one["topic"]), int(&one["number"]))),
        logs: list(&fields["logs"], mark),
        held_ops: int(&fields["held_ops"]),
        held_sum: int(&fields["held_sum"]),
        come_back_s: int(&fields["come_back_s"]),
        notices: list(&fields["notices"], int),
        extensions: extensions(&fields["extensions"]),
    }
}

pub(crate) fn log(fields: &Value) -> LogFrame {
    LogFrame {
        replica: bytes(&fields["replica"]),
        office: Txt(text(&fields["office"])),
        lane: int(&fields["lane"]),
        run: run(&fields["run"]),
    }
}

pub(crate) fn run(fields: &Value) -> RunFrame {
    RunFrame {
        run: bytes(&fields["run"]),
        ordinal: int(&fields["ordinal"]),
        before: option(&fields["before"], bytes),
        boot: bytes(&fields["boot"]),
        boot_ms: int(&fields["boot_ms"]),
        wall_ms: int(&fields["wall_ms"]),
    }
}

pub(crate) fn run_head(fields: &Value) -> RunHead {
    RunHead::from(&run(fields))
}

pub(crate) fn attest(fields: &Value) -> Attest {
    let head = |one: &Value| (bytes(&one["log"]), int(&one["seq"]), bytes(&one["hash"]));
    Attest {
        replica: bytes(&fields["replica"]),
        heads: list(&fields["heads"], head),
        signature: bytes(&fields["signature"]),
    }
}

fn entry(fields: &Value) -> FeedEntry {
    let (variant, fields) = variant(fields);
    let (number, seq) = (int(&fields["number"]), int(&fields["seq"]));
    match variant {
        "Op" => FeedEntry::Op { number, log: int(&fields["log"]), seq, bytes: Blob(hex(&fields["bytes"])) },
        "Verdict" => {
            FeedEntry::Verdict { number, log: bytes(&fields["log"]), seq, verdict: verdict(&fields["verdict"]) }
        }
        other => panic!("no entry {other}"),
    }
}

fn verdict(fields: &Value) -> VerdictFrame {
    let (variant, fields) = variant(fields);
    let fault = |one: &Value| (option(&one["field"], int), option(&one["group"], int), int(&one["reason"]));
    match variant {
        "Accepted" => VerdictFrame::Accepted,
        "NeedsRepair" => VerdictFrame::NeedsRepair(list(&fields["faults"], fault)),
        "Quarantined" => VerdictFrame::Quarantined(int(&fields["reason"])),
        other => panic!("no verdict {other}"),
    }
}

/// The op of a vector in `ops.json`. Extensions are of later versions; this crate writes none.
pub(crate) fn op(fields: &Value) -> Op {
    let (action, payload) = variant(&fields["action"]);
    let receipt = |number: &Value| ReceiptCode::from_number(int(number)).expect("a receipt code");
    Op {
        action: match action {
            "Create" => Action::Create {
                form: int(&payload["form"]),
                form_version: int(&payload["form_version"]),
                receipt: option(&payload["receipt"], receipt),
            },
            "Change" => Action::Change { record: RecordId(op_id(&payload["record"])) },
            other => panic!("no action {other}"),
        },
        author: text(&fields["author"]),
        elapsed_ms: int(&fields["elapsed_ms"]),
        hlc: Hlc(int(&fields["hlc"])),
        writes: items(&fields["writes"]).iter().map(write).collect(),
    }
}

fn write(fields: &Value) -> Write {
    Write {
        group: int(&fields["group"]),
        replaces: items(&fields["replaces"]).iter().map(op_id).collect(),
        cycle: int(&fields["cycle"]),
        values: items(&fields["values"]).iter().map(|one| (int(&one["field"]), value(&one["value"]))).collect(),
    }
}

pub(crate) fn value(fields: &Value) -> form::Value {
    let (variant, fields) = variant(fields);
    match variant {
        "Text" => form::Value::Text(text(&fields["text"])),
        "Whole" => form::Value::Whole(int(&fields["number"])),
        "Decimal" => form::Value::Decimal { unscaled: int(&fields["unscaled"]), scale: int(&fields["scale"]) },
        "One" => form::Value::One(int(&fields["choice"])),
        "Many" => form::Value::Many(items(&fields["choices"]).iter().map(int).collect()),
        "Date" => form::Value::Date(int(&fields["days"])),
        "DateTime" => form::Value::DateTime { utc_ms: int(&fields["utc_ms"]), offset_min: int(&fields["offset_min"]) },
        "Area" => form::Value::Area(text(&fields["code"])),
        "Person" => form::Value::Person(text(&fields["name"])),
        "Attachment" => form::Value::Attachment(Attachment {
            content: Content {
                hash: ContentHash(bytes(&fields["hash"])),
                bytes: int(&fields["bytes"]),
                media: int(&fields["media"]),
            },
            name: text(&fields["name"]),
        }),
        other => panic!("no value {other}"),
    }
}

fn op_id(fields: &Value) -> OpId {
    OpId { log: LogId::from_bytes(bytes(&fields["log"])), seq: int(&fields["seq"]) }
}

/// A number, or an id as text.
fn log_name(value: &Value) -> LogName {
    if value.is_string() { LogName::Id(bytes(value)) } else { LogName::Number(int(value)) }
}

fn page_log(fields: &Value) -> PageLog {
    match variant(fields) {
        ("Head", fields) => PageLog::Head(log(&fields["head"])),
        (_, fields) => PageLog::Number(int(&fields["number"])),
    }
}

fn change(fields: &Value) -> Change {
    let (variant, fields) = variant(fields);
    match variant {
        "RoundTrip" => Change::RoundTrip(int(&fields["ms"])),
        "LinkSpeed" => Change::LinkSpeed(int(&fields["bytes_s"])),
        "FreeBytes" => Change::FreeBytes(int(&fields["bytes"])),
        "Epochs" => Change::Epochs(list(&fields["epochs"], bytes)),
        "Cursors" => Change::Cursors(list(&fields["cursors"], |one| (int(&one["topic"]), int(&one["number"])))),
        other => panic!("no change {other}"),
    }
}

fn moved_change(fields: &Value) -> MovedChange {
    let (variant, fields) = variant(fields);
    match variant {
        "Epochs" => {
            MovedChange::Epochs(list(&fields["epochs"], |one| (bytes(&one["epoch"]), int(&one["began_after"]))))
        }
        "Cursors" => MovedChange::Cursors(list(&fields["cursors"], |one| (int(&one["topic"]), int(&one["number"])))),
        "ComeBack" => MovedChange::ComeBack(int(&fields["seconds"])),
        "Notices" => MovedChange::Notices(list(&fields["notices"], int)),
        "Extensions" => MovedChange::Extensions(extensions(&fields["extensions"])),
        other => panic!("no change {other}"),
    }
}

fn log_upto(fields: &Value) -> ([u8; 8], u64) {
    (bytes(&fields["log"]), int(&fields["seq"]))
}

fn extensions(fields: &Value) -> Extensions {
    list(fields, |one| (int(&one["number"]), Blob(hex(&one["value"]))))
}

fn variant(fields: &Value) -> (&str, &Value) {
    let (name, payload) = fields.as_object().and_then(|one| one.iter().next()).expect("a variant");
    (name, payload)
}

pub(crate) fn items(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

fn list<T, const MAX: usize>(value: &Value, item: impl Fn(&Value) -> T) -> List<T, MAX> {
    List(items(value).iter().map(item).collect())
}

fn option<T>(value: &Value, some: impl Fn(&Value) -> T) -> Option<T> {
    (!value.is_null()).then(|| some(value))
}

pub(crate) fn int<T: TryFrom<i128>>(value: &Value) -> T {
    T::try_from(integer(value)).ok().unwrap_or_else(|| panic!("{value} does not fit"))
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

pub(crate) fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    hex(value).try_into().unwrap_or_else(|_| panic!("{value} has another length"))
}
