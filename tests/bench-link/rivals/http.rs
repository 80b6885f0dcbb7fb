//! `curl` towards a small HTTPS server that answers when what it was given is on disk: one request a record, or all of
//! them in one, under gzip.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use kentongan_tests::link::{HUB_IP, Side};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{Running, need, until_it_works};
use crate::field::{Run, Sample};
use crate::floor::gzip_9;

/// Tries again soon, and gives up a connection that stands still.
const CURL: &str =
    "curl --silent --show-error --fail --http1.1 --tlsv1.3 --connect-timeout 15 --speed-limit 1 --speed-time 15";

/// Each record in a request of its own, all over one connection. What was not confirmed is sent again, and what was is
/// not.
pub(crate) fn posts(run: &Run, lines: &str) -> Result<Sample, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut jobs = String::new();
    for (number, line) in lines.lines().enumerate() {
        fs::write(folder.path().join(format!("{number}.json")), line).map_err(|error| error.to_string())?;
        jobs.push_str(&format!("{number}\n"));
    }
    fs::write(folder.path().join("jobs"), jobs).map_err(|error| error.to_string())?;
    // curl says after each request what it has done; the list of what is left follows from that.
    let script = "
        cd FOLDER; : > done
        while [ \"$(sort -u done | wc -l)\" -lt \"$(wc -l < jobs)\" ]; do
            grep -vxFf done jobs | awk '{ printf \"%surl = \\\"URL/%s\\\"\\ndata-binary = \\\"@%s.json\\\"\\nheader = \\\"content-type: application/json\\\"\\nheader = \\\"expect:\\\"\\ncacert = ca.pem\\nresolve = \\\"RESOLVE\\\"\\nfail\\nsilent\\nhttp1.1\\ntlsv1.3\\nconnect-timeout = 15\\nspeed-limit = 1\\nspeed-time = 15\\nwrite-out = \\\"%s\\\\n\\\"\\n\", n++ ? \"next\\n\" : \"\", $1, $1, $1 }' > config
            curl --fail-early -K config | grep . >> done || sleep 1
        done";
    carry(run, folder.path(), script, lines.lines().count() as u64)
}

/// All of them in one request, again from the beginning until it is confirmed.
pub(crate) fn batch(run: &Run, lines: &str) -> Result<Sample, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    fs::write(folder.path().join("all.gz"), gzip_9(lines.as_bytes())).map_err(|error| error.to_string())?;
    let upload = format!(
        "cd FOLDER; {CURL} --cacert ca.pem --resolve RESOLVE --data-binary @all.gz -H content-encoding:gzip -H expect: URL/all"
    );
    carry(run, folder.path(), &upload, 1)
}

/// Runs the client's script until the server has `count` bodies on its disk.
fn carry(run: &Run, folder: &Path, script: &str, count: u64) -> Result<Sample, String> {
    need(&["curl"])?;
    let made = rcgen::generate_simple_self_signed(vec!["server.example".to_owned()]).map_err(|e| e.to_string())?;
    fs::write(folder.join("ca.pem"), made.cert.pem()).map_err(|error| error.to_string())?;
    let wire = run.lay()?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(str::to_owned)?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key))
        .map_err(|error| error.to_string())?;
    let stored = Arc::new(AtomicU64::new(0));
    let listener = wire.within(Side::Hub, || TcpListener::bind((HUB_IP, 0))).map_err(|error| error.to_string())?;
    let port = listener.local_addr().map_err(|error| error.to_string())?.port();
    let (config, counted, kept) = (Arc::new(config), Arc::clone(&stored), folder.join("kept"));
    fs::create_dir(&kept).map_err(|error| error.to_string())?;
    thread::spawn(move || {
        for visitor in listener.incoming().flatten() {
            let (config, counted, kept) = (Arc::clone(&config), Arc::clone(&counted), kept.clone());
            // A client that leaves in the middle comes again.
            thread::spawn(move || serve(visitor, config, &counted, &kept));
        }
    });
    let script = script
        .replace("FOLDER", &folder.display().to_string())
        .replace("URL", &format!("https://server.example:{port}"))
        .replace("RESOLVE", &format!("server.example:{port}:{HUB_IP}"));
    let watch = run.begin(&wire);
    let client = Running::start(wire.at(Side::Office, &until_it_works(&format!("({script})"))))?;
    let sample = watch.wait(|| stored.load(Ordering::SeqCst) >= count);
    drop(client);
    Ok(sample)
}

/// Stores each body under its name, once, and says so.
fn serve(visitor: TcpStream, config: Arc<ServerConfig>, stored: &AtomicU64, folder: &Path) -> std::io::Result<()> {
    visitor.set_nodelay(true)?;
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, visitor));
    loop {
        let (mut name, mut length, mut line) = (String::new(), 0, String::new());
        loop {
            line.clear();
            if stream.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let lower = line.to_ascii_lowercase();
            if let Some(path) = line.strip_prefix("POST /") {
                name = path.split(' ').next().unwrap_or_default().to_owned();
            } else if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(std::io::Error::other)?;
            } else if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        let path = folder.join(&name);
        let new = !path.exists();
        let mut file = File::create(&path)?;
        file.write_all(&body)?;
        file.sync_all()?;
        if new {
            stored.fetch_add(1, Ordering::SeqCst);
        }
        stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        stream.get_mut().flush()?;
    }
}
