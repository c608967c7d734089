//! A town in which everything stands that bad input could touch: papers, people and clients in all their states.

use std::path::PathBuf;
use std::process::Command;

use node::message::Message;
use node::testing::pair;
use node::{Clock as _, SystemClock, SystemEntropy};
use serde_json::{Value, json};
use tests::nodes::{Ask, Node, Town, UNIT};
use tests::pair::{INNER, OUTER, wait_until, write_file};

use super::case::succeed;
use super::snapshot::Snapshot;

/// The seeds of the keys of clients that only this test has.
pub const STRANGER_KEY: u8 = 91;
/// So many wrong passwords lock a person out.
const WRONG_PASSWORDS: usize = 5;
/// So many equal looks in a row say that a database is at rest: the node's rounds come every second or two.
const LOOKS_AT_REST: usize = 60;

/// A zone's people, by what they may do.
#[derive(Debug, Default)]
pub struct Tokens {
    /// 操作员.
    pub operator: String,
    /// 复核员.
    pub reviewer: String,
    /// 审计员.
    pub auditor: String,
    /// 系统管理员.
    pub administrator: String,
    /// A reviewer who was an operator when she asked for something.
    pub both: String,
    /// An operator whose session is over.
    pub expired: String,
}

/// The place.
pub struct Place {
    /// The town.
    pub town: Town,
    /// The people of each zone.
    pub tokens: [Tokens; 2],
    /// 缴款码 of a notice that nobody has paid, and what it asks for.
    pub pay_code: String,
    /// Its total, in fen.
    pub total_fen: i64,
    /// 缴款码 of a notice that is paid.
    pub paid_code: String,
    /// An order that is closed.
    pub closed_order: String,
    /// An order that is being paid.
    pub open_order: String,
    /// A message that was taken.
    pub taken: Value,
    /// A proposal of the person who is a reviewer by now, and one that is decided.
    pub proposals: [i64; 2],
    /// Evidence of the person who is a reviewer by now.
    pub evidence_id: String,
    /// Where bad files lie.
    pub files: tempfile::TempDir,
}

impl Place {
    /// Builds it up, and waits until it is at rest.
    pub fn open() -> Self {
        let town = Town::open();
        let (paid_code, paid_fen) = town.issue(1);
        let paid_order = town.order("R-1", Some(&paid_code), paid_fen);
        let taken = town.succeed(&paid_order, "WX-R-1", paid_fen);
        town.until_answered(taken["confirm_id"].as_str().unwrap());
        let (pay_code, total_fen) = town.issue(2);
        let unit_fen = town.item().1;
        let closed_order = town.order("R-2", None, unit_fen);
        town.write(OUTER, "UPDATE outer_order SET state = 4 WHERE platform_order_no = ?1", &[&closed_order]);
        let open_order = town.order("R-3", None, unit_fen);
        town.outer.client("off-1", STRANGER_KEY, "unit", None, None);
        let key = town.pair.path(OUTER, "off-1.pub.pem").display().to_string();
        let put = ["client", "put", "off-1", "--title", "off", "--permission", "unit", "--key", &key, "--disable"];
        succeed(town.outer.command().args(put));
        let tokens = [INNER, OUTER].map(|zone| Tokens::of(&town, zone));
        let mut place = Self {
            town,
            tokens,
            pay_code,
            total_fen,
            paid_code,
            closed_order,
            open_order,
            taken: Value::Null,
            proposals: [0, 0],
            evidence_id: String::new(),
            files: tempfile::tempdir().unwrap(),
        };
        place.ask_for_reviews(unit_fen);
        place.come_to_rest();
        place.taken = place.message("/order/query", &json!({ "biz_order_no": "R-1" }));
        place
    }

    /// What needs a second person, asked for by somebody who becomes one.
    fn ask_for_reviews(&mut self, unit_fen: i64) {
        let void =
            |pay_code: &str| json!({ "wish": { "what": "void-notice", "pay_code": pay_code }, "reason": "开错" });
        let inner = &self.town.inner;
        let both = inner.log_in("both");
        let first = inner.post("/proposal/ask", Ask::Token(&both), void(&self.pay_code));
        let second = inner.post("/proposal/ask", Ask::Token(&self.tokens[INNER].operator), void(&self.pay_code));
        let decided = json!({ "id": second["id"], "is_allowed": false });
        inner.post("/proposal/decide", Ask::Token(&self.tokens[INNER].reviewer), decided);
        self.proposals = [first["id"].as_i64().unwrap(), second["id"].as_i64().unwrap()];
        let outer = &self.town.outer;
        let both = outer.log_in("both");
        let asked = self.evidence(unit_fen, |_| {});
        let evidence = outer.post("/order/confirm-ask", Ask::Token(&both), asked);
        self.evidence_id = evidence["evidence_id"].as_str().unwrap().to_owned();
        for zone in [INNER, OUTER] {
            succeed(self.node(zone).command().args(["person", "change", "both", "--role", "reviewer"]));
            self.tokens[zone].both = self.node(zone).log_in("both");
        }
    }

    /// Waits until neither database changes any more.
    fn come_to_rest(&self) {
        let look = || [INNER, OUTER].map(|zone| Snapshot::of(self, zone));
        let (mut last, mut equal) = (look(), 0);
        wait_until("the databases to be at rest", || {
            let now = look();
            equal = if now == last { equal + 1 } else { 0 };
            last = now;
            equal >= LOOKS_AT_REST
        });
    }

    /// A message of the unit that the node has taken.
    fn message(&self, path: &str, document: &Value) -> Value {
        let Ask::Client(id, seed) = UNIT else { unreachable!("the unit is a client") };
        let message = Message::sign(&pair(seed).0, id, document, SystemClock.now(), &SystemEntropy::new()).unwrap();
        let message = json!(message);
        self.town.outer.post(path, Ask::Anyone, message.clone());
        message
    }

    /// A zone's node.
    pub fn node(&self, zone: usize) -> &Node {
        if zone == INNER { &self.town.inner } else { &self.town.outer }
    }

    /// The inner zone's operator.
    pub fn operator(&self) -> Ask<'_> {
        Ask::Token(&self.tokens[INNER].operator)
    }

    /// A notice that could be issued, with a change.
    pub fn draft(&self, change: impl FnOnce(&mut Value)) -> Value {
        let (item_code, unit_fen) = self.town.item();
        let mut draft = json!({
            "agency_id": self.town.agency_id(), "biz_line": "TRAFFIC", "biz_ref": "决定书〔2026〕9号", "payer_type": 1,
            "payer_name": "王芳", "lines": [{ "item_code": item_code, "quantity": 1, "unit_fen": unit_fen }],
        });
        change(&mut draft);
        json!({ "drafts": [draft] })
    }

    /// An order that could be made for the notice that nobody has paid, with a change.
    pub fn order(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut order =
            json!({ "biz_order_no": "R-9", "title": "罚款", "pay_code": self.pay_code, "amount_fen": self.total_fen });
        change(&mut order);
        order
    }

    /// An order that could begin at the unit's own site, with a change.
    pub fn own_order(&self, change: impl FnOnce(&mut Value)) -> Value {
        let (item_code, unit_fen) = self.town.item();
        let mut order = json!({
            "biz_order_no": "R-10", "title": "签证费", "amount_fen": unit_fen, "agency_id": self.town.agency_id(),
            "biz_line": "IMMIGRATION", "payer_type": 1, "payer_name": "欧阳明",
            "lines": [{ "item_code": item_code, "quantity": 1, "unit_fen": unit_fen, "amount_fen": unit_fen }],
        });
        change(&mut order);
        order
    }

    /// What the channel could say of the order that is being paid, with a change.
    pub fn result(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut result = json!({
            "platform_order_no": self.open_order, "outcome": "success", "channel_order_no": "WX-R-9",
            "amount_fen": self.town.item().1, "paid_time": SystemClock.now().time14(),
        });
        change(&mut result);
        result
    }

    /// Evidence that could be given for the order that is being paid, with a change.
    pub fn evidence(&self, amount_fen: i64, change: impl FnOnce(&mut Value)) -> Value {
        let mut evidence = json!({
            "platform_order_no": self.open_order, "channel": "WECHAT", "channel_order_no": "WX-R-3", "amount_fen": amount_fen,
            "paid_time": SystemClock.now().time14(), "reason": "渠道对账单", "file_digest": "9f".repeat(32),
        });
        change(&mut evidence);
        evidence
    }

    /// A file with some bytes.
    pub fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path: PathBuf = self.files.path().join(name);
        write_file(&path, bytes);
        path.display().to_string()
    }

    /// The text of a node's configuration.
    pub fn config(&self, zone: usize) -> String {
        let name = ["inner-node.toml", "outer-node.toml"][zone];
        std::fs::read_to_string(self.town.pair.path(zone, name)).unwrap()
    }

    /// The file of a node's configuration.
    pub fn config_path(&self, zone: usize) -> String {
        let name = ["inner-node.toml", "outer-node.toml"][zone];
        self.town.pair.path(zone, name).display().to_string()
    }
}

impl Tokens {
    /// The people of a zone, among them one who is locked out, one who is disabled, and one whose session is over.
    fn of(town: &Town, zone: usize) -> Self {
        let node = if zone == INNER { &town.inner } else { &town.outer };
        let more = [
            ("qian", "administrator"),
            ("wang", "operator"),
            ("gone", "operator"),
            ("lock", "operator"),
            ("both", "operator"),
        ];
        more.into_iter().for_each(|(name, role)| node.person(name, role));
        succeed(Command::args(&mut node.command(), ["person", "change", "gone", "--disable"]));
        for _ in 0..WRONG_PASSWORDS {
            let wrong = json!({ "name": "lock", "password": "Wrong-Horse-7" });
            assert_eq!(node.ask("POST", "/login", Ask::Anyone, Some(wrong)).0, 401);
        }
        let expired = node.log_in("wang");
        assert_eq!(town.write(zone, "UPDATE node_session SET expires_ms = 1 WHERE name = 'wang'", &[]), 1);
        Self {
            operator: node.log_in("li"),
            reviewer: node.log_in("zhao"),
            auditor: node.log_in("sun"),
            administrator: node.log_in("qian"),
            both: String::new(),
            expired,
        }
    }
}
