//! What a program is told that got something wrong: problem+json (RFC 9457).

use hyper::StatusCode;
use hyper::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use kentongan_host::{Exit, Failure, Ktg, Lang};
use kentongan_web::Reply;

use super::shapes::Problem;
use crate::store::StoreError;

/// What went wrong.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(super) status: StatusCode,
    pub(super) detail: String,
    pub(super) code: Option<String>,
    /// To be asked again after so many seconds.
    pub(super) again_s: Option<u64>,
    /// For the log: a fault of this side.
    failure: Option<Box<Failure>>,
}

impl Wrong {
    pub(super) fn new(status: StatusCode, detail: &str) -> Wrong {
        Wrong { status, detail: detail.to_owned(), code: None, again_s: None, failure: None }
    }

    /// What was sent does not hold.
    pub(super) fn unprocessable(detail: &str) -> Wrong {
        Wrong::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// There is no such thing.
    pub(super) fn not_found(what: &str) -> Wrong {
        Wrong::new(StatusCode::NOT_FOUND, what)
    }

    /// To be asked again later.
    pub(super) fn too_often(again_s: u64) -> Wrong {
        let detail = "Too many requests.";
        Wrong { again_s: Some(again_s), ..Wrong::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// As an answer. What is a fault of this side is logged and not told.
    pub(super) fn into_reply(self) -> Reply {
        if let Some(failure) = &self.failure {
            tracing::error!(ev = "api.failed", error = %failure, "a request could not be answered");
        }
        let problem = Problem {
            r#type: "about:blank".to_owned(),
            title: self.status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: u64::from(self.status.as_u16()),
            detail: self.detail,
            code: self.code,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut reply = Reply::file("application/problem+json", body).but(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            reply = reply.with(WWW_AUTHENTICATE, "Bearer");
        }
        match self.again_s {
            Some(again_s) => reply.with(RETRY_AFTER, again_s.to_string()),
            None => reply,
        }
    }
}

impl From<Failure> for Wrong {
    fn from(failure: Failure) -> Wrong {
        let ours = |failure: &Failure| {
            matches!(failure.ktg, Some(Ktg::StoreDamaged | Ktg::DiskFailed | Ktg::NoSpace))
                || failure.source.as_ref().is_some_and(|source| source.is::<StoreError>())
                || failure.exit == Exit::NotRunning
        };
        if ours(&failure) {
            let detail = "The hub has trouble. Nothing was changed; ask again later.";
            let wrong = Wrong { again_s: Some(60), ..Wrong::new(StatusCode::SERVICE_UNAVAILABLE, detail) };
            return Wrong { failure: Some(Box::new(failure)), ..wrong };
        }
        let status = match failure.exit {
            Exit::Decide => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let code = failure.ktg.map(|ktg| ktg.to_string());
        Wrong { code, ..Wrong::new(status, &failure.sentence(Lang::En)) }
    }
}

impl From<StoreError> for Wrong {
    fn from(error: StoreError) -> Wrong {
        Wrong::from(Failure::from(error))
    }
}
