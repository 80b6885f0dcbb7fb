//! The API for programs: `/api/v1`, JSON, a key for whoever asks.
//!
//! ```text
//!   request ── table (which operation?) ── key (may it?) ── body, parameters ── one transaction ── answer
//!                                                                                  └─ remembered under its Idempotency-Key
//! ```
//!
//! What an operation takes and gives stands in `shapes`, which operations there are in `table`; `openapi` writes the document
//! of both. An operation is done by the services that commands and pages use.

mod fleet;
mod openapi;
mod problem;
mod shape;
mod shapes;
mod table;
mod work;

use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderName, IF_MATCH};
use hyper::{Method, StatusCode};
use kentongan_host::Lang;
use kentongan_host::output::in_lang;
use kentongan_web::{Asked, Reply, Unreadable};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::public::Outside;
use crate::service::key;
use crate::store::{ApiKey, REMEMBERED_MS, Remembered, StoreError, Tx};
pub(crate) use openapi::DOCUMENT;
use problem::Wrong;
use table::{Call, Given, OPERATIONS, Operation, ParamKind};

/// Where it begins.
pub(crate) const ROOT: &str = "/api/v1";
/// Largest body.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// Longest name of a request.
const REQUEST_NAME_MAX: usize = 200;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Answers a request whose path, without the root, is `path`.
pub(crate) async fn answer(outside: &Outside, asked: Asked, path: &str) -> Reply {
    if path == "/openapi.json" && asked.method == Method::GET {
        return Reply::file("application/json", DOCUMENT.clone().into_bytes());
    }
    match answered(outside, asked, path).await {
        Ok(given) => {
            let status = StatusCode::from_u16(given.status).unwrap_or(StatusCode::OK);
            let reply = Reply::file("application/json", given.body.to_string().into_bytes()).but(status);
            match &given.tag {
                Some(tag) => reply.tagged(tag),
                None => reply,
            }
        }
        Err(Refused::Wrong(wrong)) => wrong.into_reply(),
        Err(Refused::Method(allowed)) => {
            Wrong::new(StatusCode::METHOD_NOT_ALLOWED, "Not by this method.").into_reply().with(ALLOW, allowed)
        }
    }
}

enum Refused {
    Wrong(Wrong),
    Method(String),
}

impl From<Wrong> for Refused {
    fn from(wrong: Wrong) -> Refused {
        Refused::Wrong(wrong)
    }
}

async fn answered(outside: &Outside, asked: Asked, path: &str) -> Result<Given, Refused> {
    let (operation, parts) = found(&asked.method, path)?;
    let (serving, address) = (&outside.serving, outside.address(&asked));
    let key = match operation.scope {
        Some(scope) => Some(known(outside, &asked, scope).await?),
        None => {
            outside.may_ask(address).map_err(Wrong::too_often)?;
            outside.may_look_up(address).map_err(Wrong::too_often)?;
            None
        }
    };
    check_params(operation, &asked)?;
    let name = request_name(operation, &asked)?;
    let (method, query) = (asked.method.clone(), asked.query.clone());
    let if_match = match asked.header(&IF_MATCH) {
        // A guard that cannot be read is none that may be left out.
        None if asked.has_header(&IF_MATCH) => {
            return Err(Wrong::unprocessable("If-Match: the tag of an answer").into());
        }
        tag => tag.map(str::to_owned),
    };
    let body = match operation.takes {
        Some(_) => body(asked).await?,
        None => Value::Null,
    };
    let mut sum = Sha256::new();
    sum.update(format!("{method} {path}\n{body}"));
    let request: [u8; 32] = sum.finalize().into();
    let sees_identities = key.as_ref().is_some_and(|key| key::allows(key, "identity:read"));
    let desk = serving.desk(&key.as_ref().map_or_else(|| "public".to_owned(), |key| format!("api:{}", key.name)));
    let call = Call { path: parts, query, body, if_match, sees_identities };
    let run = operation.run;
    let done = serving.store.run(move |tx| {
        let memory = key.as_ref().zip(name).map(|(key, name)| (key.id, name, request));
        in_lang(Lang::En, || match &memory {
            Some(memory) => remembering(tx, memory, desk.now_ms, |tx| run(tx, &desk, &call)),
            None => run(tx, &desk, &call),
        })
    });
    let done = done.await;
    if operation.scope.is_none() && done.as_ref().is_err_and(|wrong: &Wrong| wrong.status == StatusCode::NOT_FOUND) {
        outside.missed(address);
    }
    Ok(done?)
}

fn found(method: &Method, path: &str) -> Result<(&'static Operation, Vec<String>), Refused> {
    let here: Vec<_> = OPERATIONS.iter().filter_map(|one| Some((one, one.matches(path)?))).collect();
    if here.is_empty() {
        return Err(Wrong::not_found("There is no such path; /api/v1/openapi.json names them all.").into());
    }
    let allowed: Vec<&str> = here.iter().map(|(operation, _)| operation.method.as_str()).collect();
    let allowed = allowed.join(", ");
    here.into_iter().find(|(operation, _)| operation.method == *method).ok_or(Refused::Method(allowed))
}

/// The key that is shown, if it holds and allows this.
async fn known(outside: &Outside, asked: &Asked, scope: &str) -> Result<ApiKey, Wrong> {
    let shown = asked.header(&AUTHORIZATION).and_then(|header| header.strip_prefix("Bearer ")).map(str::to_owned);
    let Some(shown) = shown else {
        return Err(Wrong::new(StatusCode::UNAUTHORIZED, "Show a key: Authorization: Bearer ktg_…"));
    };
    match outside.key(&shown).await? {
        Some(key) if key::allows(&key, scope) => Ok(key),
        Some(key) => {
            tracing::warn!(ev = "api.out_of_scope", key = %key.name, scope, "a key was used for what it does not allow");
            Err(Wrong::new(StatusCode::FORBIDDEN, &format!("This key does not allow {scope}.")))
        }
        None => {
            // Keys cannot be guessed, but whoever tries shall not keep the store busy.
            outside.may_ask(outside.address(asked)).map_err(Wrong::too_often)?;
            Err(Wrong::new(StatusCode::UNAUTHORIZED, "This key does not hold."))
        }
    }
}

fn check_params(operation: &Operation, asked: &Asked) -> Result<(), Wrong> {
    for param in operation.params {
        let value = asked.query.text(param.name);
        let holds = match param.kind {
            _ if !asked.query.has(param.name) => continue,
            ParamKind::Text | ParamKind::Limit => true,
            ParamKind::OneOf(words) => words.contains(&value),
            ParamKind::Month => is_month(value),
        };
        if !holds {
            return Err(Wrong::unprocessable(&format!("{}: {}", param.name, param.about)));
        }
    }
    Ok(())
}

/// `2026-01`
fn is_month(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let month = |text: &str| text.len() == 2 && digits(text) && ("01"..="12").contains(&text);
    text.split_once('-').is_some_and(|(year, rest)| year.len() == 4 && digits(year) && month(rest))
}

/// The name that the caller gave the request.
fn request_name(operation: &Operation, asked: &Asked) -> Result<Option<String>, Wrong> {
    if operation.takes.is_none() {
        return Ok(None);
    }
    match asked.header(&IDEMPOTENCY_KEY) {
        None if !asked.has_header(&IDEMPOTENCY_KEY) => Ok(None),
        Some(name) if is_request_name(name) => Ok(Some(name.to_owned())),
        // As if there were none would be as if the caller did not mind that it is done twice.
        _ => Err(Wrong::unprocessable("Idempotency-Key: 1 to 200 characters of ASCII, without spaces")),
    }
}

fn is_request_name(name: &str) -> bool {
    (1..=REQUEST_NAME_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

async fn body(asked: Asked) -> Result<Value, Wrong> {
    let kind = asked.header(&CONTENT_TYPE).unwrap_or_default();
    if kind.split(';').next().map(str::trim) != Some("application/json") {
        return Err(Wrong::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body has to be application/json."));
    }
    let bytes = asked.body(BODY_BYTES_MAX).await.map_err(|unreadable| match unreadable {
        Unreadable::TooLarge => Wrong::new(StatusCode::PAYLOAD_TOO_LARGE, "At most 256 KiB."),
        _ => Wrong::new(StatusCode::BAD_REQUEST, "The body did not arrive whole."),
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Wrong::new(StatusCode::BAD_REQUEST, &format!("The body is no JSON: {error}")))
}

/// Does it, unless the same was asked before under this name: then that answer is given again.
fn remembering(
    tx: &mut dyn Tx,
    (key, name, request): &(u64, String, [u8; 32]),
    now_ms: i64,
    run: impl FnOnce(&mut dyn Tx) -> Result<Given, Wrong>,
) -> Result<Given, Wrong> {
    let before = tx.remembered(*key, name)?.filter(|before| now_ms.saturating_sub(before.at_ms) < REMEMBERED_MS);
    if let Some(before) = before {
        if before.request != *request {
            return Err(Wrong::new(StatusCode::CONFLICT, "This Idempotency-Key was used for another request."));
        }
        let body = serde_json::from_str(&before.body).map_err(|_| StoreError::Damaged("an answer that was given"))?;
        return Ok(Given { status: before.status, body, tag: None });
    }
    let given = run(tx)?;
    tx.remember(&Remembered {
        key: *key,
        name: name.clone(),
        request: *request,
        status: given.status,
        body: given.body.to_string(),
        at_ms: now_ms,
    })?;
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_request_is_what_the_document_says() {
        let longest = "x".repeat(REQUEST_NAME_MAX);
        assert!(is_request_name("a-1") && is_request_name(&longest));
        for no in ["", "a b", "a\t", &format!("{longest}x")] {
            assert!(!is_request_name(no), "{no:?}");
        }
    }

    #[test]
    fn a_month_is_one_of_twelve() {
        assert!(is_month("2026-01") && is_month("2026-12"));
        for no in ["", "2026", "2026-13", "2026-00", "2026-1", "26-01", "2026-01-01", "2026-0x"] {
            assert!(!is_month(no), "{no}");
        }
    }
}
