//! Office and hub work on the same records.

use kentongan_tests::{Hub, Office, wait};

#[test]
fn an_answer_given_at_the_hub_is_seen_at_the_office_by_the_code_of_the_receipt() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let entered = sari.complain("Obat darah tinggi habis.");
    sari.sync().ok();
    hub.run(&["complaint", "answer", &entered.code, "--text", "Stok datang hari Senin."]).ok();
    sari.sync().ok();

    // As people type it: without dashes, in small letters.
    let typed = entered.code.to_lowercase().replace('-', " ");
    let tracked = sari.run(&["track", &typed]).ok().json();
    let record = &tracked["records"][0];
    assert_eq!(record["fields"]["jawaban"], "Stok datang hari Senin.", "{tracked:#}");
    assert_eq!(record["fields"]["status"], "dijawab", "{tracked:#}");
    let history = record["history"].as_array().expect("a history");
    assert!(history.iter().any(|line| line["by"] == "hub"), "{tracked:#}");
}

#[test]
fn a_running_service_fetches_an_answer_without_being_asked() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.hurry();
    sari.start();
    let entered = sari.complain("Toilet rusak.");
    sari.wait_arrived();
    hub.run(&["complaint", "answer", &entered.code, "--text", "Sudah diperbaiki."]).ok();
    wait::until_true("the answer is at the office", wait::LONG, || {
        sari.record(&entered.code)["fields"]["jawaban"] == "Sudah diperbaiki."
    });
}

#[test]
fn where_a_connection_is_open_an_answer_and_what_a_colleague_enters_are_there_long_before_the_next_contact() {
    let hub = Hub::start();
    let mut pcs = [(); 2].map(|()| Office::enrol(&hub, "32.73.05.1001"));
    for pc in &mut pcs {
        pc.configure("[sync]\ninterval = \"6h\"\n[hub]\nproxy = \"none\"\n");
        pc.start();
    }
    let [front, back] = &pcs;
    for pc in [back, front] {
        pc.sync().ok();
    }
    let entered = front.complain("Lampu jalan mati.");
    wait::until_true("a colleague sees it", wait::LONG, || back.run(&["track", &entered.code]).code == 0);
    hub.run(&["complaint", "answer", &entered.code, "--text", "Lampu diganti besok."]).ok();
    for pc in [front, back] {
        wait::until_true("the answer is at the office", wait::LONG, || {
            pc.record(&entered.code)["fields"]["jawaban"] == "Lampu diganti besok."
        });
    }
}

#[test]
fn the_same_field_changed_at_office_and_hub_is_one_conflict_until_the_hub_resolves_it() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let entered = sari.complain("Jalan berlubang.");
    sari.sync().ok();
    sari.run(&["record", "edit", &entered.code, "lokasi=RT 03 depan musala"]).ok();
    hub.run(&["complaint", "set", &entered.code, "--field", "lokasi=RT 05"]).ok();
    sari.sync().ok();

    let conflicts = hub.run(&["conflict", "list"]).ok().json();
    assert_eq!(conflicts["conflicts"].as_array().map(Vec::len), Some(1), "{conflicts:#}");
    assert_eq!(conflicts["conflicts"][0]["id"], entered.id.as_str(), "{conflicts:#}");
    assert_eq!(sari.status()["conflicts"], 1);
    let shown = sari.record(&entered.code);
    assert_eq!(shown["conflicting"][0]["values"].as_array().map(Vec::len), Some(2), "{shown:#}");

    let resolve = ["conflict", "resolve", &entered.code, "--take", "office", "--reason", "kantor melihat sendiri"];
    hub.run(&resolve).ok();
    let left = hub.run(&["conflict", "list"]).ok().json();
    assert_eq!(left["conflicts"].as_array().map(Vec::len), Some(0), "{left:#}");
    sari.sync().ok();
    assert_eq!(sari.status()["conflicts"], 0);
    let record = sari.record(&entered.code);
    assert_eq!(record["fields"]["lokasi"], "RT 03 depan musala", "{record:#}");
    assert_eq!(record["conflicting"].as_array().map(Vec::len), Some(0), "{record:#}");
}

#[test]
fn different_fields_changed_at_office_and_hub_merge_without_a_conflict() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let entered = sari.complain("Jembatan bambu patah.");
    sari.sync().ok();
    sari.run(&["record", "edit", &entered.code, "lokasi=dusun atas"]).ok();
    hub.run(&["complaint", "set", &entered.code, "--field", "kategori=infrastruktur"]).ok();
    sari.sync().ok();
    let record = sari.record(&entered.code);
    assert_eq!(
        (&record["fields"]["lokasi"], &record["fields"]["kategori"]),
        (&"dusun atas".into(), &"infrastruktur".into())
    );
    assert_eq!((sari.status()["conflicts"].as_u64(), hub.status()["conflicts"].as_u64()), (Some(0), Some(0)));
}

#[test]
fn a_citizen_who_is_not_satisfied_beats_a_close_that_did_not_know_of_it() {
    let hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let entered = sari.complain("Akta salah ketik.");
    sari.sync().ok();
    hub.run(&["complaint", "answer", &entered.code, "--text", "Akta baru bisa diambil."]).ok();
    hub.run(&["complaint", "close", &entered.code, "--reason", "selesai"]).ok();
    sari.sync().ok();
    hub.run(&["complaint", "reopen", &entered.code, "--reason", "pelapor belum puas"]).ok();
    sari.run(&["record", "edit", &entered.code, "status=selesai"]).ok();
    sari.sync().ok();
    let record = sari.record(&entered.code);
    assert_eq!(record["fields"]["status"], "dibuka_kembali", "{record:#}");
}

#[test]
fn two_pcs_of_one_office_see_each_others_records_and_no_other_office_does() {
    let hub = Hub::start();
    let front = Office::enrol(&hub, "32.73.05.1001");
    let back = Office::enrol(&hub, "32.73.05.1001");
    let elsewhere = Office::enrol(&hub, "32.73.05.1002");
    let first = front.complain("Dari loket depan.");
    front.sync().ok();
    back.sync().ok();
    assert_eq!(back.record(&first.code)["fields"]["uraian"], "Dari loket depan.");
    assert_eq!(back.record(&first.code)["own"], false);

    back.run(&["record", "edit", &first.code, "lokasi=loket depan"]).ok();
    back.sync().ok();
    front.sync().ok();
    assert_eq!(front.record(&first.code)["fields"]["lokasi"], "loket depan");
    // What another PC wrote is not counted as entered here.
    assert_eq!(back.status()["entered_total"], 0);

    elsewhere.sync().ok();
    assert_eq!(elsewhere.run(&["record", "show", &first.id]).code, 1);
}

#[test]
fn commands_that_change_something_work_with_the_hub_running_and_not() {
    let mut hub = Hub::start();
    let sari = Office::enrol(&hub, "32.73.05.1001");
    let entered = sari.complain("Air PAM keruh.");
    sari.sync().ok();
    hub.run(&["complaint", "answer", &entered.code, "--text", "Petugas PDAM dikirim."]).ok();
    hub.stop();
    hub.run(&["complaint", "close", &entered.code, "--reason", "selesai"]).ok();
    hub.run(&["office", "add", "32.73.05.1009", "--name", "Kelurahan Baru"]).ok();
    hub.begin();
    sari.sync().ok();
    assert_eq!(sari.record(&entered.code)["fields"]["status"], "selesai");
    let shown = hub.run(&["office", "show", "32.73.05.1009"]).ok().json();
    assert_eq!(shown["name"], "Kelurahan Baru");
}
