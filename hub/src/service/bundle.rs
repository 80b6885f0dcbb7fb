//! Bundles that a person carried here: opened, played as the exchanges that they are, and answered.
//!
//! A bundle goes through the same [`Call`] as a request that came over a line, so what is decided is the same: what may be
//! stored, what comes twice, what goes back. Only the clocks do not count, see [`Call::carried`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kentongan_host::bundle::{self, Bundle, FILE_BYTES_MAX, Fault, Name};
use kentongan_host::files::free_bytes;
use kentongan_host::output::process_lang;
use kentongan_host::{Exit, Failure, Ktg};
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::session::Line;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Desk;
use crate::accept::{Bounds, Call, Counts, Input, Moment, Output, Shown, ended_well};
use crate::store::{Replica, Standing, Tx};

/// Bytes that are handed on at once, as they would come over a line.
const PART_BYTES: usize = 64 * 1024;

/// What can be asked about bundles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Takes one in.
    Take {
        /// The file, in Base64.
        file: String,
    },
}

impl Request {
    /// To take in this file.
    pub fn take(file: &[u8]) -> Request {
        Request::Take { file: STANDARD.encode(file) }
    }
}

/// A bundle that was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Code of the office.
    pub office: String,
    /// Its name.
    pub office_name: String,
    /// The device's id.
    pub replica: String,
    /// Name of the PC.
    pub host: String,
    /// Whether all of it was taken. If not, the answer tells the office why.
    pub whole: bool,
    /// Changes that were new here.
    pub stored: u64,
    /// Changes that were here already.
    pub repeated: u64,
    /// Bytes of attached files that were new here.
    pub file_bytes: u64,
    /// The answer, in Base64.
    pub answer: String,
    /// What to call its file.
    pub answer_name: String,
}

impl Taken {
    /// The file of the answer.
    pub fn answer(&self) -> Vec<u8> {
        STANDARD.decode(&self.answer).unwrap_or_default()
    }
}

/// Answers a request.
///
/// # Errors
/// A file that is no bundle for this hub, or of no device that may speak, or a failure of the store; nothing is changed
/// then.
pub(super) fn execute(tx: &mut dyn Tx, desk: &Desk, request: &Request) -> Result<Taken, Failure> {
    let Request::Take { file } = request;
    let file = STANDARD.decode(file).map_err(|_| unfit(Fault::Foreign))?;
    take(tx, desk, &file)
}

fn take(tx: &mut dyn Tx, desk: &Desk, file: &[u8]) -> Result<Taken, Failure> {
    let seals = desk.authority().seals();
    let sealed = Bundle::read(file, seals.public()).map_err(unfit)?;
    let open = seals.open(&sealed).map_err(unfit)?;
    let opened = sealed.opened(&open).map_err(unfit)?;
    let replica = tx.replica(opened.replica)?.filter(|replica| opened.is_signed_by(&replica.public_key));
    let replica = replica.ok_or_else(unknown)?;
    if replica.standing != Standing::Active {
        return Err(revoked(&replica));
    }
    let (reply, outcome, counts) = play(tx, desk, replica.id, opened.request)?;
    let Counts { stored, repeated, file_bytes, .. } = counts;
    let (name, whole) = (Name::of(file), ended_well(outcome));
    let detail = json!({ "office": replica.office.as_str(), "bundle": name.to_string(), "outcome": outcome,
        "stored": stored, "repeated": repeated });
    desk.audit(tx, "bundle.taken", &replica.id.to_string(), detail)?;
    Ok(Taken {
        office_name: tx.office(&replica.office)?.map(|office| office.name).unwrap_or_default(),
        answer_name: format!("ktg-{}-{name}.{}", replica.office, bundle::ANSWER_EXTENSION),
        answer: STANDARD.encode(bundle::answer(&reply, name, opened.answer_key)),
        office: replica.office.to_string(),
        replica: replica.id.to_string(),
        host: replica.name,
        whole,
        stored,
        repeated,
        file_bytes,
    })
}

/// Has the request answered, all in this one transaction. Gives back the reply, how it ended and what it carried.
fn play(
    tx: &mut dyn Tx,
    desk: &Desk,
    device: ReplicaId,
    request: &[u8],
) -> Result<(Vec<u8>, &'static str, Counts), Failure> {
    let now = Moment { wall_ms: desk.now_ms, boot_ms: 0 };
    let bounds = Bounds {
        request_bytes_max: FILE_BYTES_MAX as u64,
        min_free_bytes: desk.config.min_free_bytes,
        free_bytes: free_bytes(desk.dir.root()),
    };
    let mut call = Call::new(Shown::signed(device), bounds, Line::default(), now).carried();
    let (mut parts, mut reply) = (request.chunks(PART_BYTES), Vec::new());
    loop {
        while let Some(output) = call.next_output() {
            match output {
                Output::Part(bytes) | Output::Whole(bytes) => reply.extend(bytes),
                Output::End | Output::Cut => {}
            }
        }
        if call.is_over() {
            let ended = call.account().map(|account| (account.outcome, account.counts));
            let (outcome, counts) = ended.unwrap_or(("cut", Counts::default()));
            return Ok((reply, outcome, counts));
        }
        match call.next_job() {
            Some(job) => {
                let done = job.run(&desk.hub, tx, now)?;
                call.done(Ok(done));
            }
            None if call.wants_bytes() => {
                let part = parts.next().map_or(Input::End, |part| Input::Bytes(part.to_vec()));
                call.take(part, now);
            }
            // To look for a job brought a reply to light.
            None => {}
        }
    }
}

fn unfit(fault: Fault) -> Failure {
    let sentence = fault.sentence(process_lang());
    Failure::new(Exit::Failed, format!("Tidak diambil: {sentence}."), format!("Not taken: {sentence}."))
}

fn unknown() -> Failure {
    Failure::new(
        Exit::Refused,
        "Tidak diambil: berkas ini dari komputer yang tidak dikenal di pusat ini.",
        "Not taken: this file is of a PC that this hub does not know.",
    )
    .with_hint(
        "Periksa apakah PC itu terdaftar: kentongan-hub office list",
        "See whether that PC is enrolled: kentongan-hub office list",
    )
}

fn revoked(replica: &Replica) -> Failure {
    Failure::of(Ktg::Revoked).with_detail(format!("{} · {}", replica.office, replica.name))
}
