-- Version 11: records are found by their words.

-- Which word stands in which record; of what is confidential, the receipt code alone. Can be rebuilt from the ops.
-- With another name SQLite's checks may see a part of the file only: see `sees_everything` in `kentongan_host::sqlite`.
CREATE VIRTUAL TABLE searched USING fts5 (
    words,                            -- as `search.rs` cuts them out: in lower case, one space between two
    content = '',                     -- the words themselves stand in the ops
    contentless_delete = 1,
    detail = none,                    -- records are looked for, not places in them
    prefix = '2',                     -- what begins with two letters is in thousands of records
    tokenize = 'ascii'                -- what is no letter or digit has been cut away before
);

-- Records that are new or have changed since their words were put there.
CREATE TABLE unsearched (
    record INTEGER PRIMARY KEY        -- id of the creating op
) STRICT;
INSERT INTO unsearched (record) SELECT id FROM record;
