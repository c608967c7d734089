//! Own streams: captured, cut, recorded, attempted, settled.

use std::collections::BTreeMap;

use ferry_format::{Digest, Mark};

use super::super::kind;
use super::{
    Change, INSTANCE, StoreFixture, beginning, contract, cut, delete, epoch_id, insert, leaves, lines, mark_of, name,
    next_contract, outgoing, own, update,
};
use crate::ports::{
    Attempt, Direction, FaultKind, Observation, OutgoingBatch, RawCut, RecoveredBatch, RecoveredIn, RecoveredOut,
    Retained, RetainedMark, Settled, StreamBacklog,
};
use crate::settings::BOUNDARIES_MAX;

/// Lists the cases of the suite.
#[macro_export]
macro_rules! store_outgoing_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            a_new_database_recovers_its_streams_at_their_beginning,
            a_transaction_is_cut_in_its_own_order,
            each_stream_has_an_outbox_of_its_own,
            a_cut_reads_what_it_was_asked_for_and_leaves_it,
            a_cut_of_nothing_is_empty,
            a_cut_ends_where_the_contract_changes,
            a_stream_of_the_peer_cannot_be_cut,
            observing_tells_the_end_of_every_own_outbox,
            an_end_that_moved_is_remembered_until_its_rows_are_recorded,
            a_boundary_names_the_ends_of_all_own_outboxes,
            neighbouring_boundaries_may_be_merged_and_all_are_true,
            recording_removes_exactly_its_rows,
            what_was_recorded_is_recovered,
            recording_again_is_no_error,
            recording_nothing_is_no_error,
            a_batch_without_rows_is_recorded_where_the_last_one_ended,
            a_batch_that_is_not_next_is_a_conflict_and_changes_nothing,
            another_batch_in_a_recorded_place_is_a_conflict,
            batches_of_two_streams_are_not_recorded_together,
            the_digest_of_a_recorded_place_is_known_and_of_no_other,
            attempts_go_forward,
            an_attempt_without_a_waiting_batch_is_a_conflict_and_records_nothing,
            what_is_settled_is_not_recovered_as_unsettled,
            settling_again_or_less_changes_nothing,
            only_our_own_batch_can_be_settled,
            what_is_retained_replaces_what_was_and_is_recovered,
            every_step_outwards_appends_a_leaf,
            a_busy_database_takes_nothing_outwards_and_all_of_it_later,
        }
    };
}

store_outgoing_cases!(case_table, StoreFixture);

/// Commits single rows of table `bill`, numbered, each in a transaction of its own.
pub(super) fn bills(fixture: &mut dyn StoreFixture, first: u64, last: u64) {
    for no in first..=last {
        fixture.commit(&[insert("bill", no, "word")]);
    }
}

/// Records a batch that holds everything of `bill` up to an id.
pub(super) fn record_bill(fixture: &dyn StoreFixture, rows: u64, through_id: u64) -> OutgoingBatch {
    let batch = outgoing(&own(fixture, "bill").last, rows, through_id);
    fixture.store().record(std::slice::from_ref(&batch)).unwrap();
    batch
}

fn a_batch_without_rows_is_recorded_where_the_last_one_ended(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 3);
    record_bill(fixture, 2, 2);
    let before = (own(fixture, "bill").through_id, leaves(fixture));
    let empty = record_bill(fixture, 0, 2);
    fixture.reopen();
    let own_bill = own(fixture, "bill");
    assert_eq!((own_bill.last, own_bill.through_id), (mark_of(&empty), before.0));
    assert_eq!(leaves(fixture), before.1 + 1);
    assert_eq!(fixture.store().observe().unwrap().streams[0].last_id, 3);
    record_bill(fixture, 1, 3);
    assert_eq!(own(fixture, "bill").through_id, 3);
}

fn what_is_retained_replaces_what_was_and_is_recovered(fixture: &mut dyn StoreFixture) {
    let retained = |fixture: &dyn StoreFixture| fixture.store().recover().unwrap().retained;
    assert_eq!(retained(fixture), Retained::default());
    let mark = |direction, stream, elapsed_ms, epoch, seq| RetainedMark {
        direction,
        stream: name(stream),
        elapsed_ms,
        epoch,
        seq,
    };
    let (out, peers) = (Direction::Out, Direction::In);
    let first = vec![mark(out, "bill", 1, 1, 5), mark(out, "bill", 9, 2, 1), mark(peers, "confirm", 9, 1, 7)];
    let later = vec![mark(out, "bill", 9, 2, 1), mark(out, "notice", 12, 1, 1)];
    for (elapsed_ms, marks) in [(10, first), (12, later), (12, Vec::new())] {
        let kept = Retained { elapsed_ms, marks };
        for _ in 0..2 {
            fixture.store().retain(&kept).unwrap();
            assert_eq!(retained(fixture), kept);
        }
        fixture.reopen();
        assert_eq!(retained(fixture), kept);
    }
}

fn a_new_database_recovers_its_streams_at_their_beginning(fixture: &mut dyn StoreFixture) {
    let recovered = fixture.store().recover().unwrap();
    let out = |stream| RecoveredOut {
        last: beginning(stream),
        epoch_id: epoch_id(&name(stream)),
        through_id: 0,
        settled: beginning(stream),
        unsettled: Vec::new(),
        boundaries: Vec::new(),
        on_hold: false,
        loading: false,
        begun: None,
    };
    let (followed, parked_rows, reports, disputed) = (None, 0, Vec::new(), Vec::new());
    let incoming = RecoveredIn {
        stream: name("confirm"),
        followed,
        parked_rows,
        reports,
        disputed,
        dismissed: Vec::new(),
        on_hold: false,
        superseded: None,
    };
    assert_eq!((recovered.instance, recovered.audit.size), (INSTANCE, 0));
    assert_eq!(recovered.audit.root, Digest::of(&[]));
    assert_eq!(recovered.outgoing, [out("bill"), out("notice")]);
    assert_eq!(recovered.incoming, [incoming.clone(), RecoveredIn { stream: name("request"), ..incoming }]);
}

fn a_transaction_is_cut_in_its_own_order(fixture: &mut dyn StoreFixture) {
    let changes = [
        insert("bill", 2, "two"),
        insert("bill", 1, "quoted \" \\ \n 缴款"),
        update("bill", 2, "second"),
        delete("bill", 1),
        insert("bill", 1, "again"),
    ];
    fixture.commit(&changes);
    let digest = contract().stream(&name("bill")).unwrap().digest;
    let whole = RawCut { ids: vec![1, 2, 3, 4, 5], lines: lines(&changes), contract: Some(digest) };
    assert_eq!(cut(fixture, "bill", 0, 5, 100), whole);
}

fn each_stream_has_an_outbox_of_its_own(fixture: &mut dyn StoreFixture) {
    let changes = [insert("notice", 1, "n"), insert("bill", 1, "b"), insert("notice", 2, "m")];
    fixture.commit(&changes);
    let cut = |stream| {
        let found = cut(fixture, stream, 0, 9, 100);
        (found.ids, found.lines)
    };
    assert_eq!(cut("bill"), (vec![1], lines(&changes[1..2])));
    assert_eq!(cut("notice"), (vec![1, 2], lines(&[changes[0].clone(), changes[2].clone()])));
}

fn a_cut_reads_what_it_was_asked_for_and_leaves_it(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 20);
    for (after, upto, rows, ids) in [
        (0, 20, 3, vec![1, 2, 3]),
        (0, 20, 3, vec![1, 2, 3]),
        (3, 5, 9, vec![4, 5]),
        (18, 99, 9, vec![19, 20]),
        (19, 20, 1, vec![20]),
    ] {
        let found = cut(fixture, "bill", after, upto, rows);
        let changes: Vec<Change> = ids.iter().map(|no| insert("bill", *no, "word")).collect();
        assert_eq!((found.ids, found.lines), (ids, lines(&changes)));
    }
    fixture.reopen();
    assert_eq!(cut(fixture, "bill", 0, 20, 100).ids.len(), 20);
}

fn a_cut_of_nothing_is_empty(fixture: &mut dyn StoreFixture) {
    assert_eq!(cut(fixture, "bill", 0, 9, 9), RawCut::default());
    bills(fixture, 1, 3);
    for (after, upto, rows) in [(3, 9, 9), (2, 2, 9), (2, 1, 9), (9, 3, 9), (0, 3, 0)] {
        assert_eq!(cut(fixture, "bill", after, upto, rows), RawCut::default(), "{after} {upto} {rows}");
    }
}

fn a_cut_ends_where_the_contract_changes(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 2);
    fixture.adopt(&next_contract());
    bills(fixture, 3, 5);
    fixture.reopen();
    fixture.adopt(&contract());
    bills(fixture, 6, 7);
    let digest = |contract: crate::contract::Contract| contract.stream(&name("bill")).unwrap().digest;
    let (old, new) = (digest(contract()), digest(next_contract()));
    for (after, ids, digest) in [(0, vec![1, 2], old), (1, vec![2], old), (2, vec![3, 4, 5], new), (5, vec![6, 7], old)]
    {
        let found = cut(fixture, "bill", after, 7, 100);
        assert_eq!((found.ids, found.contract), (ids, Some(digest)));
    }
}

fn a_stream_of_the_peer_cannot_be_cut(fixture: &mut dyn StoreFixture) {
    for stream in ["confirm", "nowhere"] {
        let request = crate::ports::CutRequest { stream: name(stream), after: 0, upto: 9, rows: 9, bytes: u64::MAX };
        assert_eq!(kind(fixture.store().cut(&request)), FaultKind::Conflict);
    }
}

fn observing_tells_the_end_of_every_own_outbox(fixture: &mut dyn StoreFixture) {
    let ends = |bill, notice| {
        [("bill", bill), ("notice", notice)].map(|(stream, last_id)| StreamBacklog {
            stream: name(stream),
            last_id,
            capture: None,
        })
    };
    let seen = |fixture: &dyn StoreFixture| fixture.store().observe().unwrap();
    let Observation { streams, audit, acts } = seen(fixture);
    assert_eq!((streams.as_slice(), audit.size, acts.len()), (ends(0, 0).as_slice(), 0, 0));
    fixture.commit(&[insert("bill", 1, "b"), insert("bill", 2, "b"), insert("notice", 1, "n")]);
    assert_eq!(seen(fixture).streams, ends(2, 1));
    record_bill(fixture, 2, 2);
    fixture.reopen();
    assert_eq!(seen(fixture).streams, ends(2, 1));
    assert_eq!(seen(fixture).audit, fixture.store().recover().unwrap().audit);
}

/// The ends of a stream that would be seen again after a restart.
fn remembered(fixture: &dyn StoreFixture, stream: &str) -> Vec<BTreeMap<String, u64>> {
    let readable = |ends: BTreeMap<_, u64>| ends.into_iter().map(|(one, end)| (format!("{one}"), end)).collect();
    own(fixture, stream).boundaries.into_iter().map(readable).collect()
}

fn an_end_that_moved_is_remembered_until_its_rows_are_recorded(fixture: &mut dyn StoreFixture) {
    fixture.store().observe().unwrap();
    assert!(remembered(fixture, "bill").is_empty());
    bills(fixture, 1, 3);
    assert!(remembered(fixture, "bill").is_empty(), "nobody has seen it");
    for _ in 0..2 {
        fixture.store().observe().unwrap();
        fixture.reopen();
        let ends = remembered(fixture, "bill");
        assert_eq!((ends.len(), ends[0]["bill"]), (1, 3));
    }
    record_bill(fixture, 2, 2);
    assert_eq!(remembered(fixture, "bill").len(), 1);
    record_bill(fixture, 1, 3);
    assert!(remembered(fixture, "bill").is_empty());
    fixture.store().observe().unwrap();
    assert!(remembered(fixture, "bill").is_empty(), "it has not moved");
}

fn a_boundary_names_the_ends_of_all_own_outboxes(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("notice", 1, "n"), insert("bill", 1, "b"), insert("notice", 2, "n")]);
    fixture.store().observe().unwrap();
    let ends: BTreeMap<String, u64> = [("bill".to_owned(), 1), ("notice".to_owned(), 2)].into();
    assert_eq!(remembered(fixture, "bill"), std::slice::from_ref(&ends));
    assert_eq!(remembered(fixture, "notice"), [ends]);
}

fn neighbouring_boundaries_may_be_merged_and_all_are_true(fixture: &mut dyn StoreFixture) {
    for no in 1..=40 {
        fixture.commit(&[insert("bill", no, "w"), insert("bill", 100 + no, "w")]);
        fixture.store().observe().unwrap();
    }
    fixture.reopen();
    let ends: Vec<u64> = remembered(fixture, "bill").iter().map(|ends| ends["bill"]).collect();
    assert!(ends.windows(2).all(|pair| pair[0] < pair[1]), "{ends:?}");
    assert!(ends.iter().all(|end| end % 2 == 0), "each lies between two transactions: {ends:?}");
    assert_eq!(ends.last(), Some(&80));
    assert!(ends.len() <= BOUNDARIES_MAX / 2);
}

fn recording_removes_exactly_its_rows(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("bill", 1, "b"), insert("bill", 2, "b"), insert("bill", 3, "b"), insert("notice", 1, "n")]);
    record_bill(fixture, 2, 2);
    assert_eq!(cut(fixture, "bill", 0, 9, 9).ids, [3]);
    assert_eq!(cut(fixture, "notice", 0, 9, 9).ids, [1]);
    bills(fixture, 4, 4);
    assert_eq!(cut(fixture, "bill", 2, 9, 9).ids, [3, 4], "ids are never given twice");
    record_bill(fixture, 2, 4);
    fixture.reopen();
    assert!(cut(fixture, "bill", 0, 9, 9).ids.is_empty());
    bills(fixture, 5, 5);
    assert_eq!(cut(fixture, "bill", 0, 9, 9).ids, [5], "also when the outbox has been empty");
}

fn what_was_recorded_is_recovered(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 5);
    let mut first = outgoing(&beginning("bill"), 2, 2);
    first.group.last = false;
    let mut second = outgoing(&mark_of(&first), 3, 5);
    second.group = ferry_format::Group { first: 1, index: 1, last: true };
    fixture.store().record(&[first.clone(), second.clone()]).unwrap();
    let recovered = |batch: &OutgoingBatch| RecoveredBatch {
        seq: batch.seq,
        digest: batch.digest,
        group: batch.group,
        rows: batch.rows,
        file_bytes: batch.file_bytes,
        attempt: 1,
        cut_at_ms: batch.cut_at_ms,
        instead: Vec::new(),
    };
    let expected = RecoveredOut {
        last: mark_of(&second),
        epoch_id: epoch_id(&name("bill")),
        through_id: 5,
        settled: beginning("bill"),
        unsettled: vec![recovered(&first), recovered(&second)],
        boundaries: Vec::new(),
        on_hold: false,
        loading: false,
        begun: None,
    };
    assert_eq!(own(fixture, "bill"), expected);
    let before = fixture.store().recover().unwrap();
    fixture.reopen();
    assert_eq!(fixture.store().recover().unwrap(), before);
}

fn recording_again_is_no_error(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 4);
    let first = outgoing(&beginning("bill"), 2, 2);
    let second = outgoing(&mark_of(&first), 1, 3);
    fixture.store().record(std::slice::from_ref(&first)).unwrap();
    fixture.store().record(std::slice::from_ref(&first)).unwrap();
    assert_eq!(cut(fixture, "bill", 0, 9, 9).ids, [3, 4]);
    fixture.store().record(&[first.clone(), second.clone()]).unwrap();
    assert_eq!((own(fixture, "bill").last, cut(fixture, "bill", 0, 9, 9).ids), (mark_of(&second), vec![4]));
    let before = fixture.store().recover().unwrap();
    fixture.store().record(std::slice::from_ref(&first)).unwrap();
    fixture.store().record(&[first, second]).unwrap();
    assert_eq!(fixture.store().recover().unwrap(), before);
}

fn recording_nothing_is_no_error(fixture: &mut dyn StoreFixture) {
    let before = fixture.store().recover().unwrap();
    fixture.store().record(&[]).unwrap();
    fixture.store().attempt(&[]).unwrap();
    assert_eq!(fixture.store().recover().unwrap(), before);
}

/// Whether none of these calls is taken, and nothing changes by them.
#[track_caller]
fn conflicts(fixture: &dyn StoreFixture, calls: &[Vec<OutgoingBatch>]) {
    let (before, waiting) = (fixture.store().recover().unwrap(), cut(fixture, "bill", 0, 99, 99));
    for batches in calls {
        assert_eq!(kind(fixture.store().record(batches)), FaultKind::Conflict, "{batches:?}");
        assert_eq!(fixture.store().recover().unwrap(), before);
        assert_eq!(cut(fixture, "bill", 0, 99, 99), waiting);
    }
}

fn a_batch_that_is_not_next_is_a_conflict_and_changes_nothing(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 4);
    let first = record_bill(fixture, 1, 1);
    let next = outgoing(&mark_of(&first), 1, 2);
    let wrong_seq = OutgoingBatch { seq: 3, ..next.clone() };
    let wrong_previous = OutgoingBatch { previous: Digest([7; 32]), ..next.clone() };
    let wrong_epoch = OutgoingBatch { epoch: 2, ..next.clone() };
    let wrong_stream = OutgoingBatch { stream: name("confirm"), ..next.clone() };
    let after_a_hole = OutgoingBatch { seq: 4, ..outgoing(&mark_of(&next), 1, 3) };
    let after_another = OutgoingBatch { previous: Digest([8; 32]), ..outgoing(&mark_of(&next), 1, 3) };
    let calls = [
        vec![wrong_seq],
        vec![wrong_previous],
        vec![wrong_epoch],
        vec![wrong_stream],
        vec![next.clone(), after_a_hole],
        vec![next, after_another],
    ];
    conflicts(fixture, &calls);
}

fn another_batch_in_a_recorded_place_is_a_conflict(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 4);
    let first = record_bill(fixture, 1, 1);
    let second = record_bill(fixture, 1, 2);
    let other = |batch: &OutgoingBatch| OutgoingBatch { digest: Digest([8; 32]), ..batch.clone() };
    let third = outgoing(&mark_of(&other(&second)), 1, 3);
    conflicts(fixture, &[vec![other(&first)], vec![other(&second)], vec![first, other(&second), third]]);
}

fn batches_of_two_streams_are_not_recorded_together(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("bill", 1, "b"), insert("notice", 1, "n")]);
    let (bill, notice) = (outgoing(&beginning("bill"), 1, 1), outgoing(&beginning("notice"), 1, 1));
    conflicts(fixture, &[vec![bill, notice]]);
}

fn attempt(seq: u64, attempt: u32) -> Attempt {
    Attempt { stream: name("bill"), epoch: 1, seq, attempt, at_ms: 50 }
}

/// The last attempt of each batch of `bill` that is not settled.
fn attempts(fixture: &dyn StoreFixture) -> Vec<(u64, u32)> {
    own(fixture, "bill").unsettled.iter().map(|batch| (batch.seq, batch.attempt)).collect()
}

fn the_digest_of_a_recorded_place_is_known_and_of_no_other(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 2);
    let batch = record_bill(fixture, 1, 1);
    let digest = |stream: &str, epoch, seq| fixture.store().recorded_digests(&name(stream), epoch, seq);
    assert_eq!(digest("bill", 1, 1), Ok(vec![batch.digest]));
    for (stream, epoch, seq) in [("bill", 1, 2), ("bill", 1, 0), ("bill", 2, 1), ("notice", 1, 1)] {
        assert_eq!(digest(stream, epoch, seq), Ok(Vec::new()));
    }
    assert_eq!(kind(digest("confirm", 1, 1)), FaultKind::Conflict);
}

fn attempts_go_forward(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 2);
    record_bill(fixture, 1, 1);
    record_bill(fixture, 1, 2);
    fixture.store().attempt(&[attempt(1, 2), attempt(2, 3)]).unwrap();
    fixture.store().attempt(&[attempt(2, 3)]).unwrap();
    assert_eq!(attempts(fixture), [(1, 2), (2, 3)]);
    assert_eq!(kind(fixture.store().attempt(&[attempt(2, 2)])), FaultKind::Conflict);
    fixture.store().attempt(&[attempt(1, 7)]).unwrap();
    fixture.reopen();
    assert_eq!(attempts(fixture), [(1, 7), (2, 3)]);
}

fn an_attempt_without_a_waiting_batch_is_a_conflict_and_records_nothing(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 1);
    record_bill(fixture, 1, 1);
    let before = fixture.store().recover().unwrap();
    let wrong = [
        attempt(2, 2),
        Attempt { epoch: 2, ..attempt(1, 2) },
        Attempt { stream: name("notice"), ..attempt(1, 2) },
        Attempt { stream: name("confirm"), ..attempt(1, 2) },
        attempt(1, 0),
    ];
    for wrong in wrong {
        assert_eq!(kind(fixture.store().attempt(&[attempt(1, 5), wrong.clone()])), FaultKind::Conflict, "{wrong:?}");
        assert_eq!(fixture.store().recover().unwrap(), before);
    }
    let backwards = [attempt(1, 5), attempt(1, 4)];
    assert_eq!(kind(fixture.store().attempt(&backwards)), FaultKind::Conflict);
    assert_eq!(fixture.store().recover().unwrap(), before);
}

pub(super) fn settled(mark: Mark) -> Settled {
    Settled { mark, at_ms: 60 }
}

/// Records three batches of `bill` with a row each.
fn three(fixture: &mut dyn StoreFixture) -> [Mark; 3] {
    bills(fixture, 1, 3);
    [1, 2, 3].map(|through_id| mark_of(&record_bill(fixture, 1, through_id)))
}

fn what_is_settled_is_not_recovered_as_unsettled(fixture: &mut dyn StoreFixture) {
    let marks = three(fixture);
    fixture.store().settle(&settled(marks[1].clone())).unwrap();
    fixture.reopen();
    let recovered = own(fixture, "bill");
    assert_eq!((&recovered.settled, &recovered.last), (&marks[1], &marks[2]));
    assert_eq!(attempts(fixture), [(3, 1)]);
    fixture.store().settle(&settled(marks[2].clone())).unwrap();
    assert_eq!((own(fixture, "bill").settled, attempts(fixture)), (marks[2].clone(), Vec::new()));
}

fn settling_again_or_less_changes_nothing(fixture: &mut dyn StoreFixture) {
    let marks = three(fixture);
    fixture.store().settle(&settled(beginning("bill"))).unwrap();
    fixture.store().settle(&settled(marks[1].clone())).unwrap();
    let before = fixture.store().recover().unwrap();
    for mark in [&marks[1], &marks[0], &beginning("bill")] {
        fixture.store().settle(&settled(mark.clone())).unwrap();
        assert_eq!(fixture.store().recover().unwrap(), before);
    }
}

fn only_our_own_batch_can_be_settled(fixture: &mut dyn StoreFixture) {
    let marks = three(fixture);
    fixture.store().settle(&settled(marks[0].clone())).unwrap();
    let before = fixture.store().recover().unwrap();
    let wrong = [
        Mark { digest: Digest([7; 32]), ..marks[1].clone() },
        Mark { seq: 4, ..marks[2].clone() },
        Mark { epoch: 2, ..marks[1].clone() },
        Mark { epoch: 2, ..marks[0].clone() },
        Mark { stream: name("confirm"), ..marks[1].clone() },
        Mark { stream: name("notice"), ..marks[1].clone() },
    ];
    for wrong in wrong {
        assert_eq!(kind(fixture.store().settle(&settled(wrong.clone()))), FaultKind::Conflict, "{wrong:?}");
        assert_eq!(fixture.store().recover().unwrap(), before);
    }
}

fn every_step_outwards_appends_a_leaf(fixture: &mut dyn StoreFixture) {
    let mut roots = std::collections::BTreeSet::new();
    bills(fixture, 1, 2);
    let first = outgoing(&beginning("bill"), 1, 1);
    let second = outgoing(&mark_of(&first), 1, 2);
    let step = |fixture: &dyn StoreFixture, count, roots: &mut std::collections::BTreeSet<Digest>| {
        let audit = fixture.store().observe().unwrap().audit;
        assert_eq!((audit.size, audit), (count, fixture.store().recover().unwrap().audit));
        assert!(roots.insert(audit.root), "another log has another root");
    };
    step(fixture, 0, &mut roots);
    fixture.store().record(&[first.clone(), second.clone()]).unwrap();
    step(fixture, 2, &mut roots);
    fixture.store().attempt(&[attempt(1, 2)]).unwrap();
    step(fixture, 3, &mut roots);
    fixture.store().settle(&settled(mark_of(&second))).unwrap();
    step(fixture, 4, &mut roots);
    fixture.store().record(&[first.clone(), second.clone()]).unwrap();
    fixture.store().settle(&settled(mark_of(&first))).unwrap();
    fixture.reopen();
    assert_eq!(leaves(fixture), 4, "what changes nothing appends nothing");
}

fn a_busy_database_takes_nothing_outwards_and_all_of_it_later(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 2);
    let first = record_bill(fixture, 1, 1);
    let second = outgoing(&mark_of(&first), 1, 2);
    let before = fixture.store().recover().unwrap();
    let calls = |fixture: &dyn StoreFixture| {
        let store = fixture.store();
        [
            store.observe().map(|_| ()),
            store.record(std::slice::from_ref(&second)),
            store.attempt(&[attempt(1, 2)]),
            store.settle(&settled(mark_of(&first))),
        ]
    };
    fixture.keep_busy(true);
    for result in calls(fixture) {
        assert_eq!(kind(result), FaultKind::Transient);
    }
    fixture.keep_busy(false);
    assert_eq!(fixture.store().recover().unwrap(), before);
    assert_eq!(calls(fixture), [Ok(()), Ok(()), Ok(()), Ok(())]);
    let after = own(fixture, "bill");
    assert_eq!((after.last, after.settled), (mark_of(&second), mark_of(&first)));
}
