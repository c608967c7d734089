//! What the inner zone tells of payments that are due: notices, payments made offline, answers to requests.

use super::column::{DATE8, FEN, MONEY, TIME14, TIME17, int, secret, text};
use super::row;

row! {
    /// A payment notice (缴款通知书).
    PayNotice in "pay_notice" titled "缴款通知书" by ["pay_code"] {
        /// 缴款码, 20 digits by default; minted inside only.
        pay_code: String = text(20), "缴款码";
        /// 财政区划编码, 9 digits.
        mof_div_code: String = text(9), "财政区划编码";
        /// 预算年度, 4 digits.
        fiscal_year: String = text(4), "预算年度";
        /// 执收单位: the id of a [`BaseAgency`](crate::rows::BaseAgency).
        agency_id: String = text(38), "执收单位";
        /// 填制日期: yyyyMMdd.
        bill_date: String = DATE8, "填制日期";
        /// 缴款期限: yyyyMMdd, the last day.
        expire_date: Option<String> = DATE8, "缴款期限";
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
        /// 滞纳金, in fen.
        late_fee_fen: i64 = MONEY, "滞纳金";
        /// 合计金额, in fen: the amount and the late fee.
        total_fen: i64 = MONEY, "合计金额";
        /// 状态: 0 未缴, 1 已缴, 2 作废.
        state: i64 = int(0, 2), "状态";
        /// 业务条线: GENERAL, TRAFFIC, IMMIGRATION, SCHOOL or EXAM.
        biz_line: String = text(16), "业务条线";
        /// 业务号: such as the number of a penalty decision (处罚决定书号).
        biz_ref: Option<String> = text(64), "业务号";
        /// 收款账户: the id of a [`BaseAccount`](crate::rows::BaseAccount).
        account_id: Option<String> = text(38), "收款账户";
        /// 开具申请: the request of the outer zone that asked for it.
        request_id: Option<String> = text(38), "开具申请";
        /// 创建时间: yyyyMMddHHmmssSSS.
        create_time: String = TIME17, "创建时间";
        /// 更新时间: yyyyMMddHHmmssSSS.
        update_time: String = TIME17, "更新时间";
    }
}

row! {
    /// A line of a notice (缴款通知书明细).
    PayNoticeItem in "pay_notice_item" titled "缴款通知书明细" by ["pay_code", "line_no"] {
        /// 缴款码.
        pay_code: String = text(20), "缴款码";
        /// 行号: from 1.
        line_no: i64 = int(1, 999), "行号";
        /// 收入项目: the id of a [`BaseIncomeItem`](crate::rows::BaseIncomeItem).
        item_id: String = text(38), "收入项目";
        /// 收入项目编码.
        item_code: String = text(30), "收入项目编码";
        /// 收入项目名称.
        item_name: String = text(200), "收入项目名称";
        /// 预算科目编码.
        subj_code: String = text(9), "预算科目编码";
        /// 数量.
        quantity: i64 = int(1, 1_000_000), "数量";
        /// 收缴标准, in fen.
        unit_fen: i64 = FEN, "收缴标准";
        /// 金额, in fen: quantity times unit.
        amount_fen: i64 = MONEY, "金额";
    }
}

row! {
    /// A payment at a bank's counter, or one of a batch that the police report (线下缴款).
    OfflinePayment in "offline_payment" titled "线下缴款" by ["payment_id"] {
        /// 线下缴款号: a GUID.
        payment_id: String = text(38), "线下缴款号";
        /// 缴款码.
        pay_code: String = text(20), "缴款码";
        /// 来源: 1 银行柜面, 2 交警批量.
        source: i64 = int(1, 2), "来源";
        /// 来源流水号: unique in its source.
        source_ref: String = text(64), "来源流水号";
        /// 金额, in fen.
        amount_fen: i64 = MONEY, "金额";
        /// 缴款时间: yyyyMMddHHmmss.
        pay_time: String = TIME14, "缴款时间";
        /// 业务日期: yyyyMMdd.
        pay_date: String = DATE8, "业务日期";
        /// 记账号: of the inner ledger.
        book_no: String = text(38), "记账号";
        /// 退付状态: 0 无需, 1 待退, 2 已退.
        refund_state: i64 = int(0, 2), "退付状态";
        /// 创建时间: yyyyMMddHHmmssSSS.
        create_time: String = TIME17, "创建时间";
        /// 更新时间: yyyyMMddHHmmssSSS.
        update_time: String = TIME17, "更新时间";
    }
}

row! {
    /// What became of a request for a notice (开具结果).
    NoticeRequestResult in "notice_request_result" titled "开具结果" by ["request_id"] {
        /// 开具申请号.
        request_id: String = text(38), "开具申请号";
        /// 结果: 1 已开具, 2 已退回.
        state: i64 = int(1, 2), "结果";
        /// 缴款码: of the notice that was issued.
        pay_code: Option<String> = text(20), "缴款码";
        /// 退回原因编码: the rule that the request broke.
        reason_code: Option<String> = text(32), "退回原因编码";
        /// 退回原因.
        reason: Option<String> = text(400), "退回原因";
        /// 答复时间: yyyyMMddHHmmssSSS.
        answer_time: String = TIME17, "答复时间";
    }
}
