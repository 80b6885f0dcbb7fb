//! Every option of the hub, once: `hub.toml`, its sample, `config show` and the environment come from this table.

use std::path::PathBuf;
use std::time::Duration;

use kentongan_host::options::{Flag, Kind, Opt, Settings, Sources};
use kentongan_host::{DataDir, Failure, Program, logging};

use crate::alert::options::{self as alert_options, Alerts};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// The options, in the order of the sample file. `log.level`, `tls.client_cert_days`, `store.*`, `fleet.*`,
/// `metrics.per_office`, `alerts.*`, `mail.*`, `webhooks.*`, `calendar.*`, `survey.*`, `console.session`, `console.idle`, `console.two_factor`,
/// `limits.request_bytes` and `limits.stall` change while the hub runs, the others with its next start.
pub const OPTIONS: &[Opt] = &[
    Opt {
        table: "listen",
        key: "sync",
        kind: Kind::Text,
        default: "0.0.0.0:8743",
        unit: "",
        help_id: "Alamat dan port untuk kantor; port 0: pilih sendiri",
        help_en: "Address and port for offices; port 0: choose one",
        secret: false,
    },
    Opt {
        table: "listen",
        key: "sync_address",
        kind: Kind::Text,
        default: "",
        unit: "",
        help_id: "Alamat pusat bagi kantor, untuk lembar pendaftaran, misalnya https://hub.kab.go.id:8743; kosong: ditulis tangan",
        help_en: "The hub's address for offices, for enrolment sheets, e.g. https://hub.kab.go.id:8743; empty: written by hand",
        secret: false,
    },
    Opt {
        table: "listen",
        key: "metrics",
        kind: Kind::Text,
        default: "",
        unit: "",
        help_id: "Alamat dan port untuk Prometheus dan /readyz, misalnya 127.0.0.1:8744; kosong: tidak dilayani",
        help_en: "Address and port for Prometheus and /readyz, for example 127.0.0.1:8744; empty: not served",
        secret: false,
    },
    Opt {
        table: "listen",
        key: "public",
        kind: Kind::Text,
        default: "",
        unit: "",
        help_id: "Alamat dan port untuk warga (/lacak) dan program (/api), misalnya 127.0.0.1:8745; kosong: tidak dilayani",
        help_en: "Address and port for citizens (/lacak) and programs (/api), for example 127.0.0.1:8745; empty: not served",
        secret: false,
    },
    Opt {
        table: "listen",
        key: "console",
        kind: Kind::Text,
        default: "127.0.0.1:8742",
        unit: "",
        help_id: "Alamat dan port konsol untuk operator; kosong: tanpa konsol; port 0: pilih sendiri",
        help_en: "Address and port of the operators' console; empty: no console; port 0: choose one",
        secret: false,
    },
    Opt {
        table: "public",
        key: "behind_proxy",
        kind: Kind::Boolean,
        default: "false",
        unit: "",
        help_id: "Apakah proksi di depannya mengisi X-Forwarded-For; hanya bila semua harus lewat proksi itu",
        help_en: "Whether a proxy before it fills X-Forwarded-For; only if all must come through that proxy",
        secret: false,
    },
    Opt {
        table: "public",
        key: "open311_office",
        kind: Kind::Text,
        default: "",
        unit: "",
        help_id: "Kode kantor penerima aduan Open311 tanpa jurisdiction_id; kosong: jurisdiction_id wajib",
        help_en: "Code of the office that gets Open311 requests without jurisdiction_id; empty: it must be named",
        secret: false,
    },
    Opt {
        table: "tls",
        key: "client_cert_days",
        kind: Kind::Whole { min: 1, max: 3650 },
        default: "90",
        unit: "hari/days",
        help_id: "Masa berlaku sertifikat perangkat; diperbarui sendiri pada separuh jalan",
        help_en: "How long a device certificate holds; renewed by itself at half of it",
        secret: false,
    },
    Opt {
        table: "store",
        key: "min_free",
        kind: Kind::BYTES,
        default: "500MiB",
        unit: "",
        help_id: "Di bawah ruang kosong ini pusat berhenti menerima, supaya yang ada tetap aman",
        help_en: "Below this free space the hub stops accepting, so that what it has stays safe",
        secret: false,
    },
    Opt {
        table: "store",
        key: "backup_dir",
        kind: Kind::Text,
        default: "",
        unit: "",
        help_id: "Folder cadangan, sebaiknya di disk lain; kosong: folder backup di samping penyimpanan",
        help_en: "Folder for backups, better on another disk; empty: the folder backup beside the store",
        secret: false,
    },
    Opt {
        table: "store",
        key: "backup_at",
        kind: Kind::TimeOfDay,
        default: "02:00",
        unit: "",
        help_id: "Jam cadangan harian menurut jam mesin ini; off: tidak sendiri",
        help_en: "Time of the daily backup by this machine's clock; off: not by itself",
        secret: false,
    },
    Opt {
        table: "store",
        key: "backup_keep",
        kind: Kind::Whole { min: 1, max: 1_000 },
        default: "7",
        unit: "",
        help_id: "Sekian cadangan terbaru disimpan",
        help_en: "This many newest backups are kept",
        secret: false,
    },
    Opt {
        table: "fleet",
        key: "expected_interval",
        kind: Kind::Duration { min_ms: MINUTE_MS, max_ms: 30 * DAY_MS },
        default: "1d",
        unit: "",
        help_id: "Selang kontak yang diharapkan selama irama kantor belum dikenal; 1d: satu hari kerja",
        help_en: "How often an office is expected to be heard while its rhythm is not known; 1d: one working day",
        secret: false,
    },
    Opt {
        table: "fleet",
        key: "silent_after",
        kind: Kind::Duration { min_ms: MINUTE_MS, max_ms: 365 * DAY_MS },
        default: "3d",
        unit: "",
        help_id: "Paling cepat setelah ini sebuah kantor disebut sunyi; 3d: tiga hari kerja",
        help_en: "An office is called silent after this at the earliest; 3d: three working days",
        secret: false,
    },
    Opt {
        table: "fleet",
        key: "mass_silence_ratio",
        kind: Kind::Decimal { min: 0.01, max: 1.0 },
        default: "0.2",
        unit: "",
        help_id: "Bila bagian kantor sebesar ini hilang pada jam yang sama, mungkin pusat atau jaringan yang terganggu",
        help_en: "If this part of the offices goes missing in the same hour, it may be the hub or the network",
        secret: false,
    },
    Opt {
        table: "metrics",
        key: "per_office",
        kind: Kind::OneOf(&["auto", "on", "off"]),
        default: "auto",
        unit: "",
        help_id: "Metrik tiap kantor; auto: hanya sampai 2.000 kantor",
        help_en: "Metrics of each office; auto: with up to 2,000 offices only",
        secret: false,
    },
    Opt {
        table: "metrics",
        key: "token_file",
        kind: Kind::Text,
        default: "",
        unit: "",
        help_id: "Berkas berisi token yang harus dibawa Prometheus; kosong: siapa saja yang sampai ke alamat itu",
        help_en: "File with the token that Prometheus must bring; empty: whoever reaches that address",
        secret: false,
    },
    alert_options::LANGUAGE,
    alert_options::AFTER,
    alert_options::EVERY,
    alert_options::DIGEST_AT,
    alert_options::MAIL_SERVER,
    alert_options::MAIL_SECURITY,
    alert_options::MAIL_USER,
    alert_options::MAIL_PASSWORD_FILE,
    alert_options::MAIL_FROM,
    alert_options::MAIL_TO,
    alert_options::WEBHOOK_URLS,
    alert_options::WEBHOOK_SECRET_FILE,
    Opt {
        table: "calendar",
        key: "workdays",
        kind: Kind::Whole { min: 5, max: 7 },
        default: "5",
        unit: "hari/days",
        help_id: "Hari kerja seminggu bagi kantor yang belum menunjukkan lain; 5: Senin sampai Jumat",
        help_en: "Working days a week of an office that has not shown another; 5: Monday to Friday",
        secret: false,
    },
    Opt {
        table: "survey",
        key: "min_n",
        kind: Kind::Whole { min: 1, max: 1_000_000 },
        default: "30",
        unit: "",
        help_id: "Kantor dengan jawaban lengkap kurang dari ini tidak diberi peringkat",
        help_en: "Offices with fewer complete questionnaires than this are not ranked",
        secret: false,
    },
    Opt {
        table: "console",
        key: "address",
        kind: Kind::Text,
        default: "",
        unit: "",
        help_id: "Alamat konsol bagi orang bila ada perantara TLS di depannya: https://pusat.example.go.id",
        help_en: "Address of the console for people if a TLS proxy stands before it: https://pusat.example.go.id",
        secret: false,
    },
    Opt {
        table: "console",
        key: "session",
        kind: Kind::Duration { min_ms: MINUTE_MS, max_ms: 30 * DAY_MS },
        default: "12h",
        unit: "",
        help_id: "Paling lama sekian sebelum harus masuk lagi",
        help_en: "At most this long until one has to log in again",
        secret: false,
    },
    Opt {
        table: "console",
        key: "idle",
        kind: Kind::Duration { min_ms: MINUTE_MS, max_ms: DAY_MS },
        default: "30m",
        unit: "",
        help_id: "Tanpa kegiatan selama ini orang keluar sendiri dari konsol",
        help_en: "After this long without doing anything one is logged out",
        secret: false,
    },
    Opt {
        table: "console",
        key: "two_factor",
        kind: Kind::OneOf(&["optional", "admin", "everyone"]),
        default: "optional",
        unit: "",
        help_id: "Siapa yang wajib memakai langkah kedua (kode dari ponsel)",
        help_en: "Who must use a second factor (a code from a telephone)",
        secret: false,
    },
    Opt {
        table: "limits",
        key: "sessions",
        kind: Kind::Whole { min: 1, max: 100_000 },
        default: "4096",
        unit: "",
        help_id: "Sambungan yang dilayani sekaligus",
        help_en: "Connections served at once",
        secret: false,
    },
    Opt {
        table: "limits",
        key: "exchanges",
        kind: Kind::Whole { min: 1, max: 100_000 },
        default: "512",
        unit: "",
        help_id: "Pertukaran yang berjalan sekaligus; kantor yang tidak kebagian diberi tahu kapan kembali",
        help_en: "Exchanges under way at once; offices that find no place are told when to come back",
        secret: false,
    },
    Opt {
        table: "limits",
        key: "handshake",
        kind: Kind::Duration { min_ms: 1_000, max_ms: 10 * MINUTE_MS },
        default: "30s",
        unit: "",
        help_id: "Waktu untuk jabat tangan TLS dan permintaan pertama",
        help_en: "Time for the TLS handshake and the first request",
        secret: false,
    },
    Opt {
        table: "limits",
        key: "idle",
        kind: Kind::Duration { min_ms: 1_000, max_ms: DAY_MS },
        // Three contacts of an office that comes every five minutes may fail, and it still finds its connection open.
        default: "20m",
        unit: "",
        help_id: "Sambungan kantor yang diam selama ini ditutup; lebih cepat bila tempat hampir habis",
        help_en: "A connection of an office that is idle for this long is closed; sooner where places are scarce",
        secret: false,
    },
    Opt {
        table: "limits",
        key: "stall",
        kind: Kind::Duration { min_ms: 1_000, max_ms: HOUR_MS },
        default: "60s",
        unit: "",
        help_id: "Permintaan yang berhenti mengalir selama ini diputus",
        help_en: "A request that stops flowing for this long is cut",
        secret: false,
    },
    Opt {
        table: "limits",
        key: "request_bytes",
        kind: Kind::Bytes { min: 1 << 20, max: 1 << 30 },
        default: "16MiB",
        unit: "",
        help_id: "Ukuran terbesar satu permintaan",
        help_en: "Largest size of one request",
        secret: false,
    },
    Opt {
        table: "limits",
        key: "enrol_attempts",
        kind: Kind::Whole { min: 1, max: 10_000 },
        default: "20",
        unit: "/menit /minute",
        help_id: "Percobaan kode pendaftaran yang salah per menit, untuk seluruh pusat",
        help_en: "Wrong enrolment codes a minute, for the whole hub",
        secret: false,
    },
    Opt {
        table: "limits",
        key: "grace",
        kind: Kind::Duration { min_ms: 0, max_ms: 10 * MINUTE_MS },
        default: "10s",
        unit: "",
        help_id: "Waktu bagi pertukaran yang berjalan saat pusat dihentikan",
        help_en: "Time for running exchanges when the hub is stopped",
        secret: false,
    },
    logging::LEVEL,
    logging::FORMAT,
    logging::MAX_SIZE,
    logging::KEEP,
];

/// Whether metrics tell of each office.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerOffice {
    /// As long as there are not too many.
    Auto,
    /// Yes.
    On,
    /// No.
    Off,
}

/// Who must have a second factor at the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwoFactor {
    /// Whoever wants one.
    Optional,
    /// Admins.
    Admin,
    /// Everybody.
    Everyone,
}

/// What the running hub works by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where offices connect.
    pub listen: String,
    /// What offices reach it by, for sheets; empty: not told.
    pub sync_address: String,
    /// Where metrics and health are asked for; empty: nowhere.
    pub listen_metrics: String,
    /// Where citizens and programs ask; empty: nowhere.
    pub listen_public: String,
    /// Whether a proxy stands before that door, whose word for the address counts.
    pub behind_proxy: bool,
    /// Where operators connect; empty: nowhere.
    pub listen_console: String,
    /// The console's address for people, if a proxy stands before it.
    pub console_address: String,
    /// Longest time of a login, in milliseconds.
    pub console_session_ms: i64,
    /// Longest time of a login without use, in milliseconds.
    pub console_idle_ms: i64,
    /// Who must have a second factor.
    pub two_factor: TwoFactor,
    /// The office that gets Open311 requests which name none.
    pub open311_office: String,
    /// How long a new device certificate holds.
    pub client_cert_days: u32,
    /// Free bytes below which nothing is accepted.
    pub min_free_bytes: u64,
    /// Folder for backups; empty: beside the store.
    pub backup_dir: String,
    /// Time of the daily backup, `HH:MM`, or `off`.
    pub backup_at: String,
    /// Backups kept.
    pub backup_keep: usize,
    /// How often an office is expected to be heard, in milliseconds.
    pub expected_interval_ms: i64,
    /// After how long without contact an office is silent at the earliest, in milliseconds.
    pub silent_after_ms: i64,
    /// More of the offices missing at once, in percent, may be the hub's own trouble.
    pub mass_silence_percent: u8,
    /// Whether metrics tell of each office.
    pub per_office: PerOffice,
    /// File with the token for metrics; empty: none is asked for.
    pub metrics_token_file: String,
    /// Who is told what is the matter, and when.
    pub alerts: Alerts,
    /// Working days a week of an office that has not shown another.
    pub week_days: u8,
    /// Offices with fewer complete questionnaires than this are not ranked.
    pub survey_min_n: u64,
    /// Connections at once.
    pub sessions_max: usize,
    /// Exchanges under way at once.
    pub exchanges_max: usize,
    /// Time for a handshake, and for the first request.
    pub handshake: Duration,
    /// Time between two requests of a device.
    pub idle: Duration,
    /// Time without any byte of a request.
    pub stall: Duration,
    /// Largest request.
    pub request_bytes_max: u64,
    /// Wrong enrolment codes a minute.
    pub enrol_attempts: u32,
    /// Time for running exchanges at the end.
    pub grace: Duration,
}

impl Config {
    /// Reads it from checked settings.
    pub fn of(settings: &Settings) -> Config {
        let whole = |table, key| u32::try_from(settings.whole(table, key)).unwrap_or(u32::MAX);
        let ms = |table, key| i64::try_from(settings.duration(table, key).as_millis()).unwrap_or(i64::MAX);
        Config {
            listen: settings.text("listen", "sync").to_owned(),
            sync_address: settings.text("listen", "sync_address").to_owned(),
            listen_metrics: settings.text("listen", "metrics").to_owned(),
            listen_public: settings.text("listen", "public").to_owned(),
            open311_office: settings.text("public", "open311_office").to_owned(),
            behind_proxy: settings.boolean("public", "behind_proxy"),
            listen_console: settings.text("listen", "console").to_owned(),
            console_address: settings.text("console", "address").trim_end_matches('/').to_owned(),
            console_session_ms: ms("console", "session"),
            console_idle_ms: ms("console", "idle"),
            two_factor: match settings.text("console", "two_factor") {
                "everyone" => TwoFactor::Everyone,
                "admin" => TwoFactor::Admin,
                _ => TwoFactor::Optional,
            },
            client_cert_days: whole("tls", "client_cert_days"),
            min_free_bytes: settings.bytes("store", "min_free"),
            backup_dir: settings.text("store", "backup_dir").to_owned(),
            backup_at: settings.text("store", "backup_at").to_owned(),
            backup_keep: whole("store", "backup_keep") as usize,
            expected_interval_ms: ms("fleet", "expected_interval"),
            silent_after_ms: ms("fleet", "silent_after"),
            mass_silence_percent: (settings.decimal("fleet", "mass_silence_ratio") * 100.0).round() as u8,
            per_office: match settings.text("metrics", "per_office") {
                "on" => PerOffice::On,
                "off" => PerOffice::Off,
                _ => PerOffice::Auto,
            },
            metrics_token_file: settings.text("metrics", "token_file").to_owned(),
            alerts: Alerts::of(settings),
            week_days: u8::try_from(settings.whole("calendar", "workdays")).unwrap_or(5),
            survey_min_n: u64::from(whole("survey", "min_n")),
            sessions_max: whole("limits", "sessions") as usize,
            exchanges_max: whole("limits", "exchanges") as usize,
            handshake: settings.duration("limits", "handshake"),
            idle: settings.duration("limits", "idle"),
            stall: settings.duration("limits", "stall"),
            request_bytes_max: settings.bytes("limits", "request_bytes"),
            enrol_attempts: whole("limits", "enrol_attempts"),
            grace: settings.duration("limits", "grace"),
        }
    }

    /// Whether everything that a running hub cannot change is the same in both.
    pub fn holds_until_restart(&self, other: &Config) -> bool {
        let fixed = |config: &Config| {
            let Config { listen, listen_metrics, listen_public, metrics_token_file, .. } = config.clone();
            let Config { sessions_max, handshake, idle, enrol_attempts, grace, .. } = *config;
            let doors = (listen, listen_metrics, listen_public, metrics_token_file);
            let console = (config.listen_console.clone(), config.console_address.clone());
            (doors, console, sessions_max, handshake, idle, enrol_attempts, grace)
        };
        fixed(self) == fixed(other)
    }

    /// The built-in values.
    pub fn built_in() -> Config {
        Config::of(&Settings::built_in(Program::Hub, OPTIONS))
    }
}

/// Where the settings of this installation come from.
pub fn sources(dir: &DataDir, named: Option<PathBuf>, flags: Vec<Flag>) -> Sources {
    let named = named.or_else(|| std::env::var_os("KENTONGAN_CONFIG").map(PathBuf::from));
    let mut sources = Sources::new(dir.config_file(), named);
    sources.flags = flags;
    sources
}

/// Reads them.
///
/// # Errors
/// Exit 2, naming file and line and what would be right.
pub fn load(sources: &Sources) -> Result<Settings, Failure> {
    let settings = Settings::load(Program::Hub, OPTIONS, sources)?;
    alert_options::check(&settings)?;
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kentongan_host::options::sample;

    #[test]
    fn the_built_in_values_hold_and_the_sample_shows_every_option_in_both_languages() {
        let config = Config::built_in();
        assert_eq!((config.client_cert_days, config.min_free_bytes), (90, 500 << 20));
        let sample = sample(Program::Hub, OPTIONS);
        for opt in OPTIONS {
            let table = format!("[{}]\n", opt.table);
            assert_eq!(sample.matches(&table).count(), 1, "a table that begins twice cannot be read: {table}");
            assert!(sample.contains(&format!("#{} = ", opt.key)), "{}", opt.name());
            assert!(sample.contains(opt.help_id) && sample.contains(opt.help_en), "{}", opt.name());
            assert_eq!(sample.matches(&format!("\n[{}]\n", opt.table)).count(), 1, "TOML takes a table once");
            assert_ne!(opt.help_id, opt.help_en);
        }
    }

    #[test]
    fn a_misspelt_option_is_refused_with_a_suggestion() {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Hub, temp.path());
        std::fs::write(dir.config_file(), "[limits]\nsession = 5\n").expect("write");
        let sources = Sources { file: dir.config_file(), file_named: true, environment: Vec::new(), flags: Vec::new() };
        let failure = load(&sources).expect_err("refused");
        assert!(failure.message.contains("sessions"), "{}", failure.message);
    }
}
