//! The map of the API: every operation with its method, path, scope, parameters and shapes. The document is made of this
//! table, and requests are answered by it: what is not here does not exist.

use hyper::Method;
use kentongan_host::Failure;
use kentongan_web::Fields;
use serde_json::{Map, Value};

use super::problem::Wrong;
use super::shape::Shape;
use super::shapes::*;
use super::{fleet, work};
use crate::service::Desk;
use crate::store::Tx;

/// A request on its way to an operation. What it needs of the path is there.
#[derive(Debug)]
pub(crate) struct Call {
    /// The parts of the path that stand for something, in order.
    pub(super) path: Vec<String>,
    pub(super) query: Fields,
    pub(super) body: Value,
    /// The entity tag that the caller has seen.
    pub(super) if_match: Option<String>,
    /// Whether the key allows to read who people are.
    pub(super) sees_identities: bool,
}

/// What an operation gives.
#[derive(Debug)]
pub(crate) struct Given {
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) tag: Option<String>,
}

/// Does what is asked, within one transaction.
pub(super) type Do = fn(&mut dyn Tx, &Desk, &Call) -> Result<Given, Wrong>;

/// Describes what is taken or given; what it refers to goes among the components of the document.
pub(super) type Schema = fn(&mut Map<String, Value>) -> Value;

/// A parameter of the address.
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) kind: ParamKind,
}

/// What a parameter holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum ParamKind {
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A number of items, 1 to 500.
    Limit,
    /// The day of a month, `2026-01`.
    Month,
}

/// An operation.
pub(super) struct Operation {
    pub(super) method: Method,
    /// With `{name}` for what stands for something.
    pub(super) path: &'static str,
    /// Its name in the document.
    pub(super) id: &'static str,
    /// What the key must allow; `None`: no key is needed.
    pub(super) scope: Option<&'static str>,
    pub(super) about: &'static str,
    pub(super) params: &'static [Param],
    /// What it takes, if it takes anything.
    pub(super) takes: Option<Schema>,
    pub(super) gives: Schema,
    /// The status of success.
    pub(super) status: u16,
    /// Whether it looks at `If-Match`.
    pub(super) guarded: bool,
    pub(super) run: Do,
}

const LIMIT: Param = Param { name: "limit", about: "Items of a page; 100 if not said.", kind: ParamKind::Limit };
const CURSOR: Param =
    Param { name: "cursor", about: "The `next` of the page before. Nothing else.", kind: ParamKind::Text };
const OFFICE: Param = Param { name: "office", about: "Only of this office, by its code.", kind: ParamKind::Text };
const STATES: ParamKind = ParamKind::OneOf(&["ok", "late", "silent", "unseen", "paused", "revoked"]);
const STATUSES: ParamKind = ParamKind::OneOf(&[
    "diterima",
    "perlu_dilengkapi",
    "terverifikasi",
    "dialihkan",
    "terdisposisi",
    "diproses",
    "dijawab",
    "arsip",
    "selesai",
    "dibuka_kembali",
]);

/// An operation that reads.
const fn reads(
    path: &'static str,
    id: &'static str,
    scope: Option<&'static str>,
    about: &'static str,
    params: &'static [Param],
    gives: Schema,
    run: Do,
) -> Operation {
    Operation {
        method: Method::GET,
        path,
        id,
        scope,
        about,
        params,
        takes: None,
        gives,
        status: 200,
        guarded: false,
        run,
    }
}

/// All operations.
pub(super) static OPERATIONS: &[Operation] = &[
    reads(
        "/offices",
        "listOffices",
        Some("fleet:read"),
        "Offices by code",
        &[
            Param { name: "status", about: "Only those that fare so.", kind: STATES },
            Param { name: "area", about: "Only those whose code begins so.", kind: ParamKind::Text },
            LIMIT,
            CURSOR,
        ],
        Offices::schema,
        fleet::offices,
    ),
    reads("/offices/{office}", "readOffice", Some("fleet:read"), "An office", &[], Office::schema, fleet::office),
    reads(
        "/offices/{office}/sessions",
        "listSessions",
        Some("fleet:read"),
        "The last exchanges of an office",
        &[],
        Sessions::schema,
        fleet::sessions,
    ),
    Operation {
        method: Method::POST,
        path: "/offices/{office}/pause",
        id: "pauseOffice",
        scope: Some("fleet:write"),
        about: "Says that the silence of an office is no fault, or is one again",
        params: &[],
        takes: Some(Pause::schema),
        gives: Office::schema,
        status: 200,
        guarded: false,
        run: fleet::pause,
    },
    Operation {
        method: Method::POST,
        path: "/enrolment-codes",
        id: "createEnrolmentCode",
        scope: Some("enrol"),
        about: "Makes a code by which one PC joins",
        params: &[],
        takes: Some(NewCode::schema),
        gives: EnrolmentCode::schema,
        status: 201,
        guarded: false,
        run: fleet::create_code,
    },
    reads(
        "/complaints",
        "listComplaints",
        Some("complaints:read"),
        "Complaints, the newest first",
        &[OFFICE, Param { name: "status", about: "Only those that stand there.", kind: STATUSES }, LIMIT, CURSOR],
        Complaints::schema,
        work::complaints,
    ),
    reads(
        "/complaints/{code}",
        "readComplaint",
        Some("complaints:read"),
        "A complaint; its entity tag changes with every change",
        &[],
        Complaint::schema,
        work::complaint,
    ),
    reads(
        "/complaints/{code}/timeline",
        "readTimeline",
        Some("complaints:read"),
        "All that happened to a complaint",
        &[],
        Timeline::schema,
        work::timeline,
    ),
    Operation {
        method: Method::POST,
        path: "/complaints",
        id: "fileComplaint",
        scope: Some("complaints:write"),
        about: "Files a complaint that came by another way; its office has it with its next contact",
        params: &[],
        takes: Some(NewComplaint::schema),
        gives: Changed::schema,
        status: 201,
        guarded: false,
        run: work::file,
    },
    Operation {
        method: Method::POST,
        path: "/complaints/{code}/transitions",
        id: "moveComplaint",
        scope: Some("complaints:write"),
        about: "Moves a complaint on, as the procedure allows",
        params: &[],
        takes: Some(Transition::schema),
        gives: Changed::schema,
        status: 200,
        guarded: true,
        run: work::step,
    },
    Operation {
        method: Method::POST,
        path: "/complaints/{code}/answers",
        id: "answerComplaint",
        scope: Some("complaints:write"),
        about: "Answers the citizen; the office has it with its next contact",
        params: &[],
        takes: Some(NewAnswer::schema),
        gives: Changed::schema,
        status: 200,
        guarded: true,
        run: work::answer,
    },
    reads(
        "/surveys/index",
        "readSurveyIndex",
        Some("surveys:read"),
        "The satisfaction index of some months, by office",
        &[
            Param { name: "from", about: "From this month on.", kind: ParamKind::Month },
            Param { name: "to", about: "Up to this month.", kind: ParamKind::Month },
            Param { name: "area", about: "Only of this office or area.", kind: ParamKind::Text },
        ],
        SurveyIndex::schema,
        work::index,
    ),
    reads(
        "/conflicts",
        "listConflicts",
        Some("conflicts:read"),
        "Conflicts that wait for a decision",
        &[OFFICE],
        Conflicts::schema,
        work::conflicts,
    ),
    reads(
        "/audit",
        "listAudit",
        Some("audit:read"),
        "The audit trail, the oldest lines first",
        &[CURSOR],
        AuditLines::schema,
        work::audit_lines,
    ),
    reads(
        "/audit/verification",
        "verifyAudit",
        Some("audit:read"),
        "Checks the whole audit trail",
        &[],
        AuditCheck::schema,
        work::audit_check,
    ),
    reads(
        "/public/track/{code}",
        "trackComplaint",
        None,
        "Where a complaint stands, for whoever holds its code; rate-limited",
        &[],
        Tracking::schema,
        work::track,
    ),
];

impl Operation {
    /// The parts of `path` that stand for something, if the path is this one's.
    pub(super) fn matches(&self, path: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        let (mut ours, mut theirs) = (self.path.split('/'), path.split('/'));
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return Some(found),
                (Some(our), Some(their)) if our.starts_with('{') && !their.is_empty() => found.push(decoded(their)?),
                (Some(our), Some(their)) if our == their => {}
                _ => return None,
            }
        }
    }
}

/// A part of a path as it is meant; `None` if it is no text.
fn decoded(part: &str) -> Option<String> {
    // A path knows no `+`; everything else is as in a form.
    let fields = Fields::of_text(&format!("p={}", part.replace('+', "%2B").replace('&', "%26").replace('=', "%3D")));
    let text = fields.text("p");
    (!text.is_empty() && !text.contains('\u{fffd}')).then(|| text.to_owned())
}

impl Call {
    /// A part of the path.
    pub(super) fn part(&self, place: usize) -> &str {
        self.path.get(place).map_or("", String::as_str)
    }

    /// A parameter that is there and not empty.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        Some(self.query.text(name)).filter(|text| !text.is_empty())
    }

    /// The body, as what the operation takes.
    ///
    /// # Errors
    /// It is something else.
    pub(super) fn taken<T: serde::de::DeserializeOwned>(&self) -> Result<T, Wrong> {
        T::deserialize(&self.body).map_err(|error| Wrong::unprocessable(&format!("body: {error}")))
    }

    /// How many items are wanted.
    ///
    /// # Errors
    /// Not between 1 and 500.
    pub(super) fn limit(&self) -> Result<usize, Wrong> {
        let Some(limit) = self.param("limit") else { return Ok(100) };
        let limit = limit.parse::<usize>().ok().filter(|limit| (1..=500).contains(limit));
        limit.ok_or_else(|| Wrong::unprocessable("limit: a number from 1 to 500"))
    }
}

impl Given {
    /// With this body.
    ///
    /// # Errors
    /// It cannot be written: a defect of ours.
    pub(super) fn of(body: impl serde::Serialize) -> Result<Given, Wrong> {
        let body = serde_json::to_value(body).map_err(|error| Wrong::from(Failure::from(anyhow::Error::new(error))))?;
        Ok(Given { status: 200, body, tag: None })
    }

    /// The same with the status of something new.
    pub(super) fn created(self) -> Given {
        Given { status: 201, ..self }
    }

    /// The same with an entity tag.
    pub(super) fn tagged(self, tag: String) -> Given {
        Given { tag: Some(tag), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_operations_and_its_parts_are_read_as_they_are_meant() {
        let found = |path: &str| OPERATIONS.iter().find_map(|one| Some((one.id, one.matches(path)?)));
        assert_eq!(found("/offices"), Some(("listOffices", vec![])));
        assert_eq!(found("/offices/32.73.05.1001"), Some(("readOffice", vec!["32.73.05.1001".to_owned()])));
        assert_eq!(found("/complaints/KTG%2DX/timeline"), Some(("readTimeline", vec!["KTG-X".to_owned()])));
        for path in ["/", "/office", "/offices/", "/offices/%ff", "/offices/a/b/c", "/complaints//timeline"] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn every_scope_is_one_that_keys_can_have() {
        for operation in OPERATIONS {
            let known = |scope| crate::service::key::SCOPES.iter().any(|(known, _)| *known == scope);
            assert!(operation.scope.is_none_or(known), "{}", operation.id);
        }
    }
}
