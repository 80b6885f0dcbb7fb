//! Reaching the hub: exchanges over one link until both sides have what they should.
//!
//! The pure session decides what is said; this file carries it: reads the store, hands over bytes, and commits each
//! frame of the answer as it comes. No transaction is open while the network is waited for.
//!
//! Where the store lives and what carries the bytes are two small traits: in the service the store's thread and HTTPS,
//! in the simulator a store at hand and a link that loses, cuts and repeats. What is decided here is the same in both.

use std::sync::Arc;

use kentongan_host::identity::SigningKey;
use kentongan_host::ktg::Ktg;
use kentongan_host::steps::{Step, reached};
use kentongan_host::store_thread::StoreHandle;
use kentongan_protocol::error::Fault;
use kentongan_protocol::limits::REQUEST_BYTES_AIM;
use kentongan_protocol::pack::{Prepared, Primed};
use kentongan_protocol::session::Line;
use kentongan_protocol::session::agent::{Event, Outcome, Session};
use kentongan_protocol::session::pacing::{MEASURED_BYTES_MIN, is_worth_packing};
use kentongan_protocol::wire;
use kentongan_protocol::wire::v1::{Refusal, notice};

use crate::rules::{Carried, Rules};
use crate::store::{Applied, Contact, Health, Store, StoreError};
use crate::transport::{LinkError, Transport};
use crate::update::Coming;

/// Exchanges in one contact, at most; far more than any backlog needs.
const EXCHANGES_MAX: u32 = 10_000;

/// Exchanges without any progress after which a contact ends, although the two sides disagree.
const IDLE_EXCHANGES_MAX: u32 = 3;

/// The wait for the answer to a larger request says more about the request than about the link.
const SMALL_REQUEST_BYTES_MAX: usize = 4 * 1024;

/// A reply that is shorter comes in a piece or two, which say nothing about the link.
const MEASURED_REPLY_BYTES_MIN: usize = 32 * 1024;

/// Carries a request to the hub.
pub trait Carrier {
    /// The answer under way.
    type Reply: Answer;

    /// What is remembered of the connection that is open; none if the next exchange opens one, which may begin now: a
    /// request is about to be made.
    fn line(&self) -> impl Future<Output = Option<Line>> + Send;

    /// Hands over a whole request and waits for an answer to begin. A request that goes on from what was said on the open
    /// connection goes over that one or not at all.
    ///
    /// # Errors
    /// If no answer begins.
    fn exchange(&self, request: Vec<u8>, on: Conn) -> impl Future<Output = Result<Self::Reply, LinkError>> + Send;
}

/// Which connection an exchange goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conn {
    /// A new one.
    New,
    /// The one that is open, whose line was taken.
    Open,
}

/// An answer under way.
pub trait Answer: Send {
    /// The next bytes; `None` when the answer has ended.
    ///
    /// # Errors
    /// If the link is cut.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, LinkError>> + Send;

    /// Milliseconds since the request was handed over: an upper bound of the round trip.
    fn waited_ms(&self) -> u32;

    /// The exchange was whole: what carried it may carry the next one, which goes on from `line`.
    fn whole(self, line: Line)
    where
        Self: Sized;
}

/// Has work done on the store, one piece after the other.
pub trait Keeper {
    /// Does `work` and waits for it. What it wrote is durable then.
    ///
    /// # Errors
    /// Whatever `work` fails with, or [`StoreError::Thread`] if the store is closed.
    fn keep<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;
}

impl Keeper for StoreHandle<Store> {
    async fn keep<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run_async(work).await?
    }
}

/// What a contact needs besides the store.
#[derive(Debug, Clone)]
pub struct Caller<C = Transport> {
    /// The link.
    pub transport: C,
    /// Signs what is sent.
    pub key: Arc<SigningKey>,
    /// For the greeting.
    pub health: Health,
    /// How ops are packed for a slow link; `None`: not.
    pub packs: Option<Primed>,
    /// What may go over the link when.
    pub rules: Rules,
    /// Where an update goes that the hub offers; `None`: none is fetched.
    pub coming: Option<Arc<Coming>>,
}

/// Why a contact ended early.
#[derive(Debug)]
pub struct SyncFailure {
    /// Code for people.
    pub ktg: Ktg,
    /// Class for logs and scripts.
    pub class: &'static str,
    /// For IT staff.
    pub detail: String,
    /// Only a connection of an earlier exchange had died; see [`LinkError::stale`].
    pub stale: bool,
    /// A connection was there; see [`LinkError::reached`].
    pub reached: bool,
}

/// How a contact went.
#[derive(Debug, Default)]
pub struct ContactReport {
    /// Exchanges that ended well.
    pub exchanges: u32,
    /// Body bytes sent.
    pub up_bytes: u64,
    /// Body bytes received.
    pub down_bytes: u64,
    /// What changed here.
    pub applied: Applied,
    /// The hub's last wish how long to stay away, in seconds; 0: none.
    pub come_back_s: u32,
    /// The hub asks for a new certificate request.
    pub renew: bool,
    /// Bytes of an update that came.
    pub fetched_bytes: u64,
    /// Two machines answer as this replica.
    pub twin: bool,
    /// Why it ended early, if it did.
    pub failure: Option<SyncFailure>,
    /// For how many milliseconds the rules let nothing go that there is, if they do; the greatest number: until they are
    /// other ones.
    pub rests_ms: Option<u64>,
    /// An urgent complaint still waits.
    pub urgent: bool,
    /// IP bytes of it that are not in the store's books yet.
    uncounted: i64,
}

/// Exchanges with the hub until there is nothing more to say, or nothing more may be said, and notes the contact.
///
/// # Errors
/// If the store fails; what the link does is in the report.
pub async fn contact<K: Keeper + Sync, C: Carrier + Sync>(
    store: &K,
    caller: &Caller<C>,
) -> Result<ContactReport, StoreError> {
    let rules = caller.rules.clone();
    let (began_ms, rests_ms) = store.keep(move |store| Ok((store.wall_ms(), store.rests_ms(&rules)?))).await?;
    let mut report = ContactReport { rests_ms, ..ContactReport::default() };
    if rests_ms.is_some() {
        return Ok(report);
    }
    let (mut idle, mut refreshed) = (0, false);
    while report.exchanges < EXCHANGES_MAX {
        let before = (report.applied, report.fetched_bytes);
        match exchange(store, caller, &mut report).await? {
            Ok(outcome) => {
                report.exchanges += 1;
                idle = if (report.applied, report.fetched_bytes) == before { idle + 1 } else { 0 };
                let (rules, files_moved) = (caller.rules.clone(), report.applied.file_bytes > before.0.file_bytes);
                let left = store
                    .keep(move |store| Ok((store.has_more(&rules, files_moved)?, store.allowance(&rules)?.fetches())));
                let (unsent, fetches) = left.await?;
                let coming = caller.coming.as_ref().is_some_and(|coming| coming.next_part().is_some());
                if !(outcome.more || unsent || coming && fetches || !outcome.in_order) || idle >= IDLE_EXCHANGES_MAX {
                    break;
                }
            }
            // That a kept connection died while nobody looked says nothing about the link now.
            Err(failure) if failure.stale && !refreshed => refreshed = true,
            Err(failure) => {
                report.failure = Some(failure);
                break;
            }
        }
    }
    let contact = Contact {
        began_ms,
        ended_ms: 0,
        code: report.failure.as_ref().map_or(0, |failure| failure.ktg as u16),
        detail: report.failure.as_ref().map_or(String::new(), |failure| failure.detail.clone()),
        up_bytes: report.up_bytes,
        down_bytes: report.down_bytes,
    };
    reached(Step::AgentExchangeEnded);
    let (rules, uncounted) = (caller.rules.clone(), std::mem::take(&mut report.uncounted));
    let noted = store.keep(move |store| {
        store.note_contact(&Contact { ended_ms: store.wall_ms(), ..contact }, (&rules, uncounted))?;
        store.has_urgent()
    });
    report.urgent = noted.await?;
    reached(Step::AgentContactNoted);
    Ok(report)
}

/// Notes what an exchange took, on top of what was noted of it before: at once, where there is a budget to keep, else with
/// the contact.
async fn count<K: Keeper + Sync, C: Carrier + Sync>(
    store: &K,
    caller: &Caller<C>,
    report: &mut ContactReport,
    (before, now): (Option<Carried>, Carried),
) -> Result<(), StoreError> {
    let ip_bytes = |carried: Carried| i64::try_from(carried.ip_bytes()).unwrap_or(i64::MAX);
    let bytes = ip_bytes(now) - before.map_or(0, ip_bytes);
    if !caller.rules.has_budget() {
        report.uncounted += bytes;
        return Ok(());
    }
    let rules = caller.rules.clone();
    store.keep(move |store| store.note_traffic(&rules, bytes)).await
}

/// One exchange. The outer error is the store's, the inner one the link's or the hub's.
async fn exchange<K: Keeper + Sync, C: Carrier + Sync>(
    store: &K,
    caller: &Caller<C>,
    report: &mut ContactReport,
) -> Result<Result<Outcome, SyncFailure>, StoreError> {
    let (health, key, packs) = (caller.health.clone(), Arc::clone(&caller.key), caller.packs);
    let rules = caller.rules.clone();
    let line = caller.transport.line().await;
    let on = if line.is_some() { Conn::Open } else { Conn::New };
    let part = caller.coming.as_ref().and_then(|coming| coming.next_part());
    let prepared = prepared(store, packs).await?;
    let (mut session, request) = store
        .keep(move |store| {
            let mut opening = store.opening(&health, REQUEST_BYTES_AIM)?;
            let allowance = store.allowance(&rules)?;
            allowance.withhold(&mut opening, rules.files);
            let mut session = Session::on(line.unwrap_or_default(), opening);
            session.ask(store.to_ask()?);
            session.sign(store.to_sign()?);
            session.fetch(part.filter(|_| allowance.fetches()));
            if let Some(primed) = packs {
                session.pack_by(primed, store.up_bytes_s()?);
                session.pack_with(prepared);
            }
            let request = session.request(&mut store.outbox(&key))?;
            Ok((session, request))
        })
        .await?;
    reached(Step::AgentRequestBuilt);
    report.up_bytes += request.len() as u64;
    let (up, down_before) = (request.len(), report.down_bytes);
    let begun = Carried { up: Some(up), down: 0, opened: on == Conn::New };
    // Before it goes out, though a connection may be opening already: whatever ends this program, the budget is not spent
    // twice.
    count(store, caller, report, (None, begun)).await?;
    let carried = carry(store, caller, (request, on), &mut session, report).await?;
    let reached_hub = carried.as_ref().map_or_else(|failure| failure.reached, |_| true);
    let down = usize::try_from(report.down_bytes - down_before).unwrap_or(usize::MAX);
    let ended = Carried { up: reached_hub.then_some(up), down, ..begun };
    count(store, caller, report, (Some(begun), ended)).await?;
    let spoken = session.hub_versions();
    // Also who refuses says when to come back.
    report.come_back_s = session.come_back_s();
    let signed = session.signed();
    let ended = carried.and_then(|reply| Ok((reply, session.finish()?)));
    match ended {
        Ok((reply, (outcome, line))) => {
            reply.whole(line);
            store
                .keep(move |store| {
                    if outcome.in_order {
                        store.note_signed(&signed)?;
                    }
                    store.end_exchange(Ok(&outcome))
                })
                .await?;
            Ok(Ok(outcome))
        }
        Err(failure) => {
            // Whatever ended it: what was sent may have been stored, so the next exchange asks first.
            store
                .keep(move |store| {
                    store.note_hub_versions(spoken)?;
                    store.end_exchange(Err(&Fault::Cut))
                })
                .await?;
            Ok(Err(failure.with_versions(spoken)))
        }
    }
}

/// The model that ops will be packed by, if a request needs one of its own: made aside, for it takes a third of a second and
/// on an old PC a whole one, in which the store has others to serve.
async fn prepared<K: Keeper + Sync>(store: &K, packs: Option<Primed>) -> Result<Option<Prepared>, StoreError> {
    if packs != Some(Primed::Fresh) {
        return Ok(None);
    }
    let packs = store.keep(|store| Ok(is_worth_packing(store.up_bytes_s()?) && store.has_unsent()?)).await?;
    if !packs {
        return Ok(None);
    }
    // Without one the session makes it.
    Ok(tokio::task::spawn_blocking(Prepared::new).await.ok())
}

/// Hands over the request and commits the answer frame by frame. Gives back what carried it.
async fn carry<K: Keeper + Sync, C: Carrier + Sync>(
    store: &K,
    caller: &Caller<C>,
    (request, on): (Vec<u8>, Conn),
    session: &mut Session,
    report: &mut ContactReport,
) -> Result<Result<C::Reply, SyncFailure>, StoreError> {
    let bytes = request.len();
    let small = bytes <= SMALL_REQUEST_BYTES_MAX;
    let mut reply = match caller.transport.exchange(request, on).await {
        Ok(reply) => reply,
        Err(error) => return Ok(Err(error.into())),
    };
    reached(Step::AgentReplyBegun);
    let began_ms = reply.waited_ms();
    if bytes >= MEASURED_BYTES_MIN {
        store.keep(move |store| store.note_carried_up(bytes, began_ms)).await?;
    }
    let mut bytes = 0;
    loop {
        let chunk = match reply.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Ok(Ok(reply)),
            Err(error) => return Ok(Err(error.into())),
        };
        report.down_bytes += chunk.len() as u64;
        bytes += chunk.len();
        let waited_ms = small.then(|| reply.waited_ms());
        session.push(&chunk);
        loop {
            let event = match session.next_event() {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(fault) => return Ok(Err(fault.into())),
            };
            if let Event::Piece(hash, offset, bytes) = &event {
                let taken = caller.coming.as_ref().map_or(0, |coming| coming.took(*hash, *offset, bytes));
                report.fetched_bytes += taken as u64;
                continue;
            }
            if let Event::Marks(marks) = &event {
                caller.coming.iter().for_each(|coming| coming.told(marks));
                report.renew |= marks.notices.0.contains(&notice::RENEW);
                report.twin = marks.notices.0.contains(&notice::TWIN);
            }
            match store.keep(move |store| store.apply(event, waited_ms)).await {
                Ok(applied) => report.applied.add(applied),
                Err(StoreError::Protocol(fault)) => return Ok(Err(fault.into())),
                Err(error) => return Err(error),
            }
        }
        if session.is_ended() {
            let took_ms = reply.waited_ms().saturating_sub(began_ms);
            if bytes >= MEASURED_REPLY_BYTES_MIN {
                store.keep(move |store| store.note_carried_down(bytes, took_ms)).await?;
            }
            return Ok(Ok(reply));
        }
    }
}

/// Has work done by the thread that owns the store.
pub async fn on_store<T: Send + 'static>(
    store: &StoreHandle<Store>,
    work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    store.keep(work).await
}

impl SyncFailure {
    /// Whether the link, and not whoever answers on it, is why.
    pub fn is_silence(&self) -> bool {
        matches!(self.class, "cut" | "timeout" | "no_network")
    }

    /// With the versions that both sides speak, if that is why.
    fn with_versions(mut self, hub: Option<(u8, u8)>) -> SyncFailure {
        if let (Ktg::Version, Some((lowest, highest))) = (self.ktg, hub) {
            let own = wire::versions();
            let more = format!("; the hub speaks {lowest} to {highest}, this program {} to {}", own.0, own.1);
            self.detail.push_str(&more);
        }
        self
    }
}

impl From<LinkError> for SyncFailure {
    fn from(error: LinkError) -> Self {
        let LinkError { ktg, class, detail, stale, reached } = error;
        SyncFailure { ktg, class, detail, stale, reached }
    }
}

impl From<Fault> for SyncFailure {
    fn from(fault: Fault) -> Self {
        let (ktg, class) = match &fault {
            Fault::Stranger => (Ktg::NotTheHub, "not_the_hub"),
            Fault::Version(_) | Fault::Refused(Refusal::Version) => (Ktg::Version, "protocol"),
            Fault::Refused(Refusal::Revoked | Refusal::Unknown) => (Ktg::Revoked, "auth"),
            Fault::Refused(Refusal::Expired) => (Ktg::DeviceExpired, "device_expired"),
            Fault::Refused(Refusal::Busy | Refusal::Unable) => (Ktg::HubBusy, "hub_error"),
            Fault::Cut | Fault::Damaged => (Ktg::Cut, "cut"),
            Fault::Refused(Refusal::Protocol) | Fault::Peer(_) | Fault::Limit(_) => (Ktg::Version, "protocol"),
        };
        SyncFailure { ktg, class, detail: fault.to_string(), stale: false, reached: true }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use kentongan_host::clock::ManualClock;
    use kentongan_protocol::ids::ReplicaId;
    use kentongan_protocol::receipt::Prefix;
    use kentongan_protocol::session::hub::refusal;
    use kentongan_protocol::wire::frame::PREAMBLE;

    use super::*;
    use crate::store::{Machine, Member};

    /// A store at hand.
    struct Desk(Mutex<Store>);

    impl Keeper for Desk {
        async fn keep<T: Send + 'static>(
            &self,
            work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
        ) -> Result<T, StoreError> {
            work(&mut self.0.lock().expect("of one thread"))
        }
    }

    /// A hub that gives the same answer to everybody.
    #[derive(Debug, Clone)]
    struct Says(Vec<u8>);

    struct Said(Option<Vec<u8>>);

    impl Carrier for Says {
        type Reply = Said;

        async fn line(&self) -> Option<Line> {
            None
        }

        async fn exchange(&self, _: Vec<u8>, _: Conn) -> Result<Said, LinkError> {
            Ok(Said(Some(self.0.clone())))
        }
    }

    impl Answer for Said {
        async fn chunk(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
            Ok(self.0.take())
        }

        fn waited_ms(&self) -> u32 {
            1
        }

        fn whole(self, _: Line) {}
    }

    #[tokio::test]
    async fn who_is_refused_learns_when_to_come_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Arc::new(ManualClock::at(1_795_000_000_000));
        let machine = Machine { clock, boot: 7, random: Box::new(|| 7) };
        let mut store = Store::open(&folder.path().join("store.db"), machine).expect("a store");
        let member = Member {
            replica: ReplicaId(11),
            office: "32.73.05.1001".parse().expect("a code"),
            office_name: "Desa Sukamaju".into(),
            prefix: Prefix::new(5).expect("a prefix"),
            hub_url: "https://pusat.example".into(),
            hub_replica: ReplicaId(99),
        };
        store.join(&member).expect("a sound disk");
        let mut answer = PREAMBLE.to_vec();
        refusal(Refusal::Unable, 600).put(&mut answer);
        let key = Arc::new(SigningKey::generate().expect("a key"));
        let health = Health { free_bytes: 1, program: "test".into() };
        let rules = Rules::default();
        let report = contact(
            &Desk(Mutex::new(store)),
            &Caller { transport: Says(answer), key, health, packs: None, rules, coming: None },
        )
        .await;
        let report = report.expect("a sound disk");
        assert_eq!(report.come_back_s, 600);
        assert_eq!(report.failure.map(|failure| failure.ktg), Some(Ktg::HubBusy));
    }
}
