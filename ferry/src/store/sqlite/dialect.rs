//! Every statement that SQLite is sent.

use ferry_core::contract::{ColumnKind, Table};
use ferry_format::{LinkId, StreamName, ZoneName};

use super::schema::{SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5};
use super::spelling::{append, literal, quote, record, value};
use super::trace_statements::TRACE;
use super::triggers;
use crate::store::dialect::{Cascade, Dialect, ForeignKey, NamedTrigger, Shape, Statements};

/// SQLite 3.51 or newer, as it is built in: `jsonb_each` hands each row over as it was parsed, where `json_each` would
/// write it out as text for every value to parse again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SqliteDialect;

/// The milliseconds since 1970-01-01 UTC by the clock of the program that writes. `unixepoch` would be newer than the SQLite
/// that such a program may have.
pub(super) const NOW_MS: &str = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)";

/// The columns of a batch of an own stream, as the books read them.
macro_rules! out_columns {
    ($rest:literal) => {
        concat!(
            "SELECT stream, epoch, seq, digest, rows, 0, file_bytes, group_first, group_last, attempt, cut_at_ms, \
             published_at_ms, held_at_ms, settled_at_ms, NULL, NULL, NULL, NULL FROM ferry_batch_out WHERE link = ?1 ",
            $rest
        )
    };
}

/// The columns of a batch of the peer, as the books read them.
macro_rules! in_columns {
    ($rest:literal) => {
        concat!(
            "SELECT stream, epoch, seq, digest, rows, parked, file_bytes, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
             taken_at_ms, applied_at_ms, wait_ms, apply_ms FROM ferry_batch_in WHERE link = ?1 ",
            $rest
        )
    };
}

/// The statements that are the same for every table and stream.
const STATEMENTS: Statements = Statements {
    begin: "BEGIN IMMEDIATE",
    begin_read: "BEGIN",
    commit: "COMMIT",
    rollback: "ROLLBACK",
    savepoint: "SAVEPOINT ferry_batch",
    rollback_to: "ROLLBACK TO ferry_batch",
    release: "RELEASE ferry_batch",
    data_version: "PRAGMA data_version",
    defer_foreign_keys: "PRAGMA defer_foreign_keys = ON",
    has_meta: "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'ferry_meta'",
    meta_get: "SELECT value FROM ferry_meta WHERE key = ?1",
    meta_put: "INSERT INTO ferry_meta (key, value) VALUES (?1, ?2) \
        ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    contract_add: "INSERT INTO ferry_contract (link, stream, direction, digest, text, installed_at_ms) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (link, stream, digest) DO NOTHING",
    contract_id: "SELECT id FROM ferry_contract WHERE link = ?1 AND stream = ?2 AND digest = ?3",
    contract_digest: "SELECT digest FROM ferry_contract WHERE id = ?1",
    contract_list: "SELECT stream, direction, digest, installed_at_ms, text FROM ferry_contract \
        WHERE link = ?1 ORDER BY id",
    contract_streams: "SELECT DISTINCT stream FROM ferry_contract WHERE link = ?1 AND direction = ?2 ORDER BY stream",
    out_add: "INSERT INTO ferry_stream_out (link, stream, outbox, epoch, epoch_id, last_seq, last_digest, through_id, \
        settled_seq, settled_digest) VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, 0, 0, ?6)",
    out_list: "SELECT stream, outbox, epoch, epoch_id, last_seq, last_digest, through_id, settled_seq, settled_digest, \
        capture FROM ferry_stream_out WHERE link = ?1 ORDER BY stream",
    out_get: "SELECT stream, outbox, epoch, epoch_id, last_seq, last_digest, through_id, settled_seq, settled_digest, \
        capture FROM ferry_stream_out WHERE link = ?1 AND stream = ?2",
    out_advance: "UPDATE ferry_stream_out SET last_seq = ?6, last_digest = ?7, through_id = ?8 WHERE link = ?1 \
        AND stream = ?2 AND epoch = ?3 AND last_seq = ?4 AND last_digest = ?5 AND through_id <= ?8",
    out_settle: "UPDATE ferry_stream_out SET settled_seq = ?3, settled_digest = ?4 \
        WHERE link = ?1 AND stream = ?2 AND settled_seq < ?3",
    out_reopen: "UPDATE ferry_stream_out SET settled_seq = ?3, settled_digest = ?4 WHERE link = ?1 AND stream = ?2",
    out_capture: "UPDATE ferry_stream_out SET capture = ?3 WHERE link = ?1 AND stream = ?2",
    batch_out_add: "INSERT INTO ferry_batch_out (link, stream, epoch, seq, digest, previous, group_first, group_last, \
        rows, file_bytes, through_id, cut_at_ms, tables) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    batch_out_attempt: "UPDATE ferry_batch_out SET attempt = ?5, attempted_at_ms = ?6 \
        WHERE link = ?1 AND stream = ?2 AND epoch = ?3 AND seq = ?4 AND attempt <= ?5",
    batch_out_digest: "SELECT digest FROM ferry_batch_out WHERE link = ?1 AND stream = ?2 AND epoch = ?3 AND seq = ?4",
    batch_out_unsettled: "SELECT seq, digest, group_first, group_last, rows, file_bytes, attempt, cut_at_ms \
        FROM ferry_batch_out WHERE link = ?1 AND stream = ?2 AND epoch = ?3 AND seq > ?4 ORDER BY seq",
    batch_out_settle: "UPDATE ferry_batch_out SET settled_at_ms = ?6 WHERE link = ?1 AND stream = ?2 AND epoch = ?3 \
        AND seq > ?4 AND seq <= ?5",
    batch_out_reopen: "UPDATE ferry_batch_out SET settled_at_ms = NULL, held_at_ms = NULL WHERE link = ?1 AND stream = ?2 \
        AND epoch = ?3 AND seq > ?4",
    batch_out_genesis: "SELECT previous FROM ferry_batch_out WHERE link = ?1 AND stream = ?2 AND epoch = ?3 AND seq = 1",
    batch_out_published: "UPDATE ferry_batch_out SET published_at_ms = ?5 WHERE link = ?1 AND stream = ?2 \
        AND epoch = ?3 AND seq = ?4 AND published_at_ms IS NULL",
    batch_out_held: "UPDATE ferry_batch_out SET held_at_ms = ?5 WHERE link = ?1 AND stream = ?2 AND epoch = ?3 \
        AND seq = ?4 AND held_at_ms IS NULL",
    boundary_last: "SELECT last_id FROM ferry_boundary WHERE link = ?1 AND stream = ?2 ORDER BY last_id DESC LIMIT 2",
    boundary_add: "INSERT INTO ferry_boundary (link, stream, last_id, ends) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (link, stream, last_id) DO NOTHING",
    boundary_remove: "DELETE FROM ferry_boundary WHERE link = ?1 AND stream = ?2 AND last_id = ?3",
    boundary_pass: "DELETE FROM ferry_boundary WHERE link = ?1 AND stream = ?2 AND last_id <= ?3",
    boundary_list: "SELECT ends FROM (SELECT last_id, ends, row_number() OVER (ORDER BY last_id) AS place, \
        count(*) OVER () AS total FROM ferry_boundary WHERE link = ?1 AND stream = ?2 AND last_id > ?3) \
        WHERE place = total OR place % (1 + total / ?4) = 0 ORDER BY last_id",
    dispute_add: "INSERT INTO ferry_dispute (link, stream, epoch, seq, digest, seen_at_ms, against) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (link, stream, epoch, seq) DO UPDATE SET against = excluded.against \
        WHERE dismissed = 0 AND excluded.against IS NOT NULL AND against IS NOT excluded.against",
    dispute_list: "SELECT epoch, seq, dismissed, against FROM ferry_dispute WHERE link = ?1 AND stream = ?2 ORDER BY epoch, seq",
    in_add: "INSERT INTO ferry_stream_in (link, stream, epoch, epoch_id, seq, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    in_get: "SELECT epoch, epoch_id, seq, digest, parked_rows, superseded_seq, superseded_digest FROM ferry_stream_in \
        WHERE link = ?1 AND stream = ?2",
    in_advance: "UPDATE ferry_stream_in SET seq = ?6, digest = ?7, parked_rows = ?9 \
        WHERE link = ?1 AND stream = ?2 AND epoch = ?3 AND seq = ?4 AND digest = ?5 AND parked_rows = ?8",
    batch_in_add: "INSERT INTO ferry_batch_in (link, stream, epoch, seq, digest, rows, parked, file_bytes, \
        taken_at_ms, applied_at_ms, wait_ms, apply_ms, chain) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    batch_in_digest: "SELECT digest, chain FROM ferry_batch_in WHERE link = ?1 AND stream = ?2 AND epoch = ?3 AND seq = ?4",
    batch_in_reports: "SELECT seq, rows, parked, wait_ms, apply_ms, iif(chain IS NULL, NULL, digest) FROM ferry_batch_in \
        WHERE link = ?1 AND stream = ?2 AND epoch = ?3 ORDER BY seq DESC LIMIT ?4",
    in_superseded: "UPDATE ferry_stream_in SET superseded_seq = ?3, superseded_digest = ?4 WHERE link = ?1 AND stream = ?2",
    dispute_dismiss: "UPDATE ferry_dispute SET dismissed = 1 WHERE link = ?1 AND stream = ?2 AND epoch = ?3 \
        AND seq BETWEEN ?4 AND ?5",
    dispute_end: "DELETE FROM ferry_dispute WHERE link = ?1 AND stream = ?2 AND epoch = ?3 AND seq BETWEEN ?4 AND ?5",
    draft_add: "INSERT INTO ferry_draft (sm3, payload, made_at_ms) VALUES (?1, ?2, ?3) ON CONFLICT (sm3) DO NOTHING",
    draft_get: "SELECT payload FROM ferry_draft WHERE sm3 = ?1",
    draft_remove: "DELETE FROM ferry_draft WHERE sm3 = ?1",
    draft_expire: "DELETE FROM ferry_draft WHERE made_at_ms < ?1",
    superseding_add: "INSERT INTO ferry_superseding (link, stream, epoch, seq, act, digest, rows, file_bytes, tables) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    superseding_list: "SELECT digest, rows, file_bytes FROM ferry_superseding WHERE link = ?1 AND stream = ?2 \
        AND epoch = ?3 AND seq = ?4 ORDER BY act",
    placed_list: "SELECT 0 AS act, digest, rows FROM ferry_batch_out WHERE link = ?1 AND stream = ?2 AND epoch = ?3 \
        AND seq = ?4 UNION ALL SELECT act, digest, rows FROM ferry_superseding WHERE link = ?1 AND stream = ?2 \
        AND epoch = ?3 AND seq = ?4 ORDER BY act",
    passed_by: "SELECT row_id, line, passed_at_ms FROM ferry_passed_row WHERE link = ?1 AND act = ?2",
    parked_add: "INSERT INTO ferry_parked_row (link, stream, epoch, seq, row_index, table_name, code, record, \
        parked_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    parked_list: "SELECT stream, epoch, seq, row_index, table_name, code, parked_at_ms FROM ferry_parked_row \
        WHERE link = ?1 ORDER BY parked_at_ms DESC, stream, epoch, seq, row_index LIMIT ?2",
    parked_in: "SELECT seq, row_index, table_name, record FROM ferry_parked_row WHERE link = ?1 AND stream = ?2 \
        AND epoch = ?3 AND seq BETWEEN ?4 AND ?5 ORDER BY seq, row_index",
    parked_remove: "DELETE FROM ferry_parked_row WHERE link = ?1 AND stream = ?2 AND epoch = ?3 AND seq = ?4 \
        AND row_index = ?5",
    parked_code: "UPDATE ferry_parked_row SET code = ?6 WHERE link = ?1 AND stream = ?2 AND epoch = ?3 AND seq = ?4 \
        AND row_index = ?5",
    in_unpark: "UPDATE ferry_stream_in SET parked_rows = parked_rows - ?3 WHERE link = ?1 AND stream = ?2",
    load_begin: "INSERT INTO ferry_load (link, stream, act, table_no) VALUES (?1, ?2, ?3, 0)",
    load_get: "SELECT table_no, after FROM ferry_load WHERE link = ?1 AND stream = ?2",
    load_advance: "UPDATE ferry_load SET table_no = ?3, after = ?4 WHERE link = ?1 AND stream = ?2",
    load_end: "DELETE FROM ferry_load WHERE link = ?1 AND stream = ?2",
    load_again: "INSERT INTO ferry_load (link, stream, act, table_no) VALUES (?1, ?2, ?3, 0) \
        ON CONFLICT (link, stream) DO UPDATE SET act = excluded.act, table_no = 0, after = NULL",
    out_begin: "UPDATE ferry_stream_out SET epoch = ?3, epoch_id = ?4, last_seq = 0, last_digest = ?5, settled_seq = 0, \
        settled_digest = ?5 WHERE link = ?1 AND stream = ?2",
    epoch_add: "INSERT INTO ferry_epoch (link, stream, epoch, act, batches, rows, deletes) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    epoch_act: "SELECT a.id, a.file, a.code, a.ended_at_ms FROM ferry_epoch AS e, ferry_act AS a \
        WHERE e.link = ?1 AND e.stream = ?2 AND e.epoch = ?3 AND a.id = e.act AND a.code IS NOT NULL",
    epoch_unsettled: "SELECT count(*), coalesce(sum(rows), 0), coalesce(sum((SELECT sum(value ->> 'deletes') \
        FROM json_each(tables))), 0) FROM ferry_batch_out WHERE link = ?1 AND stream = ?2 AND epoch = ?3 AND seq > ?4",
    in_begin: "UPDATE ferry_stream_in SET epoch = ?3, epoch_id = ?4, seq = 0, digest = ?5, superseded_seq = NULL, \
        superseded_digest = NULL WHERE link = ?1 AND stream = ?2 AND epoch < ?3",
    dispute_forget: "DELETE FROM ferry_dispute WHERE link = ?1 AND stream = ?2 AND epoch < ?3",
    act_verify: "UPDATE ferry_act SET verified = 1 WHERE link = ?1 AND origin = 'peer' AND digest = ?2",
    copy_into: "VACUUM INTO ?1",
    take_alone: "BEGIN EXCLUSIVE; ROLLBACK",
    applying_set: "INSERT INTO ferry_applying (link) VALUES (?1)",
    applying_clear: "DELETE FROM ferry_applying",
    life_add: "INSERT INTO ferry_life (link, direction, stream, epoch, seq, kind, at_ms, detail) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    life_list: "SELECT kind, at_ms, detail FROM ferry_life \
        WHERE link = ?1 AND direction = ?2 AND stream = ?3 AND epoch = ?4 AND seq = ?5 ORDER BY id",
    state_put: "INSERT INTO ferry_stream_state (link, stream, direction, epoch, last_seq, published_seq, applied_seq, \
        applied_digest, held, missing, lag_ms, health, code, detail, parked_rows, updated_at_ms, known_at_ms) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) \
        ON CONFLICT (link, stream, direction) DO UPDATE SET epoch = excluded.epoch, last_seq = excluded.last_seq, \
        published_seq = excluded.published_seq, applied_seq = excluded.applied_seq, \
        applied_digest = excluded.applied_digest, held = excluded.held, missing = excluded.missing, \
        lag_ms = excluded.lag_ms, health = excluded.health, code = excluded.code, detail = excluded.detail, \
        parked_rows = excluded.parked_rows, updated_at_ms = excluded.updated_at_ms, \
        known_at_ms = excluded.known_at_ms",
    state_list: "SELECT stream, direction, epoch, last_seq, published_seq, applied_seq, applied_digest, held, missing, \
        lag_ms, health, code, detail, parked_rows, updated_at_ms, known_at_ms FROM ferry_stream_state WHERE link = ?1 \
        ORDER BY direction DESC, stream",
    fact_put: "INSERT INTO ferry_fact (link, name, value, updated_at_ms) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (link, name) DO UPDATE SET value = excluded.value, updated_at_ms = excluded.updated_at_ms",
    fact_list: "SELECT name, value FROM ferry_fact WHERE link = ?1 ORDER BY name",
    act_add: "INSERT INTO ferry_act (link, origin, digest, file, verified, handed_in_at_ms) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (link, origin, digest) DO NOTHING",
    act_id: "SELECT id FROM ferry_act WHERE link = ?1 AND origin = ?2 AND digest = ?3",
    act_get: "SELECT code FROM ferry_act WHERE link = ?1 AND id = ?2",
    act_open: "SELECT id, file FROM ferry_act WHERE link = ?1 AND origin = 'here' AND code IS NULL ORDER BY id LIMIT ?2",
    act_end: "UPDATE ferry_act SET code = ?3, ended_at_ms = ?4, statement = ?5 \
        WHERE link = ?1 AND id = ?2 AND code IS NULL",
    act_done: "SELECT id FROM ferry_act WHERE link = ?1 AND statement = ?2",
    act_untold: "SELECT id, file, code, ended_at_ms FROM ferry_act WHERE link = ?1 AND origin = 'here' \
        AND code IS NOT NULL AND told_at_ms IS NULL ORDER BY id LIMIT ?2",
    act_told: "UPDATE ferry_act SET told_at_ms = ?3 WHERE link = ?1 AND id = ?2 AND told_at_ms IS NULL",
    act_list: "SELECT id, origin, digest, file, verified, handed_in_at_ms, code, ended_at_ms, told_at_ms FROM ferry_act \
        WHERE link = ?1 ORDER BY id DESC LIMIT ?2",
    act_at: "SELECT id, origin, digest, file, verified, handed_in_at_ms, code, ended_at_ms, told_at_ms FROM ferry_act \
        WHERE link = ?1 AND id = ?2",
    act_turned_away: "SELECT file FROM ferry_act WHERE link = ?1 AND origin = ?2 \
        AND code NOT IN ('done', 'acted-already')",
    hold_add: "INSERT INTO ferry_hold (link, stream, act) VALUES (?1, ?2, ?3) \
        ON CONFLICT (link, stream) DO UPDATE SET act = excluded.act",
    hold_remove: "DELETE FROM ferry_hold WHERE link = ?1 AND stream = ?2",
    hold_get: "SELECT act FROM ferry_hold WHERE link = ?1 AND stream = ?2",
    passed_add: "INSERT INTO ferry_passed_row (link, stream, row_id, line, act, passed_at_ms) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    retention_put: "INSERT INTO ferry_retention (link, elapsed_ms) VALUES (?1, ?2) \
        ON CONFLICT (link) DO UPDATE SET elapsed_ms = excluded.elapsed_ms",
    retention_get: "SELECT elapsed_ms FROM ferry_retention WHERE link = ?1",
    retention_clear: "DELETE FROM ferry_retention_mark WHERE link = ?1",
    retention_mark: "INSERT INTO ferry_retention_mark (link, direction, stream, elapsed_ms, epoch, seq) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    retention_marks: "SELECT direction, stream, elapsed_ms, epoch, seq FROM ferry_retention_mark WHERE link = ?1 \
        ORDER BY direction DESC, stream, epoch, seq",
    audit_heads: "SELECT log, size, frontier FROM ferry_audit_head WHERE link = ?1 ORDER BY log",
    audit_head: "SELECT frontier FROM ferry_audit_head WHERE link = ?1 AND log = ?2",
    audit_head_put: "INSERT INTO ferry_audit_head (link, log, size, frontier) VALUES (?1, ?2, ?3, ?4) \
        ON CONFLICT (link, log) DO UPDATE SET size = excluded.size, frontier = excluded.frontier",
    audit_add: "INSERT INTO ferry_audit (link, log, idx, leaf, kind, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    audit_list: "SELECT idx, kind, leaf, body FROM ferry_audit WHERE link = ?1 AND log = ?2 AND idx >= ?3 \
        ORDER BY idx LIMIT ?4",
    catalog_table: "SELECT l.wr, l.strict, l.type, s.sql FROM pragma_table_list AS l, sqlite_schema AS s \
        WHERE l.schema = 'main' AND l.name = ?1 AND s.name = l.name AND s.type IN ('table', 'view')",
    catalog_columns: "SELECT name, type, \"notnull\", pk, hidden, dflt_value IS NOT NULL FROM pragma_table_xinfo(?1) \
        ORDER BY cid",
    catalog_unique: "SELECT name, origin, partial FROM pragma_index_list(?1) WHERE \"unique\" ORDER BY name",
    catalog_index_columns: "SELECT name, coll FROM pragma_index_xinfo(?1) WHERE key ORDER BY seqno",
    catalog_triggers: "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name",
    catalog_actions: "SELECT s.name, f.\"table\" FROM sqlite_schema AS s, pragma_foreign_key_list(s.name) AS f \
        WHERE s.type = 'table' AND (f.on_update IN ('CASCADE', 'SET NULL', 'SET DEFAULT') \
        OR f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))",
    catalog_foreign_keys: "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete FROM pragma_foreign_key_list(?1) \
        ORDER BY id, seq",
    catalog_version: "PRAGMA schema_version",
    foreign_key_check: "SELECT parent FROM pragma_foreign_key_check(?1) LIMIT 1",
    books_out: out_columns!(
        "AND stream = ?2 AND epoch = (SELECT epoch FROM ferry_stream_out \
        WHERE link = ?1 AND stream = ?2) AND seq > CASE WHEN ?3 THEN (SELECT settled_seq FROM ferry_stream_out \
        WHERE link = ?1 AND stream = ?2) ELSE 0 END ORDER BY seq DESC LIMIT ?4"
    ),
    books_in: in_columns!("AND stream = ?2 ORDER BY epoch DESC, seq DESC LIMIT ?3"),
    books_out_at: out_columns!("AND stream = ?2 AND seq = ?3 ORDER BY epoch DESC"),
    books_in_at: in_columns!("AND stream = ?2 AND seq = ?3 ORDER BY epoch DESC"),
    books_out_digest: out_columns!("AND digest BETWEEN ?2 AND ?3 ORDER BY digest LIMIT ?4"),
    books_in_digest: in_columns!("AND digest BETWEEN ?2 AND ?3 ORDER BY digest LIMIT ?4"),
    trace: TRACE,
};

impl Dialect for SqliteDialect {
    fn fixed(&self) -> &'static Statements {
        &STATEMENTS
    }

    fn migrations(&self) -> &'static [&'static str] {
        &[SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5]
    }

    fn outbox(&self, link: &LinkId, stream: &StreamName) -> String {
        format!("ferry_outbox_{link}_{stream}")
    }

    fn create_outbox(&self, outbox: &str) -> String {
        let table = quote(outbox);
        format!(
            "CREATE TABLE {table} (id INTEGER PRIMARY KEY AUTOINCREMENT, contract INTEGER NOT NULL, \
             line TEXT NOT NULL, at_ms INTEGER) STRICT"
        )
    }

    fn add_capture_time(&self, outbox: &str) -> String {
        format!("ALTER TABLE {} ADD COLUMN at_ms INTEGER", quote(outbox))
    }

    fn capture_triggers(
        &self,
        link: &LinkId,
        outbox: &str,
        contract: i64,
        table: &Table,
        shape: &Shape,
    ) -> Vec<NamedTrigger> {
        triggers::capture(link, outbox, contract, table, shape)
    }

    fn escape_guards(&self, link: &LinkId, table: &Table, shape: &Shape) -> Vec<NamedTrigger> {
        triggers::guards(link, table, shape)
    }

    fn replica_guards(&self, link: &LinkId, owner: &ZoneName, table: &Table) -> Vec<NamedTrigger> {
        triggers::fence(link, owner, table)
    }

    fn trigger_prefix(&self, link: &LinkId) -> String {
        triggers::prefix(link)
    }

    fn drop_trigger(&self, name: &str) -> String {
        format!("DROP TRIGGER {}", quote(name))
    }

    fn any_row(&self, table: &str) -> String {
        format!("SELECT 1 FROM {} LIMIT 1", quote(table))
    }

    fn measure_cut(&self, outbox: &str) -> String {
        // A length that is asked for where the row is read is taken from its head: a long line is not read for it.
        format!(
            "SELECT count(*), min(id), max(id), sum(bytes), min(contract), max(contract) FROM \
             (SELECT id, contract, octet_length(line) AS bytes FROM {} WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3)",
            quote(outbox)
        )
    }

    fn same_contract(&self, outbox: &str) -> String {
        let table = quote(outbox);
        format!(
            "WITH head AS (SELECT contract FROM {table} WHERE id > ?1 ORDER BY id LIMIT 1), \
             change AS (SELECT id FROM {table}, head WHERE id > ?1 AND id <= ?2 \
             AND {table}.contract <> head.contract ORDER BY id LIMIT 1) \
             SELECT max(id), head.contract FROM {table}, head WHERE id > ?1 AND id < (SELECT id FROM change)"
        )
    }

    fn enough_bytes(&self, outbox: &str) -> String {
        format!(
            "SELECT id FROM (SELECT id, sum(bytes) OVER (ORDER BY id) AS bytes FROM \
             (SELECT id, octet_length(line) AS bytes FROM {} WHERE id > ?1 AND id <= ?2)) \
             WHERE bytes > ?3 ORDER BY id LIMIT 1 OFFSET 1",
            quote(outbox)
        )
    }

    fn read_captured(&self, outbox: &str) -> String {
        format!(
            "SELECT group_concat(line, char(10)), group_concat(coalesce(at_ms, 0)), min(contract) FROM \
             (SELECT line, at_ms, contract FROM {} WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3)",
            quote(outbox)
        )
    }

    fn read_waiting(&self, outbox: &str) -> String {
        format!(
            "SELECT id, line, iif(at_ms > 0, at_ms, NULL) FROM {} WHERE id > ?1 ORDER BY id LIMIT ?2",
            quote(outbox)
        )
    }

    fn read_ids(&self, outbox: &str) -> String {
        format!("SELECT id FROM {} WHERE id BETWEEN ?1 AND ?2 ORDER BY id", quote(outbox))
    }

    fn read_row(&self, outbox: &str) -> String {
        format!("SELECT line FROM {} WHERE id = ?1", quote(outbox))
    }

    fn remove_row(&self, outbox: &str) -> String {
        format!("DELETE FROM {} WHERE id = ?1", quote(outbox))
    }

    fn current_image(&self, outbox: &str, table: &Table) -> String {
        let name = literal(&table.name);
        let place = |place: usize, position: usize| {
            format!("iif(line ->> 1 = 'd', line ->> {}, line ->> {})", place + 2, position + 2)
        };
        let mut same = String::new();
        let mut key = String::new();
        for (index, (column, position)) in table.key_columns().zip(&table.key).enumerate() {
            let told = place(index, *position);
            let value = if column.kind == ColumnKind::Bytes { format!("unhex({told})") } else { told.clone() };
            let and = if index == 0 { "" } else { " AND " };
            append(&mut same, format_args!("{and}t.{} IS {value}", quote(&column.name)));
            append(&mut key, format_args!(", {told}"));
        }
        let row = record("t", table.columns.iter());
        format!(
            "UPDATE {} SET line = coalesce((SELECT json_array({name}, 'u', {row}) FROM {} AS t WHERE {same}), \
             json_array({name}, 'd'{key})) WHERE id = ?1",
            quote(outbox),
            quote(&table.name)
        )
    }

    fn parked_overtaken(&self, table: &Table, by_rows: bool) -> String {
        let mut same = String::new();
        for (index, position) in table.key.iter().enumerate() {
            let given = if by_rows { *position } else { index };
            append(
                &mut same,
                format_args!(
                    " AND iif(record ->> 1 = 'd', record ->> {}, record ->> {}) IS k.value ->> {given}",
                    index + 2,
                    position + 2
                ),
            );
        }
        format!(
            "DELETE FROM ferry_parked_row WHERE link = ?1 AND stream = ?2 AND table_name = ?3 \
             AND EXISTS (SELECT 1 FROM json_each(?4) AS k WHERE true{same})"
        )
    }

    fn current_rows(&self, table: &Table) -> String {
        let name = literal(&table.name);
        let (mut same, mut key, mut first) = (String::new(), String::new(), String::new());
        for (index, column) in table.key_columns().enumerate() {
            let and = if index == 0 { "" } else { " AND " };
            append(&mut same, format_args!("{and}t.{} = {}", quote(&column.name), value("k.value", index, column)));
            append(&mut key, format_args!(", k.value ->> {index}"));
            if index == 0 {
                append(&mut first, format_args!("t.{}", quote(&column.name)));
            }
        }
        let row = record("t", table.columns.iter());
        format!(
            "SELECT k.key, {first} IS NOT NULL, iif({first} IS NULL, json_array({name}, 'd'{key}), \
             json_array({name}, 'u', {row})) FROM json_each(?1) AS k LEFT JOIN {} AS t ON {same} ORDER BY k.key",
            quote(&table.name)
        )
    }

    fn remove_below(&self, outbox: &str) -> String {
        format!("DELETE FROM {} WHERE id < ?1", quote(outbox))
    }

    fn empty_row(&self, outbox: &str) -> String {
        format!("UPDATE {} SET line = '' WHERE id = ?1", quote(outbox))
    }

    fn load_page(&self, table: &Table, first: bool) -> String {
        let columns = key_list(table, "");
        let from = if first { String::new() } else { format!(" WHERE ({columns}) > ({})", key_values(table, "?1")) };
        format!(
            "SELECT json_array({}) FROM (SELECT {columns} FROM {}{from} ORDER BY {columns} LIMIT ?2) AS t \
             ORDER BY {} LIMIT 1",
            record("t", table.key_columns()),
            quote(&table.name),
            key_list(table, " DESC")
        )
    }

    fn load_rows(&self, outbox: &str, contract: i64, table: &Table, first: bool) -> String {
        let columns = key_list(table, "");
        let from = if first { String::new() } else { format!("({columns}) > ({}) AND ", key_values(table, "?1")) };
        format!(
            "INSERT INTO {} (contract, line, at_ms) SELECT {contract}, json_array({}, 'u', {}), {NOW_MS} FROM {} AS t \
             WHERE {from}({columns}) <= ({}) ORDER BY {columns}",
            quote(outbox),
            literal(&table.name),
            record("t", table.columns.iter()),
            quote(&table.name),
            key_values(table, "?2")
        )
    }

    fn remove_above(&self, outbox: &str) -> String {
        format!("DELETE FROM {} WHERE id > ?1", quote(outbox))
    }

    fn observe(&self, outboxes: &[(String, String)]) -> String {
        let one = |(stream, outbox): &(String, String)| {
            // The last row may have been passed over, and a program may have reset the numbering.
            format!(
                "SELECT {}, max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = {}), 0), \
                 coalesce((SELECT max(id) FROM {}), 0))",
                literal(stream),
                literal(outbox),
                quote(outbox)
            )
        };
        let all: Vec<String> = outboxes.iter().map(one).collect();
        all.join(" UNION ALL ")
    }

    fn count_rows(&self, outbox: &str) -> String {
        format!("SELECT count(*) FROM (SELECT 1 FROM {} WHERE id > ?2 LIMIT ?1)", quote(outbox))
    }

    fn upsert(&self, table: &Table) -> String {
        let mut columns = String::new();
        let mut values = String::new();
        let mut updates = String::new();
        for (position, column) in table.columns.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            let name = quote(&column.name);
            append(&mut columns, format_args!("{comma}{name}"));
            append(&mut values, format_args!("{comma}{}", value("value", position, column)));
            if !table.key.contains(&position) {
                let comma = if updates.is_empty() { "" } else { ", " };
                append(&mut updates, format_args!("{comma}{name} = excluded.{name}"));
            }
        }
        let key: Vec<String> = table.key_columns().map(|column| quote(&column.name)).collect();
        let action = if updates.is_empty() { "DO NOTHING".to_owned() } else { format!("DO UPDATE SET {updates}") };
        format!(
            "INSERT INTO {} ({columns}) SELECT {values} FROM jsonb_each(?1) WHERE true ON CONFLICT ({}) {action}",
            quote(&table.name),
            key.join(", ")
        )
    }

    fn delete(&self, table: &Table) -> String {
        let key: Vec<String> = table.key_columns().map(|column| quote(&column.name)).collect();
        let values = table.key_columns().enumerate().map(|(place, column)| value("value", place, column));
        let values: Vec<String> = values.collect();
        let list = key.join(", ");
        let left = if key.len() == 1 { list } else { format!("({list})") };
        format!("DELETE FROM {} WHERE {left} IN (SELECT {} FROM jsonb_each(?1))", quote(&table.name), values.join(", "))
    }

    fn count_orphans(&self, table: &Table, keys: &[ForeignKey]) -> String {
        let lost = |key: &ForeignKey| {
            let mut present = String::new();
            let mut equal = String::new();
            for (index, (position, to)) in key.columns.iter().enumerate() {
                let and = if index == 0 { "" } else { " AND " };
                let value = value("j.value", *position, &table.columns[*position]);
                append(&mut present, format_args!("{value} IS NOT NULL AND "));
                append(&mut equal, format_args!("{and}p.{} = {value}", quote(to)));
            }
            format!("({present}NOT EXISTS (SELECT 1 FROM {} AS p WHERE {equal}))", quote(&key.parent))
        };
        let any: Vec<String> = keys.iter().map(lost).collect();
        format!("SELECT count(*) FROM jsonb_each(?1) AS j WHERE {}", any.join(" OR "))
    }

    fn count_cascades(&self, table: &Table, cascades: &[Cascade<'_>]) -> String {
        let gone = |of: &str| {
            let columns: Vec<String> =
                table.key_columns().map(|column| format!("{of}.{}", quote(&column.name))).collect();
            let values: Vec<String> =
                table.key_columns().enumerate().map(|(place, column)| value("value", place, column)).collect();
            format!("({}) IN (SELECT {} FROM jsonb_each(?1))", columns.join(", "), values.join(", "))
        };
        let one = |cascade: &Cascade<'_>| {
            let (parent, child) = (quote(&table.name), quote(&cascade.child.name));
            let mut text = format!("(SELECT count(*) FROM {parent} AS p, {child} AS c WHERE {}", gone("p"));
            for (from, to) in &cascade.columns {
                append(&mut text, format_args!(" AND c.{} = p.{}", quote(from), quote(to)));
            }
            if cascade.child.name == table.name {
                append(&mut text, format_args!(" AND NOT {}", gone("c")));
            }
            text.push(')');
            text
        };
        let all: Vec<String> = cascades.iter().map(one).collect();
        format!("SELECT {}", all.join(" + "))
    }
}

/// The key columns, each with what follows its name.
fn key_list(table: &Table, suffix: &str) -> String {
    let all: Vec<String> = table.key_columns().map(|column| format!("{}{suffix}", quote(&column.name))).collect();
    all.join(", ")
}

/// The values of a key that stands in a JSON array.
fn key_values(table: &Table, array: &str) -> String {
    let all: Vec<String> = table.key_columns().enumerate().map(|(place, column)| value(array, place, column)).collect();
    all.join(", ")
}
