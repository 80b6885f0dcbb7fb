//! What is answered, under headers that leave a page nothing to do but show itself.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, SET_COOKIE, VARY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use hyper::{Response, StatusCode};

use crate::asked::Asked;

/// Everything from our own files, no script or style inline, in no frame, forms to ourselves alone. The drawings inside
/// our style sheet are `data:`.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The browser asks for none of these, and no page of ours could.
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), usb=()";
/// A shorter page fits into few packets as it is.
const PACKED_BYTES_MIN: usize = 4 * 1024;
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    is_kept: bool,
}

impl Reply {
    /// With a status and nothing else.
    pub fn status(status: StatusCode) -> Reply {
        Reply { status, headers: Vec::new(), body: Bytes::new(), is_kept: false }
    }

    /// A page.
    pub fn page(html: String) -> Reply {
        Reply::file("text/html; charset=utf-8", html.into_bytes())
    }

    /// Plain text.
    pub fn text(text: impl Into<String>) -> Reply {
        Reply::file("text/plain; charset=utf-8", text.into().into_bytes())
    }

    /// A file of a kind.
    pub fn file(mime: &'static str, content: Vec<u8>) -> Reply {
        let reply = Reply { body: Bytes::from(content), ..Reply::status(StatusCode::OK) };
        reply.with(CONTENT_TYPE, mime)
    }

    /// Another page is to be asked for with `GET`. `to` is a path of ours.
    pub fn go_to(to: &str) -> Reply {
        Reply::status(StatusCode::SEE_OTHER).with(LOCATION, to)
    }

    /// There is no such page.
    pub fn not_found() -> Reply {
        Reply::text("404\n").but(StatusCode::NOT_FOUND)
    }

    /// The page is there, but not for this kind of request.
    pub fn not_allowed(allowed: &'static str) -> Reply {
        Reply::text("405\n").but(StatusCode::METHOD_NOT_ALLOWED).with(ALLOW, allowed)
    }

    /// Nothing has changed since the browser asked last.
    pub fn unchanged(tag: &str) -> Reply {
        Reply::status(StatusCode::NOT_MODIFIED).tagged(tag)
    }

    /// The same with another status.
    #[must_use]
    pub fn but(mut self, status: StatusCode) -> Reply {
        self.status = status;
        self
    }

    /// The same with a header more. One that cannot be written is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Reply {
        if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.push((name, value));
        }
        self
    }

    /// The same with a mark of its content, by which the browser asks whether it changed.
    #[must_use]
    pub fn tagged(self, tag: &str) -> Reply {
        self.with(ETAG, format!("\"{tag}\""))
    }

    /// The same with a cookie.
    #[must_use]
    pub fn with_cookie(self, cookie: &str) -> Reply {
        self.with(SET_COOKIE, cookie)
    }

    /// The same as a file to keep, under this name of ours.
    #[must_use]
    pub fn to_keep_as(self, name: &str) -> Reply {
        self.with(CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))
    }

    /// The same, which the browser may keep: its address changes with its content.
    #[must_use]
    pub fn kept_for_ever(mut self) -> Reply {
        self.is_kept = true;
        self
    }

    /// The same in gzip, if the browser takes that.
    ///
    /// Only for a page that repeats nothing out of its address: whoever can make a browser ask for addresses of their
    /// choice, and sees how long the answers are, could otherwise guess the token that stands in the same page.
    #[must_use]
    pub fn packed_for(mut self, asked: &Asked) -> Reply {
        let takes = asked.header(&ACCEPT_ENCODING).unwrap_or_default();
        let takes = takes.split(',').any(|way| way.trim().eq_ignore_ascii_case("gzip"));
        if !takes || self.body.len() < PACKED_BYTES_MIN {
            return self;
        }
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        let packed = packer.write_all(&self.body).and_then(|()| packer.finish());
        // Writing into memory does not fail; if it did, the page would go as it is.
        if let Ok(packed) = packed {
            self.body = Bytes::from(packed);
            return self.with(CONTENT_ENCODING, "gzip").with(VARY, "accept-encoding");
        }
        self
    }

    /// Its status.
    pub fn code(&self) -> StatusCode {
        self.status
    }

    /// As it goes out.
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let always = [
            (CONTENT_SECURITY_POLICY, POLICY),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            // Not `no-referrer`: browsers would hide the origin of our own forms as well.
            (REFERRER_POLICY, "same-origin"),
            (HeaderName::from_static("permissions-policy"), PERMISSIONS),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            // What a page shows of people stays in no cache on a shared PC.
            (CACHE_CONTROL, if self.is_kept { FOR_EVER } else { "no-store" }),
        ];
        for (name, value) in always {
            headers.insert(name, HeaderValue::from_static(value));
        }
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_carries_the_policy_and_none_allows_inline_script() {
        for reply in [Reply::page("<p>".into()), Reply::not_found(), Reply::go_to("/"), Reply::not_allowed("GET")] {
            let response = reply.into_response();
            let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().expect("text");
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
            assert!(!policy.contains("unsafe"));
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            assert!(!response.headers().contains_key("access-control-allow-origin"));
        }
    }

    #[test]
    fn a_header_that_cannot_be_written_is_left_out() {
        let response = Reply::go_to("/\r\nSet-Cookie: x").into_response();
        assert!(!response.headers().contains_key(LOCATION) && !response.headers().contains_key(SET_COOKIE));
    }
}
