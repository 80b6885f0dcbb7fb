//! Open311 GeoReport v2: the citizens' applications that exist can file complaints and ask after them.
//!
//! | request                                  | key                | what it is here                                     |
//! |------------------------------------------|--------------------|-----------------------------------------------------|
//! | `GET /open311/v2/services`               | none               | the categories of the complaint form                |
//! | `POST /open311/v2/requests`              | `complaints:write` | a complaint; its receipt code is the request's id   |
//! | `GET /open311/v2/requests/{code}`        | none, rate-limited | where it stands; neither its words nor any name     |
//!
//! Each with `.json` or `.xml` at the end. `jurisdiction_id` is the code of an office; without one the office counts that
//! `public.open311_office` names.

use std::collections::BTreeMap;
use std::fmt::Write;

use hyper::header::RETRY_AFTER;
use hyper::{Method, StatusCode};
use kentongan_host::{Failure, Lang, moment};
use kentongan_protocol::form::builtin::{self, pengaduan};
use kentongan_protocol::form::{Choice, Field};
use kentongan_protocol::receipt::ReceiptCode;
use kentongan_web::{Asked, Fields, Reply};
use serde_json::{Map, Value, json};

use super::Outside;
use crate::service::track::{Tracked, track};
use crate::service::{filing, key};

/// Where it begins.
pub(super) const ROOT: &str = "/open311/v2";
/// Largest form.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// The field of the form whose choices are the services.
const CATEGORY: &str = "kategori";
/// Statuses at which a request is closed.
const CLOSED: [&str; 2] = ["selesai", "arsip"];

/// In which form it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Xml,
}

/// What went wrong: a status and a sentence.
type Wrong = (StatusCode, String);

/// Answers a request whose path, without the root, is `path`.
pub(super) async fn answer(outside: &Outside, asked: Asked, path: &str) -> Reply {
    let (path, format) = match path.rsplit_once('.') {
        Some((path, "json")) => (path, Format::Json),
        Some((path, "xml")) => (path, Format::Xml),
        _ => return Reply::not_found(),
    };
    let lang = if asked.query.text("locale").starts_with("en") { Lang::En } else { Lang::Id };
    let (root, item, done) = match (&asked.method, path.trim_matches('/').split_once('/')) {
        (&Method::GET, None) if path == "/services" => ("services", "service", Ok(services(lang))),
        (&Method::POST, None) if path == "/requests" => ("service_requests", "request", file(outside, asked).await),
        (&Method::GET, Some(("requests", code))) => {
            ("service_requests", "request", look(outside, &asked, code, lang).await)
        }
        (_, None) if path == "/services" => return Reply::not_allowed("GET"),
        (_, None) if path == "/requests" => return Reply::not_allowed("POST"),
        _ => return Reply::not_found(),
    };
    match done {
        Ok(items) => written(format, root, item, &items, StatusCode::OK),
        Err((status, description)) => {
            let error = json!({ "code": status.as_u16(), "description": description });
            let reply = written(format, "errors", "error", &[error], status);
            if status == StatusCode::TOO_MANY_REQUESTS { reply.with(RETRY_AFTER, "60") } else { reply }
        }
    }
}

fn category() -> Option<&'static Field> {
    builtin::by_tag(pengaduan::TAG)?.field_named(CATEGORY)
}

fn services(lang: Lang) -> Vec<Value> {
    let service = |choice: &Choice| {
        json!({
            "service_code": choice.code,
            "service_name": choice.label.in_lang(lang),
            "description": choice.label.in_lang(lang),
            "metadata": false,
            "type": "realtime",
            "keywords": "",
            "group": "",
        })
    };
    category().map(Field::choices).unwrap_or_default().iter().map(service).collect()
}

async fn file(outside: &Outside, asked: Asked) -> Result<Vec<Value>, Wrong> {
    let address = outside.address(&asked);
    let body = asked.body(BODY_BYTES_MAX).await;
    let body = body.map_err(|_| (StatusCode::BAD_REQUEST, "The form did not arrive whole, or is too large.".into()))?;
    let form = Fields::of_text(&String::from_utf8_lossy(&body));
    let shown = form.text("api_key").to_owned();
    let held = outside.key(&shown).await.map_err(trouble)?;
    let Some(key) = held.filter(|key| key::allows(key, "complaints:write")) else {
        outside.may_ask(address).map_err(|_| (StatusCode::TOO_MANY_REQUESTS, "Too often.".to_owned()))?;
        return Err((StatusCode::FORBIDDEN, "api_key: none, or one that does not allow complaints:write".to_owned()));
    };
    let office = match form.text("jurisdiction_id") {
        "" => outside.serving.config().open311_office.clone(),
        office => office.to_owned(),
    };
    if office.is_empty() {
        return Err((StatusCode::BAD_REQUEST, "jurisdiction_id: the code of an office".to_owned()));
    }
    let fields = fields(&form)?;
    let desk = outside.serving.desk(&format!("api:{}", key.name));
    let filed = outside.serving.store.run(move |tx| filing::file(tx, &desk, &office, &fields));
    let filed = filed.await.map_err(|failure| match failure.source {
        None => (StatusCode::BAD_REQUEST, failure.sentence(Lang::En)),
        Some(_) => trouble(failure),
    })?;
    Ok(vec![json!({ "service_request_id": filed.code.to_string(), "service_notice": "", "account_id": "" })])
}

fn trouble(failure: impl Into<Failure>) -> Wrong {
    let failure: Failure = failure.into();
    tracing::error!(ev = "open311.failed", error = %failure, "a request could not be answered");
    (StatusCode::SERVICE_UNAVAILABLE, "The hub has trouble; ask again later.".to_owned())
}

/// A request's form as the fields of a complaint.
fn fields(form: &Fields) -> Result<BTreeMap<String, String>, Wrong> {
    let service = form.text("service_code");
    if category().and_then(|field| field.choice_coded(service)).is_none() {
        return Err((StatusCode::BAD_REQUEST, "service_code: one of /services".to_owned()));
    }
    let mut place: Vec<String> = [form.text("address_string"), form.text("address_id")].map(str::to_owned).into();
    if form.has("lat") && form.has("long") {
        place.push(format!("{}, {}", form.text("lat"), form.text("long")));
    }
    place.retain(|part| !part.trim().is_empty());
    let name = format!("{} {}", form.text("first_name"), form.text("last_name"));
    let telephone: String = form.text("phone").chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    let all = [
        (CATEGORY, service),
        ("kanal", "lainnya"),
        ("uraian", form.text("description")),
        ("lokasi", &place.join("; ")),
        ("nama_pelapor", name.trim()),
        ("telepon_pelapor", &telephone),
    ];
    Ok(all.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
}

async fn look(outside: &Outside, asked: &Asked, code: &str, lang: Lang) -> Result<Vec<Value>, Wrong> {
    let address = outside.address(asked);
    let too_often = |_| (StatusCode::TOO_MANY_REQUESTS, "Too often.".to_owned());
    outside.may_ask(address).map_err(too_often)?;
    let unknown = || (StatusCode::NOT_FOUND, "There is no such request here yet.".to_owned());
    let code: ReceiptCode = code.parse().map_err(|_| unknown())?;
    outside.may_look_up(address).map_err(too_often)?;
    let desk = outside.serving.desk("public");
    let found = outside.serving.store.run(move |tx| track(tx, &desk, code)).await.map_err(trouble)?;
    let Some(tracked) = found else {
        outside.missed(address);
        return Err(unknown());
    };
    Ok(vec![request(&tracked, lang)])
}

fn request(tracked: &Tracked, lang: Lang) -> Value {
    let status = if CLOSED.contains(&tracked.status.code.as_str()) { "closed" } else { "open" };
    let agency = tracked.responsible.as_ref().or(tracked.received_by.as_ref());
    json!({
        "service_request_id": tracked.code,
        "status": status,
        "status_notes": tracked.status.in_lang(lang),
        "agency_responsible": agency.cloned().unwrap_or_default(),
        "requested_datetime": moment::text(tracked.received_at),
        "updated_datetime": moment::text(tracked.changed_at),
        "expected_datetime": tracked.next.as_ref().map(|next| format!("{}T23:59:59+07:00", next.by)).unwrap_or_default(),
    })
}

fn written(format: Format, root: &str, item: &str, items: &[Value], status: StatusCode) -> Reply {
    match format {
        Format::Json => {
            Reply::file("application/json; charset=utf-8", json!(items).to_string().into_bytes()).but(status)
        }
        Format::Xml => {
            let mut xml = format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<{root}>\n");
            for fields in items.iter().filter_map(Value::as_object) {
                element(&mut xml, item, fields);
            }
            // Writing to a string does not fail.
            let _ = writeln!(xml, "</{root}>");
            Reply::file("text/xml; charset=utf-8", xml.into_bytes()).but(status)
        }
    }
}

fn element(xml: &mut String, name: &str, fields: &Map<String, Value>) {
    let _ = writeln!(xml, "  <{name}>");
    for (field, value) in fields {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = writeln!(xml, "    <{field}>{}</{field}>", escaped(&text));
    }
    let _ = writeln!(xml, "  </{name}>");
}

/// As it may stand between two tags. Characters that XML does not have are left out.
fn escaped(text: &str) -> String {
    let known = text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'));
    let text: String = known.filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}')).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_of_open311_becomes_the_fields_of_a_complaint() {
        let form = "service_code=infrastruktur&description=Jembatan+rusak&lat=-6.9&long=107.6&address_string=Jl.+Raya\
                    &first_name=Tini&phone=%2B62+812-000";
        let fields = fields(&Fields::of_text(form)).expect("fields");
        assert_eq!(fields["kategori"], "infrastruktur");
        assert_eq!(fields["lokasi"], "Jl. Raya; -6.9, 107.6");
        assert_eq!((fields["nama_pelapor"].as_str(), fields["telepon_pelapor"].as_str()), ("Tini", "+62812000"));
        assert!(super::fields(&Fields::of_text("service_code=pothole&description=x")).is_err());
    }

    #[test]
    fn xml_holds_whatever_a_text_holds() {
        assert_eq!(escaped("<a & b>\u{0}\n"), "&lt;a &amp; b&gt;\n");
        assert_eq!(services(Lang::Id).len(), 15);
    }
}
