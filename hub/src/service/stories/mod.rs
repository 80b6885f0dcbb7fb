//! Wayan's work at the hub, on what Sari at the village and Budi at the clinic sent.

mod desk;

use std::sync::{Arc, RwLock};

use kentongan_host::{DataDir, Exit, Failure, Program};
use kentongan_protocol::form::Value;
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::builtin::skm;
use kentongan_protocol::ids::{Lane, OpId, RecordId};
use kentongan_protocol::op::{Action, Op, Write};
use serde_json::Value as Json;

use super::board::{Board, Counts};
use super::record::Operator;
use super::{Answer, Desk, Request, calendar, complaint, conflict, execute, export, quarantine, survey};
use crate::accept::world::{NOW, Pc, World, complaint as new_complaint};
use crate::ca::Authority;
use crate::config::Config;
use crate::store::{OpState, Page, Result as StoreResult, Tx, transact_with};

const VILLAGE: &str = "32.73.05.1001";
const CLINIC: &str = "32.73.05.1001-PKM1";

/// Has Wayan do something at the hub.
fn wayan<T>(
    world: &mut World,
    work: impl FnOnce(&mut dyn Tx, Operator<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let hub = Arc::clone(&world.hub);
    let operator = Operator { hub: &hub, now_ms: NOW, name: "Wayan", via: None };
    transact_with(&mut *world.store, |tx| work(tx, operator))
}

fn do_it(world: &mut World, request: &complaint::Request) -> complaint::Changed {
    match wayan(world, |tx, operator| complaint::run(tx, operator, request)).expect("done") {
        complaint::Answer::Changed(changed) => changed,
        other => panic!("{other:?}"),
    }
}

fn show(world: &mut World, record: RecordId) -> super::view::Document {
    let request = complaint::Request::Show { record: record.to_string() };
    match wayan(world, |tx, operator| complaint::run(tx, operator, &request)).expect("shown") {
        complaint::Answer::Show(document) => *document,
        other => panic!("{other:?}"),
    }
}

fn status(document: &super::view::Document) -> &str {
    document.status.as_ref().map_or("", |status| status.code.as_str())
}

fn lines(world: &mut World, what: export::What) -> Vec<Json> {
    let (mut all, mut after) = (Vec::new(), Some(0));
    while let Some(from) = after {
        let request = export::Request { what, after: from, since_ms: None, until_ms: None, masked: false };
        let page = wayan(world, |tx, operator| export::run(tx, operator, &request)).expect("a page");
        all.extend(page.lines.iter().map(|line| serde_json::from_str::<Json>(line).expect("JSON")));
        after = page.next;
    }
    all
}

/// A world with one complaint of Sari's that the hub has.
fn with_complaint() -> (World, Pc, RecordId) {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    let record = RecordId(sari.write(Lane::Case, &new_complaint("Obat habis di puskesmas", Some(5))));
    world.settle(&mut sari);
    (world, sari, record)
}

#[test]
fn a_complaint_is_handed_on_answered_closed_and_opened_again_and_both_offices_hear_of_it() {
    let (mut world, mut sari, record) = with_complaint();
    let mut budi = world.enrol(2, CLINIC);
    let code = show(&mut world, record).code.expect("it has a code");
    let forward = complaint::Request::Forward { record: code.clone(), to: CLINIC.into(), note: "mohon dicek".into() };
    let changed = do_it(&mut world, &forward);
    assert_eq!(
        (changed.status.expect("one").code.as_str(), changed.offices),
        ("terdisposisi", vec![VILLAGE.into(), CLINIC.into()])
    );
    let answer = complaint::Request::Answer { record: code.to_lowercase(), text: "Obat sudah datang.".into() };
    do_it(&mut world, &answer);
    do_it(&mut world, &complaint::Request::Close { record: code.clone(), reason: "pelapor puas".into() });
    assert_eq!(status(&show(&mut world, record)), "selesai");
    let changed = do_it(&mut world, &complaint::Request::Reopen { record: code, reason: "masih habis".into() });
    assert_eq!(changed.status.expect("one").code, "dibuka_kembali");

    world.settle(&mut sari);
    world.settle(&mut budi);
    assert_eq!((sari.read.len(), budi.read.len()), (4, 5));
    let document = show(&mut world, record);
    let group = |name: &str| document.groups.iter().find(|group| group.group.code == name).expect("it is there");
    let answer = &group("jawaban").values[0];
    assert_eq!(answer.answers[0].value, "Obat sudah datang.");
    assert_eq!(answer.answers[2].value, "2026-11-18", "the civil day in Bandung");
    assert!(answer.by.at_hub && answer.by.name == "Wayan");
    assert_eq!((document.history.len(), document.replicas.len()), (5, 2));
    let sources: Vec<&str> = document.history.iter().map(|event| event.by.when.source.as_str()).collect();
    assert_eq!(sources, ["contact"; 5]);
}

#[test]
fn a_complaint_goes_from_desk_to_desk_only_as_the_table_of_moves_says() {
    let (mut world, _, record) = with_complaint();
    let id = record.to_string();
    let go =
        |to: &str, reason: &str| complaint::Request::Move { record: id.clone(), to: to.into(), reason: reason.into() };
    let close = complaint::Request::Close { record: id.clone(), reason: "puas".into() };
    let refused = |world: &mut World, request: &complaint::Request| {
        wayan(world, |tx, operator| complaint::run(tx, operator, request)).expect_err("refused")
    };
    assert_eq!(refused(&mut world, &close).exit, Exit::Failed, "nobody has answered");
    assert_eq!(refused(&mut world, &go("perlu_dilengkapi", " ")).exit, Exit::Usage, "ask what?");
    assert_eq!(refused(&mut world, &go("selesai", "x")).exit, Exit::Usage, "closing says more");
    do_it(&mut world, &go("perlu_dilengkapi", "Obat apa?"));
    do_it(&mut world, &go("terverifikasi", ""));
    assert_eq!(refused(&mut world, &go("dialihkan", "")).exit, Exit::Usage, "to whom?");
    do_it(&mut world, &go("diproses", ""));
    let said = refused(&mut world, &go("arsip", "x")).message;
    assert!(said.ends_with("terdisposisi, dijawab."), "{said}");
    do_it(&mut world, &complaint::Request::Answer { record: id.clone(), text: "Obat datang Senin.".into() });
    do_it(&mut world, &close);
    assert_eq!(status(&show(&mut world, record)), "selesai");
}

#[test]
fn a_complaint_that_alleges_misconduct_is_closed_by_another_person_and_with_a_finding() {
    let (mut world, _, record) = with_complaint();
    let id = record.to_string();
    let set = |name: &str, value: &str| complaint::Request::Set {
        record: id.clone(),
        fields: vec![(name.to_owned(), value.to_owned())],
    };
    do_it(&mut world, &set("kadar", "berkadar"));
    do_it(&mut world, &complaint::Request::Answer { record: id.clone(), text: "Diperiksa.".into() });
    let close = complaint::Request::Close { record: id.clone(), reason: "selesai".into() };
    let by = |world: &mut World, name: &str| {
        let hub = Arc::clone(&world.hub);
        let operator = Operator { hub: &hub, now_ms: NOW, name, via: None };
        transact_with(&mut *world.store, |tx| complaint::run(tx, operator, &close))
    };
    assert_eq!(by(&mut world, "Wayan").expect_err("his own answer").exit, Exit::Decide);
    assert_eq!(by(&mut world, "Ketut").expect_err("no finding").exit, Exit::Decide);
    do_it(&mut world, &set("temuan", "terbukti"));
    by(&mut world, "Ketut").expect("closed");
}

#[test]
fn a_duplicate_is_linked_both_ways_and_filed_and_escalations_climb() {
    let (mut world, mut sari, record) = with_complaint();
    let other = sari.complain("Obat habis lagi");
    world.settle(&mut sari);
    let (id, into) = (record.to_string(), other.to_string());
    let up = complaint::Request::Add {
        record: into.clone(),
        what: complaint::Addition::Escalation { level: String::new(), reason: "lewat batas".into() },
    };
    do_it(&mut world, &up);
    do_it(&mut world, &up);
    let remark = complaint::Addition::Remark("Pelapor menelepon lagi.".into());
    do_it(&mut world, &complaint::Request::Add { record: into.clone(), what: remark });
    let merge = complaint::Request::Merge { record: id.clone(), into: into.clone() };
    assert_eq!(do_it(&mut world, &merge).status.expect("one").code, "arsip");
    let values = |document: &super::view::Document, name: &str| {
        let group = document.groups.iter().find(|group| group.group.code == name).expect("it is there");
        group.values.iter().map(|value| value.answers[0].value.clone()).collect::<Vec<_>>()
    };
    let (filed, kept) = (show(&mut world, record), show(&mut world, other));
    let code = |document: &super::view::Document| document.code.clone().unwrap_or_else(|| document.id.clone());
    assert_eq!((values(&filed, "tautan"), values(&kept, "tautan")), (vec![code(&kept)], vec![code(&filed)]));
    assert_eq!(values(&kept, "eskalasi"), ["petugas_piket", "kepala_titik_layanan"]);
    let twice = wayan(&mut world, |tx, operator| complaint::run(tx, operator, &merge)).expect_err("filed already");
    assert_eq!(twice.exit, Exit::Failed);
    let back = complaint::Request::Merge { record: into, into: id };
    assert!(wayan(&mut world, |tx, operator| complaint::run(tx, operator, &back)).is_err(), "into a filed one");
}

/// Asks the hub of this world with its settings in hand, so long after the beginning of the story.
fn ask_at(world: &mut World, days: i64, request: &Request) -> Result<Answer, Failure> {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let dir = DataDir::at(Program::Hub, temp.path());
    dir.create().expect("folders");
    let desk = Desk {
        authority: Arc::new(RwLock::new(Authority::create(&dir, NOW).expect("certificates"))),
        dir,
        hub: Arc::clone(&world.hub),
        config: Arc::new(Config::built_in()),
        rhythms: Arc::default(),
        service: super::status::Service::default(),
        now_ms: NOW + days * 86_400_000,
        actor: "Wayan".into(),
        via: None,
    };
    transact_with(&mut *world.store, |tx| execute(tx, &desk, request))
}

fn board(world: &mut World, days: i64) -> Board {
    let request = complaint::Request::Board { office: None, late: false };
    match ask_at(world, days, &Request::Complaint(request)).expect("a board") {
        Answer::Complaint(complaint::Answer::Board(board)) => *board,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_board_shows_what_is_due_first_and_whose_turn_it_is() {
    let (mut world, mut sari, record) = with_complaint();
    let other = sari.complain("Jalan berlubang");
    world.settle(&mut sari);
    // An office's program writes no status at all with a new complaint.
    let mut plain = new_complaint("Antre lama", None);
    plain.writes.retain(|write| write.group != pengaduan::group::STATUS);
    sari.write(Lane::Case, &plain);
    world.settle(&mut sari);
    assert_eq!(board(&mut world, 0).counts.later, 3);
    let shown = board(&mut world, 0);
    let dues: Vec<&str> = shown.cases.iter().filter_map(|case| Some(case.due.as_ref()?.due.as_str())).collect();
    // Received on Wednesday the 18th of November 2026, to be verified and handed on within three working days.
    assert_eq!(dues, ["2026-11-23"; 3]);
    assert_eq!(shown.counts, Counts { later: 3, week: 3, ..Counts::default() });
    let ask = complaint::Request::Move {
        record: other.to_string(),
        to: "perlu_dilengkapi".into(),
        reason: "Di mana?".into(),
    };
    do_it(&mut world, &ask);
    let late = board(&mut world, 6);
    assert_eq!((late.counts.late, late.counts.waiting), (2, 1));
    let due = late.cases[0].due.as_ref().expect("the first is due");
    assert_eq!((due.left, due.rung.as_deref(), due.stage.code.as_str()), (-1, Some("above"), "verify"));
    assert_eq!((late.cases[0].line.id.clone(), late.cases[2].due.clone()), (record.to_string(), None));
    let answer = complaint::Request::Answer { record: record.to_string(), text: "Obat datang.".into() };
    do_it(&mut world, &answer);
    let answered = board(&mut world, 0);
    assert_eq!(answered.cases[1].due.as_ref().map(|due| due.due.as_str()), Some("2026-12-02"), "ten days for a word");
}

#[test]
fn a_new_calendar_moves_open_deadlines_and_the_audit_log_says_from_when_to_when() {
    let (mut world, _, _) = with_complaint();
    let text = "date,kind,name,source,area\n2026-11-20,tutup,Banjir,SK Wali Kota,32.73\n".to_owned();
    let import = Request::Calendar(calendar::Request::Import { text });
    let Answer::Calendar(calendar::Answer::Imported(imported)) = ask_at(&mut world, 0, &import).expect("read") else {
        panic!("an import")
    };
    assert_eq!((imported.days, imported.moved), (1, 1));
    assert_eq!(board(&mut world, 0).cases[0].due.as_ref().map(|due| due.due.as_str()), Some("2026-11-24"));
    let lines = world.done(|tx| tx.audit_log(Page::Before(u64::MAX), 1));
    assert_eq!(lines[0].event.event, "complaint.deadline_moved");
    assert!(lines[0].event.detail.contains("2026-11-23") && lines[0].event.detail.contains("2026-11-24"));
    let Answer::Calendar(calendar::Answer::Imported(again)) = ask_at(&mut world, 0, &import).expect("read") else {
        panic!("an import")
    };
    assert_eq!((again.moved, again.added.len()), (0, 0));
}

#[test]
fn a_complaint_keeps_the_limits_under_which_it_was_received() {
    let (mut world, mut sari, record) = with_complaint();
    let choose = |name: &str| Request::Complaint(complaint::Request::ChooseLimits { name: name.into() });
    assert!(ask_at(&mut world, 1, &choose("lapor-9")).is_err());
    ask_at(&mut world, 1, &choose("panrb62-1")).expect("chosen");
    let by = |world: &mut World, record: RecordId| {
        let case = board(world, 2).cases.into_iter().find(|case| case.line.id == record.to_string()).expect("open");
        case.due.expect("due").profile
    };
    assert_eq!(by(&mut world, record), "lapor-1");
    world.clock.pass(2 * 86_400_000);
    sari.run.wall_ms = NOW + 2 * 86_400_000;
    let mut sari = sari.restarted(9);
    let later = sari.complain("Jalan berlubang");
    world.settle(&mut sari);
    assert_eq!(by(&mut world, later), "panrb62-1");
    let text = "profile,stage,class,limit,unit,from,source\npanrb5-1,answer,,7,working,receipt,\"Naskah, pasal 9\"\n";
    let import = |text: &str| Request::Complaint(complaint::Request::ImportLimits { text: text.into() });
    ask_at(&mut world, 2, &import(text)).expect("brought in");
    assert!(ask_at(&mut world, 2, &import(text)).is_err(), "the name is taken");
    ask_at(&mut world, 2, &import(&text.replace("panrb5-1", "panrb5-2"))).expect("the next version");
    ask_at(&mut world, 2, &choose("panrb5-1")).expect("chosen");
}

/// A questionnaire with these scores, said to be of that day, or of the day on which it was entered.
fn questionnaire(scores: [u16; 9], day: Option<i32>) -> Op {
    let answers = skm::ELEMENTS.iter().zip(scores).filter(|(_, score)| *score > 0);
    let mut values: std::collections::BTreeMap<_, _> =
        answers.map(|((_, field), score)| (*field, Value::One(score))).collect();
    values.insert(15, Value::One(2));
    values.extend(day.map(|day| (11, Value::Date(day))));
    Op {
        action: Action::Create { form: skm::TAG, form_version: 1, receipt: None },
        writes: vec![Write { group: skm::GROUP, values, ..Write::default() }],
        ..new_complaint("", None)
    }
}

#[test]
fn questionnaires_are_added_up_by_office_and_period_and_offices_without_any_are_named() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    world.enrol(2, CLINIC);
    let today = (NOW / 86_400_000) as i32;
    for (scores, day) in [
        ([4, 3, 2, 4, 3, 3, 3, 3, 3], None),
        ([2, 3, 2, 4, 3, 3, 3, 3, 3], Some(today)),
        ([4, 4, 4, 4, 4, 4, 4, 0, 4], Some(today)),
        ([1; 9], Some(today - 400)),
    ] {
        sari.write(Lane::Survey, &questionnaire(scores, day));
    }
    world.settle(&mut sari);
    let ask = |world: &mut World, from: &str, area: Option<&str>| {
        let (from, to, area) = (from.to_owned(), "2026-12-31".to_owned(), area.map(str::to_owned));
        let request = Request::Survey(survey::Request::Sums { from, to, area, after: 0 });
        match ask_at(world, 0, &request).expect("sums") {
            Answer::Survey(survey::Answer::Sums(page)) => *page,
            other => panic!("{other:?}"),
        }
    };
    let page = ask(&mut world, "2026-01-01", Some("32.73"));
    let unit = &page.units[VILLAGE];
    assert_eq!((unit.complete, unit.incomplete), (2, 1));
    assert_eq!((unit.scores, unit.answered), ([6, 6, 4, 8, 6, 6, 6, 6, 6], [3, 3, 3, 3, 3, 3, 3, 2, 3]));
    assert_eq!(unit.profile["jenis_kelamin"], [("p".to_owned(), 2)].into());
    assert_eq!(unit.profile["pendidikan"], [("-".to_owned(), 2)].into());
    let places: Vec<&str> = page.offices.iter().map(|place| place.office.as_str()).collect();
    assert_eq!((places, page.next), (vec![VILLAGE, CLINIC], None));
    assert_eq!(ask(&mut world, "2025-01-01", None).units[VILLAGE].complete, 3);
    let elsewhere = ask(&mut world, "2025-01-01", Some("32.74"));
    assert!(elsewhere.units.is_empty() && elsewhere.offices.is_empty());
}

#[test]
fn what_cannot_be_done_is_said_and_changes_nothing() {
    let (mut world, _, record) = with_complaint();
    let ops = world.done(|tx| tx.totals()).ops;
    let id = record.to_string();
    let set = |name: &str, value: &str| complaint::Request::Set {
        record: id.clone(),
        fields: vec![(name.to_owned(), value.to_owned())],
    };
    let cases = [
        (complaint::Request::Reopen { record: id.clone(), reason: String::new() }, Exit::Failed),
        (complaint::Request::Forward { record: id.clone(), to: "32.73.99".into(), note: String::new() }, Exit::Failed),
        (complaint::Request::Show { record: "KTG-2222-22222-3".into() }, Exit::Usage),
        (complaint::Request::Show { record: "0000000000000001-1".into() }, Exit::Failed),
        (set("nik", "12"), Exit::Failed),
        (set("penerima", "Sari"), Exit::Failed),
        (set("warna", "merah"), Exit::Usage),
    ];
    for (request, exit) in cases {
        let failure = wayan(&mut world, |tx, operator| complaint::run(tx, operator, &request)).expect_err("refused");
        assert!(failure.exit == exit || failure.ktg.is_some(), "{request:?}: {failure}");
    }
    assert_eq!(world.done(|tx| tx.totals()).ops, ops);
}

#[test]
fn complaints_are_found_by_office_status_and_text_page_by_page() {
    let (mut world, mut sari, _) = with_complaint();
    for n in 0..5 {
        sari.complain(&format!("Jalan berlubang {n}"));
    }
    world.settle(&mut sari);
    let find = |world: &mut World, office: Option<&str>, status: Option<&str>, text: Option<&str>, before| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (office, status, text) = (owned(office), owned(status), owned(text));
        let request = complaint::Request::List { office, status, text, before, limit: 3 };
        match wayan(world, |tx, operator| complaint::run(tx, operator, &request)).expect("listed") {
            complaint::Answer::List(list) => list,
            other => panic!("{other:?}"),
        }
    };
    let first = find(&mut world, Some(VILLAGE), Some("diterima"), None, None);
    let second = find(&mut world, Some(VILLAGE), Some("diterima"), None, first.before);
    let numbers: Vec<u64> = first.complaints.iter().chain(&second.complaints).map(|line| line.number).collect();
    assert_eq!(numbers, [6, 5, 4, 3, 2, 1]);
    assert_eq!(find(&mut world, None, None, Some("OBAT"), None).complaints.len(), 1);
    assert!(find(&mut world, Some(CLINIC), None, None, None).complaints.is_empty());
    assert!(find(&mut world, None, Some("selesai"), None, None).complaints.is_empty());
}

#[test]
fn one_field_changed_at_an_office_and_at_the_hub_is_a_conflict_that_a_person_decides() {
    let (mut world, mut sari, record) = with_complaint();
    // Sari is offline; neither knows of the other.
    sari.set(record, "kategori", "biaya_pungutan", &[record.0]);
    let set =
        complaint::Request::Set { record: record.to_string(), fields: vec![("kategori".into(), "obat_alkes".into())] };
    do_it(&mut world, &set);
    world.settle(&mut sari);

    let again = wayan(&mut world, |tx, operator| complaint::run(tx, operator, &set)).expect_err("a conflict stands");
    assert_eq!(again.exit, Exit::Decide);
    let list = conflict::Request::List { office: Some(VILLAGE.into()) };
    let conflict::Answer::List(list) = wayan(&mut world, |tx, w| conflict::run(tx, w, &list)).expect("listed") else {
        panic!("a list")
    };
    assert_eq!(
        (list.conflicts.len(), list.conflicts[0].values, list.conflicts[0].group.code.as_str()),
        (1, 2, "kategori")
    );
    let exported = lines(&mut world, export::What::Complaints).remove(0);
    assert_eq!(exported["conflicts"][0]["values"].as_array().map(Vec::len), Some(2));

    let resolve = |take: &str, values: Vec<(String, String)>| conflict::Request::Resolve {
        record: record.to_string(),
        group: None,
        take: take.to_owned(),
        values,
        reason: "petugas bertanya kepada pelapor".to_owned(),
    };
    for nonsense in ["", "9", "siapa", "0000000000000001-1"] {
        let failure =
            wayan(&mut world, |tx, w| conflict::run(tx, w, &resolve(nonsense, vec![]))).expect_err("which one?");
        assert_eq!(failure.exit, Exit::Decide, "{nonsense}");
    }
    let decided = wayan(&mut world, |tx, w| conflict::run(tx, w, &resolve("office", vec![]))).expect("decided");
    let conflict::Answer::Resolved(resolved) = decided else { panic!("resolved") };
    assert_eq!(resolved.left, 0);
    let exported = lines(&mut world, export::What::Complaints).remove(0);
    assert_eq!((&exported["kategori"], &exported["conflicts"]), (&Json::from("biaya_pungutan"), &Json::Array(vec![])));
    let remark = exported["catatan"][0]["catatan"].as_str().expect("a remark");
    assert!(remark.contains("petugas bertanya kepada pelapor"), "{remark}");
    let gone = wayan(&mut world, |tx, w| conflict::run(tx, w, &resolve("hub", vec![]))).expect_err("decided already");
    assert_eq!(gone.exit, Exit::Failed);
    world.settle(&mut sari);
    assert_eq!(sari.read.len(), 2, "the office sees the hub's value and the decision");
}

#[test]
fn a_conflict_may_be_decided_by_a_third_value() {
    let (mut world, mut sari, record) = with_complaint();
    sari.set(record, "kategori", "biaya_pungutan", &[record.0]);
    let fields = vec![("kategori".into(), "obat_alkes".into())];
    do_it(&mut world, &complaint::Request::Set { record: record.to_string(), fields });
    world.settle(&mut sari);
    let request = conflict::Request::Resolve {
        record: record.to_string(),
        group: Some("kategori".into()),
        take: String::new(),
        values: vec![("kategori".into(), "lainnya".into())],
        reason: "bukan keduanya".into(),
    };
    wayan(&mut world, |tx, w| conflict::run(tx, w, &request)).expect("decided");
    assert_eq!(lines(&mut world, export::What::Complaints)[0]["kategori"], "lainnya");
}

#[test]
fn what_was_set_aside_is_read_taken_in_or_left_for_good() {
    let (mut world, _, record) = with_complaint();
    let mut budi = world.enrol(2, CLINIC);
    let foreign = budi.set(record, "tindak_lanjut", "Obat dipesan", &[]);
    let log = budi.logs.values_mut().next().expect("a log");
    log.append(b"\x63not an op".to_vec());
    world.settle(&mut budi);
    let mut ask = |request: &quarantine::Request| wayan(&mut world, |tx, w| quarantine::run(tx, w, request));
    let quarantine::Answer::List(list) = ask(&quarantine::Request::List).expect("listed") else { panic!("a list") };
    let reasons: Vec<&str> = list.ops.iter().filter_map(|line| Some(line.reason.as_ref()?.code.as_str())).collect();
    assert_eq!(reasons, ["foreign_record", "unreadable"]);
    let unreadable = list.ops[1].op.clone();
    let shown = ask(&quarantine::Request::Show { op: foreign.to_string() }).expect("shown");
    let quarantine::Answer::Show(shown) = shown else { panic!("shown") };
    assert_eq!(shown.content.expect("readable").writes[0].answers[0].value, "Obat dipesan");

    let reason = || "sudah disepakati".to_owned();
    ask(&quarantine::Request::Release { op: foreign.to_string(), reason: reason() }).expect("taken in");
    assert!(ask(&quarantine::Request::Release { op: unreadable.clone(), reason: reason() }).is_err());
    ask(&quarantine::Request::Discard { op: unreadable.clone(), reason: reason() }).expect("left");
    assert!(ask(&quarantine::Request::Discard { op: unreadable.clone(), reason: reason() }).is_err());
    assert!(ask(&quarantine::Request::Show { op: unreadable }).is_ok(), "it is still there");
    assert_eq!(world.done(|tx| tx.op(foreign)).map(|op| op.state), Some(OpState::Merged));
    let exported = lines(&mut world, export::What::Complaints).remove(0);
    assert_eq!(exported["tindak_lanjut"][0]["tindak_lanjut"], "Obat dipesan");
    assert!(budi.verdicts.contains_key(&foreign));
}

#[test]
fn an_export_has_every_field_by_name_and_times_with_source_and_error() {
    let (mut world, mut sari, record) = with_complaint();
    let fields = vec![("tarif".into(), "15000".into()), ("dibayar".into(), "50000".into())];
    do_it(&mut world, &complaint::Request::Set { record: record.to_string(), fields });
    let survey = Op {
        action: Action::Create { form: skm::TAG, form_version: 1, receipt: None },
        writes: vec![Write {
            group: skm::GROUP,
            values: [(16, Value::Whole(34)), (30, Value::One(4))].into(),
            ..Write::default()
        }],
        ..new_complaint("", None)
    };
    sari.write(Lane::Survey, &survey);
    world.settle(&mut sari);

    let line = lines(&mut world, export::What::Complaints).remove(0);
    assert_eq!(
        (&line["schema"], &line["tarif"], &line["dibayar"]),
        (&"kentongan.complaint/1".into(), &15000.into(), &50000.into())
    );
    assert_eq!(
        (&line["office"], &line["author"], &line["status"]),
        (&VILLAGE.into(), &"sari".into(), &"diterima".into())
    );
    assert_eq!(line["id"], record.to_string());
    assert!(line["nik"].is_null() && line["catatan"].as_array().is_some_and(Vec::is_empty));
    // Her run began five seconds and half a round trip before the contact, and she wrote a second later.
    assert_eq!(line["entered_at"]["value"], kentongan_host::moment::text(NOW - 5_200 + 1_000));
    assert_eq!((&line["entered_at"]["source"], &line["entered_at"]["error_ms"]), (&"contact".into(), &200.into()));
    assert_eq!(line["received_at"], kentongan_host::moment::text(NOW));
    for field in &kentongan_protocol::form::builtin::by_tag(pengaduan::TAG).expect("built in").fields {
        let group = kentongan_protocol::form::builtin::by_tag(pengaduan::TAG).and_then(|form| form.group(field.group));
        let grows = group.is_some_and(|group| group.merge == kentongan_protocol::form::MergeClass::Add);
        assert!(grows || line.get(&field.name).is_some(), "{}", field.name);
    }

    let line = lines(&mut world, export::What::Surveys).remove(0);
    assert_eq!(
        (&line["schema"], &line["usia"], &line["persyaratan"]),
        (&"kentongan.survey/1".into(), &34.into(), &"4".into())
    );
    assert_eq!(lines(&mut world, export::What::Offices)[0]["devices"], 1);
}

#[test]
fn a_long_export_comes_in_pages_without_gap_or_repetition() {
    let (mut world, mut sari, _) = with_complaint();
    let ids: Vec<String> = (0..450).map(|n| sari.complain(&format!("aduan {n}")).to_string()).collect();
    world.settle(&mut sari);
    let exported: Vec<String> = lines(&mut world, export::What::Complaints)
        .iter()
        .map(|line| line["id"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(exported[1..], ids);
}

#[test]
fn reading_a_complaint_leaves_a_line_in_the_audit_log() -> StoreResult<()> {
    let (mut world, _, record) = with_complaint();
    show(&mut world, record);
    let last = world.done(|tx| tx.audit_log(crate::store::Page::Before(u64::MAX), 1)).remove(0);
    assert_eq!((last.event.event.as_str(), last.event.actor.as_str()), ("complaint.read", "Wayan"));
    Ok(())
}
