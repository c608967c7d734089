//! Payment confirmations (缴款确认), which the outer zone owns.

use super::row;

row! {
    /// A payment confirmation (缴款确认).
    PayConfirm in "pay_confirm" by ["confirm_id"] {
        /// 确认单号, a GUID.
        confirm_id: String,
        /// 缴款码; none when the payment began at an agency's own site.
        pay_code: Option<String>,
        /// 财政区划编码, 9 digits.
        mof_div_code: String,
        /// 预算年度, 4 digits.
        fiscal_year: String,
        /// 执收单位.
        agency_id: String,
        /// 业务条线: GENERAL, TRAFFIC, IMMIGRATION, SCHOOL or EXAM.
        biz_line: String,
        /// 业务号.
        biz_ref: Option<String>,
        /// 缴款人类型: 1 个人, 2 单位.
        payer_type: i64,
        /// 缴款人全称.
        payer_name: String,
        /// 缴款账号, field-encrypted.
        payer_acct: Option<String>,
        /// 付款行行号.
        pay_bank_no: Option<String>,
        /// 平台订单号.
        platform_order_no: String,
        /// 支付渠道.
        channel: String,
        /// 渠道订单号, unique within the channel.
        channel_order_no: String,
        /// 实缴金额, in fen.
        amount_fen: i64,
        /// 缴款时间, yyyyMMddHHmmss.
        pay_time: String,
        /// 日切后的业务日期, yyyyMMdd.
        pay_date: String,
        /// 是否重复缴款.
        is_duplicate: bool,
        /// 创建时间, yyyyMMddHHmmssSSS.
        create_time: String,
        /// 更新时间, yyyyMMddHHmmssSSS.
        update_time: String,
    }
}

row! {
    /// A line of a confirmation (缴款确认明细).
    PayConfirmItem in "pay_confirm_item" by ["confirm_id", "line_no"] {
        /// 确认单号.
        confirm_id: String,
        /// 行号, from 1.
        line_no: i64,
        /// 收入项目编码.
        item_code: String,
        /// 收入项目名称.
        item_name: String,
        /// 数量.
        quantity: i64,
        /// 收缴标准, in fen.
        unit_fen: i64,
        /// 金额, in fen: quantity times unit.
        amount_fen: i64,
    }
}
