//! Every maximum of the format, with its reason. A reader checks each before it allocates.

/// File names have at most 80 characters, so zone names are short.
pub const ZONE_NAME_BYTES_MAX: usize = 8;
/// Link ids stand in paths and table rows.
pub const LINK_ID_BYTES_MAX: usize = 32;
/// File names have at most 80 characters, so stream names are short.
pub const STREAM_NAME_BYTES_MAX: usize = 12;
/// The longest name that every gate and file system in the field carries (SMB and FTP peers included).
pub const FILE_NAME_BYTES_MAX: usize = 80;
/// Integers in headers stay exact in readers that hold numbers as doubles (2^53 - 1).
pub const INTEGER_MAX: u64 = (1 << 53) - 1;
/// A header line holds chunk digests (67 bytes each) and table summaries; 1 MiB leaves room for 4 096 chunks and 1 000 tables.
pub const HEADER_BYTES_MAX: usize = 1 << 20;
/// Nested arrays and objects; the deepest of ours, in a trust file, has six.
pub const HEADER_DEPTH_MAX: usize = 8;
/// A status body lists at most 64 streams with 64 ranges each; 1 MiB is four times that.
pub const STATUS_BODY_BYTES_MAX: usize = 1 << 20;
/// The decompressed records of one batch, salt included: what a receiver must be ready to hold in memory.
pub const PLAIN_BYTES_MAX: u64 = 32 << 20;
/// The compressed records of one batch. Incompressible records grow a little, hence more than nothing above the plain limit.
pub const COMPRESSED_BYTES_MAX: u64 = (32 << 20) + (1 << 18);
/// A whole file as a gate carries it raw; larger ones are refused unread.
pub const FILE_BYTES_MAX: u64 = 34 << 20;
/// One record; a row that needs more is unsendable.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// Rows in one batch; loads use 10 000.
pub const RECORDS_MAX: u64 = 100_000;
/// Columns of one table.
pub const COLUMNS_MAX: usize = 256;
/// Streams of one link.
pub const STREAMS_MAX: usize = 64;
/// Tables named in one statement.
pub const TABLES_MAX: usize = 256;
/// Ranges of one kind that a status lists for one stream; what does not fit is told by a later status.
pub const RANGES_MAX: usize = 64;
/// Reasons for which files are turned away; there are some sixty.
pub const CODES_MAX: usize = 128;
/// Batch reports in one status for one stream.
pub const REPORTS_MAX: usize = 256;
/// Recipients of one file: the peer, the sender itself, an auditor, and the overlap of a rotation.
pub const RECIPIENTS_MAX: usize = 8;
/// An SM2 ciphertext of a 16-byte key in DER has 118 to 122 bytes; 160 leaves room and refuses the rest.
pub const WRAPPED_KEY_BYTES_MAX: usize = 160;
/// An SM2 signature in DER has at most 72 bytes.
pub const SIGNATURE_BYTES_MAX: usize = 72;
/// The smallest chunk: below it digests outweigh data.
pub const CHUNK_BYTES_MIN: u64 = 4 << 10;
/// The chunk that is used unless a profile says otherwise.
pub const CHUNK_BYTES_DEFAULT: u64 = 64 << 10;
/// The largest chunk: what a streaming reader must hold.
pub const CHUNK_BYTES_MAX: u64 = 1 << 20;
/// Chunks of one file.
pub const CHUNKS_MAX: usize = 8_192;
/// The zstd window is at most 2^23 bytes (8 MiB), the limit that RFC 8878 recommends to support.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// Random bytes before the records, so that the digest in the clear header is no guessing oracle.
pub const SALT_BYTES: usize = 32;
/// Printable text fields of a header (reasons, constraint names).
pub const TEXT_BYTES_MAX: usize = 200;
/// A card is two public keys and a few names.
pub const CARD_BYTES_MAX: usize = 8 << 10;
/// A trust file holds a few cards a peer.
pub const TRUST_BYTES_MAX: usize = 1 << 20;
/// Table and column names: what every database in the field takes (PostgreSQL cuts names at 63 bytes).
pub const TABLE_NAME_BYTES_MAX: usize = 63;
/// The largest epoch: eight digits in a file name.
pub const EPOCH_MAX: u64 = 99_999_999;
/// The largest seq or status number: twelve digits in a file name.
pub const SEQ_MAX: u64 = 999_999_999_999;
/// The largest attempt: what is left of a file name's 80 characters.
pub const ATTEMPT_MAX: u32 = 999_999_999;
/// Batches of one group that one statement can supersede.
pub const SUPERSEDED_MAX: usize = 1_024;
/// Operators who approve one act.
pub const APPROVALS_MAX: usize = 8;
/// Contract digests in one status: four versions of each stream.
pub const CONTRACTS_MAX: usize = 256;
/// Format versions in one status.
pub const FORMATS_MAX: usize = 16;
/// Cards announced in one status.
pub const CARDS_MAX: usize = 4;
/// Wishes in one status.
pub const WANTS_MAX: usize = 256;
/// A revocation file: a mark of each stream, and a few names.
pub const REVOCATION_BYTES_MAX: usize = 32 << 10;
/// Characters of an operator's reason: one line of a log, in any language.
pub const REASON_CHARS_MAX: usize = 200;
/// An act file: one that supersedes the largest group names 1 024 digests twice, each with 67 bytes.
pub const ACT_BYTES_MAX: usize = 160 << 10;
/// An act that a status tells: a reason of at most twelve bytes a character, a few names, and the signatures. Longer ones supersede
/// groups, and cross in the batches that do.
pub const ACT_TOLD_BYTES_MAX: usize = 8 << 10;
/// Acts told in one status; the others follow in the next.
pub const ACTS_MAX: usize = 16;
/// Keys in one trust file.
pub const TRUST_ENTRIES_MAX: usize = 128;
