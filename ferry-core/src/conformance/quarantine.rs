//! What a quarantine promises.

use super::{batch_name, kind};
use crate::ports::{FaultKind, Quarantine, QuarantineNote, Side};

/// A quarantine in a world of its own, empty at first.
pub trait QuarantineFixture {
    /// The quarantine.
    fn quarantine(&self) -> &dyn Quarantine;

    /// The process ends and another one begins.
    fn reopen(&mut self);

    /// What is kept, the oldest first: files that a trusted key signed, then the others.
    fn kept(&self) -> Vec<KeptFile>;

    /// How many files that no trusted key signed are kept.
    fn unverified_max(&self) -> u32;
}

/// A file in the quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFile {
    /// The name that it was put under.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The reason that lies beside it.
    pub note: QuarantineNote,
}

/// Lists the cases of the suite.
#[macro_export]
macro_rules! quarantine_cases {
    ($($then:ident)::+, $($rest:tt)*) => {
        $($then)::+! {
            [$($rest)*]
            a_refused_file_is_kept_with_its_reason,
            files_of_one_name_are_all_kept,
            the_same_content_is_kept_once,
            a_content_is_kept_both_as_signed_and_as_not_signed,
            the_oldest_unsigned_files_make_room,
            what_nobody_signed_pushes_out_nothing_that_somebody_did,
            everything_is_there_after_a_restart_and_the_ring_goes_on,
            a_content_that_was_pushed_out_is_kept_again,
            a_name_cannot_leave_the_directory,
        }
    };
}

quarantine_cases!(case_table, QuarantineFixture);

fn note(code: &str, verified: bool) -> QuarantineNote {
    QuarantineNote { code: code.to_owned(), story: format!("It is {code}."), verified, at_ms: 5 }
}

fn file(name: &str, bytes: &[u8], note: QuarantineNote) -> KeptFile {
    KeptFile { name: name.to_owned(), bytes: bytes.to_vec(), note }
}

fn put(fixture: &dyn QuarantineFixture, files: &[KeptFile]) {
    for file in files {
        fixture.quarantine().put(&file.name, &file.bytes, &file.note).unwrap();
    }
}

/// So many different files that nobody signed, all of one name.
fn flood(count: u32) -> Vec<KeptFile> {
    let name = batch_name(Side::In, 1);
    (0..count).map(|number| file(&name, &number.to_be_bytes(), note("unknown-signer", false))).collect()
}

fn a_refused_file_is_kept_with_its_reason(fixture: &mut dyn QuarantineFixture) {
    assert!(fixture.kept().is_empty());
    let files = [
        file(&batch_name(Side::In, 2), b"signed", note("wrong-previous", true)),
        file(&batch_name(Side::In, 1), b"not signed", note("unknown-signer", false)),
    ];
    put(fixture, &files);
    assert_eq!(fixture.kept(), files);
}

fn files_of_one_name_are_all_kept(fixture: &mut dyn QuarantineFixture) {
    let name = batch_name(Side::In, 1);
    for verified in [true, false] {
        put(fixture, &[b"one", b"two"].map(|bytes| file(&name, bytes, note("damaged-chunk", verified))));
    }
    let kept: Vec<Vec<u8>> = fixture.kept().into_iter().map(|file| file.bytes).collect();
    assert_eq!(kept, [b"one", b"two", b"one", b"two"]);
}

fn the_same_content_is_kept_once(fixture: &mut dyn QuarantineFixture) {
    for verified in [true, false] {
        let first = file(&batch_name(Side::In, 1), b"content", note("damaged-chunk", verified));
        let again = file(&batch_name(Side::In, 2), b"content", note("bad-signature", verified));
        put(fixture, &[first.clone(), first.clone(), again]);
        assert_eq!(
            fixture.kept().into_iter().filter(|kept| kept.note.verified == verified).collect::<Vec<_>>(),
            [first]
        );
    }
}

fn a_content_is_kept_both_as_signed_and_as_not_signed(fixture: &mut dyn QuarantineFixture) {
    let name = batch_name(Side::In, 1);
    let files = [true, false].map(|verified| file(&name, b"content", note("damaged-chunk", verified)));
    put(fixture, &files);
    assert_eq!(fixture.kept(), files);
}

fn the_oldest_unsigned_files_make_room(fixture: &mut dyn QuarantineFixture) {
    let limit = fixture.unverified_max();
    let files = flood(limit + 3);
    put(fixture, &files);
    assert_eq!(fixture.kept(), files[3..]);
}

fn what_nobody_signed_pushes_out_nothing_that_somebody_did(fixture: &mut dyn QuarantineFixture) {
    let evidence = file(&batch_name(Side::In, 1), b"evidence", note("wrong-previous", true));
    put(fixture, std::slice::from_ref(&evidence));
    let limit = fixture.unverified_max();
    put(fixture, &flood(3 * limit));
    let kept = fixture.kept();
    assert_eq!((&kept[0], kept.len()), (&evidence, usize::try_from(limit).unwrap() + 1));
}

fn everything_is_there_after_a_restart_and_the_ring_goes_on(fixture: &mut dyn QuarantineFixture) {
    let limit = fixture.unverified_max();
    let files = flood(limit + 2);
    let evidence = file(&batch_name(Side::In, 1), b"evidence", note("wrong-previous", true));
    put(fixture, &[evidence]);
    put(fixture, &files[..usize::try_from(limit).unwrap()]);
    let before = fixture.kept();
    fixture.reopen();
    assert_eq!(fixture.kept(), before);
    put(fixture, &files[usize::try_from(limit).unwrap()..]);
    assert_eq!(fixture.kept()[1..], files[2..]);
    put(fixture, &before[..1]);
    assert_eq!(fixture.kept()[0], before[0]);
    assert_eq!(fixture.kept().len(), before.len());
}

fn a_content_that_was_pushed_out_is_kept_again(fixture: &mut dyn QuarantineFixture) {
    let limit = fixture.unverified_max();
    let files = flood(limit + 1);
    put(fixture, &files);
    put(fixture, &files[..1]);
    assert_eq!(fixture.kept().last(), files.first());
}

fn a_name_cannot_leave_the_directory(fixture: &mut dyn QuarantineFixture) {
    for name in ["", "../x", "a/b", "a\0b"] {
        let put = fixture.quarantine().put(name, b"x", &note("unknown-magic", false));
        assert_eq!(kind(put), FaultKind::Conflict, "{name:?}");
    }
    assert!(fixture.kept().is_empty());
}
