//! A zone to try the node in.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use contract::generate::Notice;
use contract::rows::{BaseAgency, BaseAgencyItem, BaseIncomeItem, BaseItemStandard, PayConfirm, PayConfirmItem};
use contract::{Generator, Row, Size};
use node::client::{self, Client};
use node::desk::NewPerson;
use node::http::{Caller, Listen, serve};
use node::message::{ClientKey, Message};
use node::people::Role;
use node::program::Program as _;
use node::rounds::Round;
use node::{Clock, Database, FieldKey, Moment, Node, SystemEntropy};
use outer::{Outer, OuterConfig, PayNode};
use serde_json::{Value, json};
use sm2::pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Executor as _};

/// 2026-06-01 10:00:00 in China.
pub const START: &str = "20260601100000";
pub const PASSWORD: &str = "Gap-Ferry-2026";
pub const MINUTE: i64 = 60_000;

/// A clock that stands until it is set.
#[derive(Debug)]
pub struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Moment {
        Moment::of_ms(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Key pairs of tests, by number: PEM of the private and the public key.
pub fn pair(number: u8) -> (String, String) {
    let secret = sm2::SecretKey::from_slice(&[number; 32]).unwrap();
    let private = secret.to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
    (private, secret.public_key().to_public_key_pem(LineEnding::LF).unwrap())
}

/// The node's own key.
pub const OWN: u8 = 9;

pub struct Zone {
    pub own: Arc<PayNode>,
    pub hand: Arc<Hand>,
    pub agency: BaseAgency,
    /// Items that the agency collects, and the least that each costs.
    pub items: Vec<(BaseIncomeItem, i64)>,
    pub address: String,
    pub path: PathBuf,
    _directory: tempfile::TempDir,
}

fn config(directory: &Path, more: &str) -> OuterConfig {
    let key = directory.join("callback.pem");
    #[expect(clippy::disallowed_methods, reason = "a test's file")]
    std::fs::write(&key, pair(OWN).0).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "[node]\ndatabase = \"zone.db\"\nlisten = \"127.0.0.1:0\"\nhealth = \"127.0.0.1:0\"\nfield_key = \"k\"\n\
         [callbacks]\nid = \"outer-node\"\nkey = \"{}\"\n{more}",
        key.display()
    );
    toml::from_str(&text).unwrap()
}

/// The usual configuration after the node's part.
pub const USUAL: &str = "[orders]\nday_cut = \"22:00\"\n[[channel]]\nid = \"wx\"\n[[channel]]\nid = \"ali\"\n";

impl Zone {
    pub async fn new() -> Self {
        Self::with(USUAL).await
    }

    pub async fn with(more: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("zone.db");
        let (agency, items) = fill(&path).await;
        let settings = config(directory.path(), more).settings().unwrap();
        let hand = Arc::new(Hand(AtomicI64::new(Moment::of_time14(START).unwrap().ms())));
        let database = Database::open(&path).await.unwrap();
        database.migrate(Outer::NAME, Outer::MIGRATIONS).await.unwrap();
        let node = Node {
            database,
            clock: Arc::<Hand>::clone(&hand),
            entropy: Arc::new(SystemEntropy::new()),
            field_key: Arc::new(FieldKey::new(&[7; 16])),
            policy: Arc::new(contract::rules::Policy::default()),
        };
        let own = Arc::new(PayNode::new(node, settings));
        let listen = Listen::on("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = format!("http://{}", listen.address().unwrap());
        let router = outer::api::operations().router(Arc::clone(&own));
        tokio::spawn(serve(listen, router, std::future::pending()));
        let zone = Self { own, hand, agency, items, address, path, _directory: directory };
        zone.client("unit", "unit", 1, None, None).await;
        zone.client("wx", "channel", 2, None, None).await;
        zone.client("ali", "channel", 3, None, None).await;
        zone
    }

    pub fn now(&self) -> Moment {
        self.hand.now()
    }

    pub fn pass(&self, ms: i64) {
        self.hand.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub async fn client(&self, id: &str, permission: &str, key: u8, url: Option<&str>, agency: Option<&str>) {
        let client = Client {
            id: id.to_owned(),
            title: id.to_owned(),
            public_key: pair(key).1,
            permission: permission.to_owned(),
            agency_id: agency.map(str::to_owned),
            notify_url: url.map(str::to_owned),
            is_enabled: true,
        };
        let now = self.now();
        let put =
            self.own.node.database.write(move |connection| {
                Box::pin(async move { client::put(connection, &client, now).await.map(|_| ()) })
            });
        put.await.unwrap();
    }

    /// A session of a new person.
    pub async fn person(&self, name: &str, role: Role) -> String {
        let person = NewPerson { name: name.to_owned(), title: name.to_owned(), role, password: PASSWORD.to_owned() };
        node::desk::add_person(&self.own.node, &Caller::local("test"), person).await.unwrap();
        self.login(name).await
    }

    pub async fn login(&self, name: &str) -> String {
        let (status, answer) = self.post("/login", json!({ "name": name, "password": PASSWORD })).await;
        assert_eq!(status, 200, "{answer}");
        answer["data"]["token"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.send(path, None, None).await
    }

    pub async fn get_as(&self, token: &str, path: &str) -> (u16, Value) {
        self.send(path, None, Some(token)).await
    }

    pub async fn post(&self, path: &str, document: Value) -> (u16, Value) {
        self.send(path, Some(document), None).await
    }

    pub async fn post_as(&self, token: &str, path: &str, document: Value) -> (u16, Value) {
        self.send(path, Some(document), Some(token)).await
    }

    /// A signed message of a client whose key has a number.
    pub async fn signed(&self, (id, key): (&str, u8), path: &str, document: Value) -> (u16, Value) {
        let key = ClientKey::from_pem(&pair(key).0).unwrap();
        let message = Message::sign(&key, id, &document, self.now(), &SystemEntropy::new()).unwrap();
        self.post(path, serde_json::to_value(message).unwrap()).await
    }

    pub async fn unit(&self, path: &str, document: Value) -> (u16, Value) {
        self.signed(("unit", 1), path, document).await
    }

    pub async fn wx(&self, document: Value) -> (u16, Value) {
        self.signed(("wx", 2), "/channel/result", document).await
    }

    pub async fn ali(&self, document: Value) -> (u16, Value) {
        self.signed(("ali", 3), "/channel/result", document).await
    }

    async fn send(&self, path: &str, document: Option<Value>, token: Option<&str>) -> (u16, Value) {
        let url = format!("{}{path}", self.address);
        let token = token.map(|token| format!("Bearer {token}"));
        let sent = tokio::task::spawn_blocking(move || {
            let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
            let bearer = token.unwrap_or_default();
            let answer = match document {
                Some(document) => agent
                    .post(&url)
                    .header("Authorization", &bearer)
                    .header("Content-Type", "application/json")
                    .send(document.to_string()),
                None => agent.get(&url).header("Authorization", &bearer).call(),
            };
            let mut answer = answer.unwrap();
            let text = answer.body_mut().read_to_string().unwrap();
            (answer.status().as_u16(), serde_json::from_str(&text).unwrap())
        });
        sent.await.unwrap()
    }

    /// A connection beside the node's, as ferry's applier has it.
    pub async fn connection(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .foreign_keys(false)
            .busy_timeout(std::time::Duration::from_secs(10))
            .connect()
            .await
            .unwrap()
    }

    pub async fn run(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        sqlx::query(sql).execute(&mut self.connection().await).await.unwrap();
    }

    pub async fn number(&self, sql: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        sqlx::query_scalar(sql).fetch_one(&mut self.connection().await).await.unwrap()
    }

    /// Tells units what is due, and waits until they were told.
    pub async fn send_all(&self) {
        assert_eq!(outer::callback::send(Arc::clone(&self.own)).await.unwrap(), Round::Rest);
        self.own.telling.over().await;
    }

    /// Closes orders whose time is over, waits until channels were asked, and closes what has failed by their word.
    pub async fn expire_all(&self) {
        for _ in 0..2 {
            while outer::expire::expire(Arc::clone(&self.own)).await.unwrap() == Round::More {}
            self.own.asking.over().await;
        }
    }

    pub async fn put<R: Row>(&self, row: &R) {
        node::rows::put(&mut self.connection().await, row).await.unwrap();
    }

    /// A notice as it comes over the gap, changed as a test wants it.
    pub async fn notice(&self, serial: u64, change: impl FnOnce(&mut Notice)) -> Notice {
        let mut notice = Generator::new(1, Size::S).notice(serial);
        notice.notice.bill_date = "20260101".to_owned();
        notice.notice.expire_date = Some("20261231".to_owned());
        change(&mut notice);
        let mut connection = self.connection().await;
        node::rows::put(&mut connection, &notice.notice).await.unwrap();
        for item in &notice.items {
            node::rows::put(&mut connection, item).await.unwrap();
        }
        notice
    }

    /// An order for a notice, whose number is yielded.
    pub async fn order(&self, biz_order_no: &str, notice: &Notice) -> String {
        let asked = by_code(biz_order_no, notice);
        let (status, answer) = self.unit("/order/create", asked).await;
        assert_eq!(status, 200, "{answer}");
        answer["data"]["platform_order_no"].as_str().unwrap().to_owned()
    }

    /// An order for a notice that is being paid through a channel.
    pub async fn paying(&self, biz_order_no: &str, notice: &Notice, channel: &str) -> String {
        let number = self.order(biz_order_no, notice).await;
        let (status, answer) =
            self.post("/order/pay", json!({ "platform_order_no": number, "channel": channel })).await;
        assert_eq!((status, &answer["data"]["state"]), (200, &json!(1)), "{answer}");
        number
    }

    pub async fn state(&self, number: &str) -> i64 {
        let (status, answer) = self.get(&format!("/order?platform_order_no={number}")).await;
        assert_eq!(status, 200, "{answer}");
        answer["data"]["state"].as_i64().unwrap()
    }

    pub async fn confirmations(&self) -> Vec<(PayConfirm, Vec<PayConfirmItem>)> {
        let mut connection = self.connection().await;
        let heads: Vec<PayConfirm> =
            node::rows::select(&mut connection, "ORDER BY channel, channel_order_no", &[]).await.unwrap();
        let mut found = Vec::new();
        for head in heads {
            let key = [node::rows::text(&head.confirm_id)];
            let rest = "WHERE confirm_id = ?1 ORDER BY line_no";
            let items = node::rows::select(&mut connection, rest, &key).await.unwrap();
            found.push((head, items));
        }
        found
    }

    /// What the record of acts says of one kind of act: who and to what.
    pub async fn acts(&self, what: &str) -> Vec<(String, String)> {
        sqlx::query_as("SELECT who, object FROM node_act WHERE what = ?1 ORDER BY id")
            .bind(what.to_owned())
            .fetch_all(&mut self.connection().await)
            .await
            .unwrap()
    }
}

/// What a unit asks for to have a notice paid.
pub fn by_code(biz_order_no: &str, notice: &Notice) -> Value {
    json!({
        "biz_order_no": biz_order_no,
        "pay_code": notice.notice.pay_code,
        "title": "缴款",
        "amount_fen": notice.notice.total_fen,
    })
}

/// What a channel says of a payment.
pub fn paid(number: &str, channel_order_no: &str, amount_fen: i64) -> Value {
    json!({
        "platform_order_no": number,
        "outcome": "success",
        "channel_order_no": channel_order_no,
        "amount_fen": amount_fen,
        "paid_time": START,
    })
}

pub fn failed(number: &str) -> Value {
    json!({ "platform_order_no": number, "outcome": "failure", "reason": "余额不足" })
}

pub fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or_default()
}

/// The codes of the rules that a document broke, with their columns.
pub fn rules(answer: &Value) -> Vec<String> {
    let faults = answer["error"]["faults"].as_array().cloned().unwrap_or_default();
    let one = |fault: &Value| {
        format!("{} {}", fault["column"].as_str().unwrap_or_default(), fault["rule"].as_str().unwrap_or_default())
    };
    faults.iter().map(one).collect()
}

/// Makes the database of a zone with one agency, its items and their standards.
async fn fill(path: &Path) -> (BaseAgency, Vec<(BaseIncomeItem, i64)>) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).foreign_keys(false);
    let mut connection = options.connect().await.unwrap();
    connection.execute(contract::NONTAX_SQLITE_SQL).await.unwrap();
    let generator = Generator::new(1, Size::S);
    let agency = BaseAgency { is_enabled: true, ..generator.agency(0) };
    node::rows::insert(&mut connection, &agency).await.unwrap();
    let rights: Vec<BaseAgencyItem> = generator.agency_items().filter(|row| row.agency_id == agency.id).collect();
    let counts = generator.counts();
    let standards: Vec<BaseItemStandard> =
        (0..counts.item_standards).map(|index| generator.item_standard(index)).collect();
    let mut items = Vec::new();
    connection.execute("BEGIN").await.unwrap();
    for item in generator.income_items() {
        node::rows::insert(&mut connection, &item).await.unwrap();
        let own: Vec<&BaseItemStandard> = standards.iter().filter(|row| row.item_id == item.id).collect();
        for standard in &own {
            node::rows::insert(&mut connection, *standard).await.unwrap();
        }
        let least = own.iter().find_map(|row| row.min_fen);
        if let Some(right) = rights.iter().find(|row| row.item_id == item.id) {
            node::rows::insert(&mut connection, &BaseAgencyItem { is_enabled: true, ..right.clone() }).await.unwrap();
            items.push((item, least.unwrap()));
        }
    }
    connection.execute("COMMIT").await.unwrap();
    (agency, items)
}
