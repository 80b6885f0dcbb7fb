//! One installation at work: its store, its settings, its link. The service and single commands use the same.

mod carrying;
mod joining;
mod updating;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use kentongan_host::clock::SystemClock;
use kentongan_host::data_dir::DataDir;
use kentongan_host::fail::Failure;
use kentongan_host::files::free_bytes;
use kentongan_host::ktg::Ktg;
use kentongan_host::options::Settings;
use kentongan_host::output::process_lang;
use kentongan_host::reserve::Reserve;
use kentongan_host::store_thread::StoreHandle;
use kentongan_host::tls::FloorTime;
use kentongan_protocol::pack::Primed;
use serde_json::{Value, json};
use tokio::sync::{Mutex, Notify, mpsc};

use crate::agenda::Ended;
use crate::command::{self, Command};
use crate::enrol::Identity;
use crate::kiosk::{Guesses, Pairing};
use crate::people::Role;
use crate::room::Room;
use crate::show::{self, ServiceState, Standing};
use crate::store::{Growth, Health, Scrub, Store, StoreError};
use crate::sync::{self, Caller, ContactReport, on_store};
use crate::update::Coming;
use crate::{config, import, photo, update};

pub use self::joining::certificate_ends_ms;

/// Contacts whose end the service may not have heard of yet; of more it does not hear.
const ASKED_MAX: usize = 4;
/// How long what was counted of the store's growth is told: it hardly moves within a day.
const GROWTH_HOLDS: Duration = Duration::from_secs(3_600);

/// Hears how far long work has come. One type for all who ask: what they ask for is compiled once, not once for each.
pub type OnProgress = Box<dyn FnMut(Value) + Send>;

/// Where nobody looks how far it is.
pub(crate) fn unwatched() -> OnProgress {
    Box::new(|_| {})
}

/// A link, and the settings that it was made with.
#[derive(Debug)]
struct Link {
    settings: Arc<Settings>,
    caller: Caller,
}

/// One installation at work.
#[derive(Debug)]
pub struct Agent {
    dir: DataDir,
    reserve: Reserve,
    store: StoreHandle<Store>,
    settings: RwLock<Arc<Settings>>,
    time: Arc<FloorTime>,
    /// The link, while it is good; whoever holds the lock is the one who talks.
    caller: Mutex<Option<Link>>,
    in_contact: AtomicBool,
    sought_keys: AtomicBool,
    /// When the service started, by this PC's clock; 0 for a single command.
    since_ms: AtomicI64,
    /// Rung when there is something new to send.
    pub(crate) new_work: Notify,
    /// A contact ended, however.
    pub(crate) contact_over: Notify,
    /// Rung when the disk failed under the store.
    pub(crate) disk_failed: Notify,
    doubtful: AtomicBool,
    /// Rung when another program is to go on from here.
    pub(crate) replaced: Notify,
    /// Rung when other settings are in force, or this PC was enrolled.
    pub(crate) changed: Notify,
    /// Contacts that people asked for.
    asked: mpsc::Sender<Ended>,
    /// The other end, until the service takes it.
    pub(crate) heard: Mutex<mpsc::Receiver<Ended>>,
    /// Where its page is.
    page: OnceLock<String>,
    /// Where tablets find the kiosk.
    kiosk: OnceLock<String>,
    /// The code that pairs a tablet, while there is one.
    pub(crate) pairing: std::sync::Mutex<Option<Pairing>>,
    /// Wrong PINs at tablets.
    pub(crate) guesses: std::sync::Mutex<Guesses>,
    /// How much the store took in of late, and when that was counted.
    growth: std::sync::Mutex<Option<(Instant, Option<Growth>)>>,
    /// Set when the process is asked to stop, so that long work ends between two steps.
    pub(crate) stopping: Arc<AtomicBool>,
}

impl Agent {
    /// With the store of `dir` behind `store`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn new(dir: DataDir, store: StoreHandle<Store>, settings: Settings) -> Result<Agent, Failure> {
        let hub_ms = on_store(&store, |store| store.hub_ms()).await?;
        let (asked, heard) = mpsc::channel(ASKED_MAX);
        Ok(Agent {
            reserve: Reserve::of(&dir),
            dir,
            store,
            settings: RwLock::new(Arc::new(settings)),
            time: Arc::new(FloorTime::new(Arc::new(SystemClock::new()), hub_ms)),
            caller: Mutex::new(None),
            in_contact: AtomicBool::new(false),
            sought_keys: AtomicBool::new(false),
            since_ms: AtomicI64::new(0),
            new_work: Notify::new(),
            contact_over: Notify::new(),
            disk_failed: Notify::new(),
            doubtful: AtomicBool::new(false),
            replaced: Notify::new(),
            changed: Notify::new(),
            asked,
            heard: Mutex::new(heard),
            page: OnceLock::new(),
            kiosk: OnceLock::new(),
            pairing: std::sync::Mutex::new(None),
            guesses: std::sync::Mutex::default(),
            growth: std::sync::Mutex::default(),
            stopping: Arc::new(AtomicBool::new(false)),
        })
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other settings in force; the link is made anew at the next contact.
    pub fn put_settings(&self, settings: Settings) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        self.changed.notify_one();
    }

    /// Marks this as the service, started now.
    pub async fn note_started(&self) -> Result<(), Failure> {
        let now = on_store(&self.store, |store| Ok(store.wall_ms())).await?;
        self.since_ms.store(now.max(1), Ordering::Relaxed);
        Ok(())
    }

    /// Milliseconds of a clock that does not jump.
    pub(crate) fn mono_ms(&self) -> u64 {
        kentongan_host::Clock::boot_ms(&SystemClock::new())
    }

    /// The store's thread.
    pub fn store(&self) -> &StoreHandle<Store> {
        &self.store
    }

    /// The installation's folder.
    pub fn dir(&self) -> &DataDir {
        &self.dir
    }

    /// What is kept for a full disk.
    pub(crate) fn reserve(&self) -> &Reserve {
        &self.reserve
    }

    /// Looks at a failure. If the disk failed under the store, nothing more should be asked of it in this process: only
    /// opening it anew shows what is really there.
    pub(crate) fn notice(&self, failure: &Failure) {
        if failure.ktg == Some(Ktg::DiskFailed) {
            self.doubtful.store(true, Ordering::Relaxed);
            self.disk_failed.notify_one();
        }
    }

    /// Whether the disk failed under the store.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.doubtful.load(Ordering::Relaxed)
    }

    /// Answers a request. `on_progress` is told how far long work has come. A store that turns out to be damaged is
    /// repaired, and what needs nothing but the store is then asked once more.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub async fn perform(&self, command: Command, on_progress: OnProgress) -> Result<Value, Failure> {
        let answer = self.answer(command, on_progress).await;
        answer.inspect_err(|failure| self.notice(failure))
    }

    async fn answer(&self, command: Command, on_progress: OnProgress) -> Result<Value, Failure> {
        let again = command.needs_only_the_store().then(|| command.clone());
        match self.perform_once(command, on_progress).await {
            Err(failure) if failure.ktg == Some(Ktg::StoreDamaged) => {
                self.repair().await?;
                match again {
                    Some(command) => self.perform_once(command, unwatched()).await,
                    None => Err(failure),
                }
            }
            answer => answer,
        }
    }

    /// Looks at the whole store, a slice at a time, and repairs it if it is damaged. Says whether it was sound.
    ///
    /// # Errors
    /// If the store cannot be read or repaired.
    pub async fn scrub(&self) -> Result<bool, Failure> {
        let mut next = Some(Scrub::default());
        while let Some(scrub) = next {
            match on_store(&self.store, move |store| store.scrub(scrub)).await {
                Ok(more) => next = more,
                Err(error) if error.is_damage() => return self.repair().await.map(|()| false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    /// Sets a damaged store aside and goes on with what is readable in it. Whoever asks later finds it done.
    ///
    /// # Errors
    /// If it cannot be done, for example for want of space.
    pub async fn repair(&self) -> Result<(), Failure> {
        let repaired = on_store(&self.store, |store| match store.scrub_whole() {
            Err(error) if error.is_damage() => store.repair(&error).map(drop),
            // Another command was faster.
            looked => looked,
        });
        repaired.await?;
        self.new_work.notify_one();
        Ok(())
    }

    async fn perform_once(&self, command: Command, on_progress: OnProgress) -> Result<Value, Failure> {
        match command {
            Command::Check => {
                let sound = self.scrub().await?;
                Ok(json!({ "schema": "kentongan.agent.check/1", "sound": sound }))
            }
            Command::Status => self.status().await,
            Command::Sync => self.sync().await,
            Command::Wake => {
                self.new_work.notify_one();
                Ok(json!({ "schema": "kentongan.agent.wake/1" }))
            }
            Command::Enrol { hub, code } => self.enrol(hub, &code).await,
            Command::AskToJoin { hub, code } => self.ask_to_join(&hub, &code),
            Command::JoinByAnswer { answer } => self.join_by_answer(&answer).await,
            Command::Import { file, map } => {
                self.reserve.keep()?;
                let answer = import::file(self, file, map, on_progress).await;
                self.new_work.notify_one();
                answer
            }
            Command::Attach { record, author, files } => {
                self.reserve.keep()?;
                let answer = self.attach(record, author, files).await;
                self.new_work.notify_one();
                answer
            }
            Command::AddPerson { name, role } => self.add_person(name, Role::parse(&role)?).await,
            Command::ResetPin { person } => self.reset_pin(person).await,
            Command::RecoverPin { person, answer } => self.recover_pin(person, answer).await,
            Command::PairKiosk => self.pairing_shown(),
            Command::ApplyUpdate { file } => self.apply_update(file).await,
            Command::RollBackUpdate => self.roll_back_update(),
            Command::MakeBundle => self.make_bundle().await.map(|made| made.document()),
            Command::TakeAnswer { file } => self.take_answer_text(&file).await,
            other => {
                let writes = matches!(other, Command::Add { .. } | Command::Edit { .. });
                if writes {
                    self.reserve.keep()?;
                }
                let lang = process_lang();
                let answer = self.store.run_async(move |store| command::on_store(store, &other, lang)).await?;
                if writes && answer.is_ok() {
                    self.new_work.notify_one();
                }
                answer
            }
        }
    }

    /// Reads the files and makes photos smaller beside the store's thread: entry goes on meanwhile.
    async fn attach(&self, record: String, author: String, files: Vec<PathBuf>) -> Result<Value, Failure> {
        let photos = config::photos(&self.settings());
        let read = move || files.iter().map(|file| photo::read(file, photos)).collect::<Result<Vec<_>, _>>();
        let prepared = tokio::task::spawn_blocking(read).await.map_err(anyhow::Error::new)??;
        let lang = process_lang();
        self.store.run_async(move |store| command::attach(store, &record, &author, &prepared, lang)).await?
    }

    /// Talks to the hub until there is nothing more to say. One contact at a time.
    ///
    /// # Errors
    /// If this installation is not enrolled or its store fails; what the link does is in the report.
    pub async fn contact(&self) -> Result<ContactReport, Failure> {
        let mut slot = self.caller.lock().await;
        let settings = self.settings();
        let caller = match slot.as_ref() {
            Some(link) if Arc::ptr_eq(&link.settings, &settings) => link.caller.clone(),
            _ => {
                let caller = self.caller_now(&settings).await?;
                slot.insert(Link { settings, caller }).caller.clone()
            }
        };
        self.in_contact.store(true, Ordering::Relaxed);
        let mut report = sync::contact(&self.store, &caller).await.map_err(Failure::from);
        if report.as_ref().is_err_and(|failure| failure.ktg == Some(Ktg::NoSpace)) && self.reserve.release() {
            tracing::warn!(ev = "store.reserve_used", code = %Ktg::NoSpace, "no space left: the reserve is used to send");
            report = sync::contact(&self.store, &caller).await.map_err(Failure::from);
        }
        self.in_contact.store(false, Ordering::Relaxed);
        if report.as_ref().is_err_and(|failure| failure.ktg == Some(Ktg::StoreDamaged)) {
            self.repair().await?;
        }
        let report = report?;
        if let Some(hub_ms) = on_store(&self.store, |store| store.hub_ms()).await? {
            self.time.learn(hub_ms);
        }
        if report.applied.betrayed > 0 {
            let ops = report.applied.betrayed;
            tracing::error!(ev = "hub.older_than_promised", code = %Ktg::HubForgot, ops, "the hub lacks what a copy covered");
        }
        if report.applied.secured > 0 {
            self.prune().await;
        }
        if report.exchanges > 0 {
            self.put_away_files().await;
        }
        if report.fetched_bytes > 0
            && let Some((bytes, version)) = caller.coming.as_ref().and_then(|coming| coming.whole())
        {
            self.take_update(bytes, version).await;
        }
        if report.failure.is_none() && (report.renew || self.lacks_a_key().await) {
            self.renew(&caller).await;
            *slot = None;
        }
        Ok(report)
    }

    /// Puts away what need not stay here. That it cannot is no trouble: the next backup of the hub brings it up again.
    async fn prune(&self) {
        let keep_ms = self.settings().duration("store", "keep_after_arrival").as_millis();
        let keep_ms = i64::try_from(keep_ms).unwrap_or(i64::MAX);
        match on_store(&self.store, move |store| store.prune(keep_ms)).await {
            Ok(0) => {}
            Ok(records) => tracing::info!(ev = "store.put_away", records, "old survey answers of other PCs put away"),
            Err(error) => tracing::warn!(ev = "store.put_away_failed", %error, "nothing was put away"),
        }
    }

    /// Puts away attachments that the hub has for good.
    async fn put_away_files(&self) {
        let keep_ms = self.settings().duration("attachments", "keep_after_arrival").as_millis();
        let keep_ms = i64::try_from(keep_ms).unwrap_or(i64::MAX);
        match on_store(&self.store, move |store| store.put_away_files(keep_ms)).await {
            Ok(0) => {}
            Ok(files) => tracing::info!(ev = "store.files_put_away", files, "attachments that are secured put away"),
            Err(error) => tracing::warn!(ev = "store.put_away_failed", %error, "nothing was put away"),
        }
    }

    /// Ends when the hub knocks between two contacts.
    pub(crate) async fn knocked(&self) {
        // Whoever talks holds the lock.
        let transport = self.caller.lock().await.as_ref().map(|link| link.caller.transport.clone());
        match transport {
            Some(transport) => transport.knocked().await,
            None => std::future::pending().await,
        }
    }

    async fn caller_now(&self, settings: &Settings) -> Result<Caller, Failure> {
        let (enrolled_url, zone) = on_store(&self.store, |store| {
            let zone = store.zone();
            store.member().map(|member| (member.hub_url.clone(), zone)).ok_or(StoreError::NotEnrolled)
        })
        .await?;
        let identity = Identity::load(&self.dir)?.ok_or_else(crate::store::not_enrolled)?;
        let link = config::link(settings, &enrolled_url);
        Ok(Caller {
            transport: identity.transport(&link, Arc::clone(&self.time))?,
            key: Arc::clone(&identity.key),
            health: self.health(),
            packs: Some(Primed::Fresh),
            rules: config::rules(settings, zone),
            coming: update::may_come(settings).then(|| Arc::new(Coming::new(self.dir.clone()))),
        })
    }

    fn health(&self) -> Health {
        Health { free_bytes: free_bytes(self.dir.root()).unwrap_or(0), program: crate::program() }
    }

    async fn sync(&self) -> Result<Value, Failure> {
        let report = self.contact().await?;
        // Nobody hears it where no service runs.
        let _ = self.asked.try_send(Ended::of(false, Some(&report)));
        if let Some(failure) = report.failure {
            return Err(Failure::of(failure.ktg).with_detail(failure.detail));
        }
        let status = self.status().await?;
        Ok(json!({
            "schema": "kentongan.agent.sync/1",
            "exchanges": report.exchanges,
            "up_bytes": report.up_bytes,
            "down_bytes": report.down_bytes,
            "acknowledged": report.applied.acknowledged,
            "fetched": report.applied.fetched,
            "given_back": report.applied.given_back,
            "offered_again": report.applied.forgotten,
            "all_arrived": status["all_arrived"],
            "queue": status["queue"],
            "data": status["data"],
            "arrived_total": status["arrived_total"],
            "entered_total": status["entered_total"],
        }))
    }

    async fn status(&self) -> Result<Value, Failure> {
        let mut status = show::status(&self.standing().await?);
        status["update"] = update::shown(&self.dir)?;
        Ok(status)
    }

    /// How everything stands, all of one moment.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) async fn standing(&self) -> Result<Standing, Failure> {
        let since_ms = match self.since_ms.load(Ordering::Relaxed) {
            0 => None,
            since => Some(since),
        };
        let service = ServiceState { since_ms, in_contact: self.is_in_contact(), page: self.page() };
        let settings = self.settings();
        let certificate_ends_ms = certificate_ends_ms(&self.dir);
        let free_bytes = free_bytes(self.dir.root());
        let patience = |key| i64::try_from(settings.duration("patience", key).as_millis()).unwrap_or(i64::MAX);
        let (warn_after_ms, error_after_ms) = (patience("warn_after"), patience("error_after"));
        let growth = self.growth().await?;
        let answer = on_store(&self.store, move |store| {
            let (counts, link, mishap) = (store.counts()?, store.link()?, store.mishap()?);
            let enrolled_url = store.member().map_or("", |member| &member.hub_url);
            Ok(Standing {
                hub_url: config::link(&settings, enrolled_url).url,
                member: store.member().cloned(),
                counts,
                attachments: store.attachment_totals()?,
                link,
                mishap,
                data: store.link_use(config::rules(&settings, store.zone()))?,
                service,
                certificate_ends_ms,
                free_bytes,
                room: Room::of(free_bytes, settings.bytes("store", "min_free"), growth),
                now_ms: store.wall_ms(),
                warn_after_ms,
                error_after_ms,
            })
        });
        Ok(answer.await?)
    }

    /// How much the store took in of late. To count it is to look at every record, so it is done once an hour.
    async fn growth(&self) -> Result<Option<Growth>, Failure> {
        let known = *self.growth.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, growth)) = known.filter(|(counted, _)| counted.elapsed() < GROWTH_HOLDS) {
            return Ok(growth);
        }
        let growth = on_store(&self.store, |store| store.growth()).await?;
        *self.growth.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), growth));
        Ok(growth)
    }

    /// Whether it talks to the hub at this moment.
    pub(crate) fn is_in_contact(&self) -> bool {
        self.in_contact.load(Ordering::Relaxed)
    }

    /// Where people see it in a browser, if its page is open.
    pub fn page(&self) -> Option<String> {
        self.page.get().cloned()
    }

    /// Notes where its page is. It stays there as long as the service runs.
    pub(crate) fn note_page(&self, address: String) {
        // The service opens it once.
        let _ = self.page.set(address);
    }

    /// Where tablets find the kiosk, if it is open.
    pub fn kiosk(&self) -> Option<String> {
        self.kiosk.get().cloned()
    }

    /// Notes where tablets find the kiosk. It stays there as long as the service runs.
    pub(crate) fn note_kiosk(&self, address: String) {
        // The service opens it once.
        let _ = self.kiosk.set(address);
    }

    /// Has `work` done on the store. One that turns out to be damaged is repaired, and asked once more.
    ///
    /// # Errors
    /// What went wrong.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        let answer = match on_store(&self.store, work.clone()).await {
            Err(error) if error.is_damage() && self.repair().await.is_ok() => on_store(&self.store, work).await,
            answer => answer,
        };
        if let Err(error) = &answer
            && error.is_disk_failure()
        {
            self.notice(&Failure::of(Ktg::DiskFailed));
        }
        answer
    }

    /// The same for work that keeps something here: refused where there is no space.
    ///
    /// # Errors
    /// What went wrong.
    pub(crate) async fn ask_to_keep<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        self.reserve.keep().map_err(|failure| StoreError::Refused(Box::new(failure)))?;
        self.ask(work).await
    }

    /// The same for work that enters or changes a record, which is then sent on its way.
    ///
    /// # Errors
    /// What went wrong.
    pub(crate) async fn ask_to_write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        let answer = self.ask_to_keep(work).await;
        if answer.is_ok() {
            self.new_work.notify_one();
        }
        answer
    }
}

/// The code of a failure that keeps coming back whatever the agent does, so that it need not be tried often.
pub fn needs_a_person(ktg: Ktg) -> bool {
    matches!(ktg, Ktg::Revoked | Ktg::DeviceExpired | Ktg::WrongCertificate | Ktg::HubExpired | Ktg::Version)
}
