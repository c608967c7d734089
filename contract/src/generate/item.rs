//! Income items (收入项目) and which agency collects them (单位项目).

use super::names::numeral;
use super::rng::{Purpose, Rng};
use super::slots::Slots;
use super::{Generator, span};
use crate::rows::{BaseAgencyItem, BaseIncomeItem, Element};

/// How the subject (预算科目) of fines (罚没收入) begins.
pub(super) const FINES: &str = "10305";
/// Coprime to the number of items of every size, so that the items of one agency differ.
const ITEM_STEP: u64 = 7;

/// A kind of item that variants are made of.
pub(super) struct Kind {
    name: &'static str,
    line: &'static str,
    /// 预算科目编码: 10304 行政事业性收费, 10305 罚没, 10307 国有资源(资产)有偿使用.
    pub subject: &'static str,
    measure: &'static str,
    /// 收缴标准, in fen.
    least_fen: i64,
    most_fen: i64,
}

const fn kind(
    name: &'static str,
    line: &'static str,
    subject: &'static str,
    measure: &'static str,
    least_fen: i64,
    most_fen: i64,
) -> Kind {
    Kind { name, line, subject, measure, least_fen, most_fen }
}

pub(super) const KINDS: [Kind; 20] = [
    kind("道路交通安全违法罚款", "TRAFFIC", "103050101", "次", 2_000, 200_000),
    kind("普通高中学费", "SCHOOL", "103042702", "学期", 50_000, 120_000),
    kind("公务员录用考试费", "EXAM", "103044001", "科", 3_000, 6_000),
    kind("普通护照证件费", "IMMIGRATION", "103040101", "本", 12_000, 12_000),
    kind("不动产登记费", "GENERAL", "103044308", "件", 8_000, 55_000),
    kind("机动车号牌工本费", "TRAFFIC", "103040111", "副", 3_500, 10_000),
    kind("高等学校住宿费", "SCHOOL", "103042703", "学年", 60_000, 150_000),
    kind("教师资格考试费", "EXAM", "103042750", "科", 7_000, 7_000),
    kind("往来港澳通行证证件费", "IMMIGRATION", "103040102", "本", 6_000, 6_000),
    kind("城镇垃圾处理费", "GENERAL", "103044333", "月", 500, 30_000),
    kind("机动车驾驶证工本费", "TRAFFIC", "103040112", "本", 1_000, 1_000),
    kind("高等学校学费", "SCHOOL", "103042704", "学年", 350_000, 980_000),
    kind("专业技术资格考试费", "EXAM", "103044002", "科", 5_000, 9_000),
    kind("外国人签证费", "IMMIGRATION", "103040103", "次", 16_000, 84_000),
    kind("诉讼费", "GENERAL", "103044601", "件", 5_000, 1_000_000),
    kind("驾驶许可考试费", "TRAFFIC", "103040113", "次", 8_000, 50_000),
    kind("普通高中住宿费", "SCHOOL", "103042705", "学期", 20_000, 50_000),
    kind("普通话水平测试费", "EXAM", "103042706", "次", 2_500, 5_000),
    kind("防空地下室易地建设费", "GENERAL", "103044201", "平方米", 100_000, 250_000),
    kind("国有资产出租收入", "GENERAL", "103070601", "月", 50_000, 5_000_000),
];

/// What notices and confirmations need to know of an item.
pub(super) struct ItemFacts {
    pub index: u64,
    pub code: String,
    pub name: String,
    pub line: &'static str,
    pub subject: &'static str,
    pub least_fen: i64,
    pub most_fen: i64,
}

impl Generator {
    /// Income item `index`, from 0.
    #[must_use]
    pub fn income_item(&self, index: u64) -> BaseIncomeItem {
        let mut rng = Rng::new(self.seed, Purpose::Item, index);
        let facts = item_facts(index);
        BaseIncomeItem {
            uniform_code: rng.chance(80).then(|| format!("QG{}{index:06}", facts.subject)),
            category_id: self.category_of(facts.subject),
            fund_nature_id: self.fund_nature_of(facts.subject),
            unit_of_measure: measure(index).to_owned(),
            policy_doc: rng.chance(70).then(|| format!("财综〔20{:02}〕{}号", rng.between(10, 25), rng.between(1, 99))),
            settle_mode: if rng.chance(80) { 1 } else { 2 },
            ..BaseIncomeItem::at(span(self.item_id(index), self.home), Element::root(facts.code, facts.name))
        }
    }

    /// Agency item `index`, from 0; those of one agency stand together.
    #[must_use]
    pub fn agency_item(&self, index: u64) -> BaseAgencyItem {
        let (agency, slot) = self.agency_slots().place(index);
        let mut rng = Rng::new(self.seed, Purpose::AgencyItem, index);
        let accounts = self.counts().accounts;
        BaseAgencyItem {
            agency_id: self.agency_id(agency),
            item_id: self.item_id(self.item_of(agency, slot)),
            account_id: rng.chance(90).then(|| self.id(Purpose::AccountId, agency % accounts)),
            is_enabled: rng.chance(97),
            ..BaseAgencyItem::at(span(self.id(Purpose::AgencyItemId, index), &self.agency_region(agency).code))
        }
    }

    pub(super) fn item_id(&self, index: u64) -> String {
        self.id(Purpose::ItemId, index)
    }

    /// The item in slot `slot` of an agency.
    pub(super) fn item_of(&self, agency: u64, slot: u64) -> u64 {
        let items = self.counts().income_items;
        let start = Rng::new(self.seed, Purpose::AgencyItemStart, agency).below(items);
        (start + slot * ITEM_STEP) % items
    }

    /// How the items are dealt out to the agencies that collect them.
    pub(super) fn agency_slots(&self) -> Slots {
        Slots::of(self.counts().agency_items, self.counts().agencies)
    }
}

/// The unit in which an item is measured (计量单位).
pub(super) fn measure(index: u64) -> &'static str {
    kind_of(index).measure
}

pub(super) fn item_facts(index: u64) -> ItemFacts {
    let kind = kind_of(index);
    let variant = index / KIND_COUNT;
    let name =
        if variant == 0 { kind.name.to_owned() } else { format!("{}（第{}档）", kind.name, numeral(variant)) };
    ItemFacts {
        index,
        code: format!("{}{index:04}", kind.subject),
        name,
        line: kind.line,
        subject: kind.subject,
        least_fen: kind.least_fen,
        most_fen: kind.most_fen,
    }
}

const KIND_COUNT: u64 = 20;

fn kind_of(index: u64) -> &'static Kind {
    &KINDS[usize::try_from(index % KIND_COUNT).expect("a place in a short list fits every integer")]
}

#[cfg(test)]
mod tests {
    use super::{KIND_COUNT, KINDS};

    #[test]
    fn the_count_of_kinds_is_stated_right() {
        assert_eq!(KINDS.len(), usize::try_from(KIND_COUNT).unwrap());
    }
}
