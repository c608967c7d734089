//! Time, memory and processor time, as the kernel tells them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::pair::environment;

/// Parts of a breakdown that took less are left out.
const SECONDS_TOLD_MIN: f64 = 0.1;
/// The kernel counts processor time for `/proc` in hundredths of a second.
const TICKS_A_SECOND: f64 = 100.0;

/// Says on what machine a benchmark runs, and how busy that is with other things.
pub fn print_machine() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("machine: {}, {cores} cores, load {}", cpu_model(), load.split(' ').next().unwrap_or("unknown"));
}

fn cpu_model() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1).map(str::to_owned));
    model.unwrap_or_else(|| "unknown processor".to_owned())
}

/// A number that the environment may set.
///
/// # Panics
/// When it is set to something else than a number.
#[must_use]
pub fn number_from_environment(name: &str, otherwise: u64) -> u64 {
    environment(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Measures time from when it is started.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Waits.
#[expect(clippy::disallowed_methods, reason = "a benchmark waits for other processes")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// How many a second.
#[must_use]
pub fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// Bytes in megabytes.
#[must_use]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The most memory that a process has had resident.
#[must_use]
pub fn peak_bytes(process: u32) -> u64 {
    memory(process, "VmHWM:")
}

/// The memory that a process has resident.
#[must_use]
pub fn resident_bytes(process: u32) -> u64 {
    memory(process, "VmRSS:")
}

/// A line of the kernel's account of a process, in bytes; 0 when there is none.
fn memory(process: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Prints the processor time that a process took since `before`, by the names of its threads.
pub fn print_processor_time(name: &str, process: u32, before: &BTreeMap<String, f64>) {
    let spent = processor_seconds(process);
    let spent: BTreeMap<&String, f64> =
        spent.iter().map(|(thread, seconds)| (thread, seconds - before.get(thread).unwrap_or(&0.0))).collect();
    let all: f64 = spent.values().sum();
    let told = spent.iter().filter(|(_, seconds)| **seconds >= SECONDS_TOLD_MIN);
    let parts: Vec<String> = told.map(|(thread, seconds)| format!("{thread} {seconds:.1}")).collect();
    println!("  {name}: {all:.1} s of processor time ({})", parts.join(", "));
}

/// The processor time of a process by the names of its threads; threads of one name and number are one part.
#[must_use]
pub fn processor_seconds(process: u32) -> BTreeMap<String, f64> {
    let mut spent = BTreeMap::new();
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return spent };
    for thread in threads.flatten() {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        let Some((name, rest)) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(") ")) else { continue };
        // The name may hold anything; after it the state is the third field, and user and system time are 14 and 15.
        let ticks: f64 = rest.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        let part = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        *spent.entry(part.to_owned()).or_insert(0.0) += ticks / TICKS_A_SECOND;
    }
    spent
}

/// Times in order.
#[derive(Debug)]
pub struct Percentiles(Vec<Duration>);

impl Percentiles {
    /// Of any times.
    ///
    /// # Panics
    /// When there are none.
    #[must_use]
    pub fn of(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty(), "nothing was measured");
        times.sort_unstable();
        Self(times)
    }

    /// The time, in milliseconds, that so many of a hundred do not exceed.
    #[must_use]
    pub fn milliseconds(&self, percent: usize) -> f64 {
        let place = (self.0.len() * percent).div_ceil(100).clamp(1, self.0.len());
        self.0[place - 1].as_secs_f64() * 1e3
    }
}
