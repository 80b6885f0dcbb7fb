//! The map of the site.

use std::sync::Arc;

use hyper::header::{HeaderName, REFERER};
use hyper::{Method, StatusCode};
use kentongan_host::fail::Failure;
use kentongan_web::asked::{LANG, Posted, Unreadable};
use kentongan_web::{Asked, Reply, Secret, Site, cookie};
use tokio::sync::Semaphore;

use super::shell::{self, ASSETS, Shell};
use super::{help, home};
use crate::agent::Agent;

/// Largest form without files, in bytes.
const FORM_BYTES_MAX: usize = 512 * 1024;
/// Largest form with files: some photos of a telephone at once.
const UPLOAD_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Forms with files that are read at the same time; the next ones wait.
const UPLOADS_AT_ONCE: usize = 2;

/// All pages of an office.
#[derive(Debug)]
pub(super) struct Pages {
    pub(super) agent: Arc<Agent>,
    secret: Secret,
    uploads: Semaphore,
}

impl Pages {
    /// Over an agent at work.
    pub(super) fn new(agent: Arc<Agent>, secret: Secret) -> Pages {
        Pages { agent, secret, uploads: Semaphore::new(UPLOADS_AT_ONCE) }
    }

    /// The form that was sent; or the page that says why it was not taken.
    pub(super) async fn posted(&self, asked: Asked, shell: &Shell) -> Result<Posted, Reply> {
        self.read(asked, shell, FORM_BYTES_MAX).await
    }

    /// The same with files.
    pub(super) async fn uploaded(&self, asked: Asked, shell: &Shell) -> Result<Posted, Reply> {
        let _place = self.uploads.acquire().await;
        self.read(asked, shell, UPLOAD_BYTES_MAX).await
    }

    async fn read(&self, asked: Asked, shell: &Shell, bytes_max: usize) -> Result<Posted, Reply> {
        asked.posted(&self.secret, bytes_max).await.map_err(|why| match why {
            Unreadable::TooLarge => shell::refusal(shell, StatusCode::PAYLOAD_TOO_LARGE, "tolak.besar"),
            Unreadable::Broken => shell::refusal(shell, StatusCode::BAD_REQUEST, "tolak.terpotong"),
            Unreadable::Token => shell::refusal(shell, StatusCode::FORBIDDEN, "tolak.kunci"),
        })
    }

    async fn shell(&self, asked: &Asked) -> Result<Shell, Failure> {
        let office = self.agent.ask(|store| Ok(store.member().map(|member| member.office_name.clone()))).await?;
        let contact = self.agent.settings().text("ui", "it_contact").to_owned();
        Ok(Shell::of(asked, self.secret.token(&asked.session), office.unwrap_or_default(), contact))
    }

    /// Whoever asks for a page, in the language and the office that it is of.
    async fn page(&self, asked: Asked) -> Reply {
        let shell = match self.shell(&asked).await {
            Ok(shell) => shell,
            Err(failure) => {
                let shell = Shell::of(&asked, String::new(), String::new(), String::new());
                return shell::failure(&shell, &failure);
            }
        };
        let path = asked.path.clone();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let method = asked.method.clone();
        let answered = match (&method, parts.as_slice()) {
            (&Method::GET, [""]) => home::home(self, &shell, &asked).await,
            (&Method::GET, ["pengiriman"]) => home::delivery(self, &shell, &asked).await,
            (&Method::POST, ["kirim"]) => home::send_now(self, &shell, asked).await,
            (&Method::GET, ["bantuan"]) => Ok(help::contents(&shell)),
            (&Method::GET, ["bantuan", code]) => Ok(help::page(&shell, code)),
            (&Method::POST, ["bahasa"]) => self.choose_language(&shell, asked).await,
            (&Method::GET | &Method::POST, _) => Ok(shell::refusal(&shell, StatusCode::NOT_FOUND, "tolak.tidak_ada")),
            _ => Ok(Reply::not_allowed("GET, POST")),
        };
        answered.unwrap_or_else(|failure| {
            self.agent.notice(&failure);
            shell::failure(&shell, &failure)
        })
    }

    async fn choose_language(&self, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
        let from = asked.header(&REFERER).and_then(path_of).unwrap_or_else(|| "/".to_owned());
        match self.posted(asked, shell).await {
            Ok(posted) => {
                let lang = if posted.fields.text("bahasa") == "en" { "en" } else { "id" };
                Ok(Reply::go_to(&from).with_cookie(&cookie::lasting(LANG, lang)))
            }
            Err(reply) => Ok(reply),
        }
    }
}

impl Site for Pages {
    async fn answer(&self, asked: Asked) -> Reply {
        if let Some(name) = asked.path.strip_prefix("/aset/") {
            let file = ASSETS.all().find(|asset| asset.name == name);
            return file.map_or_else(Reply::not_found, |asset| asset.reply());
        }
        if asked.path == "/favicon.ico" {
            return ASSETS.icon.reply();
        }
        if asked.method == Method::HEAD {
            return Reply::status(StatusCode::OK);
        }
        self.page(asked).await
    }
}

/// The path and question of an address of ours.
fn path_of(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let path = rest.get(rest.find('/')?..)?;
    (!path.starts_with("//")).then(|| path.to_owned())
}

/// Whether a script asks for the part of a page that changes by itself.
pub(super) fn wants_part(asked: &Asked) -> bool {
    asked.header(&HeaderName::from_static("x-part")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_of_the_language_stays_on_our_own_pages() {
        assert_eq!(path_of("http://localhost:8710/catatan?a=1"), Some("/catatan?a=1".into()));
        assert_eq!(path_of("http://localhost:8710//evil.example/"), None);
        assert_eq!(path_of("http://localhost:8710"), None);
        assert_eq!(path_of("nonsense"), None);
    }
}
