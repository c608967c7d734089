//! Bills (财政票据): their kinds, the numbers that were made, who may issue which, and for what.

use super::day::YEAR_OF_CENTURY;
use super::names::numeral;
use super::rng::{Purpose, Rng};
use super::{Generator, span};
use crate::rows::{BaseAgencyBill, BaseBillBatch, BaseBillItem, BaseBillType, Element};

const CLASSES: [&str; 6] =
    ["非税收入统一票据", "非税收入一般缴款书", "资金往来结算票据", "公益事业捐赠票据", "医疗收费票据", "教育收费票据"];
const CLASS_COUNT: u64 = 6;
/// Numbers of a batch, and of the segment of one that an agency has.
const BATCH_NUMBERS: u64 = 10_000;
const SEGMENT_NUMBERS: u64 = 1_000;
/// Coprime to the number of items of every size, so that the items on one kind of bill differ.
const BILL_ITEM_STEP: u64 = 7;

impl Generator {
    /// Kind of bill `index`, from 0.
    #[must_use]
    pub fn bill_type(&self, index: u64) -> BaseBillType {
        let (class, variant) = (index % CLASS_COUNT, index / CLASS_COUNT);
        let name = CLASSES[usize::try_from(class).expect("below six")];
        let name = if variant == 0 { name.to_owned() } else { format!("{name}（第{}版）", numeral(variant + 1)) };
        let (class_code, kind_code) = codes(index);
        BaseBillType {
            specimen_code: Some(format!("{}{class_code}{kind_code}0001", &self.home[..2])),
            is_electronic: variant == 0,
            medium: if variant == 0 { 1 } else { 2 },
            class_code: class_code.clone(),
            kind_code: kind_code.clone(),
            ..BaseBillType::at(
                span(self.id(Purpose::BillTypeId, index), self.home),
                Element::root(format!("{class_code}{kind_code}"), name),
            )
        }
    }

    /// Batch `index` of bill numbers, from 0.
    #[must_use]
    pub fn bill_batch(&self, index: u64) -> BaseBillBatch {
        let (kind, first) = self.batch_place(index);
        let (class_code, kind_code) = codes(kind);
        BaseBillBatch {
            batch_no: format!("PC{YEAR_OF_CENTURY}{index:08}"),
            bill_type_id: self.id(Purpose::BillTypeId, kind),
            bill_code: format!("{}{class_code}{kind_code}{YEAR_OF_CENTURY}", &self.home[..2]),
            begin_no: bill_no(first),
            end_no: bill_no(first + BATCH_NUMBERS - 1),
            total: i64::try_from(BATCH_NUMBERS).expect("ten thousand fits every integer"),
            ..BaseBillBatch::at(span(self.id(Purpose::BillBatchId, index), self.home))
        }
    }

    /// Segment `index` of an agency, from 0.
    #[must_use]
    pub fn agency_bill(&self, index: u64) -> BaseAgencyBill {
        let mut rng = Rng::new(self.seed, Purpose::AgencyBill, index);
        let batches = self.counts().bill_batches;
        let (batch, segment) = (index % batches, index / batches);
        let agency = index % self.counts().agencies;
        let begin = self.batch_place(batch).1 + segment * SEGMENT_NUMBERS;
        BaseAgencyBill {
            agency_id: self.agency_id(agency),
            bill_batch_id: self.id(Purpose::BillBatchId, batch),
            begin_no: bill_no(begin),
            end_no: bill_no(begin + SEGMENT_NUMBERS - 1),
            next_no: bill_no(begin + rng.below(SEGMENT_NUMBERS + 1)),
            issue_mode: if rng.chance(70) { 1 } else { 2 },
            ..BaseAgencyBill::at(span(self.id(Purpose::AgencyBillId, index), &self.agency_region(agency).code))
        }
    }

    /// Item on a kind of bill `index`, from 0.
    #[must_use]
    pub fn bill_item(&self, index: u64) -> BaseBillItem {
        let kinds = self.counts().bill_types;
        let (kind, slot) = (index % kinds, index / kinds);
        BaseBillItem {
            bill_type_id: self.id(Purpose::BillTypeId, kind),
            item_id: self.item_id((kind + slot * BILL_ITEM_STEP) % self.counts().income_items),
            ..BaseBillItem::at(span(self.id(Purpose::BillItemId, index), self.home))
        }
    }

    /// The kind of bill of a batch, and its first number.
    const fn batch_place(&self, batch: u64) -> (u64, u64) {
        let kinds = self.counts().bill_types;
        (batch % kinds, batch / kinds * BATCH_NUMBERS + 1)
    }
}

/// The two digits of the class and the two of the kind, which only together are unique.
fn codes(kind: u64) -> (String, String) {
    (format!("{:02}", kind % CLASS_COUNT + 1), format!("{:02}", kind / CLASS_COUNT + 1))
}

fn bill_no(number: u64) -> String {
    format!("{number:010}")
}
