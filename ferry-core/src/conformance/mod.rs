//! One suite for every port, run on each implementation: what a simulator assumes of a port is what the product does.
//!
//! A suite is a list of cases over a fixture, which gives the implementation and plays the world around it. The macro
//! named after the suite lists its cases once, and [`conformance_tests`](crate::conformance_tests) makes a test of each.
//! A case asserts values and not only success, so that two implementations which pass it behave alike.
#![expect(clippy::unwrap_used, reason = "a promise that is not kept fails the test that asked for it")]

/// Makes one test of each case of a suite, each on a fresh fixture:
/// `ferry_core::spool_cases!(ferry_core::conformance_tests, spool, MyFixture::new());`
#[macro_export]
macro_rules! conformance_tests {
    ([$suite:ident, $fixture:expr] $($case:ident),* $(,)?) => {
        $(
            #[test]
            fn $case() {
                $crate::conformance::$suite::run(stringify!($case), &mut $fixture);
            }
        )*
    };
}

/// Makes the table of a suite. A case that is not listed is dead code, which the compiler reports.
macro_rules! case_table {
    ([$fixture:path] $($case:ident),* $(,)?) => {
        /// The cases with their names.
        pub const CASES: &[(&str, fn(&mut dyn $fixture))] = &[$((stringify!($case), $case)),*];

        /// Runs one case on a fresh fixture.
        ///
        /// # Panics
        /// When the implementation does not keep the promise.
        pub fn run(name: &str, fixture: &mut dyn $fixture) {
            let case = CASES.iter().find(|(one, _)| *one == name).map(|(_, case)| case);
            case.expect("tests are made from the list of cases")(fixture);
        }
    };
}

pub mod anchor;
pub mod gate;
pub mod power;
pub mod quarantine;
pub mod sealer;
pub mod spool;
pub mod store;

use core::fmt::Debug;

use ferry_format::{
    BatchStatement, Checkpoint, Digest, Entropy, EntropyError, EpochId, FileName, Group, LinkId, NameKind, Payload,
    Sealing, SoftKeys, TableSummary, ZoneName, seal_batch,
};

use crate::ports::{BatchId, FaultKind, PortError, Side};

pub use store::{
    acting as store_acting, applying as store_applying, beginning as store_beginning, loading as store_loading,
    outgoing as store_outgoing, refusing as store_refusing, reopening as store_reopening, returning as store_returning,
    superseding as store_superseding,
};

/// The link of every fixture.
pub const LINK: &str = "nontax";
/// The zone whose ports are looked at.
pub const ZONE: &str = "inner";
/// Its peer.
pub const PEER: &str = "outer";

/// The link of every fixture, as a type.
#[must_use]
pub fn link() -> LinkId {
    LINK.parse().unwrap()
}

/// The zone whose ports are looked at, as a type.
#[must_use]
pub fn zone() -> ZoneName {
    ZONE.parse().unwrap()
}

/// Its peer, as a type.
#[must_use]
pub fn peer() -> ZoneName {
    PEER.parse().unwrap()
}

/// Entropy from a counter: the same in every run.
struct Counter(u64);

impl Entropy for Counter {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyError> {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&Digest::of(&[b"conformance\n", &self.0.to_be_bytes()]).0[..chunk.len()]);
        }
        Ok(())
    }
}

/// The kind of a failure.
#[track_caller]
fn kind<T: Debug>(result: Result<T, PortError>) -> FaultKind {
    result.unwrap_err().kind
}

/// The statement of a batch with one row, and the row. `Out` is from the zone to the peer.
fn statement(side: Side, stream: &str, epoch: u64, seq: u64) -> (BatchStatement, Payload) {
    let (from, to) = match side {
        Side::Out => (zone(), peer()),
        Side::In => (peer(), zone()),
    };
    let mut payload = Payload::new([7; 32]);
    payload.push(br#"["bill","i",1]"#).unwrap();
    let statement = BatchStatement {
        link: link(),
        from,
        to,
        stream: stream.parse().unwrap(),
        epoch,
        epoch_id: EpochId([1; 8]),
        seq,
        group: Group { first: seq, index: 0, last: true },
        previous: Digest([0; 32]),
        contract: Digest([1; 32]),
        requires: Vec::new(),
        tables: vec![TableSummary { name: "bill".to_owned(), inserts: 1, ..TableSummary::default() }],
        records: 1,
        plain: payload.plain(),
        cut_at_ms: 0,
        audit: Checkpoint { size: 0, root: Digest([2; 32]) },
        supersedes: None,
    };
    (statement, payload)
}

/// A whole batch file, by keys that nobody knows.
fn sealed(side: Side, stream: &str, epoch: u64, seq: u64) -> (BatchId, Vec<u8>) {
    let mut entropy = Counter(seq);
    let keys = SoftKeys::generate(&mut entropy).unwrap();
    let (statement, payload) = statement(side, stream, epoch, seq);
    let recipients = [keys.encrypt_public().clone()];
    let sealed = seal_batch(&statement, &payload, &Sealing::new(&keys, &recipients), &mut entropy).unwrap();
    (BatchId::of(&statement, sealed.digest), sealed.bytes)
}

/// Makes another whole file of a sealed one: the time at which it was cut ends in another digit.
///
/// # Panics
/// When the file has no such field.
pub fn disguise(bytes: &mut [u8]) {
    let field = b"\"cut_at\":";
    let at = bytes.windows(field.len()).position(|window| window == field).expect("a statement says when it was cut");
    bytes[at + field.len()] ^= 1;
}

/// The name of a batch file in a drop directory.
fn batch_name(side: Side, seq: u64) -> String {
    let kind = NameKind::Batch { stream: "bill".parse().unwrap(), epoch: 1, seq };
    name(side, kind)
}

/// The name of a status file.
fn status_name(side: Side, number: u64) -> String {
    name(side, NameKind::Status { number })
}

fn name(side: Side, kind: NameKind) -> String {
    let (from, to) = match side {
        Side::Out => (zone(), peer()),
        Side::In => (peer(), zone()),
    };
    let (digest8, extension) = ("0123abcd".to_owned(), "dat".to_owned());
    FileName { from, to, kind, attempt: 1, digest8, extension }.to_string()
}
