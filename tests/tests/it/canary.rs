//! What people entrust to an office never stands in a log, nor in what is given to whoever helps.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use kentongan_tests::portal::Portal;
use kentongan_tests::{Ended, Hub, Office, wait};

/// Invented, and found nowhere else: whoever sees one of these in a log has found a leak.
const CANARIES: [&str; 12] = [
    "Zebedeus Kenariwati",
    "081299887766",
    "3273059912345678",
    "Gang Kenari Kuning nomor 77",
    "pungutan dua ratus ribu oleh orang berkumis",
    "Jawaban kenari rahasia",
    "Catatan kenari kecil",
    "kenari-berkas-pribadi",
    "Petugas Kenariwan",
    "Hubungi Kenari di ruang 7",
    "kenari-operator",
    "kenari-kait-rahasia",
];

#[test]
fn names_numbers_and_texts_of_people_never_stand_in_a_log() {
    let mut hub = Hub::set_up();
    let [.., clerk, contact, operator, hook] = CANARIES;
    // Nobody listens there: attempts fail, and that is told.
    let key = hub.data().join("webhook.key");
    fs::write(&key, hub.run(&["alert", "secret"]).ok().stdout).expect("write a key");
    let told = format!(
        "[alerts]\nafter = \"0s\"\n[store]\nmin_free = \"1000TiB\"\n[mail]\nserver = \"localhost:9\"\n\
         from = \"hub@kab.example\"\nto = [\"{operator}@kab.example\"]\n\
         [webhooks]\nurls = [\"https://localhost:9/{hook}\"]\nsecret_file = \"{}\"\n",
        key.display()
    );
    fs::write(hub.data().join("hub.toml"), told).expect("write a configuration");
    hub.begin();
    wait::until_true("nobody could be told", wait::LONG, || hub.said().matches("alert.not_sent").count() > 1);
    fs::write(hub.data().join("hub.toml"), "").expect("write a configuration");
    wait::until_true("the hub takes it up", wait::LONG, || hub.said().contains("config.reloaded"));
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.configure("[sync]\ninterval = \"1s\"\nbackoff_max = \"1s\"\n[log]\nlevel = \"trace\"\n");
    sari.start();
    sari.run(&["user", "add", clerk]);
    let [name, phone, nik, address, text, answer, note, file, ..] = CANARIES;
    let values = [
        ("nama_pelapor", name),
        ("telepon_pelapor", phone),
        ("nik", nik),
        ("alamat_pelapor", address),
        ("uraian", text),
        ("kategori", "biaya_pungutan"),
        ("kanal", "surat"),
    ];
    let entered = sari.add("pengaduan", &values);
    sari.wait_arrived();
    everything_that_logs(&hub, &sari, &entered.code, [name, phone, text, answer, note, file]);

    for (whose, folder, said) in [("agent", sari.data(), sari.said()), ("hub", hub.data(), hub.said())] {
        let logs = format!("{said}\n{}", text_of_folder(&folder.join("logs")));
        assert!(logs.contains("service.started"), "{whose} logs nothing at all");
        for canary in CANARIES {
            assert!(!logs.contains(canary), "{whose}: {canary:?} stands in a log");
        }
    }
    // With settings that hold what names somebody.
    sari.configure(&format!("[ui]\nit_contact = \"{contact}\"\n"));
    for (whose, bundle) in [
        ("agent", bundle_of(sari.data(), &|words| sari.run(words))),
        ("hub", bundle_of(hub.data(), &|words| hub.run(words))),
    ] {
        for part in ["\"rows\"", "service.started", "\"checks\"", "\"architecture\"", "\"origin\": \"built-in\""] {
            assert!(bundle.contains(part), "{whose}: {part} is missing");
        }
        for secret in CANARIES.iter().chain(&["whsec_", "PRIVATE KEY"]) {
            assert!(!bundle.contains(secret), "{whose}: {secret:?} stands in what is given to whoever helps");
        }
    }
}

/// Goes through what makes the programs write: changes, conflicts, bad rows, refusals, strangers, a bad configuration.
fn everything_that_logs(hub: &Hub, sari: &Office, code: &str, words: [&str; 6]) {
    let [name, phone, text, answer, note, file] = words;
    sari.run(&["record", "edit", code, &format!("nama_pelapor={name} II")]).ok();
    hub.run(&["complaint", "set", code, "--field", &format!("nama_pelapor={name} III")]).ok();
    hub.run(&["complaint", "forward", code, "--to", "Dinas PU", "--note", note]).ok();
    hub.run(&["complaint", "answer", code, "--text", answer]).ok();
    sari.run(&["record", "add", "pengaduan", &format!("uraian={text}"), &format!("kategori={phone}"), "kanal=wa"]);
    sari.run(&["track", &format!("{code}X")]);
    let inbox = sari.data().join("inbox");
    let rows = format!(
        "uraian,kategori,kanal,no hp\n{text} lagi,antrean,wa,{phone}\n,antrean,wa,{phone}\n{text},{name},wa,bukan nomor\n"
    );
    fs::write(inbox.join(format!("{file}.csv")), rows).expect("drop a file");
    fs::write(inbox.join(format!("{file}.xlsx")), format!("{name} {phone}")).expect("drop a file that is none");
    wait::until_true("the files are put away", wait::LONG, || {
        !inbox.join(format!("{file}.csv")).exists() && !inbox.join(format!("{file}.xlsx")).exists()
    });
    let portal = Portal::plain();
    hub.door().lead_to(portal.address());
    sari.run(&["sync", "--wait"]);
    hub.door().lead_to(hub.address());
    fs::write(sari.data().join("agent.toml"), "[sync]\ninterval = \"1 abad\"\n").expect("write a bad file");
    wait::until_true("the bad configuration is told", wait::LONG, || sari.said().contains("config.refused"));
    sari.wait_arrived();
}

/// Everything in a bundle for whoever helps.
fn bundle_of(data: &Path, run: &dyn Fn(&[&str]) -> Ended) -> String {
    let file = data.join("bantuan.zip");
    run(&["support-bundle", "-o", &file.display().to_string()]).ok();
    let mut archive = zip::ZipArchive::new(File::open(&file).expect("a bundle")).expect("an archive");
    let mut text = String::new();
    for place in 0..archive.len() {
        let mut part = archive.by_index(place).expect("a part");
        part.read_to_string(&mut text).expect("text");
    }
    text
}

fn text_of_folder(folder: &Path) -> String {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.map(|entry| fs::read_to_string(entry.path()).unwrap_or_default()).collect()
}
