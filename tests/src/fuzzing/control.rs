//! Requests on the control sockets: one line of JSON, from whoever owns the folder.

use kentongan_agent::command::{Command, on_store};
use kentongan_host::Lang;
use kentongan_hub::service::{
    Order, Request, calendar, complaint, conflict, enrolment, execute, office, quarantine, survey,
};
use serde_json::{Value, json};

use super::honest::{enter, exchange, member, pc};
use super::hub::{Hub, SARI};
use super::papers::desk;
use crate::sim::disk::{Disk, Image};

/// Slot of the disk of the office.
const DISK: u64 = 96;

/// A line to the agent: an answer or a failure in words, and the store goes on.
pub(super) fn agent_requests(data: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(command) = serde_json::from_value::<Command>(request) else { return };
    let mut store = self::office();
    for lang in [Lang::Id, Lang::En] {
        if let Err(failure) = on_store(&mut store, &command, lang) {
            drop(failure.to_json(lang));
        }
    }
    store.counts().expect("counted");
    store.opening(&super::honest::health(), 1 << 19).expect("an opening");
}

fn office() -> kentongan_agent::store::Store {
    thread_local! {
        static USED: std::cell::OnceCell<Image> = const { std::cell::OnceCell::new() };
    }
    let who = member(SARI, 0);
    USED.with(|used| {
        let image = used.get_or_init(|| {
            let mut store = pc(DISK, None, &who, 1);
            enter(&mut store, "Loket tutup sebelum jam dua");
            drop(store);
            Disk::at(DISK).borrow().image()
        });
        pc(DISK, Some(image), &who, 2)
    })
}

/// A line to the hub: as to the agent; what was refused has changed nothing.
pub(super) fn hub_requests(data: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(order) = serde_json::from_value::<Order>(request) else { return };
    let mut hub = Hub::in_memory();
    let mut store = self::office();
    exchange(&mut store, &mut hub, 1);
    let desk = desk(&hub);
    if let Err(failure) = hub.done(|tx, _| Ok(execute(tx, &desk, &order.request))) {
        drop((failure.to_json(Lang::Id), failure.to_json(Lang::En)));
    }
    hub.check_logs();
}

/// The complaint of that office.
fn first_record() -> String {
    let filter = kentongan_agent::store::QueueFilter { state: None, form: None, limit: 1 };
    self::office().queue(&filter).expect("listed")[0].record.to_string()
}

pub(super) fn agent_seeds() -> Vec<Vec<u8>> {
    let record = first_record();
    let values = json!({ "uraian": "Antre dari pagi", "kategori": "antrean", "kanal": "wa" });
    let commands = [
        json!({ "command": "status" }),
        json!({ "command": "queue-list", "state": "queued", "form": "pengaduan", "limit": 10 }),
        json!({ "command": "show", "record": record }),
        json!({ "command": "track", "code": "KTG-2222-22222-2" }),
        json!({ "command": "add", "form": "pengaduan", "author": "sari", "values": values }),
        json!({ "command": "edit", "record": record, "author": "sari", "values": { "kategori": "lainnya", "catatan": "x" } }),
        json!({ "command": "edit", "record": record, "author": "sari", "values": { "status": "selesai" } }),
    ];
    commands.iter().map(|command| command.to_string().into_bytes()).collect()
}

pub(super) fn hub_seeds() -> Vec<Vec<u8>> {
    let record = first_record();
    let (number, reason) = ("32.73.05.1001".to_owned(), "karena".to_owned());
    let mut requests = vec![
        Request::Status,
        Request::Enrol(enrolment::Request::Create {
            office: number.clone(),
            name: "Kelurahan Contoh".to_owned(),
            expires_ms: u64::MAX,
            asks: true,
            tag: "gelombang 1".to_owned(),
        }),
        Request::Enrol(enrolment::Request::List),
        Request::Enrol(enrolment::Request::Judge { number: 1, approved: true }),
        Request::Enrol(enrolment::Request::Revoke { number: 1 }),
    ];
    requests.extend(
        [
            office::Request::List {
                state: None,
                area: Some("32.73".to_owned()),
                noticed: true,
                program: Some("!0.1".to_owned()),
                tag: Some("ring 1".to_owned()),
            },
            office::Request::Fleet,
            office::Request::Show { office: number.clone() },
            office::Request::Import { offices: vec![(number.clone(), "Kelurahan Contoh".to_owned())] },
            office::Request::Pause { office: number.clone(), paused: true },
            office::Request::Revoke {
                replica: SARI.to_string(),
                reason: reason.clone(),
                valid_upto: vec![record.clone()],
            },
        ]
        .map(Request::Office),
    );
    requests.extend(
        [
            complaint::Request::List { office: Some(number.clone()), status: None, text: None, before: None, limit: 9 },
            complaint::Request::Show { record: record.clone() },
            complaint::Request::Forward { record: record.clone(), to: number, note: String::new() },
            complaint::Request::Answer { record: record.clone(), text: "Sudah.".to_owned() },
            complaint::Request::Move { record: record.clone(), to: "terverifikasi".to_owned(), reason: reason.clone() },
            complaint::Request::Add {
                record: record.clone(),
                what: complaint::Addition::Escalation { level: String::new(), reason: reason.clone() },
            },
            complaint::Request::Board { office: None, late: true },
            complaint::Request::ChooseLimits { name: "panrb62-1".to_owned() },
            complaint::Request::Close { record: record.clone(), reason: reason.clone() },
            complaint::Request::Set {
                record: record.clone(),
                fields: vec![("kategori".to_owned(), "antrean".to_owned())],
            },
        ]
        .map(Request::Complaint),
    );
    let holidays = "date,kind,name,source,area\n2027-03-10,libur,Idulfitri,SKB,\n2026-11-25,tutup,Banjir,SK,32.73\n";
    let (from, office) = ("2026-11-20".to_owned(), "32.73.05.1001".to_owned());
    requests.extend(
        [
            calendar::Request::Import { text: holidays.to_owned() },
            calendar::Request::Due { office, from, days: 60, week_days: Some(6) },
        ]
        .map(Request::Calendar),
    );
    let (from, to) = ("2026-01-01".to_owned(), "2026-12-31".to_owned());
    let sums = survey::Request::Sums { from, to, area: Some("32.73".to_owned()), after: 0 };
    requests.push(Request::Survey(sums));
    let take = "1".to_owned();
    let decide = conflict::Request::Resolve {
        record: record.clone(),
        group: None,
        take,
        values: Vec::new(),
        reason: reason.clone(),
    };
    requests.extend([conflict::Request::List { office: None }, decide].map(Request::Conflict));
    requests.push(Request::Quarantine(quarantine::Request::Release { op: record, reason }));
    let order = |request| Order { actor: "fuzz".to_owned(), request };
    requests.into_iter().map(|request| serde_json::to_vec(&order(request)).expect("JSON")).collect()
}
