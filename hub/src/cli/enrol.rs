//! `enrol code …`, `enrol request …`, `enrol answer`

use std::path::Path;

use anyhow::Context as _;
use kentongan_host::enrolment::carried::{self, FILE_BYTES_MAX};
use kentongan_host::files::{Access, read_bounded, replace};
use kentongan_host::options::{Kind, Value};
use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Ktg};
use serde_json::json;

use super::args::{CodeCommand, RequestCommand};
use super::ask::{ask, unexpected};
use super::{Context, document, words};
use crate::service::enrolment::{Answer, CodeRow, CodeState, Created, List, Request};
use crate::service::{self, Request as Asked};

/// A code holds between a minute and a year.
const EXPIRES: Kind = Kind::Duration { min_ms: 60_000, max_ms: 366 * 86_400_000 };

pub(super) fn run(context: &Context<'_>, command: &CodeCommand) -> Result<Exit, Failure> {
    let request = match command {
        CodeCommand::Create { office, name, expires, pre_approved, tag } => {
            let (office, name, tag) = (office.clone(), name.clone(), tag.clone());
            Request::Create { office, name, expires_ms: expires_ms(expires)?, asks: !pre_approved, tag }
        }
        CodeCommand::List => Request::List,
        CodeCommand::Revoke { code } => Request::Revoke { number: number(code)? },
    };
    show(context, &asked(context, request)?);
    Ok(Exit::Done)
}

/// `enrol request …`
pub(super) fn run_request(context: &Context<'_>, command: &RequestCommand) -> Result<Exit, Failure> {
    let (code, approved) = match command {
        RequestCommand::List => {
            let Answer::List(mut list) = asked(context, Request::List)? else { return Err(unexpected()) };
            list.codes.retain(|code| code.state == CodeState::Asked);
            show_requests(context, &list);
            return Ok(Exit::Done);
        }
        RequestCommand::Approve { code } => (code, true),
        RequestCommand::Deny { code } => (code, false),
    };
    show(context, &asked(context, Request::Judge { number: number(code)?, approved })?);
    Ok(Exit::Done)
}

/// `enrol answer`. Twice where a person has to be asked: first the five words, then, once they were approved, the answer.
pub(super) fn run_answer(context: &Context<'_>, request: &Path, to: &Path) -> Result<Exit, Failure> {
    let out = context.out;
    let bytes = read_bounded(request, FILE_BYTES_MAX as u64).with_context(|| format!("read {}", request.display()))?;
    let request = carried::read_request(&bytes).map_err(|fault| {
        let sentence = format!("{}: {}", request.display(), fault.sentence(out.lang));
        Failure::usage(sentence.clone(), sentence)
    })?;
    let Answer::Looked(asking) = asked(context, Request::Look { request: request.clone() })? else {
        return Err(unexpected());
    };
    if asking.waits {
        let next = format!("kentongan-hub enrol request approve {}", asking.number);
        return Err(Failure::of(Ktg::ApprovalAwaited).with_detail(asking.words).with_hint(
            &format!("cocokkan lima kata lewat telepon, {next}, lalu perintah ini sekali lagi"),
            &format!("compare the five words over the telephone, {next}, then this command once more"),
        ));
    }
    let Answer::Admitted(admitted) = asked(context, Request::Admit { request, approved: false })? else {
        return Err(unexpected());
    };
    replace(to, admitted.file.as_bytes(), Access::Readable).with_context(|| format!("write {}", to.display()))?;
    if out.json {
        let (office, office_name) = (&admitted.office, &admitted.office_name);
        let shown = json!({
            "office": office,
            "office_name": office_name,
            "replica": admitted.replica,
            "host": asking.host,
            "words": asking.words,
            "file": to.display().to_string(),
        });
        out.document(&document("kentongan.enrol.answered/1", &shown));
        return Ok(Exit::Done);
    }
    let name = if admitted.office_name.is_empty() { &admitted.office } else { &admitted.office_name };
    out.say(
        &format!("{name}: PC {} terdaftar. Bawa kembali {} ke sana, lalu di sana:", asking.host, to.display()),
        &format!("{name}: the PC {} is enrolled. Carry {} back, then there:", asking.host, to.display()),
    );
    out.line("kentongan-agent enrol --offline-answer FILE");
    Ok(Exit::Done)
}

fn asked(context: &Context<'_>, request: Request) -> Result<Answer, Failure> {
    match ask(context, Asked::Enrol(request))? {
        service::Answer::Enrol(answer) => Ok(answer),
        _ => Err(unexpected()),
    }
}

fn show_requests(context: &Context<'_>, list: &List) {
    let out = context.out;
    if out.json {
        return out.document(&document("kentongan.enrol.requests/1", list));
    }
    let mut table = Table::new(match out.lang {
        kentongan_host::Lang::Id => ["NOMOR", "KANTOR", "KOMPUTER", "LIMA KATA", "SEJAK"],
        kentongan_host::Lang::En => ["NUMBER", "OFFICE", "COMPUTER", "FIVE WORDS", "SINCE"],
    });
    for code in &list.codes {
        let Some(applicant) = &code.applicant else { continue };
        let office = format!("{} {}", code.office, code.office_name);
        let (host, words) = (applicant.host.clone(), applicant.words.clone());
        table.row([code.number.to_string(), office, host, words, words::time(out, applicant.asked_at)]);
    }
    out.table(&table);
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
        Answer::Judged(code) if out.json => out.document(&document("kentongan.enrol.code.state/1", code)),
        Answer::Judged(code) if code.state == CodeState::Revoked => out.say(
            "Ditolak; kodenya berakhir. Buat kode baru untuk kantor yang benar.",
            "Denied; the code has ended. Make a new code for the right office.",
        ),
        Answer::Judged(_) => out.say(
            "Disetujui. Komputer itu terdaftar begitu pendaftaran dijalankan sekali lagi di sana.",
            "Approved. That computer is enrolled as soon as the enrolment is run there once more.",
        ),
        // Only `enrol answer` asks for them.
        Answer::Looked(_) | Answer::Admitted(_) => {}
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
        CodeState::Asked => context.out.pick("menunggu persetujuan", "waits for approval"),
        CodeState::Open => context.out.pick("belum dipakai", "not used"),
        CodeState::Used => context.out.pick("sudah dipakai", "used"),
        CodeState::Expired => context.out.pick("kedaluwarsa", "expired"),
        CodeState::Revoked => context.out.pick("dicabut", "revoked"),
    }
}
