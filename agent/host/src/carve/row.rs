//! Rows as they are asked for and handed out.

/// What a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Always NULL: a column that is the row id.
    RowId,
    /// A whole number.
    Whole,
    /// A whole number or NULL.
    WholeOrNull,
    /// Bytes, any number of them.
    Blob,
    /// So many bytes.
    Bytes(u64),
    /// So many bytes, or NULL.
    BytesOrNull(u64),
    /// Text.
    Text,
    /// Text or NULL.
    TextOrNull,
    /// Anything.
    Any,
}

/// Rows of one table.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Whether the table has row ids. Indexes and tables without them have none.
    pub row_ids: bool,
    /// Its columns.
    pub columns: &'static [Kind],
}

/// A value in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// A whole number.
    Whole(i64),
    /// A decimal number.
    Real(f64),
    /// Bytes.
    Blob(Vec<u8>),
    /// Text.
    Text(String),
}

impl Value {
    /// The whole number that it is.
    pub fn whole(&self) -> Option<i64> {
        match self {
            Value::Whole(number) => Some(*number),
            _ => None,
        }
    }

    /// The bytes that it is.
    pub fn blob(&self) -> Option<&[u8]> {
        match self {
            Value::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// So many bytes, if it is that.
    pub fn bytes<const N: usize>(&self) -> Option<[u8; N]> {
        self.blob()?.try_into().ok()
    }

    /// The text that it is.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its row id; 0 where there is none.
    pub id: i64,
    /// Its values; as many as its shape has columns.
    pub values: Vec<Value>,
}
