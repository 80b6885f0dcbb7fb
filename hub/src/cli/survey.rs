//! `survey …`

use std::collections::BTreeMap;

use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Lang, Output};
use kentongan_protocol::form::builtin::skm;
use kentongan_protocol::survey::{Sums, Weight, sample};
use serde_json::{Value, json};

use super::args::{IndexArgs, SurveyCommand};
use super::ask::{Asked, unexpected};
use super::calendar::text_of;
use super::{Context, csv};
use crate::service::fleet::State;
use crate::service::survey::{Answer, Report, Request, SumsPage, Unit, elements, thousandths};
use crate::service::{self, Request as Ask, office};

pub(super) fn run(context: &Context<'_>, command: &SurveyCommand) -> Result<Exit, Failure> {
    let mut hub = Asked::reach(context)?;
    let done = match command {
        SurveyCommand::Index(args) => index(context, &mut hub, args),
        SurveyCommand::Bands { file } => bands(context, &mut hub, text_of(file)?),
    };
    hub.close()?;
    done.map(|()| Exit::Done)
}

fn bands(context: &Context<'_>, hub: &mut Asked, text: String) -> Result<(), Failure> {
    let service::Answer::Survey(Answer::Imported(bands)) = hub.ask(Ask::Survey(Request::ImportBands { text }))? else {
        return Err(unexpected());
    };
    if context.out.json {
        context.out.document(&json!({ "schema": "kentongan.hub.survey.bands/1", "bands": bands }));
    } else {
        context.out.say(&format!("{bands} golongan dibaca."), &format!("{bands} bands read."));
    }
    Ok(())
}

fn index(context: &Context<'_>, hub: &mut Asked, args: &IndexArgs) -> Result<(), Failure> {
    let report = gather(hub, args)?;
    match (context.out.json, args.csv) {
        (true, _) => context.out.document(&document(args, &report, &states(hub)?)),
        (_, true) => show_csv(context.out, &report),
        _ => show_tables(context.out, args, &report),
    }
    Ok(())
}

/// How the offices fare: what a silent one has collected is not here yet.
fn states(hub: &mut Asked) -> Result<BTreeMap<String, State>, Failure> {
    let all = office::Request::List { state: None, area: None, noticed: false, program: None, tag: None };
    let service::Answer::Office(office::Answer::List(list)) = hub.ask(Ask::Office(all))? else {
        return Err(unexpected());
    };
    Ok(list.offices.into_iter().map(|row| (row.office, row.state)).collect())
}

fn gather(hub: &mut Asked, args: &IndexArgs) -> Result<Report, Failure> {
    let weight = Weight::ALL.into_iter().find(|weight| weight.code() == args.weight).unwrap_or_default();
    let (mut units, mut after) = (BTreeMap::<String, Unit>::new(), 0);
    loop {
        let (from, to, area) = (args.from.clone(), args.to.clone(), args.area.clone());
        let answer = hub.ask(Ask::Survey(Request::Sums { from, to, area, after }))?;
        let service::Answer::Survey(Answer::Sums(page)) = answer else { return Err(unexpected()) };
        let SumsPage { units: more, next, offices, bands, ranked_from } = *page;
        for (office, unit) in more {
            units.entry(office).or_default().merge(&unit);
        }
        match next {
            Some(next) => after = next,
            None => {
                let page = SumsPage { units, next: None, offices, bands, ranked_from };
                return Ok(Report::of(page, &args.to, weight));
            }
        }
    }
}

fn document(args: &IndexArgs, report: &Report, states: &BTreeMap<String, State>) -> Value {
    let units: Vec<Value> = report
        .ranked()
        .into_iter()
        .map(|(office, unit)| {
            let mut value = unit_document(report, unit);
            value["office"] = json!(office);
            value["name"] = json!(report.name_of(office));
            value["ranked"] = json!(unit.complete >= report.ranked_from);
            value
        })
        .collect();
    let missing: Vec<Value> = report
        .missing()
        .map(|place| json!({ "office": place.office, "name": place.name, "state": states.get(&place.office) }))
        .collect();
    json!({
        "schema": "kentongan.hub.survey.index/1",
        "from": args.from,
        "to": args.to,
        "area": args.area,
        "weight": report.weight.code(),
        "bands_source": report.source(),
        "needed": args.users.map(sample),
        "all": unit_document(report, &report.all),
        "units": units,
        "missing": missing,
    })
}

fn unit_document(report: &Report, unit: &Unit) -> Value {
    let sums = unit.sums();
    let indexes: serde_json::Map<String, Value> = Weight::ALL
        .into_iter()
        .map(|weight| (weight.code().to_owned(), json!(sums.index(weight).map(|index| index.to_string()))))
        .collect();
    let index = sums.index(report.weight);
    let band = index.and_then(|index| report.band(index));
    let elements: Vec<Value> = skm::ELEMENTS
        .iter()
        .enumerate()
        .map(|(place, (key, _))| {
            let of_element = sums.element_index(place).and_then(|index| report.band(index));
            json!({
                "element": key,
                "sum": unit.scores[place],
                "answered": unit.answered[place],
                "mean": sums.mean_thousandths(place).map(thousandths),
                "weighted": sums.weighted_thousandths(place, report.weight).map(thousandths),
                "band": of_element.map(|band| band.mark.as_str()),
            })
        })
        .collect();
    json!({
        "complete": unit.complete,
        "incomplete": unit.incomplete,
        "index": index.map(|index| index.to_string()),
        "index_by_weight": indexes,
        "band": band.map(|band| json!({ "mark": band.mark, "label": band.label })),
        "elements": elements,
        "profile": unit.profile,
    })
}

fn show_csv(out: &Output, report: &Report) {
    let elements = skm::ELEMENTS.map(|(key, _)| key);
    let heads = ["office", "name", "complete", "incomplete", "index", "index_0.111", "index_0.11", "band", "ranked"];
    csv::row(out, heads.into_iter().chain(elements));
    for (office, unit) in report.ranked() {
        let sums = unit.sums();
        let index = |weight| sums.index(weight).map(|index| index.to_string()).unwrap_or_default();
        let band = sums.index(report.weight).and_then(|index| report.band(index));
        let cells = [
            office.clone(),
            report.name_of(office).to_owned(),
            unit.complete.to_string(),
            unit.incomplete.to_string(),
            index(Weight::Ninth),
            index(Weight::Three),
            index(Weight::Two),
            band.map(|band| band.mark.clone()).unwrap_or_default(),
            (unit.complete >= report.ranked_from).to_string(),
        ];
        let means = (0..9).map(|place| sums.mean_thousandths(place).map(thousandths).unwrap_or_default());
        csv::row(out, cells.into_iter().chain(means));
    }
}

fn show_tables(out: &Output, args: &IndexArgs, report: &Report) {
    let sums = report.all.sums();
    out.line(&out.bold(&headline(out, args, report, &sums)));
    out.line(&basis(out, args, report));
    if sums.complete > 0 {
        out.line("");
        show_elements(out, report, &sums);
    }
    if report.units.len() > 1 {
        out.line("");
        show_units(out, report);
    }
    let missing: Vec<&str> = report.missing().map(|place| place.office.as_str()).collect();
    if !missing.is_empty() {
        out.line("");
        out.line(&format!("{} {}", out.pick("Belum mengirim:", "Nothing yet from:"), missing.join(", ")));
    }
}

fn number(out: &Output, number: &str) -> String {
    match out.lang {
        Lang::Id => number.replace('.', ","),
        Lang::En => number.to_owned(),
    }
}

fn headline(out: &Output, args: &IndexArgs, report: &Report, sums: &Sums) -> String {
    let period = format!("{} – {}", args.from, args.to);
    let Some(index) = sums.index(report.weight) else {
        return format!("IKM {period}: {}", out.pick("belum ada jawaban lengkap", "no complete questionnaire yet"));
    };
    let band = report.band(index).map_or_else(String::new, |band| format!(", {} ({})", band.mark, band.label));
    let others = Weight::ALL
        .into_iter()
        .filter(|weight| *weight != report.weight)
        .filter_map(|weight| Some(format!("{} {}", weight.code(), number(out, &sums.index(weight)?.to_string()))));
    let others = others.collect::<Vec<_>>().join("; ");
    let (index, weight) = (number(out, &index.to_string()), report.weight.code());
    format!("IKM {period}: {index}{band}   {} {weight} ({others})", out.pick("bobot", "weight"))
}

fn basis(out: &Output, args: &IndexArgs, report: &Report) -> String {
    let (complete, incomplete) = (report.all.complete, report.all.incomplete);
    let needed = args.users.map(sample);
    let (missing, of) = (report.missing().count(), report.places.len());
    let mut said = match out.lang {
        Lang::Id => format!("Berdasarkan {complete} jawaban lengkap; {incomplete} tidak lengkap tidak dihitung"),
        Lang::En => format!("Based on {complete} complete questionnaires; {incomplete} incomplete ones are left out"),
    };
    if let Some(needed) = needed {
        said += &match out.lang {
            Lang::Id => format!("; perlu {needed}"),
            Lang::En => format!("; {needed} are needed"),
        };
    }
    if missing > 0 {
        said += &match out.lang {
            Lang::Id => format!("; data belum lengkap, {missing} dari {of} kantor belum mengirim"),
            Lang::En => format!("; not all data is here, nothing came from {missing} of {of} offices"),
        };
    }
    said + "."
}

fn show_elements(out: &Output, report: &Report, sums: &Sums) {
    let lowest = &sums.lowest()[..2];
    let mut table = Table::new(match out.lang {
        Lang::Id => ["", "UNSUR", "JUMLAH", "NRR", "TERTIMBANG", "MUTU", ""],
        Lang::En => ["", "ELEMENT", "SUM", "MEAN", "WEIGHTED", "BAND", ""],
    });
    for (place, (_, label)) in elements(out.lang).into_iter().enumerate() {
        let band = sums.element_index(place).and_then(|index| report.band(index));
        let cell = |number_: Option<u32>| number_.map_or_else(String::new, |n| number(out, &thousandths(n)));
        table.row([
            format!("U{}", place + 1),
            label,
            sums.scores.get(place).map_or_else(String::new, u64::to_string),
            cell(sums.mean_thousandths(place)),
            cell(sums.weighted_thousandths(place, report.weight)),
            band.map(|band| band.mark.clone()).unwrap_or_default(),
            if lowest.contains(&place) { out.pick("◀ terendah", "◀ lowest").to_owned() } else { String::new() },
        ]);
    }
    out.table(&table);
}

fn show_units(out: &Output, report: &Report) {
    let mut table = Table::new(match out.lang {
        Lang::Id => ["KANTOR", "NAMA", "LENGKAP", "IKM", "MUTU"],
        Lang::En => ["OFFICE", "NAME", "COMPLETE", "INDEX", "BAND"],
    });
    for (office, unit) in report.ranked() {
        let index = unit.sums().index(report.weight);
        let (index, band) = match index.filter(|_| unit.complete >= report.ranked_from) {
            Some(index) => {
                let band = report.band(index).map(|band| band.mark.clone()).unwrap_or_default();
                (number(out, &index.to_string()), band)
            }
            None => {
                let few = out.pick("belum cukup jawaban", "not enough answers yet");
                (format!("{few} ({}/{})", unit.complete, report.ranked_from), String::new())
            }
        };
        let name = report.name_of(office).to_owned();
        table.row([office.clone(), name, unit.complete.to_string(), index, band]);
    }
    out.table(&table);
}
