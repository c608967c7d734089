//! Invariant 11: no plaintext of a sensitive column stands in a file that crosses, in a log, in a reason or in the spool.

use super::{Checker, Moment, identity};
use crate::world::World;
use crate::world::host::ZoneId;
use crate::world::nodes::people::SEALED_SECRET;
use crate::world::work::SECRET;

/// The mark of every sensitive value is found nowhere outside the databases.
#[derive(Debug, Default)]
pub(super) struct Secrecy;

fn has_secret(bytes: &[u8]) -> bool {
    let has = |mark: &str| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
    has(SECRET) || has(SEALED_SECRET)
}

impl Checker for Secrecy {
    identity!(11, "secrecy");

    fn look(&mut self, world: &World, moment: &Moment) -> Result<(), String> {
        match moment {
            // A sealed batch crosses as it lies in the spool, so this covers the spool too.
            Moment::Crosses(_, name, bytes) if has_secret(bytes) => Err(format!("{name} shows a sensitive value")),
            Moment::Acted(zone, Some(failure)) if has_secret(failure.as_bytes()) => {
                Err(format!("the log of {} shows a sensitive value", zone.name()))
            }
            Moment::Status(_, _, body) => {
                let refusals = body.incoming.iter().filter_map(|report| report.refused.as_ref());
                match refusals.into_iter().any(|refusal| has_secret(format!("{refusal:?}").as_bytes())) {
                    true => Err("a refusal shows a sensitive value".to_owned()),
                    false => Ok(()),
                }
            }
            Moment::Ended | Moment::FaultsEnded => ZoneId::BOTH.into_iter().try_for_each(|zone| reasons(world, zone)),
            Moment::Committed
            | Moment::Started(_)
            | Moment::Stopped(_)
            | Moment::Acted(..)
            | Moment::Handled(_)
            | Moment::Crosses(..) => Ok(()),
        }
    }
}

fn reasons(world: &World, zone: ZoneId) -> Result<(), String> {
    let host = world.host(zone);
    let shows = host.quarantine.stories().iter().any(|story| has_secret(story.as_bytes()));
    let stops = host.link.iter().flat_map(ferry_core::link::Link::senders).filter_map(|sender| sender.stopped());
    for stop in stops {
        if has_secret(stop.place.as_bytes()) {
            return Err(format!("what {} shows of a stopped stream shows a sensitive value", zone.name()));
        }
    }
    if shows {
        return Err(format!("a reason in the quarantine of {} shows a sensitive value", zone.name()));
    }
    Ok(())
}
