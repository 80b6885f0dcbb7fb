//! The map of the site.

use std::sync::Arc;

use hyper::header::{HeaderName, REFERER};
use hyper::{Method, StatusCode};
use kentongan_host::fail::Failure;
use kentongan_protocol::calendar::Zone;
use kentongan_protocol::ids::RecordId;
use kentongan_web::asked::{LANG, Posted, Unreadable};
use kentongan_web::{Asked, Asset, Reply, Secret, Site, cookie};
use tokio::sync::Semaphore;

use super::entry::Place;
use super::people::Badge;
use super::shell::{self, ASSETS, Shell, Who};
use super::training::{self, Training};
use super::{carrying, details, entry, help, home, kiosk, paper, people, records, sheet};
use crate::agent::Agent;
use crate::paper::Batch;
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
    pub(super) secret: Secret,
    /// Whether these are pages of training, or lead there.
    pub(super) training: Training,
    uploads: Semaphore,
}

impl Pages {
    /// Over an agent at work.
    pub(super) fn new(agent: Arc<Agent>, secret: Secret, training: Training) -> Pages {
        Pages { agent, secret, training, uploads: Semaphore::new(UPLOADS_AT_ONCE) }
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

    /// What is known of whoever asks, and the cookie that says that they are still there.
    async fn shell(&self, asked: &Asked) -> Result<(Shell, Option<String>), Failure> {
        let office = |member: &Member| (called(member), Zone::of(&member.office));
        let badge = Badge::shown(asked);
        let named = badge.as_ref().map(|badge| badge.person);
        let (office, has_people, held) = self
            .agent
            .ask(move |store| {
                let has_people = store.has_people()?;
                let held = match named.filter(|_| has_people) {
                    Some(person) => people::held(store, person)?,
                    None => None,
                };
                Ok((store.member().map(office), has_people, held))
            })
            .await?;
        let settings = self.agent.settings();
        let idle = settings.duration("ui", "idle_lock");
        let idle_ms = i64::try_from(idle.as_millis()).unwrap_or(i64::MAX);
        let who = match (has_people, badge.zip(held.as_ref())) {
            (false, _) => Who::Anyone,
            (true, Some((badge, held))) => badge.holder(&asked.session, &self.secret, held, idle_ms),
            (true, None) => Who::Locked(None),
        };
        let renewed =
            held.filter(|_| matches!(who, Who::Person(_))).map(|held| held.cookie(&asked.session, &self.secret));
        let (office, zone) = office.unwrap_or((String::new(), Zone::Wib));
        let it_contact = settings.text("ui", "it_contact").to_owned();
        let shell = Shell { office, zone, it_contact, ..self.bare(asked) };
        Ok((shell.of_whom(who, self.idle_s()), renewed))
    }

    /// What is known of whoever asks without the store.
    fn bare(&self, asked: &Asked) -> Shell {
        Shell { is_training: self.training.is_within(), ..Shell::of(asked, self.secret.token(&asked.session)) }
    }

    /// Seconds without anything done after which the page locks itself.
    pub(super) fn idle_s(&self) -> u64 {
        self.agent.settings().duration("ui", "idle_lock").as_secs().max(1)
    }

    /// Whoever asks for a page, in the language and the office that it is of.
    async fn page(&self, asked: Asked) -> Reply {
        let (shell, badge) = match self.shell(&asked).await {
            Ok(found) => found,
            Err(failure) => {
                self.agent.notice(&failure);
                return shell::failure(&self.bare(&asked), &failure);
            }
        };
        let path = asked.path.clone();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        if asked.method != Method::GET && asked.method != Method::POST {
            return Reply::not_allowed("GET, POST");
        }
        // Numbers that change by themselves are asked for while nobody is there, too.
        if !wants_part(&asked) {
            self.training.note_asked(self.agent.mono_ms());
        }
        let badge = badge.filter(|_| people::keeps_badge(&parts) && !wants_part(&asked));
        let answered = self.lead(&shell, asked, &parts).await;
        let reply = answered.unwrap_or_else(|failure| {
            self.agent.notice(&failure);
            shell::failure(&shell, &failure)
        });
        match badge {
            Some(badge) => reply.with_cookie(&badge),
            None => reply,
        }
    }

    /// The map.
    async fn lead(&self, shell: &Shell, asked: Asked, parts: &[&str]) -> Result<Reply, Failure> {
        let get = asked.method == Method::GET;
        match &shell.who {
            Who::Locked(_) if !people::is_open_to_all(parts) => {
                return people::turned_away(self, shell, asked, parts).await;
            }
            // A PIN that somebody else knows opens nothing but the page that changes it.
            Who::Person(person)
                if person.temporary && !people::is_open_to_all(parts) && !matches!(parts, ["pin" | "keluar"]) =>
            {
                return Ok(Reply::go_to("/pin"));
            }
            _ => {}
        }
        if self.training.is_shut(parts) {
            return Ok(shell::refusal(shell, StatusCode::FORBIDDEN, "latihan.tertutup"));
        }
        match parts {
            [""] if get => home::home(self, shell, &asked).await,
            ["pengiriman"] if get => home::delivery(self, shell, &asked).await,
            ["pengiriman", "rincian"] if get => details::details(self, shell).await,
            ["kirim"] if !get => home::send_now(self, shell, asked).await,
            ["kiriman"] if !get => carrying::bundle(self, shell, asked).await,
            ["kiriman", "jawaban"] if !get => carrying::answer(self, shell, asked).await,
            ["isi", form] if get => Ok(entry::begin(form, &asked).unwrap_or_else(|| missing(shell))),
            ["isi", form, name, rest @ ..] => match (Place::of(form, name), rest) {
                (Some(place), []) if get => entry::show(self, shell, &asked, place).await,
                (Some(place), []) => entry::sent(self, shell, asked, place).await,
                (Some(place), ["draf"]) if !get => entry::keep_typed(self, shell, asked, place).await,
                (Some(place), ["periksa"]) if get => entry::check(self, shell, place).await,
                (Some(place), ["periksa"]) => entry::checked(self, shell, asked, place).await,
                (Some(place), ["berkas", number]) if get => entry::file(self, place, number).await,
                _ => Ok(missing(shell)),
            },
            ["kertas"] if get => Ok(paper::start(shell)),
            ["kertas"] => paper::wished(self, shell, asked).await,
            ["kertas", code, rest @ ..] if get => match (code.parse::<Batch>(), rest) {
                (Ok(batch), []) => paper::batch(self, shell, &asked, batch).await,
                (Ok(batch), ["cetak"]) => Ok(paper::blank(shell, batch)),
                (Ok(batch), [number]) => match number.parse().ok().and_then(|number| batch.sheet(number)) {
                    Some(sheet) => paper::sheet(self, shell, sheet).await,
                    None => Ok(missing(shell)),
                },
                _ => Ok(missing(shell)),
            },
            ["catatan"] => records::list(self, shell, asked).await,
            ["cek"] if !get => records::look_up(self, shell, asked).await,
            ["catatan", id, rest @ ..] => match (id.parse::<RecordId>(), rest) {
                (Ok(id), []) if get => records::show(self, shell, &asked, id).await,
                (Ok(id), ["tanda-terima"]) if get => records::receipt(self, shell, &asked, id).await,
                (Ok(id), ["lagi"]) if !get => entry::begin_again(self, shell, asked, id).await,
                (Ok(id), ["keterangan"]) if !get => records::remark(self, shell, asked, id).await,
                (Ok(id), ["ubah", group]) if get => records::change(self, shell, id, group).await,
                (Ok(id), ["ubah", group]) => records::changed(self, shell, asked, id, group).await,
                (Ok(_), ["putuskan", _]) if !shell.may_decide() => Ok(shell::not_theirs(shell)),
                (Ok(id), ["putuskan", group]) if !get => records::decide(self, shell, asked, id, group).await,
                (Ok(id), ["berkas", hash]) if get => records::file(self, shell, id, hash).await,
                _ => Ok(missing(shell)),
            },
            ["rekap"] if get => sheet::sheet(self, shell, &asked).await,
            ["petugas"] if get => Ok(people::who(shell, &asked)),
            ["petugas"] if !shell.is_signed_in() => people::chosen(self, shell, asked).await,
            ["masuk"] if get => people::knock(self, shell, &asked).await,
            ["masuk"] => people::enter(self, shell, asked).await,
            ["lupa"] if get => people::forgot(self, shell).await,
            ["lupa"] => people::forgotten(self, shell, asked).await,
            ["keluar"] if !get => people::leave(self, shell, asked).await,
            ["masih"] if !get => {
                Ok(self.posted(asked, shell).await.map_or_else(|no| no, |_| Reply::status(StatusCode::NO_CONTENT)))
            }
            ["pin"] if get && shell.is_signed_in() => Ok(people::change(shell)),
            ["pin"] if shell.is_signed_in() => people::changed(self, shell, asked).await,
            ["orang"] if !shell.is_signed_in() => Ok(missing(shell)),
            ["orang"] if !shell.may_decide() => Ok(shell::not_theirs(shell)),
            ["orang"] if get => people::everybody(self, shell).await,
            ["orang"] => people::rule(self, shell, asked).await,
            ["kios"] if get => kiosk::show(self, shell).await,
            ["kios"] if !shell.may_decide() => Ok(shell::not_theirs(shell)),
            ["kios"] => kiosk::rule(self, shell, asked).await,
            ["latihan"] if get => training::show(self, shell).await,
            ["latihan"] => training::rule(self, shell, asked).await,
            ["bantuan"] if get => Ok(help::contents(shell)),
            ["bantuan", code] if get => Ok(help::page(shell, code)),
            ["bahasa"] if !get => self.choose_language(shell, asked).await,
            _ => Ok(missing(shell)),
        }
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
        if let Some(file) = Asset::asked(&asked.path, ASSETS.all()) {
            return file;
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
