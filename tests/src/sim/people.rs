//! What people do: they enter, they open a form and save it later, they drop a file, they answer at the hub.

use std::collections::BTreeMap;

use kentongan_agent::entry::{ImportRow, Intake, NewRecord, RowOutcome};
use kentongan_agent::store::{Edit, Entry, Member, QueueFilter};
use kentongan_hub::store::{RecordFilter, StoreError as HubError, Tx};
use kentongan_protocol::form::builtin::{self, pengaduan, skm};
use kentongan_protocol::form::{FieldTag, FormTag, GroupTag, Value};
use kentongan_protocol::ids::{Lane, OpId, RecordId, ReplicaId};
use kentongan_protocol::log::LogHead;
use kentongan_protocol::merge::{GroupView, Record, next_cycle};
use kentongan_protocol::next;
use kentongan_protocol::op::{Op, Write};
use kentongan_protocol::planted;

use super::hubside::Stop;
use super::model::{Known, Wrote};
use super::pc::Draft;
use super::version::Version;
use super::world::World;
use crate::Dice;

/// Field of a remark: it carries the marker, so that everything can be found again.
pub const REMARK: FieldTag = 191;
/// Field of a survey that carries the marker.
const SURVEY_SERVICE: FieldTag = 13;
/// Field of a routing that names the office.
const ROUTED_TO: FieldTag = 162;

/// A record that an operator has open, as it was when they opened it.
#[derive(Debug, Clone)]
pub struct HubDraft {
    seen: Record,
    group: GroupTag,
    values: BTreeMap<FieldTag, Value>,
    routes_to: Option<usize>,
}

fn marked(marker: u64) -> (GroupTag, BTreeMap<FieldTag, Value>) {
    (pengaduan::group::CATATAN, BTreeMap::from([(REMARK, Value::Text(marker_text(marker)))]))
}

fn marker_text(marker: u64) -> String {
    format!("#{marker}")
}

/// The marker in an op.
pub fn marker_of(op: &Op) -> Option<u64> {
    op.writes.iter().flat_map(|write| &write.values).find_map(|(_, value)| match value {
        Value::Text(text) => text.strip_prefix('#')?.parse().ok(),
        Value::Attachment(file) => file.name.strip_prefix('#')?.parse().ok(),
        _ => None,
    })
}

/// A record of a form that the next version alone has.
fn new_visit(marker: u64, author: &str) -> NewRecord {
    let writes = vec![(next::VISIT_GROUP, visit_note(marker))];
    NewRecord { form: next::VISIT, author: author.to_owned(), writes }
}

fn visit_note(marker: u64) -> BTreeMap<FieldTag, Value> {
    BTreeMap::from([(next::VISIT_NOTE, Value::Text(marker_text(marker)))])
}

fn new_record(marker: u64, author: &str, bulky: u64, dice: &mut Dice) -> NewRecord {
    if dice.percent(25) {
        let values = BTreeMap::from([
            (SURVEY_SERVICE, Value::Text(marker_text(marker))),
            (30, Value::One(1 + dice.below(4) as u16)),
        ]);
        return NewRecord { form: skm::TAG, author: author.to_owned(), writes: vec![(skm::GROUP, values)] };
    }
    let length = if dice.percent(bulky) { 4000 } else { 10 + dice.below(60) as usize };
    let text = "antre sejak pagi ".repeat(length / 17 + 1);
    let writes = vec![
        (pengaduan::group::URAIAN, BTreeMap::from([(21, Value::Text(text))])),
        (pengaduan::group::KATEGORI, BTreeMap::from([(31, Value::One(1 + dice.below(15) as u16))])),
        (pengaduan::group::KANAL, BTreeMap::from([(91, Value::One(1 + dice.below(9) as u16))])),
        marked(marker),
    ];
    NewRecord { form: pengaduan::TAG, author: author.to_owned(), writes }
}

/// A group that somebody changes, and to what.
fn change(dice: &mut Dice, offices: usize) -> (GroupTag, BTreeMap<FieldTag, Value>, Option<usize>) {
    match dice.below(30) {
        29 => {
            // A part that may not change after saving: this version's program refuses it, and the hub sets aside what a
            // program of another version (feature `planted`) saved.
            let number = Value::Text(format!("B-{}", dice.below(9)));
            (pengaduan::group::PENERIMAAN, BTreeMap::from([(113, number)]), None)
        }
        number => ordinary_change(number % 10, dice, offices),
    }
}

fn ordinary_change(
    number: u64,
    dice: &mut Dice,
    offices: usize,
) -> (GroupTag, BTreeMap<FieldTag, Value>, Option<usize>) {
    match number {
        0..=3 => {
            let category = Value::One(1 + dice.below(15) as u16);
            (pengaduan::group::KATEGORI, BTreeMap::from([(31, category)]), None)
        }
        4 | 5 => {
            let name = Value::Text(format!("Nama {}", dice.below(5)));
            (pengaduan::group::PELAPOR, BTreeMap::from([(11, name)]), None)
        }
        6 | 7 => {
            let stage = Value::One(1 + dice.below(10) as u16);
            (pengaduan::group::STATUS, BTreeMap::from([(141, stage)]), None)
        }
        8 => {
            let privacy = Value::One(1 + dice.below(3) as u16);
            (pengaduan::group::PRIVASI, BTreeMap::from([(101, privacy)]), None)
        }
        _ => {
            let office = dice.below(offices as u64) as usize;
            let code = Value::Text(super::world::office_code(office));
            (pengaduan::group::DISPOSISI, BTreeMap::from([(ROUTED_TO, code)]), Some(office))
        }
    }
}

impl World {
    /// A clerk enters a record.
    pub fn enter(&mut self, at: usize, dice: &mut Dice) {
        let marker = self.model.marker();
        let bulky = self.plan.options.bulky;
        let Some(pc) = self.awake(at) else { return };
        let author = pc.author(dice);
        let new = match pc.desk.version {
            Version::Next if dice.percent(25) => new_visit(marker, &author),
            _ => new_record(marker, &author, bulky, dice),
        };
        let entered = pc.desk.with(|store| store.enter(&new));
        match entered {
            Ok(entered) => {
                self.tell(|| format!("   PC {at}: {author} enters #{marker}, saved as {}", entered.record));
                self.saved_new(at, entered.record, marker, new);
            }
            Err(error) => {
                self.tell(|| format!("   PC {at}: {author} enters #{marker}, not saved: {error:?}"));
                self.model.doubt(marker, None);
            }
        }
    }

    fn saved_new(&mut self, at: usize, record: RecordId, marker: u64, new: NewRecord) {
        let writes = new.writes.into_iter().map(|(group, values)| (group, values, Vec::new())).collect();
        if new.form == next::VISIT {
            self.model.visits.insert(record);
        }
        let known = Known { record, by: Some(at), marker, author: new.author, writes, excused: None };
        self.model.created(record.0, self.pcs[at].office, known);
        self.saved_here(at, record.0);
    }

    pub(super) fn saved_here(&mut self, at: usize, id: OpId) {
        if let (false, Ok(run)) = (self.heads.contains_key(&id.log), self.at_pc(at, |store| store.run())) {
            let Member { replica, office, .. } = self.pcs[at].member.clone();
            let heads = Lane::ALL.map(|lane| LogHead::new(replica, office.clone(), lane, run));
            self.heads.extend(heads.map(|head| (head.log(), head)));
        }
        let last = self.pcs[at].saved.entry(id.log).or_insert(0);
        *last = id.seq.max(*last);
        self.saves += 1;
    }

    /// Rows of a file are taken; the file may be dropped again.
    pub fn take(&mut self, at: usize, dice: &mut Dice) {
        let (again, bulky) = (dice.percent(40), self.plan.options.bulky);
        if !again {
            let markers: Vec<u64> = (0..1 + dice.below(6)).map(|_| self.model.marker()).collect();
            let rows = markers.iter().map(|marker| (*marker, new_record(*marker, "berkas", bulky, dice))).collect();
            self.files.push(rows);
        }
        if self.files.is_empty() || self.awake(at).is_none() {
            return;
        }
        let file = self.files[dice.below(self.files.len() as u64) as usize].clone();
        let rows = file.iter().map(|(marker, record)| {
            let mut name = [0; 32];
            name[..8].copy_from_slice(&marker.to_be_bytes());
            ImportRow { name, source: None, record: record.clone() }
        });
        let rows: Vec<ImportRow> = rows.collect();
        let replica = self.pcs[at].replica();
        let outcomes = self.pcs[at].desk.with(|store| Ok(store.take(rows)));
        let Ok(Ok(outcomes)) = outcomes else {
            for (marker, _) in &file {
                self.took(replica, *marker);
                self.model.doubt(*marker, None);
            }
            return;
        };
        for ((marker, new), outcome) in file.into_iter().zip(outcomes) {
            if let RowOutcome::Taken { record, .. } = outcome {
                self.took(replica, marker);
                if !self.taken.insert((replica, marker)) && !self.other_folder.contains(&replica) {
                    self.broke(format!("PC {at} took #{marker} of a file twice"));
                }
                self.saved_new(at, record, marker, new);
            }
        }
    }

    /// A row was taken, or was perhaps: a folder that is put back, or a twin, may take it as well.
    fn took(&mut self, replica: ReplicaId, marker: u64) {
        if !self.perhaps_taken.insert((replica, marker)) && self.other_folder.contains(&replica) {
            self.twice.insert(marker);
        }
    }

    /// A clerk opens a form.
    pub fn open(&mut self, at: usize, dice: &mut Dice) {
        let offices = self.offices;
        let Some(pc) = self.awake(at) else { return };
        let author = pc.author(dice);
        let is_next = pc.desk.version == Version::Next;
        let form = if is_next && dice.percent(25) { next::VISIT } else { pengaduan::TAG };
        let filter = QueueFilter { state: None, form: Some(form), limit: 30 };
        let Ok(list) = pc.desk.with(|store| store.queue(&filter)) else { return };
        if list.is_empty() {
            return;
        }
        let record = list[dice.below(list.len() as u64) as usize].record;
        let Ok(entry) = pc.desk.with(|store| store.entry(record)) else { return };
        let (group, values, routes_to) = match form {
            // What they type is their marker.
            next::VISIT => (next::VISIT_GROUP, BTreeMap::new(), None),
            _ if is_next && dice.percent(20) => {
                let number = Value::Text(format!("A-{}", dice.below(9)));
                (pengaduan::group::KEJADIAN, BTreeMap::from([(next::QUEUE_NUMBER, number)]), None)
            }
            _ => change(dice, offices),
        };
        let Some(seen) = heads_shown(&entry, form, group) else { return };
        pc.drafts.push(Draft { record, author: author.clone(), group, values, seen, routes_to });
        self.tell(|| format!("   PC {at}: {author} opens {record}, group {group}"));
    }

    /// A clerk saves a form that was opened before.
    pub fn save(&mut self, at: usize, dice: &mut Dice) {
        let marker = self.model.marker();
        let other_version = self.plan.options.other_version > 0;
        let Some(pc) = self.awake(at) else { return };
        if pc.drafts.is_empty() {
            return;
        }
        let draft = pc.drafts.remove(dice.below(pc.drafts.len() as u64) as usize);
        let Draft { record, author, group, values, seen, routes_to } = draft;
        let (remark, remark_values) = marked(marker);
        let writes: Vec<Wrote> = match self.model.visits.contains(&record) {
            true => vec![(group, visit_note(marker), seen)],
            false => vec![(group, values, seen), (remark, remark_values, Vec::new())],
        };
        let Some(pc) = self.awake(at) else { return };
        let edit = Edit { record, author: author.clone(), writes: writes.clone() };
        planted::play_other_version(other_version);
        let saved = pc.desk.with(|store| store.edit(&edit));
        planted::play_other_version(false);
        if let Some(office) = routes_to {
            self.model.routed(record, office);
        }
        if group == pengaduan::group::PENERIMAAN {
            self.model.set_aside(record);
        }
        match saved {
            Ok(id) => {
                self.tell(|| format!("   PC {at}: {author} saves #{marker} on {record}, group {group}, as {id}"));
                self.model.changed(id, Known { record, by: Some(at), marker, author, writes, excused: None });
                self.saved_here(at, id);
            }
            Err(error) => {
                self.tell(|| format!("   PC {at}: {author} saves #{marker} on {record}, not saved: {error:?}"));
                self.model.doubt(marker, Some(record));
            }
        }
    }

    /// An operator opens a record at the hub.
    pub fn operator_opens(&mut self, dice: &mut Dice) {
        let (group, values, routes_to) = change(dice, self.offices);
        let draw = dice.number();
        let opened = self.net().hub.work(|tx, _| {
            let filter = RecordFilter::default();
            let rows = tx.records(&filter, kentongan_hub::store::Page::After(0), 50)?;
            let rows: Vec<_> =
                rows.into_iter().filter(|row| row.born.as_ref().is_some_and(|b| b.form == pengaduan::TAG)).collect();
            if rows.is_empty() {
                return Ok(None);
            }
            merged(tx, rows[(draw % rows.len() as u64) as usize].id).map(Some)
        });
        if let Ok(Some(seen)) = opened {
            self.hub_drafts.push(HubDraft { seen, group, values, routes_to });
        }
    }

    /// An operator saves.
    pub fn operator_saves(&mut self, dice: &mut Dice) {
        if self.hub_drafts.is_empty() {
            return;
        }
        let HubDraft { seen, group, values, routes_to } =
            self.hub_drafts.remove(dice.below(self.hub_drafts.len() as u64) as usize);
        let marker = self.model.marker();
        let record = seen.id;
        let Some(form) = builtin::by_tag(pengaduan::TAG) else { return };
        let Some(definition) = form.group(group) else { return };
        let heads = GroupView::of(&seen, form, definition).heads();
        let (remark, remark_values) = marked(marker);
        let written = vec![
            Write {
                group,
                replaces: heads.clone(),
                cycle: next_cycle(&seen, form, definition, &values),
                values: values.clone(),
            },
            Write { group: remark, replaces: Vec::new(), cycle: 0, values: remark_values.clone() },
        ];
        let saved = self.net().hub.work(|tx, hub| {
            let Some(row) = tx.record(record)?.filter(|row| row.born.is_some()) else { return Ok(None) };
            let id = hub.change(tx, &row, &seen, "operator", written).map_err(|error| match error {
                kentongan_hub::engine::WriteError::Store(error) => error,
                kentongan_hub::engine::WriteError::TooLarge(_) => HubError::Undone,
            })?;
            Ok(Some((id, tx.log(id.log)?)))
        });
        if let Some(office) = routes_to {
            self.model.routed(record, office);
        }
        if group == pengaduan::group::PENERIMAAN {
            self.model.set_aside(record);
        }
        let writes: Vec<Wrote> = vec![(group, values, heads), (remark, remark_values, Vec::new())];
        match saved {
            Ok(Some((id, _))) => {
                self.tell(|| format!("   hub: the operator saves #{marker} on {record}, group {group}, as {id}"));
                let author = "operator".to_owned();
                self.model.changed(id, Known { record, by: None, marker, author, writes, excused: None });
                self.saves += 1;
            }
            // The record is not there any more: the hub was put back since.
            Ok(None) | Err(Stop::Dead) => {}
            Err(error) => {
                self.tell(|| format!("   hub: the operator saves #{marker} on {record}, not saved: {error:?}"));
                self.model.doubt(marker, Some(record));
            }
        }
    }
}

fn heads_shown(entry: &Entry, form: FormTag, group: GroupTag) -> Option<Vec<OpId>> {
    let form = builtin::by_tag(form)?;
    Some(GroupView::of(&entry.record, form, form.group(group)?).heads())
}

/// A record at the hub, from its merged ops.
///
/// # Errors
/// A failure of the store.
pub fn merged(tx: &mut dyn Tx, id: RecordId) -> Result<Record, HubError> {
    let mut record = Record::new(id);
    for stored in tx.ops_of(id)? {
        if stored.state == kentongan_hub::store::OpState::Merged {
            let op = Op::decode(&stored.bytes).map_err(|_| HubError::Damaged("an op that was readable once"))?;
            record.apply(stored.id, &op);
        }
    }
    Ok(record)
}
