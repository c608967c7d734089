use ferry_core::ports::{ApplyOutcome, Store as _};
use ferry_format::Digest;

use super::{Zone, refusal};

const ITEMS: &str = "INSERT INTO item VALUES ('a', 'x', 1, 0, x'01', NULL), ('b', 'y', 2, 1, NULL, '{}')";

fn zones() -> (Zone, Zone) {
    let (owner, replica) = (Zone::new("outer"), Zone::new("inner"));
    owner.run(ITEMS).unwrap();
    replica.apply(vec![owner.send()]).unwrap();
    (owner, replica)
}

fn applied(outcome: ApplyOutcome) -> (u64, Vec<(u64, u64, u64)>, u64) {
    match outcome {
        ApplyOutcome::Applied { mark, batches, parked_rows } => {
            (mark.seq, batches.iter().map(|batch| (batch.seq, batch.rows, batch.parked)).collect(), parked_rows)
        }
        other @ (ApplyOutcome::Refused(_) | ApplyOutcome::Spoiled(_) | ApplyOutcome::Moved(_)) => panic!("{other:?}"),
    }
}

#[test]
fn a_group_of_batches_is_applied_with_its_watermark_and_reports() {
    let (owner, replica) = zones();
    owner
        .run("UPDATE item SET fen = 9; DELETE FROM item WHERE id = 'b'; INSERT INTO line VALUES ('a', 1, 'l')")
        .unwrap();
    let first = owner.send();
    owner.run("INSERT INTO item VALUES ('b', NULL, 3, 0, NULL, NULL); UPDATE line SET no = 2").unwrap();
    let second = owner.send();
    let digest = second.digest;
    let outcome = replica.apply(vec![first, second]).unwrap();
    assert_eq!(applied(outcome), (3, vec![(2, 4, 0), (3, 3, 0)], 0));
    assert_eq!(replica.dump(), owner.dump());
    assert_eq!(replica.mark().digest, digest);
    assert_eq!(replica.store.applied_place(&super::sale(), 1, 3).unwrap().map(|at| at.digest), Some(digest));
    assert_eq!(replica.store.applied_place(&super::sale(), 1, 4).unwrap(), None);
    let incoming = replica.store.recover().unwrap().incoming;
    let reports: Vec<(u64, u64, u64)> =
        incoming[0].reports.iter().map(|one| (one.seq, one.rows, one.wait_ms)).collect();
    assert_eq!(reports, [(1, 2, 995), (2, 4, 995), (3, 3, 995)]);
}

#[test]
fn rows_that_swap_a_unique_value_are_applied_in_their_own_order() {
    let (owner, replica) = zones();
    owner
        .run(
            "UPDATE item SET code = 'z' WHERE id = 'a'; UPDATE item SET code = 'x' WHERE id = 'b';
              UPDATE item SET code = 'y' WHERE id = 'a'",
        )
        .unwrap();
    assert_eq!(applied(replica.apply(vec![owner.send()]).unwrap()).1, [(2, 3, 0)]);
    assert_eq!(replica.dump(), owner.dump());
}

#[test]
fn a_refused_group_leaves_nothing_and_names_the_row() {
    let (owner, replica) = zones();
    let (before, mark) = (replica.dump(), replica.mark());
    let audit = replica.store.recover().unwrap().audit;
    owner.run("UPDATE item SET fen = 5").unwrap();
    let good = owner.send();
    let line = |fen: &str| format!("[\"item\",\"u\",\"a\",\"x\",{fen},1,null,null]");
    let bad = owner.checked([line("7"), line("1000000")].join("\n").as_bytes(), 3, Digest([5; 32]));
    let refusal = refusal(replica.apply(vec![good.clone(), bad]).unwrap());
    assert_eq!((refusal.code.as_str(), refusal.seq, refusal.row), ("constraint-check", 3, Some(1)));
    assert_eq!((refusal.table.as_deref(), refusal.constraint.as_deref()), (Some("item"), Some("fen < 1000000")));
    assert_eq!((replica.dump(), replica.mark()), (before, mark));
    assert_eq!(replica.store.recover().unwrap().audit, audit);
    assert_eq!(replica.number("SELECT count(*) FROM ferry_applying"), 0);
    assert_eq!(applied(replica.apply(vec![good]).unwrap()).0, 2);
}

#[test]
fn each_constraint_has_its_code() {
    let (owner, replica) = zones();
    for (line, code, row, constraint) in [
        (r#"["item","i","c","x",1,0,null,null]"#, "constraint-unique", Some(0), Some("item.code")),
        (r#"["line","i","none",1,"t"]"#, "constraint-foreign-key", None, Some("line to item")),
    ] {
        let refusal = refusal(replica.apply(vec![owner.checked(line.as_bytes(), 2, Digest([5; 32]))]).unwrap());
        assert_eq!((refusal.code.as_str(), refusal.row), (code, row));
        assert_eq!(refusal.constraint.as_deref(), constraint);
        assert_eq!(refusal.seq, 2);
    }
}

#[test]
fn a_child_may_come_before_its_parent_within_a_group() {
    let (owner, replica) = zones();
    let lines = ["[\"line\",\"i\",\"n\",1,\"t\"]", "[\"item\",\"i\",\"n\",null,1,0,null,null]"];
    let batches = lines.iter().zip(2..).map(|(line, seq)| owner.checked(line.as_bytes(), seq, Digest([5; 32])));
    assert_eq!(applied(replica.apply(batches.collect()).unwrap()).0, 3);
}

#[test]
fn a_bad_row_of_an_independent_table_is_parked_alone() {
    let (owner, replica) = zones();
    let lines = [
        r#"["remark","i",1,"a",3]"#,
        r#"["remark","i",2,"a",9]"#,
        r#"["remark","i",3,"none",3]"#,
        r#"["remark","i",4,null,4]"#,
    ];
    let batch = owner.checked(lines.join("\n").as_bytes(), 2, Digest([5; 32]));
    assert_eq!(applied(replica.apply(vec![batch]).unwrap()), (2, vec![(2, 2, 2)], 2));
    assert_eq!(replica.number("SELECT sum(no) FROM remark"), 5);
    let parked = "SELECT count(*) FROM ferry_parked_row WHERE seq = 2 AND table_name = 'remark' AND
        (row_index, code, record) IN ((1, 'constraint-check', '[\"remark\",\"i\",2,\"a\",9]'),
        (2, 'constraint-foreign-key', '[\"remark\",\"i\",3,\"none\",3]'))";
    assert_eq!(replica.number(parked), 2);
    let more = owner.checked(br#"["remark","u",2,"a",9]"#, 3, Digest([6; 32]));
    assert_eq!(applied(replica.apply(vec![more]).unwrap()).2, 2, "the newest parked row of a key");
    assert_eq!(replica.store.recover().unwrap().incoming[0].parked_rows, 2);
}

#[test]
fn a_row_that_moved_away_from_a_removed_one_keeps_what_hangs_on_it() {
    let schema = "
        CREATE TABLE item (id TEXT NOT NULL PRIMARY KEY, code TEXT, fen INTEGER NOT NULL, paid INTEGER NOT NULL, seal BLOB,
          extra TEXT) STRICT;
        CREATE TABLE remark (no INTEGER PRIMARY KEY, item TEXT REFERENCES item (id) ON DELETE CASCADE,
          stars INTEGER NOT NULL) STRICT;
        CREATE TABLE line (item TEXT NOT NULL, no INTEGER NOT NULL REFERENCES remark (no) ON DELETE CASCADE, text TEXT NOT NULL,
          PRIMARY KEY (item, no)) STRICT;
        CREATE TABLE unit (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;";
    let (owner, replica) = (Zone::bare("outer", schema), Zone::bare("inner", schema));
    owner.install().unwrap();
    replica.install().unwrap();
    owner
        .run(
            "INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL), ('b', NULL, 1, 0, NULL, NULL);
             INSERT INTO remark VALUES (1, 'a', 5); INSERT INTO line VALUES ('x', 1, 'hangs on the remark')",
        )
        .unwrap();
    replica.apply(vec![owner.send()]).unwrap();
    owner.run("BEGIN; UPDATE remark SET item = 'b'; DELETE FROM item WHERE id = 'a'; COMMIT").unwrap();
    // To remove first and write then would take the remark away, and with it its line, of which no record tells.
    assert_eq!(applied(replica.apply(vec![owner.send()]).unwrap()).1, [(2, 2, 0)]);
    assert_eq!(replica.dump(), owner.dump());
    assert_eq!(replica.number("SELECT count(*) FROM line"), 1);
}

#[test]
fn a_foreign_key_of_the_replica_removes_nothing_that_the_owner_kept() {
    let (owner, replica) = zones();
    owner.run("INSERT INTO line VALUES ('a', 1, 'one')").unwrap();
    replica.apply(vec![owner.send()]).unwrap();
    let before = replica.dump();
    owner.run("PRAGMA foreign_keys = OFF; DELETE FROM item WHERE id = 'a'").unwrap();
    let refusal = refusal(replica.apply(vec![owner.send()]).unwrap());
    assert_eq!((refusal.code.as_str(), refusal.table.as_deref()), ("constraint-foreign-key", Some("item")));
    assert_eq!((refusal.row, refusal.constraint.as_deref()), (Some(0), Some("line to item")));
    assert_eq!(replica.dump(), before);
}
