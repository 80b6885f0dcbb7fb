//! The door of an office whose people have PINs: who comes in, who locks, and what becomes of somebody's form when the
//! page locked itself while they were away.

use askama::Template;
use hyper::{Method, StatusCode};
use kentongan_host::fail::Failure;
use kentongan_host::ktg::Ktg;
use kentongan_web::token::{self, Session};
use kentongan_web::{Asked, Fields, Reply};

use super::super::entry::{self, Place};
use super::super::records;
use super::super::route::{Pages, wants_part};
use super::super::shell::{self, Shell, Who};
use super::badge::Held;
use super::{Choice, choices};
use crate::people::wait_ms;
use crate::store::StoreError;

#[derive(Debug, Template)]
#[template(path = "door.html")]
struct DoorPage<'a> {
    s: &'a Shell,
    people: Vec<Choice>,
    /// Where they wanted to go.
    onward: String,
    fault: String,
    /// What they had typed is kept.
    is_kept: bool,
    /// What somebody typed into a form of a record before the page locked itself, sealed.
    entrusted: String,
}

/// Longest form that is carried past the door, as text in bytes. The largest of ours has one field of 5,000 characters, which
/// are 60,000 bytes at most, and some short ones.
const ENTRUSTED_BYTES_MAX: usize = 128 * 1024;
/// The field of the door that carries it.
const ENTRUSTED: &str = "titipan";

/// Whether a page is there before anybody came in: the door itself, help, and the choice of the language.
pub(in super::super) fn is_open_to_all(parts: &[&str]) -> bool {
    matches!(parts, ["masuk" | "lupa" | "bahasa"] | ["bantuan", ..])
}

/// Whether asking for a page counts as being there. Pages that give or take a badge look after it themselves.
pub(in super::super) fn keeps_badge(parts: &[&str]) -> bool {
    !matches!(parts, ["masuk" | "keluar" | "lupa"] | ["pin"])
}

/// The door.
pub(in super::super) async fn knock(pages: &Pages, shell: &Shell, asked: &Asked) -> Result<Reply, Failure> {
    let onward = onward(&asked.query);
    if matches!(shell.who, Who::Anyone | Who::Person(_)) {
        return Ok(Reply::go_to(&onward));
    }
    door(pages, shell, onward, String::new(), Kept::of(asked.query.has("terjaga"))).await
}

/// Somebody shows a PIN.
pub(in super::super) async fn enter(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    let session = asked.session.clone();
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let onward = onward(&posted.fields);
    let kept = Kept::Carried(posted.fields.text(ENTRUSTED).to_owned());
    let shell = &Shell { who: Who::Locked(posted.fields.text("orang").parse().ok()), ..shell.clone() };
    let Who::Locked(Some(person)) = shell.who else {
        let fault = shell.w.t("pintu.pilih").to_owned();
        return Ok(door(pages, shell, onward, fault, kept).await?.but(StatusCode::UNPROCESSABLE_ENTITY));
    };
    match pages.agent.check_pin(person, posted.fields.text("pin").trim().to_owned()).await {
        Ok(person) => {
            tracing::info!(ev = "people.came_in", person = person.id, "somebody showed their PIN");
            // A PIN that somebody else knows does not prove who typed it.
            let typed = entrusted(pages, &session, person.id, &onward, &kept).filter(|_| !person.temporary);
            if let Some(typed) = typed {
                let badge = pages.badge_of(&session, person.id).await?;
                let shell = shell.clone().of_whom(Who::Person(person), pages.idle_s());
                return Ok(records::given_back(pages, &shell, &onward, &typed).await?.with_cookie(&badge));
            }
            let next = if person.temporary { "/pin" } else { onward.as_str() };
            came_in(pages, &session, person.id, next).await
        }
        Err(failure) => {
            let fault = refused(pages, shell, person, failure).await?;
            tracing::warn!(ev = "people.turned_away", person, "a PIN was wrong or came too soon");
            Ok(door(pages, shell, onward, fault, kept).await?.but(StatusCode::UNPROCESSABLE_ENTITY))
        }
    }
}

/// Lets somebody in who has proved who they are.
pub(super) async fn came_in(pages: &Pages, session: &Session, person: u16, next: &str) -> Result<Reply, Failure> {
    Ok(Reply::go_to(next).with_cookie(&pages.badge_of(session, person).await?))
}

/// What this browser was given to carry to the form on a page, if it was this person who typed it.
fn entrusted(pages: &Pages, session: &Session, person: u16, onward: &str, kept: &Kept) -> Option<Fields> {
    let Kept::Carried(sealed) = kept else { return None };
    Some(Fields::of_text(&pages.secret.unseal(session, &purpose(person, onward), sealed)?))
}

/// What a seal is bound to: whose words they are, and where they go.
fn purpose(person: u16, onward: &str) -> String {
    format!("titipan {person} {onward}")
}

/// Locks the page.
pub(in super::super) async fn leave(pages: &Pages, shell: &Shell, asked: Asked) -> Result<Reply, Failure> {
    let session = asked.session.clone();
    let posted = match pages.posted(asked, shell).await {
        Ok(posted) => posted,
        Err(reply) => return Ok(reply),
    };
    let door = Reply::go_to(&door_to(&onward(&posted.fields)));
    let Who::Person(person) = &shell.who else { return Ok(door) };
    let held = pages.held(person.id).await?;
    Ok(held
        .map(|held| held.cookie_of_leaving(&session, &pages.secret))
        .iter()
        .fold(door, |door, gone| door.with_cookie(gone)))
}

/// Whoever asks for a page while it is locked is shown the door. What somebody had typed into a form before it locked is
/// kept: of a new record as its draft, to which the door leads back; of a record that is there already by the door itself,
/// which gives it back to nobody else.
pub(in super::super) async fn turned_away(
    pages: &Pages,
    shell: &Shell,
    asked: Asked,
    parts: &[&str],
) -> Result<Reply, Failure> {
    if wants_part(&asked) {
        return Ok(Reply::text("").but(StatusCode::FORBIDDEN));
    }
    if asked.method == Method::GET {
        return Ok(Reply::go_to(&door_to(&asked.path)));
    }
    if let ["isi", form, name, rest @ ..] = parts
        && let Some(place) = Place::of(form, name)
    {
        return match rest {
            ["draf"] => entry::keep_typed(pages, shell, asked, place).await,
            _ => match entry::keep_sent(pages, shell, asked, place).await? {
                Some(refusal) => Ok(refusal),
                None => Ok(Reply::go_to(&format!("{}&terjaga=1", door_to(&place.path())))),
            },
        };
    }
    if let (Some(onward), Who::Locked(Some(person))) = (records::page_of_form(parts), &shell.who) {
        let session = asked.session.clone();
        let posted = match pages.posted(asked, shell).await {
            Ok(posted) => posted,
            Err(reply) => return Ok(reply),
        };
        let typed = posted.fields.without(token::FIELD).to_text();
        let kept = match typed.len() <= ENTRUSTED_BYTES_MAX {
            true => Kept::Carried(pages.secret.seal(&session, &purpose(*person, &onward), &typed)),
            false => Kept::Nothing,
        };
        return door(pages, shell, onward, String::new(), kept).await;
    }
    // Of another form, its page is where to go on.
    let onward = match parts {
        ["catatan", id, ..] => format!("/catatan/{id}"),
        [place @ ("catatan" | "orang" | "kios" | "kertas")] => format!("/{place}"),
        _ => "/".to_owned(),
    };
    Ok(Reply::go_to(&door_to(&onward)))
}

/// What to say of a proof that was not taken; other failures stay failures.
pub(super) async fn refused(pages: &Pages, shell: &Shell, person: u16, failure: Failure) -> Result<String, Failure> {
    let lang = shell.w.lang;
    match failure.ktg {
        Some(ktg @ Ktg::PinWrong) => Ok(ktg.sentence(lang).to_owned()),
        Some(ktg @ Ktg::PinLocked) => {
            let asked = pages.agent.ask(move |store| Ok((store.person(person)?, store.wall_ms()))).await?;
            let wait_ms = wait_ms(asked.0.wrong, asked.0.wrong_ms, asked.1);
            let seconds = u64::try_from((wait_ms + 999) / 1000).unwrap_or(0);
            Ok(format!("{} {}", ktg.sentence(lang), shell.w.count("pintu.tunggu", seconds)))
        }
        None if failure.exit == kentongan_host::Exit::Usage => Ok(failure.sentence(lang)),
        _ => Err(failure),
    }
}

/// What became of what somebody had typed before the page locked itself.
#[derive(Debug)]
enum Kept {
    /// They had typed nothing that counts.
    Nothing,
    /// It lies in the store, as a draft.
    Stored,
    /// The door carries it, sealed; empty: it does not.
    Carried(String),
}

impl Kept {
    fn of(is_stored: bool) -> Kept {
        if is_stored { Kept::Stored } else { Kept::Nothing }
    }
}

async fn door(pages: &Pages, shell: &Shell, onward: String, fault: String, kept: Kept) -> Result<Reply, Failure> {
    let people = pages.agent.ask(|store| store.people()).await?;
    let last = match shell.who {
        Who::Locked(last) => last,
        Who::Anyone | Who::Person(_) => None,
    };
    let people = choices(&people, last, shell.w.lang);
    let (is_kept, entrusted) = match kept {
        Kept::Nothing => (false, String::new()),
        Kept::Stored => (true, String::new()),
        Kept::Carried(sealed) => (!sealed.is_empty(), sealed),
    };
    Ok(shell::page(&DoorPage { s: &shell.clone().at("masuk"), people, onward, fault, is_kept, entrusted }))
}

fn door_to(onward: &str) -> String {
    format!("/masuk?lanjut={onward}")
}

/// Where somebody wanted to go: a page of ours, whatever the address says.
fn onward(fields: &Fields) -> String {
    let path = fields.text("lanjut");
    let is_ours = path.starts_with('/')
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_'))
        && !path.starts_with("//");
    if is_ours && path != "/masuk" { path.to_owned() } else { "/".to_owned() }
}

impl Pages {
    /// The cookie of somebody who has proved who they are.
    async fn badge_of(&self, session: &Session, person: u16) -> Result<String, Failure> {
        let held = self.held(person).await?.ok_or(StoreError::NoSuchPerson)?;
        Ok(held.cookie(session, &self.secret))
    }

    /// What the store knows of somebody who works here.
    async fn held(&self, person: u16) -> Result<Option<Held>, Failure> {
        let asked = self.agent.ask(move |store| held(store, person)).await?;
        Ok(asked)
    }
}

/// The same, on the store.
pub(in super::super) fn held(store: &mut crate::store::Store, person: u16) -> Result<Option<Held>, StoreError> {
    match store.proof_of(person) {
        Ok((person, pin, _)) => Ok(Some(Held { person, pin, now_ms: store.wall_ms() })),
        Err(StoreError::NoSuchPerson) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_leads_to_our_own_pages_alone() {
        let leads = |text: &str| onward(&Fields::of_text(text));
        assert_eq!(leads("lanjut=/isi/pengaduan/00ff"), "/isi/pengaduan/00ff");
        assert_eq!(leads("lanjut=/catatan/0a-1"), "/catatan/0a-1");
        for foreign in
            ["", "lanjut=", "lanjut=//evil.example", "lanjut=http://evil.example/", "lanjut=/%5Cevil", "lanjut=/masuk"]
        {
            assert_eq!(leads(foreign), "/", "{foreign}");
        }
    }

    #[test]
    fn before_anybody_came_in_there_is_the_door_and_help() {
        for open in [&["masuk"][..], &["lupa"], &["bahasa"], &["bantuan"], &["bantuan", "KTG-401"]] {
            assert!(is_open_to_all(open), "{open:?}");
        }
        for shut in [&[""][..], &["catatan"], &["isi", "skm"], &["pin"], &["orang"], &["petugas"], &["masuk", "x"]] {
            assert!(!is_open_to_all(shut), "{shut:?}");
        }
    }
}
