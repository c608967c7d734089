//! What an item costs (项目标准), who gets which share (项目分成), and where it is booked (项目对应科目).

use super::item::item_facts;
use super::rng::{Purpose, Rng};
use super::slots::Slots;
use super::{Generator, span};
use crate::rows::{BaseItemShare, BaseItemStandard, BaseItemSubject};

/// All shares of an item, in ten-thousandths.
const WHOLE_BP: i64 = 10_000;
/// The level of a county (县), which has the last share.
const COUNTY: i64 = 4;

impl Generator {
    /// Charging standard `index`, from 0; those of one item stand together.
    #[must_use]
    pub fn item_standard(&self, index: u64) -> BaseItemStandard {
        let (item, slot) = Slots::of(self.counts().item_standards, self.counts().income_items).place(index);
        let mut rng = Rng::new(self.seed, Purpose::Standard, index);
        let facts = item_facts(item);
        let row = BaseItemStandard {
            item_id: self.item_id(item),
            std_no: number(slot),
            unit_of_measure: Some(super::item::measure(item).to_owned()),
            ..BaseItemStandard::at(span(self.id(Purpose::StandardId, index), self.home))
        };
        match slot {
            0 => BaseItemStandard { std_type: 2, min_fen: Some(facts.least_fen), max_fen: Some(facts.most_fen), ..row },
            1 => BaseItemStandard { std_type: 3, unit_fen: Some(rng.between(facts.least_fen, facts.most_fen)), ..row },
            _ => BaseItemStandard { std_type: 4, ratio_bp: Some(rng.between(1, WHOLE_BP)), ..row },
        }
    }

    /// Share `index`, from 0; those of one item stand together and add up to the whole.
    #[must_use]
    pub fn item_share(&self, index: u64) -> BaseItemShare {
        let slots = self.share_slots();
        let (item, slot) = slots.place(index);
        let (slot, count) = (number(slot), number(slots.count(item)) - 1);
        let mut rng = Rng::new(self.seed, Purpose::Share, item);
        let mut rest = WHOLE_BP;
        let mut ratio_bp = rest;
        for place in 1..=slot {
            ratio_bp = if place == count { rest } else { rng.between(5, 30) * 100 };
            rest -= ratio_bp;
        }
        let accounts = self.counts().accounts;
        BaseItemShare {
            item_id: self.item_id(item),
            share_level: COUNTY - count + slot,
            share_no: 1,
            ratio_bp,
            account_id: (slot == count).then(|| self.id(Purpose::AccountId, item % accounts)),
            ..BaseItemShare::at(span(self.id(Purpose::ShareId, index), self.home))
        }
    }

    /// The subject under which an item is booked; the first ones have another one besides.
    #[must_use]
    pub fn item_subject(&self, index: u64) -> BaseItemSubject {
        let (item, slot) = Slots::of(self.counts().item_subjects, self.counts().income_items).place(index);
        let own = self.subject_place(item_facts(item).subject);
        // Neighbours of a leaf among the subjects are leaves, too.
        let subject = if slot == 0 { own } else { self.counts().subjects - 1 - item % (self.counts().subjects / 2) };
        BaseItemSubject {
            item_id: self.item_id(item),
            subject_id: self.subject_id(subject),
            share_level: (slot > 0).then_some(COUNTY),
            ..BaseItemSubject::at(span(self.id(Purpose::ItemSubjectId, index), self.home))
        }
    }

    const fn share_slots(&self) -> Slots {
        Slots::of(self.counts().item_shares, self.counts().income_items)
    }
}

/// A place among the rows of an item as a number from 1.
fn number(slot: u64) -> i64 {
    i64::try_from(slot).expect("an item has few rows") + 1
}
