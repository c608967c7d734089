//! Cards and trust files.

use ferry_format::ident::hex_encode;
use ferry_format::{KeyProvider, KeyState, TrustEntry};

use super::trust_files;
use crate::support::vector::Vector;
use crate::support::{card, keys};

pub fn vectors() -> Vec<Vector> {
    [cards(), trust_documents()].concat()
}

fn cards() -> Vec<Vector> {
    let zone = card("outer", "outer").write(&keys("outer")).unwrap();
    let operator = card("ann", "outer").write(&keys("ann")).unwrap();
    let text = String::from_utf8(zone.clone()).unwrap();
    let signed_again = |from: &str, to: &str| resign(&text, from, to);
    let spki = hex_encode(keys("outer").encrypt_public().spki());
    // The point of this key is not on the curve.
    let off_curve = format!("{}ff", &spki[..spki.len() - 2]);
    let p256 = spki.replace("06082a811ccf5501822d", "06082a8648ce3d030107");
    let cases = [
        (
            "zone_changed",
            "bad-signature",
            text.replace("\"zone\":\"outer\"", "\"zone\":\"inner\""),
            "The zone is changed.",
        ),
        (
            "keys_of_two",
            "bad-signature",
            text.replace(&spki, &hex_encode(keys("mallory").encrypt_public().spki())),
            "Another's encryption key is put in.",
        ),
        ("key_off_curve", "bad-key", signed_again(&spki, &off_curve), "A point that is not on the curve."),
        ("key_of_other_curve", "bad-key", signed_again(&spki, &p256), "A key of another curve."),
        ("key_cut", "bad-key", signed_again(&spki, &spki[..100]), "Half a key."),
        (
            "field_unknown",
            "unknown-field",
            signed_again("\"zone\":\"outer\"", "\"zone\":\"outer\",\"zoo\":1"),
            "A field of another version.",
        ),
        ("field_missing", "missing-field", signed_again(",\"zone\":\"outer\"", ""), "No zone."),
        ("blank", "not-canonical", signed_again("\"zone\":", "\"zone\": "), "A blank in the header."),
        ("signature_capitals", "signature-encoding", capitals(&text), "The signature in capitals."),
        ("cut", "truncated", text[..text.len() - 20].to_owned(), "The card is cut."),
        ("trailing", "trailing-bytes", format!("{text}\n"), "One newline too many."),
        ("crlf", "unknown-magic", text.replace('\n', "\r\n"), "A mail program changed the newlines."),
    ];
    let mut vectors = vec![
        Vector::new("card_zone", "ok", "card", "A zone's card.", zone).with("writes", "yes").with("signer", "outer"),
        Vector::new("card_operator", "ok", "card", "An operator's card.", operator)
            .with("writes", "yes")
            .with("signer", "ann"),
    ];
    vectors.extend(cases.into_iter().map(|(name, code, bytes, story)| {
        Vector::new(&format!("card_{name}"), code, "card", story, bytes.into_bytes())
    }));
    vectors
}

/// The card with another header, signed again by its key.
fn resign(card: &str, from: &str, to: &str) -> String {
    assert!(card.contains(from));
    let changed = card.replace(from, to);
    let header_end = 16 + changed[16..].find('\n').unwrap() + 1;
    let signature = keys("outer").sign(&changed.as_bytes()[..header_end]).unwrap();
    format!("{}{}\nferry/1 end\n", &changed[..header_end], hex_encode(&signature))
}

fn capitals(card: &str) -> String {
    let start = card.rfind("\n30").unwrap();
    let end = card.rfind("\nferry/1 end").unwrap();
    format!("{}{}{}", &card[..start], card[start..end].to_uppercase(), &card[end..])
}

fn trust_documents() -> Vec<Vector> {
    let mut vectors: Vec<Vector> = trust_files()
        .into_iter()
        .map(|(name, store)| {
            let name = format!("trust_{}", name.replace('-', "_"));
            Vector::new(&name, "ok", "trust", "A trust file that other vectors use.", store.write())
                .with("writes", "yes")
        })
        .collect();
    let mut dated = ferry_format::TrustStore::new();
    let entry = TrustEntry::of_zone(&card("outer", "outer"), KeyState::Active);
    dated.add(TrustEntry { not_after_ms: Some(1_798_761_600_000), ..entry }).unwrap();
    let dated = String::from_utf8(dated.write()).unwrap();
    let both = String::from_utf8(trust_files()[0].1.write()).unwrap();
    let one = &dated[dated.find('[').unwrap() + 1..dated.rfind("],\"version\"").unwrap()];
    let cases = [
        ("dated", "ok", dated.clone(), "An entry that expires."),
        ("version", "unknown-version", dated.replace("\"version\":1", "\"version\":2"), "A later version."),
        ("no_newline", "truncated", dated.trim_end().to_owned(), "The newline is missing."),
        ("blank", "not-canonical", dated.replace(",\"version\"", ", \"version\""), "A blank."),
        ("twice", "inconsistent", dated.replace(one, &format!("{one},{one}")), "A key twice."),
        (
            "two_active",
            "inconsistent",
            both.replace("\"zone\":\"inner\"", "\"zone\":\"outer\""),
            "Two active keys of one zone.",
        ),
        (
            "state_unknown",
            "bad-value",
            dated.replace("\"state\":\"active\"", "\"state\":\"perhaps\""),
            "A state that is not known.",
        ),
        (
            "revoked_how",
            "missing-field",
            dated.replace("\"state\":\"active\"", "\"state\":\"revoked\""),
            "Revoked, and not since when.",
        ),
        (
            "active_and_revoked",
            "unknown-field",
            dated.replace("\"sign\":", "\"revoked\":{\"last_good\":[],\"status_number\":0},\"sign\":"),
            "Active, and revoked since.",
        ),
        (
            "objects_order",
            "bad-value",
            dated.replace("\"batch\",\"status\"", "\"status\",\"batch\""),
            "Objects out of order.",
        ),
        ("suite_large", "bad-value", dated.replace("\"suites\":[1]", "\"suites\":[65536]"), "A suite of 17 bits."),
        ("key", "bad-key", dated.replace("\"sign\":\"3059", "\"sign\":\"3159"), "A key that is not one."),
    ];
    vectors.extend(cases.into_iter().map(|(name, code, bytes, story)| {
        Vector::new(&format!("trust_{name}"), code, "trust", story, bytes.into_bytes())
    }));
    vectors
}
