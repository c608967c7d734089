//! The magic lines: the first bytes of every signed object, inside what is signed, so that no signature under one
//! kind can pass for another.

use crate::error::FormatError;

/// The length of every magic line, its newline included.
pub const MAGIC_BYTES: usize = 16;
/// The last bytes of every file.
pub const END_MAGIC: &[u8] = b"\nferry/1 end\n";

/// The kinds of signed objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Rows of one stream.
    Batch,
    /// What a zone has, holds and lacks.
    Status,
    /// The public keys of a zone or an operator.
    Card,
    /// The head of an audit log.
    Checkpoint,
    /// What an operator decided.
    Act,
    /// The end of trust in a key.
    Revocation,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Batch, Self::Status, Self::Card, Self::Checkpoint, Self::Act, Self::Revocation];

    /// The kind's name in a trust file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Status => "status",
            Self::Card => "card",
            Self::Checkpoint => "checkpoint",
            Self::Act => "act",
            Self::Revocation => "revocation",
        }
    }

    /// The kind's magic line.
    #[must_use]
    pub fn magic(self) -> &'static [u8; MAGIC_BYTES] {
        match self {
            Self::Batch => b"ferry/1 batch  \n",
            Self::Status => b"ferry/1 status \n",
            Self::Card => b"ferry/1 card   \n",
            Self::Checkpoint => b"ferry/1 checkp \n",
            Self::Act => b"ferry/1 act    \n",
            Self::Revocation => b"ferry/1 revoke \n",
        }
    }
}

/// Tells the kind of a file by its first [`MAGIC_BYTES`] bytes. Nothing is verified.
///
/// # Errors
/// [`FormatError::Truncated`] when `prefix` is too short to tell, [`FormatError::UnknownVersion`] for a version that
/// is not known, [`FormatError::UnknownMagic`] for anything else.
pub fn peek(prefix: &[u8]) -> Result<Kind, FormatError> {
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| prefix.starts_with(kind.magic())) {
        return Ok(kind);
    }
    if prefix.len() < MAGIC_BYTES && Kind::ALL.into_iter().any(|kind| kind.magic().starts_with(prefix)) {
        return Err(FormatError::Truncated);
    }
    if prefix.starts_with(b"ferry/") && !prefix.starts_with(b"ferry/1 ") {
        return Err(FormatError::UnknownVersion);
    }
    Err(FormatError::UnknownMagic)
}

/// What follows the magic line of `kind`.
pub(crate) fn strip(bytes: &[u8], kind: Kind) -> Result<&[u8], FormatError> {
    if peek(bytes)? != kind {
        return Err(FormatError::WrongKind);
    }
    Ok(&bytes[MAGIC_BYTES..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_lines_are_distinct_and_found() {
        for kind in Kind::ALL {
            assert_eq!(peek(kind.magic()), Ok(kind));
            assert_eq!(peek(&kind.magic()[..8]), Err(FormatError::Truncated));
        }
        assert_eq!(peek(b"ferry/2 batch  \n"), Err(FormatError::UnknownVersion));
        assert_eq!(peek(b"ferry/1 butch  \n"), Err(FormatError::UnknownMagic));
        assert_eq!(peek(b"PK\x03\x04"), Err(FormatError::UnknownMagic));
    }
}
