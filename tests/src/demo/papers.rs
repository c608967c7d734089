//! What notices, orders and requests say: made up by the generator, kept to what each agency may collect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contract::generate::Notice;
use contract::{Generator, Op};
use serde_json::{Value, json};

use super::base::BaseData;

/// Serial numbers of papers that begin at an agency's own site, and of requests, so that neither repeats a notice.
const DIRECT_FROM: u64 = 40_000_000_000;
const REQUEST_FROM: u64 = 45_000_000_000;

/// One line of a paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// 收入项目编码.
    pub item_code: String,
    /// 数量.
    pub quantity: i64,
    /// 收缴标准, in fen.
    pub unit_fen: i64,
}

/// Who pays what to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// 执收单位.
    pub agency_id: String,
    /// 业务条线.
    pub biz_line: String,
    /// 业务号.
    pub biz_ref: Option<String>,
    /// 缴款人类型.
    pub payer_type: i64,
    /// 缴款人全称.
    pub payer_name: String,
    /// 缴款人证件号, in the clear.
    pub payer_id_no: String,
    /// 滞纳金, in fen; of a notice alone.
    pub late_fee_fen: i64,
    /// 明细.
    pub lines: Vec<Line>,
}

impl Paper {
    /// What its lines come to, in fen.
    #[must_use]
    pub fn lines_fen(&self) -> i64 {
        self.lines.iter().map(|line| line.quantity * line.unit_fen).sum()
    }

    /// What a notice of it asks for, in fen.
    #[must_use]
    pub fn total_fen(&self) -> i64 {
        self.lines_fen() + self.late_fee_fen
    }

    /// The draft of a notice, payable to the end of a day.
    #[must_use]
    pub fn draft(&self, expire_date: &str) -> Value {
        let line =
            |line: &Line| json!({ "item_code": line.item_code, "quantity": line.quantity, "unit_fen": line.unit_fen });
        let lines: Vec<Value> = self.lines.iter().map(line).collect();
        json!({
            "agency_id": self.agency_id, "biz_line": self.biz_line, "biz_ref": self.biz_ref, "payer_type": self.payer_type,
            "payer_name": self.payer_name, "payer_id_no": self.payer_id_no, "late_fee_fen": self.late_fee_fen,
            "expire_date": expire_date, "lines": lines,
        })
    }

    /// An order that has no notice.
    #[must_use]
    pub fn order(&self, number: &str) -> Value {
        let mut order = self.asked();
        order["biz_order_no"] = json!(number);
        order["title"] = json!("非税缴款");
        order
    }

    /// A request that a notice be issued.
    #[must_use]
    pub fn request(&self, number: &str) -> Value {
        let mut request = self.asked();
        request["request_no"] = json!(number);
        request["payer_id_no"] = json!(self.payer_id_no);
        request
    }

    fn asked(&self) -> Value {
        let line = |line: &Line| {
            json!({
                "item_code": line.item_code, "quantity": line.quantity, "unit_fen": line.unit_fen,
                "amount_fen": line.quantity * line.unit_fen,
            })
        };
        let lines: Vec<Value> = self.lines.iter().map(line).collect();
        json!({
            "agency_id": self.agency_id, "biz_line": self.biz_line, "biz_ref": self.biz_ref, "payer_type": self.payer_type,
            "payer_name": self.payer_name, "amount_fen": self.lines_fen(), "lines": lines,
        })
    }
}

/// What each agency collects, to the end of the run.
#[derive(Debug)]
pub struct Catalogue {
    items: BTreeMap<String, BTreeSet<String>>,
    /// The last agency of base data that collects anything.
    pub last_agency: String,
}

impl Catalogue {
    /// What the base data allows. What will be changed in the run is left out, so that no paper is refused by the way.
    #[must_use]
    pub fn of(base: &BaseData) -> Self {
        let generator = &base.generator;
        let changed: BTreeSet<u64> = (0..base.agency_items()).filter(|index| is_changed(generator, *index)).collect();
        let mut items: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut last_agency = String::new();
        for index in (0..base.agency_items()).filter(|index| !changed.contains(index)) {
            let row = generator.agency_item(index);
            if row.is_enabled {
                last_agency.clone_from(&row.agency_id);
                items.entry(row.agency_id).or_default().insert(row.item_id);
            }
        }
        Self { items, last_agency }
    }

    fn paper(&self, order: Notice, serial: u64) -> Option<Paper> {
        let collected = self.items.get(&order.notice.agency_id)?;
        let is_collected = |item: &contract::rows::PayNoticeItem| collected.contains(&item.item_id);
        let line = |item: contract::rows::PayNoticeItem| Line {
            item_code: item.item_code,
            quantity: item.quantity,
            unit_fen: item.unit_fen,
        };
        let lines: Vec<Line> = order.items.into_iter().filter(is_collected).map(line).collect();
        (!lines.is_empty()).then_some(Paper {
            agency_id: order.notice.agency_id,
            biz_line: order.notice.biz_line,
            biz_ref: order.notice.biz_ref,
            payer_type: order.notice.payer_type,
            payer_name: order.notice.payer_name,
            payer_id_no: format!("35040319900307{:04}", serial % 10_000),
            late_fee_fen: order.notice.late_fee_fen,
            lines,
        })
    }
}

fn is_changed(generator: &Generator, index: u64) -> bool {
    generator.agency_item_changes(index..index + 1).any(|change| matches!(change.op, Op::Update | Op::Delete))
}

/// Papers, one after the other; the same for the same seed.
#[derive(Debug)]
pub struct Papers {
    base: Arc<BaseData>,
    catalogue: Arc<Catalogue>,
    serial: u64,
}

impl Papers {
    /// Those of which notices are issued.
    #[must_use]
    pub fn of_notices(base: &Arc<BaseData>, catalogue: &Arc<Catalogue>) -> Self {
        Self::from(0, base, catalogue)
    }

    /// Those that begin at an agency's own site.
    #[must_use]
    pub fn direct(base: &Arc<BaseData>, catalogue: &Arc<Catalogue>) -> Self {
        Self::from(DIRECT_FROM, base, catalogue)
    }

    /// Those of which notices are asked for.
    #[must_use]
    pub fn of_requests(base: &Arc<BaseData>, catalogue: &Arc<Catalogue>) -> Self {
        Self::from(REQUEST_FROM, base, catalogue)
    }

    fn from(serial: u64, base: &Arc<BaseData>, catalogue: &Arc<Catalogue>) -> Self {
        Self { base: Arc::clone(base), catalogue: Arc::clone(catalogue), serial }
    }

    /// The next paper. There is always one: every agency's turn comes again and again.
    pub fn draw(&mut self) -> Paper {
        loop {
            let (serial, order) = (self.serial, self.base.generator.notice(self.serial));
            self.serial += 1;
            if let Some(paper) = self.catalogue.paper(order, serial) {
                return paper;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::options::Size;

    #[test]
    fn papers_name_only_what_their_agency_collects_to_the_end() {
        let base = Arc::new(BaseData::new(7, Size::Xs));
        let catalogue = Arc::new(Catalogue::of(&base));
        let rows: Vec<_> = (0..base.agency_items()).map(|index| base.generator.agency_item(index)).collect();
        let codes: BTreeMap<String, String> =
            base.generator.income_items().map(|item| (item.ele_code, item.id)).collect();
        let mut papers = Papers::of_notices(&base, &catalogue);
        for paper in (0..200).map(|_| papers.draw()) {
            assert!(paper.total_fen() > 0, "{paper:?}");
            for line in &paper.lines {
                let item = &codes[&line.item_code];
                let of_line =
                    |row: &&contract::rows::BaseAgencyItem| row.agency_id == paper.agency_id && row.item_id == *item;
                let place = rows.iter().position(|row| of_line(&row)).expect("the agency has the item");
                assert!(rows[place].is_enabled && !is_changed(&base.generator, u64::try_from(place).expect("a place")));
            }
        }
        assert_ne!(Papers::direct(&base, &catalogue).draw(), Papers::of_requests(&base, &catalogue).draw());
    }
}
