//! Streams of the peer: followed, disputed, applied.

use ferry_format::limits::REPORTS_MAX;
use ferry_format::{BatchReport, Digest, EpochId, Mark};

use super::super::kind;
use super::{
    BAD_WORD, Change, StoreFixture, applied, apply, apply_from, beginning, checked, delete, digest_of, epoch_id,
    follow, insert, leaves, name, sorted_rows, theirs, timeless, update,
};
use crate::ports::{CheckedBatch, Direction, Dispute, FaultKind, LifeEvent, LifeKind, Notes};

/// Lists the cases of the suite.
#[macro_export]
macro_rules! store_applying_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            a_stream_has_no_watermark_before_it_is_followed,
            a_stream_follows_one_epoch,
            the_first_dispute_of_a_place_counts,
            a_dispute_tells_what_it_is_against,
            a_stream_can_be_disputed_before_it_is_followed,
            a_group_is_applied_with_its_watermark,
            rows_are_inserted_updated_and_deleted,
            a_key_can_be_used_again,
            the_last_image_of_a_key_counts,
            an_update_writes_a_row_that_is_not_there,
            a_delete_of_a_row_that_is_not_there_is_no_error,
            an_insert_of_a_row_that_is_there_replaces_it,
            any_text_arrives_as_it_was,
            streams_are_applied_apart,
            a_bad_row_of_an_independent_table_is_parked_alone,
            parked_rows_are_counted_over_all_groups,
            a_parked_row_leaves_the_image_before_it,
            a_bad_row_that_the_same_batch_replaces_is_not_parked,
            every_bad_image_is_parked_when_one_is,
            the_digest_of_every_applied_place_is_known,
            a_report_tells_how_long_the_file_waited,
            the_latest_reports_are_recovered_in_order,
            what_was_applied_is_recovered,
            every_step_inwards_appends_a_leaf,
            a_note_appends_a_leaf_for_what_has_no_commit_of_its_own,
            a_busy_database_takes_nothing_inwards_and_all_of_it_later,
        }
    };
}

store_applying_cases!(case_table, StoreFixture);

fn a_stream_has_no_watermark_before_it_is_followed(fixture: &mut dyn StoreFixture) {
    for stream in ["confirm", "request"] {
        assert_eq!(fixture.store().watermark(&name(stream)), Ok(None));
        assert_eq!(fixture.store().applied_place(&name(stream), 1, 1), Ok(None));
    }
}

fn a_stream_follows_one_epoch(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let id = epoch_id(&name("confirm"));
    assert_eq!(fixture.store().watermark(&name("confirm")), Ok(Some(beginning("confirm"))));
    assert_eq!(fixture.store().watermark(&name("request")), Ok(None));
    let other = Mark { epoch: 2, ..beginning("confirm") };
    for (id, genesis) in [(id, beginning("confirm")), (EpochId([5; 8]), other)] {
        assert_eq!(kind(fixture.store().follow(id, &genesis, None)), FaultKind::Conflict);
    }
    fixture.reopen();
    assert_eq!(theirs(fixture, "confirm").followed, Some((id, beginning("confirm"))));
    assert_eq!(kind(fixture.store().follow(id, &beginning("confirm"), None)), FaultKind::Conflict);
}

pub(super) fn dispute(epoch: u64, seq: u64, digest: u8) -> Dispute {
    Dispute { stream: name("confirm"), epoch, seq, digest: Digest([digest; 32]), against: None, at_ms: 5 }
}

/// The places of `confirm` in dispute.
pub(super) fn disputed(fixture: &dyn StoreFixture) -> Vec<(u64, u64)> {
    theirs(fixture, "confirm").disputed.into_iter().map(|place| (place.epoch, place.seq)).collect()
}

fn the_first_dispute_of_a_place_counts(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let before = leaves(fixture);
    for one in [dispute(1, 9, 1), dispute(1, 9, 1), dispute(1, 9, 2), dispute(1, 3, 1)] {
        fixture.store().dispute(&one).unwrap();
    }
    assert_eq!(leaves(fixture), before + 2);
    fixture.reopen();
    assert_eq!(disputed(fixture), [(1, 3), (1, 9)]);
    assert_eq!(theirs(fixture, "request").disputed, []);
    assert_eq!(fixture.store().watermark(&name("confirm")), Ok(Some(beginning("confirm"))));
}

fn a_dispute_tells_what_it_is_against(fixture: &mut dyn StoreFixture) {
    let against = |fixture: &dyn StoreFixture| -> Vec<Option<Digest>> {
        theirs(fixture, "confirm").disputed.iter().map(|place| place.against).collect()
    };
    let (one, two) = (Digest([7; 32]), Digest([8; 32]));
    for (dispute, meant) in [
        (dispute(1, 3, 1), None),
        (Dispute { against: Some(one), ..dispute(1, 3, 2) }, Some(one)),
        (dispute(1, 3, 1), Some(one)),
        (Dispute { against: Some(two), ..dispute(1, 3, 4) }, Some(two)),
    ] {
        fixture.store().dispute(&dispute).unwrap();
        fixture.reopen();
        assert_eq!(against(fixture), [meant]);
    }
}

fn a_stream_can_be_disputed_before_it_is_followed(fixture: &mut dyn StoreFixture) {
    fixture.store().dispute(&dispute(1, 1, 1)).unwrap();
    assert_eq!((theirs(fixture, "confirm").followed, disputed(fixture)), (None, vec![(1, 1)]));
    follow(fixture, "confirm");
    assert_eq!(disputed(fixture), [(1, 1)]);
}

/// Applies batches of `confirm` and tells what is in a table then.
#[track_caller]
fn after(fixture: &dyn StoreFixture, table: &str, batches: &[&[Change]]) -> Vec<String> {
    let outcome = apply(fixture, "confirm", batches).unwrap();
    assert!(matches!(outcome, crate::ports::ApplyOutcome::Applied { .. }), "{outcome:?}");
    sorted_rows(fixture, table)
}

fn a_group_is_applied_with_its_watermark(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let first = [insert("payment", 1, "one"), insert("payment", 2, "two"), insert("remark", 1, "r")];
    let second = [insert("payment", 3, "three")];
    let outcome = apply(fixture, "confirm", &[&first, &second]).unwrap();
    assert_eq!(timeless(outcome), applied("confirm", 2, &[(1, 3, 0), (2, 1, 0)], 0));
    assert_eq!(sorted_rows(fixture, "payment"), [r#"[1,"one"]"#, r#"[2,"two"]"#, r#"[3,"three"]"#]);
    assert_eq!(sorted_rows(fixture, "remark"), [r#"[1,"r"]"#]);
    let mark = Mark { seq: 2, digest: digest_of(2), ..beginning("confirm") };
    assert_eq!(fixture.store().watermark(&name("confirm")), Ok(Some(mark)));
    let outcome = apply(fixture, "confirm", &[&[]]).unwrap();
    assert_eq!(timeless(outcome), applied("confirm", 3, &[(3, 0, 0)], 0));
}

fn rows_are_inserted_updated_and_deleted(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    after(fixture, "payment", &[&[insert("payment", 1, "one"), insert("payment", 2, "two")]]);
    let rows = after(fixture, "payment", &[&[update("payment", 1, "first")], &[delete("payment", 2)]]);
    assert_eq!(rows, [r#"[1,"first"]"#]);
}

fn a_key_can_be_used_again(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let within = [insert("payment", 1, "a"), delete("payment", 1), insert("payment", 1, "b")];
    assert_eq!(after(fixture, "payment", &[&within]), [r#"[1,"b"]"#]);
    let across: [&[Change]; 3] = [&[delete("payment", 1)], &[insert("payment", 1, "c")], &[update("payment", 1, "d")]];
    assert_eq!(after(fixture, "payment", &across), [r#"[1,"d"]"#]);
}

fn the_last_image_of_a_key_counts(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let batch = [
        insert("payment", 1, "a"),
        insert("payment", 2, "b"),
        update("payment", 1, "c"),
        delete("payment", 2),
        update("payment", 1, "d"),
        insert("payment", 3, "e"),
        delete("payment", 3),
    ];
    assert_eq!(timeless(apply(fixture, "confirm", &[&batch]).unwrap()), applied("confirm", 1, &[(1, 7, 0)], 0));
    assert_eq!(sorted_rows(fixture, "payment"), [r#"[1,"d"]"#]);
}

fn an_update_writes_a_row_that_is_not_there(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    assert_eq!(after(fixture, "payment", &[&[update("payment", 1, "a")]]), [r#"[1,"a"]"#]);
}

fn a_delete_of_a_row_that_is_not_there_is_no_error(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let outcome = apply(fixture, "confirm", &[&[delete("payment", 1), delete("remark", 1)]]).unwrap();
    assert_eq!(timeless(outcome), applied("confirm", 1, &[(1, 2, 0)], 0));
}

fn an_insert_of_a_row_that_is_there_replaces_it(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let twice: [&[Change]; 2] = [&[insert("payment", 1, "a")], &[insert("payment", 1, "b")]];
    assert_eq!(after(fixture, "payment", &twice), [r#"[1,"b"]"#]);
}

fn any_text_arrives_as_it_was(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let words = ["", "\"", "\\", "\n\t\r", "缴款书 🧾", "\u{1}\u{7f}", "NULL", "'; --"];
    let changes: Vec<Change> = words.iter().zip(1..).map(|(word, no)| insert("payment", no, word)).collect();
    let values: Vec<String> = changes.iter().map(Change::values).collect();
    assert_eq!(after(fixture, "payment", &[&changes]), values);
}

fn streams_are_applied_apart(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    follow(fixture, "request");
    apply(fixture, "confirm", &[&[insert("payment", 1, "a")], &[]]).unwrap();
    assert_eq!(fixture.store().watermark(&name("request")), Ok(Some(beginning("request"))));
    let outcome = apply(fixture, "request", &[&[insert("request", 1, "b")]]).unwrap();
    assert_eq!(timeless(outcome), applied("request", 1, &[(1, 1, 0)], 0));
    assert_eq!((sorted_rows(fixture, "payment").len(), sorted_rows(fixture, "request").len()), (1, 1));
    assert_eq!(fixture.store().applied_place(&name("request"), 1, 2), Ok(None));
}

fn a_bad_row_of_an_independent_table_is_parked_alone(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let batch = [
        insert("remark", 1, "good"),
        insert("payment", 1, "p"),
        insert("remark", 2, BAD_WORD),
        insert("remark", 3, "g"),
    ];
    let outcome = apply(fixture, "confirm", &[&batch]).unwrap();
    assert_eq!(timeless(outcome), applied("confirm", 1, &[(1, 3, 1)], 1));
    assert_eq!(sorted_rows(fixture, "remark"), [r#"[1,"good"]"#, r#"[3,"g"]"#]);
    assert_eq!(sorted_rows(fixture, "payment"), [r#"[1,"p"]"#]);
    assert_eq!(fixture.parked(&name("confirm")), [(1, 2, "remark".to_owned())]);
}

fn parked_rows_are_counted_over_all_groups(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let bad = |no| insert("remark", no, BAD_WORD);
    let outcome = apply(fixture, "confirm", &[&[bad(1)], &[bad(1), bad(2)]]).unwrap();
    assert_eq!(timeless(outcome), applied("confirm", 2, &[(1, 0, 1), (2, 0, 2)], 2), "the newest parked row of a key");
    fixture.reopen();
    let outcome = apply(fixture, "confirm", &[&[insert("remark", 1, "good"), bad(2)]]).unwrap();
    assert_eq!(timeless(outcome), applied("confirm", 3, &[(3, 1, 1)], 1), "a row with a later image is forgotten");
    assert_eq!(theirs(fixture, "confirm").parked_rows, 1);
    let mut parked = fixture.parked(&name("confirm"));
    parked.sort();
    let places: Vec<(u64, u64)> = parked.iter().map(|(seq, index, _)| (*seq, *index)).collect();
    assert_eq!(places, [(3, 1)]);
}

fn a_parked_row_leaves_the_image_before_it(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let batch = [insert("remark", 1, "a"), update("remark", 1, BAD_WORD)];
    assert_eq!(timeless(apply(fixture, "confirm", &[&batch]).unwrap()), applied("confirm", 1, &[(1, 1, 1)], 1));
    assert_eq!(sorted_rows(fixture, "remark"), [r#"[1,"a"]"#]);
}

fn a_bad_row_that_the_same_batch_replaces_is_not_parked(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let replaced = [insert("remark", 1, BAD_WORD), update("remark", 1, "a"), insert("payment", 1, BAD_WORD)];
    let removed = [delete("payment", 1)];
    let batch = [replaced.as_slice(), &removed].concat();
    assert_eq!(timeless(apply(fixture, "confirm", &[&batch]).unwrap()), applied("confirm", 1, &[(1, 4, 0)], 0));
    assert_eq!(sorted_rows(fixture, "remark"), [r#"[1,"a"]"#]);
    assert!(sorted_rows(fixture, "payment").is_empty() && fixture.parked(&name("confirm")).is_empty());
}

fn every_bad_image_is_parked_when_one_is(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let batch = [insert("remark", 1, BAD_WORD), update("remark", 1, "a"), insert("remark", 2, BAD_WORD)];
    assert_eq!(timeless(apply(fixture, "confirm", &[&batch]).unwrap()), applied("confirm", 1, &[(1, 1, 2)], 1));
    assert_eq!(sorted_rows(fixture, "remark"), [r#"[1,"a"]"#]);
}

fn the_digest_of_every_applied_place_is_known(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    apply(fixture, "confirm", &[&[], &[]]).unwrap();
    apply(fixture, "confirm", &[&[]]).unwrap();
    fixture.reopen();
    let digest = |epoch, seq| fixture.store().applied_place(&name("confirm"), epoch, seq).unwrap().map(|at| at.digest);
    let known: Vec<Option<Digest>> = (0..=4).map(|seq| digest(1, seq)).collect();
    assert_eq!(known, [None, Some(digest_of(1)), Some(digest_of(2)), Some(digest_of(3)), None]);
    assert_eq!(digest(2, 1), None);
}

/// The reports of `confirm` without the time that applying took.
fn reports(fixture: &dyn StoreFixture) -> Vec<BatchReport> {
    let reports = theirs(fixture, "confirm").reports;
    reports.into_iter().map(|report| BatchReport { apply_ms: 0, ..report }).collect()
}

fn a_report_tells_how_long_the_file_waited(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let taken_at = |seq, taken_at_ms| Ok(CheckedBatch { taken_at_ms, ..checked("confirm", seq, &[]) });
    let source = vec![taken_at(1, 5), taken_at(2, 0), taken_at(3, 5_000)];
    apply_from(fixture, &beginning("confirm"), source).unwrap();
    let waits: Vec<u64> = theirs(fixture, "confirm").reports.iter().map(|report| report.wait_ms).collect();
    assert_eq!(waits, [995, 0, 0], "not known after a restart, and never negative");
}

fn the_latest_reports_are_recovered_in_order(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    apply(fixture, "confirm", &[&[insert("remark", 1, "a"), insert("remark", 2, BAD_WORD)]]).unwrap();
    let report = |seq, rows, parked| BatchReport { seq, rows, parked, wait_ms: 995, apply_ms: 0, instead: None };
    assert_eq!(reports(fixture), [report(1, 1, 1)]);
    let empty: &[Change] = &[];
    apply(fixture, "confirm", &[empty; REPORTS_MAX]).unwrap();
    fixture.reopen();
    let last = u64::try_from(REPORTS_MAX).unwrap() + 1;
    assert_eq!(reports(fixture), (2..=last).map(|seq| report(seq, 0, 0)).collect::<Vec<_>>());
}

fn what_was_applied_is_recovered(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    apply(fixture, "confirm", &[&[insert("payment", 1, "a"), insert("remark", 2, BAD_WORD)]]).unwrap();
    fixture.store().dispute(&dispute(1, 2, 1)).unwrap();
    let before = fixture.store().recover().unwrap();
    let mark = Mark { seq: 1, digest: digest_of(1), ..beginning("confirm") };
    assert_eq!(theirs(fixture, "confirm").followed, Some((epoch_id(&name("confirm")), mark)));
    fixture.reopen();
    assert_eq!(fixture.store().recover().unwrap(), before);
    assert_eq!(sorted_rows(fixture, "payment"), [r#"[1,"a"]"#]);
}

fn every_step_inwards_appends_a_leaf(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    assert_eq!(leaves(fixture), 1);
    apply(fixture, "confirm", &[&[insert("payment", 1, "a"), insert("payment", 2, "b")], &[]]).unwrap();
    assert_eq!(leaves(fixture), 3, "one for each batch");
    let outcome = apply_from(fixture, &beginning("confirm"), vec![Ok(checked("confirm", 1, &[]))]);
    assert!(outcome.is_ok());
    fixture.reopen();
    assert_eq!(leaves(fixture), 3, "what changes nothing appends nothing");
}

fn a_note_appends_a_leaf_for_what_has_no_commit_of_its_own(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let kinds = [
        (LifeKind::Taken, 1),
        (LifeKind::Refused, 1),
        (LifeKind::Applied, 0),
        (LifeKind::Duplicate, 0),
        (LifeKind::Parked, 0),
    ];
    for (kind, count) in kinds {
        let before = leaves(fixture);
        let detail = "x".to_owned();
        let (direction, stream) = (Direction::In, name("confirm"));
        let event = LifeEvent { direction, stream, epoch: 1, seq: 1, kind, at_ms: 5, detail };
        fixture.store().note(&Notes { life: vec![event], ..Notes::default() }).unwrap();
        assert_eq!(leaves(fixture), before + count, "{kind:?}");
    }
}

fn a_busy_database_takes_nothing_inwards_and_all_of_it_later(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let before = fixture.store().recover().unwrap();
    let calls = |fixture: &dyn StoreFixture| {
        let store = fixture.store();
        let batch = checked("confirm", 1, &[insert("payment", 1, "a")]);
        [
            store.follow(epoch_id(&name("request")), &beginning("request"), None),
            store.dispute(&dispute(1, 9, 1)),
            apply_from(fixture, &beginning("confirm"), vec![Ok(batch)]).map(|_| ()),
            store.note(&Notes { acts_told: vec![1], ..Notes::default() }),
        ]
    };
    fixture.keep_busy(true);
    for result in calls(fixture) {
        assert_eq!(kind(result), FaultKind::Transient);
    }
    fixture.keep_busy(false);
    assert_eq!(fixture.store().recover().unwrap(), before);
    assert_eq!(calls(fixture), [Ok(()), Ok(()), Ok(()), Ok(())]);
    assert_eq!((sorted_rows(fixture, "payment").len(), disputed(fixture)), (1, vec![(1, 9)]));
}
