//! What comes and is dealt with one by one (待处理): confirmations, requests, reports of counters, payments that were returned.
//!
//! Each waits in a queue of its own. One that cannot be dealt with is set aside with its reason, and the others go on; people let it
//! be tried again when the reason is gone.

use node::rounds::Round;
use node::{Failure, Job, Kind, Moment, Node, unwound};
use sqlx::Executor as _;
use sqlx::sqlite::SqliteConnection;

/// Deals with one, in the caller's transaction.
pub type Deal = for<'c> fn(&'c mut SqliteConnection, &'c Node, &'c str, Moment) -> Job<'c, ()>;

/// A queue: a table with an id and a problem.
#[derive(Debug, Clone, Copy)]
pub struct Queue {
    /// What waits in it, as interfaces name it.
    pub of: &'static str,
    /// Its table.
    pub table: &'static str,
    /// The column of the id.
    pub id: &'static str,
    /// How many are dealt with in one transaction.
    pub at_once: i64,
    /// How one is dealt with.
    pub deal: Deal,
}

/// Every queue.
pub const QUEUES: [&Queue; 4] =
    [&crate::matching::QUEUE, &crate::request::QUEUE, &crate::report::QUEUE, &crate::returned::QUEUE];

/// Deals with what has come, oldest first.
///
/// # Errors
/// When the database cannot be used; then nothing of this round is done.
pub async fn round(node: &Node, queue: &'static Queue) -> Result<Round, Failure> {
    let Queue { table, id, at_once, .. } = *queue;
    let sql = format!("SELECT {id} FROM {table} WHERE problem IS NULL ORDER BY rowid LIMIT {at_once}");
    // A look costs a read: where nothing waits, the writer is left alone.
    let look = sql.clone();
    let waits = node.database.read(|connection| {
        Box::pin(async move { Ok(sqlx::query(sqlx::AssertSqlSafe(look)).fetch_optional(connection).await?.is_some()) })
    });
    if !waits.await? {
        return Ok(Round::Rest);
    }
    let (for_job, now) = (node.clone(), node.clock.now());
    let done = node.database.write(move |connection| {
        Box::pin(async move {
            let waiting: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
            for one in &waiting {
                try_one(connection, &for_job, queue, one, now).await?;
            }
            Ok(())
        })
    });
    done.await?;
    Ok(Round::More)
}

/// Deals with one and takes it out of its queue, or sets it aside.
async fn try_one(
    connection: &mut SqliteConnection,
    node: &Node,
    queue: &Queue,
    one: &str,
    now: Moment,
) -> Result<(), Failure> {
    connection.execute("SAVEPOINT item").await?;
    let dealt = unwound(async {
        let sql = format!("DELETE FROM {} WHERE {} = ?1", queue.table, queue.id);
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(one.to_owned()).execute(&mut *connection).await?;
        (queue.deal)(connection, node, one, now).await
    });
    match dealt.await.and_then(|done| done) {
        Ok(()) => {
            connection.execute("RELEASE item").await?;
            Ok(())
        }
        Err(failure) => {
            connection.execute("ROLLBACK TO item; RELEASE item").await?;
            set_aside(connection, queue, one, failure).await
        }
    }
}

/// What is busy is tried again as a whole; everything else waits for people.
async fn set_aside(
    connection: &mut SqliteConnection,
    queue: &Queue,
    one: &str,
    failure: Failure,
) -> Result<(), Failure> {
    if failure.kind == Kind::Busy {
        return Err(failure);
    }
    tracing::error!(code = failure.code, "the {} {one} waits for people: {}", queue.of, failure.message);
    let sql = format!("UPDATE {} SET problem = ?2 WHERE {} = ?1", queue.table, queue.id);
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(one.to_owned()).bind(failure.to_string()).execute(connection).await?;
    Ok(())
}

/// Something that waits for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The queue.
    pub of: &'static str,
    /// Its id.
    pub id: String,
    /// What stands in its way.
    pub problem: String,
}

/// What waits for people, the oldest of each queue first, up to so many of each.
///
/// # Errors
/// When the database cannot be read.
pub async fn problems(connection: &mut SqliteConnection, most: i64) -> Result<Vec<Waiting>, Failure> {
    let mut found = Vec::new();
    for queue in QUEUES {
        let Queue { of, table, id, .. } = *queue;
        let sql = format!("SELECT {id}, problem FROM {table} WHERE problem IS NOT NULL ORDER BY rowid LIMIT ?1");
        let rows: Vec<(String, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(most).fetch_all(&mut *connection).await?;
        found.extend(rows.into_iter().map(|(id, problem)| Waiting { of, id, problem }));
    }
    Ok(found)
}

/// How much waits for people.
///
/// # Errors
/// When the database cannot be read.
pub async fn count_problems(connection: &mut SqliteConnection) -> Result<u64, Failure> {
    let each = QUEUES.map(|queue| format!("(SELECT count(*) FROM {} WHERE problem IS NOT NULL)", queue.table));
    let sql = format!("SELECT {}", each.join(" + "));
    let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(connection).await?;
    u64::try_from(count).map_err(Failure::internal)
}

/// Lets the next round try one again. Yields whether any of that id waited for people.
///
/// # Errors
/// When the database cannot be written.
pub async fn free(connection: &mut SqliteConnection, one: &str) -> Result<bool, Failure> {
    let mut freed = 0;
    for queue in QUEUES {
        let sql = format!("UPDATE {} SET problem = NULL WHERE {} = ?1 AND problem IS NOT NULL", queue.table, queue.id);
        let done = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(one.to_owned()).execute(&mut *connection).await?;
        freed += done.rows_affected();
    }
    Ok(freed > 0)
}
