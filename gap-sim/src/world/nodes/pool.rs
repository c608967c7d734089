//! Rows of the contract's generator that the nodes of a world begin with: some notices and requests, and the base data that they
//! refer to, of each kind at least one row.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use contract::generate::{Change, Notice, Request};
use contract::rows::BASE_KINDS;
use contract::{Cell, Generator, Size};

/// Papers of each kind that worlds draw from: enough that two worlds seldom have the same.
pub(super) const POOL: u64 = 16;
/// Rows of a kind that join a paper because both rows that they relate are there: a world takes few rows of a kind.
const RELATIONS_MAX: usize = 1;

/// What worlds draw from.
#[derive(Debug)]
pub(super) struct Pool {
    pub notices: Vec<Notice>,
    pub requests: Vec<Request>,
    /// Base data, what is referred to before what refers to it.
    rows: Vec<Change>,
    /// By row, the papers that need it.
    needed: Vec<BTreeSet<u64>>,
}

impl Pool {
    /// The base data of papers.
    pub fn base(&self, papers: &BTreeSet<u64>) -> impl Iterator<Item = &Change> {
        let needed = self.needed.iter().map(|by| !by.is_disjoint(papers));
        self.rows.iter().zip(needed).filter(|(_, needed)| *needed).map(|(row, _)| row)
    }
}

/// The pool, made once.
pub(super) fn pool() -> &'static Pool {
    static POOLED: OnceLock<Pool> = OnceLock::new();
    POOLED.get_or_init(make)
}

fn make() -> Pool {
    let generator = Generator::new(1, Size::S);
    let notices: Vec<Notice> = generator.notices(0..POOL).collect();
    let requests: Vec<Request> = (0..POOL).map(|serial| generator.notice_request(serial)).collect();
    let base: Vec<Change> = generator.base().collect();
    let codes: BTreeSet<String> =
        requests.iter().flat_map(|asked| &asked.items).map(|item| item.item_code.clone()).collect();
    let ids: BTreeMap<&str, usize> = base.iter().enumerate().filter_map(|(at, row)| Some((id(row)?, at))).collect();
    let is_asked = |row: &&Change| {
        row.shape.table == "base_income_item" && text(row, "ele_code").is_some_and(|code| codes.contains(code))
    };
    let by_code: BTreeMap<&str, &str> =
        base.iter().filter(is_asked).filter_map(|row| Some((text(row, "ele_code")?, id(row)?))).collect();
    let mut needed: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
    for paper in 0..POOL {
        let place = usize::try_from(paper).expect("a small number");
        let (notice, request) = (&notices[place], &requests[place]);
        let mut wanted: Vec<&str> = vec![&notice.notice.agency_id, &request.request.agency_id];
        wanted.extend(notice.notice.account_id.as_deref());
        wanted.extend(notice.items.iter().map(|item| item.item_id.as_str()));
        wanted.extend(request.items.iter().filter_map(|item| by_code.get(item.item_code.as_str())));
        for at in closure(&base, &ids, &wanted) {
            needed.entry(at).or_default().insert(paper);
        }
    }
    let (rows, needed) = needed.into_iter().map(|(at, by)| (base[at].clone(), by)).unzip();
    Pool { notices, requests, rows, needed }
}

/// The places of rows, of what they refer to, of what relates them, and of one row at least of each kind.
fn closure(base: &[Change], ids: &BTreeMap<&str, usize>, wanted: &[&str]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open: Vec<usize> = wanted.iter().filter_map(|id| ids.get(id).copied()).collect();
    refer(base, ids, &mut found, &mut open);
    let items: BTreeSet<usize> =
        found.iter().copied().filter(|at| base[*at].shape.table == "base_income_item").collect();
    let agencies: BTreeSet<usize> = found.iter().copied().filter(|at| base[*at].shape.table == "base_agency").collect();
    let is_in = |row: &Change, column: &str, set: &BTreeSet<usize>| {
        text(row, column).and_then(|id| ids.get(id)).is_none_or(|at| set.contains(at))
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, row) in base.iter().enumerate() {
        let table = row.shape.table;
        let relates = ["agency_id", "item_id"].iter().any(|column| row.shape.columns.contains(column));
        if !relates || table == "base_account" || !is_in(row, "agency_id", &agencies) || !is_in(row, "item_id", &items)
        {
            continue;
        }
        let count = counts.entry(table).or_default();
        *count += 1;
        // Shares of an item are the whole only together, and without its right an agency collects nothing.
        if *count <= RELATIONS_MAX || matches!(table, "base_item_share" | "base_agency_item") {
            open.push(at);
        }
    }
    let kinds: BTreeSet<&str> = found.iter().chain(&open).map(|at| base[*at].shape.table).collect();
    for kind in BASE_KINDS {
        let first = base.iter().position(|row| row.shape.table == kind.table);
        open.extend(first.filter(|at| !kinds.contains(base[*at].shape.table)));
    }
    refer(base, ids, &mut found, &mut open);
    found
}

/// Takes rows with everything that they refer to.
fn refer(base: &[Change], ids: &BTreeMap<&str, usize>, found: &mut BTreeSet<usize>, open: &mut Vec<usize>) {
    while let Some(at) = open.pop() {
        if found.insert(at) {
            open.extend(base[at].cells.iter().filter_map(Cell::text).filter_map(|text| ids.get(text)));
        }
    }
}

fn id(row: &Change) -> Option<&str> {
    text(row, "id")
}

fn text<'r>(row: &'r Change, column: &str) -> Option<&'r str> {
    let place = row.shape.columns.iter().position(|one| *one == column)?;
    row.cells[place].text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_data_of_a_paper_is_little_of_each_kind_and_refers_to_nothing_else() {
        let pool = pool();
        for paper in 0..POOL {
            let rows: Vec<&Change> = pool.base(&BTreeSet::from([paper])).collect();
            let tables: BTreeSet<&str> = rows.iter().map(|row| row.shape.table).collect();
            assert_eq!(tables.len(), 18, "{tables:?}");
            assert!(rows.len() < 150, "{}", rows.len());
            let ids: BTreeSet<&str> = rows.iter().filter_map(|row| id(row)).collect();
            for row in &rows {
                let refers =
                    ["agency_id", "item_id", "region_id", "bank_id", "subject_id", "bill_type_id", "parent_id"];
                let other = refers.iter().filter_map(|column| text(row, column)).find(|id| !ids.contains(id));
                assert_eq!(other, None, "{}", row.shape.table);
            }
        }
    }
}
