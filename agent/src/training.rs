//! Training: a made-up office beside the real one, where clerks try everything and nothing leaves this PC.
//!
//! It is an agent of its own, with a store of its own in a folder of its own, without a hub, a link or a loop. Its folder is
//! erased when training ends, and before it begins, whatever an earlier run left there.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use kentongan_host::data_dir::{DataDir, Program};
use kentongan_host::fail::Failure;
use kentongan_host::files;
use kentongan_host::options::Settings;
use kentongan_host::random::random_u64;
use kentongan_host::store_thread::StoreThread;
use kentongan_protocol::form::{Value, builtin};
use kentongan_protocol::ids::{OfficeCode, ReplicaId};
use kentongan_protocol::receipt::Prefix;

use crate::agent::Agent;
use crate::entry::NewRecord;
use crate::store::{Machine, Member, Store, StoreError};

/// An office that nobody has, for a PC that belongs to none yet.
const NOBODYS_OFFICE: &str = "99.99.99.9999";

/// Who entered what training begins with.
const AUTHOR: &str = "Latihan";

/// What training begins with: made-up people, places and numbers.
const COMPLAINTS: [&[(&str, &str)]; 4] = [
    &[
        ("privasi", "biasa"),
        ("nama_pelapor", "Rukmini Contoh"),
        ("telepon_pelapor", "0812-5550-0101"),
        ("kategori", "sarana_prasarana"),
        ("uraian", "Lampu jalan di depan balai desa padam sejak Senin."),
        ("kanal", "tatap_muka"),
    ],
    &[
        ("privasi", "anonim"),
        ("kategori", "antrean"),
        ("uraian", "Antrean kartu keluarga tiga jam, nomor antrean dipanggil tidak berurutan."),
        ("kanal", "telepon"),
    ],
    &[
        ("privasi", "biasa"),
        ("nama_pelapor", "Darma Contoh"),
        ("telepon_pelapor", "0812-5550-0102"),
        ("kategori", "sarana_prasarana"),
        ("uraian", "Kursi ruang tunggu puskesmas banyak yang patah."),
        ("tanggal_kejadian", "2026-01-05"),
        ("kanal", "tatap_muka"),
    ],
    &[
        ("privasi", "rahasia"),
        ("nama_pelapor", "Wulan Contoh"),
        ("kategori", "antrean"),
        ("uraian", "Diminta uang supaya antrean didahulukan."),
        ("kanal", "tatap_muka"),
    ],
];

/// Answers to the nine questions of a survey, from 1 to 4.
const SURVEYS: [[&str; 9]; 3] =
    [["4", "3", "3", "4", "3", "4", "4", "3", "3"], ["2", "2", "1", "3", "2", "3", "2", "2", "3"], ["3"; 9]];

/// A training office at work.
#[derive(Debug)]
pub(crate) struct TrainingOffice {
    dir: DataDir,
    agent: Arc<Agent>,
    store: StoreThread<Store>,
}

impl TrainingOffice {
    /// Opens one beside the installation in `real`, which belongs to `member`, if to anybody.
    ///
    /// # Errors
    /// If its folder cannot be made, or what an earlier training left there cannot be erased.
    pub(crate) async fn open(
        real: &DataDir,
        member: Option<Member>,
        settings: Settings,
    ) -> Result<TrainingOffice, Failure> {
        let dir = DataDir::at(Program::Agent, real.training());
        let made = {
            let (real, dir) = (real.clone(), dir.clone());
            tokio::task::spawn_blocking(move || begun(&real, &dir, member)).await.map_err(anyhow::Error::new)??
        };
        let store = StoreThread::spawn(made).map_err(anyhow::Error::new)?;
        let agent = Arc::new(Agent::new(dir.clone(), store.handle(), settings).await?);
        Ok(TrainingOffice { dir, agent, store })
    }

    /// What works there.
    pub(crate) fn agent(&self) -> &Arc<Agent> {
        &self.agent
    }

    /// Ends it, and erases all that was entered.
    ///
    /// # Errors
    /// If its folder cannot be erased; then that is done before the next one opens.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        let TrainingOffice { dir, agent, store } = self;
        drop(agent);
        // Nothing of it is worth a checkpoint, but an open file cannot be erased everywhere.
        drop(store.stop_async().await);
        tokio::task::spawn_blocking(move || files::delete(dir.root())).await.map_err(anyhow::Error::new)??;
        Ok(())
    }
}

/// Erases what an earlier training beside the installation in `real` left.
///
/// # Errors
/// Any error of the file system.
pub(crate) fn erase(real: &DataDir) -> io::Result<()> {
    files::delete(&real.training())
}

fn begun(real: &DataDir, dir: &DataDir, member: Option<Member>) -> Result<Store, Failure> {
    let erasing = |error| Failure::from(anyhow::Error::new(error).context(format!("erase {}", dir.root().display())));
    erase(real).map_err(erasing)?;
    dir.create()?;
    let mut store = Store::open(&dir.store(), Machine::real())?;
    let office = member.as_ref().map(|member| member.office.clone());
    let called = member.map(|member| member.office_name).filter(|name| !name.is_empty());
    store.join(&Member {
        replica: ReplicaId(random_u64()),
        office: office.or_else(|| NOBODYS_OFFICE.parse::<OfficeCode>().ok()).ok_or(StoreError::Broken("no office"))?,
        office_name: called.map_or_else(|| AUTHOR.to_owned(), |name| format!("{AUTHOR} – {name}")),
        prefix: Prefix::TRAINING,
        hub_url: String::new(),
        hub_replica: ReplicaId(0),
    })?;
    for answers in COMPLAINTS {
        enter(&mut store, "pengaduan", answers)?;
    }
    for scores in SURVEYS {
        let elements = kentongan_protocol::form::builtin::skm::ELEMENTS;
        let answers: Vec<(&str, &str)> = elements.iter().map(|(name, _)| *name).zip(scores).collect();
        enter(&mut store, "skm", &answers)?;
    }
    Ok(store)
}

fn enter(store: &mut Store, form: &str, answers: &[(&str, &str)]) -> Result<(), StoreError> {
    let form = builtin::by_name(form).ok_or(StoreError::Broken("a form that is built in"))?;
    let values = answers.iter().filter_map(|(name, answer)| {
        let field = form.field_named(name)?;
        Some((field.tag, Value::parse(field, answer).ok()?))
    });
    let values: BTreeMap<_, _> = values.collect();
    store.enter(&NewRecord::of_values(form, AUTHOR, values)).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::ListFilter;

    fn in_runtime<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
    }

    fn settings() -> Settings {
        let folder = tempfile::tempdir().expect("a folder");
        crate::config::load(&DataDir::at(Program::Agent, folder.path()), None).expect("what ships")
    }

    #[test]
    fn all_that_training_begins_with_fits_its_forms() {
        for answers in COMPLAINTS {
            let form = builtin::by_name("pengaduan").expect("built in");
            for (name, answer) in answers {
                let field = form.field_named(name).unwrap_or_else(|| panic!("a field {name}"));
                assert!(Value::parse(field, answer).is_ok(), "{name}: {answer}");
            }
        }
    }

    #[test]
    fn a_training_office_has_something_to_show_under_codes_of_training_and_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = DataDir::at(Program::Agent, folder.path());
        fs::create_dir_all(real.training()).expect("a folder");
        fs::write(real.training().join("store.db"), "what a power cut left").expect("written");
        in_runtime(async {
            let office = TrainingOffice::open(&real, None, settings()).await.expect("opens");
            let filter = ListFilter { limit: 20, ..ListFilter::default() };
            let codes =
                office.agent().ask(move |store| store.list(&filter, |line, _| line.code)).await.expect("a list");
            assert_eq!(codes.records.len(), COMPLAINTS.len() + SURVEYS.len());
            let codes: Vec<_> = codes.records.into_iter().flatten().collect();
            assert!(codes.len() == COMPLAINTS.len() && codes.iter().all(|code| code.is_of_training()), "{codes:?}");
            office.close().await.expect("closes");
        });
        assert!(!real.training().exists());
        erase(&real).expect("nothing to erase is no failure");
    }
}
