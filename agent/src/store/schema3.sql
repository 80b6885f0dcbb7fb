-- Version 3: files that belong to records.

-- Files that records of this PC name, until the hub has them and for a while after.
CREATE TABLE attachment (
    id      INTEGER PRIMARY KEY,      -- in the order they were attached
    hash    BLOB NOT NULL UNIQUE,     -- SHA-256 over the content
    bytes   INTEGER NOT NULL,         -- its length
    media   INTEGER NOT NULL,         -- its kind
    state   INTEGER NOT NULL,         -- 0: the hub lacks it, 1: it has it, 2: it set it aside, 3: a copy of it has it too
    at_hub  INTEGER,                  -- bytes from its beginning that the hub said to hold; NULL: it did not say yet
    hub_ms  INTEGER,                  -- the hub's clock when it last said where the file is
    wall_ms INTEGER NOT NULL          -- this PC's clock when it was attached
) STRICT;
CREATE INDEX attachment_waiting ON attachment (id) WHERE state = 0;

-- Their content, in parts of 64 KiB: a part is read without the others, and found again one by one after damage.
CREATE TABLE attachment_part (
    id      INTEGER PRIMARY KEY,      -- id of the attachment * 4096 + place of the part, from 0
    content BLOB NOT NULL
) STRICT;
