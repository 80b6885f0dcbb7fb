//! Connections that break, at every place and in both directions.

use kentongan_tests::{Dice, Hub, Office, Way, data};

use crate::export;

/// Places of a cut within an exchange, in bytes on the wire: within the TLS handshake, its end, the first frames of
/// the answer, and far in.
const DOWN_CUTS: [u64; 14] = [0, 1, 200, 700, 900, 1_000, 1_050, 1_100, 1_150, 1_200, 1_300, 1_500, 2_000, 3_000];
const UP_CUTS: [u64; 12] = [0, 1, 300, 600, 1_200, 1_500, 1_700, 2_000, 2_500, 4_000, 6_000, 9_000];

#[test]
fn an_answer_that_is_cut_anywhere_costs_no_duplicate_and_the_next_contact_goes_on() {
    cut_everywhere(Way::Down, &DOWN_CUTS);
}

#[test]
fn a_request_that_is_cut_anywhere_costs_no_duplicate_and_the_next_contact_goes_on() {
    cut_everywhere(Way::Up, &UP_CUTS);
}

fn cut_everywhere(way: Way, places: &[u64]) {
    let mut dice = Dice::from_environment("cuts", 7);
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let mut texts: Vec<String> = Vec::new();
    for (round, place) in places.iter().enumerate() {
        let file = sari.desk().join(format!("{round}.jsonl"));
        let complaints: Vec<_> = (0..8).map(|number| data::complaint(&mut dice, round * 100 + number)).collect();
        texts.extend(complaints.iter().map(|fields| fields["uraian"].as_str().expect("a text").to_owned()));
        data::write_json_lines(&file, complaints.iter().map(|fields| ("pengaduan", fields)));
        sari.import(&file).ok();

        hub.door().cut_after(way, *place);
        let cut = sari.sync();
        let sprang = !hub.door().disarm();
        if sprang && cut.code != 0 {
            assert_eq!((cut.code, cut.error()["code"].as_str()), (13, Some("KTG-113")), "{place}: {cut:#?}");
            // Whatever the hub has or not: nothing is called arrived that is not there.
            let at_hub = hub.export("complaints").len() as u64;
            let status = sari.status();
            assert!(status["arrived_total"].as_u64().expect("a number") <= at_hub, "{place}: {status:#}");
        }
        let next = sari.sync().ok().json();
        assert_eq!((&next["all_arrived"], &next["arrived_total"]), (&true.into(), &texts.len().into()), "{place}");
        export::assert_texts(&hub, texts.iter().map(String::as_str));
    }
}

#[test]
fn a_link_that_is_down_is_no_fault_of_the_office_and_nothing_waits_for_a_person() {
    let mut hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    sari.complain("Nomor antrean tidak dipanggil.");
    hub.stop();
    let ended = sari.sync().expect(13);
    assert_eq!(ended.error()["exit"], 13);
    let status = sari.run(&["status", "--check"]).ok().json();
    assert_eq!((&status["state"], &status["healthy"]), (&"offline".into(), &true.into()), "{status:#}");
    assert_eq!(status["queue"]["queued"], 1, "{status:#}");
    hub.begin();
    assert_eq!(sari.sync().ok().json()["all_arrived"], true);
    assert_eq!(hub.export("complaints").len(), 1);
}
