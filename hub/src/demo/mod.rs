//! The demo: a hub and three offices on this machine, real processes over real connections, told as a story of twenty
//! seconds. Nothing in it is acted: every line comes from what the programs answered.

pub mod pipe;
mod stage;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kentongan_host::output::Output;
use kentongan_host::random::random_u64;
use kentongan_host::{Exit, Failure};
use serde_json::{Value, json};

use self::pipe::Quality;
use self::stage::{Hub, Office, wait_for};

/// How the demo is to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// End after the story instead of staying up.
    pub quick: bool,
    /// Where to put everything; else a new folder among the temporary ones, removed at the end.
    pub dir: Option<PathBuf>,
}

/// A link of an old telephone: 9.6 kbit/s.
const SLOW_BYTES_PER_S: u64 = 1_200;

/// Runs the demo.
///
/// # Errors
/// If a program cannot be started or does not do what the story says.
pub fn run(options: &Options, out: &Output) -> Result<()> {
    let temporary = options.dir.is_none();
    let folder = options
        .dir
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("kentongan-demo-{:08x}", random_u64() as u32)));
    kentongan_host::data_dir::create_private(&folder).with_context(|| format!("make {}", folder.display()))?;
    let told = stop_on_request().and_then(|()| Story { began: Instant::now(), out }.tell(&folder, options.quick));
    if temporary {
        // Whatever happened: nothing stays behind.
        let _ = std::fs::remove_dir_all(&folder);
    }
    told
}

/// Set when a person asks to stop. The processes of the story end with the values that hold them.
static STOPPING: AtomicBool = AtomicBool::new(false);

/// Listens for Ctrl-C from a thread of its own.
fn stop_on_request() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (listening, listens) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime.block_on(async {
            let asked = kentongan_host::signals::stop_requested();
            let failed = asked.as_ref().err().map(ToString::to_string);
            // The story is told by the thread that waits for this.
            let _ = listening.send(failed);
            if let Ok(asked) = asked {
                asked.await;
                STOPPING.store(true, Ordering::Relaxed);
            }
        });
    });
    match listens.recv().context("listen for signals")? {
        None => Ok(()),
        Some(failed) => bail!("listen for signals: {failed}"),
    }
}

/// # Errors
/// If a person asked to stop.
fn go_on() -> Result<()> {
    if STOPPING.load(Ordering::Relaxed) {
        return Err(Failure::new(Exit::Interrupted, "Dihentikan.", "Interrupted.").into());
    }
    Ok(())
}

struct Story<'a> {
    began: Instant,
    out: &'a Output,
}

impl Story<'_> {
    fn tell(&self, folder: &std::path::Path, quick: bool) -> Result<()> {
        let hub = Hub::start(folder.join("hub"))?;
        self.say(
            "hub",
            "started",
            &format!("https://{}  (pid {})", hub.address, hub.pid()),
            json!({ "address": hub.address.to_string() }),
        )?;
        let mut mekarsari = Office::start(&hub, folder, "32.04.11.2009", "Desa Mekarsari")?;
        let sukamaju = Office::start(&hub, folder, "32.04.11.2007", "Desa Sukamaju")?;
        let sindang = Office::start(&hub, folder, "32.04.11-PKM1", "Pusk. Sindang")?;
        for office in [&mekarsari, &sukamaju, &sindang] {
            self.say(office.name, "enrolled", "enrolled with a one-time code, agent running", json!({}))?;
        }
        self.power_cut(&mut mekarsari)?;
        self.dropped_file(&sindang)?;
        let code = self.conflict(&hub, &sukamaju)?;
        self.answer(&hub, &sukamaju, &code)?;
        self.say("hub", "finished", &self.totals(&hub)?, json!({}))?;
        if !quick {
            let page = sukamaju.ask(&["status"])?["page"].as_str().unwrap_or_default().to_owned();
            self.stay(folder, &code, &page)?;
        }
        Ok(())
    }

    /// An office loses its link, then its power, and nothing of what was shown as saved.
    fn power_cut(&self, office: &mut Office) -> Result<()> {
        office.wait("first contact", |status| status["state"] == "ok")?;
        office.link.cut();
        self.say(office.name, "link_cut", "link cut", json!({}))?;
        let complaint = office.ask(&[
            "record",
            "add",
            "pengaduan",
            "uraian=Lampu jalan di depan balai desa padam sejak Senin, gelap untuk anak pulang mengaji.",
            "kategori=sarana_prasarana",
            "kanal=tatap_muka",
            "nama_pelapor=Ibu Contoh",
            "layanan=Penerangan jalan",
            "--author",
            "siti",
        ])?;
        let code = complaint["code"].as_str().unwrap_or("-").to_owned();
        office.ask(&[
            "record",
            "add",
            "skm",
            "layanan=Surat keterangan usaha",
            "jenis_kelamin=P",
            "usia=41",
            "persyaratan=3",
            "prosedur=4",
            "waktu=3",
            "biaya=4",
            "produk=3",
            "kompetensi=4",
            "perilaku=4",
            "sarpras=3",
            "pengaduan=3",
            "--author",
            "siti",
        ])?;
        let waiting = |status: &Value| status["ops"]["pending"].as_u64().unwrap_or(0);
        let before = office.ask(&["status"])?;
        self.say(
            office.name,
            "saved",
            &format!("complaint {code} and a survey saved, waiting {}", waiting(&before)),
            json!({ "code": code, "waiting": waiting(&before) }),
        )?;
        office.cut_power();
        office.switch_on()?;
        let after = office.ask(&["status"])?;
        let lost = waiting(&before).saturating_sub(waiting(&after));
        self.say(
            office.name,
            "power_cut",
            &format!("power cut (killed), started again, waiting {}, lost {lost}", waiting(&after)),
            json!({ "waiting": waiting(&after), "lost": lost }),
        )?;
        office.link.set(Quality {
            up_bytes_per_s: Some(SLOW_BYTES_PER_S),
            down_bytes_per_s: Some(SLOW_BYTES_PER_S),
            ..Quality::default()
        });
        let before = office.link.counts();
        office.link.mend();
        let status =
            office.wait("everything arrived", |status| status["all_arrived"] == true && status["state"] == "ok")?;
        let wire = office.link.counts();
        office.link.set(Quality::default());
        let (up, down) = (wire.up_bytes - before.up_bytes, wire.down_bytes - before.down_bytes);
        self.say(
            office.name,
            "arrived",
            &format!(
                "link back at 9.6 kbit/s … arrived {} of {}, {} bytes up and {} down on the wire, TLS included",
                status["arrived_total"], status["entered_total"], up, down
            ),
            json!({ "arrived": status["arrived_total"], "entered": status["entered_total"], "up_bytes": up, "down_bytes": down }),
        )?;
        Ok(())
    }

    /// IT staff drop a file of paper forms into a folder.
    fn dropped_file(&self, office: &Office) -> Result<()> {
        let rows = include_str!("kotak-saran.csv");
        let partial = office.data.join("inbox").join("kotak-saran.csv.part");
        let dropped = partial.with_extension("");
        std::fs::write(&partial, rows).and_then(|()| std::fs::rename(&partial, &dropped)).context("drop a file")?;
        self.say(
            office.name,
            "dropped",
            "kotak-saran.csv dropped into the inbox folder (5 rows, 1 of them bad)",
            json!({}),
        )?;
        let status = office.wait("the rows of the file", |status| {
            status["entered_total"].as_u64().unwrap_or(0) >= 4 && status["all_arrived"] == true
        })?;
        let rejected = office.data.join("inbox/done/kotak-saran-rejected.csv");
        let reason = wait_for("the list of rejected rows", || Ok(std::fs::read_to_string(&rejected).ok()))?;
        let reason = reason.lines().nth(1).unwrap_or("-").to_owned();
        self.say(
            office.name,
            "imported",
            &format!(
                "arrived {} of {}; the bad row came back: {reason}",
                status["arrived_total"], status["entered_total"]
            ),
            json!({ "arrived": status["arrived_total"], "entered": status["entered_total"] }),
        )?;
        Ok(())
    }

    /// Office and hub change one field without knowing of each other: both values stay until a person decides.
    fn conflict(&self, hub: &Hub, office: &Office) -> Result<String> {
        let complaint = office.ask(&[
            "record",
            "add",
            "pengaduan",
            "uraian=Antre dua jam untuk surat pindah, loket hanya satu yang dibuka.",
            "kategori=antrean",
            "kanal=tatap_muka",
            "--author",
            "budi",
        ])?;
        let code = complaint["code"].as_str().context("a complaint without a code")?.to_owned();
        office.wait("the complaint to arrive", |status| status["all_arrived"] == true)?;
        office.link.cut();
        office.ask(&["record", "edit", &code, "kategori=waktu_layanan", "--author", "budi"])?;
        hub.ask(&["complaint", "set", &code, "--field", "kategori=sarana_prasarana"])?;
        self.say(
            office.name,
            "diverged",
            &format!("{code}: category changed at the office (offline) and at the hub"),
            json!({ "code": code }),
        )?;
        office.link.mend();
        let conflicts = wait_for("the conflict at the hub", || {
            let list = hub.ask(&["conflict", "list"])?;
            let count = list["conflicts"].as_array().map_or(0, Vec::len);
            Ok((count > 0).then_some(count))
        })?;
        office.wait("the conflict at the office", |status| status["conflicts"].as_u64().unwrap_or(0) > 0)?;
        self.say(
            "hub",
            "conflict",
            &format!("{conflicts} conflict: both values are kept and shown at hub and office"),
            json!({ "conflicts": conflicts }),
        )?;
        hub.ask(&["conflict", "resolve", &code, "--take", "office", "--reason", "kantor mendengar pelapor langsung"])?;
        office.wait("the decision at the office", |status| status["conflicts"].as_u64() == Some(0))?;
        let record = office.ask(&["record", "show", &code])?;
        self.say(
            office.name,
            "resolved",
            &format!(
                "resolved by a person at the hub, known at the office: category = {}",
                record["fields"]["kategori"].as_str().unwrap_or("-")
            ),
            json!({ "category": record["fields"]["kategori"] }),
        )?;
        Ok(code)
    }

    /// An answer given at the hub is read out at the office.
    fn answer(&self, hub: &Hub, office: &Office, code: &str) -> Result<()> {
        hub.ask(&["complaint", "answer", code, "--text", "Mulai besok loket kedua dibuka pukul 08.00 sampai 12.00."])?;
        let text = wait_for("the answer at the office", || {
            let tracked = office.ask(&["track", code])?;
            Ok(tracked["records"][0]["fields"]["jawaban"].as_str().map(str::to_owned))
        })?;
        self.say(
            office.name,
            "answered",
            &format!("track {code}: \"{text}\""),
            json!({ "code": code, "answer": text }),
        )?;
        Ok(())
    }

    fn totals(&self, hub: &Hub) -> Result<String> {
        let complaints = hub.ask(&["complaint", "list"])?;
        let count = complaints["complaints"].as_array().map_or(0, Vec::len);
        Ok(format!("{count} complaints at the hub, {:.1} s since the start", self.began.elapsed().as_secs_f64()))
    }

    /// Stays up until Ctrl-C, and says what to try meanwhile.
    fn stay(&self, folder: &std::path::Path, code: &str, page: &str) -> Result<()> {
        if !self.out.json {
            let program = std::env::current_exe().context("find this program")?;
            let bin = program.parent().unwrap_or(folder).display().to_string();
            let (hub, office) = (folder.join("hub"), folder.join("desa-sukamaju"));
            for line in [
                String::new(),
                format!("The page of Desa Sukamaju, for your browser: {page}"),
                "Try, in another terminal:".into(),
                format!("  {bin}/kentongan-agent status --data {}", office.display()),
                format!("  {bin}/kentongan-agent track {code} --data {}", office.display()),
                format!("  {bin}/kentongan-hub complaint list --data {}", hub.display()),
                format!("  {bin}/kentongan-hub export complaints --data {}", hub.display()),
                "Press Ctrl-C to stop; the folder goes with it.".into(),
            ] {
                self.out.line(&line);
            }
        }
        while go_on().is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Tells a line, unless a person asked to stop.
    fn say(&self, who: &str, event: &str, text: &str, facts: Value) -> Result<()> {
        go_on()?;
        let elapsed: Duration = self.began.elapsed();
        if self.out.json {
            self.out.document(&json!({
                "event": event, "who": who, "at_ms": elapsed.as_millis() as u64, "text": text, "facts": facts,
            }));
        } else {
            self.out.line(&format!("{:02}:{:02}  {who:14} {text}", elapsed.as_secs() / 60, elapsed.as_secs() % 60));
        }
        Ok(())
    }
}
