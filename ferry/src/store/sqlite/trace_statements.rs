//! The statements of the index by which rows are found again.

use crate::store::dialect::TraceStatements;

/// See [`TraceStatements`] for what they bind and yield.
pub(super) const TRACE: TraceStatements = TraceStatements {
    key_add: "INSERT INTO ferry_trace_key (mark) VALUES (?1) ON CONFLICT (mark) DO NOTHING",
    keys: "SELECT id, mark FROM ferry_trace_key ORDER BY id",
    batch_add: "INSERT INTO ferry_trace_batch (link, direction, stream, epoch, seq, act, trace_key, rows, entries) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    batch_list: "SELECT seq, trace_key, rows FROM ferry_trace_batch WHERE link = ?1 AND direction = ?2 AND stream = ?3 \
        AND epoch = ?4 AND seq BETWEEN ?5 AND ?6 AND act = 0 ORDER BY seq",
    batch_entries: "SELECT seq, entries FROM ferry_trace_batch WHERE link = ?1 AND direction = ?2 AND stream = ?3 \
        AND epoch = ?4 AND seq BETWEEN ?5 AND ?6 AND act = 0 ORDER BY seq",
    batch_remove: "DELETE FROM ferry_trace_batch WHERE link = ?1 AND direction = ?2 AND stream = ?3 \
        AND epoch = ?4 AND seq BETWEEN ?5 AND ?6 AND act = 0",
    batch_all: "SELECT epoch, seq, act, trace_key, entries FROM ferry_trace_batch \
        WHERE link = ?1 AND direction = ?2 AND stream = ?3 ORDER BY epoch, seq, act",
    run_add: "INSERT INTO ferry_trace_run (link, direction, stream, epoch, first_seq, last_seq, trace_key) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
    run_all: "SELECT id, epoch, first_seq, last_seq, trace_key FROM ferry_trace_run \
        WHERE link = ?1 AND direction = ?2 AND stream = ?3 ORDER BY epoch, first_seq",
    chunk_add: "INSERT INTO ferry_trace_chunk (run, least, entries) VALUES (?1, ?2, ?3)",
    chunk_get: "SELECT entries FROM ferry_trace_chunk WHERE run = ?1 AND least <= ?2 ORDER BY least DESC LIMIT 1",
    contract_text: "SELECT text FROM ferry_contract WHERE id = ?1",
    outboxes: "SELECT outbox FROM ferry_stream_out ORDER BY outbox",
    passed: "SELECT row_id, line, act, passed_at_ms FROM ferry_passed_row WHERE link = ?1 AND stream = ?2 \
        ORDER BY row_id, act",
    parked: "SELECT code FROM ferry_parked_row WHERE link = ?1 AND stream = ?2 AND epoch = ?3 AND seq = ?4 \
        AND row_index = ?5",
    superseding: "SELECT digest FROM ferry_superseding WHERE link = ?1 AND stream = ?2 AND epoch = ?3 AND seq = ?4 \
        AND act = ?5",
};
