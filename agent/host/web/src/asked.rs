//! A request that was let in, and the form that it may carry.

use std::net::IpAddr;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, IF_NONE_MATCH};
use hyper::{Method, Request};
use kentongan_host::Lang;
use tokio::time::{Instant, timeout, timeout_at};

use crate::form::{Fields, Upload};
use crate::token::{self, Secret, Session};
use crate::{cookie, multipart};

/// The cookie with the session.
const SESSION: &str = "ktg_sesi";
/// The cookie with the language.
pub const LANG: &str = "ktg_bahasa";

/// Longest pause between two pieces of a form, and longest time for all of it.
const STALL: Duration = Duration::from_secs(15);
const WHOLE: Duration = Duration::from_secs(180);

/// A request.
#[derive(Debug)]
pub struct Asked {
    /// What is to be done.
    pub method: Method,
    /// Which page.
    pub path: String,
    /// What stands behind the `?`.
    pub query: Fields,
    /// The language of the person at the browser.
    pub lang: Lang,
    /// The browser.
    pub session: Session,
    /// The address it comes from; that of a proxy, if one stands before this door.
    pub peer: IpAddr,
    /// Whether the browser has been given its session only now.
    pub(crate) is_new: bool,
    headers: HeaderMap,
    body: Incoming,
}

/// A form of ours that was sent: its token was right.
#[derive(Debug)]
pub struct Posted {
    /// Its fields.
    pub fields: Fields,
    /// Its files, by the name of their field.
    pub files: Vec<(String, Upload)>,
}

/// Why a form was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// Larger than allowed.
    TooLarge,
    /// It came too slowly, was cut, or does not hold together.
    Broken,
    /// Not from a page of ours, or from one that is too old.
    Token,
}

impl Asked {
    pub(crate) fn of(request: Request<Incoming>, peer: IpAddr) -> Asked {
        let (head, body) = request.into_parts();
        let shown = cookie::of(&head.headers, SESSION).and_then(Session::shown);
        Asked {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: Fields::of_text(head.uri.query().unwrap_or_default()),
            lang: lang_of(&head.headers),
            is_new: shown.is_none(),
            session: shown.unwrap_or_else(Session::draw),
            peer,
            headers: head.headers,
            body,
        }
    }

    /// The cookie that gives the browser its session.
    pub(crate) fn session_cookie(session: &Session) -> String {
        cookie::passing(SESSION, session.as_str())
    }

    /// A header, if it is text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether a header was sent at all, be it text or not.
    pub fn has_header(&self, name: &HeaderName) -> bool {
        self.headers.contains_key(name)
    }

    /// A cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookie::of(&self.headers, name)
    }

    /// Whether the browser already has what is marked `tag`.
    pub fn has(&self, tag: &str) -> bool {
        self.header(&IF_NONE_MATCH).is_some_and(|known| known.trim_start_matches("W/").trim_matches('"') == tag)
    }

    /// Reads what a program sent, of at most `bytes_max` bytes. For doors where a key stands for who asks: a browser's
    /// cookie is worth nothing here, so no token is asked for.
    ///
    /// # Errors
    /// It is too large or broken.
    pub async fn body(self, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
        self.fits(bytes_max)?;
        whole(self.body, bytes_max).await
    }

    fn fits(&self, bytes_max: usize) -> Result<(), Unreadable> {
        let said: Option<u64> = self.header(&CONTENT_LENGTH).and_then(|length| length.parse().ok());
        if said.is_some_and(|said| said > bytes_max as u64) { Err(Unreadable::TooLarge) } else { Ok(()) }
    }

    /// Reads the form, of at most `bytes_max` bytes.
    ///
    /// # Errors
    /// It is too large, broken, or without the token of this browser.
    pub async fn posted(self, secret: &Secret, bytes_max: usize) -> Result<Posted, Unreadable> {
        self.fits(bytes_max)?;
        let by_header = self.header(&HeaderName::from_static(token::HEADER)).map(str::to_owned);
        if by_header.as_ref().is_some_and(|token| !secret.holds(&self.session, token)) {
            return Err(Unreadable::Token);
        }
        let kind = self.header(&CONTENT_TYPE).unwrap_or_default().to_owned();
        let body = whole(self.body, bytes_max).await?;
        let posted = match multipart::boundary(&kind) {
            Some(boundary) => {
                let parts = multipart::read(&body, boundary).ok_or(Unreadable::Broken)?;
                Posted { fields: parts.fields, files: parts.files }
            }
            None => {
                let text = std::str::from_utf8(&body).map_err(|_| Unreadable::Broken)?;
                Posted { fields: Fields::of_text(text), files: Vec::new() }
            }
        };
        if by_header.is_none() && !secret.holds(&self.session, posted.fields.text(token::FIELD)) {
            return Err(Unreadable::Token);
        }
        Ok(posted)
    }
}

/// What the person chose here, else Indonesian: many a PC of an office speaks English by itself, few of its people do.
fn lang_of(headers: &HeaderMap) -> Lang {
    match cookie::of(headers, LANG) {
        Some("en") => Lang::En,
        _ => Lang::Id,
    }
}

async fn whole(mut body: Incoming, bytes_max: usize) -> Result<Vec<u8>, Unreadable> {
    let until = Instant::now() + WHOLE;
    let mut all = Vec::new();
    loop {
        let next = timeout_at(until, timeout(STALL, body.frame())).await;
        match next {
            Ok(Ok(Some(Ok(frame)))) => {
                let Ok(bytes) = frame.into_data() else { continue };
                if all.len() + bytes.len() > bytes_max {
                    return Err(Unreadable::TooLarge);
                }
                all.extend_from_slice(&bytes);
            }
            Ok(Ok(None)) => return Ok(all),
            _ => return Err(Unreadable::Broken),
        }
    }
}
