//! The rows of the contract's tables, typed.

mod base;
mod cell;
mod confirm;
mod json;
mod notice;
mod shape;

pub use base::{BaseAgency, BaseAgencyItem, BaseIncomeItem, BaseRegion};
pub use cell::Cell;
pub use confirm::{PayConfirm, PayConfirmItem};
pub use json::json_rows;
pub use notice::{PayNotice, PayNoticeItem};
pub use shape::{SHAPES, Shape};

/// A row of one table.
pub trait Row {
    /// The table.
    const SHAPE: Shape;

    /// The values, in the order of the contract.
    fn cells(&self) -> Vec<Cell>;

    /// The values of the key, in key order: what a delete carries.
    fn key_cells(&self) -> Vec<Cell> {
        let cells = self.cells();
        Self::SHAPE.key_positions().map(|position| cells[position].clone()).collect()
    }
}

/// Defines a row once: the struct, its table, its columns and its values all follow the same order.
macro_rules! row {
    (
        $(#[$doc:meta])*
        $row:ident in $table:literal by [$($key:literal),+] {
            $($(#[$field_doc:meta])* $field:ident: $type:ty,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $row {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        impl $crate::rows::Row for $row {
            const SHAPE: $crate::rows::Shape = $crate::rows::Shape {
                table: $table,
                columns: &[$(stringify!($field)),+],
                key: &[$($key),+],
            };

            fn cells(&self) -> Vec<$crate::rows::Cell> {
                vec![$($crate::rows::Cell::from(&self.$field)),+]
            }
        }
    };
}
use row;
