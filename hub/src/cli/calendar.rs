//! `calendar …`

use std::path::Path;

use anyhow::Context as _;
use kentongan_host::files::read_bounded;
use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Lang};
use kentongan_protocol::calendar::file::FILE_BYTES_MAX;

use super::args::CalendarCommand;
use super::ask::{ask, unexpected};
use super::{Context, document, words};
use crate::service::calendar::{Answer, Days, Due, Imported, Request};
use crate::service::{self, Request as Asked};

pub(super) fn run(context: &Context<'_>, command: &CalendarCommand) -> Result<Exit, Failure> {
    let request = match command {
        CalendarCommand::Show { year, office } => Request::Show { year: *year, office: office.clone() },
        CalendarCommand::Import { file } => Request::Import { text: text_of(file)? },
        CalendarCommand::Due { office, from, days, week } => {
            Request::Due { office: office.clone(), from: from.clone(), days: *days, week_days: *week }
        }
    };
    let service::Answer::Calendar(answer) = ask(context, Asked::Calendar(request))? else { return Err(unexpected()) };
    let out = context.out;
    match answer {
        Answer::Days(days) if out.json => out.document(&document("kentongan.hub.calendar/1", &days)),
        Answer::Days(days) => show(context, &days),
        Answer::Imported(imported) if out.json => out.document(&document("kentongan.hub.calendar.import/1", &imported)),
        Answer::Imported(imported) => out.line(&sentence(out.lang, &imported)),
        Answer::Due(due) if out.json => out.document(&document("kentongan.hub.calendar.due/1", &due)),
        Answer::Due(Due { due, certain }) => {
            let mark = if certain { "" } else { out.pick(" (belum pasti)", " (not certain yet)") };
            out.line(&format!("{due}{mark}"));
        }
    }
    Ok(Exit::Done)
}

/// The text of a table that a person keeps as a file.
pub(super) fn text_of(file: &Path) -> Result<String, Failure> {
    let bytes = read_bounded(file, FILE_BYTES_MAX as u64).with_context(|| format!("read {}", file.display()))?;
    String::from_utf8(bytes).map_err(|_| {
        let file = file.display();
        Failure::usage(format!("{file}: bukan teks UTF-8"), format!("{file}: is not UTF-8 text"))
    })
}

fn show(context: &Context<'_>, days: &Days) {
    let out = context.out;
    let mut table = Table::new(match out.lang {
        Lang::Id => ["TANGGAL", "JENIS", "NAMA", "WILAYAH", "SUMBER", ""],
        Lang::En => ["DATE", "KIND", "NAME", "AREA", "SOURCE", ""],
    });
    for day in &days.days {
        table.row([
            day.date.clone(),
            day.kind.in_lang(out.lang).to_owned(),
            day.name.clone(),
            day.area.clone(),
            day.source.clone(),
            if day.estimated { out.pick("perkiraan", "estimate").to_owned() } else { String::new() },
        ]);
    }
    out.table(&table);
    match (days.imported_at, &days.imported_by) {
        (Some(at), Some(by)) => {
            let at = words::time(out, at);
            out.say(&format!("Tabel terakhir: {at}, oleh {by}"), &format!("Last table: {at}, by {by}"));
        }
        _ => out.say(
            "Ini kalender bawaan. Ganti dengan: kentongan-hub calendar import BERKAS.csv",
            "This is the calendar that ships. Replace it with: kentongan-hub calendar import FILE.csv",
        ),
    }
}

fn sentence(lang: Lang, imported: &Imported) -> String {
    let (days, added, removed, moved) = (imported.days, imported.added.len(), imported.removed.len(), imported.moved);
    match lang {
        Lang::Id => format!(
            "{days} tanggal dibaca: {added} hari tutup baru, {removed} dihapus; {moved} batas waktu aduan bergeser"
        ),
        Lang::En => format!(
            "{days} dates read: {added} new closed days, {removed} removed; {moved} deadlines of complaints moved"
        ),
    }
}
