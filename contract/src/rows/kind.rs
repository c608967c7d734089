//! The kinds of base data (基础数据).

use super::{Table, table};

/// A kind of base data, with the code by which interfaces and imports name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// The code, such as `AGENCY`.
    pub code: &'static str,
    /// The name of its table.
    pub table: &'static str,
}

/// The eighteen kinds, in an order in which what is referred to comes first.
pub const BASE_KINDS: [Kind; 18] = [
    kind("REGION", "base_region"),
    kind("AGENT_BANK", "base_agent_bank"),
    kind("DEPT", "base_dept"),
    kind("FIN_DEPT", "base_fin_dept"),
    kind("BILL_TYPE", "base_bill_type"),
    kind("CATEGORY", "base_category"),
    kind("FUND_NATURE", "base_fund_nature"),
    kind("BUDGET_SUBJECT", "base_budget_subject"),
    kind("AGENCY", "base_agency"),
    kind("BILL_BATCH", "base_bill_batch"),
    kind("ACCOUNT", "base_account"),
    kind("INCOME_ITEM", "base_income_item"),
    kind("AGENCY_BILL", "base_agency_bill"),
    kind("AGENCY_ITEM", "base_agency_item"),
    kind("ITEM_STANDARD", "base_item_standard"),
    kind("ITEM_SHARE", "base_item_share"),
    kind("BILL_ITEM", "base_bill_item"),
    kind("ITEM_SUBJECT", "base_item_subject"),
];

const fn kind(code: &'static str, table: &'static str) -> Kind {
    Kind { code, table }
}

impl Kind {
    /// The kind that a code, the name of a table, or its Chinese title names; letters of either case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let names = |kind: &Self| {
            kind.code.eq_ignore_ascii_case(name)
                || kind.table.eq_ignore_ascii_case(name)
                || kind.definition().title == name
        };
        BASE_KINDS.into_iter().find(names)
    }

    /// The table.
    ///
    /// # Panics
    /// Never: a test looks every kind up.
    #[must_use]
    pub fn definition(&self) -> &'static Table {
        table(self.table).expect("a test looks every kind up")
    }
}

#[cfg(test)]
mod tests {
    use super::{BASE_KINDS, Kind};

    #[test]
    fn every_kind_is_found_by_code_table_and_title() {
        for kind in BASE_KINDS {
            assert_eq!(Kind::parse(kind.code), Some(kind));
            assert_eq!(Kind::parse(kind.table), Some(kind));
            assert_eq!(Kind::parse(kind.definition().title), Some(kind));
        }
        assert_eq!(Kind::parse("agency").map(|kind| kind.table), Some("base_agency"));
        assert_eq!(Kind::parse("PAY_NOTICE"), None);
    }
}
