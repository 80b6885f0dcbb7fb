//! `bundle`

use std::path::PathBuf;

use clap::Subcommand;
use kentongan_host::cli::t;

use super::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    #[command(
        about = t(
            "Mengambil berkas kiriman dari kantor, dan menulis jawabannya",
            "Take in bundles of offices, and write the answers",
        ),
        after_help = examples(&[
            "bundle import /media/usb/ktg-7K3M-20261121-0a1b2c3d.ktgb",
            "bundle import /media/usb/*.ktgb --answer-to /media/usb --json",
        ]),
    )]
    Import {
        #[arg(required = true, value_name = "FILE", help = t("Berkas kiriman (.ktgb)", "Bundles (.ktgb)"))]
        files: Vec<PathBuf>,
        #[arg(long, value_name = "DIR", help = t(
            "Jawaban ke folder ini; bawaan: di samping berkasnya",
            "Answers into this folder; default: beside the bundle",
        ))]
        answer_to: Option<PathBuf>,
    },
}
