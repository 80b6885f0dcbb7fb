//! A browser with scripts off, as bytes: pages are asked for, forms are sent, cookies are kept.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody at a page.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// `127.0.0.1:8710`
    pub host: String,
    cookies: Vec<(String, String)>,
    /// A page that every visitor may see, with the token of its forms; it may lead to another one.
    token_page: &'static str,
    /// What the browser calls itself.
    browser: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub code: u16,
    /// Headers, their names in small letters.
    pub headers: Vec<(String, String)>,
    /// What follows them.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, `""` if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Itself, if it has this status.
    ///
    /// # Panics
    /// If that is not so.
    #[track_caller]
    pub fn expect(self, code: u16) -> Answer {
        assert_eq!(self.code, code, "{:?}\n{}", self.headers, self.text());
        self
    }
}

impl Visitor {
    /// At the page with this address.
    pub fn at(page: &str) -> Visitor {
        let host = page.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Visitor { host, cookies: Vec::new(), token_page: "/bantuan", browser: "Visitor".to_owned() }
    }

    /// At the console with this address.
    pub fn at_console(page: &str) -> Visitor {
        Visitor { token_page: "/akun", ..Visitor::at(page) }
    }

    /// Calls itself so from now on.
    pub fn calls_itself(&mut self, browser: &str) {
        self.browser = browser.to_owned();
    }

    /// Shows a cookie that nobody gave it.
    pub fn plant(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(known, _)| known != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    /// Shows a cookie that another browser was given.
    pub fn takes_over(&mut self, name: &str, other: &Visitor) {
        let stolen = other.cookies.iter().filter(|(known, _)| known == name).cloned();
        self.cookies.extend(stolen);
    }

    /// Asks for a page.
    ///
    /// # Panics
    /// If nobody answers there.
    pub fn get(&mut self, path: &str) -> Answer {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.host);
        self.exchange(&head, b"")
    }

    /// The token of the forms of a page.
    ///
    /// # Panics
    /// If nobody answers there.
    pub fn token(&mut self) -> String {
        let mut answer = self.get(self.token_page);
        if answer.code == 303 {
            let to = answer.header("location").to_owned();
            answer = self.get(&to);
        }
        let page = answer.expect(200).text();
        value_after(&page, "name=\"kunci\" content=\"").to_owned()
    }

    /// Sends a form as our own page would.
    ///
    /// # Panics
    /// If nobody answers there.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token();
        let mut all = vec![("_token", token.as_str())];
        all.extend(fields);
        let body = encoded(&all);
        let host = self.host.clone();
        self.send(path, &format!("Origin: http://{host}\r\n"), "application/x-www-form-urlencoded", body.as_bytes())
    }

    /// Sends a form with a file.
    ///
    /// # Panics
    /// If nobody answers there.
    pub fn upload(&mut self, path: &str, fields: &[(&str, &str)], file: (&str, &[u8])) -> Answer {
        let token = self.token();
        let mut body = Vec::new();
        for (name, value) in [("_token", token.as_str())].iter().chain(fields) {
            let part = format!("--batas\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend(part.as_bytes());
        }
        let head = "Content-Disposition: form-data; name=\"lampiran\"; filename=";
        body.extend(format!("--batas\r\n{head}\"{}\"\r\nContent-Type: image/png\r\n\r\n", file.0).as_bytes());
        body.extend(file.1);
        body.extend(b"\r\n--batas--\r\n");
        let host = self.host.clone();
        self.send(path, &format!("Origin: http://{host}\r\n"), "multipart/form-data; boundary=batas", &body)
    }

    /// Sends a body under headers of one's own.
    ///
    /// # Panics
    /// If nobody answers there.
    pub fn send(&mut self, path: &str, headers: &str, kind: &str, body: &[u8]) -> Answer {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}Content-Type: {kind}\r\n\
             Content-Length: {}\r\n",
            self.host,
            body.len()
        );
        self.exchange(&head, body)
    }

    /// Sends a head, to which the cookies are added, and a body.
    ///
    /// # Panics
    /// If nobody answers there.
    pub fn exchange(&mut self, head: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.host).expect("the page is open");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = if cookies.is_empty() { String::new() } else { format!("Cookie: {}\r\n", cookies.join("; ")) };
        let browser = &self.browser;
        stream.write_all(format!("{head}User-Agent: {browser}\r\n{cookies}\r\n").as_bytes()).expect("sent");
        // A server that has seen enough closes before everything is sent.
        let _ = stream.write_all(body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let answer = parsed(&bytes);
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        answer
    }
}

fn parsed(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n").expect("an answer with a head");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let code = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": "));
    Answer {
        code: code.expect("a status"),
        headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
        body: bytes[end + 4..].to_vec(),
    }
}

/// The fields as a form sends them.
pub fn encoded(fields: &[(&str, &str)]) -> String {
    let escaped = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
                other => format!("%{other:02X}"),
            })
            .collect()
    };
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// What stands between `mark` and the next quotation mark.
///
/// # Panics
/// If the mark is not there.
#[track_caller]
pub fn value_after<'t>(text: &'t str, mark: &str) -> &'t str {
    let rest = text.split_once(mark).unwrap_or_else(|| panic!("no {mark} in\n{text}")).1;
    rest.split('"').next().unwrap_or_default()
}

/// The text of an element, from behind `mark`, the end of its opening, to the next one.
///
/// # Panics
/// If there is no such mark.
#[track_caller]
pub fn text_after<'t>(text: &'t str, mark: &str) -> &'t str {
    let rest = text.split_once(mark).unwrap_or_else(|| panic!("no {mark} in\n{text}")).1;
    rest.split('<').next().unwrap_or_default()
}
