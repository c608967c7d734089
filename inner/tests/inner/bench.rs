//! A bureau with base data, and what tests ask of it.

use contract::rows::PayNotice;
use contract::{Change, Generator, Size};
use inner::issue::{Draft, Line};
use inner::program::MIGRATIONS;
use node::http::Caller;
use node::testing::Bench;

/// Agencies and items that the bureau has: enough for every line of business.
const SOME: u64 = 40;

/// A bureau.
pub struct Bureau {
    pub bench: Bench,
    pub generator: Generator,
}

impl Bureau {
    /// A bureau with some agencies and what they collect.
    pub async fn open() -> Self {
        let bench = Bench::of("inner-node", MIGRATIONS).await;
        let generator = Generator::new(1, Size::S);
        let bureau = Self { bench, generator };
        bureau.bench.add(bureau.base()).await;
        bureau
    }

    /// The first agencies with all that they refer to, and all items with theirs.
    fn base(&self) -> Vec<Change> {
        let wanted = |change: &Change| {
            let small = !["base_bill_batch", "base_agency_bill", "base_bill_item", "base_bill_type"]
                .contains(&change.shape.table);
            small && change.shape.table != "base_agency_item" && change.shape.table != "base_item_share"
        };
        let mut changes: Vec<Change> = self.generator.base().filter(wanted).collect();
        let agency_items = (0..SOME * 8).map(|index| self.generator.agency_item(index));
        changes.extend(
            agency_items.map(|row| Change::insert(&contract::rows::BaseAgencyItem { is_enabled: true, ..row })),
        );
        changes
    }

    /// A draft for the first line of a generated notice that one of the first agencies issues.
    pub fn draft(&self) -> Draft {
        let of = |serial: u64| self.generator.notice(serial);
        let ids: Vec<String> = (0..SOME).map(|index| self.generator.agency(index).id).collect();
        let order = (0..).map(of).find(|order| ids.contains(&order.notice.agency_id)).expect("some notice is theirs");
        let line = &order.items[0];
        Draft {
            agency_id: order.notice.agency_id,
            biz_line: order.notice.biz_line,
            biz_ref: Some("决定书〔2026〕1号".to_owned()),
            payer_type: 1,
            payer_name: "王芳".to_owned(),
            payer_id_no: Some("610113199003070011".to_owned()),
            payer_phone: Some("13812345678".to_owned()),
            late_fee_fen: 0,
            expire_date: Some("20260401".to_owned()),
            lines: vec![Line { item_code: line.item_code.clone(), quantity: 1, unit_fen: line.unit_fen }],
        }
    }

    /// Issues a notice.
    pub async fn issue(&self) -> PayNotice {
        let issued = inner::api::issue_all(&self.bench.node, Caller::local("li"), vec![self.draft()]).await.unwrap();
        self.notice(&issued.pay_codes[0]).await
    }

    pub async fn notice(&self, pay_code: &str) -> PayNotice {
        let code = pay_code.to_owned();
        let read = self
            .bench
            .node
            .database
            .read(move |connection| Box::pin(async move { node::rows::find_by(connection, &code).await }));
        read.await.unwrap().unwrap()
    }

    /// A confirmation of a payment for a notice, as it comes from the outer zone.
    pub fn paid(&self, serial: u64, notice: Option<&PayNotice>, amount_fen: i64) -> Vec<Change> {
        let mut paid = self.generator.confirmation(serial);
        paid.items.truncate(1);
        paid.items[0].quantity = 1;
        (paid.items[0].unit_fen, paid.items[0].amount_fen) = (amount_fen, amount_fen);
        paid.confirm.amount_fen = amount_fen;
        paid.confirm.pay_code = notice.map(|notice| notice.pay_code.clone());
        if let Some(notice) = notice {
            paid.confirm.agency_id.clone_from(&notice.agency_id);
        }
        [Change::insert(&paid.confirm), Change::insert(&paid.items[0])].into()
    }

    /// The id of that confirmation.
    pub fn confirm_id(&self, serial: u64) -> String {
        self.generator.confirmation(serial).confirm.confirm_id
    }

    /// Matches all that has come.
    pub async fn match_all(&self) {
        while inner::matching::round(&self.bench.node).await.unwrap() == node::rounds::Round::More {}
    }

    /// The answer for a confirmation.
    pub async fn result(&self, serial: u64) -> contract::rows::ConfirmResult {
        let id = self.confirm_id(serial);
        let read = self
            .bench
            .node
            .database
            .read(move |connection| Box::pin(async move { node::rows::find_by(connection, &id).await }));
        read.await.unwrap().unwrap()
    }
}
