//! Small signed objects as text: magic line, header line, signature in hex, end. Cards, acts, checkpoints and
//! revocations have this shape.

use crate::canon::{self, Value};
use crate::error::{FormatError, SealError};
use crate::ident::{hex_decode_vec, hex_encode};
use crate::keys::{KeyProvider, PublicKey};
use crate::layout::{check_end, header_line};
use crate::limits::{HEADER_BYTES_MAX, SIGNATURE_BYTES_MAX};
use crate::magic::{Kind, MAGIC_BYTES, strip};

/// A small signed object that was read, and not yet verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedLine<'a> {
    /// The header.
    pub value: Value,
    /// From the first byte of the magic to the newline of the header.
    pub signed: &'a [u8],
    /// The header line with its newline.
    pub line: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> SignedLine<'a> {
    /// Reads a signed object of `kind`.
    ///
    /// # Errors
    /// When it is of another kind, or not spelled exactly as [`write_signed_line`] does.
    pub fn read(bytes: &'a [u8], kind: Kind) -> Result<Self, FormatError> {
        let header = header_line(strip(bytes, kind)?)?;
        let value = canon::parse(header)?;
        let (signed, rest) = bytes.split_at(MAGIC_BYTES + header.len() + 1);
        let length = rest.iter().take(2 * SIGNATURE_BYTES_MAX + 1).position(|byte| *byte == b'\n');
        let Some(length) = length else {
            let short = rest.len() <= 2 * SIGNATURE_BYTES_MAX;
            return Err(if short { FormatError::Truncated } else { FormatError::SignatureEncoding });
        };
        let (hex, end) = rest.split_at(length);
        let hex = core::str::from_utf8(hex).map_err(|_| FormatError::SignatureEncoding)?;
        let signature = hex_decode_vec(hex).map_err(|_| FormatError::SignatureEncoding)?;
        check_end(end)?;
        Ok(Self { value, signed, line: &signed[MAGIC_BYTES..], signature })
    }

    /// Verifies the signature.
    ///
    /// # Errors
    /// [`FormatError::SignatureEncoding`] or [`FormatError::BadSignature`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), FormatError> {
        key.verify(self.signed, &self.signature)
    }
}

/// Signs `value` as an object of `kind`.
///
/// # Errors
/// When the value is not canonical or too long, or the key provider fails.
pub fn write_signed_line(kind: Kind, value: &Value, keys: &dyn KeyProvider) -> Result<Vec<u8>, SealError> {
    let mut out = signed_part(kind, value)?;
    let signature = keys.sign(&out)?;
    out.extend_from_slice(hex_encode(&signature).as_bytes());
    out.extend_from_slice(crate::magic::END_MAGIC);
    Ok(out)
}

/// The bytes that are signed for `value` as an object of `kind`.
///
/// # Errors
/// When the value is not canonical or too long.
pub fn signed_part(kind: Kind, value: &Value) -> Result<Vec<u8>, FormatError> {
    let header = canon::write(value);
    if header.len() >= HEADER_BYTES_MAX {
        return Err(FormatError::Limit { what: "header bytes", max: HEADER_BYTES_MAX as u64 });
    }
    canon::parse(&header)?;
    let mut out = kind.magic().to_vec();
    out.extend_from_slice(&header);
    out.push(b'\n');
    Ok(out)
}
