//! Sari looks for what she entered.

use super::super::list::ListFilter;
use super::super::search::Asked;
use super::*;

fn found(store: &mut Store, words: &str) -> Vec<RecordId> {
    let filter = ListFilter { words: words.into(), limit: 50, ..ListFilter::default() };
    store.list(&filter, |line, _| line.record).unwrap().records
}

fn index_all(store: &mut Store) {
    while store.index_some().unwrap() {}
}

/// Looks before the words are in the index and afterwards, and finds the same.
fn found_either_way(store: &mut Store, words: &str) -> Vec<RecordId> {
    let before = found(store, words);
    index_all(store);
    assert_eq!(found(store, words), before, "{words:?}");
    before
}

#[test]
fn a_record_is_found_by_beginnings_of_its_words_and_by_its_code() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let lamp = store.enter(&complaint("Lampu jalan padam di RT 03")).unwrap();
    pc.clock.pass(1_000);
    let road = store.enter(&complaint("Jalan berlubang, café Müller")).unwrap();
    let code = lamp.receipt.unwrap().to_string();
    let both = vec![road.record, lamp.record];
    assert_eq!(found_either_way(&mut store, "jal"), both, "the latest first");
    for (words, expected) in [
        ("LAMPU padam", vec![lamp.record]),
        ("padam lubang", vec![]),
        ("müll", vec![road.record]),
        ("\"; DROP TABLE record -- lampu", vec![]),
        ("lam* OR jalan", vec![]),
        ("...", vec![]),
        ("antrean", both.clone()),
        ("queue", both.clone()),
        ("0", vec![]),
        (code.as_str(), vec![lamp.record]),
        (&code.replace('-', "").to_lowercase(), vec![lamp.record]),
        (&code[..8], both.clone()),
        ("   ", both.clone()),
    ] {
        assert_eq!(found(&mut store, words), expected, "{words:?}");
    }
}

#[test]
fn a_complaint_that_is_told_twice_is_noticed_unless_it_is_confidential_or_long_ago() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let told = "Lampu jalan di depan balai desa padam sejak Senin";
    let lamp = store.enter(&complaint(told)).unwrap().record;
    store.enter(&complaint("Jalan di depan pasar berlubang")).unwrap();
    let similar = |store: &mut Store, text: &str| -> Vec<RecordId> {
        store.similar(text).unwrap().into_iter().map(|line| line.record).collect()
    };
    assert_eq!(similar(&mut store, "lampu jalan depan balai desa padam, sejak SENIN!"), [lamp]);
    assert_eq!(similar(&mut store, "Antrean di loket panjang sekali"), []);
    assert_eq!(similar(&mut store, "Lampu padam"), [], "too short to tell");
    let mut secret = complaint("Petugas meminta uang untuk surat pengantar");
    let privacy = builtin::by_tag(pengaduan::TAG).unwrap().field_named("privasi").unwrap();
    let sealed = Value::parse(privacy, "rahasia").unwrap();
    secret.writes.push((privacy.group, BTreeMap::from([(privacy.tag, sealed)])));
    store.enter(&secret).unwrap();
    assert_eq!(similar(&mut store, "Petugas meminta uang untuk surat pengantar"), []);
    pc.clock.pass(8 * 24 * 3_600_000);
    assert_eq!(similar(&mut store, told), []);
}

#[test]
fn what_changed_is_found_by_what_it_says_now() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let lamp = store.enter(&complaint("Lampu padam")).unwrap().record;
    index_all(&mut store);
    let form = builtin::by_tag(pengaduan::TAG).unwrap();
    let text = form.field_named("uraian").unwrap();
    let entry = store.entry(lamp).unwrap();
    let heads = GroupView::of(&entry.record, form, form.group(text.group).unwrap()).heads();
    let values = BTreeMap::from([(text.tag, Value::Text("Got mampat".into()))]);
    store.edit(&Edit { record: lamp, author: "sari".into(), writes: vec![(text.group, values, heads)] }).unwrap();
    assert_eq!(found_either_way(&mut store, "lampu"), vec![]);
    assert_eq!(found(&mut store, "got"), vec![lamp]);
}

#[test]
fn of_what_is_confidential_only_the_code_is_found() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let mut secret = complaint("Pungutan oleh juru bayar");
    let form = builtin::by_tag(pengaduan::TAG).unwrap();
    for (name, text) in [("privasi", "rahasia"), ("nama_pelapor", "Contoh Satu")] {
        let field = form.field_named(name).unwrap();
        secret.writes.push((field.group, BTreeMap::from([(field.tag, Value::parse(field, text).unwrap())])));
    }
    let entered = store.enter(&secret).unwrap();
    for words in ["pungutan", "contoh", "antrean", "rahasia"] {
        assert_eq!(found_either_way(&mut store, words), vec![], "{words}");
    }
    assert_eq!(found(&mut store, &entered.receipt.unwrap().to_string()), vec![entered.record]);
    let kept: i64 = store.db.query_row("SELECT count(*) FROM searched", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1);
}

#[test]
fn what_became_confidential_is_found_by_its_words_no_more() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let entered = store.enter(&complaint("Pungutan oleh juru bayar")).unwrap().record;
    index_all(&mut store);
    assert_eq!(found(&mut store, "pungutan"), vec![entered]);
    let form = builtin::by_tag(pengaduan::TAG).unwrap();
    let field = form.field_named("privasi").unwrap();
    let values = BTreeMap::from([(field.tag, Value::parse(field, "rahasia").unwrap())]);
    store.edit(&Edit { record: entered, author: "sari".into(), writes: vec![(field.group, values, vec![])] }).unwrap();
    assert_eq!(found_either_way(&mut store, "pungutan"), vec![]);
}

#[test]
fn a_search_among_many_finds_what_one_among_few_does() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    for number in 0..20 {
        store.enter(&complaint(&format!("Jalan rusak {number}"))).unwrap();
        pc.clock.pass(1_000);
    }
    index_all(&mut store);
    store.enter(&complaint("Jalan ditutup")).unwrap();
    for (state, offset) in [(None, 0), (None, 7), (Some(RecordState::Queued), 3), (Some(RecordState::Arrived), 0)] {
        let filter = ListFilter { state, offset, limit: 9, ..ListFilter::default() };
        let mut searched = store.look_for(&Asked::of("jalan").unwrap(), "jalan").unwrap();
        assert!(!searched.is_much);
        let few = store.lines(&filter, Some(&searched)).unwrap();
        searched.is_much = true;
        assert_eq!(store.lines(&filter, Some(&searched)).unwrap(), few);
        assert_eq!(few.len(), if state == Some(RecordState::Arrived) { 0 } else { 10 });
    }
}

#[test]
fn a_repaired_store_finds_what_the_damaged_one_did() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let lamp = store.enter(&complaint("Lampu padam")).unwrap().record;
    index_all(&mut store);
    let mut store = pc.start_salvaged(store);
    assert_eq!(found_either_way(&mut store, "lampu"), vec![lamp]);
}
