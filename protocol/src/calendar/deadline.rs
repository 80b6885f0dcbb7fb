//! What is due of a complaint, and who is reminded when.
//!
//! ```text
//!   received ──▶ Verify ──▶ Answer ──▶ Silence ──▶ closed        each stage has limits, from its beginning or from receipt
//!                  └─▶ Waiting ──┘                               the reporter's turn: every other clock stands still
//! ```
//!
//! - The first clock starts when the complaint is received **at the service point**, in its own zone, not when the hub
//!   saw it. A later stage begins for whoever has to act when they could know of it: time that a message spent at an
//!   office without a connection is told as [`Deadline::lag`] and does not eat the next stage.
//! - A day of which any part was spent waiting for the reporter does not count.
//! - Limits are data with a source ([`Profiles`]); a complaint keeps the profile under which it was received.

use super::day::Day;
use super::file::{FileError, Table, Wrong, quoted};
use super::work::{Due, WorkDays};
use crate::form::builtin::pengaduan::status;
use crate::form::{ChoiceTag, Lang};

/// The limits that ship, see `data/deadlines.csv`.
const BUILT_IN: &str = include_str!("../../data/deadlines.csv");
/// Longest limit, in days.
const LIMIT_DAYS_MAX: u16 = 1_000;
/// Longest name or source, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Received; to be verified and handed to whoever is responsible.
    Verify,
    /// Something is missing: the reporter's turn.
    Waiting,
    /// The responsible unit's turn, until it has answered.
    Answer,
    /// Answered; the reporter may object.
    Silence,
    /// Nothing is due any more.
    Closed,
}

impl Stage {
    /// All stages, in order.
    pub const ALL: [Stage; 5] = [Stage::Verify, Stage::Waiting, Stage::Answer, Stage::Silence, Stage::Closed];

    /// The stage of a status of the complaint form. One that a later version added is the unit's turn.
    pub fn of(status: ChoiceTag) -> Stage {
        match status {
            status::DITERIMA | status::TERVERIFIKASI => Stage::Verify,
            status::PERLU_DILENGKAPI => Stage::Waiting,
            status::DIJAWAB => Stage::Silence,
            status::SELESAI | status::ARSIP => Stage::Closed,
            _ => Stage::Answer,
        }
    }

    /// Its stable name.
    pub fn code(self) -> &'static str {
        match self {
            Stage::Verify => "verify",
            Stage::Waiting => "waiting",
            Stage::Answer => "answer",
            Stage::Silence => "silence",
            Stage::Closed => "closed",
        }
    }

    /// What people call it.
    pub fn label(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Stage::Verify, Lang::Id) => "Verifikasi dan penerusan",
            (Stage::Verify, Lang::En) => "Verification and forwarding",
            (Stage::Waiting, Lang::Id) => "Menunggu pelapor",
            (Stage::Waiting, Lang::En) => "Waiting for the reporter",
            (Stage::Answer, Lang::Id) => "Jawaban",
            (Stage::Answer, Lang::En) => "Answer",
            (Stage::Silence, Lang::Id) => "Tanggapan pelapor",
            (Stage::Silence, Lang::En) => "The reporter's word",
            (Stage::Closed, Lang::Id) => "Selesai",
            (Stage::Closed, Lang::En) => "Closed",
        }
    }
}

/// What kind of complaint it is, as far as limits differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Class {
    /// A request for information, or a suggestion.
    Information,
    /// An ordinary complaint; what nobody has classified yet is one.
    #[default]
    Ordinary,
    /// It alleges misconduct and needs an examination.
    Misconduct,
}

impl Class {
    const ALL: [Class; 3] = [Class::Information, Class::Ordinary, Class::Misconduct];

    /// Its code in files.
    pub fn code(self) -> &'static str {
        match self {
            Class::Information => "informasi",
            Class::Ordinary => "biasa",
            Class::Misconduct => "berkadar",
        }
    }
}

/// How long a stage may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    Working(u16),
    Calendar(u16),
}

/// From when it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// The beginning of the stage.
    Stage,
    /// Receipt, or the last reopening.
    Receipt,
}

/// One limit of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    stage: Stage,
    class: Option<Class>,
    limit: Limit,
    from: From,
    source: String,
}

impl Rule {
    /// Whether it limits a complaint of this class in this stage: its own stage, or an earlier one on the way to it.
    fn limits(&self, stage: Stage, class: Class) -> bool {
        let applies = self.stage == stage
            || (self.from == From::Receipt && stage == Stage::Verify && self.stage == Stage::Answer);
        applies && self.class.is_none_or(|only| only == class)
    }
}

/// A named set of limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name with its version, e.g. `lapor-1`.
    pub name: String,
    rules: Vec<Rule>,
}

/// All sets of limits that are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profiles(Vec<Profile>);

impl Profiles {
    /// The profile for who has chosen none.
    pub const DEFAULT: &'static str = "lapor-1";

    /// Those that ship.
    pub fn built_in() -> Profiles {
        // A test reads it; without it nothing is ever due.
        Profiles::read(BUILT_IN).unwrap_or_default()
    }

    /// Reads a table with the columns `profile`, `stage` (`verify`, `waiting`, `answer`, `silence`), `class` (empty: all;
    /// `informasi`, `biasa`, `berkadar`), `limit` in days, `unit` (`working`, `calendar`), `from` (`stage`, `receipt`) and
    /// `source`.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn read(text: &str) -> Result<Profiles, FileError> {
        let table = Table::read(text)?;
        table.must_have(&[&["profile"], &["stage"], &["class"], &["limit"], &["unit"], &["from"], &["source"]])?;
        let mut profiles = Profiles::default();
        for row in table.rows() {
            let [name, stage, class, limit, unit, from] =
                ["profile", "stage", "class", "limit", "unit", "from"].map(|column| row.cell(&[column]));
            if name.is_empty() || name.len() > 40 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                return Err(row.wrong("profile", name, "lapor-1"));
            }
            let limits = [Stage::Verify, Stage::Waiting, Stage::Answer, Stage::Silence];
            let found = limits.into_iter().find(|known| known.code() == stage);
            let stage = found.ok_or_else(|| row.wrong("stage", stage, "verify, waiting, answer, silence"))?;
            let found = Class::ALL.into_iter().find(|known| known.code() == class);
            if found.is_none() && !class.is_empty() {
                return Err(row.wrong("class", class, "informasi, biasa, berkadar"));
            }
            let days = limit.parse().ok().filter(|days| (1..=LIMIT_DAYS_MAX).contains(days));
            let days = days.ok_or_else(|| row.wrong("limit", limit, "1-1000"))?;
            let limit = match unit {
                "working" => Limit::Working(days),
                "calendar" => Limit::Calendar(days),
                other => return Err(row.wrong("unit", other, "working, calendar")),
            };
            let from = match from {
                "stage" => From::Stage,
                "receipt" => From::Receipt,
                other => return Err(row.wrong("from", other, "stage, receipt")),
            };
            let source = row.cell(&["source"]).chars().take(TEXT_CHARS_MAX).collect();
            let rules = profiles.rules_of(name);
            if rules.iter().any(|rule| (rule.stage, rule.class) == (stage, found)) {
                return Err(FileError::at(row.line, Wrong::Twice));
            }
            rules.push(Rule { stage, class: found, limit, from, source });
        }
        Ok(profiles)
    }

    /// As a table that [`Profiles::read`] reads.
    pub fn write(&self) -> String {
        let mut text = "profile,stage,class,limit,unit,from,source\n".to_owned();
        let rules = self.0.iter().flat_map(|profile| profile.rules.iter().map(move |rule| (&profile.name, rule)));
        for (name, rule) in rules {
            let (limit, unit) = match rule.limit {
                Limit::Working(days) => (days.to_string(), "working"),
                Limit::Calendar(days) => (days.to_string(), "calendar"),
            };
            let from = if rule.from == From::Stage { "stage" } else { "receipt" };
            let class = rule.class.map_or("", Class::code);
            text.push_str(&[name, rule.stage.code(), class, &limit, unit, from, &quoted(&rule.source)].join(","));
            text.push('\n');
        }
        text
    }

    fn rules_of(&mut self, name: &str) -> &mut Vec<Rule> {
        let place = self.0.iter().position(|profile| profile.name == name).unwrap_or_else(|| {
            self.0.push(Profile { name: name.to_owned(), rules: Vec::new() });
            self.0.len() - 1
        });
        &mut self.0[place].rules
    }

    /// Takes over the profiles of another table; one with the same name replaces the one that was here.
    pub fn replace(&mut self, newer: Profiles) {
        self.0.retain(|profile| newer.named(&profile.name).is_none());
        self.0.extend(newer.0);
    }

    /// The profile with this name.
    pub fn named(&self, name: &str) -> Option<&Profile> {
        self.0.iter().find(|profile| profile.name == name)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|profile| profile.name.as_str())
    }
}

/// A move of a complaint to another status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// To this status.
    pub status: ChoiceTag,
    /// The day on which it was made, where it was made.
    pub made: Day,
    /// The day on which the hub heard of it.
    pub heard: Day,
}

/// What happened to a complaint, as far as its deadlines depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// The day on which the service point received it.
    pub received: Day,
    /// The day on which the hub heard of it.
    pub heard: Day,
    /// What kind of complaint it is.
    pub class: Class,
    /// Its moves, in order.
    pub moves: Vec<Move>,
}

/// When the present stage ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// Whose turn it is.
    pub stage: Stage,
    /// The day from which it is counted; it is day 0.
    pub began: Day,
    /// The day at whose end it is due.
    pub due: Due,
    /// Which rule says so.
    pub source: String,
    /// Working days of the reporter that were not counted.
    pub stopped: i32,
    /// Working days that lay between what began this stage and the hub's hearing of it.
    pub lag: i32,
}

/// Who is reminded of a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// The officer in charge, one working day before.
    Officer,
    /// The head, on the day.
    Head,
    /// The level above, one working day after.
    Above,
}

impl Rung {
    /// Its stable name.
    pub fn code(self) -> &'static str {
        match self {
            Rung::Officer => "officer",
            Rung::Head => "head",
            Rung::Above => "above",
        }
    }
}

/// A stage that a complaint went through.
#[derive(Debug, Clone, Copy)]
struct Run {
    stage: Stage,
    made: Day,
    heard: Day,
}

impl Course {
    /// Whose turn it is.
    pub fn stage(&self) -> Stage {
        self.moves.last().map_or(Stage::Verify, |last| Stage::of(last.status))
    }

    /// What is due now by this profile; `None` if nothing is.
    pub fn deadline(&self, profile: &Profile, work: &WorkDays<'_>) -> Option<Deadline> {
        let stage = self.stage();
        let (cycle, run) = self.begins();
        let waits = self.waits();
        let stopped = |day: Day| stage != Stage::Waiting && waits.iter().any(|(from, to)| (*from..=*to).contains(&day));
        let due = |rule: &Rule| -> (Due, Day) {
            let began = match rule.from {
                From::Stage => run.made.max(run.heard),
                From::Receipt => cycle.made,
            };
            let day = match rule.limit {
                Limit::Working(days) => work.after(began, days, stopped),
                Limit::Calendar(days) => calendar_days(began, days, stopped),
            };
            (day, began)
        };
        let rules = profile.rules.iter().filter(|rule| rule.limits(stage, self.class));
        let (rule, (due, began)) =
            rules.map(|rule| (rule, due(rule))).min_by_key(|(_, (due, began))| (due.day, *began))?;
        let not_counted = (1..=due.day.since(began)).filter(|ahead| stopped(began.plus(*ahead)));
        Some(Deadline {
            stage,
            began,
            due,
            source: rule.source.clone(),
            stopped: not_counted.filter(|ahead| work.has(began.plus(*ahead))).fold(0, |count, _| count + 1),
            lag: work.between(run.made, run.heard).max(0),
        })
    }

    /// Where the present cycle and the present stage began. A stage that only stood still, because the reporter had to
    /// complete something, goes on.
    fn begins(&self) -> (Run, Run) {
        let first = Run { stage: Stage::Verify, made: self.received, heard: self.heard };
        let (mut cycle, mut run) = (first, first);
        for one in &self.moves {
            let moved = Run { stage: Stage::of(one.status), made: one.made, heard: one.heard };
            if one.status == status::DIBUKA_KEMBALI {
                (cycle, run) = (moved, moved);
            } else if moved.stage != run.stage && moved.stage != Stage::Waiting {
                run = moved;
            }
        }
        match self.moves.last() {
            Some(last) if Stage::of(last.status) == Stage::Waiting => {
                (cycle, Run { stage: Stage::Waiting, made: last.made, heard: last.heard })
            }
            _ => (cycle, run),
        }
    }

    /// Days on which the reporter had to complete something, both ends inclusive.
    fn waits(&self) -> Vec<(Day, Day)> {
        let waits = |one: &Move| Stage::of(one.status) == Stage::Waiting;
        let pairs = self.moves.iter().zip(self.moves.iter().skip(1).map(Some).chain([None]));
        pairs
            .filter(|(one, _)| waits(one))
            .map(|(one, next)| (one.made, next.map_or(Day(i32::MAX), |n| n.made)))
            .collect()
    }
}

/// So many days of any kind after `began`, leaving out those that are stopped.
fn calendar_days(began: Day, days: u16, stopped: impl Fn(Day) -> bool) -> Due {
    let (mut day, mut left) = (began, days);
    // A stop that is still open never ends: the same bound as for working days.
    for _ in 0..i32::from(days) + 4_000 {
        if left == 0 {
            break;
        }
        day = day.plus(1);
        left -= u16::from(!stopped(day));
    }
    Due { day, certain: left == 0 }
}

impl Deadline {
    /// Working days left until it is due; 0 on its last day, negative once it is missed.
    pub fn left(&self, today: Day, work: &WorkDays<'_>) -> i32 {
        match today <= self.due.day {
            true => work.between(today, self.due.day),
            // Saturday after a Friday that was missed is late, though no working day has passed.
            false => work.between(today, self.due.day).min(-1),
        }
    }

    /// Who is reminded on which day, in order.
    pub fn ladder(&self, work: &WorkDays<'_>) -> [(Day, Rung); 3] {
        let due = self.due.day;
        [(work.before(due), Rung::Officer), (due, Rung::Head), (work.after(due, 1, |_| false).day, Rung::Above)]
    }

    /// The highest rung that has been reached today.
    pub fn rung(&self, today: Day, work: &WorkDays<'_>) -> Option<Rung> {
        self.ladder(work).into_iter().rev().find(|(day, _)| *day <= today).map(|(_, rung)| rung)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::{Calendar, Week};
    use crate::form::Civil;
    use crate::form::builtin::pengaduan::status::*;

    fn day(text: &str) -> Day {
        text.parse::<Civil>().unwrap().into()
    }

    /// A complaint of that day, moved on these days; the hub heard of a move on the day behind the comma, if there is one.
    fn course(received: &str, moves: &[(ChoiceTag, &str)]) -> Course {
        let moves = moves.iter().map(|(status, days)| {
            let (made, heard) = days.split_once(',').unwrap_or((days, days));
            Move { status: *status, made: day(made), heard: day(heard) }
        });
        let (received, heard) = received.split_once(',').unwrap_or((received, received));
        Course { received: day(received), heard: day(heard), class: Class::Ordinary, moves: moves.collect() }
    }

    fn due(course: &Course, profile: &str) -> Option<(Stage, Day)> {
        let (calendar, office) = (Calendar::built_in(), "32.73.05.1001".parse().unwrap());
        let work = WorkDays::new(&calendar, &office, Week::Five);
        let deadline = course.deadline(Profiles::built_in().named(profile).unwrap(), &work)?;
        Some((deadline.stage, deadline.due.day))
    }

    #[test]
    fn what_ships_can_be_read_and_names_a_source_for_each_limit() {
        let profiles = Profiles::read(BUILT_IN).unwrap();
        assert_eq!(profiles.names().collect::<Vec<_>>(), ["lapor-1", "panrb62-1", "uu25-1"]);
        assert!(profiles.named(Profiles::DEFAULT).is_some());
        assert_eq!(Profiles::read(&profiles.write()).unwrap(), profiles);
        assert!(profiles.0.iter().flat_map(|profile| &profile.rules).all(|rule| !rule.source.is_empty()));
    }

    #[test]
    fn each_stage_has_its_own_clock() {
        let mut case = course("2026-03-16", &[]);
        assert_eq!(due(&case, "lapor-1"), Some((Stage::Verify, day("2026-03-26"))));
        case.moves = course("2026-03-16", &[(TERVERIFIKASI, "2026-03-17")]).moves;
        assert_eq!(due(&case, "lapor-1"), Some((Stage::Verify, day("2026-03-26"))), "until it is handed on");
        case.moves.extend(course("2026-03-16", &[(TERDISPOSISI, "2026-03-25"), (DIPROSES, "2026-03-26")]).moves);
        assert_eq!(due(&case, "lapor-1"), Some((Stage::Answer, day("2026-04-01"))));
        case.moves.extend(course("2026-03-16", &[(DIJAWAB, "2026-04-01")]).moves);
        assert_eq!(due(&case, "lapor-1"), Some((Stage::Silence, day("2026-04-16"))));
        case.moves.extend(course("2026-03-16", &[(DIBUKA_KEMBALI, "2026-04-08")]).moves);
        assert_eq!(due(&case, "lapor-1"), Some((Stage::Answer, day("2026-04-15"))));
        case.moves.extend(course("2026-03-16", &[(SELESAI, "2026-04-13")]).moves);
        assert_eq!(due(&case, "lapor-1"), None);
    }

    #[test]
    fn a_limit_from_receipt_looms_from_the_first_day() {
        let mut case = course("2026-03-16", &[]);
        assert_eq!(due(&case, "panrb62-1"), Some((Stage::Verify, day("2026-04-13"))));
        case.moves = course("2026-03-16", &[(TERDISPOSISI, "2026-03-25")]).moves;
        assert_eq!(due(&case, "panrb62-1"), Some((Stage::Answer, day("2026-04-13"))));
        case.class = Class::Misconduct;
        assert_eq!(due(&case, "panrb62-1"), Some((Stage::Answer, day("2026-06-25"))));
        case.class = Class::Information;
        assert_eq!(due(&case, "panrb62-1"), Some((Stage::Answer, day("2026-03-30"))));
        assert_eq!(due(&case, "uu25-1"), Some((Stage::Answer, day("2026-05-15"))), "sixty days of any kind");
    }

    #[test]
    fn the_clock_stands_still_while_the_reporter_has_to_complete_something() {
        let waiting = [(PERLU_DILENGKAPI, "2026-11-17"), (TERVERIFIKASI, "2026-11-20")];
        let mut case = course("2026-11-16", &waiting);
        assert_eq!(due(&case, "lapor-1"), Some((Stage::Verify, day("2026-11-25"))), "17 to 20 November do not count");
        case.moves.pop();
        assert_eq!(due(&case, "lapor-1"), None, "nobody at an office owes anything");
        assert_eq!(due(&case, "uu25-1"), Some((Stage::Waiting, day("2026-12-17"))));
    }

    #[test]
    fn what_an_office_could_not_send_does_not_eat_the_next_stage() {
        let (calendar, office) = (Calendar::built_in(), "32.73.05.1001".parse().unwrap());
        let work = WorkDays::new(&calendar, &office, Week::Five);
        let profiles = Profiles::built_in();
        let profile = profiles.named("lapor-1").unwrap();
        let case = course("2026-11-02,2026-11-10", &[(TERDISPOSISI, "2026-11-04,2026-11-10")]);
        let deadline = case.deadline(profile, &work).unwrap();
        assert_eq!((deadline.due.day, deadline.lag), (day("2026-11-17"), 4));
        // Receipt starts the first clock all the same: it is the citizen's.
        let new = course("2026-11-02,2026-11-10", &[]);
        let deadline = new.deadline(profile, &work).unwrap();
        assert_eq!((deadline.due.day, deadline.lag), (day("2026-11-05"), 6));
    }

    #[test]
    fn the_officer_is_warned_before_the_head_on_the_day_and_the_level_above_afterwards() {
        let (calendar, office) = (Calendar::built_in(), "32.73.05.1001".parse().unwrap());
        let work = WorkDays::new(&calendar, &office, Week::Five);
        let profiles = Profiles::built_in();
        let deadline = course("2026-11-18", &[]).deadline(profiles.named("lapor-1").unwrap(), &work).unwrap();
        assert_eq!(deadline.due.day, day("2026-11-23"), "a Monday");
        let days = deadline.ladder(&work).map(|(day, rung)| (day.to_string(), rung.code()));
        let expected = [("2026-11-20", "officer"), ("2026-11-23", "head"), ("2026-11-24", "above")];
        assert_eq!(days, expected.map(|(day, rung)| (day.to_owned(), rung)));
        for (today, left, rung) in [
            ("2026-11-19", 2, None),
            ("2026-11-20", 1, Some(Rung::Officer)),
            ("2026-11-22", 1, Some(Rung::Officer)),
            ("2026-11-23", 0, Some(Rung::Head)),
            ("2026-11-24", -1, Some(Rung::Above)),
            ("2026-11-25", -2, Some(Rung::Above)),
        ] {
            assert_eq!((deadline.left(day(today), &work), deadline.rung(day(today), &work)), (left, rung), "{today}");
        }
        let friday = course("2026-11-17", &[]).deadline(profiles.named("lapor-1").unwrap(), &work).unwrap();
        assert_eq!(
            (friday.due.day, friday.left(day("2026-11-21"), &work)),
            (day("2026-11-20"), -1),
            "late on Saturday"
        );
    }

    #[test]
    fn limits_that_cannot_be_used_are_refused_and_others_replace_those_of_the_same_name() {
        let head = "profile,stage,class,limit,unit,from,source\n";
        for row in [
            "x,closed,,3,working,stage,y",
            "x,verify,,0,working,stage,y",
            "x,verify,,3,hours,stage,y",
            "x y,verify,,3,working,stage,y",
        ] {
            assert_eq!(Profiles::read(&format!("{head}{row}\n")).unwrap_err().line, 2, "{row}");
        }
        let twice = "lapor-1,verify,,3,working,stage,y\n".repeat(2);
        assert_eq!(Profiles::read(&format!("{head}{twice}")).unwrap_err().line, 3);
        let mut profiles = Profiles::built_in();
        profiles.replace(Profiles::read(&format!("{head}lapor-1,verify,,1,working,receipt,y\n")).unwrap());
        assert_eq!(profiles.names().collect::<Vec<_>>(), ["panrb62-1", "uu25-1", "lapor-1"]);
    }

    proptest! {
        #[test]
        fn any_course_has_a_deadline_or_none_and_waiting_never_shortens_it(
            steps in prop::collection::vec((1u16..12, 0i32..40, 0i32..20), 0..12),
        ) {
            let (calendar, office) = (Calendar::built_in(), "32.73.05.1001".parse().unwrap());
            let work = WorkDays::new(&calendar, &office, Week::Six);
            let (mut moves, mut at) = (Vec::new(), day("2025-12-20"));
            for (status, ahead, lag) in steps {
                at = at.plus(ahead);
                moves.push(Move { status, made: at, heard: at.plus(lag) });
            }
            let received = day("2025-12-20");
            let case = Course { received, heard: received, class: Class::Ordinary, moves };
            let without = case.moves.iter().copied().filter(|one| one.status != PERLU_DILENGKAPI).collect();
            let without = Course { moves: without, ..case.clone() };
            for profile in Profiles::built_in().0 {
                let (one, other) = (case.deadline(&profile, &work), without.deadline(&profile, &work));
                if case.stage() == without.stage() {
                    prop_assert!(one.map(|deadline| deadline.due.day) >= other.map(|deadline| deadline.due.day));
                }
            }
        }
    }
}
