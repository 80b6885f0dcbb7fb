//! What the store of the made-up next version has more, see [`kentongan_protocol::next`].

use kentongan_host::sqlite::with_step;
use kentongan_protocol::next::active;

use super::schema::MIGRATIONS;

/// The step that the made-up version adds: a table, a column, an index over all ops.
const NEXT_STEP: &str = "
CREATE TABLE next_version (replica INTEGER PRIMARY KEY, protocol INTEGER NOT NULL) STRICT;
ALTER TABLE offices ADD COLUMN next_version INTEGER NOT NULL DEFAULT 1;
CREATE INDEX ops_by_receipt ON ops (received_ms, op);
";
const NEXT: &[&str] = &with_step::<{ MIGRATIONS.len() + 1 }>(MIGRATIONS, NEXT_STEP);

/// Steps of the schema that this program knows.
pub(super) fn migrations() -> &'static [&'static str] {
    if active() { NEXT } else { MIGRATIONS }
}
