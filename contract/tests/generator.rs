//! Generated rows keep the contract's rules, and one seed gives the same rows everywhere.

use std::collections::{BTreeMap, BTreeSet};

use contract::pay_code::is_pay_code;
use contract::rows::{BaseAgency, Row, table};
use contract::uscc::is_uscc;
use contract::{Cell, Change, Generator, NONTAX_TOML, Op, Size, json_rows};
use ferry_core::contract::{Contract, StreamContract};
use ferry_format::Digest;
use ferry_format::records::{Op as RecordOp, Record, Value};

const SEED: u64 = 20_260_101;
/// Enough rows to meet every branch of the generator.
const SOME: u64 = 2_000;

#[test]
fn sizes_have_the_stated_totals() {
    assert_eq!(Size::S.counts().total(), 14_000 + 44_703);
    assert_eq!(Size::M.counts().total(), 290_000);
    assert_eq!(Size::L.counts().total(), 1_200_000);
}

#[test]
fn every_base_row_fits_the_contract_and_comes_after_what_it_refers_to() {
    let (contract, generator) = (nontax(), Generator::new(SEED, Size::S));
    assert_eq!(base_fits(&contract, &generator, generator.base()), generator.counts().total());
}

/// The ids of a large size are not all kept: of its largest tables only the first and the last rows are looked at.
#[test]
fn the_ends_of_large_sizes_fit_the_contract() {
    let contract = nontax();
    let base = stream(&contract, "base");
    for size in [Size::M, Size::L] {
        let generator = Generator::new(SEED, size);
        let counts = generator.counts();
        let last = |count: u64| count - 300..count;
        fits_all(base, last(counts.agencies).map(|index| generator.agency(index)));
        fits_all(base, last(counts.income_items).map(|index| generator.income_item(index)));
        fits_all(base, last(counts.agency_items).map(|index| generator.agency_item(index)));
        fits_all(base, last(counts.agency_bills).map(|index| generator.agency_bill(index)));
        fits_all(base, last(counts.accounts).map(|index| generator.account(index)));
        fits_all(base, last(counts.depts).map(|index| generator.dept(index)));
        fits_all(stream(&contract, "notice"), generator.notices(0..300).map(|order| order.notice));
        fits_all(stream(&contract, "confirm"), generator.confirmations(0..300).map(|paid| paid.confirm));
    }
}

#[test]
fn every_row_of_a_province_is_unique_and_comes_after_what_it_refers_to() {
    let (contract, generator) = (nontax(), Generator::new(SEED, Size::M));
    assert_eq!(base_fits(&contract, &generator, generator.base()), generator.counts().total());
}

#[test]
fn shares_of_an_item_add_up_and_segments_do_not_overlap() {
    for size in [Size::S, Size::M, Size::L] {
        let generator = Generator::new(SEED, size);
        let counts = generator.counts();
        let mut shares = BTreeMap::<String, i64>::new();
        for row in (0..counts.item_shares).map(|index| generator.item_share(index)) {
            assert!((1..=4).contains(&row.share_level) && row.ratio_bp > 0);
            *shares.entry(row.item_id).or_default() += row.ratio_bp;
        }
        assert_eq!(u64::try_from(shares.len()).unwrap(), counts.income_items);
        assert!(shares.values().all(|sum| *sum == 10_000));

        let batches: BTreeMap<_, _> = (0..counts.bill_batches)
            .map(|index| generator.bill_batch(index))
            .map(|row| (row.id.clone(), row))
            .collect();
        let numbers = batches.values().map(|row| (row.bill_code.as_str(), row.begin_no.as_str(), row.end_no.as_str()));
        apart(numbers.collect());
        let bills: Vec<_> = (0..counts.agency_bills).map(|index| generator.agency_bill(index)).collect();
        for row in &bills {
            let batch = &batches[&row.bill_batch_id];
            assert!(batch.begin_no <= row.begin_no && row.end_no <= batch.end_no && row.begin_no <= row.next_no);
        }
        apart(
            bills.iter().map(|row| (row.bill_batch_id.as_str(), row.begin_no.as_str(), row.end_no.as_str())).collect(),
        );
    }
}

fn apart(mut segments: Vec<(&str, &str, &str)>) {
    segments.sort_unstable();
    assert!(segments.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].2 < pair[1].1));
}

#[test]
fn answers_fit_the_contract_and_name_what_they_answer() {
    let (contract, generator) = (nontax(), Generator::new(SEED, Size::S));
    let (mut issued, mut refused) = (0, 0);
    for serial in 0..SOME {
        let asked = generator.notice_request(serial);
        let sum: i64 = asked.items.iter().map(|item| item.amount_fen).sum();
        assert_eq!(sum, asked.request.amount_fen);
        let (order, answer) = generator.request_answer(serial);
        assert_eq!(answer.request_id, asked.request.request_id);
        assert_eq!(order.as_ref().map(|order| &order.notice.pay_code), answer.pay_code.as_ref());
        if let Some(order) = order {
            assert_eq!(order.notice.request_id.as_ref(), Some(&asked.request.request_id));
            assert_eq!(order.notice.amount_fen, asked.request.amount_fen);
            issued += 1;
        } else {
            refused += 1;
        }
        let result = generator.confirm_result(serial);
        assert_eq!(result.confirm_id, generator.confirmation(serial).confirm.confirm_id);
        fits_all(stream(&contract, "request"), [asked.request]);
        fits_all(stream(&contract, "request"), asked.items);
        fits_all(stream(&contract, "notice"), [answer]);
        fits_all(stream(&contract, "notice"), [generator.offline_payment(serial)]);
        fits_all(stream(&contract, "result"), [result]);
    }
    assert!(issued > 0 && refused > 0);
}

#[test]
fn agencies_have_their_region_parent_and_own_names() {
    for size in [Size::S, Size::M, Size::L] {
        let generator = Generator::new(SEED, size);
        let regions: BTreeSet<_> = generator.regions().map(|row| row.id).collect();
        let agencies: Vec<_> = generator.agencies().collect();
        let ids: BTreeSet<_> = agencies.iter().map(|row| row.id.as_str()).collect();
        let codes: BTreeSet<_> = agencies.iter().map(|row| (&row.mof_div_code, &row.ele_code)).collect();
        let names: BTreeSet<_> = agencies.iter().map(|row| (&row.mof_div_code, &row.ele_name)).collect();
        assert_eq!([ids.len(), codes.len(), names.len()], [agencies.len(); 3]);
        for row in &agencies {
            assert!(regions.contains(&row.region_id));
            assert!(row.parent_id.as_deref().is_none_or(|parent| ids.contains(parent)), "{}", row.ele_name);
            assert!(row.uscc.as_deref().is_some_and(is_uscc));
        }
        agencies_without_children_are_leaves(&agencies);
    }
}

#[test]
fn an_agency_has_an_item_once() {
    for size in [Size::S, Size::M] {
        let generator = Generator::new(SEED, size);
        let agencies: BTreeSet<_> = generator.agencies().map(|row| row.id).collect();
        let items: Vec<_> = generator.income_items().collect();
        let item_ids: BTreeSet<_> = items.iter().map(|row| row.id.as_str()).collect();
        let item_codes: BTreeSet<_> = items.iter().map(|row| row.ele_code.as_str()).collect();
        assert_eq!([item_ids.len(), item_codes.len()], [items.len(); 2]);
        let (mut ids, mut pairs) = (BTreeSet::new(), BTreeSet::new());
        for row in generator.agency_items() {
            assert!(agencies.contains(&row.agency_id) && item_ids.contains(row.item_id.as_str()));
            assert!(ids.insert(row.id));
            assert!(pairs.insert((row.agency_id, row.item_id)));
        }
    }
}

#[test]
fn amounts_add_up() {
    let (contract, generator) = (nontax(), Generator::new(SEED, Size::M));
    let stream = stream(&contract, "notice");
    let (mut lines_met, mut late_fees) = (BTreeSet::new(), 0);
    for order in generator.notices(0..SOME) {
        let sum: i64 = order.items.iter().map(|item| item.amount_fen).sum();
        assert_eq!(sum, order.notice.amount_fen);
        assert_eq!(order.notice.total_fen, order.notice.amount_fen + order.notice.late_fee_fen);
        assert!(is_pay_code(&order.notice.pay_code));
        assert!((1..=3).contains(&order.items.len()));
        late_fees += u64::from(order.notice.late_fee_fen > 0);
        lines_met.insert(order.notice.biz_line.clone());
        fits_all(stream, [order.notice]);
        fits_all(stream, order.items);
    }
    assert!(lines_met.iter().eq(["EXAM", "GENERAL", "IMMIGRATION", "SCHOOL", "TRAFFIC"]));
    assert!(late_fees > 0);
}

#[test]
fn confirmations_pay_their_notices_whole() {
    let (contract, generator) = (nontax(), Generator::new(SEED, Size::M));
    let stream = stream(&contract, "confirm");
    let (mut direct, mut orders) = (0, BTreeSet::new());
    for (serial, paid) in (0..SOME).zip(generator.confirmations(0..SOME)) {
        let order = generator.notice(serial);
        let sum: i64 = paid.items.iter().map(|item| item.amount_fen).sum();
        assert_eq!(sum, paid.confirm.amount_fen);
        match &paid.confirm.pay_code {
            None => direct += 1,
            Some(code) => {
                assert_eq!((code, paid.confirm.amount_fen), (&order.notice.pay_code, order.notice.total_fen));
                assert!(paid.confirm.pay_time[..8] > *order.notice.bill_date);
            }
        }
        assert!(orders.insert((paid.confirm.channel.clone(), paid.confirm.channel_order_no.clone())));
        fits_all(stream, [paid.confirm]);
        fits_all(stream, paid.items);
    }
    assert!((SOME / 20..SOME / 5).contains(&direct));
}

#[test]
fn changes_fit_the_contract_and_touch_a_row_once() {
    let (contract, generator) = (nontax(), Generator::new(SEED, Size::S));
    let counts = generator.counts();
    let base =
        generator.agency_changes(0..counts.agencies).chain(generator.agency_item_changes(0..counts.agency_items));
    changes_fit(stream(&contract, "base"), base);
    changes_fit(stream(&contract, "notice"), generator.notice_changes(0..SOME));
    changes_fit(stream(&contract, "confirm"), generator.confirm_changes(0..SOME));
}

#[test]
fn the_rows_of_a_seed_are_pinned() {
    let generator = Generator::new(SEED, Size::S);
    let changes = generator.notice_changes(0..100).chain(generator.confirm_changes(0..100));
    let rows = [
        json_rows(generator.regions().take(100).map(|row| row.cells())),
        json_rows(generator.base().skip(44_703).map(|change| change.cells)),
        json_rows((0..100).flat_map(|serial| generator.notice_request(serial).items).map(|row| row.cells())),
        json_rows((0..100).map(|serial| generator.notice_request(serial).request.cells())),
        json_rows((0..100).map(|serial| generator.request_answer(serial).1.cells())),
        json_rows((0..100).map(|serial| generator.offline_payment(serial).cells())),
        json_rows((0..100).map(|serial| generator.confirm_result(serial).cells())),
        json_rows(generator.notices(0..100).flat_map(|order| order.items).map(|row| row.cells())),
        json_rows(generator.notices(0..100).map(|order| order.notice.cells())),
        json_rows(generator.confirmations(0..100).flat_map(|paid| paid.items).map(|row| row.cells())),
        json_rows(generator.confirmations(0..100).map(|paid| paid.confirm.cells())),
        json_rows(generator.agency_item_changes(0..1_000).chain(changes).map(|change| change.cells)),
    ];
    assert_eq!(
        Digest::of(&[rows.concat().as_bytes()]).to_string(),
        "37037870054e0b8eeb5d8ee9d3098211f2b90146588181d4807716dc4650ea65"
    );
    assert_ne!(generator.agency(0), Generator::new(SEED + 1, Size::S).agency(0));
}

/// Checks that every row fits, that no key stands twice, and that every id that a row names was there before; yields the count.
fn base_fits(contract: &Contract, generator: &Generator, rows: impl Iterator<Item = Change>) -> u64 {
    let base = stream(contract, "base");
    let mut ids = BTreeMap::<&str, BTreeSet<String>>::new();
    let mut count = 0;
    for change in rows {
        fits(base, &change);
        let table = table(change.shape.table).expect("a table of the contract");
        for (column, cell) in table.columns.iter().zip(&change.cells) {
            let Some(text) = cell.text().filter(|_| column.name.ends_with("_id")) else { continue };
            let target = if column.name == "parent_id" { table.shape.table } else { target(column.name) };
            assert!(ids[target].contains(text), "{} of {change:?}", column.name);
        }
        let id = change.cells[0].text().expect("an id is text").to_owned();
        assert!(ids.entry(table.shape.table).or_default().insert(id), "{change:?}");
        count += 1;
    }
    assert_eq!(ids.len(), 18);
    assert_eq!(ids["base_region"].len(), usize::try_from(generator.counts().regions).expect("a count of rows"));
    count
}

/// The table whose id a column holds.
fn target(column: &str) -> &'static str {
    match column {
        "region_id" => "base_region",
        "bank_id" => "base_agent_bank",
        "dept_id" => "base_dept",
        "fin_dept_id" => "base_fin_dept",
        "bill_type_id" => "base_bill_type",
        "category_id" => "base_category",
        "fund_nature_id" => "base_fund_nature",
        "subject_id" => "base_budget_subject",
        "agency_id" => "base_agency",
        "bill_batch_id" => "base_bill_batch",
        "account_id" => "base_account",
        "item_id" => "base_income_item",
        other => panic!("{other} refers to nothing"),
    }
}

/// Checks every row as an insert, and its key as a delete, and counts the rows.
fn fits_all<R: Row>(stream: &StreamContract, rows: impl IntoIterator<Item = R>) -> u64 {
    let mut count = 0;
    for row in rows {
        fits(stream, &Change::insert(&row));
        fits(stream, &Change::delete(&row));
        count += 1;
    }
    count
}

fn fits(stream: &StreamContract, change: &Change) {
    let op = match change.op {
        Op::Insert => RecordOp::Insert,
        Op::Update => RecordOp::Update,
        Op::Delete => RecordOp::Delete,
    };
    let values = change.cells.iter().map(|cell| match cell {
        Cell::Null => Value::Null,
        Cell::Int(number) => Value::Integer(*number),
        Cell::Text(text) => Value::Text(text.into()),
    });
    let record = Record { table: change.shape.table.into(), op, values: values.collect() };
    assert!(stream.check(&record).is_ok(), "{:?}: {change:?}", stream.check(&record));
}

fn changes_fit(stream: &StreamContract, changes: impl Iterator<Item = Change>) {
    let (mut updates, mut deletes, mut keys) = (0, 0, BTreeSet::new());
    for change in changes {
        fits(stream, &change);
        let key = match change.op {
            Op::Insert => panic!("a change of a row is no insert"),
            Op::Update => {
                updates += 1;
                change.shape.key_positions().map(|position| change.cells[position].clone()).collect()
            }
            Op::Delete => {
                deletes += 1;
                change.cells.clone()
            }
        };
        assert!(keys.insert((change.shape.table, json_rows([key]))), "{change:?}");
    }
    assert!(updates > 0 && deletes > 0);
}

fn agencies_without_children_are_leaves(agencies: &[BaseAgency]) {
    let parents: BTreeSet<_> = agencies.iter().filter_map(|row| row.parent_id.as_deref()).collect();
    for row in agencies {
        assert_eq!(row.is_leaf, !parents.contains(row.id.as_str()), "{}", row.ele_name);
    }
}

fn nontax() -> Contract {
    Contract::parse(NONTAX_TOML, "nontax.toml").expect("the contract is right")
}

fn stream<'c>(contract: &'c Contract, name: &str) -> &'c StreamContract {
    contract.stream(&name.parse().expect("a name of a stream")).expect("a stream of the contract")
}
