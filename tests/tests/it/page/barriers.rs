//! What keeps people out: every page is looked at by axe-core, in both languages, on a large screen and on a telephone, and gone
//! through with the Tab key. `KENTONGAN_AXE` names `axe.min.js` of the npm package `axe-core`; without it this is not told.

use kentongan_tests::browser::Browser;
use kentongan_tests::{Hub, Office, wait};

/// Widths at which pages are looked at: an office's screen, a telephone, a tablet held upright.
const WIDTHS: [u32; 3] = [1366, 360, 768];

/// A browser, and what looks at its pages.
struct Look {
    browser: Browser,
    axe: String,
    /// What was found so far, one a line.
    found: Vec<String>,
}

impl Look {
    fn at(&mut self, name: &str) {
        let axe = format!("{}; true", self.axe);
        self.browser.run(&axe);
        for width in WIDTHS {
            self.browser.resize(width, 768);
            let found = self.browser.run(
                "axe.run().then(found => found.violations.map(v => v.id + ': ' + \
                 v.nodes.map(n => n.html).join(' | ')).join('\\n'))",
            );
            self.note(name, width, found.as_str().expect("what axe found"));
            let wide = self.browser.run("document.documentElement.scrollWidth - document.documentElement.clientWidth");
            self.note(name, width, if wide == 0 { "" } else { "scrolls sideways" });
            self.browser.keeps_picture(&format!("semua-{name}-{width}"));
        }
        self.browser.resize(1366, 768);
    }

    /// Goes through the page with Tab: whatever can be pressed or filled in has its turn, and can be seen then.
    fn through(&mut self, name: &str) {
        let stops = self.browser.run(
            "{ const can = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex=\"0\"]'; \
             const first = (e) => e.type !== 'radio' || e.checked || (e === document.getElementsByName(e.name)[0] && \
             ![...document.getElementsByName(e.name)].some((other) => other.checked)); \
             globalThis.goals = [...document.querySelectorAll(can)].filter((e) => \
             e.tabIndex >= 0 && !e.disabled && (e.matches('summary') || !e.closest('details:not([open])')) && e.getClientRects().length && first(e)); \
             globalThis.come = new Set(); globalThis.covered = []; \
             document.addEventListener('focusin', ({ target: e }) => { come.add(e); const box = e.getBoundingClientRect(); \
             const top = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height / 2, 20)); \
             if (!top || !(e.contains(top) || top.contains(e))) covered.push(e.outerHTML.slice(0, 120)); }); \
             goals.length }",
        );
        for _ in 0..stops.as_u64().expect("a number") + 5 {
            self.browser.presses("Tab", 0);
        }
        let missed = "goals.filter((e) => !come.has(e)).map((e) => 'no Tab comes to ' + e.outerHTML.slice(0, 120))\
                      .concat(covered.map((e) => 'has the focus unseen: ' + e)).join('\\n')";
        let missed = self.browser.run(missed);
        self.note(name, 1366, missed.as_str().expect("what Tab misses"));
    }

    fn note(&mut self, name: &str, width: u32, found: &str) {
        self.found.extend(found.lines().map(|line| format!("{name}, {width}: {line}")));
    }

    fn submits(&mut self, fields: &[(&str, &str)], form: &str) {
        self.browser.goes(|browser| {
            for (name, value) in fields {
                browser.run(&format!("document.querySelector('{form} [name={name}]').value = '{value}'"));
            }
            browser.run(&format!("document.querySelector('{form}').requestSubmit()"));
        });
    }
}

#[test]
fn nothing_on_any_page_keeps_people_out() {
    let Some(file) = std::env::var_os("KENTONGAN_AXE") else {
        println!("SKIPPED: what keeps people out, because KENTONGAN_AXE names no axe.min.js");
        return;
    };
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    let settings = "[sync]\ninterval = \"1s\"\nbackoff_max = \"1s\"\n[hub]\nproxy = \"none\"\n";
    sari.configure(&format!(
        "{settings}[kiosk]\nlisten = \"127.0.0.1:0\"\n[ui]\nit_contact = \"Diskominfo 555-0100\"\n"
    ));
    sari.start();
    let page = sari.page();
    let Some(browser) = Browser::start("what keeps people out") else { return };
    let axe = std::fs::read_to_string(&file).expect("KENTONGAN_AXE names axe.min.js");
    let mut look = Look { browser, axe, found: Vec::new() };
    let record = in_conflict(&hub, &sari);
    let kiosk = sari.service().expect("it runs").ready()["kiosk"].as_str().expect("a kiosk").to_owned();
    tablet(&mut look, &sari, &kiosk);
    office(&mut look, &sari, &page, &record);
    assert!(look.found.is_empty(), "what keeps people out:\n{}", look.found.join("\n"));
}

/// A complaint about which the hub and the office do not agree.
fn in_conflict(hub: &Hub, sari: &Office) -> String {
    let entered = sari.complain("Jalan berlubang di depan pasar.");
    sari.wait_arrived();
    hub.door().cut();
    sari.run(&["record", "edit", &entered.code, "lokasi=RT 03 depan musala"]).ok();
    hub.run(&["complaint", "set", &entered.code, "--field", "lokasi=RT 05"]).ok();
    hub.door().mend();
    wait::until_true("the office sees both values", wait::LONG, || sari.status()["conflicts"] == 1);
    entered.id
}

/// Every screen of the kiosk.
fn tablet(look: &mut Look, sari: &Office, kiosk: &str) {
    look.browser.open(kiosk);
    look.browser.sees("Pasangkan kios");
    look.at("kios-pasang");
    let code = sari.run(&["kiosk", "pair"]).ok().json()["code"].as_str().expect("a code").to_owned();
    look.browser.run("document.querySelector('#kode').focus()");
    look.browser.types(&code);
    look.browser.presses("Enter", 0);
    // Screens fall back when nobody touches them: here nobody's time passes.
    look.browser.run("{ const now = Date.now(); Date.now = () => now; 0 }");
    for language in ["en", "id"] {
        look.browser.clicks(&format!("[data-bahasa={language}]"));
        let ripe =
            |look: &mut Look| look.browser.wait("it answers", "document.querySelector('#layar').dataset.siap === '1'");
        ripe(look);
        look.at(&format!("kios-awal-{language}"));
        look.through("kios-awal");
        look.browser.clicks(".kaki .tombol");
        ripe(look);
        look.at(&format!("kios-survei-{language}"));
        look.browser.clicks(".kaki .tombol");
        ripe(look);
        look.browser.clicks("[data-angka='1']");
        ripe(look);
        look.at(&format!("kios-perbaiki-{language}"));
        look.through("kios-perbaiki");
        look.browser.clicks(".kaki .tombol");
        look.at(&format!("kios-terima-kasih-{language}"));
        look.browser.wait("the kiosk is at its beginning", "!!document.querySelector('.wajah')");
        look.browser.run("document.querySelector('#sudut').dispatchEvent(new Event('pointerdown'))");
        look.browser.wait("the corner was held", "document.querySelectorAll('.kaki .tombol').length === 3");
        look.at(&format!("kios-petugas-{language}"));
        look.browser.clicks(".kaki .tombol:nth-child(2)");
    }
}

/// Every page of the office, before and after somebody came in.
fn office(look: &mut Look, sari: &Office, page: &str, record: &str) {
    let pin =
        sari.run(&["user", "add", "Wayan", "--role", "manager"]).ok().json()["pin"].as_str().expect("a PIN").to_owned();
    look.browser.open(&format!("{page}masuk"));
    look.at("pintu");
    look.through("pintu");
    look.browser.open(&format!("{page}lupa"));
    look.at("lupa");
    look.browser.open(&format!("{page}masuk"));
    look.browser.run("document.querySelector('[name=orang]').checked = true");
    look.submits(&[("pin", &pin)], "main form");
    look.at("pin-pertama");
    look.submits(&[("baru", "9173"), ("ulang", "9173")], "main form");
    for language in ["en", "id"] {
        look.browser.open(page);
        look.browser.goes(|browser| browser.clicks(&format!("[name=bahasa][value={language}]")));
        for (name, path) in [
            ("beranda", String::new()),
            ("catatan", "catatan".to_owned()),
            ("catatan-kosong", "catatan?keadaan=rejected".to_owned()),
            ("pengiriman", "pengiriman".to_owned()),
            ("rekap", "rekap".to_owned()),
            ("bantuan", "bantuan".to_owned()),
            ("bantuan-kode", "bantuan/KTG-104".to_owned()),
            ("saya", "petugas".to_owned()),
            ("pin", "pin".to_owned()),
            ("orang", "orang".to_owned()),
            ("kios", "kios".to_owned()),
            ("survei", "isi/skm".to_owned()),
            ("satu-catatan", format!("catatan/{record}")),
            ("ubah", format!("catatan/{record}/ubah/pelapor")),
            ("tanda-terima", format!("catatan/{record}/tanda-terima?baru=1")),
            ("tidak-ada", "tidak-ada".to_owned()),
        ] {
            look.browser.open(&format!("{page}{path}"));
            look.at(&format!("{name}-{language}"));
            if language == "id" {
                look.through(name);
            }
        }
        look.browser.open(&format!("{page}isi/pengaduan"));
        look.at(&format!("aduan-{language}"));
        look.through("aduan");
        look.browser.goes(|browser| browser.clicks("[data-utama]"));
        look.at(&format!("aduan-salah-{language}"));
        look.browser.run("document.querySelector('[name=kategori]').selectedIndex = 1");
        look.browser.run("document.querySelector('[name=uraian]').value = 'Antre sejak pagi'");
        look.browser.goes(|browser| browser.clicks("[data-utama]"));
        look.at(&format!("periksa-{language}"));
        look.browser.goes(|browser| browser.clicks("[data-utama]"));
        look.browser.open(&format!("{page}catatan"));
        look.submits(&[("kata", "antre")], "main form");
        look.at(&format!("cari-{language}"));
    }
}
