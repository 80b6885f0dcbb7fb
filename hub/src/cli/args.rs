//! What can be typed, with its help in both languages.
//!
//! Help texts are chosen when the command is built, so the language must be set before parsing; see [`super::run`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use kentongan_host::cli::{Common, t};

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
    disable_help_flag = true,
    disable_version_flag = true,
    propagate_version = true,
    max_term_width = 100,
    about = t("Pusat Kentongan: menggabungkan catatan dari semua kantor.", "The Kentongan hub: merges what all offices write."),
    after_help = examples(&["init --data ./pusat", "serve --data ./pusat", "status --data ./pusat"]),
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[arg(short, long, global = true, action = clap::ArgAction::Help, help = t("Bantuan ini", "This help"))]
    help: Option<bool>,
    #[arg(short = 'V', long, global = true, action = clap::ArgAction::Version,
        help = t("Versi program", "Version of the program"))]
    version: Option<bool>,
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
        about = t("Keadaan pusat dalam satu layar", "The state of the hub on one screen"),
        after_help = examples(&["status --data ./pusat", "status --data ./pusat --json"]),
    )]
    Status,
    #[command(subcommand, about = t("Kantor dan perangkatnya", "Offices and their devices"))]
    Office(OfficeCommand),
    #[command(subcommand, about = t("Pendaftaran perangkat", "Enrolment of devices"))]
    Enrol(EnrolCommand),
    #[command(subcommand, about = t("Pengaduan", "Complaints"))]
    Complaint(ComplaintCommand),
    #[command(subcommand, about = t("Perubahan yang bentrok", "Changes that conflict"))]
    Conflict(ConflictCommand),
    #[command(subcommand, about = t("Catatan yang disisihkan", "Records set aside"))]
    Quarantine(QuarantineCommand),
    #[command(
        about = t("Mengeluarkan catatan, satu per baris", "Write records out, one a line"),
        after_help = examples(&[
            "export complaints --data ./pusat --output aduan.jsonl",
            "export surveys --data ./pusat --since 2026-11-01 | head",
        ]),
    )]
    Export(ExportArgs),
    #[command(subcommand, about = t("Jejak audit", "Audit trail"))]
    Audit(AuditCommand),
    #[command(subcommand, about = t("Pengaturan", "Configuration"))]
    Config(ConfigCommand),
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
        about = t("Kejadian terakhir", "The last events"),
        after_help = examples(&["logs --data ./pusat", "logs --data ./pusat -n 50 --level warn"]),
    )]
    Logs(LogsArgs),
    #[command(about = t("Versi program", "Version of the program"), after_help = examples(&["version", "version --json"]))]
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
pub(crate) struct ServeArgs {
    #[arg(long, value_name = "ADDR:PORT", help = t("Alamat untuk kantor; port 0: pilih sendiri", "Address for offices; port 0: choose one"))]
    pub(crate) listen: Option<String>,
    #[arg(long, value_parser = ["json", "text"], help = t("Bentuk catatan kejadian di stderr", "Form of the event log on stderr"))]
    pub(crate) log_format: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OfficeCommand {
    #[command(about = t("Daftar kantor", "List offices"), after_help = examples(&["office list", "office list --status silent --json"]))]
    List {
        #[arg(long, value_enum, help = t("Hanya dengan keadaan ini", "Only in this state"))]
        status: Option<StateFilter>,
        #[arg(long, value_name = "CODE", help = t("Hanya di wilayah ini (awal kode)", "Only in this area (start of the code)"))]
        area: Option<String>,
    },
    #[command(about = t("Satu kantor dan perangkatnya", "One office and its devices"), after_help = examples(&["office show 32.73.05.1001"]))]
    Show {
        #[arg(value_name = "CODE")]
        office: String,
    },
    #[command(about = t("Menambah kantor", "Add an office"), after_help = examples(&["office add 32.73.05.1001 --name \"Kelurahan Sukajadi\""]))]
    Add {
        #[arg(value_name = "CODE")]
        office: String,
        #[arg(long, help = t("Nama kantor", "Name of the office"))]
        name: String,
    },
    #[command(about = t("Menambah kantor dari CSV (kode,nama)", "Add offices from CSV (code,name)"), after_help = examples(&["office import kantor.csv"]))]
    Import {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    #[command(about = t("Mengubah nama kantor", "Change the name of an office"), after_help = examples(&["office edit 32.73.05.1001 --name \"Kel. Sukajadi\""]))]
    Edit {
        #[arg(value_name = "CODE")]
        office: String,
        #[arg(long, help = t("Nama baru", "New name"))]
        name: String,
    },
    #[command(about = t("Menjeda kantor: sunyinya bukan masalah", "Pause an office: its silence is no fault"), after_help = examples(&["office pause 32.73.05.1001"]))]
    Pause {
        #[arg(value_name = "CODE")]
        office: String,
    },
    #[command(about = t("Mengakhiri jeda", "End a pause"), after_help = examples(&["office resume 32.73.05.1001"]))]
    Resume {
        #[arg(value_name = "CODE")]
        office: String,
    },
    #[command(
        about = t("Mencabut satu perangkat; yang sudah sampai tetap berlaku", "Revoke a device; what has arrived stays valid"),
        after_help = examples(&[
            "office revoke 00112233aabbccdd --reason \"PC dicuri\" --yes",
            "office revoke 00112233aabbccdd --reason \"PC dicuri\" --valid-upto 8f00112233aabbcc-120 --yes",
        ]),
    )]
    Revoke {
        #[arg(value_name = "REPLICA")]
        replica: String,
        #[arg(long, help = t("Alasan", "Reason"))]
        reason: String,
        #[arg(long, value_name = "LOG-SEQ", help = t("Op terakhir yang dianggap jujur; dicatat di jejak audit (boleh diulang)", "Last op held to be honest; noted in the audit trail (may be repeated)"))]
        valid_upto: Vec<String>,
        #[arg(long, help = t("Tanpa bertanya", "Do not ask"))]
        yes: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateFilter {
    Ok,
    Late,
    Silent,
    Unseen,
    Paused,
    Revoked,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EnrolCommand {
    #[command(subcommand, about = t("Kode pendaftaran", "Enrolment codes"))]
    Code(CodeCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum CodeCommand {
    #[command(
        about = t("Membuat kode sekali pakai untuk satu perangkat", "Make a one-time code for one device"),
        after_help = examples(&[
            "enrol code create --office 32.73.05.1001",
            "enrol code create --office 32.73.05.1001 --name \"Kelurahan Sukajadi\" --expires 7d --json",
        ]),
    )]
    Create {
        #[arg(long, value_name = "CODE", help = t("Kode kantor; dibuat bila belum ada", "Code of the office; made if there is none"))]
        office: String,
        #[arg(long, default_value = "", help = t("Nama kantor bila baru", "Name of the office if it is new"))]
        name: String,
        #[arg(long, default_value = "14d", value_name = "TIME", help = t("Masa berlaku: 30m, 12h, 14d", "How long it holds: 30m, 12h, 14d"))]
        expires: String,
        #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true",
              help = t("Langsung disetujui", "Approved beforehand"))]
        pre_approved: bool,
    },
    #[command(about = t("Daftar kode", "List codes"), after_help = examples(&["enrol code list", "enrol code list --json"]))]
    List,
    #[command(about = t("Mencabut kode yang belum dipakai", "Revoke a code that was not used"), after_help = examples(&["enrol code revoke 3"]))]
    Revoke {
        #[arg(value_name = "NUMBER", help = t("Nomor dari daftar", "Number in the list"))]
        code: String,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ComplaintCommand {
    #[command(about = t("Daftar pengaduan", "List complaints"), after_help = examples(&["complaint list", "complaint list --office 32.73.05.1001 --status baru --json"]))]
    List {
        #[arg(long, value_name = "CODE", help = t("Hanya dari kantor ini", "Only of this office"))]
        office: Option<String>,
        #[arg(long, help = t("Hanya dengan status ini", "Only with this status"))]
        status: Option<String>,
        #[arg(long, help = t("Hanya dengan kata ini di awal uraian", "Only with this text in the beginning of the description"))]
        text: Option<String>,
        #[arg(long, value_name = "NUMBER", help = t("Halaman berikutnya: nomor di bawah ini", "Next page: numbers below this one"))]
        before: Option<u64>,
        #[arg(long, default_value_t = 50, help = t("Paling banyak sekian", "At most this many"))]
        limit: u32,
    },
    #[command(about = t("Satu pengaduan seutuhnya", "One complaint in full"), after_help = examples(&["complaint show KTG-7K3M-Q2H9D-R"]))]
    Show {
        #[arg(value_name = "CODE|ID")]
        record: String,
    },
    #[command(about = t("Meneruskan ke unit lain", "Forward to another unit"), after_help = examples(&["complaint forward KTG-7K3M-Q2H9D-R --to \"Dinas PU\" --note \"jalan kabupaten\""]))]
    Forward {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, value_name = "UNIT", help = t("Unit tujuan", "Unit to forward to"))]
        to: String,
        #[arg(long, default_value = "", help = t("Catatan", "Note"))]
        note: String,
    },
    #[command(about = t("Menjawab pelapor", "Answer the complainant"), after_help = examples(&["complaint answer KTG-7K3M-Q2H9D-R --text \"Lampu sudah diperbaiki.\""]))]
    Answer {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, help = t("Isi jawaban; - untuk masukan baku", "The answer; - for standard input"))]
        text: String,
    },
    #[command(about = t("Menutup", "Close"), after_help = examples(&["complaint close KTG-7K3M-Q2H9D-R --reason \"selesai\""]))]
    Close {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, default_value = "", help = t("Alasan", "Reason"))]
        reason: String,
    },
    #[command(about = t("Membuka kembali", "Reopen"), after_help = examples(&["complaint reopen KTG-7K3M-Q2H9D-R --reason \"pelapor belum puas\""]))]
    Reopen {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, default_value = "", help = t("Alasan", "Reason"))]
        reason: String,
    },
    #[command(about = t("Mengubah isian", "Change fields"), after_help = examples(&["complaint set KTG-7K3M-Q2H9D-R --field lokasi=\"RT 03\""]))]
    Set {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long = "field", value_name = "NAME=VALUE", required = true, help = t("Isian dan nilainya (boleh diulang)", "Field and value (may be repeated)"))]
        fields: Vec<String>,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ConflictCommand {
    #[command(
        about = t("Bentrok yang menunggu keputusan", "Conflicts that wait for a decision"),
        after_help = examples(&["conflict list", "conflict list --office 32.73.05.1001 --json"]),
    )]
    List {
        #[arg(long, value_name = "CODE", help = t("Hanya yang diputuskan kantor ini", "Only those that this office is to decide"))]
        office: Option<String>,
    },
    #[command(about = t("Nilai yang bentrok dan penulisnya", "The values and who wrote them"), after_help = examples(&["conflict show KTG-7K3M-Q2H9D-R"]))]
    Show {
        #[arg(value_name = "CODE|ID")]
        record: String,
    },
    #[command(
        about = t("Memutuskan satu bentrok", "Decide a conflict"),
        after_help = examples(&[
            "conflict resolve KTG-7K3M-Q2H9D-R --take office --reason \"kantor melihat sendiri\"",
            "conflict resolve KTG-7K3M-Q2H9D-R --group kejadian --value lokasi=\"RT 03\" --reason \"ditelepon\"",
        ]),
    )]
    Resolve {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, value_name = "NAME|NUMBER", help = t("Kelompok isian, bila lebih dari satu", "Group of fields, if there are several"))]
        group: Option<String>,
        #[arg(
            long,
            value_name = "office|hub|proposal|N",
            default_value = "",
            required_unless_present = "values",
            help = t("Nilai siapa yang dipakai, atau nomornya", "Whose value to take, or its number"),
        )]
        take: String,
        #[arg(
            long = "value",
            value_name = "NAME=VALUE",
            conflicts_with = "take",
            help = t("Nilai lain (boleh diulang)", "Another value (may be repeated)"),
        )]
        values: Vec<String>,
        #[arg(long, help = t("Alasan", "Reason"))]
        reason: String,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum QuarantineCommand {
    #[command(about = t("Yang disisihkan", "What is set aside"), after_help = examples(&["quarantine list", "quarantine list --json"]))]
    List,
    #[command(about = t("Satu yang disisihkan", "One thing set aside"), after_help = examples(&["quarantine show 8f00112233aabbcc-12"]))]
    Show {
        #[arg(value_name = "LOG-SEQ")]
        op: String,
    },
    #[command(about = t("Menggabungkan juga", "Merge it after all"), after_help = examples(&["quarantine release 8f00112233aabbcc-12 --reason \"formulir sudah dikenal\""]))]
    Release {
        #[arg(value_name = "LOG-SEQ")]
        op: String,
        #[arg(long, help = t("Alasan", "Reason"))]
        reason: String,
    },
    #[command(about = t("Tidak dipakai; tetap tersimpan", "Do not use it; it stays stored"), after_help = examples(&["quarantine discard 8f00112233aabbcc-12 --reason \"salah kantor\""]))]
    Discard {
        #[arg(value_name = "LOG-SEQ")]
        op: String,
        #[arg(long, help = t("Alasan", "Reason"))]
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportWhat {
    Complaints,
    Surveys,
    Offices,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Jsonl,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[arg(value_enum, help = t("Apa", "What"))]
    pub(crate) what: ExportWhat,
    #[arg(long, value_enum, default_value = "jsonl", help = t("Bentuk", "Format"))]
    pub(crate) format: ExportFormat,
    #[arg(short, long, value_name = "FILE", help = t("Ke berkas ini", "To this file"))]
    pub(crate) output: Option<PathBuf>,
    #[arg(long, value_name = "TIME", help = t("Sejak tanggal atau waktu ini", "Since this date or time"))]
    pub(crate) since: Option<String>,
    #[arg(long, value_name = "TIME", help = t("Sebelum tanggal atau waktu ini", "Before this date or time"))]
    pub(crate) until: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    #[command(about = t("Entri terakhir", "The last entries"), after_help = examples(&["audit list", "audit list --limit 200 --json"]))]
    List {
        #[arg(long, default_value_t = 50, help = t("Paling banyak sekian", "At most this many"))]
        limit: u32,
    },
    #[command(about = t("Memeriksa rantai seutuhnya", "Check the whole chain"), after_help = examples(&["audit verify"]))]
    Verify,
    #[command(about = t("Semua entri, satu per baris", "All entries, one a line"), after_help = examples(&["audit export --output audit.jsonl"]))]
    Export {
        #[arg(short, long, value_name = "FILE", help = t("Ke berkas ini", "To this file"))]
        output: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    #[command(about = t("Nilai yang berlaku", "Values in effect"), after_help = examples(&["config show", "config show --origin --json"]))]
    Show {
        #[arg(long, help = t("Dengan asal tiap nilai", "With the origin of each value"))]
        origin: bool,
    },
    #[command(about = t("Memeriksa berkas pengaturan", "Check the configuration file"), after_help = examples(&["config check", "config check -c hub.toml"]))]
    Check,
    #[command(about = t("Contoh berkas pengaturan lengkap", "A complete sample file"), after_help = examples(&["config sample > hub.toml"]))]
    Sample,
    #[command(about = t("Letak berkas pengaturan", "Where the file is"), after_help = examples(&["config path"]))]
    Path,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    #[arg(short = 'n', long, default_value_t = 30, help = t("Sekian baris terakhir", "This many last lines"))]
    pub(crate) lines: usize,
    #[arg(long, value_name = "LEVEL", help = t("Mulai tingkat ini: error, warn, info, debug", "From this level on: error, warn, info, debug"))]
    pub(crate) level: Option<String>,
    #[arg(short, long, help = t("Tunggu kejadian berikutnya", "Wait for further events"))]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HelpArgs {
    #[arg(value_name = "TOPIC", help = t("Perintah, atau kode seperti KTG-104", "A command, or a code such as KTG-104"))]
    pub(crate) topic: Vec<String>,
}
