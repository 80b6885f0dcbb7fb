//! `backup`

use std::path::PathBuf;

use clap::Subcommand;
use kentongan_host::cli::t;

use super::examples;

#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    #[command(
        about = t("Membuat cadangan yang diperiksa, sambil pusat bekerja", "Make a verified backup while the hub works"),
        after_help = examples(&["backup run --data ./pusat", "backup run --data ./pusat --to /media/usb/kentongan"]),
    )]
    Run {
        #[arg(long, value_name = "DIR", help = t(
            "Ke folder ini, sebaiknya di disk lain; bawaan: store.backup_dir",
            "Into this folder, better on another disk; default: store.backup_dir",
        ))]
        to: Option<PathBuf>,
    },
    #[command(
        about = t("Cadangan yang ada, terbaru dulu", "The backups there are, newest first"),
        after_help = examples(&["backup list --data ./pusat", "backup list --from /media/usb/kentongan --json"]),
    )]
    List {
        #[arg(long, value_name = "DIR", help = t("Dalam folder ini", "In this folder"))]
        from: Option<PathBuf>,
    },
    #[command(
        about = t("Membaca ulang seluruh cadangan", "Read a whole backup back"),
        after_help = examples(&[
            "backup verify pusat/backup/20261121T190000Z",
            "backup verify --latest /media/usb/kentongan",
        ]),
    )]
    Verify {
        #[arg(value_name = "BACKUP", help = t("Folder cadangan", "Folder of the backup"))]
        backup: PathBuf,
        #[arg(long, help = t("Yang terbaru dalam folder itu", "The newest one in that folder"))]
        latest: bool,
    },
    #[command(
        about = t("Mengembalikan cadangan ke folder kosong", "Put a backup back into an empty folder"),
        after_help = examples(&[
            "backup restore --data ./pusat-baru pusat/backup/20261121T190000Z",
            "backup restore --data ./pusat-baru --latest /media/usb/kentongan",
        ]),
    )]
    Restore {
        #[arg(value_name = "BACKUP", help = t("Folder cadangan", "Folder of the backup"))]
        backup: PathBuf,
        #[arg(long, help = t("Yang terbaru dalam folder itu", "The newest one in that folder"))]
        latest: bool,
    },
}
