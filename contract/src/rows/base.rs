//! Base data (基础数据), which the inner zone owns.

use super::row;

row! {
    /// An administrative division (行政区划).
    BaseRegion in "base_region" by ["id"] {
        /// Primary key, a GUID.
        id: String,
        /// 财政区划编码, 9 digits.
        mof_div_code: String,
        /// 预算年度, 4 digits.
        fiscal_year: String,
        /// 要素编码.
        ele_code: String,
        /// 要素名称.
        ele_name: String,
        /// 上级.
        parent_id: Option<String>,
        /// 级次.
        level_no: i64,
        /// 是否末级.
        is_leaf: bool,
        /// 是否启用.
        is_enabled: bool,
        /// 启用日期, yyyyMMdd.
        start_date: String,
        /// 停用日期, yyyyMMdd.
        end_date: Option<String>,
        /// 创建时间, yyyyMMddHHmmssSSS.
        create_time: String,
        /// 更新时间, yyyyMMddHHmmssSSS.
        update_time: String,
        /// 是否删除.
        is_deleted: bool,
        /// GB/T 2260 编码; a township has its county's.
        gb2260_code: String,
        /// 票据区划编码.
        bill_region_code: Option<String>,
    }
}

row! {
    /// An agency (单位).
    BaseAgency in "base_agency" by ["id"] {
        /// Primary key, a GUID.
        id: String,
        /// 财政区划编码, 9 digits.
        mof_div_code: String,
        /// 预算年度, 4 digits.
        fiscal_year: String,
        /// 要素编码.
        ele_code: String,
        /// 要素名称.
        ele_name: String,
        /// 上级.
        parent_id: Option<String>,
        /// 级次.
        level_no: i64,
        /// 是否末级.
        is_leaf: bool,
        /// 是否启用.
        is_enabled: bool,
        /// 启用日期, yyyyMMdd.
        start_date: String,
        /// 停用日期, yyyyMMdd.
        end_date: Option<String>,
        /// 创建时间, yyyyMMddHHmmssSSS.
        create_time: String,
        /// 更新时间, yyyyMMddHHmmssSSS.
        update_time: String,
        /// 是否删除.
        is_deleted: bool,
        /// 行政区划, the id of a [`BaseRegion`].
        region_id: String,
        /// 主管部门编码.
        dept_code: String,
        /// 归口财政部门编码.
        fin_dept_code: String,
        /// 统一社会信用代码 (GB 32100).
        uscc: Option<String>,
        /// 单位类型: 1 执收单位, 2 用票单位.
        unit_type: i64,
        /// 地址.
        address: Option<String>,
        /// 联系电话, field-encrypted.
        phone: Option<String>,
    }
}

row! {
    /// An income item (收入项目).
    BaseIncomeItem in "base_income_item" by ["id"] {
        /// Primary key, a GUID.
        id: String,
        /// 财政区划编码, 9 digits.
        mof_div_code: String,
        /// 预算年度, 4 digits.
        fiscal_year: String,
        /// 要素编码.
        ele_code: String,
        /// 要素名称.
        ele_name: String,
        /// 上级.
        parent_id: Option<String>,
        /// 级次.
        level_no: i64,
        /// 是否末级.
        is_leaf: bool,
        /// 是否启用.
        is_enabled: bool,
        /// 启用日期, yyyyMMdd.
        start_date: String,
        /// 停用日期, yyyyMMdd.
        end_date: Option<String>,
        /// 创建时间, yyyyMMddHHmmssSSS.
        create_time: String,
        /// 更新时间, yyyyMMddHHmmssSSS.
        update_time: String,
        /// 是否删除.
        is_deleted: bool,
        /// 全国统一项目识别码.
        uniform_code: Option<String>,
        /// 收入类别编码.
        category_code: String,
        /// 资金性质编码.
        fund_code: String,
        /// 预算科目编码.
        subj_code: String,
        /// 计量单位.
        unit_of_measure: String,
        /// 政策依据文号.
        policy_doc: Option<String>,
        /// 缴库方式: 1 直缴, 2 集中汇缴.
        settle_mode: i64,
        /// 收缴标准下限, in fen.
        min_fen: i64,
        /// 收缴标准上限, in fen.
        max_fen: Option<i64>,
    }
}

row! {
    /// The right of an agency to collect an item (单位项目).
    BaseAgencyItem in "base_agency_item" by ["id"] {
        /// Primary key, a GUID.
        id: String,
        /// 财政区划编码, 9 digits.
        mof_div_code: String,
        /// 预算年度, 4 digits.
        fiscal_year: String,
        /// 单位, the id of a [`BaseAgency`].
        agency_id: String,
        /// 收入项目, the id of a [`BaseIncomeItem`].
        item_id: String,
        /// 是否启用.
        is_enabled: bool,
        /// 启用日期, yyyyMMdd.
        start_date: String,
        /// 停用日期, yyyyMMdd.
        end_date: Option<String>,
        /// 创建时间, yyyyMMddHHmmssSSS.
        create_time: String,
        /// 更新时间, yyyyMMddHHmmssSSS.
        update_time: String,
        /// 是否删除.
        is_deleted: bool,
    }
}
