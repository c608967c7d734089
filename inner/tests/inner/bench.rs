//! A bureau with base data, and what tests ask of it.

use contract::rows::PayNotice;
use contract::{Change, Generator, Size};
use inner::api::Drafts;
use inner::issue::{Draft, Line};
use inner::program::MIGRATIONS;
use inner::proposal::{self, Asked};
use inner::report::Report;
use inner::waiting::QUEUES;
use inner::wish::Wish;
use node::Failure;
use node::client::{self, Client};
use node::http::Caller;
use node::testing::Bench;

/// Agencies and items that the bureau has: enough for every line of business.
const SOME: u64 = 40;

/// What a police office reports of a notice that was paid to it in full.
pub fn of_police(notice: &PayNotice) -> Report {
    Report {
        pay_code: notice.pay_code.clone(),
        source: 2,
        source_ref: "JJ-1".to_owned(),
        amount_fen: notice.total_fen,
        pay_time: "20260302093000".to_owned(),
    }
}

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
        let issued = self.issue_all(vec![self.draft()]).await.unwrap();
        self.notice(&issued[0]).await
    }

    /// Issues notices, all or none.
    pub async fn issue_all(&self, drafts: Vec<Draft>) -> Result<Vec<String>, Failure> {
        let asked = Drafts { request_no: None, drafts };
        inner::api::issue_all(&self.bench.node, Caller::local("li"), asked).await.map(|issued| issued.pay_codes)
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

    /// Deals with all that has come.
    pub async fn match_all(&self) {
        for queue in QUEUES {
            while inner::waiting::round(&self.bench.node, queue).await.unwrap() == node::rounds::Round::More {}
        }
    }

    /// Writes a client down.
    pub async fn client(&self, id: &str, permission: &str, agency_id: Option<&str>, url: Option<&str>) -> Client {
        let client = Client {
            id: id.to_owned(),
            title: id.to_owned(),
            public_key: node::testing::pair(6).1,
            permission: permission.to_owned(),
            agency_id: agency_id.map(str::to_owned),
            notify_url: url.map(str::to_owned),
            is_enabled: true,
        };
        let (now, put) = (self.bench.node.clock.now(), client.clone());
        let done = self
            .bench
            .node
            .database
            .write(move |connection| Box::pin(async move { client::put(connection, &put, now).await }));
        done.await.unwrap();
        client
    }

    /// One person asks, another allows.
    pub async fn propose(&self, wish: Wish) -> Result<(), &'static str> {
        let id = self.ask("li", wish).await?;
        self.decide("zhao", id, true).await
    }

    /// A person asks.
    pub async fn ask(&self, who: &str, wish: Wish) -> Result<i64, &'static str> {
        let now = self.bench.node.clock.now();
        let asked = Asked { wish, reason: "核对无误".to_owned() };
        let act = Caller::local(who).act(now.time17(), "proposal-ask", String::new());
        let database = &self.bench.node.database;
        let id =
            database.write(move |connection| Box::pin(async move { proposal::ask(connection, asked, act, now).await }));
        id.await.map_err(|failure| failure.code)
    }

    /// A person decides.
    pub async fn decide(&self, who: &str, id: i64, is_allowed: bool) -> Result<(), &'static str> {
        let (node, now) = (self.bench.node.clone(), self.bench.node.clock.now());
        let act = Caller::local(who).act(now.time17(), "proposal-decide", String::new());
        let decided = self.bench.node.database.write(move |connection| {
            Box::pin(async move { proposal::decide(connection, &node, id, is_allowed, act, now).await })
        });
        decided.await.map_err(|failure| failure.code)
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
