//! The two pipes to a browser: JSON messages that end with a zero byte.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pipes, not yet held at our end.
#[derive(Debug)]
pub(super) struct Laid {
    commands: PathBuf,
    answers: PathBuf,
}

/// A conversation with a browser.
#[derive(Debug)]
pub(super) struct Wire {
    commands: File,
    answers: Receiver<Value>,

    calls: u64,
}

impl Wire {
    /// Lays both pipes in a folder.
    pub(super) fn lay(folder: &Path) -> (Laid, PathBuf, PathBuf) {
        let [commands, answers] = ["perintah", "jawaban"].map(|name| folder.join(name));
        for pipe in [&commands, &answers] {
            mknodat(CWD, pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("lay a pipe");
        }
        (Laid { commands: commands.clone(), answers: answers.clone() }, commands, answers)
    }

    /// Calls a method and waits for what it gives back.
    pub(super) fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.calls += 1;
        let mut message = json!({ "id": self.calls, "method": method, "params": params });
        if let Some(session) = session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.commands.write_all(&bytes).expect("the browser takes commands");
        loop {
            let answer = self.answers.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no answer to {method}"));
            // Events pass by.
            if answer["id"] == json!(self.calls) {
                // A page that is being replaced has no answer; whoever waits asks again.
                return if answer["error"].is_null() { answer["result"].clone() } else { answer["error"].clone() };
            }
        }
    }
}

impl Laid {
    /// Holds our ends. Each waits for the browser to hold the other, in the order in which it does.
    pub(super) fn open(self) -> Wire {
        let commands = OpenOptions::new().write(true).open(&self.commands).expect("a pipe to the browser");
        let answers = File::open(&self.answers).expect("a pipe from the browser");
        let (sender, receiver) = channel();
        thread::spawn(move || {
            for message in BufReader::new(answers).split(0) {
                let Ok(message) = message else { break };
                let Ok(value) = serde_json::from_slice(&message) else { continue };
                if sender.send(value).is_err() {
                    break;
                }
            }
        });
        Wire { commands, answers: receiver, calls: 0 }
    }
}

/// The bytes of a text in base 64.
pub(super) fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(u32::from(byte - b'A')),
        b'a'..=b'z' => Some(u32::from(byte - b'a') + 26),
        b'0'..=b'9' => Some(u32::from(byte - b'0') + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut bytes, mut held, mut bits) = (Vec::with_capacity(text.len() * 3 / 4), 0_u32, 0);
    for digit in text.bytes().filter_map(digit) {
        held = held << 6 | digit;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base_64_is_read() {
        assert_eq!(base64("S2VudG9uZ2Fu"), b"Kentongan");
        assert_eq!(base64("aGFsbw=="), b"halo");
    }
}
