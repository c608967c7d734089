//! A client's connection to a node, which is kept open: one request at a time.

use std::net::SocketAddr;

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use node::message::Message;
use node::testing::pair;
use node::{Clock as _, SystemClock, SystemEntropy};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::nodes::Ask;

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn open(address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        // It ends with the sender; what goes wrong before is told to whoever asks.
        tokio::spawn(connection);
        Ok(Self { address, sender })
    }

    /// Asks a question without a body.
    ///
    /// # Errors
    /// When the connection breaks or the answer is no JSON.
    pub async fn get(&mut self, path: &str) -> Result<(u16, Value), String> {
        let request = Request::get(path).header(header::HOST, self.address.to_string());
        self.send(request.body(Full::default()).map_err(|error| error.to_string())?).await
    }

    /// Sends a document, already signed if it is to be signed.
    ///
    /// # Errors
    /// When the connection breaks or the answer is no JSON.
    pub async fn post(&mut self, path: &str, document: String) -> Result<(u16, Value), String> {
        let request = Request::post(path)
            .header(header::HOST, self.address.to_string())
            .header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Full::from(document)).map_err(|error| error.to_string())?).await
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(u16, Value), String> {
        self.sender.ready().await.map_err(|error| error.to_string())?;
        let answer = self.sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        Ok((status, serde_json::from_slice(&bytes).map_err(|error| error.to_string())?))
    }
}

/// What somebody sends: a signed message of a client, or the document itself.
///
/// # Panics
/// When the system has no randomness.
#[must_use]
pub fn document(who: Ask<'_>, asked: &Value) -> String {
    let Ask::Client(id, seed) = who else { return asked.to_string() };
    let message = Message::sign(&pair(seed).0, id, asked, SystemClock.now(), &SystemEntropy::new());
    serde_json::to_string(&message.expect("there is randomness")).expect("a message is JSON")
}
