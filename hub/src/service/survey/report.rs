//! What a command, a page and a sheet of the index have in common: the sums with the bands, names and offices they are read by.

use std::collections::BTreeMap;

use kentongan_host::Lang;
use kentongan_protocol::form::builtin::{by_tag, skm};
use kentongan_protocol::survey::{Band, Bands, Hundredths, Weight};

use super::{Place, SumsPage, Unit};

/// All sums of a period.
#[derive(Debug)]
pub struct Report {
    /// By code of the office.
    pub units: BTreeMap<String, Unit>,
    /// Of all of them together.
    pub all: Unit,
    /// The offices that could have answers.
    pub places: Vec<Place>,
    /// Units with fewer complete questionnaires than this are not ranked.
    pub ranked_from: u64,
    /// The weight of an element.
    pub weight: Weight,
    bands: Bands,
    year: i32,
}

impl Report {
    /// Of sums that are complete, of a period that ends on the day or in the month `to`, as `2026-…`: whose year says which
    /// bands count.
    pub fn of(page: SumsPage, to: &str, weight: Weight) -> Report {
        let SumsPage { units, offices, bands, ranked_from, .. } = page;
        let mut all = Unit::default();
        units.values().for_each(|unit| all.merge(unit));
        let year = to.get(..4).and_then(|year| year.parse().ok()).unwrap_or(0);
        Report {
            units,
            all,
            places: offices,
            bands: Bands::read(&bands).unwrap_or_default(),
            ranked_from,
            year,
            weight,
        }
    }

    /// The band of an index.
    pub fn band(&self, index: Hundredths) -> Option<&Band> {
        self.bands.of(self.year, index).map(|(band, _)| band)
    }

    /// Where the bands come from.
    pub fn source(&self) -> &str {
        self.bands.of(self.year, Hundredths(10_000)).map_or("", |(_, source)| source)
    }

    /// What people call an office; empty if it has no name.
    pub fn name_of(&self, office: &str) -> &str {
        self.places.iter().find(|place| place.office == office).map_or("", |place| place.name.as_str())
    }

    /// Offices of which answers are expected and none came in the period.
    pub fn missing(&self) -> impl Iterator<Item = &Place> {
        super::missing(&self.places, &self.units)
    }

    /// Units with enough questionnaires, the highest index first; then those without.
    pub fn ranked(&self) -> Vec<(&String, &Unit)> {
        let mut units: Vec<(&String, &Unit)> = self.units.iter().collect();
        let index = |unit: &Unit| unit.sums().index(self.weight).filter(|_| unit.complete >= self.ranked_from);
        units.sort_by_key(|(office, unit)| (std::cmp::Reverse(index(unit)), (*office).clone()));
        units
    }
}

/// What the elements are called, in the order of the regulation's list.
pub fn elements(lang: Lang) -> [(&'static str, String); 9] {
    let form = by_tag(skm::TAG);
    skm::ELEMENTS.map(|(key, tag)| {
        let label = form.and_then(|form| form.field(tag)).map(|field| field.label.in_lang(lang).to_owned());
        (key, label.unwrap_or_else(|| key.to_owned()))
    })
}

/// `3.064`
pub fn thousandths(number: u32) -> String {
    format!("{}.{:03}", number / 1000, number % 1000)
}
