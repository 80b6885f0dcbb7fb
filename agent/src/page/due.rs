//! What this office has to answer, and until when. The hub counts deadlines with all it knows; an office has the record and
//! the limits and holidays that ship, by which it prints receipts too.

use kentongan_protocol::calendar::{Calendar, Course, Day, Move, Profile, Profiles, Stage, Week, WorkDays, course};
use kentongan_protocol::form::Form;
use kentongan_protocol::form::builtin::pengaduan::status;
use kentongan_protocol::ids::OfficeCode;
use kentongan_protocol::merge::Record;
use kentongan_web::{Clock, Words};

/// The limits and holidays that ship.
#[derive(Debug)]
pub(super) struct Limits {
    calendar: Calendar,
    profiles: Profiles,
}

impl Limits {
    /// Read once for several complaints.
    pub(super) fn shipped() -> Limits {
        Limits { calendar: Calendar::built_in(), profiles: Profiles::built_in() }
    }

    /// The limits; `None`: there are none.
    pub(super) fn profile(&self) -> Option<&Profile> {
        self.profiles.named(Profiles::DEFAULT)
    }

    /// The days on which an office works.
    pub(super) fn work<'a>(&'a self, office: &'a OfficeCode) -> WorkDays<'a> {
        WorkDays::new(&self.calendar, office, Week::default())
    }

    /// The day until which this office has to answer a complaint that was handed to it, from one working day before on;
    /// `None`: there is time, or it is not its turn.
    pub(super) fn pressing(
        &self,
        form: &Form,
        record: &Record,
        entered_ms: i64,
        office: &OfficeCode,
        clock: &Clock,
    ) -> Option<Pressing> {
        if course::responsible(form, record).as_ref() != Some(office) {
            return None;
        }
        let day_of = |ms| clock.day(ms).map_or(Day(0), Day::from);
        let course = course::seen(form, record, entered_ms, day_of);
        let (work, today) = (self.work(office), day_of(clock.now_ms));
        let due = course.deadline(self.profile()?, &work).filter(|due| due.stage == Stage::Answer)?;
        due.rung(today, &work)?;
        Some(Pressing { until: due.due.day, is_missed: due.left(today, &work) < 0 })
    }
}

/// An answer that is due now or soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pressing {
    /// At the end of this day.
    pub(super) until: Day,
    /// The day has passed.
    pub(super) is_missed: bool,
}

impl Pressing {
    /// `Harus dijawab paling lambat 23 November 2026`
    pub(super) fn sentence(self, w: &Words) -> String {
        let date = self.until.civil().map_or_else(String::new, |day| day.display(w.lang));
        match self.is_missed {
            true => w.with("beranda.lewat_batas", &[("tanggal", &date)]),
            false => w.with("beranda.harus_dijawab", &[("tanggal", &date)]),
        }
    }
}

/// What is done with a complaint that has just come, and until when by the rules that ship.
pub(super) fn next_steps(course: Course, office: &OfficeCode, w: &Words) -> Vec<String> {
    let limits = Limits::shipped();
    let Some(profile) = limits.profile() else { return Vec::new() };
    let work = limits.work(office);
    let course = Course { moves: Vec::new(), ..course };
    let mut steps = Vec::new();
    let date = |day: Day| day.civil().map_or_else(String::new, |day| day.display(w.lang));
    if let Some(verified) = course.deadline(profile, &work) {
        steps.push(w.with("terima.diverifikasi", &[("tanggal", &date(verified.due.day))]));
        // Answered in time, if verification takes all of its own.
        let handed = Move { status: status::TERDISPOSISI, made: verified.due.day, heard: verified.due.day };
        let course = Course { moves: vec![handed], ..course };
        if let Some(answered) = course.deadline(profile, &work) {
            steps.push(w.with("terima.dijawab", &[("tanggal", &date(answered.due.day))]));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kentongan_host::Lang;
    use kentongan_protocol::calendar::{Class, Zone};
    use kentongan_protocol::clock::Hlc;
    use kentongan_protocol::form::builtin::pengaduan::{self, group};
    use kentongan_protocol::form::{Civil, Value, builtin};
    use kentongan_protocol::ids::{LogId, OpId, RecordId};
    use kentongan_protocol::op::{Action, Op, Write};

    use super::super::words::words;
    use super::*;

    const OFFICE: &str = "32.73.05.1001";

    /// Noon at the office.
    fn noon_ms(date: &str) -> i64 {
        Zone::Wib.start_of(date.parse::<Civil>().expect("a date").into()) + 12 * 3_600_000
    }

    fn op(seq: u64, date: &str, action: Action, writes: Vec<Write>) -> (OpId, Op) {
        let (hlc, author) = (Hlc((noon_ms(date) as u64) << 16), "pusat".to_owned());
        (OpId { log: LogId(1), seq }, Op { author, hlc, elapsed_ms: 0, action, writes })
    }

    fn write(group: u16, field: u16, value: Value) -> Write {
        Write { group, cycle: 0, replaces: Vec::new(), values: BTreeMap::from([(field, value)]) }
    }

    /// A complaint of a Friday, handed to `office` on the Monday after, and then moved to `last` on a day, if to any.
    fn complaint(office: &str, last: Option<(u16, &str)>) -> Record {
        let form = builtin::by_tag(pengaduan::TAG).expect("built in");
        let id = RecordId(OpId { log: LogId(1), seq: 1 });
        let create = Action::Create { form: form.tag, form_version: form.version, receipt: None };
        let routed = vec![
            write(
                group::DISPOSISI,
                form.field_named("kantor_tujuan").expect("a field").tag,
                Value::Text(office.into()),
            ),
            write(group::STATUS, status::FIELD, Value::One(status::TERDISPOSISI)),
        ];
        let mut ops =
            vec![op(1, "2026-11-13", create, Vec::new()), op(2, "2026-11-16", Action::Change { record: id }, routed)];
        ops.extend(last.map(|(to, date)| {
            op(3, date, Action::Change { record: id }, vec![write(group::STATUS, status::FIELD, Value::One(to))])
        }));
        let mut record = Record::new(id);
        ops.iter().for_each(|(id, op)| record.apply(*id, op));
        record
    }

    /// What the first page of the office says of it at noon of a day.
    fn said(record: &Record, today: &str) -> Option<String> {
        let form = builtin::by_tag(pengaduan::TAG).expect("built in");
        let clock = Clock::of(noon_ms(today), Zone::Wib);
        let office = OFFICE.parse().expect("a code");
        let pressing = Limits::shipped().pressing(form, record, noon_ms("2026-11-13"), &office, &clock)?;
        Some(pressing.sentence(&words(Lang::Id)))
    }

    #[test]
    fn an_answer_is_asked_for_from_one_working_day_before_and_until_it_is_given() {
        // Handed over on Monday: five working days later is Monday the 23rd, so the reminder comes on Friday.
        let handed = complaint(OFFICE, None);
        assert_eq!(said(&handed, "2026-11-19"), None, "there is time");
        let asked = Some("Harus dijawab paling lambat 23 November 2026".to_owned());
        for today in ["2026-11-20", "2026-11-22", "2026-11-23"] {
            assert_eq!(said(&handed, today), asked, "{today}");
        }
        assert_eq!(said(&handed, "2026-11-24").as_deref(), Some("Lewat batas jawaban 23 November 2026"));
        assert_eq!(said(&complaint(OFFICE, Some((status::DIPROSES, "2026-11-18"))), "2026-11-20"), asked);
        assert_eq!(said(&complaint(OFFICE, Some((status::DIJAWAB, "2026-11-19"))), "2026-11-24"), None, "answered");
    }

    #[test]
    fn an_office_is_not_asked_for_the_answers_of_others() {
        assert_eq!(said(&complaint("32.73.05.1002", None), "2026-11-24"), None);
    }

    #[test]
    fn the_next_steps_come_with_working_days() {
        let office: OfficeCode = "32.73.05.1001".parse().expect("a code");
        let day = |day| Day::from(Civil { year: 2026, month: 11, day });
        let steps = |received, heard| {
            let (received, heard) = (day(received), day(heard));
            next_steps(Course { received, heard, class: Class::Ordinary, moves: Vec::new() }, &office, &words(Lang::Id))
        };
        let typed = steps(20, 20);
        assert_eq!(typed.len(), 2, "{typed:?}");
        assert!(typed[0].contains("25 November 2026"), "{typed:?}");
        let on_paper = steps(17, 20);
        assert!(on_paper[0].contains("20 November 2026"), "the citizen's clock began with the paper: {on_paper:?}");
    }
}
