-- Version 1 of the agent's store. Released steps are never edited; a later version appends its own.

-- Names of logs, so that an op needs no 8-byte name: an op's id is n * 2^40 + seq.
CREATE TABLE log_name (
    n   INTEGER PRIMARY KEY,          -- small number of the log in this store, from 1
    log BLOB NOT NULL UNIQUE          -- its 8-byte id, which follows from its head
) STRICT;

-- One life of this program each.
CREATE TABLE run (
    run     BLOB PRIMARY KEY,         -- 8-byte id
    ordinal INTEGER NOT NULL,         -- number of the run in this folder, from 1
    before  BLOB,                     -- the run before it
    boot    INTEGER NOT NULL,         -- hash of the machine's boot id
    boot_ms INTEGER NOT NULL,         -- milliseconds since that boot when the run began
    wall_ms INTEGER NOT NULL          -- what the PC's clock showed then
) STRICT, WITHOUT ROWID;

-- Logs of which ops are here.
CREATE TABLE log (
    n       INTEGER PRIMARY KEY REFERENCES log_name,
    head    BLOB NOT NULL,            -- the head as it goes over the wire
    own     INTEGER NOT NULL,         -- 1: written by this replica
    lane    INTEGER NOT NULL,         -- priority class, 0 goes first
    held    INTEGER NOT NULL,         -- ops here without gap, from 1 up to this
    chain   BLOB NOT NULL,            -- running hash at `held`
    stored  INTEGER NOT NULL,         -- the hub holds it without gap up to here, as far as is known
    durable INTEGER NOT NULL,         -- a backup or standby of the hub holds it up to here
    hlc     INTEGER NOT NULL          -- latest hybrid time in it, as a 64-bit pattern
) STRICT;
CREATE INDEX log_open ON log (lane) WHERE stored < held;

-- Every op, as its writer encoded it. Never changed.
CREATE TABLE op (
    id     INTEGER PRIMARY KEY,       -- n * 2^40 + seq
    record INTEGER NOT NULL,          -- id of the op that created its record
    bytes  BLOB NOT NULL,
    chain  BLOB,                      -- running hash after it; NULL where the log before it is not here
    feed   INTEGER,                   -- its number in the hub's feed; NULL: written here; greatest: forgotten by the hub
    aside  INTEGER NOT NULL DEFAULT 0 -- 1: the hub set it aside, so it does not count
) STRICT;
CREATE INDEX op_of_record ON op (record) WHERE record <> id;
CREATE INDEX op_of_feed ON op (feed) WHERE feed IS NOT NULL;

-- What lists and look-ups need of each record; can be rebuilt from the ops.
CREATE TABLE record (
    id        INTEGER PRIMARY KEY,    -- id of the creating op
    form      INTEGER NOT NULL,
    code      INTEGER,                -- receipt code as a number
    own       INTEGER NOT NULL,       -- 1: entered on this PC
    wall_ms   INTEGER NOT NULL,       -- this PC's clock when it was entered or first seen here
    changed   INTEGER NOT NULL,       -- this PC's clock when something last came to it
    conflicts INTEGER NOT NULL,       -- groups in which values stand side by side
    repair    INTEGER NOT NULL        -- 1: the hub asks for a repair
) STRICT;
CREATE INDEX record_code ON record (code) WHERE code IS NOT NULL;
CREATE INDEX record_repair ON record (id) WHERE repair = 1;

-- What the hub said of ops, where it said anything but "accepted".
CREATE TABLE verdict (
    op      INTEGER PRIMARY KEY,      -- id of the op
    verdict BLOB NOT NULL,            -- as it came over the wire
    feed    INTEGER NOT NULL          -- its number in the hub's feed
) STRICT;

-- Signatures of other writers over heads of their logs, to give back with their ops to a hub that forgot them.
CREATE TABLE attest (
    n     INTEGER NOT NULL,           -- the log
    seq   INTEGER NOT NULL,           -- signed up to here
    bytes BLOB NOT NULL,              -- the message as it came
    PRIMARY KEY (n, seq)
) STRICT, WITHOUT ROWID;

-- How far each topic of the feed is stored.
CREATE TABLE cursor (
    topic  INTEGER PRIMARY KEY,       -- kind of topic
    number INTEGER NOT NULL           -- the last entry stored
) STRICT;

-- Starts of the hub that are known here, in the order they were told.
CREATE TABLE epoch (
    place INTEGER PRIMARY KEY,
    epoch BLOB NOT NULL UNIQUE,       -- 8-byte id
    began_after INTEGER NOT NULL      -- the feed's number when it began
) STRICT;

-- Rows of files that were taken, by their content: the same row is taken once.
CREATE TABLE import_row (
    name   BLOB PRIMARY KEY,          -- 32-byte content name
    record INTEGER NOT NULL           -- what became of it
) STRICT, WITHOUT ROWID;

-- Rows that have an id of their own in the system they come from.
CREATE TABLE import_source (
    source BLOB PRIMARY KEY,          -- 32-byte hash of form and id
    name   BLOB NOT NULL              -- content name it was taken under
) STRICT, WITHOUT ROWID;

-- Attempts to reach the hub, the last thousand.
CREATE TABLE contact (
    id         INTEGER PRIMARY KEY,
    began_ms   INTEGER NOT NULL,      -- this PC's clock
    ended_ms   INTEGER NOT NULL,
    code       INTEGER NOT NULL,      -- 0: it went well; else the KTG number
    detail     TEXT NOT NULL,         -- for IT staff, in English; nothing of a person
    up_bytes   INTEGER NOT NULL,      -- body bytes sent
    down_bytes INTEGER NOT NULL       -- body bytes received
) STRICT;

-- Single facts.
CREATE TABLE fact (
    name  TEXT PRIMARY KEY,           -- see `facts.rs`
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
