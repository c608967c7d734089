//! The node's program, as its operations and rounds see it.

use std::sync::Arc;

use node::post::Post;
use node::{Failure, Job, Node, Service};
use sqlx::sqlite::SqliteConnection;
use tokio::task::JoinSet;

use crate::config::Settings;

/// Waits until each of some jobs has ended: one that fails keeps none of the others from its end.
///
/// # Errors
/// The first failure, once all have ended.
pub async fn all(mut jobs: JoinSet<Result<(), Failure>>) -> Result<(), Failure> {
    let mut failed = None;
    while let Some(ended) = jobs.join_next().await {
        if let Err(failure) = ended.map_err(Failure::internal).and_then(|done| done) {
            failed = failed.or(Some(failure));
        }
    }
    failed.map_or(Ok(()), Err)
}

/// 执收单位系统: systems of agencies.
pub const UNIT: &str = "unit";
/// 支付渠道: banks and payment companies.
pub const CHANNEL: &str = "channel";

/// As many of each kind are counted, at most: the machine asks often, and a thousand are as alarming as more.
const PROBLEMS_MAX: i64 = 1_000;

/// What waits for people: exceptions (confirmations of which no transaction could be made are among them), evidence that was given and
/// not decided about, and notifications that were given up. Each has an index of what waits alone.
async fn count_problems(connection: &mut SqliteConnection) -> Result<u64, Failure> {
    let count: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM outer_exception WHERE is_closed = 0 LIMIT ?1)) \
         + (SELECT count(*) FROM (SELECT 1 FROM outer_evidence WHERE state = 0 LIMIT ?1)) \
         + (SELECT count(*) FROM (SELECT 1 FROM outer_callback WHERE given_up_ms IS NOT NULL LIMIT ?1))",
    )
    .bind(PROBLEMS_MAX)
    .fetch_one(connection)
    .await?;
    u64::try_from(count).map_err(Failure::internal)
}

/// The node's program.
#[derive(Debug)]
pub struct PayNode {
    /// What every part works with.
    pub node: Node,
    /// What the configuration came to.
    pub settings: Settings,
    /// Sends messages.
    pub post: Post,
}

impl Service for PayNode {
    fn node(&self) -> &Node {
        &self.node
    }

    async fn problems(&self) -> Result<u64, Failure> {
        self.read(|connection| Box::pin(count_problems(connection))).await
    }
}

impl PayNode {
    /// The program.
    #[must_use]
    pub fn new(node: Node, settings: Settings) -> Self {
        Self { node, settings, post: Post::new() }
    }

    /// Reads on one snapshot.
    ///
    /// # Errors
    /// What the job fails with.
    pub async fn read<T, F>(&self, job: F) -> Result<T, Failure>
    where
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Job<'c, T>,
    {
        self.node.database.read(job).await
    }

    /// Writes in one transaction; the job has the program for its own.
    ///
    /// # Errors
    /// What the job fails with, or why its transaction did; then nothing was written.
    pub async fn write<T, F>(self: &Arc<Self>, job: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Arc<Self>, &'c mut SqliteConnection) -> Job<'c, T> + Send + 'static,
    {
        let own = Arc::clone(self);
        self.node.database.write(move |connection| job(own, connection)).await
    }
}
