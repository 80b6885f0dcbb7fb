//! Staging updates for offices, offering them to more and more of these, and stopping that.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kentongan_host::files::read_bounded;
use kentongan_host::release::{Release, ReleaseFault, UpdateFile, Version};
use kentongan_host::{Exit, Failure, Ktg};
use kentongan_protocol::attachment::ContentHash;
use kentongan_protocol::limits::ATTACHMENT_BYTES_MAX;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Desk;
use crate::store::{Standing, Tx};
use crate::update::{Offers, Reach, Staged, To};

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// What is staged, and what offices run.
    List,
    /// Keep an update file, offered to nobody yet.
    Stage {
        /// The file.
        file: PathBuf,
    },
    /// Offer a version to these too.
    Promote {
        /// The version, for all targets that are staged.
        version: String,
        /// Codes of offices or areas, `tenth` or `all`.
        to: Vec<String>,
    },
    /// Offer a version to nobody any more.
    Halt {
        /// The version.
        version: String,
    },
}

/// How updates stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What is staged.
    pub staged: Vec<Staged>,
    /// Programs that offices run, and on how many PCs each.
    pub running: BTreeMap<String, u64>,
}

/// Answers a request about updates.
///
/// # Errors
/// What was asked does not hold, or a failure of the store or of the disk.
pub fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Answer, Failure> {
    let mut offers = Offers::load(&desk.dir).map_err(anyhow::Error::new)?;
    match request {
        Request::List => {}
        Request::Stage { file } => stage(tx, desk, &mut offers, file.clone())?,
        Request::Promote { version, to } => {
            let wider = to.iter().map(|to| to.parse::<To>().map_err(|other| no_reach(&other)));
            let wider = wider.collect::<Result<Vec<_>, _>>()?;
            for staged in of_version(&mut offers, version)? {
                staged.halted = false;
                wider.iter().cloned().for_each(|to| staged.reach.widen(to));
            }
            desk.audit(tx, "update.promoted", version, json!({ "to": to }))?;
        }
        Request::Halt { version } => {
            of_version(&mut offers, version)?.for_each(|staged| staged.halted = true);
            desk.audit(tx, "update.halted", version, json!({}))?;
        }
    }
    if *request != Request::List {
        offers.save(&desk.dir).map_err(anyhow::Error::new)?;
        desk.hub.put_offers(offers.clone());
    }
    Ok(Answer { staged: offers.staged, running: running(tx)? })
}

/// Programs as PCs last said of themselves, and how many said so.
fn running(tx: &mut dyn Tx) -> Result<BTreeMap<String, u64>, Failure> {
    let mut running = BTreeMap::new();
    for replica in tx.replicas()?.into_iter().filter(|replica| replica.standing == Standing::Active) {
        let program = replica.last_contact.map(|last| last.program);
        program.into_iter().for_each(|program| *running.entry(program).or_insert(0) += 1);
    }
    Ok(running)
}

fn stage(tx: &mut dyn Tx, desk: &Desk, offers: &mut Offers, file: PathBuf) -> Result<(), Failure> {
    let read = |error| anyhow::Error::new(error).context(format!("read {}", file.display()));
    let bytes = read_bounded(&file, u64::from(ATTACHMENT_BYTES_MAX)).map_err(read)?;
    let unfit = |fault| Failure::of(Ktg::UpdateRefused).with_detail(file.display().to_string()).caused_by(fault);
    let update = UpdateFile::read(&bytes).map_err(unfit)?;
    let release = Release::claimed(&update.manifest).map_err(unfit)?;
    // One file holds one program: the one that its bytes are.
    let target = update.held(&release).map(|(_, target)| target.to_owned());
    let target = target.ok_or_else(|| unfit(ReleaseFault::OtherProgram))?;
    let hash = ContentHash::of(&bytes);
    desk.hub.archive().put(hash, &bytes).map_err(anyhow::Error::new)?;
    let version = release.version;
    desk.audit(tx, "update.staged", &version.to_string(), json!({ "target": target, "hash": hash.to_string() }))?;
    let bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    offers.add(Staged { version, target, hash: hash.to_string(), bytes, reach: Reach::default(), halted: false });
    Ok(())
}

fn of_version<'a>(offers: &'a mut Offers, version: &str) -> Result<impl Iterator<Item = &'a mut Staged>, Failure> {
    let named: Option<Version> = version.parse().ok();
    if !offers.staged.iter().any(|staged| Some(&staged.version) == named.as_ref()) {
        let known: Vec<String> = offers.staged.iter().map(|staged| staged.version.to_string()).collect();
        let known = if known.is_empty() { "-".to_owned() } else { known.join(", ") };
        return Err(Failure::new(
            Exit::Failed,
            format!("Versi {version} tidak disiapkan. Yang ada: {known}."),
            format!("Version {version} is not staged. There are: {known}."),
        ));
    }
    Ok(offers.staged.iter_mut().filter(move |staged| Some(&staged.version) == named.as_ref()))
}

fn no_reach(text: &str) -> Failure {
    Failure::usage(
        format!("\"{text}\" bukan kode kantor atau wilayah, tenth, atau all."),
        format!("\"{text}\" is no code of an office or area, nor tenth or all."),
    )
}
