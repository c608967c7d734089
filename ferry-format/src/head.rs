//! Heads: what an archive keeps for years of a batch whose rows have left it. Magic, header and trailer stay byte for
//! byte, and so do statement, signature and the digests of the chunks; the chunks themselves are cut out.
//!
//! A head never crosses and is no batch: nothing that reads batches accepts one, and what verifies it is a type of its own. A
//! forger can make a file that has the structure of both; only one of them verifies.

use crate::batch_header;
use crate::error::FormatError;
use crate::layout::Layout;
use crate::magic::Kind;
use crate::verified::Verified;
use crate::verify::{Expect, UnverifiedBatch, authenticate_batch, read_batch};
use crate::{BatchStatement, Digest, KeyId};

/// A head of which the signature is verified: who stated what. That the rows were what it states cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// What it states.
    pub statement: BatchStatement,
    /// Its identity.
    pub digest: Digest,
    /// Whose signature it bears.
    pub signer: KeyId,
}

/// The head of a whole batch file.
///
/// # Errors
/// When the file is not a batch, to its exact end.
pub fn batch_head(bytes: &[u8]) -> Result<Vec<u8>, FormatError> {
    let (_, layout, tail) = read_batch(bytes)?;
    let trailer = &bytes[layout.signed.len() + tail.body.len()..];
    Ok([layout.signed, trailer].concat())
}

/// Reads the structure of a head, to its exact end, without any key.
///
/// # Errors
/// When it is not a head.
pub fn inspect_head(bytes: &[u8]) -> Result<UnverifiedBatch, FormatError> {
    let (statement, layout, _) = read_head(bytes)?;
    let Layout { digest, envelope, .. } = layout;
    Ok(UnverifiedBatch { statement, digest, envelope, file_bytes: bytes.len() as u64 })
}

/// Verifies a head with public keys only, as [`verify_batch`](crate::verify_batch) does a batch, but for the chunks.
///
/// # Errors
/// The first check that fails.
pub fn verify_head(bytes: &[u8], expect: &Expect<'_>) -> Result<Verified<SignedHead>, FormatError> {
    let (statement, layout, signature) = read_head(bytes)?;
    authenticate_batch(&layout, signature, &statement, expect)?;
    Ok(Verified::new(SignedHead { statement, digest: layout.digest, signer: layout.envelope.signer }))
}

fn read_head(bytes: &[u8]) -> Result<(BatchStatement, Layout<'_>, &[u8]), FormatError> {
    let layout = Layout::read(bytes, Kind::Batch)?;
    let statement = batch_header::read(layout.statement.clone())?;
    layout.envelope.check_plain(statement.plain)?;
    let signature = layout.signature_of_head()?;
    Ok((statement, layout, signature))
}
