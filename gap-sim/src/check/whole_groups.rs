//! Invariant 4: a group is applied whole or not at all, parked rows included.

use super::{Checker, Moment, identity};
use crate::world::World;

/// What is applied of a stream ends where a transaction of its owner ends, and as many rows are parked as the owner's
/// changes have bad rows of independent tables.
#[derive(Debug, Default)]
pub(super) struct WholeGroups;

impl Checker for WholeGroups {
    identity!(4, "whole-groups");

    fn look(&mut self, world: &World, _moment: &Moment) -> Result<(), String> {
        for (stream, model) in &world.model.streams {
            if !model.ends.contains(&model.followed) {
                return Err(format!(
                    "{stream}: applied up to change {}, in the middle of a transaction",
                    model.followed
                ));
            }
            let database = world.host(model.owner.peer()).store.database();
            let parked = database.peers.get(stream).map_or(0, |peer| peer.parked.len() as u64);
            if parked != model.parked {
                return Err(format!("{stream}: {parked} rows parked where {} are bad", model.parked));
            }
        }
        Ok(())
    }
}
