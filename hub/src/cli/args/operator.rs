//! What can be typed about the people at the console.

use clap::{Subcommand, ValueEnum};
use kentongan_host::cli::t;

use super::examples;

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum OperatorCommand {
    #[command(
        about = t("Daftar orang di konsol", "List the people at the console"),
        after_help = examples(&["operator list", "operator list --json"]),
    )]
    List,
    #[command(
        about = t("Menambah orang dan mencetak undangannya", "Add a person and print their invitation"),
        after_help = examples(&["operator add wayan --role case --full-name \"I Wayan Contoh\""]),
    )]
    Add {
        #[arg(value_name = "NAME", help = t("Nama masuk", "Login name"))]
        name: String,
        #[arg(long, default_value = "", help = t("Nama lengkap", "Full name"))]
        full_name: String,
        #[arg(long, value_enum, default_value = "viewer", help = t("Perannya", "Their role"))]
        role: RoleArg,
    },
    #[command(
        about = t("Mengubah peran", "Change a role"),
        after_help = examples(&["operator role wayan operator"]),
    )]
    Role {
        #[arg(value_name = "NAME")]
        name: String,
        #[arg(value_enum, value_name = "ROLE")]
        role: RoleArg,
    },
    #[command(
        about = t(
            "Menghapus kata sandi dan langkah kedua, lalu mengundang ulang",
            "Take away password and second factor, and invite anew",
        ),
        after_help = examples(&["operator reset wayan"]),
    )]
    Reset {
        #[arg(value_name = "NAME")]
        name: String,
    },
    #[command(
        about = t("Menutup: orang ini tidak bisa masuk lagi", "Bar: this person cannot log in any more"),
        after_help = examples(&["operator lock wayan"]),
    )]
    Lock {
        #[arg(value_name = "NAME")]
        name: String,
    },
    #[command(about = t("Membuka lagi", "Let in again"), after_help = examples(&["operator unlock wayan"]))]
    Unlock {
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    Viewer,
    Operator,
    Case,
    Admin,
}
