//! The satisfaction index (SKM, PermenPANRB 14/2017), in exact fractions and rounded once.
//!
//! ```text
//!   complete questionnaires ──▶ sum of scores of each element ──▶ mean = sum / n
//!   index = 25 × sum over the nine of mean × weight          weight: 1/9 exactly, or 0.111 or 0.11 as many sheets have it
//!                └─ rounded half up to two decimals, then classified ──▶ band A–D
//! ```
//!
//! A questionnaire with a missing answer is kept and counted, and left out of the index. The choice of the weight moves
//! bands: 2.60 for all elements is a C with one ninth and a D with 0.111; so every figure says which it used.

use crate::calendar::file::{FileError, Table, Wrong};
use crate::form::FieldTag;
use crate::form::builtin::skm::ELEMENTS;

/// Scores of the nine elements, in the order of [`ELEMENTS`], added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Complete questionnaires.
    pub complete: u64,
    /// Questionnaires with a missing answer.
    pub incomplete: u64,
    /// Of the complete ones: sum of scores of each element.
    pub scores: [u64; 9],
    /// Of all: answers to each element, complete or not.
    pub answered: [u64; 9],
}

/// A number in hundredths, e.g. 8000 for 80.00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hundredths(pub u32);

impl std::fmt::Display for Hundredths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// The weight of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Weight {
    /// One ninth, exactly.
    #[default]
    Ninth,
    /// 0.111, of which nine make 0.999.
    Three,
    /// 0.11, of which nine make 0.99.
    Two,
}

impl Weight {
    /// All of them, the exact one first.
    pub const ALL: [Weight; 3] = [Weight::Ninth, Weight::Three, Weight::Two];

    /// As people write it.
    pub fn code(self) -> &'static str {
        match self {
            Weight::Ninth => "1/9",
            Weight::Three => "0.111",
            Weight::Two => "0.11",
        }
    }

    /// Numerator and denominator.
    fn fraction(self) -> (u128, u128) {
        match self {
            Weight::Ninth => (1, 9),
            Weight::Three => (111, 1000),
            Weight::Two => (11, 100),
        }
    }
}

impl Sums {
    /// Adds a questionnaire: its score for each element, 1 to 4, in the order of [`ELEMENTS`]. Anything else is a missing
    /// answer.
    pub fn count(&mut self, scores: [Option<u16>; 9]) {
        let scores = scores.map(|score| score.filter(|score| (1..=4).contains(score)).map(u64::from));
        for (answered, score) in self.answered.iter_mut().zip(scores) {
            *answered += u64::from(score.is_some());
        }
        if scores.iter().any(Option::is_none) {
            self.incomplete += 1;
            return;
        }
        self.complete += 1;
        for (sum, score) in self.scores.iter_mut().zip(scores) {
            *sum += score.unwrap_or(0);
        }
    }

    /// Adds what another place counted.
    pub fn merge(&mut self, more: &Sums) {
        self.complete += more.complete;
        self.incomplete += more.incomplete;
        for (sum, more) in self.scores.iter_mut().zip(more.scores) {
            *sum += more;
        }
        for (sum, more) in self.answered.iter_mut().zip(more.answered) {
            *sum += more;
        }
    }

    /// The index, rounded half up to two decimals; `None` without a complete questionnaire.
    pub fn index(&self, weight: Weight) -> Option<Hundredths> {
        let (over, under) = weight.fraction();
        let total: u128 = self.scores.iter().map(|sum| u128::from(*sum)).sum();
        rounded(total * 25 * over * 100, u128::from(self.complete) * under)
    }

    /// Mean score of an element by its place in [`ELEMENTS`], in thousandths; `None` without a complete questionnaire.
    pub fn mean_thousandths(&self, element: usize) -> Option<u32> {
        Some(rounded(u128::from(*self.scores.get(element)?) * 1000, u128::from(self.complete))?.0)
    }

    /// The same times the weight, in thousandths: what sheets show behind the mean.
    pub fn weighted_thousandths(&self, element: usize, weight: Weight) -> Option<u32> {
        let (over, under) = weight.fraction();
        Some(rounded(u128::from(*self.scores.get(element)?) * over * 1000, u128::from(self.complete) * under)?.0)
    }

    /// What an element alone gives on the scale of the index, to find its band: 25 times its mean.
    pub fn element_index(&self, element: usize) -> Option<Hundredths> {
        rounded(u128::from(*self.scores.get(element)?) * 25 * 100, u128::from(self.complete))
    }

    /// Places of the elements, the lowest mean first; of equal ones the earlier in the list.
    pub fn lowest(&self) -> [usize; 9] {
        let mut places = [0, 1, 2, 3, 4, 5, 6, 7, 8];
        places.sort_by_key(|place| self.scores.get(*place).copied().unwrap_or(0));
        places
    }
}

/// Half up; `None` for a denominator of 0 and for what is beyond every index.
fn rounded(over: u128, under: u128) -> Option<Hundredths> {
    let doubled = over.checked_mul(2)?.checked_add(under)?;
    doubled.checked_div(under.checked_mul(2)?).and_then(|whole| u32::try_from(whole).ok()).map(Hundredths)
}

/// Field of an element by its place.
pub fn element_field(place: usize) -> Option<(&'static str, FieldTag)> {
    ELEMENTS.get(place).copied()
}

/// A band of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// Its letter.
    pub mark: String,
    /// Its Indonesian name.
    pub label: String,
    /// From this index on, in hundredths.
    pub from: Hundredths,
}

/// The bands of the index from a year on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bands(Vec<(i32, String, Vec<Band>)>);

impl Bands {
    /// Those that ship, as a table.
    pub const BUILT_IN: &str = include_str!("../data/bands.csv");

    /// Those that ship.
    pub fn built_in() -> Bands {
        // A test reads it; without it no index has a band.
        Bands::read(Bands::BUILT_IN).unwrap_or_default()
    }

    /// Reads a table with the columns `year` (from which on it counts), `mark`, `label`, `from` (the lowest index of the
    /// band, two decimals) and `source`.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn read(text: &str) -> Result<Bands, FileError> {
        let table = Table::read(text)?;
        table.must_have(&[&["year"], &["mark"], &["label"], &["from"], &["source"]])?;
        let mut bands = Bands::default();
        for row in table.rows() {
            let [year, mark, label, from, source] =
                ["year", "mark", "label", "from", "source"].map(|column| row.cell(&[column]));
            let since: i32 = year.parse().map_err(|_| row.wrong("year", year, "2017"))?;
            let from = hundredths(from).ok_or_else(|| row.wrong("from", from, "88.31"))?;
            let place = bands.0.iter().position(|(year, _, _)| *year == since).unwrap_or_else(|| {
                bands.0.push((since, source.to_owned(), Vec::new()));
                bands.0.len() - 1
            });
            let Some((_, _, of_year)) = bands.0.get_mut(place) else { continue };
            if of_year.iter().any(|band| band.mark == mark || band.from == from) {
                return Err(FileError::at(row.line, Wrong::Twice));
            }
            of_year.push(Band { mark: mark.to_owned(), label: label.to_owned(), from });
            of_year.sort_by_key(|band| std::cmp::Reverse(band.from));
        }
        bands.0.sort_by_key(|(year, _, _)| *year);
        Ok(bands)
    }

    /// The band of an index in a year, and the source that says so. Weights that do not add up to one can give less than
    /// the lowest band begins with: that is the lowest band too.
    pub fn of(&self, year: i32, index: Hundredths) -> Option<(&Band, &str)> {
        let (_, source, bands) = self.0.iter().rev().find(|(since, _, _)| *since <= year)?;
        let band = bands.iter().find(|band| index >= band.from).or(bands.last())?;
        Some((band, source.as_str()))
    }
}

/// `88.31` or `88,31`.
fn hundredths(text: &str) -> Option<Hundredths> {
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, "00"));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
    let (whole, part) = (digits(whole)?, (part.len() == 2).then(|| digits(part)).flatten()?);
    (whole <= 100).then_some(Hundredths(whole * 100 + part))
}

/// Questionnaires needed of `users` of a service in the period (Krejcie and Morgan, 5 % and 95 %), rounded half up.
pub fn sample(users: u64) -> u64 {
    // s = 3.841 N 0.25 / (0.0025 (N-1) + 3.841 x 0.25), both times 10^6.
    let over = 960_250 * u128::from(users);
    let under = 2_500 * u128::from(users.saturating_sub(1)) + 960_250;
    u64::try_from((2 * over + under) / (2 * under)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `n` questionnaires in which all nine elements have that sum.
    fn even(complete: u64, sum: u64) -> Sums {
        Sums { complete, scores: [sum; 9], ..Sums::default() }
    }

    fn marked(sums: &Sums, weight: Weight) -> (String, String) {
        let index = sums.index(weight).unwrap();
        (index.to_string(), Bands::built_in().of(2026, index).unwrap().0.mark.clone())
    }

    #[test]
    fn the_worked_example_gives_eighty_and_a_b() {
        let sums = Sums { complete: 10, scores: [33, 30, 26, 40, 32, 33, 34, 29, 31], ..Sums::default() };
        assert_eq!(marked(&sums, Weight::Ninth), ("80.00".into(), "B".into()));
        assert_eq!(marked(&sums, Weight::Three).0, "79.92");
        assert_eq!(marked(&sums, Weight::Two).0, "79.20");
        let means: Vec<u32> = (0..9).filter_map(|place| sums.mean_thousandths(place)).collect();
        assert_eq!(means, [3300, 3000, 2600, 4000, 3200, 3300, 3400, 2900, 3100]);
        assert_eq!(sums.weighted_thousandths(0, Weight::Three), Some(366));
        let lowest: Vec<&str> = sums.lowest()[..2].iter().filter_map(|place| Some(element_field(*place)?.0)).collect();
        assert_eq!(lowest, ["waktu", "pengaduan"]);
    }

    #[test]
    fn the_weight_moves_the_band_as_it_must() {
        for (complete, sum, expected) in [
            (10, 26, [("65.00", "C"), ("64.94", "D"), ("64.35", "D")]),
            (10_000, 30_644, [("76.61", "B"), ("76.53", "C"), ("75.84", "C")]),
            (100, 308, [("77.00", "B"), ("76.92", "B"), ("76.23", "C")]),
            (10_000, 35_324, [("88.31", "A"), ("88.22", "B"), ("87.43", "B")]),
            (1, 4, [("100.00", "A"), ("99.90", "A"), ("99.00", "A")]),
            (1, 1, [("25.00", "D"), ("24.98", "D"), ("24.75", "D")]),
        ] {
            for (weight, (index, mark)) in Weight::ALL.into_iter().zip(expected) {
                let expected = (index.to_owned(), mark.to_owned());
                assert_eq!(marked(&even(complete, sum), weight), expected, "{sum}/{complete} {}", weight.code());
            }
        }
    }

    #[test]
    fn a_missing_answer_is_counted_and_left_out() {
        let mut sums = Sums::default();
        sums.count([Some(4); 9]);
        let mut scores = [Some(1); 9];
        scores[7] = None;
        sums.count(scores);
        scores[7] = Some(5);
        sums.count(scores);
        assert_eq!((sums.complete, sums.incomplete, sums.answered), (1, 2, [3, 3, 3, 3, 3, 3, 3, 1, 3]));
        assert_eq!(sums.index(Weight::Ninth), Some(Hundredths(10_000)));
        assert_eq!(Sums::default().index(Weight::Ninth), None);
    }

    #[test]
    fn as_many_questionnaires_are_needed_as_the_table_says() {
        for (users, needed) in [
            (0, 0),
            (10, 10),
            (15, 14),
            (20, 19),
            (50, 44),
            (100, 80),
            (220, 140),
            (500, 217),
            (1_000, 278),
            (2_000, 322),
            (5_000, 357),
            (10_000, 370),
            (30_000, 379),
            (40_000, 380),
            (100_000, 383),
        ] {
            assert_eq!(sample(users), needed, "{users}");
        }
        assert_eq!(sample(u64::MAX), 384);
    }

    #[test]
    fn bands_count_from_their_year_on() {
        let bands = Bands::read("year,mark,label,from,source\n2030,A,Baik,50.00,x\n2030,B,Buruk,0.00,x\n").unwrap();
        assert_eq!(bands.of(2029, Hundredths(9_000)), None);
        assert_eq!(bands.of(2031, Hundredths(4_999)).map(|(band, _)| band.mark.as_str()), Some("B"));
        for row in ["x,A,Baik,50.00,y", "2017,A,Baik,50.0,y", "2017,A,Baik,101.00,y"] {
            assert!(Bands::read(&format!("year,mark,label,from,source\n{row}\n")).is_err(), "{row}");
        }
        assert_eq!(Bands::built_in().of(2026, Hundredths(7_660)).map(|(band, _)| band.mark.as_str()), Some("C"));
    }

    proptest! {
        #[test]
        fn an_index_lies_where_its_scores_lie_and_adding_up_in_any_order_gives_the_same(
            answers in prop::collection::vec(prop::array::uniform9(prop::option::weighted(0.95, 1u16..=4)), 1..40),
            cut in 0usize..40,
        ) {
            let (mut all, mut one, mut other) = (Sums::default(), Sums::default(), Sums::default());
            for (place, scores) in answers.iter().enumerate() {
                all.count(*scores);
                if place < cut { one.count(*scores) } else { other.count(*scores) }
            }
            other.merge(&one);
            prop_assert_eq!(all, other);
            prop_assert_eq!(all.complete + all.incomplete, answers.len() as u64);
            if let Some(index) = all.index(Weight::Ninth) {
                prop_assert!((2_500..=10_000).contains(&index.0));
                prop_assert!(all.index(Weight::Three) <= Some(index) && all.index(Weight::Two) <= all.index(Weight::Three));
                // In floating point the same, to within the last digit.
                let mean: f64 = all.scores.iter().map(|sum| *sum as f64).sum::<f64>() / 9.0 / all.complete as f64;
                prop_assert!((f64::from(index.0) / 100.0 - mean * 25.0).abs() < 0.006);
            }
        }
    }
}
