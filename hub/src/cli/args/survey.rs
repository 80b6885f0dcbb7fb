//! What can be typed about satisfaction surveys.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kentongan_host::cli::t;

use super::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum SurveyCommand {
    #[command(
        about = t("Indeks kepuasan masyarakat (IKM) per unsur dan kantor", "The satisfaction index by element and office"),
        after_help = examples(&[
            "survey index --from 2026-01-01 --to 2026-06-30",
            "survey index --from 2026-01-01 --to 2026-12-31 --area 32.73.05 --users 5000 --csv > ikm.csv",
            "survey index --from 2026-07-01 --to 2026-09-30 --weight 0.111 --json",
        ]),
    )]
    Index(IndexArgs),
    #[command(
        about = t(
            "Mengganti golongan mutu dari CSV: year,mark,label,from,source",
            "Replace the bands from CSV: year,mark,label,from,source",
        ),
        after_help = examples(&["survey bands golongan.csv"]),
    )]
    Bands {
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    #[arg(long, value_name = "DATE", help = t("Survei mulai hari ini", "Surveys of this day or later"))]
    pub(crate) from: String,
    #[arg(long, value_name = "DATE", help = t("Survei sampai hari ini", "Surveys of this day or earlier"))]
    pub(crate) to: String,
    #[arg(long, value_name = "CODE", help = t("Hanya di wilayah ini", "Only in this area"))]
    pub(crate) area: Option<String>,
    #[arg(
        long,
        default_value = "1/9",
        value_parser = ["1/9", "0.111", "0.11"],
        help = t("Bobot tiap unsur", "Weight of each element"),
    )]
    pub(crate) weight: String,
    #[arg(
        long,
        value_name = "NUMBER",
        help = t("Pengguna layanan dalam masa itu: berapa jawaban yang perlu", "Users in the period: how many answers are needed"),
    )]
    pub(crate) users: Option<u64>,
    #[arg(long, help = t("Kantor sebagai CSV", "The offices as CSV"))]
    pub(crate) csv: bool,
}
