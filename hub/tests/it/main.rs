//! The real program in a temporary folder, with real sockets.

mod harness;

use harness::{Caller, Hub, Served, json};
use kentongan_host::enrolment::{EnrolAnswer, EnrolCode, EnrolRequest, to_hex};
use kentongan_host::identity::SigningKey;
use kentongan_protocol::wire::codec::List;
use kentongan_protocol::wire::frame::PREAMBLE;
use kentongan_protocol::wire::v1::{End, Frame, Have, Hello, Refusal, RunFrame};
use serde_json::Value;

fn enrol_request(code: &str, key: &SigningKey) -> String {
    let request = EnrolRequest {
        secret: code.parse::<EnrolCode>().expect("a code").secret(),
        csr: to_hex(&key.certificate_request().expect("request")),
        host: "DESA-PC01".into(),
        program: "uji".into(),
    };
    serde_json::to_string(&request).expect("json")
}

fn error_code(reply: &harness::Reply) -> (u16, String) {
    let body: Value = serde_json::from_slice(&reply.body).expect("a JSON body");
    (reply.status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn init_makes_a_hub_once_and_says_so_the_second_time() {
    let hub = Hub::init();
    let again = json(&hub.command(&["init"]));
    assert_eq!(again["existed"], true);
    assert_eq!(again["fingerprint"].as_str().map(str::len), Some(64));
}

#[test]
fn a_folder_without_a_hub_has_its_own_exit_code() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    for words in [["status"], ["serve"]] {
        let output = harness::run(temp.path(), &words);
        assert_eq!(output.status.code(), Some(10), "{words:?}");
        let error: Value = serde_json::from_slice(&output.stderr).expect("a JSON error");
        assert_eq!((&error["schema"], &error["exit"]), (&"kentongan.error/1".into(), &10.into()));
    }
}

#[test]
fn a_device_joins_with_a_code_and_a_lost_answer_is_given_again() {
    let hub = Hub::init();
    let code = json(&hub.command(&["enrol", "code", "create", "--office", "32.73.05.1001"]));
    let code = code["code"].as_str().expect("a code").to_owned();
    let served = hub.serve();

    let root = served.get("/v1/ca");
    assert_eq!(root.status, 200);
    assert!(code.parse::<EnrolCode>().expect("a code").matches_root(&root.body));

    let sari = SigningKey::generate().expect("a key");
    let first: EnrolAnswer = served.post("/v1/enrol", enrol_request(&code, &sari)).json();
    let again: EnrolAnswer = served.post("/v1/enrol", enrol_request(&code, &sari)).json();
    assert_eq!((&first.replica, &first.prefix), (&again.replica, &again.prefix));
    let stranger = served.post("/v1/enrol", enrol_request(&code, &SigningKey::generate().expect("a key")));
    assert_eq!(error_code(&stranger), (403, "KTG-114".into()));

    let shown = json(&hub.command(&["office", "show", "32.73.05.1001"]));
    assert_eq!(shown["devices"][0]["replica"], first.replica.as_str());
    assert_eq!(shown["devices"][0]["host"], "DESA-PC01");
}

#[test]
fn a_certificate_is_renewed_until_the_device_is_revoked() {
    let hub = Hub::init();
    let code = json(&hub.command(&["enrol", "code", "create", "--office", "32.73.05.1001"]));
    let served = hub.serve();
    let key = SigningKey::generate().expect("a key");
    let code = code["code"].as_str().expect("a code");
    let joined: EnrolAnswer = served.post("/v1/enrol", enrol_request(code, &key)).json();

    let csr = to_hex(&key.certificate_request().expect("request"));
    let body = format!("{{\"csr\":\"{csr}\"}}");
    let device = served.as_device(&joined, &key);
    assert_eq!(device.post("/v1/renew", &body).status, 200);
    assert_eq!(error_code(&served.post("/v1/renew", &body)), (403, "KTG-105".into()), "without a certificate");

    let revoked = hub.command(&["office", "revoke", &joined.replica, "--reason", "PC dicuri", "--yes"]);
    assert_eq!(json(&revoked)["active"], false);
    assert_eq!(error_code(&device.post("/v1/renew", &body)), (403, "KTG-105".into()));
}

/// An exchange in which an office has nothing to say.
fn contact(replica: &str) -> Vec<u8> {
    let run = RunFrame { run: [1; 8], ordinal: 1, before: None, boot: [2; 8], boot_ms: 0, wall_ms: 0 };
    let hello = Hello {
        version_min: 1,
        version_max: 1,
        replica: replica.parse::<kentongan_protocol::ids::ReplicaId>().expect("an id").to_bytes(),
        run,
        elapsed_ms: 1_000,
        wall_ms: 0,
        round_trip_ms: 20,
        link_bytes_s: 0,
        ops_written: 0,
        ops_pending: 0,
        oldest_pending_ms: 0,
        free_bytes: 1 << 40,
        program: "uji".into(),
        extensions: List::default(),
    };
    let have = Have { epochs: List::default(), cursors: List::default(), logs: List::default() };
    let mut stream = PREAMBLE.to_vec();
    for frame in [Frame::Hello(hello), Frame::Have(have), Frame::End(End { more: false })] {
        frame.put(&mut stream);
    }
    stream
}

fn refusal(reply: &[Frame]) -> Option<Refusal> {
    match reply {
        [Frame::Refused(refused)] => Refusal::from_number(refused.reason),
        other => panic!("{other:?}"),
    }
}

/// A device that has joined the hub, and its way there.
fn joined(hub: &Hub, served: &Served) -> (EnrolAnswer, Caller) {
    let code = json(&hub.command(&["enrol", "code", "create", "--office", "32.73.05.1001"]));
    let key = SigningKey::generate().expect("a key");
    let code = code["code"].as_str().expect("a code");
    let joined: EnrolAnswer = served.post("/v1/enrol", enrol_request(code, &key)).json();
    let device = served.as_device(&joined, &key);
    (joined, device)
}

#[test]
fn a_contact_is_answered_with_marks_and_a_refused_device_is_told_why() {
    let hub = Hub::init();
    let served = hub.serve();
    let (joined, device) = joined(&hub, &served);

    let reply = device.say(contact(&joined.replica));
    let [Frame::Marks(marks), Frame::End(_)] = reply.as_slice() else { panic!("{reply:?}") };
    assert_eq!((marks.held_ops, marks.epochs.0.len()), (0, 1));
    let office = json(&hub.command(&["office", "show", "32.73.05.1001"]));
    assert_eq!((&office["state"], &office["devices"][0]["program"]), (&"ok".into(), &"uji".into()));
    assert_eq!(json(&hub.command(&["status"]))["starts"], 1);

    assert_eq!(refusal(&served.say(contact(&joined.replica))), Some(Refusal::Unknown), "no certificate");
    assert_eq!(refusal(&device.say(contact("00000000000000ff"))), Some(Refusal::Protocol));
    assert_eq!(refusal(&device.say("<html>")), Some(Refusal::Protocol));
    hub.command(&["office", "revoke", &joined.replica, "--reason", "PC dicuri", "--yes"]);
    assert_eq!(refusal(&device.say(contact(&joined.replica))), Some(Refusal::Revoked));
}

#[test]
fn exchanges_follow_each_other_on_a_connection_until_the_hub_stops() {
    let hub = Hub::init();
    let served = hub.serve();
    let (joined, device) = joined(&hub, &served);

    let (mut first, mut second, mut third) = (device.open(), device.open(), device.open());
    for _ in 0..3 {
        assert!(matches!(first.say(contact(&joined.replica)).as_slice(), [Frame::Marks(_), Frame::End(_)]));
        assert!(matches!(second.say(contact(&joined.replica)).as_slice(), [Frame::Marks(_), Frame::End(_)]));
    }
    // A frame whose checksum is wrong: on a line that has begun, nothing else tells a stranger.
    assert_eq!(refusal(&first.say("\u{1c}\u{1}??x")), Some(Refusal::Protocol));
    assert!(first.is_closed(), "nothing follows what was not whole");
    assert!(matches!(third.say(contact(&joined.replica)).as_slice(), [Frame::Marks(_), Frame::End(_)]));

    hub.command(&["office", "revoke", &joined.replica, "--reason", "PC dicuri", "--yes"]);
    assert_eq!(refusal(&second.say(contact(&joined.replica))), Some(Refusal::Revoked), "asked anew each time");
    assert!(second.is_closed());
    served.stop();
    assert!(third.is_closed(), "a hub that stops says so to those who are silent");
}

#[test]
fn a_device_whose_certificate_has_ended_is_told_so_in_words() {
    let hub = Hub::init();
    let code = json(&hub.command(&["enrol", "code", "create", "--office", "32.73.05.1001"]));
    let code = code["code"].as_str().expect("a code").to_owned();
    let key = SigningKey::generate().expect("a key");
    let served = hub.serve();
    let joined: EnrolAnswer = served.post("/v1/enrol", enrol_request(&code, &key)).json();
    served.stop();
    let later = hub.serve_in_days(100);
    let device = later.as_device(&joined, &key);
    assert_eq!(refusal(&device.say(contact(&joined.replica))), Some(Refusal::Expired));
    let csr = to_hex(&key.certificate_request().expect("request"));
    assert_eq!(error_code(&device.post("/v1/renew", format!("{{\"csr\":\"{csr}\"}}"))), (403, "KTG-110".into()));
}

#[test]
fn wrong_codes_run_into_a_limit() {
    let hub = Hub::init();
    std::fs::write(hub.folder().join("hub.toml"), "[limits]\nenrol_attempts = 3\n").expect("write");
    let served = hub.serve();
    let key = SigningKey::generate().expect("a key");
    let stranger = EnrolCode::draw(&served.get("/v1/ca").body).to_string();
    let mut told: Vec<u16> = (0..5).map(|_| served.post("/v1/enrol", enrol_request(&stranger, &key)).status).collect();
    assert_eq!(told.pop(), Some(429));
    assert_eq!(told.first(), Some(&403));
}

#[test]
fn commands_work_while_the_hub_runs_and_when_it_does_not() {
    let hub = Hub::init();
    // The usual port may be that of another hub on this machine, and `doctor` would say so.
    std::fs::write(hub.folder().join("hub.toml"), "[listen]\nsync = \"127.0.0.1:0\"\n").expect("write");
    assert_eq!(json(&hub.command(&["status"]))["service"]["running"], false);
    let served = hub.serve();
    let status = json(&hub.command(&["status"]));
    assert_eq!(status["service"]["sync"].as_str(), Some(served.url()));
    hub.command(&["office", "add", "32.73.05.1001", "--name", "Kelurahan Sukajadi"]);
    served.stop();
    let offices = json(&hub.command(&["office", "list"]));
    assert_eq!(offices["offices"][0]["name"], "Kelurahan Sukajadi");
    assert_eq!(json(&hub.command(&["audit", "verify"]))["whole"], true);
    assert_eq!(hub.run(&["doctor"]).status.code(), Some(0));
}

#[test]
fn exports_flow_line_by_line_and_a_reader_that_goes_away_is_no_error() {
    let hub = Hub::init();
    for office in ["32.73.05.1001", "32.73.05.1002"] {
        hub.command(&["office", "add", office, "--name", "Kel"]);
    }
    let served = hub.serve();
    let output = hub.run(&["export", "offices", "--format", "jsonl"]);
    assert!(output.status.success());
    let lines: Vec<Value> =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(lines.iter().map(|line| &line["office"]).collect::<Vec<_>>(), ["32.73.05.1001", "32.73.05.1002"]);
    assert!(hub.run(&["export", "complaints"]).stdout.is_empty());
    served.stop();
    assert!(hub.without_a_reader(&["audit", "export"]).success());
    let file = hub.folder().join("audit.jsonl");
    hub.command(&["export", "surveys", "--output", file.to_str().expect("a path")]);
    assert_eq!(std::fs::read(file).expect("written"), b"");
}

#[test]
fn commands_on_records_that_are_not_there_fail_in_words() {
    let hub = Hub::init();
    let unknown = hub.run(&["complaint", "show", "00000000000000ff-1"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(hub.run(&["complaint", "show", "bukan kode"]).status.code(), Some(2));
    assert_eq!(json(&hub.command(&["complaint", "list"]))["complaints"], Value::Array(Vec::new()));
    assert_eq!(json(&hub.command(&["conflict", "list"]))["conflicts"], Value::Array(Vec::new()));
    assert_eq!(json(&hub.command(&["quarantine", "list"]))["ops"], Value::Array(Vec::new()));
}

#[test]
fn a_second_service_in_the_same_folder_is_refused() {
    let hub = Hub::init();
    let _served = hub.serve();
    let second = hub.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(11));
}

#[test]
fn a_wrong_configuration_is_refused_before_anything_is_opened() {
    let hub = Hub::init();
    std::fs::write(hub.folder().join("hub.toml"), "[limits]\nsession = 5\n").expect("write");
    assert_eq!(hub.run(&["serve"]).status.code(), Some(2));
    let check = hub.run(&["config", "check"]);
    assert_eq!(check.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&check.stderr).contains("sessions"), "a suggestion is made");
}

#[test]
fn what_is_not_ours_is_answered_politely() {
    let hub = Hub::init();
    let served = hub.serve();
    assert_eq!(served.get("/").status, 404);
    assert_eq!(served.get("/v1/enrol").status, 405);
    assert_eq!(served.post("/v1/enrol", "bukan json").status, 400);
    assert_eq!(served.post("/v1/enrol", " ".repeat(20_000)).status, 413);
}
