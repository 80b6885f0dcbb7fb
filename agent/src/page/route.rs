//! The map of the site.

use std::sync::Arc;

use hyper::header::{HeaderName, REFERER};
use hyper::{Method, StatusCode};
use kentongan_host::fail::Failure;
use kentongan_protocol::calendar::Zone;
use kentongan_protocol::ids::RecordId;
use kentongan_web::asked::{LANG, Posted, Unreadable};
use kentongan_web::{Asked, Reply, Secret, Site, cookie};
use tokio::sync::Semaphore;

use super::entry::Place;
use super::shell::{self, ASSETS, Shell};
use super::{entry, help, home, people, records, sheet};
use crate::agent::Agent;
use crate::store::Member;

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
        let office = |member: &Member| (called(member), Zone::of(&member.office));
        let office = self.agent.ask(move |store| Ok(store.member().map(office))).await?;
        let (office, zone) = office.unwrap_or((String::new(), Zone::Wib));
        let it_contact = self.agent.settings().text("ui", "it_contact").to_owned();
        Ok(Shell { office, zone, it_contact, ..Shell::of(asked, self.secret.token(&asked.session)) })
    }

    /// Whoever asks for a page, in the language and the office that it is of.
    async fn page(&self, asked: Asked) -> Reply {
        let shell = match self.shell(&asked).await {
            Ok(shell) => shell,
            Err(failure) => {
                self.agent.notice(&failure);
                return shell::failure(&Shell::of(&asked, self.secret.token(&asked.session)), &failure);
            }
        };
        let path = asked.path.clone();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let method = asked.method.clone();
        if method != Method::GET && method != Method::POST {
            return Reply::not_allowed("GET, POST");
        }
        let get = method == Method::GET;
        let answered = match parts.as_slice() {
            [""] if get => home::home(self, &shell, &asked).await,
            ["pengiriman"] if get => home::delivery(self, &shell, &asked).await,
            ["kirim"] if !get => home::send_now(self, &shell, asked).await,
            ["isi", form] if get => Ok(entry::begin(form, &asked).unwrap_or_else(|| missing(&shell))),
            ["isi", form, name, rest @ ..] => match (Place::of(form, name), rest) {
                (Some(place), []) if get => entry::show(self, &shell, &asked, place).await,
                (Some(place), []) => entry::sent(self, &shell, asked, place).await,
                (Some(place), ["draf"]) if !get => entry::keep_typed(self, &shell, asked, place).await,
                (Some(place), ["periksa"]) if get => entry::check(self, &shell, place).await,
                (Some(place), ["periksa"]) => entry::checked(self, &shell, asked, place).await,
                (Some(place), ["berkas", number]) if get => entry::file(self, place, number).await,
                _ => Ok(missing(&shell)),
            },
            ["catatan"] => records::list(self, &shell, asked).await,
            ["cek"] if !get => records::look_up(self, &shell, asked).await,
            ["catatan", id, rest @ ..] => match (id.parse::<RecordId>(), rest) {
                (Ok(id), []) if get => records::show(self, &shell, &asked, id).await,
                (Ok(id), ["tanda-terima"]) if get => records::receipt(self, &shell, &asked, id).await,
                (Ok(id), ["keterangan"]) if !get => records::remark(self, &shell, asked, id).await,
                (Ok(id), ["ubah", group]) if get => records::change(self, &shell, id, group).await,
                (Ok(id), ["ubah", group]) => records::changed(self, &shell, asked, id, group).await,
                (Ok(id), ["putuskan", group]) if !get => records::decide(self, &shell, asked, id, group).await,
                (Ok(id), ["berkas", hash]) if get => records::file(self, &shell, id, hash).await,
                _ => Ok(missing(&shell)),
            },
            ["rekap"] if get => sheet::sheet(self, &shell, &asked).await,
            ["petugas"] if get => Ok(people::who(&shell)),
            ["petugas"] => people::chosen(self, &shell, asked).await,
            ["bantuan"] if get => Ok(help::contents(&shell)),
            ["bantuan", code] if get => Ok(help::page(&shell, code)),
            ["bahasa"] if !get => self.choose_language(&shell, asked).await,
            _ => Ok(missing(&shell)),
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

/// What people call an office: its name, or else its code.
pub(super) fn called(member: &Member) -> String {
    if member.office_name.is_empty() { member.office.to_string() } else { member.office_name.clone() }
}

fn missing(shell: &Shell) -> Reply {
    shell::refusal(shell, StatusCode::NOT_FOUND, "tolak.tidak_ada")
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
