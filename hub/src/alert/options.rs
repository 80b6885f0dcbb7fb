//! `[alerts]`, `[mail]` and `[webhooks]` of `hub.toml`, and whether what stands there can work.

use std::path::Path;

use hyper::Uri;
use kentongan_host::files::read_bounded;
use kentongan_host::options::{Kind, Opt, Setting, Settings};
use kentongan_host::{Failure, Lang};

use super::mail::mailbox;
use super::webhook::{Address, Key};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
/// A secret is one line; more than this is another file.
const SECRET_BYTES_MAX: u64 = 4_096;

/// In which language people are written to.
pub const LANGUAGE: Opt = Opt {
    table: "alerts",
    key: "language",
    kind: Kind::OneOf(&["id", "en", "both"]),
    default: "id",
    unit: "",
    help_id: "Bahasa surat peringatan: id, en, atau both (keduanya)",
    help_en: "Language of letters: id, en, or both",
    secret: false,
};

/// How long a trouble lasts before it is told.
pub const AFTER: Opt = Opt {
    table: "alerts",
    key: "after",
    kind: Kind::Duration { min_ms: 0, max_ms: DAY_MS },
    default: "10m",
    unit: "",
    help_id: "Masalah diberitahukan setelah berlangsung selama ini, dan disebut selesai setelah hilang selama ini",
    help_en: "A trouble is told once it has lasted this long, and called over once it was gone this long",
    secret: false,
};

/// How seldom troubles of offices are told.
pub const EVERY: Opt = Opt {
    table: "alerts",
    key: "every",
    kind: Kind::Duration { min_ms: 0, max_ms: DAY_MS },
    default: "1h",
    unit: "",
    help_id: "Kabar tentang kantor dikumpulkan: paling banyak satu dalam selang ini; yang mendesak langsung dikirim",
    help_en: "News of offices is gathered: at most one letter in this time; what is urgent goes at once",
    secret: false,
};

/// When the daily digest goes.
pub const DIGEST_AT: Opt = Opt {
    table: "alerts",
    key: "digest_at",
    kind: Kind::TimeOfDay,
    default: "08:00",
    unit: "",
    help_id: "Jam ringkasan harian, bila ada yang belum selesai atau jatuh tempo; off: tanpa ringkasan",
    help_en: "Time of the daily digest, if anything is open or due; off: none",
    secret: false,
};

/// The server that takes mail.
pub const MAIL_SERVER: Opt = Opt {
    table: "mail",
    key: "server",
    kind: Kind::Text,
    default: "",
    unit: "",
    help_id: "Server surel dan portnya, misalnya smtp.kab.go.id:587; kosong: tanpa surel",
    help_en: "Mail server and its port, for example smtp.kab.go.id:587; empty: no e-mail",
    secret: false,
};

/// How the connection to it is protected.
pub const MAIL_SECURITY: Opt = Opt {
    table: "mail",
    key: "security",
    kind: Kind::OneOf(&["starttls", "tls", "none"]),
    default: "starttls",
    unit: "",
    help_id: "starttls (port 587), tls (port 465), atau none: hanya untuk server di mesin ini",
    help_en: "starttls (port 587), tls (port 465), or none: only for a server on this machine",
    secret: false,
};

/// Who logs in there.
pub const MAIL_USER: Opt = Opt {
    table: "mail",
    key: "user",
    kind: Kind::Text,
    default: "",
    unit: "",
    help_id: "Nama akun di server surel; kosong: tanpa masuk",
    help_en: "Name of the account at the mail server; empty: no login",
    secret: false,
};

/// With what.
pub const MAIL_PASSWORD_FILE: Opt = Opt {
    table: "mail",
    key: "password_file",
    kind: Kind::Text,
    default: "",
    unit: "",
    help_id: "Berkas berisi sandi akun itu",
    help_en: "File with the password of that account",
    secret: false,
};

/// As whom it is sent.
pub const MAIL_FROM: Opt = Opt {
    table: "mail",
    key: "from",
    kind: Kind::Text,
    default: "",
    unit: "",
    help_id: "Pengirim, misalnya Kentongan <kentongan@kab.go.id>",
    help_en: "Sender, for example Kentongan <kentongan@kab.go.id>",
    secret: false,
};

/// To whom.
pub const MAIL_TO: Opt = Opt {
    table: "mail",
    key: "to",
    kind: Kind::List,
    default: "",
    unit: "",
    help_id: "Penerima",
    help_en: "Recipients",
    secret: false,
};

/// Programs that are told.
pub const WEBHOOK_URLS: Opt = Opt {
    table: "webhooks",
    key: "urls",
    kind: Kind::List,
    default: "",
    unit: "",
    help_id: "Alamat program yang diberi tahu lewat POST: https://…, atau http:// di mesin ini",
    help_en: "Addresses of programs that are told by POST: https://…, or http:// on this machine",
    // Many a service takes whoever knows the address for its owner.
    secret: true,
};

/// What the messages to them are signed with.
pub const WEBHOOK_SECRET_FILE: Opt = Opt {
    table: "webhooks",
    key: "secret_file",
    kind: Kind::Text,
    default: "",
    unit: "",
    help_id: "Berkas berisi kunci tanda tangan (whsec_…), dibuat dengan kentongan-hub alert secret",
    help_en: "File with the key for signatures (whsec_…), made by kentongan-hub alert secret",
    secret: false,
};

/// How alerts are set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alerts {
    /// The languages of a letter, in the order in which they stand in it.
    pub langs: &'static [Lang],
    /// How long a trouble lasts before it is told, in milliseconds.
    pub after_ms: i64,
    /// Time between two letters about offices, in milliseconds.
    pub every_ms: i64,
    /// Time of the daily digest, `HH:MM`, or `off`.
    pub digest_at: String,
    /// By mail, if a server is named.
    pub mail: Option<Mail>,
    /// Programs that are told.
    pub webhooks: Webhooks,
}

/// How mail is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// `host:port` of the server.
    pub server: String,
    /// How the connection is protected.
    pub security: Security,
    /// Who logs in; empty: nobody.
    pub user: String,
    /// The file with the password.
    pub password_file: String,
    /// The sender.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// In clear at first, and not a word more before it is encrypted.
    StartTls,
    /// From the first byte.
    Tls,
    /// Not at all.
    None,
}

/// Programs that are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhooks {
    /// Where.
    pub urls: Vec<String>,
    /// The file with the key.
    pub secret_file: String,
}

impl Alerts {
    /// Reads it from checked settings.
    pub fn of(settings: &Settings) -> Alerts {
        let text = |opt: Opt| settings.text(opt.table, opt.key).to_owned();
        let ms = |opt: Opt| i64::try_from(settings.duration(opt.table, opt.key).as_millis()).unwrap_or(i64::MAX);
        let list = |opt: Opt| settings.list(opt.table, opt.key).to_vec();
        let mail = Mail {
            server: text(MAIL_SERVER),
            security: match text(MAIL_SECURITY).as_str() {
                "tls" => Security::Tls,
                "none" => Security::None,
                _ => Security::StartTls,
            },
            user: text(MAIL_USER),
            password_file: text(MAIL_PASSWORD_FILE),
            from: text(MAIL_FROM),
            to: list(MAIL_TO),
        };
        Alerts {
            langs: match text(LANGUAGE).as_str() {
                "en" => &[Lang::En],
                "both" => &[Lang::Id, Lang::En],
                _ => &[Lang::Id],
            },
            after_ms: ms(AFTER),
            every_ms: ms(EVERY),
            digest_at: text(DIGEST_AT),
            mail: Some(mail).filter(|mail| !mail.server.is_empty()),
            webhooks: Webhooks { urls: list(WEBHOOK_URLS), secret_file: text(WEBHOOK_SECRET_FILE) },
        }
    }
}

impl Mail {
    /// Host and port of the server.
    pub(super) fn place(&self) -> Option<(&str, u16)> {
        let (host, port) = self.server.rsplit_once(':')?;
        Some((host.trim_matches(['[', ']']), port.parse().ok()?)).filter(|(host, _)| !host.is_empty())
    }
}

/// The secret in a file, without the line end behind it.
///
/// # Errors
/// The file cannot be read, or holds nothing.
pub(super) fn secret_in(file: &str) -> std::io::Result<String> {
    let bytes = read_bounded(Path::new(file), SECRET_BYTES_MAX)?;
    let text = String::from_utf8(bytes).map_err(|_| std::io::ErrorKind::InvalidData)?;
    match text.trim() {
        "" => Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "the file is empty")),
        secret => Ok(secret.to_owned()),
    }
}

/// Whether a name or an address means this machine: what is sent there reaches no network.
pub(super) fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Looks whether the settings can work together: every fault is told with the place where it stands.
///
/// # Errors
/// Exit 2, naming file and line and what would be right.
pub fn check(settings: &Settings) -> Result<(), Failure> {
    let check = Check { settings };
    check.mail()?;
    check.webhooks()
}

struct Check<'s> {
    settings: &'s Settings,
}

impl Check<'_> {
    fn setting(&self, opt: Opt) -> &Setting {
        self.settings.setting(opt.table, opt.key)
    }

    fn fault(&self, opt: Opt, id: &str, en: &str) -> Failure {
        let (place, name) = (&self.setting(opt).origin, opt.name());
        Failure::usage(format!("{place}: {name}: {id}"), format!("{place}: {name}: {en}"))
    }

    fn secret(&self, opt: Opt) -> Result<String, Failure> {
        let file = &self.setting(opt).text;
        secret_in(file).map_err(|error| {
            let (id, en) = (format!("berkas {file} tidak dapat dibaca"), format!("the file {file} cannot be read"));
            self.fault(opt, &id, &en).caused_by(error)
        })
    }

    fn mail(&self) -> Result<(), Failure> {
        let Some(mail) = Alerts::of(self.settings).mail else { return Ok(()) };
        let Some((host, _)) = mail.place() else {
            let (id, en) =
                ("tulis nama:port, misalnya smtp.kab.go.id:587", "write name:port, such as smtp.kab.go.id:587");
            return Err(self.fault(MAIL_SERVER, id, en));
        };
        if mail.security == Security::None && !is_here(host) {
            let id = "none hanya untuk server di mesin ini; pakai starttls atau tls";
            return Err(self.fault(
                MAIL_SECURITY,
                id,
                "none is for a server on this machine only; use starttls or tls",
            ));
        }
        if !mail.user.is_empty() {
            if mail.password_file.is_empty() {
                return Err(self.fault(MAIL_USER, "isi juga mail.password_file", "fill mail.password_file too"));
            }
            self.secret(MAIL_PASSWORD_FILE)?;
        }
        let no_address = |opt: Opt, text: &str| {
            let (id, en) = (format!("{text:?} bukan alamat surel"), format!("{text:?} is no e-mail address"));
            self.fault(opt, &id, &en)
        };
        mailbox(&mail.from).ok_or_else(|| no_address(MAIL_FROM, &mail.from))?;
        if mail.to.is_empty() {
            return Err(self.fault(MAIL_TO, "isi paling sedikit satu penerima", "name at least one recipient"));
        }
        mail.to.iter().try_for_each(|to| mailbox(to).map(drop).ok_or_else(|| no_address(MAIL_TO, to)))
    }

    fn webhooks(&self) -> Result<(), Failure> {
        let Webhooks { urls, secret_file } = Alerts::of(self.settings).webhooks;
        // The address itself is not shown: it may be a key.
        for (place, url) in urls.iter().enumerate() {
            let known = url.parse::<Uri>().ok().and_then(|uri| Address::of(&uri));
            if known.is_none() {
                let (id, en) = (
                    format!("alamat ke-{} harus https://…, atau http:// di mesin ini", place + 1),
                    format!("address {} must be https://…, or http:// on this machine", place + 1),
                );
                return Err(self.fault(WEBHOOK_URLS, &id, &en));
            }
        }
        if urls.is_empty() {
            return Ok(());
        }
        if secret_file.is_empty() {
            let id = "isi juga webhooks.secret_file; kuncinya dibuat dengan kentongan-hub alert secret";
            return Err(self.fault(
                WEBHOOK_URLS,
                id,
                "fill webhooks.secret_file too; kentongan-hub alert secret makes one",
            ));
        }
        Key::read(&self.secret(WEBHOOK_SECRET_FILE)?).map(drop).ok_or_else(|| {
            let id = "isi berkas itu bukan kunci: whsec_ lalu base64 dari 24 sampai 64 bita";
            self.fault(WEBHOOK_SECRET_FILE, id, "the file holds no key: whsec_ and then 24 to 64 bytes in base64")
        })
    }
}

#[cfg(test)]
mod tests {
    use kentongan_host::options::Sources;
    use kentongan_host::{DataDir, Exit, Program};

    use super::*;
    use crate::config::load;

    /// What is said of a configuration file, and of one secret beside it.
    fn said(text: &str) -> Result<Alerts, String> {
        let temp = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::at(Program::Hub, temp.path());
        let secret = temp.path().join("rahasia");
        std::fs::write(&secret, format!("{}\n", Key::draw())).expect("a secret");
        let text = text.replace("SECRET", &secret.display().to_string());
        std::fs::write(dir.config_file(), text).expect("write");
        let sources = Sources { file: dir.config_file(), file_named: true, environment: Vec::new(), flags: Vec::new() };
        match load(&sources) {
            Ok(settings) => Ok(Alerts::of(&settings)),
            Err(failure) => {
                assert_eq!(failure.exit, Exit::Usage);
                Err(failure.message.replace(&dir.config_file().display().to_string(), "hub.toml"))
            }
        }
    }

    #[test]
    fn what_cannot_work_is_refused_with_file_and_line() {
        let server = "[mail]\nserver = \"smtp.kab.go.id:587\"\n";
        for (text, told) in [
            ("[mail]\nserver = \"smtp.kab.go.id\"\n".to_owned(), "hub.toml:2: mail.server: "),
            (format!("{server}security = \"none\"\n"), "hub.toml:3: mail.security: "),
            (format!("{server}from = \"siapa\"\n"), "hub.toml:3: mail.from: "),
            (format!("{server}from = \"a@kab.go.id\"\nto = []\n"), "hub.toml:4: mail.to: "),
            (format!("{server}from = \"a@kab.go.id\"\nto = [\"b@kab.go.id\", \"c\"]\n"), "hub.toml:4: mail.to: "),
            (format!("{server}user = \"kentongan\"\n"), "hub.toml:3: mail.user: "),
            (format!("{server}user = \"a\"\npassword_file = \"/tidak/ada\"\n"), "hub.toml:4: mail.password_file: "),
            ("[webhooks]\nurls = [\"https://a.go.id/x\"]\n".to_owned(), "hub.toml:2: webhooks.urls: "),
            ("[webhooks]\nurls = [\"http://a.go.id/kunci\"]\n".to_owned(), "hub.toml:2: webhooks.urls: "),
            ("[webhooks]\nurls = [\"https://a.go.id/\"]\nsecret_file = \"hub.toml\"\n".to_owned(), "hub.toml:3: "),
        ] {
            let failed = said(&text).expect_err(&text);
            assert!(failed.starts_with(told), "{failed:?} should begin with {told:?}");
            assert!(!failed.contains("kunci\""), "an address is not repeated");
        }
    }

    #[test]
    fn what_can_work_is_taken() {
        let text = "[alerts]\nlanguage = \"both\"\n[mail]\nserver = \"[::1]:25\"\nsecurity = \"none\"\n\
                    from = \"Kentongan <hub@kab.go.id>\"\nto = [\"wayan@kab.go.id\"]\n\
                    [webhooks]\nurls = [\"https://a.go.id/x?y=1\", \"http://127.0.0.1:99/\"]\nsecret_file = \"SECRET\"\n";
        let alerts = said(text).expect("it holds");
        assert_eq!((alerts.langs, alerts.webhooks.urls.len()), (&[Lang::Id, Lang::En][..], 2));
        assert_eq!(alerts.mail.expect("a server").place(), Some(("::1", 25)));
        let silent = said("[log]\nlevel = \"info\"\n").expect("it holds");
        assert_eq!((silent.mail, silent.webhooks.urls.len()), (None, 0), "nobody is told unless somebody wants it");
    }
}
