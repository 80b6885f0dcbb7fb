//! Connections that break, at every place and in both directions.

use kentongan_tests::{Dice, Hub, Office, Way, data};

use crate::export;

/// Places of a cut, spread over all bytes of an exchange on the wire: from its first byte, through the TLS handshake
/// and every frame, to its last.
const PLACES: u64 = 48;

#[test]
fn an_answer_that_is_cut_anywhere_costs_no_duplicate_and_the_next_contact_goes_on() {
    cut_everywhere(Way::Down);
}

#[test]
fn a_request_that_is_cut_anywhere_costs_no_duplicate_and_the_next_contact_goes_on() {
    cut_everywhere(Way::Up);
}

/// Sari enters a few complaints a round; their exchange is cut, and the next one is not.
struct Rounds {
    hub: Hub,
    sari: Office,
    dice: Dice,
    texts: Vec<String>,
}

impl Rounds {
    fn enter_some(&mut self) {
        let first = self.texts.len();
        let file = self.sari.desk().join(format!("{first}.jsonl"));
        let complaints: Vec<_> = (first..first + 8).map(|number| data::complaint(&mut self.dice, number)).collect();
        self.texts.extend(complaints.iter().map(|fields| fields["uraian"].as_str().expect("a text").to_owned()));
        data::write_json_lines(&file, complaints.iter().map(|fields| ("pengaduan", fields)));
        self.sari.import(&file).ok();
    }

    fn bytes(&self, way: Way) -> u64 {
        let counts = self.hub.door().counts();
        match way {
            Way::Up => counts.up_bytes,
            Way::Down => counts.down_bytes,
        }
    }
}

fn cut_everywhere(way: Way) {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let mut rounds = Rounds { hub, sari, dice: Dice::from_environment("cuts", 7), texts: Vec::new() };
    rounds.enter_some();
    let before = rounds.bytes(way);
    rounds.sari.sync().ok();
    let whole = rounds.bytes(way) - before;
    let mut cuts = 0;
    for place in (0..PLACES).map(|part| whole * part / PLACES) {
        rounds.enter_some();
        rounds.hub.door().cut_after(way, place);
        let cut = rounds.sari.sync();
        if !rounds.hub.door().disarm() && cut.code != 0 {
            cuts += 1;
            assert_eq!((cut.code, cut.error()["code"].as_str()), (13, Some("KTG-113")), "{place}: {cut:#?}");
            // Whatever the hub has or not: nothing is called arrived that is not there.
            let at_hub = rounds.hub.export("complaints").len() as u64;
            let status = rounds.sari.status();
            assert!(status["arrived_total"].as_u64().expect("a number") <= at_hub, "{place}: {status:#}");
        }
        let next = rounds.sari.sync().ok().json();
        let entered = rounds.texts.len();
        assert_eq!((&next["all_arrived"], &next["arrived_total"]), (&true.into(), &entered.into()), "{place}");
        export::assert_texts(&rounds.hub, rounds.texts.iter().map(String::as_str));
    }
    println!("{way:?}: {whole} bytes, {cuts} of {PLACES} contacts ended by a cut");
    // The last bytes of a connection are a farewell that nobody waits for.
    assert!(cuts >= PLACES * 3 / 4, "{cuts} of {PLACES}");
}

#[test]
fn a_second_pc_that_fetches_over_a_link_that_keeps_breaking_gets_every_record_once() {
    let mut dice = Dice::from_environment("fetching", 21);
    let hub = Hub::start();
    let front = Office::enrol(&hub, "32.73.05.1001");
    let back = Office::enrol(&hub, "32.73.05.1001");
    let complaints: Vec<_> = (0..400).map(|number| data::complaint(&mut dice, number)).collect();
    let file = front.desk().join("aduan.jsonl");
    data::write_json_lines(&file, complaints.iter().map(|fields| ("pengaduan", fields)));
    let report = front.import(&file).ok().json();
    front.sync().ok();

    let (mut contacts, mut fetched) = (0, 0);
    while fetched < complaints.len() as u64 {
        contacts += 1;
        assert!(contacts < 60, "{fetched} of {} after {contacts} contacts", complaints.len());
        hub.door().cut_after(Way::Down, 4_000 + dice.below(25_000));
        back.sync();
        hub.door().disarm();
        let held = back.run(&["queue", "list", "--limit", "100000"]).ok().json();
        let now = held["records"].as_array().expect("records").len() as u64;
        assert!(now >= fetched, "{fetched} were here, now {now}");
        fetched = now;
    }
    println!("{fetched} records fetched in {contacts} contacts");
    for entered in report["entered"].as_array().expect("what was entered").iter().step_by(37) {
        let code = entered["code"].as_str().expect("a code");
        assert_eq!(back.record(code)["fields"], front.record(code)["fields"], "{code}");
    }
    assert_eq!(back.sync().ok().json()["fetched"], 0);
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
