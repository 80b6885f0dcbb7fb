//! Every option of the agent, once: `agent.toml`, its sample, `config show` and the environment come from this table.

use std::path::PathBuf;

use kentongan_host::data_dir::{DataDir, Program};
use kentongan_host::fail::Failure;
use kentongan_host::logging;
use kentongan_host::options::{Kind, Opt, Settings, Sources, conf_dir};
use kentongan_protocol::calendar::Zone;
use kentongan_protocol::session::pacing::Pacing;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use crate::photo::Photos;
use crate::rules::{Rules, SendFiles};
use crate::transport::LinkSettings;

const SECOND_MS: u64 = 1_000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// What most options share.
const OPT: Opt =
    Opt { table: "", key: "", kind: Kind::Text, default: "", unit: "", help_id: "", help_en: "", secret: false };

/// The options, in the order of the sample file. All but `ui.listen`, `kiosk.listen`, `log.format`, `log.max_size` and `log.keep`
/// change without a restart.
pub const OPTIONS: &[Opt] = &[
    Opt {
        table: "hub",
        key: "url",
        help_id: "Alamat pusat; kosong: alamat saat pendaftaran",
        help_en: "Address of the hub; empty: the address of enrolment",
        ..OPT
    },
    Opt {
        table: "hub",
        key: "proxy",
        default: "system",
        help_id: "Proksi: system, none, atau http://nama:port",
        help_en: "Proxy: system, none, or http://name:port",
        ..OPT
    },
    Opt {
        table: "hub",
        key: "connect_timeout",
        kind: Kind::Duration { min_ms: SECOND_MS, max_ms: 10 * MINUTE_MS },
        default: "20s",
        help_id: "Paling lama menunggu sambungan",
        help_en: "Longest wait for a connection",
        ..OPT
    },
    Opt {
        table: "hub",
        key: "idle_timeout",
        kind: Kind::Duration { min_ms: SECOND_MS, max_ms: 10 * MINUTE_MS },
        default: "60s",
        help_id: "Paling lama menunggu pusat yang tidak berkata apa-apa; sambungan yang mati ketahuan lebih cepat",
        help_en: "Longest wait for a hub that says nothing; a dead connection is noticed sooner",
        ..OPT
    },
    Opt {
        table: "sync",
        key: "interval",
        kind: Kind::Duration { min_ms: SECOND_MS, max_ms: 7 * DAY_MS },
        default: "5m",
        help_id: "Selang menghubungi pusat bila tidak ada yang baru",
        help_en: "How often to ask the hub when there is nothing new",
        ..OPT
    },
    Opt {
        table: "sync",
        key: "jitter",
        kind: Kind::Decimal { min: 0.0, max: 1.0 },
        default: "0.2",
        help_id: "Bagian acak dari selang, supaya kantor-kantor tidak datang bersamaan",
        help_en: "Random part of a wait, so that offices do not all come at once",
        ..OPT
    },
    Opt {
        table: "sync",
        key: "backoff_max",
        kind: Kind::Duration { min_ms: SECOND_MS, max_ms: 7 * DAY_MS },
        default: "5m",
        help_id: "Paling lama menunggu setelah gagal",
        help_en: "Longest wait after failures",
        ..OPT
    },
    Opt {
        table: "patience",
        key: "warn_after",
        kind: Kind::Duration { min_ms: MINUTE_MS, max_ms: 365 * DAY_MS },
        default: "3d",
        help_id: "Tanpa sambungan selama ini halaman kantor mulai mengingatkan",
        help_en: "After this long without a contact the office's page begins to remind",
        ..OPT
    },
    Opt {
        table: "patience",
        key: "error_after",
        kind: Kind::Duration { min_ms: MINUTE_MS, max_ms: 365 * DAY_MS },
        default: "7d",
        help_id: "Tanpa sambungan selama ini barulah dianggap masalah",
        help_en: "Only this long without a contact counts as a problem",
        ..OPT
    },
    Opt {
        table: "ui",
        key: "listen",
        default: "127.0.0.1:8710",
        help_id: "Alamat halaman kantor di komputer ini; kosong: tanpa halaman",
        help_en: "Address of the office's page on this PC; empty: no page",
        ..OPT
    },
    Opt {
        table: "ui",
        key: "it_contact",
        help_id: "Siapa yang ditelepon petugas bila ada masalah, misalnya Diskominfo 0251-…",
        help_en: "Whom a clerk calls when something is wrong, for example Diskominfo 0251-…",
        ..OPT
    },
    Opt {
        table: "ui",
        key: "idle_lock",
        kind: Kind::Duration { min_ms: SECOND_MS, max_ms: DAY_MS },
        default: "10m",
        help_id: "Di kantor yang orangnya ber-PIN: selama ini tanpa kegiatan, halaman meminta PIN lagi",
        help_en: "In an office whose people have PINs: after this long without activity the page asks for a PIN again",
        ..OPT
    },
    Opt {
        table: "receipt",
        key: "track",
        help_id: "Tempat warga melacak kodenya, dicetak pada tanda terima, misalnya https://lacak.kab.go.id/lacak",
        help_en: "Where citizens track their code, printed on the receipt, such as https://lacak.kab.go.id/lacak",
        ..OPT
    },
    Opt {
        table: "receipt",
        key: "unanswered",
        help_id: "Siapa yang dihubungi warga bila aduan tidak dijawab: atasan dan nomornya, Ombudsman",
        help_en: "Whom citizens turn to when no answer comes: the head and a number, the ombudsman",
        ..OPT
    },
    Opt {
        table: "kiosk",
        key: "listen",
        help_id: "Alamat kios survei untuk tablet di jaringan kantor, misalnya 0.0.0.0:8711; kosong: tanpa kios",
        help_en: "Address of the survey kiosk for tablets on the office's network, such as 0.0.0.0:8711; empty: none",
        ..OPT
    },
    Opt {
        table: "kiosk",
        key: "min_interval",
        kind: Kind::Duration { min_ms: 0, max_ms: MINUTE_MS },
        default: "3s",
        help_id: "Suara cepat yang lebih rapat dari ini ditandai dan tidak dihitung",
        help_en: "Quick votes closer together than this are marked and not counted",
        ..OPT
    },
    Opt {
        table: "kiosk",
        key: "reset_after",
        kind: Kind::Duration { min_ms: SECOND_MS, max_ms: 10 * MINUTE_MS },
        default: "15s",
        help_id: "Selama ini tanpa sentuhan, kios kembali ke awal",
        help_en: "After this long without a touch the kiosk goes back to its beginning",
        ..OPT
    },
    Opt {
        table: "store",
        key: "min_free",
        kind: Kind::BYTES,
        default: "500MiB",
        help_id: "Di bawah ruang kosong ini beranda, status dan doctor memperingatkan",
        help_en: "Below this free space the first page, status and doctor warn",
        ..OPT
    },
    Opt {
        table: "store",
        key: "keep_after_arrival",
        kind: Kind::Duration { min_ms: DAY_MS, max_ms: 36_500 * DAY_MS },
        default: "400d",
        help_id: "Isian survei dari komputer lain disimpan di sini selama ini setelah Aman; milik sendiri selamanya",
        help_en: "Survey answers of other PCs stay here for this long once they are Secured; own ones for good",
        ..OPT
    },
    Opt {
        table: "data",
        key: "day_max",
        kind: Kind::BYTES,
        default: "0",
        help_id: "Kuota data sehari lewat sambungan; 0: tanpa batas. Aduan mendesak tidak dibatasi",
        help_en: "Data budget of a day over the link; 0: no limit. Urgent complaints always go",
        ..OPT
    },
    Opt {
        table: "data",
        key: "month_max",
        kind: Kind::BYTES,
        default: "0",
        help_id: "Kuota data sebulan kalender; 0: tanpa batas",
        help_en: "Data budget of a calendar month; 0: no limit",
        ..OPT
    },
    Opt {
        table: "data",
        key: "metered",
        kind: Kind::Hours,
        default: "off",
        help_id: "Jam sambungan berbayar: lampiran dan kabar dari pusat menunggu. Misalnya 06:00-24:00; always: selalu",
        help_en: "Hours in which the link costs: attachments and news of the hub wait. Such as 06:00-24:00, or always",
        ..OPT
    },
    Opt {
        table: "data",
        key: "quiet",
        kind: Kind::Hours,
        default: "off",
        help_id: "Jam tenang: hanya aduan mendesak yang dikirim. Misalnya 22:00-05:00",
        help_en: "Quiet hours: only urgent complaints go. Such as 22:00-05:00",
        ..OPT
    },
    Opt {
        table: "attachments",
        key: "send",
        kind: Kind::OneOf(&["always", "when-idle", "never"]),
        default: "always",
        help_id: "Lampiran dikirim selalu, bila tidak ada yang lain menunggu, atau tidak lewat sambungan",
        help_en: "Attachments go always, when nothing else waits, or not over the link",
        ..OPT
    },
    Opt {
        table: "attachments",
        key: "keep_after_arrival",
        kind: Kind::Duration { min_ms: 0, max_ms: 36_500 * DAY_MS },
        default: "30d",
        help_id: "Lampiran tetap di komputer ini selama ini setelah sampai, dan selalu sampai Aman",
        help_en: "Attachments stay on this PC for this long after they arrived, and always until they are Secured",
        ..OPT
    },
    Opt {
        table: "attachments",
        key: "photo_side_max",
        kind: Kind::Whole { min: 0, max: 8_192 },
        default: "1280",
        unit: "px",
        help_id: "Sisi terpanjang foto yang dilampirkan, dalam piksel; 0: foto dibiarkan seperti aslinya",
        help_en: "Longest side of an attached photo, in pixels; 0: photos stay as they are",
        ..OPT
    },
    Opt {
        table: "attachments",
        key: "photo_quality",
        kind: Kind::Whole { min: 30, max: 95 },
        default: "75",
        help_id: "Mutu foto yang diperkecil (JPEG)",
        help_en: "Quality of photos that are made smaller (JPEG)",
        ..OPT
    },
    Opt {
        table: "update",
        key: "channel",
        kind: Kind::OneOf(&["hub", "off"]),
        default: "hub",
        help_id: "Pemutakhiran yang ditawarkan pusat diambil dan dipasang sendiri; off: hanya lewat paket atau update apply",
        help_en: "Updates that the hub offers are fetched and installed; off: only by packages or update apply",
        ..OPT
    },
    Opt {
        table: "update",
        key: "keys",
        default: match option_env!("KENTONGAN_UPDATE_KEYS") {
            Some(keys) => keys,
            None => "",
        },
        help_id: "Kunci publik minisign milik penerbit (RWQ…), dipisah koma; tanpa kunci tidak ada yang dipasang",
        help_en: "The publisher's public keys of minisign (RWQ…), parted by commas; without any nothing is installed",
        ..OPT
    },
    Opt {
        table: "inbox",
        key: "enabled",
        kind: Kind::Boolean,
        default: "true",
        help_id: "Ambil berkas yang diletakkan di folder masuk",
        help_en: "Take files that are dropped into the inbox folder",
        ..OPT
    },
    Opt {
        table: "inbox",
        key: "watch_dir",
        help_id: "Folder masuk; kosong: inbox di folder data",
        help_en: "The inbox folder; empty: inbox in the data folder",
        ..OPT
    },
    Opt {
        table: "inbox",
        key: "author",
        default: "impor",
        help_id: "Nama pengisi bila berkas tidak menyebutnya",
        help_en: "Who counts as the author where a file names none",
        ..OPT
    },
    logging::LEVEL,
    logging::FORMAT,
    logging::MAX_SIZE,
    logging::KEEP,
];

/// Reads the configuration of the installation in `dir`.
///
/// # Errors
/// Exit 2, naming file and line, and what would be right.
pub fn load(dir: &DataDir, named: Option<PathBuf>) -> Result<Settings, Failure> {
    Settings::load(Program::Agent, OPTIONS, &Sources::new(dir.config_file(), named))
}

/// How to reach the hub; `enrolled_url` is where it was at enrolment.
pub fn link(settings: &Settings, enrolled_url: &str) -> LinkSettings {
    let url = match settings.text("hub", "url") {
        "" => enrolled_url,
        url => url,
    };
    LinkSettings {
        url: url.to_owned(),
        proxy: settings.text("hub", "proxy").to_owned(),
        connect_timeout: settings.duration("hub", "connect_timeout"),
        idle_timeout: settings.duration("hub", "idle_timeout"),
    }
}

/// What may go over the link when, for an office in this zone.
pub fn rules(settings: &Settings, zone: Zone) -> Rules {
    Rules {
        zone,
        quiet: settings.hours("data", "quiet").clone(),
        metered: settings.hours("data", "metered").clone(),
        day_bytes: settings.bytes("data", "day_max"),
        month_bytes: settings.bytes("data", "month_max"),
        files: match settings.text("attachments", "send") {
            "never" => SendFiles::Never,
            "when-idle" => SendFiles::WhenIdle,
            _ => SendFiles::Always,
        },
    }
}

/// When to speak.
pub fn pacing(settings: &Settings) -> Pacing {
    let ms = |key| u64::try_from(settings.duration("sync", key).as_millis()).unwrap_or(u64::MAX);
    Pacing {
        interval_ms: ms("interval").max(rules(settings, Zone::default()).idle_interval_ms()),
        backoff_ms_max: ms("backoff_max"),
        jitter_percent: (settings.decimal("sync", "jitter") * 100.0) as u8,
    }
}

/// How photos are kept.
pub fn photos(settings: &Settings) -> Photos {
    let whole = |key| settings.whole("attachments", key);
    Photos {
        side_px: u32::try_from(whole("photo_side_max")).unwrap_or(0),
        quality: u8::try_from(whole("photo_quality")).unwrap_or(75),
    }
}

/// The inbox folder.
pub fn inbox_dir(settings: &Settings, dir: &DataDir) -> PathBuf {
    match settings.text("inbox", "watch_dir") {
        "" => dir.inbox(),
        named => PathBuf::from(named),
    }
}

/// Calls `on_change` whenever the configuration of the installation in `dir` may have changed, as long as the result
/// lives. Folders are watched, not files: editors replace a file rather than write to it.
///
/// # Errors
/// When the system refuses to watch; SIGHUP then remains.
pub fn watch(dir: &DataDir, on_change: impl Fn() + Send + 'static) -> notify::Result<RecommendedWatcher> {
    let file = dir.config_file();
    let (ours, more) = (file.clone(), conf_dir(&file));
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return on_change() };
        let concerns = event.paths.iter().any(|path| *path == ours || path.starts_with(&more));
        if concerns && !event.kind.is_access() {
            on_change();
        }
    })?;
    if let Some(folder) = file.parent() {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    let more = conf_dir(&file);
    if more.is_dir() {
        watcher.watch(&more, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}
