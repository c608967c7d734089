//! Invariant 12: a zone whose database was put back is found out before it sends anything new under an old number.

use std::collections::BTreeMap;

use ferry_format::{Digest, FileName, NameKind, StreamName};

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::host::ZoneId;

/// No two files with the same stream and seq and different digests leave one zone, and no status number is used twice.
#[derive(Debug, Default)]
pub(super) struct Restored {
    published: BTreeMap<(StreamName, u64, u64), String>,
    statuses: BTreeMap<(ZoneId, u64), Digest>,
}

impl Checker for Restored {
    identity!(12, "restored");

    fn look(&mut self, _world: &World, moment: &Moment) -> Result<(), String> {
        let Moment::Crosses(zone, name, bytes) = moment else { return Ok(()) };
        let Ok(parsed) = name.parse::<FileName>() else { return Ok(()) };
        match parsed.kind {
            NameKind::Batch { stream, epoch, seq } => {
                let before = self.published.insert((stream.clone(), epoch, seq), parsed.digest8.clone());
                if before.is_some_and(|before| before != parsed.digest8) {
                    return Err(format!("{stream}/{seq} was sent under two digests"));
                }
            }
            NameKind::Status { number } => {
                let digest = Digest::of(&[bytes]);
                let before = self.statuses.insert((*zone, number), digest);
                if before.is_some_and(|before| before != digest) {
                    return Err(format!("{} used the status number {number} twice", zone.name()));
                }
            }
        }
        Ok(())
    }
}
