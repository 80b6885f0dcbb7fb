//! The command's side, without async: a command does one thing at a time.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::system::Connection;
use super::{LANG, LINE_BYTES_MAX, REQUEST_BYTES_MAX};
use crate::data_dir::DataDir;
use crate::exit::Exit;
use crate::fail::Failure;
use crate::output::{pick, process_lang};

/// A connection to the running service.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<Connection>,
}

impl Client {
    /// Connects to the service of `dir`; `None` when none runs there, also when it left its socket behind.
    ///
    /// # Errors
    /// There is a service, but this user may not ask it (exit 4).
    pub fn connect(dir: &DataDir) -> Result<Option<Client>, Failure> {
        let path = dir.control_socket();
        match Connection::open(&path) {
            Ok(connection) => Ok(connection.map(|connection| Client { stream: BufReader::new(connection) })),
            Err(error) => Err(Failure {
                exit: Exit::Unknown,
                ..anyhow::Error::from(error).context(format!("connect to {}", path.display())).into()
            }),
        }
    }

    /// Bounds how long [`Client::call`] waits for the next line. Without it, as long as the service lives.
    ///
    /// # Errors
    /// The operating system refuses, for example a wait of zero.
    pub fn set_patience(&mut self, patience: Option<Duration>) -> Result<(), Failure> {
        Ok(self.stream.get_mut().set_patience(patience)?)
    }

    /// Sends a request and waits for its answer; `on_progress` gets every line on the way.
    ///
    /// # Errors
    /// The failure that the service answers with; exit 4 if it goes away or says nothing in time; exit 2 if the
    /// request is too long.
    pub fn call(&mut self, request: &Value, mut on_progress: impl FnMut(Value)) -> Result<Value, Failure> {
        self.call_while(request, |line| {
            on_progress(line);
            true
        })
    }

    /// As [`Client::call`], until `on_progress` says `false`. Then the connection is of no use any more: drop it, and the
    /// service notices that nobody waits.
    ///
    /// # Errors
    /// As [`Client::call`]; exit 130 if `on_progress` ended it.
    pub fn call_while(
        &mut self,
        request: &Value,
        mut on_progress: impl FnMut(Value) -> bool,
    ) -> Result<Value, Failure> {
        let mut request = request.clone();
        if let Some(request) = request.as_object_mut() {
            request.insert(LANG.to_owned(), pick(process_lang(), "id", "en").into());
        }
        let mut line = request.to_string();
        line.push('\n');
        if line.len() > REQUEST_BYTES_MAX {
            return Err(Failure::usage("permintaan terlalu panjang", "the request is too long"));
        }
        self.stream.get_mut().write_all(line.as_bytes()).map_err(gone)?;
        loop {
            let mut answer = self.line()?;
            if let Some(progress) = answer.get_mut("progress") {
                if !on_progress(progress.take()) {
                    return Err(Failure::new(Exit::Interrupted, "dihentikan", "stopped"));
                }
            } else if let Some(value) = answer.get_mut("ok") {
                return Ok(value.take());
            } else {
                return Err(Failure::from_json(answer.get("err").unwrap_or(&Value::Null)));
            }
        }
    }

    fn line(&mut self) -> Result<Value, Failure> {
        let mut line = Vec::new();
        let mut bounded = self.stream.by_ref().take(LINE_BYTES_MAX as u64);
        bounded.read_until(b'\n', &mut line).map_err(gone)?;
        if line.last() != Some(&b'\n') {
            return Err(gone(io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(serde_json::from_slice(&line).context("read the answer of the service")?)
    }
}

fn gone(error: io::Error) -> Failure {
    let failure = match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            Failure::new(Exit::Unknown, "layanan tidak menjawab", "the service does not answer")
        }
        _ => Failure::new(Exit::Unknown, "layanan berhenti sebelum menjawab", "the service stopped before it answered"),
    };
    failure.caused_by(error)
}
