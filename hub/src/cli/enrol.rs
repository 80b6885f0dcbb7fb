//! `enrol code …`

use kentongan_host::options::{Kind, Value};
use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure};

use super::args::CodeCommand;
use super::ask::{ask, unexpected};
use super::{Context, document, words};
use crate::service::enrolment::{Answer, CodeRow, CodeState, Created, Request};
use crate::service::{self, Request as Asked};

/// A code holds between a minute and a year.
const EXPIRES: Kind = Kind::Duration { min_ms: 60_000, max_ms: 366 * 86_400_000 };

pub(super) fn run(context: &Context<'_>, command: &CodeCommand) -> Result<Exit, Failure> {
    let request = match command {
        CodeCommand::Create { office, name, expires, pre_approved } => {
            if !pre_approved {
                return Err(Failure::usage(
                    "Versi ini hanya mengenal kode yang langsung disetujui.",
                    "This version only knows codes that are approved beforehand.",
                ));
            }
            Request::Create { office: office.clone(), name: name.clone(), expires_ms: expires_ms(expires)? }
        }
        CodeCommand::List => Request::List,
        CodeCommand::Revoke { code } => Request::Revoke { number: number(code)? },
    };
    let service::Answer::Enrol(answer) = ask(context, Asked::Enrol(request))? else { return Err(unexpected()) };
    show(context, &answer);
    Ok(Exit::Done)
}

pub(super) fn expires_ms(text: &str) -> Result<u64, Failure> {
    match EXPIRES.parse(text) {
        Ok(Value::Duration(ms)) => Ok(ms),
        Ok(_) => Err(unexpected()),
        Err(invalid) => Err(Failure::usage(format!("--expires: {}", invalid.id), format!("--expires: {}", invalid.en))),
    }
}

fn number(text: &str) -> Result<u64, Failure> {
    text.trim().parse().map_err(|_| {
        Failure::usage(
            format!("{text:?} bukan nomor kode; lihat kolom pertama daftar"),
            format!("{text:?} is no number of a code; see the first column of the list"),
        )
        .with_hint("kentongan-hub enrol code list", "kentongan-hub enrol code list")
    })
}

fn show(context: &Context<'_>, answer: &Answer) {
    let out = context.out;
    match answer {
        Answer::Created(created) if out.json => out.document(&document("kentongan.enrol.code/1", created)),
        Answer::Created(created) => show_created(context, created),
        Answer::List(list) if out.json => out.document(&document("kentongan.enrol.codes/1", list)),
        Answer::List(list) => {
            let mut table = Table::new(match out.lang {
                kentongan_host::Lang::Id => ["NOMOR", "KANTOR", "KEADAAN", "BERLAKU S.D.", "PERANGKAT"],
                kentongan_host::Lang::En => ["NUMBER", "OFFICE", "STATE", "VALID UNTIL", "DEVICE"],
            });
            for code in &list.codes {
                table.row([
                    code.number.to_string(),
                    code.office.clone(),
                    state(context, code).to_owned(),
                    words::time(out, code.expires_at),
                    code.replica.clone().unwrap_or_else(|| "-".to_owned()),
                ]);
            }
            out.table(&table);
        }
        Answer::Revoked(code) if out.json => out.document(&document("kentongan.enrol.code.state/1", code)),
        Answer::Revoked(code) => {
            out.line(&format!("{} {}: {}", out.pick("Kode nomor", "Code number"), code.number, state(context, code)));
        }
    }
}

pub(super) fn show_created(context: &Context<'_>, created: &Created) {
    let out = context.out;
    let office = match created.office_name.is_empty() {
        true => created.office.clone(),
        false => format!("{} ({})", created.office_name, created.office),
    };
    let mut table = Table::headless();
    table.row([out.pick("Kode", "Code"), &out.bold(&created.code)]);
    table.row([out.pick("Kantor", "Office"), &office]);
    table.row([
        out.pick("Berlaku", "Valid"),
        &format!("{} {}, 1×", out.pick("s.d.", "until"), words::time(out, created.expires_at)),
    ]);
    out.table(&table);
    out.say(
        &format!("Di PC kantor: kentongan-agent enrol --hub https://ALAMAT:PORT --code {}", created.code),
        &format!("On the office PC: kentongan-agent enrol --hub https://ADDRESS:PORT --code {}", created.code),
    );
}

fn state<'o>(context: &'o Context<'_>, code: &CodeRow) -> &'o str {
    match code.state {
        CodeState::Open => context.out.pick("belum dipakai", "not used"),
        CodeState::Used => context.out.pick("sudah dipakai", "used"),
        CodeState::Expired => context.out.pick("kedaluwarsa", "expired"),
        CodeState::Revoked => context.out.pick("dicabut", "revoked"),
    }
}
