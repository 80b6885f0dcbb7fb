//! What can be typed, with its help in both languages.
//!
//! Help texts are chosen when the command is built, so the language must be set before parsing; see
//! [`crate::cli::run`].

mod alert;
mod backup;
mod bundle;
mod calendar;
mod office;
mod operator;
mod store;
mod survey;
mod update;
mod work;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use kentongan_host::cli::{Common, SupportArgs, t};
use kentongan_host::help::HelpArgs;

pub(crate) use alert::AlertCommand;
pub(crate) use backup::BackupCommand;
pub(crate) use bundle::BundleCommand;
pub(crate) use calendar::CalendarCommand;
pub(crate) use office::{CodeCommand, EnrolCommand, OfficeCommand, RequestCommand, StateFilter};
pub(crate) use operator::{OperatorCommand, RoleArg};
pub(crate) use store::StoreCommand;
pub(crate) use survey::{IndexArgs, SurveyCommand};
pub(crate) use update::UpdateCommand;
pub(crate) use work::{
    ComplaintCommand, ConflictCommand, ExportArgs, ExportFormat, ExportProfile, ExportWhat, QuarantineCommand,
};

/// Examples, as they stand at the end of a help page.
fn examples(lines: &[&str]) -> String {
    kentongan_host::cli::examples("kentongan-hub", lines)
}

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "kentongan-hub",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    about = t(
        "Pusat Kentongan: menggabungkan catatan dari semua kantor.",
        "The Kentongan hub: merges what all offices write.",
    ),
    after_help = examples(&["init --data ./pusat", "serve --data ./pusat", "status --data ./pusat"]),
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(
        about = t("Menyiapkan folder, sertifikat dan penyimpanan", "Make the folder, certificates and store"),
        after_help = examples(&["init --data ./pusat", "init --data ./pusat --name \"Diskominfo Kab. Contoh\" --json"]),
    )]
    Init(InitArgs),
    #[command(
        about = t("Menjalankan pusat", "Run the hub"),
        after_help = examples(&["serve --data ./pusat", "serve --data ./pusat --listen 127.0.0.1:0"]),
    )]
    Serve(ServeArgs),
    #[command(
        about = t(
            "Pusat dan tiga kantor di komputer ini, dalam dua puluh detik",
            "A hub and three offices on this machine, in twenty seconds",
        ),
        after_help = examples(&["demo", "demo --quick", "demo --quick --json"]),
    )]
    Demo(DemoArgs),
    #[command(
        about = t("Keadaan pusat dalam satu layar", "The state of the hub on one screen"),
        after_help = examples(&["status --data ./pusat", "status --data ./pusat --json"]),
    )]
    Status,
    #[command(
        about = t("Semua kantor sekilas, dan apa yang perlu ditindak", "All offices at a glance, and what needs to be done"),
        after_help = examples(&["fleet", "fleet --csv > tindakan.csv", "fleet --json"]),
    )]
    Fleet(FleetArgs),
    #[command(subcommand, about = t("Kantor dan perangkatnya", "Offices and their devices"))]
    Office(OfficeCommand),
    #[command(subcommand, about = t("Pendaftaran perangkat", "Enrolment of devices"))]
    Enrol(EnrolCommand),
    #[command(subcommand, about = t("Kiriman yang dibawa dengan flashdisk", "What is carried here by USB stick"))]
    Bundle(BundleCommand),
    #[command(subcommand, about = t("Hari libur dan hari kerja", "Holidays and working days"))]
    Calendar(CalendarCommand),
    #[command(subcommand, about = t("Pengaduan", "Complaints"))]
    Complaint(ComplaintCommand),
    #[command(subcommand, about = t("Survei kepuasan masyarakat", "Public satisfaction surveys"))]
    Survey(SurveyCommand),
    #[command(subcommand, about = t("Perubahan yang bentrok", "Changes that conflict"))]
    Conflict(ConflictCommand),
    #[command(subcommand, about = t("Catatan yang disisihkan", "Records set aside"))]
    Quarantine(QuarantineCommand),
    #[command(
        about = t("Mengeluarkan catatan, satu per baris", "Write records out, one a line"),
        after_help = examples(&[
            "export complaints --data ./pusat --format xlsx --output aduan.xlsx",
            "export surveys --data ./pusat --since 2026-11-01 | head",
        ]),
    )]
    Export(ExportArgs),
    #[command(subcommand, about = t("Cadangan pusat", "Backups of the hub"))]
    Backup(BackupCommand),
    #[command(subcommand, about = t("Pemutakhiran program di kantor", "Updates of offices' programs"))]
    Update(UpdateCommand),
    #[command(subcommand, about = t("Penyimpanan yang rusak", "A damaged store"))]
    Store(StoreCommand),
    #[command(subcommand, about = t("Peringatan lewat surel dan webhook", "Alerts by e-mail and webhook"))]
    Alert(AlertCommand),
    #[command(subcommand, about = t("Jejak audit", "Audit trail"))]
    Audit(AuditCommand),
    #[command(
        subcommand,
        visible_alias = "user",
        about = t("Orang di konsol: undangan, peran", "People at the console: invitations, roles"),
    )]
    Operator(OperatorCommand),
    #[command(subcommand, about = t("Pengaturan", "Configuration"))]
    Config(ConfigCommand),
    #[command(subcommand, about = t("Kunci untuk program", "Keys for programs"))]
    Key(KeyCommand),
    #[command(
        about = t("Uraian API dalam OpenAPI 3.1", "The API described in OpenAPI 3.1"),
        after_help = examples(&["openapi > kentongan.openapi.json"]),
    )]
    Openapi,
    #[command(subcommand, about = t("Berkas untuk Prometheus dan Grafana", "Files for Prometheus and Grafana"))]
    Metrics(MetricsCommand),
    #[command(
        about = t("Semua berkas dan folder yang dipakai", "Every file and folder in use"),
        after_help = examples(&["paths --data ./pusat", "paths --json"]),
    )]
    Paths,
    #[command(
        about = t("Memeriksa pusat ini, satu saran tiap temuan", "Check this hub, with one next step each"),
        after_help = examples(&["doctor --data ./pusat", "doctor --data ./pusat --json"]),
    )]
    Doctor,
    #[command(
        name = "support-bundle",
        visible_alias = "support",
        about = t("Paket bantuan tanpa data orang", "A bundle for whoever helps, without anybody's data"),
        after_help = examples(&["support-bundle --list", "support-bundle -o bantuan.zip --since 2d"]),
    )]
    SupportBundle(SupportArgs),
    #[command(
        about = t("Kejadian terakhir", "The last events"),
        after_help = examples(&["logs --data ./pusat", "logs --data ./pusat -n 50 --level warn"]),
    )]
    Logs(LogsArgs),
    #[command(
        about = t("Versi program", "Version of the program"),
        after_help = examples(&["version", "version --json"]),
    )]
    Version,
    #[command(
        about = t("Bantuan perintah atau kode KTG", "Help on a command or a KTG code"),
        after_help = examples(&["help KTG-104", "help office add"]),
    )]
    Help(HelpArgs),
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    #[arg(long, default_value = "", help = t("Nama pusat ini untuk orang", "Name of this hub, for people"))]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    #[arg(long, help = t("Selesai sendiri setelah cerita", "End by itself after the story"))]
    pub(crate) quick: bool,
    #[arg(long, value_name = "DIR", help = t("Simpan semuanya di folder ini", "Keep everything in this folder"))]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[arg(
        long,
        value_name = "ADDR:PORT",
        help = t("Alamat untuk kantor; port 0: pilih sendiri", "Address for offices; port 0: choose one"),
    )]
    pub(crate) listen: Option<String>,
    #[arg(
        long,
        value_parser = ["json", "text"],
        help = t("Bentuk catatan kejadian di stderr", "Form of the event log on stderr"),
    )]
    pub(crate) log_format: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct FleetArgs {
    #[arg(long, default_value_t = 20, help = t("Paling banyak sekian tindakan", "At most this many actions"))]
    pub(crate) limit: usize,
    #[arg(long, help = t("Semua tindakan sebagai CSV", "All actions as CSV"))]
    pub(crate) csv: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    #[command(
        about = t("Entri terakhir", "The last entries"),
        after_help = examples(&["audit list", "audit list --limit 200 --json"]),
    )]
    List {
        #[arg(long, default_value_t = 50, help = t("Paling banyak sekian", "At most this many"))]
        limit: u32,
    },
    #[command(
        about = t("Memeriksa rantai seutuhnya", "Check the whole chain"),
        after_help = examples(&["audit verify"]),
    )]
    Verify,
    #[command(
        about = t("Semua entri, satu per baris", "All entries, one a line"),
        after_help = examples(&["audit export --output audit.jsonl"]),
    )]
    Export {
        #[arg(short, long, value_name = "FILE", help = t("Ke berkas ini", "To this file"))]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    #[command(
        about = t("Nilai yang berlaku", "Values in effect"),
        after_help = examples(&["config show", "config show --origin --json"]),
    )]
    Show {
        #[arg(long, help = t("Dengan asal tiap nilai", "With the origin of each value"))]
        origin: bool,
    },
    #[command(
        about = t("Memeriksa berkas pengaturan", "Check the configuration file"),
        after_help = examples(&["config check", "config check -c hub.toml"]),
    )]
    Check,
    #[command(
        about = t("Contoh berkas pengaturan lengkap", "A complete sample file"),
        after_help = examples(&["config sample > hub.toml"]),
    )]
    Sample,
    #[command(about = t("Letak berkas pengaturan", "Where the file is"), after_help = examples(&["config path"]))]
    Path,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    #[command(
        about = t("Membuat kunci; hanya sekali ini terlihat utuh", "Make a key; it is shown in full this once"),
        after_help = examples(&["key create --name \"Aplikasi warga\" --scope complaints:write --expires 90"]),
    )]
    Create {
        #[arg(long, help = t("Nama program", "Name of the program"))]
        name: String,
        #[arg(long = "scope", required = true, value_name = "SCOPE", help = t("Wewenang; boleh diulang", "What it allows; may be repeated"))]
        scopes: Vec<String>,
        #[arg(
            long,
            value_name = "DAYS",
            default_value_t = 365,
            value_parser = clap::value_parser!(u64).range(1..=3650),
            help = t("Berlaku sekian hari", "For so many days"),
        )]
        expires: u64,
    },
    #[command(about = t("Semua kunci", "All keys"), after_help = examples(&["key list"]))]
    List,
    #[command(about = t("Mencabut kunci", "Take a key back"), after_help = examples(&["key revoke 0a1b2c3d"]))]
    Revoke {
        #[arg(help = t("Nomor kunci", "Number of the key"))]
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MetricsCommand {
    #[command(
        about = t("Aturan peringatan Prometheus", "Alert rules for Prometheus"),
        after_help = examples(&["metrics rules > kentongan.rules.yml"]),
    )]
    Rules,
    #[command(
        about = t("Dasbor Grafana", "A dashboard for Grafana"),
        after_help = examples(&["metrics dashboard > kentongan.json"]),
    )]
    Dashboard,
    #[command(
        about = t("Bagian prometheus.yml yang membaca pusat", "The part of prometheus.yml that reads the hub"),
        after_help = examples(&["metrics scrape-config"]),
    )]
    ScrapeConfig,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    #[arg(short = 'n', long, default_value_t = 30, help = t("Sekian baris terakhir", "This many last lines"))]
    pub(crate) lines: usize,
    #[arg(
        long,
        value_name = "LEVEL",
        help = t("Mulai tingkat ini: error, warn, info, debug", "From this level on: error, warn, info, debug"),
    )]
    pub(crate) level: Option<String>,
    #[arg(short, long, help = t("Tunggu kejadian berikutnya", "Wait for further events"))]
    pub(crate) follow: bool,
}
