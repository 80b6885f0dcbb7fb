//! What honest programs say, for inputs to begin from: made by the product itself, so that they follow the wire.

use std::sync::{Arc, LazyLock};

use kentongan_agent::entry::NewRecord;
use kentongan_agent::store::{Health, Machine, Member, Store};
use kentongan_host::clock::ManualClock;
use kentongan_protocol::attachment::ContentHash;
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::{FieldTag, GroupTag, Value};
use kentongan_protocol::ids::ReplicaId;
use kentongan_protocol::receipt::Prefix;
use kentongan_protocol::session::agent::Session;

use super::hub::{HUB, Hub, NOW_MS};
use super::updates;
use crate::Dice;
use crate::sim::disk::{Disk, Image, NAME, register};
use crate::sim::world::{key, office_code};

/// Slot of the disk of offices' PCs.
const DISK: u64 = 90;
const STORE: &str = "store.db";

/// Value of a complaint's field.
pub(super) type Filled = (GroupTag, FieldTag, Value);

/// The fields that a complaint must have.
pub(super) fn complaint(text: &str) -> [Filled; 3] {
    [
        (pengaduan::group::URAIAN, 21, Value::Text(text.to_owned())),
        (pengaduan::group::KATEGORI, 31, Value::One(1)),
        (pengaduan::group::KANAL, 91, Value::One(1)),
    ]
}

/// A PC of the office at `place`.
pub(super) fn member(replica: ReplicaId, place: usize) -> Member {
    Member {
        replica,
        office: office_code(place).parse().expect("a code"),
        office_name: "Kelurahan Contoh".to_owned(),
        prefix: Prefix::new(u32::try_from(replica.0 % 1000).expect("small")).expect("a prefix"),
        hub_url: "https://pusat.example:8743".to_owned(),
        hub_replica: HUB,
    }
}

/// A folder on a disk in memory, as a new process of this number opens it.
pub(super) fn pc(disk: u64, image: Option<&Image>, member: &Member, life: u64) -> Store {
    thread_local! {
        static EMPTY: std::cell::OnceCell<Image> = const { std::cell::OnceCell::new() };
    }
    register();
    Disk::insert(disk);
    let mut dice = Dice::new(member.replica.0 << 8 | life);
    let machine =
        Machine { clock: Arc::new(ManualClock::at(NOW_MS)), boot: 1, random: Box::new(move || dice.number()) };
    let path = Disk::path(disk, STORE);
    EMPTY.with(|empty| {
        if let Some(image) = image.or(empty.get()) {
            Disk::at(disk).borrow_mut().put_image(image);
        }
        let mut store = Store::open_on(NAME, &path, machine).expect("opens");
        let _ = empty.get_or_init(|| Disk::at(disk).borrow().image());
        store.join(member).expect("joins");
        store
    })
}

/// Enters a complaint.
pub(super) fn enter(store: &mut Store, text: &str) {
    let writes = complaint(text).map(|(group, field, value)| (group, [(field, value)].into())).to_vec();
    store.enter(&NewRecord { form: pengaduan::TAG, author: "sari".to_owned(), writes }).expect("entered");
}

/// What every greeting says.
pub(super) fn health() -> Health {
    Health { free_bytes: 1 << 30, program: updates::spoken(1) }
}

/// One exchange; request and reply.
pub(super) fn exchange(store: &mut Store, hub: &mut Hub, key_number: u8) -> [Vec<u8>; 2] {
    exchange_fetching(store, hub, key_number, None)
}

/// One in which a part of an update is asked for.
fn exchange_fetching(
    store: &mut Store,
    hub: &mut Hub,
    key_number: u8,
    part: Option<(ContentHash, u32)>,
) -> [Vec<u8>; 2] {
    let opening = store.opening(&health(), 1 << 19).expect("an opening");
    let speaker = ReplicaId::from_bytes(opening.hello.replica);
    let mut session = Session::new(opening);
    session.fetch(part);
    let request = session.request(&mut store.outbox(&key(key_number))).expect("a request");
    let reply = hub.serve(speaker, &request).expect("an honest request");
    for event in session.receive(&reply).expect("an honest reply") {
        store.apply(event, None).expect("applied");
    }
    let (outcome, _) = session.finish().expect("whole");
    store.end_exchange(Ok(&outcome)).expect("noted");
    [request, reply]
}

/// Requests and replies of exchanges in which much happens: first contact, an answer, a folder that was lost, a hub that
/// forgot, a part of an update.
pub(super) fn streams() -> &'static [Vec<u8>] {
    static STREAMS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let mut streams = Vec::new();
        let mut hub = Hub::in_memory();
        let mut forgetful = Hub::in_memory();
        let who = member(super::hub::SARI, 0);
        let mut sari = pc(DISK, None, &who, 1);
        enter(&mut sari, "Antre dari pagi; baru dipanggil siang");
        enter(&mut sari, &"Jalan berlubang dekat pasar. ".repeat(30));
        streams.extend(exchange(&mut sari, &mut hub, 1));
        hub.answer("Sudah kami perbaiki.");
        streams.extend(exchange(&mut sari, &mut hub, 1));
        streams.extend(exchange(&mut sari, &mut forgetful, 1));
        streams.extend(exchange(&mut sari, &mut forgetful, 1));
        streams.extend(exchange_fetching(&mut sari, &mut hub, 1, Some((updates::AT_HUB[0].hash, 100))));
        let mut lost = pc(DISK + 1, None, &who, 2);
        streams.extend(exchange(&mut lost, &mut hub, 1));
        streams.extend(exchange(&mut lost, &mut hub, 1));
        streams.sort();
        streams.dedup();
        streams
    });
    &STREAMS
}
