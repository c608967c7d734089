//! Messages to other systems over HTTP, and over TLS (RFC 8446) where the node is told whose certificates it trusts.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use console::{ExitCode, Fault, Text};
use serde_json::Value;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider};

use crate::failure::{Failure, Kind};

/// The longest that another system may take: the tender gives it three seconds, and as many again are patience.
const TIME: Duration = Duration::from_secs(6);
/// The largest answer that is read, in bytes: a word of receipt, not data.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// The code where the other system is not there, or does not answer in time.
pub const NOT_REACHED: &str = "not-reached";
/// The code where it answers something else than that it took the message.
pub const NOT_RECEIVED: &str = "not-received";

/// The largest file of certificates, in bytes: an authority's chain has a few kilobytes; what is larger is another file.
const CA_BYTES_MAX: u64 = 1 << 20;

/// Sends messages. Clones share connections.
#[derive(Debug, Clone)]
pub struct Post {
    agent: ureq::Agent,
    /// Whether it trusts anybody's certificates; without that no `https` address is reached.
    has_ca: bool,
}

impl Default for Post {
    fn default() -> Self {
        Self::new()
    }
}

impl Post {
    /// A sender that reaches addresses of plain HTTP alone.
    #[must_use]
    pub fn new() -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(TIME)).max_redirects(0).build();
        Self { agent: config.into(), has_ca: false }
    }

    /// A sender that reaches `https` addresses, too, whose certificates one of the authorities in a file of PEM vouches for; no others
    /// are trusted, because both zones have authorities of their own.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub fn trusting(ca: &Path) -> Result<Self, Fault> {
        let shown = ca.display();
        let refuse = |message: Text| {
            let next = Text::fixed("name the authority's certificates in PEM", "请指明 PEM 格式的 CA 证书");
            Fault::new("ca", ExitCode::Config, message, next)
        };
        let mut pem = Vec::new();
        let read = File::open(ca).and_then(|file| file.take(CA_BYTES_MAX).read_to_end(&mut pem));
        read.map_err(|error| {
            refuse(console::text!("node.ca {shown} cannot be read: {error}", "node.ca {shown} 无法读取：{error}"))
        })?;
        let items = ureq::tls::parse_pem(&pem).collect::<Result<Vec<_>, _>>();
        let items = items.map_err(|error| {
            refuse(console::text!("node.ca {shown} is no PEM: {error}", "node.ca {shown} 不是 PEM：{error}"))
        })?;
        let certificate = |item| if let PemItem::Certificate(certificate) = item { Some(certificate) } else { None };
        let certificates: Vec<Certificate<'static>> = items.into_iter().filter_map(certificate).collect();
        if certificates.is_empty() {
            return Err(refuse(console::text!("node.ca {shown} holds no certificate", "node.ca {shown} 不含证书")));
        }
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::from(certificates))
            .build();
        let config = ureq::Agent::config_builder().timeout_global(Some(TIME)).max_redirects(0).tls_config(tls).build();
        Ok(Self { agent: config.into(), has_ca: true })
    }

    /// Sends a document and yields the answer's.
    ///
    /// # Errors
    /// When the other system is not there, takes too long, or answers anything but 200 with JSON.
    pub async fn send(&self, url: String, document: Value) -> Result<Value, Failure> {
        if !self.has_ca && url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) {
            return Err(failed(NOT_REACHED, &url, &"no certificates are trusted; name an authority's as node.ca"));
        }
        let agent = self.agent.clone();
        let sent = tokio::task::spawn_blocking(move || {
            let answer = agent.post(&url).header("Content-Type", "application/json").send(document.to_string());
            let text =
                answer.and_then(|mut answer| answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string());
            let text = text.map_err(|error| {
                let has_answered = matches!(
                    error,
                    ureq::Error::StatusCode(_) | ureq::Error::BodyExceedsLimit(_) | ureq::Error::TooManyRedirects
                );
                failed(if has_answered { NOT_RECEIVED } else { NOT_REACHED }, &url, &error)
            })?;
            serde_json::from_str(&text).map_err(|error| failed(NOT_RECEIVED, &url, &error))
        });
        sent.await.map_err(Failure::internal)?
    }
}

fn failed(code: &'static str, url: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Kind::Busy,
        code,
        console::text!("{url} did not take the message: {error}", "{url} 未受理报文：{error}"),
        Text::fixed("it is sent again; look at the other system", "将自动重发；请检查对方系统"),
    )
}
