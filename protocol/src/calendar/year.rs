//! Days on which offices are closed: national holidays, collective leave, closures of an area. Dates of a decree are
//! facts with a source; the ones that ship are a default, and any year may be replaced when a decree changes.

use std::collections::{BTreeMap, BTreeSet};

use super::day::Day;
use super::file::{FileError, Table, Wrong, quoted};
use crate::form::{Civil, Lang};
use crate::ids::{OfficeCode, is_area_code};

/// The days that ship, see `data/calendar.csv`.
const BUILT_IN: &str = include_str!("../../data/calendar.csv");
/// Longest name or source, in characters.
const TEXT_CHARS_MAX: usize = 200;

/// Why offices are closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A national holiday.
    Holiday,
    /// Collective leave, on which offices do not work either.
    Leave,
    /// A closure of an area: an election, a flood, a local feast.
    Closure,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Holiday, Kind::Leave, Kind::Closure];

    /// Its code in files.
    pub fn code(self) -> &'static str {
        match self {
            Kind::Holiday => "libur",
            Kind::Leave => "cuti_bersama",
            Kind::Closure => "tutup",
        }
    }

    /// What people call it.
    pub fn label(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Kind::Holiday, Lang::Id) => "Libur nasional",
            (Kind::Holiday, Lang::En) => "National holiday",
            (Kind::Leave, Lang::Id) => "Cuti bersama",
            (Kind::Leave, Lang::En) => "Collective leave",
            (Kind::Closure, Lang::Id) => "Tutup setempat",
            (Kind::Closure, Lang::En) => "Local closure",
        }
    }
}

/// A day on which offices are closed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holiday {
    /// The day.
    pub day: Day,
    /// Where: an area code, whose offices all have codes that begin with it; empty: everywhere.
    pub area: String,
    /// Why.
    pub kind: Kind,
    /// What it is called.
    pub name: String,
    /// Which decree or list says so.
    pub source: String,
    /// Nobody has decreed it yet: the date is expected.
    pub estimated: bool,
}

impl Holiday {
    /// Whether this office is closed on it.
    pub fn concerns(&self, office: &OfficeCode) -> bool {
        within(&self.area, office.as_str())
    }
}

/// Whether a code lies in an area, itself included. The empty area has everything in it.
pub fn within(area: &str, code: &str) -> bool {
    match code.strip_prefix(area) {
        Some(rest) => area.is_empty() || rest.is_empty() || rest.starts_with(['.', '-']),
        None => false,
    }
}

/// The days on which offices are closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    days: BTreeMap<Day, BTreeSet<Holiday>>,
}

impl Calendar {
    /// The one that ships.
    pub fn built_in() -> Calendar {
        // A test reads it; without it every weekday would be a working day, and every deadline would say that it is not
        // certain.
        Calendar::read(BUILT_IN).unwrap_or_default()
    }

    /// Reads a table with the columns `date`, `kind` (`libur`, `cuti_bersama`, `tutup`), `name`, `source`, and if wanted
    /// `certainty` (`pasti`, `perkiraan`) and `area`. Indonesian names of columns are taken too.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn read(text: &str) -> Result<Calendar, FileError> {
        const DATE: &[&str] = &["date", "tanggal"];
        const KIND: &[&str] = &["kind", "jenis"];
        const NAME: &[&str] = &["name", "nama"];
        const SOURCE: &[&str] = &["source", "sumber"];
        let table = Table::read(text)?;
        table.must_have(&[DATE, KIND, NAME, SOURCE])?;
        let mut calendar = Calendar::default();
        for row in table.rows() {
            let (date, kind, area) = (row.cell(DATE), row.cell(KIND), row.cell(&["area", "wilayah"]));
            let day: Civil = date.parse().map_err(|_| row.wrong("date", date, "2026-11-21"))?;
            let kind = Kind::ALL.into_iter().find(|known| known.code() == kind);
            let kind = kind.ok_or_else(|| row.wrong("kind", row.cell(KIND), "libur, cuti_bersama, tutup"))?;
            if !area.is_empty() && !is_area_code(area) {
                return Err(row.wrong("area", area, "32.73, 32.73.05"));
            }
            let estimated = match row.cell(&["certainty", "kepastian"]) {
                "" | "pasti" => false,
                "perkiraan" => true,
                other => return Err(row.wrong("certainty", other, "pasti, perkiraan")),
            };
            let text = |names| row.cell(names).chars().take(TEXT_CHARS_MAX).collect();
            let (name, source, area) = (text(NAME), text(SOURCE), area.to_owned());
            let there = calendar.days.entry(day.into()).or_default();
            if there.iter().any(|holiday| holiday.area == area) {
                return Err(FileError::at(row.line, Wrong::Twice));
            }
            there.insert(Holiday { day: day.into(), area, kind, name, source, estimated });
        }
        Ok(calendar)
    }

    /// As a table that [`Calendar::read`] reads.
    pub fn write(&self) -> String {
        let mut text = "date,kind,name,source,certainty,area\n".to_owned();
        for holiday in self.holidays() {
            let certainty = if holiday.estimated { "perkiraan" } else { "pasti" };
            let (name, source) = (quoted(&holiday.name), quoted(&holiday.source));
            let cells = [&holiday.day.to_string(), holiday.kind.code(), &name, &source, certainty, &holiday.area];
            text.push_str(&cells.join(","));
            text.push('\n');
        }
        text
    }

    /// Takes over what `newer` says: of each year and area that it speaks of, its days replace all that were here.
    pub fn replace(&mut self, newer: &Calendar) {
        let spoken: BTreeSet<(i32, &str)> =
            newer.holidays().map(|holiday| (holiday.day.year(), holiday.area.as_str())).collect();
        for (day, holidays) in &mut self.days {
            holidays.retain(|holiday| !spoken.contains(&(day.year(), holiday.area.as_str())));
        }
        for holiday in newer.holidays() {
            self.days.entry(holiday.day).or_default().insert(holiday.clone());
        }
        self.days.retain(|_, holidays| !holidays.is_empty());
    }

    /// All days, in order.
    pub fn holidays(&self) -> impl Iterator<Item = &Holiday> {
        self.days.values().flatten()
    }

    /// Why an office is closed on a day, if it is. Where several reasons meet, the widest area speaks.
    pub fn on(&self, day: Day, office: &OfficeCode) -> Option<&Holiday> {
        self.days.get(&day)?.iter().find(|holiday| holiday.concerns(office))
    }

    /// Whether there are national holidays for a year.
    pub fn has_year(&self, year: i32) -> bool {
        let day = |month, day| Civil::new(year, month, day).map(Day::from);
        let (Some(first), Some(last)) = (day(1, 1), day(12, 31)) else { return false };
        self.days.range(first..=last).any(|(_, there)| there.iter().any(|holiday| holiday.area.is_empty()))
    }

    /// Years for which there are national holidays. Of others nobody knows, so that what is counted there is not certain.
    pub fn years(&self) -> BTreeSet<i32> {
        self.holidays().filter(|holiday| holiday.area.is_empty()).map(|holiday| holiday.day.year()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse::<Civil>().unwrap().into()
    }

    fn counted(calendar: &Calendar, year: i32, kind: Kind) -> usize {
        calendar.holidays().filter(|holiday| holiday.day.year() == year && holiday.kind == kind).count()
    }

    #[test]
    fn what_ships_can_be_read_and_names_a_source_for_each_day() {
        let calendar = Calendar::read(BUILT_IN).unwrap();
        assert_eq!(calendar.years().into_iter().collect::<Vec<_>>(), [2025, 2026, 2027]);
        assert!((1900..2100).all(|year| calendar.has_year(year) == calendar.years().contains(&year)));
        for (year, holidays, leave) in [(2025, 17, 11), (2026, 17, 8), (2027, 18, 8)] {
            assert_eq!(counted(&calendar, year, Kind::Holiday), holidays, "{year}");
            assert_eq!(counted(&calendar, year, Kind::Leave), leave, "{year}");
        }
        assert!(calendar.holidays().all(|holiday| !holiday.name.is_empty() && !holiday.source.is_empty()));
        assert_eq!(calendar.holidays().filter(|holiday| holiday.estimated).count(), 3);
    }

    #[test]
    fn a_table_comes_back_from_its_text() {
        let mut calendar = Calendar::built_in();
        let local = "tanggal;jenis;nama;sumber;wilayah\n2026-11-25;tutup;\"Pilkades; serentak\";SK Bupati;32.73\n";
        calendar.replace(&Calendar::read(local).unwrap());
        assert_eq!(Calendar::read(&calendar.write()).unwrap(), calendar);
    }

    #[test]
    fn a_new_table_replaces_the_years_and_areas_it_speaks_of_and_no_others() {
        let mut calendar = Calendar::built_in();
        let decree =
            "date,kind,name,source\n2027-03-10,libur,Idulfitri,Keputusan\n2027-03-11,libur,Idulfitri,Keputusan\n";
        calendar.replace(&Calendar::read(decree).unwrap());
        assert_eq!(counted(&calendar, 2027, Kind::Holiday), 2);
        assert_eq!(counted(&calendar, 2026, Kind::Holiday), 17);
        let local =
            "date,kind,name,source,area\n2026-03-19,tutup,Banjir,SK,32.73\n2026-06-10,tutup,Pilkades,SK,32.73\n";
        calendar.replace(&Calendar::read(local).unwrap());
        calendar.replace(&Calendar::read(local).unwrap());
        assert_eq!(counted(&calendar, 2026, Kind::Closure), 2);
        let (here, there) = ("32.73.05.1001".parse().unwrap(), "32.74.01.1001".parse().unwrap());
        assert_eq!(calendar.on(day("2026-06-10"), &here).map(|holiday| holiday.kind), Some(Kind::Closure));
        assert_eq!(calendar.on(day("2026-06-10"), &there), None);
        assert_eq!(calendar.on(day("2026-03-19"), &here).map(|holiday| holiday.kind), Some(Kind::Holiday));
    }

    #[test]
    fn an_area_has_its_own_offices_and_no_others() {
        for (area, code, there) in [
            ("", "32.73.05.1001", true),
            ("32.73", "32.73.05.1001", true),
            ("32.73.05.1001", "32.73.05.1001-PKM1", true),
            ("32.73.05.1001", "32.73.05.1001", true),
            ("32.73.05.1001", "32.73.05", false),
            ("32.7", "32.73.05", false),
        ] {
            assert_eq!(within(area, code), there, "{area} {code}");
        }
    }

    #[test]
    fn a_table_that_cannot_be_used_is_refused_with_its_line() {
        for (text, line) in [
            ("date,kind,name\n2026-01-01,libur,x\n", 1),
            ("date,kind,name,source\n2026-02-30,libur,x,y\n", 2),
            ("date,kind,name,source\n2026-02-03,pesta,x,y\n", 2),
            ("date,kind,name,source\n2026-02-03,libur,x,y\n2026-02-03,cuti_bersama,x,y\n", 3),
            ("date,kind,name,source,certainty\n2026-02-03,libur,x,y,mungkin\n", 2),
            ("date,kind,name,source,area\n2026-02-03,tutup,x,y,Bandung\n", 2),
        ] {
            assert_eq!(Calendar::read(text).unwrap_err().line, line, "{text}");
        }
    }
}
