//! Seals batches and status files.

use crate::batch_header;
use crate::canon::{self, Value};
use crate::chunks::{Stream, TAG_BYTES, chunk_count};
use crate::compress::{Compression, compress};
use crate::entropy::{Entropy, fresh};
use crate::envelope::{Envelope, Recipient, check_chunk_bytes};
use crate::error::{FormatError, SealError};
use crate::keys::{DataKey, KeyProvider, PublicKey, strict_signature};
use crate::layout::{statement_digest, write_signed};
use crate::limits::{CHUNK_BYTES_DEFAULT, CHUNKS_MAX, SALT_BYTES};
use crate::magic::{END_MAGIC, Kind};
use crate::open::{Batch, check_records};
use crate::payload::{Payload, plain_of};
use crate::verified::Verified;
use crate::{BatchStatement, Digest, StatusBody, StatusStatement, status_body, status_header};

/// How a file is sealed.
#[derive(Clone, Copy)]
pub struct Sealing<'a> {
    /// Who signs.
    pub keys: &'a dyn KeyProvider,
    /// Who can open it: the peer, the sender itself, perhaps an auditor. In any order.
    pub recipients: &'a [PublicKey],
    /// Compressed bytes in a chunk; a power of two from `CHUNK_BYTES_MIN` to `CHUNK_BYTES_MAX`.
    pub chunk_bytes: u64,
    /// Whether the plaintext is compressed.
    pub compression: Compression,
}

impl<'a> Sealing<'a> {
    /// Seals with the default chunk size and with compression.
    #[must_use]
    pub fn new(keys: &'a dyn KeyProvider, recipients: &'a [PublicKey]) -> Self {
        Self { keys, recipients, chunk_bytes: CHUNK_BYTES_DEFAULT, compression: Compression::Zstd }
    }
}

/// A file, ready to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The identity of its statement.
    pub digest: Digest,
}

/// Seals a batch. Entropy is drawn in this order: data key (16 bytes), nonce prefix (7), then what wrapping takes for
/// each recipient in the order of key ids.
///
/// # Errors
/// When the statement is not about the payload, a reader would refuse the result, or keys or entropy fail.
pub fn seal_batch(
    statement: &BatchStatement,
    payload: &Payload,
    sealing: &Sealing<'_>,
    entropy: &mut dyn Entropy,
) -> Result<Sealed, SealError> {
    if statement.plain != payload.plain() {
        return Err(SealError::OtherPayload);
    }
    let value = batch_header::write(statement);
    batch_header::read(canon::parse(&canon::write(&value))?)?;
    check_records(statement, payload)?;
    seal(Kind::Batch, value, payload.as_bytes(), sealing, entropy)
}

/// Seals a batch again: the same statement and plaintext under a fresh key, envelope and signature.
///
/// # Errors
/// When a reader would refuse the result, or keys or entropy fail.
pub fn reseal_batch(
    batch: &Verified<Batch>,
    sealing: &Sealing<'_>,
    entropy: &mut dyn Entropy,
) -> Result<Sealed, SealError> {
    seal_batch(&batch.statement, &batch.payload, sealing, entropy)
}

/// Seals a status; `statement.plain` is computed here, whatever it holds. Entropy is drawn as for a batch, after 32
/// bytes of salt.
///
/// # Errors
/// When a reader would refuse the result, or keys or entropy fail.
pub fn seal_status(
    statement: &StatusStatement,
    body: &StatusBody,
    sealing: &Sealing<'_>,
    entropy: &mut dyn Entropy,
) -> Result<Sealed, SealError> {
    let line = canon::write(&status_body::write(body));
    status_body::read(canon::parse(&line)?)?;
    let mut plain = fresh::<SALT_BYTES>(entropy)?.to_vec();
    plain.extend_from_slice(&line);
    plain.push(b'\n');
    let mut statement = statement.clone();
    statement.plain = plain_of(&plain);
    let value = status_header::write(&statement);
    status_header::read(canon::parse(&canon::write(&value))?)?;
    seal(Kind::Status, value, &plain, sealing, entropy)
}

fn seal(
    kind: Kind,
    statement: Value,
    plain: &[u8],
    sealing: &Sealing<'_>,
    entropy: &mut dyn Entropy,
) -> Result<Sealed, SealError> {
    let chunk_bytes = check_chunk_bytes(sealing.chunk_bytes)?;
    let compressed = compress(sealing.compression, plain)?;
    let length = compressed.len() as u64;
    if chunk_count(length, sealing.chunk_bytes) > CHUNKS_MAX as u64 {
        return Err(FormatError::Limit { what: "chunks", max: CHUNKS_MAX as u64 }.into());
    }
    let digest = statement_digest(kind, &statement);
    let key = DataKey(fresh(entropy)?);
    let nonce = fresh(entropy)?;
    let recipients = wrap(&key, sealing.recipients, entropy)?;
    let (body, chunks) = encrypt(&Stream::new(&key, nonce, digest, chunk_bytes), &compressed, chunk_bytes)?;
    let envelope = Envelope {
        chunk_bytes: sealing.chunk_bytes,
        chunks,
        compressed: length,
        compression: sealing.compression,
        nonce,
        recipients,
        signer: sealing.keys.sign_key_id(),
    };
    envelope.check()?;
    let mut bytes = write_signed(kind, &envelope, statement)?;
    let signature = sealing.keys.sign(&bytes)?;
    strict_signature(&signature)?;
    bytes.reserve_exact(body.len() + 1 + signature.len() + END_MAGIC.len());
    bytes.extend_from_slice(&body);
    bytes.push(u8::try_from(signature.len()).map_err(|_| FormatError::SignatureEncoding)?);
    bytes.extend_from_slice(&signature);
    bytes.extend_from_slice(END_MAGIC);
    Ok(Sealed { bytes, digest })
}

fn wrap(key: &DataKey, to: &[PublicKey], entropy: &mut dyn Entropy) -> Result<Vec<Recipient>, SealError> {
    let mut to: Vec<&PublicKey> = to.iter().collect();
    to.sort_by_key(|key| key.id());
    to.into_iter().map(|to| Ok(Recipient { key: to.id(), wrap: to.wrap(key, entropy)? })).collect()
}

fn encrypt(stream: &Stream, compressed: &[u8], chunk_bytes: u32) -> Result<(Vec<u8>, Vec<Digest>), SealError> {
    let size = usize::try_from(chunk_bytes).map_err(|_| FormatError::Truncated)?;
    let count = compressed.len().div_ceil(size).max(1);
    let mut body = Vec::with_capacity(compressed.len() + count * TAG_BYTES);
    let mut digests = Vec::with_capacity(count);
    for index in 0..count {
        let start = body.len();
        let from = index * size;
        body.extend_from_slice(&compressed[from..compressed.len().min(from + size)]);
        let place = u32::try_from(index).map_err(|_| FormatError::Limit { what: "chunks", max: CHUNKS_MAX as u64 })?;
        let tag = stream.encrypt(place, index + 1 == count, &mut body[start..]);
        body.extend_from_slice(&tag);
        digests.push(Digest::of(&[&body[start..]]));
    }
    Ok((body, digests))
}
