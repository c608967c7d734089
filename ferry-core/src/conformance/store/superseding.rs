//! What a store promises of groups whose place other batches take, and of disputes that are dismissed.

use ferry_format::{ActRange, Deed, Digest, Mark, Payload};

use super::acting::{act, carry_out, file, handed};
use super::applying::{dispute, disputed};
use super::outgoing::{bills, record_bill, settled};
use super::{
    StoreFixture, apply_from, beginning, checked, contract, digest_of, epoch_id, follow, insert, leaves, mark_of, name,
    own, sorted_rows, theirs,
};
use crate::conformance::kind;
use crate::ports::{ACT_DONE, ActEnd, ActOrder, AppliedPlace, CheckedBatch, FaultKind, Instead, PeerAct};

/// Lists the cases of the suite.
#[macro_export]
macro_rules! store_superseding_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            a_draft_stays_until_its_batch_is_in_the_books,
            batches_take_the_places_of_a_group,
            a_place_can_be_taken_again,
            the_chain_keeps_the_digests_that_came_first,
            what_is_settled_is_not_superseded,
            another_epoch_is_not_superseded,
            an_act_that_supersedes_has_ended_once,
            an_act_without_all_its_batches_changes_nothing,
            an_act_that_was_forgotten_is_carried_out_again,
            every_superseding_batch_appends_a_leaf,
            what_supersedes_is_applied_under_the_digest_of_the_chain,
            the_last_that_superseded_is_remembered,
            what_supersedes_ends_the_disputes_about_its_place,
            the_act_of_what_supersedes_is_listed_once,
            a_dismissal_ends_disputes_about_what_is_applied,
        }
    };
}

store_superseding_cases!(case_table, StoreFixture);

/// An empty payload of its own.
fn payload(salt: u8) -> Payload {
    Payload::new([salt; 32])
}

fn instead(seq: u64, word: &str) -> Instead {
    let digest = Digest::of(&[word.as_bytes(), &seq.to_be_bytes()]);
    Instead { seq, digest, rows: 0, file_bytes: 100 + seq, tables: Vec::new() }
}

/// An act by which batches take the places of `bill` from `first` on, as the core hands it to a store.
fn superseding(fixture: &mut dyn StoreFixture, number: u8, epoch: u64, batches: Vec<Instead>) -> ActOrder {
    let payloads: Vec<Payload> = (0..batches.len()).map(|_| payload(number)).collect();
    for payload in &payloads {
        fixture.leave_draft(payload);
    }
    let stream = name("bill");
    let contract = contract().stream(&stream).unwrap().digest;
    let deed = Deed::Supersede {
        epoch,
        epoch_id: epoch_id(&stream),
        contract,
        first: batches[0].seq,
        old: batches.iter().map(|one| digest_of(one.seq)).collect(),
        new: payloads.iter().map(|payload| payload.plain().sm3).collect(),
        stream,
    };
    ActOrder { instead: batches, ..handed(fixture, number, deed) }
}

fn supersede(fixture: &mut dyn StoreFixture, number: u8, batches: Vec<Instead>) -> ActEnd {
    let order = superseding(fixture, number, 1, batches);
    carry_out(fixture, &order).unwrap().0
}

/// The digests of each place of `bill` that is not settled, first those that came first.
fn places(fixture: &dyn StoreFixture) -> Vec<(u64, Digest, Vec<Digest>)> {
    own(fixture, "bill").unsettled.into_iter().map(|batch| (batch.seq, batch.digest, batch.instead)).collect()
}

fn a_draft_stays_until_its_batch_is_in_the_books(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 1);
    record_bill(fixture, 1, 1);
    let one = payload(7);
    let key = one.plain().sm3;
    assert_eq!(fixture.store().draft(&key), Ok(None));
    fixture.leave_draft(&one);
    fixture.leave_draft(&one);
    fixture.reopen();
    assert_eq!(fixture.store().draft(&key), Ok(Some(one.as_bytes().to_vec())));
    assert_eq!(supersede(fixture, 7, vec![instead(1, "new")]), ActEnd::done());
    assert_eq!(fixture.store().draft(&key), Ok(None));
}

fn batches_take_the_places_of_a_group(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 3);
    for through_id in 1..=3 {
        record_bill(fixture, 1, through_id);
    }
    let (two, three) = (instead(2, "new"), instead(3, "new"));
    assert_eq!(supersede(fixture, 1, vec![two.clone(), three.clone()]), ActEnd::done());
    fixture.reopen();
    let meant = [(1, digest_of(1), vec![]), (2, digest_of(2), vec![two.digest]), (3, digest_of(3), vec![three.digest])];
    assert_eq!(places(fixture), meant);
    let of_second = own(fixture, "bill").unsettled.into_iter().find(|batch| batch.seq == 2).unwrap();
    assert_eq!((of_second.rows, of_second.file_bytes, of_second.file_digest()), (0, 102, two.digest));
    let digests = |seq| fixture.store().recorded_digests(&name("bill"), 1, seq).unwrap();
    assert_eq!(digests(1), [digest_of(1)]);
    assert_eq!(digests(2), [digest_of(2), two.digest]);
}

fn a_place_can_be_taken_again(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 1);
    record_bill(fixture, 1, 1);
    let (second, third) = (instead(1, "second"), instead(1, "third"));
    supersede(fixture, 1, vec![second.clone()]);
    supersede(fixture, 2, vec![third.clone()]);
    fixture.reopen();
    assert_eq!(places(fixture), [(1, digest_of(1), vec![second.digest, third.digest])]);
    let digests = fixture.store().recorded_digests(&name("bill"), 1, 1).unwrap();
    assert_eq!(digests, [digest_of(1), second.digest, third.digest]);
}

fn the_chain_keeps_the_digests_that_came_first(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 2);
    let first = record_bill(fixture, 1, 1);
    supersede(fixture, 1, vec![instead(1, "new")]);
    assert_eq!(own(fixture, "bill").last, mark_of(&first));
    record_bill(fixture, 1, 2);
    fixture.store().settle(&settled(mark_of(&first))).unwrap();
    assert_eq!(own(fixture, "bill").settled, mark_of(&first));
}

fn what_is_settled_is_not_superseded(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 2);
    let first = record_bill(fixture, 1, 1);
    record_bill(fixture, 1, 2);
    fixture.store().settle(&settled(mark_of(&first))).unwrap();
    let before = places(fixture);
    assert_eq!(supersede(fixture, 1, vec![instead(1, "new")]), ActEnd::turned_away("no-such-open-group"));
    assert_eq!(places(fixture), before);
    assert_eq!(fixture.store().recorded_digests(&name("bill"), 1, 1), Ok(vec![digest_of(1)]));
    assert_eq!(supersede(fixture, 2, vec![instead(2, "new")]), ActEnd::done());
}

fn another_epoch_is_not_superseded(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 1);
    record_bill(fixture, 1, 1);
    let order = superseding(fixture, 1, 2, vec![instead(1, "new")]);
    assert_eq!(carry_out(fixture, &order), Ok((ActEnd::turned_away("no-such-open-group"), None)));
    assert_eq!(places(fixture), [(1, digest_of(1), vec![])]);
}

fn an_act_that_supersedes_has_ended_once(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 1);
    record_bill(fixture, 1, 1);
    let order = superseding(fixture, 1, 1, vec![instead(1, "new")]);
    carry_out(fixture, &order).unwrap();
    let before = (places(fixture), leaves(fixture));
    assert_eq!(carry_out(fixture, &order), Ok((ActEnd::done(), None)));
    assert_eq!((places(fixture), leaves(fixture)), before);
}

fn an_act_without_all_its_batches_changes_nothing(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 2);
    record_bill(fixture, 1, 1);
    record_bill(fixture, 1, 2);
    let whole = superseding(fixture, 1, 1, vec![instead(1, "new"), instead(2, "new")]);
    let before = (places(fixture), leaves(fixture));
    for some in [Vec::new(), vec![instead(1, "new")]] {
        let order = ActOrder { instead: some, ..whole.clone() };
        assert_eq!(kind(carry_out(fixture, &order)), FaultKind::Conflict);
        assert_eq!((places(fixture), leaves(fixture)), before);
    }
    assert_eq!(carry_out(fixture, &whole), Ok((ActEnd::done(), None)));
}

fn an_act_that_was_forgotten_is_carried_out_again(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 1);
    record_bill(fixture, 1, 1);
    let (stream, one) = (name("bill"), payload(7));
    let deed = Deed::Supersede {
        epoch: 1,
        epoch_id: epoch_id(&stream),
        contract: contract().stream(&stream).unwrap().digest,
        first: 1,
        old: vec![digest_of(1)],
        new: vec![one.plain().sm3],
        stream,
    };
    let verdict = act(1, deed);
    let file = file(&verdict);
    for _ in 0..2 {
        fixture.store().leave_draft(&one, 5).unwrap();
    }
    fixture.reopen();
    let (superseding, instead, ended) = (None, vec![instead(1, "new")], Vec::new());
    let order = ActOrder { id: 0, file, verdict: Ok(verdict), at_ms: 7, superseding, instead, ended };
    let bills = contract().stream(&name("bill")).unwrap().clone();
    assert_eq!(fixture.store().act_again(&order, Some(&bills)), Ok(ActEnd::done()));
    fixture.reopen();
    let meant = vec![order.instead[0].digest];
    assert_eq!(places(fixture), [(1, digest_of(1), meant.clone())]);
    assert_eq!(fixture.store().draft(&one.plain().sm3), Ok(None));
    let untold = fixture.store().recover().unwrap().untold;
    let listed: Vec<_> = untold.iter().map(|act| (&act.file, &act.end, act.at_ms)).collect();
    assert_eq!(listed, [(&order.file, &ActEnd::done(), 7)]);
    // One that has ended stays what it became.
    let before = leaves(fixture);
    assert_eq!(fixture.store().act_again(&order, Some(&bills)), Ok(ActEnd::done()));
    assert_eq!((places(fixture), leaves(fixture)), (vec![(1, digest_of(1), meant)], before));
    // One that is in the list and open ends with it.
    let open = superseding_again(fixture);
    assert_eq!(fixture.store().act_again(&open, Some(&bills)), Ok(ActEnd::done()));
    assert!(fixture.store().observe().unwrap().acts.is_empty());
    assert_eq!(places(fixture)[0].2.len(), 2);
}

/// Another act about the same place, which an operator has handed in.
fn superseding_again(fixture: &mut dyn StoreFixture) -> ActOrder {
    ActOrder { id: 0, ..superseding(fixture, 8, 1, vec![instead(1, "newer")]) }
}

fn every_superseding_batch_appends_a_leaf(fixture: &mut dyn StoreFixture) {
    bills(fixture, 1, 2);
    record_bill(fixture, 1, 1);
    record_bill(fixture, 1, 2);
    let before = leaves(fixture);
    supersede(fixture, 1, vec![instead(1, "new"), instead(2, "new")]);
    assert_eq!(leaves(fixture), before + 3, "one for each batch, and one for the act");
}

/// A batch of `confirm` that supersedes.
fn in_place(seq: u64, number: u8) -> CheckedBatch {
    let batch = checked("confirm", seq, &[insert("payment", seq, "new")]);
    CheckedBatch { digest: instead(seq, "new").digest, act: Some(act_file(number)), ..batch }
}

fn act_file(number: u8) -> Vec<u8> {
    file(&act(number, Deed::Hold { stream: name("confirm") }))
}

fn what_supersedes_is_applied_under_the_digest_of_the_chain(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let source = vec![Ok(checked("confirm", 1, &[])), Ok(in_place(2, 1))];
    apply_from(fixture, &beginning("confirm"), source).unwrap();
    fixture.reopen();
    let mark = Mark { stream: name("confirm"), epoch: 1, seq: 2, digest: digest_of(2) };
    assert_eq!(fixture.store().watermark(&name("confirm")), Ok(Some(mark)));
    let place = |seq| fixture.store().applied_place(&name("confirm"), 1, seq).unwrap().unwrap();
    assert_eq!(place(1), AppliedPlace { digest: digest_of(1), chain: digest_of(1) });
    assert_eq!(place(2), AppliedPlace { digest: instead(2, "new").digest, chain: digest_of(2) });
    assert_eq!(sorted_rows(fixture, "payment"), [r#"[2,"new"]"#]);
}

fn the_last_that_superseded_is_remembered(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let last = |fixture: &dyn StoreFixture| theirs(fixture, "confirm").superseded.map(|mark| (mark.seq, mark.digest));
    assert_eq!(last(fixture), None);
    apply_from(fixture, &beginning("confirm"), vec![Ok(in_place(1, 1))]).unwrap();
    assert_eq!(last(fixture), Some((1, instead(1, "new").digest)));
    for (seq, number) in [(2, None), (3, Some(2))] {
        let mark = fixture.store().watermark(&name("confirm")).unwrap().unwrap();
        let batch = number.map_or_else(|| checked("confirm", seq, &[]), |number| in_place(seq, number));
        apply_from(fixture, &mark, vec![Ok(batch)]).unwrap();
        fixture.reopen();
        let meant = if number.is_some() { seq } else { 1 };
        assert_eq!(last(fixture), Some((meant, instead(meant, "new").digest)));
    }
}

fn what_supersedes_ends_the_disputes_about_its_place(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    for seq in [1, 2] {
        fixture.store().dispute(&dispute(1, seq, 1)).unwrap();
    }
    apply_from(fixture, &beginning("confirm"), vec![Ok(in_place(1, 1))]).unwrap();
    fixture.reopen();
    assert_eq!(disputed(fixture), [(1, 2)]);
}

fn the_act_of_what_supersedes_is_listed_once(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let digest = Digest::of(&[&act_file(1)]);
    let (file, code) = (act_file(1), ACT_DONE.to_owned());
    fixture.store().list_acts(&[PeerAct { digest, file, verified: true, code, at_ms: 5 }]).unwrap();
    apply_from(fixture, &beginning("confirm"), vec![Ok(in_place(1, 1)), Ok(in_place(2, 1))]).unwrap();
    assert_eq!(fixture.listed(), [digest]);
    let mark = fixture.store().watermark(&name("confirm")).unwrap().unwrap();
    apply_from(fixture, &mark, vec![Ok(in_place(3, 2))]).unwrap();
    assert_eq!(fixture.listed().len(), 2);
}

fn a_dismissal_ends_disputes_about_what_is_applied(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    apply_from(fixture, &beginning("confirm"), (1..=3).map(|seq| Ok(checked("confirm", seq, &[]))).collect()).unwrap();
    for (epoch, seq) in [(1, 1), (1, 2), (1, 3), (1, 4), (2, 2)] {
        fixture.store().dispute(&dispute(epoch, seq, 1)).unwrap();
    }
    let range = ActRange { stream: name("confirm"), epoch: 1, first: 2, last: 9 };
    let order = handed(fixture, 1, Deed::Dismiss { range });
    assert_eq!(carry_out(fixture, &order), Ok((ActEnd::done(), None)));
    fixture.reopen();
    assert_eq!(disputed(fixture), [(1, 1), (1, 4), (2, 2)], "only a batch decides an open place");
    assert_eq!(theirs(fixture, "confirm").dismissed, [(1, 2), (1, 3)]);
    let before = leaves(fixture);
    fixture.store().dispute(&dispute(1, 2, 9)).unwrap();
    assert_eq!((disputed(fixture).len(), leaves(fixture)), (3, before), "it was decided");
}
