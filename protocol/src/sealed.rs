//! What of a confidential complaint nobody reads at the PC where it is typed: the writes of an op that are sealed to the
//! hub, and the one write that stands for them.
//!
//! ```text
//!   a person saves       channel · receipt · privacy │ complainant · description · category · ...
//!                                     stay as they are │ content ──▶ bytes ──▶ sealed ──▶ text
//!   the op that is kept  channel · receipt · privacy · [`GROUP`]: that text
//!   the hub opens it     channel · receipt · privacy · complainant · description · category · ...
//! ```
//!
//! - Programs between the two carry the op as any other: its bytes are what is hashed, signed and kept, and [`GROUP`] is
//!   to them a group that they do not know.
//! - What happens with a complaint stays open: that it is there, since when, where its work stands and whose it is. A
//!   complaint that vanished is a gap that everybody sees.
//! - A file is sealed by itself, with its kind and its name ([`file_content`]): the record names what travels, by its hash, as
//!   it does with any other file, and calls it [`FILE_NAME`].
//!
//! This module splits and joins; programs seal and open.

use std::collections::BTreeMap;

use crate::attachment::Media;
use crate::error::Fault;
use crate::form::builtin::pengaduan::{self, group, privasi};
use crate::form::check::ATTACHMENT_NAME_CHARS_MAX;
use crate::form::{FieldTag, FormTag, GroupTag, Value, builtin};
use crate::limits::{OP_WRITES_MAX, TEXT_BYTES_MAX};
use crate::merge::{GroupView, Record};
use crate::op::{Op, Write, WriteV1};
use crate::wire::codec::{self, List};

/// The group of an op whose values are the sealed text, in parts as long as a text may be. No form has a group of this
/// number.
pub const GROUP: GroupTag = 65_000;

/// Groups of a complaint that are never sealed.
const OPEN: [GroupTag; 8] = [
    group::KANAL,
    group::PRIVASI,
    group::PENERIMAAN,
    group::STATUS,
    group::DISPOSISI,
    group::TAUTAN,
    group::ESKALASI,
    group::LAMPIRAN,
];

/// Whether its writer, or the citizen, asked that nobody at the counter reads a record once it is saved.
pub fn is_confidential(record: &Record) -> bool {
    let form = record.creation.as_ref().filter(|creation| creation.form == pengaduan::TAG);
    let form = form.and_then(|creation| builtin::by_tag(creation.form));
    let asked = form.and_then(|form| Some(GroupView::of(record, form, form.group(group::PRIVASI)?)));
    asked.is_some_and(|asked| asked.shown().is_some_and(asks))
}

/// Whether one of these values, by group, asks for that of a record of `form`.
pub fn asks_for_seal<'a>(
    form: FormTag,
    writes: impl IntoIterator<Item = (GroupTag, &'a BTreeMap<FieldTag, Value>)>,
) -> bool {
    form == pengaduan::TAG && writes.into_iter().any(|(tag, values)| tag == group::PRIVASI && asks(values))
}

fn asks(values: &BTreeMap<FieldTag, Value>) -> bool {
    values.get(&privasi::FIELD).and_then(Value::choice) == Some(privasi::RAHASIA)
}

/// Whether what is written to this group is sealed in a confidential record.
pub fn hides(form: FormTag, group: GroupTag) -> bool {
    form == pengaduan::TAG && group != GROUP && !OPEN.contains(&group)
}

/// Takes out of `writes` what is to be sealed, and gives it back as bytes; `None` if there is nothing to seal.
pub fn take_content(form: FormTag, writes: &mut Vec<Write>) -> Option<Vec<u8>> {
    let (hidden, open): (Vec<Write>, Vec<Write>) =
        std::mem::take(writes).into_iter().partition(|write| hides(form, write.group));
    *writes = open;
    if hidden.is_empty() {
        return None;
    }
    Some(codec::encode(&List::<WriteV1, OP_WRITES_MAX>(hidden.iter().map(WriteV1::from).collect())))
}

/// The write that stands for what was sealed, which is ASCII `text`.
pub fn write_of(text: &str) -> Write {
    let parts = text.as_bytes().chunks(TEXT_BYTES_MAX).map(|part| String::from_utf8_lossy(part).into_owned());
    let values = (1..).zip(parts.map(Value::Text)).collect::<BTreeMap<FieldTag, Value>>();
    Write { group: GROUP, values, ..Write::default() }
}

/// The sealed text of an op; `None` if nothing of it is sealed.
pub fn text_of(op: &Op) -> Option<String> {
    let sealed = op.writes.iter().find(|write| write.group == GROUP)?;
    let parts = sealed.values.values().filter_map(|value| match value {
        Value::Text(text) => Some(text.as_str()),
        _ => None,
    });
    Some(parts.collect())
}

/// The op as its writer meant it, given the bytes that were sealed.
///
/// # Errors
/// [`Fault::Peer`] if these are no writes, or some that are never sealed: whoever has the hub's public key can seal
/// anything.
pub fn opened(op: &Op, content: &[u8]) -> Result<Op, Fault> {
    let hidden: List<WriteV1, OP_WRITES_MAX> = codec::decode(content)?;
    let hidden = hidden.0.into_iter().map(Write::try_from).collect::<Result<Vec<_>, Fault>>()?;
    if hidden.iter().any(|write| !hides(pengaduan::TAG, write.group)) {
        return Err(Fault::Peer("something sealed that is never sealed"));
    }
    let open = op.writes.iter().filter(|write| write.group != GROUP).cloned();
    Ok(Op { writes: open.chain(hidden).collect(), ..op.clone() })
}

/// What a record calls a sealed file: its name might say what it shows.
pub const FILE_NAME: &str = "lampiran";

/// Most bytes by which a file grows when it is sealed, its name and what seals it included.
pub const FILE_GROWS_BYTES_MAX: u32 = 1024;

/// A file that was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedFile {
    /// What it is; never [`Media::Sealed`].
    pub media: Media,
    /// What people called it.
    pub name: String,
    /// The file.
    pub content: Vec<u8>,
}

/// What is sealed of a file: the number of its kind, the length of its name in two bytes, its name, the file.
pub fn file_content(media: u8, name: &str, content: &[u8]) -> Vec<u8> {
    // A form takes no name that is longer.
    let name: String = name.chars().take(ATTACHMENT_NAME_CHARS_MAX as usize).collect();
    let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
    [&[media][..], &length.to_be_bytes(), name.as_bytes(), content].concat()
}

/// The file, given the bytes that were sealed.
///
/// # Errors
/// [`Fault::Peer`] if these are no file, or one of another kind than they say: whoever has the hub's public key can seal
/// anything.
pub fn opened_file(content: &[u8]) -> Result<OpenedFile, Fault> {
    const NO_FILE: Fault = Fault::Peer("something sealed as a file that is none");
    let ([media, high, low], rest) = content.split_first_chunk().ok_or(NO_FILE)?;
    let (name, content) = rest.split_at_checked(u16::from_be_bytes([*high, *low]).into()).ok_or(NO_FILE)?;
    let name = std::str::from_utf8(name).map_err(|_| NO_FILE)?;
    let is_name = name.chars().count() <= ATTACHMENT_NAME_CHARS_MAX as usize && !name.chars().any(char::is_control);
    let media = Media::from_number(*media).filter(|media| *media != Media::Sealed && is_name).ok_or(NO_FILE)?;
    if Media::of(content) != Some(media) {
        return Err(NO_FILE);
    }
    Ok(OpenedFile { media, name: name.to_owned(), content: content.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Hlc;
    use crate::ids::{LogId, OpId, RecordId};
    use crate::op::Action;

    fn write(group: GroupTag, text: &str) -> Write {
        Write { group, values: BTreeMap::from([(1, Value::Text(text.into()))]), ..Write::default() }
    }

    fn op(writes: Vec<Write>) -> Op {
        let action = Action::Create { form: pengaduan::TAG, form_version: 1, receipt: None };
        Op { action, author: "sari".into(), elapsed_ms: 5, hlc: Hlc(9), writes }
    }

    /// As a program does it, with a seal that anybody reads.
    fn sealed(mut writes: Vec<Write>) -> (Op, Vec<u8>) {
        let content = take_content(pengaduan::TAG, &mut writes).expect("something to seal");
        let text: String = content.iter().map(|byte| format!("{byte:02x}")).collect();
        writes.push(write_of(&text));
        (op(writes), content)
    }

    #[test]
    fn an_op_that_was_sealed_and_opened_says_what_its_writer_wrote() {
        let long = "jalan berlubang ".repeat(1_200);
        let writes = vec![write(group::KANAL, "kios"), write(group::URAIAN, &long), write(group::PELAPOR, "Contoh")];
        let (op, content) = sealed(writes.clone());
        assert_eq!(op.writes.iter().map(|write| write.group).collect::<Vec<_>>(), [group::KANAL, GROUP]);
        assert!(op.writes[1].values.len() > 1, "longer than one text may be");
        let read = Op::decode(&op.encode().expect("an op")).expect("the same");
        let text = text_of(&read).expect("sealed");
        assert_eq!(text.len(), 2 * content.len());
        assert_eq!(opened(&read, &content).expect("opens").writes, writes);
    }

    #[test]
    fn what_is_done_with_a_complaint_stays_open_and_what_it_says_does_not() {
        let form = builtin::by_tag(pengaduan::TAG).expect("built in");
        assert!(form.groups.iter().all(|group| group.tag != GROUP));
        let open = form.groups.iter().map(|group| group.tag).filter(|group| !hides(form.tag, *group));
        assert_eq!(open.collect::<Vec<_>>(), OPEN);
        let survey = builtin::by_name("skm").expect("built in");
        assert!(survey.groups.iter().all(|group| !hides(survey.tag, group.tag)));
    }

    #[test]
    fn a_complaint_is_confidential_once_somebody_asked_for_it_and_no_other_record_is() {
        let id = OpId { log: LogId(1), seq: 1 };
        let asked = |form, choice| {
            let values = BTreeMap::from([(privasi::FIELD, Value::One(choice))]);
            let writes = vec![Write { group: group::PRIVASI, values, ..Write::default() }];
            let asks = asks_for_seal(form, writes.iter().map(|write| (write.group, &write.values)));
            let action = Action::Create { form, form_version: 1, receipt: None };
            let mut record = Record::new(RecordId(id));
            record.apply(id, &Op { action, ..op(writes) });
            (asks, is_confidential(&record))
        };
        assert_eq!(asked(pengaduan::TAG, privasi::RAHASIA), (true, true));
        assert_eq!(asked(pengaduan::TAG, privasi::RAHASIA - 1), (false, false));
        let survey = builtin::by_name("skm").expect("built in").tag;
        assert_eq!(asked(survey, privasi::RAHASIA), (false, false), "fields of other forms mean something else");
        let elsewhere = [(group::KANAL, &BTreeMap::from([(privasi::FIELD, Value::One(privasi::RAHASIA))]))];
        assert!(!asks_for_seal(pengaduan::TAG, elsewhere));
    }

    #[test]
    fn nothing_is_sealed_when_there_is_nothing_to_hide() {
        let mut writes = vec![write(group::STATUS, "diproses")];
        assert_eq!((take_content(pengaduan::TAG, &mut writes), writes.len()), (None, 1));
        assert_eq!(text_of(&op(writes)), None);
    }

    #[test]
    fn nobody_smuggles_in_under_a_seal_what_offices_are_to_see() {
        for group in [group::STATUS, GROUP] {
            let content = codec::encode(&List::<WriteV1, OP_WRITES_MAX>(vec![WriteV1::from(&write(group, "selesai"))]));
            assert!(matches!(opened(&op(Vec::new()), &content), Err(Fault::Peer(_))), "{group}");
        }
        assert!(opened(&op(Vec::new()), b"bukan isi").is_err());
    }

    const PAPER: &[u8] = b"%PDF-1.7 kuitansi";

    #[test]
    fn a_file_that_was_sealed_comes_back_with_its_name_and_its_kind() {
        let content = file_content(Media::Pdf as u8, "kuitansi é.pdf", PAPER);
        let opened = opened_file(&content).expect("a file");
        assert_eq!((opened.media, opened.name.as_str(), &opened.content[..]), (Media::Pdf, "kuitansi é.pdf", PAPER));
        let long = "é".repeat(1_000);
        let grown = file_content(Media::Pdf as u8, &long, PAPER).len() - PAPER.len();
        assert!(grown + 100 < FILE_GROWS_BYTES_MAX as usize, "{grown}");
        assert_eq!(
            opened_file(&file_content(Media::Pdf as u8, &long, PAPER)).expect("a file").name.chars().count(),
            120
        );
    }

    #[test]
    fn what_is_no_file_or_lies_about_its_kind_is_not_shown() {
        let nested = [&Media::SEALED_MAGIC[..], &[1; 80]].concat();
        let whole = file_content(Media::Pdf as u8, "surat.pdf", PAPER);
        for bad in [
            file_content(Media::Jpeg as u8, "foto.jpg", PAPER),
            file_content(Media::Sealed as u8, "lagi", &nested),
            file_content(0, "apa", PAPER),
            file_content(Media::Pdf as u8, "a\u{7}b", PAPER),
            file_content(Media::Pdf as u8, "surat.pdf", b""),
            whole[..8].to_vec(),
            vec![4, 0xff, 0xff, b'a'],
            vec![4, 0, 1, 0xff, b'%', b'P', b'D', b'F', b'-'],
            Vec::new(),
        ] {
            assert!(matches!(opened_file(&bad), Err(Fault::Peer(_))), "{bad:?}");
        }
    }
}
