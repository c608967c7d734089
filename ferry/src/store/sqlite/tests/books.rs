use ferry_core::ports::{ActOrder, Direction, LifeEvent, LifeKind, Notes, Store as _, StreamState};
use ferry_format::{Digest, Group};

use super::{Zone, epochs, link, registration, sale};
use crate::store::{BatchQuery, Books as _, SqliteBooks};

#[test]
fn the_books_show_batches_both_ways() {
    let (owner, replica) = (Zone::new("outer"), Zone::new("inner"));
    for no in 1..=3 {
        owner.run(&format!("INSERT INTO remark VALUES ({no}, NULL, 3)")).unwrap();
        replica.apply(vec![owner.send()]).unwrap();
    }
    owner.run("INSERT INTO remark VALUES (4, NULL, 3), (5, NULL, 3)").unwrap();
    let books = SqliteBooks::open(&owner.path, &link()).unwrap();
    let query = BatchQuery { direction: Direction::Out, stream: None, unsettled: true, limit: 2 };
    let found = books.batches(&query).unwrap();
    assert_eq!(found.iter().map(|batch| batch.seq).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(found[0].group, Some(Group { first: 3, index: 0, last: true }));
    assert_eq!((found[0].cut_at_ms, found[0].attempt, found[0].settled_at_ms), (Some(30), Some(1), None));
    let prefix = &found[0].digest.to_string()[..10];
    assert_eq!(books.batches_by_digest(prefix, 5).unwrap(), found[..1]);
    assert!(books.batches_by_digest("%", 5).unwrap().is_empty());
    assert_eq!(books.batch(Direction::Out, &sale(), 3).unwrap().as_ref(), Some(&found[0]));
    assert_eq!(books.batch(Direction::Out, &sale(), 4).unwrap(), None);
    let backlog = books.backlog(2).unwrap();
    assert_eq!((backlog[0].rows, backlog[0].capped), (2, true));

    let there = SqliteBooks::open(&replica.path, &link()).unwrap();
    let query = BatchQuery { direction: Direction::In, stream: Some(sale()), unsettled: false, limit: 9 };
    let found = there.batches(&query).unwrap();
    assert_eq!(found.iter().map(|batch| batch.seq).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!((found[0].wait_ms, found[0].applied_at_ms), (Some(995), Some(1_000)));
    assert!(there.parked_rows(9).unwrap().is_empty());
    assert_eq!(there.audit_heads().unwrap()[0].log, "in.sale");
    assert_eq!(there.audit_checkpoint().unwrap(), replica.store.recover().unwrap().audit);
    assert_eq!(there.audit_leaves("in.sale", 3, 9).unwrap()[0].kind, "applied");
}

#[test]
fn notes_are_kept_and_a_state_replaces_the_one_before() {
    let zone = Zone::new("outer");
    zone.run("INSERT INTO remark VALUES (1, NULL, 3)").unwrap();
    zone.send();
    let event = |kind, at_ms| LifeEvent {
        direction: Direction::Out,
        stream: sale(),
        epoch: 1,
        seq: 1,
        kind,
        at_ms,
        detail: "1".to_owned(),
    };
    let state = |lag_ms| StreamState {
        direction: Direction::Out,
        stream: sale(),
        epoch: 1,
        last_seq: 1,
        published_seq: 1,
        applied_seq: 0,
        applied_digest: Digest([2; 32]),
        held: String::new(),
        missing: "1".to_owned(),
        lag_ms,
        known_at_ms: 0,
        health: "waiting",
        code: "late".to_owned(),
        detail: String::new(),
        parked_rows: 0,
    };
    let notes = Notes {
        life: vec![event(LifeKind::Published, 11), event(LifeKind::Published, 12), event(LifeKind::Held, 13)],
        states: vec![state(5), state(6)],
        facts: vec![("gate.foreign".to_owned(), "3".to_owned())],
        status_number: Some(7),
        acts_told: Vec::new(),
        now_ms: 20,
    };
    zone.store.note(&notes).unwrap();
    let books = SqliteBooks::open(&zone.path, &link()).unwrap();
    let life = books.life(Direction::Out, &sale(), 1, 1).unwrap();
    assert_eq!(
        life.iter().map(|row| (row.kind.as_str(), row.at_ms)).collect::<Vec<_>>(),
        [("published", 11), ("published", 12), ("held", 13)]
    );
    let batch = books.batch(Direction::Out, &sale(), 1).unwrap().unwrap();
    assert_eq!((batch.published_at_ms, batch.held_at_ms), (Some(11), Some(13)));
    let states = books.stream_states().unwrap();
    assert_eq!((states.len(), states[0].lag_ms, states[0].health.as_str()), (1, 6, "waiting"));
    let number = ("status_number".to_owned(), "7".to_owned());
    assert_eq!(books.facts().unwrap(), [notes.facts[0].clone(), number]);
}

#[test]
fn an_act_is_listed_from_the_moment_it_is_handed_in() {
    let zone = Zone::new("outer");
    let books = SqliteBooks::open(&zone.path, &link()).unwrap();
    let id = books.hand_in(b"no act at all", 5).unwrap();
    assert_eq!(books.hand_in(b"no act at all", 6), Ok(id));
    let row = books.act(id).unwrap().unwrap();
    assert_eq!((row.here, row.verified, row.handed_in_at_ms, row.code.as_deref()), (true, true, 5, None));
    let (verdict, superseding, instead) = (Err("unknown-magic".to_owned()), None, Vec::new());
    let order = ActOrder { id, file: row.file, verdict, at_ms: 9, superseding, instead, ended: Vec::new() };
    zone.store.act(&order, None).unwrap();
    let rows = books.acts(10).unwrap();
    let ends: Vec<_> = rows.iter().map(|row| (row.code.as_deref(), row.ended_at_ms, row.told_at_ms)).collect();
    assert_eq!(ends, [(Some("unknown-magic"), Some(9), None)]);
    zone.store.note(&Notes { acts_told: vec![id], now_ms: 11, ..Notes::default() }).unwrap();
    assert_eq!(books.act(id).unwrap().unwrap().told_at_ms, Some(11));
    assert_eq!(books.act(id + 1), Ok(None));
}

#[test]
fn the_books_name_the_database_and_its_contracts() {
    let zone = Zone::new("outer");
    let books = SqliteBooks::open(&zone.path, &link()).unwrap();
    let identity = books.identity().unwrap();
    assert_eq!((identity.instance, identity.schema_version), (super::INSTANCE, 5));
    let epochs = epochs();
    zone.store.register(&registration(&zone.name, &zone.contract, &epochs)).unwrap();
    let contracts = books.contracts().unwrap();
    let known: Vec<(&str, Direction)> = contracts.iter().map(|row| (row.stream.as_str(), row.direction)).collect();
    assert_eq!(known, [("sale", Direction::Out), ("base", Direction::In)]);
    assert_eq!(contracts[0].text, super::CONTRACT);
}
