//! Nobody who sends slowly, too much, or never, takes the room of the others.

use std::sync::Arc;
use std::time::Duration;

use console::Text;
use node::client::{self, Client};
use node::http::{Access, Api, BODY_BYTES_MAX, BULK_BYTES_MAX, Bounds, Done};
use node::message::Message;
use node::people::Role;
use node::testing::{Bench, Served, pair};
use node::{Failure, Kind, Node, OWN_SQL, Service};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};

struct Echo(Node);

impl Service for Echo {
    fn node(&self) -> &Node {
        &self.0
    }
}

/// What is asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// A text.
    text: String,
}

/// An operation for everybody, one for clients, and one for clients that send much.
fn api() -> Api<Echo> {
    Api::new()
        .post("/length", Access::Anyone, "Yields a length", |_: Arc<Echo>, _, asked: Asked| async move {
            Ok(asked.text.len())
        })
        .post("/kept", Access::People(&[Role::Operator]), "Keeps a text", |_: Arc<Echo>, _, _: Asked| async move {
            Ok(Done::YES)
        })
        .post("/sent", Access::Client("echo"), "Takes a text", |_: Arc<Echo>, _, _: Asked| async move { Ok(Done::YES) })
        .bulk("/bulk", Access::Client("echo"), "Takes much", |_: Arc<Echo>, _, _: Asked| async move { Ok(Done::YES) })
}

async fn served(bench: &Bench, bounds: Bounds) -> Served {
    Served::within(api().router(Arc::new(Echo(bench.node.clone()))), bounds).await
}

/// A connection on which some bytes have been sent.
async fn begin(served: &Served, bytes: &[u8]) -> TcpStream {
    let stream = TcpStream::connect(served.address).await.unwrap();
    stream.writable().await.unwrap();
    assert_eq!(stream.try_write(bytes).unwrap(), bytes.len());
    stream
}

/// What comes until the other side closes; what a reset connection says is what came before it.
async fn until_closed(stream: &TcpStream) -> String {
    let mut heard = Vec::new();
    loop {
        stream.readable().await.unwrap();
        let mut piece = [0; 1 << 12];
        match stream.try_read(&mut piece) {
            Ok(0) => break,
            Ok(read) => heard.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    String::from_utf8(heard).unwrap()
}

async fn length(served: &Served, text: &str) -> (u16, Value) {
    served.ask("POST", "/length", None, Some(json!({ "text": text }))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_end_is_given_up_and_others_are_answered_meanwhile() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    let bounds = Bounds { head_time: Duration::from_secs(1), ..Bounds::default() };
    let served = served(&bench, bounds).await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        slow.push(begin(&served, b"POST /length HTTP/1.1\r\nhost: a\r\nx-slow: ").await);
    }
    let idle = begin(&served, b"").await;
    assert_eq!(length(&served, "abc").await, (200, json!({ "data": 3 })));
    for stream in slow {
        assert_eq!(until_closed(&stream).await, "");
    }
    assert_eq!(until_closed(&idle).await, "");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_answered_in_time() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    let served = served(&bench, Bounds::default()).await;
    let head =
        b"POST /length HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{\"text\"";
    let slow = begin(&served, head).await;
    assert_eq!(length(&served, "abc").await.0, 200);
    let heard = until_closed(&slow).await;
    assert!(heard.starts_with("HTTP/1.1 408 ") && heard.contains("body-too-slow"), "{heard}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_no_room_is_told_so() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    let served = served(&bench, Bounds { connections: 3, ..Bounds::default() }).await;
    let (mut kept, mut told) = (Vec::new(), String::new());
    // The connections before may not have been taken up yet when the next one comes.
    while told.is_empty() {
        let stream = begin(&served, b"").await;
        stream.writable().await.unwrap();
        if kept.len() < 3 {
            kept.push(stream);
            continue;
        }
        stream.try_write(b"POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n").unwrap();
        told = until_closed(&stream).await;
    }
    assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("\"busy\"") && told.contains("请稍后重试"), "{told}");
    drop(kept);
    // The room comes back with the connections.
    let mut answered = 503;
    while answered == 503 {
        answered = length(&served, "abc").await.0;
    }
    assert_eq!(answered, 200);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_takes_as_much_as_it_says_and_no_more() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    let served = served(&bench, Bounds::default()).await;
    let text = |bytes: usize| "a".repeat(bytes - json!({ "text": "" }).to_string().len());
    let most = node::http::ANYONE_BYTES_MAX;
    assert_eq!(length(&served, &text(most)).await.0, 200);
    let (status, answer) = length(&served, &text(most + 1)).await;
    assert_eq!((status, &answer["error"]["code"]), (413, &json!("body-too-large")));
    assert!(answer["error"]["message"].as_str().unwrap().contains(&most.to_string()));
    let sent = async |path: &str, bytes: usize| {
        let body = json!({ "text": text(bytes) }).to_string().into_bytes();
        served.ask_raw("POST", path, None, Some(body)).await.0
    };
    // 400: it is read and is no message.
    assert_eq!((sent("/sent", BODY_BYTES_MAX).await, sent("/sent", BODY_BYTES_MAX + 1).await), (400, 413));
    assert_eq!((sent("/bulk", BULK_BYTES_MAX).await, sent("/bulk", BULK_BYTES_MAX + 1).await), (400, 413));
    let head = b"POST /kept HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n";
    let heard = until_closed(&begin(&served, head).await).await;
    assert!(heard.starts_with("HTTP/1.1 401 "), "nobody who is unknown is listened to: {heard}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_is_refused_by_its_type() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    let served = served(&bench, Bounds::default()).await;
    let request = b"POST /length HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 12\r\n\r\n{\"text\":\"a\"}";
    let heard = until_closed(&begin(&served, request).await).await;
    assert!(heard.starts_with("HTTP/1.1 415 ") && heard.contains("content-type"), "{heard}");
    served.stop().await;
}

/// A connection from another address of this machine, on which a large body began and does not go on.
async fn begin_large(served: &Served) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut stream = socket.connect(served.address).await.unwrap();
    let head = "POST /sent HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 900000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&[b' '; 100_000]).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_large_bodies_of_one_address_leave_room_for_others() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    let served = served(&bench, Bounds::default()).await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        slow.push(begin_large(&served).await);
    }
    // The first eight wait for the rest of their bodies; the others get no place, and are told so in time.
    let mut told: Vec<String> = Vec::new();
    for stream in slow.iter().rev().take(20) {
        told.push(until_closed(stream).await);
    }
    let is_busy = |heard: &&String| heard.starts_with("HTTP/1.1 503 ") && heard.contains("\"busy\"");
    assert!(told.iter().filter(is_busy).count() >= 12, "{told:?}");
    assert!(told.iter().all(|heard| !heard.contains("body-too-slow")), "{told:?}");
    // 400: it is read and is no message.
    let large = json!({ "text": "a".repeat(900_000) }).to_string().into_bytes();
    assert_eq!(served.ask_raw("POST", "/sent", None, Some(large)).await.0, 400);
    drop(slow);
    served.stop().await;
}

/// How long the operation of [`slowly`] takes, and how long a request may.
const WORK: Duration = Duration::from_millis(1_500);
const ANSWER: Duration = Duration::from_millis(300);

/// An operation for clients that takes longer than a request may, and fails where the text says so.
fn slowly() -> Api<Echo> {
    Api::new().post("/slow", Access::Client("echo"), "Takes long", |_: Arc<Echo>, _, asked: Asked| async move {
        tokio::time::sleep(WORK).await;
        match asked.text.as_str() {
            "busy" => Err(Failure::new(Kind::Busy, "busy", Text::fixed("busy", "忙"), Text::fixed("again", "重试"))),
            "panic" => Err::<Done, &str>("on purpose").map_err(|said| panic!("{said}")),
            _ => Ok(Done::YES),
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_goes_on_when_its_time_is_over_and_may_come_again_if_it_fails() {
    let bench = Bench::of("node", &[OWN_SQL]).await;
    let (key, public_key) = pair(1);
    let client = Client {
        id: "echo".to_owned(),
        title: "echo".to_owned(),
        public_key,
        permission: "echo".to_owned(),
        agency_id: None,
        notify_url: None,
        is_enabled: true,
    };
    let now = bench.node.clock.now();
    let put = bench
        .node
        .database
        .write(move |connection| Box::pin(async move { client::put(connection, &client, now).await.map(|_| ()) }));
    put.await.unwrap();
    let bounds = Bounds { request_time: ANSWER, requests: 2, ..Bounds::default() };
    let served = Served::within(slowly().router(Arc::new(Echo(bench.node.clone()))), bounds).await;
    let send = async |message: &Message| {
        let (status, answer) = served.ask("POST", "/slow", None, Some(json!(message))).await;
        (status, answer["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let said = |status: u16, code: &str| (status, code.to_owned());
    let signed = |text: &str| {
        Message::sign(&key, "echo", &json!({ "text": text }), bench.node.clock.now(), &*bench.node.entropy).unwrap()
    };
    for text in ["busy", "panic"] {
        let message = signed(text);
        assert_eq!(send(&message).await, said(503, "timed-out"));
        assert_eq!(send(&message).await, said(409, "replayed"), "it is in work");
        tokio::time::sleep(WORK).await;
        assert_eq!(send(&message).await, said(503, "timed-out"), "it failed, and is taken again");
        tokio::time::sleep(WORK).await;
    }
    let done = signed("done");
    assert_eq!(send(&done).await, said(503, "timed-out"));
    assert_eq!(send(&signed("done")).await, said(503, "timed-out"));
    assert_eq!(send(&signed("done")).await, said(503, "busy"), "what goes on keeps its room");
    tokio::time::sleep(WORK).await;
    assert_eq!(send(&done).await, said(409, "replayed"), "it was done");
    served.stop().await;
}
