//! The doors for browsers and programs beside the one for offices. Each is there only where the configuration gives it an
//! address.

use std::future::Future;
use std::sync::Arc;

use kentongan_host::Failure;
use kentongan_web::{Asked, Guard, Limits, Reply, Site, listener};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::{Serving, bind};
use crate::metrics::{Counters, Watched};
use crate::public::Outside;

/// A door that is open but has nobody behind it yet.
#[derive(Debug)]
pub(super) struct Doors {
    metrics: Option<TcpListener>,
    public: Option<TcpListener>,
}

impl Doors {
    /// Takes the addresses, before anybody is told that the hub is ready.
    pub(super) async fn open(serving: &Serving) -> Result<Doors, Failure> {
        let config = serving.config();
        Ok(Doors { metrics: at(&config.listen_metrics).await?, public: at(&config.listen_public).await? })
    }

    /// Where they are, by name.
    pub(super) fn addresses(&self) -> Vec<(&'static str, String)> {
        let told = [("metrics", &self.metrics), ("public", &self.public)];
        let address = |door: &TcpListener| Some(format!("http://{}", door.local_addr().ok()?));
        told.into_iter().filter_map(|(name, door)| Some((name, address(door.as_ref()?)?))).collect()
    }

    /// Answers at all of them, until dropped.
    ///
    /// # Errors
    /// What one of them needs is not there.
    pub(super) fn serve(self, serving: &Serving) -> Result<impl Future<Output = ()> + use<>, Failure> {
        let metrics = match self.metrics {
            Some(socket) => Some((socket, Watched::new(serving.clone())?)),
            None => None,
        };
        let public = self.public.map(|socket| (socket, Outside::new(serving.clone())));
        let counters = Arc::clone(&serving.counters);
        Ok(async move {
            tokio::join!(answer(metrics, "metrics", &counters), answer(public, "public", &counters));
        })
    }
}

async fn at(address: &str) -> Result<Option<TcpListener>, Failure> {
    if address.is_empty() { Ok(None) } else { bind(address).await.map(Some) }
}

/// Answers at a door. Never ends: where there is no door there is nothing to do, and nothing is over.
async fn answer(open: Option<(TcpListener, impl Site)>, door: &'static str, counters: &Arc<Counters>) {
    let Some((socket, site)) = open else { return std::future::pending().await };
    let site = Arc::new(Counted { door, counters: Arc::clone(counters), site });
    listener::serve(socket, Guard::open(), site, Limits::default()).await;
}

/// A site whose answers are counted.
struct Counted<S> {
    door: &'static str,
    counters: Arc<Counters>,
    site: S,
}

impl<S: Site> Site for Counted<S> {
    async fn answer(&self, asked: Asked) -> Reply {
        let began = Instant::now();
        let reply = self.site.answer(asked).await;
        self.counters.answered(self.door, reply.code().as_u16(), began.elapsed());
        reply
    }
}
