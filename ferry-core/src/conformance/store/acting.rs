//! What a store promises of acts of operators.

use ferry_format::{Act, ActId, ActRange, Deed, Digest, Reason, SignedAct, Substitute};

use super::{
    BAD_WORD, StoreFixture, applied, apply, beginning, contract, cut, delete, follow, insert, leaves, lines, name,
    outgoing, own, sorted_rows, theirs, timeless, update,
};
use crate::conformance::{kind, link, zone};
use crate::ports::{ACTED_ALREADY, ActEnd, ActOrder, FaultKind, Notes, OpenAct, PeerAct, PortError, UntoldAct};

/// Lists the cases of the suite.
#[macro_export]
macro_rules! store_acting_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            acts_are_seen_in_order_until_they_have_ended,
            the_same_file_is_the_same_act,
            an_act_that_has_ended_tells_the_same_end_again,
            an_act_is_carried_out_once_whoever_has_signed_it,
            an_act_that_is_not_there_is_a_conflict,
            an_act_that_is_turned_away_changes_nothing_else,
            a_hold_lasts_until_it_is_released,
            a_row_that_is_passed_leaves_the_outbox,
            the_present_image_takes_the_place_of_a_row,
            a_row_can_be_passed_again,
            a_row_that_is_gone_is_replaced_by_its_deletion,
            a_row_that_is_not_there_cannot_be_passed,
            parked_rows_are_written_once_the_cause_is_mended,
            parked_rows_that_still_break_a_rule_stay,
            only_the_parked_rows_that_are_meant_are_tried,
            a_parked_row_with_a_later_image_is_forgotten,
            an_older_parked_row_never_takes_the_place_of_a_newer,
            ended_acts_wait_until_the_peer_has_listed_them,
            the_number_of_the_last_status_is_remembered,
            acts_of_the_peer_are_listed_once,
            every_act_that_was_read_appends_a_leaf,
            a_busy_database_takes_no_act,
        }
    };
}

store_acting_cases!(case_table, StoreFixture);

pub(super) fn act(number: u8, deed: Deed) -> Act {
    let reason = Reason::new("银行已确认").unwrap();
    Act { link: link(), zone: zone(), id: ActId([number; 16]), at_ms: 3, reason, deed }
}

pub(super) fn file(act: &Act) -> Vec<u8> {
    SignedAct::unsigned(act.clone()).write().unwrap()
}

fn range(stream: &str, first: u64, last: u64) -> ActRange {
    ActRange { stream: name(stream), epoch: 1, first, last }
}

fn hold(stream: &str) -> Deed {
    Deed::Hold { stream: name(stream) }
}

/// Hands an act in and has it carried out.
fn done(fixture: &mut dyn StoreFixture, number: u8, deed: Deed) -> (ActEnd, Option<u64>) {
    let order = handed(fixture, number, deed);
    carry_out(fixture, &order).unwrap()
}

pub(super) fn handed(fixture: &mut dyn StoreFixture, number: u8, deed: Deed) -> ActOrder {
    let act = act(number, deed);
    let file = file(&act);
    let id = fixture.hand_in(&file);
    ActOrder { id, file, verdict: Ok(act), at_ms: 77, superseding: None, instead: Vec::new(), ended: Vec::new() }
}

pub(super) fn carry_out(fixture: &dyn StoreFixture, order: &ActOrder) -> Result<(ActEnd, Option<u64>), PortError> {
    let contract = contract();
    let stream = order.verdict.as_ref().ok().and_then(|act| contract.stream(act.deed.stream()));
    fixture.store().act(order, stream)
}

fn open(fixture: &dyn StoreFixture) -> Vec<OpenAct> {
    fixture.store().observe().unwrap().acts
}

fn acts_are_seen_in_order_until_they_have_ended(fixture: &mut dyn StoreFixture) {
    let first = handed(fixture, 1, hold("bill"));
    let second = handed(fixture, 2, hold("confirm"));
    fixture.reopen();
    let seen = |order: &ActOrder| OpenAct { id: order.id, file: order.file.clone() };
    assert_eq!(open(fixture), [seen(&first), seen(&second)]);
    assert_eq!(carry_out(fixture, &first), Ok((ActEnd::done(), None)));
    assert_eq!(open(fixture), [seen(&second)]);
    carry_out(fixture, &second).unwrap();
    assert_eq!(open(fixture), []);
}

fn the_same_file_is_the_same_act(fixture: &mut dyn StoreFixture) {
    let order = handed(fixture, 1, hold("bill"));
    assert_eq!(handed(fixture, 1, hold("bill")), order);
    carry_out(fixture, &order).unwrap();
    assert_eq!(handed(fixture, 1, hold("bill")), order);
    assert_eq!(open(fixture), []);
}

fn an_act_that_has_ended_tells_the_same_end_again(fixture: &mut dyn StoreFixture) {
    let order = handed(fixture, 1, hold("bill"));
    carry_out(fixture, &order).unwrap();
    let leaves_before = leaves(fixture);
    let again = ActOrder { verdict: Err("held-already".to_owned()), ..order.clone() };
    for order in [order, again] {
        assert_eq!(carry_out(fixture, &order), Ok((ActEnd::done(), None)));
    }
    assert_eq!(leaves(fixture), leaves_before);
}

fn an_act_is_carried_out_once_whoever_has_signed_it(fixture: &mut dyn StoreFixture) {
    let order = handed(fixture, 1, hold("bill"));
    let id = fixture.hand_in(b"the same act with other signatures");
    let again = ActOrder { id, ..order.clone() };
    assert_eq!(carry_out(fixture, &order), Ok((ActEnd::done(), None)));
    done(fixture, 2, Deed::Release { stream: name("bill") });
    fixture.reopen();
    assert_eq!(carry_out(fixture, &again), Ok((ActEnd::turned_away(ACTED_ALREADY), None)));
    assert!(!own(fixture, "bill").on_hold);
    // One that was turned away was not carried out: the same decision, signed as it must be, still counts.
    let unsigned = handed(fixture, 3, hold("bill"));
    let id = fixture.hand_in(b"the same act with good signatures");
    let signed = ActOrder { id, ..unsigned.clone() };
    let unsigned = ActOrder { verdict: Err("bad-approval".to_owned()), ..unsigned };
    assert_eq!(carry_out(fixture, &unsigned), Ok((ActEnd::turned_away("bad-approval"), None)));
    assert_eq!(carry_out(fixture, &signed), Ok((ActEnd::done(), None)));
}

fn an_act_that_is_not_there_is_a_conflict(fixture: &mut dyn StoreFixture) {
    let mut order = handed(fixture, 1, hold("bill"));
    order.id += 1;
    assert_eq!(kind(carry_out(fixture, &order)), FaultKind::Conflict);
    assert!(!own(fixture, "bill").on_hold);
}

fn an_act_that_is_turned_away_changes_nothing_else(fixture: &mut dyn StoreFixture) {
    let order = handed(fixture, 1, hold("bill"));
    let order = ActOrder { verdict: Err("bad-approval".to_owned()), ..order };
    assert_eq!(carry_out(fixture, &order), Ok((ActEnd::turned_away("bad-approval"), None)));
    assert!(!own(fixture, "bill").on_hold);
    assert_eq!(open(fixture), []);
}

fn a_hold_lasts_until_it_is_released(fixture: &mut dyn StoreFixture) {
    for (number, stream) in [(1, "bill"), (3, "confirm")] {
        done(fixture, number, hold(stream));
        fixture.reopen();
        let on_hold = |fixture: &dyn StoreFixture| match stream {
            "bill" => own(fixture, stream).on_hold,
            _ => theirs(fixture, stream).on_hold,
        };
        assert!(on_hold(fixture));
        done(fixture, number + 1, Deed::Release { stream: name(stream) });
        fixture.reopen();
        assert!(!on_hold(fixture));
    }
}

fn a_row_that_is_passed_leaves_the_outbox(fixture: &mut dyn StoreFixture) {
    let changes = [insert("bill", 1, "one"), insert("bill", 2, "two"), insert("bill", 3, "three")];
    fixture.commit(&changes);
    let pass = |row| Deed::Pass { stream: name("bill"), row, with: Substitute::Void };
    assert_eq!(done(fixture, 1, pass(2)), (ActEnd::done(), None));
    fixture.reopen();
    let left = cut(fixture, "bill", 0, 3, 10);
    assert_eq!((left.ids, left.lines), (vec![1, 3], lines(&[changes[0].clone(), changes[2].clone()])));
    assert_eq!(done(fixture, 2, pass(3)), (ActEnd::done(), None));
    assert_eq!(fixture.store().observe().unwrap().streams[0].last_id, 3, "a passed row keeps its id");
    fixture.store().record(&[outgoing(&beginning("bill"), 1, 1)]).unwrap();
    assert_eq!(cut(fixture, "bill", 1, 3, 10).ids, [0; 0]);
}

fn the_present_image_takes_the_place_of_a_row(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("bill", 1, "wrong"), insert("bill", 2, "two")]);
    fixture.commit(&[update("bill", 1, "right \" \\")]);
    let pass = Deed::Pass { stream: name("bill"), row: 1, with: Substitute::Current };
    assert_eq!(done(fixture, 1, pass), (ActEnd::done(), None));
    let left = cut(fixture, "bill", 0, 3, 10);
    let meant = [update("bill", 1, "right \" \\"), insert("bill", 2, "two"), update("bill", 1, "right \" \\")];
    assert_eq!((left.ids, left.lines), (vec![1, 2, 3], lines(&meant)));
}

fn a_row_can_be_passed_again(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("bill", 1, "one")]);
    for (number, with) in [(1, Substitute::Current), (2, Substitute::Current), (3, Substitute::Void)] {
        let pass = Deed::Pass { stream: name("bill"), row: 1, with };
        assert_eq!(done(fixture, number, pass), (ActEnd::done(), None));
    }
    assert_eq!(cut(fixture, "bill", 0, 1, 10).ids, [0; 0]);
}

fn a_row_that_is_gone_is_replaced_by_its_deletion(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("bill", 1, "wrong")]);
    fixture.commit(&[delete("bill", 1)]);
    for (number, row) in [(1, 1), (2, 2)] {
        let pass = Deed::Pass { stream: name("bill"), row, with: Substitute::Current };
        assert_eq!(done(fixture, number, pass), (ActEnd::done(), None));
    }
    assert_eq!(cut(fixture, "bill", 0, 2, 10).lines, lines(&[delete("bill", 1), delete("bill", 1)]));
}

fn a_row_that_is_not_there_cannot_be_passed(fixture: &mut dyn StoreFixture) {
    fixture.commit(&[insert("bill", 1, "one")]);
    for (number, with) in [(1, Substitute::Void), (2, Substitute::Current)] {
        let pass = Deed::Pass { stream: name("bill"), row: 2, with };
        assert_eq!(done(fixture, number, pass), (ActEnd::turned_away("not-stopped-there"), None));
    }
    assert_eq!(cut(fixture, "bill", 0, 2, 10).ids, [1]);
}

/// Parks two rows of batch 1 and one of batch 2.
fn park(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let bad = |no| insert("remark", no, BAD_WORD);
    let (one, two) = ([bad(1), insert("remark", 2, "good"), bad(3)], [bad(4), insert("payment", 1, "paid")]);
    let outcome = timeless(apply(fixture, "confirm", &[&one, &two]).unwrap());
    assert_eq!(outcome, applied("confirm", 2, &[(1, 1, 2), (2, 1, 1)], 3));
}

fn retry(first: u64, last: u64) -> Deed {
    Deed::RetryRows { range: range("confirm", first, last) }
}

fn row(no: u64, word: &str) -> String {
    format!("[{no},\"{word}\"]")
}

fn parked_rows_are_written_once_the_cause_is_mended(fixture: &mut dyn StoreFixture) {
    park(fixture);
    fixture.mend();
    assert_eq!(done(fixture, 1, retry(1, 2)), (ActEnd::done(), Some(0)));
    let meant = [row(1, BAD_WORD), row(2, "good"), row(3, BAD_WORD), row(4, BAD_WORD)];
    assert_eq!(sorted_rows(fixture, "remark"), meant);
    assert_eq!(fixture.parked(&name("confirm")), []);
    fixture.reopen();
    assert_eq!(theirs(fixture, "confirm").parked_rows, 0);
}

fn parked_rows_that_still_break_a_rule_stay(fixture: &mut dyn StoreFixture) {
    park(fixture);
    let before = fixture.parked(&name("confirm"));
    assert_eq!(done(fixture, 1, retry(1, 2)), (ActEnd::done(), Some(3)));
    assert_eq!(sorted_rows(fixture, "remark"), [row(2, "good")]);
    assert_eq!(fixture.parked(&name("confirm")), before);
    assert_eq!(theirs(fixture, "confirm").parked_rows, 3);
}

fn only_the_parked_rows_that_are_meant_are_tried(fixture: &mut dyn StoreFixture) {
    park(fixture);
    fixture.mend();
    assert_eq!(done(fixture, 1, retry(2, 9)), (ActEnd::done(), Some(2)));
    assert_eq!(sorted_rows(fixture, "remark"), [row(2, "good"), row(4, BAD_WORD)]);
    assert_eq!(theirs(fixture, "confirm").parked_rows, 2);
}

fn a_parked_row_with_a_later_image_is_forgotten(fixture: &mut dyn StoreFixture) {
    park(fixture);
    let later = [update("remark", 1, "later"), delete("remark", 3), insert("remark", 5, "five")];
    let outcome = timeless(apply(fixture, "confirm", &[&later]).unwrap());
    assert_eq!(outcome, applied("confirm", 3, &[(3, 3, 0)], 1));
    assert_eq!(theirs(fixture, "confirm").parked_rows, 1);
    // Row by row too: the first image of the batch is parked, and the second takes its place.
    let both = [insert("remark", 6, BAD_WORD), insert("remark", 7, BAD_WORD), update("remark", 6, "good")];
    let outcome = timeless(apply(fixture, "confirm", &[&both]).unwrap());
    assert_eq!(outcome, applied("confirm", 4, &[(4, 1, 2)], 2));
    fixture.mend();
    assert_eq!(done(fixture, 1, retry(1, 9)), (ActEnd::done(), Some(0)));
    let meant = [row(1, "later"), row(2, "good"), row(4, BAD_WORD), row(5, "five"), row(6, "good"), row(7, BAD_WORD)];
    assert_eq!(sorted_rows(fixture, "remark"), meant);
}

/// A key whose older image the database takes now, and whose newest it does not: the older one must not come back.
fn an_older_parked_row_never_takes_the_place_of_a_newer(fixture: &mut dyn StoreFixture) {
    follow(fixture, "confirm");
    let bad = insert("remark", 1, BAD_WORD);
    let again = [delete("remark", 1), bad.clone()];
    apply(fixture, "confirm", &[&[bad], &again, &[update("remark", 1, BAD_WORD)]]).unwrap();
    let places: Vec<(u64, u64)> =
        fixture.parked(&name("confirm")).iter().map(|(seq, index, _)| (*seq, *index)).collect();
    assert_eq!(places, [(3, 0)]);
    fixture.mend();
    assert_eq!(done(fixture, 1, retry(1, 2)), (ActEnd::done(), Some(1)));
    assert_eq!(sorted_rows(fixture, "remark"), [""; 0]);
    assert_eq!(done(fixture, 2, retry(3, 3)), (ActEnd::done(), Some(0)));
    assert_eq!(sorted_rows(fixture, "remark"), [row(1, BAD_WORD)]);
}

fn ended_acts_wait_until_the_peer_has_listed_them(fixture: &mut dyn StoreFixture) {
    let first = handed(fixture, 1, hold("bill"));
    let second = handed(fixture, 2, hold("confirm"));
    let second = ActOrder { verdict: Err("bad-approval".to_owned()), ..second };
    let third = handed(fixture, 3, hold("notice"));
    for order in [&second, &first] {
        carry_out(fixture, order).unwrap();
    }
    fixture.reopen();
    let untold = |order: &ActOrder, end| UntoldAct { id: order.id, file: order.file.clone(), end, at_ms: 77 };
    let (one, two) = (untold(&first, ActEnd::done()), untold(&second, ActEnd::turned_away("bad-approval")));
    assert_eq!(fixture.store().recover().unwrap().untold, [one, two.clone()]);
    let told = |ids: &[u64]| Notes { acts_told: ids.to_vec(), now_ms: 9, ..Notes::default() };
    fixture.store().note(&told(&[first.id])).unwrap();
    fixture.store().note(&told(&[first.id])).unwrap();
    assert_eq!(fixture.store().recover().unwrap().untold, [two]);
    fixture.store().note(&told(&[second.id])).unwrap();
    assert_eq!(fixture.store().recover().unwrap().untold, []);
    assert_eq!(open(fixture).len(), 1);
    carry_out(fixture, &third).unwrap();
}

fn the_number_of_the_last_status_is_remembered(fixture: &mut dyn StoreFixture) {
    assert_eq!(fixture.store().recover().unwrap().status_number, 0);
    let note = |status_number| Notes { status_number, now_ms: 9, ..Notes::default() };
    for status_number in [Some(176_719_680_099), None] {
        fixture.store().note(&note(status_number)).unwrap();
        fixture.reopen();
        assert_eq!(fixture.store().recover().unwrap().status_number, 176_719_680_099);
    }
}

fn acts_of_the_peer_are_listed_once(fixture: &mut dyn StoreFixture) {
    let of_peer = |number: u8, verified| {
        let file = file(&act(number, hold("bill")));
        PeerAct { digest: Digest::of(&[&file]), file, verified, code: "done".to_owned(), at_ms: 5 }
    };
    let (one, two) = (of_peer(1, true), of_peer(2, false));
    fixture.store().list_acts(std::slice::from_ref(&one)).unwrap();
    fixture.store().list_acts(&[one.clone(), two.clone()]).unwrap();
    fixture.reopen();
    let mut meant = [one.digest, two.digest];
    meant.sort();
    assert_eq!(fixture.listed(), meant);
    let recovered = fixture.store().recover().unwrap();
    assert_eq!(
        (open(fixture), recovered.untold),
        (Vec::new(), Vec::new()),
        "they are the peer's to carry out and to tell"
    );
    assert!(!own(fixture, "bill").on_hold);
}

fn every_act_that_was_read_appends_a_leaf(fixture: &mut dyn StoreFixture) {
    let before = leaves(fixture);
    done(fixture, 1, hold("bill"));
    done(fixture, 2, hold("confirm"));
    assert_eq!(leaves(fixture), before + 2);
    let unreadable = handed(fixture, 3, hold("notice"));
    carry_out(fixture, &ActOrder { verdict: Err("bad-approval".to_owned()), ..unreadable }).unwrap();
    assert_eq!(leaves(fixture), before + 2, "what nobody signed is in the list and no evidence");
}

fn a_busy_database_takes_no_act(fixture: &mut dyn StoreFixture) {
    let order = handed(fixture, 1, hold("bill"));
    fixture.keep_busy(true);
    assert_eq!(kind(carry_out(fixture, &order)), FaultKind::Transient);
    assert_eq!(kind(fixture.store().list_acts(&[])), FaultKind::Transient);
    fixture.keep_busy(false);
    assert!(!own(fixture, "bill").on_hold);
    assert_eq!(carry_out(fixture, &order), Ok((ActEnd::done(), None)));
    assert!(own(fixture, "bill").on_hold);
}
