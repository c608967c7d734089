//! What a run did and found, for people.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};
use std::path::PathBuf;

use super::aims::{KINDS, STARTING};
use super::count::Verdict;
use super::post::Stand;
use crate::demo::columns::{Columns, grouped};

/// Findings of one sort that are shown.
const SHOWN_MAX: usize = 5;

/// What a run did and found.
#[derive(Debug, Default)]
pub struct Report {
    /// What everything was drawn from.
    pub seed: u64,
    /// Where daemons stood when they were killed, and how often.
    pub stands: BTreeMap<Stand, u64>,
    /// For each kill of the gate the files in flight at its death.
    pub gate: Vec<usize>,
    /// Kills of the shipped daemon at drawn moments.
    pub unaimed: u64,
    /// Transactions of the zones' own programs.
    pub transactions: u64,
    /// Changes in outboxes, in batches, and in applied batches.
    pub captured: [u64; 3],
    /// What the test's own triggers counted.
    pub verdict: Verdict,
    /// Rows of all tables in the end.
    pub rows: u64,
    /// Tables that differ.
    pub unequal: Vec<&'static str>,
    /// Files that should not be there any more.
    pub leftovers: Vec<PathBuf>,
    /// What `ferry verify` said of both archives.
    pub verified: (Option<i32>, String),
    /// How long the run took; information only.
    pub seconds: u64,
}

impl Report {
    /// Counts a kill where a daemon stood.
    pub fn aimed(&mut self, stand: Stand) {
        *self.stands.entry(stand).or_insert(0) += 1;
    }

    /// Kills that fell into a kind of work.
    #[must_use]
    pub fn of_kind(&self, kind: &str) -> u64 {
        self.stands.iter().filter(|(stand, _)| stand.kind == kind).map(|(_, kills)| kills).sum()
    }

    /// Kills of the gate that met files in flight.
    #[must_use]
    pub fn gate_in_flight(&self) -> usize {
        self.gate.iter().filter(|files| **files > 0).count()
    }

    /// Fails unless nothing was lost, nothing repeated, and both zones and a third party agree.
    ///
    /// # Panics
    /// With the whole report, when it is not so.
    pub fn expect_exactly_once(&self) {
        assert!(self.verdict.is_good() && self.verdict.captured > 0, "a change was not counted exactly once\n{self}");
        assert!(self.captured.iter().all(|count| *count == self.verdict.captured), "the books count otherwise\n{self}");
        assert!(self.unequal.is_empty(), "the zones differ\n{self}");
        assert!(self.leftovers.is_empty(), "files are left behind\n{self}");
        assert_eq!(self.verified.0, Some(0), "the archives do not verify\n{self}");
    }
}

impl Display for Report {
    fn fmt(&self, to: &mut Formatter<'_>) -> Result {
        let mut kinds = Columns::new(&["killed while", "kills"]);
        for kind in KINDS.into_iter().chain([STARTING]) {
            kinds.add([kind.to_owned(), grouped(self.of_kind(kind))]);
        }
        kinds.add(["the gate, with files in flight".to_owned(), self.gate_in_flight().to_string()]);
        kinds.add(["the gate, empty".to_owned(), (self.gate.len() - self.gate_in_flight()).to_string()]);
        kinds.add(["the shipped daemon, unaimed".to_owned(), grouped(self.unaimed)]);
        let mut places = Columns::new(&["action", "after", "kills"]);
        for (stand, kills) in &self.stands {
            places.add([format!("{} {}", stand.kind, stand.action), stand.place.clone(), grouped(*kills)]);
        }
        let Verdict { captured, applied, .. } = self.verdict;
        writeln!(to, "seed {}, {} s\n\n{}\n{}", self.seed, self.seconds, kinds.text(), places.text())?;
        let (transactions, rows) = (grouped(self.transactions), grouped(self.rows));
        writeln!(to, "{} changes in {transactions} transactions, {rows} rows in the end", grouped(captured))?;
        let [outbox, sent, received] = self.captured.map(grouped);
        writeln!(
            to,
            "counted at the replicas {}; outboxes {outbox}, batches {sent}, applied {received}",
            grouped(applied)
        )?;
        let Verdict { lost, repeated, strange, disordered, .. } = &self.verdict;
        for (what, found) in [("lost", lost), ("repeated", repeated), ("strange", strange), ("disordered", disordered)]
        {
            writeln!(to, "{what}: {}", found.len())?;
            for one in found.iter().take(SHOWN_MAX) {
                writeln!(to, "  {one}")?;
            }
        }
        writeln!(to, "tables that differ: {:?}; files left behind: {:?}", self.unequal, self.leftovers)?;
        let said = self.verified.1.trim_end();
        let said = if self.verified.0 == Some(0) { said.lines().last().unwrap_or_default() } else { said };
        writeln!(to, "ferry verify: {:?}, {said}", self.verified.0)
    }
}
