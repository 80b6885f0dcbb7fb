//! Who sits at the browser. A name, so that the history of a record says who wrote; it opens nothing and proves nothing.

use askama::Template;
use kentongan_host::fail::Failure;
use kentongan_web::{Asked, Reply, cookie};

use super::route::Pages;
use super::shell::{self, CLERK, CLERK_CHARS_MAX, Shell, clerk_cookie};

#[derive(Debug, Template)]
#[template(path = "who.html")]
struct Who<'a> {
    s: &'a Shell,
    chars_max: usize,
}

/// The page that asks for a name.
pub(super) fn who(shell: &Shell) -> Reply {
    shell::page(&Who { s: &shell.clone().at("petugas"), chars_max: CLERK_CHARS_MAX })
}

/// The name that was given.
pub(super) async fn chosen(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    match pages.posted(asked, shell).await {
        Ok(posted) => {
            let name = clerk_cookie(posted.fields.text("nama"));
            Ok(Reply::go_to("/").with_cookie(&cookie::lasting(CLERK, &name)))
        }
        Err(reply) => Ok(reply),
    }
}
