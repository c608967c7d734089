//! Documents in and out.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use console::Text;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};

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
/// The longest that a body may take to arrive: the largest needs seven seconds at 10 Mbit/s.
const BODY_TIME: Duration = Duration::from_secs(20);
/// Bytes beyond a limit that are read and thrown away, so that a client that sends before it reads still hears why.
const THROWN_AWAY_BYTES_MAX: usize = 16 << 20;

/// A body that is in memory, and its place among the large ones if it is one.
#[derive(Debug)]
pub(super) struct Read {
    pub bytes: Vec<u8>,
    _place: Option<SemaphorePermit<'static>>,
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

/// Reads a body whole, up to a limit of bytes and of time.
pub(super) async fn read(body: Body, most: usize) -> Result<Read, Failure> {
    tokio::time::timeout(BODY_TIME, collect(body, most)).await.unwrap_or_else(|_| Err(too_slow()))
}

async fn collect(mut body: Body, most: usize) -> Result<Read, Failure> {
    let mut read = Read { bytes: Vec::new(), _place: None };
    while let Some(piece) = next(&mut body).await? {
        if read.bytes.len() + piece.len() > most {
            throw_away(body).await;
            return Err(too_large(most));
        }
        read.bytes.extend_from_slice(&piece);
        if read.bytes.len() > ANYONE_BYTES_MAX && read._place.is_none() {
            read._place = Some(LARGE.acquire().await.map_err(Failure::internal)?);
        }
    }
    Ok(read)
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
