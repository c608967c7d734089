//! A row of an independent table that the receiver's database refuses is parked alone, and everything else goes on.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::kills::settled;
use tests::pair::{INNER, Making, OUTER, run, write_file};

use super::office::{Office, ROWS, confirm_id};

/// The name that the inner zone's database takes only once.
const POISON: &str = "poison";
/// The payment that has the name first.
const FIRST: u64 = 3;
/// The payment that has it too, and is parked.
const PARKED: u64 = 7;

/// The shipped contract, in which payments do not depend on each other.
fn contract_in(directory: &Path) -> PathBuf {
    let head = "name = \"pay_confirm\"\n";
    assert_eq!(contract::NONTAX_TOML.matches(head).count(), 1);
    let text = contract::NONTAX_TOML.replacen(head, &format!("{head}independent = true\n"), 1);
    std::fs::create_dir(directory.join("schema")).unwrap();
    write_file(&directory.join("schema/nontax.sqlite.sql"), contract::NONTAX_SQLITE_SQL.as_bytes());
    let path = directory.join("nontax.toml");
    write_file(&path, text.as_bytes());
    path
}

/// What `ferry status` tells about parked rows in a zone.
fn trouble(office: &Office, zone: usize) -> Option<Value> {
    let status = office.pair.json(zone, &["status"]);
    status["troubles"].as_array().unwrap().iter().find(|trouble| trouble["code"] == "parked-rows").cloned()
}

fn parked(office: &Office) -> Vec<Value> {
    office.pair.json(INNER, &["parked", "list"])["rows"].as_array().unwrap().clone()
}

/// Waits until both zones count so many parked rows.
fn until_counted(office: &Office, rows: u64) {
    office.pair.carry_until(&format!("{rows} parked rows to be counted in both zones"), || {
        [INNER, OUTER].iter().all(|zone| office.pair.stream(*zone, "confirm")["parked_rows"] == rows)
    });
}

/// Both zones tell of the row that is parked, each what can be done there.
fn is_told(office: &Office) {
    for (zone, next) in [(INNER, "ferry parked retry confirm"), (OUTER, "tell the peer's operator")] {
        let trouble = trouble(office, zone).unwrap();
        assert_eq!((&trouble["stream"], &trouble["attention"]), (&"confirm".into(), &true.into()), "{trouble}");
        assert!(trouble["next"].as_str().unwrap().contains(next), "{trouble}");
        let checked = run(office.pair.command(zone).args(["status", "--check"]));
        assert_eq!(checked.status.code(), Some(27));
    }
    let listed = parked(office);
    let [row] = &listed[..] else { panic!("one row of {listed:?}") };
    assert_eq!((&row["stream"], &row["seq"], &row["row"]), (&"confirm".into(), &1.into(), &PARKED.into()), "{row}");
    assert_eq!((&row["table"], &row["code"]), (&"pay_confirm".into(), &"constraint-unique".into()), "{row}");
    let (_, here) = office.trace(INNER, &confirm_id(PARKED));
    let change = &here["changes"][0];
    assert_eq!((&change["state"], &here["present"]), (&"parked".into(), &false.into()), "{here}");
    assert_eq!(change["parked_code"], "constraint-unique");
    let (_, there) = office.trace(OUTER, &confirm_id(PARKED));
    let change = &there["changes"][0];
    assert_eq!(change["state"], "settled", "{there}");
    assert!(change["now"].as_str().unwrap().contains("may be one of them"), "{there}");
}

#[test]
fn a_row_that_is_refused_alone_is_parked_until_its_cause_is_mended() {
    let directory = tempfile::tempdir().unwrap();
    let office = Office::of(Making { contract: contract_in(directory.path()), ..Making::default() });
    let rule = format!("CREATE UNIQUE INDEX one_{POISON} ON pay_confirm (payer_name) WHERE payer_name = '{POISON}'");
    office.sql(INNER, &rule, &[]);
    office.insert_rows(0..=ROWS - 1, |place, confirm| {
        if [FIRST, PARKED].contains(&place) {
            confirm.payer_name = POISON.to_owned();
        }
    });
    until_counted(&office, 1);
    office.insert(ROWS, |_| {});
    let states = |zone: usize, place: u64| office.changes(zone, &confirm_id(place));
    let insert = |state: &str| vec![("insert".to_owned(), state.to_owned())];
    office.pair.carry_until("the rows of later batches to be applied", || {
        states(INNER, 2 * ROWS - 1) == insert("applied") && states(OUTER, 2 * ROWS - 1) == insert("settled")
    });
    for zone in [INNER, OUTER] {
        office.until(zone, "ok", "");
    }
    is_told(&office);
    assert_eq!(states(INNER, FIRST), insert("applied"));
    assert_eq!(settled::unequal(&office.pair), ["pay_confirm"]);

    office.sql(INNER, &format!("DROP INDEX one_{POISON}"), &[]);
    office.done(INNER, &["parked", "retry", "confirm"], 1);
    office.until_applied(2 * ROWS);
    until_counted(&office, 0);
    assert_eq!(settled::unequal(&office.pair), [""; 0]);
    assert!(parked(&office).is_empty());
    let (_, here) = office.trace(INNER, &confirm_id(PARKED));
    let change = &here["changes"][0];
    assert_eq!((&change["state"], &change["was_parked"]), (&"applied".into(), &true.into()), "{here}");
    assert_eq!(here["present"], true);
    let listed = |zone: usize| office.listed(zone).into_iter().find(|act| act["deed"] == "retry-rows");
    office.pair.carry_until("both zones to list the act", || [INNER, OUTER].iter().all(|zone| listed(*zone).is_some()));
    for zone in [INNER, OUTER] {
        let act = listed(zone).unwrap();
        assert_eq!((&act["code"], &act["verified"]), (&"done".into(), &true.into()), "{act}");
        assert_eq!((&act["here"], &act["reason"]), (&(zone == INNER).into(), &"银行已确认".into()), "{act}");
        assert!(trouble(&office, zone).is_none());
    }
    let (code, error) = office.act(INNER, &["parked", "retry", "confirm"], 1);
    assert_eq!((code, &error["error"]["code"]), (26, &"no-parked-rows".into()), "{error}");
}
