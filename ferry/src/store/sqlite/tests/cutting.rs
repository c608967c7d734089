use ferry_core::contract::Contract;
use ferry_core::ports::{Attempt, CutRequest, FaultKind, Settled, Store as _};
use ferry_format::statement::genesis;
use ferry_format::{Digest, Mark};

use super::{CONTRACT, EPOCH_ID, Zone, epochs, link, outgoing, registration, sale};

const ROW: &str = "INSERT INTO remark SELECT value, NULL, 3 FROM generate";

/// Inserts remarks numbered from `first` to `last`.
fn remarks(zone: &Zone, first: u64, last: u64) {
    let rows = format!(
        "WITH RECURSIVE generate (value) AS (SELECT {first} UNION ALL SELECT value + 1 FROM generate WHERE value < {last}) "
    );
    zone.run(&(rows + ROW)).unwrap();
}

fn cut(zone: &Zone, after: u64, upto: u64, rows: u64) -> (Vec<u64>, usize) {
    let raw = zone.store.cut(&CutRequest { stream: sale(), after, upto, rows }).unwrap();
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
        let raw = zone.store.cut(&CutRequest { stream: sale(), after, upto: 7, rows: 100 }).unwrap();
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
    assert_eq!(cut(&zone, 68, 90, 1_000).0.last(), Some(&90));
}

#[test]
fn recording_compares_and_sets_and_removes_exactly_its_rows() {
    let zone = Zone::new("outer");
    remarks(&zone, 1, 3);
    let raw = zone.cut();
    let first = zone.store.recover().unwrap().outgoing.remove(0);
    let stream = zone.contract.stream(&sale()).unwrap();
    let start = genesis(&link(), &stream.owner, &stream.to, &stream.name, 1, EPOCH_ID);
    assert_eq!(first.last, Mark { stream: sale(), epoch: 1, seq: 0, digest: start });
    remarks(&zone, 4, 4);

    let one = outgoing(&first.last, &raw);
    let mut two = outgoing(
        &Mark { seq: 1, digest: one.digest, ..first.last.clone() },
        &zone.store.cut(&CutRequest { stream: sale(), after: 3, upto: 4, rows: 9 }).unwrap(),
    );
    let mut wrong = one.clone();
    wrong.previous = Digest([7; 32]);
    assert_eq!(zone.store.record(&[wrong]).unwrap_err().kind, FaultKind::Conflict);
    assert_eq!(zone.store.record(std::slice::from_ref(&two)).unwrap_err().kind, FaultKind::Conflict);
    assert_eq!(zone.captured().len(), 4);

    zone.store.record(std::slice::from_ref(&one)).unwrap();
    assert_eq!(zone.captured(), [r#"["remark","i",4,null,3]"#]);
    zone.store.record(&[one.clone(), two.clone()]).unwrap();
    zone.store.record(&[one.clone(), two.clone()]).unwrap();
    two.digest = Digest([8; 32]);
    assert_eq!(zone.store.record(&[two]).unwrap_err().kind, FaultKind::Conflict);
    assert!(zone.captured().is_empty());
    assert_eq!(zone.store.observe().unwrap().streams[0].last_id, 4);
    let own = zone.store.recover().unwrap().outgoing.remove(0);
    assert_eq!((own.last.seq, own.through_id, own.unsettled.len()), (2, 4, 2));
}

#[test]
fn attempts_go_forward_and_only_our_own_digest_settles() {
    let zone = Zone::new("outer");
    remarks(&zone, 1, 3);
    let batch = zone.send();
    let attempt = |attempt| Attempt { stream: sale(), epoch: 1, seq: 1, attempt, at_ms: 50 };
    zone.store.attempt(&[attempt(3)]).unwrap();
    zone.store.attempt(&[attempt(3)]).unwrap();
    assert_eq!(zone.store.attempt(&[attempt(2)]).unwrap_err().kind, FaultKind::Conflict);
    assert_eq!(zone.store.recover().unwrap().outgoing[0].unsettled[0].attempt, 3);

    let settled = |seq, digest| Settled { mark: Mark { stream: sale(), epoch: 1, seq, digest }, at_ms: 60 };
    for wrong in [settled(1, Digest([1; 32])), settled(2, batch.digest)] {
        assert_eq!(zone.store.settle(&wrong).unwrap_err().kind, FaultKind::Conflict);
    }
    zone.store.settle(&settled(1, batch.digest)).unwrap();
    zone.store.settle(&settled(1, batch.digest)).unwrap();
    let own = zone.store.recover().unwrap().outgoing.remove(0);
    assert_eq!(own.settled.digest, batch.digest);
    assert!(own.unsettled.is_empty());
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
