-- Version 6: the people of the office.

-- Who works here. Nobody is ever removed: their number stays theirs.
CREATE TABLE person (
    id        INTEGER PRIMARY KEY,    -- number beside the name, from 1
    name      TEXT NOT NULL,
    role      INTEGER NOT NULL,       -- 1: clerk, 2: duty manager
    pin       TEXT NOT NULL,          -- Argon2id of the PIN
    temporary INTEGER NOT NULL,       -- 1: given by somebody else, so to be changed at the next entry
    wrong     INTEGER NOT NULL,       -- wrong PINs since the last right one
    wrong_ms  INTEGER NOT NULL,       -- this PC's clock at the last wrong one
    added_ms  INTEGER NOT NULL,       -- this PC's clock
    left_ms   INTEGER                 -- this PC's clock; NULL: works here
) STRICT;
