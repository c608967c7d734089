//! Requests for notices (开具申请), which the outer zone owns.

use super::column::{DATE8, FEN, MONEY, TIME17, int, secret, text};
use super::row;

row! {
    /// A request of the outer zone that a notice be issued (开具申请).
    NoticeRequest in "notice_request" titled "开具申请" by ["request_id"] {
        /// 开具申请号: a GUID.
        request_id: String = text(38), "开具申请号";
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
        /// 缴款人证件号: field-encrypted.
        payer_id_no: Option<String> = secret(200), "缴款人证件号";
        /// 缴款人手机号: field-encrypted.
        payer_phone: Option<String> = secret(200), "缴款人手机号";
        /// 应缴金额, in fen.
        amount_fen: i64 = MONEY, "应缴金额";
        /// 缴款期限: yyyyMMdd, the last day.
        expire_date: Option<String> = DATE8, "缴款期限";
        /// 创建时间: yyyyMMddHHmmssSSS.
        create_time: String = TIME17, "创建时间";
        /// 更新时间: yyyyMMddHHmmssSSS.
        update_time: String = TIME17, "更新时间";
    }
}

row! {
    /// A line of a request (开具申请明细).
    NoticeRequestItem in "notice_request_item" titled "开具申请明细" by ["request_id", "line_no"] {
        /// 开具申请号.
        request_id: String = text(38), "开具申请号";
        /// 行号: from 1.
        line_no: i64 = int(1, 999), "行号";
        /// 收入项目编码.
        item_code: String = text(30), "收入项目编码";
        /// 数量.
        quantity: i64 = int(1, 1_000_000), "数量";
        /// 收缴标准, in fen.
        unit_fen: i64 = FEN, "收缴标准";
        /// 金额, in fen: quantity times unit.
        amount_fen: i64 = MONEY, "金额";
    }
}
