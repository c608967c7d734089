//! Another life of a stream: begun by two operators, followed with their act, and not otherwise.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]
#![allow(dead_code, reason = "the world is shared with other tests")]

mod world;

use std::sync::Arc;

use ferry_core::contract::Tally;
use ferry_core::link::Lock;
use ferry_core::ports::{ACT_DONE, ActEnd, OpenAct, STREAM_MOVED, Sealer as _, Side, UntoldAct};
use ferry_core::receiver::{EPOCH_ENDED, Receiver};
use ferry_core::sender::Sender;
use ferry_format::{
    Act, ActId, BatchStatement, Checkpoint, Deed, Digest, EpochId, Group, KeyState, Kind, Mark, Payload, Reason,
    SignedAct, SoftKeys, StreamName, TrustEntry, TrustStore, genesis, parse_record,
};
use world::files::Counter;
use world::{Faults, World, card, settings};

const INNER: usize = 0;
const OUTER: usize = 1;

fn confirm() -> StreamName {
    "confirm".parse().unwrap()
}

/// A world with two operators whom both zones trust, in which outer's `confirm` has been applied once.
fn begun(seed: u64) -> (World, [SoftKeys; 2]) {
    let mut world = World::new(seed, settings(), Faults::NONE);
    let operators = [7, 8].map(|number: u64| SoftKeys::generate(&mut Counter(number << 40)).unwrap());
    [INNER, OUTER].iter().for_each(|zone| trust(&mut world, *zone, &operators));
    world.commit("confirm", 3);
    world.until("the rows are applied", World::is_done);
    (world, operators)
}

fn trust(world: &mut World, zone: usize, operators: &[SoftKeys]) {
    for keys in operators {
        let card = card(keys, &"gap".parse().unwrap(), &"outer".parse().unwrap());
        world.zones[zone].sealer.trust.add(TrustEntry::of_operator(&card, KeyState::Active)).unwrap();
    }
}

fn sender(world: &World) -> &Sender {
    world.zones[OUTER].link.senders().find(|sender| sender.stream == confirm()).unwrap()
}

fn receiver(world: &World) -> &Receiver {
    world.zones[INNER].link.receivers().find(|receiver| receiver.stream == confirm()).unwrap()
}

fn followed(world: &World) -> (u64, u64) {
    receiver(world).mark().map_or((0, 0), |mark| (mark.epoch, mark.seq))
}

fn act(number: u8, epoch: u64, ended: &Mark, operators: &[SoftKeys]) -> Vec<u8> {
    let reason = Reason::new("the archive is gone").unwrap();
    let deed = Deed::NewEpoch { epoch, epoch_id: EpochId([number; 8]), ended: ended.clone() };
    let (link, zone) = ("gap".parse().unwrap(), "outer".parse().unwrap());
    let mut signed = SignedAct::unsigned(Act { link, zone, id: ActId([number; 16]), at_ms: 5, reason, deed });
    for keys in operators {
        signed.approve(keys).unwrap();
    }
    signed.write().unwrap()
}

/// Hands an act in, and tells what becomes of it.
fn decide(world: &mut World, number: u8, epoch: u64, ended: &Mark, operators: &[SoftKeys]) -> String {
    let file = act(number, epoch, ended, operators);
    let open = OpenAct { id: u64::from(number), file };
    world.zones[OUTER].store.books.lock().unwrap().acts.push(open);
    world.until("the act has ended", |world| end_of(world, number).is_some());
    end_of(world, number).unwrap()
}

fn end_of(world: &World, number: u8) -> Option<String> {
    let books = world.zones[OUTER].store.books.lock().unwrap();
    let ended = books.ended.iter().find(|(id, _)| *id == u64::from(number));
    ended.map(|(_, end)| end.code.clone())
}

/// The model forgets what was committed: the tables of this world are not captured once more.
fn forget(world: &mut World) {
    forget_of(world, &confirm());
}

fn forget_of(world: &mut World, stream: &StreamName) {
    world.committed.insert(stream.clone(), (OUTER, Vec::new(), vec![0]));
    world.zones[INNER].store.books.lock().unwrap().incoming.get_mut(stream).unwrap().rows.clear();
}

/// Steps for so long, whatever happens.
fn pass(world: &mut World, ms: u64) {
    let end = world.now_ms + ms;
    while world.now_ms < end {
        world.step();
    }
}

fn quarantined(world: &World, code: &str) -> usize {
    let notes = world.zones[INNER].quarantine.notes.lock().unwrap();
    notes.iter().filter(|(_, note)| note.code == code).count()
}

#[test]
fn a_stream_whose_past_is_nowhere_goes_on_in_another_life() {
    let (mut world, operators) = begun(41);
    // The receiver has lost its database, and nobody has the files any more.
    world.zones[INNER].store.books.lock().unwrap().incoming.insert(confirm(), world::store::In::default());
    for zone in &world.zones {
        zone.spool.archive.lock().unwrap().clear();
        zone.spool.live.lock().unwrap().clear();
    }
    forget(&mut world);
    world.restart_zone(INNER);
    world.until("the owner cannot send it again", |world| sender(world).damaged().is_some());
    assert_eq!(world.zones[OUTER].link.alarm(), Some("peer-behind"));
    let ended = sender(&world).last_recorded().clone();
    assert_eq!(decide(&mut world, 1, 2, &ended, &operators), ACT_DONE);
    world.until("the receiver follows", |world| followed(world) == (2, 0));
    assert!(sender(&world).damaged().is_none() && sender(&world).last_recorded().seq == 0);
    world.commit("confirm", 4);
    world.settle(10 * 60_000);
    assert!(followed(&world).0 == 2 && followed(&world).1 > 0);
    world.until("the alarm ends", |world| world.zones[OUTER].link.alarm().is_none());
    let listed = world.zones[INNER].store.books.lock().unwrap().of_peer.clone();
    assert!(listed.iter().any(|act| act.verified), "it is listed with what follows it");
    for zone in [INNER, OUTER] {
        world.restart_zone(zone);
    }
    world.commit("confirm", 2);
    world.settle(10 * 60_000);
    assert_eq!((followed(&world).0, world.zones[OUTER].link.lock()), (2, None));
}

#[test]
fn what_the_old_life_had_under_way_ends_with_it() {
    let (mut world, operators) = begun(42);
    world.faults.loss = 100;
    world.commit("confirm", 3);
    world.until("a batch is out", |world| sender(world).last_recorded().seq > sender(world).settled().seq);
    world.until("it is published", |world| sender(world).published() == sender(world).last_recorded().seq);
    let ended = sender(&world).last_recorded().clone();
    assert_eq!(decide(&mut world, 1, 2, &ended, &operators), ACT_DONE);
    let spool = world.zones[OUTER].spool.live.lock().unwrap().len();
    let archive =
        world.zones[OUTER].spool.archive.lock().unwrap().keys().filter(|(side, _)| *side == Side::Out).count();
    assert_eq!((spool, archive), (0, usize::try_from(ended.seq).unwrap()), "its files are evidence");
    forget(&mut world);
    world.faults.loss = 0;
    world.commit("confirm", 2);
    world.settle(10 * 60_000);
    assert_eq!(followed(&world).0, 2);
}

/// Decides as soon as nothing speaks against an act but what the zone has not heard yet. Yields the number of the act.
fn decide_when_heard(world: &mut World, first: u8, epoch: u64, ended: &Mark, operators: &[SoftKeys]) -> (u8, String) {
    for number in first..first + 60 {
        let code = decide(world, number, epoch, ended, operators);
        if code != "peer-not-heard" {
            return (number, code);
        }
    }
    panic!("the peer is never heard\n{}", world.story());
}

#[test]
fn what_an_owner_that_was_put_back_does_not_know_of_the_old_life_is_kept() {
    let (mut world, operators) = begun(47);
    let backup = world.zones[OUTER].store.books.lock().unwrap().clone();
    let ended = sender(&world).last_recorded().clone();
    world.faults.loss = 100;
    for seq in ended.seq + 1..=ended.seq + 3 {
        world.commit("confirm", 2);
        world.until("a batch is anchored", |world| sender(world).published() == seq);
    }
    *world.zones[OUTER].store.books.lock().unwrap() = backup;
    // The first of them is nowhere: the others cannot be taken back.
    let hole = ended.seq + 1;
    world.zones[OUTER].spool.live.lock().unwrap().retain(|(side, id), _| *side != Side::Out || id.seq != hole);
    world.restart_zone(OUTER);
    world.faults.loss = 0;
    assert_eq!(world.zones[OUTER].link.lock(), Some(Lock::Restored));
    assert_eq!(decide_when_heard(&mut world, 1, 2, &ended, &operators).1, ACT_DONE);
    let kept = |world: &World| -> Vec<u64> {
        let archive = world.zones[OUTER].spool.archive.lock().unwrap();
        archive.keys().filter(|(side, id)| *side == Side::Out && id.seq > ended.seq).map(|(_, id)| id.seq).collect()
    };
    assert_eq!(kept(&world), [hole + 1, hole + 2], "they may be all that is left of their rows");
    // A daemon that is killed right after the act finds them in the spool.
    let spool = &world.zones[OUTER].spool;
    spool.live.lock().unwrap().append(&mut spool.archive.lock().unwrap());
    world.until("the zone is unlocked", |world| world.zones[OUTER].link.lock().is_none());
    world.restart_zone(OUTER);
    assert_eq!(kept(&world), [hole + 1, hole + 2]);
    forget(&mut world);
    world.commit("confirm", 2);
    world.settle(10 * 60_000);
    assert_eq!(followed(&world).0, 2);
}

#[test]
fn nobody_begins_an_epoch_without_two_operators() {
    let (mut world, operators) = begun(43);
    let ended = sender(&world).last_recorded().clone();
    // Whoever has the zone's key can sign a batch of a newer epoch, and a status that tells of an act.
    let stolen = newer(&world, EpochId([6; 8]));
    let name = "f1-outer-inner-confirm-00000002-000000000001-a1-a0000000.dat".to_owned();
    world.zones[INNER].gate.from_gate.lock().unwrap().insert(name, stolen);
    for (id, signers) in [(91, &operators[..1]), (92, &[])] {
        let file = act(u8::try_from(id).unwrap(), 2, &ended, signers);
        let untold = UntoldAct { id, file, end: ActEnd::done(), at_ms: 5 };
        world.zones[OUTER].store.books.lock().unwrap().untold.push(untold);
    }
    world.restart_zone(OUTER);
    pass(&mut world, 60_000);
    assert_eq!(followed(&world), (1, ended.seq));
    let waits = receiver(&world).waits_for(|_| None).map(|parked| parked.code);
    assert_eq!(waits.as_deref(), Some("newer-epoch"));
    assert_eq!(decide(&mut world, 1, 2, &ended, &operators[..1]), "too-few-approvals");
    // The operators begin another one under the same number: what the thief put there is set aside.
    assert_eq!(decide(&mut world, 2, 2, &ended, &operators), ACT_DONE);
    forget(&mut world);
    world.commit("confirm", 2);
    world.settle(10 * 60_000);
    assert_eq!((followed(&world).0, quarantined(&world, EPOCH_ENDED)), (2, 1));
    assert_eq!(quarantined(&world, "two-statements"), 0);
}

#[test]
fn an_act_that_was_turned_away_is_not_followed_when_a_thief_tells_of_it() {
    for trusts in [true, false] {
        turned_away_and_told_by_a_thief(trusts);
    }
}

/// The receiver trusts the operators when it lists the act, or only afterwards.
fn turned_away_and_told_by_a_thief(trusts: bool) {
    let (mut world, operators) = begun(49);
    let trusted = world.zones[INNER].sealer.trust.clone();
    if !trusts {
        let mut only_peer = TrustStore::new();
        let of_zones = trusted.entries().iter().filter(|entry| !entry.objects.contains(&Kind::Act));
        of_zones.for_each(|entry| only_peer.add(entry.clone()).unwrap());
        world.zones[INNER].sealer.trust = only_peer;
    }
    let ended = sender(&world).last_recorded().clone();
    let moved = Mark { digest: Digest([9; 32]), ..ended.clone() };
    assert_eq!(decide(&mut world, 1, 2, &moved, &operators), STREAM_MOVED);
    let is_listed = |world: &World| {
        let books = world.zones[INNER].store.books.lock().unwrap();
        books.of_peer.iter().any(|act| act.verified == trusts && act.code == STREAM_MOVED)
    };
    world.until("it is listed", is_listed);
    world.zones[INNER].sealer.trust = trusted;
    // Whoever has the zone's key has the file too, and another one with the signatures the other way round.
    let mut signers = operators.iter().rev().cloned().collect::<Vec<_>>();
    for id in [91, 92] {
        let untold = UntoldAct { id, file: act(1, 2, &moved, &signers), end: ActEnd::done(), at_ms: 5 };
        world.zones[OUTER].store.books.lock().unwrap().untold.push(untold);
        signers.reverse();
    }
    world.restart_zone(OUTER);
    pass(&mut world, 60_000);
    assert_eq!(followed(&world), (1, ended.seq));
    assert_eq!(decide(&mut world, 2, 2, &ended, &operators), ACT_DONE);
    world.until("the receiver follows", |world| followed(world) == (2, 0));
}

#[test]
fn a_number_that_anybody_knows_begins_nothing() {
    let (mut world, operators) = begun(44);
    let ended = sender(&world).last_recorded().clone();
    let moved = Mark { digest: Digest([9; 32]), ..ended.clone() };
    assert_eq!(decide(&mut world, 1, 2, &moved, &operators), STREAM_MOVED);
    // The anchor names an epoch that these books do not know, and nobody has its batches.
    {
        let mut anchor = world.zones[OUTER].anchor.anchor.lock().unwrap();
        let mark = anchor.as_mut().unwrap().sent.iter_mut().find(|mark| mark.stream == confirm()).unwrap();
        (mark.epoch, mark.seq, mark.digest) = (5, 7, Digest([8; 32]));
    }
    world.restart_zone(OUTER);
    assert_eq!(world.zones[OUTER].link.lock(), Some(Lock::Restored));
    assert_eq!(decide(&mut world, 2, 6, &ended, &operators), "peer-not-heard");
    assert_eq!(decide_when_heard(&mut world, 10, 5, &ended, &operators).1, "epoch-not-above");
    assert_eq!(decide(&mut world, 70, 6, &ended, &operators), ACT_DONE);
    world.until("the zone is unlocked", |world| world.zones[OUTER].link.lock().is_none());
    forget(&mut world);
    world.commit("confirm", 2);
    world.settle(10 * 60_000);
    assert_eq!(followed(&world).0, 6);
}

#[test]
fn a_crash_between_the_anchor_and_the_act_changes_nothing() {
    let (mut world, operators) = begun(45);
    let ended = sender(&world).last_recorded().clone();
    let open = OpenAct { id: 1, file: act(1, 2, &ended, &operators) };
    world.zones[OUTER].store.books.lock().unwrap().acts.push(open);
    let is_anchored = |world: &World| {
        let anchor = world.zones[OUTER].anchor.anchor.lock().unwrap();
        anchor.as_ref().is_some_and(|anchor| anchor.sent.iter().any(|mark| mark.epoch == 2))
    };
    world.until("the anchor names the new life", is_anchored);
    assert_eq!(end_of(&world, 1), None);
    world.restart_zone(OUTER);
    assert_eq!(world.zones[OUTER].link.lock(), Some(Lock::Restored));
    world.until("the act is carried out", |world| end_of(world, 1).is_some());
    assert_eq!(end_of(&world, 1).as_deref(), Some(ACT_DONE));
    world.until("the zone is unlocked", |world| world.zones[OUTER].link.lock().is_none());
    forget(&mut world);
    world.commit("confirm", 2);
    world.settle(10 * 60_000);
    assert_eq!(followed(&world).0, 2);
}

#[test]
fn a_life_that_never_begins_after_a_crash_leaves_the_anchor_as_it_was() {
    for (seed, has_ended) in [(51, false), (52, true)] {
        let (mut world, operators) = begun(seed);
        let ended = sender(&world).last_recorded().clone();
        let open = OpenAct { id: 1, file: act(1, 2, &ended, &operators) };
        world.zones[OUTER].store.books.lock().unwrap().acts.push(open);
        let named = |world: &World| {
            let anchor = world.zones[OUTER].anchor.anchor.lock().unwrap();
            anchor.as_ref().unwrap().sent.iter().find(|mark| mark.stream == confirm()).map_or(0, |mark| mark.epoch)
        };
        world.until("the anchor names the new life", |world| named(world) == 2);
        if has_ended {
            // It was turned away, and the daemon was killed right after.
            world.zones[OUTER].store.books.lock().unwrap().acts.clear();
        } else {
            // One of the operators is trusted no more.
            let [_, outer] = World::new(seed, settings(), Faults::NONE).zones;
            world.zones[OUTER].sealer.trust = outer.sealer.trust;
        }
        world.restart_zone(OUTER);
        assert_eq!(world.zones[OUTER].link.lock(), Some(Lock::Restored));
        world.until("the zone is unlocked", |world| world.zones[OUTER].link.lock().is_none());
        assert!(has_ended || end_of(&world, 1).as_deref() == Some("bad-approval"));
        world.commit("confirm", 2);
        world.settle(10 * 60_000);
        assert_eq!((followed(&world).0, named(&world)), (1, 1));
        let anchor = world.zones[OUTER].anchor.anchor.lock().unwrap().clone();
        assert_eq!(anchor.unwrap().before, None);
    }
}

#[test]
fn a_receiver_that_was_put_back_before_the_epoch_follows_it_again() {
    let (mut world, operators) = begun(46);
    let backup = world.zones[INNER].store.books.lock().unwrap().clone();
    let ended = sender(&world).last_recorded().clone();
    assert_eq!(decide(&mut world, 1, 2, &ended, &operators), ACT_DONE);
    forget(&mut world);
    world.until("the receiver follows", |world| followed(world).0 == 2);
    world.until("the act is listed", |world| world.zones[OUTER].store.books.lock().unwrap().untold.is_empty());
    *world.zones[INNER].store.books.lock().unwrap() = backup;
    world.zones[INNER].store.books.lock().unwrap().incoming.get_mut(&confirm()).unwrap().rows.clear();
    world.restart_zone(INNER);
    assert_eq!(followed(&world).0, 1);
    world.commit("confirm", 2);
    world.settle(10 * 60_000);
    assert_eq!(followed(&world).0, 2);
}

#[test]
fn an_act_about_one_stream_does_not_unlock_a_zone_whose_peer_holds_more_of_another() {
    let (mut world, operators) = begun(48);
    let request: StreamName = "request".parse().unwrap();
    let backup = world.zones[OUTER].store.books.lock().unwrap().clone();
    let ended = |stream: &StreamName| backup.outgoing[stream].last.clone();
    world.zones[INNER].store.books.lock().unwrap().on_hold.insert(request.clone());
    world.restart_zone(INNER);
    world.commit("confirm", 2);
    world.commit("request", 2);
    let holds = |world: &World| {
        let mut receivers = world.zones[INNER].link.receivers();
        receivers.any(|receiver| receiver.stream == request && !receiver.held_ranges(9).is_empty())
    };
    world.until("one is applied and the other held", |world| followed(world).1 == 2 && holds(world));
    *world.zones[OUTER].store.books.lock().unwrap() = backup.clone();
    *world.zones[OUTER].anchor.anchor.lock().unwrap() = None;
    world.restart_zone(OUTER);
    world.until("the peer is heard", |world| world.zones[OUTER].link.lock() == Some(Lock::Restored));
    let (last, code) = decide_when_heard(&mut world, 1, 2, &ended(&confirm()), &operators);
    assert_eq!(code, ACT_DONE);
    forget(&mut world);
    pass(&mut world, 60_000);
    assert_eq!((followed(&world).0, world.zones[OUTER].link.lock()), (2, Some(Lock::Restored)));
    assert_eq!(decide(&mut world, last + 1, 2, &ended(&request), &operators), ACT_DONE);
    world.until("the zone is unlocked", |world| world.zones[OUTER].link.lock().is_none());
    forget_of(&mut world, &request);
    world.zones[INNER].store.books.lock().unwrap().on_hold.clear();
    world.restart_zone(INNER);
    world.commit("request", 2);
    world.settle(10 * 60_000);
}

#[test]
fn a_dispute_that_was_written_down_after_its_life_had_ended_stops_nothing() {
    let (mut world, operators) = begun(53);
    let ended = sender(&world).last_recorded().clone();
    assert_eq!(decide(&mut world, 1, 2, &ended, &operators), ACT_DONE);
    forget(&mut world);
    world.until("the receiver follows", |world| followed(world).0 == 2);
    let dispute = |world: &World, epoch| {
        let mut books = world.zones[INNER].store.books.lock().unwrap();
        books.incoming.get_mut(&confirm()).unwrap().disputed.insert((epoch, 1), None);
    };
    dispute(&world, 1);
    world.restart_zone(INNER);
    assert!(!receiver(&world).is_disputed(), "its batches are cleared from the archive like others");
    dispute(&world, 2);
    world.restart_zone(INNER);
    assert!(receiver(&world).is_disputed());
}

/// A batch by the key of outer that begins an epoch which nobody has decided.
fn newer(world: &World, epoch_id: EpochId) -> Vec<u8> {
    let zone = &world.zones[OUTER];
    let contract: Arc<_> = zone.contract();
    let contract = contract.stream(&confirm()).unwrap();
    let mut payload = Payload::new([3; 32]);
    let line = b"[\"confirm_row\",\"i\",900,\"text\"]";
    payload.push(line).unwrap();
    let mut tally = Tally::new(contract);
    tally.add(&parse_record(line).unwrap()).unwrap();
    let (link, from, to) = ("gap".parse().unwrap(), "outer".parse().unwrap(), "inner".parse().unwrap());
    let previous = genesis(&link, &from, &to, &confirm(), 2, epoch_id);
    let statement = BatchStatement {
        link,
        from,
        to,
        stream: confirm(),
        epoch: 2,
        epoch_id,
        seq: 1,
        group: Group { first: 1, index: 0, last: true },
        previous,
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
