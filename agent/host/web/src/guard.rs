//! Who may ask: a request must be meant for us, and must not come from another site's page.
//!
//! - **`Host`** is one of the names that people use for this page. A stranger's name that was made to point at this PC
//!   (DNS rebinding) is not.
//! - **`Sec-Fetch-Site`**, where the browser sends it, says that the request comes from our own page or from the person
//!   at the keyboard. Another port of this PC is another site's page here.
//! - **`Origin`**, or `Referer` where an old browser sends no origin, of whatever wants to change something is our own.
//!
//! A door for programs and for the public ([`Guard::open`]) asks none of this: behind it nothing is allowed because a
//! browser carries a cookie, so another site's page can do no more there than anybody else.

use std::net::SocketAddr;

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN, REFERER};
use hyper::{Method, Uri};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The names under which a page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// `http://name:port`, in small letters; `None`: whoever asks, by whatever name.
    origins: Option<Vec<String>>,
    /// Whether a link on another site's page may lead here.
    links: bool,
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is meant for another name.
    Host,
    /// Another site's page sent it.
    CrossSite,
    /// It wants to change something and does not say that it comes from our page.
    Origin,
}

impl Refusal {
    /// For the log.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Host => "host",
            Refusal::CrossSite => "cross_site",
            Refusal::Origin => "origin",
        }
    }
}

impl Guard {
    /// For a page on this PC alone, on `port`.
    pub fn loopback(port: u16) -> Guard {
        let names = ["localhost", "127.0.0.1", "[::1]"];
        let mut origins: Vec<String> = names.iter().map(|name| format!("http://{name}:{port}")).collect();
        if port == 80 {
            origins.extend(names.iter().map(|name| format!("http://{name}")));
        }
        Guard { origins: Some(origins), links: false }
    }

    /// For a page at one address of this PC, by that alone.
    pub fn at(address: SocketAddr) -> Guard {
        Guard { origins: Some(vec![format!("http://{address}")]), links: false }
    }

    /// The same for a page that people know under `origin` (`https://name` or `https://name:port`), too.
    #[must_use]
    pub fn known_as(mut self, origin: &str) -> Guard {
        self.origins.get_or_insert_default().push(origin.to_ascii_lowercase());
        self
    }

    /// The same for a page to which links in mails and on other pages may lead. They show a page as the person's own
    /// browser would; what changes something has to come from our own pages still.
    #[must_use]
    pub fn with_links(mut self) -> Guard {
        self.links = true;
        self
    }

    /// For a door that knows no sessions and gives no cookies: what it allows, it allows for a key or to everybody.
    pub fn open() -> Guard {
        Guard { origins: None, links: false }
    }

    /// Whether browsers are told from each other behind it.
    pub(crate) fn has_sessions(&self) -> bool {
        self.origins.is_some()
    }

    /// Whether the request may be answered.
    ///
    /// # Errors
    /// Why it may not.
    pub fn admit(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(ours) = &self.origins else { return Ok(()) };
        // One host, said once: a proxy's form (`GET http://… HTTP/1.1`) is not for us.
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|host| host.to_str().ok()).map(str::to_ascii_lowercase);
        let authority = |origin: &String| origin.split_once("://").map(|(_, authority)| authority.to_owned());
        let own = ours.iter().find(|origin| host.is_some() && authority(origin) == host).ok_or(Refusal::Host)?;
        if hosts.next().is_some() || uri.authority().is_some() {
            return Err(Refusal::Host);
        }
        let said = |name| headers.get(name).map(|value| value.as_bytes());
        let is_link = self.links
            && *method == Method::GET
            && said(SEC_FETCH_MODE) == Some(b"navigate")
            && said(SEC_FETCH_DEST) == Some(b"document");
        if said(SEC_FETCH_SITE).is_some_and(|site| site != b"same-origin" && site != b"none") && !is_link {
            return Err(Refusal::CrossSite);
        }
        if *method != Method::GET && *method != Method::HEAD && !is_own(own, headers) {
            return Err(Refusal::Origin);
        }
        Ok(())
    }
}

/// Whether a change comes from a page of the origin `own`.
fn is_own(own: &str, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value: &hyper::header::HeaderValue| value.to_str().unwrap_or_default());
    match (text(ORIGIN), text(REFERER)) {
        (Some(origin), _) => origin.eq_ignore_ascii_case(own),
        (None, Some(referer)) => referer.to_ascii_lowercase().starts_with(&format!("{own}/")),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, headers: &[(&'static str, &str)]) -> Result<(), Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a header"));
        }
        Guard::loopback(8710).admit(&method, &Uri::from_static("/"), &map)
    }

    #[test]
    fn only_names_of_this_pc_with_our_port_are_ours() {
        for host in ["localhost:8710", "LOCALHOST:8710", "127.0.0.1:8710", "[::1]:8710"] {
            assert_eq!(asked(Method::GET, &[("host", host)]), Ok(()), "{host}");
        }
        for host in
            ["localhost", "localhost:8711", "evil.example:8710", "127.0.0.1.evil.example:8710", "127.0.0.2:8710"]
        {
            assert_eq!(asked(Method::GET, &[("host", host)]), Err(Refusal::Host), "{host}");
        }
        assert_eq!(asked(Method::GET, &[]), Err(Refusal::Host));
        let twice = [("host", "localhost:8710"), ("host", "evil.example:8710")];
        assert_eq!(asked(Method::GET, &twice), Err(Refusal::Host));
        let absolute = Uri::from_static("http://localhost:8710/");
        let mut map = HeaderMap::new();
        map.insert(HOST, "localhost:8710".parse().expect("a header"));
        assert_eq!(Guard::loopback(8710).admit(&Method::GET, &absolute, &map), Err(Refusal::Host));
    }

    #[test]
    fn an_open_door_asks_nobody_where_they_come_from() {
        let mut map = HeaderMap::new();
        map.insert(HOST, "hub.example".parse().expect("a header"));
        map.insert(ORIGIN, "https://elsewhere.example".parse().expect("a header"));
        let open = Guard::open();
        assert_eq!(open.admit(&Method::POST, &Uri::from_static("/"), &map), Ok(()));
        assert!(!open.has_sessions() && Guard::loopback(8710).has_sessions());
    }

    #[test]
    fn another_sites_page_gets_nothing_not_even_one_of_this_pc() {
        let host = ("host", "localhost:8710");
        for site in ["cross-site", "same-site", "nonsense"] {
            assert_eq!(asked(Method::GET, &[host, ("sec-fetch-site", site)]), Err(Refusal::CrossSite), "{site}");
        }
        for site in ["same-origin", "none"] {
            assert_eq!(asked(Method::GET, &[host, ("sec-fetch-site", site)]), Ok(()), "{site}");
        }
    }

    #[test]
    fn behind_a_proxy_the_name_that_people_know_is_ours_and_only_as_they_know_it() {
        let guard = Guard::loopback(8744).known_as("https://Pusat.example.go.id").with_links();
        let ask = |method: Method, pairs: &[(&'static str, &str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in pairs {
                map.append(*name, value.parse().expect("a header"));
            }
            guard.admit(&method, &Uri::from_static("/"), &map)
        };
        let host = ("host", "pusat.example.go.id");
        assert_eq!(ask(Method::POST, &[host, ("origin", "https://pusat.example.go.id")]), Ok(()));
        assert_eq!(ask(Method::POST, &[host, ("origin", "http://pusat.example.go.id")]), Err(Refusal::Origin));
        assert_eq!(ask(Method::GET, &[("host", "pusat.example.go.id:8744")]), Err(Refusal::Host));
        let link = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert_eq!(ask(Method::GET, &[&[host], &link[..]].concat()), Ok(()), "a link in a mail");
        assert_eq!(ask(Method::GET, &[&[host], &link[..2]].concat()), Err(Refusal::CrossSite), "a frame");
        assert_eq!(ask(Method::POST, &[&[host], &link[..]].concat()), Err(Refusal::CrossSite), "a form");
    }

    #[test]
    fn a_change_comes_from_our_own_page_or_is_refused() {
        let host = ("host", "localhost:8710");
        for own in [("origin", "http://localhost:8710"), ("referer", "http://localhost:8710/aduan")] {
            assert_eq!(asked(Method::POST, &[host, own]), Ok(()));
        }
        for foreign in [
            ("origin", "null"),
            ("origin", "https://localhost:8710"),
            ("origin", "http://localhost:9999"),
            ("origin", "http://evil.example"),
            ("referer", "http://localhost:87100/"),
            ("referer", "http://evil.example/http://localhost:8710/"),
        ] {
            assert_eq!(asked(Method::POST, &[host, foreign]), Err(Refusal::Origin), "{foreign:?}");
        }
        assert_eq!(asked(Method::POST, &[host]), Err(Refusal::Origin));
        let both = [host, ("origin", "http://evil.example"), ("referer", "http://localhost:8710/")];
        assert_eq!(asked(Method::POST, &both), Err(Refusal::Origin), "the origin counts");
    }
}
