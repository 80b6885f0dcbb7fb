//! `store`

use std::path::Path;

use kentongan_host::output::Table;
use kentongan_host::{Clock, Exit, Failure, Lang, Lock, SystemClock};
use serde::Serialize;

use super::args::StoreCommand;
use super::backup::Teller;
use super::{Context, document, words};
use crate::ca::{Authority, not_initialised};
use crate::config::{self, Config};
use crate::salvage::{Order, Phase, Report, finish_interrupted, look, newest_backup, salvage};
use crate::seed::{Filled, OFFICES_MAX, Plan, fill};
use crate::setup::Opened;
use crate::store::transact_with;

pub(super) fn run(context: &Context<'_>, command: &StoreCommand) -> Result<Exit, Failure> {
    match command {
        StoreCommand::Salvage { force } => rescue(context, *force),
        StoreCommand::Seed { offices, records, number } => make_up(context, *offices, *records, *number),
    }
}

/// Fills an empty hub with what nobody wrote.
fn make_up(context: &Context<'_>, offices: u32, records: u64, seed: u64) -> Result<Exit, Failure> {
    let now_ms = SystemClock::new().wall_ms();
    let Opened { mut store, hub, lock, .. } = Opened::open(&context.dir, now_ms)?;
    if offices > OFFICES_MAX {
        let (id, en) = (format!("Paling banyak {OFFICES_MAX} kantor."), format!("At most {OFFICES_MAX} offices."));
        return Err(Failure::usage(id, en));
    }
    if !transact_with(&mut store, |tx| tx.offices())?.is_empty() {
        let (id, en) = (
            "Pusat ini sudah punya kantor: yang karangan tidak dicampur dengan yang nyata.",
            "This hub has offices: what is made up is not mixed with what is real.",
        );
        return Err(Failure::new(Exit::Failed, id, en));
    }
    let mut teller = Teller::new(context.out)?;
    let words = context.out.pick("mengarang", "making up");
    let plan = Plan { offices, records, seed, now_ms };
    let filled = fill(&mut store, hub.replica(), &plan, &mut |done, all| teller.tell_in(words, (done, all)));
    teller.done();
    let closed = store.close();
    drop(lock);
    let (filled, ()) = (filled?, closed?);
    let Filled { offices, records, ops } = filled;
    if context.out.json {
        context.out.document(&document("kentongan.hub.store.seed/1", &filled));
    } else {
        context.out.line(&match context.out.lang {
            Lang::Id => format!("{offices} kantor, {records} catatan, {ops} perubahan karangan"),
            Lang::En => format!("{offices} offices, {records} records, {ops} changes made up"),
        });
    }
    Ok(Exit::Done)
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    /// `salvaged`, `finished` (an interrupted one) or `sound`.
    outcome: &'static str,
    /// The folder that keeps the damaged files.
    damaged_files: Option<&'a Path>,
    /// The backup that filled holes.
    backup: Option<&'a Path>,
    #[serde(flatten)]
    report: Option<&'a Report>,
}

fn rescue(context: &Context<'_>, force: bool) -> Result<Exit, Failure> {
    let (dir, out) = (&context.dir, context.out);
    let now_ms = SystemClock::new().wall_ms();
    let settings = config::load(&config::sources(dir, context.common.config.clone(), Vec::new()))?;
    let config = Config::of(&settings);
    let lock = Lock::take(dir)?;
    let authority = Authority::load(dir, now_ms)?;
    if let Some(aside) = finish_interrupted(dir)? {
        let told = Told { outcome: "finished", damaged_files: Some(&aside), backup: None, report: None };
        tell(context, &told, ("Penyelamatan yang terputus sudah diselesaikan.", "An interrupted rescue was finished."));
        return Ok(Exit::Done);
    }
    if !dir.store().exists() {
        return Err(not_initialised(dir));
    }
    let mut teller = Teller::new(out)?;
    let looking = out.pick("memeriksa", "checking");
    let damage = look(&dir.store(), &mut |step| teller.tell_in(looking, step));
    if damage.is_ok() && !force {
        teller.done();
        let told = Told { outcome: "sound", damaged_files: None, backup: None, report: None };
        tell(context, &told, ("Penyimpanan utuh; tidak ada yang diubah.", "The store is sound; nothing was changed."));
        return Ok(Exit::Done);
    }
    let backup = newest_backup(dir, &config).map(|(path, _)| path);
    let actor = words::person();
    let order =
        Order { dir, hub_key: authority.hub_key().public_key(), backup: backup.as_deref(), actor: &actor, now_ms };
    let done = salvage(&order, &mut |phase, step| teller.tell_in(phase_words(out.lang, phase), step));
    teller.done();
    drop(lock);
    let (report, aside) = done?;
    let told =
        Told { outcome: "salvaged", damaged_files: Some(&aside), backup: backup.as_deref(), report: Some(&report) };
    tell(context, &told, ("Yang terbaca sudah diselamatkan.", "What can be read was rescued."));
    Ok(Exit::Done)
}

fn phase_words(lang: Lang, phase: Phase) -> &'static str {
    let (id, en) = match phase {
        Phase::Backup => ("membaca cadangan", "reading the backup"),
        Phase::Reading => ("membaca berkas rusak", "reading the damaged files"),
        Phase::Proving => ("membuktikan", "proving"),
        Phase::TakingIn => ("memasukkan", "taking in"),
    };
    if lang == Lang::Id { id } else { en }
}

fn tell(context: &Context<'_>, told: &Told<'_>, words: (&str, &str)) {
    let out = context.out;
    if out.json {
        out.document(&document("kentongan.hub.store.salvage/1", told));
        return;
    }
    out.line(out.pick(words.0, words.1));
    if let Some(aside) = told.damaged_files {
        let label = out.pick("Berkas yang rusak disimpan di", "The damaged files are kept in");
        out.line(&format!("{label} {}", aside.display()));
    }
    if let Some(report) = told.report {
        show(context, report);
    }
}

fn show(context: &Context<'_>, report: &Report) {
    let out = context.out;
    let number = |count| words::count(out, count);
    let mut table = Table::headless();
    table.row([out.pick("Catatan", "Records"), &number(report.records)]);
    table.row([out.pick("Perubahan", "Changes"), &number(report.ops)]);
    table.row([out.pick("  di antaranya dari cadangan", "  of these from the backup"), &number(report.from_backup)]);
    table.row([out.pick("Hilang di sini", "Missing here"), &number(report.missing)]);
    table.row([out.pick("Baris jejak audit", "Lines of the audit trail"), &number(report.audit)]);
    table.row([
        out.pick("  sesudah bagian yang hilang (nomor baru)", "  behind what is lost (new numbers)"),
        &number(report.audit_after_gap),
    ]);
    out.table(&table);
    let mut offices = Table::new(match out.lang {
        Lang::Id => ["KANTOR", "PERANGKAT", "PERUBAHAN", "HILANG", "DAFTAR ULANG"],
        Lang::En => ["OFFICE", "DEVICES", "CHANGES", "MISSING", "ENROL AGAIN"],
    });
    for office in &report.offices {
        let again: Vec<&str> = office.lost_devices.iter().map(String::as_str).collect();
        offices.row([
            office.code.clone(),
            number(office.devices),
            number(office.ops),
            number(office.missing),
            again.join(" "),
        ]);
    }
    out.table(&offices);
    if !report.devices_from_backup.is_empty() {
        let devices = report.devices_from_backup.join(", ");
        out.say(
            &format!("! Dibaca dari cadangan: {devices}. Bila ada yang dicabut sesudah cadangan itu, cabut lagi."),
            &format!("! Read from the backup: {devices}. If one was revoked after that backup, revoke it again."),
        );
    }
    let data = context.dir.root().display();
    out.say(
        &format!(
            "Berikutnya: kentongan-hub serve --data {data}, lalu kentongan-hub backup run --data {data}\n\
             Yang hilang di sini dikirim lagi oleh kantor pada kontak berikutnya; tidak perlu tindakan petugas.\n\
             Sampai itu terjadi, jangan menganggap angka di pusat lengkap."
        ),
        &format!(
            "Next: kentongan-hub serve --data {data}, then kentongan-hub backup run --data {data}\n\
             What is missing here offices offer again at their next contact; nobody has to do anything.\n\
             Until then do not take the hub's figures for complete."
        ),
    );
}
