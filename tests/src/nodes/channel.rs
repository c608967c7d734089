//! A simulator of a payment channel (支付渠道): it takes money for orders and tells the outer node so, each time as the fate of the
//! message has it. What it took is the truth that tests count against.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use gap_sim::prng::Prng;
use node::message::{ClientKey, Message};
use node::post::Post;
use node::testing::pair;
use node::{Clock as _, Failure, SystemClock, SystemEntropy};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Between two tries of a message that was not answered: minutes at a real channel, and here long enough for a node to start.
const AGAIN: Duration = Duration::from_millis(200);
/// Of so many parts of an amount the channel keeps one (手续费).
const FEE_PART: i64 = 200;
/// Of so many messages, by lot, one is lost; and one is doubled.
const ODD_EVERY: u64 = 5;

/// What becomes of the message that an order was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is sent, and again until it is answered.
    Once,
    /// It is sent twice at the same time, each again until it is answered.
    Doubled,
    /// It is never sent; whoever asks hears it.
    Lost,
    /// It is sent when it is let go, and whoever asks before hears nothing.
    Held,
}

/// Money that the channel took.
#[derive(Debug, Clone)]
pub struct Taking {
    /// 渠道订单号.
    pub channel_order_no: String,
    /// 平台订单号.
    pub platform_order_no: String,
    /// What the payer paid, in fen.
    pub amount_fen: i64,
    /// 手续费, in fen.
    pub fee_fen: i64,
    /// 缴款时间: yyyyMMddHHmmss.
    pub paid_time: String,
    /// What becomes of the message.
    pub fate: Fate,
    /// What the outer node answered, each time.
    pub answers: Vec<Value>,
    /// How often the outer node asked for it.
    pub asked: u64,
    /// Why the last try was not answered.
    pub unanswered: Option<String>,
}

impl Taking {
    fn result(&self) -> Value {
        json!({
            "platform_order_no": self.platform_order_no, "outcome": "success", "channel_order_no": self.channel_order_no,
            "amount_fen": self.amount_fen, "fee_fen": self.fee_fen, "paid_time": self.paid_time,
        })
    }
}

/// What is behind the channel's counter.
struct Counter {
    id: &'static str,
    key: ClientKey,
    /// The public key of the outer node.
    asker: String,
    /// Where results go.
    results: OnceLock<String>,
    takings: Mutex<Vec<Taking>>,
    arranged: Mutex<BTreeMap<String, Fate>>,
    lot: Mutex<Prng>,
    /// Whether messages may be lost, because the outer node can ask.
    may_lose: AtomicBool,
    post: Post,
}

/// A channel that listens on the loopback.
pub struct Channel {
    counter: Arc<Counter>,
    url: String,
    runtime: Runtime,
}

impl Channel {
    /// Opens a channel by its id and the seed of its key; `asker` is the public key of the outer node, and `seed` draws fates.
    pub fn open(id: &'static str, key: u8, asker: String, seed: u64) -> Self {
        let counter = Arc::new(Counter {
            id,
            key: pair(key).0,
            asker,
            results: OnceLock::new(),
            takings: Mutex::default(),
            arranged: Mutex::default(),
            lot: Mutex::new(Prng::fork(seed, &[u64::from(key)])),
            may_lose: AtomicBool::new(true),
            post: Post::new(),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("a port has a number"));
        let router = Router::new().route("/pay", post(pay)).route("/query", post(query));
        let router = router.with_state(Arc::clone(&counter));
        runtime.spawn(async move {
            axum::serve(listener, router).await.expect("serving goes on");
        });
        Self { counter, url, runtime }
    }

    /// A channel that cannot be asked, and so loses no message.
    #[must_use]
    pub fn never_lose(self) -> Self {
        self.counter.may_lose.store(false, Ordering::Relaxed);
        self
    }

    /// Where the outer node asks.
    pub fn query_url(&self) -> String {
        format!("{}/query", self.url)
    }

    /// Where payers pay.
    pub fn pay_url(&self) -> String {
        format!("{}/pay", self.url)
    }

    /// Says where results go.
    pub fn report_to(&self, url: String) {
        self.counter.results.set(url).expect("it is said once");
    }

    /// Arranges the fate of an order's message before the order is paid; without it the lot decides.
    pub fn arrange(&self, platform_order_no: &str, fate: Fate) {
        self.counter.arranged.lock().expect("nobody failed here").insert(platform_order_no.to_owned(), fate);
    }

    /// A payer pays an order here. Yields the channel's number.
    pub fn pay(&self, platform_order_no: &str, amount_fen: i64) -> String {
        pay_at(&self.pay_url(), platform_order_no, amount_fen)
    }

    /// Lets the held messages of an order go.
    pub fn let_go(&self, platform_order_no: &str) {
        let takings = self.counter.takings.lock().expect("nobody failed here");
        let held = takings.iter().enumerate().filter(|(_, one)| one.platform_order_no == platform_order_no);
        for (place, _) in held.filter(|(_, one)| one.fate == Fate::Held) {
            self.runtime.spawn(tell(Arc::clone(&self.counter), place));
        }
    }

    /// Whether it has money for an order.
    pub fn has_taken(&self, platform_order_no: &str) -> bool {
        let takings = self.counter.takings.lock().expect("nobody failed here");
        takings.iter().any(|one| one.platform_order_no == platform_order_no)
    }

    /// Whether the outer node has answered that an order was paid.
    pub fn is_answered(&self, platform_order_no: &str) -> bool {
        let takings = self.counter.takings.lock().expect("nobody failed here");
        takings.iter().any(|one| one.platform_order_no == platform_order_no && !one.answers.is_empty())
    }

    /// What it took, in order.
    pub fn takings(&self) -> Vec<Taking> {
        self.counter.takings.lock().expect("nobody failed here").clone()
    }

    /// Its id.
    pub fn id(&self) -> &'static str {
        self.counter.id
    }
}

/// A payer pays an order at the channel of an address. Yields the channel's number.
pub fn pay_at(url: &str, platform_order_no: &str, amount_fen: i64) -> String {
    let asked = json!({ "platform_order_no": platform_order_no, "amount_fen": amount_fen }).to_string();
    let answer = ureq::post(url).header("Content-Type", "application/json").send(asked);
    let text = answer.and_then(|mut answer| answer.body_mut().read_to_string()).expect("the channel takes the money");
    let taken: Value = serde_json::from_str(&text).expect("the channel answers with JSON");
    taken["channel_order_no"].as_str().expect("a payment has a number").to_owned()
}

#[derive(serde::Deserialize)]
struct Paid {
    platform_order_no: String,
    amount_fen: i64,
}

async fn pay(State(counter): State<Arc<Counter>>, Json(paid): Json<Paid>) -> Json<Value> {
    let arranged = counter.arranged.lock().expect("nobody failed here").remove(&paid.platform_order_no);
    let fate = arranged.unwrap_or_else(|| counter.draw());
    let (place, number) = {
        let mut takings = counter.takings.lock().expect("nobody failed here");
        let place = takings.len();
        let channel_order_no = format!("{}{:08}", counter.id, place + 1);
        takings.push(Taking {
            channel_order_no: channel_order_no.clone(),
            platform_order_no: paid.platform_order_no,
            amount_fen: paid.amount_fen,
            fee_fen: paid.amount_fen / FEE_PART,
            paid_time: SystemClock.now().time14(),
            fate,
            answers: Vec::new(),
            asked: 0,
            unanswered: None,
        });
        (place, channel_order_no)
    };
    let copies = match fate {
        Fate::Once => 1,
        Fate::Doubled => 2,
        Fate::Lost | Fate::Held => 0,
    };
    for _ in 0..copies {
        tokio::spawn(tell(Arc::clone(&counter), place));
    }
    Json(json!({ "channel_order_no": number }))
}

/// Sends a result, and again until it is answered, as channels do.
async fn tell(counter: Arc<Counter>, place: usize) {
    let url = counter.results.get().expect("results go somewhere").clone();
    loop {
        let result = counter.takings.lock().expect("nobody failed here")[place].result();
        let sent = counter.post.send(url.clone(), counter.sign(&result)).await;
        if counter.note(place, sent) {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Says what became of an order, as far as it is to be known: only messages that were lost or sent are.
async fn query(State(counter): State<Arc<Counter>>, Json(message): Json<Message>) -> (StatusCode, Json<Value>) {
    let document = message.document().ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let Some(asked) = document.filter(|_| message.verify(&counter.asker).is_ok()) else {
        return (StatusCode::UNAUTHORIZED, Json(json!({})));
    };
    let mut takings = counter.takings.lock().expect("nobody failed here");
    let taken = takings.iter_mut().find(|one| asked["platform_order_no"] == one.platform_order_no.as_str());
    let result = taken.and_then(|one| {
        one.asked += 1;
        (one.fate != Fate::Held).then(|| one.result())
    });
    (StatusCode::OK, Json(counter.sign(&json!({ "result": result }))))
}

impl Counter {
    /// Writes down what a try came to. Yields whether the message was answered.
    fn note(&self, place: usize, sent: Result<Value, Failure>) -> bool {
        let taking = &mut self.takings.lock().expect("nobody failed here")[place];
        match sent {
            Ok(answer) => taking.answers.push(answer["data"].clone()),
            Err(failure) => {
                taking.unanswered = Some(failure.message.to_string());
                return false;
            }
        }
        true
    }

    fn draw(&self) -> Fate {
        match self.lot.lock().expect("nobody failed here").below(ODD_EVERY) {
            0 if self.may_lose.load(Ordering::Relaxed) => Fate::Lost,
            1 => Fate::Doubled,
            _ => Fate::Once,
        }
    }

    fn sign(&self, document: &Value) -> Value {
        let message = Message::sign(&self.key, self.id, document, SystemClock.now(), &SystemEntropy::new());
        serde_json::to_value(message.expect("a message is signed")).expect("a message is JSON")
    }
}
