//! How one field is read from a row.

use std::borrow::Cow;
use std::collections::HashMap;

use kentongan_protocol::form::{Field, Form, Reason, Value};

use super::super::dates::Dates;
use super::super::row::Row;
use super::super::values::{ValueReader, fold, is_nothing};

/// How a row of one form is read.
pub(in crate::inbox) struct FormPlan {
    pub(in crate::inbox) form: &'static Form,
    /// In the order of the form, so that the fields of a group stand together.
    pub(in crate::inbox) slots: Vec<Slot>,
}

/// How one field is read.
pub(in crate::inbox) struct Slot {
    pub(super) reader: ValueReader,
    pub(super) source: Source,
    /// What a cell means, by its folded text; no meaning is no value.
    pub(super) values: HashMap<String, Option<Value>>,
    /// In place of an empty cell, and of an unknown choice.
    pub(super) default: Option<Value>,
    /// In place of an unknown choice.
    pub(super) unknown: Option<Value>,
}

/// Where its text comes from.
pub(super) enum Source {
    Const(Value),
    Column(usize),
    Join(Vec<usize>, String),
    First(Vec<usize>),
}

impl Slot {
    /// The field.
    pub(in crate::inbox) fn field(&self) -> &'static Field {
        self.reader.field
    }

    /// The value of the field in this row, if it has one.
    pub(in crate::inbox) fn read(&self, row: &Row, dates: &Dates) -> Result<Option<Value>, Reason> {
        let text: Cow<'_, str> = match &self.source {
            Source::Const(value) => return Ok(Some(value.clone())),
            Source::Column(column) => Cow::Borrowed(row.cell(*column)),
            Source::First(columns) => {
                Cow::Borrowed(columns.iter().map(|c| row.cell(*c)).find(|cell| !is_nothing(cell)).unwrap_or_default())
            }
            Source::Join(columns, separator) => {
                let filled: Vec<&str> =
                    columns.iter().map(|c| row.cell(*c).trim()).filter(|cell| !is_nothing(cell)).collect();
                Cow::Owned(filled.join(separator))
            }
        };
        if !self.values.is_empty()
            && let Some(meaning) = self.values.get(&fold(&text))
        {
            return Ok(meaning.clone());
        }
        if is_nothing(&text) {
            return Ok(self.default.clone());
        }
        match self.reader.read(&text, dates) {
            Ok(value) => Ok(Some(value)),
            Err(Reason::UnknownChoice) => match self.unknown.as_ref().or(self.default.as_ref()) {
                Some(value) => Ok(Some(value.clone())),
                None => Err(Reason::UnknownChoice),
            },
            Err(reason) => Err(reason),
        }
    }

    /// A slot that reads cells as they stand.
    pub(super) fn plain(field: &'static Field, source: Source) -> Slot {
        Slot { reader: ValueReader::new(field), source, values: HashMap::new(), default: None, unknown: None }
    }
}
