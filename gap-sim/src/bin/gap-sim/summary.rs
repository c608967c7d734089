//! The end of a run, for people.

use crate::lane::Lane;
use crate::lang::Lang;
use crate::options::{Options, way_name};
use crate::words::{Word, say};

/// Tells what was counted, a few lines for each way.
pub fn text(lang: Lang, options: &Options, lanes: &[Lane], elapsed_ms: u64) -> String {
    let seconds = elapsed_ms / 1_000;
    let mut lines =
        vec![say(lang, Word::SummaryHead, &[&options.seed, &options.profile.name, &options.time_scale, &seconds])];
    for lane in lanes {
        lines.push(way_name(lang, lane.way()));
        lines.extend(lane_lines(lang, lane));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn lane_lines(lang: Lang, lane: &Lane) -> Vec<String> {
    let (tally, counters) = (lane.tally(), lane.counters());
    let delay = &tally.delay_ms;
    vec![
        say(lang, Word::SummarySeen, &[&tally.seen, &tally.refused, &tally.picked_up, &tally.picked_up_bytes]),
        say(
            lang,
            Word::SummaryDelivered,
            &[&tally.delivered, &tally.delivered_files, &tally.doubled, &tally.reordered, &counters.replaced],
        ),
        say(lang, Word::SummaryLost, &[&tally.lost, &tally.removed, &tally.held]),
        say(
            lang,
            Word::SummaryDamaged,
            &[
                &tally.corrupted,
                &tally.truncated,
                &tally.half_visible,
                &counters.taken_unfinished,
                &tally.temporary_name,
            ],
        ),
        say(
            lang,
            Word::SummaryLeft,
            &[&tally.in_flight, &tally.doubles_in_flight, &counters.waiting, &counters.failures],
        ),
        say(
            lang,
            Word::SummaryDelay,
            &[&delay.mean_ms(), &delay.percentile_ms(50), &delay.percentile_ms(99), &delay.max_ms()],
        ),
    ]
}

/// Tells in one line how far the run is.
pub fn progress(lang: Lang, lanes: &[Lane], elapsed_ms: u64) -> String {
    let parts: Vec<String> = lanes
        .iter()
        .map(|lane| {
            let tally = lane.tally();
            let in_flight = tally.in_flight + tally.doubles_in_flight;
            say(
                lang,
                Word::LaneProgress,
                &[&way_name(lang, lane.way()), &tally.picked_up, &tally.delivered, &tally.lost, &in_flight],
            )
        })
        .collect();
    say(lang, Word::Progress, &[&(elapsed_ms / 1_000), &parts.join("; ")])
}
