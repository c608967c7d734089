//! Base data about places and people: divisions, banks, departments, agencies and accounts.

use super::element;
use crate::rows::column::{BOOL, int, secret, text};

element! {
    /// An administrative division (行政区划).
    BaseRegion in "base_region" titled "行政区划" {
        /// GB/T 2260 编码, 6 digits; a township has its county's.
        gb2260_code: String = text(6), "GB/T 2260 编码";
        /// 票据区划编码, 6 digits.
        bill_region_code: Option<String> = text(6), "票据区划编码";
    }
}

element! {
    /// A bank that collects for the finance bureau (代理银行).
    BaseAgentBank in "base_agent_bank" titled "代理银行" {
        /// 支付系统行号, 12 digits.
        pay_bank_no: Option<String> = text(14), "支付系统行号";
        /// 是否非现金收缴.
        is_noncash: bool = BOOL, "是否非现金收缴";
    }
}

element! {
    /// A department that is in charge of agencies (主管部门).
    BaseDept in "base_dept" titled "主管部门" {
        /// 统一社会信用代码: GB 32100.
        uscc: Option<String> = text(18), "统一社会信用代码";
    }
}

element! {
    /// A division of the finance bureau that is in charge of departments (归口财政部门).
    BaseFinDept in "base_fin_dept" titled "归口财政部门" {
        /// 联系人: field-encrypted.
        contact: Option<String> = secret(200), "联系人";
    }
}

element! {
    /// An agency (单位信息): one that collects (执收单位) or one that issues bills (用票单位).
    BaseAgency in "base_agency" titled "单位信息" {
        /// 行政区划: the id of a [`BaseRegion`].
        region_id: String = text(38), "行政区划";
        /// 主管部门: the id of a [`BaseDept`].
        dept_id: String = text(38), "主管部门";
        /// 归口财政部门: the id of a [`BaseFinDept`].
        fin_dept_id: String = text(38), "归口财政部门";
        /// 统一社会信用代码: GB 32100.
        uscc: Option<String> = text(18), "统一社会信用代码";
        /// 单位类型: 1 执收单位, 2 用票单位.
        unit_type: i64 = int(1, 2), "单位类型";
        /// 地址.
        address: Option<String> = text(200), "地址";
        /// 联系电话: field-encrypted.
        phone: Option<String> = secret(200), "联系电话";
    }
}

element! {
    /// A bank account of the bureau or of an agency (银行账户).
    BaseAccount in "base_account" titled "银行账户" {
        /// 代理银行: the id of a [`BaseAgentBank`].
        bank_id: String = text(38), "代理银行";
        /// 账号: field-encrypted.
        acct_no: String = secret(200), "账号";
        /// 开户行名称.
        open_bank_name: String = text(200), "开户行名称";
        /// 账户类型: 1 财政专户, 2 汇缴结算户, 3 国库, 4 待查.
        acct_kind: i64 = int(1, 4), "账户类型";
        /// 单位: the id of a [`BaseAgency`].
        agency_id: Option<String> = text(38), "单位";
    }
}
