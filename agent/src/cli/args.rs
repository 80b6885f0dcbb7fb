//! What can be typed, with its help in both languages.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use kentongan_host::cli::{Common, SupportArgs, duration, examples, t};
use kentongan_host::help::HelpArgs;

fn agent_examples(lines: &[&str]) -> String {
    examples("kentongan-agent", lines)
}

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "kentongan-agent",
    version,
    disable_help_subcommand = true,
    infer_subcommands = false,
    max_term_width = 100,
    about = t(
        "Agen Kentongan: menyimpan aduan dan survei di kantor, dan membawanya ke pusat.",
        "The Kentongan agent: keeps an office's complaints and surveys safe, and carries them to the hub."
    ),
    after_help = agent_examples(&["enrol --hub https://hub.kab.go.id:8743 --code XXXX-XXXX-XXXX-XXXX-XXXX", "run", "status"]),
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(
        about = t("Menjalankan layanan (dipakai oleh sistem)", "Run the service (what the system starts)"),
        after_help = agent_examples(&["run", "run --data ./kantor --log-format text"]),
    )]
    Run(RunArgs),
    #[command(
        about = t("Membuka halaman kantor di peramban", "Open the office's page in the browser"),
        after_help = agent_examples(&["open", "open --json"]),
    )]
    Open,
    #[command(
        about = t("Keadaan dalam satu layar", "How everything stands, on one screen"),
        after_help = agent_examples(&["status", "status --json", "status --check", "status --wait arrived --timeout 60s"]),
    )]
    Status(StatusArgs),
    #[command(
        about = t("Menghubungi pusat sekarang", "Talk to the hub now"),
        after_help = agent_examples(&["sync", "sync --wait --json"]),
    )]
    Sync(SyncArgs),
    #[command(subcommand, about = t("Apa yang menunggu, dan mengapa", "What waits, and why"))]
    Queue(QueueCommand),
    #[command(
        about = t("Keadaan satu kode tanda terima", "State of one receipt code"),
        after_help = agent_examples(&["track KTG-7K3M-Q2H9D-R", "track 7k3mq2h9dr --json"]),
    )]
    Track(TrackArgs),
    #[command(subcommand, about = t("Mengisi dan mengubah catatan dari baris perintah", "Enter and change records from the command line"))]
    Record(RecordCommand),
    #[command(
        about = t("Mendaftar ke pusat dengan kode sekali pakai", "Join a hub with a one-time code"),
        after_help = agent_examples(&[
            "enrol --hub https://hub.kab.go.id:8743 --code XXXX-XXXX-XXXX-XXXX-XXXX",
            "enrol --file enrol.toml",
            "enrol --hub https://hub.kab.go.id:8743 --code XXXX-XXXX-XXXX-XXXX-XXXX --offline-request permintaan.json",
            "enrol --offline-answer jawaban.json",
        ]),
    )]
    Enrol(EnrolArgs),
    #[command(
        about = t("Keluar dari pusat; ditolak bila masih ada yang belum sampai", "Leave the hub; refused while anything has not arrived"),
        after_help = agent_examples(&["unenrol", "unenrol --force-with-unsent 3"]),
    )]
    Unenrol(UnenrolArgs),
    #[command(
        name = "prepare-image",
        about = t("Menghapus identitas dan catatan sebelum komputer ini disalin", "Remove identity and records before this PC is cloned"),
        after_help = agent_examples(&["prepare-image", "prepare-image --yes"]),
    )]
    PrepareImage(ImageArgs),
    #[cfg(windows)]
    #[command(subcommand, about = t("Layanan Windows (dipakai oleh pemasang)", "The Windows service (what installers call)"))]
    Service(ServiceCommand),
    #[command(
        about = t(
            "Mengambil baris dari berkas CSV, JSON lines atau XLSX, atau jawaban pusat (.ktga)",
            "Take rows of a CSV, JSON lines or XLSX file, or the hub's answer to a bundle (.ktga)",
        ),
        after_help = agent_examples(&[
            "import aduan.csv",
            "import lama.jsonl --map peta.toml --json",
            "import /media/usb/ktg-32.73.05.1001-0a1b2c3d.ktga",
        ]),
    )]
    Import(ImportArgs),
    #[command(
        about = t(
            "Menulis semua yang menunggu ke satu berkas tersegel, untuk dibawa ke pusat",
            "Write all that waits into one sealed file, to be carried to the hub",
        ),
        after_help = agent_examples(&["export --to /media/usb", "export --to /media/usb --json"]),
    )]
    Export(ExportArgs),
    #[command(subcommand, about = t("Orang-orang di kantor ini dan PIN mereka", "The people of this office and their PINs"))]
    User(UserCommand),
    #[command(subcommand, about = t("Tablet di loket: kios survei", "Tablets at the counter: the survey kiosk"))]
    Kiosk(KioskCommand),
    #[command(subcommand, about = t("Pengaturan", "Configuration"))]
    Config(ConfigCommand),
    #[command(subcommand, about = t("Pemutakhiran program ini, bertanda tangan penerbit", "Updates of this program, signed by its publisher"))]
    Update(UpdateCommand),
    #[command(
        about = t("Semua berkas dan folder yang dipakai", "Every file and folder in use"),
        after_help = agent_examples(&["paths", "paths --json"]),
    )]
    Paths,
    #[command(about = t("Versi program", "Version of the program"), after_help = agent_examples(&["version", "version --json"]))]
    Version,
    #[command(
        about = t("Memeriksa komputer ini, satu saran tiap temuan", "Check this PC, with one next step each"),
        after_help = agent_examples(&["doctor", "doctor --only net,clock", "doctor --json"]),
    )]
    Doctor(DoctorArgs),
    #[command(
        name = "support-bundle",
        visible_alias = "support",
        about = t("Paket bantuan tanpa data orang", "A bundle for whoever helps, without anybody's data"),
        after_help = agent_examples(&["support-bundle --list", "support-bundle -o bantuan.zip --since 2d"]),
    )]
    SupportBundle(SupportArgs),
    #[command(
        about = t("Kejadian terakhir", "The last events"),
        after_help = agent_examples(&["logs", "logs -f --level warn", "logs --since 2h"]),
    )]
    Logs(LogsArgs),
    #[command(
        about = t("Bantuan perintah atau kode KTG", "Help on a command or a KTG code"),
        after_help = agent_examples(&["help KTG-104", "help import"]),
    )]
    Help(HelpArgs),
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[arg(long, value_name = "json|text", help = t("Bentuk catatan di stderr", "Form of the log on stderr"))]
    pub(super) log_format: Option<String>,
    #[cfg(windows)]
    #[arg(long, help = t("Dijalankan oleh pengelola layanan Windows", "Started by the service manager of Windows"))]
    pub(super) service: bool,
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[arg(long, help = t("Kode keluar menurut keadaan", "Exit code by what is found"))]
    pub(super) check: bool,
    #[arg(long, num_args = 0..=1, default_missing_value = "arrived", value_name = "arrived", value_parser = ["arrived"],
        help = t("Tunggu sampai semua sampai", "Wait until everything has arrived"))]
    pub(super) wait: Option<String>,
    #[arg(long, conflicts_with = "wait", help = t("Tampilkan lagi setiap dua detik", "Show it again every two seconds"))]
    pub(super) watch: bool,
    #[arg(long, default_value = "60s", value_name = "5s|2m", value_parser = duration, help = t("Paling lama menunggu", "Longest wait"))]
    pub(super) timeout: std::time::Duration,
}

#[derive(Debug, Args)]
pub(super) struct SyncArgs {
    #[arg(long, help = t("Tunggu sampai selesai", "Wait until it has ended"))]
    pub(super) wait: bool,
    #[arg(long, default_value = "10m", value_name = "5s|2m", value_parser = duration, help = t("Paling lama menunggu", "Longest wait"))]
    pub(super) timeout: std::time::Duration,
}

#[derive(Debug, Subcommand)]
pub(super) enum QueueCommand {
    #[command(
        about = t("Daftar catatan: yang perlu perhatian dulu", "List of records: what needs attention first"),
        after_help = agent_examples(&["queue list", "queue list --state queued --limit 20 --json"]),
    )]
    List(QueueListArgs),
    #[command(about = t("Satu catatan", "One record"), after_help = agent_examples(&["queue show KTG-7K3M-Q2H9D-R"]))]
    Show(RecordArgs),
}

#[derive(Debug, Args)]
pub(super) struct QueueListArgs {
    #[arg(long, value_name = "queued|arrived|rejected", help = t("Hanya keadaan ini", "Only this state"))]
    pub(super) state: Option<String>,
    #[arg(long, value_name = "FORM", help = t("Hanya formulir ini", "Only this form"))]
    pub(super) kind: Option<String>,
    #[arg(long, default_value_t = 100, value_name = "N", help = t("Paling banyak sekian", "At most this many"))]
    pub(super) limit: u32,
}

#[derive(Debug, Args)]
pub(super) struct RecordArgs {
    #[arg(value_name = "ID|CODE", help = t("Id atau kode tanda terima", "Id or receipt code"))]
    pub(super) record: String,
}

#[derive(Debug, Args)]
pub(super) struct TrackArgs {
    #[arg(value_name = "CODE", help = t("Kode tanda terima", "Receipt code"))]
    pub(super) code: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum RecordCommand {
    #[command(
        about = t("Mengisi catatan baru", "Enter a new record"),
        after_help = agent_examples(&["record add pengaduan uraian=\"Lampu jalan padam\" kategori=sarana_prasarana kanal=tatap_muka"]),
    )]
    Add(AddArgs),
    #[command(
        about = t("Mengubah bidang catatan", "Change fields of a record"),
        after_help = agent_examples(&["record edit KTG-7K3M-Q2H9D-R kategori=infrastruktur"]),
    )]
    Edit(EditArgs),
    #[command(
        about = t("Melampirkan foto atau PDF", "Attach photos or PDFs"),
        after_help = agent_examples(&["record attach KTG-7K3M-Q2H9D-R kuitansi.jpg surat.pdf", "record attach KTG-7K3M-Q2H9D-R foto/*.jpg --json"]),
    )]
    Attach(AttachArgs),
    #[command(about = t("Menampilkan catatan", "Show a record"), after_help = agent_examples(&["record show KTG-7K3M-Q2H9D-R --json"]))]
    Show(RecordArgs),
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    #[arg(value_name = "FORM", help = t("pengaduan atau skm", "pengaduan (complaint) or skm (survey)"))]
    pub(super) form: String,
    #[arg(value_name = "FIELD=VALUE", value_parser = field_value, help = t("Isi bidang", "Values of fields"))]
    pub(super) values: Vec<(String, String)>,
    #[arg(long, default_value = "petugas", help = t("Siapa yang mengisi", "Who enters it"))]
    pub(super) author: String,
}

#[derive(Debug, Args)]
pub(super) struct EditArgs {
    #[arg(value_name = "ID|CODE", help = t("Id atau kode tanda terima", "Id or receipt code"))]
    pub(super) record: String,
    #[arg(required = true, value_name = "FIELD=VALUE", value_parser = field_value, help = t("Isi bidang; kosong menghapus", "Values of fields; empty removes"))]
    pub(super) values: Vec<(String, String)>,
    #[arg(long, default_value = "petugas", help = t("Siapa yang mengubah", "Who changes it"))]
    pub(super) author: String,
}

#[derive(Debug, Args)]
pub(super) struct AttachArgs {
    #[arg(value_name = "ID|CODE", help = t("Id atau kode tanda terima", "Id or receipt code"))]
    pub(super) record: String,
    #[arg(required = true, value_name = "FILE", help = t("Foto (JPEG, PNG, WebP) atau PDF", "Photos (JPEG, PNG, WebP) or PDFs"))]
    pub(super) files: Vec<PathBuf>,
    #[arg(long, default_value = "petugas", help = t("Siapa yang melampirkan", "Who attaches them"))]
    pub(super) author: String,
}

#[derive(Debug, Args)]
pub(super) struct EnrolArgs {
    #[arg(long, value_name = "URL", required_unless_present_any = ["file", "offline_answer"], help = t("Alamat pusat, https://…", "Address of the hub, https://…"))]
    pub(super) hub: Option<String>,
    #[arg(long, value_name = "CODE", required_unless_present_any = ["file", "offline_answer"], help = t("Kode sekali pakai", "One-time code"))]
    pub(super) code: Option<String>,
    #[arg(long, value_name = "FILE", help = t("Berkas dengan hub dan code", "File that holds hub and code"))]
    pub(super) file: Option<PathBuf>,
    #[arg(long, value_name = "FILE", help = t("Tanpa sambungan: tulis permintaan untuk dibawa ke pusat", "Without a line: write a request to be carried to the hub"))]
    pub(super) offline_request: Option<PathBuf>,
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hub", "code", "file", "offline_request"], help = t("Tanpa sambungan: terima jawaban dari pusat", "Without a line: take the hub's answer"))]
    pub(super) offline_answer: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct UnenrolArgs {
    #[arg(long, value_name = "N", help = t("Keluar walau N perubahan belum sampai", "Leave although N changes have not arrived"))]
    pub(super) force_with_unsent: Option<u64>,
    #[arg(long, help = t("Tanpa bertanya", "Without asking"))]
    pub(super) yes: bool,
}

#[derive(Debug, Args)]
pub(super) struct ImageArgs {
    #[arg(long, help = t("Tanpa bertanya", "Without asking"))]
    pub(super) yes: bool,
}

/// The service of Windows.
#[cfg(windows)]
#[derive(Debug, Subcommand)]
pub(super) enum ServiceCommand {
    #[command(
        about = t("Memasang layanan, dan folder data untuk layanan itu saja", "Register the service, with a data folder for it alone"),
        after_help = agent_examples(&[
            "service install --hub https://hub.kab.go.id:8743 --code XXXX-XXXX-XXXX-XXXX-XXXX",
            "service install --file enrol.toml --port 8711",
        ]),
    )]
    Install(InstallArgs),
    #[command(
        about = t("Melepas layanan; ditolak bila masih ada yang belum sampai. Data tetap ada", "Take the service away; refused while anything has not arrived. Data stays"),
        after_help = agent_examples(&["service uninstall", "service uninstall --purge", "service uninstall --force-with-unsent 3"]),
    )]
    Uninstall(UninstallArgs),
    #[command(about = t("Menjalankan layanan", "Start the service"), after_help = agent_examples(&["service start"]))]
    Start,
    #[command(about = t("Menghentikan layanan", "Stop the service"), after_help = agent_examples(&["service stop"]))]
    Stop,
    #[command(about = t("Menghentikan lalu menjalankan layanan", "Stop the service, then start it"), after_help = agent_examples(&["service restart"]))]
    Restart,
}

/// Empty values count as none: installers pass on properties that nobody set.
#[cfg(windows)]
#[derive(Debug, Args)]
pub(super) struct InstallArgs {
    #[arg(long, value_name = "URL", help = t("Mendaftar ke pusat ini saat layanan pertama jalan", "Join this hub when the service first runs"))]
    pub(super) hub: Option<String>,
    #[arg(long, value_name = "CODE", help = t("Kode sekali pakai", "One-time code"))]
    pub(super) code: Option<String>,
    #[arg(long, value_name = "FILE", help = t("Berkas dengan hub dan code", "File that holds hub and code"))]
    pub(super) file: Option<String>,
    #[arg(long, value_name = "PORT", help = t("Port halaman kantor", "Port of the office's page"))]
    pub(super) port: Option<String>,
}

#[cfg(windows)]
#[derive(Debug, Args)]
pub(super) struct UninstallArgs {
    #[arg(long, help = t("Hanya memeriksa apakah boleh", "Only look whether it may be done"))]
    pub(super) check: bool,
    #[arg(long, help = t("Hapus juga folder data", "Delete the data folder too"))]
    pub(super) purge: bool,
    #[arg(long, value_name = "N", help = t("Lepas walau N perubahan belum sampai", "Go on although N changes have not arrived"))]
    pub(super) force_with_unsent: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[arg(long, value_name = "DIR", help = t("Ke folder ini, misalnya flashdisk", "Into this folder, such as a USB stick"))]
    pub(super) to: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[arg(value_name = "FILE", help = t("Berkas", "The file"))]
    pub(super) file: PathBuf,
    #[arg(long, value_name = "MAP.toml", help = t("Peta kolom; tanpa ini dicari di samping berkas", "Mapping of columns; else looked for beside the file"))]
    pub(super) map: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum KioskCommand {
    #[command(
        about = t("Kode untuk memasangkan satu tablet", "A code that pairs one tablet"),
        after_help = agent_examples(&["kiosk pair"]),
    )]
    Pair,
    #[command(about = t("Daftar tablet", "List of the tablets"), after_help = agent_examples(&["kiosk list", "kiosk list --json"]))]
    List,
    #[command(
        about = t("Melepas sebuah tablet: ia tidak dapat menyerahkan lagi", "Let a tablet go: it can hand over no more"),
        after_help = agent_examples(&["kiosk revoke 2"]),
    )]
    Revoke {
        #[arg(value_name = "N", help = t("Nomornya", "Its number"))]
        kiosk: u16,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    #[command(about = t("Daftar orang", "List of people"), after_help = agent_examples(&["user list", "user list --json"]))]
    List,
    #[command(
        about = t("Menambah orang; PIN pertamanya ditampilkan satu kali", "Add somebody; their first PIN is shown once"),
        after_help = agent_examples(&["user add Wayan --role manager", "user add Siti"]),
    )]
    Add {
        #[arg(value_name = "NAME", help = t("Nama panggilan; juga tercantum pada yang diisi", "What people call them; also stands with what they enter"))]
        name: String,
        #[arg(long, default_value = "clerk", value_name = "clerk|manager", help = t("Petugas atau penanggung jawab", "Clerk or duty manager"))]
        role: String,
    },
    #[command(
        about = t("Orang ini tidak bekerja di sini lagi", "Somebody does not work here any more"),
        after_help = agent_examples(&["user leave 3"]),
    )]
    Leave(PersonArgs),
    #[command(
        name = "pin-reset",
        about = t("Memberi PIN baru; ditampilkan satu kali", "Give another PIN; it is shown once"),
        after_help = agent_examples(&["user pin-reset 2"]),
    )]
    PinReset(PersonArgs),
    #[command(
        about = t("PIN lupa: tantangan untuk operator pusat, lalu jawabannya", "A forgotten PIN: a challenge for the hub's operator, then the answer"),
        after_help = agent_examples(&["user recovery 2", "user recovery 2 --answer 5830-1174"]),
    )]
    Recovery {
        #[command(flatten)]
        person: PersonArgs,
        #[arg(long, value_name = "NNNN-NNNN", help = t("Yang dibacakan operator pusat", "What the hub's operator read out"))]
        answer: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct PersonArgs {
    #[arg(value_name = "NUMBER", help = t("Nomor orang, lihat user list", "Number of the person, see user list"))]
    pub(super) person: u16,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    #[command(about = t("Nilai yang berlaku", "The values in force"), after_help = agent_examples(&["config show --origin"]))]
    Show {
        #[arg(long, help = t("Dengan asalnya", "With where each comes from"))]
        origin: bool,
    },
    #[command(about = t("Memeriksa berkas pengaturan", "Check the configuration file"), after_help = agent_examples(&["config check"]))]
    Check,
    #[command(about = t("Mengubah satu nilai", "Change one value"), after_help = agent_examples(&["config set sync.interval 10m"]))]
    Set {
        #[arg(value_name = "TABLE.KEY", help = t("Nama pilihan", "Name of the option"))]
        name: String,
        #[arg(value_name = "VALUE", help = t("Nilainya", "Its value"))]
        value: String,
    },
    #[command(about = t("Letak berkas pengaturan", "Where the configuration file is"), after_help = agent_examples(&["config path"]))]
    Path,
    #[command(about = t("Contoh berkas dengan keterangan", "A commented sample file"), after_help = agent_examples(&["config sample > agent.toml"]))]
    Sample,
    #[command(
        about = t("Semua kata halaman kantor; baris yang diganti ditaruh di words.id.txt", "All words of the office's page; lines that are changed go into words.id.txt"),
        after_help = agent_examples(&["config words | grep menu.", "config words --lang en > words.en.txt"]),
    )]
    Words,
}

#[derive(Debug, Subcommand)]
pub(super) enum UpdateCommand {
    #[command(
        about = t("Versi mana yang jalan, dan apa isi sebuah berkas pemutakhiran", "Which version runs, and what an update file holds"),
        after_help = agent_examples(&["update check", "update check --from /media/usb/kentongan-agent.update --json"]),
    )]
    Check {
        #[arg(long, value_name = "FILE", help = t("Berkas pemutakhiran", "The update file"))]
        from: Option<PathBuf>,
    },
    #[command(
        about = t(
            "Memasang berkas pemutakhiran: dicoba saat tidak ada yang sedang bekerja, kembali sendiri bila tidak jalan",
            "Install an update file: tried when nobody is at work, and taken back by itself if it does not do"
        ),
        after_help = agent_examples(&["update apply --from /media/usb/kentongan-agent.update"]),
    )]
    Apply {
        #[arg(long, value_name = "FILE", help = t("Berkas pemutakhiran", "The update file"))]
        from: PathBuf,
    },
    #[command(
        about = t("Kembali ke program sebelumnya", "Go back to the program before it"),
        after_help = agent_examples(&["update rollback", "update rollback --json"]),
    )]
    Rollback,
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[arg(long, value_delimiter = ',', value_name = "store,net,clock,…", help = t("Hanya pemeriksaan ini", "Only these checks"))]
    pub(super) only: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    #[arg(short, long, help = t("Ikuti terus", "Follow"))]
    pub(super) follow: bool,
    #[arg(long, value_name = "2h|7d", value_parser = duration, help = t("Sejak sekian lama lalu", "Since this long ago"))]
    pub(super) since: Option<std::time::Duration>,
    #[arg(long, default_value = "info", value_name = "error|warn|info|debug", help = t("Mulai tingkat ini", "From this level on"))]
    pub(super) level: tracing::Level,
}

fn field_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(t("tulis BIDANG=NILAI", "write FIELD=VALUE").to_owned()),
    }
}
