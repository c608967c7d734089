//! The node's program, as its operations and rounds see it.

use std::sync::Arc;

use node::post::Post;
use node::turns::Turns;
use node::{Failure, Job, Node, Service};
use sqlx::sqlite::SqliteConnection;
use tokio::task::JoinSet;

use crate::config::Settings;

/// Waits until each of some jobs has ended, and yields what they came to: one that fails keeps none of the others from its end.
///
/// # Errors
/// The first failure, once all have ended.
pub async fn all<T: 'static>(mut jobs: JoinSet<Result<T, Failure>>) -> Result<Vec<T>, Failure> {
    let (mut results, mut failed) = (Vec::new(), None);
    while let Some(ended) = jobs.join_next().await {
        match ended.map_err(Failure::internal).and_then(|done| done) {
            Ok(result) => results.push(result),
            Err(failure) => failed = failed.or(Some(failure)),
        }
    }
    failed.map_or(Ok(results), Err)
}

/// Units that are told at once, and channels that are asked at once: each has some threads while it is waited for, and one that is away
/// holds its place for seconds.
const SYSTEMS_AT_ONCE: u16 = 16;

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
    /// The turns of units that are told.
    pub telling: Turns,
    /// The turns of channels that are asked.
    pub asking: Turns,
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
        let turns = || Turns::new(SYSTEMS_AT_ONCE);
        Self { node, settings, post: Post::new(), telling: turns(), asking: turns() }
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
