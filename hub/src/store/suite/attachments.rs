//! Files that records name.

use kentongan_protocol::attachment::{Content, ContentHash};
use kentongan_protocol::ids::RecordId;

use super::{BUDI, SARI, done, op, row};
use crate::store::{Attachment, AttachmentState, Named, Result, Store, Tx};

suite! {
    a_file_is_wanted_from_the_first_op_that_names_it_and_known_by_all_it_claims
    parts_of_a_file_are_kept_until_it_is_whole_or_begun_anew
    who_names_a_file_is_remembered
}

fn file(hash: u8) -> Content {
    Content { hash: ContentHash([hash; 32]), bytes: 300, media: 4 }
}

fn with_record(tx: &mut dyn Tx) -> Result<RecordId> {
    let id = op(1, 1);
    tx.insert_record(&row(id, "32.73.05.1001"))?;
    Ok(RecordId(id))
}

fn a_file_is_wanted_from_the_first_op_that_names_it_and_known_by_all_it_claims(store: &mut dyn Store) {
    done(store, |tx| {
        let id = with_record(tx)?;
        for (name, at_ms) in [("satu.pdf", 5), ("satu.pdf", 9), ("dua.pdf", 12)] {
            tx.name_attachment(&file(1), id, SARI, name, at_ms)?;
        }
        // The same hash under another length is another claim: it can never turn out true, and harms nobody.
        let lie = Content { bytes: 301, ..file(1) };
        tx.name_attachment(&lie, id, BUDI, "bohong.pdf", 13)?;
        let wanted =
            |content, since_ms| Attachment { content, state: AttachmentState::Wanted { held: 0, failed: 0 }, since_ms };
        assert_eq!(tx.attachment(&file(1))?, Some(wanted(file(1), 5)));
        assert_eq!(tx.attachment(&file(2))?, None);
        assert_eq!(tx.attachment(&lie)?, Some(wanted(lie, 13)));
        let named = |name: &str, attachment| Named { attachment, name: name.to_owned() };
        let expected = [named("satu.pdf", wanted(file(1), 5)), named("bohong.pdf", wanted(lie, 13))];
        assert_eq!(tx.attachments_of(id)?, expected, "one record names one file of one writer once");
        assert_eq!(tx.attachments_of(RecordId(op(1, 7)))?, []);
        Ok(())
    });
}

fn parts_of_a_file_are_kept_until_it_is_whole_or_begun_anew(store: &mut dyn Store) {
    done(store, |tx| {
        let id = with_record(tx)?;
        tx.name_attachment(&file(1), id, SARI, "a", 1)?;
        tx.name_attachment(&file(2), id, SARI, "b", 1)?;
        for (content, byte) in [(file(1), 1), (file(2), 2)] {
            tx.append_chunk(&content, 0, &[byte; 200])?;
            tx.append_chunk(&content, 200, &[byte + 10; 50])?;
            tx.update_attachment(&content, AttachmentState::Wanted { held: 250, failed: 0 })?;
        }
        assert_eq!(tx.chunks(&file(1))?, [[1; 200].as_slice(), &[11; 50]].concat());
        tx.update_attachment(&file(1), AttachmentState::Wanted { held: 0, failed: 1 })?;
        tx.update_attachment(&file(2), AttachmentState::Held)?;
        for content in [file(1), file(2)] {
            assert_eq!(tx.chunks(&content)?, Vec::<u8>::new());
        }
        let state = |tx: &mut dyn Tx, content| tx.attachment(&content).map(|found| found.map(|found| found.state));
        assert_eq!(state(tx, file(1))?, Some(AttachmentState::Wanted { held: 0, failed: 1 }));
        assert_eq!(state(tx, file(2))?, Some(AttachmentState::Held));
        Ok(())
    });
}

fn who_names_a_file_is_remembered(store: &mut dyn Store) {
    done(store, |tx| {
        let id = with_record(tx)?;
        tx.name_attachment(&file(1), id, SARI, "a", 1)?;
        assert!(tx.is_named_by(&file(1), SARI)?);
        assert!(!tx.is_named_by(&file(1), BUDI)?);
        assert!(!tx.is_named_by(&file(2), SARI)?);
        assert!(!tx.is_named_by(&Content { media: 1, ..file(1) }, SARI)?);
        assert!(!tx.is_named_beside(&file(1), SARI)? && tx.is_named_beside(&file(1), BUDI)?);
        tx.name_attachment(&file(1), id, BUDI, "b", 2)?;
        assert!(tx.is_named_beside(&file(1), SARI)? && !tx.is_named_beside(&file(2), SARI)?);
        Ok(())
    });
}
