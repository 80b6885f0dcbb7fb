//! Letters by e-mail.

use std::time::Duration;

use kentongan_host::Lang;
use lettre::message::{Mailbox, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::ledger::Refused;
use super::letter::Letter;
use super::options::{Mail, Security, secret_in};

/// Longest wait for an answer of the server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// An address, with a name before it or without: `Wayan <wayan@kab.go.id>`.
pub(super) fn mailbox(text: &str) -> Option<Mailbox> {
    text.parse().ok()
}

/// Sends a letter to one person.
///
/// # Errors
/// The server did not take it.
pub(super) async fn send(mail: &Mail, to: &str, langs: &[Lang], console: &str, letter: &Letter) -> Result<(), Refused> {
    let message = message(mail, to, langs, console, letter).ok_or_else(|| refused("the letter cannot be written"))?;
    let transport = transport(mail)?;
    transport.send(message).await.map(drop).map_err(|error| refused(&why(&error)))
}

fn message(mail: &Mail, to: &str, langs: &[Lang], console: &str, letter: &Letter) -> Option<Message> {
    let (from, to) = (mailbox(&mail.from)?, mailbox(to)?);
    let first = langs.first().copied().unwrap_or(Lang::Id);
    let words: Vec<String> = langs.iter().map(|lang| letter.words(*lang, console)).collect();
    // The same name for each attempt: mail programs that get it twice show it once.
    let id = format!("<{}@{}>", letter.id, from.email.domain());
    Message::builder()
        .from(from)
        .to(to)
        .subject(letter.subject(first))
        .message_id(Some(id))
        .date(std::time::UNIX_EPOCH + Duration::from_millis(u64::try_from(letter.at).unwrap_or(0)))
        .header(header::ContentType::TEXT_PLAIN)
        .raw_header(header::HeaderValue::new(
            // Out-of-office answers to a machine help nobody (RFC 3834).
            header::HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ))
        .body(words.join("\n\n"))
        .ok()
}

fn transport(mail: &Mail) -> Result<AsyncSmtpTransport<Tokio1Executor>, Refused> {
    let (host, port) = mail.place().ok_or_else(|| refused("no server"))?;
    let parameters = || TlsParameters::new(host.to_owned()).map_err(|error| refused(&why(&error)));
    let tls = match mail.security {
        Security::StartTls => Tls::Required(parameters()?),
        Security::Tls => Tls::Wrapper(parameters()?),
        Security::None => Tls::None,
    };
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port)
        .tls(tls)
        .timeout(Some(ANSWER_TIMEOUT))
        // Of this machine nobody needs to know more than that it speaks for the sender.
        .hello_name(ClientId::Domain(
            mailbox(&mail.from).map_or_else(String::new, |from| from.email.domain().to_owned()),
        ));
    if !mail.user.is_empty() {
        // Read for each letter: a new password counts at once.
        let password =
            secret_in(&mail.password_file).map_err(|_| refused("the file with the password cannot be read"))?;
        transport = transport.credentials(Credentials::new(mail.user.clone(), password));
    }
    Ok(transport.build())
}

fn refused(why: &str) -> Refused {
    Refused { why: why.to_owned(), is_gone: false }
}

/// A few words of ours: what servers say may name people.
fn why(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("smtp {code}"),
        None if error.is_timeout() => "timeout".to_owned(),
        None if error.is_tls() => "tls".to_owned(),
        None if error.is_response() => "no smtp server".to_owned(),
        None if error.is_client() => "the server lacks what is asked for".to_owned(),
        None => "no connection".to_owned(),
    }
}
