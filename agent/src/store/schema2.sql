-- Version 2: every op can be checked by itself, and damage is remembered.

-- Over the op's full name and its bytes, see `check.rs`; NULL: written by version 1.
ALTER TABLE op ADD COLUMN sum INTEGER;

-- Own ops that are here although an op before them in their log is lost. They cannot be carried under their name; once
-- the hub has said that it does not have them either, they are entered again (`stray.rs`).
CREATE TABLE stray (
    op INTEGER PRIMARY KEY            -- id of the op
) STRICT;

-- What happened to this store.
CREATE TABLE mishap (
    id       INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL,        -- this PC's clock when it was found
    kind     TEXT NOT NULL,           -- 'damaged' or 'missing'
    kept_ops INTEGER NOT NULL,        -- ops of this PC that were still there
    lost_ops INTEGER NOT NULL,        -- ops of this PC that are known to have been there and were not
    since_ms INTEGER,                 -- time of the latest op that was still there
    aside    TEXT NOT NULL,           -- folder beside the store that keeps the damaged files; '' if there is none
    detail   TEXT NOT NULL            -- for IT staff, in English
) STRICT;
