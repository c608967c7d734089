//! Acts of operators.

use ferry_format::{ActRange, Deed, Digest, EpochId, Mark, Substitute};

use crate::support::sample::{act, act_of};
use crate::support::vector::Vector;

pub fn vectors() -> Vec<Vector> {
    let stream = || "confirm".parse().unwrap();
    let range = || ActRange { stream: stream(), epoch: 1, first: 3, last: 9 };
    let supersede = || Deed::Supersede {
        stream: stream(),
        epoch: 1,
        epoch_id: EpochId([5; 8]),
        contract: Digest::of(&[b"contract"]),
        first: 3,
        old: [b"three", b"four "].map(|word| Digest::of(&[word])).to_vec(),
        new: [b"new 3", b"new 4"].map(|word| Digest::of(&[word])).to_vec(),
    };
    let new_epoch = || Deed::NewEpoch {
        epoch: 2,
        epoch_id: EpochId([6; 8]),
        ended: Mark { stream: stream(), epoch: 1, seq: 9, digest: Digest::of(&[b"nine"]) },
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let hold = text(act(&["ann"]));
    let pair = text(act_of(supersede(), &["ann", "bob"]));
    let good = [
        ("hold", act(&["ann"]), "A stream is put on hold."),
        ("retry", act_of(Deed::Retry { range: range() }, &["bob"]), "A refused group is judged again."),
        (
            "supersede",
            act_of(supersede(), &["ann", "bob"]),
            "Two operators let other batches take the place of a group.",
        ),
        (
            "pass",
            act_of(Deed::Pass { stream: stream(), row: 4, with: Substitute::Void }, &["ann", "bob"]),
            "Two operators pass a captured row over.",
        ),
        ("new_epoch", act_of(new_epoch(), &["ann", "bob"]), "Two operators begin another life of a stream."),
    ];
    let begun = text(act_of(new_epoch(), &["ann", "bob"]));
    let of = |name: &str, code: &str, story: &str, bytes: Vec<u8>| {
        Vector::new(&format!("act_{name}"), code, "act", story, bytes).with("trust", "both").with("link", "nontax")
    };
    let good = good.into_iter().map(|(name, bytes, story)| of(name, "ok", story, bytes).with("writes", "yes"));
    let bad = bad(&hold, &pair, &begun, text(act_of(supersede(), &["ann"])), text(act_of(new_epoch(), &["ann"])));
    good.chain(bad.into_iter().map(|(name, code, bytes, story)| of(name, code, story, bytes.into_bytes()))).collect()
}

type Bad = (&'static str, &'static str, String, &'static str);

/// What is wrong with acts, each made of good ones.
fn bad(hold: &str, pair: &str, begun: &str, one_of_pair: String, one_of_begun: String) -> Vec<Bad> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let signatures: Vec<&str> = pair.lines().skip(2).take(2).collect();
    vec![
        ("unsigned", "too-few-approvals", text(act(&[])), "Nobody has signed."),
        ("one_of_two", "too-few-approvals", one_of_pair, "One operator supersedes."),
        ("stranger", "bad-approval", text(act(&["mallory"])), "Somebody signs who is no operator."),
        ("zone_key", "bad-approval", text(act(&["outer"])), "A zone's key signs."),
        ("borrowed", "bad-approval", hold.replace(":\"hold\"", ":\"release\""), "Signatures under another deed."),
        ("other_link", "wrong-link", hold.replace("\"link\":\"nontax\"", "\"link\":\"other\""), "Another link."),
        (
            "order",
            "inconsistent",
            pair.replace(&signatures.join("\n"), &[signatures[1], signatures[0]].join("\n")),
            "The signatures are in another order.",
        ),
        ("deed_unknown", "bad-value", hold.replace(":\"hold\"", ":\"burn\""), "A deed of another version."),
        ("new_epoch_one", "too-few-approvals", one_of_begun, "One operator begins another life of a stream."),
        (
            "new_epoch_borrowed",
            "bad-approval",
            begun.replace("\"epoch\":2", "\"epoch\":3"),
            "Signatures under another number of a new life.",
        ),
        (
            "new_epoch_below",
            "bad-value",
            begun.replace("\"ended_epoch\":1", "\"ended_epoch\":2"),
            "A life with the number of the one that ends.",
        ),
        ("uneven", "bad-value", uneven(pair), "Three digests for two batches."),
        ("reason_plain", "not-canonical", hold.replace("%E9%93%B6", "银"), "A reason that is not escaped."),
        ("cut", "bad-end", hold[..hold.len() - 3].to_owned(), "The file is cut."),
    ]
}

/// The same act with one digest more that is passed over.
fn uneven(pair: &str) -> String {
    let old = pair.find("\"old\":[").unwrap() + "\"old\":[".len();
    format!("{}\"{}\",{}", &pair[..old], Digest::of(&[b"two"]), &pair[old..])
}
