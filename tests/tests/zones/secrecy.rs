//! No value of a sensitive column is found in any file that crossed, in a log, in the spool or in a quarantine reason.
//!
//! The same search over the same job with a program that does not encrypt must find them all: otherwise it would prove
//! nothing.

use std::path::{Path, PathBuf};

use contract::rows::{PayConfirm, Row as _, json_rows};
use contract::{Generator, Size};
use tests::demo::database::Database;
use tests::pair::{INNER, Making, OUTER, Pair, files_below, program};

/// What is planted in sensitive columns: nothing else on the disk looks like it.
const PLANTED: &str = "PLANTED-SECRET-0f1e2d3c";
const ROWS: u64 = 40;

#[test]
fn planted_values_are_found_nowhere_unless_encryption_is_off() {
    let found = search(program("ferry"));
    assert!(found.is_empty(), "planted values lie in {found:?}");
    let found = search(program("ferry-clear-control"));
    assert!(found.iter().any(|path| path.to_string_lossy().contains("archive")), "the control finds nothing");
}

/// Ferries planted rows, one file of which is damaged on the way, and returns every file that holds a planted value.
fn search(ferry: PathBuf) -> Vec<PathBuf> {
    let pair = Pair::make(Making { ferry, ..Making::default() });
    let daemons = [pair.start(INNER), pair.start(OUTER)];
    plant(&pair);
    let mut damaged = false;
    let mut replica = Database::open(&pair.database(INNER)).unwrap();
    let mut keep = |path: &Path| {
        if !damaged && path.to_string_lossy().contains("-confirm-") {
            damaged = true;
            let mut bytes = std::fs::read(path).unwrap();
            let middle = bytes.len() - 200;
            bytes[middle] ^= 1;
            tests::pair::write_file(path, &bytes);
        }
        true
    };
    pair.carry_some_until("the planted rows to be applied", &mut keep, &mut || {
        replica.number("SELECT count(*) FROM pay_confirm", &[]).unwrap() == ROWS
    });
    assert!(damaged && !pair.json(INNER, &["quarantine", "list"]).to_string().is_empty());
    for daemon in daemons {
        assert_eq!(daemon.stop(), Some(0));
    }
    let places = ["spool", "archive", "quarantine", "to-gate", "from-gate", "daemon.log"];
    let files = [INNER, OUTER].into_iter().flat_map(|zone| places.map(|place| pair.path(zone, place)));
    let files = files.flat_map(|place| if place.is_dir() { files_below(&place) } else { vec![place] });
    files.filter(|path| holds_secret(path)).collect()
}

fn plant(pair: &Pair) {
    let rows = json_rows(Generator::new(3, Size::S).confirmations(0..ROWS).map(|one| {
        let mut confirm = one.confirm;
        confirm.payer_acct = Some(PLANTED.to_owned());
        confirm.cells()
    }));
    let mut source = Database::open(&pair.database(OUTER)).unwrap();
    source.run(&PayConfirm::SHAPE.insert_sql(), &[&rows]).unwrap();
}

/// Looks into a file as it lies, and into every zstd frame that it may hold.
fn holds_secret(path: &Path) -> bool {
    let bytes = std::fs::read(path).unwrap_or_default();
    let secret = |bytes: &[u8]| bytes.windows(PLANTED.len()).any(|window| window == PLANTED.as_bytes());
    let frames = bytes.windows(4).enumerate().filter(|(_, window)| *window == ZSTD_MAGIC).map(|(at, _)| at);
    let unpacked = |at: usize| {
        let mut text = Vec::new();
        let read = zstd::stream::read::Decoder::new(&bytes[at..])
            .and_then(|mut frame| std::io::Read::read_to_end(&mut std::io::Read::take(&mut frame, 1 << 24), &mut text));
        // A frame is followed by a tag and a trailer, which is no second frame: what came before the error counts.
        drop(read);
        secret(&text)
    };
    secret(&bytes) || frames.into_iter().any(unpacked)
}

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
