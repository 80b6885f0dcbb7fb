//! What an office needs to join, on paper: one sheet for each office, with the code in letters and as a square.

use askama::Template;
use kentongan_web::{Reply, Square, When};

use super::Console;
use super::shell::{self, Shell};
use crate::service::enrolment::Created;

#[derive(Debug, Template)]
#[template(path = "sheet.html")]
struct SheetPage<'a> {
    s: &'a Shell,
    /// What else was done.
    told: Option<String>,
    /// Where offices reach the hub; empty: to be written in by hand.
    hub: &'a str,
    sheets: Vec<Sheet<'a>>,
}

/// The sheet of one office.
#[derive(Debug)]
struct Sheet<'a> {
    code: &'a Created,
    until: When,
    command: String,
    square: Square,
}

/// The sheets for these codes: the only time that they are shown.
pub(super) fn of(console: &Console, shell: &Shell, codes: &[Created], told: Option<String>) -> Reply {
    let hub = console.serving.config().sync_address.clone();
    let sheet = |code: &'_ Created| {
        // Whoever cannot type it lets a telephone read the whole command.
        let address = if hub.is_empty() { "https://ALAMAT:PORT" } else { hub.as_str() };
        format!("kentongan-agent enrol --hub {address} --code {}", code.code)
    };
    let sheets = codes
        .iter()
        .map(|code| {
            let command = sheet(code);
            Sheet { until: shell.clock.when(code.expires_at, &shell.w), square: Square::of(&command), command, code }
        })
        .collect();
    shell::page(&SheetPage { s: shell, told, hub: &hub, sheets })
}
