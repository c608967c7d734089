//! What a run did and found, for people.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};

use super::Phase;
use crate::demo::columns::{Columns, grouped};
use crate::nodes::Process;

/// What a run did and found.
#[derive(Debug, Default)]
pub struct Report {
    /// What everything was drawn from.
    pub seed: u64,
    /// Kills by what was killed, and where the payment stood that was followed.
    pub kills: BTreeMap<(Process, Phase), u64>,
    /// Debts that were paid, some of them twice.
    pub debts: u64,
    /// Confirmations in the end.
    pub payments: usize,
    /// Messages of the channel that were lost.
    pub lost: usize,
    /// Sums in fen: paid, confirmed outside, confirmed inside, booked.
    pub sums_fen: [u64; 4],
    /// How long the run took; information only.
    pub seconds: u64,
}

impl Report {
    /// Counts a kill.
    pub fn killed(&mut self, process: Process, phase: Phase) {
        *self.kills.entry((process, phase)).or_default() += 1;
    }

    /// Kills of a process.
    #[must_use]
    pub fn of_process(&self, process: Process) -> u64 {
        self.kills.iter().filter(|((of, _), _)| *of == process).map(|(_, kills)| kills).sum()
    }

    /// Kills while the payment that was followed stood in a phase.
    #[must_use]
    pub fn of_phase(&self, phase: Phase) -> u64 {
        self.kills.iter().filter(|((_, of), _)| *of == phase).map(|(_, kills)| kills).sum()
    }

    fn of(&self, process: Process, phase: Phase) -> u64 {
        self.kills.get(&(process, phase)).copied().unwrap_or(0)
    }
}

impl Display for Report {
    fn fmt(&self, to: &mut Formatter<'_>) -> Result {
        let [first, second, third, fourth] = Process::ALL.map(Process::title);
        let mut columns = Columns::new(&["killed when", first, second, third, fourth, "all"]);
        for phase in Phase::ALL {
            let [first, second, third, fourth] = Process::ALL.map(|process| grouped(self.of(process, phase)));
            columns.add([phase.title().to_owned(), first, second, third, fourth, grouped(self.of_phase(phase))]);
        }
        let [first, second, third, fourth] = Process::ALL.map(|process| grouped(self.of_process(process)));
        let all: u64 = self.kills.values().sum();
        columns.add(["at any time".to_owned(), first, second, third, fourth, grouped(all)]);
        writeln!(to, "seed {}, {} s\n\n{}", self.seed, self.seconds, columns.text())?;
        let [paid, outside, inside, booked] = self.sums_fen.map(grouped);
        writeln!(to, "{} debts, {} payments, {} messages lost", self.debts, self.payments, self.lost)?;
        writeln!(to, "in fen: paid {paid}, confirmed outside {outside}, confirmed inside {inside}, booked {booked}")
    }
}
