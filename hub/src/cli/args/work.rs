//! What can be typed about records: case work, conflicts, what was set aside, exports.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use kentongan_host::cli::t;

use super::examples;

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ComplaintCommand {
    #[command(
        about = t("Daftar pengaduan", "List complaints"),
        after_help = examples(&["complaint list", "complaint list --office 32.73.05.1001 --status baru --json"]),
    )]
    List {
        #[arg(long, value_name = "CODE", help = t("Hanya dari kantor ini", "Only of this office"))]
        office: Option<String>,
        #[arg(long, help = t("Hanya dengan status ini", "Only with this status"))]
        status: Option<String>,
        #[arg(
            long,
            help = t("Hanya dengan kata ini di awal uraian", "Only with this text in the beginning of the description"),
        )]
        text: Option<String>,
        #[arg(
            long,
            value_name = "NUMBER",
            help = t("Halaman berikutnya: nomor di bawah ini", "Next page: numbers below this one"),
        )]
        before: Option<u64>,
        #[arg(long, default_value_t = 50, help = t("Paling banyak sekian", "At most this many"))]
        limit: u32,
    },
    #[command(
        about = t("Satu pengaduan seutuhnya", "One complaint in full"),
        after_help = examples(&["complaint show KTG-7K3M-Q2H9D-R"]),
    )]
    Show {
        #[arg(value_name = "CODE|ID")]
        record: String,
    },
    #[command(
        about = t("Foto dan surat yang dilampirkan", "The photos and papers attached to it"),
        after_help = examples(&["complaint attachments KTG-7K3M-Q2H9D-R", "complaint attachments KTG-7K3M-Q2H9D-R --to ./berkas"]),
    )]
    Attachments {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, value_name = "FOLDER", help = t("Salin berkasnya ke folder ini", "Copy the files into this folder"))]
        to: Option<PathBuf>,
    },
    #[command(
        about = t("Meneruskan ke unit lain", "Forward to another unit"),
        after_help = examples(&["complaint forward KTG-7K3M-Q2H9D-R --to \"Dinas PU\" --note \"jalan kabupaten\""]),
    )]
    Forward {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, value_name = "UNIT", help = t("Unit tujuan", "Unit to forward to"))]
        to: String,
        #[arg(long, default_value = "", help = t("Catatan", "Note"))]
        note: String,
    },
    #[command(
        about = t("Menjawab pelapor", "Answer the complainant"),
        after_help = examples(&["complaint answer KTG-7K3M-Q2H9D-R --text \"Lampu sudah diperbaiki.\""]),
    )]
    Answer {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, help = t("Isi jawaban; - untuk masukan baku", "The answer; - for standard input"))]
        text: String,
    },
    #[command(
        about = t("Menyatakan terverifikasi", "Say that it is verified"),
        after_help = examples(&["complaint verify KTG-7K3M-Q2H9D-R"]),
    )]
    Verify {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, default_value = "", help = t("Catatan", "Note"))]
        reason: String,
    },
    #[command(
        about = t("Minta keterangan pelapor; tenggat berhenti", "Ask the complainant for more; the clock stands still"),
        after_help = examples(&["complaint ask KTG-7K3M-Q2H9D-R --text \"Sejak kapan lampunya padam?\""]),
    )]
    Ask {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, help = t("Apa yang kurang", "What is missing"))]
        text: String,
    },
    #[command(
        about = t("Mengalihkan: bukan wewenang di sini", "Hand over: it is another's to decide"),
        after_help = examples(&["complaint hand-over KTG-7K3M-Q2H9D-R --reason \"kewenangan provinsi\""]),
    )]
    HandOver {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, help = t("Kepada siapa dan mengapa", "To whom and why"))]
        reason: String,
    },
    #[command(
        about = t("Mulai diproses", "Start to work on it"),
        after_help = examples(&["complaint start KTG-7K3M-Q2H9D-R"]),
    )]
    Start {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, default_value = "", help = t("Catatan", "Note"))]
        reason: String,
    },
    #[command(
        about = t("Mengarsipkan tanpa jawaban, dengan alasan", "File it without an answer, with a reason"),
        after_help = examples(&["complaint file KTG-7K3M-Q2H9D-R --reason \"bukan pelayanan publik\""]),
    )]
    File {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, help = t("Alasan", "Reason"))]
        reason: String,
    },
    #[command(
        about = t("Mencatat tindak lanjut", "Note what was done"),
        after_help = examples(&["complaint follow-up KTG-7K3M-Q2H9D-R --text \"Petugas datang ke lokasi.\""]),
    )]
    FollowUp {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, help = t("Apa yang dilakukan; - untuk masukan baku", "What was done; - for standard input"))]
        text: String,
    },
    #[command(
        about = t("Menambah keterangan", "Add a remark"),
        after_help = examples(&["complaint remark KTG-7K3M-Q2H9D-R --text \"Pelapor menelepon lagi.\""]),
    )]
    Remark {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, help = t("Keterangan; - untuk masukan baku", "The remark; - for standard input"))]
        text: String,
    },
    #[command(
        about = t("Menaikkan ke tingkat di atasnya", "Take it to the level above"),
        after_help = examples(&[
            "complaint escalate KTG-7K3M-Q2H9D-R --reason \"lewat batas waktu\"",
            "complaint escalate KTG-7K3M-Q2H9D-R --level kepala_unit --reason \"pungutan\"",
        ]),
    )]
    Escalate {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(
            long,
            default_value = "",
            help = t("Tingkat; kosong: satu di atas yang tertinggi", "Level; empty: the one above the highest"),
        )]
        level: String,
        #[arg(long, help = t("Alasan", "Reason"))]
        reason: String,
    },
    #[command(
        about = t("Mengaitkan dengan aduan lain", "Link it with another complaint"),
        after_help = examples(&["complaint link KTG-7K3M-Q2H9D-R --to KTG-7K3M-8WXF2-K"]),
    )]
    Link {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, value_name = "CODE|ID", help = t("Aduan yang lain", "The other complaint"))]
        to: String,
    },
    #[command(
        about = t(
            "Menggabungkan duplikat: keduanya dikaitkan, yang ini diarsipkan",
            "Merge a duplicate: both are linked, this one is filed",
        ),
        after_help = examples(&["complaint merge KTG-7K3M-Q2H9D-R --into KTG-7K3M-8WXF2-K"]),
    )]
    Merge {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, value_name = "CODE|ID", help = t("Aduan yang diteruskan", "The complaint that goes on"))]
        into: String,
    },
    #[command(
        about = t("Tenggat semua aduan terbuka", "What is due of all open complaints"),
        after_help = examples(&["complaint board", "complaint board --late --csv", "complaint board --office 32.73.05.1001 --json"]),
    )]
    Board {
        #[arg(long, value_name = "CODE", help = t("Hanya dari kantor ini", "Only of this office"))]
        office: Option<String>,
        #[arg(long, help = t("Hanya yang lewat batas", "Only what is late"))]
        late: bool,
        #[arg(long, help = t("Sebagai CSV", "As CSV"))]
        csv: bool,
    },
    #[command(
        about = t("Batas waktu yang berlaku", "The limits that count"),
        after_help = examples(&["complaint limits", "complaint limits --choose panrb62-1", "complaint limits --import batas.csv"]),
    )]
    Limits {
        #[arg(
            long,
            value_name = "NAME",
            conflicts_with = "import",
            help = t("Berlaku bagi yang diterima mulai sekarang", "Count for what is received from now on"),
        )]
        choose: Option<String>,
        #[arg(
            long,
            value_name = "FILE",
            help = t(
                "Dari CSV: profile,stage,class,limit,unit,from,source",
                "From CSV: profile,stage,class,limit,unit,from,source",
            ),
        )]
        import: Option<PathBuf>,
    },
    #[command(
        about = t("Menutup", "Close"),
        after_help = examples(&["complaint close KTG-7K3M-Q2H9D-R --reason \"selesai\""]),
    )]
    Close {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, default_value = "", help = t("Alasan", "Reason"))]
        reason: String,
    },
    #[command(
        about = t("Membuka kembali", "Reopen"),
        after_help = examples(&["complaint reopen KTG-7K3M-Q2H9D-R --reason \"pelapor belum puas\""]),
    )]
    Reopen {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, default_value = "", help = t("Alasan", "Reason"))]
        reason: String,
    },
    #[command(
        about = t("Mengubah isian", "Change fields"),
        after_help = examples(&["complaint set KTG-7K3M-Q2H9D-R --field lokasi=\"RT 03\""]),
    )]
    Set {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(
            long = "field",
            value_name = "NAME=VALUE",
            required = true,
            help = t("Isian dan nilainya (boleh diulang)", "Field and value (may be repeated)"),
        )]
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
        #[arg(
            long,
            value_name = "CODE",
            help = t("Hanya yang diputuskan kantor ini", "Only those that this office is to decide"),
        )]
        office: Option<String>,
    },
    #[command(
        about = t("Nilai yang bentrok dan penulisnya", "The values and who wrote them"),
        after_help = examples(&["conflict show KTG-7K3M-Q2H9D-R"]),
    )]
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
        #[arg(
            long,
            value_name = "NAME|NUMBER",
            help = t("Kelompok isian, bila lebih dari satu", "Group of fields, if there are several"),
        )]
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
    #[command(
        about = t("Yang sudah diputuskan, di pusat dan di kantor", "What was decided, at the hub and at offices"),
        after_help = examples(&["conflict decisions", "conflict decisions --limit 10 --json"]),
    )]
    Decisions {
        #[arg(long, default_value_t = 50, help = t("Paling banyak sekian", "At most this many"))]
        limit: u32,
    },
    #[command(
        about = t(
            "Perubahan sejajar yang digabung sendiri, sepekan terakhir",
            "Parallel changes that were merged by themselves, of the last week",
        ),
        after_help = examples(&["conflict merged", "conflict merged --limit 10 --json"]),
    )]
    Merged {
        #[arg(long, default_value_t = 50, help = t("Paling banyak sekian", "At most this many"))]
        limit: u32,
    },
    #[command(
        about = t(
            "Membatalkan keputusan pusat yang belum lewat sehari",
            "Take back a decision of the hub that is younger than a day",
        ),
        after_help = examples(&["conflict undo KTG-7K3M-Q2H9D-R --group kejadian --reason \"salah baca\""]),
    )]
    Undo {
        #[arg(value_name = "CODE|ID")]
        record: String,
        #[arg(long, value_name = "NAME", help = t("Kelompok isian", "Group of fields"))]
        group: String,
        #[arg(long, help = t("Alasan", "Reason"))]
        reason: String,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum QuarantineCommand {
    #[command(
        about = t("Yang disisihkan", "What is set aside"),
        after_help = examples(&["quarantine list", "quarantine list --json"]),
    )]
    List,
    #[command(
        about = t("Satu yang disisihkan", "One thing set aside"),
        after_help = examples(&["quarantine show 8f00112233aabbcc-12"]),
    )]
    Show {
        #[arg(value_name = "LOG-SEQ")]
        op: String,
    },
    #[command(
        about = t("Menggabungkan juga", "Merge it after all"),
        after_help = examples(&["quarantine release 8f00112233aabbcc-12 --reason \"formulir sudah dikenal\""]),
    )]
    Release {
        #[arg(value_name = "LOG-SEQ")]
        op: String,
        #[arg(long, help = t("Alasan", "Reason"))]
        reason: String,
    },
    #[command(
        about = t("Tidak dipakai; tetap tersimpan", "Do not use it; it stays stored"),
        after_help = examples(&["quarantine discard 8f00112233aabbcc-12 --reason \"salah kantor\""]),
    )]
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
    Votes,
    Offices,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Jsonl,
    Csv,
    Xlsx,
}

/// Who is going to read a CSV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportProfile {
    ExcelId,
    Rfc4180,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[arg(value_enum, help = t("Apa", "What"))]
    pub(crate) what: ExportWhat,
    #[arg(long, value_enum, default_value = "jsonl", help = t("Bentuk", "Format"))]
    pub(crate) format: ExportFormat,
    #[arg(
        long,
        value_enum,
        default_value = "excel-id",
        help = t("CSV untuk Excel di kantor, atau untuk program", "CSV for Excel at offices, or for programs"),
    )]
    pub(crate) profile: ExportProfile,
    #[arg(
        long,
        help = t("Tutupi data pribadi pelapor", "Hide who the complainant is"),
    )]
    pub(crate) masked: bool,
    #[arg(short, long, value_name = "FILE", help = t("Ke berkas ini", "To this file"))]
    pub(crate) output: Option<PathBuf>,
    #[arg(long, value_name = "TIME", help = t("Sejak tanggal atau waktu ini", "Since this date or time"))]
    pub(crate) since: Option<String>,
    #[arg(long, value_name = "TIME", help = t("Sebelum tanggal atau waktu ini", "Before this date or time"))]
    pub(crate) until: Option<String>,
}
