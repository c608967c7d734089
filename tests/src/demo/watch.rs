//! Waits until both zones agree, or until it is clear that they will not.

use super::books::{Books, Place, STREAMS};
use super::clock::{Clock, rest};
use super::display::Display;
use super::failure::Failure;
use super::lang::{Text, text};
use super::process::Program;
use super::stop::Stop;
use super::worker::Worker;

const LOOK_MS: u64 = 100;
/// The longest time without progress at a time scale of 1: twice the protocol's longest wait before a resend.
const STALL_MS_MAX: u64 = 60 * 60_000;
/// The same at any time scale: work that is not timed takes its time however fast the clocks run.
const STALL_MS_MIN: u64 = 90_000;
/// The same while somebody works at the nodes: a large file is checked whole before any of its rows is written.
const WORK_MS_MIN: u64 = 300_000;

/// Everything that runs.
pub struct Running {
    /// Those who work at the nodes. They stand first, so that they end before the programs when the run fails.
    pub workers: Vec<Worker>,
    /// The gate, the daemons and the nodes.
    pub programs: Vec<Program>,
}

/// When what was reached, in milliseconds of the run.
#[derive(Debug, Clone)]
pub struct Reached {
    /// The first change was seen.
    pub first_ms: u64,
    /// Every change was applied by its receiver.
    pub applied_ms: u64,
    /// How far the streams were when every owner knew.
    pub places: Vec<Place>,
}

/// Waits until all work is done, every change is applied, and every owner knows it.
///
/// # Errors
/// When a program or a worker failed, a stream is stuck, nothing moved for too long, or somebody asked to stop.
pub fn until_agreed(
    running: &mut Running,
    books: &mut Books,
    display: &mut Display,
    (clock, stop): (Clock, &Stop),
    (planned, time_scale): (&[u64], u32),
) -> Result<Reached, Failure> {
    let scaled_ms = STALL_MS_MAX / u64::from(time_scale);
    let (mut progress, mut moved_ms, mut first_ms, mut applied_ms) = (0, clock.now_ms(), None, None);
    let mut is_answered = false;
    loop {
        stop.check()?;
        for program in &mut running.programs {
            program.check()?;
        }
        let mut is_done = true;
        for worker in &mut running.workers {
            is_done &= worker.is_done()?;
        }
        // The workers were asked first: what they had done by then is seen here.
        let places = STREAMS.into_iter().map(|stream| books.place(stream)).collect::<Result<Vec<_>, _>>()?;
        let now_ms = clock.now_ms();
        display.show(now_ms, &places, planned);
        if places.iter().any(Place::is_stuck) {
            return Err(Failure::new(stuck(&places)));
        }
        let reached: u64 = places.iter().map(Place::progress).sum();
        if reached > 0 {
            first_ms.get_or_insert(now_ms);
        }
        let is_applied = is_done && places.iter().all(|place| place.waiting == 0 && place.is_same);
        // The answers of the intranet node are changes, too: they were all written before the places above were looked at.
        if is_applied && is_answered {
            let applied_ms = *applied_ms.get_or_insert(now_ms);
            if places.iter().all(Place::is_done) {
                return Ok(Reached { first_ms: first_ms.unwrap_or(0), applied_ms, places });
            }
        }
        is_answered = is_answered || (is_applied && books.unanswered()? == 0);
        let patience_ms = scaled_ms.max(if is_done { STALL_MS_MIN } else { WORK_MS_MIN });
        if reached != progress {
            (progress, moved_ms) = (reached, now_ms);
        } else if now_ms - moved_ms > patience_ms {
            return Err(Failure::new(stalled(patience_ms / 1_000, &places)));
        }
        rest(LOOK_MS);
    }
}

fn stuck(places: &[Place]) -> Text {
    let lines = lines(places);
    text!(
        "a stream has stopped, and only an operator could let it go on:\n{lines}",
        "有数据流已停止，只有操作员才能使其继续：\n{lines}"
    )
}

fn stalled(seconds: u64, places: &[Place]) -> Text {
    let lines = lines(places);
    text!(
        "nothing has moved for {seconds} s; the folder and its logs are kept. So far:\n{lines}",
        "{seconds} 秒内没有任何进展；目录与日志均予保留。目前：\n{lines}"
    )
}

/// What each stream waits for, a line each.
fn lines(places: &[Place]) -> String {
    let line = |(name, place): (&str, &Place)| {
        let Place { waiting, batches, applied_batches, settled_batches, .. } = place;
        let what = if *waiting > 0 {
            format!("{waiting} changes wait to be cut")
        } else if applied_batches < batches {
            format!("batch {} waits to be applied", applied_batches + 1)
        } else if settled_batches < batches {
            "the owner waits for the report".to_owned()
        } else if place.is_same {
            "nothing waits".to_owned()
        } else {
            "the sides have different batches".to_owned()
        };
        let told = place.trouble.as_ref().map_or_else(String::new, |trouble| {
            format!("; {} says {} {} {}", trouble.zone, trouble.health, trouble.code, trouble.detail)
        });
        format!("  {name}: cut {batches}, applied {applied_batches}, known applied {settled_batches}; {what}{told}")
    };
    STREAMS.iter().map(|stream| stream.name).zip(places).map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::books::Trouble;

    #[test]
    fn a_report_names_what_each_stream_waits_for() {
        let trouble = Trouble {
            zone: "outer",
            health: "refused".to_owned(),
            code: "constraint".to_owned(),
            detail: "seq 5, table base_region".to_owned(),
        };
        let refused = Place { batches: 9, applied_batches: 4, trouble: Some(trouble), ..Place::default() };
        let cutting = Place { waiting: 3, ..Place::default() };
        let done = Place { batches: 2, applied_batches: 2, settled_batches: 2, is_same: true, ..Place::default() };
        assert!(refused.is_stuck() && !cutting.is_stuck());
        assert_eq!(
            lines(&[refused, cutting, done]),
            "  base: cut 9, applied 4, known applied 0; batch 5 waits to be applied; \
             outer says refused constraint seq 5, table base_region\n  \
             notice: cut 0, applied 0, known applied 0; 3 changes wait to be cut\n  \
             confirm: cut 2, applied 2, known applied 2; nothing waits"
        );
    }
}
