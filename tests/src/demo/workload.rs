//! What each zone's own programs write, transaction by transaction; the same for the same seed.

use contract::rows::{BaseAgencyItem, BaseRegion, Row};
use contract::{Change, Generator, Size as Base};
use std::ops::Range;

use super::options::Size;

/// Rows of base data in one transaction.
const BASE_ROWS: usize = 1_000;
/// Notices, or confirmations, in one transaction; with their lines these are some five hundred rows.
const PAPERS: u64 = 200;
/// One request for a notice comes to so many confirmations, and one payment at a counter to so many notices.
const REQUEST_EVERY: u64 = 10;
const OFFLINE_EVERY: u64 = 20;
/// Changes of base data and of papers come in transactions of at most so many rows.
const CHANGES: usize = 250;
/// The smallest size has the divisions of this province (GB/T 2260): the one that its agencies lie in.
const XS_PROVINCE: &str = "35";
/// The smallest size has so many agency items.
const XS_AGENCY_ITEMS: u64 = 2_000;

/// The rows of one run.
#[derive(Debug)]
pub struct Workload {
    generator: Generator,
    size: Size,
    notices: u64,
    confirmations: u64,
}

/// What a transaction writes.
pub type Transaction = Vec<Change>;

impl Workload {
    /// The rows that `seed` stands for.
    #[must_use]
    pub fn new(seed: u64, size: Size, notices: u64, confirmations: u64) -> Self {
        let base = match size {
            Size::Xs | Size::S => Base::S,
            Size::M => Base::M,
            Size::L => Base::L,
        };
        Self { generator: Generator::new(seed, base), size, notices, confirmations }
    }

    /// Rows of base data before any is changed.
    #[must_use]
    pub fn base_rows(&self) -> u64 {
        let counts = self.generator.counts();
        match self.size {
            Size::S | Size::M | Size::L => counts.total(),
            Size::Xs => {
                let regions = self.generator.regions().filter(|region| region.ele_code.starts_with(XS_PROVINCE));
                let regions = u64::try_from(regions.count()).expect("there are 44 703 regions");
                counts.total() - counts.regions - counts.agency_items + regions + self.agency_items()
            }
        }
    }

    /// What the inner zone writes: all base data, then notices, answers and results, and between them changes.
    pub fn inner(&self) -> impl Iterator<Item = Transaction> {
        self.base().chain((0..self.rounds(self.notices)).flat_map(|round| self.inner_round(round)))
    }

    /// What the outer zone writes: confirmations and requests with their lines, and between them changes.
    pub fn outer(&self) -> impl Iterator<Item = Transaction> {
        (0..self.rounds(self.confirmations)).flat_map(|round| {
            let serials = serials(round, self.confirmations);
            let written = self.generator.confirmations(serials);
            let written = written.flat_map(|paid| with_lines(&paid.confirm, &paid.items));
            let rounds = self.rounds(self.confirmations);
            let changed = self.generator.confirm_changes(earlier(round, self.confirmations, rounds));
            let asked = share(round, rounds, self.requests()).flat_map(|serial| {
                let asked = self.generator.notice_request(serial);
                with_lines(&asked.request, &asked.items)
            });
            transactions([written.collect(), changed.collect(), asked.collect()])
        })
    }

    fn base(&self) -> impl Iterator<Item = Transaction> {
        let all = self.size != Size::Xs;
        let [region, agency_item] = [BaseRegion::SHAPE, BaseAgencyItem::SHAPE];
        let code = region.columns.iter().position(|column| *column == "ele_code").expect("regions have codes");
        let in_province = move |change: &Change| {
            change.shape != region || change.cells[code].text().is_some_and(|code| code.starts_with(XS_PROVINCE))
        };
        let (mut items, most) = (0, self.agency_items());
        let is_within = move |change: &Change| {
            items += u64::from(change.shape == agency_item);
            change.shape != agency_item || items <= most
        };
        chunks(self.generator.base().filter(move |change| all || in_province(change)).filter(is_within), BASE_ROWS)
    }

    fn agency_items(&self) -> u64 {
        match self.size {
            Size::Xs => XS_AGENCY_ITEMS,
            Size::S | Size::M | Size::L => self.generator.counts().agency_items,
        }
    }

    /// Every size has at least one round, and one after the last papers, in which those are changed.
    const fn rounds(&self, papers: u64) -> u64 {
        papers.div_ceil(PAPERS) + 1
    }

    fn inner_round(&self, round: u64) -> Vec<Transaction> {
        let rounds = self.rounds(self.notices);
        let written = self.generator.notices(serials(round, self.notices));
        let written = written.flat_map(|order| with_lines(&order.notice, &order.items));
        let offline = serials(round, self.notices).filter(|serial| serial.is_multiple_of(OFFLINE_EVERY));
        let offline = offline.map(|serial| Change::insert(&self.generator.offline_payment(serial)));
        let answers = share(round, rounds, self.requests()).flat_map(|serial| {
            let (order, answer) = self.generator.request_answer(serial);
            let order = order.map(|order| with_lines(&order.notice, &order.items)).unwrap_or_default();
            order.into_iter().chain([Change::insert(&answer)])
        });
        let results = share(round, rounds, self.confirmations);
        let results = results.map(|serial| Change::insert(&self.generator.confirm_result(serial)));
        let changed = self.generator.notice_changes(earlier(round, self.notices, rounds));
        let agencies = self.generator.agency_changes(share(round, rounds, self.generator.counts().agencies));
        let items = self.generator.agency_item_changes(share(round, rounds, self.agency_items()));
        let papers = [written.collect(), changed.collect(), offline.chain(answers).collect(), results.collect()];
        let [written, changed, answers, results] = papers;
        transactions([written, changed, answers, results, agencies.collect(), items.collect()])
    }

    /// Requests for notices.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.confirmations / REQUEST_EVERY
    }
}

/// The changes that add a paper and its lines.
fn with_lines<H: Row, L: Row>(paper: &H, lines: &[L]) -> Vec<Change> {
    [Change::insert(paper)].into_iter().chain(lines.iter().map(Change::insert)).collect()
}

/// The serial numbers of the papers that are written in a round.
fn serials(round: u64, papers: u64) -> Range<u64> {
    (round * PAPERS).min(papers)..((round + 1) * PAPERS).min(papers)
}

/// The serial numbers of the papers that are changed in a round: those of the round before.
fn earlier(round: u64, papers: u64, rounds: u64) -> Range<u64> {
    debug_assert!(round < rounds, "there is no round {round}");
    round.checked_sub(1).map_or(0..0, |round| serials(round, papers))
}

/// The part of `rows` that falls to a round.
const fn share(round: u64, rounds: u64, rows: u64) -> Range<u64> {
    round * rows / rounds..(round + 1) * rows / rounds
}

/// Papers are written in one transaction, which is the first; changes come in smaller ones.
fn transactions<const N: usize>(parts: [Vec<Change>; N]) -> Vec<Transaction> {
    let mut parts = parts.into_iter();
    let mut found: Vec<Transaction> = parts.next().into_iter().filter(|written| !written.is_empty()).collect();
    found.extend(parts.flat_map(|changes| changes.chunks(CHANGES).map(<[Change]>::to_vec).collect::<Vec<_>>()));
    found
}

/// Consecutive chunks of at most `rows`.
fn chunks(mut changes: impl Iterator<Item = Change>, rows: usize) -> impl Iterator<Item = Transaction> {
    std::iter::from_fn(move || {
        let chunk: Transaction = changes.by_ref().take(rows).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use contract::Op;

    use super::*;

    #[test]
    fn every_paper_is_written_and_changed_in_its_turn() {
        let ranges: Vec<_> = (0..4).map(|round| serials(round, 450)).collect();
        assert_eq!(ranges, [0..200, 200..400, 400..450, 450..450]);
        let changed: Vec<_> = (0..4).map(|round| earlier(round, 450, 4)).collect();
        assert_eq!(changed, [0..0, 0..200, 200..400, 400..450]);
        assert_eq!((0..3).map(|round| share(round, 3, 10)).collect::<Vec<_>>(), [0..3, 3..6, 6..10]);
    }

    #[test]
    fn updates_and_deletes_of_every_stream_are_among_the_rows() {
        let workload = Workload::new(7, Size::Xs, 300, 300);
        let mut seen = BTreeSet::new();
        for change in workload.inner().chain(workload.outer()).flatten() {
            seen.insert((change.shape.table, change.op));
        }
        for table in ["base_agency_item", "pay_notice", "pay_confirm"] {
            for op in [Op::Insert, Op::Update, Op::Delete] {
                assert!(seen.contains(&(table, op)), "{table} {op:?}");
            }
        }
        let tables: BTreeSet<_> = seen.iter().map(|(table, _)| *table).collect();
        assert!(contract::rows::shapes().all(|shape| tables.contains(shape.table)), "{tables:?}");
        let base = workload.base().flatten().count();
        assert_eq!(u64::try_from(base), Ok(workload.base_rows()));
    }
}
