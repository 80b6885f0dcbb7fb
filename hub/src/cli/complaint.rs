//! `complaint …`

use std::io::Read;
use std::path::Path;

use anyhow::Context as _;
use kentongan_host::files::{Access, read_bounded, replace};
use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Ktg, Lang, Output};
use kentongan_protocol::attachment::{ContentHash, Media};
use kentongan_protocol::limits::{ATTACHMENT_BYTES_MAX, TEXT_BYTES_MAX};

use super::args::ComplaintCommand;
use super::ask::{ask, unexpected};
use super::calendar::text_of;
use super::{Context, csv, document, words};
use crate::ca;
use crate::service::board::{Board, Counts};
use crate::service::complaint::{Addition, Answer, Attachments, Changed, List, Request};
use crate::service::deadline::{Due, Limits};
use crate::service::record::Said;
use crate::service::view::{Author, Document, GroupDocument};
use crate::service::{self, Request as Asked};

pub(super) fn run(context: &Context<'_>, command: &ComplaintCommand) -> Result<Exit, Failure> {
    let request = match command.clone() {
        ComplaintCommand::List { office, status, text, before, limit } => {
            Request::List { office, status, text, before, limit }
        }
        ComplaintCommand::Show { record } => Request::Show { record },
        ComplaintCommand::Attachments { record, .. } => Request::Attachments { record },
        ComplaintCommand::Forward { record, to, note } => Request::Forward { record, to, note },
        ComplaintCommand::Answer { record, text } => Request::Answer { record, text: text_or_stdin(text)? },
        ComplaintCommand::Verify { record, reason } => moved(record, "terverifikasi", reason),
        ComplaintCommand::Ask { record, text } => moved(record, "perlu_dilengkapi", text),
        ComplaintCommand::HandOver { record, reason } => moved(record, "dialihkan", reason),
        ComplaintCommand::Start { record, reason } => moved(record, "diproses", reason),
        ComplaintCommand::File { record, reason } => moved(record, "arsip", reason),
        ComplaintCommand::FollowUp { record, text } => {
            Request::Add { record, what: Addition::FollowUp(text_or_stdin(text)?) }
        }
        ComplaintCommand::Remark { record, text } => {
            Request::Add { record, what: Addition::Remark(text_or_stdin(text)?) }
        }
        ComplaintCommand::Escalate { record, level, reason } => {
            Request::Add { record, what: Addition::Escalation { level, reason } }
        }
        ComplaintCommand::Link { record, to } => Request::Add { record, what: Addition::Related(to) },
        ComplaintCommand::Merge { record, into } => Request::Merge { record, into },
        ComplaintCommand::Board { office, late, .. } => Request::Board { office, late },
        ComplaintCommand::Limits { choose: Some(name), .. } => Request::ChooseLimits { name },
        ComplaintCommand::Limits { import: Some(file), .. } => Request::ImportLimits { text: text_of(&file)? },
        ComplaintCommand::Limits { .. } => Request::Limits,
        ComplaintCommand::Close { record, reason } => Request::Close { record, reason },
        ComplaintCommand::Reopen { record, reason } => Request::Reopen { record, reason },
        ComplaintCommand::Set { record, fields } => {
            Request::Set { record, fields: fields.iter().map(|field| pair(field)).collect::<Result<_, _>>()? }
        }
    };
    let service::Answer::Complaint(answer) = ask(context, Asked::Complaint(request))? else { return Err(unexpected()) };
    let out = context.out;
    match &answer {
        Answer::List(list) if out.json => out.document(&document("kentongan.hub.complaints/1", list)),
        Answer::List(list) => show_list(out, list),
        Answer::Show(shown) if out.json => out.document(&document("kentongan.hub.complaint/1", shown)),
        Answer::Show(shown) => show_record(out, shown),
        Answer::Attachments(files) => {
            if let ComplaintCommand::Attachments { to: Some(folder), .. } = command {
                copy_files(context, files, folder)?;
            }
            if out.json {
                out.document(&document("kentongan.hub.attachments/1", files));
            } else {
                show_files(out, files);
            }
        }
        Answer::Changed(changed) if out.json => out.document(&document("kentongan.hub.complaint.change/1", changed)),
        Answer::Changed(changed) => show_changed(out, changed),
        Answer::Board(board) if out.json => out.document(&document("kentongan.hub.board/1", board)),
        Answer::Board(board) if matches!(command, ComplaintCommand::Board { csv: true, .. }) => board_csv(out, board),
        Answer::Board(board) => show_board(out, board),
        Answer::Columns(_) => return Err(unexpected()),
        Answer::Limits(limits) if out.json => out.document(&document("kentongan.hub.limits/1", limits)),
        Answer::Limits(limits) => show_limits(out, limits),
    }
    Ok(Exit::Done)
}

fn moved(record: String, to: &str, reason: String) -> Request {
    Request::Move { record, to: to.to_owned(), reason }
}

fn show_board(out: &Output, board: &Board) {
    let Counts { late, today, next_day, later, waiting, .. } = board.counts;
    out.line(&out.bold(&match out.lang {
        Lang::Id => format!(
            "Terlambat {late}   Hari ini {today}   Besok {next_day}   Nanti {later}   Menunggu pelapor {waiting}"
        ),
        Lang::En => format!("Late {late}   Today {today}   Next day {next_day}   Later {later}   Waiting {waiting}"),
    }));
    let mut table = Table::new(match out.lang {
        Lang::Id => ["KODE", "KANTOR", "GILIRAN", "TENGGAT", "SISA", "UNIT", "URAIAN"],
        Lang::En => ["CODE", "OFFICE", "TURN", "DUE", "LEFT", "UNIT", "DESCRIPTION"],
    });
    for case in &board.cases {
        let due = case.due.as_ref();
        table.row([
            case.line.code.clone().unwrap_or_else(|| case.line.id.clone()),
            case.line.office.clone(),
            case.stage.in_lang(out.lang).to_owned(),
            due.map_or_else(|| "-".to_owned(), |due| due_day(out, due)),
            due.map_or_else(String::new, |due| left(out, due)),
            case.unit.clone().unwrap_or_default(),
            case.line.summary.chars().take(40).collect(),
        ]);
    }
    out.table(&table);
    if board.more {
        out.say(
            "Masih ada lagi; pilih satu kantor dengan --office.",
            "There are more; choose an office with --office.",
        );
    }
}

fn due_day(out: &Output, due: &Due) -> String {
    let mark = if due.certain { "" } else { out.pick(" (belum pasti)", " (not certain)") };
    format!("{}{mark}", due.due)
}

/// `✖ lewat 2 hk`, `sisa 1 hk`, and what an office without a connection cost.
fn left(out: &Output, due: &Due) -> String {
    let left = match (due.left, out.lang) {
        (late, Lang::Id) if late < 0 => format!("✖ lewat {} hk", -late),
        (late, Lang::En) if late < 0 => format!("✖ {} wd over", -late),
        (0, Lang::Id) => "hari ini".to_owned(),
        (0, Lang::En) => "today".to_owned(),
        (left, Lang::Id) => format!("sisa {left} hk"),
        (left, Lang::En) => format!("{left} wd left"),
    };
    match (due.lag, out.lang) {
        (0, _) => left,
        (lag, Lang::Id) => format!("{left}; {lag} hk di kantor tanpa sambungan"),
        (lag, Lang::En) => format!("{left}; {lag} wd at an office without a connection"),
    }
}

fn board_csv(out: &Output, board: &Board) {
    csv::row(
        out,
        ["code", "office", "status", "stage", "began", "due", "certain", "left", "rung", "lag", "unit", "profile"],
    );
    for case in &board.cases {
        let due = |of: fn(&Due) -> String| case.due.as_ref().map(of).unwrap_or_default();
        csv::row(
            out,
            [
                case.line.code.clone().unwrap_or_else(|| case.line.id.clone()),
                case.line.office.clone(),
                case.line.status.as_ref().map(|status| status.code.clone()).unwrap_or_default(),
                case.stage.code.clone(),
                due(|due| due.began.clone()),
                due(|due| due.due.clone()),
                due(|due| due.certain.to_string()),
                due(|due| due.left.to_string()),
                due(|due| due.rung.clone().unwrap_or_default()),
                due(|due| due.lag.to_string()),
                case.unit.clone().unwrap_or_default(),
                due(|due| due.profile.clone()),
            ],
        );
    }
}

fn show_limits(out: &Output, limits: &Limits) {
    let since = limits.since.map_or_else(String::new, |since| words::time(out, since));
    let mut table = Table::headless();
    table.row([out.pick("Batas waktu", "Limits"), &limits.profile]);
    table.row([out.pick("Sejak", "Since"), if since.is_empty() { out.pick("bawaan", "built in") } else { &since }]);
    table.row([out.pick("Yang ada", "Known"), &limits.profiles.join(", ")]);
    out.table(&table);
}

/// The text itself, or what standard input says for `-`.
fn text_or_stdin(text: String) -> Result<String, Failure> {
    if text != "-" {
        return Ok(text);
    }
    let mut read = String::new();
    std::io::stdin().take(TEXT_BYTES_MAX as u64 + 1).read_to_string(&mut read)?;
    Ok(read)
}

/// `NAME=VALUE`
pub(super) fn pair(field: &str) -> Result<(String, String), Failure> {
    let (name, value) = field.split_once('=').ok_or_else(|| {
        Failure::usage(
            format!("{field:?}: tulis NAMA=NILAI, misalnya lokasi=\"RT 03\""),
            format!("{field:?}: write NAME=VALUE, for example lokasi=\"RT 03\""),
        )
    })?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

fn show_list(out: &Output, list: &List) {
    let mut table = Table::new(match out.lang {
        Lang::Id => ["NO", "KODE", "KANTOR", "STATUS", "DITERIMA PUSAT", "", "URAIAN"],
        Lang::En => ["NO", "CODE", "OFFICE", "STATUS", "ARRIVED", "", "DESCRIPTION"],
    });
    for line in &list.complaints {
        let conflict = if line.conflicts > 0 { out.pick("! bentrok", "! conflict") } else { "" };
        table.row([
            line.number.to_string(),
            line.code.clone().unwrap_or_else(|| line.id.clone()),
            line.office.clone(),
            said(out, line.status.as_ref()),
            words::time(out, line.received_at),
            conflict.to_owned(),
            line.summary.chars().take(60).collect(),
        ]);
    }
    out.table(&table);
    if let Some(before) = list.before {
        out.say(&format!("Halaman berikutnya: --before {before}"), &format!("Next page: --before {before}"));
    }
}

fn said(out: &Output, said: Option<&Said>) -> String {
    said.map_or_else(|| "-".to_owned(), |said| said.in_lang(out.lang).to_owned())
}

/// A record in full; also for `conflict show`.
pub(super) fn show_record(out: &Output, shown: &Document) {
    out.line(&out.bold(shown.code.as_ref().unwrap_or(&shown.id)));
    let mut table = Table::headless();
    table.row([out.pick("Catatan", "Record"), &format!("{} ({})", shown.id, shown.form.in_lang(out.lang))]);
    table.row([out.pick("Kantor", "Office"), &shown.office]);
    if !shown.shared_with.is_empty() {
        table.row([out.pick("Dilihat juga oleh", "Also seen by"), &shown.shared_with.join(", ")]);
    }
    table.row([out.pick("Status", "Status"), &said(out, shown.status.as_ref())]);
    table.row([out.pick("Diterima pusat", "Arrived"), &words::time(out, shown.received_at)]);
    if let Some(due) = &shown.due {
        let due = format!("{} {} ({})", due.stage.in_lang(out.lang), due_day(out, due), left(out, due));
        table.row([out.pick("Tenggat", "Due"), &due]);
    }
    out.table(&table);
    for group in &shown.groups {
        out.line("");
        show_group(out, group);
    }
    out.line("");
    out.line(out.pick("Riwayat", "History"));
    let mut table = Table::headless();
    for event in &shown.history {
        let groups: Vec<&str> = event.writes.iter().map(|write| write.group.in_lang(out.lang)).collect();
        let reason = event.reason.as_ref().map_or_else(String::new, |reason| {
            format!("{}: {}", out.pick("karantina", "quarantine"), reason.in_lang(out.lang))
        });
        table.row([author(out, &event.by), groups.join(", "), reason]);
    }
    out.table(&table);
}

/// A group and its values, numbered where there are several.
pub(super) fn show_group(out: &Output, group: &GroupDocument) {
    let name = group.group.in_lang(out.lang);
    match group.conflict_since {
        None => out.line(name),
        Some(since) => out.line(&format!(
            "{name}  ! {} {} ({})",
            out.pick("bentrok sejak", "conflict since"),
            words::time(out, since),
            group.group.code
        )),
    }
    let many = group.values.len() > 1;
    for value in &group.values {
        if many {
            out.line(&format!("  {}. {}", value.number, author(out, &value.by)));
        }
        let mut table = Table::headless();
        for answer in &value.answers {
            table.row(["  ", answer.field.in_lang(out.lang), answer.shown.in_lang(out.lang)]);
        }
        out.table(&table);
    }
}

/// `Sari, 32.73.05.1001, 21 Nov 2026 14.05`
fn author(out: &Output, by: &Author) -> String {
    let place = if by.at_hub { out.pick("pusat", "hub") } else { by.office.as_str() };
    let time = words::time(out, by.when.at);
    if by.name.is_empty() { format!("{place}, {time}") } else { format!("{}, {place}, {time}", by.name) }
}

fn show_files(out: &Output, files: &Attachments) {
    let mut table = Table::new(match out.lang {
        Lang::Id => ["BERKAS", "JENIS", "UKURAN", "KEADAAN"],
        Lang::En => ["FILE", "KIND", "SIZE", "STATE"],
    });
    for file in &files.attachments {
        let state = match file.state.as_str() {
            "held" => out.pick("di pusat", "at the hub").to_owned(),
            "set_aside" => out.pick("ditolak: bukan seperti yang disebut", "set aside: not what it claims").to_owned(),
            _ => {
                let percent = u64::from(file.bytes_here) * 100 / u64::from(file.bytes.max(1));
                format!("{} {percent}%", out.pick("masih di kantor,", "still at the office,"))
            }
        };
        let size = format!("{} KB", file.bytes.div_ceil(1000));
        table.row([file.name.clone(), file.media.clone().unwrap_or_else(|| "-".to_owned()), size, state]);
    }
    out.table(&table);
    if files.attachments.is_empty() {
        out.say("Tidak ada lampiran.", "Nothing is attached.");
    }
}

/// Copies whole files into a folder. Names are made of the number and the kind: what an office calls a file is no path.
fn copy_files(context: &Context<'_>, files: &Attachments, folder: &Path) -> Result<(), Failure> {
    let out = context.out;
    let failing = |path: &Path| format!("copy {}", path.display());
    std::fs::create_dir_all(folder).with_context(|| failing(folder))?;
    for (number, file) in files.attachments.iter().enumerate() {
        let Some(from) = &file.path else { continue };
        let ending = Media::ALL.into_iter().find(|media| file.media.as_deref() == Some(media.mime()));
        let is_open = file.sealed && ending != Some(Media::Sealed);
        let to = folder.join(format!("{:02}.{}", number + 1, ending.map_or("bin", Media::extension)));
        let content = read_bounded(from, u64::from(ATTACHMENT_BYTES_MAX)).with_context(|| failing(from))?;
        if ContentHash::of(&content).to_string() != file.sha256 {
            return Err(Failure::of(Ktg::StoreDamaged).with_detail(from.display().to_string()));
        }
        let content = match is_open {
            true => ca::seals(&context.dir)?.open_file(&content).map(|opened| opened.content).ok_or_else(unexpected)?,
            false => content,
        };
        replace(&to, &content, Access::Private).with_context(|| failing(&to))?;
        out.say(&format!("{} = {}", to.display(), file.name), &format!("{} = {}", to.display(), file.name));
    }
    Ok(())
}

fn show_changed(out: &Output, changed: &Changed) {
    let name = changed.code.as_ref().unwrap_or(&changed.id);
    out.line(&format!("{name}: {}", said(out, changed.status.as_ref())));
    let offices = changed.offices.join(", ");
    out.say(
        &format!("Kantor yang menerimanya pada kontak berikutnya: {offices}"),
        &format!("Offices that get it at their next contact: {offices}"),
    );
}
