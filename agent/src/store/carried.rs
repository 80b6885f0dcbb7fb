//! Exchanges that a person carries: requests that become bundles, and the replies that come back as their answers. What
//! these files are is in [`kentongan_host::bundle`].
//!
//! A reply tells of one moment at the hub. Whatever the hub said since, over the link or in a later answer, is newer: taken
//! after that, marks would seem to go back. So whatever brings marks ends the wait for the answers that are older.

use std::collections::BTreeSet;

use kentongan_host::bundle::{self, AnswerKey, KEY_BYTES, Name, Sealed};
use kentongan_host::identity::SigningKey;
use kentongan_protocol::attachment::{Content, ContentHash};
use kentongan_protocol::error::Fault;
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::limits::OFFER_FILES_MAX;
use kentongan_protocol::planted::{self, Place};
use kentongan_protocol::session::agent::{Event, Mode, OpenFile, Outcome, Session};
use kentongan_protocol::wire::codec::{self, List};
use kentongan_protocol::wire::v1::{FileFrame, Offer};
use rusqlite::{Connection, OptionalExtension, params};

use super::answer::{Applied, Came};
use super::opening::Health;
use super::{Store, StoreError};

/// Aim for the bytes of a request that is carried: what a stick copies in a moment, and the hub takes in as one piece.
const CARRIED_BYTES_AIM: usize = 4 << 20;
const _: () = assert!(CARRIED_BYTES_AIM + (1 << 20) < bundle::FILE_BYTES_MAX, "a bundle is longer than its aim");

/// Bundles that are remembered; of those before them nothing more will be heard.
const BUNDLES_MAX: i64 = 64;

/// A bundle that was made.
#[derive(Debug)]
pub struct Bundle {
    /// The file.
    pub file: Vec<u8>,
    /// What its answer will say that it is for.
    pub name: Name,
    /// Changes of this PC that the hub is not known to have.
    pub ops: u64,
    /// Attachments that it offers.
    pub files: u64,
    /// Whether something that waits found no room: another bundle is needed.
    pub more: bool,
}

/// What came of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It was taken.
    Taken(Applied, Outcome),
    /// What it tells is known already.
    Known,
    /// It is for no bundle of this PC, or for one of long ago.
    Strange,
}

/// A bundle whose answer is waited for.
struct Waiting {
    id: i64,
    key: AnswerKey,
    files: Vec<Content>,
    after_ms: Option<i64>,
}

impl Store {
    /// Makes a bundle of all that waits: `seal` makes it of a request, and gives nothing if it cannot. Nothing counts as sent
    /// by that.
    ///
    /// # Errors
    /// If this installation is not enrolled, if nothing was sealed, or if the store cannot be read or written.
    pub fn make_bundle(
        &mut self,
        health: &Health,
        device: &SigningKey,
        seal: impl FnOnce(&[u8], ReplicaId) -> Option<Sealed>,
    ) -> Result<Bundle, StoreError> {
        // A contact may be under way: what its answer will be read by stays as it is.
        let under_way = (self.passes_pages_over, self.asking);
        let made = self.made_bundle(health, device, seal);
        (self.passes_pages_over, self.asking) = under_way;
        made
    }

    fn made_bundle(
        &mut self,
        health: &Health,
        device: &SigningKey,
        seal: impl FnOnce(&[u8], ReplicaId) -> Option<Sealed>,
    ) -> Result<Bundle, StoreError> {
        let mut opening = self.opening(health, CARRIED_BYTES_AIM)?;
        // No link is measured by it, and nothing need be small.
        (opening.hello.round_trip_ms, opening.hello.link_bytes_s) = (0, u32::MAX);
        opening.mode = Mode::Send { bytes_aim: CARRIED_BYTES_AIM };
        opening.files = self.files_to_carry()?;
        let offered: Vec<Content> = opening.files.iter().map(|file| file.content).collect();
        let (replica, ops) = (opening.hello.replica, opening.hello.ops_pending);
        let mut session = Session::new(opening);
        session.ask(self.to_ask()?);
        let mut signing = self.to_sign()?;
        signing.due = true;
        session.sign(signing);
        let request = session.request(&mut self.outbox(device))?;
        let totals = self.attachment_totals()?;
        let sealed = seal(&request, ReplicaId::from_bytes(replica));
        let sealed = sealed.ok_or(StoreError::Broken("a key that nothing can be sealed to"))?;
        self.note_bundle(&sealed, &offered)?;
        let files = offered.len() as u64;
        // A request that came to its aim may have left a part of a file behind.
        let more = session.leaves_unsent() || files < totals.waiting || request.len() >= CARRIED_BYTES_AIM;
        Ok(Bundle { file: sealed.file, name: sealed.name, ops, files, more })
    }

    /// Takes the answer to the bundle of this name: `open` gives the reply in it.
    ///
    /// # Errors
    /// [`StoreError::Carried`] if it does not open, [`StoreError::Protocol`] if it contradicts what is here, or what the hub
    /// refused; otherwise if the store cannot be read or written.
    pub fn take_answer(
        &mut self,
        health: &Health,
        name: Name,
        open: impl FnOnce(AnswerKey) -> Result<Vec<u8>, bundle::Fault>,
    ) -> Result<Heard, StoreError> {
        let waiting = match waiting(&self.db, name)? {
            None => return Ok(Heard::Strange),
            Some(None) => {
                planted::reached(Place::AnswerOvertaken);
                return Ok(Heard::Known);
            }
            Some(Some(waiting)) => waiting,
        };
        let reply = open(waiting.key)?;
        // What a bundle asked for does not count as asked: its answer may never have come.
        self.asking = None;
        let mut opening = self.opening(health, 0)?;
        opening.files = waiting.files.iter().map(|content| OpenFile { content: *content, held: None }).collect();
        let mut session = Session::hearing(opening);
        session.push(&reply);
        let mut applied = Applied::default();
        while let Some(event) = session.next_event()? {
            if let (Event::Marks(marks), Some(after_ms)) = (&event, waiting.after_ms)
                && marks.hub_ms < after_ms
            {
                settle(&self.db, Came::Carried(waiting.id), marks.hub_ms)?;
                return Ok(Heard::Known);
            }
            applied.add(self.hear(event, Came::Carried(waiting.id))?);
        }
        let (outcome, _) = session.finish()?;
        self.end_exchange(Ok(&outcome))?;
        planted::reached(Place::AnswerTaken);
        Ok(Heard::Taken(applied, outcome))
    }

    /// Attachments for a bundle: first those that no bundle under way offers. What the hub was never asked about is sent from
    /// its beginning: it would take a stick there and back to ask.
    fn files_to_carry(&self) -> Result<Vec<OpenFile>, StoreError> {
        let carried: BTreeSet<[u8; 32]> = under_way(&self.db)?.into_iter().map(|content| content.hash.0).collect();
        let reading = || StoreError::because("list attachments to carry");
        let mut select = self
            .db
            .prepare_cached("SELECT hash, bytes, media, at_hub FROM attachment WHERE state = 0 ORDER BY id")
            .map_err(reading())?;
        let rows = select
            .query_map([], |row| {
                let content = Content { hash: ContentHash(row.get(0)?), bytes: row.get(1)?, media: row.get(2)? };
                Ok(OpenFile { content, held: Some(row.get::<_, Option<u32>>(3)?.unwrap_or(0)) })
            })
            .map_err(reading())?;
        let mut files = rows.collect::<Result<Vec<_>, _>>().map_err(reading())?;
        files.sort_by_key(|file| carried.contains(&file.content.hash.0));
        files.truncate(OFFER_FILES_MAX);
        Ok(files)
    }

    fn note_bundle(&mut self, sealed: &Sealed, files: &[Content]) -> Result<(), StoreError> {
        let offer = Offer { files: List(files.iter().map(FileFrame::from).collect()) };
        let noting = || StoreError::because("note a bundle");
        let transaction = self.db.transaction().map_err(noting())?;
        transaction
            .execute(
                "INSERT INTO bundle (name, key, files) VALUES (?, ?, ?)",
                params![sealed.name.0, sealed.answer_key.0, codec::encode(&offer)],
            )
            .and_then(|_| {
                transaction.execute("DELETE FROM bundle WHERE id <= (SELECT max(id) FROM bundle) - ?", [BUNDLES_MAX])
            })
            .map_err(noting())?;
        transaction.commit().map_err(noting())
    }
}

/// Marks came: answers that tell of an earlier moment are not waited for any more. Those to later bundles may be newer than
/// an answer, never than what came over the link.
pub(super) fn settle(db: &Connection, came: Came, hub_ms: i64) -> Result<(), StoreError> {
    let upto = match came {
        Came::OverLink { .. } => i64::MAX,
        Came::Carried(id) => id,
    };
    db.prepare_cached("UPDATE bundle SET key = NULL WHERE key IS NOT NULL AND id <= ?")
        .and_then(|mut update| update.execute([upto]))
        .and_then(|_| match came {
            Came::OverLink { .. } => Ok(0),
            Came::Carried(id) => db.execute(
                "UPDATE bundle SET after_ms = max(coalesce(after_ms, ?1), ?1) WHERE key IS NOT NULL AND id > ?2",
                [hub_ms, id],
            ),
        })
        .map(drop)
        .map_err(StoreError::because("note which answers are not waited for any more"))
}

/// What is known of the bundle with this name: nothing, that its answer is not waited for, or what reads it.
#[allow(clippy::option_option)]
fn waiting(db: &Connection, name: Name) -> Result<Option<Option<Waiting>>, StoreError> {
    let row = db
        .query_row("SELECT id, key, files, after_ms FROM bundle WHERE name = ?", [name.0], |row| {
            let key: Option<[u8; KEY_BYTES]> = row.get(1)?;
            Ok((row.get::<_, i64>(0)?, key, row.get::<_, Vec<u8>>(2)?, row.get::<_, Option<i64>>(3)?))
        })
        .optional()
        .map_err(StoreError::because("look for a bundle"))?;
    let Some((id, key, files, after_ms)) = row else { return Ok(None) };
    let Some(key) = key.map(AnswerKey) else { return Ok(Some(None)) };
    Ok(Some(Some(Waiting { id, key, files: offered(&files)?, after_ms })))
}

/// Attachments that bundles offer whose answers are waited for.
fn under_way(db: &Connection) -> Result<Vec<Content>, StoreError> {
    let reading = || StoreError::because("read what bundles carry");
    let mut select = db.prepare_cached("SELECT files FROM bundle WHERE key IS NOT NULL").map_err(reading())?;
    let rows = select.query_map([], |row| row.get::<_, Vec<u8>>(0)).map_err(reading())?;
    let mut files = Vec::new();
    for row in rows {
        files.extend(offered(&row.map_err(reading())?)?);
    }
    Ok(files)
}

fn offered(bytes: &[u8]) -> Result<Vec<Content>, StoreError> {
    let offer: Offer = codec::decode(bytes).map_err(|_: Fault| StoreError::Damaged("what a bundle carries"))?;
    Ok(offer.files.0.iter().map(Content::from).collect())
}
