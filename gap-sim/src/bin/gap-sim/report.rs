//! The report: what was asked and what was counted, as JSON.

use crate::failure::Failure;
use crate::lane::Lane;
use crate::options::Options;
use crate::rename::rename;
use gap_sim::Tally;
use serde::Serialize;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The version of the report's form; a field that changes its meaning raises it.
const VERSION: u32 = 1;

/// What a lane counts beside the gate.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Counters {
    /// Files that the last scan saw in the drop directory, refused ones included.
    pub waiting: u64,
    /// Deliveries that took the place of a file that nobody had taken yet.
    pub replaced: u64,
    /// Half-visible files that were taken away before they were whole.
    pub taken_unfinished: u64,
    /// Attempts that the operating system refused.
    pub failures: u64,
    /// Files of an earlier run that were delivered at the start.
    pub leftovers_delivered: u64,
    /// Unfinished files of an earlier run that were discarded at the start.
    pub leftovers_discarded: u64,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It goes on.
    Running,
    /// A signal stopped it.
    Stopped,
    /// Nothing was on its way for as long as --until-idle says.
    Idle,
}

/// The report.
#[derive(Debug, Serialize)]
pub struct Report<'run> {
    version: u32,
    state: State,
    profile: &'run str,
    seed: u64,
    time_scale: u32,
    elapsed_ms: u64,
    work: String,
    inner_to_outer: LaneReport<'run>,
    outer_to_inner: LaneReport<'run>,
}

#[derive(Debug, Serialize)]
struct LaneReport<'run> {
    from: String,
    to: String,
    #[serde(flatten)]
    tally: &'run Tally,
    #[serde(flatten)]
    counters: &'run Counters,
}

impl<'run> Report<'run> {
    /// Puts the report together.
    pub fn of(options: &'run Options, [inner, outer]: &'run [Lane; 2], state: State, elapsed_ms: u64) -> Self {
        Self {
            version: VERSION,
            state,
            profile: &options.profile.name,
            seed: options.seed,
            time_scale: options.time_scale.get(),
            elapsed_ms,
            work: options.work.display().to_string(),
            inner_to_outer: LaneReport::of(inner),
            outer_to_inner: LaneReport::of(outer),
        }
    }

    /// The report as JSON, with a newline at its end.
    pub fn json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("a report holds numbers and texts");
        format!("{text}\n")
    }

    /// Writes the report so that a reader sees the whole one before or the whole new one.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".tmp");
        let unfinished = PathBuf::from(unfinished);
        let written = File::create(&unfinished)
            .and_then(|mut file| file.write_all(self.json().as_bytes()))
            .and_then(|()| rename(&unfinished, path));
        written.map_err(|cause| Failure::Report { path: path.to_owned(), cause })
    }
}

impl<'run> LaneReport<'run> {
    fn of(lane: &'run Lane) -> Self {
        let (from, to) = lane.directories();
        Self {
            from: from.display().to_string(),
            to: to.display().to_string(),
            tally: lane.tally(),
            counters: lane.counters(),
        }
    }
}
