//! Documents in and out.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use console::Text;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::failure::{Failure, Kind};

/// The largest document of somebody whom nobody knows: a name and a password, or the number of an order, with much room.
pub const ANYONE_BYTES_MAX: usize = 64 << 10;
/// The largest document of a person and the largest message of a client: a notice with 999 lines has 200 KB, in base64 270 KB.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// The largest document or message of a bulk operation: some thousand rows in base64.
pub const BULK_BYTES_MAX: usize = 8 << 20;
/// Bodies above [`ANYONE_BYTES_MAX`] that are in memory at once: 256 MiB of the largest. Others wait their turn.
const LARGE_AT_ONCE: usize = 32;
static LARGE: Semaphore = Semaphore::const_new(LARGE_AT_ONCE);
/// Those of them that come from one address: a quarter, so that nobody who sends slowly keeps everybody else from sending.
const LARGE_OF_ADDRESS: usize = LARGE_AT_ONCE / 4;
/// The rooms of the addresses from which large bodies come just now.
static ADDRESSES: Mutex<BTreeMap<String, Weak<Semaphore>>> = Mutex::new(BTreeMap::new());
/// The longest that a body waits for its turn; within a request's time there is enough left for the rest to arrive.
const PLACE_TIME: Duration = Duration::from_secs(5);
/// The longest that a body may take to arrive: the largest needs seven seconds at 10 Mbit/s.
const BODY_TIME: Duration = Duration::from_secs(20);
/// Bytes beyond a limit that are read and thrown away, so that a client that sends before it reads still hears why.
const THROWN_AWAY_BYTES_MAX: usize = 16 << 20;

/// A body that is in memory, and its place among the large ones if it is one.
#[derive(Debug)]
pub(super) struct Read {
    pub bytes: Vec<u8>,
    _place: Option<Place>,
}

/// A place among the large bodies of an address, and among all.
#[derive(Debug)]
struct Place {
    _of_address: OwnedSemaphorePermit,
    _of_all: SemaphorePermit<'static>,
}

impl Place {
    /// Waits for a place; whoever gets none in time is told that the node is busy.
    async fn take(address: &str) -> Result<Self, Failure> {
        let room = room_of(address);
        let places = async {
            let of_address = room.acquire_owned().await.map_err(Failure::internal)?;
            Ok(Self { _of_address: of_address, _of_all: LARGE.acquire().await.map_err(Failure::internal)? })
        };
        tokio::time::timeout(PLACE_TIME, places).await.unwrap_or_else(|_| {
            Err(Failure::new(
                Kind::Busy,
                "busy",
                Text::fixed("too many large messages arrive at once", "同时到达的大报文过多"),
                Text::fixed("send it again in a moment", "请稍后重新发送"),
            ))
        })
    }
}

/// The room of an address. Rooms that nobody is in or waits for are forgotten.
fn room_of(address: &str) -> Arc<Semaphore> {
    let mut rooms = ADDRESSES.lock().unwrap_or_else(PoisonError::into_inner);
    rooms.retain(|_, room| room.strong_count() > 0);
    rooms.get(address).and_then(Weak::upgrade).unwrap_or_else(|| {
        let room = Arc::new(Semaphore::new(LARGE_OF_ADDRESS));
        rooms.insert(address.to_owned(), Arc::downgrade(&room));
        room
    })
}

/// Whether a body says that it is JSON.
pub(super) fn judge_type(headers: &HeaderMap) -> Result<(), Failure> {
    let told = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = told.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Failure::new(
        Kind::WrongForm,
        "content-type",
        Text::fixed("the body does not say that it is application/json", "请求体未声明为 application/json"),
        Text::fixed(
            "send JSON with `Content-Type: application/json`",
            "请发送 JSON，并带 `Content-Type: application/json`",
        ),
    ))
}

/// Reads a body whole, up to a limit of bytes and of time. What it waits for its place is not its time.
pub(super) async fn read(mut body: Body, most: usize, address: &str) -> Result<Read, Failure> {
    let mut read = Read { bytes: Vec::new(), _place: None };
    let mut left = BODY_TIME;
    while let Some(piece) = in_time(&mut left, next(&mut body)).await?? {
        if read.bytes.len() + piece.len() > most {
            in_time(&mut left, throw_away(body)).await?;
            return Err(too_large(most));
        }
        read.bytes.extend_from_slice(&piece);
        if read.bytes.len() > ANYONE_BYTES_MAX && read._place.is_none() {
            read._place = Some(Place::take(address).await?);
        }
    }
    Ok(read)
}

/// Does a part of reading within the time that is left, which it takes from.
async fn in_time<T>(left: &mut Duration, part: impl Future<Output = T>) -> Result<T, Failure> {
    let begun = Instant::now();
    let done = tokio::time::timeout(*left, part).await.map_err(|_| too_slow());
    *left = left.saturating_sub(begun.elapsed());
    done
}

/// The next piece of a body; empty where it has something else than data.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Failure> {
    let Some(frame) = body.frame().await else { return Ok(None) };
    let frame = frame.map_err(|_| {
        Failure::new(
            Kind::Bad,
            "body-cut",
            Text::fixed("the body was cut off", "请求体不完整"),
            Text::fixed("send it again", "请重新发送"),
        )
    })?;
    Ok(Some(frame.into_data().unwrap_or_default()))
}

/// Takes what else comes, up to a limit. Whoever goes away meanwhile hears nothing.
async fn throw_away(mut body: Body) {
    let mut thrown = 0;
    while thrown < THROWN_AWAY_BYTES_MAX
        && let Ok(Some(piece)) = next(&mut body).await
    {
        thrown += piece.len();
    }
}

fn too_slow() -> Failure {
    let seconds = BODY_TIME.as_secs();
    Failure::new(
        Kind::TooSlow,
        "body-too-slow",
        console::text!("the body did not arrive within {seconds} seconds", "请求体未在 {seconds} 秒内到达"),
        Text::fixed("look at the network, and send it again", "请检查网络后重新发送"),
    )
}

fn too_large(most: usize) -> Failure {
    Failure::new(
        Kind::TooLarge,
        "body-too-large",
        console::text!("the body has more than {most} bytes", "请求体超过 {most} 字节"),
        Text::fixed("send it in several requests", "请分多次提交"),
    )
}

/// A typed document: an object, with no field that is not known, and none twice.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    // A list of values without names would be taken for the fields in their order.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first == b'[') {
        return Err(bad(".", &"a list where there must be an object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let typed =
        serde_path_to_error::deserialize(&mut reader).map_err(|error| bad(&error.path().to_string(), error.inner()))?;
    reader.end().map_err(|error| bad(".", &error))?;
    Ok(typed)
}

/// A typed query.
pub(super) fn parse_query<T: DeserializeOwned>(query: &str) -> Result<T, Failure> {
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(reader).map_err(|error| bad(&error.path().to_string(), error.inner()))
}

fn bad(path: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Kind::Bad,
        "document",
        console::text!("at {path}: {error}", "{path} 处：{error}"),
        Text::fixed("mend the document; the interface's description lists every field", "请按接口说明更正"),
    )
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use axum::http::header::CONTENT_TYPE;
    use serde::Deserialize;

    use super::{judge_type, parse, parse_query};

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        lines: Vec<Line>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        amount_fen: i64,
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let said = |text: &str| parse::<Asked>(text.as_bytes()).unwrap_err().message.to_string();
        assert!(said(r#"{"lines":[{"amount_fen":1.5}]}"#).starts_with("at lines[0].amount_fen: "));
        assert!(said(r#"{"lines":[],"more":1}"#).contains("unknown field `more`"));
        assert!(said(r#"{"lines":[]} x"#).contains("trailing"));
        assert!(said("{\"lines\":").contains("EOF"));
        assert!(said("[[]]").contains("must be an object"));
        assert!(parse::<Asked>(&[0xff, 0xfe]).is_err());
        assert!(parse_query::<Line>("amount_fen=x").unwrap_err().message.to_string().contains("amount_fen"));
        assert_eq!(parse_query::<Line>("amount_fen=5").unwrap(), Line { amount_fen: 5 });
    }

    #[test]
    fn only_json_is_taken() {
        let judged = |told: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, told.parse().unwrap());
            judge_type(&headers).map_err(|failure| failure.code)
        };
        assert_eq!(judged("application/json"), Ok(()));
        assert_eq!(judged("Application/JSON; charset=utf-8"), Ok(()));
        assert_eq!(judged("text/plain"), Err("content-type"));
        assert_eq!(judged("application/jsonp"), Err("content-type"));
        assert_eq!(judge_type(&HeaderMap::new()).unwrap_err().code, "content-type");
    }
}
