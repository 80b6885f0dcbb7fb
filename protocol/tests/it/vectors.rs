//! The vectors of `vectors/`, both ways: what stands there is what the crate writes, and the crate reads it as the fields
//! that stand beside it. The second codec of [`crate::schema`] must agree.
//!
//! The files are changed by hand only. With `KENTONGAN_PRINT_VECTORS=1` in the environment (and `--nocapture`) the tests
//! print what the crate makes of each vector instead of comparing it.

use std::convert::Infallible;
use std::fmt::Debug;

use kentongan_protocol::clock::{Hlc, HybridClock, KnownRun, measure, run_time};
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::{EpochId, LogId, ReplicaId, RunId};
use kentongan_protocol::log::{ChainHash, Holding, LogHead};
use kentongan_protocol::op::Op;
use kentongan_protocol::receipt::{CodeError, Prefix, ReceiptCode, check_symbol, symbol, symbol_value};
use kentongan_protocol::session::hub::{HubEpoch, feed_start, news_of_epochs};
use kentongan_protocol::session::{agent, hub};
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::frame::{FrameReader, PREAMBLE, RawFrame};
use kentongan_protocol::wire::v1::Frame;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::build::{self, bytes, int, items, text};
use crate::schema::{Schema, from_hex, hex, to_hex};
use crate::world::Pc;

macro_rules! vectors {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("../../vectors/", $name, ".json"))).expect($name)
    };
}

/// Compares what the crate makes with what is written, or prints it.
fn check<T: PartialEq + Debug>(name: &str, made: T, written: T) {
    if std::env::var_os("KENTONGAN_PRINT_VECTORS").is_some() {
        println!("{name}: {made:?}");
    } else {
        assert_eq!(made, written, "{name}");
    }
}

fn name_of(vector: &Value) -> String {
    text(&vector["name"])
}

#[test]
fn primitives_have_their_bytes() {
    let schema = Schema::of_the_document();
    for vector in items(&vectors!("codec")) {
        let (kind, name, written) = (text(&vector["type"]), name_of(vector), hex(&vector["hex"]));
        check(&name, to_hex(&schema.encode(&kind, &vector["fields"])), to_hex(&written));
        assert_eq!(schema.decode(&kind, &written).as_ref(), Ok(&vector["fields"]), "{name}");
        check(&name, to_hex(&of_the_crate(&kind, &vector["fields"])), to_hex(&written));
    }
}

/// The crate's bytes for a primitive.
fn of_the_crate(kind: &str, fields: &Value) -> Vec<u8> {
    match kind {
        "u8" => codec::encode(&int::<u8>(fields)),
        "u16" => codec::encode(&int::<u16>(fields)),
        "u32" => codec::encode(&int::<u32>(fields)),
        "u64" => codec::encode(&int::<u64>(fields)),
        "i16" => codec::encode(&int::<i16>(fields)),
        "i32" => codec::encode(&int::<i32>(fields)),
        "i64" => codec::encode(&int::<i64>(fields)),
        "bool" => codec::encode(&fields.as_bool().expect("a bool")),
        "option(u16)" => codec::encode(&(!fields.is_null()).then(|| int::<u16>(fields))),
        "id" => codec::encode(&bytes::<8>(fields)),
        "text(NAME_BYTES_MAX)" => codec::encode(&text(fields)),
        "bytes(EXTENSION_BYTES_MAX)" => codec::encode(&hex(fields)),
        "list(16, u16)" => codec::encode(&items(fields).iter().map(int::<u16>).collect::<Vec<_>>()),
        other => panic!("no primitive {other}"),
    }
}

#[test]
fn messages_have_their_bytes_and_come_back_as_their_fields() {
    let schema = Schema::of_the_document();
    for vector in items(&vectors!("frames")) {
        let (kind, name, body) = (text(&vector["type"]), name_of(vector), hex(&vector["body"]));
        let message = build::frame(&kind, &vector["fields"]);
        let mut made = Vec::new();
        message.put(&mut made);
        check(&name, to_hex(&body_of(&made).body), to_hex(&body));
        assert_eq!(schema.decode(&kind, &body).as_ref(), Ok(&vector["fields"]), "{name}");
        assert_eq!(schema.encode(&kind, &vector["fields"]), body, "{name}");
        let raw = body_of(&hex(&vector["frame"]));
        assert_eq!((raw.kind, &raw.body), (int(&vector["kind"]), &body), "{name}");
        assert_eq!(Frame::decode(&raw), Ok(Some(message)), "{name}");
        assert_eq!(hex(&vector["frame"])[0] >> 5 & 3, vector.get("coding").map_or(0, int), "{name}");
    }
}

fn body_of(frame: &[u8]) -> RawFrame {
    let mut reader = FrameReader::new();
    reader.push(&PREAMBLE);
    reader.push(frame);
    let raw = reader.next_frame().expect("a frame").expect("whole");
    assert!(reader.is_between_frames());
    raw
}

#[test]
fn every_structure_of_the_document_stands_in_a_vector() {
    let files =
        [vectors!("frames").to_string(), vectors!("ops").to_string(), vectors!("exchange").to_string()].concat();
    let schema = Schema::of_the_document();
    assert_eq!(schema.names().count(), 43, "the document's tables are read");
    let up =
        ["Hello", "Have", "Log", "Ops", "Attest", "Inventory", "Offer", "Chunk", "Again", "RunLog", "Signed", "Fetch"];
    for frame in up.into_iter().chain(["Marks", "Feed", "Refused", "Files", "Moved", "Piece", "Knock"]) {
        assert!(files.contains(&format!("\"type\":\"{frame}\"")), "{frame}");
    }
    for variant in ["Create", "Change", "Accepted", "NeedsRepair", "Quarantined", "Text", "Many", "DateTime", "Person"]
    {
        assert!(files.contains(&format!("\"{variant}\":{{")), "{variant}");
    }
}

#[test]
fn ops_have_their_bytes_and_come_back_as_their_fields() {
    let schema = Schema::of_the_document();
    for vector in items(&vectors!("ops")) {
        let (name, written) = (name_of(vector), hex(&vector["hex"]));
        let op = build::op(&vector["fields"]);
        assert_eq!(Op::decode(&written).as_ref(), Ok(&op), "{name}");
        let (schema_byte, body) = written.split_first().expect("not empty");
        assert_eq!((*schema_byte, schema.decode("Op", body).as_ref()), (1, Ok(&vector["fields"])), "{name}");
        assert_eq!(schema.encode("Op", &vector["fields"]), body, "{name}");
        if vector.get("reencodes") != Some(&Value::Bool(false)) {
            check(&name, to_hex(&op.encode().expect("within bounds")), to_hex(&written));
        }
    }
}

#[test]
fn a_log_has_its_running_hashes_signature_and_holding() {
    let vectors = vectors!("log");
    let chain = &vectors["chain"];
    let head = LogHead::try_from(&build::log(&chain["head"])).expect("a head");
    check("head", to_hex(&codec::encode(&build::log(&chain["head"]))), text(&chain["head_hex"]));
    check("start", to_hex(&head.chain_start().0), text(&chain["start"]));
    check("log", head.log().to_string(), text(&chain["log"]));
    let mut at: ChainHash = head.chain_start();
    for (op, after) in items(&chain["ops"]).iter().zip(items(&chain["after"])) {
        at = at.then(&hex(op));
        check("after", to_hex(&at.0), text(after));
        assert!(Op::decode(&hex(op)).is_ok());
    }
    let signed = &vectors["attest"];
    let mut with_signature = signed.clone();
    with_signature["signature"] = signed["signature"].clone();
    let attest = build::attest(&with_signature);
    check("signed bytes", to_hex(&attest.signed_bytes()), text(&signed["signed"]));
    let key =
        Ed25519KeyPair::from_seed_and_public_key(&hex(&signed["seed"]), &hex(&signed["public_key"])).expect("key");
    check("signature", to_hex(key.sign(&attest.signed_bytes()).as_ref()), text(&signed["signature"]));
    for vector in items(&vectors["holdings"]) {
        let marks = items(&vector["marks"]).iter().map(|one| (LogId::from_bytes(bytes(&one["log"])), int(&one["seq"])));
        check("holding", Holding::of(marks), Holding { ops: int(&vector["ops"]), sum: int(&vector["sum"]) });
    }
}

#[test]
fn receipt_and_enrolment_codes_are_read_and_checked() {
    let vectors = vectors!("codes");
    for vector in items(&vectors["valid"]) {
        let prefix: Prefix = text(&vector["prefix"]).parse().expect("a prefix");
        let code = ReceiptCode::new(prefix, int(&vector["serial"])).expect("a code");
        check("code", code.to_string(), text(&vector["text"]));
        check("number", code.number(), int(&vector["number"]));
        assert_eq!(text(&vector["text"]).parse(), Ok(code));
    }
    for vector in items(&vectors["typed"]) {
        let code: ReceiptCode = text(&vector["typed"]).parse().expect("a code");
        check("typed", code.to_string(), text(&vector["text"]));
    }
    for vector in items(&vectors["invalid"]) {
        let error = text(&vector["typed"]).parse::<ReceiptCode>().expect_err("no code");
        let kind = match error {
            CodeError::Confusable { .. } => "confusable",
            CodeError::NotASymbol { .. } => "not_a_symbol",
            CodeError::Length { .. } => "length",
            CodeError::Check => "check",
        };
        check(&text(&vector["typed"]), kind.to_owned(), text(&vector["error"]));
    }
    for vector in items(&vectors["check_symbols"]) {
        check(
            "check symbol",
            symbol(check_symbol(&values(&text(&vector["symbols"])))).to_string(),
            text(&vector["check"]),
        );
    }
    for vector in items(&vectors["enrolment"]) {
        let digest = Sha256::digest(hex(&vector["root"]));
        let mut number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let mut fingerprint = String::new();
        for _ in 0..10 {
            fingerprint.insert(0, symbol((number % 31) as u8));
            number /= 31;
        }
        check("fingerprint", fingerprint.clone(), text(&vector["fingerprint"]));
        let row = text(&vector["secret"]) + &fingerprint;
        let code = format!("{row}{}", symbol(check_symbol(&values(&row))));
        check("enrolment code", code, text(&vector["code"]).replace('-', ""));
    }
}

fn values(symbols: &str) -> Vec<u8> {
    symbols.chars().map(|c| symbol_value(c).expect("a symbol")).collect()
}

#[test]
fn readers_go_on_where_the_hub_has_not_forgotten() {
    for vector in items(&vectors!("feed")) {
        let epoch = |one: &Value| HubEpoch {
            epoch: EpochId::from_bytes(bytes(&one["epoch"])),
            began_after: int(&one["began_after"]),
        };
        let epochs: Vec<HubEpoch> = items(&vector["epochs"]).iter().map(epoch).collect();
        let known: Vec<EpochId> = items(&vector["known"]).iter().map(|id| EpochId::from_bytes(bytes(id))).collect();
        check(&name_of(vector), feed_start(&epochs, &known, int(&vector["cursor"])), int(&vector["start"]));
        let news: Vec<String> = news_of_epochs(&epochs, &known).iter().map(|one| one.epoch.to_string()).collect();
        check(&name_of(vector), news, items(&vector["news"]).iter().map(text).collect());
    }
}

#[test]
fn times_are_measured_and_inferred_as_written() {
    let vectors = vectors!("time");
    for vector in items(&vectors["measurements"]) {
        let made = measure(int(&vector["now_ms"]), int(&vector["elapsed_ms"]), int(&vector["round_trip_ms"]));
        check("measurement", made, (int(&vector["start_ms"]), int(&vector["error_ms"])));
    }
    for vector in items(&vectors["hybrid"]) {
        let mut clock = HybridClock::default();
        for step in items(&vector["steps"]) {
            match step.get("tick") {
                Some(wall) => check(&text(&vector["description"]), clock.tick(int(wall)), Hlc(int(&step["gives"]))),
                None => clock.observe(Hlc(int(&step["seen"])), int(&step["at"])),
            }
        }
    }
    for vector in items(&vectors["runs"]) {
        let known = |one: &Value| KnownRun {
            replica: ReplicaId(1),
            head: build::run_head(one),
            measured: one["measured"].as_array().map(|pair| (int(&pair[0]), int(&pair[1]))),
            elapsed_ms: int(&one["elapsed_ms"]),
            heard_ms: int(&one["heard_ms"]),
        };
        let runs =
            items(&vector["runs"]).iter().map(|one| (RunId::from_bytes(bytes(&one["run"])), known(one))).collect();
        let made = run_time(&runs, &runs[&RunId::from_bytes(bytes(&vector["run"]))]);
        let written = (int(&vector["start_ms"]), int(&vector["error_ms"]), text(&vector["source"]));
        check(&text(&vector["description"]), (made.start_ms, made.error_ms, made.source.name().to_owned()), written);
    }
}

#[test]
fn what_is_malformed_is_told_apart_by_whose_fault_it_is() {
    for vector in items(&vectors!("malformed")) {
        let stream = hex(&vector["hex"]);
        let fault = match text(&vector["reader"]).as_str() {
            "hub" => read_by_hub(&stream).err(),
            "agent" => read_by_agent(&stream).err(),
            "op" => Op::decode(&stream).err(),
            other => panic!("no reader {other}"),
        };
        check(&name_of(vector), kind_of(fault.as_ref()).to_owned(), text(&vector["fault"]));
    }
}

/// The replica that speaks in the vectors.
const SPEAKER: u64 = 0x5a41_0000_0000_0001;

fn read_by_hub(stream: &[u8]) -> Result<(), Fault> {
    let mut session = hub::Session::new(ReplicaId(SPEAKER));
    session.push(stream);
    while session.next_event()?.is_some() {}
    Ok(())
}

fn read_by_agent(stream: &[u8]) -> Result<(), Fault> {
    let mut session = agent::Session::new(Pc::new(SPEAKER).opening());
    session.push(stream);
    while session.next_event()?.is_some() {}
    session.finish().map(drop)
}

fn kind_of(fault: Option<&Fault>) -> &'static str {
    match fault {
        None => "none",
        Some(Fault::Stranger) => "stranger",
        Some(Fault::Peer(_)) => "peer",
        Some(Fault::Limit(_)) => "limit",
        Some(Fault::Version(_)) => "version",
        Some(Fault::Cut) => "cut",
        Some(Fault::Damaged) => "damaged",
        Some(Fault::Refused(_)) => "refused",
    }
}

#[test]
fn a_whole_exchange_has_its_bytes() {
    let vectors = vectors!("exchange");
    for half in ["request", "reply", "later_request", "later_reply"] {
        let mut made = if half.starts_with("later") { Vec::new() } else { PREAMBLE.to_vec() };
        for frame in items(&vectors[half]["frames"]) {
            let (kind, fields) = frame.as_object().and_then(|one| one.iter().next()).expect("a frame");
            build::frame(kind, fields).put(&mut made);
        }
        check(half, to_hex(&made), text(&vectors[half]["hex"]));
        assert_eq!(made.len() as u64, int::<u64>(&vectors["bytes"][half]));
    }
    // The hub sees a hello, a position, an op and a signature that holds; the agent sees marks and the end.
    let mut session = hub::Session::new(ReplicaId(SPEAKER));
    let events = session.receive(&hex(&vectors["request"]["hex"])).expect("in order");
    let [
        hub::Event::Hello(_),
        hub::Event::Have(_),
        hub::Event::Batch(batch),
        hub::Event::Signed(signature),
        hub::Event::End,
    ] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    let chain = batch.ops.iter().fold(batch.head.chain_start(), |chain, op| chain.then(op));
    assert_eq!(signature.heads, [(batch.head.log(), 1)]);
    let whole = signature.whole(ReplicaId(SPEAKER), |_, _| Ok::<_, Infallible>(Some(chain)));
    let Ok(Some(attest)) = whole else { panic!("{whole:?}") };
    let seed = hex(&vectors!("log")["attest"]["seed"]);
    let key = Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key");
    let public = UnparsedPublicKey::new(&ED25519, key.public_key().as_ref());
    assert!(public.verify(&attest.signed_bytes(), &attest.signature).is_ok());
    let mut session = agent::Session::new(Pc::new(SPEAKER).opening());
    let events = session.receive(&hex(&vectors["reply"]["hex"])).expect("in order");
    assert!(matches!(events.as_slice(), [agent::Event::Marks(_), agent::Event::Feed(_)]), "{events:?}");
    assert!(session.finish().is_ok());
}

#[test]
fn hexadecimal_digits_are_read_as_written() {
    assert_eq!(from_hex("00 ff\n10"), [0, 255, 16]);
}
