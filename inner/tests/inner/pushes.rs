//! The agency's system is told of every booking and of every decision about it, until it says that it was received.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use contract::rules::Decision;
use inner::api::take_all;
use inner::courier::{Courier, DELAYS_MS, Signer};
use inner::wish::Wish;
use node::http::{Caller, Who};
use node::message::Message;
use node::post::Post;
use node::testing::pair;
use serde_json::{Value, json};

use super::bench::{Bureau, of_police};

/// What a system does with a message: by its number from 0 on.
type Does = fn(usize) -> Answer;

#[derive(Clone, Copy)]
enum Answer {
    Takes,
    Refuses,
    SaysNothingOfIt,
}

/// An agency's system: what it was told, in order.
struct Agency {
    told: Arc<Mutex<Vec<Value>>>,
    url: String,
}

impl Agency {
    async fn open(does: Does) -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let (kept, public) = (Arc::clone(&told), pair(5).1);
        let router = axum::Router::new().fallback(move |Json(message): Json<Message>| {
            let (kept, public) = (Arc::clone(&kept), public.clone());
            async move {
                message.verify(&public).unwrap();
                let document: Value = serde_json::from_slice(&message.document().unwrap()).unwrap();
                let mut kept = kept.lock().unwrap();
                kept.push(document);
                match does(kept.len() - 1) {
                    Answer::Takes => Json(json!({ "received": true })).into_response(),
                    Answer::Refuses => StatusCode::SERVICE_UNAVAILABLE.into_response(),
                    Answer::SaysNothingOfIt => Json(json!({ "data": true })).into_response(),
                }
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/told", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { told, url }
    }

    fn told(&self) -> Vec<Value> {
        self.told.lock().unwrap().clone()
    }

    fn kinds(&self) -> Vec<String> {
        self.told().iter().map(|told| told["kind"].as_str().unwrap().to_owned()).collect()
    }
}

fn courier(bureau: &Bureau) -> Courier {
    let signer = Signer { id: "inner".to_owned(), key: pair(5).0 };
    Courier::new(bureau.bench.node.clone(), Post::new(), Arc::new(signer))
}

/// Lets the courier go round until `is_so`.
async fn told_until(courier: &Courier, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let patience = std::time::Duration::from_secs(60);
    let waited = tokio::time::timeout(patience, async {
        while !is_so().await {
            courier.round().await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

async fn attempts(bureau: &Bureau) -> i64 {
    bureau.bench.number("SELECT coalesce(sum(attempt), 0) FROM inner_push").await
}

async fn undone(bureau: &Bureau) -> i64 {
    bureau.bench.number("SELECT count(*) FROM inner_push WHERE done_time IS NULL").await
}

#[tokio::test]
async fn a_booking_is_told_again_until_it_is_received() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    let does: Does = |number| match number {
        0 | 1 => Answer::Refuses,
        2..5 => Answer::SaysNothingOfIt,
        _ => Answer::Takes,
    };
    let agency = Agency::open(does).await;
    bureau.client("unit-1", "agency", Some(&notice.agency_id), Some(&agency.url)).await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    let courier = courier(&bureau);
    for (tried, delay) in (1..).zip(DELAYS_MS) {
        told_until(&courier, "a try", async || attempts(&bureau).await == tried).await;
        // It is not due again before its time.
        bureau.bench.clock.advance(delay - 1);
        courier.round().await.unwrap();
        assert_eq!(undone(&bureau).await, 1);
        assert_eq!(attempts(&bureau).await, tried, "once in each interval");
        bureau.bench.clock.advance(1);
    }
    told_until(&courier, "the receipt", async || undone(&bureau).await == 0).await;
    let told = agency.told();
    assert_eq!(told.len(), DELAYS_MS.len() + 1);
    assert!(told.iter().all(|one| one == &told[0]), "the same message under the same number: {told:?}");
    assert_eq!((&told[0]["kind"], &told[0]["payment_id"]), (&json!("booked"), &json!(bureau.confirm_id(1))));
}

#[tokio::test]
async fn a_system_that_hangs_delays_no_other() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    let hangs = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/told", hangs.local_addr().unwrap());
    let agency = Agency::open(|_| Answer::Takes).await;
    // Fifty bookings for the system that hangs come first, and one for another agency's.
    let other = contract::rows::PayNotice { agency_id: "another".to_owned(), ..notice.clone() };
    bureau.client("unit-0", "agency", Some(&notice.agency_id), Some(&url)).await;
    bureau.client("unit-1", "agency", Some("another"), Some(&agency.url)).await;
    for serial in 0..50 {
        bureau.bench.add(bureau.paid(serial, Some(&notice), notice.total_fen)).await;
    }
    bureau.bench.add(bureau.paid(50, Some(&other), notice.total_fen)).await;
    bureau.match_all().await;
    let courier = courier(&bureau);
    courier.round().await.unwrap();
    let (held, _) = hangs.accept().await.unwrap();
    told_until(&courier, "the other one", async || agency.told().len() == 1).await;
    assert_eq!(attempts(&bureau).await, i64::from(undone(&bureau).await == 50), "the first one is still waited for");
    drop((held, hangs));
    // What is away is tried once, and its other messages wait as long.
    told_until(&courier, "the end of the wait", async || attempts(&bureau).await == 2).await;
    let due = "SELECT count(*) FROM inner_push WHERE done_time IS NULL AND next_ms <= 1772416800000";
    assert_eq!(bureau.bench.number(due).await, 0);
    assert_eq!(undone(&bureau).await, 50);
}

#[tokio::test]
async fn what_is_decided_later_is_told_too() {
    let bureau = Bureau::open().await;
    let (reviewed, police, void) = (bureau.issue().await, bureau.issue().await, bureau.issue().await);
    let agency = Agency::open(|_| Answer::Takes).await;
    bureau.client("unit-1", "agency", Some(&reviewed.agency_id), Some(&agency.url)).await;
    bureau.bench.add(bureau.paid(1, Some(&reviewed), reviewed.total_fen + 1)).await;
    bureau.match_all().await;
    bureau.propose(Wish::Book { confirm_id: bureau.confirm_id(1) }).await.unwrap();
    let client = bureau.client("police-1", "counter:police", None, None).await;
    let caller = Caller { who: Who::Client(client), address: "local".to_owned() };
    let report = of_police(&police);
    let taken = take_all(&bureau.bench.node, caller, vec![report]).await.unwrap();
    bureau.bench.add(bureau.paid(2, Some(&police), police.total_fen)).await;
    bureau.match_all().await;
    let payment_id = taken.payments[0].payment_id.clone().unwrap();
    inner::api::refund(&bureau.bench.node, &Caller::local("zhao"), payment_id.clone()).await.unwrap();
    bureau.propose(Wish::VoidNotice { pay_code: void.pay_code.clone() }).await.unwrap();
    let courier = courier(&bureau);
    told_until(&courier, "everything to be told", async || undone(&bureau).await == 0).await;
    assert_eq!(
        agency.kinds(),
        ["booked", "decided", "booked", "refund-due", "booked", "refunded", "voided"],
        "in the order in which it happened"
    );
    let told = agency.told();
    assert_eq!(told[1]["decision"], json!(Decision::Book.number()));
    assert_eq!(told[3]["payment_id"], json!(payment_id));
    assert_eq!(told[6]["pay_code"], json!(void.pay_code));
    let mut numbers: Vec<&str> = told.iter().map(|one| one["push_no"].as_str().unwrap()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), told.len());
}

/// Books so many payments of an agency.
async fn book(bureau: &Bureau, agency_id: &str, serials: std::ops::Range<u64>) {
    let notice = bureau.issue().await;
    let of_agency = contract::rows::PayNotice { agency_id: agency_id.to_owned(), ..notice };
    for serial in serials {
        bureau.bench.add(bureau.paid(serial, Some(&of_agency), 100)).await;
    }
    bureau.match_all().await;
}

#[tokio::test]
async fn a_system_that_is_added_or_enabled_later_hears_what_waited() {
    let bureau = Bureau::open().await;
    let service = Arc::new(inner::service::Inner::new(bureau.bench.node.clone()));
    let problems = async || node::desk::health(&*service).await.unwrap().problems;
    let untold = async || {
        let listed = inner::api::problems(&bureau.bench.node).await.unwrap().untold;
        listed.into_iter().map(|one| (one.agency_id, one.messages, one.has_client)).collect::<Vec<_>>()
    };
    let agency = Agency::open(|_| Answer::Takes).await;
    // One agency has no system, and the other's is disabled.
    let off = bureau.client("unit-b", "agency", Some("b"), Some(&agency.url)).await;
    set_client(&bureau, node::client::Client { is_enabled: false, ..off.clone() }).await;
    book(&bureau, "a", 0..2).await;
    book(&bureau, "b", 2..5).await;
    assert_eq!(untold().await, [("b".to_owned(), 3, true), ("a".to_owned(), 2, false)]);
    assert_eq!(problems().await, 1, "an agency without a system is no problem");
    let courier = courier(&bureau);
    courier.round().await.unwrap();
    assert_eq!(attempts(&bureau).await, 0);
    set_client(&bureau, off).await;
    assert_eq!((untold().await, problems().await), (vec![("a".to_owned(), 2, false)], 0));
    told_until(&courier, "what waited for one", async || undone(&bureau).await == 2).await;
    bureau.client("unit-a", "agency", Some("a"), Some(&agency.url)).await;
    told_until(&courier, "what waited for the other", async || undone(&bureau).await == 0).await;
    assert_eq!(untold().await, []);
    let mut told: Vec<String> =
        agency.told().iter().map(|one| one["payment_id"].as_str().unwrap().to_owned()).collect();
    let mut meant: Vec<String> = (0..5).map(|serial| bureau.confirm_id(serial)).collect();
    told.sort();
    meant.sort();
    assert_eq!(told, meant);
}

async fn set_client(bureau: &Bureau, client: node::client::Client) {
    let now = bureau.bench.node.clock.now();
    let put = bureau
        .bench
        .node
        .database
        .write(move |connection| Box::pin(async move { node::client::put(connection, &client, now).await }));
    put.await.unwrap();
}

#[tokio::test]
async fn another_system_takes_the_place_of_one_that_is_disabled() {
    let bureau = Bureau::open().await;
    let (first, second) = (Agency::open(|_| Answer::Refuses).await, Agency::open(|_| Answer::Takes).await);
    let old = bureau.client("unit-1", "agency", Some("a"), Some(&first.url)).await;
    bureau.client("unit-2", "agency", Some("a"), Some(&second.url)).await;
    book(&bureau, "a", 0..1).await;
    let courier = courier(&bureau);
    told_until(&courier, "a try", async || attempts(&bureau).await == 1).await;
    assert_eq!((first.told().len(), second.told().len()), (1, 0), "the first by id is told");
    set_client(&bureau, node::client::Client { is_enabled: false, ..old }).await;
    bureau.bench.clock.advance(DELAYS_MS[0]);
    told_until(&courier, "the receipt", async || undone(&bureau).await == 0).await;
    assert_eq!(second.told(), first.told());
}
