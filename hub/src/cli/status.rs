//! `status`

use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Lang, Output};

use super::ask::{ask, unexpected};
use super::{Context, document, words};
use crate::service::fleet::State;
use crate::service::status::{Health, Status};
use crate::service::{Answer, Request};

pub(super) fn run(context: &Context<'_>) -> Result<Exit, Failure> {
    let Answer::Status(status) = ask(context, Request::Status)? else { return Err(unexpected()) };
    let out = context.out;
    if out.json {
        out.document(&document("kentongan.hub.status/1", &status));
    } else {
        show(out, &status);
    }
    Ok(Exit::Done)
}

fn show(out: &Output, status: &Status) {
    for health in &status.health {
        out.line(&format!("! {}", sentence(out, health)));
    }
    let mut table = Table::headless();
    let name = if status.name.is_empty() { status.replica.clone() } else { status.name.clone() };
    table.row([out.pick("Pusat", "Hub"), &name]);
    let service = match (&status.service.running, &status.service.sync) {
        (true, Some(sync)) => format!(
            "{} {sync}, {} {}",
            out.pick("jalan di", "runs at"),
            out.pick("sejak", "since"),
            words::time_or_dash(out, status.service.since)
        ),
        (true, None) => out.pick("jalan", "runs").to_owned(),
        (false, _) => out.pick("tidak jalan", "not running").to_owned(),
    };
    table.row([out.pick("Layanan", "Service"), &service]);
    table.row([out.pick("Kantor", "Offices"), &offices(out, status)]);
    let waiting = format!(
        "{} {}",
        words::count(out, status.pending_at_offices),
        out.pick("menunggu di kantor", "waiting at offices")
    );
    table.row([out.pick("Perangkat", "Devices"), &format!("{}, {waiting}", words::count(out, status.replicas))]);
    let records: Vec<String> =
        status.records.iter().map(|(form, count)| format!("{} {form}", words::count(out, *count))).collect();
    let records = if records.is_empty() { "0".to_owned() } else { records.join(" · ") };
    table.row([out.pick("Catatan", "Records"), &records]);
    let decide = match out.lang {
        Lang::Id => format!("{} bentrok · {} karantina", status.conflicts, status.quarantine),
        Lang::En => format!("{} conflicts · {} in quarantine", status.conflicts, status.quarantine),
    };
    table.row([out.pick("Perlu diputuskan", "To decide"), &decide]);
    let free = status
        .store_free_bytes
        .map_or_else(String::new, |free| format!(", {} {}", words::bytes(out, free), out.pick("kosong", "free")));
    let store = format!(
        "{}, {} {}{free}",
        words::bytes(out, status.store_bytes),
        words::count(out, status.ops),
        out.pick("perubahan", "changes")
    );
    table.row([out.pick("Penyimpanan", "Store"), &store]);
    table.row([out.pick("Cadangan", "Backup"), &words::time_or_dash(out, status.backup_at)]);
    table.row([out.pick("Sertifikat s.d.", "Certificate until"), &words::time(out, status.cert_expires_at)]);
    let version = format!("{} ({} {})", status.version, out.pick("protokol", "protocol"), status.protocol);
    table.row([out.pick("Versi", "Version"), &version]);
    out.table(&table);
    if status.service.running && status.offices.values().sum::<u64>() == 0 {
        out.say(
            "Berikutnya: kentongan-hub enrol code create --office KODE --name NAMA",
            "Next: kentongan-hub enrol code create --office CODE --name NAME",
        );
    }
}

fn offices(out: &Output, status: &Status) -> String {
    let shown: Vec<String> = State::ALL
        .iter()
        .filter_map(|state| status.offices.get(state).filter(|count| **count > 0).map(|count| (state, count)))
        .map(|(state, count)| format!("{count} {}", super::office::state(out, *state)))
        .collect();
    if shown.is_empty() { out.pick("belum ada", "none yet").to_owned() } else { shown.join(" · ") }
}

fn sentence(out: &Output, health: &Health) -> String {
    let (id, en) = match health {
        Health::NoSpace(free) => {
            let free = words::bytes(out, *free);
            (
                format!("ruang tinggal {free}: pusat tidak menerima catatan baru (KTG-201)"),
                format!("only {free} of space left: the hub accepts nothing new (KTG-201)"),
            )
        }
        Health::Backup(hours) => (
            format!("tidak ada cadangan yang diperiksa sejak {hours} jam: kentongan-hub backup run (KTG-209)"),
            format!("no verified backup for {hours} hours: kentongan-hub backup run (KTG-209)"),
        ),
        Health::Certificate(days) => (
            format!("sertifikat pusat berakhir {days} hari lagi: jalankan ulang layanan"),
            format!("the hub's certificate ends in {days} days: restart the service"),
        ),
        Health::Forks(n) => (
            format!("{n} perubahan memakai nama perubahan lain: hubungi pengembang"),
            format!("{n} changes claim the name of another: tell the developers"),
        ),
        Health::Twins(n) => (
            format!("{n} kantor dengan dua mesin yang menjawab sebagai satu (KTG-108)"),
            format!("{n} offices where two machines answer as one (KTG-108)"),
        ),
        Health::Silent(n) => (format!("{n} kantor sunyi"), format!("{n} offices are silent")),
        Health::Quarantine(n) => (
            format!("{n} di karantina: kentongan-hub quarantine list"),
            format!("{n} in quarantine: kentongan-hub quarantine list"),
        ),
        Health::Conflicts(n) => (
            format!("{n} bentrok menunggu keputusan: kentongan-hub conflict list"),
            format!("{n} conflicts wait for a decision: kentongan-hub conflict list"),
        ),
        Health::Clocks(n) => {
            (format!("{n} kantor dengan jam yang salah"), format!("{n} offices with a clock that is far off"))
        }
        Health::DeviceCertificates(n) => (
            format!("{n} kantor yang sertifikatnya segera berakhir"),
            format!("{n} offices whose certificate ends soon"),
        ),
        Health::Space(n) => (format!("{n} kantor hampir kehabisan ruang"), format!("{n} offices run out of space")),
        Health::Restored(n) => (
            format!("{n} kantor dipulihkan dari salinan lama"),
            format!("{n} offices were restored from an older copy"),
        ),
    };
    match out.lang {
        Lang::Id => id,
        Lang::En => en,
    }
}
