//! Verifies files with public keys only: who stated what. Cheap checks stand before dear ones, and nothing after a
//! failed one is looked at.

use crate::chunks::TAG_BYTES;
use crate::envelope::{Envelope, SUITE};
use crate::error::FormatError;
use crate::layout::{Layout, Tail};
use crate::magic::Kind;
use crate::supersede::check_approvals;
use crate::trust::{Place, TrustStore};
use crate::verified::Verified;
use crate::{BatchStatement, Digest, KeyId, LinkId, StatusStatement, ZoneName, batch_header, status_header};

/// What a reader expects of a file.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// Who is trusted.
    pub trust: &'a TrustStore,
    /// The link, if only one will do.
    pub link: Option<&'a LinkId>,
    /// The sender, if only one will do.
    pub from: Option<&'a ZoneName>,
    /// The receiver, if only one will do.
    pub to: Option<&'a ZoneName>,
}

impl<'a> Expect<'a> {
    /// Expects nothing but a trusted signer.
    #[must_use]
    pub fn any(trust: &'a TrustStore) -> Self {
        Self { trust, link: None, from: None, to: None }
    }
}

/// A batch of which the signature is verified and every sealed byte is accounted for. Its rows are still sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBatch {
    /// What it states.
    pub statement: BatchStatement,
    /// Its identity.
    pub digest: Digest,
    /// Whose signature it bears.
    pub signer: KeyId,
    /// Who can open it.
    pub recipients: Vec<KeyId>,
    /// The compressed bytes.
    pub compressed: u64,
    /// The bytes of the whole file.
    pub file_bytes: u64,
}

/// A status of which the signature is verified and every sealed byte is accounted for. Its body is still sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedStatus {
    /// What it states.
    pub statement: StatusStatement,
    /// Its identity.
    pub digest: Digest,
    /// Whose signature it bears.
    pub signer: KeyId,
    /// Who can open it.
    pub recipients: Vec<KeyId>,
    /// The compressed bytes.
    pub compressed: u64,
    /// The bytes of the whole file.
    pub file_bytes: u64,
}

/// A batch of which only the structure was read. For display; nothing in it is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedBatch {
    /// What it claims to state.
    pub statement: BatchStatement,
    /// The identity of that statement.
    pub digest: Digest,
    /// How it is sealed.
    pub envelope: Envelope,
    /// The bytes of the file that was read.
    pub file_bytes: u64,
}

/// Reads the structure of a batch, to its exact end, without any key.
///
/// # Errors
/// When it is not a batch file.
pub fn inspect_batch(bytes: &[u8]) -> Result<UnverifiedBatch, FormatError> {
    let (statement, layout, _) = read_batch(bytes)?;
    let Layout { digest, envelope, .. } = layout;
    Ok(UnverifiedBatch { statement, digest, envelope, file_bytes: bytes.len() as u64 })
}

/// Verifies a batch with public keys only: structure, exact end, trust, link and zones, signature, approvals, chunk
/// digests. A batch of a revoked key is accepted only at or below the key's last good place; that it chains to the
/// digest there is for the caller to check.
///
/// # Errors
/// The first check that fails, in that order.
pub fn verify_batch(bytes: &[u8], expect: &Expect<'_>) -> Result<Verified<SignedBatch>, FormatError> {
    let (statement, layout, _) = check_batch(bytes, expect)?;
    Ok(Verified::new(SignedBatch {
        statement,
        digest: layout.digest,
        signer: layout.envelope.signer,
        recipients: layout.envelope.recipients.iter().map(|recipient| recipient.key).collect(),
        compressed: layout.envelope.compressed,
        file_bytes: bytes.len() as u64,
    }))
}

/// Verifies a status with public keys only, as [`verify_batch`] does a batch.
///
/// # Errors
/// The first check that fails.
pub fn verify_status(bytes: &[u8], expect: &Expect<'_>) -> Result<Verified<SignedStatus>, FormatError> {
    let (statement, layout, _) = check_status(bytes, expect)?;
    Ok(Verified::new(SignedStatus {
        statement,
        digest: layout.digest,
        signer: layout.envelope.signer,
        recipients: layout.envelope.recipients.iter().map(|recipient| recipient.key).collect(),
        compressed: layout.envelope.compressed,
        file_bytes: bytes.len() as u64,
    }))
}

/// Everything that [`verify_batch`] checks.
pub(crate) fn check_batch<'a>(
    bytes: &'a [u8],
    expect: &Expect<'_>,
) -> Result<(BatchStatement, Layout<'a>, Tail<'a>), FormatError> {
    let (statement, layout, tail) = read_batch(bytes)?;
    authenticate_batch(&layout, tail.signature, &statement, expect)?;
    check_chunks(&layout.envelope, tail.body)?;
    Ok((statement, layout, tail))
}

/// Trust, link and zones, signature and approvals of a batch.
pub(crate) fn authenticate_batch(
    layout: &Layout<'_>,
    signature: &[u8],
    statement: &BatchStatement,
    expect: &Expect<'_>,
) -> Result<(), FormatError> {
    let claim = Claim {
        kind: Kind::Batch,
        link: &statement.link,
        from: &statement.from,
        to: &statement.to,
        place: Place::Batch { stream: &statement.stream, epoch: statement.epoch, seq: statement.seq },
    };
    authenticate(layout, signature, &claim, expect)?;
    check_approvals(statement, expect.trust)
}

/// Everything that [`verify_status`] checks.
pub(crate) fn check_status<'a>(
    bytes: &'a [u8],
    expect: &Expect<'_>,
) -> Result<(StatusStatement, Layout<'a>, Tail<'a>), FormatError> {
    let layout = Layout::read(bytes, Kind::Status)?;
    let statement = status_header::read(layout.statement.clone())?;
    layout.envelope.check_plain(statement.plain)?;
    let tail = layout.tail()?;
    let claim = Claim {
        kind: Kind::Status,
        link: &statement.link,
        from: &statement.from,
        to: &statement.to,
        place: Place::Status { number: statement.number },
    };
    authenticate(&layout, tail.signature, &claim, expect)?;
    check_chunks(&layout.envelope, tail.body)?;
    Ok((statement, layout, tail))
}

pub(crate) fn read_batch(bytes: &[u8]) -> Result<(BatchStatement, Layout<'_>, Tail<'_>), FormatError> {
    let layout = Layout::read(bytes, Kind::Batch)?;
    let statement = batch_header::read(layout.statement.clone())?;
    layout.envelope.check_plain(statement.plain)?;
    let tail = layout.tail()?;
    Ok((statement, layout, tail))
}

/// What a file claims about itself.
struct Claim<'a> {
    kind: Kind,
    link: &'a LinkId,
    from: &'a ZoneName,
    to: &'a ZoneName,
    place: Place<'a>,
}

fn authenticate(
    layout: &Layout<'_>,
    signature: &[u8],
    claim: &Claim<'_>,
    expect: &Expect<'_>,
) -> Result<(), FormatError> {
    let entry = expect.trust.signer_or_revoked(&layout.envelope.signer, claim.kind, SUITE)?;
    if entry.link != *claim.link || expect.link.is_some_and(|link| link != claim.link) {
        return Err(FormatError::WrongLink);
    }
    if entry.zone != *claim.from || expect.from.is_some_and(|zone| zone != claim.from) {
        return Err(FormatError::WrongSender);
    }
    if expect.to.is_some_and(|zone| zone != claim.to) {
        return Err(FormatError::WrongReceiver);
    }
    entry.admit(&claim.place)?;
    entry.sign.verify(layout.signed, signature)
}

fn check_chunks(envelope: &Envelope, body: &[u8]) -> Result<(), FormatError> {
    let sealed_bytes = usize::try_from(envelope.chunk_bytes).map_err(|_| FormatError::Truncated)? + TAG_BYTES;
    for (index, (chunk, digest)) in body.chunks(sealed_bytes).zip(&envelope.chunks).enumerate() {
        if Digest::of(&[chunk]) != *digest {
            return Err(FormatError::DamagedChunk { index });
        }
    }
    Ok(())
}
