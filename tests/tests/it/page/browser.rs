//! Stories in a real browser, with the keys of a person. Without Chromium each says that it is skipped.

use kentongan_tests::browser::Browser;
use kentongan_tests::office::by_day;
use kentongan_tests::{Entered, Hub, Office, wait};

fn office(hub: &Hub) -> (Office, String) {
    let mut sari = Office::enrol(hub, by_day());
    sari.hurry();
    sari.start();
    let page = sari.page();
    (sari, page)
}

/// A complaint whose place the office and the hub wrote without hearing of each other: `RT 03 depan musala` and `RT 05`.
pub(super) fn in_conflict(hub: &Hub, sari: &Office) -> Entered {
    let entered = sari.complain("Jalan berlubang.");
    sari.wait_arrived();
    hub.door().cut();
    sari.run(&["record", "edit", &entered.code, "lokasi=RT 03 depan musala"]).ok();
    hub.run(&["complaint", "set", &entered.code, "--field", "lokasi=RT 05"]).ok();
    hub.door().mend();
    wait::until_true("the office sees both values", wait::LONG, || sari.status()["conflicts"] == 1);
    entered
}

/// Enters a complaint from the first page on, by the keyboard alone.
fn complain(browser: &mut Browser, page: &str, number: usize) -> String {
    browser.open(&format!("{page}isi/pengaduan"));
    browser.fills("nama_pelapor", &format!("Pelapor {number}"));
    browser.tabs_to("[name=kategori]");
    browser.presses("ArrowDown", 0);
    browser.fills("uraian", &format!("Lampu jalan nomor {number} padam"));
    browser.goes(|browser| browser.presses("Enter", 2));
    browser.sees("Periksa sebelum disimpan");
    if number == 1 {
        // There is one much like it.
        browser.sees("Mirip dengan aduan");
        browser.keeps_picture("periksa-mirip");
    }
    browser.goes(|browser| browser.presses("Enter", 2));
    browser.sees("Aduan tersimpan.");
    browser.run("document.querySelector('.kode-besar').innerText").as_str().expect("a code").to_owned()
}

/// Enters a survey: the nine questions, with Tab and the space bar.
fn survey(browser: &mut Browser, page: &str) {
    browser.open(&format!("{page}isi/skm"));
    for key in ["persyaratan", "prosedur", "waktu", "biaya", "produk", "kompetensi", "perilaku", "pengaduan", "sarpras"]
    {
        browser.tabs_to(&format!("[name={key}]"));
        browser.presses(" ", 0);
        browser.presses("ArrowRight", 0);
    }
    browser.goes(|browser| browser.presses("Enter", 2));
    browser.sees("Survei tersimpan");
}

#[test]
fn training_opens_beside_the_page_of_the_office_and_every_paper_of_it_is_marked() {
    let hub = Hub::start();
    let (_sari, page) = office(&hub);
    let Some(mut browser) = Browser::start("training") else { return };
    browser.open(&page);
    browser.goes(|browser| browser.clicks("main a[href='/latihan']"));
    browser.goes(|browser| browser.clicks("main button[value=mulai]"));
    browser.keeps_picture("latihan-pintu");
    let address = browser.run("document.querySelector('main a.tombol').href").as_str().expect("an address").to_owned();
    browser.open(&address);
    browser.sees("Latihan: cobalah apa saja");
    browser.keeps_picture("latihan-beranda");
    let code = complain(&mut browser, &address, 2);
    assert!(code.starts_with("KTG-ZZZZ-"), "{code}");
    browser.as_printed(true);
    let mark = "getComputedStyle(document.body, '::after')";
    assert_eq!(browser.run(&format!("{mark}.content")), "\"LATIHAN\"");
    assert_eq!(browser.run(&format!("{mark}.display !== 'none' && {mark}.position")), "fixed");
    browser.keeps_picture("latihan-tanda-terima");
    browser.as_printed(false);
    browser.goes(|browser| browser.clicks(".latihan-pita button"));
    browser.sees("Latihan selesai");
}

#[test]
fn a_day_without_a_line_is_entered_by_keyboard_and_arrives_by_itself() {
    let hub = Hub::start();
    let (mut sari, page) = office(&hub);
    let Some(mut browser) = Browser::start("a day without a line") else { return };
    browser.open(&page);
    browser.sees("Siap menerima catatan");
    browser.keeps_picture("beranda-kosong");
    hub.door().cut();
    let each = if std::env::var_os("KENTONGAN_FULL").is_some() { 20 } else { 3 };
    let mut codes = Vec::new();
    for number in 0..each {
        codes.push(complain(&mut browser, &page, number));
        if number == each / 2 {
            sari.kill();
            sari.start();
        }
    }
    for _ in 0..each {
        survey(&mut browser, &page);
    }
    let all = 2 * each;
    browser.open(&page);
    browser.sees("Sedang tanpa sambungan. Anda tetap bisa bekerja.");
    browser.sees(&format!("{all} catatan aman di komputer ini"));
    browser.keeps_picture("beranda-tanpa-sambungan");
    browser.open(&format!("{page}pengiriman"));
    browser.keeps_picture("pengiriman-tanpa-sambungan");
    browser.open(&page);
    hub.door().mend();
    // The page says so by itself: nobody touches it.
    browser.sees("Semua sudah sampai di pusat");
    browser.sees(&format!("{all} dari {all} catatan hari ini sampai di pusat"));
    browser.keeps_picture("beranda-sampai");
    assert_eq!((hub.export("complaints").len(), hub.export("surveys").len()), (each, each));
    let at_hub = hub.export("complaints");
    for code in codes {
        assert!(at_hub.iter().any(|record| record["code"] == code.as_str()), "{code} is at the hub");
    }
}

#[test]
fn a_draft_survives_the_death_of_browser_and_program() {
    let hub = Hub::start();
    let (mut sari, page) = office(&hub);
    let Some(mut browser) = Browser::start("a draft survives") else { return };
    browser.open(&page);
    browser.goes(|browser| {
        browser.tabs_to("[accesskey=n]");
        browser.presses("Enter", 0);
    });
    assert!(browser.path().starts_with("/isi/pengaduan/"), "{}", browser.path());
    browser.fills("nama_pelapor", "Rukmini");
    browser.fills("uraian", "Jembatan di dusun tiga putus sejak");
    // Nothing is pressed: it is kept while one types.
    browser.sees("Draf tersimpan");
    let kept = || sari_drafts(&sari);
    wait::until_true("the draft is as it was typed", wait::LONG, || kept().contains("Jembatan"));
    sari.kill();
    let mut browser = browser.kill_and_start_again();
    sari.start();
    browser.open(&page);
    browser.sees("yang belum disimpan");
    browser.goes(|browser| browser.clicks(".pita a.tombol"));
    assert_eq!(browser.run("document.querySelector('[name=nama_pelapor]').value"), "Rukmini");
    assert_eq!(browser.run("document.querySelector('[name=uraian]').value"), "Jembatan di dusun tiga putus sejak");
    // While the program is gone, the page says so and loses nothing.
    sari.kill();
    browser.fills("uraian", " kemarin");
    browser.sees("Draf belum tersimpan");
    sari.start();
    browser.sees("Draf tersimpan");
    wait::until_true("what was typed meanwhile is kept", wait::LONG, || sari_drafts(&sari).contains("kemarin"));
}

/// What the drafts of an office hold, read from beside.
fn sari_drafts(office: &Office) -> String {
    let store = rusqlite::Connection::open_with_flags(
        office.data().join("store.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    );
    let store = store.expect("a store to read");
    let drafts = "SELECT coalesce(group_concat(inputs), '') FROM draft";
    store.query_row(drafts, [], |row| row.get(0)).unwrap_or_default()
}

#[test]
fn pages_are_whole_without_a_script_and_readable_on_a_telephone() {
    let hub = Hub::start();
    let (sari, page) = office(&hub);
    let entered = sari.complain("Lampu jalan di depan balai desa padam");
    sari.wait_arrived();
    let Some(mut browser) = Browser::start("pages without a script") else { return };
    for (name, path) in [
        ("beranda", String::new()),
        ("aduan", "isi/pengaduan".to_owned()),
        ("survei", "isi/skm".to_owned()),
        ("catatan", "catatan".to_owned()),
        ("satu-catatan", format!("catatan/{}", entered.id)),
        ("tanda-terima", format!("catatan/{}/tanda-terima", entered.id)),
        ("pengiriman", "pengiriman".to_owned()),
        ("rekap", "rekap".to_owned()),
        ("bantuan", "bantuan".to_owned()),
    ] {
        for (kind, width) in [("", 1366), ("-telepon", 360)] {
            browser.resize(width, 768);
            browser.open(&format!("{page}{path}"));
            browser.keeps_picture(&format!("{name}{kind}"));
            let wide = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert_eq!(wide, 0, "{name}{kind}: no scrolling sideways at {width} px");
        }
    }
    browser.resize(1366, 768);
    browser.scripts(false);
    browser.open(&format!("{page}isi/pengaduan"));
    browser.fills("uraian", "Tanpa skrip");
    browser.goes(|browser| {
        browser.tabs_to("button[data-utama]");
        browser.presses("Enter", 0);
    });
    browser.sees("Ada masalah");
    browser.keeps_picture("aduan-salah");
}

/// Width that is left of a paper, in millimetres, and its name.
const PAPERS: [(u32, &str); 3] = [(186, "a4"), (74, "80"), (54, "58")];

#[test]
fn a_receipt_with_much_to_say_fits_its_paper() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.configure(
        "[receipt]\ntrack = \"https://lacak.kabupaten-contoh.go.id/lacak\"\n\
         unanswered = \"Kepala Desa Sukamaju 0812-5550-0199, Ombudsman 555-0137\"\n",
    );
    sari.start();
    let said = "Lampu jalan di depan balai desa padam sejak Senin malam, warga sudah tiga kali melapor. ".repeat(4);
    let entered = sari.add(
        "pengaduan",
        &[
            ("nama_pelapor", "Rukmini Contoh"),
            ("layanan", "Penerangan jalan lingkungan dan sarana umum desa"),
            ("kategori", "sarana_prasarana"),
            ("uraian", &said),
            ("kanal", "tatap_muka"),
        ],
    );
    let Some(mut browser) = Browser::start("receipts on paper") else { return };
    browser.as_printed(true);
    for (width_mm, name) in PAPERS {
        // A CSS inch is 96 pixels.
        browser.resize(width_mm * 960 / 254, 900);
        browser.open(&format!("{}catatan/{}/tanda-terima?kertas={name}", sari.page(), entered.id));
        browser.keeps_picture(&format!("cetak-{name}"));
        let wide = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(wide, 0, "{name}: pixels at the side that do not fit");
        let high = browser.run("Math.ceil(document.querySelector('.tanda-terima').getBoundingClientRect().height)");
        let half_a4_px = 137 * 960 / 254;
        assert!(name != "a4" || high.as_u64() <= Some(half_a4_px), "{name}: {high} pixels high, of {half_a4_px}");
    }
}

#[test]
fn blank_surveys_take_a_sheet_of_paper_each_and_are_typed_by_keyboard() {
    let hub = Hub::start();
    let (sari, page) = office(&hub);
    let Some(mut browser) = Browser::start("blank surveys on paper") else { return };
    browser.open(&format!("{page}isi/skm"));
    browser.goes(|browser| {
        browser.tabs_to("a[href=\"/kertas\"]");
        browser.presses("Enter", 0);
    });
    browser.keeps_picture("kertas");
    browser.run("document.querySelector('[name=lembar]').value = ''");
    browser.fills("lembar", "4");
    browser.goes(|browser| browser.presses("Enter", 0));
    browser.sees("lembar 4 dari 4");
    assert_eq!(browser.sheets_of_paper(), 4);
    browser.keeps_picture("kertas-lembar");
    let code = browser.path().trim_start_matches("/kertas/").trim_end_matches("/cetak").to_owned();
    for path in ["kertas".to_owned(), format!("kertas/{code}"), format!("kertas/{code}/cetak")] {
        browser.resize(360, 768);
        browser.open(&format!("{page}{path}"));
        let wide = browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(wide, 0, "{path}: no scrolling sideways on a telephone");
    }
    browser.resize(1366, 768);
    browser.goes(|browser| browser.clicks("[lang=en]:not(html)"));
    browser.sees("sheet 4 of 4");
    assert_eq!(browser.sheets_of_paper(), 4, "in English, too");
    browser.goes(|browser| browser.clicks("[lang=id]:not(html)"));

    browser.open(&format!("{page}kertas"));
    browser.fills("kode", &code.to_lowercase());
    browser.goes(|browser| browser.presses("Enter", 0));
    browser.sees("0 dari 4 lembar sudah diisi");
    browser.goes(|browser| {
        browser.tabs_to(&format!("a[href=\"/kertas/{code}/1\"]"));
        browser.presses("Enter", 0);
    });
    for number in [1, 2] {
        browser.sees(&format!("lembar {number} dari 4"));
        browser.tabs_to("[name=persyaratan]");
        browser.presses(" ", 0);
        browser.goes(|browser| browser.presses("Enter", 2));
        browser.sees("Survei tersimpan");
    }
    browser.sees("lembar 3 dari 4");
    browser.keeps_picture("kertas-isi");
    browser.goes(|browser| browser.clicks(&format!("a[href=\"/kertas/{code}\"]")));
    browser.sees("2 dari 4 lembar sudah diisi");
    browser.keeps_picture("kertas-daftar");
    assert_eq!(sari.status()["entered"]["skm"], 2);
}

#[test]
fn a_conflict_is_settled_at_the_office_by_keyboard_and_the_hub_agrees() {
    let hub = Hub::start();
    let (sari, page) = office(&hub);
    let entered = in_conflict(&hub, &sari);
    let Some(mut browser) = Browser::start("a conflict is settled at the office") else { return };
    browser.open(&page);
    browser.sees("Bentrok");
    browser.goes(|browser| {
        browser.tabs_to(&format!("a[href=\"/catatan/{}\"]", entered.id));
        browser.presses("Enter", 0);
    });
    browser.sees("RT 05");
    browser.keeps_picture("bentrok");
    let at_hand = "document.activeElement?.closest('form')?.innerText.includes('RT 03') ?? false";
    browser.goes(|browser| {
        browser.tabs_to_where(at_hand);
        browser.presses("Enter", 0);
    });
    browser.sees("Perubahan tersimpan di komputer ini.");
    assert!(!browser.text().contains("Bentrok"));
    wait::until_true("nothing stands side by side at the hub", wait::LONG, || {
        hub.run(&["conflict", "list"]).ok().json()["conflicts"].as_array().is_some_and(Vec::is_empty)
    });
    assert_eq!(sari.record(&entered.code)["fields"]["lokasi"], "RT 03 depan musala");
    browser.open(&page);
    assert!(!browser.text().contains("Bentrok"), "nothing is left to be looked at");
}

#[test]
fn who_enters_a_confidential_complaint_is_told_before_that_it_closes_behind_them() {
    let hub = Hub::start();
    let Some(mut browser) = Browser::start("rahasia") else { return };
    let (sari, page) = office(&hub);
    browser.open(&format!("{page}isi/pengaduan"));
    browser.clicks("[name=privasi][value=rahasia]");
    browser.fills("nama_pelapor", "Rukmini");
    browser.tabs_to("[name=kategori]");
    browser.presses("ArrowDown", 0);
    browser.fills("uraian", "Juru bayar minta uang di belakang loket");
    browser.goes(|browser| browser.presses("Enter", 2));
    browser.sees("isinya disegel");
    browser.keeps_picture("rahasia-periksa");
    browser.goes(|browser| browser.presses("Enter", 2));
    browser.sees("Aduan tersimpan.");
    assert!(!browser.text().contains("Juru bayar"), "{}", browser.text());
    browser.keeps_picture("rahasia-tanda-terima");
    sari.wait_arrived();
    let receipt = browser.path();
    let record = receipt.trim_start_matches('/').split('?').next().and_then(|path| path.strip_suffix("/tanda-terima"));
    browser.open(&format!("{page}{}", record.expect("the receipt of a record")));
    browser.sees("hanya dapat dibuka di pusat");
    assert!(!browser.text().contains("Rukmini"), "{}", browser.text());
    browser.keeps_picture("rahasia-catatan");
}
