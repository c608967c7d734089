//! Groups of the peer that are not applied: nothing of them is left, and the reason is told.

use ferry_format::{Digest, EpochId, Mark, Refusal};

use super::super::kind;
use super::{
    BAD_WORD, CONSTRAINT, Change, StoreFixture, applied, apply, apply_from, beginning, checked, contract, delete,
    digest_of, epoch_id, follow, insert, name, sorted_rows, timeless, update,
};
use crate::ports::{ApplyOutcome, ApplyRequest, FaultKind, PortError, SourceFault, Spoiled};

/// Lists the cases of the suite.
#[macro_export]
macro_rules! store_refusing_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            a_bad_row_refuses_the_group_and_is_named,
            the_first_bad_row_in_order_is_named,
            a_bad_row_that_is_replaced_is_named_when_another_is_bad,
            a_bad_row_refuses_the_batches_before_it_too,
            a_bad_row_refuses_the_parked_rows_before_it_too,
            a_refused_group_can_be_followed_by_a_good_one,
            a_group_whose_record_is_not_the_contracts_is_refused,
            a_group_with_a_spoiled_file_is_not_applied,
            a_file_that_cannot_be_read_is_a_failure,
            a_group_elsewhere_than_at_the_watermark_is_not_applied,
            a_group_that_was_applied_already_is_not_applied_again,
            the_first_batch_is_opened_before_the_watermark_is_compared,
            a_group_of_another_epoch_is_a_conflict,
            a_stream_that_follows_nothing_applies_nothing,
            batches_that_do_not_follow_each_other_are_a_conflict,
            a_group_without_batches_is_a_conflict,
        }
    };
}

store_refusing_cases!(case_table, StoreFixture);

/// A stream with a row and an applied batch.
fn begun(fixture: &dyn StoreFixture) -> Mark {
    follow(fixture, "confirm");
    apply(fixture, "confirm", &[&[insert("payment", 1, "one"), insert("remark", 1, "r")]]).unwrap();
    fixture.store().watermark(&name("confirm")).unwrap().unwrap()
}

fn refusal(seq: u64, row: u64) -> Refusal {
    Refusal {
        code: "constraint-check".to_owned(),
        seq,
        table: Some("payment".to_owned()),
        row: Some(row),
        constraint: Some(CONSTRAINT.to_owned()),
    }
}

/// Does something that must leave the database as it was, and yields what came of it.
#[track_caller]
fn unchanged<T>(fixture: &dyn StoreFixture, work: impl FnOnce(&dyn StoreFixture) -> T) -> T {
    let state = |fixture: &dyn StoreFixture| {
        let rows = ["payment", "remark"].map(|table| sorted_rows(fixture, table));
        (fixture.store().recover().unwrap(), rows, fixture.parked(&name("confirm")))
    };
    let before = state(fixture);
    let done = work(fixture);
    assert_eq!(state(fixture), before);
    done
}

#[track_caller]
fn refused(fixture: &dyn StoreFixture, batches: &[&[Change]]) -> Refusal {
    match unchanged(fixture, |fixture| apply(fixture, "confirm", batches)) {
        Ok(ApplyOutcome::Refused(refusal)) => refusal,
        other @ (Ok(ApplyOutcome::Applied { .. } | ApplyOutcome::Spoiled(_) | ApplyOutcome::Moved(_)) | Err(_)) => {
            panic!("{other:?}")
        }
    }
}

fn a_bad_row_refuses_the_group_and_is_named(fixture: &mut dyn StoreFixture) {
    begun(fixture);
    let rows = [insert("payment", 2, "good"), update("payment", 1, BAD_WORD), insert("payment", 3, "good")];
    assert_eq!(refused(fixture, &[&rows]), refusal(2, 1));
}

fn the_first_bad_row_in_order_is_named(fixture: &mut dyn StoreFixture) {
    begun(fixture);
    let rows = [insert("remark", 2, "r"), insert("payment", 9, BAD_WORD), insert("payment", 2, BAD_WORD)];
    assert_eq!(refused(fixture, &[&rows]), refusal(2, 1));
}

fn a_bad_row_that_is_replaced_is_named_when_another_is_bad(fixture: &mut dyn StoreFixture) {
    begun(fixture);
    let rows = [insert("payment", 2, BAD_WORD), update("payment", 2, "good"), insert("payment", 3, BAD_WORD)];
    assert_eq!(refused(fixture, &[&rows]), refusal(2, 0));
}

fn a_bad_row_refuses_the_batches_before_it_too(fixture: &mut dyn StoreFixture) {
    begun(fixture);
    let good = [insert("payment", 2, "good"), delete("payment", 1)];
    let bad = [insert("payment", 3, BAD_WORD)];
    assert_eq!(refused(fixture, &[&good, &bad, &good]), refusal(3, 0));
}

fn a_bad_row_refuses_the_parked_rows_before_it_too(fixture: &mut dyn StoreFixture) {
    begun(fixture);
    let parked = [insert("remark", 2, BAD_WORD)];
    let rows = [insert("remark", 3, BAD_WORD), insert("payment", 3, BAD_WORD)];
    assert_eq!(refused(fixture, &[&parked, &rows]), refusal(3, 1));
}

fn a_refused_group_can_be_followed_by_a_good_one(fixture: &mut dyn StoreFixture) {
    begun(fixture);
    assert_eq!(refused(fixture, &[&[insert("payment", 2, BAD_WORD)]]), refusal(2, 0));
    fixture.reopen();
    let outcome = apply(fixture, "confirm", &[&[insert("payment", 2, "good")]]).unwrap();
    assert_eq!(timeless(outcome), applied("confirm", 2, &[(2, 1, 0)], 0));
    assert_eq!(sorted_rows(fixture, "payment"), [r#"[1,"one"]"#, r#"[2,"good"]"#]);
}

/// What comes of a group whose second or first batch cannot be handed over.
#[track_caller]
fn interrupted(fixture: &dyn StoreFixture, fault: &SourceFault) -> [Result<ApplyOutcome, PortError>; 2] {
    let mark = begun(fixture);
    let good = checked("confirm", 2, &[insert("payment", 2, "good")]);
    [vec![Ok(good), Err(fault.clone())], vec![Err(fault.clone())]]
        .map(|source| unchanged(fixture, |fixture| apply_from(fixture, &mark, source)))
}

fn a_group_whose_record_is_not_the_contracts_is_refused(fixture: &mut dyn StoreFixture) {
    let told = Refusal { code: "too-long".to_owned(), ..refusal(3, 4) };
    for outcome in interrupted(fixture, &SourceFault::Refused(told.clone())) {
        assert_eq!(outcome, Ok(ApplyOutcome::Refused(told.clone())));
    }
}

fn a_group_with_a_spoiled_file_is_not_applied(fixture: &mut dyn StoreFixture) {
    let told = Spoiled { seq: 3, digest: digest_of(3), text: "it is gone".to_owned() };
    for outcome in interrupted(fixture, &SourceFault::Spoiled(told.clone())) {
        assert_eq!(outcome, Ok(ApplyOutcome::Spoiled(told.clone())));
    }
}

fn a_file_that_cannot_be_read_is_a_failure(fixture: &mut dyn StoreFixture) {
    let told = PortError::new(FaultKind::Transient, "the disk is busy");
    for outcome in interrupted(fixture, &SourceFault::Port(told.clone())) {
        assert_eq!(outcome, Err(told.clone()));
    }
}

fn a_group_elsewhere_than_at_the_watermark_is_not_applied(fixture: &mut dyn StoreFixture) {
    let mark = begun(fixture);
    let elsewhere = [
        beginning("confirm"),
        Mark { seq: 2, ..mark.clone() },
        Mark { epoch: 2, ..mark.clone() },
        Mark { digest: Digest([7; 32]), ..mark.clone() },
    ];
    for expect in elsewhere {
        let batch = checked("confirm", expect.seq + 1, &[insert("payment", 2, "good")]);
        let outcome = unchanged(fixture, |fixture| apply_from(fixture, &expect, vec![Ok(batch)]));
        assert_eq!(outcome, Ok(ApplyOutcome::Moved(mark.clone())));
    }
}

fn a_group_that_was_applied_already_is_not_applied_again(fixture: &mut dyn StoreFixture) {
    let before = begun(fixture);
    let batch = checked("confirm", 2, &[insert("payment", 2, "good")]);
    let outcome = apply_from(fixture, &before, vec![Ok(batch.clone())]).unwrap();
    assert_eq!(timeless(outcome), applied("confirm", 2, &[(2, 1, 0)], 0));
    fixture.reopen();
    let after = fixture.store().watermark(&name("confirm")).unwrap().unwrap();
    let outcome = unchanged(fixture, |fixture| apply_from(fixture, &before, vec![Ok(batch)]));
    assert_eq!(outcome, Ok(ApplyOutcome::Moved(after)));
}

fn the_first_batch_is_opened_before_the_watermark_is_compared(fixture: &mut dyn StoreFixture) {
    begun(fixture);
    let told = Spoiled { seq: 1, digest: digest_of(1), text: "it is gone".to_owned() };
    let source = vec![Err(SourceFault::Spoiled(told.clone()))];
    let outcome = unchanged(fixture, |fixture| apply_from(fixture, &beginning("confirm"), source));
    assert_eq!(outcome, Ok(ApplyOutcome::Spoiled(told)));
}

/// A source of one good batch.
fn good(seq: u64) -> super::Source {
    super::Source(vec![Ok(checked("confirm", seq, &[insert("payment", 2, "good")]))].into_iter())
}

fn a_group_of_another_epoch_is_a_conflict(fixture: &mut dyn StoreFixture) {
    let mark = begun(fixture);
    let contract = contract();
    let contract = contract.stream(&name("confirm")).unwrap();
    let request = ApplyRequest { contract, epoch_id: EpochId([5; 8]), expect: &mark, now_ms: 1_000 };
    let outcome = unchanged(fixture, |fixture| fixture.store().apply(&request, &mut good(2)));
    assert_eq!(kind(outcome), FaultKind::Conflict);
    let request = ApplyRequest { epoch_id: epoch_id(&name("confirm")), ..request };
    assert!(matches!(fixture.store().apply(&request, &mut good(2)), Ok(ApplyOutcome::Applied { .. })));
}

fn a_stream_that_follows_nothing_applies_nothing(fixture: &mut dyn StoreFixture) {
    let batch = checked("confirm", 1, &[insert("payment", 1, "one")]);
    let outcome = unchanged(fixture, |fixture| apply_from(fixture, &beginning("confirm"), vec![Ok(batch)]));
    assert_eq!(kind(outcome), FaultKind::Conflict);
}

fn batches_that_do_not_follow_each_other_are_a_conflict(fixture: &mut dyn StoreFixture) {
    let mark = begun(fixture);
    for seqs in [vec![1], vec![3], vec![2, 4], vec![2, 2]] {
        let batch = |seq: &u64| Ok(checked("confirm", *seq, &[insert("payment", 2, "good")]));
        let source = seqs.iter().map(batch).collect();
        let outcome = unchanged(fixture, |fixture| apply_from(fixture, &mark, source));
        assert_eq!(kind(outcome), FaultKind::Conflict, "{seqs:?}");
    }
}

fn a_group_without_batches_is_a_conflict(fixture: &mut dyn StoreFixture) {
    let mark = begun(fixture);
    let outcome = unchanged(fixture, |fixture| apply_from(fixture, &mark, Vec::new()));
    assert_eq!(kind(outcome), FaultKind::Conflict);
}
