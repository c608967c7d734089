//! What a whole file consists of.

use ferry_format::Envelope;
use ferry_format::magic::{END_MAGIC, MAGIC_BYTES};

/// Checks that `file` is magic, `header`, newline, body, signature and end, and holds no byte beside them.
pub fn check(file: &[u8], header: &[u8], envelope: &Envelope) {
    let rest = file[MAGIC_BYTES..].strip_prefix(header).expect("a header has one spelling");
    let rest = rest.strip_prefix(b"\n").expect("a header is a line");
    let body_bytes = usize::try_from(envelope.body_bytes()).expect("a body that was read fits in memory");
    let (length, rest) = rest[body_bytes..].split_first().expect("a signature has a length");
    assert!(rest[usize::from(*length)..] == *END_MAGIC, "a file holds more than its parts");
}
