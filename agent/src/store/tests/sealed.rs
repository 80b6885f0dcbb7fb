//! Stories about confidential complaints at the PC where they are typed.

use kentongan_protocol::sealed;

use super::super::draft::{DraftName, Inputs};
use super::attachments::paper;
use super::*;
use crate::show::attachments_of;

/// Any point will do where nobody opens.
const HUB: [u8; 32] = {
    let mut base = [0; 32];
    base[0] = 9;
    base
};

fn confidential(text: &str) -> NewRecord {
    let mut record = complaint(text);
    let field = builtin::by_tag(pengaduan::TAG).unwrap().field_named("privasi").unwrap();
    record.writes.push((field.group, BTreeMap::from([(field.tag, Value::parse(field, "rahasia").unwrap())])));
    record
}

fn remark(record: RecordId, text: &str) -> Edit {
    let field = builtin::by_tag(pengaduan::TAG).unwrap().field_named("catatan").unwrap();
    let values = BTreeMap::from([(field.tag, Value::Text(text.into()))]);
    Edit { record, author: "sari".into(), writes: vec![(field.group, values, Vec::new())] }
}

/// Whether the words stand anywhere in the files of the store.
fn lies_in_files(pc: &Pc, words: &str) -> bool {
    fs::read_dir(pc.folder.path()).unwrap().any(|file| {
        let bytes = fs::read(file.unwrap().path()).unwrap_or_default();
        bytes.windows(words.len()).any(|part| part == words.as_bytes())
    })
}

#[test]
fn of_a_confidential_complaint_nothing_that_it_says_is_on_this_pc() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    store.seal_to(Some(HUB));
    let open = store.enter(&complaint("Lampu jalan mati")).unwrap();
    let secret = store.enter(&confidential("Petugas loket minta uang")).unwrap();
    store.edit(&remark(secret.record, "Ada saksi dua orang")).unwrap();
    assert!(sealed::is_confidential(&store.entry(secret.record).unwrap().record));
    assert!(!sealed::is_confidential(&store.entry(open.record).unwrap().record));
    drop(store);
    assert!(lies_in_files(&pc, "Lampu jalan mati"));
    for words in ["minta uang", "saksi"] {
        assert!(!lies_in_files(&pc, words), "{words}");
    }
}

#[test]
fn a_confidential_complaint_lists_and_sends_as_any_other() {
    let mut store = Pc::new(1).start();
    store.seal_to(Some(HUB));
    let entered = store.enter(&confidential("Petugas loket minta uang")).unwrap();
    assert!(entered.receipt.is_some());
    let filter = QueueFilter { state: None, form: Some(pengaduan::TAG), limit: 10 };
    assert_eq!(store.queue(&filter).unwrap().len(), 1);
    let arrived = all_stored(&mut store);
    store.apply(Event::Marks(arrived), None).unwrap();
    assert_eq!(store.counts().unwrap().arrived, 1);
}

#[test]
fn what_becomes_confidential_is_sealed_from_then_on() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    store.seal_to(Some(HUB));
    let entered = store.enter(&complaint("Lampu jalan mati")).unwrap();
    let writes = confidential("-").writes.pop().map(|(group, values)| vec![(group, values, Vec::new())]).unwrap();
    store.edit(&Edit { record: entered.record, author: "sari".into(), writes }).unwrap();
    store.edit(&remark(entered.record, "Ada saksi dua orang")).unwrap();
    drop(store);
    assert!(!lies_in_files(&pc, "saksi"));
}

#[test]
fn nothing_is_left_of_what_was_typed_into_the_draft_of_a_confidential_complaint() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    store.seal_to(Some(HUB));
    let name = DraftName([7; 16]);
    let long = |text: &str| Inputs::from([("uraian".to_owned(), vec![text.repeat(400)])]);
    for typed in ["Petugas ", "Petugas loket ", "Petugas loket minta uang "] {
        store.keep_draft(name, pengaduan::TAG, &long(typed)).unwrap();
    }
    store.finish_draft(name, confidential("Petugas loket minta uang")).unwrap();
    // The program runs on.
    assert!(!lies_in_files(&pc, "Petugas loket"));
    drop(store);
}

#[test]
fn files_of_a_confidential_complaint_are_sealed_with_their_names() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    store.seal_to(Some(HUB));
    let name = DraftName([7; 16]);
    store.keep_draft(name, pengaduan::TAG, &Inputs::new()).unwrap();
    assert!(store.add_draft_file(name, &paper("kuitansi warung.pdf", 70_000)).unwrap());
    assert!(lies_in_files(&pc, "kuitansi warung"), "as long as it is a draft");
    let secret = store.finish_draft(name, confidential("Petugas loket minta uang")).unwrap();
    store.attach(secret.record, "sari", &[paper("rekaman saksi.pdf", 900)]).unwrap();
    // The program runs on.
    for words in ["kuitansi warung", "rekaman saksi"] {
        assert!(!lies_in_files(&pc, words), "{words}");
    }
    let files = attachments_of(&store.entry(secret.record).unwrap());
    assert_eq!(
        files.iter().map(|file| (file.name.as_str(), file.content.media)).collect::<Vec<_>>(),
        [("lampiran", 5); 2]
    );
    for file in files {
        let content = store.attachment_content(file.content.hash).unwrap().expect("it is here");
        assert_eq!(file.content.verify(&content), Ok(()));
    }
}

#[test]
fn files_of_other_complaints_and_of_a_pc_without_the_hubs_key_stay_open() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let secret = store.enter(&confidential("Petugas loket minta uang")).unwrap();
    store.attach(secret.record, "sari", &[paper("rekaman saksi.pdf", 900)]).unwrap();
    store.seal_to(Some(HUB));
    let open = store.enter(&complaint("Lampu jalan mati")).unwrap();
    store.attach(open.record, "sari", &[paper("foto lampu.pdf", 900)]).unwrap();
    drop(store);
    assert!(lies_in_files(&pc, "rekaman saksi") && lies_in_files(&pc, "foto lampu"));
}
