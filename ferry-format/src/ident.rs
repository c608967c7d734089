//! Identifiers: names of zones, links and streams, and random ids, each valid by construction.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use crate::limits::{LINK_ID_BYTES_MAX, STREAM_NAME_BYTES_MAX, ZONE_NAME_BYTES_MAX};

/// Why a text is not the identifier that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentError {
    /// The text is empty or longer than the identifier may be.
    #[error("must have 1 to {max} characters")]
    Length {
        /// The longest length allowed, in bytes.
        max: usize,
    },
    /// The text has a character that the identifier may not have.
    #[error("must begin with a-z and go on with a-z, 0-9 or _")]
    Character,
    /// The text is not lower-case hex of the right length.
    #[error("must be {digits} lower-case hex digits")]
    Hex {
        /// How many digits there must be.
        digits: usize,
    },
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Arc<str>);

        impl $type {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = IdentError;

            fn from_str(text: &str) -> Result<Self, IdentError> {
                check_name(text, $max)?;
                Ok(Self(Arc::from(text)))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($type), &self.0)
            }
        }
    };
}

name!(
    /// The name of a zone, such as `inner` or `outer`.
    ZoneName,
    ZONE_NAME_BYTES_MAX
);
name!(
    /// The id of a link: a pair of zones that ferry to each other.
    LinkId,
    LINK_ID_BYTES_MAX
);
name!(
    /// The name of a stream, such as `confirm`.
    StreamName,
    STREAM_NAME_BYTES_MAX
);

macro_rules! random_id {
    ($(#[$doc:meta])* $type:ident, $bytes:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(pub [u8; $bytes]);

        impl FromStr for $type {
            type Err = IdentError;

            fn from_str(text: &str) -> Result<Self, IdentError> {
                hex_decode(text).map(Self)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($type))
            }
        }
    };
}

random_id!(
    /// The random id of one life of a zone's database; a copy restored elsewhere has the same, a new install another.
    Instance,
    16
);
random_id!(
    /// A random number drawn at every start of a zone's daemon.
    BootNonce,
    16
);
random_id!(
    /// The random id of an operator's act.
    ActId,
    16
);
random_id!(
    /// The random id of an epoch, a life of a stream.
    EpochId,
    8
);

fn check_name(text: &str, max: usize) -> Result<(), IdentError> {
    if text.is_empty() || text.len() > max {
        return Err(IdentError::Length { max });
    }
    let bytes = text.as_bytes();
    let tail_ok = bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_');
    if !bytes[0].is_ascii_lowercase() || !tail_ok {
        return Err(IdentError::Character);
    }
    Ok(())
}

/// Decodes exactly `N` bytes of lower-case hex.
///
/// # Errors
/// When the text is not `2 * N` lower-case hex digits.
pub fn hex_decode<const N: usize>(text: &str) -> Result<[u8; N], IdentError> {
    let error = IdentError::Hex { digits: 2 * N };
    let bytes = text.as_bytes();
    if bytes.len() != 2 * N {
        return Err(error);
    }
    let mut out = [0; N];
    for (slot, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
        *slot = (nibble(pair[0]).ok_or(error)? << 4) | nibble(pair[1]).ok_or(error)?;
    }
    Ok(out)
}

/// Decodes lower-case hex of any even length.
///
/// # Errors
/// When the text has an odd length or another character.
pub fn hex_decode_vec(text: &str) -> Result<Vec<u8>, IdentError> {
    let error = IdentError::Hex { digits: text.len().next_multiple_of(2) };
    if !text.len().is_multiple_of(2) {
        return Err(error);
    }
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| Ok((nibble(pair[0]).ok_or(error)? << 4) | nibble(pair[1]).ok_or(error)?))
        .collect()
}

/// The lower-case hex of `bytes`.
#[must_use]
pub fn hex_encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str(&hex_encode(bytes))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        0..b'0' | b':'..b'a' | b'g'..=u8::MAX => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_by_construction() {
        assert!("inner".parse::<ZoneName>().is_ok());
        assert_eq!("".parse::<ZoneName>(), Err(IdentError::Length { max: ZONE_NAME_BYTES_MAX }));
        assert_eq!("Inner".parse::<ZoneName>(), Err(IdentError::Character));
        assert_eq!("a-b".parse::<StreamName>(), Err(IdentError::Character));
        assert_eq!("1a".parse::<LinkId>(), Err(IdentError::Character));
    }

    #[test]
    fn hex_is_lower_case_and_of_exact_length() {
        assert_eq!(hex_decode::<2>("0aff"), Ok([0x0a, 0xff]));
        assert!(hex_decode::<2>("0aFF").is_err());
        assert!(hex_decode::<2>("0aff0").is_err());
        assert_eq!(hex_encode(&[0x0a, 0xff]), "0aff");
        assert_eq!(hex_decode_vec("0aff"), Ok(vec![0x0a, 0xff]));
    }
}
