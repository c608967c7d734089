//! Payment notices (缴款通知书), which the inner zone owns.

use super::row;

row! {
    /// A payment notice (缴款通知书).
    PayNotice in "pay_notice" by ["pay_code"] {
        /// 缴款码, 20 digits.
        pay_code: String,
        /// 财政区划编码, 9 digits.
        mof_div_code: String,
        /// 预算年度, 4 digits.
        fiscal_year: String,
        /// 执收单位.
        agency_id: String,
        /// 填制日期, yyyyMMdd.
        bill_date: String,
        /// 缴款期限, yyyyMMdd.
        expire_date: Option<String>,
        /// 缴款人类型: 1 个人, 2 单位.
        payer_type: i64,
        /// 缴款人全称.
        payer_name: String,
        /// 缴款人证件号, field-encrypted.
        payer_id_no: Option<String>,
        /// 缴款人手机号, field-encrypted.
        payer_phone: Option<String>,
        /// 应缴金额, in fen.
        amount_fen: i64,
        /// 滞纳金, in fen.
        late_fee_fen: i64,
        /// 合计金额, in fen: the amount and the late fee.
        total_fen: i64,
        /// 状态: 0 未缴, 1 已缴, 2 作废.
        state: i64,
        /// 业务条线: GENERAL, TRAFFIC, IMMIGRATION, SCHOOL or EXAM.
        biz_line: String,
        /// 业务号.
        biz_ref: Option<String>,
        /// 创建时间, yyyyMMddHHmmssSSS.
        create_time: String,
        /// 更新时间, yyyyMMddHHmmssSSS.
        update_time: String,
    }
}

row! {
    /// A line of a notice (缴款通知书明细).
    PayNoticeItem in "pay_notice_item" by ["pay_code", "line_no"] {
        /// 缴款码.
        pay_code: String,
        /// 行号, from 1.
        line_no: i64,
        /// 收入项目.
        item_id: String,
        /// 收入项目编码.
        item_code: String,
        /// 收入项目名称.
        item_name: String,
        /// 预算科目编码.
        subj_code: String,
        /// 数量.
        quantity: i64,
        /// 收缴标准, in fen.
        unit_fen: i64,
        /// 金额, in fen: quantity times unit.
        amount_fen: i64,
    }
}
