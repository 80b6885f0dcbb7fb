//! Named steps at which a test kills the program: everything must hold whichever of them was the last.
//!
//! ```text
//!   KENTONGAN_STOP_AT=agent.save.committed       dies the first time it gets there
//!   KENTONGAN_STOP_AT=hub.sync.stored:7          the seventh time
//! ```
//!
//! Only builds with debug assertions know the names: in a release build [`reached`] is nothing, and whoever sets the
//! variable there waits in vain. The crash lab (`tests/src/lab`) kills at each of [`Step::ALL`] and fails if one is
//! never reached.

/// Declares the steps, each with its name.
macro_rules! steps {
    ($($(#[$doc:meta])* $step:ident = $name:literal,)*) => {
        /// A moment between two things that must not come apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Step {
            $($(#[$doc])* $step,)*
        }

        #[cfg(debug_assertions)]
        impl Step {
            /// Every step.
            pub const ALL: &[Step] = &[$(Step::$step,)*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Step::$step => $name,)*
                }
            }
        }
    };
}

steps! {
    /// Both: a file is written and flushed under another name.
    FileWritten = "file.written",
    /// Both: it has its name, which may not be flushed yet.
    FileRenamed = "file.renamed",
    /// Both: the store is closed, and nothing says yet that it was closed well.
    StoreClosed = "store.closed",

    /// Agent: a new run is noted.
    AgentRunNoted = "agent.run.noted",
    /// Agent: a record or a change is written, not committed.
    AgentSaveWritten = "agent.save.written",
    /// Agent: it is committed, and nobody was told.
    AgentSaveCommitted = "agent.save.committed",
    /// Agent: rows of a file are in the store; those refused are not listed yet.
    AgentImportTaken = "agent.import.taken",
    /// Agent: the list of refused rows lies beside the file, or where it goes.
    AgentImportListed = "agent.import.listed",
    /// Agent: all rows of a dropped file are taken, and it still lies in the inbox.
    AgentInboxTaken = "agent.inbox.taken",
    /// Agent: the file is in `done/`.
    AgentInboxMoved = "agent.inbox.moved",
    /// Agent: the reason is written, and the unreadable file still lies in the inbox.
    AgentInboxReasoned = "agent.inbox.reasoned",
    /// Agent: a request to the hub is made, not sent.
    AgentRequestBuilt = "agent.exchange.built",
    /// Agent: the hub answers.
    AgentReplyBegun = "agent.exchange.answered",
    /// Agent: the hub's marks are written, not committed.
    AgentMarksWritten = "agent.marks.written",
    /// Agent: they are committed.
    AgentMarksCommitted = "agent.marks.committed",
    /// Agent: a page of the feed is written, not committed.
    AgentFeedWritten = "agent.feed.written",
    /// Agent: it is committed.
    AgentFeedCommitted = "agent.feed.committed",
    /// Agent: own ops that came back from the hub are committed.
    AgentRestoredCommitted = "agent.restored.committed",
    /// Agent: an exchange has ended, and its contact is not noted.
    AgentExchangeEnded = "agent.exchange.ended",
    /// Agent: a contact is noted.
    AgentContactNoted = "agent.contact.noted",
    /// Agent: the device's key exists.
    AgentEnrolKeyed = "agent.enrol.keyed",
    /// Agent: the hub has answered with a certificate, which is kept nowhere.
    AgentEnrolAnswered = "agent.enrol.answered",
    /// Agent: the certificate is kept.
    AgentEnrolCertified = "agent.enrol.certified",
    /// Agent: the hub's root is kept.
    AgentEnrolRooted = "agent.enrol.rooted",
    /// Agent: the store knows its office.
    AgentEnrolJoined = "agent.enrol.joined",
    /// Agent: the hub has answered with a newer certificate.
    AgentRenewAnswered = "agent.renew.answered",
    /// Agent: the newer certificate is kept.
    AgentRenewKept = "agent.renew.kept",
    /// Agent: on leaving, the identity is put away, and the store is not.
    AgentLeaveHalf = "agent.leave.half",

    /// Hub: the root's key exists.
    HubRootKeyed = "hub.init.root_keyed",
    /// Hub: the root certificate exists.
    HubRootMade = "hub.init.root_made",
    /// Hub: the hub's own key exists.
    HubKeyed = "hub.init.keyed",
    /// Hub: its certificate exists.
    HubCertified = "hub.init.certified",
    /// Hub: the store knows what it is.
    HubNoted = "hub.init.noted",
    /// Hub: a new start of the feed is noted, and no office knows of it.
    HubEpochBegun = "hub.start.epoch_begun",
    /// Hub: jobs are done, not committed.
    HubGroupWritten = "hub.jobs.written",
    /// Hub: they are committed, and nobody was told.
    HubGroupCommitted = "hub.jobs.committed",
    /// Hub: a part of a long request is stored, and the rest is still to be read.
    HubPartStored = "hub.sync.part_stored",
    /// Hub: everything is stored, and the marks that say so are not sent.
    HubMarksMade = "hub.sync.marks_made",
    /// Hub: the first part of the reply is sent, more follows.
    HubReplyBegun = "hub.sync.reply_begun",
    /// Hub: a device has joined, and was not told.
    HubEnrolled = "hub.enrol.joined",
    /// Hub: a device has a newer certificate, and was not told.
    HubRenewed = "hub.renew.renewed",
    /// Hub: a copy is made and flushed, and nobody has read it back.
    HubBackupCopied = "hub.backup.copied",
    /// Hub: it was read back and is whole, and has no name yet.
    HubBackupChecked = "hub.backup.checked",
    /// Hub: it has its name, and no durable mark follows it yet.
    HubBackupNamed = "hub.backup.named",
    /// Hub: the durable marks follow it, and nothing says so.
    HubBackupRaised = "hub.backup.raised",
    /// Hub: an order of a person is carried out, and nobody was told.
    HubOrderDone = "hub.order.done",
}

/// Dies here, without a word to anybody but stderr, if a test wants that.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn reached(_: Step) {}

/// Dies here, without a word to anybody but stderr, if a test wants that.
#[cfg(debug_assertions)]
pub fn reached(step: Step) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static TIMES: AtomicU64 = AtomicU64::new(0);

    let wanted = WANTED.get_or_init(|| wanted(&std::env::var(STOP_AT).ok()?));
    let Some((name, time)) = wanted else { return };
    if name == step.name() && TIMES.fetch_add(1, Ordering::Relaxed) + 1 == *time {
        eprintln!("stopped at {name}:{time}");
        die();
    }
}

/// The variable that names the step to die at.
#[cfg(debug_assertions)]
pub const STOP_AT: &str = "KENTONGAN_STOP_AT";

/// The step and the time that `text` names.
#[cfg(debug_assertions)]
fn wanted(text: &str) -> Option<(String, u64)> {
    match text.split_once(':') {
        Some((name, time)) => Some((name.to_owned(), time.parse().ok()?)),
        None => Some((text.to_owned(), 1)),
    }
}

/// Ends as a power cut ends a program: no destructor runs, nothing is flushed.
#[cfg(debug_assertions)]
fn die() -> ! {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn each_step_has_a_name_of_its_own() {
        let mut names: Vec<_> = Step::ALL.iter().map(|step| step.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Step::ALL.len());
    }

    #[test]
    fn a_step_is_named_with_the_time_it_counts() {
        assert_eq!(wanted("agent.save.committed"), Some(("agent.save.committed".to_owned(), 1)));
        assert_eq!(wanted("hub.sync.stored:7"), Some(("hub.sync.stored".to_owned(), 7)));
        assert_eq!(wanted("hub.sync.stored:x"), None);
    }
}
