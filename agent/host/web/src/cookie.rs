//! Cookies: what a browser keeps for us.

use hyper::header::{COOKIE, HeaderMap};

/// How long a choice of the person at the browser is kept.
const YEAR_S: u32 = 365 * 24 * 3600;

/// The value of the cookie `name`.
pub fn of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// A cookie for as long as the browser runs. No script reads it, and no other site's request carries it.
pub fn passing(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict")
}

/// The same, but links on other sites' pages carry it too: whoever is logged in stays so when they follow one.
pub fn following_links(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax")
}

/// A cookie for a year.
pub fn lasting(name: &str, value: &str) -> String {
    format!("{}; Max-Age={YEAR_S}", passing(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_never_by_a_part_of_its_name() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "my_sesi=1; sesi=abc;lang=en".parse().expect("a header"));
        headers.append(COOKIE, "kosong=".parse().expect("a header"));
        assert_eq!(of(&headers, "sesi"), Some("abc"));
        assert_eq!(of(&headers, "lang"), Some("en"));
        assert_eq!(of(&headers, "kosong"), Some(""));
        assert_eq!(of(&headers, "esi"), None);
    }
}
