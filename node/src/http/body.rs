//! Documents in and out.

use axum::body::{Body, to_bytes};
use console::Text;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, Kind};

/// The largest document of a person: a notice with 999 lines has 200 KB.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// The largest message of a client: some thousand rows in base64.
pub const MESSAGE_BYTES_MAX: usize = 8 << 20;

/// Reads a body whole, up to a limit.
pub(super) async fn read(body: Body, most: usize) -> Result<Vec<u8>, Failure> {
    let bytes = to_bytes(body, most).await.map_err(|_| {
        Failure::new(
            Kind::TooLarge,
            "body-too-large",
            console::text!("the body was cut off, or has more than {most} bytes", "请求体不完整或超过 {most} 字节"),
            Text::fixed("send it in several requests", "请分多次提交"),
        )
    })?;
    Ok(bytes.into())
}

/// A typed document; no field that is not known, none twice.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
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
    use serde::Deserialize;

    use super::{parse, parse_query};

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
        assert!(parse::<Asked>(&[0xff, 0xfe]).is_err());
        assert!(parse_query::<Line>("amount_fen=x").unwrap_err().message.to_string().contains("amount_fen"));
        assert_eq!(parse_query::<Line>("amount_fen=5").unwrap(), Line { amount_fen: 5 });
    }
}
