//! Defects planted on purpose, to prove that the simulator finds them, and places that it must come to, counted. Without
//! the feature `planted` nothing of this is in a program: [`active`] is `false` and every branch on it is compiled away.

use std::fmt;

macro_rules! defects {
    ($(#[doc = $words:literal] $name:ident,)*) => {
        /// A mistake that somebody could make.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Defect {
            $(#[doc = $words] $name,)*
        }

        impl Defect {
            /// All of them.
            pub const ALL: &[Defect] = &[$(Defect::$name),*];

            /// What it is, in words.
            pub fn words(self) -> &'static str {
                match self {
                    $(Defect::$name => $words.trim_ascii(),)*
                }
            }
        }
    };
}

defects! {
    /// The stores do not flush each commit.
    NoFlush,
    /// The hub answers although its commit failed.
    HubAnswersUncommitted,
    /// No signature is ever due.
    NeverSigned,
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
    /// A hybrid clock does not learn from what was seen.
    ClockDeaf,
    /// An old batch that arrives again sets the mark of its log back.
    MarkSetBack,
    /// A batch behind a gap is appended.
    GapAppended,
    /// A folder that was put back does not get its own ops again.
    NothingGivenBack,
    /// The agent merges what the hub set aside.
    VerdictIgnored,
    /// Every office gets everything.
    FedToEveryone,
    /// An office that a record is routed to gets what comes from then on only.
    PastNotShared,
    /// Ops that waited for their record are forgotten when it comes.
    WaitingForgotten,
    /// A row of a file is taken each time it is dropped.
    RowTakenAgain,
    /// The agent does not go back to where the hub began to forget.
    RewindIgnored,
    /// Starts of a hub that was put back are kept beside those of its new line.
    OtherLinesKept,
    /// What was read from a hub that forgot it counts as held by it.
    UnnumberedForgotten,
    /// The hub does not look at signatures.
    SignatureBelieved,
    /// Stores are not compared with their hashes when they are opened.
    DamageUnseen,
    /// What stands behind a lost op is not taken over from a damaged store.
    BehindLossDropped,
    /// What was said on a connection is remembered after it was cut.
    LineKept,
    /// What the hub remembers of a connection runs ahead of the pages that it gave.
    LineAhead,
    /// Ops are said to follow on whatever was said of their log before.
    AlwaysFollowsOn,
    /// A store of a newer program is opened.
    NewerStoreOpened,
    /// An update of a program does not look again at what the old one could not read.
    NothingLearned,
    /// What an office program cannot read is not kept.
    UnreadableDropped,
    /// What a hub said of ops counts on after the hub forgot it.
    VerdictsKept,
    /// The hub says that it has a file when a part of it has come.
    FileHeldEarly,
    /// A part of a file is taken for the next one, wherever it says that it begins.
    FilePartAnywhere,
    /// A file counts as safe as soon as the hub has it.
    FileSafeEarly,
    /// Files are not offered again to a hub that started anew.
    FileNotOfferedAgain,
    /// Wrong bytes under a file's hash, whoever brings them, have the hub give the file up.
    FileGivenUp,
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

#[cfg(feature = "planted")]
thread_local! {
    static OTHER_VERSION: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Plays, in this thread, an office program of a version that lets people change what this version's forms close.
#[cfg(feature = "planted")]
pub fn play_other_version(on: bool) {
    OTHER_VERSION.set(on);
}

/// Plays nothing.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub fn play_other_version(_: bool) {}

/// Whether the office program is one of another version.
#[cfg(feature = "planted")]
pub fn is_other_version() -> bool {
    OTHER_VERSION.get()
}

/// Whether the office program is one of another version: never.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub fn is_other_version() -> bool {
    false
}

macro_rules! places {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A place in the programs that a simulator must come to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Place {
            $($(#[$doc])* $name,)*
        }

        impl Place {
            /// All of them.
            pub const ALL: &[Place] = &[$(Place::$name),*];
        }
    };
}

places! {
    /// The agent makes a request.
    Request,
    /// The agent asks for marks before it sends, because it was cut.
    AskedFirst,
    /// The agent goes on from what was said on an open connection.
    WentOn,
    /// The agent packs ops.
    OpsPacked,
    /// The agent sends an inventory.
    InventorySent,
    /// The agent keeps marks.
    MarksKept,
    /// The agent goes back to where the hub began to forget.
    Rewound,
    /// The agent offers back what the hub may have forgotten.
    EchoOffered,
    /// The agent keeps a page of the feed.
    PageKept,
    /// The agent keeps an op that is behind a gap in its log.
    BehindGap,
    /// The agent keeps a verdict that sets an op aside.
    SetAsideKept,
    /// The agent takes its own ops back.
    TakenBack,
    /// The agent makes a sound store of a damaged one.
    Salvaged,
    /// The agent enters again what stood behind a lost op.
    EnteredAgain,
    /// The agent takes the answer to a bundle.
    AnswerTaken,
    /// The agent is brought an answer that tells nothing new.
    AnswerOvertaken,
    /// The hub takes a greeting.
    Greeted,
    /// The hub takes a greeting that somebody carried.
    GreetingCarried,
    /// The hub answers with what moved since its last marks on the connection.
    MovedSaid,
    /// The hub sees a twin.
    TwinSeen,
    /// The hub stores a batch.
    BatchStored,
    /// The hub takes a part of a file.
    PartTaken,
    /// The hub passes over a part that is not the next one.
    PartPassedOver,
    /// The hub has a whole file.
    FileWhole,
    /// The hub passes over a batch behind a gap.
    GapPassedOver,
    /// The hub is offered what it has.
    Repeated,
    /// The hub keeps a fork aside.
    ForkKept,
    /// The hub is offered a log for another office.
    OfficeClaimed,
    /// The hub holds foreign ops until they are proved.
    EchoHeld,
    /// The hub takes proved foreign ops.
    EchoTaken,
    /// The hub keeps an op whose record is not there.
    OpWaits,
    /// The hub takes in what had waited.
    OpSettled,
    /// The hub sets an op aside.
    OpSetAside,
    /// The hub lets one more office see a record.
    RecordShared,
    /// The hub packs its reply.
    ReplyPacked,
    /// The hub gives a page of its feed.
    PageGiven,
    /// The hub gives ops back to who wrote them.
    GivenBack,
}

#[cfg(feature = "planted")]
thread_local! {
    static REACHED: std::cell::RefCell<Vec<u64>> = std::cell::RefCell::new(vec![0; Place::ALL.len()]);
    static LAST: std::cell::Cell<Option<Place>> = const { std::cell::Cell::new(None) };
}

/// Counts that this thread came to a place.
#[cfg(feature = "planted")]
pub fn reached(place: Place) {
    LAST.set(Some(place));
    REACHED.with_borrow_mut(|counts| counts[place as usize] += 1);
}

/// Counts nothing.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub fn reached(_: Place) {}

/// The place that this thread came to last.
#[cfg(feature = "planted")]
pub fn last_reached() -> Option<Place> {
    LAST.get()
}

/// The place that this thread came to last: nobody counts.
#[cfg(not(feature = "planted"))]
pub fn last_reached() -> Option<Place> {
    None
}

/// How often this thread came to each place since this was last asked.
#[cfg(feature = "planted")]
pub fn take_reached() -> Vec<(Place, u64)> {
    LAST.set(None);
    let counts = REACHED.replace(vec![0; Place::ALL.len()]);
    Place::ALL.iter().copied().zip(counts).collect()
}

/// How often this thread came to each place: nobody counts.
#[cfg(not(feature = "planted"))]
pub fn take_reached() -> Vec<(Place, u64)> {
    Vec::new()
}
