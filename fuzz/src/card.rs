//! Cards: whole files, and header lines that are signed here.

use ferry_format::magic::END_MAGIC;
use ferry_format::{Card, Digest, Kind, SignedLine, canon, signed_part, write_signed_line};

use crate::refusal::accepted;
use crate::zones::{ZONES, cheaply};

/// Takes a whole card, or, where the first byte is `{`, its header line.
pub fn card(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"{") { cheaply(|| header(bytes)) } else { whole(bytes) }
}

/// A header that makes a card of the outer zone is written by the product to the same bytes.
fn header(line: &[u8]) -> bool {
    let Ok(value) = canon::parse(line) else { return false };
    let file = write_signed_line(Kind::Card, &value, &ZONES.outer).expect("a canonical line of this size is signed");
    if !whole(&file) {
        return false;
    }
    let card = Card::parse(&file).expect("it was just read");
    assert!(card.write(&ZONES.outer).is_ok_and(|written| written == file), "a card has a second spelling");
    true
}

/// What was signed is the one spelling of what was read, and the fingerprint is that of these very bytes.
fn whole(file: &[u8]) -> bool {
    if let Ok(line) = SignedLine::read(file, Kind::Card) {
        let signed = signed_part(Kind::Card, &line.value).expect("what was read can be signed");
        assert!(signed == line.signed, "a signed line has a second spelling");
    }
    let Some(card) = accepted(Card::parse(file)) else { return false };
    let line = SignedLine::read(file, Kind::Card).expect("a card is a signed line");
    assert_eq!(card.fingerprint(), Digest::of(&[line.line]));
    let signature = file[line.signed.len()..].strip_suffix(END_MAGIC).expect("a card ends with the end");
    let is_hex = signature.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    assert!(is_hex, "a card holds more than its parts");
    true
}
