//! A hub as a process, and callers that talk to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use kentongan_host::certificate::from_pem;
use kentongan_host::enrolment::EnrolAnswer;
use kentongan_host::identity::SigningKey;
use kentongan_host::tls::{Credentials, FloorTime, HUB_NAME, client_config, fetch_only_config, for_exchanges};
use kentongan_protocol::wire::frame::FrameReader;
use kentongan_protocol::wire::v1::Frame;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Longer than anything here takes, so that a fault ends a test instead of hanging it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the program on a folder, with JSON output.
pub(crate) fn run(folder: &Path, words: &[&str]) -> Output {
    program(folder, words).output().expect("the program runs")
}

fn program(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kentongan-hub"));
    command.args(words).arg("--data").arg(folder).arg("--json").stdin(Stdio::null());
    command
        .env_remove("KENTONGAN_CONFIG")
        .env("KENTONGAN_LANG", "en")
        .env("KENTONGAN_HUB_LISTEN_CONSOLE", "127.0.0.1:0");
    command
}

/// The document on stdout of a command that must have gone well.
pub(crate) fn json(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// A hub's folder, freshly made.
pub(crate) struct Hub {
    temp: tempfile::TempDir,
}

impl Hub {
    /// Makes a hub.
    pub(crate) fn init() -> Hub {
        let hub = Hub { temp: tempfile::tempdir().expect("a temporary folder") };
        json(&hub.command(&["init", "--name", "Uji"]));
        hub
    }

    /// Where it lies.
    pub(crate) fn folder(&self) -> PathBuf {
        self.temp.path().join("pusat")
    }

    /// Runs a command that may fail.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        run(&self.folder(), words)
    }

    /// Runs a command whose output nobody reads.
    pub(crate) fn without_a_reader(&self, words: &[&str]) -> ExitStatus {
        let mut command = program(&self.folder(), words);
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        drop(process.stdout.take());
        process.wait().expect("it ends")
    }

    /// Runs a command that must not fail.
    pub(crate) fn command(&self, words: &[&str]) -> Output {
        let output = self.run(words);
        json(&output);
        output
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn serve(&self) -> Served {
        self.serve_in_days(0)
    }

    /// Starts it with a clock that is so many days ahead.
    pub(crate) fn serve_in_days(&self, days: i64) -> Served {
        let mut command = program(&self.folder(), &["serve", "--listen", "127.0.0.1:0"]);
        command.env(kentongan_host::clock::TEST_WALL_OFFSET, (days * 86_400_000).to_string());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert_eq!((&ready["event"], &ready["pid"]), (&"ready".into(), &process.id().into()));
        let url = ready["sync"].as_str().expect("a URL").to_owned();
        Served { process, device: Caller { url, config: Arc::new(fetch_only_config()) } }
    }
}

/// A running hub, and a caller without a certificate.
pub(crate) struct Served {
    process: Child,
    device: Caller,
}

impl Served {
    /// Asks it to stop and waits until it has.
    pub(crate) fn stop(mut self) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").arg(pid).status().expect("kill").success());
        assert!(self.process.wait().expect("it ends").success());
    }

    /// A caller that shows the certificate it got, and trusts only the root it was given.
    pub(crate) fn as_device(&self, answer: &EnrolAnswer, key: &SigningKey) -> Caller {
        let root = from_pem(answer.root_pem.as_bytes()).expect("a root");
        let certificate = from_pem(answer.certificate_pem.as_bytes()).expect("a certificate");
        let credentials = Credentials { chain: vec![certificate], key: key.for_tls() };
        let time = Arc::new(FloorTime::new(Arc::new(kentongan_host::SystemClock::new()), None));
        let config = client_config(&root, Some(credentials), time).expect("a TLS configuration");
        Caller { url: self.url.clone(), config: Arc::new(config) }
    }
}

impl std::ops::Deref for Served {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.device
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Somebody who talks to the hub, one connection a request.
pub(crate) struct Caller {
    url: String,
    config: Arc<ClientConfig>,
}

/// What the hub said.
pub(crate) struct Reply {
    /// HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The body of a reply that must have gone well.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        serde_json::from_slice(&self.body).expect("the right JSON")
    }
}

impl Caller {
    /// Where the hub is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `GET`
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.exchange(format!("GET {path} HTTP/1.1\r\nhost: pusat\r\nconnection: close\r\n\r\n").as_bytes())
    }

    /// `POST`
    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Reply {
        let body = body.as_ref();
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: pusat\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        self.exchange(&[head.as_bytes(), body].concat())
    }

    /// One exchange on a connection of its own.
    pub(crate) fn say(&self, request: impl AsRef<[u8]>) -> Vec<Frame> {
        self.open().say(request)
    }

    /// A connection for exchanges.
    pub(crate) fn open(&self) -> Open {
        Open { stream: self.connect(Arc::new(for_exchanges(&self.config))) }
    }

    fn exchange(&self, request: &[u8]) -> Reply {
        let mut stream = self.connect(Arc::clone(&self.config));
        // A hub that has read enough answers and closes before it has all of a long request.
        let _ = stream.write_all(request).and_then(|()| stream.flush());
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        parse(&reply)
    }

    fn connect(&self, config: Arc<ClientConfig>) -> Stream {
        let address = self.url.strip_prefix("https://").expect("https");
        let socket = TcpStream::connect(address).expect("connect");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let name = ServerName::try_from(HUB_NAME).expect("a name");
        StreamOwned::new(ClientConnection::new(config, name).expect("a connection"), socket)
    }
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A connection for exchanges, kept open.
pub(crate) struct Open {
    stream: Stream,
}

impl Open {
    /// One exchange: the frames of the reply, up to its end or to the end of the connection.
    pub(crate) fn say(&mut self, request: impl AsRef<[u8]>) -> Vec<Frame> {
        let _ = self.stream.write_all(request.as_ref()).and_then(|()| self.stream.flush());
        let (mut reader, mut frames, mut piece) = (FrameReader::new(), Vec::new(), [0; 4096]);
        while !matches!(frames.last(), Some(Frame::End(_))) {
            let Ok(read @ 1..) = self.stream.read(&mut piece) else { break };
            reader.push(&piece[..read]);
            while let Some(raw) = reader.next_frame().expect("whole frames") {
                frames.extend(Frame::decode(&raw).expect("a known frame"));
            }
        }
        frames
    }

    /// Whether the hub closes it, in words of TLS.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0]), Ok(0))
    }
}

fn parse(reply: &[u8]) -> Reply {
    let end = reply.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&reply[..end]);
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    Reply { status, body: reply[end + 4..].to_vec() }
}
