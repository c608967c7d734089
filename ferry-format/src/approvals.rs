//! Text objects that several operators sign: magic line, header line, a line for each signature, end. Acts and revocations
//! have this shape.

use crate::act::ActTime;
use crate::canon::Value;
use crate::digest::KeyId;
use crate::envelope::SUITE;
use crate::error::{FormatError, SealError};
use crate::fields::ascend;
use crate::ident::{hex_decode_vec, hex_encode};
use crate::keys::KeyProvider;
use crate::layout::{check_end, header_line};
use crate::limits::{APPROVALS_MAX, SIGNATURE_BYTES_MAX};
use crate::magic::{END_MAGIC, Kind, MAGIC_BYTES, strip};
use crate::trust::{KeyState, TrustStore};
use crate::{Approval, LinkId};

/// Adds an operator's signature over `signed`, in the place of an earlier one by the same key.
pub fn approve(approvals: &mut Vec<Approval>, signed: &[u8], keys: &dyn KeyProvider) -> Result<(), SealError> {
    let signature = keys.sign(signed)?;
    let key = keys.sign_key_id();
    approvals.retain(|approval| approval.key != key);
    if approvals.len() == APPROVALS_MAX {
        return Err(FormatError::Limit { what: "approvals", max: APPROVALS_MAX as u64 }.into());
    }
    approvals.push(Approval { key, signature });
    approvals.sort_by_key(|approval| approval.key);
    Ok(())
}

/// The file: what is signed, and the signatures.
pub fn write(mut signed: Vec<u8>, approvals: &[Approval]) -> Vec<u8> {
    let lines = approvals.iter().map(|one| format!("{} {}", one.key, hex_encode(&one.signature)));
    signed.extend_from_slice(lines.collect::<Vec<_>>().join("\n").as_bytes());
    signed.extend_from_slice(END_MAGIC);
    signed
}

/// Reads a file of `kind` of at most `max` bytes. Nothing is verified.
pub fn read(bytes: &[u8], kind: Kind, what: &'static str, max: usize) -> Result<(Value, Vec<Approval>), FormatError> {
    if bytes.len() > max {
        return Err(FormatError::Limit { what, max: max as u64 });
    }
    let header = header_line(strip(bytes, kind)?)?;
    let value = crate::canon::parse(header)?;
    let rest = &bytes[MAGIC_BYTES + header.len() + 1..];
    let length = rest.len().checked_sub(END_MAGIC.len()).ok_or(FormatError::Truncated)?;
    let (approvals, end) = rest.split_at(length);
    check_end(end)?;
    let approvals = core::str::from_utf8(approvals).map_err(|_| FormatError::SignatureEncoding)?;
    let lines = if approvals.is_empty() { Vec::new() } else { approvals.split('\n').collect() };
    if lines.len() > APPROVALS_MAX {
        return Err(FormatError::Limit { what: "approvals", max: APPROVALS_MAX as u64 });
    }
    let approvals = lines.into_iter().map(read_approval).collect::<Result<Vec<_>, _>>()?;
    if !ascend(&approvals, |approval| approval.key) {
        return Err(FormatError::Inconsistent { reason: "approvals do not ascend by key" });
    }
    Ok((value, approvals))
}

/// Verifies every signature, each by a trusted operator of the link, and that there are `needed` of them.
pub fn verify(
    (signed, approvals): (&[u8], &[Approval]),
    kind: Kind,
    trust: &TrustStore,
    link: &LinkId,
    when: ActTime,
    needed: usize,
) -> Result<(), FormatError> {
    for approval in approvals {
        let entry = trust.signer(&approval.key, kind, SUITE).map_err(|_| FormatError::BadApproval)?;
        let may_act = match when {
            ActTime::Past => true,
            ActTime::Now(now_ms) => entry.state == KeyState::Active && !entry.expired_at(now_ms),
        };
        if entry.link != *link || !may_act {
            return Err(FormatError::BadApproval);
        }
        entry.sign.verify(signed, &approval.signature).map_err(|_| FormatError::BadApproval)?;
    }
    if approvals.len() < needed {
        return Err(FormatError::TooFewApprovals { needed: needed as u64 });
    }
    Ok(())
}

fn read_approval(line: &str) -> Result<Approval, FormatError> {
    let (key, signature) = line.split_once(' ').ok_or(FormatError::SignatureEncoding)?;
    let key: KeyId = key.parse().map_err(|_| FormatError::SignatureEncoding)?;
    if signature.len() > 2 * SIGNATURE_BYTES_MAX {
        return Err(FormatError::SignatureEncoding);
    }
    let signature = hex_decode_vec(signature).map_err(|_| FormatError::SignatureEncoding)?;
    Ok(Approval { key, signature })
}
