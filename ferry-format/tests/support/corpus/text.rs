//! Records, carriers and file names.

use ferry_format::Carrier;

use crate::support::vector::Vector;

pub fn vectors() -> Vec<Vector> {
    [records(), carriers(), names()].concat()
}

fn records() -> Vec<Vector> {
    let cases: Vec<(&str, &str, &[u8], &str)> = vec![
        ("insert", "ok", "[\"bill\",\"i\",1,\"票据\",null]".as_bytes(), "A new row."),
        ("delete", "ok", b"[\"bill\",\"d\",\"35-1\"]", "A key."),
        ("escapes", "ok", br#"["bill","u","\"\\\b\t\n\f\r\u0000\u000b\u001f/"]"#, "Every escape."),
        ("integers", "ok", b"[\"bill\",\"u\",0,-1,9223372036854775807,-9223372036854775808]", "The ends of the range."),
        ("delete_character", "ok", b"[\"bill\",\"u\",\"\x7f\"]", "0x7f stands for itself."),
        ("empty", "record-syntax", b"", "Nothing."),
        ("object", "record-syntax", br#"{"bill":1}"#, "An object."),
        ("nested", "record-syntax", br#"["bill","i",[1]]"#, "An array in a row."),
        ("bool", "record-syntax", br#"["bill","i",true]"#, "A boolean; ours are 0 and 1."),
        ("blank", "record-syntax", br#"["bill","i", 1]"#, "A blank."),
        ("open", "record-syntax", br#"["bill","i",1"#, "No closing bracket."),
        ("comma", "record-syntax", br#"["bill","i",1,]"#, "A comma too many."),
        ("trailing", "record-syntax", br#"["bill","i",1]]"#, "A bracket too many."),
        ("raw_tab", "record-syntax", b"[\"bill\",\"i\",\"\t\"]", "A control character that is not escaped."),
        ("no_values", "record-columns", br#"["bill","i"]"#, "A row without columns."),
        ("op", "record-op", br#"["bill","r",1]"#, "An operation that is not known."),
        ("table", "record-table", br#"["Bill","i",1]"#, "A capital in a table name."),
        (
            "table_long",
            "record-table",
            b"[\"a123456789012345678901234567890123456789012345678901234567890123\",\"i\",1]",
            "A table name of 64 letters.",
        ),
        ("fraction", "record-number", br#"["bill","i",1.5]"#, "A fraction."),
        ("exponent", "record-number", br#"["bill","i",1e3]"#, "An exponent."),
        ("minus_zero", "record-number", br#"["bill","i",-0]"#, "A negative zero."),
        ("leading_zero", "record-number", br#"["bill","i",007]"#, "Leading zeros."),
        ("overflow", "record-number", br#"["bill","i",9223372036854775808]"#, "2^63."),
        ("escaped_slash", "record-escape", br#"["bill","i","\/"]"#, "A needless escape."),
        ("escaped_letter", "record-escape", br#"["bill","i","\u0041"]"#, "A letter as an escape."),
        ("escaped_capital", "record-escape", br#"["bill","i","\u001F"]"#, "An escape in capitals."),
        ("escaped_long", "record-escape", br#"["bill","i","\u000a"]"#, "A long escape where there is a short one."),
        ("surrogates", "record-escape", br#"["bill","i","\ud842\udfb7"]"#, "A character as two surrogates."),
        ("not_utf8", "record-utf8", b"[\"bill\",\"i\",\"\xe7\xa5\"]", "Half a character."),
        ("overlong_utf8", "record-utf8", b"[\"bill\",\"i\",\"\xc0\xaf\"]", "A slash in two bytes."),
    ];
    let vectors = cases.into_iter().map(|(name, code, bytes, story)| {
        let vector = Vector::new(&format!("record_{name}"), code, "record", story, bytes);
        if code == "ok" { vector.with("writes", "yes") } else { vector }
    });
    vectors.collect()
}

fn carriers() -> Vec<Vector> {
    let bytes: Vec<u8> = (0..=255).collect();
    let mut vectors: Vec<Vector> = Carrier::ALL
        .into_iter()
        .map(|carrier| {
            let name = format!("carrier_{}", carrier.name());
            let vector = Vector::new(&name, "ok", "carrier", "The bytes from 0 to 255.", carrier.encode(&bytes));
            vector.with("carrier", carrier.name()).with("max", "256").with("writes", "yes")
        })
        .collect();
    let cases: Vec<(&str, &str, &str, Vec<u8>, &str)> = vec![
        ("raw_large", "limit", "raw", vec![0; 257], "One byte above the limit."),
        ("base64_large", "limit", "base64", Carrier::Base64.encode(&[0; 257]), "One byte above the limit."),
        ("base64_unpadded", "bad-carrier", "base64", b"AAA\n".to_vec(), "No padding."),
        ("base64_loose_bits", "bad-carrier", "base64", b"AAB=\n".to_vec(), "Bits behind the last byte."),
        ("base64_no_newline", "bad-carrier", "base64", b"AAAA".to_vec(), "The last newline is missing."),
        ("base64_crlf", "bad-carrier", "base64", b"AAAA\r\n".to_vec(), "Two bytes for a newline."),
        ("base64_short_line", "bad-carrier", "base64", b"AAAA\nAAAA\n".to_vec(), "A short line that is not the last."),
        ("base64_url", "bad-carrier", "base64", b"-_-_\n".to_vec(), "The alphabet of file names."),
        ("xml_other", "bad-carrier", "xml", b"<ferry>\nAAAA\n</ferry>\n".to_vec(), "Another template."),
        (
            "xml_cut",
            "bad-carrier",
            "xml",
            Carrier::Xml.encode(b"cut")[..90].to_vec(),
            "The end of the template is missing.",
        ),
    ];
    vectors.extend(cases.into_iter().map(|(name, code, carrier, bytes, story)| {
        Vector::new(&format!("carrier_{name}"), code, "carrier", story, bytes)
            .with("carrier", carrier)
            .with("max", "256")
    }));
    vectors
}

fn names() -> Vec<Vector> {
    let cases = [
        ("batch", "ok", "f1-outer-inner-confirm-00000001-000000000042-a1-0123abcd.dat", "A batch."),
        ("status", "ok", "f1-inner-outer-status-00000000-000000000007-a12-ffffffff.x", "A status."),
        (
            "longest",
            "ok",
            "f1-abcdefgh-ijklmnop-abcdefghijkl-99999999-999999999999-a999999999-0123abcd.xml1",
            "Eighty characters.",
        ),
        ("epoch_width", "bad-name", "f1-outer-inner-confirm-1-000000000042-a1-0123abcd.dat", "An epoch of one digit."),
        (
            "attempt_zero",
            "bad-name",
            "f1-outer-inner-confirm-00000001-000000000042-a0-0123abcd.dat",
            "Attempts begin at 1.",
        ),
        (
            "attempt_padded",
            "bad-name",
            "f1-outer-inner-confirm-00000001-000000000042-a01-0123abcd.dat",
            "A leading zero.",
        ),
        ("capitals", "bad-name", "F1-OUTER-INNER-CONFIRM-00000001-000000000042-A1-0123ABCD.DAT", "A gate that shouts."),
        (
            "two_dots",
            "bad-name",
            "f1-outer-inner-confirm-00000001-000000000042-a1-0123abcd.dat.tmp",
            "A temporary file.",
        ),
        ("copy", "bad-name", "f1-outer-inner-confirm-00000001-000000000042-a1-0123abcd (1).dat", "A copy."),
        (
            "status_epoch",
            "bad-name",
            "f1-outer-inner-status-00000001-000000000042-a1-0123abcd.dat",
            "A status with an epoch.",
        ),
        ("path", "bad-name", "f1-outer-inner-../confirm-00000001-000000000042-a1-0123abcd.dat", "A path."),
    ];
    let vectors = cases.into_iter().map(|(name, code, text, story)| {
        let vector = Vector::new(&format!("name_{name}"), code, "name", story, text.as_bytes());
        if code == "ok" { vector.with("writes", "yes") } else { vector }
    });
    vectors.collect()
}
