//! What a spool promises.

use ferry_format::{Digest, SeqRange, batch_head, inspect_head};

use super::{kind, sealed, status_name};
use crate::ports::{BatchId, FaultKind, Side, Spool};

/// A spool in a world of its own, empty at first.
pub trait SpoolFixture {
    /// The spool.
    fn spool(&self) -> &dyn Spool;

    /// The process ends and another one begins.
    fn reopen(&mut self);

    /// Damages a batch where it lies in the spool.
    fn damage(&mut self, side: Side, id: &BatchId);

    /// Changes a byte of a batch's header where it lies: the file is whole, and another one by its digest.
    fn disguise(&mut self, side: Side, id: &BatchId);

    /// Leaves what a process that is killed while it writes leaves beside the batches of stream `bill`.
    fn leave_unfinished(&mut self, side: Side);

    /// The head of a batch whose rows have left the archive, as it lies.
    fn head(&self, side: Side, id: &BatchId) -> Option<Vec<u8>>;

    /// Damages a batch where it lies in the archive.
    fn damage_archived(&mut self, side: Side, id: &BatchId);

    /// A status that was kept, as it lies.
    fn status(&self, side: Side, name: &str) -> Option<Vec<u8>>;

    /// An act that was kept, as it lies.
    fn act(&self, side: Side, digest: &Digest) -> Option<Vec<u8>>;
}

/// Lists the cases of the suite.
#[macro_export]
macro_rules! spool_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            nothing_is_listed_of_an_empty_spool,
            a_batch_that_was_put_is_read_and_listed,
            a_batch_that_is_put_twice_is_there_once,
            the_two_sides_are_apart,
            batches_are_listed_by_stream_epoch_and_seq,
            a_batch_that_was_never_put_is_corrupt,
            an_archived_batch_is_read_and_not_listed,
            archiving_again_is_no_error,
            archiving_stops_at_what_is_not_there_and_what_it_moved_stays_moved,
            an_archived_batch_that_is_put_again_is_listed_again,
            a_discarded_batch_is_gone,
            discarding_what_is_not_there_is_no_error,
            an_archived_batch_cannot_be_discarded,
            a_pruned_batch_leaves_its_head,
            only_archived_batches_of_that_epoch_up_to_there_are_pruned,
            a_few_are_pruned_at_a_time_the_oldest_first,
            a_damaged_batch_is_not_pruned,
            pruning_again_is_no_error,
            a_damaged_batch_is_not_handed_over,
            a_damaged_batch_is_set_aside_and_the_others_are_listed,
            another_batch_with_the_same_eight_digits_is_not_overwritten,
            a_batch_that_a_disk_made_another_of_is_put_again,
            batches_are_found_by_place_in_spool_and_archive,
            what_is_damaged_or_pruned_is_not_found,
            an_unfinished_file_is_no_batch,
            everything_is_there_after_a_restart,
            a_status_is_kept_under_its_name,
            an_act_is_kept_by_its_digest,
        }
    };
}

spool_cases!(case_table, SpoolFixture);

/// Puts batches of stream `bill` with these seqs.
fn put(fixture: &dyn SpoolFixture, side: Side, seqs: &[u64]) -> Vec<(BatchId, Vec<u8>)> {
    let made: Vec<_> = seqs.iter().map(|seq| sealed(side, "bill", 1, *seq)).collect();
    for (id, bytes) in &made {
        fixture.spool().put(side, id, bytes).unwrap();
    }
    made
}

fn ids(made: &[(BatchId, Vec<u8>)]) -> Vec<BatchId> {
    made.iter().map(|(id, _)| id.clone()).collect()
}

fn nothing_is_listed_of_an_empty_spool(fixture: &mut dyn SpoolFixture) {
    for side in [Side::Out, Side::In] {
        assert_eq!(fixture.spool().list(side), Ok(Vec::new()));
        assert_eq!(fixture.spool().archive(side, &[]), Ok(()));
    }
}

fn a_batch_that_was_put_is_read_and_listed(fixture: &mut dyn SpoolFixture) {
    for side in [Side::Out, Side::In] {
        let made = put(fixture, side, &[1]);
        assert_eq!(fixture.spool().get(side, &made[0].0), Ok(made[0].1.clone()));
        assert_eq!(fixture.spool().list(side), Ok(ids(&made)));
    }
}

fn a_batch_that_is_put_twice_is_there_once(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::Out, &[1]);
    put(fixture, Side::Out, &[1]);
    assert_eq!(fixture.spool().list(Side::Out), Ok(ids(&made)));
    assert_eq!(fixture.spool().get(Side::Out, &made[0].0), Ok(made[0].1.clone()));
}

fn the_two_sides_are_apart(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::In, &[1]);
    assert_eq!(fixture.spool().list(Side::Out), Ok(Vec::new()));
    assert_eq!(kind(fixture.spool().get(Side::Out, &made[0].0)), FaultKind::Corrupt);
    fixture.spool().discard(Side::Out, &made[0].0).unwrap();
    assert_eq!(fixture.spool().list(Side::In), Ok(ids(&made)));
}

fn batches_are_listed_by_stream_epoch_and_seq(fixture: &mut dyn SpoolFixture) {
    let places = [("notice", 1, 1), ("bill", 2, 1), ("bill", 1, 10), ("bill", 1, 9), ("bill", 1, 100)];
    for (stream, epoch, seq) in places {
        let (id, bytes) = sealed(Side::Out, stream, epoch, seq);
        fixture.spool().put(Side::Out, &id, &bytes).unwrap();
    }
    let listed = fixture.spool().list(Side::Out).unwrap();
    let found: Vec<_> = listed.iter().map(|id| (id.stream.as_str(), id.epoch, id.seq)).collect();
    assert_eq!(found, [("bill", 1, 9), ("bill", 1, 10), ("bill", 1, 100), ("bill", 2, 1), ("notice", 1, 1)]);
}

fn a_batch_that_was_never_put_is_corrupt(fixture: &mut dyn SpoolFixture) {
    put(fixture, Side::Out, &[1]);
    let (id, _) = sealed(Side::Out, "bill", 1, 2);
    assert_eq!(kind(fixture.spool().get(Side::Out, &id)), FaultKind::Corrupt);
}

fn an_archived_batch_is_read_and_not_listed(fixture: &mut dyn SpoolFixture) {
    for side in [Side::Out, Side::In] {
        let made = put(fixture, side, &[1, 2, 3]);
        fixture.spool().archive(side, &ids(&made[..2])).unwrap();
        assert_eq!(fixture.spool().list(side), Ok(ids(&made[2..])));
        for (id, bytes) in &made {
            assert_eq!(fixture.spool().get(side, id).as_ref(), Ok(bytes));
        }
    }
}

fn archiving_again_is_no_error(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::Out, &[1, 2]);
    fixture.spool().archive(Side::Out, &ids(&made[..1])).unwrap();
    fixture.spool().archive(Side::Out, &ids(&made)).unwrap();
    fixture.spool().archive(Side::Out, &ids(&made)).unwrap();
    assert_eq!(fixture.spool().list(Side::Out), Ok(Vec::new()));
    assert_eq!(fixture.spool().get(Side::Out, &made[0].0), Ok(made[0].1.clone()));
}

fn archiving_stops_at_what_is_not_there_and_what_it_moved_stays_moved(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::Out, &[1, 3]);
    let (missing, _) = sealed(Side::Out, "bill", 1, 2);
    let all = [made[0].0.clone(), missing, made[1].0.clone()];
    assert_eq!(kind(fixture.spool().archive(Side::Out, &all)), FaultKind::Corrupt);
    assert_eq!(fixture.spool().list(Side::Out), Ok(ids(&made[1..])));
    assert_eq!(fixture.spool().get(Side::Out, &made[0].0), Ok(made[0].1.clone()));
}

fn an_archived_batch_that_is_put_again_is_listed_again(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::In, &[1]);
    fixture.spool().archive(Side::In, &ids(&made)).unwrap();
    put(fixture, Side::In, &[1]);
    assert_eq!(fixture.spool().list(Side::In), Ok(ids(&made)));
    fixture.spool().archive(Side::In, &ids(&made)).unwrap();
    assert_eq!(fixture.spool().list(Side::In), Ok(Vec::new()));
    assert_eq!(fixture.spool().get(Side::In, &made[0].0), Ok(made[0].1.clone()));
}

fn a_discarded_batch_is_gone(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::Out, &[1, 2]);
    fixture.spool().discard(Side::Out, &made[0].0).unwrap();
    assert_eq!(fixture.spool().list(Side::Out), Ok(ids(&made[1..])));
    assert_eq!(kind(fixture.spool().get(Side::Out, &made[0].0)), FaultKind::Corrupt);
    assert_eq!(kind(fixture.spool().archive(Side::Out, &ids(&made[..1]))), FaultKind::Corrupt);
}

fn discarding_what_is_not_there_is_no_error(fixture: &mut dyn SpoolFixture) {
    let (id, bytes) = sealed(Side::Out, "bill", 1, 1);
    fixture.spool().discard(Side::Out, &id).unwrap();
    fixture.spool().put(Side::Out, &id, &bytes).unwrap();
    fixture.spool().discard(Side::Out, &id).unwrap();
    fixture.spool().discard(Side::Out, &id).unwrap();
}

fn an_archived_batch_cannot_be_discarded(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::Out, &[1]);
    fixture.spool().archive(Side::Out, &ids(&made)).unwrap();
    fixture.spool().discard(Side::Out, &made[0].0).unwrap();
    assert_eq!(fixture.spool().get(Side::Out, &made[0].0), Ok(made[0].1.clone()));
}

/// Puts batches of stream `bill` with these seqs into the archive.
fn archived(fixture: &dyn SpoolFixture, side: Side, seqs: &[u64]) -> Vec<(BatchId, Vec<u8>)> {
    let made = put(fixture, side, seqs);
    fixture.spool().archive(side, &ids(&made)).unwrap();
    made
}

fn prune(fixture: &dyn SpoolFixture, side: Side, through: u64, limit: usize) -> usize {
    fixture.spool().prune(side, &"bill".parse().unwrap(), 1, through, limit).unwrap()
}

/// Which of the batches can still be read whole.
fn whole(fixture: &dyn SpoolFixture, side: Side, made: &[(BatchId, Vec<u8>)]) -> Vec<u64> {
    let there = made.iter().filter(|(id, bytes)| fixture.spool().get(side, id).as_ref() == Ok(bytes));
    there.map(|(id, _)| id.seq).collect()
}

fn a_pruned_batch_leaves_its_head(fixture: &mut dyn SpoolFixture) {
    for side in [Side::Out, Side::In] {
        let made = archived(fixture, side, &[1, 2]);
        assert_eq!(fixture.head(side, &made[0].0), None);
        assert_eq!(prune(fixture, side, 1, 10), 1);
        assert_eq!(kind(fixture.spool().get(side, &made[0].0)), FaultKind::Corrupt);
        let head = fixture.head(side, &made[0].0).unwrap();
        assert_eq!(Ok(&head), batch_head(&made[0].1).as_ref());
        assert_eq!(inspect_head(&head).unwrap().digest, made[0].0.digest);
        assert_eq!(whole(fixture, side, &made), [2]);
        assert_eq!(fixture.spool().list(side), Ok(Vec::new()));
    }
}

fn only_archived_batches_of_that_epoch_up_to_there_are_pruned(fixture: &mut dyn SpoolFixture) {
    let mut made = archived(fixture, Side::Out, &[1, 9_999, 10_000, 10_001]);
    let others = [("bill", 2, 1), ("notice", 1, 1), ("bills", 1, 1)].map(|(stream, epoch, seq)| {
        let (id, bytes) = sealed(Side::Out, stream, epoch, seq);
        fixture.spool().put(Side::Out, &id, &bytes).unwrap();
        fixture.spool().archive(Side::Out, core::slice::from_ref(&id)).unwrap();
        (id, bytes)
    });
    let peers = archived(fixture, Side::In, &[1]);
    let waiting = put(fixture, Side::Out, &[2]);
    assert_eq!(prune(fixture, Side::Out, 10_000, 100), 3);
    assert_eq!(whole(fixture, Side::Out, &others), [1, 1, 1]);
    assert_eq!(whole(fixture, Side::In, &peers), [1]);
    made.extend(waiting);
    assert_eq!(whole(fixture, Side::Out, &made), [10_001, 2]);
    fixture.reopen();
    assert_eq!(whole(fixture, Side::Out, &made), [10_001, 2]);
    assert!(made[..3].iter().all(|(id, _)| fixture.head(Side::Out, id).is_some()));
    assert!(fixture.head(Side::Out, &made[4].0).is_none());
}

fn a_few_are_pruned_at_a_time_the_oldest_first(fixture: &mut dyn SpoolFixture) {
    let made = archived(fixture, Side::In, &[5, 3, 4, 1, 2]);
    assert_eq!(prune(fixture, Side::In, 4, 2), 2);
    assert_eq!(whole(fixture, Side::In, &made), [5, 3, 4]);
    assert_eq!(prune(fixture, Side::In, 4, 2), 2);
    assert_eq!(prune(fixture, Side::In, 4, 2), 0);
    assert_eq!(whole(fixture, Side::In, &made), [5]);
}

fn a_damaged_batch_is_not_pruned(fixture: &mut dyn SpoolFixture) {
    let made = archived(fixture, Side::In, &[1, 2, 3]);
    fixture.damage_archived(Side::In, &made[0].0);
    assert_eq!(prune(fixture, Side::In, 3, 2), 2);
    assert_eq!(prune(fixture, Side::In, 3, 2), 0);
    assert_eq!(fixture.head(Side::In, &made[0].0), None);
    assert!(made[1..].iter().all(|(id, _)| fixture.head(Side::In, id).is_some()));
}

fn pruning_again_is_no_error(fixture: &mut dyn SpoolFixture) {
    assert_eq!(prune(fixture, Side::Out, 9, 10), 0);
    let made = archived(fixture, Side::Out, &[1]);
    assert_eq!(prune(fixture, Side::Out, 9, 10), 1);
    let head = fixture.head(Side::Out, &made[0].0);
    fixture.spool().archive(Side::Out, &ids(&made)).unwrap();
    fixture.reopen();
    assert_eq!(prune(fixture, Side::Out, 9, 10), 0);
    assert_eq!(fixture.head(Side::Out, &made[0].0), head);
}

fn a_damaged_batch_is_not_handed_over(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::In, &[1, 2]);
    fixture.damage(Side::In, &made[0].0);
    assert_eq!(kind(fixture.spool().get(Side::In, &made[0].0)), FaultKind::Corrupt);
    assert_eq!(fixture.spool().get(Side::In, &made[1].0), Ok(made[1].1.clone()));
}

fn a_damaged_batch_is_set_aside_and_the_others_are_listed(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::In, &[1, 2]);
    fixture.damage(Side::In, &made[0].0);
    assert_eq!(fixture.spool().list(Side::In), Ok(ids(&made[1..])));
    assert_eq!(kind(fixture.spool().get(Side::In, &made[0].0)), FaultKind::Corrupt);
    assert_eq!(fixture.spool().list(Side::In), Ok(ids(&made[1..])));
    put(fixture, Side::In, &[1]);
    assert_eq!(fixture.spool().list(Side::In), Ok(ids(&made)));
    assert_eq!(fixture.spool().get(Side::In, &made[0].0), Ok(made[0].1.clone()));
}

fn another_batch_with_the_same_eight_digits_is_not_overwritten(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::In, &[1]);
    let mut other = made[0].0.clone();
    other.digest.0[31] ^= 1;
    assert_eq!(kind(fixture.spool().put(Side::In, &other, b"another batch")), FaultKind::Conflict);
    assert_eq!(kind(fixture.spool().get(Side::In, &other)), FaultKind::Corrupt);
    assert_eq!(fixture.spool().get(Side::In, &made[0].0), Ok(made[0].1.clone()));
}

fn a_batch_that_a_disk_made_another_of_is_put_again(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::In, &[1]);
    fixture.disguise(Side::In, &made[0].0);
    assert_eq!(kind(fixture.spool().get(Side::In, &made[0].0)), FaultKind::Corrupt);
    assert_eq!(put(fixture, Side::In, &[1]), made);
    assert_eq!(fixture.spool().get(Side::In, &made[0].0), Ok(made[0].1.clone()));
}

fn an_unfinished_file_is_no_batch(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::Out, &[1]);
    fixture.leave_unfinished(Side::Out);
    assert_eq!(fixture.spool().list(Side::Out), Ok(ids(&made)));
    fixture.reopen();
    assert_eq!(fixture.spool().list(Side::Out), Ok(ids(&made)));
}

fn everything_is_there_after_a_restart(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::Out, &[1, 2, 3]);
    fixture.spool().archive(Side::Out, &ids(&made[..1])).unwrap();
    fixture.spool().discard(Side::Out, &made[2].0).unwrap();
    fixture.reopen();
    assert_eq!(fixture.spool().list(Side::Out), Ok(ids(&made[1..2])));
    for (id, bytes) in &made[..2] {
        assert_eq!(fixture.spool().get(Side::Out, id).as_ref(), Ok(bytes));
    }
    assert_eq!(kind(fixture.spool().get(Side::Out, &made[2].0)), FaultKind::Corrupt);
}

fn a_status_is_kept_under_its_name(fixture: &mut dyn SpoolFixture) {
    for side in [Side::Out, Side::In] {
        let (first, second) = (status_name(side, 1), status_name(side, 2));
        assert_eq!(fixture.status(side, &first), None);
        for bytes in [b"whole".as_slice(), b"whole", b"sealed again"] {
            fixture.spool().archive_status(side, &first, bytes).unwrap();
            assert_eq!(fixture.status(side, &first).as_deref(), Some(bytes));
        }
        fixture.spool().archive_status(side, &second, b"another").unwrap();
        fixture.reopen();
        assert_eq!(fixture.status(side, &first).as_deref(), Some(b"sealed again".as_slice()));
        assert_eq!(fixture.status(side, &second).as_deref(), Some(b"another".as_slice()));
        assert_eq!(fixture.spool().list(side), Ok(Vec::new()));
    }
}

fn an_act_is_kept_by_its_digest(fixture: &mut dyn SpoolFixture) {
    for side in [Side::Out, Side::In] {
        let (one, other) = (Digest([1; 32]), Digest([2; 32]));
        for _ in 0..2 {
            fixture.spool().archive_act(side, &one, b"one").unwrap();
        }
        assert_eq!(fixture.act(side, &other), None);
        fixture.spool().archive_act(side, &other, b"other").unwrap();
        fixture.reopen();
        assert_eq!(fixture.act(side, &one).as_deref(), Some(b"one".as_slice()));
        assert_eq!(fixture.act(side, &other).as_deref(), Some(b"other".as_slice()));
        assert_eq!(fixture.spool().list(side), Ok(Vec::new()));
    }
}

/// The batches of `bill` that are found, by seq.
fn found(fixture: &dyn SpoolFixture, side: Side, first: u64, last: u64) -> Vec<u64> {
    let stream = "bill".parse().unwrap();
    let ids = fixture.spool().find(side, &stream, 1, SeqRange { first, last }).unwrap();
    ids.iter().map(|id| id.seq).collect()
}

fn batches_are_found_by_place_in_spool_and_archive(fixture: &mut dyn SpoolFixture) {
    let made = put(fixture, Side::Out, &[1, 2, 3, 9_999, 10_000, 10_001]);
    let ids: Vec<BatchId> = made.iter().map(|(id, _)| id.clone()).collect();
    fixture.spool().archive(Side::Out, &[ids[0].clone(), ids[2].clone(), ids[3].clone(), ids[4].clone()]).unwrap();
    assert_eq!(found(fixture, Side::Out, 2, 10_000), [2, 3, 9_999, 10_000]);
    assert_eq!(found(fixture, Side::In, 1, 10), [0_u64; 0]);
    fixture.spool().put(Side::Out, &ids[0], &made[0].1).unwrap();
    assert_eq!(found(fixture, Side::Out, 1, 1), [1], "in both, and once");
    let (other, bytes) = sealed(Side::Out, "notice", 1, 2);
    fixture.spool().put(Side::Out, &other, &bytes).unwrap();
    assert_eq!(found(fixture, Side::Out, 2, 2), [2]);
    let stream = "bill".parse().unwrap();
    assert_eq!(fixture.spool().find(Side::Out, &stream, 2, SeqRange { first: 1, last: 9 }), Ok(Vec::new()));
}

fn what_is_damaged_or_pruned_is_not_found(fixture: &mut dyn SpoolFixture) {
    let ids: Vec<BatchId> = put(fixture, Side::Out, &[1, 2, 3]).into_iter().map(|(id, _)| id).collect();
    fixture.damage(Side::Out, &ids[1]);
    fixture.spool().archive(Side::Out, &ids[..1]).unwrap();
    assert_eq!(fixture.spool().prune(Side::Out, &ids[0].stream, 1, 1, 9), Ok(1));
    assert_eq!(found(fixture, Side::Out, 1, 3), [3]);
}
