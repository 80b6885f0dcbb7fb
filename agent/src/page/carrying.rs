//! What goes by USB stick: a bundle to take away, and the hub's answer to it.

use kentongan_host::bundle::{FILE_BYTES_MAX, Fault};
use kentongan_host::fail::Failure;
use kentongan_web::{Asked, Fields, Reply, Words};

use super::home;
use super::route::Pages;
use super::shell::Shell;

/// Makes a bundle, which the browser keeps as a file.
pub(super) async fn bundle(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    if let Err(reply) = pages.posted(asked, shell).await {
        return Ok(reply);
    }
    match pages.agent.make_bundle().await {
        Ok(made) => Ok(Reply::file("application/octet-stream", made.bundle.file).to_keep_as(&made.name)),
        Err(failure) => again(pages, shell, failure).await,
    }
}

/// Takes the hub's answer.
pub(super) async fn answer(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    let posted = match pages.uploaded(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let Some((_, file)) = posted.files.into_iter().find(|(_, file)| !file.content.is_empty()) else {
        return home::delivery_with(pages, shell, None, Some(shell.w.t("flashdisk.belum").to_owned())).await;
    };
    if file.content.len() > FILE_BYTES_MAX {
        let sentence = Fault::TooLong.sentence(shell.w.lang).to_owned();
        return home::delivery_with(pages, shell, None, Some(sentence)).await;
    }
    match pages.agent.take_answer(file.content).await {
        Ok(taken) if taken.known => Ok(Reply::go_to("/pengiriman?jawaban=sudah")),
        Ok(taken) => Ok(Reply::go_to(&format!("/pengiriman?jawaban={}", taken.acknowledged))),
        Err(failure) => again(pages, shell, failure).await,
    }
}

/// The page once more with why nothing came of it; a failure of this PC has a page of its own.
async fn again(pages: &Pages, shell: &Shell, failure: Failure) -> Result<Reply, Failure> {
    if failure.source.is_some() {
        return Err(failure);
    }
    let lang = shell.w.lang;
    let sentence = [Some(failure.sentence(lang)), failure.next_step(lang)].into_iter().flatten();
    home::delivery_with(pages, shell, None, Some(sentence.collect::<Vec<_>>().join(" "))).await
}

/// What came of an answer that was taken just now.
pub(super) fn note(query: &Fields, w: &Words) -> Option<String> {
    match query.text("jawaban") {
        "" => None,
        "sudah" => Some(w.t("flashdisk.sudah").to_owned()),
        number => Some(w.count("flashdisk.diterima", number.parse::<u64>().ok()?)),
    }
}
