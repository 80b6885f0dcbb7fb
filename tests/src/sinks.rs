//! Servers that take what a hub tells people and programs: one for mail, one for webhooks. Each speaks its protocol as
//! those outside do, encrypted, and believes nothing.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest, Sha256};

use crate::wait;

/// Longest silence of a visitor.
const PATIENCE: Duration = Duration::from_secs(10);

/// The certificate of both, for the name `localhost`.
#[derive(Debug, Clone)]
pub struct Identity {
    tls: Arc<ServerConfig>,
    pem: String,
}

impl Identity {
    /// A new one, which nobody trusts yet.
    ///
    /// # Panics
    /// If none can be made.
    pub fn new() -> Identity {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("its key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("TLS").with_no_client_auth();
        let config = config.with_single_cert(vec![made.cert.der().clone()], key).expect("a certificate that fits");
        Identity { tls: Arc::new(config), pem: kentongan_host::certificate::to_pem(made.cert.der()) }
    }

    /// Writes it where a machine may find whom it trusts.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub fn write(&self, file: &Path) {
        std::fs::write(file, &self.pem).expect("write a certificate");
    }

    fn meet(&self, visitor: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
        StreamOwned::new(ServerConnection::new(Arc::clone(&self.tls)).expect("a connection"), visitor)
    }
}

impl Default for Identity {
    fn default() -> Identity {
        Identity::new()
    }
}

/// A letter as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Who logged in: `name password`.
    pub login: String,
    /// The recipients.
    pub to: Vec<String>,
    /// Headers and text, with quoted-printable and encoded words taken back.
    pub text: String,
}

/// A mail server: STARTTLS, AUTH PLAIN, and nothing before both.
#[derive(Debug)]
pub struct Mailserver {
    address: SocketAddr,
    letters: Arc<Mutex<Vec<Mail>>>,
}

impl Mailserver {
    /// Opens one.
    ///
    /// # Panics
    /// If it cannot listen.
    pub fn open(identity: &Identity) -> Mailserver {
        let letters: Arc<Mutex<Vec<Mail>>> = Arc::default();
        let (kept, identity) = (Arc::clone(&letters), identity.clone());
        let address = listen(move |visitor| {
            if let Some(mail) = take_mail(&identity, visitor) {
                lock(&kept).push(mail);
            }
        });
        Mailserver { address, letters }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The letters so far, once there are this many.
    ///
    /// # Panics
    /// If there never are.
    pub fn letters(&self, count: usize) -> Vec<Mail> {
        let come = || Some(lock(&self.letters).clone()).filter(|letters| letters.len() >= count);
        wait::until("letters arrive", wait::LONG, come)
    }
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has every visitor served on a thread of its own, until the process ends.
fn listen(serve: impl Fn(TcpStream) + Send + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("its number");
    thread::spawn(move || {
        for visitor in listener.incoming().flatten() {
            let _ = visitor.set_read_timeout(Some(PATIENCE));
            let serve = serve.clone();
            thread::spawn(move || serve(visitor));
        }
    });
    address
}

/// A line without its end; `None`: nobody speaks any more.
fn line_of(stream: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

fn take_mail(identity: &Identity, mut visitor: TcpStream) -> Option<Mail> {
    visitor.write_all(b"220 localhost ESMTP\r\n").ok()?;
    let mut plain = BufReader::new(visitor.try_clone().ok()?);
    loop {
        let said = line_of(&mut plain)?.to_ascii_uppercase();
        let answer: &[u8] = match said.split(' ').next()? {
            "EHLO" => b"250-localhost\r\n250 STARTTLS\r\n",
            "STARTTLS" => break,
            _ => b"530 encrypt first\r\n",
        };
        visitor.write_all(answer).ok()?;
    }
    visitor.write_all(b"220 go on\r\n").ok()?;
    let mut stream = BufReader::new(identity.meet(visitor));
    let (mut login, mut to) = (String::new(), Vec::new());
    loop {
        let said = line_of(&mut stream)?;
        let word = said.split(' ').next()?.to_ascii_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-localhost\r\n250 AUTH PLAIN\r\n",
            "AUTH" => {
                let shown = BASE64_STANDARD.decode(said.rsplit(' ').next()?).ok()?;
                login = String::from_utf8(shown).ok()?.trim_start_matches('\0').replace('\0', " ");
                "235 welcome\r\n"
            }
            _ if login.is_empty() => "530 log in first\r\n",
            "RCPT" => {
                to.push(said.split(['<', '>']).nth(1)?.to_owned());
                "250 ok\r\n"
            }
            "DATA" => {
                stream.get_mut().write_all(b"354 go on\r\n").ok()?;
                let mut text = String::new();
                loop {
                    match line_of(&mut stream)?.as_str() {
                        "." => break,
                        line => text.push_str(&format!("{}\n", line.strip_prefix("..").map_or(line, |_| &line[1..]))),
                    }
                }
                stream.get_mut().write_all(b"250 taken\r\n").ok()?;
                return Some(Mail { login, to, text: readable(&text) });
            }
            _ => "250 ok\r\n",
        };
        stream.get_mut().write_all(answer.as_bytes()).ok()?;
    }
}

/// Takes quoted-printable and base64 back to text, in bodies as in encoded words of headers.
fn readable(text: &str) -> String {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let lower = head.to_ascii_lowercase();
    let body = if lower.contains("content-transfer-encoding: base64") {
        let joined: String = body.split_whitespace().collect();
        String::from_utf8_lossy(&BASE64_STANDARD.decode(joined).unwrap_or_default()).into_owned()
    } else if lower.contains("content-transfer-encoding: quoted-printable") {
        unquoted(&body.replace("=\n", ""))
    } else {
        body.to_owned()
    };
    let mut words = String::new();
    for (place, part) in head.replace("?=\n =?utf-8?b?", "").split("=?utf-8?b?").enumerate() {
        match part.split_once("?=").filter(|_| place > 0) {
            None => words.push_str(part),
            Some((word, rest)) => {
                words.push_str(&String::from_utf8_lossy(&BASE64_STANDARD.decode(word).unwrap_or_default()));
                words.push_str(rest);
            }
        }
    }
    format!("{words}\n\n{body}")
}

fn unquoted(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'=').and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A message to a program as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What was asked for.
    pub path: String,
    /// Its name.
    pub id: String,
    /// When it was signed, seconds since 1970.
    pub timestamp: i64,
    /// Whether the signature is that of the key, computed here.
    pub is_signed: bool,
    /// What was said.
    pub body: serde_json::Value,
}

/// A program that listens for webhooks.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    messages: Arc<Mutex<Vec<Message>>>,
    answer: Arc<AtomicU16>,
}

impl Receiver {
    /// Opens one that knows the key in the file.
    ///
    /// # Panics
    /// If it cannot listen, or the file holds no key.
    pub fn open(identity: &Identity, key_file: &Path) -> Receiver {
        let key = std::fs::read_to_string(key_file).expect("the key");
        let key = BASE64_STANDARD.decode(key.trim().strip_prefix("whsec_").expect("its mark")).expect("base64");
        let messages: Arc<Mutex<Vec<Message>>> = Arc::default();
        let answer = Arc::new(AtomicU16::new(204));
        let (kept, said, identity) = (Arc::clone(&messages), Arc::clone(&answer), identity.clone());
        let address = listen(move |visitor| {
            let mut stream = BufReader::new(identity.meet(visitor));
            if let Some(message) = take_message(&mut stream, &key) {
                lock(&kept).push(message);
                let head = format!("HTTP/1.1 {} -\r\ncontent-length: 0\r\n\r\n", said.load(Ordering::Relaxed));
                let _ = stream.get_mut().write_all(head.as_bytes());
                let _ = stream.get_mut().flush();
            }
        });
        Receiver { address, messages, answer }
    }

    /// Answers with this status from now on.
    pub fn answer_with(&self, status: u16) {
        self.answer.store(status, Ordering::Relaxed);
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The messages so far, once there are this many.
    ///
    /// # Panics
    /// If there never are.
    pub fn messages(&self, count: usize) -> Vec<Message> {
        let come = || Some(lock(&self.messages).clone()).filter(|messages| messages.len() >= count);
        wait::until("messages arrive", wait::LONG, come)
    }
}

fn take_message(stream: &mut impl BufRead, key: &[u8]) -> Option<Message> {
    let path = line_of(stream)?.strip_prefix("POST ")?.split(' ').next()?.to_owned();
    let mut headers = Vec::new();
    loop {
        match line_of(stream)?.split_once(": ") {
            None => break,
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
        }
    }
    let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let mut body = vec![0; header("content-length")?.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
    let signed = [format!("{id}.{timestamp}.").as_bytes(), &body].concat();
    let expected = format!("v1,{}", BASE64_STANDARD.encode(hmac_sha256(key, &signed)));
    Some(Message {
        path,
        id,
        timestamp: timestamp.parse().ok()?,
        is_signed: header("webhook-signature")? == expected,
        body: serde_json::from_slice(&body).ok()?,
    })
}

/// RFC 2104, written out: the hub's own is of a library.
fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; 32] {
    assert!(key.len() <= 64, "a longer key would be hashed first");
    let padded = |with: u8| -> Vec<u8> {
        let bytes = key.iter().copied().chain(std::iter::repeat(0)).take(64);
        bytes.map(|byte| byte ^ with).collect()
    };
    let inner = Sha256::digest([padded(0x36), text.to_vec()].concat());
    Sha256::digest([padded(0x5c), inner.to_vec()].concat()).into()
}
