//! An office without people: a name, so that the history of a record says who wrote. It opens nothing and proves nothing.
//! An office with people: who has shown a PIN, and what they can do about it.

use askama::Template;
use kentongan_host::fail::Failure;
use kentongan_web::{Asked, Reply, cookie};

use super::super::route::Pages;
use super::super::shell::{self, CLERK, CLERK_CHARS_MAX, Shell, Who, clerk_cookie};
use crate::people::Role;

#[derive(Debug, Template)]
#[template(path = "who.html")]
struct NamePage<'a> {
    s: &'a Shell,
    chars_max: usize,
}

#[derive(Debug, Template)]
#[template(path = "me.html")]
struct MePage<'a> {
    s: &'a Shell,
    role: &'static str,
    is_manager: bool,
    done: bool,
}

/// The page that asks for a name, or says whose PIN was shown.
pub(in super::super) fn who(shell: &Shell, asked: &Asked) -> Reply {
    let s = &shell.clone().at("petugas");
    match &shell.who {
        Who::Person(person) => shell::page(&MePage {
            s,
            role: person.role.word(shell.w.lang),
            is_manager: person.role == Role::Manager,
            done: asked.query.has("diganti"),
        }),
        Who::Anyone | Who::Locked(_) => shell::page(&NamePage { s, chars_max: CLERK_CHARS_MAX }),
    }
}

/// The name that was given.
pub(in super::super) async fn chosen(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    match pages.posted(asked, shell).await {
        Ok(posted) => {
            let name = clerk_cookie(posted.fields.text("nama"));
            Ok(Reply::go_to("/").with_cookie(&cookie::lasting(CLERK, &name)))
        }
        Err(reply) => Ok(reply),
    }
}
