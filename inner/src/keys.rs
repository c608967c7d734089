//! What ties rows of base data together: the columns that name rows of other tables, and those in which no two rows are the same.

use contract::rows::{BASE_KINDS, Table};

/// The tables whose ids columns of base data hold.
const REFERRED: [(&str, &str); 12] = [
    ("region_id", "base_region"),
    ("bank_id", "base_agent_bank"),
    ("dept_id", "base_dept"),
    ("fin_dept_id", "base_fin_dept"),
    ("bill_type_id", "base_bill_type"),
    ("category_id", "base_category"),
    ("fund_nature_id", "base_fund_nature"),
    ("subject_id", "base_budget_subject"),
    ("agency_id", "base_agency"),
    ("bill_batch_id", "base_bill_batch"),
    ("account_id", "base_account"),
    ("item_id", "base_income_item"),
];
/// The columns in which no two rows of an element are the same.
const ELEMENT: &[&[&str]] = &[&["mof_div_code", "fiscal_year", "ele_code"]];

/// The table whose id a column of a table holds, if it holds one.
pub(crate) fn referred(table: &Table, column: &str) -> Option<&'static str> {
    if column == "parent_id" {
        return contract::rows::table(table.shape.table).map(|table| table.shape.table);
    }
    REFERRED.iter().find(|(name, _)| *name == column).map(|(_, target)| *target)
}

/// The tables and columns that name rows of a table.
pub(crate) fn referrers(target: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    BASE_KINDS.iter().flat_map(move |kind| {
        let table = kind.definition();
        let columns = table.columns.iter().filter(move |column| referred(table, column.name) == Some(target));
        columns.map(|column| (table.shape.table, column.name))
    })
}

/// The columns in which no two rows of a table are the same; the first ones say which row a line without an id is.
pub(crate) fn unique(table: &Table) -> &'static [&'static [&'static str]] {
    match table.shape.table {
        "base_region" => &[&["fiscal_year", "level_no", "ele_code"]],
        "base_bill_batch" => &[&["fiscal_year", "batch_no"], &["bill_code", "begin_no"]],
        "base_agency_bill" => &[&["bill_batch_id", "begin_no"]],
        "base_agency_item" => &[&["agency_id", "item_id"]],
        "base_item_standard" => &[&["item_id", "std_no"]],
        "base_item_share" => &[&["item_id", "share_level", "share_no"]],
        "base_bill_item" => &[&["bill_type_id", "item_id"]],
        "base_item_subject" => &[&["item_id", "subject_id"]],
        _ => ELEMENT,
    }
}
