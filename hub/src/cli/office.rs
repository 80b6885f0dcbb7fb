//! `office …`

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Context as _;
use kentongan_host::files::read_bounded;
use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Lang, Output};

use super::args::{OfficeCommand, StateFilter};
use super::ask::{ask, unexpected};
use super::enrol::{expires_ms, show_created};
use super::fleet::at_least;
use super::{Context, csv, document, words};
use crate::service::fleet::{Detail, Notice, OfficeRow, ReplicaRow, Rhythm, State, table};
use crate::service::office::{Answer, Changed, List, Replaced, Request, read_list};
use crate::service::recovery::Recovery;
use crate::service::{self, Request as Asked};

/// 100,000 offices with long names fit.
const LIST_BYTES_MAX: u64 = 32 << 20;
/// Offices sent in one request.
const OFFICES_AT_ONCE: usize = 1_000;

pub(super) fn run(context: &Context<'_>, command: &OfficeCommand) -> Result<Exit, Failure> {
    let request = match command {
        OfficeCommand::List { status, area, noticed, program, tag, csv } => {
            let (state, area, program, tag) = (status.map(wanted), area.clone(), program.clone(), tag.clone());
            let answer = asked(context, Request::List { state, area, noticed: *noticed, program, tag })?;
            match answer {
                Answer::List(list) if *csv && !context.out.json => show_csv(context.out, &list),
                answer => show(context, &answer),
            }
            return Ok(Exit::Done);
        }
        OfficeCommand::Show { office } => Request::Show { office: office.clone() },
        OfficeCommand::Add { office, name } => Request::Add { office: office.clone(), name: name.clone() },
        OfficeCommand::Import { file } => return import(context, file),
        OfficeCommand::Edit { office, name } => Request::Edit { office: office.clone(), name: name.clone() },
        OfficeCommand::Pause { office } => Request::Pause { office: office.clone(), paused: true },
        OfficeCommand::Resume { office } => Request::Pause { office: office.clone(), paused: false },
        OfficeCommand::Note { office, text } => Request::Note { office: office.clone(), text: text.clone() },
        OfficeCommand::ReplaceDevice { office, replica, reason, expires, yes } => {
            confirm(context, replica.as_deref().unwrap_or(office), *yes)?;
            let (office, replica, reason) = (office.clone(), replica.clone(), reason.clone());
            Request::ReplaceDevice { office, replica, reason, expires_ms: expires_ms(expires)? }
        }
        OfficeCommand::Revoke { replica, reason, valid_upto, yes } => {
            confirm(context, replica, *yes)?;
            let (replica, reason) = (replica.clone(), reason.clone());
            Request::Revoke { replica, reason, valid_upto: valid_upto.clone() }
        }
        OfficeCommand::RecoveryCode { challenge } => Request::RecoveryCode { challenge: challenge.clone() },
    };
    let answer = asked(context, request)?;
    show(context, &answer);
    Ok(Exit::Done)
}

fn asked(context: &Context<'_>, request: Request) -> Result<Answer, Failure> {
    match ask(context, Asked::Office(request))? {
        service::Answer::Office(answer) => Ok(answer),
        _ => Err(unexpected()),
    }
}

fn wanted(filter: StateFilter) -> State {
    match filter {
        StateFilter::Ok => State::Ok,
        StateFilter::Late => State::Late,
        StateFilter::Silent => State::Silent,
        StateFilter::Unseen => State::Unseen,
        StateFilter::Paused => State::Paused,
        StateFilter::Revoked => State::Revoked,
    }
}

/// A device that was revoked joins again only with a new key: ask once.
fn confirm(context: &Context<'_>, replica: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let refused = || {
        Failure::usage(
            format!("Perangkat {replica} tidak dicabut: tambahkan --yes."),
            format!("The device {replica} was not revoked: add --yes."),
        )
    };
    if context.common.no_input || context.out.json || !std::io::stdin().is_terminal() {
        return Err(refused());
    }
    context.out.say(
        &format!("Cabut perangkat {replica}? Ketik ya lalu Enter."),
        &format!("Revoke the device {replica}? Type yes and Enter."),
    );
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    match line.trim().to_lowercase().as_str() {
        "ya" | "y" | "yes" => Ok(()),
        _ => Err(refused()),
    }
}

fn import(context: &Context<'_>, file: &Path) -> Result<Exit, Failure> {
    let bytes = read_bounded(file, LIST_BYTES_MAX).with_context(|| format!("read {}", file.display()))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::usage(
            format!("{}: bukan teks UTF-8", file.display()),
            format!("{}: is not UTF-8 text", file.display()),
        )
    })?;
    let offices = read_list(&text).map_err(|line| {
        Failure::usage(
            format!("{}:{line}: perlu dua kolom: kode,nama", file.display()),
            format!("{}:{line}: needs two columns: code,name", file.display()),
        )
    })?;
    let mut total = Changed { added: 0, changed: 0, offices: Vec::new() };
    for part in offices.chunks(OFFICES_AT_ONCE) {
        let Answer::Changed(changed) = asked(context, Request::Import { offices: part.to_vec() })? else {
            return Err(unexpected());
        };
        total.added += changed.added;
        total.changed += changed.changed;
        total.offices.extend(changed.offices);
    }
    total.offices.truncate(100);
    show(context, &Answer::Changed(total));
    Ok(Exit::Done)
}

fn show(context: &Context<'_>, answer: &Answer) {
    let out = context.out;
    match answer {
        Answer::List(list) if out.json => out.document(&document("kentongan.hub.offices/1", list)),
        Answer::List(list) => show_list(out, list),
        // Only `fleet` asks for it.
        Answer::Fleet(_) => {}
        Answer::Show(detail) if out.json => out.document(&document("kentongan.hub.office/1", detail)),
        Answer::Show(detail) => show_detail(out, detail),
        Answer::Changed(changed) if out.json => out.document(&document("kentongan.hub.change/1", changed)),
        Answer::Changed(changed) => out.line(&match out.lang {
            Lang::Id => format!("{} kantor baru, {} diubah", changed.added, changed.changed),
            Lang::En => format!("{} offices added, {} changed", changed.added, changed.changed),
        }),
        Answer::Replaced(replaced) if out.json => out.document(&document("kentongan.hub.replacement/1", replaced)),
        Answer::Replaced(replaced) => show_replaced(context, replaced),
        Answer::Revoked(replica) if out.json => out.document(&document("kentongan.hub.replica/1", replica)),
        Answer::Revoked(replica) => {
            out.line(&match out.lang {
                Lang::Id => format!("Perangkat {} ({}) dicabut.", replica.replica, replica.host),
                Lang::En => format!("The device {} ({}) is revoked.", replica.replica, replica.host),
            });
            out.say(
                "Yang sudah sampai tetap berlaku. PC ini mendaftar lagi hanya dengan kunci baru.",
                "What has arrived stays valid. This PC joins again only with a new key.",
            );
        }
        Answer::Recovery(recovery) if out.json => out.document(&document("kentongan.hub.recovery/1", recovery)),
        Answer::Recovery(recovery) => show_recovery(out, recovery),
    }
}

fn show_recovery(out: &Output, recovery: &Recovery) {
    let Recovery { office, office_name, host, person, answer, .. } = recovery;
    out.line(&match out.lang {
        Lang::Id => format!(
            "Kantor {office_name} ({office}), PC {host}, orang nomor {person}.\n\
             Kenali dulu suaranya, atau telepon balik ke nomor kantor itu. Lalu bacakan: {answer}"
        ),
        Lang::En => format!(
            "Office {office_name} ({office}), PC {host}, person number {person}.\n\
             Recognise the voice first, or call the office back. Then read out: {answer}"
        ),
    });
}

fn show_replaced(context: &Context<'_>, replaced: &Replaced) {
    let (out, old) = (context.out, &replaced.revoked);
    let held = at_least(out, old.pending, old.last_contact_at.is_some());
    out.line(&match out.lang {
        Lang::Id => {
            format!("Perangkat {} ({}) dicabut; ia mungkin masih menyimpan {held} perubahan.", old.replica, old.host)
        }
        Lang::En => format!("The device {} ({}) is revoked; it may still hold {held} changes.", old.replica, old.host),
    });
    show_created(context, &replaced.code);
}

fn show_csv(out: &Output, list: &List) {
    csv::row(out, table::COLUMNS);
    list.offices.iter().for_each(|row| csv::row(out, table::cells(row)));
}

fn show_list(out: &Output, list: &List) {
    let now_ms = kentongan_host::Clock::wall_ms(&kentongan_host::SystemClock::new());
    let mut table = Table::new(match out.lang {
        Lang::Id => ["KANTOR", "NAMA", "KEADAAN", "PC", "TERAKHIR", "MENUNGGU", ""],
        Lang::En => ["OFFICE", "NAME", "STATE", "PCS", "LAST HEARD", "WAITING", ""],
    });
    for row in &list.offices {
        table.row([
            row.office.clone(),
            row.name.clone(),
            state(out, row.state).to_owned(),
            row.replicas.to_string(),
            words::ago(out, now_ms, row.last_contact_at),
            at_least(out, row.pending, row.pending_at_least),
            row.notices.iter().map(|notice| short(out, *notice)).collect::<Vec<_>>().join(", "),
        ]);
    }
    out.table(&table);
}

fn show_detail(out: &Output, detail: &Detail) {
    let row = &detail.row;
    out.line(&out.bold(&title(row)));
    let mut table = Table::headless();
    table.row([out.pick("Keadaan", "State"), state(out, row.state)]);
    table.row([out.pick("Irama", "Rhythm"), &rhythm(out, &detail.rhythm)]);
    table.row([out.pick("Ditunggu s.d.", "Expected by"), &words::time_or_dash(out, row.expected_by)]);
    table.row([out.pick("Kosong terakhir", "Last emptied"), &words::time_or_dash(out, row.drained_at)]);
    table.row([out.pick("30 hari", "30 days"), &strip(&row.days)]);
    out.table(&table);
    for device in &detail.devices {
        out.line("");
        show_device(out, device);
    }
    show_sessions(out, detail);
    if !detail.notes.is_empty() {
        out.line("");
        out.line(out.pick("Catatan operator", "Notes of operators"));
        let mut table = Table::headless();
        for note in &detail.notes {
            table.row([words::time(out, note.at), note.actor.clone(), note.text.clone()]);
        }
        out.table(&table);
    }
    if !detail.events.is_empty() {
        out.line("");
        out.line(out.pick("Kejadian", "Events"));
        let mut table = Table::headless();
        for line in &detail.events {
            table.row([words::time(out, line.at), line.event.clone(), line.actor.clone(), line.subject.clone()]);
        }
        out.table(&table);
    }
}

/// When an office works, and after how much of that time its silence means something.
fn rhythm(out: &Output, rhythm: &Rhythm) -> String {
    let hours = |seconds: u64| seconds / 3600;
    let (late, silent) = (hours(rhythm.late_after_s), hours(rhythm.silent_after_s));
    let (from, to, days) = (rhythm.from_hour, rhythm.to_hour, rhythm.week_days);
    let known = match rhythm.learned {
        true => out.pick("dipelajari", "learned"),
        false => out.pick("anggapan", "assumed"),
    };
    match out.lang {
        Lang::Id => format!(
            "{days} hari, {from:02}.00-{to:02}.00 ({known}); terlambat setelah {late} jam kerja, sunyi setelah {silent}"
        ),
        Lang::En => format!(
            "{days} days, {from:02}:00-{to:02}:00 ({known}); late after {late} working hours, silent after {silent}"
        ),
    }
}

/// A strip of days with shapes, week by week.
fn strip(days: &str) -> String {
    let shape = |letter: char| match letter {
        'o' => '●',
        'l' => '▲',
        's' => '■',
        'u' => '◇',
        _ => '·',
    };
    let shapes: Vec<char> = days.chars().map(shape).collect();
    shapes.chunks(7).map(|week| week.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn show_sessions(out: &Output, detail: &Detail) {
    if detail.sessions.is_empty() {
        return;
    }
    out.line("");
    let mut table = Table::new(match out.lang {
        Lang::Id => ["SESI", "HASIL", "MASUK", "NAIK", "TURUN", "LAMA"],
        Lang::En => ["SESSION", "OUTCOME", "STORED", "UP", "DOWN", "TOOK"],
    });
    for session in &detail.sessions {
        table.row([
            words::time(out, session.started_at),
            session.outcome.clone(),
            words::count(out, session.ops_in),
            words::bytes(out, session.bytes_in),
            words::bytes(out, session.bytes_out),
            format!("{} ms", words::count(out, session.took_ms)),
        ]);
    }
    out.table(&table);
}

fn title(row: &OfficeRow) -> String {
    if row.name.is_empty() { row.office.clone() } else { format!("{} ({})", row.name, row.office) }
}

fn show_device(out: &Output, device: &ReplicaRow) {
    let mut table = Table::headless();
    let host = if device.host.is_empty() { String::new() } else { format!(" ({})", device.host) };
    table.row([out.pick("Perangkat", "Device"), &format!("{}{host}", device.replica)]);
    for notice in &device.notices {
        table.row(["", &format!("! {}", sentence(out, *notice))]);
    }
    if let Some(at) = device.revoked_at {
        let reason = device.revoked_reason.clone().unwrap_or_default();
        table.row([out.pick("Dicabut", "Revoked"), &format!("{}: {reason}", words::time(out, at))]);
    }
    table.row([out.pick("Terakhir", "Last heard"), &words::time_or_dash(out, device.last_contact_at)]);
    let ops = format!(
        "{} {}, {} {}",
        words::count(out, device.ops_held),
        out.pick("sampai", "arrived"),
        words::count(out, device.pending),
        out.pick("menunggu", "waiting")
    );
    table.row([out.pick("Perubahan", "Changes"), &ops]);
    if device.last_contact_at.is_some() {
        let clock = match device.clock_is_measured {
            true => format!("{:+.1} s (± {:.1} s)", device.clock_offset_s, device.clock_error_s),
            false => out.pick("belum diukur", "not measured yet").to_owned(),
        };
        table.row([out.pick("Selisih jam", "Clock offset"), &clock]);
        table.row([out.pick("Ruang", "Space"), &words::bytes(out, device.free_bytes)]);
        table.row([out.pick("Program", "Program"), &device.program]);
    }
    if !device.tag.is_empty() {
        table.row([out.pick("Tanda", "Mark"), &device.tag]);
    }
    table.row([out.pick("Awalan kode", "Code prefix"), &device.prefix]);
    table.row([out.pick("Sertifikat s.d.", "Certificate until"), &words::time(out, device.cert_expires_at)]);
    table.row([out.pick("Terdaftar", "Joined"), &words::time(out, device.enrolled_at)]);
    out.table(&table);
}

/// The word for a state, with its own shape.
pub(super) fn state(out: &Output, state: State) -> &str {
    match state {
        State::Ok => out.pick("● baik", "● ok"),
        State::Late => out.pick("▲ terlambat", "▲ late"),
        State::Silent => out.pick("■ sunyi", "■ silent"),
        State::Unseen => out.pick("◇ belum pernah", "◇ unseen"),
        State::Paused => out.pick("❚❚ dijeda", "❚❚ paused"),
        State::Revoked => out.pick("⊘ dicabut", "⊘ revoked"),
    }
}

fn short(out: &Output, notice: Notice) -> &str {
    match notice {
        Notice::Twin => out.pick("! kembar", "! twin"),
        Notice::Clock => out.pick("! jam", "! clock"),
        Notice::Restored => out.pick("! dipulihkan", "! restored"),
        Notice::Certificate => out.pick("! sertifikat", "! certificate"),
        Notice::Space => out.pick("! ruang", "! space"),
    }
}

fn sentence(out: &Output, notice: Notice) -> &str {
    match notice {
        Notice::Twin => out.pick(
            "dua mesin menjawab sebagai satu perangkat (KTG-108): daftarkan ulang salah satunya",
            "two machines answer as one replica (KTG-108): enrol one of them again",
        ),
        Notice::Clock => out.pick("jam PC ini jauh dari benar", "the clock of this PC is far off"),
        Notice::Restored => out.pick(
            "dipulihkan dari salinan lama; pusat mengembalikan yang hilang",
            "restored from an older copy; the hub gives back what is missing",
        ),
        Notice::Certificate => {
            out.pick("sertifikatnya segera atau sudah berakhir", "its certificate ends soon or has ended")
        }
        Notice::Space => out.pick("ruang simpannya hampir habis", "it is running out of space"),
    }
}
