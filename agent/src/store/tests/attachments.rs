//! Files that records name.

use kentongan_protocol::attachment::{Content, Standing};
use kentongan_protocol::session::agent::OpenFile;
use kentongan_protocol::wire::codec;
use kentongan_protocol::wire::v1::extension;

use super::*;
use crate::photo::{Photos, Prepared, prepare};
use crate::store::attachments::chunk;

/// A paper of about this many bytes, like no other.
pub(super) fn paper(name: &str, bytes: usize) -> Prepared {
    let text = format!("%PDF-1.4 {name} ").into_bytes();
    let content = text.iter().copied().cycle().take(bytes).collect();
    prepare(content, name, Photos { side_px: 0, quality: 75 }).unwrap()
}

/// The whole file, if it is here.
fn whole(store: &Store, file: &Prepared) -> Option<Vec<u8>> {
    chunk(&store.db, file.attachment.content.hash, 0, usize::MAX).unwrap()
}

#[test]
fn an_attached_file_is_here_with_the_op_that_names_it_and_comes_back_whole() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let record = store.enter(&complaint("Kuitansi tidak diberikan")).unwrap().record;
    let (small, large) = (paper("kuitansi.pdf", 900), paper("surat.pdf", 200_000));
    store.attach(record, "sari", &[small.clone(), large.clone()]).unwrap();
    drop(store);
    let mut store = pc.start();
    for file in [&small, &large] {
        assert_eq!(whole(&store, file), Some(file.content.clone()));
        let state = store.attachment_state(file.attachment.content.hash).unwrap();
        assert_eq!(state, Some(AttachmentState::Waiting { at_hub: 0 }));
    }
    let entry = store.entry(record).unwrap();
    let form = builtin::by_tag(pengaduan::TAG).unwrap();
    let GroupView::Entries(entries) = GroupView::of(&entry.record, form, form.group_named("lampiran").unwrap()) else {
        panic!("attachments are a growing set");
    };
    assert_eq!(entries.len(), 2);
}

#[test]
fn chunks_of_any_length_from_any_place_are_the_file() {
    let mut store = Pc::new(1).start();
    let record = store.enter(&complaint("Jalan rusak")).unwrap().record;
    let file = paper("jalan.pdf", 150_001);
    store.attach(record, "sari", std::slice::from_ref(&file)).unwrap();
    for bytes_max in [1_000, 65_536, 70_001, 1_000_000] {
        let mut whole = Vec::new();
        while let Some(part) = chunk(&store.db, file.attachment.content.hash, whole.len() as u32, bytes_max).unwrap() {
            assert!(part.len() <= bytes_max);
            whole.extend(part);
        }
        assert_eq!(whole, file.content);
    }
}

#[test]
fn one_file_named_by_two_records_is_kept_and_sent_once() {
    let mut store = Pc::new(1).start();
    let file = paper("edaran.pdf", 5_000);
    for text in ["Antrean panjang", "Loket tutup"] {
        let record = store.enter(&complaint(text)).unwrap().record;
        store.attach(record, "sari", std::slice::from_ref(&file)).unwrap();
    }
    assert_eq!(store.open_files().unwrap(), [OpenFile { content: file.attachment.content, held: None }]);
}

#[test]
fn what_the_hub_says_of_a_file_is_told() {
    let mut store = Pc::new(1).start();
    let record = store.enter(&complaint("Jalan rusak")).unwrap().record;
    let files = [paper("satu.pdf", 1_000), paper("dua.pdf", 2_000), paper("tiga.pdf", 4_000)];
    store.attach(record, "sari", &files).unwrap();
    let [one, two, three] = files.map(|file| file.attachment.content);
    // No number of a hub makes more of a file than there is.
    let said = [(one, Standing::Held), (two, Standing::SetAside), (three, Standing::Wanted { held: 9_999 })];
    assert_eq!(store.note_files(&said).unwrap(), 5_000);
    assert_eq!(store.attachment_totals().unwrap().waiting_bytes, 0);
    // A hub that was restored has less than it said before.
    assert_eq!(store.note_files(&[(three, Standing::Wanted { held: 1_500 })]).unwrap(), 0);
    let totals = store.attachment_totals().unwrap();
    let expected = AttachmentTotals { waiting: 1, waiting_bytes: 2_500, begun_bytes: 1_500, arrived: 1, set_aside: 1 };
    assert_eq!(totals, expected);
    assert_eq!(store.open_files().unwrap(), [OpenFile { content: three, held: Some(1_500) }]);
    assert!(store.has_wanted_files().unwrap());
    store.note_files(&[(three, Standing::Unknown)]).unwrap();
    assert!(!store.has_wanted_files().unwrap(), "it is offered again at the next contact, not at once");
}

#[test]
fn files_that_the_hub_knows_nothing_of_let_others_go_before_them_and_come_again() {
    let mut store = Pc::new(1).start();
    let record = store.enter(&complaint("Jalan rusak")).unwrap().record;
    let files: Vec<Prepared> = (0..20).map(|n| paper(&format!("{n}.pdf"), 1_000)).collect();
    for file in &files {
        store.attach(record, "sari", std::slice::from_ref(file)).unwrap();
    }
    let known = |content: &Content| files[12..].iter().any(|file| file.attachment.content == *content);
    let mut offered = std::collections::BTreeSet::new();
    for _ in 0..6 {
        let open: Vec<Content> = store.open_files().unwrap().into_iter().map(|file| file.content).collect();
        let said =
            open.iter().map(|content| (*content, if known(content) { Standing::Held } else { Standing::Unknown }));
        store.note_files(&said.collect::<Vec<_>>()).unwrap();
        offered.extend(open.iter().map(|content| content.hash));
    }
    assert_eq!((offered.len(), store.attachment_totals().unwrap().arrived), (20, 8));
    let waiting = |store: &Store| store.open_files().unwrap()[0].content;
    let (first, mut turns) = (waiting(&store), 0);
    while turns == 0 || waiting(&store) != first {
        let open = store.open_files().unwrap();
        store.note_files(&open.iter().map(|file| (file.content, Standing::Unknown)).collect::<Vec<_>>()).unwrap();
        turns += 1;
        assert!(turns <= 3, "it is asked for again");
    }
}

#[test]
fn a_file_for_no_record_is_not_kept() {
    let mut store = Pc::new(1).start();
    store.enter(&complaint("Jalan rusak")).unwrap();
    let nowhere = RecordId(OpId { log: LogId(5), seq: 1 });
    assert!(matches!(store.attach(nowhere, "sari", &[paper("a.pdf", 900)]), Err(StoreError::NoSuchRecord)));
    assert_eq!(store.attachment_totals().unwrap(), AttachmentTotals::default());
}

#[test]
fn files_are_salvaged_from_a_damaged_store_unless_they_are_damaged_themselves() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let record = store.enter(&complaint("Jalan rusak")).unwrap().record;
    let files = [paper("satu.pdf", 90_000), paper("dua.pdf", 70_000)];
    store.attach(record, "sari", &files).unwrap();
    let path = store.path().to_owned();
    store.close().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    // Its second page on is no database any more, and one of the files is not what it was.
    let mark = b"dua.pdf %PDF-1.4 dua.pdf";
    let place = bytes.windows(mark.len()).position(|window| window == mark).unwrap();
    bytes[place] ^= 1;
    bytes[18] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let store = pc.start();
    let [one, two] = files;
    assert_eq!(whole(&store, &one), Some(one.content));
    assert_eq!(whole(&store, &two), None);
    assert_eq!(store.attachment_totals().unwrap().waiting, 1);
}

#[test]
fn a_hub_that_started_anew_is_asked_again_for_what_no_copy_covers() {
    let mut store = Pc::new(1).start();
    let record = store.enter(&complaint("Jalan rusak")).unwrap().record;
    let files = [paper("satu.pdf", 1_000), paper("dua.pdf", 2_000)];
    store.attach(record, "sari", &files).unwrap();
    let [one, two] = files.map(|file| file.attachment.content);
    let said = |epoch: Option<u8>, begun: u64, done: u64| {
        Event::Marks(Marks {
            epochs: List(epoch.map(|epoch| ([epoch; 8], 0)).into_iter().collect()),
            ..backed_up(begun, done)
        })
    };
    store.apply(said(Some(1), 0, 0), None).unwrap();
    store.note_files(&[(one, Standing::Held)]).unwrap();
    store.apply(said(None, 0, 0), None).unwrap();
    store.apply(said(None, 1, 1), None).unwrap();
    store.note_files(&[(two, Standing::Held)]).unwrap();
    store.apply(said(None, 1, 1), None).unwrap();
    let states = |store: &Store| [one, two].map(|file| store.attachment_state(file.hash).unwrap().unwrap());
    assert_eq!(states(&store), [AttachmentState::Secured, AttachmentState::Arrived]);
    store.apply(said(Some(2), 2, 2), None).unwrap();
    assert_eq!(states(&store), [AttachmentState::Secured, AttachmentState::Waiting { at_hub: 0 }]);
}

/// Marks of a hub of which the last backup begun and the last one done have these numbers.
fn backed_up(begun: u64, done: u64) -> Marks {
    let told = (begun > 0).then(|| (extension::BACKUPS, Blob(codec::encode(&(begun, done)))));
    Marks { epochs: List::default(), extensions: List(told.into_iter().collect()), ..marks(Vec::new(), 0) }
}

#[test]
fn a_file_is_safe_by_the_first_backup_that_began_after_it_came_whatever_the_hubs_clock_says() {
    let mut store = Pc::new(1).start();
    let record = store.enter(&complaint("Jalan rusak")).unwrap().record;
    let file = paper("satu.pdf", 1_000);
    store.attach(record, "sari", std::slice::from_ref(&file)).unwrap();
    let file = file.attachment.content;
    let mut state_after = |hub_ms, begun, done| {
        store.apply(Event::Marks(Marks { hub_ms, ..backed_up(begun, done) }), None).unwrap();
        if begun == 3 {
            store.note_files(&[(file, Standing::Held)]).unwrap();
        }
        store.attachment_state(file.hash).unwrap().unwrap()
    };
    // The third backup is under way while the file comes, and the hub's clock is set back.
    assert_eq!(state_after(NOON, 3, 2), AttachmentState::Arrived);
    assert_eq!(state_after(NOON - 1_000, 4, 3), AttachmentState::Arrived, "the third ended, the fourth has begun");
    assert_eq!(state_after(NOON - 2_000, 4, 4), AttachmentState::Secured);
}

#[test]
fn only_what_a_copy_of_the_hub_covers_is_put_away_and_who_attaches_it_again_keeps_it_again() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let record = store.enter(&complaint("Jalan rusak")).unwrap().record;
    let files = ["aman.pdf", "sampai.pdf", "ditolak.pdf", "menunggu.pdf"].map(|name| paper(name, 70_000));
    store.attach(record, "sari", &files).unwrap();
    let contents = files.clone().map(|file| file.attachment.content);
    let [secured, arrived, refused, _] = contents;
    let at = |hub_ms, begun, done| Marks { hub_ms, ..backed_up(begun, done) };
    store.apply(Event::Marks(at(NOON, 0, 0)), None).unwrap();
    store.note_files(&[(secured, Standing::Held), (refused, Standing::SetAside)]).unwrap();
    store.apply(Event::Marks(at(NOON + 10, 0, 0)), None).unwrap();
    store.apply(Event::Marks(at(NOON + 20, 1, 1)), None).unwrap();
    store.note_files(&[(arrived, Standing::Held)]).unwrap();
    assert_eq!(store.put_away_files(100).unwrap(), 0, "not long enough");
    store.apply(Event::Marks(at(NOON + 500, 1, 1)), None).unwrap();
    assert_eq!((store.put_away_files(100).unwrap(), store.put_away_files(0).unwrap()), (1, 0));
    let here = |store: &Store| files.each_ref().map(|file| whole(store, file).is_some());
    assert_eq!(here(&store), [false, true, true, true]);
    let state = |store: &Store| store.attachment_state(secured.hash).unwrap();
    assert_eq!(state(&store), Some(AttachmentState::PutAway));
    assert_eq!(store.attachment_totals().unwrap().arrived, 2);
    // A hub that was put back to a copy has it; it is not asked for what is not here.
    let anew = Marks { epochs: List(vec![([9; 8], 0)]), ..at(NOON + 600, 1, 1) };
    store.apply(Event::Marks(anew), None).unwrap();
    assert_eq!(state(&store), Some(AttachmentState::PutAway));
    store.attach(record, "sari", &files[..1]).unwrap();
    assert_eq!((here(&store)[0], state(&store)), (true, Some(AttachmentState::Waiting { at_hub: 0 })));
}

#[test]
fn a_file_that_was_put_away_is_no_loss_when_the_store_is_salvaged() {
    let mut pc = Pc::new(1);
    let mut store = pc.start();
    let record = store.enter(&complaint("Jalan rusak")).unwrap().record;
    let file = paper("aman.pdf", 900);
    store.attach(record, "sari", std::slice::from_ref(&file)).unwrap();
    store.db.execute("UPDATE attachment SET state = 3, hub_ms = 0", []).unwrap();
    store.apply(Event::Marks(marks(Vec::new(), 0)), None).unwrap();
    store.db.execute("UPDATE attachment SET state = 3, hub_ms = 0", []).unwrap();
    assert_eq!(store.put_away_files(1).unwrap(), 1);
    let path = store.path().to_owned();
    store.close().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[18] ^= 0xff;
    std::fs::write(&path, bytes).unwrap();
    let store = pc.start();
    let state = store.attachment_state(file.attachment.content.hash).unwrap();
    assert_eq!(state, Some(AttachmentState::PutAway));
    assert_eq!(store.attachment_totals().unwrap().waiting, 0);
}
