//! Systems outside: an agency's, or a channel's. They take signed messages and remember them.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use node::message::Message;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// What a system says to a message.
pub type Word = Box<dyn FnMut(&Value) -> Option<Value> + Send>;

struct Ears {
    heard: Mutex<Vec<Value>>,
    word: Mutex<Word>,
    /// The public keys by which it knows the nodes.
    keys: Vec<String>,
}

/// A system that listens on the loopback.
pub struct Outside {
    ears: Arc<Ears>,
    url: String,
    _runtime: Runtime,
}

impl Outside {
    /// A system that says `received` to everything that one of the keys signed.
    pub fn open(keys: Vec<String>) -> Self {
        Self::with(keys, Self::received())
    }

    /// The word of receipt.
    pub fn received() -> Word {
        Box::new(|_| Some(json!({ "received": true })))
    }

    /// A system with words of its own; none means that it fails.
    pub fn with(keys: Vec<String>, word: Word) -> Self {
        let ears = Arc::new(Ears { heard: Mutex::default(), word: Mutex::new(word), keys });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port is free");
        let url = format!("http://{}/", listener.local_addr().expect("a port has a number"));
        let router = Router::new().route("/", post(take)).with_state(Arc::clone(&ears));
        runtime.spawn(async move {
            axum::serve(listener, router).await.expect("serving goes on");
        });
        Self { ears, url, _runtime: runtime }
    }

    /// Says something else from now on.
    pub fn say(&self, word: Word) {
        *self.ears.word.lock().expect("nobody failed here") = word;
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has taken.
    pub fn heard(&self) -> Vec<Value> {
        self.ears.heard.lock().expect("nobody failed here").clone()
    }
}

async fn take(State(ears): State<Arc<Ears>>, Json(message): Json<Message>) -> (axum::http::StatusCode, Json<Value>) {
    let is_signed = ears.keys.iter().any(|key| message.verify(key).is_ok());
    let document = message.document().ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let Some(document) = document.filter(|_| is_signed) else {
        return (axum::http::StatusCode::UNAUTHORIZED, Json(json!({})));
    };
    let answer = (ears.word.lock().expect("nobody failed here"))(&document);
    match answer {
        Some(answer) => {
            ears.heard.lock().expect("nobody failed here").push(document);
            (axum::http::StatusCode::OK, Json(answer))
        }
        None => (axum::http::StatusCode::INTERNAL_SERVER_ERROR, Json(json!({}))),
    }
}
