//! Invariant 3: what is applied of a stream is a prefix of what its owner committed, at every moment.

use std::collections::BTreeMap;

use ferry_format::StreamName;

use super::{Checker, Moment, identity};
use crate::world::World;

/// The replica's tables hold exactly what the owner's first changes make of empty tables, and a load captures rows as they
/// stand at its place among these changes: an older image there would take a newer one back.
#[derive(Debug, Default)]
pub(super) struct Prefix {
    compared: BTreeMap<StreamName, (u64, u64)>,
}

impl Checker for Prefix {
    identity!(3, "prefix");

    fn look(&mut self, world: &World, _moment: &Moment) -> Result<(), String> {
        for (stream, model) in world.model.streams.iter().filter(|(stream, _)| !world.is_usurped(stream)) {
            if let Some(row) = &world.fates[stream].misread {
                return Err(format!("a load captured {row} otherwise than it stood in its table"));
            }
            let database = world.host(model.owner.peer()).store.database();
            let state = (model.followed, database.commits);
            if self.compared.get(stream) == Some(&state) {
                continue;
            }
            self.compared.insert(stream.clone(), state);
            let contract = world.contract().stream(stream).ok_or("the model has a stream that the contract has not")?;
            for table in &contract.tables {
                let empty = BTreeMap::new();
                let found = database.tables.get(&table.name).unwrap_or(&empty);
                let meant = model.replica.get(&table.name).unwrap_or(&empty);
                if found != meant {
                    let key =
                        found.iter().zip(meant).find(|(one, other)| one != other).map(|((key, _), _)| key.clone());
                    let place = key.unwrap_or_else(|| "the end".to_owned());
                    return Err(format!(
                        "{}: {} rows where change {} makes {}, other from {place} on",
                        table.name,
                        found.len(),
                        model.followed,
                        meant.len()
                    ));
                }
            }
        }
        Ok(())
    }
}
