//! `fleet`

use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Lang, Output};

use super::args::FleetArgs;
use super::ask::{ask, unexpected};
use super::office::state;
use super::{Context, csv, document, words};
use crate::service::fleet::{Action, Fleet, MassSilence, Matter, State};
use crate::service::{self, Request as Asked, office};

pub(super) fn run(context: &Context<'_>, args: &FleetArgs) -> Result<Exit, Failure> {
    let service::Answer::Office(office::Answer::Fleet(fleet)) = ask(context, Asked::Office(office::Request::Fleet))?
    else {
        return Err(unexpected());
    };
    let out = context.out;
    match (out.json, args.csv) {
        (true, _) => out.document(&document("kentongan.hub.fleet/1", &fleet)),
        (_, true) => show_csv(out, &fleet),
        _ => show(out, &fleet, args.limit),
    }
    Ok(Exit::Done)
}

fn show_csv(out: &Output, fleet: &Fleet) {
    csv::row(out, ["office", "name", "matter", "code", "records", "at_least", "since", "impact"]);
    for action in &fleet.actions {
        csv::row(
            out,
            [
                action.office.clone(),
                action.name.clone(),
                words::code(&action.matter),
                action.code.clone().unwrap_or_default(),
                action.records.to_string(),
                action.at_least.to_string(),
                action.since.map(kentongan_host::moment::text).unwrap_or_default(),
                action.impact.to_string(),
            ],
        );
    }
}

fn show(out: &Output, fleet: &Fleet, limit: usize) {
    if let Some(mass) = &fleet.mass_silence {
        out.line(&out.bold(&format!("! {}", banner(out, mass))));
    }
    let counts: Vec<String> = State::ALL
        .into_iter()
        .filter_map(|one| Some((one, *fleet.offices.get(&one)?)).filter(|(_, count)| *count > 0))
        .map(|(one, count)| format!("{} {}", state(out, one), words::count(out, count)))
        .collect();
    out.line(&if counts.is_empty() {
        out.pick("Belum ada kantor.", "No office yet.").to_owned()
    } else {
        counts.join("   ")
    });
    let held = at_least(out, fleet.pending, fleet.pending_at_least);
    let held = match out.lang {
        Lang::Id => {
            format!("Menumpuk di kantor: {held}, yang tersambung {}", words::count(out, fleet.pending_reachable))
        }
        Lang::En => {
            format!("Held by offices: {held}, of those connected {}", words::count(out, fleet.pending_reachable))
        }
    };
    out.line(&match fleet.delay_p90_s {
        Some(seconds) => format!("{}   {held}", arrive(out, seconds)),
        None => held,
    });
    if fleet.actions.is_empty() {
        return out.say("Tidak ada yang perlu ditindak.", "Nothing needs to be done.");
    }
    out.line("");
    let mut table = Table::new(match out.lang {
        Lang::Id => ["PERLU TINDAKAN", "KANTOR", "MASALAH", "SEJAK"],
        Lang::En => ["NEEDS ACTION", "OFFICE", "MATTER", "SINCE"],
    });
    for action in fleet.actions.iter().take(limit) {
        let name = if action.name.is_empty() { &action.office } else { &action.name };
        table.row([name.clone(), action.office.clone(), matter(out, action), words::time_or_dash(out, action.since)]);
    }
    out.table(&table);
    if let Some(more) = fleet.actions.len().checked_sub(limit).filter(|more| *more > 0) {
        out.say(&format!("dan {more} lagi: --limit"), &format!("and {more} more: --limit"));
    }
}

fn banner(out: &Output, mass: &MassSilence) -> String {
    let since = words::time(out, mass.since);
    match out.lang {
        Lang::Id => format!(
            "Kemungkinan gangguan pusat atau jaringan: {} dari {} kantor hilang sejak {since}",
            mass.offices, mass.of
        ),
        Lang::En => format!(
            "Perhaps trouble of the hub or the network: {} of {} offices are missing since {since}",
            mass.offices, mass.of
        ),
    }
}

/// `≥ 58` while nobody knows whether there is more.
pub(super) fn at_least(out: &Output, records: u64, at_least: bool) -> String {
    let mark = if at_least { "≥ " } else { "" };
    format!("{mark}{}", words::count(out, records))
}

fn arrive(out: &Output, seconds: u32) -> String {
    let within = match (seconds, out.lang) {
        (u32::MAX, Lang::Id) => "lebih dari 30 hari".to_owned(),
        (u32::MAX, Lang::En) => "more than 30 days".to_owned(),
        (0..=3599, Lang::Id) => format!("{} menit", seconds / 60),
        (0..=3599, Lang::En) => format!("{} minutes", seconds / 60),
        (3600..=86_399, Lang::Id) => format!("{} jam", seconds / 3600),
        (3600..=86_399, Lang::En) => format!("{} hours", seconds / 3600),
        (_, Lang::Id) => format!("{} hari", seconds / 86_400),
        (_, Lang::En) => format!("{} days", seconds / 86_400),
    };
    match out.lang {
        Lang::Id => format!("90 % catatan tiba dalam {within} (7 hari)"),
        Lang::En => format!("90% of the records arrive within {within} (7 days)"),
    }
}

fn matter(out: &Output, action: &Action) -> String {
    let said = match action.matter {
        Matter::Stuck => out.pick("tersambung, tetapi catatan tertahan", "connected, but records are held"),
        Matter::Twin => out.pick("dua mesin menjawab sebagai satu", "two machines answer as one"),
        Matter::Silent => out.pick("sunyi", "silent"),
        Matter::Space => out.pick("ruang hampir habis", "running out of space"),
        Matter::Certificate => out.pick("sertifikat berakhir", "certificate ends"),
        Matter::Clock => out.pick("jam salah", "wrong clock"),
        Matter::Restored => out.pick("dipulihkan dari salinan lama", "restored from an older copy"),
    };
    let holds = match action.records {
        0 => String::new(),
        records => format!(", {} {}", out.pick("menyimpan", "holds"), at_least(out, records, action.at_least)),
    };
    let code = action.code.as_ref().map_or_else(String::new, |code| format!(" · {code}"));
    format!("{said}{holds}{code}")
}
