//! What income is sorted by: categories (收入类别), natures of funds (资金性质) and subjects of the budget (预算科目).

use std::collections::BTreeSet;

use super::item::{FINES, KINDS};
use super::office::count;
use super::rng::Purpose;
use super::{Generator, span};
use crate::rows::{BaseBudgetSubject, BaseCategory, BaseFundNature, Element};

/// Categories by the two digits of a subject that name them; the last has numbered kinds below it.
const CATEGORIES: [(&str, &str); 9] = [
    ("01", "政府性基金收入"),
    ("02", "专项收入"),
    ("04", "行政事业性收费收入"),
    ("05", "罚没收入"),
    ("06", "国有资本经营收入"),
    ("07", "国有资源（资产）有偿使用收入"),
    ("08", "捐赠收入"),
    ("09", "政府住房基金收入"),
    ("99", "其他收入"),
];
/// Natures of funds; the last has numbered kinds below it.
const FUND_NATURES: [(&str, &str); 6] = [
    ("111", "一般公共预算资金"),
    ("121", "政府性基金预算资金"),
    ("141", "国有资本经营预算资金"),
    ("151", "社会保险基金预算资金"),
    ("161", "单位资金"),
    ("131", "财政专户管理资金"),
];
/// Non-tax income (非税收入), the root of the subjects.
const ROOT: &str = "103";
/// Below each 7-digit subject that items use stand further ones with these numbers.
const FURTHER: core::ops::RangeInclusive<u64> = 1..=99;

impl Generator {
    /// Category `index`, from 0.
    #[must_use]
    pub fn category(&self, index: u64) -> BaseCategory {
        let element = sorted(&CATEGORIES, index, self.counts().categories, |place| self.id(Purpose::CategoryId, place));
        BaseCategory::at(span(self.id(Purpose::CategoryId, index), self.home), element)
    }

    /// Nature of funds `index`, from 0.
    #[must_use]
    pub fn fund_nature(&self, index: u64) -> BaseFundNature {
        let natures = self.counts().fund_natures;
        let element = sorted(&FUND_NATURES, index, natures, |place| self.id(Purpose::FundNatureId, place));
        BaseFundNature::at(span(self.id(Purpose::FundNatureId, index), self.home), element)
    }

    /// Subject `index`, from 0.
    #[must_use]
    pub fn budget_subject(&self, index: u64) -> BaseBudgetSubject {
        let code = &self.subjects[usize::try_from(index).expect("subjects are counted in memory")];
        let parent = self.subjects.iter().position(|other| code.len() > 3 && *other == code[..code.len() - 2]);
        let is_parent = |other: &String| other.len() == code.len() + 2 && other.starts_with(code);
        let level = i64::try_from(code.len()).expect("a code has nine digits at most") / 2;
        BaseBudgetSubject::at(
            span(self.subject_id(index), self.home),
            Element {
                ele_code: code.clone(),
                ele_name: subject_name(code),
                parent_id: parent
                    .map(|place| self.subject_id(u64::try_from(place).expect("a place in memory fits 64 bits"))),
                level_no: level,
                is_leaf: !self.subjects.iter().any(is_parent),
            },
        )
    }

    /// The place of a subject that a test finds among the generated ones.
    pub(super) fn subject_place(&self, code: &str) -> u64 {
        let place = self.subjects.iter().position(|other| other == code);
        u64::try_from(place.expect("the subjects of all items are made")).expect("a place in memory fits 64 bits")
    }

    pub(super) fn subject_id(&self, index: u64) -> String {
        self.id(Purpose::SubjectId, index)
    }

    /// The category of items under a subject.
    pub(super) fn category_of(&self, subject: &str) -> String {
        let place = (0..).zip(CATEGORIES).find(|(_, (code, _))| *code == &subject[3..5]).map_or(0, |(place, _)| place);
        self.id(Purpose::CategoryId, place)
    }

    /// The nature of the funds that items under a subject bring: fines go to the general budget.
    pub(super) fn fund_nature_of(&self, subject: &str) -> String {
        let code = if subject.starts_with(FINES) { "111" } else { "131" };
        let place = (0..).zip(FUND_NATURES).find(|(_, (other, _))| *other == code).map_or(0, |(place, _)| place);
        self.id(Purpose::FundNatureId, place)
    }
}

/// An entry of a list, or beyond its end a numbered kind of the last entry.
fn sorted(list: &[(&str, &str)], index: u64, rows: u64, id: impl Fn(u64) -> String) -> Element {
    let last = count(list) - 1;
    if let Some((code, name)) = usize::try_from(index).ok().and_then(|place| list.get(place)) {
        let is_leaf = index < last || rows <= last + 1;
        return Element { is_leaf, ..Element::root((*code).to_owned(), (*name).to_owned()) };
    }
    let number = index - last;
    let (code, name) = list[list.len() - 1];
    Element {
        parent_id: Some(id(last)),
        level_no: 2,
        ..Element::root(format!("{code}{number:02}"), format!("{name}（第{}类）", super::names::numeral(number)))
    }
}

fn subject_name(code: &str) -> String {
    if code == ROOT {
        return "非税收入".to_owned();
    }
    let class = CATEGORIES.iter().find(|(digits, _)| *digits == &code[3..5]).map_or("其他收入", |(_, name)| name);
    match code.len() {
        5 => class.to_owned(),
        7 => format!("{class}第{}款", &code[5..]),
        _ => format!("{class}第{}款第{}项", &code[5..7], &code[7..]),
    }
}

/// The codes of so many subjects, each after the one above it: those of the items first, then further ones beside them.
pub(super) fn subjects(rows: u64) -> Vec<String> {
    let used: BTreeSet<&str> = KINDS.iter().map(|kind| kind.subject).collect();
    let sections: BTreeSet<&str> = used.iter().map(|subject| &subject[..7]).collect();
    let classes = CATEGORIES.iter().map(|(digits, _)| format!("{ROOT}{digits}"));
    let own = |text: &&str| (*text).to_owned();
    let further = FURTHER.flat_map(|number| sections.iter().map(move |section| format!("{section}{number:02}")));
    let further = further.filter(|code| !used.contains(code.as_str()));
    let rows = usize::try_from(rows).expect("subjects are counted in memory");
    let all = [ROOT.to_owned()].into_iter().chain(classes).chain(sections.iter().map(own)).chain(used.iter().map(own));
    all.chain(further).take(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::subjects;
    use crate::generate::Size;
    use std::collections::BTreeSet;

    #[test]
    fn subjects_are_a_tree_of_nine_digits() {
        for size in [Size::S, Size::M, Size::L] {
            let rows = size.counts().subjects;
            let made = subjects(rows);
            assert_eq!(u64::try_from(made.len()).unwrap(), rows);
            let mut seen = BTreeSet::new();
            for code in &made {
                assert!(code.len() <= 9 && (code.len() == 3 || seen.contains(&code[..code.len() - 2])), "{code}");
                assert!(seen.insert(code.as_str()), "{code}");
            }
        }
    }
}
