//! What a power cut leaves of what was promised to be durable. Only a simulated disk can lose its power on purpose, so
//! this suite runs on simulated ports alone; the real ones write in the same steps.

use ferry_format::batch_head;

use super::anchor::anchor;
use super::{batch_name, sealed};
use crate::ports::{AnchorStore, BatchId, Gate, Side, Spool};

/// The files of a zone on one disk, empty at first.
pub trait PowerFixture {
    /// The spool.
    fn spool(&self) -> &dyn Spool;

    /// The drop directories.
    fn gate(&self) -> &dyn Gate;

    /// A file in `to-gate/`, as the gatekeeper finds it.
    fn waiting(&self, name: &str) -> Option<Vec<u8>>;

    /// The anchor.
    fn anchors(&self) -> &dyn AnchorStore;

    /// The head of a batch whose rows have left the archive, as it lies.
    fn head(&self, side: Side, id: &BatchId) -> Option<Vec<u8>>;

    /// Power is cut: of what was not synced, what the seed says is left. The process begins anew.
    fn cut_power(&mut self, seed: u64);
}

/// Lists the cases of the suite.
#[macro_export]
macro_rules! power_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            a_batch_that_was_put_survives,
            a_batch_that_was_archived_survives_in_the_archive,
            a_batch_that_was_pruned_survives_as_its_head,
            a_batch_that_was_discarded_does_not_come_back,
            a_published_file_survives_whole,
            a_republished_file_is_the_new_one,
            a_saved_anchor_survives,
        }
    };
}

power_cases!(case_table, PowerFixture);

/// Each of so many cuts leaves something else of what was not synced.
const CUTS: u64 = 64;

fn a_batch_that_was_put_survives(fixture: &mut dyn PowerFixture) {
    let mut put = Vec::new();
    for seed in 1..=CUTS {
        let (id, bytes) = sealed(Side::In, "bill", 1, seed);
        fixture.spool().put(Side::In, &id, &bytes).unwrap();
        fixture.cut_power(seed);
        put.push(id.clone());
        assert_eq!(fixture.spool().list(Side::In).as_ref(), Ok(&put));
        assert_eq!(fixture.spool().get(Side::In, &id), Ok(bytes));
    }
}

fn a_batch_that_was_archived_survives_in_the_archive(fixture: &mut dyn PowerFixture) {
    for seed in 1..=CUTS {
        let (id, bytes) = sealed(Side::Out, "bill", 1, seed);
        fixture.spool().put(Side::Out, &id, &bytes).unwrap();
        fixture.spool().archive(Side::Out, std::slice::from_ref(&id)).unwrap();
        fixture.cut_power(seed);
        assert_eq!(fixture.spool().list(Side::Out), Ok(Vec::new()));
        assert_eq!(fixture.spool().get(Side::Out, &id), Ok(bytes));
    }
}

fn a_batch_that_was_pruned_survives_as_its_head(fixture: &mut dyn PowerFixture) {
    for seed in 1..=CUTS {
        let (id, bytes) = sealed(Side::In, "bill", 1, seed);
        fixture.spool().put(Side::In, &id, &bytes).unwrap();
        fixture.spool().archive(Side::In, std::slice::from_ref(&id)).unwrap();
        assert_eq!(fixture.spool().prune(Side::In, &id.stream, 1, seed, 1), Ok(1));
        fixture.cut_power(seed);
        assert_eq!(fixture.head(Side::In, &id), batch_head(&bytes).ok());
    }
}

fn a_batch_that_was_discarded_does_not_come_back(fixture: &mut dyn PowerFixture) {
    for seed in 1..=CUTS {
        let (id, bytes) = sealed(Side::Out, "bill", 1, seed);
        fixture.spool().put(Side::Out, &id, &bytes).unwrap();
        fixture.spool().discard(Side::Out, &id).unwrap();
        fixture.cut_power(seed);
        assert_eq!(fixture.spool().list(Side::Out), Ok(Vec::new()));
    }
}

fn a_published_file_survives_whole(fixture: &mut dyn PowerFixture) {
    for seed in 1..=CUTS {
        let name = batch_name(Side::Out, seed);
        fixture.gate().publish(&name, &[7; 10_000]).unwrap();
        fixture.cut_power(seed);
        assert_eq!(fixture.waiting(&name), Some(vec![7; 10_000]));
    }
}

fn a_republished_file_is_the_new_one(fixture: &mut dyn PowerFixture) {
    for seed in 1..=CUTS {
        let name = batch_name(Side::Out, 1);
        fixture.gate().publish(&name, &seed.to_be_bytes()).unwrap();
        fixture.cut_power(seed);
        assert_eq!(fixture.waiting(&name), Some(seed.to_be_bytes().to_vec()));
    }
}

fn a_saved_anchor_survives(fixture: &mut dyn PowerFixture) {
    for seed in 1..=CUTS {
        fixture.anchors().save(&anchor(seed)).unwrap();
        fixture.cut_power(seed);
        assert_eq!(fixture.anchors().load(), Ok(Some(anchor(seed))));
    }
}
