//! How somebody comes to the console, what they see of each other, and what the audit trail says of it.

use kentongan_host::certificate::fingerprint;
use kentongan_host::enrolment::from_hex;
use kentongan_host::identity;
use kentongan_hub::service::totp;
use kentongan_tests::Hub;
use kentongan_tests::visitor::{Visitor, text_after, value_after};
use serde_json::Value;

use super::{PASSWORD, accept, admin, log_in, somebody};

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(now.as_millis()).expect("a time")
}

#[test]
fn an_invitation_serves_once_and_who_is_barred_is_out_at_once() {
    let hub = Hub::start();
    let mut wayan = admin(&hub);
    let page = wayan.post("/orang", &[("nama", "sari"), ("nama_lengkap", "Sari"), ("peran", "case")]).expect(200);
    let code = text_after(&page.text(), "class=\"kode besar\">").to_owned();
    let mut sari = Visitor::at_console(&hub.console());
    assert_eq!(accept(&mut sari, "sari", "2222-2222-2222-2222-2222").code, 401);
    accept(&mut sari, "sari", &code).expect(303);
    sari.get("/akun").expect(200);
    let mut thief = Visitor::at_console(&hub.console());
    assert_eq!(accept(&mut thief, "sari", &code).code, 401, "an invitation serves once");

    wayan.post("/orang/sari/tutup", &[("tutup", "ya")]).expect(303);
    assert_eq!(sari.get("/akun").code, 303, "a barred person is out at once");
    assert_eq!(log_in(&mut sari, "sari", PASSWORD).code, 401);
    wayan.post("/orang/sari/tutup", &[("tutup", "tidak")]).expect(303);
    assert_eq!(log_in(&mut sari, "sari", PASSWORD).code, 303);

    assert_eq!(wayan.post("/orang/admin/tutup", &[("tutup", "ya")]).code, 422, "one admin remains");
    let copy = wayan.post("/audit/salinan", &[("bentuk", "jsonl"), ("objek", "sari")]).expect(200).text();
    let lines: Vec<Value> = copy.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let (seal, lines) = lines.split_last().expect("a seal");
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    for event in ["account.added", "account.password", "login.begun", "account.barred", "account.let_in"] {
        assert!(events.contains(&event), "{event} is missing in {events:?}");
    }
    assert!(lines.iter().all(|line| line["actor"] != "admin" || line["detail"]["from"] == "127.0.0.1"), "{copy}");
    assert!(lines.iter().any(|line| line["event"] == "account.barred" && line["detail"]["role"] == "admin"));
    is_sealed(seal, copy.rsplit_once("{\"schema\":\"kentongan.audit.seal/1\"").expect("a seal").0.as_bytes());
    let checked = wayan.post("/audit/periksa", &[]).expect(200).text();
    assert!(checked.contains("Rantai utuh"), "{checked}");
}

/// Whether the last line of a copy proves the others.
#[track_caller]
fn is_sealed(seal: &Value, copy: &[u8]) {
    let hex = |name: &str| from_hex(seal[name].as_str().expect("digits")).expect("digits");
    let sum = fingerprint(copy);
    assert_eq!(hex("sha256"), sum);
    let key = hex("public_key").try_into().expect("32 bytes");
    let signature = hex("signature").try_into().expect("64 bytes");
    assert!(identity::verify(&key, &[&b"kentongan audit export 1 "[..], &sum].concat(), &signature));
}

#[test]
fn with_a_second_factor_the_password_alone_opens_nothing_and_no_code_serves_twice() {
    let hub = Hub::start();
    let mut sari = somebody(&hub, "sari", "viewer");
    let page = sari.get("/akun/langkah-kedua").expect(200).text();
    let key = value_after(&page, "name=\"kunci\" value=\"").to_owned();
    let key_bytes = from_hex(&key).expect("a key");
    let code = totp::code(&key_bytes, now_ms());
    let set = |sari: &mut Visitor, password: &str| {
        sari.post("/akun/langkah-kedua", &[("kunci", &key), ("kode", &code), ("sandi_lama", password)])
    };
    assert_eq!(set(&mut sari, "bukan kata sandinya").code, 422, "whoever finds an open browser sets nothing up");
    let spare = set(&mut sari, PASSWORD).expect(200).text();
    let spare = value_after(&spare.replace("<li class=\"kode\">", "<li x=\""), "<li x=\"")
        .split('<')
        .next()
        .expect("one")
        .to_owned();

    let mut again = Visitor::at_console(&hub.console());
    assert_eq!(log_in(&mut again, "sari", PASSWORD).expect(303).header("location"), "/masuk/kode");
    assert_eq!(again.get("/akun").expect(303).header("location"), "/masuk/kode", "the password alone opens nothing");
    assert_eq!(again.post("/masuk/kode", &[("kode", &code)]).code, 401, "the code was used");
    again.post("/masuk/kode", &[("kode", &spare)]).expect(303);
    again.get("/akun").expect(200);
    let mut third = Visitor::at_console(&hub.console());
    log_in(&mut third, "sari", PASSWORD).expect(303);
    assert_eq!(third.post("/masuk/kode", &[("kode", &spare)]).code, 401, "so does a spare code");

    let new = "pagi siang sore malam";
    let fields = [("sandi_lama", PASSWORD), ("sandi", new), ("sandi_lagi", new)];
    again.post("/akun/sandi", &fields).expect(303);
    again.get("/akun").expect(200);
    assert_eq!(sari.get("/akun").code, 303, "a new password ends the other logins");
}
