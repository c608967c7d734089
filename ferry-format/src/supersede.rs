//! The approvals under which a batch may take the place of a refused group.

use crate::canon::{Value, object, text};
use crate::envelope::SUITE;
use crate::error::FormatError;
use crate::magic::Kind;
use crate::signed_line::signed_part;
use crate::trust::TrustStore;
use crate::{BatchStatement, Supersedes};

/// The bytes that an operator signs to approve that `statement` takes the place of what it names: an act that names
/// the stream, the epoch, the first seq, the old digests and the reason.
///
/// # Errors
/// When the statement supersedes nothing, or its reason is not printable ASCII without quote and backslash.
pub fn supersede_act(statement: &BatchStatement) -> Result<Vec<u8>, FormatError> {
    let missing = || FormatError::MissingField { field: "statement.supersedes".to_owned() };
    act_of(statement, statement.supersedes.as_ref().ok_or_else(missing)?)
}

fn act_of(statement: &BatchStatement, supersedes: &Supersedes) -> Result<Vec<u8>, FormatError> {
    let act = object([
        ("act", text("supersede")),
        ("epoch", Value::Integer(statement.epoch)),
        ("epoch_id", text(statement.epoch_id)),
        ("first", Value::Integer(statement.group.first)),
        ("from", text(&statement.from)),
        ("link", text(&statement.link)),
        ("old", Value::Array(supersedes.old.iter().map(text).collect())),
        ("reason", text(&supersedes.reason)),
        ("stream", text(&statement.stream)),
        ("to", text(&statement.to)),
    ]);
    signed_part(Kind::Act, &act)
}

/// Verifies that every approval is by a trusted operator of the link.
pub(crate) fn check_approvals(statement: &BatchStatement, trust: &TrustStore) -> Result<(), FormatError> {
    let Some(supersedes) = &statement.supersedes else { return Ok(()) };
    let act = act_of(statement, supersedes)?;
    for approval in &supersedes.approvals {
        let entry = trust.signer(&approval.key, Kind::Act, SUITE).map_err(|_| FormatError::BadApproval)?;
        if entry.link != statement.link {
            return Err(FormatError::BadApproval);
        }
        entry.sign.verify(&act, &approval.signature).map_err(|_| FormatError::BadApproval)?;
    }
    Ok(())
}
