//! File names. A name is a hint to people and directories; only the signed header counts.

use core::fmt;
use core::str::FromStr;

use crate::batch_header::STATUS_STREAM;
use crate::error::FormatError;
use crate::limits::{ATTEMPT_MAX, EPOCH_MAX, FILE_NAME_BYTES_MAX, SEQ_MAX};
use crate::{BatchStatement, Digest, StatusStatement, StreamName, ZoneName};

/// A file name: `f1-<from>-<to>-<stream>-<epoch>-<seq>-a<attempt>-<digest>.<extension>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    /// The sender.
    pub from: ZoneName,
    /// The receiver.
    pub to: ZoneName,
    /// What the file is.
    pub kind: NameKind,
    /// How often it was published, this time included; from 1.
    pub attempt: u32,
    /// The first eight hex digits of the statement's digest.
    pub digest8: String,
    /// What the gate wants to see behind the dot: one to four of a-z and 0-9.
    pub extension: String,
}

/// What a file name says that the file is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// A batch.
    Batch {
        /// Its stream; never `status`.
        stream: StreamName,
        /// Its epoch.
        epoch: u64,
        /// Its seq.
        seq: u64,
    },
    /// A status.
    Status {
        /// Its number.
        number: u64,
    },
}

impl FileName {
    /// The name of a batch file.
    ///
    /// # Errors
    /// [`FormatError::BadName`] when a part does not fit the grammar.
    pub fn of_batch(
        statement: &BatchStatement,
        digest: &Digest,
        attempt: u32,
        extension: &str,
    ) -> Result<Self, FormatError> {
        let kind = NameKind::Batch { stream: statement.stream.clone(), epoch: statement.epoch, seq: statement.seq };
        Self::new(statement.from.clone(), statement.to.clone(), kind, attempt, digest, extension)
    }

    /// The name of a status file.
    ///
    /// # Errors
    /// [`FormatError::BadName`] when a part does not fit the grammar.
    pub fn of_status(
        statement: &StatusStatement,
        digest: &Digest,
        attempt: u32,
        extension: &str,
    ) -> Result<Self, FormatError> {
        let kind = NameKind::Status { number: statement.number };
        Self::new(statement.from.clone(), statement.to.clone(), kind, attempt, digest, extension)
    }

    /// A name of parts that fit the grammar.
    ///
    /// # Errors
    /// [`FormatError::BadName`] when one does not.
    pub fn new(
        from: ZoneName,
        to: ZoneName,
        kind: NameKind,
        attempt: u32,
        digest: &Digest,
        extension: &str,
    ) -> Result<Self, FormatError> {
        let name = Self { from, to, kind, attempt, digest8: digest.short(), extension: extension.to_owned() };
        name.check()?;
        Ok(name)
    }

    fn check(&self) -> Result<(), FormatError> {
        let kind_ok = match &self.kind {
            NameKind::Batch { stream, epoch, seq } => {
                stream.as_str() != STATUS_STREAM && (1..=EPOCH_MAX).contains(epoch) && (1..=SEQ_MAX).contains(seq)
            }
            NameKind::Status { number } => (1..=SEQ_MAX).contains(number),
        };
        let attempt_ok = (1..=ATTEMPT_MAX).contains(&self.attempt);
        let digest_ok = self.digest8.len() == 8 && self.digest8.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let extension_ok = (1..=4).contains(&self.extension.len())
            && self.extension.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if kind_ok && attempt_ok && digest_ok && extension_ok && self.from != self.to {
            return Ok(());
        }
        Err(FormatError::BadName)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stream, epoch, seq) = match &self.kind {
            NameKind::Batch { stream, epoch, seq } => (stream.as_str(), *epoch, *seq),
            NameKind::Status { number } => (STATUS_STREAM, 0, *number),
        };
        let Self { from, to, attempt, digest8, extension, .. } = self;
        write!(f, "f1-{from}-{to}-{stream}-{epoch:08}-{seq:012}-a{attempt}-{digest8}.{extension}")
    }
}

impl FromStr for FileName {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        if text.len() > FILE_NAME_BYTES_MAX {
            return Err(FormatError::BadName);
        }
        let name = parse(text).ok_or(FormatError::BadName)?;
        name.check()?;
        // Numbers have one width or no leading zero, so a name has one spelling.
        if name.to_string() != text {
            return Err(FormatError::BadName);
        }
        Ok(name)
    }
}

fn parse(text: &str) -> Option<FileName> {
    let (stem, extension) = text.split_once('.')?;
    let parts: Vec<&str> = stem.split('-').collect();
    let ["f1", from, to, stream, epoch, seq, attempt, digest8] = parts.as_slice() else { return None };
    let epoch: u64 = epoch.parse().ok()?;
    let seq: u64 = seq.parse().ok()?;
    let kind = match *stream {
        STATUS_STREAM => NameKind::Status { number: seq },
        stream => NameKind::Batch { stream: stream.parse().ok()?, epoch, seq },
    };
    Some(FileName {
        from: from.parse().ok()?,
        to: to.parse().ok()?,
        kind,
        attempt: attempt.strip_prefix('a')?.parse().ok()?,
        digest8: (*digest8).to_owned(),
        extension: extension.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_and_written_back() {
        let names = [
            "f1-outer-inner-confirm-00000001-000000000042-a1-0123abcd.dat",
            "f1-inner-outer-status-00000000-000000000007-a12-ffffffff.x",
            "f1-abcdefgh-ijklmnop-abcdefghijkl-99999999-999999999999-a999999999-0123abcd.xml1",
        ];
        for name in names {
            assert_eq!(name.parse::<FileName>().unwrap().to_string(), name);
            assert!(name.len() <= FILE_NAME_BYTES_MAX);
        }
    }

    #[test]
    fn any_other_name_is_refused() {
        let names = [
            "",
            "f1",
            "f2-outer-inner-confirm-00000001-000000000042-a1-0123abcd.dat",
            "f1-outer-outer-confirm-00000001-000000000042-a1-0123abcd.dat",
            "f1-Outer-inner-confirm-00000001-000000000042-a1-0123abcd.dat",
            "f1-outer-inner-confirm-1-000000000042-a1-0123abcd.dat",
            "f1-outer-inner-confirm-00000001-42-a1-0123abcd.dat",
            "f1-outer-inner-confirm-00000001-000000000042-a01-0123abcd.dat",
            "f1-outer-inner-confirm-00000001-000000000042-a+1-0123abcd.dat",
            "f1-outer-inner-confirm-00000001-000000000042-a0-0123abcd.dat",
            "f1-outer-inner-confirm-00000001-000000000042-a1-0123ABCD.dat",
            "f1-outer-inner-confirm-00000001-000000000042-a1-0123abcd.tar.gz",
            "f1-outer-inner-confirm-00000001-000000000042-a1-0123abcd.",
            "f1-outer-inner-confirm-00000001-000000000042-a1-0123abcd.datum",
            "f1-outer-inner-confirm-00000001-000000000042-a1-0123abcd",
            "f1-outer-inner-confirm-00000000-000000000042-a1-0123abcd.dat",
            "f1-outer-inner-status-00000001-000000000042-a1-0123abcd.dat",
            "f1-outer-inner-../../x-00000001-000000000042-a1-0123abcd.dat",
        ];
        for name in names {
            assert_eq!(name.parse::<FileName>(), Err(FormatError::BadName), "{name}");
        }
    }
}
