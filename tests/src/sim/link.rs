//! The network between an office PC and the hub: it loses, cuts, delays and repeats.
//!
//! A call gives way at every step, so that other calls, people and accidents come in between.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use kentongan_agent::sync::{Answer, Carrier};
use kentongan_agent::transport::LinkError;
use kentongan_host::ktg::Ktg;
use kentongan_protocol::ids::ReplicaId;

use super::hubside::{Conn, HubHost, Stop};
use super::plan::{Options, stream};
use super::tale::Tale;
use crate::Dice;

/// Requests of the past that are kept to arrive again.
const PAST_MAX: usize = 24;

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
        let mut net = self.net();
        let Net { hub, tale, .. } = &mut *net;
        let mut conn = hub.connect(speaker, dice).ok()?;
        let answer = (|| {
            hub.receive(&mut conn, request)?;
            let mut reply = hub.first_part(&mut conn, tale)?;
            while let Some(part) = hub.next_part(&mut conn)? {
                reply.extend(part);
            }
            Ok(reply)
        })();
        match answer {
            Ok(reply) => Some(reply),
            Err(stop) => HubHost::refused(&stop),
        }
    }
}

/// The link of one PC.
#[derive(Debug, Clone)]
pub struct Link {
    /// The network.
    pub shared: Shared,
    /// Whose certificate is shown.
    pub speaker: ReplicaId,
    /// Dice of the next exchanges.
    pub dice: Arc<Mutex<Dice>>,
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

    async fn exchange(&self, request: Vec<u8>) -> Result<Reply, LinkError> {
        let mut dice = {
            let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
            stream(dice.number(), 7)
        };
        let fate = self.begin(&request, &mut dice);
        give_way().await;
        let whole = match fate {
            Fate::Lost => return Err(cut("no connection")),
            Fate::Stranger => return Ok(Reply::stranger(self.clone())),
            Fate::CutUp(share, late) => {
                if late {
                    self.shared.net().late.push((self.speaker, request.clone()));
                }
                Some(request.len() * share / 1000)
            }
            Fate::Well | Fate::CutDown(_) => None,
        };
        let mut conn = self.shared.net().hub.connect(self.speaker, &mut dice).map_err(|_| cut("refused"))?;
        let sent = request.get(..whole.unwrap_or(request.len())).unwrap_or_default();
        let piece = [sent.len().max(1), 1400, 300][dice.below(3) as usize];
        for piece in sent.chunks(piece) {
            let received = self.shared.net().hub.receive(&mut conn, piece);
            if let Err(stop) = received {
                return self.refused(stop);
            }
            give_way().await;
        }
        if whole.is_some() {
            return Err(cut("cut while sending"));
        }
        let first = {
            let mut net = self.shared.net();
            let Net { hub, tale, .. } = &mut *net;
            hub.first_part(&mut conn, tale)
        };
        let first = match first {
            Ok(first) => first,
            Err(stop) => return self.refused(stop),
        };
        give_way().await;
        let left = match fate {
            Fate::CutDown(0) => return Err(cut("no answer")),
            Fate::CutDown(share) => Some(first.len() * share / 1000),
            _ => None,
        };
        Ok(Reply { link: self.clone(), conn: Some(conn), part: first, left, piece: piece.max(64) })
    }
}

impl Link {
    fn begin(&self, request: &[u8], dice: &mut Dice) -> Fate {
        let mut net = self.shared.net();
        net.exchanges += 1;
        net.tale.carry(request);
        net.past.push((self.speaker, request.to_vec()));
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

    fn refused(&self, stop: Stop) -> Result<Reply, LinkError> {
        let speaker = self.speaker;
        self.shared.net().tale.tell(|| format!("   the hub to {speaker}: {stop:?}"));
        match HubHost::refused(&stop) {
            Some(part) => Ok(Reply { link: self.clone(), conn: None, part, left: None, piece: 4096 }),
            None => Err(cut("the hub is gone")),
        }
    }
}

/// An answer under way.
pub struct Reply {
    link: Link,
    conn: Option<Conn>,
    part: Vec<u8>,
    /// Bytes until the cut.
    left: Option<usize>,
    piece: usize,
}

impl Reply {
    fn stranger(link: Link) -> Reply {
        let part = b"<html><body>Silakan masuk ke jaringan tamu</body></html>".to_vec();
        Reply { link, conn: None, part, left: None, piece: 4096 }
    }
}

impl Answer for Reply {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        give_way().await;
        while self.part.is_empty() {
            let Some(conn) = &mut self.conn else { return Ok(None) };
            match self.link.shared.net().hub.next_part(conn) {
                Ok(Some(part)) => self.part = part,
                Ok(None) => return Ok(None),
                Err(_) => return Err(cut("cut by the hub")),
            }
        }
        let mut piece: Vec<u8> = self.part.drain(..self.piece.min(self.part.len())).collect();
        if let Some(left) = &mut self.left {
            piece.truncate(*left);
            *left -= piece.len();
            if piece.is_empty() {
                return Err(cut("cut while receiving"));
            }
        }
        self.link.shared.net().tale.carry(&piece);
        Ok(Some(piece))
    }

    fn waited_ms(&self) -> u32 {
        40
    }
}

fn cut(detail: &str) -> LinkError {
    LinkError { ktg: Ktg::Cut, class: "cut", detail: detail.to_owned() }
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
