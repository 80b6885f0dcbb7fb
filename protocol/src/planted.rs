//! Defects planted on purpose, to prove that the simulator finds them. Without the feature `planted` nothing of this is
//! in a program: [`active`] is `false` and every branch on it is compiled away.

use std::fmt;

macro_rules! defects {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A mistake that somebody could make.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Defect {
            $($(#[$doc])* $name,)*
        }

        impl Defect {
            /// All of them.
            pub const ALL: &[Defect] = &[$(Defect::$name),*];
        }
    };
}

defects! {
    /// The stores do not flush each commit.
    NoFlush,
    /// The hub answers although its commit failed.
    HubAnswersUncommitted,
    /// The agent shows as saved what it could not commit.
    SavedUncommitted,
    /// A feed cursor is saved before its page, in a transaction of its own.
    CursorApart,
    /// A log goes on after a restart.
    LogContinued,
    /// A change replaces what stands when it is saved instead of what the form showed.
    HeadsAtSaving,
    /// Of values side by side only the latest is kept.
    SiblingDropped,
    /// Ops that are there already are appended again.
    RetryAppends,
    /// An op is deleted at the office when the hub has acknowledged it.
    PrunedAtAck,
    /// What others wrote is put away at the office although no copy of the hub holds it.
    PrunedBeforeDurable,
    /// Durable marks are raised before the copy was read back.
    DurableUnverified,
    /// Durable marks are raised although the backup failed.
    DurableWithoutCopy,
    /// Ops count as arrived when they are sent.
    MarkedWhenSent,
    /// A reader goes on from its cursor whatever the hub forgot.
    CursorKept,
    /// Starts of the hub are counted instead of drawn.
    EpochCounted,
    /// The hub believes the office that a log names.
    OfficeBelieved,
    /// The hub takes changes to any record from anybody.
    AnyoneChanges,
    /// A page of the feed moves the cursor to the end of the feed.
    PageToTheEnd,
    /// No inventory follows a disagreement.
    NoInventory,
    /// What others wrote is not given back to a hub that forgot it.
    NoEcho,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Defect>> = const { std::cell::Cell::new(None) };
}

/// Plants a defect in this thread, or none.
#[cfg(feature = "planted")]
pub fn plant(defect: Option<Defect>) {
    PLANTED.set(defect);
}

/// Whether this defect is planted.
#[cfg(feature = "planted")]
pub fn active(defect: Defect) -> bool {
    PLANTED.get() == Some(defect)
}

/// Whether this defect is planted: never.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub fn active(_: Defect) -> bool {
    false
}
