//! The envelope: how the plaintext of one file is compressed, encrypted and wrapped.

use crate::canon::{Value, object, text};
use crate::chunks::{NONCE_PREFIX_BYTES, TAG_BYTES, chunk_count};
use crate::compress::Compression;
use crate::error::FormatError;
use crate::fields::{Fields, as_text, ascend, bad};
use crate::ident::{hex_decode, hex_encode};
use crate::limits::{
    CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNKS_MAX, COMPRESSED_BYTES_MAX, RECIPIENTS_MAX, WRAPPED_KEY_BYTES_MAX,
};
use crate::{Digest, KeyId, Plain};

/// The one suite: SM2 signatures and key wrapping, SM3, SM4-GCM in STREAM.
pub const SUITE: u16 = 1;

/// The signed part of a header that is new with every sealing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Compressed bytes in every chunk but the last; a power of two.
    pub chunk_bytes: u64,
    /// The SM3 of every sealed chunk, its tag included.
    pub chunks: Vec<Digest>,
    /// The compressed bytes in all chunks, tags not included.
    pub compressed: u64,
    /// How the plaintext is compressed.
    pub compression: Compression,
    /// The first bytes of every chunk's nonce.
    pub nonce: [u8; NONCE_PREFIX_BYTES],
    /// For whom the data key is wrapped, ordered by key id.
    pub recipients: Vec<Recipient>,
    /// Whose signature stands at the end.
    pub signer: KeyId,
}

/// A data key, wrapped for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The key that unwraps it.
    pub key: KeyId,
    /// The SM2 ciphertext in DER.
    pub wrap: Vec<u8>,
}

impl Envelope {
    /// The bytes between header and trailer.
    #[must_use]
    pub fn body_bytes(&self) -> u64 {
        self.compressed + (TAG_BYTES * self.chunks.len()) as u64
    }

    pub(crate) fn write(&self) -> Value {
        let recipients = self
            .recipients
            .iter()
            .map(|recipient| object([("key", text(recipient.key)), ("wrap", text(hex_encode(&recipient.wrap)))]));
        object([
            ("chunk_bytes", Value::Integer(self.chunk_bytes)),
            ("chunks", Value::Array(self.chunks.iter().map(text).collect())),
            ("compressed", Value::Integer(self.compressed)),
            ("compression", text(self.compression.name())),
            ("nonce", text(hex_encode(&self.nonce))),
            ("recipients", Value::Array(recipients.collect())),
            ("signer", text(self.signer)),
            ("suite", Value::Integer(u64::from(SUITE))),
        ])
    }

    pub(crate) fn read(mut fields: Fields) -> Result<Self, FormatError> {
        let suite = fields.integer("suite")?;
        if suite != u64::from(SUITE) {
            return Err(FormatError::UnknownSuite { suite });
        }
        let envelope = Self {
            chunk_bytes: fields.integer("chunk_bytes")?,
            compressed: fields.integer("compressed")?,
            compression: read_compression(&mut fields)?,
            nonce: hex_decode(&fields.text("nonce")?).map_err(|_| fields.refuse("nonce", "must be 14 hex digits"))?,
            recipients: fields.objects("recipients", "recipients", RECIPIENTS_MAX, read_recipient)?,
            signer: fields.parsed("signer")?,
            chunks: read_chunks(&mut fields)?,
        };
        fields.done()?;
        envelope.check()?;
        Ok(envelope)
    }

    pub(crate) fn check(&self) -> Result<(), FormatError> {
        check_chunk_bytes(self.chunk_bytes)?;
        if self.compressed > COMPRESSED_BYTES_MAX {
            return Err(FormatError::Limit { what: "compressed bytes", max: COMPRESSED_BYTES_MAX });
        }
        if chunk_count(self.compressed, self.chunk_bytes) != self.chunks.len() as u64 {
            return Err(FormatError::Inconsistent { reason: "chunks are not as many as compressed bytes need" });
        }
        if self.chunks.len() > CHUNKS_MAX {
            return Err(FormatError::Limit { what: "chunks", max: CHUNKS_MAX as u64 });
        }
        if self.recipients.len() > RECIPIENTS_MAX {
            return Err(FormatError::Limit { what: "recipients", max: RECIPIENTS_MAX as u64 });
        }
        if self.recipients.is_empty() || !ascend(&self.recipients, |recipient| recipient.key) {
            return Err(FormatError::Inconsistent { reason: "recipients do not ascend by key" });
        }
        Ok(())
    }

    /// Checks the envelope against what the statement says of the plaintext.
    pub(crate) fn check_plain(&self, plain: Plain) -> Result<(), FormatError> {
        match self.compression {
            Compression::None if self.compressed != plain.bytes => {
                Err(FormatError::Inconsistent { reason: "uncompressed bytes are not as many as plain bytes" })
            }
            Compression::None | Compression::Zstd => Ok(()),
        }
    }
}

/// Checks the size of a chunk and gives it in the width of the associated data.
pub(crate) fn check_chunk_bytes(chunk_bytes: u64) -> Result<u32, FormatError> {
    let error = bad("envelope.chunk_bytes", "must be a power of two within its limits");
    if !(CHUNK_BYTES_MIN..=CHUNK_BYTES_MAX).contains(&chunk_bytes) || !chunk_bytes.is_power_of_two() {
        return Err(error);
    }
    u32::try_from(chunk_bytes).map_err(|_| error)
}

fn read_compression(fields: &mut Fields) -> Result<Compression, FormatError> {
    let name = fields.text("compression")?;
    Compression::of_name(&name).ok_or_else(|| fields.refuse("compression", "must be zstd or none"))
}

fn read_recipient(fields: &mut Fields) -> Result<Recipient, FormatError> {
    Ok(Recipient { key: fields.parsed("key")?, wrap: fields.hex("wrap", WRAPPED_KEY_BYTES_MAX)? })
}

fn read_chunks(fields: &mut Fields) -> Result<Vec<Digest>, FormatError> {
    let values = fields.array("chunks", "chunks", CHUNKS_MAX)?;
    let path = || fields.at("chunks");
    let read_one = |value| as_text(value, path)?.parse().map_err(|_| bad(&path(), "must be SM3 digests in hex"));
    values.into_iter().map(read_one).collect()
}
