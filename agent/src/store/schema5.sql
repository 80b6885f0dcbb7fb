-- Version 5: what a person has begun to fill in.

-- One form each, until it is saved or thrown away.
CREATE TABLE draft (
    name    BLOB PRIMARY KEY,         -- 16 random bytes, drawn when the form was opened
    form    INTEGER NOT NULL,         -- its number
    changed INTEGER NOT NULL,         -- this PC's clock
    inputs  TEXT NOT NULL,            -- what stands in the inputs, as typed; '' once it was saved
    record  BLOB                      -- the record that became of it: log and seq; NULL: none yet
) STRICT, WITHOUT ROWID;

-- Files that were chosen for a draft, ready to be attached.
CREATE TABLE draft_file (
    id         INTEGER PRIMARY KEY,
    draft      BLOB NOT NULL,        -- whose
    attachment TEXT NOT NULL,         -- name, length, kind and hash, as a field holds them
    content    BLOB NOT NULL
) STRICT;
CREATE INDEX draft_file_of ON draft_file (draft);
