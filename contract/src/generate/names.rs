//! Names of people, firms and numbers in Chinese.

use super::rng::Rng;

const SURNAMES: [&str; 24] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗", "梁", "宋", "欧阳", "司马",
];
const GIVEN: [&str; 32] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀英", "霞",
    "平", "刚", "桂英", "文", "华", "建国", "志强", "晓梅", "子涵", "欣怡", "浩然", "雨桐", "宇轩",
];
const FIRM_WORDS: [&str; 16] = [
    "华夏",
    "恒信",
    "长安",
    "秦岭",
    "渭水",
    "金桥",
    "瑞丰",
    "天宇",
    "宏图",
    "博远",
    "汇通",
    "正泰",
    "新纪元",
    "东方",
    "鼎盛",
    "安泰",
];
const FIRM_TRADES: [&str; 10] =
    ["建筑工程", "商贸", "物流", "信息技术", "房地产开发", "矿业", "医药", "餐饮管理", "环保科技", "文化传播"];
const DIGITS: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];

/// A person's name.
pub(super) fn person(rng: &mut Rng) -> String {
    format!("{}{}", rng.pick(&SURNAMES), rng.pick(&GIVEN))
}

/// A firm's name, in the place `place`.
pub(super) fn firm(place: &str, rng: &mut Rng) -> String {
    format!("{place}{}{}有限公司", rng.pick(&FIRM_WORDS), rng.pick(&FIRM_TRADES))
}

/// The Chinese numeral of a number from 1 to 999; larger ones stay in digits.
pub(super) fn numeral(number: u64) -> String {
    let digit = |value: u64| DIGITS[usize::try_from(value % 10).expect("a digit fits every integer")];
    let (hundreds, tens, ones) = (number / 100, number / 10 % 10, number % 10);
    if number == 0 || hundreds > 9 {
        return number.to_string();
    }
    let mut text = String::new();
    if hundreds > 0 {
        text += digit(hundreds);
        text += "百";
    }
    if tens > 0 {
        if tens > 1 || hundreds > 0 {
            text += digit(tens);
        }
        text += "十";
    } else if hundreds > 0 && ones > 0 {
        text += "零";
    }
    if ones > 0 {
        text += digit(ones);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::numeral;

    #[test]
    fn numerals_are_spelled_as_in_names() {
        let cases = [
            (1, "一"),
            (10, "十"),
            (12, "十二"),
            (20, "二十"),
            (100, "一百"),
            (105, "一百零五"),
            (110, "一百一十"),
            (999, "九百九十九"),
        ];
        for (number, text) in cases {
            assert_eq!(numeral(number), text);
        }
        assert_eq!(numeral(1000), "1000");
    }
}
