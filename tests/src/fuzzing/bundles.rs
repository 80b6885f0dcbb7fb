//! Exchanges that go by stick. Whoever carries the files can change them; a device in bad hands can seal and sign whatever it
//! likes; and a hub of another version, or one in bad hands, can answer anything.

use kentongan_agent::store::{Heard, Store};
use kentongan_host::bundle::{self, AnswerKey, Fault, Sealed};
use kentongan_host::{Failure, Lang};
use kentongan_hub::service::bundle::{Request, Taken};
use kentongan_hub::service::{Answer, Desk, Request as Asked, execute};
use kentongan_protocol::ids::ReplicaId;

use super::bytes::{Bytes, piece};
use super::frames::{input_of, stream};
use super::honest::{self, enter, health, member, pc};
use super::hub::{ENEMY, Hub, SARI};
use super::papers::desk;
use super::sessions::check_office;
use crate::sim::world::key;

/// Slot of the disk of the office that makes bundles.
const DISK: u64 = 96;
/// Number of the key of the honest PC, see [`key`].
const SARIS: u8 = 1;
/// And of the one in bad hands.
const ENEMYS: u8 = 3;

/// How an input is made into a file.
mod shape {
    /// The rest is the file.
    pub(super) const AS_IT_IS: u8 = 0;
    /// An honest bundle with pieces replaced.
    pub(super) const BUNDLE: u8 = 1;
    /// The answer to it with pieces replaced.
    pub(super) const ANSWER: u8 = 2;
    /// The rest is a request, well sealed and signed by a device in bad hands.
    pub(super) const REQUEST: u8 = 3;
    /// The rest is a reply, well sealed by the hub.
    pub(super) const REPLY: u8 = 4;
}

/// Any file as a bundle at the hub, and as an answer at the office: nothing is taken but what a device signed and what the hub
/// sealed, the stores stay whole, and what was brought is taken once.
pub(super) fn bundles(data: &[u8]) {
    let mut hub = Hub::in_memory();
    let desk = desk(&hub);
    let mut bytes = Bytes::new(data);
    match bytes.byte() % 5 {
        shape::BUNDLE => {
            let (_, own) = made(&desk);
            let file = bytes.edited(&own.file);
            let taken = take(&mut hub, &desk, &file);
            assert_eq!(taken.is_ok(), file == own.file, "only what was sealed opens");
        }
        shape::ANSWER => {
            let (mut store, own) = made(&desk);
            let answer = take(&mut hub, &desk, &own.file).expect("an honest bundle").answer();
            let file = bytes.edited(&answer);
            let heard = hear(&mut store, &file);
            assert_eq!(
                matches!(heard, Some(Heard::Taken(..))),
                file == answer,
                "only what was sealed opens: {heard:?}"
            );
            check_office(store);
        }
        shape::REQUEST => {
            let sealed = seal(&stream(bytes.rest()), ENEMY, ENEMYS, &desk).expect("short enough");
            let first = take(&mut hub, &desk, &sealed.file).expect("a device that may speak");
            let again = take(&mut hub, &desk, &sealed.file).expect("once more");
            assert!(!again.whole || again.stored == 0, "{first:?}, and then {again:?}");
            bundle::reply(&first.answer(), sealed.answer_key).expect("the answer to this bundle");
        }
        shape::REPLY => {
            let (mut store, own) = made(&desk);
            let file = bundle::answer(&stream(bytes.rest()), own.name, own.answer_key);
            hear(&mut store, &file);
            check_office(store);
        }
        _ => {
            // Dice neither seal nor sign.
            let file = bytes.rest();
            take(&mut hub, &desk, file).expect_err("nobody sealed this");
            let (mut store, _) = made(&desk);
            assert!(matches!(hear(&mut store, file), None | Some(Heard::Strange)));
        }
    }
    hub.check_logs();
}

/// An office with something to say, and its bundle.
fn made(desk: &Desk) -> (Store, Sealed) {
    let mut store = pc(DISK, None, &member(SARI, 0), 1);
    enter(&mut store, "Loket tutup sebelum jam dua");
    enter(&mut store, "Air tidak mengalir");
    let mut kept = None;
    let bundle = store.make_bundle(&health(), &key(SARIS), |request, replica| {
        let sealed = seal(request, replica, SARIS, desk)?;
        kept = Some(Sealed { file: sealed.file.clone(), ..sealed });
        Some(sealed)
    });
    let (bundle, sealed) = (bundle.expect("a bundle"), kept.expect("it was sealed"));
    assert_eq!(bundle.file, sealed.file);
    (store, sealed)
}

fn seal(request: &[u8], replica: ReplicaId, number: u8, desk: &Desk) -> Option<Sealed> {
    bundle::seal(request, replica, &key(number), desk.authority().seals().public())
}

fn take(hub: &mut Hub, desk: &Desk, file: &[u8]) -> Result<Taken, Failure> {
    match hub.done(|tx, _| Ok(execute(tx, desk, &Asked::Bundle(Request::take(file)))))? {
        Answer::Bundle(taken) => Ok(*taken),
        other => panic!("another answer: {other:?}"),
    }
}

/// What an office makes of a file that somebody brings back; `None`: it is of no use.
fn hear(store: &mut Store, file: &[u8]) -> Option<Heard> {
    let said = |fault: Fault| {
        assert!(![Lang::Id, Lang::En].map(|lang| fault.sentence(lang)).contains(&""), "a fault without a word");
    };
    let name = bundle::answered(file).map_err(said).ok()?;
    store.take_answer(&health(), name, |key: AnswerKey| bundle::reply(file, key)).ok()
}

pub(super) fn bundle_seeds() -> Vec<Vec<u8>> {
    let shaped = |how: u8, rest: &[u8]| [&[how], rest].concat();
    let mut edit = vec![0, 0, 1];
    piece(&mut edit, b"K");
    let streams = honest::streams().iter().map(|stream| input_of(stream));
    let said = streams.flat_map(|input| [shaped(shape::REQUEST, &input), shaped(shape::REPLY, &input)]);
    let files = [
        shaped(shape::AS_IT_IS, b"KTGB\x01"),
        shaped(shape::AS_IT_IS, &bundle::answer(b"", bundle::Name([7; 8]), AnswerKey([7; 32]))),
        shaped(shape::BUNDLE, b""),
        shaped(shape::BUNDLE, &edit),
        shaped(shape::ANSWER, b""),
        shaped(shape::ANSWER, &edit),
    ];
    files.into_iter().chain(said).collect()
}
