//! Files and parts of updates in an exchange: who says what of them when.

use std::convert::Infallible;

use kentongan_protocol::attachment::{Content, ContentHash, Standing};
use kentongan_protocol::ids::{Lane, LogId};
use kentongan_protocol::limits::OFFER_FILES_MAX;
use kentongan_protocol::session::agent::{Event, Mode, OpenFile, Opening, OutboundOp, Outbox, Session};
use kentongan_protocol::session::hub::{self, Part};
use kentongan_protocol::wire::codec::{Blob, List};
use kentongan_protocol::wire::v1::{FileStanding, Files, Marks, Piece};

use crate::world::{Ids, Pc};

/// A PC's outbox, and files of which every byte tells its place.
struct WithFiles<'a>(&'a Pc);

impl Outbox for WithFiles<'_> {
    type Error = Infallible;

    fn ops(&mut self, log: LogId, from_seq: u64, bytes_max: usize) -> Result<Vec<OutboundOp>, Infallible> {
        self.0.outbox().ops(log, from_seq, bytes_max)
    }

    fn chunk(&mut self, file: &Content, offset: u32, bytes_max: usize) -> Result<Vec<u8>, Infallible> {
        Ok((offset..file.bytes).take(bytes_max).map(|place| byte(file, place)).collect())
    }

    fn sign(&mut self, message: &[u8]) -> [u8; 64] {
        self.0.outbox().sign(message)
    }
}

fn byte(file: &Content, place: u32) -> u8 {
    // As photos are: nothing makes it shorter.
    (place.wrapping_mul(place ^ 0x9E37_79B1).wrapping_mul(0x85EB_CA6B) >> 21) as u8 ^ file.hash.0[0]
}

fn file(number: u8, bytes: u32, held: Option<u32>) -> OpenFile {
    OpenFile { content: Content { hash: ContentHash([number; 32]), bytes, media: 1 }, held }
}

/// A part of a file: its place in the offer, where the part begins, and the part.
type Sent = (u8, u32, Vec<u8>);

/// What the hub hears of files in a request of `pc`.
fn heard(pc: &Pc, files: &[OpenFile], change: impl FnOnce(&mut Opening)) -> (Vec<Content>, Vec<Sent>) {
    let mut opening = pc.opening();
    opening.files = files.to_vec();
    change(&mut opening);
    let request = Session::new(opening).request(&mut WithFiles(pc)).expect("a store in memory does not fail");
    let (mut offer, mut chunks) = (Vec::new(), Vec::new());
    for event in hub::Session::new(pc.replica).receive(&request).expect("in order") {
        match event {
            hub::Event::Offer(files) => offer.extend(files),
            hub::Event::Chunk(file, offset, bytes) => chunks.push((file, offset, bytes)),
            _ => {}
        }
    }
    (offer, chunks)
}

#[test]
fn files_are_offered_and_of_those_that_the_hub_wants_the_rest_is_sent_as_far_as_there_is_room() {
    let pc = Pc::new(0x5a41);
    let files = [file(1, 40_000, Some(10_000)), file(2, 30_000, None), file(3, 30_000, Some(0))];
    let (offer, chunks) = heard(&pc, &files, |_| ());
    assert_eq!(offer, files.map(|file| file.content));
    for (place, expected) in [(0, 30_000), (1, 0), (2, 30_000)] {
        let (mut next, mut bytes) = (files[place].held.unwrap_or(0), 0);
        for (_, offset, part) in chunks.iter().filter(|(file, ..)| usize::from(*file) == place) {
            assert_eq!(*offset, next, "parts follow on each other");
            let whole = part.iter().zip(next..).all(|(part, place_in)| *part == byte(&files[place].content, place_in));
            assert!(whole && !part.is_empty());
            (next, bytes) = (next + part.len() as u32, bytes + part.len());
        }
        assert_eq!(bytes, expected, "file {place}");
    }
    let sent = |bytes_aim| {
        let (_, chunks) = heard(&pc, &files, |opening| opening.mode = Mode::Send { bytes_aim });
        chunks.iter().map(|(.., bytes)| bytes.len()).sum::<usize>()
    };
    assert!((1..=20_000).contains(&sent(20_000)), "{}", sent(20_000));
    assert!((30_000..=45_000).contains(&sent(45_000)), "what is left of the room is used: {}", sent(45_000));
}

#[test]
fn no_more_files_are_offered_than_an_offer_holds_and_none_before_all_ops_are_sent() {
    let (mut ids, mut pc) = (Ids::default(), Pc::new(0x5a41));
    let many: Vec<OpenFile> = (0..20).map(|number| file(number, 500, Some(0))).collect();
    let (offer, chunks) = heard(&pc, &many, |_| ());
    assert_eq!((offer.len(), chunks.len()), (OFFER_FILES_MAX, OFFER_FILES_MAX));
    for n in 0..3_000 {
        pc.write(&mut ids, Lane::Case, &format!("antre di loket nomor {n}"));
    }
    assert_eq!(heard(&pc, &many, |_| ()).0.len(), OFFER_FILES_MAX);
    let small = heard(&pc, &many, |opening| opening.mode = Mode::Send { bytes_aim: 1 });
    assert_eq!(small, (Vec::new(), Vec::new()), "ops go first");
    assert_eq!(heard(&pc, &many, |opening| opening.mode = Mode::AskFirst), (Vec::new(), Vec::new()));
    assert_eq!(heard(&Pc::new(7), &[], |_| ()), (Vec::new(), Vec::new()));
}

#[test]
fn how_far_files_are_and_a_part_of_an_update_reach_who_asked() {
    let pc = Pc::new(0x5a41);
    let files = [file(1, 4_000, None), file(2, 300, None), file(3, 300, None), file(4, 300, None)];
    let mut opening = pc.opening();
    opening.files = files.to_vec();
    let mut session = Session::new(opening);
    session.fetch(Some((ContentHash([9; 32]), 500)));
    let request = session.request(&mut WithFiles(&pc)).expect("a store in memory does not fail");
    let mut at_hub = hub::Session::new(pc.replica);
    let asked = at_hub.receive(&request).expect("in order");
    assert!(asked.iter().any(|event| matches!(event, hub::Event::Fetch(ContentHash([9, ..]), 500))), "{asked:?}");

    let marks = Marks { hub_ms: 1, ..Marks::default() };
    let mut reply = at_hub.reply();
    let mut said = reply.begin(&marks);
    let standings = [FileStanding::Wanted(50), FileStanding::Held, FileStanding::SetAside, FileStanding::Unknown];
    reply.put(Part::Files(Files { standings: List(standings.to_vec()) }), &mut said);
    reply.put(Part::Piece(Piece { hash: [9; 32], offset: 500, bytes: Blob(vec![1, 2]) }), &mut said);
    reply.put(Part::End { more: false }, &mut said);
    let events = session.receive(&said).expect("in order");
    let [Event::Marks(_), Event::Files(told), Event::Piece(ContentHash(hash), 500, bytes)] = &events[..] else {
        panic!("{events:?}");
    };
    let expected = [Standing::Wanted { held: 50 }, Standing::Held, Standing::SetAside, Standing::Unknown];
    assert_eq!(*told, files.iter().map(|file| file.content).zip(expected).collect::<Vec<_>>());
    assert_eq!((hash, bytes), (&[9; 32], &vec![1, 2]));
}
