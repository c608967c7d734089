//! Carriers: how a whole file is spelled for gates that pass only text or XML.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::FormatError;

/// How a file is spelled for a gate. A carrier proves nothing; what it carries is verified by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carrier {
    /// The bytes themselves.
    Raw,
    /// Base64 (RFC 4648) in lines of 76 characters that each end in a newline.
    Base64,
    /// The same lines within a fixed XML template.
    Xml,
}

const LINE_CHARS: usize = 76;
const LINE_BYTES: usize = 57;
const XML_HEAD: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ferry version=\"1\" encoding=\"base64\">\n";
const XML_TAIL: &[u8] = b"</ferry>\n";

impl Carrier {
    /// All carriers.
    pub const ALL: [Self; 3] = [Self::Raw, Self::Base64, Self::Xml];

    /// The name in a gate profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Base64 => "base64",
            Self::Xml => "xml",
        }
    }

    /// Spells a file.
    #[must_use]
    pub fn encode(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Raw => bytes.to_vec(),
            Self::Base64 => encode_lines(bytes, b"", b""),
            Self::Xml => encode_lines(bytes, XML_HEAD, XML_TAIL),
        }
    }

    /// Reads a file of at most `max` bytes back.
    ///
    /// # Errors
    /// [`FormatError::Limit`] when it is larger, [`FormatError::BadCarrier`] when it is not spelled exactly as
    /// [`Carrier::encode`] does.
    pub fn decode(self, text: &[u8], max: usize) -> Result<Cow<'_, [u8]>, FormatError> {
        match self {
            Self::Raw if text.len() > max => Err(too_large(max)),
            Self::Raw => Ok(Cow::Borrowed(text)),
            Self::Base64 => decode_lines(text, max).map(Cow::Owned),
            Self::Xml => {
                let inside = text.strip_prefix(XML_HEAD).and_then(|rest| rest.strip_suffix(XML_TAIL));
                decode_lines(inside.ok_or(FormatError::BadCarrier)?, max).map(Cow::Owned)
            }
        }
    }

    /// How many bytes a file of `bytes` bytes has when it is spelled.
    #[must_use]
    pub fn encoded_bytes(self, bytes: u64) -> u64 {
        let chars = bytes.div_ceil(3) * 4;
        let lines = chars + chars.div_ceil(LINE_CHARS as u64);
        match self {
            Self::Raw => bytes,
            Self::Base64 => lines,
            Self::Xml => lines + (XML_HEAD.len() + XML_TAIL.len()) as u64,
        }
    }
}

fn encode_lines(bytes: &[u8], head: &[u8], tail: &[u8]) -> Vec<u8> {
    let chars = bytes.len().div_ceil(3) * 4;
    let mut out = Vec::with_capacity(head.len() + chars + chars.div_ceil(LINE_CHARS) + tail.len());
    out.extend_from_slice(head);
    for line in bytes.chunks(LINE_BYTES) {
        out.extend_from_slice(STANDARD.encode(line).as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(tail);
    out
}

fn decode_lines(text: &[u8], max: usize) -> Result<Vec<u8>, FormatError> {
    let length = decoded_bytes(text)?;
    if length > max {
        return Err(too_large(max));
    }
    let mut out = Vec::with_capacity(length);
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE_CHARS + 1));
        let line = line.strip_suffix(b"\n").ok_or(FormatError::BadCarrier)?;
        let bytes = STANDARD.decode(line).map_err(|_| FormatError::BadCarrier)?;
        if bytes.is_empty() || (bytes.len() < LINE_BYTES && !after.is_empty()) {
            return Err(FormatError::BadCarrier);
        }
        out.extend_from_slice(&bytes);
        rest = after;
    }
    Ok(out)
}

/// An upper bound of what `text` decodes to, from its length alone.
fn decoded_bytes(text: &[u8]) -> Result<usize, FormatError> {
    let lines = text.len().div_ceil(LINE_CHARS + 1);
    let chars = text.len() - lines;
    let padding = text.iter().rev().skip(1).take(2).filter(|byte| **byte == b'=').count();
    (chars / 4 * 3).checked_sub(padding).ok_or(FormatError::BadCarrier)
}

fn too_large(max: usize) -> FormatError {
    FormatError::Limit { what: "file bytes", max: max as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_back_and_has_the_stated_size() {
        for length in 0..300 {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(length).collect();
            for carrier in Carrier::ALL {
                let text = carrier.encode(&bytes);
                assert_eq!(text.len() as u64, carrier.encoded_bytes(length as u64));
                assert_eq!(carrier.decode(&text, length).unwrap(), bytes);
                if length > 0 {
                    assert_eq!(carrier.decode(&text, length - 1).unwrap_err().code(), "limit");
                }
            }
        }
    }

    #[test]
    fn any_other_spelling_is_refused() {
        let long = Carrier::Base64.encode(&[7; 60]);
        let joined: Vec<u8> = long.iter().copied().filter(|byte| *byte != b'\n').chain(*b"\n").collect();
        let others: &[&[u8]] = &[
            b"\n",
            b"AAAA",
            b"AAA=\r\n",
            b"AAB=\n",
            b"AAA\n",
            b"AA A\n",
            b"AAAA\n\n",
            b"AAAA\nAAAA\n",
            b"AA-_\n",
            &joined,
        ];
        for other in others {
            let error = Carrier::Base64.decode(other, 1000).unwrap_err();
            assert_eq!(error.code(), "bad-carrier", "{}", String::from_utf8_lossy(other));
        }
        assert!(Carrier::Xml.decode(b"<ferry>\n</ferry>\n", 1000).is_err());
    }
}
