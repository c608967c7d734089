//! What is wrong with a row, in words that name table, key, column and rule.

use core::fmt;

/// How much a fault weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The row counts; somebody should look.
    Warning,
    /// The row does not count.
    Refusal,
}

/// A fault of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The table.
    pub table: &'static str,
    /// The row's key, its parts joined by `/`; empty where it has none.
    pub key: String,
    /// The column; empty where the fault is the whole row's.
    pub column: &'static str,
    /// What was broken.
    pub rule: Rule,
    /// How much it weighs.
    pub severity: Severity,
}

impl Fault {
    /// A fault for which the row is refused.
    #[must_use]
    pub fn refusal(table: &'static str, key: impl Into<String>, column: &'static str, rule: Rule) -> Self {
        Self { table, key: key.into(), column, rule, severity: Severity::Refusal }
    }

    /// A fault of which people are told, and no more.
    #[must_use]
    pub fn warning(table: &'static str, key: impl Into<String>, column: &'static str, rule: Rule) -> Self {
        Self { severity: Severity::Warning, ..Self::refusal(table, key, column, rule) }
    }

    /// Table, key and column, such as `base_agency/0A….uscc`.
    #[must_use]
    pub fn place(&self) -> String {
        let key = if self.key.is_empty() { String::new() } else { format!("/{}", self.key) };
        let column = if self.column.is_empty() { String::new() } else { format!(".{}", self.column) };
        format!("{}{key}{column}", self.table)
    }

    /// The fault in Chinese.
    #[must_use]
    pub fn chinese(&self) -> String {
        format!("{}：{}（{}）", self.place(), self.rule.chinese(), self.rule.code())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} ({})", self.place(), self.rule.english(), self.rule.code())
    }
}

/// Defines the rules once: the name, the values that a sentence shows, the code, and the sentence in both languages.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident $({ $($field:ident: $type:ty),+ })? = $code:literal, $english:literal, $chinese:literal;)+) => {
        /// What a row can break.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Rule {
            $($(#[$doc])* $rule $({ $(#[doc = concat!("The ", stringify!($field), ".")] $field: $type),+ })?,)+
        }

        impl Rule {
            /// The code by which programs and documents know the rule.
            #[must_use]
            pub const fn code(&self) -> &'static str {
                match self { $(Self::$rule $({ $($field: _),+ })? => $code,)+ }
            }

            /// What is wrong, in English.
            #[must_use]
            pub fn english(&self) -> String {
                match self { $(Self::$rule $({ $($field),+ })? => format!($english),)+ }
            }

            /// What is wrong, in Chinese.
            #[must_use]
            pub fn chinese(&self) -> String {
                match self { $(Self::$rule $({ $($field),+ })? => format!($chinese),)+ }
            }
        }

        /// Every rule's code with a sample of its sentences, for documents.
        #[cfg(test)]
        const CODES: &[&str] = &[$($code),+];
    };
}

rules! {
    /// A value that must be there is not.
    Missing = "missing", "there must be a value", "不得为空";
    /// A value is of another type.
    WrongType { wanted: &'static str } = "wrong-type", "must be {wanted}", "类型不符，应为 {wanted}";
    /// Text is wider than its column.
    TooWide { width: usize, most: usize } = "too-wide", "is {width} wide, at most {most} are allowed (a Chinese character counts 2)", "宽度为 {width}，最多 {most}（一个汉字计 2）";
    /// A number is outside its range.
    OutOfRange { least: i64, most: i64 } = "out-of-range", "must be {least} to {most}", "应在 {least} 至 {most} 之间";
    /// Money is below nothing.
    Negative = "negative", "money must not be negative", "金额不得为负";
    /// Money has more digits than an order can have.
    AmountTooLarge { most: i64 } = "amount-too-large", "at most {most} fen (11 digits) are allowed", "金额最多 {most} 分（11 位）";
    /// Money that must be paid is nothing.
    AmountZero = "amount-zero", "the amount must be more than nothing", "金额应大于零";
    /// Text that people do not see or that databases do not keep.
    ControlCharacter = "control-character", "must not hold control characters", "不得含控制字符";
    /// No day of the calendar.
    NotADate = "not-a-date", "must be a day of the calendar, yyyyMMdd", "应为有效日期 yyyyMMdd";
    /// No time of the day.
    NotATime { form: &'static str } = "not-a-time", "must be a time, {form}", "应为有效时间 {form}";
    /// A code that is not of so many digits.
    NotDigits { digits: usize } = "not-digits", "must have {digits} digits", "应为 {digits} 位数字";
    /// A code that is none of a list.
    NotOneOf { list: &'static str } = "not-one-of", "must be one of {list}", "应为 {list} 之一";
    /// A sensitive value that was not encrypted with the field key.
    NotEncrypted = "not-encrypted", "a sensitive value must be encrypted with the field key", "敏感字段应以字段密钥加密";
    /// A sensitive value that comes encrypted where it must come in the clear.
    AlreadyEncrypted = "already-encrypted", "must be plain text; it is encrypted already", "应为明文，该值已加密";
    /// A span that ends before it begins.
    EndsBeforeStart = "ends-before-start", "the end must not come before the start", "止期不得早于起期";
    /// A wrong check character (GB 32100).
    UsccCheck = "uscc-check", "the check character is not that of GB 32100", "统一社会信用代码校验位不符合 GB 32100";
    /// A code that GB 32100 does not allow.
    UsccForm = "uscc-form", "must have 18 characters of GB 32100", "应为 GB 32100 规定的 18 位字符";
    /// A level that the code does not have.
    RegionLevel { expected: i64 } = "region-level", "the code is one of level {expected}", "编码对应的级次为 {expected}";
    /// A division that GB/T 2260 does not have.
    RegionUnknown { code: String } = "region-unknown", "{code} is not a division of GB/T 2260", "{code} 不在 GB/T 2260 行政区划之内";
    /// A row that another one names and that is not there.
    NoSuch { table: &'static str, id: String } = "no-such", "there is no {id} in {table}", "{table} 中没有 {id}";
    /// A row that is to be deleted and that another one names.
    Referred { table: &'static str, id: String } = "referred", "{id} in {table} still names it", "仍被 {table} 中的 {id} 引用";
    /// A parent that is not one level above.
    ParentLevel { parent: i64 } = "parent-level", "the level must be one below that of the parent, {parent}", "级次应比上级（{parent}）低一级";
    /// A row that is its own ancestor.
    ParentCycle = "parent-cycle", "is above itself in its tree", "上下级关系成环";
    /// A leaf with rows below it, or a branch with none.
    LeafState = "leaf-state", "is_leaf does not agree with the rows below it", "是否末级与下级不符";
    /// A code or name that another row has.
    Duplicate { other: String } = "duplicate", "{other} has the same", "与 {other} 重复";
    /// Shares of an item that are not the whole.
    ShareSum { sum: i64 } = "share-sum", "the shares of the item add up to {sum} ten-thousandths, not to 10000", "该项目分成比例合计 {sum}（万分之），应为 10000";
    /// A bill code of another kind of bill.
    BillCodeKind { digits: String } = "bill-code-kind", "digits 3 to 6 of the bill code must be {digits}, the class and the kind of its type", "票据代码第 3 至 6 位应为票据分类与种类编码 {digits}";
    /// Bill numbers that end before they begin.
    SegmentOrder = "segment-order", "the last number must not be below the first", "终止号码不得小于起始号码";
    /// A count of bill numbers that is not that of the numbers.
    SegmentTotal { count: i64 } = "segment-total", "from the first number to the last there are {count}", "起止号码之间共 {count} 份";
    /// Bill numbers that others have.
    SegmentOverlap { other: String } = "segment-overlap", "some of the numbers are those of {other}", "号段与 {other} 重叠";
    /// Bill numbers outside their batch.
    SegmentOutside = "segment-outside", "the numbers must lie within their batch", "号段应在批次之内";
    /// A next bill number outside the segment.
    SegmentNext = "segment-next", "the next number must lie within the segment or right after it", "当前号码应在号段之内或紧随其后";
    /// A standard without the values that its type needs, or with others.
    StandardValues { kind: i64 } = "standard-values", "a standard of type {kind} needs its own values and no others", "标准类型 {kind} 所需数值缺失或多余";
    /// A least value above the most.
    LeastAboveMost = "least-above-most", "the lower limit must not be above the upper one", "下限不得高于上限";
    /// A subject that does not begin like its parent.
    SubjectPrefix = "subject-prefix", "a subject must begin with the code of its parent and have two more digits", "科目编码应以上级编码开头并多两位";
    /// An account that names an agency and needs none, or the other way round.
    AccountOwner = "account-owner", "a remittance account (汇缴结算户) names its agency, and no other account does", "汇缴结算户须注明单位，其他账户不得注明";
    /// A paper without lines.
    NoLines = "no-lines", "there must be at least one line", "至少应有一行明细";
    /// A paper with too many lines.
    TooManyLines { most: usize } = "too-many-lines", "at most {most} lines are allowed", "明细最多 {most} 行";
    /// Lines that are not numbered from 1 on.
    LineNumbers = "line-numbers", "lines must be numbered from 1 without a gap", "明细行号应从 1 起连续";
    /// A line whose amount is not its quantity times its unit.
    LineAmount { product: i64 } = "line-amount", "quantity times unit is {product}", "数量乘以标准为 {product}";
    /// Lines that do not add up to what is stated.
    LineSum { sum: i64 } = "line-sum", "the lines add up to {sum}", "明细合计为 {sum}";
    /// A total that is not the amount and the late fee.
    Total { sum: i64 } = "total", "the amount and the late fee are {sum} together", "应缴金额与滞纳金合计为 {sum}";
    /// The equation of an order that does not hold.
    ChargeEquation { sum: i64 } = "charge-equation", "discounts, fee and what is received are {sum} together, which must be the original amount", "优惠、手续费与实收合计 {sum}，应等于原金额";
    /// A pay code of another form.
    PayCodeForm { pattern: String } = "pay-code-form", "must match {pattern}", "应符合 {pattern}";
    /// A pay code with a wrong check digit, where one is demanded.
    PayCodeCheck = "pay-code-check", "the check digit is wrong (a rule of the simulation, ISO 7064 MOD 11,10)", "校验位有误（模拟规则，ISO 7064 MOD 11,10）";
    /// An item that the agency may not collect.
    NotCollected = "not-collected", "the agency does not collect this item", "该单位未开通此收入项目";
    /// A row that is disabled, deleted, or outside its days.
    NotInForce = "not-in-force", "is not in force on that day", "当日未启用或已停用";
    /// An amount outside the item's standards.
    OutsideStandard { least: i64, most: i64 } = "outside-standard", "the standard allows {least} to {most} fen", "收缴标准为 {least} 至 {most} 分";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{CODES, Fault, Rule};

    #[test]
    fn a_fault_names_table_key_column_and_rule() {
        let fault = Fault::refusal("pay_notice", "6101", "payer_name", Rule::TooWide { width: 102, most: 100 });
        assert_eq!(
            fault.to_string(),
            "pay_notice/6101.payer_name: is 102 wide, at most 100 are allowed (a Chinese character counts 2) (too-wide)"
        );
        assert_eq!(fault.chinese(), "pay_notice/6101.payer_name：宽度为 102，最多 100（一个汉字计 2）（too-wide）");
        assert_eq!(Fault::refusal("pay_notice", "", "", Rule::NoLines).place(), "pay_notice");
    }

    #[test]
    fn no_two_rules_have_one_code() {
        assert_eq!(CODES.iter().collect::<BTreeSet<_>>().len(), CODES.len());
    }
}
