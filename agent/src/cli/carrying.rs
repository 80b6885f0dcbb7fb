//! `export`, and `import` of an answer: exchanges by a stick. The files are read and written with the rights of whoever
//! types; the service, which may not see the stick, gets their bytes.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kentongan_host::bundle::{self, FILE_BYTES_MAX, Fault};
use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_host::files::{Access, read_bounded, replace};
use kentongan_host::ktg::Ktg;
use kentongan_host::output::Output;
use serde_json::{Value, json};

use super::Place;
use crate::agent::unwatched;
use crate::command::Command;

impl Place<'_> {
    pub(super) fn export(&self, to: &Path) -> Result<Exit, Failure> {
        if !to.is_dir() {
            return Err(Failure::usage(
                format!("{} bukan folder.", to.display()),
                format!("{} is no folder.", to.display()),
            ));
        }
        let mut answer = self.ask(&Command::MakeBundle, unwatched())?;
        let name = answer["name"].as_str().unwrap_or_default();
        let file = answer["file"].as_str().and_then(|file| STANDARD.decode(file).ok()).unwrap_or_default();
        let path = to.join(Path::new(name).file_name().unwrap_or_default());
        replace(&path, &file, Access::Readable).map_err(|error| not_written(&path, error))?;
        if let Some(answer) = answer.as_object_mut() {
            answer.remove("file");
            answer.insert("path".into(), json!(path.display().to_string()));
            answer.insert("bytes".into(), json!(file.len()));
        }
        match self.out.json {
            true => self.out.document(&answer),
            false => exported(self.out, &answer),
        }
        Ok(Exit::Done)
    }

    /// The answer to a bundle, if the file is one: other files that are imported begin otherwise.
    pub(super) fn import_answer(&self, file: &Path) -> Result<Option<Exit>, Failure> {
        let begins = std::fs::File::open(file).and_then(|file| {
            let mut begins = Vec::new();
            std::io::Read::read_to_end(&mut std::io::Read::take(file, 4), &mut begins)?;
            Ok(begins)
        });
        // What is wrong with the file is told by whoever reads it whole.
        if !begins.is_ok_and(|begins| bundle::is_carried(&begins)) {
            return Ok(None);
        }
        let bytes = read_bounded(file, FILE_BYTES_MAX as u64).map_err(|error| unread(file, error))?;
        let answer = self.ask(&Command::TakeAnswer { file: STANDARD.encode(bytes) }, unwatched())?;
        match self.out.json {
            true => self.out.document(&answer),
            false => answered(self.out, &answer),
        }
        Ok(Some(Exit::Done))
    }
}

fn exported(out: &Output, answer: &Value) {
    let number = |key: &str| answer[key].as_u64().unwrap_or(0);
    let (changes, files, bytes) = (number("changes"), number("attachments"), number("bytes").div_ceil(1000));
    let path = answer["path"].as_str().unwrap_or_default();
    out.line(path);
    out.say(
        &format!("{changes} perubahan, {files} lampiran, {bytes} kB, disegel untuk pusat. Semua tetap menunggu di sini sampai"),
        &format!("{changes} changes, {files} attachments, {bytes} kB, sealed for the hub. All of it goes on waiting here until"),
    );
    out.say(
        "jawaban pusat (.ktga) dibawa kembali: kentongan-agent import FILE",
        "the hub's answer (.ktga) is carried back: kentongan-agent import FILE",
    );
    if answer["more"] == json!(true) {
        out.say(
            "Tidak semua muat: jalankan sekali lagi untuk berkas berikutnya.",
            "Not everything had room: run it once more for another file.",
        );
    }
}

fn answered(out: &Output, answer: &Value) {
    let number = |key: &str| answer[key].as_u64().unwrap_or(0);
    let (acknowledged, fetched) = (number("acknowledged"), number("fetched"));
    if answer["known"] == json!(true) {
        out.say(
            "Isi jawaban ini sudah diketahui dari sambungan atau jawaban yang lebih baru. Tidak ada yang perlu dilakukan.",
            "What this answer tells is known already, from the line or from a newer answer. There is nothing to do.",
        );
        return;
    }
    out.say(
        &format!("Jawaban pusat diterima: {acknowledged} perubahan sampai, {fetched} perubahan datang dari pusat."),
        &format!("The hub's answer was taken: {acknowledged} changes arrived, {fetched} changes came from the hub."),
    );
    if answer["more"] == json!(true) {
        out.say(
            "Masih ada lanjutannya: bawa satu berkas kiriman lagi.",
            "There is more to come: carry one more bundle.",
        );
    }
}

fn not_written(path: &Path, error: std::io::Error) -> Failure {
    Failure::of(Ktg::Permission).with_detail(path.display().to_string()).caused_by(error)
}

fn unread(path: &Path, error: std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::FileTooLarge {
        let fault = |lang| format!("{}: {}", path.display(), Fault::TooLong.sentence(lang));
        return Failure::usage(fault(kentongan_host::Lang::Id), fault(kentongan_host::Lang::En));
    }
    Failure::of(Ktg::Permission).with_detail(path.display().to_string()).caused_by(error)
}
