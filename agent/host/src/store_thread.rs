//! One thread owns the database; everybody else sends it work and waits for the answer.
//!
//! ```text
//!   clerk's page ─┐  bounded queue        one thread
//!   sync          ├─▶ job job job ──▶  work on the store ──▶ answers
//!   control       ┘                    (a batch may share one commit)
//! ```
//!
//! - The queue is bounded: who is too fast waits, instead of filling memory.
//! - An answer is given only when the work is durable. With [`StoreThread::spawn_batched`] the owner of the store
//!   decides when that is: it runs a batch of jobs in one transaction and releases the answers after the commit.
//! - A job that panics is answered with [`Broken::Panicked`]; the thread goes on with the next one. That is for builds
//!   that unwind: in the others the program ends there ([`crate::panics`]), and the transaction with it.

use std::any::Any;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use crate::exit::Exit;
use crate::fail::Failure;
use crate::output::{in_lang, process_lang};

/// Jobs that may wait; more makes senders wait.
pub const QUEUE_JOBS_MAX: usize = 64;

/// Why a job has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The job panicked: a defect of ours. What it did to the store was rolled back with its transaction.
    #[error("a job on the store panicked: {0}")]
    Panicked(String),
    /// The commit that the job was part of failed; nothing of it is in the store.
    #[error("the commit failed: {0}")]
    NotCommitted(String),
    /// The thread has stopped or is stopping.
    #[error("the store is closed")]
    Stopped,
}

impl From<Broken> for Failure {
    fn from(broken: Broken) -> Failure {
        let exit = if broken == Broken::Stopped { Exit::NotRunning } else { Exit::Failed };
        let message = broken.to_string();
        Failure { ktg: None, exit, message, hint: None, source: Some(broken.into()) }
    }
}

/// One piece of work on the store `S`.
pub struct Job<S> {
    work: Box<dyn FnOnce(&mut S) -> Answer + Send>,
}

impl<S> Job<S> {
    /// Does the work. The answer goes out only when it is released; see [`Answer`].
    pub fn run(self, store: &mut S) -> Answer {
        (self.work)(store)
    }
}

impl<S> std::fmt::Debug for Job<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Job")
    }
}

/// The answer of a job that has been done but is perhaps not durable yet. Dropping it means "the store is closed".
pub struct Answer {
    panicked: bool,
    send: Box<dyn FnOnce(Result<(), Broken>) + Send>,
}

impl Answer {
    /// Whether the job panicked; its part of a shared transaction must then be rolled back.
    pub fn panicked(&self) -> bool {
        self.panicked
    }

    /// Gives the answer: what the job did is durable.
    pub fn release(self) {
        (self.send)(Ok(()));
    }

    /// Gives `why` instead of the answer: what the job did is not in the store.
    pub fn withdraw(self, why: Broken) {
        (self.send)(Err(why));
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("panicked", &self.panicked).finish_non_exhaustive()
    }
}

enum Message<S> {
    Work(Job<S>),
    Stop,
}

/// Sends jobs to the thread; cheap to clone.
pub struct StoreHandle<S> {
    queue: mpsc::Sender<Message<S>>,
}

impl<S> Clone for StoreHandle<S> {
    fn clone(&self) -> StoreHandle<S> {
        StoreHandle { queue: self.queue.clone() }
    }
}

impl<S> std::fmt::Debug for StoreHandle<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreHandle")
    }
}

impl<S: 'static> StoreHandle<S> {
    /// Has `work` done and waits for it, blocking this thread. Not inside async code: use [`StoreHandle::run_async`].
    ///
    /// # Errors
    /// The job panicked, its commit failed, or the thread has stopped.
    pub fn run<R: Send + 'static>(&self, work: impl FnOnce(&mut S) -> R + Send + 'static) -> Result<R, Broken> {
        let (job, answer) = job(work);
        self.queue.blocking_send(Message::Work(job)).map_err(|_| Broken::Stopped)?;
        answer.blocking_recv().unwrap_or(Err(Broken::Stopped))
    }

    /// Has `work` done and awaits it. Dropping the future gives up the answer, not the work.
    ///
    /// # Errors
    /// As [`StoreHandle::run`].
    pub async fn run_async<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut S) -> R + Send + 'static,
    ) -> Result<R, Broken> {
        let (job, answer) = job(work);
        self.queue.send(Message::Work(job)).await.map_err(|_| Broken::Stopped)?;
        answer.await.unwrap_or(Err(Broken::Stopped))
    }
}

fn job<S, R: Send + 'static>(
    work: impl FnOnce(&mut S) -> R + Send + 'static,
) -> (Job<S>, oneshot::Receiver<Result<R, Broken>>) {
    let (sender, receiver) = oneshot::channel();
    let lang = process_lang();
    let work = Box::new(move |store: &mut S| {
        let work = AssertUnwindSafe(|| in_lang(lang, || work(store)));
        // The store stays sound across a panic: its transaction is rolled back when it is dropped.
        let done = catch_unwind(work).map_err(|panic| Broken::Panicked(text_of(&*panic)));
        Answer {
            panicked: done.is_err(),
            send: Box::new(move |durable| {
                // Whoever asked may have gone; the work stands all the same.
                let _ = sender.send(durable.and(done));
            }),
        }
    });
    (Job { work }, receiver)
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// The thread and the right to stop it. Jobs are sent through the [`StoreHandle`] it derefs to.
#[derive(Debug)]
pub struct StoreThread<S> {
    handle: StoreHandle<S>,
    thread: JoinHandle<S>,
}

impl<S> Deref for StoreThread<S> {
    type Target = StoreHandle<S>;

    fn deref(&self) -> &StoreHandle<S> {
        &self.handle
    }
}

impl<S: Send + 'static> StoreThread<S> {
    /// Starts a thread that owns `store` and answers each job as soon as it is done: every job commits by itself.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn spawn(store: S) -> std::io::Result<StoreThread<S>> {
        StoreThread::spawn_batched(store, 1, |store, jobs| {
            for job in jobs {
                job.run(store).release();
            }
        })
    }

    /// Starts a thread that owns `store` and hands `work` up to `jobs_max` waiting jobs at a time. `work` runs each,
    /// makes the whole durable, and releases or withdraws the answers.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn spawn_batched(
        store: S,
        jobs_max: usize,
        work: impl FnMut(&mut S, Vec<Job<S>>) + Send + 'static,
    ) -> std::io::Result<StoreThread<S>> {
        let (queue, waiting) = mpsc::channel(QUEUE_JOBS_MAX);
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || run_thread(store, waiting, jobs_max.max(1), work))?;
        Ok(StoreThread { handle: StoreHandle { queue }, thread })
    }

    /// A handle to give away.
    pub fn handle(&self) -> StoreHandle<S> {
        self.handle.clone()
    }

    /// Does what is waiting, refuses what comes later, and gives the store back to be closed. Blocks.
    ///
    /// # Errors
    /// [`Broken::Panicked`] if the batch function itself panicked; the store is gone then.
    pub fn stop(self) -> Result<S, Broken> {
        // A closed queue means that the thread has ended already; joining tells how.
        let _ = self.handle.queue.blocking_send(Message::Stop);
        self.thread.join().map_err(|panic| Broken::Panicked(text_of(&*panic)))
    }

    /// As [`StoreThread::stop`], for async code.
    ///
    /// # Errors
    /// As [`StoreThread::stop`].
    pub async fn stop_async(self) -> Result<S, Broken> {
        tokio::task::spawn_blocking(move || self.stop()).await.unwrap_or(Err(Broken::Stopped))
    }
}

fn run_thread<S>(
    mut store: S,
    mut waiting: mpsc::Receiver<Message<S>>,
    jobs_max: usize,
    mut work: impl FnMut(&mut S, Vec<Job<S>>),
) -> S {
    while let Some(first) = waiting.blocking_recv() {
        let mut next = Some(first);
        let mut jobs = Vec::new();
        while let Some(message) = next.take() {
            match message {
                Message::Work(job) => jobs.push(job),
                // What was accepted before is still received; senders learn that it is over.
                Message::Stop => waiting.close(),
            }
            if jobs.len() < jobs_max {
                next = waiting.try_recv().ok();
            }
        }
        if !jobs.is_empty() {
            work(&mut store, jobs);
        }
    }
    store
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_done_in_order_by_one_thread() {
        let thread = StoreThread::spawn(Vec::new()).expect("a thread");
        for n in 0..200 {
            let length = thread.run(move |list: &mut Vec<u32>| {
                list.push(n);
                list.len()
            });
            assert_eq!(length, Ok(n as usize + 1));
        }
        assert_eq!(thread.stop(), Ok((0..200).collect()));
    }

    #[test]
    fn a_panic_is_an_answer_and_the_thread_goes_on() {
        let thread = StoreThread::spawn(7_u32).expect("a thread");
        let broken = thread.run(|_| -> u32 { panic!("cacat") });
        assert_eq!(broken, Err(Broken::Panicked("cacat".into())));
        assert_eq!(thread.run(|n| *n), Ok(7));
    }

    #[test]
    fn stopping_does_what_waits_and_refuses_what_comes_later() {
        let (gate, open) = std::sync::mpsc::channel::<()>();
        let thread = StoreThread::spawn(0_u32).expect("a thread");
        let (started, starts) = std::sync::mpsc::channel();
        let workers: Vec<_> = (0..5)
            .map(|_| {
                let (handle, started) = (thread.handle(), started.clone());
                std::thread::spawn(move || {
                    handle.run(move |n| {
                        let _ = started.send(());
                        *n += 1;
                    })
                })
            })
            .collect();
        for _ in 0..5 {
            starts.recv().expect("each job runs");
        }
        let late = thread.handle();
        let blocker = std::thread::spawn({
            let handle = thread.handle();
            move || handle.run(move |_| open.recv().is_ok())
        });
        gate.send(()).expect("the blocker waits for it");
        assert_eq!(blocker.join().expect("no panic"), Ok(true));
        for worker in workers {
            assert_eq!(worker.join().expect("no panic"), Ok(()));
        }
        assert_eq!(thread.stop(), Ok(5));
        assert_eq!(late.run(|n| *n), Err(Broken::Stopped));
    }

    #[tokio::test]
    async fn a_batch_is_answered_after_its_commit_or_not_at_all() {
        // The store is a pair: committed, and what the open transaction adds.
        let thread = StoreThread::spawn_batched((0_u32, 0_u32), 8, |store, jobs| {
            let answers: Vec<Answer> = jobs.into_iter().map(|job| job.run(store)).collect();
            if store.1 >= 100 {
                store.1 = 0;
                let why = Broken::NotCommitted("disk full".into());
                answers.into_iter().for_each(|answer| answer.withdraw(why.clone()));
            } else {
                store.0 += std::mem::take(&mut store.1);
                answers.into_iter().for_each(Answer::release);
            }
        })
        .expect("a thread");
        assert_eq!(thread.run_async(|store| store.1 += 1).await, Ok(()));
        let refused = thread.run_async(|store| store.1 += 100).await;
        assert_eq!(refused, Err(Broken::NotCommitted("disk full".into())));
        assert_eq!(thread.stop_async().await, Ok((1, 0)));
    }
}
