//! The error that a command ends with: a sentence for the clerk, a code and a next step for the operator, and the
//! chain of causes for the log.

use std::fmt;
use std::io::{self, Write};

use serde_json::{Value, json};

use kentongan_protocol::form::Lang;

use crate::exit::Exit;
use crate::ktg::Ktg;
use crate::output::{pick, process_lang};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub struct Failure {
    /// The code that people read out; its sentence and next step are added when the failure is shown.
    pub ktg: Option<Ktg>,
    /// What the process ends with.
    pub exit: Exit,
    /// What happened here in particular. With a code it may be empty: the code's sentence then says it all.
    pub message: String,
    /// What to do next; without one, the next step of the code is shown.
    pub hint: Option<String>,
    /// The cause, for the log and for `-v`.
    pub source: Option<anyhow::Error>,
}

impl Failure {
    /// A failure that a code describes.
    pub fn of(ktg: Ktg) -> Failure {
        Failure { ktg: Some(ktg), exit: ktg.exit(), message: String::new(), hint: None, source: None }
    }

    /// A failure in words of its own, in the language of this process.
    pub fn new(exit: Exit, id: impl Into<String>, en: impl Into<String>) -> Failure {
        let message = match process_lang() {
            Lang::Id => id.into(),
            Lang::En => en.into(),
        };
        Failure { ktg: None, exit, message, hint: None, source: None }
    }

    /// Wrong usage, or a configuration that does not hold.
    pub fn usage(id: impl Into<String>, en: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, id, en)
    }

    /// The same failure with what is particular about it (a path, a field, a number).
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Failure {
        self.message = detail.into();
        self
    }

    /// The same failure with a next step, in the language of this process.
    #[must_use]
    pub fn with_hint(mut self, id: &str, en: &str) -> Failure {
        self.hint = Some(pick(process_lang(), id, en).to_owned());
        self
    }

    /// The same failure with its cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<anyhow::Error>) -> Failure {
        self.source = Some(source.into());
        self
    }

    /// The whole sentence in `lang`: that of the code, then what is particular.
    pub fn sentence(&self, lang: Lang) -> String {
        match (self.ktg, self.message.is_empty()) {
            (Some(ktg), true) => ktg.sentence(lang).to_owned(),
            (Some(ktg), false) => format!("{} ({})", ktg.sentence(lang), self.message),
            (None, _) => self.message.clone(),
        }
    }

    /// The next step in `lang`, if there is one.
    pub fn next_step(&self, lang: Lang) -> Option<String> {
        self.hint.clone().or_else(|| self.ktg.map(|ktg| ktg.next_step(lang).to_owned()))
    }

    /// The document that `--json` prints and that the control socket carries.
    pub fn to_json(&self, lang: Lang) -> Value {
        json!({
            "schema": "kentongan.error/1",
            "code": self.ktg.map(|ktg| ktg.to_string()),
            "exit": self.exit.code(),
            "message": self.sentence(lang),
            "detail": self.message,
            "hint": self.next_step(lang),
        })
    }

    /// Reads back what [`Failure::to_json`] wrote; what is missing is taken as "failed".
    pub fn from_json(value: &Value) -> Failure {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let ktg: Option<Ktg> = text("code").and_then(|code| code.parse().ok());
        let code = value.get("exit").and_then(Value::as_u64).and_then(|code| u8::try_from(code).ok());
        let message = if ktg.is_some() { text("detail") } else { text("message") };
        let hint = text("hint").filter(|hint| !is_own_hint(ktg, hint));
        let exit = code.and_then(Exit::from_code).unwrap_or(Exit::Failed);
        Failure { ktg, exit, message: message.unwrap_or_default(), hint, source: None }
    }

    /// Prints to stderr: words and a next step, or one JSON document.
    pub fn print(&self, json: bool, lang: Lang) {
        // When stderr itself is gone, the exit code is all that is left to say.
        let _ = io::stderr().write_all(self.render(json, lang).as_bytes());
    }

    fn render(&self, json: bool, lang: Lang) -> String {
        if json {
            return format!("{}\n", self.to_json(lang));
        }
        let mut text = match self.ktg {
            Some(ktg) => format!("{ktg}  {}\n", self.sentence(lang)),
            None => format!("{}: {}\n", pick(lang, "galat", "error"), self.sentence(lang)),
        };
        if let Some(source) = &self.source {
            text.push_str(&format!("  {}: {source:#}\n", pick(lang, "sebab", "cause")));
        }
        if let Some(hint) = self.next_step(lang) {
            text.push_str(&format!("  {}: {hint}\n", pick(lang, "Coba", "Try")));
        }
        text
    }
}

/// A hint that only repeats the code's next step is not kept: the reader's own language gives it again.
fn is_own_hint(ktg: Option<Ktg>, hint: &str) -> bool {
    ktg.is_some_and(|ktg| [Lang::Id, Lang::En].into_iter().any(|lang| ktg.next_step(lang) == hint))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ktg) = self.ktg {
            write!(f, "{ktg} ")?;
        }
        f.write_str(&self.sentence(process_lang()))
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<anyhow::Error> for Failure {
    /// A failure that was wrapped on its way comes out as itself; anything else is unclassified.
    fn from(error: anyhow::Error) -> Failure {
        match error.downcast::<Failure>() {
            Ok(failure) => failure,
            Err(error) => match kind_of(&error) {
                Some(ktg) => Failure::of(ktg).caused_by(error),
                None => {
                    let message = format!("{error:#}");
                    Failure { ktg: None, exit: Exit::Failed, message, hint: None, source: None }
                }
            },
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::from(anyhow::Error::from(error))
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        Failure::from(anyhow::Error::from(error))
    }
}

/// Causes that people can act on, wherever in the chain they are.
fn kind_of(error: &anyhow::Error) -> Option<Ktg> {
    error.chain().find_map(|cause| {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Ktg::NoSpace),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Some(Ktg::Permission),
                _ => None,
            };
        }
        cause.downcast_ref::<rusqlite::Error>().and_then(kind_of_sqlite)
    })
}

/// Whether the disk failed, or may have: what SQLite remembers of the file may no longer be what is in it.
pub fn is_disk_failure(error: &rusqlite::Error) -> bool {
    kind_of_sqlite(error) == Some(Ktg::DiskFailed)
}

/// SQLITE_IOERR_SHMSIZE
const INDEX_TOO_SMALL: i32 = 10 | (19 << 8);

fn kind_of_sqlite(error: &rusqlite::Error) -> Option<Ktg> {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code()? {
        ErrorCode::DiskFull => Some(Ktg::NoSpace),
        // The index of the write-ahead log could not grow, which is never said to be for want of space.
        ErrorCode::SystemIoFailure if error.sqlite_extended_error_code() == Some(INDEX_TOO_SMALL) => Some(Ktg::NoSpace),
        ErrorCode::SystemIoFailure => Some(Ktg::DiskFailed),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Some(Ktg::StoreDamaged),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Some(Ktg::StoreInUse),
        ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen => Some(Ktg::Permission),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_code_and_detail_across_json() {
        let sent = Failure::of(Ktg::WrongCertificate).with_detail("https://hub.example");
        let read = Failure::from_json(&sent.to_json(Lang::En));
        assert_eq!((read.ktg, read.exit), (Some(Ktg::WrongCertificate), Exit::WrongHub));
        assert_eq!(read.message, "https://hub.example");
        assert_eq!(read.hint, None, "the reader words the next step in its own language");
        assert!(read.sentence(Lang::Id).starts_with("Yang menjawab"));
    }

    #[test]
    fn nonsense_from_the_socket_is_still_a_failure() {
        let read = Failure::from_json(&json!({"exit": 9999, "code": 7}));
        assert_eq!((read.ktg, read.exit, read.message.as_str()), (None, Exit::Failed, ""));
    }

    #[test]
    fn a_failure_wrapped_in_context_comes_out_as_itself() {
        let wrapped = anyhow::Error::from(Failure::of(Ktg::Dns)).context("while talking to the hub");
        assert_eq!(Failure::from(wrapped).exit, Exit::Unreachable);
    }

    #[test]
    fn a_full_disk_is_named_wherever_it_happens() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let failure = Failure::from(anyhow::Error::from(full).context("writing the store"));
        assert_eq!(failure.ktg, Some(Ktg::NoSpace));
    }

    #[test]
    fn people_read_code_sentence_and_next_step() {
        let text = Failure::of(Ktg::Dns).render(false, Lang::En);
        assert!(text.starts_with("KTG-102  The name of the hub"), "{text}");
        assert!(text.contains("Try: Check that the internet works"), "{text}");
    }
}
