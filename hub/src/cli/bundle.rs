//! `bundle import`: what offices carry here, and the answers that go back.

use std::path::{Path, PathBuf};

use kentongan_host::bundle::{FILE_BYTES_MAX, Fault};
use kentongan_host::files::{Access, read_bounded, replace};
use kentongan_host::output::Table;
use kentongan_host::{Exit, Failure, Ktg, Lang};
use serde_json::{Value, json};

use super::Context;
use super::args::BundleCommand;
use super::ask::{Asked, unexpected};
use crate::service::bundle::{Request, Taken};
use crate::service::{self, Request as Ordered};

/// A bundle that was taken in, and where its answer is.
struct Done<'a> {
    file: &'a Path,
    taken: Taken,
    answer: PathBuf,
}

pub(super) fn run(context: &Context<'_>, command: &BundleCommand) -> Result<Exit, Failure> {
    let BundleCommand::Import { files, answer_to } = command;
    let mut hub = Asked::reach(context)?;
    let mut exit = Exit::Done;
    for file in files {
        // One that is of no use keeps no other waiting.
        match import(&mut hub, file, answer_to.as_deref()) {
            Ok(done) => {
                if !done.taken.whole {
                    exit = Exit::SomeRefused;
                }
                show(context, &done);
            }
            Err(failure) if files.len() > 1 => {
                failure.print(context.out.json, context.out.lang);
                exit = Exit::SomeRefused;
            }
            Err(failure) => {
                hub.close()?;
                return Err(failure);
            }
        }
    }
    hub.close()?;
    Ok(exit)
}

fn import<'a>(hub: &mut Asked, file: &'a Path, answer_to: Option<&Path>) -> Result<Done<'a>, Failure> {
    let bytes = read_bounded(file, FILE_BYTES_MAX as u64).map_err(|error| unread(file, error))?;
    let taken = match hub.ask(Ordered::Bundle(Request::take(&bytes))).map_err(|failure| named(failure, file))? {
        service::Answer::Bundle(taken) => *taken,
        _ => return Err(unexpected()),
    };
    let folder = answer_to.or(file.parent()).unwrap_or(Path::new(""));
    let answer = folder.join(Path::new(&taken.answer_name).file_name().unwrap_or_default());
    replace(&answer, &taken.answer(), Access::Readable).map_err(|error| {
        let failure = Failure::of(Ktg::Permission).with_detail(answer.display().to_string()).caused_by(error);
        failure.with_hint(
            "isinya sudah diambil; jalankan sekali lagi dengan --answer-to DIR untuk jawabannya",
            "what is in it was taken; run it once more with --answer-to DIR for the answer",
        )
    })?;
    Ok(Done { file, taken, answer })
}

fn show(context: &Context<'_>, done: &Done<'_>) {
    let (out, Done { file, taken, answer }) = (context.out, done);
    if out.json {
        return out.document(&document(done));
    }
    let office = match taken.office_name.is_empty() {
        true => taken.office.clone(),
        false => format!("{} ({})", taken.office_name, taken.office),
    };
    let carried = match out.lang {
        Lang::Id => format!("{} perubahan baru, {} sudah ada", taken.stored, taken.repeated),
        Lang::En => format!("{} new changes, {} here already", taken.stored, taken.repeated),
    };
    let mut table = Table::headless();
    table.row([out.pick("Berkas", "File"), &file.display().to_string()]);
    table.row([out.pick("Kantor", "Office"), &format!("{office} · {}", taken.host)]);
    table.row([out.pick("Isi", "Content"), &carried]);
    table.row([out.pick("Jawaban", "Answer"), &answer.display().to_string()]);
    out.table(&table);
    match taken.whole {
        true => out.say(
            "Bawa jawabannya kembali ke kantor itu; di sana: kentongan-agent import FILE",
            "Carry the answer back to that office; there: kentongan-agent import FILE",
        ),
        false => out.say(
            "Tidak semua bisa diambil; jawabannya memberi tahu kantor itu sebabnya.",
            "Not all of it could be taken; the answer tells that office why.",
        ),
    }
}

fn document(done: &Done<'_>) -> Value {
    let taken = &done.taken;
    json!({
        "schema": "kentongan.bundle.taken/1",
        "file": done.file.display().to_string(),
        "office": taken.office,
        "office_name": taken.office_name,
        "replica": taken.replica,
        "host": taken.host,
        "whole": taken.whole,
        "stored": taken.stored,
        "repeated": taken.repeated,
        "file_bytes": taken.file_bytes,
        "answer": done.answer.display().to_string(),
    })
}

/// The same failure with the file that it is about.
fn named(mut failure: Failure, file: &Path) -> Failure {
    let path = file.display();
    failure.message = match failure.message.is_empty() {
        true => path.to_string(),
        false => format!("{path}: {}", failure.message),
    };
    failure
}

fn unread(file: &Path, error: std::io::Error) -> Failure {
    let path = file.display();
    match error.kind() {
        std::io::ErrorKind::FileTooLarge => {
            let sentence = |lang| format!("{path}: {}", Fault::TooLong.sentence(lang));
            Failure::usage(sentence(Lang::Id), sentence(Lang::En))
        }
        _ => Failure::usage(format!("{path} tidak bisa dibaca."), format!("{path} cannot be read.")).caused_by(error),
    }
}
