//! The rows of the contract's tables, typed.

mod base;
mod cell;
mod column;
mod confirm;
mod json;
mod kind;
mod notice;
mod request;
mod result;
mod shape;
mod table;

pub use base::{
    BaseAccount, BaseAgency, BaseAgencyBill, BaseAgencyItem, BaseAgentBank, BaseBillBatch, BaseBillItem, BaseBillType,
    BaseBudgetSubject, BaseCategory, BaseDept, BaseFinDept, BaseFundNature, BaseIncomeItem, BaseItemShare,
    BaseItemStandard, BaseItemSubject, BaseRegion,
};
pub(crate) use base::{Element, Span};
pub use cell::{Cell, Held};
pub use column::{Column, ColumnType};
pub use confirm::{PayConfirm, PayConfirmItem};
pub use json::json_rows;
pub use kind::{BASE_KINDS, Kind};
pub use notice::{NoticeRequestResult, OfflinePayment, PayNotice, PayNoticeItem};
pub use request::{NoticeRequest, NoticeRequestItem};
pub use result::ConfirmResult;
pub use shape::Shape;
pub use table::{TABLES, Table, shapes, table};

/// A row of one table.
pub trait Row: Sized {
    /// The table as statements see it.
    const SHAPE: Shape;
    /// The table with the types and titles of its columns.
    const TABLE: Table;

    /// The values, in the order of the contract.
    fn cells(&self) -> Vec<Cell>;

    /// The row of some values in the order of the contract; none where their number or a value's type is not the table's.
    fn of_cells(cells: Vec<Cell>) -> Option<Self>;

    /// The values of the key, in key order: what a delete carries.
    fn key_cells(&self) -> Vec<Cell> {
        let cells = self.cells();
        Self::SHAPE.key_positions().map(|position| cells[position].clone()).collect()
    }
}

/// Defines a row once: the struct, its table, its columns with their types and Chinese titles, and its values.
macro_rules! row {
    (
        $(#[$doc:meta])*
        $row:ident in $table:literal titled $title:literal by [$($key:literal),+] {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $column:expr, $field_title:literal;)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $row {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        impl $crate::rows::Row for $row {
            const SHAPE: $crate::rows::Shape = $crate::rows::Shape {
                table: $table,
                columns: &[$(stringify!($field)),+],
                key: &[$($key),+],
            };
            const TABLE: $crate::rows::Table = $crate::rows::Table {
                shape: Self::SHAPE,
                title: $title,
                columns: &[$($crate::rows::Column {
                    name: stringify!($field),
                    title: $field_title,
                    kind: $column.0,
                    is_sensitive: $column.1,
                    is_nullable: <$type as $crate::rows::Held>::NULLABLE,
                }),+],
            };

            fn cells(&self) -> Vec<$crate::rows::Cell> {
                vec![$($crate::rows::Cell::from(&self.$field)),+]
            }

            fn of_cells(cells: Vec<$crate::rows::Cell>) -> Option<Self> {
                let mut cells = cells.into_iter();
                let row = Self { $($field: <$type as $crate::rows::Held>::of(cells.next()?)?,)+ };
                cells.next().is_none().then_some(row)
            }
        }
    };
}
use row;
