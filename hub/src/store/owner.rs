//! The one thread that owns the store. Exchanges, commands and pages send it jobs; jobs that wait at the same time
//! share one commit, and each is answered after that commit.
//!
//! ```text
//!   exchange ─┐ bounded queue           one thread
//!   exchange ─┼─▶ job job job ──▶ begin ─ part ─ part ─ part ─ commit ──▶ answers
//!   command  ─┘
//! ```
//!
//! A flush to disk costs the same for one frame as for fifty, so the more offices call at once, the less each waits.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use kentongan_host::output::{in_lang, process_lang};
use kentongan_protocol::ids::OfficeCode;
use tokio::sync::{mpsc, oneshot};

use super::contract::{Job, Result, Store, StoreError, Tx, transact_group};

/// Jobs that may wait; who comes then waits with its next one in hand.
pub const QUEUE_JOBS_MAX: usize = 64;
/// Jobs that share one commit.
pub const GROUP_JOBS_MAX: usize = 64;

enum Message {
    Work { job: Job<'static>, answer: Box<dyn FnOnce(Result<()>) + Send> },
    Stop,
}

/// Sends jobs to the owner. Cheap to clone.
#[derive(Clone)]
pub struct StoreHandle {
    queue: mpsc::Sender<Message>,
}

impl std::fmt::Debug for StoreHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreHandle")
    }
}

impl StoreHandle {
    /// Has `work` done in a transaction and awaits it: when this returns `Ok`, the work is durable. Dropping the future
    /// gives up the answer, not the work.
    ///
    /// # Errors
    /// Whatever `work` failed with, or why its commit failed, or that the store is closed: nothing was stored.
    pub async fn run<T, E>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (message, answer) = message(work);
        self.queue.send(message).await.map_err(|_| StoreError::Closed)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Ends when the store takes no more jobs: it was stopped, or its disk failed.
    pub async fn closed(&self) {
        self.queue.closed().await;
    }

    /// As [`StoreHandle::run`], blocking this thread. Not inside async code.
    ///
    /// # Errors
    /// As [`StoreHandle::run`].
    pub fn run_blocking<T, E>(
        &self,
        work: impl FnOnce(&mut dyn Tx) -> std::result::Result<T, E> + Send + 'static,
    ) -> std::result::Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (message, answer) = message(work);
        self.queue.blocking_send(message).map_err(|_| StoreError::Closed)?;
        answer.blocking_recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }
}

/// A job that leaves its outcome in a place of its own, and an answer that fetches it from there after the commit.
fn message<T, E>(
    work: impl FnOnce(&mut dyn Tx) -> std::result::Result<T, E> + Send + 'static,
) -> (Message, oneshot::Receiver<std::result::Result<T, E>>)
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (tell, answer) = oneshot::channel();
    let (leave, left) = std::sync::mpsc::sync_channel(1);
    let lang = process_lang();
    let job: Job<'static> = Box::new(move |tx| {
        // The store stays sound across a panic: the part is undone like any other failure.
        let done = catch_unwind(AssertUnwindSafe(|| in_lang(lang, || work(tx))));
        let done = done.unwrap_or_else(|panic| Err(StoreError::Panicked(text_of(&*panic)).into()));
        let undo = done.is_err();
        // Room for one is there, so this never waits.
        let _ = leave.send(done);
        if undo { Err(StoreError::Undone) } else { Ok(()) }
    });
    let answer_with = Box::new(move |committed: Result<()>| {
        let outcome = match (left.try_recv(), committed) {
            (Ok(Err(error)), _) => Err(error),
            (_, Err(error)) => Err(error.into()),
            (Ok(Ok(value)), Ok(())) => Ok(value),
            (Err(_), Ok(())) => Err(StoreError::Closed.into()),
        };
        // Whoever asked may have gone; the work stands all the same.
        let _ = tell.send(outcome);
    });
    (Message::Work { job, answer: answer_with }, answer)
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// The thread, and the right to stop it.
#[derive(Debug)]
pub struct StoreOwner<S> {
    handle: StoreHandle,
    thread: JoinHandle<S>,
}

impl<S: Store + 'static> StoreOwner<S> {
    /// Starts a thread that owns `store`.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(store: S) -> std::io::Result<StoreOwner<S>> {
        StoreOwner::start_telling(store, |_| ())
    }

    /// The same; `tell` hears after each commit into which offices' feed it put something.
    ///
    /// # Errors
    /// As [`StoreOwner::start`].
    pub fn start_telling(
        store: S,
        tell: impl Fn(BTreeSet<OfficeCode>) + Send + 'static,
    ) -> std::io::Result<StoreOwner<S>> {
        let (queue, waiting) = mpsc::channel(QUEUE_JOBS_MAX);
        let thread =
            std::thread::Builder::new().name("store".to_owned()).spawn(move || serve(store, waiting, &tell))?;
        Ok(StoreOwner { handle: StoreHandle { queue }, thread })
    }

    /// A handle to give away.
    pub fn handle(&self) -> StoreHandle {
        self.handle.clone()
    }

    /// Does what is waiting, refuses what comes later, and gives the store back to be closed. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Closed`] if the thread ended by a defect; the store is gone then, its file is sound.
    pub fn stop(self) -> Result<S> {
        // A closed queue means that the thread has ended already; joining tells how.
        let _ = self.handle.queue.blocking_send(Message::Stop);
        self.thread.join().map_err(|_| StoreError::Closed)
    }
}

fn serve<S: Store>(mut store: S, mut waiting: mpsc::Receiver<Message>, tell: &dyn Fn(BTreeSet<OfficeCode>)) -> S {
    while let Some(first) = waiting.blocking_recv() {
        let mut jobs = Vec::new();
        let mut answers = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next.take() {
            match message {
                Message::Work { job, answer } => {
                    jobs.push(job);
                    answers.push(answer);
                }
                // What was accepted before is still received; senders learn that it is over.
                Message::Stop => waiting.close(),
            }
            if jobs.len() < GROUP_JOBS_MAX {
                next = waiting.try_recv().ok();
            }
        }
        let results = if jobs.is_empty() { Vec::new() } else { transact_group(&mut store, jobs) };
        answers.into_iter().zip(results).for_each(|(answer, result)| answer(result));
        let fed = store.take_fed();
        if !fed.is_empty() {
            tell(fed);
        }
        if store.is_doubtful() {
            // Whoever waits learns that the store is closed.
            break;
        }
    }
    store
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::super::contract::Work;
    use super::super::memory::MemoryStore;
    use super::super::rows::Office;
    use super::*;

    /// A store that counts its commits.
    #[derive(Default)]
    struct Counting {
        store: MemoryStore,
        commits: usize,
    }

    impl Store for Counting {
        fn transact(&mut self, work: Work<'_>) -> Result<()> {
            self.commits += 1;
            self.store.transact(work)
        }
    }

    fn office(n: usize) -> Office {
        let code: OfficeCode = format!("32.73.{n:02}").parse().expect("an office code");
        Office { code, name: String::new(), added_ms: 0, paused_ms: None }
    }

    #[tokio::test]
    async fn jobs_that_wait_together_share_a_commit_and_fail_alone() {
        let owner = StoreOwner::start(Counting::default()).expect("a thread");
        let (open, gate) = channel::<()>();
        let blocker = owner.handle();
        let blocker = tokio::spawn(async move { blocker.run(move |_| Ok::<_, StoreError>(gate.recv().is_ok())).await });
        let jobs: Vec<_> = (0..30)
            .map(|n| {
                let handle = owner.handle();
                tokio::spawn(async move {
                    let work = move |tx: &mut dyn Tx| {
                        tx.put_office(&office(n))?;
                        if n % 10 == 3 { Err(StoreError::Damaged("of its own")) } else { Ok(n) }
                    };
                    handle.run(work).await
                })
            })
            .collect();
        // Each task has put its job into the queue when it has been looked at once.
        tokio::task::yield_now().await;
        open.send(()).expect("the blocker waits");
        assert!(blocker.await.expect("no panic").expect("done"));
        let mut failed = 0;
        for (job, n) in jobs.into_iter().zip(0..) {
            match job.await.expect("no panic") {
                Ok(answer) => assert_eq!(answer, n),
                Err(error) => {
                    assert!(matches!(error, StoreError::Damaged("of its own")));
                    failed += 1;
                }
            }
        }
        let mut store = tokio::task::spawn_blocking(move || owner.stop()).await.expect("no panic").expect("stopped");
        assert_eq!(failed, 3);
        assert!(store.commits <= 4, "{} commits for 31 jobs", store.commits);
        let offices = super::super::transact_with(&mut store, |tx| tx.offices()).expect("read");
        assert_eq!(offices.len(), 27);
    }

    #[test]
    fn a_job_that_panics_is_undone_and_the_thread_goes_on() {
        let owner = StoreOwner::start(MemoryStore::default()).expect("a thread");
        let handle = owner.handle();
        let broken = handle.run_blocking(|tx: &mut dyn Tx| -> Result<()> {
            tx.put_office(&office(1))?;
            panic!("cacat")
        });
        assert!(matches!(broken, Err(StoreError::Panicked(what)) if what == "cacat"));
        assert_eq!(handle.run_blocking(|tx| tx.offices()).expect("it goes on"), []);
        owner.stop().expect("stopped");
        assert!(matches!(handle.run_blocking(|tx| tx.offices()), Err(StoreError::Closed)));
    }
}
