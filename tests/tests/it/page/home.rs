//! What the first page says by itself: what presses, and for how long there is room.

use kentongan_tests::{Hub, Office};

use super::http::Visitor;

const VILLAGE: &str = "32.73.05.1001";
const CLINIC: &str = "32.73.05.1002";
const DAY_MS: i64 = 24 * 3_600_000;

/// The first page of an office whose service starts now.
fn first_page(office: &mut Office) -> String {
    office.start();
    Visitor::at(&office.page()).get("/").expect(200).text()
}

#[test]
fn a_disk_that_fills_is_told_on_the_first_page_and_by_status_with_what_to_do() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, VILLAGE);
    sari.hurry();
    assert!(sari.status()["room"].is_null(), "nothing is guessed on the first day: {:#}", sari.status());
    sari.configure("[store]\nmin_free = \"8000000GiB\"\n[hub]\nproxy = \"none\"\n");
    let page = first_page(&mut sari);
    assert!(page.contains("Kosongkan ruang di disk ini."), "{page}");
    let room = sari.status()["room"].clone();
    assert_eq!((&room["low"], &room["days"]), (&true.into(), &0.into()), "{room:#}");
}

#[test]
fn an_office_says_some_words_in_its_own_way_and_mistakes_are_told_by_file_and_line() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, VILLAGE);
    let own = sari.data().join("words.id.txt");
    std::fs::write(&own, "isi.aduan_baru = Wadul anyar\n# Kantor ini\nmenu.berada = Tepas\n").expect("written");
    let refused = sari.run(&["config", "check"]).expect(2).stderr;
    assert!(refused.contains("words.id.txt:3") && refused.contains("menu.beranda"), "{refused}");
    assert!(first_page(&mut sari).contains("Aduan baru"), "a file with a mistake changes nothing");
    sari.stop();
    std::fs::write(&own, "isi.aduan_baru = Wadul <anyar>\n").expect("written");
    sari.run(&["config", "check"]).ok();
    let page = first_page(&mut sari);
    assert!(page.contains("Wadul &#60;anyar&#62;") && page.contains("Beranda"), "{page}");
    let words = sari.run(&["--lang", "id", "config", "words", "--json"]).ok().json();
    assert_eq!(words["words"]["isi.aduan_baru"], "Wadul <anyar>");
}

#[test]
fn a_complaint_that_was_handed_to_an_office_presses_on_its_first_page_and_on_no_others() {
    let hub = Hub::start();
    let [mut village, mut clinic] = [VILLAGE, CLINIC].map(|code| Office::enrol(&hub, code));
    let entered = village.complain("Antrean obat terlalu lama");
    village.sync().ok();
    hub.run(&["complaint", "forward", &entered.code, "--to", CLINIC]).ok();
    for office in [&mut village, &mut clinic] {
        office.sync().ok();
        // Five working days are over by then, whatever holidays there are.
        office.shift_clock(30 * DAY_MS);
    }
    let (village, clinic) = (first_page(&mut village), first_page(&mut clinic));
    assert!(clinic.contains("Lewat batas jawaban") && clinic.contains(&entered.code), "{clinic}");
    assert!(!village.contains("Lewat batas jawaban"), "it is not their turn: {village}");
}
