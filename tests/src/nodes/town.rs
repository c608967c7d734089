//! A town with one agency of each line of business: what the nodes and the daemons of both zones make of its payments.

use std::path::{Path, PathBuf};
use std::process::Command;

use contract::rows::{
    BaseAgency, BaseAgencyItem, BaseBudgetSubject, BaseCategory, BaseDept, BaseFinDept, BaseFundNature, BaseIncomeItem,
    BaseItemStandard, BaseItemSubject, BaseRegion,
};
use contract::{Change, Generator, Size};
use node::testing::pair;
use serde_json::{Value, json};

use super::outside::Outside;
use super::program::{Ask, Node};
use crate::demo::database::Database;
use crate::pair::{Daemon, INNER, Making, OUTER, Pair, expect_success, program, run, write_file};

/// The item that the agency collects, from 0.
pub const ITEM: u64 = 0;
/// The seeds of the keys: both nodes', and those of their clients.
const INNER_KEY: u8 = 11;
const OUTER_KEY: u8 = 12;
const UNIT_KEY: u8 = 13;
const CHANNEL_KEY: u8 = 14;
const COUNTER_KEY: u8 = 15;
const LEDGER_KEY: u8 = 16;

/// The outer side's system of the unit.
pub const UNIT: Ask<'static> = Ask::Client("unit-1", UNIT_KEY);
/// The channel.
pub const CHANNEL: Ask<'static> = Ask::Client("WECHAT", CHANNEL_KEY);
/// Whoever reports payments made offline.
pub const COUNTER: Ask<'static> = Ask::Client("police-1", COUNTER_KEY);
/// The ledger that is there already.
pub const LEDGER: Ask<'static> = Ask::Client("ledger-1", LEDGER_KEY);

/// A town.
pub struct Town {
    /// Both zones.
    pub pair: Pair,
    /// The intranet node.
    pub inner: Node,
    /// The extranet payment node.
    pub outer: Node,
    /// The agency's system inside.
    pub agency: Outside,
    /// The unit's site outside.
    pub site: Outside,
    daemons: Vec<Daemon>,
    generator: Generator,
}

impl Town {
    /// A town whose base data has arrived outside.
    pub fn open() -> Self {
        let pair = Pair::make(Making::default());
        let generator = Generator::new(1, Size::S);
        let field_key = pair.dir.path().join("field.key");
        expect_success(&run(Command::new(program("inner-node")).arg("field-key").arg(&field_key)));
        let agency = Outside::open(vec![pair_key(INNER_KEY)]);
        let site = Outside::open(vec![pair_key(OUTER_KEY)]);
        let key = |name: &str, seed| key_file(pair.dir.path(), name, seed);
        let (inner_key, outer_key) = (key("inner", INNER_KEY), key("outer", OUTER_KEY));
        let push = format!("[push]\nid = \"inner\"\nkey = \"{}\"\n", inner_key.display());
        let callbacks =
            format!("[callbacks]\nid = \"outer\"\nkey = \"{}\"\n[[channel]]\nid = \"WECHAT\"\n", outer_key.display());
        let inner = Node::make("inner-node", &pair.database(INNER), &field_key, &push);
        let outer = Node::make("outer-node", &pair.database(OUTER), &field_key, &callbacks);
        let mut town = Self { pair, inner, outer, agency, site, daemons: Vec::new(), generator };
        town.settle_in();
        town
    }

    fn settle_in(&mut self) {
        let agency = self.agency_id();
        for node in [&self.inner, &self.outer] {
            [("li", "operator"), ("zhao", "reviewer"), ("sun", "auditor")]
                .into_iter()
                .for_each(|(name, role)| node.person(name, role));
        }
        self.inner.client("bureau-1", UNIT_KEY, "agency", Some(&agency), Some(self.agency.url()));
        self.inner.client("police-1", COUNTER_KEY, "counter", None, None);
        self.inner.client("ledger-1", LEDGER_KEY, "ledger", None, None);
        self.outer.client("unit-1", UNIT_KEY, "unit", Some(&agency), Some(self.site.url()));
        self.outer.client("WECHAT", CHANNEL_KEY, "channel", None, None);
        self.daemons = vec![self.pair.start(INNER), self.pair.start(OUTER)];
        self.pair.carry_until("the zones to greet each other", || {
            self.pair.stream(INNER, "confirm")["epoch"].as_u64().is_some_and(|epoch| epoch > 0)
        });
        self.inner.start();
        self.outer.start();
        self.write_base();
        self.pair
            .carry_until("base data to arrive", || self.number(OUTER, "SELECT count(*) FROM base_item_subject") > 0);
    }

    /// The id of the agency that everybody pays to.
    pub fn agency_id(&self) -> String {
        self.generator.agency(0).id
    }

    /// The item that it collects, and what one costs.
    pub fn item(&self) -> (String, i64) {
        let item: BaseIncomeItem = self.generator.income_item(ITEM);
        (item.ele_code, self.generator.item_standard(0).min_fen.expect("the first standard has limits"))
    }

    /// Base data of one agency that collects one item, with all that they refer to, in the inner zone's database.
    fn write_base(&self) {
        let generator = &self.generator;
        let agency: BaseAgency = generator.agency(0);
        let item: BaseIncomeItem = generator.income_item(ITEM);
        let counts = generator.counts();
        let subject: BaseItemSubject = generator.item_subject(0);
        let mut changes: Vec<Change> = Vec::new();
        // Each row of a tree stands alone, so that a part of the tree is enough.
        let region = generator.regions().find(|region| region.id == agency.region_id).expect("the agency has a region");
        changes.push(Change::insert(&BaseRegion { parent_id: None, ..region }));
        let find = |count: u64, id: &str, of: &dyn Fn(u64) -> (String, Change)| {
            (0..count)
                .map(of)
                .find(|(other, _)| other == id)
                .map(|(_, change)| change)
                .expect("what is referred to is there")
        };
        let dept = |index| of(&generator.dept(index), |row: &BaseDept| row.id.clone());
        let fin_dept = |index| of(&generator.fin_dept(index), |row: &BaseFinDept| row.id.clone());
        let category = |index| of(&generator.category(index), |row: &BaseCategory| row.id.clone());
        let nature = |index| of(&generator.fund_nature(index), |row: &BaseFundNature| row.id.clone());
        changes.push(find(counts.depts, &agency.dept_id, &dept));
        changes.push(find(counts.fin_depts, &agency.fin_dept_id, &fin_dept));
        changes.push(find(counts.categories, &item.category_id, &category));
        changes.push(find(counts.fund_natures, &item.fund_nature_id, &nature));
        let subject_row = (0..counts.subjects).map(|index| generator.budget_subject(index));
        let subject_row =
            subject_row.into_iter().find(|row| row.id == subject.subject_id).expect("the subject is there");
        changes.push(Change::insert(&BaseBudgetSubject { parent_id: None, ..subject_row }));
        let right = BaseAgencyItem {
            agency_id: agency.id.clone(),
            item_id: item.id.clone(),
            account_id: None,
            is_enabled: true,
            ..generator.agency_item(0)
        };
        let standard: BaseItemStandard = generator.item_standard(0);
        changes.push(Change::insert(&BaseAgency { parent_id: None, ..agency }));
        changes.push(Change::insert(&item));
        changes.extend([Change::insert(&right), Change::insert(&standard), Change::insert(&subject)]);
        self.insert(INNER, &changes);
    }

    /// Writes rows into a zone's database in one transaction, as a program of the zone does.
    pub fn insert(&self, zone: usize, changes: &[Change]) {
        let mut database = Database::open(&self.pair.database(zone)).expect("the database opens");
        for change in changes {
            let rows = contract::json_rows([change.cells.clone()]);
            database.run(&change.shape.insert_sql(), &[&rows]).expect("the row fits");
        }
        database.close();
    }

    /// One number out of a zone's database.
    pub fn number(&self, zone: usize, sql: &str) -> u64 {
        let mut database = Database::open(&self.pair.database(zone)).expect("the database opens");
        let number = database.number(sql, &[]).expect("the statement yields a number");
        database.close();
        number
    }

    /// Issues a notice inside for so many of the item, and waits until it can be paid outside. Yields the pay code and the total.
    pub fn issue(&self, quantity: i64) -> (String, i64) {
        let (item_code, unit_fen) = self.item();
        let drafts = json!({ "drafts": [{
            "agency_id": self.agency_id(), "biz_line": "TRAFFIC", "biz_ref": "决定书〔2026〕1号", "payer_type": 1,
            "payer_name": "王芳", "payer_id_no": "610113199003070011", "payer_phone": "13812345678",
            "lines": [{ "item_code": item_code, "quantity": quantity, "unit_fen": unit_fen }],
        }] });
        let li = self.inner.log_in("li");
        let issued = self.inner.post("/notice/issue", Ask::Token(&li), drafts);
        let pay_code = issued["pay_codes"][0].as_str().expect("a notice has a pay code").to_owned();
        self.pair.carry_until("the notice to be found outside", || {
            self.outer.ask("GET", &format!("/notice?pay_code={pay_code}"), Ask::Anyone, None).0 == 200
        });
        (pay_code, quantity * unit_fen)
    }

    /// An order for a notice, which the payer begins to pay. Yields its number.
    pub fn order(&self, number: &str, pay_code: Option<&str>, amount_fen: i64) -> String {
        let mut asked = json!({ "biz_order_no": number, "title": "罚款", "amount_fen": amount_fen });
        match pay_code {
            Some(pay_code) => asked["pay_code"] = json!(pay_code),
            None => {
                let (item_code, unit_fen) = self.item();
                asked["agency_id"] = json!(self.agency_id());
                asked["biz_line"] = json!("IMMIGRATION");
                asked["biz_ref"] = json!(format!("签证-{number}"));
                asked["payer_type"] = json!(1);
                asked["payer_name"] = json!("欧阳明");
                asked["lines"] = json!([{ "item_code": item_code, "quantity": amount_fen / unit_fen, "unit_fen": unit_fen, "amount_fen": amount_fen }]);
            }
        }
        let made = self.outer.post("/order/create", UNIT, asked);
        let order = made["platform_order_no"].as_str().expect("an order has a number").to_owned();
        self.outer.post("/order/pay", Ask::Anyone, json!({ "platform_order_no": order, "channel": "WECHAT" }));
        order
    }

    /// The channel says that an order was paid. Yields the answer.
    pub fn succeed(&self, order: &str, channel_order_no: &str, amount_fen: i64) -> Value {
        let told = json!({
            "platform_order_no": order, "outcome": "success", "channel_order_no": channel_order_no, "amount_fen": amount_fen,
            "paid_time": node::Clock::now(&node::SystemClock).time14(),
        });
        self.outer.post("/channel/result", CHANNEL, told)
    }

    /// Carries files until the outer zone has the inner zone's answer for a confirmation. Yields it.
    pub fn until_answered(&self, confirm_id: &str) -> Value {
        let path = format!("/confirm?confirm_id={confirm_id}");
        let mut answer = Value::Null;
        self.pair.carry_until("the confirmation to be answered", || {
            answer = self.outer.get(&path, Ask::Anyone);
            answer["is_pending"] == false
        });
        answer
    }

    /// An order as anybody may see it.
    pub fn state(&self, order: &str) -> i64 {
        self.outer.get(&format!("/order?platform_order_no={order}"), Ask::Anyone)["state"]
            .as_i64()
            .expect("an order has a state")
    }

    /// Ends a daemon as `kill -9` does, and starts it again.
    pub fn kill_daemon(&mut self, zone: usize) {
        self.daemons.remove(zone).kill();
        self.daemons.insert(zone, self.pair.start(zone));
    }
}

fn of<R: contract::rows::Row>(row: &R, id: impl Fn(&R) -> String) -> (String, Change) {
    (id(row), Change::insert(row))
}

fn pair_key(seed: u8) -> String {
    pair(seed).1
}

/// The private key of a seed as a file that nobody else may read.
fn key_file(directory: &Path, name: &str, seed: u8) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = directory.join(format!("{name}.pem"));
    write_file(&path, node::testing::private_pem(seed).as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("the mode can be set");
    path
}
