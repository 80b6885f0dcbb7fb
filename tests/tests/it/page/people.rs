//! An office whose people have PINs: who comes in, what each may do, and what is kept when the page locks itself.

use kentongan_tests::{Hub, Office};

use super::http::{Answer, Visitor, value_after};

/// An office with a duty manager, Wayan (1), and a clerk, Siti (2), and the PINs that they were given.
fn office(hub: &Hub) -> (Office, Visitor, [String; 2]) {
    let mut sari = Office::enrol(hub, "32.73.05.1001");
    let pin = |words: &[&str]| sari.run(words).ok().json()["pin"].as_str().expect("a PIN").to_owned();
    let pins = [pin(&["user", "add", "Wayan", "--role", "manager"]), pin(&["user", "add", "Siti"])];
    sari.start();
    let visitor = Visitor::at(&sari.page());
    (sari, visitor, pins)
}

/// Comes in with a PIN that was given, and changes it to one of one's own.
fn come_in(visitor: &mut Visitor, person: &str, given: &str, own: &str) {
    let door = visitor.post("/masuk", &[("orang", person), ("pin", given)]).expect(303);
    assert_eq!(door.header("location"), "/pin", "a PIN that somebody else knows is changed first");
    assert_eq!(visitor.get("/catatan").expect(303).header("location"), "/pin", "before anything else");
    visitor.post("/pin", &[("baru", own), ("ulang", own)]).expect(303);
    visitor.get("/").expect(200);
}

#[test]
fn nobody_sees_anything_before_a_pin_and_what_is_entered_carries_the_name_of_whose_it_was() {
    let hub = Hub::start();
    let (sari, mut visitor, [wayans, sitis]) = office(&hub);
    for path in ["/", "/catatan", "/rekap", "/pengiriman", "/isi/pengaduan", "/orang", "/pin", "/petugas"] {
        let door = visitor.get(path).expect(303).header("location").to_owned();
        assert!(door.starts_with("/masuk?lanjut=/"), "{path}: {door}");
    }
    let door = visitor.get("/masuk").expect(200).text();
    assert!(door.contains("Wayan") && door.contains("penanggung jawab") && door.contains("Siti"), "{door}");
    let wrong = if sitis == "482199" { "482198" } else { "482199" };
    let refused = visitor.post("/masuk", &[("orang", "2"), ("pin", wrong)]).expect(422).text();
    assert!(refused.contains("PIN atau jawaban itu salah"), "{refused}");
    visitor.get("/").expect(303);

    come_in(&mut visitor, "2", &sitis, "4821");
    for (baru, ulang) in [("1111", "1111"), ("48", "48"), ("4822", "4823")] {
        visitor.post("/pin", &[("lama", "4821"), ("baru", baru), ("ulang", ulang)]).expect(422);
    }
    let form = visitor.get("/isi/pengaduan").expect(303).header("location").to_owned();
    let typed = [("aksi", "periksa"), ("uraian", "Loket tutup"), ("kategori", "antrean"), ("kanal", "telepon")];
    visitor.post(&form, &typed).expect(303);
    let receipt = visitor.post(&format!("{form}/periksa"), &[]).expect(303).header("location").to_owned();
    let id = receipt.split('/').nth(2).expect("an id").to_owned();
    assert_eq!(sari.record(&id)["history"][0]["author"], "Siti", "{:#}", sari.record(&id));

    // A clerk neither decides for the office nor looks after its people.
    visitor.get("/orang").expect(403);
    visitor.post("/orang", &[("aksi", "tambah"), ("nama", "Budi")]).expect(403);
    visitor.post(&format!("/catatan/{id}/putuskan/uraian"), &[("nilai", "x")]).expect(403);

    // Another PIN ends what was open under the old one, and so does another browser's look at the cookie.
    let mut elsewhere = Visitor::at(&format!("http://{}/", visitor.host));
    elsewhere.takes_over("ktg_orang", &visitor);
    elsewhere.get("/").expect(303);
    sari.run(&["user", "pin-reset", "2"]).ok();
    visitor.get("/").expect(303);

    let mut wayan = Visitor::at(&format!("http://{}/", visitor.host));
    come_in(&mut wayan, "1", &wayans, "7391");
    let added = wayan.post("/orang", &[("aksi", "tambah"), ("nama", "Budi"), ("peran", "clerk")]).expect(200).text();
    let given = value_after(&added.replace("</p>", "\""), "class=\"kode-besar\">").to_owned();
    assert!(given.len() == 6 && given.bytes().all(|byte| byte.is_ascii_digit()), "{given}");
    wayan.post("/orang", &[("aksi", "tambah"), ("nama", "budi")]).expect(422);
    wayan.post("/orang", &[("aksi", "pergi"), ("orang", "1")]).expect(422);
    wayan.post("/orang", &[("aksi", "pergi"), ("orang", "2")]).expect(200);
    assert!(!visitor.get("/masuk").expect(200).text().contains("Siti"), "she does not work here any more");
    come_in(&mut visitor, "3", &given, "9042");
    for secret in [&wayans, &sitis, &given] {
        assert!(!sari.said().contains(secret.as_str()), "no PIN stands in the log");
    }
    assert!(!sari.said().contains("Siti") && sari.said().contains("people.came_in"));
}

#[test]
fn a_form_that_was_sent_to_a_locked_page_is_kept_and_found_again() {
    let hub = Hub::start();
    let (_sari, mut visitor, [_, sitis]) = office(&hub);
    come_in(&mut visitor, "2", &sitis, "4821");
    let form = visitor.get("/isi/pengaduan").expect(303).header("location").to_owned();
    let door = visitor.post("/keluar", &[]).expect(303).header("location").to_owned();
    assert!(visitor.get(&door).expect(200).text().contains("value=\"2\" checked"), "the door knows her name");
    let typed = [("aksi", "periksa"), ("uraian", "Jembatan putus"), ("kategori", "antrean"), ("kanal", "telepon")];
    let door = visitor.post(&form, &typed).expect(303).header("location").to_owned();
    let page = visitor.get(&door).expect(200).text();
    assert!(page.contains("Isian Anda tersimpan sebagai draf") && !page.contains("Jembatan"), "{page}");
    let onward = value_after(&page, "name=\"lanjut\" value=\"").to_owned();
    let back = visitor.post("/masuk", &[("orang", "2"), ("pin", "4821"), ("lanjut", &onward)]).expect(303);
    assert_eq!(back.header("location"), form);
    assert!(visitor.get(&form).expect(200).text().contains("Jembatan putus"));
}

#[test]
fn what_was_sent_to_a_locked_page_of_a_record_comes_back_to_whoever_typed_it_and_to_nobody_else() {
    let hub = Hub::start();
    let (sari, mut visitor, [wayans, sitis]) = office(&hub);
    come_in(&mut visitor, "1", &wayans, "9173");
    come_in(&mut visitor, "2", &sitis, "4821");
    let record = sari.complain("Jembatan putus");
    let page = format!("/catatan/{}", record.id);
    let change = format!("{page}/ubah/uraian");
    let heads = value_after(&visitor.get(&change).expect(200).text(), "name=\"kepala\" value=\"").to_owned();
    let typed = "Warga datang lagi <b>marah</b> & \"pulang\"";
    let remark = (format!("{page}/keterangan"), page.clone(), vec![("catatan", typed)]);
    let change = (change.clone(), change, vec![("uraian", typed), ("kepala", &*heads)]);
    for (form, place, fields) in [remark, change] {
        visitor.post("/keluar", &[]).expect(303);
        let door = visitor.post(&form, &fields).expect(200).text();
        assert!(door.contains("kembali setelah Anda masuk") && !door.contains("Warga datang"), "{door}");
        let door = shows(&mut visitor, &door, "2", "4822").expect(422).text();
        let others = shows(&mut visitor, &door, "1", "9173").expect(303);
        assert_eq!(others.header("location"), place, "somebody else comes in, and sees nothing of it");
        visitor.post("/keluar", &[]).expect(303);
        // The page was not locked after all when it sent what was only to be kept.
        let back = shows(&mut visitor, &door, "2", "4821").expect(200).text();
        let kept = visitor.post(&form, &[&fields[..], &[("_titip", "1")]].concat()).expect(200).text();
        for shown in [back, kept] {
            let text = "Warga datang lagi &#60;b&#62;marah&#60;/b&#62; &#38; &#34;pulang&#34;</textarea>";
            assert!(shown.contains(text) && shown.contains("Belum tersimpan"), "{shown}");
            assert!(form == format!("{page}/keterangan") || shown.contains(&heads), "what it replaces came along");
        }
        assert!(!visitor.get(&place).expect(200).text().contains("Warga datang"), "it is saved when she says so");
        visitor.post(&form, &fields).expect(303);
        assert!(visitor.get(&page).expect(200).text().contains("Warga datang"));
    }
    let entry = sari.record(&record.id);
    let written = entry["history"].as_array().expect("a history").iter().filter(|line| line["author"] == "Siti");
    assert_eq!(written.count(), 2, "{entry:#}");
    // Who comes in by a PIN that somebody else was given for her may be anybody.
    visitor.post("/keluar", &[]).expect(303);
    let door = visitor.post(&format!("{page}/keterangan"), &[("catatan", typed)]).expect(200).text();
    let given = sari.run(&["user", "pin-reset", "2"]).ok().json()["pin"].as_str().expect("a PIN").to_owned();
    assert_eq!(shows(&mut visitor, &door, "2", &given).expect(303).header("location"), "/pin");
}

/// Shows a PIN at a door that carries something.
fn shows(visitor: &mut Visitor, door: &str, person: &str, pin: &str) -> Answer {
    let carried = ["lanjut", "titipan"].map(|name| value_after(door, &format!("name=\"{name}\" value=\"")).to_owned());
    visitor.post("/masuk", &[("orang", person), ("pin", pin), ("lanjut", &carried[0]), ("titipan", &carried[1])])
}

#[test]
fn a_forgotten_pin_is_replaced_on_the_page_and_wrong_ones_make_wait() {
    let hub = Hub::start();
    let (_sari, mut visitor, _) = office(&hub);
    let asked = visitor.post("/lupa", &[("orang", "2")]).expect(200).text();
    let challenge = value_after(&asked.replace("</p>", "\""), "class=\"kode-besar\">").to_owned();
    let recovery = hub.run(&["office", "recovery-code", &challenge]).ok().json();
    let answer = recovery["answer"].as_str().expect("an answer").to_owned();
    let wrong = visitor.post("/lupa", &[("orang", "2"), ("jawaban", "00000000x")]).expect(422).text();
    assert!(wrong.contains(&challenge), "the same challenge is still open");
    let right = visitor.post("/lupa", &[("orang", "2"), ("jawaban", &answer)]).expect(303);
    assert_eq!(right.header("location"), "/pin");
    visitor.post("/pin", &[("baru", "4821"), ("ulang", "4821")]).expect(303);
    visitor.post("/keluar", &[]).expect(303);
    for _ in 0..3 {
        visitor.post("/masuk", &[("orang", "2"), ("pin", "4822")]).expect(422);
    }
    let locked = visitor.post("/masuk", &[("orang", "2"), ("pin", "4821")]).expect(422).text();
    assert!(locked.contains("Tunggu ") && locked.contains("detik lagi"), "{locked}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_page_that_nobody_is_at_locks_itself_and_the_pin_leads_back_to_what_was_typed() {
    use kentongan_tests::browser::Browser;

    let hub = Hub::start();
    let (sari, mut visitor, [_, sitis]) = office(&hub);
    let Some(mut browser) = Browser::start("a page that nobody is at") else { return };
    let page = format!("http://{}/", visitor.host);
    come_in(&mut visitor, "2", &sitis, "4821");
    browser.open(&format!("{page}isi/pengaduan"));
    browser.sees("Silakan masuk");
    browser.keeps_picture("pintu");
    let shows_pin = |browser: &mut Browser| {
        browser.fills("pin", "4821");
        browser.goes(|browser| browser.presses("Enter", 0));
    };
    browser.tabs_to("[name=orang][value='2']");
    browser.presses(" ", 0);
    shows_pin(&mut browser);
    // Eleven minutes pass for the page, and it looks at its clock.
    let waits_long = |browser: &mut Browser| {
        browser.goes(|browser| {
            browser.run("{ const now = Date.now; Date.now = () => now() + 660000; 0 }");
            browser.run("document.dispatchEvent(new Event('visibilitychange'))");
        });
        browser.sees("Silakan masuk");
        assert!(!browser.text().contains("Jembatan"));
    };
    browser.open(&format!("{page}isi/pengaduan"));
    let form = browser.path();
    // Drafts are slow to go, and one is on its way when the page locks itself.
    browser.run(
        "{ const real = fetch; globalThis.fetch = (to, how) => { if (!to.endsWith('/draf')) return real(to, how); \
         globalThis.berangkat = true; return new Promise((go) => setTimeout(go, 1000)).then(() => real(to, how)); }; 0 }",
    );
    browser.fills("uraian", "Jembatan di dusun tiga putus");
    browser.wait("a draft is on its way", "globalThis.berangkat === true");
    waits_long(&mut browser);
    // Her name is chosen already, and the PIN has the focus.
    shows_pin(&mut browser);
    assert_eq!(browser.path(), form);
    assert_eq!(browser.run("document.querySelector('[name=uraian]').value"), "Jembatan di dusun tiga putus");
    // A form that keeps no draft is carried by the door.
    let record = sari.complain("Lampu padam");
    browser.open(&format!("{page}catatan/{}", record.id));
    browser.fills("catatan", "Jembatan juga");
    waits_long(&mut browser);
    shows_pin(&mut browser);
    browser.sees("Belum tersimpan");
    assert_eq!(browser.run("document.querySelector('[name=catatan]').value"), "Jembatan juga");
}
