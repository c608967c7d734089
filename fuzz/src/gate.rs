//! What a gate hands over: names of files, and files in the carriers that are text.

use ferry_format::limits::FILE_NAME_BYTES_MAX;
use ferry_format::{Carrier, FileName};

use crate::refusal::accepted;

/// The largest file that the target takes out of a carrier, in bytes, so that some are too large.
const CARRIED_BYTES_MAX: usize = 1_000;

/// Takes one of three inputs, told apart by the first byte:
///
/// - `f`, with which every name begins: a name;
/// - `<`: a file in XML;
/// - anything else: a file in base64.
pub fn gate(bytes: &[u8]) -> bool {
    match bytes.first() {
        Some(b'f') => name(bytes),
        Some(b'<') => carried(Carrier::Xml, bytes),
        Some(_) | None => carried(Carrier::Base64, bytes),
    }
}

/// A name that is read is spelled exactly so.
fn name(bytes: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(bytes) else { return false };
    let Some(name) = accepted(text.parse::<FileName>()) else { return false };
    assert_eq!(name.to_string(), text);
    assert!(text.len() <= FILE_NAME_BYTES_MAX);
    true
}

/// A file that is taken out of a carrier is put into it to the same bytes, and its size was told beforehand.
fn carried(carrier: Carrier, text: &[u8]) -> bool {
    let Some(file) = accepted(carrier.decode(text, CARRIED_BYTES_MAX)) else { return false };
    assert!(file.len() <= CARRIED_BYTES_MAX, "more was taken out than was allowed");
    assert!(carrier.encode(&file) == text, "a carried file has a second spelling");
    assert_eq!(carrier.encoded_bytes(file.len() as u64), text.len() as u64);
    true
}
