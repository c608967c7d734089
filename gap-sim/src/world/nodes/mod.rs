//! The two nodes as workload: programs in both zones that do with the contract's tables and rules what the nodes do.
//!
//! They know what their own database holds, and nothing else: rows of their zone, the replica, and books that do not cross
//! ([`books`]). So whatever a world does to files, daemons and databases acts on them as on the real ones. Around them stand payers,
//! channels, banks and the police, who forget nothing ([`people`]); after a restore a node hears from them again.

pub mod books;
pub mod counts;
pub mod desk;
mod inner;
mod live;
pub mod mistake;
mod outer;
pub mod people;
pub(super) mod plan;
mod pool;
pub(super) mod trouble;

use std::collections::BTreeSet;

use super::host::ZoneId;
use super::options::Options;
use crate::prng::Prng;
use mistake::Mistake;
use people::People;
use pool::POOL;

/// The most papers whose base data a world begins with: each brings some fifty rows.
const PAPERS_MAX: u64 = 3;

/// Something that a node or somebody around it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The base data is entered.
    Import,
    /// Somebody does something.
    Act,
    /// A node looks what is to be done.
    Round(ZoneId),
    /// A channel says what became of an order: the place of the payment.
    Tell(usize),
    /// A bank or the police report a payment: the place of the report.
    Report(usize),
}

/// The nodes of a world, and what stands around them.
#[derive(Debug)]
pub struct Nodes {
    /// Payers, channels, banks and the police.
    pub people: People,
    /// A mistake that both nodes make wherever they can.
    pub mistake: Option<Mistake>,
    /// Whether the database of each zone was ever put back.
    pub was_put_back: [bool; 2],
    /// How often any was.
    pub put_back: u64,
    prng: Prng,
    /// The papers of the pool that it draws from.
    papers: BTreeSet<u64>,
    /// A node will look.
    planned: [bool; 2],
    /// How often had been committed when each node looked.
    seen: [u64; 2],
    /// Tasks in one transaction.
    at_once: usize,
    /// Of a thousand transactions so many are the last before the node is killed.
    kills_per_mille: u64,
    /// What a mistaken ledger does once more.
    again: Option<inner::Task>,
}

impl Nodes {
    /// The nodes of a world.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let mut prng = Prng::fork(options.seed, &[0x006e_6f64_6573]);
        let count = prng.between(1, PAPERS_MAX);
        let first = prng.below(POOL - PAPERS_MAX);
        Self {
            people: People::default(),
            mistake: options.mistake,
            was_put_back: [false; 2],
            put_back: 0,
            papers: (first..first + count).collect(),
            planned: [false; 2],
            seen: [0; 2],
            at_once: [1, 3, 200][usize::try_from(prng.below(3)).expect("one of three")],
            kills_per_mille: [0, 50, 200][usize::try_from(prng.below(3)).expect("one of three")],
            again: None,
            prng,
        }
    }
}
