//! A unit's system that is told, and a channel that is asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::post;
use node::http::{Listen, serve};
use node::message::{ClientKey, Message};
use node::{Moment, SystemEntropy};
use serde_json::{Value, json};

use super::zone::{OWN, pair};

/// What the system was sent, and what it answers.
#[derive(Debug)]
pub struct Unit {
    pub told: Mutex<Vec<Value>>,
    pub answer: Mutex<Value>,
}

impl Unit {
    /// A system, and its address.
    pub async fn new() -> (Arc<Self>, String) {
        let unit = Arc::new(Self { told: Mutex::default(), answer: Mutex::new(json!({ "received": true })) });
        let listen = Listen::on("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = format!("http://{}/told", listen.address().unwrap());
        let router = Router::new().route("/told", post(tell)).with_state(Arc::clone(&unit));
        tokio::spawn(serve(listen, router, std::future::pending()));
        (unit, address)
    }

    pub fn answers(&self, answer: Value) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Answers with a signed message.
    pub fn answers_signed(&self, id: &str, key: u8, now: Moment, document: &Value) {
        let key = ClientKey::from_pem(&pair(key).0).unwrap();
        let message = Message::sign(&key, id, document, now, &SystemEntropy::new()).unwrap();
        self.answers(serde_json::to_value(message).unwrap());
    }

    pub fn told(&self) -> Vec<Value> {
        self.told.lock().unwrap().clone()
    }

    /// The states of orders that it was told, in order.
    pub fn states(&self) -> Vec<i64> {
        self.told().iter().filter_map(|told| told["state"].as_i64()).collect()
    }
}

async fn tell(State(unit): State<Arc<Unit>>, Json(message): Json<Message>) -> Json<Value> {
    assert_eq!(message.dev_id, "outer-node");
    message.verify(&pair(OWN).1).unwrap();
    let document = serde_json::from_slice(&message.document().unwrap()).unwrap();
    unit.told.lock().unwrap().push(document);
    Json(unit.answer.lock().unwrap().clone())
}
