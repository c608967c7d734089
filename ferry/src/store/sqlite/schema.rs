//! Ferry's tables in SQLite, version by version.

/// Version 1 of ferry's tables. Times are milliseconds since 1970-01-01 UTC, digests and ids lower-case hex.
pub(super) const SCHEMA_1: &str = r"
CREATE TABLE ferry_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_contract (
  id INTEGER PRIMARY KEY, link TEXT NOT NULL, stream TEXT NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('out', 'in')), digest TEXT NOT NULL, text TEXT NOT NULL,
  installed_at_ms INTEGER NOT NULL, UNIQUE (link, stream, digest)) STRICT;
CREATE TABLE ferry_stream_out (
  link TEXT NOT NULL, stream TEXT NOT NULL, outbox TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL,
  epoch_id TEXT NOT NULL, last_seq INTEGER NOT NULL, last_digest TEXT NOT NULL, through_id INTEGER NOT NULL,
  settled_seq INTEGER NOT NULL, settled_digest TEXT NOT NULL, capture INTEGER REFERENCES ferry_contract (id),
  PRIMARY KEY (link, stream)) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_batch_out (
  link TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL,
  previous TEXT NOT NULL, group_first INTEGER NOT NULL, group_last INTEGER NOT NULL, rows INTEGER NOT NULL,
  file_bytes INTEGER NOT NULL, through_id INTEGER NOT NULL, cut_at_ms INTEGER NOT NULL, tables TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 1, attempted_at_ms INTEGER, published_at_ms INTEGER, held_at_ms INTEGER,
  settled_at_ms INTEGER, PRIMARY KEY (link, stream, epoch, seq)) STRICT, WITHOUT ROWID;
CREATE INDEX ferry_batch_out_digest ON ferry_batch_out (link, digest);
CREATE TABLE ferry_stream_in (
  link TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL, epoch_id TEXT NOT NULL, seq INTEGER NOT NULL,
  digest TEXT NOT NULL, parked_rows INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (link, stream)) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_batch_in (
  link TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL,
  rows INTEGER NOT NULL, parked INTEGER NOT NULL, file_bytes INTEGER NOT NULL, taken_at_ms INTEGER NOT NULL,
  applied_at_ms INTEGER NOT NULL, wait_ms INTEGER NOT NULL, apply_ms INTEGER NOT NULL,
  PRIMARY KEY (link, stream, epoch, seq)) STRICT, WITHOUT ROWID;
CREATE INDEX ferry_batch_in_digest ON ferry_batch_in (link, digest);
CREATE TABLE ferry_boundary (
  link TEXT NOT NULL, stream TEXT NOT NULL, last_id INTEGER NOT NULL, ends TEXT NOT NULL,
  PRIMARY KEY (link, stream, last_id)) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_dispute (
  link TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL,
  seen_at_ms INTEGER NOT NULL, PRIMARY KEY (link, stream, epoch, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_parked_row (
  link TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, row_index INTEGER NOT NULL,
  table_name TEXT NOT NULL, code TEXT NOT NULL, record TEXT NOT NULL, parked_at_ms INTEGER NOT NULL,
  PRIMARY KEY (link, stream, epoch, seq, row_index)) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_applying (link TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_life (
  id INTEGER PRIMARY KEY, link TEXT NOT NULL, direction TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL, kind TEXT NOT NULL, at_ms INTEGER NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE INDEX ferry_life_batch ON ferry_life (link, direction, stream, epoch, seq);
CREATE TABLE ferry_stream_state (
  link TEXT NOT NULL, stream TEXT NOT NULL, direction TEXT NOT NULL, epoch INTEGER NOT NULL,
  last_seq INTEGER NOT NULL, published_seq INTEGER NOT NULL, applied_seq INTEGER NOT NULL,
  applied_digest TEXT NOT NULL, held TEXT NOT NULL, missing TEXT NOT NULL, lag_ms INTEGER NOT NULL,
  known_at_ms INTEGER NOT NULL, health TEXT NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, parked_rows INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL, PRIMARY KEY (link, stream, direction)) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_fact (
  link TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (link, name)) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_request (
  id INTEGER PRIMARY KEY AUTOINCREMENT, link TEXT NOT NULL, kind TEXT NOT NULL, stream TEXT NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, made_by TEXT NOT NULL, made_at_ms INTEGER NOT NULL,
  done_at_ms INTEGER) STRICT;
CREATE INDEX ferry_request_open ON ferry_request (link, id) WHERE done_at_ms IS NULL;
CREATE TABLE ferry_audit (
  link TEXT NOT NULL, log TEXT NOT NULL, idx INTEGER NOT NULL, leaf TEXT NOT NULL, kind TEXT NOT NULL,
  body TEXT NOT NULL, PRIMARY KEY (link, log, idx)) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_audit_head (
  link TEXT NOT NULL, log TEXT NOT NULL, size INTEGER NOT NULL, frontier BLOB NOT NULL,
  PRIMARY KEY (link, log)) STRICT, WITHOUT ROWID;
";

/// Version 2: how long batches have been archived, in milliseconds that daemons ran, and how far streams had come when.
pub(super) const SCHEMA_2: &str = r"
CREATE TABLE ferry_retention (link TEXT PRIMARY KEY, elapsed_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_retention_mark (
  link TEXT NOT NULL, direction TEXT NOT NULL, stream TEXT NOT NULL, elapsed_ms INTEGER NOT NULL, epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL, PRIMARY KEY (link, direction, stream, epoch, seq)) STRICT, WITHOUT ROWID;
";

/// Version 3: acts of operators in the place of requests, streams on hold, captured rows that were passed over, and batches that
/// took the place of others.
pub(super) const SCHEMA_3: &str = r"
DROP TABLE ferry_request;
CREATE TABLE ferry_act (
  id INTEGER PRIMARY KEY AUTOINCREMENT, link TEXT NOT NULL, origin TEXT NOT NULL CHECK (origin IN ('here', 'peer')),
  digest TEXT NOT NULL, file BLOB NOT NULL, verified INTEGER NOT NULL, handed_in_at_ms INTEGER NOT NULL, code TEXT,
  ended_at_ms INTEGER, told_at_ms INTEGER, statement TEXT, UNIQUE (link, origin, digest)) STRICT;
CREATE UNIQUE INDEX ferry_act_done ON ferry_act (link, statement) WHERE statement IS NOT NULL;
CREATE INDEX ferry_act_open ON ferry_act (link, id) WHERE origin = 'here' AND code IS NULL;
CREATE INDEX ferry_act_untold ON ferry_act (link, id) WHERE origin = 'here' AND code IS NOT NULL AND told_at_ms IS NULL;
CREATE TABLE ferry_hold (
  link TEXT NOT NULL, stream TEXT NOT NULL, act INTEGER NOT NULL REFERENCES ferry_act (id),
  PRIMARY KEY (link, stream)) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_passed_row (
  link TEXT NOT NULL, stream TEXT NOT NULL, row_id INTEGER NOT NULL, line BLOB NOT NULL,
  act INTEGER NOT NULL REFERENCES ferry_act (id), passed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (link, stream, row_id, act)) STRICT;
CREATE TABLE ferry_draft (sm3 TEXT PRIMARY KEY, payload BLOB NOT NULL, made_at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE ferry_superseding (
  link TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, act INTEGER NOT NULL,
  digest TEXT NOT NULL, rows INTEGER NOT NULL, file_bytes INTEGER NOT NULL, tables TEXT NOT NULL,
  PRIMARY KEY (link, stream, epoch, seq, act)) STRICT, WITHOUT ROWID;
ALTER TABLE ferry_dispute ADD COLUMN dismissed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ferry_dispute ADD COLUMN against TEXT;
ALTER TABLE ferry_batch_in ADD COLUMN chain TEXT;
ALTER TABLE ferry_stream_in ADD COLUMN superseded_seq INTEGER;
ALTER TABLE ferry_stream_in ADD COLUMN superseded_digest TEXT;
";

/// Version 4: which keys the rows of a batch have, as keyed digests under a secret that is not in the database.
///
/// Outboxes also get the time of capture, each by a statement of its own.
pub(super) const SCHEMA_4: &str = r"
CREATE TABLE ferry_load (
  link TEXT NOT NULL, stream TEXT NOT NULL, act INTEGER NOT NULL, table_no INTEGER NOT NULL, after TEXT,
  PRIMARY KEY (link, stream)) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_trace_key (id INTEGER PRIMARY KEY, mark TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE ferry_trace_batch (
  link TEXT NOT NULL, direction TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
  act INTEGER NOT NULL, trace_key INTEGER NOT NULL, rows INTEGER NOT NULL, entries BLOB NOT NULL,
  PRIMARY KEY (link, direction, stream, epoch, seq, act)) STRICT, WITHOUT ROWID;
CREATE TABLE ferry_trace_run (
  id INTEGER PRIMARY KEY, link TEXT NOT NULL, direction TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL,
  first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, trace_key INTEGER NOT NULL,
  UNIQUE (link, direction, stream, epoch, first_seq)) STRICT;
CREATE TABLE ferry_trace_chunk (
  run INTEGER NOT NULL, least BLOB NOT NULL, entries BLOB NOT NULL, PRIMARY KEY (run, least)) STRICT, WITHOUT ROWID;
";

/// Version 5: which act began each life of an own stream but the first, and what of the one before was not known to be applied.
pub(super) const SCHEMA_5: &str = r"
CREATE TABLE ferry_epoch (
  link TEXT NOT NULL, stream TEXT NOT NULL, epoch INTEGER NOT NULL, act INTEGER NOT NULL REFERENCES ferry_act (id),
  batches INTEGER NOT NULL, rows INTEGER NOT NULL, deletes INTEGER NOT NULL,
  PRIMARY KEY (link, stream, epoch)) STRICT, WITHOUT ROWID;
";
