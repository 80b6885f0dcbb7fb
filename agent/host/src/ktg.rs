//! Codes for people: `KTG-104` can be read over the telephone, and every code has a sentence and a next step.
//!
//! 1xx: the network and who is who on it; 2xx: this computer; 3xx: records. A code is never given a new meaning.

use std::fmt;
use std::str::FromStr;

use kentongan_protocol::form::Lang;

use crate::exit::Exit;
use crate::ktg_pages::{Page, page};

/// A user-facing code. Its number, sentence, next step and exit code belong together and stand in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Ktg {
    /// 101: there is no network at all.
    NoNetwork = 101,
    /// 102: the hub's name cannot be found.
    Dns = 102,
    /// 103: the proxy refuses or does not answer.
    Proxy = 103,
    /// 104: the certificate shown does not come from the pinned root.
    WrongCertificate = 104,
    /// 105: the hub has revoked this device, or does not know it.
    Revoked = 105,
    /// 106: the hub is busy and asks to come back.
    HubBusy = 106,
    /// 107: program or protocol versions do not fit.
    Version = 107,
    /// 108: two machines answer as one replica.
    TwinIdentity = 108,
    /// 109: the answer does not come from the hub (a login page, a captive portal).
    NotTheHub = 109,
    /// 110: the certificate of this device has expired.
    DeviceExpired = 110,
    /// 111: the certificate of the hub has expired.
    HubExpired = 111,
    /// 112: the hub refuses the connection or does not answer in time.
    Unreachable = 112,
    /// 113: the exchange was cut in the middle.
    Cut = 113,
    /// 114: the enrolment code was refused.
    CodeRefused = 114,
    /// 115: a person at the hub has to say that this PC is the right one.
    ApprovalAwaited = 115,
    /// 201: too little space on the disk.
    NoSpace = 201,
    /// 202: the store was damaged and has been repaired.
    StoreRepaired = 202,
    /// 203: the clock of this computer is wrong.
    Clock = 203,
    /// 204: a file or folder may not be read or written.
    Permission = 204,
    /// 206: another process uses the store.
    StoreInUse = 206,
    /// 207: the store is damaged.
    StoreDamaged = 207,
    /// 208: the store was written by a newer program.
    StoreNewer = 208,
    /// 209: the last verified backup of the hub is too old, or there is none.
    BackupStale = 209,
    /// 210: a backup is not as it was written.
    BackupDamaged = 210,
    /// 211: the hub forgot more than it had promised to keep.
    HubForgot = 211,
    /// 212: the disk failed to read or write.
    DiskFailed = 212,
    /// 213: an update is not what a publisher who is trusted here made for this kind of PC.
    UpdateRefused = 213,
    /// 214: an update did not do, and the program before it goes on.
    UpdateGivenUp = 214,
    /// 301: the form is not known here.
    UnknownForm = 301,
    /// 302: a field holds something that the form does not allow.
    InvalidField = 302,
    /// 303: the record or file is too large.
    TooLarge = 303,
    /// 304: the file is none that can be attached.
    UnfitFile = 304,
    /// 401: the PIN or the answer to a challenge is wrong.
    PinWrong = 401,
    /// 402: the person may not do that.
    Role = 402,
    /// 403: too many wrong PINs, so the next one waits.
    PinLocked = 403,
}

impl Ktg {
    /// Every code, in ascending order.
    pub const ALL: [Ktg; 35] = [
        Ktg::NoNetwork,
        Ktg::Dns,
        Ktg::Proxy,
        Ktg::WrongCertificate,
        Ktg::Revoked,
        Ktg::HubBusy,
        Ktg::Version,
        Ktg::TwinIdentity,
        Ktg::NotTheHub,
        Ktg::DeviceExpired,
        Ktg::HubExpired,
        Ktg::Unreachable,
        Ktg::Cut,
        Ktg::CodeRefused,
        Ktg::ApprovalAwaited,
        Ktg::NoSpace,
        Ktg::StoreRepaired,
        Ktg::Clock,
        Ktg::Permission,
        Ktg::StoreInUse,
        Ktg::StoreDamaged,
        Ktg::StoreNewer,
        Ktg::BackupStale,
        Ktg::BackupDamaged,
        Ktg::HubForgot,
        Ktg::DiskFailed,
        Ktg::UpdateRefused,
        Ktg::UpdateGivenUp,
        Ktg::UnknownForm,
        Ktg::InvalidField,
        Ktg::TooLarge,
        Ktg::UnfitFile,
        Ktg::PinWrong,
        Ktg::Role,
        Ktg::PinLocked,
    ];

    /// The number behind `KTG-`.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The exit code of a command that fails for this reason.
    pub fn exit(self) -> Exit {
        self.page().exit
    }

    /// What happened, in one sentence.
    pub fn sentence(self, lang: Lang) -> &'static str {
        in_lang(self.page().sentence, lang)
    }

    /// What to do next, in one sentence.
    pub fn next_step(self, lang: Lang) -> &'static str {
        in_lang(self.page().next_step, lang)
    }

    /// The page of `help KTG-nnn`: sentence, explanation and next step.
    pub fn help(self, lang: Lang) -> String {
        let page = self.page();
        format!(
            "{self}  {}\n\n{}\n\n{}",
            in_lang(page.sentence, lang),
            in_lang(page.explanation, lang),
            in_lang(page.next_step, lang),
        )
    }

    fn page(self) -> &'static Page {
        page(self)
    }
}

fn in_lang(text: [&'static str; 2], lang: Lang) -> &'static str {
    match lang {
        Lang::Id => text[0],
        Lang::En => text[1],
    }
}

impl fmt::Display for Ktg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KTG-{}", self.number())
    }
}

/// The text is not one of our codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such code: {0}")]
pub struct UnknownKtg(
    /// The text as it was given.
    pub String,
);

impl FromStr for Ktg {
    type Err = UnknownKtg;

    /// Accepts `KTG-104`, `ktg104` and `104`, as people type it.
    fn from_str(text: &str) -> Result<Ktg, UnknownKtg> {
        let upper = text.trim().to_ascii_uppercase();
        let digits = upper.strip_prefix("KTG").map_or(upper.as_str(), |rest| rest.trim_start_matches('-'));
        let number: Option<u16> = digits.parse().ok();
        Ktg::ALL.into_iter().find(|ktg| Some(ktg.number()) == number).ok_or_else(|| UnknownKtg(text.trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_from_its_own_text() {
        for ktg in Ktg::ALL {
            assert_eq!(ktg.to_string().parse(), Ok(ktg));
        }
        assert_eq!("ktg104".parse(), Ok(Ktg::WrongCertificate));
        assert_eq!(" 104 ".parse(), Ok(Ktg::WrongCertificate));
        assert_eq!("KTG-999".parse::<Ktg>(), Err(UnknownKtg("KTG-999".into())));
    }

    #[test]
    fn every_code_speaks_both_languages_and_never_the_confusing_word() {
        for ktg in Ktg::ALL {
            for lang in [Lang::Id, Lang::En] {
                let help = ktg.help(lang);
                assert!(help.lines().count() >= 5, "{ktg} has no page: {help}");
                assert!(!help.to_lowercase().contains(concat!("ter", "kirim")), "{ktg}");
            }
            assert_ne!(ktg.sentence(Lang::Id), ktg.sentence(Lang::En));
        }
    }

    #[test]
    fn the_three_certificate_faults_and_the_portal_have_their_own_exit_codes() {
        assert_eq!(Ktg::NotTheHub.exit().code(), 18);
        assert_eq!(Ktg::WrongCertificate.exit().code(), 19);
        assert_eq!(Ktg::DeviceExpired.exit().code(), 24);
        assert_eq!(Ktg::HubExpired.exit().code(), 25);
        assert_eq!(Ktg::Revoked.exit().code(), 12);
    }
}
