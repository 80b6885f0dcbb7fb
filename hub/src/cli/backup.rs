//! `backup`

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use kentongan_host::output::Table;
use kentongan_host::signals::stop_requested;
use kentongan_host::{Clock, Exit, Failure, Lang, Output, SystemClock};
use serde_json::json;

use super::args::BackupCommand;
use super::ask::Asked;
use super::{Context, document, words};
use crate::backup::Phase;
use crate::backup::folder::{Manifest, list as backups, verify as read_back};
use crate::backup::restore::{pick, restore as put_back};
use crate::config::{self, Config};
use crate::service::backup::{Done, folder};
use crate::store::sqlite::copying::Step;

/// Time between two lines of progress.
const TELL_EVERY: Duration = Duration::from_millis(500);

pub(super) fn run(context: &Context<'_>, command: &BackupCommand) -> Result<Exit, Failure> {
    match command {
        BackupCommand::Run { to } => make(context, to.as_deref()),
        BackupCommand::List { from } => list(context, from.clone()),
        BackupCommand::Verify { backup, latest } => verify(context, &pick(backup, *latest)?),
        BackupCommand::Restore { backup, latest } => restore(context, &pick(backup, *latest)?),
    }
}

fn make(context: &Context<'_>, to: Option<&Path>) -> Result<Exit, Failure> {
    let out = context.out;
    let to = to.map(std::path::absolute).transpose().context("the folder of --to")?;
    let mut teller = Teller::new(out)?;
    let mut hub = Asked::reach(context)?;
    let done = hub.back_up(to, &mut |phase, step| teller.tell(phase, step));
    let closed = hub.close();
    teller.done();
    let done = done?;
    closed?;
    match out.json {
        true => out.document(&document("kentongan.hub.backup.run/1", &done)),
        false => show_done(out, &done),
    }
    Ok(Exit::Done)
}

fn show_done(out: &Output, done: &Done) {
    let (path, ops, bytes) = (done.path.display(), words::count(out, done.ops), words::bytes(out, done.bytes));
    out.line(&match out.lang {
        Lang::Id => format!("Cadangan utuh: {path} ({ops} perubahan, {bytes})"),
        Lang::En => format!("Verified backup: {path} ({ops} changes, {bytes})"),
    });
    if !done.marks_raised {
        out.say(
            "! Cadangan baik, tetapi tanda Aman belum dapat dinaikkan; cadangan berikutnya menaikkannya.",
            "! The backup is good, but the marks of what is Secured could not be raised; the next backup raises them.",
        );
    }
    if done.same_disk == Some(true) {
        out.say(
            "! Cadangan ada di disk yang sama dengan pusat: disk rusak, keduanya hilang. Atur store.backup_dir ke disk lain.",
            "! The backup lies on the hub's own disk: one failure takes both. Set store.backup_dir to another disk.",
        );
    }
    out.say(
        "Di dalamnya ada kunci pusat (ca/): simpan seperti menyimpan kunci.",
        "It holds the keys of the hub (ca/): keep it as you keep a key.",
    );
}

fn settings(context: &Context<'_>) -> Result<Config, Failure> {
    let sources = config::sources(&context.dir, context.common.config.clone(), Vec::new());
    Ok(Config::of(&config::load(&sources)?))
}

fn list(context: &Context<'_>, from: Option<PathBuf>) -> Result<Exit, Failure> {
    let out = context.out;
    let folder = match from {
        Some(folder) => folder,
        None => folder(&context.dir, &settings(context)?),
    };
    let found = backups(&folder).with_context(|| format!("read the folder {}", folder.display()))?;
    if out.json {
        out.document(&document("kentongan.hub.backup.list/1", &json!({ "folder": folder, "backups": found })));
        return Ok(Exit::Done);
    }
    let mut table = Table::new(match out.lang {
        Lang::Id => ["CADANGAN", "DIBUAT", "PERUBAHAN", "UKURAN"],
        Lang::En => ["BACKUP", "MADE", "CHANGES", "SIZE"],
    });
    for found in &found {
        match &found.manifest {
            Some(manifest) => {
                let ops = manifest.counts.get("ops").copied().unwrap_or(0);
                let (made, bytes) = (words::time(out, manifest.made_at), words::bytes(out, manifest.bytes()));
                table.row([found.name.clone(), made, words::count(out, ops), bytes])
            }
            None => table.row([found.name.clone(), "KTG-210".to_owned(), "?".to_owned(), "?".to_owned()]),
        };
    }
    out.line(&folder.display().to_string());
    out.table(&table);
    Ok(Exit::Done)
}

fn verify(context: &Context<'_>, backup: &Path) -> Result<Exit, Failure> {
    let out = context.out;
    let mut teller = Teller::new(out)?;
    let manifest = read_back(backup, &mut |phase, step| teller.tell(phase, step));
    teller.done();
    let manifest = manifest?;
    match out.json {
        true => out.document(&document("kentongan.hub.backup.verify/1", &Verified { path: backup, backup: manifest })),
        false => out.line(&whole(out, backup, &manifest)),
    }
    Ok(Exit::Done)
}

#[derive(serde::Serialize)]
struct Verified<'a> {
    path: &'a Path,
    backup: Manifest,
}

fn whole(out: &Output, backup: &Path, manifest: &Manifest) -> String {
    let (path, made) = (backup.display(), words::time(out, manifest.made_at));
    let ops = words::count(out, manifest.counts.get("ops").copied().unwrap_or(0));
    match out.lang {
        Lang::Id => format!("Utuh: {path}, dibuat {made}, {ops} perubahan"),
        Lang::En => format!("Whole: {path}, made {made}, {ops} changes"),
    }
}

fn restore(context: &Context<'_>, backup: &Path) -> Result<Exit, Failure> {
    let out = context.out;
    let mut teller = Teller::new(out)?;
    let now_ms = SystemClock::new().wall_ms();
    let put = put_back(backup, &context.dir, &words::person(), now_ms, &mut |phase, step| teller.tell(phase, step));
    teller.done();
    let manifest = put?;
    if out.json {
        out.document(&document("kentongan.hub.backup.restore/1", &Verified { path: backup, backup: manifest }));
        return Ok(Exit::Done);
    }
    out.line(&whole(out, backup, &manifest));
    let (root, made) = (context.dir.root().display(), words::time(out, manifest.made_at));
    out.say(
        &format!(
            "Pusat sudah kembali di {root}, seperti pada {made}.\n\
             Berikutnya: kentongan-hub serve --data {root}\n\
             Kantor mengirim ulang sendiri apa yang belum ada di cadangan ini, pada kontak berikutnya; tidak perlu\n\
             tindakan petugas. Sampai itu terjadi, jangan menganggap angka di pusat lengkap.\n\
             Yang terjadi di pusat sesudah {made} harus diulang: kantor dan kode baru, perangkat yang didaftarkan,\n\
             dan pencabutan perangkat (office revoke)."
        ),
        &format!(
            "The hub is back in {root}, as it was at {made}.\n\
             Next: kentongan-hub serve --data {root}\n\
             Offices offer again by themselves what this backup lacks, at their next contact; nobody has to do\n\
             anything. Until then do not take the hub's figures for complete.\n\
             What was done at the hub after {made} has to be done again: new offices and codes, devices that\n\
             enrolled, and revoked devices (office revoke)."
        ),
    );
    Ok(Exit::Done)
}

/// Shows on a terminal how far it is, and notices Ctrl-C, so that what was begun is cleared away.
pub(super) struct Teller<'a> {
    out: &'a Output,
    told: Option<Instant>,
    shown: bool,
    interrupted: Arc<AtomicBool>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(out: &'a Output) -> Result<Teller<'a>, Failure> {
        let interrupted = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&interrupted);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().context("listen for Ctrl-C")?;
        let stop = {
            let _inside = runtime.enter();
            stop_requested().context("listen for Ctrl-C")?
        };
        std::thread::Builder::new()
            .name("interrupt".to_owned())
            .spawn(move || {
                runtime.block_on(stop);
                noted.store(true, Ordering::Relaxed);
            })
            .context("listen for Ctrl-C")?;
        Ok(Teller { out, told: None, shown: false, interrupted })
    }

    fn tell(&mut self, phase: Phase, step: Step) -> bool {
        let words = match phase {
            Phase::Copying => self.out.pick("menyalin", "copying"),
            Phase::Checking => self.out.pick("memeriksa rantai", "checking the logs"),
            Phase::Hashing => self.out.pick("menghitung sidik", "computing hashes"),
        };
        self.tell_in(words, step)
    }

    /// Tells in these words how far it is, and whether to go on.
    pub(super) fn tell_in(&mut self, words: &str, (done, all): Step) -> bool {
        let due = self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if due && !self.out.quiet && !self.out.json && std::io::stderr().is_terminal() {
            self.told = Some(Instant::now());
            self.shown = true;
            let percent = (done.saturating_mul(100)).checked_div(all).unwrap_or(100);
            // A line that nobody can read is no reason to stop.
            let _ = write!(std::io::stderr(), "\r{words} {percent} %\u{1b}[K");
        }
        !self.interrupted.load(Ordering::Relaxed)
    }

    pub(super) fn done(&self) {
        if self.shown {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}
