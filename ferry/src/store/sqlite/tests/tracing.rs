//! What the database knows of one row, in both zones.

use std::collections::BTreeMap;

use ferry_core::ports::{ActOrder, ApplyOutcome, Direction, Instead, RawCut, Store as _};
use ferry_format::{
    Act, ActId, ActRange, Deed, Digest, Op, Payload, Reason, Substitute, Value, parse_record, write_value,
};
use proptest::prelude::*;

use super::super::dialect::SqliteDialect;
use super::super::lane::{Columns as _, args};
use super::{EPOCH_ID, Zone, link, outgoing, sale, secret};
use crate::store::dialect::Dialect as _;
use crate::store::trace::TraceQuery;
use crate::store::{Books as _, PlacedBatch, SqliteBooks, SqliteStore, Trace, TraceKey, UnsearchedCause};

const LIMIT: usize = 1_000;

/// What a zone knows of a row of its stream `sale`.
fn trace_under(zone: &Zone, table: &str, key: &str, secret: &TraceKey, limit: usize) -> Trace {
    let direction = if zone.name.as_str() == "outer" { Direction::Out } else { Direction::In };
    let (stream, table) = zone.contract.table(table).unwrap();
    let query = TraceQuery { direction, stream: &stream.name, table, key, secret, limit };
    SqliteBooks::open(&zone.path, &link()).unwrap().trace(&query).unwrap()
}

fn trace(zone: &Zone, table: &str, key: &str) -> Trace {
    let found = trace_under(zone, table, key, &secret(1), LIMIT);
    assert!(found.secret_is_known && found.left_out == 0 && found.unsearched.is_empty(), "{found:?}");
    found
}

/// Batch, row and operation of each change.
fn places(trace: &Trace) -> Vec<(u64, u64, Op)> {
    trace.changes.iter().map(|change| (change.batch.seq, change.row, change.op)).collect()
}

fn pair() -> (Zone, Zone) {
    (Zone::new("outer"), Zone::new("inner"))
}

fn ferry(owner: &Zone, replica: &Zone, statements: &str) {
    owner.run(statements).unwrap();
    let outcome = replica.apply(vec![owner.send()]).unwrap();
    assert!(matches!(outcome, ApplyOutcome::Applied { .. }), "{outcome:?}");
}

#[test]
fn a_row_is_found_in_both_zones_after_it_has_left_the_outbox() {
    let (owner, replica) = pair();
    ferry(&owner, &replica, "INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL), ('b', NULL, 2, 0, NULL, NULL)");
    ferry(&owner, &replica, "UPDATE item SET fen = 5 WHERE id = 'b'");
    ferry(&owner, &replica, "INSERT INTO line VALUES ('b', 7, 'x'); DELETE FROM item WHERE id = 'b'");
    for zone in [&owner, &replica] {
        assert_eq!(places(&trace(zone, "item", r#"["a"]"#)), [(1, 0, Op::Insert)]);
        let found = trace(zone, "item", r#"["b"]"#);
        // The cascade removes the line before or after its item, as the database likes.
        assert_eq!(places(&found)[..2], [(1, 1, Op::Insert), (2, 0, Op::Update)]);
        assert_eq!((found.changes.len(), found.changes[2].batch.seq, found.changes[2].op), (3, 3, Op::Delete));
        assert!(found.waiting.is_empty() && found.passed.is_empty());
        let line: Vec<Op> = trace(zone, "line", r#"["b",7]"#).changes.iter().map(|change| change.op).collect();
        assert_eq!(line, [Op::Insert, Op::Delete]);
    }
    let known = |zone: &Zone| trace(zone, "item", r#"["b"]"#).changes[0].captured_at_ms.is_some();
    assert!(known(&owner) && !known(&replica), "only the owner knows when a change was captured");
    assert!(trace(&replica, "item", r#"["b"]"#).changes[0].batch.applied_at_ms.is_some());
}

#[test]
fn rows_are_indexed_alike_whether_their_cut_is_remembered_or_not() {
    let kept = |is_remembered: bool| {
        let owner = Zone::new("outer");
        owner.run("INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL), ('b', NULL, 2, 0, NULL, NULL)").unwrap();
        owner.run("UPDATE item SET fen = 5 WHERE id = 'b'; DELETE FROM item WHERE id = 'a'").unwrap();
        let (raw, own) = (owner.cut(), owner.store.recover().unwrap().outgoing);
        let own = own.into_iter().find(|out| out.last.stream == sale()).unwrap();
        let another = SqliteStore::open(&owner.path, &link()).unwrap().indexed(secret(1)).unwrap();
        let recorder = if is_remembered { &owner.store } else { &another };
        // The first three rows; the fourth waits for the next cut.
        let ids = raw.ids[..3].to_vec();
        let batch = outgoing(&own.last, &RawCut { ids, lines: raw.lines.clone(), contract: raw.contract });
        recorder.record(std::slice::from_ref(&batch)).unwrap();
        let sql = "SELECT group_concat(rows || ':' || hex(entries)) FROM ferry_trace_batch";
        owner.program.lock().first(sql.to_owned(), args![]).unwrap().unwrap().string(0).unwrap()
    };
    assert!(kept(true).starts_with("3:"), "{}", kept(true));
    assert_eq!(kept(true), kept(false));
}

#[test]
fn a_row_that_was_removed_after_the_cut_is_not_indexed() {
    let owner = Zone::new("outer");
    owner.run("INSERT INTO remark VALUES (1, NULL, 1), (2, NULL, 2), (3, NULL, 3)").unwrap();
    owner.cut();
    let outbox = SqliteDialect.outbox(&link(), &sale());
    owner.program.lock().script(&format!("DELETE FROM \"{outbox}\" WHERE id = 2")).unwrap();
    owner.send();
    assert_eq!(places(&trace(&owner, "remark", "[3]")), [(1, 1, Op::Insert)]);
    assert!(places(&trace(&owner, "remark", "[2]")).is_empty());
}

#[test]
fn a_row_that_was_never_there_is_not_found_and_tables_are_told_apart() {
    let (owner, replica) = pair();
    ferry(
        &owner,
        &replica,
        "INSERT INTO item VALUES ('7', NULL, 1, 0, NULL, NULL); INSERT INTO remark VALUES (7, '7', 3)",
    );
    for zone in [&owner, &replica] {
        assert_eq!(places(&trace(zone, "item", r#"["7"]"#)), [(1, 0, Op::Insert)]);
        assert_eq!(places(&trace(zone, "remark", "[7]")), [(1, 1, Op::Insert)]);
        for (table, key) in [("item", r#"["8"]"#), ("remark", "[8]"), ("line", r#"["7",7]"#)] {
            assert_eq!(trace(zone, table, key), Trace { secret_is_known: true, ..Trace::default() });
        }
    }
}

#[test]
fn a_key_that_comes_again_in_a_batch_is_found_each_time_also_as_another_row() {
    let (owner, replica) = pair();
    ferry(
        &owner,
        &replica,
        "INSERT INTO remark VALUES (1, NULL, 3); DELETE FROM remark; INSERT INTO remark VALUES (1, NULL, 4);
         UPDATE remark SET no = 2",
    );
    for zone in [&owner, &replica] {
        let found = trace(zone, "remark", "[1]");
        assert_eq!(places(&found), [(1, 0, Op::Insert), (1, 1, Op::Delete), (1, 2, Op::Insert), (1, 3, Op::Delete)]);
        assert_eq!(places(&trace(zone, "remark", "[2]")), [(1, 4, Op::Insert)]);
    }
}

#[test]
fn what_waits_in_the_outbox_is_found_also_when_it_cannot_be_sent() {
    let (owner, replica) = pair();
    ferry(&owner, &replica, "INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL)");
    owner.run("UPDATE item SET extra = CAST(x'ff' AS TEXT) WHERE id = 'a'; DELETE FROM item WHERE id = 'a'").unwrap();
    owner
        .run("INSERT INTO ferry_outbox_shop_sale (contract, line) VALUES (1, '[\"item\",\"u\",\"a\",null,1.5]')")
        .unwrap();
    let found = trace(&owner, "item", r#"["a"]"#);
    assert_eq!(places(&found), [(1, 0, Op::Insert)]);
    let waiting: Vec<(u64, Option<Op>, bool)> =
        found.waiting.iter().map(|row| (row.id, row.op, row.captured_at_ms.is_some())).collect();
    assert_eq!(waiting, [(2, Some(Op::Update), true), (3, Some(Op::Delete), true), (4, Some(Op::Update), false)]);
    assert!(trace(&owner, "item", r#"["b"]"#).waiting.is_empty());
    assert!(trace(&replica, "item", r#"["a"]"#).waiting.is_empty());
}

#[test]
fn a_parked_row_is_told_with_its_code_until_it_is_parked_no_more() {
    let (owner, replica) = pair();
    let bad = [r#"["remark","i",1,null,3]"#, r#"["remark","i",2,null,9]"#, r#"["remark","i",3,"none",3]"#];
    replica.apply(vec![owner.checked(bad.join("\n").as_bytes(), 1, Digest([5; 32]))]).unwrap();
    let told = |key: &str| {
        let found = trace(&replica, "remark", key);
        found.changes.iter().map(|change| (change.parked, change.parked_code.clone())).collect::<Vec<_>>()
    };
    let parked = |code: &str| vec![(true, Some(code.to_owned()))];
    assert_eq!(told("[1]"), [(false, None)]);
    assert_eq!((told("[2]"), told("[3]")), (parked("constraint-check"), parked("constraint-foreign-key")));
    let more = [r#"["item","i","none",null,1,0,null,null]"#, r#"["remark","u",2,null,5]"#];
    replica.apply(vec![owner.checked(more.join("\n").as_bytes(), 2, Digest([6; 32]))]).unwrap();
    assert_eq!(told("[2]"), [(true, None), (false, None)], "overtaken by a later image");
    let range = ActRange { stream: sale(), epoch: 1, first: 1, last: 9 };
    carry_out(&replica, Deed::RetryRows { range }, Vec::new());
    assert_eq!(told("[3]"), [(true, None)], "written by a retry");
    assert_eq!(replica.number("SELECT count(*) FROM remark"), 3);
}

#[test]
fn a_row_that_was_passed_over_is_found_with_its_act() {
    let owner = Zone::new("outer");
    owner.run("INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, CAST(x'ff' AS TEXT))").unwrap();
    owner.run("UPDATE item SET extra = NULL; INSERT INTO item VALUES ('b', NULL, 2, 0, NULL, NULL)").unwrap();
    let act = carry_out(&owner, Deed::Pass { stream: sale(), row: 1, with: Substitute::Current }, Vec::new());
    let books = SqliteBooks::open(&owner.path, &link()).unwrap();
    let told = books.passed_over(act, owner.contract.stream(&sale())).unwrap().unwrap();
    assert_eq!((told.row, told.table.as_deref(), told.op, told.at_ms), (1, Some("item"), Some(Op::Insert), 6));
    assert_eq!(told.key, Some(vec!["a".to_owned()]));
    assert_eq!(books.passed_over(act, None).unwrap().unwrap().key, None);
    assert_eq!(books.passed_over(act + 1, None), Ok(None));
    let found = trace(&owner, "item", r#"["a"]"#);
    let passed: Vec<_> = found.passed.iter().map(|row| (row.id, row.op, row.act)).collect();
    assert_eq!((passed, found.waiting.len()), (vec![(1, Some(Op::Insert), act)], 2));
    owner.send();
    let found = trace(&owner, "item", r#"["a"]"#);
    assert_eq!(places(&found), [(1, 0, Op::Update), (1, 1, Op::Update)]);
    assert_eq!((found.passed.len(), found.waiting.len()), (1, 0));
    assert!(trace(&owner, "item", r#"["b"]"#).passed.is_empty());
}

#[test]
fn rows_of_a_superseded_batch_and_of_what_superseded_it_are_both_found() {
    let owner = Zone::new("outer");
    owner.run("INSERT INTO remark VALUES (1, NULL, 3), (2, NULL, 3)").unwrap();
    let old = owner.send().digest;
    let mut payload = Payload::new([7; 32]);
    payload.push(br#"["remark","u",2,null,4]"#).unwrap();
    let books = SqliteBooks::open(&owner.path, &link()).unwrap();
    books.leave_drafts(std::slice::from_ref(&payload), 5).unwrap();
    let contract = owner.contract.stream(&sale()).unwrap().digest;
    let (new, first) = (vec![payload.plain().sm3], 1);
    let deed = Deed::Supersede { stream: sale(), epoch: 1, epoch_id: EPOCH_ID, contract, first, old: vec![old], new };
    let digest = Digest([8; 32]);
    let act = carry_out(&owner, deed, vec![Instead { seq: 1, digest, rows: 1, file_bytes: 9, tables: Vec::new() }]);
    let placed = |act, digest, rows| PlacedBatch { act, digest, rows };
    assert_eq!(books.placed(&sale(), 1, 1).unwrap(), [placed(None, old, 2), placed(Some(act), digest, 1)]);
    assert_eq!(places(&trace(&owner, "remark", "[1]")), [(1, 0, Op::Insert)]);
    let found = trace(&owner, "remark", "[2]");
    assert_eq!(places(&found), [(1, 1, Op::Insert), (1, 0, Op::Update)]);
    let told: Vec<_> = found.changes.iter().map(|change| (change.instead, change.captured_at_ms.is_some())).collect();
    assert_eq!(told, [(None, true), (Some(digest), false)]);
}

/// Has an act carried out as the daemon does; yields its place in the list.
fn carry_out(zone: &Zone, deed: Deed, instead: Vec<Instead>) -> u64 {
    let books = SqliteBooks::open(&zone.path, &link()).unwrap();
    let file = format!("{deed:?}").into_bytes();
    let id = books.hand_in(&file, 5).unwrap();
    let (reason, at_ms) = ("why".parse::<Reason>().unwrap(), 6);
    let act = Act { link: link(), zone: zone.name.clone(), id: ActId([1; 16]), at_ms, reason, deed };
    let order = ActOrder { id, file, verdict: Ok(act), at_ms, superseding: None, instead, ended: Vec::new() };
    let (end, _) = zone.store.act(&order, zone.contract.stream(&sale())).unwrap();
    assert!(end.is_done(), "{end:?}");
    id
}

#[test]
fn batches_without_an_index_and_under_another_secret_are_told_and_not_taken_for_searched() {
    let mut owner = Zone::new("outer");
    for (no, number) in [(1, None), (2, Some(1)), (3, Some(2)), (4, Some(2))] {
        let store = SqliteStore::open(&owner.path, &link()).unwrap();
        owner.store = match number {
            Some(number) => store.indexed(secret(number)).unwrap(),
            None => store,
        };
        owner.run(&format!("INSERT INTO remark VALUES ({no}, NULL, 3)")).unwrap();
        owner.send();
    }
    let told = |number, key: &str| {
        let found = trace_under(&owner, "remark", key, &secret(number), LIMIT);
        let holes = found.unsearched.iter().map(|hole| (hole.first, hole.last, hole.cause)).collect::<Vec<_>>();
        (places(&found).len(), holes)
    };
    let (none, other) = (UnsearchedCause::NoIndex, UnsearchedCause::OtherSecret);
    assert_eq!(told(1, "[2]"), (1, vec![(1, 1, none), (3, 4, other)]));
    assert_eq!(told(1, "[3]"), (0, vec![(1, 1, none), (3, 4, other)]));
    assert_eq!(told(2, "[3]"), (1, vec![(1, 1, none), (2, 2, other)]));
    let unknown = trace_under(&owner, "remark", "[2]", &secret(3), LIMIT);
    assert!(!unknown.secret_is_known && unknown.changes.is_empty());
}

#[test]
fn the_latest_changes_are_told_when_there_are_too_many() {
    let owner = Zone::new("outer");
    owner.run("INSERT INTO remark VALUES (1, NULL, 1)").unwrap();
    for stars in 2..=4 {
        owner.run(&format!("UPDATE remark SET stars = {stars}")).unwrap();
        owner.send();
    }
    let found = trace_under(&owner, "remark", "[1]", &secret(1), 2);
    assert_eq!((places(&found), found.left_out), (vec![(2, 0, Op::Update), (3, 0, Op::Update)], 2));
}

/// Every table of ferry's but those that hold rows as they were captured: outboxes, parked and passed rows, drafts.
const ALL_TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'ferry|_%' ESCAPE '|'
    AND name NOT LIKE 'ferry|_outbox|_%' ESCAPE '|'";

#[test]
fn neither_a_key_nor_its_plain_digest_stands_in_the_books() {
    let (owner, replica) = pair();
    let planted = "PLANTED-330106200001011234";
    ferry(&owner, &replica, &format!("INSERT INTO item VALUES ('{planted}', NULL, 1, 0, NULL, NULL)"));
    ferry(&owner, &replica, "UPDATE item SET fen = 2");
    owner.run("DELETE FROM item").unwrap();
    let key = format!("[\"{planted}\"]");
    let plain = Digest::of(&[b"item", &[0], key.as_bytes()]).0[..8].to_vec();
    let (mut searched, mut entries) = (0, 0);
    for zone in [&owner, &replica] {
        assert_eq!(trace(zone, "item", &key).changes.len(), 2);
        let mut program = zone.program.lock();
        let tables = program.all(ALL_TABLES, args![]).unwrap();
        for table in tables.iter().map(|row| row.string(0).unwrap()) {
            let columns = program.all("SELECT name FROM pragma_table_info(?1)", args![table.as_str()]).unwrap();
            for column in columns.iter().map(|row| row.string(0).unwrap()) {
                searched += 1;
                let query =
                    format!("SELECT CAST(\"{column}\" AS BLOB) FROM \"{table}\" WHERE \"{column}\" IS NOT NULL");
                for row in program.all(query, args![]).unwrap() {
                    let bytes = row.bytes(0).unwrap();
                    let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
                    assert!(!has(planted.as_bytes()) && !has(&plain), "{table}.{column}");
                    entries += usize::from(column == "entries" && !bytes.is_empty());
                }
            }
        }
    }
    assert!(searched > 200 && entries == 4, "{searched} columns, {entries} batches");
    let outbox = format!("SELECT count(*) FROM ferry_outbox_shop_sale WHERE instr(line, '{planted}')");
    assert_eq!(owner.number(&outbox), 1, "the search finds what is there");
}

/// The changes of each key, by seq and row.
type Model = BTreeMap<u64, Vec<(u64, u64, Op)>>;

/// Batches of changes of few keys: more batches than go into one run.
fn batches() -> impl Strategy<Value = Vec<Vec<u64>>> {
    prop::collection::vec(prop::collection::vec(0_u64..9, 1..4), 257..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]
    #[test]
    fn every_change_is_found_where_it_is_and_nowhere_else_across_runs(batches in batches()) {
        let (owner, replica) = pair();
        let (mut model, mut present) = (Model::new(), BTreeMap::<u64, bool>::new());
        for (keys, seq) in batches.iter().zip(1_u64..) {
            let mut statements = "BEGIN;".to_owned();
            for (key, row) in keys.iter().zip(0_u64..) {
                let is_there = present.entry(*key).or_default();
                let op = match (*is_there, (seq + row) % 3) {
                    (false, _) => Op::Insert,
                    (true, 0) => Op::Delete,
                    (true, _) => Op::Update,
                };
                *is_there = op != Op::Delete;
                statements.push_str(&match op {
                    Op::Insert => format!("INSERT INTO remark VALUES ({key}, NULL, 3);"),
                    Op::Update => format!("UPDATE remark SET stars = 4 WHERE no = {key};"),
                    Op::Delete => format!("DELETE FROM remark WHERE no = {key};"),
                });
                model.entry(*key).or_default().push((seq, row, op));
            }
            ferry(&owner, &replica, &(statements + "COMMIT"));
        }
        for zone in [&owner, &replica] {
            prop_assert_eq!(zone.number("SELECT count(*) FROM ferry_trace_run"), 1);
            let loose = u64::try_from(batches.len()).unwrap() - 256;
            prop_assert_eq!(zone.number("SELECT count(*) FROM ferry_trace_batch"), loose);
            for key in 0..10 {
                let meant = model.get(&key).cloned().unwrap_or_default();
                prop_assert_eq!(places(&trace(zone, "remark", &format!("[{key}]"))), meant);
            }
        }
    }
}

#[test]
fn the_index_spells_keys_as_the_receiver_does() {
    let owner = Zone::new("outer");
    let line = r#"["item","i","缴\"\\\u0001","c",1,0,null,null]"#;
    let batch = owner.checked(line.as_bytes(), 1, Digest([1; 32]));
    let record = parse_record(line.as_bytes()).unwrap();
    let Value::Text(id) = &record.values[0] else { panic!("{record:?}") };
    let mut key = vec![b'['];
    write_value(&mut key, &Value::Text(id.clone()));
    key.push(b']');
    assert_eq!(batch.key(&batch.rows[0]), key);
    owner.run("INSERT INTO item VALUES ('缴\"\\' || char(1), 'c', 1, 0, NULL, NULL)").unwrap();
    owner.send();
    assert_eq!(places(&trace(&owner, "item", std::str::from_utf8(&key).unwrap())), [(1, 0, Op::Insert)]);
}
