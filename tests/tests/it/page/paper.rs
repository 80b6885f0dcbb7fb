//! Surveys on paper, with scripts off: blank sheets are printed, and each that comes back is typed once.

use kentongan_tests::{Hub, Office};

use super::http::Visitor;

/// Where the form of this sheet is, in a batch whose page is at `batch`.
fn form_of(visitor: &mut Visitor, batch: &str, number: u32) -> String {
    visitor.get(&format!("{batch}/{number}")).expect(303).header("location").to_owned()
}

#[test]
fn sheets_are_printed_with_their_code_and_each_is_typed_once() {
    let hub = Hub::start();
    let mut sari = Office::enrol(&hub, "32.73.05.1001");
    sari.hurry();
    sari.start();
    let mut visitor = Visitor::at(&sari.page());
    for wrong in ["0", "51", "banyak", ""] {
        let refused = visitor.post("/kertas", &[("aksi", "cetak"), ("lembar", wrong)]).expect(422).text();
        assert!(refused.contains("Tulis angka dari 1 sampai 50."), "{wrong}: {refused}");
    }
    let print =
        visitor.post("/kertas", &[("aksi", "cetak"), ("lembar", "3")]).expect(303).header("location").to_owned();
    let batch = print.trim_end_matches("/cetak").to_owned();
    let code = batch.trim_start_matches("/kertas/").to_owned();
    let sheets = visitor.get(&print).expect(200).text();
    assert_eq!(sheets.matches("<article class=\"lembar\"").count(), 3);
    for part in
        ["lembar 1 dari 3", "lembar 3 dari 3", "Kesesuaian persyaratan", "Sangat cepat", "Jenis kelamin", "Saran"]
    {
        assert!(sheets.contains(part), "{part} in\n{sheets}");
    }
    visitor.post("/bahasa", &[("bahasa", "en")]).expect(303);
    let english = visitor.get(&print).expect(200).text();
    assert!(english.contains("sheet 2 of 3") && english.contains("Very quick"), "the same sheets: {english}");
    visitor.post("/bahasa", &[("bahasa", "id")]).expect(303);

    // The code is typed as people type, and one wrong symbol is told.
    let typed = code.to_lowercase().replace('-', " ");
    let found = visitor.post("/kertas", &[("aksi", "isi"), ("kode", &typed)]).expect(303);
    assert_eq!(found.header("location"), batch);
    let wrong = format!("{}{}", &code[..8], if code.ends_with('7') { '8' } else { '7' });
    let refused = visitor.post("/kertas", &[("aksi", "isi"), ("kode", &wrong)]).expect(422).text();
    assert!(refused.contains(&wrong) && refused.contains("id=\"kode-galat\""), "{refused}");
    assert!(visitor.get(&batch).expect(200).text().contains("0 dari 3 lembar sudah diisi"));

    // The second is typed first. The form says which it is, and its save leads to the next.
    let second = form_of(&mut visitor, &batch, 2);
    assert_eq!(form_of(&mut visitor, &batch, 2), second, "opened twice, it is one form");
    let page = visitor.get(&second).expect(200).text();
    assert!(page.contains(&format!("{code} · lembar 2 dari 3")), "{page}");
    assert!(page.contains("value=\"kertas\" checked"), "it came on paper: {page}");
    let answers = [("waktu", "4"), ("biaya", "3"), ("kanal", "kertas"), ("aksi", "simpan")];
    let next = visitor.post(&second, &answers).expect(303).header("location").to_owned();
    let page = visitor.get(&next).expect(200).text();
    assert!(page.contains("Survei tersimpan") && page.contains("lembar 3 dari 3"), "{page}");
    assert_eq!(sari.status()["entered"]["skm"], 1);

    // Who takes the same sheet again is told before anything is typed, and what is sent all the same is not doubled.
    let told = form_of(&mut visitor, &batch, 3);
    assert!(next.starts_with(&told), "the third is still to be typed");
    for again in [visitor.get(&format!("{batch}/2")), {
        let sent = visitor.post(&second, &answers).expect(303).header("location").to_owned();
        assert_eq!(visitor.get(&second).expect(303).header("location"), sent);
        visitor.get(&sent)
    }] {
        let page = again.expect(200).text();
        assert!(page.contains("Lembar ini sudah diisi pada") && page.contains("/catatan/"), "{page}");
    }
    assert_eq!(sari.status()["entered"]["skm"], 1);

    // Behind the last comes the first; then all are there.
    let first = visitor.post(&told, &answers).expect(303).header("location").to_owned();
    assert!(visitor.get(&first).expect(200).text().contains("lembar 1 dari 3"));
    let first = first.split('?').next().expect("a path").to_owned();
    let all = visitor.post(&first, &answers).expect(303).header("location").to_owned();
    let page = visitor.get(&all).expect(200).text();
    assert!(page.contains("Semua lembar sudah diisi") && page.contains("3 dari 3 lembar sudah diisi"), "{page}");
    sari.wait_arrived();
    let surveys = hub.export("surveys");
    assert_eq!(surveys.len(), 3);
    assert!(surveys.iter().all(|survey| survey["kanal"] == "kertas"), "{surveys:?}");
    for nothing in
        [format!("{batch}/4"), format!("{batch}/0"), format!("/kertas/{wrong}"), "/kertas/x/cetak".to_owned()]
    {
        visitor.get(&nothing).expect(404);
    }
}
