-- Version 4: not every request is signed.

-- How far the hub is known to keep a signature over a log of this PC, see `signing.rs`; no row: not at all.
CREATE TABLE signed (
    n    INTEGER PRIMARY KEY REFERENCES log_name,
    upto INTEGER NOT NULL             -- the last op that it covers
) STRICT;
