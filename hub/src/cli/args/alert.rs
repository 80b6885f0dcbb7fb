//! `alert`

use clap::Subcommand;
use kentongan_host::cli::t;

use super::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum AlertCommand {
    #[command(
        about = t("Masalah yang terbuka, dan siapa yang sudah diberi tahu", "What is the matter, and who was told"),
        after_help = examples(&["alert list", "alert list --json"]),
    )]
    List,
    #[command(
        about = t("Mengirim surat percobaan ke semua penerima", "Send a test letter to everybody who is told"),
        after_help = examples(&["alert test", "alert test --json"]),
    )]
    Test,
    #[command(
        about = t("Kunci baru untuk tanda tangan webhook", "A new key for signatures of webhooks"),
        after_help = examples(&["alert secret > /etc/kentongan/webhook.key"]),
    )]
    Secret,
}
