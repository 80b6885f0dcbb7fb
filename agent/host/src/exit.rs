//! Exit codes: what a script learns when a command ends.
//!
//! Codes are a contract. New ones may be added; scripts treat an unknown code other than 0 as a failure.

use std::process::ExitCode;

/// How a command ended. Codes from 10 come only from commands that ask for detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// 0: done, or healthy. An office that is offline within its patience is healthy.
    Done = 0,
    /// 1: failed, and not classified further.
    Failed = 1,
    /// 2: wrong usage, or a configuration that does not hold.
    Usage = 2,
    /// 3: the service is not running.
    NotRunning = 3,
    /// 4: the state is unknown: the service cannot be reached, or there is no permission to ask.
    Unknown = 4,
    /// 10: the data folder is not initialised, or this office is not enrolled.
    NotEnrolled = 10,
    /// 11: the store is in use by another process.
    StoreInUse = 11,
    /// 12: a credential was refused, used up or revoked.
    Refused = 12,
    /// 13: the hub cannot be reached.
    Unreachable = 13,
    /// 14: the clock is not usable.
    Clock = 14,
    /// 15: this program, its store or its protocol is too old for what it met.
    Version = 15,
    /// 16: the store is damaged.
    StoreDamaged = 16,
    /// 17: no space is left.
    NoSpace = 17,
    /// 18: something answered, and it was not the hub (for example the login page of a hotspot).
    NotTheHub = 18,
    /// 19: the hub's certificate does not come from the root that was pinned at enrolment.
    WrongHub = 19,
    /// 20: done, but some records were refused.
    SomeRefused = 20,
    /// 21: `doctor` found failures.
    DoctorFailures = 21,
    /// 22: `doctor` found warnings only.
    DoctorWarnings = 22,
    /// 23: `--wait` ran out of time.
    TimedOut = 23,
    /// 24: the certificate of this device has expired.
    DeviceExpired = 24,
    /// 25: the certificate of the hub has expired.
    HubExpired = 25,
    /// 30: a person must decide (a conflict, an approval).
    Decide = 30,
    /// 130: interrupted from the keyboard.
    Interrupted = 130,
}

impl Exit {
    /// Every code, in ascending order.
    pub const ALL: [Exit; 23] = [
        Exit::Done,
        Exit::Failed,
        Exit::Usage,
        Exit::NotRunning,
        Exit::Unknown,
        Exit::NotEnrolled,
        Exit::StoreInUse,
        Exit::Refused,
        Exit::Unreachable,
        Exit::Clock,
        Exit::Version,
        Exit::StoreDamaged,
        Exit::NoSpace,
        Exit::NotTheHub,
        Exit::WrongHub,
        Exit::SomeRefused,
        Exit::DoctorFailures,
        Exit::DoctorWarnings,
        Exit::TimedOut,
        Exit::DeviceExpired,
        Exit::HubExpired,
        Exit::Decide,
        Exit::Interrupted,
    ];

    /// The number the process ends with.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The exit with this number, if it is one of ours.
    pub fn from_code(code: u8) -> Option<Exit> {
        Exit::ALL.into_iter().find(|exit| exit.code() == code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_again_by_its_number() {
        for exit in Exit::ALL {
            assert_eq!(Exit::from_code(exit.code()), Some(exit));
        }
        assert_eq!(Exit::from_code(99), None);
    }

    #[test]
    fn codes_stand_in_ascending_order_without_repetition() {
        assert!(Exit::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
    }
}
