//! Status files.

use ferry_format::StatusBody;

use crate::support::raw::{Parts, Seal, forged};
use crate::support::sample::{self, full_status_body, full_status_statement, sealed_status, status_statement};
use crate::support::vector::Vector;

pub fn vectors() -> Vec<Vector> {
    let small = |name: &str| sealed_status(&status_statement(), &StatusBody::default(), name);
    let full = |name: &str| sealed_status(&full_status_statement(), &full_status_body(), name);
    let cardless = StatusBody { cards: Vec::new(), ..full_status_body() };
    let mut vectors = vec![
        pinned("status_small", "Nothing to tell.", small("status_small")),
        pinned("status_full", "Everything that a status can tell.", full("status_full")),
        pinned(
            "status_no_cards",
            "Everything but cards.",
            sealed_status(&full_status_statement(), &cardless, "status_no_cards"),
        ),
    ];
    vectors.extend(headers(&small("sample status")));
    vectors.extend(bodies(&small("sample status")));
    vectors
}

fn headers(status: &[u8]) -> Vec<Vector> {
    let cases = [
        ("number_zero", "bad-value", "\"number\":7", "\"number\":0", "Numbers begin at 1."),
        ("to_itself", "inconsistent", "\"to\":\"outer\"", "\"to\":\"inner\"", "From a zone to itself."),
        (
            "body_ten_gigabytes",
            "limit",
            "\"plain\":{\"bytes\":",
            "\"plain\":{\"bytes\":100000000",
            "Ten gigabytes are announced.",
        ),
        ("field_of_batch", "unknown-field", "\"sent\":[]", "\"sent\":[],\"seq\":1", "A field of a batch."),
        ("echo_empty", "missing-field", "\"from\":", "\"echo\":{},\"from\":", "An echo of nothing."),
    ];
    let mut vectors: Vec<Vector> = cases
        .into_iter()
        .map(|(name, code, from, to, story)| refused(name, code, story, &forged(status, "inner", from, to)))
        .collect();
    let as_batch = [b"ferry/1 batch  \n", &status[16..]].concat();
    vectors.push(refused("with_magic_of_batch", "wrong-kind", "A status under the magic of a batch.", &as_batch));
    vectors.push(refused("is_a_batch", "wrong-kind", "A batch where a status should be.", &sample::batch()));
    let mut damaged = Parts::cut(status);
    damaged.body[3] ^= 0x55;
    vectors.push(refused("damaged", "damaged-chunk", "A sealed byte is changed.", &damaged.join()));
    let changed = Parts::cut(status).replace("\"number\":7", "\"number\":8").join();
    vectors.push(refused("renumbered", "bad-signature", "The number is changed.", &changed));
    vectors
}

const EMPTY_BODY: &str = concat!(
    r#"{"acts":[],"acts_listed":[],"cards":[],"contracts":[],"counters":{"damaged":0,"duplicate":0,"foreign":0,"refused":0,"unverified":0},"#,
    r#""formats":[],"incoming":[],"outgoing":[],"turned_away":[],"wants":[]}"#
);

fn bodies(status: &[u8]) -> Vec<Vector> {
    let incoming = |held: &str| {
        let report =
            r#""incoming":[{"epoch":1,"held":HELD,"missing":[],"parked_rows":0,"reports":[],"stream":"confirm"}]"#;
        EMPTY_BODY.replace(r#""incoming":[]"#, &report.replace("HELD", held))
    };
    let refusal = |refused: &str| incoming("[]").replace("\"reports\"", &format!("\"refused\":{refused},\"reports\""));
    let want = |want: &str| EMPTY_BODY.replace(r#""wants":[]"#, &format!("\"wants\":[{want}]"));
    let cases = [
        (
            "body_good",
            "ok",
            EMPTY_BODY.to_owned(),
            "Made by the second writer: what the others of its kind begin with.",
        ),
        ("ranges_touch", "bad-value", incoming("[[1,2],[3,4]]"), "Two ranges that are one."),
        ("ranges_order", "bad-value", incoming("[[5,6],[1,2]]"), "Ranges out of order."),
        ("range_reversed", "bad-value", incoming("[[6,5]]"), "A range that ends before it begins."),
        ("range_of_three", "bad-value", incoming("[[1,2,3]]"), "A range with three ends."),
        ("range_zero", "bad-value", incoming("[[0,2]]"), "Seqs begin at 1."),
        ("ranges_many", "limit", incoming(&many_ranges()), "65 ranges."),
        ("refusal_code_empty", "bad-value", refusal(r#"{"code":"","seq":1}"#), "A refusal without a reason."),
        ("refusal_not_ascii", "not-canonical", refusal("{\"code\":\"\u{7f3a}\",\"seq\":1}"), "A reason outside ASCII."),
        (
            "want_unknown",
            "bad-value",
            want(r#"{"epoch":1,"first":1,"kind":"delete","last":1,"stream":"confirm"}"#),
            "Asks for a kind of work that is not known.",
        ),
        (
            "formats_order",
            "inconsistent",
            EMPTY_BODY.replace(r#""formats":[]"#, r#""formats":[2,1]"#),
            "Format versions out of order.",
        ),
        (
            "cards_not_hex",
            "bad-value",
            EMPTY_BODY.replace(r#""cards":[]"#, r#""cards":["xy"]"#),
            "A card that is not hex.",
        ),
        (
            "cards_many",
            "limit",
            EMPTY_BODY.replace(r#""cards":[]"#, r#""cards":["00","00","00","00","00"]"#),
            "Five cards.",
        ),
        (
            "body_field_unknown",
            "unknown-field",
            EMPTY_BODY.replace(r#""cards""#, r#""busy":true,"cards""#),
            "A field of another version.",
        ),
        ("body_blank", "not-canonical", EMPTY_BODY.replace(r#""wants":[]"#, r#""wants": []"#), "A blank in the body."),
        ("body_two_lines", "not-canonical", format!("{EMPTY_BODY}\n{EMPTY_BODY}"), "Two bodies."),
    ];
    let vectors = cases.into_iter().map(|(name, code, body, story)| {
        let plain = [&[9; 32][..], body.as_bytes(), b"\n"].concat();
        refused(name, code, story, &Seal::status(status, &plain).seal(name))
    });
    let plain = [&[9; 32][..], EMPTY_BODY.as_bytes()].concat();
    let open = Seal::status(status, &plain).seal("open");
    vectors.chain([refused("body_no_newline", "plain-length", "The body's line does not end.", &open)]).collect()
}

fn many_ranges() -> String {
    let ranges: Vec<String> = (0..65).map(|i| format!("[{0},{0}]", 2 * i + 1)).collect();
    format!("[{}]", ranges.join(","))
}

fn pinned(name: &str, story: &str, bytes: Vec<u8>) -> Vector {
    Vector::new(name, "ok", "status", story, bytes)
        .with("trust", "both")
        .with("keys", "outer")
        .with("writes", "yes")
        .with("signer", "inner")
        .with("entropy-seed", name)
}

fn refused(name: &str, code: &str, story: &str, bytes: &[u8]) -> Vector {
    Vector::new(&format!("status_{name}"), code, "status", story, bytes).with("trust", "both").with("keys", "outer")
}
