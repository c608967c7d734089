//! The sentences for the codes of the format, in both languages.

use ferry_format::FormatError;

use crate::lang::Text;

/// What is wrong with a file, in both languages.
#[must_use]
pub fn format_error(error: &FormatError) -> Text {
    Text::new(error.to_string(), chinese(error))
}

fn chinese(error: &FormatError) -> String {
    let sentence = chinese_of_code(error.code()).unwrap_or("文件不符合格式");
    match detail(error) {
        Some(detail) => format!("{sentence}（{detail}）"),
        None => sentence.to_owned(),
    }
}

/// Where in the file, for the errors that know it.
fn detail(error: &FormatError) -> Option<String> {
    if let FormatError::DamagedChunk { index } | FormatError::Undecryptable { index } = error {
        return Some(format!("第 {index} 块"));
    }
    if let FormatError::UnknownField { field }
    | FormatError::MissingField { field }
    | FormatError::BadValue { field, .. } = error
    {
        return Some(field.clone());
    }
    if let FormatError::Limit { max, .. } = error {
        return Some(format!("上限 {max}"));
    }
    if let FormatError::NotCanonical { at, .. } = error {
        return Some(format!("第 {at} 字节"));
    }
    None
}

/// The Chinese sentence for one code of the format.
#[must_use]
pub fn chinese_of_code(code: &str) -> Option<&'static str> {
    let found = SENTENCES.binary_search_by_key(&code, |(code, _)| *code).ok()?;
    Some(SENTENCES[found].1)
}

/// In order of code.
const SENTENCES: &[(&str, &str)] = &[
    ("announced-key", "签名密钥仅已公告，尚未经操作员确认"),
    ("bad-approval", "操作员的批准签名未通过验证"),
    ("bad-carrier", "文本载体的写法与规定不符"),
    ("bad-compression", "压缩数据不符合规定"),
    ("bad-end", "缺少结束标记"),
    ("bad-frontier", "审计日志的头部已损坏"),
    ("bad-key", "不是 SM2 公钥"),
    ("bad-name", "文件名不符合规则"),
    ("bad-private-key", "不是 PKCS#8 PEM 格式的 SM2 私钥"),
    ("bad-record", "记录不是规范写法"),
    ("bad-signature", "签名未通过验证"),
    ("bad-value", "字段取值不合法"),
    ("count-mismatch", "声明的记录数与实际不符"),
    ("damaged-chunk", "数据块在传输中被改动"),
    ("inconsistent", "文件头自相矛盾"),
    ("key-unavailable", "密钥服务不可用"),
    ("limit", "超出规定上限"),
    ("missing-field", "缺少字段"),
    ("not-a-recipient", "不是加密给本区密钥的文件"),
    ("not-canonical", "文件头不是规范写法"),
    ("not-permitted", "签名密钥无权签署此类文件"),
    ("plain-digest", "记录的摘要与声明不符"),
    ("plain-length", "记录的长度与声明不符"),
    ("revoked-key", "由已吊销的密钥签名"),
    ("signature-encoding", "签名不是严格的 DER 编码"),
    ("too-few-approvals", "签名的操作员人数不足"),
    ("trailing-bytes", "文件在结束标记之后还有内容"),
    ("truncated", "文件过早结束"),
    ("undecryptable", "数据块无法解密"),
    ("unknown-field", "含有未知字段"),
    ("unknown-magic", "不是本系统的文件"),
    ("unknown-signer", "由不受信任的密钥签名"),
    ("unknown-suite", "未知的密码套件"),
    ("unknown-version", "本程序无法读取此格式版本"),
    ("unwrap-failed", "数据密钥无法解开"),
    ("wrong-kind", "文件属于另一种类"),
    ("wrong-link", "属于另一条链路"),
    ("wrong-receiver", "收件区不符"),
    ("wrong-sender", "发件区不符"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_format_has_a_chinese_sentence() {
        assert!(SENTENCES.is_sorted_by(|a, b| a.0 < b.0));
        let source = include_str!("../../../ferry-format/src/error.rs");
        let after = source.split_once("pub fn code(&self)").expect("the codes are listed there").1;
        let list = after.split_once("\n}\n").expect("the list ends").0;
        let codes: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        assert!(codes.len() > 30);
        for code in codes {
            assert!(chinese_of_code(code).is_some(), "{code}");
        }
    }
}
