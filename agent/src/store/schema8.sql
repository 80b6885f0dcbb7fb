-- Version 8: tablets at the counter.

-- Each is known by a key of its own. None is ever removed: its number stays its own.
CREATE TABLE kiosk (
    id        INTEGER PRIMARY KEY,    -- number beside the name, from 1
    name      TEXT NOT NULL,
    key       BLOB NOT NULL UNIQUE,   -- SHA-256 of its key
    paired_ms INTEGER NOT NULL,       -- this PC's clock
    seen_ms   INTEGER,                -- this PC's clock when it last handed something over; NULL: never
    day       INTEGER NOT NULL,       -- days since 1970 of the count beside it
    taken     INTEGER NOT NULL,       -- answers taken on that day
    ended_ms  INTEGER                 -- this PC's clock when it was let go; NULL: it may hand over
) STRICT;
