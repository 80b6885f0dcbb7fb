-- Version 12: exchanges that a person carries.

-- Bundles that were made here, so that their answers can be read.
CREATE TABLE bundle (
    id       INTEGER PRIMARY KEY,     -- in the order in which they were made
    name     BLOB NOT NULL UNIQUE,    -- what its answer says that it is for
    key      BLOB,                    -- opens its answer; NULL: an answer would tell nothing new any more
    files    BLOB NOT NULL,           -- the attachments that it offers, as the frame Offer has them
    after_ms INTEGER                  -- by the hub's clock: what it said before that was taken from another answer
) STRICT;
