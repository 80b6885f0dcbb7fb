//! The tables. Migrations only grow: a released one is never edited, a column is left behind rather than used again.
//!
//! Ids of 64 random bits are stored as the signed integers that have the same bits. Times are milliseconds since 1970.
//! `ops` and `feed` have no foreign keys: they are written ten thousand at a time, and the code that writes them has the
//! row it refers to in hand.

/// `KTGH` in ASCII: whose file this is.
pub(super) const APPLICATION_ID: u32 = 0x4b54_4748;

/// From each version to the next.
pub(super) const MIGRATIONS: &[&str] = &[FIRST, ATTACHMENTS, DAYS, WORK, FLEET, ACCOUNTS, PROGRAMS, SEALED];

/// What ops say in full of which a part was sealed.
const SEALED: &str = "
ALTER TABLE ops ADD COLUMN opened BLOB;              -- bytes of the op that its writer meant; NULL: nothing is sealed
";

/// What was found out of records. The list of open complaints is read by stage, by office, and by what is due first.
const WORK: &str = "
CREATE INDEX records_by_change ON records (changed) WHERE changed > 0;

CREATE TABLE cases (
    record      INTEGER PRIMARY KEY REFERENCES records,
    stage       INTEGER NOT NULL,                    -- whose turn it is: 0 verify, 1 reporter, 2 answer, 3 reporter's word
    office      TEXT    NOT NULL,                    -- the office it belongs to
    due_ms      INTEGER NOT NULL                     -- end of the day on which it is due; the last moment of all: never
) STRICT;
CREATE INDEX cases_by_stage ON cases (stage, due_ms);
CREATE INDEX cases_by_office ON cases (office, due_ms);
CREATE INDEX cases_by_due ON cases (due_ms);

CREATE TABLE survey_months (
    month       INTEGER NOT NULL,                    -- months since the year 0
    office      TEXT    NOT NULL,
    sums        BLOB    NOT NULL,                    -- complete, incomplete, 9 scores, 9 answers: 8 bytes each
    profile     TEXT    NOT NULL,                    -- who the respondents were
    PRIMARY KEY (month, office)
) STRICT, WITHOUT ROWID;

CREATE TABLE decisions (
    record      INTEGER NOT NULL REFERENCES records,
    grp         INTEGER NOT NULL,                    -- number of the group
    log         INTEGER NOT NULL,                    -- the op that decided
    seq         INTEGER NOT NULL,
    owner       TEXT    NOT NULL,                    -- the office that was to decide
    since_ms    INTEGER NOT NULL,                    -- known since
    decided_ms  INTEGER NOT NULL,
    PRIMARY KEY (record, grp, log, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX decisions_by_time ON decisions (decided_ms);
";

/// People at the console, and what they look for in the audit log.
const ACCOUNTS: &str = "
CREATE TABLE accounts (
    name             TEXT    PRIMARY KEY,            -- what they log in as
    full_name        TEXT    NOT NULL,               -- what people call them
    role             TEXT    NOT NULL,               -- 'viewer', 'operator', 'case', 'admin'
    password         TEXT    NOT NULL,               -- PHC string; '': none chosen yet
    invitation       BLOB,                           -- SHA-256 of the code that lets them choose one; NULL: none
    invited_until_ms INTEGER,                        -- when that ends
    second_key       BLOB,                           -- key of the second factor; NULL: none
    second_step      INTEGER NOT NULL,               -- last step whose code was used
    second_spare     BLOB    NOT NULL,               -- SHA-256 of each spare code, 32 bytes each
    added_ms         INTEGER NOT NULL,               -- when they were entered
    barred_ms        INTEGER                         -- since when they may not log in; NULL: they may
) STRICT;

CREATE TABLE logins (
    hash        BLOB    PRIMARY KEY,                 -- SHA-256 of what the browser keeps
    account     TEXT    NOT NULL,                    -- accounts.name
    stage       INTEGER NOT NULL,                    -- 0 code awaited, 1 second factor demanded, 2 open
    began_ms    INTEGER NOT NULL,
    seen_ms     INTEGER NOT NULL,                    -- last use
    origin      TEXT    NOT NULL,                    -- address from which it was begun
    browser     TEXT    NOT NULL                     -- what it calls itself
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_by_account ON logins (account);

CREATE INDEX audit_by_actor ON audit (actor, number);
CREATE INDEX audit_by_event ON audit (event, number);
CREATE INDEX audit_by_subject ON audit (subject, number);
";

/// Programs that speak with the hub.
const PROGRAMS: &str = "
CREATE TABLE api_keys (
    id          INTEGER PRIMARY KEY,                 -- public number
    name        TEXT    NOT NULL,                    -- what people call the program
    secret_hash BLOB    NOT NULL,                    -- SHA-256 of the secret part
    scopes      TEXT    NOT NULL,                    -- words with spaces between them
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    revoked_ms  INTEGER                              -- NULL: it holds
) STRICT;

CREATE TABLE remembered (
    key         INTEGER NOT NULL,                    -- that asked
    name        TEXT    NOT NULL,                    -- that it gave the request
    request     BLOB    NOT NULL,                    -- SHA-256 of the request
    status      INTEGER NOT NULL,                    -- that was answered
    body        TEXT    NOT NULL,
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (key, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX remembered_by_time ON remembered (at_ms);
";

/// Files that records name.
const ATTACHMENTS: &str = "
CREATE TABLE attachments (
    attachment  INTEGER PRIMARY KEY,                 -- in the order in which ops named them
    hash        BLOB    NOT NULL,                    -- SHA-256 over the file
    bytes       INTEGER NOT NULL,                    -- its length
    media       INTEGER NOT NULL,                    -- its kind
    state       INTEGER NOT NULL,                    -- 0 wanted, 1 in the archive, 2 set aside
    held        INTEGER NOT NULL,                    -- bytes from its beginning that are here
    failed      INTEGER NOT NULL,                    -- how often it came whole and was another file
    since_ms    INTEGER NOT NULL,                    -- when an op first named it
    UNIQUE (hash, bytes, media)
) STRICT;

CREATE TABLE attached (
    attachment  INTEGER NOT NULL REFERENCES attachments,
    record      INTEGER NOT NULL REFERENCES records, -- that names it
    writer      INTEGER NOT NULL,                    -- replica that wrote so
    name        TEXT    NOT NULL,                    -- what people call it
    PRIMARY KEY (attachment, record, writer)
) STRICT, WITHOUT ROWID;
CREATE INDEX attached_by_record ON attached (record);

-- Of files that are not whole yet.
CREATE TABLE chunks (
    chunk       INTEGER PRIMARY KEY,
    attachment  INTEGER NOT NULL REFERENCES attachments,
    at          INTEGER NOT NULL,                    -- its place in the file
    bytes       BLOB    NOT NULL,
    UNIQUE (attachment, at)
) STRICT;
";

/// How offices are heard day by day, and what people brought in.
const DAYS: &str = "
CREATE TABLE days (
    office      TEXT    NOT NULL,                    -- an office
    day         INTEGER NOT NULL,                    -- its civil day, days since 1970
    hours       INTEGER NOT NULL,                    -- bit n: heard in hour n there
    exchanges   INTEGER NOT NULL,                    -- that ended well
    ended_early INTEGER NOT NULL,                    -- that did not
    bytes_in    INTEGER NOT NULL,
    bytes_out   INTEGER NOT NULL,
    ops_in      INTEGER NOT NULL,                    -- newly stored
    ops_out     INTEGER NOT NULL,                    -- fed and given back
    drained_ms  INTEGER,                             -- when nothing was left there last; NULL: not on this day
    delays      BLOB    NOT NULL,                    -- records by how long they had been under way: 11 counts of 4 bytes
    PRIMARY KEY (office, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE reference (
    name        TEXT    PRIMARY KEY,                 -- 'calendar', ...
    text        TEXT    NOT NULL,                    -- what it says
    at_ms       INTEGER NOT NULL,                    -- since when
    actor       TEXT    NOT NULL                     -- by whom
) STRICT;
";

/// What operators note about offices; codes for which a person compares five words.
const FLEET: &str = "
CREATE TABLE office_notes (
    note        INTEGER PRIMARY KEY,                 -- in the order in which they were written
    office      TEXT    NOT NULL,
    at_ms       INTEGER NOT NULL,
    actor       TEXT    NOT NULL,                    -- by whom
    text        TEXT    NOT NULL
) STRICT;
CREATE INDEX office_notes_by_office ON office_notes (office, note);

ALTER TABLE enrol_codes ADD COLUMN tag TEXT NOT NULL DEFAULT '';           -- of the operator's own
ALTER TABLE enrol_codes ADD COLUMN approval INTEGER NOT NULL DEFAULT 0;    -- 0 beforehand, 1 awaited, 2 asked, 3 given
ALTER TABLE enrol_codes ADD COLUMN asked_key BLOB;                         -- of the PC that asked, 32 bytes
ALTER TABLE enrol_codes ADD COLUMN asked_host TEXT NOT NULL DEFAULT '';
ALTER TABLE enrol_codes ADD COLUMN asked_program TEXT NOT NULL DEFAULT '';
ALTER TABLE enrol_codes ADD COLUMN asked_ms INTEGER;                       -- when it first did
";

const FIRST: &str = "
CREATE TABLE hub (
    row         INTEGER PRIMARY KEY CHECK (row = 1), -- there is one
    replica     INTEGER NOT NULL,                    -- the hub as a replica
    name        TEXT    NOT NULL,                    -- what people call it
    created_ms  INTEGER NOT NULL                     -- when it was set up
) STRICT;

CREATE TABLE counters (
    name        TEXT    PRIMARY KEY,                 -- what is counted: 'feed'
    value       INTEGER NOT NULL                     -- the last number given
) STRICT;

CREATE TABLE epochs (
    place       INTEGER PRIMARY KEY,                 -- order of the starts
    epoch       INTEGER NOT NULL,                    -- random id of the start
    began_after INTEGER NOT NULL,                    -- feed entries up to here existed
    at_ms       INTEGER NOT NULL                     -- when
) STRICT;

CREATE TABLE offices (
    code        TEXT    PRIMARY KEY,                 -- area code, possibly with -SUFFIX
    name        TEXT    NOT NULL,                    -- what people call it
    added_ms    INTEGER NOT NULL,                    -- when it was entered
    paused_ms   INTEGER                              -- its silence is no fault since; NULL: at work
) STRICT;

CREATE TABLE replicas (
    id               INTEGER PRIMARY KEY,            -- also the common name of its certificate
    office           TEXT    NOT NULL,               -- the office it writes for
    name             TEXT    NOT NULL,               -- what people call the PC
    public_key       BLOB    NOT NULL UNIQUE,        -- Ed25519, 32 bytes
    prefix           INTEGER NOT NULL UNIQUE,        -- of its receipt codes
    serial           BLOB    NOT NULL,               -- of its certificate
    valid_from_ms    INTEGER NOT NULL,               -- certificate
    valid_until_ms   INTEGER NOT NULL,               -- certificate
    revoked_ms       INTEGER,                        -- NULL: it may speak
    revoked_reason   TEXT    NOT NULL DEFAULT '',    -- in the operator's words
    enrolled_ms      INTEGER NOT NULL,               -- when it joined
    run_now          INTEGER,                        -- the run that spoke last
    twin_seen_ms     INTEGER,                        -- when two machines last answered as it
    held_ops         INTEGER NOT NULL DEFAULT 0,     -- ops of it that are stored
    held_sum         INTEGER NOT NULL DEFAULT 0,     -- sum over its logs and marks
    contact_ms       INTEGER,                        -- last contact; NULL: never
    ops_written      INTEGER NOT NULL DEFAULT 0,     -- what it said then: ops ever written
    pending          INTEGER NOT NULL DEFAULT 0,     -- ops not yet known to be stored
    oldest_pending_ms INTEGER NOT NULL DEFAULT 0,    -- age of the oldest of them
    free_bytes       INTEGER NOT NULL DEFAULT 0,     -- on its disk
    program          TEXT    NOT NULL DEFAULT '',    -- name, version, platform
    clock_offset_ms  INTEGER NOT NULL DEFAULT 0,     -- its clock is ahead by so much
    clock_error_ms   INTEGER NOT NULL DEFAULT 0      -- or by so much more or less
) STRICT;

CREATE TABLE enrol_codes (
    id          INTEGER PRIMARY KEY,                 -- public number
    secret_hash BLOB    NOT NULL UNIQUE,             -- SHA-256 of the secret part
    office      TEXT    NOT NULL,                    -- that it lets join
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    used_by     INTEGER,                             -- replica that used it
    used_ms     INTEGER,                             -- when
    revoked_ms  INTEGER                              -- NULL: not revoked
) STRICT;

CREATE TABLE runs (
    replica       INTEGER NOT NULL,
    run           INTEGER NOT NULL,                  -- random id; nobody can take that of another replica's run
    ordinal       INTEGER NOT NULL,                  -- its number on the replica
    before        INTEGER,                           -- the run before it in the same folder
    boot          INTEGER NOT NULL,                  -- start of the machine, hashed
    boot_ms       INTEGER NOT NULL,                  -- since that start
    wall_ms       INTEGER NOT NULL,                  -- what the PC's clock showed
    start_ms      INTEGER,                           -- best measurement of its beginning
    error_ms      INTEGER,                           -- error of that measurement
    elapsed_ms    INTEGER NOT NULL,                  -- longest time it is known to have reached
    heard_ms      INTEGER NOT NULL,                  -- when the hub first heard of it
    superseded_ms INTEGER,                           -- when another run first spoke after it
    PRIMARY KEY (replica, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE logs (
    log         INTEGER PRIMARY KEY,                 -- id, which follows from the head
    replica     INTEGER NOT NULL,                    -- who writes it
    run         INTEGER NOT NULL,                    -- the run that writes it
    lane        INTEGER NOT NULL,                    -- priority class
    office      TEXT    NOT NULL,                    -- the office it is about
    head        BLOB    NOT NULL,                    -- its LogFrame, as it goes over the wire
    stored      INTEGER NOT NULL DEFAULT 0,          -- ops held without gap
    chain       BLOB    NOT NULL,                    -- running hash after them
    durable     INTEGER NOT NULL DEFAULT 0           -- ops that a second copy holds
) STRICT;
CREATE INDEX logs_by_replica ON logs (replica, log);

CREATE TABLE records (
    record       INTEGER PRIMARY KEY,                -- number, in the order of arrival
    log          INTEGER NOT NULL,                   -- name of the creating op: its log
    seq          INTEGER NOT NULL,                   -- and its place there
    form         INTEGER,                            -- NULL: the creating op is not merged here
    form_version INTEGER NOT NULL DEFAULT 0,
    office       TEXT    NOT NULL DEFAULT '',        -- the office it belongs to
    code         INTEGER,                            -- receipt code
    status       INTEGER,                            -- choice that is shown
    conflicts    INTEGER NOT NULL DEFAULT 0,         -- groups with values side by side
    summary      TEXT    NOT NULL DEFAULT '',        -- beginning of its main text
    changed      INTEGER NOT NULL DEFAULT 0,         -- feed number of its last change
    received_ms  INTEGER NOT NULL,                   -- when its first op came
    UNIQUE (log, seq)
) STRICT;
CREATE INDEX records_by_code ON records (code) WHERE code IS NOT NULL;
CREATE INDEX records_by_status ON records (form, status) WHERE form IS NOT NULL;
CREATE INDEX records_by_office ON records (office) WHERE form IS NOT NULL;

CREATE TABLE shares (
    record      INTEGER NOT NULL REFERENCES records, -- a record
    office      TEXT    NOT NULL,                    -- an office that sees it besides its own
    PRIMARY KEY (record, office)
) STRICT, WITHOUT ROWID;

CREATE TABLE conflicts (
    record      INTEGER NOT NULL REFERENCES records,
    grp         INTEGER NOT NULL,                    -- number of the group
    since_ms    INTEGER NOT NULL,                    -- known since
    owner       TEXT    NOT NULL,                    -- the office that is to decide
    PRIMARY KEY (record, grp)
) STRICT, WITHOUT ROWID;
CREATE INDEX conflicts_by_age ON conflicts (since_ms, record, grp);

CREATE TABLE ops (
    op          INTEGER PRIMARY KEY,                 -- order of arrival
    log         INTEGER NOT NULL,
    seq         INTEGER NOT NULL,                    -- from 1, without gaps
    record      INTEGER,                             -- NULL: its bytes could not be read
    state       INTEGER NOT NULL,                    -- 0 merged, 1 waiting, 2 quarantined, 3 discarded
    reason      INTEGER NOT NULL DEFAULT 0,          -- why it is kept aside
    received_ms INTEGER NOT NULL,
    chain       BLOB    NOT NULL,                    -- running hash of the log after it
    bytes       BLOB    NOT NULL                     -- as its writer encoded it
) STRICT;
CREATE UNIQUE INDEX ops_by_name ON ops (log, seq);
CREATE INDEX ops_by_record ON ops (record) WHERE record IS NOT NULL;
-- Used only by queries that say state <> 0 too.
CREATE INDEX ops_aside ON ops (state) WHERE state <> 0;

CREATE TABLE verdicts (
    op          INTEGER PRIMARY KEY REFERENCES ops,
    verdict     BLOB    NOT NULL                     -- VerdictFrame, as it goes over the wire
) STRICT;

CREATE TABLE feed (
    topic       TEXT    NOT NULL,                    -- 'everyone', 'office:32.73.05.1001', ...
    number      INTEGER NOT NULL,                    -- one sequence over all topics
    op          INTEGER NOT NULL,
    writer      INTEGER NOT NULL,                    -- replica that wrote the op
    verdict     BLOB,                                -- NULL: the entry is the op itself
    PRIMARY KEY (topic, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE attests (
    id          INTEGER PRIMARY KEY,
    attest      BLOB    NOT NULL                     -- Attest, as its writer signed it
) STRICT;

CREATE TABLE attested (
    log         INTEGER PRIMARY KEY REFERENCES logs,
    seq         INTEGER NOT NULL,                    -- covered up to here
    attest      INTEGER NOT NULL REFERENCES attests  -- by this signature
) STRICT;
CREATE INDEX attested_by_attest ON attested (attest);

CREATE TABLE forks (
    fork        INTEGER PRIMARY KEY,
    log         INTEGER NOT NULL,                    -- the name that two ops claim
    seq         INTEGER NOT NULL,
    replica     INTEGER NOT NULL,                    -- who offered the other one
    bytes       BLOB    NOT NULL,                    -- its bytes
    at_ms       INTEGER NOT NULL,
    UNIQUE (log, seq, bytes)
) STRICT;

CREATE TABLE audit (
    number      INTEGER PRIMARY KEY,                 -- from 1, without gaps
    at_ms       INTEGER NOT NULL,
    actor       TEXT    NOT NULL,                    -- a person, 'hub', or a replica
    event       TEXT    NOT NULL,                    -- stable dotted code
    subject     TEXT    NOT NULL,                    -- what it happened to
    detail      TEXT    NOT NULL,                    -- one JSON object
    hash        BLOB    NOT NULL                     -- over the line before and this one
) STRICT;

CREATE TABLE journal (
    note        INTEGER PRIMARY KEY,
    replica     INTEGER NOT NULL,
    started_ms  INTEGER NOT NULL,
    took_ms     INTEGER NOT NULL,
    outcome     TEXT    NOT NULL,                    -- stable word
    bytes_in    INTEGER NOT NULL,
    bytes_out   INTEGER NOT NULL,
    ops_in      INTEGER NOT NULL,                    -- newly stored
    ops_out     INTEGER NOT NULL                     -- fed and given back
) STRICT;
CREATE INDEX journal_by_replica ON journal (replica, note);
";
