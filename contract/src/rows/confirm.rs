//! Payment confirmations (缴款确认), which the outer zone owns.

use super::column::{BOOL, DATE8, FEN, MONEY, TIME14, TIME17, int, secret, text};
use super::row;

row! {
    /// A payment confirmation (缴款确认).
    PayConfirm in "pay_confirm" titled "缴款确认" by ["confirm_id"] {
        /// 确认单号: a GUID.
        confirm_id: String = text(38), "确认单号";
        /// 缴款码; none when the payment began at an agency's own site.
        pay_code: Option<String> = text(20), "缴款码";
        /// 财政区划编码, 9 digits.
        mof_div_code: String = text(9), "财政区划编码";
        /// 预算年度, 4 digits.
        fiscal_year: String = text(4), "预算年度";
        /// 执收单位: the id of a [`BaseAgency`](crate::rows::BaseAgency).
        agency_id: String = text(38), "执收单位";
        /// 业务条线: GENERAL, TRAFFIC, IMMIGRATION, SCHOOL or EXAM.
        biz_line: String = text(16), "业务条线";
        /// 业务号.
        biz_ref: Option<String> = text(64), "业务号";
        /// 缴款人类型: 1 个人, 2 单位.
        payer_type: i64 = int(1, 2), "缴款人类型";
        /// 缴款人全称.
        payer_name: String = text(100), "缴款人全称";
        /// 缴款账号: field-encrypted.
        payer_acct: Option<String> = secret(200), "缴款账号";
        /// 付款行行号.
        pay_bank_no: Option<String> = text(14), "付款行行号";
        /// 平台订单号.
        platform_order_no: String = text(128), "平台订单号";
        /// 支付渠道.
        channel: String = text(16), "支付渠道";
        /// 渠道订单号: unique within the channel.
        channel_order_no: String = text(64), "渠道订单号";
        /// 缴款金额, in fen: what counts against the notice.
        amount_fen: i64 = MONEY, "缴款金额";
        /// 缴款时间: yyyyMMddHHmmss.
        pay_time: String = TIME14, "缴款时间";
        /// 日切后的业务日期: yyyyMMdd.
        pay_date: String = DATE8, "日切后的业务日期";
        /// 是否重复缴款.
        is_duplicate: bool = BOOL, "是否重复缴款";
        /// 入账依据: 1 渠道结果, 2 双人确认支付.
        evidence: i64 = int(1, 2), "入账依据";
        /// 创建时间: yyyyMMddHHmmssSSS.
        create_time: String = TIME17, "创建时间";
        /// 更新时间: yyyyMMddHHmmssSSS.
        update_time: String = TIME17, "更新时间";
    }
}

row! {
    /// A line of a confirmation (缴款确认明细).
    PayConfirmItem in "pay_confirm_item" titled "缴款确认明细" by ["confirm_id", "line_no"] {
        /// 确认单号.
        confirm_id: String = text(38), "确认单号";
        /// 行号: from 1.
        line_no: i64 = int(1, 999), "行号";
        /// 收入项目编码.
        item_code: String = text(30), "收入项目编码";
        /// 收入项目名称.
        item_name: String = text(200), "收入项目名称";
        /// 数量.
        quantity: i64 = int(1, 1_000_000), "数量";
        /// 收缴标准, in fen.
        unit_fen: i64 = FEN, "收缴标准";
        /// 金额, in fen: quantity times unit.
        amount_fen: i64 = MONEY, "金额";
    }
}
