//! A flood of forged files stops no stream and fills no disk.

use tests::demo::database::Database;
use tests::pair::{INNER, Making, OUTER, Pair, environment, files_below, wait_until, write_file};

/// Enough to outnumber every limit many times; `FERRY_FLOOD` takes another number.
const FORGED: u64 = 5_000;
/// The shipped limits of the ring of unverified files, and a reason beside each.
const RING_FILES_MAX: usize = 2 * 256;

#[test]
fn a_flood_of_forged_files_stops_no_stream_and_fills_no_disk() {
    let forged = environment("FERRY_FLOOD").and_then(|count| count.parse().ok()).unwrap_or(FORGED);
    let pair = Pair::make(Making::default());
    let junk = vec![b'x'; 2_000];
    for number in 1..=forged {
        // They sort before every real file.
        let name = format!("f1-outer-inner-a-00000001-{number:012}-a1-00000000.dat");
        write_file(&pair.path(INNER, "from-gate").join(name), &junk);
    }
    let _daemons = [pair.start(INNER), pair.start(OUTER)];
    let mut source = Database::open(&pair.database(OUTER)).unwrap();
    let rows =
        contract::rows::json_rows(contract::Generator::new(7, contract::Size::S).confirmations(0..50).map(|one| {
            use contract::rows::Row as _;
            one.confirm.cells()
        }));
    let insert = <contract::rows::PayConfirm as contract::rows::Row>::SHAPE.insert_sql();
    source.run(&insert, &[&rows]).unwrap();
    let mut replica = Database::open(&pair.database(INNER)).unwrap();
    pair.carry_until("the rows to be applied in the flood", || {
        replica.number("SELECT count(*) FROM pay_confirm", &[]).unwrap() == 50
    });
    wait_until("the flood to be worked off", || {
        pair.carry(|_| true);
        let status = pair.json(INNER, &["status"]);
        status["facts"]["gate_unverified"].as_str().and_then(|count| count.parse().ok()) == Some(forged)
    });
    let kept = files_below(&pair.path(INNER, "quarantine")).len();
    assert!(kept <= RING_FILES_MAX, "{kept} files are kept");
}
