//! The packed coding of frame bodies, for slow links: ops take some three fifths of the bytes that the best general
//! compressor leaves of the same records.
//!
//! An arithmetic coder writes decision after decision, each with the probability that a model gives it. The model has read
//! a text of our own before the first op, see `priming`, and learns from everything that passes; so the order of bodies
//! in a stream is the order in which they must be read.
//!
//! ```text
//!   body   its message: ops by their ids, or a page of the feed        op     an op, piece by piece
//!   walk   numbers, texts, references                                  text   letters in their contexts
//!   model  what is likely; learns                                      coder  decisions to bytes and back
//! ```
//!
//! Who writes and who reads walk the same way through the same code. Everything comes back byte for byte: an op or a body
//! that another encoder made in another way is carried as it is. `SPEC.md` has all of it, with vectors.

mod body;
mod coder;
mod memory;
mod model;
mod numbers;
mod op;
mod priming;
mod serial;
mod text;
mod uuid;
mod walk;

use std::sync::LazyLock;

pub use memory::Times;

use self::coder::{Reader, Writer};
use self::memory::Memory;
use self::walk::{Mind, Walk};
use crate::error::Fault;
use crate::limits::{FRAME_BODY_BYTES_MAX, PACKED_FACTOR_MAX, PACKED_GRACE_BYTES};
use crate::wire::v1::Hello;

/// Number of the model and its text: the first byte of the first packed body in a stream. A number is never given to
/// another model.
const MODEL: u8 = 1;

/// Where a stream's model comes from, once it has read its text (about 4 MiB, and a third of a second of work).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Primed {
    /// A copy of the one that this process keeps for ever: for a hub.
    #[default]
    Kept,
    /// Made for this stream, and gone with it: for an agent, which has few streams and little memory.
    Fresh,
}

static KEPT: LazyLock<Mind> = LazyLock::new(priming::mind);

/// Makes the model that [`Primed::Kept`] copies, if it is not there yet: a third of a second of work.
pub fn keep() {
    LazyLock::force(&KEPT);
}

/// A model that has read its text: made ahead of its stream, where nobody waits for it.
#[derive(Debug, Clone)]
pub struct Prepared(Mind);

impl Prepared {
    /// Reads it: a third of a second of work.
    #[expect(clippy::new_without_default, reason = "not a small thing to make by the way")]
    pub fn new() -> Prepared {
        Prepared(priming::mind())
    }
}

impl Primed {
    fn mind(self) -> Mind {
        match self {
            Primed::Kept => KEPT.clone(),
            Primed::Fresh => priming::mind(),
        }
    }
}

/// Where times in a stream begin: the greeting in it, or in the request that it answers.
pub fn begin(hello: &Hello) -> Times {
    let wall_ms = u64::try_from(hello.wall_ms).unwrap_or(0).min((1 << 48) - 1);
    Times { elapsed_ms: hello.elapsed_ms, hlc: wall_ms << 16 }
}

/// Packs the bodies of one stream. The model is made when the first body comes that is packed.
#[derive(Debug, Clone, Default)]
pub struct Packer {
    /// Where the model comes from; `None` if nothing is packed, or the other side cannot follow any more.
    source: Option<(Primed, Times)>,
    prepared: Option<Prepared>,
    state: Option<Box<(Mind, Memory)>>,
}

impl Packer {
    /// For a stream whose greeting says these times; none are as good as zero.
    pub fn new(primed: Primed, begin: Times) -> Packer {
        Packer { source: Some((primed, begin)), ..Packer::default() }
    }

    /// The same, by a model that was made ahead.
    pub fn prepared(prepared: Prepared, begin: Times) -> Packer {
        Packer { prepared: Some(prepared), ..Packer::new(Primed::Fresh, begin) }
    }

    /// For a stream in which nothing is packed.
    pub fn none() -> Packer {
        Packer::default()
    }

    /// The packed form of a body; `None` if it is of a kind that is not packed, or of no use packed.
    pub fn pack(&mut self, kind: u8, body: &[u8]) -> Option<Vec<u8>> {
        let (primed, begin) = self.source?;
        let message = body::known(kind, body)?;
        let out = if self.state.is_none() { vec![MODEL] } else { Vec::new() };
        let prepared = self.prepared.take();
        let mind = || prepared.map_or_else(|| primed.mind(), |Prepared(mind)| mind);
        let mut state = self.state.take().unwrap_or_else(|| state(mind(), begin));
        self.source = None;
        let mut side = Writer::after(out);
        let (mind, memory) = &mut *state;
        let mut walk = Walk { mind, memory, side: &mut side, room: usize::MAX };
        walk.body(kind, Some(message)).ok()?;
        let packed = side.finish();
        if packed.len() >= body.len() || body.len() > room(packed.len()) {
            // The model has learned what the other side will not see.
            return None;
        }
        (self.source, self.state) = (Some((primed, begin)), Some(state));
        Some(packed)
    }
}

/// Unpacks the bodies of one stream. The model is made when the first of them comes.
#[derive(Debug, Clone, Default)]
pub struct Unpacker {
    primed: Primed,
    begin: Times,
    state: Option<Box<(Mind, Memory)>>,
}

impl Unpacker {
    /// For a stream whose greeting says these times.
    pub fn new(primed: Primed, begin: Times) -> Unpacker {
        Unpacker { primed, begin, state: None }
    }

    /// The body. After an error nothing more of the stream can be read.
    ///
    /// # Errors
    /// [`Fault::Version`] for another model, [`Fault::Limit`] for a body that would grow too much, [`Fault::Peer`] for
    /// bytes that are no such body.
    pub fn unpack(&mut self, kind: u8, packed: &[u8]) -> Result<Vec<u8>, Fault> {
        let room = room(packed.len());
        let packed = match packed.split_first() {
            _ if self.state.is_some() => packed,
            Some((&MODEL, rest)) => rest,
            Some(_) => return Err(Fault::Version("an unknown model of the packed coding")),
            None => return Err(Fault::Peer("a packed body without bytes")),
        };
        let (mind, memory) = &mut **self.state.get_or_insert_with(|| state(self.primed.mind(), self.begin));
        let mut side = Reader::new(packed);
        let body = Walk { mind, memory, side: &mut side, room }.body(kind, None)?;
        if !side.is_at_end() {
            return Err(Fault::Peer("bytes behind a packed body"));
        }
        Ok(body)
    }
}

fn state(mind: Mind, begin: Times) -> Box<(Mind, Memory)> {
    Box::new((mind, Memory::new(begin)))
}

/// How long a body may be that takes so many bytes packed.
fn room(packed: usize) -> usize {
    (packed * PACKED_FACTOR_MAX + PACKED_GRACE_BYTES).min(FRAME_BODY_BYTES_MAX)
}
