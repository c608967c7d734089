//! Another life of a stream, as the rows of a real table live it.

use ferry_core::ports::{ActEnd, ActOrder, ApplyOutcome, CheckedBatch, Store as _};
use ferry_format::{Act, ActId, Deed, EpochId, Mark, Reason};

use super::{Zone, link, sale};
use crate::store::{Books as _, SqliteBooks};

/// Begins the second life of `sale` where the first one ends; yields what becomes of the act.
fn begin(owner: &Zone) -> ActEnd {
    let own = owner.store.recover().unwrap().outgoing.into_iter().find(|out| out.last.stream == sale()).unwrap();
    let Mark { epoch, .. } = own.last;
    let deed = Deed::NewEpoch { epoch: epoch + 1, epoch_id: EpochId([7; 8]), ended: own.last };
    let file = format!("{deed:?}").into_bytes();
    let id = SqliteBooks::open(&owner.path, &link()).unwrap().hand_in(&file, 5).unwrap();
    let (reason, at_ms) = ("why".parse::<Reason>().unwrap(), 6);
    let act = Act { link: link(), zone: owner.name.clone(), id: ActId([1; 16]), at_ms, reason, deed };
    let (superseding, instead, ended) = (None, Vec::new(), Vec::new());
    let order = ActOrder { id, file, verdict: Ok(act), at_ms, superseding, instead, ended };
    owner.store.act(&order, owner.contract.stream(&sale())).unwrap().0
}

#[test]
fn what_waits_in_the_outbox_comes_as_it_was_captured_and_then_the_load() {
    let (owner, peer) = (Zone::new("outer"), Zone::new("inner"));
    // The peer's books take them for one life: what matters here is what its tables take, in which order.
    let arrives = |batch: CheckedBatch, seq| {
        let applied = peer.apply(vec![CheckedBatch { seq, ..batch }]);
        assert!(matches!(applied, Ok(ApplyOutcome::Applied { .. })), "{applied:?}");
    };
    owner.run("INSERT INTO item VALUES ('a', NULL, 1, 0, NULL, NULL), ('b', NULL, 1, 0, NULL, NULL)").unwrap();
    owner.run("INSERT INTO remark VALUES (1, 'a', 3)").unwrap();
    arrives(owner.send(), 1);
    // The peer never gets it.
    owner.run("INSERT INTO line VALUES ('b', 1, 'lost')").unwrap();
    owner.send();
    // A deletion that is only right behind what was captured before it.
    owner.run("UPDATE remark SET item = 'b'; DELETE FROM item WHERE id = 'a'").unwrap();
    assert!(begin(&owner).is_done());
    arrives(owner.send(), 2);
    // A program writes again while the load goes on.
    while !owner.store.load(owner.contract.stream(&sale()).unwrap(), 1).unwrap().done {}
    owner.run("UPDATE line SET text = 'three' WHERE no = 1").unwrap();
    arrives(owner.send(), 3);
    assert_eq!(peer.dump(), owner.dump());
}
