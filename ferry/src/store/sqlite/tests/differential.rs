//! Whatever a program does to its tables, the peer's are the same in the end.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::Zone;

fn key() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "b", "c", "d"])
}

fn code() -> impl Strategy<Value = &'static str> {
    select(vec!["'x'", "'y'", "'z'", "NULL", "'\"\\\n缴'"])
}

/// One statement, which may well violate a constraint.
fn statement() -> impl Strategy<Value = String> {
    let (fen, no) = (0..5_i64, 1..4_i64);
    prop_oneof![
        3 => (key(), code(), fen.clone())
            .prop_map(|(k, c, f)| format!("INSERT INTO item VALUES ('{k}', {c}, {f}, 0, x'0{f}', NULL)")),
        1 => (key(), code()).prop_map(|(k, c)| format!("INSERT OR REPLACE INTO item VALUES ('{k}', {c}, 1, 1, NULL, '[]')")),
        1 => (key(), fen).prop_map(|(k, f)| {
            format!("INSERT INTO item VALUES ('{k}', NULL, {f}, 0, NULL, NULL) ON CONFLICT (id) DO UPDATE SET fen = fen + 1")
        }),
        2 => (key(), code()).prop_map(|(k, c)| format!("UPDATE item SET code = {c} WHERE id = '{k}'")),
        1 => (key(), code()).prop_map(|(k, c)| format!("UPDATE OR REPLACE item SET code = {c} WHERE id >= '{k}'")),
        2 => (key(), key()).prop_map(|(k, l)| format!("UPDATE item SET id = '{l}' WHERE id = '{k}'")),
        1 => (key(), key()).prop_map(|(k, l)| format!("UPDATE OR REPLACE item SET id = '{l}' WHERE id = '{k}'")),
        1 => key().prop_map(|k| format!("DELETE FROM item WHERE id <= '{k}'")),
        3 => (key(), no.clone()).prop_map(|(k, n)| format!("INSERT INTO line VALUES ('{k}', {n}, 't')")),
        1 => (key(), no.clone()).prop_map(|(k, n)| format!("UPDATE OR REPLACE line SET item = '{k}' WHERE no = {n}")),
        1 => no.clone().prop_map(|n| format!("UPDATE line SET no = no + {n}")),
        1 => no.clone().prop_map(|n| format!("INSERT OR REPLACE INTO remark VALUES ({n}, NULL, {n})")),
        1 => no.prop_map(|n| format!("UPDATE OR IGNORE remark SET no = no - {n}, stars = stars + 1")),
    ]
}

/// A transaction, and whether it is committed.
fn transaction() -> impl Strategy<Value = (Vec<String>, bool)> {
    (vec(statement(), 1..6), proptest::bool::weighted(0.8))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_replica_equals_the_owner(groups in vec(vec(transaction(), 1..6), 1..5)) {
        let (owner, replica) = (Zone::new("outer"), Zone::new("inner"));
        for group in groups {
            for (statements, commits) in group {
                owner.run("BEGIN").unwrap();
                for statement in statements {
                    // A statement that violates a constraint changes nothing, and the transaction goes on.
                    let _ = owner.run(&statement);
                }
                owner.run(if commits { "COMMIT" } else { "ROLLBACK" }).unwrap();
            }
            if !owner.cut().ids.is_empty() {
                let outcome = replica.apply(vec![owner.send()]).unwrap();
                prop_assert!(matches!(outcome, ferry_core::ports::ApplyOutcome::Applied { .. }), "{:?}", outcome);
            }
            prop_assert_eq!(replica.dump(), owner.dump());
        }
    }
}
