//! Files that belong to the pages and to the program: style and script, named by what they hold.

use kentongan_host::enrolment::to_hex;
use sha2::{Digest, Sha256};

use crate::reply::Reply;

/// Where files are in the addresses of a site.
const FOLDER: &str = "/aset/";

/// A file that is compiled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// `gaya-1f2e3d4c5b6a.css`: another content has another name, so browsers may keep it for ever.
    pub name: String,
    mime: &'static str,
    content: &'static [u8],
}

impl Asset {
    /// A style sheet.
    pub fn css(name: &str, content: &'static str) -> Asset {
        Asset::of(name, "css", "text/css; charset=utf-8", content.as_bytes())
    }

    /// A script.
    pub fn script(name: &str, content: &'static str) -> Asset {
        Asset::of(name, "js", "text/javascript; charset=utf-8", content.as_bytes())
    }

    /// A drawing.
    pub fn svg(name: &str, content: &'static str) -> Asset {
        Asset::of(name, "svg", "image/svg+xml", content.as_bytes())
    }

    fn of(name: &str, ending: &str, mime: &'static str, content: &'static [u8]) -> Asset {
        let sum = Sha256::digest(content);
        Asset { name: format!("{name}-{}.{ending}", to_hex(&sum[..6])), mime, content }
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> usize {
        self.content.len()
    }

    /// What it holds.
    pub fn content(&self) -> &'static [u8] {
        self.content
    }

    /// The answer to a request for a file, one of `all`: its address says that it is one.
    pub fn asked<'a>(path: &str, all: impl IntoIterator<Item = &'a Asset>) -> Option<Reply> {
        let name = path.strip_prefix(FOLDER)?;
        let file = all.into_iter().find(|asset| asset.name == name);
        Some(file.map_or_else(Reply::not_found, Asset::reply))
    }

    /// The file as an answer.
    pub fn reply(&self) -> Reply {
        Reply::file(self.mime, self.content.to_vec()).kept_for_ever()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_content_has_another_name() {
        let (one, other) = (Asset::css("gaya", "a{}"), Asset::css("gaya", "b{}"));
        assert_ne!(one.name, other.name);
        assert!(one.name.starts_with("gaya-") && one.name.ends_with(".css"), "{}", one.name);
        assert_eq!(one, Asset::css("gaya", "a{}"));
    }
}
