use ferry_core::contract::Contract;
use ferry_core::ports::{CutRequest, Store as _};

use super::{CONTRACT, Zone, epochs, registration, sale};

const ROW: &str = "INSERT INTO remark SELECT value, NULL, 3 FROM generate";

/// Inserts remarks numbered from `first` to `last`.
fn remarks(zone: &Zone, first: u64, last: u64) {
    let rows = format!(
        "WITH RECURSIVE generate (value) AS (SELECT {first} UNION ALL SELECT value + 1 FROM generate WHERE value < {last}) "
    );
    zone.run(&(rows + ROW)).unwrap();
}

fn cut(zone: &Zone, after: u64, upto: u64, rows: u64) -> (Vec<u64>, usize) {
    let raw = zone.store.cut(&CutRequest { stream: sale(), after, upto, rows, bytes: u64::MAX }).unwrap();
    let lines = raw.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    (raw.ids, lines)
}

#[test]
fn a_cut_reads_as_much_as_it_was_asked_for() {
    let zone = Zone::new("outer");
    assert_eq!(cut(&zone, 0, 99, 9), (vec![], 0));
    remarks(&zone, 1, 20);
    assert_eq!(cut(&zone, 0, 20, 3), (vec![1, 2, 3], 3));
    assert_eq!(cut(&zone, 3, 5, 9), (vec![4, 5], 2));
    assert_eq!(cut(&zone, 18, 99, 9), (vec![19, 20], 2));
    zone.run("DELETE FROM ferry_outbox_shop_sale WHERE id IN (5, 6)").unwrap();
    assert_eq!(cut(&zone, 3, 99, 3), (vec![4, 7, 8], 3));
}

#[test]
fn a_cut_ends_where_the_contract_changes() {
    let mut zone = Zone::new("outer");
    let old = zone.contract.stream(&sale()).unwrap().digest;
    remarks(&zone, 1, 2);
    let text = CONTRACT.replace(r#"name = "stars", type = "integer""#, r#"name = "stars", type = "integer", max = 5"#);
    zone.contract = Contract::parse(&text, "shop.toml").unwrap();
    let epochs = epochs();
    let registered = zone.store.register(&registration(&zone.name, &zone.contract, &epochs)).unwrap();
    assert_eq!((registered.added, registered.stale), (vec![sale()], vec![sale()]));
    zone.install().unwrap();
    let registered = zone.store.register(&registration(&zone.name, &zone.contract, &epochs)).unwrap();
    assert!(registered.added.is_empty() && registered.stale.is_empty());
    remarks(&zone, 3, 5);
    zone.contract = Contract::parse(CONTRACT, "shop.toml").unwrap();
    zone.install().unwrap();
    remarks(&zone, 6, 7);
    let new = Contract::parse(&text, "shop.toml").unwrap().stream(&sale()).unwrap().digest;
    for (after, ids, digest) in [(0, vec![1, 2], old), (1, vec![2], old), (2, vec![3, 4, 5], new), (5, vec![6, 7], old)]
    {
        let raw = zone.store.cut(&CutRequest { stream: sale(), after, upto: 7, rows: 100, bytes: u64::MAX }).unwrap();
        assert_eq!((raw.ids, raw.contract), (ids, Some(digest)));
    }
}

#[test]
fn a_cut_ends_above_what_a_batch_can_hold() {
    let zone = Zone::new("outer");
    let insert =
        "WITH RECURSIVE generate (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM generate WHERE value < 90)
        INSERT INTO item SELECT value, NULL, 1, 0, NULL, printf('%.1000000c', 'x') FROM generate";
    zone.run(insert).unwrap();
    let (ids, lines) = cut(&zone, 0, 90, 1_000);
    assert_eq!(ids.len(), lines);
    assert!((68..90).contains(&lines), "{lines}");
    assert_eq!(cut(&zone, 69, 90, 1_000).0.last(), Some(&90));
}

#[test]
fn a_cut_reads_two_rows_beyond_what_fits() {
    let zone = Zone::new("outer");
    remarks(&zone, 1, 9);
    let read = |upto, bytes| zone.store.cut(&CutRequest { stream: sale(), after: 0, upto, rows: 100, bytes }).unwrap();
    let ids = |bytes| read(9, bytes).ids;
    let line = u64::try_from(read(1, u64::MAX).lines.len()).unwrap();
    assert_eq!(ids(1), [1, 2]);
    assert_eq!(ids(3 * line), [1, 2, 3, 4, 5]);
    assert_eq!(ids(9 * line), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

/// The ends that the sale stream would see again after a restart.
fn remembered(zone: &Zone) -> Vec<u64> {
    let recovered = zone.store.recover().unwrap();
    let of_sale = recovered.outgoing.into_iter().find(|stream| stream.last.stream == sale()).unwrap();
    of_sale.boundaries.into_iter().map(|ends| ends[&sale()]).collect()
}

#[test]
fn boundaries_are_remembered_until_they_are_recorded_and_close_ones_are_merged() {
    let zone = Zone::new("outer");
    zone.store.observe().unwrap();
    assert!(remembered(&zone).is_empty());
    remarks(&zone, 1, 400);
    zone.store.observe().unwrap();
    zone.store.observe().unwrap();
    assert_eq!(remembered(&zone), [400]);
    // 400 and 500 lie within the spacing of each other, 500 and 1 001 do not.
    remarks(&zone, 401, 500);
    zone.store.observe().unwrap();
    assert_eq!(remembered(&zone), [500]);
    remarks(&zone, 501, 1_001);
    zone.store.observe().unwrap();
    assert_eq!(remembered(&zone), [500, 1_001]);
    remarks(&zone, 1_002, 1_010);
    zone.store.observe().unwrap();
    assert_eq!(remembered(&zone), [500, 1_001, 1_010]);
    zone.send();
    assert!(remembered(&zone).is_empty());
}
