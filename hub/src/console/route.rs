//! The map of the console: every page, its method, and who may ask for it. And the one place that looks who asks.
//!
//! To add a page: write its file with `async fn page(console: &Console, visit: Visit, asked: Asked) -> Result<Reply,
//! Failure>`, a template, its words, and one line in [`PAGES`]. A `{}` in a path is a part that the page finds in
//! [`Visit::args`].

use std::net::IpAddr;
use std::pin::Pin;

use hyper::header::{HeaderName, REFERER, USER_AGENT};
use hyper::{Method, StatusCode};
use kentongan_host::Failure;
use kentongan_web::asked::LANG;
use kentongan_web::token::Session;
use kentongan_web::{Asked, Asset, Reply, Site, cookie};

use super::shell::{self, ASSETS, Person, Shell};
use super::{
    Console, account, audit, bundle, carried, cases, conflicts, door, enrolment, fleet, office, people, surveys,
};
use crate::service::Via;
use crate::service::login::{self, Place, Token};
use crate::store::{Login, Role, Stage};

/// Who may ask for a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Anybody: the page lets people in, or says nothing of anything.
    Nothing,
    /// Somebody whose second factor is still to be set up, and everybody who is logged in.
    Person,
    /// Everybody who is logged in: nothing on the page identifies a citizen.
    See,
    /// Who looks after offices and their devices.
    Fleet,
    /// Who handles complaints: the page may show what identifies people.
    Case,
    /// Who looks after the people here.
    Admin,
}

impl Need {
    /// Whether somebody with this role may.
    pub(super) fn admits(self, role: Role) -> bool {
        match self {
            Need::Nothing | Need::Person | Need::See => true,
            Need::Fleet => matches!(role, Role::Operator | Role::Admin),
            Need::Case => matches!(role, Role::Case | Role::Admin),
            Need::Admin => role == Role::Admin,
        }
    }
}

type Answered<'a> = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send + 'a>>;

/// A page.
pub(super) struct Page {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) need: Need,
    answer: for<'a> fn(&'a Console, Visit, Asked) -> Answered<'a>,
}

macro_rules! pages {
    ($($method:ident $path:literal $need:ident => $answer:path;)*) => {
        &[$(Page {
            method: Method::$method,
            path: $path,
            need: Need::$need,
            answer: |console, visit, asked| Box::pin($answer(console, visit, asked)),
        }),*]
    };
}

/// All pages.
pub(super) const PAGES: &[Page] = pages! {
    GET  "/"                      See     => fleet::show;
    GET  "/armada.csv"            See     => fleet::list;
    GET  "/kantor/{}"             See     => office::show;
    POST "/kantor/{}/jeda"        Fleet   => office::pause;
    POST "/kantor/{}/nama"        Fleet   => office::rename;
    POST "/kantor/{}/catatan"     Fleet   => office::note;
    GET  "/kantor/{}/ganti"       Fleet   => office::ask_replace;
    POST "/kantor/{}/ganti"       Fleet   => office::replace;
    GET  "/kantor/{}/cabut/{}"    Fleet   => office::ask_revoke;
    POST "/kantor/{}/cabut/{}"    Fleet   => office::revoke;
    GET  "/pendaftaran"           Fleet   => enrolment::show;
    POST "/pendaftaran"           Fleet   => enrolment::create;
    POST "/pendaftaran/daftar"    Fleet   => enrolment::import;
    POST "/pendaftaran/{}/cabut"  Fleet   => enrolment::revoke;
    POST "/pendaftaran/{}/putusan" Fleet  => enrolment::judge;
    POST "/pendaftaran/berkas"    Fleet   => carried::look;
    POST "/pendaftaran/berkas/jawaban" Fleet => carried::answer;
    GET  "/kiriman"               Fleet   => bundle::show;
    POST "/kiriman"               Fleet   => bundle::take;
    POST "/kiriman/jawaban"       Fleet   => bundle::answer;

    GET  "/masuk"                 Nothing => door::show;
    POST "/masuk"                 Nothing => door::password;
    GET  "/masuk/kode"            Nothing => door::ask_code;
    POST "/masuk/kode"            Nothing => door::code;
    GET  "/masuk/undangan"        Nothing => door::ask_invitation;
    POST "/masuk/undangan"        Nothing => door::invitation;
    POST "/keluar"                Nothing => door::leave;
    POST "/bahasa"                Nothing => language;

    GET  "/akun"                  See     => account::show;
    POST "/akun/sandi"            See     => account::change_password;
    POST "/akun/masuk/{}"         See     => account::end_login;
    GET  "/akun/langkah-kedua"    Person  => account::second;
    POST "/akun/langkah-kedua"    Person  => account::set_second;
    POST "/akun/langkah-kedua/lepas" See  => account::drop_second;

    GET  "/orang"                 Admin   => people::list;
    POST "/orang"                 Admin   => people::add;
    POST "/orang/{}/peran"        Admin   => people::give_role;
    POST "/orang/{}/undang"       Admin   => people::reset;
    POST "/orang/{}/tutup"        Admin   => people::bar;

    GET  "/audit"                 Admin   => audit::show;
    POST "/audit/periksa"         Admin   => audit::check;
    POST "/audit/salinan"         Admin   => audit::copy;

    GET  "/aduan"                 See     => cases::board;
    GET  "/aduan/cari"            See     => cases::look_up;
    GET  "/aduan/daftar"          See     => cases::list;
    GET  "/aduan/{}"              See     => cases::show;
    POST "/aduan/{}/baca"         Case    => cases::read;
    POST "/aduan/{}/langkah"      Case    => cases::take;
    GET  "/aduan/{}/disposisi"    See     => cases::sheet;
    GET  "/aduan/{}/lampiran/{}"  Case    => cases::file;

    GET  "/konflik"               See     => conflicts::list;
    POST "/konflik"               Case    => conflicts::decide_alike;
    GET  "/konflik/{}"            See     => conflicts::show;
    POST "/konflik/{}/baca"       Case    => conflicts::read;
    POST "/konflik/{}/putuskan"   Case    => conflicts::decide;
    POST "/konflik/{}/batal"      Case    => conflicts::undo;

    GET  "/survei"                See     => surveys::index;
    GET  "/survei/lembar"         See     => surveys::sheet;
};

/// A request that was let through, and who makes it.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    /// Head, words and token of the page.
    pub(super) shell: Shell,
    /// The parts of the address that stand at `{}`, in order.
    pub(super) args: Vec<String>,
    /// The login of this browser, however far it is.
    pub(super) login: Option<Login>,
    /// The address that is asked from.
    pub(super) from: IpAddr,
    /// What the browser calls itself.
    pub(super) browser: String,
}

impl Visit {
    /// The name under which things are done; empty: nobody is logged in.
    pub(super) fn name(&self) -> &str {
        self.shell.person.as_ref().map_or("", |person| person.name.as_str())
    }

    /// For the audit log.
    pub(super) fn via(&self) -> Via {
        let role = self.shell.person.as_ref().map_or("nobody", |person| person.role.code());
        Via { role, from: self.from.to_string() }
    }

    /// Where a login is begun.
    pub(super) fn place(&self) -> Place {
        Place { from: self.from.to_string(), browser: self.browser.clone() }
    }

    /// The part of the address at the `n`th `{}`.
    pub(super) fn arg(&self, n: usize) -> &str {
        self.args.get(n).map_or("", String::as_str)
    }
}

impl Site for Console {
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
        let shell = Shell::of(&asked, self);
        match self.led(shell.clone(), asked).await {
            Ok(reply) => reply,
            Err(failure) => shell::failure(&shell, &failure),
        }
    }
}

impl Console {
    /// Looks who asks for what, and leads them there.
    async fn led(&self, shell: Shell, mut asked: Asked) -> Result<Reply, Failure> {
        let from = self.address_of(&asked);
        let browser = asked.header(&USER_AGENT).unwrap_or_default().to_owned();
        let mut visit = Visit { shell, args: Vec::new(), login: None, from, browser };
        self.recognise(&mut visit, &mut asked).await?;
        let Some((page, args)) = find(&asked.method, &asked.path) else {
            let is_there = PAGES.iter().any(|page| fits(page.path, &asked.path).is_some());
            let (status, key) = match is_there {
                true => (StatusCode::METHOD_NOT_ALLOWED, "tolak.cara"),
                false => (StatusCode::NOT_FOUND, "tolak.tidak_ada"),
            };
            return Ok(shell::refusal(&visit.shell, status, key));
        };
        visit.args = args;
        if let Some(reply) = refused(page, &visit, &asked) {
            return Ok(reply);
        }
        let shell = visit.shell.clone();
        Ok((page.answer)(self, visit, asked).await.unwrap_or_else(|failure| shell::failure(&shell, &failure)))
    }

    /// Finds the person behind the browser's cookie, and binds the token of its forms to their login.
    async fn recognise(&self, visit: &mut Visit, asked: &mut Asked) -> Result<(), Failure> {
        let Some(token) = asked.cookie(self.login_cookie()).and_then(Token::shown) else { return Ok(()) };
        let known = self.look(visit, move |tx, desk| {
            let known = login::who(tx, desk, &token)?;
            Ok(known.map(|(account, login)| (login::is_due(desk, &login), account, login)))
        });
        let Some((is_due, account, login)) = known.await? else { return Ok(()) };
        // A page that brings itself up to date is no sign of a person.
        if is_due && !wants_part(asked) {
            let hash = login.hash;
            self.change(visit, move |tx, desk| login::seen(tx, desk, &hash)).await?;
        }
        if let Some(session) = Session::shown(&kentongan_host::enrolment::to_hex(&login.hash[..16])) {
            asked.session = session;
            visit.shell.token = self.secret.token(&asked.session);
        }
        if login.stage != Stage::ExpectCode {
            visit.shell.person = Some(Person::of(&account));
        }
        visit.login = Some(login);
        Ok(())
    }

    /// The address of the person: what a proxy on this machine says, or whoever is connected.
    fn address_of(&self, asked: &Asked) -> IpAddr {
        let forwarded = asked.header(&HeaderName::from_static("x-forwarded-for")).filter(|_| self.is_https);
        // The last one is what the proxy itself saw; those before it anybody can write.
        let said = forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
        said.unwrap_or(asked.peer)
    }

    /// Name of the cookie with the login. `__Host-` makes browsers refuse it from anywhere but this very site by TLS.
    pub(super) fn login_cookie(&self) -> &'static str {
        if self.is_https { "__Host-ktg_konsol" } else { "ktg_konsol" }
    }

    /// The cookie that gives the browser its login; with an empty one it forgets it.
    pub(super) fn keep_login(&self, token: &str) -> String {
        let secure = if self.is_https { "; Secure" } else { "" };
        let end = if token.is_empty() { "; Max-Age=0" } else { "" };
        format!("{}{secure}{end}", cookie::following_links(self.login_cookie(), token))
    }
}

/// What is answered instead of the page, if whoever visits may not see it.
fn refused(page: &Page, visit: &Visit, asked: &Asked) -> Option<Reply> {
    if page.need == Need::Nothing {
        return None;
    }
    let lead_to =
        |to: String| if wants_part(asked) { Reply::status(StatusCode::UNAUTHORIZED) } else { Reply::go_to(&to) };
    let wanted = || if asked.method == Method::GET { door::address_with(asked) } else { "/masuk".to_owned() };
    let Some(login) = &visit.login else { return Some(lead_to(wanted())) };
    match (login.stage, &visit.shell.person) {
        (Stage::ExpectCode, _) | (_, None) => Some(lead_to("/masuk/kode".to_owned())),
        (Stage::ExpectSecondFactor, _) if page.need != Need::Person => Some(lead_to("/akun/langkah-kedua".to_owned())),
        (_, Some(person)) if !page.need.admits(person.role) => {
            tracing::warn!(ev = "console.refused", path = page.path, role = person.role.code(), "not for this role");
            Some(shell::refusal(&visit.shell, StatusCode::FORBIDDEN, "tolak.peran"))
        }
        _ => None,
    }
}

fn find(method: &Method, path: &str) -> Option<(&'static Page, Vec<String>)> {
    let pages = PAGES.iter().filter(|page| page.method == *method);
    pages.filter_map(|page| Some((page, fits(page.path, path)?))).next()
}

/// The parts at `{}`, if the address is of this shape.
fn fits(shape: &str, path: &str) -> Option<Vec<String>> {
    let (mut shape, mut parts) = (shape.split('/'), path.split('/'));
    let mut args = Vec::new();
    loop {
        match (shape.next(), parts.next()) {
            (None, None) => return Some(args),
            (Some("{}"), Some(part)) if !part.is_empty() => args.push(part.to_owned()),
            (Some(wanted), Some(part)) if wanted == part => {}
            _ => return None,
        }
    }
}

/// Whether a script asks for the part of a page that changes by itself.
pub(super) fn wants_part(asked: &Asked) -> bool {
    asked.header(&HeaderName::from_static("x-part")).is_some()
}

async fn language(console: &Console, visit: Visit, asked: Asked) -> Result<Reply, Failure> {
    let from = asked.header(&REFERER).and_then(path_of).unwrap_or_else(|| "/".to_owned());
    match console.posted(asked, &visit).await {
        Ok(posted) => {
            let lang = if posted.fields.text("bahasa") == "en" { "en" } else { "id" };
            Ok(Reply::go_to(&from).with_cookie(&cookie::lasting(LANG, lang)))
        }
        Err(reply) => Ok(reply),
    }
}

/// The path and question of an address of ours.
fn path_of(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    rest.get(rest.find('/')?..).filter(|path| is_own_path(path)).map(str::to_owned)
}

/// Whether a text is a path of ours, and not another site's address in disguise.
pub(super) fn is_own_path(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && !path.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_hides_another() {
        for (at, page) in PAGES.iter().enumerate() {
            let example = page.path.replace("{}", "contoh");
            let found = find(&page.method, &example).map(|(found, _)| found.path);
            assert_eq!(found, Some(page.path), "line {at}");
        }
    }

    #[test]
    fn only_pages_that_let_people_in_are_open_to_all() {
        let open = PAGES.iter().filter(|page| page.need == Need::Nothing).map(|page| page.path);
        assert!(open.into_iter().all(|path| path.starts_with("/masuk") || path == "/keluar" || path == "/bahasa"));
    }

    #[test]
    fn parts_of_an_address_are_whole_or_it_is_another_page() {
        assert_eq!(fits("/orang/{}/peran", "/orang/sari/peran"), Some(vec!["sari".to_owned()]));
        for other in ["/orang//peran", "/orang/sari", "/orang/sari/peran/", "/orang/a/b/peran", "orang/sari/peran"] {
            assert_eq!(fits("/orang/{}/peran", other), None, "{other}");
        }
    }

    #[test]
    fn who_is_led_somewhere_stays_on_our_own_pages() {
        assert_eq!(path_of("http://localhost:8744/audit?a=1"), Some("/audit?a=1".into()));
        for foreign in ["http://localhost:8744//evil.example/", "http://localhost:8744", "nonsense"] {
            assert_eq!(path_of(foreign), None, "{foreign}");
        }
        for path in ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\r\nSet-Cookie: x"] {
            assert!(!is_own_path(path), "{path:?}");
        }
    }
}
