//! The rules of one row of base data (基础数据), by its kind.

use super::fault::{Fault, Rule};
use super::policy::Policy;
use super::value::{check_values, key_text};
use super::words::is_digits;
use crate::region::is_division;
use crate::rows::{
    BaseAccount, BaseAgency, BaseAgencyBill, BaseAgentBank, BaseBillBatch, BaseBillType, BaseBudgetSubject, BaseDept,
    BaseItemStandard, BaseRegion, Cell, Row, Table,
};
use crate::uscc::{has_form, is_uscc};

/// The accounts that belong to an agency: 汇缴结算户.
const REMITTANCE: i64 = 2;

/// Levels of a subject: its column takes nine digits.
const SUBJECT_LEVELS: usize = 4;

/// Everything that is wrong with a row of base data by itself: its values, its codes, its span, and its kind's own rules.
#[must_use]
pub fn check_base(table: &Table, cells: &[Cell], policy: &Policy) -> Vec<Fault> {
    let mut faults = check_values(table, cells);
    if !faults.is_empty() {
        return faults;
    }
    let key = key_text(table, cells);
    let refuse = |column, rule| Fault::refusal(table.shape.table, key.as_str(), column, rule);
    let text = |column: &str| table.position(column).and_then(|place| cells[place].text());
    for (column, digits) in [("mof_div_code", 9), ("fiscal_year", 4)] {
        let is_wrong = text(column).is_some_and(|value| !is_digits(value, digits));
        faults.extend(is_wrong.then(|| refuse(column, Rule::NotDigits { digits })));
    }
    let ends_early = text("end_date").zip(text("start_date")).is_some_and(|(end, start)| end < start);
    faults.extend(ends_early.then(|| refuse("end_date", Rule::EndsBeforeStart)));
    if let Some(code) = text("uscc") {
        faults.extend((!has_form(code)).then(|| refuse("uscc", Rule::UsccForm)));
        let is_wrong = has_form(code) && !is_uscc(code);
        faults.extend(is_wrong.then(|| policy.uscc_check.weigh(refuse("uscc", Rule::UsccCheck))));
    }
    if let Some(code) = text("gb2260_code").filter(|code| is_digits(code, 6) && !is_division(code)) {
        let rule = Rule::RegionUnknown { code: code.to_owned() };
        faults.push(policy.region_unknown.weigh(refuse("gb2260_code", rule)));
    }
    faults.extend(own_rules(table, cells).into_iter().map(|(column, rule)| refuse(column, rule)));
    faults
}

/// A column, and what is wrong there.
type Broken = (&'static str, Rule);

fn own_rules(table: &Table, cells: &[Cell]) -> Vec<Broken> {
    let name = table.shape.table;
    let is = |other: Table| name == other.shape.table;
    if is(BaseRegion::TABLE) {
        of(cells, region)
    } else if is(BaseAgentBank::TABLE) {
        of(cells, |row: &BaseAgentBank| digits("pay_bank_no", row.pay_bank_no.as_deref(), 12))
    } else if is(BaseBillType::TABLE) {
        of(cells, |row: &BaseBillType| {
            [digits("class_code", Some(&row.class_code), 2), digits("kind_code", Some(&row.kind_code), 2)].concat()
        })
    } else if is(BaseBudgetSubject::TABLE) {
        of(cells, subject)
    } else if is(BaseBillBatch::TABLE) {
        of(cells, batch)
    } else if is(BaseAgencyBill::TABLE) {
        of(cells, agency_bill)
    } else if is(BaseAccount::TABLE) {
        of(cells, |row: &BaseAccount| {
            let is_wrong = (row.acct_kind == REMITTANCE) != row.agency_id.is_some();
            is_wrong.then_some(("agency_id", Rule::AccountOwner)).into_iter().collect()
        })
    } else if is(BaseItemStandard::TABLE) {
        of(cells, standard)
    } else {
        debug_assert!(is(BaseAgency::TABLE) || is(BaseDept::TABLE) || name.starts_with("base_"));
        Vec::new()
    }
}

fn of<R: Row>(cells: &[Cell], rules: impl Fn(&R) -> Vec<Broken>) -> Vec<Broken> {
    R::of_cells(cells.to_vec()).map(|row| rules(&row)).unwrap_or_default()
}

fn digits(column: &'static str, text: Option<&str>, digits: usize) -> Vec<Broken> {
    let is_wrong = text.is_some_and(|text| !is_digits(text, digits));
    is_wrong.then_some((column, Rule::NotDigits { digits })).into_iter().collect()
}

/// The code of a division says its level: two digits each for province, city and county, three more for a township.
fn region(row: &BaseRegion) -> Vec<Broken> {
    let mut broken = digits("gb2260_code", Some(&row.gb2260_code), 6);
    broken.extend(digits("bill_region_code", row.bill_region_code.as_deref(), 6));
    let code = row.ele_code.as_str();
    let levels: &[i64] = match code.len() {
        9 if is_digits(code, 9) => &[4],
        6 if is_digits(code, 6) && code.ends_with("0000") => &[1],
        // A city without counties stands again as its own county, under the same code.
        6 if is_digits(code, 6) && code.ends_with("00") => &[2, 3],
        6 if is_digits(code, 6) => &[3],
        _ => &[],
    };
    match levels.first() {
        None => broken.push(("ele_code", Rule::NotDigits { digits: 6 })),
        Some(expected) if !levels.contains(&row.level_no) => {
            broken.push(("level_no", Rule::RegionLevel { expected: *expected }));
        }
        Some(_) => {}
    }
    broken
}

/// Subjects have three digits (类), and two more at each level down to the fourth (款, 项, 目).
fn subject(row: &BaseBudgetSubject) -> Vec<Broken> {
    let level = usize::try_from(row.level_no).unwrap_or_default().clamp(1, SUBJECT_LEVELS);
    digits("ele_code", Some(&row.ele_code), 2 * level + 1)
}

/// How many numbers lie between two, both included; none where they are no bill numbers or end before they begin.
pub(super) fn numbers(begin: &str, end: &str) -> Option<i64> {
    let [begin, end] = [begin, end].map(|text| is_digits(text, 10).then(|| text.parse::<i64>().ok()).flatten());
    let count = end? - begin? + 1;
    (count > 0).then_some(count)
}

fn segment(begin: &str, end: &str) -> Vec<Broken> {
    let mut broken = [digits("begin_no", Some(begin), 10), digits("end_no", Some(end), 10)].concat();
    if broken.is_empty() && numbers(begin, end).is_none() {
        broken.push(("end_no", Rule::SegmentOrder));
    }
    broken
}

fn batch(row: &BaseBillBatch) -> Vec<Broken> {
    let mut broken = digits("bill_code", Some(&row.bill_code), 8);
    broken.extend(segment(&row.begin_no, &row.end_no));
    if let Some(count) = numbers(&row.begin_no, &row.end_no).filter(|count| *count != row.total) {
        broken.push(("total", Rule::SegmentTotal { count }));
    }
    broken
}

fn agency_bill(row: &BaseAgencyBill) -> Vec<Broken> {
    let mut broken = segment(&row.begin_no, &row.end_no);
    broken.extend(digits("next_no", Some(&row.next_no), 10));
    if broken.is_empty() {
        let is_inside = numbers(&row.begin_no, &row.next_no).zip(numbers(&row.begin_no, &row.end_no));
        let is_inside = is_inside.is_some_and(|(next, all)| next <= all + 1);
        broken.extend((!is_inside).then_some(("next_no", Rule::SegmentNext)));
    }
    broken
}

/// 1 无限制, 2 金额上下限, 3 定额, 4 比例: each with its own values.
fn standard(row: &BaseItemStandard) -> Vec<Broken> {
    let there = [row.min_fen.is_some() || row.max_fen.is_some(), row.unit_fen.is_some(), row.ratio_bp.is_some()];
    let wanted = match row.std_type {
        2 => [true, false, false],
        3 => [false, true, false],
        4 => [false, false, true],
        _ => [false; 3],
    };
    let mut broken = Vec::new();
    if there != wanted {
        broken.push(("std_type", Rule::StandardValues { kind: row.std_type }));
    }
    if row.min_fen.zip(row.max_fen).is_some_and(|(least, most)| least > most) {
        broken.push(("min_fen", Rule::LeastAboveMost));
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::check_base;
    use crate::rows::{Cell, Row, table};
    use crate::rules::{Policy, Severity, Weight};
    use crate::{Generator, Size};

    fn broken<R: Row>(row: &R) -> Vec<String> {
        let faults = check_base(&R::TABLE, &row.cells(), &Policy::default());
        faults.iter().map(|fault| format!("{} {}", fault.column, fault.rule.code())).collect()
    }

    #[test]
    fn generated_rows_keep_every_rule() {
        let generator = Generator::new(1, Size::S);
        for change in generator.base() {
            let table = table(change.shape.table).unwrap();
            assert_eq!(check_base(table, &change.cells, &Policy::default()), [], "{change:?}");
        }
    }

    #[test]
    fn a_wrong_check_character_weighs_what_the_policy_says() {
        let agency = crate::rows::BaseAgency {
            uscc: Some("91350211M0000XUF46".to_owned()),
            ..Generator::new(1, Size::S).agency(0)
        };
        let weight = |policy: &Policy| check_base(&crate::rows::BaseAgency::TABLE, &agency.cells(), policy)[0].severity;
        assert_eq!(weight(&Policy::default()), Severity::Warning);
        assert_eq!(weight(&Policy { uscc_check: Weight::Reject, ..Policy::default() }), Severity::Refusal);
        assert_eq!(
            broken(&crate::rows::BaseAgency { uscc: Some("91350211M0000XUFI6".to_owned()), ..agency }),
            ["uscc uscc-form"]
        );
    }

    #[test]
    fn a_division_that_is_unknown_weighs_what_the_policy_says() {
        let region = crate::rows::BaseRegion {
            gb2260_code: "350499".to_owned(),
            ..Generator::new(1, Size::S).regions().next().unwrap()
        };
        let faults = |policy: &Policy| check_base(&crate::rows::BaseRegion::TABLE, &region.cells(), policy);
        let [fault] = faults(&Policy::default()).try_into().unwrap();
        assert_eq!(
            (fault.column, fault.rule.code(), fault.severity),
            ("gb2260_code", "region-unknown", Severity::Warning)
        );
        assert_eq!(fault.rule.english(), "350499 is not a division of GB/T 2260");
        let reject = Policy { region_unknown: Weight::Reject, ..Policy::default() };
        assert_eq!(faults(&reject)[0].severity, Severity::Refusal);
    }

    #[test]
    fn subjects_have_two_digits_more_at_each_level() {
        let subject = Generator::new(1, Size::S).budget_subject(0);
        let code = |code: &str, level_no: i64| {
            broken(&crate::rows::BaseBudgetSubject { ele_code: code.to_owned(), level_no, ..subject.clone() })
        };
        assert_eq!(code("103", 1), [""; 0]);
        assert_eq!(code("103050101", 4), [""; 0]);
        assert_eq!(code("10305", 3), ["ele_code not-digits"]);
        assert_eq!(code("10x", 1), ["ele_code not-digits"]);
    }

    #[test]
    fn codes_spans_and_levels_are_checked() {
        let region = Generator::new(1, Size::S).regions().next().unwrap();
        let with = |change: &dyn Fn(&mut crate::rows::BaseRegion)| {
            let mut row = region.clone();
            change(&mut row);
            broken(&row)
        };
        assert_eq!(with(&|row| row.level_no = 3), ["level_no region-level"]);
        assert_eq!(with(&|row| row.ele_code = "11".to_owned()), ["ele_code not-digits"]);
        assert_eq!(with(&|row| row.gb2260_code = "11000x".to_owned()), ["gb2260_code not-digits"]);
        assert_eq!(with(&|row| row.fiscal_year = "26".to_owned()), ["fiscal_year not-digits"]);
        assert_eq!(with(&|row| row.end_date = Some("20251231".to_owned())), ["end_date ends-before-start"]);
        assert_eq!(with(&|row| row.end_date = Some("20251331".to_owned())), ["end_date not-a-date"]);
    }

    #[test]
    fn segments_standards_and_accounts_are_checked() {
        let generator = Generator::new(1, Size::S);
        let batch = generator.bill_batch(0);
        assert_eq!(broken(&crate::rows::BaseBillBatch { total: 9, ..batch.clone() }), ["total segment-total"]);
        assert_eq!(
            broken(&crate::rows::BaseBillBatch { end_no: "0000000000".to_owned(), ..batch }),
            ["end_no segment-order"]
        );
        let bill = generator.agency_bill(0);
        assert_eq!(
            broken(&crate::rows::BaseAgencyBill { next_no: "9999999999".to_owned(), ..bill }),
            ["next_no segment-next"]
        );
        let standard = generator.item_standard(0);
        assert_eq!(
            broken(&crate::rows::BaseItemStandard { std_type: 1, ..standard.clone() }),
            ["std_type standard-values"]
        );
        assert_eq!(
            broken(&crate::rows::BaseItemStandard { min_fen: Some(9_000_000), ..standard }),
            ["min_fen least-above-most"]
        );
        let account = generator.account(0);
        assert_eq!(
            broken(&crate::rows::BaseAccount { agency_id: Some("x".to_owned()), ..account }),
            ["agency_id account-owner"]
        );
    }

    #[test]
    fn values_are_checked_first() {
        let mut cells = Generator::new(1, Size::S).agency(0).cells();
        cells[0] = Cell::Null;
        let faults = check_base(&crate::rows::BaseAgency::TABLE, &cells, &Policy::default());
        assert_eq!(faults.iter().map(|fault| fault.rule.code()).collect::<Vec<_>>(), ["missing"]);
    }
}
