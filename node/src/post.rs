//! Messages to other systems over HTTP.

use std::time::Duration;

use console::Text;
use serde_json::Value;

use crate::failure::{Failure, Kind};

/// The longest that another system may take: the tender gives it three seconds, and as many again are patience.
const TIME: Duration = Duration::from_secs(6);
/// The largest answer that is read, in bytes: a word of receipt, not data.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Sends messages. Clones share connections.
#[derive(Debug, Clone)]
pub struct Post(ureq::Agent);

impl Default for Post {
    fn default() -> Self {
        Self::new()
    }
}

impl Post {
    /// A sender.
    #[must_use]
    pub fn new() -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(TIME)).max_redirects(0).build();
        Self(config.into())
    }

    /// Sends a document and yields the answer's.
    ///
    /// # Errors
    /// When the other system is not there, takes too long, or answers anything but 200 with JSON.
    pub async fn send(&self, url: String, document: Value) -> Result<Value, Failure> {
        let agent = self.0.clone();
        let sent = tokio::task::spawn_blocking(move || {
            let answer = agent.post(&url).header("Content-Type", "application/json").send(document.to_string());
            let text =
                answer.and_then(|mut answer| answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string());
            text.map_err(|error| unreached(&url, &error))
                .and_then(|text| serde_json::from_str(&text).map_err(|error| unreached(&url, &error)))
        });
        sent.await.map_err(Failure::internal)?
    }
}

fn unreached(url: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Kind::Busy,
        "not-received",
        console::text!("{url} did not take the message: {error}", "{url} 未受理报文：{error}"),
        Text::fixed("it is sent again; look at the other system", "将自动重发；请检查对方系统"),
    )
}
