//! What a store promises of a stream that begins another life.

use ferry_format::{Deed, Digest, EpochId, Mark, SignedAct, SoftKeys, genesis};

use super::acting::{act, carry_out, file, handed};
use super::applying::dispute;
use super::outgoing::{bills, record_bill, settled};
use super::{
    BAD_WORD, StoreFixture, beginning, contract, cut, delete, digest_of, follow, insert, leaves, lines, mark_of, name,
    outgoing, own, theirs, update,
};
use crate::conformance::{Counter, kind, link, peer, zone};
use crate::ports::{
    ACT_DONE, ACTED_ALREADY, ActEnd, ActOrder, AppliedPlace, ApplyOutcome, ApplyRequest, Attempt, FaultKind, PeerAct,
    STREAM_MOVED, TURNED_AWAY_BEFORE, UntoldAct,
};

/// Lists the cases of the suite.
#[macro_export]
macro_rules! store_beginning_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            an_act_begins_another_life_of_an_own_stream,
            what_is_captured_and_not_recorded_is_cut_into_the_new_life,
            a_load_that_is_under_way_begins_anew,
            a_life_that_moved_does_not_end,
            a_life_that_the_same_act_has_moved_is_no_reason_to_turn_it_away,
            what_was_turned_away_begins_nothing_later,
            the_books_of_an_ended_life_stay,
            a_new_life_is_recorded_settled_and_reopened_like_the_first,
            an_act_leaves_an_epoch_of_the_peer_for_a_later_one,
            nothing_is_left_for_an_epoch_that_is_not_later,
            what_ended_with_an_epoch_of_the_peer_is_forgotten,
            a_new_epoch_of_the_peer_is_applied_from_its_beginning,
            a_busy_database_begins_nothing,
        }
    };
}

store_beginning_cases!(case_table, StoreFixture);

const NEXT_ID: EpochId = EpochId([5; 8]);

/// The place before the first batch of the second life of a stream.
fn next(stream: &str) -> Mark {
    let before = beginning(stream);
    let (from, to) = match contract().stream(&before.stream).unwrap().owner == zone() {
        true => (zone(), peer()),
        false => (peer(), zone()),
    };
    let digest = genesis(&link(), &from, &to, &before.stream, 2, NEXT_ID);
    Mark { epoch: 2, digest, ..before }
}

fn deed(ended: &Mark) -> Deed {
    Deed::NewEpoch { epoch: 2, epoch_id: NEXT_ID, ended: ended.clone() }
}

fn begin(fixture: &mut dyn StoreFixture, number: u8, ended: &Mark) -> (ActOrder, ActEnd) {
    let order = handed(fixture, number, deed(ended));
    let (end, parked) = carry_out(fixture, &order).unwrap();
    assert_eq!(parked, None);
    (order, end)
}

/// Three batches of `bill` with a row each, of which one is settled. Yields their marks.
fn three(fixture: &mut dyn StoreFixture) -> Vec<Mark> {
    bills(fixture, 1, 3);
    let marks: Vec<Mark> = (1..=3).map(|through_id| mark_of(&record_bill(fixture, 1, through_id))).collect();
    fixture.store().settle(&settled(marks[0].clone())).unwrap();
    marks
}

/// An act of the peer that begins the second epoch of `confirm`.
fn of_peer() -> PeerAct {
    let file = file(&act(1, deed(&beginning("confirm"))));
    PeerAct { digest: Digest::of(&[&file]), file, verified: true, code: ACT_DONE.to_owned(), at_ms: 5 }
}

fn an_act_begins_another_life_of_an_own_stream(fixture: &mut dyn StoreFixture) {
    let marks = three(fixture);
    assert_eq!(own(fixture, "bill").begun, None);
    let leaves_before = leaves(fixture);
    let (order, end) = begin(fixture, 1, &marks[2]);
    assert_eq!(end, ActEnd::done());
    assert_eq!(leaves(fixture), leaves_before + 2);
    assert_eq!(carry_out(fixture, &order), Ok((ActEnd::done(), None)), "asked again");
    fixture.reopen();
    let recovered = own(fixture, "bill");
    assert_eq!((&recovered.last, &recovered.settled, recovered.epoch_id), (&next("bill"), &next("bill"), NEXT_ID));
    assert_eq!((recovered.through_id, recovered.unsettled, recovered.loading), (3, Vec::new(), true));
    let act = UntoldAct { id: order.id, file: order.file.clone(), end: ActEnd::done(), at_ms: 77 };
    assert_eq!(recovered.begun, Some(act));
    assert_eq!(own(fixture, "notice").begun, None);
}

fn what_is_captured_and_not_recorded_is_cut_into_the_new_life(fixture: &mut dyn StoreFixture) {
    let marks = three(fixture);
    let captured = [update("bill", 2, "b"), delete("bill", 1)];
    fixture.commit(&captured);
    fixture.store().observe().unwrap();
    begin(fixture, 1, &marks[2]);
    fixture.reopen();
    assert_eq!(own(fixture, "bill").boundaries.len(), 1);
    let raw = cut(fixture, "bill", 3, 5, 10);
    assert_eq!((raw.ids.as_slice(), raw.lines), ([4, 5].as_slice(), lines(&captured)));
    fixture.store().record(&[outgoing(&next("bill"), 2, 5)]).unwrap();
    assert_eq!(cut(fixture, "bill", 0, 5, 10).ids, [0; 0]);
}

fn a_load_that_is_under_way_begins_anew(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("bill", 1, "a"), insert("bill", 2, "b"), insert("bill", 3, "c")]);
    let load = handed(fixture, 1, Deed::Load { stream: name("bill") });
    carry_out(fixture, &load).unwrap();
    let contract = contract();
    let step = |fixture: &dyn StoreFixture| fixture.store().load(contract.stream(&name("bill")).unwrap(), 2).unwrap();
    assert_eq!(step(fixture).rows, 2);
    begin(fixture, 2, &beginning("bill"));
    assert_eq!((step(fixture).rows, step(fixture).done), (2, true));
    let again = [update("bill", 1, "a"), update("bill", 2, "b"), update("bill", 3, "c")];
    assert_eq!(cut(fixture, "bill", 5, 99, 10).lines, lines(&again));
}

fn a_life_that_moved_does_not_end(fixture: &mut dyn StoreFixture) {
    let marks = three(fixture);
    let other = Mark { digest: Digest([9; 32]), ..marks[2].clone() };
    for (number, ended) in [(1, &marks[1]), (2, &other), (3, &beginning("bill"))] {
        assert_eq!(begin(fixture, number, ended).1, ActEnd::turned_away(STREAM_MOVED));
    }
    let recovered = own(fixture, "bill");
    assert_eq!((recovered.last, recovered.loading, recovered.begun), (marks[2].clone(), false, None));
    assert_eq!(begin(fixture, 4, &marks[2]).1, ActEnd::done());
}

/// The act of an order under one more signature.
fn signed_once_more(order: &ActOrder, number: u64) -> Vec<u8> {
    let mut signed = SignedAct::parse(&order.file).unwrap();
    signed.approve(&SoftKeys::generate(&mut Counter(number)).unwrap()).unwrap();
    signed.write().unwrap()
}

fn a_life_that_the_same_act_has_moved_is_no_reason_to_turn_it_away(fixture: &mut dyn StoreFixture) {
    let marks = three(fixture);
    let (order, _) = begin(fixture, 1, &marks[2]);
    let file = signed_once_more(&order, 7);
    let (id, verdict) = (fixture.hand_in(&file), Err(STREAM_MOVED.to_owned()));
    let again = ActOrder { id, file, verdict, ..order };
    assert_eq!(carry_out(fixture, &again), Ok((ActEnd::turned_away(ACTED_ALREADY), None)));
    let other = handed(fixture, 2, deed(&marks[2]));
    let other = ActOrder { verdict: Err(STREAM_MOVED.to_owned()), ..other };
    assert_eq!(carry_out(fixture, &other), Ok((ActEnd::turned_away(STREAM_MOVED), None)));
}

fn what_was_turned_away_begins_nothing_later(fixture: &mut dyn StoreFixture) {
    let order = handed(fixture, 1, deed(&beginning("bill")));
    let mut file = signed_once_more(&order, 7);
    for number in [8, 9] {
        let id = fixture.hand_in(&file);
        let away = ActOrder { id, file: file.clone(), verdict: Err("peer-not-heard".to_owned()), ..order.clone() };
        assert_eq!(carry_out(fixture, &away), Ok((ActEnd::turned_away("peer-not-heard"), None)));
        file = signed_once_more(&ActOrder { file, ..order.clone() }, number);
    }
    let id = fixture.hand_in(&file);
    let good = ActOrder { id, file, ..order };
    assert_eq!(carry_out(fixture, &good), Ok((ActEnd::turned_away(TURNED_AWAY_BEFORE), None)));
    assert_eq!(begin(fixture, 2, &beginning("bill")).1, ActEnd::done(), "another act may");
}

fn the_books_of_an_ended_life_stay(fixture: &mut dyn StoreFixture) {
    let marks = three(fixture);
    begin(fixture, 1, &marks[2]);
    fixture.reopen();
    let digests = |epoch, seq| fixture.store().recorded_digests(&name("bill"), epoch, seq).unwrap();
    assert_eq!((digests(1, 2), digests(2, 2)), (vec![digest_of(2)], Vec::new()));
    let attempt = Attempt { stream: name("bill"), epoch: 2, seq: 2, attempt: 2, at_ms: 9 };
    assert_eq!(kind(fixture.store().attempt(&[attempt])), FaultKind::Conflict);
    assert_eq!(kind(fixture.store().settle(&settled(marks[1].clone()))), FaultKind::Conflict);
    assert_eq!(kind(fixture.store().reopen(&settled(marks[0].clone()))), FaultKind::Conflict);
}

fn a_new_life_is_recorded_settled_and_reopened_like_the_first(fixture: &mut dyn StoreFixture) {
    let marks = three(fixture);
    begin(fixture, 1, &marks[2]);
    bills(fixture, 4, 5);
    let first = outgoing(&next("bill"), 1, 4);
    let second = outgoing(&mark_of(&first), 1, 5);
    fixture.store().record(&[first.clone(), second.clone()]).unwrap();
    fixture.store().record(&[first.clone(), second.clone()]).unwrap();
    fixture.store().settle(&settled(mark_of(&second))).unwrap();
    fixture.reopen();
    let recovered = own(fixture, "bill");
    assert_eq!((recovered.last, recovered.unsettled.len()), (mark_of(&second), 0));
    let batches = fixture.store().reopen(&settled(next("bill"))).unwrap();
    assert_eq!(batches.iter().map(|batch| batch.seq).collect::<Vec<_>>(), [1, 2]);
}

fn an_act_leaves_an_epoch_of_the_peer_for_a_later_one(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    super::apply(fixture, "confirm", &[&[insert("payment", 1, "one")]]).unwrap();
    let leaves_before = leaves(fixture);
    fixture.store().follow(NEXT_ID, &next("confirm"), Some(&of_peer())).unwrap();
    assert_eq!(leaves(fixture), leaves_before + 1);
    fixture.reopen();
    let recovered = theirs(fixture, "confirm");
    assert_eq!(recovered.followed, Some((NEXT_ID, next("confirm"))));
    assert_eq!(recovered.reports, []);
    assert_eq!(fixture.listed(), [of_peer().digest]);
    assert_eq!(fixture.rows("payment").len(), 1, "what was applied stays");
    let place = AppliedPlace { digest: digest_of(1), chain: digest_of(1) };
    assert_eq!(fixture.store().applied_place(&name("confirm"), 1, 1), Ok(Some(place)));
    assert_eq!(fixture.store().applied_place(&name("confirm"), 2, 1), Ok(None));
}

fn nothing_is_left_for_an_epoch_that_is_not_later(fixture: &mut dyn StoreFixture) {
    let act = of_peer();
    let store = fixture.store();
    assert_eq!(kind(store.follow(NEXT_ID, &next("confirm"), Some(&act))), FaultKind::Conflict, "none is followed");
    follow(fixture, "confirm");
    assert_eq!(kind(fixture.store().follow(NEXT_ID, &next("confirm"), None)), FaultKind::Conflict, "no act");
    fixture.store().follow(NEXT_ID, &next("confirm"), Some(&act)).unwrap();
    let listed = fixture.listed();
    for genesis in [next("confirm"), beginning("confirm")] {
        assert_eq!(kind(fixture.store().follow(NEXT_ID, &genesis, Some(&act))), FaultKind::Conflict);
    }
    assert_eq!((fixture.listed(), theirs(fixture, "confirm").followed), (listed, Some((NEXT_ID, next("confirm")))));
}

fn what_ended_with_an_epoch_of_the_peer_is_forgotten(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    super::apply(fixture, "confirm", &[&[insert("remark", 1, BAD_WORD)]]).unwrap();
    for (epoch, seq) in [(1, 1), (1, 7), (2, 3)] {
        fixture.store().dispute(&dispute(epoch, seq, 9)).unwrap();
    }
    fixture.store().follow(NEXT_ID, &next("confirm"), Some(&of_peer())).unwrap();
    fixture.reopen();
    let recovered = theirs(fixture, "confirm");
    let places: Vec<(u64, u64)> = recovered.disputed.iter().map(|it| (it.epoch, it.seq)).collect();
    assert_eq!((places, recovered.parked_rows, recovered.superseded), (vec![(2, 3)], 1, None));
}

fn a_new_epoch_of_the_peer_is_applied_from_its_beginning(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    super::apply(fixture, "confirm", &[&[insert("payment", 1, "one")]]).unwrap();
    fixture.store().follow(NEXT_ID, &next("confirm"), Some(&of_peer())).unwrap();
    let contract = contract();
    let contract = contract.stream(&name("confirm")).unwrap();
    let batch = || super::checked("confirm", 1, &[update("payment", 1, "two")]);
    let expect = next("confirm");
    let request = ApplyRequest { contract, epoch_id: NEXT_ID, expect: &expect, now_ms: 1_000 };
    let outcome = fixture.store().apply(&request, &mut super::Source(vec![Ok(batch())].into_iter()));
    let mark = Mark { seq: 1, digest: digest_of(1), ..expect };
    assert!(matches!(outcome, Ok(ApplyOutcome::Applied { mark: there, .. }) if there == mark));
    let old = beginning("confirm");
    let outcome = super::apply_from(fixture, &old, vec![Ok(batch())]);
    assert_eq!(outcome, Ok(ApplyOutcome::Moved(mark)));
    assert_eq!(fixture.rows("payment"), ["[1,\"two\"]"]);
}

fn a_busy_database_begins_nothing(fixture: &mut dyn StoreFixture) {
    let marks = three(fixture);
    follow(fixture, "confirm");
    let order = handed(fixture, 1, deed(&marks[2]));
    fixture.keep_busy(true);
    assert_eq!(kind(carry_out(fixture, &order)), FaultKind::Transient);
    assert_eq!(kind(fixture.store().follow(NEXT_ID, &next("confirm"), Some(&of_peer()))), FaultKind::Transient);
    fixture.keep_busy(false);
    assert_eq!(own(fixture, "bill").last, marks[2]);
    assert_eq!(carry_out(fixture, &order), Ok((ActEnd::done(), None)));
}
