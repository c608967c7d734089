//! What a store promises of own batches that come back to a database that has lost them.

use ferry_format::{Digest, Mark, Refusal};

use super::outgoing::bills;
use super::{
    BAD_WORD, Change, StoreFixture, beginning, checked, contract, cut, delete, epoch_id, insert, leaves, lines, name,
    outgoing, own, sorted_rows, update,
};
use crate::conformance::kind;
use crate::ports::{
    FaultKind, PortError, RETURN_CONFLICT, RETURN_TORN, ReturnSource, ReturnedBatch, SourceFault, TakeBackOutcome,
    TakeBackRequest,
};
use crate::settings::RETURNED_ATTEMPT;

/// Lists the cases of the suite.
#[macro_export]
macro_rules! store_returning_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            lost_rows_are_written_and_not_captured_again,
            rows_that_wait_leave_the_outbox,
            some_rows_wait_and_the_others_were_lost,
            lost_rows_are_written_in_their_order,
            several_batches_come_back_at_once,
            later_changes_stay_behind_what_came_back,
            a_later_change_of_the_same_key_stands_against_it,
            a_torn_group_is_taken_back_only_where_all_of_it_waits,
            what_came_back_is_recovered_and_not_settled,
            what_took_the_place_of_a_batch_is_recovered_as_such,
            what_does_not_stand_there_is_told,
            what_does_not_follow_is_a_conflict,
            what_the_source_tells_is_told,
            each_batch_that_came_back_appends_a_leaf,
            a_busy_database_takes_nothing_back,
        }
    };
}

store_returning_cases!(case_table, StoreFixture);

struct Source(std::vec::IntoIter<Result<ReturnedBatch, SourceFault>>);

impl ReturnSource for Source {
    fn next(&mut self) -> Result<Option<ReturnedBatch>, SourceFault> {
        self.0.next().transpose()
    }
}

/// Batches of `bill` after `last`, as the core hands them to a store.
fn batches(last: &Mark, changes: &[&[Change]]) -> Vec<ReturnedBatch> {
    let mut last = last.clone();
    let one = |changes: &&[Change]| {
        let batch = outgoing(&last, changes.len() as u64, 0);
        (last.seq, last.digest) = (batch.seq, batch.digest);
        ReturnedBatch { rows: checked("bill", batch.seq, changes), batch }
    };
    changes.iter().map(one).collect()
}

fn take_from(
    fixture: &dyn StoreFixture,
    expect: &Mark,
    whole: bool,
    batches: Vec<Result<ReturnedBatch, SourceFault>>,
) -> Result<TakeBackOutcome, PortError> {
    let contract = contract();
    let stream = contract.stream(&name("bill")).unwrap();
    let request = TakeBackRequest { contract: stream, epoch_id: epoch_id(&name("bill")), expect, whole, now_ms: 77 };
    fixture.store().take_back(&request, &mut Source(batches.into_iter()))
}

/// Takes batches of `bill` back, with which a group ends or not.
fn take(fixture: &dyn StoreFixture, whole: bool, changes: &[&[Change]]) -> Result<TakeBackOutcome, PortError> {
    let last = own(fixture, "bill").last;
    let batches = batches(&last, changes).into_iter().map(Ok).collect();
    take_from(fixture, &last, whole, batches)
}

fn taken(fixture: &dyn StoreFixture, changes: &[&[Change]]) {
    let outcome = take(fixture, true, changes).unwrap();
    let TakeBackOutcome::TakenBack(recovered) = outcome else { panic!("{outcome:?}") };
    assert_eq!(*recovered, own(fixture, "bill"));
}

/// What waits to be cut.
fn waiting(fixture: &dyn StoreFixture) -> Vec<u8> {
    cut(fixture, "bill", own(fixture, "bill").through_id, u64::from(u32::MAX), 100).lines
}

/// Nothing of an outcome that stands against it is committed.
fn refused(fixture: &dyn StoreFixture, whole: bool, changes: &[&[Change]]) -> (Refusal, Option<u64>) {
    let before = (own(fixture, "bill"), sorted_rows(fixture, "bill"), waiting(fixture), leaves(fixture));
    let outcome = take(fixture, whole, changes).unwrap();
    let TakeBackOutcome::Refused { refusal, captured } = outcome else { panic!("{outcome:?}") };
    assert_eq!((own(fixture, "bill"), sorted_rows(fixture, "bill"), waiting(fixture), leaves(fixture)), before);
    (refusal, captured)
}

fn lost_rows_are_written_and_not_captured_again(fixture: &mut dyn StoreFixture) {
    taken(fixture, &[&[insert("bill", 1, "a"), insert("bill", 2, "b")]]);
    assert_eq!(sorted_rows(fixture, "bill"), [r#"[1,"a"]"#, r#"[2,"b"]"#]);
    assert!(waiting(fixture).is_empty());
    fixture.commit(&[insert("bill", 3, "c")]);
    assert_eq!(waiting(fixture), lines(&[insert("bill", 3, "c")]));
}

fn rows_that_wait_leave_the_outbox(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 3);
    let rows = sorted_rows(fixture, "bill");
    let all = waiting(fixture);
    let text = String::from_utf8(all).unwrap();
    let third = text.lines().nth(2).unwrap().to_owned();
    let changes: Vec<Change> = (1..=2).map(bill).collect();
    taken(fixture, &[&changes]);
    assert_eq!(sorted_rows(fixture, "bill"), rows);
    assert_eq!(waiting(fixture), third.into_bytes());
}

/// What [`bills`] commits as its `no`th row.
fn bill(no: u64) -> Change {
    insert("bill", no, "word")
}

fn some_rows_wait_and_the_others_were_lost(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("bill", 1, "a")]);
    taken(fixture, &[&[insert("bill", 1, "a"), update("bill", 1, "b"), insert("bill", 2, "c")]]);
    assert_eq!(sorted_rows(fixture, "bill"), [r#"[1,"b"]"#, r#"[2,"c"]"#]);
    assert!(waiting(fixture).is_empty());
}

fn lost_rows_are_written_in_their_order(fixture: &mut dyn StoreFixture) {
    let first = [insert("bill", 1, "a"), insert("bill", 2, "b"), delete("bill", 1), insert("bill", 1, "c")];
    taken(fixture, &[&first, &[delete("bill", 2), update("bill", 1, "d")]]);
    assert_eq!(sorted_rows(fixture, "bill"), [r#"[1,"d"]"#]);
}

fn several_batches_come_back_at_once(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("bill", 1, "a")]);
    taken(fixture, &[&[insert("bill", 1, "a")], &[insert("bill", 2, "b")], &[]]);
    assert_eq!(own(fixture, "bill").last.seq, 3);
    assert_eq!(sorted_rows(fixture, "bill").len(), 2);
}

fn later_changes_stay_behind_what_came_back(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("bill", 9, "later")]);
    taken(fixture, &[&[insert("bill", 1, "a")]]);
    assert_eq!(waiting(fixture), lines(&[insert("bill", 9, "later")]));
    taken(fixture, &[&[insert("bill", 2, "b")]]);
    assert_eq!(waiting(fixture), lines(&[insert("bill", 9, "later")]));
    assert_eq!(sorted_rows(fixture, "bill").len(), 3);
}

fn a_later_change_of_the_same_key_stands_against_it(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("bill", 1, "kept"), insert("bill", 2, "later")]);
    let id = cut(fixture, "bill", 0, u64::from(u32::MAX), 100).ids[1];
    let lost = [insert("bill", 1, "kept"), insert("bill", 3, "a"), update("bill", 2, "b")];
    let (refusal, captured) = refused(fixture, true, &[&lost]);
    assert_eq!((refusal.code.as_str(), refusal.seq, captured), (RETURN_CONFLICT, 1, Some(id)));
}

fn a_torn_group_is_taken_back_only_where_all_of_it_waits(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("bill", 1, "a"), insert("bill", 2, "b")]);
    let lost = [insert("bill", 1, "a"), insert("bill", 3, "c")];
    let (refusal, captured) = refused(fixture, false, &[&lost]);
    assert_eq!((refusal.code.as_str(), captured), (RETURN_TORN, None));
    assert!(matches!(take(fixture, false, &[&[insert("bill", 1, "a")]]), Ok(TakeBackOutcome::TakenBack(_))));
    assert_eq!(waiting(fixture), lines(&[insert("bill", 2, "b")]));
}

/// The case of a database whose own tables have rules; those of simulated worlds take every row.
///
/// # Panics
/// When the implementation does not keep the promise.
pub fn a_row_that_the_table_does_not_take_stands_against_it(fixture: &mut dyn StoreFixture) {
    let (refusal, captured) = refused(fixture, true, &[&[insert("bill", 1, "a"), insert("bill", 2, BAD_WORD)]]);
    assert_eq!((refusal.code.as_str(), refusal.seq, refusal.row, captured), ("constraint-check", 1, Some(1), None));
    assert_eq!(refusal.table.as_deref(), Some("bill"));
}

fn what_came_back_is_recovered_and_not_settled(fixture: &mut dyn StoreFixture) {
    taken(fixture, &[&[insert("bill", 1, "a")]]);
    fixture.reopen();
    let recovered = own(fixture, "bill");
    assert_eq!((recovered.last.seq, &recovered.settled), (1, &beginning("bill")));
    let batch = &recovered.unsettled[0];
    assert_eq!((batch.seq, batch.attempt, batch.rows, batch.cut_at_ms), (1, RETURNED_ATTEMPT, 1, 10));
    assert!(batch.instead.is_empty());
    let digests = fixture.store().recorded_digests(&name("bill"), 1, 1).unwrap();
    assert_eq!(digests, [recovered.last.digest]);
}

fn what_took_the_place_of_a_batch_is_recovered_as_such(fixture: &mut dyn StoreFixture) {
    let last = own(fixture, "bill").last;
    let mut batches = batches(&last, &[&[insert("bill", 1, "a")]]);
    let (file, chain) = (Digest([4; 32]), batches[0].batch.digest);
    batches[0].rows.digest = file;
    let outcome = take_from(fixture, &last, true, batches.into_iter().map(Ok).collect());
    assert!(matches!(outcome, Ok(TakeBackOutcome::TakenBack(_))), "{outcome:?}");
    let recovered = own(fixture, "bill");
    assert_eq!((recovered.last.digest, &recovered.unsettled[0].instead), (chain, &vec![file]));
}

fn what_does_not_stand_there_is_told(fixture: &mut dyn StoreFixture) {
    taken(fixture, &[&[insert("bill", 1, "a")]]);
    let first = beginning("bill");
    let again = batches(&first, &[&[insert("bill", 1, "a")]]).into_iter().map(Ok).collect();
    let stands = Box::new(own(fixture, "bill"));
    assert_eq!(take_from(fixture, &first, true, again), Ok(TakeBackOutcome::Moved(stands)));
}

fn what_does_not_follow_is_a_conflict(fixture: &mut dyn StoreFixture) {
    let last = own(fixture, "bill").last;
    let hole = batches(&Mark { seq: 1, ..last.clone() }, &[&[insert("bill", 1, "a")]]);
    let mut other = batches(&last, &[&[insert("bill", 1, "a")]]);
    other[0].batch.previous = Digest([8; 32]);
    for wrong in [hole, other, Vec::new()] {
        let wrong = wrong.into_iter().map(Ok).collect();
        assert_eq!(kind(take_from(fixture, &last, true, wrong)), FaultKind::Conflict);
    }
    assert_eq!((own(fixture, "bill").last, sorted_rows(fixture, "bill")), (last, Vec::new()));
}

fn what_the_source_tells_is_told(fixture: &mut dyn StoreFixture) {
    let last = own(fixture, "bill").last;
    let batch = batches(&last, &[&[insert("bill", 1, "a")]]).remove(0);
    let spoiled = crate::ports::Spoiled { seq: 2, digest: Digest([3; 32]), text: "gone".to_owned() };
    let source = vec![Ok(batch.clone()), Err(SourceFault::Spoiled(spoiled.clone()))];
    assert_eq!(take_from(fixture, &last, true, source), Ok(TakeBackOutcome::Spoiled(spoiled)));
    let error = PortError::new(FaultKind::Transient, "not now");
    let source = vec![Ok(batch), Err(SourceFault::Port(error.clone()))];
    assert_eq!(take_from(fixture, &last, true, source), Err(error));
    assert_eq!((own(fixture, "bill").last, sorted_rows(fixture, "bill")), (last, Vec::new()));
}

fn each_batch_that_came_back_appends_a_leaf(fixture: &mut dyn StoreFixture) {
    let before = leaves(fixture);
    taken(fixture, &[&[insert("bill", 1, "a")], &[insert("bill", 2, "b")]]);
    assert!(leaves(fixture) >= before + 2);
}

fn a_busy_database_takes_nothing_back(fixture: &mut dyn StoreFixture) {
    let last = own(fixture, "bill").last;
    let lost = batches(&last, &[&[insert("bill", 1, "a")]]).into_iter().map(Ok).collect();
    fixture.keep_busy(true);
    assert_eq!(kind(take_from(fixture, &last, true, lost)), FaultKind::Transient);
    fixture.keep_busy(false);
    taken(fixture, &[&[insert("bill", 1, "a")]]);
}
