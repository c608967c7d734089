//! Batches with a header that is refused although it is signed, and files that are cut or glued.

use ferry_format::Compression;

use crate::support::keys;
use crate::support::raw::{END, Parts, forged};
use crate::support::sample::{self, CONFIRM_ROWS, mark, payload, recipients, sealed, sealed_as, statement, supersede};
use crate::support::vector::Vector;

pub fn vectors() -> Vec<Vector> {
    let batch = sample::batch();
    let mut vectors = vec![
        refused("magic_empty", "truncated", "An empty file.", b""),
        refused("magic_cut", "truncated", "The magic line is cut.", &batch[..9]),
        refused("magic_foreign", "unknown-magic", "Another program's file.", b"PK\x03\x04 and then some more bytes"),
        refused("magic_version_2", "unknown-version", "A later version of the format.", b"ferry/2 batch  \n{}\n"),
        refused("magic_of_status", "wrong-kind", "A status where a batch should be.", b"ferry/1 status \n{}\n"),
        refused("header_cut", "truncated", "The header line does not end.", &batch[..400]),
        refused("header_empty", "not-canonical", "An empty header line.", b"ferry/1 batch  \n\n"),
        refused("body_cut", "truncated", "The body is cut.", &batch[..batch.len() - 100]),
        refused("end_cut", "truncated", "The end mark is cut.", &batch[..batch.len() - 3]),
        refused("end_trailing", "trailing-bytes", "One byte too many.", &[&batch[..], b"\n"].concat()),
        refused("end_twice", "trailing-bytes", "Two files glued together.", &[&batch[..], &batch].concat()),
        refused("end_other", "bad-end", "The end mark is changed.", &[&batch[..batch.len() - 2], b"D\n"].concat()),
        refused(
            "end_crlf",
            "bad-end",
            "A gate turned the last newline into two bytes.",
            &[&batch[..batch.len() - 1], b"\r\n"].concat(),
        ),
    ];
    assert!(batch.ends_with(END));
    vectors.extend(spelling(&batch));
    vectors.extend(statement_fields(&batch));
    vectors.extend(envelope_fields(&batch));
    vectors.extend(lists());
    vectors
}

/// Headers in another spelling than the canonical one.
fn spelling(batch: &[u8]) -> Vec<Vector> {
    let cases = [
        ("canon_blank", "\"seq\":3", "\"seq\": 3", "A blank after a colon."),
        ("canon_leading_zero", "\"seq\":3", "\"seq\":03", "A leading zero."),
        ("canon_negative", "\"seq\":3", "\"seq\":-3", "A negative number."),
        ("canon_fraction", "\"seq\":3", "\"seq\":3.0", "A fraction."),
        ("canon_exponent", "\"seq\":3", "\"seq\":3e0", "An exponent."),
        ("canon_too_large", "\"seq\":3", "\"seq\":9007199254740992", "2^53, which doubles cannot tell from 2^53 + 1."),
        ("canon_null", "\"seq\":3", "\"seq\":null", "No value."),
        ("canon_escape", "\"to\":\"inner\"", "\"to\":\"inne\\u0072\"", "An escape."),
        ("canon_not_ascii", "\"to\":\"inner\"", "\"to\":\"inn\u{e9}r\"", "A letter outside ASCII."),
        ("canon_duplicate_key", "\"seq\":3", "\"seq\":3,\"seq\":3", "A key twice."),
        (
            "canon_key_order",
            "\"seq\":3,\"stream\":\"confirm\"",
            "\"stream\":\"confirm\",\"seq\":3",
            "Keys out of order.",
        ),
        ("canon_key_case", "\"seq\":3", "\"Seq\":3", "A capital in a key."),
        ("canon_deep", "\"requires\":[]", "\"requires\":[[[[[[[[]]]]]]]]", "Nested deeper than the limit."),
    ];
    let vectors = cases
        .into_iter()
        .map(|(name, from, to, story)| refused(name, "not-canonical", story, &forged(batch, "outer", from, to)));
    let tail = Parts::cut(batch).replace("\"to\":\"inner\"}}", "\"to\":\"inner\"}} ").sign(&keys("outer")).join();
    vectors.chain([refused("canon_blank_at_end", "not-canonical", "A blank before the newline.", &tail)]).collect()
}

fn statement_fields(batch: &[u8]) -> Vec<Vector> {
    let cases = [
        ("field_unknown", "unknown-field", "\"seq\":3", "\"seq\":3,\"sequel\":4", "A field of another version."),
        ("field_missing", "missing-field", "\"seq\":3,", "", "No seq."),
        ("field_of_other_type", "bad-value", "\"seq\":3", "\"seq\":\"3\"", "A number as text."),
        ("field_hex_capital", "bad-value", "\"epoch_id\":\"0102", "\"epoch_id\":\"0A02", "Hex in capitals."),
        ("field_hex_short", "bad-value", "\"epoch_id\":\"0102", "\"epoch_id\":\"02", "Too few hex digits."),
        ("zone_capital", "bad-value", "\"to\":\"inner\"", "\"to\":\"Inner\"", "A capital in a zone name."),
        ("zone_path", "bad-value", "\"to\":\"inner\"", "\"to\":\"../etc\"", "A path for a zone name."),
        ("zone_too_long", "bad-value", "\"to\":\"inner\"", "\"to\":\"ninechars\"", "A zone name of nine letters."),
        ("zone_to_itself", "inconsistent", "\"to\":\"inner\"", "\"to\":\"outer\"", "From a zone to itself."),
        ("seq_zero", "bad-value", "\"seq\":3", "\"seq\":0", "Seqs begin at 1."),
        ("seq_too_large", "bad-value", "\"seq\":3", "\"seq\":1000000000000", "Thirteen digits."),
        ("epoch_zero", "bad-value", "\"epoch\":1,", "\"epoch\":0,", "Epochs begin at 1."),
        ("epoch_too_large", "bad-value", "\"epoch\":1,", "\"epoch\":100000000,", "Nine digits."),
        (
            "stream_reserved",
            "bad-value",
            "\"stream\":\"confirm\"",
            "\"stream\":\"status\"",
            "The name that stands for status files.",
        ),
        ("group_index", "inconsistent", "\"index\":0", "\"index\":1", "The index is not seq - first."),
        (
            "group_first_zero",
            "inconsistent",
            "{\"first\":3,\"index\":0",
            "{\"first\":0,\"index\":3",
            "A group that begins before the stream.",
        ),
        ("records_sum", "inconsistent", "\"records\":2", "\"records\":3", "More records than the tables count."),
        ("total_plus", "bad-value", ":\"11750\"", ":\"+11750\"", "A plus sign before a total."),
        ("total_minus_zero", "bad-value", ":\"11750\"", ":\"-0\"", "A negative zero."),
        ("total_leading_zero", "bad-value", ":\"11750\"", ":\"011750\"", "A leading zero in a total."),
        ("total_too_large", "bad-value", ":\"11750\"", ":\"170141183460469231731687303715884105728\"", "2^127."),
        ("total_number", "bad-value", ":\"11750\"", ":11750", "A total as a number."),
        ("table_name", "bad-value", "\"name\":\"confirm\"", "\"name\":\"con firm\"", "A blank in a table name."),
        (
            "plain_ten_gigabytes",
            "limit",
            "\"plain\":{\"bytes\":",
            "\"plain\":{\"bytes\":10000000",
            "Ten gigabytes are announced.",
        ),
        (
            "plain_less_than_salt",
            "bad-value",
            "\"plain\":{\"bytes\":195",
            "\"plain\":{\"bytes\":19",
            "Fewer bytes than the salt has.",
        ),
    ];
    let vectors = cases
        .into_iter()
        .map(|(name, code, from, to, story)| refused(name, code, story, &forged(batch, "outer", from, to)));
    vectors.collect()
}

fn envelope_fields(batch: &[u8]) -> Vec<Vector> {
    let parts = Parts::cut(batch);
    let compressed = parts.body.len() - 16;
    let length = format!("\"compressed\":{compressed}");
    let chunk = "\"chunks\":[\"";
    let zeros = format!("\"chunks\":[\"{}\",\"", "0".repeat(64));
    let cases = [
        ("suite_2", "unknown-suite", "\"suite\":1", "\"suite\":2", "A suite that is not known."),
        (
            "compression_unknown",
            "bad-value",
            "\"compression\":\"zstd\"",
            "\"compression\":\"gzip\"",
            "A compression that is not known.",
        ),
        (
            "compression_none_size",
            "inconsistent",
            "\"compression\":\"zstd\"",
            "\"compression\":\"none\"",
            "Not compressed, and of another size than the plaintext.",
        ),
        ("chunk_bytes_odd", "bad-value", "\"chunk_bytes\":4096", "\"chunk_bytes\":5000", "Not a power of two."),
        ("chunk_bytes_small", "bad-value", "\"chunk_bytes\":4096", "\"chunk_bytes\":2048", "Below the minimum."),
        ("chunk_bytes_large", "bad-value", "\"chunk_bytes\":4096", "\"chunk_bytes\":2097152", "Above the maximum."),
        ("chunks_too_many", "inconsistent", chunk, &zeros, "One chunk too many."),
        ("compressed_ten_gigabytes", "limit", &length, "\"compressed\":10000000000", "Ten gigabytes are announced."),
        (
            "compressed_short_file",
            "truncated",
            &length,
            "\"compressed\":4000",
            "More bytes are announced than there are.",
        ),
        ("signer_short", "bad-value", "\"signer\":\"", "\"signer\":\"0", "A key id of 33 digits."),
        ("nonce_short", "bad-value", "\"nonce\":\"", "\"nonce\":\"00", "A nonce prefix of eight bytes."),
    ];
    let vectors = cases
        .into_iter()
        .map(|(name, code, from, to, story)| refused(name, code, story, &forged(batch, "outer", from, to)));
    vectors.chain(recipient_lists(&parts)).collect()
}

fn recipient_lists(parts: &Parts) -> Vec<Vector> {
    let start = parts.header.find("\"recipients\":[").unwrap() + "\"recipients\":[".len();
    let end = start + parts.header[start..].find(']').unwrap();
    let list = &parts.header[start..end];
    let (first, second) = list.split_once("},{").unwrap();
    let swapped = format!("{{{second},{first}}}");
    let long = list.replacen("\"wrap\":\"", &format!("\"wrap\":\"{}", "30".repeat(60)), 1);
    let nine = (0..9).map(|i| format!("{{\"key\":\"{i:032}\",\"wrap\":\"30\"}}")).collect::<Vec<_>>().join(",");
    let cases = [
        ("recipients_none", "inconsistent", "", "Sealed to nobody."),
        ("recipients_order", "inconsistent", &swapped, "Recipients out of order."),
        ("recipients_nine", "limit", &nine, "More recipients than the limit."),
        ("wrap_too_long", "bad-value", &long, "A wrapped key that is longer than any can be."),
    ];
    let vectors = cases.into_iter().map(|(name, code, to, story)| {
        let file = parts.clone().replace(&format!("[{list}]"), &format!("[{to}]")).sign(&keys("outer")).join();
        refused(name, code, story, &file)
    });
    vectors.collect()
}

/// Lists that are out of order, too short or too long.
fn lists() -> Vec<Vector> {
    let two = payload(&CONFIRM_ROWS);
    let mut required = statement(&two);
    required.requires = vec![mark("notice", 1, 12), mark("request", 1, 1)];
    let required = sealed(&required, &two, "requires");
    let tables = payload(&[r#"["a","i",1]"#, r#"["b","i",1]"#]);
    let tables = sealed_as(&statement(&tables), &tables, "tables", &recipients(), Compression::None, 4096);
    let mut replacing = statement(&two);
    supersede(&mut replacing, &["ann", "bob"]);
    let replacing = sealed(&replacing, &two, "supersedes");
    let header = Parts::cut(&replacing).header;
    let start = header.find("\"approvals\":[").unwrap() + "\"approvals\":[".len();
    let approvals = &header[start..start + header[start..].find(']').unwrap()];
    let (first, second) = approvals.split_once("},{").unwrap();
    let (one, twice) = (format!("{first}}}"), format!("{first}}},{first}}}"));
    let swapped = format!("{{{second},{first}}}");
    let reason = "payer withdrew; agreed by phone";
    let long = "r".repeat(201);
    let old = &header[header.find("\"old\":[").unwrap()..];
    let old = &old[..=old.find(']').unwrap()];
    let new = &header[header.find("\"new\":[").unwrap()..];
    let new = &new[..=new.find(']').unwrap()];
    let digest = &new["\"new\":[".len()..new.len() - 1];
    let other = format!("\"new\":[\"{}\"]", "0".repeat(64));
    let thrice = format!("\"new\":[{digest},{digest},{digest}]");
    let twice_as_many = format!("\"new\":[{digest},{digest}]");
    let cases: Vec<(&str, &str, &[u8], &str, &str, &str)> = vec![
        ("requires_order", "bad-value", &required, "\"request\"}", "\"aaa\"}", "Requirements out of order."),
        ("requires_itself", "inconsistent", &required, "\"notice\"}", "\"confirm\"}", "Waits for its own stream."),
        (
            "requires_epoch_zero",
            "inconsistent",
            &required,
            "\"epoch\":1,\"seq\":12",
            "\"epoch\":0,\"seq\":12",
            "Waits for no epoch.",
        ),
        ("tables_order", "inconsistent", &tables, "\"name\":\"b\"", "\"name\":\"a\"", "A table twice."),
        ("approvals_one", "inconsistent", &replacing, approvals, &one, "One operator alone."),
        ("approvals_same", "inconsistent", &replacing, approvals, &twice, "One operator twice."),
        ("approvals_order", "inconsistent", &replacing, approvals, &swapped, "Approvals out of order."),
        ("reason_empty", "bad-value", &replacing, reason, "", "No reason is given."),
        ("reason_long", "bad-value", &replacing, reason, &long, "A reason of 201 characters."),
        ("superseded_none", "inconsistent", &replacing, old, "\"old\":[]", "Takes the place of nothing."),
        ("superseding_none", "inconsistent", &replacing, new, "\"new\":[]", "Nothing was approved."),
        ("superseding_uneven", "inconsistent", &replacing, new, &thrice, "Two batches are passed over by three."),
        ("superseding_other", "inconsistent", &replacing, new, &other, "Another payload was approved."),
        ("superseding_more", "inconsistent", &replacing, new, &twice_as_many, "The group ends too early."),
    ];
    let vectors = cases
        .into_iter()
        .map(|(name, code, file, from, to, story)| refused(name, code, story, &forged(file, "outer", from, to)));
    vectors.collect()
}

fn refused(name: &str, code: &str, story: &str, bytes: &[u8]) -> Vector {
    Vector::new(&format!("batch_{name}"), code, "batch", story, bytes).with("trust", "both").with("keys", "inner")
}
