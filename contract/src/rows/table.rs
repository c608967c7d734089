//! A table with the types and titles of its columns.

use super::{
    BaseAccount, BaseAgency, BaseAgencyBill, BaseAgencyItem, BaseAgentBank, BaseBillBatch, BaseBillItem, BaseBillType,
    BaseBudgetSubject, BaseCategory, BaseDept, BaseFinDept, BaseFundNature, BaseIncomeItem, BaseItemShare,
    BaseItemStandard, BaseItemSubject, BaseRegion, Column, ConfirmResult, NoticeRequest, NoticeRequestItem,
    NoticeRequestResult, OfflinePayment, PayConfirm, PayConfirmItem, PayNotice, PayNoticeItem, Row, Shape,
};

/// Every table of the contract, in its order.
pub const TABLES: [Table; 27] = [
    BaseRegion::TABLE,
    BaseAgentBank::TABLE,
    BaseDept::TABLE,
    BaseFinDept::TABLE,
    BaseBillType::TABLE,
    BaseCategory::TABLE,
    BaseFundNature::TABLE,
    BaseBudgetSubject::TABLE,
    BaseAgency::TABLE,
    BaseBillBatch::TABLE,
    BaseAccount::TABLE,
    BaseIncomeItem::TABLE,
    BaseAgencyBill::TABLE,
    BaseAgencyItem::TABLE,
    BaseItemStandard::TABLE,
    BaseItemShare::TABLE,
    BaseBillItem::TABLE,
    BaseItemSubject::TABLE,
    PayNotice::TABLE,
    PayNoticeItem::TABLE,
    OfflinePayment::TABLE,
    NoticeRequestResult::TABLE,
    PayConfirm::TABLE,
    PayConfirmItem::TABLE,
    NoticeRequest::TABLE,
    NoticeRequestItem::TABLE,
    ConfirmResult::TABLE,
];

/// A table with the types and titles of its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its name, columns and key.
    pub shape: Shape,
    /// Its name for people, in Chinese.
    pub title: &'static str,
    /// Its columns, in the order of the contract.
    pub columns: &'static [Column],
}

impl Table {
    /// The place of a column among the columns.
    #[must_use]
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|one| one.name == column)
    }

    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|one| one.name == name)
    }
}

/// The table of that name.
#[must_use]
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.shape.table == name)
}

/// Every table of the contract as statements see it, in its order.
pub fn shapes() -> impl Iterator<Item = Shape> {
    TABLES.iter().map(|table| table.shape)
}
