//! What an agency may collect (单位项目): which row of base data counts on a day, and what an item may cost.

use super::fault::Rule;
use super::words::AMOUNT_FEN_MAX;
use crate::rows::{BaseAgency, BaseIncomeItem, BaseItemStandard};

/// 金额上下限, and 定额.
const LIMITS: i64 = 2;
const FIXED: i64 = 3;

/// Whether a row of base data counts on a day, yyyyMMdd.
#[must_use]
pub fn in_force(is_enabled: bool, is_deleted: bool, start: &str, end: Option<&str>, today: &str) -> bool {
    is_enabled && !is_deleted && start <= today && end.is_none_or(|end| today <= end)
}

/// The agency that papers of a day may name, out of what stands under its id.
///
/// # Errors
/// The rule that it breaks.
pub fn agency_in_force(found: Option<BaseAgency>, id: &str, today: &str) -> Result<BaseAgency, Rule> {
    let Some(agency) = found.filter(|agency| !agency.is_deleted) else {
        return Err(Rule::NoSuch { table: "base_agency", id: id.to_owned() });
    };
    let BaseAgency { is_enabled, is_deleted, start_date, end_date, .. } = &agency;
    if in_force(*is_enabled, *is_deleted, start_date, end_date.as_deref(), today) {
        Ok(agency)
    } else {
        Err(Rule::NotInForce)
    }
}

/// The item that counts on a day, out of those of one code that an agency collects: a code may stand in two years' base data.
///
/// # Errors
/// The rule that a line with that code breaks.
pub fn item_in_force(found: Vec<BaseIncomeItem>, today: &str) -> Result<BaseIncomeItem, Rule> {
    let mut rule = Rule::NotCollected;
    for item in found.into_iter().filter(|item| !item.is_deleted) {
        if in_force(item.is_enabled, item.is_deleted, &item.start_date, item.end_date.as_deref(), today) {
            return Ok(item);
        }
        rule = Rule::NotInForce;
    }
    Err(rule)
}

/// What a unit amount, in fen, breaks of an item's standards (项目标准) on a day. One that allows it is enough, and an item without
/// any allows all; so do 无限制, and 比例, whose base no paper carries.
#[must_use]
pub fn outside_standards(standards: &[BaseItemStandard], unit_fen: i64, today: &str) -> Option<Rule> {
    let counts = |one: &&BaseItemStandard| {
        in_force(one.is_enabled, one.is_deleted, &one.start_date, one.end_date.as_deref(), today)
    };
    let mut broken = None;
    for standard in standards.iter().filter(counts) {
        let (least, most) = match standard.std_type {
            LIMITS => (standard.min_fen.unwrap_or(0), standard.max_fen.unwrap_or(AMOUNT_FEN_MAX)),
            FIXED => (standard.unit_fen.unwrap_or(0), standard.unit_fen.unwrap_or(AMOUNT_FEN_MAX)),
            _ => return None,
        };
        if (least..=most).contains(&unit_fen) {
            return None;
        }
        broken = broken.or(Some(Rule::OutsideStandard { least, most }));
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::{agency_in_force, in_force, item_in_force, outside_standards};
    use crate::rows::{BaseAgency, BaseIncomeItem, BaseItemStandard};
    use crate::rules::Rule;

    const TODAY: &str = "20260601";

    #[test]
    fn a_row_counts_from_its_first_day_to_its_last() {
        assert!(in_force(true, false, TODAY, Some(TODAY), TODAY));
        assert!(in_force(true, false, "20260101", None, TODAY));
        assert!(!in_force(false, false, "20260101", None, TODAY));
        assert!(!in_force(true, true, "20260101", None, TODAY));
        assert!(!in_force(true, false, "20260602", None, TODAY));
        assert!(!in_force(true, false, "20260101", Some("20260531"), TODAY));
    }

    #[test]
    fn an_agency_is_there_and_in_force() {
        let agency = BaseAgency { is_enabled: true, start_date: "20260101".to_owned(), ..BaseAgency::default() };
        let code = |found| agency_in_force(found, "a", TODAY).err().map(|rule| rule.code());
        assert_eq!(code(Some(agency.clone())), None);
        assert_eq!(code(None), Some("no-such"));
        assert_eq!(code(Some(BaseAgency { is_deleted: true, ..agency.clone() })), Some("no-such"));
        assert_eq!(code(Some(BaseAgency { is_enabled: false, ..agency })), Some("not-in-force"));
    }

    #[test]
    fn of_a_code_that_stands_twice_the_item_in_force_counts() {
        let item = |id: &str, end: Option<&str>| BaseIncomeItem {
            id: id.to_owned(),
            is_enabled: true,
            start_date: "20250101".to_owned(),
            end_date: end.map(str::to_owned),
            ..BaseIncomeItem::default()
        };
        let (old, new) = (item("old", Some("20251231")), item("new", None));
        let chosen = item_in_force(vec![old.clone(), new.clone()], TODAY);
        assert_eq!(chosen.map(|item| item.id), Ok("new".to_owned()));
        assert_eq!(item_in_force(vec![old], TODAY), Err(Rule::NotInForce));
        assert_eq!(item_in_force(vec![BaseIncomeItem { is_deleted: true, ..new }], TODAY), Err(Rule::NotCollected));
        assert_eq!(item_in_force(Vec::new(), TODAY), Err(Rule::NotCollected));
    }

    #[test]
    fn one_standard_that_allows_an_amount_is_enough() {
        let of = |std_type, min, max, unit| BaseItemStandard {
            std_type,
            min_fen: min,
            max_fen: max,
            unit_fen: unit,
            is_enabled: true,
            start_date: "20260101".to_owned(),
            ..BaseItemStandard::default()
        };
        let (limits, fixed, free) =
            (of(2, Some(10), Some(20), None), of(3, None, None, Some(50)), of(1, None, None, None));
        let broken = |standards: &[BaseItemStandard], fen| outside_standards(standards, fen, TODAY);
        assert_eq!(broken(&[], 1), None);
        assert_eq!(broken(&[limits.clone(), fixed.clone()], 50), None);
        assert_eq!(broken(&[limits.clone(), fixed.clone()], 20), None);
        let first = Some(Rule::OutsideStandard { least: 10, most: 20 });
        assert_eq!(broken(&[limits.clone(), fixed], 49), first);
        assert_eq!(broken(&[limits.clone(), free], 49), None);
        // One that does not count neither allows nor forbids.
        let over = BaseItemStandard { end_date: Some("20260531".to_owned()), ..limits };
        assert_eq!(broken(&[over], 49), None);
    }
}
