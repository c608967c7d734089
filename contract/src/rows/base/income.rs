//! Base data about income: what is paid for, how much, and to whom it goes.

use super::{element, relation};
use crate::rows::column::{FEN, int, text};

element! {
    /// A category of income (收入类别).
    BaseCategory in "base_category" titled "收入类别" {}
}

element! {
    /// A nature of funds (资金性质): which budget they belong to.
    BaseFundNature in "base_fund_nature" titled "资金性质" {}
}

element! {
    /// A subject of the budget (预算科目): 3, 5, 7 or 9 digits, each the beginning of those below it.
    BaseBudgetSubject in "base_budget_subject" titled "预算科目" {}
}

element! {
    /// An income item (收入项目): what is paid for.
    BaseIncomeItem in "base_income_item" titled "收入项目" {
        /// 全国统一项目识别码.
        uniform_code: Option<String> = text(20), "全国统一项目识别码";
        /// 收入类别: the id of a [`BaseCategory`].
        category_id: String = text(38), "收入类别";
        /// 资金性质: the id of a [`BaseFundNature`].
        fund_nature_id: String = text(38), "资金性质";
        /// 计量单位.
        unit_of_measure: String = text(20), "计量单位";
        /// 政策依据文号.
        policy_doc: Option<String> = text(200), "政策依据文号";
        /// 缴库方式: 1 直缴, 2 集中汇缴.
        settle_mode: i64 = int(1, 2), "缴库方式";
    }
}

relation! {
    /// The right of an agency to collect an item (单位项目); the largest table.
    BaseAgencyItem in "base_agency_item" titled "单位项目" {
        /// 单位: the id of a [`BaseAgency`](crate::rows::BaseAgency).
        agency_id: String = text(38), "单位";
        /// 收入项目: the id of a [`BaseIncomeItem`].
        item_id: String = text(38), "收入项目";
        /// 收款账户: the id of a [`BaseAccount`](crate::rows::BaseAccount).
        account_id: Option<String> = text(38), "收款账户";
    }
}

relation! {
    /// A charging standard of an item (项目标准).
    BaseItemStandard in "base_item_standard" titled "项目标准" {
        /// 收入项目: the id of a [`BaseIncomeItem`].
        item_id: String = text(38), "收入项目";
        /// 标准序号: from 1.
        std_no: i64 = int(1, 999), "标准序号";
        /// 标准类型: 1 无限制, 2 金额上下限, 3 定额, 4 比例.
        std_type: i64 = int(1, 4), "标准类型";
        /// 下限, in fen.
        min_fen: Option<i64> = FEN, "下限";
        /// 上限, in fen.
        max_fen: Option<i64> = FEN, "上限";
        /// 定额, in fen.
        unit_fen: Option<i64> = FEN, "定额";
        /// 比例, in ten-thousandths.
        ratio_bp: Option<i64> = int(0, 10_000), "比例";
        /// 计量单位.
        unit_of_measure: Option<String> = text(20), "计量单位";
    }
}

relation! {
    /// A share of an item that one level of government gets (项目分成).
    BaseItemShare in "base_item_share" titled "项目分成" {
        /// 收入项目: the id of a [`BaseIncomeItem`].
        item_id: String = text(38), "收入项目";
        /// 分成级次: 1 中央, 2 省, 3 市, 4 县.
        share_level: i64 = int(1, 4), "分成级次";
        /// 分成序号: from 1, within its level.
        share_no: i64 = int(1, 999), "分成序号";
        /// 分成比例, in ten-thousandths; those of an item add up to 10 000.
        ratio_bp: i64 = int(0, 10_000), "分成比例";
        /// 分成账户: the id of a [`BaseAccount`](crate::rows::BaseAccount).
        account_id: Option<String> = text(38), "分成账户";
        /// 定额分成, in fen.
        fixed_fen: Option<i64> = FEN, "定额分成";
    }
}

relation! {
    /// The subject of the budget under which an item is booked (项目对应科目).
    BaseItemSubject in "base_item_subject" titled "项目对应科目" {
        /// 收入项目: the id of a [`BaseIncomeItem`].
        item_id: String = text(38), "收入项目";
        /// 预算科目: the id of a [`BaseBudgetSubject`].
        subject_id: String = text(38), "预算科目";
        /// 分成级次: 1 中央, 2 省, 3 市, 4 县; none for all.
        share_level: Option<i64> = int(1, 4), "分成级次";
    }
}
