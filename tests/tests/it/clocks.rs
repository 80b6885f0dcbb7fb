//! PC clocks that are wrong by decades: nothing refuses, nothing reorders what followed from what, and the hub says
//! what time it really was and how sure it is.

use std::time::{SystemTime, UNIX_EPOCH};

use kentongan_tests::{Hub, Office};
use serde_json::Value;

/// By how much a clock that shows the first of January of `year` is wrong now, in milliseconds.
fn offset_to(year: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    // Good to a few days, which is all these stories need.
    (year - 1970) * 365_242_190 * 864 / 10 + 86_400_000 - now
}

#[test]
fn an_office_whose_clock_shows_1970_enters_delivers_and_is_corrected() {
    a_wrong_clock_refuses_nothing(1970);
}

#[test]
fn an_office_whose_clock_shows_2010_enters_delivers_and_is_corrected() {
    a_wrong_clock_refuses_nothing(2010);
}

#[test]
fn an_office_whose_clock_shows_2099_enters_delivers_and_is_corrected() {
    a_wrong_clock_refuses_nothing(2099);
}

fn a_wrong_clock_refuses_nothing(year: i64) {
    let hub = Hub::start();
    let offset_ms = offset_to(year);
    let mut sari = Office::enrol_at(&hub, "32.73.05.1001", &hub.url(), offset_ms);
    sari.start();
    let entered = sari.complain("Jam komputer ini salah.");
    sari.run(&["record", "edit", &entered.code, "lokasi=RT 01"]).ok();
    let status = sari.wait_arrived();
    let told_s = status["clock_offset_s"].as_f64().expect("the offset that was measured");
    assert!((told_s - offset_ms as f64 / 1000.0).abs() < 60.0, "{told_s} against {offset_ms} ms");

    // The hub's change comes after the office's in every order, though the office's clock may be decades ahead.
    hub.run(&["complaint", "set", &entered.code, "--field", "lokasi=RT 02"]).ok();
    sari.sync().ok();
    let record = sari.record(&entered.code);
    assert_eq!(record["fields"]["lokasi"], "RT 02", "{record:#}");
    assert_eq!(record["conflicts"], 0, "{record:#}");
    sari.run(&["record", "edit", &entered.code, "lokasi=RT 03"]).ok();
    sari.sync().ok();

    let documents = hub.export("complaints");
    assert_eq!(documents[0]["lokasi"], "RT 03");
    assert_corrected(&documents[0]);
}

/// The time of entry is today's, whatever the PC's clock showed, and says where it is from and how far it may be off.
#[track_caller]
fn assert_corrected(document: &Value) {
    let entered = &document["entered_at"];
    let at = entered["value"].as_str().unwrap_or_else(|| panic!("no time of entry: {document:#}"));
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    let at_ms = at.parse::<jiff::Timestamp>().expect("a time").as_millisecond();
    let error_ms = entered["error_ms"].as_i64().unwrap_or_else(|| panic!("no error: {document:#}"));
    assert!((now_ms - at_ms).abs() <= 600_000 + error_ms, "{at}: {document:#}");
    assert!(error_ms < 600_000, "{document:#}");
    assert!(entered["source"].is_string(), "{document:#}");
}

#[test]
fn a_run_that_ended_before_any_contact_gets_an_interval_and_its_order_stays() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.sync().ok();
    let mut codes = Vec::new();
    for year in [2099, 1970, 2010] {
        // Each command is a run of its own; none of these ever talks to the hub.
        sari.shift_clock(offset_to(year));
        codes.push(sari.complain(&format!("Jam menunjuk {year}.")).code);
        sari.run(&["record", "edit", &codes[0], &format!("lokasi=diubah pada {year}")]).ok();
    }
    sari.shift_clock(0);
    assert_eq!(sari.sync().ok().json()["all_arrived"], true);
    let documents = hub.export("complaints");
    assert_eq!(documents.len(), 3);
    for document in &documents {
        assert_corrected(document);
    }
    let first = documents.iter().find(|document| document["code"] == codes[0].as_str()).expect("the first");
    assert_eq!(first["lokasi"], "diubah pada 2010", "the last change stands, whatever its clock showed");
    assert_eq!(hub.status()["conflicts"], 0);
}

#[test]
fn a_hub_with_a_wrong_clock_still_takes_everything() {
    // The last one is beyond every calendar, and beyond what a certificate can say.
    for year in [1970, 2010, 2099, 41_000] {
        let mut hub = Hub::start();
        let sari = Office::enrol(&hub, "32.73.05.1001");
        hub.stop();
        hub.shift_clock(offset_to(year));
        hub.begin();
        sari.complain("Jam pusat salah.");
        let ended = sari.sync();
        // A hub that believes in 2099 takes every device for expired, and says so; with its clock set right all is well.
        if ended.code != 0 {
            assert_eq!((year > 2026, ended.error()["code"].as_str()), (true, Some("KTG-110")), "{year}: {ended:#?}");
        }
        hub.stop();
        hub.shift_clock(0);
        hub.begin();
        assert_eq!(sari.sync().ok().json()["all_arrived"], true, "{year}");
        assert_eq!(hub.export("complaints").len(), 1, "{year}");
    }
}
