//! The doors beside the one for offices: machines that watch, citizens with a code, programs with a key.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kentongan_protocol::receipt::{Prefix, ReceiptCode};
use kentongan_tests::{Hub, Office};
use serde_json::{Value, json};

use kentongan_tests::visitor::{Answer, Visitor, encoded};

const OFFICE: &str = "32.73.05.1001";

/// Starts a hub with all its doors.
pub(crate) fn begin(hub: &mut Hub) {
    let opened = hub.launch_as(|mut command| {
        command.env("KENTONGAN_HUB_LISTEN_METRICS", "127.0.0.1:0");
        command.env("KENTONGAN_HUB_LISTEN_PUBLIC", "127.0.0.1:0");
        command
    });
    opened.expect("the hub starts");
}

/// A hub whose doors are open, with an office in it.
fn open() -> (Hub, Office) {
    let mut hub = Hub::set_up();
    begin(&mut hub);
    let office = Office::enrol(&hub, OFFICE);
    (hub, office)
}

/// Where a door of it is.
pub(crate) fn address(hub: &Hub, door: &str) -> String {
    let ready = hub.service().expect("the hub runs").ready();
    ready[door].as_str().unwrap_or_else(|| panic!("no door {door}: {ready}")).to_owned()
}

fn at(hub: &Hub, door: &str) -> Visitor {
    Visitor::at(&address(hub, door))
}

/// A program with a key.
struct Program {
    door: Visitor,
    key: String,
}

impl Program {
    fn with(hub: &Hub, scopes: &[&str]) -> Program {
        let mut words = vec!["key", "create", "--name", "Uji"];
        scopes.iter().for_each(|scope| words.extend(["--scope", scope]));
        let made = hub.run(&words).ok().json();
        Program { door: at(hub, "public"), key: made["key"].as_str().expect("a key").to_owned() }
    }

    fn get(&mut self, path: &str) -> Answer {
        let head = format!(
            "GET /api/v1{path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nAuthorization: Bearer {}\r\n",
            self.key
        );
        self.door.exchange(&head, b"")
    }

    fn post(&mut self, path: &str, headers: &str, body: &Value) -> Answer {
        let headers = format!("Authorization: Bearer {}\r\n{headers}", self.key);
        self.door.send(&format!("/api/v1{path}"), &headers, "application/json", body.to_string().as_bytes())
    }
}

fn document(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.text()))
}

fn watch(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../hub/watch").join(file)
}

/// Every name that begins so in a text.
fn names(text: &str, start: &str) -> BTreeSet<String> {
    let word = |rest: &str| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
    text.match_indices(start).map(|(place, _)| word(&text[place..])).collect()
}

/// Gives `input` to promtool; `false` where there is none.
fn promtool(arguments: &[&str], input: &str) -> bool {
    let mut command = Command::new("promtool");
    let started = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut process) = started else { return false };
    process.stdin.take().expect("stdin").write_all(input.as_bytes()).expect("read by promtool");
    let ended = process.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr) + String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success() && !said.contains("use base unit"), "promtool {arguments:?}: {said}");
    true
}

#[test]
fn machines_that_watch_find_every_name_that_rules_and_dashboard_use() {
    let (hub, sari) = open();
    sari.complain("Antrean panjang");
    sari.sync().ok();
    let mut door = at(&hub, "metrics");
    assert_eq!(door.get("/livez").expect(200).text(), "ok\n");
    assert_eq!(door.get("/readyz").expect(200).text(), "ok\n");
    assert!(door.get("/readyz?verbose").expect(200).text().contains("✔ store\n"));
    let metrics = door.get("/metrics").expect(200).text();
    assert!(metrics.contains("kentongan_hub_sync_sessions_total{outcome=\"ok\"} 1\n"), "{metrics}");
    assert!(metrics.contains("kentongan_hub_record_delivery_delay_seconds_count 1\n"), "{metrics}");
    assert!(!metrics.contains("Antrean"), "nothing that people said");
    for file in ["rules.yml", "dashboard.json"] {
        let text = std::fs::read_to_string(watch(file)).expect("a file for watching");
        for name in names(&text, "kentongan_hub_").union(&names(&text, "process_")) {
            let known =
                metrics.lines().any(|line| line.starts_with(&format!("# TYPE {} ", name.trim_end_matches("_bucket"))));
            assert!(known, "{file} uses {name}, which the hub does not tell");
        }
    }
    if !promtool(&["check", "metrics"], &metrics) {
        eprintln!("skipped: promtool is not installed");
        return;
    }
    promtool(&["check", "rules", &watch("rules.yml").to_string_lossy()], "");
    promtool(&["test", "rules", &watch("rules.test.yml").to_string_lossy()], "");
}

#[test]
fn a_citizen_follows_a_complaint_and_who_guesses_codes_runs_out_of_guesses() {
    let (hub, sari) = open();
    let words = [("uraian", "Lampu <b>padam</b>"), ("kategori", "antrean"), ("kanal", "wa"), ("nama_pelapor", "Tini")];
    let code = sari.add("pengaduan", &words).code;
    let mut door = at(&hub, "public");
    assert!(door.get(&format!("/lacak?kode={code}")).expect(404).text().contains("belum ada di pusat"));
    sari.sync().ok();
    let found = door.get(&format!("/lacak?kode={code}")).expect(200);
    assert!(found.text().contains("Diterima") && found.text().contains(&code));
    for hidden in ["Tini", "Lampu", "petugas"] {
        assert!(!found.text().contains(hidden), "{hidden}");
    }
    assert_eq!(found.header("set-cookie"), "", "a citizen is not followed");
    let as_typed = door.get(&format!("/lacak?bahasa=en&kode={}", code.to_lowercase().replace('-', "+"))).expect(200);
    assert!(as_typed.text().contains("Received"));
    let evil = door.get("/lacak?kode=%3Cscript%3Ealert(1)%3C/script%3E").expect(400);
    assert!(!evil.text().contains("<script>alert"), "{}", evil.text());
    let mut mistyped = code.clone();
    let last = if mistyped.pop() == Some('2') { '3' } else { '2' };
    mistyped.push(last);
    assert!(door.get(&format!("/lacak?kode={mistyped}")).expect(400).text().contains("salah ketik"));

    let of_training = ReceiptCode::new(Prefix::TRAINING, 1).expect("a code");
    assert!(door.get(&format!("/lacak?kode={of_training}")).expect(404).text().contains("latihan petugas"));

    // Guesses: right by their check symbol, and nobody's.
    let mut outcomes = Vec::new();
    for serial in 0..40 {
        let guess = ReceiptCode::new(Prefix::new(7).expect("a prefix"), serial).expect("a code");
        let answer = door.get(&format!("/lacak?kode={guess}"));
        outcomes.push(answer.code);
        if answer.code == 429 {
            assert!(!answer.header("retry-after").is_empty());
            break;
        }
    }
    assert_eq!(outcomes.last(), Some(&429), "{outcomes:?}");
    assert!(outcomes.len() <= 11, "{outcomes:?}");
    assert_eq!(door.get(&format!("/api/v1/public/track/{code}")).code, 429, "the other way in knows it too");
    let api = hub.run(&["audit", "list"]).ok();
    assert!(!api.stdout.contains("Tini"));
}

#[test]
fn a_program_does_what_its_key_allows_once_and_nothing_beyond() {
    let (hub, sari) = open();
    let mut files = Program::with(&hub, &["complaints:write"]);
    let body = json!({
        "office": OFFICE,
        "fields": {"uraian": "Jembatan rusak", "kategori": "infrastruktur", "kanal": "lapor", "nama_pelapor": "Tini"},
    });
    let once = "Idempotency-Key: a-1\r\n";
    let filed = files.post("/complaints", once, &body).expect(201);
    let again = files.post("/complaints", once, &body).expect(201);
    assert_eq!(document(&filed), document(&again));
    files.post("/complaints", once, &json!({"office": OFFICE, "fields": {}})).expect(409);
    let code = document(&filed)["code"].as_str().expect("a code").to_owned();
    assert_eq!(hub.export("complaints").len(), 1);

    // Its key does not read.
    for path in ["/complaints", "/offices", "/audit", "/surveys/index?from=2026-01&to=2026-12"] {
        let refused = files.get(path).expect(403);
        assert_eq!(refused.header("content-type"), "application/problem+json");
        assert_eq!(document(&refused)["status"], 403);
    }
    for bad in [json!({"office": "99.99", "fields": {}}), json!({"office": OFFICE, "fields": {"status": "selesai"}})] {
        files.post("/complaints", "", &bad).expect(422);
    }
    files.post("/complaints", "", &json!({"office": OFFICE, "fields": {}, "lain": 1})).expect(422);
    let refused = files.post("/complaints", "", &json!({"office": OFFICE, "fields": {}})).expect(422);
    assert!(!refused.text().contains("Wajib"), "programs are told in one language: {}", refused.text());
    // Nobody takes what cannot be read for what was not sent.
    let answers = format!("/complaints/{code}/answers");
    for (path, header) in [("/complaints", "Idempotency-Key: ä"), (&answers, "If-Match: ä")] {
        let body = if path == answers { json!({"text": "Diperbaiki"}) } else { body.clone() };
        files.post(path, &format!("{header}\r\n"), &body).expect(422);
    }
    files.post(&answers, "", &json!({"text": " "})).expect(422);

    let mut reads = Program::with(&hub, &["complaints:read", "complaints:write"]);
    let path = format!("/complaints/{code}");
    let seen = reads.get(&path).expect(200);
    assert_eq!(document(&seen)["fields"]["nama_pelapor"], "***");
    let mut sees = Program::with(&hub, &["complaints:read", "identity:read"]);
    assert_eq!(document(&sees.get(&path).expect(200))["fields"]["nama_pelapor"], "Tini");

    // What was read before somebody else changed it is not written over.
    let guard = format!("If-Match: {}\r\n", seen.header("etag"));
    let step = json!({"to": "terverifikasi"});
    reads.post(&format!("{path}/transitions"), &guard, &step).expect(200);
    reads.post(&format!("{path}/transitions"), &guard, &json!({"to": "diproses"})).expect(412);
    reads.post(&format!("{path}/transitions"), "", &json!({"to": "dijawab"})).expect(422);
    sari.sync().ok();
    sari.sync().ok();
    assert_eq!(sari.record(&code)["code"], code.as_str(), "the office has it");

    // A key that was taken back, a made-up one and none at all are alike.
    let id = reads.key.split('_').nth(1).expect("a number").to_owned();
    hub.run(&["key", "revoke", &id]).ok();
    reads.get(&path).expect(401);
    reads.key = format!("ktg_{id}_00");
    reads.get(&path).expect(401);
    at(&hub, "public").get(&format!("/api/v1{path}")).expect(401);
}

#[test]
fn an_application_of_citizens_files_by_open311_and_reads_where_it_stands() {
    let (hub, _sari) = open();
    let mut program = Program::with(&hub, &["complaints:write"]);
    let services = document(&program.door.get("/open311/v2/services.json").expect(200));
    assert!(services.as_array().is_some_and(|all| all.iter().any(|one| one["service_code"] == "infrastruktur")));
    let form = |key: &str| {
        encoded(&[
            ("api_key", key),
            ("jurisdiction_id", OFFICE),
            ("service_code", "infrastruktur"),
            ("description", "Jembatan <rusak> & licin"),
            ("lat", "-6.9"),
            ("long", "107.6"),
        ])
    };
    let kind = "application/x-www-form-urlencoded";
    let path = "/open311/v2/requests.json";
    assert_eq!(program.door.send(path, "", kind, form("ktg_1_2").as_bytes()).code, 403);
    let filed = program.door.send(path, "", kind, form(&program.key).as_bytes()).expect(200);
    let code = document(&filed)[0]["service_request_id"].as_str().expect("a code").to_owned();
    assert_eq!(hub.export("complaints")[0]["lokasi"], "-6.9, 107.6");
    let found = program.door.get(&format!("/open311/v2/requests/{code}.xml")).expect(200).text();
    assert!(
        found.contains(&format!("<service_request_id>{code}</service_request_id>")) && found.contains("<status>open<")
    );
    assert!(!found.contains("licin"), "{found}");
}
