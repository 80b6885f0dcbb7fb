//! What can be typed about holidays and working days.

use std::path::PathBuf;

use clap::Subcommand;
use kentongan_host::cli::t;

use super::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum CalendarCommand {
    #[command(
        about = t("Hari libur dan cuti bersama", "Holidays and collective leave"),
        after_help = examples(&["calendar show --year 2026", "calendar show --office 32.73.05.1001 --json"]),
    )]
    Show {
        #[arg(long, help = t("Hanya tahun ini", "Only this year"))]
        year: Option<i32>,
        #[arg(long, value_name = "CODE", help = t("Yang berlaku bagi kantor ini", "Those that concern this office"))]
        office: Option<String>,
    },
    #[command(
        about = t(
            "Mengganti kalender dari CSV: date,kind,name,source[,certainty,area]",
            "Replace the calendar from CSV: date,kind,name,source[,certainty,area]",
        ),
        long_about = t(
            "Mengganti kalender dari CSV. Kolom: date (2026-11-21), kind (libur, cuti_bersama, tutup), name, source, dan bila \
             perlu certainty (pasti, perkiraan) dan area (kode wilayah untuk tutup setempat). Untuk tiap tahun dan wilayah \
             yang disebut, semua tanggal lama diganti.",
            "Replace the calendar from CSV. Columns: date (2026-11-21), kind (libur, cuti_bersama, tutup), name, source, and \
             if wanted certainty (pasti, perkiraan) and area (an area code, for local closures). Of each year and area that \
             it speaks of, all earlier dates are replaced.",
        ),
        after_help = examples(&["calendar import skb-2027.csv"]),
    )]
    Import {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    #[command(
        about = t("Tanggal jatuh tempo sekian hari kerja", "The date on which so many working days end"),
        after_help = examples(&["calendar due 32.73.05.1001 --from 2026-11-20 --days 5"]),
    )]
    Due {
        #[arg(value_name = "CODE")]
        office: String,
        #[arg(long, value_name = "DATE", help = t("Hari ke-0: hari diterima", "Day 0: the day of receipt"))]
        from: String,
        #[arg(long, help = t("Sekian hari kerja", "So many working days"))]
        days: u16,
        #[arg(long, value_parser = clap::value_parser!(u8).range(5..=7),
            help = t("Hari kerja seminggu: 5, 6 atau 7", "Working days a week: 5, 6 or 7"))]
        week: Option<u8>,
    },
}
