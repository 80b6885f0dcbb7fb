//! What can be typed about offices, devices and enrolment.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use kentongan_host::cli::t;

use super::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum OfficeCommand {
    #[command(
        about = t("Daftar kantor", "List offices"),
        after_help = examples(&["office list --status silent --json", "office list --area 32.73.05 --csv > kantor.csv"]),
    )]
    List {
        #[arg(long, value_enum, help = t("Hanya dengan keadaan ini", "Only in this state"))]
        status: Option<StateFilter>,
        #[arg(
            long,
            value_name = "CODE",
            help = t("Hanya di wilayah ini (awal kode)", "Only in this area (start of the code)"),
        )]
        area: Option<String>,
        #[arg(long, help = t("Hanya yang perlu dilihat orang", "Only those that a person should look at"))]
        noticed: bool,
        #[arg(
            long,
            value_name = "TEXT",
            help = t("Hanya dengan program ini; !TEXT: tanpa", "Only with this program; !TEXT: without it"),
        )]
        program: Option<String>,
        #[arg(long, value_name = "TEXT", help = t("Hanya dengan tanda ini pada perangkatnya", "Only with this mark on a device"))]
        tag: Option<String>,
        #[arg(long, help = t("Sebagai CSV", "As CSV"))]
        csv: bool,
    },
    #[command(
        about = t("Satu kantor dan perangkatnya", "One office and its devices"),
        after_help = examples(&["office show 32.73.05.1001"]),
    )]
    Show {
        #[arg(value_name = "CODE")]
        office: String,
    },
    #[command(
        about = t("Menambah kantor", "Add an office"),
        after_help = examples(&["office add 32.73.05.1001 --name \"Kelurahan Sukajadi\""]),
    )]
    Add {
        #[arg(value_name = "CODE")]
        office: String,
        #[arg(long, help = t("Nama kantor", "Name of the office"))]
        name: String,
    },
    #[command(
        about = t("Menambah kantor dari CSV (kode,nama)", "Add offices from CSV (code,name)"),
        after_help = examples(&["office import kantor.csv"]),
    )]
    Import {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    #[command(
        about = t("Mengubah nama kantor", "Change the name of an office"),
        after_help = examples(&["office edit 32.73.05.1001 --name \"Kel. Sukajadi\""]),
    )]
    Edit {
        #[arg(value_name = "CODE")]
        office: String,
        #[arg(long, help = t("Nama baru", "New name"))]
        name: String,
    },
    #[command(
        about = t("Menjeda kantor: sunyinya bukan masalah", "Pause an office: its silence is no fault"),
        after_help = examples(&["office pause 32.73.05.1001"]),
    )]
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
        about = t("Mencatat sesuatu tentang kantor bagi operator berikutnya", "Note something about an office for the next operator"),
        after_help = examples(&["office note 32.73.05.1001 \"Listrik padam sampai Jumat\""]),
    )]
    Note {
        #[arg(value_name = "CODE")]
        office: String,
        #[arg(value_name = "TEXT")]
        text: String,
    },
    #[command(
        about = t(
            "Mengganti PC sebuah kantor: yang lama dicabut, yang baru mendapat kode",
            "Replace the PC of an office: the old one is revoked, the new one gets a code",
        ),
        after_help = examples(&["office replace-device 32.73.05.1001 --reason \"PC rusak\" --yes"]),
    )]
    ReplaceDevice {
        #[arg(value_name = "CODE")]
        office: String,
        #[arg(long, value_name = "REPLICA", help = t("Perangkat lama, bila ada beberapa", "The old device, if there are several"))]
        replica: Option<String>,
        #[arg(long, help = t("Alasan", "Reason"))]
        reason: String,
        #[arg(
            long,
            default_value = "14d",
            value_name = "TIME",
            help = t("Masa berlaku kode: 30m, 12h, 14d", "How long the code holds: 30m, 12h, 14d"),
        )]
        expires: String,
        #[arg(long, help = t("Tanpa bertanya", "Do not ask"))]
        yes: bool,
    },
    #[command(
        about = t(
            "Mencabut satu perangkat; yang sudah sampai tetap berlaku",
            "Revoke a device; what has arrived stays valid",
        ),
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
        #[arg(
            long,
            value_name = "LOG-SEQ",
            help = t(
                "Op terakhir yang dianggap jujur; dicatat di jejak audit (boleh diulang)",
                "Last op held to be honest; noted in the audit trail (may be repeated)",
            ),
        )]
        valid_upto: Vec<String>,
        #[arg(long, help = t("Tanpa bertanya", "Do not ask"))]
        yes: bool,
    },
    #[command(
        about = t(
            "Menjawab tantangan orang yang lupa PIN; bacakan jawabannya lewat telepon",
            "Answer the challenge of somebody who forgot their PIN; read the answer out over the telephone",
        ),
        after_help = examples(&["office recovery-code 7K3M-0002-482199"]),
    )]
    RecoveryCode {
        #[arg(value_name = "CHALLENGE", help = t("Yang dibacakan kantor", "What the office reads out"))]
        challenge: String,
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
    #[command(subcommand, about = t("Komputer yang menunggu persetujuan", "Computers that wait for approval"))]
    Request(RequestCommand),
    #[command(
        about = t(
            "Menjawab berkas permintaan dari kantor tanpa sambungan",
            "Answer the request file of an office without a line",
        ),
        after_help = examples(&["enrol answer permintaan.json --out jawaban.json"]),
    )]
    Answer {
        #[arg(value_name = "FILE", help = t("Berkas permintaan dari kantor", "The office's request"))]
        request: PathBuf,
        #[arg(long, value_name = "FILE", help = t("Berkas jawaban untuk dibawa kembali", "The answer, to be carried back"))]
        out: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RequestCommand {
    #[command(
        about = t("Yang menunggu, dengan lima kata", "Those that wait, with five words"),
        after_help = examples(&["enrol request list", "enrol request list --json"]),
    )]
    List,
    #[command(
        about = t(
            "Menyetujui, setelah lima kata dicocokkan lewat telepon",
            "Approve, after the five words were compared over the telephone",
        ),
        after_help = examples(&["enrol request approve 3"]),
    )]
    Approve {
        #[arg(value_name = "NUMBER", help = t("Nomor kode", "Number of the code"))]
        code: String,
    },
    #[command(
        about = t("Menolak: kodenya berakhir", "Deny: the code ends"),
        after_help = examples(&["enrol request deny 3"]),
    )]
    Deny {
        #[arg(value_name = "NUMBER", help = t("Nomor kode", "Number of the code"))]
        code: String,
    },
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
        #[arg(
            long,
            value_name = "CODE",
            help = t("Kode kantor; dibuat bila belum ada", "Code of the office; made if there is none"),
        )]
        office: String,
        #[arg(long, default_value = "", help = t("Nama kantor bila baru", "Name of the office if it is new"))]
        name: String,
        #[arg(
            long,
            default_value = "14d",
            value_name = "TIME",
            help = t("Masa berlaku: 30m, 12h, 14d", "How long it holds: 30m, 12h, 14d"),
        )]
        expires: String,
        #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1,
              default_missing_value = "true",
              help = t(
                  "Langsung disetujui; dengan =false seorang operator mencocokkan lima kata dulu",
                  "Approved beforehand; with =false an operator compares five words first",
              ))]
        pre_approved: bool,
        #[arg(long, default_value = "", help = t("Tanda untuk daftar, misalnya gelombang", "A mark for lists, such as a wave"))]
        tag: String,
    },
    #[command(
        about = t("Daftar kode", "List codes"),
        after_help = examples(&["enrol code list", "enrol code list --json"]),
    )]
    List,
    #[command(
        about = t("Mencabut kode yang belum dipakai", "Revoke a code that was not used"),
        after_help = examples(&["enrol code revoke 3"]),
    )]
    Revoke {
        #[arg(value_name = "NUMBER", help = t("Nomor dari daftar", "Number in the list"))]
        code: String,
    },
}
