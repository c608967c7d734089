//! Base data about bills (财政票据).

use super::{element, relation};
use crate::rows::column::{BOOL, int, text};

element! {
    /// A kind of bill (票据种类).
    BaseBillType in "base_bill_type" titled "票据种类" {
        /// 票据分类编码: digits 3 and 4 of a bill code.
        class_code: String = text(2), "票据分类编码";
        /// 票据种类编码: digits 5 and 6 of a bill code.
        kind_code: String = text(2), "票据种类编码";
        /// 票样编码.
        specimen_code: Option<String> = text(10), "票样编码";
        /// 是否电子票据.
        is_electronic: bool = BOOL, "是否电子票据";
        /// 票据介质: 1 电子, 2 机打, 3 手工.
        medium: i64 = int(1, 3), "票据介质";
    }
}

relation! {
    /// A batch of bill numbers (票据批次).
    BaseBillBatch in "base_bill_batch" titled "票据批次" {
        /// 批次号: unique in its year.
        batch_no: String = text(30), "批次号";
        /// 票据种类: the id of a [`BaseBillType`].
        bill_type_id: String = text(38), "票据种类";
        /// 票据代码, 8 digits.
        bill_code: String = text(8), "票据代码";
        /// 起始号码, 10 digits.
        begin_no: String = text(10), "起始号码";
        /// 终止号码, 10 digits.
        end_no: String = text(10), "终止号码";
        /// 数量: last number less first, plus one.
        total: i64 = int(1, 9_999_999_999), "数量";
    }
}

relation! {
    /// A segment of a batch that an agency may issue (单位票据).
    BaseAgencyBill in "base_agency_bill" titled "单位票据" {
        /// 单位: the id of a [`BaseAgency`](crate::rows::BaseAgency).
        agency_id: String = text(38), "单位";
        /// 票据批次: the id of a [`BaseBillBatch`].
        bill_batch_id: String = text(38), "票据批次";
        /// 起始号码, 10 digits.
        begin_no: String = text(10), "起始号码";
        /// 终止号码, 10 digits.
        end_no: String = text(10), "终止号码";
        /// 当前号码: the next that is free, at most the one after the last.
        next_no: String = text(10), "当前号码";
        /// 赋码方式: 1 自动赋码, 2 预发号段.
        issue_mode: i64 = int(1, 2), "赋码方式";
    }
}

relation! {
    /// That an item may stand on a kind of bill (票据项目).
    BaseBillItem in "base_bill_item" titled "票据项目" {
        /// 票据种类: the id of a [`BaseBillType`].
        bill_type_id: String = text(38), "票据种类";
        /// 收入项目: the id of a [`BaseIncomeItem`](crate::rows::BaseIncomeItem).
        item_id: String = text(38), "收入项目";
    }
}
