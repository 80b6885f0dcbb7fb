//! The steps of a complaint, from the forms of its page to what the services do.

use hyper::StatusCode;
use kentongan_host::{Exit, Failure};
use kentongan_web::{Asked, Fields, Reply, Words};

use super::super::Console;
use super::super::route::Visit;
use super::super::shell;
use super::one::{Typed, refused};
use crate::service::Request;
use crate::service::complaint::{Addition, Request as CaseRequest};

/// Takes a step; then the page again, so that loading it anew takes no second one.
pub(in super::super) async fn take(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let posted = match console.posted(asked, &visit).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let fields = &posted.fields;
    let step = fields.text("langkah");
    let Some(request) = request(visit.arg(0), step, fields) else {
        return Ok(shell::refusal(&visit.shell, StatusCode::BAD_REQUEST, "tolak.terpotong"));
    };
    match console.ask(&visit, Request::Complaint(request)).await {
        Ok(_) => Ok(Reply::go_to(&format!("/aduan/{}?sudah={step}", visit.arg(0)))),
        // What somebody may not do now is said where they wanted to do it; what they typed stays.
        Err(failure) if failure.source.is_none() && is_expected(failure.exit) => {
            let typed =
                Typed { step: step.to_owned(), text: fields.text("teks").to_owned(), to: fields.text("ke").to_owned() };
            refused(console, &visit, &failure, typed).await
        }
        Err(failure) => Err(failure),
    }
}

/// Whether a failure is one that a person can do something about.
pub(in super::super) fn is_expected(exit: Exit) -> bool {
    matches!(exit, Exit::Usage | Exit::Failed | Exit::Refused | Exit::Decide)
}

fn request(record: &str, step: &str, fields: &Fields) -> Option<CaseRequest> {
    let (record, text) = (record.to_owned(), fields.text("teks").trim().to_owned());
    let to = fields.text("ke").trim().to_owned();
    let moved = |to: &str, reason: String| CaseRequest::Move { record: record.clone(), to: to.to_owned(), reason };
    let add = |what: Addition| CaseRequest::Add { record: record.clone(), what };
    Some(match step {
        "verifikasi" => moved("terverifikasi", text),
        "minta" => moved("perlu_dilengkapi", text),
        "alihkan" => moved("dialihkan", text),
        "kerjakan" => moved("diproses", text),
        "arsip" => moved("arsip", [fields.text("sebab"), text.as_str()].join(" ").trim().to_owned()),
        "teruskan" => CaseRequest::Forward { record, to, note: text },
        "jawab" => CaseRequest::Answer { record, text },
        "tutup" => CaseRequest::Close { record, reason: text },
        "buka" => CaseRequest::Reopen { record, reason: text },
        "gabung" => CaseRequest::Merge { record, into: to },
        "tindak" => add(Addition::FollowUp(text)),
        "catat" => add(Addition::Remark(text)),
        "eskalasi" => add(Addition::Escalation { level: to, reason: text }),
        "kaitkan" => add(Addition::Related(to)),
        _ => return None,
    })
}

/// What is said once a step was taken.
pub(super) fn done(step: &str, w: &Words) -> Option<&'static str> {
    Some(match step {
        "verifikasi" => w.t("sudah.verifikasi"),
        "minta" => w.t("sudah.minta"),
        "alihkan" => w.t("sudah.alihkan"),
        "kerjakan" => w.t("sudah.kerjakan"),
        "arsip" => w.t("sudah.arsip"),
        "teruskan" => w.t("sudah.teruskan"),
        "jawab" => w.t("sudah.jawab"),
        "tutup" => w.t("sudah.tutup"),
        "buka" => w.t("sudah.buka"),
        "gabung" => w.t("sudah.gabung"),
        "tindak" | "catat" | "eskalasi" | "kaitkan" => w.t("sudah.tambah"),
        _ => return None,
    })
}
