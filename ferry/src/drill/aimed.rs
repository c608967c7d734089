//! The daemon stops where a test has aimed at, tells so, and goes no further: there the test kills it.
//!
//! `FERRY_DRILL_AT` is the aim: a kind of work, how many places of that kind are passed before the thread stands, and perhaps
//! the name of the only place that counts, parted by tabs. `FERRY_DRILL_TELL` is the file that is made when it stands, with
//! the kind, the action and the place. `FERRY_DRILL_MISTAKE` names a mistake that every worker makes.

use std::cell::Cell;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ferry_core::action::Action;
use ferry_core::breaks::{self, Break};

const SEALING: &str = "sealing";
const PUBLISHING: &str = "publishing";
const TAKING: &str = "taking";
const APPLYING: &str = "applying";
const ACKNOWLEDGING: &str = "acknowledging";
const STARTING: &str = "starting";

thread_local! {
    /// The kind of work that this thread is at, and the action.
    static WORK: Cell<Option<(&'static str, &'static str)>> = const { Cell::new(None) };
}

/// Where to stand.
struct Aim {
    kind: String,
    nth: u64,
    place: Option<String>,
    tell: PathBuf,
}

static AIM: LazyLock<Option<Aim>> = LazyLock::new(|| {
    let text = variable("FERRY_DRILL_AT")?;
    let mut parts = text.split('\t').map(str::to_owned);
    let kind = parts.next().unwrap_or_default();
    let nth = parts.next().and_then(|nth| nth.parse().ok()).expect("the test says which place it is");
    let tell = variable("FERRY_DRILL_TELL").expect("the test says where it looks").into();
    Some(Aim { kind, nth, place: parts.next(), tell })
});

static MISTAKE: LazyLock<Option<Break>> = LazyLock::new(|| {
    let name = variable("FERRY_DRILL_MISTAKE")?;
    let found = Break::ALL.iter().find(|one| one.name() == name);
    Some(*found.expect("the test names a mistake that there is"))
});

#[expect(clippy::disallowed_methods, reason = "a program for one test, which tells it so what to do")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A worker begins an action.
pub fn begin(action: &Action) {
    breaks::set(*MISTAKE);
    WORK.set(work(action));
    pass("begun");
}

/// The daemon begins to take up its work.
pub fn begin_start() {
    WORK.set(Some((STARTING, "Start")));
    pass("begun");
}

/// A thread has ended what it began.
pub fn end() {
    pass("ended");
    WORK.set(None);
}

/// A thread is at a place, named after what was done last.
pub fn pass(place: &'static str) {
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let (Some((kind, action)), Some(aim)) = (WORK.get(), AIM.as_ref()) else { return };
    let counts = kind == aim.kind && aim.place.as_ref().is_none_or(|wanted| wanted == place);
    if counts && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == aim.nth {
        stand(aim, &format!("{kind}\t{action}\t{place}\n"));
    }
}

/// Tells where this thread stands. Other threads go on until the kill comes, as they would without an aim.
fn stand(aim: &Aim, line: &str) -> ! {
    let mut file = File::create_new(&aim.tell).expect("the test gives a path in a directory of its own");
    file.write_all(line.as_bytes()).expect("the test gives a path in a directory of its own");
    loop {
        std::thread::park();
    }
}

/// Which kind of work an action is, and its name; none for what neither sends nor receives a row.
fn work(action: &Action) -> Option<(&'static str, &'static str)> {
    match action {
        Action::Cut { .. } => Some((SEALING, "Cut")),
        Action::Seal { .. } => Some((SEALING, "Seal")),
        Action::Record(_) => Some((SEALING, "Record")),
        Action::Anchor(_) => Some((PUBLISHING, "Anchor")),
        Action::Attempt(_) => Some((PUBLISHING, "Attempt")),
        Action::Publish { .. } => Some((PUBLISHING, "Publish")),
        Action::Take { .. } => Some((TAKING, "Take")),
        Action::Keep { .. } => Some((TAKING, "Keep")),
        Action::Drop { .. } => Some((TAKING, "Drop")),
        Action::Recall { .. } => Some((TAKING, "Recall")),
        Action::Follow { .. } => Some((TAKING, "Follow")),
        Action::Apply { .. } => Some((APPLYING, "Apply")),
        Action::PublishStatus { .. } => Some((ACKNOWLEDGING, "PublishStatus")),
        Action::KeepStatus { .. } => Some((ACKNOWLEDGING, "KeepStatus")),
        Action::Settle { .. } => Some((ACKNOWLEDGING, "Settle")),
        Action::Observe { .. }
        | Action::Scan
        | Action::Expel { .. }
        | Action::FollowBegun(_)
        | Action::ReadMark { .. }
        | Action::Reopen(_)
        | Action::Load { .. }
        | Action::FindOwn { .. }
        | Action::KeepOwn { .. }
        | Action::TakeBack { .. }
        | Action::GiveBack { .. }
        | Action::Withdraw(_)
        | Action::PutAway(_)
        | Action::Act(_)
        | Action::ListActs(_)
        | Action::Note(_)
        | Action::Retain(_)
        | Action::Prune(_) => None,
    }
}
