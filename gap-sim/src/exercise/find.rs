//! What really happens in a run: the facts that the exercises ask for.

use super::COURSE_SEED;
use super::bench;
use crate::scenario::ending::{Ending, StreamEnd};
use crate::scenario::flight::{End, Flight, flights};
use crate::scenario::{Played, Scenario};
use crate::world::World;
use crate::world::host::ZoneId;
use crate::world::options::Options;
use crate::world::run::Verdict;
use crate::world::trace::Line;
use ferry_format::{FileName, NameKind};

/// The drawn world that the course reads.
pub(super) const DRAWN_SEED: u64 = 53;

/// A scenario that was run.
pub(super) struct Story {
    played: Played,
}

impl Story {
    /// Runs a scenario as the course does.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::with_seed(name, COURSE_SEED)
    }

    /// Runs a scenario with a seed.
    pub(super) fn with_seed(name: &str, seed: u64) -> Option<Self> {
        Scenario::named(name).map(|scenario| Self { played: scenario.play(seed) })
    }

    fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.played.world.trace.lines()
    }

    /// The moments at which a place did something to a batch: `verb`, its file, and perhaps a code.
    fn moments(&self, place: &str, verb: &str, batch: &str) -> Vec<u64> {
        let is_it = |line: &&Line| {
            let rest = line.text.strip_prefix(verb).and_then(|rest| rest.strip_prefix(' '));
            let name = rest.and_then(|rest| rest.split(' ').next());
            line.place.starts_with(place) && name.and_then(batch_of).as_deref() == Some(batch)
        };
        self.lines().filter(is_it).map(|line| line.at_ms).collect()
    }

    fn moment(&self, place: &str, verb: &str, batch: &str) -> Option<u64> {
        self.moments(place, verb, batch).first().copied()
    }

    /// Every flight of a batch that was named so when it was taken in.
    fn flights(&self, batch: &str) -> Vec<Flight> {
        let of_batch = |flight: &Flight| batch_of(&flight.name).as_deref() == Some(batch);
        flights(self.lines()).into_iter().filter(of_batch).collect()
    }

    /// When each batch of a stream was applied. Batches that waited are applied together.
    fn applied(&self, stream: &str) -> Vec<(u64, u64)> {
        let parse = |line: &Line| {
            let rest = line.text.strip_prefix("apply ")?.strip_prefix(stream)?.strip_prefix(" after ")?;
            let (after, count) = rest.split_once(" batches ")?;
            let (after, count) = (after.parse::<u64>().ok()?, count.parse::<u64>().ok()?);
            let at_ms = line.at_ms;
            Some((after + 1..=after + count).map(move |seq| (at_ms, seq)))
        };
        self.lines().filter_map(parse).flatten().collect()
    }

    /// The code with which a place turned a file of a batch away, and when; empty for a duplicate.
    fn dropped(&self, place: &str, batch: Option<&str>) -> Vec<(u64, String)> {
        let parse = |line: &Line| {
            let mut words = line.text.strip_prefix("drop ")?.split(' ');
            let named = batch_of(words.next()?)?;
            let fits = line.place.starts_with(place) && batch.is_none_or(|batch| batch == named);
            fits.then(|| (line.at_ms, words.next().unwrap_or_default().to_owned()))
        };
        self.lines().filter_map(parse).collect()
    }

    fn ending(&self) -> Ending {
        self.played.ending()
    }
}

/// The batch of a file's name, as `stream/seq`.
fn batch_of(name: &str) -> Option<String> {
    match name.parse::<FileName>().ok()?.kind {
        NameKind::Batch { stream, seq, .. } => Some(format!("{stream}/{seq}")),
        NameKind::Status { .. } => None,
    }
}

fn rounded(ms: u64, unit_ms: u64) -> u64 {
    (ms + unit_ms / 2) / unit_ms
}

fn seconds(from_ms: u64, to_ms: u64) -> Option<u64> {
    to_ms.checked_sub(from_ms).map(|ms| rounded(ms, 1_000))
}

/// The verdict on a file that is known already.
fn duplicate() -> Vec<String> {
    vec!["duplicate".to_owned()]
}

pub(super) fn calm_delay() -> Option<u64> {
    let flight = Story::of("calm")?.flights("confirm/1").into_iter().next()?;
    seconds(flight.from_ms, flight.to_ms?)
}

/// The status is what tells the owner when it learns so later than the batch arrived.
pub(super) fn calm_knows() -> Option<char> {
    let story = Story::of("calm")?;
    let arrived_ms = story.moment("gate", "delivers", "confirm/1")?;
    let learned_ms = story.lines().find(|line| line.text == "settle confirm/1")?.at_ms;
    let told = |line: &&Line| line.place == "outer" && line.text.starts_with("keep status ");
    let status_ms = story.lines().filter(told).map(|line| line.at_ms).rfind(|at_ms| *at_ms <= learned_ms)?;
    (status_ms > arrived_ms).then_some('b')
}

pub(super) fn lost_attempt() -> Option<u64> {
    let flights = Story::of("lost-batch")?.flights("confirm/1");
    let arrived = flights.into_iter().find(|flight| flight.end == End::Arrives)?;
    arrived.name.parse::<FileName>().ok().map(|name| u64::from(name.attempt))
}

pub(super) fn lost_resend() -> Option<u64> {
    let story = Story::of("lost-batch")?;
    let lost_ms = story.moment("gate", "loses", "confirm/1")?;
    let published = story.moments("outer", "publish", "confirm/1");
    seconds(lost_ms, published.into_iter().find(|at_ms| *at_ms > lost_ms)?)
}

/// The later batch was there first and was applied last.
pub(super) fn lost_order() -> Option<char> {
    let story = Story::of("lost-batch")?;
    let came_first = story.moment("inner", "keep", "confirm/2")? < story.moment("inner", "keep", "confirm/1")?;
    let order: Vec<u64> = story.applied("confirm").into_iter().map(|(_, seq)| seq).collect();
    (came_first && order.is_sorted()).then_some('b')
}

pub(super) fn ack_applied() -> Option<u64> {
    let story = Story::of("lost-acknowledgement")?;
    let applied = story.applied("confirm").into_iter().filter(|(_, seq)| *seq == 1).count();
    u64::try_from(applied).ok()
}

pub(super) fn ack_verdict() -> Option<Vec<String>> {
    let dropped = Story::of("lost-acknowledgement")?.dropped("inner", Some("confirm/1"));
    dropped.first().filter(|(_, code)| code.is_empty()).map(|_| duplicate())
}

pub(super) fn ack_lost() -> Option<u64> {
    let story = Story::of("lost-acknowledgement")?;
    let lost = flights(story.lines()).into_iter().filter(|flight| flight.is_status() && flight.end == End::Lost);
    u64::try_from(lost.count()).ok()
}

pub(super) fn damaged_code() -> Option<Vec<String>> {
    let dropped = Story::of("damaged-batch")?.dropped("inner", Some("confirm/1"));
    dropped.into_iter().find(|(_, code)| !code.is_empty()).map(|(_, code)| vec![code])
}

pub(super) fn damaged_patience() -> Option<u64> {
    let story = Story::of("damaged-batch")?;
    let arrived_ms = story.moment("gate", "delivers", "confirm/1")?;
    let dropped = story.dropped("inner", Some("confirm/1"));
    seconds(arrived_ms, dropped.into_iter().find(|(_, code)| !code.is_empty())?.0)
}

pub(super) fn overtaken_held() -> Option<u64> {
    let story = Story::of("overtaken")?;
    let kept_ms = story.moment("outer", "keep", "notice/2")?;
    let (applied_ms, _) = story.applied("notice").into_iter().find(|(_, seq)| *seq == 2)?;
    seconds(kept_ms, applied_ms)
}

/// The owner's archive takes its file only when the batch is known to be applied, and that is after it was held.
pub(super) fn overtaken_delete() -> Option<char> {
    let story = Story::of("overtaken")?;
    let held_ms = story.moment("outer", "keep", "notice/2")?;
    let settled = story.lines().find(|line| line.text == "settle notice/2").map(|line| line.at_ms)?;
    (settled > held_ms).then_some('c')
}

pub(super) fn late_minutes() -> Option<u64> {
    let flight = Story::of("virus-scan")?.flights("confirm/1").into_iter().next()?;
    flight.to_ms?.checked_sub(flight.from_ms).map(|ms| rounded(ms, 60_000))
}

pub(super) fn late_copies() -> Option<u64> {
    let flights = Story::of("virus-scan")?.flights("confirm/1");
    u64::try_from(flights.into_iter().filter(|flight| flight.end == End::Arrives).count()).ok()
}

/// What was applied right after the file that is named `confirm/2` came.
pub(super) fn swapped_first() -> Option<Vec<String>> {
    let story = Story::of("swapped-names")?;
    let came_ms = story.moment("gate", "delivers", "confirm/2")?;
    let (_, seq) = story.applied("confirm").into_iter().find(|(at_ms, _)| *at_ms >= came_ms)?;
    Some(vec![format!("confirm/{seq}")])
}

/// Names said the wrong order, and nothing was turned away.
pub(super) fn swapped_why() -> Option<char> {
    let story = Story::of("swapped-names")?;
    let end = story.ending().stream("confirm").cloned()?;
    (end.applied == end.cut && story.dropped("inner", None).is_empty()).then_some('a')
}

pub(super) fn night_waiting() -> Option<u64> {
    let story = Story::of("one-way-night")?;
    let (_, _, until_ms) = crate::scenario::timeline::outage(&story.played.world)?;
    let recorded = |line: &&Line| line.place == "outer" && line.text.starts_with("record ") && line.at_ms < until_ms;
    let batches = story.lines().filter(recorded).map(|line| line.text.split(' ').count() as u64 - 1).sum();
    Some(batches)
}

/// Later attempts are further apart.
pub(super) fn night_rarer() -> Option<char> {
    let published = Story::of("one-way-night")?.moments("outer", "publish", "confirm/1");
    let waits: Vec<u64> = published.windows(2).map(|pair| pair[1] - pair[0]).collect();
    (waits.get(2)? > waits.first()?).then_some('a')
}

pub(super) fn forged_code() -> Option<Vec<String>> {
    Story::of("forged-batch")?
        .dropped("", None)
        .into_iter()
        .find(|(_, code)| !code.is_empty())
        .map(|(_, code)| vec![code])
}

pub(super) fn flood_kept() -> Option<u64> {
    let ending = Story::of("flood")?.ending();
    u64::try_from(ending.zone(ZoneId::Inner)?.quarantined).ok()
}

pub(super) fn disputed_stream() -> Option<Vec<String>> {
    let ending = Story::of("two-statements")?.ending();
    let stopped =
        ending.streams.iter().find(|end| end.stopped.as_ref().is_some_and(|(_, code)| code == "two-statements"));
    stopped.map(|end| vec![end.name.to_string()])
}

fn poisoned(name: &str) -> Option<StreamEnd> {
    Story::of("poisoned-row")?.ending().stream(name).cloned()
}

pub(super) fn poisoned_watermark() -> Option<u64> {
    poisoned("confirm").map(|end| end.applied)
}

pub(super) fn poisoned_code() -> Option<Vec<String>> {
    poisoned("confirm")?.refusal.map(|refusal| vec![refusal.code])
}

pub(super) fn poisoned_other() -> Option<char> {
    let end = poisoned("notice")?;
    Some(if end.cut > 0 && end.applied == end.cut { 'c' } else { 'a' })
}

/// The seed of the course with which the power fails after the commit.
const AFTER_COMMIT_SEED: u64 = 6;

/// What the receiver does with the file that it finds after its restart.
pub(super) fn power_verdict() -> Option<Vec<String>> {
    let story = Story::with_seed("power-cut", AFTER_COMMIT_SEED)?;
    let cut_ms = story.lines().find(|line| line.text == "power is cut")?.at_ms;
    let (at_ms, code) = story.dropped("inner", Some("confirm/1")).into_iter().next()?;
    (at_ms > cut_ms && code.is_empty()).then(duplicate)
}

pub(super) fn unknown_asks() -> Option<Vec<String>> {
    let story = Story::of("unknown-commit")?;
    let stream = story.lines().find_map(|line| line.text.strip_prefix("read watermark "))?;
    Some(vec!["watermark".to_owned(), format!("watermark of {stream}")])
}

pub(super) fn restored_lock() -> Option<Vec<String>> {
    let story = Story::of("restored-zone")?;
    let code = story.lines().find_map(|line| line.text.strip_prefix("locks "))?;
    Some(vec![code.to_owned()])
}

pub(super) fn restored_lacks() -> Option<u64> {
    let story = Story::of("restored-zone")?;
    let taken = story.lines().filter(|line| line.text.starts_with("take back confirm "));
    taken.map(|line| line.text.split(' ').next_back()?.parse::<u64>().ok()).sum()
}

/// The drawn world that the course reads, run with its trace.
fn drawn() -> (World, String) {
    let mut world = World::new(Options::draw(DRAWN_SEED), true);
    let hash = world.run().hash.to_string();
    (world, hash)
}

pub(super) fn drawn_hash() -> Option<Vec<String>> {
    let (_, hash) = drawn();
    Some(vec![hash])
}

/// Every pair of a stream and one that it waits for.
pub(super) fn drawn_waits() -> Option<Vec<String>> {
    let streams = Options::draw(DRAWN_SEED).streams;
    let pairs = streams.iter().flat_map(|plan| plan.depends.iter().map(move |other| format!("{} {other}", plan.name)));
    let pairs: Vec<String> = pairs.collect();
    (!pairs.is_empty()).then_some(pairs)
}

pub(super) fn drawn_lost() -> Option<u64> {
    let lost = drawn().0.trace.lines().filter(|line| line.text.starts_with("loses ")).count() as u64;
    (lost > 0).then_some(lost)
}

pub(super) fn drawn_batch() -> Option<Vec<String>> {
    let (world, _) = drawn();
    let mut lost = world.trace.lines().filter_map(|line| line.text.strip_prefix("loses ").and_then(batch_of));
    lost.next().map(|batch| vec![batch])
}

fn broken(name: &str) -> Option<u64> {
    match Story::of(name)?.played.report.verdict {
        Verdict::Correctness(violation) => Some(u64::from(violation.invariant)),
        Verdict::Pass | Verdict::Liveness(_) | Verdict::Undecided => None,
    }
}

pub(super) fn broken_replica() -> Option<u64> {
    broken("meddled-replica")
}

pub(super) fn broken_watermark() -> Option<u64> {
    broken("meddled-watermark")
}

/// The choices are about invariant 3.
pub(super) fn broken_rule() -> Option<char> {
    (broken_replica()? == 3).then_some('b')
}

pub(super) fn bridge_copies() -> Option<u64> {
    bench::carry().map(|carried| carried.tally.delivered)
}

pub(super) fn bridge_swapped() -> Option<u64> {
    let carried = bench::carry()?;
    carried.arrived.get("pay-4.txt")?.strip_prefix("pay-")?.strip_suffix(".txt")?.parse().ok()
}

/// What was lost is counted in the gate's own report, which no zone reads.
pub(super) fn bridge_silence() -> Option<char> {
    (bench::carry()?.tally.lost > 0).then_some('b')
}
