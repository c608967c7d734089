//! How many rows of base data there are.

/// How much base data there is; the 44 703 regions come in every size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// A city: 14 000 rows and the regions.
    S,
    /// A province: 290 000 rows with the regions.
    M,
    /// A large province: 1 200 000 rows with the regions.
    L,
}

/// How many rows each table of base data has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseCounts {
    /// 行政区划.
    pub regions: u64,
    /// 代理银行.
    pub agent_banks: u64,
    /// 主管部门.
    pub depts: u64,
    /// 归口财政部门.
    pub fin_depts: u64,
    /// 票据种类.
    pub bill_types: u64,
    /// 收入类别.
    pub categories: u64,
    /// 资金性质.
    pub fund_natures: u64,
    /// 预算科目.
    pub subjects: u64,
    /// 单位.
    pub agencies: u64,
    /// 票据批次.
    pub bill_batches: u64,
    /// 银行账户.
    pub accounts: u64,
    /// 收入项目.
    pub income_items: u64,
    /// 单位票据.
    pub agency_bills: u64,
    /// 单位项目.
    pub agency_items: u64,
    /// 项目标准.
    pub item_standards: u64,
    /// 项目分成.
    pub item_shares: u64,
    /// 票据项目.
    pub bill_items: u64,
    /// 项目对应科目.
    pub item_subjects: u64,
}

impl BaseCounts {
    /// All rows of base data.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.regions
            + self.agent_banks
            + self.depts
            + self.fin_depts
            + self.bill_types
            + self.categories
            + self.fund_natures
            + self.subjects
            + self.agencies
            + self.bill_batches
            + self.accounts
            + self.income_items
            + self.agency_bills
            + self.agency_items
            + self.item_standards
            + self.item_shares
            + self.bill_items
            + self.item_subjects
    }
}

const S: BaseCounts = BaseCounts {
    regions: 44_703,
    agent_banks: 20,
    depts: 80,
    fin_depts: 10,
    bill_types: 20,
    categories: 15,
    fund_natures: 10,
    subjects: 400,
    agencies: 800,
    bill_batches: 300,
    accounts: 300,
    income_items: 400,
    agency_bills: 2_000,
    agency_items: 6_545,
    item_standards: 800,
    item_shares: 900,
    bill_items: 900,
    item_subjects: 500,
};
const M: BaseCounts = BaseCounts {
    regions: 44_703,
    agent_banks: 60,
    depts: 2_500,
    fin_depts: 120,
    bill_types: 40,
    categories: 20,
    fund_natures: 15,
    subjects: 600,
    agencies: 20_000,
    bill_batches: 6_000,
    accounts: 4_000,
    income_items: 1_500,
    agency_bills: 40_000,
    agency_items: 154_942,
    item_standards: 4_000,
    item_shares: 5_000,
    bill_items: 4_000,
    item_subjects: 2_500,
};
const L: BaseCounts = BaseCounts {
    regions: 44_703,
    agent_banks: 200,
    depts: 8_000,
    fin_depts: 400,
    bill_types: 60,
    categories: 30,
    fund_natures: 20,
    subjects: 800,
    agencies: 60_000,
    bill_batches: 30_000,
    accounts: 20_000,
    income_items: 5_000,
    agency_bills: 200_000,
    agency_items: 777_787,
    item_standards: 15_000,
    item_shares: 15_000,
    bill_items: 15_000,
    item_subjects: 8_000,
};

impl Size {
    /// The rows of each table.
    #[must_use]
    pub const fn counts(self) -> BaseCounts {
        match self {
            Self::S => S,
            Self::M => M,
            Self::L => L,
        }
    }

    /// The GB/T 2260 code of the region whose counties the agencies belong to.
    pub(super) const fn home(self) -> &'static str {
        match self {
            Self::S => "350400",
            Self::M => "610000",
            Self::L => "440000",
        }
    }
}
