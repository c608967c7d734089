//! The act under which batches take the place of a refused group, as each of these batches carries it.

use crate::act::{Act, ActTime, SignedAct};
use crate::deed::Deed;
use crate::error::FormatError;
use crate::trust::TrustStore;
use crate::{BatchStatement, Supersedes};

/// The act by which `statement` takes the place of what it names, with the signatures under it; nothing is verified.
///
/// # Errors
/// When the statement supersedes nothing.
pub fn supersede_act(statement: &BatchStatement) -> Result<SignedAct, FormatError> {
    let missing = || FormatError::MissingField { field: "statement.supersedes".to_owned() };
    Ok(act_of(statement, statement.supersedes.as_ref().ok_or_else(missing)?))
}

fn act_of(statement: &BatchStatement, supersedes: &Supersedes) -> SignedAct {
    let deed = Deed::Supersede {
        stream: statement.stream.clone(),
        epoch: statement.epoch,
        epoch_id: statement.epoch_id,
        contract: statement.contract,
        first: statement.group.first,
        old: supersedes.old.clone(),
        new: supersedes.new.clone(),
    };
    let act = Act {
        link: statement.link.clone(),
        zone: statement.from.clone(),
        id: supersedes.act,
        at_ms: supersedes.at_ms,
        reason: supersedes.reason.clone(),
        deed,
    };
    SignedAct { act, approvals: supersedes.approvals.clone() }
}

/// Verifies that every approval is by a trusted operator of the link.
pub(crate) fn check_approvals(statement: &BatchStatement, trust: &TrustStore) -> Result<(), FormatError> {
    let Some(supersedes) = &statement.supersedes else { return Ok(()) };
    act_of(statement, supersedes).verify(trust, &statement.link, ActTime::Past).map(|_| ())
}
