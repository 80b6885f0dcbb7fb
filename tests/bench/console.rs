//! The console's pages before a large fleet: how long each takes, and how many bytes the first one is.
//!
//! A thousand offices and a million records, made up by `kentongan-hub store seed` (`KENTONGAN_RECORDS=N` for others): that
//! takes minutes, so this bench runs only when it is named.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use kentongan_tests::Hub;

use crate::measure::{Bound, Figure, ROUNDS, median, timed};

const OFFICES: &str = "1000";
const RECORDS: &str = "1000000";
/// No page may take longer.
const PAGE_MS: f64 = 100.0;
/// The first page may not be larger, packed.
const FLEET_KB: f64 = 25.0;
/// Name for scripts, and address. An office stands for its code.
const PAGES: [(&str, &str); 9] = [
    ("page-fleet", "/"),
    ("page-fleet-late", "/?status=late"),
    ("page-fleet-csv", "/armada.csv"),
    ("page-office", "/kantor/32.01.01.2001"),
    ("page-enrolment", "/pendaftaran"),
    ("page-conflicts", "/konflik"),
    ("page-cases", "/aduan"),
    ("page-surveys", "/survei"),
    ("page-audit", "/audit"),
];

pub(crate) fn run() -> Vec<Figure> {
    let mut hub = Hub::bare();
    let invited = hub.init().ok().json()["invited"].clone();
    let records = std::env::var("KENTONGAN_RECORDS").unwrap_or_else(|_| RECORDS.to_owned());
    hub.run(&["store", "seed", "--offices", OFFICES, "--records", &records]).ok();
    hub.begin();
    let mut reader = Reader::at(&hub.console());
    let text = |name: &str| invited[name].as_str().expect("an invitation").to_owned();
    reader.enter(&text("name"), &text("code"));
    let mut figures = Vec::new();
    for (name, path) in PAGES {
        if reader.get(path).0 != 200 {
            println!("{name}: {path} is not there");
            continue;
        }
        let rounds: Vec<Duration> = (0..ROUNDS).map(|_| timed(|| reader.get(path)).0).collect();
        let ms = median(rounds).as_secs_f64() * 1000.0;
        let (ours, against) = ((ms, "ms"), (PAGE_MS, "what a page may take"));
        let what = "a page of the console, from the question to its last byte";
        figures.push(Figure { name, what, ours, against, bound: Bound::AtMost(1.0) });
    }
    let (_, packed) = reader.get("/");
    let ours = (packed.len() as f64 / 1000.0, "kB");
    let what = "the first page of the console with all offices, packed";
    let against = (FLEET_KB, "what it may weigh");
    figures.push(Figure { name: "page-fleet-bytes", what, ours, against, bound: Bound::AtMost(1.0) });
    figures
}

/// Somebody at the console, with a browser that takes packed pages.
struct Reader {
    host: String,
    cookies: Vec<(String, String)>,
}

impl Reader {
    fn at(console: &str) -> Reader {
        let host = console.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Reader { host, cookies: Vec::new() }
    }

    /// Chooses a password with the first invitation, and is in.
    fn enter(&mut self, name: &str, invitation: &str) {
        let page = self.exchange("GET /masuk/undangan", "", "");
        let page = String::from_utf8_lossy(&page.1).into_owned();
        let token = page.split("name=\"_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let password = "kopi+sawah+gong+tikar";
        let form = format!(
            "_token={}&nama={name}&undangan={invitation}&sandi={password}&sandi_lagi={password}",
            token.expect("a token")
        );
        let headers = format!(
            "Origin: http://{}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            self.host,
            form.len()
        );
        assert_eq!(self.exchange("POST /masuk/undangan", &headers, &form).0, 303, "let in");
    }

    fn get(&mut self, path: &str) -> (u16, Vec<u8>) {
        self.exchange(&format!("GET {path}"), "Accept-Encoding: gzip\r\n", "")
    }

    /// Status and body of the answer.
    fn exchange(&mut self, line: &str, headers: &str, body: &str) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.host).expect("the console is open");
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = if cookies.is_empty() { String::new() } else { format!("Cookie: {}\r\n", cookies.join("; ")) };
        let head = format!("{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}{cookies}\r\n", self.host);
        stream.write_all((head + body).as_bytes()).expect("asked");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        let end = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("an answer with a head");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        for cookie in head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")) {
            let (name, value) = cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("a status"), answer[end + 4..].to_vec())
    }
}
