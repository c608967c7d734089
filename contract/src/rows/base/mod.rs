//! Base data (基础数据): eighteen kinds, which the inner zone owns.
//!
//! All have the columns of budget integration (预算管理一体化) for place, time and state. Elements have a code, a name and
//! a place in a tree besides; relations have none of these.

mod bill;
mod income;
mod place;

pub use bill::{BaseAgencyBill, BaseBillBatch, BaseBillItem, BaseBillType};
pub use income::{
    BaseAgencyItem, BaseBudgetSubject, BaseCategory, BaseFundNature, BaseIncomeItem, BaseItemShare, BaseItemStandard,
    BaseItemSubject,
};
pub use place::{BaseAccount, BaseAgency, BaseAgentBank, BaseDept, BaseFinDept, BaseRegion};

/// The code, the name and the place in its tree of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    /// 要素编码.
    pub ele_code: String,
    /// 要素名称.
    pub ele_name: String,
    /// 上级.
    pub parent_id: Option<String>,
    /// 级次.
    pub level_no: i64,
    /// 是否末级.
    pub is_leaf: bool,
}

impl Element {
    /// An element that stands alone.
    pub(crate) const fn root(ele_code: String, ele_name: String) -> Self {
        Self { ele_code, ele_name, parent_id: None, level_no: 1, is_leaf: true }
    }
}

/// Where and for how long a row of base data counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// Primary key, a GUID.
    pub id: String,
    /// 财政区划编码, 9 digits.
    pub mof_div_code: String,
    /// 预算年度, 4 digits.
    pub fiscal_year: String,
    /// 启用日期, yyyyMMdd.
    pub start_date: String,
    /// 创建时间, yyyyMMddHHmmssSSS.
    pub create_time: String,
}

/// Defines an element: a row of base data with code, name and place in a tree.
macro_rules! element {
    (
        $(#[$doc:meta])*
        $row:ident in $table:literal titled $title:literal {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $column:expr, $field_title:literal;)*
        }
    ) => {
        $crate::rows::row! {
            $(#[$doc])*
            $row in $table titled $title by ["id"] {
                /// 主键: a GUID, minted in the owner zone.
                id: String = $crate::rows::column::text(38), "主键";
                /// 财政区划编码, 9 digits.
                mof_div_code: String = $crate::rows::column::text(9), "财政区划编码";
                /// 预算年度, 4 digits.
                fiscal_year: String = $crate::rows::column::text(4), "预算年度";
                /// 要素编码: unique in its division and year.
                ele_code: String = $crate::rows::column::text(30), "要素编码";
                /// 要素名称.
                ele_name: String = $crate::rows::column::text(200), "要素名称";
                /// 上级: of the same kind.
                parent_id: Option<String> = $crate::rows::column::text(38), "上级";
                /// 级次: from 1.
                level_no: i64 = $crate::rows::column::int(1, 9), "级次";
                /// 是否末级.
                is_leaf: bool = $crate::rows::column::BOOL, "是否末级";
                /// 是否启用.
                is_enabled: bool = $crate::rows::column::BOOL, "是否启用";
                /// 启用日期: yyyyMMdd.
                start_date: String = $crate::rows::column::DATE8, "启用日期";
                /// 停用日期: yyyyMMdd.
                end_date: Option<String> = $crate::rows::column::DATE8, "停用日期";
                /// 创建时间: yyyyMMddHHmmssSSS.
                create_time: String = $crate::rows::column::TIME17, "创建时间";
                /// 更新时间: yyyyMMddHHmmssSSS.
                update_time: String = $crate::rows::column::TIME17, "更新时间";
                /// 是否删除: a tombstone.
                is_deleted: bool = $crate::rows::column::BOOL, "是否删除";
                $($(#[$field_doc])* $field: $type = $column, $field_title;)*
            }
        }

        impl $row {
            /// An enabled row whose columns of its own are empty.
            pub(crate) fn at(span: $crate::rows::Span, element: $crate::rows::Element) -> Self {
                let $crate::rows::Span { id, mof_div_code, fiscal_year, start_date, create_time } = span;
                let $crate::rows::Element { ele_code, ele_name, parent_id, level_no, is_leaf } = element;
                Self {
                    id,
                    mof_div_code,
                    fiscal_year,
                    ele_code,
                    ele_name,
                    parent_id,
                    level_no,
                    is_leaf,
                    is_enabled: true,
                    start_date,
                    update_time: create_time.clone(),
                    create_time,
                    ..Self::default()
                }
            }
        }
    };
}
use element;

/// Defines a relation: a row of base data without code and name.
macro_rules! relation {
    (
        $(#[$doc:meta])*
        $row:ident in $table:literal titled $title:literal {
            $($(#[$field_doc:meta])* $field:ident: $type:ty = $column:expr, $field_title:literal;)*
        }
    ) => {
        $crate::rows::row! {
            $(#[$doc])*
            $row in $table titled $title by ["id"] {
                /// 主键: a GUID, minted in the owner zone.
                id: String = $crate::rows::column::text(38), "主键";
                /// 财政区划编码, 9 digits.
                mof_div_code: String = $crate::rows::column::text(9), "财政区划编码";
                /// 预算年度, 4 digits.
                fiscal_year: String = $crate::rows::column::text(4), "预算年度";
                /// 是否启用.
                is_enabled: bool = $crate::rows::column::BOOL, "是否启用";
                /// 启用日期: yyyyMMdd.
                start_date: String = $crate::rows::column::DATE8, "启用日期";
                /// 停用日期: yyyyMMdd.
                end_date: Option<String> = $crate::rows::column::DATE8, "停用日期";
                /// 创建时间: yyyyMMddHHmmssSSS.
                create_time: String = $crate::rows::column::TIME17, "创建时间";
                /// 更新时间: yyyyMMddHHmmssSSS.
                update_time: String = $crate::rows::column::TIME17, "更新时间";
                /// 是否删除: a tombstone.
                is_deleted: bool = $crate::rows::column::BOOL, "是否删除";
                $($(#[$field_doc])* $field: $type = $column, $field_title;)*
            }
        }

        impl $row {
            /// An enabled row whose columns of its own are empty.
            pub(crate) fn at(span: $crate::rows::Span) -> Self {
                let $crate::rows::Span { id, mof_div_code, fiscal_year, start_date, create_time } = span;
                Self {
                    id,
                    mof_div_code,
                    fiscal_year,
                    is_enabled: true,
                    start_date,
                    update_time: create_time.clone(),
                    create_time,
                    ..Self::default()
                }
            }
        }
    };
}
use relation;
