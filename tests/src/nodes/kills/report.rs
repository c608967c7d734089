//! What a run did and found, for people.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter, Result};

use super::{EVERYWHERE, Kind, Phase};
use crate::demo::columns::{Columns, grouped};
use crate::nodes::Process;

/// What a run did and found.
#[derive(Debug, Default)]
pub struct Report {
    /// What everything was drawn from.
    pub seed: u64,
    /// Kills that were asked for.
    pub asked: usize,
    /// Kills by what was killed, where the payment stood that was followed, and what kind it was.
    pub kills: BTreeMap<(Process, Phase, Kind), u64>,
    /// Debts that were paid, some of them twice.
    pub debts: u64,
    /// Confirmations in the end.
    pub payments: usize,
    /// Payments that two people confirmed on evidence.
    pub by_two: usize,
    /// Messages of the channel that were lost.
    pub lost: usize,
    /// Sums in fen: paid, confirmed outside, confirmed inside, booked.
    pub sums_fen: [u64; 4],
    /// How long the run took; information only.
    pub seconds: u64,
}

impl Report {
    /// Counts a kill.
    pub fn killed(&mut self, process: Process, phase: Phase, kind: Kind) {
        *self.kills.entry((process, phase, kind)).or_default() += 1;
    }

    /// Kills that something holds for.
    #[must_use]
    pub fn count(&self, holds: impl Fn(Process, Phase, Kind) -> bool) -> u64 {
        self.kills
            .iter()
            .filter(|((process, phase, kind), _)| holds(*process, *phase, *kind))
            .map(|(_, kills)| kills)
            .sum()
    }

    /// Kills between the result and the booking.
    #[must_use]
    pub fn between(&self) -> usize {
        usize::try_from(self.count(|_, phase, _| phase < Phase::Booked)).expect("a number of kills is a usize")
    }

    /// A place between the result and the booking that has had no kill, where so many are asked for that each must have one.
    #[must_use]
    pub fn missed(&self) -> Option<Phase> {
        let is_missed = |phase: &Phase| self.count(|_, at, _| at == *phase) == 0;
        Phase::BETWEEN.into_iter().find(is_missed).filter(|_| self.asked >= EVERYWHERE)
    }
}

impl Display for Report {
    fn fmt(&self, to: &mut Formatter<'_>) -> Result {
        let [first, second, third, fourth] = Process::ALL.map(Process::title);
        let mut columns = Columns::new(&["killed when", first, second, third, fourth, "all"]);
        for phase in Phase::ALL {
            let [first, second, third, fourth] =
                Process::ALL.map(|process| grouped(self.count(|of, at, _| (of, at) == (process, phase))));
            columns.add([
                phase.title().to_owned(),
                first,
                second,
                third,
                fourth,
                grouped(self.count(|_, at, _| at == phase)),
            ]);
        }
        let [first, second, third, fourth] = Process::ALL.map(|process| grouped(self.count(|of, _, _| of == process)));
        let all = self.count(|_, _, _| true);
        columns.add(["at any time".to_owned(), first, second, third, fourth, grouped(all)]);
        writeln!(to, "seed {}, {} s\n\n{}", self.seed, self.seconds, columns.text())?;
        writeln!(
            to,
            "{} kills asked for between the result and the booking, {} there, {all} in all",
            self.asked,
            self.between()
        )?;
        for of in Kind::ALL {
            let all = self.count(|_, _, kind| kind == of);
            let between = self.count(|_, phase, kind| kind == of && phase < Phase::Booked);
            writeln!(to, "{}: {between} there, {all} in all", of.title())?;
        }
        let [paid, outside, inside, booked] = self.sums_fen.map(grouped);
        writeln!(
            to,
            "{} debts, {} payments, {} of them by two people, {} messages lost",
            self.debts, self.payments, self.by_two, self.lost
        )?;
        writeln!(to, "in fen: paid {paid}, confirmed outside {outside}, confirmed inside {inside}, booked {booked}")
    }
}
