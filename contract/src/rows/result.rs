//! What the inner zone's ledger made of a confirmation.

use super::column::{TIME17, int, text};
use super::row;

row! {
    /// What the ledger made of a confirmation (确认结果).
    ConfirmResult in "confirm_result" titled "确认结果" by ["confirm_id"] {
        /// 确认单号.
        confirm_id: String = text(38), "确认单号";
        /// 匹配结果: 1 相符 MATCHED, 2 重复 DUPLICATE, 3 金额不符 AMOUNT_DIFF, 4 无通知书 NO_NOTICE.
        match_state: i64 = int(1, 4), "匹配结果";
        /// 处理决定: 1 入账, 2 线上退付, 3 线下退付, 4 人工核查.
        decision: i64 = int(1, 4), "处理决定";
        /// 记账号: of the inner ledger.
        book_no: String = text(38), "记账号";
        /// 记账时间: yyyyMMddHHmmssSSS.
        book_time: String = TIME17, "记账时间";
        /// 先行缴款: the payment that came first, of a duplicate.
        other_ref: Option<String> = text(64), "先行缴款";
        /// 差额, in fen: paid less what was due.
        diff_fen: i64 = int(-99_999_999_999, 99_999_999_999), "差额";
        /// 更新时间: yyyyMMddHHmmssSSS.
        update_time: String = TIME17, "更新时间";
    }
}
