//! What an anchor store promises.

use ferry_format::{BootNonce, Checkpoint, Digest, Instance, Mark};

use super::kind;
use crate::ports::{Anchor, AnchorStore, FaultKind};

/// An anchor store in a world of its own, empty at first.
pub trait AnchorFixture {
    /// The store.
    fn anchors(&self) -> &dyn AnchorStore;

    /// The process ends and another one begins.
    fn reopen(&mut self);

    /// Damages the anchor where it lies.
    fn damage(&mut self);
}

/// Lists the cases of the suite.
#[macro_export]
macro_rules! anchor_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            there_is_none_at_first,
            what_was_saved_is_loaded,
            the_newest_takes_the_place_of_the_one_before,
            it_is_there_after_a_restart,
            a_damaged_one_is_corrupt_until_another_is_saved,
        }
    };
}

anchor_cases!(case_table, AnchorFixture);

/// An anchor with everything in it.
pub(super) fn anchor(status_next: u64) -> Anchor {
    let mark = |name: &str, seq| Mark { stream: name.parse().unwrap(), epoch: 1, seq, digest: Digest([7; 32]) };
    Anchor {
        instance: Instance([1; 16]),
        sent: vec![mark("bill", 0), mark("notice", 12)],
        superseding: vec![mark("notice", 7), mark("notice", 9)],
        status_next,
        peer: Some((BootNonce([2; 16]), 9)),
        audit: Checkpoint { size: 4, root: Digest([3; 32]) },
        before: Some(mark("notice", 11)),
        restored: false,
    }
}

fn there_is_none_at_first(fixture: &mut dyn AnchorFixture) {
    assert_eq!(fixture.anchors().load(), Ok(None));
}

fn what_was_saved_is_loaded(fixture: &mut dyn AnchorFixture) {
    let full = anchor(640);
    let kinds = [
        full.clone(),
        Anchor { peer: None, ..full.clone() },
        Anchor { sent: Vec::new(), ..full.clone() },
        Anchor { superseding: Vec::new(), ..full.clone() },
        Anchor { before: None, ..full.clone() },
        Anchor { restored: true, ..full },
    ];
    for saved in kinds {
        fixture.anchors().save(&saved).unwrap();
        assert_eq!(fixture.anchors().load(), Ok(Some(saved)));
    }
}

fn the_newest_takes_the_place_of_the_one_before(fixture: &mut dyn AnchorFixture) {
    for number in [1, 2, 1] {
        fixture.anchors().save(&anchor(number)).unwrap();
        assert_eq!(fixture.anchors().load(), Ok(Some(anchor(number))));
    }
}

fn it_is_there_after_a_restart(fixture: &mut dyn AnchorFixture) {
    fixture.reopen();
    assert_eq!(fixture.anchors().load(), Ok(None));
    fixture.anchors().save(&anchor(1)).unwrap();
    fixture.reopen();
    assert_eq!(fixture.anchors().load(), Ok(Some(anchor(1))));
}

fn a_damaged_one_is_corrupt_until_another_is_saved(fixture: &mut dyn AnchorFixture) {
    fixture.anchors().save(&anchor(1)).unwrap();
    fixture.damage();
    assert_eq!(kind(fixture.anchors().load()), FaultKind::Corrupt);
    fixture.reopen();
    assert_eq!(kind(fixture.anchors().load()), FaultKind::Corrupt);
    fixture.anchors().save(&anchor(2)).unwrap();
    assert_eq!(fixture.anchors().load(), Ok(Some(anchor(2))));
}
