//! Whether the pages of a file are the trees that they should be, each page in one of them and where it says it is.

use rusqlite::Connection;

/// How closely [`fault`] looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closely {
    /// Every page, but not whether each index has what its table has: `quick_check`.
    Quick,
    /// That as well: `integrity_check`.
    Whole,
}

/// The first thing that SQLite finds wrong with the pages of a file; `None`: nothing.
///
/// What it looks at depends on the names in the schema, see [`sees_everything`].
///
/// # Errors
/// The file cannot be read, or is no database.
pub fn fault(db: &Connection, closely: Closely) -> rusqlite::Result<Option<String>> {
    let sql = match closely {
        Closely::Quick => "PRAGMA quick_check(1)",
        Closely::Whole => "PRAGMA integrity_check(1)",
    };
    let found: String = db.query_row(sql, [], |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

/// Whether [`fault`] looks at all pages of a file with this schema.
///
/// SQLite begins with a list of the roots of all trees, in the order of a hash over the names of their tables, and takes
/// a zero at the head of that list for the wish to see a part only: it then passes over free pages, the pointer map and
/// pages that are in no tree. A virtual table and a view have no tree of their own and stand in the list as zeros. So a
/// schema with one needs names by which another table is first. The order is that of the names alone, and of SQLite's version: a test
/// over each version of a schema tells.
///
/// # Errors
/// The file cannot be read, or is no database.
pub fn sees_everything(db: &Connection) -> rusqlite::Result<bool> {
    // This pragma lists the tables in the order of the same hash.
    let first: String = db.query_row("PRAGMA main.table_list", [], |row| row.get(2))?;
    Ok(matches!(first.as_str(), "table" | "shadow"))
}
