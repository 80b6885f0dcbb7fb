//! `update`

use std::path::PathBuf;

use clap::Subcommand;
use kentongan_host::cli::t;

use super::examples;

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum UpdateCommand {
    #[command(
        about = t("Apa yang disiapkan, dan program apa yang jalan di kantor", "What is staged, and what offices run"),
        after_help = examples(&["update list --data ./pusat", "update list --json"]),
    )]
    List,
    #[command(
        about = t("Menyimpan berkas pemutakhiran; belum ditawarkan", "Keep an update file, offered to nobody yet"),
        after_help = examples(&["update stage kentongan-agent-0.3.0-x86_64-unknown-linux-gnu.update"]),
    )]
    Stage {
        #[arg(value_name = "FILE", help = t("Berkas dari penerbit", "The publisher's file"))]
        file: PathBuf,
    },
    #[command(
        about = t("Menawarkan versi itu juga kepada kantor-kantor ini", "Offer a version to these offices too"),
        after_help = examples(&[
            "update promote 0.3.0 --to 32.73.05.1001 --to 32.73.06",
            "update promote 0.3.0 --to tenth",
            "update promote 0.3.0 --to all",
        ]),
    )]
    Promote {
        #[arg(value_name = "VERSION", help = t("Versi yang disiapkan", "A version that is staged"))]
        wanted: String,
        #[arg(long, required = true, value_name = "CODE|tenth|all", help = t(
            "Kantor atau wilayah, sepersepuluh, atau semua; boleh diulang",
            "An office or an area, a tenth, or all; may be repeated",
        ))]
        to: Vec<String>,
    },
    #[command(
        about = t("Tidak menawarkan versi itu lagi; yang sudah memasang tetap", "Offer a version to nobody any more; who has it keeps it"),
        after_help = examples(&["update halt 0.3.0"]),
    )]
    Halt {
        #[arg(value_name = "VERSION", help = t("Versi yang disiapkan", "A version that is staged"))]
        wanted: String,
    },
}
