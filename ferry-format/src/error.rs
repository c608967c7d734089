//! Why a file, a card or a trust file is refused. Each reason has a stable code, listed in `docs/format.md`.

use thiserror::Error;

use crate::entropy::EntropyError;
use crate::keys::KeyError;
use crate::records::RecordError;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The file does not begin with a magic line of ours.
    #[error("the file is not one of ours")]
    UnknownMagic,
    /// The file is of a format version that this reader does not know.
    #[error("the file has a format version that this program cannot read")]
    UnknownVersion,
    /// The file is ours, but of another kind than was asked for.
    #[error("the file is of another kind")]
    WrongKind,
    /// The file ends too early.
    #[error("the file ends too early")]
    Truncated,
    /// The file goes on after its end.
    #[error("the file goes on after its end")]
    TrailingBytes,
    /// The end magic is not where the header says that the file ends.
    #[error("the end mark is missing")]
    BadEnd,
    /// Something is larger than its named maximum.
    #[error("{what} exceeds the limit of {max}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// The maximum, in the unit of its constant.
        max: u64,
    },
    /// The JSON is not in the canonical form.
    #[error("not canonical at byte {at}: {reason}")]
    NotCanonical {
        /// The byte, from the start of the JSON.
        at: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// An object has a key that the format does not know.
    #[error("unknown field {field}")]
    UnknownField {
        /// The path of the field.
        field: String,
    },
    /// An object lacks a key.
    #[error("missing field {field}")]
    MissingField {
        /// The path of the field.
        field: String,
    },
    /// A field has a value that it may not have.
    #[error("bad value of {field}: {reason}")]
    BadValue {
        /// The path of the field.
        field: String,
        /// What the value should be.
        reason: &'static str,
    },
    /// Two fields contradict each other.
    #[error("the header contradicts itself: {reason}")]
    Inconsistent {
        /// Which rule is broken.
        reason: &'static str,
    },
    /// The cryptographic suite is not known.
    #[error("unknown suite {suite}")]
    UnknownSuite {
        /// Its number.
        suite: u64,
    },
    /// A public key is not an SM2 key in canonical SPKI DER.
    #[error("not an SM2 public key")]
    BadKey,
    /// A private key is not an SM2 key in PKCS#8 PEM.
    #[error("not an SM2 private key in PKCS#8 PEM")]
    BadPrivateKey,
    /// The signer is not in the trust file.
    #[error("signed by a key that is not trusted")]
    UnknownSigner,
    /// The signer's key is announced, but no operator has confirmed it.
    #[error("signed by a key that is announced but not confirmed")]
    AnnouncedKey,
    /// The signer's key is revoked, and the object is above the last good one.
    #[error("signed by a revoked key")]
    RevokedKey,
    /// The signer's key may not sign this kind of object, or not with this suite.
    #[error("the signer's key may not sign this kind of object")]
    NotPermitted,
    /// The object belongs to another link.
    #[error("belongs to another link")]
    WrongLink,
    /// The object does not come from the zone that it should.
    #[error("comes from another zone")]
    WrongSender,
    /// The object is for another zone.
    #[error("is for another zone")]
    WrongReceiver,
    /// The signature is not strict DER.
    #[error("the signature is not strict DER")]
    SignatureEncoding,
    /// The signature does not fit the signed bytes.
    #[error("the signature does not verify")]
    BadSignature,
    /// An operator's approval is not by a trusted operator, or does not verify.
    #[error("an operator's approval does not verify")]
    BadApproval,
    /// An act has fewer signatures than its deed needs.
    #[error("the act needs the signatures of {needed} operators")]
    TooFewApprovals {
        /// How many operators must have signed.
        needed: u64,
    },
    /// A chunk is not what was signed: the file was modified in transit.
    #[error("chunk {index} was modified in transit")]
    DamagedChunk {
        /// Which chunk, from 0.
        index: usize,
    },
    /// The file is not sealed to any key that we hold.
    #[error("not sealed to a key of this zone")]
    NotARecipient,
    /// The data key could not be unwrapped.
    #[error("the data key could not be unwrapped: {0}")]
    Unwrap(KeyError),
    /// A chunk does not decrypt, although it is what was signed.
    #[error("chunk {index} does not decrypt")]
    Undecryptable {
        /// Which chunk, from 0.
        index: usize,
    },
    /// The compressed records are not exactly one plain zstd frame of the stated size.
    #[error("bad compression: {reason}")]
    BadCompression {
        /// What is wrong.
        reason: &'static str,
    },
    /// The records are shorter or longer than stated.
    #[error("the records have another length than stated")]
    PlainLength,
    /// The records are not those that were stated.
    #[error("the records have another digest than stated")]
    PlainDigest,
    /// A record is not canonical.
    #[error("record {index}: {error}")]
    BadRecord {
        /// Which record, from 0.
        index: u64,
        /// What is wrong with it.
        error: RecordError,
    },
    /// The counts of the statement are not those of the records.
    #[error("the statement counts other records than there are")]
    CountMismatch,
    /// A file name is not of the grammar.
    #[error("the file name is not of the grammar")]
    BadName,
    /// The text around the file is not as the carrier writes it.
    #[error("the carrier's text is not as it writes it")]
    BadCarrier,
    /// The serialised head of an audit log is damaged.
    #[error("the head of the audit log is damaged")]
    BadFrontier,
}

impl FormatError {
    /// The stable code of the reason, in kebab case, for logs, status files and tests.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownMagic => "unknown-magic",
            Self::UnknownVersion => "unknown-version",
            Self::WrongKind => "wrong-kind",
            Self::Truncated => "truncated",
            Self::TrailingBytes => "trailing-bytes",
            Self::BadEnd => "bad-end",
            Self::Limit { .. } => "limit",
            Self::NotCanonical { .. } => "not-canonical",
            Self::UnknownField { .. } => "unknown-field",
            Self::MissingField { .. } => "missing-field",
            Self::BadValue { .. } => "bad-value",
            Self::Inconsistent { .. } => "inconsistent",
            Self::UnknownSuite { .. } => "unknown-suite",
            Self::BadKey => "bad-key",
            Self::BadPrivateKey => "bad-private-key",
            Self::UnknownSigner => "unknown-signer",
            Self::AnnouncedKey => "announced-key",
            Self::RevokedKey => "revoked-key",
            Self::NotPermitted => "not-permitted",
            Self::WrongLink => "wrong-link",
            Self::WrongSender => "wrong-sender",
            Self::WrongReceiver => "wrong-receiver",
            Self::SignatureEncoding => "signature-encoding",
            Self::BadSignature => "bad-signature",
            Self::BadApproval => "bad-approval",
            Self::TooFewApprovals { .. } => "too-few-approvals",
            Self::DamagedChunk { .. } => "damaged-chunk",
            Self::NotARecipient => "not-a-recipient",
            Self::Unwrap(KeyError::Unavailable { .. }) => "key-unavailable",
            Self::Unwrap(KeyError::Unknown | KeyError::Refused) => "unwrap-failed",
            Self::Undecryptable { .. } => "undecryptable",
            Self::BadCompression { .. } => "bad-compression",
            Self::PlainLength => "plain-length",
            Self::PlainDigest => "plain-digest",
            Self::BadRecord { .. } => "bad-record",
            Self::CountMismatch => "count-mismatch",
            Self::BadName => "bad-name",
            Self::BadCarrier => "bad-carrier",
            Self::BadFrontier => "bad-frontier",
        }
    }
}

/// Why nothing was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SealError {
    /// A reader would refuse the result.
    #[error("a reader would refuse it: {0}")]
    Refused(#[from] FormatError),
    /// The statement's plain length and digest are not those of the payload.
    #[error("the statement is about another payload")]
    OtherPayload,
    /// The key provider did not sign.
    #[error("not signed: {0}")]
    Key(#[from] KeyError),
    /// There was no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The compressor failed.
    #[error("the compressor failed")]
    Compressor,
}
