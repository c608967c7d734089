//! What a store promises of a peer that has forgotten what it had applied.

use ferry_format::{Digest, Mark};

use super::outgoing::{bills, record_bill, settled};
use super::{StoreFixture, beginning, digest_of, leaves, mark_of, name, own};
use crate::conformance::kind;
use crate::ports::FaultKind;

/// Lists the cases of the suite.
#[macro_export]
macro_rules! store_reopening_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            what_the_peer_forgot_is_not_settled_any_more,
            a_stream_is_reopened_from_its_beginning,
            a_stream_is_reopened_at_a_settled_batch_of_its_own,
            what_was_reopened_settles_again,
            reopening_appends_a_leaf,
            a_busy_database_reopens_nothing,
        }
    };
}

store_reopening_cases!(case_table, StoreFixture);

/// Four batches of `bill` with a row each, of which three are settled.
fn four(fixture: &mut dyn StoreFixture) -> Vec<Mark> {
    bills(fixture, 1, 4);
    let marks: Vec<Mark> = (1..=4).map(|through_id| mark_of(&record_bill(fixture, 1, through_id))).collect();
    fixture.store().settle(&settled(marks[2].clone())).unwrap();
    marks
}

/// The seqs that are not settled.
fn open(fixture: &dyn StoreFixture) -> Vec<u64> {
    own(fixture, "bill").unsettled.iter().map(|batch| batch.seq).collect()
}

fn what_the_peer_forgot_is_not_settled_any_more(fixture: &mut dyn StoreFixture) {
    let marks = four(fixture);
    let batches = fixture.store().reopen(&settled(marks[0].clone())).unwrap();
    let seqs: Vec<(u64, Digest)> = batches.iter().map(|batch| (batch.seq, batch.digest)).collect();
    assert_eq!(seqs, [(2, digest_of(2)), (3, digest_of(3)), (4, digest_of(4))]);
    fixture.reopen();
    let recovered = own(fixture, "bill");
    assert_eq!((recovered.settled, recovered.last), (marks[0].clone(), marks[3].clone()));
    assert_eq!(recovered.unsettled, batches);
}

fn a_stream_is_reopened_from_its_beginning(fixture: &mut dyn StoreFixture) {
    four(fixture);
    assert_eq!(fixture.store().reopen(&settled(beginning("bill"))).unwrap().len(), 4);
    assert_eq!((own(fixture, "bill").settled, open(fixture)), (beginning("bill"), vec![1, 2, 3, 4]));
}

fn a_stream_is_reopened_at_a_settled_batch_of_its_own(fixture: &mut dyn StoreFixture) {
    let marks = four(fixture);
    let other = Digest([9; 32]);
    let wrong = [
        Mark { digest: other, ..marks[0].clone() },
        Mark { digest: other, ..beginning("bill") },
        Mark { epoch: 2, ..marks[0].clone() },
        marks[3].clone(),
        Mark { stream: name("confirm"), ..marks[0].clone() },
    ];
    for mark in wrong {
        assert_eq!(kind(fixture.store().reopen(&settled(mark))), FaultKind::Conflict);
    }
    assert_eq!(open(fixture), [4]);
}

fn what_was_reopened_settles_again(fixture: &mut dyn StoreFixture) {
    let marks = four(fixture);
    fixture.store().reopen(&settled(marks[0].clone())).unwrap();
    fixture.store().settle(&settled(marks[1].clone())).unwrap();
    assert_eq!(open(fixture), [3, 4]);
    fixture.store().settle(&settled(marks[3].clone())).unwrap();
    fixture.reopen();
    assert_eq!(open(fixture), [0; 0]);
}

fn reopening_appends_a_leaf(fixture: &mut dyn StoreFixture) {
    let marks = four(fixture);
    let before = leaves(fixture);
    fixture.store().reopen(&settled(marks[2].clone())).unwrap();
    assert_eq!(leaves(fixture), before, "it is settled up to there");
    fixture.store().reopen(&settled(marks[1].clone())).unwrap();
    assert_eq!(leaves(fixture), before + 1);
}

fn a_busy_database_reopens_nothing(fixture: &mut dyn StoreFixture) {
    let marks = four(fixture);
    fixture.keep_busy(true);
    assert_eq!(kind(fixture.store().reopen(&settled(marks[0].clone()))), FaultKind::Transient);
    fixture.keep_busy(false);
    assert_eq!(open(fixture), [4]);
}
