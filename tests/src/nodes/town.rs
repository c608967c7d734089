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

use super::channel::Channel;
use super::line::Ask;
use super::outside::Outside;
use super::payer::Payer;
use super::program::Node;
use super::tally;
use crate::demo::database::Database;
use crate::kills::gate::Gate;
use crate::pair::{Daemon, INNER, Making, OUTER, Pair, expect_success, program, run, wait_until, write_file};

/// The item that the agency collects, from 0.
pub const ITEM: u64 = 0;
/// The seeds of the keys: both nodes', and those of their clients.
const INNER_KEY: u8 = 11;
const OUTER_KEY: u8 = 12;
const UNIT_KEY: u8 = 13;
const CHANNEL_KEY: u8 = 14;
const COUNTER_KEY: u8 = 15;
const LEDGER_KEY: u8 = 16;
const BANK_KEY: u8 = 17;
const BANK_COUNTER_KEY: u8 = 18;
/// The ids of the channels.
const WECHAT: &str = "WECHAT";
const UNIONPAY: &str = "UNIONPAY";

/// The outer side's system of the unit.
pub const UNIT: Ask<'static> = Ask::Client("unit-1", UNIT_KEY);
/// The channel.
pub const CHANNEL: Ask<'static> = Ask::Client(WECHAT, CHANNEL_KEY);
/// Whoever reports payments made offline.
pub const COUNTER: Ask<'static> = Ask::Client("police-1", COUNTER_KEY);
/// A bank's counter, which reports what was paid there.
pub const BANK_COUNTER: Ask<'static> = Ask::Client("bank-1", BANK_COUNTER_KEY);
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
    /// A channel that can be asked what became of an order.
    pub wechat: Channel,
    /// A channel that cannot be asked.
    pub unionpay: Channel,
    /// A gate that misbehaves; none where the test carries the files itself, and chooses the moment.
    gate: Option<Gate>,
    daemons: [Option<Daemon>; 2],
    generator: Generator,
}

impl Town {
    /// A town whose base data has arrived outside, and whose files the test carries.
    pub fn open() -> Self {
        Self::of(1, false)
    }

    /// A town behind a gate that loses, doubles, damages and delays files, each as the seed draws it; the seed draws the fates of
    /// the channels' messages, too.
    pub fn behind_gate(seed: u64) -> Self {
        Self::of(seed, true)
    }

    fn of(seed: u64, is_gated: bool) -> Self {
        let pair = Pair::make(Making::default());
        let generator = Generator::new(1, Size::S);
        let field_key = pair.dir.path().join("field.key");
        expect_success(&run(Command::new(program("inner-node")).arg("field-key").arg(&field_key)));
        let agency = Outside::open(vec![pair_key(INNER_KEY)]);
        let site = Outside::open(vec![pair_key(OUTER_KEY)]);
        let wechat = Channel::open(WECHAT, CHANNEL_KEY, pair_key(OUTER_KEY), seed);
        let unionpay = Channel::open(UNIONPAY, BANK_KEY, pair_key(OUTER_KEY), seed).never_lose();
        let key = |name: &str, seed| key_file(pair.dir.path(), name, seed);
        let (inner_key, outer_key) = (key("inner", INNER_KEY), key("outer", OUTER_KEY));
        let push = format!("[push]\nid = \"inner\"\nkey = \"{}\"\n", inner_key.display());
        let callbacks = format!(
            "[callbacks]\nid = \"outer\"\nkey = \"{}\"\n[[channel]]\nid = \"{WECHAT}\"\nquery_url = \"{}\"\n\
             [[channel]]\nid = \"{UNIONPAY}\"\n",
            outer_key.display(),
            wechat.query_url()
        );
        let inner = Node::make("inner-node", &pair.database(INNER), &field_key, &push);
        let outer = Node::make("outer-node", &pair.database(OUTER), &field_key, &callbacks);
        for channel in [&wechat, &unionpay] {
            channel.report_to(outer.line().url("/channel/result"));
        }
        tally::install(&pair);
        let gate = is_gated.then(|| Gate::start(&pair, seed));
        let daemons = [None, None];
        let mut town = Self { pair, inner, outer, agency, site, wechat, unionpay, gate, daemons, generator };
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
        self.inner.client("police-1", COUNTER_KEY, "counter:police", None, None);
        self.inner.client("bank-1", BANK_COUNTER_KEY, "counter:bank", None, None);
        self.inner.client("ledger-1", LEDGER_KEY, "ledger", None, None);
        self.outer.client("unit-1", UNIT_KEY, "unit", Some(&agency), Some(self.site.url()));
        self.outer.client(WECHAT, CHANNEL_KEY, "channel", None, None);
        self.outer.client(UNIONPAY, BANK_KEY, "channel", None, None);
        self.daemons = [INNER, OUTER].map(|zone| Some(self.pair.start(zone)));
        self.until("the zones to greet each other", || {
            self.pair.stream(INNER, "confirm")["epoch"].as_u64().is_some_and(|epoch| epoch > 0)
        });
        self.inner.start();
        self.outer.start();
        self.write_base();
        self.until("base data to arrive", || self.number(OUTER, "SELECT count(*) FROM base_item_subject") > 0);
    }

    /// Waits until a condition holds, while the files cross.
    pub fn until(&self, what: &str, holds: impl FnMut() -> bool) {
        match self.gate {
            Some(_) => wait_until(what, holds),
            None => self.pair.carry_until(what, holds),
        }
    }

    /// Ends the gate as `kill -9` does, and starts one that another seed draws.
    pub fn change_gate(&mut self, seed: u64) {
        let gate = self.gate.take().expect("the town has a gate");
        self.gate = Some(gate.change(&self.pair, seed));
    }

    /// The id of the agency that everybody pays to.
    pub fn agency_id(&self) -> String {
        self.generator.agency(0).id
    }

    /// The id of an item that the agency collects.
    pub fn item_id(&self, item: u64) -> String {
        self.generator.income_item(item).id
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
        let pay_codes = self.issue_all(&[quantity]);
        (pay_codes.into_iter().next().expect("a notice has a pay code"), quantity * self.item().1)
    }

    /// Issues notices inside, each for so many of the item, and waits until they can be paid outside. Yields their pay codes.
    pub fn issue_all(&self, quantities: &[i64]) -> Vec<String> {
        let (item_code, unit_fen) = self.item();
        let draft = |quantity: &i64| {
            json!({
                "agency_id": self.agency_id(), "biz_line": "TRAFFIC", "biz_ref": "决定书〔2026〕1号", "payer_type": 1,
                "payer_name": "王芳", "payer_id_no": "610113199003070011", "payer_phone": "13812345678",
                "lines": [{ "item_code": item_code, "quantity": quantity, "unit_fen": unit_fen }],
            })
        };
        let drafts: Vec<Value> = quantities.iter().map(draft).collect();
        let li = self.inner.log_in("li");
        let issued = self.inner.post("/notice/issue", Ask::Token(&li), json!({ "drafts": drafts }));
        let pay_codes: Vec<String> =
            serde_json::from_value(issued["pay_codes"].clone()).expect("notices have pay codes");
        // They are issued in one transaction, and cross in one group.
        let last = pay_codes.last().expect("a notice was issued");
        self.until("the notices to be found outside", || {
            self.outer.ask("GET", &format!("/notice?pay_code={last}"), Ask::Anyone, None).0 == 200
        });
        pay_codes
    }

    /// A payer, whose lines stay when nodes are killed.
    pub fn payer(&self) -> Payer {
        let (item_code, unit_fen) = self.item();
        Payer { outer: self.outer.line(), agency_id: self.agency_id(), item_code, unit_fen }
    }

    /// An order for a notice, which the payer begins to pay. Yields its number.
    pub fn order(&self, number: &str, pay_code: Option<&str>, amount_fen: i64) -> String {
        let payer = self.payer();
        let order = payer.order(number, pay_code, amount_fen);
        payer.begin(&order, WECHAT);
        order
    }

    /// One text out of a zone's database.
    pub fn text(&self, zone: usize, sql: &str) -> String {
        let mut database = Database::open(&self.pair.database(zone)).expect("the database opens");
        let texts = database.rows(sql, &[], |row| row.text(0)).expect("the statement yields texts");
        database.close();
        texts.into_iter().next().expect("the statement yields a row")
    }

    /// The time of an order is over: what a clock would come to in two hours, the test writes into the order.
    pub fn time_out(&self, order: &str) {
        self.write(OUTER, "UPDATE outer_order SET expire_ms = 1 WHERE platform_order_no = ?1", &[order]);
    }

    /// Runs a statement in a zone's database, and tells how many rows it changed.
    pub fn write(&self, zone: usize, sql: &str, parameters: &[&str]) -> u64 {
        let mut database = Database::open(&self.pair.database(zone)).expect("the database opens");
        let changed = database.run(sql, parameters).expect("the database takes the statement");
        database.close();
        changed
    }

    /// A payment to the police, who report it inside. Yields what became of it.
    pub fn pay_police(&self, pay_code: &str, source_ref: &str, amount_fen: i64) -> Value {
        self.pay_offline(COUNTER, 2, pay_code, source_ref, amount_fen)
    }

    /// A payment at a bank's counter, which reports it inside. Yields what became of it.
    pub fn pay_bank(&self, pay_code: &str, source_ref: &str, amount_fen: i64) -> Value {
        self.pay_offline(BANK_COUNTER, 1, pay_code, source_ref, amount_fen)
    }

    fn pay_offline(&self, who: Ask<'_>, source: i64, pay_code: &str, source_ref: &str, amount_fen: i64) -> Value {
        let time = node::Clock::now(&node::SystemClock).time14();
        let report = json!({ "payments": [{
            "pay_code": pay_code, "source": source, "source_ref": source_ref, "amount_fen": amount_fen, "pay_time": time,
        }] });
        self.inner.post("/offline/report", who, report)["payments"][0].clone()
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
        self.until("the confirmation to be answered", || {
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
        self.kill(Process::of_daemon(zone));
        self.start(Process::of_daemon(zone));
    }

    /// Ends a process as `kill -9` does.
    pub fn kill(&mut self, process: Process) {
        match process {
            Process::InnerNode => self.inner.kill(),
            Process::OuterNode => self.outer.kill(),
            Process::InnerDaemon | Process::OuterDaemon => {
                self.daemons[process.zone()].take().expect("the daemon runs").kill();
            }
        }
    }

    /// Starts a process that was ended.
    pub fn start(&mut self, process: Process) {
        match process {
            Process::InnerNode => self.inner.start(),
            Process::OuterNode => self.outer.start(),
            Process::InnerDaemon | Process::OuterDaemon => {
                let zone = process.zone();
                self.daemons[zone] = Some(self.pair.start(zone));
            }
        }
    }

    /// Carries what waits before the gate, where the test is the gate.
    pub fn carry(&self) {
        if self.gate.is_none() {
            self.pair.carry(|_| true);
        }
    }
}

/// Shows the ends of the logs when the test fails.
impl Drop for Town {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for (zone, name) in
                [(INNER, "inner-node.log"), (OUTER, "outer-node.log"), (INNER, "daemon.log"), (OUTER, "daemon.log")]
            {
                let log = std::fs::read_to_string(self.pair.path(zone, name)).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                println!("{name} of zone {zone} ends:\n{}", lines[lines.len().saturating_sub(20)..].join("\n"));
            }
        }
    }
}

/// A process of a town.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Process {
    /// The intranet node.
    InnerNode,
    /// The extranet payment node.
    OuterNode,
    /// The daemon of the inner zone.
    InnerDaemon,
    /// The daemon of the outer zone.
    OuterDaemon,
}

impl Process {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::InnerNode, Self::OuterNode, Self::InnerDaemon, Self::OuterDaemon];

    const fn of_daemon(zone: usize) -> Self {
        if zone == INNER { Self::InnerDaemon } else { Self::OuterDaemon }
    }

    const fn zone(self) -> usize {
        match self {
            Self::InnerNode | Self::InnerDaemon => INNER,
            Self::OuterNode | Self::OuterDaemon => OUTER,
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::InnerNode => "inner-node",
            Self::OuterNode => "outer-node",
            Self::InnerDaemon => "ferry inside",
            Self::OuterDaemon => "ferry outside",
        }
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
