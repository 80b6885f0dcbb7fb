//! The texts behind the codes, Indonesian first.
//!
//! A sentence says what happened, in words for the person at the counter. The next step is for the person who can do
//! something. The explanation is what `help KTG-nnn` adds: what it means for the records, and how it comes about.

mod machine;
mod network;
mod people;

use crate::exit::Exit;
use crate::ktg::Ktg;

/// Everything there is to say about one code; each pair is Indonesian, English.
pub(crate) struct Page {
    pub(crate) exit: Exit,
    pub(crate) sentence: [&'static str; 2],
    pub(crate) next_step: [&'static str; 2],
    pub(crate) explanation: [&'static str; 2],
}

/// The page of a code. The match is complete by construction: a code without a page does not compile.
pub(crate) fn page(ktg: Ktg) -> &'static Page {
    match ktg {
        Ktg::NoNetwork => &network::NO_NETWORK,
        Ktg::Dns => &network::DNS,
        Ktg::Proxy => &network::PROXY,
        Ktg::WrongCertificate => &network::WRONG_CERTIFICATE,
        Ktg::Revoked => &network::REVOKED,
        Ktg::HubBusy => &network::HUB_BUSY,
        Ktg::Version => &network::VERSION,
        Ktg::TwinIdentity => &network::TWIN_IDENTITY,
        Ktg::NotTheHub => &network::NOT_THE_HUB,
        Ktg::DeviceExpired => &network::DEVICE_EXPIRED,
        Ktg::HubExpired => &network::HUB_EXPIRED,
        Ktg::Unreachable => &network::UNREACHABLE,
        Ktg::Cut => &network::CUT,
        Ktg::CodeRefused => &network::CODE_REFUSED,
        Ktg::ApprovalAwaited => &network::APPROVAL_AWAITED,
        Ktg::NoSpace => &machine::NO_SPACE,
        Ktg::StoreRepaired => &machine::STORE_REPAIRED,
        Ktg::Clock => &machine::CLOCK,
        Ktg::Permission => &machine::PERMISSION,
        Ktg::StoreInUse => &machine::STORE_IN_USE,
        Ktg::StoreDamaged => &machine::STORE_DAMAGED,
        Ktg::StoreNewer => &machine::STORE_NEWER,
        Ktg::DiskFailed => &machine::DISK_FAILED,
        Ktg::UpdateRefused => &machine::UPDATE_REFUSED,
        Ktg::UpdateGivenUp => &machine::UPDATE_GIVEN_UP,
        Ktg::BackupStale => &machine::BACKUP_STALE,
        Ktg::BackupDamaged => &machine::BACKUP_DAMAGED,
        Ktg::HubForgot => &machine::HUB_FORGOT,
        Ktg::UnknownForm => &machine::UNKNOWN_FORM,
        Ktg::InvalidField => &machine::INVALID_FIELD,
        Ktg::TooLarge => &machine::TOO_LARGE,
        Ktg::UnfitFile => &machine::UNFIT_FILE,
        Ktg::PinWrong => &people::PIN_WRONG,
        Ktg::Role => &people::ROLE,
        Ktg::PinLocked => &people::PIN_LOCKED,
    }
}
