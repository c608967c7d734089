//! Revocations.

use ferry_format::{Digest, KeyProvider as _, Mark, Reason, Revocation, SignedRevocation};

use crate::support::sample::mark;
use crate::support::vector::Vector;
use crate::support::{keys, link, zone};

pub fn vectors() -> Vec<Vector> {
    let both = String::from_utf8(revocation(&["ann", "bob"])).unwrap();
    let signatures: Vec<&str> = both.lines().skip(2).take(2).collect();
    let good = [
        ("two_operators", revocation(&["ann", "bob"]), "Two operators revoke a zone's key."),
        ("nothing_good", made(Vec::new(), &["ann", "bob"]), "Nothing that the key signed counts."),
    ];
    let bad = [
        ("unsigned", "too-few-approvals", text(revocation(&[])), "Nobody has signed."),
        ("one_operator", "too-few-approvals", text(revocation(&["ann"])), "One operator revokes."),
        ("stranger", "bad-approval", text(revocation(&["ann", "mallory"])), "Somebody signs who is no operator."),
        ("zone_key", "bad-approval", text(revocation(&["ann", "outer"])), "A zone's key signs."),
        ("later", "bad-approval", both.replace("\"seq\":2", "\"seq\":3"), "Signatures under another place."),
        ("other_link", "wrong-link", both.replace("\"link\":\"nontax\"", "\"link\":\"other\""), "Another link."),
        (
            "order",
            "inconsistent",
            both.replace(&signatures.join("\n"), &[signatures[1], signatures[0]].join("\n")),
            "The signatures are in another order.",
        ),
        ("key_cut", "bad-value", both.replace("\"key\":\"", "\"key\":\"0"), "A key id that is too long."),
        ("act", "wrong-kind", both.replace("ferry/1 revoke \n", "ferry/1 act    \n"), "The magic line of an act."),
        ("cut", "bad-end", both[..both.len() - 3].to_owned(), "The file is cut."),
    ];
    let of = |name: &str, code: &str, story: &str, bytes: Vec<u8>| {
        let vector = Vector::new(&format!("revocation_{name}"), code, "revocation", story, bytes);
        vector.with("trust", "both").with("link", "nontax")
    };
    let good = good.into_iter().map(|(name, bytes, story)| of(name, "ok", story, bytes).with("writes", "yes"));
    good.chain(bad.into_iter().map(|(name, code, bytes, story)| of(name, code, story, bytes.into_bytes()))).collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn revocation(signers: &[&str]) -> Vec<u8> {
    made(vec![Mark { digest: Digest::of(&[b"two"]), ..mark("confirm", 1, 2) }], signers)
}

fn made(last_good: Vec<Mark>, signers: &[&str]) -> Vec<u8> {
    let mut signed = SignedRevocation::unsigned(Revocation {
        link: link(),
        zone: zone("outer"),
        key: keys("outer").sign_key_id(),
        last_good,
        status_number: 7,
        at_ms: 1_767_225_640_000,
        reason: Reason::new("服务器被盗").unwrap(),
    });
    signers.iter().for_each(|signer| signed.approve(&keys(signer)).unwrap());
    signed.write().unwrap()
}
