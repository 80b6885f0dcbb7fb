//! Who is told when something was put into the feed of an office: connections that wait for their next exchange.
//!
//! ```text
//!   commit ──▶ offices ──▶ Bells ──▶ each connection of the office that listens: is it news for this device? ──▶ knock
//! ```
//!
//! A bell only says that it is worth a look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kentongan_protocol::ids::OfficeCode;
use tokio::sync::watch;

/// A bell for each office of which somebody listens.
#[derive(Debug, Clone, Default)]
pub(super) struct Bells(Arc<Mutex<BTreeMap<OfficeCode, watch::Sender<()>>>>);

/// The ear of one connection. It rings at once for the first time: what happened before it listened, nobody told it.
#[derive(Debug)]
pub(super) struct Ear {
    office: OfficeCode,
    bell: watch::Receiver<()>,
}

impl Bells {
    /// Listens for an office.
    pub(super) fn listen(&self, office: &OfficeCode) -> Ear {
        let mut bells = self.lock();
        let bell = bells.entry(office.clone()).or_insert_with(|| watch::Sender::new(()));
        let mut bell = bell.subscribe();
        bell.mark_changed();
        Ear { office: office.clone(), bell }
    }

    /// Rings for these offices, and takes down the bells that nobody listens to any more.
    pub(super) fn ring(&self, offices: &BTreeSet<OfficeCode>) {
        let mut bells = self.lock();
        for office in offices {
            if bells.get(office).is_some_and(|bell| bell.send(()).is_err()) {
                bells.remove(office);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<OfficeCode, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ear {
    /// Whose bell it hears.
    pub(super) fn office(&self) -> &OfficeCode {
        &self.office
    }

    /// Ends when the bell has rung since this ended last.
    pub(super) async fn rung(&mut self) {
        // A bell that was taken down rings no more.
        if self.bell.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office(code: &str) -> OfficeCode {
        code.parse().expect("an office code")
    }

    /// Whether it rings, without waiting.
    fn rings(ear: &mut Ear) -> bool {
        let mut rung = std::pin::pin!(ear.rung());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        rung.as_mut().poll(&mut context).is_ready()
    }

    #[test]
    fn it_rings_once_for_the_office_that_it_is_for_and_once_at_the_beginning() {
        let bells = Bells::default();
        let (here, there) = (office("32.73.05.1001"), office("32.73.05.1002"));
        let mut ears = [bells.listen(&here), bells.listen(&here), bells.listen(&there)];
        assert_eq!(ears.each_mut().map(rings), [true, true, true]);
        bells.ring(&BTreeSet::from([here.clone()]));
        bells.ring(&BTreeSet::from([here]));
        assert_eq!(ears.each_mut().map(rings), [true, true, false]);
        assert_eq!(ears.each_mut().map(rings), [false, false, false]);
    }

    #[test]
    fn a_bell_that_nobody_hears_is_taken_down() {
        let bells = Bells::default();
        let here = office("32.73.05.1001");
        drop(bells.listen(&here));
        bells.ring(&BTreeSet::from([here]));
        assert!(bells.lock().is_empty());
    }
}
