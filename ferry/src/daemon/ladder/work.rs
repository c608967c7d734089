//! What a zone does, by name, and which of it is the same as before.

use std::collections::{BTreeMap, BTreeSet};

use ferry_core::action::Action;

use crate::fail::Step;
use crate::fail::plan::Passed;

/// A daemon starts.
pub const START: &str = "start";
/// A daemon ends in order.
pub const STOP: &str = "stop";
/// An operator gives a command.
pub const COMMAND: &str = "command";
/// What a zone does again and again although nothing happens: it looks, tells its peer how it stands, hears the same, and
/// counts the time that batches have been archived.
const ROUTINE: [&str; 8] = [OBSERVE, SCAN, TAKE, "anchor", "publish-status", "keep-status", "note", "retain"];
const OBSERVE: &str = "observe";
const SCAN: &str = "scan";
const TAKE: &str = "take";

/// The name of an action.
pub const fn name_of(action: &Action) -> &'static str {
    match action {
        Action::Observe { .. } => OBSERVE,
        Action::Cut { .. } => "cut",
        Action::Seal { .. } => "seal",
        Action::Record(_) => "record",
        Action::Anchor(_) => "anchor",
        Action::Attempt(_) => "attempt",
        Action::Publish { .. } => "publish",
        Action::Scan => SCAN,
        Action::Take { .. } => TAKE,
        Action::Keep { .. } => "keep",
        Action::Drop { .. } => "drop",
        Action::Expel { .. } => "expel",
        Action::Follow { .. } => "follow",
        Action::FollowBegun(_) => "follow-begun",
        Action::Apply { .. } => "apply",
        Action::PutAway(_) => "put-away",
        Action::ReadMark { .. } => "read-mark",
        Action::Recall { .. } => "recall",
        Action::Settle { .. } => "settle",
        Action::Reopen(_) => "reopen",
        Action::Load { .. } => "load",
        Action::FindOwn { .. } => "find-own",
        Action::KeepOwn { .. } => "keep-own",
        Action::TakeBack { .. } => "take-back",
        Action::GiveBack { .. } => "give-back",
        Action::Withdraw(_) => "withdraw",
        Action::PublishStatus { .. } => "publish-status",
        Action::KeepStatus { .. } => "keep-status",
        Action::Act(_) => "act",
        Action::ListActs(_) => "list-acts",
        Action::Note(_) => "note",
        Action::Retain(_) => "retain",
        Action::Prune(_) => "prune",
    }
}

/// For every step whether it is another one than those before. Routine that takes the same steps as an earlier piece of it, with
/// nothing but routine between them in its zone, does what that one did, and its steps are the same.
pub fn is_new(seen: &[Passed]) -> Vec<bool> {
    let mut done: [BTreeSet<(&str, Vec<Step>)>; 2] = Default::default();
    let mut found = Vec::with_capacity(seen.len());
    for work in seen.chunk_by(|one, next| one.work == next.work) {
        let Passed { zone, part_of, .. } = work[0];
        let done = &mut done[zone];
        if !ROUTINE.contains(&part_of) {
            done.clear();
        }
        let steps = work.iter().map(|passed| passed.step).collect();
        let is_new = done.insert((part_of, steps));
        found.extend(work.iter().map(|_| is_new));
    }
    found
}

/// How many steps there are of each kind of work, and how many of them are different ones.
pub fn tally(seen: &[Passed]) -> BTreeMap<&'static str, (usize, usize)> {
    let mut tally: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (passed, is_new) in seen.iter().zip(is_new(seen)) {
        let (all, new) = tally.entry(passed.part_of).or_default();
        *all += 1;
        *new += usize::from(is_new);
    }
    tally
}

#[test]
fn routine_is_the_same_until_something_happens() {
    let passed = |work, part_of, step| Passed { zone: 0, step, part_of, work };
    let (look, list) = (Step::Look, Step::List);
    let seen = [
        passed(1, SCAN, list),
        passed(2, OBSERVE, look),
        passed(3, SCAN, list),
        passed(4, SCAN, look),
        passed(5, "apply", look),
        passed(6, SCAN, list),
        Passed { zone: 1, ..passed(7, SCAN, list) },
        passed(8, SCAN, list),
    ];
    assert_eq!(is_new(&seen), [true, true, false, true, true, true, true, false]);
}
