//! Status files: whole files, bodies, and files made from a statement and a body.

use ferry_format::lines::{read_status_body, read_status_header, write_status_body, write_status_header};
use ferry_format::magic::MAGIC_BYTES;
use ferry_format::{Compression, Expect, Kind, Status, Verified, open_status, seal_status, verify_status};

use crate::forge::{self, STATUS};
use crate::layout;
use crate::refusal::accepted;
use crate::zones::{Counted, ZONES, cheaply};

/// Takes one of three inputs, told apart by the first byte:
///
/// - `f`, with which every file begins: a whole file;
/// - `{`: a body;
/// - anything else: a statement, a newline, and a body that is sealed as it is.
pub fn status(bytes: &[u8]) -> bool {
    match bytes.split_first() {
        Some((b'f', _)) => open(bytes).is_some(),
        Some((b'{', _)) => body(bytes),
        Some((_, rest)) => cheaply(|| sealed(rest)),
        None => false,
    }
}

/// A body that is read is spelled exactly so.
fn body(line: &[u8]) -> bool {
    let Some(body) = accepted(read_status_body(line)) else { return false };
    assert!(write_status_body(&body) == line, "a status body has a second spelling");
    true
}

/// A status of which statement and body are read is sealed by the product to the same bytes.
fn sealed(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (statement, line) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    let plain = [&STATUS.salt[..], line].concat();
    let file = forge::seal(Kind::Status, &forge::about(statement, &plain), &plain, Compression::None);
    let Some(status) = open(&file) else { return false };
    let sealed = seal_status(&status.statement, &status.body, &forge::sealing(&ZONES.inner), &mut Counted::default())
        .expect("a writer accepts what a reader accepted");
    assert!(sealed.bytes == file, "a status has a second spelling");
    true
}

/// Reads a whole file with and without private keys. What opens verifies, and both agree.
fn open(file: &[u8]) -> Option<Verified<Status>> {
    let expect = Expect::any(&ZONES.trust);
    let verified = verify_status(file, &expect);
    let opened = open_status(file, &expect, &ZONES.outer);
    if let Ok(verified) = &verified {
        let line = file[MAGIC_BYTES..].split(|byte| *byte == b'\n').next().unwrap_or_default();
        let (envelope, statement) = read_status_header(line).expect("what verifies has a good header");
        layout::check(file, &write_status_header(&envelope, &statement), &envelope);
        assert_eq!(statement, verified.statement);
    }
    let status = accepted(opened)?;
    let verified = verified.expect("what opens verifies");
    assert_eq!(
        (&verified.statement, verified.digest, verified.signer),
        (&status.statement, status.digest, status.signer)
    );
    Some(status)
}
