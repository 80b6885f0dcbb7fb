//! Joining by files on a stick. The hub reads what somebody brings from an office, the office what somebody brings back; who
//! carries them can change them on the way.

use kentongan_agent::enrol::{certifies, member_of};
use kentongan_host::certificate::to_pem;
use kentongan_host::enrolment::carried::{FILE_BYTES_MAX, Fault, answer_file, read_answer, read_request, request_file};
use kentongan_host::enrolment::{EnrolAnswer, EnrolCode, EnrolRequest, from_hex, to_hex};
use kentongan_host::{Failure, Lang};
use kentongan_hub::ca::key_of_request;
use kentongan_hub::service::Desk;
use kentongan_hub::service::enrolment::{Admitted, Answer, Request, execute};

use super::bytes::{Bytes, piece};
use super::hub::Hub;
use super::papers::desk;
use crate::sim::world::{key, office_code};

/// Number of the key of the PC that asks, see [`key`].
const NEWCOMER: u8 = 5;
/// Number of the key of a PC that shows the same code later.
const LATER: u8 = 6;

/// How an input is made into a file.
mod shape {
    /// The rest is the file.
    pub(super) const AS_IT_IS: u8 = 0;
    /// The request of a PC with pieces replaced.
    pub(super) const REQUEST: u8 = 1;
    /// The answer to it with pieces replaced.
    pub(super) const ANSWER: u8 = 2;
    /// The rest is an answer, and the hub signs it: a hub of another version, or one in bad hands.
    pub(super) const SIGNED: u8 = 3;
}

/// Any file as a request at the hub, and as an answer at the office: nobody is let in without the code, the certificate is for
/// the key that asked, and nothing is believed that the hub did not sign.
pub(super) fn carried_files(data: &[u8]) {
    let mut hub = Hub::in_memory();
    let desk = desk(&hub);
    let mut bytes = Bytes::new(data);
    let how = bytes.byte();
    let code = code(&mut hub, &desk, how & 0x80 != 0);
    match how % 4 {
        shape::REQUEST => {
            let file = bytes.edited(request_file(&asking(&code, NEWCOMER)).as_bytes());
            at_the_hub(&mut hub, &desk, &code, &file);
        }
        shape::ANSWER => {
            let own = admit(&mut hub, &desk, &asking(&code, NEWCOMER)).expect("an honest request").file;
            at_the_office(&code, &bytes.edited(own.as_bytes()), &own);
        }
        shape::SIGNED => {
            let Ok(answer) = serde_json::from_slice::<EnrolAnswer>(bytes.rest()) else { return };
            let root_pem = to_pem(desk.authority().root());
            let own = desk.authority().answer_file(&EnrolAnswer { root_pem, ..answer });
            at_the_office(&code, own.as_bytes(), &own);
        }
        _ => {
            // Dice sign nothing.
            let file = bytes.rest();
            at_the_hub(&mut hub, &desk, &code, file);
            at_the_office(&code, file, "");
        }
    }
}

/// A file that somebody brings to the hub that gave `code`.
fn at_the_hub(hub: &mut Hub, desk: &Desk, code: &EnrolCode, file: &[u8]) {
    let request = match read_request(file) {
        Ok(request) => request,
        Err(fault) => return said(fault),
    };
    let again = request_file(&request);
    if again.len() <= FILE_BYTES_MAX {
        assert_eq!(read_request(again.as_bytes()), Ok(request.clone()));
    }
    let Ok(admitted) = admit(hub, desk, &request) else { return };
    assert!(request.secret.trim().eq_ignore_ascii_case(&code.secret()), "let in without the code");
    let key = from_hex(&request.csr).and_then(|csr| key_of_request(&csr)).expect("the key that was certified");
    let answer = read_answer(admitted.file.as_bytes(), code).expect("the hub's own answer");
    assert!(certifies(&answer.certificate_pem, &key), "a certificate for another key");
    assert_eq!(answer.recovery_key, None, "who carries it reads it");
    let member = member_of(&answer, "https://pusat.example:8743").expect("an answer of a hub");
    assert_eq!(member.office.to_string(), office_code(0));
    if key != key_of(LATER) {
        admit(hub, desk, &asking(code, LATER)).expect_err("the code served two keys");
    }
}

/// A file that somebody brings to the PC that asked with `code`; the hub signed `own` and nothing else.
fn at_the_office(code: &EnrolCode, file: &[u8], own: &str) {
    match read_answer(file, code) {
        Ok(answer) => {
            assert_eq!(Ok(&answer), read_answer(own.as_bytes(), code).as_ref(), "the hub never signed this");
            let _ = certifies(&answer.certificate_pem, &key_of(NEWCOMER));
            let _ = member_of(&answer, "https://pusat.example:8743");
        }
        Err(fault) => said(fault),
    }
}

fn said(fault: Fault) {
    assert!(![Lang::Id, Lang::En].map(|lang| fault.sentence(lang)).contains(&""), "a fault without a word");
}

/// A code for the first office; where it `asks`, a person has to know the PC.
fn code(hub: &mut Hub, desk: &Desk, asks: bool) -> EnrolCode {
    let create =
        Request::Create { office: office_code(0), name: String::new(), expires_ms: 60_000, asks, tag: String::new() };
    match hub.done(|tx, _| Ok(execute(tx, desk, &create))) {
        Ok(Answer::Created(created)) => EnrolCode::parse(&created.code).expect("a code"),
        other => panic!("no code: {other:?}"),
    }
}

/// What the hub answers to a request: first it says who asks, and where the code asks, nobody comes in unseen.
fn admit(hub: &mut Hub, desk: &Desk, request: &EnrolRequest) -> Result<Admitted, Failure> {
    let mut answer = |wanted: Request| hub.done(|tx, _| Ok(execute(tx, desk, &wanted)));
    let Answer::Looked(asking) = answer(Request::Look { request: request.clone() })? else { panic!("no look") };
    let unseen = answer(Request::Admit { request: request.clone(), approved: false });
    assert_eq!(unseen.is_err(), asking.waits, "{unseen:?}");
    match answer(Request::Admit { request: request.clone(), approved: true })? {
        Answer::Admitted(admitted) => Ok(admitted),
        other => panic!("not admitted: {other:?}"),
    }
}

fn asking(code: &EnrolCode, number: u8) -> EnrolRequest {
    EnrolRequest {
        secret: code.secret(),
        csr: to_hex(&key(number).certificate_request().expect("a request")),
        host: "pc-loket".to_owned(),
        program: "fuzz 1".to_owned(),
    }
}

fn key_of(number: u8) -> [u8; 32] {
    key(number).public_key()
}

pub(super) fn carried_file_seeds() -> Vec<Vec<u8>> {
    let mut hub = Hub::in_memory();
    let desk = desk(&hub);
    let code = code(&mut hub, &desk, false);
    let request = asking(&code, NEWCOMER);
    let file = request_file(&request);
    let answered = admit(&mut hub, &desk, &request).expect("an honest request").file;
    let answer = read_answer(answered.as_bytes(), &code).expect("the hub's own answer");
    // A mark of an editor before the file.
    let mut edit = vec![0, 0, 0];
    piece(&mut edit, "\u{feff}".as_bytes());
    let shaped = |how: u8, rest: &[u8]| [&[how], rest].concat();
    let by_a_stranger = answer_file(&answer, |bytes| key(LATER).sign(bytes));
    vec![
        shaped(shape::AS_IT_IS, file.as_bytes()),
        shaped(shape::AS_IT_IS, by_a_stranger.as_bytes()),
        shaped(shape::REQUEST, b""),
        shaped(shape::REQUEST | 0x80, b""),
        shaped(shape::REQUEST, &edit),
        shaped(shape::ANSWER, b""),
        shaped(shape::ANSWER, &edit),
        shaped(shape::SIGNED, &serde_json::to_vec(&answer).expect("JSON")),
    ]
}
