//! What the zones' own programs write while they are killed: inserts, updates and deletes of the same keys, again and again.
//!
//! A paper is a region, a notice with its lines or a confirmation with its lines; it is changed whole, in one transaction with
//! some others. It is changed again only when the outbox shows that the change before is in a batch, so no batch holds two
//! changes of a key.

use contract::generate::{Confirmation, Notice};
use contract::rows::{BaseRegion, PayConfirm, PayConfirmItem, PayNotice, PayNoticeItem};
use contract::{Change, Generator, Op, Size};
use gap_sim::prng::Prng;

/// Papers of each stream: enough that some are free while others wait to be cut, few enough that each is changed often.
const PAPERS: usize = 40;
/// Papers changed in one transaction.
const TOGETHER_MAX: usize = 4;
/// `quantity`, which carries the number of a line's image, is no greater than this.
const NUMBER_MAX: i64 = 1_000_000;

/// What is written as one.
#[derive(Debug, Clone)]
enum Content {
    Region(Box<BaseRegion>),
    Notice(Box<Notice>),
    Confirmation(Box<Confirmation>),
}

/// One paper.
#[derive(Debug, Clone)]
struct Paper {
    content: Content,
    is_there: bool,
    /// The outbox row of its last change: it is free when a batch holds that row.
    changed_at: u64,
}

/// The papers of one stream.
#[derive(Debug)]
pub struct Papers {
    /// The stream.
    pub stream: &'static str,
    papers: Vec<Paper>,
    chosen: Vec<usize>,
}

/// Numbers the images of a zone.
#[derive(Debug, Default)]
pub struct Numbers(i64);

impl Numbers {
    fn next(&mut self) -> i64 {
        self.0 += 1;
        assert!(self.0 <= NUMBER_MAX, "a run has more images than a column has numbers");
        self.0
    }
}

/// The papers that each zone owns: those of the inner one, and those of the outer.
#[must_use]
pub fn of_both_zones(seed: u64) -> [Vec<Papers>; 2] {
    let generator = Generator::new(seed, Size::S);
    let serials = 0..u64::try_from(PAPERS).expect("a length fits into 64 bits");
    // Without the one above it each region stands alone and may come and go.
    let alone = |region: BaseRegion| Content::Region(Box::new(BaseRegion { parent_id: None, ..region }));
    let regions = generator.regions().take(PAPERS).map(alone);
    let notices = generator.notices(serials.clone()).map(|one| Content::Notice(Box::new(one)));
    let confirmations = generator.confirmations(serials).map(|one| Content::Confirmation(Box::new(one)));
    [vec![Papers::new("base", regions), Papers::new("notice", notices)], vec![Papers::new("confirm", confirmations)]]
}

impl Papers {
    fn new(stream: &'static str, contents: impl Iterator<Item = Content>) -> Self {
        let papers = contents.map(|content| Paper { content, is_there: false, changed_at: 0 }).collect();
        Self { stream, papers, chosen: Vec::new() }
    }

    /// Draws a transaction out of the papers that are free, now that batches hold every outbox row up to `cut`; empty when none
    /// is. The first paper is written, not removed: what only removes rows leaves no second trace when it is repeated.
    pub fn draw(&mut self, prng: &mut Prng, cut: u64, numbers: &mut Numbers) -> Vec<Change> {
        let mut free: Vec<usize> = (0..self.papers.len()).filter(|at| self.papers[*at].changed_at <= cut).collect();
        prng.shuffle(&mut free);
        free.truncate(1 + below(prng, TOGETHER_MAX));
        let mut changes = Vec::new();
        for (place, at) in free.iter().enumerate() {
            let paper = &mut self.papers[*at];
            let op = match (paper.is_there, place > 0 && below(prng, 2) == 0) {
                (false, _) => Op::Insert,
                (true, false) => Op::Update,
                (true, true) => Op::Delete,
            };
            paper.is_there = op != Op::Delete;
            changes.extend(paper.content.changes(op, numbers));
        }
        self.chosen = free;
        changes
    }

    /// The transaction that was drawn last is committed; its last row in the outbox is `changed_at`.
    pub fn committed(&mut self, changed_at: u64) {
        for at in self.chosen.drain(..) {
            self.papers[at].changed_at = changed_at;
        }
    }
}

impl Content {
    /// The changes of all its rows, lines after what they belong to, and before it when they are removed.
    fn changes(&self, op: Op, numbers: &mut Numbers) -> Vec<Change> {
        let mut changes = match self {
            Self::Region(region) => {
                vec![change(op, &BaseRegion { ele_name: numbers.next().to_string(), ..(**region).clone() })]
            }
            Self::Notice(notice) => {
                let head = PayNotice { biz_ref: Some(numbers.next().to_string()), ..notice.notice.clone() };
                let line =
                    |line: &PayNoticeItem| change(op, &PayNoticeItem { quantity: numbers.next(), ..line.clone() });
                let lines: Vec<Change> = notice.items.iter().map(line).collect();
                std::iter::once(change(op, &head)).chain(lines).collect()
            }
            Self::Confirmation(paid) => {
                let head = PayConfirm { platform_order_no: numbers.next().to_string(), ..paid.confirm.clone() };
                let line =
                    |line: &PayConfirmItem| change(op, &PayConfirmItem { quantity: numbers.next(), ..line.clone() });
                let lines: Vec<Change> = paid.items.iter().map(line).collect();
                std::iter::once(change(op, &head)).chain(lines).collect()
            }
        };
        if op == Op::Delete {
            changes.reverse();
        }
        changes
    }
}

fn change<R: contract::rows::Row>(op: Op, row: &R) -> Change {
    match op {
        Op::Insert => Change::insert(row),
        Op::Update => Change::update(row),
        Op::Delete => Change::delete(row),
    }
}

fn below(prng: &mut Prng, limit: usize) -> usize {
    let limit = u64::try_from(limit).expect("a length fits into 64 bits");
    usize::try_from(prng.below(limit)).expect("a number below a length is a usize")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_key_is_changed_again_before_it_is_cut() {
        let [_, mut outer] = of_both_zones(3);
        let (papers, mut prng, mut numbers) = (&mut outer[0], Prng::new(5), Numbers::default());
        let mut keys = BTreeSet::new();
        let mut id = 0;
        loop {
            let changes = papers.draw(&mut prng, 0, &mut numbers);
            if changes.is_empty() {
                break;
            }
            for change in changes {
                id += 1;
                let key: Vec<_> = change.shape.key_positions().map(|at| change.cells[at].clone()).collect();
                assert!(keys.insert(format!("{} {key:?}", change.shape.table)));
            }
            papers.committed(id);
        }
        assert!(papers.papers.iter().all(|paper| paper.changed_at > 0), "every paper was changed");
        let changes = papers.draw(&mut prng, id, &mut numbers);
        assert!(changes.first().is_some_and(|change| change.op == Op::Update), "what is cut is free again");
    }

    #[test]
    fn papers_come_change_and_go() {
        let [inner, outer] = of_both_zones(3);
        let mut prng = Prng::new(5);
        for mut papers in inner.into_iter().chain(outer) {
            let mut numbers = Numbers::default();
            let mut seen = BTreeSet::new();
            for id in 1..200 {
                seen.extend(papers.draw(&mut prng, id, &mut numbers).iter().map(|change| change.op));
                papers.committed(id);
            }
            assert_eq!(seen.len(), 3, "{}", papers.stream);
        }
    }
}
