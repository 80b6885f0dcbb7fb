//! Every limit of the protocol, in one place. A number that comes from a peer is compared with one of these before it
//! chooses anything: how much is read, kept or looked up.
//!
//! Names end in their unit and bound. All bounds are inclusive.

/// Longest body of a frame, in bytes, before and after compression. Small enough that a frame lost on a bad link costs
/// little and that a hub can hold one for each of thousands of connections.
pub const FRAME_BODY_BYTES_MAX: usize = 256 * 1024;

/// How many times longer a body may be than its packed form, beside some bytes that are always allowed.
pub const PACKED_FACTOR_MAX: usize = 64;

/// Those bytes.
pub const PACKED_GRACE_BYTES: usize = 4096;

/// Size an `Ops` or `Feed` frame aims at, in bytes before compression: what is committed, and lost by a cut, at once.
pub const FRAME_BODY_BYTES_AIM: usize = 32 * 1024;

/// Longest op, in bytes. A complaint of 5,000 characters of up to 4 bytes and all its other fields fit.
pub const OP_BYTES_MAX: usize = 64 * 1024;

/// Ops in one frame.
pub const FRAME_OPS_MAX: usize = 4096;

/// Group writes in one op. More than any form has groups.
pub const OP_WRITES_MAX: usize = 128;

/// Values in one write. More than any form has fields.
pub const WRITE_VALUES_MAX: usize = 256;

/// Heads that one write may replace. More would mean that many people changed one field without seeing each other.
pub const WRITE_REPLACES_MAX: usize = 256;

/// Choices in one many-of value.
pub const MANY_CHOICES_MAX: usize = 256;

/// Bytes of one text value. 5,000 characters of up to 4 bytes, the longest text a form may ask for.
pub const TEXT_BYTES_MAX: usize = 20_000;

/// Bytes of a short name: author, office code, program version.
pub const NAME_BYTES_MAX: usize = 64;

/// Bytes of a reference to a person: 120 characters of up to 4 bytes.
pub const PERSON_BYTES_MAX: usize = 480;

/// Longest attachment, in bytes: a scanned paper of some pages. A photo is made smaller before, see the agent's intake.
pub const ATTACHMENT_BYTES_MAX: u32 = 8 * 1024 * 1024;

/// Files offered in one exchange.
pub const OFFER_FILES_MAX: usize = 8;

/// Bytes of a file in one frame: what is committed, and lost by a cut, at once.
pub const CHUNK_BYTES_MAX: usize = 16 * 1024;

/// Bytes of an attachment's name: 120 characters of up to 4 bytes.
pub const ATTACHMENT_NAME_BYTES_MAX: usize = 480;

/// Extensions (numbered fields that a later version adds) in one op or frame, and the bytes of each.
pub const EXTENSIONS_MAX: usize = 16;
/// Bytes of one extension.
pub const EXTENSION_BYTES_MAX: usize = 1024;

/// Logs named in one `Have`, `Marks` or `Inventory` frame.
pub const FRAME_LOGS_MAX: usize = 4096;

/// Logs that both ends of an open connection remember by number, for each direction: the latest. Enough for the runs of a
/// few days in all lanes, and some kilobytes for each connection of a hub.
pub const LINE_LOGS_MAX: usize = 32;

/// Longest greeting, and longest extensions of marks, that are remembered on a line, in bytes as encoded.
pub const LINE_GREETING_BYTES_MAX: usize = 1024;

/// Logs in one exchange's inventory. An office that starts its PC twice a day for ten years has fewer than half.
pub const INVENTORY_LOGS_MAX: usize = 65_536;

/// Offices that are fed a record because a routing named them. Every change of the record goes to each of them: without a
/// bound, a device that routes to all the codes there are would multiply the work of each of its changes.
pub const RECORD_OFFICES_MAX: usize = 64;

/// Hub epochs that an agent names, the latest ones.
pub const EPOCHS_MAX: usize = 32;

/// Heads in one attestation.
pub const ATTEST_HEADS_MAX: usize = 1024;

/// Bytes of foreign ops that one exchange may offer back to a restored hub before they are proved by an attestation.
pub const ECHO_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of ops, as sent, that an agent puts into one request before it waits for marks.
pub const REQUEST_BYTES_AIM: usize = 512 * 1024;

/// Bytes of feed and restored ops that a hub sends in one reply before it waits for the next request.
pub const REPLY_BYTES_AIM: usize = 512 * 1024;

/// How far ahead of a replica's own time a seen hybrid time may pull it, in milliseconds. Beyond it the seen time is
/// believed only up to this cap: a PC in 2099 does not drag the others along.
pub const HYBRID_LEAD_MS_MAX: u64 = 5 * 60 * 1000;

// How the limits hang together.
const _: () = assert!(FRAME_BODY_BYTES_AIM + OP_BYTES_MAX <= FRAME_BODY_BYTES_MAX);
const _: () = assert!(TEXT_BYTES_MAX < OP_BYTES_MAX);
const _: () = assert!(FRAME_BODY_BYTES_MAX < 1 << 21, "the length of a frame has three digits of seven bits");
const _: () = assert!(LINE_LOGS_MAX < 255, "a number of a log on a line is one byte");
const _: () = assert!(FRAME_LOGS_MAX * 26 <= FRAME_BODY_BYTES_MAX, "a full Marks frame fits");
const _: () = assert!(ATTEST_HEADS_MAX * 49 + 128 <= FRAME_BODY_BYTES_MAX, "a full Attest frame fits");
