//! `store`

use clap::Subcommand;
use kentongan_host::cli::t;

use super::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    #[command(
        about = t(
            "Menyelamatkan yang terbaca dari penyimpanan yang rusak ke yang baru",
            "Rescue what can be read of a damaged store into a new one",
        ),
        long_about = t(
            "Menyelamatkan yang terbaca dari penyimpanan yang rusak ke yang baru.\n\n\
             Hanya yang terbukti utuh diambil; yang hilang diisi dari cadangan terbaru, dan sisanya dikirim lagi\n\
             oleh kantor dengan sendirinya. Berkas yang rusak dipindahkan ke folder store.damaged-…, tidak dihapus.",
            "Rescue what can be read of a damaged store into a new one.\n\n\
             Only what proves to be whole is taken; what is lost is filled in from the newest backup, and offices\n\
             offer the rest again by themselves. The damaged files move into a folder store.damaged-…; nothing is\n\
             deleted.",
        ),
        after_help = examples(&["store salvage --data ./pusat", "store salvage --data ./pusat --json"]),
    )]
    Salvage {
        #[arg(long, help = t("Juga bila tidak ditemukan kerusakan", "Also if no damage is found"))]
        force: bool,
    },
    #[command(
        about = t(
            "Mengisi pusat yang masih kosong dengan kantor dan catatan karangan, untuk mencoba dan mengukur",
            "Fill an empty hub with made-up offices and records, to try it and to measure",
        ),
        after_help = examples(&["store seed --data ./coba --offices 1000 --records 1000000"]),
    )]
    Seed {
        #[arg(long, default_value_t = 50, help = t("Jumlah kantor", "How many offices"))]
        offices: u32,
        #[arg(long, default_value_t = 5_000, help = t("Jumlah catatan", "How many records"))]
        records: u64,
        #[arg(long, default_value_t = 1, help = t("Angka lain, pusat lain", "Another number, another hub"))]
        number: u64,
    },
}
