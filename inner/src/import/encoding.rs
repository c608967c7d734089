//! The encodings of text files.

use encoding_rs::GB18030;

/// The encoding of a CSV file (文件编码).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8 where the whole file is that, or begins as only that does; GB 18030 otherwise.
    #[default]
    Auto,
    /// UTF-8, with a byte order mark or without.
    Utf8,
    /// GB 18030, with GBK and GB 2312 in it.
    Gb18030,
}

/// An encoding that was decided.
///
/// In both, no byte of a comma, a quotation mark or a line end is ever a part of another character, so cells can be
/// told apart before they are decoded, and bytes that are broken belong to one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decided {
    Utf8,
    Gb18030,
}

impl Decided {
    /// The name that people know.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Gb18030 => "GB 18030",
        }
    }

    /// The text of some bytes; none where they are broken.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Self::Gb18030 => {
                GB18030.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
            }
        }
    }
}

/// The least first byte of a character beyond ASCII in UTF-8.
const FIRST_BYTE: u8 = 0xc0;
/// So many characters beyond ASCII without a fault are no accident: Chinese text of GB 18030 has a fault within the first few.
const CHARACTERS_MEANT: u64 = 16;

/// Whether bytes that come in pieces are UTF-8 together.
#[derive(Debug, Default)]
pub(super) struct Utf8Check {
    /// The beginning of a character that the last piece cut.
    cut: Vec<u8>,
    /// Characters beyond ASCII before the first fault.
    characters: u64,
    is_broken: bool,
}

impl Utf8Check {
    /// Takes the next piece.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        if self.is_broken {
            return;
        }
        let mut rest = piece;
        while !self.cut.is_empty() {
            let Some((byte, after)) = rest.split_first() else { return };
            self.cut.push(*byte);
            rest = after;
            match std::str::from_utf8(&self.cut) {
                Ok(_) => {
                    self.characters += 1;
                    self.cut.clear();
                }
                Err(error) if error.error_len().is_some() => {
                    self.is_broken = true;
                    return;
                }
                Err(_) => {}
            }
        }
        let mut whole = rest;
        if let Err(error) = std::str::from_utf8(rest) {
            self.is_broken = error.error_len().is_some();
            (whole, self.cut) = (&rest[..error.valid_up_to()], rest[error.valid_up_to()..].to_vec());
        }
        self.characters += whole.iter().map(|byte| u64::from(*byte >= FIRST_BYTE)).sum::<u64>();
    }

    /// Whether what came before the first fault is UTF-8 and can be nothing else.
    pub(super) fn is_meant(&self) -> bool {
        self.characters >= CHARACTERS_MEANT
    }

    /// Whether all of it was UTF-8.
    pub(super) fn is_utf8(&self) -> bool {
        !self.is_broken && self.cut.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Decided, Utf8Check};

    #[test]
    fn pieces_may_cut_characters() {
        let is_utf8 = |bytes: &[u8], size: usize| {
            let mut check = Utf8Check::default();
            bytes.chunks(size).for_each(|piece| check.feed(piece));
            check.is_utf8()
        };
        for size in 1..8 {
            assert!(is_utf8("缴款码𠀀a".as_bytes(), size));
            assert!(!is_utf8(b"a\xe7\xbc", size));
            assert!(!is_utf8(b"\xbd\xc9\xbf\xee", size));
        }
    }

    #[test]
    fn text_that_was_meant_as_utf8_is_known_by_its_beginning() {
        let is_meant = |bytes: &[u8], size: usize| {
            let mut check = Utf8Check::default();
            bytes.chunks(size).for_each(|piece| check.feed(piece));
            assert!(!check.is_utf8());
            check.is_meant()
        };
        let (meant, late) = ("财".repeat(16), "财".repeat(15));
        for size in [1, 2, 7, 64] {
            assert!(is_meant(&[meant.as_bytes(), b"\xff"].concat(), size));
            assert!(!is_meant(&[late.as_bytes(), b"\xff", meant.as_bytes()].concat(), size));
            assert!(!is_meant(&encoding_rs::GB18030.encode(&meant).0, size));
        }
    }

    #[test]
    fn broken_bytes_are_no_text() {
        assert_eq!(Decided::Gb18030.decode(b"\xbd\xc9\xbf\xee").as_deref(), Some("缴款"));
        assert_eq!(Decided::Gb18030.decode(b"\xbd"), None);
        assert_eq!(Decided::Utf8.decode(b"\xff"), None);
    }
}
