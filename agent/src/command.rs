//! What people and scripts can ask of an agent, whether its service runs or not: the same requests, answered by the
//! same code ([`crate::agent::Agent::perform`]), once through the control socket and once directly on the store.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kentongan_host::exit::Exit;
use kentongan_host::fail::Failure;
use kentongan_protocol::form::builtin::pengaduan;
use kentongan_protocol::form::{FieldTag, Form, GroupTag, Lang, MergeClass, Value as FieldValue, builtin};
use kentongan_protocol::ids::RecordId;
use kentongan_protocol::merge::GroupView;
use kentongan_protocol::receipt::ReceiptCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::entry::NewRecord;
use crate::photo::Prepared;
use crate::store::{Edit, QueueFilter, RecordState, Store, StoreError};
use crate::{kiosk, people, show};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// How everything stands.
    Status,
    /// What waits.
    QueueList {
        /// Only records in this state.
        state: Option<String>,
        /// Only records of this form.
        form: Option<String>,
        /// At most this many.
        limit: u32,
    },
    /// One record, by its id or receipt code.
    Show {
        /// Id or receipt code.
        record: String,
    },
    /// The records that carry a receipt code.
    Track {
        /// The code, as people type it.
        code: String,
    },
    /// Enter a record.
    Add {
        /// Name of the form.
        form: String,
        /// Who enters it.
        author: String,
        /// Values by field name, as files hold them.
        values: BTreeMap<String, String>,
    },
    /// Change fields of a record; an empty value empties a field.
    Edit {
        /// Id or receipt code.
        record: String,
        /// Who changes it.
        author: String,
        /// Values by field name.
        values: BTreeMap<String, String>,
    },
    /// Attach files to a record.
    Attach {
        /// Id or receipt code.
        record: String,
        /// Who attaches them.
        author: String,
        /// The files.
        files: Vec<PathBuf>,
    },
    /// Talk to the hub now, and say how it went.
    Sync,
    /// Talk to the hub soon, without waiting for it.
    Wake,
    /// Take the rows of a file.
    Import {
        /// The file.
        file: PathBuf,
        /// Its mapping, if it is not beside it.
        map: Option<PathBuf>,
    },
    /// Look at the whole store, and repair it if it is damaged.
    Check,
    /// The people of the office.
    People,
    /// Add somebody, who gets a first PIN.
    AddPerson {
        /// What people call them.
        name: String,
        /// `clerk` or `manager`.
        role: String,
    },
    /// Somebody does not work here any more.
    PartWith {
        /// Their number.
        person: u16,
    },
    /// Give somebody another PIN.
    ResetPin {
        /// Their number.
        person: u16,
    },
    /// Somebody forgot their PIN: a challenge, or with the operator's answer to it another PIN.
    RecoverPin {
        /// Their number.
        person: u16,
        /// What the hub's operator read out.
        answer: Option<String>,
    },
    /// A code that pairs a tablet.
    PairKiosk,
    /// The tablets.
    Kiosks,
    /// A tablet may not hand over any more.
    LetKioskGo {
        /// Its number.
        kiosk: u16,
    },
    /// Verify an update file, and try its program as soon as nobody is kept from work by it.
    ApplyUpdate {
        /// The file.
        file: PathBuf,
    },
    /// Go back to the program before the one in force.
    RollBackUpdate,
    /// Make a bundle that a person carries to the hub.
    MakeBundle,
    /// Take the hub's answer to a bundle.
    TakeAnswer {
        /// The file, in Base64.
        file: String,
    },
    /// Join a hub.
    Enrol {
        /// Address of the hub.
        hub: String,
        /// The one-time code.
        code: String,
    },
    /// Make a request to join that a person carries to the hub.
    AskToJoin {
        /// Address of the hub.
        hub: String,
        /// The one-time code.
        code: String,
    },
    /// Join by the answer that a person carried here.
    JoinByAnswer {
        /// What the file says.
        answer: String,
    },
}

impl Command {
    /// Whether it can be asked again when the store had to be repaired first: nothing of it was done.
    pub(crate) fn needs_only_the_store(&self) -> bool {
        !matches!(
            self,
            Command::Sync
                | Command::Import { .. }
                | Command::Enrol { .. }
                | Command::AskToJoin { .. }
                | Command::JoinByAnswer { .. }
                | Command::Wake
                | Command::ApplyUpdate { .. }
                | Command::RollBackUpdate
                | Command::MakeBundle
                | Command::TakeAnswer { .. }
        )
    }
}

/// Answers a request that needs nothing but the store.
///
/// # Errors
/// What the store refuses, in words.
pub fn on_store(store: &mut Store, command: &Command, lang: Lang) -> Result<Value, Failure> {
    match command {
        Command::QueueList { state, form, limit } => queue(store, state.as_deref(), form.as_deref(), *limit),
        Command::Show { record } => {
            let record = find(store, record, lang)?;
            shown(store, record, lang)
        }
        Command::Track { code } => track(store, code, lang),
        Command::Add { form, author, values } => add(store, form, author, values, lang),
        Command::Edit { record, author, values } => edit(store, record, author, values, lang),
        Command::People => {
            let people = store.people()?;
            Ok(people::listed(&people, store.wall_ms()))
        }
        Command::PartWith { person } => {
            let left = store.part_with(*person)?;
            let mut answer = people::shown(&left, store.wall_ms());
            answer["schema"] = json!("kentongan.agent.person/1");
            Ok(answer)
        }
        Command::Kiosks => Ok(kiosk::listed(&store.kiosks()?)),
        Command::LetKioskGo { kiosk } => match store.let_kiosk_go(*kiosk)? {
            true => Ok(kiosk::listed(&store.kiosks()?)),
            false => Err(kiosk::no_such_kiosk()),
        },
        Command::Status
        | Command::PairKiosk
        | Command::Attach { .. }
        | Command::Sync
        | Command::Wake
        | Command::Check
        | Command::Import { .. }
        | Command::AddPerson { .. }
        | Command::ResetPin { .. }
        | Command::RecoverPin { .. }
        | Command::ApplyUpdate { .. }
        | Command::RollBackUpdate
        | Command::MakeBundle
        | Command::TakeAnswer { .. }
        | Command::AskToJoin { .. }
        | Command::JoinByAnswer { .. }
        | Command::Enrol { .. } => {
            Err(Failure::usage("Permintaan ini bukan untuk penyimpanan.", "This request is not for the store."))
        }
    }
}

fn queue(store: &mut Store, state: Option<&str>, form: Option<&str>, limit: u32) -> Result<Value, Failure> {
    let state = state
        .map(|state| match state {
            "queued" => Ok(RecordState::Queued),
            "arrived" => Ok(RecordState::Arrived),
            "rejected" => Ok(RecordState::Rejected),
            _ => Err(Failure::usage(
                format!("Keadaan {state} tidak ada: queued, arrived, rejected."),
                format!("There is no state {state}: queued, arrived, rejected."),
            )),
        })
        .transpose()?;
    let form = form.map(form_named).transpose()?.map(|form| form.tag);
    let items = store.queue(&QueueFilter { state, form, limit })?;
    let items: Vec<Value> = items.iter().map(show::summary).collect();
    Ok(json!({ "schema": "kentongan.agent.queue/1", "records": items }))
}

/// A record with everything that is known of it here.
fn shown(store: &mut Store, record: RecordId, lang: Lang) -> Result<Value, Failure> {
    let entry = store.entry(record)?;
    let mut document = show::entry(&entry, store.member(), lang);
    let mut files = Vec::new();
    for named in show::attachments_of(&entry) {
        files.push(show::attachment(&named, store.attachment_state(named.content.hash)?));
    }
    if let Value::Object(document) = &mut document {
        document.insert("attachments".into(), Value::Array(files));
    }
    Ok(document)
}

fn track(store: &mut Store, code: &str, lang: Lang) -> Result<Value, Failure> {
    let code: ReceiptCode = parse_code(code, lang)?;
    let records = store.coded(code)?;
    let records: Vec<Value> = records.into_iter().map(|record| shown(store, record, lang)).collect::<Result<_, _>>()?;
    if records.is_empty() && code.is_of_training() {
        return Err(Failure::new(
            Exit::Failed,
            format!("Kode {code} berasal dari latihan: tidak ada aduan di baliknya."),
            format!("The code {code} comes from training: no complaint stands behind it."),
        ));
    }
    if records.is_empty() {
        return Err(Failure::new(
            Exit::Failed,
            format!("Kode {code} benar, tetapi catatannya tidak ada di komputer ini."),
            format!("The code {code} is well-formed, but its record is not on this PC."),
        ));
    }
    Ok(json!({ "schema": "kentongan.agent.track/1", "code": code.to_string(), "records": records }))
}

fn add(
    store: &mut Store,
    form: &str,
    author: &str,
    values: &BTreeMap<String, String>,
    lang: Lang,
) -> Result<Value, Failure> {
    let form = form_named(form)?;
    let mut typed = BTreeMap::new();
    for (name, text) in values {
        if let (_, tag, Some(value)) = parse_field(form, name, text, lang)? {
            typed.insert(tag, value);
        }
    }
    let new = NewRecord::of_values(form, author, typed);
    let entered = store.enter(&new).map_err(|error| unfit(error, form, lang))?;
    Ok(json!({
        "schema": "kentongan.agent.entered/1",
        "id": entered.record.to_string(),
        "code": entered.receipt.map(|code| code.to_string()),
        "state": RecordState::Queued.code(),
    }))
}

fn edit(
    store: &mut Store,
    record: &str,
    author: &str,
    values: &BTreeMap<String, String>,
    lang: Lang,
) -> Result<Value, Failure> {
    let id = find(store, record, lang)?;
    let entry = store.entry(id)?;
    let form = builtin::by_tag(entry.summary.form).ok_or_else(|| Failure::of(kentongan_host::ktg::Ktg::UnknownForm))?;
    let mut changes: BTreeMap<GroupTag, Vec<(FieldTag, Option<FieldValue>)>> = BTreeMap::new();
    for (name, text) in values {
        let (group, tag, value) = parse_field(form, name, text, lang)?;
        changes.entry(group).or_default().push((tag, value));
    }
    let mut writes = Vec::new();
    for (tag, changes) in changes {
        let group = form.group(tag).ok_or(StoreError::Broken("a field without its group"))?;
        let view = GroupView::of(&entry.record, form, group);
        let heads = if group.merge == MergeClass::Add { Vec::new() } else { view.heads() };
        writes.push((tag, view.with_changes(changes), heads));
    }
    let edit = Edit { record: id, author: author.to_owned(), writes };
    let op = store.edit(&edit).map_err(|error| unfit(error, form, lang))?;
    let summary = store.entry(id)?.summary;
    let mut answer = show::summary(&summary);
    if let Value::Object(answer) = &mut answer {
        answer.insert("schema".into(), json!("kentongan.agent.edited/1"));
        answer.insert("op".into(), json!(op.to_string()));
    }
    Ok(answer)
}

/// Attaches files that were prepared to the record that an id or a receipt code names.
///
/// # Errors
/// What the store refuses, in words.
pub(crate) fn attach(
    store: &mut Store,
    record: &str,
    author: &str,
    files: &[Prepared],
    lang: Lang,
) -> Result<Value, Failure> {
    let id = find(store, record, lang)?;
    let form = builtin::by_tag(store.entry(id)?.summary.form);
    let form = form.ok_or_else(|| Failure::of(kentongan_host::ktg::Ktg::UnknownForm))?;
    if form.group(pengaduan::group::LAMPIRAN).is_none() {
        return Err(Failure::usage(
            format!("Formulir {} tidak memuat lampiran.", form.name),
            format!("Records of the form {} carry no attachments.", form.name),
        ));
    }
    let op = store.attach(id, author, files).map_err(|error| unfit(error, form, lang))?;
    let mut answer = show::summary(&store.entry(id)?.summary);
    if let Value::Object(answer) = &mut answer {
        answer.insert("schema".into(), json!("kentongan.agent.attached/1"));
        answer.insert("op".into(), json!(op.to_string()));
        answer
            .insert("attachments".into(), files.iter().map(|file| show::attachment(&file.attachment, None)).collect());
    }
    Ok(answer)
}

fn form_named(name: &str) -> Result<&'static Form, Failure> {
    builtin::by_name(name).ok_or_else(|| {
        let names: Vec<&str> = builtin::all().iter().map(|form| form.name.as_str()).collect();
        let names = names.join(", ");
        Failure::usage(
            format!("Formulir {name} tidak ada. Yang ada: {names}."),
            format!("There is no form {name}. There are: {names}."),
        )
    })
}

/// Group, field and value of `name=text`; an empty text is no value.
fn parse_field(
    form: &Form,
    name: &str,
    text: &str,
    lang: Lang,
) -> Result<(GroupTag, FieldTag, Option<FieldValue>), Failure> {
    let field = form.field_named(name).ok_or_else(|| {
        let names: Vec<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
        let names = names.join(", ");
        Failure::usage(
            format!("Formulir {} tidak punya bidang {name}. Yang ada: {names}.", form.name),
            format!("The form {} has no field {name}. There are: {names}.", form.name),
        )
    })?;
    if text.is_empty() {
        return Ok((field.group, field.tag, None));
    }
    let value = FieldValue::parse(field, text).map_err(|reason| {
        Failure::of(kentongan_host::ktg::Ktg::InvalidField).with_detail(format!("{name}: {}", reason.sentence(lang)))
    })?;
    Ok((field.group, field.tag, Some(value)))
}

fn unfit(error: StoreError, form: &Form, lang: Lang) -> Failure {
    match error {
        StoreError::Unfit(faults) => {
            let sentences: Vec<String> = faults.iter().map(|fault| fault.sentence(form, lang)).collect();
            Failure::of(kentongan_host::ktg::Ktg::InvalidField).with_detail(sentences.join(" "))
        }
        other => other.into(),
    }
}

/// The record that an id or a receipt code names.
fn find(store: &mut Store, text: &str, lang: Lang) -> Result<RecordId, Failure> {
    if let Ok(record) = text.parse::<RecordId>() {
        return Ok(record);
    }
    let code = parse_code(text, lang)?;
    match store.coded(code)?.as_slice() {
        [record] => Ok(*record),
        [] => Err(StoreError::NoSuchRecord.into()),
        several => {
            let ids: Vec<String> = several.iter().map(RecordId::to_string).collect();
            let ids = ids.join(", ");
            Err(Failure::new(
                Exit::Decide,
                format!("Beberapa catatan memakai kode {code}: {ids}. Sebutkan id-nya."),
                format!("Several records carry the code {code}: {ids}. Name one by its id."),
            ))
        }
    }
}

fn parse_code(text: &str, lang: Lang) -> Result<ReceiptCode, Failure> {
    text.parse::<ReceiptCode>().map_err(|error| Failure::usage(error.sentence(lang), error.sentence(lang)))
}
