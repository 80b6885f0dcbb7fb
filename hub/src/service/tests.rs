//! Operators and offices at a hub that keeps everything in memory.

use std::sync::{Arc, RwLock};

use kentongan_host::certificate::{facts, from_pem};
use kentongan_host::enrolment::{EnrolAnswer, EnrolCode, EnrolRequest, to_hex};
use kentongan_host::identity::SigningKey;
use kentongan_host::spoken::five_words;
use kentongan_host::{DataDir, Exit, Program};
use kentongan_protocol::ids::ReplicaId;

use super::enrolment::{CodeState, Created, Refusal, join, renew};
use super::fleet::{Notice, State};
use super::*;
use crate::archive::MemoryArchive;
use crate::engine::{self, Parts};
use crate::store::memory::MemoryStore;
use crate::store::{HubIdentity, LastContact, Replica, transact_with};

const NOW_MS: i64 = 1_795_000_000_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A hub, and the time there.
struct Hub {
    _temp: tempfile::TempDir,
    store: MemoryStore,
    desk: Desk,
}

impl Hub {
    fn new() -> Hub {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Hub, temp.path());
        dir.create().expect("folders");
        let authority = Authority::create(&dir, NOW_MS).expect("certificates");
        let mut store = MemoryStore::default();
        let identity = HubIdentity { replica: ReplicaId(1), name: "Diskominfo".into(), created_ms: NOW_MS };
        transact_with(&mut store, |tx| tx.put_hub(&identity)).expect("a hub");
        let parts = Parts::of_machine(&authority, Arc::new(MemoryArchive::default()));
        let hub = transact_with(&mut store, |tx| engine::Hub::open(tx, parts)).expect("read").expect("a hub");
        let desk = Desk {
            dir,
            hub: Arc::new(hub),
            authority: Arc::new(RwLock::new(authority)),
            config: Arc::new(Config::built_in()),
            rhythms: Arc::default(),
            service: status::Service::default(),
            now_ms: NOW_MS,
            actor: "wayan".into(),
            via: None,
        };
        Hub { _temp: temp, store, desk }
    }

    fn ask(&mut self, request: &Request) -> Result<Answer, Failure> {
        let desk = &self.desk;
        transact_with(&mut self.store, |tx| execute(tx, desk, request))
    }

    fn code_for(&mut self, office: &str) -> Created {
        self.code(office, false)
    }

    fn code(&mut self, office: &str, asks: bool) -> Created {
        self.marked(office, asks, "")
    }

    fn marked(&mut self, office: &str, asks: bool, tag: &str) -> Created {
        let (office, name, tag) = (office.into(), String::new(), tag.into());
        let request = enrolment::Request::Create { office, name, expires_ms: 1_000_000, asks, tag };
        match self.ask(&Request::Enrol(request)).expect("a code") {
            Answer::Enrol(enrolment::Answer::Created(created)) => created,
            other => panic!("{other:?}"),
        }
    }

    fn codes(&mut self) -> Vec<CodeState> {
        match self.ask(&Request::Enrol(enrolment::Request::List)).expect("codes") {
            Answer::Enrol(enrolment::Answer::List(list)) => list.codes.iter().map(|code| code.state).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn join(&mut self, code: &str, key: &SigningKey) -> Result<EnrolAnswer, Refusal> {
        let request = EnrolRequest {
            secret: code.parse::<EnrolCode>().expect("a code").secret(),
            csr: to_hex(&key.certificate_request().expect("request")),
            host: "DESA-PC01".into(),
            program: "kentongan-agent".into(),
        };
        let desk = &self.desk;
        transact_with(&mut self.store, |tx| join(tx, desk, &request)).expect("no failure of the hub")
    }

    fn replica(&mut self, id: &str) -> Replica {
        let id = id.parse().expect("an id");
        transact_with(&mut self.store, |tx| tx.replica(id)).expect("read").expect("there")
    }

    fn change_replica(&mut self, id: &str, change: impl FnOnce(&mut Replica)) {
        let mut replica = self.replica(id);
        change(&mut replica);
        transact_with(&mut self.store, |tx| tx.put_replica(&replica)).expect("written");
    }

    fn office(&mut self, office: &str) -> fleet::Detail {
        match self.ask(&Request::Office(office::Request::Show { office: office.into() })).expect("shown") {
            Answer::Office(office::Answer::Show(detail)) => *detail,
            other => panic!("{other:?}"),
        }
    }

    fn revoke(&mut self, replica: &str) {
        let (replica, reason) = (replica.to_owned(), "PC dicuri".to_owned());
        let request = office::Request::Revoke { replica, reason, valid_upto: Vec::new() };
        self.ask(&Request::Office(request)).expect("revoked");
    }
}

fn key() -> SigningKey {
    SigningKey::generate().expect("a key")
}

const SUKAJADI: &str = "32.73.05.1001";

#[test]
fn a_code_lets_one_key_in_and_a_lost_answer_is_given_again() {
    let mut hub = Hub::new();
    let code = hub.code_for(SUKAJADI).code;
    let sari = key();
    let first = hub.join(&code, &sari).expect("joined");
    let again = hub.join(&code, &sari).expect("the same answer");
    assert_eq!((&first.replica, &first.prefix), (&again.replica, &again.prefix));
    assert_eq!((first.office.as_str(), first.hub_replica.as_str()), (SUKAJADI, "0000000000000001"));

    assert_eq!(hub.join(&code, &key()), Err(Refusal::Used));
    assert_eq!(hub.codes(), [CodeState::Used]);
    let certificate = from_pem(first.certificate_pem.as_bytes()).expect("a certificate");
    assert_eq!(facts(&certificate).expect("facts").common_name, Some(first.replica));
    let root = from_pem(first.root_pem.as_bytes()).expect("a root");
    assert!(code.parse::<EnrolCode>().expect("a code").matches_root(&root));
}

#[test]
fn a_code_that_ran_out_or_was_revoked_lets_nobody_in() {
    let mut hub = Hub::new();
    let late = hub.code_for(SUKAJADI);
    hub.desk.now_ms = late.expires_at + 1;
    assert_eq!(hub.join(&late.code, &key()), Err(Refusal::Expired));

    let revoked = hub.code_for(SUKAJADI);
    hub.ask(&Request::Enrol(enrolment::Request::Revoke { number: revoked.number })).expect("revoked");
    assert_eq!(hub.join(&revoked.code, &key()), Err(Refusal::Revoked));
    let stranger = EnrolCode::draw(hub.desk.authority().root()).to_string();
    assert_eq!(hub.join(&stranger, &key()), Err(Refusal::Unknown));
    assert_eq!(hub.codes(), [CodeState::Revoked, CodeState::Expired]);
}

#[test]
fn a_device_carries_the_mark_of_the_code_by_which_it_last_joined() {
    let mut hub = Hub::new();
    let (sari, budi) = (key(), key());
    for (office, key, tag) in
        [(SUKAJADI, &sari, "ring 1"), ("32.73.05.1002", &budi, "ring 2"), (SUKAJADI, &sari, "ring 2")]
    {
        let code = hub.marked(office, false, tag);
        hub.join(&code.code, key).expect("joined");
        hub.desk.now_ms += 1;
    }
    hub.code_for("32.73.05.1003");
    let mut marked = |tag: &str| -> Vec<String> {
        let tag = Some(tag.to_owned());
        let request = office::Request::List { state: None, area: None, noticed: false, program: None, tag };
        match hub.ask(&Request::Office(request)).expect("listed") {
            Answer::Office(office::Answer::List(list)) => list.offices.into_iter().map(|row| row.office).collect(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(marked("ring 2"), [SUKAJADI, "32.73.05.1002"]);
    assert_eq!(marked("ring 1"), [""; 0]);
    assert_eq!(hub.office(SUKAJADI).devices[0].tag, "ring 2");
}

#[test]
fn a_code_that_asks_lets_nobody_in_until_a_person_has_heard_the_right_words() {
    let mut hub = Hub::new();
    let (code, sari, thief) = (hub.code(SUKAJADI, true), key(), key());
    assert_eq!(hub.join(&code.code, &sari), Err(Refusal::ApprovalAwaited));
    assert_eq!(hub.join(&code.code, &sari), Err(Refusal::ApprovalAwaited), "asking again changes nothing");
    assert_eq!(hub.join(&code.code, &thief), Err(Refusal::Used), "one PC is asked about");
    assert_eq!(hub.codes(), [CodeState::Asked]);

    let judge = |number, approved| Request::Enrol(enrolment::Request::Judge { number, approved });
    let judged = match hub.ask(&judge(code.number, true)).expect("judged") {
        Answer::Enrol(enrolment::Answer::Judged(row)) => row.applicant.expect("a PC asked"),
        other => panic!("{other:?}"),
    };
    assert_eq!((judged.words, judged.host), (five_words(&sari.public_key()), "DESA-PC01".to_owned()));
    assert_eq!(hub.join(&code.code, &thief), Err(Refusal::Used));
    assert_eq!(hub.join(&code.code, &sari).expect("let in").office, SUKAJADI);
    assert!(hub.ask(&judge(code.number, false)).is_err(), "nobody asks any more");

    let stolen = hub.code(SUKAJADI, true);
    assert_eq!(hub.join(&stolen.code, &thief), Err(Refusal::ApprovalAwaited));
    hub.ask(&judge(stolen.number, false)).expect("denied");
    for key in [&thief, &sari] {
        assert_eq!(hub.join(&stolen.code, key), Err(Refusal::Revoked), "the code is known to somebody else");
    }
}

#[test]
fn a_note_about_an_office_is_there_for_the_next_operator_and_not_in_the_audit_trail() {
    let mut hub = Hub::new();
    hub.code_for(SUKAJADI);
    let note = |text: &str| Request::Office(office::Request::Note { office: SUKAJADI.into(), text: text.into() });
    hub.ask(&note("  Listrik padam sampai Jumat\n")).expect("noted");
    for wrong in [" ".to_owned(), "a".repeat(office::NOTE_CHARS_MAX + 1)] {
        assert!(hub.ask(&note(&wrong)).is_err());
    }
    let shown = hub.office(SUKAJADI);
    let notes: Vec<(&str, &str)> = shown.notes.iter().map(|note| (note.actor.as_str(), note.text.as_str())).collect();
    assert_eq!(notes, [("wayan", "Listrik padam sampai Jumat")]);
    assert_eq!(shown.events.iter().filter(|line| line.event == "office.noted").count(), 1);
    assert!(shown.events.iter().all(|line| !line.detail.to_string().contains("Listrik")));
}

#[test]
fn a_used_code_cannot_be_revoked_and_the_message_names_the_device() {
    let mut hub = Hub::new();
    let code = hub.code_for(SUKAJADI);
    let sari = hub.join(&code.code, &key()).expect("joined");
    let failure = hub.ask(&Request::Enrol(enrolment::Request::Revoke { number: code.number })).expect_err("refused");
    assert!(failure.message.contains(&sari.replica), "{}", failure.message);
}

#[test]
fn a_known_key_joins_again_as_itself_but_not_elsewhere_and_not_once_revoked() {
    let mut hub = Hub::new();
    let sari = key();
    let code = hub.code_for(SUKAJADI).code;
    let first = hub.join(&code, &sari).expect("joined");

    let elsewhere = hub.code_for("32.73.05.1002").code;
    assert_eq!(hub.join(&elsewhere, &sari), Err(Refusal::KeyElsewhere));
    hub.desk.now_ms += 200 * DAY_MS;
    let code = hub.code_for(SUKAJADI).code;
    let again = hub.join(&code, &sari).expect("joined again");
    assert_eq!((again.replica, again.prefix), (first.replica.clone(), first.prefix));

    hub.revoke(&first.replica);
    let code = hub.code_for(SUKAJADI).code;
    assert_eq!(hub.join(&code, &sari), Err(Refusal::KeyRevoked));
    assert_eq!(hub.office(SUKAJADI).row.state, State::Revoked);
}

#[test]
fn a_certificate_is_renewed_for_the_devices_own_key_only() {
    let mut hub = Hub::new();
    let sari = key();
    let code = hub.code_for(SUKAJADI).code;
    let joined = hub.join(&code, &sari).expect("joined");
    hub.desk.now_ms += 45 * DAY_MS;
    let replica = hub.replica(&joined.replica);
    for (key, renewed) in [(&sari, true), (&key(), false)] {
        let csr = key.certificate_request().expect("request");
        let desk = &hub.desk;
        let answer = transact_with(&mut hub.store, |tx| renew(tx, desk, &replica, &csr)).expect("no failure");
        assert_eq!(answer.is_some(), renewed);
    }
    assert_eq!(hub.replica(&joined.replica).certificate.until_ms, hub.desk.now_ms + 90 * DAY_MS);
}

#[test]
fn an_office_goes_from_unseen_to_ok_late_and_silent_and_a_pause_hides_its_silence() {
    let mut hub = Hub::new();
    let code = hub.code_for(SUKAJADI).code;
    let sari = hub.join(&code, &key()).expect("joined");
    assert_eq!(hub.office(SUKAJADI).row.state, State::Unseen);

    let contact = LastContact {
        at_ms: NOW_MS,
        ops_written: 12,
        pending: 3,
        oldest_pending_ms: 0,
        free_bytes: 1 << 40,
        program: "kentongan-agent 0.1.0".into(),
        clock_offset_ms: 0,
        clock_error_ms: 20,
    };
    hub.change_replica(&sari.replica, |replica| replica.last_contact = Some(contact));
    // It was last heard on a Wednesday evening; one working day is Thursday, three end on Monday.
    for (hours, state) in [(1, State::Ok), (21, State::Ok), (40, State::Late), (90, State::Late), (120, State::Silent)]
    {
        hub.desk.now_ms = NOW_MS + hours * HOUR_MS;
        let row = hub.office(SUKAJADI).row;
        assert_eq!((row.state, row.pending), (state, 3), "{hours}");
        assert_eq!(row.pending_at_least, state != State::Ok);
    }
    let pause = |paused| Request::Office(office::Request::Pause { office: SUKAJADI.into(), paused });
    hub.ask(&pause(true)).expect("paused");
    assert_eq!(hub.office(SUKAJADI).row.state, State::Paused);
    hub.ask(&pause(false)).expect("resumed");
    assert_eq!(hub.office(SUKAJADI).row.state, State::Silent);
}

#[test]
fn what_a_person_should_know_of_a_device_is_said_and_counted() {
    let mut hub = Hub::new();
    let code = hub.code_for(SUKAJADI).code;
    let sari = hub.join(&code, &key()).expect("joined");
    hub.change_replica(&sari.replica, |replica| {
        replica.twin_seen_ms = Some(NOW_MS);
        replica.holding.ops = 20;
        replica.last_contact = Some(LastContact {
            at_ms: NOW_MS,
            ops_written: 12,
            pending: 0,
            oldest_pending_ms: 0,
            free_bytes: 1 << 20,
            program: "kentongan-agent 0.1.0".into(),
            clock_offset_ms: -40 * DAY_MS,
            clock_error_ms: 20,
        });
    });
    let notices = hub.office(SUKAJADI).row.notices;
    assert_eq!(notices, [Notice::Twin, Notice::Clock, Notice::Restored, Notice::Space]);
    let Answer::Status(status) = hub.ask(&Request::Status).expect("status") else { panic!("a status") };
    assert!(!status.healthy);
    assert!(status.health.contains(&status::Health::Twins(1)), "{:?}", status.health);
    assert_eq!(status.offices.get(&State::Ok), Some(&1));
}

#[test]
fn offices_are_added_once_imported_again_and_known_by_their_code_only() {
    let mut hub = Hub::new();
    let add = |office: &str| Request::Office(office::Request::Add { office: office.into(), name: "  Kel.  A ".into() });
    hub.ask(&add(SUKAJADI)).expect("added");
    assert_eq!(hub.office(SUKAJADI).row.name, "Kel. A");
    assert_eq!(hub.ask(&add(SUKAJADI)).expect_err("twice").exit, Exit::Failed);
    assert_eq!(hub.ask(&add("Sukajadi")).expect_err("no code").exit, Exit::Usage);

    let offices = vec![(SUKAJADI.to_owned(), "Kel. A".to_owned()), ("32.73.05.1002".to_owned(), "Kel. B".to_owned())];
    let import = Request::Office(office::Request::Import { offices });
    let Answer::Office(office::Answer::Changed(first)) = hub.ask(&import).expect("imported") else { panic!() };
    let Answer::Office(office::Answer::Changed(again)) = hub.ask(&import).expect("again") else { panic!() };
    assert_eq!((first.added, first.changed, again.added, again.changed), (1, 0, 0, 0));
}

#[test]
fn a_failed_request_leaves_nothing_behind() {
    let mut hub = Hub::new();
    let offices = vec![(SUKAJADI.to_owned(), "Kel. A".to_owned()), ("bukan kode".to_owned(), "?".to_owned())];
    let import = Request::Office(office::Request::Import { offices });
    assert_eq!(hub.ask(&import).expect_err("refused").exit, Exit::Usage);
    assert!(transact_with(&mut hub.store, |tx| tx.offices()).expect("read").is_empty());
}

#[test]
fn the_audit_log_names_the_person_and_holds_together() {
    let mut hub = Hub::new();
    let code = hub.code_for(SUKAJADI).code;
    hub.join(&code, &key()).expect("joined");
    let Answer::Audit(audit::Answer::Lines(lines)) =
        hub.ask(&Request::Audit(audit::Request::List { limit: 10 })).expect("lines")
    else {
        panic!("lines")
    };
    let events: Vec<&str> = lines.entries.iter().map(|line| line.event.as_str()).collect();
    assert_eq!(events, ["replica.enrolled", "enrol.code.created", "office.entered"]);
    assert!(lines.entries.iter().all(|line| line.actor == "wayan"));
    assert!(lines.entries.iter().all(|line| !line.detail.to_string().contains(&code)), "no code in the log");

    let Answer::Audit(audit::Answer::Verified(verified)) =
        hub.ask(&Request::Audit(audit::Request::Verify)).expect("verified")
    else {
        panic!("verified")
    };
    assert_eq!((verified.whole, verified.entries, verified.broken_at), (true, 3, None));
}

#[test]
fn requests_and_answers_survive_the_control_socket() {
    let mut hub = Hub::new();
    hub.code_for(SUKAJADI);
    let requests = [
        Request::Status,
        Request::Office(office::Request::List {
            state: Some(State::Unseen),
            area: Some("32.73".into()),
            noticed: false,
            program: None,
            tag: None,
        }),
        Request::Office(office::Request::Fleet),
        Request::Calendar(calendar::Request::Show { year: Some(2026), office: None }),
        Request::Office(office::Request::Show { office: SUKAJADI.into() }),
        Request::Enrol(enrolment::Request::List),
        Request::Audit(audit::Request::Page { after: 0 }),
    ];
    for request in requests {
        let order = Order { actor: "sari".into(), request };
        let sent = serde_json::to_string(&order).expect("written");
        let read: Order = serde_json::from_str(&sent).expect("read");
        assert_eq!(read, order);
        let answer = hub.ask(&order.request).expect("answered");
        let sent = serde_json::to_string(&answer).expect("written");
        assert_eq!(serde_json::from_str::<Answer>(&sent).expect("read"), answer);
    }
}
