//! The network between an office PC and the hub: it loses, cuts, delays and repeats.
//!
//! A call gives way at every step, so that other calls, people and accidents come in between.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use kentongan_agent::sync::{self as agent_sync, Answer, Carrier};
use kentongan_agent::transport::LinkError;
use kentongan_host::ktg::Ktg;
use kentongan_hub::accept::{Input, Output};
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::planted::{self, Defect};
use kentongan_protocol::session::Line;
use kentongan_protocol::wire::frame::PREAMBLE;

use super::hubside::{Conn, HubEnd, HubHost};
use super::plan::{Options, stream};
use super::tale::Tale;
use crate::Dice;

/// Requests of the past that are kept to arrive again.
const PAST_MAX: usize = 24;

/// A round trip of whatever is short.
const ROUND_TRIP_MS: u64 = 40;

/// What all calls share.
#[derive(Debug)]
pub struct Net {
    /// The hub's machine.
    pub hub: HubHost,
    /// The history.
    pub tale: Tale,
    /// Requests that went out, whole.
    pub past: Vec<(ReplicaId, Vec<u8>)>,
    /// Requests that the sender gave up and that still are under way.
    pub late: Vec<(ReplicaId, Vec<u8>)>,
    /// Exchanges begun.
    pub exchanges: u64,
    /// Faults of the network so far.
    pub faults: u64,
    options: Options,
    healed: bool,
}

/// The network, shared.
#[derive(Debug, Clone)]
pub struct Shared(Arc<Mutex<Net>>);

impl Shared {
    /// A network around a hub.
    pub fn new(hub: HubHost, tale: Tale, options: Options) -> Shared {
        let (past, late) = (Vec::new(), Vec::new());
        let net = Net { hub, tale, past, late, exchanges: 0, faults: 0, options, healed: false };
        Shared(Arc::new(Mutex::new(net)))
    }

    /// For a moment; never across a wait.
    pub fn net(&self) -> MutexGuard<'_, Net> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the network is good.
    pub fn heal(&self) {
        self.net().healed = true;
    }

    /// A request arrives whole and nobody waits for the answer.
    pub fn deliver_alone(&self, speaker: ReplicaId, request: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
        let conn = self.net().hub.connect(speaker, dice).ok()?;
        self.play_alone(conn, request)
    }

    /// A request arrives on a stick, and its reply is taken away.
    pub fn deliver_carried(&self, speaker: ReplicaId, request: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
        let conn = self.net().hub.carried(speaker, dice).ok()?;
        self.play_alone(conn, request)
    }

    fn play_alone(&self, mut conn: Conn, request: &[u8]) -> Option<Vec<u8>> {
        let mut net = self.net();
        let Net { hub, tale, .. } = &mut *net;
        let mut reply = Vec::new();
        for input in [Input::Bytes(request.to_vec()), Input::End] {
            hub.arrive(&mut conn, input).ok()?;
            while let Some(output) = hub.answer(&mut conn, tale).ok()? {
                match output {
                    Output::Whole(bytes) | Output::Part(bytes) => reply.extend(bytes),
                    Output::End => {}
                    Output::Cut => return Some(reply),
                }
            }
        }
        Some(reply)
    }
}

/// The link of one PC.
#[derive(Debug, Clone)]
pub struct Link {
    /// The network.
    pub shared: Shared,
    /// Whose certificate is shown.
    pub speaker: ReplicaId,
    /// Nobody can be reached.
    pub down: bool,
    /// Dice of the next exchanges.
    pub dice: Arc<Mutex<Dice>>,
    /// The connection of the PC, if one is open.
    pub kept: Kept,
}

/// The connection of a PC between two exchanges.
pub type Kept = Arc<Mutex<Connection>>;

/// A connection, if one is open.
#[derive(Debug, Default)]
pub struct Connection {
    open: Option<Open>,
    /// What a PC would remember if it did not forget.
    past: Option<Line>,
}

/// An open connection.
#[derive(Debug)]
pub struct Open {
    /// What the PC remembers of it; none while it makes a request of it.
    line: Option<Line>,
    /// The hub's end.
    hub: HubEnd,
}

/// What will happen to one exchange.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Well,
    Lost,
    /// Cut after this share of the request, in thousandths; perhaps it arrives later all the same.
    CutUp(usize, bool),
    /// Cut after this share of the first part of the reply, in thousandths.
    CutDown(usize),
    Stranger,
}

impl Carrier for Link {
    type Reply = Reply;

    async fn line(&self) -> Option<Line> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        let net = self.shared.net();
        if planted::active(Defect::LineKept) && kept.open.is_none() {
            return kept.past.clone();
        }
        let open = kept.open.as_mut()?;
        // A connection may end while nobody looks; sometimes that shows at once.
        let ended = !net.healed && dice.percent(15);
        if ended || (!net.hub.holds(&open.hub) && dice.percent(70)) {
            kept.open = None;
            return None;
        }
        open.line.take()
    }

    async fn exchange(&self, request: Vec<u8>, on: agent_sync::Conn) -> Result<Reply, LinkError> {
        let mut dice = {
            let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
            stream(dice.number(), 7)
        };
        if self.down && !self.shared.net().healed {
            give_way().await;
            let detail = "no line".to_owned();
            return Err(LinkError {
                ktg: Ktg::Unreachable,
                class: "unreachable",
                detail,
                stale: false,
                reached: false,
            });
        }
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).open.take();
        let end = kept.filter(|_| on == agent_sync::Conn::Open).map(|open| open.hub);
        let fate = self.begin(&request, &mut dice);
        give_way().await;
        let whole = match fate {
            Fate::Lost => return Err(cut("no connection")),
            Fate::Stranger => return Ok(Reply::stranger(self.clone())),
            Fate::CutUp(share, late) => {
                // On a connection that has ended a request means nothing if it goes on from what was said there.
                if late && end.is_none() {
                    self.shared.net().late.push((self.speaker, request.clone()));
                }
                Some(request.len() * share / 1000)
            }
            Fate::Well | Fate::CutDown(_) => None,
        };
        let mut conn = match end {
            Some(end) => {
                let gone = |_| LinkError { stale: true, ..cut("the connection is gone") };
                self.shared.net().hub.go_on(self.speaker, end).map_err(gone)?
            }
            None => self.shared.net().hub.connect(self.speaker, &mut dice).map_err(|_| cut("refused"))?,
        };
        let sent = request.get(..whole.unwrap_or(request.len())).unwrap_or_default();
        let piece = [sent.len().max(1), 1400, 300][dice.below(3) as usize];
        // A busy store lets pieces wait.
        let busy = if dice.percent(30) { 50 } else { 0 };
        let mut answer = None;
        for piece in sent.chunks(piece) {
            self.arrive(&mut conn, Input::Bytes(piece.to_vec()))?;
            if answer.is_none() && !dice.percent(busy) {
                answer = self.answer(&mut conn)?;
            }
            give_way().await;
        }
        if whole.is_some() {
            let end = [Input::Cut, Input::Stalled, Input::End];
            let end = end.into_iter().nth(dice.below(3) as usize).unwrap_or(Input::Cut);
            self.arrive(&mut conn, end)?;
            self.answer(&mut conn)?;
            return Err(cut("cut while sending"));
        }
        self.arrive(&mut conn, Input::End)?;
        let first = match answer {
            Some(answer) => Some(answer),
            None => self.answer(&mut conn)?,
        };
        let (first, conn, end) = match first {
            // All of it is on its way, whatever happens to the hub.
            Some(Output::Whole(first)) => (first, None, conn.into_end()),
            Some(Output::Part(first)) => (first, Some(conn), None),
            _ => return Err(cut("the hub says nothing")),
        };
        give_way().await;
        let left = match fate {
            Fate::CutDown(0) => {
                self.gone(conn)?;
                return Err(cut("no answer"));
            }
            Fate::CutDown(share) => Some(first.len() * share / 1000),
            _ => None,
        };
        let carried = request.len() as u64;
        Ok(Reply { link: self.clone(), conn, end, part: first, left, piece: piece.max(64), carried })
    }
}

impl Link {
    fn begin(&self, request: &[u8], dice: &mut Dice) -> Fate {
        let mut net = self.shared.net();
        net.exchanges += 1;
        net.tale.carry(request);
        // Of whatever version: a line that this request begins.
        if request.starts_with(&PREAMBLE[..3]) {
            net.past.push((self.speaker, request.to_vec()));
        }
        if net.past.len() > PAST_MAX {
            net.past.remove(0);
        }
        let Options { lost, cut_up, cut_down, stranger, late, .. } = net.options;
        let fate = match dice.below(100) {
            _ if net.healed => Fate::Well,
            at if at < lost => Fate::Lost,
            at if at < lost + cut_up => Fate::CutUp(dice.below(1000) as usize, dice.percent(late)),
            at if at < lost + cut_up + cut_down => {
                Fate::CutDown(if dice.percent(40) { 0 } else { dice.below(1000) as usize })
            }
            at if at < lost + cut_up + cut_down + stranger => Fate::Stranger,
            _ => Fate::Well,
        };
        if !matches!(fate, Fate::Well) {
            net.faults += 1;
            let speaker = self.speaker;
            net.tale.tell(|| format!("   the network: {fate:?} for {speaker}"));
        }
        fate
    }

    fn arrive(&self, conn: &mut Conn, input: Input) -> Result<(), LinkError> {
        self.shared.net().hub.arrive(conn, input).map_err(|_| cut("the hub is gone"))
    }

    /// The caller no longer listens.
    fn gone(&self, conn: Option<Conn>) -> Result<(), LinkError> {
        let Some(mut conn) = conn else { return Ok(()) };
        self.arrive(&mut conn, Input::Gone)?;
        self.answer(&mut conn).map(drop)
    }

    fn answer(&self, conn: &mut Conn) -> Result<Option<Output>, LinkError> {
        let mut net = self.shared.net();
        let Net { hub, tale, .. } = &mut *net;
        hub.answer(conn, tale).map_err(|_| cut("the hub is gone"))
    }
}

/// An answer under way.
pub struct Reply {
    link: Link,
    conn: Option<Conn>,
    /// The hub's end, when the reply was given whole.
    end: Option<HubEnd>,
    part: Vec<u8>,
    /// Bytes until the cut.
    left: Option<usize>,
    piece: usize,
    /// Bytes so far, both ways.
    carried: u64,
}

impl Reply {
    fn stranger(link: Link) -> Reply {
        let part = b"<html><body>Silakan masuk ke jaringan tamu</body></html>".to_vec();
        Reply { link, conn: None, end: None, part, left: None, piece: 4096, carried: 0 }
    }
}

impl Answer for Reply {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        give_way().await;
        while self.part.is_empty() {
            let Some(conn) = &mut self.conn else { return Ok(None) };
            match self.link.answer(conn)? {
                Some(Output::Part(part) | Output::Whole(part)) => self.part = part,
                Some(Output::End) | None => return Ok(None),
                Some(Output::Cut) => return Err(cut("cut by the hub")),
            }
        }
        let mut piece: Vec<u8> = self.part.drain(..self.piece.min(self.part.len())).collect();
        if let Some(left) = &mut self.left {
            piece.truncate(*left);
            *left -= piece.len();
            if piece.is_empty() {
                self.link.gone(self.conn.take())?;
                return Err(cut("cut while receiving"));
            }
        }
        self.carried += piece.len() as u64;
        self.link.shared.net().tale.carry(&piece);
        Ok(Some(piece))
    }

    fn waited_ms(&self) -> u32 {
        let slow = self.link.shared.net().options.slow;
        let carrying_ms = (self.carried * 10).checked_div(slow).unwrap_or(0);
        u32::try_from(ROUND_TRIP_MS + carrying_ms).unwrap_or(u32::MAX)
    }

    fn whole(self, line: Line) {
        let end = match (self.conn, self.end) {
            (Some(mut conn), _) => loop {
                // The hub notes what it said.
                match self.link.answer(&mut conn) {
                    Ok(Some(_)) => {}
                    Ok(None) => break conn.into_end(),
                    Err(_) => break None,
                }
            },
            (None, end) => end,
        };
        if let Some(end) = &end
            && end.line != line
        {
            let speaker = self.link.speaker;
            self.link.shared.net().tale.broke(format!("{speaker} and the hub remember one connection differently"));
        }
        let past = planted::active(Defect::LineKept).then(|| line.clone());
        let open = end.map(|hub| Open { line: Some(line), hub });
        *self.link.kept.lock().unwrap_or_else(PoisonError::into_inner) = Connection { open, past };
    }
}

fn cut(detail: &str) -> LinkError {
    LinkError { ktg: Ktg::Cut, class: "cut", detail: detail.to_owned(), stale: false, reached: true }
}

/// Lets others go first, once.
pub fn give_way() -> impl Future<Output = ()> + Send {
    struct GiveWay(bool);
    impl Future for GiveWay {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
        }
    }
    GiveWay(false)
}
