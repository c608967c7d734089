//! What a receiver decides about one verified batch, and what it waits for.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::sync::Arc;

use ferry_core::contract::Contract;
use ferry_core::ports::{
    AppliedBatch, ApplyOutcome, BatchId, DisputedPlace, FaultKind, PeerKey, PortError, RecoveredIn, Spoiled,
};
use ferry_core::receiver::{Expelled, Receiver, Verdict};
use ferry_core::settings::{AHEAD_MAX, Settings, TOGETHER_BYTES_MAX};
use ferry_core::time::{Mono, Now};
use ferry_format::{
    ActId, BatchStatement, Checkpoint, Digest, EpochId, Group, KeyId, KeyState, Mark, Plain, Reason, Refusal,
    StreamName, Supersedes, TableSummary,
};

const EPOCH: EpochId = EpochId([1; 8]);
const KEY: KeyId = KeyId([1; 16]);
const STOLEN: KeyId = KeyId([2; 16]);
const NOW: Now = Now { mono: Mono(1_000), wall_ms: 1_700_000_000_000 };

fn contract() -> Contract {
    Contract::parse(include_str!("world/contract.toml"), "contract.toml").unwrap()
}

fn stream() -> StreamName {
    "confirm".parse().unwrap()
}

fn digest(word: &str) -> Digest {
    Digest::of(&[word.as_bytes()])
}

fn mark(epoch: u64, seq: u64, word: &str) -> Mark {
    Mark { stream: stream(), epoch, seq, digest: digest(word) }
}

/// The books of a receiver that has applied everything up to seq 10 of epoch 2.
fn recovered() -> RecoveredIn {
    let followed = Some((EPOCH, mark(2, 10, "ten")));
    RecoveredIn {
        stream: stream(),
        followed,
        parked_rows: 0,
        reports: Vec::new(),
        disputed: Vec::new(),
        dismissed: Vec::new(),
        on_hold: false,
        superseded: None,
    }
}

fn receiver() -> Receiver {
    let contract = contract();
    let known = contract.stream(&stream()).unwrap();
    Receiver::recover(recovered(), known.priority, known.digest)
}

/// A good statement for seq 11.
fn next() -> BatchStatement {
    let contract = contract();
    BatchStatement {
        link: "gap".parse().unwrap(),
        from: "outer".parse().unwrap(),
        to: "inner".parse().unwrap(),
        stream: stream(),
        epoch: 2,
        epoch_id: EPOCH,
        seq: 11,
        group: Group { first: 11, index: 0, last: true },
        previous: digest("ten"),
        contract: contract.stream(&stream()).unwrap().digest,
        requires: Vec::new(),
        tables: vec![TableSummary { name: "confirm_row".to_owned(), inserts: 1, ..TableSummary::default() }],
        records: 1,
        plain: Plain { bytes: 40, sm3: digest("plain") },
        cut_at_ms: 0,
        audit: Checkpoint { size: 0, root: digest("") },
        supersedes: None,
    }
}

fn judge(change: impl FnOnce(&mut BatchStatement)) -> Verdict {
    let mut statement = next();
    change(&mut statement);
    let contract = contract();
    let known = contract.stream(&stream()).unwrap();
    receiver().judge(&statement, (digest("eleven"), KEY), known, &Settings::default())
}

#[test]
fn a_good_batch_is_kept_and_a_wrong_one_has_its_own_code() {
    assert_eq!(judge(|_| {}), Verdict::Keep);
    assert_eq!(judge(|s| s.from = "third".parse().unwrap()), Verdict::Refuse("not-owner"));
    assert_eq!(judge(|s| s.tables[0].name = "base_row".to_owned()), Verdict::Refuse("foreign-table"));
    assert_eq!(judge(|s| s.epoch = 1), Verdict::Refuse("old-epoch"));
    assert_eq!(judge(|s| s.epoch_id = EpochId([2; 8])), Verdict::Refuse("foreign-epoch"));
    assert_eq!(judge(|s| s.previous = digest("nine")), Verdict::Refuse("wrong-previous"));
    assert_eq!(judge(|s| s.seq = 11 + AHEAD_MAX + 1), Verdict::Leave);
}

#[test]
fn what_was_applied_is_recalled_unless_it_is_the_watermark_itself() {
    assert_eq!(judge(|s| s.seq = 10), Verdict::Recall);
    let contract = contract();
    let mut ten = next();
    ten.seq = 10;
    let known = contract.stream(&stream()).unwrap();
    assert_eq!(receiver().judge(&ten, (digest("ten"), KEY), known, &Settings::default()), Verdict::Duplicate);
}

/// A statement for a seq, after the one with the word before.
fn after(seq: u64, previous: &str) -> BatchStatement {
    let group = Group { first: seq, index: 0, last: true };
    BatchStatement { seq, group, previous: digest(previous), ..next() }
}

/// One key of the peer is in use, and another one is revoked from after a batch on.
fn revoked_after(seq: u64, word: &str) -> Arc<Vec<PeerKey>> {
    let last_good = vec![mark(2, seq, word)];
    let key = |key, state| PeerKey { key, state, not_after_ms: None };
    Arc::new(vec![key(KEY, KeyState::Active), key(STOLEN, KeyState::Revoked { last_good, status_number: 0 })])
}

fn judge_by(receiver: &Receiver, statement: &BatchStatement, word: &str, signer: KeyId) -> Verdict {
    let contract = contract();
    let known = contract.stream(&stream()).unwrap();
    receiver.judge(statement, (digest(word), signer), known, &Settings::default())
}

#[test]
fn what_a_revoked_key_signed_counts_if_it_chains_to_the_last_good_batch() {
    let mut receiver = receiver();
    receiver.set_peer_keys(&revoked_after(13, "thirteen"));
    let (twelve, thirteen, fourteen) = (after(12, "eleven"), after(13, "twelve"), after(14, "thirteen"));
    let out = Verdict::Refuse("revoked-chain");
    assert_eq!(judge_by(&receiver, &fourteen, "fourteen", STOLEN), out, "above the last good one");
    assert_eq!(judge_by(&receiver, &fourteen, "fourteen", KEY), Verdict::Keep);
    assert_eq!(judge_by(&receiver, &thirteen, "another", STOLEN), out, "in its place");
    assert_eq!(judge_by(&receiver, &twelve, "twelve", STOLEN), out, "nothing vouches for it yet");
    assert_eq!(judge_by(&receiver, &thirteen, "thirteen", STOLEN), Verdict::Keep, "it is the last good one");
    receiver.add(&thirteen, (digest("thirteen"), STOLEN), 100, NOW, true);
    assert_eq!(judge_by(&receiver, &twelve, "twelve", STOLEN), Verdict::Keep);
    assert_eq!(judge_by(&receiver, &after(12, "eleven"), "forged", STOLEN), out);
    receiver.add(&twelve, (digest("twelve"), STOLEN), 100, NOW, true);
    assert_eq!(judge_by(&receiver, &next(), "eleven", STOLEN), Verdict::Keep);
    assert_eq!(judge_by(&receiver, &next(), "forged", STOLEN), out, "it is refused, and disputes nothing");
}

#[test]
fn a_batch_of_a_good_key_vouches_for_the_one_before_it() {
    let mut receiver = receiver();
    receiver.set_peer_keys(&revoked_after(13, "thirteen"));
    receiver.add(&after(12, "eleven"), (digest("twelve"), KEY), 100, NOW, true);
    assert_eq!(judge_by(&receiver, &next(), "eleven", STOLEN), Verdict::Keep);
    assert_eq!(judge_by(&receiver, &next(), "forged", STOLEN), Verdict::Refuse("revoked-chain"));
}

#[test]
fn what_is_held_and_counts_no_more_is_set_aside_before_anything_is_applied() {
    let mut receiver = receiver();
    for (statement, word) in [(next(), "eleven"), (after(12, "eleven"), "twelve"), (after(14, "x"), "fourteen")] {
        receiver.add(&statement, (digest(word), STOLEN), 100, NOW, true);
    }
    receiver.add(&after(13, "twelve"), (digest("thirteen"), STOLEN), 100, NOW, false);
    receiver.set_peer_keys(&revoked_after(12, "twelve"));
    assert!(receiver.next_group(NOW.mono, |_| None).is_none());
    let genuine = judge_by(&receiver, &after(14, "thirteen"), "genuine", KEY);
    assert_eq!(genuine, Verdict::Leave, "it disputes nothing while the other one is there");
    let (id, why) = receiver.next_expelled(NOW.mono).unwrap();
    assert_eq!((id.seq, why), (14, Expelled::Revoked), "the other file is not there yet");
    receiver.expelled(&id, true);
    assert_eq!(receiver.next_expelled(NOW.mono), None);
    let thirteen = BatchId { stream: stream(), epoch: 2, seq: 13, digest: digest("thirteen") };
    receiver.kept(&thirteen, true);
    let (id, why) = receiver.next_expelled(NOW.mono).unwrap();
    assert_eq!((id, why), (thirteen.clone(), Expelled::Revoked));
    receiver.expelled(&thirteen, true);
    assert_eq!(receiver.next_expelled(NOW.mono), None);
    let group = receiver.next_group(NOW.mono, |_| None).unwrap();
    assert_eq!(group.batches[0].0.seq, 11, "eleven and twelve chain to the last good one");
}

#[test]
fn two_statements_for_one_seq_stop_the_stream_before_it() {
    let mut receiver = receiver();
    receiver.add(&next(), (digest("eleven"), KEY), 100, NOW, true);
    let contract = contract();
    let known = contract.stream(&stream()).unwrap();
    let verdict = receiver.judge(&next(), (digest("another eleven"), KEY), known, &Settings::default());
    assert_eq!(verdict, Verdict::Refuse("two-statements"));
    assert_eq!(receiver.dispute(2, 11), (11, None));
    assert_eq!(receiver.dispute(2, 900), (900, None), "every open place is decided by itself");
    assert_eq!(receiver.dispute(2, 4), (4, None));
    assert_eq!(receiver.dispute(2, 9), (4, None), "what was applied stops it as a whole");
    assert!(receiver.next_group(NOW.mono, |_| None).is_none());
    assert_eq!(receiver.waits_for(|_| None).unwrap().code, "two-statements");
}

#[test]
fn an_unknown_contract_is_held_and_never_guessed_at() {
    let mut receiver = receiver();
    let mut statement = next();
    statement.contract = digest("the next version");
    receiver.add(&statement, (digest("eleven"), KEY), 100, NOW, true);
    assert!(receiver.next_group(NOW.mono, |_| None).is_none());
    let parked = receiver.waits_for(|_| None).unwrap();
    assert_eq!((parked.code.as_str(), parked.seq), ("unknown-contract", 11));
    assert_eq!(receiver.held_ranges(8).len(), 1);
}

#[test]
fn a_newer_epoch_waits_for_an_act() {
    let mut receiver = receiver();
    let mut statement = next();
    (statement.epoch, statement.seq) = (3, 1);
    receiver.add(&statement, (digest("one of three"), KEY), 100, NOW, true);
    assert_eq!(receiver.waits_for(|_| None).unwrap().code, "newer-epoch");
}

#[test]
fn requirements_name_the_batch_and_not_only_its_place() {
    let base: StreamName = "base".parse().unwrap();
    let mut receiver = receiver();
    let mut statement = next();
    statement.requires = vec![Mark { stream: base.clone(), epoch: 1, seq: 5, digest: digest("five") }];
    receiver.add(&statement, (digest("eleven"), KEY), 100, NOW, true);
    let at = |seq: u64, word: &str| Some(Mark { stream: base.clone(), epoch: 1, seq, digest: digest(word) });
    assert_eq!(receiver.waits_for(|_| at(4, "four")).unwrap().code, "requires-stream");
    assert_eq!(receiver.waits_for(|_| at(5, "another five")).unwrap().code, "requires-other-digest");
    assert_eq!(receiver.waits_for(|_| at(5, "five")), None);
    assert!(receiver.next_group(NOW.mono, |_| at(6, "six")).is_some());
}

#[test]
fn a_group_waits_until_it_is_whole_and_durable() {
    let mut receiver = receiver();
    let (mut first, mut second) = (next(), next());
    first.group.last = false;
    second.seq = 12;
    second.previous = digest("eleven");
    second.group = Group { first: 11, index: 1, last: true };
    receiver.add(&second, (digest("twelve"), KEY), 100, NOW, true);
    assert!(receiver.next_group(NOW.mono, |_| None).is_none());
    assert_eq!(receiver.missing_ranges(8).len(), 1);
    receiver.add(&first, (digest("eleven"), KEY), 100, NOW, false);
    assert!(receiver.next_group(NOW.mono, |_| None).is_none(), "a file that is not durable is not here");
    let id = BatchId { stream: stream(), epoch: 2, seq: 11, digest: digest("eleven") };
    receiver.kept(&id, true);
    let group = receiver.next_group(NOW.mono, |_| None).unwrap();
    assert_eq!(group.batches.iter().map(|(id, _)| id.seq).collect::<Vec<_>>(), [11, 12]);
    assert!(receiver.next_group(NOW.mono, |_| None).is_none(), "one group at a time");
}

/// Three groups of one batch each behind the watermark, all here.
fn three_groups() -> Receiver {
    let mut receiver = receiver();
    let mut previous = "ten";
    for (seq, word) in [(11, "eleven"), (12, "twelve"), (13, "thirteen")] {
        let group = Group { first: seq, index: 0, last: true };
        let statement = BatchStatement { seq, group, previous: digest(previous), ..next() };
        receiver.add(&statement, (digest(word), KEY), 100, NOW, true);
        previous = word;
    }
    receiver
}

fn next_seqs(receiver: &mut Receiver) -> Vec<u64> {
    let group = receiver.next_group(NOW.mono, |_| None);
    group.map_or(Vec::new(), |group| group.batches.iter().map(|(id, _)| id.seq).collect())
}

#[test]
fn groups_that_wait_are_applied_together_as_far_as_nothing_speaks_against_them() {
    assert_eq!(next_seqs(&mut three_groups()), [11, 12, 13]);
    let mut disputed = three_groups();
    disputed.dispute(2, 13);
    assert_eq!(next_seqs(&mut disputed), [11, 12]);
    let mut broken = three_groups();
    let group = Group { first: 14, index: 0, last: true };
    let stranger = BatchStatement { seq: 14, group, previous: digest("another"), ..next() };
    broken.add(&stranger, (digest("fourteen"), KEY), 100, NOW, true);
    assert_eq!(next_seqs(&mut broken), [11, 12, 13]);
    let mut large = three_groups();
    let group = Group { first: 14, index: 0, last: true };
    let statement = BatchStatement { seq: 14, group, previous: digest("thirteen"), ..next() };
    large.add(&statement, (digest("fourteen"), KEY), TOGETHER_BYTES_MAX, NOW, true);
    assert_eq!(next_seqs(&mut large), [11, 12, 13]);
}

#[test]
fn groups_that_were_refused_together_are_judged_one_at_a_time() {
    let mut receiver = three_groups();
    assert_eq!(next_seqs(&mut receiver), [11, 12, 13]);
    let code = "constraint-check".to_owned();
    let refusal = Refusal { code, seq: 12, table: None, row: None, constraint: None };
    receiver.applied(Ok(ApplyOutcome::Refused(refusal.clone())), NOW, &Settings::default());
    assert_eq!(receiver.refused(), None, "which of them is the bad one is not known before the first is applied");
    assert_eq!(next_seqs(&mut receiver), [11]);
    let applied = AppliedBatch { seq: 11, rows: 1, parked: 0, apply_ms: 1 };
    let applied = ApplyOutcome::Applied { mark: mark(2, 11, "eleven"), batches: vec![applied], parked_rows: 0 };
    receiver.applied(Ok(applied), NOW, &Settings::default());
    assert_eq!(next_seqs(&mut receiver), [12]);
    receiver.applied(Ok(ApplyOutcome::Refused(refusal.clone())), NOW, &Settings::default());
    assert_eq!(receiver.refused(), Some(&refusal));
}

#[test]
fn a_refused_group_stops_its_stream_and_is_told() {
    let mut receiver = receiver();
    receiver.add(&next(), (digest("eleven"), KEY), 100, NOW, true);
    receiver.next_group(NOW.mono, |_| None).unwrap();
    let refusal = Refusal {
        code: "constraint-check".to_owned(),
        seq: 11,
        table: Some("confirm_row".to_owned()),
        row: Some(0),
        constraint: None,
    };
    receiver.applied(Ok(ApplyOutcome::Refused(refusal.clone())), NOW, &Settings::default());
    assert_eq!(receiver.refused(), Some(&refusal));
    assert!(receiver.next_group(Mono(u64::MAX), |_| None).is_none());
}

#[test]
fn after_an_unknown_outcome_the_watermark_is_read_before_anything_is_judged() {
    let mut receiver = receiver();
    receiver.add(&next(), (digest("eleven"), KEY), 100, NOW, true);
    receiver.next_group(NOW.mono, |_| None).unwrap();
    let broken = PortError::new(FaultKind::Unknown, "the connection broke");
    receiver.applied(Err(broken), NOW, &Settings::default());
    assert!(receiver.must_read_mark());
    assert!(receiver.next_group(Mono(u64::MAX), |_| None).is_none());
    receiver.mark_read(Ok(Some(mark(2, 11, "eleven"))));
    assert_eq!(receiver.mark().unwrap().seq, 11);
    assert_eq!(receiver.held_bytes(), 0);
}

#[test]
fn a_batch_that_does_not_chain_is_expelled_when_its_turn_comes() {
    let mut receiver = receiver();
    let mut twelve = next();
    (twelve.seq, twelve.group.first) = (12, 12);
    twelve.previous = digest("another eleven");
    receiver.add(&twelve, (digest("twelve"), KEY), 100, NOW, true);
    assert!(receiver.next_expelled(NOW.mono).is_none(), "its turn has not come");
    receiver.add(&next(), (digest("eleven"), KEY), 100, NOW, true);
    receiver.next_group(NOW.mono, |_| None).unwrap();
    let done = AppliedBatch { seq: 11, rows: 1, parked: 0, apply_ms: 1 };
    let applied = ApplyOutcome::Applied { mark: mark(2, 11, "eleven"), batches: vec![done], parked_rows: 0 };
    receiver.applied(Ok(applied), NOW, &Settings::default());
    let (id, why) = receiver.next_expelled(NOW.mono).unwrap();
    assert_eq!((id.seq, why), (12, Expelled::WrongPrevious));
    receiver.expelled(&id, true);
    assert_eq!(receiver.held_bytes(), 0);
}

#[test]
fn a_batch_of_another_group_is_expelled_from_the_one_that_it_would_keep_open() {
    let mut receiver = receiver();
    let mut eleven = next();
    eleven.group.last = false;
    let mut twelve = next();
    (twelve.seq, twelve.previous) = (12, digest("eleven"));
    let mut alone = twelve.clone();
    twelve.group.index = 1;
    alone.group.first = 12;
    receiver.add(&eleven, (digest("eleven"), KEY), 100, NOW, true);
    receiver.add(&alone, (digest("alone"), KEY), 100, NOW, true);
    assert!(receiver.next_group(NOW.mono, |_| None).is_none());
    let (id, why) = receiver.next_expelled(NOW.mono).unwrap();
    assert_eq!((id.digest, why), (digest("alone"), Expelled::WrongPrevious));
    receiver.expelled(&id, true);
    receiver.add(&twelve, (digest("twelve"), KEY), 100, NOW, true);
    assert_eq!(receiver.next_expelled(NOW.mono), None);
    assert_eq!(receiver.next_group(NOW.mono, |_| None).unwrap().batches.len(), 2);
}

/// A batch that takes the place of the group of seq 11, by an act of its own, passing over statements of these words.
fn superseding(number: u8, index: u64, count: u64, old: &[&str]) -> BatchStatement {
    let mut statement = next();
    statement.seq = 11 + index;
    statement.group = Group { first: 11, index, last: index + 1 == count };
    statement.supersedes = Some(Supersedes {
        act: ActId([number; 16]),
        at_ms: 1,
        reason: Reason::new("two operators").unwrap(),
        old: old.iter().map(|word| digest(word)).collect(),
        new: (0..count).map(|at| digest(&format!("{number} {at}"))).collect(),
        approvals: Vec::new(),
    });
    statement
}

/// What the receiver decides about a batch; one that is kept is held then.
fn offer(receiver: &mut Receiver, statement: &BatchStatement, word: &str) -> Verdict {
    let contract = contract();
    let known = contract.stream(&stream()).unwrap();
    let verdict = receiver.judge(statement, (digest(word), KEY), known, &Settings::default());
    if verdict == Verdict::Keep {
        receiver.displace(statement);
        receiver.add(statement, (digest(word), KEY), 100, NOW, true);
    }
    verdict
}

fn disputed_at(receiver: &Receiver) -> Option<u64> {
    receiver.waits_for(|_| None).filter(|waits| waits.code == "two-statements").map(|waits| waits.seq)
}

#[test]
fn what_is_being_applied_gives_way_to_nothing() {
    let mut receiver = receiver();
    assert_eq!(offer(&mut receiver, &next(), "eleven"), Verdict::Keep);
    receiver.next_group(NOW.mono, |_| None).unwrap();
    let instead = superseding(1, 0, 1, &["eleven"]);
    assert_eq!(offer(&mut receiver, &instead, "instead"), Verdict::Leave);
    let broken = PortError::new(FaultKind::Unknown, "the connection broke");
    receiver.applied(Err(broken), NOW, &Settings::default());
    assert_eq!(offer(&mut receiver, &instead, "instead"), Verdict::Leave, "it may have been committed");
    receiver.mark_read(Ok(Some(mark(2, 10, "ten"))));
    assert_eq!(offer(&mut receiver, &instead, "instead"), Verdict::Keep);
}

#[test]
fn a_file_that_was_spoiled_is_not_looked_for_in_what_took_its_place() {
    let mut receiver = receiver();
    offer(&mut receiver, &next(), "eleven");
    receiver.next_group(NOW.mono, |_| None).unwrap();
    let spoiled = Spoiled { seq: 11, digest: digest("eleven"), text: "it is gone".to_owned() };
    receiver.applied(Ok(ApplyOutcome::Spoiled(spoiled)), NOW, &Settings::default());
    assert_eq!(offer(&mut receiver, &superseding(1, 0, 1, &["eleven"]), "instead"), Verdict::Keep);
    assert_eq!(receiver.next_expelled(NOW.mono), None);
    assert!(receiver.next_group(NOW.mono, |_| None).is_some());
}

#[test]
fn a_dispute_ends_at_its_own_place_and_comes_back_when_what_ended_it_is_lost() {
    let mut receiver = receiver();
    for seq in [11, 12] {
        receiver.dispute(2, seq);
    }
    let first = superseding(1, 0, 2, &["eleven", "twelve"]);
    assert_eq!(offer(&mut receiver, &first, "first"), Verdict::Keep);
    let mut ordinary = next();
    (ordinary.seq, ordinary.group) = (12, Group { first: 11, index: 1, last: true });
    assert_eq!(offer(&mut receiver, &ordinary, "twelve"), Verdict::Refuse("superseded"));
    let mut second = superseding(1, 1, 2, &["eleven", "twelve"]);
    second.previous = digest("eleven");
    assert!(receiver.is_disputed());
    assert_eq!(offer(&mut receiver, &second, "second"), Verdict::Keep);
    assert!(!receiver.is_disputed());
    let lost = BatchId { stream: stream(), epoch: 2, seq: 12, digest: digest("second") };
    receiver.expelled(&lost, true);
    assert!(receiver.is_disputed());
    assert!(receiver.next_group(NOW.mono, |_| None).is_none());
    offer(&mut receiver, &second, "second");
    assert_eq!(receiver.next_group(NOW.mono, |_| None).unwrap().batches.len(), 2);
}

#[test]
fn a_later_batch_of_an_act_stands_against_an_ordinary_one_before_it() {
    let mut receiver = receiver();
    let second = superseding(1, 1, 2, &["eleven", "twelve"]);
    assert_eq!(offer(&mut receiver, &second, "second"), Verdict::Keep);
    let mut ordinary = next();
    ordinary.group.last = false;
    assert_eq!(offer(&mut receiver, &ordinary, "eleven"), Verdict::Refuse("superseded"));
}

#[test]
fn two_acts_that_do_not_name_each_other_stay_in_dispute_until_a_third_names_one() {
    let mut receiver = receiver();
    let one = superseding(1, 0, 1, &["eleven"]);
    assert_eq!(offer(&mut receiver, &one, "one"), Verdict::Keep);
    let other = superseding(2, 0, 1, &["eleven"]);
    assert_eq!(offer(&mut receiver, &other, "other"), Verdict::Refuse("two-statements"));
    assert_eq!(receiver.dispute(2, 11), (11, Some(digest("one"))));
    assert_eq!(disputed_at(&receiver), Some(11));
    // A restart takes up what is held, and what the books say of it.
    let known = contract().stream(&stream()).unwrap().digest;
    let disputed = vec![DisputedPlace { epoch: 2, seq: 11, against: Some(digest("one")) }];
    let mut again = Receiver::recover(RecoveredIn { disputed, ..recovered() }, 5, known);
    again.add(&one, (digest("one"), KEY), 100, NOW, true);
    assert_eq!(disputed_at(&again), Some(11));
    let third = superseding(3, 0, 1, &["eleven", "one"]);
    assert_eq!(offer(&mut again, &third, "third"), Verdict::Keep);
    assert_eq!(disputed_at(&again), None);
    assert!(again.next_group(NOW.mono, |_| None).is_some());
}
