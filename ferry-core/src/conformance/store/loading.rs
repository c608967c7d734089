//! What a store promises of tables that are captured once more.

use ferry_format::Deed;

use super::acting::{carry_out, handed};
use super::{Change, StoreFixture, contract, cut, delete, insert, lines, name, own, update};
use crate::conformance::kind;
use crate::ports::{FaultKind, Loaded, PortError};

/// Lists the cases of the suite.
#[macro_export]
macro_rules! store_loading_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            every_row_is_captured_as_it_stands,
            a_load_goes_on_after_a_restart,
            what_changes_meanwhile_is_captured_behind_what_was_read,
            a_table_without_rows_ends_a_load_at_once,
            a_second_load_begins_at_the_beginning,
            without_an_act_there_is_no_load,
            a_busy_database_captures_nothing,
        }
    };
}

store_loading_cases!(case_table, StoreFixture);

fn begin(fixture: &mut dyn StoreFixture, number: u8) {
    let order = handed(fixture, number, Deed::Load { stream: name("bill") });
    assert!(carry_out(fixture, &order).unwrap().0.is_done());
}

fn step(fixture: &dyn StoreFixture, rows: u64) -> Result<Loaded, PortError> {
    let contract = contract();
    fixture.store().load(contract.stream(&name("bill")).unwrap(), rows)
}

/// Loads to the end, and yields how many rows each step captured.
fn finish(fixture: &dyn StoreFixture, rows: u64) -> Vec<u64> {
    let mut steps = Vec::new();
    loop {
        let Loaded { table, rows, done } = step(fixture, rows).unwrap();
        assert_eq!(table, "bill");
        steps.push(rows);
        if done {
            return steps;
        }
    }
}

/// What was captured of `bill` after so many changes.
fn captured(fixture: &dyn StoreFixture, after: u64) -> Vec<u8> {
    cut(fixture, "bill", after, u64::from(u32::MAX), 100).lines
}

fn rows(numbers: &[u64]) -> Vec<Change> {
    numbers.iter().map(|no| insert("bill", *no, "a")).collect()
}

fn again(numbers: &[u64]) -> Vec<Change> {
    numbers.iter().map(|no| update("bill", *no, "a")).collect()
}

fn every_row_is_captured_as_it_stands(fixture: &mut dyn StoreFixture) {
    fixture.commit(&rows(&[5, 2, 4, 1, 3]));
    fixture.commit(&[update("bill", 2, "b"), delete("bill", 4)]);
    begin(fixture, 1);
    assert!(own(fixture, "bill").loading && !own(fixture, "notice").loading);
    assert_eq!(finish(fixture, 2), [2, 2, 0]);
    let meant = [&again(&[1])[..], &[update("bill", 2, "b")], &again(&[3, 5])].concat();
    assert_eq!(captured(fixture, 7), lines(&meant));
    assert!(!own(fixture, "bill").loading);
}

fn a_load_goes_on_after_a_restart(fixture: &mut dyn StoreFixture) {
    fixture.commit(&rows(&[1, 2, 3]));
    begin(fixture, 1);
    fixture.reopen();
    assert!(own(fixture, "bill").loading);
    assert_eq!(step(fixture, 2), Ok(Loaded { table: "bill".to_owned(), rows: 2, done: false }));
    fixture.reopen();
    assert!(own(fixture, "bill").loading);
    assert_eq!(finish(fixture, 2), [1]);
    fixture.reopen();
    assert!(!own(fixture, "bill").loading);
    assert_eq!(captured(fixture, 3), lines(&again(&[1, 2, 3])));
}

fn what_changes_meanwhile_is_captured_behind_what_was_read(fixture: &mut dyn StoreFixture) {
    fixture.commit(&rows(&[1, 2, 3]));
    begin(fixture, 1);
    step(fixture, 2).unwrap();
    fixture.commit(&[update("bill", 1, "b"), update("bill", 3, "c"), insert("bill", 4, "d")]);
    assert_eq!(finish(fixture, 2), [2, 0]);
    let meant = [
        &again(&[1, 2])[..],
        &[update("bill", 1, "b"), update("bill", 3, "c"), insert("bill", 4, "d")],
        &[update("bill", 3, "c"), update("bill", 4, "d")],
    ];
    assert_eq!(captured(fixture, 3), lines(&meant.concat()));
}

fn a_table_without_rows_ends_a_load_at_once(fixture: &mut dyn StoreFixture) {
    begin(fixture, 1);
    assert_eq!(finish(fixture, 2), [0]);
    assert_eq!(captured(fixture, 0), lines(&[]));
}

fn a_second_load_begins_at_the_beginning(fixture: &mut dyn StoreFixture) {
    fixture.commit(&rows(&[1, 2]));
    for (number, after) in [(1, 2), (2, 4)] {
        begin(fixture, number);
        assert_eq!(finish(fixture, 5), [2]);
        assert_eq!(captured(fixture, after), lines(&again(&[1, 2])));
    }
}

fn without_an_act_there_is_no_load(fixture: &mut dyn StoreFixture) {
    fixture.commit(&rows(&[1]));
    assert_eq!(kind(step(fixture, 5)), FaultKind::Conflict);
    begin(fixture, 1);
    finish(fixture, 5);
    assert_eq!(kind(step(fixture, 5)), FaultKind::Conflict);
}

fn a_busy_database_captures_nothing(fixture: &mut dyn StoreFixture) {
    fixture.commit(&rows(&[1]));
    begin(fixture, 1);
    fixture.keep_busy(true);
    assert_eq!(kind(step(fixture, 5)), FaultKind::Transient);
    fixture.keep_busy(false);
    assert_eq!(finish(fixture, 5), [1]);
}
