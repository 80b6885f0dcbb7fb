//! The kiosk's own door, on the office's network: the page that a tablet shows, and what it hands over.
//!
//! - Another listener than the office's page, with another map: nothing of the office can be asked for here at all.
//! - No cookies. A tablet is known by the key that it was given when it was paired, in a header that no other site's page
//!   can send. Whoever reads the office's network can read that key, too: on plain HTTP a browser offers nothing better.
//!   With it, answers can be handed over, and nothing else.
//! - The page is whole once it is there: it asks for nothing more, so it goes on while this PC is off, as long as nobody
//!   reloads it. Browsers keep no page for later without HTTPS. What was answered lies in the tablet's storage.

mod staff;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use askama::Template;
use hyper::header::HeaderName;
use hyper::{Method, StatusCode};
use kentongan_host::Lang;
use kentongan_host::enrolment::{from_hex, to_hex};
use kentongan_host::fail::Failure;
use kentongan_protocol::form::builtin::{skm, suara};
use kentongan_protocol::form::{Field, FieldType, Form, Label, builtin};
use kentongan_web::listener;
use kentongan_web::{Asked, Asset, Guard, Limits, Reply, Site};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use super::Open;
use super::route::called;
use super::shell::{self, ASSETS};
use super::words as said;
use crate::agent::Agent;
use crate::kiosk::{ABOUT_RESPONDENT, ANSWERS_MAX, Leaving, Told};
use crate::store::Kiosk as Tablet;

pub(super) use staff::{rule, show};

/// Largest message of a tablet, in bytes.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Tablets and their connections.
const CONNECTIONS: usize = 32;
/// The header with a tablet's key.
const KEY: HeaderName = HeaderName::from_static("x-kios");
/// Answers that a tablet keeps while it cannot hand over, at most.
const KEPT_MAX: u32 = 500;

/// Opens the kiosk, if the settings ask for it. That it cannot be opened is told and no failure.
pub(super) async fn open(agent: &Arc<Agent>) -> Option<Open> {
    let settings = agent.settings();
    let address = settings.text("kiosk", "listen");
    if address.is_empty() {
        return None;
    }
    let bound = TcpListener::bind(address).await.and_then(|socket| Ok((seen_at(socket.local_addr()?), socket)));
    let (seen, socket) = match bound {
        Ok(bound) => bound,
        Err(error) => {
            tracing::error!(ev = "kiosk.not_opened", address, %error, "the kiosk cannot be opened");
            return None;
        }
    };
    agent.note_kiosk(format!("http://{seen}/"));
    tracing::info!(ev = "kiosk.opened", address = %seen, "the kiosk is open on the office's network");
    let site = Arc::new(Kiosk { agent: Arc::clone(agent), own: seen.ip() });
    let limits = Limits { connections: CONNECTIONS, ..Limits::default() };
    let task = tokio::spawn(listener::serve(socket, Guard::open(), site, limits));
    Some(Open(task.abort_handle()))
}

/// Where a tablet finds what listens at `bound`: of all addresses of this PC, the one it reaches others by.
fn seen_at(bound: SocketAddr) -> SocketAddr {
    let outward = || {
        // Nothing is sent: the system only chooses the way.
        let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
        socket.connect("192.0.2.1:9").ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    let ip = if bound.ip().is_unspecified() { outward().unwrap_or(bound.ip()) } else { bound.ip() };
    SocketAddr::new(ip, bound.port())
}

/// Whether an address is of an office's network: a private one, or one beside this PC's own.
fn is_near(peer: IpAddr, own: IpAddr) -> bool {
    match (peer.to_canonical(), own.to_canonical()) {
        (IpAddr::V4(peer), own) => {
            let beside = matches!(own, IpAddr::V4(own) if own.octets()[..3] == peer.octets()[..3]);
            peer.is_private() || peer.is_loopback() || peer.is_link_local() || beside
        }
        (IpAddr::V6(peer), own) => {
            let beside = matches!(own, IpAddr::V6(own) if own.octets()[..8] == peer.octets()[..8]);
            peer.is_loopback() || peer.is_unique_local() || peer.is_unicast_link_local() || beside
        }
    }
}

/// The kiosk.
struct Kiosk {
    agent: Arc<Agent>,
    /// This PC's own address in the office's network.
    own: IpAddr,
}

#[derive(Debug, Template)]
#[template(path = "kiosk.html")]
struct Page<'a> {
    style: &'a str,
    script: &'a str,
    icon: &'a str,
    office: String,
    /// Everything that the script shows, in both languages.
    content: String,
    no_script: [&'static str; 2],
}

impl Site for Kiosk {
    async fn answer(&self, asked: Asked) -> Reply {
        if !is_near(asked.peer, self.own) {
            return Reply::text("403\n").but(StatusCode::FORBIDDEN);
        }
        let (path, method) = (asked.path.clone(), asked.method.clone());
        let answered = match (path.as_str(), method) {
            ("/", Method::GET) => self.page().await,
            ("/pasang", Method::POST) => self.pair(asked).await,
            ("/serah", Method::POST) => self.take(asked).await,
            ("/lepas", Method::POST) => self.leave(asked).await,
            (path, Method::GET) => return asset(path),
            _ => return Reply::not_allowed("GET"),
        };
        answered.unwrap_or_else(|failure| {
            self.agent.notice(&failure);
            tracing::warn!(ev = "kiosk.failed", error = %failure, "a tablet could not be served");
            // It keeps what it has, and comes again.
            Reply::text("503\n").but(StatusCode::SERVICE_UNAVAILABLE)
        })
    }
}

fn asset(path: &str) -> Reply {
    let files = [&ASSETS.kiosk_style, &ASSETS.kiosk_script, &ASSETS.icon];
    Asset::asked(path, files).unwrap_or_else(Reply::not_found)
}

impl Kiosk {
    async fn page(&self) -> Result<Reply, Failure> {
        let office = self.agent.ask(|store| Ok(store.member().map(called))).await?.unwrap_or_default();
        let settings = self.agent.settings();
        let ms = |key| u64::try_from(settings.duration("kiosk", key).as_millis()).unwrap_or(u64::MAX);
        let content = json!({
            "jeda_ms": ms("min_interval"),
            "kembali_ms": ms("reset_after"),
            "simpan": KEPT_MAX,
            "sekali": ANSWERS_MAX,
            "kata": { "id": words(Lang::Id), "en": words(Lang::En) },
            "wajah": question(suara::TAG, "nilai"),
            "perbaiki": question(suara::TAG, "perbaiki"),
            "unsur": skm::ELEMENTS.map(|(name, _)| question(skm::TAG, name)),
            "responden": ABOUT_RESPONDENT.map(|name| question(skm::TAG, name)),
        });
        Ok(shell::page(&Page {
            style: &ASSETS.kiosk_style.name,
            script: &ASSETS.kiosk_script.name,
            icon: &ASSETS.icon.name,
            office,
            content: content.to_string(),
            no_script: [Lang::Id, Lang::En].map(|lang| said::words(lang).t("kios.tanpa_skrip")),
        }))
    }

    /// A tablet shows the code that it was told, and is given a key.
    async fn pair(&self, asked: Asked) -> Result<Reply, Failure> {
        let Some(message) = message(asked).await else { return Ok(broken()) };
        let text = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        match self.agent.pair_kiosk(&text("kode"), text("nama")).await {
            Ok(Some(key)) => Ok(document(&json!({ "kunci": key }))),
            Ok(None) => Ok(document(&json!({})).but(StatusCode::FORBIDDEN)),
            Err(failure) if failure.exit == kentongan_host::Exit::Usage => {
                Ok(document(&json!({})).but(StatusCode::UNPROCESSABLE_ENTITY))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Somebody at a tablet wants to leave the kiosk.
    async fn leave(&self, asked: Asked) -> Result<Reply, Failure> {
        let Some(kiosk) = self.kiosk_of(&asked).await? else {
            return Ok(document(&json!({})).but(StatusCode::UNAUTHORIZED));
        };
        let Some(message) = message(asked).await else { return Ok(broken()) };
        let pin = message.get("pin").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        Ok(match self.agent.leave_kiosk(kiosk.id, pin).await? {
            Leaving::Gone => document(&json!({})),
            Leaving::Refused => document(&json!({})).but(StatusCode::FORBIDDEN),
            Leaving::Waits(seconds) => document(&json!({ "tunggu": seconds })).but(StatusCode::TOO_MANY_REQUESTS),
        })
    }

    /// The tablet that asks.
    async fn kiosk_of(&self, asked: &Asked) -> Result<Option<Tablet>, Failure> {
        self.agent.kiosk_of_key(asked.header(&KEY).unwrap_or_default()).await
    }

    /// A tablet hands answers over. It is told of each whether it need keep it.
    async fn take(&self, asked: Asked) -> Result<Reply, Failure> {
        let Some(kiosk) = self.kiosk_of(&asked).await? else {
            return Ok(document(&json!({})).but(StatusCode::UNAUTHORIZED));
        };
        let Some(message) = message(asked).await else { return Ok(broken()) };
        let Some(told) = answers(&message) else { return Ok(broken()) };
        match self.agent.take_told(kiosk, told).await? {
            Some(taken) => {
                let done: Vec<String> = taken.here.iter().chain(&taken.refused).map(|id| to_hex(id)).collect();
                Ok(document(&json!({ "selesai": done })))
            }
            None => Ok(document(&json!({})).but(StatusCode::TOO_MANY_REQUESTS)),
        }
    }
}

async fn message(asked: Asked) -> Option<Value> {
    let body = asked.body(MESSAGE_BYTES_MAX).await.ok()?;
    serde_json::from_slice(&body).ok()
}

fn broken() -> Reply {
    Reply::text("400\n").but(StatusCode::BAD_REQUEST)
}

fn document(value: &Value) -> Reply {
    Reply::file("application/json", value.to_string().into_bytes())
}

/// What a tablet tells; `None`: it is no message of ours. Each answer has its age by the tablet's own clock, which need not
/// be right for that.
fn answers(message: &Value) -> Option<Vec<Told>> {
    let now_ms = message.get("kini")?.as_i64()?;
    let answers = message.get("jawaban")?.as_array().filter(|answers| answers.len() <= ANSWERS_MAX)?;
    let told = |answer: &Value| {
        let values = answer.get("nilai")?.as_object()?;
        Some(Told {
            id: from_hex(answer.get("id")?.as_str()?)?.try_into().ok()?,
            form: answer.get("formulir")?.as_str()?.to_owned(),
            age_ms: now_ms.saturating_sub(answer.get("saat")?.as_i64()?),
            values: values
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect(),
        })
    };
    answers.iter().map(told).collect()
}

fn words(lang: Lang) -> Map<String, Value> {
    let words = said::words(lang);
    let ours = said::keys().filter_map(|key| Some((key.strip_prefix("kios.")?.to_owned(), json!(words.find(key)?))));
    ours.collect()
}

fn question(form: u16, name: &str) -> Value {
    let form: Option<&Form> = builtin::by_tag(form);
    let Some(field) = form.and_then(|form| form.field_named(name)) else { return Value::Null };
    let both = |label: &Label| json!({ "id": label.id, "en": label.en });
    let choices = field.choices().iter().map(|choice| json!({ "kode": choice.code, "label": both(&choice.label) }));
    json!({ "nama": field.name, "label": both(&field.label), "pilihan": choices.collect::<Vec<_>>(), "angka": is_number(field) })
}

fn is_number(field: &Field) -> bool {
    matches!(field.kind, FieldType::Whole { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_offices_network_is_near() {
        let near = |peer: &str, own: &str| is_near(peer.parse().expect("an address"), own.parse().expect("an address"));
        for peer in ["192.168.1.7", "10.0.0.1", "172.16.9.9", "127.0.0.1", "169.254.1.1", "::1", "fe80::1", "fd00::1"] {
            assert!(near(peer, "192.168.1.2"), "{peer}");
        }
        for far in ["8.8.8.8", "172.32.0.1", "2001:db8::1", "::ffff:8.8.8.8"] {
            assert!(!near(far, "192.168.1.2"), "{far}");
        }
        // Some offices number their own network as if it were the internet.
        assert!(near("203.0.113.7", "203.0.113.200") && !near("203.0.114.7", "203.0.113.200"));
        assert!(near("::ffff:203.0.113.7", "203.0.113.200"));
        assert!(near("2001:db8::7", "2001:db8::1") && !near("2001:db8:1::7", "2001:db8::1"));
    }

    #[test]
    fn a_message_is_ours_or_none() {
        let good = json!({ "kini": 5_000, "jawaban": [
            { "id": "00".repeat(16), "formulir": "suara", "saat": 2_000, "nilai": { "nilai": "3", "x": 7 } },
        ] });
        let told = answers(&good).expect("ours");
        assert_eq!((told[0].age_ms, told[0].values.len()), (3_000, 1));
        let mut many = good.clone();
        many["jawaban"] = json!(vec![good["jawaban"][0].clone(); ANSWERS_MAX + 1]);
        for bad in [json!({}), json!([]), many, json!({ "kini": 1, "jawaban": [{ "id": "00" }] })] {
            assert_eq!(answers(&bad), None);
        }
    }

    #[test]
    fn a_tablet_is_given_every_question_and_word_it_shows() {
        for (form, name) in skm::ELEMENTS.iter().map(|(name, _)| (skm::TAG, *name)).chain([(suara::TAG, "nilai")]) {
            assert_eq!(question(form, name)["pilihan"].as_array().map(Vec::len), Some(4), "{name}");
        }
        assert!(ABOUT_RESPONDENT.iter().all(|name| question(skm::TAG, name).is_object()));
        let script = include_str!("../assets/kios.js");
        let known = words(Lang::Id);
        let asked: Vec<&str> = script.split("kata('").skip(1).filter_map(|rest| rest.split('\'').next()).collect();
        assert!(asked.len() > 15 && asked.iter().all(|key| known.contains_key(*key)), "{asked:?}");
    }
}
