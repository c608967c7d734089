//! Batches that are well formed: who may have signed them, and for whom.

use ferry_format::{Approval, KeyProvider, Reason};

use crate::support::keys;
use crate::support::raw::{Parts, forged, padded_signature};
use crate::support::sample::{self, CONFIRM_ROWS, payload, sealed, statement, supersede};
use crate::support::vector::Vector;

pub fn vectors() -> Vec<Vector> {
    let batch = sample::batch();
    [trusted(&batch), expected(&batch), signatures(&batch), approvals()].concat()
}

fn trusted(batch: &[u8]) -> Vec<Vector> {
    let cases = [
        ("unknown_signer", "unknown-signer", "none", "Signed by a key that nobody trusts."),
        ("announced_key", "announced-key", "announced", "Signed by a key that no operator has confirmed."),
        ("retired_key", "ok", "retired", "Signed by a key that was replaced since."),
        ("revoked_above", "revoked-key", "revoked-at-2", "Signed by a revoked key, above its last good batch."),
        ("revoked_at", "ok", "revoked-at-3", "Signed by a revoked key, at its last good batch."),
        ("not_permitted", "not-permitted", "no-batches", "Signed by a key that may not sign batches."),
        ("suite_not_permitted", "not-permitted", "suite-2-only", "Signed with a suite that the key is not for."),
        ("key_of_other_link", "wrong-link", "other-link", "Signed by a key of another link."),
        ("key_of_other_zone", "wrong-sender", "other-zone", "Signed by a key of another zone."),
    ];
    let vectors = cases.into_iter().map(|(name, code, trust, story)| vector(name, code, story, batch, trust));
    vectors.collect()
}

fn expected(batch: &[u8]) -> Vec<Vector> {
    let cases = [
        ("expected_link", "wrong-link", "link", "other", "Another link is expected."),
        ("expected_sender", "wrong-sender", "from", "inner", "Another sender is expected."),
        ("expected_receiver", "wrong-receiver", "to", "outer", "Another receiver is expected."),
        ("expected_all", "ok", "to", "inner", "The receiver is the expected one."),
    ];
    let vectors = cases
        .into_iter()
        .map(|(name, code, key, value, story)| vector(name, code, story, batch, "both").with(key, value));
    vectors.collect()
}

fn signatures(batch: &[u8]) -> Vec<Vector> {
    let parts = Parts::cut(batch);
    let with = |signature: Vec<u8>| Parts { signature, ..parts.clone() }.join();
    let foreign = keys("mallory").sign(&parts.signed()).unwrap();
    let as_status = [b"ferry/1 status \n", &parts.signed()[16..]].concat();
    let other_kind = keys("outer").sign(&as_status).unwrap();
    let padded = padded_signature(&parts.signature);
    assert!(padded.len() <= 72);
    let by_operator = keys("ann").sign_key_id().to_string();
    let operator = forged(batch, "ann", &keys("outer").sign_key_id().to_string(), &by_operator);
    let cases = [
        ("signed_by_another", "bad-signature", with(foreign), "Signed by another key than it names."),
        ("signed_as_status", "bad-signature", with(other_kind), "The signature was made under the magic of a status."),
        ("signature_padded", "signature-encoding", with(padded), "A needless zero in the signature."),
        ("signature_empty", "signature-encoding", with(Vec::new()), "A signature of no bytes."),
        ("signature_long", "signature-encoding", with(vec![0x30; 73]), "A signature of 73 bytes."),
        ("signature_raw", "signature-encoding", with(vec![0x11; 64]), "Two plain numbers instead of DER."),
        ("signed_by_operator", "not-permitted", operator, "Signed by an operator, who may only sign acts."),
        (
            "statement_changed",
            "bad-signature",
            parts.clone().replace("\"cut_at\":1", "\"cut_at\":2").join(),
            "One digit of the statement is changed.",
        ),
    ];
    let vectors = cases.into_iter().map(|(name, code, bytes, story)| vector(name, code, story, &bytes, "both"));
    vectors.collect()
}

fn approvals() -> Vec<Vector> {
    let two = payload(&CONFIRM_ROWS);
    let mut strangers = statement(&two);
    supersede(&mut strangers, &["ann", "mallory"]);
    let mut zone = statement(&two);
    supersede(&mut zone, &["ann", "outer"]);
    let mut moved = statement(&two);
    supersede(&mut moved, &["ann", "bob"]);
    moved.supersedes.as_mut().unwrap().reason = Reason::new("another reason").unwrap();
    let mut borrowed = statement(&two);
    supersede(&mut borrowed, &["ann", "bob"]);
    let approvals = &mut borrowed.supersedes.as_mut().unwrap().approvals;
    approvals[1] = Approval { key: approvals[1].key, signature: approvals[0].signature.clone() };
    let cases = [
        ("approval_stranger", strangers, "An approval by somebody who is not trusted."),
        ("approval_zone", zone, "An approval by the zone's own key."),
        ("approval_of_other_act", moved, "Approved for another reason than is stated."),
        ("approval_borrowed", borrowed, "One operator's signature under another's name."),
    ];
    let vectors = cases
        .into_iter()
        .map(|(name, statement, story)| vector(name, "bad-approval", story, &sealed(&statement, &two, name), "both"));
    vectors.collect()
}

fn vector(name: &str, code: &str, story: &str, bytes: &[u8], trust: &str) -> Vector {
    Vector::new(&format!("batch_{name}"), code, "batch", story, bytes).with("trust", trust).with("keys", "inner")
}
