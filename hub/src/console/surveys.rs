//! The satisfaction index: by element and office, with what is missing said first, and the sheet that is published.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use kentongan_host::Failure;
use kentongan_protocol::form::Field;
use kentongan_protocol::form::builtin::{by_tag, skm, suara};
use kentongan_protocol::survey::{Hundredths, Sums, Weight};
use kentongan_web::{Asked, Fields, Reply, Words};

use super::Console;
use super::route::Visit;
use super::shell::{self, Shell};
use super::signs::decimal;
use crate::service::office::parse_code;
use crate::service::survey::{self, Report, Unit, Votes, elements, thousandths};

/// Months that a page adds up, at most.
const MONTHS_MAX: i32 = 36;
/// Respondents' fields on the sheet.
const PROFILE: [&str; 3] = ["jenis_kelamin", "pendidikan", "pekerjaan"];

#[derive(Debug, Template)]
#[template(path = "surveys.html")]
struct IndexPage<'a> {
    s: &'a Shell,
    v: View,
    periods: Vec<Period>,
}

#[derive(Debug, Template)]
#[template(path = "survey_sheet.html")]
struct SheetPage<'a> {
    s: &'a Shell,
    v: View,
    printed: String,
}

/// A period that is offered.
#[derive(Debug)]
struct Period {
    word: &'static str,
    from: String,
    to: String,
    is_chosen: bool,
}

/// What was asked for.
#[derive(Debug, Clone)]
struct Wanted {
    from: i32,
    to: i32,
    area: String,
    weight: Weight,
}

/// The figures, in words.
#[derive(Debug)]
struct View {
    from: String,
    to: String,
    period: String,
    area: String,
    area_name: String,
    weights: Vec<(&'static str, bool)>,
    weight: &'static str,
    index: String,
    band: String,
    change: String,
    others: Vec<String>,
    basis: String,
    is_partial: bool,
    complete: u64,
    elements: Vec<Element>,
    units: Vec<UnitView>,
    missing: Vec<(String, String)>,
    profile: Vec<(String, Vec<(String, String)>)>,
    source: String,
    is_settled: bool,
    votes: Option<VotesView>,
}

/// Quick votes, which are no part of the index.
#[derive(Debug)]
struct VotesView {
    total: String,
    /// The best face first.
    faces: Vec<Bar>,
    /// What should get better first, most named first.
    better: Vec<Bar>,
    hasty: String,
}

#[derive(Debug)]
struct Bar {
    label: &'static str,
    count: String,
    /// In hundredths of all.
    length: u64,
}

#[derive(Debug)]
struct Element {
    number: usize,
    label: String,
    sum: String,
    mean: String,
    weighted: String,
    band: String,
    /// Length of its bar, in hundredths of the longest.
    bar: u32,
    is_lowest: bool,
}

#[derive(Debug)]
struct UnitView {
    rank: String,
    code: String,
    name: String,
    complete: String,
    index: String,
    band: String,
    bar: u32,
    few: String,
}

pub(super) async fn index(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let wanted = Wanted::of(&asked.query, &visit);
    let v = view(console, &visit, &wanted).await?;
    let periods = periods(&visit, &wanted);
    Ok(shell::page(&IndexPage { s: &visit.shell.clone().at("survei"), v, periods }))
}

pub(super) async fn sheet(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let v = view(console, &visit, &Wanted::of(&asked.query, &visit)).await?;
    let printed = visit.shell.clock.exact(visit.shell.clock.now_ms, &visit.shell.w);
    Ok(shell::page(&SheetPage { s: &visit.shell, v, printed }))
}

/// Months since the year 0, today.
pub(super) fn this_month(visit: &Visit) -> i32 {
    visit.shell.clock.day(visit.shell.clock.now_ms).map_or(0, |day| day.year * 12 + i32::from(day.month) - 1)
}

/// `2026-11`
fn month_text(month: i32) -> String {
    format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1)
}

impl Wanted {
    /// From the address; what is not understood there is the present year.
    fn of(query: &Fields, visit: &Visit) -> Wanted {
        let now = this_month(visit);
        let month = |name: &str| survey::month(query.text(name)).ok();
        let to = month("sampai").unwrap_or(now - now.rem_euclid(12) + 11);
        let from = month("dari").unwrap_or(to - to.rem_euclid(12)).clamp(to - MONTHS_MAX + 1, to);
        let weight = Weight::ALL.into_iter().find(|weight| weight.code() == query.text("bobot")).unwrap_or_default();
        Wanted { from, to, area: query.text("kantor").trim().chars().take(40).collect(), weight }
    }
}

/// Periods that people report by.
fn periods(visit: &Visit, wanted: &Wanted) -> Vec<Period> {
    let (now, w) = (this_month(visit), &visit.shell.w);
    let (quarter, half, year) = (now - now.rem_euclid(3), now - now.rem_euclid(6), now - now.rem_euclid(12));
    let known = [
        (w.t("periode.bulan"), now, now),
        (w.t("periode.triwulan"), quarter, quarter + 2),
        (w.t("periode.semester"), half, half + 5),
        (w.t("periode.tahun"), year, year + 11),
        (w.t("periode.tahun_lalu"), year - 12, year - 1),
    ];
    let period = |(word, from, to): (&'static str, i32, i32)| Period {
        word,
        from: month_text(from),
        to: month_text(to),
        is_chosen: (from, to) == (wanted.from, wanted.to),
    };
    known.into_iter().map(period).collect()
}

async fn view(console: &Console, visit: &Visit, wanted: &Wanted) -> Result<View, Failure> {
    let is_settled = console.change(visit, |tx, _| Ok::<_, Failure>(survey::bring_up(tx)?)).await?;
    let asked = wanted.clone();
    let (report, before, votes) = console
        .look(visit, move |tx, desk| {
            let area = (!asked.area.is_empty()).then(|| parse_code(&asked.area)).transpose()?;
            let area = area.as_ref().map(|area| area.as_str());
            let to = month_text(asked.to);
            let (page, votes) = survey::of_months(tx, desk, (asked.from, asked.to), area)?;
            // As many months before it, to compare with.
            let length = asked.to - asked.from + 1;
            let mut before = Sums::default();
            let here: BTreeSet<&str> = page.offices.iter().map(|place| place.office.as_str()).collect();
            for month in tx.survey_months(None, asked.from - length, asked.from - 1)? {
                if here.contains(month.office.as_str()) {
                    before.merge(&month.sums);
                }
            }
            Ok::<_, Failure>((Report::of(page, &to, asked.weight), before.index(asked.weight), votes))
        })
        .await?;
    let w = &visit.shell.w;
    let votes = (!votes.is_empty()).then(|| VotesView::of(&votes, w));
    Ok(View { votes, ..View::of(&report, before, wanted, is_settled, w) })
}

impl View {
    fn of(report: &Report, before: Option<Hundredths>, wanted: &Wanted, is_settled: bool, w: &Words) -> View {
        let sums = report.all.sums();
        let index = sums.index(wanted.weight);
        let band = |index: Option<Hundredths>| index.and_then(|index| report.band(index));
        // While answers are still being added nobody can say of whom there are none.
        let missing = report.missing().filter(|_| is_settled);
        let missing: Vec<(String, String)> = missing.map(|place| (place.office.clone(), place.name.clone())).collect();
        let others = Weight::ALL.into_iter().filter(|weight| *weight != wanted.weight);
        let others = others
            .filter_map(|weight| Some(format!("{}: {}", decimal(weight.code(), w), decimal(sums.index(weight)?, w))));
        View {
            from: month_text(wanted.from),
            to: month_text(wanted.to),
            period: format!("{} – {}", month_said(wanted.from, w), month_said(wanted.to, w)),
            area_name: report.name_of(&wanted.area).to_owned(),
            area: wanted.area.clone(),
            weights: Weight::ALL.into_iter().map(|weight| (weight.code(), weight == wanted.weight)).collect(),
            weight: wanted.weight.code(),
            index: index.map(|index| decimal(index, w)).unwrap_or_default(),
            band: band(index).map(|band| format!("{} · {}", band.mark, band.label)).unwrap_or_default(),
            change: change(index, before, w),
            others: others.collect(),
            basis: basis(report, missing.len(), w),
            is_partial: !missing.is_empty() || !is_settled,
            complete: report.all.complete,
            elements: element_views(report, &sums, wanted.weight, w),
            units: unit_views(report, w),
            missing,
            profile: profile(&report.all, w),
            source: report.source().to_owned(),
            is_settled,
            votes: None,
        }
    }
}

impl VotesView {
    fn of(votes: &Votes, w: &Words) -> VotesView {
        let all = votes.total().max(1);
        let field = |tag| by_tag(suara::TAG).and_then(|form| form.field(tag));
        let bar = |field: &'static Field, choice: u16, count: u64| {
            let label = field.choice(choice)?.label.in_lang(w.lang);
            Some(Bar { label, count: w.number(count), length: count * 100 / all })
        };
        let faces = (1..=4).zip(votes.faces).rev();
        let mut better: Vec<(u16, u64)> = votes.better.iter().map(|(choice, count)| (*choice, *count)).collect();
        better.sort_by_key(|(choice, count)| (std::cmp::Reverse(*count), *choice));
        let bars = |tag, counts: Vec<(u16, u64)>| {
            counts.into_iter().filter_map(|(choice, count)| bar(field(tag)?, choice, count)).collect()
        };
        VotesView {
            total: w.number(votes.total()),
            faces: bars(suara::FACE, faces.collect()),
            better: bars(suara::ELEMENT, better),
            hasty: if votes.hasty > 0 { w.count("survei.suara.terlalu_cepat", votes.hasty) } else { String::new() },
        }
    }
}

fn month_said(month: i32, w: &Words) -> String {
    let day = u8::try_from(month.rem_euclid(12) + 1).ok();
    let first = day.and_then(|number| kentongan_protocol::form::Civil::new(month.div_euclid(12), number, 1));
    let said = first.map_or_else(String::new, |first| first.display(w.lang));
    said.split_once(' ').map_or(said.clone(), |(_, month)| month.to_owned())
}

/// How it stands to the period before.
fn change(index: Option<Hundredths>, before: Option<Hundredths>, w: &Words) -> String {
    let (Some(Hundredths(now)), Some(Hundredths(then))) = (index, before) else { return String::new() };
    let by = decimal(Hundredths(now.abs_diff(then)), w);
    match now.cmp(&then) {
        std::cmp::Ordering::Greater => w.with("survei.naik", &[("n", &by)]),
        std::cmp::Ordering::Less => w.with("survei.turun", &[("n", &by)]),
        std::cmp::Ordering::Equal => w.t("survei.tetap").to_owned(),
    }
}

fn basis(report: &Report, missing: usize, w: &Words) -> String {
    let mut said = w.count("survei.berdasarkan", report.all.complete);
    if report.all.incomplete > 0 {
        said = format!("{said} {}", w.count("survei.tidak_lengkap", report.all.incomplete));
    }
    if missing > 0 {
        let (missing, of) = (w.number(missing as u64), w.number(report.places.len() as u64));
        said = format!("{said} {}", w.with("survei.belum_mengirim", &[("n", &missing), ("dari", &of)]));
    }
    said
}

fn element_views(report: &Report, sums: &Sums, weight: Weight, w: &Words) -> Vec<Element> {
    if sums.complete == 0 {
        return Vec::new();
    }
    let lowest = sums.lowest();
    let cell = |thousand: Option<u32>| thousand.map(|n| decimal(thousandths(n), w)).unwrap_or_default();
    let element = |(place, (_, label)): (usize, (&str, String))| {
        let index = sums.element_index(place);
        Element {
            number: place + 1,
            label,
            sum: sums.scores.get(place).map(|sum| w.number(*sum)).unwrap_or_default(),
            mean: cell(sums.mean_thousandths(place)),
            weighted: cell(sums.weighted_thousandths(place, weight)),
            band: index.and_then(|index| report.band(index)).map(|band| band.mark.clone()).unwrap_or_default(),
            bar: index.map_or(0, |index| index.0 / 100),
            is_lowest: lowest[..2].contains(&place),
        }
    };
    elements(w.lang).into_iter().enumerate().map(element).collect()
}

fn unit_views(report: &Report, w: &Words) -> Vec<UnitView> {
    let names: BTreeMap<&str, &str> =
        report.places.iter().map(|place| (place.office.as_str(), place.name.as_str())).collect();
    let unit = |(place, (code, unit)): (usize, (&String, &Unit))| {
        let index = unit.sums().index(report.weight).filter(|_| unit.complete >= report.ranked_from);
        let needed = report.ranked_from.to_string();
        UnitView {
            rank: index.map(|_| (place + 1).to_string()).unwrap_or_default(),
            name: names.get(code.as_str()).copied().filter(|name| !name.is_empty()).unwrap_or(code).to_owned(),
            code: code.clone(),
            complete: w.number(unit.complete),
            index: index.map(|index| decimal(index, w)).unwrap_or_default(),
            band: index.and_then(|index| report.band(index)).map(|band| band.mark.clone()).unwrap_or_default(),
            bar: index.map_or(0, |index| index.0 / 100),
            few: match index {
                Some(_) => String::new(),
                None => w.with("survei.kurang", &[("n", &unit.complete.to_string()), ("perlu", &needed)]),
            },
        }
    };
    report.ranked().into_iter().enumerate().map(unit).collect()
}

/// Who the respondents were, in the order of the questionnaire.
fn profile(all: &Unit, w: &Words) -> Vec<(String, Vec<(String, String)>)> {
    let fields = PROFILE.into_iter().filter_map(|name| by_tag(skm::TAG)?.field_named(name));
    let table = |field: &kentongan_protocol::form::Field| {
        let counts = all.profile.get(&field.name)?;
        let known = field.choices().iter().map(|choice| (choice.code.as_str(), choice.label.in_lang(w.lang)));
        let lines = known.chain([("-", w.t("survei.tidak_diisi"))]);
        let lines = lines.filter_map(|(code, label)| Some((label.to_owned(), w.number(*counts.get(code)?))));
        Some((field.label.in_lang(w.lang).to_owned(), lines.collect()))
    };
    fields.filter_map(table).collect()
}
