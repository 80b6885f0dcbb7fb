//! What pages ask for: the board, a look without identities, decisions and taking them back, the index of whole months.

use kentongan_protocol::form::builtin::suara;

use super::*;

fn columns(world: &mut World, days: i64, ask: &super::super::board::Ask) -> super::super::board::Columns {
    let request = Request::Complaint(complaint::Request::Columns(ask.clone()));
    match ask_at(world, days, &request).expect("columns") {
        Answer::Complaint(complaint::Answer::Columns(columns)) => *columns,
        other => panic!("{other:?}"),
    }
}

fn conflicts(world: &mut World, request: &conflict::Request) -> Result<conflict::Answer, Failure> {
    wayan(world, |tx, operator| conflict::run(tx, operator, request))
}

fn look(world: &mut World, record: RecordId) -> conflict::Show {
    match conflicts(world, &conflict::Request::Look { record: record.to_string() }).expect("shown") {
        conflict::Answer::Show(shown) => shown,
        other => panic!("{other:?}"),
    }
}

fn set(world: &mut World, record: RecordId, fields: &[(&str, &str)]) -> OpId {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let changed = do_it(world, &complaint::Request::Set { record: record.to_string(), fields });
    changed.op.parse().expect("an op")
}

#[test]
fn columns_go_page_by_page_and_follow_what_people_do() {
    let (mut world, mut sari, first) = with_complaint();
    let others: Vec<RecordId> = (0..4).map(|number| sari.complain(&format!("Jalan berlubang {number}"))).collect();
    world.settle(&mut sari);
    let ask = super::super::board::Ask { limit: 2, ..Default::default() };
    let board = columns(&mut world, 0, &ask);
    let stages: Vec<(&str, u64)> =
        board.columns.iter().map(|column| (column.stage.code.as_str(), column.all)).collect();
    assert_eq!(stages, [("verify", 5), ("waiting", 0), ("answer", 0), ("silence", 0)]);
    assert!(board.settled && board.columns[0].cases.len() == 2);

    let mut ask = super::super::board::Ask { stage: Some("verify".into()), limit: 2, ..Default::default() };
    let mut pages = Vec::new();
    loop {
        let column = columns(&mut world, 0, &ask).columns.remove(0);
        pages.push(column.cases.iter().map(|case| case.line.id.clone()).collect::<Vec<_>>());
        match column.next {
            Some(next) => ask.after = Some(next),
            None => break,
        }
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(pages.concat().into_iter().collect::<std::collections::BTreeSet<_>>().len(), 5);

    do_it(&mut world, &complaint::Request::Answer { record: first.to_string(), text: "Obat datang.".into() });
    let file = complaint::Request::Move { record: others[0].to_string(), to: "arsip".into(), reason: "ganda".into() };
    do_it(&mut world, &file);
    let late = super::super::board::Ask { due: Some("late".into()), limit: 9, ..Default::default() };
    let board = columns(&mut world, 7, &late);
    assert_eq!((board.counts.late, board.columns[0].all, board.columns[0].cases.len()), (3, 3, 3));
    assert_eq!((board.columns[3].all, board.columns[3].cases.len()), (1, 0), "answered, and not late");
    let elsewhere = super::super::board::Ask { office: Some(CLINIC.into()), limit: 9, ..Default::default() };
    assert_eq!(columns(&mut world, 7, &elsewhere).counts, Counts::default());
    let nonsense = super::super::board::Ask { after: Some("x".into()), limit: 1, ..Default::default() };
    assert!(ask_at(&mut world, 0, &Request::Complaint(complaint::Request::Columns(nonsense))).is_err());
}

#[test]
fn who_people_are_is_hidden_from_a_look_and_every_reading_is_in_the_audit_log() {
    let (mut world, _, record) = with_complaint();
    let citizen = [("nama_pelapor", "Ibu Contoh"), ("telepon_pelapor", "081200000000")];
    set(&mut world, record, &citizen);
    let read = |world: &mut World, request: complaint::Request| {
        let document = match wayan(world, |tx, operator| complaint::run(tx, operator, &request)).expect("shown") {
            complaint::Answer::Show(document) => document,
            other => panic!("{other:?}"),
        };
        serde_json::to_string(&document).expect("JSON")
    };
    let lines = |world: &mut World| {
        let lines = world.done(|tx| tx.audit_log(Page::After(0), 99));
        lines.iter().filter(|line| line.event.event == "complaint.read").count()
    };
    let looked = read(&mut world, complaint::Request::Look { record: record.to_string() });
    assert!(citizen.iter().all(|(_, value)| !looked.contains(value)), "{looked}");
    assert!(looked.contains("Obat habis") && looked.contains("•••"), "{looked}");
    assert_eq!(lines(&mut world), 0);
    let shown = read(&mut world, complaint::Request::Show { record: record.to_string() });
    assert!(citizen.iter().all(|(_, value)| shown.contains(value)));
    assert_eq!(lines(&mut world), 1);

    set(&mut world, record, &[("privasi", "rahasia")]);
    let looked = read(&mut world, complaint::Request::Look { record: record.to_string() });
    assert!(!looked.contains("Obat habis"), "{looked}");
    let ask = super::super::board::Ask { limit: 9, ..Default::default() };
    let case = columns(&mut world, 0, &ask).columns.remove(0).cases.remove(0);
    assert!(case.is_confidential && case.line.summary.is_empty());
}

#[test]
fn a_conflict_is_shown_with_what_stood_before_and_a_proposal_that_keeps_what_each_side_changed() {
    let (mut world, mut sari, record) = with_complaint();
    let before = set(&mut world, record, &[("tarif", "10000")]);
    world.settle(&mut sari);
    let values = [(131, Value::Whole(10_000)), (132, Value::Whole(50_000))].into();
    let write = Write { group: pengaduan::group::BIAYA, replaces: vec![before], values, ..Write::default() };
    let op = Op { action: Action::Change { record }, writes: vec![write], ..new_complaint("", None) };
    sari.write(Lane::Case, &op);
    set(&mut world, record, &[("kuitansi", "K-7")]);
    world.settle(&mut sari);
    let open = look(&mut world, record).conflicts.remove(0);
    let texts = |answers: &[super::super::record::Answered]| -> Vec<String> {
        answers.iter().map(|answer| format!("{}={}", answer.field.code, answer.value)).collect()
    };
    let base = open.document.base.expect("both knew it");
    assert_eq!((texts(&base.answers), base.ops), (vec!["tarif=10000".to_owned()], vec![before.to_string()]));
    assert_eq!(open.document.values.len(), 2);
    assert_eq!(texts(&open.proposal), ["tarif=10000", "dibayar=50000", "kuitansi=K-7"]);
    let request = conflict::Request::ResolveAlike {
        conflicts: vec![
            conflict::Named { record: record.to_string(), group: "biaya".into() },
            conflict::Named { record: record.to_string(), group: "kategori".into() },
        ],
        take: "proposal".into(),
        reason: "keduanya benar".into(),
    };
    let conflict::Answer::ResolvedAlike(done) = conflicts(&mut world, &request).expect("decided") else { panic!() };
    assert_eq!((done.resolved.len(), done.left.len()), (1, 1), "the second is no conflict");
    let exported = lines(&mut world, export::What::Complaints).remove(0);
    assert_eq!((&exported["dibayar"], &exported["kuitansi"]), (&Json::from(50_000), &Json::from("K-7")));
}

#[test]
fn a_decision_is_listed_and_can_be_taken_back_for_a_day_and_offices_may_decide_again() {
    let (mut world, mut sari, record) = with_complaint();
    sari.set(record, "kategori", "biaya_pungutan", &[record.0]);
    set(&mut world, record, &[("kategori", "obat_alkes")]);
    world.settle(&mut sari);
    let resolve = conflict::Request::Resolve {
        record: record.to_string(),
        group: None,
        take: "hub".into(),
        values: vec![],
        reason: "terburu-buru".into(),
    };
    conflicts(&mut world, &resolve).expect("decided");
    let decisions = |world: &mut World| match conflicts(world, &conflict::Request::Decisions { limit: 9 }) {
        Ok(conflict::Answer::Decisions(decided)) => decided.decisions,
        other => panic!("{other:?}"),
    };
    let first = decisions(&mut world).remove(0);
    assert_eq!((first.by.name.as_str(), first.by.at_hub, first.can_undo), ("Wayan", true, true));
    assert_eq!(first.answers[0].value, "obat_alkes");

    let undo =
        conflict::Request::Undo { record: record.to_string(), group: "kategori".into(), reason: "salah tekan".into() };
    conflicts(&mut world, &undo).expect("taken back");
    let open = look(&mut world, record).conflicts.remove(0);
    let said: Vec<(&str, &str)> =
        open.document.values.iter().map(|value| (value.answers[0].value.as_str(), value.by.name.as_str())).collect();
    assert_eq!(said, [("biaya_pungutan", "Wayan · budi"), ("obat_alkes", "Wayan · Wayan")]);
    assert!(conflicts(&mut world, &undo).is_err(), "nothing is decided");

    // The office decides this time; that is its own, and nobody here takes it back.
    world.settle(&mut sari);
    let heads: Vec<OpId> =
        open.document.values.iter().flat_map(|value| &value.ops).map(|op| op.parse().expect("an op")).collect();
    sari.set(record, "kategori", "lainnya", &heads);
    world.settle(&mut sari);
    let listed = decisions(&mut world);
    assert_eq!(listed.len(), 2);
    let theirs = listed.iter().find(|decided| !decided.by.at_hub).expect("the office's");
    assert_eq!((theirs.by.name.as_str(), theirs.can_undo), ("budi", false));
    assert!(conflicts(&mut world, &undo).is_err());
}

#[test]
fn changes_that_a_rule_put_together_are_listed_once_for_a_week() {
    let (mut world, mut sari, record) = with_complaint();
    sari.set(record, "kategori", "obat_alkes", &[record.0]);
    set(&mut world, record, &[("kategori", "obat_alkes")]);
    world.settle(&mut sari);
    let merged = |world: &mut World, days: i64| {
        board(world, days);
        match ask_at(world, days, &Request::Conflict(conflict::Request::Merged { limit: 9 })) {
            Ok(Answer::Conflict(conflict::Answer::Merged(merged))) => merged,
            other => panic!("{other:?}"),
        }
    };
    for _ in 0..2 {
        let seen = merged(&mut world, 0);
        assert_eq!((seen.count, seen.more, seen.merged.len()), (1, false, 1));
        let mut names: Vec<&str> = seen.merged[0].by.iter().map(|by| by.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!((names, seen.merged[0].answers[0].value.as_str()), (vec!["Wayan", "budi"], "obat_alkes"));
    }
    assert_eq!(merged(&mut world, 8).count, 0);
}

#[test]
fn the_index_of_whole_months_counts_each_questionnaire_once_and_what_came_since() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    let today = (NOW / 86_400_000) as i32;
    let index = |world: &mut World, from: &str| {
        let (from, to) = (from.to_owned(), "2026-11".to_owned());
        match ask_at(world, 0, &Request::Survey(survey::Request::Index { from, to, area: None })).expect("an index") {
            Answer::Survey(survey::Answer::Index(index)) => *index,
            other => panic!("{other:?}"),
        }
    };
    for day in [today, today - 3, today - 40] {
        sari.write(Lane::Survey, &questionnaire([4; 9], Some(day)));
    }
    world.settle(&mut sari);
    assert_eq!(index(&mut world, "2026-11").page.units[VILLAGE].complete, 2);
    sari.write(Lane::Survey, &questionnaire([2; 9], Some(today)));
    world.settle(&mut sari);
    for _ in 0..2 {
        let unit = index(&mut world, "2026-11").page.units.remove(VILLAGE).expect("answers");
        assert_eq!((unit.complete, unit.scores), (3, [10; 9]));
        assert_eq!(unit.profile["jenis_kelamin"], [("p".to_owned(), 3)].into());
    }
    let whole = index(&mut world, "2026-10");
    assert!(whole.settled);
    assert_eq!(whole.page.units[VILLAGE].complete, 4);
}

#[test]
fn quick_votes_are_counted_beside_the_index_and_make_nobodys_office_one_that_answered() {
    let mut world = World::new();
    let (mut sari, mut budi) = (world.enrol(1, VILLAGE), world.enrol(2, CLINIC));
    let index = |world: &mut World| {
        let (from, to) = ("2026-11".to_owned(), "2026-11".to_owned());
        match ask_at(world, 0, &Request::Survey(survey::Request::Index { from, to, area: None })).expect("an index") {
            Answer::Survey(survey::Answer::Index(index)) => *index,
            other => panic!("{other:?}"),
        }
    };
    sari.write(Lane::Survey, &questionnaire([4; 9], None));
    for face in [4, 4, 1] {
        sari.write(Lane::Survey, &vote(face, false, NOW));
    }
    world.settle(&mut sari);
    let before = index(&mut world);
    assert_eq!((before.votes.faces, before.votes.hasty), ([1, 0, 0, 2], 0));
    budi.write(Lane::Survey, &vote(2, false, NOW));
    budi.write(Lane::Survey, &vote(4, true, NOW));
    budi.write(Lane::Survey, &vote(4, false, NOW - 40 * 86_400_000));
    world.settle(&mut budi);
    for _ in 0..2 {
        let index = index(&mut world);
        assert!(index.settled);
        assert_eq!((index.votes.faces, index.votes.hasty), ([1, 1, 0, 2], 1), "another month's is not in it");
        assert_eq!(index.votes.better, [(3, 2)].into());
        assert_eq!(index.page.units, before.page.units, "the index knows nothing of them");
        assert!(!index.page.units.contains_key(CLINIC));
    }
    assert_eq!(lines(&mut world, export::What::Surveys).len(), 1);
    let votes = lines(&mut world, export::What::Votes);
    assert_eq!((votes.len(), &votes[0]["schema"]), (6, &"kentongan.vote/1".into()));
    assert_eq!((&votes[2]["nilai"], &votes[2]["perbaiki"]), (&"1".into(), &"waktu".into()));
}

/// A quick vote; whoever is not content wants it faster.
fn vote(face: u16, is_hasty: bool, at_ms: i64) -> Op {
    let mut values: std::collections::BTreeMap<_, _> = [
        (suara::FACE, Value::One(face)),
        (suara::AT, Value::DateTime { utc_ms: at_ms, offset_min: 420 }),
        (suara::HASTE, Value::One(if is_hasty { suara::HASTY } else { 2 })),
    ]
    .into();
    if face <= 2 {
        values.insert(suara::ELEMENT, Value::One(3));
    }
    Op {
        action: Action::Create { form: suara::TAG, form_version: 1, receipt: None },
        writes: vec![Write { group: suara::GROUP, values, ..Write::default() }],
        ..new_complaint("", None)
    }
}
