-- Version 13: when the hub said that it has what was written here.

-- Own logs, and since when the hub has them that far.
CREATE TABLE arrival (
    n      INTEGER NOT NULL,          -- log
    seq    INTEGER NOT NULL,          -- its last op that the hub has
    hub_ms INTEGER NOT NULL,          -- when the hub said so, by its clock
    PRIMARY KEY (n, seq)
) STRICT, WITHOUT ROWID;
