//! Follows an epoch that operators of its owner have begun.

use ferry_format::{Act, ActTime, Deed, EpochId, Mark, SignedAct, genesis};

use super::{Surroundings, follow};
use crate::ports::{PeerAct, PortError, Ports, Side};

/// Follows the epoch that an act of the peer's operators begins; `None` when the act is not signed as it must be, and when the peer
/// has told before that it turned it away: whoever has the zone's key may have kept it. The act is evidence before it counts.
pub(super) fn begin(
    act: &mut PeerAct,
    around: &Surroundings,
    ports: &Ports<'_>,
) -> Result<Option<(EpochId, Mark)>, PortError> {
    let Ok(SignedAct { act: Act { zone, deed: Deed::NewEpoch { epoch, epoch_id, ended }, .. }, .. }) =
        SignedAct::parse(&act.file)
    else {
        return Ok(None);
    };
    let stream = &ended.stream;
    let is_theirs = around.contract.stream(stream).is_some_and(|contract| contract.owner == around.peer);
    if zone != around.peer || !is_theirs {
        return Ok(None);
    }
    let digest = genesis(&around.link, &around.peer, &around.zone, stream, epoch, epoch_id);
    let genesis = Mark { stream: stream.clone(), epoch, seq: 0, digest };
    // The commit of an earlier try may not have been known.
    if ports.store.watermark(stream)?.is_some_and(|mark| mark == genesis) {
        return Ok(Some((epoch_id, genesis)));
    }
    if !is_good(&act.file, ports) || is_turned_away(&act.file, ports)? {
        return Ok(None);
    }
    act.verified = true;
    keep(Side::In, act, ports)?;
    follow(epoch_id, &genesis, Some(act), ports)?;
    Ok(Some((epoch_id, genesis)))
}

fn is_good(file: &[u8], ports: &Ports<'_>) -> bool {
    ports.sealer.read_act(file, ActTime::Past).is_ok()
}

/// Whether the peer has turned an act away, under these signatures or others that are good now: its operators may have come to be
/// trusted after it was listed. What was turned away for want of signatures may be carried out with them.
fn is_turned_away(file: &[u8], ports: &Ports<'_>) -> Result<bool, PortError> {
    let signed = |file: &[u8]| SignedAct::parse(file).and_then(|signed| signed.digest());
    let act = signed(file)?;
    Ok(ports.store.turned_away()?.iter().any(|one| signed(one) == Ok(act) && is_good(one, ports)))
}

/// Keeps an act that begins an epoch beside the batches, for whoever verifies them.
pub(super) fn keep(side: Side, act: &PeerAct, ports: &Ports<'_>) -> Result<(), PortError> {
    ports.spool.archive_act(side, &act.digest, &act.file)
}
