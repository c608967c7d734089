//! Payment notices (缴款通知书) with their lines.

use super::Generator;
use super::day::{FISCAL_YEAR, YEAR_OF_CENTURY, date8, time17};
use super::item::{FINES, ItemFacts, item_facts};
use super::names::{firm, person};
use super::rng::{Purpose, Rng};
use super::sealed::sealed;
use crate::pay_code::pay_code;
use crate::rows::{PayNotice, PayNoticeItem};

/// A notice with its lines, whose amounts add up to the notice's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The notice.
    pub notice: PayNotice,
    /// Its lines, one to three.
    pub items: Vec<PayNoticeItem>,
}

/// Notices are written on the first days of the year, so that their terms end within it.
const BILL_DAYS: u64 = 300;
/// Days to pay.
const TERM_DAYS: u64 = 15;
/// Bytes of an identity number before encryption.
const ID_NO_BYTES: usize = 18;
/// Bytes of a mobile number before encryption.
const PHONE_BYTES: usize = 11;

impl Generator {
    /// The notice with serial number `serial`, unpaid.
    #[must_use]
    pub fn notice(&self, serial: u64) -> Notice {
        self.order(Purpose::Notice, serial).0
    }

    /// A notice, and the day of the year on which it was written.
    pub(super) fn order(&self, purpose: Purpose, serial: u64) -> (Notice, u64) {
        let mut rng = Rng::new(self.seed, purpose, serial);
        let agency = rng.below(self.counts().agencies);
        let region = self.agency_region(agency);
        let code = pay_code(&region.code, YEAR_OF_CENTURY, serial);
        let facts = self.facts(agency, &mut rng);
        let line = facts.first().map_or("GENERAL", |item| item.line);
        let items: Vec<PayNoticeItem> =
            (1..).zip(facts).map(|(line_no, item)| self.notice_item(&code, line_no, item, &mut rng)).collect();
        let amount_fen: i64 = items.iter().map(|item| item.amount_fen).sum();
        let is_fine = items.iter().any(|item| item.subj_code.starts_with(FINES));
        let late_fee_fen = if is_fine && rng.chance(20) { amount_fen * rng.between(3, 60) / 100 } else { 0 };
        let day = rng.below(BILL_DAYS);
        let time = time17(day, &mut rng);
        let is_person = line != "GENERAL" || rng.chance(40);
        let notice = PayNotice {
            pay_code: code,
            mof_div_code: format!("{}000", region.code),
            fiscal_year: FISCAL_YEAR.to_owned(),
            agency_id: self.agency_id(agency),
            bill_date: date8(day),
            expire_date: rng.chance(95).then(|| date8(day + TERM_DAYS)),
            payer_type: if is_person { 1 } else { 2 },
            payer_name: if is_person { person(&mut rng) } else { firm(&self.place_name(region), &mut rng) },
            payer_id_no: Some(sealed(ID_NO_BYTES, &mut rng)),
            payer_phone: rng.chance(85).then(|| sealed(PHONE_BYTES, &mut rng)),
            amount_fen,
            late_fee_fen,
            total_fen: amount_fen + late_fee_fen,
            state: 0,
            biz_line: line.to_owned(),
            biz_ref: rng.chance(75).then(|| format!("{line}{}{:010}", region.code, rng.below(10_000_000_000))),
            account_id: rng.chance(80).then(|| self.id(Purpose::AccountId, agency % self.counts().accounts)),
            request_id: None,
            create_time: time.clone(),
            update_time: time,
        };
        (Notice { notice, items }, day)
    }

    /// One to three different items of an agency.
    fn facts(&self, agency: u64, rng: &mut Rng) -> Vec<ItemFacts> {
        let slots = self.agency_slots().count(agency);
        let count = rng.pick(&[1, 1, 1, 2, 2, 3]).min(&slots);
        let first = rng.below(slots);
        (0..*count).map(|place| item_facts(self.item_of(agency, (first + place) % slots))).collect()
    }

    fn notice_item(&self, pay_code: &str, line_no: i64, item: ItemFacts, rng: &mut Rng) -> PayNoticeItem {
        let quantity = if item.line == "TRAFFIC" { 1 } else { rng.between(1, 4) };
        let unit_fen = rng.between(item.least_fen, item.most_fen);
        PayNoticeItem {
            pay_code: pay_code.to_owned(),
            line_no,
            item_id: self.item_id(item.index),
            item_code: item.code,
            item_name: item.name,
            subj_code: item.subject.to_owned(),
            quantity,
            unit_fen,
            amount_fen: quantity * unit_fen,
        }
    }
}
