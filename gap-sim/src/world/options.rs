//! What a seed draws before the first tick: the streams, the protocol's numbers, the gate, the work and the faults.

use std::collections::BTreeMap;
use std::fmt;

use ferry_core::settings::{ResendPlan, Settings};

use super::clock::NEW_YEAR_MS;
use super::faults::Fault;
use super::nodes::mistake::Mistake;
use super::nodes::plan;
use crate::prng::Prng;
use crate::profile::{Order, Outage, Profile, Source, Zones};
use crate::rate::Rate;

/// What the zones' programs do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Transactions of rows that mean nothing, in tables that the world draws.
    Rows,
    /// What the two nodes do, in the tables of their contract.
    Nodes,
}

impl Workload {
    /// The name as reports and options spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Nodes => "nodes",
        }
    }

    /// The workload of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Rows, Self::Nodes].into_iter().find(|one| one.name() == name)
    }

    /// What a seed has where nothing else is wanted: every fourth world, drawn, has the nodes.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut prng = Prng::fork(seed, &[0x776f_726b_6c6f_6164]);
        if prng.below(4) == 0 { Self::Nodes } else { Self::Rows }
    }
}

/// One stream of a world's contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPlan {
    /// Its name.
    pub name: &'static str,
    /// Whether the inner zone owns it.
    pub inner_owns: bool,
    /// Streams of the same owner that it depends on.
    pub depends: Vec<&'static str>,
    /// Who goes first.
    pub priority: u8,
    /// Rows of a batch.
    pub rows: u64,
    /// Bytes of a batch.
    pub plain_bytes: u64,
    /// How long a row waits for company.
    pub linger_ms: u64,
    /// Whether it has a table whose bad rows are parked alone.
    pub independent: bool,
}

/// Everything that is drawn from a seed.
#[derive(Debug, Clone)]
pub struct Options {
    /// The seed.
    pub seed: u64,
    /// What the zones' programs do.
    pub workload: Workload,
    /// A mistake that the nodes make.
    pub mistake: Option<Mistake>,
    /// The streams.
    pub streams: Vec<StreamPlan>,
    /// The protocol's numbers.
    pub settings: Settings,
    /// The gate while faults act.
    pub profile: Profile,
    /// How long faults act.
    pub safety_ms: u64,
    /// Transactions of the zones' programs.
    pub transactions: u64,
    /// The most rows of an ordinary transaction.
    pub rows_max: u64,
    /// Of a thousand transactions so many are twenty times as large.
    pub big_per_mille: u64,
    /// Distinct keys of a table: few make rows change often.
    pub keys: u64,
    /// Transactions come in bursts of so many.
    pub burst: u64,
    /// All work is done in the first and the last tenth of the time; between them the programs are idle.
    pub idle: bool,
    /// What the wall clocks show when the world begins; in half of the worlds the year changes while faults act.
    pub wall_start_ms: u64,
    /// The longest time that an operation of a zone takes, most of the time.
    pub latency_ms: u64,
    /// How often each fault of the hosts, the files and the people strikes.
    pub strikes: BTreeMap<Fault, u64>,
    /// Whether operators mend causes and act when the faults have ended.
    pub operators: bool,
    /// The most simulated time after the faults until everything has converged, when little waits.
    pub liveness_ms: u64,
    /// The most simulated time for a window of batches to cross and to be known to have crossed.
    pub round_ms: u64,
}

/// Streams that the inner zone may own, with what each may depend on.
const INNER: [(&str, &[&str]); 4] =
    [("base", &[]), ("notice", &["base"]), ("result", &["notice"]), ("bill", &["base"])];
/// Streams that the outer zone may own.
const OUTER: [(&str, &[&str]); 4] =
    [("confirm", &[]), ("request", &[]), ("refund", &["confirm"]), ("recon", &["confirm", "refund"])];

/// Faults that strike at drawn moments, with the most strikes in a world and how many worlds of ten have them.
const STRIKES: [(Fault, u64, u64); 25] = [
    (Fault::DirectoryFull, 3, 2),
    (Fault::DiskFull, 2, 2),
    (Fault::DiskError, 6, 3),
    (Fault::ClockStep, 3, 2),
    (Fault::ClockDrift, 2, 2),
    (Fault::ClockStandstill, 2, 2),
    (Fault::Crash, 8, 5),
    (Fault::PowerCut, 5, 4),
    (Fault::UnknownCommit, 12, 5),
    (Fault::DatabaseBusy, 6, 3),
    (Fault::DatabaseFull, 4, 3),
    (Fault::Replay, 10, 3),
    (Fault::WrongKey, 4, 2),
    (Fault::Forged, 4, 2),
    (Fault::Flood, 1, 1),
    (Fault::ReDrop, 5, 2),
    (Fault::OwnerRestored, 4, 2),
    (Fault::ReceiverRestored, 6, 3),
    (Fault::BothRestored, 4, 2),
    (Fault::AnchorLost, 1, 1),
    (Fault::ContractSkew, 1, 2),
    (Fault::PoisonRow, 1, 2),
    (Fault::TwoStatements, 4, 2),
    (Fault::StolenKey, 4, 2),
    (Fault::SpoolRot, 3, 3),
];

impl Options {
    /// Draws everything from a seed, for a workload.
    #[must_use]
    pub fn of(seed: u64, workload: Workload) -> Self {
        let rows = Self::draw(seed);
        match workload {
            Workload::Rows => rows,
            Workload::Nodes => {
                let mut prng = Prng::fork(seed, &[0x0073_7472_6561_6d73]);
                Self {
                    workload,
                    streams: plan::streams(|name| draw_stream(name, &mut prng)),
                    transactions: ACTS * rows.transactions,
                    rows_max: rows.rows_max.max(NODES_ROWS_MIN),
                    ..rows
                }
            }
        }
    }

    /// Draws everything from a seed, for rows that mean nothing.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut prng = Prng::fork(seed, &[0x006f_7074_696f_6e73]);
        let divisor = [1, 10, 100][pick(&mut prng, 3)];
        let mut settings = draw_settings(&mut prng, divisor);
        draw_retention(&mut settings, seed, divisor);
        let safety_ms = prng.between(5, 30) * 60_000 / divisor;
        let profile = draw_profile(&mut prng, divisor, safety_ms);
        let mut strikes = BTreeMap::new();
        for (fault, most, of_ten) in STRIKES {
            let (strikes_here, count) = (prng.below(10) < of_ten, prng.between(1, most));
            if strikes_here {
                strikes.insert(fault, count);
            }
        }
        if prng.below(12) == 0 {
            strikes.insert(Fault::UnsendableRow, 1);
        }
        draw_acts(&mut strikes, seed);
        draw_rebuilt(&mut strikes, seed);
        draw_keys(&mut strikes, seed);
        draw_epochs(&mut strikes, seed);
        // A file that the faults swallowed comes again after the longest interval between two attempts. Then it crosses,
        // which a status of the peer tells: each needs two looks of the gate and its worst delay.
        let crossing_ms = settings.gate_worst_ms + 3 * profile.scan_interval_ms;
        let round_ms = 2 * crossing_ms + settings.scan_ms + settings.observe_ms + settings.status_debounce_ms;
        // Operators look every heartbeat, and what they do takes effect within another.
        let operators_ms = 8 * settings.heartbeat_ms + 2 * round_ms;
        let liveness_ms = settings.resend_max_ms * 6 / 5 + 4 * round_ms + 4 * settings.heartbeat_ms + operators_ms;
        Self {
            seed,
            workload: Workload::Rows,
            mistake: None,
            streams: draw_streams(&mut prng),
            settings,
            profile,
            safety_ms,
            transactions: prng.between(5, 30),
            rows_max: prng.between(1, 12),
            big_per_mille: [0, 0, 30, 100][pick(&mut prng, 4)],
            keys: [3, 20, 1_000][pick(&mut prng, 3)],
            burst: [1, 1, 5, 20][pick(&mut prng, 4)],
            idle: prng.below(6) == 0,
            wall_start_ms: NEW_YEAR_MS - prng.below(2 * safety_ms),
            latency_ms: [0, 2, 20, 400][pick(&mut prng, 4)] / divisor,
            strikes,
            operators: true,
            liveness_ms,
            round_ms,
        }
    }

    /// The contract's text.
    #[must_use]
    pub fn contract(&self) -> String {
        self.contract_version(1)
    }

    /// The text of the next version: one stream's text column is wider, so its digest differs.
    #[must_use]
    pub fn next_contract(&self) -> String {
        self.contract_version(2)
    }

    fn contract_version(&self, version: u64) -> String {
        match self.workload {
            Workload::Rows => contract_text(&self.streams, version),
            Workload::Nodes => plan::contract_text(&self.streams, version),
        }
    }
}

fn pick(prng: &mut Prng, count: u64) -> usize {
    usize::try_from(prng.below(count)).expect("a small number")
}

fn percent(prng: &mut Prng, most: u32) -> Rate {
    let drawn = prng.below(u64::from(most) + 1);
    let per_million = u32::try_from(drawn).expect("at most 100") * 10_000;
    Rate::from_per_million(per_million).expect("at most 100 per cent")
}

/// A rate that is zero in about half of the worlds.
fn swarm(prng: &mut Prng, most: u32) -> Rate {
    let rate = percent(prng, most);
    if prng.below(2) == 0 { Rate::NEVER } else { rate }
}

fn draw_settings(prng: &mut Prng, divisor: u64) -> Settings {
    let shipped = Settings::default();
    let scaled = shipped.scaled(core::num::NonZeroU64::new(divisor).expect("a divisor is not zero"));
    Settings {
        window_batches: [1, 2, 4, 16, 64][pick(prng, 5)],
        hold_bytes: [20_000, 1 << 20, 1 << 30][pick(prng, 3)],
        group_bytes: [200_000, 1 << 20, 512 << 20][pick(prng, 3)],
        resend: if prng.below(6) == 0 {
            ResendPlan::Steps([1, 3, 5, 15, 30].map(|minutes| minutes * 60_000 / divisor).to_vec())
        } else {
            ResendPlan::Doubling
        },
        // Polling costs steps and shows nothing new, so most worlds look less often than is shipped.
        observe_ms: [200, 2_000, 10_000][pick(prng, 3)] / divisor,
        scan_ms: [1_000, 5_000, 20_000][pick(prng, 3)] / divisor,
        note_ms: [500, 10_000, 60_000][pick(prng, 3)] / divisor,
        status_debounce_ms: [500, 5_000, 20_000][pick(prng, 3)] / divisor,
        ..scaled
    }
}

/// In half of the worlds batches leave the archive while the world lasts.
fn draw_retention(settings: &mut Settings, seed: u64, divisor: u64) {
    let mut prng = Prng::fork(seed, &[0x7265_7461_696e]);
    if prng.below(2) == 0 {
        settings.retention_ms = [60_000, 180_000, 600_000][pick(&mut prng, 3)] / divisor;
    }
}

/// How often keys change, and are stolen and revoked.
fn draw_keys(strikes: &mut BTreeMap<Fault, u64>, seed: u64) {
    let mut prng = Prng::fork(seed, &[0x6b65_7973]);
    for (fault, most) in [(Fault::KeysChanged, 3), (Fault::KeyRevoked, 2)] {
        if prng.below(5) == 0 {
            strikes.insert(fault, prng.between(1, most));
        }
    }
}

/// What is not in a world in which operators begin other lives of streams: a zone that is put back to before one, or whose key
/// states what it did not, would need people who know more than these do, and a row that cannot be encoded would be captured with
/// every load.
const NO_EPOCHS: [Fault; 8] = [
    Fault::OwnerRestored,
    Fault::BothRestored,
    Fault::OwnerRebuilt,
    Fault::AnchorLost,
    Fault::TwoStatements,
    Fault::StolenKey,
    Fault::UnsendableRow,
    Fault::ContractSkew,
];

/// How often operators begin another life of a stream, and how often somebody else tries to.
fn draw_epochs(strikes: &mut BTreeMap<Fault, u64>, seed: u64) {
    let mut prng = Prng::fork(seed, &[0x6570_6f63_6873]);
    if prng.below(2) == 0 && !NO_EPOCHS.iter().any(|bar| strikes.contains_key(bar)) {
        strikes.insert(Fault::OperatorEpoch, prng.between(1, 3));
    }
    if prng.below(8) == 0 {
        strikes.insert(Fault::ForgedEpoch, prng.between(1, 3));
    }
}

/// How often the disk of an owner is lost.
fn draw_rebuilt(strikes: &mut BTreeMap<Fault, u64>, seed: u64) {
    let mut prng = Prng::fork(seed, &[0x7265_6275]);
    if prng.below(4) == 0 {
        strikes.insert(Fault::OwnerRebuilt, prng.between(1, 3));
    }
}

/// In some worlds operators act although nobody asked them to.
fn draw_acts(strikes: &mut BTreeMap<Fault, u64>, seed: u64) {
    let mut prng = Prng::fork(seed, &[0x6163_7473]);
    let kinds = [
        (Fault::OperatorHold, 6),
        (Fault::OperatorResend, 4),
        (Fault::OperatorReseal, 3),
        (Fault::OperatorSupersede, 3),
    ];
    for (fault, most) in kinds {
        if prng.below(4) == 0 {
            strikes.insert(fault, prng.between(1, most));
        }
    }
    // A row that cannot be encoded would be captured with every load; and a daemon whose contract is not the one of its triggers
    // does not start, but in these worlds it does.
    let bars = [Fault::UnsendableRow, Fault::ContractSkew];
    if prng.below(4) == 0 && !bars.iter().any(|bar| strikes.contains_key(bar)) {
        strikes.insert(Fault::OperatorLoad, prng.between(1, 3));
    }
}

fn draw_profile(prng: &mut Prng, divisor: u64, safety_ms: u64) -> Profile {
    let worst = [2_000, 60_000, 304_000][pick(prng, 3)] / divisor;
    let delay_min_ms = (57 / divisor).min(worst);
    let delay_mean_ms = delay_min_ms + (worst - delay_min_ms) / prng.between(3, 20);
    let slow_scan = prng.below(4) == 0;
    let outage_for_ms = prng.between(1, safety_ms / 2);
    let outage_from_ms = prng.between(0, safety_ms / 2);
    Profile {
        name: "drawn".to_owned(),
        scan_interval_ms: (if slow_scan { 60_000 } else { 1_000 } / divisor).max(1),
        stable_scans: prng.below(3),
        source: [Source::Remove, Source::Remove, Source::Rename, Source::Leave][pick(prng, 4)],
        order: [Order::ByDelay, Order::ByDelay, Order::Fifo, Order::Alphabetical][pick(prng, 4)],
        zones: [Zones::Two, Zones::Three][pick(prng, 2)],
        switch_ms: [0, 0, 5_000 / divisor][pick(prng, 3)],
        delay_min_ms,
        delay_mean_ms,
        delay_max_ms: worst,
        loss: swarm(prng, 40),
        duplicate: swarm(prng, 30),
        corrupt: swarm(prng, 20),
        truncate: swarm(prng, 20),
        half_visible: swarm(prng, 20),
        temporary_name: swarm(prng, 20),
        unfinished_ms: prng.between(1, 20_000) / divisor,
        hold: swarm(prng, 10),
        hold_min_ms: 60_000 / divisor,
        hold_max_ms: 600_000 / divisor,
        remove: swarm(prng, 10),
        extensions: if prng.below(12) == 0 { vec!["txt".to_owned()] } else { Vec::new() },
        // The smallest files have some 2 000 bytes: this blocks the larger batches, or the statuses too.
        max_file_bytes: if prng.below(5) == 0 { prng.between(2_000, 2_600) } else { 0 },
        remove_refused: prng.below(2) == 0,
        outage: [Outage::None, Outage::None, Outage::InnerToOuter, Outage::OuterToInner, Outage::Both][pick(prng, 5)],
        outage_from_ms,
        outage_for_ms,
        ..Profile::default()
    }
}

/// Acts of people for each transaction of a world of rows: most papers take several.
const ACTS: u64 = 6;
/// The most rows of an ordinary transaction of the nodes: a notice with its lines and an answer. Twenty times as many are the most of
/// any, and base data comes by twenty rows.
const NODES_ROWS_MIN: u64 = 5;

/// A stream of the nodes: who owns it and what it depends on is not drawn.
fn draw_stream(name: &'static str, prng: &mut Prng) -> StreamPlan {
    let plan = StreamPlan {
        name,
        inner_owns: true,
        depends: Vec::new(),
        priority: u8::try_from(prng.between(1, 9)).expect("a digit"),
        rows: prng.between(1, 20),
        plain_bytes: prng.between(4_096, 16_384),
        linger_ms: [0, 50, 1_000, 10_000][pick(prng, 4)],
        independent: prng.below(3) == 0,
    };
    // Papers wait for base data, which would fill the time of most worlds row by row.
    if name == "base" { StreamPlan { rows: 5 * plan.rows, plain_bytes: 8 * plan.plain_bytes, ..plan } } else { plan }
}

fn draw_streams(prng: &mut Prng) -> Vec<StreamPlan> {
    let mut streams = Vec::new();
    for (pool, inner_owns) in [(INNER, true), (OUTER, false)] {
        let count = prng.between(1, 3);
        let mut names: Vec<&str> = Vec::new();
        for (place, (name, may)) in pool.into_iter().enumerate() {
            let wanted = prng.below(2) == 0 || (place + 1 == pool.len() && names.is_empty());
            let depends: Vec<&'static str> = may.iter().copied().filter(|one| names.contains(one)).collect();
            let with_depends = prng.below(3) > 0;
            let plan = StreamPlan {
                name,
                inner_owns,
                depends: if with_depends { depends } else { Vec::new() },
                priority: u8::try_from(prng.between(1, 9)).expect("a digit"),
                rows: prng.between(1, 20),
                plain_bytes: prng.between(4_096, 16_384),
                linger_ms: [0, 50, 1_000, 10_000][pick(prng, 4)],
                independent: prng.below(3) == 0,
            };
            if wanted && (names.len() as u64) < count {
                names.push(name);
                streams.push(plan);
            }
        }
    }
    streams
}

fn contract_text(streams: &[StreamPlan], version: u64) -> String {
    let width = 40 + version;
    let mut text = format!("name = \"world\"\nversion = {version}\nzones = [\"inner\", \"outer\"]\n");
    for stream in streams {
        let (owner, to) = if stream.inner_owns { ("inner", "outer") } else { ("outer", "inner") };
        let depends: Vec<String> = stream.depends.iter().map(|name| format!("\"{name}\"")).collect();
        let StreamPlan { name, priority, rows, plain_bytes, linger_ms, .. } = stream;
        text.push_str(&format!(
            "\n[[stream]]\nname = \"{name}\"\nowner = \"{owner}\"\nto = \"{to}\"\npriority = {priority}\ndepends = [{}]\n\
             limits = {{ rows = {rows}, plain_bytes = {plain_bytes}, linger_ms = {linger_ms} }}\n",
            depends.join(", ")
        ));
        let tables = if stream.independent { vec![("row", false), ("note", true)] } else { vec![("row", false)] };
        for (table, independent) in tables {
            text.push_str(&format!(
                "\n[[stream.table]]\nname = \"{name}_{table}\"\nkey = [\"no\"]\nindependent = {independent}\ncolumns = [\n  \
                 {{ name = \"no\", type = \"integer\" }},\n  {{ name = \"word\", type = \"text\", max = {width} }},\n  \
                 {{ name = \"fen\", type = \"fen\", money = true }},\n  \
                 {{ name = \"secret\", type = \"text\", max = 60, sensitive = true }},\n  \
                 {{ name = \"day\", type = \"date8\" }},\n]\n"
            ));
        }
    }
    text
}

impl fmt::Display for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "seed {}, workload {}", self.seed, self.workload.name())?;
        for stream in &self.streams {
            writeln!(
                out,
                "stream {} owned by {}, priority {}, depends on [{}], {} rows, {} bytes, linger {} ms, independent {}",
                stream.name,
                if stream.inner_owns { "inner" } else { "outer" },
                stream.priority,
                stream.depends.join(", "),
                stream.rows,
                stream.plain_bytes,
                stream.linger_ms,
                stream.independent
            )?;
        }
        writeln!(
            out,
            "work {} transactions, rows to {}, big {} per mille, keys {}, bursts of {}, idle {}, latency to {} ms, wall clock {}",
            self.transactions,
            self.rows_max,
            self.big_per_mille,
            self.keys,
            self.burst,
            self.idle,
            self.latency_ms,
            self.wall_start_ms
        )?;
        writeln!(out, "safety {} ms, liveness at most {} ms", self.safety_ms, self.liveness_ms)?;
        writeln!(out, "settings {:?}", self.settings)?;
        writeln!(out, "gate {:?}", self.profile)?;
        let strikes: Vec<String> = self.strikes.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
        writeln!(out, "strikes {}", strikes.join(", "))
    }
}
