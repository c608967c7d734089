//! The agency's system is told of every booking until it says that it was received.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use inner::push::{DELAYS_MS, Signer, round};
use node::client::{self, Client};
use node::http::{Access, Api};
use node::message::Message;
use node::post::Post;
use node::testing::{Served, pair};
use node::{Failure, Kind, Node, Service};
use serde_json::{Value, json};

use super::bench::Bureau;

/// An agency's system that takes nothing the first times.
struct Agency {
    node: Node,
    asked: AtomicUsize,
    refuses: usize,
}

impl Service for Agency {
    fn node(&self) -> &Node {
        &self.node
    }
}

async fn served(bureau: &Bureau, refuses: usize) -> (Arc<Agency>, Served) {
    let agency = Arc::new(Agency { node: bureau.bench.node.clone(), asked: AtomicUsize::new(0), refuses });
    let (_, public) = pair(5);
    let api = Api::<Agency>::new().post(
        "/told",
        Access::Anyone,
        "Takes a booking",
        move |agency: Arc<Agency>, _, message: Message| {
            let public = public.clone();
            async move {
                message.verify(&public)?;
                if agency.asked.fetch_add(1, Ordering::Relaxed) < agency.refuses {
                    let text = console::Text::fixed("not now", "稍后");
                    return Err(Failure::new(Kind::Busy, "busy", text.clone(), text));
                }
                Ok(json!(message.document().is_ok()))
            }
        },
    );
    (Arc::clone(&agency), Served::on(api.router(agency)).await)
}

async fn register(bureau: &Bureau, agency_id: &str, url: String) {
    let now = bureau.bench.node.clock.now();
    let client = Client {
        id: "unit-1".to_owned(),
        title: "交警系统".to_owned(),
        public_key: pair(6).1,
        permission: "agency".to_owned(),
        agency_id: Some(agency_id.to_owned()),
        notify_url: Some(url),
        is_enabled: true,
    };
    let put = bureau
        .bench
        .node
        .database
        .write(move |connection| Box::pin(async move { client::put(connection, &client, now).await }));
    put.await.unwrap();
}

#[tokio::test]
async fn a_booking_is_told_again_until_it_is_received() {
    let bureau = Bureau::open().await;
    let notice = bureau.issue().await;
    let (agency, served) = served(&bureau, 2).await;
    // The answer of this operation stands in `data`, which is no receipt: so does every other answer.
    register(&bureau, &notice.agency_id, format!("http://{}/told", served.address)).await;
    bureau.bench.add(bureau.paid(1, Some(&notice), notice.total_fen)).await;
    bureau.match_all().await;
    let (post, signer) = (Post::new(), Signer { id: "inner".to_owned(), key: pair(5).0 });
    for delay in DELAYS_MS {
        round(&bureau.bench.node, &post, &signer).await.unwrap();
        round(&bureau.bench.node, &post, &signer).await.unwrap();
        bureau.bench.clock.advance(delay);
    }
    assert_eq!(agency.asked.load(Ordering::Relaxed), DELAYS_MS.len(), "once in each interval");
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_push WHERE done_time IS NULL").await, 1);
    served.stop().await;
    let receipt = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = receipt.local_addr().unwrap();
    tokio::spawn(receive(receipt));
    register(&bureau, &notice.agency_id, format!("http://{address}/told")).await;
    bureau.bench.clock.advance(DELAYS_MS[4]);
    round(&bureau.bench.node, &post, &signer).await.unwrap();
    assert_eq!(bureau.bench.number("SELECT count(*) FROM inner_push WHERE done_time IS NOT NULL").await, 1);
}

/// Answers one request with a receipt.
async fn receive(listener: tokio::net::TcpListener) {
    let router = axum_receipt();
    axum::serve(listener, router).await.unwrap();
}

fn axum_receipt() -> axum::Router {
    axum::Router::new().fallback(|| async { axum::Json::<Value>(json!({ "received": true })) })
}
