//! The protocol against a naive model: whatever the gate does, what is applied is a prefix of what was committed, and
//! all of it once the faults end.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod told;
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;

use ferry_core::action::{Action, OpId, Outcome};
use ferry_core::contract::Tally;
use ferry_core::link::Lock;
use ferry_core::ports::{BatchId, FaultKind, Notes, PortError, Sealer as _, Side, Store as _};
use ferry_core::sender::Sender;
use ferry_core::settings::{STATUS_NUMBERS_RESERVED, Settings};
use ferry_format::{
    BatchStatement, Card, Checkpoint, Digest, EpochId, Group, KeyProvider as _, Mark, Payload, SoftKeys, StreamName,
    TrustEntry, TrustStore, parse_record,
};
use proptest::prelude::*;
use world::files::Counter;
use world::{Faults, World, settings};

/// A world in which two zones commit while the gate misbehaves.
fn run(seed: u64, faults: Faults, transactions: u64) -> World {
    let mut world = World::new(seed, settings(), faults);
    for _ in 0..transactions {
        let stream = ["base", "notice", "confirm"][usize::try_from(world.draw.below(3)).unwrap()];
        let rows = 1 + usize::try_from(world.draw.below(8)).unwrap();
        world.commit(stream, rows);
        for _ in 0..world.draw.below(60) {
            world.step();
        }
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn applied_is_a_prefix_and_complete_once_faults_end(
        seed in any::<u64>(),
        loss in 0_u64..40,
        double in 0_u64..30,
        damage in 0_u64..20,
        restart in 0_u64..15,
        unknown in 0_u64..10,
        delay_max_ms in 1_u64..5_000,
    ) {
        let mut world = run(seed, Faults { loss, double, damage, restart, unknown, delay_max_ms }, 25);
        world.settle(10 * 60_000);
    }
}

#[test]
fn a_group_larger_than_the_window_completes() {
    let mut world = World::new(3, settings(), Faults { loss: 20, ..Faults::NONE });
    let batches_in_group = 8 * world.settings.window_batches;
    world.commit("confirm", 5 * batches_in_group);
    world.settle(10 * 60_000);
}

#[test]
fn a_clean_gate_that_reorders_costs_no_second_file() {
    let mut world = run(11, Faults { delay_max_ms: 3_000, ..Faults::NONE }, 60);
    world.settle(10 * 60_000);
    let archived: usize = world.zones.iter().map(|zone| zone.spool.archive.lock().unwrap().len()).sum();
    let batches = world.zones.iter().map(|zone| zone.link.senders().map(|s| s.settled().seq).sum::<u64>()).sum::<u64>();
    assert!(archived > 0 && batches > 10);
    for zone in &world.zones {
        let books = zone.store.books.lock().unwrap();
        let attempts: u64 =
            books.outgoing.values().flat_map(|o| o.batches.values()).map(|b| u64::from(b.attempt)).sum();
        let needed: u64 = books.outgoing.values().map(|out| out.last.seq).sum();
        assert!(2 * attempts <= 3 * needed, "{attempts} files published for {needed} batches");
    }
}

#[test]
fn a_dependant_is_never_applied_before_what_it_requires() {
    let mut world = World::new(5, settings(), Faults { loss: 30, delay_max_ms: 2_000, ..Faults::NONE });
    for _ in 0..20 {
        world.commit("base", 3);
        world.commit("notice", 3);
        for _ in 0..80 {
            world.step();
            let applied = |stream: &str| world.zones[1].store.applied(&stream.parse().unwrap()).len();
            assert!(applied("base") >= applied("notice"), "a notice was applied before its base rows");
        }
    }
    world.settle(10 * 60_000);
}

#[test]
fn files_of_a_stranger_stop_nothing() {
    let mut world = World::new(8, settings(), Faults::NONE);
    for number in 0..200 {
        let name = format!("f1-outer-inner-confirm-00000001-{number:012}-a1-00000000.dat");
        world.zones[0].gate.from_gate.lock().unwrap().insert(name, b"forged".to_vec());
    }
    world.commit("confirm", 7);
    world.settle(60_000);
    while world.zones[0].quarantine.notes.lock().unwrap().len() < 200 {
        world.step();
    }
    assert!(world.zones[0].quarantine.notes.lock().unwrap().iter().all(|(_, note)| !note.verified));
}

const INNER: usize = 0;
const OUTER: usize = 1;

fn confirm() -> StreamName {
    "confirm".parse().unwrap()
}

/// The only batch file of ours that lies in a zone's spool.
fn spooled(world: &World, zone: usize, side: Side) -> Option<(BatchId, Vec<u8>)> {
    let live = world.zones[zone].spool.live.lock().unwrap();
    live.iter().find(|((of, _), _)| *of == side).map(|((_, id), bytes)| (id.clone(), bytes.clone()))
}

fn quarantined(world: &World, zone: usize, code: &str) -> usize {
    let notes = world.zones[zone].quarantine.notes.lock().unwrap();
    notes.iter().filter(|(_, note)| note.code == code).count()
}

/// Whether a file is a status of the outer zone.
fn of_outer(name: &str) -> bool {
    name.starts_with("f1-outer-inner-status-")
}

/// Where the gate has a status of the outer zone.
fn under_way(world: &World) -> Option<usize> {
    world.gate.iter().position(|file| of_outer(&file.name))
}

#[test]
fn a_status_of_an_earlier_start_that_comes_late_is_no_word_of_a_restored_peer() {
    let mut world = World::new(23, settings(), Faults { delay_max_ms: 400, ..Faults::NONE });
    world.commit("confirm", 3);
    world.until("the zones know each other", |world| world.is_done());
    world.until("a status is under way", |world| under_way(world).is_some());
    let late = world.gate.remove(under_way(&world).unwrap());
    world.gate.retain(|file| !of_outer(&file.name));
    world.restart_zone(OUTER);
    let next = |world: &World| under_way(world).map(|at| world.gate[at].name.clone());
    world.until("a status of the new start is under way", |world| next(world).is_some());
    let next = next(&world).unwrap();
    assert!(next > late.name, "numbers go on at a start");
    let lies_there = |world: &World, name: &str| {
        world.gate.iter().any(|file| file.name == name)
            || world.zones[INNER].gate.from_gate.lock().unwrap().contains_key(name)
    };
    world.until("it is read", |world| !lies_there(world, &next));
    world.zones[INNER].gate.from_gate.lock().unwrap().insert(late.name.clone(), late.bytes);
    world.zones[INNER].link.hint_gate();
    world.until("the late one is read", |world| !lies_there(world, &late.name));
    assert_eq!(world.zones[INNER].link.alarm(), None);
}

#[test]
fn a_late_status_with_a_higher_number_does_not_silence_the_present_start() {
    let mut world = World::new(30, settings(), Faults { delay_max_ms: 400, ..Faults::NONE });
    world.commit("confirm", 3);
    world.until("the zones know each other", |world| world.is_done());
    world.until("no status is under way", |world| under_way(world).is_none());
    // A start without its anchor takes its numbers from the wall clock, far above those of a start that has one.
    let anchor = world.zones[OUTER].anchor.anchor.lock().unwrap().take();
    world.restart_zone(OUTER);
    world.until("a status is under way", |world| under_way(world).is_some());
    let late = world.gate.remove(under_way(&world).unwrap());
    *world.zones[OUTER].anchor.anchor.lock().unwrap() = anchor;
    for zone in [OUTER, INNER] {
        world.restart_zone(zone);
    }
    world.gate.retain(|file| !of_outer(&file.name));
    world.commit("notice", 3);
    world.until("the zones know each other again", |world| world.is_done());
    world.zones[INNER].gate.from_gate.lock().unwrap().insert(late.name.clone(), late.bytes);
    world.zones[INNER].link.hint_gate();
    let lies_there = |world: &World| world.zones[INNER].gate.from_gate.lock().unwrap().contains_key(&late.name);
    world.until("the late one is read", |world| !lies_there(world));
    world.commit("notice", 3);
    world.until("the present start is heard", |world| world.is_done());
}

/// Everything that a zone begins at once: the note, if there is one, and the numbers of statuses.
fn begun(world: &mut World, zone: usize) -> (Option<(OpId, Notes)>, Vec<u64>) {
    let (now, mut note, mut statuses) = (world.now(), None, Vec::new());
    while let Some((op, action)) = world.zones[zone].link.next(now) {
        if let Action::Note(notes) = action {
            note = Some((op, notes));
        } else if let Action::PublishStatus { statement, .. } = action {
            statuses.push(statement.number);
        }
    }
    (note, statuses)
}

#[test]
fn a_start_without_an_anchor_says_nothing_before_the_books_know_its_numbers() {
    let mut world = run(41, Faults::NONE, 5);
    *world.zones[1].anchor.anchor.lock().unwrap() = None;
    world.restart_zone(1);
    let (note, statuses) = begun(&mut world, 1);
    let (op, notes) = note.unwrap();
    assert!(statuses.is_empty() && notes.status_number.is_some(), "{statuses:?}");
    let now = world.now();
    let failed = PortError::new(FaultKind::Transient, "the database is busy");
    world.zones[1].link.handle(op, Outcome::Noted(notes.clone(), Err(failed)), now);
    assert!(begun(&mut world, 1).1.is_empty());
    world.now_ms += world.settings.note_ms;
    let (note, statuses) = begun(&mut world, 1);
    let (op, again) = note.unwrap();
    assert_eq!((statuses.len(), again.status_number), (0, notes.status_number));
    let now = world.now();
    world.zones[1].link.handle(op, Outcome::Noted(again, Ok(())), now);
    assert_eq!(begun(&mut world, 1).1, [notes.status_number.unwrap()]);
}

#[test]
fn two_statements_for_one_place_stop_the_stream_also_after_a_restart() {
    let mut world = World::new(21, settings(), Faults::NONE);
    world.commit("confirm", 3);
    world.until("the zones know each other", |world| world.is_done());
    // The first of two batches of a group, and another one for its place with the same keys.
    let last = world.zones[OUTER].store.books.lock().unwrap().outgoing[&confirm()].last.clone();
    let [first, other] = [1, 2].map(|salt| statement(&world, &last, salt));
    for (name, bytes) in [("a", &first), ("b", &other)] {
        let name = format!("f1-outer-inner-confirm-00000001-000000000002-a1-{name}0000000.dat");
        world.zones[INNER].gate.from_gate.lock().unwrap().insert(name, bytes.clone());
        world.zones[INNER].link.hint_gate();
        world.until("the file is judged", |world| world.zones[INNER].gate.from_gate.lock().unwrap().is_empty());
    }
    assert_eq!(quarantined(&world, INNER, "two-statements"), 1);
    let waits = |world: &World| {
        let receiver = world.zones[INNER].link.receivers().find(|receiver| receiver.stream == confirm()).unwrap();
        receiver.waits_for(|_| None).map(|parked| (parked.code, parked.seq))
    };
    assert_eq!(waits(&world), Some(("two-statements".to_owned(), 2)));
    world.restart_zone(INNER);
    assert_eq!(waits(&world), Some(("two-statements".to_owned(), 2)));
}

/// A sealed batch of one row for the place after `last`, which begins a group of two.
fn statement(world: &World, last: &Mark, salt: u8) -> Vec<u8> {
    let zone = &world.zones[OUTER];
    let contract = zone.contract();
    let contract = contract.stream(&last.stream).unwrap();
    let mut payload = Payload::new([salt; 32]);
    let line = b"[\"confirm_row\",\"i\",900,\"text\"]";
    payload.push(line).unwrap();
    let mut tally = Tally::new(contract);
    tally.add(&parse_record(line).unwrap()).unwrap();
    let statement = BatchStatement {
        link: "gap".parse().unwrap(),
        from: "outer".parse().unwrap(),
        to: "inner".parse().unwrap(),
        stream: last.stream.clone(),
        epoch: last.epoch,
        epoch_id: EpochId([9; 8]),
        seq: last.seq + 1,
        group: Group { first: last.seq + 1, index: 0, last: false },
        previous: last.digest,
        contract: contract.digest,
        requires: Vec::new(),
        tables: tally.summarize(),
        records: 1,
        plain: payload.plain(),
        cut_at_ms: 0,
        audit: Checkpoint { size: 0, root: Digest::of(&[]) },
        supersedes: None,
    };
    zone.sealer.seal_batch(&statement, &payload).unwrap().bytes
}

#[test]
fn a_backlog_is_cut_at_its_transactions_also_after_a_restart() {
    let mut world = World::new(22, settings(), Faults::NONE);
    for _ in 0..12 {
        world.commit("confirm", 4);
        world.zones[OUTER].store.observe().unwrap();
    }
    world.restart_zone(OUTER);
    world.settle(10 * 60_000);
    let books = world.zones[OUTER].store.books.lock().unwrap();
    let groups: BTreeSet<u64> = books.outgoing[&confirm()].batches.values().map(|batch| batch.group.first).collect();
    assert!(groups.len() > 4, "48 rows in batches of at most 5 are cut into groups at {groups:?}");
}

#[test]
fn a_held_file_that_rots_or_vanishes_comes_again() {
    for vanishes in [false, true] {
        let mut world = World::new(23, settings(), Faults::NONE);
        world.commit("confirm", 12);
        world.until("a batch is held", |world| spooled(world, INNER, Side::In).is_some());
        let (id, mut bytes) = spooled(&world, INNER, Side::In).unwrap();
        let middle = bytes.len() - 200;
        bytes[middle] ^= 1;
        let mut live = world.zones[INNER].spool.live.lock().unwrap();
        if vanishes {
            live.remove(&(Side::In, id))
        } else {
            live.insert((Side::In, id), bytes)
        };
        drop(live);
        world.settle(10 * 60_000);
        assert_eq!(quarantined(&world, INNER, "spool-damaged"), usize::from(!vanishes));
    }
}

#[test]
fn a_file_that_cannot_be_read_holds_up_its_own_stream_only() {
    let mut world = World::new(24, settings(), Faults::NONE);
    world.commit("confirm", 2);
    world.until("a batch is sealed", |world| spooled(world, OUTER, Side::Out).is_some());
    let (id, bytes) = spooled(&world, OUTER, Side::Out).unwrap();
    world.zones[OUTER].spool.live.lock().unwrap().remove(&(Side::Out, id.clone()));
    world.commit("request", 3);
    let request: StreamName = "request".parse().unwrap();
    world.until("the other stream is applied", |world| world.zones[INNER].store.applied(&request).len() == 3);
    let damaged = |world: &World| world.zones[OUTER].link.senders().find_map(Sender::damaged);
    assert_eq!(damaged(&world), Some(id.seq));
    world.zones[OUTER].spool.live.lock().unwrap().insert((Side::Out, id), bytes);
    world.restart_zone(OUTER);
    world.settle(10 * 60_000);
    assert_eq!(damaged(&world), None);
}

#[test]
fn a_restored_zone_stays_locked_across_restarts() {
    let mut world = World::new(25, settings(), Faults::NONE);
    world.commit("confirm", 3);
    world.until("the first rows are applied", |world| world.is_done());
    let backup = world.zones[OUTER].store.books.lock().unwrap().clone();
    let anchor = world.zones[OUTER].anchor.anchor.lock().unwrap().clone();
    world.commit("confirm", 3);
    world.until("the later rows are applied", |world| world.is_done());
    *world.zones[OUTER].store.books.lock().unwrap() = backup;
    *world.zones[OUTER].anchor.anchor.lock().unwrap() = anchor;
    world.restart_zone(OUTER);
    assert_eq!(world.zones[OUTER].link.lock(), None, "the zone and its anchor were restored together");
    world.until("the peer has spoken", |world| world.zones[OUTER].link.lock() == Some(Lock::Restored));
    let kept = |world: &World| world.zones[OUTER].anchor.anchor.lock().unwrap().as_ref().is_some_and(|a| a.restored);
    world.until("the lock is kept", kept);
    world.restart_zone(OUTER);
    assert_eq!(world.zones[OUTER].link.lock(), Some(Lock::Restored));
}

/// A time after which batches leave the archives of these worlds.
const RETENTION_MS: u64 = 120_000;

/// A world in which batches of stream `confirm` are applied and archived.
fn archived_world(seed: u64) -> World {
    let short = Settings { retention_ms: RETENTION_MS, ..settings() };
    let mut world = World::new(seed, short, Faults::NONE);
    for _ in 0..3 {
        world.commit("confirm", 3);
        world.until("the rows are applied and settled", is_archived);
    }
    world
}

/// Whether both zones have archived everything of stream `confirm`.
fn is_archived(world: &World) -> bool {
    let owner = world.zones[OUTER].link.senders().find(|sender| sender.stream == confirm()).unwrap();
    let last = usize::try_from(owner.settled().seq).unwrap();
    world.is_done() && archived(world, OUTER, Side::Out) == last && archived(world, INNER, Side::In) == last
}

/// How many batches the archive of a zone has whole.
fn archived(world: &World, zone: usize, side: Side) -> usize {
    world.zones[zone].spool.archive.lock().unwrap().keys().filter(|(one, _)| *one == side).count()
}

/// Lets so much time pass.
fn pass(world: &mut World, ms: u64) {
    let end = world.now_ms + ms;
    while world.now_ms < end {
        world.step();
    }
}

#[test]
fn a_drop_directory_that_stays_full_is_tried_ever_more_seldom_and_goes_on_when_it_has_room() {
    let mut world = World::new(31, settings(), Faults::NONE);
    pass(&mut world, 10_000);
    let tried = |world: &World| *world.zones[OUTER].gate.published.lock().unwrap();
    let before = tried(&world);
    *world.zones[OUTER].gate.full.lock().unwrap() = true;
    let heartbeats = 30;
    pass(&mut world, heartbeats * settings().heartbeat_ms);
    // 50 ms, twice as long each time, and then once a heartbeat.
    let times = tried(&world) - before;
    assert!((heartbeats / 2..=heartbeats + 8).contains(&times), "{times} times in {heartbeats} heartbeats");
    *world.zones[OUTER].gate.full.lock().unwrap() = false;
    world.commit("confirm", 3);
    world.settle(60_000);
}

#[test]
fn batches_leave_both_archives_when_their_time_has_come_and_not_before() {
    let mut world = archived_world(26);
    let began = world.now_ms;
    let kept = [archived(&world, OUTER, Side::Out), archived(&world, INNER, Side::In)];
    assert!(kept.iter().all(|count| *count > 0));
    // Times of several starts add up; the time between them does not count.
    for _ in 0..3 {
        pass(&mut world, RETENTION_MS / 4);
        world.restart_zone(OUTER);
    }
    assert_eq!([archived(&world, OUTER, Side::Out), archived(&world, INNER, Side::In)], kept);
    world.until("the archives are cleared", |world| {
        archived(world, OUTER, Side::Out) + archived(world, INNER, Side::In) == 0
    });
    assert!(world.now_ms >= began + RETENTION_MS - settings().heartbeat_ms);
}

/// A world in which a zone was put back to before the last rows, after both had archived them.
fn put_back(zone: usize) -> World {
    let mut world = archived_world(27);
    let backup = world.zones[zone].store.books.lock().unwrap().clone();
    for _ in 0..3 {
        world.commit("confirm", 3);
        world.until("the later rows are applied and settled", is_archived);
    }
    *world.zones[zone].store.books.lock().unwrap() = backup;
    world.restart_zone(zone);
    world
}

#[test]
fn what_the_peer_has_forgotten_stays_in_the_archive() {
    let mut world = put_back(OUTER);
    // The alarm is gone with a new start of the keeper; that the peer lacks the batch is not.
    world.restart_zone(INNER);
    let lacking = archived(&world, INNER, Side::In);
    pass(&mut world, 3 * RETENTION_MS);
    let left = archived(&world, INNER, Side::In);
    assert!(left > 0 && left <= lacking, "{left} of {lacking} are left");
}

#[test]
fn a_receiver_that_was_put_back_gets_what_it_lacks() {
    let mut world = put_back(INNER);
    assert!(!world.is_done());
    world.until("the owner notices", |world| world.zones[OUTER].link.alarm() == Some("peer-behind"));
    world.until("the rows are applied again", |world| world.is_done() && is_archived(world));
    world.until("the alarm ends", |world| world.zones[OUTER].link.alarm().is_none());
    world.commit("confirm", 3);
    world.settle(10 * 60_000);
}

#[test]
fn a_peer_whose_status_numbers_went_back_is_told_until_its_next_word() {
    let mut world = archived_world(29);
    let zone = &world.zones[INNER];
    let books = zone.store.books.lock().unwrap().clone();
    let anchor = zone.anchor.anchor.lock().unwrap().clone();
    pass(&mut world, 2 * STATUS_NUMBERS_RESERVED * settings().heartbeat_ms);
    *world.zones[INNER].store.books.lock().unwrap() = books;
    *world.zones[INNER].anchor.anchor.lock().unwrap() = anchor;
    world.restart_zone(INNER);
    world.until("the owner says so", |world| world.zones[OUTER].link.alarm() == Some("peer-restored"));
    world.until("nothing was lacking", |world| world.zones[OUTER].link.alarm() != Some("peer-restored"));
    world.commit("confirm", 3);
    world.until("the rows are applied", |world| world.is_done());
}

#[test]
fn nothing_is_cleared_while_the_peer_is_silent() {
    let mut world = archived_world(28);
    world.faults.loss = 100;
    let kept = archived(&world, OUTER, Side::Out);
    pass(&mut world, 3 * RETENTION_MS);
    assert_eq!(archived(&world, OUTER, Side::Out), kept);
    world.faults.loss = 0;
    world.until("the archive is cleared", |world| archived(world, OUTER, Side::Out) == 0);
}

#[test]
fn what_an_interrupted_daemon_left_in_the_spool_goes_where_it_belongs() {
    let mut world = archived_world(29);
    let settled =
        world.zones[OUTER].link.senders().find(|sender| sender.stream == confirm()).unwrap().settled().clone();
    let id = BatchId { stream: confirm(), epoch: settled.epoch, seq: settled.seq, digest: settled.digest };
    let bytes = world.zones[OUTER].spool.archive.lock().unwrap().remove(&(Side::Out, id.clone())).unwrap();
    // Sealed twice, and recorded the second time.
    let orphan = BatchId { digest: Digest([9; 32]), ..id.clone() };
    let unrecorded = BatchId { seq: settled.seq + 1, ..orphan.clone() };
    let spool = |world: &World, id: &BatchId| {
        world.zones[OUTER].spool.live.lock().unwrap().contains_key(&(Side::Out, id.clone()))
    };
    for left in [&id, &orphan, &unrecorded] {
        world.zones[OUTER].spool.live.lock().unwrap().insert((Side::Out, left.clone()), bytes.clone());
    }
    let anchor = world.zones[OUTER].anchor.anchor.lock().unwrap().take();
    world.restart_zone(OUTER);
    assert_eq!(world.zones[OUTER].link.lock(), Some(Lock::AnchorMissing));
    assert!(spool(&world, &orphan) && spool(&world, &unrecorded) && !spool(&world, &id));
    *world.zones[OUTER].anchor.anchor.lock().unwrap() = anchor;
    world.restart_zone(OUTER);
    assert!(!spool(&world, &orphan) && !spool(&world, &unrecorded));
    let archive = world.zones[OUTER].spool.archive.lock().unwrap();
    assert!(archive.contains_key(&(Side::Out, id)) && !archive.contains_key(&(Side::Out, orphan)));
}

/// Next keys of the outer zone, and their card.
fn next_keys(world: &World, number: u64) -> (SoftKeys, Card) {
    let keys = SoftKeys::generate(&mut Counter(number << 40)).unwrap();
    let sealer = &world.zones[OUTER].sealer;
    let card = world::card(&keys, &sealer.link, &sealer.zone);
    (keys, card)
}

fn announce(world: &mut World, file: Vec<u8>) {
    world.zones[OUTER].sealer.card = Some(Arc::new(file));
}

#[test]
fn what_an_announced_key_signed_waits_at_the_gate_until_the_key_is_in_use() {
    let mut world = archived_world(41);
    let (keys, card) = next_keys(&world, 7);
    announce(&mut world, card.write(&keys).unwrap());
    world.until("the card is announced", |world| world.zones[INNER].link.announced_card() == Some(&card));
    world.zones[OUTER].sealer.keys = keys.also_unwrapping(&world.zones[OUTER].sealer.keys);
    world.commit("confirm", 3);
    let is_there = |world: &World| world.zones[INNER].gate.from_gate.lock().unwrap().len() > 1;
    world.until("a file lies there", is_there);
    pass(&mut world, 60_000);
    assert!(!world.is_done() && is_there(&world));
    // Its statuses are many and cost nothing: they go to the ring of what nobody has signed.
    let notes = world.zones[INNER].quarantine.notes.lock().unwrap().clone();
    assert!(notes.iter().all(|(name, note)| name.contains("-status-") && !note.verified), "{notes:?}");
    world.zones[INNER].sealer.trust.put_in_use(&card, None).unwrap();
    world.until("the rows are applied", |world| world.is_done());
}

#[test]
fn what_a_key_signs_after_its_time_waits_too() {
    let mut world = archived_world(42);
    let sealer = &mut world.zones[INNER].sealer;
    let entry = sealer.trust.entries().iter().find(|entry| entry.zone == sealer.peer).unwrap().clone();
    let mut trust = TrustStore::new();
    trust.add(TrustEntry { not_after_ms: Some(1), ..entry.clone() }).unwrap();
    sealer.trust = trust.clone();
    world.commit("confirm", 3);
    pass(&mut world, 60_000);
    assert!(!world.is_done());
    assert_eq!(world.zones[INNER].link.alarm(), Some("peer-key-expired"));
    assert!(world.zones[INNER].quarantine.notes.lock().unwrap().is_empty());
    trust.remove(&entry.sign.id());
    trust.add(entry).unwrap();
    world.zones[INNER].sealer.trust = trust;
    world.until("the rows are applied", |world| world.is_done());
    assert_eq!(world.zones[INNER].link.alarm(), None);
}

#[test]
fn a_card_without_the_new_keys_own_signature_is_none_and_two_cards_are_an_alarm() {
    let mut world = archived_world(43);
    let (keys, card) = next_keys(&world, 7);
    let good = card.write(&keys).unwrap();
    // The thief of the key in use announces a key that is not his to sign with.
    let text = String::from_utf8(good.clone()).unwrap();
    let lines: Vec<&str> = text.splitn(4, '\n').collect();
    let signed = format!("{}\n{}\n", lines[0], lines[1]);
    let signature = world.zones[OUTER].sealer.keys.sign(signed.as_bytes()).unwrap();
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    announce(&mut world, format!("{signed}{hex}\n{}", lines[3]).into_bytes());
    pass(&mut world, 60_000);
    assert_eq!((world.zones[INNER].link.announced_card(), world.zones[INNER].link.alarm()), (None, None));
    announce(&mut world, good);
    world.until("the card is announced", |world| world.zones[INNER].link.announced_card() == Some(&card));
    let (other_keys, other) = next_keys(&world, 8);
    announce(&mut world, other.write(&other_keys).unwrap());
    world.until("an alarm", |world| world.zones[INNER].link.alarm() == Some("peer-two-cards"));
    assert_eq!(world.zones[INNER].link.announced_card(), Some(&card), "the first one stays");
}
