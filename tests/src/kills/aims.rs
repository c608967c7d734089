//! Where the daemons are to be killed: a kind of work, and a place in it.

use gap_sim::prng::Prng;

/// The kinds of work between a captured row and the sender's knowledge that it is applied.
pub const KINDS: [&str; 5] = ["sealing", "publishing", "taking", "applying", "acknowledging"];
/// Taking up the work after a start, which for most of them follows a kill.
pub const STARTING: &str = "starting";
/// Where a repeat would begin: the rows are committed, and nobody else knows it yet.
const COMMITTED: &str = "transaction committed";
/// Places passed before the one that counts: some six actions with all their steps, so that every step of every action comes
/// up and the daemon works between two kills.
const PASSED_MAX: u64 = 40;
/// Every start passes at least so many places.
const STARTING_MAX: u64 = 5;
/// Of so many aims at applying one is at the moment after a commit.
const COMMITTED_EVERY: usize = 3;
/// So many aims at each kind of work to one at a start.
const STARTING_EVERY: usize = 2;

/// Where one daemon is to be killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aim {
    /// The kind of work.
    pub kind: &'static str,
    /// The place of that kind, counted from the start of the daemon.
    pub nth: u64,
    /// The only place that counts; every place of the kind otherwise.
    pub place: Option<&'static str>,
}

impl Aim {
    /// Right after the first commit of an applied group.
    #[must_use]
    pub const fn after_commit() -> Self {
        Self { kind: "applying", nth: 1, place: Some(COMMITTED) }
    }

    /// The aim as the daemon reads it.
    #[must_use]
    pub fn text(&self) -> String {
        let place = self.place.map(|place| format!("\t{place}")).unwrap_or_default();
        format!("{}\t{}{place}", self.kind, self.nth)
    }
}

/// Draws aims at each kind of work, as many at each, and some more at starts, in any order.
#[must_use]
pub fn draw(seed: u64, of_each_kind: usize) -> Vec<Aim> {
    let mut prng = Prng::fork(seed, &[1]);
    let mut aims = Vec::new();
    for kind in KINDS {
        for number in 0..of_each_kind {
            aims.push(match kind == "applying" && number % COMMITTED_EVERY == 0 {
                true => Aim::after_commit(),
                false => Aim { kind, nth: prng.between(1, PASSED_MAX), place: None },
            });
        }
    }
    let starts = (0..of_each_kind.div_ceil(STARTING_EVERY)).map(|_| prng.between(1, STARTING_MAX));
    aims.extend(starts.map(|nth| Aim { kind: STARTING, nth, place: None }));
    prng.shuffle(&mut aims);
    aims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_aimed_at_and_the_same_seed_aims_alike() {
        let aims = draw(7, 40);
        for kind in KINDS {
            assert_eq!(aims.iter().filter(|aim| aim.kind == kind).count(), 40, "{kind}");
        }
        assert_eq!(aims.len(), 220);
        assert!(aims.contains(&Aim::after_commit()));
        assert!(aims == draw(7, 40) && aims != draw(8, 40));
    }

    #[test]
    fn an_aim_is_told_with_tabs() {
        assert_eq!(Aim::after_commit().text(), "applying\t1\ttransaction committed");
        assert_eq!(Aim { kind: "taking", nth: 3, place: None }.text(), "taking\t3");
    }
}
