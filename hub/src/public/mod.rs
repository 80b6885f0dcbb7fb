//! The door to the world outside: citizens who look after their complaint, and programs that hold a key.
//!
//! ```text
//!   GET /lacak?kode=…         the page for citizens          track     no key, rate-limited, shows no person
//!   /api/v1/…                 programs                       crate::api
//!   /open311/v2/…             applications for citizens      open311
//! ```
//!
//! It has an address of its own (`listen.public`), so that a firewall can tell it from the door for devices and from the
//! console. Whoever opens it to the internet puts a proxy before it that speaks TLS, and says so (`public.behind_proxy`):
//! then the proxy's word for the address counts.

mod open311;
mod throttle;
mod track;

use std::net::IpAddr;
use std::sync::LazyLock;

use hyper::Method;
use hyper::header::HeaderName;
use kentongan_web::{Asked, Asset, Catalog, Reply, Site};

use crate::api;
use crate::serve::Serving;
use crate::service::key;
use crate::store::{ApiKey, StoreError};
use throttle::Throttle;

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::of(include_str!("words/id.txt"), include_str!("words/en.txt")));
static STYLE: LazyLock<Asset> = LazyLock::new(|| Asset::css("lacak", include_str!("assets/lacak.css")));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| Asset::script("lacak", include_str!("assets/lacak.js")));

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The door.
#[derive(Debug)]
pub(crate) struct Outside {
    pub(crate) serving: Serving,
    throttle: Throttle,
}

impl Outside {
    pub(crate) fn new(serving: Serving) -> Outside {
        let throttle = Throttle::new(serving.clock.boot_ms());
        Outside { serving, throttle }
    }

    /// Where a request comes from.
    pub(crate) fn address(&self, asked: &Asked) -> IpAddr {
        // The last entry is what our own proxy saw; those before it are what its caller says.
        let said = asked.header(&FORWARDED_FOR).and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
        said.filter(|_| self.serving.config().behind_proxy).unwrap_or(asked.peer)
    }

    /// Counts a question of `address`.
    ///
    /// # Errors
    /// It asks too often; the seconds after which to come back.
    pub(crate) fn may_ask(&self, address: IpAddr) -> Result<(), u64> {
        self.throttle.ask(address, self.now_ms()).map_err(|later| later.again_s)
    }

    /// Whether `address` may look up a code; see [`Outside::missed`].
    ///
    /// # Errors
    /// Too many codes that nobody has; the seconds after which to come back.
    pub(crate) fn may_look_up(&self, address: IpAddr) -> Result<(), u64> {
        self.throttle.may_look_up(address, self.now_ms()).map_err(|later| later.again_s)
    }

    /// Counts a code that nobody has.
    pub(crate) fn missed(&self, address: IpAddr) {
        self.throttle.missed(address, self.now_ms());
    }

    /// The key that a program shows, if it is one that holds.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn key(&self, shown: &str) -> Result<Option<ApiKey>, StoreError> {
        let (shown, now_ms) = (shown.to_owned(), self.serving.clock.wall_ms());
        self.serving.store.run(move |tx| key::known(tx, &shown, now_ms)).await
    }

    fn now_ms(&self) -> u64 {
        self.serving.clock.boot_ms()
    }
}

impl Site for Outside {
    async fn answer(&self, asked: Asked) -> Reply {
        if let Some(path) = asked.path.strip_prefix(api::ROOT).map(str::to_owned) {
            return api::answer(self, asked, &path).await;
        }
        if let Some(path) = asked.path.strip_prefix(open311::ROOT).map(str::to_owned) {
            return open311::answer(self, asked, &path).await;
        }
        let reads = asked.method == Method::GET || asked.method == Method::HEAD;
        match asked.path.as_str() {
            "/" | "/lacak" | "/favicon.ico" if !reads => Reply::not_allowed("GET, HEAD"),
            "/" => Reply::go_to("/lacak"),
            "/lacak" => track::page(self, &asked).await,
            path => Asset::asked(path, [&*STYLE, &*SCRIPT]).unwrap_or_else(Reply::not_found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_whole_in_both_languages() {
        assert_eq!(CATALOG.faults(), Vec::<String>::new());
    }
}
