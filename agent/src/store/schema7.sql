-- Version 7: what goes over the link is counted, and files that the hub has for good leave this PC.

-- Bytes that went over the link, both ways, see `traffic.rs`.
CREATE TABLE traffic (
    day   INTEGER PRIMARY KEY,        -- days since 1970 by the office's civil time
    bytes INTEGER NOT NULL            -- about so many, as the link counts them
) STRICT;

-- A file whose state is 4 in `attachment` was put away: a second copy of the hub has it, too, and its parts are gone here.
