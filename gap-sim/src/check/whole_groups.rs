//! Invariant 4: a group is applied whole or not at all, parked rows included.

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::change::Change;
use crate::world::database::ParkedRow;

/// What is applied of a stream ends where a transaction of its owner ends, and those rows are parked that the owner's
/// changes have as bad rows of independent tables, without those that have a later image.
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
            // What the world does not know has bad rows that it does not know.
            if world.is_usurped(stream) {
                continue;
            }
            let database = world.host(model.owner.peer()).store.database();
            let parked = database.peers.get(stream).map_or(&[][..], |peer| &peer.parked);
            let is_same = |(row, bad): (&ParkedRow, &Change)| row.table == bad.table && row.key == bad.key;
            if parked.len() != model.parked.len() || !parked.iter().zip(&model.parked).all(is_same) {
                return Err(format!("{stream}: {} rows parked where {} are bad", parked.len(), model.parked.len()));
            }
        }
        Ok(())
    }
}
