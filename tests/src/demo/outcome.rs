//! The result of a run, as a program reads it.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::account::{Changes, NodesOutcome};
use super::books::{Books, STREAMS};
use super::compare::{Comparison, Content};
use super::failure::Failure;
use super::watch::Reached;

/// The version of the document; a field that changes its meaning raises it.
const VERSION: u32 = 1;

/// The result of a run.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The version of this document.
    pub version: u32,
    /// Whether every table is equal in both zones, everything written was captured, and both account for the same money.
    pub equal: bool,
    /// What was asked.
    #[serde(flatten)]
    pub asked: Asked,
    /// Rows inserted, updated and deleted by the zones' own programs, as the nodes' answers and the tables tell.
    pub changes: u64,
    /// Updates and deletes among them.
    pub updates_and_deletes: u64,
    /// Changes that were captured and cut into batches; equal to `changes`.
    pub captured: u64,
    /// From the first change that was seen until every change was applied.
    pub ferried_ms: u64,
    /// `changes` by `ferried_ms`.
    pub rows_per_second: u64,
    /// What the nodes did.
    pub nodes: NodesOutcome,
    /// Every table of the contract.
    pub tables: Vec<TableOutcome>,
    /// Every stream of the contract.
    pub streams: Vec<StreamOutcome>,
    /// What the gate did, from the inner zone to the outer.
    pub inner_to_outer: WayOutcome,
    /// What the gate did, from the outer zone to the inner.
    pub outer_to_inner: WayOutcome,
    /// What the inner zone did.
    pub inner: ZoneOutcome,
    /// What the outer zone did.
    pub outer: ZoneOutcome,
    /// Commands to look around with.
    pub commands: Vec<String>,
}

/// What was asked.
#[derive(Debug, Clone, Serialize)]
pub struct Asked {
    /// The seed.
    pub seed: u64,
    /// The size.
    pub size: &'static str,
    /// The gate's profile.
    pub profile: String,
    /// What divided the gate's delays and the protocol's timers.
    pub time_scale: u32,
}

/// One table.
#[derive(Debug, Serialize)]
pub struct TableOutcome {
    /// Its name.
    pub table: &'static str,
    /// Whether both zones have the same rows.
    pub equal: bool,
    /// What the inner zone has.
    #[serde(serialize_with = "content")]
    pub inner: Content,
    /// What the outer zone has.
    #[serde(serialize_with = "content")]
    pub outer: Content,
}

/// One stream.
#[derive(Debug, Serialize)]
pub struct StreamOutcome {
    /// Its name.
    pub stream: &'static str,
    /// The owner.
    pub from: &'static str,
    /// Changes captured.
    pub changes: u64,
    /// Batches.
    pub batches: u64,
    /// From the cut of a batch to the commit at its receiver: the middle one.
    pub lag_median_ms: u64,
    /// The same: the longest.
    pub lag_max_ms: u64,
}

/// What the gate did one way. Status files count like batches.
#[derive(Debug, Default, Serialize)]
pub struct WayOutcome {
    /// Files picked up.
    pub files: u64,
    /// Files that vanished.
    pub lost: u64,
    /// Files delivered twice.
    pub doubled: u64,
    /// Copies with a flipped bit.
    pub corrupted: u64,
    /// Copies cut short.
    pub truncated: u64,
    /// Files that arrived after one that was picked up later.
    pub reordered: u64,
}

/// What one zone did.
#[derive(Debug, Default, Serialize)]
pub struct ZoneOutcome {
    /// Publications of a batch beyond its first.
    pub resent: u64,
    /// Files taken from the gate and put into quarantine: damaged, not to be verified, or refused.
    pub quarantined: u64,
    /// Files taken from the gate that were there already.
    pub duplicates: u64,
}

impl Outcome {
    /// Puts the result together from the databases and the gate's report.
    ///
    /// # Errors
    /// When the books cannot be read.
    pub fn of(
        asked: Asked,
        (nodes, changes): (NodesOutcome, Changes),
        (reached, tables): (&Reached, &[Comparison]),
        books: &mut Books,
        gate: &Value,
        commands: Vec<String>,
    ) -> Result<Self, Failure> {
        let captured = reached.places.iter().map(|place| place.cut).sum();
        let ferried_ms = reached.applied_ms.saturating_sub(reached.first_ms).max(1);
        let [inner, outer] = zones(books)?;
        Ok(Self {
            version: VERSION,
            equal: captured == changes.all && nodes.equal && tables.iter().all(Comparison::is_equal),
            asked,
            changes: changes.all,
            updates_and_deletes: changes.later,
            captured,
            ferried_ms,
            rows_per_second: changes.all.saturating_mul(1_000) / ferried_ms,
            nodes,
            tables: tables.iter().map(TableOutcome::of).collect(),
            streams: streams(books, reached)?,
            inner_to_outer: way(&gate["inner_to_outer"]),
            outer_to_inner: way(&gate["outer_to_inner"]),
            inner,
            outer,
            commands,
        })
    }
}

impl TableOutcome {
    fn of(comparison: &Comparison) -> Self {
        let Comparison { shape, inner, outer } = *comparison;
        Self { table: shape.table, equal: comparison.is_equal(), inner, outer }
    }
}

fn content<S: Serializer>(content: &Content, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Told {
        rows: u64,
        sm3: String,
    }
    Told { rows: content.rows, sm3: content.sm3.to_string() }.serialize(serializer)
}

fn streams(books: &mut Books, reached: &Reached) -> Result<Vec<StreamOutcome>, Failure> {
    let told = STREAMS.into_iter().zip(&reached.places).map(|(stream, place)| {
        let mut lags = books.lags_ms(stream)?;
        lags.sort_unstable();
        Ok(StreamOutcome {
            stream: stream.name,
            from: if stream.from_inner { "inner" } else { "outer" },
            changes: place.cut,
            batches: place.batches,
            lag_median_ms: lags.get(lags.len() / 2).copied().unwrap_or(0),
            lag_max_ms: lags.last().copied().unwrap_or(0),
        })
    });
    told.collect()
}

fn way(report: &Value) -> WayOutcome {
    let count = |name: &str| report[name].as_u64().unwrap_or(0);
    WayOutcome {
        files: count("picked_up"),
        lost: count("lost"),
        doubled: count("doubled"),
        corrupted: count("corrupted"),
        truncated: count("truncated"),
        reordered: count("reordered"),
    }
}

fn zones(books: &mut Books) -> Result<[ZoneOutcome; 2], Failure> {
    let resent = books.resent()?;
    let duplicates = books.counter("gate_duplicate")?;
    let mut quarantined = [0; 2];
    for name in ["gate_damaged", "gate_unverified", "gate_refused"] {
        let counted = books.counter(name)?;
        quarantined = [quarantined[0] + counted[0], quarantined[1] + counted[1]];
    }
    Ok([0, 1].map(|zone| ZoneOutcome {
        resent: resent[zone],
        quarantined: quarantined[zone],
        duplicates: duplicates[zone],
    }))
}
