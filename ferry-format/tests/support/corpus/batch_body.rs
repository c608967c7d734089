//! Batches with a good header and signature, and with something wrong behind them.

use ferry_format::{Compression, Digest};
use zstd_safe::{CCtx, CParameter};

use crate::support::keys;
use crate::support::raw::{Parts, Seal};
use crate::support::sample::{self, CONFIRM_ROWS, payload, recipients, sealed_as, statement};
use crate::support::vector::Vector;

pub fn vectors() -> Vec<Vector> {
    let batch = sample::batch();
    [damaged(&batch), sealed_wrongly(&batch), compressed_wrongly(&batch), records_wrong(&batch)].concat()
}

/// Bytes that changed on the way, which their digests tell.
fn damaged(batch: &[u8]) -> Vec<Vector> {
    let mut first = Parts::cut(batch);
    first.body[0] ^= 0x55;
    let mut tag = Parts::cut(batch);
    *tag.body.last_mut().unwrap() ^= 0x55;
    let two_chunks = two_chunks();
    let mut second = Parts::cut(&two_chunks);
    *second.body.last_mut().unwrap() ^= 0x55;
    let mut swapped = Parts::cut(&two_chunks);
    swapped.body.rotate_left(4096 + 16);
    vec![
        refused("damaged_first", "damaged-chunk", "The first sealed byte is changed.", &first.join()),
        refused("damaged_tag", "damaged-chunk", "The last byte of a tag is changed.", &tag.join()),
        refused("damaged_second", "damaged-chunk", "The second chunk is changed.", &second.join()),
        refused("damaged_order", "damaged-chunk", "Two chunks are swapped.", &swapped.join()),
    ]
}

fn two_chunks() -> Vec<u8> {
    let row = format!("[\"confirm\",\"i\",\"{}\"]", "y".repeat(4096 + 4096 - 32 - 1 - 18));
    let payload = payload(&[&row]);
    sealed_as(&statement(&payload), &payload, "two chunks", &recipients(), Compression::None, 4096)
}

fn sealed_wrongly(batch: &[u8]) -> Vec<Vector> {
    let plain = payload(&CONFIRM_ROWS).as_bytes().to_vec();
    let seal = || Seal::batch(batch, &plain, plain.clone(), "none");
    let good = seal().seal("good");
    let other = Digest::of(&[b"another statement"]);
    let stranger = keys("mallory").encrypt_public().clone();
    let cases = [
        ("raw_good", "ok", good, "Made by the second writer: what the others of its kind begin with."),
        (
            "associated_data",
            "undecryptable",
            Seal { associated_digest: Some(other), ..seal() }.seal("aad"),
            "The chunks were sealed under another statement.",
        ),
        (
            "last_flag",
            "undecryptable",
            Seal { last: false, ..seal() }.seal("last"),
            "The last chunk is not marked as the last: the batch was cut at a chunk.",
        ),
        (
            "wrapped_for_another",
            "unwrap-failed",
            Seal { wrapped_for: Some(stranger), ..seal() }.seal("wrap"),
            "The data key is wrapped for another key than is named.",
        ),
        (
            "wrap_garbage",
            "unwrap-failed",
            Seal { wrapped: Some(vec![0x30; 120]), ..seal() }.seal("garbage"),
            "The wrapped key is no ciphertext.",
        ),
    ];
    let vectors = cases.into_iter().map(|(name, code, bytes, story)| refused(name, code, story, &bytes));
    let mut vectors: Vec<Vector> = vectors.collect();
    let story = "Opened by a zone that it is not sealed to.";
    let stranger = Vector::new("batch_not_a_recipient", "not-a-recipient", "batch", story, batch);
    vectors.push(stranger.with("trust", "both").with("keys", "mallory"));
    let public = Vector::new("batch_public_keys_only", "ok", "batch", "Verified without any private key.", batch);
    vectors.push(public.with("trust", "both"));
    vectors
}

fn compressed_wrongly(batch: &[u8]) -> Vec<Vector> {
    let plain = payload(&CONFIRM_ROWS).as_bytes().to_vec();
    let frame = zstd(&plain, |_| {});
    let unsized_frame = zstd(&plain, |context| {
        context.set_parameter(CParameter::ContentSizeFlag(false)).unwrap();
    });
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9][..], &frame].concat();
    let mut broken = frame.clone();
    // The reserved kind of block.
    broken[6] |= 6;
    let longer = [&plain[..], b"x"].concat();
    // A frame header with a dictionary id of one byte, and one that asks for a window of 16 MiB.
    let mut dictionary = frame.clone();
    dictionary[4] |= 1;
    dictionary.insert(5, 7);
    let size = u8::try_from(plain.len()).unwrap();
    let window = [&[0x28, 0xb5, 0x2f, 0xfd, 0x80, 14 << 3, size, 0, 0, 0][..], &frame[6..]].concat();
    let cases = [
        ("frame_twice", [&frame[..], &frame].concat(), "Two frames."),
        ("frame_trailing", [&frame[..], &[0]].concat(), "A byte after the frame."),
        ("frame_cut", frame[..frame.len() - 1].to_vec(), "The frame is cut."),
        ("frame_skippable", skippable, "A skippable frame before the frame."),
        ("frame_unsized", unsized_frame, "The frame does not state its size."),
        ("frame_bomb", zstd(&longer, |_| {}), "The frame holds more than the statement says."),
        ("frame_broken", broken, "The frame does not decompress."),
        ("frame_dictionary", dictionary, "The frame needs a dictionary."),
        ("frame_window", window, "The frame needs a window of 16 MiB."),
        ("frame_none", plain.clone(), "No frame at all."),
    ];
    let vectors = cases.into_iter().map(|(name, compressed, story)| {
        let bytes = Seal::batch(batch, &plain, compressed, "zstd").seal(name);
        refused(name, "bad-compression", story, &bytes)
    });
    vectors.collect()
}

fn zstd(plain: &[u8], set: impl FnOnce(&mut CCtx<'_>)) -> Vec<u8> {
    let mut context = CCtx::create();
    context.set_parameter(CParameter::CompressionLevel(1)).unwrap();
    set(&mut context);
    let mut out = vec![0; zstd_safe::compress_bound(plain.len())];
    let length = context.compress2(out.as_mut_slice(), plain).unwrap();
    out.truncate(length);
    out
}

fn records_wrong(batch: &[u8]) -> Vec<Vector> {
    let rows = |rows: &[&str]| [&[7; 32][..], rows.concat().as_bytes()].concat();
    let first = r#"["confirm","i","1"]"#;
    let second = r#"["confirm","u","1"]"#;
    let line = |row: &str| format!("{row}\n");
    let (a, b) = (line(first), line(second));
    let cases = [
        ("records_fewer", "count-mismatch", rows(&[&a]), "One record fewer than stated."),
        ("records_more", "count-mismatch", rows(&[&a, &b, &b]), "One record more than stated."),
        (
            "records_other_op",
            "count-mismatch",
            rows(&[&a, &a]),
            "Two inserts where one insert and one update are stated.",
        ),
        (
            "records_other_table",
            "count-mismatch",
            rows(&[&a, &line(r#"["bill","u","1"]"#)]),
            "A row of a table that is not stated.",
        ),
        ("records_float", "bad-record", rows(&[&a, &line(r#"["confirm","u",1.5]"#)]), "A fraction in a row."),
        ("records_blank", "bad-record", rows(&[&a, &line(r#"["confirm", "u","1"]"#)]), "A blank in a row."),
        (
            "records_crlf",
            "bad-record",
            rows(&[&a, &line(&format!("{second}\r"))]),
            "A carriage return before a newline.",
        ),
        ("records_empty_line", "bad-record", rows(&[&a, "\n"]), "An empty line."),
        (
            "records_not_utf8",
            "bad-record",
            [&rows(&[&a])[..], b"[\"confirm\",\"u\",\"\xff\"]\n"].concat(),
            "A text that is not UTF-8.",
        ),
        ("records_no_newline", "plain-length", rows(&[&a, second]), "The last record has no newline."),
    ];
    let vectors = cases.into_iter().map(|(name, code, plain, story)| {
        let bytes = Seal::batch(batch, &plain, plain.clone(), "none").seal(name);
        refused(name, code, story, &bytes)
    });
    let plain = rows(&[&a, &b]);
    let mut other = plain.clone();
    other[0] ^= 1;
    let salted = Seal::batch(batch, &plain, other, "none").seal("salt");
    vectors.chain([refused("plain_digest", "plain-digest", "Another salt than was stated.", &salted)]).collect()
}

fn refused(name: &str, code: &str, story: &str, bytes: &[u8]) -> Vector {
    Vector::new(&format!("batch_{name}"), code, "batch", story, bytes).with("trust", "both").with("keys", "inner")
}
