//! What a kind of database must be able to say. Every statement of the store stands in one file per database, and
//! the code that executes them has none of its own.

use ferry_core::contract::Table;
use ferry_format::{LinkId, StreamName, ZoneName};

/// One secondary unique constraint of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UniqueKey {
    /// Its columns, each with the collation by which it compares.
    pub columns: Vec<(String, String)>,
}

/// One foreign key of a table, as positions in the contract's columns and the columns that they refer to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ForeignKey {
    /// The table that is referred to.
    pub parent: String,
    /// Position in the contract's columns, and the parent's column.
    pub columns: Vec<(usize, String)>,
}

/// A trigger, as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedTrigger {
    /// Its name.
    pub name: String,
    /// The statement that makes it.
    pub text: String,
}

/// What the triggers of an own table must know of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shape {
    /// Its secondary unique keys.
    pub unique: Vec<UniqueKey>,
    /// The name under which statements reach a hidden row number, if they can.
    pub row_id: Option<&'static str>,
    /// Whether actions of foreign keys lead from the table back to it, so that a row may change once more before its change is
    /// captured.
    pub returns: bool,
}

/// A foreign key by which removing a row of the parent changes rows of the child.
#[derive(Debug, Clone)]
pub(crate) struct Cascade<'c> {
    /// The table that refers.
    pub child: &'c Table,
    /// Its columns, each with the parent's.
    pub columns: Vec<(String, String)>,
}

/// The statements of one kind of database.
pub(crate) trait Dialect {
    /// The statements that are the same for every table and stream.
    fn fixed(&self) -> &'static Statements;

    /// The steps from an empty database to the present schema; step `n` leads to version `n + 1`.
    fn migrations(&self) -> &'static [&'static str];

    /// The name of a stream's outbox.
    fn outbox(&self, link: &LinkId, stream: &StreamName) -> String;

    /// Creates an outbox: an ascending id that is never given twice, the contract's id, the record's line, and when it was
    /// captured.
    fn create_outbox(&self, outbox: &str) -> String;

    /// Makes room for capture times in an outbox of before version 4; they stay unknown where older triggers write it.
    fn add_capture_time(&self, outbox: &str) -> String;

    /// Triggers that write the rows of an own table to the outbox, in the transaction that changes them.
    fn capture_triggers(
        &self,
        link: &LinkId,
        outbox: &str,
        contract: i64,
        table: &Table,
        shape: &Shape,
    ) -> Vec<NamedTrigger>;

    /// Triggers that refuse a write by which the database would remove another row without telling the capture triggers.
    fn escape_guards(&self, link: &LinkId, table: &Table, shape: &Shape) -> Vec<NamedTrigger>;

    /// Triggers that refuse writes to a replica outside the applier's transaction.
    fn replica_guards(&self, link: &LinkId, owner: &ZoneName, table: &Table) -> Vec<NamedTrigger>;

    /// How the names of all triggers of a link begin.
    fn trigger_prefix(&self, link: &LinkId) -> String;

    /// Removes a trigger.
    fn drop_trigger(&self, name: &str) -> String;

    /// Yields a row if the table has any.
    fn any_row(&self, table: &str) -> String;

    /// Binds after, upto, limit. Yields count, least id, greatest id, bytes, least contract, greatest contract.
    fn measure_cut(&self, outbox: &str) -> String;

    /// Binds after, upto, between which the contract changes. Yields the last id before that, and its contract.
    fn same_contract(&self, outbox: &str) -> String;

    /// Binds after, upto, bytes. Yields the id after the first one with which the lines together exceed the bytes, if there is
    /// one.
    fn enough_bytes(&self, outbox: &str) -> String;

    /// Binds the id before the first, the last id, and a limit. Yields the lines in order of id, joined by newlines, the times of
    /// their capture, joined by commas (0 where it is not known), and the least contract; nulls when there is no row.
    fn read_captured(&self, outbox: &str) -> String;

    /// Binds an id and a limit. Yields id, line and time of capture of the rows above it, in order of id.
    fn read_waiting(&self, outbox: &str) -> String;

    /// Binds first and last id. Yields the ids in order.
    fn read_ids(&self, outbox: &str) -> String;

    /// Binds an id. Yields the line.
    fn read_row(&self, outbox: &str) -> String;

    /// Binds an id. Removes the row.
    fn remove_row(&self, outbox: &str) -> String;

    /// Binds an id. Puts the present image of the key that the line names into its place, or its removal when it is gone.
    fn current_image(&self, outbox: &str, table: &Table) -> String;

    /// Binds link, stream, table, a JSON array of keys, or of rows if `by_rows`. Removes parked rows with these keys.
    fn parked_overtaken(&self, table: &Table, by_rows: bool) -> String;

    /// Binds a JSON array of keys. Yields for each its place in the array, whether the row is there, and its record line: the
    /// present image, or its deletion.
    fn current_rows(&self, table: &Table) -> String;

    /// Binds an id. Removes every row below it, whatever else became of the numbering.
    fn remove_below(&self, outbox: &str) -> String;

    /// Binds an id. Empties the row, which stays so that no id is given twice even if a program resets the numbering.
    fn empty_row(&self, outbox: &str) -> String;

    /// Binds the last key that was read, as a JSON array, and how many rows. Yields the last key of the next rows, if there are
    /// any; `first` is for the beginning of the table.
    fn load_page(&self, table: &Table, first: bool) -> String;

    /// Binds the last key that was read and the last that is to be. Captures the rows in between as updates, in order.
    fn load_rows(&self, outbox: &str, contract: i64, table: &Table, first: bool) -> String;

    /// Binds an id. Removes every row above it.
    fn remove_above(&self, outbox: &str) -> String;

    /// Yields stream and highest id ever visible for each `(stream, outbox)`, in one snapshot.
    fn observe(&self, outboxes: &[(String, String)]) -> String;

    /// Binds a cap, and the id up to which everything is recorded. Yields the number of rows that wait, at most the cap.
    fn count_rows(&self, outbox: &str) -> String;

    /// Binds a JSON array of rows. Writes them in order, replacing rows with the same key.
    fn upsert(&self, table: &Table) -> String;

    /// Binds a JSON array of keys. Removes the rows that have them.
    fn delete(&self, table: &Table) -> String;

    /// Binds a JSON array of rows. Yields how many of them refer to rows that are not there.
    fn count_orphans(&self, table: &Table, keys: &[ForeignKey]) -> String;

    /// Binds a JSON array of keys. Yields how many rows the database itself would change if the rows with these keys went: those
    /// that refer to them and are none of them.
    fn count_cascades(&self, table: &Table, cascades: &[Cascade<'_>]) -> String;
}

/// Statements that are the same for every table and stream, with what they bind and yield.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statements {
    /// Begins a transaction that will write.
    pub begin: &'static str,
    /// Begins a transaction that only reads, one snapshot.
    pub begin_read: &'static str,
    /// Commits.
    pub commit: &'static str,
    /// Rolls back.
    pub rollback: &'static str,
    /// Sets the savepoint of a batch.
    pub savepoint: &'static str,
    /// Goes back to the savepoint and keeps it.
    pub rollback_to: &'static str,
    /// Forgets the savepoint.
    pub release: &'static str,
    /// A number that is another one when another connection has committed.
    pub data_version: &'static str,
    /// Puts the checks of foreign keys off until the commit.
    pub defer_foreign_keys: &'static str,
    /// Yields a row if the database has ferry's tables.
    pub has_meta: &'static str,
    /// Binds key. Yields value.
    pub meta_get: &'static str,
    /// Binds key, value.
    pub meta_put: &'static str,
    /// Binds link, stream, direction, digest, text, time. Does nothing when the digest is there.
    pub contract_add: &'static str,
    /// Binds link, stream, digest. Yields id.
    pub contract_id: &'static str,
    /// Binds id. Yields digest.
    pub contract_digest: &'static str,
    /// Binds link. Yields stream, direction, digest, time, text in order of id.
    pub contract_list: &'static str,
    /// Binds link, direction. Yields the names of the streams, each once, in order.
    pub contract_streams: &'static str,
    /// Binds link, stream, outbox, epoch, epoch id, genesis digest.
    pub out_add: &'static str,
    /// Binds link. Yields stream, outbox, epoch, epoch id, last seq, last digest, through id, settled seq, settled
    /// digest, id of the capture's contract; in order of stream.
    pub out_list: &'static str,
    /// Binds link, stream. Yields the same for one.
    pub out_get: &'static str,
    /// Binds link, stream, epoch, old seq, old digest, new seq, new digest, through id. Changes one row or none.
    pub out_advance: &'static str,
    /// Binds link, stream, seq, digest. Never goes back.
    pub out_settle: &'static str,
    /// Binds link, stream, seq, digest. Goes back.
    pub out_reopen: &'static str,
    /// Binds link, stream, id of the contract under which the triggers write.
    pub out_capture: &'static str,
    /// Binds link, stream, epoch, seq, digest, previous, group first, group last, rows, file bytes, through id, cut
    /// time, tables. The first attempt counts as recorded with it.
    pub batch_out_add: &'static str,
    /// Binds link, stream, epoch, seq, attempt, time. Never goes back; changes one row or none.
    pub batch_out_attempt: &'static str,
    /// Binds link, stream, epoch, seq. Yields digest.
    pub batch_out_digest: &'static str,
    /// Binds link, stream, epoch, settled seq. Yields seq, digest, group first, group last, rows, file bytes,
    /// attempt, cut time; in order of seq.
    pub batch_out_unsettled: &'static str,
    /// Binds link, stream, epoch, seq, time.
    pub batch_out_settle: &'static str,
    /// Binds link, stream, epoch, seq. What is above it is not settled, nor known to be held.
    pub batch_out_reopen: &'static str,
    /// Binds link, stream, epoch. Yields the digest before its first batch.
    pub batch_out_genesis: &'static str,
    /// Binds link, stream, epoch, seq, time. The first time counts.
    pub batch_out_published: &'static str,
    /// Binds link, stream, epoch, seq, time. The first time counts.
    pub batch_out_held: &'static str,
    /// Binds link, stream. Yields the two highest boundaries, the highest first.
    pub boundary_last: &'static str,
    /// Binds link, stream, id, ends as JSON. Does nothing when the boundary is there.
    pub boundary_add: &'static str,
    /// Binds link, stream, id.
    pub boundary_remove: &'static str,
    /// Binds link, stream, id. Removes every boundary up to it.
    pub boundary_pass: &'static str,
    /// Binds link, stream, id, limit. Yields ends of the boundaries above the id in order: at most twice the limit, evenly
    /// thinned, the last one always.
    pub boundary_list: &'static str,
    /// Binds link, stream, epoch, seq, digest, time. Does nothing when the place is there.
    pub dispute_add: &'static str,
    /// Binds link, stream. Yields epoch, seq and whether it was dismissed, in order.
    pub dispute_list: &'static str,
    /// Binds link, stream, epoch, epoch id, seq, digest. Fails when the stream is there.
    pub in_add: &'static str,
    /// Binds link, stream. Yields epoch, epoch id, seq, digest, parked rows, seq and digest of the last batch that superseded.
    pub in_get: &'static str,
    /// Binds link, stream, epoch, old seq, old digest, new seq, new digest, rows parked before and now.
    pub in_advance: &'static str,
    /// Binds link, stream, epoch, seq, digest, rows, parked, file bytes, taken, applied, wait, apply, chain's digest or null.
    pub batch_in_add: &'static str,
    /// Binds link, stream, epoch, seq. Yields digest, and the chain's digest where it is another one.
    pub batch_in_digest: &'static str,
    /// Binds link, stream, epoch, limit. Yields seq, rows, parked, wait, apply, the latest first.
    pub batch_in_reports: &'static str,
    /// Binds link, stream, seq, digest of the last batch that superseded another.
    pub in_superseded: &'static str,
    /// Binds link, stream, epoch, first seq, last seq.
    pub dispute_dismiss: &'static str,
    /// Binds link, stream, epoch, first seq, last seq.
    pub dispute_end: &'static str,
    /// Binds SM3, payload, time. Does nothing when the draft is there.
    pub draft_add: &'static str,
    /// Binds SM3. Yields the payload.
    pub draft_get: &'static str,
    /// Binds SM3.
    pub draft_remove: &'static str,
    /// Binds a time. Removes drafts from before it.
    pub draft_expire: &'static str,
    /// Binds link, stream, epoch, seq, act, digest, rows, file bytes, tables.
    pub superseding_add: &'static str,
    /// Binds link, stream, epoch, seq. Yields digest, rows, file bytes in the order in which they took the place.
    pub superseding_list: &'static str,
    /// Binds link, stream, epoch, seq. Yields act (0 for the first batch), digest, rows in the order in which they had the place.
    pub placed_list: &'static str,
    /// Binds link, act. Yields row, line, time of the row that it passed over.
    pub passed_by: &'static str,
    /// Binds link, stream, epoch, seq, row, table, code, record, time.
    pub parked_add: &'static str,
    /// Binds link, limit. Yields stream, epoch, seq, row, table, code, time; the latest first.
    pub parked_list: &'static str,
    /// Binds link, stream, epoch, first seq, last seq. Yields seq, row, table, record in order.
    pub parked_in: &'static str,
    /// Binds link, stream, epoch, seq, row.
    pub parked_remove: &'static str,
    /// Binds link, stream, epoch, seq, row, code.
    pub parked_code: &'static str,
    /// Binds link, stream, how many rows are parked no more.
    pub in_unpark: &'static str,
    /// Binds link, stream, act. Begins a load at the first table.
    pub load_begin: &'static str,
    /// Binds link, stream. Yields the place of the table and the last key, if a load is under way.
    pub load_get: &'static str,
    /// Binds link, stream, the place of the table, the last key.
    pub load_advance: &'static str,
    /// Binds link, stream.
    pub load_end: &'static str,
    pub load_again: &'static str,
    pub out_begin: &'static str,
    pub epoch_add: &'static str,
    pub epoch_act: &'static str,
    pub epoch_unsettled: &'static str,
    pub in_begin: &'static str,
    pub dispute_forget: &'static str,
    pub act_verify: &'static str,
    /// Binds the path of a file that is not there yet. Copies the whole database into it.
    pub copy_into: &'static str,
    /// Fails as busy while another connection has the database open.
    pub take_alone: &'static str,
    /// Binds link. Opens the replicas to this transaction.
    pub applying_set: &'static str,
    /// Closes them.
    pub applying_clear: &'static str,
    /// Binds link, direction, stream, epoch, seq, kind, time, detail.
    pub life_add: &'static str,
    /// Binds link, direction, stream, epoch, seq. Yields kind, time, detail in order.
    pub life_list: &'static str,
    /// Binds link, stream, direction, epoch, last, published, applied, digest, held, missing, lag, health, code,
    /// detail, parked rows, time.
    pub state_put: &'static str,
    /// Binds link. Yields the same without link.
    pub state_list: &'static str,
    /// Binds link, name, value, time.
    pub fact_put: &'static str,
    /// Binds link. Yields name, value in order of name.
    pub fact_list: &'static str,
    /// Binds link, origin, digest, file, whether it is verified, time. Does nothing when the act is there.
    pub act_add: &'static str,
    /// Binds link, origin, digest. Yields id.
    pub act_id: &'static str,
    /// Binds link, id. Yields code, null while it is open.
    pub act_get: &'static str,
    /// Binds link, limit. Yields id, file of open acts of this zone in order of id.
    pub act_open: &'static str,
    /// Binds link, id, code, time, and the statement of an act that was carried out. The first end counts.
    pub act_end: &'static str,
    /// Binds link, statement. The act of this zone that was carried out under it.
    pub act_done: &'static str,
    /// Binds link, limit. Yields id, file, code, time of ended acts of this zone that the peer has not listed.
    pub act_untold: &'static str,
    /// Binds link, id, time. The first time counts.
    pub act_told: &'static str,
    /// Binds link, limit. Yields id, origin, digest, file, verified, handed in, code, ended, told; the latest first.
    pub act_list: &'static str,
    /// Binds link, id. Yields the same for one.
    pub act_at: &'static str,
    /// Binds link, origin. Yields the files of verified acts that were turned away, and not because they had been carried out.
    pub act_turned_away: &'static str,
    /// Binds link, stream, act.
    pub hold_add: &'static str,
    /// Binds link, stream.
    pub hold_remove: &'static str,
    /// Binds link, stream. Yields the act.
    pub hold_get: &'static str,
    /// Binds link, stream, id in the outbox, line, act, time.
    pub passed_add: &'static str,
    /// Binds link, elapsed time.
    pub retention_put: &'static str,
    /// Binds link. Yields the elapsed time.
    pub retention_get: &'static str,
    /// Binds link. Removes every mark.
    pub retention_clear: &'static str,
    /// Binds link, direction, stream, elapsed time, epoch, seq.
    pub retention_mark: &'static str,
    /// Binds link. Yields direction, stream, elapsed time, epoch, seq in order: own streams first, the oldest mark first.
    pub retention_marks: &'static str,
    /// Binds link. Yields log, size, head in order of log.
    pub audit_heads: &'static str,
    /// Binds link, log. Yields the head.
    pub audit_head: &'static str,
    /// Binds link, log, size, head.
    pub audit_head_put: &'static str,
    /// Binds link, log, index, digest, kind, body.
    pub audit_add: &'static str,
    /// Binds link, log, first index, limit. Yields index, kind, digest, body.
    pub audit_list: &'static str,
    /// Binds table. Yields whether it has no row number, and whether it checks types.
    pub catalog_table: &'static str,
    /// Binds table. Yields name, type, not null, place in the primary key, hidden, whether it has a default.
    pub catalog_columns: &'static str,
    /// Binds table. Yields name, origin, partial of each unique index.
    pub catalog_unique: &'static str,
    /// Binds index. Yields column and collation of each key column; the column is null for an expression.
    pub catalog_index_columns: &'static str,
    /// Yields name, table and text of every trigger in order of name.
    pub catalog_triggers: &'static str,
    /// Yields child and parent of every foreign key by which a change of the parent changes the child.
    pub catalog_actions: &'static str,
    /// Binds table. Yields id, parent, own column, parent's column (null for its primary key), action of an update, action of a
    /// removal in order.
    pub catalog_foreign_keys: &'static str,
    /// Yields a number that changes with every change of the schema.
    pub catalog_version: &'static str,
    /// Binds table. Yields the parent of a row that refers to nothing.
    pub foreign_key_check: &'static str,
    /// Binds link, stream, whether unsettled only, limit. Yields the columns of a batch of the present epoch, the
    /// latest first.
    pub books_out: &'static str,
    /// Binds link, stream, limit. Yields the columns of a batch, the latest first.
    pub books_in: &'static str,
    /// Binds link, stream, seq. Yields the columns of a batch, the highest epoch first.
    pub books_out_at: &'static str,
    /// Binds link, stream, seq. Yields the columns of a batch, the highest epoch first.
    pub books_in_at: &'static str,
    /// Binds link, least and greatest digest, limit. Yields the columns of a batch.
    pub books_out_digest: &'static str,
    /// Binds link, least and greatest digest, limit. Yields the columns of a batch.
    pub books_in_digest: &'static str,
    /// What the index of traced rows needs.
    pub trace: TraceStatements,
}

/// Statements of the index by which rows are found again. A place is link, direction, stream and epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceStatements {
    /// Binds the mark of a key. Does nothing when it is there.
    pub key_add: &'static str,
    /// Yields id and mark of every key.
    pub keys: &'static str,
    /// Binds place, seq, act (0 for the first batch of the place), key, rows, entries.
    pub batch_add: &'static str,
    /// Binds place, first seq, last seq. Yields seq, key, rows of first batches in order.
    pub batch_list: &'static str,
    /// Binds place, first seq, last seq. Yields seq and entries of first batches in order.
    pub batch_entries: &'static str,
    /// Binds place, first seq, last seq. Removes first batches.
    pub batch_remove: &'static str,
    /// Binds link, direction, stream. Yields epoch, seq, act, key, entries.
    pub batch_all: &'static str,
    /// Binds place, first seq, last seq, key. Yields the run's id.
    pub run_add: &'static str,
    /// Binds link, direction, stream. Yields id, epoch, first seq, last seq, key.
    pub run_all: &'static str,
    /// Binds run, least print, entries.
    pub chunk_add: &'static str,
    /// Binds run, print. Yields the entries of the one chunk that can have it.
    pub chunk_get: &'static str,
    /// Binds the id of a contract. Yields its text.
    pub contract_text: &'static str,
    /// Yields the names of all outboxes.
    pub outboxes: &'static str,
    /// Binds link, stream. Yields row, line, act and time of passed rows in order.
    pub passed: &'static str,
    /// Binds link, stream, epoch, seq, row. Yields the code of a parked row.
    pub parked: &'static str,
    /// Binds link, stream, epoch, seq, act. Yields the digest of the batch that the act put into the place.
    pub superseding: &'static str,
}
